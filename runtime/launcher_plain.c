/* The launcher without a sandbox: posix_spawn, a pipe, a listener on loopback. */
#include "runtime/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/list.h"
#include "net/http_server.h"

enum { PEAK_EVERY_US = 100000 };

struct plain {
    struct mr_launcher launcher;
    struct mr_loop *loop;
    struct mr_launch_events events;
    void *context;
    struct mr_list processes;
};

struct process {
    struct mr_list node;
    struct plain *plain;
    uint64_t environment;
    pid_t pid;
    int pid_fd;
    struct mr_watch *watch;
    struct mr_launch_started started;
    bool announced;
    uint64_t peak_bytes, looked_us;
};

/* Both ends of a child's pipes; -1 where there is none. */
struct ends {
    int input[2], log[2], error[2];
};

static struct process *
find(struct plain *plain, uint64_t environment)
{
    MR_LIST_EACH(node, &plain->processes)
    {
        struct process *process = MR_CONTAINER_OF(node, struct process, node);
        if (process->environment == environment) {
            return process;
        }
    }
    return NULL;
}

static void
close_pipes(const struct mr_launch_started *started)
{
    if (started->input_fd >= 0) {
        close(started->input_fd);
    }
    if (started->stderr_fd >= 0) {
        close(started->stderr_fd);
    }
}

static void
process_free(struct process *process)
{
    mr_list_remove(&process->node);
    mr_watch_free(process->watch);
    close(process->pid_fd);
    if (!process->announced) {
        close(process->started.listener_fd);
        close(process->started.log_fd);
        close_pipes(&process->started);
    }
    free(process);
}

static void
announce(void *context)
{
    struct plain *plain = context;

    MR_LIST_EACH(node, &plain->processes)
    {
        struct process *process = MR_CONTAINER_OF(node, struct process, node);
        if (!process->announced) {
            process->announced = true;
            plain->events.started(plain->context, process->environment, &process->started);
        }
    }
}

static void
on_gone(int events, void *context)
{
    struct process *process = context;
    struct plain *plain = process->plain;
    struct rusage used = { 0 };
    int status = 0;

    (void)events;
    if (wait4(process->pid, &status, WNOHANG, &used) != process->pid) {
        return;
    }
    announce(plain);
    kill(-process->pid, SIGKILL); /* children it left behind */
    struct mr_launch_exit exit = {
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .memory_peak_bytes = (uint64_t)used.ru_maxrss * 1024,
    };
    uint64_t environment = process->environment;
    process_free(process);
    plain->events.exited(plain->context, environment, &exit);
}

static void
listen_to(void *self, const struct mr_launch_events *events, void *context)
{
    struct plain *plain = self;

    plain->events = *events;
    plain->context = context;
}

/* A path as seen inside a sandbox -> where it is without one. */
static const char *
outside(struct mr_arena *arena, const struct mr_launch *launch, struct mr_slice path)
{
    const struct {
        struct mr_slice prefix, real;
    } places[] = {
        { MR_SLICE("/var/task"), launch->code_dir },
        { MR_SLICE("/var/runtime"), launch->runtime_dir },
        { MR_SLICE("/opt"),
          launch->layer_count > 0 ? launch->layers[0] : (struct mr_slice){ 0 } },
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct mr_slice rest = mr_slice_from(path, places[i].prefix.size);
        if (places[i].real.data != NULL && mr_slice_starts_with(path, places[i].prefix) &&
            (rest.size == 0 || rest.data[0] == '/')) {
            return mr_arena_printf(arena, "%.*s%.*s", MR_SLICE_ARGS(places[i].real),
                                   MR_SLICE_ARGS(rest));
        }
    }
    return mr_arena_cstr(arena, path);
}

static char *
variable(struct mr_arena *arena, const struct mr_launch *launch, struct mr_slice pair)
{
    if (mr_slice_starts_with(pair, MR_SLICE("LAMBDA_TASK_ROOT="))) {
        return mr_arena_printf(arena, "LAMBDA_TASK_ROOT=%.*s", MR_SLICE_ARGS(launch->code_dir));
    }
    if (mr_slice_starts_with(pair, MR_SLICE("LAMBDA_RUNTIME_DIR=")) &&
        launch->runtime_dir.data != NULL) {
        return mr_arena_printf(arena, "LAMBDA_RUNTIME_DIR=%.*s",
                               MR_SLICE_ARGS(launch->runtime_dir));
    }
    return mr_arena_cstr(arena, pair);
}

static int
spawn(struct process *process, const struct mr_launch *launch, const struct ends *ends,
      struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    char **args = mr_arena_zero(&arena, (launch->arg_count + 1) * sizeof(*args));
    char **env = mr_arena_zero(&arena, (launch->env_count + 2) * sizeof(*env));
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    for (size_t i = 0; i < launch->arg_count; i++) {
        args[i] = mr_arena_printf(&arena, "%s", outside(&arena, launch, launch->args[i]));
    }
    for (size_t i = 0; i < launch->env_count; i++) {
        env[i] = variable(&arena, launch, launch->env[i]);
    }
    env[launch->env_count] = mr_arena_printf(&arena, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u",
                                             mr_net_port(process->started.listener_fd));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (launch->pipes) {
        posix_spawn_file_actions_adddup2(&actions, ends->input[0], 0);
    }
    posix_spawn_file_actions_adddup2(&actions, ends->log[1], 1);
    posix_spawn_file_actions_adddup2(&actions, launch->pipes ? ends->error[1] : ends->log[1],
                                     2);
    posix_spawn_file_actions_addchdir_np(&actions, mr_arena_cstr(&arena, launch->code_dir));
    posix_spawnattr_init(&attributes);
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawn(&process->pid, args[0], &actions, &attributes, args, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0 ? 0 : mr_fail(err, -rc, "start %s: %s", args[0], strerror(rc));
}

/* The child's ends are closed; so are ours when there is no child. */
static void
close_ends(struct ends *ends, bool ours)
{
    const int theirs[] = { ends->input[0], ends->log[1], ends->error[1] };
    const int own[] = { ends->input[1], ends->log[0], ends->error[0] };

    for (size_t i = 0; i < 3; i++) {
        if (theirs[i] >= 0) {
            close(theirs[i]);
        }
        if (ours && own[i] >= 0) {
            close(own[i]);
        }
    }
}

static int
make_ends(struct ends *ends, bool pipes, struct mr_error *err)
{
    *ends = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
    if (pipe2(ends->log, O_CLOEXEC) < 0 ||
        (pipes && (pipe2(ends->input, O_CLOEXEC) < 0 || pipe2(ends->error, O_CLOEXEC) < 0))) {
        int code = -errno;
        close_ends(ends, true);
        return mr_fail(err, code, "make its pipes: %s", strerror(-code));
    }
    fcntl(ends->log[0], F_SETFL, O_NONBLOCK);
    fcntl(ends->error[0], F_SETFL, O_NONBLOCK);
    fcntl(ends->input[1], F_SETFL, O_NONBLOCK);
    return 0;
}

static int
launch(void *self, const struct mr_launch *what, struct mr_error *err)
{
    struct plain *plain = self;
    struct ends ends;
    int listener = mr_net_listen_tcp("127.0.0.1", 0, err);

    if (listener < 0) {
        return listener;
    }
    if (make_ends(&ends, what->pipes, err) < 0) {
        close(listener);
        return err->code;
    }
    fcntl(listener, F_SETFD, FD_CLOEXEC);
    struct process *process = mr_alloc_zero(1, sizeof(*process));
    process->plain = plain;
    process->environment = what->environment;
    process->started = (struct mr_launch_started){ .listener_fd = listener,
                                                   .log_fd = ends.log[0],
                                                   .input_fd = ends.input[1],
                                                   .stderr_fd = ends.error[0] };
    int rc = spawn(process, what, &ends, err);
    close_ends(&ends, rc < 0);
    if (rc < 0) {
        close(listener);
        free(process);
        return rc;
    }
    process->started.pid = process->pid;
    process->pid_fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    process->watch = mr_watch_new(plain->loop, process->pid_fd, MR_READABLE, on_gone, process);
    mr_list_push_back(&plain->processes, &process->node);
    mr_loop_defer(plain->loop, announce, plain);
    return 0;
}

static void
signal_group(void *self, uint64_t environment, int signal_number)
{
    struct process *process = find(self, environment);

    if (process != NULL) {
        kill(-process->pid, signal_number);
    }
}

static void
terminate(void *self, uint64_t environment)
{
    signal_group(self, environment, SIGTERM);
}

static void
kill_it(void *self, uint64_t environment)
{
    signal_group(self, environment, SIGKILL);
}

static void
freeze(void *self, uint64_t environment)
{
    signal_group(self, environment, SIGSTOP);
}

static void
thaw(void *self, uint64_t environment)
{
    signal_group(self, environment, SIGCONT);
}

static void
release(void *self, uint64_t environment)
{
    kill_it(self, environment);
}

static uint64_t
memory_peak(void *self, uint64_t environment)
{
    struct process *process = find(self, environment);
    uint64_t now_us = mr_clock_now_us(mr_clock_system());
    char path[64], text[4096];

    if (process == NULL) {
        return 0;
    }
    if (process->peak_bytes > 0 && now_us - process->looked_us < PEAK_EVERY_US) {
        return process->peak_bytes;
    }
    process->looked_us = now_us;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)process->pid);
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (size <= 0) {
        return 0;
    }
    text[size] = 0;
    const char *line = strstr(text, "VmHWM:");
    process->peak_bytes = line == NULL ? 0 : strtoull(line + 6, NULL, 10) * 1024;
    return process->peak_bytes;
}

static void
plain_free(void *self)
{
    struct plain *plain = self;

    MR_LIST_EACH(node, &plain->processes)
    {
        struct process *process = MR_CONTAINER_OF(node, struct process, node);
        kill(-process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
        process_free(process);
    }
    free(plain);
}

struct mr_launcher *
mr_launcher_plain_new(struct mr_loop *loop)
{
    struct plain *plain = mr_alloc_zero(1, sizeof(*plain));

    plain->loop = loop;
    mr_list_init(&plain->processes);
    plain->launcher = (struct mr_launcher){
        .self = plain,
        .listen = listen_to,
        .launch = launch,
        .kill = kill_it,
        .terminate = terminate,
        .freeze = freeze,
        .thaw = thaw,
        .release = release,
        .memory_peak = memory_peak,
        .free = plain_free,
        .isolation = "no sandbox: handlers run as this user, with its files and its network",
    };
    return &plain->launcher;
}

void
mr_launcher_free(struct mr_launcher *launcher)
{
    if (launcher != NULL) {
        launcher->free(launcher->self);
    }
}
