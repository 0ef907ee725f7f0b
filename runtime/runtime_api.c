/* The Runtime API, 2018-06-01: what one runtime process may ask, and when. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "runtime/inside.h"

static const char *const state_names[] = {
    [ENV_COLD] = "Started",
    [ENV_LAUNCHING] = "Started",
    [ENV_STARTED] = "Started",
    [ENV_INIT_ERROR] = "InitError",
    [ENV_RESTORING] = "Restoring",
    [ENV_RESTORE_ERROR] = "RuntimeRestoreErrorState",
    [ENV_READY] = "Ready",
    [ENV_RUNNING] = "Running",
    [ENV_RESPONSE] = "InvocationResponse",
    [ENV_SENT] = "RuntimeResponseSentState",
    [ENV_GONE] = "Exited",
};

/* ---- answers ---- */

void
api_refuse_transition(struct mr_http_exchange *exchange, const struct environment *environment,
                      const char *target)
{
    char message[256];

    snprintf(
        message, sizeof(message),
        "State transition from %s to %s failed for runtime. Error: State transition is not "
        "allowed",
        state_names[environment->state], target);
    api_answer_error(exchange, 403, "InvalidStateTransition", message);
}

static void
refuse_id(struct mr_http_exchange *exchange)
{
    api_answer_error(exchange, 400, "InvalidRequestID", "Invalid request ID");
}

/* ---- next ---- */

static void
on_next_aborted(struct mr_http_exchange *exchange, void *context)
{
    struct environment *environment = context;

    if (environment->next == exchange) {
        environment->next = NULL;
    }
}

static void
add(struct mr_http_header *headers, size_t *count, struct mr_slice name, struct mr_slice value)
{
    if (value.size > 0) {
        headers[(*count)++] = (struct mr_http_header){ name, value };
    }
}

uint64_t
invocation_deadline_ms(const struct invocation *invocation)
{
    const struct mr_clock *clock = mr_clock_system();
    uint64_t run_ms = (mr_clock_now_us(clock) - invocation->started_us) / 1000;
    uint64_t timeout_ms = invocation->entry->function.timeout_ms;

    return mr_clock_wall_ms(clock) + timeout_ms - (run_ms < timeout_ms ? run_ms : timeout_ms);
}

/* Classic mode leaves an empty header out, many-at-a-time sends these three always. */
static void
add_always(struct mr_http_header *headers, size_t *count, bool many, struct mr_slice name,
           struct mr_slice value)
{
    if (many || value.size > 0) {
        headers[(*count)++] = (struct mr_http_header){ name, value };
    }
}

void
runtime_api_write_event(struct mr_http_exchange *exchange, struct invocation *invocation)
{
    bool many = invocation->environment->many;
    struct mr_http_header headers[8];
    size_t count = 0;
    char deadline[32];

    invocation->deliveries++;
    snprintf(deadline, sizeof(deadline), "%llu",
             (unsigned long long)invocation_deadline_ms(invocation));
    add(headers, &count, MR_SLICE("Lambda-Runtime-Aws-Request-Id"), invocation->request_id);
    add(headers, &count, MR_SLICE("Lambda-Runtime-Deadline-Ms"), mr_slice_str(deadline));
    add(headers, &count, MR_SLICE("Lambda-Runtime-Invoked-Function-Arn"),
        invocation->invoked_arn);
    add_always(headers, &count, many, MR_SLICE("Lambda-Runtime-Trace-Id"),
               invocation->trace_id);
    add_always(headers, &count, many, MR_SLICE("Lambda-Runtime-Client-Context"),
               invocation->client_context);
    add_always(headers, &count, many, MR_SLICE("Lambda-Runtime-Cognito-Identity"),
               invocation->cognito_identity);
    add(headers, &count, MR_SLICE("Lambda-Runtime-Aws-Tenant-Id"), invocation->tenant_id);
    const struct mr_http_response response = {
        .status = 200,
        .content_type = MR_SLICE("application/json"),
        .headers = headers,
        .header_count = count,
        .body = invocation->payload.size > 0 ? invocation->payload : MR_SLICE("{}"),
    };
    mr_http_respond(exchange, &response);
}

void
runtime_api_send_event(struct environment *environment)
{
    struct mr_http_exchange *exchange = environment->next;

    if (exchange == NULL) {
        return; /* its connection broke: the event goes to the next call */
    }
    environment->next = NULL;
    runtime_api_write_event(exchange, environment->invocation);
}

static void
redeliver(struct environment *environment)
{
    struct invocation *invocation = environment->invocation;

    if (invocation->deliveries > 0) {
        environment->runtime->counts.redeliveries++;
    }
    if (invocation->deliveries < MAX_DELIVERIES) {
        runtime_api_send_event(environment);
        return;
    }
    struct mr_http_exchange *exchange = environment->next;
    environment->next = NULL;
    invocation->status = "error";
    environment_kill(environment, KILL_RESET);
    invocation_fail(
        invocation, "Runtime.Unknown",
        "the runtime asked for the same event again and again without answering it");
    api_answer_error(exchange, 500, "InternalServerError", "Internal Server Error");
}

void
api_serve_next(struct environment *environment, struct mr_http_exchange *exchange,
               const struct mr_http_request *request, struct mr_slice id)
{
    (void)request;
    (void)id;
    if (environment->many) {
        many_serve_next(environment, exchange);
        return;
    }
    bool parked = environment->next != NULL;
    bool legal = environment->state == ENV_STARTED || environment->state == ENV_SENT ||
                 environment->state == ENV_RESTORING || environment->state == ENV_RUNNING ||
                 (environment->state == ENV_READY && !parked);

    if (!legal) {
        api_refuse_transition(exchange, environment, "Ready");
        return;
    }
    environment->next = exchange;
    mr_http_exchange_on_abort(exchange, on_next_aborted, environment);
    if (environment->state == ENV_RUNNING) {
        redeliver(environment);
    } else if (environment->state != ENV_READY) {
        environment_ready(environment);
    }
}

/* ---- response and error ---- */

bool
api_is_current(const struct environment *environment, struct mr_slice id)
{
    return environment->invocation != NULL && environment->invocation->deliveries > 0 &&
           mr_slice_eq(environment->invocation->request_id, id);
}

static bool
is_streaming(const struct invocation *invocation)
{
    const struct environment *environment = invocation->environment;

    return (environment->many ? invocation->state : environment->state) == ENV_RESPONSE;
}

/* From here on the runtime may ask for more, and the caller knows. */
static void
decide(struct invocation *invocation, const struct mr_invocation_result *result)
{
    if (!invocation->environment->many) {
        invocation->environment->state = ENV_SENT;
    }
    environment_look_at_memory(invocation->environment);
    invocation->responded_us = mr_clock_now_us(mr_clock_system());
    if (invocation->responding_us == 0) {
        invocation->responding_us = invocation->responded_us;
        invocation->produced_bytes = result->payload.size;
    }
    invocation_answer(invocation, result);
}

static void
decide_error(struct invocation *invocation, struct mr_slice type, struct mr_slice payload)
{
    const struct mr_invocation_result result = {
        .outcome = MR_INVOCATION_FUNCTION_ERROR,
        .payload = payload,
        .function_error = MR_SLICE("Unhandled"),
        .error_type = type,
        .streamed = is_streaming(invocation) && invocation->chunk != NULL,
    };

    decide(invocation, &result);
}

static void
decide_too_large(struct invocation *invocation)
{
    decide_error(
        invocation, MR_SLICE("Function.ResponseSizeTooLarge"),
        MR_SLICE("{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":"
                 "\"Response payload size exceeded maximum allowed payload size (6291556 "
                 "bytes).\"}"));
}

static void
decide_truncated(struct invocation *invocation)
{
    decide_error(invocation, MR_SLICE("Runtime.TruncatedResponse"),
                 MR_SLICE("{\"errorType\":\"Runtime.TruncatedResponse\",\"errorMessage\":"
                          "\"HTTP request detected as truncated\"}"));
}

static void
refuse_too_large(struct mr_http_exchange *exchange)
{
    api_answer_error(exchange, 413, "RequestEntityTooLarge",
                     "Exceeded maximum allowed payload size (6291556 bytes).");
}

static void
refuse_truncated(struct mr_http_exchange *exchange)
{
    api_answer_error(exchange, 400, "TruncatedHTTPRequest",
                     "HTTP request detected as truncated");
}

/* A body that did not arrive as announced. True when that was dealt with. */
static bool
fault_dealt_with(struct invocation *invocation, struct mr_http_exchange *exchange)
{
    switch (mr_http_exchange_body_fault(exchange)) {
    case MR_HTTP_BODY_TOO_LARGE:
        decide_too_large(invocation);
        refuse_too_large(exchange);
        return true;
    case MR_HTTP_BODY_TRUNCATED:
        decide_truncated(invocation);
        refuse_truncated(exchange);
        return true;
    default:
        return false;
    }
}

struct mr_slice
api_response_mode(const struct mr_http_request *request)
{
    return mr_http_request_header(request, "Lambda-Runtime-Function-Response-Mode");
}

static int
base64_digit(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z') {
        return byte - 'A';
    }
    if (byte >= 'a' && byte <= 'z') {
        return byte - 'a' + 26;
    }
    if (byte >= '0' && byte <= '9') {
        return byte - '0' + 52;
    }
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Of an error trailer. What is not base64 is given as it stands. */
static struct mr_slice
decode_base64(struct mr_slice text, struct mr_arena *arena)
{
    uint8_t *out = mr_arena_alloc(arena, text.size + 1);
    size_t size = 0;
    uint32_t bits = 0;
    int have = 0;

    for (size_t i = 0; i < text.size && text.data[i] != '='; i++) {
        int digit = base64_digit(text.data[i]);
        if (digit < 0) {
            return text;
        }
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[size++] = (uint8_t)(bits >> have);
        }
    }
    return mr_slice_of(out, size);
}

void
api_finish_stream(struct invocation *invocation, struct mr_buf *stream,
                  struct mr_http_exchange *exchange, const struct mr_http_request *request)
{
    struct mr_slice type = mr_http_header_get(request->trailers, request->trailer_count,
                                              "Lambda-Runtime-Function-Error-Type");
    struct mr_slice error = mr_http_header_get(request->trailers, request->trailer_count,
                                               "Lambda-Runtime-Function-Error-Body");
    bool passed_on = invocation->chunk != NULL;

    if (fault_dealt_with(invocation, exchange)) {
        return;
    }
    if (type.data != NULL) {
        decide_error(invocation, runtime_error_type(type),
                     decode_base64(error, mr_http_exchange_arena(exchange)));
    } else if (!passed_on && stream->size > MR_LAMBDA_MAX_RESPONSE_BYTES) {
        decide_too_large(invocation);
    } else {
        const struct mr_invocation_result result = {
            .outcome = MR_INVOCATION_OK,
            .payload = mr_buf_slice(stream),
            .content_type = mr_http_request_header(request, "Content-Type"),
            .streamed = passed_on,
        };
        decide(invocation, &result);
    }
    mr_buf_deinit(stream);
    api_answer_accepted(exchange);
}

void
api_take_response(struct invocation *invocation, struct mr_http_exchange *exchange,
                  const struct mr_http_request *request)
{
    if (api_response_mode(request).data != NULL &&
        !mr_slice_is(api_response_mode(request), "streaming")) {
        decide_error(invocation, MR_SLICE("Runtime.InvalidResponseModeHeader"),
                     MR_SLICE("{\"errorType\":\"Runtime.InvalidResponseModeHeader\","
                              "\"errorMessage\":\"Invalid function response mode\"}"));
        api_answer_error(exchange, 400, "InvalidFunctionResponseMode",
                         "Invalid function response mode");
        return;
    }
    if (fault_dealt_with(invocation, exchange)) {
        return;
    }
    const struct mr_invocation_result result = {
        .outcome = MR_INVOCATION_OK,
        .payload = request->body,
        .content_type = mr_http_request_header(request, "Content-Type"),
    };
    decide(invocation, &result);
    api_answer_accepted(exchange);
}

void
api_serve_response(struct environment *environment, struct mr_http_exchange *exchange,
                   const struct mr_http_request *request, struct mr_slice id)
{
    if (environment->many) {
        many_serve_response(environment, exchange, request, id);
        return;
    }
    bool current = api_is_current(environment, id);
    if (current && environment->state == ENV_RESPONSE &&
        mr_http_exchange_user(exchange) == environment) {
        api_finish_stream(environment->invocation, &environment->stream, exchange, request);
    } else if (!current) {
        refuse_id(exchange);
    } else if (environment->state != ENV_RUNNING) {
        api_refuse_transition(exchange, environment, "InvocationResponse");
    } else {
        api_take_response(environment->invocation, exchange, request);
    }
}

static struct mr_slice
error_payload(struct mr_http_exchange *exchange, const struct mr_http_request *request)
{
    struct mr_slice type = mr_http_request_header(request, "Content-Type");

    return mr_slice_is(type, "application/vnd.aws.lambda.error.cause+json")
               ? runtime_error_with_cause(request->body, mr_http_exchange_arena(exchange))
               : request->body;
}

static struct mr_slice
header_error_type(const struct mr_http_request *request)
{
    return runtime_error_type(
        mr_http_request_header(request, "Lambda-Runtime-Function-Error-Type"));
}

void
api_take_error(struct invocation *invocation, struct mr_http_exchange *exchange,
               const struct mr_http_request *request)
{
    if (!fault_dealt_with(invocation, exchange)) {
        decide_error(invocation, header_error_type(request), error_payload(exchange, request));
        api_answer_accepted(exchange);
    }
}

void
api_serve_error(struct environment *environment, struct mr_http_exchange *exchange,
                const struct mr_http_request *request, struct mr_slice id)
{
    if (environment->many) {
        many_serve_error(environment, exchange, request, id);
    } else if (!api_is_current(environment, id)) {
        refuse_id(exchange);
    } else if (environment->state != ENV_RUNNING) {
        api_refuse_transition(exchange, environment, "InvocationErrorResponse");
    } else {
        api_take_error(environment->invocation, exchange, request);
    }
}

void
api_take_init_error(struct environment *environment, struct mr_http_exchange *exchange,
                    const struct mr_http_request *request, enum environment_state state)
{
    struct mr_slice payload = error_payload(exchange, request);

    free(environment->init_error_type);
    environment->init_error_type = mr_slice_dup(header_error_type(request));
    mr_buf_clear(&environment->init_error);
    mr_buf_append_slice(&environment->init_error, payload);
    environment->state = state;
    api_answer_accepted(exchange);
}

void
api_serve_init_error(struct environment *environment, struct mr_http_exchange *exchange,
                     const struct mr_http_request *request, struct mr_slice id)
{
    (void)id;
    if (environment->state == ENV_STARTED) {
        api_take_init_error(environment, exchange, request, ENV_INIT_ERROR);
    } else if (environment->state == ENV_RESTORING) {
        api_take_init_error(environment, exchange, request, ENV_RESTORE_ERROR);
    } else if (environment->many && environment->state == ENV_READY) {
        api_answer_accepted(exchange); /* one worker of several: the others go on */
    } else {
        api_refuse_transition(exchange, environment, "InitError");
    }
}
