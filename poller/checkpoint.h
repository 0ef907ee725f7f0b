/*
 * checkpoint: where each shard of each mapping is, remembered.
 *
 * One SQLite file, checkpoints.db, in WAL mode; `sqlite3 checkpoints.db` is the debugger. What
 * is put is visible at once and written with others, after 100 ms or 1000 changes:
 * at-least-once delivery allows the loss of the last of it. A checkpoint belongs to one
 * incarnation of a stream (its creation time): one that was deleted and made again begins anew.
 *
 * Thread: the loop's.
 */
#ifndef MR_POLLER_CHECKPOINT_H
#define MR_POLLER_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/loop.h"

struct mr_checkpoints;

struct mr_checkpoint {
    struct mr_slice shard_id;
    struct mr_slice sequence_number; /* the last finished record; absent: none yet */
    bool finished;                   /* the shard has ended and all of it is finished */
};

/* Opens or makes the file. -EBADMSG when it is damaged, with what to do. */
MR_MUST_USE
struct mr_checkpoints *mr_checkpoints_open(const char *path, struct mr_loop *loop,
                                           struct mr_error *err);
/* Writes what is left. NULL is fine. */
void mr_checkpoints_close(struct mr_checkpoints *checkpoints);
MR_AUTO_DEFINE(struct mr_checkpoints, mr_checkpoints_close)

void mr_checkpoints_put(struct mr_checkpoints *checkpoints, struct mr_slice mapping,
                        uint64_t stream_created_ms, const struct mr_checkpoint *checkpoint);

/*
 * All shards of a mapping on that incarnation of its stream, in the arena. Returns how many, or
 * a negative code.
 */
int mr_checkpoints_list(struct mr_checkpoints *checkpoints, struct mr_slice mapping,
                        uint64_t stream_created_ms, struct mr_arena *arena,
                        struct mr_checkpoint **out_list, struct mr_error *err);

/* Was anything ever remembered for it, on any incarnation? */
bool mr_checkpoints_has(struct mr_checkpoints *checkpoints, struct mr_slice mapping);
/* Forget a mapping on one incarnation; on all. */
void mr_checkpoints_remove(struct mr_checkpoints *checkpoints, struct mr_slice mapping,
                           uint64_t stream_created_ms);
void mr_checkpoints_forget(struct mr_checkpoints *checkpoints, struct mr_slice mapping);

/* Write what was put until now. */
int mr_checkpoints_flush(struct mr_checkpoints *checkpoints, struct mr_error *err);

#endif
