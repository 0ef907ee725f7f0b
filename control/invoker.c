#include "control/invoker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "control/faults.h"
#include "control/history.h"

/* A batch on its way. */
struct trip {
    mr_invoked_fn *done;
    void *context;
    char *refusal; /* decided before it began */
    struct mr_control *control;
    char request_id[MR_UUID_SIZE];
    struct mr_timer timer; /* of a fault */
    struct mr_arena arena; /* of a fault: what is asked for when its time has come */
    struct mr_invocation_request asked;
    struct mr_invoke_result injected;
    bool must_run;
};

static enum mr_invoke_outcome
outcome_of(enum mr_invocation_outcome outcome)
{
    switch (outcome) {
    case MR_INVOCATION_OK:
        return MR_INVOKE_OK;
    case MR_INVOCATION_FUNCTION_ERROR:
        return MR_INVOKE_FUNCTION_ERROR;
    case MR_INVOCATION_THROTTLED:
        return MR_INVOKE_THROTTLED;
    case MR_INVOCATION_TOO_LARGE:
        return MR_INVOKE_REJECTED;
    default:
        return MR_INVOKE_SERVICE_ERROR;
    }
}

static void
trip_free(struct trip *trip)
{
    mr_timer_stop(&trip->timer);
    mr_arena_deinit(&trip->arena);
    free(trip->refusal);
    free(trip);
}

static void
on_done(const struct mr_invocation_result *result, void *context)
{
    struct trip *trip = context;
    const struct mr_invoke_result told = {
        .outcome = outcome_of(result->outcome),
        .payload = result->payload,
        .executed_version = result->executed_version,
        .reason = result->reason,
    };

    history_end(trip->control->history, mr_slice_str(trip->request_id), result);
    trip->done(&told, trip->context);
    trip_free(trip);
}

static void
refuse_later(void *context)
{
    struct trip *trip = context;
    const struct mr_invoke_result told = {
        .outcome = MR_INVOKE_SERVICE_ERROR,
        .reason = mr_slice_str(trip->refusal),
    };

    mr_loop_release(trip->control->loop);
    trip->done(&told, trip->context);
    trip_free(trip);
}

/* Why the function cannot be invoked at all, or NULL; the caller's to free. */
static char *
refusal_of(bool named, const struct target *target)
{
    if (!named || target->version == NULL) {
        return mr_strdup("the function, or the version or alias the mapping names, is gone");
    }
    const char *state = json_text_of(target->version, "State");
    const char *reason = json_text_of(target->version, "StateReason");
    if (state != NULL && strcmp(state, "Failed") == 0) {
        return mr_strdup(reason == NULL ? "the function cannot run" : reason);
    }
    return NULL;
}

/* ---- faults that were asked for ---- */

static void
on_fault_due(void *context)
{
    struct trip *trip = context;

    mr_loop_release(trip->control->loop);
    if (trip->must_run) {
        history_begin(trip->control->history, trip->asked.request_id, trip->asked.invoked_arn,
                      trip->asked.payload);
        mr_runtime_invoke(trip->control->runtime, &trip->asked, on_done, trip);
        return;
    }
    trip->done(&trip->injected, trip->context);
    trip_free(trip);
}

/* What a fault makes of an invocation; returns how long that takes. */
static uint64_t
inject(struct trip *trip, const struct mr_fault *fault, uint64_t timeout_ms)
{
    trip->injected.outcome = MR_INVOKE_FUNCTION_ERROR;
    trip->injected.executed_version = trip->asked.version;
    switch (fault->kind) {
    case MR_FAULT_CRASH:
        trip->injected.payload = MR_SLICE("{\"errorType\":\"Runtime.ExitError\","
                                          "\"errorMessage\":\"Runtime exited with error: "
                                          "signal: killed\"}");
        return 0;
    case MR_FAULT_HANG:
        trip->injected.payload = mr_slice_str(mr_arena_printf(
            &trip->arena,
            "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"Task timed out after %.2f "
            "seconds\"}",
            (double)timeout_ms / 1000));
        return timeout_ms;
    case MR_FAULT_SLOW:
        trip->must_run = true;
        return mr_function_faults_delay_ms(trip->control->faults, fault);
    case MR_FAULT_THROTTLE:
        trip->injected = (struct mr_invoke_result){
            .outcome = MR_INVOKE_THROTTLED,
            .reason = MR_SLICE("a fault was asked for"),
        };
        return 0;
    default:
        trip->injected.payload = MR_SLICE(
            "{\"errorType\":\"InjectedFault\",\"errorMessage\":\"a fault was asked for\"}");
        return 0;
    }
}

/* The request outlives the call that brought it. */
static void
fail_on_purpose(struct trip *trip, const struct mr_invocation_request *asked,
                const struct mr_fault *fault, const json_t *version)
{
    trip->asked = (struct mr_invocation_request){
        .function = mr_arena_copy(&trip->arena, asked->function),
        .version = mr_arena_copy(&trip->arena, asked->version),
        .payload = mr_arena_copy(&trip->arena, asked->payload),
        .request_id = mr_slice_str(trip->request_id),
        .invoked_arn = mr_arena_copy(&trip->arena, asked->invoked_arn),
    };
    uint64_t timeout_ms =
        1000 * (uint64_t)json_integer_value(json_object_get(version, "Timeout"));
    uint64_t wait_ms = inject(trip, fault, timeout_ms);
    mr_loop_hold(trip->control->loop);
    mr_timer_init(&trip->timer, trip->control->loop, MR_TIME_REAL, on_fault_due, trip);
    mr_timer_start(&trip->timer, wait_ms);
}

static void
invoke(void *self, const struct mr_invoke_request *request, mr_invoked_fn *done, void *context)
{
    struct mr_control *control = self;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct trip *trip = mr_alloc_zero(1, sizeof(*trip));
    struct target target;

    trip->done = done;
    trip->context = context;
    trip->control = control;
    snprintf(trip->request_id, sizeof(trip->request_id), "%.*s",
             MR_SLICE_ARGS(request->request_id));
    bool named = target_parse(control, &arena, mr_arena_cstr(&arena, request->function_arn),
                              NULL, &target);
    trip->refusal = refusal_of(named, &target);
    if (trip->refusal != NULL) {
        mr_loop_hold(control->loop);
        mr_loop_defer(control->loop, refuse_later, trip);
        return;
    }
    const char *version =
        target.alias != NULL ? alias_version(control, target.alias) : target.version_name;
    const struct mr_invocation_request asked = {
        .function = mr_slice_str(target.name),
        .version = mr_slice_str(version),
        .payload = request->payload,
        .request_id = request->request_id,
        .invoked_arn = request->function_arn,
    };
    const struct mr_fault *fault = mr_function_faults_strike(control->faults, target.name);
    if (fault != NULL) {
        fail_on_purpose(trip, &asked, fault, target.version);
        return;
    }
    history_begin(control->history, request->request_id, request->function_arn,
                  request->payload);
    mr_runtime_invoke(control->runtime, &asked, on_done, trip);
}

struct mr_invoker
invoker_of(struct mr_control *control)
{
    return (struct mr_invoker){ .invoke = invoke, .self = control };
}
