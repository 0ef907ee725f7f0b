#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    MAX_PARTS = 8,
    READ_ROOM = 64 * 1024,
    MAX_HEAD = 2 * 1024 * 1024, /* a platform that sends more than that is not one */
};

int
connection_init(struct connection *connection, const char *host_port)
{
    static char host[64];
    const char *colon = host_port == NULL ? NULL : strrchr(host_port, ':');
    if (colon == NULL || (size_t)(colon - host_port) >= sizeof(host)) {
        return -1;
    }
    memcpy(host, host_port, (size_t)(colon - host_port));
    host[colon - host_port] = '\0';
    *connection = (struct connection){
        .host = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
        .port = (unsigned)atoi(colon + 1),
        .host_header = host_port,
        .fd = -1,
    };
    return 0;
}

void
connection_close(struct connection *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    connection->fd = -1;
    connection->in.size = 0;
    connection->used = 0;
}

static int
dial(struct connection *connection)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)connection->port) };
    if (inet_pton(AF_INET, connection->host, &address.sin_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(fd);
        return -1;
    }
    connection->fd = fd;
    return 0;
}

static int
send_all(int fd, const struct mr_str *parts, size_t count)
{
    struct iovec iov[MAX_PARTS];
    for (size_t i = 0; i < count; i++) {
        iov[i].iov_base = (void *)(uintptr_t)parts[i].data;
        iov[i].iov_len = parts[i].size;
    }
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = count };
    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return -1;
        }
        while (message.msg_iovlen > 0 && (size_t)sent >= message.msg_iov->iov_len) {
            sent -= (ssize_t)message.msg_iov->iov_len;
            message.msg_iov++;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
            message.msg_iov->iov_len -= (size_t)sent;
        }
    }
    return 0;
}

int
connection_send(struct connection *connection, const struct mr_str *parts, size_t count)
{
    bool kept = connection->fd >= 0;
    if (kept && send_all(connection->fd, parts, count) == 0) {
        return 0;
    }
    if (kept && errno != EPIPE && errno != ECONNRESET) {
        return -1;
    }
    connection_close(connection);
    return dial(connection) < 0 ? -1 : send_all(connection->fd, parts, count);
}

static int
read_more(struct connection *connection, size_t room)
{
    bytes_reserve(&connection->in, room);
    ssize_t got;
    do {
        got = recv(connection->fd, connection->in.data + connection->in.size,
                   connection->in.capacity - connection->in.size, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        return -1;
    }
    connection->in.size += (size_t)got;
    return 0;
}

struct mr_str
reply_header(const struct reply *reply, const char *name)
{
    size_t name_size = strlen(name);
    const char *end = reply->head.data + reply->head.size;
    for (const char *at = reply->head.data; at < end;) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        const char *stop = eol == NULL ? end : eol;
        if ((size_t)(stop - at) > name_size && at[name_size] == ':' &&
            strncasecmp(at, name, name_size) == 0) {
            const char *value = at + name_size + 1;
            while (value < stop && (*value == ' ' || *value == '\t')) {
                value++;
            }
            while (stop > value && (stop[-1] == '\r' || stop[-1] == ' ')) {
                stop--;
            }
            return (struct mr_str){ value, (size_t)(stop - value) };
        }
        at = eol == NULL ? end : eol + 1;
    }
    return (struct mr_str){ NULL, 0 };
}

/* Where the head ends (behind the empty line), counted from `used`; reads until it is there. */
static ptrdiff_t
find_head(struct connection *connection)
{
    size_t seen = 0;
    for (;;) {
        char *begin = connection->in.data + connection->used;
        size_t size = connection->in.size - connection->used;
        if (size > seen) {
            size_t from = seen > 3 ? seen - 3 : 0;
            char *found = memmem(begin + from, size - from, "\r\n\r\n", 4);
            if (found != NULL) {
                return found + 4 - begin;
            }
            seen = size;
        }
        if (size > MAX_HEAD || read_more(connection, READ_ROOM) < 0) {
            return -1;
        }
    }
}

/* The chunks from `at` on, joined in place. Returns where the message ends, or -1. */
static ptrdiff_t
read_chunks(struct connection *connection, size_t at, struct bytes *joined)
{
    for (;;) {
        char *eol;
        while ((eol = memmem(connection->in.data + at, connection->in.size - at, "\r\n", 2)) ==
               NULL) {
            if (read_more(connection, READ_ROOM) < 0) {
                return -1;
            }
        }
        size_t size = strtoul(connection->in.data + at, NULL, 16);
        at = (size_t)(eol + 2 - connection->in.data);
        while (connection->in.size - at < size + 2) {
            if (size > SIZE_MAX / 4 || read_more(connection, size + 2) < 0) {
                return -1;
            }
        }
        if (size == 0) {
            return (ptrdiff_t)at + 2;
        }
        bytes_append(joined, connection->in.data + at, size);
        at += size + 2;
    }
}

static int
receive_chunked(struct connection *connection, size_t head_size, struct reply *reply)
{
    static _Thread_local struct bytes joined; /* valid until the next reply of this thread */
    joined.size = 0;
    ptrdiff_t end = read_chunks(connection, connection->used + head_size, &joined);
    if (end < 0) {
        return -1;
    }
    reply->body = (struct mr_str){ joined.data == NULL ? "" : joined.data, joined.size };
    connection->used = (size_t)end;
    return 0;
}

static int
receive_sized(struct connection *connection, size_t head_size, size_t size, struct reply *reply)
{
    size_t wanted = connection->used + head_size + size;
    while (connection->in.size < wanted) {
        if (read_more(connection, wanted - connection->in.size) < 0) {
            return -1;
        }
    }
    reply->body = (struct mr_str){ connection->in.data + connection->used + head_size, size };
    connection->used = wanted;
    return 0;
}

/* Bytes of a reply that was used up go; what came behind it (a pipelined one) stays. */
static void
drop_used(struct connection *connection)
{
    size_t left = connection->in.size - connection->used;
    if (connection->used > 0 && left > 0) {
        memmove(connection->in.data, connection->in.data + connection->used, left);
    }
    connection->in.size = left;
    connection->used = 0;
}

int
connection_receive(struct connection *connection, struct reply *out_reply)
{
    drop_used(connection);
    ptrdiff_t head_size = find_head(connection);
    if (head_size < 0) {
        return -1;
    }
    const char *line = connection->in.data;
    if (head_size < 16 || memcmp(line, "HTTP/1.", 7) != 0) {
        return -1;
    }
    struct reply reply = { .status = atoi(line + 9), .head = { line, (size_t)head_size } };
    struct mr_str length = reply_header(&reply, "Content-Length");
    bool chunked = reply_header(&reply, "Transfer-Encoding").size > 0;
    size_t body = length.size == 0 ? 0 : strtoul(length.data, NULL, 10);
    int result = chunked ? receive_chunked(connection, (size_t)head_size, &reply)
                         : receive_sized(connection, (size_t)head_size, body, &reply);
    /* Reading more may have moved the buffer: the head still begins it. */
    reply.head.data = connection->in.data;
    *out_reply = reply;
    return result;
}
