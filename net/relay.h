/*
 * relay: what connects to a listener of ours is connected to a port of the
 * host's loopback, byte for byte.
 *
 * How a sandbox without network reaches the endpoint it was given: the listener
 * was made inside its network namespace. Each direction has 16 KiB on the way
 * and no more; the end of one direction is passed on, an error ends both.
 *
 * Not thread-safe: a relay belongs to its loop.
 */
#ifndef MR_NET_RELAY_H
#define MR_NET_RELAY_H

#include <stdint.h>

#include "net/loop.h"

enum { MR_RELAY_MAX_LINKS = 256 }; /* more connections wait in the listener's backlog */

struct mr_relay;

/* `listener_fd`, non-blocking, is the relay's from now on. Never NULL. */
struct mr_relay *mr_relay_new(struct mr_loop *loop, int listener_fd, uint16_t port);
/* Closes the listener and every connection. NULL is fine. */
void mr_relay_free(struct mr_relay *relay);

#endif
