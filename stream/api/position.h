/*
 * position: where in a shard a reader wants to begin, in AWS's words and with AWS's refusals.
 *
 * GetShardIterator and SubscribeToShard ask the same five questions.
 */
#ifndef MR_STREAM_API_POSITION_H
#define MR_STREAM_API_POSITION_H

#include "stream/api/call.h"
#include "stream/api/catalog.h"
#include "stream/store.h"

struct mr_position_wish {
    const char *operation;            /* for messages */
    struct mr_slice type;             /* "LATEST" */
    struct mr_slice sequence;         /* absent: none was given */
    const struct mr_value *timestamp; /* NULL: none was given */
};

/*
 * The position of a wish, now. A number that was never written, or is trimmed, is the place of
 * the first record that is not below it. False: answered.
 */
bool mr_position_find(struct mr_call *call, const struct mr_stream_facts *facts,
                      const struct mr_shard_info *shard, const struct mr_position_wish *wish,
                      uint64_t *out_position);

#endif
