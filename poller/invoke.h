/*
 * invoke: how the poller runs a function, without knowing how functions run.
 *
 * Whoever makes a poller hands it an invoker: the daemon's goes to the runtime, a test's
 * decides by itself, a bench's does nothing.
 */
#ifndef MR_POLLER_INVOKE_H
#define MR_POLLER_INVOKE_H

#include "base/slice.h"

struct mr_invoke_request {
    struct mr_slice function_arn; /* as the mapping names it, with its qualifier */
    struct mr_slice request_id; /* a UUID; the same again when an unchanged batch is retried */
    struct mr_slice payload;    /* the event; valid during the call only */
};

enum mr_invoke_outcome {
    MR_INVOKE_OK,             /* the function returned */
    MR_INVOKE_FUNCTION_ERROR, /* it threw, died or timed out */
    MR_INVOKE_THROTTLED,      /* not run: no room */
    MR_INVOKE_SERVICE_ERROR,  /* not run, or we could not: no fault of the function */
    MR_INVOKE_REJECTED,       /* refused as it is: too large */
};

struct mr_invoke_result {
    enum mr_invoke_outcome outcome;
    struct mr_slice payload;          /* what it returned, or the error's document */
    struct mr_slice executed_version; /* absent when it did not run */
    struct mr_slice reason;           /* a sentence, when it did not */
};

/* The result lives during the call. */
typedef void(mr_invoked_fn)(const struct mr_invoke_result *result, void *context);

struct mr_invoker {
    /* `done` is called exactly once, and never before this has returned. */
    void (*invoke)(void *self, const struct mr_invoke_request *request, mr_invoked_fn *done,
                   void *context);
    void *self;
};

#endif
