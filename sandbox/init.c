#include "sandbox/init.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/compat.h"
#include "sandbox/loopback.h"
#include "sandbox/message.h"
#include "sandbox/orphans.h"
#include "sandbox/root.h"

enum {
    MAX_KEPT = 32,
    HANDLER_STACK = 64 * 1024,
    LAST_CAPABILITY = 63,
    SECUREBITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
};

static const char *const step_words[MR_STEP_COUNT] = {
    [MR_STEP_CLONE] = "make its namespaces",
    [MR_STEP_MAP_IDS] = "map its user and group",
    [MR_STEP_WAIT] = "wait for its ids",
    [MR_STEP_PLACE] = "enter its cgroup",
    [MR_STEP_IDS] = "take its user and group",
    [MR_STEP_PRIVATE_MOUNTS] = "make its mounts private",
    [MR_STEP_ROOT] = "place its root",
    [MR_STEP_CODE] = "place its code at /var/task",
    [MR_STEP_RUNTIME] = "place /var/runtime",
    [MR_STEP_LAYERS] = "place its layers at /opt",
    [MR_STEP_TMP] = "place its /tmp",
    [MR_STEP_PROC] = "mount /proc",
    [MR_STEP_MASKS] = "mask /proc",
    [MR_STEP_PIVOT] = "leave the host's root",
    [MR_STEP_LOOPBACK] = "set up its loopback",
    [MR_STEP_LISTEN] = "listen for it",
    [MR_STEP_HOST_NAME] = "name its host",
    [MR_STEP_LIMITS] = "set its limits",
    [MR_STEP_CAPABILITIES] = "drop capabilities",
    [MR_STEP_NO_NEW_PRIVS] = "forbid new privileges",
    [MR_STEP_FORK] = "fork the handler",
    [MR_STEP_STDIO] = "give it its input and output",
    [MR_STEP_WORKING_DIR] = "enter /var/task",
    [MR_STEP_LANDLOCK] = "enter Landlock",
    [MR_STEP_SECCOMP] = "load the system call filter",
    [MR_STEP_EXEC] = "execute its program",
};

const char *
mr_init_step_words(enum mr_init_step step)
{
    return (unsigned)step < MR_STEP_COUNT ? step_words[step] : "do something unknown";
}

static void
say(const struct mr_init_plan *plan, const struct mr_init_message *message, const int *fds,
    size_t fd_count)
{
    (void)mr_message_send(plan->control, message, sizeof(*message), fds, fd_count, 0);
}

__attribute__((noreturn)) static void
fail(const struct mr_init_plan *plan, enum mr_init_step step, int code)
{
    struct mr_init_message message = { .said = MR_INIT_FAILED, .step = step, .error = -code };

    say(plan, &message, NULL, 0);
    _exit(1);
}

static void
must(const struct mr_init_plan *plan, enum mr_init_step step, int code)
{
    if (code < 0) {
        fail(plan, step, code);
    }
}

/* --- only its own descriptors --- */

static int
by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void
close_all_but(int *kept, size_t count)
{
    unsigned first = 0;

    qsort(kept, count, sizeof(*kept), by_number);
    for (size_t i = 0; i < count; i++) {
        if (kept[i] < 0) {
            continue;
        }
        if ((unsigned)kept[i] > first) {
            mr_sys_close_range(first, (unsigned)kept[i] - 1);
        }
        first = (unsigned)kept[i] + 1;
    }
    mr_sys_close_range(first, ~0u);
}

static void
keep_own_descriptors(const struct mr_init_plan *plan)
{
    int kept[MAX_KEPT] = { plan->control,   plan->root_fd,  plan->code_fd,   plan->runtime_fd,
                           plan->opt_fd,    plan->tmp_fd,   plan->resolv_fd, plan->stdin_fd,
                           plan->stdout_fd, plan->stderr_fd };
    size_t count = 10;

    for (size_t i = 0; i < MR_INIT_MAX_PLACES && plan->place_fds[i] >= 0; i++) {
        kept[count++] = plan->place_fds[i];
    }
    close_all_but(kept, count);
}

/* --- who it is --- */

static void
die_with_parent(const struct mr_init_plan *plan)
{
    /* Without a process namespace somebody must stay to end the rest: the socket's end tells.
     */
    prctl(PR_SET_PDEATHSIG, plan->pid_ns ? SIGKILL : 0);
    /* Had the daemon died before this, its end of the socket would be closed. */
    struct pollfd control = { .fd = plan->control, .events = 0 };
    if (poll(&control, 1, 0) > 0 && (control.revents & POLLHUP) != 0) {
        _exit(1);
    }
}

static void
wait_for_go(const struct mr_init_plan *plan)
{
    char told = 0;

    if (recv(plan->control, &told, 1, 0) != 1 || told != MR_INIT_GO) {
        _exit(1);
    }
}

/*
 * A daemon that runs in real time passes that on, and a handler must not have it: it could
 * stop the machine. Nor would a v1 cpu cgroup take it (EINVAL).
 */
static void
leave_real_time(void)
{
    const struct sched_param ordinary = { 0 };
    int policy = sched_getscheduler(0);

    if (policy == SCHED_FIFO || policy == SCHED_RR) {
        (void)sched_setscheduler(0, SCHED_OTHER, &ordinary);
    }
}

/*
 * The kernel may make the first writer to a v1 hierarchy wait some 10 ms for
 * everybody to notice, so a helper waits while we go on with the mounts.
 */
static pid_t
start_placing(const struct mr_init_plan *plan)
{
    char number[16];

    if (plan->place_fds[0] < 0) {
        return 0;
    }
    leave_real_time();
    int length = snprintf(number, sizeof(number), "%d", (int)getpid());
    pid_t helper = fork();
    if (helper != 0) {
        must(plan, MR_STEP_PLACE, helper < 0 ? -errno : 0);
        return helper;
    }
    for (size_t i = 0; i < MR_INIT_MAX_PLACES && plan->place_fds[i] >= 0; i++) {
        if (write(plan->place_fds[i], number, (size_t)length) != length) {
            _exit(errno > 0 && errno < 256 ? errno : EIO);
        }
    }
    _exit(0);
}

static uint64_t
monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Returns how long we had nothing else to do. */
static uint64_t
wait_until_placed(const struct mr_init_plan *plan, pid_t helper)
{
    int status = 0;
    uint64_t since = monotonic_us();

    if (helper <= 0) {
        return 0;
    }
    while (waitpid(helper, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail(plan, MR_STEP_PLACE, WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO);
    }
    return monotonic_us() - since;
}

/* --- network --- */

static void
make_listeners(const struct mr_init_plan *plan)
{
    int fds[MR_MESSAGE_MAX_FDS];
    size_t count = 0;

    must(plan, MR_STEP_LOOPBACK, mr_loopback_up());
    if (plan->api_listener) {
        uint16_t port = MR_INIT_API_PORT;
        fds[count++] = mr_loopback_listen(&port, 1);
        must(plan, MR_STEP_LISTEN, fds[count - 1]);
    }
    for (size_t i = 0; i < MR_SANDBOX_MAX_FORWARDS && plan->forwards[i] != 0; i++) {
        uint16_t port = plan->forwards[i];
        fds[count++] = mr_loopback_listen(&port, 0);
        must(plan, MR_STEP_LISTEN, fds[count - 1]);
    }
    struct mr_init_message message = { .said = MR_INIT_LISTENERS };
    if (count > 0) {
        say(plan, &message, fds, count);
        mr_message_close_fds(fds, count);
    }
}

/* --- limits and rights --- */

static int
limit(int resource, uint64_t value)
{
    struct rlimit now;

    if (getrlimit(resource, &now) < 0) {
        return -errno;
    }
    /* Never above what the daemon has: raising a hard limit needs a right we may lack. */
    now.rlim_max = now.rlim_max < value ? now.rlim_max : value;
    now.rlim_cur = now.rlim_max;
    return setrlimit(resource, &now) < 0 ? -errno : 0;
}

static void
set_limits(const struct mr_init_plan *plan)
{
    const struct {
        int resource;
        uint64_t value;
    } limits[] = {
        { RLIMIT_NOFILE, 1024 },
        { RLIMIT_NPROC, plan->max_user_processes },
        { RLIMIT_CORE, 0 },
        { RLIMIT_FSIZE, plan->file_limit_bytes },
        { RLIMIT_MEMLOCK, 64 * 1024 },
        { RLIMIT_MSGQUEUE, 819200 },
        { RLIMIT_SIGPENDING, 4096 },
        { RLIMIT_RTPRIO, 0 },
        { RLIMIT_NICE, 0 },
        { RLIMIT_DATA, plan->data_limit_bytes > 0 ? plan->data_limit_bytes : RLIM_INFINITY },
    };
    leave_real_time();
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        must(plan, MR_STEP_LIMITS, limit(limits[i].resource, limits[i].value));
    }
}

/* Needs CAP_SETPCAP: an ordinary user without a user namespace keeps what no_new_privs makes
 * useless. */
static void
drop_bounding_set(void)
{
    for (int capability = 0; capability <= LAST_CAPABILITY; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno == EINVAL) {
            break; /* past this kernel's last */
        }
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    (void)prctl(PR_SET_SECUREBITS, SECUREBITS, 0, 0, 0);
}

static void
drop_rights(const struct mr_init_plan *plan)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { 0 };

    drop_bounding_set();
    if (syscall(SYS_capset, &header, none) < 0) {
        fail(plan, MR_STEP_CAPABILITIES, -errno);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        fail(plan, MR_STEP_NO_NEW_PRIVS, -errno);
    }
}

static void
take_ids(const struct mr_init_plan *plan)
{
    uid_t uid = plan->user_ns ? MR_INIT_UID : plan->uid;
    gid_t gid = plan->user_ns ? MR_INIT_GID : plan->gid;

    if (!plan->user_ns && geteuid() != 0) {
        return; /* an ordinary user without a user namespace stays who he is */
    }
    if (!plan->user_ns && syscall(SYS_setgroups, 0, NULL) < 0) {
        fail(plan, MR_STEP_IDS, -errno);
    }
    if (!plan->user_ns) {
        drop_bounding_set(); /* as nobody we could not */
    }
    if (syscall(SYS_setresgid, gid, gid, gid) < 0 ||
        syscall(SYS_setresuid, uid, uid, uid) < 0) {
        fail(plan, MR_STEP_IDS, -errno);
    }
}

/* --- the handler --- */

/* Shared between init and its child until the exec (CLONE_VM | CLONE_VFORK). */
struct birth {
    const struct mr_init_plan *plan;
    enum mr_init_step step;
    int error; /* 0: the exec has happened */
};

static int
give_stdio(const struct mr_init_plan *plan)
{
    /* Sources may themselves be 0..3: lift them first. */
    int in = fcntl(plan->stdin_fd, F_DUPFD, 10), out = fcntl(plan->stdout_fd, F_DUPFD, 10);
    int error = fcntl(plan->stderr_fd, F_DUPFD, 10),
        control = fcntl(plan->control, F_DUPFD, 10);

    if (in < 0 || out < 0 || error < 0 || control < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
        dup2(error, 2) < 0 || dup3(control, 3, O_CLOEXEC) < 0) {
        return -errno;
    }
    return mr_sys_close_range(4, ~0u) < 0 ? -errno : 0;
}

static int
load_filter(const struct mr_init_plan *plan)
{
    struct sock_fprog program = { .len = plan->filter->length, .filter = plan->filter->code };
    unsigned flags = plan->notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER : SECCOMP_FILTER_FLAG_LOG;
    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

    if (listener < 0) {
        return -errno;
    }
    if (plan->notify) {
        struct mr_init_message message = { .said = MR_INIT_NOTIFY };
        int fd = (int)listener;
        ssize_t sent = mr_message_send(3, &message, sizeof(message), &fd, 1, 0);
        close(fd);
        return sent < 0 ? (int)sent : 0;
    }
    return 0;
}

static const char *
path_of(char *const *env)
{
    for (size_t i = 0; env[i] != NULL; i++) {
        if (strncmp(env[i], "PATH=", 5) == 0) {
            return env[i] + 5;
        }
    }
    return "/usr/local/bin:/usr/bin:/bin:/opt/bin";
}

/* As execvpe, without its allocations. */
static int
execute(const struct mr_init_plan *plan)
{
    char path[PATH_MAX];

    if (strchr(plan->program, '/') != NULL) {
        execve(plan->program, plan->args, plan->env);
        return -errno;
    }
    int code = -ENOENT;
    for (const char *dir = path_of(plan->env); *dir != 0;) {
        size_t length = strcspn(dir, ":");
        snprintf(path, sizeof(path), "%.*s/%s", (int)length, dir, plan->program);
        execve(path, plan->args, plan->env);
        code = errno == ENOENT || errno == ENOTDIR ? code : -errno;
        dir += length + (dir[length] == ':');
    }
    return code;
}

static int
born(void *context)
{
    struct birth *birth = context;
    const struct mr_init_plan *plan = birth->plan;
    sigset_t none;
    int rc;

    setsid();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* where no process namespace does it */
    birth->step = MR_STEP_STDIO;
    rc = give_stdio(plan);
    if (rc == 0) {
        birth->step = MR_STEP_WORKING_DIR;
        rc = chdir(plan->working_dir) < 0 ? -errno : 0;
    }
    if (rc == 0 && plan->confine && plan->landlock.abi > 0) {
        birth->step = MR_STEP_LANDLOCK;
        rc = mr_landlock_enter(&plan->landlock);
    }
    if (rc == 0 && plan->confine && plan->filter != NULL) {
        birth->step = MR_STEP_SECCOMP;
        rc = load_filter(plan);
    }
    if (rc == 0) {
        birth->step = MR_STEP_EXEC;
        rc = execute(plan);
    }
    birth->error = rc;
    _exit(127);
}

static pid_t
start_handler(const struct mr_init_plan *plan)
{
    static char stack[HANDLER_STACK] __attribute__((aligned(16)));
    struct birth birth = { .plan = plan, .step = MR_STEP_FORK };
    pid_t pid = clone(born, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &birth);

    if (pid < 0) {
        fail(plan, MR_STEP_FORK, -errno);
    }
    if (birth.error < 0) {
        fail(plan, birth.step, birth.error);
    }
    return pid;
}

/* --- and from then on --- */

/* Where no process namespace does it. */
static void
end_all(const struct mr_init_plan *plan)
{
    if (plan->own_uid && geteuid() == plan->uid && plan->uid != 0) {
        kill(-1, SIGKILL); /* everybody with our uid but us, and no fork slips through */
    }
    mr_orphans_end(NULL, NULL);
}

__attribute__((noreturn)) static void
finish(const struct mr_init_plan *plan, int status)
{
    struct rusage used;

    if (!plan->pid_ns) {
        end_all(plan);
    }
    getrusage(RUSAGE_CHILDREN, &used);
    struct mr_init_message message = {
        .said = MR_INIT_EXITED,
        .status = status,
        .cpu_us = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
                  (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec),
        .max_rss_bytes = (uint64_t)used.ru_maxrss * 1024,
    };
    say(plan, &message, NULL, 0);
    _exit(0);
}

static void
reap(const struct mr_init_plan *plan, pid_t handler)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == handler) {
            finish(plan, status);
        }
    }
}

static void
obey(const struct mr_init_plan *plan, pid_t handler)
{
    char told;
    ssize_t got = recv(plan->control, &told, 1, MSG_DONTWAIT);

    if (got == 0) { /* the daemon is gone */
        if (!plan->pid_ns) {
            end_all(plan);
        }
        _exit(0);
    }
    if (got == 1 && told == MR_INIT_TERMINATE) {
        kill(-handler, SIGTERM);
    } else if (got == 1) {
        int number = told == MR_INIT_STOP ? SIGSTOP : told == MR_INIT_KILL ? SIGKILL : SIGCONT;
        kill(plan->pid_ns ? -1 : number == SIGKILL ? handler : -handler, number);
    }
}

__attribute__((noreturn)) static void
look_after(const struct mr_init_plan *plan, pid_t handler, int children)
{
    struct pollfd ready[] = { { .fd = plan->control, .events = POLLIN },
                              { .fd = children, .events = POLLIN } };

    for (;;) {
        struct signalfd_siginfo info;
        if (poll(ready, 2, -1) < 0) {
            continue;
        }
        if (ready[1].revents != 0) {
            (void)!read(children, &info, sizeof(info));
            reap(plan, handler);
        }
        if (ready[0].revents != 0) {
            obey(plan, handler);
        }
    }
}

static int
watch_children(const struct mr_init_plan *plan)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    int fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    must(plan, MR_STEP_FORK, fd < 0 ? -errno : 0);
    return fd;
}

void
mr_init_run(const struct mr_init_plan *plan)
{
    static const char host_name[] = "sandbox.localdomain";
    enum mr_init_step step = MR_STEP_ROOT;

    setsid(); /* a signal to our client's group, Ctrl-C for one, is not for us */
    die_with_parent(plan);
    keep_own_descriptors(plan);
    wait_for_go(plan);
    pid_t placing = start_placing(plan);
    if (plan->confine) {
        take_ids(plan);
        die_with_parent(plan); /* changing ids has cleared it */
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
    if (plan->mount_ns) {
        int rc = mr_root_enter(plan, &step);
        must(plan, step, rc);
    }
    if (plan->net_ns) {
        make_listeners(plan);
    }
    if (plan->other_ns) {
        must(plan, MR_STEP_HOST_NAME,
             sethostname(host_name, sizeof(host_name) - 1) < 0 ? -errno : 0);
    }
    if (!plan->pid_ns) {
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
    uint64_t place_us = wait_until_placed(plan, placing);
    if (plan->other_ns) {
        must(plan, MR_STEP_PLACE, unshare(CLONE_NEWCGROUP) < 0 ? -errno : 0);
    }
    if (plan->confine) {
        set_limits(plan);
        drop_rights(plan);
    }
    int children = watch_children(plan);
    pid_t handler = start_handler(plan);
    int kept[] = { plan->control, children };
    close_all_but(kept, 2);
    struct mr_init_message started = { .said = MR_INIT_STARTED, .place_us = place_us };
    say(plan, &started, NULL, 0);
    look_after(plan, handler, children);
}
