#include "internal.h"

enum { OK = 0x80, VALUE = 0x3f };

/* A base64 character's value with OK set; 0 for anything else. */
static const unsigned char values[256] = {
    ['A'] = OK | 0,  ['B'] = OK | 1,  ['C'] = OK | 2,  ['D'] = OK | 3,  ['E'] = OK | 4,
    ['F'] = OK | 5,  ['G'] = OK | 6,  ['H'] = OK | 7,  ['I'] = OK | 8,  ['J'] = OK | 9,
    ['K'] = OK | 10, ['L'] = OK | 11, ['M'] = OK | 12, ['N'] = OK | 13, ['O'] = OK | 14,
    ['P'] = OK | 15, ['Q'] = OK | 16, ['R'] = OK | 17, ['S'] = OK | 18, ['T'] = OK | 19,
    ['U'] = OK | 20, ['V'] = OK | 21, ['W'] = OK | 22, ['X'] = OK | 23, ['Y'] = OK | 24,
    ['Z'] = OK | 25, ['a'] = OK | 26, ['b'] = OK | 27, ['c'] = OK | 28, ['d'] = OK | 29,
    ['e'] = OK | 30, ['f'] = OK | 31, ['g'] = OK | 32, ['h'] = OK | 33, ['i'] = OK | 34,
    ['j'] = OK | 35, ['k'] = OK | 36, ['l'] = OK | 37, ['m'] = OK | 38, ['n'] = OK | 39,
    ['o'] = OK | 40, ['p'] = OK | 41, ['q'] = OK | 42, ['r'] = OK | 43, ['s'] = OK | 44,
    ['t'] = OK | 45, ['u'] = OK | 46, ['v'] = OK | 47, ['w'] = OK | 48, ['x'] = OK | 49,
    ['y'] = OK | 50, ['z'] = OK | 51, ['0'] = OK | 52, ['1'] = OK | 53, ['2'] = OK | 54,
    ['3'] = OK | 55, ['4'] = OK | 56, ['5'] = OK | 57, ['6'] = OK | 58, ['7'] = OK | 59,
    ['8'] = OK | 60, ['9'] = OK | 61, ['+'] = OK | 62, ['/'] = OK | 63,
};

ptrdiff_t
mr_base64_into(struct mr_str text, void *out, size_t capacity)
{
    if (text.size % 4 != 0) {
        return -1;
    }
    size_t padding = 0;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=') {
        padding++;
    }
    size_t size = text.size / 4 * 3 - padding;
    if (size > capacity) {
        return -1;
    }

    const unsigned char *in = (const unsigned char *)text.data;
    unsigned char *to = out;
    size_t whole = padding == 0 ? text.size : text.size - 4;
    unsigned ok = OK;
    for (size_t i = 0; i < whole; i += 4) {
        unsigned a = values[in[i]], b = values[in[i + 1]];
        unsigned c = values[in[i + 2]], d = values[in[i + 3]];
        unsigned three = (a & VALUE) << 18 | (b & VALUE) << 12 | (c & VALUE) << 6 | (d & VALUE);
        ok &= a & b & c & d;
        *to++ = (unsigned char)(three >> 16);
        *to++ = (unsigned char)(three >> 8);
        *to++ = (unsigned char)three;
    }
    if (padding > 0) {
        unsigned a = values[in[whole]], b = values[in[whole + 1]];
        unsigned c = padding == 1 ? values[in[whole + 2]] : OK;
        ok &= a & b & c;
        *to++ = (unsigned char)(a << 2 | (b & VALUE) >> 4);
        if (padding == 1) {
            *to = (unsigned char)(b << 4 | (c & VALUE) >> 2);
        }
    }
    return (ok & OK) == 0 ? -1 : (ptrdiff_t)size;
}

struct mr_str
mr_base64(struct mr_ctx *ctx, struct mr_str base64)
{
    size_t room = MR_BASE64_MAX(base64.size);
    char *data = mr_alloc_in(ctx, room);
    ptrdiff_t size = mr_base64_into(base64, data, room);
    return size < 0 ? (struct mr_str){ NULL, 0 } : (struct mr_str){ data, (size_t)size };
}
