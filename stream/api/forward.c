#include "stream/api/forward.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/alloc.h"

enum state { HEAD, BODY_SIZED, BODY_CHUNKED, BODY_UNTIL_CLOSE, DONE };

/* One request on its way. It is the exchange's user pointer and lives until the answer is
 * complete or the exchange is gone. */
struct forward {
    struct mr_http_exchange *exchange;
    struct mr_watch *watch;
    int fd;
    enum state state;
    bool head_request;    /* an answer to HEAD has no body */
    bool request_chunked; /* we do not know the body's size ahead */
    struct mr_buf out;    /* to the program behind */
    struct mr_buf in;     /* from it, not yet understood */
    uint64_t left;        /* of a sized body, or of the current chunk */
    bool chunk_open;      /* `left` counts a chunk's data */
    bool paused;
};

static void
release(struct forward *forward)
{
    mr_watch_free(forward->watch);
    if (forward->fd >= 0) {
        (void)close(forward->fd);
    }
    mr_buf_deinit(&forward->out);
    mr_buf_deinit(&forward->in);
    free(forward);
}

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    (void)exchange;
    release(context);
}

/* ---- refusals ---- */

static void
refuse(struct mr_http_exchange *exchange, const char *message)
{
    char *body = mr_arena_printf(mr_http_exchange_arena(exchange),
                                 "{\"__type\":\"ServiceUnavailable\",\"Type\":\"Service\","
                                 "\"message\":\"%s\",\"Message\":\"%s\"}",
                                 message, message);
    struct mr_http_header header = { MR_SLICE("x-amzn-ErrorType"),
                                     MR_SLICE("ServiceUnavailable") };
    struct mr_http_response response = {
        .status = 502,
        .content_type = MR_SLICE("application/json"),
        .headers = &header,
        .header_count = 1,
        .body = mr_slice_str(body),
    };
    mr_http_respond(exchange, &response);
}

/* The program behind broke off. Before its head: 502; in its body: the caller's answer is cut.
 */
static void
broken(struct forward *forward, const char *message)
{
    struct mr_http_exchange *exchange = forward->exchange;
    bool answered = forward->state != HEAD;

    mr_http_exchange_set_user(exchange, NULL);
    release(forward);
    mr_http_exchange_on_abort(exchange, NULL, NULL);
    if (answered) {
        mr_http_abort(exchange);
    } else {
        refuse(exchange, message);
    }
}

static void
finish(struct forward *forward)
{
    struct mr_http_exchange *exchange = forward->exchange;

    forward->state = DONE;
    mr_http_exchange_set_user(exchange, NULL);
    mr_http_exchange_on_abort(exchange, NULL, NULL);
    release(forward);
    mr_http_respond_end(exchange);
}

/* ---- the answer ---- */

static bool
is_hop_header(struct mr_slice name)
{
    static const char *const names[] = { "connection",     "keep-alive", "transfer-encoding",
                                         "content-length", "date",       "content-type" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (mr_slice_eq_nocase(name, mr_slice_str(names[i]))) {
            return true;
        }
    }
    return false;
}

/* Status line and headers, `head` without the blank line. False when they make no sense. */
static bool
begin_answer(struct forward *forward, struct mr_slice head)
{
    struct mr_http_header headers[64];
    struct mr_http_response response = { .headers = headers };
    uint64_t status = 0;
    struct mr_slice status_line = mr_slice_cut(&head, '\n');

    (void)mr_slice_cut(&status_line, ' ');
    if (!mr_slice_to_u64(mr_slice_first(status_line, 3), &status) || status < 200 ||
        status > 599) {
        return false;
    }
    response.status = (int)status;
    forward->state = BODY_UNTIL_CLOSE;
    while (head.data != NULL) {
        struct mr_slice value = mr_slice_cut(&head, '\n');
        struct mr_slice name = mr_slice_cut(&value, ':');
        if (value.size > 0 && value.data[value.size - 1] == '\r') {
            value.size--;
        }
        value = mr_slice_trim(value);
        if (mr_slice_eq_nocase(name, MR_SLICE("content-type"))) {
            response.content_type = value;
        } else if (mr_slice_eq_nocase(name, MR_SLICE("content-length"))) {
            if (!mr_slice_to_u64(value, &forward->left)) {
                return false;
            }
            forward->state = BODY_SIZED;
        } else if (mr_slice_eq_nocase(name, MR_SLICE("transfer-encoding"))) {
            forward->state = BODY_CHUNKED;
        } else if (name.size > 0 && !is_hop_header(name) && response.header_count < 64) {
            headers[response.header_count++] = (struct mr_http_header){ name, value };
        }
    }
    if (forward->head_request || status == 204 || status == 304) {
        forward->state = BODY_SIZED;
        forward->left = 0;
    }
    mr_http_respond_begin(forward->exchange, &response);
    return true;
}

/* Takes the head off the front of `in`: 1 when it did, 0 when more is needed, -1 when it is
 * bad. */
static int
take_head(struct forward *forward)
{
    struct mr_slice in = mr_buf_slice(&forward->in);
    const uint8_t *end = in.size == 0 ? NULL : memmem(in.data, in.size, "\r\n\r\n", 4);

    if (end == NULL) {
        return in.size > MR_FORWARD_MAX_HEAD_BYTES ? -1 : 0;
    }
    size_t size = (size_t)(end - in.data);
    if (!begin_answer(forward, mr_slice_first(in, size))) {
        return -1;
    }
    mr_buf_consume(&forward->in, size + 4);
    return 1;
}

/* Passes on what belongs to the body; true when `left` came to its end. */
static bool
pass_left(struct forward *forward)
{
    struct mr_slice part = mr_slice_first(mr_buf_slice(&forward->in), (size_t)forward->left);

    if (part.size > 0) {
        mr_http_respond_write(forward->exchange, part);
        forward->left -= part.size;
        mr_buf_consume(&forward->in, part.size);
    }
    return forward->left == 0;
}

/* One step through a chunked body: 1 moved on, 0 needs more, -1 bad, 2 the end. */
static int
step_chunked(struct forward *forward)
{
    if (forward->chunk_open) {
        if (!pass_left(forward) || forward->in.size < 2) {
            return 0;
        }
        mr_buf_consume(&forward->in, 2);
        forward->chunk_open = false;
    }
    struct mr_slice in = mr_buf_slice(&forward->in);
    const uint8_t *end = in.size == 0 ? NULL : memmem(in.data, in.size, "\r\n", 2);
    if (end == NULL) {
        return in.size > 1024 ? -1 : 0;
    }
    uint64_t size = 0;
    for (const uint8_t *c = in.data; c < end && *c != ';'; c++) {
        if (!isxdigit(*c) || size > MR_FORWARD_MAX_BODY_BYTES) {
            return -1;
        }
        size = size * 16 + (uint64_t)(isdigit(*c) ? *c - '0' : tolower(*c) - 'a' + 10);
    }
    mr_buf_consume(&forward->in, (size_t)(end - in.data) + 2);
    forward->left = size;
    forward->chunk_open = true;
    return size == 0 ? 2 : 1;
}

/* Understand what has come. False when the forward is gone. */
static bool
digest(struct forward *forward)
{
    if (forward->state == HEAD) {
        int head = take_head(forward);
        if (head < 0) {
            broken(forward, "millraced sent an answer that is not HTTP");
            return false;
        }
        if (head == 0) {
            return true;
        }
    }
    int step = 1;
    switch (forward->state) {
    case BODY_SIZED:
        step = pass_left(forward) ? 2 : 0;
        break;
    case BODY_CHUNKED:
        while (step == 1) {
            step = step_chunked(forward);
        }
        break;
    default:
        forward->left = forward->in.size;
        (void)pass_left(forward);
        break;
    }
    if (step == 2) {
        finish(forward);
        return false;
    }
    if (step < 0) {
        broken(forward, "");
        return false;
    }
    return true;
}

/* ---- the connection ---- */

static void
set_events(struct forward *forward)
{
    mr_watch_set(forward->watch, (forward->paused ? 0 : MR_READABLE) |
                                     (forward->out.size > 0 ? MR_WRITABLE : 0));
}

static void
on_drain(struct mr_http_exchange *exchange, void *context)
{
    struct forward *forward = context;

    (void)exchange;
    if (mr_http_exchange_user(exchange) == forward && forward->paused) {
        forward->paused = false;
        set_events(forward);
    }
}

/* False when the forward is gone. */
static bool
receive(struct forward *forward)
{
    uint8_t *room = mr_buf_reserve(&forward->in, 64 * 1024);
    ssize_t got = read(forward->fd, room, 64 * 1024);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (got <= 0) {
        if (forward->state == BODY_UNTIL_CLOSE && got == 0) {
            finish(forward);
        } else {
            broken(forward, "millraced closed the connection before it answered; see its log");
        }
        return false;
    }
    forward->in.size += (size_t)got;
    if (!digest(forward)) {
        return false;
    }
    if (mr_http_exchange_unsent(forward->exchange) > MR_FORWARD_MAX_UNSENT_BYTES) {
        forward->paused = true;
        mr_http_exchange_on_drain(forward->exchange, on_drain, forward);
    }
    return true;
}

static void
on_ready(int events, void *context)
{
    struct forward *forward = context;

    if ((events & MR_WRITABLE) && forward->out.size > 0) {
        ssize_t sent = send(forward->fd, forward->out.data, forward->out.size,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            mr_buf_consume(&forward->out, (size_t)sent);
        } else if (errno != EAGAIN && errno != EINTR) {
            /* It may have answered before it stopped reading: what it said counts. */
            mr_buf_clear(&forward->out);
        }
    }
    if ((events & MR_READABLE) && !receive(forward)) {
        return;
    }
    set_events(forward);
}

static int
connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* A Unix socket connects at once, or its queue is full. */
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void
write_head(struct forward *forward, const struct mr_http_request *request)
{
    struct mr_slice peer = mr_http_exchange_peer(forward->exchange);
    struct mr_slice length = mr_http_request_header(request, "content-length");
    bool chunked = mr_http_request_header(request, "transfer-encoding").data != NULL ||
                   (request->version == 20 && length.data == NULL);

    mr_buf_printf(&forward->out, "%.*s %.*s HTTP/1.1\r\n", MR_SLICE_ARGS(request->method),
                  MR_SLICE_ARGS(request->target));
    for (size_t i = 0; i < request->header_count; i++) {
        struct mr_slice name = request->headers[i].name;
        if (mr_slice_eq_nocase(name, MR_SLICE("connection")) ||
            mr_slice_eq_nocase(name, MR_SLICE("transfer-encoding")) ||
            mr_slice_eq_nocase(name, MR_SLICE("expect")) ||
            mr_slice_eq_nocase(name, MR_SLICE("x-forwarded-for"))) {
            continue;
        }
        mr_buf_printf(&forward->out, "%.*s: %.*s\r\n", MR_SLICE_ARGS(name),
                      MR_SLICE_ARGS(request->headers[i].value));
    }
    forward->request_chunked = chunked;
    mr_buf_printf(&forward->out, "%sX-Forwarded-For: %.*s\r\nConnection: close\r\n\r\n",
                  chunked ? "Transfer-Encoding: chunked\r\n" : "", MR_SLICE_ARGS(peer));
}

void
mr_forward_begin(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
                 const struct mr_http_request *request)
{
    int fd = connect_to(kinesis->options.forward_path);
    if (fd < 0) {
        refuse(exchange,
               "This endpoint serves Kinesis; millraced, which serves the other APIs, is "
               "not running behind it. Start both with: millrace up");
        return;
    }
    struct forward *forward = mr_alloc_zero(1, sizeof(*forward));
    forward->exchange = exchange;
    forward->fd = fd;
    forward->head_request = mr_slice_is(request->method, "HEAD");
    mr_http_exchange_set_user(exchange, forward);
    mr_http_exchange_on_abort(exchange, on_abort, forward);
    write_head(forward, request);
    forward->watch =
        mr_watch_new(kinesis->options.loop, fd, MR_READABLE | MR_WRITABLE, on_ready, forward);
}

void
mr_forward_chunk(struct mr_http_exchange *exchange, struct mr_slice chunk)
{
    struct forward *forward = mr_http_exchange_user(exchange);

    if (forward == NULL || chunk.size == 0) {
        return;
    }
    if (forward->request_chunked) {
        mr_buf_printf(&forward->out, "%zx\r\n", chunk.size);
    }
    mr_buf_append_slice(&forward->out, chunk);
    mr_buf_append_str(&forward->out, forward->request_chunked ? "\r\n" : "");
    set_events(forward);
}

void
mr_forward_end(struct mr_http_exchange *exchange)
{
    struct forward *forward = mr_http_exchange_user(exchange);

    if (forward != NULL && forward->request_chunked) {
        mr_buf_append_str(&forward->out, "0\r\n\r\n");
        set_events(forward);
    }
}
