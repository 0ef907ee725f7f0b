/* One request: read, checked by the model's tables, handed to its action, answered. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aws/api_error.h"
#include "base/alloc.h"
#include "base/json_writer.h"
#include "control/inside.h"
#include "control/model.h"
#include "net/http.h"

enum {
    MAX_BODY_BYTES = 70167211, /* AWS's: a package of 50 MB in base64, and JSON around it */
    DEFAULT_PAGE = 50,
};

/* ---- small things ---- */

uint64_t
control_now_ms(const struct mr_control *control)
{
    return mr_clock_wall_ms(mr_loop_clock(control->loop));
}

json_t *
control_uuid(struct mr_control *control)
{
    char uuid[MR_UUID_SIZE];

    mr_random_uuid(&control->random, uuid);
    return json_string(uuid);
}

json_t *
control_date(const struct mr_control *control)
{
    uint64_t now_ms = control_now_ms(control);
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    return json_printf("%04d-%02d-%02dT%02d:%02d:%02d.%03u+0000", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       (unsigned)(now_ms % 1000));
}

json_t *
json_text(struct mr_slice text)
{
    json_t *value = json_stringn((const char *)text.data, text.size);

    if (value == NULL) {
        mr_auto_buf struct mr_buf quoted = { 0 };
        mr_buf_append_byte(&quoted, '"');
        mr_json_escape(&quoted, text);
        mr_buf_append_byte(&quoted, '"');
        value = json_loadb((const char *)quoted.data, quoted.size,
                           JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    }
    return value != NULL ? value : json_string("");
}

json_t *
json_printf(const char *format, ...)
{
    mr_auto_free char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
    }
    va_end(args);
    return json_text(mr_slice_str(text != NULL ? text : ""));
}

const char *
json_text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

/* ---- answers ---- */

static void
respond(struct mr_http_exchange *exchange, int status, const char *error, const char *id,
        json_t *body)
{
    struct mr_http_header headers[2] = { { MR_SLICE("x-amzn-RequestId"), mr_slice_str(id) } };
    struct mr_http_response response = { .status = status,
                                         .headers = headers,
                                         .header_count = 1 };
    mr_auto_free char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);

    if (error != NULL) {
        headers[response.header_count++] =
            (struct mr_http_header){ MR_SLICE("x-amzn-ErrorType"), mr_slice_str(error) };
    }
    if (text != NULL) {
        response.content_type = MR_SLICE("application/json");
        response.body = mr_slice_str(text);
    }
    json_decref(body);
    mr_http_respond(exchange, &response);
}

static const char *
fresh_id(char out_id[MR_UUID_SIZE])
{
    struct mr_random random;

    mr_random_init_system(&random);
    mr_random_uuid(&random, out_id);
    return out_id;
}

void
exchange_reply(struct mr_http_exchange *exchange, int status, json_t *body)
{
    char id[MR_UUID_SIZE];

    respond(exchange, status, NULL, fresh_id(id), body);
}

static json_t *
error_body(const char *error, const char *message, int *out_status)
{
    json_t *body = json_object();

    *out_status = mr_api_error_status(MR_API_LAMBDA, error);
    for (const struct mr_model_error *row = mr_model_errors; row->name != NULL; row++) {
        if (strcmp(row->name, error) == 0) {
            *out_status = row->status;
            json_object_set_new(body, "Type",
                                json_string(row->status >= 500 ? "Service" : "User"));
            json_object_set_new(body, row->spelled, json_text(mr_slice_str(message)));
            return body;
        }
    }
    json_object_set_new(body, "message", json_text(mr_slice_str(message)));
    return body;
}

void
exchange_fail(struct mr_http_exchange *exchange, const char *error, const char *message)
{
    char id[MR_UUID_SIZE];
    int status;
    json_t *body = error_body(error, message, &status);

    respond(exchange, status, error, fresh_id(id), body);
}

void
call_reply(struct call *call, int status, json_t *body)
{
    respond(call->exchange, status, NULL, call->request_id, body);
}

void
call_fail(struct call *call, const char *error, const char *format, ...)
{
    mr_auto_free char *message = NULL;
    va_list args;
    int status;

    va_start(args, format);
    if (vasprintf(&message, format, args) < 0) {
        message = NULL;
    }
    va_end(args);
    json_t *body = error_body(error, message != NULL ? message : error, &status);
    respond(call->exchange, status, error, call->request_id, body);
}

/* ---- members ---- */

json_t *
call_member(const struct call *call, const char *member)
{
    return json_object_get(call->input, member);
}

const char *
call_text(const struct call *call, const char *member)
{
    return json_string_value(call_member(call, member));
}

json_int_t
call_number(const struct call *call, const char *member, json_int_t otherwise)
{
    json_t *value = call_member(call, member);

    return json_is_number(value) ? (json_int_t)json_number_value(value) : otherwise;
}

bool
call_flag(const struct call *call, const char *member, bool otherwise)
{
    json_t *value = call_member(call, member);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* A marker is the number of items that came before, hidden in base64-like text. */
void
call_reply_page(struct call *call, const char *name, json_t *items)
{
    json_t *body = json_object(), *page = json_array();
    const char *marker = call_text(call, "Marker");
    uint64_t from = 0, size = (uint64_t)call_number(call, "MaxItems", DEFAULT_PAGE);
    size_t count = json_array_size(items);

    if (marker != NULL && marker[0] != '\0' &&
        (strncmp(marker, "mr1-", 4) != 0 ||
         !mr_slice_to_u64(mr_slice_str(marker + 4), &from))) {
        json_decref(body);
        json_decref(page);
        json_decref(items);
        call_fail(call, "InvalidParameterValueException", "Invalid marker %s", marker);
        return;
    }
    for (size_t i = from; i < count && i - from < size; i++) {
        json_array_append(page, json_array_get(items, i));
    }
    if (from + size < count) {
        json_object_set_new(body, "NextMarker",
                            json_printf("mr1-%llu", (unsigned long long)(from + size)));
    }
    json_object_set_new(body, name, page);
    json_decref(items);
    call_reply(call, 200, body);
}

/* ---- reading a request ---- */

/* A number or a flag that travelled as text. */
static json_t *
typed(const struct mr_model_shape *shape, struct mr_slice text)
{
    int64_t number;

    if (shape->kind == MR_MODEL_INTEGER && mr_slice_to_i64(text, &number)) {
        return json_integer(number);
    }
    if (shape->kind == MR_MODEL_BOOLEAN) {
        return json_boolean(mr_slice_eq_nocase(text, MR_SLICE("true")));
    }
    return json_text(text);
}

/* Every value of a repeated query parameter: tagKeys=a&tagKeys=b. */
static json_t *
query_list(struct mr_slice query, const char *wire, struct mr_arena *arena)
{
    json_t *list = json_array();

    while (query.size > 0) {
        struct mr_slice pair = mr_slice_cut(&query, '&');
        struct mr_slice name = mr_http_url_decode(mr_slice_cut(&pair, '='), true, arena);
        if (mr_slice_is(name, wire)) {
            json_array_append_new(list, json_text(mr_http_url_decode(pair, true, arena)));
        }
    }
    return list;
}

static void
read_elsewhere(struct call *call, const struct mr_model_member *member)
{
    struct mr_slice text = { NULL, 0 };

    if (member->where == MR_MODEL_QUERY && member->shape->kind == MR_MODEL_LIST) {
        json_t *list = query_list(call->request->query, member->wire, call->arena);
        if (json_array_size(list) > 0) {
            json_object_set(call->input, member->name, list);
        }
        json_decref(list);
        return;
    }
    if (member->where == MR_MODEL_QUERY) {
        text = mr_http_query_get(call->request->query, member->wire, call->arena);
    } else if (member->where == MR_MODEL_HEADER) {
        text = mr_http_request_header(call->request, member->wire);
    } else if (member->where == MR_MODEL_URI) {
        const char *given = json_text_of(call->input, member->wire);
        text = mr_slice_str(given);
    }
    if (text.data != NULL) {
        json_object_set_new(call->input, member->name, typed(member->shape, text));
    }
}

static bool
takes_payload(const struct mr_model_shape *shape)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        if (shape->members[i].where == MR_MODEL_PAYLOAD) {
            return true;
        }
    }
    return false;
}

json_t *
call_read_json(struct call *call)
{
    struct mr_slice body = call->request->body;
    json_error_t error;
    json_t *read = json_loadb((const char *)body.data, body.size, 0, &error);

    if (!json_is_object(read)) {
        call_fail(call, "InvalidRequestContentException",
                  "Could not parse request body into json: %s",
                  read == NULL ? error.text : "it is no object");
        json_decref(read);
        return NULL;
    }
    return read;
}

static bool
read_body(struct call *call)
{
    json_t *read = call_read_json(call);

    json_object_update_missing(call->input, read);
    json_decref(read);
    return read != NULL;
}

static bool
read_input(struct call *call)
{
    const struct mr_model_shape *shape = mr_model_input(call->route->operation);
    struct mr_slice body = call->request->body;
    mr_auto_buf struct mr_buf complaint = { 0 };

    if (body.size > 0 && !takes_payload(shape) && strcmp(call->route->method, "GET") != 0 &&
        strcmp(call->route->method, "DELETE") != 0 && !read_body(call)) {
        return false;
    }
    for (size_t i = 0; i < shape->member_count; i++) {
        read_elsewhere(call, &shape->members[i]);
    }
    if (!mr_model_check_types(shape, call->input, &complaint)) {
        call_fail(call, "SerializationException", "%s", mr_buf_cstr(&complaint));
        return false;
    }
    if (mr_model_check(shape, call->input, &complaint) > 0) {
        call_fail(call, "ValidationException", "%s", mr_buf_cstr(&complaint));
        return false;
    }
    return true;
}

/* ---- the handler ---- */

static void
refuse_path(struct call *call)
{
    struct mr_slice target = mr_http_request_header(call->request, "x-amz-target");
    struct mr_slice path = mr_slice_first(call->request->path, 100);

    if (target.data != NULL) {
        target = mr_slice_first(target, 60);
        call_fail(call, "UnknownOperationException",
                  "%.*s is no operation of Lambda or Kinesis: Millrace serves these two; give "
                  "the other service's endpoint (AWS_ENDPOINT_URL_SQS, ...) to your client",
                  MR_SLICE_ARGS(target));
        return;
    }
    call_fail(call, "UnknownOperationException", "there is no operation %.*s %.*s",
              MR_SLICE_ARGS(mr_slice_first(call->request->method, 10)), MR_SLICE_ARGS(path));
}

/* "http://host:port" without scheme and port. */
static struct mr_slice
host_of(struct mr_slice origin)
{
    ptrdiff_t slashes = mr_slice_find(origin, '/');

    if (slashes > 0 && origin.data[slashes - 1] == ':') {
        origin = mr_slice_from(origin, (size_t)slashes + 2);
    }
    return mr_slice_cut(&origin, ':');
}

/*
 * A page of another site, open in a browser on this machine, can post to loopback; a function
 * it made would run here. Pages from this host are fine.
 */
static bool
is_foreign_page(const struct mr_http_request *request)
{
    struct mr_slice origin = mr_http_request_header(request, "origin");
    struct mr_slice host = mr_http_request_header(request, "host");
    struct mr_slice page = host_of(origin);

    return origin.data != NULL && !mr_slice_eq_nocase(page, mr_slice_cut(&host, ':')) &&
           !mr_slice_eq_nocase(page, MR_SLICE("localhost")) && !mr_slice_is(page, "127.0.0.1");
}

static void
on_head(struct mr_http_exchange *exchange, const struct mr_http_request *request,
        struct mr_http_plan *plan, void *context)
{
    (void)exchange, (void)request, (void)context;
    plan->max_body = MAX_BODY_BYTES;
    plan->serve_faulty_body = true;
}

static void
refuse_body(struct call *call)
{
    if (mr_http_exchange_body_fault(call->exchange) == MR_HTTP_BODY_TOO_LARGE) {
        call_fail(call, "RequestEntityTooLargeException",
                  "Request must be smaller than %d bytes for the %s operation", MAX_BODY_BYTES,
                  call->route != NULL && call->route->operation != NULL ? call->route->operation
                                                                        : "given");
    } else {
        call_fail(call, "InvalidRequestContentException", "The request's body is cut off");
    }
}

static void
on_serve(struct mr_http_exchange *exchange, const struct mr_http_request *request,
         void *context)
{
    struct call call = {
        .control = context,
        .exchange = exchange,
        .request = request,
        .arena = mr_http_exchange_arena(exchange),
        .input = json_object(),
    };
    json_t *input = call.input;

    mr_random_uuid(&call.control->random, call.request_id);
    call.route = route_find(request->method, request->path, call.input, call.arena);
    if (mr_http_exchange_body_fault(exchange) != MR_HTTP_BODY_OK) {
        refuse_body(&call);
    } else if (is_foreign_page(request)) {
        call_fail(&call, "AccessDeniedException",
                  "a web page of another host may not use this API");
    } else if (call.route == NULL) {
        refuse_path(&call);
    } else if (call.control->stopping) {
        call_fail(&call, "ServiceException", "millraced is stopping");
    } else if (call.route->operation == NULL || read_input(&call)) {
        call.route->act(&call);
    }
    json_decref(input);
}

struct mr_http_handler
mr_control_handler(void)
{
    return (struct mr_http_handler){ .head = on_head, .serve = on_serve };
}
