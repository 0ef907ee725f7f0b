/*
 * internal: what the library's files share and a handler never sees.
 */
#ifndef MILLRACE_HANDLER_INTERNAL_H
#define MILLRACE_HANDLER_INTERNAL_H

#include "millrace/handler.h"

/* ---- arena: blocks of mmap'd memory, kept between invocations ---- */

struct block;
struct arena {
    struct block *newest;
    struct block *first; /* kept on reset */
};
void *arena_take(struct arena *arena, size_t size);
void arena_reset(struct arena *arena);

/* Growable bytes outside the arena: the event, which outgrows any block. */
struct bytes {
    char *data;
    size_t size, capacity;
};
void bytes_reserve(struct bytes *bytes, size_t extra);
void bytes_append(struct bytes *bytes, const void *data, size_t size);

/* ---- connection: one kept TCP connection to the Runtime API ---- */

struct connection {
    const char *host; /* "127.0.0.1" */
    unsigned port;
    const char *host_header; /* "127.0.0.1:9001" */
    int fd;                  /* -1: not connected */
    struct bytes in;         /* read but not used yet */
    size_t used;             /* of `in` */
};

struct reply {
    int status;
    struct mr_str head; /* header lines, without the status line */
    struct mr_str body;
};

int connection_init(struct connection *connection, const char *host_port);
/* Sends all bytes. Connects first if need be; a kept connection that died is replaced once. */
int connection_send(struct connection *connection, const struct mr_str *parts, size_t count);
/* Waits for the next answer. Its views live until the next connection_ call. */
int connection_receive(struct connection *connection, struct reply *out_reply);
void connection_close(struct connection *connection);
struct mr_str reply_header(const struct reply *reply, const char *name);

/* ---- the invocation ---- */

enum response_kind { RESPONSE_NONE, RESPONSE_BODY, RESPONSE_ERROR, RESPONSE_STREAM };

struct failure {
    struct failure *next;
    struct mr_str identifier;
};

struct window_value {
    struct window_value *next;
    struct mr_str key, raw;
};

struct mr_ctx {
    struct arena arena;
    struct bytes event_bytes; /* owns what `event` and the header views point into */
    struct mr_str request_id, function_arn, trace_id, client_context, cognito_identity;
    struct mr_str tenant_id, event, content_type;
    int64_t deadline_ms;
    void *user;

    enum response_kind kind;
    bool fatal; /* end the process when the answer is posted */
    struct mr_str response, response_type;
    struct mr_str error_type;

    struct failure *failures, *last_failure;
    struct window_value *window_values;

    struct connection *connection; /* NULL under mr_test_invoke */
    bool stream_broken;
    struct bytes stream_capture; /* what mr_stream_write wrote, under mr_test_invoke */
};

/* Forget the last invocation, keep the memory. */
void context_reset(struct mr_ctx *ctx);
void context_release(struct mr_ctx *ctx);
/* The error document {"errorMessage":..,"errorType":..,"stackTrace":[]}. */
struct mr_str error_document(struct mr_ctx *ctx, struct mr_str type, struct mr_str message);

/* JSON text of `text`, quotes included, appended. */
void bytes_append_json(struct bytes *bytes, struct mr_str text);

/* ---- log and crash ---- */

void log_open(void); /* reads AWS_LAMBDA_LOG_*; once */
void crash_install(void);
/* The invocation this thread is in; NULL: none. What a crash reports. */
void crash_set_context(const struct mr_ctx *ctx);

/* ---- shutdown: an internal extension, so that SIGTERM comes ---- */

int shutdown_watch(const struct mr_handler *handler, void *user, const char *host_port);

int64_t wall_ms(void);
_Noreturn void die(const char *what);

#endif
