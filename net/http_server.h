/*
 * http_server: HTTP/1.1 and HTTP/2 on listeners we are given or open ourselves.
 *
 * One server, one loop. A plain listener takes HTTP/1.1 and HTTP/2 with prior
 * knowledge on the same port; a TLS listener negotiates by ALPN. What is not
 * strictly HTTP is refused before a handler sees it: bare CR or LF, folded
 * headers, a blank before the colon, Content-Length with Transfer-Encoding,
 * differing Content-Lengths. HTTP/1.1 pipelining is answered in order.
 *
 * A request is one `struct mr_http_exchange`, alive from its head until its
 * answer is sent or its connection is gone. The handler answers at once or
 * keeps the exchange and answers later (a long poll); in that case it sets an
 * abort callback, after which the exchange is gone.
 *
 * Bounds: base/limits.h MR_HTTP_*. A body over the plan's limit is answered
 * 413. While an answer is being written the next request of that HTTP/1.1
 * connection is not read.
 */
#ifndef MR_NET_HTTP_SERVER_H
#define MR_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tls.h"

struct mr_http_server;
struct mr_http_exchange;

struct mr_http_request {
    struct mr_slice method;
    struct mr_slice target; /* as sent */
    struct mr_slice path;   /* target up to '?', still percent-encoded */
    struct mr_slice query;  /* behind '?', without it; absent when there is none */
    const struct mr_http_header *headers; /* h2: names are lower case, Host holds :authority */
    size_t header_count;
    const struct mr_http_header *trailers; /* of a chunked body */
    size_t trailer_count;
    struct mr_slice body; /* whole; empty in a `head` call and for streamed bodies */
    int version;          /* 10, 11 or 20 */
};

static inline struct mr_slice
mr_http_request_header(const struct mr_http_request *request, const char *name)
{
    return mr_http_header_get(request->headers, request->header_count, name);
}

/* What the handler wants done with a body, said when the head has come. */
struct mr_http_plan {
    size_t max_body; /* default MR_HTTP_MAX_BODY_BYTES */
    bool stream;     /* give the body to `chunk` as it comes; `serve` is called at its end */
    /*
     * Call `serve` with what came, marked by mr_http_exchange_body_fault, instead of
     * answering 413 or dropping the connection ourselves.
     */
    bool serve_faulty_body;
};

enum mr_http_body_fault { MR_HTTP_BODY_OK, MR_HTTP_BODY_TOO_LARGE, MR_HTTP_BODY_TRUNCATED };

struct mr_http_handler {
    /* Optional. The head is complete; may answer already (the body is then discarded). */
    void (*head)(struct mr_http_exchange *exchange, const struct mr_http_request *request,
                 struct mr_http_plan *plan, void *context);
    /* Optional; with plan->stream. The chunk is valid during the call. */
    void (*chunk)(struct mr_http_exchange *exchange, struct mr_slice chunk, void *context);
    /* The request is complete. It and its slices live as long as the exchange. */
    void (*serve)(struct mr_http_exchange *exchange, const struct mr_http_request *request,
                  void *context);
};

struct mr_http_server_options {
    struct mr_http_handler handler;
    void *context;
    size_t max_connections; /* 0: MR_HTTP_MAX_CONNECTIONS */
    uint64_t idle_ms;       /* close a connection that long without a request; 0: never */
    bool http1_only;        /* the Runtime API: no HTTP/2 preface */
};

/* Never NULL. `loop` outlives the server. */
struct mr_http_server *mr_http_server_new(struct mr_loop *loop,
                                          const struct mr_http_server_options *options);

/*
 * Accept on `fd`, a listening TCP or Unix socket; the server owns it from now on, also on
 * failure. `tls` NULL: plain. `label` comes back from mr_http_exchange_listener: who this
 * listener belongs to.
 */
int mr_http_server_listen_fd(struct mr_http_server *server, int fd, struct mr_tls *tls,
                             void *label, struct mr_error *err);

/* Stop accepting on that listener; its connections close when idle, now if `abort`. */
void mr_http_server_unlisten(struct mr_http_server *server, void *label, bool abort);

/* Bind and listen. `host` is a numeric address; port 0 picks one. Returns the descriptor. */
int mr_net_listen_tcp(const char *host, uint16_t port, struct mr_error *err);
/* A stale socket file is replaced, a living one is -EADDRINUSE. Mode 0600. */
int mr_net_listen_unix(const char *path, struct mr_error *err);
/* The port a descriptor listens on, or 0. */
uint16_t mr_net_port(int fd);

/*
 * Stop accepting, let running exchanges finish for `grace_ms` (real time), close, call
 * `done`. The server must be freed after that, and not before.
 */
void mr_http_server_stop(struct mr_http_server *server, uint64_t grace_ms, mr_loop_fn *done,
                         void *context);
void mr_http_server_free(struct mr_http_server *server);

/* ---- an exchange ---- */

/* Lives as long as the exchange. */
struct mr_arena *mr_http_exchange_arena(struct mr_http_exchange *exchange);
const struct mr_http_request *mr_http_exchange_request(const struct mr_http_exchange *exchange);
void *mr_http_exchange_listener(const struct mr_http_exchange *exchange);
enum mr_http_body_fault mr_http_exchange_body_fault(const struct mr_http_exchange *exchange);
/* The same number for every exchange of one connection, never used again. */
uint64_t mr_http_exchange_connection(const struct mr_http_exchange *exchange);
/* "127.0.0.1:51234", or "unix". */
struct mr_slice mr_http_exchange_peer(struct mr_http_exchange *exchange);
bool mr_http_exchange_is_tls(const struct mr_http_exchange *exchange);
/* Accepted TCP or Unix descriptor, for peer credentials; do not read or close it. */
int mr_http_exchange_fd(const struct mr_http_exchange *exchange);

/*
 * Of a streamed body: hand over no more of it for now, and take no more from the peer; go on
 * with `paused` false. What has been read already may still come. For who passes a body on.
 */
void mr_http_exchange_pause_body(struct mr_http_exchange *exchange, bool paused);

/* The handler's own, set and read back. */
void mr_http_exchange_set_user(struct mr_http_exchange *exchange, void *user);
void *mr_http_exchange_user(const struct mr_http_exchange *exchange);

typedef void(mr_http_exchange_fn)(struct mr_http_exchange *exchange, void *context);

/* The connection went away before the answer was complete; the exchange ends with this call.
 * Not called after an answer was completed. */
void mr_http_exchange_on_abort(struct mr_http_exchange *exchange, mr_http_exchange_fn *fn,
                               void *context);

struct mr_http_response {
    int status;
    struct mr_slice content_type; /* absent: no such header */
    const struct mr_http_header *headers;
    size_t header_count;
    /* The body: `body` is copied, or, when `take` is given, its bytes are taken over. */
    struct mr_slice body;
    struct mr_buf *take;
    bool close; /* HTTP/1.1: close the connection behind it */
};

/* Answer whole. Content-Length and Date are added. The exchange may be gone when this returns.
 */
void mr_http_respond(struct mr_http_exchange *exchange,
                     const struct mr_http_response *response);

/*
 * Answer in parts: begin (body ignored), write any number of times, end. Chunked under
 * HTTP/1.1. Unsent bytes are kept: a writer that may outrun its reader asks
 * mr_http_exchange_unsent and waits for `on_drain` (called when it falls to 0).
 */
void mr_http_respond_begin(struct mr_http_exchange *exchange,
                           const struct mr_http_response *response);
void mr_http_respond_write(struct mr_http_exchange *exchange, struct mr_slice part);
void mr_http_respond_end(struct mr_http_exchange *exchange);
size_t mr_http_exchange_unsent(const struct mr_http_exchange *exchange);
void mr_http_exchange_on_drain(struct mr_http_exchange *exchange, mr_http_exchange_fn *fn,
                               void *context);

/* Cut the connection (HTTP/2: reset the stream) without an answer: torn-connection faults. */
void mr_http_abort(struct mr_http_exchange *exchange);

#endif
