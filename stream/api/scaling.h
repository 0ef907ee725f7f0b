/*
 * scaling: on-demand streams grow with what is written to them.
 *
 * AWS keeps room for twice the highest traffic of 30 days. Here the traffic since the
 * last look counts, a stream at most doubles each time, and none shrinks: after its
 * peak it keeps the shards the peak gave it.
 */
#ifndef MR_STREAM_API_SCALING_H
#define MR_STREAM_API_SCALING_H

#include <stdint.h>

struct mr_kinesis;

enum {
    MR_SCALING_LOOK_MS = 15000,           /* how often to call mr_scaling_look */
    MR_SCALING_MAX_SHARDS = 200,          /* AWS's default: 200 MB/s in */
    MR_SCALING_SHARD_BYTES = 1024 * 1024, /* a shard takes so much a second */
    MR_SCALING_SHARD_RECORDS = 1000,
};

/* How many shards a stream of `open_shards` should have at that traffic a second. */
uint32_t mr_scaling_want(uint32_t open_shards, uint64_t bytes, uint64_t records);

/* Look at every on-demand stream, and let grow what has to. On the loop. */
void mr_scaling_look(struct mr_kinesis *kinesis);

#endif
