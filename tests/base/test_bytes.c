#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "base/slice.h"
#include "tests/suite.h"

/* The small things everything else is made of: slices, buffers, arenas, numbers. */

START_TEST(a_slice_is_cut_at_its_separators)
{
    struct mr_slice rest = MR_SLICE("a,,b");

    ck_assert(mr_slice_is(mr_slice_cut(&rest, ','), "a"));
    ck_assert(mr_slice_is(mr_slice_cut(&rest, ','), ""));
    ck_assert(mr_slice_is(mr_slice_cut(&rest, ','), "b"));
    ck_assert_ptr_null(rest.data);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t value;
} numbers[] = {
    { "0", true, 0 },
    { "-1", true, -1 },
    { "9223372036854775807", true, INT64_MAX },
    { "-9223372036854775808", true, INT64_MIN },
    { "9223372036854775808", false, 0 },
    { "-9223372036854775809", false, 0 },
    { "", false, 0 },
    { "-", false, 0 },
    { "+1", false, 0 },
    { " 1", false, 0 },
    { "1x", false, 0 },
};

START_TEST(a_number_is_digits_and_fits)
{
    int64_t value = 0;

    ck_assert(mr_slice_to_i64(mr_slice_str(numbers[_i].text), &value) == numbers[_i].ok);
    ck_assert(value == numbers[_i].value);
}
END_TEST

START_TEST(the_largest_unsigned_number_is_the_last_that_fits)
{
    uint64_t value = 7;

    ck_assert(mr_slice_to_u64(MR_SLICE("18446744073709551615"), &value) && value == UINT64_MAX);
    ck_assert(!mr_slice_to_u64(MR_SLICE("18446744073709551616"), &value));
    ck_assert(!mr_slice_to_u64(MR_SLICE("-1"), &value));
}
END_TEST

static const struct {
    const char *text;
    bool ok;
} utf8[] = {
    { "plain", true },         { "\xc3\xa4", true },
    { "\xe2\x82\xac", true },  { "\xf0\x9f\x98\x80", true },
    { "\xc0\x80", false },     { "\xe0\x80\x80", false },
    { "\xed\xa0\x80", false }, { "\xf4\x90\x80\x80", false },
    { "\xff", false },         { "\xe2\x82", false },
    { "\x80", false },
};

START_TEST(utf8_is_well_formed_or_it_is_not)
{
    ck_assert(mr_slice_is_utf8(mr_slice_str(utf8[_i].text)) == utf8[_i].ok);
}
END_TEST

START_TEST(slices_compare_trim_and_ignore_case)
{
    ck_assert_int_lt(mr_slice_compare(MR_SLICE("ab"), MR_SLICE("abc")), 0);
    ck_assert_int_gt(mr_slice_compare(MR_SLICE("b"), MR_SLICE("abc")), 0);
    ck_assert(mr_slice_eq_nocase(MR_SLICE("Content-Type"), MR_SLICE("content-tYPE")));
    ck_assert(!mr_slice_eq_nocase(MR_SLICE("a@"), MR_SLICE("a`")));
    ck_assert(mr_slice_is(mr_slice_trim(MR_SLICE(" \ta b\t ")), "a b"));
    ck_assert_int_eq(mr_slice_find(MR_SLICE("abc"), 'c'), 2);
    ck_assert_int_eq(mr_slice_find(MR_SLICE("abc"), 'd'), -1);
    ck_assert(mr_slice_ends_with(MR_SLICE("a.zip"), MR_SLICE(".zip")));
    ck_assert_uint_eq(mr_slice_from(MR_SLICE("ab"), 5).size, 0);
}
END_TEST

START_TEST(a_buffer_grows_and_forgets_from_the_front)
{
    mr_auto_buf struct mr_buf buf = { 0 };

    for (int i = 0; i < 1000; i++) {
        mr_buf_printf(&buf, "%03d,", i);
    }
    ck_assert_uint_eq(buf.size, 4000);
    mr_buf_consume(&buf, 3992);
    mr_buf_append_byte(&buf, '!');

    ck_assert_str_eq(mr_buf_cstr(&buf), "998,999,!");
    struct mr_buf taken = mr_buf_take(&buf);
    ck_assert_uint_eq(buf.size, 0);
    ck_assert_uint_eq(taken.size, 9);
    mr_buf_deinit(&taken);
}
END_TEST

START_TEST(an_arena_hands_out_aligned_memory_until_it_is_reset)
{
    mr_auto_arena struct mr_arena arena = { 0 };

    for (size_t size = 0; size < 3000; size += 7) {
        uint8_t *memory = mr_arena_zero(&arena, size);
        ck_assert_uint_eq((uintptr_t)memory % 16, 0);
        memset(memory, 0xff, size);
    }
    char *text = mr_arena_printf(&arena, "%s-%d", "shard", 7);
    ck_assert_str_eq(text, "shard-7");
    ck_assert_str_eq(mr_arena_cstr(&arena, MR_SLICE("abc")), "abc");
    ck_assert_ptr_nonnull(mr_arena_alloc(&arena, 10 << 20));
    mr_arena_reset(&arena);

    ck_assert_uint_eq(arena.used, 0);
    ck_assert(mr_slice_is(mr_arena_copy(&arena, MR_SLICE("again")), "again"));
}
END_TEST

START_TEST(a_seed_decides_every_number)
{
    struct mr_random one, other;
    char first[MR_UUID_SIZE], second[MR_UUID_SIZE];
    mr_random_init_seed(&one, 42);
    mr_random_init_seed(&other, 42);

    for (int i = 0; i < 100; i++) {
        ck_assert(mr_random_u64(&one) == mr_random_u64(&other));
        ck_assert(mr_random_below(&one, 10) == mr_random_below(&other, 10));
    }
    mr_random_uuid(&one, first);
    mr_random_uuid(&one, second);

    ck_assert_str_ne(first, second);
    ck_assert(first[14] == '4' && strchr("89ab", first[19]) != NULL && strlen(first) == 36);
}
END_TEST

START_TEST(numbers_below_a_bound_are_below_it)
{
    struct mr_random random;
    mr_random_init_system(&random);
    unsigned seen = 0;

    for (int i = 0; i < 1000; i++) {
        uint64_t number = mr_random_below(&random, 3);
        ck_assert_uint_lt(number, 3);
        seen |= 1U << number;
    }

    ck_assert_uint_eq(seen, 7);
}
END_TEST

static const struct {
    const char *text;
    uint32_t crc;
} sums[] = {
    { "", 0 },
    { "a", 0xc1d04330 },
    { "123456789", 0xe3069283 },
    { "The quick brown fox jumps over the lazy dog", 0x22620404 },
};

START_TEST(a_checksum_is_what_others_compute)
{
    ck_assert_uint_eq(mr_crc32c(0, mr_slice_str(sums[_i].text)), sums[_i].crc);
    ck_assert_uint_eq(mr_crc32c_by_table(0, mr_slice_str(sums[_i].text)), sums[_i].crc);
}
END_TEST

START_TEST(a_checksum_in_pieces_is_the_checksum_of_the_whole)
{
    uint8_t bytes[1000];
    struct mr_random random;
    mr_random_init_seed(&random, 1);
    mr_random_bytes(&random, bytes, sizeof(bytes));
    uint32_t whole = mr_crc32c(0, mr_slice_of(bytes, sizeof(bytes)));

    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        uint32_t first = mr_crc32c(0, mr_slice_of(bytes, cut));
        struct mr_slice rest = mr_slice_of(bytes + cut, sizeof(bytes) - cut);
        ck_assert_uint_eq(mr_crc32c(first, rest), whole);
        ck_assert_uint_eq(mr_crc32c_by_table(first, rest), whole);
    }
}
END_TEST

#define COUNT(rows) (int)(sizeof(rows) / sizeof((rows)[0]))

MR_SUITE("base.bytes", MR_TEST(a_slice_is_cut_at_its_separators),
         MR_TEST_LOOP(a_number_is_digits_and_fits, COUNT(numbers)),
         MR_TEST(the_largest_unsigned_number_is_the_last_that_fits),
         MR_TEST_LOOP(utf8_is_well_formed_or_it_is_not, COUNT(utf8)),
         MR_TEST(slices_compare_trim_and_ignore_case),
         MR_TEST(a_buffer_grows_and_forgets_from_the_front),
         MR_TEST(an_arena_hands_out_aligned_memory_until_it_is_reset),
         MR_TEST(a_seed_decides_every_number), MR_TEST(numbers_below_a_bound_are_below_it),
         MR_TEST_LOOP(a_checksum_is_what_others_compute, COUNT(sums)),
         MR_TEST(a_checksum_in_pieces_is_the_checksum_of_the_whole))
