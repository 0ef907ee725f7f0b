#include "stream/hash_key.h"

#include <string.h>

#include "tests/suite.h"

static mr_hash_key
key_of(const char *text)
{
    mr_hash_key key;
    ck_assert_msg(mr_hash_key_parse(mr_slice_str(text), &key), "%s", text);
    return key;
}

START_TEST(the_key_is_the_md5_read_as_one_big_number)
{
    char text[MR_HASH_KEY_TEXT_SIZE];

    /* md5("a") = 0cc175b9c0f1b6a831c399e269772661 */
    mr_hash_key_print(mr_hash_key_of(MR_SLICE("a")), text);

    ck_assert_str_eq(text, "16955237001963240173058271559858726497");
}
END_TEST

START_TEST(the_largest_key_is_read_and_one_more_is_not)
{
    mr_hash_key key;
    char text[MR_HASH_KEY_TEXT_SIZE];

    ck_assert(key_of("340282366920938463463374607431768211455") == MR_HASH_KEY_MAX);
    ck_assert(key_of("000000000000000000000000000000000000000000007") == 7);
    ck_assert_uint_eq(mr_hash_key_print(MR_HASH_KEY_MAX, text), 39);

    ck_assert(!mr_hash_key_parse(MR_SLICE("340282366920938463463374607431768211456"), &key));
    ck_assert(!mr_hash_key_parse(MR_SLICE("9402823669209384634633746074317682114550"), &key));
    ck_assert(!mr_hash_key_parse(MR_SLICE(""), &key));
    ck_assert(!mr_hash_key_parse(MR_SLICE("-1"), &key));
}
END_TEST

static const uint32_t counts[] = { 1, 2, 3, 4, 5, 7, 64, 1000, 10000 };

START_TEST(ranges_cover_everything_without_gaps)
{
    mr_hash_key expected = 0, start, end = 0;

    for (uint32_t i = 0; i < counts[_i]; i++) {
        mr_hash_key_range(i, counts[_i], &start, &end);
        ck_assert(start == expected);
        ck_assert(end >= start);
        expected = end + 1;
    }

    ck_assert(end == MR_HASH_KEY_MAX);
}
END_TEST

START_TEST(ranges_are_those_of_aws)
{
    mr_hash_key start, end;

    mr_hash_key_range(0, 3, &start, &end);
    ck_assert(end == key_of("113427455640312821154458202477256070484"));
    mr_hash_key_range(1, 2, &start, &end);
    ck_assert(start == key_of("170141183460469231731687303715884105728"));
}
END_TEST

static const struct {
    const char *text;
    bool fine;
    uint32_t index;
} ids[] = {
    { "shardId-000000000007", true, 7 },
    { "7", true, 7 },
    { "foo-00", true, 0 },
    { "shardId-2147483647", true, 2147483647 },
    { "shardId-2147483648", false, 0 },
    { "shardId-", false, 0 },
    { "", false, 0 },
    { "shardId-0x1", false, 0 },
};

START_TEST(a_shard_id_may_be_short)
{
    uint32_t index;

    ck_assert(mr_shard_id_parse(mr_slice_str(ids[_i].text), &index) == ids[_i].fine);

    if (ids[_i].fine) {
        ck_assert_uint_eq(index, ids[_i].index);
    }
}
END_TEST

START_TEST(a_shard_id_has_twelve_digits)
{
    char text[MR_SHARD_ID_TEXT_SIZE];

    ck_assert_uint_eq(mr_shard_id_print(42, text), 20);

    ck_assert_str_eq(text, "shardId-000000000042");
}
END_TEST

MR_SUITE("stream.hash_key", MR_TEST(the_key_is_the_md5_read_as_one_big_number),
         MR_TEST(the_largest_key_is_read_and_one_more_is_not),
         MR_TEST_LOOP(ranges_cover_everything_without_gaps, 9),
         MR_TEST(ranges_are_those_of_aws), MR_TEST_LOOP(a_shard_id_may_be_short, 8),
         MR_TEST(a_shard_id_has_twelve_digits))
