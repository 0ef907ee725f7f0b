#include "sandbox/message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

union control {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int) * MR_MESSAGE_MAX_FDS)];
};

void
mr_message_close_fds(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
}

ssize_t
mr_message_send(int socket, const void *data, size_t size, const int *fds, size_t fd_count,
                int flags)
{
    mr_assert(fd_count <= MR_MESSAGE_MAX_FDS);

    union control control = { 0 };
    struct iovec part = { (void *)(uintptr_t)data, size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static size_t
collect_fds(struct msghdr *message, int *fds)
{
    size_t count = 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h != NULL; h = CMSG_NXTHDR(message, h)) {
        if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
            size_t here = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds + count, CMSG_DATA(h), here * sizeof(int));
            count += here;
        }
    }
    return count;
}

ssize_t
mr_message_receive(int socket, void *data, size_t capacity, int *fds, size_t max_fds,
                   size_t *out_fd_count, int flags)
{
    union control control;
    int received[MR_MESSAGE_MAX_FDS];
    struct iovec part = { data, capacity };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };
    ssize_t got;
    do {
        got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return -errno;
    }
    size_t count = collect_fds(&message, received);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || count > max_fds) {
        mr_message_close_fds(received, count);
        return -EMSGSIZE;
    }
    if (count > 0) {
        memcpy(fds, received, count * sizeof(int));
    }
    *out_fd_count = count;
    return got;
}
