/*
 * http_client: requests to other servers, by libcurl on our loop.
 *
 * Connections are kept and reused per host; HTTP/1.1 by default. Nothing is
 * retried here: a caller knows what may be repeated.
 */
#ifndef MR_NET_HTTP_CLIENT_H
#define MR_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/http.h"
#include "net/loop.h"

struct mr_http_client;
struct mr_http_call; /* one request under way */

struct mr_http_client *mr_http_client_new(struct mr_loop *loop);
/* Calls under way are cancelled, their `done` is not called. NULL is fine. */
void mr_http_client_free(struct mr_http_client *client);

struct mr_http_call_options {
    const char *method;      /* "POST" */
    const char *url;         /* "http://127.0.0.1:4566/path" */
    const char *unix_socket; /* NULL, or connect here instead of the url's host */
    const struct mr_http_header *headers;
    size_t header_count;
    struct mr_slice body; /* copied */
    uint64_t connect_ms;  /* real time; 0: 1000 */
    uint64_t total_ms;    /* real time; 0: 60000 */
    size_t max_response;  /* bytes; 0: 32 MiB. More is an error */
    bool http2;           /* prior knowledge on http://, ALPN on https:// */
    const char *ca_file;  /* NULL: the system's */
    /*
     * Optional: called with the body as it comes, with the status; the body is then not
     * collected. Must not free or cancel the call.
     */
    void (*chunk)(int status, struct mr_slice chunk, void *context);
};

struct mr_http_result {
    int status; /* 0 when there was no answer: see `error` */
    const struct mr_http_header *headers;
    size_t header_count;
    struct mr_buf *body;          /* may be taken with mr_buf_take */
    const struct mr_error *error; /* NULL when an answer came */
};

/* The result and what it points to live during the call. */
typedef void(mr_http_done_fn)(const struct mr_http_result *result, void *context);

/* `done` is called exactly once, later, never from inside this call. */
struct mr_http_call *mr_http_client_send(struct mr_http_client *client,
                                         const struct mr_http_call_options *options,
                                         mr_http_done_fn *done, void *context);
/* `done` will not be called. */
void mr_http_call_cancel(struct mr_http_call *call);

#endif
