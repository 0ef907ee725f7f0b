#include "control/faults.h"
#include "tests/suite.h"

static json_t *
rules(const char *text)
{
    json_t *list = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(list);
    return list;
}

START_TEST(rules_strike_their_function_as_often_as_they_say)
{
    struct mr_function_faults *faults = mr_function_faults_new(1);
    json_t *list = rules("[\"handler:crash#2\",\"handler:slow=2s\"]");
    ck_assert_int_eq(mr_function_faults_check(list, NULL), 0);

    mr_function_faults_set(faults, "f", list);

    ck_assert_int_eq(mr_function_faults_strike(faults, "f")->kind, MR_FAULT_CRASH);
    ck_assert_int_eq(mr_function_faults_strike(faults, "f")->kind, MR_FAULT_CRASH);
    const struct mr_fault *slow = mr_function_faults_strike(faults, "f");
    ck_assert_int_eq(slow->kind, MR_FAULT_SLOW);
    ck_assert_uint_eq(mr_function_faults_delay_ms(faults, slow), 2000);
    ck_assert_ptr_null(mr_function_faults_strike(faults, "g"));
    json_decref(list);
    mr_function_faults_free(faults);
}
END_TEST

START_TEST(rules_are_replaced_and_taken_away)
{
    struct mr_function_faults *faults = mr_function_faults_new(1);
    json_t *first = rules("[\"handler:error\"]"), *second = rules("[\"handler:throttle\"]");
    mr_function_faults_set(faults, "f", first);

    mr_function_faults_set(faults, "f", second);
    ck_assert_int_eq(mr_function_faults_strike(faults, "f")->kind, MR_FAULT_THROTTLE);
    mr_function_faults_set(faults, "f", NULL);

    ck_assert_ptr_null(mr_function_faults_strike(faults, "f"));
    json_decref(first);
    json_decref(second);
    mr_function_faults_free(faults);
}
END_TEST

static const char *const wrong[] = { "\"handler:crash\"", "[1]", "[\"handler:melt\"]",
                                     "[\"kinesis:ExpiredIterator\"]", "[\"OrderFn:crash\"]" };

START_TEST(what_is_no_rule_of_a_handler_is_refused)
{
    struct mr_error err = { 0 };
    json_t *list = json_loads(wrong[_i], JSON_DECODE_ANY, NULL);
    ck_assert_int_lt(mr_function_faults_check(list, &err), 0);
    ck_assert_uint_gt(strlen(err.text), 20);
    json_decref(list);
}
END_TEST

MR_SUITE("control.faults", MR_TEST(rules_strike_their_function_as_often_as_they_say),
         MR_TEST(rules_are_replaced_and_taken_away),
         MR_TEST_LOOP(what_is_no_rule_of_a_handler_is_refused,
                      sizeof(wrong) / sizeof(wrong[0])))
