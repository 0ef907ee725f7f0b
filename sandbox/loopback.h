/*
 * loopback: the network of a sandbox without network, and listeners in it.
 *
 * Thread: any; no allocation. Descriptors are close-on-exec and the caller's.
 */
#ifndef MR_SANDBOX_LOOPBACK_H
#define MR_SANDBOX_LOOPBACK_H

#include <stdint.h>

/* Sets `lo` up and gives it 169.254.100.1 besides 127.0.0.1. 0 or a negative errno. */
int mr_loopback_up(void);

/*
 * A listening, non-blocking socket on 127.0.0.1, or on every address of this
 * network namespace when `any`. `*port` 0: one that is free is chosen and
 * written back. Negative errno on failure.
 */
int mr_loopback_listen(uint16_t *port, int any);

#endif
