#include "stream/store_inside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"

void
mr_fatal_sync(const char *what, int code)
{
    mr_log(MR_LOG_ERROR, "stream",
           "sync %s: %s. What the disk holds is unknown, so this process ends; check the disk, "
           "then start it again: it recovers what was acknowledged",
           what, strerror(-code));
    abort();
}

/* What one round of the committer writes. */
struct group {
    struct mr_list blocks;
    size_t bytes;
};

/* Lock held: everything that is full, and what is being filled. */
static void
take_group(struct mr_store *store, struct group *group)
{
    mr_list_init(&group->blocks);
    if (store->open != NULL && store->open->records > 0) {
        mr_list_push_back(&store->queue, &store->open->node);
        store->open = NULL;
    }
    while (!mr_list_empty(&store->queue)) {
        struct mr_list *node = store->queue.next;
        mr_list_remove(node);
        mr_list_push_back(&group->blocks, node);
    }
}

/* Go on in a new segment; the keeper seals the old one. */
static int
roll(struct mr_store *store, struct mr_error *err)
{
    const struct mr_file_ops *files = store->files;
    struct mr_segment *segment, *old = store->writing;

    if (old != NULL && store->options.durability == MR_DURABILITY_SYNC) {
        int code = files->sync(files->self, old->fd);
        if (code < 0) {
            mr_fatal_sync("a journal segment", code);
        }
    }
    int code =
        mr_segment_begin(store, store->next_segment, old == NULL ? 0 : old->end, &segment, err);
    if (code < 0) {
        return code;
    }
    pthread_mutex_lock(&store->lock);
    store->next_segment++;
    mr_list_push_back(&store->segments, &segment->node);
    store->writing = segment;
    if (store->options.durability == MR_DURABILITY_SYNC) {
        store->synced = (struct mr_journal_point){ segment->number, MR_SEGMENT_HEADER };
    }
    pthread_cond_signal(&store->keeper_wakes);
    pthread_mutex_unlock(&store->lock);
    return 0;
}

enum { PARTS = 64, KEEP_SECRET = 16 * 1024 * 1024 };

/* Blocks that lie behind each other in a segment. */
struct run {
    struct mr_open_block *blocks[PARTS];
    int count;
    size_t bytes;
};

/* As many as fit behind `*end`, which moves on, as does `*from`. */
static void
lay_out(struct mr_store *store, struct mr_list *blocks, struct mr_list **from, uint32_t *end,
        struct run *run)
{
    for (; *from != blocks && run->count < PARTS; *from = (*from)->next) {
        struct mr_open_block *open = MR_CONTAINER_OF(*from, struct mr_open_block, node);
        struct mr_block *block = open->block;
        if (*end > MR_SEGMENT_HEADER &&
            block->size > store->options.segment_bytes - (size_t)*end) {
            break;
        }
        block->segment = store->writing->number;
        block->offset = *end;
        run->blocks[run->count++] = open;
        run->bytes += block->size;
        *end += block->size;
    }
}

/* What goes to the disk for each: the block itself, or its secret in the committer's buffer. */
static void
seal_run(struct mr_store *store, const struct run *run, struct mr_journal_point synced,
         struct iovec parts[PARTS])
{
    struct mr_segment *segment = store->writing;
    uint8_t *secret =
        segment->cipher == NULL ? NULL : mr_buf_reserve(&store->secret, run->bytes);

    for (int i = 0; i < run->count; i++) {
        struct mr_block *block = run->blocks[i]->block;
        struct mr_block_header header = { .size = block->size,
                                          .records = run->blocks[i]->records,
                                          .sequence = run->blocks[i]->sequence,
                                          .segment = segment->number,
                                          .synced = synced };
        if (secret == NULL) {
            mr_block_seal(block->data, &header);
            parts[i] = (struct iovec){ block->data, block->size };
        } else {
            mr_block_seal_secret(block->data, &header, segment->cipher, secret);
            parts[i] = (struct iovec){ secret, block->size };
            secret += block->size;
        }
    }
}

/*
 * Write as many blocks as fit in the segment with one call. `*from` moves to the first that was
 * not written.
 */
static int
write_run(struct mr_store *store, struct mr_list *blocks, struct mr_list **from, uint32_t *end,
          struct mr_journal_point synced, struct mr_error *err)
{
    struct iovec parts[PARTS];
    struct run run = { .count = 0 };
    uint32_t start = *end;

    lay_out(store, blocks, from, end, &run);
    if (run.count == 0) {
        return 0;
    }
    seal_run(store, &run, synced, parts);
    int code =
        store->files->write_at(store->files->self, store->writing->fd, parts, run.count, start);
    if (store->secret.capacity > KEEP_SECRET) {
        mr_buf_deinit(&store->secret);
    }
    if (code < 0) {
        return mr_fail(err, code, "journal: write: %s", strerror(-code));
    }
    return 0;
}

/* Does the segment being written take a block of that size, encrypted or not as is wanted? */
static bool
takes(const struct mr_store *store, uint32_t end, uint32_t size, bool secret)
{
    return store->writing != NULL && (store->writing->cipher != NULL) == secret &&
           (end <= MR_SEGMENT_HEADER || (size_t)end + size <= store->options.segment_bytes);
}

/* Write and sync all blocks of the group. On failure none of them is in the journal. */
static int
write_group(struct mr_store *store, struct group *group, struct mr_error *err)
{
    struct mr_list *from = group->blocks.next;
    pthread_mutex_lock(&store->lock);
    struct mr_journal_point synced = store->synced;
    bool secret = store->encrypt;
    pthread_mutex_unlock(&store->lock);
    uint32_t end = store->writing == NULL ? 0 : store->writing->end;

    while (from != &group->blocks) {
        struct mr_open_block *open = MR_CONTAINER_OF(from, struct mr_open_block, node);
        if (!takes(store, end, open->block->size, secret)) {
            if (store->writing != NULL) {
                /* Blocks written so far count in, whatever becomes of the rest. */
                pthread_mutex_lock(&store->lock);
                store->writing->end = end;
                pthread_mutex_unlock(&store->lock);
            }
            int code = roll(store, err);
            if (code < 0) {
                return code;
            }
            end = MR_SEGMENT_HEADER;
        }
        int code = write_run(store, &group->blocks, &from, &end, synced, err);
        if (code < 0) {
            return code;
        }
    }
    if (store->options.durability == MR_DURABILITY_SYNC) {
        int code = store->files->sync(store->files->self, store->writing->fd);
        if (code < 0) {
            mr_fatal_sync("the journal", code);
        }
    }
    pthread_mutex_lock(&store->lock);
    store->writing->end = end;
    if (store->options.durability == MR_DURABILITY_SYNC) {
        store->synced = (struct mr_journal_point){ store->writing->number, end };
    }
    pthread_mutex_unlock(&store->lock);
    return 0;
}

/* A small block leaves its large buffer to the next one. */
static struct mr_block *
fit(struct mr_block *block)
{
    if (block->size > block->capacity / 2) {
        return mr_block_ref(block);
    }
    struct mr_block *copy = mr_block_new(block->size);
    if (copy == NULL) {
        return mr_block_ref(block);
    }
    copy->segment = block->segment;
    copy->offset = block->offset;
    copy->size = block->size;
    memcpy(copy->data, block->data, block->size);
    return copy;
}

static void
cache_group(struct mr_store *store, struct group *group)
{
    MR_LIST_EACH(node, &group->blocks)
    {
        struct mr_open_block *open = MR_CONTAINER_OF(node, struct mr_open_block, node);
        struct mr_block *block = fit(open->block);
        mr_block_cache_add(&store->cache, block);
        mr_block_unref(block);
    }
}

/* Lock held. */
static struct mr_segment *
segment_of(struct mr_store *store, uint32_t number)
{
    for (struct mr_list *node = store->segments.prev; node != &store->segments;
         node = node->prev) {
        struct mr_segment *segment = MR_CONTAINER_OF(node, struct mr_segment, node);
        if (segment->number == number) {
            return segment;
        }
    }
    return NULL;
}

/* Lock held: the records of one block become readable, or are forgotten. */
static void
publish(struct mr_store *store, struct mr_open_block *open, bool written, struct mr_list *fired)
{
    struct mr_segment *segment = written ? segment_of(store, open->block->segment) : NULL;

    for (uint32_t i = 0; i < open->slice_count; i++) {
        const struct mr_block_slice *slice = &open->slices[i];
        struct mr_shard *shard = mr_store_find_shard(store, slice->uid);
        if (shard == NULL) {
            continue; /* its stream was deleted meanwhile */
        }
        shard->pending -= slice->count;
        if (written) {
            struct mr_index_entry entry = {
                .uid = slice->uid,
                .entry = { .first_index = slice->first_index,
                           .first_arrival_ms = slice->first_arrival_ms,
                           .segment = open->block->segment,
                           .block = open->block->offset,
                           .block_size = open->block->size,
                           .record = slice->first },
            };
            mr_shard_add_entry(shard, &entry.entry);
            mr_segment_note(segment, shard, &entry, slice->last_index, slice->last_arrival_ms);
            shard->tail = slice->last_index + 1;
        }
        mr_waiters_collect(shard, shard->closed_ms != 0, fired);
    }
    store->pending_bytes -= open->block->size - MR_BLOCK_HEADER;
}

static void
finish_group(struct mr_store *store, struct group *group, int code)
{
    struct mr_list fired;
    struct mr_put *puts = NULL, **last = &puts;

    if (code == 0) {
        cache_group(store, group);
    }
    mr_list_init(&fired);
    pthread_mutex_lock(&store->lock);
    store->stats.commits += code == 0;
    MR_LIST_EACH(node, &group->blocks)
    {
        struct mr_open_block *open = MR_CONTAINER_OF(node, struct mr_open_block, node);
        publish(store, open, code == 0, &fired);
        *last = open->puts;
        last = open->puts == NULL ? last : open->last_put;
        mr_list_remove(node);
        mr_open_block_free(store, open);
    }
    if (store->writing != NULL && store->published < store->writing->number) {
        store->published = store->writing->number;
        pthread_cond_signal(&store->keeper_wakes);
    }
    pthread_mutex_unlock(&store->lock);
    *last = NULL;
    for (struct mr_put *put = puts, *next; put != NULL; put = next) {
        next = put->next;
        put->code = code;
        mr_store_post(store, put->loop, mr_put_finish, put);
    }
    mr_waiters_post(store, &fired);
}

static void
commit(struct mr_store *store, struct group *group)
{
    struct mr_error err = { 0 };

    int code = write_group(store, group, &err);
    if (code < 0) {
        mr_log(MR_LOG_ERROR, "stream", "%s: records in flight are refused", err.text);
    }
    finish_group(store, group, code);
}

void *
mr_committer_main(void *context)
{
    struct mr_store *store = context;

    pthread_mutex_lock(&store->lock);
    for (;;) {
        struct group group;
        take_group(store, &group);
        if (!mr_list_empty(&group.blocks)) {
            pthread_mutex_unlock(&store->lock);
            commit(store, &group);
            pthread_mutex_lock(&store->lock);
        }
        if (!mr_list_empty(&store->jobs)) {
            struct mr_list *node = store->jobs.next;
            mr_list_remove(node);
            pthread_mutex_unlock(&store->lock);
            mr_change_run(store, MR_CONTAINER_OF(node, struct mr_change_job, node));
            pthread_mutex_lock(&store->lock);
            continue;
        }
        if (mr_list_empty(&store->queue) &&
            (store->open == NULL || store->open->records == 0)) {
            if (store->stopping) {
                break;
            }
            pthread_cond_wait(&store->committer_wakes, &store->lock);
        }
    }
    store->committer_done = true;
    pthread_cond_signal(&store->keeper_wakes);
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
