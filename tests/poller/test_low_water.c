#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "poller/low_water.h"
#include "tests/suite.h"

START_TEST(the_mark_waits_for_the_first_that_is_not_finished)
{
    struct mr_low_water water = { 0 };
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(mr_low_water_add(&water), (uint64_t)i);
    }

    ck_assert(!mr_low_water_finish(&water, 2));
    ck_assert(!mr_low_water_finish(&water, 1));
    ck_assert_uint_eq(water.mark, 0);
    ck_assert(mr_low_water_finish(&water, 0));

    ck_assert_uint_eq(water.mark, 3);
    mr_low_water_deinit(&water);
}
END_TEST

START_TEST(any_order_of_finishing_ends_at_the_end)
{
    enum { MANY = 5000, AHEAD = 700 };
    struct mr_low_water water = { 0 };
    struct mr_random random;
    static bool finished[MANY];
    uint64_t open[AHEAD];
    size_t open_count = 0;
    uint64_t added = 0;
    mr_random_init_seed(&random, (uint64_t)_i + 1);
    memset(finished, 0, sizeof(finished));

    while (added < MANY || open_count > 0) {
        bool add = added < MANY && open_count < AHEAD && mr_random_below(&random, 2) == 0;
        if (add) {
            open[open_count++] = mr_low_water_add(&water);
            added++;
        } else if (open_count > 0) {
            size_t pick = (size_t)mr_random_below(&random, open_count);
            mr_low_water_finish(&water, open[pick]);
            finished[open[pick]] = true;
            open[pick] = open[--open_count];
            ck_assert(water.mark == added || !finished[water.mark]);
            ck_assert(water.mark == 0 || finished[water.mark - 1]);
        }
    }

    ck_assert_uint_eq(water.mark, MANY);
    mr_low_water_deinit(&water);
}
END_TEST

MR_SUITE("poller.low_water", MR_TEST(the_mark_waits_for_the_first_that_is_not_finished),
         MR_TEST_LOOP(any_order_of_finishing_ends_at_the_end, 20))
