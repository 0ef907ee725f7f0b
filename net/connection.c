#include "net/http_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/limits.h"

enum {
    READ_SIZE = 64 * 1024,
    READS_PER_TURN = 16,     /* then others have their turn */
    KEEP_INPUT = 256 * 1024, /* a larger input buffer is given back when it is empty */
    LINGER_MS = 2000,
};

static void on_ready(int events, void *context);

static void
update_interest(struct mr_http_connection *connection)
{
    int interest = connection->unsent > 0 ? MR_WRITABLE : 0;
    if (!connection->input_paused && !connection->eof) {
        interest |= MR_READABLE;
    }
    if (connection->tls != NULL && mr_tls_stream_wants_write(connection->tls)) {
        interest |= MR_WRITABLE;
    }
    if (interest != connection->interest && connection->watch != NULL) {
        connection->interest = interest;
        mr_watch_set(connection->watch, interest);
    }
}

/* ---- opening ---- */

static void
name_peer(struct mr_http_connection *connection, const struct sockaddr_storage *address)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(connection->peer, sizeof(connection->peer), "%s:%u", host,
                 ntohs(in->sin_port));
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(connection->peer, sizeof(connection->peer), "[%s]:%u", host,
                 ntohs(in6->sin6_port));
    } else {
        snprintf(connection->peer, sizeof(connection->peer), "unix");
    }
}

static void
on_timeout(void *context)
{
    mr_http_connection_close(context);
}

void
mr_http_connection_open(struct mr_http_listener *listener, int fd)
{
    struct mr_http_server *server = listener->server;
    struct mr_http_connection *connection = mr_alloc_zero(1, sizeof(*connection));
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    int on = 1;

    connection->server = server;
    connection->number = ++server->next_connection;
    connection->fd = fd;
    connection->label = listener->label;
    connection->protocol = &mr_http1;
    if (getpeername(fd, (struct sockaddr *)&address, &size) == 0) {
        name_peer(connection, &address);
    }
    if (address.ss_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    if (listener->tls != NULL) {
        connection->tls = mr_tls_stream_new(listener->tls, fd);
    }
    mr_timer_init(&connection->timer, server->loop, MR_TIME_REAL, on_timeout, connection);
    mr_list_push_back(&server->connections, &connection->node);
    server->connection_count++;
    connection->watch = mr_watch_new(server->loop, fd, 0, on_ready, connection);
    update_interest(connection);
    if (server->options.idle_ms > 0) {
        mr_http_connection_timeout(connection, server->options.idle_ms);
    } else if (connection->tls != NULL) {
        mr_http_connection_timeout(connection, MR_HTTP_HEAD_TIMEOUT_MS); /* the handshake */
    }
}

void
mr_http_connection_timeout(struct mr_http_connection *connection, uint64_t ms)
{
    if (ms == 0) {
        mr_timer_stop(&connection->timer);
    } else {
        mr_timer_start(&connection->timer, ms);
    }
}

/* ---- closing ---- */

static void
drop_parts(struct mr_http_connection *connection)
{
    while (connection->parts != NULL) {
        struct part *part = connection->parts;
        connection->parts = part->next;
        mr_buf_deinit(&part->buf);
        free(part);
    }
    connection->last_part = NULL;
    connection->unsent = 0;
}

static void
free_connection(void *context)
{
    struct mr_http_connection *connection = context;
    struct mr_http_server *server = connection->server;
    mr_buf_deinit(&connection->in);
    free(connection);
    mr_http_server_connection_gone(server);
}

/* The struct outlives the call: who is up the stack may still look at `closed`. */
void
mr_http_connection_close(struct mr_http_connection *connection)
{
    if (connection->closed) {
        return;
    }
    connection->closed = true;
    mr_timer_stop(&connection->timer);
    connection->protocol->release(connection);
    mr_watch_free(connection->watch);
    connection->watch = NULL;
    mr_tls_stream_free(connection->tls);
    connection->tls = NULL;
    close(connection->fd);
    drop_parts(connection);
    mr_list_remove(&connection->node);
    mr_loop_defer(connection->server->loop, free_connection, connection);
}

/* ---- sending ---- */

static ssize_t
send_some(struct mr_http_connection *connection, struct iovec *iov, int count)
{
    if (connection->tls != NULL) {
        while (count > 1 && iov->iov_len == 0) {
            iov++;
            count--;
        }
        return mr_tls_stream_send(connection->tls, iov->iov_base, iov->iov_len);
    }
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = (size_t)count };
    ssize_t sent;
    do {
        sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

/* Sends `iov` as far as the socket takes it, moving it on. False: the connection is broken. */
static bool
send_now(struct mr_http_connection *connection, struct iovec *iov, int count)
{
    while (count > 0) {
        if (iov->iov_len == 0) {
            iov++;
            count--;
            continue;
        }
        ssize_t sent = send_some(connection, iov, count);
        if (sent < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK;
        }
        for (size_t left = (size_t)sent; left > 0;) {
            size_t step = left < iov->iov_len ? left : iov->iov_len;
            iov->iov_base = step == 0 ? iov->iov_base : (char *)iov->iov_base + step;
            iov->iov_len -= step;
            left -= step;
            if (iov->iov_len == 0 && left > 0) {
                iov++;
                count--;
            }
        }
    }
    return true;
}

static void
queue(struct mr_http_connection *connection, struct mr_buf buf, size_t sent)
{
    struct part *part = mr_alloc(sizeof(*part));
    *part = (struct part){ .buf = buf, .sent = sent };
    if (connection->last_part == NULL) {
        connection->parts = part;
    } else {
        connection->last_part->next = part;
    }
    connection->last_part = part;
    connection->unsent += buf.size - sent;
}

static void
queue_rest(struct mr_http_connection *connection, const struct iovec *rest)
{
    if (rest->iov_len > 0) {
        struct mr_buf copy = { 0 };
        mr_buf_append(&copy, rest->iov_base, rest->iov_len);
        queue(connection, copy, 0);
    }
}

/*
 * All is sent. Closing with unread input makes the kernel reset the connection, and the peer
 * may lose the answer: so when it still sends, say that this is the end and read on a while.
 */
static void
close_sent(struct mr_http_connection *connection)
{
    if (connection->closed || connection->lingering) {
        return;
    }
    if (!connection->linger || connection->eof) {
        mr_http_connection_close(connection);
        return;
    }
    connection->lingering = true;
    shutdown(connection->fd, SHUT_WR);
    mr_http_connection_pause(connection, false);
    mr_http_connection_timeout(connection, LINGER_MS);
    update_interest(connection);
}

static void
close_later(void *context)
{
    struct mr_http_connection *connection = context;
    if (connection->unsent == 0) {
        close_sent(connection);
    }
}

/*
 * Deferred calls run in order, and a connection is freed by one that was deferred when it
 * closed: so what is deferred on an open connection still finds it.
 */
void
mr_http_connection_finish(struct mr_http_connection *connection)
{
    connection->close_when_sent = true;
    if (!connection->closed && connection->unsent == 0) {
        mr_loop_defer(connection->server->loop, close_later, connection);
    }
}

void
mr_http_connection_send(struct mr_http_connection *connection, struct mr_slice head,
                        struct mr_slice body, struct mr_buf *take)
{
    struct mr_buf taken = take == NULL ? (struct mr_buf){ 0 } : mr_buf_take(take);
    struct iovec iov[3] = { { (void *)(uintptr_t)head.data, head.size },
                            { (void *)(uintptr_t)body.data, body.size },
                            { taken.data, taken.size } };
    if (connection->closed) {
        mr_buf_deinit(&taken);
        return;
    }
    if (connection->unsent == 0 && !send_now(connection, iov, 3)) {
        mr_buf_deinit(&taken);
        connection->linger = false;
        mr_http_connection_finish(connection);
        return;
    }
    queue_rest(connection, &iov[0]);
    queue_rest(connection, &iov[1]);
    if (iov[2].iov_len > 0) {
        queue(connection, taken, taken.size - iov[2].iov_len);
    } else {
        mr_buf_deinit(&taken);
    }
    update_interest(connection);
}

/* False: the connection is broken. */
static bool
flush(struct mr_http_connection *connection)
{
    while (connection->parts != NULL) {
        struct part *part = connection->parts;
        struct iovec iov = { part->buf.data + part->sent, part->buf.size - part->sent };
        size_t before = iov.iov_len;
        bool ok = send_now(connection, &iov, 1);
        part->sent += before - iov.iov_len;
        connection->unsent -= before - iov.iov_len;
        if (!ok) {
            return false;
        }
        if (iov.iov_len > 0) {
            return true;
        }
        connection->parts = part->next;
        if (connection->parts == NULL) {
            connection->last_part = NULL;
        }
        mr_buf_deinit(&part->buf);
        free(part);
    }
    return true;
}

/* ---- receiving ---- */

/* 1: there may be more; 0: not now; -1: nothing will come any more. */
static int
receive(struct mr_http_connection *connection)
{
    uint8_t *room = mr_buf_reserve(&connection->in, READ_SIZE);
    size_t size = connection->in.capacity - connection->in.size;
    ssize_t got;
    do {
        got = connection->tls != NULL ? mr_tls_stream_recv(connection->tls, room, size)
                                      : recv(connection->fd, room, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        connection->in.size += (size_t)got;
        return (size_t)got == size || connection->tls != NULL ? 1 : 0;
    }
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
}

static void
shrink_input(struct mr_http_connection *connection)
{
    if (connection->in.size == 0 && connection->in.capacity > KEEP_INPUT) {
        mr_buf_deinit(&connection->in);
    }
}

static void
read_turn(struct mr_http_connection *connection)
{
    for (int i = 0; i < READS_PER_TURN && !connection->closed && !connection->input_paused;
         i++) {
        int more = receive(connection);
        if (connection->lingering) {
            mr_buf_clear(&connection->in);
        } else if (connection->in.size > 0) {
            connection->protocol->input(connection);
        }
        if (connection->closed || more == 0) {
            break;
        }
        if (more < 0) {
            connection->eof = true;
            if (connection->lingering) {
                mr_http_connection_close(connection);
            } else {
                connection->protocol->eof(connection);
            }
            break;
        }
    }
    if (!connection->closed) {
        shrink_input(connection);
    }
}

static void
on_ready(int events, void *context)
{
    struct mr_http_connection *connection = context;
    if ((events & MR_WRITABLE) != 0 && connection->unsent > 0) {
        if (!flush(connection)) {
            mr_http_connection_close(connection);
            return;
        }
        if (connection->unsent == 0) {
            connection->protocol->drained(connection);
        }
    }
    bool tls_turn = connection->tls != NULL && mr_tls_stream_wants_write(connection->tls);
    if (!connection->closed && !connection->eof && ((events & MR_READABLE) != 0 || tls_turn)) {
        read_turn(connection);
    }
    if (!connection->closed && connection->unsent == 0 && connection->close_when_sent) {
        close_sent(connection);
    }
    if (!connection->closed) {
        update_interest(connection);
    }
}

static void
resume(void *context)
{
    struct mr_http_connection *connection = context;
    if (!connection->closed && !connection->input_paused && !connection->eof &&
        connection->tls != NULL) {
        on_ready(MR_READABLE, connection); /* OpenSSL may hold bytes the socket does not show */
    }
}

void
mr_http_connection_pause(struct mr_http_connection *connection, bool paused)
{
    if (connection->input_paused == paused || connection->closed) {
        return;
    }
    connection->input_paused = paused;
    update_interest(connection);
    if (!paused) {
        mr_loop_defer(connection->server->loop, resume, connection);
    }
}
