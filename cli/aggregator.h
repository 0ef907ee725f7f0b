/*
 * aggregator: records packed into KPL aggregates before they are put, one pack a shard.
 *
 * An aggregate lives in one shard, so records are packed by the shard their key belongs to, and
 * put under a hash key that leads there.
 */
#ifndef MR_CLI_AGGREGATOR_H
#define MR_CLI_AGGREGATOR_H

#include <stdint.h>

#include "aws/kpl_aggregate.h"
#include "aws/partition_hash.h"
#include "base/error.h"
#include "cli/putter.h"
#include "cli/shards.h"

struct mr_aggregator_pack {
    mr_partition_hash first, last;
    struct mr_slice hash_key; /* of the shard's beginning; in the list's arena */
    struct mr_kpl_aggregate aggregate;
};

struct mr_aggregator {
    struct mr_putter *putter; /* the caller's, outlives us */
    size_t max_bytes;         /* of an aggregate */
    struct mr_aggregator_pack *packs;
    size_t pack_count;
    uint64_t records, aggregates; /* taken; sealed */
};

/* The open shards of `list`, whose arena outlives us. -ENOENT when none is open. */
int mr_aggregator_init(struct mr_aggregator *aggregator, struct mr_putter *putter,
                       const struct mr_shard_list *list, struct mr_error *err) MR_MUST_USE;
void mr_aggregator_deinit(struct mr_aggregator *aggregator);

/* Copies. `hash_key` absent: by the key. Puts what is full. */
int mr_aggregator_add(struct mr_aggregator *aggregator, struct mr_slice key,
                      struct mr_slice hash_key, struct mr_slice data,
                      struct mr_error *err) MR_MUST_USE;
/* Gives what is packed to the putter, which may keep it a while. */
int mr_aggregator_flush(struct mr_aggregator *aggregator, struct mr_error *err) MR_MUST_USE;

#endif
