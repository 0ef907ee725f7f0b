/* Invoke, InvokeAsync and InvokeWithResponseStream. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/base64.h"
#include "aws/event_stream.h"
#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "control/async_events.h"
#include "control/history.h"
#include "control/inside.h"

enum { MAX_ASYNC_BYTES = 1024 * 1024 };

/* An invocation somebody waits for. */
struct waiting {
    struct mr_control *control;
    struct mr_http_exchange *exchange; /* NULL: it went away */
    bool want_log;
    bool stream; /* InvokeWithResponseStream */
    bool begun;  /* the streamed answer has its head */
    char request_id[MR_UUID_SIZE];
    char version[32];
};

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    struct waiting *waiting = context;

    (void)exchange;
    waiting->exchange = NULL;
}

/* ---- the answer ---- */

static void
respond(const struct waiting *waiting, int status, const struct mr_http_header *more,
        size_t count, struct mr_slice body)
{
    struct mr_http_header headers[6] = { { MR_SLICE("x-amzn-RequestId"),
                                           mr_slice_str(waiting->request_id) } };

    for (size_t i = 0; i < count; i++) {
        headers[i + 1] = more[i];
    }
    mr_http_respond(waiting->exchange,
                    &(struct mr_http_response){ .status = status,
                                                .content_type = MR_SLICE("application/json"),
                                                .headers = headers,
                                                .header_count = count + 1,
                                                .body = body });
}

static void
respond_result(const struct waiting *waiting, const struct mr_invocation_result *result)
{
    mr_auto_buf struct mr_buf log = { 0 };
    struct mr_http_header headers[3] = { { MR_SLICE("X-Amz-Executed-Version"),
                                           result->executed_version } };
    size_t count = 1;

    if (result->outcome == MR_INVOCATION_FUNCTION_ERROR) {
        headers[count++] =
            (struct mr_http_header){ MR_SLICE("X-Amz-Function-Error"),
                                     result->function_error.size > 0 ? result->function_error
                                                                     : MR_SLICE("Unhandled") };
    }
    if (waiting->want_log) {
        mr_base64_append(&log, result->log_tail);
        headers[count++] =
            (struct mr_http_header){ MR_SLICE("X-Amz-Log-Result"), mr_buf_slice(&log) };
    }
    respond(waiting, 200, headers, count, result->payload);
}

static void
respond_throttled(const struct waiting *waiting, struct mr_slice reason)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    const struct mr_http_header header = { MR_SLICE("x-amzn-ErrorType"),
                                           MR_SLICE("TooManyRequestsException") };

    mr_json_begin_object(&json);
    mr_json_member_string(&json, "Reason", reason);
    mr_json_member_str(&json, "Type", "User");
    mr_json_member_str(&json, "message", "Rate Exceeded.");
    mr_json_end_object(&json);
    respond(waiting, 429, &header, 1, mr_buf_slice(&body));
}

static void
respond_refused(const struct waiting *waiting, const struct mr_invocation_result *result)
{
    mr_auto_free char *reason = mr_slice_dup(result->reason);

    switch (result->outcome) {
    case MR_INVOCATION_THROTTLED:
        respond_throttled(waiting, result->reason);
        break;
    case MR_INVOCATION_TOO_LARGE:
        exchange_fail(waiting->exchange, "RequestTooLargeException", reason);
        break;
    case MR_INVOCATION_NOT_FOUND:
        exchange_fail(waiting->exchange, "ResourceNotFoundException", reason);
        break;
    default:
        exchange_fail(waiting->exchange, "ServiceException", reason);
        break;
    }
}

/* ---- a streamed answer ---- */

static void
begin_stream(struct waiting *waiting)
{
    const struct mr_http_header headers[] = {
        { MR_SLICE("x-amzn-RequestId"), mr_slice_str(waiting->request_id) },
        { MR_SLICE("X-Amz-Executed-Version"), mr_slice_str(waiting->version) },
    };

    waiting->begun = true;
    mr_http_respond_begin(waiting->exchange,
                          &(struct mr_http_response){
                              .status = 200,
                              .content_type = MR_SLICE("application/vnd.amazon.eventstream"),
                              .headers = headers,
                              .header_count = 2 });
}

static void
write_frame(struct waiting *waiting, struct mr_slice type, struct mr_slice content_type,
            struct mr_slice payload)
{
    const struct mr_event_header headers[] = {
        { MR_SLICE(":message-type"), MR_SLICE("event") },
        { MR_SLICE(":event-type"), type },
        { MR_SLICE(":content-type"), content_type },
    };
    mr_auto_buf struct mr_buf frame = { 0 };

    mr_event_stream_append(&frame, headers, 3, payload);
    mr_http_respond_write(waiting->exchange, mr_buf_slice(&frame));
}

static void
on_chunk(struct mr_slice chunk, void *context)
{
    struct waiting *waiting = context;

    if (waiting->exchange == NULL) {
        return;
    }
    if (!waiting->begun) {
        begin_stream(waiting);
    }
    write_frame(waiting, MR_SLICE("PayloadChunk"), MR_SLICE("application/octet-stream"), chunk);
}

static void
end_stream(struct waiting *waiting, const struct mr_invocation_result *result)
{
    mr_auto_buf struct mr_buf body = { 0 };
    mr_auto_buf struct mr_buf log = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    bool failed = result->outcome == MR_INVOCATION_FUNCTION_ERROR;

    if (!waiting->begun) {
        begin_stream(waiting);
    }
    if (!result->streamed && !failed && result->payload.size > 0) {
        write_frame(waiting, MR_SLICE("PayloadChunk"), MR_SLICE("application/octet-stream"),
                    result->payload);
    }
    mr_json_begin_object(&json);
    if (failed) {
        mr_json_member_string(&json, "ErrorCode",
                              result->error_type.size > 0 ? result->error_type
                                                          : MR_SLICE("Unhandled"));
        mr_json_member_string(&json, "ErrorDetails", result->payload);
    }
    if (waiting->want_log) {
        mr_base64_append(&log, result->log_tail);
        mr_json_member_string(&json, "LogResult", mr_buf_slice(&log));
    }
    mr_json_end_object(&json);
    write_frame(waiting, MR_SLICE("InvokeComplete"), MR_SLICE("application/json"),
                mr_buf_slice(&body));
    mr_http_respond_end(waiting->exchange);
}

static void
on_done(const struct mr_invocation_result *result, void *context)
{
    struct waiting *waiting = context;
    bool ran =
        result->outcome == MR_INVOCATION_OK || result->outcome == MR_INVOCATION_FUNCTION_ERROR;

    history_end(waiting->control->history, mr_slice_str(waiting->request_id), result);
    if (waiting->exchange != NULL) {
        mr_http_exchange_on_abort(waiting->exchange, NULL, NULL);
        if (!ran) {
            respond_refused(waiting, result);
        } else if (waiting->stream) {
            end_stream(waiting, result);
        } else {
            respond_result(waiting, result);
        }
    }
    free(waiting);
}

/* ---- the request ---- */

const char *
alias_version(struct mr_control *control, const json_t *alias)
{
    json_t *weights =
        json_object_get(json_object_get(alias, "RoutingConfig"), "AdditionalVersionWeights");
    double point = (double)mr_random_below(&control->random, 1000000) / 1000000;
    const char *number;
    json_t *weight;

    json_object_foreach(weights, number, weight)
    {
        if (point < json_number_value(weight)) {
            return number;
        }
        point -= json_number_value(weight);
    }
    return json_text_of(alias, "FunctionVersion");
}

/* Decoded into the call's arena; absent when the header is, or is no base64. */
static struct mr_slice
client_context_of(struct call *call)
{
    struct mr_slice given = mr_slice_str(call_text(call, "ClientContext"));

    if (given.data == NULL) {
        return given;
    }
    uint8_t *bytes = mr_arena_alloc(call->arena, mr_base64_decoded_max(given.size) + 1);
    ssize_t size = mr_base64_decode(given, bytes, NULL);
    return size < 0 ? (struct mr_slice){ 0 } : mr_slice_of(bytes, (size_t)size);
}

static bool
check_payload(struct call *call, struct mr_slice *out_payload)
{
    struct mr_slice body = call->request->body;
    json_error_t error = { .text = "it is no JSON" };

    *out_payload = body.size > 0 ? body : MR_SLICE("{}");
    if (mr_json_valid(*out_payload)) {
        return true;
    }
    json_decref(json_loadb((const char *)body.data, body.size, JSON_DECODE_ANY, &error));
    call_fail(call, "InvalidRequestContentException",
              "Could not parse request body into json: Could not parse payload into json: %s",
              error.text);
    return false;
}

static bool
check_ready(struct call *call, const struct target *target)
{
    const char *state = json_text_of(target->version, "State");

    if (state != NULL && strcmp(state, "Failed") == 0) {
        call_fail(call, "InvalidRuntimeException", "%s",
                  json_text_of(target->version, "StateReason"));
        return false;
    }
    return true;
}

static void
invoke_now(struct call *call, const struct target *target, struct mr_slice payload, bool stream)
{
    struct waiting *waiting = mr_alloc_zero(1, sizeof(*waiting));
    const char *log = call_text(call, "LogType");
    const char *version = target->alias != NULL ? alias_version(call->control, target->alias)
                                                : target->version_name;
    const struct mr_invocation_request request = {
        .function = mr_slice_str(target->name),
        .version = mr_slice_str(version),
        .payload = payload,
        .request_id = mr_slice_str(call->request_id),
        .invoked_arn = mr_slice_str(target->named_arn),
        .client_context = client_context_of(call),
        .trace_id = mr_http_request_header(call->request, "x-amzn-trace-id"),
        .tenant_id = mr_slice_str(call_text(call, "TenantId")),
        .want_log_tail = log != NULL && strcmp(log, "Tail") == 0,
        .chunk = stream ? on_chunk : NULL,
    };

    waiting->control = call->control;
    waiting->exchange = call->exchange;
    waiting->want_log = request.want_log_tail;
    waiting->stream = stream;
    memcpy(waiting->request_id, call->request_id, sizeof(waiting->request_id));
    snprintf(waiting->version, sizeof(waiting->version), "%s", version);
    mr_http_exchange_on_abort(call->exchange, on_abort, waiting);
    history_begin(call->control->history, request.request_id, request.invoked_arn, payload);
    mr_runtime_invoke(call->control->runtime, &request, on_done, waiting);
}

static void
invoke_later(struct call *call, const struct target *target, struct mr_slice payload,
             json_t *answer)
{
    const struct async_event event = {
        .request_id = call->request_id,
        .function = target->name,
        .qualifier = target->qualifier,
        .payload = payload,
        .client_context = client_context_of(call),
    };
    struct mr_error err = { 0 };

    if (payload.size > MAX_ASYNC_BYTES) {
        json_decref(answer);
        call_fail(
            call, "RequestTooLargeException",
            "%zu byte payload is too large for the Event invocation type (limit %d bytes)",
            payload.size, MAX_ASYNC_BYTES);
    } else if (async_queue_add(call->control->async, &event, &err) < 0) {
        json_decref(answer);
        call_fail(call, err.code == -ENOBUFS ? "TooManyRequestsException" : "ServiceException",
                  "%s", err.text);
    } else {
        call_reply(call, 202, answer);
    }
}

void
act_invoke(struct call *call)
{
    const char *type = call_text(call, "InvocationType");
    struct target target;
    struct mr_slice payload;

    if (!call_version(call, &target) || !check_payload(call, &payload) ||
        !check_ready(call, &target)) {
        return;
    }
    if (type != NULL && strcmp(type, "DryRun") == 0) {
        call_reply(call, 204, NULL);
    } else if (type != NULL && strcmp(type, "Event") == 0) {
        invoke_later(call, &target, payload, NULL);
    } else if (payload.size > MR_LAMBDA_MAX_EVENT_BYTES) {
        call_fail(
            call, "RequestTooLargeException",
            "%zu byte payload is too large for the RequestResponse invocation type (limit "
            "%d bytes)",
            payload.size, MR_LAMBDA_MAX_EVENT_BYTES);
    } else {
        invoke_now(call, &target, payload, false);
    }
}

void
act_invoke_async(struct call *call)
{
    struct target target;
    struct mr_slice payload;

    if (call_version(call, &target) && check_payload(call, &payload)) {
        invoke_later(call, &target, payload, json_pack("{s:i}", "Status", 202));
    }
}

void
act_invoke_stream(struct call *call)
{
    const char *type = call_text(call, "InvocationType");
    struct target target;
    struct mr_slice payload;

    if (!call_version(call, &target) || !check_payload(call, &payload) ||
        !check_ready(call, &target)) {
        return;
    }
    if (type != NULL && strcmp(type, "DryRun") == 0) {
        call_reply(call, 204, NULL);
    } else {
        invoke_now(call, &target, payload, true);
    }
}
