/*
 * dynamodb_answer: what a DynamoDB Streams server answered, read in one pass.
 *
 * A record becomes the very text a handler's event has for it: members in Lambda's order, the
 * images as they stood on the wire, and the stream's ARN, which the API leaves out.
 *
 * Thread: any.
 */
#ifndef MR_POLLER_DYNAMODB_ANSWER_H
#define MR_POLLER_DYNAMODB_ANSWER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "poller/source.h"

/*
 * GetRecords; copies what it keeps. Records older than `from_ms` are left out. `data` is the
 * record's event, `partition_key` the item's key. The block is the caller's reference, NULL
 * without records. -EBADMSG when it is not such an answer.
 */
int mr_dynamodb_answer_records(struct mr_slice body, struct mr_slice stream_arn,
                               uint64_t from_ms, struct mr_arena *arena,
                               struct mr_source_records *out_result,
                               struct mr_error *err) MR_MUST_USE;

/* Shards as they come, page by page; all of it is in the arena. */
struct mr_dynamodb_stream {
    struct mr_source_shard *list;
    size_t count, capacity;
    uint64_t created_ms;
    struct mr_slice last_shard; /* to go on behind; absent: that was the last page */
};

/* DescribeStream; copies what it keeps. */
int mr_dynamodb_answer_stream(struct mr_slice body, struct mr_arena *arena,
                              struct mr_dynamodb_stream *stream,
                              struct mr_error *err) MR_MUST_USE;

/* ListStreams of one table: the ARN of the newest, absent when it has none; in the arena. */
int mr_dynamodb_answer_newest_stream(struct mr_slice body, struct mr_arena *arena,
                                     struct mr_slice *out_arn, struct mr_error *err) MR_MUST_USE;

/* {"ShardIterator":"..."}; in the arena. */
int mr_dynamodb_answer_iterator(struct mr_slice body, struct mr_arena *arena,
                                struct mr_slice *out_iterator,
                                struct mr_error *err) MR_MUST_USE;

#endif
