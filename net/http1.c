/*
 * http1: HTTP/1.1 on a connection: one exchange at a time, pipelined ones behind it in order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/chunked.h"
#include "net/http1_head.h"
#include "net/http_inside.h"

enum {
    PIPELINED = 256 * 1024, /* bytes kept unread by us behind a running exchange */
    /* Of a body nobody wants, before the connection is closed: more than Lambda's largest. */
    MAX_DISCARD = 96 * 1024 * 1024,
};

enum phase {
    HEAD,    /* between requests, or in a head */
    BODY,    /* the exchange's body comes */
    SERVING, /* the handler has it */
};

/* What a connection is doing; `connection->state`. */
struct http1 {
    enum phase phase;
    struct mr_http1_head head; /* slices into `in`: valid while parsing only */
    size_t scanned;
    struct mr_http_exchange *exchange; /* NULL in HEAD */
    bool keep_alive;
    bool is_head_method;
    bool silent; /* the answer under way has no body */
    bool chunked;
    struct mr_chunked decoder;
    uint64_t left;   /* of a body with a length */
    uint64_t got;    /* of the body */
    bool discarding; /* answered already or too large: the rest of the body is dropped */
    bool running;    /* process() is up the stack: what it works on is freed by it */
    bool expecting;  /* the peer waits for our leave to send its body */
    bool head_timed; /* the time for this head runs */
    bool started;    /* the first bytes were looked at: it is no HTTP/2 */
};

static const struct mr_http_answering answering;
static void process(struct mr_http_connection *connection);

static struct http1 *
state_of(struct mr_http_connection *connection)
{
    if (connection->state == NULL) {
        connection->state = mr_alloc_zero(1, sizeof(struct http1));
    }
    return connection->state;
}

/* ---- answers ---- */

static bool
has_no_body(int status)
{
    return status == 204 || status == 304 || (status >= 100 && status < 200);
}

static void
append_u64(struct mr_buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    mr_buf_append(out, digits + at, sizeof(digits) - at);
}

/* A line break in a value would begin another header: it becomes a blank. */
static void
append_header(struct mr_buf *out, struct mr_slice name, struct mr_slice value)
{
    mr_buf_append_slice(out, name);
    mr_buf_append(out, ": ", 2);
    size_t from = out->size;
    mr_buf_append_slice(out, value);
    for (size_t i = from; i < out->size; i++) {
        uint8_t c = out->data[i];
        out->data[i] = c == '\r' || c == '\n' || c == 0 ? ' ' : c;
    }
    mr_buf_append(out, "\r\n", 2);
}

/* Status line and headers; `length` SIZE_MAX: as it comes. */
static void
write_head(struct mr_buf *out, struct mr_http_exchange *exchange,
           const struct mr_http_response *response, size_t length)
{
    struct mr_http_connection *connection = exchange->connection;
    struct http1 *http1 = connection->state;

    mr_buf_reserve(out, 512);
    mr_buf_append(out, "HTTP/1.1 ", 9);
    append_u64(out, (uint64_t)response->status);
    mr_buf_append_byte(out, ' ');
    mr_buf_append_str(out, mr_http_reason(response->status));
    mr_buf_append(out, "\r\n", 2);
    mr_buf_append_slice(out, mr_http_server_date(connection->server));
    if (response->content_type.data != NULL) {
        append_header(out, MR_SLICE("Content-Type"), response->content_type);
    }
    for (size_t i = 0; i < response->header_count; i++) {
        append_header(out, response->headers[i].name, response->headers[i].value);
    }
    if (length == SIZE_MAX && exchange->request.version == 11 &&
        !has_no_body(response->status)) {
        mr_buf_append_str(out, "Transfer-Encoding: chunked\r\n");
    } else if (length != SIZE_MAX && !has_no_body(response->status)) {
        mr_buf_append_str(out, "Content-Length: ");
        append_u64(out, length);
        mr_buf_append(out, "\r\n", 2);
    }
    if (!http1->keep_alive) {
        mr_buf_append_str(out, "Connection: close\r\n");
    } else if (exchange->request.version == 10) {
        mr_buf_append_str(out, "Connection: keep-alive\r\n");
    }
    mr_buf_append(out, "\r\n", 2);
}

static void
end_exchange(struct http1 *http1)
{
    if (http1->exchange != NULL) {
        mr_http_exchange_free(http1->exchange);
    }
    mr_chunked_deinit(&http1->decoder);
    http1->exchange = NULL;
    http1->phase = HEAD;
    http1->scanned = 0;
    http1->expecting = http1->head_timed = false;
}

/* The answer is complete: free the exchange, and go on with what was pipelined behind it. */
static void
answered(struct mr_http_exchange *exchange)
{
    struct mr_http_connection *connection = exchange->connection;
    struct http1 *http1 = connection->state;
    exchange->answered = true;
    if (connection->closed) {
        return;
    }
    if (http1->phase == BODY) {
        http1->discarding = true; /* answered before its body was there */
        return;
    }
    if (!http1->keep_alive) {
        mr_http_connection_finish(connection);
    }
    if (!http1->running) {
        process(connection);
    }
}

/* Who waits for a 100 and gets an answer may send its body or not: nobody can tell. */
static bool
stays_open(const struct http1 *http1, const struct mr_http_response *response)
{
    return http1->keep_alive && !response->close && !http1->expecting;
}

static void
http1_respond(struct mr_http_exchange *exchange, const struct mr_http_response *response)
{
    struct mr_http_connection *connection = exchange->connection;
    struct http1 *http1 = connection->state;
    mr_auto_buf struct mr_buf head = { 0 };
    size_t size = response->take != NULL ? response->take->size : response->body.size;
    bool silent = http1->is_head_method || has_no_body(response->status);

    http1->keep_alive = stays_open(http1, response);
    write_head(&head, exchange, response, size);
    if (silent && response->take != NULL) {
        mr_buf_deinit(response->take);
    }
    mr_http_connection_send(connection, mr_buf_slice(&head),
                            silent || response->take != NULL ? (struct mr_slice){ NULL, 0 }
                                                             : response->body,
                            silent ? NULL : response->take);
    answered(exchange);
}

static void
http1_begin(struct mr_http_exchange *exchange, const struct mr_http_response *response)
{
    struct http1 *http1 = exchange->connection->state;
    mr_auto_buf struct mr_buf head = { 0 };
    if (exchange->request.version == 10) {
        http1->keep_alive = false; /* no chunks there: the end of the connection is the end */
    }
    http1->keep_alive = stays_open(http1, response);
    http1->silent = http1->is_head_method || has_no_body(response->status);
    write_head(&head, exchange, response, SIZE_MAX);
    mr_http_connection_send(exchange->connection, mr_buf_slice(&head),
                            (struct mr_slice){ NULL, 0 }, NULL);
}

static void
http1_write(struct mr_http_exchange *exchange, struct mr_slice part)
{
    struct mr_http_connection *connection = exchange->connection;
    struct http1 *http1 = connection->state;
    char size[24];
    struct mr_buf line_break = { 0 };
    if (http1->silent || part.size == 0) { /* an empty chunk would be the end */
        return;
    }
    if (exchange->request.version == 10) {
        mr_http_connection_send(connection, part, (struct mr_slice){ NULL, 0 }, NULL);
        return;
    }
    /* With its line break: readers of events wait for it before they look at the chunk. */
    mr_buf_append(&line_break, "\r\n", 2);
    int digits = snprintf(size, sizeof(size), "%zx\r\n", part.size);
    mr_http_connection_send(connection, mr_slice_of(size, (size_t)digits), part, &line_break);
}

static void
http1_end(struct mr_http_exchange *exchange)
{
    struct mr_http_connection *connection = exchange->connection;
    struct http1 *http1 = connection->state;
    if (!http1->silent && exchange->request.version == 11) {
        mr_http_connection_send(connection, MR_SLICE("0\r\n\r\n"), (struct mr_slice){ NULL, 0 },
                                NULL);
    }
    answered(exchange);
}

static size_t
http1_unsent(const struct mr_http_exchange *exchange)
{
    return exchange->connection->unsent;
}

static void
http1_cut(struct mr_http_exchange *exchange)
{
    struct mr_http_connection *connection = exchange->connection;
    exchange->answered = true;
    mr_http_connection_close(connection);
}

static void
http1_pause_body(struct mr_http_exchange *exchange, bool paused)
{
    struct mr_http_connection *connection = exchange->connection;
    struct http1 *http1 = connection->state;
    if (http1->phase != BODY || http1->running) {
        return; /* process() looks when it is done */
    }
    mr_http_connection_pause(connection, paused);
    if (!paused) {
        process(connection);
    }
}

static const struct mr_http_answering answering = {
    http1_respond, http1_begin, http1_write,      http1_end,
    http1_unsent,  http1_cut,   http1_pause_body,
};

/* What was no request: say why and close. */
static void
refuse(struct mr_http_connection *connection, int status, const char *why)
{
    mr_auto_buf struct mr_buf answer = { 0 };
    mr_buf_printf(&answer,
                  "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                  "Connection: close\r\n\r\n%s\n",
                  status, mr_http_reason(status), strlen(why) + 1, why);
    mr_buf_clear(&connection->in);
    mr_http_connection_send(connection, mr_buf_slice(&answer), (struct mr_slice){ NULL, 0 },
                            NULL);
    connection->linger = true;
    mr_http_connection_finish(connection);
}

/* ---- requests ---- */

/* The head's slices point into a buffer that moves on: copy it, and them, into the exchange. */
static void
adopt_head(struct mr_http_exchange *exchange, struct http1 *http1, struct mr_slice bytes)
{
    struct mr_http1_head *head = &http1->head;
    struct mr_slice copy = mr_arena_copy(&exchange->arena, bytes);
    struct mr_http_header *headers =
        mr_arena_alloc(&exchange->arena, head->header_count * sizeof(headers[0]));
    ptrdiff_t shift = copy.data - bytes.data;

    for (size_t i = 0; i < head->header_count; i++) {
        headers[i] = head->headers[i];
        headers[i].name.data += shift;
        headers[i].value.data += shift;
    }
    struct mr_slice target = mr_slice_of(head->target.data + shift, head->target.size);
    struct mr_slice query = target;
    exchange->request = (struct mr_http_request){
        .method = mr_slice_of(head->method.data + shift, head->method.size),
        .target = target,
        .path = mr_slice_cut(&query, '?'),
        .query = query,
        .headers = headers,
        .header_count = head->header_count,
        .version = head->version,
    };
}

static void
call_serve(struct mr_http_connection *connection, struct http1 *http1)
{
    struct mr_http_exchange *exchange = http1->exchange;
    struct mr_http_server_options *options = &connection->server->options;
    http1->phase = SERVING;
    exchange->request.body = mr_buf_slice(&exchange->body);
    mr_http_connection_timeout(connection, 0);
    options->handler.serve(exchange, &exchange->request, options->context);
}

static void
take_trailers(struct mr_http_exchange *exchange, struct mr_chunked *decoder)
{
    struct mr_http_header *trailers =
        mr_arena_alloc(&exchange->arena, MR_HTTP_MAX_HEADERS * sizeof(trailers[0]));
    struct mr_slice raw = mr_arena_copy(&exchange->arena, mr_buf_slice(&decoder->trailers));
    size_t count;
    if (mr_http1_fields_parse(raw, trailers, MR_HTTP_MAX_HEADERS, &count, NULL) > 0) {
        exchange->request.trailers = trailers;
        exchange->request.trailer_count = count;
    }
}

/* The body has come: the handler's turn, or the end of an exchange answered before. */
static void
body_complete(struct mr_http_connection *connection, struct http1 *http1)
{
    struct mr_http_exchange *exchange = http1->exchange;
    if (http1->chunked && mr_chunked_done(&http1->decoder) &&
        http1->decoder.trailers.size > 2) {
        take_trailers(exchange, &http1->decoder);
    }
    if (!exchange->answered && exchange->fault == MR_HTTP_BODY_TOO_LARGE &&
        !exchange->plan.serve_faulty_body) {
        struct mr_http_response too_large = { .status = 413 };
        http1->phase = SERVING;
        mr_http_exchange_abort(exchange); /* a handler that saw the head hears no more */
        mr_http_respond(exchange, &too_large);
        return;
    }
    if (exchange->answered) {
        http1->phase = SERVING;
        if (!http1->keep_alive) {
            mr_http_connection_finish(connection);
        }
        return;
    }
    call_serve(connection, http1);
}

static void
on_piece(struct mr_slice piece, void *context)
{
    struct mr_http_connection *connection = context;
    struct http1 *http1 = connection->state;
    struct mr_http_exchange *exchange = http1->exchange;
    struct mr_http_server_options *options = &connection->server->options;

    http1->got += piece.size;
    if (!http1->discarding && http1->got > exchange->plan.max_body) {
        exchange->fault = MR_HTTP_BODY_TOO_LARGE;
        http1->discarding = true;
    }
    if (http1->discarding) {
        return;
    }
    if (exchange->plan.stream && options->handler.chunk != NULL) {
        options->handler.chunk(exchange, piece, options->context);
    } else {
        mr_buf_append_slice(&exchange->body, piece);
    }
}

/* False: more bytes are needed, or the connection is done for. */
static bool
take_body(struct mr_http_connection *connection, struct http1 *http1)
{
    struct mr_slice input = mr_buf_slice(&connection->in);
    ssize_t used;
    bool complete;
    if (http1->chunked) {
        used = mr_chunked_decode(&http1->decoder, input, on_piece, connection, NULL);
        complete = used >= 0 && mr_chunked_done(&http1->decoder);
    } else {
        used = (ssize_t)(http1->left < input.size ? http1->left : input.size);
        if (used > 0) {
            on_piece(mr_slice_first(input, (size_t)used), connection);
        }
        http1->left -= (size_t)used;
        complete = http1->left == 0;
    }
    if (connection->closed) {
        return false;
    }
    if (used < 0 || (http1->discarding && http1->got > MAX_DISCARD)) {
        if (http1->exchange->begun || http1->exchange->answered) {
            mr_http_connection_close(connection); /* an answer is out: no second one */
            return false;
        }
        mr_http_exchange_abort(http1->exchange);
        refuse(connection, used < 0 ? 400 : 413,
               used < 0 ? "the body is not in chunked coding" : "the body is too large");
        end_exchange(http1);
        return false;
    }
    mr_buf_consume(&connection->in, (size_t)used);
    if (!complete) {
        return false;
    }
    body_complete(connection, http1);
    return true;
}

static void
start_exchange(struct mr_http_connection *connection, struct http1 *http1, size_t head_size)
{
    struct mr_http_server_options *options = &connection->server->options;
    struct mr_http1_head *head = &http1->head;
    struct mr_http_exchange *exchange = mr_http_exchange_new(connection, &answering);

    adopt_head(exchange, http1, mr_slice_first(mr_buf_slice(&connection->in), head_size));
    mr_buf_consume(&connection->in, head_size);
    http1->exchange = exchange;
    http1->keep_alive = head->keep_alive && !connection->server->stopping;
    http1->is_head_method = mr_slice_is(exchange->request.method, "HEAD");
    http1->chunked = head->chunked;
    http1->left = head->length;
    http1->got = 0;
    http1->discarding = false;
    http1->phase = BODY;
    http1->expecting = head->expect_continue && (head->chunked || head->length > 0);
    if (options->handler.head != NULL) {
        options->handler.head(exchange, &exchange->request, &exchange->plan, options->context);
    }
    if (connection->closed) {
        return;
    }
    if (!exchange->answered && !head->chunked && head->length > exchange->plan.max_body) {
        exchange->fault = MR_HTTP_BODY_TOO_LARGE;
        http1->discarding = true;
        if (http1->expecting && !exchange->plan.serve_faulty_body) {
            struct mr_http_response too_large = { .status = 413 };
            mr_http_exchange_abort(exchange);
            mr_http_respond(exchange, &too_large);
        }
    }
    if (exchange->answered) {
        if (http1->expecting) {
            connection->linger = true;
            mr_http_connection_finish(connection);
        }
        return;
    }
    if (!http1->discarding && !exchange->plan.stream && head->length > 0) {
        mr_buf_reserve(&exchange->body, (size_t)head->length);
    }
    if (http1->expecting) {
        http1->expecting = false;
        mr_http_connection_send(connection, MR_SLICE("HTTP/1.1 100 Continue\r\n\r\n"),
                                (struct mr_slice){ NULL, 0 }, NULL);
    }
}

/* False: more bytes are needed, or the connection is done for. */
static bool
take_head(struct mr_http_connection *connection, struct http1 *http1)
{
    struct mr_error err;
    while (connection->in.size >= 2 && http1->scanned == 0 &&
           memcmp(connection->in.data, "\r\n", 2) == 0) {
        mr_buf_consume(&connection->in, 2); /* some clients send one too many behind a body */
    }
    ssize_t size =
        mr_http1_head_parse(&http1->head, mr_buf_slice(&connection->in), &http1->scanned, &err);
    if (size < 0) {
        refuse(connection, size == -E2BIG ? 431 : 400, err.text);
        return false;
    }
    if (size == 0) {
        if (connection->in.size > 0 && !http1->head_timed) {
            http1->head_timed = true;
            mr_http_connection_timeout(connection, MR_HTTP_HEAD_TIMEOUT_MS);
        }
        return false;
    }
    mr_http_connection_timeout(connection, 0);
    start_exchange(connection, http1, (size_t)size);
    return true;
}

/* Is it HTTP/2's preface, or can it still become one? */
static bool
is_http2(struct mr_http_connection *connection, struct http1 *http1)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t size =
        connection->in.size < sizeof(preface) - 1 ? connection->in.size : sizeof(preface) - 1;
    if (http1->started || connection->server->options.http1_only ||
        memcmp(connection->in.data, preface, size) != 0) {
        http1->started = true;
        return false;
    }
    return true;
}

static void
between_requests(struct mr_http_connection *connection)
{
    uint64_t idle_ms = connection->server->options.idle_ms;
    if (connection->server->stopping) {
        mr_http_connection_finish(connection);
    } else if (idle_ms > 0 && connection->in.size == 0) {
        mr_http_connection_timeout(connection, idle_ms);
    }
}

/* What was running has returned: release what ended meanwhile, or say whether we read on. */
static void
settle(struct mr_http_connection *connection, struct http1 *http1)
{
    http1->running = false;
    if (connection->closed) {
        end_exchange(http1);
        free(http1);
        connection->state = NULL;
        return;
    }
    bool paused = http1->exchange != NULL && http1->exchange->body_paused;
    bool full = http1->phase == SERVING && connection->in.size > PIPELINED;
    mr_http_connection_pause(connection, paused || full);
}

/* Takes what the input holds, until a handler keeps its exchange or bytes are missing. */
static void
process(struct mr_http_connection *connection)
{
    struct http1 *http1 = state_of(connection);
    http1->running = true;
    for (bool more = true; more && !connection->closed && !connection->close_when_sent;) {
        switch (http1->phase) {
        case HEAD:
            more = connection->in.size > 0 && take_head(connection, http1);
            break;
        case BODY:
            more = !http1->exchange->body_paused && take_body(connection, http1);
            break;
        case SERVING:
            more = http1->exchange->answered && connection->unsent == 0;
            if (more) {
                end_exchange(http1);
                between_requests(connection);
            }
            break;
        }
    }
    settle(connection, http1);
}

static void
http1_input(struct mr_http_connection *connection)
{
    struct http1 *http1 = state_of(connection);
    if (is_http2(connection, http1)) {
        if (connection->in.size >= 24) {
            free(http1);
            connection->state = NULL;
            mr_http2_start(connection);
        } else if (!http1->head_timed) {
            http1->head_timed = true;
            mr_http_connection_timeout(connection, MR_HTTP_HEAD_TIMEOUT_MS);
        }
        return;
    }
    if (!http1->running) {
        process(connection);
    }
}

static void
http1_drained(struct mr_http_connection *connection)
{
    struct http1 *http1 = state_of(connection);
    struct mr_http_exchange *exchange = http1->exchange;
    if (exchange != NULL && exchange->begun && !exchange->answered &&
        exchange->drained != NULL) {
        exchange->drained(exchange, exchange->drained_context);
    }
    if (!connection->closed && !http1->running) {
        process(connection);
    }
}

/* In the middle of a body: the handler may want to know. Else nobody waits for an answer. */
static void
http1_eof(struct mr_http_connection *connection)
{
    struct http1 *http1 = state_of(connection);
    struct mr_http_exchange *exchange = http1->exchange;
    if (http1->phase == BODY && exchange != NULL && !exchange->answered &&
        exchange->plan.serve_faulty_body) {
        exchange->fault = MR_HTTP_BODY_TRUNCATED;
        http1->keep_alive = false;
        http1->running = true;
        call_serve(connection, http1);
        settle(connection, http1);
        return;
    }
    if (connection->unsent > 0 && (exchange == NULL || exchange->answered)) {
        connection->close_when_sent = true;
        return;
    }
    mr_http_connection_close(connection);
}

static void
http1_release(struct mr_http_connection *connection)
{
    struct http1 *http1 = connection->state;
    if (http1 == NULL) {
        return;
    }
    if (http1->exchange != NULL) {
        mr_http_exchange_abort(http1->exchange);
    }
    if (!http1->running) {
        end_exchange(http1);
        free(http1);
        connection->state = NULL;
    }
}

static void
http1_wind_down(struct mr_http_connection *connection)
{
    struct http1 *http1 = state_of(connection);
    http1->keep_alive = false;
    if (http1->phase == HEAD) {
        mr_http_connection_finish(connection);
    }
}

const struct mr_http_protocol mr_http1 = {
    http1_input, http1_drained, http1_eof, http1_release, http1_wind_down,
};
