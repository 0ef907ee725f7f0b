#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/control/rig.h"
#include "tests/suite.h"

#define FUNCTIONS "/2015-03-31/functions"
#define MAPPINGS  "/2015-03-31/event-source-mappings"

static const char good[] = "curl -sS -o /dev/null -d '{}' $api/$id/response";
static const char bad[] = "curl -sS -o /dev/null -d '{\"errorType\":\"E\"}' $api/$id/error";

static struct rig rig;

static char *
mapping_path(void)
{
    return mr_format(MAPPINGS "/%s", rig_text(&rig, "UUID"));
}

static bool
nothing_waits(struct rig *own)
{
    rig_ask(own, "GET", "/_millrace/status", NULL);
    json_t *runtime = json_object_get(own->answer, "runtime");
    return json_integer_value(json_object_get(runtime, "busy")) == 0;
}

/* ---- asynchronous invocations, on a virtual clock ---- */

static bool
said_once(struct rig *own)
{
    return rig_said(own) == 1;
}

static bool
said_thrice(struct rig *own)
{
    return rig_said(own) == 3;
}

static int
invoke_event(const char *name)
{
    mr_auto_free char *path = mr_format("/2014-11-13/functions/%s/invoke-async", name);

    return rig_ask(&rig, "POST", path, "{'n':1}");
}

START_TEST(an_event_that_fails_is_tried_again_after_one_and_two_minutes)
{
    rig_open(&rig, true);
    rig_function(&rig, "f", bad);
    uint64_t began_us = mr_clock_wall_us(&rig.clock.clock);

    ck_assert_int_eq(invoke_event("f"), 202);

    rig_until(&rig, said_thrice);
    uint64_t took_s = (mr_clock_wall_us(&rig.clock.clock) - began_us) / 1000000;
    ck_assert_uint_ge(took_s, 180);
    ck_assert_uint_lt(took_s, 400);
    rig_until(&rig, nothing_waits);
    ck_assert_uint_eq(rig_said(&rig), 3);
    rig_close(&rig);
}
END_TEST

START_TEST(an_event_that_was_accepted_survives_a_restart)
{
    rig_open(&rig, false);
    rig_function(&rig, "f", good);
    ck_assert_int_eq(rig_ask(&rig, "PUT", "/2017-10-31/functions/f/concurrency",
                             "{'ReservedConcurrentExecutions':0}"),
                     200);
    ck_assert_int_eq(invoke_event("f"), 202);
    rig_until(&rig, nothing_waits);
    ck_assert_int_eq(rig_ask(&rig, "DELETE", "/2017-10-31/functions/f/concurrency", NULL), 204);

    rig_restart(&rig);

    rig_until(&rig, said_once);
    rig_close(&rig);
}
END_TEST

START_TEST(a_failure_destination_that_is_a_function_gets_the_document)
{
    rig_open(&rig, true);
    rig_function(&rig, "f", bad);
    rig_function(&rig, "g", good);
    ck_assert_int_eq(
        rig_ask(&rig, "PUT", "/2019-09-25/functions/f/event-invoke-config",
                "{'MaximumRetryAttempts':0,'DestinationConfig':{'OnFailure':{'Destination':"
                "'arn:aws:lambda:us-east-1:123456789012:function:g'}}}"),
        200);

    ck_assert_int_eq(invoke_event("f"), 202);

    mr_auto_free char *path = mr_format("%s/said", rig.directory);
    char text[4096] = "";
    for (int i = 0; i < 500 && strstr(text, "RetriesExhausted") == NULL; i++) {
        mr_loop_run_once(rig.loop, 20);
        FILE *file = fopen(path, "r");
        size_t size = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);
        text[size] = '\0';
        if (file != NULL) {
            fclose(file);
        }
    }
    ck_assert_ptr_nonnull(strstr(text, "\"condition\":\"RetriesExhausted\""));
    ck_assert_ptr_nonnull(strstr(text, "\"approximateInvokeCount\":1"));
    ck_assert_ptr_nonnull(strstr(text, "\"requestPayload\":{\"n\":1}"));
    ck_assert_ptr_nonnull(strstr(text, "\"responsePayload\":{\"errorType\":\"E\"}"));
    rig_close(&rig);
}
END_TEST

/* ---- mappings ---- */

static char asked[128]; /* the mapping that is_enabled looks at */

static bool
is_enabled(struct rig *own)
{
    rig_ask(own, "GET", asked, NULL);
    return strcmp(rig_text(own, "State"), "Enabled") == 0;
}

static void
create_mapping(void)
{
    ck_assert_msg(rig_ask(&rig, "POST", MAPPINGS,
                          "{'FunctionName':'f','EventSourceArn':'" RIG_STREAM
                          "','StartingPosition':'TRIM_HORIZON','MaximumRetryAttempts':0}") ==
                      202,
                  "%s", rig_text(&rig, "message"));
}

START_TEST(enabled_means_that_iterators_are_taken)
{
    rig_open(&rig, false);
    rig_function(&rig, "f", good);
    mr_memory_stream_fail(rig.stream, MR_MEMORY_ITERATOR, MR_SOURCE_THROTTLED, 2);

    create_mapping();

    ck_assert_str_eq(rig_text(&rig, "State"), "Creating");
    snprintf(asked, sizeof(asked), MAPPINGS "/%s", rig_text(&rig, "UUID"));
    ck_assert(!is_enabled(&rig));
    rig_until(&rig, is_enabled);
    rig_close(&rig);
}
END_TEST

static void
never(const struct mr_http_result *result, void *context)
{
    (void)result, (void)context;
    ck_abort_msg("the call was given up");
}

/* Ask for a mapping and hang up before the stream has answered. */
static void
ask_and_leave(void)
{
    mr_auto_free char *url = mr_format("http://127.0.0.1:%d" MAPPINGS, rig.port);
    struct mr_http_call *call = mr_http_client_send(
        rig.client,
        &(struct mr_http_call_options){
            .method = "POST",
            .url = url,
            .body = MR_SLICE("{\"FunctionName\":\"f\",\"EventSourceArn\":\"" RIG_STREAM
                             "\",\"StartingPosition\":\"LATEST\"}") },
        never, NULL);

    for (int i = 0; i < 20; i++) {
        mr_loop_run_once(rig.loop, 5);
    }
    mr_http_call_cancel(call);
    for (int i = 0; i < 20; i++) {
        mr_loop_run_once(rig.loop, 5);
    }
}

START_TEST(a_mapping_whose_caller_hung_up_is_not_made)
{
    struct mr_random random;
    rig_open(&rig, false);
    rig_function(&rig, "f", good);
    mr_random_init_seed(&random, 1);
    mr_memory_stream_set_latency(rig.stream, 3600000, &random);

    ask_and_leave();

    ck_assert_int_eq(rig_ask(&rig, "GET", MAPPINGS, NULL), 200);
    ck_assert_uint_eq(json_array_size(json_object_get(rig.answer, "EventSourceMappings")), 0);
    rig_close(&rig);
}
END_TEST

START_TEST(states_last_as_long_as_asked_and_a_change_meanwhile_is_refused)
{
    rig.settle_ms = 60000;
    rig_open(&rig, true);
    rig_function(&rig, "f", good);
    create_mapping();
    mr_auto_free char *path = mapping_path();

    ck_assert_int_eq(rig_ask(&rig, "PUT", path, "{'BatchSize':5}"), 400);

    ck_assert_str_eq(rig.error, "ResourceInUseException");
    uint64_t began_us = mr_clock_wall_us(&rig.clock.clock);
    while (mr_clock_wall_us(&rig.clock.clock) < began_us + 61000000) {
        mr_loop_run_once(rig.loop, 1);
        mr_clock_virtual_advance_us(&rig.clock, 1000000);
    }
    rig_ask(&rig, "GET", path, NULL);
    ck_assert_str_eq(rig_text(&rig, "State"), "Enabled");
    ck_assert_int_eq(rig_ask(&rig, "PUT", path, "{'BatchSize':5}"), 202);
    ck_assert_str_eq(rig_text(&rig, "State"), "Updating");
    rig.settle_ms = 0;
    rig_close(&rig);
}
END_TEST

START_TEST(a_mapping_goes_on_where_it_was_after_a_restart)
{
    rig_open(&rig, false);
    rig_function(&rig, "f", good);
    create_mapping();
    mr_memory_stream_put(rig.stream, 0, MR_SLICE("k"), MR_SLICE("one"));
    rig_until(&rig, said_once);
    rig_until(&rig, nothing_waits);

    rig_restart(&rig);
    mr_memory_stream_put(rig.stream, 0, MR_SLICE("k"), MR_SLICE("two"));
    mr_memory_stream_put(rig.stream, 0, MR_SLICE("k"), MR_SLICE("three"));

    for (int i = 0; i < 200 && rig_said(&rig) < 2; i++) {
        mr_loop_run_once(rig.loop, 20);
    }
    mr_auto_free char *path = mr_format("%s/said", rig.directory);
    char text[8192] = "";
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    const char *first = strstr(text, "b25l"); /* "one" */
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "b25l"));
    ck_assert_ptr_nonnull(strstr(text, "dHdv"));
    rig_close(&rig);
}
END_TEST

START_TEST(a_mapping_can_be_moved_back)
{
    rig_open(&rig, false);
    rig_function(&rig, "f", good);
    create_mapping();
    mr_auto_free char *seek = mr_format("/_millrace/mappings/%s/seek", rig_text(&rig, "UUID"));
    mr_memory_stream_put(rig.stream, 0, MR_SLICE("k"), MR_SLICE("one"));
    rig_until(&rig, said_once);
    rig_until(&rig, nothing_waits);

    ck_assert_int_eq(rig_ask(&rig, "POST", seek, "{'position':'TRIM_HORIZON'}"), 200);

    for (int i = 0; i < 200 && rig_said(&rig) < 2; i++) {
        mr_loop_run_once(rig.loop, 20);
    }
    ck_assert_uint_eq(rig_said(&rig), 2);
    ck_assert_int_eq(rig_ask(&rig, "POST", seek, "{'position':'SOMEWHERE'}"), 400);
    rig_close(&rig);
}
END_TEST

START_TEST(a_mapping_outlives_its_function)
{
    rig_open(&rig, false);
    rig_function(&rig, "f", good);
    create_mapping();
    mr_auto_free char *path = mapping_path();
    ck_assert_int_eq(rig_ask(&rig, "DELETE", FUNCTIONS "/f", NULL), 204);

    mr_memory_stream_put(rig.stream, 0, MR_SLICE("k"), MR_SLICE("one"));
    for (int i = 0; i < 500; i++) {
        rig_ask(&rig, "GET", path, NULL);
        if (strstr(rig_text(&rig, "LastProcessingResult"), "internal Lambda error") != NULL) {
            break;
        }
    }

    ck_assert_str_eq(rig_text(&rig, "State"), "Enabled");
    ck_assert_str_eq(rig_text(&rig, "LastProcessingResult"),
                     "PROBLEM: internal Lambda error. Please contact Lambda customer support.");
    rig_close(&rig);
}
END_TEST

START_TEST(metrics_are_text_for_prometheus)
{
    rig_open(&rig, false);
    rig_function(&rig, "f", good);
    create_mapping();

    ck_assert_int_eq(rig_ask(&rig, "GET", "/metrics", NULL), 200);
    ck_assert_int_eq(rig_ask(&rig, "GET", "/_millrace/health", NULL), 200);

    ck_assert_str_eq(rig_text(&rig, "status"), "ok");
    rig_close(&rig);
}
END_TEST

START_TEST(settings_that_are_none_are_refused)
{
    static const char path[] = "/_millrace/functions/f/settings";
    rig_open(&rig, false);
    rig_function(&rig, "f", good);

    ck_assert_int_eq(rig_ask(&rig, "PUT", path, "{'network':'moon'}"), 400);
    ck_assert_int_eq(rig_ask(&rig, "PUT", path, "{'colour':'red'}"), 400);
    ck_assert_int_eq(rig_ask(&rig, "PUT", path, "{'network':'none','maxConcurrency':2}"), 200);

    rig_close(&rig);
}
END_TEST

START_TEST(a_path_that_is_none_is_named)
{
    rig_open(&rig, false);

    ck_assert_int_eq(rig_ask(&rig, "GET", "/2015-03-31/nothing", NULL), 404);

    ck_assert_str_eq(rig.error, "UnknownOperationException");
    rig_close(&rig);
}
END_TEST

START_TEST(a_web_page_of_another_host_is_turned_away)
{
    static const char path[] = "/_millrace/health";
    rig_open(&rig, false);

    ck_assert_int_eq(rig_ask_from(&rig, "https://example.com", "GET", path), 403);
    ck_assert_int_eq(rig_ask_from(&rig, "https://localhost.example.com", "GET", path), 403);
    ck_assert_int_eq(rig_ask_from(&rig, "null", "GET", path), 403);
    ck_assert_int_eq(rig_ask_from(&rig, "http://localhost:3000", "GET", path), 200);
    ck_assert_int_eq(rig_ask_from(&rig, "http://127.0.0.1:8080", "GET", path), 200);

    rig_close(&rig);
}
END_TEST

MR_SUITE("control.control",
         MR_TEST(an_event_that_fails_is_tried_again_after_one_and_two_minutes),
         MR_TEST(an_event_that_was_accepted_survives_a_restart),
         MR_TEST(a_failure_destination_that_is_a_function_gets_the_document),
         MR_TEST(enabled_means_that_iterators_are_taken),
         MR_TEST(a_mapping_whose_caller_hung_up_is_not_made),
         MR_TEST(states_last_as_long_as_asked_and_a_change_meanwhile_is_refused),
         MR_TEST(a_mapping_goes_on_where_it_was_after_a_restart),
         MR_TEST(a_mapping_can_be_moved_back), MR_TEST(a_mapping_outlives_its_function),
         MR_TEST(metrics_are_text_for_prometheus), MR_TEST(settings_that_are_none_are_refused),
         MR_TEST(a_path_that_is_none_is_named),
         MR_TEST(a_web_page_of_another_host_is_turned_away))
