#include "sandbox/outbox.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"

struct mr_outbox_letter {
    struct mr_outbox_letter *next;
    size_t size;
    size_t fd_count;
    int fds[MR_SANDBOX_MAX_FDS];
    union mr_sandbox_reply_any reply;
};

static int
post(int socket, const void *reply, size_t size, const int *fds, size_t fd_count)
{
    ssize_t sent = mr_message_send(socket, reply, size, fds, fd_count, MSG_DONTWAIT);

    if (sent >= 0) {
        mr_message_close_fds(fds, fd_count);
    }
    return sent < 0 ? (int)sent : 0;
}

int
mr_outbox_send(struct mr_outbox *outbox, int socket, const void *reply, const int *fds,
               size_t fd_count)
{
    uint32_t kind;

    memcpy(&kind, reply, sizeof(kind));
    size_t size = mr_sandbox_reply_size(kind);
    int rc = mr_outbox_waits(outbox) ? -EAGAIN : post(socket, reply, size, fds, fd_count);
    if (rc != -EAGAIN) {
        if (rc < 0) {
            mr_message_close_fds(fds, fd_count);
        }
        return rc;
    }
    if (outbox->count == MR_OUTBOX_MAX) {
        mr_message_close_fds(fds, fd_count);
        return -ENOBUFS;
    }
    struct mr_outbox_letter *letter = mr_alloc_zero(1, sizeof(*letter));
    letter->size = size;
    letter->fd_count = fd_count;
    memcpy(letter->fds, fds, fd_count * sizeof(int));
    memcpy(&letter->reply, reply, size);
    if (outbox->last != NULL) {
        outbox->last->next = letter;
    } else {
        outbox->first = letter;
    }
    outbox->last = letter;
    outbox->count++;
    return 0;
}

static void
drop_first(struct mr_outbox *outbox)
{
    struct mr_outbox_letter *letter = outbox->first;

    outbox->first = letter->next;
    outbox->last = outbox->first == NULL ? NULL : outbox->last;
    outbox->count--;
    free(letter);
}

int
mr_outbox_flush(struct mr_outbox *outbox, int socket)
{
    while (outbox->first != NULL) {
        struct mr_outbox_letter *letter = outbox->first;
        int rc = post(socket, &letter->reply, letter->size, letter->fds, letter->fd_count);
        if (rc == -EAGAIN) {
            return 0;
        }
        if (rc < 0) {
            return rc;
        }
        drop_first(outbox);
    }
    return 0;
}

void
mr_outbox_deinit(struct mr_outbox *outbox)
{
    while (outbox->first != NULL) {
        mr_message_close_fds(outbox->first->fds, outbox->first->fd_count);
        drop_first(outbox);
    }
}
