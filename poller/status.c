/* What a mapping tells about itself when asked. */
#include "poller/lane_runner.h"
#include "poller/mapping_inside.h"
#include "poller/place.h"
#include "poller/shard_reader.h"

static size_t
in_flight_of(const struct mr_shard_reader *reader)
{
    size_t count = 0;
    for (unsigned i = 0; i < reader->lanes.count; i++) {
        if (reader->lanes.runners[i]->flight != NULL) {
            count += reader->lanes.runners[i]->action.count;
        }
    }
    return count;
}

static bool
has_flight(const struct mr_shard_reader *reader)
{
    for (unsigned i = 0; i < reader->lanes.count; i++) {
        if (reader->lanes.runners[i]->flight != NULL) {
            return true;
        }
    }
    return false;
}

static bool
is_caught_up(const struct mr_shard_reader *reader)
{
    return reader->at_tip && mr_lane_set_size(&reader->lanes) == 0 && !has_flight(reader);
}

static struct mr_mapping_shard
describe(const struct mr_shard_reader *reader, struct mr_arena *arena)
{
    struct mr_slice checkpoint = mr_buf_slice(&reader->checkpoint);
    size_t in_flight = in_flight_of(reader);
    struct mr_mapping_shard shard = {
        .id = mr_arena_copy(arena, reader->id),
        .behind_ms = reader->behind_ms,
        .buffered = mr_lane_set_size(&reader->lanes) - in_flight,
        .in_flight = in_flight,
        .waiting = reader->state == MR_SHARD_WAITING,
        .finished = reader->state == MR_SHARD_FINISHED,
        .caught_up = reader->state == MR_SHARD_FINISHED || is_caught_up(reader),
    };
    if (mr_place_is_number(checkpoint)) {
        shard.checkpoint = mr_arena_copy(arena, checkpoint);
    }
    return shard;
}

static bool
is_reading(const struct mr_shard_reader *reader)
{
    return reader->state == MR_SHARD_READING &&
           (reader->iterator.size > 0 || reader->has_ended);
}

void
mr_mapping_status(const struct mr_mapping *mapping, struct mr_arena *arena,
                  struct mr_mapping_status *out_status)
{
    const struct mr_topology *topology = &mapping->topology;
    struct mr_mapping_shard *shards =
        mr_arena_alloc(arena, (topology->count + 1) * sizeof(shards[0]));
    *out_status = (struct mr_mapping_status){
        .running = mapping->life == MR_MAPPING_RUNNING,
        .reading = mapping->life == MR_MAPPING_RUNNING && mapping->is_listed,
        .last_result = mapping->last_result,
        .counts = mapping->counts,
        .shards = shards,
        .shard_count = topology->count,
    };
    for (size_t i = 0; i < topology->count; i++) {
        const struct mr_shard_reader *reader = topology->shards[i];
        shards[i] = describe(reader, arena);
        /* A child that waits will be read from its beginning: nothing of it can be missed. */
        if (reader->state == MR_SHARD_READING && !is_reading(reader)) {
            out_status->reading = false;
        }
    }
    if (mapping->trouble.size > 0) {
        out_status->trouble = mr_arena_copy(arena, mr_buf_slice(&mapping->trouble));
    }
}

bool
mr_mapping_is_drained(const struct mr_mapping *mapping)
{
    if (mapping->life != MR_MAPPING_RUNNING || !mapping->is_listed || mapping->in_flight > 0 ||
        mapping->listing != NULL || mr_timer_started(&mapping->list_timer)) {
        return false;
    }
    for (size_t i = 0; i < mapping->topology.count; i++) {
        const struct mr_shard_reader *reader = mapping->topology.shards[i];
        if (reader->state == MR_SHARD_WAITING ||
            (reader->state == MR_SHARD_READING && !is_caught_up(reader))) {
            return false;
        }
    }
    return true;
}
