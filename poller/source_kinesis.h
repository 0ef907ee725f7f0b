/*
 * source_kinesis: a Kinesis stream over its JSON API: AWS's, ours, anybody's.
 *
 * GetRecords answers are read in one pass: records are views into the answer, base64 as it
 * stood on the wire, one block of memory an answer. A server that says so by `waits` is asked
 * to hold an empty answer back (the header X-Millrace-Wait-Ms, which others ignore).
 *
 * Thread: the loop's.
 */
#ifndef MR_POLLER_SOURCE_KINESIS_H
#define MR_POLLER_SOURCE_KINESIS_H

#include "aws/client.h"
#include "base/error.h"
#include "base/slice.h"
#include "poller/source.h"

struct mr_source_kinesis_options {
    struct mr_aws_client *client; /* of the service kinesis; outlives the source */
    struct mr_slice source_arn;   /* a stream's */
    bool waits;                   /* the server understands X-Millrace-Wait-Ms */
};

/* NULL with -EINVAL when the ARN is none of a stream. */
struct mr_source *mr_source_kinesis_new(const struct mr_source_kinesis_options *options,
                                        struct mr_error *err);

#endif
