#include "poller/source_dynamodb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/arn.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/json_writer.h"
#include "base/list.h"
#include "poller/dynamodb_answer.h"

enum {
    ANSWER_MS = 60000,
    MAX_PAGES = 10000,
    MAX_ANSWER = 32 << 20,
    MAX_RECORDS = 1000, /* of GetRecords: AWS's */
    POLL_MS = 250,      /* AWS: four times a second */
};

/* An iterator of ours may begin with the time before which records are left out: "@MS@". */
static const char from_mark = '@';

/* What sam-templates puts behind a table's ARN. */
static const char unknown_label[] = "/stream/1970-01-01T00:00:00.000";

struct dynamodb_source {
    struct mr_source source; /* first */
    struct mr_aws_client *client;
    struct mr_buf arn;
    bool is_newest;       /* the ARN names the table alone, so far */
    struct mr_list calls; /* under way */
};

struct mr_source_call {
    struct mr_list node;
    struct dynamodb_source *source;
    struct mr_aws_call *aws;
    union {
        mr_source_shards_fn *shards;
        mr_source_iterator_fn *iterator;
        mr_source_records_fn *records;
    } done;
    void *context;
    struct mr_arena arena;
    struct mr_dynamodb_stream stream;
    unsigned pages;
    uint64_t from_ms;         /* 0: all records */
    struct mr_slice shard_id; /* of an iterator; absent: from the trim horizon already */
};

/* ---- calls ---- */

static struct mr_source_call *
new_call(struct mr_source *base, void *context)
{
    struct dynamodb_source *source = (struct dynamodb_source *)base;
    struct mr_source_call *call = mr_alloc_zero(1, sizeof(*call));
    call->source = source;
    call->context = context;
    mr_list_push_back(&source->calls, &call->node);
    return call;
}

static void
free_call(struct mr_source_call *call)
{
    mr_list_remove(&call->node);
    mr_arena_deinit(&call->arena);
    free(call);
}

static void
cancel(struct mr_source *source, struct mr_source_call *call)
{
    (void)source;
    mr_aws_call_cancel(call->aws);
    free_call(call);
}

static void
send(struct mr_source_call *call, const char *target, struct mr_slice body,
     mr_aws_done_fn *done)
{
    struct mr_aws_request request = { .target = mr_slice_str(target),
                                      .content_type = MR_SLICE("application/x-amz-json-1.0"),
                                      .body = body,
                                      .total_ms = ANSWER_MS,
                                      .max_response = MAX_ANSWER };
    call->aws = mr_aws_client_send(call->source->client, &request, done, call);
}

static enum mr_source_fault
fault_of(const struct mr_aws_result *result)
{
    /* Trimmed data: an iterator from the trim horizon is what is left. */
    if (mr_slice_is(result->code, "ExpiredIteratorException") ||
        mr_slice_is(result->code, "TrimmedDataAccessException")) {
        return MR_SOURCE_EXPIRED;
    }
    switch (result->fault) {
    case MR_AWS_OK:
        return MR_SOURCE_OK;
    case MR_AWS_THROTTLED:
        return MR_SOURCE_THROTTLED;
    case MR_AWS_DENIED:
        return MR_SOURCE_DENIED;
    case MR_AWS_NOT_FOUND:
        return MR_SOURCE_GONE;
    default:
        return MR_SOURCE_TROUBLE;
    }
}

/* ---- the shards ---- */

static void
end_listing(struct mr_source_call *call, enum mr_source_fault fault, const struct mr_error *err)
{
    struct mr_source_shards result = { .fault = fault,
                                       .error = err,
                                       .stream_created_ms = call->stream.created_ms,
                                       .shards = call->stream.list,
                                       .count =
                                           fault == MR_SOURCE_OK ? call->stream.count : 0 };
    mr_list_remove(&call->node); /* it can no longer be cancelled */
    call->done.shards(&result, call->context);
    free_call(call);
}

static void on_page(const struct mr_aws_result *result, void *context);

static void
ask_page(struct mr_source_call *call)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "StreamArn", mr_buf_slice(&call->source->arn));
    if (call->stream.last_shard.size > 0) {
        mr_json_member_string(&json, "ExclusiveStartShardId", call->stream.last_shard);
    }
    mr_json_end_object(&json);
    send(call, "DynamoDBStreams_20120810.DescribeStream", mr_buf_slice(&body), on_page);
}

static void
on_page(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    if (result->fault != MR_AWS_OK) {
        end_listing(call, fault_of(result), result->error);
    } else if (mr_dynamodb_answer_stream(mr_buf_slice(result->body), &call->arena,
                                         &call->stream, &err) < 0) {
        end_listing(call, MR_SOURCE_TROUBLE, &err);
    } else if (call->stream.last_shard.size == 0 || ++call->pages == MAX_PAGES) {
        end_listing(call, MR_SOURCE_OK, NULL);
    } else {
        ask_page(call);
    }
}

static void
on_streams(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct dynamodb_source *source = call->source;
    struct mr_slice arn;
    struct mr_error err = { 0 };
    if (result->fault != MR_AWS_OK) {
        end_listing(call, fault_of(result), result->error);
    } else if (mr_dynamodb_answer_newest_stream(mr_buf_slice(result->body), &call->arena, &arn,
                                                &err) < 0) {
        end_listing(call, MR_SOURCE_TROUBLE, &err);
    } else if (arn.size == 0) {
        mr_fail(&err, -ENOENT, "the table has no stream");
        end_listing(call, MR_SOURCE_GONE, &err);
    } else {
        mr_buf_clear(&source->arn);
        mr_buf_append_slice(&source->arn, arn);
        source->is_newest = false;
        ask_page(call);
    }
}

static void
ask_streams(struct mr_source_call *call)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    struct mr_slice name = mr_buf_slice(&call->source->arn);
    struct mr_arn arn;
    if (mr_arn_parse(name, &arn)) {
        name = mr_slice_first(arn.resource, arn.resource.size - strlen(unknown_label));
        (void)mr_slice_cut(&name, '/'); /* "table/" */
    }
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "TableName", name);
    mr_json_end_object(&json);
    send(call, "DynamoDBStreams_20120810.ListStreams", mr_buf_slice(&body), on_streams);
}

static struct mr_source_call *
list_shards(struct mr_source *source, mr_source_shards_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, context);
    call->done.shards = done;
    if (call->source->is_newest) {
        ask_streams(call);
    } else {
        ask_page(call);
    }
    return call;
}

/* ---- iterators ---- */

static struct mr_slice
mark(struct mr_source_call *call, struct mr_slice iterator)
{
    if (call->from_ms == 0 || iterator.size == 0) {
        return iterator;
    }
    return mr_slice_str(mr_arena_printf(&call->arena, "%c%llu%c%.*s", from_mark,
                                        (unsigned long long)call->from_ms, from_mark,
                                        MR_SLICE_ARGS(iterator)));
}

static struct mr_slice
unmark(struct mr_slice iterator, uint64_t *out_from_ms)
{
    struct mr_slice rest = mr_slice_from(iterator, 1);
    struct mr_slice number = mr_slice_cut(&rest, (uint8_t)from_mark);
    *out_from_ms = 0;
    if (iterator.size == 0 || iterator.data[0] != (uint8_t)from_mark || rest.data == NULL ||
        !mr_slice_to_u64(number, out_from_ms)) {
        return iterator;
    }
    return rest;
}

static void on_iterator(const struct mr_aws_result *result, void *context);

static void
ask_iterator(struct mr_source_call *call, struct mr_slice shard_id, const char *type,
             struct mr_slice sequence_number)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "StreamArn", mr_buf_slice(&call->source->arn));
    mr_json_member_string(&json, "ShardId", shard_id);
    mr_json_member_str(&json, "ShardIteratorType", type);
    if (sequence_number.size > 0) {
        mr_json_member_string(&json, "SequenceNumber", sequence_number);
    }
    mr_json_end_object(&json);
    send(call, "DynamoDBStreams_20120810.GetShardIterator", mr_buf_slice(&body), on_iterator);
}

static void
on_iterator(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    if (mr_slice_is(result->code, "TrimmedDataAccessException") && call->shard_id.size > 0) {
        /* Where we stood is gone: go on with the oldest there is. */
        struct mr_slice shard_id = call->shard_id;
        call->shard_id = (struct mr_slice){ NULL, 0 };
        ask_iterator(call, shard_id, "TRIM_HORIZON", call->shard_id);
        return;
    }
    struct mr_source_iterator answer = { .fault = fault_of(result), .error = result->error };
    if (result->fault == MR_AWS_OK &&
        mr_dynamodb_answer_iterator(mr_buf_slice(result->body), &call->arena, &answer.iterator,
                                    &err) < 0) {
        answer.fault = MR_SOURCE_TROUBLE;
        answer.error = &err;
    }
    answer.iterator = mark(call, answer.iterator);
    mr_list_remove(&call->node);
    call->done.iterator(&answer, call->context);
    free_call(call);
}

static struct mr_source_call *
get_iterator(struct mr_source *source, const struct mr_source_place *place,
             mr_source_iterator_fn *done, void *context)
{
    static const char *const types[] = {
        [MR_POSITION_TRIM_HORIZON] = "TRIM_HORIZON",
        [MR_POSITION_LATEST] = "LATEST",
        [MR_POSITION_TIMESTAMP] = "TRIM_HORIZON",
        [MR_POSITION_AFTER] = "AFTER_SEQUENCE_NUMBER",
    };
    struct mr_source_call *call = new_call(source, context);
    bool is_after = place->position == MR_POSITION_AFTER;
    call->done.iterator = done;
    if (place->position == MR_POSITION_TIMESTAMP) {
        call->from_ms = place->timestamp_ms / 1000 * 1000;
    }
    if (is_after) {
        call->shard_id = mr_arena_copy(&call->arena, place->shard_id);
    }
    ask_iterator(call, place->shard_id, types[place->position],
                 is_after ? place->sequence_number : (struct mr_slice){ NULL, 0 });
    return call;
}

/* ---- records ---- */

static void
on_records(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    struct mr_source_records answer = { .fault = fault_of(result), .error = result->error };
    if (result->fault == MR_AWS_OK &&
        mr_dynamodb_answer_records(mr_buf_slice(result->body), mr_buf_slice(&call->source->arn),
                                   call->from_ms, &call->arena, &answer, &err) < 0) {
        answer = (struct mr_source_records){ .fault = MR_SOURCE_TROUBLE, .error = &err };
    }
    struct mr_record_block *block = answer.block;
    if (answer.count == 0) {
        answer.next = mark(call, answer.next); /* still before that time */
    }
    mr_list_remove(&call->node);
    call->done.records(&answer, call->context);
    mr_record_block_unref(block);
    free_call(call);
}

static struct mr_source_call *
get_records(struct mr_source *source, struct mr_slice iterator, size_t limit, uint64_t wait_ms,
            mr_source_records_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, context);
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    (void)wait_ms; /* the API cannot wait */
    call->done.records = done;
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "ShardIterator", unmark(iterator, &call->from_ms));
    mr_json_member_i64(&json, "Limit", (int64_t)(limit < MAX_RECORDS ? limit : MAX_RECORDS));
    mr_json_end_object(&json);
    send(call, "DynamoDBStreams_20120810.GetRecords", mr_buf_slice(&body), on_records);
    return call;
}

/* ---- life ---- */

static void
free_source(struct mr_source *base)
{
    struct dynamodb_source *source = (struct dynamodb_source *)base;
    while (!mr_list_empty(&source->calls)) {
        cancel(base, MR_CONTAINER_OF(source->calls.next, struct mr_source_call, node));
    }
    mr_buf_deinit(&source->arn);
    free(source);
}

struct mr_source *
mr_source_dynamodb_new(const struct mr_source_dynamodb_options *options)
{
    static const struct mr_source_ops ops = { list_shards, get_iterator, get_records, cancel,
                                              free_source };
    struct dynamodb_source *source = mr_alloc_zero(1, sizeof(*source));
    source->source = (struct mr_source){ .ops = &ops, .poll_ms = POLL_MS };
    source->client = options->client;
    mr_buf_append_slice(&source->arn, options->stream_arn);
    source->is_newest = mr_slice_ends_with(options->stream_arn, mr_slice_str(unknown_label));
    mr_list_init(&source->calls);
    return &source->source;
}
