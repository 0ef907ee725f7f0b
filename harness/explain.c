#include "harness/explain.h"

#include <errno.h>
#include <math.h>

#include "aws/base64.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "poller/filter.h"

static int
reject(struct mr_buf *out, const struct mr_error *err)
{
    mr_buf_printf(out, "rejected: %s\n", err->text);
    return MR_EXPLAINED_REJECTED;
}

int
mr_explain_pattern(struct mr_slice pattern_text, struct mr_slice event, bool why,
                   struct mr_buf *out, struct mr_error *err)
{
    struct mr_error reason = { 0 };
    mr_auto_arena struct mr_arena scratch = { 0 };
    mr_auto_buf struct mr_buf lines = { 0 };
    mr_auto(mr_pattern_free) struct mr_pattern *pattern =
        mr_pattern_new(mr_slice_trim(pattern_text), &reason);

    if (pattern == NULL) {
        return reject(out, &reason);
    }
    enum mr_pattern_verdict verdict = mr_pattern_explain(pattern, event, &scratch, &lines);
    if (verdict == MR_PATTERN_BAD_EVENT && !mr_json_valid(event)) {
        return mr_fail(err, -EINVAL, "the event is not JSON");
    }
    if (verdict == MR_PATTERN_MATCH) {
        mr_buf_append_str(out, "match\n");
        return MR_EXPLAINED_MATCH;
    }
    mr_buf_append_str(out, "no-match\n");
    if (why) {
        mr_buf_append_slice(out, verdict == MR_PATTERN_BAD_EVENT
                                     ? MR_SLICE("the event is not a JSON object\n")
                                     : mr_buf_slice(&lines));
    }
    return MR_EXPLAINED_NO_MATCH;
}

/* ---- records ---- */

/* A string member of the object `json` is in, or of the record itself. */
static void
take_string(struct mr_json *json, struct mr_arena *arena, struct mr_slice *out_text)
{
    struct mr_slice text;
    if (mr_json_peek(json) != MR_JSON_STRING) {
        (void)mr_json_skip(json);
    } else if (mr_json_string(json, arena, &text)) {
        *out_text = mr_arena_copy(arena, text);
    }
}

/* False when there is no data in it. */
static bool
read_kinesis(struct mr_json *json, struct mr_arena *arena, struct mr_explain_record *record)
{
    struct mr_slice key, data = { NULL, 0 }, ignored;
    double seconds;
    if (mr_json_peek(json) != MR_JSON_OBJECT) {
        (void)mr_json_skip(json);
        return false;
    }
    (void)mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "approximateArrivalTimestamp")) {
            if (mr_json_f64(json, &seconds) && seconds >= 0 && seconds < 1e12) {
                record->arrival_ms = (uint64_t)llround(seconds * 1000);
            } else {
                (void)mr_json_skip(json);
            }
            continue;
        }
        take_string(json, arena,
                    mr_slice_is(key, "data")             ? &data
                    : mr_slice_is(key, "partitionKey")   ? &record->partition_key
                    : mr_slice_is(key, "sequenceNumber") ? &record->sequence_number
                                                         : &ignored);
    }
    uint8_t *bytes = mr_arena_alloc(arena, mr_base64_decoded_max(data.size) + 1);
    ssize_t size = data.data == NULL ? -1 : mr_base64_decode(data, bytes, NULL);
    if (size >= 0) {
        record->data = mr_slice_of(bytes, (size_t)size);
    }
    return size >= 0;
}

void
mr_explain_read_record(struct mr_slice text, struct mr_arena *arena,
                       struct mr_explain_record *record)
{
    struct mr_json json = mr_json_of(text);
    struct mr_explain_record inside = *record;
    struct mr_slice key, id = { NULL, 0 }, ignored;
    bool has_data = false;

    record->data = mr_arena_copy(arena, text);
    if (mr_json_peek(&json) != MR_JSON_OBJECT) {
        return;
    }
    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "kinesis")) {
            has_data = read_kinesis(&json, arena, &inside);
            continue;
        }
        take_string(&json, arena,
                    mr_slice_is(key, "eventID")             ? &id
                    : mr_slice_is(key, "eventSourceARN")    ? &inside.source_arn
                    : mr_slice_is(key, "awsRegion")         ? &inside.region
                    : mr_slice_is(key, "invokeIdentityArn") ? &inside.role_arn
                                                            : &ignored);
    }
    if (mr_json_done(&json) && has_data) {
        if (id.data != NULL) {
            inside.shard_id = mr_slice_cut(&id, ':');
        }
        *record = inside;
    }
}

int
mr_explain_filters(const struct mr_slice *filters, size_t count,
                   const struct mr_explain_record *record, struct mr_buf *out)
{
    struct mr_error reason = { 0 };
    mr_auto_arena struct mr_arena scratch = { 0 };
    mr_auto_buf struct mr_buf lines = { 0 }, key = { 0 }, data = { 0 };
    struct mr_filter_source source = { .source_arn = record->source_arn,
                                       .region = record->region,
                                       .role_arn = record->role_arn };
    mr_auto(mr_filter_free) struct mr_filter *filter =
        mr_filter_new(filters, count, &source, &reason);

    if (filter == NULL) {
        return reject(out, &reason);
    }
    mr_json_escape(&key, record->partition_key);
    mr_base64_append(&data, record->data);
    struct mr_record carried = {
        .sequence_number = record->sequence_number,
        .partition_key = mr_buf_slice(&key),
        .data = mr_buf_slice(&data),
        .arrival_ms = record->arrival_ms,
    };
    if (mr_filter_explain(filter, &carried, record->shard_id, &scratch, &lines)) {
        mr_buf_append_str(out, "match\n");
        return MR_EXPLAINED_MATCH;
    }
    mr_buf_append_str(out, "no-match\n");
    mr_buf_append_slice(out, mr_buf_slice(&lines));
    return MR_EXPLAINED_NO_MATCH;
}
