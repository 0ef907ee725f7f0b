#include "control/async_events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "control/destinations.h"
#include "control/history.h"
#include "control/inside.h"

enum {
    MAX_EVENTS = 10000,
    DEFAULT_RETRIES = 2,
    DEFAULT_AGE_S = 21600,
    RETRY_MS = 60000, /* times the number of the try */
    FIRST_THROTTLE_MS = 1000,
    MAX_THROTTLE_MS = 300000,
};

struct pending {
    struct mr_list node;
    struct async_queue *queue;
    json_t *document; /* as in control.db */
    struct mr_timer timer;
    uint64_t throttle_ms;
};

struct async_queue {
    struct mr_control *control;
    struct mr_list events;
    size_t count;
    bool stopped;
};

static const char *
id_of(const struct pending *pending)
{
    return json_text_of(pending->document, "id");
}

static void
pending_free(struct pending *pending)
{
    mr_timer_stop(&pending->timer);
    mr_list_remove(&pending->node);
    pending->queue->count--;
    json_decref(pending->document);
    free(pending);
}

static void
finish(struct pending *pending)
{
    struct mr_error err = { 0 };

    if (mr_state_delete(pending->queue->control->state, MR_STATE_EVENT, id_of(pending), &err) <
        0) {
        mr_log(MR_LOG_ERROR, "control", "event %s will run again: %s", id_of(pending),
               err.text);
    }
    pending_free(pending);
}

/* ---- what the function's configuration says ---- */

static bool
find_target(const struct pending *pending, struct mr_arena *arena, struct target *out)
{
    return target_parse(pending->queue->control, arena,
                        json_text_of(pending->document, "function"),
                        json_text_of(pending->document, "qualifier"), out) &&
           out->version != NULL;
}

static json_t *
config_of(const struct target *target)
{
    return json_object_get(json_object_get(target->function, "invoke_configs"),
                           target->qualifier != NULL ? target->qualifier : "$LATEST");
}

static json_int_t
setting(const struct target *target, const char *name, json_int_t otherwise)
{
    json_t *value = json_object_get(config_of(target), name);

    return value != NULL ? json_integer_value(value) : otherwise;
}

/* ---- the end of one: where it goes ---- */

static void
tell_destination(struct pending *pending, const struct target *target, const char *condition,
                 const struct mr_invocation_result *result)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    bool success = strcmp(condition, "Success") == 0;
    json_t *destinations = json_object_get(config_of(target), "DestinationConfig");
    const char *arn = json_text_of(
        json_object_get(destinations, success ? "OnSuccess" : "OnFailure"), "Destination");
    const struct async_outcome outcome = {
        .request_id = id_of(pending),
        .function_arn = target->qualifier != NULL
                            ? target->named_arn
                            : mr_arena_printf(&arena, "%s:$LATEST", target->arn),
        .condition = condition,
        .invoke_count =
            (unsigned)json_integer_value(json_object_get(pending->document, "tries")),
        .payload = mr_slice_str(json_text_of(pending->document, "payload")),
        .result = result,
    };

    if (arn != NULL) {
        destination_tell(pending->queue->control, arn, &outcome);
    }
    arn = json_text_of(json_object_get(target->version, "DeadLetterConfig"), "TargetArn");
    if (!success && arn != NULL) {
        destination_dead_letter(pending->queue->control, arn, &outcome);
    }
}

/* ---- tries ---- */

static void
retry_in(struct pending *pending, uint64_t wait_ms)
{
    struct mr_error err = { 0 };

    if (mr_state_put(pending->queue->control->state, MR_STATE_EVENT, id_of(pending),
                     pending->document, &err) < 0) {
        mr_log(MR_LOG_ERROR, "control", "event %s: %s", id_of(pending), err.text);
    }
    mr_timer_start(&pending->timer, wait_ms);
}

static bool
is_too_old(const struct pending *pending, const struct target *target, uint64_t wait_ms)
{
    uint64_t accepted_ms =
        (uint64_t)json_integer_value(json_object_get(pending->document, "accepted_ms"));
    json_int_t age_s = setting(target, "MaximumEventAgeInSeconds", DEFAULT_AGE_S);

    return control_now_ms(pending->queue->control) + wait_ms >
           accepted_ms + (uint64_t)age_s * 1000;
}

static void
give_up(struct pending *pending, const struct target *target, const char *condition,
        const struct mr_invocation_result *result)
{
    mr_log(MR_LOG_WARN, "control", "event %s for %s is given up: %s", id_of(pending),
           target->name, condition);
    tell_destination(pending, target, condition, result);
    finish(pending);
}

static void
on_error(struct pending *pending, const struct target *target,
         const struct mr_invocation_result *result)
{
    json_int_t tries = json_integer_value(json_object_get(pending->document, "tries"));
    uint64_t wait_ms = (uint64_t)tries * RETRY_MS;

    if (tries > setting(target, "MaximumRetryAttempts", DEFAULT_RETRIES)) {
        give_up(pending, target, "RetriesExhausted", result);
    } else if (is_too_old(pending, target, wait_ms)) {
        give_up(pending, target, "EventAgeExceeded", result);
    } else {
        retry_in(pending, wait_ms);
    }
}

static void
on_refused(struct pending *pending, const struct target *target)
{
    uint64_t wait_ms = pending->throttle_ms;

    pending->throttle_ms = wait_ms * 2 < MAX_THROTTLE_MS ? wait_ms * 2 : MAX_THROTTLE_MS;
    if (is_too_old(pending, target, wait_ms)) {
        give_up(pending, target, "EventAgeExceeded", NULL);
    } else {
        mr_timer_start(&pending->timer, wait_ms);
    }
}

static void
on_done(const struct mr_invocation_result *result, void *context)
{
    struct pending *pending = context;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct target target;
    bool ran =
        result->outcome == MR_INVOCATION_OK || result->outcome == MR_INVOCATION_FUNCTION_ERROR;

    history_end(pending->queue->control->history, mr_slice_str(id_of(pending)), result);
    if (pending->queue->stopped) {
        if (result->outcome == MR_INVOCATION_OK) {
            finish(pending);
        }
        return;
    }
    if (!find_target(pending, &arena, &target)) {
        finish(pending);
        return;
    }
    if (ran) {
        json_int_t tries = json_integer_value(json_object_get(pending->document, "tries"));
        json_object_set_new(pending->document, "tries", json_integer(tries + 1));
        pending->throttle_ms = FIRST_THROTTLE_MS;
    }
    if (result->outcome == MR_INVOCATION_OK) {
        tell_destination(pending, &target, "Success", result);
        finish(pending);
    } else if (result->outcome == MR_INVOCATION_FUNCTION_ERROR) {
        on_error(pending, &target, result);
    } else {
        on_refused(pending, &target);
    }
}

static void
run(void *context)
{
    struct pending *pending = context;
    struct mr_control *control = pending->queue->control;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct target target;

    if (!find_target(pending, &arena, &target)) {
        mr_log(MR_LOG_WARN, "control", "event %s is dropped: its function %s is gone",
               id_of(pending), json_text_of(pending->document, "function"));
        finish(pending);
        return;
    }
    if (is_too_old(pending, &target, 0)) {
        give_up(pending, &target, "EventAgeExceeded", NULL);
        return;
    }
    const char *version =
        target.alias != NULL ? alias_version(control, target.alias) : target.version_name;
    const struct mr_invocation_request request = {
        .function = mr_slice_str(target.name),
        .version = mr_slice_str(version),
        .payload = mr_slice_str(json_text_of(pending->document, "payload")),
        .request_id = mr_slice_str(id_of(pending)),
        .invoked_arn = mr_slice_str(target.named_arn),
        .client_context = mr_slice_str(json_text_of(pending->document, "client_context")),
    };
    history_begin(control->history, request.request_id, request.invoked_arn, request.payload);
    mr_runtime_invoke(control->runtime, &request, on_done, pending);
}

static void
pending_add(struct async_queue *queue, json_t *document)
{
    struct pending *pending = mr_alloc_zero(1, sizeof(*pending));

    pending->queue = queue;
    pending->document = json_incref(document);
    pending->throttle_ms = FIRST_THROTTLE_MS;
    mr_timer_init(&pending->timer, queue->control->loop, MR_TIME_INJECTED, run, pending);
    mr_list_push_back(&queue->events, &pending->node);
    queue->count++;
    mr_timer_start(&pending->timer, 0);
}

struct async_queue *
async_queue_new(struct mr_control *control)
{
    struct async_queue *queue = mr_alloc_zero(1, sizeof(*queue));
    const char *id;
    json_t *document;

    queue->control = control;
    mr_list_init(&queue->events);
    json_object_foreach(mr_state_all(control->state, MR_STATE_EVENT), id, document)
    {
        pending_add(queue, document);
    }
    return queue;
}

int
async_queue_add(struct async_queue *queue, const struct async_event *event,
                struct mr_error *err)
{
    if (queue->count >= MAX_EVENTS) {
        return mr_fail(err, -ENOBUFS, "%d asynchronous events are waiting already", MAX_EVENTS);
    }
    json_t *document =
        json_pack("{s:s, s:s, s:o, s:I, s:i}", "id", event->request_id, "function",
                  event->function, "payload", json_text(event->payload), "accepted_ms",
                  (json_int_t)control_now_ms(queue->control), "tries", 0);
    if (event->qualifier != NULL) {
        json_object_set_new(document, "qualifier", json_string(event->qualifier));
    }
    if (event->client_context.size > 0) {
        json_object_set_new(document, "client_context", json_text(event->client_context));
    }
    int result =
        mr_state_put(queue->control->state, MR_STATE_EVENT, event->request_id, document, err);
    if (result == 0) {
        pending_add(queue, document);
    }
    json_decref(document);
    return result;
}

void
async_queue_stop(struct async_queue *queue)
{
    queue->stopped = true;
    MR_LIST_EACH(node, &queue->events)
    {
        mr_timer_stop(&MR_CONTAINER_OF(node, struct pending, node)->timer);
    }
}

void
async_queue_free(struct async_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    MR_LIST_EACH(node, &queue->events)
    {
        pending_free(MR_CONTAINER_OF(node, struct pending, node));
    }
    free(queue);
}
