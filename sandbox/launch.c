#include "sandbox/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/compat.h"
#include "sandbox/loopback.h"
#include "sandbox/mounts.h"
#include "sandbox/package_mounts.h"
#include "sandbox/process_count.h"

enum { QUIET = MR_ATTR_RDONLY | MR_ATTR_NOSUID | MR_ATTR_NODEV, MAX_RULES = 24 };

/* What a launch holds until its child has its own copies. */
struct attempt {
    struct mr_init_plan plan;
    struct mr_run run;
    struct mr_seccomp_filter *own_filter; /* with AllowSyscalls */
    struct mr_landlock_path_rule rules[MAX_RULES];
    uint16_t ports[1 + MR_SANDBOX_MAX_FORWARDS];
    char program[PATH_MAX];
    char api_variable[64];
    char task_variable[PATH_MAX + 32];
    char tmp_variable[224];
};

int
mr_launcher_init(struct mr_launcher *launcher, struct mr_host *host, struct mr_error *err)
{
    *launcher = (struct mr_launcher){ .host = host };
    for (int profile = 0; profile < 2 && mr_host_has(host, MR_SANDBOX_HAS_SECCOMP); profile++) {
        for (int no_udp = 0; no_udp < 2; no_udp++) {
            struct mr_seccomp_filter_options options = { .profile = profile,
                                                         .no_udp = no_udp,
                                                         .notify = mr_host_has(
                                                             host, MR_SANDBOX_HAS_NOTIFY) };
            launcher->filters[profile][no_udp] = mr_seccomp_filter_new(&options, err);
            if (launcher->filters[profile][no_udp] == NULL) {
                return err->code;
            }
        }
    }
    return 0;
}

void
mr_launcher_deinit(struct mr_launcher *launcher)
{
    for (int i = 0; i < 4; i++) {
        mr_seccomp_filter_free(launcher->filters[i / 2][i % 2]);
    }
}

static void
close_mounts(struct mr_init_plan *plan)
{
    int *fds[] = { &plan->root_fd,   &plan->code_fd,   &plan->runtime_fd, &plan->opt_fd,
                   &plan->tmp_fd,    &plan->resolv_fd, &plan->stdin_fd,   &plan->stdout_fd,
                   &plan->stderr_fd, &plan->control };

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0) {
            close(*fds[i]);
            *fds[i] = -1;
        }
    }
    for (size_t i = 0; i < MR_INIT_MAX_PLACES && plan->place_fds[i] >= 0; i++) {
        close(plan->place_fds[i]);
        plan->place_fds[i] = -1;
    }
}

static void
plan_init(struct mr_init_plan *plan)
{
    *plan = (struct mr_init_plan){ .control = -1,
                                   .root_fd = -1,
                                   .code_fd = -1,
                                   .runtime_fd = -1,
                                   .opt_fd = -1,
                                   .tmp_fd = -1,
                                   .resolv_fd = -1,
                                   .stdin_fd = -1,
                                   .stdout_fd = -1,
                                   .stderr_fd = -1 };
    for (size_t i = 0; i < MR_INIT_MAX_PLACES; i++) {
        plan->place_fds[i] = -1;
    }
}

/* --- input and output --- */

/* A pipe the sandbox's user may open again through /dev/stdout. */
static int
make_pipe(const struct mr_environment *environment, int *out_ours, int *out_theirs,
          bool we_read, struct mr_error *err)
{
    int pair[2];

    if (pipe2(pair, O_CLOEXEC) < 0) {
        return mr_fail(err, -errno, "a pipe for the handler: %s", strerror(errno));
    }
    *out_ours = pair[we_read ? 0 : 1];
    *out_theirs = pair[we_read ? 1 : 0];
    if (fchown(*out_theirs, environment->uid, environment->gid) < 0) {
        return mr_fail(err, -errno, "give a pipe to the handler: %s", strerror(errno));
    }
    return 0;
}

static int
make_stdio(struct attempt *attempt, const struct mr_environment *environment, uint32_t flags,
           struct mr_error *err)
{
    struct mr_init_plan *plan = &attempt->plan;
    struct mr_run *run = &attempt->run;
    int rc = make_pipe(environment, &run->output_fd, &plan->stdout_fd, true, err);

    if (rc == 0 && (flags & MR_SANDBOX_SEPARATE_STDERR) != 0) {
        rc = make_pipe(environment, &run->stderr_fd, &plan->stderr_fd, true, err);
    } else if (rc == 0) {
        plan->stderr_fd = fcntl(plan->stdout_fd, F_DUPFD_CLOEXEC, 3);
    }
    if (rc == 0 && (flags & MR_SANDBOX_STDIN) != 0) {
        rc = make_pipe(environment, &run->stdin_fd, &plan->stdin_fd, false, err);
    } else if (rc == 0) {
        plan->stdin_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (rc == 0 && (plan->stderr_fd < 0 || plan->stdin_fd < 0)) {
        rc = mr_fail(err, -errno, "input and output for the handler: %s", strerror(errno));
    }
    return rc;
}

/* --- mounts --- */

static int
make_mounts(struct attempt *attempt, const struct mr_host *host,
            const struct mr_environment *environment,
            const struct mr_sandbox_request_launch *request,
            const struct mr_launch_strings *strings, struct mr_error *err)
{
    struct mr_init_plan *plan = &attempt->plan;

    plan->code_fd = mr_package_mount_code(host, strings->code_dir, err);
    if (plan->code_fd < 0) {
        return plan->code_fd;
    }
    if (strings->runtime_dir != NULL) {
        plan->runtime_fd = mr_package_mount_dir(strings->runtime_dir, "runtime directory", err);
        if (plan->runtime_fd < 0) {
            return plan->runtime_fd;
        }
    }
    if (strings->layer_count > 0) {
        plan->opt_fd = mr_package_mount_layers(strings->layers, strings->layer_count, err);
        if (plan->opt_fd < 0) {
            return plan->opt_fd;
        }
    }
    plan->root_fd = mr_skeleton_copy(&host->skeleton, err);
    if (plan->root_fd < 0) {
        return plan->root_fd;
    }
    plan->tmp_fd = mr_skeleton_tmp_copy(&host->skeleton, environment->slot, err);
    if (plan->tmp_fd < 0) {
        return plan->tmp_fd;
    }
    if (request->network == MR_SANDBOX_NETWORK_HOST && host->skeleton.resolv_conf) {
        char resolv_conf[PATH_MAX];
        if (realpath("/etc/resolv.conf", resolv_conf) != NULL) {
            plan->resolv_fd = mr_mount_copy(resolv_conf, QUIET, err);
            return plan->resolv_fd < 0 ? plan->resolv_fd : 0;
        }
    }
    return 0;
}

/* --- network --- */

/* Without a network namespace the Runtime API listens on a port of the host's loopback. */
static int
listen_on_host(struct attempt *attempt, const struct mr_sandbox_request_launch *request,
               struct mr_error *err)
{
    struct mr_run *run = &attempt->run;

    if ((request->flags & MR_SANDBOX_API_LISTENER) != 0) {
        run->listener_fd = mr_loopback_listen(&run->api_port, 0);
        if (run->listener_fd < 0) {
            return mr_fail(err, run->listener_fd, "a listener for the Runtime API: %s",
                           strerror(-run->listener_fd));
        }
        attempt->ports[attempt->plan.landlock.port_count++] = run->api_port;
    }
    for (size_t i = 0; i < MR_SANDBOX_MAX_FORWARDS && request->forwards[i] != 0; i++) {
        uint16_t port = request->forwards[i];
        /* Forwards of L3: the port is the host's already when somebody listens there. */
        run->forward_fds[i] = mr_loopback_listen(&port, 0);
        if (run->forward_fds[i] == -EADDRINUSE) {
            port = 0;
            run->forward_fds[i] = mr_loopback_listen(&port, 0);
        }
        if (run->forward_fds[i] < 0) {
            return mr_fail(err, run->forward_fds[i], "forward port %u: %s",
                           request->forwards[i], strerror(-run->forward_fds[i]));
        }
        run->forward_count++;
        attempt->ports[attempt->plan.landlock.port_count++] = request->forwards[i];
    }
    return 0;
}

static void
add_env(struct mr_launch_strings *strings, const char *entry)
{
    size_t name = strcspn(entry, "=") + 1;

    for (size_t i = 0; i < strings->env_count; i++) {
        if (strncmp(strings->env[i], entry, name) == 0) {
            strings->env[i] = entry;
            return;
        }
    }
    strings->env[strings->env_count++] = entry;
}

/* --- a sandbox without mounts (L3, L0) --- */

/* /var/task and /opt are the host's directories there. */
static const char *
outside_path(const char *inside, const struct mr_launch_strings *strings, char *out_path,
             size_t capacity)
{
    const struct {
        const char *prefix, *dir;
    } places[] = {
        { "/var/task", strings->code_dir },
        { "/var/runtime", strings->runtime_dir },
        { "/opt", strings->layer_count > 0 ? strings->layers[strings->layer_count - 1] : NULL },
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        size_t length = strlen(places[i].prefix);
        if (places[i].dir != NULL && strncmp(inside, places[i].prefix, length) == 0 &&
            (inside[length] == '/' || inside[length] == 0)) {
            snprintf(out_path, capacity, "%s%s", places[i].dir, inside + length);
            return out_path;
        }
    }
    return inside;
}

static void
live_on_host(struct attempt *attempt, const struct mr_environment *environment,
             struct mr_launch_strings *strings)
{
    for (size_t i = 0; i < strings->arg_count && attempt->program[0] == 0; i++) {
        char path[PATH_MAX];
        const char *found = outside_path(strings->args[i], strings, path, sizeof(path));
        if (found == path && i == 0) {
            memcpy(attempt->program, path, sizeof(path));
            strings->args[i] = attempt->program;
        }
    }
    attempt->plan.working_dir = strings->code_dir;
    attempt->plan.program = strings->args[0];
    snprintf(attempt->task_variable, sizeof(attempt->task_variable), "LAMBDA_TASK_ROOT=%s",
             strings->code_dir);
    add_env(strings, attempt->task_variable);
    if (environment->has_tmp) {
        snprintf(attempt->tmp_variable, sizeof(attempt->tmp_variable), "TMPDIR=%s",
                 environment->tmp_path);
        add_env(strings, attempt->tmp_variable);
    }
}

/* --- Landlock --- */

static void
add_rule(struct attempt *attempt, size_t *count, const char *path, bool writable)
{
    if (path != NULL && *count + 1 < MAX_RULES) {
        attempt->rules[(*count)++] = (struct mr_landlock_path_rule){ path, writable };
    }
}

static void
make_rules(struct attempt *attempt, const struct mr_host *host,
           const struct mr_environment *environment, const struct mr_launch_strings *strings,
           bool own_network, bool host_network)
{
    static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                           "/dev/urandom" };
    static const char *const system_dirs[] = {
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"
    };
    size_t count = 0;

    if (host->skeleton_built) {
        add_rule(attempt, &count, "/", false);
        add_rule(attempt, &count, "/tmp", true);
    } else {
        for (size_t i = 0; i < sizeof(system_dirs) / sizeof(system_dirs[0]); i++) {
            add_rule(attempt, &count, system_dirs[i], false);
        }
        add_rule(attempt, &count, strings->code_dir, false);
        add_rule(attempt, &count, strings->runtime_dir, false);
        for (size_t i = 0; i < strings->layer_count; i++) {
            add_rule(attempt, &count, strings->layers[i], false);
        }
        add_rule(attempt, &count, environment->tmp_path, true);
    }
    add_rule(attempt, &count, "/proc", true);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        add_rule(attempt, &count, devices[i], true);
    }
    attempt->plan.landlock.abi = host->landlock_abi;
    attempt->plan.landlock.paths = attempt->rules;
    attempt->plan.landlock.ports = attempt->ports;
    attempt->plan.landlock.restrict_tcp = !own_network && !host_network;
}

/* --- the plan --- */

static int
choose_filter(struct mr_launcher *launcher, struct attempt *attempt,
              const struct mr_sandbox_request_launch *request,
              const struct mr_launch_strings *strings, bool no_udp, struct mr_error *err)
{
    bool notify = mr_host_has(launcher->host, MR_SANDBOX_HAS_NOTIFY);

    attempt->plan.notify = notify;
    attempt->plan.filter = launcher->filters[request->profile][no_udp];
    if (attempt->plan.filter == NULL || strings->allow_count == 0) {
        return 0;
    }
    struct mr_seccomp_filter_options options = { .profile = request->profile,
                                                 .notify = notify,
                                                 .no_udp = no_udp,
                                                 .allows = strings->allows,
                                                 .allow_count = strings->allow_count };
    attempt->own_filter = mr_seccomp_filter_new(&options, err);
    attempt->plan.filter = attempt->own_filter;
    return attempt->own_filter == NULL ? err->code : 0;
}

static void
plan_namespaces(struct attempt *attempt, const struct mr_host *host,
                const struct mr_environment *environment,
                const struct mr_sandbox_request_launch *request)
{
    struct mr_init_plan *plan = &attempt->plan;
    bool namespaces = host->level == MR_SANDBOX_L1 || host->level == MR_SANDBOX_L2;

    plan->user_ns = plan->pid_ns = plan->mount_ns = plan->other_ns = namespaces;
    plan->net_ns = namespaces && request->network == MR_SANDBOX_NETWORK_NONE;
    plan->hide_pids = host->own_proc;
    plan->confine = host->level != MR_SANDBOX_L0;
    plan->uid = environment->uid;
    plan->gid = environment->gid;
    plan->skeleton = &host->skeleton;
    plan->own_uid = host->root && plan->confine;
    plan->max_user_processes = request->max_pids + 1; /* init */
    if (!namespaces && !host->root) {
        plan->max_user_processes += mr_process_count(host->uid); /* those are counted too */
    }
    plan->file_limit_bytes = (uint64_t)request->tmp_mb << 20;
    plan->data_limit_bytes =
        environment->cgroup == NULL ? (uint64_t)request->memory_mb << 20 : 0;
    plan->working_dir = "/var/task";
}

static int
make_network(struct attempt *attempt, const struct mr_sandbox_request_launch *request,
             struct mr_launch_strings *strings, struct mr_error *err)
{
    struct mr_run *run = &attempt->run;

    if (attempt->plan.net_ns) {
        attempt->plan.api_listener = (request->flags & MR_SANDBOX_API_LISTENER) != 0;
        memcpy(attempt->plan.forwards, request->forwards, sizeof(request->forwards));
        run->api_port = attempt->plan.api_listener ? MR_INIT_API_PORT : 0;
    } else if (listen_on_host(attempt, request, err) < 0) {
        return err->code;
    }
    if (run->api_port != 0) {
        snprintf(attempt->api_variable, sizeof(attempt->api_variable),
                 "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u", run->api_port);
        add_env(strings, attempt->api_variable);
    }
    return 0;
}

static int
make_plan(struct mr_launcher *launcher, struct attempt *attempt,
          const struct mr_environment *environment,
          const struct mr_sandbox_request_launch *request, struct mr_launch_strings *strings,
          struct mr_error *err)
{
    const struct mr_host *host = launcher->host;
    bool host_network = request->network == MR_SANDBOX_NETWORK_HOST;

    plan_namespaces(attempt, host, environment, request);
    attempt->run.pid_ns = attempt->plan.pid_ns;
    bool no_udp = !attempt->plan.net_ns && !host_network;
    attempt->plan.program = strings->args[0];
    int rc = make_stdio(attempt, environment, request->flags, err);
    rc = rc < 0 ? rc : make_network(attempt, request, strings, err);
    rc = rc < 0 ? rc : choose_filter(launcher, attempt, request, strings, no_udp, err);
    if (rc == 0 && attempt->plan.mount_ns) {
        rc = make_mounts(attempt, host, environment, request, strings, err);
    } else if (rc == 0) {
        rc = mr_package_check(strings->code_dir, "code directory", err);
        live_on_host(attempt, environment, strings);
    }
    make_rules(attempt, host, environment, strings, attempt->plan.net_ns, host_network);
    strings->args[strings->arg_count] = NULL;
    strings->env[strings->env_count] = NULL;
    /* execve takes char *const *, and changes nothing. */
    memcpy(&attempt->plan.args, &(const char *const *){ strings->args }, sizeof(char *));
    memcpy(&attempt->plan.env, &(const char *const *){ strings->env }, sizeof(char *));
    return rc;
}

/* --- the clone --- */

static uint64_t
clone_flags(const struct mr_init_plan *plan)
{
    uint64_t flags = MR_CLONE_PIDFD;

    flags |= plan->user_ns ? CLONE_NEWUSER : 0;
    flags |= plan->pid_ns ? CLONE_NEWPID : 0;
    flags |= plan->mount_ns ? CLONE_NEWNS : 0;
    flags |= plan->net_ns ? CLONE_NEWNET : 0;
    flags |= plan->other_ns ? CLONE_NEWIPC | CLONE_NEWUTS : 0;
    return flags;
}

/* As fork: returns 0 in the child. Kernels and seccomp profiles without clone3 get clone. */
static pid_t
clone_child(uint64_t flags, int cgroup_fd, int *out_pidfd, bool *out_in_cgroup)
{
    struct mr_clone_args args = { .flags = flags | MR_CLONE_CLEAR_SIGHAND,
                                  .exit_signal = SIGCHLD,
                                  .pidfd = (uint64_t)(uintptr_t)out_pidfd };

    *out_in_cgroup = cgroup_fd >= 0;
    if (cgroup_fd >= 0) {
        args.flags |= MR_CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
    }
    pid_t pid = mr_sys_clone3(&args);
    if (pid < 0 && cgroup_fd >= 0 && errno != ENOSYS) {
        *out_in_cgroup = false;
        args.flags &= ~MR_CLONE_INTO_CGROUP;
        args.cgroup = 0;
        pid = mr_sys_clone3(&args);
    }
    if (pid < 0 && (errno == ENOSYS || errno == EPERM)) {
        *out_in_cgroup = false;
        pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, out_pidfd, NULL, 0);
    }
    return pid;
}

static int
write_map(pid_t pid, const char *file, unsigned inside, unsigned outside, struct mr_error *err)
{
    char path[64], line[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int length = snprintf(line, sizeof(line), "%u %u 1\n", inside, outside);
    mr_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, line, (size_t)length) != length) {
        return mr_fail(err, -errno, "%s: %s of host id %u: %s",
                       mr_init_step_words(MR_STEP_MAP_IDS), file, outside, strerror(errno));
    }
    return 0;
}

static int
let_go(struct attempt *attempt, const struct mr_environment *environment, struct mr_error *err)
{
    struct mr_run *run = &attempt->run;
    char go = MR_INIT_GO;

    if (attempt->plan.user_ns) {
        int rc = write_map(run->pid, "uid_map", MR_INIT_UID, environment->uid, err);
        rc = rc < 0 ? rc : write_map(run->pid, "gid_map", MR_INIT_GID, environment->gid, err);
        if (rc < 0) {
            return rc;
        }
    }
    if (send(run->control, &go, 1, MSG_NOSIGNAL) != 1) {
        return mr_fail(err, -EPIPE, "the sandbox's init died before it was told to go");
    }
    return 0;
}

static int
open_places(struct attempt *attempt, const struct mr_environment *environment, bool cloned_into,
            struct mr_error *err)
{
    return environment->cgroup == NULL ? 0
                                       : mr_cgroup_open_places(environment->cgroup, cloned_into,
                                                               attempt->plan.place_fds, err);
}

static int
clone_init(struct mr_launcher *launcher, struct attempt *attempt,
           const struct mr_environment *environment, struct mr_error *err)
{
    struct mr_run *run = &attempt->run;
    int pair[2];
    bool in_cgroup = false;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return mr_fail(err, -errno, "a socket to init: %s", strerror(errno));
    }
    run->control = pair[0];
    attempt->plan.control = pair[1];
    int cgroup_fd = environment->cgroup != NULL &&
                            mr_host_has(launcher->host, MR_SANDBOX_HAS_CLONE_INTO_CGROUP)
                        ? mr_cgroup_clone_fd(environment->cgroup)
                        : -1;
    int rc = open_places(attempt, environment, cgroup_fd >= 0, err);
    if (rc < 0) {
        return rc;
    }
    prctl(PR_SET_DUMPABLE, 1, 0, 0,
          0); /* an ordinary user could not write the child's maps else */
    run->pid = clone_child(clone_flags(&attempt->plan), cgroup_fd, &run->pidfd, &in_cgroup);
    if (run->pid == 0) {
        mr_init_run(&attempt->plan);
    }
    if (run->pid < 0) {
        rc = mr_fail(err, -errno, "%s: %s", mr_init_step_words(MR_STEP_CLONE), strerror(errno));
    } else if (cgroup_fd >= 0 && !in_cgroup) {
        rc = mr_fail(err, -EIO, "the kernel did not place the sandbox in its cgroup");
    } else {
        rc = let_go(attempt, environment, err);
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return rc;
}

/* A run that did not come to be leaves nothing: init, if any, and every descriptor. */
static void
undo(struct attempt *attempt)
{
    if (attempt->run.pid > 0) {
        kill(attempt->run.pid, SIGKILL);
        while (waitpid(attempt->run.pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    mr_run_close(&attempt->run);
}

int
mr_launch(struct mr_launcher *launcher, struct mr_environment *environment,
          const struct mr_sandbox_request_launch *request, struct mr_launch_strings *strings,
          uint64_t now_us, struct mr_error *err)
{
    static struct attempt attempt; /* 20 KB: one at a time */

    attempt.program[0] = 0;
    attempt.own_filter = NULL;
    memset(attempt.rules, 0, sizeof(attempt.rules));
    plan_init(&attempt.plan);
    mr_run_init(&attempt.run);
    attempt.run.flags = request->flags;
    attempt.run.profile = request->profile;
    attempt.run.since_us = now_us;
    int rc = make_plan(launcher, &attempt, environment, request, strings, err);
    if (rc == 0) {
        rc = clone_init(launcher, &attempt, environment, err);
    }
    close_mounts(&attempt.plan);
    mr_seccomp_filter_free(attempt.own_filter);
    if (rc < 0) {
        undo(&attempt);
        return rc;
    }
    environment->run = attempt.run;
    environment->state = MR_ENVIRONMENT_STARTING;
    return 0;
}
