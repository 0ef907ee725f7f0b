/* How an environment's processes end: killed, timed out, crashed; and what becomes of it then.
 */
#include "runtime/inside.h"

#include <signal.h>
#include <stdio.h>

static uint64_t
now_us(void)
{
    return mr_clock_now_us(mr_clock_system());
}

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

void
environment_on_init_timeout(void *context)
{
    struct environment *environment = context;

    log_drain(environment);
    log_init_report(environment, "timeout", NULL);
    environment_kill(environment, KILL_INIT_TIMEOUT);
}

void
environment_on_timeout(void *context)
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
    log_runtime_done(environment, invocation); /* while there are extensions to hear it */
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

void
environment_on_exited(void *context, uint64_t id, const struct mr_launch_exit *exit)
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
        log_runtime_done(environment, invocation);
    }
    environment_kill(environment, KILL_EXITED);
}

void
environment_hand_on_waiting(struct environment *environment)
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

void
environment_on_settled(void *context)
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
        environment_forget_process(environment);
        mr_buf_clear(&environment->init_error);
        environment->suppressed = true;
        environment_start(environment, invocation);
        return;
    }
    environment->state = ENV_GONE;
    end_invocation(environment);
    many_end(environment);
    environment_forget_process(environment);
    mr_buf_clear(&environment->init_error);
    environment->suppressed = true; /* its next start is a reset: inside an invocation */
    environment->idle_since_us = now_us();
    if (killed == KILL_RETIRE || environment->entry->retired || runtime->stopping) {
        environment_hand_on_waiting(environment);
        environment_free(environment);
        return;
    }
    environment_hand_on_waiting(environment);
}

/* It takes its time between the answer and `next`: others need not wait for that. */
void
environment_on_waited(void *context)
{
    environment_hand_on_waiting(context);
}
