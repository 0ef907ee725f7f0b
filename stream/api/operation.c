#include "stream/api/operation.h"

#include <errno.h>

#include "stream/api/actions.h"
#include "stream/api/constraint.h"

static const struct mr_operation operations[] = {
    { "CreateStream", mr_act_create_stream, false, 5 },
    { "DeleteStream", mr_act_delete_stream, false, 5 },
    { "DescribeStream", mr_act_describe_stream, false, 10 },
    { "DescribeStreamSummary", mr_act_describe_stream_summary, false, 20 },
    { "ListStreams", mr_act_list_streams, false, 5 },
    { "ListShards", mr_act_list_shards, false, 1000 },
    { "PutRecord", mr_act_put_record, false, 0 },
    { "PutRecords", mr_act_put_records, true, 0 },
    { "GetShardIterator", mr_act_get_shard_iterator, false, 0 },
    { "GetRecords", mr_act_get_records, false, 0 },
};

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
