#include "aws/arn.h"
#include "tests/suite.h"

START_TEST(a_stream_arn_comes_apart)
{
    struct mr_kinesis_arn arn;

    ck_assert(mr_kinesis_arn_parse(
        MR_SLICE("arn:aws:kinesis:us-east-1:123456789012:stream/orders"), &arn));

    ck_assert(mr_slice_is(arn.stream_name, "orders"));
    ck_assert(mr_slice_is(arn.arn.region, "us-east-1"));
    ck_assert(mr_slice_is(arn.arn.account, "123456789012"));
    ck_assert_ptr_null(arn.consumer_name.data);
}
END_TEST

START_TEST(a_consumer_arn_has_its_name_and_creation)
{
    struct mr_kinesis_arn arn;

    ck_assert(mr_kinesis_arn_parse(
        MR_SLICE("arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/me:1700000000"),
        &arn));

    ck_assert(mr_slice_is(arn.consumer_name, "me"));
    ck_assert_uint_eq(arn.consumer_created_s, 1700000000);
}
END_TEST

static const char *const no_streams[] = {
    "",
    "arn",
    "arn:aws:kinesis:us-east-1:1",
    "arn:aws:kinesis:us-east-1:1:",
    "arn:aws:sqs:us-east-1:1:stream/x",
    "arn:aws:kinesis:us-east-1:1:stream/",
    "arn:aws:kinesis:us-east-1:1:stream/x/consumer/",
    "arn:aws:kinesis:us-east-1:1:stream/x/consumer/y",
    "arn:aws:kinesis:us-east-1:1:stream/x/consumer/y:z",
    "arn:aws:kinesis:us-east-1:1:stream/x/other/y:1",
};

START_TEST(what_is_no_stream_arn_is_refused)
{
    struct mr_kinesis_arn arn;
    ck_assert(!mr_kinesis_arn_parse(mr_slice_str(no_streams[_i]), &arn));
}
END_TEST

START_TEST(a_function_arn_may_have_a_qualifier)
{
    struct mr_lambda_arn arn;

    ck_assert(mr_lambda_arn_parse(MR_SLICE("arn:aws:lambda:us-east-1:1:function:f:7"), &arn));
    ck_assert(mr_slice_is(arn.function_name, "f"));
    ck_assert(mr_slice_is(arn.qualifier, "7"));
    ck_assert(mr_lambda_arn_parse(MR_SLICE("arn:aws:lambda:us-east-1:1:function:f"), &arn));
    ck_assert_ptr_null(arn.qualifier.data);
    ck_assert(!mr_lambda_arn_parse(MR_SLICE("arn:aws:lambda:us-east-1:1:layer:f"), &arn));
}
END_TEST

START_TEST(the_partition_follows_the_region)
{
    mr_auto_buf struct mr_buf buf = { 0 };

    mr_arn_append(&buf, "kinesis", "cn-north-1", "1", "stream/%s", "s");

    ck_assert_str_eq(mr_buf_cstr(&buf), "arn:aws-cn:kinesis:cn-north-1:1:stream/s");
}
END_TEST

MR_SUITE("aws.arn", MR_TEST(a_stream_arn_comes_apart),
         MR_TEST(a_consumer_arn_has_its_name_and_creation),
         MR_TEST_LOOP(what_is_no_stream_arn_is_refused,
                      sizeof(no_streams) / sizeof(no_streams[0])),
         MR_TEST(a_function_arn_may_have_a_qualifier),
         MR_TEST(the_partition_follows_the_region))
