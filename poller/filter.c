#include "poller/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "poller/pattern_inside.h"

struct mr_filter {
    struct mr_pattern *patterns[MR_LAMBDA_MAX_FILTERS];
    const struct mr_node *data[MR_LAMBDA_MAX_FILTERS]; /* where "data" is asked for, or NULL */
    size_t count;
    bool wants_data;
    bool whole_records;
    struct mr_arena arena;
    struct mr_slice source_arn, region, role_arn;
};

/* Lambda takes patterns for the data only as an object: {"data":{"key":[...]}}. */
static int
check_data(const struct mr_pattern *pattern, struct mr_error *err)
{
    const struct mr_node *data = mr_node_child(&pattern->root, MR_SLICE("data"));
    if (data != NULL && data->clauses != NULL) {
        return mr_fail(err, -EINVAL,
                       "\"data\" must be an object: a record's data is matched as JSON");
    }
    return 0;
}

static int
add_pattern(struct mr_filter *filter, struct mr_slice text, struct mr_error *err)
{
    struct mr_pattern *pattern = mr_pattern_new(text, err);
    size_t number = filter->count + 1;
    if (pattern == NULL) {
        return mr_wrap(err, "filter %zu", number);
    }
    filter->patterns[filter->count] = pattern;
    filter->data[filter->count] = mr_node_child(&pattern->root, MR_SLICE("data"));
    filter->wants_data |= filter->data[filter->count] != NULL;
    filter->count++;
    return !filter->whole_records && check_data(pattern, err) < 0 ? mr_wrap(err, "filter %zu", number) : 0;
}

struct mr_filter *
mr_filter_new(const struct mr_slice *patterns, size_t count,
              const struct mr_filter_source *source, struct mr_error *err)
{
    struct mr_filter *filter = mr_alloc_zero(1, sizeof(*filter));
    if (count > MR_LAMBDA_MAX_FILTERS) {
        mr_fail(err, -EINVAL, "%zu filters are more than %d", count, MR_LAMBDA_MAX_FILTERS);
        mr_filter_free(filter);
        return NULL;
    }
    filter->source_arn = mr_arena_copy(&filter->arena, source->source_arn);
    filter->whole_records = source->whole_records;
    filter->region = mr_arena_copy(&filter->arena, source->region);
    filter->role_arn = mr_arena_copy(&filter->arena, source->role_arn);
    for (size_t i = 0; i < count; i++) {
        if (add_pattern(filter, patterns[i], err) < 0) {
            mr_filter_free(filter);
            return NULL;
        }
    }
    return filter;
}

void
mr_filter_free(struct mr_filter *filter)
{
    if (filter == NULL) {
        return;
    }
    for (size_t i = 0; i < filter->count; i++) {
        mr_pattern_free(filter->patterns[i]);
    }
    mr_arena_deinit(&filter->arena);
    free(filter);
}

/* ---- a record as the filter sees it ---- */

static void
show(struct mr_gather *gather, const struct mr_pattern *pattern, const char *name, int kind,
     struct mr_slice text)
{
    const struct mr_node *node = mr_node_child(&pattern->root, mr_slice_str(name));
    struct mr_pattern_value value = { .kind = kind, .text = text };
    if (node != NULL && node->clauses != NULL) {
        mr_gather_value(gather, node, &value);
    }
}

static void
show_metadata(const struct mr_filter *filter, struct mr_gather *gather,
              const struct mr_pattern *pattern, const struct mr_record *record,
              struct mr_slice shard_id, struct mr_arena *scratch)
{
    const char *arrival =
        mr_arena_printf(scratch, "%llu.%03llu", (unsigned long long)record->arrival_ms / 1000,
                        (unsigned long long)record->arrival_ms % 1000);
    const char *id = mr_arena_printf(scratch, "%.*s:%.*s", MR_SLICE_ARGS(shard_id),
                                     MR_SLICE_ARGS(record->sequence_number));

    show(gather, pattern, "kinesisSchemaVersion", VALUE_STRING, MR_SLICE("1.0"));
    show(gather, pattern, "partitionKey", VALUE_STRING,
         mr_json_unescape(record->partition_key, scratch));
    show(gather, pattern, "sequenceNumber", VALUE_STRING, record->sequence_number);
    show(gather, pattern, "approximateArrivalTimestamp", VALUE_NUMBER, mr_slice_str(arrival));
    show(gather, pattern, "eventSource", VALUE_STRING, MR_SLICE("aws:kinesis"));
    show(gather, pattern, "eventVersion", VALUE_STRING, MR_SLICE("1.0"));
    show(gather, pattern, "eventID", VALUE_STRING, mr_slice_str(id));
    show(gather, pattern, "eventName", VALUE_STRING, MR_SLICE("aws:kinesis:record"));
    show(gather, pattern, "invokeIdentityArn", VALUE_STRING, filter->role_arn);
    show(gather, pattern, "awsRegion", VALUE_STRING, filter->region);
    show(gather, pattern, "eventSourceARN", VALUE_STRING, filter->source_arn);
}

/* The record's data when it is JSON; absent when it is not. */
static struct mr_slice
decode_data(const struct mr_record *record, struct mr_arena *scratch)
{
    struct mr_slice none = { NULL, 0 };
    uint8_t *data = mr_arena_alloc(scratch, mr_base64_decoded_max(record->data.size) + 1);
    ssize_t size = mr_base64_decode(record->data, data, NULL);
    if (size < 0 || !mr_json_valid(mr_slice_of(data, (size_t)size))) {
        return none;
    }
    return mr_slice_of(data, (size_t)size);
}

static struct mr_gather *
gather_record(const struct mr_filter *filter, size_t number, const struct mr_record *record,
              struct mr_slice shard_id, struct mr_slice data, struct mr_arena *scratch,
              bool with_found)
{
    const struct mr_pattern *pattern = filter->patterns[number];
    struct mr_gather *gather = mr_gather_new(pattern, scratch, with_found);
    const struct mr_node *node = filter->data[number];

    if (filter->whole_records) {
        (void)mr_gather_json(gather, &pattern->root, record->data);
        return gather;
    }
    show_metadata(filter, gather, pattern, record, shard_id, scratch);
    if (node != NULL && (data.data == NULL || !mr_gather_json(gather, node, data))) {
        mr_gather_spoil(gather, node);
    }
    return gather;
}

bool
mr_filter_pass(const struct mr_filter *filter, const struct mr_record *record,
               struct mr_slice shard_id, struct mr_arena *scratch)
{
    struct mr_slice data = { NULL, 0 };
    if (filter->count == 0) {
        return true;
    }
    if (filter->wants_data && !filter->whole_records) {
        data = decode_data(record, scratch);
    }
    for (size_t i = 0; i < filter->count; i++) {
        if (mr_gather_matches(
                gather_record(filter, i, record, shard_id, data, scratch, false))) {
            return true;
        }
    }
    return false;
}

bool
mr_filter_explain(const struct mr_filter *filter, const struct mr_record *record,
                  struct mr_slice shard_id, struct mr_arena *scratch, struct mr_buf *out_lines)
{
    struct mr_slice data = { NULL, 0 };
    if (!filter->whole_records) {
        data = decode_data(record, scratch);
    }
    size_t before = out_lines->size;
    for (size_t i = 0; i < filter->count; i++) {
        struct mr_gather *gather =
            gather_record(filter, i, record, shard_id, data, scratch, true);
        if (mr_gather_matches(gather)) {
            out_lines->size = before;
            return true;
        }
        if (filter->count > 1) {
            mr_buf_printf(out_lines, "filter %zu:\n", i + 1);
        }
        mr_gather_explain(gather, out_lines);
    }
    return filter->count == 0;
}
