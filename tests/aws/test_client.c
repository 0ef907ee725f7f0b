#include <errno.h>
#include <string.h>

#include "aws/client.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "tests/aws/service.h"

/* A client with given credentials and the service it asks. */
struct world {
    struct service service;
    struct mr_credentials credentials;
    struct mr_credential_chain *chain;
    struct mr_aws_client *client;
    int asked;
    int status; /* what the service answers */
    const char *body;
    struct mr_http_header header; /* of the answer */
    bool keep;                    /* does not answer */
    bool is_signed;               /* the last request was, by our secret */
    char seen_target[64], seen_type[64], seen_token[64], seen_body[64], seen_host[64];
    int64_t clock_ms; /* the service's, less ours */
    int done;
    enum mr_aws_fault fault;
    int result_status;
    char code[64], message[128], text[256];
    struct mr_buf got, chunks;
};

static void
copy_header(char *out, size_t size, const struct mr_http_request *request, const char *name)
{
    snprintf(out, size, "%.*s", MR_SLICE_ARGS(mr_http_request_header(request, name)));
}

static void
check_signature(struct world *world, const struct mr_http_request *request,
                struct mr_arena *arena)
{
    struct mr_sigv4_request text = {
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .headers = request->headers,
        .header_count = request->header_count,
        .body = request->body,
    };
    struct mr_sigv4_auth auth;
    struct mr_sigv4_key key = { 0 };
    uint64_t now = mr_clock_wall_ms(mr_clock_system()) + (uint64_t)world->clock_ms;
    mr_sigv4_read(&text, arena, &auth);
    world->is_signed = auth.shape == MR_SIGV4_COMPLETE &&
                       mr_sigv4_check(&auth, &text, mr_slice_str(world->credentials.secret_key),
                                      MR_SLICE("eu-west-1"), MR_SLICE("kinesis"), now, &key,
                                      arena) == MR_SIGV4_GOOD;
}

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct world *world = context;
    world->asked++;
    check_signature(world, request, mr_http_exchange_arena(exchange));
    copy_header(world->seen_target, sizeof(world->seen_target), request, "x-amz-target");
    copy_header(world->seen_type, sizeof(world->seen_type), request, "content-type");
    copy_header(world->seen_token, sizeof(world->seen_token), request, "x-amz-security-token");
    copy_header(world->seen_host, sizeof(world->seen_host), request, "host");
    snprintf(world->seen_body, sizeof(world->seen_body), "%.*s", MR_SLICE_ARGS(request->body));
    world->service.ahead_us = (uint64_t)world->clock_ms * 1000;
    if (!world->keep) {
        service_answer(exchange, world->status, world->body,
                       world->header.name.size > 0 ? &world->header : NULL);
    }
    world->service.ahead_us = 0;
}

static struct world *
new_world(void)
{
    struct world *world = mr_alloc_zero(1, sizeof(*world));
    service_init(&world->service, serve, world);
    mr_credentials_init(&world->credentials, "AKID", "secret", "token");
    world->status = 200;
    world->body = "{\"a\":1}";
    world->chain = mr_credential_chain_new(
        &(struct mr_credential_chain_options){ .loop = world->service.loop,
                                               .http = world->service.http,
                                               .given = &world->credentials });
    world->client = mr_aws_client_new(
        &(struct mr_aws_client_options){ .loop = world->service.loop,
                                         .http = world->service.http,
                                         .credentials = world->chain,
                                         .service = "kinesis",
                                         .region = "eu-west-1",
                                         .endpoint = world->service.endpoint },
        NULL);
    ck_assert_ptr_nonnull(world->client);
    return world;
}

static void
end_world(struct world *world)
{
    mr_aws_client_free(world->client);
    mr_credential_chain_free(world->chain);
    service_deinit(&world->service);
    mr_credentials_deinit(&world->credentials);
    mr_buf_deinit(&world->got);
    mr_buf_deinit(&world->chunks);
    free(world);
}

static void
on_done(const struct mr_aws_result *result, void *context)
{
    struct world *world = context;
    world->done++;
    world->fault = result->fault;
    world->result_status = result->status;
    snprintf(world->code, sizeof(world->code), "%.*s", MR_SLICE_ARGS(result->code));
    snprintf(world->message, sizeof(world->message), "%.*s", MR_SLICE_ARGS(result->message));
    snprintf(world->text, sizeof(world->text), "%s",
             result->error == NULL ? "" : result->error->text);
    mr_buf_deinit(&world->got);
    world->got = mr_buf_take(result->body);
}

static void
ask(struct world *world)
{
    struct mr_aws_request request = { .target = MR_SLICE("Kinesis_20131202.ListStreams"),
                                      .body = MR_SLICE("{\"Limit\":3}") };
    int before = world->done;
    mr_aws_client_send(world->client, &request, on_done, world);
    ck_assert_int_eq(world->done, before);
    service_await(&world->service, &world->done, before + 1);
}

START_TEST(a_call_is_signed_with_the_session_token_and_answered)
{
    struct world *world = new_world();

    ask(world);

    ck_assert(world->is_signed);
    ck_assert_str_eq(world->seen_target, "Kinesis_20131202.ListStreams");
    ck_assert_str_eq(world->seen_type, "application/x-amz-json-1.1");
    ck_assert_str_eq(world->seen_token, "token");
    ck_assert_str_eq(world->seen_body, "{\"Limit\":3}");
    ck_assert_str_eq(world->seen_host, world->service.endpoint + 7);
    ck_assert_int_eq(world->fault, MR_AWS_OK);
    ck_assert_int_eq(world->result_status, 200);
    ck_assert(mr_slice_is(mr_buf_slice(&world->got), "{\"a\":1}"));
    end_world(world);
}
END_TEST

static const struct {
    int status;
    const char *body, *header_name, *header;
    enum mr_aws_fault fault;
    const char *code, *message;
} refusals[] = {
    { 400, "{\"__type\":\"ProvisionedThroughputExceededException\",\"message\":\"Rate\"}", NULL,
      NULL, MR_AWS_THROTTLED, "ProvisionedThroughputExceededException", "Rate" },
    { 400,
      "{\"__type\":\"com.amazonaws.kinesis#ResourceNotFoundException\",\"message\":\"no\"}",
      NULL, NULL, MR_AWS_NOT_FOUND, "ResourceNotFoundException", "no" },
    { 404, "{\"Message\":\"gone\"}", "x-amzn-ErrorType", "ResourceNotFoundException:http://x/",
      MR_AWS_NOT_FOUND, "ResourceNotFoundException", "gone" },
    { 403,
      "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>a &lt;b&gt; &#233;"
      "</Message></Error>",
      NULL, NULL, MR_AWS_DENIED, "AccessDenied", "a <b> \xc3\xa9" },
    { 404, "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>", NULL, NULL,
      MR_AWS_NOT_FOUND, "NoSuchBucket", "none" },
    { 503, "<Error><Code>SlowDown</Code></Error>", NULL, NULL, MR_AWS_THROTTLED, "SlowDown",
      "" },
    { 400, "{\"__type\":\"ExpiredTokenException\",\"message\":\"old\"}", NULL, NULL,
      MR_AWS_EXPIRED, "ExpiredTokenException", "old" },
    { 400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"no queue\"}",
      NULL, NULL, MR_AWS_NOT_FOUND, "QueueDoesNotExist", "no queue" },
    { 500, "{\"__type\":\"InternalFailure\"}", NULL, NULL, MR_AWS_TROUBLE, "InternalFailure",
      "" },
    { 502, "bad gateway", NULL, NULL, MR_AWS_TROUBLE, "", "" },
    { 429, "", NULL, NULL, MR_AWS_THROTTLED, "", "" },
    { 400, "{\"__type\":\"ValidationException\",\"message\":\"1 error\"}", NULL, NULL,
      MR_AWS_REFUSED, "ValidationException", "1 error" },
};

START_TEST(a_refusal_is_told_by_its_kind_and_the_services_own_words)
{
    struct world *world = new_world();
    world->status = refusals[_i].status;
    world->body = refusals[_i].body;
    if (refusals[_i].header_name != NULL) {
        world->header.name = mr_slice_str(refusals[_i].header_name);
        world->header.value = mr_slice_str(refusals[_i].header);
    }

    ask(world);

    ck_assert_int_eq(world->fault, refusals[_i].fault);
    ck_assert_int_eq(world->result_status, refusals[_i].status);
    ck_assert_str_eq(world->code, refusals[_i].code);
    ck_assert_str_eq(world->message, refusals[_i].message);
    ck_assert_ptr_nonnull(strstr(world->text, "kinesis ListStreams: "));
    end_world(world);
}
END_TEST

START_TEST(nobody_there_is_trouble_that_may_pass)
{
    struct world *world = new_world();
    int fd = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u/", mr_net_port(fd));
    close(fd);
    mr_aws_client_free(world->client);
    world->client =
        mr_aws_client_new(&(struct mr_aws_client_options){ .loop = world->service.loop,
                                                           .http = world->service.http,
                                                           .credentials = world->chain,
                                                           .service = "kinesis",
                                                           .region = "eu-west-1",
                                                           .endpoint = endpoint },
                          NULL);

    ask(world);

    ck_assert_int_eq(world->fault, MR_AWS_TROUBLE);
    ck_assert_int_eq(world->result_status, 0);
    ck_assert_ptr_nonnull(strstr(world->text, "kinesis ListStreams: "));
    end_world(world);
}
END_TEST

START_TEST(an_endpoint_that_is_no_address_is_refused)
{
    static const char *const wrong[] = { "127.0.0.1:4566", "ftp://a", "http://", "http://a/b",
                                         "http://u@a" };
    struct world *world = new_world();
    struct mr_error err = { 0 };

    struct mr_aws_client *client =
        mr_aws_client_new(&(struct mr_aws_client_options){ .loop = world->service.loop,
                                                           .service = "sqs",
                                                           .region = "eu-west-1",
                                                           .endpoint = wrong[_i] },
                          &err);

    ck_assert_ptr_null(client);
    ck_assert_int_eq(err.code, -EINVAL);
    end_world(world);
}
END_TEST

START_TEST(without_an_endpoint_a_service_is_where_aws_has_it)
{
    static const struct {
        const char *service, *prefix, *region, *endpoint;
    } rows[] = {
        { "kinesis", NULL, "eu-west-1", "https://kinesis.eu-west-1.amazonaws.com" },
        { "sqs", NULL, "cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn" },
        { "dynamodb", "streams.dynamodb", "us-east-1",
          "https://streams.dynamodb.us-east-1.amazonaws.com" },
    };
    mr_auto(mr_aws_client_free) struct mr_aws_client *client =
        mr_aws_client_new(&(struct mr_aws_client_options){ .service = rows[_i].service,
                                                           .host_prefix = rows[_i].prefix,
                                                           .region = rows[_i].region },
                          NULL);

    ck_assert_str_eq(mr_aws_client_endpoint(client), rows[_i].endpoint);
}
END_TEST

START_TEST(a_clock_that_is_refused_is_corrected_by_the_services)
{
    struct world *world = new_world();
    world->clock_ms = 2 * 3600 * 1000;
    world->status = 400;
    world->body = "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: "
                  "20261125T163043Z is now earlier than ...\"}";

    ask(world);
    ck_assert(!world->is_signed);
    ck_assert_int_eq(world->fault, MR_AWS_TROUBLE);

    ask(world);
    ck_assert(world->is_signed);
    end_world(world);
}
END_TEST

START_TEST(a_cancelled_call_is_never_done)
{
    struct world *world = new_world();
    struct mr_aws_request request = { .target = MR_SLICE("Kinesis_20131202.ListStreams") };
    world->keep = true;
    struct mr_aws_call *call = mr_aws_client_send(world->client, &request, on_done, world);
    service_await(&world->service, &world->asked, 1);

    mr_aws_call_cancel(call);

    mr_aws_client_send(world->client, &request, on_done, world);
    mr_aws_client_free(MR_TAKE(world->client));
    mr_loop_run_once(world->service.loop, 20);
    ck_assert_int_eq(world->done, 0);
    end_world(world);
}
END_TEST

static void
keep_chunk(struct mr_slice chunk, void *context)
{
    mr_buf_append_slice(&((struct world *)context)->chunks, chunk);
}

START_TEST(a_streamed_answer_goes_to_the_chunk_callback_and_a_streamed_refusal_does_not)
{
    struct world *world = new_world();
    struct mr_aws_request request = { .target = MR_SLICE("Kinesis_20131202.SubscribeToShard"),
                                      .chunk = keep_chunk };
    world->body = "events";
    mr_aws_client_send(world->client, &request, on_done, world);
    service_await(&world->service, &world->done, 1);
    world->status = 400;
    world->body = "{\"__type\":\"ResourceInUseException\",\"message\":\"again later\"}";
    mr_aws_client_send(world->client, &request, on_done, world);
    service_await(&world->service, &world->done, 2);

    ck_assert(mr_slice_is(mr_buf_slice(&world->chunks), "events"));
    ck_assert_str_eq(world->code, "ResourceInUseException");
    ck_assert_str_eq(world->message, "again later");
    end_world(world);
}
END_TEST

MR_SUITE("aws.client", MR_TEST(a_call_is_signed_with_the_session_token_and_answered),
         MR_TEST_LOOP(a_refusal_is_told_by_its_kind_and_the_services_own_words,
                      (int)(sizeof(refusals) / sizeof(refusals[0]))),
         MR_TEST(nobody_there_is_trouble_that_may_pass),
         MR_TEST_LOOP(an_endpoint_that_is_no_address_is_refused, 5),
         MR_TEST_LOOP(without_an_endpoint_a_service_is_where_aws_has_it, 3),
         MR_TEST(a_clock_that_is_refused_is_corrected_by_the_services),
         MR_TEST(a_cancelled_call_is_never_done),
         MR_TEST(a_streamed_answer_goes_to_the_chunk_callback_and_a_streamed_refusal_does_not))
