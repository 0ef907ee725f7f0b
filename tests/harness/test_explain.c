#include <errno.h>
#include <stdlib.h>

#include "harness/explain.h"
#include "tests/suite.h"

static const struct {
    const char *pattern, *event;
    bool why;
    int verdict;
    const char *answer;
} patterns[] = {
    { "{\"a\":[1]}", "{\"a\":1}", false, MR_EXPLAINED_MATCH, "match\n" },
    { " {\"a\":[1]}\n", "{\"a\":1}\n", false, MR_EXPLAINED_MATCH, "match\n" },
    { "{\"a\":[1]}", "{\"a\":2}", false, MR_EXPLAINED_NO_MATCH, "no-match\n" },
    { "{\"a\":[1]}", "{\"a\":2}", true, MR_EXPLAINED_NO_MATCH,
      "no-match\na: wanted [1], found 2\n" },
    { "{\"a\":[1]}", "[1]", false, MR_EXPLAINED_NO_MATCH, "no-match\n" },
    { "{\"a\":[]}", "{\"a\":1}", false, MR_EXPLAINED_REJECTED,
      "rejected: Empty arrays are not allowed\n" },
    { "null", "{}", true, MR_EXPLAINED_REJECTED, "rejected: Filter is not an object\n" },
    { "{\"a\":[1]}", "nonsense", false, -EINVAL, "" },
};

START_TEST(a_pattern_is_answered_in_one_word)
{
    mr_auto_buf struct mr_buf answer = { 0 };
    struct mr_error err = { 0 };

    int verdict = mr_explain_pattern(mr_slice_str(patterns[_i].pattern),
                                     mr_slice_str(patterns[_i].event), patterns[_i].why, &answer, &err);

    ck_assert_int_eq(verdict, patterns[_i].verdict);
    ck_assert_str_eq(mr_buf_cstr(&answer), patterns[_i].answer);
}
END_TEST

static const struct {
    const char *filter, *record, *answer;
} records[] = {
    { "{\"data\":{\"type\":[\"order\"]}}", "{\"type\":\"order\"}", "match\n" },
    { "{\"data\":{\"type\":[\"order\"]}}", "{\"type\":\"ping\"}",
      "no-match\ndata.type: wanted [\"order\"], found \"ping\"\n" },
    { "{\"data\":{\"type\":[\"order\"]}}", "free text",
      "no-match\ndata.type: wanted [\"order\"], the data is not JSON\n" },
    { "{\"data\":{\"type\":[\"order\"]}}",
      "{\"kinesis\":{\"data\":\"eyJ0eXBlIjoib3JkZXIifQ==\",\"partitionKey\":\"k\"},"
      "\"eventID\":\"shardId-000000000007:49\"}",
      "match\n" },
    { "{\"partitionKey\":[\"k\"],\"eventID\":[\"shardId-000000000007:49\"]}",
      "{\"kinesis\":{\"data\":\"eA==\",\"partitionKey\":\"k\",\"sequenceNumber\":\"49\","
      "\"approximateArrivalTimestamp\":1545084650.987},\"eventID\":\"shardId-000000000007:"
      "49\"}",
      "match\n" },
    { "{\"approximateArrivalTimestamp\":[1545084650.987]}",
      "{\"kinesis\":{\"approximateArrivalTimestamp\":1545084650.987,\"data\":\"eA==\"}}",
      "match\n" },
    { "{\"data\":[\"x\"]}", "x",
      "rejected: filter 1: \"data\" must be an object: a record's data is matched as JSON\n" },
};

START_TEST(a_record_is_answered_with_the_clauses_that_stop_it)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf answer = { 0 };
    struct mr_explain_record record = { 0 };
    struct mr_slice filter = mr_slice_str(records[_i].filter);

    mr_explain_read_record(mr_slice_str(records[_i].record), &arena, &record);
    mr_explain_filters(&filter, 1, &record, &answer);

    ck_assert_str_eq(mr_buf_cstr(&answer), records[_i].answer);
}
END_TEST

MR_SUITE("harness.explain",
         MR_TEST_LOOP(a_pattern_is_answered_in_one_word, (int)(sizeof(patterns) / sizeof(patterns[0]))),
         MR_TEST_LOOP(a_record_is_answered_with_the_clauses_that_stop_it,
                      (int)(sizeof(records) / sizeof(records[0]))))
