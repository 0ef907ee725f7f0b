#include "stream/api/front.h"

#include "aws/api_error.h"
#include "stream/api/admin.h"
#include "stream/api/auth.h"
#include "stream/api/constraint.h"
#include "stream/api/fault.h"
#include "stream/api/forward.h"
#include "stream/api/operation.h"
#include "stream/api/quota.h"

#define SERVICE   "Kinesis_20131202"
#define JSON_TYPE "application/x-amz-json-1.1"
#define CBOR_TYPE "application/x-amz-cbor-1.1"

/* What a request says about itself before its body is looked at. */
struct heading {
    struct mr_slice content_type; /* without parameters */
    struct mr_slice service, operation_name;
    const struct mr_operation *operation; /* NULL when service or name is unknown */
};

static struct heading
heading_of(const struct mr_http_request *request)
{
    struct heading heading = { .operation = NULL };
    struct mr_slice type = mr_http_request_header(request, "content-type");
    struct mr_slice target = mr_http_request_header(request, "x-amz-target");

    heading.content_type = mr_slice_trim(mr_slice_cut(&type, ';'));
    heading.service = mr_slice_cut(&target, '.');
    heading.operation_name = mr_slice_cut(&target, '.');
    if (mr_slice_is(heading.service, SERVICE)) {
        heading.operation = mr_operation_find(heading.operation_name);
    }
    return heading;
}

/* ---- answers outside the operations ---- */

static void
answer(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange, int status,
       const char *content_type, struct mr_slice body)
{
    struct mr_http_header headers[MR_CALL_MAX_HEADERS];
    struct mr_http_response response = {
        .status = status,
        .content_type = mr_slice_str(content_type),
        .headers = headers,
        .header_count = mr_call_headers(exchange, kinesis, headers),
        .body = body,
    };
    mr_http_respond(exchange, &response);
}

static void
preflight(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
          const struct mr_http_request *request)
{
    struct mr_slice wants = mr_http_request_header(request, "access-control-request-headers");
    struct mr_slice method = mr_http_request_header(request, "access-control-request-method");
    struct mr_http_header headers[MR_CALL_MAX_HEADERS + 3];
    size_t count = mr_call_headers(exchange, kinesis, headers);

    if (wants.data != NULL) {
        headers[count++] =
            (struct mr_http_header){ MR_SLICE("Access-Control-Allow-Headers"), wants };
    }
    if (method.data != NULL) {
        headers[count++] =
            (struct mr_http_header){ MR_SLICE("Access-Control-Allow-Methods"), method };
    }
    headers[count++] =
        (struct mr_http_header){ MR_SLICE("Access-Control-Max-Age"), MR_SLICE("172800") };
    mr_http_respond(exchange, &(struct mr_http_response){
                                  .status = 200, .headers = headers, .header_count = count });
}

static void
unable_to_determine(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange)
{
    answer(kinesis, exchange, 403, NULL,
           MR_SLICE(
               "<AccessDeniedException>\n  <Message>Unable to determine service/operation name "
               "to be authorized</Message>\n</AccessDeniedException>\n"));
}

/* How a plain application/json caller is turned away. */
static void
answer_wrapped(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange, int status,
               const char *type)
{
    char *body = mr_arena_printf(mr_http_exchange_arena(exchange),
                                 "{\"Output\":{\"__type\":\"com.amazon.coral.service#%s\"},"
                                 "\"Version\":\"1.0\"}",
                                 type);
    answer(kinesis, exchange, status, "application/json", mr_slice_str(body));
}

/* ---- the checks, in order ---- */

/* The call is ours, its operation known, its body not empty. */
static void
begin_call(struct mr_call *call, const struct heading *heading)
{
    bool whole = !heading->operation->reads_body;
    enum mr_auth_verdict verdict = mr_auth_verify(call);

    /* A body that does not parse is complained about before a signature is. */
    if ((whole || verdict != MR_AUTH_GOOD) &&
        !mr_input_is_object(call->format, call->request->body, call->arena)) {
        mr_call_fail(call, "SerializationException", NULL);
        return;
    }
    if (verdict != MR_AUTH_GOOD) {
        mr_auth_refuse(call, verdict);
        return;
    }
    if (mr_fault_before(call) || mr_quota_call(call) ||
        (whole && !mr_operation_read_input(call))) {
        return;
    }
    heading->operation->act(call);
}

static struct mr_call *
call_of(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
        const struct mr_http_request *request, const struct heading *heading,
        enum mr_format format)
{
    struct mr_arena *arena = mr_http_exchange_arena(exchange);
    struct mr_call *call = mr_arena_zero(arena, sizeof(*call));

    call->kinesis = kinesis;
    call->exchange = exchange;
    call->request = request;
    call->operation = heading->operation;
    call->arena = arena;
    call->format = format;
    call->now_ms = mr_kinesis_now_ms(kinesis);
    call->output = mr_output_on(&call->out, format);
    return call;
}

/* Type and body are AWS's JSON or CBOR, or empty: what remains is told in the same format. */
static void
serve_protocol(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
               const struct mr_http_request *request, const struct heading *heading)
{
    bool json = mr_slice_is(heading->content_type, JSON_TYPE);
    struct mr_call *call =
        call_of(kinesis, exchange, request, heading, json ? MR_FORMAT_JSON : MR_FORMAT_CBOR);

    if (request->body.size == 0) {
        mr_call_fail(call,
                     heading->operation != NULL ? "SerializationException"
                                                : "UnknownOperationException",
                     NULL);
    } else if (heading->operation == NULL) {
        bool sound = mr_input_is_object(call->format, request->body, call->arena);
        mr_call_fail(call, sound ? "UnknownOperationException" : "SerializationException",
                     NULL);
    } else {
        begin_call(call, heading);
    }
}

static void
serve_ours(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
           const struct mr_http_request *request)
{
    struct heading heading = heading_of(request);
    bool plain_json = mr_slice_is(heading.content_type, "application/json");

    if (mr_slice_is(request->method, "OPTIONS") &&
        mr_http_request_header(request, "origin").data != NULL) {
        preflight(kinesis, exchange, request);
    } else if (!mr_slice_is(request->method, "POST")) {
        unable_to_determine(kinesis, exchange);
    } else if (request->body.size == 0 || mr_slice_is(heading.content_type, JSON_TYPE) ||
               mr_slice_is(heading.content_type, CBOR_TYPE)) {
        serve_protocol(kinesis, exchange, request, &heading);
    } else if (plain_json && !mr_input_is_object(MR_FORMAT_JSON, request->body,
                                                 mr_http_exchange_arena(exchange))) {
        answer_wrapped(kinesis, exchange, 400, "SerializationException");
    } else if (plain_json) {
        answer_wrapped(kinesis, exchange, 404, "UnknownOperationException");
    } else if (heading.service.size == 0 || heading.operation_name.size == 0) {
        unable_to_determine(kinesis, exchange);
    } else {
        answer(kinesis, exchange, 404, NULL, MR_SLICE("<UnknownOperationException/>\n"));
    }
}

/* ---- ours or not ---- */

/* Kinesis's by its target; without one, what is posted to "/". The rest belongs to the API
 * behind. */
static bool
is_ours(const struct mr_kinesis *kinesis, const struct mr_http_request *request)
{
    struct mr_slice target = mr_http_request_header(request, "x-amz-target");

    if (kinesis->options.forward_path == NULL || mr_admin_owns(request) ||
        mr_slice_starts_with(target, MR_SLICE(SERVICE "."))) {
        return true;
    }
    return target.data == NULL && mr_slice_is(request->path, "/") &&
           (mr_slice_is(request->method, "POST") || mr_slice_is(request->method, "OPTIONS"));
}

static void
on_head(struct mr_http_exchange *exchange, const struct mr_http_request *request,
        struct mr_http_plan *plan, void *context)
{
    struct mr_kinesis *kinesis = context;

    if (!is_ours(kinesis, request)) {
        plan->stream = true;
        plan->max_body = MR_FORWARD_MAX_BODY_BYTES;
        mr_forward_begin(kinesis, exchange, request);
    }
}

static void
on_chunk(struct mr_http_exchange *exchange, struct mr_slice chunk, void *context)
{
    (void)context;
    mr_forward_chunk(exchange, chunk);
}

static void
on_serve(struct mr_http_exchange *exchange, const struct mr_http_request *request,
         void *context)
{
    struct mr_kinesis *kinesis = context;

    if (mr_admin_owns(request)) {
        mr_admin_serve(kinesis, exchange, request);
    } else if (is_ours(kinesis, request)) {
        serve_ours(kinesis, exchange, request);
    } else {
        mr_forward_end(exchange);
    }
}

struct mr_http_handler
mr_front_handler(void)
{
    return (struct mr_http_handler){ .head = on_head, .chunk = on_chunk, .serve = on_serve };
}
