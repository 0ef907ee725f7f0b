#include "base/duration.h"
#include "poller/fault.h"
#include "tests/suite.h"

static struct mr_fault
parsed(const char *rule)
{
    struct mr_fault fault = { 0 };
    struct mr_error err = { 0 };
    ck_assert_msg(mr_fault_parse(mr_slice_str(rule), &fault, &err) == 0, "%s: %s", rule,
                  err.text);
    return fault;
}

START_TEST(a_rule_says_what_how_often_and_of_whom)
{
    struct mr_fault crash = parsed("OrderFn:crash@5%#3");
    ck_assert_int_eq(crash.kind, MR_FAULT_CRASH);
    ck_assert(mr_slice_is(crash.function, "OrderFn"));
    ck_assert_double_eq_tol(crash.chance, 0.05, 1e-9);
    ck_assert_uint_eq(crash.left, 3);

    struct mr_fault slow = parsed("handler:slow=2s\xC2\xB1"
                                  "500ms");
    ck_assert_int_eq(slow.kind, MR_FAULT_SLOW);
    ck_assert(slow.function.data == NULL);
    ck_assert_uint_eq(slow.slow_ms, 2000);
    ck_assert_uint_eq(slow.jitter_ms, 500);

    ck_assert_int_eq(parsed("kinesis:ExpiredIterator").kind, MR_FAULT_READ_EXPIRED);
    ck_assert_int_eq(parsed("dest:AccessDenied").kind, MR_FAULT_DESTINATION);
}
END_TEST

static const char *const nonsense[] = {
    "",
    "crash",
    "handler:",
    "handler:explode",
    ":crash",
    "handler:crash@",
    "handler:crash@0%",
    "handler:crash@101%",
    "handler:slow",
    "handler:crash=2s",
    "handler:slow=fast",
    "handler:crash#0",
    "kinesis:crash",
    "dest:crash",
    "handler:slow=1s\xC2\xB1"
    "2s",
};

START_TEST(nonsense_is_refused_with_a_sentence)
{
    struct mr_fault fault;
    struct mr_error err = { 0 };
    ck_assert_int_lt(mr_fault_parse(mr_slice_str(nonsense[_i]), &fault, &err), 0);
    ck_assert_uint_gt(strlen(err.text), 20);
}
END_TEST

START_TEST(a_counted_fault_strikes_so_often_and_no_more)
{
    struct mr_fault fault = parsed("handler:throttle#2");
    struct mr_random random;
    mr_random_init_seed(&random, 1);

    ck_assert(mr_fault_strikes(&fault, &random));
    ck_assert(mr_fault_strikes(&fault, &random));
    ck_assert(!mr_fault_strikes(&fault, &random));
}
END_TEST

START_TEST(a_chance_is_about_kept)
{
    struct mr_fault fault = parsed("handler:crash@25%");
    struct mr_random random;
    mr_random_init_seed(&random, 7);
    unsigned struck = 0;
    for (unsigned i = 0; i < 10000; i++) {
        struck += mr_fault_strikes(&fault, &random);
    }

    ck_assert_uint_gt(struck, 2300);
    ck_assert_uint_lt(struck, 2700);
}
END_TEST

START_TEST(durations_are_numbers_with_a_unit)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = { { "250ms", 250 },    { "2s", 2000 },      { "1.5m", 90000 },
                 { "24h", 86400000 }, { "7d", 604800000 }, { "3", 3000 } };
    static const char *const bad[] = { "", "ms", "-1s", "1w", "1s ", "x", "1e999d" };
    uint64_t ms;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert(mr_duration_parse(mr_slice_str(good[i].text), &ms));
        ck_assert_uint_eq(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!mr_duration_parse(mr_slice_str(bad[i]), &ms), "%s", bad[i]);
    }
}
END_TEST

MR_SUITE("poller.fault", MR_TEST(a_rule_says_what_how_often_and_of_whom),
         MR_TEST_LOOP(nonsense_is_refused_with_a_sentence,
                      sizeof(nonsense) / sizeof(nonsense[0])),
         MR_TEST(a_counted_fault_strikes_so_often_and_no_more), MR_TEST(a_chance_is_about_kept),
         MR_TEST(durations_are_numbers_with_a_unit))
