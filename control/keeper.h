/*
 * keeper: a small process that keeps a sandboxd running for us.
 *
 * It is forked before anything is read from the network and keeps the rights we give up. It
 * starts millrace-sandboxd, hands its socket over, waits for its end and starts another one;
 * nothing it is sent is ever read, so whoever takes over millraced can ask it for nothing. It
 * ends with us.
 */
#ifndef MR_CONTROL_KEEPER_H
#define MR_CONTROL_KEEPER_H

#include <sys/types.h>

#include "base/error.h"
#include "sandbox/client.h"

struct mr_keeper {
    int fd; /* sockets come here, by mr_keeper_take */
    pid_t pid;
};

/* Call before threads. `path` NULL: as in mr_sandboxd_spawn. */
int mr_keeper_start(struct mr_keeper *keeper, const char *path,
                    const struct mr_sandboxd_options *options,
                    struct mr_error *err) MR_MUST_USE;

/*
 * The next sandboxd's socket, the caller's from now on. Waits at most `timeout_ms`; -EAGAIN
 * when none came, -EPIPE when the keeper is gone.
 */
int mr_keeper_take(struct mr_keeper *keeper, int timeout_ms, struct mr_error *err);

/* Ends it, and with it the sandboxd it keeps. Fine when it was never started (fd -1). */
void mr_keeper_stop(struct mr_keeper *keeper);

#endif
