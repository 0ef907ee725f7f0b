#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "sandbox/compat.h"

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };

/* What makes sense on a file; the rest is about directories. */
static const uint64_t of_files =
    MR_LL_EXECUTE | MR_LL_WRITE_FILE | MR_LL_READ_FILE | MR_LL_TRUNCATE | MR_LL_IOCTL_DEV;

int
mr_landlock_abi(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, MR_LL_VERSION);

    return abi < 0 ? 0 : (int)abi;
}

static uint64_t
rights_of(int abi)
{
    uint64_t rights = MR_LL_ABI1;

    rights |= abi >= 2 ? MR_LL_REFER : 0;
    rights |= abi >= 3 ? MR_LL_TRUNCATE : 0;
    rights |= abi >= 5 ? MR_LL_IOCTL_DEV : 0;
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
    uint64_t access = rule->writable ? all : MR_LL_EXECUTE | MR_LL_READ_FILE | MR_LL_READ_DIR;
    if (!S_ISDIR(stat.st_mode)) {
        access &= of_files;
    }
    struct mr_landlock_path path = { .access = access & all, .fd = fd };
    return syscall(ADD_RULE, ruleset, MR_LL_RULE_PATH, &path, 0) < 0 ? -errno : 0;
}

static int
add_ports(int ruleset, const struct mr_landlock_rules *rules)
{
    for (size_t i = 0; i < rules->port_count; i++) {
        struct mr_landlock_port port = { .access = MR_LL_CONNECT_TCP, .port = rules->ports[i] };
        if (syscall(ADD_RULE, ruleset, MR_LL_RULE_PORT, &port, 0) < 0) {
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

int
mr_landlock_enter(const struct mr_landlock_rules *rules)
{
    uint64_t rights = rights_of(rules->abi);
    struct mr_landlock_ruleset attr = { .access_fs = rights };

    if (rules->abi >= 4 && rules->restrict_tcp) {
        attr.access_net = MR_LL_BIND_TCP | MR_LL_CONNECT_TCP;
    }
    if (rules->abi >= 6) {
        attr.scoped = MR_LL_SCOPE_UNIX | MR_LL_SCOPE_SIGNAL;
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
