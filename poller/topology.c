#include "poller/topology.h"

#include <stdlib.h>

#include <uthash.h>

#include "base/alloc.h"
#include "poller/shard_reader.h"

/* By id; the key is the shard's own. */
struct mr_topology_index {
    struct mr_shard_reader *shard;
    UT_hash_handle hh;
};

struct mr_shard_reader *
mr_topology_find(const struct mr_topology *topology, struct mr_slice shard_id)
{
    struct mr_topology_index *found = NULL;
    HASH_FIND(hh, topology->index, shard_id.data, shard_id.size, found);
    return found == NULL ? NULL : found->shard;
}

void
mr_topology_add(struct mr_topology *topology, struct mr_shard_reader *shard)
{
    struct mr_topology_index *entry = mr_alloc_zero(1, sizeof(*entry));
    entry->shard = shard;
    HASH_ADD_KEYPTR(hh, topology->index, shard->id.data, shard->id.size, entry);
    if (topology->count == topology->capacity) {
        topology->capacity = topology->capacity == 0 ? 4 : topology->capacity * 2;
        topology->shards =
            mr_realloc(topology->shards, topology->capacity * sizeof(topology->shards[0]));
    }
    topology->shards[topology->count++] = shard;
}

static void
remove_shard(struct mr_topology *topology, struct mr_shard_reader *shard)
{
    struct mr_topology_index *found = NULL;
    HASH_FIND(hh, topology->index, shard->id.data, shard->id.size, found);
    HASH_DEL(topology->index, found);
    free(found);
    mr_shard_reader_free(shard);
}

void
mr_topology_drop(struct mr_topology *topology,
                 bool (*drop)(const struct mr_shard_reader *shard))
{
    size_t kept = 0;
    for (size_t i = 0; i < topology->count; i++) {
        struct mr_shard_reader *shard = topology->shards[i];
        if (drop(shard)) {
            remove_shard(topology, shard);
        } else {
            topology->shards[kept++] = shard;
        }
    }
    topology->count = kept;
}

void
mr_topology_clear(struct mr_topology *topology)
{
    for (size_t i = 0; i < topology->count; i++) {
        remove_shard(topology, topology->shards[i]);
    }
    free(topology->shards);
    *topology = (struct mr_topology){ 0 };
}

bool
mr_topology_is_ready(const struct mr_topology *topology, const struct mr_shard_reader *shard)
{
    for (size_t i = 0; i < MR_SHARD_PARENTS; i++) {
        const struct mr_shard_reader *parent =
            shard->parents[i].size == 0 ? NULL : mr_topology_find(topology, shard->parents[i]);
        if (parent != NULL && parent->state != MR_SHARD_FINISHED) {
            return false;
        }
    }
    return true;
}
