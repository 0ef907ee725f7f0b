/*
 * forward: hand a request that is not ours to the control API behind us, byte for byte.
 *
 * One connection a request to a Unix socket, HTTP/1.1. The request's body goes out
 * as it comes in, the answer's body as it comes back, held up when the caller
 * reads slower than the program behind writes. When nobody listens there, the
 * caller gets a 502 with an AWS-shaped error that says what to start.
 */
#ifndef MR_STREAM_API_FORWARD_H
#define MR_STREAM_API_FORWARD_H

#include "net/http_server.h"
#include "stream/api/kinesis.h"

enum {
    /* It passes through and is not kept; the API behind has a bound of its own, and words for
       it. */
    MR_FORWARD_MAX_BODY_BYTES = 256 * 1024 * 1024,
    MR_FORWARD_MAX_HEAD_BYTES = 64 * 1024, /* of an answer */
    MR_FORWARD_MAX_UNSENT_BYTES = 1024 * 1024,
};

/* The head has come: connect and send it. */
void mr_forward_begin(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
                      const struct mr_http_request *request);
/* A piece of the body. */
void mr_forward_chunk(struct mr_http_exchange *exchange, struct mr_slice chunk);
/* The body has ended. */
void mr_forward_end(struct mr_http_exchange *exchange);

#endif
