/* The Runtime API's answers, word for word, to a runtime that is a script in this file. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/http_server.h"
#include "runtime/runtime.h"
#include "tests/suite.h"

/* ---- a launcher that launches nothing: the test itself plays the process ---- */

struct stage {
    struct mr_loop *loop;
    struct mr_launcher launcher;
    struct mr_runtime *runtime;
    struct mr_launch_events events;
    void *events_context;
    uint64_t environment;
    uint16_t port;
    int launches, kills, log_write;
    int done;
    bool stopped;
    enum mr_invocation_outcome outcome;
    char payload[512], error_type[64];
    size_t payload_size;
    char *answer;
    char id[64];
};

static void
listen_to(void *self, const struct mr_launch_events *events, void *context)
{
    struct stage *stage = self;

    stage->events = *events;
    stage->events_context = context;
}

static void
announce(void *context)
{
    struct stage *stage = context;
    int ends[2];
    int fd = mr_net_listen_tcp("127.0.0.1", 0, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    stage->port = mr_net_port(fd);
    stage->log_write = ends[1];
    const struct mr_launch_started started = { .listener_fd = fd, .log_fd = ends[0] };
    stage->events.started(stage->events_context, stage->environment, &started);
}

static int
launch(void *self, const struct mr_launch *what, struct mr_error *err)
{
    struct stage *stage = self;

    (void)err;
    stage->launches++;
    stage->environment = what->environment;
    mr_loop_defer(stage->loop, announce, stage);
    return 0;
}

static void
exit_now(void *context)
{
    struct stage *stage = context;
    const struct mr_launch_exit killed = { .signal = 9 };

    close(stage->log_write);
    stage->events.exited(stage->events_context, stage->environment, &killed);
}

static void
kill_it(void *self, uint64_t environment)
{
    struct stage *stage = self;

    (void)environment;
    stage->kills++;
    mr_loop_defer(stage->loop, exit_now, stage);
}

static void
nothing(void *self, uint64_t environment)
{
    (void)self;
    (void)environment;
}

static uint64_t
no_peak(void *self, uint64_t environment)
{
    (void)self;
    (void)environment;
    return 1 << 20;
}

static void
no_free(void *self)
{
    (void)self;
}

/* ---- the stage ---- */

static void
begin(struct stage *stage)
{
    struct mr_error err = { 0 };
    const struct mr_function function = {
        .name = MR_SLICE("f"),
        .code_dir = MR_SLICE("/tmp"),
        .runtime = MR_SLICE("python3.12"),
        .handler = MR_SLICE("a.b"),
        .timeout_ms = 30000,
    };

    *stage = (struct stage){ .loop = mr_loop_new(NULL) };
    stage->launcher = (struct mr_launcher){
        .self = stage,
        .listen = listen_to,
        .launch = launch,
        .kill = kill_it,
        .freeze = nothing,
        .thaw = nothing,
        .release = nothing,
        .memory_peak = no_peak,
        .free = no_free,
    };
    const struct mr_runtime_options options = { .launcher = &stage->launcher,
                                                .bootstraps = "/nowhere" };
    stage->runtime = mr_runtime_new(stage->loop, &options);
    ck_assert_msg(mr_runtime_set_function(stage->runtime, &function, &err) == 0, "%s",
                  err.text);
}

static void
on_done(const struct mr_invocation_result *result, void *context)
{
    struct stage *stage = context;

    stage->done++;
    stage->outcome = result->outcome;
    stage->payload_size = result->payload.size;
    snprintf(stage->payload, sizeof(stage->payload), "%.*s",
             MR_SLICE_ARGS(mr_slice_first(result->payload, 500)));
    snprintf(stage->error_type, sizeof(stage->error_type), "%.*s",
             MR_SLICE_ARGS(result->error_type));
}

static void
invoke(struct stage *stage, const char *payload)
{
    const struct mr_invocation_request request = {
        .function = MR_SLICE("f"),
        .payload = mr_slice_str(payload),
        .client_context = MR_SLICE("{\"custom\":1}"),
        .tenant_id = MR_SLICE("blue"),
    };

    mr_runtime_invoke(stage->runtime, &request, on_done, stage);
    do {
        mr_loop_run_once(stage->loop, 5);
    } while (stage->port == 0);
}

static int
dial(struct stage *stage)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(stage->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Send, half-close unless the server should keep reading, and read to the answer's end. */
static const char *
ask_bytes(struct stage *stage, const char *bytes, size_t size, bool half_close)
{
    static char answer[65536];
    size_t sent = 0, got = 0;
    int fd = dial(stage);
    bool shut = false;

    for (int i = 0; i < 20000; i++) {
        ssize_t n = sent < size ? send(fd, bytes + sent, size - sent, MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        if (sent == size && half_close && !shut) {
            shut = shutdown(fd, SHUT_WR) == 0;
        }
        mr_loop_run_once(stage->loop, 1);
        n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0);
        got += n > 0 ? (size_t)n : 0;
        answer[got] = 0;
        char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
        if (got > 0 && end != NULL &&
            (length == NULL ||
             got >= (size_t)(end - answer) + 4 + strtoul(length + 16, NULL, 10))) {
            break;
        }
        if (n == 0) {
            break;
        }
    }
    answer[got] = 0;
    close(fd);
    return answer;
}

static const char *
ask(struct stage *stage, const char *method, const char *path, const char *headers,
    const char *body)
{
    mr_auto_free char *text =
        mr_format("%s /2018-06-01%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s",
                  method, path, headers, strlen(body), body);

    return ask_bytes(stage, text, strlen(text), false);
}

/* next, and remember the request id. */
static const char *
next(struct stage *stage)
{
    const char *answer = ask(stage, "GET", "/runtime/invocation/next", "", "");
    const char *id = strstr(answer, "Lambda-Runtime-Aws-Request-Id: ");

    ck_assert_msg(id != NULL, "%s", answer);
    snprintf(stage->id, sizeof(stage->id), "%.36s", id + 31);
    return answer;
}

static const char *
post(struct stage *stage, const char *what, const char *headers, const char *body)
{
    char path[128];

    snprintf(path, sizeof(path), "/runtime/invocation/%s/%s", stage->id, what);
    return ask(stage, "POST", path, headers, body);
}

static void
on_stopped(void *context)
{
    ((struct stage *)context)->stopped = true;
}

static void
end(struct stage *stage)
{
    mr_runtime_stop(stage->runtime, on_stopped, stage);
    for (int i = 0; i < 1000 && !stage->stopped; i++) {
        mr_loop_run_once(stage->loop, 5);
    }
    ck_assert(stage->stopped);
    mr_runtime_free(stage->runtime);
    mr_loop_free(stage->loop);
}

#define SAYS(text, part)                                                                      \
    do {                                                                                      \
        const char *text_ = (text);                                                           \
        ck_assert_msg(strstr(text_, part) != NULL, "%s\n-- not in --\n%.2000s", part, text_); \
    } while (0)

#define REFUSED(from, to)                                                          \
    "{\"errorMessage\":\"State transition from " from " to " to                    \
    " failed for runtime. Error: State transition is not allowed\",\"errorType\":" \
    "\"InvalidStateTransition\"}\n"
#define BAD_ID "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}\n"

START_TEST(a_new_runtime_pings_and_wrong_ways_are_told)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");

    SAYS(ask(&stage, "GET", "/ping", "", ""), "\r\n\r\npong");
    SAYS(ask(&stage, "POST", "/runtime/invocation/next", "", ""), "HTTP/1.1 405 ");
    SAYS(ask(&stage, "GET", "/nowhere", "", ""), "404 page not found\n");
    SAYS(ask(&stage, "GET", "/runtime/restore/next", "", ""), "HTTP/1.1 404 ");
    SAYS(ask(&stage, "POST", "/runtime/invocation/x/response", "", ""), BAD_ID);
    end(&stage);
}
END_TEST

START_TEST(next_carries_the_event_and_what_belongs_to_it)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{\"a\":1}");

    const char *answer = next(&stage);

    SAYS(answer, "HTTP/1.1 200 ");
    SAYS(answer, "Content-Type: application/json\r\n");
    SAYS(answer, "Lambda-Runtime-Deadline-Ms: ");
    SAYS(answer, "Lambda-Runtime-Client-Context: {\"custom\":1}\r\n");
    SAYS(answer, "Lambda-Runtime-Aws-Tenant-Id: blue\r\n");
    SAYS(answer, "Lambda-Runtime-Invoked-Function-Arn: "
                 "arn:aws:lambda:us-east-1:123456789012:function:f\r\n");
    SAYS(answer, "\r\n\r\n{\"a\":1}");
    end(&stage);
}
END_TEST

START_TEST(next_again_while_running_is_the_same_event_but_not_for_ever)
{
    struct stage stage;
    char id[64];
    begin(&stage);
    invoke(&stage, "{\"a\":1}");
    next(&stage);
    memcpy(id, stage.id, sizeof(id));

    SAYS(next(&stage), "{\"a\":1}");
    ck_assert_str_eq(id, stage.id);
    next(&stage);
    SAYS(ask(&stage, "GET", "/runtime/invocation/next", "", ""), "HTTP/1.1 500 ");

    ck_assert_str_eq(stage.error_type, "Runtime.Unknown");
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).redeliveries, 3);
    ck_assert_int_eq(stage.kills, 1);
    end(&stage);
}
END_TEST

START_TEST(a_second_answer_and_another_id_are_refused)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");
    next(&stage);

    SAYS(ask(&stage, "POST", "/runtime/invocation/other/response", "", "x"), BAD_ID);
    SAYS(ask(&stage, "POST", "/runtime/init/error", "", "x"), REFUSED("Running", "InitError"));
    SAYS(post(&stage, "response", "", "fine"), "HTTP/1.1 202 ");
    SAYS(post(&stage, "response", "", "x"),
         REFUSED("RuntimeResponseSentState", "InvocationResponse"));
    SAYS(post(&stage, "error", "", "x"),
         REFUSED("RuntimeResponseSentState", "InvocationErrorResponse"));

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_OK);
    ck_assert_str_eq(stage.payload, "fine");
    invoke(&stage, "\"second\"");
    SAYS(next(&stage), "\"second\"");
    ck_assert_int_eq(stage.launches, 1);
    end(&stage);
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
    begin(&stage);
    invoke(&stage, "{}");
    next(&stage);

    SAYS(post(&stage, "error", errors[_i].headers, errors[_i].body), "{\"status\":\"OK\"}\n");
    SAYS(post(&stage, "response", "", "x"), "HTTP/1.1 403 ");

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_FUNCTION_ERROR);
    ck_assert_str_eq(stage.error_type, errors[_i].type);
    ck_assert_str_eq(stage.payload, errors[_i].payload);
    end(&stage);
}
END_TEST

START_TEST(after_an_init_error_nothing_else_is_legal)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");

    SAYS(ask(&stage, "POST", "/runtime/init/error", "", "broken"), "HTTP/1.1 202 ");
    SAYS(ask(&stage, "POST", "/runtime/init/error", "", "x"),
         REFUSED("InitError", "InitError"));
    SAYS(ask(&stage, "GET", "/runtime/invocation/next", "", ""), REFUSED("InitError", "Ready"));
    end(&stage);
}
END_TEST

START_TEST(a_response_may_have_6291556_bytes_and_no_more)
{
    size_t size = 6291556 + (size_t)_i;
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");
    next(&stage);
    mr_auto_free char *body = mr_alloc(size + 1);
    memset(body, 'x', size);
    body[size] = 0;

    const char *answer = post(&stage, "response", "", body);

    if (_i == 0) {
        SAYS(answer, "HTTP/1.1 202 ");
        ck_assert_uint_eq(stage.payload_size, size);
    } else {
        SAYS(answer, "HTTP/1.1 413 ");
        SAYS(answer, "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 "
                     "bytes).\",\"errorType\":\"RequestEntityTooLarge\"}\n");
        ck_assert_str_eq(stage.error_type, "Function.ResponseSizeTooLarge");
    }
    end(&stage);
}
END_TEST

START_TEST(a_streamed_response_is_collected_and_its_error_trailers_are_heard)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");
    next(&stage);
    mr_auto_free char *text = mr_format(
        "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
        "Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n%s\r\n",
        stage.id,
        _i == 0 ? ""
                : "Lambda-Runtime-Function-Error-Type: Function.Late\r\n"
                  "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n");

    SAYS(ask_bytes(&stage, text, strlen(text), false), "HTTP/1.1 202 ");

    ck_assert_str_eq(stage.payload, _i == 0 ? "abcde" : "{\"a\":1}");
    ck_assert_str_eq(stage.error_type, _i == 0 ? "" : "Function.Late");
    end(&stage);
}
END_TEST

START_TEST(an_unknown_response_mode_and_a_truncated_body_are_function_errors)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");
    next(&stage);

    if (_i == 0) {
        SAYS(post(&stage, "response", "Lambda-Runtime-Function-Response-Mode: fast\r\n", "x"),
             "\"errorType\":\"InvalidFunctionResponseMode\"");
        ck_assert_str_eq(stage.error_type, "Runtime.InvalidResponseModeHeader");
    } else {
        mr_auto_free char *text =
            mr_format("POST /2018-06-01/runtime/invocation/%s/response "
                      "HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
                      stage.id);
        SAYS(ask_bytes(&stage, text, strlen(text), true), "\"TruncatedHTTPRequest\"");
        ck_assert_str_eq(stage.error_type, "Runtime.TruncatedResponse");
    }
    end(&stage);
}
END_TEST

START_TEST(a_head_of_a_mebibyte_is_taken)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");
    next(&stage);
    mr_auto_free char *headers = mr_alloc((1 << 20) + 64);
    size_t used = (size_t)sprintf(headers, "Lambda-Runtime-Function-XRay-Error-Cause: ");
    memset(headers + used, 'x', 1 << 20);
    strcpy(headers + used + (1 << 20), "\r\n");

    SAYS(post(&stage, "error", headers, "{}"), "HTTP/1.1 202 ");

    ck_assert_int_eq(stage.outcome, MR_INVOCATION_FUNCTION_ERROR);
    end(&stage);
}
END_TEST

START_TEST(who_asks_for_an_unknown_function_is_told)
{
    struct stage stage;
    begin(&stage);
    const struct mr_invocation_request request = { .function = MR_SLICE("g") };

    mr_runtime_invoke(stage.runtime, &request, on_done, &stage);
    ck_assert_int_eq(stage.done, 0);
    mr_loop_run_once(stage.loop, 100);

    ck_assert_int_eq(stage.done, 1);
    ck_assert_int_eq(stage.outcome, MR_INVOCATION_NOT_FOUND);
    end(&stage);
}
END_TEST

static void
replace(struct stage *stage, uint32_t concurrency, bool reserved)
{
    struct mr_error err = { 0 };
    const struct mr_function function = {
        .name = MR_SLICE("f"),
        .code_dir = MR_SLICE("/tmp"),
        .runtime = MR_SLICE("python3.12"),
        .handler = MR_SLICE("new.code"),
        .concurrency = concurrency,
        .has_reserved = reserved,
    };

    ck_assert_msg(mr_runtime_set_function(stage->runtime, &function, &err) == 0, "%s",
                  err.text);
}

START_TEST(in_flight_work_ends_on_the_old_code_and_new_work_starts_on_the_new)
{
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");
    next(&stage);

    replace(&stage, 0, false);
    SAYS(post(&stage, "response", "", "old"), "HTTP/1.1 202 ");
    ck_assert_str_eq(stage.payload, "old");
    ask_bytes(&stage, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", 62,
              false);
    ck_assert_int_eq(stage.kills, 1);
    stage.port = 0;
    invoke(&stage, "\"again\"");
    SAYS(next(&stage), "\"again\"");

    ck_assert_int_eq(stage.launches, 2);
    end(&stage);
}
END_TEST

START_TEST(more_than_a_functions_concurrency_is_throttled_not_queued)
{
    struct stage stage;
    begin(&stage);
    replace(&stage, (uint32_t)_i, true);
    if (_i == 1) {
        invoke(&stage, "{}");
        next(&stage);
    }
    const struct mr_invocation_request request = { .function = MR_SLICE("f") };

    mr_runtime_invoke(stage.runtime, &request, on_done, &stage);
    mr_loop_run_once(stage.loop, 100);

    ck_assert_int_eq(stage.done, 1);
    ck_assert_int_eq(stage.outcome, MR_INVOCATION_THROTTLED);
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).throttles, 1);
    end(&stage);
}
END_TEST

START_TEST(an_extension_that_only_wants_to_be_known_is_registered)
{
    static const char head[] = "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: x\r\n"
                               "Lambda-Extension-Name: GoLangEnableSIGTERM\r\nContent-Length: ";
    struct stage stage;
    begin(&stage);
    invoke(&stage, "{}");
    mr_auto_free char *silent = mr_format("%s15\r\n\r\n{\"events\":null}", head);
    mr_auto_free char *asking = mr_format("%s21\r\n\r\n{\"events\":[\"INVOKE\"]}", head);

    const char *answer = ask_bytes(&stage, silent, strlen(silent), false);
    SAYS(answer, "HTTP/1.1 200 ");
    SAYS(answer, "Lambda-Extension-Identifier: ");
    SAYS(answer,
         "{\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":\"a.b\"}");
    SAYS(ask_bytes(&stage, asking, strlen(asking), false), "Extension.InvalidEventType");
    next(&stage);
    SAYS(ask_bytes(&stage, silent, strlen(silent), false), "Extension.RegistrationClosed");
    end(&stage);
}
END_TEST

MR_SUITE("runtime.runtime_api",
         MR_TEST(in_flight_work_ends_on_the_old_code_and_new_work_starts_on_the_new),
         MR_TEST_LOOP(more_than_a_functions_concurrency_is_throttled_not_queued, 2),
         MR_TEST(an_extension_that_only_wants_to_be_known_is_registered),
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
