#include "stream/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { SEGMENT_BYTES = 64 * 1024 * 1024 };

struct mr_stream *
mr_store_find_stream(struct mr_store *store, struct mr_slice name)
{
    struct mr_stream *stream = NULL;

    if (name.size > 0) {
        HASH_FIND(hh, store->streams, name.data, name.size, stream);
    }
    return stream;
}

struct mr_shard *
mr_store_find_shard(struct mr_store *store, uint32_t uid)
{
    struct mr_shard *shard = NULL;

    HASH_FIND(hh, store->shards, &uid, sizeof(uid), shard);
    return shard;
}

void
mr_store_post(struct mr_store *store, void *loop, mr_store_fn *fn, void *context)
{
    if (store->options.post == NULL) {
        fn(context);
    } else {
        store->options.post(loop, fn, context);
    }
}

/* ------------------------------------------------------------------ open and close */

static int
take_directory(struct mr_store *store, struct mr_error *err)
{
    if (mkdir(store->directory, 0700) < 0 && errno != EEXIST) {
        return mr_fail(err, -errno, "make %s: %s", store->directory, strerror(errno));
    }
    store->dir_fd = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->dir_fd < 0) {
        return mr_fail(err, -errno, "open %s: %s", store->directory, strerror(errno));
    }
    store->lock_fd = openat(store->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0) {
        return mr_fail(err, -errno, "open %s/lock: %s", store->directory, strerror(errno));
    }
    char owner[32] = "another process";
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        ssize_t got = pread(store->lock_fd, owner, sizeof(owner) - 1, 0);
        owner[got > 0 ? got : 0] = '\0';
        return mr_fail(err, -EBUSY,
                       "%s is in use by process %s: stop it, or give another directory",
                       store->directory, got > 0 ? owner : "(unknown)");
    }
    int size = snprintf(owner, sizeof(owner), "%d", (int)getpid());
    if (ftruncate(store->lock_fd, 0) < 0 ||
        pwrite(store->lock_fd, owner, (size_t)size, 0) != size) {
        return mr_fail(err, -errno, "write %s/lock: %s", store->directory, strerror(errno));
    }
    return 0;
}

static void
release(struct mr_store *store)
{
    struct mr_stream *stream, *next;

    HASH_ITER(hh, store->streams, stream, next)
    {
        HASH_DEL(store->streams, stream);
        mr_stream_free(store, stream);
    }
    MR_LIST_EACH(node, &store->segments)
    {
        mr_list_remove(node);
        mr_segment_unref(MR_CONTAINER_OF(node, struct mr_segment, node));
    }
    if (store->open != NULL) {
        mr_open_block_free(store, store->open);
    }
    while (store->spare_count > 0) {
        mr_block_unref(store->spare[--store->spare_count]);
    }
    mr_block_cache_deinit(&store->cache);
    if (store->prepared_fd >= 0) {
        (void)close(store->prepared_fd);
        (void)store->files->remove(store->files->self, store->dir_fd, "prepared");
    }
    if (store->lock_fd >= 0) {
        (void)close(store->lock_fd);
    }
    if (store->dir_fd >= 0) {
        (void)close(store->dir_fd);
    }
    mr_buf_deinit(&store->account);
    mr_buf_deinit(&store->secret);
    free(store->removed);
    free(store->directory);
    pthread_cond_destroy(&store->committer_wakes);
    pthread_cond_destroy(&store->keeper_wakes);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static struct mr_store *
store_new(const struct mr_store_options *options)
{
    struct mr_store *store = mr_alloc_zero(1, sizeof(*store));

    store->options = *options;
    if (store->options.segment_bytes == 0) {
        store->options.segment_bytes = SEGMENT_BYTES;
    }
    store->files = options->files == NULL ? mr_file_ops_system() : options->files;
    store->clock = options->clock == NULL ? mr_clock_system() : options->clock;
    store->directory = mr_strdup(options->directory);
    store->dir_fd = store->lock_fd = store->prepared_fd = -1;
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->committer_wakes, NULL);
    pthread_cond_init(&store->keeper_wakes, NULL);
    mr_list_init(&store->queue);
    mr_list_init(&store->jobs);
    mr_list_init(&store->segments);
    mr_block_cache_init(&store->cache, options->cache_bytes == 0 ? MR_STORE_CACHE_BYTES
                                                                 : options->cache_bytes);
    return store;
}

struct mr_store *
mr_store_open(const struct mr_store_options *options, struct mr_error *err)
{
    struct mr_store *store = store_new(options);
    int code = take_directory(store, err);

    if (code == 0) {
        code = mr_store_recover(store, err);
    }
    if (code < 0) {
        release(store);
        return NULL;
    }
    mr_assert(pthread_create(&store->committer, NULL, mr_committer_main, store) == 0);
    mr_assert(pthread_create(&store->keeper, NULL, mr_keeper_main, store) == 0);
    return store;
}

void
mr_store_close(struct mr_store *store)
{
    if (store == NULL) {
        return;
    }
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_signal(&store->committer_wakes);
    pthread_cond_signal(&store->keeper_wakes);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->committer, NULL);
    pthread_join(store->keeper, NULL);
    release(store);
}

bool
mr_store_encrypt(struct mr_store *store, bool on)
{
    bool can = !on || store->options.master_keys != NULL;

    pthread_mutex_lock(&store->lock);
    store->encrypt = on && can;
    pthread_mutex_unlock(&store->lock);
    return can;
}

/* ------------------------------------------------------------------ looking */

/* Lock held. */
static struct mr_stream_info
info_of(const struct mr_stream *stream)
{
    return (struct mr_stream_info){
        .id = stream->id,
        .created_ms = stream->created_ms,
        .version = stream->version,
        .retention_hours = stream->retention_hours,
        .open_shards = stream->open_count,
        .shards = stream->shard_count,
        .settings = { stream->settings[0], stream->settings[1] },
        .records_in = stream->records_in,
        .bytes_in = stream->bytes_in,
    };
}

/* Lock held. */
static struct mr_shard_info
shard_info_of(const struct mr_store *store, const struct mr_shard *shard)
{
    struct mr_shard_info info = {
        .stream_id = shard->stream->id,
        .uid = shard->uid,
        .index = shard->index,
        .parent = shard->parent,
        .adjacent_parent = shard->adjacent_parent,
        .start_key = shard->start_key,
        .end_key = shard->end_key,
        .starting = mr_sequence_start(shard->created_s, shard->index),
        .open = shard->closed_ms == 0,
        .expired = mr_shard_expired(store, shard),
        .created_ms = shard->created_ms,
        .closed_ms = shard->closed_ms,
        .tail = shard->tail,
        .last_arrival_ms = shard->last_arrival_ms,
    };
    if (shard->closed_ms != 0) {
        info.ending = mr_sequence_end(shard->created_s, shard->index, shard->closed_ms / 1000);
    }
    return info;
}

bool
mr_store_glance(struct mr_store *store, struct mr_slice name, struct mr_stream_info *out_info)
{
    pthread_mutex_lock(&store->lock);
    const struct mr_stream *stream = mr_store_find_stream(store, name);
    if (stream != NULL) {
        *out_info = info_of(stream);
    }
    pthread_mutex_unlock(&store->lock);
    return stream != NULL;
}

int
mr_store_describe(struct mr_store *store, struct mr_slice name, struct mr_arena *arena,
                  struct mr_stream_info *out_info, struct mr_error *err)
{
    pthread_mutex_lock(&store->lock);
    const struct mr_stream *stream = mr_store_find_stream(store, name);
    if (stream != NULL) {
        *out_info = info_of(stream);
        out_info->name = mr_arena_copy(arena, mr_slice_of(stream->name, stream->name_size));
        out_info->metadata = mr_arena_copy(arena, mr_buf_slice(&stream->metadata));
    }
    pthread_mutex_unlock(&store->lock);
    return stream != NULL
               ? 0
               : mr_fail(err, -ENOENT, "stream %.*s does not exist", MR_SLICE_ARGS(name));
}

static int
by_name(const void *left, const void *right)
{
    const struct mr_stream *a = *(struct mr_stream *const *)left;
    const struct mr_stream *b = *(struct mr_stream *const *)right;

    return mr_slice_compare(mr_slice_of(a->name, a->name_size),
                            mr_slice_of(b->name, b->name_size));
}

size_t
mr_store_list(struct mr_store *store, struct mr_slice after, size_t max, struct mr_arena *arena,
              struct mr_stream_info *out_infos, bool *out_more)
{
    struct mr_stream *stream, *next;
    size_t count = 0, given = 0;

    pthread_mutex_lock(&store->lock);
    struct mr_stream **sorted =
        mr_alloc((HASH_COUNT(store->streams) + 1) * sizeof(struct mr_stream *));
    HASH_ITER(hh, store->streams, stream, next)
    {
        struct mr_slice name = mr_slice_of(stream->name, stream->name_size);
        if (after.size == 0 || mr_slice_compare(name, after) > 0) {
            sorted[count++] = stream;
        }
    }
    qsort(sorted, count, sizeof(struct mr_stream *), by_name);
    for (; given < count && given < max; given++) {
        out_infos[given] = info_of(sorted[given]);
        out_infos[given].name =
            mr_arena_copy(arena, mr_slice_of(sorted[given]->name, sorted[given]->name_size));
    }
    *out_more = given < count;
    pthread_mutex_unlock(&store->lock);
    free(sorted);
    return given;
}

size_t
mr_store_shards(struct mr_store *store, struct mr_slice name, uint32_t first,
                struct mr_shard_info *out_infos, size_t max)
{
    size_t count = 0;

    pthread_mutex_lock(&store->lock);
    const struct mr_stream *stream = mr_store_find_stream(store, name);
    for (uint32_t i = first; stream != NULL && i < stream->shard_count && count < max; i++) {
        out_infos[count++] = shard_info_of(store, stream->shards[i]);
    }
    pthread_mutex_unlock(&store->lock);
    return count;
}

int
mr_store_shard(struct mr_store *store, struct mr_slice name, uint32_t index,
               struct mr_shard_info *out_info, struct mr_error *err)
{
    pthread_mutex_lock(&store->lock);
    const struct mr_stream *stream = mr_store_find_stream(store, name);
    bool there = stream != NULL && index < stream->shard_count;
    if (there) {
        *out_info = shard_info_of(store, stream->shards[index]);
    }
    pthread_mutex_unlock(&store->lock);
    if (stream == NULL) {
        return mr_fail(err, -ENOENT, "stream %.*s does not exist", MR_SLICE_ARGS(name));
    }
    return there ? 0 : mr_fail(err, -ENOENT, "shard %u does not exist", index);
}

size_t
mr_store_children(struct mr_store *store, struct mr_slice name, uint32_t index,
                  uint32_t out_children[2])
{
    size_t count = 0;

    pthread_mutex_lock(&store->lock);
    const struct mr_stream *stream = mr_store_find_stream(store, name);
    for (uint32_t i = index + 1; stream != NULL && i < stream->shard_count && count < 2; i++) {
        if (stream->shards[i]->parent == index || stream->shards[i]->adjacent_parent == index) {
            out_children[count++] = i;
        }
    }
    pthread_mutex_unlock(&store->lock);
    return count;
}

struct mr_slice
mr_store_account(struct mr_store *store, struct mr_arena *arena)
{
    pthread_mutex_lock(&store->lock);
    struct mr_slice text = mr_arena_copy(arena, mr_buf_slice(&store->account));
    pthread_mutex_unlock(&store->lock);
    return text;
}

void
mr_store_stats(struct mr_store *store, struct mr_store_stats *out_stats)
{
    struct mr_stream *stream, *next;

    pthread_mutex_lock(&store->lock);
    *out_stats = store->stats;
    out_stats->streams = HASH_COUNT(store->streams);
    out_stats->shards = HASH_COUNT(store->shards);
    HASH_ITER(hh, store->streams, stream, next)
    {
        out_stats->open_shards += stream->open_count;
    }
    MR_LIST_EACH(node, &store->segments)
    {
        out_stats->segments++;
        out_stats->journal_bytes += MR_CONTAINER_OF(node, struct mr_segment, node)->end;
    }
    out_stats->pending_bytes = store->pending_bytes;
    pthread_mutex_lock(&store->cache.lock);
    out_stats->cache_bytes = store->cache.bytes;
    pthread_mutex_unlock(&store->cache.lock);
    pthread_mutex_unlock(&store->lock);
}
