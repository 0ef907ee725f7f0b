/* The Extensions API, to internal extensions that are scripts in this file. */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/runtime/stage.h"

static const char *
call(struct stage *stage, const char *method, const char *what, const char *headers,
     const char *body)
{
    mr_auto_free char *text = mr_format("%s /2020-01-01/extension/%s HTTP/1.1\r\nHost: x\r\n%s"
                                        "Content-Length: %zu\r\n\r\n%s",
                                        method, what, headers, strlen(body), body);

    return stage_ask_bytes(stage, text, strlen(text), false);
}

static const char *
register_it(struct stage *stage, const char *name, const char *body)
{
    mr_auto_free char *header = mr_format("Lambda-Extension-Name: %s\r\n", name);

    return call(stage, "POST", "register", header, body);
}

/* Returns the header line its identifier makes. */
static const char *
registered(struct stage *stage, const char *name, const char *body)
{
    static char line[128];
    const char *answer = register_it(stage, name, body);
    const char *id = strstr(answer, "Lambda-Extension-Identifier: ");

    ck_assert_msg(id != NULL, "%s", answer);
    snprintf(line, sizeof(line), "%.65s\r\n", id);
    return line;
}

/* Asks for the next event and leaves the question open. */
static int
park(struct stage *stage, const char *path, const char *header)
{
    mr_auto_free char *text = mr_format("GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, header);
    int fd = stage_dial(stage);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    for (int i = 0; i < 10; i++) {
        mr_loop_run_once(stage->loop, 1);
    }
    return fd;
}

static int
park_extension(struct stage *stage, const char *header)
{
    return park(stage, "/2020-01-01/extension/event/next", header);
}

static const char *
parked_answer(struct stage *stage, int fd)
{
    static char answer[4096];
    size_t got = 0;

    answer[0] = 0;
    for (int i = 0; i < 100 && strstr(answer, "\r\n\r\n") == NULL; i++) {
        mr_loop_run_once(stage->loop, 5);
        ssize_t n = read(fd, answer + got, sizeof(answer) - 1 - got);
        got += n > 0 ? (size_t)n : 0;
        answer[got] = 0;
    }
    return answer;
}

START_TEST(who_registers_learns_the_function_and_gets_an_identifier)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");

    const char *answer = register_it(&stage, "GoLangEnableSIGTERM", "{\"events\":null}");

    SAYS(answer, "HTTP/1.1 200 ");
    SAYS(answer, "Lambda-Extension-Identifier: ");
    SAYS(answer,
         "{\"functionName\":\"f\",\"functionVersion\":\"$LATEST\",\"handler\":\"a.b\"}\n");
    SAYS(call(&stage, "POST", "register",
              "Lambda-Extension-Name: b\r\nLambda-Extension-Accept-Feature: accountId\r\n",
              "{}"),
         "\"accountId\":\"123456789012\"}");
    stage_end(&stage);
}
END_TEST

static const struct {
    const char *name, *body, *type, *message;
} refused[] = {
    { "", "{}", "Extension.InvalidExtensionName", "Empty extension name" },
    { "a", "{", "InvalidRequestFormat", "unexpected end of JSON input" },
    { "a", "[]", "InvalidRequestFormat", "unexpected end of JSON input" },
    { "a", "{\"events\":[\"NOPE\"]}", "Extension.InvalidEventType",
      "NOPE: ErrorInvalidEventType" },
    { "a", "{\"events\":[\"<a>\"]}", "Extension.InvalidEventType",
      "\\u003ca\\u003e: ErrorInvalidEventType" },
    { "a", "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}", "Extension.InvalidEventType",
      "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension" },
};

START_TEST(a_registration_that_cannot_be_is_refused_with_its_reason)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");

    const char *answer = register_it(&stage, refused[_i].name, refused[_i].body);

    mr_auto_free char *body = mr_format("{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}\n",
                                        refused[_i].message, refused[_i].type);
    SAYS(answer, "HTTP/1.1 403 ");
    SAYS(answer, body);
    stage_end(&stage);
}
END_TEST

START_TEST(a_name_registers_once_ten_at_most_and_not_after_the_first_next)
{
    struct stage stage;
    char name[16];
    stage_begin(&stage);
    stage_invoke(&stage, "{}");

    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        SAYS(register_it(&stage, name, "{}"), "HTTP/1.1 200 ");
    }
    SAYS(register_it(&stage, "e0", "{}"), "Extension with this name already registered");
    SAYS(register_it(&stage, "e10", "{}"),
         "{\"errorMessage\":\"Extension limit (10) reached\",\"errorType\":"
         "\"Extension.TooManyExtensions\"}\n");
    close(park(&stage, "/2018-06-01/runtime/invocation/next", ""));
    SAYS(register_it(&stage, "late", "{}"),
         "{\"errorMessage\":\"Extension registration closed already\",\"errorType\":"
         "\"Extension.RegistrationClosed\"}\n");
    stage_end(&stage);
}
END_TEST

START_TEST(an_identifier_may_be_missing_malformed_or_unknown_in_three_different_ways)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{}");

    SAYS(call(&stage, "GET", "event/next", "", ""), "Extension.MissingExtensionIdentifier");
    SAYS(call(&stage, "GET", "event/next", "Lambda-Extension-Identifier: x\r\n", ""),
         "Extension.InvalidExtensionIdentifier");
    SAYS(call(&stage, "GET", "event/next",
              "Lambda-Extension-Identifier: 11111111-2222-3333-4444-555555555555\r\n", ""),
         "{\"errorMessage\":\"Unknown extension 11111111-2222-3333-4444-555555555555\","
         "\"errorType\":\"Extension.UnknownExtensionIdentifier\"}\n");
    stage_end(&stage);
}
END_TEST

START_TEST(an_invocation_waits_for_every_extension_to_be_ready_and_tells_those_who_asked)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "{\"a\":1}");
    mr_auto_free char *asks =
        mr_format("%s", registered(&stage, "asks", "{\"events\":[\"INVOKE\"]}"));
    mr_auto_free char *silent = mr_format("%s", registered(&stage, "silent", "{}"));

    int runtime = park(&stage, "/2018-06-01/runtime/invocation/next", "");
    int first = park_extension(&stage, silent);
    char nothing[8];
    ck_assert_int_lt(read(runtime, nothing, sizeof(nothing)), 0);
    int second = park_extension(&stage, asks);

    SAYS(parked_answer(&stage, runtime), "\r\n\r\n{\"a\":1}");
    const char *event = parked_answer(&stage, second);
    SAYS(event, "Lambda-Extension-Event-Identifier: ");
    SAYS(event, "{\"eventType\":\"INVOKE\",\"deadlineMs\":");
    SAYS(event, "\"invokedFunctionArn\":\"arn:aws:lambda:us-east-1:123456789012:function:f\","
                "\"tracing\":{\"type\":\"X-Amzn-Trace-Id\",\"value\":\"Root=1-2-3\"}}");
    ck_assert_int_lt(read(first, nothing, sizeof(nothing)), 0);
    close(runtime);
    close(first);
    close(second);
    stage_end(&stage);
}
END_TEST

START_TEST(the_response_goes_out_at_once_but_the_invocation_ends_with_the_slowest_extension)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    mr_auto_free char *slow =
        mr_format("%s", registered(&stage, "slow", "{\"events\":[\"INVOKE\"]}"));
    int extension = park_extension(&stage, slow);
    stage_next(&stage);

    SAYS(stage_post(&stage, "response", "", "fine"), "HTTP/1.1 202 ");
    ck_assert_int_eq(stage.done, 1);
    ck_assert_str_eq(stage.payload, "fine");
    int runtime = park(&stage, "/2018-06-01/runtime/invocation/next", "");
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).busy, 1);
    SAYS(parked_answer(&stage, extension), "\"eventType\":\"INVOKE\"");
    close(extension);
    extension = park_extension(&stage, slow);
    ck_assert_uint_eq(mr_runtime_counts(stage.runtime).busy, 0);

    close(extension);
    close(runtime);
    stage_end(&stage);
}
END_TEST

START_TEST(an_extension_that_gives_up_in_its_init_fails_it_and_in_the_retry_the_invocation)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    for (int attempt = 0; attempt < 2; attempt++) {
        while (stage.launches <= attempt || stage.port == 0) {
            mr_loop_run_once(stage.loop, 5);
        }
        mr_auto_free char *id = mr_format("%s", registered(&stage, "e", "{}"));
        mr_auto_free char *both =
            mr_format("%sLambda-Extension-Function-Error-Type: Mine.Broken\r\n", id);
        SAYS(call(&stage, "POST", "init/error", id, "{}"),
             "{\"errorMessage\":\"Lambda-Extension-Function-Error-Type not found\","
             "\"errorType\":\"Extension.MissingHeader\"}\n");
        SAYS(call(&stage, "POST", "init/error", both, "{}"), "{\"status\":\"OK\"}\n");
        stage.port = attempt == 0 ? 0 : stage.port;
    }
    while (stage.done == 0) {
        mr_loop_run_once(stage.loop, 5);
    }

    ck_assert_str_eq(stage.error_type, "Extension.InitError");
    ck_assert_int_eq(stage.launches, 2);
    stage_end(&stage);
}
END_TEST

START_TEST(whoever_registers_an_extension_gets_a_sigterm_and_half_a_second)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    mr_auto_free char *id = mr_format("%s", registered(&stage, "e", "{\"events\":null}"));
    int extension = park_extension(&stage, id);
    stage_next(&stage);
    SAYS(stage_post(&stage, "response", "", "1"), "HTTP/1.1 202 ");
    uint64_t before_us = mr_clock_now_us(mr_clock_system());

    stage_end(&stage);

    ck_assert_int_eq(stage.terminations, 1);
    ck_assert_int_eq(stage.kills, 1);
    uint64_t took_us = mr_clock_now_us(mr_clock_system()) - before_us;
    ck_assert_msg(took_us >= 490000 && took_us < 900000, "%d us", (int)took_us);
    close(extension);
}
END_TEST

START_TEST(without_an_extension_there_is_no_sigterm)
{
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);

    stage_end(&stage);

    ck_assert_int_eq(stage.terminations, 0);
    ck_assert_int_eq(stage.kills, 1);
}
END_TEST

MR_SUITE(
    "runtime.extensions", MR_TEST(who_registers_learns_the_function_and_gets_an_identifier),
    MR_TEST_LOOP(a_registration_that_cannot_be_is_refused_with_its_reason, 6),
    MR_TEST(a_name_registers_once_ten_at_most_and_not_after_the_first_next),
    MR_TEST(an_identifier_may_be_missing_malformed_or_unknown_in_three_different_ways),
    MR_TEST(an_invocation_waits_for_every_extension_to_be_ready_and_tells_those_who_asked),
    MR_TEST(the_response_goes_out_at_once_but_the_invocation_ends_with_the_slowest_extension),
    MR_TEST(an_extension_that_gives_up_in_its_init_fails_it_and_in_the_retry_the_invocation),
    MR_TEST(whoever_registers_an_extension_gets_a_sigterm_and_half_a_second),
    MR_TEST(without_an_extension_there_is_no_sigterm))
