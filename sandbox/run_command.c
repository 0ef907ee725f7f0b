#include "sandbox/run_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { ENVIRONMENT = 1, MAX_LIST = 512, COPY_BYTES = 64 * 1024, TIMED_OUT = 124 };

struct session {
    const struct mr_run_command *command;
    struct mr_sandbox_client *client;
    struct mr_error failure; /* of the launch, or of the daemon */
    bool failed;
    bool greeted;
    bool ended;
    bool timed_out;
    struct mr_sandbox_exit exit;
    int output_fd, error_fd, input_fd;
    bool input_open; /* ours has more */
};

/* --- being told to end --- */

static const int endings[] = { SIGINT, SIGTERM, SIGHUP };
enum { ENDING_COUNT = sizeof(endings) / sizeof(endings[0]) };

static volatile sig_atomic_t told_to_end; /* the signal */
static volatile sig_atomic_t daemon_pid;

/* sandboxd ends everything and hangs up: that is what the conversation sees. */
static void
on_ending(int number)
{
    told_to_end = number;
    if (daemon_pid > 0) {
        kill(daemon_pid, SIGTERM);
    }
}

/* What is ignored, by nohup for one, stays so. */
static void
take_endings(struct sigaction *out_before)
{
    const struct sigaction action = { .sa_handler = on_ending }; /* a write may be cut short */

    told_to_end = 0;
    for (size_t i = 0; i < ENDING_COUNT; i++) {
        sigaction(endings[i], NULL, &out_before[i]);
        if (out_before[i].sa_handler != SIG_IGN) {
            sigaction(endings[i], &action, NULL);
        }
    }
}

static void
give_back_endings(const struct sigaction *before)
{
    for (size_t i = 0; i < ENDING_COUNT; i++) {
        sigaction(endings[i], &before[i], NULL);
    }
    daemon_pid = 0;
}

/* --- what the daemon says --- */

static void
on_launched(void *context, uint64_t environment, struct mr_sandbox_process *process)
{
    struct session *session = context;

    (void)environment;
    session->output_fd = process->log_fd;
    session->error_fd = process->stderr_fd;
    session->input_fd = process->stdin_fd;
    session->input_open = true;
    fcntl(session->input_fd, F_SETFL, O_NONBLOCK);
    if (session->command->verbose) {
        fprintf(stderr, "sandbox: launched in %u us\n", process->launch_us);
    }
}

static void
on_failed(void *context, uint64_t environment, const struct mr_error *err)
{
    struct session *session = context;

    (void)environment;
    session->failure = *err;
    session->failed = true;
}

static void
on_exited(void *context, uint64_t environment, const struct mr_sandbox_exit *exit)
{
    struct session *session = context;

    (void)environment;
    session->exit = *exit;
    session->ended = true;
}

static void
on_denied(void *context, uint64_t environment, struct mr_slice line)
{
    (void)context;
    (void)environment;
    fprintf(stderr, "%.*s\n", MR_SLICE_ARGS(line));
}

static void
on_hello(void *context, const struct mr_sandbox_hello *hello)
{
    struct session *session = context;

    session->greeted = true;
    if (session->command->verbose) {
        fprintf(stderr, "sandbox: %s\n", hello->text);
    }
}

static void
on_lost(void *context, const struct mr_error *err)
{
    struct session *session = context;

    session->failure = *err;
    session->failed = true;
    if (!session->greeted) {
        mr_fail(&session->failure, -EPERM, "millrace-sandboxd did not start; its reason is above");
    }
}

/* --- input and output --- */

static void
close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void
write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, bytes, size);
        if (wrote < 0 && (errno != EINTR || told_to_end != 0)) {
            return; /* our own reader has left, or we are to */
        }
        bytes += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
}

static void
copy_out(int *from, int to)
{
    static char bytes[COPY_BYTES];
    ssize_t got = read(*from, bytes, sizeof(bytes));

    if (got > 0) {
        write_all(to, bytes, (size_t)got);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        close_fd(from);
    }
}

/* A pipe takes at most what it has room for: less than PIPE_BUF would be refused, not cut. */
static void
copy_in(struct session *session)
{
    char bytes[4096];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));

    if (got <= 0 || write(session->input_fd, bytes, (size_t)got) != got) {
        close_fd(&session->input_fd);
        session->input_open = false;
    }
}

/* --- the session --- */

static size_t
slices_of(char *const *texts, struct mr_slice *out_slices)
{
    size_t count = 0;

    for (; texts != NULL && texts[count] != NULL && count < MAX_LIST; count++) {
        out_slices[count] = mr_slice_str(texts[count]);
    }
    return count;
}

static int
ask_launch(struct session *session, const char *code_dir, struct mr_error *err)
{
    static char path[] = "PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin";
    static char language[] = "LANG=C.UTF-8", home[] = "LAMBDA_TASK_ROOT=/var/task";
    char *const usual[] = { path, language, home, NULL };
    const struct mr_run_command *command = session->command;
    static struct mr_slice args[MAX_LIST], env[MAX_LIST], allows[MAX_LIST];
    struct mr_sandbox_launch launch = {
        .environment = ENVIRONMENT,
        .name = mr_slice_str(command->args[0]),
        .code_dir = mr_slice_str(code_dir),
        .args = args,
        .arg_count = slices_of(command->args, args),
        .env = env,
        .env_count = slices_of(command->env != NULL ? command->env : usual, env),
        .allow_syscalls = allows,
        .allow_syscall_count = slices_of(command->allow_syscalls, allows),
        .memory_mb = command->memory_mb,
        .tmp_mb = command->tmp_mb,
        .network = command->network,
        .profile = command->profile,
        .flags = MR_SANDBOX_SEPARATE_STDERR | MR_SANDBOX_STDIN,
    };
    return mr_sandbox_client_launch(session->client, &launch, err);
}

static int
time_left_ms(const struct session *session, uint64_t deadline_ms)
{
    if (session->command->timeout_ms == 0 || session->timed_out) {
        return -1;
    }
    uint64_t now_ms = mr_clock_now_ms(mr_clock_system());
    return now_ms >= deadline_ms ? 0 : (int)(deadline_ms - now_ms);
}

static bool
is_over(const struct session *session)
{
    return session->failed ||
           (session->ended && session->output_fd < 0 && session->error_fd < 0);
}

static void
converse(struct session *session)
{
    uint64_t deadline_ms = mr_clock_now_ms(mr_clock_system()) + session->command->timeout_ms;

    while (!is_over(session)) {
        struct pollfd ready[] = {
            { .fd = mr_sandbox_client_fd(session->client), .events = POLLIN },
            { .fd = session->output_fd, .events = POLLIN },
            { .fd = session->error_fd, .events = POLLIN },
            { .fd = session->input_open ? session->input_fd : -1, .events = POLLOUT },
            { .fd = -1, .events = POLLIN },
        };
        int count = poll(ready, 4, time_left_ms(session, deadline_ms));
        if (count == 0 && !session->timed_out) {
            session->timed_out = true;
            (void)mr_sandbox_client_kill(session->client, ENVIRONMENT, NULL);
        }
        if (ready[1].revents != 0) {
            copy_out(&session->output_fd, STDOUT_FILENO);
        }
        if (ready[2].revents != 0) {
            copy_out(&session->error_fd, STDERR_FILENO);
        }
        if (ready[3].revents != 0) {
            /* There is room inside: wait for ours, but not longer than for anything else. */
            struct pollfd ours[] = {
                { .fd = STDIN_FILENO, .events = POLLIN }, ready[0], ready[1], ready[2]
            };
            (void)poll(ours, 4, time_left_ms(session, deadline_ms));
            if (ours[0].revents != 0) {
                copy_in(session);
            }
        }
        if (ready[0].revents != 0) {
            (void)mr_sandbox_client_dispatch(session->client);
        }
    }
}

static int
status_of(const struct session *session, struct mr_error *err)
{
    const struct mr_sandbox_usage *usage = &session->exit.usage;

    if (told_to_end != 0) {
        return 128 + told_to_end;
    }
    if (session->failed && !session->ended) {
        return mr_fail(err, session->failure.code, "%s", session->failure.text);
    }
    bool foreign_call = session->exit.signal == SIGSYS;
    if (session->command->verbose || session->exit.oom || foreign_call) {
        fprintf(stderr, "sandbox: %s; peak memory %llu MB, CPU %llu ms, throttled %u times\n",
                session->timed_out ? "timed out" : session->exit.text,
                (unsigned long long)(usage->memory_peak_bytes >> 20),
                (unsigned long long)(usage->cpu_us / 1000), usage->throttled_count);
    }
    if (session->timed_out) {
        return TIMED_OUT;
    }
    return session->exit.signal != 0 ? 128 + session->exit.signal : session->exit.status;
}

/* --level L2 means: exactly what an L2 host would give. */
static uint32_t
hidden_by_level(enum mr_sandbox_level level)
{
    return level == MR_SANDBOX_L2   ? MR_SANDBOX_HAS_CGROUP_LIMITS
           : level == MR_SANDBOX_L3 ? MR_SANDBOX_HAS_CGROUP_LIMITS | MR_SANDBOX_HAS_USER_NS
                                    : 0u;
}

int
mr_sandbox_run_command(const struct mr_run_command *command, struct mr_error *err)
{
    static const struct mr_sandbox_callbacks callbacks = { .launched = on_launched,
                                                           .failed = on_failed,
                                                           .exited = on_exited,
                                                           .denied = on_denied,
                                                           .hello = on_hello,
                                                           .lost = on_lost };
    struct session session = {
        .command = command, .output_fd = -1, .error_fd = -1, .input_fd = -1
    };
    struct mr_sandboxd_options options = { .require = command->level,
                                           .quiet = true,
                                           .hide = command->hide |
                                                   hidden_by_level(command->level) };
    mr_auto_free char *here =
        command->code_dir == NULL ? getcwd(NULL, 0) : realpath(command->code_dir, NULL);
    struct sigaction before[ENDING_COUNT];
    pid_t daemon;

    if (here == NULL) {
        return mr_fail(err, -errno, "code directory %s: %s",
                       command->code_dir == NULL ? "." : command->code_dir, strerror(errno));
    }
    int fd = mr_sandboxd_spawn(command->daemon_path, &options, &daemon, err);
    if (fd < 0) {
        return fd;
    }
    signal(SIGPIPE, SIG_IGN);
    daemon_pid = daemon;
    take_endings(before);
    session.client = mr_sandbox_client_new(fd, &callbacks, &session);
    int rc = ask_launch(&session, here, err);
    if (rc == 0) {
        converse(&session);
        rc = status_of(&session, err);
    }
    close_fd(&session.output_fd);
    close_fd(&session.error_fd);
    close_fd(&session.input_fd);
    mr_sandbox_client_free(session.client);
    while (waitpid(daemon, NULL, 0) < 0 && errno == EINTR) {
    }
    give_back_endings(before);
    return rc;
}
