/*
 * source_fanout: a Kinesis stream by enhanced fan-out: records are pushed to a consumer.
 *
 * Each shard that is read has a subscription (SubscribeToShard over HTTP/2). It begins with the
 * iterator, so that LATEST is where the subscription began; it is renewed when the server ends
 * it, every five minutes, from where it stood. What was pushed and not yet asked for is
 * bounded: beyond that the subscription is given up and begun again when there is room.
 * Aggregates of the Kinesis Producer Library come opened: records of one aggregate share a
 * sequence number, and an answer never ends inside of one, even where it asks for more than the
 * limit.
 *
 * Thread: the loop's.
 */
#ifndef MR_POLLER_SOURCE_FANOUT_H
#define MR_POLLER_SOURCE_FANOUT_H

#include "aws/client.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/loop.h"
#include "poller/source.h"

struct mr_source_fanout_options {
    struct mr_loop *loop;         /* outlives the source, as the client */
    struct mr_aws_client *client; /* of the service kinesis */
    struct mr_slice consumer_arn; /* arn:aws:kinesis:...:stream/NAME/consumer/NAME:CREATED */
    size_t max_pushed_bytes;      /* of a shard, not yet asked for; 0: 8 MiB */
};

/* NULL with -EINVAL when the ARN is none of a consumer. */
struct mr_source *mr_source_fanout_new(const struct mr_source_fanout_options *options,
                                       struct mr_error *err);

#endif
