#include "stream/sequence_number.h"

#include <string.h>

#include "tests/suite.h"

static struct mr_sequence_number
parsed(const char *text)
{
    struct mr_sequence_number number;
    ck_assert_msg(mr_sequence_parse(mr_slice_str(text), &number), "%s", text);
    return number;
}

static const char *
printed(struct mr_sequence_number number)
{
    static char text[MR_SEQUENCE_TEXT_SIZE];
    ck_assert_uint_eq(mr_sequence_print(&number, text), strlen(text));
    return text;
}

START_TEST(a_version_2_number_is_read_back_as_it_was_written)
{
    struct mr_sequence_number number = mr_sequence_of(1600000000, 123456789, 77, 1700000001);

    struct mr_sequence_number back = parsed(printed(number));

    ck_assert_uint_eq(back.version, 2);
    ck_assert_uint_eq(back.created_s, 1600000000);
    ck_assert_uint_eq(back.shard, 123456789);
    ck_assert_uint_eq(back.index, 77);
    ck_assert_uint_eq(back.time_s, 1700000001);
    ck_assert_int_eq(mr_sequence_compare(&number, &back), 0);
}
END_TEST

START_TEST(a_number_of_today_has_56_digits_and_begins_with_49)
{
    const char *text = printed(mr_sequence_of(1760000000, 0, 1, 1760000000));

    ck_assert_uint_eq(strlen(text), 56);
    ck_assert(strncmp(text, "49", 2) == 0);
}
END_TEST

START_TEST(a_number_of_aws_keeps_its_digits)
{
    const char *aws = "49590338271490256608559692538361571095921575989136588898";

    struct mr_sequence_number number = parsed(aws);

    ck_assert_uint_eq(number.version, 2);
    ck_assert_uint_eq(number.shard, 6);
    ck_assert_str_eq(printed(number), aws);
}
END_TEST

START_TEST(small_numbers_are_of_version_0)
{
    struct mr_sequence_number zero = parsed("0");
    struct mr_sequence_number small = parsed("65537");

    ck_assert_uint_eq(zero.version, 0);
    ck_assert_uint_eq(zero.created_s, 0);
    ck_assert_uint_eq(zero.shard, 0);
    ck_assert_uint_eq(small.shard, 1);
    ck_assert_uint_eq(small.index, 1);
    ck_assert_str_eq(printed(zero), "21267647932558653966460912964485513216");
}
END_TEST

START_TEST(a_version_1_number_keeps_its_digits)
{
    struct mr_sequence_number number = {
        .version = 1,
        .created_s = 1400000000,
        .time_s = 1400000005,
        .byte1 = 0x12,
        .random = 0xabcdef12345678,
        .low_index = 9,
        .shard = 4,
    };

    struct mr_sequence_number back = parsed(printed(number));

    ck_assert_uint_eq(back.version, 1);
    ck_assert_uint_eq(back.random, 0xabcdef12345678);
    ck_assert_uint_eq(back.low_index, 9);
    ck_assert_uint_eq(back.time_s, 1400000005);
    ck_assert_uint_eq(back.shard, 4);
}
END_TEST

START_TEST(within_a_shard_the_index_decides_the_order)
{
    struct mr_sequence_number early = mr_sequence_of(1600000000, 3, 5, 1900000000);
    struct mr_sequence_number late = mr_sequence_of(1600000000, 3, 6, 1600000000);
    struct mr_sequence_number start = mr_sequence_start(1600000000, 3);
    struct mr_sequence_number end = mr_sequence_end(1600000000, 3, 1600000000);

    ck_assert_int_lt(mr_sequence_compare(&early, &late), 0);
    ck_assert_int_gt(mr_sequence_compare(&late, &early), 0);
    ck_assert_int_lt(mr_sequence_compare(&start, &early), 0);
    ck_assert_int_lt(mr_sequence_compare(&late, &end), 0);
}
END_TEST

START_TEST(the_printed_order_is_the_order)
{
    char a[MR_SEQUENCE_TEXT_SIZE], b[MR_SEQUENCE_TEXT_SIZE];
    struct mr_sequence_number number = mr_sequence_of(1600000000, 3, 0xffff, 1600000000);
    struct mr_sequence_number next = mr_sequence_next(&number);

    mr_sequence_print(&number, a);
    mr_sequence_print(&next, b);

    ck_assert_int_lt(strcmp(a, b), 0);
    ck_assert_uint_eq(next.index, 0x10000);
}
END_TEST

static const char *const refused[] = {
    "",
    "a",
    "-1",
    " 1",
    "1.5",
    /* between version 0 and the 47 digits of the others */
    "42535295865117307932921825928971026432",
    "24519928653854221733733552434404946937899825954937634815",
    /* past 192 bits */
    "9999999999999999999999999999999999999999999999999999999999999999999",
};

START_TEST(what_is_no_sequence_number_is_refused)
{
    struct mr_sequence_number number;

    ck_assert(!mr_sequence_parse(mr_slice_str(refused[_i]), &number));
}
END_TEST

START_TEST(seconds_and_indexes_out_of_range_are_refused)
{
    struct mr_sequence_number number;
    char text[MR_SEQUENCE_TEXT_SIZE];
    struct mr_sequence_number late = mr_sequence_of(16025175000, 0, 0, 0);
    struct mr_sequence_number later = mr_sequence_of(0, 0, 0, 16025175000);
    struct mr_sequence_number high = mr_sequence_of(0, 0, UINT64_C(1) << 63, 0);

    mr_sequence_print(&late, text);
    ck_assert(!mr_sequence_parse(mr_slice_str(text), &number));
    mr_sequence_print(&later, text);
    ck_assert(!mr_sequence_parse(mr_slice_str(text), &number));
    mr_sequence_print(&high, text);
    ck_assert(!mr_sequence_parse(mr_slice_str(text), &number));
}
END_TEST

MR_SUITE("stream.sequence_number", MR_TEST(a_version_2_number_is_read_back_as_it_was_written),
         MR_TEST(a_number_of_today_has_56_digits_and_begins_with_49),
         MR_TEST(a_number_of_aws_keeps_its_digits), MR_TEST(small_numbers_are_of_version_0),
         MR_TEST(a_version_1_number_keeps_its_digits),
         MR_TEST(within_a_shard_the_index_decides_the_order),
         MR_TEST(the_printed_order_is_the_order),
         MR_TEST_LOOP(what_is_no_sequence_number_is_refused, 8),
         MR_TEST(seconds_and_indexes_out_of_range_are_refused))
