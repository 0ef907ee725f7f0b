/* Many at a time: one environment, several invocations under way. */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/runtime/stage.h"

enum { WORKERS = 3 };

struct worker {
    int fd;
    char id[40];
};

static void
ask_next(struct stage *stage, struct worker *worker)
{
    static const char next[] =
        "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";

    worker->fd = stage_dial(stage);
    ck_assert_int_eq(write(worker->fd, next, sizeof(next) - 1), (ssize_t)sizeof(next) - 1);
    for (int i = 0; i < 5; i++) {
        mr_loop_run_once(stage->loop, 1);
    }
}

/* The event's text, or "" when none has come. */
static const char *
event_of(struct stage *stage, struct worker *worker)
{
    static char answer[4096];
    size_t got = 0;

    answer[0] = 0;
    for (int i = 0; i < 20 && strstr(answer, "\r\n\r\n") == NULL; i++) {
        mr_loop_run_once(stage->loop, 2);
        ssize_t n = read(worker->fd, answer + got, sizeof(answer) - 1 - got);
        got += n > 0 ? (size_t)n : 0;
        answer[got] = 0;
    }
    const char *id = strstr(answer, "Lambda-Runtime-Aws-Request-Id: ");
    if (id != NULL) {
        snprintf(worker->id, sizeof(worker->id), "%.36s", id + 31);
    }
    return answer;
}

static const char *
answer_as(struct stage *stage, const struct worker *worker, const char *what, const char *body)
{
    snprintf(stage->id, sizeof(stage->id), "%s", worker->id);
    return stage_post(stage, what, "", body);
}

/* An environment for four with as many workers as there are `invocations`, each of them busy.
 */
static void
begin(struct stage *stage, struct worker *workers, int invocations, uint32_t timeout_ms)
{
    stage_begin_with(stage, &(struct mr_function){ .max_concurrency = 4,
                                                   .concurrency = 1,
                                                   .timeout_ms = timeout_ms });
    for (int i = 0; i < invocations; i++) {
        char payload[16];
        snprintf(payload, sizeof(payload), "%d", i);
        stage_invoke(stage, payload);
    }
    for (int i = 0; i < invocations; i++) {
        ask_next(stage, &workers[i]);
    }
    for (int i = 0; i < invocations; i++) {
        char end[32];
        snprintf(end, sizeof(end), "\r\n\r\n%d", i);
        SAYS(event_of(stage, &workers[i]), end);
    }
}

static void
end(struct stage *stage, struct worker *workers, int count)
{
    for (int i = 0; i < count; i++) {
        close(workers[i].fd);
    }
    stage_end(stage);
}

START_TEST(several_invocations_run_at_once_and_end_in_any_order)
{
    struct worker workers[WORKERS];
    struct stage stage;
    begin(&stage, workers, WORKERS, 30000);
    SAYS(stage.variables, "AWS_LAMBDA_MAX_CONCURRENCY=4\n");
    SAYS(stage.variables, "AWS_LAMBDA_INITIALIZATION_TYPE=lambda-managed-instances\n");
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).busy, 3);

    SAYS(answer_as(&stage, &workers[2], "response", "c"), "HTTP/1.1 202 ");
    ck_assert_str_eq(stage.payload, "c");
    SAYS(answer_as(&stage, &workers[0], "error", "a"), "HTTP/1.1 202 ");
    ck_assert_str_eq(stage.payload, "a");
    SAYS(answer_as(&stage, &workers[2], "response", "again"), "InvalidRequestID");
    SAYS(answer_as(&stage, &workers[1], "response", "b"), "HTTP/1.1 202 ");

    ck_assert_int_eq(stage.done, 3);
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).busy, 0);
    ck_assert_int_eq(stage.launches, 1);
    end(&stage, workers, WORKERS);
}
END_TEST

START_TEST(its_next_has_every_header_even_when_empty)
{
    struct worker worker;
    struct stage stage;
    stage_begin_with(&stage, &(struct mr_function){ .max_concurrency = 1 });
    const struct mr_invocation_request request = { .function = MR_SLICE("f") };
    mr_runtime_invoke(stage.runtime, &request, stage_on_done, &stage);
    while (stage.port == 0) {
        mr_loop_run_once(stage.loop, 5);
    }
    ask_next(&stage, &worker);

    const char *answer = event_of(&stage, &worker);

    SAYS(answer, "Lambda-Runtime-Trace-Id: \r\n");
    SAYS(answer, "Lambda-Runtime-Client-Context: \r\n");
    SAYS(answer, "Lambda-Runtime-Cognito-Identity: \r\n");
    end(&stage, &worker, 1);
}
END_TEST

START_TEST(a_timeout_ends_one_invocation_alone_and_its_late_answer_is_told_so_once)
{
    struct worker workers[2];
    struct stage stage;
    begin(&stage, workers, 2, 400);
    SAYS(answer_as(&stage, &workers[0], "response", "in time"), "HTTP/1.1 202 ");

    for (int i = 0; i < 200 && stage.done < 2; i++) {
        mr_loop_run_once(stage.loop, 10);
    }

    ck_assert_str_eq(stage.payload,
                     "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"Task "
                     "timed out after 0.40 seconds\"}");
    SAYS(answer_as(&stage, &workers[1], "response", "late"),
         "{\"errorMessage\":\"Invoke timeout\",\"errorType\":\"InvokeTimeout\"}\n");
    SAYS(answer_as(&stage, &workers[1], "response", "late"), "HTTP/1.1 400 ");
    ck_assert_int_eq(stage.kills, 0);
    end(&stage, workers, 2);
}
END_TEST

START_TEST(an_error_ends_the_response_that_streams)
{
    struct worker worker;
    struct stage stage;
    begin(&stage, &worker, 1, 30000);
    int fd = stage_dial(&stage);
    mr_auto_free char *text = mr_format(
        "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n",
        worker.id);
    ck_assert_int_gt(write(fd, text, strlen(text)), 0);
    for (int i = 0; i < 10; i++) {
        mr_loop_run_once(stage.loop, 1);
    }
    SAYS(answer_as(&stage, &worker, "response", "another"), "HTTP/1.1 400 ");

    SAYS(answer_as(&stage, &worker, "error", "broken"), "HTTP/1.1 202 ");

    ck_assert_str_eq(stage.payload, "broken");
    ck_assert_int_eq(stage.outcome, MR_INVOCATION_FUNCTION_ERROR);
    close(fd);
    end(&stage, &worker, 1);
}
END_TEST

START_TEST(a_streamed_response_is_collected)
{
    struct worker worker;
    struct stage stage;
    begin(&stage, &worker, 1, 30000);
    mr_auto_free char *text = mr_format(
        "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        worker.id);

    SAYS(stage_ask_bytes(&stage, text, strlen(text), false), "HTTP/1.1 202 ");

    ck_assert_str_eq(stage.payload, "abcde");
    end(&stage, &worker, 1);
}
END_TEST

START_TEST(an_init_error_of_one_worker_is_noted_and_the_others_go_on)
{
    struct worker worker;
    struct stage stage;
    begin(&stage, &worker, 1, 30000);

    SAYS(stage_ask(&stage, "POST", "/runtime/init/error", "", "x"), "HTTP/1.1 202 ");

    SAYS(answer_as(&stage, &worker, "response", "fine"), "HTTP/1.1 202 ");
    end(&stage, &worker, 1);
}
END_TEST

START_TEST(when_the_process_ends_everything_it_ran_fails)
{
    struct worker workers[WORKERS];
    struct stage stage;
    begin(&stage, workers, WORKERS, 30000);
    const struct mr_launch_exit exit = { .status = 3 };

    stage.events.exited(stage.events_context, stage.environment, &exit);
    for (int i = 0; i < 100 && stage.done < WORKERS; i++) {
        mr_loop_run_once(stage.loop, 5);
    }

    ck_assert_int_eq(stage.done, WORKERS);
    SAYS(stage.payload, "Error: Runtime exited with error: exit status 3\"}");
    close(stage.log_write);
    end(&stage, workers, WORKERS);
}
END_TEST

START_TEST(what_finds_no_slot_in_time_is_throttled_where_no_other_environment_may_start)
{
    struct worker worker;
    struct stage stage;
    begin(&stage, &worker, 1, 30000);

    stage_invoke(&stage, "\"no worker for me\"");
    ck_assert_int_eq(stage.done, 0);
    for (int i = 0; i < 100 && stage.done == 0; i++) {
        mr_loop_run_once(stage.loop, 5);
    }

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_THROTTLED);
    end(&stage, &worker, 1);
}
END_TEST

MR_SUITE("runtime.many", MR_TEST(several_invocations_run_at_once_and_end_in_any_order),
         MR_TEST(its_next_has_every_header_even_when_empty),
         MR_TEST(a_timeout_ends_one_invocation_alone_and_its_late_answer_is_told_so_once),
         MR_TEST(an_error_ends_the_response_that_streams),
         MR_TEST(a_streamed_response_is_collected),
         MR_TEST(an_init_error_of_one_worker_is_noted_and_the_others_go_on),
         MR_TEST(when_the_process_ends_everything_it_ran_fails),
         MR_TEST(what_finds_no_slot_in_time_is_throttled_where_no_other_environment_may_start))
