#include "stream/sequence_number.h"

#include <string.h>

/*
 * A number of up to 192 bits, least significant word first. Words of 32 bits
 * keep multiplication and division by a small number in 64-bit arithmetic.
 */
enum { WORDS = 6, HEX_DIGITS_2 = 47, HEX_DIGITS_0 = 32 };

struct wide {
    uint32_t word[WORDS];
};

/* False on overflow. */
static bool
multiply_add(struct wide *wide, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;

    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)wide->word[i] * factor;
        wide->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return carry == 0;
}

static uint32_t
divide(struct wide *wide, uint32_t divisor)
{
    uint64_t rest = 0;

    for (int i = WORDS - 1; i >= 0; i--) {
        rest = rest << 32 | wide->word[i];
        wide->word[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint32_t)rest;
}

static int
hex_digits(const struct wide *wide)
{
    for (int i = WORDS * 8 - 1; i >= 0; i--) {
        if ((wide->word[i / 8] >> (i % 8 * 4) & 15) != 0) {
            return i + 1;
        }
    }
    return 0;
}

/* `count` hex digits of a number of `digits` digits, beginning at digit `at` from the left. */
static uint64_t
take(const struct wide *wide, int digits, int at, int count)
{
    uint64_t value = 0;

    for (int i = 0; i < count; i++) {
        int place = digits - 1 - (at + i);
        value = value << 4 | (wide->word[place / 8] >> (place % 8 * 4) & 15);
    }
    return value;
}

/* Append `count` hex digits of `value` on the right. */
static void
push(struct wide *wide, uint64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        (void)multiply_add(wide, 16, (uint32_t)(value >> (i * 4) & 15));
    }
}

static struct wide
widen(const struct mr_sequence_number *number)
{
    struct wide wide = { { 0 } };

    push(&wide, number->version == 0 ? 1 : 2, 1);
    push(&wide, number->created_s, 9);
    if (number->version == 2) {
        push(&wide, number->shard & 15, 1);
        push(&wide, number->index, 16);
        push(&wide, 0, 2);
        push(&wide, number->time_s, 9);
        push(&wide, number->shard, 8);
        push(&wide, 2, 1);
    } else if (number->version == 1) {
        push(&wide, number->shard & 15, 1);
        push(&wide, number->byte1, 2);
        push(&wide, number->time_s, 9);
        push(&wide, number->random, 14);
        push(&wide, number->low_index, 2);
        push(&wide, number->shard, 8);
        push(&wide, 1, 1);
    } else {
        push(&wide, number->byte1, 2);
        push(&wide, number->index, 16);
        push(&wide, number->shard, 4);
    }
    return wide;
}

int
mr_sequence_compare(const struct mr_sequence_number *a, const struct mr_sequence_number *b)
{
    struct wide left = widen(a), right = widen(b);

    for (int i = WORDS - 1; i >= 0; i--) {
        if (left.word[i] != right.word[i]) {
            return left.word[i] < right.word[i] ? -1 : 1;
        }
    }
    return 0;
}

struct mr_sequence_number
mr_sequence_next(const struct mr_sequence_number *number)
{
    struct mr_sequence_number next = *number;

    if (next.index < (uint64_t)MR_SEQUENCE_INDEX_END) {
        next.index++;
    }
    return next;
}

size_t
mr_sequence_print(const struct mr_sequence_number *number, char out_text[MR_SEQUENCE_TEXT_SIZE])
{
    /*
     * Version 2 straight into words, for it is printed with every record: from
     * the right 1 + 8 + 9 + 2 digits, the index, 1 + 9 + 1 digits.
     */
    struct wide wide;
    if (number->version == 2) {
        uint64_t time_s = number->time_s & 0xfffffffff;
        wide.word[0] = 2 | number->shard << 4;
        wide.word[1] = number->shard >> 28 | (uint32_t)(time_s << 4);
        wide.word[2] = (uint32_t)(time_s >> 28) | (uint32_t)(number->index << 16);
        wide.word[3] = (uint32_t)(number->index >> 16);
        wide.word[4] = (uint32_t)(number->index >> 48) | (number->shard & 15) << 16 |
                       (uint32_t)(number->created_s << 20);
        wide.word[5] = (uint32_t)(number->created_s >> 12) & 0xffffff;
        wide.word[5] |= 2u << 24;
    } else {
        wide = widen(number);
    }
    char digits[72];
    size_t size = sizeof(digits);
    while (hex_digits(&wide) > 0 || size == sizeof(digits)) {
        uint32_t part = divide(&wide, 1000000000);
        for (int i = 0; i < 9; i++) {
            digits[--size] = (char)('0' + part % 10);
            part /= 10;
        }
    }
    while (size < sizeof(digits) - 1 && digits[size] == '0') {
        size++;
    }
    size_t length = sizeof(digits) - size;
    memcpy(out_text, digits + size, length);
    out_text[length] = '\0';
    return length;
}

static bool
parse_version_0(const struct wide *wide, struct mr_sequence_number *out)
{
    *out = (struct mr_sequence_number){
        .version = 0,
        .created_s = take(wide, HEX_DIGITS_0, 1, 9),
        .byte1 = (uint8_t)take(wide, HEX_DIGITS_0, 10, 2),
        .index = take(wide, HEX_DIGITS_0, 12, 16),
        .shard = (uint32_t)take(wide, HEX_DIGITS_0, 28, 4),
    };
    return true;
}

static bool
parse_version_1(const struct wide *wide, struct mr_sequence_number *out)
{
    *out = (struct mr_sequence_number){
        .version = 1,
        .created_s = take(wide, HEX_DIGITS_2, 1, 9),
        .byte1 = (uint8_t)take(wide, HEX_DIGITS_2, 11, 2),
        .time_s = take(wide, HEX_DIGITS_2, 13, 9),
        .random = take(wide, HEX_DIGITS_2, 22, 14),
        .low_index = (uint8_t)take(wide, HEX_DIGITS_2, 36, 2),
        .shard = (uint32_t)take(wide, HEX_DIGITS_2, 38, 8),
    };
    return true;
}

static bool
parse_version_2(const struct wide *wide, struct mr_sequence_number *out)
{
    *out = mr_sequence_of(take(wide, HEX_DIGITS_2, 1, 9),
                          (uint32_t)take(wide, HEX_DIGITS_2, 38, 8),
                          take(wide, HEX_DIGITS_2, 11, 16), take(wide, HEX_DIGITS_2, 29, 9));
    return out->index <= (uint64_t)MR_SEQUENCE_INDEX_END;
}

static bool
parse_digits(const struct wide *wide, struct mr_sequence_number *out)
{
    int digits = hex_digits(wide);
    uint64_t first = digits == 0 ? 0 : take(wide, digits, 0, 1);

    if (digits == HEX_DIGITS_0 && first == 1) {
        return parse_version_0(wide, out);
    }
    if (digits != HEX_DIGITS_2 || first != 2) {
        return false;
    }
    switch (take(wide, HEX_DIGITS_2, 46, 1)) {
    case 1:
        return parse_version_1(wide, out);
    case 2:
        return parse_version_2(wide, out);
    default:
        return false;
    }
}

bool
mr_sequence_parse(struct mr_slice text, struct mr_sequence_number *out_number)
{
    struct wide wide = { { 0 } };

    if (text.size == 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || !multiply_add(&wide, 10, digit)) {
            return false;
        }
    }
    if (hex_digits(&wide) < HEX_DIGITS_0) {
        wide.word[3] |= UINT32_C(1) << 28; /* 2^124 */
    }
    struct mr_sequence_number number;
    if (!parse_digits(&wide, &number) || number.created_s >= MR_SEQUENCE_SECONDS_LIMIT ||
        number.time_s >= MR_SEQUENCE_SECONDS_LIMIT) {
        return false;
    }
    *out_number = number;
    return true;
}
