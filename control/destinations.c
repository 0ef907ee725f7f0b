#include "control/destinations.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aws/arn.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "control/async_events.h"
#include "control/inside.h"

enum { MAX_LOGGED = 4096, MAX_ERROR_MESSAGE = 1024 /* of a dead letter, as AWS cuts it */ };

static void
member_json(struct mr_json_writer *json, const char *name, struct mr_slice raw)
{
    mr_json_key(json, name);
    if (raw.size > 0 && mr_json_valid(raw)) {
        mr_json_put_raw(json, raw);
    } else if (raw.size > 0) {
        mr_json_put_string(json, raw);
    } else {
        mr_json_put_null(json);
    }
}

static void
write_context(struct mr_json_writer *json, const struct async_outcome *outcome)
{
    mr_json_key(json, "requestContext");
    mr_json_begin_object(json);
    mr_json_member_str(json, "requestId", outcome->request_id);
    mr_json_member_str(json, "functionArn", outcome->function_arn);
    mr_json_member_str(json, "condition", outcome->condition);
    mr_json_member_i64(json, "approximateInvokeCount", outcome->invoke_count);
    mr_json_end_object(json);
}

static void
write_response(struct mr_json_writer *json, const struct mr_invocation_result *result)
{
    if (result == NULL) {
        return;
    }
    mr_json_key(json, "responseContext");
    mr_json_begin_object(json);
    mr_json_member_i64(json, "statusCode", 200);
    mr_json_member_string(json, "executedVersion", result->executed_version);
    if (result->outcome == MR_INVOCATION_FUNCTION_ERROR) {
        mr_json_member_str(json, "functionError", "Unhandled");
    }
    mr_json_end_object(json);
    member_json(json, "responsePayload", result->payload);
}

static void
write_document(struct mr_buf *out, const struct mr_control *control,
               const struct async_outcome *outcome)
{
    struct mr_json_writer json = mr_json_writer_on(out);
    uint64_t now_ms = control_now_ms(control);
    time_t seconds = (time_t)(now_ms / 1000);
    char date[40];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t size = strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(date + size, sizeof(date) - size, ".%03uZ", (unsigned)(now_ms % 1000));
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "version", "1.0");
    mr_json_member_str(&json, "timestamp", date);
    write_context(&json, outcome);
    member_json(&json, "requestPayload", outcome->payload);
    write_response(&json, outcome->result);
    mr_json_end_object(&json);
}

static void
invoke_function(struct mr_control *control, const char *arn, struct mr_slice document)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    char id[MR_UUID_SIZE];
    struct mr_error err = { 0 };
    struct target target;

    mr_random_uuid(&control->random, id);
    if (!target_parse(control, &arena, arn, NULL, &target) || target.version == NULL) {
        mr_log(MR_LOG_ERROR, "control", "destination %s is gone: %.*s", arn,
               MR_SLICE_ARGS(mr_slice_first(document, MAX_LOGGED)));
        return;
    }
    const struct async_event event = { .request_id = id,
                                       .function = target.name,
                                       .qualifier = target.qualifier,
                                       .payload = document };
    if (async_queue_add(control->async, &event, &err) < 0) {
        mr_log(MR_LOG_ERROR, "control", "destination %s: %s", arn, err.text);
    }
}

static void
on_sunk(enum mr_sunk sunk, struct mr_slice detail, void *context)
{
    (void)context;
    if (sunk == MR_SUNK_FAILED) {
        mr_log(MR_LOG_WARN, "control", "an outcome was not delivered: %.*s",
               MR_SLICE_ARGS(detail));
    }
}

/* aws/lambda/async/FUNCTION/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID */
static void
write_key(struct mr_buf *out, struct mr_control *control, const char *function_arn,
          uint64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct mr_lambda_arn arn = { 0 };
    char uuid[MR_UUID_SIZE], day[16], moment[32];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(day, sizeof(day), "%Y/%m/%d", &utc);
    strftime(moment, sizeof(moment), "%Y-%m-%dT%H.%M.%S", &utc);
    mr_random_uuid(&control->random, uuid);
    (void)mr_lambda_arn_parse(mr_slice_str(function_arn), &arn);
    mr_buf_printf(out, "aws/lambda/async/%.*s/%s/%s-%s", MR_SLICE_ARGS(arn.function_name), day,
                  moment, uuid);
}

/* `message`: what it is more than its outcome says, filled up and sent. */
static void
deliver(struct mr_control *control, const char *arn, struct mr_sink_message *message,
        const struct async_outcome *outcome)
{
    mr_auto_buf struct mr_buf key = { 0 };
    uint64_t now_ms = control_now_ms(control);

    if (strstr(arn, ":lambda:") != NULL) {
        invoke_function(control, arn, message->document);
        return;
    }
    if (strcmp(outcome->condition, "Success") == 0 &&
        !mr_failure_sink_reaches(control->sink, mr_slice_str(arn))) {
        mr_log(MR_LOG_INFO, "control", "event %s succeeded; no endpoint for %s",
               outcome->request_id, arn);
        return;
    }
    write_key(&key, control, outcome->function_arn, now_ms);
    message->destination_arn = mr_slice_str(arn);
    message->function_arn = mr_slice_str(outcome->function_arn);
    message->condition = mr_slice_str(outcome->condition);
    message->invoke_count = outcome->invoke_count;
    message->time_ms = now_ms;
    message->payload = outcome->payload;
    message->key = mr_buf_slice(&key);
    mr_failure_sink_send(control->sink, message, on_sunk, NULL);
}

void
destination_tell(struct mr_control *control, const char *arn,
                 const struct async_outcome *outcome)
{
    mr_auto_buf struct mr_buf document = { 0 };

    write_document(&document, control, outcome);
    deliver(control, arn, &(struct mr_sink_message){ .document = mr_buf_slice(&document) },
            outcome);
}

/* The beginning of a text, which ends with a whole character. */
static struct mr_slice
cut(struct mr_slice text, size_t size)
{
    while (size < text.size && size > 0 && (text.data[size] & 0xC0) == 0x80) {
        size--;
    }
    return mr_slice_first(text, size);
}

/* What the function's error says, or all of its answer. */
static struct mr_slice
error_message(struct mr_slice payload, struct mr_arena *arena)
{
    struct mr_json json = mr_json_of(payload);
    struct mr_slice key, text;

    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "errorMessage") && mr_json_string(&json, arena, &text)) {
            return text;
        }
        (void)mr_json_skip(&json);
    }
    return payload;
}

void
destination_dead_letter(struct mr_control *control, const char *arn,
                        const struct async_outcome *outcome)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sink_message message = { .document = outcome->payload };

    message.attributes[message.attribute_count++] =
        (struct mr_sink_attribute){ "RequestID", "String", mr_slice_str(outcome->request_id) };
    if (outcome->result != NULL) {
        struct mr_slice text = error_message(outcome->result->payload, &arena);
        message.attributes[message.attribute_count++] =
            (struct mr_sink_attribute){ "ErrorCode", "Number", MR_SLICE("200") };
        message.attributes[message.attribute_count++] =
            (struct mr_sink_attribute){ "ErrorMessage", "String",
                                        cut(text, MAX_ERROR_MESSAGE) };
    }
    deliver(control, arn, &message, outcome);
}
