#include "stream/api/quota.h"

#include "stream/api/kinesis.h"
#include "stream/api/operation.h"
#include "stream/store.h"

uint64_t
mr_quota_shard_limit(const struct mr_kinesis *kinesis)
{
    return kinesis->options.shard_limit == 0 ? MR_QUOTA_SHARDS : kinesis->options.shard_limit;
}

bool
mr_quota_fits(struct mr_call *call, uint64_t more)
{
    struct mr_store_stats stats;
    mr_store_stats(call->kinesis->options.store, &stats);
    uint64_t limit = mr_quota_shard_limit(call->kinesis);
    if (stats.open_shards + more <= limit) {
        return true;
    }
    mr_call_fail(
        call, "LimitExceededException",
        "This request would exceed the shard limit for the account %s in %s. Current "
        "shard count for the account: %llu. Limit: %llu. Number of additional shards "
        "that would have resulted from this request: %llu. Refer to the AWS Service "
        "Limits page (http://docs.aws.amazon.com/general/latest/gr/"
        "aws_service_limits.html) for current limits and how to request higher limits.",
        call->kinesis->options.account, call->kinesis->options.region,
        (unsigned long long)stats.open_shards, (unsigned long long)limit,
        (unsigned long long)more);
    return false;
}

/* One bucket an operation: a second's worth of calls, filled evenly. */
bool
mr_quota_call(struct mr_call *call)
{
    struct mr_kinesis *kinesis = call->kinesis;
    uint64_t rate = call->operation->calls_per_second, now_us = call->now_ms * 1000;
    if (!kinesis->options.limits || rate == 0) {
        return false;
    }
    uint64_t *full_us = &kinesis->call_full_us[mr_operation_number(call->operation)];
    uint64_t from_us = *full_us > now_us ? *full_us : now_us;
    if (from_us + 1000000 / rate > now_us + 1000000) {
        mr_call_fail(call, "LimitExceededException", "Rate exceeded for account %s.",
                     kinesis->options.account);
        return true;
    }
    *full_us = from_us + 1000000 / rate;
    return false;
}
