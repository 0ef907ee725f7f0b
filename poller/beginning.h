/*
 * beginning: where each shard of a mapping begins to be read.
 *
 * Behind its checkpoint; without one at the mapping's starting position, or, when the mapping
 * had begun before the shard was seen, at the shard's beginning; and where a seek says so.
 * Seeks are remembered under incarnation 0 of the stream until a listing says which shards
 * there are.
 *
 * Private to the mapping.
 */
#ifndef MR_POLLER_BEGINNING_H
#define MR_POLLER_BEGINNING_H

#include "base/arena.h"
#include "poller/checkpoint.h"
#include "poller/mapping_inside.h"

/* What is remembered of a mapping's shards, by shard id. A zeroed struct has none. */
struct mr_beginnings {
    struct mr_arena arena;
    struct mr_checkpoint *rows;
    size_t count;
};

/*
 * Those of the stream's present incarnation; notes whether the mapping has begun before. False
 * when they cannot be read, which is told: beginning without them would skip or repeat.
 */
bool mr_beginnings_load(struct mr_mapping *mapping, struct mr_beginnings *beginnings);
/* For a shard that is new to us. */
void mr_beginnings_apply(struct mr_mapping *mapping, struct mr_shard_reader *reader,
                         const struct mr_beginnings *beginnings);

void mr_seeks_load(struct mr_mapping *mapping);
/* To the shards that are known now; then they are forgotten. */
void mr_seeks_apply(struct mr_mapping *mapping);
void mr_seeks_clear(struct mr_mapping *mapping);

#endif
