#include "cli/reader.h"

#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "cli/shards.h"

enum { MOST_RECORDS_A_CALL = 1000 };

static bool
read_record(struct mr_json *json, struct mr_arena *arena, struct mr_reader_record *record)
{
    struct mr_slice key, base64;
    mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "Data") && mr_json_string(json, arena, &base64)) {
            uint8_t *data = mr_arena_alloc(arena, mr_base64_decoded_max(base64.size) + 1);
            ssize_t size = mr_base64_decode(base64, data, NULL);
            record->data = mr_slice_of(data, size < 0 ? 0 : (size_t)size);
        } else if (mr_slice_is(key, "PartitionKey")) {
            mr_json_string(json, arena, &record->key);
        } else if (mr_slice_is(key, "SequenceNumber")) {
            mr_json_string(json, arena, &record->sequence);
        } else if (!mr_slice_is(key, "ApproximateArrivalTimestamp") ||
                   !mr_json_f64(json, &record->arrived_s)) {
            mr_json_skip(json);
        }
    }
    return !json->bad;
}

static int open_shard(struct mr_reader *reader, const char *id,
                      const struct mr_position *position, struct mr_error *err);

/* A shard's end names its children; one of two parents' is met twice and opened once. */
static int
open_children(struct mr_reader *reader, struct mr_json *json, struct mr_error *err)
{
    static const struct mr_position oldest = { .type = "TRIM_HORIZON" };
    struct mr_slice key, id;
    int result = 0;
    mr_json_enter(json);
    while (mr_json_next_element(json)) {
        mr_json_enter(json);
        while (mr_json_next_key(json, &key)) {
            if (mr_slice_is(key, "ShardId") && mr_json_string(json, &reader->arena, &id)) {
                mr_auto_free char *child = mr_slice_dup(id);
                result = result < 0 ? result : open_shard(reader, child, &oldest, err);
            } else {
                mr_json_skip(json);
            }
        }
    }
    return result;
}

static int
take_answer(struct mr_reader *reader, struct mr_reader_shard *shard, struct mr_error *err)
{
    /* A copy: opening a child makes a call, and that call's answer takes the remote's place. */
    mr_auto_buf struct mr_buf body = mr_buf_take(&reader->remote->body);
    struct mr_json json = mr_json_of(mr_buf_slice(&body));
    struct mr_slice key, next = { 0 };
    int64_t behind_ms = 0;
    int result = 0;
    mr_arena_reset(&reader->arena);
    mr_json_enter(&json);
    while (result == 0 && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "Records")) {
            mr_json_enter(&json);
            while (mr_json_next_element(&json)) {
                struct mr_reader_record record = { .shard = shard->id };
                if (read_record(&json, &reader->arena, &record) && !reader->enough) {
                    reader->enough = !reader->fn(&record, reader->context);
                    reader->behind = true;
                }
            }
        } else if (mr_slice_is(key, "NextShardIterator") &&
                   mr_json_peek(&json) == MR_JSON_STRING) {
            mr_json_string(&json, &reader->arena, &next);
        } else if (mr_slice_is(key, "ChildShards") && mr_json_peek(&json) == MR_JSON_ARRAY &&
                   reader->only_shard == NULL) {
            result = open_children(reader, &json, err);
        } else if (!mr_slice_is(key, "MillisBehindLatest") || !mr_json_i64(&json, &behind_ms)) {
            mr_json_skip(&json);
        }
    }
    reader->behind |= behind_ms > 0;
    free(shard->iterator);
    shard->iterator = next.size == 0 ? NULL : mr_slice_dup(next);
    return result;
}

static int
read_once(struct mr_reader *reader, struct mr_reader_shard *shard, struct mr_error *err)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "ShardIterator", shard->iterator);
    mr_json_member_i64(&json, "Limit", MOST_RECORDS_A_CALL);
    mr_json_end_object(&json);
    int result = mr_remote_kinesis(reader->remote, "GetRecords", mr_buf_slice(&body), err);
    if (result == 0) {
        return take_answer(reader, shard, err);
    }
    if (mr_remote_said(reader->remote, "ProvisionedThroughputExceededException")) {
        reader->behind = true;
        return 0; /* the same iterator, after the pause */
    }
    return result;
}

static int
open_shard(struct mr_reader *reader, const char *id, const struct mr_position *position,
           struct mr_error *err)
{
    struct mr_reader_shard **last = &reader->shards;
    for (; *last != NULL; last = &(*last)->next) {
        if (strcmp((*last)->id, id) == 0) {
            return 0;
        }
    }
    mr_auto_free char *iterator = NULL;
    if (mr_position_iterator(reader->remote, reader->stream, id, position, &iterator, err) <
        0) {
        return err->code;
    }
    struct mr_reader_shard *shard = mr_alloc_zero(1, sizeof(*shard));
    shard->id = mr_strdup(id);
    shard->iterator = MR_TAKE(iterator);
    *last = shard;
    reader->behind = true;
    return 0;
}

/*
 * From the newest on: every open shard. Else a child is opened by its parent's end, so only
 * shards whose parent is not listed are opened here.
 */
int
mr_reader_open(struct mr_reader *reader, const struct mr_position *position,
               struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_shard_list list;
    if (mr_shards_list(reader->remote, reader->stream, &arena, &list, err) < 0) {
        return err->code;
    }
    if (reader->only_shard != NULL) {
        const struct mr_shard_view *shard = mr_shards_find(&list, reader->only_shard, err);
        return shard == NULL ? err->code : open_shard(reader, shard->id, position, err);
    }
    bool latest = strcmp(position->type, "LATEST") == 0;
    for (size_t i = 0; i < list.count; i++) {
        bool parent_listed = false;
        for (size_t k = 0; k < list.count && list.shards[i].parent != NULL; k++) {
            parent_listed |= strcmp(list.shards[k].id, list.shards[i].parent) == 0;
        }
        bool wanted = latest ? list.shards[i].last_sequence == NULL : !parent_listed;
        if (wanted && open_shard(reader, list.shards[i].id, position, err) < 0) {
            return err->code;
        }
    }
    return 0;
}

int
mr_reader_round(struct mr_reader *reader, struct mr_error *err)
{
    bool any = false;
    reader->behind = false;
    for (struct mr_reader_shard *shard = reader->shards; shard != NULL; shard = shard->next) {
        if (shard->iterator == NULL || reader->enough) {
            continue;
        }
        any = true;
        if (read_once(reader, shard, err) < 0) {
            return err->code;
        }
    }
    return any;
}

void
mr_reader_close(struct mr_reader *reader)
{
    while (reader->shards != NULL) {
        struct mr_reader_shard *next = reader->shards->next;
        free(reader->shards->id);
        free(reader->shards->iterator);
        free(reader->shards);
        reader->shards = next;
    }
    mr_arena_deinit(&reader->arena);
}
