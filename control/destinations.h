/*
 * destinations: where the outcome of an asynchronous invocation is told.
 *
 * Another function is invoked with the document, asynchronously. Queues, topics and buckets get
 * it through the failure sink; a failure whose destination has no endpoint here stays in the
 * local dead-letter store, a success is then told to nobody.
 */
#ifndef MR_CONTROL_DESTINATIONS_H
#define MR_CONTROL_DESTINATIONS_H

#include "runtime/invocation.h"

struct mr_control;

struct async_outcome {
    const char *request_id;
    const char *function_arn; /* with its qualifier */
    const char *condition;    /* "Success", "RetriesExhausted", "EventAgeExceeded" */
    unsigned invoke_count;
    struct mr_slice payload;
    const struct mr_invocation_result *result; /* of the last try; NULL: it did not run */
};

/* The whole document: OnSuccess, OnFailure. */
void destination_tell(struct mr_control *control, const char *arn,
                      const struct async_outcome *outcome);
/* The bare event, as a function's DeadLetterConfig gets it. */
void destination_dead_letter(struct mr_control *control, const char *arn,
                             const struct async_outcome *outcome);

#endif
