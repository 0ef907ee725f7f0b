/*
 * http2: HTTP/2 on a connection, by nghttp2, which moves no bytes itself: input is handed to
 * it, and what it has to say is fetched from it by pump().
 */
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/limits.h"
#include "net/http_inside.h"

enum {
    STREAM_WINDOW = 1024 * 1024,          /* a peer may send that much of a body ahead */
    CONNECTION_WINDOW = 16 * 1024 * 1024, /* and that much of all bodies */
    ENOUGH_UNSENT = 256 * 1024,           /* then nghttp2 is asked for no more frames */
    SEND_SIZE = 64 * 1024,
    MAX_DISCARD = 64 * 1024 * 1024, /* of a body nobody wants, before its stream is reset */
    RESET_BURST = 1000,             /* streams a peer may reset at once, and */
    RESETS_PER_S = 33,              /* steadily; beyond, the connection ends */
    FIRST_HEADERS = 16,
};

struct http2 {
    nghttp2_session *session;
    struct mr_list streams;
    struct mr_buf out;
    unsigned depth; /* calls into nghttp2 or handlers up the stack */
    bool winding_down;
};

struct stream {
    struct mr_list node;
    int32_t id;
    struct mr_http_exchange *exchange;
    struct mr_http_header *headers; /* in the exchange's arena */
    size_t header_count, header_room;
    struct mr_http_header *trailers;
    size_t trailer_count, trailer_room;
    size_t head_bytes;
    bool head_done, head_too_large;
    bool discarding;   /* nobody wants the rest of the body */
    size_t got;        /* of the body */
    size_t unconsumed; /* bytes the peer gets no new window for while the body is paused */
    struct mr_buf out; /* of the answer's body */
    size_t sent;
    bool ended; /* nothing follows `out` */
    bool drain_due;
};

static const struct mr_http_answering answering;
static void pump(struct mr_http_connection *connection);

static struct mr_slice
copy_of(struct stream *stream, const uint8_t *data, size_t size)
{
    return mr_arena_copy(&stream->exchange->arena, mr_slice_of(data, size));
}

/* ---- streams ---- */

static struct stream *
open_stream(struct mr_http_connection *connection, int32_t id)
{
    struct http2 *http2 = connection->state;
    struct stream *stream = mr_alloc_zero(1, sizeof(*stream));
    stream->id = id;
    stream->exchange = mr_http_exchange_new(connection, &answering);
    stream->exchange->state = stream;
    stream->exchange->request.version = 20;
    mr_list_push_back(&http2->streams, &stream->node);
    mr_http_connection_timeout(connection, 0);
    return stream;
}

static void
free_stream(struct stream *stream)
{
    mr_list_remove(&stream->node);
    mr_http_exchange_free(stream->exchange);
    mr_buf_deinit(&stream->out);
    free(stream);
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
    struct mr_http_connection *connection = context;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)code;
    if (stream != NULL) {
        nghttp2_session_set_stream_user_data(session, id, NULL);
        mr_http_exchange_abort(stream->exchange);
        free_stream(stream);
    }
    return connection->closed ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* ---- heads ---- */

static void
add_header(struct stream *stream, struct mr_http_header **list, size_t *count, size_t *room,
           struct mr_http_header header)
{
    if (*count == *room) {
        size_t more = *room == 0 ? FIRST_HEADERS : *room * 2;
        struct mr_http_header *longer =
            mr_arena_alloc(&stream->exchange->arena, more * sizeof(longer[0]));
        if (*count > 0) {
            memcpy(longer, *list, *count * sizeof(longer[0]));
        }
        *list = longer;
        *room = more;
    }
    (*list)[(*count)++] = header;
}

static void
take_pseudo_header(struct stream *stream, struct mr_slice name, struct mr_slice value)
{
    struct mr_http_request *request = &stream->exchange->request;
    if (mr_slice_is(name, ":method")) {
        request->method = value;
    } else if (mr_slice_is(name, ":path")) {
        struct mr_slice query = value;
        request->target = value;
        request->path = mr_slice_cut(&query, '?');
        request->query = query;
    } else if (mr_slice_is(name, ":authority")) {
        add_header(stream, &stream->headers, &stream->header_count, &stream->header_room,
                   (struct mr_http_header){ MR_SLICE("host"), value });
    }
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct mr_http_connection *connection = context;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        struct stream *stream = open_stream(connection, frame->hd.stream_id);
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    }
    return 0;
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
          size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
          void *context)
{
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)context;
    if (stream == NULL || stream->head_too_large) {
        return 0;
    }
    stream->head_bytes += name_size + value_size + 4;
    if (stream->head_bytes > MR_HTTP_MAX_HEAD_BYTES ||
        stream->header_count + stream->trailer_count >= MR_HTTP_MAX_HEADERS) {
        stream->head_too_large = true;
        return 0;
    }
    struct mr_http_header header = { copy_of(stream, name, name_size),
                                     copy_of(stream, value, value_size) };
    if (name_size > 0 && name[0] == ':') {
        take_pseudo_header(stream, header.name, header.value);
    } else if (stream->head_done) {
        add_header(stream, &stream->trailers, &stream->trailer_count, &stream->trailer_room,
                   header);
    } else {
        add_header(stream, &stream->headers, &stream->header_count, &stream->header_room,
                   header);
    }
    return 0;
}

static void
refuse(struct stream *stream, int status)
{
    struct mr_http_response response = { .status = status };
    stream->discarding = true;
    if (!stream->exchange->answered && !stream->exchange->begun) {
        mr_http_exchange_abort(
            stream->exchange); /* a handler that saw the head hears no more */
        mr_http_respond(stream->exchange, &response);
    }
}

static void
head_complete(struct mr_http_connection *connection, struct stream *stream)
{
    struct mr_http_server_options *options = &connection->server->options;
    struct mr_http_exchange *exchange = stream->exchange;
    stream->head_done = true;
    exchange->request.headers = stream->headers;
    exchange->request.header_count = stream->header_count;
    if (stream->head_too_large) {
        refuse(stream, 431);
        return;
    }
    if (exchange->request.path.size == 0) { /* CONNECT has none */
        refuse(stream, 501);
        return;
    }
    if (options->handler.head != NULL) {
        options->handler.head(exchange, &exchange->request, &exchange->plan, options->context);
    }
}

/* The peer has said all of its request. */
static void
request_complete(struct mr_http_connection *connection, struct stream *stream)
{
    struct mr_http_server_options *options = &connection->server->options;
    struct mr_http_exchange *exchange = stream->exchange;
    if (exchange->answered || exchange->begun || connection->closed) {
        return;
    }
    exchange->request.trailers = stream->trailers;
    exchange->request.trailer_count = stream->trailer_count;
    exchange->request.body = mr_buf_slice(&exchange->body);
    options->handler.serve(exchange, &exchange->request, options->context);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct mr_http_connection *connection = context;
    bool is_headers = frame->hd.type == NGHTTP2_HEADERS;
    if (!is_headers && frame->hd.type != NGHTTP2_DATA) {
        return 0;
    }
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (stream != NULL && is_headers && !stream->head_done) {
        head_complete(connection, stream);
    }
    if (stream != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        request_complete(connection, stream);
    }
    return connection->closed ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* ---- bodies ---- */

static void
take_piece(struct mr_http_connection *connection, struct stream *stream, struct mr_slice piece)
{
    struct mr_http_server_options *options = &connection->server->options;
    struct mr_http_exchange *exchange = stream->exchange;
    if (!stream->discarding && stream->got > exchange->plan.max_body) {
        exchange->fault = MR_HTTP_BODY_TOO_LARGE;
        stream->discarding = true;
        if (!exchange->plan.serve_faulty_body) {
            refuse(stream, 413);
        }
    }
    if (stream->discarding || exchange->answered) {
        return;
    }
    if (exchange->plan.stream && options->handler.chunk != NULL) {
        options->handler.chunk(exchange, piece, options->context);
    } else {
        mr_buf_append_slice(&exchange->body, piece);
    }
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
        void *context)
{
    struct mr_http_connection *connection = context;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    (void)flags;
    nghttp2_session_consume_connection(session, size);
    if (stream == NULL) {
        return 0;
    }
    stream->got += size;
    take_piece(connection, stream, mr_slice_of(data, size));
    if (connection->closed) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (stream->got > MAX_DISCARD && (stream->discarding || stream->exchange->answered)) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    } else if (stream->exchange->body_paused) {
        stream->unconsumed += size;
    } else {
        nghttp2_session_consume_stream(session, id, size);
    }
    return 0;
}

static ssize_t
read_answer(nghttp2_session *session, int32_t id, uint8_t *out, size_t room, uint32_t *flags,
            nghttp2_data_source *source, void *context)
{
    struct stream *stream = source->ptr;
    size_t left = stream->out.size - stream->sent;
    size_t size = left < room ? left : room;
    (void)session;
    (void)id;
    (void)context;
    if (size == 0 && !stream->ended) {
        return NGHTTP2_ERR_DEFERRED;
    }
    if (size > 0) {
        memcpy(out, stream->out.data + stream->sent, size);
        stream->sent += size;
    }
    if (stream->sent == stream->out.size) {
        stream->sent = 0;
        mr_buf_clear(&stream->out);
        if (stream->ended) {
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        } else {
            stream->drain_due = true;
        }
    }
    return (ssize_t)size;
}

/* ---- moving bytes ---- */

static void
leave(struct mr_http_connection *connection)
{
    struct http2 *http2 = connection->state;
    if (--http2->depth > 0 || !connection->closed) {
        return;
    }
    while (!mr_list_empty(&http2->streams)) {
        free_stream(MR_CONTAINER_OF(http2->streams.next, struct stream, node));
    }
    nghttp2_session_del(http2->session);
    mr_buf_deinit(&http2->out);
    free(http2);
    connection->state = NULL;
}

static void
send_frames(struct mr_http_connection *connection)
{
    struct http2 *http2 = connection->state;
    const uint8_t *frame;
    ssize_t size = 1;
    while (size > 0 && !connection->closed && connection->unsent < ENOUGH_UNSENT) {
        mr_buf_clear(&http2->out);
        while (http2->out.size < SEND_SIZE && !connection->closed &&
               (size = nghttp2_session_mem_send(http2->session, &frame)) > 0) {
            mr_buf_append(&http2->out, frame, (size_t)size);
        }
        if (http2->out.size > 0) {
            mr_http_connection_send(connection, mr_buf_slice(&http2->out),
                                    (struct mr_slice){ NULL, 0 }, NULL);
        }
    }
    if (size < 0) {
        mr_http_connection_finish(connection);
    }
}

/* A handler's callback may end any stream: so begin anew after each. */
static bool
call_one_drain(struct http2 *http2)
{
    MR_LIST_EACH(node, &http2->streams)
    {
        struct stream *stream = MR_CONTAINER_OF(node, struct stream, node);
        struct mr_http_exchange *exchange = stream->exchange;
        if (stream->drain_due && stream->out.size == 0) {
            stream->drain_due = false;
            if (exchange->drained != NULL && !exchange->answered) {
                exchange->drained(exchange, exchange->drained_context);
                return true;
            }
        }
    }
    return false;
}

static void
rest_or_end(struct mr_http_connection *connection, struct http2 *http2)
{
    uint64_t idle_ms = connection->server->options.idle_ms;
    bool over = nghttp2_session_want_read(http2->session) == 0 &&
                nghttp2_session_want_write(http2->session) == 0;
    if (over || (http2->winding_down && mr_list_empty(&http2->streams))) {
        mr_http_connection_finish(connection);
    } else if (mr_list_empty(&http2->streams) && idle_ms > 0) {
        mr_http_connection_timeout(connection, idle_ms);
    }
}

/* Sends what nghttp2 has to say; not from inside its callbacks. */
static void
pump(struct mr_http_connection *connection)
{
    struct http2 *http2 = connection->state;
    if (http2->depth > 0 || connection->closed) {
        return;
    }
    http2->depth++;
    do {
        send_frames(connection);
    } while (!connection->closed && call_one_drain(http2));
    if (!connection->closed) {
        rest_or_end(connection, http2);
    }
    leave(connection);
}

static void
http2_input(struct mr_http_connection *connection)
{
    struct http2 *http2 = connection->state;
    http2->depth++;
    ssize_t used =
        nghttp2_session_mem_recv(http2->session, connection->in.data, connection->in.size);
    if (!connection->closed) {
        mr_buf_clear(&connection->in);
        if (used < 0) {
            nghttp2_session_terminate_session(http2->session, NGHTTP2_PROTOCOL_ERROR);
            send_frames(connection);
            mr_http_connection_finish(connection);
        }
    }
    bool closed = connection->closed;
    leave(connection);
    if (!closed) {
        pump(connection);
    }
}

static void
http2_drained(struct mr_http_connection *connection)
{
    pump(connection);
}

static void
http2_eof(struct mr_http_connection *connection)
{
    mr_http_connection_close(connection);
}

static void
http2_release(struct mr_http_connection *connection)
{
    struct http2 *http2 = connection->state;
    http2->depth++;
    for (bool more = true; more;) {
        more = false;
        MR_LIST_EACH(node, &http2->streams)
        {
            struct mr_http_exchange *exchange =
                MR_CONTAINER_OF(node, struct stream, node)->exchange;
            if (exchange->aborted != NULL) {
                mr_http_exchange_abort(exchange);
                more = true;
                break;
            }
        }
    }
    leave(connection);
}

static void
http2_wind_down(struct mr_http_connection *connection)
{
    struct http2 *http2 = connection->state;
    if (http2->winding_down) {
        return;
    }
    http2->winding_down = true;
    nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(http2->session),
                          NGHTTP2_NO_ERROR, NULL, 0);
    pump(connection);
}

const struct mr_http_protocol mr_http2 = {
    http2_input, http2_drained, http2_eof, http2_release, http2_wind_down,
};

static nghttp2_session *
new_session(struct mr_http_connection *connection)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_session *session;
    mr_assert(nghttp2_session_callbacks_new(&callbacks) == 0 &&
              nghttp2_option_new(&option) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_stream_reset_rate_limit(option, RESET_BURST, RESETS_PER_S);
    mr_assert(nghttp2_session_server_new2(&session, callbacks, connection, option) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return session;
}

void
mr_http2_start(struct mr_http_connection *connection)
{
    static const nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MR_HTTP_MAX_STREAMS },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, MR_HTTP_MAX_HEAD_BYTES },
        { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0 },
    };
    struct http2 *http2 = mr_alloc_zero(1, sizeof(*http2));
    mr_list_init(&http2->streams);
    connection->state = http2;
    connection->protocol = &mr_http2;
    http2->session = new_session(connection);
    nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
                            sizeof(settings) / sizeof(settings[0]));
    nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0,
                                          CONNECTION_WINDOW);
    mr_http_connection_timeout(connection, 0);
    http2_input(connection);
}

/* ---- answers ---- */

static bool
has_no_body(const struct mr_http_exchange *exchange, int status)
{
    return status == 204 || status == 304 || mr_slice_is(exchange->request.method, "HEAD");
}

static nghttp2_nv
field(struct mr_slice name, struct mr_slice value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.data, (uint8_t *)(uintptr_t)value.data,
                         name.size, value.size, NGHTTP2_NV_FLAG_NONE };
}

/* Names are lower case in HTTP/2, and a line break in a value is none of ours: a blank. */
static nghttp2_nv
cleaned(struct mr_arena *arena, const struct mr_http_header *header)
{
    char *name = mr_arena_cstr(arena, header->name);
    char *value = mr_arena_cstr(arena, header->value);
    for (size_t i = 0; i < header->name.size; i++) {
        name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    }
    for (size_t i = 0; i < header->value.size; i++) {
        value[i] = value[i] == '\r' || value[i] == '\n' || value[i] == 0 ? ' ' : value[i];
    }
    return field(mr_slice_of(name, header->name.size), mr_slice_of(value, header->value.size));
}

/* What HTTP/1.1 says about its connection has no place here. */
static bool
is_of_connection(struct mr_slice name)
{
    static const char *const names[] = { "connection",        "keep-alive", "proxy-connection",
                                         "transfer-encoding", "upgrade",    "content-length" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (mr_slice_eq_nocase(name, mr_slice_str(names[i]))) {
            return true;
        }
    }
    return false;
}

/* `size` SIZE_MAX: as it comes. */
static void
submit_head(struct stream *stream, const struct mr_http_response *response, size_t size)
{
    struct mr_http_exchange *exchange = stream->exchange;
    struct mr_http_connection *connection = exchange->connection;
    struct http2 *http2 = connection->state;
    struct mr_arena *arena = &exchange->arena;
    struct mr_slice date = mr_http_server_date(connection->server);
    nghttp2_nv *fields =
        mr_arena_alloc(arena, (response->header_count + 4) * sizeof(fields[0]));
    nghttp2_data_provider provider = { .source.ptr = stream, .read_callback = read_answer };
    size_t count = 0;

    fields[count++] = field(MR_SLICE(":status"),
                            mr_slice_str(mr_arena_printf(arena, "%d", response->status)));
    fields[count++] = field(MR_SLICE("date"), mr_slice_of(date.data + 6, date.size - 8));
    if (response->content_type.data != NULL) {
        struct mr_http_header type = { MR_SLICE("content-type"), response->content_type };
        fields[count++] = cleaned(arena, &type);
    }
    if (size != SIZE_MAX && response->status != 204 && response->status != 304) {
        fields[count++] = field(MR_SLICE("content-length"),
                                mr_slice_str(mr_arena_printf(arena, "%zu", size)));
    }
    for (size_t i = 0; i < response->header_count; i++) {
        if (!is_of_connection(response->headers[i].name)) {
            fields[count++] = cleaned(arena, &response->headers[i]);
        }
    }
    bool silent = size == 0 || has_no_body(exchange, response->status);
    nghttp2_submit_response(http2->session, stream->id, fields, count,
                            silent ? NULL : &provider);
}

static void
http2_respond(struct mr_http_exchange *exchange, const struct mr_http_response *response)
{
    struct stream *stream = exchange->state;
    bool silent = has_no_body(exchange, response->status);
    size_t size = response->take != NULL ? response->take->size : response->body.size;
    exchange->answered = true;
    stream->ended = true;
    if (silent && response->take != NULL) {
        mr_buf_deinit(response->take);
    } else if (response->take != NULL) {
        stream->out = mr_buf_take(response->take);
    } else if (!silent) {
        mr_buf_append_slice(&stream->out, response->body);
    }
    submit_head(stream, response, size);
    pump(exchange->connection);
}

static void
http2_begin(struct mr_http_exchange *exchange, const struct mr_http_response *response)
{
    submit_head(exchange->state, response, SIZE_MAX);
    pump(exchange->connection);
}

static void
http2_write(struct mr_http_exchange *exchange, struct mr_slice part)
{
    struct stream *stream = exchange->state;
    struct http2 *http2 = exchange->connection->state;
    if (mr_slice_is(exchange->request.method, "HEAD")) {
        return;
    }
    if (stream->sent > stream->out.size / 2) {
        mr_buf_consume(&stream->out, stream->sent);
        stream->sent = 0;
    }
    mr_buf_append_slice(&stream->out, part);
    nghttp2_session_resume_data(http2->session, stream->id);
    pump(exchange->connection);
}

static void
http2_end(struct mr_http_exchange *exchange)
{
    struct stream *stream = exchange->state;
    struct http2 *http2 = exchange->connection->state;
    exchange->answered = true;
    stream->ended = true;
    nghttp2_session_resume_data(http2->session, stream->id);
    pump(exchange->connection);
}

static size_t
http2_unsent(const struct mr_http_exchange *exchange)
{
    const struct stream *stream = exchange->state;
    return stream->out.size - stream->sent;
}

static void
http2_cut(struct mr_http_exchange *exchange)
{
    struct stream *stream = exchange->state;
    struct http2 *http2 = exchange->connection->state;
    exchange->answered = true;
    nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream->id,
                              NGHTTP2_INTERNAL_ERROR);
    pump(exchange->connection);
}

static void
http2_pause_body(struct mr_http_exchange *exchange, bool paused)
{
    struct stream *stream = exchange->state;
    struct http2 *http2 = exchange->connection->state;
    if (!paused && stream->unconsumed > 0) {
        nghttp2_session_consume_stream(http2->session, stream->id, stream->unconsumed);
        stream->unconsumed = 0;
        pump(exchange->connection);
    }
}

static const struct mr_http_answering answering = {
    http2_respond, http2_begin, http2_write,      http2_end,
    http2_unsent,  http2_cut,   http2_pause_body,
};
