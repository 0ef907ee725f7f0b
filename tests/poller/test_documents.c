#include "base/json_reader.h"
#include "poller/event_kinesis.h"
#include "poller/failure_document.h"
#include "tests/suite.h"

#define SEQUENCE "49590338271490256608559692538361571095921575989136588898"

static struct mr_event_kinesis *
event_of(uint64_t tumbling_ms)
{
    struct mr_event_kinesis_options options = {
        .shard_id = MR_SLICE("shardId-000000000006"),
        .source_arn = MR_SLICE("arn:aws:kinesis:us-east-1:111111111111:stream/s"),
        .role_arn = MR_SLICE("arn:aws:iam::111111111111:role/lambda-role"),
        .region = MR_SLICE("us-east-1"),
        .tumbling_ms = tumbling_ms,
    };
    return mr_event_kinesis_new(&options);
}

static const struct mr_record hello = {
    .sequence_number = MR_SLICE_INIT(SEQUENCE),
    .partition_key = MR_SLICE_INIT("test_\\u0030"),
    .data = MR_SLICE_INIT("aGVsbG8="),
    .arrival_ms = 1545084650987,
};

START_TEST(an_event_has_awss_members_in_awss_order)
{
    mr_auto(mr_event_kinesis_free) struct mr_event_kinesis *event = event_of(0);
    mr_auto_buf struct mr_buf buf = { 0 };

    mr_event_kinesis_begin(&buf);
    mr_event_kinesis_record(event, &buf, &hello, true);
    mr_event_kinesis_end(event, &buf, NULL);

    ck_assert_str_eq(
        mr_buf_cstr(&buf),
        "{\"Records\":[{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":"
        "\"test_\\u0030\",\"sequenceNumber\":\"" SEQUENCE
        "\",\"data\":\"aGVsbG8=\",\"approximateArrivalTimestamp\":1545084650.987},"
        "\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\","
        "\"eventID\":\"shardId-000000000006:" SEQUENCE
        "\",\"eventName\":\"aws:kinesis:record\",\"invokeIdentityArn\":"
        "\"arn:aws:iam::111111111111:role/lambda-role\",\"awsRegion\":\"us-east-1\","
        "\"eventSourceARN\":\"arn:aws:kinesis:us-east-1:111111111111:stream/s\"}]}");
}
END_TEST

START_TEST(a_window_adds_its_members_behind_the_records)
{
    mr_auto(mr_event_kinesis_free) struct mr_event_kinesis *event = event_of(300000);
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_event_window window = { .start_ms = 1596128400000,
                                      .state = MR_SLICE("{\"1\":282}"),
                                      .is_final = true };

    mr_event_kinesis_begin(&buf);
    mr_event_kinesis_end(event, &buf, &window);

    ck_assert_str_eq(
        mr_buf_cstr(&buf),
        "{\"Records\":[],\"shardId\":\"shardId-000000000006\",\"eventSourceARN\":"
        "\"arn:aws:kinesis:us-east-1:111111111111:stream/s\",\"window\":{\"start\":"
        "\"2020-07-30T17:00:00Z\",\"end\":\"2020-07-30T17:05:00Z\"},\"state\":"
        "{\"1\":282},\"isFinalInvokeForWindow\":true,"
        "\"isWindowTerminatedEarly\":false}");
}
END_TEST

static const uint64_t arrivals[] = {
    0, 999, 1545084650000, 1545084650900, 1545084650980, 1545084650007, 9999999999999
};

START_TEST(a_records_size_is_known_to_the_byte)
{
    mr_auto(mr_event_kinesis_free) struct mr_event_kinesis *event = event_of(0);
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_record record = hello;
    record.arrival_ms = arrivals[_i];

    mr_event_kinesis_begin(&buf);
    mr_event_kinesis_record(event, &buf, &record, true);
    mr_event_kinesis_record(event, &buf, &record, false);
    mr_event_kinesis_end(event, &buf, NULL);

    size_t record_size = mr_event_kinesis_record_size(event, &record);
    ck_assert_uint_eq(buf.size, mr_event_kinesis_envelope_size(event) + 2 * record_size + 1);
    ck_assert(mr_json_valid(mr_buf_slice(&buf)));
}
END_TEST

static struct mr_failure_document
exhausted(void)
{
    return (struct mr_failure_document){
        .request_id = MR_SLICE("316aa6d0-8154-4444-9af7-85d5f4a6bc81"),
        .function_arn = MR_SLICE("arn:aws:lambda:us-east-1:111111111111:function:f"),
        .condition = MR_LANE_RETRIES_EXHAUSTED,
        .invoke_count = 2,
        .has_response = true,
        .executed_version = MR_SLICE("$LATEST"),
        .unhandled = true,
        .time_ms = 1764088532123,
        .shard_id = MR_SLICE("shardId-000000000000"),
        .stream_arn = MR_SLICE("arn:aws:kinesis:us-east-1:111111111111:stream/s"),
        .batch_size = 1,
        .start_sequence_number = MR_SLICE("4966"),
        .end_sequence_number = MR_SLICE("4967"),
        .first_arrival_ms = 1764088528456,
        .last_arrival_ms = 1764088528000,
    };
}

#define REQUEST(condition, count)                                                  \
    "{\"requestContext\":{\"requestId\":\"316aa6d0-8154-4444-9af7-85d5f4a6bc81\"," \
    "\"functionArn\":\"arn:aws:lambda:us-east-1:111111111111:function:f\","        \
    "\"condition\":\"" condition "\",\"approximateInvokeCount\":" count "}"

START_TEST(a_document_for_sqs_is_awss_to_the_byte)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_failure_document document = exhausted();

    mr_failure_document_write(&buf, &document);

    ck_assert_str_eq(
        mr_buf_cstr(&buf),
        REQUEST("RetryAttemptsExhausted",
                "2") ",\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"$LATEST\","
                     "\"functionError\":\"Unhandled\"},\"version\":\"1.0\",\"timestamp\":"
                     "\"2025-11-25T16:35:32.123Z\",\"KinesisBatchInfo\":{\"shardId\":"
                     "\"shardId-000000000000\",\"startSequenceNumber\":\"4966\","
                     "\"endSequenceNumber\":\"4967\",\"approximateArrivalOfFirstRecord\":"
                     "\"2025-11-25T16:35:28.456Z\",\"approximateArrivalOfLastRecord\":"
                     "\"2025-11-25T16:35:28.000Z\",\"batchSize\":1,\"streamArn\":"
                     "\"arn:aws:kinesis:us-east-1:111111111111:stream/s\"}}");
}
END_TEST

START_TEST(records_that_aged_out_have_no_response_and_dynamodb_has_seconds)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_failure_document document = exhausted();
    document.condition = MR_LANE_AGE_EXCEEDED;
    document.invoke_count = 1;
    document.has_response = false;
    document.is_dynamodb = true;

    mr_failure_document_write(&buf, &document);

    ck_assert_str_eq(
        mr_buf_cstr(&buf),
        REQUEST("RecordAgeExceeded",
                "1") ",\"version\":\"1.0\",\"timestamp\":\"2025-11-25T16:35:32.123Z\","
                     "\"DDBStreamBatchInfo\":{\"shardId\":\"shardId-000000000000\","
                     "\"startSequenceNumber\":\"4966\",\"endSequenceNumber\":\"4967\","
                     "\"approximateArrivalOfFirstRecord\":\"2025-11-25T16:35:28Z\","
                     "\"approximateArrivalOfLastRecord\":\"2025-11-25T16:35:28Z\","
                     "\"batchSize\":1,\"streamArn\":"
                     "\"arn:aws:kinesis:us-east-1:111111111111:stream/s\"}}");
}
END_TEST

START_TEST(a_failed_final_call_names_the_shard_and_its_window_only)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_failure_document document = exhausted();
    struct mr_failure_window window = { .start_ms = 1764088530000,
                                        .end_ms = 1764088540000,
                                        .is_final = true };
    document.batch_size = 0;
    document.unhandled = false;
    document.window = &window;

    mr_failure_document_write(&buf, &document);

    ck_assert_str_eq(
        mr_buf_cstr(&buf),
        REQUEST("RetryAttemptsExhausted",
                "2") ",\"responseContext\":{\"statusCode\":200,\"executedVersion\":\"$LATEST\","
                     "\"functionError\":null},\"version\":\"1.0\",\"timestamp\":"
                     "\"2025-11-25T16:35:32.123Z\",\"KinesisBatchInfo\":{\"shardId\":"
                     "\"shardId-000000000000\",\"streamArn\":"
                     "\"arn:aws:kinesis:us-east-1:111111111111:stream/s\"},\"timeWindowInfo\":"
                     "{\"window\":{\"start\":\"2025-11-25T16:35:30Z\",\"end\":"
                     "\"2025-11-25T16:35:40Z\"},\"isFinalInvokeForWindow\":true,"
                     "\"isWindowTerminatedEarly\":false}}");
}
END_TEST

START_TEST(s3_gets_the_event_as_a_string_before_the_time_and_a_dated_key)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    mr_auto_buf struct mr_buf key = { 0 };
    struct mr_failure_document document = exhausted();
    document.payload = MR_SLICE("{\"Records\":[]}");

    mr_failure_document_write(&buf, &document);
    mr_failure_document_key(&key, &document, MR_SLICE("4cd5"), "9ff2");

    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&buf),
                                 "\"version\":\"1.0\",\"payload\":\"{\\\"Records\\\":"
                                 "[]}\",\"timestamp\":"));
    ck_assert_str_eq(mr_buf_cstr(&key), "aws/lambda/4cd5/shardId-000000000000/2025/11/25/"
                                        "2025-11-25T16.35.32-9ff2");
}
END_TEST

MR_SUITE("poller.documents", MR_TEST(an_event_has_awss_members_in_awss_order),
         MR_TEST(a_window_adds_its_members_behind_the_records),
         MR_TEST_LOOP(a_records_size_is_known_to_the_byte,
                      sizeof(arrivals) / sizeof(arrivals[0])),
         MR_TEST(a_document_for_sqs_is_awss_to_the_byte),
         MR_TEST(records_that_aged_out_have_no_response_and_dynamodb_has_seconds),
         MR_TEST(a_failed_final_call_names_the_shard_and_its_window_only),
         MR_TEST(s3_gets_the_event_as_a_string_before_the_time_and_a_dated_key))
