#include "base/arena.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "tests/suite.h"

static const struct {
    const char *text;
    bool valid;
} documents[] = {
    { "{}", true },
    { " [ 1 , -0.5e+3, true,false,null,\"\\u00e9\\n\", {\"a\":[]} ] ", true },
    { "\"\xc3\xa9\"", true },
    { "0", true },
    { "", false },
    { "01", false },
    { "1.", false },
    { "-", false },
    { ".5", false },
    { "1e", false },
    { "[1,]", false },
    { "[,1]", false },
    { "[1 2]", false },
    { "{\"a\":1,}", false },
    { "{\"a\" 1}", false },
    { "{a:1}", false },
    { "{\"a\":1]", false },
    { "[1}", false },
    { "[", false },
    { "{\"a\":", false },
    { "\"a", false },
    { "\"\\x\"", false },
    { "\"\\u12g4\"", false },
    { "\"\x01\"", false },
    { "\"\xff\"", false },
    { "\"\xe2\x82\"", false },
    { "tru", false },
    { "truex", false },
    { "nul", false },
    { "1 2", false },
    { "// no", false },
};

START_TEST(json_is_what_the_standard_says_and_nothing_more)
{
    ck_assert_msg(mr_json_valid(mr_slice_str(documents[_i].text)) == documents[_i].valid, "%s",
                  documents[_i].text);
}
END_TEST

START_TEST(text_that_is_too_deep_is_refused)
{
    char text[2 * MR_JSON_MAX_DEPTH + 3] = { 0 };
    memset(text, '[', MR_JSON_MAX_DEPTH);
    memset(text + MR_JSON_MAX_DEPTH, ']', MR_JSON_MAX_DEPTH);
    ck_assert(mr_json_valid(mr_slice_str(text)));

    memset(text, '[', MR_JSON_MAX_DEPTH + 1);
    memset(text + MR_JSON_MAX_DEPTH + 1, ']', MR_JSON_MAX_DEPTH + 1);

    ck_assert(!mr_json_valid(mr_slice_str(text)));
}
END_TEST

START_TEST(members_are_pulled_in_order_and_others_skipped)
{
    struct mr_json json = mr_json_of(
        MR_SLICE("{\"skip\":{\"deep\":[1,{\"x\":2}]},\"Data\":\"aGk=\",\"n\":-7,\"b\":true}"));
    struct mr_slice key, data = { 0 };
    int64_t n = 0;
    bool b = false;

    ck_assert(mr_json_enter(&json));
    while (mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "Data")) {
            ck_assert(mr_json_string_raw(&json, &data));
        } else if (mr_slice_is(key, "n")) {
            ck_assert(mr_json_i64(&json, &n));
        } else if (mr_slice_is(key, "b")) {
            ck_assert(mr_json_bool(&json, &b));
        } else {
            ck_assert(mr_json_skip(&json));
        }
    }

    ck_assert(mr_json_done(&json));
    ck_assert(mr_slice_is(data, "aGk="));
    ck_assert_int_eq(n, -7);
    ck_assert(b);
}
END_TEST

static const struct {
    const char *raw, *text;
} escapes[] = {
    { "plain", "plain" },
    { "a\\\"\\\\\\/\\b\\f\\n\\r\\tz", "a\"\\/\b\f\n\r\tz" },
    { "\\u00e9\\u20ac", "\xc3\xa9\xe2\x82\xac" },
    { "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
    { "\\ud83dx", "\xef\xbf\xbdx" },
    { "\\ude00", "\xef\xbf\xbd" },
    { "\\ud83d\\u0041", "\xef\xbf\xbd\x41" },
};

START_TEST(escapes_become_the_characters_they_name)
{
    mr_auto_arena struct mr_arena arena = { 0 };

    struct mr_slice text = mr_json_unescape(mr_slice_str(escapes[_i].raw), &arena);

    ck_assert(mr_slice_is(text, escapes[_i].text));
}
END_TEST

START_TEST(a_value_of_another_kind_is_left_standing)
{
    struct mr_json json = mr_json_of(MR_SLICE("1.5"));
    struct mr_slice text;
    int64_t whole;
    double number;

    ck_assert(!mr_json_string_raw(&json, &text));
    ck_assert(!mr_json_i64(&json, &whole));
    ck_assert(mr_json_f64(&json, &number));

    ck_assert_double_eq(number, 1.5);
    ck_assert(mr_json_done(&json));
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&buf);

    mr_json_begin_object(&json);
    mr_json_member_str(&json, "s", "q\"\\\n\x01\xc3\xa9");
    mr_json_key(&json, "l");
    mr_json_begin_array(&json);
    mr_json_put_i64(&json, INT64_MIN);
    mr_json_put_u64(&json, UINT64_MAX);
    mr_json_put_null(&json);
    mr_json_put_string(&json, MR_SLICE("\xff"));
    mr_json_end_array(&json);
    mr_json_member_bool(&json, "b", false);
    mr_json_end_object(&json);

    ck_assert_str_eq(mr_buf_cstr(&buf),
                     "{\"s\":\"q\\\"\\\\\\n\\u0001\xc3\xa9\",\"l\":[-9223372036854775808,"
                     "18446744073709551615,null,\"\xef\xbf\xbd\"],\"b\":false}");
    ck_assert(mr_json_valid(mr_buf_slice(&buf)));
}
END_TEST

static const struct {
    double value;
    const char *text;
} doubles[] = {
    { 0, "0" },
    { 1.5, "1.5" },
    { 0.1, "0.1" },
    { 1545084650.987, "1545084650.987" },
    { 1e20, "100000000000000000000" },
    { -3, "-3" },
    { 1.0 / 3, "0.3333333333333333" },
};

START_TEST(a_double_is_written_as_short_as_it_reads_back)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&buf);

    mr_json_put_f64(&json, doubles[_i].value);

    ck_assert_str_eq(mr_buf_cstr(&buf), doubles[_i].text);
}
END_TEST

static const struct {
    uint64_t ms;
    const char *text;
} times[] = { { 1545084650987, "1545084650.987" },
              { 1545084650900, "1545084650.9" },
              { 1545084650000, "1545084650" },
              { 1545084650007, "1545084650.007" },
              { 1545084650070, "1545084650.07" } };

START_TEST(seconds_carry_no_needless_zeros)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&buf);

    mr_json_put_seconds(&json, times[_i].ms);

    ck_assert_str_eq(mr_buf_cstr(&buf), times[_i].text);
}
END_TEST

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

MR_SUITE("base.json",
         MR_TEST_LOOP(json_is_what_the_standard_says_and_nothing_more, ROWS(documents)),
         MR_TEST(text_that_is_too_deep_is_refused),
         MR_TEST(members_are_pulled_in_order_and_others_skipped),
         MR_TEST_LOOP(escapes_become_the_characters_they_name, ROWS(escapes)),
         MR_TEST(a_value_of_another_kind_is_left_standing), MR_TEST(what_is_written_reads_back),
         MR_TEST_LOOP(a_double_is_written_as_short_as_it_reads_back, ROWS(doubles)),
         MR_TEST_LOOP(seconds_carry_no_needless_zeros, ROWS(times)))
