/*
 * queue_mapping: one event source mapping at work on an SQS queue.
 *
 * A few pollers, each: receive by long polling, filter, gather until the batch is full or its
 * window over, invoke, delete what succeeded. What failed is left to the queue: it comes again
 * when its visibility ends, as often as the queue's redrive policy says. Throttled batches are
 * tried again while their messages are ours. A FIFO queue gives no second batch of a message
 * group while one is out, so order needs nothing from us.
 *
 * Not thread-safe: belongs to its loop. Windows and waits are on injected time, long polls on
 * the queue's.
 */
#ifndef MR_POLLER_QUEUE_MAPPING_H
#define MR_POLLER_QUEUE_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/client.h"
#include "base/auto.h"
#include "base/error.h"
#include "net/loop.h"
#include "poller/invoke.h"
#include "poller/mapping.h"

struct mr_queue_mapping;

struct mr_queue_mapping_options {
    struct mr_loop *loop;         /* outlives the mapping, as all here */
    struct mr_aws_client *client; /* of the service sqs */
    const struct mr_invoker *invoker;
    mr_mapping_event_fn *event; /* NULL: nobody listens */
    void *event_context;
    uint64_t seed; /* of request ids; 0: the system's randomness */
};

/* Slices live during the call that takes them. */
struct mr_queue_mapping_settings {
    struct mr_slice uuid, queue_arn, function_arn, region;
    uint32_t batch_size;  /* 1..10000 */
    uint64_t window_ms;   /* 0..300000 */
    uint32_t concurrency; /* pollers; 0: 5, as AWS begins */
    bool report_failures;
    const struct mr_slice *filters;
    size_t filter_count;
};

/* Reads nothing yet. NULL with -EINVAL and a sentence. */
struct mr_queue_mapping *mr_queue_mapping_new(const struct mr_queue_mapping_options *options,
                                              const struct mr_queue_mapping_settings *settings,
                                              struct mr_error *err);
/* At any time; what is under way is abandoned, its messages come again. NULL is fine. */
void mr_queue_mapping_free(struct mr_queue_mapping *mapping);
MR_AUTO_DEFINE(struct mr_queue_mapping, mr_queue_mapping_free)

/* Fine when running. */
void mr_queue_mapping_start(struct mr_queue_mapping *mapping);
/* Receive no more; invocations under way end and what they handled is deleted; then `done`. */
void mr_queue_mapping_stop(struct mr_queue_mapping *mapping, mr_loop_fn *done, void *context);
/* From the next batch on; the queue stays. */
int mr_queue_mapping_update(struct mr_queue_mapping *mapping,
                            const struct mr_queue_mapping_settings *settings,
                            struct mr_error *err) MR_MUST_USE;

struct mr_queue_mapping_status {
    bool running;
    bool reading;                    /* the queue was found */
    struct mr_mapping_counts counts; /* `succeeded`: deleted */
    struct mr_slice trouble;         /* absent: none; lives until the loop runs on */
};
void mr_queue_mapping_status(const struct mr_queue_mapping *mapping,
                             struct mr_queue_mapping_status *out_status);

#endif
