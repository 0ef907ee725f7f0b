/* What the Runtime API's server must bear of the clients there are, and SnapStart's calls. */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/runtime/stage.h"

/* Writes all of it, `step` bytes a round, without reading. */
static void
put(struct stage *stage, int fd, const char *text, size_t step)
{
    for (size_t at = 0, size = strlen(text); at < size;) {
        size_t part = size - at < step ? size - at : step;
        ssize_t n = write(fd, text + at, part);
        at += n > 0 ? (size_t)n : 0;
        mr_loop_run_once(stage->loop, 1);
    }
}

/* Reads until `part` has come. */
static const char *
wait_for(struct stage *stage, int fd, const char *part)
{
    static char answer[16384];
    size_t got = 0;

    answer[0] = 0;
    for (int i = 0; i < 400 && strstr(answer, part) == NULL; i++) {
        mr_loop_run_once(stage->loop, 5);
        ssize_t n = read(fd, answer + got, sizeof(answer) - 1 - got);
        got += n > 0 ? (size_t)n : 0;
        answer[got] = 0;
    }
    return answer;
}

static char *
request(struct stage *stage, const char *what, const char *headers, const char *body)
{
    return mr_format(
        "POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", stage->id,
        what, headers, body);
}

#define NEXT "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"

START_TEST(response_and_next_in_one_write_are_answered_in_order)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    mr_auto_free char *text = request(&stage, "response", "Content-Length: 2\r\n", "ok" NEXT);
    int fd = stage_dial(&stage);

    put(&stage, fd, text, 1000);
    SAYS(wait_for(&stage, fd, "{\"status\":\"OK\"}\n"), "HTTP/1.1 202 ");
    ck_assert_str_eq(stage.payload, "ok");
    stage_invoke(&stage, "\"two\"");

    SAYS(wait_for(&stage, fd, "\"two\""), "HTTP/1.1 200 ");
    close(fd);
    stage_end(&stage);
}
END_TEST

START_TEST(response_and_error_may_be_chunked_with_trailers)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    mr_auto_free char *text = request(
        &stage, _i == 0 ? "response" : "error",
        "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n",
        "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nLambda-Runtime-Function-Error-Type: a\r\n\r\n");

    SAYS(stage_ask_bytes(&stage, text, strlen(text), false), "HTTP/1.1 202 ");

    ck_assert_str_eq(stage.payload, "abcde");
    ck_assert_int_eq(stage.outcome, _i == 0 ? MR_INVOCATION_OK : MR_INVOCATION_FUNCTION_ERROR);
    stage_end(&stage);
}
END_TEST

START_TEST(a_client_that_waits_for_100_is_told_to_continue)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    mr_auto_free char *text =
        request(&stage, "response", "Expect: 100-continue\r\nContent-Length: 2\r\n", "");
    int fd = stage_dial(&stage);

    put(&stage, fd, text, 1000);
    SAYS(wait_for(&stage, fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    put(&stage, fd, "ok", 1000);

    SAYS(wait_for(&stage, fd, "\n\n"), "HTTP/1.1 202 ");
    ck_assert_str_eq(stage.payload, "ok");
    close(fd);
    stage_end(&stage);
}
END_TEST

START_TEST(headers_may_be_in_any_case_without_blanks_dripped_and_full_of_utf8)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    mr_auto_free char *text =
        request(&stage, "error",
                "lambda-runtime-function-error-type:Function.Mine\r\nCONTENT-LENGTH:2\r\n"
                "Lambda-Runtime-Function-XRay-Error-Cause:{\"m\":\"\xc3\xa4\xe2\x82\xac\"}\r\n",
                "{}");
    int fd = stage_dial(&stage);

    put(&stage, fd, text, 7);
    SAYS(wait_for(&stage, fd, "\n\n"), "HTTP/1.1 202 ");

    ck_assert_str_eq(stage.error_type, "Function.Mine");
    close(fd);
    stage_end(&stage);
}
END_TEST

START_TEST(a_response_without_length_and_body_is_an_empty_one)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    mr_auto_free char *text = request(&stage, "response", "", "");

    SAYS(stage_ask_bytes(&stage, text, strlen(text), false), "HTTP/1.1 202 ");

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_OK);
    ck_assert_uint_eq(stage.payload_size, 0);
    stage_end(&stage);
}
END_TEST

START_TEST(an_answer_that_is_not_json_reaches_the_caller_as_it_is)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);

    SAYS(stage_post(&stage, _i == 0 ? "response" : "error",
                    "Content-Type: application/x-www-form-urlencoded\r\n",
                    "Echoing request: '{..}'"),
         "HTTP/1.1 202 ");

    ck_assert_str_eq(stage.payload, "Echoing request: '{..}'");
    stage_end(&stage);
}
END_TEST

START_TEST(a_stream_whose_connection_breaks_is_a_truncated_response)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    mr_auto_free char *text = request(&stage, "response",
                                      "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                                      "Transfer-Encoding: chunked\r\n",
                                      "3\r\nabc\r\n5\r\nde");
    int fd = stage_dial(&stage);

    put(&stage, fd, text, 1000);
    close(fd);
    for (int i = 0; i < 200 && stage.done == 0; i++) {
        mr_loop_run_once(stage.loop, 5);
    }

    ck_assert_str_eq(stage.error_type, "Runtime.TruncatedResponse");
    stage_invoke(&stage, "\"next\"");
    SAYS(stage_next(&stage), "\"next\"");
    stage_end(&stage);
}
END_TEST

START_TEST(a_next_whose_connection_broke_does_not_take_the_event_with_it)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    SAYS(stage_post(&stage, "response", "", "1"), "HTTP/1.1 202 ");
    int fd = stage_dial(&stage);
    put(&stage, fd, NEXT, 1000);

    close(fd);
    for (int i = 0; i < 20; i++) {
        mr_loop_run_once(stage.loop, 1);
    }
    stage_invoke(&stage, "\"kept\"");

    SAYS(stage_next(&stage), "\"kept\"");
    stage_end(&stage);
}
END_TEST

START_TEST(a_second_next_of_an_idle_runtime_is_refused)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    SAYS(stage_post(&stage, "response", "", "1"), "HTTP/1.1 202 ");
    int fd = stage_dial(&stage);
    put(&stage, fd, NEXT, 1000);

    SAYS(stage_ask(&stage, "GET", "/runtime/invocation/next", "", ""),
         REFUSED("Ready", "Ready"));

    close(fd);
    stage_end(&stage);
}
END_TEST

START_TEST(an_invocation_is_over_when_the_runtime_asks_for_the_next)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);
    SAYS(stage_post(&stage, "response", "", "1"), "HTTP/1.1 202 ");
    ck_assert_int_eq(stage.done, 1);
    ck_assert_ptr_null(strstr(stage.log, "END RequestId"));
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).busy, 1);

    int fd = stage_dial(&stage);
    put(&stage, fd, NEXT, 1000);
    for (int i = 0; i < 20; i++) {
        mr_loop_run_once(stage.loop, 1);
    }

    SAYS(stage.log, "END RequestId");
    SAYS(stage.log, "REPORT RequestId");
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).busy, 0);
    close(fd);
    stage_end(&stage);
}
END_TEST

static char streamed[64];

static void
on_chunk(struct mr_slice chunk, void *context)
{
    (void)context;
    snprintf(streamed + strlen(streamed), sizeof(streamed) - strlen(streamed), "%.*s|",
             MR_SLICE_ARGS(chunk));
}

START_TEST(a_stream_reaches_who_asked_for_one_byte_by_byte_as_it_comes)
{
    struct stage stage;
    stage_begin(&stage);
    streamed[0] = 0;
    const struct mr_invocation_request wanted = { .function = MR_SLICE("f"),
                                                  .chunk = on_chunk };
    mr_runtime_invoke(stage.runtime, &wanted, stage_on_done, &stage);
    while (stage.port == 0) {
        mr_loop_run_once(stage.loop, 5);
    }
    stage_next(&stage);
    mr_auto_free char *text = request(&stage, "response",
                                      "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                                      "Transfer-Encoding: chunked\r\n",
                                      "3\r\nabc\r\n");
    int fd = stage_dial(&stage);

    put(&stage, fd, text, 1000);
    for (int i = 0; i < 100 && streamed[0] == 0; i++) {
        mr_loop_run_once(stage.loop, 5);
    }
    ck_assert_str_eq(streamed, "abc|");
    ck_assert_int_eq(stage.done, 0);
    put(&stage, fd, "2\r\nde\r\n0\r\n\r\n", 1000);
    SAYS(wait_for(&stage, fd, "\n\n"), "HTTP/1.1 202 ");

    ck_assert_str_eq(streamed, "abc|de|");
    ck_assert_int_eq(stage.outcome, MR_INVOCATION_OK);
    ck_assert_uint_eq(stage.payload_size, 0);
    close(fd);
    stage_end(&stage);
}
END_TEST

START_TEST(what_a_runtime_says_of_its_failed_init_is_what_this_and_the_next_caller_read)
{
    struct stage stage;
    stage_begin(&stage);
    const struct mr_launch_exit exit = { .status = 1 };

    for (int invocation = 1; invocation <= 2; invocation++) {
        int attempts =
            invocation == 1 ? 2 : 1; /* the first time once more, inside the invoke */
        for (int attempt = 0; attempt < attempts; attempt++) {
            stage.port = 0;
            if (attempt == 0) {
                stage_invoke(&stage, "1");
            }
            while (stage.port == 0) {
                mr_loop_run_once(stage.loop, 5);
            }
            SAYS(stage_ask(&stage, "POST", "/runtime/init/error", "", "{\"errorType\":\"X\"}"),
                 "HTTP/1.1 202 ");
            close(stage.log_write);
            stage.events.exited(stage.events_context, stage.environment, &exit);
        }
        for (int i = 0; i < 100 && stage.done < invocation; i++) {
            mr_loop_run_once(stage.loop, 5);
        }
        ck_assert_str_eq(stage.payload, "{\"errorType\":\"X\"}");
        stage.payload[0] = 0;
    }

    ck_assert_int_eq(stage.launches, 3);
    stage_end(&stage);
}
END_TEST

/* ---- SnapStart ---- */

START_TEST(with_snapstart_a_restore_follows_the_init_at_once)
{
    struct stage stage;
    stage_begin_with(&stage, &(struct mr_function){ .snap_start = true });
    stage_invoke(&stage, "{\"a\":1}");
    SAYS(stage.variables, "AWS_LAMBDA_INITIALIZATION_TYPE=snap-start\n");

    const char *answer = stage_ask(&stage, "GET", "/runtime/restore/next", "", "");

    SAYS(answer, "HTTP/1.1 200 ");
    SAYS(answer, "Content-Length: 0\r\n");
    SAYS(stage_ask(&stage, "GET", "/runtime/restore/next", "", ""),
         REFUSED("Restoring", "RestoreReady"));
    SAYS(stage_next(&stage), "{\"a\":1}");
    SAYS(stage.log, "RESTORE_REPORT Restore Duration: ");
    stage_end(&stage);
}
END_TEST

START_TEST(with_snapstart_a_runtime_need_not_call_restore_next)
{
    struct stage stage;
    stage_begin_with(&stage, &(struct mr_function){ .snap_start = true });
    stage_invoke(&stage, "{\"a\":1}");

    SAYS(stage_next(&stage), "{\"a\":1}");
    stage_end(&stage);
}
END_TEST

START_TEST(a_failed_restore_is_told_and_nothing_else_is_legal)
{
    struct stage stage;
    stage_begin_with(&stage, &(struct mr_function){ .snap_start = true });
    stage_invoke(&stage, "1");

    SAYS(stage_ask(&stage, "POST", "/runtime/restore/error", "", "{}"), "HTTP/1.1 403 ");
    SAYS(stage_ask(&stage, "GET", "/runtime/restore/next", "", ""), "HTTP/1.1 200 ");
    SAYS(stage_ask(&stage, "POST", _i == 0 ? "/runtime/restore/error" : "/runtime/init/error",
                   "", "{\"errorType\":\"Hook\"}"),
         "{\"status\":\"OK\"}\n");

    SAYS(stage_ask(&stage, "GET", "/runtime/invocation/next", "", ""),
         REFUSED("RuntimeRestoreErrorState", "Ready"));
    stage_end(&stage);
}
END_TEST

START_TEST(credentials_are_for_snapstart_and_for_who_has_the_token)
{
    static const char get[] = "GET /2021-04-23/credentials HTTP/1.1\r\nHost: x\r\n";
    struct stage stage;
    stage_begin_with(&stage, &(struct mr_function){ .snap_start = true });
    stage_invoke(&stage, "1");
    const char *token = strstr(stage.variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN=");
    ck_assert_ptr_nonnull(token);
    mr_auto_free char *with = mr_format("%sAuthorization: %.36s\r\n\r\n", get, token + 34);
    mr_auto_free char *without = mr_format("%s\r\n", get);

    const char *answer = stage_ask_bytes(&stage, with, strlen(with), false);
    SAYS(answer, "{\"AccessKeyId\":\"key\",\"SecretAccessKey\":\"\",\"Token\":\"\",");
    SAYS(stage_ask_bytes(&stage, without, strlen(without), false), "HTTP/1.1 404 ");
    stage_end(&stage);
}
END_TEST

MR_SUITE("runtime.transport", MR_TEST(response_and_next_in_one_write_are_answered_in_order),
         MR_TEST_LOOP(response_and_error_may_be_chunked_with_trailers, 2),
         MR_TEST(a_client_that_waits_for_100_is_told_to_continue),
         MR_TEST(headers_may_be_in_any_case_without_blanks_dripped_and_full_of_utf8),
         MR_TEST(a_response_without_length_and_body_is_an_empty_one),
         MR_TEST_LOOP(an_answer_that_is_not_json_reaches_the_caller_as_it_is, 2),
         MR_TEST(a_stream_whose_connection_breaks_is_a_truncated_response),
         MR_TEST(a_next_whose_connection_broke_does_not_take_the_event_with_it),
         MR_TEST(a_second_next_of_an_idle_runtime_is_refused),
         MR_TEST(an_invocation_is_over_when_the_runtime_asks_for_the_next),
         MR_TEST(a_stream_reaches_who_asked_for_one_byte_by_byte_as_it_comes),
         MR_TEST(what_a_runtime_says_of_its_failed_init_is_what_this_and_the_next_caller_read),
         MR_TEST(with_snapstart_a_restore_follows_the_init_at_once),
         MR_TEST(with_snapstart_a_runtime_need_not_call_restore_next),
         MR_TEST_LOOP(a_failed_restore_is_told_and_nothing_else_is_legal, 2),
         MR_TEST(credentials_are_for_snapstart_and_for_who_has_the_token))
