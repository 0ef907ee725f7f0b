#include <errno.h>
#include <string.h>

#include "base/json_reader.h"
#include "poller/queue_mapping.h"
#include "poller/queue_message.h"
#include "tests/aws/service.h"

static const char arn[] = "arn:aws:sqs:us-east-1:123456789012:q";

/* ---- messages ---- */

static const char answer[] =
    "{\"Messages\":[{\"MessageId\":\"059f\",\"ReceiptHandle\":\"AQEB\",\"MD5OfBody\":\"e4e6\","
    "\"Body\":\"{\\\"foo\\\": \\\"bar\\\"}\",\"Attributes\":{\"SenderId\":\"AIDA\","
    "\"ApproximateFirstReceiveTimestamp\":\"1545082649185\",\"MessageGroupId\":\"g\","
    "\"ApproximateReceiveCount\":\"1\",\"SentTimestamp\":\"1545082649183\"},"
    "\"MD5OfMessageAttributes\":\"d25a\",\"MessageAttributes\":{\"WeeksOn\":{\"DataType\":"
    "\"Number\",\"StringValue\":\"6\"}}},"
    "{\"MessageId\":\"2\",\"ReceiptHandle\":\"R2\",\"MD5OfBody\":\"m\",\"Body\":\"plain\"}]}";

static struct mr_queue_message *
read_two(struct mr_arena *arena)
{
    struct mr_queue_message *messages;
    ck_assert_int_eq(mr_queue_answer_messages(mr_slice_str(answer), arena, &messages, NULL), 2);
    return messages;
}

START_TEST(a_message_is_written_as_aws_writes_it)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_queue_event event = { mr_slice_str(arn), MR_SLICE("us-east-1"), false };
    struct mr_queue_message *messages = read_two(&arena);

    mr_queue_message_write(&text, &messages[0], &event);

    ck_assert_str_eq(
        mr_buf_cstr(&text),
        "{\"messageId\":\"059f\",\"receiptHandle\":\"AQEB\",\"body\":\"{\\\"foo\\\": "
        "\\\"bar\\\"}\","
        "\"attributes\":{\"ApproximateReceiveCount\":\"1\",\"SentTimestamp\":\"1545082649183\","
        "\"SenderId\":\"AIDA\",\"ApproximateFirstReceiveTimestamp\":\"1545082649185\","
        "\"MessageGroupId\":\"g\"},\"messageAttributes\":{\"WeeksOn\":{\"stringValue\":\"6\","
        "\"stringListValues\":[],\"binaryListValues\":[],\"dataType\":\"Number\"}},"
        "\"md5OfMessageAttributes\":\"d25a\",\"md5OfBody\":\"e4e6\",\"eventSource\":\"aws:"
        "sqs\","
        "\"eventSourceARN\":\"arn:aws:sqs:us-east-1:123456789012:q\",\"awsRegion\":\"us-east-"
        "1\"}");
    ck_assert_uint_eq(messages[0].sent_ms, 1545082649183);
}
END_TEST

START_TEST(a_missing_digest_is_null_only_with_a_window)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_queue_event event = { mr_slice_str(arn), MR_SLICE("us-east-1"), _i == 1 };
    struct mr_queue_message *messages = read_two(&arena);

    mr_queue_message_write(&text, &messages[1], &event);

    ck_assert_int_eq(strstr(mr_buf_cstr(&text), "\"md5OfMessageAttributes\":null,") != NULL,
                     _i == 1);
    ck_assert_ptr_nonnull(
        strstr(mr_buf_cstr(&text), "\"attributes\":{},\"messageAttributes\":{}"));
}
END_TEST

START_TEST(a_filter_sees_a_json_body_as_json)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_queue_event event = { mr_slice_str(arn), MR_SLICE("us-east-1"), false };
    struct mr_queue_message *messages = read_two(&arena);

    mr_queue_message_write_for_filter(&text, &messages[0], &event);
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&text), "\"body\":{\"foo\": \"bar\"},"));
    mr_buf_clear(&text);
    mr_queue_message_write_for_filter(&text, &messages[1], &event);
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&text), "\"body\":\"plain\","));
}
END_TEST

static const struct {
    const char *payload;
    bool good;
    const char *failed; /* by message */
} answers[] = {
    { "null", true, "--" },
    { "{}", true, "--" },
    { "", true, "--" },
    { "{\"batchItemFailures\":[]}", true, "--" },
    { "{\"batchItemFailures\":null}", true, "--" },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"b\"}]}", true, "-x" },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"a\"},{\"itemIdentifier\":\"b\"}]}", true,
      "xx" },
    { "{\"batchItemFailures\":[{}]}", true, "--" },
    { "{\"batchItemFailures\":[{\"foo\":\"notvalid\"}]}", false, NULL },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"c\"}]}", false, NULL },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}", false, NULL },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":null}]}", false, NULL },
    { "{\"batchItemFailures\":[5]}", false, NULL },
    { "{\"batchItemFailures\":{}}", false, NULL },
};

static struct mr_slice
id_of(size_t index, void *context)
{
    (void)context;
    return index == 0 ? MR_SLICE("a") : MR_SLICE("b");
}

START_TEST(an_answer_names_what_failed_or_fails_all)
{
    bool failed[2];

    ck_assert_int_eq(
        mr_queue_answer_failures(mr_slice_str(answers[_i].payload), 2, id_of, NULL, failed),
        answers[_i].good);
    for (int i = 0; i < 2 && answers[_i].good; i++) {
        ck_assert_int_eq(failed[i], answers[_i].failed[i] == 'x');
    }
}
END_TEST

/* ---- a mapping on a queue of our own ---- */

enum { MAX_MESSAGES = 64 };

struct queued {
    char body[64];
    bool is_out, is_gone;
};

struct world {
    struct service service;
    struct mr_credentials credentials;
    struct mr_credential_chain *chain;
    struct mr_aws_client *client;
    struct mr_invoker invoker;
    struct mr_queue_mapping *mapping;
    struct queued messages[MAX_MESSAGES];
    int message_count;
    struct mr_http_exchange *waiting[8]; /* long polls */
    bool is_missing;                     /* the queue */
    int deletes, delete_fails;
    struct mr_invoke_result result;
    int throttles; /* invocations that are not run */
    int invoked;
    char bodies[32][128]; /* of each invocation: the messages' bodies, with blanks between */
    int stopped;
    mr_invoked_fn *done;
    void *done_context;
    struct mr_timer answer;
};

static void
on_poll_abort(struct mr_http_exchange *exchange, void *context)
{
    struct world *world = context;
    for (int i = 0; i < 8; i++) {
        if (world->waiting[i] == exchange) {
            world->waiting[i] = NULL;
        }
    }
}

/* Up to `most` messages that are not out. */
static int
give(struct world *world, struct mr_http_exchange *exchange, int most)
{
    mr_auto_buf struct mr_buf body = { 0 };
    int given = 0;
    mr_buf_append_str(&body, "{\"Messages\":[");
    for (int i = 0; i < world->message_count && given < most; i++) {
        struct queued *queued = &world->messages[i];
        if (!queued->is_out && !queued->is_gone) {
            queued->is_out = true;
            mr_buf_printf(
                &body,
                "%s{\"MessageId\":\"m%d\",\"ReceiptHandle\":\"%d\",\"MD5OfBody\":\"x\","
                "\"Body\":\"%s\"}",
                given++ > 0 ? "," : "", i, i, queued->body);
        }
    }
    mr_buf_append_str(&body, "]}");
    if (given > 0 && exchange != NULL) {
        service_answer(exchange, 200, mr_buf_cstr(&body), NULL);
    }
    return given;
}

static void
serve_receive(struct world *world, struct mr_http_exchange *exchange, struct mr_slice body)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key;
    int64_t most = 0;
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "MaxNumberOfMessages") || !mr_json_i64(&json, &most)) {
            mr_json_skip(&json);
        }
    }
    if (give(world, exchange, (int)most) > 0) {
        return;
    }
    if (memmem(body.data, body.size, "\"WaitTimeSeconds\":20", 20) == NULL) {
        service_answer(exchange, 200, "{}", NULL); /* a short window's wait: over at once */
        return;
    }
    for (int i = 0; i < 8; i++) {
        if (world->waiting[i] == NULL) {
            world->waiting[i] = exchange;
            mr_http_exchange_on_abort(exchange, on_poll_abort, world);
            return;
        }
    }
    ck_abort_msg("too many long polls");
}

static void
serve_delete(struct world *world, struct mr_http_exchange *exchange, struct mr_slice body)
{
    world->deletes++;
    if (world->delete_fails > 0) {
        world->delete_fails--;
        service_answer(exchange, 500, "", NULL);
        return;
    }
    for (int i = 0; i < world->message_count; i++) {
        char receipt[40];
        snprintf(receipt, sizeof(receipt), "\"ReceiptHandle\":\"%d\"", i);
        if (memmem(body.data, body.size, receipt, strlen(receipt)) != NULL) {
            ck_assert(world->messages[i].is_out);
            world->messages[i].is_gone = true;
        }
    }
    service_answer(exchange, 200, "{\"Successful\":[],\"Failed\":[]}", NULL);
}

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct world *world = context;
    struct mr_slice target = mr_http_request_header(request, "x-amz-target");
    if (mr_slice_is(target, "AmazonSQS.GetQueueUrl")) {
        service_answer(exchange, world->is_missing ? 400 : 200,
                       world->is_missing
                           ? "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"
                           : "{\"QueueUrl\":\"http://q.test/1/q\"}",
                       NULL);
    } else if (mr_slice_is(target, "AmazonSQS.GetQueueAttributes")) {
        service_answer(exchange, 200, "{\"Attributes\":{\"VisibilityTimeout\":\"60\"}}", NULL);
    } else if (mr_slice_is(target, "AmazonSQS.ReceiveMessage")) {
        serve_receive(world, exchange, request->body);
    } else {
        ck_assert(mr_slice_is(target, "AmazonSQS.DeleteMessageBatch"));
        serve_delete(world, exchange, request->body);
    }
}

static void
answer_invocation(void *context)
{
    struct world *world = context;
    struct mr_invoke_result result = world->result;
    if (world->throttles > 0) {
        world->throttles--;
        result = (struct mr_invoke_result){ .outcome = MR_INVOKE_THROTTLED };
    }
    world->done(&result, world->done_context);
}

static void
on_invoke(void *self, const struct mr_invoke_request *request, mr_invoked_fn *done,
          void *context)
{
    struct world *world = self;
    struct mr_slice rest = request->payload;
    char *out = world->bodies[world->invoked];
    const uint8_t *at;
    ck_assert(mr_json_valid(request->payload));
    while ((at = memmem(rest.data, rest.size, "\"body\":\"", 8)) != NULL) {
        rest = mr_slice_from(rest, (size_t)(at - rest.data) + 8);
        struct mr_slice body = mr_slice_cut(&rest, '"');
        snprintf(out + strlen(out), 128 - strlen(out), "%s%.*s", out[0] != '\0' ? " " : "",
                 MR_SLICE_ARGS(body));
    }
    world->invoked++;
    world->done = done;
    world->done_context = context;
    mr_timer_start(&world->answer, 0);
}

static struct world *
new_world(struct mr_queue_mapping_settings settings)
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
                                         .service = "sqs",
                                         .region = "us-east-1",
                                         .endpoint = world->service.endpoint },
        NULL);
    world->invoker = (struct mr_invoker){ on_invoke, world };
    mr_timer_init(&world->answer, world->service.loop, MR_TIME_REAL, answer_invocation, world);
    settings.uuid = MR_SLICE("u");
    settings.queue_arn = mr_slice_str(arn);
    settings.function_arn = MR_SLICE("f");
    settings.region = MR_SLICE("us-east-1");
    settings.concurrency = 1;
    settings.batch_size = settings.batch_size == 0 ? 10 : settings.batch_size;
    world->mapping =
        mr_queue_mapping_new(&(struct mr_queue_mapping_options){ .loop = world->service.loop,
                                                                 .client = world->client,
                                                                 .invoker = &world->invoker,
                                                                 .seed = 1 },
                             &settings, NULL);
    ck_assert_ptr_nonnull(world->mapping);
    return world;
}

static void
end_world(struct world *world)
{
    mr_queue_mapping_free(world->mapping);
    mr_timer_stop(&world->answer);
    mr_aws_client_free(world->client);
    mr_credential_chain_free(world->chain);
    service_deinit(&world->service);
    mr_credentials_deinit(&world->credentials);
    free(world);
}

static void
put(struct world *world, const char *body)
{
    struct queued *queued = &world->messages[world->message_count++];
    snprintf(queued->body, sizeof(queued->body), "%s", body);
    for (int i = 0; i < 8; i++) {
        struct mr_http_exchange *exchange = world->waiting[i];
        if (exchange != NULL) {
            world->waiting[i] = NULL;
            mr_http_exchange_on_abort(exchange, NULL, NULL);
            give(world, exchange, 10);
            return;
        }
    }
}

static int
gone_count(const struct world *world)
{
    int count = 0;
    for (int i = 0; i < world->message_count; i++) {
        count += world->messages[i].is_gone;
    }
    return count;
}

static void
run_until(struct world *world, int invoked, int gone)
{
    for (int i = 0; i < 3000 && (world->invoked < invoked || gone_count(world) < gone); i++) {
        mr_loop_run_once(world->service.loop, 5);
    }
    ck_assert_int_eq(world->invoked, invoked);
    ck_assert_int_eq(gone_count(world), gone);
}

static bool
is_polling(const struct world *world)
{
    return world->waiting[0] != NULL;
}

static void
run_until_it_polls(struct world *world)
{
    for (int i = 0; i < 3000 && !is_polling(world); i++) {
        mr_loop_run_once(world->service.loop, 5);
    }
    ck_assert(is_polling(world));
}

START_TEST(messages_are_received_handled_and_deleted)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    put(world, "a");
    put(world, "b");

    mr_queue_mapping_start(world->mapping);
    run_until(world, 1, 2);
    run_until_it_polls(world);
    put(world, "c");
    run_until(world, 2, 3);

    ck_assert_str_eq(world->bodies[0], "a b");
    ck_assert_str_eq(world->bodies[1], "c");
    struct mr_queue_mapping_status status;
    mr_queue_mapping_status(world->mapping, &status);
    ck_assert(status.reading && status.running);
    ck_assert_uint_eq(status.counts.polled, 3);
    ck_assert_uint_eq(status.counts.batches, 2);
    end_world(world);
}
END_TEST

START_TEST(more_than_ten_are_gathered_within_the_window)
{
    struct world *world =
        new_world((struct mr_queue_mapping_settings){ .batch_size = 15, .window_ms = 60000 });
    char body[8];
    for (int i = 0; i < 17; i++) {
        snprintf(body, sizeof(body), "%c", 'a' + i);
        put(world, body);
    }

    mr_queue_mapping_start(world->mapping);
    run_until(world, 1, 15);

    ck_assert_str_eq(world->bodies[0], "a b c d e f g h i j k l m n o");
    end_world(world);
}
END_TEST

START_TEST(a_failed_batch_is_left_to_the_queue)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    world->result.outcome = MR_INVOKE_FUNCTION_ERROR;
    put(world, "a");

    mr_queue_mapping_start(world->mapping);
    run_until(world, 1, 0);
    run_until_it_polls(world);

    ck_assert_int_eq(world->deletes, 0);
    end_world(world);
}
END_TEST

START_TEST(reported_messages_stay_and_the_others_go)
{
    struct world *world =
        new_world((struct mr_queue_mapping_settings){ .report_failures = true });
    world->result.payload = MR_SLICE("{\"batchItemFailures\":[{\"itemIdentifier\":\"m1\"}]}");
    put(world, "a");
    put(world, "b");
    put(world, "c");

    mr_queue_mapping_start(world->mapping);
    run_until(world, 1, 2);

    ck_assert(!world->messages[1].is_gone);
    end_world(world);
}
END_TEST

START_TEST(what_filters_do_not_want_is_deleted_unseen)
{
    struct mr_slice pattern = MR_SLICE("{\"body\":[{\"prefix\":\"a\"}]}");
    struct world *world =
        new_world((struct mr_queue_mapping_settings){ .filters = &pattern, .filter_count = 1 });
    put(world, "b1");
    put(world, "a1");
    put(world, "b2");
    put(world, "a2");

    mr_queue_mapping_start(world->mapping);
    run_until(world, 1, 4);
    run_until_it_polls(world);
    put(world, "b3");
    run_until(world, 1, 5);

    ck_assert_str_eq(world->bodies[0], "a1 a2");
    end_world(world);
}
END_TEST

START_TEST(a_throttled_batch_is_tried_again_with_its_messages)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    world->throttles = 2;
    put(world, "a");

    mr_queue_mapping_start(world->mapping);
    run_until(world, 3, 1);

    ck_assert_str_eq(world->bodies[2], "a");
    end_world(world);
}
END_TEST

START_TEST(a_delete_that_fails_is_tried_again)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    world->delete_fails = 1;
    put(world, "a");

    mr_queue_mapping_start(world->mapping);
    run_until(world, 1, 1);

    ck_assert_int_eq(world->deletes, 2);
    end_world(world);
}
END_TEST

START_TEST(a_missing_queue_is_trouble_until_it_is_there)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    struct mr_queue_mapping_status status = { 0 };
    world->is_missing = true;
    put(world, "a");

    mr_queue_mapping_start(world->mapping);
    for (int i = 0; i < 1000 && status.trouble.size == 0; i++) {
        mr_loop_run_once(world->service.loop, 5);
        mr_queue_mapping_status(world->mapping, &status);
    }
    ck_assert_ptr_nonnull(
        memmem(status.trouble.data, status.trouble.size, "QueueDoesNotExist", 17));
    ck_assert(!status.reading);
    world->is_missing = false;
    run_until(world, 1, 1);

    mr_queue_mapping_status(world->mapping, &status);
    ck_assert_uint_eq(status.trouble.size, 0);
    end_world(world);
}
END_TEST

static void
on_stopped(void *context)
{
    ((struct world *)context)->stopped++;
}

static void
run_until_stopped(struct world *world)
{
    for (int i = 0; i < 1000 && world->stopped == 0; i++) {
        mr_loop_run_once(world->service.loop, 5);
    }
    ck_assert_int_eq(world->stopped, 1);
}

START_TEST(a_stop_ends_what_is_under_way_and_a_start_goes_on)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    put(world, "a");
    mr_queue_mapping_start(world->mapping);
    while (world->invoked == 0) {
        mr_loop_run_once(world->service.loop, 5);
    }

    mr_queue_mapping_stop(world->mapping, on_stopped, world);
    ck_assert_int_eq(world->stopped, 0);
    run_until_stopped(world);
    ck_assert_int_eq(gone_count(world), 1);

    put(world, "b");
    mr_queue_mapping_start(world->mapping);
    run_until(world, 2, 2);
    end_world(world);
}
END_TEST

START_TEST(a_stop_while_it_polls_is_soon_done)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    mr_queue_mapping_start(world->mapping);
    run_until_it_polls(world);

    mr_queue_mapping_stop(world->mapping, on_stopped, world);
    run_until_stopped(world);

    end_world(world);
}
END_TEST

START_TEST(a_mapping_may_be_freed_at_any_time)
{
    struct world *world = new_world((struct mr_queue_mapping_settings){ 0 });
    put(world, "a");
    mr_queue_mapping_start(world->mapping);
    for (int i = 0; i < _i * 2 && world->invoked == 0; i++) {
        mr_loop_run_once(world->service.loop, 5);
    }
    bool out = world->invoked > 0;

    mr_queue_mapping_free(MR_TAKE(world->mapping));

    if (out && mr_timer_started(&world->answer)) {
        mr_timer_stop(&world->answer);
        answer_invocation(world); /* somebody still owes it an answer */
    }
    end_world(world);
}
END_TEST

START_TEST(settings_that_make_no_sense_are_refused)
{
    struct mr_queue_mapping_settings wrong[] = {
        { .queue_arn = MR_SLICE("arn:aws:kinesis:us-east-1:1:stream/s"), .batch_size = 1 },
        { .queue_arn = mr_slice_str(arn), .batch_size = 0 },
        { .queue_arn = mr_slice_str(arn), .batch_size = 1, .filter_count = 11 },
    };
    struct mr_error err = { 0 };

    ck_assert_ptr_null(
        mr_queue_mapping_new(&(struct mr_queue_mapping_options){ 0 }, &wrong[_i], &err));

    ck_assert_int_eq(err.code, -EINVAL);
}
END_TEST

MR_SUITE("poller.queue_mapping", MR_TEST(a_message_is_written_as_aws_writes_it),
         MR_TEST_LOOP(a_missing_digest_is_null_only_with_a_window, 2),
         MR_TEST(a_filter_sees_a_json_body_as_json),
         MR_TEST_LOOP(an_answer_names_what_failed_or_fails_all,
                      (int)(sizeof(answers) / sizeof(answers[0]))),
         MR_TEST(messages_are_received_handled_and_deleted),
         MR_TEST(more_than_ten_are_gathered_within_the_window),
         MR_TEST(a_failed_batch_is_left_to_the_queue),
         MR_TEST(reported_messages_stay_and_the_others_go),
         MR_TEST(what_filters_do_not_want_is_deleted_unseen),
         MR_TEST(a_throttled_batch_is_tried_again_with_its_messages),
         MR_TEST(a_delete_that_fails_is_tried_again),
         MR_TEST(a_missing_queue_is_trouble_until_it_is_there),
         MR_TEST(a_stop_ends_what_is_under_way_and_a_start_goes_on),
         MR_TEST(a_stop_while_it_polls_is_soon_done),
         MR_TEST_LOOP(a_mapping_may_be_freed_at_any_time, 12),
         MR_TEST_LOOP(settings_that_make_no_sense_are_refused, 3))
