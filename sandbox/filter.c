#include "sandbox/filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sandbox/policy.h"

enum {
    NAMED_CALLS = 512,
    NEW_NAMESPACES = 0x7E020000, /* every CLONE_NEW* of clone(2) */
    SOCKET_TYPE = 0xf,
};

typedef struct scmp_arg_cmp cmp;

static cmp
equals(unsigned argument, uint32_t value)
{
    return SCMP_CMP(argument, SCMP_CMP_EQ, value);
}

static cmp
under_mask(unsigned argument, uint32_t mask, uint32_t value)
{
    return SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, mask, value);
}

/* The terminal queries, FIO*, SIOC* and file flags a program makes; TIOCSTI and its like are
 * not here. */
static const uint32_t ioctls[] = {
    0x5401 /* TCGETS */,
    0x5413 /* TIOCGWINSZ */,
    0x540f /* TIOCGPGRP */,
    0x5411 /* TIOCOUTQ */,
    0x541b /* FIONREAD */,
    0x5421 /* FIONBIO */,
    0x5450 /* FIONCLEX */,
    0x5451 /* FIOCLEX */,
    0x5452 /* FIOASYNC */,
    0x5460 /* FIOQSIZE */,
    0x80045430 /* TIOCGPTN */,
    0x8901 /* FIOSETOWN */,
    0x8903 /* FIOGETOWN */,
    0x8905 /* SIOCATMARK */,
    0x8910 /* SIOCGIFNAME */,
    0x8912 /* SIOCGIFCONF */,
    0x8913 /* SIOCGIFFLAGS */,
    0x8915 /* SIOCGIFADDR */,
    0x8919 /* SIOCGIFBRDADDR */,
    0x891b /* SIOCGIFNETMASK */,
    0x8921 /* SIOCGIFMTU */,
    0x8927 /* SIOCGIFHWADDR */,
    0x8933 /* SIOCGIFINDEX */,
    0x8942 /* SIOCGIFTXQLEN */,
    0x80086601 /* FS_IOC_GETFLAGS */,
    0x8906 /* SIOCGSTAMP */,
    0x1 /* FIBMAP: refused by its capability */,
    0xc020660b /* FS_IOC_FIEMAP */,
    0x40049409 /* FICLONE */,
    0x4020940d /* FICLONERANGE */,
};
static const uint32_t personalities[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };
/* S_IFREG, none (which means a file), S_IFIFO, S_IFSOCK. */
static const uint32_t node_types[] = { 0x8000, 0, 0x1000, 0xc000 };

static int
allow_if(scmp_filter_ctx ctx, const char *name, unsigned count, const cmp *conditions)
{
    int number = seccomp_syscall_resolve_name(name);

    if (number < 0) {
        return 0; /* this machine has no such call */
    }
    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, count, conditions);
}

static int
allow_values(scmp_filter_ctx ctx, const char *name, unsigned argument, const uint32_t *values,
             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cmp condition = under_mask(argument, 0xffffffff, values[i]);
        int rc = allow_if(ctx, name, 1, &condition);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* The Internet's families: any type, or streams only. */
static int
allow_internet(scmp_filter_ctx ctx, uint32_t family, bool no_udp)
{
    cmp conditions[] = { equals(0, family), under_mask(1, SOCKET_TYPE, SOCK_STREAM) };
    int rc = allow_if(ctx, "socket", 2, conditions);

    if (rc == 0 && !no_udp) {
        conditions[1] = under_mask(1, SOCKET_TYPE, SOCK_DGRAM);
        rc = allow_if(ctx, "socket", 2, conditions);
    }
    return rc;
}

static int
add_checked_calls(scmp_filter_ctx ctx, bool no_udp)
{
    cmp local = equals(0, AF_UNIX);
    cmp route[] = { equals(0, AF_NETLINK), equals(2, 0 /* NETLINK_ROUTE */) };
    cmp no_namespace = under_mask(0, NEW_NAMESPACES, 0);
    cmp self = equals(0, 0);
    int rc = allow_if(ctx, "socket", 1, &local);

    rc = rc < 0 ? rc : allow_if(ctx, "socket", 2, route);
    rc = rc < 0 ? rc : allow_internet(ctx, AF_INET, no_udp);
    rc = rc < 0 ? rc : allow_internet(ctx, AF_INET6, no_udp);
    rc = rc < 0 ? rc : allow_if(ctx, "clone", 1, &no_namespace);
    rc = rc < 0 ? rc : allow_if(ctx, "prlimit64", 1, &self);
    rc = rc < 0 ? rc
                : allow_values(ctx, "personality", 0, personalities,
                               sizeof(personalities) / sizeof(personalities[0]));
    rc =
        rc < 0 ? rc : allow_values(ctx, "ioctl", 1, ioctls, sizeof(ioctls) / sizeof(ioctls[0]));
    for (size_t i = 0; rc == 0 && i < sizeof(node_types) / sizeof(node_types[0]); i++) {
        cmp mode = under_mask(1, 0xf000, node_types[i]);
        cmp mode_at = under_mask(2, 0xf000, node_types[i]);
        rc = allow_if(ctx, "mknod", 1, &mode);
        rc = rc < 0 ? rc : allow_if(ctx, "mknodat", 1, &mode_at);
    }
    return rc;
}

static bool
is_added(const struct mr_seccomp_filter_options *options, const char *name)
{
    for (size_t i = 0; i < options->allow_count; i++) {
        if (strcmp(options->allows[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int
add_profile(scmp_filter_ctx ctx, const struct mr_seccomp_filter_options *options)
{
    size_t count;
    const char *const *names = mr_policy_default(&count);

    for (size_t i = 0; i < count; i++) {
        if (options->profile == MR_SANDBOX_PROFILE_STRICT &&
            mr_policy_strict_denies(names[i]) && !is_added(options, names[i])) {
            continue;
        }
        int rc = allow_if(ctx, names[i], 0, NULL);
        if (rc < 0) {
            return rc;
        }
    }
    return add_checked_calls(ctx, options->no_udp);
}

/* A call with argument rules that is allowed by name is allowed with any arguments. */
static int
add_allows(scmp_filter_ctx ctx, const struct mr_seccomp_filter_options *options,
           struct mr_error *err)
{
    for (size_t i = 0; i < options->allow_count; i++) {
        int number = seccomp_syscall_resolve_name(options->allows[i]);
        if (number < 0) {
            return mr_fail(err, -EINVAL,
                           "AllowSyscalls: no system call is named \"%.40s\" here",
                           options->allows[i]);
        }
        int rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, 0, NULL);
        if (rc < 0 && rc != -EEXIST) {
            return mr_fail(err, rc, "AllowSyscalls: %.40s: %s", options->allows[i],
                           strerror(-rc));
        }
    }
    return 0;
}

static int
build(scmp_filter_ctx ctx, const struct mr_seccomp_filter_options *options,
      struct mr_error *err)
{
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    rc = rc < 0 ? rc : seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0 && !is_added(options, "clone3")) {
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    }
    rc = rc < 0 ? rc : add_profile(ctx, options);
    if (rc < 0) {
        return mr_fail(err, rc, "make the system call filter: %s", strerror(-rc));
    }
    return add_allows(ctx, options, err);
}

static int
export_code(scmp_filter_ctx ctx, struct mr_seccomp_filter *filter, struct mr_error *err)
{
    mr_auto_fd int fd = memfd_create("filter", MFD_CLOEXEC);
    struct stat stat;

    int rc = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);
    if (rc < 0 || fstat(fd, &stat) < 0) {
        return mr_fail(err, rc < 0 ? rc : -errno, "export the system call filter");
    }
    size_t size = (size_t)stat.st_size;
    filter->code = mr_alloc(size);
    filter->length = (unsigned short)(size / sizeof(struct sock_filter));
    if (pread(fd, filter->code, size, 0) != (ssize_t)size) {
        return mr_fail(err, -EIO, "read the system call filter back");
    }
    return 0;
}

struct mr_seccomp_filter *
mr_seccomp_filter_new(const struct mr_seccomp_filter_options *options, struct mr_error *err)
{
    scmp_filter_ctx ctx =
        seccomp_init(options->notify ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EPERM));

    if (ctx == NULL) {
        mr_fail(err, -ENOSYS, "this libseccomp cannot make the filter");
        return NULL;
    }
    mr_auto(mr_seccomp_filter_free) struct mr_seccomp_filter *filter =
        mr_alloc_zero(1, sizeof(*filter));
    int rc = build(ctx, options, err);
    rc = rc < 0 ? rc : export_code(ctx, filter, err);
    seccomp_release(ctx);
    return rc < 0 ? NULL : MR_TAKE(filter);
}

void
mr_seccomp_filter_free(struct mr_seccomp_filter *filter)
{
    if (filter != NULL) {
        free(filter->code);
        free(filter);
    }
}

const char *
mr_seccomp_filter_call_name(int number)
{
    static char *names[NAMED_CALLS];

    if (number < 0 || number >= NAMED_CALLS) {
        return NULL;
    }
    if (names[number] == NULL) {
        names[number] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    }
    return names[number];
}
