#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"

/* Newer than the headers we build with; the kernel's published ABI. */
#define LL_EXECUTE      (1ULL << 0)
#define LL_WRITE_FILE   (1ULL << 1)
#define LL_READ_FILE    (1ULL << 2)
#define LL_READ_DIR     (1ULL << 3)
#define LL_ABI1         ((1ULL << 13) - 1)
#define LL_REFER        (1ULL << 13) /* ABI 2 */
#define LL_TRUNCATE     (1ULL << 14) /* ABI 3 */
#define LL_IOCTL_DEV    (1ULL << 15) /* ABI 5 */
#define LL_BIND_TCP     (1ULL << 0)  /* ABI 4 */
#define LL_CONNECT_TCP  (1ULL << 1)
#define LL_SCOPE_UNIX   (1ULL << 0) /* ABI 6 */
#define LL_SCOPE_SIGNAL (1ULL << 1)
#define LL_RULE_PATH    1
#define LL_RULE_PORT    2
#define LL_VERSION      1u

struct ruleset_attr {
    uint64_t access_fs, access_net, scoped;
};
struct path_attr {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));
struct port_attr {
    uint64_t access, port;
};

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };

/* What makes sense on a file; the rest is about directories. */
static const uint64_t of_files =
    LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE | LL_IOCTL_DEV;

int
mr_landlock_abi(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, LL_VERSION);

    return abi < 0 ? 0 : (int)abi;
}

static uint64_t
rights_of(int abi)
{
    uint64_t rights = LL_ABI1;

    rights |= abi >= 2 ? LL_REFER : 0;
    rights |= abi >= 3 ? LL_TRUNCATE : 0;
    rights |= abi >= 5 ? LL_IOCTL_DEV : 0;
    return rights;
}

static int
add_path(int ruleset, const struct mr_landlock_path_rule *rule, uint64_t all)
{
    struct stat stat;
    mr_auto_fd int fd = open(rule->path, O_PATH | O_CLOEXEC);

    if (fd < 0) {
        return errno == ENOENT || errno == EACCES ? 0 : -errno;
    }
    if (fstat(fd, &stat) < 0) {
        return -errno;
    }
    uint64_t access = rule->writable ? all : LL_EXECUTE | LL_READ_FILE | LL_READ_DIR;
    if (!S_ISDIR(stat.st_mode)) {
        access &= of_files;
    }
    struct path_attr path = { .access = access & all, .fd = fd };
    return syscall(ADD_RULE, ruleset, LL_RULE_PATH, &path, 0) < 0 ? -errno : 0;
}

static int
add_ports(int ruleset, const struct mr_landlock_rules *rules)
{
    for (size_t i = 0; i < rules->port_count; i++) {
        struct port_attr port = { .access = LL_CONNECT_TCP, .port = rules->ports[i] };
        if (syscall(ADD_RULE, ruleset, LL_RULE_PORT, &port, 0) < 0) {
            return -errno;
        }
    }
    return 0;
}

static size_t
ruleset_size(int abi)
{
    return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static int
enter(const struct mr_landlock_rules *rules, bool scoped)
{
    uint64_t rights = rights_of(rules->abi);
    struct ruleset_attr attr = { .access_fs = rights };

    if (rules->abi >= 4 && rules->restrict_tcp) {
        attr.access_net = LL_BIND_TCP | LL_CONNECT_TCP;
    }
    if (rules->abi >= 6 && scoped) {
        attr.scoped = LL_SCOPE_UNIX | LL_SCOPE_SIGNAL;
    }
    mr_auto_fd int ruleset = (int)syscall(CREATE_RULESET, &attr, ruleset_size(rules->abi), 0);
    if (ruleset < 0) {
        return -errno;
    }
    for (const struct mr_landlock_path_rule *rule = rules->paths; rule->path != NULL; rule++) {
        int rc = add_path(ruleset, rule, rights);
        if (rc < 0) {
            return rc;
        }
    }
    int rc = attr.access_net != 0 ? add_ports(ruleset, rules) : 0;
    if (rc < 0) {
        return rc;
    }
    return syscall(RESTRICT_SELF, ruleset, 0) < 0 ? -errno : 0;
}

int
mr_landlock_enter(const struct mr_landlock_rules *rules)
{
    return enter(rules, true);
}

int
mr_landlock_enter_files(const struct mr_landlock_rules *rules)
{
    return enter(rules, false);
}
