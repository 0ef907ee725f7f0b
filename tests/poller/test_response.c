#include "poller/response.h"
#include "tests/suite.h"

static const char *const numbers[] = {
    "9", "10", "49590338271490256608559692538361571095921575989136588898"
};

static struct mr_slice
number(size_t index, void *context)
{
    (void)context;
    return mr_slice_str(numbers[index]);
}

static struct mr_lane_report
read_with(const char *payload, bool report_failures, bool tumbling)
{
    struct mr_response_batch batch = {
        .count = 3, .number = number, .report_failures = report_failures, .tumbling = tumbling
    };
    return mr_response_read(mr_slice_str(payload), &batch);
}

#define BIG "49590338271490256608559692538361571095921575989136588898"

static const struct {
    const char *payload;
    enum mr_lane_outcome outcome;
    size_t failed_at;
} answers[] = {
    { "", MR_LANE_SUCCEEDED, 0 },
    { "null", MR_LANE_SUCCEEDED, 0 },
    { "{}", MR_LANE_SUCCEEDED, 0 },
    { "[]", MR_LANE_SUCCEEDED, 0 },
    { "\"\"", MR_LANE_SUCCEEDED, 0 },
    { "{\"batchItemFailures\":[]}", MR_LANE_SUCCEEDED, 0 },
    { "{\"batchItemFailures\":null}", MR_LANE_SUCCEEDED, 0 },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"10\"}]}", MR_LANE_PARTIAL, 1 },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"" BIG "\"},{\"itemIdentifier\":\"9\"}]}",
      MR_LANE_PARTIAL, 0 },
    { "{\"x\":[1],\"batchItemFailures\":[{\"itemIdentifier\":\"" BIG "\"}]}", MR_LANE_PARTIAL,
      2 },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"11\"}]}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":123}]}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"\"}]}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":null}]}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":[{\"foo\":123}]}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":[{\"foo\":null}]}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":[7]}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":[{\"itemIdentifier\":\"10\"},{\"itemIdentifier\":\"x\"}]}",
      MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":\"x\",\"b\":1}", MR_LANE_BAD_RESPONSE, 0 },
    { "{\"batchItemFailures\":", MR_LANE_BAD_RESPONSE, 0 },
};

START_TEST(an_answer_means_what_it_means_on_aws)
{
    struct mr_lane_report report = read_with(answers[_i].payload, true, false);

    ck_assert_msg(report.outcome == answers[_i].outcome, "%s", answers[_i].payload);
    ck_assert_uint_eq(report.failed_at, answers[_i].failed_at);
}
END_TEST

START_TEST(without_the_response_type_every_answer_is_success)
{
    ck_assert_int_eq(read_with(answers[_i].payload, false, false).outcome, MR_LANE_SUCCEEDED);
}
END_TEST

START_TEST(a_windows_state_comes_with_the_answer)
{
    struct mr_lane_report report =
        read_with("{\"state\":{\"n\":1},\"batchItemFailures\":[{\"itemIdentifier\":\"10\"}]}",
                  true, true);

    ck_assert(mr_slice_is(report.state, "{\"n\":1}"));
    ck_assert_int_eq(report.outcome, MR_LANE_PARTIAL);
}
END_TEST

START_TEST(a_state_that_is_no_object_is_none)
{
    ck_assert_ptr_null(read_with("{\"state\":[1]}", false, true).state.data);
    ck_assert_ptr_null(read_with("{}", false, true).state.data);
    ck_assert_ptr_null(read_with("", false, true).state.data);
}
END_TEST

START_TEST(numbers_are_compared_as_numbers)
{
    ck_assert_int_lt(mr_sequence_text_compare(MR_SLICE("9"), MR_SLICE("10")), 0);
    ck_assert_int_eq(mr_sequence_text_compare(MR_SLICE("010"), MR_SLICE("10")), 0);
    ck_assert_int_gt(mr_sequence_text_compare(MR_SLICE(BIG), MR_SLICE("9")), 0);
}
END_TEST

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

MR_SUITE("poller.response", MR_TEST_LOOP(an_answer_means_what_it_means_on_aws, ROWS(answers)),
         MR_TEST_LOOP(without_the_response_type_every_answer_is_success, ROWS(answers)),
         MR_TEST(a_windows_state_comes_with_the_answer),
         MR_TEST(a_state_that_is_no_object_is_none), MR_TEST(numbers_are_compared_as_numbers))
