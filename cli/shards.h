/*
 * shards: what ListShards says of a stream, for verbs that speak of its parts.
 */
#ifndef MR_CLI_SHARDS_H
#define MR_CLI_SHARDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/remote.h"

struct mr_shard_view {
    const char *id;                             /* "shardId-000000000000" */
    const char *parent, *adjacent_parent;       /* NULL: none */
    const char *first_hash, *last_hash;         /* decimal */
    const char *first_sequence, *last_sequence; /* the last is NULL while it is open */
};

struct mr_shard_list {
    struct mr_shard_view *shards; /* in AWS's order, parents before children */
    size_t count;
};

/* All of them; in `arena`. */
int mr_shards_list(struct mr_remote *remote, const char *stream, struct mr_arena *arena,
                   struct mr_shard_list *out_list, struct mr_error *err) MR_MUST_USE;

/*
 * The one `word` means: its id, the end of it ("3" is shardId-000000000003). NULL with `err`
 * when there is none.
 */
const struct mr_shard_view *mr_shards_find(const struct mr_shard_list *list, const char *word,
                                           struct mr_error *err);

/* "shardId-000000000003" as people read it: "shard-3". Valid until the arena goes. */
const char *mr_shard_short(const char *id, struct mr_arena *arena);

/* -1, 0, 1 for decimal numbers of any size without leading zeros. */
int mr_sequence_text_order(const char *a, const char *b);

#endif
