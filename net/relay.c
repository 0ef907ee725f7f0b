#include "net/relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"

enum { BUFFER_BYTES = 16 * 1024, NEAR = 0, FAR = 1 };

/* One end of a link, and what was read from it and is not written to the other yet. */
struct end {
    struct link *link;
    int fd;
    struct mr_watch *watch;
    int watched;
    size_t from, to;
    bool ended;  /* nothing more comes from it */
    bool passed; /* and the other end knows */
    uint8_t bytes[BUFFER_BYTES];
};

struct link {
    struct mr_list node;
    struct mr_relay *relay;
    bool connecting;
    struct end ends[2];
};

struct mr_relay {
    struct mr_loop *loop;
    int listener;
    uint16_t port;
    struct mr_watch *watch;
    struct mr_list links;
    size_t link_count;
};

static void
link_free(struct link *link)
{
    struct mr_relay *relay = link->relay;

    for (int i = 0; i < 2; i++) {
        mr_watch_free(link->ends[i].watch);
        close(link->ends[i].fd);
    }
    mr_list_remove(&link->node);
    free(link);
    if (relay->link_count-- == MR_RELAY_MAX_LINKS) {
        mr_watch_set(relay->watch, MR_READABLE);
    }
}

static bool
is_retry(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Reads when everything read before is gone. False: the link is broken. */
static bool
take_in(struct end *end)
{
    if (end->ended || end->from < end->to) {
        return true;
    }
    ssize_t got = recv(end->fd, end->bytes, sizeof(end->bytes), MSG_DONTWAIT);
    if (got < 0) {
        return is_retry();
    }
    end->from = 0;
    end->to = (size_t)got;
    end->ended = got == 0;
    return true;
}

static bool
pass_on(struct end *end, struct end *other)
{
    while (end->from < end->to) {
        ssize_t sent = send(other->fd, end->bytes + end->from, end->to - end->from,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            return is_retry();
        }
        end->from += (size_t)sent;
    }
    if (end->ended && !end->passed) {
        end->passed = true;
        (void)shutdown(other->fd, SHUT_WR);
    }
    return true;
}

/* The far side has answered our connect, or not. */
static bool
is_connected(struct link *link)
{
    int error = 0;
    socklen_t size = sizeof(error);

    if (getsockopt(link->ends[FAR].fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0) {
        return false;
    }
    link->connecting = false;
    return true;
}

static void
watch_ends(struct link *link)
{
    for (int i = 0; i < 2; i++) {
        struct end *end = &link->ends[i], *other = &link->ends[1 - i];
        int events = (!end->ended && end->from == end->to ? MR_READABLE : 0) |
                     (other->from < other->to ? MR_WRITABLE : 0);
        if (link->connecting) {
            events = i == FAR ? MR_WRITABLE : 0;
        }
        if (events != end->watched) {
            end->watched = events;
            mr_watch_set(end->watch, events);
        }
    }
}

static void
on_ready(int events, void *context)
{
    struct link *link = ((struct end *)context)->link;

    (void)events;
    bool fine = !link->connecting || is_connected(link);
    for (int i = 0; i < 2 && fine; i++) {
        fine = take_in(&link->ends[i]) && pass_on(&link->ends[i], &link->ends[1 - i]);
    }
    if (!fine || (link->ends[NEAR].passed && link->ends[FAR].passed)) {
        link_free(link);
        return;
    }
    watch_ends(link);
}

/* Connected, or about to be: the watch tells. */
static int
connect_to(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

static void
link_new(struct mr_relay *relay, int near_fd)
{
    int far_fd = connect_to(relay->port);

    if (far_fd < 0) {
        close(near_fd); /* as if nobody listened inside either */
        return;
    }
    struct link *link = mr_alloc_zero(1, sizeof(*link));
    link->relay = relay;
    link->connecting = true;
    link->ends[NEAR].fd = near_fd;
    link->ends[FAR].fd = far_fd;
    for (int i = 0; i < 2; i++) {
        struct end *end = &link->ends[i];
        end->link = link;
        end->watched = i == FAR ? MR_WRITABLE : 0;
        end->watch = mr_watch_new(relay->loop, end->fd, end->watched, on_ready, end);
    }
    mr_list_push_back(&relay->links, &link->node);
    if (++relay->link_count == MR_RELAY_MAX_LINKS) {
        mr_watch_set(relay->watch, 0);
    }
}

static void
on_connection(int events, void *context)
{
    struct mr_relay *relay = context;

    (void)events;
    for (int i = 0; i < 16 && relay->link_count < MR_RELAY_MAX_LINKS; i++) {
        int fd = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            return;
        }
        link_new(relay, fd);
    }
}

struct mr_relay *
mr_relay_new(struct mr_loop *loop, int listener_fd, uint16_t port)
{
    struct mr_relay *relay = mr_alloc_zero(1, sizeof(*relay));

    *relay = (struct mr_relay){ .loop = loop, .listener = listener_fd, .port = port };
    mr_list_init(&relay->links);
    relay->watch = mr_watch_new(loop, listener_fd, MR_READABLE, on_connection, relay);
    return relay;
}

void
mr_relay_free(struct mr_relay *relay)
{
    if (relay == NULL) {
        return;
    }
    MR_LIST_EACH(node, &relay->links)
    {
        link_free(MR_CONTAINER_OF(node, struct link, node));
    }
    mr_watch_free(relay->watch);
    close(relay->listener);
    free(relay);
}
