/*
 * iterators: what a ShardIterator says when it is opened.
 *
 * A place in a shard of one incarnation of a stream, and when it was made. Sealed by token.h.
 */
#ifndef MR_STREAM_API_ITERATORS_H
#define MR_STREAM_API_ITERATORS_H

#include "stream/api/call.h"

struct mr_iterator {
    uint64_t made_ms;
    uint64_t stream_id; /* the store's: not the same after a delete and a create */
    uint64_t position;
    uint32_t shard; /* index */
    struct mr_slice stream_name;
};

/* Base64 text in the call's arena. */
struct mr_slice mr_iterator_seal(struct mr_call *call, const struct mr_iterator *iterator);

/* False: answered, with InvalidArgumentException or ExpiredIteratorException. */
bool mr_iterator_open(struct mr_call *call, struct mr_slice text,
                      struct mr_iterator *out_iterator);

#endif
