/*
 * message: one seqpacket message with descriptors, sent or received.
 *
 * Thread: any.
 */
#ifndef MR_SANDBOX_MESSAGE_H
#define MR_SANDBOX_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

enum { MR_MESSAGE_MAX_FDS = 16 };

/* The bytes sent, or a negative errno; `flags` as for sendmsg. The descriptors stay the
 * caller's. */
ssize_t mr_message_send(int socket, const void *data, size_t size, const int *fds,
                        size_t fd_count, int flags);

/*
 * The bytes received (0: the peer hung up), or a negative errno; -EMSGSIZE when
 * the message or its descriptors did not fit. Descriptors come close-on-exec
 * and are the caller's; none are left open on failure.
 */
ssize_t mr_message_receive(int socket, void *data, size_t capacity, int *fds, size_t max_fds,
                           size_t *out_fd_count, int flags);

void mr_message_close_fds(const int *fds, size_t count);

#endif
