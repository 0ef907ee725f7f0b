/* One environment: a place with a /tmp, and the process that lives in it for a while. */
#include "runtime/inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "net/relay.h"

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
    mr_timer_init(&environment->init_timer, loop, MR_TIME_REAL, environment_on_init_timeout,
                  environment);
    mr_timer_init(&environment->timeout_timer, loop, MR_TIME_REAL, environment_on_timeout,
                  environment);
    mr_timer_init(&environment->settle_timer, loop, MR_TIME_REAL, environment_on_settled,
                  environment);
    mr_timer_init(&environment->wait_timer, loop, MR_TIME_REAL, environment_on_waited,
                  environment);
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

void
environment_forget_process(struct environment *environment)
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

    mr_assert(environment_is_idle(environment)); /* whoever waits for it must be told */
    environment_forget_process(environment);
    mr_timer_stop(&environment->settle_timer);
    mr_timer_stop(&environment->wait_timer);
    runtime->options.launcher->release(runtime->options.launcher->self, environment->id);
    mr_list_remove(&environment->node);
    runtime->counts.environments--;
    entry_unref(environment->entry);
    mr_buf_deinit(&environment->init_error);
    free(environment->init_error_type);
    free(environment->tenant);
    free(environment);
    runtime_check_stopped(runtime);
}

/* ---- starting ---- */

bool
environment_times_out(const struct environment *environment)
{
    return !environment->runtime->options.no_timeouts &&
           environment->entry->function.debug_port == 0;
}

static void
arm_timeout(struct environment *environment)
{
    if (environment_times_out(environment)) {
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
    environment->gone = true;
    environment_hand_on_waiting(environment);
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
    } else if (environment_times_out(environment)) {
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

const struct mr_launch_events environment_events = {
    .started = on_started,
    .exited = environment_on_exited,
    .failed = on_failed,
    .said = on_said,
};
