/*
 * report: what this host gives a sandbox, and what would give more.
 *
 * What `millrace doctor` prints. It starts a daemon, reads its hello and lets
 * it go: the same probes a real start makes, with the same result.
 */
#ifndef MR_SANDBOX_REPORT_H
#define MR_SANDBOX_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "sandbox/protocol.h"

/* Waits for the daemon's hello, at most ten seconds. `daemon_path` as for mr_sandboxd_spawn. */
int mr_sandbox_probe(const char *daemon_path, struct mr_sandbox_hello *out_hello,
                     struct mr_error *err) MR_MUST_USE;

/* Appends lines for a person: the level, each mechanism, and what to do for the next level. */
void mr_sandbox_report_write(struct mr_buf *buf, const struct mr_sandbox_hello *hello);

/* Both: the report of this host appended to `buf`. */
int mr_sandbox_report(const char *daemon_path, struct mr_buf *buf,
                      struct mr_error *err) MR_MUST_USE;

/* What it would take to have `mechanism` (one MR_SANDBOX_HAS_*), for root or an ordinary user.
 */
const char *mr_sandbox_advice(uint32_t mechanism, bool root);

#endif
