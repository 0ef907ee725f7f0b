#include "poller/shard_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/limits.h"
#include "poller/filter.h"
#include "poller/place.h"

enum {
    SPACING_MS = 200,      /* AWS: five reads a second and shard */
    POLLED_RECORDS = 1000, /* read ahead where a source cannot wait, at least */
    WAIT_MS = 20000,       /* how long a source that can may hold an answer back */
    TOO_SOON_MS = 500,     /* an empty answer before that was no wait */
    TROUBLE_MS = 500,      /* first wait after a failure; doubles */
    TROUBLE_MAX_MS = 10000,
    THROTTLED_MS = 200,
    THROTTLED_MAX_MS = 10000,
    PINNED_SHARE = 4, /* of the poller's bytes: what one shard may hold at most */
};

static enum mr_shard_step place(struct mr_shard_reader *reader);
static enum mr_shard_step fetch(struct mr_shard_reader *reader);
static enum mr_shard_step take(struct mr_shard_reader *reader);
static enum mr_shard_step rest(struct mr_shard_reader *reader);
static enum mr_shard_step end(struct mr_shard_reader *reader);

/*
 * A step either names the next one, or starts one asynchronous thing, or waits for a lane to
 * make room, and returns PENDING. Read down this table and you have read the life of a shard.
 */
static enum mr_shard_step (*const steps[])(struct mr_shard_reader *) = {
    [MR_SHARD_PLACE] = place, /* take an iterator */
    [MR_SHARD_FETCH] = fetch, /* ask for records, when there is room */
    [MR_SHARD_TAKE] = take,   /* filter them, into the lanes */
    [MR_SHARD_REST] = rest,   /* until the next poll, or after a failure */
    [MR_SHARD_END] = end,     /* nothing more comes */
};

static void
run(struct mr_shard_reader *reader, enum mr_shard_step next)
{
    do {
        reader->step = next;
        next = steps[next](reader);
    } while (next != MR_SHARD_PENDING);
}

static struct mr_poller *
poller_of(const struct mr_shard_reader *reader)
{
    return reader->mapping->poller;
}

static const struct mr_mapping_settings *
settings_of(const struct mr_shard_reader *reader)
{
    return mr_mapping_settings_of(reader->mapping);
}

static bool
is_running(const struct mr_shard_reader *reader)
{
    return reader->mapping->life == MR_MAPPING_RUNNING && reader->state == MR_SHARD_READING;
}

static void
tell(const struct mr_shard_reader *reader, enum mr_mapping_event_kind kind, uint64_t count)
{
    struct mr_mapping_event event = { .kind = kind, .shard_id = reader->id, .count = count };
    if (kind == MR_EVENT_CHECKPOINT) {
        event.last_sequence_number = mr_buf_slice(&reader->checkpoint);
    }
    mr_mapping_tell(reader->mapping, &event);
}

static void
set_text(struct mr_buf *buf, struct mr_slice text)
{
    mr_buf_clear(buf);
    mr_buf_append_slice(buf, text);
}

/* ---- failures ---- */

static uint64_t
backoff_ms(const struct mr_shard_reader *reader, uint64_t first_ms, uint64_t most_ms)
{
    uint64_t wait_ms = first_ms;
    for (unsigned i = 1; i < reader->failures && wait_ms < most_ms; i++) {
        wait_ms *= 2;
    }
    return wait_ms < most_ms ? wait_ms : most_ms;
}

static enum mr_shard_step
rest_after(struct mr_shard_reader *reader, uint64_t first_ms, uint64_t most_ms)
{
    reader->rest_ms = backoff_ms(reader, first_ms, most_ms);
    return MR_SHARD_REST;
}

static void
complain(struct mr_shard_reader *reader, const struct mr_error *err)
{
    if (!reader->is_troubled) {
        reader->is_troubled = true;
        reader->mapping->troubled++;
    }
    mr_mapping_trouble(reader->mapping, mr_slice_str(err == NULL ? "no reason" : err->text));
}

static void
calm_down(struct mr_shard_reader *reader)
{
    if (reader->is_troubled) {
        reader->is_troubled = false;
        reader->mapping->troubled--;
        mr_mapping_trouble(reader->mapping, (struct mr_slice){ NULL, 0 });
    }
}

/* Nothing here ends the mapping: it waits and tries again, for as long as it runs. */
static enum mr_shard_step
fail(struct mr_shard_reader *reader, enum mr_source_fault fault, const struct mr_error *err)
{
    reader->failures++;
    reader->at_tip = false;
    switch (fault) {
    case MR_SOURCE_EXPIRED:
        mr_buf_clear(&reader->iterator);
        return reader->failures == 1 ? MR_SHARD_PLACE
                                     : rest_after(reader, TROUBLE_MS, TROUBLE_MAX_MS);
    case MR_SOURCE_THROTTLED:
        return rest_after(reader, THROTTLED_MS, THROTTLED_MAX_MS);
    case MR_SOURCE_GONE:
        mr_buf_clear(&reader->iterator);
        reader->is_lost = true;
        reader->step = MR_SHARD_REST;
        mr_mapping_shard_lost(reader->mapping);
        return MR_SHARD_PENDING;
    default:
        complain(reader, err);
        return rest_after(reader, TROUBLE_MS, TROUBLE_MAX_MS);
    }
}

static void
succeed(struct mr_shard_reader *reader)
{
    reader->failures = 0;
    calm_down(reader);
}

/* ---- place ---- */

static struct mr_source_place
next_place(const struct mr_shard_reader *reader)
{
    struct mr_source_place where = { .shard_id = reader->id,
                                     .position = reader->from,
                                     .timestamp_ms = reader->from_ms };
    if (reader->read_to.size > 0) {
        where.position = MR_POSITION_AFTER;
        where.sequence_number = mr_buf_slice(&reader->read_to);
    }
    return where;
}

/*
 * LATEST is a boundary in time: once taken it must be found again, by whoever comes after us
 * with no record to stand on.
 */
static void
pin_latest(struct mr_shard_reader *reader)
{
    struct mr_source_place where = { .position = MR_POSITION_TIMESTAMP,
                                     .timestamp_ms = reader->asked_ms };
    reader->from = where.position;
    reader->from_ms = where.timestamp_ms;
    mr_buf_clear(&reader->checkpoint);
    mr_place_write(&reader->checkpoint, &where);
    mr_mapping_remember(reader->mapping, reader->id, mr_buf_slice(&reader->checkpoint), false);
}

static void
begin_reading(struct mr_shard_reader *reader)
{
    if (reader->from == MR_POSITION_LATEST && reader->read_to.size == 0) {
        pin_latest(reader);
    }
    if (!reader->has_begun) {
        reader->has_begun = true;
        tell(reader, MR_EVENT_SHARD_BEGIN, 0);
    }
    if (reader->is_unplaced) {
        reader->is_unplaced = false;
        mr_mapping_placed(reader->mapping);
    }
}

static void
on_iterator(const struct mr_source_iterator *result, void *context)
{
    struct mr_shard_reader *reader = context;
    reader->call = NULL;
    if (result->fault != MR_SOURCE_OK) {
        enum mr_shard_step next = fail(reader, result->fault, result->error);
        if (next != MR_SHARD_PENDING) {
            run(reader, next);
        }
        return;
    }
    calm_down(reader); /* but only records end a row of failures */
    set_text(&reader->iterator, result->iterator);
    begin_reading(reader);
    run(reader, MR_SHARD_FETCH);
}

static enum mr_shard_step
place(struct mr_shard_reader *reader)
{
    struct mr_source *source = reader->mapping->source;
    struct mr_source_place where = next_place(reader);
    if (reader->iterator.size > 0) {
        begin_reading(reader);
        return MR_SHARD_FETCH;
    }
    reader->asked_ms = mr_poller_now_ms(poller_of(reader));
    reader->call = source->ops->get_iterator(source, &where, on_iterator, reader);
    return MR_SHARD_PENDING;
}

/* ---- fetch ---- */

static bool
can_wait(const struct mr_shard_reader *reader)
{
    return reader->mapping->source->waits && !poller_of(reader)->options.aws_cadence;
}

/* Where reads are few and far between, each must bring more than small batches ask for. */
static size_t
capacity_of(const struct mr_shard_reader *reader)
{
    const struct mr_mapping_settings *settings = settings_of(reader);
    size_t capacity = (size_t)2 * settings->parallelization * settings->batch_size;
    return capacity < POLLED_RECORDS && !can_wait(reader) ? POLLED_RECORDS : capacity;
}

/* How many records may be asked for; 0: none now. */
static size_t
room_of(struct mr_shard_reader *reader)
{
    size_t capacity = capacity_of(reader), unfinished = mr_lane_set_size(&reader->lanes);
    struct mr_poller *poller = poller_of(reader);
    size_t held = reader->pages.bytes; /* who holds nothing may always read */
    if (reader->lanes.repartitions || unfinished + settings_of(reader)->batch_size > capacity ||
        (held > 0 && held >= poller->options.max_buffered_bytes / PINNED_SHARE)) {
        return 0; /* settle comes by */
    }
    if (held > 0 && mr_poller_is_full(poller)) {
        if (mr_list_empty(&reader->hungry)) {
            mr_list_push_back(&poller->hungry, &reader->hungry);
        }
        return 0;
    }
    size_t room = capacity - unfinished;
    return room < MR_KINESIS_MAX_GET_RECORDS ? room : MR_KINESIS_MAX_GET_RECORDS;
}

/* Shards that began together shall not ask together for ever. */
static uint64_t
patience_ms(const struct mr_shard_reader *reader)
{
    uint64_t number = reader->asked_ms;
    for (size_t i = 0; i < reader->id.size; i++) {
        number = number * 31 + reader->id.data[i];
    }
    return WAIT_MS / 2 + number % (WAIT_MS / 2);
}

static void on_records(const struct mr_source_records *result, void *context);

static enum mr_shard_step
fetch(struct mr_shard_reader *reader)
{
    struct mr_source *source = reader->mapping->source;
    size_t room = room_of(reader);
    if (room == 0) {
        reader->at_tip = false; /* while we do not look, it may move */
        return MR_SHARD_PENDING;
    }
    /* Where the tip is unknown the answer must not wait: it says how far behind we are. */
    reader->wait_ms = reader->at_tip && can_wait(reader) ? patience_ms(reader) : 0;
    reader->asked_ms = mr_poller_now_ms(poller_of(reader));
    reader->call = source->ops->get_records(source, mr_buf_slice(&reader->iterator), room,
                                            reader->wait_ms, on_records, reader);
    return MR_SHARD_PENDING;
}

static void
keep_page(struct mr_shard_reader *reader, const struct mr_source_records *result)
{
    size_t bytes = mr_pages_add(&reader->pages, result->records, result->count, result->block);
    mr_poller_buffered(poller_of(reader), bytes);
    reader->fresh = result->count;
    reader->mapping->counts.polled += result->count;
    set_text(&reader->read_to, result->records[result->count - 1].sequence_number);
}

static enum mr_shard_step
keep_answer(struct mr_shard_reader *reader, const struct mr_source_records *result)
{
    set_text(&reader->iterator, result->next);
    reader->behind_ms = result->behind_ms;
    reader->at_tip = result->behind_ms == 0;
    reader->has_ended = result->next.data == NULL;
    if (result->count > 0) {
        keep_page(reader, result);
        return MR_SHARD_TAKE;
    }
    if (reader->has_ended) {
        return MR_SHARD_END;
    }
    uint64_t took_ms = mr_poller_now_ms(poller_of(reader)) - reader->asked_ms;
    if (can_wait(reader) && (reader->wait_ms == 0 || took_ms >= TOO_SOON_MS)) {
        return MR_SHARD_FETCH;
    }
    uint64_t poll_ms = poller_of(reader)->options.poll_ms;
    uint64_t own_ms = reader->mapping->source->poll_ms;
    poll_ms = own_ms > 0 && own_ms < poll_ms ? own_ms : poll_ms;
    reader->rest_ms = reader->at_tip ? poll_ms : SPACING_MS;
    return MR_SHARD_REST;
}

static void
on_records(const struct mr_source_records *result, void *context)
{
    struct mr_shard_reader *reader = context;
    reader->call = NULL;
    enum mr_shard_step next;
    if (result->fault != MR_SOURCE_OK) {
        next = fail(reader, result->fault, result->error);
    } else {
        succeed(reader);
        next = keep_answer(reader, result);
    }
    if (next != MR_SHARD_PENDING) {
        run(reader, next);
    }
}

/* ---- the checkpoint ---- */

/* Records out of one aggregate share a number: it stands for all of them or for none. */
static uint64_t
before_aggregate(const struct mr_shard_reader *reader, uint64_t mark)
{
    if (mark <= reader->mark || mark == reader->pages.end) {
        return mark;
    }
    struct mr_slice number = mr_pages_find(&reader->pages, mark)->sequence_number;
    while (mark > reader->mark &&
           mr_slice_eq(mr_pages_find(&reader->pages, mark - 1)->sequence_number, number)) {
        mark--;
    }
    return mark;
}

static void
move_checkpoint(struct mr_shard_reader *reader)
{
    uint64_t read = reader->pages.end - reader->fresh;
    uint64_t mark = before_aggregate(reader, mr_lane_set_low_water(&reader->lanes, read));
    if (mark <= reader->mark) {
        return;
    }
    reader->mark = mark;
    set_text(&reader->checkpoint, mr_pages_find(&reader->pages, mark - 1)->sequence_number);
    mr_mapping_remember(reader->mapping, reader->id, mr_buf_slice(&reader->checkpoint), false);
    tell(reader, MR_EVENT_CHECKPOINT, 0);
    mr_poller_released(poller_of(reader), mr_pages_release(&reader->pages, mark));
}

/* ---- take ---- */

static bool
passes(struct mr_shard_reader *reader, const struct mr_filter *filter,
       const struct mr_record *record)
{
    struct mr_arena *scratch = &poller_of(reader)->scratch;
    if (filter == NULL) {
        return true;
    }
    mr_arena_reset(scratch);
    return mr_filter_pass(filter, record, reader->id, scratch);
}

static void
take_page(struct mr_shard_reader *reader)
{
    const struct mr_filter *filter = reader->mapping->kept->filter;
    uint64_t now_ms = mr_poller_now_ms(poller_of(reader));
    uint64_t first = reader->pages.end - reader->fresh;
    const struct mr_record *records = mr_pages_find(&reader->pages, first);
    uint64_t filtered = 0;
    mr_lane_set_make(reader);
    for (size_t i = 0; i < reader->fresh; i++) {
        if (passes(reader, filter, &records[i])) {
            mr_lane_set_push(&reader->lanes, first + i, &records[i], now_ms);
        } else {
            filtered++;
        }
    }
    reader->fresh = 0;
    reader->mapping->counts.filtered += filtered;
    if (filtered > 0) {
        tell(reader, MR_EVENT_FILTERED, filtered);
        move_checkpoint(reader); /* nobody else may have a reason to */
    }
}

static enum mr_shard_step
take(struct mr_shard_reader *reader)
{
    take_page(reader);
    mr_lane_set_run(&reader->lanes);
    if (reader->has_ended) {
        return MR_SHARD_END;
    }
    reader->rest_ms = SPACING_MS;
    return can_wait(reader) ? MR_SHARD_FETCH : MR_SHARD_REST;
}

/* ---- rest ---- */

static void
on_rested(void *context)
{
    run(context, MR_SHARD_PLACE);
}

static enum mr_shard_step
rest(struct mr_shard_reader *reader)
{
    mr_timer_start(&reader->timer, reader->rest_ms);
    return MR_SHARD_PENDING;
}

/* ---- end ---- */

static void
finish(struct mr_shard_reader *reader)
{
    reader->state = MR_SHARD_FINISHED;
    reader->at_tip = true;
    reader->behind_ms = 0;
    mr_lane_set_free(&reader->lanes);
    mr_buf_deinit(&reader->iterator);
    mr_mapping_remember(reader->mapping, reader->id, mr_buf_slice(&reader->checkpoint), true);
    tell(reader, MR_EVENT_SHARD_END, 0);
    mr_mapping_shard_finished(reader->mapping, reader);
}

static enum mr_shard_step
end(struct mr_shard_reader *reader)
{
    mr_lane_set_end(&reader->lanes);
    mr_lane_set_run(&reader->lanes);
    mr_shard_reader_settle(reader);
    return MR_SHARD_PENDING;
}

void
mr_shard_reader_end(struct mr_shard_reader *reader)
{
    if (reader->state != MR_SHARD_READING || reader->has_ended) {
        return;
    }
    mr_timer_stop(&reader->timer);
    reader->has_ended = true;
    reader->is_lost = false;
    run(reader, MR_SHARD_END);
}

/* ---- settle ---- */

void
mr_shard_reader_settle(struct mr_shard_reader *reader)
{
    move_checkpoint(reader);
    if (!is_running(reader)) {
        return;
    }
    if (reader->lanes.repartitions && mr_lane_set_is_drained(&reader->lanes)) {
        mr_lane_set_repartition(reader);
    }
    if (reader->has_ended) {
        if (reader->step == MR_SHARD_END && mr_lane_set_is_done(&reader->lanes)) {
            finish(reader);
        }
        return;
    }
    mr_shard_reader_feed(reader);
}

void
mr_shard_reader_feed(struct mr_shard_reader *reader)
{
    if (is_running(reader) && reader->step == MR_SHARD_FETCH && reader->call == NULL) {
        run(reader, MR_SHARD_FETCH);
    }
}

void
mr_shard_reader_found(struct mr_shard_reader *reader)
{
    if (reader->is_lost) {
        reader->is_lost = false;
        run(reader, rest_after(reader, TROUBLE_MS, TROUBLE_MAX_MS));
    }
}

void
mr_shard_reader_lose(struct mr_shard_reader *reader)
{
    struct mr_source *source = reader->mapping->source;
    if (reader->state != MR_SHARD_READING || reader->has_ended) {
        return;
    }
    if (reader->call != NULL) {
        source->ops->cancel(source, MR_TAKE(reader->call));
    }
    mr_timer_stop(&reader->timer);
    reader->is_lost = true;
    reader->step = MR_SHARD_REST;
}

/* ---- life ---- */

void
mr_shard_reader_set_place(struct mr_shard_reader *reader, const struct mr_source_place *place)
{
    bool is_number = place->position == MR_POSITION_AFTER;
    reader->from = is_number ? MR_POSITION_TRIM_HORIZON : place->position;
    reader->from_ms = place->timestamp_ms;
    mr_buf_clear(&reader->iterator);
    mr_buf_clear(&reader->read_to);
    mr_buf_clear(&reader->checkpoint);
    if (is_number) {
        mr_buf_append_slice(&reader->read_to, place->sequence_number);
        mr_buf_append_slice(&reader->checkpoint, place->sequence_number);
    }
}

void
mr_shard_reader_start(struct mr_shard_reader *reader)
{
    reader->state = MR_SHARD_READING;
    reader->is_unplaced = true;
    reader->mapping->unplaced++;
    if (reader->from == MR_POSITION_LATEST) {
        reader->mapping->must_flush = true;
    }
    run(reader, MR_SHARD_PLACE);
}

void
mr_shard_reader_stop(struct mr_shard_reader *reader)
{
    struct mr_source *source = reader->mapping->source;
    if (reader->call != NULL) {
        source->ops->cancel(source, MR_TAKE(reader->call));
    }
    mr_timer_stop(&reader->timer);
    mr_list_remove(&reader->hungry);
    calm_down(reader);
    mr_lane_set_stop(&reader->lanes);
    reader->is_lost = false;
    if (reader->is_unplaced) {
        reader->is_unplaced = false;
        reader->mapping->unplaced--;
    }
}

/*
 * The iterator is good only when nothing was read behind the checkpoint; with nothing read at
 * all it is the best there is: it may be a LATEST that no sequence number stands for.
 */
static bool
iterator_stands(const struct mr_shard_reader *reader)
{
    return mr_slice_eq(mr_buf_slice(&reader->read_to), mr_buf_slice(&reader->checkpoint)) ||
           reader->read_to.size == 0;
}

void
mr_shard_reader_forget(struct mr_shard_reader *reader)
{
    reader->mapping->counts.forgotten += mr_lane_set_size(&reader->lanes);
    mr_lane_set_free(&reader->lanes);
    if (!iterator_stands(reader)) {
        mr_buf_clear(&reader->iterator);
    }
    mr_poller_released(poller_of(reader), mr_pages_clear(&reader->pages));
    reader->mark = reader->pages.end;
    reader->fresh = 0;
    mr_buf_clear(&reader->read_to);
    if (mr_place_is_number(mr_buf_slice(&reader->checkpoint))) {
        mr_buf_append_slice(&reader->read_to, mr_buf_slice(&reader->checkpoint));
    }
    reader->at_tip = false;
    reader->has_ended = false;
    reader->failures = 0;
    if (reader->state == MR_SHARD_READING) {
        reader->state = MR_SHARD_WAITING;
    }
}

void
mr_shard_reader_update(struct mr_shard_reader *reader)
{
    mr_lane_set_update(reader);
    if (is_running(reader)) {
        mr_lane_set_run(&reader->lanes);
        mr_shard_reader_settle(reader);
    }
}

/* The id and the parents' in one allocation. */
static void
keep_ids(struct mr_shard_reader *reader, const struct mr_source_shard *shard)
{
    struct mr_slice ids[] = { shard->id, shard->parent, shard->adjacent_parent };
    uint8_t *at = mr_alloc(ids[0].size + ids[1].size + ids[2].size + 1);
    for (size_t i = 0; i < 3; i++) {
        struct mr_slice *kept = i == 0 ? &reader->id : &reader->parents[i - 1];
        if (ids[i].size > 0) {
            memcpy(at, ids[i].data, ids[i].size);
        }
        *kept = mr_slice_of(at, ids[i].size);
        at += ids[i].size;
    }
}

struct mr_shard_reader *
mr_shard_reader_new(struct mr_mapping *mapping, const struct mr_source_shard *shard)
{
    struct mr_shard_reader *reader = mr_alloc_zero(1, sizeof(*reader));
    reader->mapping = mapping;
    keep_ids(reader, shard);
    mr_list_init(&reader->hungry);
    mr_timer_init(&reader->timer, mapping->poller->options.loop, MR_TIME_INJECTED, on_rested,
                  reader);
    return reader;
}

void
mr_shard_reader_free(struct mr_shard_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    mr_shard_reader_stop(reader);
    mr_lane_set_free(&reader->lanes);
    mr_poller_released(poller_of(reader), mr_pages_clear(&reader->pages));
    mr_buf_deinit(&reader->iterator);
    mr_buf_deinit(&reader->read_to);
    mr_buf_deinit(&reader->checkpoint);
    free((void *)(uintptr_t)reader->id.data);
    free(reader);
}
