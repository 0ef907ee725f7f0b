/*
 * notify: what happens to a refused system call.
 *
 * The kernel stops the caller and asks; the answer is an errno, and once for
 * each call and run a line that says what to write to allow it. After
 * MR_ENVIRONMENT_MAX_DENIALS the listener is closed: from then on the kernel
 * answers ENOSYS by itself and a flood costs us nothing.
 */
#ifndef MR_SANDBOX_NOTIFY_H
#define MR_SANDBOX_NOTIFY_H

#include <stdbool.h>

#include "sandbox/environment.h"

/*
 * Answers one waiting call. True when `out_denied` should be sent to the client.
 * Closes run.notify when nobody can ask any more, or too often.
 */
bool mr_notify_answer(struct mr_environment *environment, struct mr_sandbox_denied *out_denied);

#endif
