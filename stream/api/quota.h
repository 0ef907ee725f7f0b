/*
 * quota: what an account may have and how often it may ask.
 *
 * The number of shards is always bounded. Calls a second of the control plane are
 * counted only with AWS's limits asked for.
 */
#ifndef MR_STREAM_API_QUOTA_H
#define MR_STREAM_API_QUOTA_H

#include "stream/api/call.h"
#include "stream/api/catalog.h"

enum {
    MR_QUOTA_SHARDS = 20000,           /* AWS's largest default quota of an account's shards */
    MR_QUOTA_ON_DEMAND_STREAMS = 50,   /* AWS's default quota, told by DescribeLimits */
    MR_QUOTA_CONSUMERS = 20,           /* of a stream */
    MR_QUOTA_CONSUMERS_COMMITTED = 50, /* with the minimum throughput commitment */
    MR_QUOTA_CONSUMERS_CREATING = 5,   /* of a stream, at once */
    MR_QUOTA_COUNT_CHANGES = 10,       /* UpdateShardCount of a stream in a rolling day */
    MR_QUOTA_MODE_CHANGES = 2,         /* UpdateStreamMode of a stream in a rolling day */
};

/* Shards the account may have. */
uint64_t mr_quota_shard_limit(const struct mr_kinesis *kinesis);

/* May the account have `more` shards than now? Answers with LimitExceededException if not. */
bool mr_quota_fits(struct mr_call *call, uint64_t more);

/* Is it too early for another call of this operation? Answers if so. Free without limits. */
bool mr_quota_call(struct mr_call *call);

#endif
