#include "stream/api/operation.h"

#include <errno.h>

#include "stream/api/actions.h"
#include "stream/api/constraint.h"

static const struct mr_operation operations[] = {
    { "AddTagsToStream", mr_act_add_tags_to_stream, false, 5 },
    { "CreateStream", mr_act_create_stream, false, 5 },
    { "DecreaseStreamRetentionPeriod", mr_act_decrease_retention, false, 5 },
    { "DeleteResourcePolicy", mr_act_delete_resource_policy, false, 5 },
    { "DeleteStream", mr_act_delete_stream, false, 5 },
    { "DeregisterStreamConsumer", mr_act_deregister_consumer, false, 5 },
    { "DescribeAccountSettings", mr_act_describe_account_settings, false, 5 },
    { "DescribeLimits", mr_act_describe_limits, false, 1 },
    { "DescribeStream", mr_act_describe_stream, false, 10 },
    { "DescribeStreamConsumer", mr_act_describe_consumer, false, 20 },
    { "DescribeStreamSummary", mr_act_describe_stream_summary, false, 20 },
    { "DisableEnhancedMonitoring", mr_act_disable_monitoring, false, 5 },
    { "EnableEnhancedMonitoring", mr_act_enable_monitoring, false, 5 },
    { "GetRecords", mr_act_get_records, false, 0 },
    { "GetResourcePolicy", mr_act_get_resource_policy, false, 5 },
    { "GetShardIterator", mr_act_get_shard_iterator, false, 0 },
    { "IncreaseStreamRetentionPeriod", mr_act_increase_retention, false, 5 },
    { "ListShards", mr_act_list_shards, false, 1000 },
    { "ListStreamConsumers", mr_act_list_consumers, false, 5 },
    { "ListStreams", mr_act_list_streams, false, 5 },
    { "ListTagsForResource", mr_act_list_tags_for_resource, false, 5 },
    { "ListTagsForStream", mr_act_list_tags_for_stream, false, 5 },
    { "MergeShards", mr_act_merge_shards, false, 5 },
    { "PutRecord", mr_act_put_record, false, 0 },
    { "PutRecords", mr_act_put_records, true, 0 },
    { "PutResourcePolicy", mr_act_put_resource_policy, false, 5 },
    { "RegisterStreamConsumer", mr_act_register_consumer, false, 5 },
    { "RemoveTagsFromStream", mr_act_remove_tags_from_stream, false, 5 },
    { "SplitShard", mr_act_split_shard, false, 5 },
    { "StartStreamEncryption", mr_act_start_encryption, false, 5 },
    { "StopStreamEncryption", mr_act_stop_encryption, false, 5 },
    { "SubscribeToShard", mr_act_subscribe_to_shard, false, 0 },
    { "TagResource", mr_act_tag_resource, false, 5 },
    { "UntagResource", mr_act_untag_resource, false, 5 },
    { "UpdateAccountSettings", mr_act_update_account_settings, false, 5 },
    { "UpdateMaxRecordSize", mr_act_update_max_record_size, false, 5 },
    { "UpdateShardCount", mr_act_update_shard_count, false, 10 },
    { "UpdateStreamMode", mr_act_update_stream_mode, false, 5 },
    { "UpdateStreamWarmThroughput", mr_act_update_warm_throughput, false, 5 },
};

size_t
mr_operation_number(const struct mr_operation *operation)
{
    return (size_t)(operation - operations);
}

const struct mr_operation *
mr_operation_find(struct mr_slice name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (mr_slice_is(name, operations[i].name)) {
            return &operations[i];
        }
    }
    return NULL;
}

bool
mr_operation_read_input(struct mr_call *call)
{
    struct mr_input input;
    struct mr_slice complaint;
    const struct mr_shape *shape = mr_shape_input(call->operation->name);

    /* Who reads the body alone has not been through this check. */
    if (call->operation->reads_body &&
        !mr_input_is_object(call->format, call->request->body, call->arena)) {
        mr_call_fail(call, "SerializationException", NULL);
        return false;
    }
    mr_input_init(&input, call->format, call->request->body, call->arena);
    int result = mr_value_read(&input, shape, &call->input, &complaint);
    if (result < 0) {
        mr_call_fail_text(call, "SerializationException",
                          result == -EINVAL ? complaint : (struct mr_slice){ NULL, 0 });
        return false;
    }
    if (mr_constraint_check(&call->input, call->arena, &complaint) > 0) {
        mr_call_fail_text(call, "ValidationException", complaint);
        return false;
    }
    return true;
}
