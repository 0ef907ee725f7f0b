/*
 * failure_sink: discarded batches go to SQS, SNS or S3, or stay in the dead-letter store.
 *
 * The sink of the daemon (sink.h). What a destination is follows from its ARN; where its
 * service is, from the endpoints given here. Without one for that service the local store
 * stands in for the destination. What a service does not take after a few tries is not
 * delivered, as on AWS, but kept in the store.
 *
 * Thread: the loop's.
 */
#ifndef MR_POLLER_FAILURE_SINK_H
#define MR_POLLER_FAILURE_SINK_H

#include <stdint.h>

#include "aws/credential_chain.h"
#include "base/auto.h"
#include "base/error.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "poller/dead_letters.h"
#include "poller/sink.h"

struct mr_failure_sink;

struct mr_failure_sink_options {
    struct mr_loop *loop; /* outlives the sink, as the next three */
    struct mr_http_client *http;
    struct mr_credential_chain *credentials;
    struct mr_dead_letters *letters;
    /* "http://127.0.0.1:4567"; "aws": AWS's own; NULL: none. Copied. */
    const char *sqs_endpoint, *sns_endpoint, *s3_endpoint;
    const char *region;  /* of buckets, whose ARNs name none */
    uint64_t seed;       /* of the random part of S3's keys; 0: the system's randomness */
    uint32_t max_tries;  /* 0: 3 */
    uint32_t backoff_ms; /* injected time; doubles; 0: 200 */
};

/* NULL with -EINVAL when an endpoint is no URL. */
struct mr_failure_sink *mr_failure_sink_new(const struct mr_failure_sink_options *options,
                                            struct mr_error *err);
/* Deliveries under way are abandoned: their `done` is not called. NULL is fine. */
void mr_failure_sink_free(struct mr_failure_sink *sink);
MR_AUTO_DEFINE(struct mr_failure_sink, mr_failure_sink_free)

/* For mr_poller_options. Lives as long as the sink. */
const struct mr_sink *mr_failure_sink_interface(struct mr_failure_sink *sink);

/*
 * Send a kept letter to its destination once more; it is taken out of the store when that
 * succeeds (MR_SUNK_DELIVERED), and stays else (MR_SUNK_FAILED). An error, and no `done`, when
 * there is no such letter (-ENOENT) or no endpoint for its destination (-ENOTCONN).
 */
int mr_failure_sink_send_again(struct mr_failure_sink *sink, int64_t letter_id,
                               mr_sunk_fn *done, void *context,
                               struct mr_error *err) MR_MUST_USE;

/* What stands beside a message in a queue or a topic. */
struct mr_sink_attribute {
    const char *name, *type; /* "ErrorCode", "Number" */
    struct mr_slice value;
};
enum { MR_SINK_MAX_ATTRIBUTES = 3 };

/* What became of an asynchronous invocation; slices live during the call. */
struct mr_sink_message {
    struct mr_slice destination_arn, function_arn;
    struct mr_slice condition; /* "RetriesExhausted", ... */
    uint64_t invoke_count, time_ms;
    struct mr_slice document; /* as the destination gets it */
    struct mr_slice payload;  /* the event */
    struct mr_slice key;      /* S3's */
    struct mr_sink_attribute attributes[MR_SINK_MAX_ATTRIBUTES]; /* SQS's and SNS's */
    size_t attribute_count;
};

/*
 * Deliver it as a letter is delivered: the same ways, tries and store (which keeps no
 * attributes). `done` comes later.
 */
void mr_failure_sink_send(struct mr_failure_sink *sink, const struct mr_sink_message *message,
                          mr_sunk_fn *done, void *context);
/* Is there an endpoint for what the ARN names? */
bool mr_failure_sink_reaches(const struct mr_failure_sink *sink,
                             struct mr_slice destination_arn);

#endif
