/*
 * kinesis_answer: what a Kinesis server answered, read in one pass.
 *
 * Records are views into the answer; the reader checks that it is well-formed JSON and that
 * what we use is there, and ignores the rest.
 *
 * Thread: any.
 */
#ifndef MR_POLLER_KINESIS_ANSWER_H
#define MR_POLLER_KINESIS_ANSWER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "poller/source.h"

/*
 * GetRecords. Takes the body over; `out_result` and what it points to live as long as its
 * block, which is the caller's reference. -EBADMSG when it is not such an answer.
 */
int mr_kinesis_answer_records(struct mr_buf *body, struct mr_source_records *out_result,
                              struct mr_error *err) MR_MUST_USE;

/* What SubscribeToShard pushes. */
struct mr_kinesis_event {
    struct mr_source_records records; /* its block is the caller's reference */
    struct mr_slice continuation;     /* in the block */
};

/*
 * A SubscribeToShardEvent; copies the payload. Aggregates of the Kinesis Producer Library are
 * opened. `records.next` is absent when the shard has ended, else it is the continuation.
 */
int mr_kinesis_answer_event(struct mr_slice payload, struct mr_kinesis_event *out_event,
                            struct mr_error *err) MR_MUST_USE;

/* Iterator text of GetShardIterator; in the arena or a view. */
int mr_kinesis_answer_iterator(struct mr_slice body, struct mr_arena *arena,
                               struct mr_slice *out_iterator, struct mr_error *err) MR_MUST_USE;

/* The creation time of DescribeStreamSummary or DescribeStream. */
int mr_kinesis_answer_created(struct mr_slice body, uint64_t *out_created_ms,
                              struct mr_error *err) MR_MUST_USE;

/* Shards as they come, page by page. A zeroed struct has none; all of it is in the arena. */
struct mr_kinesis_shards {
    struct mr_source_shard *list;
    size_t count, capacity;
    struct mr_slice next_token; /* of ListShards; absent: that was the last page */
};

/* ListShards; copies what it keeps. */
int mr_kinesis_answer_shards(struct mr_slice body, struct mr_arena *arena,
                             struct mr_kinesis_shards *shards,
                             struct mr_error *err) MR_MUST_USE;

/*
 * DescribeStream, which has both; `next_token` is the last shard's id while there are more. A
 * server that does not say when the stream was made: in the first millisecond of all.
 */
int mr_kinesis_answer_description(struct mr_slice body, struct mr_arena *arena,
                                  struct mr_kinesis_shards *shards, uint64_t *out_created_ms,
                                  struct mr_error *err) MR_MUST_USE;

/* Unix time in milliseconds of a JSON number of seconds. False when it is none. */
bool mr_kinesis_seconds(struct mr_slice number, uint64_t *out_ms);

#endif
