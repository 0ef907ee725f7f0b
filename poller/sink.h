/*
 * sink: where the poller hands a batch that it gives up.
 *
 * Whoever makes a poller hands it a sink: the daemon's writes to SQS, SNS, S3 or the local
 * dead-letter store (failure_sink.h), a test's remembers. The checkpoint moves once `done` was
 * called, whatever it said: as on AWS, a document that cannot be delivered is not tried for
 * ever.
 */
#ifndef MR_POLLER_SINK_H
#define MR_POLLER_SINK_H

#include "base/slice.h"
#include "poller/failure_document.h"

struct mr_sink_letter {
    struct mr_slice mapping_uuid;
    struct mr_slice destination_arn; /* absent: the mapping has none */
    /*
     * All of it filled, `payload` too (the event of the last try, for S3 and for redrive): the
     * sink leaves out what its destination does not get. Valid during the call only.
     */
    const struct mr_failure_document *document;
};

enum mr_sunk {
    MR_SUNK_DELIVERED, /* the destination has it, or the local store that stands in for it */
    MR_SUNK_FAILED,    /* it does not: dropped as AWS counts, kept in the local store by us */
    MR_SUNK_NONE,      /* there is no destination: dropped */
};

/* `detail`: a sentence for FAILED, else where it went ("sqs Failed"); lives during the call. */
typedef void(mr_sunk_fn)(enum mr_sunk sunk, struct mr_slice detail, void *context);

struct mr_sink {
    /* `done` is called exactly once, and never before this has returned. */
    void (*deliver)(void *self, const struct mr_sink_letter *letter, mr_sunk_fn *done,
                    void *context);
    void *self;
};

#endif
