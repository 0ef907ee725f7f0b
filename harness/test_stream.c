#include "harness/test_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "stream/hash_key.h"

struct range {
    mr_hash_key start, end;
    struct mr_slice head; /* the memory stream's */
};

struct mr_test_stream {
    struct mr_memory_stream *memory;
    struct mr_ledger *ledger;
    struct range *ranges; /* a shard each, in the order of their numbers */
    size_t count;
};

struct mr_test_stream *
mr_test_stream_new(struct mr_loop *loop, size_t shard_count, size_t mapping_count)
{
    struct mr_test_stream *stream = mr_alloc_zero(1, sizeof(*stream));
    stream->memory = mr_memory_stream_new(loop, shard_count);
    stream->ledger = mr_ledger_new(mapping_count);
    stream->ranges = mr_alloc_zero(shard_count, sizeof(stream->ranges[0]));
    stream->count = shard_count;
    for (size_t i = 0; i < shard_count; i++) {
        mr_hash_key_range((uint32_t)i, (uint32_t)shard_count, &stream->ranges[i].start,
                          &stream->ranges[i].end);
    }
    return stream;
}

void
mr_test_stream_free(struct mr_test_stream *stream)
{
    if (stream != NULL) {
        mr_memory_stream_free(stream->memory);
        mr_ledger_free(stream->ledger);
        free(stream->ranges);
        free(stream);
    }
}

struct mr_memory_stream *
mr_test_stream_memory(struct mr_test_stream *stream)
{
    return stream->memory;
}

struct mr_ledger *
mr_test_stream_ledger(struct mr_test_stream *stream)
{
    return stream->ledger;
}

/* ---- records ---- */

/* Open shards cover every key: there always is one. */
static size_t
shard_of(const struct mr_test_stream *stream, mr_hash_key key)
{
    size_t shard = 0;
    while (!mr_memory_stream_is_open(stream->memory, shard) ||
           key < stream->ranges[shard].start || key > stream->ranges[shard].end) {
        shard++;
    }
    return shard;
}

int
mr_test_stream_put(struct mr_test_stream *stream, struct mr_slice partition_key,
                   struct mr_slice explicit_hash_key, struct mr_slice data,
                   struct mr_error *err)
{
    mr_hash_key key = mr_hash_key_of(partition_key);

    if (partition_key.size == 0 || partition_key.size > 4 * 256) {
        return mr_fail(err, -EINVAL, "a partition key has 1 to 256 characters");
    }
    if (explicit_hash_key.data != NULL && !mr_hash_key_parse(explicit_hash_key, &key)) {
        return mr_fail(err, -EINVAL, "explicit hash key \"%.*s\" is not in 0 .. 2^128-1",
                       MR_SLICE_ARGS(mr_slice_first(explicit_hash_key, 50)));
    }
    size_t shard = shard_of(stream, key);
    struct mr_slice number = mr_memory_stream_put(stream->memory, shard, partition_key, data);
    stream->ranges[shard].head = number;
    mr_ledger_put(stream->ledger, number, partition_key);
    return 0;
}

struct mr_slice
mr_test_stream_head(const struct mr_test_stream *stream, size_t shard)
{
    return stream->ranges[shard].head;
}

/* ---- shards ---- */

static struct range *
grow(struct mr_test_stream *stream, size_t by)
{
    stream->ranges =
        mr_realloc(stream->ranges, (stream->count + by) * sizeof(stream->ranges[0]));
    struct range *added = &stream->ranges[stream->count];
    stream->count += by;
    return added;
}

static bool
is_open(const struct mr_test_stream *stream, size_t shard)
{
    return shard < stream->count && mr_memory_stream_is_open(stream->memory, shard);
}

int
mr_test_stream_split(struct mr_test_stream *stream, size_t shard, struct mr_error *err)
{
    if (!is_open(stream, shard)) {
        return mr_fail(err, -EINVAL, "shard %zu is not open", shard);
    }
    struct range parent = stream->ranges[shard];
    mr_hash_key middle = parent.start + (parent.end - parent.start) / 2;
    if (parent.end - parent.start < 3) {
        return mr_fail(err, -EINVAL, "shard %zu is too narrow to be split", shard);
    }
    mr_memory_stream_split(stream->memory, shard);
    struct range *children = grow(stream, 2);
    children[0] = (struct range){ .start = parent.start, .end = middle };
    children[1] = (struct range){ .start = middle + 1, .end = parent.end };
    return 0;
}

int
mr_test_stream_merge(struct mr_test_stream *stream, size_t shard, size_t adjacent,
                     struct mr_error *err)
{
    if (!is_open(stream, shard) || !is_open(stream, adjacent) ||
        stream->ranges[shard].end + 1 != stream->ranges[adjacent].start) {
        return mr_fail(err, -EINVAL, "shards %zu and %zu are not open neighbours in that order",
                       shard, adjacent);
    }
    struct range merged = { .start = stream->ranges[shard].start,
                            .end = stream->ranges[adjacent].end };
    mr_memory_stream_merge(stream->memory, shard, adjacent);
    *grow(stream, 1) = merged;
    return 0;
}
