/*
 * Many at a time: an environment whose runtime handles several invocations at once
 * (AWS_LAMBDA_MAX_CONCURRENCY). Every next that waits is a slot; an invocation has a state of
 * its own, is over when it is answered, and its timeout ends nobody but itself.
 */
#include "runtime/inside.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"

enum {
    SLOTS_BESIDE = 64
}; /* nexts that may wait beyond max_concurrency: Node opens some more */

struct slot {
    struct mr_list node;
    struct environment *environment;
    struct mr_http_exchange *exchange;
};

static void on_invocation_timer(void *context);

static uint64_t
now_us(void)
{
    return mr_clock_now_us(mr_clock_system());
}

static struct invocation *
find(struct environment *environment, struct mr_slice id)
{
    MR_LIST_EACH(node, &environment->running)
    {
        struct invocation *invocation = MR_CONTAINER_OF(node, struct invocation, place);
        if (mr_slice_eq(invocation->request_id, id)) {
            return invocation;
        }
    }
    return NULL;
}

struct invocation *
many_find(struct environment *environment, struct mr_slice id)
{
    return environment->many ? find(environment, id) : NULL;
}

/* ---- slots ---- */

static void
slot_free(struct slot *slot)
{
    mr_list_remove(&slot->node);
    slot->environment->slot_count--;
    free(slot);
}

static void
on_slot_aborted(struct mr_http_exchange *exchange, void *context)
{
    struct environment *environment = context;

    MR_LIST_EACH(node, &environment->slots)
    {
        struct slot *slot = MR_CONTAINER_OF(node, struct slot, node);
        if (slot->exchange == exchange) {
            slot_free(slot);
        }
    }
}

void
many_serve_next(struct environment *environment, struct mr_http_exchange *exchange)
{
    if (environment->state != ENV_STARTED && environment->state != ENV_READY) {
        api_refuse_transition(exchange, environment, "Ready");
        return;
    }
    if (environment->slot_count >=
        environment->entry->function.max_concurrency + SLOTS_BESIDE) {
        api_answer_error(exchange, 500, "InternalServerError", "Internal Server Error");
        return; /* Runtime.TooManyIdleRuntimes, in Lambda's words */
    }
    struct slot *slot = mr_alloc_zero(1, sizeof(*slot));
    slot->environment = environment;
    slot->exchange = exchange;
    environment->slot_count++;
    mr_list_push_back(&environment->slots, &slot->node);
    mr_http_exchange_on_abort(exchange, on_slot_aborted, environment);
    if (environment->initialising) {
        environment_ready(environment);
    } else {
        many_go_on(environment);
    }
}

/* ---- in and out of it ---- */

static void
start(struct environment *environment, struct invocation *invocation)
{
    struct slot *slot = MR_CONTAINER_OF(environment->slots.next, struct slot, node);
    struct mr_http_exchange *exchange = slot->exchange;

    slot_free(slot);
    mr_timer_stop(&invocation->timer);
    mr_list_remove(&invocation->place);
    mr_list_push_back(&environment->running, &invocation->place);
    invocation->state = ENV_RUNNING;
    if (!invocation->started) {
        invocation->started = true;
        invocation->started_us = now_us();
        log_start(environment, invocation);
    }
    if (environment_times_out(environment)) {
        mr_timer_start(&invocation->timer, environment->entry->function.timeout_ms);
    }
    runtime_api_write_event(exchange, invocation);
}

void
many_go_on(struct environment *environment)
{
    if (environment->killing != KILL_NOT || environment->initialising) {
        return;
    }
    while (environment->slot_count > 0 && !mr_list_empty(&environment->pending)) {
        struct invocation *next =
            MR_CONTAINER_OF(environment->pending.next, struct invocation, place);
        environment->pending_count--;
        environment->running_count++;
        start(environment, next);
    }
    MR_LIST_EACH(node, &environment->pending)
    {
        struct invocation *waits = MR_CONTAINER_OF(node, struct invocation, place);
        if (!mr_timer_started(&waits->timer)) {
            mr_timer_start(&waits->timer, WAIT_FOR_NEXT_MS);
        }
    }
    if (environment->running_count + environment->pending_count == 0) {
        environment->idle_since_us = now_us();
        if (environment->entry->retired || environment->runtime->stopping) {
            environment_kill(environment, KILL_RETIRE);
        }
    }
}

void
many_add(struct environment *environment, struct invocation *invocation, bool first)
{
    invocation->environment = environment;
    mr_list_init(&invocation->place);
    if (first) {
        mr_list_push_front(&environment->pending, &invocation->place);
    } else {
        mr_list_push_back(&environment->pending, &invocation->place);
    }
    environment->pending_count++;
    mr_timer_init(&invocation->timer, environment->runtime->loop, MR_TIME_REAL,
                  on_invocation_timer, invocation);
    many_go_on(environment);
}

static void
leave(struct invocation *invocation)
{
    struct environment *environment = invocation->environment;

    mr_timer_stop(&invocation->timer);
    mr_list_remove(&invocation->place);
    if (invocation->state == ENV_COLD) {
        environment->pending_count--;
    } else {
        environment->running_count--;
    }
}

/* It is answered, and that is the end of it. */
static void
complete(struct invocation *invocation)
{
    struct environment *environment = invocation->environment;

    leave(invocation);
    environment_look_at_memory(environment);
    invocation->duration_us = now_us() - invocation->started_us;
    invocation->result.memory_peak_bytes = environment->memory_peak_bytes;
    log_drain(environment);
    log_end(environment, invocation);
    invocation_finish(invocation);
    many_go_on(environment);
}

static void
remember_late(struct environment *environment, struct mr_slice id)
{
    char *place = environment->late[environment->late_count++ % MAX_LATE];

    snprintf(place, MR_UUID_SIZE, "%.*s", MR_SLICE_ARGS(id));
}

/* Once: whoever answers a second time is told that it is no id. */
static bool
was_late(struct environment *environment, struct mr_slice id)
{
    for (size_t i = 0; i < MAX_LATE; i++) {
        if (id.size > 0 && mr_slice_is(id, environment->late[i])) {
            environment->late[i][0] = 0;
            return true;
        }
    }
    return false;
}

static void
time_out(struct invocation *invocation)
{
    uint32_t timeout_ms = invocation->entry->function.timeout_ms;
    char body[160];

    invocation->environment->runtime->counts.timeouts++;
    invocation->status = "timeout";
    remember_late(invocation->environment, invocation->request_id);
    snprintf(body, sizeof(body),
             "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"Task timed out after "
             "%u.%02u seconds\"}",
             timeout_ms / 1000, timeout_ms % 1000 / 10);
    const struct mr_invocation_result result = {
        .outcome = MR_INVOCATION_FUNCTION_ERROR,
        .payload = mr_slice_str(body),
        .function_error = MR_SLICE("Unhandled"),
        .error_type = MR_SLICE("Sandbox.Timedout"),
    };
    invocation_answer(invocation, &result);
    complete(invocation);
}

static void
on_invocation_timer(void *context)
{
    struct invocation *invocation = context;

    if (invocation->state != ENV_COLD) {
        time_out(invocation);
        return;
    }
    leave(invocation); /* no slot came free in time: as if it had just come */
    invocation->environment = NULL;
    invocation->may_wait = false;
    invocation_place(invocation);
}

/* ---- answers ---- */

static struct invocation *
current(struct environment *environment, struct mr_http_exchange *exchange, struct mr_slice id)
{
    struct invocation *invocation = find(environment, id);

    if (invocation == NULL && was_late(environment, id)) {
        api_answer_error(exchange, 410, "InvokeTimeout", "Invoke timeout");
    } else if (invocation == NULL) {
        api_answer_error(exchange, 400, "InvalidRequestID", "Invalid request ID");
    }
    return invocation;
}

void
many_serve_response(struct environment *environment, struct mr_http_exchange *exchange,
                    const struct mr_http_request *request, struct mr_slice id)
{
    struct invocation *invocation = current(environment, exchange, id);
    bool streams = mr_http_exchange_user(exchange) != NULL;

    if (invocation == NULL) {
        return;
    }
    if ((invocation->state == ENV_RESPONSE) != streams) {
        api_answer_error(exchange, 400, "InvalidRequestID", "Invalid request ID");
        return;
    }
    if (streams) {
        api_finish_stream(invocation, &invocation->stream, exchange, request);
    } else {
        api_take_response(invocation, exchange, request);
    }
    complete(invocation);
}

void
many_serve_error(struct environment *environment, struct mr_http_exchange *exchange,
                 const struct mr_http_request *request, struct mr_slice id)
{
    struct invocation *invocation = current(environment, exchange, id);

    if (invocation != NULL) { /* legal while its response streams, too, and ends that */
        api_take_error(invocation, exchange, request);
        complete(invocation);
    }
}

/* ---- its end ---- */

static void
fail(struct environment *environment, struct invocation *invocation)
{
    const struct mr_launch_exit *exit = &environment->exit;
    char text[128], reason[64];

    if (invocation->answered) {
        return;
    }
    invocation->status = "error";
    if (environment->killing != KILL_NOT && environment->killing != KILL_EXITED) {
        const struct mr_invocation_result stopped = {
            .outcome = MR_INVOCATION_SERVICE_ERROR,
            .reason = MR_SLICE("the environment was stopped before the function answered"),
        };
        invocation_answer(invocation, &stopped);
    } else if (environment->fault_type != NULL) {
        invocation_fail(invocation, environment->fault_type, environment->fault_text);
    } else if (exit->oom) {
        invocation_fail(invocation, "Runtime.OutOfMemory", "Runtime exited: out of memory");
    } else {
        exit_reason(exit, reason, sizeof(reason));
        snprintf(text, sizeof(text),
                 exit->signal == 0 && exit->status == 0
                     ? "Runtime exited without providing a reason"
                     : "Runtime exited with error: %s",
                 reason);
        invocation_fail(invocation, "Runtime.ExitError", text);
    }
}

void
many_end(struct environment *environment)
{
    MR_LIST_EACH(node, &environment->slots)
    {
        slot_free(MR_CONTAINER_OF(node, struct slot, node));
    }
    while (!mr_list_empty(&environment->running)) {
        struct invocation *invocation =
            MR_CONTAINER_OF(environment->running.next, struct invocation, place);
        environment->runtime->counts.crashes += environment->killing == KILL_NOT;
        fail(environment, invocation);
        leave(invocation);
        invocation->duration_us = now_us() - invocation->started_us;
        log_end(environment, invocation);
        invocation_finish(invocation);
    }
    while (!mr_list_empty(&environment->pending)) {
        struct invocation *invocation =
            MR_CONTAINER_OF(environment->pending.next, struct invocation, place);
        leave(invocation);
        invocation->environment = NULL;
        invocation->may_wait = false;
        invocation_place(invocation);
    }
}

/* ---- where there is room ---- */

static bool
has_room(const struct environment *environment)
{
    size_t taken = environment->running_count + environment->pending_count +
                   (environment->invocation != NULL);

    return environment->killing == KILL_NOT && !environment->gone &&
           environment->fault_type == NULL && environment->state != ENV_COLD &&
           environment->state != ENV_GONE &&
           taken < environment->entry->function.max_concurrency;
}

/* An idle slot, or one that will be: in an environment that starts, or of a busy worker. */
struct environment *
many_find_room(struct mr_runtime *runtime, const struct entry *entry, struct mr_slice tenant,
               bool may_wait)
{
    struct environment *best = NULL;

    MR_LIST_EACH(node, &runtime->environments)
    {
        struct environment *environment = MR_CONTAINER_OF(node, struct environment, node);
        if (environment->entry != entry || !has_room(environment) ||
            (entry->function.per_tenant &&
             !mr_slice_eq(mr_slice_str(environment->tenant), tenant))) {
            continue;
        }
        if (environment->slot_count > environment->pending_count) {
            return environment;
        }
        if (may_wait) {
            best = environment;
        }
    }
    return best;
}
