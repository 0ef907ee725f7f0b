#include "poller/kinesis_answer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "base/list.h"
#include "poller/kpl.h"

enum {
    FIRST_RECORDS = 64,
    FIRST_SHARDS = 16,
    MAX_OPENED = 500000, /* records of one event: aggregates beyond it stay closed */
};

static int
bad(const char *what, struct mr_error *err)
{
    return mr_fail(err, -EBADMSG, "the stream's server sent a %s answer that we cannot read",
                   what);
}

/* ---- numbers ---- */

/* "1545084650.987": digits, a point, at most three digits; what else there is takes longer. */
static bool
plain_seconds(struct mr_slice number, uint64_t *out_ms)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < number.size && i < 15 && number.data[i] >= '0' && number.data[i] <= '9'; i++) {
        value = value * 10 + (uint64_t)(number.data[i] - '0');
    }
    unsigned decimals = 0;
    if (i > 0 && i < number.size && number.data[i] == '.') {
        for (i++;
             i < number.size && decimals < 3 && number.data[i] >= '0' && number.data[i] <= '9';
             i++, decimals++) {
            value = value * 10 + (uint64_t)(number.data[i] - '0');
        }
    }
    for (; decimals < 3; decimals++) {
        value *= 10;
    }
    *out_ms = value;
    return i == number.size;
}

bool
mr_kinesis_seconds(struct mr_slice number, uint64_t *out_ms)
{
    struct mr_json json = mr_json_of(number);
    double seconds;
    if (plain_seconds(number, out_ms)) {
        return true;
    }
    if (!mr_json_f64(&json, &seconds) || !(seconds >= 0 && seconds < 1e12)) {
        return false;
    }
    *out_ms = (uint64_t)llround(seconds * 1000);
    return true;
}

static bool
read_seconds(struct mr_json *json, uint64_t *out_ms)
{
    struct mr_slice raw;
    return mr_json_peek(json) == MR_JSON_NUMBER && mr_json_raw(json, &raw) &&
           mr_kinesis_seconds(raw, out_ms);
}

/* ---- records ---- */

struct answer {
    struct mr_record_block block;
    struct mr_buf body;
    struct mr_arena arena; /* of text that had to be unescaped */
    struct mr_record *records;
    size_t count, capacity;
};

static void
release_answer(struct mr_record_block *block)
{
    struct answer *answer = MR_CONTAINER_OF(block, struct answer, block);
    mr_buf_deinit(&answer->body);
    mr_arena_deinit(&answer->arena);
    free(answer->records);
    free(answer);
}

static struct mr_record *
new_record(struct answer *answer)
{
    if (answer->count == answer->capacity) {
        answer->capacity = answer->capacity == 0 ? FIRST_RECORDS : answer->capacity * 2;
        answer->records =
            mr_realloc(answer->records, answer->capacity * sizeof(answer->records[0]));
    }
    return &answer->records[answer->count++];
}

/* Digits or base64: text in which an escape can only be there without need ("\/"). */
static bool
read_plain(struct mr_json *json, struct mr_arena *arena, struct mr_slice *out)
{
    if (!mr_json_string_raw(json, out)) {
        return false;
    }
    if (out->size > 0 && memchr(out->data, '\\', out->size) != NULL) {
        *out = mr_json_unescape(*out, arena);
    }
    return true;
}

static bool
read_record_member(struct mr_json *json, struct answer *answer, struct mr_slice key,
                   struct mr_record *record)
{
    if (mr_slice_is(key, "Data")) {
        return read_plain(json, &answer->arena, &record->data);
    }
    if (mr_slice_is(key, "PartitionKey")) {
        return mr_json_string_raw(json, &record->partition_key);
    }
    if (mr_slice_is(key, "SequenceNumber")) {
        return read_plain(json, &answer->arena, &record->sequence_number);
    }
    if (mr_slice_is(key, "ApproximateArrivalTimestamp")) {
        return read_seconds(json, &record->arrival_ms);
    }
    return mr_json_skip(json);
}

static bool
is_number(struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > 0;
}

static bool
read_record(struct mr_json *json, struct answer *answer)
{
    struct mr_record *record = new_record(answer);
    struct mr_slice key;
    *record = (struct mr_record){ .data = { (const uint8_t *)"", 0 } };
    if (!mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        if (!read_record_member(json, answer, key, record)) {
            return false;
        }
    }
    return is_number(record->sequence_number) && record->partition_key.data != NULL;
}

static bool
read_records(struct mr_json *json, struct answer *answer)
{
    if (mr_json_peek(json) != MR_JSON_ARRAY || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_element(json)) {
        if (answer->count == MR_KINESIS_MAX_GET_RECORDS ||
            mr_json_peek(json) != MR_JSON_OBJECT || !read_record(json, answer)) {
            return false;
        }
    }
    return true;
}

static bool
read_next(struct mr_json *json, struct answer *answer, struct mr_slice *out)
{
    return mr_json_peek(json) == MR_JSON_NULL ? mr_json_null(json)
                                              : mr_json_string(json, &answer->arena, out);
}

static bool
read_behind(struct mr_json *json, uint64_t *out_ms)
{
    int64_t ms = 0;
    if (mr_json_peek(json) == MR_JSON_NULL) {
        return mr_json_null(json);
    }
    if (!mr_json_i64(json, &ms)) {
        return false;
    }
    *out_ms = ms < 0 ? 0 : (uint64_t)ms;
    return true;
}

static bool
read_answer(struct answer *answer, struct mr_source_records *result)
{
    struct mr_json json = mr_json_of(mr_buf_slice(&answer->body));
    struct mr_slice key;
    bool has_records = false, right = mr_json_peek(&json) == MR_JSON_OBJECT;
    mr_json_enter(&json);
    while (right && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "Records") && !has_records) {
            has_records = true;
            right = read_records(&json, answer);
        } else if (mr_slice_is(key, "NextShardIterator")) {
            right = read_next(&json, answer, &result->next);
        } else if (mr_slice_is(key, "MillisBehindLatest")) {
            right = read_behind(&json, &result->behind_ms);
        } else {
            right = mr_json_skip(&json);
        }
    }
    return right && has_records && mr_json_done(&json);
}

int
mr_kinesis_answer_records(struct mr_buf *body, struct mr_source_records *out_result,
                          struct mr_error *err)
{
    struct answer *answer = mr_alloc_zero(1, sizeof(*answer));
    struct mr_source_records result = { 0 };
    answer->block = (struct mr_record_block){ .refs = 1, .release = release_answer };
    answer->body = mr_buf_take(body);
    if (!read_answer(answer, &result)) {
        mr_record_block_unref(&answer->block);
        return bad("GetRecords", err);
    }
    result.records = answer->records;
    result.count = answer->count;
    result.block = &answer->block;
    *out_result = result;
    return 0;
}

/* ---- what is pushed ---- */

static bool
has_aggregate(const struct answer *answer)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (mr_kpl_may_be(&answer->records[i])) {
            return true;
        }
    }
    return false;
}

/* Every aggregate is replaced by what is in it. */
static void
open_aggregates(struct answer *answer)
{
    struct answer closed = *answer;
    if (!has_aggregate(answer)) {
        return;
    }
    answer->records = NULL;
    answer->count = answer->capacity = 0;
    for (size_t i = 0; i < closed.count; i++) {
        const struct mr_record *outer = &closed.records[i];
        struct mr_record *inner;
        bool open = answer->count < MAX_OPENED && mr_kpl_may_be(outer);
        int count = open ? mr_kpl_open(outer, &answer->arena, &inner) : -1;
        if (count < 0) {
            *new_record(answer) = *outer;
        }
        for (int j = 0; j < count; j++) {
            *new_record(answer) = inner[j];
        }
    }
    free(closed.records);
}

/* Is there at least one? */
static bool
read_children(struct mr_json *json, bool *out_any)
{
    if (mr_json_peek(json) != MR_JSON_ARRAY) {
        return mr_json_null(json);
    }
    mr_json_enter(json);
    while (mr_json_next_element(json)) {
        *out_any = true;
        if (!mr_json_skip(json)) {
            return false;
        }
    }
    return true;
}

static bool
read_event(struct answer *answer, struct mr_kinesis_event *event, bool *out_ended)
{
    struct mr_json json = mr_json_of(mr_buf_slice(&answer->body));
    struct mr_slice key;
    bool has_records = false, right = mr_json_peek(&json) == MR_JSON_OBJECT;
    mr_json_enter(&json);
    while (right && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "Records") && !has_records) {
            has_records = true;
            right = read_records(&json, answer);
        } else if (mr_slice_is(key, "ContinuationSequenceNumber")) {
            right = read_next(&json, answer, &event->continuation);
        } else if (mr_slice_is(key, "MillisBehindLatest")) {
            right = read_behind(&json, &event->records.behind_ms);
        } else if (mr_slice_is(key, "ChildShards")) {
            right = read_children(&json, out_ended);
        } else {
            right = mr_json_skip(&json);
        }
    }
    return right && has_records && mr_json_done(&json);
}

int
mr_kinesis_answer_event(struct mr_slice payload, struct mr_kinesis_event *out_event,
                        struct mr_error *err)
{
    struct answer *answer = mr_alloc_zero(1, sizeof(*answer));
    struct mr_kinesis_event event = { .continuation = { NULL, 0 } };
    bool ended = false;
    answer->block = (struct mr_record_block){ .refs = 1, .release = release_answer };
    mr_buf_append_slice(&answer->body, payload);
    if (!read_event(answer, &event, &ended)) {
        mr_record_block_unref(&answer->block);
        return bad("SubscribeToShard", err);
    }
    open_aggregates(answer);
    event.records.records = answer->records;
    event.records.count = answer->count;
    event.records.block = &answer->block;
    if (!ended) {
        event.records.next = event.continuation;
    }
    *out_event = event;
    return 0;
}

/* ---- the others ---- */

int
mr_kinesis_answer_iterator(struct mr_slice body, struct mr_arena *arena,
                           struct mr_slice *out_iterator, struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, iterator = { NULL, 0 };
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "ShardIterator") || !mr_json_string(&json, arena, &iterator)) {
            mr_json_skip(&json);
        }
    }
    if (!mr_json_done(&json) || iterator.size == 0) {
        return bad("GetShardIterator", err);
    }
    *out_iterator = iterator;
    return 0;
}

/* StreamCreationTimestamp stands one level down, in the one member there is. */
int
mr_kinesis_answer_created(struct mr_slice body, uint64_t *out_created_ms, struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice outer, key;
    bool found = false;
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &outer)) {
        if (mr_json_peek(&json) != MR_JSON_OBJECT) {
            mr_json_skip(&json);
            continue;
        }
        mr_json_enter(&json);
        while (mr_json_next_key(&json, &key)) {
            if (mr_slice_is(key, "StreamCreationTimestamp")) {
                found = read_seconds(&json, out_created_ms);
            } else {
                mr_json_skip(&json);
            }
        }
    }
    return found && mr_json_done(&json) ? 0 : bad("DescribeStreamSummary", err);
}

static struct mr_source_shard *
new_shard(struct mr_kinesis_shards *shards, struct mr_arena *arena)
{
    if (shards->count == shards->capacity) {
        size_t capacity = shards->capacity == 0 ? FIRST_SHARDS : shards->capacity * 2;
        struct mr_source_shard *list = mr_arena_alloc(arena, capacity * sizeof(list[0]));
        if (shards->count > 0) {
            memcpy(list, shards->list, shards->count * sizeof(list[0]));
        }
        shards->list = list;
        shards->capacity = capacity;
    }
    return &shards->list[shards->count++];
}

static bool
read_copy(struct mr_json *json, struct mr_arena *arena, struct mr_slice *out)
{
    struct mr_slice text;
    if (mr_json_peek(json) == MR_JSON_NULL) {
        return mr_json_null(json);
    }
    if (!mr_json_string(json, arena, &text)) {
        return false;
    }
    *out = mr_arena_copy(arena, text);
    return true;
}

/* A shard is open while its range of sequence numbers has no end. */
static bool
read_range(struct mr_json *json, struct mr_source_shard *shard)
{
    struct mr_slice key;
    if (!mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "EndingSequenceNumber") && mr_json_peek(json) == MR_JSON_STRING) {
            shard->is_open = false;
        }
        if (!mr_json_skip(json)) {
            return false;
        }
    }
    return true;
}

static bool
read_shard(struct mr_json *json, struct mr_arena *arena, struct mr_source_shard *shard)
{
    struct mr_slice key;
    bool right = true;
    *shard = (struct mr_source_shard){ .is_open = true };
    mr_json_enter(json);
    while (right && mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "ShardId")) {
            right = read_copy(json, arena, &shard->id);
        } else if (mr_slice_is(key, "ParentShardId")) {
            right = read_copy(json, arena, &shard->parent);
        } else if (mr_slice_is(key, "AdjacentParentShardId")) {
            right = read_copy(json, arena, &shard->adjacent_parent);
        } else if (mr_slice_is(key, "SequenceNumberRange") &&
                   mr_json_peek(json) == MR_JSON_OBJECT) {
            right = read_range(json, shard);
        } else {
            right = mr_json_skip(json);
        }
    }
    return right && shard->id.size > 0;
}

static bool
read_shards(struct mr_json *json, struct mr_arena *arena, struct mr_kinesis_shards *shards)
{
    if (mr_json_peek(json) != MR_JSON_ARRAY || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_element(json)) {
        if (mr_json_peek(json) != MR_JSON_OBJECT ||
            !read_shard(json, arena, new_shard(shards, arena))) {
            return false;
        }
    }
    return true;
}

int
mr_kinesis_answer_shards(struct mr_slice body, struct mr_arena *arena,
                         struct mr_kinesis_shards *shards, struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key;
    bool right = mr_json_peek(&json) == MR_JSON_OBJECT;
    shards->next_token = (struct mr_slice){ NULL, 0 };
    mr_json_enter(&json);
    while (right && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "Shards")) {
            right = read_shards(&json, arena, shards);
        } else if (mr_slice_is(key, "NextToken")) {
            right = read_copy(&json, arena, &shards->next_token);
        } else {
            right = mr_json_skip(&json);
        }
    }
    return right && mr_json_done(&json) ? 0 : bad("ListShards", err);
}

struct description {
    uint64_t created_ms;
    bool has_shards, has_more;
};

static bool
read_description(struct mr_json *json, struct mr_arena *arena, struct mr_kinesis_shards *shards,
                 struct description *description)
{
    struct mr_slice key;
    bool right = mr_json_peek(json) == MR_JSON_OBJECT;
    mr_json_enter(json);
    while (right && mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "Shards")) {
            right = description->has_shards = read_shards(json, arena, shards);
        } else if (mr_slice_is(key, "HasMoreShards")) {
            right = mr_json_bool(json, &description->has_more);
        } else if (mr_slice_is(key, "StreamCreationTimestamp")) {
            right = read_seconds(json, &description->created_ms);
        } else {
            right = mr_json_skip(json);
        }
    }
    return right;
}

int
mr_kinesis_answer_description(struct mr_slice body, struct mr_arena *arena,
                              struct mr_kinesis_shards *shards, uint64_t *out_created_ms,
                              struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct description description = { .created_ms = 1 };
    struct mr_slice key;
    bool right = mr_json_peek(&json) == MR_JSON_OBJECT;
    shards->next_token = (struct mr_slice){ NULL, 0 };
    mr_json_enter(&json);
    while (right && mr_json_next_key(&json, &key)) {
        right = mr_slice_is(key, "StreamDescription")
                    ? read_description(&json, arena, shards, &description)
                    : mr_json_skip(&json);
    }
    if (!right || !mr_json_done(&json) || !description.has_shards) {
        return bad("DescribeStream", err);
    }
    if (description.has_more && shards->count > 0) {
        shards->next_token = shards->list[shards->count - 1].id;
    }
    *out_created_ms = description.created_ms;
    return 0;
}
