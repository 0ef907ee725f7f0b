/*
 * listen: the sockets a server accepts on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "net/http_inside.h"

enum { BACKLOG = 1024 };

void
mr_net_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) {
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
}

/* Size of the address, or 0 when `host` is none. */
static socklen_t
address_of(const char *host, uint16_t port, struct sockaddr_storage *out_address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)out_address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out_address;
    memset(out_address, 0, sizeof(*out_address));
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        return sizeof(*in);
    }
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        return sizeof(*in6);
    }
    return 0;
}

int
mr_net_listen_tcp(const char *host, uint16_t port, struct mr_error *err)
{
    struct sockaddr_storage address;
    socklen_t size = address_of(host, port, &address);
    int on = 1;
    if (size == 0) {
        return mr_fail(err, -EINVAL,
                       "listen address %s is not numeric: write 127.0.0.1, 0.0.0.0 or ::1",
                       host);
    }
    mr_auto_fd int fd =
        socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return mr_fail(err, -errno, "socket: %s", strerror(errno));
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, BACKLOG) < 0) {
        return mr_fail(err, -errno, "listen on %s port %u: %s", host, port, strerror(errno));
    }
    int listening = fd;
    fd = -1;
    return listening;
}

/* Does somebody listen there? */
static bool
is_alive(const struct sockaddr_un *address)
{
    mr_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
                       errno == EAGAIN);
}

static int
remove_stale(const struct sockaddr_un *address, struct mr_error *err)
{
    struct stat status;
    if (lstat(address->sun_path, &status) < 0) {
        return 0;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return mr_fail(err, -EEXIST, "%s is there already and is no socket", address->sun_path);
    }
    if (is_alive(address)) {
        return mr_fail(err, -EADDRINUSE, "another process listens on %s", address->sun_path);
    }
    return unlink(address->sun_path) < 0 ? mr_fail(err, -errno, "remove stale socket %s: %s",
                                                   address->sun_path, strerror(errno))
                                         : 0;
}

int
mr_net_listen_unix(const char *path, struct mr_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path)) {
        return mr_fail(err, -ENAMETOOLONG, "socket path %s is longer than %zu bytes", path,
                       sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (remove_stale(&address, err) < 0) {
        return err == NULL ? -EADDRINUSE : err->code;
    }
    mr_auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return mr_fail(err, -errno, "socket: %s", strerror(errno));
    }
    /* Nobody connects before listen(2), so the mode is set in time. */
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0600) < 0 ||
        listen(fd, BACKLOG) < 0) {
        return mr_fail(err, -errno, "listen on %s: %s", path, strerror(errno));
    }
    int listening = fd;
    fd = -1;
    return listening;
}

uint16_t
mr_net_port(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        return 0;
    }
    return address.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)&address)->sin_port)
           : address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                                           : 0;
}
