#include "sandbox/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"

enum { BACKLOG = 128 };

int
mr_loopback_up(void)
{
    mr_auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = { .ifr_name = "lo" };

    if (fd < 0) {
        return -errno;
    }
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) {
        return -errno;
    }
    /* Lambda's own address for its API. A convenience: without it nothing breaks. */
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(0xa9fe6401);
    strcpy(request.ifr_name, "lo:1");
    memcpy(&request.ifr_addr, &address, sizeof(address));
    if (ioctl(fd, SIOCSIFADDR, &request) < 0) {
        return 0;
    }
    /* It alone: the kernel's guess is a network of 65536, with the metadata service in it. */
    address.sin_addr.s_addr = htonl(INADDR_NONE);
    memcpy(&request.ifr_netmask, &address, sizeof(address));
    return ioctl(fd, SIOCSIFNETMASK, &request) < 0 ? -errno : 0;
}

int
mr_loopback_listen(uint16_t *port, int any)
{
    mr_auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(*port) };
    socklen_t size = sizeof(address);
    int on = 1;

    address.sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        return -errno;
    }
    *port = ntohs(address.sin_port);
    int taken = fd;
    fd = -1;
    return taken;
}
