#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "poller/failure_sink.h"
#include "tests/aws/service.h"

/* A service that answers what it is told, a store, and the sink between them. */
struct world {
    struct service service;
    struct mr_credentials credentials;
    struct mr_credential_chain *chain;
    struct mr_dead_letters *letters;
    struct mr_failure_sink *sink;
    char directory[32], path[64];
    int lookups;
    int asked, refuse; /* the first `refuse` answers are `status` */
    int status;
    const char *body;
    char request[128], target[64], type[80];
    struct mr_buf got;
    int done;
    enum mr_sunk sunk;
    char detail[300];
};

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct world *world = context;
    snprintf(world->request, sizeof(world->request), "%.*s %.*s",
             MR_SLICE_ARGS(request->method), MR_SLICE_ARGS(request->target));
    snprintf(world->target, sizeof(world->target), "%.*s",
             MR_SLICE_ARGS(mr_http_request_header(request, "x-amz-target")));
    snprintf(world->type, sizeof(world->type), "%.*s",
             MR_SLICE_ARGS(mr_http_request_header(request, "content-type")));
    ck_assert(mr_http_request_header(request, "authorization").size > 0);
    if (strcmp(world->target, "AmazonSQS.GetQueueUrl") == 0) {
        ck_assert(mr_slice_is(request->body, "{\"QueueName\":\"Failed\","
                                             "\"QueueOwnerAWSAccountId\":\"123456789012\"}"));
        world->lookups++;
        service_answer(exchange, 200, "{\"QueueUrl\":\"http://sqs.test/1/Failed\"}", NULL);
        return;
    }
    mr_buf_clear(&world->got);
    mr_buf_append_slice(&world->got, request->body);
    bool refuse = world->asked++ < world->refuse;
    service_answer(exchange, refuse ? world->status : 200, refuse ? world->body : "{}", NULL);
}

static struct world *
new_world(bool with_endpoints)
{
    struct world *world = mr_alloc_zero(1, sizeof(*world));
    const char *endpoint = with_endpoints ? world->service.endpoint : NULL;
    snprintf(world->directory, sizeof(world->directory), "/tmp/mr-sink-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world->directory));
    snprintf(world->path, sizeof(world->path), "%s/dead_letters.db", world->directory);
    service_init(&world->service, serve, world);
    mr_credentials_init(&world->credentials, "A", "S", NULL);
    world->chain = mr_credential_chain_new(
        &(struct mr_credential_chain_options){ .loop = world->service.loop,
                                               .http = world->service.http,
                                               .given = &world->credentials });
    world->letters =
        mr_dead_letters_open(&(struct mr_dead_letters_options){ .path = world->path }, NULL);
    world->sink =
        mr_failure_sink_new(&(struct mr_failure_sink_options){ .loop = world->service.loop,
                                                               .http = world->service.http,
                                                               .credentials = world->chain,
                                                               .letters = world->letters,
                                                               .sqs_endpoint = endpoint,
                                                               .sns_endpoint = endpoint,
                                                               .s3_endpoint = endpoint,
                                                               .region = "us-east-1",
                                                               .seed = 7,
                                                               .backoff_ms = 1 },
                            NULL);
    ck_assert_ptr_nonnull(world->sink);
    return world;
}

static void
end_world(struct world *world)
{
    mr_auto_free char *remove = mr_format("rm -rf %s", world->directory);
    mr_failure_sink_free(world->sink);
    mr_dead_letters_close(world->letters);
    mr_credential_chain_free(world->chain);
    service_deinit(&world->service);
    mr_credentials_deinit(&world->credentials);
    mr_buf_deinit(&world->got);
    ck_assert_int_eq(system(remove), 0);
    free(world);
}

static void
on_sunk(enum mr_sunk sunk, struct mr_slice detail, void *context)
{
    struct world *world = context;
    world->done++;
    world->sunk = sunk;
    snprintf(world->detail, sizeof(world->detail), "%.*s", MR_SLICE_ARGS(detail));
}

static struct mr_failure_document
a_document(void)
{
    return (struct mr_failure_document){
        .request_id = MR_SLICE("316aa6d0-8154-4aaa-9af7-85d5f4a6bc81"),
        .function_arn = MR_SLICE("arn:aws:lambda:us-east-1:123456789012:function:f"),
        .condition = MR_LANE_RETRIES_EXHAUSTED,
        .invoke_count = 2,
        .has_response = true,
        .executed_version = MR_SLICE("$LATEST"),
        .unhandled = true,
        .time_ms = 1764088532123,
        .shard_id = MR_SLICE("shardId-000000000000"),
        .stream_arn = MR_SLICE("arn:aws:kinesis:us-east-1:123456789012:stream/s"),
        .batch_size = 1,
        .start_sequence_number = MR_SLICE("4966"),
        .end_sequence_number = MR_SLICE("4966"),
        .first_arrival_ms = 1764088528456,
        .last_arrival_ms = 1764088528456,
        .payload = MR_SLICE("{\"Records\":[\"\xc3\xa9\"]}"),
    };
}

#define DOCUMENT_HEAD                                                              \
    "{\"requestContext\":{\"requestId\":\"316aa6d0-8154-4aaa-9af7-85d5f4a6bc81\"," \
    "\"functionArn\":\"arn:aws:lambda:us-east-1:123456789012:function:f\","        \
    "\"condition\":\"RetryAttemptsExhausted\",\"approximateInvokeCount\":2},"      \
    "\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"$LATEST\","     \
    "\"functionError\":\"Unhandled\"},\"version\":\"1.0\""
#define DOCUMENT_TAIL                                                                  \
    ",\"timestamp\":\"2025-11-25T16:35:32.123Z\",\"KinesisBatchInfo\":{"               \
    "\"shardId\":\"shardId-000000000000\",\"startSequenceNumber\":\"4966\","           \
    "\"endSequenceNumber\":\"4966\","                                                  \
    "\"approximateArrivalOfFirstRecord\":\"2025-11-25T16:35:28.456Z\","                \
    "\"approximateArrivalOfLastRecord\":\"2025-11-25T16:35:28.456Z\",\"batchSize\":1," \
    "\"streamArn\":\"arn:aws:kinesis:us-east-1:123456789012:stream/s\"}}"

static const char sqs_arn[] = "arn:aws:sqs:eu-west-1:123456789012:Failed";
static const char sns_arn[] = "arn:aws:sns:us-east-1:123456789012:topic";
static const char s3_arn[] = "arn:aws:s3:::my-bucket";

static void
deliver(struct world *world, const char *destination)
{
    struct mr_failure_document document = a_document();
    struct mr_sink_letter letter = { MR_SLICE("aaaaaaaa-uuid"), mr_slice_str(destination),
                                     &document };
    const struct mr_sink *sink = mr_failure_sink_interface(world->sink);
    int before = world->done;
    sink->deliver(sink->self, &letter, on_sunk, world);
    ck_assert_int_eq(world->done, before);
    service_await(&world->service, &world->done, before + 1);
}

START_TEST(a_queue_gets_the_document_as_a_message)
{
    struct world *world = new_world(true);
    mr_auto_buf struct mr_buf wanted = { 0 };

    deliver(world, sqs_arn);

    ck_assert_int_eq(world->sunk, MR_SUNK_DELIVERED);
    ck_assert_str_eq(world->detail, "sqs Failed");
    ck_assert_str_eq(world->request, "POST /");
    ck_assert_str_eq(world->target, "AmazonSQS.SendMessage");
    ck_assert_str_eq(world->type, "application/x-amz-json-1.0");
    mr_buf_append_str(&wanted, "{\"QueueUrl\":\"http://sqs.test/1/Failed\",\"MessageBody\":\"");
    for (const char *at = DOCUMENT_HEAD DOCUMENT_TAIL; *at != '\0'; at++) {
        mr_buf_append_str(&wanted, *at == '"' ? "\\" : "");
        mr_buf_append_byte(&wanted, (uint8_t)*at);
    }
    mr_buf_append_str(&wanted, "\"}");
    ck_assert_str_eq(mr_buf_cstr(&world->got), mr_buf_cstr(&wanted));
    ck_assert_uint_eq(mr_dead_letters_count(world->letters), 0);
    end_world(world);
}
END_TEST

START_TEST(a_topic_gets_the_document_as_a_form)
{
    struct world *world = new_world(true);
    mr_auto_arena struct mr_arena arena = { 0 };

    deliver(world, sns_arn);

    ck_assert_int_eq(world->sunk, MR_SUNK_DELIVERED);
    ck_assert_str_eq(world->detail, "sns topic");
    ck_assert_str_eq(world->request, "POST /");
    ck_assert_str_eq(world->type, "application/x-www-form-urlencoded; charset=utf-8");
    struct mr_slice form = mr_buf_slice(&world->got);
    ck_assert(mr_slice_is(mr_http_query_get(form, "Action", &arena), "Publish"));
    ck_assert(mr_slice_is(mr_http_query_get(form, "TopicArn", &arena), sns_arn));
    ck_assert(
        mr_slice_is(mr_http_query_get(form, "Message", &arena), DOCUMENT_HEAD DOCUMENT_TAIL));
    end_world(world);
}
END_TEST

static void
send(struct world *world, const char *destination)
{
    struct mr_sink_message message = {
        .destination_arn = mr_slice_str(destination),
        .condition = MR_SLICE("RetriesExhausted"),
        .document = MR_SLICE("{}"),
        .attributes = { { "ErrorCode", "Number", MR_SLICE("200") },
                        { "ErrorMessage", "String", MR_SLICE("a&b \"c\"") } },
        .attribute_count = 2,
    };
    mr_failure_sink_send(world->sink, &message, on_sunk, world);
    service_await(&world->service, &world->done, 1);
}

START_TEST(a_message_to_a_queue_has_its_attributes_beside_it)
{
    struct world *world = new_world(true);

    send(world, sqs_arn);

    ck_assert_str_eq(mr_buf_cstr(&world->got),
                     "{\"QueueUrl\":\"http://sqs.test/1/Failed\",\"MessageBody\":\"{}\","
                     "\"MessageAttributes\":{\"ErrorCode\":{\"DataType\":\"Number\","
                     "\"StringValue\":\"200\"},\"ErrorMessage\":{\"DataType\":\"String\","
                     "\"StringValue\":\"a&b \\\"c\\\"\"}}}");
    end_world(world);
}
END_TEST

START_TEST(a_message_to_a_topic_has_its_attributes_in_the_form)
{
    struct world *world = new_world(true);
    mr_auto_arena struct mr_arena arena = { 0 };

    send(world, sns_arn);

    struct mr_slice form = mr_buf_slice(&world->got);
    ck_assert(mr_slice_is(mr_http_query_get(form, "MessageAttributes.entry.1.Name", &arena),
                          "ErrorCode"));
    ck_assert(mr_slice_is(
        mr_http_query_get(form, "MessageAttributes.entry.1.Value.DataType", &arena), "Number"));
    ck_assert(mr_slice_is(
        mr_http_query_get(form, "MessageAttributes.entry.2.Value.StringValue", &arena),
        "a&b \"c\""));
    end_world(world);
}
END_TEST

START_TEST(a_bucket_gets_the_document_with_the_event_under_a_key_of_its_time)
{
    struct world *world = new_world(true);

    deliver(world, s3_arn);

    ck_assert_int_eq(world->sunk, MR_SUNK_DELIVERED);
    ck_assert_ptr_eq(strstr(world->request,
                            "PUT /my-bucket/aws/lambda/aaaaaaaa-uuid/shardId-000000000000/2025/"
                            "11/25/2025-11-25T16.35.32-"),
                     world->request);
    ck_assert_str_eq(world->type, "application/octet-stream");
    ck_assert_str_eq(mr_buf_cstr(&world->got), DOCUMENT_HEAD
                     ",\"payload\":\"{\\\"Records\\\":[\\\"\xc3\xa9\\\"]}\"" DOCUMENT_TAIL);
    end_world(world);
}
END_TEST

START_TEST(trouble_is_tried_again_and_then_forgotten)
{
    struct world *world = new_world(true);
    world->refuse = 2;
    world->status = 500;
    world->body = "";

    deliver(world, sqs_arn);

    ck_assert_int_eq(world->asked, 3);
    ck_assert_int_eq(world->sunk, MR_SUNK_DELIVERED);
    ck_assert_uint_eq(mr_dead_letters_count(world->letters), 0);
    end_world(world);
}
END_TEST

static const struct {
    int status;
    const char *body;
    int tries;
} refusals[] = {
    { 500, "", 3 },
    { 400, "{\"__type\":\"ThrottlingException\",\"message\":\"slow\"}", 3 },
    { 403, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}", 1 },
    { 400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"none\"}", 1 },
};

START_TEST(what_a_destination_does_not_take_is_failed_and_kept)
{
    struct world *world = new_world(true);
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_dead_letter letter;
    world->refuse = 100;
    world->status = refusals[_i].status;
    world->body = refusals[_i].body;

    deliver(world, sqs_arn);

    ck_assert_int_eq(world->sunk, MR_SUNK_FAILED);
    ck_assert_int_eq(world->asked, refusals[_i].tries);
    ck_assert_ptr_nonnull(strstr(world->detail, "sqs SendMessage: "));
    ck_assert_ptr_nonnull(strstr(world->detail, "kept as dead letter 1"));
    ck_assert_int_eq(mr_dead_letters_get(world->letters, 1, &arena, &letter, NULL), 0);
    ck_assert(mr_slice_starts_with(letter.reason, MR_SLICE("sqs SendMessage: ")));
    ck_assert(mr_slice_is(letter.destination_arn, sqs_arn));
    ck_assert(mr_slice_is(letter.condition, "RetryAttemptsExhausted"));
    ck_assert(mr_slice_is(letter.document, DOCUMENT_HEAD DOCUMENT_TAIL));
    ck_assert(mr_slice_is(letter.payload, "{\"Records\":[\"\xc3\xa9\"]}"));
    ck_assert(mr_slice_is(letter.first_sequence_number, "4966"));
    ck_assert_uint_eq(letter.invoke_count, 2);
    end_world(world);
}
END_TEST

START_TEST(without_an_endpoint_the_store_stands_in_for_the_destination)
{
    struct world *world = new_world(false);
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_dead_letter letter;

    deliver(world, sqs_arn);

    ck_assert_int_eq(world->sunk, MR_SUNK_DELIVERED);
    ck_assert_str_eq(world->detail, "dead letter 1");
    ck_assert_int_eq(mr_dead_letters_get(world->letters, 1, &arena, &letter, NULL), 0);
    ck_assert_uint_eq(letter.reason.size, 0);
    ck_assert_int_eq(world->asked, 0);
    end_world(world);
}
END_TEST

START_TEST(without_a_destination_nothing_is_kept)
{
    struct world *world = new_world(true);

    deliver(world, NULL);

    ck_assert_int_eq(world->sunk, MR_SUNK_NONE);
    ck_assert_uint_eq(mr_dead_letters_count(world->letters), 0);
    end_world(world);
}
END_TEST

START_TEST(a_destination_nobody_knows_is_failed_and_kept)
{
    static const char *const strange[] = { "kafka://topic", "arn:aws:events:us-east-1:1:bus/b",
                                           "queue" };
    struct world *world = new_world(true);

    deliver(world, strange[_i]);

    ck_assert_int_eq(world->sunk, MR_SUNK_FAILED);
    ck_assert_uint_eq(mr_dead_letters_count(world->letters), 1);
    end_world(world);
}
END_TEST

START_TEST(a_kept_letter_is_sent_again_and_taken_out)
{
    struct world *world = new_world(true);
    const char *destinations[] = { sqs_arn, s3_arn };
    world->refuse = 1;
    world->status = 403;
    world->body = "";
    deliver(world, destinations[_i]);
    ck_assert_int_eq(world->sunk, MR_SUNK_FAILED);
    struct mr_error err = { 0 };

    ck_assert_int_eq(mr_failure_sink_send_again(world->sink, 1, on_sunk, world, &err), 0);
    service_await(&world->service, &world->done, 2);

    ck_assert_int_eq(world->sunk, MR_SUNK_DELIVERED);
    ck_assert_uint_eq(mr_dead_letters_count(world->letters), 0);
    if (_i == 1) {
        ck_assert_str_eq(mr_buf_cstr(&world->got), DOCUMENT_HEAD
                         ",\"payload\":\"{\\\"Records\\\":[\\\"\xc3\xa9\\\"]}\"" DOCUMENT_TAIL);
    }
    ck_assert_int_eq(mr_failure_sink_send_again(world->sink, 1, on_sunk, world, &err), -ENOENT);
    end_world(world);
}
END_TEST

START_TEST(a_letter_without_an_endpoint_is_not_sent_again)
{
    struct world *world = new_world(false);
    struct mr_error err = { 0 };
    deliver(world, sqs_arn);

    ck_assert_int_eq(mr_failure_sink_send_again(world->sink, 1, on_sunk, world, &err),
                     -ENOTCONN);
    ck_assert_ptr_nonnull(strstr(err.text, "AWS_ENDPOINT_URL_SQS"));
    end_world(world);
}
END_TEST

START_TEST(a_sink_may_be_freed_with_deliveries_under_way)
{
    struct world *world = new_world(true);
    struct mr_failure_document document = a_document();
    const struct mr_sink *sink = mr_failure_sink_interface(world->sink);
    const char *destinations[] = { sqs_arn, s3_arn, "" };
    for (int i = 0; i < 3; i++) {
        struct mr_sink_letter letter = { MR_SLICE("u"), mr_slice_str(destinations[i]),
                                         &document };
        sink->deliver(sink->self, &letter, on_sunk, world);
    }

    mr_failure_sink_free(MR_TAKE(world->sink));

    mr_loop_run_once(world->service.loop, 20);
    ck_assert_int_eq(world->done, 0);
    end_world(world);
}
END_TEST

MR_SUITE("poller.failure_sink", MR_TEST(a_queue_gets_the_document_as_a_message),
         MR_TEST(a_topic_gets_the_document_as_a_form),
         MR_TEST(a_message_to_a_queue_has_its_attributes_beside_it),
         MR_TEST(a_message_to_a_topic_has_its_attributes_in_the_form),
         MR_TEST(a_bucket_gets_the_document_with_the_event_under_a_key_of_its_time),
         MR_TEST(trouble_is_tried_again_and_then_forgotten),
         MR_TEST_LOOP(what_a_destination_does_not_take_is_failed_and_kept, 4),
         MR_TEST(without_an_endpoint_the_store_stands_in_for_the_destination),
         MR_TEST(without_a_destination_nothing_is_kept),
         MR_TEST_LOOP(a_destination_nobody_knows_is_failed_and_kept, 3),
         MR_TEST_LOOP(a_kept_letter_is_sent_again_and_taken_out, 2),
         MR_TEST(a_letter_without_an_endpoint_is_not_sent_again),
         MR_TEST(a_sink_may_be_freed_with_deliveries_under_way))
