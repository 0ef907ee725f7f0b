/*
 * monitoring: EnableEnhancedMonitoring and DisableEnhancedMonitoring.
 *
 * Which shard-level metrics are on is kept and told; nothing is published from here.
 */
#include "stream/api/monitoring.h"

#include "stream/api/actions.h"
#include "stream/api/kinesis.h"
#include "stream/api/target.h"

enum { ALL = (1 << MR_METRIC_COUNT) - 1 };

static const char *const names[MR_METRIC_COUNT] = {
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
};

static unsigned
metric_of(struct mr_slice name)
{
    for (unsigned i = 0; i < MR_METRIC_COUNT; i++) {
        if (mr_slice_is(name, names[i])) {
            return 1u << i;
        }
    }
    return ALL; /* the shape admits no other word */
}

void
mr_monitoring_put(struct mr_output *output, unsigned metrics)
{
    mr_output_begin_list(output);
    for (unsigned i = 0; i < MR_METRIC_COUNT; i++) {
        if ((metrics >> i & 1) != 0) {
            mr_output_str(output, names[i]);
        }
    }
    mr_output_end_list(output);
}

static void
change(struct mr_call *call, bool enable)
{
    struct mr_stream_facts *facts = mr_target_active_stream(call);
    const struct mr_value *list = mr_value_find(&call->input, "ShardLevelMetrics");
    struct mr_output *output = &call->output;
    unsigned named = 0;
    if (facts == NULL) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        named |= metric_of(list->items[i].text);
    }
    unsigned before = facts->metrics;
    facts->metrics = enable ? before | named : before & ~named;
    mr_output_begin(output);
    mr_output_put_str(output, "StreamName", facts->name);
    mr_output_key(output, "CurrentShardLevelMetrics");
    mr_monitoring_put(output, before);
    mr_output_key(output, "DesiredShardLevelMetrics");
    mr_monitoring_put(output, facts->metrics);
    mr_output_put_text(output, "StreamARN", mr_target_arn(call, facts->name));
    mr_output_end(output);
    mr_target_done(call);
}

void
mr_act_enable_monitoring(struct mr_call *call)
{
    change(call, true);
}

void
mr_act_disable_monitoring(struct mr_call *call)
{
    change(call, false);
}
