#include "sandbox/report.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "sandbox/client.h"
#include "sandbox/message.h"

enum { HELLO_WAIT_MS = 10000 };

static const struct {
    uint32_t mechanism;
    const char *name;
    const char *gives;
    const char *as_root; /* what it would take */
    const char *as_user; /* NULL: the same */
} rows[] = {
    { MR_SANDBOX_HAS_USER_NS, "namespaces",
      "users, processes, mounts, network, ipc and host name of its own",
      "allow user namespaces: sysctl -w user.max_user_namespaces=65536; in a container, lift "
      "its "
      "seccomp profile",
      "allow user namespaces: as root, sysctl -w user.max_user_namespaces=65536 "
      "kernel.unprivileged_userns_clone=1" },
    { MR_SANDBOX_HAS_CGROUP_LIMITS, "cgroup limits",
      "memory, CPU and process limits of the whole tree",
      "mount cgroup2 at /sys/fs/cgroup, or run where it is writable",
      "run in a delegated cgroup: systemd-run --user --scope -p Delegate=yes millrace up; or "
      "as "
      "root" },
    { MR_SANDBOX_HAS_CLONE_INTO_CGROUP, "placed at clone",
      "no moment outside its limits, and no wait for the kernel", "cgroup v2 and kernel 5.7",
      NULL },
    { MR_SANDBOX_HAS_FREEZER, "freezer", "idle handlers stand still in microseconds",
      "cgroup v2 and kernel 5.2, or the v1 freezer; until then they are stopped by signals",
      NULL },
    { MR_SANDBOX_HAS_SECCOMP, "seccomp", "an allowlist of system calls",
      "a kernel with CONFIG_SECCOMP_FILTER", NULL },
    { MR_SANDBOX_HAS_NOTIFY, "refused calls are named", "once each in the function's log",
      "kernel 5.0 or later; until then they fail without a word", NULL },
    { MR_SANDBOX_HAS_LANDLOCK, "Landlock", "a second fence of files, sockets and signals",
      "kernel 5.13 or later, booted with landlock in lsm=", NULL },
    { MR_SANDBOX_HAS_OWN_UID, "uid of its own", "each environment is a user nobody else is",
      "run sandboxd as root", NULL },
};

const char *
mr_sandbox_advice(uint32_t mechanism, bool root)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].mechanism == mechanism) {
            return root || rows[i].as_user == NULL ? rows[i].as_root : rows[i].as_user;
        }
    }
    return "";
}

static int
receive_hello(int fd, struct mr_sandbox_hello *out_hello, struct mr_error *err)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    int fds[MR_MESSAGE_MAX_FDS];
    size_t fd_count = 0;
    union mr_sandbox_reply_any any;

    if (poll(&ready, 1, HELLO_WAIT_MS) != 1) {
        return mr_fail(err, -ETIMEDOUT, "sandboxd said nothing for %d ms", HELLO_WAIT_MS);
    }
    ssize_t got = mr_message_receive(fd, &any, sizeof(any), fds, MR_MESSAGE_MAX_FDS, &fd_count,
                                     MSG_DONTWAIT);
    if (got <= 0) {
        return mr_fail(err, -EPIPE, "sandboxd did not start; its reason is above");
    }
    int rc = mr_sandbox_reply_check(&any, (size_t)got, fd_count, err);
    if (rc == 0 && any.kind != MR_SANDBOX_HELLO) {
        rc = mr_fail(err, -EPROTO, "sandboxd began without a hello");
    }
    if (rc == 0) {
        *out_hello = any.hello;
    }
    return rc;
}

int
mr_sandbox_probe(const char *daemon_path, struct mr_sandbox_hello *out_hello,
                 struct mr_error *err)
{
    struct mr_sandboxd_options options = { .quiet = true };
    pid_t daemon;
    int fd = mr_sandboxd_spawn(daemon_path, &options, &daemon, err);

    if (fd < 0) {
        return fd;
    }
    int rc = receive_hello(fd, out_hello, err);
    close(fd);
    while (waitpid(daemon, NULL, 0) < 0 && errno == EINTR) {
    }
    return rc;
}

static const char *
level_words(uint32_t level)
{
    switch (level) {
    case MR_SANDBOX_L1:
        return "L1: all namespaces, and cgroups";
    case MR_SANDBOX_L2:
        return "L2: all namespaces, without cgroups";
    case MR_SANDBOX_L3:
        return "L3: Landlock, seccomp and resource limits, without namespaces";
    default:
        return "L0: no sandbox";
    }
}

void
mr_sandbox_report_write(struct mr_buf *buf, const struct mr_sandbox_hello *hello)
{
    bool root = hello->uid == 0;

    mr_buf_printf(buf, "sandbox level   %s\n", level_words(hello->level));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool has = (hello->mechanisms & rows[i].mechanism) != 0;
        mr_buf_printf(buf, "  %-3s %-24s %s%s\n", has ? "yes" : "NO", rows[i].name,
                      has ? "" : "to get it: ",
                      has ? rows[i].gives : mr_sandbox_advice(rows[i].mechanism, root));
    }
    mr_buf_printf(buf, "  in full: %s\n", hello->text);
}

int
mr_sandbox_report(const char *daemon_path, struct mr_buf *buf, struct mr_error *err)
{
    struct mr_sandbox_hello hello;
    int rc = mr_sandbox_probe(daemon_path, &hello, err);

    if (rc == 0) {
        mr_sandbox_report_write(buf, &hello);
    }
    return rc;
}
