/*
 * compat: kernel interfaces newer than the headers we build with.
 *
 * Numbers and layouts are the kernel's published ABI; they never change.
 */
#ifndef MR_SANDBOX_COMPAT_H
#define MR_SANDBOX_COMPAT_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* --- clone3 --- */
#define MR_CLONE_PIDFD         0x00001000ULL
#define MR_CLONE_CLEAR_SIGHAND 0x100000000ULL
#define MR_CLONE_INTO_CGROUP   0x200000000ULL

struct mr_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};

/* --- mounts --- */
#define MR_OPEN_TREE_CLONE   1u
#define MR_OPEN_TREE_CLOEXEC O_CLOEXEC
#define MR_AT_RECURSIVE      0x8000u
#define MR_MOVE_EMPTY_PATH   0x00000004u /* the source is the descriptor itself */
#define MR_FSOPEN_CLOEXEC    1u
#define MR_FSMOUNT_CLOEXEC   1u
#define MR_FSCONFIG_FLAG     0u
#define MR_FSCONFIG_STRING   1u
#define MR_FSCONFIG_CREATE   6u
#define MR_ATTR_RDONLY       0x01u
#define MR_ATTR_NOSUID       0x02u
#define MR_ATTR_NODEV        0x04u
#define MR_ATTR_NOEXEC       0x08u

struct mr_mount_attr {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};

static inline int
mr_sys_clone3(struct mr_clone_args *args)
{
    return (int)syscall(435 /* clone3 */, args, sizeof(*args));
}

static inline int
mr_sys_open_tree(int dir, const char *path, unsigned flags)
{
    return (int)syscall(428, dir, path, flags);
}

static inline int
mr_sys_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
    return (int)syscall(429, from, from_path, to, to_path, flags);
}

static inline int
mr_sys_fsopen(const char *type, unsigned flags)
{
    return (int)syscall(430, type, flags);
}

static inline int
mr_sys_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux)
{
    return (int)syscall(431, fd, command, key, value, aux);
}

static inline int
mr_sys_fsmount(int fd, unsigned flags, unsigned attributes)
{
    return (int)syscall(432, fd, flags, attributes);
}

static inline int
mr_sys_mount_setattr(int dir, const char *path, unsigned flags, struct mr_mount_attr *attr)
{
    return (int)syscall(442, dir, path, flags, attr, sizeof(*attr));
}

static inline int
mr_sys_close_range(unsigned first, unsigned last)
{
    return (int)syscall(436, first, last, 0);
}

static inline int
mr_sys_pivot_root(const char *new_root, const char *put_old)
{
    return (int)syscall(SYS_pivot_root, new_root, put_old);
}

#endif
