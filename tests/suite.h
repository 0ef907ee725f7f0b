/*
 * suite: the `main` of a unit test, so that a test file is its sentences and one list of them.
 *
 *     MR_SUITE("poller.batcher", MR_TEST(a_batch_waits_for_its_window),
 *              MR_TEST_LOOP(an_option_out_of_range_is_refused, 4))
 */
#ifndef MR_TESTS_SUITE_H
#define MR_TESTS_SUITE_H

#include <check.h>
#include <stddef.h>

struct mr_test_row {
    const TTest *test;
    int loops; /* runs the test with _i = 0 .. loops - 1 */
};

#define MR_TEST(test)             { test, 1 }
#define MR_TEST_LOOP(test, loops) { test, loops }

/* Runs them and returns what main returns. Each has 60 seconds. */
int mr_suite_run(const char *name, const struct mr_test_row *rows, size_t count);

#define MR_SUITE(name, ...)                                                        \
    int main(void)                                                                 \
    {                                                                              \
        const struct mr_test_row rows[] = { __VA_ARGS__ };                         \
        return mr_suite_run(name, rows, sizeof(rows) / sizeof(rows[0]));           \
    }

#endif
