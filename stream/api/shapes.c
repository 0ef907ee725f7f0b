/* Made by scripts/shapes-from-model.py from AWS's service model. Do not edit. */
#include "stream/api/shape.h"

static const struct mr_shape StreamName = { .kind = MR_SHAPE_STRING,
                                            .has_min = true,
                                            .min = 1,
                                            .has_max = true,
                                            .max = 128,
                                            .pattern = MR_PATTERN_NAME };
static const struct mr_shape TagKey = {
    .kind = MR_SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128
};
static const struct mr_shape TagValue = {
    .kind = MR_SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256
};
static const struct mr_shape TagMapOfACall = { .kind = MR_SHAPE_MAP,
                                               .has_min = true,
                                               .min = 1,
                                               .has_max = true,
                                               .max = 10,
                                               .key = &TagKey,
                                               .element = &TagValue };
static const struct mr_shape StreamARN = { .kind = MR_SHAPE_STRING,
                                           .has_min = true,
                                           .min = 1,
                                           .has_max = true,
                                           .max = 2048,
                                           .pattern = MR_PATTERN_STREAM_ARN };
static const struct mr_shape StreamId = { .kind = MR_SHAPE_STRING,
                                          .has_min = true,
                                          .min = 1,
                                          .has_max = true,
                                          .max = 24,
                                          .pattern = MR_PATTERN_STREAM_ID };
static const struct mr_shape_member AddTagsToStreamInput_members[] = {
    { "StreamName", &StreamName, false },
    { "Tags", &TagMapOfACall, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape AddTagsToStreamInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.AddTagsToStreamInput",
    .members = AddTagsToStreamInput_members,
    .member_count = 4
};
static const struct mr_shape PositiveIntegerObject = { .kind = MR_SHAPE_INTEGER,
                                                       .has_min = true,
                                                       .min = 1 };
static const char *const StreamMode_values[] = { "PROVISIONED", "ON_DEMAND", NULL };
static const struct mr_shape StreamMode = { .kind = MR_SHAPE_STRING,
                                            .values = StreamMode_values };
static const struct mr_shape_member StreamModeDetails_members[] = {
    { "StreamMode", &StreamMode, true },
};
static const struct mr_shape StreamModeDetails = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.StreamModeDetails",
    .members = StreamModeDetails_members,
    .member_count = 1
};
static const struct mr_shape TagMap = { .kind = MR_SHAPE_MAP,
                                        .has_min = true,
                                        .min = 1,
                                        .has_max = true,
                                        .max = 200,
                                        .key = &TagKey,
                                        .element = &TagValue };
static const struct mr_shape NaturalIntegerObject = { .kind = MR_SHAPE_INTEGER,
                                                      .has_min = true,
                                                      .min = 0 };
static const struct mr_shape MaxRecordSizeInKiB = {
    .kind = MR_SHAPE_INTEGER, .has_min = true, .min = 1024, .has_max = true, .max = 10240
};
static const struct mr_shape_member CreateStreamInput_members[] = {
    { "StreamName", &StreamName, true },
    { "ShardCount", &PositiveIntegerObject, false },
    { "StreamModeDetails", &StreamModeDetails, false },
    { "Tags", &TagMap, false },
    { "WarmThroughputMiBps", &NaturalIntegerObject, false },
    { "MaxRecordSizeInKiB", &MaxRecordSizeInKiB, false },
};
static const struct mr_shape CreateStreamInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.CreateStreamInput",
    .members = CreateStreamInput_members,
    .member_count = 6
};
static const struct mr_shape RetentionPeriodHours = { .kind = MR_SHAPE_INTEGER };
static const struct mr_shape_member DecreaseStreamRetentionPeriodInput_members[] = {
    { "StreamName", &StreamName, false },
    { "RetentionPeriodHours", &RetentionPeriodHours, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DecreaseStreamRetentionPeriodInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DecreaseStreamRetentionPeriodInput",
    .members = DecreaseStreamRetentionPeriodInput_members,
    .member_count = 4
};
static const struct mr_shape ResourceARN = { .kind = MR_SHAPE_STRING,
                                             .has_min = true,
                                             .min = 1,
                                             .has_max = true,
                                             .max = 2048,
                                             .pattern = MR_PATTERN_RESOURCE_ARN };
static const struct mr_shape_member DeleteResourcePolicyInput_members[] = {
    { "ResourceARN", &ResourceARN, true },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DeleteResourcePolicyInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DeleteResourcePolicyInput",
    .members = DeleteResourcePolicyInput_members,
    .member_count = 2
};
static const struct mr_shape BooleanObject = { .kind = MR_SHAPE_BOOLEAN };
static const struct mr_shape_member DeleteStreamInput_members[] = {
    { "StreamName", &StreamName, false },
    { "EnforceConsumerDeletion", &BooleanObject, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DeleteStreamInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DeleteStreamInput",
    .members = DeleteStreamInput_members,
    .member_count = 4
};
static const struct mr_shape ConsumerName = { .kind = MR_SHAPE_STRING,
                                              .has_min = true,
                                              .min = 1,
                                              .has_max = true,
                                              .max = 128,
                                              .pattern = MR_PATTERN_NAME };
static const struct mr_shape ConsumerARN = { .kind = MR_SHAPE_STRING,
                                             .has_min = true,
                                             .min = 1,
                                             .has_max = true,
                                             .max = 2048,
                                             .pattern = MR_PATTERN_CONSUMER_ARN };
static const struct mr_shape_member DeregisterStreamConsumerInput_members[] = {
    { "StreamARN", &StreamARN, false },
    { "ConsumerName", &ConsumerName, false },
    { "ConsumerARN", &ConsumerARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DeregisterStreamConsumerInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DeregisterStreamConsumerInput",
    .members = DeregisterStreamConsumerInput_members,
    .member_count = 4
};
static const struct mr_shape DescribeAccountSettingsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DescribeAccountSettingsInput"
};
static const struct mr_shape DescribeLimitsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DescribeLimitsInput"
};
static const struct mr_shape DescribeStreamInputLimit = {
    .kind = MR_SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000
};
static const struct mr_shape ShardId = { .kind = MR_SHAPE_STRING,
                                         .has_min = true,
                                         .min = 1,
                                         .has_max = true,
                                         .max = 128,
                                         .pattern = MR_PATTERN_NAME };
static const struct mr_shape_member DescribeStreamInput_members[] = {
    { "StreamName", &StreamName, false },
    { "Limit", &DescribeStreamInputLimit, false },
    { "ExclusiveStartShardId", &ShardId, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DescribeStreamInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DescribeStreamInput",
    .members = DescribeStreamInput_members,
    .member_count = 5
};
static const struct mr_shape_member DescribeStreamConsumerInput_members[] = {
    { "StreamARN", &StreamARN, false },
    { "ConsumerName", &ConsumerName, false },
    { "ConsumerARN", &ConsumerARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DescribeStreamConsumerInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DescribeStreamConsumerInput",
    .members = DescribeStreamConsumerInput_members,
    .member_count = 4
};
static const struct mr_shape_member DescribeStreamSummaryInput_members[] = {
    { "StreamName", &StreamName, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DescribeStreamSummaryInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DescribeStreamSummaryInput",
    .members = DescribeStreamSummaryInput_members,
    .member_count = 3
};
static const char *const MetricsName_values[] = { "IncomingBytes",
                                                  "IncomingRecords",
                                                  "OutgoingBytes",
                                                  "OutgoingRecords",
                                                  "WriteProvisionedThroughputExceeded",
                                                  "ReadProvisionedThroughputExceeded",
                                                  "IteratorAgeMilliseconds",
                                                  "ALL",
                                                  NULL };
static const struct mr_shape MetricsName = { .kind = MR_SHAPE_STRING,
                                             .values = MetricsName_values };
static const struct mr_shape MetricsNameList = { .kind = MR_SHAPE_LIST,
                                                 .has_min = true,
                                                 .min = 1,
                                                 .has_max = true,
                                                 .max = 7,
                                                 .element = &MetricsName };
static const struct mr_shape_member DisableEnhancedMonitoringInput_members[] = {
    { "StreamName", &StreamName, false },
    { "ShardLevelMetrics", &MetricsNameList, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape DisableEnhancedMonitoringInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.DisableEnhancedMonitoringInput",
    .members = DisableEnhancedMonitoringInput_members,
    .member_count = 4
};
static const struct mr_shape_member EnableEnhancedMonitoringInput_members[] = {
    { "StreamName", &StreamName, false },
    { "ShardLevelMetrics", &MetricsNameList, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape EnableEnhancedMonitoringInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.EnableEnhancedMonitoringInput",
    .members = EnableEnhancedMonitoringInput_members,
    .member_count = 4
};
static const struct mr_shape ShardIterator = {
    .kind = MR_SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 512
};
static const struct mr_shape GetRecordsInputLimit = {
    .kind = MR_SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000
};
static const struct mr_shape_member GetRecordsInput_members[] = {
    { "ShardIterator", &ShardIterator, true },
    { "Limit", &GetRecordsInputLimit, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape GetRecordsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.GetRecordsInput",
    .members = GetRecordsInput_members,
    .member_count = 4
};
static const struct mr_shape_member GetResourcePolicyInput_members[] = {
    { "ResourceARN", &ResourceARN, true },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape GetResourcePolicyInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.GetResourcePolicyInput",
    .members = GetResourcePolicyInput_members,
    .member_count = 2
};
static const char *const ShardIteratorType_values[] = {
    "AFTER_SEQUENCE_NUMBER", "LATEST",       "AT_TIMESTAMP",
    "AT_SEQUENCE_NUMBER",    "TRIM_HORIZON", NULL
};
static const struct mr_shape ShardIteratorType = { .kind = MR_SHAPE_STRING,
                                                   .values = ShardIteratorType_values };
static const struct mr_shape SequenceNumber = { .kind = MR_SHAPE_STRING,
                                                .pattern = MR_PATTERN_SEQUENCE_NUMBER };
static const struct mr_shape Timestamp = { .kind = MR_SHAPE_TIMESTAMP };
static const struct mr_shape_member GetShardIteratorInput_members[] = {
    { "StreamName", &StreamName, false },
    { "ShardId", &ShardId, true },
    { "ShardIteratorType", &ShardIteratorType, true },
    { "StartingSequenceNumber", &SequenceNumber, false },
    { "Timestamp", &Timestamp, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape GetShardIteratorInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.GetShardIteratorInput",
    .members = GetShardIteratorInput_members,
    .member_count = 7
};
static const struct mr_shape_member IncreaseStreamRetentionPeriodInput_members[] = {
    { "StreamName", &StreamName, false },
    { "RetentionPeriodHours", &RetentionPeriodHours, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape IncreaseStreamRetentionPeriodInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.IncreaseStreamRetentionPeriodInput",
    .members = IncreaseStreamRetentionPeriodInput_members,
    .member_count = 4
};
static const struct mr_shape NextToken = {
    .kind = MR_SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1048576
};
static const struct mr_shape ListShardsInputLimit = {
    .kind = MR_SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000
};
static const char *const ShardFilterType_values[] = { "AFTER_SHARD_ID",
                                                      "AT_TRIM_HORIZON",
                                                      "FROM_TRIM_HORIZON",
                                                      "AT_LATEST",
                                                      "AT_TIMESTAMP",
                                                      "FROM_TIMESTAMP",
                                                      NULL };
static const struct mr_shape ShardFilterType = { .kind = MR_SHAPE_STRING,
                                                 .values = ShardFilterType_values };
static const struct mr_shape_member ShardFilter_members[] = {
    { "Type", &ShardFilterType, true },
    { "ShardId", &ShardId, false },
    { "Timestamp", &Timestamp, false },
};
static const struct mr_shape ShardFilter = { .kind = MR_SHAPE_STRUCTURE,
                                             .java_name =
                                                 "com.amazonaws.kinesis.v20131202.ShardFilter",
                                             .members = ShardFilter_members,
                                             .member_count = 3 };
static const struct mr_shape_member ListShardsInput_members[] = {
    { "StreamName", &StreamName, false },
    { "NextToken", &NextToken, false },
    { "ExclusiveStartShardId", &ShardId, false },
    { "MaxResults", &ListShardsInputLimit, false },
    { "StreamCreationTimestamp", &Timestamp, false },
    { "ShardFilter", &ShardFilter, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape ListShardsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.ListShardsInput",
    .members = ListShardsInput_members,
    .member_count = 8
};
static const struct mr_shape ListStreamConsumersInputLimit = {
    .kind = MR_SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000
};
static const struct mr_shape_member ListStreamConsumersInput_members[] = {
    { "StreamARN", &StreamARN, true },
    { "NextToken", &NextToken, false },
    { "MaxResults", &ListStreamConsumersInputLimit, false },
    { "StreamCreationTimestamp", &Timestamp, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape ListStreamConsumersInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.ListStreamConsumersInput",
    .members = ListStreamConsumersInput_members,
    .member_count = 5
};
static const struct mr_shape ListStreamsInputLimit = {
    .kind = MR_SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000
};
static const struct mr_shape_member ListStreamsInput_members[] = {
    { "Limit", &ListStreamsInputLimit, false },
    { "ExclusiveStartStreamName", &StreamName, false },
    { "NextToken", &NextToken, false },
};
static const struct mr_shape ListStreamsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.ListStreamsInput",
    .members = ListStreamsInput_members,
    .member_count = 3
};
static const struct mr_shape_member ListTagsForResourceInput_members[] = {
    { "ResourceARN", &ResourceARN, true },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape ListTagsForResourceInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.ListTagsForResourceInput",
    .members = ListTagsForResourceInput_members,
    .member_count = 2
};
static const struct mr_shape ListTagsForStreamInputLimit = {
    .kind = MR_SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 50
};
static const struct mr_shape_member ListTagsForStreamInput_members[] = {
    { "StreamName", &StreamName, false },
    { "ExclusiveStartTagKey", &TagKey, false },
    { "Limit", &ListTagsForStreamInputLimit, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape ListTagsForStreamInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.ListTagsForStreamInput",
    .members = ListTagsForStreamInput_members,
    .member_count = 5
};
static const struct mr_shape_member MergeShardsInput_members[] = {
    { "StreamName", &StreamName, false },       { "ShardToMerge", &ShardId, true },
    { "AdjacentShardToMerge", &ShardId, true }, { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape MergeShardsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.MergeShardsInput",
    .members = MergeShardsInput_members,
    .member_count = 5
};
static const struct mr_shape Data = {
    .kind = MR_SHAPE_BLOB, .has_min = true, .min = 0, .has_max = true, .max = 10485760
};
static const struct mr_shape PartitionKey = {
    .kind = MR_SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 256
};
static const struct mr_shape HashKey = { .kind = MR_SHAPE_STRING,
                                         .pattern = MR_PATTERN_HASH_KEY };
static const struct mr_shape_member PutRecordInput_members[] = {
    { "StreamName", &StreamName, false },
    { "Data", &Data, true },
    { "PartitionKey", &PartitionKey, true },
    { "ExplicitHashKey", &HashKey, false },
    { "SequenceNumberForOrdering", &SequenceNumber, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape PutRecordInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.PutRecordInput",
    .members = PutRecordInput_members,
    .member_count = 7
};
static const struct mr_shape_member PutRecordsRequestEntry_members[] = {
    { "Data", &Data, true },
    { "ExplicitHashKey", &HashKey, false },
    { "PartitionKey", &PartitionKey, true },
};
static const struct mr_shape PutRecordsRequestEntry = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry",
    .members = PutRecordsRequestEntry_members,
    .member_count = 3
};
static const struct mr_shape PutRecordsRequestEntryList = { .kind = MR_SHAPE_LIST,
                                                            .has_min = true,
                                                            .min = 1,
                                                            .has_max = true,
                                                            .max = 500,
                                                            .element =
                                                                &PutRecordsRequestEntry };
static const struct mr_shape_member PutRecordsInput_members[] = {
    { "Records", &PutRecordsRequestEntryList, true },
    { "StreamName", &StreamName, false },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape PutRecordsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.PutRecordsInput",
    .members = PutRecordsInput_members,
    .member_count = 4
};
static const struct mr_shape Policy = { .kind = MR_SHAPE_STRING };
static const struct mr_shape_member PutResourcePolicyInput_members[] = {
    { "ResourceARN", &ResourceARN, true },
    { "StreamId", &StreamId, false },
    { "Policy", &Policy, true },
};
static const struct mr_shape PutResourcePolicyInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.PutResourcePolicyInput",
    .members = PutResourcePolicyInput_members,
    .member_count = 3
};
static const struct mr_shape_member RegisterStreamConsumerInput_members[] = {
    { "StreamARN", &StreamARN, true },
    { "ConsumerName", &ConsumerName, true },
    { "StreamId", &StreamId, false },
    { "Tags", &TagMap, false },
};
static const struct mr_shape RegisterStreamConsumerInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.RegisterStreamConsumerInput",
    .members = RegisterStreamConsumerInput_members,
    .member_count = 4
};
static const struct mr_shape TagKeyListOfACall = { .kind = MR_SHAPE_LIST,
                                                   .has_min = true,
                                                   .min = 1,
                                                   .has_max = true,
                                                   .max = 10,
                                                   .element = &TagKey };
static const struct mr_shape_member RemoveTagsFromStreamInput_members[] = {
    { "StreamName", &StreamName, false },
    { "TagKeys", &TagKeyListOfACall, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape RemoveTagsFromStreamInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.RemoveTagsFromStreamInput",
    .members = RemoveTagsFromStreamInput_members,
    .member_count = 4
};
static const struct mr_shape_member SplitShardInput_members[] = {
    { "StreamName", &StreamName, false },     { "ShardToSplit", &ShardId, true },
    { "NewStartingHashKey", &HashKey, true }, { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape SplitShardInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.SplitShardInput",
    .members = SplitShardInput_members,
    .member_count = 5
};
static const char *const EncryptionType_values[] = { "NONE", "KMS", NULL };
static const struct mr_shape EncryptionType = { .kind = MR_SHAPE_STRING,
                                                .values = EncryptionType_values };
static const struct mr_shape KeyId = {
    .kind = MR_SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 2048
};
static const struct mr_shape_member StartStreamEncryptionInput_members[] = {
    { "StreamName", &StreamName, false },
    { "EncryptionType", &EncryptionType, true },
    { "KeyId", &KeyId, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape StartStreamEncryptionInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.StartStreamEncryptionInput",
    .members = StartStreamEncryptionInput_members,
    .member_count = 5
};
static const struct mr_shape_member StopStreamEncryptionInput_members[] = {
    { "StreamName", &StreamName, false },
    { "EncryptionType", &EncryptionType, true },
    { "KeyId", &KeyId, true },
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape StopStreamEncryptionInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.StopStreamEncryptionInput",
    .members = StopStreamEncryptionInput_members,
    .member_count = 5
};
static const struct mr_shape_member StartingPosition_members[] = {
    { "Type", &ShardIteratorType, true },
    { "SequenceNumber", &SequenceNumber, false },
    { "Timestamp", &Timestamp, false },
};
static const struct mr_shape StartingPosition = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.StartingPosition",
    .members = StartingPosition_members,
    .member_count = 3
};
static const struct mr_shape_member SubscribeToShardInput_members[] = {
    { "ConsumerARN", &ConsumerARN, true },
    { "StreamId", &StreamId, false },
    { "ShardId", &ShardId, true },
    { "StartingPosition", &StartingPosition, true },
};
static const struct mr_shape SubscribeToShardInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.SubscribeToShardInput",
    .members = SubscribeToShardInput_members,
    .member_count = 4
};
static const struct mr_shape_member TagResourceInput_members[] = {
    { "Tags", &TagMap, true },
    { "ResourceARN", &ResourceARN, true },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape TagResourceInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.TagResourceInput",
    .members = TagResourceInput_members,
    .member_count = 3
};
static const struct mr_shape TagKeyList = { .kind = MR_SHAPE_LIST,
                                            .has_min = true,
                                            .min = 1,
                                            .has_max = true,
                                            .max = 50,
                                            .element = &TagKey };
static const struct mr_shape_member UntagResourceInput_members[] = {
    { "TagKeys", &TagKeyList, true },
    { "ResourceARN", &ResourceARN, true },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape UntagResourceInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.UntagResourceInput",
    .members = UntagResourceInput_members,
    .member_count = 3
};
static const char *const MinimumThroughputBillingCommitmentInputStatus_values[] = { "ENABLED",
                                                                                    "DISABLED",
                                                                                    NULL };
static const struct mr_shape MinimumThroughputBillingCommitmentInputStatus = {
    .kind = MR_SHAPE_STRING, .values = MinimumThroughputBillingCommitmentInputStatus_values
};
static const struct mr_shape_member MinimumThroughputBillingCommitmentInput_members[] = {
    { "Status", &MinimumThroughputBillingCommitmentInputStatus, true },
};
static const struct mr_shape MinimumThroughputBillingCommitmentInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.MinimumThroughputBillingCommitmentInput",
    .members = MinimumThroughputBillingCommitmentInput_members,
    .member_count = 1
};
static const struct mr_shape_member UpdateAccountSettingsInput_members[] = {
    { "MinimumThroughputBillingCommitment", &MinimumThroughputBillingCommitmentInput, true },
};
static const struct mr_shape UpdateAccountSettingsInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.UpdateAccountSettingsInput",
    .members = UpdateAccountSettingsInput_members,
    .member_count = 1
};
static const struct mr_shape_member UpdateMaxRecordSizeInput_members[] = {
    { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
    { "MaxRecordSizeInKiB", &MaxRecordSizeInKiB, true },
};
static const struct mr_shape UpdateMaxRecordSizeInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.UpdateMaxRecordSizeInput",
    .members = UpdateMaxRecordSizeInput_members,
    .member_count = 3
};
static const char *const ScalingType_values[] = { "UNIFORM_SCALING", NULL };
static const struct mr_shape ScalingType = { .kind = MR_SHAPE_STRING,
                                             .values = ScalingType_values };
static const struct mr_shape_member UpdateShardCountInput_members[] = {
    { "StreamName", &StreamName, false },  { "TargetShardCount", &PositiveIntegerObject, true },
    { "ScalingType", &ScalingType, true }, { "StreamARN", &StreamARN, false },
    { "StreamId", &StreamId, false },
};
static const struct mr_shape UpdateShardCountInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.UpdateShardCountInput",
    .members = UpdateShardCountInput_members,
    .member_count = 5
};
static const struct mr_shape_member UpdateStreamModeInput_members[] = {
    { "StreamARN", &StreamARN, true },
    { "StreamId", &StreamId, false },
    { "StreamModeDetails", &StreamModeDetails, true },
    { "WarmThroughputMiBps", &NaturalIntegerObject, false },
};
static const struct mr_shape UpdateStreamModeInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.UpdateStreamModeInput",
    .members = UpdateStreamModeInput_members,
    .member_count = 4
};
static const struct mr_shape_member UpdateStreamWarmThroughputInput_members[] = {
    { "StreamARN", &StreamARN, false },
    { "StreamName", &StreamName, false },
    { "StreamId", &StreamId, false },
    { "WarmThroughputMiBps", &NaturalIntegerObject, true },
};
static const struct mr_shape UpdateStreamWarmThroughputInput = {
    .kind = MR_SHAPE_STRUCTURE,
    .java_name = "com.amazonaws.kinesis.v20131202.UpdateStreamWarmThroughputInput",
    .members = UpdateStreamWarmThroughputInput_members,
    .member_count = 4
};

static const struct {
    const char *operation;
    const struct mr_shape *input;
} inputs[] = {
    { "AddTagsToStream", &AddTagsToStreamInput },
    { "CreateStream", &CreateStreamInput },
    { "DecreaseStreamRetentionPeriod", &DecreaseStreamRetentionPeriodInput },
    { "DeleteResourcePolicy", &DeleteResourcePolicyInput },
    { "DeleteStream", &DeleteStreamInput },
    { "DeregisterStreamConsumer", &DeregisterStreamConsumerInput },
    { "DescribeAccountSettings", &DescribeAccountSettingsInput },
    { "DescribeLimits", &DescribeLimitsInput },
    { "DescribeStream", &DescribeStreamInput },
    { "DescribeStreamConsumer", &DescribeStreamConsumerInput },
    { "DescribeStreamSummary", &DescribeStreamSummaryInput },
    { "DisableEnhancedMonitoring", &DisableEnhancedMonitoringInput },
    { "EnableEnhancedMonitoring", &EnableEnhancedMonitoringInput },
    { "GetRecords", &GetRecordsInput },
    { "GetResourcePolicy", &GetResourcePolicyInput },
    { "GetShardIterator", &GetShardIteratorInput },
    { "IncreaseStreamRetentionPeriod", &IncreaseStreamRetentionPeriodInput },
    { "ListShards", &ListShardsInput },
    { "ListStreamConsumers", &ListStreamConsumersInput },
    { "ListStreams", &ListStreamsInput },
    { "ListTagsForResource", &ListTagsForResourceInput },
    { "ListTagsForStream", &ListTagsForStreamInput },
    { "MergeShards", &MergeShardsInput },
    { "PutRecord", &PutRecordInput },
    { "PutRecords", &PutRecordsInput },
    { "PutResourcePolicy", &PutResourcePolicyInput },
    { "RegisterStreamConsumer", &RegisterStreamConsumerInput },
    { "RemoveTagsFromStream", &RemoveTagsFromStreamInput },
    { "SplitShard", &SplitShardInput },
    { "StartStreamEncryption", &StartStreamEncryptionInput },
    { "StopStreamEncryption", &StopStreamEncryptionInput },
    { "SubscribeToShard", &SubscribeToShardInput },
    { "TagResource", &TagResourceInput },
    { "UntagResource", &UntagResourceInput },
    { "UpdateAccountSettings", &UpdateAccountSettingsInput },
    { "UpdateMaxRecordSize", &UpdateMaxRecordSizeInput },
    { "UpdateShardCount", &UpdateShardCountInput },
    { "UpdateStreamMode", &UpdateStreamModeInput },
    { "UpdateStreamWarmThroughput", &UpdateStreamWarmThroughputInput },
};

const struct mr_shape *
mr_shape_input(const char *operation)
{
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        if (strcmp(inputs[i].operation, operation) == 0) {
            return inputs[i].input;
        }
    }
    return NULL;
}
