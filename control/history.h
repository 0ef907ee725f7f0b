/*
 * history: what was handed to functions lately and what they answered, to look at and to
 * replay.
 *
 * A ring of files, bounded in bytes: the oldest goes first. Of failed invocations as many are
 * recorded as fit into 32 MiB a second, of successful ones into 8, so that recording never sets
 * the pace. A record is written when its log has ended; docs/formats/local-api.md has its
 * members. A history that cannot be written says so once and goes on without.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_HISTORY_H
#define MR_CONTROL_HISTORY_H

#include <jansson.h>

#include "base/error.h"
#include "net/loop.h"
#include "poller/mapping.h"
#include "runtime/runtime.h"

struct history;

/* Takes up what is in the directory. `max_bytes` 0: 256 MiB. NULL when it cannot be used. */
struct history *history_open(struct mr_loop *loop, const char *directory, uint64_t max_bytes,
                             struct mr_error *err);
/* Writes what has ended. NULL is fine. */
void history_close(struct history *history);

/* An invocation begins; the payload is copied. */
void history_begin(struct history *history, struct mr_slice request_id,
                   struct mr_slice function_arn, struct mr_slice payload);
/* It carries a batch; may come before its begin. */
void history_batch(struct history *history, const struct mr_mapping_event *start);
void history_log(struct history *history, const struct mr_runtime_log *log);
void history_end(struct history *history, struct mr_slice request_id,
                 const struct mr_invocation_result *result);

/* The newest `most` first, without event, response and log. The caller's. */
json_t *history_list(const struct history *history, size_t most, bool failed_only);
/*
 * One with all of it, by its number, its request id or its batch (the newest). NULL: there is
 * none. The caller's.
 */
json_t *history_get(struct history *history, const char *id);

#endif
