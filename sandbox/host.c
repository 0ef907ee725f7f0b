#include "sandbox/host.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/landlock.h"
#include "sandbox/compat.h"

enum {
    ALL_NAMESPACES = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
                     CLONE_NEWUTS | CLONE_NEWCGROUP,
};

/* Runs `probe` in a child, so that nothing it does sticks. Its errno, 0 when it worked. */
static int
try_in_child(int (*probe)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(probe());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return EIO;
    }
    return WEXITSTATUS(status);
}

static int
probe_namespaces(void)
{
    return unshare(ALL_NAMESPACES) < 0 ? errno : 0;
}

/* In a nested sandbox the kernel refuses a /proc that would show more than the outer one. */
static int
probe_own_proc(void)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) < 0) {
        return errno;
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(mount("proc", "/proc", "proc", 0, NULL) < 0 ? errno : 0);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
        return EIO;
    }
    return WEXITSTATUS(status);
}

static int
probe_seccomp(void)
{
    unsigned action = SECCOMP_RET_USER_NOTIF;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? errno : 0;
}

static int
write_text(const char *path, const char *text)
{
    mr_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/*
 * An ordinary user's daemon gets a user namespace of its own, in which it may
 * mount; it stays who it is, one id mapped to itself.
 */
static int
enter_own_namespaces(const struct mr_host *host, struct mr_error *err)
{
    char map[64];

    if (host->root) {
        return unshare(CLONE_NEWNS) < 0
                   ? mr_fail(err, -errno, "a mount namespace for sandboxd: %s", strerror(errno))
                   : 0;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
        return mr_fail(err, -errno, "a user namespace for sandboxd: %s", strerror(errno));
    }
    int rc = write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "%u %u 1\n", (unsigned)host->uid, (unsigned)host->uid);
    rc = rc < 0 ? rc : write_text("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "%u %u 1\n", (unsigned)host->gid, (unsigned)host->gid);
    rc = rc < 0 ? rc : write_text("/proc/self/gid_map", map);
    return rc < 0 ? mr_fail(err, rc, "map our own user: %s", strerror(-rc)) : 0;
}

static void
probe_kernel(struct mr_host *host, uint32_t hide)
{
    int code = (hide & MR_SANDBOX_HAS_USER_NS) != 0 ? EPERM : try_in_child(probe_namespaces);

    if (code == 0) {
        host->mechanisms |= MR_SANDBOX_HAS_USER_NS;
        host->own_proc = try_in_child(probe_own_proc) == 0;
    } else {
        snprintf(host->namespace_text, sizeof(host->namespace_text), "%s",
                 (hide & MR_SANDBOX_HAS_USER_NS) != 0 ? "hidden" : strerror(code));
    }
    if (host->root) {
        host->mechanisms |= MR_SANDBOX_HAS_OWN_UID;
    }
    if ((hide & MR_SANDBOX_HAS_LANDLOCK) == 0) {
        host->landlock_abi = mr_landlock_abi();
        host->mechanisms |= host->landlock_abi > 0 ? MR_SANDBOX_HAS_LANDLOCK : 0;
    }
    if ((hide & MR_SANDBOX_HAS_SECCOMP) == 0 && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0) {
        host->mechanisms |= MR_SANDBOX_HAS_SECCOMP;
        if ((hide & MR_SANDBOX_HAS_NOTIFY) == 0 && try_in_child(probe_seccomp) == 0) {
            host->mechanisms |= MR_SANDBOX_HAS_NOTIFY;
        }
    }
}

static void
open_cgroups(struct mr_host *host, uint32_t hide)
{
    struct mr_error why;

    if ((hide & MR_SANDBOX_HAS_CGROUP_LIMITS) != 0) {
        snprintf(host->cgroup_text, sizeof(host->cgroup_text), "none: hidden");
        return;
    }
    host->cgroups = mr_cgroups_open(&why);
    if (host->cgroups == NULL) {
        snprintf(host->cgroup_text, sizeof(host->cgroup_text), "none: %.180s", why.text);
        return;
    }
    host->mechanisms |= MR_SANDBOX_HAS_CGROUP_LIMITS;
    if (mr_cgroups_place_at_clone(host->cgroups) &&
        (hide & MR_SANDBOX_HAS_CLONE_INTO_CGROUP) == 0) {
        host->mechanisms |= MR_SANDBOX_HAS_CLONE_INTO_CGROUP;
    }
    if (mr_cgroups_freeze(host->cgroups) && (hide & MR_SANDBOX_HAS_FREEZER) == 0) {
        host->mechanisms |= MR_SANDBOX_HAS_FREEZER;
    }
    snprintf(host->cgroup_text, sizeof(host->cgroup_text), "%s",
             mr_cgroups_text(host->cgroups));
}

/*
 * What of root's rights a launch needs; the rest goes, for good. A user
 * namespace we make has all of them again, inside itself.
 */
static const unsigned kept_capabilities[] = {
    CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID,       CAP_SETPCAP,         CAP_CHOWN,
    CAP_FOWNER,    CAP_KILL,   CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SYS_RESOURCE
};

static int
drop_most_rights(struct mr_error *err)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];
    uint32_t kept[2] = { 0 };

    if (syscall(SYS_capget, &header, sets) < 0) {
        return mr_fail(err, -errno, "read our capabilities: %s", strerror(errno));
    }
    for (size_t i = 0; i < sizeof(kept_capabilities) / sizeof(kept_capabilities[0]); i++) {
        kept[kept_capabilities[i] / 32] |= 1u << (kept_capabilities[i] % 32);
    }
    for (size_t i = 0; i < 2; i++) {
        sets[i].permitted &= kept[i];
        sets[i].effective = sets[i].permitted;
        sets[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, sets) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return mr_fail(err, -errno, "give up our rights: %s", strerror(errno));
    }
    return 0;
}

static int
open_namespaces(struct mr_host *host, struct mr_error *err)
{
    if (enter_own_namespaces(host, err) < 0 || mr_skeleton_build(&host->skeleton, err) < 0) {
        return err->code;
    }
    host->skeleton_built = true;
    return 0;
}

static void
choose_level(struct mr_host *host)
{
    host->level = !mr_host_has(host, MR_SANDBOX_HAS_USER_NS)         ? MR_SANDBOX_L3
                  : !mr_host_has(host, MR_SANDBOX_HAS_CGROUP_LIMITS) ? MR_SANDBOX_L2
                                                                     : MR_SANDBOX_L1;
}

int
mr_host_open(struct mr_host *out_host, const struct mr_host_options *options,
             struct mr_error *err)
{
    struct mr_host host = { .root = geteuid() == 0, .uid = geteuid(), .gid = getegid() };

    host.first_uid =
        MR_HOST_FIRST_UID + MR_SANDBOX_MAX_RUNNING * ((uid_t)getpid() % MR_HOST_UID_BLOCKS);
    if (options->off) {
        host.level = MR_SANDBOX_L0;
        *out_host = host;
        return 0;
    }
    probe_kernel(&host, options->hide);
    open_cgroups(&host, options->hide);
    if (mr_host_has(&host, MR_SANDBOX_HAS_USER_NS) && open_namespaces(&host, err) < 0) {
        mr_host_close(&host);
        return err->code;
    }
    if (!host.skeleton_built &&
        mr_run_dir_make(host.skeleton.run_dir, sizeof(host.skeleton.run_dir), err) < 0) {
        return err->code;
    }
    choose_level(&host);
    if (host.root && drop_most_rights(err) < 0) {
        mr_host_close(&host);
        return err->code;
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (host.level == MR_SANDBOX_L3 && (!mr_host_has(&host, MR_SANDBOX_HAS_LANDLOCK) ||
                                        !mr_host_has(&host, MR_SANDBOX_HAS_SECCOMP))) {
        mr_host_close(&host);
        return mr_fail(
            err, -ENOTSUP,
            "this host has neither user namespaces nor both of Landlock and seccomp: "
            "nothing would hold a handler; --off runs without a sandbox");
    }
    *out_host = host;
    return 0;
}

void
mr_host_close(struct mr_host *host)
{
    mr_cgroups_close(host->cgroups);
    host->cgroups = NULL;
    if (host->skeleton_built) {
        mr_skeleton_remove(&host->skeleton);
    } else if (host->skeleton.run_dir[0] != 0) {
        (void)rmdir(host->skeleton.run_dir);
    }
    host->skeleton_built = false;
    host->skeleton.run_dir[0] = 0;
}

void
mr_host_describe(const struct mr_host *host, char *out_text, size_t capacity)
{
    if (host->level == MR_SANDBOX_L0) {
        snprintf(out_text, capacity, "L0: NO SANDBOX: handlers run as %s with all its rights",
                 host->root ? "root" : "the user who started this");
        return;
    }
    char landlock[32] = "none";
    if (host->landlock_abi > 0) {
        snprintf(landlock, sizeof(landlock), "ABI %d", host->landlock_abi);
    }
    snprintf(out_text, capacity,
             "L%d; namespaces: %s%s%s; uid: %s; cgroup: %s; seccomp: %s; Landlock: %s",
             host->level,
             host->level == MR_SANDBOX_L3 ? "none, " : "user pid mount net ipc uts cgroup",
             host->namespace_text,
             host->level != MR_SANDBOX_L3 && !host->own_proc ? " (/proc is the host's)" : "",
             host->root ? "one of its own for each environment"
                        : "ours; environments are told apart by their listeners alone",
             host->cgroup_text,
             !mr_host_has(host, MR_SANDBOX_HAS_SECCOMP) ? "none"
             : mr_host_has(host, MR_SANDBOX_HAS_NOTIFY) ? "filter, refused calls are named"
                                                        : "filter",
             landlock);
}
