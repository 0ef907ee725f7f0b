#include "harness/test_invoker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/list.h"

struct mr_test_invoker {
    struct mr_test_invoker_options options;
    struct mr_invoker face;
    struct mr_fault faults[MR_TEST_MAX_FAULTS];
    size_t fault_count;
    struct mr_list sleeping; /* jobs whose own wait is not over */
    struct mr_list waiting;  /* jobs to run, in order; at most one a lane of the poller */
    struct job *running;
    size_t count, unfinished;
};

struct job {
    struct mr_list node;
    struct mr_test_invoker *invoker;
    struct mr_arena arena;
    struct mr_slice payload, request_id, arn;
    size_t function;
    mr_invoked_fn *done;
    void *context;
    struct mr_timer timer;
    enum mr_invoke_outcome outcome; /* of an injected end */
    struct mr_slice answer;
    bool must_run;
};

enum { NO_FUNCTION = -1 };

static void run_next(struct mr_test_invoker *invoker);

/* ---- the end of a job ---- */

static void
finish(struct job *job, const struct mr_invoke_result *result)
{
    struct mr_test_invoker *invoker = job->invoker;
    job->done(result, job->context);
    mr_timer_stop(&job->timer);
    mr_arena_deinit(&job->arena);
    free(job);
    invoker->unfinished--;
}

static enum mr_invoke_outcome
outcome_of(const struct mr_invocation_result *result)
{
    switch (result->outcome) {
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
on_invoked(const struct mr_invocation_result *result, void *context)
{
    struct job *job = context;
    struct mr_test_invoker *invoker = job->invoker;
    struct mr_invoke_result told = {
        .outcome = outcome_of(result),
        .payload = result->payload,
        .executed_version = result->executed_version,
        .reason = result->reason,
    };
    if (invoker->options.invoked != NULL) {
        invoker->options.invoked(job->function, result, false, invoker->options.context);
    }
    invoker->running = NULL;
    finish(job, &told);
    run_next(invoker);
}

/* ---- running ---- */

static void
run(struct job *job)
{
    struct mr_test_invoker *invoker = job->invoker;
    struct mr_invocation_request request = {
        .function = invoker->options.functions[job->function].name,
        .payload = job->payload,
        .request_id = job->request_id,
        .invoked_arn = job->arn,
    };
    invoker->running = job;
    mr_runtime_invoke(invoker->options.runtime, &request, on_invoked, job);
}

static void
run_next(struct mr_test_invoker *invoker)
{
    if (invoker->running == NULL && !mr_list_empty(&invoker->waiting)) {
        struct job *job = MR_CONTAINER_OF(invoker->waiting.next, struct job, node);
        mr_list_remove(&job->node);
        run(job);
    }
}

static void
tell_injected(struct job *job)
{
    struct mr_test_invoker *invoker = job->invoker;
    struct mr_invoke_result result = { .outcome = job->outcome, .payload = job->answer };
    if (job->outcome == MR_INVOKE_FUNCTION_ERROR) {
        result.executed_version = MR_SLICE("$LATEST");
        struct mr_invocation_result seen = { .outcome = MR_INVOCATION_FUNCTION_ERROR,
                                             .payload = job->answer,
                                             .request_id = job->request_id };
        if (invoker->options.invoked != NULL) {
            invoker->options.invoked(job->function, &seen, true, invoker->options.context);
        }
    }
    finish(job, &result);
}

/* A job's own wait is over: at once, or after a slow or hanging handler's time. */
static void
on_due(void *context)
{
    struct job *job = context;
    mr_list_remove(&job->node);
    if (job->must_run) {
        mr_list_push_back(&job->invoker->waiting, &job->node);
        run_next(job->invoker);
    } else {
        tell_injected(job);
    }
}

/* ---- what a fault does to a job; returns how long it then waits ---- */

static void
inject(struct job *job, enum mr_invoke_outcome outcome, const char *answer)
{
    job->must_run = false;
    job->outcome = outcome;
    job->answer = mr_slice_str(answer);
}

static uint64_t
apply(struct job *job, const struct mr_fault *fault)
{
    struct mr_test_invoker *invoker = job->invoker;
    uint64_t timeout_ms = invoker->options.functions[job->function].timeout_ms;
    uint64_t slow_ms;

    switch (fault->kind) {
    case MR_FAULT_CRASH:
        inject(job, MR_INVOKE_FUNCTION_ERROR,
               "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"Runtime exited with "
               "error: signal: killed\"}");
        return 0;
    case MR_FAULT_ERROR:
        inject(job, MR_INVOKE_FUNCTION_ERROR,
               "{\"errorType\":\"InjectedFault\",\"errorMessage\":\"a fault was asked for\"}");
        return 0;
    case MR_FAULT_THROTTLE:
        inject(job, MR_INVOKE_THROTTLED, NULL);
        return 0;
    case MR_FAULT_HANG:
        inject(job, MR_INVOKE_FUNCTION_ERROR,
               mr_arena_printf(&job->arena,
                               "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"Task "
                               "timed out after %.2f seconds\"}",
                               (double)timeout_ms / 1000));
        return timeout_ms;
    case MR_FAULT_SLOW:
        slow_ms = fault->slow_ms - fault->jitter_ms +
                  mr_random_below(invoker->options.random, 2 * fault->jitter_ms + 1);
        return slow_ms < timeout_ms ? slow_ms : timeout_ms;
    default:
        return 0;
    }
}

static bool
is_about(const struct mr_test_invoker *invoker, const struct mr_fault *fault, size_t function)
{
    return fault->kind <= MR_FAULT_THROTTLE &&
           (fault->function.data == NULL ||
            mr_slice_eq(fault->function, invoker->options.functions[function].logical_id));
}

/* The first fault that strikes decides. */
static uint64_t
strike(struct job *job)
{
    struct mr_test_invoker *invoker = job->invoker;
    for (size_t i = 0; i < invoker->fault_count; i++) {
        struct mr_fault *fault = &invoker->faults[i];
        if (is_about(invoker, fault, job->function) &&
            mr_fault_strikes(fault, invoker->options.random)) {
            return apply(job, fault);
        }
    }
    return 0;
}

/* ---- being asked ---- */

/* The function of that ARN, with or without a qualifier. */
static ptrdiff_t
find_function(const struct mr_test_invoker *invoker, struct mr_slice arn)
{
    for (size_t i = 0; i < invoker->options.function_count; i++) {
        struct mr_slice known = invoker->options.functions[i].arn;
        if (mr_slice_starts_with(arn, known) &&
            (arn.size == known.size || arn.data[known.size] == ':')) {
            return (ptrdiff_t)i;
        }
    }
    return NO_FUNCTION;
}

static void
invoke(void *self, const struct mr_invoke_request *request, mr_invoked_fn *done, void *context)
{
    struct mr_test_invoker *invoker = self;
    struct job *job = mr_alloc_zero(1, sizeof(*job));
    ptrdiff_t function = find_function(invoker, request->function_arn);
    uint64_t wait_ms = 0;

    job->invoker = invoker;
    job->payload = mr_arena_copy(&job->arena, request->payload);
    job->request_id = mr_arena_copy(&job->arena, request->request_id);
    job->arn = mr_arena_copy(&job->arena, request->function_arn);
    job->done = done;
    job->context = context;
    job->must_run = true;
    invoker->count++;
    invoker->unfinished++;
    if (function == NO_FUNCTION) {
        inject(job, MR_INVOKE_SERVICE_ERROR, NULL);
    } else {
        job->function = (size_t)function;
        wait_ms = strike(job);
    }
    mr_list_push_back(&invoker->sleeping, &job->node);
    mr_timer_init(&job->timer, invoker->options.loop, MR_TIME_INJECTED, on_due, job);
    mr_timer_start(&job->timer, wait_ms);
}

/* ---- life ---- */

struct mr_test_invoker *
mr_test_invoker_new(const struct mr_test_invoker_options *options)
{
    struct mr_test_invoker *invoker = mr_alloc_zero(1, sizeof(*invoker));
    invoker->options = *options;
    invoker->face = (struct mr_invoker){ .invoke = invoke, .self = invoker };
    mr_list_init(&invoker->sleeping);
    mr_list_init(&invoker->waiting);
    return invoker;
}

static void
give_up(struct mr_list *jobs)
{
    struct mr_invoke_result result = { .outcome = MR_INVOKE_SERVICE_ERROR,
                                       .reason = MR_SLICE("the run has ended") };
    MR_LIST_EACH(node, jobs)
    {
        struct job *job = MR_CONTAINER_OF(node, struct job, node);
        mr_list_remove(&job->node);
        finish(job, &result);
    }
}

void
mr_test_invoker_free(struct mr_test_invoker *invoker)
{
    if (invoker != NULL) {
        give_up(&invoker->sleeping);
        give_up(&invoker->waiting);
        free(invoker);
    }
}

const struct mr_invoker *
mr_test_invoker_face(struct mr_test_invoker *invoker)
{
    return &invoker->face;
}

int
mr_test_invoker_add_fault(struct mr_test_invoker *invoker, const struct mr_fault *fault,
                          struct mr_error *err)
{
    if (invoker->fault_count == MR_TEST_MAX_FAULTS) {
        return mr_fail(err, -E2BIG, "more than %d faults in one case", MR_TEST_MAX_FAULTS);
    }
    invoker->faults[invoker->fault_count++] = *fault;
    return 0;
}

size_t
mr_test_invoker_count(const struct mr_test_invoker *invoker)
{
    return invoker->count;
}

bool
mr_test_invoker_is_idle(const struct mr_test_invoker *invoker)
{
    return invoker->unfinished == 0;
}
