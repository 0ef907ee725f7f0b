#include <errno.h>
#include <string.h>

#include "base/json_reader.h"
#include "poller/dynamodb_answer.h"
#include "poller/event_kinesis.h"
#include "poller/filter.h"
#include "poller/source_dynamodb.h"
#include "tests/aws/service.h"

static const char arn[] =
    "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2025-11-25T15:47:01.123";

/* As the API answers: its own order of members, whole seconds. */
static const char records[] =
    "{\"NextShardIterator\":\"next\",\"Records\":[{\"awsRegion\":\"us-east-1\",\"dynamodb\":{"
    "\"ApproximateCreationDateTime\":1764085660,\"Keys\":{\"k\":{\"S\":\"hello\"}},"
    "\"NewImage\":{\"b\":{\"B\":\"Zm9v\"},\"k\":{\"S\":\"hello\"}},"
    "\"SequenceNumber\":\"100000000003498069978\",\"SizeBytes\":70,"
    "\"StreamViewType\":\"NEW_IMAGE\"},\"eventID\":\"c81e728d9d4c2f636f067f89cc14862c\","
    "\"eventName\":\"INSERT\",\"eventSource\":\"aws:dynamodb\",\"eventVersion\":\"1.1\"},"
    "{\"eventID\":\"2\",\"eventName\":\"REMOVE\",\"eventVersion\":\"1.1\",\"eventSource\":"
    "\"aws:dynamodb\",\"awsRegion\":\"us-east-1\",\"dynamodb\":{"
    "\"ApproximateCreationDateTime\":"
    "1764085661.0,\"Keys\":{\"k\":{\"S\":\"b\"}},\"SequenceNumber\":\"100000000003498069979\"},"
    "\"userIdentity\":{\"PrincipalId\":\"dynamodb.amazonaws.com\",\"Type\":\"Service\"}}]}";

#define EVENT_1                                                                              \
    "{\"eventID\":\"c81e728d9d4c2f636f067f89cc14862c\",\"eventName\":\"INSERT\","            \
    "\"eventVersion\":\"1.1\",\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"us-east-1\"," \
    "\"dynamodb\":{\"ApproximateCreationDateTime\":1764085660,\"Keys\":{\"k\":{\"S\":"       \
    "\"hello\"}},\"NewImage\":{\"b\":{\"B\":\"Zm9v\"},\"k\":{\"S\":\"hello\"}},"             \
    "\"SequenceNumber\":\"100000000003498069978\",\"SizeBytes\":70,"                         \
    "\"StreamViewType\":\"NEW_IMAGE\"},\"eventSourceARN\":\"arn:aws:dynamodb:us-east-1:"     \
    "123456789012:table/t/stream/2025-11-25T15:47:01.123\"}"
#define EVENT_2                                                                             \
    "{\"eventID\":\"2\",\"eventName\":\"REMOVE\",\"eventVersion\":\"1.1\",\"eventSource\":" \
    "\"aws:dynamodb\",\"awsRegion\":\"us-east-1\",\"dynamodb\":{"                           \
    "\"ApproximateCreationDateTime\":1764085661.0,\"Keys\":{\"k\":{\"S\":\"b\"}},"          \
    "\"SequenceNumber\":\"100000000003498069979\"},\"userIdentity\":{\"type\":\"Service\"," \
    "\"principalId\":\"dynamodb.amazonaws.com\"},\"eventSourceARN\":\"arn:aws:dynamodb:"    \
    "us-east-1:123456789012:table/t/stream/2025-11-25T15:47:01.123\"}"

static struct mr_source_records
read_records(uint64_t from_ms, struct mr_arena *arena)
{
    struct mr_source_records result;
    ck_assert_int_eq(mr_dynamodb_answer_records(mr_slice_str(records), mr_slice_str(arn),
                                                from_ms, arena, &result, NULL),
                     0);
    return result;
}

START_TEST(a_record_is_the_events_own_text)
{
    mr_auto_arena struct mr_arena arena = { 0 };

    struct mr_source_records result = read_records(0, &arena);

    ck_assert_uint_eq(result.count, 2);
    ck_assert(mr_slice_is(result.next, "next"));
    ck_assert(mr_slice_is(result.records[0].data, EVENT_1));
    ck_assert(mr_slice_is(result.records[0].sequence_number, "100000000003498069978"));
    ck_assert(mr_slice_is(result.records[0].partition_key, "{\"k\":{\"S\":\"hello\"}}"));
    ck_assert_uint_eq(result.records[0].arrival_ms, 1764085660000);
    ck_assert(mr_slice_is(result.records[1].data, EVENT_2));
    mr_record_block_unref(result.block);
}
END_TEST

START_TEST(what_is_older_than_asked_for_is_left_out)
{
    mr_auto_arena struct mr_arena arena = { 0 };

    struct mr_source_records result = read_records(1764085661000, &arena);

    ck_assert_uint_eq(result.count, 1);
    ck_assert(mr_slice_is(result.records[0].data, EVENT_2));
    mr_record_block_unref(result.block);
    result = read_records(1764085662000, &arena);
    ck_assert_uint_eq(result.count, 0);
    ck_assert_ptr_null(result.block);
}
END_TEST

START_TEST(an_event_of_whole_records_is_counted_to_the_byte)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf event = { 0 };
    struct mr_source_records result = read_records(0, &arena);
    struct mr_event_kinesis_options options = { .shard_id = MR_SLICE("shardId-1"),
                                                .source_arn = mr_slice_str(arn),
                                                .whole_records = true };
    mr_auto(mr_event_kinesis_free) struct mr_event_kinesis *writer =
        mr_event_kinesis_new(&options);
    size_t told = mr_event_kinesis_envelope_size(writer) + 1;

    mr_event_kinesis_begin(&event);
    for (size_t i = 0; i < 2; i++) {
        told += mr_event_kinesis_record_size(writer, &result.records[i]);
        mr_event_kinesis_record(writer, &event, &result.records[i], i == 0);
    }
    mr_event_kinesis_end(writer, &event, NULL);

    ck_assert_str_eq(mr_buf_cstr(&event), "{\"Records\":[" EVENT_1 "," EVENT_2 "]}");
    ck_assert_uint_eq(event.size, told);
    mr_record_block_unref(result.block);
}
END_TEST

static const struct {
    const char *pattern;
    bool first, second;
} filters[] = {
    { "{\"eventName\":[\"INSERT\"]}", true, false },
    { "{\"eventName\":[\"INSERT\"],\"eventSource\":[\"aws:dynamodb\"]}", true, false },
    { "{\"dynamodb\":{\"NewImage\":{\"k\":{\"S\":[\"hello\"]}}}}", true, false },
    { "{\"dynamodb\":{\"NewImage\":{\"k\":[{\"exists\":false}]}}}", true, true },
    { "{\"dynamodb\":{\"NewImage\":{\"k\":[\"hello\"]}}}", false, false },
    { "{\"dynamodb\":{\"ApproximateCreationDateTime\":[{\"numeric\":[\">\",0]}]}}", true,
      true },
    { "{\"data\":{\"a\":[1]}}", false, false },
};

START_TEST(a_tables_records_are_filtered_in_their_typed_form)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_source_records result = read_records(0, &arena);
    struct mr_filter_source source = { .whole_records = true };
    struct mr_slice pattern = mr_slice_str(filters[_i].pattern);
    mr_auto(mr_filter_free) struct mr_filter *filter =
        mr_filter_new(&pattern, 1, &source, NULL);

    ck_assert_int_eq(mr_filter_pass(filter, &result.records[0], MR_SLICE("s"), &arena),
                     filters[_i].first);
    ck_assert_int_eq(mr_filter_pass(filter, &result.records[1], MR_SLICE("s"), &arena),
                     filters[_i].second);
    mr_record_block_unref(result.block);
}
END_TEST

static const char *const broken[] = {
    "",
    "[]",
    "{\"Records\":{}}",
    "{\"Records\":[{}]}",
    "{\"Records\":[{\"dynamodb\":{}}]}",
    "{\"Records\":[{\"dynamodb\":{\"SequenceNumber\":5}}]}",
    "{\"Records\":[{\"dynamodb\":{\"SequenceNumber\":\"5\"}}",
    "{\"NextShardIterator\":5}",
};

START_TEST(an_answer_that_is_none_is_said_to_be_none)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_source_records result;

    ck_assert_int_eq(mr_dynamodb_answer_records(mr_slice_str(broken[_i]), mr_slice_str(arn), 0,
                                                &arena, &result, NULL),
                     -EBADMSG);
}
END_TEST

/* ---- the source, against a service of our own ---- */

struct world {
    struct service service;
    struct mr_credentials credentials;
    struct mr_credential_chain *chain;
    struct mr_aws_client *client;
    struct mr_source *source;
    char asked[8][256];
    int asked_count;
    bool trimmed;        /* the next place asked for is gone */
    const char *streams; /* of ListStreams */
    int done;
    enum mr_source_fault fault;
    size_t shards, open, records;
    uint64_t created_ms;
    char text[64]; /* the iterator, or the next one */
};

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct world *world = context;
    struct mr_slice target = mr_http_request_header(request, "x-amz-target");
    snprintf(world->asked[world->asked_count++ % 8], sizeof(world->asked[0]), "%.*s %.*s",
             MR_SLICE_ARGS(mr_slice_from(target, strlen("DynamoDBStreams_20120810."))),
             MR_SLICE_ARGS(request->body));
    if (mr_slice_ends_with(target, MR_SLICE("DescribeStream"))) {
        bool second = memmem(request->body.data, request->body.size, "Exclusive", 9) != NULL;
        service_answer(
            exchange, 200,
            second ? "{\"StreamDescription\":{\"Shards\":[{\"ShardId\":\"c\",\"ParentShardId\":"
                     "\"a\",\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"3\"}}]}}"
                   : "{\"StreamDescription\":{\"CreationRequestDateTime\":1764085621.5,"
                     "\"LastEvaluatedShardId\":\"a\",\"Shards\":[{\"ShardId\":\"a\","
                     "\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"1\","
                     "\"EndingSequenceNumber\":\"2\"}}],\"StreamStatus\":\"ENABLED\"}}",
            NULL);
    } else if (mr_slice_ends_with(target, MR_SLICE("ListStreams"))) {
        service_answer(exchange, 200, world->streams, NULL);
    } else if (mr_slice_ends_with(target, MR_SLICE("GetShardIterator"))) {
        bool gone = world->trimmed;
        world->trimmed = false;
        service_answer(exchange, gone ? 400 : 200,
                       gone ? "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"
                              "TrimmedDataAccessException\",\"message\":\"gone\"}"
                            : "{\"ShardIterator\":\"it\"}",
                       NULL);
    } else {
        service_answer(exchange, 200, records, NULL);
    }
}

static struct world *
new_world_of(const char *stream_arn)
{
    struct world *world = mr_alloc_zero(1, sizeof(*world));
    service_init(&world->service, serve, world);
    mr_credentials_init(&world->credentials, "A", "S", NULL);
    world->chain = mr_credential_chain_new(
        &(struct mr_credential_chain_options){ .loop = world->service.loop,
                                               .http = world->service.http,
                                               .given = &world->credentials });
    world->client = mr_aws_client_new(
        &(struct mr_aws_client_options){ .loop = world->service.loop,
                                         .http = world->service.http,
                                         .credentials = world->chain,
                                         .service = "dynamodb",
                                         .region = "us-east-1",
                                         .endpoint = world->service.endpoint },
        NULL);
    world->source = mr_source_dynamodb_new(
        &(struct mr_source_dynamodb_options){ world->client, mr_slice_str(stream_arn) });
    return world;
}

static struct world *
new_world(void)
{
    return new_world_of(arn);
}

static void
end_world(struct world *world)
{
    world->source->ops->free(world->source);
    mr_aws_client_free(world->client);
    mr_credential_chain_free(world->chain);
    service_deinit(&world->service);
    mr_credentials_deinit(&world->credentials);
    free(world);
}

static void
on_shards(const struct mr_source_shards *result, void *context)
{
    struct world *world = context;
    world->done++;
    world->fault = result->fault;
    world->shards = result->count;
    world->created_ms = result->stream_created_ms;
    for (size_t i = 0; i < result->count; i++) {
        world->open += result->shards[i].is_open;
    }
    ck_assert(result->count < 2 || mr_slice_is(result->shards[1].parent, "a"));
}

START_TEST(the_shards_are_listed_page_by_page)
{
    struct world *world = new_world();

    world->source->ops->list_shards(world->source, on_shards, world);
    service_await(&world->service, &world->done, 1);

    ck_assert_int_eq(world->fault, MR_SOURCE_OK);
    ck_assert_uint_eq(world->shards, 2);
    ck_assert_uint_eq(world->open, 1);
    ck_assert_uint_eq(world->created_ms, 1764085621500);
    ck_assert_ptr_nonnull(strstr(world->asked[1], "\"ExclusiveStartShardId\":\"a\""));
    end_world(world);
}
END_TEST

START_TEST(a_stream_of_an_unknown_time_is_the_tables_newest)
{
    struct world *world = new_world_of(
        "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1970-01-01T00:00:00.000");
    world->streams = "{\"Streams\":[{\"StreamArn\":\"old\",\"StreamLabel\":\"2025\"},{"
                     "\"TableName\":\"t\",\"StreamLabel\":\"2026-11\",\"StreamArn\":\"new\"},{"
                     "\"StreamLabel\":\"2026-10\",\"StreamArn\":\"older\"}]}";

    for (int i = 1; i <= 2; i++) { /* it is asked for once */
        world->source->ops->list_shards(world->source, on_shards, world);
        service_await(&world->service, &world->done, i);
        ck_assert_int_eq(world->fault, MR_SOURCE_OK);
        ck_assert_uint_eq(world->shards, 2);
    }

    ck_assert_int_eq(world->asked_count, 5);
    ck_assert_str_eq(world->asked[0], "ListStreams {\"TableName\":\"t\"}");
    ck_assert_str_eq(world->asked[1], "DescribeStream {\"StreamArn\":\"new\"}");
    end_world(world);
}
END_TEST

START_TEST(a_table_without_a_stream_is_asked_again)
{
    struct world *world = new_world_of(
        "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/1970-01-01T00:00:00.000");
    world->streams = "{\"Streams\":[]}";

    for (int i = 1; i <= 2; i++) {
        world->source->ops->list_shards(world->source, on_shards, world);
        service_await(&world->service, &world->done, i);
        ck_assert_int_eq(world->fault, MR_SOURCE_GONE);
        ck_assert_int_eq(world->asked_count, i);
    }
    end_world(world);
}
END_TEST

static void
on_iterator(const struct mr_source_iterator *result, void *context)
{
    struct world *world = context;
    world->done++;
    world->fault = result->fault;
    snprintf(world->text, sizeof(world->text), "%.*s", MR_SLICE_ARGS(result->iterator));
}

static void
place(struct world *world, struct mr_source_place where)
{
    where.shard_id = MR_SLICE("a");
    world->source->ops->get_iterator(world->source, &where, on_iterator, world);
    service_await(&world->service, &world->done, world->done + 1);
}

START_TEST(a_place_that_was_trimmed_is_the_oldest_there_is)
{
    struct world *world = new_world();
    world->trimmed = true;

    place(world, (struct mr_source_place){ .position = MR_POSITION_AFTER,
                                           .sequence_number = MR_SLICE("7") });

    ck_assert_int_eq(world->fault, MR_SOURCE_OK);
    ck_assert_str_eq(world->text, "it");
    ck_assert_ptr_nonnull(
        strstr(world->asked[0], "\"AFTER_SEQUENCE_NUMBER\",\"SequenceNumber\":\"7\""));
    ck_assert_ptr_nonnull(strstr(world->asked[1], "\"TRIM_HORIZON\"}"));
    end_world(world);
}
END_TEST

static void
on_records(const struct mr_source_records *result, void *context)
{
    struct world *world = context;
    world->done++;
    world->fault = result->fault;
    world->records = result->count;
    snprintf(world->text, sizeof(world->text), "%.*s", MR_SLICE_ARGS(result->next));
}

static void
read_from(struct world *world, const char *iterator)
{
    world->source->ops->get_records(world->source, mr_slice_str(iterator), 5000, 0, on_records,
                                    world);
    service_await(&world->service, &world->done, world->done + 1);
}

START_TEST(a_time_is_found_by_leaving_out_what_is_older)
{
    struct world *world = new_world();

    place(world, (struct mr_source_place){ .position = MR_POSITION_TIMESTAMP,
                                           .timestamp_ms = 1764085661700 });
    ck_assert_str_eq(world->text, "@1764085661000@it");
    read_from(world, world->text);

    ck_assert_ptr_nonnull(strstr(world->asked[1], "\"ShardIterator\":\"it\",\"Limit\":1000"));
    ck_assert_uint_eq(world->records, 1);
    ck_assert_str_eq(world->text, "next");
    read_from(world, "@1764085699000@it");
    ck_assert_uint_eq(world->records, 0);
    ck_assert_str_eq(world->text, "@1764085699000@next");
    end_world(world);
}
END_TEST

MR_SUITE("poller.source_dynamodb", MR_TEST(a_record_is_the_events_own_text),
         MR_TEST(what_is_older_than_asked_for_is_left_out),
         MR_TEST(an_event_of_whole_records_is_counted_to_the_byte),
         MR_TEST_LOOP(a_tables_records_are_filtered_in_their_typed_form,
                      (int)(sizeof(filters) / sizeof(filters[0]))),
         MR_TEST_LOOP(an_answer_that_is_none_is_said_to_be_none,
                      (int)(sizeof(broken) / sizeof(broken[0]))),
         MR_TEST(the_shards_are_listed_page_by_page),
         MR_TEST(a_stream_of_an_unknown_time_is_the_tables_newest),
         MR_TEST(a_table_without_a_stream_is_asked_again),
         MR_TEST(a_place_that_was_trimmed_is_the_oldest_there_is),
         MR_TEST(a_time_is_found_by_leaving_out_what_is_older))
