/*
 * subscribe: SubscribeToShard, records pushed as they are committed.
 *
 * A subscription is an answer that does not end: frames of an event stream, the
 * first an `initial-response`, then records as they come, an empty event after five
 * seconds of silence, and the end after five minutes or behind the last record of a
 * closed shard. A consumer has one on a shard: the next one takes over, but not
 * within five seconds.
 */
#ifndef MR_STREAM_API_SUBSCRIBE_H
#define MR_STREAM_API_SUBSCRIBE_H

#include "stream/api/catalog.h"

struct mr_kinesis;

enum {
    MR_SUBSCRIBE_LIFE_MS = 300000,
    MR_SUBSCRIBE_SILENCE_MS = 5000,
    MR_SUBSCRIBE_TAKEOVER_MS = 5000,
    MR_SUBSCRIBE_EVENT_BYTES = 1024 * 1024,      /* of records in one event */
    MR_SUBSCRIBE_UNSENT_BYTES = 2 * 1024 * 1024, /* then it waits for its reader */
    MR_SUBSCRIBE_BYTES_PER_S = 2 * 1024 * 1024,  /* with AWS's limits */
};

/* Ends the subscriptions of a consumer or stream that goes away. */
void mr_subscribe_end_consumer(struct mr_kinesis *kinesis, const struct mr_stream_facts *facts,
                               const struct mr_consumer *consumer);
void mr_subscribe_end_stream(struct mr_kinesis *kinesis, const struct mr_stream_facts *facts);

/* The server stops: end all. */
void mr_subscribe_end_all(struct mr_kinesis *kinesis);

/* Free what is left; no exchange is touched. */
void mr_subscribe_forget(struct mr_kinesis *kinesis);

#endif
