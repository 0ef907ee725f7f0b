#include "poller/source_kinesis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/arn.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/json_writer.h"
#include "base/list.h"
#include "poller/kinesis_answer.h"

enum {
    ANSWER_MS = 60000,     /* real time for an answer, beyond what it was asked to wait */
    MAX_PAGES = 10000,     /* of ListShards: a token that never ends is a fault */
    MAX_ANSWER = 32 << 20, /* 10 MiB of records in base64, and JSON around */
};

struct kinesis_source {
    struct mr_source source; /* first */
    struct mr_aws_client *client;
    struct mr_buf arn, stream_name;
    bool may_not_list; /* ListShards or its like was refused: DescribeStream has it all too */
    struct mr_list calls; /* under way */
};

struct mr_source_call {
    struct mr_list node;
    struct kinesis_source *source;
    struct mr_aws_call *aws;
    union {
        mr_source_shards_fn *shards;
        mr_source_iterator_fn *iterator;
        mr_source_records_fn *records;
    } done;
    void *context;

    /* Of a listing, which takes several requests. */
    struct mr_arena arena;
    uint64_t created_ms;
    struct mr_kinesis_shards shards;
    unsigned pages;
};

/* ---- calls ---- */

static struct mr_source_call *
new_call(struct mr_source *base, void *context)
{
    struct kinesis_source *source = (struct kinesis_source *)base;
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
send(struct mr_source_call *call, const char *target, struct mr_slice body, uint64_t wait_ms,
     mr_aws_done_fn *done)
{
    char wait[24];
    snprintf(wait, sizeof(wait), "%llu", (unsigned long long)wait_ms);
    struct mr_http_header header = { MR_SLICE("X-Millrace-Wait-Ms"), mr_slice_str(wait) };
    struct mr_aws_request request = { .target = mr_slice_str(target),
                                      .headers = wait_ms > 0 ? &header : NULL,
                                      .header_count = wait_ms > 0 ? 1 : 0,
                                      .body = body,
                                      .total_ms = ANSWER_MS + wait_ms,
                                      .max_response = MAX_ANSWER };
    call->aws = mr_aws_client_send(call->source->client, &request, done, call);
}

static enum mr_source_fault
fault_of(const struct mr_aws_result *result)
{
    if (mr_slice_is(result->code, "ExpiredIteratorException")) {
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

/* Which stream: by ARN, and by name for servers that know no ARNs here. */
static void
name_stream(const struct kinesis_source *source, struct mr_json_writer *json)
{
    mr_json_member_string(json, "StreamName", mr_buf_slice(&source->stream_name));
    mr_json_member_string(json, "StreamARN", mr_buf_slice(&source->arn));
}

/* ---- the shards ---- */

static void
end_listing(struct mr_source_call *call, enum mr_source_fault fault, const struct mr_error *err)
{
    struct mr_source_shards result = { .fault = fault,
                                       .error = err,
                                       .stream_created_ms = call->created_ms,
                                       .shards = call->shards.list,
                                       .count =
                                           fault == MR_SOURCE_OK ? call->shards.count : 0 };
    mr_list_remove(&call->node); /* it can no longer be cancelled */
    call->done.shards(&result, call->context);
    free_call(call);
}

/*
 * A role that AWS would let read a stream may lack ListShards and DescribeStreamSummary: AWS
 * asks DescribeStream, and so do we when we may not do otherwise, or the server knows no other.
 */
static void on_description(const struct mr_aws_result *result, void *context);

static void
describe(struct mr_source_call *call)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    name_stream(call->source, &json);
    if (call->shards.next_token.size > 0) {
        mr_json_member_string(&json, "ExclusiveStartShardId", call->shards.next_token);
    }
    mr_json_end_object(&json);
    send(call, "Kinesis_20131202.DescribeStream", mr_buf_slice(&body), 0, on_description);
}

static void
on_description(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    if (result->fault != MR_AWS_OK) {
        end_listing(call, fault_of(result), result->error);
    } else if (mr_kinesis_answer_description(mr_buf_slice(result->body), &call->arena,
                                             &call->shards, &call->created_ms, &err) < 0) {
        end_listing(call, MR_SOURCE_TROUBLE, &err);
    } else if (call->shards.next_token.size == 0 || ++call->pages == MAX_PAGES) {
        end_listing(call, MR_SOURCE_OK, NULL);
    } else {
        describe(call);
    }
}

/* True: it is tried in the other way. */
static bool
try_other_way(struct mr_source_call *call, const struct mr_aws_result *result)
{
    if (result->fault != MR_AWS_DENIED && result->fault != MR_AWS_REFUSED) {
        return false;
    }
    call->source->may_not_list = true;
    call->shards = (struct mr_kinesis_shards){ .list = NULL };
    describe(call);
    return true;
}

static void on_page(const struct mr_aws_result *result, void *context);

static void
ask_page(struct mr_source_call *call)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    if (call->shards.next_token.size > 0) {
        mr_json_member_string(&json, "NextToken", call->shards.next_token);
    } else {
        name_stream(call->source, &json);
    }
    mr_json_end_object(&json);
    send(call, "Kinesis_20131202.ListShards", mr_buf_slice(&body), 0, on_page);
}

static void
on_page(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    if (try_other_way(call, result)) {
        return;
    }
    if (result->fault != MR_AWS_OK) {
        end_listing(call, fault_of(result), result->error);
    } else if (mr_kinesis_answer_shards(mr_buf_slice(result->body), &call->arena, &call->shards,
                                        &err) < 0) {
        end_listing(call, MR_SOURCE_TROUBLE, &err);
    } else if (call->shards.next_token.size == 0 || ++call->pages == MAX_PAGES) {
        end_listing(call, MR_SOURCE_OK, NULL);
    } else {
        ask_page(call);
    }
}

static void
on_summary(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    if (try_other_way(call, result)) {
        return;
    }
    if (result->fault != MR_AWS_OK) {
        end_listing(call, fault_of(result), result->error);
    } else if (mr_kinesis_answer_created(mr_buf_slice(result->body), &call->created_ms, &err) <
               0) {
        end_listing(call, MR_SOURCE_TROUBLE, &err);
    } else {
        ask_page(call);
    }
}

static struct mr_source_call *
list_shards(struct mr_source *source, mr_source_shards_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, context);
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    call->done.shards = done;
    if (call->source->may_not_list) {
        describe(call);
        return call;
    }
    mr_json_begin_object(&json);
    name_stream(call->source, &json);
    mr_json_end_object(&json);
    send(call, "Kinesis_20131202.DescribeStreamSummary", mr_buf_slice(&body), 0, on_summary);
    return call;
}

/* ---- iterators ---- */

static void
on_iterator(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    struct mr_source_iterator answer = { .fault = fault_of(result), .error = result->error };
    if (result->fault == MR_AWS_OK &&
        mr_kinesis_answer_iterator(mr_buf_slice(result->body), &call->arena, &answer.iterator,
                                   &err) < 0) {
        answer.fault = MR_SOURCE_TROUBLE;
        answer.error = &err;
    }
    mr_list_remove(&call->node);
    call->done.iterator(&answer, call->context);
    free_call(call);
}

static void
write_place(const struct mr_source_place *place, struct mr_json_writer *json)
{
    static const char *const types[] = {
        [MR_POSITION_TRIM_HORIZON] = "TRIM_HORIZON",
        [MR_POSITION_LATEST] = "LATEST",
        [MR_POSITION_TIMESTAMP] = "AT_TIMESTAMP",
        [MR_POSITION_AFTER] = "AFTER_SEQUENCE_NUMBER",
    };
    mr_json_member_string(json, "ShardId", place->shard_id);
    mr_json_member_str(json, "ShardIteratorType", types[place->position]);
    if (place->position == MR_POSITION_AFTER) {
        mr_json_member_string(json, "StartingSequenceNumber", place->sequence_number);
    }
    if (place->position == MR_POSITION_TIMESTAMP) {
        mr_json_key(json, "Timestamp");
        mr_json_put_seconds(json, place->timestamp_ms);
    }
}

static struct mr_source_call *
get_iterator(struct mr_source *source, const struct mr_source_place *place,
             mr_source_iterator_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, context);
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    call->done.iterator = done;
    mr_json_begin_object(&json);
    name_stream(call->source, &json);
    write_place(place, &json);
    mr_json_end_object(&json);
    send(call, "Kinesis_20131202.GetShardIterator", mr_buf_slice(&body), 0, on_iterator);
    return call;
}

/* ---- records ---- */

/* An iterator the server cannot read, as after its keys were lost, is as good as expired. */
static enum mr_source_fault
records_fault(const struct mr_aws_result *result)
{
    enum mr_source_fault fault = fault_of(result);
    bool invalid = mr_slice_is(result->code, "InvalidArgumentException");
    return fault == MR_SOURCE_TROUBLE && invalid ? MR_SOURCE_EXPIRED : fault;
}

static void
on_records(const struct mr_aws_result *result, void *context)
{
    struct mr_source_call *call = context;
    struct mr_error err = { 0 };
    struct mr_source_records answer = { 0 };
    if (result->fault != MR_AWS_OK) {
        answer.fault = records_fault(result);
        answer.error = result->error;
    } else if (mr_kinesis_answer_records(result->body, &answer, &err) < 0) {
        answer.fault = MR_SOURCE_TROUBLE;
        answer.error = &err;
    }
    struct mr_record_block *block = answer.block;
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
    call->done.records = done;
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "ShardIterator", iterator);
    mr_json_member_i64(&json, "Limit", (int64_t)limit);
    mr_json_member_string(&json, "StreamARN", mr_buf_slice(&call->source->arn));
    mr_json_end_object(&json);
    send(call, "Kinesis_20131202.GetRecords", mr_buf_slice(&body), source->waits ? wait_ms : 0,
         on_records);
    return call;
}

/* ---- life ---- */

static void
free_source(struct mr_source *base)
{
    struct kinesis_source *source = (struct kinesis_source *)base;
    MR_LIST_EACH(node, &source->calls)
    {
        cancel(base, MR_CONTAINER_OF(node, struct mr_source_call, node));
    }
    mr_buf_deinit(&source->arn);
    mr_buf_deinit(&source->stream_name);
    free(source);
}

struct mr_source *
mr_source_kinesis_new(const struct mr_source_kinesis_options *options, struct mr_error *err)
{
    static const struct mr_source_ops ops = { list_shards, get_iterator, get_records, cancel,
                                              free_source };
    struct mr_kinesis_arn arn;
    if (!mr_kinesis_arn_parse(options->source_arn, &arn) || arn.consumer_name.data != NULL) {
        mr_fail(err, -EINVAL, "%.*s is not the ARN of a Kinesis stream",
                MR_SLICE_ARGS(options->source_arn));
        return NULL;
    }
    struct kinesis_source *source = mr_alloc_zero(1, sizeof(*source));
    source->source = (struct mr_source){ .ops = &ops, .waits = options->waits };
    source->client = options->client;
    mr_buf_append_slice(&source->arn, options->source_arn);
    mr_buf_append_slice(&source->stream_name, arn.stream_name);
    mr_list_init(&source->calls);
    return &source->source;
}
