#include "control/invoker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "control/history.h"

/* A batch on its way. */
struct trip {
    mr_invoked_fn *done;
    void *context;
    char *refusal; /* decided before it began */
    struct mr_control *control;
    char request_id[MR_UUID_SIZE];
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
    free(trip);
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
    free(trip->refusal);
    free(trip);
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
    history_begin(control->history, request->request_id, request->function_arn,
                  request->payload);
    mr_runtime_invoke(control->runtime, &asked, on_done, trip);
}

struct mr_invoker
invoker_of(struct mr_control *control)
{
    return (struct mr_invoker){ .invoke = invoke, .self = control };
}
