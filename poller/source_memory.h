/*
 * source_memory: a stream in memory, for tests, benches and runs without a server.
 *
 * Shards hold records, end by split and merge, are trimmed; the stream can be deleted and made
 * again; calls can be made to fail. Many sources may be open on one stream. Calls are answered
 * in the loop's next round, or after a latency of its own time, so that everything runs on a
 * virtual clock. A get_records that waits waits without a timer: a loop that has nothing else
 * to do may end.
 *
 * Thread: the loop's.
 */
#ifndef MR_POLLER_SOURCE_MEMORY_H
#define MR_POLLER_SOURCE_MEMORY_H

#include "base/auto.h"
#include "base/random.h"
#include "base/slice.h"
#include "net/loop.h"
#include "poller/source.h"

struct mr_memory_stream;

/* With shards 0 .. `shard_count` - 1. Never NULL. */
struct mr_memory_stream *mr_memory_stream_new(struct mr_loop *loop, size_t shard_count);
/* Its sources must have been freed; records that are kept by a block live on. */
void mr_memory_stream_free(struct mr_memory_stream *stream);
MR_AUTO_DEFINE(struct mr_memory_stream, mr_memory_stream_free)

/* A source on it, freed by its ops. `context` is the stream: fits mr_open_source_fn. */
struct mr_source *mr_memory_stream_open(struct mr_slice source_arn, void *context,
                                        struct mr_error *err);

/* Can get_records wait? True at first. For sources opened from now on. */
void mr_memory_stream_set_waits(struct mr_memory_stream *stream, bool waits);
/* Every call takes 0 .. `most_ms`, by `random`, which the caller keeps. */
void mr_memory_stream_set_latency(struct mr_memory_stream *stream, uint64_t most_ms,
                                  struct mr_random *random);

/* ---- records ---- */

/*
 * Append to an open shard, at the clock's time. `key` is raw text, `data` raw bytes. Returns
 * the sequence number, which lives as long as the record.
 */
struct mr_slice mr_memory_stream_put(struct mr_memory_stream *stream, size_t shard,
                                     struct mr_slice key, struct mr_slice data);
/* As above with an arrival of the caller's. */
struct mr_slice mr_memory_stream_put_at(struct mr_memory_stream *stream, size_t shard,
                                        struct mr_slice key, struct mr_slice data,
                                        uint64_t arrival_ms);
/* What stands behind the last record gets its number, as records out of one aggregate do. */
void mr_memory_stream_share_number(struct mr_memory_stream *stream, bool share);
size_t mr_memory_stream_record_count(const struct mr_memory_stream *stream, size_t shard);

/* ---- shards ---- */

size_t mr_memory_stream_shard_count(const struct mr_memory_stream *stream);
bool mr_memory_stream_is_open(const struct mr_memory_stream *stream, size_t shard);
/* "shardId-000000000000" of a shard; lives as long as the stream. */
struct mr_slice mr_memory_stream_shard_id(const struct mr_memory_stream *stream, size_t shard);
/* Ends an open shard; returns the first of its two children. */
size_t mr_memory_stream_split(struct mr_memory_stream *stream, size_t shard);
/* Ends two; returns their child. */
size_t mr_memory_stream_merge(struct mr_memory_stream *stream, size_t shard,
                              size_t adjacent_shard);
/* Forget a shard's records before `index`, as retention does; a closed one without any is no
 * longer listed. */
void mr_memory_stream_trim(struct mr_memory_stream *stream, size_t shard, size_t index);

/* ---- what goes wrong ---- */

enum mr_memory_call { MR_MEMORY_LIST, MR_MEMORY_ITERATOR, MR_MEMORY_RECORDS };

/* The next `count` calls of that kind fail so. */
void mr_memory_stream_fail(struct mr_memory_stream *stream, enum mr_memory_call call,
                           enum mr_source_fault fault, unsigned count);
/* How many of those are still to fail. */
unsigned mr_memory_stream_faults(const struct mr_memory_stream *stream,
                                 enum mr_memory_call call);
/* Iterators given until now are too old; a call that waits fails so, too. */
void mr_memory_stream_expire(struct mr_memory_stream *stream);
/* Every call is answered with MR_SOURCE_GONE, until it is made again, with new shards. */
void mr_memory_stream_delete(struct mr_memory_stream *stream);
void mr_memory_stream_create(struct mr_memory_stream *stream, size_t shard_count);

#endif
