#include <stdio.h>
#include <string.h>

#include "aws/kpl_aggregate.h"
#include "aws/partition_hash.h"
#include "tests/suite.h"

static const struct mr_slice none = { NULL, 0 };

START_TEST(an_aggregate_is_magic_tables_records_and_a_digest)
{
    static const uint8_t wanted[] = { 0xf3, 0x89, 0x9a, 0xc2, 0x0a, 1,    'a', 0x0a, 1,
                                      'b',  0x1a, 7,    8,    0,    0x1a, 3,   'o',  'n',
                                      'e',  0x1a, 7,    8,    1,    0x1a, 3,   't',  'w',
                                      'o',  0x1a, 5,    8,    0,    0x1a, 1,   '3' };
    struct mr_kpl_aggregate aggregate = { 0 };
    mr_auto_buf struct mr_buf out = { 0 };

    mr_kpl_aggregate_add(&aggregate, MR_SLICE("a"), none, MR_SLICE("one"));
    mr_kpl_aggregate_add(&aggregate, MR_SLICE("b"), none, MR_SLICE("two"));
    mr_kpl_aggregate_add(&aggregate, MR_SLICE("a"), none, MR_SLICE("3"));
    ck_assert(mr_slice_is(mr_kpl_aggregate_key(&aggregate), "a"));
    mr_kpl_aggregate_seal(&aggregate, &out);

    ck_assert_uint_eq(out.size, sizeof(wanted) + 16);
    ck_assert_mem_eq(out.data, wanted, sizeof(wanted));
    ck_assert_uint_eq(aggregate.record_count, 0);
    mr_kpl_aggregate_deinit(&aggregate);
}
END_TEST

START_TEST(the_size_is_known_to_the_byte_before_a_record_is_added)
{
    struct mr_kpl_aggregate aggregate = { 0 };
    mr_auto_buf struct mr_buf out = { 0 };
    char data[300], key[32];
    memset(data, 'x', sizeof(data));

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            snprintf(key, sizeof(key), "key-%u", i * 7 % 400);
            struct mr_slice hash = i % 3 == 0 ? MR_SLICE("12345678901234567890") : none;
            struct mr_slice record = mr_slice_of(data, i % 300);
            size_t told =
                mr_kpl_aggregate_size_with(&aggregate, mr_slice_str(key), hash, record);
            mr_kpl_aggregate_add(&aggregate, mr_slice_str(key), hash, record);
            ck_assert_uint_eq(mr_kpl_aggregate_size(&aggregate), told);
        }
        size_t told = mr_kpl_aggregate_size(&aggregate);
        mr_buf_clear(&out);
        mr_kpl_aggregate_seal(&aggregate, &out);
        ck_assert_uint_eq(out.size, told);
    }
    mr_kpl_aggregate_deinit(&aggregate);
}
END_TEST

static const struct {
    const char *text;
    bool good;
} numbers[] = {
    { "0", true },
    { "340282366920938463463374607431768211455", true },
    { "340282366920938463463374607431768211456", false },
    { "3402823669209384634633746074317682114550", false },
    { "", false },
    { "-1", false },
    { "1x", false },
};

START_TEST(a_hash_key_is_a_number_below_two_to_the_128)
{
    mr_partition_hash hash = 0;

    ck_assert_int_eq(mr_partition_hash_parse(mr_slice_str(numbers[_i].text), &hash),
                     numbers[_i].good);
}
END_TEST

START_TEST(a_key_belongs_where_its_md5_says)
{
    mr_partition_hash wanted;
    /* MD5("a") = 0cc175b9c0f1b6a831c399e269772661 */
    ck_assert(
        mr_partition_hash_parse(MR_SLICE("16955237001963240173058271559858726497"), &wanted));

    ck_assert(mr_partition_hash_of(MR_SLICE("a")) == wanted);
}
END_TEST

MR_SUITE("aws.kpl_aggregate", MR_TEST(an_aggregate_is_magic_tables_records_and_a_digest),
         MR_TEST(the_size_is_known_to_the_byte_before_a_record_is_added),
         MR_TEST_LOOP(a_hash_key_is_a_number_below_two_to_the_128,
                      (int)(sizeof(numbers) / sizeof(numbers[0]))),
         MR_TEST(a_key_belongs_where_its_md5_says))
