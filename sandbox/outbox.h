/*
 * outbox: replies that the client has not taken off the socket yet.
 *
 * Bounded: a client that lets MR_OUTBOX_MAX of them gather is not ours any
 * more. A zeroed struct is an empty one.
 */
#ifndef MR_SANDBOX_OUTBOX_H
#define MR_SANDBOX_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/message.h"
#include "sandbox/protocol.h"

enum { MR_OUTBOX_MAX = 8 * MR_SANDBOX_MAX_RUNNING };

struct mr_outbox_letter;

struct mr_outbox {
    struct mr_outbox_letter *first, *last;
    size_t count;
};

/*
 * Sends now, or keeps a copy. The descriptors are taken and closed once sent.
 * Negative when the client is gone or the box is full.
 */
int mr_outbox_send(struct mr_outbox *outbox, int socket, const void *reply, const int *fds,
                   size_t fd_count);
/* Sends what it can. Negative when the client is gone. */
int mr_outbox_flush(struct mr_outbox *outbox, int socket);

static inline bool
mr_outbox_waits(const struct mr_outbox *outbox)
{
    return outbox->first != NULL;
}

void mr_outbox_deinit(struct mr_outbox *outbox);

#endif
