#include "stream/store_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { PLAN = 32, SECOND_US = 1000000, READ_BYTES = 2 * 1024 * 1024, READ_CALLS = 5 };

/* A few entries of a shard, with their files held open, to be followed without the lock. */
struct plan {
    struct mr_entry entries[PLAN];
    struct mr_segment *segments[PLAN];
    size_t count;
};

/* What a read needs to know of its shard. */
struct shard_view {
    uint32_t uid, index;
    uint64_t created_s;
    uint64_t horizon_ms;
    uint64_t tail;
};

/* Lock held: the last entry that begins at or before `position`; 0 when none does. */
static uint32_t
entry_before(const struct mr_shard *shard, uint64_t position)
{
    uint32_t low = 0, high = shard->entry_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (shard->entries[middle].first_index <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Lock held: the last entry whose first record arrived before `time_ms`; 0 when none did. */
static uint32_t
entry_before_time(const struct mr_shard *shard, uint64_t time_ms)
{
    uint32_t low = 0, high = shard->entry_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (shard->entries[middle].first_arrival_ms < time_ms) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Lock held. Segments rise in number, and so does the plan: one walk backwards finds them. */
static struct mr_segment *
hold_segment(struct mr_store *store, uint32_t number)
{
    for (struct mr_list *node = store->segments.prev; node != &store->segments;
         node = node->prev) {
        struct mr_segment *segment = MR_CONTAINER_OF(node, struct mr_segment, node);
        if (segment->number == number) {
            segment->refs++;
            return segment;
        }
    }
    return NULL;
}

/* Lock held. */
static void
make_plan(struct mr_store *store, const struct mr_shard *shard, uint32_t from,
          struct plan *plan)
{
    plan->count = 0;
    for (uint32_t i = from; i < shard->entry_count && plan->count < PLAN; i++) {
        struct mr_segment *segment =
            plan->count > 0 &&
                    plan->entries[plan->count - 1].segment == shard->entries[i].segment
                ? plan->segments[plan->count - 1]
                : NULL;
        if (segment != NULL) {
            segment->refs++;
        } else {
            segment = hold_segment(store, shard->entries[i].segment);
        }
        if (segment != NULL) {
            plan->entries[plan->count] = shard->entries[i];
            plan->segments[plan->count++] = segment;
        }
    }
}

static void
drop_plan(struct mr_store *store, struct plan *plan)
{
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < plan->count; i++) {
        mr_segment_unref(plan->segments[i]);
    }
    pthread_mutex_unlock(&store->lock);
    plan->count = 0;
}

/* The block of an entry, from memory or from the disk, with a reference for the caller. */
static struct mr_block *
load(struct mr_store *store, const struct mr_entry *entry, const struct mr_segment *segment,
     struct mr_error *err)
{
    struct mr_block *block = mr_block_cache_find(&store->cache, entry->segment, entry->block);
    if (block != NULL) {
        return block;
    }
    block = mr_block_new(entry->block_size);
    if (block == NULL) {
        mr_fail(err, -ENOMEM, "no memory for a block of %u bytes", entry->block_size);
        return NULL;
    }
    block->segment = entry->segment;
    block->offset = entry->block;
    block->size = entry->block_size;
    struct mr_block_header header;
    ssize_t got = store->files->read_at(store->files->self, segment->fd, block->data,
                                        block->size, entry->block);
    if (got == (ssize_t)block->size &&
        mr_block_open(block->data, block->size, entry->segment, segment->cipher, &header) &&
        header.size == block->size) {
        mr_block_cache_add(&store->cache, block);
        return block;
    }
    mr_block_unref(block);
    mr_fail(err, got < 0 ? (int)got : -EBADMSG,
            "segment %u, block at %u: %s; what is behind it can still be read from a later "
            "position",
            entry->segment, entry->block,
            got < 0 ? strerror((int)-got) : "the bytes on disk fail their checksum");
    return NULL;
}

static void
keep_block(struct mr_store_batch *batch, struct mr_block *block)
{
    if (batch->block_count == batch->block_capacity) {
        batch->block_capacity = batch->block_capacity == 0 ? 8 : batch->block_capacity * 2;
        batch->blocks =
            mr_realloc(batch->blocks, batch->block_capacity * sizeof(struct mr_block *));
    }
    batch->blocks[batch->block_count++] = block;
}

static void
give(struct mr_store_batch *batch, const struct shard_view *view,
     const struct mr_block_record *record)
{
    if (batch->count == batch->record_capacity) {
        batch->record_capacity = batch->record_capacity == 0 ? 64 : batch->record_capacity * 2;
        batch->records =
            mr_realloc(batch->records, batch->record_capacity * sizeof(*batch->records));
    }
    batch->records[batch->count++] = (struct mr_stored_record){
        .data = record->data,
        .partition_key = record->partition_key,
        .sequence = mr_sequence_of_record(view->created_s, view->index, record->index,
                                          record->arrival_ms),
        .arrival_ms = record->arrival_ms,
    };
    batch->bytes += record->data.size + record->partition_key.size;
    batch->next = record->index + 1;
}

/* Returns false when the batch is full. */
static bool
give_block(struct mr_store_batch *batch, const struct shard_view *view,
           const struct mr_block *block, uint32_t at, size_t max_records, size_t max_bytes)
{
    struct mr_block_record record;

    for (; at != 0; at = record.next) {
        if (mr_block_record_at(block->data, block->size, at, &record) == 0 ||
            record.uid != view->uid) {
            return true;
        }
        if (record.index < batch->next || record.arrival_ms < view->horizon_ms) {
            continue;
        }
        size_t bytes = record.data.size + record.partition_key.size;
        if (batch->count == max_records ||
            (batch->count > 0 && batch->bytes + bytes > max_bytes)) {
            return false;
        }
        give(batch, view, &record);
    }
    return true;
}

/* A bucket of a second's calls, as the time at which it is full again. */
static bool
take_call(uint64_t *full_us, uint64_t now_us)
{
    uint64_t from = *full_us > now_us ? *full_us : now_us;

    if (from + SECOND_US / READ_CALLS > now_us + SECOND_US) {
        return false;
    }
    *full_us = from + SECOND_US / READ_CALLS;
    return true;
}

/* Lock held. AWS counts what was given against the following seconds. */
static bool
may_read(struct mr_store *store, struct mr_shard *shard)
{
    uint64_t now_us = mr_clock_now_us(store->clock);

    if (!store->options.aws_limits) {
        return true;
    }
    return shard->read_hold_us <= now_us && shard->read_us <= now_us + SECOND_US &&
           take_call(&shard->read_calls_us, now_us);
}

bool
mr_store_may_seek(struct mr_store *store, uint32_t shard_uid)
{
    bool may = true;

    if (store->options.aws_limits) {
        pthread_mutex_lock(&store->lock);
        struct mr_shard *shard = mr_store_find_shard(store, shard_uid);
        may = shard == NULL || take_call(&shard->seek_calls_us, mr_clock_now_us(store->clock));
        pthread_mutex_unlock(&store->lock);
    }
    return may;
}

static int
begin(struct mr_store *store, uint32_t uid, struct mr_store_batch *batch, struct plan *plan,
      struct shard_view *view, bool first, struct mr_error *err)
{
    pthread_mutex_lock(&store->lock);
    struct mr_shard *shard = mr_store_find_shard(store, uid);
    bool fine = shard != NULL &&
                (!first || batch->unbudgeted || batch->counted || may_read(store, shard));
    if (fine) {
        *view = (struct shard_view){ uid, shard->index, shard->created_s,
                                     mr_shard_horizon_ms(store, shard), shard->tail };
        uint32_t from = entry_before(shard, batch->next);
        uint32_t alive = entry_before_time(shard, view->horizon_ms);
        make_plan(store, shard, from > alive ? from : alive, plan);
    }
    pthread_mutex_unlock(&store->lock);
    if (shard == NULL) {
        return mr_fail(err, -ENOENT, "shard %u is gone", uid);
    }
    return fine ? 0 : mr_fail(err, -EBUSY, "the shard's read budget is spent");
}

/*
 * Lock held. A second's worth may be read at once; an answer that is larger by itself is worked
 * off before the next one.
 */
static void
pay(struct mr_store *store, struct mr_shard *shard, size_t bytes)
{
    uint64_t now_us = mr_clock_now_us(store->clock);
    uint64_t cost_us = (uint64_t)bytes * SECOND_US / READ_BYTES;

    shard->read_us = (shard->read_us > now_us ? shard->read_us : now_us) + cost_us;
    if (cost_us > SECOND_US) {
        shard->read_hold_us = shard->read_us;
    }
}

static void
finish(struct mr_store *store, uint32_t uid, struct mr_store_batch *batch)
{
    uint64_t now_ms = mr_clock_wall_ms(store->clock);

    pthread_mutex_lock(&store->lock);
    struct mr_shard *shard = mr_store_find_shard(store, uid);
    batch->behind_ms = 0;
    batch->end_of_shard = shard == NULL;
    if (shard != NULL) {
        if (batch->next < shard->tail && batch->count > 0) {
            uint64_t last_ms = batch->records[batch->count - 1].arrival_ms;
            batch->behind_ms = now_ms > last_ms ? now_ms - last_ms : 0;
        }
        batch->end_of_shard =
            shard->closed_ms != 0 && shard->pending == 0 && batch->next >= shard->tail;
        if (store->options.aws_limits && !batch->unbudgeted) {
            pay(store, shard, batch->bytes);
        }
    }
    store->stats.records_out += batch->count;
    store->stats.bytes_out += batch->bytes;
    pthread_mutex_unlock(&store->lock);
}

/* Follow one plan. 1: go on with another; 0: done. */
static int
follow(struct mr_store *store, const struct plan *plan, const struct shard_view *view,
       size_t max_records, size_t max_bytes, struct mr_store_batch *batch, struct mr_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct mr_entry *entry = &plan->entries[i];
        if (batch->count >= max_records || (batch->count > 0 && batch->bytes >= max_bytes)) {
            return 0;
        }
        struct mr_block *block = load(store, entry, plan->segments[i], err);
        if (block == NULL) {
            return batch->count > 0 ? 0
                                    : -EBADMSG; /* first what is good, next time the error */
        }
        size_t before = batch->count;
        bool more = give_block(batch, view, block, entry->record, max_records, max_bytes);
        if (batch->count > before) {
            keep_block(batch, block);
        } else {
            mr_block_unref(block);
        }
        if (!more) {
            return 0;
        }
    }
    return plan->count == PLAN ? 1 : 0;
}

/* Past what was skipped, so that the next plan begins behind this one. */
static void
skip_past(struct mr_store_batch *batch, const struct plan *plan)
{
    uint64_t last = plan->entries[plan->count - 1].first_index;

    if (batch->next <= last) {
        batch->next = last + 1;
    }
}

int
mr_store_read(struct mr_store *store, uint32_t shard_uid, uint64_t position, size_t max_records,
              size_t max_bytes, struct mr_store_batch *batch, struct mr_error *err)
{
    struct shard_view view = { 0 };
    struct plan plan;
    int code = 1;

    mr_store_batch_clear(batch);
    batch->next = position;
    for (bool first = true; code == 1; first = false) {
        code = begin(store, shard_uid, batch, &plan, &view, first, err);
        if (code < 0) {
            return code;
        }
        code = follow(store, &plan, &view, max_records, max_bytes, batch, err);
        if (code == 1) {
            skip_past(batch, &plan);
        }
        drop_plan(store, &plan);
    }
    if (code < 0) {
        return err != NULL && err->code != 0 ? err->code : code;
    }
    if (batch->count == 0 && batch->next < view.tail) {
        batch->next = view.tail; /* all that was there has expired */
    }
    finish(store, shard_uid, batch);
    return 0;
}

/* The index of the first record at or behind `time_ms` in the plan's blocks. */
static int
seek_time(struct mr_store *store, const struct plan *plan, const struct shard_view *view,
          uint64_t time_ms, uint64_t *out_position, struct mr_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct mr_block *block = load(store, &plan->entries[i], plan->segments[i], err);
        if (block == NULL) {
            return err == NULL ? -EIO : err->code;
        }
        struct mr_block_record record = { .next = plan->entries[i].record };
        while (record.next != 0 &&
               mr_block_record_at(block->data, block->size, record.next, &record) != 0 &&
               record.uid == view->uid) {
            if (record.arrival_ms >= time_ms) {
                *out_position = record.index;
                mr_block_unref(block);
                return 0;
            }
        }
        mr_block_unref(block);
    }
    *out_position = view->tail;
    return 0;
}

int
mr_store_seek(struct mr_store *store, uint32_t shard_uid, enum mr_seek seek,
              uint64_t timestamp_ms, uint64_t *out_position, struct mr_error *err)
{
    struct shard_view view = { 0 };
    struct plan plan = { .count = 0 };
    struct mr_error local = { 0 };

    pthread_mutex_lock(&store->lock);
    struct mr_shard *shard = mr_store_find_shard(store, shard_uid);
    if (shard != NULL) {
        view = (struct shard_view){ .uid = shard_uid, .tail = shard->tail };
        if (seek == MR_SEEK_TIMESTAMP) {
            make_plan(store, shard, entry_before_time(shard, timestamp_ms), &plan);
        }
    }
    pthread_mutex_unlock(&store->lock);
    if (shard == NULL) {
        return mr_fail(err, -ENOENT, "shard %u is gone", shard_uid);
    }
    if (seek != MR_SEEK_TIMESTAMP) {
        *out_position = seek == MR_SEEK_TIP ? view.tail : 0;
        return 0;
    }
    int code =
        seek_time(store, &plan, &view, timestamp_ms, out_position, err == NULL ? &local : err);
    drop_plan(store, &plan);
    return code;
}

void
mr_store_batch_clear(struct mr_store_batch *batch)
{
    for (size_t i = 0; i < batch->block_count; i++) {
        mr_block_unref(batch->blocks[i]);
    }
    batch->block_count = 0;
    batch->count = 0;
    batch->bytes = 0;
}

void
mr_store_batch_release(struct mr_store_batch *batch)
{
    mr_store_batch_clear(batch);
    free(batch->records);
    free(batch->blocks);
    *batch = (struct mr_store_batch){ 0 };
}
