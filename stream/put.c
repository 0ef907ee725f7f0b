#include "stream/store_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/limits.h"

enum {
    SECOND_US = 1000000,
    WRITE_RECORDS = 1000,
    WRITE_BYTES = 1024 * 1024,
    BURST_BYTES = 10 * 1024 * 1024
};

struct mr_open_block *
mr_open_block_new(struct mr_store *store, size_t capacity)
{
    struct mr_block *block;

    if (capacity <= MR_BLOCK_TARGET && store->spare_count > 0) {
        block = store->spare[--store->spare_count];
    } else {
        block = mr_block_new(capacity < MR_BLOCK_TARGET ? MR_BLOCK_TARGET : capacity);
    }
    if (block == NULL) {
        return NULL;
    }
    struct mr_open_block *open = mr_alloc_zero(1, sizeof(*open));
    mr_list_init(&open->node);
    open->block = block;
    block->size = MR_BLOCK_HEADER;
    open->sequence = store->next_sequence++;
    open->last_put = &open->puts;
    return open;
}

void
mr_open_block_free(struct mr_store *store, struct mr_open_block *open)
{
    struct mr_block *block = open->block;

    if (block != NULL && block->capacity == MR_BLOCK_TARGET && atomic_load(&block->refs) == 1 &&
        store->spare_count < sizeof(store->spare) / sizeof(store->spare[0])) {
        store->spare[store->spare_count++] = block;
    } else {
        mr_block_unref(block);
    }
    free(open->slices);
    free(open);
}

/* A bucket is the time at which it is full; `cost_us` more must not lead past now + depth. */
static bool
spend(uint64_t *full_us, uint64_t now_us, uint64_t cost_us, uint64_t depth_us)
{
    uint64_t from = *full_us > now_us ? *full_us : now_us;

    if (from + cost_us > now_us + depth_us) {
        return false;
    }
    *full_us = from + cost_us;
    return true;
}

static bool
within_budget(struct mr_shard *shard, size_t bytes, uint64_t now_us)
{
    uint64_t records_us = shard->write_records_us;

    if (!spend(&shard->write_records_us, now_us, SECOND_US / WRITE_RECORDS, SECOND_US)) {
        return false;
    }
    uint64_t cost_us = (uint64_t)bytes * SECOND_US / WRITE_BYTES;
    uint64_t depth_us = bytes > WRITE_BYTES
                            ? (uint64_t)BURST_BYTES / WRITE_BYTES * SECOND_US + SECOND_US
                            : SECOND_US;
    if (!spend(&shard->write_us, now_us, cost_us, depth_us)) {
        shard->write_records_us = records_us;
        return false;
    }
    return true;
}

static struct mr_shard *
route(const struct mr_stream *stream, mr_hash_key key)
{
    uint32_t low = 0, high = stream->open_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (stream->open[middle]->start_key <= key) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return stream->open[low];
}

/* The block that has room for `size` more bytes; NULL: no memory. */
static struct mr_open_block *
block_for(struct mr_store *store, size_t size)
{
    struct mr_open_block *open = store->open;

    if (open != NULL && open->block->size + size > open->block->capacity) {
        mr_list_push_back(&store->queue, &open->node);
        store->open = open = NULL;
    }
    if (open == NULL) {
        store->open = open = mr_open_block_new(store, MR_BLOCK_HEADER + size);
    }
    return open;
}

static struct mr_block_slice *
slice_for(struct mr_open_block *open, struct mr_shard *shard)
{
    if (shard->open_block == open->sequence) {
        return &open->slices[shard->open_slice];
    }
    if (open->slice_count == open->slice_capacity) {
        open->slice_capacity = open->slice_capacity == 0 ? 8 : open->slice_capacity * 2;
        open->slices = mr_realloc(open->slices, open->slice_capacity * sizeof(*open->slices));
    }
    shard->open_block = open->sequence;
    shard->open_slice = open->slice_count;
    open->slices[open->slice_count] = (struct mr_block_slice){ .uid = shard->uid };
    return &open->slices[open->slice_count++];
}

static int
append(struct mr_store *store, struct mr_shard *shard, const struct mr_put_record *record,
       uint64_t now_ms, struct mr_put_result *result)
{
    size_t size = mr_block_record_size(record->partition_key.size, record->data.size);
    struct mr_open_block *open = block_for(store, size);
    if (open == NULL) {
        return -ENOMEM;
    }
    if (now_ms < shard->last_arrival_ms) {
        now_ms = shard->last_arrival_ms; /* a clock set back must not unsort a shard */
    }
    struct mr_block_record stored = { .uid = shard->uid,
                                      .index = shard->next_index++,
                                      .arrival_ms = now_ms,
                                      .partition_key = record->partition_key,
                                      .data = record->data };
    uint32_t at = open->block->size;
    mr_block_put_record(open->block->data + at, &stored);
    struct mr_block_slice *slice = slice_for(open, shard);
    if (slice->count++ == 0) {
        slice->first = at;
        slice->first_index = stored.index;
        slice->first_arrival_ms = now_ms;
    } else {
        mr_block_set_next(open->block->data + slice->last, at);
    }
    slice->last = at;
    slice->last_index = stored.index;
    slice->last_arrival_ms = now_ms;
    shard->last_arrival_ms = now_ms;
    shard->pending++;
    open->block->size += (uint32_t)size;
    open->records++;
    store->pending_bytes += size;
    result->sequence =
        mr_sequence_of_record(shard->created_s, shard->index, stored.index, now_ms);
    return 0;
}

/* Lock held. */
static void
append_all(struct mr_store *store, struct mr_stream *stream,
           const struct mr_put_record *records, const mr_hash_key *keys, struct mr_put *put)
{
    uint64_t now_ms = mr_clock_wall_ms(store->clock);
    uint64_t now_us = mr_clock_now_us(store->clock);
    size_t written = 0;

    for (size_t i = 0; i < put->count; i++) {
        struct mr_put_result *result = &put->results[i];
        struct mr_shard *shard = route(stream, keys[i]);
        size_t bytes = records[i].data.size + records[i].partition_key.size;
        *result = (struct mr_put_result){ .shard = shard->index };
        if (store->options.aws_limits && !within_budget(shard, bytes, now_us)) {
            result->code = -EBUSY;
            continue;
        }
        result->code = append(store, shard, &records[i], now_ms, result);
        if (result->code == 0) {
            written++;
            store->stats.records_in++;
            store->stats.bytes_in += bytes;
            stream->records_in++;
            stream->bytes_in += bytes;
        }
    }
    if (written > 0) {
        *store->open->last_put = put;
        store->open->last_put = &put->next;
    }
}

void
mr_put_finish(void *context)
{
    struct mr_put *put = context;

    for (size_t i = 0; put->code != 0 && i < put->count; i++) {
        if (put->results[i].code == 0) {
            put->results[i].code = put->code;
        }
    }
    put->done(put->context);
    free(put);
}

static int
check(const struct mr_put_record *records, size_t count, struct mr_error *err)
{
    if (count == 0 || count > MR_KINESIS_MAX_RECORDS_PER_PUT) {
        return mr_fail(err, -EINVAL, "%zu records, not 1 to %d", count,
                       MR_KINESIS_MAX_RECORDS_PER_PUT);
    }
    for (size_t i = 0; i < count; i++) {
        if (records[i].partition_key.size > UINT16_MAX ||
            records[i].data.size > (size_t)MR_KINESIS_MAX_RECORD_KIB * 1024) {
            return mr_fail(err, -EINVAL, "record %zu is too large", i);
        }
    }
    return 0;
}

int
mr_store_put(struct mr_store *store, struct mr_slice stream_name,
             const struct mr_put_record *records, size_t count, struct mr_put_result *results,
             void *loop, mr_put_fn *done, void *context, struct mr_error *err)
{
    mr_hash_key keys[MR_KINESIS_MAX_RECORDS_PER_PUT];
    int code = check(records, count, err);
    if (code < 0) {
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        keys[i] = records[i].has_explicit_key ? records[i].explicit_key
                                              : mr_hash_key_of(records[i].partition_key);
    }
    struct mr_put *put = mr_alloc_zero(1, sizeof(*put));
    *put = (struct mr_put){
        .results = results, .count = count, .loop = loop, .done = done, .context = context
    };

    pthread_mutex_lock(&store->lock);
    struct mr_stream *stream = mr_store_find_stream(store, stream_name);
    bool full = store->pending_bytes >= MR_STORE_PENDING_BYTES;
    bool waits = false;
    if (stream != NULL && !full) {
        append_all(store, stream, records, keys, put);
        waits = store->open != NULL && store->open->last_put == &put->next;
        pthread_cond_signal(&store->committer_wakes);
    }
    pthread_mutex_unlock(&store->lock);
    if (stream == NULL || full) {
        free(put);
        return stream == NULL ? mr_fail(err, -ENOENT, "no such stream")
                              : mr_fail(err, -EBUSY, "%d MiB wait for the disk already",
                                        MR_STORE_PENDING_BYTES >> 20);
    }
    if (!waits) {
        mr_store_post(store, loop, mr_put_finish, put);
    }
    return 0;
}
