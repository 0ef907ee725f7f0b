/* shards: a shard as the API shows it, and ListShards. */
#ifndef MR_STREAM_API_SHARDS_H
#define MR_STREAM_API_SHARDS_H

#include "stream/api/call.h"
#include "stream/store.h"

/* One element of Shards: ids, ranges, sequence numbers. */
void mr_shard_put(struct mr_output *output, const struct mr_shard_info *shard);
void mr_shard_put_range(struct mr_output *output, const struct mr_shard_info *shard);

/* All shards of a stream, expired ones included, in the call's arena. */
struct mr_shard_info *mr_shards_of(struct mr_call *call, const char *stream_name,
                                   size_t *out_count);

/* ProvisionedThroughputExceededException, in AWS's words. */
void mr_shard_throttle(struct mr_call *call, struct mr_slice stream_name, uint32_t shard);

/*
 * The shard that `text` names; NULL when the call was answered: ResourceNotFoundException in
 * AWS's words for an id that cannot be one, and for one that is not there.
 */
const struct mr_shard_info *mr_shard_find(struct mr_call *call, const char *stream_name,
                                          struct mr_slice text);

#endif
