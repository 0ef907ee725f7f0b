#include "stream/api/call.h"

#include <stdarg.h>
#include <stdio.h>

#include "aws/api_error.h"
#include "aws/base64.h"
#include "base/random.h"
#include "stream/api/kinesis.h"
#include "stream/api/operation.h"

enum { ID_2_BYTES = 72 };

struct mr_slice
mr_call_content_type(enum mr_format format)
{
    return format == MR_FORMAT_JSON ? MR_SLICE("application/x-amz-json-1.1")
                                    : MR_SLICE("application/x-amz-cbor-1.1");
}

size_t
mr_call_headers(struct mr_http_exchange *exchange, struct mr_kinesis *kinesis,
                struct mr_http_header out_headers[MR_CALL_MAX_HEADERS])
{
    const struct mr_http_request *request = mr_http_exchange_request(exchange);
    struct mr_arena *arena = mr_http_exchange_arena(exchange);
    struct mr_random *random = &kinesis->random;
    bool origin = mr_http_request_header(request, "origin").data != NULL;
    bool preflight = origin && mr_slice_is(request->method, "OPTIONS");
    char *id = mr_arena_alloc(arena, MR_UUID_SIZE);
    size_t count = 0;

    mr_random_uuid(random, id);
    out_headers[count++] = (struct mr_http_header){ MR_SLICE("x-amzn-RequestId"),
                                                    mr_slice_of(id, MR_UUID_SIZE - 1) };
    if (!preflight) {
        uint8_t bytes[ID_2_BYTES];
        uint8_t *text = mr_arena_alloc(arena, mr_base64_encoded_size(ID_2_BYTES));
        mr_random_bytes(random, bytes, sizeof(bytes));
        out_headers[count++] = (struct mr_http_header){
            MR_SLICE("x-amz-id-2"),
            mr_slice_of(text, mr_base64_encode(mr_slice_of(bytes, sizeof(bytes)), text))
        };
    }
    if (origin) {
        out_headers[count++] =
            (struct mr_http_header){ MR_SLICE("Access-Control-Allow-Origin"), MR_SLICE("*") };
    }
    if (origin && !preflight) {
        out_headers[count++] = (struct mr_http_header){
            MR_SLICE("Access-Control-Expose-Headers"),
            MR_SLICE("x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,"
                     "x-amzn-ErrorMessage,Date")
        };
    }
    return count;
}

static void
respond(struct mr_call *call, int status)
{
    struct mr_http_header headers[MR_CALL_MAX_HEADERS];
    struct mr_http_response response = {
        .status = status,
        .content_type = mr_call_content_type(call->format),
        .headers = headers,
        .header_count = mr_call_headers(call->exchange, call->kinesis, headers),
        .take = &call->out,
    };
    mr_http_respond(call->exchange, &response);
}

void
mr_call_answer(struct mr_call *call)
{
    respond(call, 200);
}

void
mr_call_fail_text(struct mr_call *call, const char *name, struct mr_slice message)
{
    bool capital = strcmp(name, "SerializationException") == 0;

    mr_buf_clear(&call->out);
    call->output = mr_output_on(&call->out, call->format);
    mr_output_begin(&call->output);
    mr_output_put_str(&call->output, "__type", name);
    mr_output_put_text(&call->output, capital ? "Message" : "message", message);
    mr_output_end(&call->output);
    respond(call, mr_api_error_status(MR_API_KINESIS, name));
}

void
mr_call_fail(struct mr_call *call, const char *name, const char *format, ...)
{
    mr_auto_buf struct mr_buf text = { 0 };
    char line[4096];
    va_list args;

    if (format == NULL) {
        mr_call_fail_text(call, name, (struct mr_slice){ NULL, 0 });
        return;
    }
    va_start(args, format);
    int size = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    mr_buf_append(&text, line, (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1);
    mr_call_fail_text(call, name, mr_buf_slice(&text));
}
