/* One environment: a place with a /tmp, and the process that lives in it for a while. */
#include "runtime/inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/relay.h"

static void on_init_timeout(void *context);
static void on_timeout(void *context);
static void on_settled(void *context);
static void on_waited(void *context);

static uint64_t
now_us(void)
{
    return mr_clock_now_us(mr_clock_system());
}

struct environment *
environment_new(struct mr_runtime *runtime, struct entry *entry, struct mr_slice tenant)
{
    struct environment *environment = mr_alloc_zero(1, sizeof(*environment));
    struct mr_loop *loop = runtime->loop;

    environment->runtime = runtime;
    environment->entry = entry;
    entry->refs++;
    environment->id = ++runtime->last_environment;
    environment->log_fd = -1;
    environment->tenant = tenant.data != NULL ? mr_slice_dup(tenant) : NULL;
    mr_timer_init(&environment->init_timer, loop, MR_TIME_REAL, on_init_timeout, environment);
    mr_timer_init(&environment->timeout_timer, loop, MR_TIME_REAL, on_timeout, environment);
    mr_timer_init(&environment->settle_timer, loop, MR_TIME_REAL, on_settled, environment);
    mr_timer_init(&environment->wait_timer, loop, MR_TIME_REAL, on_waited, environment);
    shutdown_timer_init(environment);
    log_timer_init(environment);
    environment->command_fd = environment->report_fd = -1;
    mr_list_init(&environment->extensions);
    environment->many = entry->function.max_concurrency > 0;
    mr_list_init(&environment->running);
    mr_list_init(&environment->pending);
    mr_list_init(&environment->slots);
    mr_list_push_back(&runtime->environments, &environment->node);
    runtime->counts.environments++;
    return environment;
}

struct environment *
environment_find(struct mr_runtime *runtime, uint64_t id)
{
    MR_LIST_EACH(node, &runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        if (environment->id == id) {
            return environment;
        }
    }
    return NULL;
}

/* Nothing of the process is left: no listener, no pipe. */
static void
forget_process(struct environment *environment)
{
    mr_timer_stop(&environment->init_timer);
    mr_timer_stop(&environment->timeout_timer);
    mr_timer_stop(&environment->shutdown_timer);
    environment->shutdown = SHUTDOWN_NOT;
    telemetry_forget(environment);
    supervised_close(environment);
    extensions_forget(environment);
    free(environment->fault_text);
    environment->fault_text = NULL;
    environment->fault_type = NULL;
    environment->gone = environment->initialising = false;
    environment->restoring_us = environment->restored_us = 0;
    if (environment->listening) {
        environment->listening = false;
        mr_http_server_unlisten(environment->runtime->server, environment, true);
    }
    for (size_t i = 0; i < MR_SANDBOX_MAX_FORWARDS; i++) {
        mr_relay_free(environment->relays[i]);
        environment->relays[i] = NULL;
    }
    environment->next = NULL;
    mr_timer_stop(&environment->log_timer);
    mr_watch_free(environment->log_watch);
    environment->log_watch = NULL;
    if (environment->log_fd >= 0) {
        close(environment->log_fd);
        environment->log_fd = -1;
    }
    mr_log_lines_deinit(&environment->lines);
    environment->lines = (struct mr_log_lines){ 0 };
    mr_buf_deinit(&environment->stream);
    environment->frozen = false;
    environment->killing = KILL_NOT;
    environment->state = ENV_COLD;
}

void
environment_free(struct environment *environment)
{
    struct mr_runtime *runtime = environment->runtime;

    forget_process(environment);
    mr_timer_stop(&environment->settle_timer);
    mr_timer_stop(&environment->wait_timer);
    runtime->options.launcher->release(runtime->options.launcher->self, environment->id);
    mr_list_remove(&environment->node);
    runtime->counts.environments--;
    entry_unref(environment->entry);
    mr_buf_deinit(&environment->init_error);
    free(environment->init_error_type);
    free(environment->stream_type);
    free(environment->tenant);
    free(environment);
    runtime_check_stopped(runtime);
}

/* ---- starting ---- */

static void
arm_timeout(struct environment *environment)
{
    if (!environment->runtime->options.no_timeouts) {
        mr_timer_start(&environment->timeout_timer, environment->entry->function.timeout_ms);
    }
}

static void
begin(struct environment *environment, struct invocation *invocation)
{
    if (!invocation->started) {
        invocation->started = true;
        invocation->started_us = now_us();
        log_start(environment, invocation);
        arm_timeout(environment);
    }
}

static void
launch_failed(struct environment *environment, const struct mr_error *err)
{
    struct invocation *invocation = environment->invocation;

    environment->invocation = NULL;
    environment->killing = KILL_RESET;
    many_end(environment);
    if (invocation != NULL) {
        mr_auto_buf struct mr_buf line = { 0 };
        const char *type =
            err->code == -ENOTDIR ? "Runtime.InvalidWorkingDir"
            : err->code == -EACCES || err->code == -ENOENT || err->code == -ENOEXEC
                ? "Runtime.InvalidEntrypoint"
                : "Runtime.LaunchError";
        begin(environment, invocation);
        mr_timer_stop(&environment->timeout_timer);
        mr_buf_printf(&line, "RequestId: %.*s Error: %s\n%s",
                      MR_SLICE_ARGS(invocation->request_id), err->text, type);
        log_problem(environment, invocation, mr_buf_slice(&line));
        invocation->status = "error";
        if (err->code == -EPIPE ||
            err->code == -EAGAIN) { /* sandboxd is away: no fault of it */
            const struct mr_invocation_result away = {
                .outcome = MR_INVOCATION_SERVICE_ERROR,
                .reason = mr_slice_str(err->text),
            };
            invocation_answer(invocation, &away);
        } else {
            invocation_fail(invocation, type, err->text);
        }
        invocation->duration_us = now_us() - invocation->started_us;
        log_end(environment, invocation);
        invocation_finish(invocation);
    }
    environment_free(environment);
}

static void
fail_later(void *context)
{
    struct environment *environment = context;
    const struct mr_error err = environment->launch_error;

    launch_failed(environment, &err);
}

static int
launch(struct environment *environment, struct mr_error *err)
{
    const struct mr_function *function = &environment->entry->function;
    struct mr_launcher *launcher = environment->runtime->options.launcher;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct program program;

    if (program_of(environment, &arena, &program, err) < 0) {
        return err->code;
    }
    const struct mr_launch what = {
        .environment = environment->id,
        .name = function->name,
        .code_dir = function->code_dir,
        .runtime_dir = program.runtime_dir,
        .layers = function->layers,
        .layer_count = function->layer_count,
        .args = program.args,
        .arg_count = program.arg_count,
        .env = program.env,
        .env_count = program.env_count,
        .allow_syscalls = function->allow_syscalls,
        .allow_syscall_count = function->allow_syscall_count,
        .memory_mb = function->memory_mb,
        .tmp_mb = function->tmp_mb,
        .network = function->network,
        .forwards = environment->runtime->options.forwards,
        .forward_count = environment->runtime->options.forward_count,
        .strict = function->strict_sandbox,
        .pipes = program.supervised,
    };
    environment->supervised = environment->runtime_gone = program.supervised;
    for (size_t i = 0; i < program.extension_count; i++) {
        extension_new(environment, (unsigned)i + 1, program.extensions[i]);
    }
    return launcher->launch(launcher->self, &what, err);
}

/* Many at a time has the time of a provisioned init. */
static uint64_t
init_limit_ms(const struct environment *environment)
{
    uint64_t timeout_ms = environment->entry->function.timeout_ms;

    if (!environment->many) {
        return environment->runtime->options.init_ms;
    }
    return timeout_ms > MANY_INIT_MS ? timeout_ms : MANY_INIT_MS;
}

void
environment_start(struct environment *environment, struct invocation *invocation)
{
    struct mr_error *err = &environment->launch_error;

    environment->invocation = invocation;
    environment->launched_us = now_us();
    environment->state = ENV_LAUNCHING;
    environment->initialising = true;
    environment->runtime->counts.cold_starts++;
    if (invocation != NULL) {
        invocation->environment = environment;
        invocation->cold = true;
    }
    int rc = launch(environment, err);
    log_init_start(environment);
    if (environment->suppressed && invocation != NULL) {
        begin(environment, invocation);
    } else if (!environment->runtime->options.no_timeouts) {
        mr_timer_start(&environment->init_timer, init_limit_ms(environment));
    }
    if (rc < 0) {
        mr_log(MR_LOG_WARN, "runtime", "function %.*s: %s",
               MR_SLICE_ARGS(environment->entry->function.name), err->text);
        mr_loop_defer(environment->runtime->loop, fail_later, environment);
    }
}

static void
on_log(int events, void *context)
{
    (void)events;
    log_read(context);
}

/* The descriptors are taken, used or not. */
static void
forward(struct environment *environment, const struct mr_launch_started *started)
{
    struct mr_runtime *runtime = environment == NULL ? NULL : environment->runtime;

    for (size_t i = 0; i < started->forward_count; i++) {
        if (runtime != NULL && i < runtime->options.forward_count) {
            environment->relays[i] = mr_relay_new(runtime->loop, started->forward_fds[i],
                                                  runtime->options.forwards[i]);
        } else {
            close(started->forward_fds[i]);
        }
    }
}

static void
on_started(void *context, uint64_t id, const struct mr_launch_started *started)
{
    struct mr_runtime *runtime = context;
    struct environment *environment = environment_find(runtime, id);
    struct mr_error err = { 0 };

    if (environment == NULL || environment->state != ENV_LAUNCHING) {
        forward(NULL, started);
        close(started->listener_fd);
        close(started->log_fd);
        return;
    }
    environment->state = ENV_STARTED;
    forward(environment, started);
    if (environment->supervised) {
        supervised_open(environment, started->input_fd, started->stderr_fd);
    }
    environment->log_fd = started->log_fd;
    environment->log_watch =
        mr_watch_new(runtime->loop, started->log_fd, MR_READABLE, on_log, environment);
    environment->listening = true;
    environment->own_uid = started->own_uid;
    environment->uid = started->uid;
    if (mr_http_server_listen_fd(runtime->server, started->listener_fd, NULL, environment,
                                 &err) < 0) {
        environment->listening = false;
        mr_log(MR_LOG_ERROR, "runtime", "listen for an environment: %s", err.text);
        environment_kill(environment, KILL_RESET);
    }
}

static void
on_failed(void *context, uint64_t id, const struct mr_error *err)
{
    struct environment *environment = environment_find(context, id);

    if (environment != NULL) {
        launch_failed(environment, err);
    }
}

static void
on_said(void *context, uint64_t id, struct mr_slice line)
{
    struct environment *environment = environment_find(context, id);

    if (environment != NULL) {
        log_platform(environment, environment->invocation, line);
    }
}

/* ---- running ---- */

void
environment_dispatch(struct environment *environment, struct invocation *invocation)
{
    struct mr_launcher *launcher = environment->runtime->options.launcher;

    if (environment->frozen) {
        environment->frozen = false;
        launcher->thaw(launcher->self, environment->id);
        telemetry_flush(environment);
    }
    environment->invocation = invocation;
    invocation->environment = environment;
    environment->state = ENV_RUNNING;
    begin(environment, invocation);
    runtime_api_send_event(environment);
    extensions_send_invoke(environment, invocation);
}

void
environment_look_at_memory(struct environment *environment)
{
    struct mr_launcher *launcher = environment->runtime->options.launcher;

    environment->memory_peak_bytes = launcher->memory_peak(launcher->self, environment->id);
}

static void
complete(struct environment *environment)
{
    struct invocation *invocation = environment->invocation;

    environment->invocation = NULL;
    mr_timer_stop(&environment->timeout_timer);
    environment_look_at_memory(environment);
    invocation->duration_us = now_us() - invocation->started_us;
    invocation->result.memory_peak_bytes = environment->memory_peak_bytes;
    log_end(environment, invocation);
    invocation_finish(invocation);
}

static void
rest(struct environment *environment)
{
    struct mr_launcher *launcher = environment->runtime->options.launcher;

    environment->idle_since_us = now_us();
    if (environment->entry->retired || environment->runtime->stopping) {
        environment_kill(environment, KILL_RETIRE);
    } else if (environment->runtime->options.freeze) {
        environment->frozen = true;
        launcher->freeze(launcher->self, environment->id);
    }
}

void
environment_ready(struct environment *environment)
{
    environment->state = ENV_READY;
    log_drain(environment);
    if (environment->restoring_us != 0 && environment->restored_us == 0) {
        environment->restored_us = now_us();
        log_restore(environment, "success", NULL);
    } else if (environment->initialising) {
        environment_look_at_memory(environment);
        log_init_runtime_done(environment, "success", NULL);
    } else if (environment->invocation != NULL) {
        log_runtime_done(environment, environment->invocation);
    }
    environment_settle(environment);
}

static void
init_done(struct environment *environment)
{
    struct invocation *first = environment->invocation;

    mr_timer_stop(&environment->init_timer);
    log_init_report(environment, "success", NULL);
    telemetry_init_done(environment);
    environment->initialising = false;
    if (first != NULL) {
        first->restore_us = environment->restored_us - environment->restoring_us;
        first->init_us = environment->suppressed || first->restore_us > 0
                             ? 0
                             : now_us() - environment->launched_us;
        environment->invocation = NULL;
    }
    environment->suppressed = false;
    if (first != NULL && environment->many) {
        mr_timer_stop(&environment->timeout_timer); /* it has one of its own from now on */
        many_add(environment, first, true);
    } else if (first != NULL) {
        environment_dispatch(environment, first);
    }
}

void
environment_settle(struct environment *environment)
{
    if (environment->state != ENV_READY || environment->killing != KILL_NOT ||
        !extensions_settled(environment)) {
        return;
    }
    if (environment->initialising) {
        init_done(environment);
    } else if (environment->many) {
        many_go_on(environment);
    } else if (environment->invocation != NULL) {
        complete(environment);
    }
    if (environment->state != ENV_READY || environment->many) {
        return; /* it has been put to work already */
    }
    struct invocation *waiting = environment->waiting;
    if (waiting != NULL) {
        environment->waiting = NULL;
        mr_timer_stop(&environment->wait_timer);
        environment_dispatch(environment, waiting);
        return;
    }
    rest(environment);
}

/* ---- ending ---- */

void
environment_kill(struct environment *environment, enum kill_reason reason)
{
    struct mr_launcher *launcher = environment->runtime->options.launcher;

    if (environment->killing != KILL_NOT || environment->state == ENV_GONE ||
        environment->gone) {
        return;
    }
    environment->killing = reason;
    if (!shutdown_begin(environment)) {
        environment->shutdown = SHUTDOWN_OVER;
        launcher->kill(launcher->self, environment->id);
    }
}

void
environment_fault(struct environment *environment, const char *type, const char *text)
{
    if (environment->killing != KILL_NOT || environment->fault_type != NULL) {
        return;
    }
    environment->fault_type = type;
    environment->fault_text = mr_slice_dup(mr_slice_str(text));
    mr_timer_start(&environment->settle_timer, 0);
}

void
environment_runtime_gone(struct environment *environment, const struct mr_launch_exit *exit)
{
    environment->runtime_gone = true;
    environment->exit = *exit;
    if (environment->killing == KILL_NOT) {
        mr_timer_start(&environment->settle_timer, EXIT_SETTLE_MS);
    } else {
        shutdown_go_on(environment);
    }
}

static void
on_init_timeout(void *context)
{
    struct environment *environment = context;

    log_drain(environment);
    log_init_report(environment, "timeout", NULL);
    environment_kill(environment, KILL_INIT_TIMEOUT);
}

static void
on_timeout(void *context)
{
    struct environment *environment = context;
    struct invocation *invocation = environment->invocation;
    uint32_t timeout_ms = environment->entry->function.timeout_ms;
    mr_auto_buf struct mr_buf line = { 0 };
    char text[64], time[32];

    if (invocation == NULL) {
        return;
    }
    environment->runtime->counts.timeouts++;
    log_drain(environment);
    snprintf(text, sizeof(text), "Task timed out after %u.%02u seconds", timeout_ms / 1000,
             timeout_ms % 1000 / 10);
    log_time(time, mr_clock_wall_us(mr_loop_clock(environment->runtime->loop)));
    mr_buf_printf(&line, "%s %.*s %s\n", time, MR_SLICE_ARGS(invocation->request_id), text);
    log_problem(environment, invocation, mr_buf_slice(&line));
    invocation->status = "timeout";
    invocation->duration_us = now_us() - invocation->started_us;
    environment_kill(environment, KILL_TIMEOUT);
    invocation_fail(invocation, "Sandbox.Timedout", text);
}

static const char *
signal_text(int signal_number)
{
    switch (signal_number) {
    case SIGKILL:
        return "killed";
    case SIGSEGV:
        return "segmentation fault";
    case SIGABRT:
        return "aborted";
    case SIGTERM:
        return "terminated";
    case SIGILL:
        return "illegal instruction";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "floating point exception";
    case SIGHUP:
        return "hangup";
    case SIGINT:
        return "interrupt";
    case SIGQUIT:
        return "quit";
    case SIGTRAP:
        return "trace/breakpoint trap";
    case SIGPIPE:
        return "broken pipe";
    case SIGALRM:
        return "alarm clock";
    default:
        return NULL;
    }
}

void
exit_reason(const struct mr_launch_exit *exit, char *out_text, size_t size)
{
    const char *name = signal_text(exit->signal);

    if (exit->signal != 0 && name != NULL) {
        snprintf(out_text, size, "signal: %s", name);
    } else if (exit->signal != 0) {
        snprintf(out_text, size, "signal: signal %d", exit->signal);
    } else {
        snprintf(out_text, size, "exit status %d", exit->status);
    }
}

static void
exit_text(const struct mr_launch_exit *exit, char *out_text, size_t size)
{
    char reason[64];

    exit_reason(exit, reason, sizeof(reason));
    if (exit->signal == 0 && exit->status == 0) {
        snprintf(out_text, size, "Runtime exited without providing a reason");
    } else {
        snprintf(out_text, size, "Runtime exited with error: %s", reason);
    }
}

/* A process ended that should not have, in the middle of an invocation. */
static void
fail_by_exit(struct environment *environment, struct invocation *invocation)
{
    mr_auto_buf struct mr_buf line = { 0 };
    char text[256];
    const char *type = environment->fault_type;

    if (environment->exit.lost) {
        const struct mr_invocation_result lost = {
            .outcome = MR_INVOCATION_SERVICE_ERROR,
            .reason = MR_SLICE("the sandbox daemon ended, and this environment with it"),
        };
        invocation_answer(invocation, &lost);
        return;
    }
    if (type != NULL) {
        snprintf(text, sizeof(text), "%s", environment->fault_text);
    } else {
        type = "Runtime.ExitError";
        exit_text(&environment->exit, text, sizeof(text));
    }
    mr_buf_printf(&line, "RequestId: %.*s Error: %s\n%s", MR_SLICE_ARGS(invocation->request_id),
                  text, type);
    log_problem(environment, invocation, mr_buf_slice(&line));
    invocation->status = "error";
    if (environment->init_error.size > 0) {
        const struct mr_invocation_result result = {
            .outcome = MR_INVOCATION_FUNCTION_ERROR,
            .payload = mr_buf_slice(&environment->init_error),
            .function_error = MR_SLICE("Unhandled"),
            .error_type = mr_slice_str(environment->init_error_type),
        };
        invocation_answer(invocation, &result);
        return;
    }
    environment->runtime->counts.crashes++;
    invocation_fail(invocation, type, text);
}

static void
on_exited(void *context, uint64_t id, const struct mr_launch_exit *exit)
{
    struct environment *environment = environment_find(context, id);

    if (environment == NULL) {
        return;
    }
    environment->gone = true;
    if (!environment->supervised || exit->lost) {
        environment->exit = *exit; /* of a runtime under a supervisor we have heard */
    }
    if (exit->memory_peak_bytes > 0) {
        environment->memory_peak_bytes = exit->memory_peak_bytes;
    }
    /* Its last words may lie in a socket or the pipe: one more look before the end. */
    mr_timer_start(&environment->settle_timer,
                   environment->killing == KILL_NOT ? EXIT_SETTLE_MS : 0);
}

/* Was it still initialising for the first time, outside of any invocation? */
static bool
in_first_init(const struct environment *environment)
{
    return environment->initialising && !environment->suppressed;
}

/* One of several processes is gone or has given up: the caller hears of it, the others end. */
static void
end_others(struct environment *environment)
{
    struct invocation *invocation = environment->invocation;

    log_drain(environment);
    if (!in_first_init(environment) && invocation != NULL && !invocation->answered) {
        fail_by_exit(environment, invocation);
    }
    environment_kill(environment, KILL_EXITED);
}

/* What waited for this environment to finish goes on as if it had just come. */
static void
hand_on_waiting(struct environment *environment)
{
    struct invocation *waiting = environment->waiting;

    environment->waiting = NULL;
    mr_timer_stop(&environment->wait_timer);
    if (waiting != NULL) {
        waiting->may_wait = false;
        waiting->environment = NULL;
        invocation_place(waiting);
    }
}

static void
end_invocation(struct environment *environment)
{
    struct invocation *invocation = environment->invocation;

    environment->invocation = NULL;
    if (invocation == NULL) {
        return;
    }
    bool by_itself = environment->killing == KILL_NOT || environment->killing == KILL_EXITED;
    if (by_itself && !invocation->answered) {
        fail_by_exit(environment, invocation);
    }
    if (!invocation->answered) {
        const struct mr_invocation_result stopped = {
            .outcome = MR_INVOCATION_SERVICE_ERROR,
            .reason = MR_SLICE("the environment was stopped before the function answered"),
        };
        invocation_answer(invocation, &stopped);
    }
    if (invocation->started_us != 0) {
        invocation->duration_us = now_us() - invocation->started_us;
        invocation->result.memory_peak_bytes = environment->memory_peak_bytes;
        log_end(environment, invocation);
    }
    invocation_finish(invocation);
}

bool
environment_is_idle(const struct environment *environment)
{
    return environment->invocation == NULL && environment->waiting == NULL &&
           environment->running_count + environment->pending_count == 0;
}

static void
on_settled(void *context)
{
    struct environment *environment = context;
    struct invocation *invocation = environment->invocation;
    struct mr_runtime *runtime = environment->runtime;
    enum kill_reason killed = environment->killing;
    bool first_init = in_first_init(environment);
    bool by_itself = killed == KILL_NOT || killed == KILL_EXITED;

    if (!environment->gone) {
        end_others(environment);
        return;
    }
    log_drain(environment);
    if (first_init && by_itself) {
        const char *type = environment->fault_type != NULL        ? environment->fault_type
                           : environment->init_error_type != NULL ? environment->init_error_type
                                                                  : "Runtime.ExitError";
        log_init_runtime_done(environment, "error", type);
        log_init_report(environment, "error", type);
    }
    if (first_init && invocation != NULL && (by_itself || killed == KILL_INIT_TIMEOUT) &&
        !runtime->stopping) {
        forget_process(environment);
        mr_buf_clear(&environment->init_error);
        environment->suppressed = true;
        environment_start(environment, invocation);
        return;
    }
    environment->state = ENV_GONE;
    end_invocation(environment);
    many_end(environment);
    forget_process(environment);
    mr_buf_clear(&environment->init_error);
    environment->suppressed = true; /* its next start is a reset: inside an invocation */
    environment->idle_since_us = now_us();
    if (killed == KILL_RETIRE || environment->entry->retired || runtime->stopping) {
        hand_on_waiting(environment);
        environment_free(environment);
        return;
    }
    hand_on_waiting(environment);
}

/* It takes its time between the answer and `next`: others need not wait for that. */
static void
on_waited(void *context)
{
    hand_on_waiting(context);
}

const struct mr_launch_events environment_events = {
    .started = on_started,
    .exited = on_exited,
    .failed = on_failed,
    .said = on_said,
};
