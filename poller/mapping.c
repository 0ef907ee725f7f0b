#include "poller/mapping.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "poller/beginning.h"
#include "poller/mapping_inside.h"
#include "poller/shard_reader.h"

enum {
    LIST_AGAIN_MS = 500, /* after a failure, or while children are missing; doubles */
    LIST_AGAIN_MAX_MS = 10000,
    REOPEN_AFTER = 5, /* listings in a row that found no stream */
};

/* ---- what is told ---- */

void
mr_mapping_tell(const struct mr_mapping *mapping, struct mr_mapping_event *event)
{
    const struct mr_poller_options *options = &mapping->poller->options;
    const struct mr_mapping_settings *settings = mr_mapping_settings_of(mapping);
    if (options->event == NULL) {
        return;
    }
    event->mapping_uuid = settings->uuid;
    event->source_arn = settings->source_arn;
    event->function_arn = settings->function_arn;
    event->time_ms = mr_poller_now_ms(mapping->poller);
    options->event(event, options->event_context);
}

void
mr_mapping_trouble(struct mr_mapping *mapping, struct mr_slice sentence)
{
    struct mr_mapping_event event = { .kind = MR_EVENT_TROUBLE };
    bool is_over = mapping->troubled == 0 && mapping->list_failures == 0;
    if (sentence.size == 0 && !is_over) {
        return; /* another shard has its own */
    }
    if (mr_slice_eq(mr_buf_slice(&mapping->trouble), sentence)) {
        return;
    }
    mr_buf_clear(&mapping->trouble);
    mr_buf_append_slice(&mapping->trouble, sentence);
    event.detail = sentence;
    mr_mapping_tell(mapping, &event);
}

void
mr_mapping_remember(struct mr_mapping *mapping, struct mr_slice shard_id, struct mr_slice place,
                    bool finished)
{
    struct mr_checkpoints *checkpoints = mapping->poller->options.checkpoints;
    struct mr_checkpoint checkpoint = { .shard_id = shard_id, .finished = finished };
    if (place.size > 0) {
        checkpoint.sequence_number = place;
    }
    if (checkpoints != NULL && !mapping->is_forgotten) {
        mr_checkpoints_put(checkpoints, mr_mapping_settings_of(mapping)->uuid,
                           mapping->stream_created_ms, &checkpoint);
    }
}

/* ---- listing the shards ---- */

static void on_shards(const struct mr_source_shards *result, void *context);

static void
list_later(struct mr_mapping *mapping, unsigned times)
{
    uint64_t wait_ms = LIST_AGAIN_MS;
    for (unsigned i = 1; i < times && wait_ms < LIST_AGAIN_MAX_MS; i++) {
        wait_ms *= 2;
    }
    mr_timer_start(&mapping->list_timer,
                   wait_ms < LIST_AGAIN_MAX_MS ? wait_ms : LIST_AGAIN_MAX_MS);
}

static bool
open_source(struct mr_mapping *mapping)
{
    const struct mr_poller_options *options = &mapping->poller->options;
    struct mr_error err = { 0 };
    if (mapping->source == NULL) {
        mapping->source = options->open_source(mr_mapping_settings_of(mapping)->source_arn,
                                               options->open_context, &err);
    }
    if (mapping->source == NULL) {
        mr_mapping_trouble(mapping, mr_slice_str(err.text));
    }
    return mapping->source != NULL;
}

static void
list(struct mr_mapping *mapping)
{
    if (mapping->life != MR_MAPPING_RUNNING || mapping->listing != NULL) {
        return;
    }
    mr_timer_stop(&mapping->list_timer);
    if (!open_source(mapping)) {
        list_later(mapping, ++mapping->list_failures);
        return;
    }
    mapping->listing = mapping->source->ops->list_shards(mapping->source, on_shards, mapping);
}

static void
on_list_timer(void *context)
{
    list(context);
}

static void
close_source(struct mr_mapping *mapping)
{
    struct mr_source *source = MR_TAKE(mapping->source);
    if (source != NULL) {
        source->ops->free(source);
    }
}

static void
reopen_source(struct mr_mapping *mapping)
{
    for (size_t i = 0; i < mapping->topology.count; i++) {
        mr_shard_reader_lose(mapping->topology.shards[i]);
    }
    close_source(mapping);
}

static void
list_failed(struct mr_mapping *mapping, const struct mr_source_shards *result)
{
    mapping->list_failures++;
    if (result->fault != MR_SOURCE_THROTTLED) {
        const char *why =
            result->error == NULL ? "the stream cannot be listed" : result->error->text;
        mr_mapping_trouble(mapping, mr_slice_str(why));
    }
    if (result->fault == MR_SOURCE_GONE && mapping->list_failures % REOPEN_AFTER == 0) {
        reopen_source(mapping);
    }
    list_later(mapping, mapping->list_failures);
}

/* ---- the shards there are ---- */

static void
adopt(struct mr_mapping *mapping, const struct mr_source_shard *shard,
      const struct mr_beginnings *beginnings)
{
    struct mr_shard_reader *reader = mr_topology_find(&mapping->topology, shard->id);
    struct mr_slice parents[] = { shard->parent, shard->adjacent_parent };
    bool is_new = reader == NULL;
    if (is_new) {
        reader = mr_shard_reader_new(mapping, shard);
        mr_topology_add(&mapping->topology, reader);
    }
    reader->is_open = shard->is_open;
    reader->is_listed = true;
    if (is_new) {
        mr_beginnings_apply(mapping, reader, beginnings);
    }
    for (size_t i = 0; i < MR_SHARD_PARENTS; i++) {
        struct mr_shard_reader *parent =
            parents[i].size == 0 ? NULL : mr_topology_find(&mapping->topology, parents[i]);
        if (parent != NULL) {
            parent->has_child = true;
        }
    }
}

static bool
is_past(const struct mr_shard_reader *reader)
{
    return !reader->is_listed && reader->state != MR_SHARD_READING;
}

/* What the listing says of those we knew: still there, or trimmed away. */
static void
sort_out(struct mr_mapping *mapping)
{
    for (size_t i = 0; i < mapping->topology.count; i++) {
        struct mr_shard_reader *reader = mapping->topology.shards[i];
        if (reader->is_listed) {
            mr_shard_reader_found(reader);
        } else if (reader->is_lost) {
            mr_shard_reader_end(reader);
        }
    }
    mr_topology_drop(&mapping->topology, is_past);
}

/* Start whoever may be read. */
static void
advance(struct mr_mapping *mapping)
{
    for (size_t i = 0; i < mapping->topology.count; i++) {
        struct mr_shard_reader *reader = mapping->topology.shards[i];
        if (reader->state == MR_SHARD_WAITING &&
            mr_topology_is_ready(&mapping->topology, reader)) {
            mr_shard_reader_start(reader);
        }
    }
}

/* A shard that has ended has children; a listing may be older than they are. */
static bool
lacks_children(const struct mr_mapping *mapping)
{
    for (size_t i = 0; i < mapping->topology.count; i++) {
        const struct mr_shard_reader *reader = mapping->topology.shards[i];
        if (reader->state == MR_SHARD_FINISHED && reader->is_listed && !reader->has_child) {
            return true;
        }
    }
    return false;
}

static void
forget_shards(struct mr_mapping *mapping)
{
    for (size_t i = 0; i < mapping->topology.count; i++) {
        mr_shard_reader_stop(mapping->topology.shards[i]);
        mr_shard_reader_forget(mapping->topology.shards[i]);
    }
}

/* Another stream of the same name: what we knew is of no use. */
static void
begin_incarnation(struct mr_mapping *mapping, uint64_t created_ms)
{
    if (mapping->stream_created_ms == created_ms) {
        return;
    }
    mapping->has_begun = mapping->has_begun || mapping->stream_created_ms != 0;
    mapping->stream_created_ms = created_ms;
    forget_shards(mapping);
    mr_topology_clear(&mapping->topology);
}

/* False: not now. */
static bool
take_stock(struct mr_mapping *mapping, const struct mr_source_shards *result)
{
    struct mr_beginnings beginnings = { 0 };
    begin_incarnation(mapping, result->stream_created_ms);
    if (mapping->topology.count == 0 && !mr_beginnings_load(mapping, &beginnings)) {
        mr_arena_deinit(&beginnings.arena);
        return false;
    }
    for (size_t i = 0; i < mapping->topology.count; i++) {
        mapping->topology.shards[i]->is_listed = false;
    }
    for (size_t i = 0; i < result->count; i++) {
        adopt(mapping, &result->shards[i], &beginnings);
    }
    mr_arena_deinit(&beginnings.arena);
    mapping->has_begun = true;
    mr_seeks_apply(mapping);
    return true;
}

static void
on_shards(const struct mr_source_shards *result, void *context)
{
    struct mr_mapping *mapping = context;
    mapping->listing = NULL;
    if (result->fault != MR_SOURCE_OK) {
        list_failed(mapping, result);
        return;
    }
    mapping->list_failures = 0;
    mr_mapping_trouble(mapping, (struct mr_slice){ NULL, 0 });
    if (!take_stock(mapping, result)) {
        list_later(mapping, ++mapping->list_failures);
        return;
    }
    mapping->is_listed = true;
    sort_out(mapping);
    advance(mapping);
    if (!lacks_children(mapping)) {
        mapping->childless = 0;
    } else {
        list_later(mapping, ++mapping->childless);
    }
}

/* ---- what readers report ---- */

void
mr_mapping_placed(struct mr_mapping *mapping)
{
    struct mr_checkpoints *checkpoints = mapping->poller->options.checkpoints;
    struct mr_error err = { 0 };
    mapping->unplaced--;
    if (mapping->unplaced > 0 || !mapping->must_flush || checkpoints == NULL) {
        return;
    }
    if (mr_checkpoints_flush(checkpoints, &err) < 0) {
        mr_mapping_trouble(mapping, mr_slice_str(err.text));
    }
    mapping->must_flush = false;
}

void
mr_mapping_shard_finished(struct mr_mapping *mapping, struct mr_shard_reader *reader)
{
    advance(mapping);
    if (!reader->has_child && reader->is_listed) {
        list(mapping);
    }
}

void
mr_mapping_shard_lost(struct mr_mapping *mapping)
{
    if (!mr_timer_started(&mapping->list_timer)) {
        list(mapping);
    }
}

/* ---- start and stop ---- */

void
mr_mapping_start(struct mr_mapping *mapping)
{
    if (mapping->life == MR_MAPPING_RUNNING) {
        return;
    }
    mapping->start_again = mapping->life == MR_MAPPING_STOPPING;
    if (mapping->life == MR_MAPPING_STOPPED) {
        mapping->life = MR_MAPPING_RUNNING;
        mapping->list_failures = mapping->childless = 0;
        list(mapping);
    }
}

static void
end_stop(struct mr_mapping *mapping)
{
    struct mr_mapping_waiter *waiters = MR_TAKE(mapping->waiters);
    size_t count = mapping->waiter_count;
    mapping->waiter_count = 0;
    if (mapping->life == MR_MAPPING_STOPPING) {
        forget_shards(mapping);
        close_source(mapping);
        mapping->life = MR_MAPPING_STOPPED;
    }
    if (mapping->start_again) {
        mapping->start_again = false;
        mr_mapping_start(mapping);
    }
    for (size_t i = 0; i < count; i++) {
        waiters[i].done(waiters[i].context);
    }
    free(waiters);
}

static void
on_stop_timer(void *context)
{
    struct mr_mapping *mapping = context;
    if (mapping->life != MR_MAPPING_STOPPING || mapping->in_flight == 0) {
        end_stop(mapping);
    }
}

void
mr_mapping_landed(struct mr_mapping *mapping)
{
    mapping->in_flight--;
    if (mapping->life == MR_MAPPING_STOPPING && mapping->in_flight == 0) {
        mr_timer_start(&mapping->stop_timer, 0);
    }
}

static void
stop_reading(struct mr_mapping *mapping)
{
    mapping->life = MR_MAPPING_STOPPING;
    mapping->is_listed = false;
    mr_timer_stop(&mapping->list_timer);
    if (mapping->listing != NULL) {
        mapping->source->ops->cancel(mapping->source, MR_TAKE(mapping->listing));
    }
    for (size_t i = 0; i < mapping->topology.count; i++) {
        mr_shard_reader_stop(mapping->topology.shards[i]);
    }
}

void
mr_mapping_stop(struct mr_mapping *mapping, mr_loop_fn *done, void *context)
{
    mapping->start_again = false;
    if (done != NULL) {
        mapping->waiters = mr_realloc(mapping->waiters, (mapping->waiter_count + 1) *
                                                            sizeof(mapping->waiters[0]));
        mapping->waiters[mapping->waiter_count++] = (struct mr_mapping_waiter){ done, context };
    }
    if (mapping->life == MR_MAPPING_RUNNING) {
        stop_reading(mapping);
    }
    if (mapping->in_flight == 0) {
        mr_timer_start(&mapping->stop_timer, 0);
    }
}

/* ---- settings ---- */

int
mr_mapping_update(struct mr_mapping *mapping, const struct mr_mapping_settings *settings,
                  struct mr_error *err)
{
    struct mr_mapping_settings merged = *settings;
    const struct mr_mapping_settings *old = mr_mapping_settings_of(mapping);
    merged.uuid = old->uuid;
    merged.source_arn = old->source_arn;
    merged.starting_position = old->starting_position;
    merged.starting_timestamp_ms = old->starting_timestamp_ms;
    struct mr_kept_settings *kept = mr_kept_settings_new(&merged, err);
    if (kept == NULL) {
        return -EINVAL;
    }
    mr_kept_settings_free(mapping->kept);
    mapping->kept = kept;
    for (size_t i = 0; i < mapping->topology.count; i++) {
        mr_shard_reader_update(mapping->topology.shards[i]);
    }
    return 0;
}

/* ---- life ---- */

struct mr_mapping *
mr_mapping_new(struct mr_poller *poller, const struct mr_mapping_settings *settings,
               struct mr_error *err)
{
    struct mr_kept_settings *kept = mr_kept_settings_new(settings, err);
    if (kept == NULL) {
        return NULL;
    }
    struct mr_mapping *mapping = mr_alloc_zero(1, sizeof(*mapping));
    struct mr_loop *loop = poller->options.loop;
    mapping->poller = poller;
    mapping->kept = kept;
    mr_list_init(&mapping->throttled);
    mr_timer_init(&mapping->list_timer, loop, MR_TIME_INJECTED, on_list_timer, mapping);
    mr_timer_init(&mapping->stop_timer, loop, MR_TIME_INJECTED, on_stop_timer, mapping);
    mr_seeks_load(mapping);
    return mapping;
}

void
mr_mapping_free(struct mr_mapping *mapping)
{
    if (mapping == NULL) {
        return;
    }
    if (mapping->life == MR_MAPPING_RUNNING) {
        stop_reading(mapping);
    }
    mr_timer_stop(&mapping->stop_timer);
    mr_topology_clear(&mapping->topology);
    close_source(mapping);
    mr_seeks_clear(mapping);
    free(mapping->waiters);
    mr_buf_deinit(&mapping->trouble);
    mr_kept_settings_free(mapping->kept);
    free(mapping);
}

void
mr_mapping_forget(struct mr_mapping *mapping)
{
    struct mr_checkpoints *checkpoints = mapping->poller->options.checkpoints;
    mapping->is_forgotten = true;
    if (mapping->life == MR_MAPPING_RUNNING) {
        stop_reading(mapping);
    }
    if (checkpoints != NULL) {
        mr_checkpoints_forget(checkpoints, mr_mapping_settings_of(mapping)->uuid);
    }
}
