/*
 * runtime: functions, the environments that run them, and the invocations.
 *
 * An invocation takes an idle environment of its function, or starts one, or
 * is throttled: there is no queue to grow. Environments are kept warm, reaped
 * when idle, replaced after a crash or a timeout (with /tmp kept), and renewed
 * when the function changes; what is in flight then ends on the old code.
 *
 * Handlers' timeouts run on real time. On a virtual loop time is held while an
 * invocation is under way.
 *
 * Not thread-safe: a runtime belongs to one loop.
 */
#ifndef MR_RUNTIME_RUNTIME_H
#define MR_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "net/loop.h"
#include "runtime/function.h"
#include "runtime/invocation.h"
#include "runtime/launcher.h"

struct mr_runtime;

enum mr_runtime_line {
    MR_LINE_FUNCTION,  /* written by the handler */
    MR_LINE_PLATFORM,  /* START, END, REPORT and their like */
    MR_LINE_EXTENSION, /* printed by an external extension */
};

struct mr_runtime_log {
    enum mr_runtime_line kind;
    struct mr_slice function;
    struct mr_slice request_id;       /* absent outside an invocation */
    enum mr_function_log_level level; /* MR_FUNCTION_LOG_UNSET when the line does not say */
    uint64_t wall_us;
    struct mr_slice line; /* without its newline; escapes and NULs made visible */
};

struct mr_runtime_options {
    struct mr_launcher *launcher; /* the caller's, outlives the runtime */
    const char *account;          /* NULL: 123456789012 */
    const char *region;           /* NULL: us-east-1 */
    const char *bootstraps;       /* absolute directory of runtime/bootstraps; NULL: none */
    /* NAME=value for every function, the customer's own win: endpoint, credentials, ... */
    const struct mr_slice *environment;
    size_t environment_count;
    /* Ports of our loopback that functions without network reach at the same port of theirs. */
    const uint16_t *forwards; /* the caller's, outlives the runtime */
    size_t forward_count;     /* at most MR_SANDBOX_MAX_FORWARDS */
    size_t max_environments;  /* of all functions; 0: 100 */
    uint64_t idle_ms;         /* reap an environment idle that long; 0: 600000 */
    uint64_t init_ms;         /* 0: MR_LAMBDA_INIT_MS */
    bool freeze;              /* stop environments between invocations, as Lambda does */
    bool no_timeouts;         /* a debugger holds the handler */
    /* Optional: every line a function or its platform logs. */
    void (*log)(const struct mr_runtime_log *log, void *context);
    void *log_context;
};

struct mr_runtime_counts {
    uint64_t invocations, cold_starts, errors, timeouts, crashes, throttles, redeliveries;
    size_t environments, busy;
};

/* Never NULL. `loop` outlives the runtime. */
struct mr_runtime *mr_runtime_new(struct mr_loop *loop,
                                  const struct mr_runtime_options *options);

/* Kill every environment, fail what is in flight (SERVICE_ERROR), then call `done`, later. */
void mr_runtime_stop(struct mr_runtime *runtime, mr_loop_fn *done, void *context);
/* After stop's `done`. NULL is fine. */
void mr_runtime_free(struct mr_runtime *runtime);

/*
 * Add the function, or replace the one of that name and version. -EINVAL with a sentence
 * when a value is out of Lambda's range, or its Runtime cannot run here.
 */
int mr_runtime_set_function(struct mr_runtime *runtime, const struct mr_function *function,
                            struct mr_error *err) MR_MUST_USE;
/* All versions when `version` is absent. In-flight invocations end as they would have. */
void mr_runtime_remove_function(struct mr_runtime *runtime, struct mr_slice name,
                                struct mr_slice version);

/* `done` is called exactly once, later, never from inside this call. */
void mr_runtime_invoke(struct mr_runtime *runtime, const struct mr_invocation_request *request,
                       mr_invocation_done_fn *done, void *context);

struct mr_runtime_counts mr_runtime_counts(const struct mr_runtime *runtime);

#endif
