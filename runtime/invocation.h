/*
 * invocation: one request to run a function, and what came of it.
 *
 * A function error is a result, not an error of ours: the payload then is what
 * Lambda's caller would read, word for word.
 */
#ifndef MR_RUNTIME_INVOCATION_H
#define MR_RUNTIME_INVOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct mr_invocation_request {
    struct mr_slice function;    /* name */
    struct mr_slice version;     /* "$LATEST" when absent; aliases are resolved by the caller */
    struct mr_slice payload;     /* JSON, at most MR_LAMBDA_MAX_EVENT_BYTES; copied */
    struct mr_slice request_id;  /* absent: a new uuid */
    struct mr_slice invoked_arn; /* absent: the function's, with its version when numbered */
    struct mr_slice client_context; /* JSON, decoded already */
    struct mr_slice trace_id;
    struct mr_slice tenant_id;
    struct mr_slice cognito_identity; /* JSON: cognitoIdentityId, cognitoIdentityPoolId */
    bool want_log_tail;               /* the result then waits for the end of the log */
    /*
     * Optional: the response's bytes as the handler streams them; the result's payload is
     * then empty after a streamed answer. The chunk lives during the call.
     */
    void (*chunk)(struct mr_slice chunk, void *context);
};

enum mr_invocation_outcome {
    MR_INVOCATION_OK,
    MR_INVOCATION_FUNCTION_ERROR, /* payload is the error's JSON */
    MR_INVOCATION_THROTTLED,      /* not run; `reason` says which bound */
    MR_INVOCATION_SERVICE_ERROR,  /* not run, or we could not; `reason` is a sentence */
    MR_INVOCATION_TOO_LARGE,      /* not run: the payload exceeds Lambda's limit */
    MR_INVOCATION_NOT_FOUND,      /* no such function or version */
};

/* Everything it points to lives during the callback. */
struct mr_invocation_result {
    enum mr_invocation_outcome outcome;
    struct mr_slice payload;
    struct mr_slice content_type;   /* the handler's; absent when it gave none */
    struct mr_slice function_error; /* "Unhandled", or absent */
    struct mr_slice error_type;     /* "Runtime.ExitError", ...; absent when none */
    struct mr_slice reason;         /* of THROTTLED and SERVICE_ERROR */
    struct mr_slice executed_version;
    struct mr_slice request_id;
    struct mr_slice log_tail; /* the last 4 KB, START to REPORT; with want_log_tail */
    bool streamed;            /* the payload went to `chunk` */
    bool cold;                /* an environment was initialised for it */
    uint64_t duration_us;     /* from dispatch to the response */
    uint64_t init_us;
    uint64_t memory_peak_bytes; /* of its environment so far; 0 when unknown */
};

typedef void(mr_invocation_done_fn)(const struct mr_invocation_result *result, void *context);

#endif
