#include <stdlib.h>

#include "harness/ledger.h"
#include "tests/suite.h"

static size_t
put(struct mr_ledger *ledger, const char *sequence_number, const char *key)
{
    return mr_ledger_put(ledger, mr_slice_str(sequence_number), mr_slice_str(key));
}

START_TEST(records_are_numbered_as_they_are_put_and_found_by_sequence_number)
{
    mr_auto(mr_ledger_free) struct mr_ledger *ledger = mr_ledger_new(1);

    ck_assert_uint_eq(put(ledger, "495", "a"), 1);
    ck_assert_uint_eq(put(ledger, "497", "b"), 2);

    ck_assert_uint_eq(mr_ledger_find(ledger, MR_SLICE("497")), 2);
    ck_assert_uint_eq(mr_ledger_find(ledger, MR_SLICE("496")), 0);
}
END_TEST

START_TEST(an_event_names_its_records_in_its_order)
{
    mr_auto(mr_ledger_free) struct mr_ledger *ledger = mr_ledger_new(1);
    put(ledger, "1", "a");
    put(ledger, "2", "a");

    mr_auto_free size_t *numbers = NULL;
    size_t count = mr_ledger_read_event(
        ledger,
        MR_SLICE(
            "{\"Records\":[{\"kinesis\":{\"partitionKey\":\"a\",\"sequenceNumber\":\"2\"}},"
            "{\"eventID\":\"x\",\"kinesis\":{\"sequenceNumber\":\"9\"}},"
            "{\"kinesis\":{\"sequenceNumber\":\"1\"}}],\"window\":{}}"),
        &numbers);

    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(numbers[0], 2);
    ck_assert_uint_eq(numbers[1], 0);
    ck_assert_uint_eq(numbers[2], 1);
}
END_TEST

START_TEST(a_record_that_is_neither_handled_nor_given_up_stays_open)
{
    mr_auto(mr_ledger_free) struct mr_ledger *ledger = mr_ledger_new(2);
    put(ledger, "1", "a");
    put(ledger, "2", "a");
    put(ledger, "3", "a");

    mr_ledger_delivered(ledger, 0, 1);
    mr_ledger_succeeded(ledger, 0, 1);
    mr_ledger_delivered(ledger, 0, 2);
    mr_ledger_dropped(ledger, 0, 2);

    struct mr_ledger_sums sums = mr_ledger_sums(ledger, 0);
    ck_assert_uint_eq(sums.delivered, 2);
    ck_assert_uint_eq(sums.succeeded, 1);
    ck_assert_uint_eq(sums.dropped, 1);
    ck_assert_uint_eq(sums.open, 1);
    ck_assert_uint_eq(mr_ledger_sums(ledger, 1).open, 3);
}
END_TEST

START_TEST(order_is_judged_within_a_key_and_by_first_successes)
{
    mr_auto(mr_ledger_free) struct mr_ledger *ledger = mr_ledger_new(1);
    put(ledger, "1", "a");
    put(ledger, "2", "b");
    put(ledger, "3", "a");

    mr_ledger_succeeded(ledger, 0, 3);
    mr_ledger_succeeded(ledger, 0, 2); /* another key: no harm */
    mr_ledger_succeeded(ledger, 0, 1); /* too late */
    mr_ledger_succeeded(ledger, 0, 1); /* again: a duplicate, no more disorder */

    struct mr_ledger_sums sums = mr_ledger_sums(ledger, 0);
    ck_assert_uint_eq(sums.disorder, 1);
    ck_assert_uint_eq(sums.duplicates, 1);
}
END_TEST

MR_SUITE("harness.ledger",
         MR_TEST(records_are_numbered_as_they_are_put_and_found_by_sequence_number),
         MR_TEST(an_event_names_its_records_in_its_order),
         MR_TEST(a_record_that_is_neither_handled_nor_given_up_stays_open),
         MR_TEST(order_is_judged_within_a_key_and_by_first_successes))
