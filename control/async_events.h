/*
 * async_events: invocations nobody waits for: InvocationType Event.
 *
 * What was answered 202 is in control.db until it is finished, so it survives a restart. A
 * function error is tried again after one and after two minutes (MaximumRetryAttempts), a
 * throttle or trouble of ours again and again with growing waits, until the event is too old
 * (MaximumEventAgeInSeconds); then it goes to the failure destination, as a success goes to its
 * own. Waits are on injected time.
 *
 * At most 10,000 are kept; one more is throttled.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_ASYNC_EVENTS_H
#define MR_CONTROL_ASYNC_EVENTS_H

#include "base/error.h"
#include "base/slice.h"

struct mr_control;
struct async_queue;

struct async_event {
    const char *request_id;
    const char *function;  /* name */
    const char *qualifier; /* NULL: none */
    struct mr_slice payload, client_context;
};

/* Takes up what control.db still holds. */
struct async_queue *async_queue_new(struct mr_control *control);
/* Begins nothing any more; what waits stays in control.db. */
void async_queue_stop(struct async_queue *queue);
/* NULL is fine. */
void async_queue_free(struct async_queue *queue);

/* Copies. -ENOBUFS when there are too many, else as mr_state_put. */
int async_queue_add(struct async_queue *queue, const struct async_event *event,
                    struct mr_error *err);

#endif
