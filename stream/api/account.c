/* account: DescribeLimits, DescribeAccountSettings, UpdateAccountSettings. */
#include "stream/api/actions.h"
#include "stream/api/auth.h"
#include "stream/api/kinesis.h"
#include "stream/api/quota.h"
#include "stream/api/target.h"
#include "stream/store.h"

enum { COMMITMENT_MIN_MS = 24 * 3600 * 1000 };

static size_t
on_demand_streams(const struct mr_kinesis *kinesis)
{
    struct mr_slice after = { NULL, 0 };
    struct mr_stream_facts *facts;
    size_t count = 0;
    while ((facts = mr_catalog_next(kinesis->catalog, after)) != NULL) {
        count += facts->on_demand;
        after = mr_slice_str(facts->name);
    }
    return count;
}

void
mr_act_describe_limits(struct mr_call *call)
{
    struct mr_output *output = &call->output;
    struct mr_store_stats stats;
    if (!mr_auth_allows(call, MR_SLICE("*"))) {
        return;
    }
    mr_target_settle(call->kinesis);
    mr_store_stats(call->kinesis->options.store, &stats);
    mr_output_begin(output);
    mr_output_put_integer(output, "ShardLimit", (int64_t)mr_quota_shard_limit(call->kinesis));
    mr_output_put_integer(output, "OpenShardCount", (int64_t)stats.open_shards);
    mr_output_put_integer(output, "OnDemandStreamCount",
                          (int64_t)on_demand_streams(call->kinesis));
    mr_output_put_integer(output, "OnDemandStreamCountLimit", MR_QUOTA_ON_DEMAND_STREAMS);
    mr_output_end(output);
    mr_call_answer(call);
}

/* ---- the billing commitment ---- */

static void
put_commitment(struct mr_call *call, const struct mr_account *account)
{
    struct mr_output *output = &call->output;
    uint64_t earliest_ms = account->commitment_started_ms + COMMITMENT_MIN_MS;
    mr_output_begin(output);
    mr_output_key(output, "MinimumThroughputBillingCommitment");
    mr_output_begin(output);
    if (account->commitment && account->commitment_ended_ms > call->now_ms) {
        mr_output_put_str(output, "Status", "ENABLED_UNTIL_EARLIEST_ALLOWED_END");
    } else {
        mr_output_put_str(output, "Status", account->commitment ? "ENABLED" : "DISABLED");
    }
    if (account->commitment_started_ms != 0) {
        mr_output_put_timestamp(output, "StartedAt", account->commitment_started_ms);
    }
    if (account->commitment_ended_ms != 0 && account->commitment_ended_ms <= call->now_ms) {
        mr_output_put_timestamp(output, "EndedAt", account->commitment_ended_ms);
    }
    if (account->commitment) {
        mr_output_put_timestamp(output, "EarliestAllowedEndAt", earliest_ms);
    }
    mr_output_end(output);
    mr_output_end(output);
}

/* A commitment that was to end has ended. */
static void
settle(struct mr_account *account, uint64_t now_ms)
{
    if (account->commitment && account->commitment_ended_ms != 0 &&
        account->commitment_ended_ms <= now_ms) {
        account->commitment = false;
    }
}

void
mr_act_describe_account_settings(struct mr_call *call)
{
    struct mr_account *account = mr_catalog_account(call->kinesis->catalog);
    if (!mr_auth_allows(call, MR_SLICE("*"))) {
        return;
    }
    settle(account, call->now_ms);
    put_commitment(call, account);
    mr_call_answer(call);
}

void
mr_act_update_account_settings(struct mr_call *call)
{
    struct mr_account *account = mr_catalog_account(call->kinesis->catalog);
    const struct mr_value *wanted =
        mr_value_find(&call->input, "MinimumThroughputBillingCommitment");
    bool enable = mr_slice_is(mr_value_text(wanted, "Status"), "ENABLED");
    if (!mr_auth_allows(call, MR_SLICE("*"))) {
        return;
    }
    settle(account, call->now_ms);
    if (enable && !account->commitment) {
        account->commitment_started_ms = call->now_ms;
    }
    if (enable) {
        account->commitment = true;
        account->commitment_ended_ms = 0;
    } else if (account->commitment && account->commitment_ended_ms == 0) {
        uint64_t earliest_ms = account->commitment_started_ms + COMMITMENT_MIN_MS;
        account->commitment_ended_ms = earliest_ms > call->now_ms ? earliest_ms : call->now_ms;
        settle(account, call->now_ms);
    }
    put_commitment(call, account);
    mr_target_done(call);
}
