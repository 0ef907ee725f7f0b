#include "poller/dynamodb_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/list.h"
#include "poller/kinesis_answer.h"

enum { MAX_RECORDS = 10000, FIRST_RECORDS = 64, FIRST_SHARDS = 16 };

static int
bad(const char *what, struct mr_error *err)
{
    return mr_fail(err, -EBADMSG, "the table's stream sent a %s answer that we cannot read",
                   what);
}

/* ---- records ---- */

struct answer {
    struct mr_record_block block;
    struct mr_buf text; /* events, one behind the other, and keys and numbers */
    struct mr_record *records;
    size_t count, capacity;
};

/* One record's members as they stand. */
struct parts {
    struct mr_slice id, name, version, source, region, dynamodb; /* raw JSON */
    struct mr_slice identity_type, identity_principal;
    struct mr_slice keys, sequence_number;
    uint64_t arrival_ms;
};

static void
release_answer(struct mr_record_block *block)
{
    struct answer *answer = MR_CONTAINER_OF(block, struct answer, block);
    mr_buf_deinit(&answer->text);
    free(answer->records);
    free(answer);
}

static bool
read_dynamodb(struct mr_slice raw, struct mr_arena *arena, struct parts *parts)
{
    struct mr_json json = mr_json_of(raw);
    struct mr_slice key, number;
    if (mr_json_peek(&json) != MR_JSON_OBJECT || !mr_json_enter(&json)) {
        return false;
    }
    while (mr_json_next_key(&json, &key)) {
        bool good =
            mr_slice_is(key, "Keys") ? mr_json_raw(&json, &parts->keys)
            : mr_slice_is(key, "SequenceNumber")
                ? mr_json_string(&json, arena, &parts->sequence_number)
            : mr_slice_is(key, "ApproximateCreationDateTime")
                ? mr_json_raw(&json, &number) && mr_kinesis_seconds(number, &parts->arrival_ms)
                : mr_json_skip(&json);
        if (!good) {
            return false;
        }
    }
    return mr_json_done(&json) && parts->sequence_number.size > 0;
}

/* The API writes PrincipalId and Type, the event principalId and type. */
static bool
read_identity(struct mr_json *json, struct parts *parts)
{
    struct mr_slice key;
    if (mr_json_peek(json) != MR_JSON_OBJECT) {
        return mr_json_skip(json);
    }
    (void)mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        bool good = mr_slice_eq_nocase(key, MR_SLICE("type"))
                        ? mr_json_raw(json, &parts->identity_type)
                    : mr_slice_eq_nocase(key, MR_SLICE("principalId"))
                        ? mr_json_raw(json, &parts->identity_principal)
                        : mr_json_skip(json);
        if (!good) {
            return false;
        }
    }
    return !json->bad;
}

static bool
read_parts(struct mr_json *json, struct mr_arena *arena, struct parts *parts)
{
    struct mr_slice key;
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        struct mr_slice ignored;
        struct mr_slice *place = mr_slice_is(key, "eventID")        ? &parts->id
                                 : mr_slice_is(key, "eventName")    ? &parts->name
                                 : mr_slice_is(key, "eventVersion") ? &parts->version
                                 : mr_slice_is(key, "eventSource")  ? &parts->source
                                 : mr_slice_is(key, "awsRegion")    ? &parts->region
                                 : mr_slice_is(key, "dynamodb")     ? &parts->dynamodb
                                                                    : &ignored;
        if (mr_slice_is(key, "userIdentity") ? !read_identity(json, parts)
                                             : !mr_json_raw(json, place)) {
            return false;
        }
    }
    return parts->dynamodb.data != NULL && read_dynamodb(parts->dynamodb, arena, parts);
}

static void
member_raw(struct mr_json_writer *json, const char *name, struct mr_slice raw)
{
    if (raw.data != NULL) {
        mr_json_key(json, name);
        mr_json_put_raw(json, raw);
    }
}

static void
write_event(struct mr_buf *text, const struct parts *parts, struct mr_slice stream_arn)
{
    struct mr_json_writer json = mr_json_writer_on(text);
    mr_json_begin_object(&json);
    member_raw(&json, "eventID", parts->id);
    member_raw(&json, "eventName", parts->name);
    member_raw(&json, "eventVersion", parts->version);
    member_raw(&json, "eventSource", parts->source);
    member_raw(&json, "awsRegion", parts->region);
    member_raw(&json, "dynamodb", parts->dynamodb);
    if (parts->identity_type.data != NULL || parts->identity_principal.data != NULL) {
        mr_json_key(&json, "userIdentity");
        mr_json_begin_object(&json);
        member_raw(&json, "type", parts->identity_type);
        member_raw(&json, "principalId", parts->identity_principal);
        mr_json_end_object(&json);
    }
    mr_json_member_string(&json, "eventSourceARN", stream_arn);
    mr_json_end_object(&json);
}

/* While the text grows a slice holds its offset instead of an address. */
static struct mr_slice
append(struct mr_buf *text, struct mr_slice part)
{
    struct mr_slice at = { (const uint8_t *)(uintptr_t)text->size, part.size };
    mr_buf_append_slice(text, part);
    return at;
}

static void
add_record(struct answer *answer, const struct parts *parts, struct mr_slice stream_arn)
{
    if (answer->count == answer->capacity) {
        answer->capacity = answer->capacity == 0 ? FIRST_RECORDS : answer->capacity * 2;
        answer->records =
            mr_realloc(answer->records, answer->capacity * sizeof(answer->records[0]));
    }
    struct mr_record *record = &answer->records[answer->count++];
    size_t begin = answer->text.size;
    write_event(&answer->text, parts, stream_arn);
    size_t end = answer->text.size;
    record->data = (struct mr_slice){ (const uint8_t *)(uintptr_t)begin, end - begin };
    record->partition_key = append(&answer->text, parts->keys);
    record->sequence_number = append(&answer->text, parts->sequence_number);
    record->arrival_ms = parts->arrival_ms;
}

static void
place(struct answer *answer, struct mr_slice *slice)
{
    slice->data = answer->text.data + (uintptr_t)slice->data;
}

static bool
read_records(struct mr_json *json, struct answer *answer, struct mr_slice stream_arn,
             uint64_t from_ms, struct mr_arena *arena)
{
    if (mr_json_peek(json) != MR_JSON_ARRAY || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_element(json)) {
        struct parts parts = { 0 };
        if (answer->count == MAX_RECORDS || !read_parts(json, arena, &parts)) {
            return false;
        }
        if (parts.arrival_ms >= from_ms) {
            add_record(answer, &parts, stream_arn);
        }
    }
    for (size_t i = 0; i < answer->count; i++) {
        place(answer, &answer->records[i].data);
        place(answer, &answer->records[i].partition_key);
        place(answer, &answer->records[i].sequence_number);
    }
    return !json->bad;
}

static bool
read_text(struct mr_json *json, struct mr_arena *arena, struct mr_slice *out)
{
    if (mr_json_peek(json) == MR_JSON_NULL) {
        return mr_json_null(json);
    }
    if (!mr_json_string(json, arena, out)) {
        return false;
    }
    *out = mr_arena_copy(arena, *out);
    return true;
}

int
mr_dynamodb_answer_records(struct mr_slice body, struct mr_slice stream_arn, uint64_t from_ms,
                           struct mr_arena *arena, struct mr_source_records *out_result,
                           struct mr_error *err)
{
    struct answer *answer = mr_alloc_zero(1, sizeof(*answer));
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, next = { NULL, 0 };
    bool good = mr_json_peek(&json) == MR_JSON_OBJECT && mr_json_enter(&json);

    answer->block = (struct mr_record_block){ .refs = 1, .release = release_answer };
    while (good && mr_json_next_key(&json, &key)) {
        good = mr_slice_is(key, "Records")
                   ? read_records(&json, answer, stream_arn, from_ms, arena)
               : mr_slice_is(key, "NextShardIterator") ? read_text(&json, arena, &next)
                                                       : mr_json_skip(&json);
    }
    if (!good || !mr_json_done(&json)) {
        release_answer(&answer->block);
        return bad("GetRecords", err);
    }
    *out_result = (struct mr_source_records){
        .records = answer->records,
        .count = answer->count,
        .block = answer->count > 0 ? &answer->block : NULL,
        .next = next,
        .behind_ms = answer->count > 0, /* it is not told; an empty answer is the tip */
    };
    if (answer->count == 0) {
        release_answer(&answer->block);
        out_result->records = NULL;
    }
    return 0;
}

/* ---- the stream ---- */

static bool
read_range(struct mr_json *json, struct mr_arena *arena, struct mr_slice *out_end)
{
    struct mr_slice key;
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "EndingSequenceNumber") ? !read_text(json, arena, out_end)
                                                     : !mr_json_skip(json)) {
            return false;
        }
    }
    return !json->bad;
}

static bool
read_shard(struct mr_json *json, struct mr_arena *arena, struct mr_source_shard *shard)
{
    struct mr_slice key, end = { NULL, 0 };
    *shard = (struct mr_source_shard){ 0 };
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        bool good = mr_slice_is(key, "ShardId")         ? read_text(json, arena, &shard->id)
                    : mr_slice_is(key, "ParentShardId") ? read_text(json, arena, &shard->parent)
                    : mr_slice_is(key, "SequenceNumberRange") ? read_range(json, arena, &end)
                                                              : mr_json_skip(json);
        if (!good) {
            return false;
        }
    }
    shard->is_open = end.size == 0;
    return !json->bad && shard->id.size > 0;
}

static bool
read_shards(struct mr_json *json, struct mr_arena *arena, struct mr_dynamodb_stream *stream)
{
    if (mr_json_peek(json) != MR_JSON_ARRAY || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_element(json)) {
        if (stream->count == stream->capacity) {
            size_t capacity = stream->capacity == 0 ? FIRST_SHARDS : stream->capacity * 2;
            struct mr_source_shard *list = mr_arena_alloc(arena, capacity * sizeof(*list));
            if (stream->count > 0) {
                memcpy(list, stream->list, stream->count * sizeof(*list));
            }
            stream->list = list;
            stream->capacity = capacity;
        }
        if (!read_shard(json, arena, &stream->list[stream->count++])) {
            return false;
        }
    }
    return !json->bad;
}

static bool
read_description(struct mr_json *json, struct mr_arena *arena,
                 struct mr_dynamodb_stream *stream)
{
    struct mr_slice key, number;
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        bool good =
            mr_slice_is(key, "Shards") ? read_shards(json, arena, stream)
            : mr_slice_is(key, "LastEvaluatedShardId")
                ? read_text(json, arena, &stream->last_shard)
            : mr_slice_is(key, "CreationRequestDateTime")
                ? mr_json_raw(json, &number) && mr_kinesis_seconds(number, &stream->created_ms)
                : mr_json_skip(json);
        if (!good) {
            return false;
        }
    }
    return !json->bad;
}

int
mr_dynamodb_answer_stream(struct mr_slice body, struct mr_arena *arena,
                          struct mr_dynamodb_stream *stream, struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key;
    bool found = false, good = mr_json_peek(&json) == MR_JSON_OBJECT && mr_json_enter(&json);

    stream->last_shard = (struct mr_slice){ NULL, 0 };
    while (good && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "StreamDescription")) {
            found = true;
            good = read_description(&json, arena, stream);
        } else {
            good = mr_json_skip(&json);
        }
    }
    return good && found && mr_json_done(&json) ? 0 : bad("DescribeStream", err);
}

/* One of ListStreams; labels are times, so the newest is the greatest. */
static bool
read_listed(struct mr_json *json, struct mr_arena *arena, struct mr_slice *newest_label,
            struct mr_slice *newest_arn)
{
    struct mr_slice key, label = { NULL, 0 }, arn = { NULL, 0 };
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "StreamArn")     ? !read_text(json, arena, &arn)
            : mr_slice_is(key, "StreamLabel") ? !read_text(json, arena, &label)
                                              : !mr_json_skip(json)) {
            return false;
        }
    }
    if (arn.size > 0 && (newest_arn->size == 0 || mr_slice_compare(label, *newest_label) > 0)) {
        *newest_label = label;
        *newest_arn = arn;
    }
    return !json->bad;
}

int
mr_dynamodb_answer_newest_stream(struct mr_slice body, struct mr_arena *arena,
                                 struct mr_slice *out_arn, struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, label = { NULL, 0 }, arn = { NULL, 0 };
    bool good = mr_json_peek(&json) == MR_JSON_OBJECT && mr_json_enter(&json);

    while (good && mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "Streams")) {
            good = mr_json_skip(&json);
            continue;
        }
        good = mr_json_peek(&json) == MR_JSON_ARRAY && mr_json_enter(&json);
        while (good && mr_json_next_element(&json)) {
            good = read_listed(&json, arena, &label, &arn);
        }
        good = good && !json.bad;
    }
    if (!good || !mr_json_done(&json)) {
        return bad("ListStreams", err);
    }
    *out_arn = arn;
    return 0;
}

int
mr_dynamodb_answer_iterator(struct mr_slice body, struct mr_arena *arena,
                            struct mr_slice *out_iterator, struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, iterator = { NULL, 0 };
    bool good = mr_json_peek(&json) == MR_JSON_OBJECT && mr_json_enter(&json);

    while (good && mr_json_next_key(&json, &key)) {
        good = mr_slice_is(key, "ShardIterator") ? read_text(&json, arena, &iterator)
                                                 : mr_json_skip(&json);
    }
    if (!good || !mr_json_done(&json) || iterator.size == 0) {
        return bad("GetShardIterator", err);
    }
    *out_iterator = iterator;
    return 0;
}
