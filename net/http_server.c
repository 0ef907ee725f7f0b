#include "net/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/http_inside.h"

enum {
    ACCEPTS_PER_TURN = 64,
    ACCEPT_AGAIN_MS = 100, /* when the process is out of descriptors */
};

struct mr_slice
mr_http_server_date(struct mr_http_server *server)
{
    time_t now = (time_t)(mr_clock_wall_us(mr_loop_clock(server->loop)) / 1000000);
    if (server->date_size == 0 || (uint64_t)now != server->date_second) {
        struct tm utc;
        gmtime_r(&now, &utc);
        server->date_second = (uint64_t)now;
        server->date_size = strftime(server->date, sizeof(server->date),
                                     "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    }
    return mr_slice_of(server->date, server->date_size);
}

/* ---- life ---- */

static void
on_grace_over(void *context)
{
    struct mr_http_server *server = context;
    while (!mr_list_empty(&server->connections)) {
        mr_http_connection_close(
            MR_CONTAINER_OF(server->connections.next, struct mr_http_connection, node));
    }
}

struct mr_http_server *
mr_http_server_new(struct mr_loop *loop, const struct mr_http_server_options *options)
{
    struct mr_http_server *server = mr_alloc_zero(1, sizeof(*server));
    server->loop = loop;
    server->options = *options;
    if (server->options.max_connections == 0) {
        server->options.max_connections = MR_HTTP_MAX_CONNECTIONS;
    }
    mr_list_init(&server->listeners);
    mr_list_init(&server->connections);
    mr_timer_init(&server->grace, loop, MR_TIME_REAL, on_grace_over, server);
    return server;
}

void
mr_http_server_free(struct mr_http_server *server)
{
    if (server != NULL) {
        mr_assert(mr_list_empty(&server->listeners) && server->connection_count == 0);
        free(server);
    }
}

/* ---- listening ---- */

/* False: nobody waits, or the process has no descriptor left for him. */
static bool
accept_one(struct mr_http_listener *listener)
{
    struct mr_http_server *server = listener->server;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            mr_log(MR_LOG_WARN, "net", "cannot accept a connection: %m; raise `ulimit -n`");
            mr_watch_set(listener->watch, 0);
            mr_timer_start(&listener->again, ACCEPT_AGAIN_MS);
        }
        return errno == EINTR || errno == ECONNABORTED;
    }
    if (server->connection_count >= server->options.max_connections) {
        close(fd);
        return true;
    }
    mr_http_connection_open(listener, fd);
    return true;
}

static void
on_acceptable(int events, void *context)
{
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(context); i++) {
    }
}

static void
on_again(void *context)
{
    struct mr_http_listener *listener = context;
    mr_watch_set(listener->watch, MR_READABLE);
}

int
mr_http_server_listen_fd(struct mr_http_server *server, int fd, struct mr_tls *tls, void *label,
                         struct mr_error *err)
{
    int listening = 0;
    socklen_t size = sizeof(listening);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || !listening) {
        close(fd);
        return mr_fail(err, -EINVAL, "descriptor %d is not a listening socket", fd);
    }
    if (server->stopping) {
        close(fd);
        return mr_fail(err, -ESHUTDOWN, "the server is stopping");
    }
    mr_net_set_nonblocking(fd);
    struct mr_http_listener *listener = mr_alloc_zero(1, sizeof(*listener));
    listener->server = server;
    listener->fd = fd;
    listener->tls = tls;
    listener->label = label;
    mr_timer_init(&listener->again, server->loop, MR_TIME_REAL, on_again, listener);
    listener->watch = mr_watch_new(server->loop, fd, MR_READABLE, on_acceptable, listener);
    mr_list_push_back(&server->listeners, &listener->node);
    return 0;
}

static void
close_listener(struct mr_http_listener *listener)
{
    mr_timer_stop(&listener->again);
    mr_watch_free(listener->watch);
    close(listener->fd);
    mr_list_remove(&listener->node);
    free(listener);
}

/* Closing one runs handlers' abort callbacks, which may close others: so begin anew each time.
 */
static bool
close_one_of(struct mr_http_server *server, const void *label)
{
    MR_LIST_EACH(node, &server->connections)
    {
        struct mr_http_connection *connection =
            MR_CONTAINER_OF(node, struct mr_http_connection, node);
        if (connection->label == label) {
            mr_http_connection_close(connection);
            return true;
        }
    }
    return false;
}

void
mr_http_server_unlisten(struct mr_http_server *server, void *label, bool abort)
{
    MR_LIST_EACH(node, &server->listeners)
    {
        struct mr_http_listener *listener =
            MR_CONTAINER_OF(node, struct mr_http_listener, node);
        if (listener->label == label) {
            close_listener(listener);
        }
    }
    while (abort && close_one_of(server, label)) {
    }
    MR_LIST_EACH(node, &server->connections)
    {
        struct mr_http_connection *connection =
            MR_CONTAINER_OF(node, struct mr_http_connection, node);
        if (connection->label == label) {
            connection->protocol->wind_down(connection);
        }
    }
}

/* ---- stopping ---- */

static void
tell_stopped(void *context)
{
    struct mr_http_server *server = context;
    mr_loop_fn *stopped = server->stopped;
    server->stopped = NULL;
    mr_timer_stop(&server->grace);
    if (stopped != NULL) {
        stopped(server->stopped_context);
    }
}

void
mr_http_server_connection_gone(struct mr_http_server *server)
{
    server->connection_count--;
    if (server->stopping && server->connection_count == 0) {
        tell_stopped(server);
    }
}

void
mr_http_server_stop(struct mr_http_server *server, uint64_t grace_ms, mr_loop_fn *done,
                    void *context)
{
    mr_assert(!server->stopping);
    server->stopping = true;
    server->stopped = done;
    server->stopped_context = context;
    while (!mr_list_empty(&server->listeners)) {
        close_listener(MR_CONTAINER_OF(server->listeners.next, struct mr_http_listener, node));
    }
    if (server->connection_count == 0) {
        mr_loop_defer(server->loop, tell_stopped, server);
        return;
    }
    MR_LIST_EACH(node, &server->connections)
    {
        struct mr_http_connection *connection =
            MR_CONTAINER_OF(node, struct mr_http_connection, node);
        connection->protocol->wind_down(connection);
    }
    mr_timer_start(&server->grace, grace_ms);
}
