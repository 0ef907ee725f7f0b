#include "poller/lane_set.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "poller/lane_runner.h"
#include "poller/shard_reader.h"

/* ---- making them ---- */

static void
make_event(struct mr_shard_reader *reader)
{
    const struct mr_mapping_settings *settings = mr_mapping_settings_of(reader->mapping);
    struct mr_event_kinesis_options options = {
        .shard_id = reader->id,
        .source_arn = settings->source_arn,
        .role_arn = settings->role_arn,
        .region = settings->region,
        .tumbling_ms = settings->tumbling_ms,
        .whole_records = reader->mapping->kept->whole_records,
    };
    mr_event_kinesis_free(reader->lanes.event);
    reader->lanes.event = mr_event_kinesis_new(&options);
}

void
mr_lane_set_make(struct mr_shard_reader *reader)
{
    struct mr_lane_set *set = &reader->lanes;
    if (set->event == NULL) {
        make_event(reader);
    }
    if (set->count > 0) {
        return;
    }
    set->count = mr_mapping_settings_of(reader->mapping)->parallelization;
    set->runners = mr_alloc_zero(set->count, sizeof(set->runners[0]));
    for (unsigned i = 0; i < set->count; i++) {
        set->runners[i] = mr_lane_runner_new(reader, i);
    }
}

void
mr_lane_set_free(struct mr_lane_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        mr_lane_runner_free(set->runners[i]);
    }
    free(set->runners);
    mr_event_kinesis_free(set->event);
    *set = (struct mr_lane_set){ .count = 0 };
}

void
mr_lane_set_update(struct mr_shard_reader *reader)
{
    struct mr_lane_set *set = &reader->lanes;
    unsigned wanted = mr_mapping_settings_of(reader->mapping)->parallelization;
    if (set->event != NULL) {
        make_event(reader);
    }
    set->repartitions = set->count > 0 && (set->repartitions || wanted != set->count);
    for (unsigned i = 0; i < set->count; i++) {
        mr_lane_runner_update(set->runners[i]);
        if (set->repartitions) {
            mr_lane_drain(set->runners[i]->lane, true);
        }
    }
}

/* ---- records ---- */

/* FNV-1a of the key. */
static unsigned
lane_of(const struct mr_lane_set *set, const struct mr_record *record)
{
    uint64_t hash = 14695981039346656037ull;
    if (set->count == 1) {
        return 0;
    }
    for (size_t i = 0; i < record->partition_key.size; i++) {
        hash = (hash ^ record->partition_key.data[i]) * 1099511628211ull;
    }
    return (unsigned)((hash ^ hash >> 32) % set->count);
}

void
mr_lane_set_push(struct mr_lane_set *set, uint64_t position, const struct mr_record *record,
                 uint64_t now_ms)
{
    struct mr_lane_record entry = {
        .arrival_ms = record->arrival_ms,
        .position = position,
        .event_bytes = (uint32_t)mr_event_kinesis_record_size(set->event, record),
        .record = (void *)(uintptr_t)record,
    };
    mr_lane_push(set->runners[lane_of(set, record)]->lane, &entry, now_ms);
}

size_t
mr_lane_set_size(const struct mr_lane_set *set)
{
    size_t size = 0;
    for (unsigned i = 0; i < set->count; i++) {
        size += mr_lane_size(set->runners[i]->lane);
    }
    return size;
}

uint64_t
mr_lane_set_low_water(const struct mr_lane_set *set, uint64_t end)
{
    uint64_t mark = end;
    for (unsigned i = 0; i < set->count; i++) {
        const struct mr_lane *lane = set->runners[i]->lane;
        if (mr_lane_size(lane) > 0 && mr_lane_record(lane, 0)->position < mark) {
            mark = mr_lane_record(lane, 0)->position;
        }
    }
    return mark;
}

/* ---- all of them ---- */

void
mr_lane_set_run(struct mr_lane_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        mr_lane_runner_run(set->runners[i]);
    }
}

void
mr_lane_set_stop(struct mr_lane_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        mr_lane_runner_stop(set->runners[i]);
    }
}

void
mr_lane_set_end(struct mr_lane_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        mr_lane_end(set->runners[i]->lane);
    }
}

bool
mr_lane_set_is_done(const struct mr_lane_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (!set->runners[i]->is_done) {
            return false;
        }
    }
    return true;
}

/* ---- another number of them ---- */

bool
mr_lane_set_is_drained(const struct mr_lane_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (!set->runners[i]->is_drained || set->runners[i]->flight != NULL) {
            return false;
        }
    }
    return true;
}

static int
by_position(const void *a, const void *b)
{
    uint64_t left = ((const struct mr_lane_record *)a)->position;
    uint64_t right = ((const struct mr_lane_record *)b)->position;
    return left < right ? -1 : left > right;
}

/* What waits in the lanes, in the shard's order; the caller's to free. */
static struct mr_lane_record *
collect(const struct mr_lane_set *set, size_t *out_count)
{
    size_t count = 0;
    struct mr_lane_record *records = mr_alloc((mr_lane_set_size(set) + 1) * sizeof(records[0]));
    for (unsigned i = 0; i < set->count; i++) {
        const struct mr_lane *lane = set->runners[i]->lane;
        for (size_t j = 0; j < mr_lane_size(lane); j++) {
            records[count++] = *mr_lane_record(lane, j);
        }
    }
    qsort(records, count, sizeof(records[0]), by_position);
    *out_count = count;
    return records;
}

void
mr_lane_set_repartition(struct mr_shard_reader *reader)
{
    struct mr_lane_set *set = &reader->lanes;
    uint64_t now_ms = mr_poller_now_ms(reader->mapping->poller);
    size_t count;
    mr_auto_free struct mr_lane_record *records = collect(set, &count);
    mr_lane_set_free(set);
    mr_lane_set_make(reader);
    for (size_t i = 0; i < count; i++) {
        mr_lane_set_push(set, records[i].position, records[i].record, now_ms);
    }
    if (reader->has_ended) {
        mr_lane_set_end(set);
    }
    mr_lane_set_run(set);
}
