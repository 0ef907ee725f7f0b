#include "stream/store_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

struct mr_stream *
mr_stream_new(struct mr_slice name)
{
    struct mr_stream *stream = mr_alloc_zero(1, sizeof(*stream));

    stream->name = mr_slice_dup(name);
    stream->name_size = name.size;
    return stream;
}

static void
free_shard(struct mr_store *store, struct mr_shard *shard)
{
    if (mr_store_find_shard(store, shard->uid) == shard) {
        HASH_DEL(store->shards, shard);
    }
    free(shard->entries);
    free(shard);
}

void
mr_stream_free(struct mr_store *store, struct mr_stream *stream)
{
    for (uint32_t i = 0; i < stream->shard_count; i++) {
        free_shard(store, stream->shards[i]);
    }
    free(stream->shards);
    free(stream->open);
    free(stream->name);
    mr_buf_deinit(&stream->metadata);
    free(stream);
}

struct mr_shard *
mr_stream_add_shard(struct mr_store *store, struct mr_stream *stream)
{
    struct mr_shard *shard = mr_alloc_zero(1, sizeof(*shard));
    uint32_t count = stream->shard_count;

    if ((count & (count - 1)) == 0) { /* grows at powers of two */
        stream->shards = mr_realloc(stream->shards,
                                    (count == 0 ? 1 : count * 2) * sizeof(struct mr_shard *));
    }
    shard->index = count;
    shard->uid = store->next_uid++;
    shard->parent = shard->adjacent_parent = MR_NO_SHARD;
    shard->stream = stream;
    shard->next_index = 1;
    shard->tail = 1;
    mr_list_init(&shard->waiters);
    stream->shards[stream->shard_count++] = shard;
    return shard;
}

static int
by_start_key(const void *left, const void *right)
{
    const struct mr_shard *a = *(struct mr_shard *const *)left;
    const struct mr_shard *b = *(struct mr_shard *const *)right;

    return a->start_key < b->start_key ? -1 : a->start_key > b->start_key;
}

void
mr_stream_rebuild_open(struct mr_stream *stream)
{
    stream->open =
        mr_realloc(stream->open, (stream->shard_count + 1) * sizeof(struct mr_shard *));
    stream->open_count = 0;
    for (uint32_t i = 0; i < stream->shard_count; i++) {
        if (stream->shards[i]->closed_ms == 0) {
            stream->open[stream->open_count++] = stream->shards[i];
        }
    }
    qsort(stream->open, stream->open_count, sizeof(struct mr_shard *), by_start_key);
}

void
mr_shard_add_entry(struct mr_shard *shard, const struct mr_entry *entry)
{
    if (shard->entry_count == shard->entry_capacity) {
        shard->entry_capacity = shard->entry_capacity == 0 ? 4 : shard->entry_capacity * 2;
        shard->entries =
            mr_realloc(shard->entries, shard->entry_capacity * sizeof(*shard->entries));
    }
    shard->entries[shard->entry_count++] = *entry;
}

uint64_t
mr_shard_horizon_ms(const struct mr_store *store, const struct mr_shard *shard)
{
    uint64_t now_ms = mr_clock_wall_ms(store->clock);
    uint64_t retention_ms = (uint64_t)shard->stream->retention_hours * 3600 * 1000;

    return now_ms > retention_ms ? now_ms - retention_ms : 0;
}

bool
mr_shard_expired(const struct mr_store *store, const struct mr_shard *shard)
{
    uint64_t last =
        shard->last_arrival_ms > shard->closed_ms ? shard->last_arrival_ms : shard->closed_ms;

    return shard->closed_ms != 0 && last < mr_shard_horizon_ms(store, shard);
}
