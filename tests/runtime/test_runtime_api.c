/* The Runtime API's answers, word for word, to a runtime that is a script in this file. */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/runtime/stage.h"

START_TEST(a_new_runtime_pings_and_wrong_ways_are_told)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");

    SAYS(stage_ask(&stage, "GET", "/ping", "", ""), "\r\n\r\npong");
    SAYS(stage_ask(&stage, "POST", "/runtime/invocation/next", "", ""), "HTTP/1.1 405 ");
    SAYS(stage_ask(&stage, "GET", "/nowhere", "", ""), "404 page not found\n");
    SAYS(stage_ask(&stage, "GET", "/runtime/restore/next", "", ""), "HTTP/1.1 404 ");
    SAYS(stage_ask(&stage, "POST", "/runtime/invocation/x/response", "", ""), BAD_ID);
    stage_end(&stage);
}
END_TEST

START_TEST(next_carries_the_event_and_what_belongs_to_it)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{\"a\":1}");

    const char *answer = stage_next(&stage);

    SAYS(answer, "HTTP/1.1 200 ");
    SAYS(answer, "Content-Type: application/json\r\n");
    SAYS(answer, "Lambda-Runtime-Deadline-Ms: ");
    SAYS(answer, "Lambda-Runtime-Client-Context: {\"custom\":1}\r\n");
    SAYS(answer, "Lambda-Runtime-Aws-Tenant-Id: blue\r\n");
    SAYS(answer, "Lambda-Runtime-Trace-Id: Root=1-2-3\r\n");
    SAYS(answer, "Lambda-Runtime-Cognito-Identity: {\"cognitoIdentityId\":\"i\"}\r\n");
    SAYS(answer, "Lambda-Runtime-Invoked-Function-Arn: "
                 "arn:aws:lambda:us-east-1:123456789012:function:f\r\n");
    SAYS(answer, "\r\n\r\n{\"a\":1}");
    stage_end(&stage);
}
END_TEST

START_TEST(next_again_while_running_is_the_same_event_but_not_for_ever)
{
    struct stage stage;
    char id[64];
    stage_begin(&stage);
    stage_invoke(&stage, "{\"a\":1}");
    stage_next(&stage);
    memcpy(id, stage.id, sizeof(id));

    SAYS(stage_next(&stage), "{\"a\":1}");
    ck_assert_str_eq(id, stage.id);
    stage_next(&stage);
    SAYS(stage_ask(&stage, "GET", "/runtime/invocation/next", "", ""), "HTTP/1.1 500 ");

    ck_assert_str_eq(stage.error_type, "Runtime.Unknown");
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).redeliveries, 3);
    ck_assert_int_eq(stage.kills, 1);
    stage_end(&stage);
}
END_TEST

START_TEST(a_second_answer_and_another_id_are_refused)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");
    stage_next(&stage);

    SAYS(stage_ask(&stage, "POST", "/runtime/invocation/other/response", "", "x"), BAD_ID);
    SAYS(stage_ask(&stage, "POST", "/runtime/init/error", "", "x"),
         REFUSED("Running", "InitError"));
    SAYS(stage_post(&stage, "response", "", "fine"), "HTTP/1.1 202 ");
    SAYS(stage_post(&stage, "response", "", "x"),
         REFUSED("RuntimeResponseSentState", "InvocationResponse"));
    SAYS(stage_post(&stage, "error", "", "x"),
         REFUSED("RuntimeResponseSentState", "InvocationErrorResponse"));

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_OK);
    ck_assert_str_eq(stage.payload, "fine");
    stage_invoke(&stage, "\"second\"");
    SAYS(stage_next(&stage), "\"second\"");
    ck_assert_int_eq(stage.launches, 1);
    stage_end(&stage);
}
END_TEST

static const struct {
    const char *headers, *body, *type, *payload;
} errors[] = {
    { "Lambda-Runtime-Function-Error-Type: Function.Foo\r\n", "{}", "Function.Foo", "{}" },
    { "Lambda-Runtime-Function-Error-Type: whatever\r\n", "no json", "Runtime.Unknown",
      "no json" },
    { "Lambda-Runtime-Function-Error-Type: Function.x\r\n", "", "Function.Unknown", "" },
    { "", "x", "Runtime.Unknown", "x" },
    { "Content-Type: application/vnd.aws.lambda.error.cause+json\r\n", "{bad",
      "Runtime.Unknown", "\"Invalid error body\"" },
    { "Content-Type: application/vnd.aws.lambda.error.cause+json\r\n",
      "{\"errorType\":\"T\",\"errorCause\":{},\"errorMessage\":\"m\"}", "Runtime.Unknown",
      "{\"errorMessage\":\"m\",\"errorType\":\"T\"}" },
};

START_TEST(an_error_reaches_the_caller_with_the_type_it_stands_for)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");
    stage_next(&stage);

    SAYS(stage_post(&stage, "error", errors[_i].headers, errors[_i].body),
         "{\"status\":\"OK\"}\n");
    SAYS(stage_post(&stage, "response", "", "x"), "HTTP/1.1 403 ");

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_FUNCTION_ERROR);
    ck_assert_str_eq(stage.error_type, errors[_i].type);
    ck_assert_str_eq(stage.payload, errors[_i].payload);
    stage_end(&stage);
}
END_TEST

START_TEST(after_an_init_error_nothing_else_is_legal)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");

    SAYS(stage_ask(&stage, "POST", "/runtime/init/error", "", "broken"), "HTTP/1.1 202 ");
    SAYS(stage_ask(&stage, "POST", "/runtime/init/error", "", "x"),
         REFUSED("InitError", "InitError"));
    SAYS(stage_ask(&stage, "GET", "/runtime/invocation/next", "", ""),
         REFUSED("InitError", "Ready"));
    stage_end(&stage);
}
END_TEST

START_TEST(a_response_may_have_6291556_bytes_and_no_more)
{
    size_t size = 6291556 + (size_t)_i;
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");
    stage_next(&stage);
    mr_auto_free char *body = mr_alloc(size + 1);
    memset(body, 'x', size);
    body[size] = 0;

    const char *answer = stage_post(&stage, "response", "", body);

    if (_i == 0) {
        SAYS(answer, "HTTP/1.1 202 ");
        ck_assert_uint_eq(stage.payload_size, size);
    } else {
        SAYS(answer, "HTTP/1.1 413 ");
        SAYS(answer, "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 "
                     "bytes).\",\"errorType\":\"RequestEntityTooLarge\"}\n");
        ck_assert_str_eq(stage.error_type, "Function.ResponseSizeTooLarge");
    }
    stage_end(&stage);
}
END_TEST

START_TEST(a_streamed_response_is_collected_and_its_error_trailers_are_heard)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");
    stage_next(&stage);
    mr_auto_free char *text = mr_format(
        "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
        "Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n%s\r\n",
        stage.id,
        _i == 0 ? ""
                : "Lambda-Runtime-Function-Error-Type: Function.Late\r\n"
                  "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n");

    SAYS(stage_ask_bytes(&stage, text, strlen(text), false), "HTTP/1.1 202 ");

    ck_assert_str_eq(stage.payload, _i == 0 ? "abcde" : "{\"a\":1}");
    ck_assert_str_eq(stage.error_type, _i == 0 ? "" : "Function.Late");
    stage_end(&stage);
}
END_TEST

START_TEST(an_unknown_response_mode_and_a_truncated_body_are_function_errors)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");
    stage_next(&stage);

    if (_i == 0) {
        SAYS(stage_post(&stage, "response", "Lambda-Runtime-Function-Response-Mode: fast\r\n",
                        "x"),
             "\"errorType\":\"InvalidFunctionResponseMode\"");
        ck_assert_str_eq(stage.error_type, "Runtime.InvalidResponseModeHeader");
    } else {
        mr_auto_free char *text =
            mr_format("POST /2018-06-01/runtime/invocation/%s/response "
                      "HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
                      stage.id);
        SAYS(stage_ask_bytes(&stage, text, strlen(text), true), "\"TruncatedHTTPRequest\"");
        ck_assert_str_eq(stage.error_type, "Runtime.TruncatedResponse");
    }
    stage_end(&stage);
}
END_TEST

START_TEST(a_head_of_a_mebibyte_is_taken)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");
    stage_next(&stage);
    mr_auto_free char *headers = mr_alloc((1 << 20) + 64);
    size_t used = (size_t)sprintf(headers, "Lambda-Runtime-Function-XRay-Error-Cause: ");
    memset(headers + used, 'x', 1 << 20);
    strcpy(headers + used + (1 << 20), "\r\n");

    SAYS(stage_post(&stage, "error", headers, "{}"), "HTTP/1.1 202 ");

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_FUNCTION_ERROR);
    stage_end(&stage);
}
END_TEST

START_TEST(who_asks_for_an_unknown_function_is_told)
{
    struct stage stage;
    stage_begin(&stage);
    const struct mr_invocation_request request = { .function = MR_SLICE("g") };

    mr_runtime_invoke(stage.runtime, &request, stage_on_done, &stage);
    ck_assert_int_eq(stage.done, 0);
    mr_loop_run_once(stage.loop, 100);

    ck_assert_int_eq(stage.done, 1);
    ck_assert_int_eq(stage.outcome, MR_INVOCATION_NOT_FOUND);
    stage_end(&stage);
}
END_TEST

static void
replace(struct stage *stage, uint32_t concurrency, bool reserved)
{
    stage_set_function(stage, &(struct mr_function){ .handler = MR_SLICE("new.code"),
                                                     .concurrency = concurrency,
                                                     .has_reserved = reserved });
}

START_TEST(in_flight_work_ends_on_the_old_code_and_new_work_starts_on_the_new)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");
    stage_next(&stage);

    replace(&stage, 0, false);
    SAYS(stage_post(&stage, "response", "", "old"), "HTTP/1.1 202 ");
    ck_assert_str_eq(stage.payload, "old");
    stage_ask_bytes(&stage,
                    "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", 62,
                    false);
    ck_assert_int_eq(stage.kills, 1);
    stage.port = 0;
    stage_invoke(&stage, "\"again\"");
    SAYS(stage_next(&stage), "\"again\"");

    ck_assert_int_eq(stage.launches, 2);
    stage_end(&stage);
}
END_TEST

START_TEST(more_than_a_functions_concurrency_is_throttled_not_queued)
{
    struct stage stage;
    stage_begin(&stage);
    replace(&stage, (uint32_t)_i, true);
    if (_i == 1) {
        stage_invoke(&stage, "{}");
        stage_next(&stage);
    }
    const struct mr_invocation_request request = { .function = MR_SLICE("f") };

    mr_runtime_invoke(stage.runtime, &request, stage_on_done, &stage);
    mr_loop_run_once(stage.loop, 100);

    ck_assert_int_eq(stage.done, 1);
    ck_assert_int_eq(stage.outcome, MR_INVOCATION_THROTTLED);
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).throttles, 1);
    stage_end(&stage);
}
END_TEST

MR_SUITE("runtime.runtime_api",
         MR_TEST(in_flight_work_ends_on_the_old_code_and_new_work_starts_on_the_new),
         MR_TEST_LOOP(more_than_a_functions_concurrency_is_throttled_not_queued, 2),
         MR_TEST(a_new_runtime_pings_and_wrong_ways_are_told),
         MR_TEST(next_carries_the_event_and_what_belongs_to_it),
         MR_TEST(next_again_while_running_is_the_same_event_but_not_for_ever),
         MR_TEST(a_second_answer_and_another_id_are_refused),
         MR_TEST_LOOP(an_error_reaches_the_caller_with_the_type_it_stands_for, 6),
         MR_TEST(after_an_init_error_nothing_else_is_legal),
         MR_TEST_LOOP(a_response_may_have_6291556_bytes_and_no_more, 2),
         MR_TEST_LOOP(a_streamed_response_is_collected_and_its_error_trailers_are_heard, 2),
         MR_TEST_LOOP(an_unknown_response_mode_and_a_truncated_body_are_function_errors, 2),
         MR_TEST(a_head_of_a_mebibyte_is_taken),
         MR_TEST(who_asks_for_an_unknown_function_is_told))
