/* The lines around an invocation, as text and as JSON, by level. */
#include <regex.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/runtime/stage.h"

static void
matches(const char *log, const char *pattern)
{
    regex_t regex;

    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE), 0);
    ck_assert_msg(regexec(&regex, log, 0, NULL, 0) == 0, "%s\n-- does not match --\n%s", log,
                  pattern);
    regfree(&regex);
}

static bool
has(const char *log, const char *part)
{
    return strstr(log, part) != NULL;
}

/* One invocation from its init to its REPORT; the handler writes `output` meanwhile. */
static void
play(struct stage *stage, const struct mr_function *function, const char *verb,
     const char *output)
{
    stage_begin_with(stage, function);
    stage_invoke(stage, "1");
    stage_next(stage);
    ck_assert_int_eq(write(stage->log_write, output, strlen(output)), (ssize_t)strlen(output));
    SAYS(stage_post(stage, verb, "Lambda-Runtime-Function-Error-Type: Function.Mine\r\n", "{}"),
         "HTTP/1.1 202 ");
    stage_invoke(stage, "2");
    stage_next(stage); /* the first is over now */
}

#define UUID "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"

START_TEST(text_has_lambdas_lines_to_the_letter)
{
    struct stage stage;
    play(&stage, &(struct mr_function){ .memory_mb = 256 }, "response", "hello\n");

    matches(stage.log,
            "^INIT_START Runtime Version: python3.12\tRuntime Version ARN: arn:aws:");
    matches(stage.log, "^START RequestId: " UUID " Version: \\$LATEST$");
    matches(stage.log, "^hello$");
    matches(stage.log, "^END RequestId: " UUID "$");
    matches(stage.log,
            "^REPORT RequestId: " UUID "\tDuration: [0-9]+\\.[0-9]{2} ms\tBilled Duration: "
            "[0-9]+ ms\tMemory Size: 256 MB\tMax Memory Used: 1 MB\tInit Duration: "
            "[0-9]+\\.[0-9]{2} ms\t$");
    ck_assert(!has(stage.log, "INIT_REPORT"));
    stage_end(&stage);
}
END_TEST

static const char *const events[] = {
    "\"type\":\"platform.initStart\"",   "\"type\":\"platform.initRuntimeDone\"",
    "\"type\":\"platform.initReport\"",  "\"type\":\"platform.start\"",
    "\"type\":\"platform.runtimeDone\"", "\"type\":\"platform.report\"",
};

static const struct {
    enum mr_function_log_level level;
    const char *verb;
    const char *seen; /* of the events, one letter each */
} levels[] = {
    { MR_FUNCTION_LOG_DEBUG, "response", "yyyyyy" },
    { MR_FUNCTION_LOG_UNSET, "response", "y--y-y" },
    { MR_FUNCTION_LOG_INFO, "response", "y--y-y" },
    { MR_FUNCTION_LOG_WARN, "response", "------" },
    { MR_FUNCTION_LOG_WARN, "error", "----yy" },
};

START_TEST(json_has_the_platforms_events_of_its_level)
{
    struct stage stage;
    play(&stage,
         &(struct mr_function){ .log_format = MR_FUNCTION_LOG_JSON,
                                .system_log_level = levels[_i].level },
         levels[_i].verb, "");

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        ck_assert_msg(has(stage.log, events[i]) == (levels[_i].seen[i] == 'y'), "%s in\n%s",
                      events[i], stage.log);
    }
    stage_end(&stage);
}
END_TEST

START_TEST(a_report_as_json_has_its_metrics_and_what_failed)
{
    struct stage stage;
    play(&stage,
         &(struct mr_function){ .log_format = MR_FUNCTION_LOG_JSON,
                                .system_log_level = MR_FUNCTION_LOG_DEBUG },
         _i == 0 ? "response" : "error", "");

    matches(stage.log, _i == 0
                           ? "\"platform.report\",\"record\":\\{\"requestId\":\"" UUID
                             "\",\"tenantId\":\"blue\",\"status\":\"success\",\"metrics\":"
                             "\\{\"durationMs\":[0-9.]+,\"billedDurationMs\":[0-9]+,"
                             "\"memorySizeMB\":128,\"maxMemoryUsedMB\":1,\"initDurationMs\":"
                           : "\"status\":\"error\",\"errorType\":\"Function.Mine\","
                             "\"metrics\":\\{\"durationMs\":");
    matches(stage.log,
            "\"platform.runtimeDone\",\"record\":.*\"producedBytes\":2\\},\"spans\":\\["
            "\\{\"name\":\"responseLatency\",\"start\":\"20.*\"runtimeOverhead\"");
    matches(stage.log,
            "\"tracing\":\\{\"type\":\"X-Amzn-Trace-Id\",\"value\":\"Root=1-2-3\"\\}");
    stage_end(&stage);
}
END_TEST

START_TEST(in_json_what_a_handler_writes_is_wrapped_or_taken_at_its_level)
{
    struct stage stage;
    play(&stage,
         &(struct mr_function){ .log_format = MR_FUNCTION_LOG_JSON,
                                .application_log_level = MR_FUNCTION_LOG_WARN },
         "response",
         "plain\n{\"level\":\"DEBUG\",\"message\":\"low\"}\n"
         "{\"level\":\"ERROR\",\"message\":\"high\"}\n{\"message\":\"no level\"}\n");

    ck_assert(!has(stage.log, "plain"));
    ck_assert(!has(stage.log, "low"));
    ck_assert(!has(stage.log, "no level"));
    SAYS(stage.log, "{\"level\":\"ERROR\",\"message\":\"high\"}\n");
    SAYS(stage.variables, "AWS_LAMBDA_LOG_FORMAT=JSON\nAWS_LAMBDA_LOG_LEVEL=WARN\n");
    stage_end(&stage);

    play(&stage, &(struct mr_function){ .log_format = MR_FUNCTION_LOG_JSON }, "response",
         "plain\n{\"level\":\"DEBUG\",\"message\":\"low\"}\n");

    matches(stage.log, "^\\{\"timestamp\":\"20.*Z\",\"level\":\"INFO\",\"requestId\":\"" UUID
                       "\",\"message\":\"plain\"\\}$");
    ck_assert(!has(stage.log, "low"));
    stage_end(&stage);
}
END_TEST

START_TEST(a_frame_is_one_record_with_its_level_in_the_midst_of_text)
{
    static const char frame[] =
        "\xa5\x5a\x00\x17\x00\x00\x00\x07\x00\x05\xf5\xe1\x00\x00\x00\x00"
        "one\ntwo";
    struct stage stage;
    stage_begin(&stage);
    stage_invoke(&stage, "1");
    stage_next(&stage);

    ck_assert_int_eq(write(stage.log_write, "before\n", 7), 7);
    ck_assert_int_eq(write(stage.log_write, frame, sizeof(frame) - 1), sizeof(frame) - 1);
    ck_assert_int_eq(write(stage.log_write, "after\n", 6), 6);
    SAYS(stage_post(&stage, "response", "", "{}"), "HTTP/1.1 202 ");

    SAYS(stage.log, "before\none\ntwo\nafter\n");
    stage_end(&stage);
}
END_TEST

MR_SUITE("runtime.platform_log", MR_TEST(text_has_lambdas_lines_to_the_letter),
         MR_TEST_LOOP(json_has_the_platforms_events_of_its_level, 5),
         MR_TEST_LOOP(a_report_as_json_has_its_metrics_and_what_failed, 2),
         MR_TEST(in_json_what_a_handler_writes_is_wrapped_or_taken_at_its_level),
         MR_TEST(a_frame_is_one_record_with_its_level_in_the_midst_of_text))
