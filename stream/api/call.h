/*
 * call: one request to the Kinesis API, from its checks to its answer.
 *
 * A call lives in its exchange's arena and dies with it. An action answers at
 * once, or parks: it starts something asynchronous that ends in
 * mr_call_answer or mr_call_fail, and sets `on_abort` for the case that the
 * caller goes away first.
 */
#ifndef MR_STREAM_API_CALL_H
#define MR_STREAM_API_CALL_H

#include "net/http_server.h"
#include "stream/api/output.h"
#include "stream/api/value.h"

struct mr_kinesis;
struct mr_operation;
struct mr_principal;

struct mr_call {
    struct mr_kinesis *kinesis;
    struct mr_http_exchange *exchange;
    const struct mr_http_request *request;
    const struct mr_operation *operation;
    struct mr_arena *arena;
    enum mr_format format;   /* of the request, and so of the answer */
    struct mr_value input;   /* not read for operations that read the body themselves */
    struct mr_buf out;       /* the answer's body */
    struct mr_output output; /* on `out` */
    uint64_t now_ms;         /* Unix time when the request was complete */
    const struct mr_principal *principal; /* NULL: verification is off */
};

/* Answer 200 with what was written to `output`; with nothing written the body is empty. */
void mr_call_answer(struct mr_call *call);

/* Answer with an error of aws/api_error.h. A NULL format: no message. */
void mr_call_fail(struct mr_call *call, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mr_call_fail_text(struct mr_call *call, const char *name, struct mr_slice message);

/* Headers every answer carries (request id, x-amz-id-2, CORS); room for MR_CALL_MAX_HEADERS. */
enum { MR_CALL_MAX_HEADERS = 8 };
size_t mr_call_headers(struct mr_http_exchange *exchange, struct mr_kinesis *kinesis,
                       struct mr_http_header out_headers[MR_CALL_MAX_HEADERS]);

struct mr_slice mr_call_content_type(enum mr_format format);

#endif
