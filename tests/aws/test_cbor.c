#include <math.h>

#include "aws/cbor.h"
#include "tests/suite.h"

#define BYTES(...) \
    mr_slice_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

START_TEST(what_is_written_is_read)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_slice key, text;
    int64_t number;
    double real;
    bool flag;

    mr_cbor_begin_map(&buf);
    mr_cbor_put_str(&buf, "n");
    mr_cbor_put_i64(&buf, -70000);
    mr_cbor_put_str(&buf, "b");
    mr_cbor_put_bytes(&buf, BYTES(1, 2, 3));
    mr_cbor_put_str(&buf, "f");
    mr_cbor_put_f64(&buf, 1.5);
    mr_cbor_put_str(&buf, "t");
    mr_cbor_put_timestamp(&buf, 1700000000123);
    mr_cbor_put_str(&buf, "l");
    mr_cbor_put_array(&buf, 2);
    mr_cbor_put_bool(&buf, true);
    mr_cbor_put_null(&buf);
    mr_cbor_end(&buf);

    struct mr_cbor cbor = mr_cbor_of(mr_buf_slice(&buf));
    ck_assert(mr_cbor_enter(&cbor));
    ck_assert(mr_cbor_next_key(&cbor, &arena, &key) && mr_slice_is(key, "n"));
    ck_assert(mr_cbor_i64(&cbor, &number) && number == -70000);
    ck_assert(mr_cbor_next_key(&cbor, &arena, &key));
    ck_assert(mr_cbor_bytes(&cbor, &arena, &text) && text.size == 3);
    ck_assert(mr_cbor_next_key(&cbor, &arena, &key));
    ck_assert(mr_cbor_f64(&cbor, &real) && real == 1.5);
    ck_assert(mr_cbor_next_key(&cbor, &arena, &key));
    ck_assert(mr_cbor_timestamp(&cbor, &number) && number == 1700000000123);
    ck_assert(mr_cbor_next_key(&cbor, &arena, &key));
    ck_assert(mr_cbor_enter(&cbor) && mr_cbor_next_element(&cbor));
    ck_assert(mr_cbor_bool(&cbor, &flag) && flag);
    ck_assert(mr_cbor_next_element(&cbor) && mr_cbor_null(&cbor));
    ck_assert(!mr_cbor_next_element(&cbor));
    ck_assert(!mr_cbor_next_key(&cbor, &arena, &key));
    ck_assert(mr_cbor_done(&cbor));
}
END_TEST

START_TEST(chunked_strings_are_put_together)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice text;
    struct mr_cbor cbor = mr_cbor_of(BYTES(0x7f, 0x62, 'a', 'b', 0x61, 'c', 0xff));

    ck_assert(mr_cbor_text(&cbor, &arena, &text));
    ck_assert(mr_slice_is(text, "abc"));
    ck_assert(mr_cbor_done(&cbor));
}
END_TEST

START_TEST(half_single_and_double_floats_are_read)
{
    double value;
    struct mr_cbor half = mr_cbor_of(BYTES(0xf9, 0x3e, 0x00));
    struct mr_cbor single = mr_cbor_of(BYTES(0xfa, 0x3f, 0xc0, 0, 0));
    struct mr_cbor tiny = mr_cbor_of(BYTES(0xf9, 0x00, 0x01));

    ck_assert(mr_cbor_f64(&half, &value) && value == 1.5);
    ck_assert(mr_cbor_f64(&single, &value) && value == 1.5);
    ck_assert(mr_cbor_f64(&tiny, &value) && value == ldexp(1, -24));
}
END_TEST

START_TEST(a_timestamp_as_a_float_is_in_seconds)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    int64_t ms;
    mr_buf_append_byte(&buf, 0xc1);
    mr_cbor_put_f64(&buf, 1700000000.25);

    struct mr_cbor cbor = mr_cbor_of(mr_buf_slice(&buf));

    ck_assert(mr_cbor_timestamp(&cbor, &ms));
    ck_assert_int_eq(ms, 1700000000250);
}
END_TEST

static const struct {
    uint8_t bytes[8];
    size_t size;
} hostile[] = {
    { { 0 }, 0 },
    { { 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8 }, /* a string of 2^64 bytes */
    { { 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8 },
    { { 0xbf, 0x61, 'a', 0xff }, 4 }, /* a key without a value */
    { { 0x82, 0x01 }, 2 },
    { { 0x1c }, 1 }, /* a reserved length */
    { { 0xff }, 1 },
    { { 0x7f, 0x41, 'a', 0xff }, 4 }, /* bytes among text chunks */
    { { 0x7f, 0x61, 'a' }, 3 },
    { { 0xc1 }, 1 },
    { { 0xf8, 0x10 }, 2 }, /* a simple value nobody assigned */
};

START_TEST(what_is_not_cbor_spoils_the_reader)
{
    struct mr_cbor cbor = mr_cbor_of(mr_slice_of(hostile[_i].bytes, hostile[_i].size));

    ck_assert(!mr_cbor_skip(&cbor));
    ck_assert(!mr_cbor_done(&cbor));
}
END_TEST

START_TEST(nesting_has_an_end)
{
    uint8_t deep[200];
    memset(deep, 0x81, sizeof(deep));
    struct mr_cbor cbor = mr_cbor_of(mr_slice_of(deep, sizeof(deep)));

    ck_assert(!mr_cbor_skip(&cbor));
}
END_TEST

START_TEST(a_wrong_kind_takes_nothing)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_cbor cbor = mr_cbor_of(BYTES(0x61, 'a'));
    struct mr_slice text;
    int64_t number;
    bool flag;

    ck_assert(!mr_cbor_i64(&cbor, &number));
    ck_assert(!mr_cbor_bool(&cbor, &flag));
    ck_assert(!mr_cbor_bytes(&cbor, &arena, &text));
    ck_assert(mr_cbor_text(&cbor, &arena, &text));
}
END_TEST

MR_SUITE("aws.cbor", MR_TEST(what_is_written_is_read),
         MR_TEST(chunked_strings_are_put_together),
         MR_TEST(half_single_and_double_floats_are_read),
         MR_TEST(a_timestamp_as_a_float_is_in_seconds),
         MR_TEST_LOOP(what_is_not_cbor_spoils_the_reader, sizeof(hostile) / sizeof(hostile[0])),
         MR_TEST(nesting_has_an_end), MR_TEST(a_wrong_kind_takes_nothing))
