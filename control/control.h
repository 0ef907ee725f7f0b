/*
 * control: the Lambda-compatible API, and what it governs: functions in the runtime, mappings
 * in the poller, their state on disk.
 *
 * Makes a runtime and a poller of its own on the loop it is given, brings back what control.db
 * remembers, and answers HTTP requests through mr_control_handler. daemon.h puts listeners, a
 * sandbox and real sources around it; a test gives it a plain launcher and a source in memory.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_CONTROL_H
#define MR_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credential_chain.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "poller/mapping.h"
#include "runtime/runtime.h"

struct mr_control;

struct mr_control_options {
    struct mr_loop *loop; /* outlives it, as all below */
    const char *data;     /* a directory that is there; absolute */
    const char *region;   /* NULL: us-east-1 */
    const char *account;  /* NULL: 123456789012 */

    /* ---- functions ---- */
    struct mr_launcher *launcher;
    const char *bootstraps;             /* as in runtime.h */
    const struct mr_slice *environment; /* NAME=value for every function */
    size_t environment_count;
    size_t max_concurrency; /* environments of all functions; 0: the runtime's usual */
    uint64_t idle_ms;
    bool freeze;
    uint16_t forward_port; /* of our endpoint, for functions without network; 0: none */
    bool network_host;     /* of functions whose settings do not say */

    /* ---- mappings ---- */
    mr_open_source_fn *open_source; /* NULL: no streams can be read */
    void *open_context;
    bool reads_tables;          /* open_source opens DynamoDB Streams too */
    const struct mr_sink *sink; /* NULL: the destinations below, and the local store */
    /* As in failure_sink.h; all NULL: the local store stands in for every destination. */
    struct mr_http_client *http;
    struct mr_credential_chain *credentials;
    const char *sqs_endpoint, *sns_endpoint, *s3_endpoint;
    uint64_t settle_ms; /* how long Creating, Updating, ... last at least */
    bool aws_cadence;
    uint32_t backoff_ms; /* of retries; 0: the usual */
    uint64_t seed;       /* 0: the system's randomness */

    bool lambda_log;        /* write functions' logs to stdout */
    uint64_t history_bytes; /* of recorded invocations on disk; 0: 256 MiB */
};

/* Opens DATA/control.db and DATA/checkpoints.db, and goes on where they stand. NULL with `err`.
 */
MR_MUST_USE
struct mr_control *mr_control_new(const struct mr_control_options *options,
                                  struct mr_error *err);

/* For mr_http_server_options; its context is the control. */
struct mr_http_handler mr_control_handler(void);

/*
 * Begin no work any more; what is under way may finish for `grace_ms`; write the last
 * checkpoints; end every environment; then `done`, later.
 */
void mr_control_stop(struct mr_control *control, uint64_t grace_ms, mr_loop_fn *done,
                     void *context);
/* After stop's `done`, or when nothing was started yet. NULL is fine. */
void mr_control_free(struct mr_control *control);

#endif
