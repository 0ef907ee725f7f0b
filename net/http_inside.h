/*
 * http_inside: what the files of the HTTP server share.
 *
 * server -> connections -> exchanges. A connection moves bytes (connection.c) for one protocol,
 * HTTP/1.1 (http1.c) or HTTP/2 (http2.c); the protocol makes exchanges and does for them what
 * http_server.h promises (exchange.c passes the calls on).
 */
#ifndef MR_NET_HTTP_INSIDE_H
#define MR_NET_HTTP_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/http_server.h"
#include "net/tls_stream.h"

struct mr_http_connection;

/* A protocol's side of a connection. */
struct mr_http_protocol {
    /* New bytes stand in connection->in: take what you can, mr_buf_consume it. */
    void (*input)(struct mr_http_connection *connection);
    /* Everything that was queued has been sent. */
    void (*drained)(struct mr_http_connection *connection);
    /* The peer sends no more. */
    void (*eof)(struct mr_http_connection *connection);
    /* The connection is going: end its exchanges, release what is yours. */
    void (*release)(struct mr_http_connection *connection);
    /* The server stops: close when nothing is under way. */
    void (*wind_down)(struct mr_http_connection *connection);
};

/* A protocol's side of an exchange: the functions of http_server.h. */
struct mr_http_answering {
    void (*respond)(struct mr_http_exchange *, const struct mr_http_response *);
    void (*begin)(struct mr_http_exchange *, const struct mr_http_response *);
    void (*write)(struct mr_http_exchange *, struct mr_slice);
    void (*end)(struct mr_http_exchange *);
    size_t (*unsent)(const struct mr_http_exchange *);
    void (*cut)(struct mr_http_exchange *);
    void (*pause_body)(struct mr_http_exchange *, bool paused);
};

struct mr_http_listener {
    struct mr_list node;
    struct mr_http_server *server;
    int fd;
    struct mr_watch *watch;
    struct mr_tls *tls; /* the caller's */
    void *label;
    struct mr_timer again; /* accept goes on then */
};

struct mr_http_server {
    struct mr_loop *loop;
    struct mr_http_server_options options;
    struct mr_list listeners;
    struct mr_list connections;
    size_t connection_count;
    uint64_t next_connection;
    bool stopping;
    struct mr_timer grace;
    mr_loop_fn *stopped;
    void *stopped_context;
    char date[40]; /* "Date: ...\r\n" of `date_second` */
    size_t date_size;
    uint64_t date_second;
};

struct part {
    struct part *next;
    struct mr_buf buf; /* owned */
    size_t sent;
};

struct mr_http_connection {
    struct mr_list node;
    struct mr_http_server *server;
    uint64_t number;
    int fd;
    struct mr_watch *watch;
    struct mr_tls_stream *tls; /* NULL: plain */
    void *label;
    char peer[64];

    struct mr_buf in;
    bool input_paused;
    bool eof;

    struct part *parts, *last_part; /* not sent yet, first to last */
    size_t unsent;
    bool close_when_sent;
    bool linger;    /* the peer may still be sending: give it time to read our answer */
    bool lingering; /* we have said our last; what comes is thrown away */
    bool closed;    /* released at the end of the round */
    int interest;   /* what the watch waits for */

    struct mr_timer timer; /* head or idle timeout, on real time */

    const struct mr_http_protocol *protocol;
    void *state; /* the protocol's */
};

struct mr_http_exchange {
    struct mr_http_connection *connection;
    const struct mr_http_answering *answering;
    struct mr_arena arena;
    struct mr_http_request request;
    struct mr_http_plan plan;
    enum mr_http_body_fault fault;
    struct mr_buf body;
    void *user;
    mr_http_exchange_fn *aborted;
    void *aborted_context;
    mr_http_exchange_fn *drained;
    void *drained_context;
    bool begun;       /* a streamed answer was begun */
    bool answered;    /* the answer is complete */
    bool body_paused; /* the handler wants no more of the body for now */
    void *state;      /* the protocol's */
};

/* ---- connection.c ---- */

void mr_http_connection_open(struct mr_http_listener *listener, int fd);
/* Send now what the socket takes, keep the rest. `take` may be NULL; else its bytes go behind.
 */
void mr_http_connection_send(struct mr_http_connection *connection, struct mr_slice head,
                             struct mr_slice body, struct mr_buf *take);
void mr_http_connection_close(struct mr_http_connection *connection);
/* Close behind what is still to be sent; never from inside this call. */
void mr_http_connection_finish(struct mr_http_connection *connection);
/* Stop or go on reading from the socket. */
void mr_http_connection_pause(struct mr_http_connection *connection, bool paused);
/* Close it if it does not come to rest within that time; 0 stops the timer. */
void mr_http_connection_timeout(struct mr_http_connection *connection, uint64_t ms);

/* ---- listen.c ---- */

void mr_net_set_nonblocking(int fd);

/* ---- http_server.c ---- */

/* "Date: ...\r\n", made once a second. */
struct mr_slice mr_http_server_date(struct mr_http_server *server);
void mr_http_server_connection_gone(struct mr_http_server *server);

/* ---- exchange.c ---- */

struct mr_http_exchange *mr_http_exchange_new(struct mr_http_connection *connection,
                                              const struct mr_http_answering *answering);
void mr_http_exchange_free(struct mr_http_exchange *exchange);
/* Tells the handler that the exchange is gone, if it still waited. Does not free. */
void mr_http_exchange_abort(struct mr_http_exchange *exchange);

/* ---- http1.c, http2.c ---- */

extern const struct mr_http_protocol mr_http1;
extern const struct mr_http_protocol mr_http2;
/* The connection speaks HTTP/2 from now on. */
void mr_http2_start(struct mr_http_connection *connection);

#endif
