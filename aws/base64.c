#include "aws/base64.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { BAD = 0xFF };

/* What each character stands for; BAD outside the alphabet ('=' too). */
#define ROW_BAD BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
static const uint8_t values[256] = {
    /* clang-format off */
    ROW_BAD, ROW_BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62, BAD, BAD, BAD, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, BAD,
    BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
    ROW_BAD, ROW_BAD, ROW_BAD, ROW_BAD, ROW_BAD, ROW_BAD, ROW_BAD, ROW_BAD,
    /* clang-format on */
};

#if defined(__x86_64__)

static bool
have_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

/*
 * 24 bytes become 32 characters a round: the six-bit groups are moved into place by two
 * multiplications, then turned into letters by an offset that a shuffle picks per range.
 * Reads 4 bytes before the 24, so the first round is left to the table.
 */
__attribute__((target("avx2"))) static size_t
encode_avx2(const uint8_t *data, size_t size, uint8_t *out)
{
    const __m256i spread =
        _mm256_setr_epi8(5, 4, 6, 5, 8, 7, 9, 8, 11, 10, 12, 11, 14, 13, 15, 14, 1, 0, 2, 1, 4,
                         3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m256i offsets =
        _mm256_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                         '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0,
                         'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                         '0' - 52, '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
    size_t done = 0;

    while (size - done >= 28) {
        __m256i in = _mm256_loadu_si256((const __m256i *)(const void *)(data + done - 4));
        in = _mm256_shuffle_epi8(in, spread);
        __m256i high = _mm256_mulhi_epu16(_mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00)),
                                          _mm256_set1_epi32(0x04000040));
        __m256i low = _mm256_mullo_epi16(_mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0)),
                                         _mm256_set1_epi32(0x01000010));
        __m256i groups = _mm256_or_si256(high, low);
        __m256i range = _mm256_subs_epu8(groups, _mm256_set1_epi8(51));
        __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), groups);
        range = _mm256_or_si256(range, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
        __m256i text = _mm256_add_epi8(groups, _mm256_shuffle_epi8(offsets, range));
        _mm256_storeu_si256((__m256i *)(void *)(out + done / 3 * 4), text);
        done += 24;
    }
    return done;
}

/*
 * 32 characters become 24 bytes a round. Two shuffles by the halves of each character answer
 * "is it in the alphabet" with one AND; a third gives the offset of its range. Stops at the
 * first round with anything else in it and leaves that to the table.
 */
__attribute__((target("avx2"))) static size_t
decode_avx2(const uint8_t *text, size_t size, uint8_t *out)
{
    const __m256i bad_low =
        _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A,
                         0x1B, 0x1B, 0x1B, 0x1A, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                         0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
    const __m256i bad_high =
        _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08,
                         0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i offsets =
        _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 19, 4,
                         -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i pack =
        _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5,
                         4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m256i join = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    size_t done = 0;

    /* 48: a round stores 32 bytes for its 24, and those 8 must belong to `out`. */
    while (size - done >= 48) {
        __m256i in = _mm256_loadu_si256((const __m256i *)(const void *)(text + done));
        __m256i high = _mm256_and_si256(_mm256_srli_epi32(in, 4), nibble);
        __m256i low = _mm256_and_si256(in, nibble);
        if (!_mm256_testz_si256(_mm256_shuffle_epi8(bad_low, low),
                                _mm256_shuffle_epi8(bad_high, high))) {
            break;
        }
        __m256i slash = _mm256_cmpeq_epi8(in, _mm256_set1_epi8('/'));
        __m256i groups =
            _mm256_add_epi8(in, _mm256_shuffle_epi8(offsets, _mm256_add_epi8(slash, high)));
        __m256i pairs = _mm256_maddubs_epi16(groups, _mm256_set1_epi32(0x01400140));
        __m256i words = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
        words = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(words, pack), join);
        _mm256_storeu_si256((__m256i *)(void *)(out + done / 4 * 3), words);
        done += 32;
    }
    return done;
}

#endif

size_t
mr_base64_encode(struct mr_slice data, uint8_t *out)
{
    const uint8_t *in = data.data;
    size_t at = 0;
    uint8_t *to = out;

#define PUT(word)                                     \
    do {                                              \
        *to++ = (uint8_t)alphabet[(word) >> 18 & 63]; \
        *to++ = (uint8_t)alphabet[(word) >> 12 & 63]; \
        *to++ = (uint8_t)alphabet[(word) >> 6 & 63];  \
        *to++ = (uint8_t)alphabet[(word)&63];         \
    } while (0)
#define TAKE() ((uint32_t)in[at] << 16 | (uint32_t)in[at + 1] << 8 | in[at + 2])

#if defined(__x86_64__)
    if (data.size >= 64 && have_avx2()) {
        for (; at < 6; at += 3) {
            PUT(TAKE());
        }
        size_t done = encode_avx2(in + at, data.size - at, to);
        at += done;
        to += done / 3 * 4;
    }
#endif
    for (; data.size - at >= 3; at += 3) {
        PUT(TAKE());
    }
    if (data.size - at == 2) {
        uint32_t word = (uint32_t)in[at] << 16 | (uint32_t)in[at + 1] << 8;
        PUT(word);
        to[-1] = '=';
    } else if (data.size - at == 1) {
        uint32_t word = (uint32_t)in[at] << 16;
        PUT(word);
        to[-1] = to[-2] = '=';
    }
    return (size_t)(to - out);
#undef PUT
#undef TAKE
}

void
mr_base64_append(struct mr_buf *buf, struct mr_slice data)
{
    uint8_t *out = mr_buf_reserve(buf, mr_base64_encoded_size(data.size));
    buf->size += mr_base64_encode(data, out);
}

size_t
mr_base64_decoded_size(struct mr_slice text)
{
    size_t size = mr_base64_decoded_max(text.size);
    for (size_t i = 0; i < 2 && i < text.size && text.data[text.size - 1 - i] == '='; i++) {
        size -= size > 0;
    }
    return size;
}

static ssize_t
refuse(struct mr_base64_error *out_error, enum mr_base64_fault fault, uint8_t character)
{
    if (out_error != NULL) {
        *out_error = (struct mr_base64_error){ .fault = fault, .character = character };
    }
    return -1;
}

/* Names the first character AWS would name: outside the alphabet, or a '=' followed by
 * something else. What is left is padding where the last character should be. */
static ssize_t
complain(struct mr_slice text, size_t from, struct mr_base64_error *out_error)
{
    for (size_t i = from; i < text.size; i++) {
        if (text.data[i] == '=') {
            if (i + 1 < text.size && text.data[i + 1] != '=') {
                return refuse(out_error, MR_BASE64_CHARACTER, '=');
            }
        } else if (values[text.data[i]] == BAD) {
            return refuse(out_error, MR_BASE64_CHARACTER, text.data[i]);
        }
    }
    return refuse(out_error, MR_BASE64_LAST, 0);
}

/* The last four characters, which alone may hold padding. */
static ssize_t
decode_last(struct mr_slice text, size_t at, uint8_t *to)
{
    const uint8_t *in = text.data + at;
    uint8_t a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];

    if ((a | b) >= 64) {
        return -1;
    }
    to[0] = (uint8_t)(a << 2 | b >> 4);
    if (in[3] != '=') {
        if ((c | d) >= 64) {
            return -1;
        }
        to[1] = (uint8_t)(b << 4 | c >> 2);
        to[2] = (uint8_t)(c << 6 | d);
        return 3;
    }
    if (in[2] == '=') {
        return (b & 15) == 0 ? 1 : -1;
    }
    if (c >= 64 || (c & 3) != 0) {
        return -1;
    }
    to[1] = (uint8_t)(b << 4 | c >> 2);
    return 2;
}

ssize_t
mr_base64_decode(struct mr_slice text, uint8_t *out, struct mr_base64_error *out_error)
{
    if (text.size % 4 != 0) {
        return refuse(out_error, MR_BASE64_LENGTH, 0);
    }
    if (text.size == 0) {
        return 0;
    }
    size_t at = 0;
#if defined(__x86_64__)
    if (text.size >= 48 && have_avx2()) {
        at = decode_avx2(text.data, text.size, out);
    }
#endif
    uint8_t *to = out + at / 4 * 3;
    for (; at + 4 < text.size; at += 4, to += 3) {
        const uint8_t *in = text.data + at;
        uint8_t a = values[in[0]], b = values[in[1]], c = values[in[2]], d = values[in[3]];
        if ((a | b | c | d) >= 64) {
            return complain(text, at, out_error);
        }
        to[0] = (uint8_t)(a << 2 | b >> 4);
        to[1] = (uint8_t)(b << 4 | c >> 2);
        to[2] = (uint8_t)(c << 6 | d);
    }
    ssize_t last = decode_last(text, at, to);
    return last < 0 ? complain(text, at, out_error) : to - out + last;
}
