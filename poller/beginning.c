#include "poller/beginning.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "poller/place.h"
#include "poller/shard_reader.h"

#define EVERY_SHARD "*"

/* ---- what was remembered, or the starting position ---- */

bool
mr_beginnings_load(struct mr_mapping *mapping, struct mr_beginnings *beginnings)
{
    struct mr_checkpoints *checkpoints = mapping->poller->options.checkpoints;
    struct mr_slice uuid = mr_mapping_settings_of(mapping)->uuid;
    struct mr_error err = { 0 };
    if (checkpoints == NULL) {
        return true;
    }
    int count = mr_checkpoints_list(checkpoints, uuid, mapping->stream_created_ms,
                                    &beginnings->arena, &beginnings->rows, &err);
    if (count < 0) {
        mr_mapping_trouble(mapping, mr_slice_str(err.text));
        return false;
    }
    beginnings->count = (size_t)count;
    mapping->has_begun = mapping->has_begun || mr_checkpoints_has(checkpoints, uuid);
    return true;
}

static int
by_shard(const void *key, const void *row)
{
    const struct mr_slice *shard_id = key;
    return mr_slice_compare(*shard_id, ((const struct mr_checkpoint *)row)->shard_id);
}

static const struct mr_checkpoint *
row_of(const struct mr_beginnings *beginnings, struct mr_slice shard_id)
{
    return beginnings->count == 0 ? NULL
                                  : bsearch(&shard_id, beginnings->rows, beginnings->count,
                                            sizeof(beginnings->rows[0]), by_shard);
}

static void
finish_unread(struct mr_mapping *mapping, struct mr_shard_reader *reader)
{
    reader->state = MR_SHARD_FINISHED;
    mr_mapping_remember(mapping, reader->id, mr_buf_slice(&reader->checkpoint), true);
}

/*
 * A mapping that begins: every shard from the starting position; behind LATEST there is nothing
 * to read in a shard that has ended. Later shards are children of what was read: from their
 * beginning. Behind a time in the past they hold nothing older than it anyway.
 */
static void
begin_at(struct mr_mapping *mapping, struct mr_shard_reader *reader,
         const struct mr_source_place *place)
{
    mr_shard_reader_set_place(reader, place);
    if (place->position == MR_POSITION_LATEST && !reader->is_open) {
        finish_unread(mapping, reader);
    }
}

static void
begin_new(struct mr_mapping *mapping, struct mr_shard_reader *reader)
{
    const struct mr_mapping_settings *settings = mr_mapping_settings_of(mapping);
    struct mr_source_place place = { .position = settings->starting_position,
                                     .timestamp_ms = settings->starting_timestamp_ms };
    if (mapping->has_begun && place.position == MR_POSITION_LATEST) {
        place.position = MR_POSITION_TRIM_HORIZON;
    }
    begin_at(mapping, reader, &place);
}

void
mr_beginnings_apply(struct mr_mapping *mapping, struct mr_shard_reader *reader,
                    const struct mr_beginnings *beginnings)
{
    const struct mr_checkpoint *row = row_of(beginnings, reader->id);
    struct mr_source_place place;
    if (row == NULL) {
        begin_new(mapping, reader);
        return;
    }
    if (row->sequence_number.size > 0 && mr_place_read(row->sequence_number, &place)) {
        mr_shard_reader_set_place(reader, &place);
    }
    if (row->finished) {
        reader->state = MR_SHARD_FINISHED;
    }
}

/* ---- seeks ---- */

static void
seek_reader(struct mr_mapping *mapping, struct mr_shard_reader *reader,
            const struct mr_source_place *place)
{
    mr_auto_buf struct mr_buf text = { 0 };
    reader->state = MR_SHARD_WAITING;
    mr_place_write(&text, place);
    mr_mapping_remember(mapping, reader->id, mr_buf_slice(&text), false);
    begin_at(mapping, reader, place);
}

static void
apply_seek(struct mr_mapping *mapping, const struct mr_mapping_seek_to *seek)
{
    struct mr_source_place place;
    struct mr_slice shard_id = mr_slice_str(seek->shard_id);
    bool every = mr_slice_is(shard_id, EVERY_SHARD);
    mr_place_read(mr_slice_str(seek->place), &place);
    for (size_t i = 0; i < mapping->topology.count; i++) {
        struct mr_shard_reader *reader = mapping->topology.shards[i];
        if (every || mr_slice_eq(reader->id, shard_id)) {
            seek_reader(mapping, reader, &place);
        }
    }
}

void
mr_seeks_clear(struct mr_mapping *mapping)
{
    for (size_t i = 0; i < mapping->seek_count; i++) {
        free(mapping->seeks[i].shard_id);
        free(mapping->seeks[i].place);
    }
    free(mapping->seeks);
    mapping->seeks = NULL;
    mapping->seek_count = 0;
}

/* Seeks are remembered under incarnation 0, until a listing says which shards there are. */
void
mr_seeks_apply(struct mr_mapping *mapping)
{
    struct mr_checkpoints *checkpoints = mapping->poller->options.checkpoints;
    for (size_t i = 0; i < mapping->seek_count; i++) {
        apply_seek(mapping, &mapping->seeks[i]);
    }
    if (mapping->seek_count > 0 && checkpoints != NULL) {
        mr_checkpoints_remove(checkpoints, mr_mapping_settings_of(mapping)->uuid, 0);
    }
    mr_seeks_clear(mapping);
}

static void
add_seek(struct mr_mapping *mapping, struct mr_slice shard_id, struct mr_slice place)
{
    mapping->seeks =
        mr_realloc(mapping->seeks, (mapping->seek_count + 1) * sizeof(mapping->seeks[0]));
    mapping->seeks[mapping->seek_count++] =
        (struct mr_mapping_seek_to){ mr_slice_dup(shard_id), mr_slice_dup(place) };
}

void
mr_seeks_load(struct mr_mapping *mapping)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_checkpoints *checkpoints = mapping->poller->options.checkpoints;
    struct mr_checkpoint *rows;
    int count = checkpoints == NULL
                    ? 0
                    : mr_checkpoints_list(checkpoints, mr_mapping_settings_of(mapping)->uuid, 0,
                                          &arena, &rows, NULL);
    for (int i = 0; i < count; i++) { /* "*" sorts before every shard's id */
        add_seek(mapping, rows[i].shard_id, rows[i].sequence_number);
    }
}

int
mr_mapping_seek(struct mr_mapping *mapping, const struct mr_source_place *place,
                struct mr_error *err)
{
    struct mr_checkpoints *checkpoints = mapping->poller->options.checkpoints;
    struct mr_slice uuid = mr_mapping_settings_of(mapping)->uuid;
    bool every = place->shard_id.size == 0;
    mr_auto_buf struct mr_buf text = { 0 };
    if (mapping->life != MR_MAPPING_STOPPED) {
        return mr_fail(err, -EBUSY, "stop the mapping before it is moved");
    }
    if (place->position == MR_POSITION_AFTER && every) {
        return mr_fail(err, -EINVAL, "a sequence number belongs to one shard: name it");
    }
    if (every) {
        mr_seeks_clear(mapping);
    }
    mr_place_write(&text, place);
    struct mr_checkpoint checkpoint = { .shard_id =
                                            every ? MR_SLICE(EVERY_SHARD) : place->shard_id,
                                        .sequence_number = mr_buf_slice(&text) };
    add_seek(mapping, checkpoint.shard_id, checkpoint.sequence_number);
    if (checkpoints != NULL) {
        if (every) {
            mr_checkpoints_remove(checkpoints, uuid, 0);
        }
        mr_checkpoints_put(checkpoints, uuid, 0, &checkpoint);
    }
    return 0;
}
