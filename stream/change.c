#include "stream/store_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/log.h"

/* What a change did in memory, so that it can be taken back when the disk refuses it. */
struct undo {
    struct mr_stream *stream;
    uint32_t shard_count; /* before */
    uint32_t next_uid;    /* before */
    struct mr_shard **closed;
    size_t closed_count, closed_capacity;
    uint64_t version, settings[2];
    uint32_t retention_hours;
    struct mr_buf metadata; /* the old text, when it was replaced */
    bool replaced, created, deleted;
};

static struct mr_shard *
child_of(struct mr_store *store, struct mr_stream *stream, mr_hash_key start, mr_hash_key end,
         uint64_t created_s, uint64_t now_ms)
{
    struct mr_shard *shard = mr_stream_add_shard(store, stream);

    shard->start_key = start;
    shard->end_key = end;
    shard->created_s = created_s;
    shard->created_ms = now_ms;
    HASH_ADD(hh, store->shards, uid, sizeof(shard->uid), shard);
    return shard;
}

static void
close_shard(struct undo *undo, struct mr_shard *shard, uint64_t now_ms)
{
    if (undo->closed_count == undo->closed_capacity) {
        undo->closed_capacity = undo->closed_capacity == 0 ? 4 : undo->closed_capacity * 2;
        undo->closed =
            mr_realloc(undo->closed, undo->closed_capacity * sizeof(struct mr_shard *));
    }
    undo->closed[undo->closed_count++] = shard;
    shard->closed_ms = now_ms;
}

static void
split(struct mr_store *store, struct undo *undo, struct mr_shard *parent, mr_hash_key key,
      uint64_t now_ms)
{
    uint64_t created_s = now_ms / 1000 + 1;
    struct mr_stream *stream = undo->stream;

    close_shard(undo, parent, now_ms);
    child_of(store, stream, parent->start_key, key - 1, created_s, now_ms)->parent =
        parent->index;
    child_of(store, stream, key, parent->end_key, created_s, now_ms)->parent = parent->index;
}

static void
merge(struct mr_store *store, struct undo *undo, struct mr_shard *left, struct mr_shard *right,
      uint64_t now_ms)
{
    close_shard(undo, left, now_ms);
    close_shard(undo, right, now_ms);
    struct mr_shard *child = child_of(store, undo->stream, left->start_key, right->end_key,
                                      now_ms / 1000 + 1, now_ms);
    child->parent = left->index;
    child->adjacent_parent = right->index;
}

/* ------------------------------------------------------------------ one function a kind */

static int
create(struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    const struct mr_change *change = &job->change;
    uint64_t now_ms = mr_clock_wall_ms(store->clock);

    if (mr_store_find_stream(store, change->stream) != NULL) {
        return mr_fail(&job->err, -EEXIST, "stream %.*s exists", MR_SLICE_ARGS(change->stream));
    }
    if (change->shard_count == 0 || change->shard_count > MR_STORE_MAX_SHARDS ||
        change->stream.size == 0) {
        return mr_fail(&job->err, -EINVAL, "a stream has 1 to %d shards", MR_STORE_MAX_SHARDS);
    }
    struct mr_stream *stream = mr_stream_new(change->stream);
    stream->id = store->next_stream_id++;
    stream->created_ms = now_ms;
    stream->retention_hours = MR_KINESIS_MIN_RETENTION_HOURS;
    undo->stream = stream;
    undo->created = true;
    for (uint32_t i = 0; i < change->shard_count; i++) {
        mr_hash_key start, end;
        mr_hash_key_range(i, change->shard_count, &start, &end);
        child_of(store, stream, start, end, now_ms / 1000 - 2, now_ms);
    }
    HASH_ADD_KEYPTR(hh, store->streams, stream->name, stream->name_size, stream);
    return 0;
}

static int delete (struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    (void)job;
    HASH_DEL(store->streams, undo->stream);
    undo->deleted = true;
    return 0;
}

static struct mr_shard *
open_shard(struct undo *undo, uint32_t index, struct mr_error *err)
{
    if (index >= undo->stream->shard_count) {
        mr_fail(err, -ENOENT, "shard %u does not exist", index);
        return NULL;
    }
    if (undo->stream->shards[index]->closed_ms != 0) {
        mr_fail(err, -EALREADY, "shard %u is closed", index);
        return NULL;
    }
    return undo->stream->shards[index];
}

static int
split_one(struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    struct mr_shard *shard = open_shard(undo, job->change.shard, &job->err);
    if (shard == NULL) {
        return job->err.code;
    }
    mr_hash_key key = job->change.new_start_key;
    if (key <= shard->start_key || key - shard->start_key < 2 || key >= shard->end_key) {
        return mr_fail(&job->err, -EINVAL,
                       "the new starting key must be above start + 1 and below the end");
    }
    split(store, undo, shard, key, mr_clock_wall_ms(store->clock));
    return 0;
}

static int
merge_two(struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    struct mr_shard *left = open_shard(undo, job->change.shard, &job->err);
    struct mr_shard *right =
        left == NULL ? NULL : open_shard(undo, job->change.adjacent, &job->err);
    if (right == NULL) {
        return job->err.code;
    }
    if (left->end_key == MR_HASH_KEY_MAX || left->end_key + 1 != right->start_key) {
        return mr_fail(&job->err, -EINVAL, "the shards are not neighbours in that order");
    }
    merge(store, undo, left, right, mr_clock_wall_ms(store->clock));
    return 0;
}

/* Split every open shard in the middle. */
static int
double_shards(struct mr_store *store, struct mr_change_job *job, struct undo *undo,
              uint64_t now_ms)
{
    struct mr_stream *stream = undo->stream;
    uint32_t count = stream->open_count;

    if ((uint64_t)stream->shard_count + 2 * (uint64_t)count > MR_STORE_MAX_SHARDS) {
        return mr_fail(&job->err, -EINVAL, "a stream may have had %d shards at most",
                       MR_STORE_MAX_SHARDS);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct mr_shard *shard = stream->open[i];
        mr_hash_key half = (shard->end_key - shard->start_key) / 2 + 1;
        if (shard->end_key - shard->start_key < 3) {
            return mr_fail(&job->err, -EINVAL, "shard %u is too narrow to split", shard->index);
        }
        split(store, undo, shard, shard->start_key + half, now_ms);
    }
    mr_stream_rebuild_open(stream);
    return 0;
}

/* Merge 0 with 1, 2 with 3 and so on, until `target` are left or the round is over. */
static void
halve_shards(struct mr_store *store, struct undo *undo, uint32_t target, uint64_t now_ms)
{
    struct mr_stream *stream = undo->stream;
    uint32_t count = stream->open_count, left = count;

    for (uint32_t i = 0; i + 1 < count && left > target; i += 2, left--) {
        merge(store, undo, stream->open[i], stream->open[i + 1], now_ms);
    }
    mr_stream_rebuild_open(stream);
}

static int
rescale(struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    uint32_t target = job->change.shard_count;
    uint64_t now_ms = mr_clock_wall_ms(store->clock);

    if (target == 0 || target > MR_STORE_MAX_SHARDS) {
        return mr_fail(&job->err, -EINVAL, "a stream has 1 to %d shards", MR_STORE_MAX_SHARDS);
    }
    while (undo->stream->open_count < target) {
        int code = double_shards(store, job, undo, now_ms);
        if (code < 0) {
            return code;
        }
    }
    while (undo->stream->open_count > target) {
        halve_shards(store, undo, target, now_ms);
    }
    return 0;
}

static int
settings(struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    (void)store;
    (void)job;
    (void)undo;
    return 0;
}

typedef int(kind_fn)(struct mr_store *, struct mr_change_job *, struct undo *);

static kind_fn *const kinds[] = {
    [MR_CHANGE_CREATE] = create,   [MR_CHANGE_DELETE] = delete,
    [MR_CHANGE_SPLIT] = split_one, [MR_CHANGE_MERGE] = merge_two,
    [MR_CHANGE_RESCALE] = rescale, [MR_CHANGE_SETTINGS] = settings,
};

/* ------------------------------------------------------------------ apply, write, take back */

static void
replace_metadata(struct undo *undo, struct mr_buf *where, struct mr_slice text)
{
    undo->metadata = mr_buf_take(where);
    undo->replaced = true;
    mr_buf_append_slice(where, text);
}

static void
apply_settings(struct mr_change_job *job, struct undo *undo)
{
    const struct mr_change *change = &job->change;
    struct mr_stream *stream = undo->stream;

    if (change->retention_hours != 0) {
        stream->retention_hours = change->retention_hours;
    }
    if (change->settings != NULL) {
        memcpy(stream->settings, job->settings, sizeof(stream->settings));
    }
    if (change->metadata.data != NULL) {
        replace_metadata(undo, &stream->metadata, change->metadata);
    }
    stream->version++;
    mr_stream_rebuild_open(stream);
}

/* Lock held. */
static int
apply(struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    const struct mr_change *change = &job->change;

    undo->next_uid = store->next_uid;
    if (change->metadata.size > MR_STORE_MAX_METADATA) {
        return mr_fail(&job->err, -EINVAL, "the metadata is larger than %d bytes",
                       MR_STORE_MAX_METADATA);
    }
    if (change->kind == MR_CHANGE_ACCOUNT) {
        replace_metadata(undo, &store->account, change->metadata);
        return 0;
    }
    if (change->kind != MR_CHANGE_CREATE) {
        struct mr_stream *stream = undo->stream = mr_store_find_stream(store, change->stream);
        if (stream == NULL) {
            return mr_fail(&job->err, -ENOENT, "stream %.*s does not exist",
                           MR_SLICE_ARGS(change->stream));
        }
        if (change->if_version != 0 && change->if_version != stream->version) {
            return mr_fail(&job->err, -ESTALE, "stream %.*s has changed meanwhile",
                           MR_SLICE_ARGS(change->stream));
        }
        undo->shard_count = stream->shard_count;
        undo->version = stream->version;
        undo->retention_hours = stream->retention_hours;
        memcpy(undo->settings, stream->settings, sizeof(undo->settings));
    }
    int code = kinds[change->kind](store, job, undo);
    if (code == 0 && !undo->deleted) {
        apply_settings(job, undo);
    }
    return code;
}

/* Lock held. Nothing of a change that did not reach the disk stays. */
static void
take_back(struct mr_store *store, struct mr_change_job *job, struct undo *undo)
{
    struct mr_stream *stream = undo->stream;

    if (job->change.kind == MR_CHANGE_ACCOUNT) {
        if (undo->replaced) {
            mr_buf_deinit(&store->account);
            store->account = mr_buf_take(&undo->metadata);
        }
        return;
    }
    if (stream == NULL) {
        return;
    }
    if (undo->deleted) {
        HASH_ADD_KEYPTR(hh, store->streams, stream->name, stream->name_size, stream);
        return;
    }
    if (undo->created) {
        HASH_DEL(store->streams, stream);
        mr_stream_free(store, stream);
        return;
    }
    for (size_t i = 0; i < undo->closed_count; i++) {
        undo->closed[i]->closed_ms = 0;
    }
    while (stream->shard_count > undo->shard_count) {
        struct mr_shard *shard = stream->shards[--stream->shard_count];
        HASH_DEL(store->shards, shard);
        free(shard);
    }
    stream->version = undo->version;
    stream->retention_hours = undo->retention_hours;
    memcpy(stream->settings, undo->settings, sizeof(stream->settings));
    if (undo->replaced) {
        mr_buf_deinit(&stream->metadata);
        stream->metadata = mr_buf_take(&undo->metadata);
    }
    mr_stream_rebuild_open(stream);
}

/* Lock held: who waits at what is no more learns so. */
static void
settle(struct mr_store *store, struct undo *undo, struct mr_list *fired)
{
    for (size_t i = 0; i < undo->closed_count; i++) {
        if (undo->closed[i]->pending == 0) {
            mr_waiters_collect(undo->closed[i], true, fired);
        }
    }
    if (undo->deleted) {
        for (uint32_t i = 0; i < undo->stream->shard_count; i++) {
            mr_waiters_collect(undo->stream->shards[i], true, fired);
        }
        mr_stream_free(store, undo->stream);
    }
}

static void
finish_change(void *context)
{
    struct mr_change_job *job = context;

    if (job->done != NULL) {
        job->done(job->err.code == 0 ? NULL : &job->err, job->context);
    }
    mr_buf_deinit(&job->text);
    free(job);
}

void
mr_change_run(struct mr_store *store, struct mr_change_job *job)
{
    struct undo undo = { 0 };
    struct mr_list fired;

    mr_list_init(&fired);
    if (job->trim) {
        mr_trim_run(store);
        finish_change(job);
        return;
    }
    /* Under the lock to the end: nobody sees a change that may have to be taken back. */
    pthread_mutex_lock(&store->lock);
    int code = apply(store, job, &undo);
    if (code == 0) {
        code = mr_state_write(store, &job->err);
    }
    if (code < 0) {
        take_back(store, job, &undo);
    } else {
        settle(store, &undo, &fired);
    }
    pthread_mutex_unlock(&store->lock);
    free(undo.closed);
    mr_buf_deinit(&undo.metadata);
    mr_waiters_post(store, &fired);
    mr_store_post(store, job->loop, finish_change, job);
}

static void
queue_job(struct mr_store *store, struct mr_change_job *job)
{
    pthread_mutex_lock(&store->lock);
    mr_list_push_back(&store->jobs, &job->node);
    pthread_cond_signal(&store->committer_wakes);
    pthread_mutex_unlock(&store->lock);
}

void
mr_store_change(struct mr_store *store, const struct mr_change *change, void *loop,
                mr_changed_fn *done, void *context)
{
    struct mr_change_job *job = mr_alloc_zero(1, sizeof(*job));

    *job = (struct mr_change_job){
        .change = *change, .loop = loop, .done = done, .context = context
    };
    mr_list_init(&job->node);
    mr_buf_append_slice(&job->text, change->stream);
    mr_buf_append_slice(&job->text, change->metadata);
    mr_buf_append_byte(&job->text, 0);
    job->change.stream = mr_slice_of(job->text.data, change->stream.size);
    if (change->metadata.data != NULL) {
        job->change.metadata =
            mr_slice_of(job->text.data + change->stream.size, change->metadata.size);
    }
    if (change->settings != NULL) {
        memcpy(job->settings, change->settings, sizeof(job->settings));
        job->change.settings = job->settings;
    }
    queue_job(store, job);
}

void
mr_store_trim(struct mr_store *store)
{
    struct mr_change_job *job = mr_alloc_zero(1, sizeof(*job));

    job->trim = true;
    mr_list_init(&job->node);
    queue_job(store, job);
}

/* ------------------------------------------------------------------ retention */

/* Lock held. */
static bool
may_go(struct mr_store *store, const struct mr_segment *segment)
{
    if (!segment->sealed || segment == store->writing || segment->refs > 1) {
        return false;
    }
    for (size_t i = 0; i < segment->tail_count; i++) {
        const struct mr_tail *tail = &segment->tails[i];
        struct mr_shard *shard = mr_store_find_shard(store, tail->uid);
        if (shard != NULL && tail->last_arrival_ms >= mr_shard_horizon_ms(store, shard)) {
            return false;
        }
    }
    return true;
}

/* Lock held. */
static void
forget_entries(struct mr_store *store, const struct mr_segment *segment)
{
    for (size_t i = 0; i < segment->tail_count; i++) {
        struct mr_shard *shard = mr_store_find_shard(store, segment->tails[i].uid);
        uint32_t kept = 0;
        for (uint32_t at = 0; shard != NULL && at < shard->entry_count; at++) {
            if (shard->entries[at].segment != segment->number) {
                shard->entries[kept++] = shard->entries[at];
            }
        }
        if (shard != NULL) {
            shard->entry_count = kept;
        }
    }
}

/* Lock held. */
static void
note_removed(struct mr_store *store, uint32_t number)
{
    store->removed =
        mr_realloc(store->removed, (store->removed_count + 1) * sizeof(*store->removed));
    store->removed[store->removed_count++] = number;
}

/* Lock held: the numbers that follow each other from the lowest on need only one. */
static void
compact_removed(struct mr_store *store)
{
    if (store->removed_below == 0) {
        store->removed_below = 1;
    }
    for (size_t i = 0; i < store->removed_count;) {
        if (store->removed[i] <= store->removed_below) {
            store->removed_below += store->removed[i] == store->removed_below;
            store->removed[i] = store->removed[--store->removed_count];
            i = 0; /* the next number may have come before */
        } else {
            i++;
        }
    }
}

static void
remove_files(struct mr_store *store, uint32_t number)
{
    const struct mr_file_ops *files = store->files;
    char name[MR_SEGMENT_NAME];

    mr_index_name(number, name);
    (void)files->remove(files->self, store->dir_fd, name);
    mr_segment_name(number, name);
    int code = files->remove(files->self, store->dir_fd, name);
    if (code < 0 && code != -ENOENT) {
        mr_log(MR_LOG_WARN, "stream", "remove %s: %s", name, strerror(-code));
    }
}

/*
 * First the state says that the segments are gone and up to which index their
 * shards had counted, then the files go: a restart in between finds nothing
 * missing and no index used twice.
 */
void
mr_trim_run(struct mr_store *store)
{
    struct mr_error err = { 0 };
    struct mr_list gone;

    mr_list_init(&gone);
    pthread_mutex_lock(&store->lock);
    size_t removed_before = store->removed_count;
    MR_LIST_EACH(node, &store->segments)
    {
        struct mr_segment *segment = MR_CONTAINER_OF(node, struct mr_segment, node);
        if (may_go(store, segment)) {
            note_removed(store, segment->number);
            segment->removed = true;
        }
    }
    bool any = store->removed_count > removed_before;
    int code = any ? mr_state_write(store, &err) : 0;
    MR_LIST_EACH(node, &store->segments)
    {
        struct mr_segment *segment = MR_CONTAINER_OF(node, struct mr_segment, node);
        if (segment->removed && code == 0) {
            mr_list_remove(node);
            mr_list_push_back(&gone, node);
            forget_entries(store, segment);
        }
        segment->removed = false;
    }
    store->removed_count = code < 0 ? removed_before : store->removed_count;
    if (code == 0) {
        compact_removed(store);
    }
    pthread_mutex_unlock(&store->lock);
    if (code < 0) {
        mr_log(MR_LOG_WARN, "stream", "retention waits: %s", err.text);
    }
    while (!mr_list_empty(&gone)) {
        struct mr_segment *segment = MR_CONTAINER_OF(gone.next, struct mr_segment, node);
        mr_list_remove(&segment->node);
        remove_files(store, segment->number);
        pthread_mutex_lock(&store->lock);
        mr_segment_unref(segment);
        pthread_mutex_unlock(&store->lock);
    }
}
