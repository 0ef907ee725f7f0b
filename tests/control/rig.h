/*
 * rig: a control with its API on a port, a stream in memory and no sandbox, for tests.
 *
 * On a real loop, or on a virtual one whose clock jumps when there is nothing to do.
 */
#ifndef MR_TESTS_CONTROL_RIG_H
#define MR_TESTS_CONTROL_RIG_H

#include <jansson.h>

#include "control/control.h"
#include "net/http_client.h"
#include "poller/source_memory.h"

struct rig {
    char directory[64];
    struct mr_clock_virtual clock;
    bool is_virtual;
    struct mr_loop *loop;
    struct mr_memory_stream *stream;
    struct mr_launcher *launcher;
    struct mr_control *control;
    struct mr_http_server *server;
    struct mr_http_client *client;
    int port;
    uint64_t settle_ms;
    json_t *answer; /* of the last ask; NULL: an empty body */
    int status;
    char error[64]; /* x-amzn-ErrorType of the last answer */
    bool done;
};

#define RIG_STREAM "arn:aws:kinesis:us-east-1:123456789012:stream/s"

void rig_open(struct rig *rig, bool is_virtual);
/* Stop and start the control, its files kept. */
void rig_restart(struct rig *rig);
void rig_close(struct rig *rig);

/* As ask, with an Origin header. */
int rig_ask_from(struct rig *rig, const char *origin, const char *method, const char *path);
/* Ask and wait; the status. `body` is JSON with ' for ", NULL: none. */
int rig_ask(struct rig *rig, const char *method, const char *path, const char *body);
/* A text of the last answer; "" when it is not there. */
const char *rig_text(const struct rig *rig, const char *member);
/* Make a function whose bootstrap is a shell script. */
void rig_function(struct rig *rig, const char *name, const char *script);
/* Run the loop until the check holds, at most some seconds of real time. */
void rig_until(struct rig *rig, bool (*check)(struct rig *rig));
/* Lines that handlers have written to DIRECTORY/said. */
size_t rig_said(const struct rig *rig);

#endif
