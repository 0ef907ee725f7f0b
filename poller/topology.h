/*
 * topology: the shards of a stream, their parents, and who may be read.
 *
 * A shard is read only when every parent is finished, that is: has ended and all its records
 * were processed. A parent that is not here (trimmed, no longer listed) counts as finished.
 * Order is that of the stream's listing.
 */
#ifndef MR_POLLER_TOPOLOGY_H
#define MR_POLLER_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct mr_shard_reader;
struct mr_topology_index;

/* A zeroed struct has no shards. */
struct mr_topology {
    struct mr_shard_reader **shards; /* owned */
    size_t count, capacity;
    struct mr_topology_index *index;
};

/* Frees the shards. */
void mr_topology_clear(struct mr_topology *topology);

struct mr_shard_reader *mr_topology_find(const struct mr_topology *topology,
                                         struct mr_slice shard_id);
/* Takes it over. */
void mr_topology_add(struct mr_topology *topology, struct mr_shard_reader *shard);
/* Frees those for which `drop` says so. */
void mr_topology_drop(struct mr_topology *topology,
                      bool (*drop)(const struct mr_shard_reader *shard));

/* Are all its parents finished? */
bool mr_topology_is_ready(const struct mr_topology *topology,
                          const struct mr_shard_reader *shard);

#endif
