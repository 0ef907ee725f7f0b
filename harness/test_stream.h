/*
 * test_stream: a stream in memory that routes by partition key, as Kinesis does.
 *
 * Puts poller/source_memory.h and stream/hash_key.h together, and enters every record into a
 * ledger.
 *
 * Thread: the loop's.
 */
#ifndef MR_HARNESS_TEST_STREAM_H
#define MR_HARNESS_TEST_STREAM_H

#include <stddef.h>

#include "base/auto.h"
#include "base/error.h"
#include "harness/ledger.h"
#include "net/loop.h"
#include "poller/source_memory.h"

struct mr_test_stream;

/* 1 <= shard_count. Never NULL. */
struct mr_test_stream *mr_test_stream_new(struct mr_loop *loop, size_t shard_count,
                                          size_t mapping_count);
/* Its sources must have been freed. NULL is fine. */
void mr_test_stream_free(struct mr_test_stream *stream);
MR_AUTO_DEFINE(struct mr_test_stream, mr_test_stream_free)

struct mr_memory_stream *mr_test_stream_memory(struct mr_test_stream *stream);
struct mr_ledger *mr_test_stream_ledger(struct mr_test_stream *stream);

/* `explicit_hash_key` decimal, or absent. -EINVAL for a bad one. */
int mr_test_stream_put(struct mr_test_stream *stream, struct mr_slice partition_key,
                       struct mr_slice explicit_hash_key, struct mr_slice data,
                       struct mr_error *err) MR_MUST_USE;

/* In the middle of an open shard. -EINVAL when it is not open, or too narrow. */
int mr_test_stream_split(struct mr_test_stream *stream, size_t shard,
                         struct mr_error *err) MR_MUST_USE;
/* Neighbours, the lower one first. -EINVAL when they are not both open and adjacent. */
int mr_test_stream_merge(struct mr_test_stream *stream, size_t shard, size_t adjacent,
                         struct mr_error *err) MR_MUST_USE;

/* The newest record of a shard, or absent when it has none. */
struct mr_slice mr_test_stream_head(const struct mr_test_stream *stream, size_t shard);

#endif
