/*
 * daemon: millraced, as a library: the control API with everything around it.
 *
 * A launcher over sandboxd (or none, when asked for in so many words), streams read over the
 * Kinesis API, listeners. main.c is flags and signals; a test runs this in its own process.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_DAEMON_H
#define MR_CONTROL_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "control/control.h"
#include "control/keeper.h"
#include "net/loop.h"

struct mr_millraced;

enum { MR_MILLRACED_MAX_ENDPOINTS = 16 };

struct mr_millraced_options {
    const char *data;   /* made when it is not there */
    const char *socket; /* listen here; NULL: no */
    const char *host;   /* with `listen_tcp`; NULL: 127.0.0.1 */
    uint16_t port;      /* 0: any */
    bool listen_tcp;
    const char *kinesis; /* URL, "unix:PATH" or "aws"; NULL: no streams */
    const char *endpoints[MR_MILLRACED_MAX_ENDPOINTS]; /* "sqs=URL"; ends with NULL */
    const char *public_endpoint; /* AWS_ENDPOINT_URL of handlers; NULL: none */
    const char *region, *account;
    const char *bootstraps;   /* NULL: looked for beside the program */
    struct mr_keeper *keeper; /* of sandboxd, the caller's, stopped by free; NULL: no sandbox */
    bool harden; /* give up what is not needed, for good: for a program of its own */
    bool network_host;
    size_t max_concurrency;
    uint64_t idle_ms, settle_ms;
    uint32_t backoff_ms;
    bool aws_cadence, freeze, lambda_log;
};

/* NULL with one line that says what to do. */
MR_MUST_USE
struct mr_millraced *mr_millraced_new(struct mr_loop *loop,
                                      const struct mr_millraced_options *options,
                                      struct mr_error *err);
/* Of the TCP listener; 0: none. */
uint16_t mr_millraced_port(const struct mr_millraced *millraced);
/* What isolation is in force, one line. */
const char *mr_millraced_isolation(const struct mr_millraced *millraced);
/* Finish what is under way for `grace_ms`, then `done`, later. */
void mr_millraced_stop(struct mr_millraced *millraced, uint64_t grace_ms, mr_loop_fn *done,
                       void *context);
/* After stop's `done`. NULL is fine. */
void mr_millraced_free(struct mr_millraced *millraced);

#endif
