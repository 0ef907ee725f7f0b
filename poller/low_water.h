/*
 * low_water: how far a shard is finished when its lanes finish out of order.
 *
 * Records are counted as they are read, 0, 1, 2, ...; each is finished once, in any order. The
 * mark is the first that is not: everything before it may be forgotten, and a checkpoint may
 * stand there.
 */
#ifndef MR_POLLER_LOW_WATER_H
#define MR_POLLER_LOW_WATER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct has nothing added and nothing finished. */
struct mr_low_water {
    uint64_t *bits; /* a ring of finished flags, from the mark on */
    size_t words;   /* a power of two, or 0 */
    uint64_t mark;  /* the first that is not finished */
    uint64_t end;   /* behind the last that was added */
};

void mr_low_water_deinit(struct mr_low_water *water);
/* Returns the position of the record that was added. */
uint64_t mr_low_water_add(struct mr_low_water *water);
/* True when the mark moved. */
bool mr_low_water_finish(struct mr_low_water *water, uint64_t position);

#endif
