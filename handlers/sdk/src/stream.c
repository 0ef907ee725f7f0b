#include "internal.h"

#include <stdio.h>

/*
 * A streamed response is one chunked POST: its head at mr_stream_begin, a chunk a write, and
 * the end, with the error in the trailers if there was one, when the handler has returned
 * (finish_stream in main_loop.c).
 */

static int
send_parts(struct mr_ctx *ctx, const struct mr_str *parts, size_t count)
{
    if (ctx->connection == NULL || ctx->stream_broken) {
        return ctx->stream_broken ? -1 : 0;
    }
    if (connection_send(ctx->connection, parts, count) < 0) {
        ctx->stream_broken = true;
        return -1;
    }
    return 0;
}

int
mr_stream_begin(struct mr_ctx *ctx, const char *content_type)
{
    if (ctx->kind == RESPONSE_STREAM) {
        return 0;
    }
    ctx->kind = RESPONSE_STREAM;
    ctx->response_type =
        mr_str_z(content_type == NULL ? "application/octet-stream" : content_type);
    if (ctx->connection == NULL) {
        return 0;
    }
    struct mr_str head =
        mr_printf(ctx,
                  "POST /2018-06-01/runtime/invocation/%.*s/response HTTP/1.1\r\nHost: %s\r\n"
                  "Content-Type: %.*s\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
                  "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type, "
                  "Lambda-Runtime-Function-Error-Body\r\n\r\n",
                  MR_STR_ARGS(ctx->request_id), ctx->connection->host_header,
                  MR_STR_ARGS(ctx->response_type));
    return send_parts(ctx, &head, 1);
}

int
mr_stream_write(struct mr_ctx *ctx, const void *data, size_t size)
{
    if (mr_stream_begin(ctx, NULL) < 0) {
        return -1;
    }
    if (size == 0) {
        return 0; /* an empty chunk would be the end */
    }
    if (ctx->connection == NULL) {
        bytes_append(&ctx->stream_capture, data, size);
        return 0;
    }
    char length[24];
    int length_size = snprintf(length, sizeof(length), "%zx\r\n", size);
    struct mr_str parts[] = { { length, (size_t)length_size }, { data, size }, MR_STR("\r\n") };
    return send_parts(ctx, parts, 3);
}

int
mr_stream_http(struct mr_ctx *ctx, int status, const char *headers_json)
{
    static const char separator[8]; /* eight NULs end the prelude */
    if (mr_stream_begin(ctx, "application/vnd.awslambda.http-integration-response") < 0) {
        return -1;
    }
    struct mr_str prelude = mr_printf(ctx, "{\"statusCode\":%d,\"headers\":%s}", status,
                                      headers_json == NULL ? "{}" : headers_json);
    return mr_stream_write(ctx, prelude.data, prelude.size) < 0
               ? -1
               : mr_stream_write(ctx, separator, sizeof(separator));
}
