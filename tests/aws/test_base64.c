#include <stdlib.h>

#include "aws/base64.h"
#include "base/random.h"
#include "tests/suite.h"

static const struct {
    const char *data, *text;
} known[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
    { "\xff\xef\xbe", "/+++" },
};

START_TEST(known_texts_encode_and_decode)
{
    uint8_t out[16];
    struct mr_slice data = mr_slice_str(known[_i].data), text = mr_slice_str(known[_i].text);

    size_t size = mr_base64_encode(data, out);
    ck_assert(mr_slice_eq(mr_slice_of(out, size), text));

    ssize_t back = mr_base64_decode(text, out, NULL);
    ck_assert(mr_slice_eq(mr_slice_of(out, (size_t)back), data));
    ck_assert_uint_eq(mr_base64_decoded_size(text), data.size);
}
END_TEST

START_TEST(every_length_survives_the_round_trip)
{
    struct mr_random random;
    mr_random_init_seed(&random, 7);

    for (size_t size = 0; size < 700; size++) {
        uint8_t data[700], back[704];
        mr_random_bytes(&random, data, size);
        /* Exact allocations, so that a sanitizer sees a byte too many. */
        uint8_t *text = malloc(mr_base64_encoded_size(size) + 1);
        ck_assert_uint_eq(mr_base64_encode(mr_slice_of(data, size), text),
                          mr_base64_encoded_size(size));
        uint8_t *out = malloc(mr_base64_decoded_max(mr_base64_encoded_size(size)) + 1);
        ssize_t got =
            mr_base64_decode(mr_slice_of(text, mr_base64_encoded_size(size)), out, NULL);
        ck_assert_int_eq(got, (ssize_t)size);
        memcpy(back, out, size);
        ck_assert_int_eq(memcmp(back, data, size), 0);
        free(text);
        free(out);
    }
}
END_TEST

static const struct {
    const char *text;
    enum mr_base64_fault fault;
    char character;
} refused[] = {
    { "A", MR_BASE64_LENGTH, 0 },
    { "AAAAA", MR_BASE64_LENGTH, 0 },
    { "=AAA", MR_BASE64_CHARACTER, '=' },
    { "A=A=", MR_BASE64_CHARACTER, '=' },
    { "AA*=", MR_BASE64_CHARACTER, '*' },
    { "+-==", MR_BASE64_CHARACTER, '-' },
    { "AAA\xc3", MR_BASE64_CHARACTER, '\xc3' },
    { "+/+=", MR_BASE64_LAST, 0 },
    { "A/==", MR_BASE64_LAST, 0 },
    { "====", MR_BASE64_LAST, 0 },
    { "AA==AAAA", MR_BASE64_CHARACTER, '=' },
    { "AAAA====", MR_BASE64_LAST, 0 },
};

START_TEST(what_aws_refuses_is_refused_with_its_kind)
{
    uint8_t out[16];
    struct mr_base64_error error = { 0 };

    ssize_t got = mr_base64_decode(mr_slice_str(refused[_i].text), out, &error);

    ck_assert_int_eq(got, -1);
    ck_assert_int_eq(error.fault, refused[_i].fault);
    ck_assert_uint_eq(error.character, (uint8_t)refused[_i].character);
}
END_TEST

START_TEST(a_bad_character_is_found_anywhere_in_a_long_text)
{
    uint8_t text[400], out[304];

    for (size_t at = 0; at < sizeof(text); at++) {
        for (unsigned c = 0; c < 256; c++) {
            struct mr_base64_error error = { 0 };
            memset(text, 'Q', sizeof(text));
            text[at] = (uint8_t)c;
            bool alphabet = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                            (c >= '0' && c <= '9') || c == '+' || c == '/';
            ssize_t got = mr_base64_decode(mr_slice_of(text, sizeof(text)), out, &error);
            if (at == sizeof(text) - 1 && c == '=') {
                continue; /* padding, with bits left over or not */
            }
            ck_assert_int_eq(got >= 0, alphabet);
            ck_assert(alphabet || error.character == c);
        }
    }
}
END_TEST

MR_SUITE("aws.base64",
         MR_TEST_LOOP(known_texts_encode_and_decode, sizeof(known) / sizeof(known[0])),
         MR_TEST(every_length_survives_the_round_trip),
         MR_TEST_LOOP(what_aws_refuses_is_refused_with_its_kind,
                      sizeof(refused) / sizeof(refused[0])),
         MR_TEST(a_bad_character_is_found_anywhere_in_a_long_text))
