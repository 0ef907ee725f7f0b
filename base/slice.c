#include "base/slice.h"

#include "base/alloc.h"

static uint8_t
lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

bool
mr_slice_eq_nocase(struct mr_slice a, struct mr_slice b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

int
mr_slice_compare(struct mr_slice a, struct mr_slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

ptrdiff_t
mr_slice_find(struct mr_slice slice, uint8_t byte)
{
    const uint8_t *found = slice.size == 0 ? NULL : memchr(slice.data, byte, slice.size);
    return found == NULL ? -1 : found - slice.data;
}

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

struct mr_slice
mr_slice_trim(struct mr_slice slice)
{
    while (slice.size > 0 && is_blank(slice.data[0])) {
        slice.data++;
        slice.size--;
    }
    while (slice.size > 0 && is_blank(slice.data[slice.size - 1])) {
        slice.size--;
    }
    return slice;
}

struct mr_slice
mr_slice_cut(struct mr_slice *rest, uint8_t separator)
{
    struct mr_slice whole = *rest;
    ptrdiff_t at = mr_slice_find(whole, separator);
    if (at < 0) {
        *rest = (struct mr_slice){ NULL, 0 };
        return whole;
    }
    *rest = mr_slice_of(whole.data + at + 1, whole.size - (size_t)at - 1);
    return mr_slice_first(whole, (size_t)at);
}

bool
mr_slice_to_u64(struct mr_slice slice, uint64_t *out_value)
{
    if (slice.size == 0) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < slice.size; i++) {
        unsigned digit = (unsigned)slice.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out_value = value;
    return true;
}

bool
mr_slice_to_i64(struct mr_slice slice, int64_t *out_value)
{
    bool negative = slice.size > 0 && slice.data[0] == '-';
    uint64_t magnitude;
    if (!mr_slice_to_u64(mr_slice_from(slice, negative ? 1 : 0), &magnitude) ||
        magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *out_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

char *
mr_slice_dup(struct mr_slice slice)
{
    char *copy = mr_alloc(slice.size + 1);
    if (slice.size > 0) {
        memcpy(copy, slice.data, slice.size);
    }
    copy[slice.size] = '\0';
    return copy;
}

/* How many bytes the character at `at` has, or 0 when it is not one. */
static size_t
utf8_length(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || length > left) {
        return 0;
    }
    /* The second byte's range rules out overlong forms, surrogates and > U+10FFFF. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool
mr_slice_is_utf8(struct mr_slice slice)
{
    for (size_t at = 0; at < slice.size;) {
        size_t length = utf8_length(slice.data + at, slice.size - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}
