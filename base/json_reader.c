#include "base/json_reader.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { MAX_NUMBER = 512 }; /* digits of a number we turn into a double */

struct mr_json
mr_json_of(struct mr_slice text)
{
    return (struct mr_json){
        .start = text.data,
        .cursor = text.data,
        .end = text.size == 0 ? text.data : text.data + text.size,
    };
}

static bool
spoil(struct mr_json *json)
{
    json->bad = true;
    return false;
}

static void
skip_blanks(struct mr_json *json)
{
    while (json->cursor < json->end && (*json->cursor == ' ' || *json->cursor == '\n' ||
                                        *json->cursor == '\t' || *json->cursor == '\r')) {
        json->cursor++;
    }
}

enum mr_json_kind
mr_json_peek(struct mr_json *json)
{
    if (json->bad) {
        return MR_JSON_BAD;
    }
    skip_blanks(json);
    if (json->cursor >= json->end) {
        return MR_JSON_BAD;
    }
    switch (*json->cursor) {
    case '{':
        return MR_JSON_OBJECT;
    case '[':
        return MR_JSON_ARRAY;
    case '"':
        return MR_JSON_STRING;
    case 't':
        return MR_JSON_TRUE;
    case 'f':
        return MR_JSON_FALSE;
    case 'n':
        return MR_JSON_NULL;
    case '-':
    case '0' ... '9':
        return MR_JSON_NUMBER;
    default:
        return MR_JSON_BAD;
    }
}

static bool
in_object(const struct mr_json *json)
{
    return json->depth > 0 && (json->is_object >> (json->depth - 1) & 1) != 0;
}

static bool
in_array(const struct mr_json *json)
{
    return json->depth > 0 && !in_object(json);
}

bool
mr_json_enter(struct mr_json *json)
{
    enum mr_json_kind kind = mr_json_peek(json);
    if ((kind != MR_JSON_OBJECT && kind != MR_JSON_ARRAY) || json->depth >= MR_JSON_MAX_DEPTH) {
        return spoil(json);
    }
    uint64_t bit = (uint64_t)1 << json->depth;
    json->is_object = kind == MR_JSON_OBJECT ? json->is_object | bit : json->is_object & ~bit;
    json->depth++;
    json->first = true;
    json->cursor++;
    return true;
}

/* Stand before the next member, or behind the closing bracket, which ends the container. */
static bool
advance(struct mr_json *json, uint8_t close)
{
    if (json->bad) {
        return false;
    }
    skip_blanks(json);
    if (json->cursor >= json->end) {
        return spoil(json);
    }
    if (*json->cursor == close) {
        json->cursor++;
        json->depth--;
        json->first = false;
        return false;
    }
    if (!json->first) {
        if (*json->cursor != ',') {
            return spoil(json);
        }
        json->cursor++;
        skip_blanks(json);
    }
    json->first = false;
    return true;
}

bool
mr_json_next_element(struct mr_json *json)
{
    if (!in_array(json)) {
        return spoil(json);
    }
    return advance(json, ']');
}

bool
mr_json_next_key(struct mr_json *json, struct mr_slice *out_raw_key)
{
    if (!in_object(json)) {
        return spoil(json);
    }
    if (!advance(json, '}')) {
        return false;
    }
    struct mr_slice key;
    if (!mr_json_string_raw(json, &key)) {
        return spoil(json);
    }
    skip_blanks(json);
    if (json->cursor >= json->end || *json->cursor != ':') {
        return spoil(json);
    }
    json->cursor++;
    *out_raw_key = key;
    return true;
}

/* ---- strings ---- */

/* The first byte at or behind `at` that ends or interrupts plain ASCII text. */
static const uint8_t *
skip_plain(const uint8_t *at, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* Signed: bytes of 0x80 and up are below a blank too, so they stop us as well. */
        __m128i stop = _mm_or_si128(
            _mm_cmplt_epi8(bytes, space),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)));
        int mask = _mm_movemask_epi8(stop);
        if (mask != 0) {
            return at + __builtin_ctz((unsigned)mask);
        }
    }
#endif
    while (at < end && *at >= ' ' && *at < 0x80 && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

/* Past one character that is not ASCII, or NULL when it is not UTF-8. */
static const uint8_t *
skip_utf8(const uint8_t *at, const uint8_t *end)
{
    size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    if ((size_t)(end - at) < size || !mr_slice_is_utf8(mr_slice_of(at, size))) {
        return NULL;
    }
    return at + size;
}

static int
hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hex digits at `at`, or -1. */
static int
hex4(const uint8_t *at, const uint8_t *end)
{
    int value = 0;
    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/* Past the escape at `at` (a backslash), or NULL when it is none. */
static const uint8_t *
skip_escape(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 2) {
        return NULL;
    }
    if (at[1] == 'u') {
        return hex4(at + 2, end) < 0 ? NULL : at + 6;
    }
    return strchr("\"\\/bfnrt", at[1]) != NULL && at[1] != '\0' ? at + 2 : NULL;
}

bool
mr_json_string_raw(struct mr_json *json, struct mr_slice *out_raw)
{
    if (mr_json_peek(json) != MR_JSON_STRING) {
        return false;
    }
    const uint8_t *begin = json->cursor + 1;
    const uint8_t *at = begin;
    for (;;) {
        at = skip_plain(at, json->end);
        if (at >= json->end || *at < ' ') {
            return spoil(json);
        }
        if (*at == '"') {
            *out_raw = mr_slice_of(begin, (size_t)(at - begin));
            json->cursor = at + 1;
            return true;
        }
        at = *at == '\\' ? skip_escape(at, json->end) : skip_utf8(at, json->end);
        if (at == NULL) {
            return spoil(json);
        }
    }
}

static uint8_t *
put_utf8(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (uint8_t)code;
    } else if (code < 0x800) {
        *out++ = (uint8_t)(0xc0 | code >> 6);
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (uint8_t)(0xe0 | code >> 12);
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        *out++ = (uint8_t)(0xf0 | code >> 18);
        *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Behind the \uXXXX at `at`, two of them when they are a surrogate pair; writes the character.
 */
static const uint8_t *
unescape_unicode(const uint8_t *at, const uint8_t *end, uint8_t **out)
{
    int code = hex4(at + 2, end);
    at += 6;
    if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        int low = hex4(at + 2, end);
        if (low >= 0xdc00 && low < 0xe000) {
            uint32_t high_bits = (uint32_t)(code - 0xd800) << 10;
            *out = put_utf8(*out, 0x10000 + high_bits + (uint32_t)(low - 0xdc00));
            return at + 6;
        }
    }
    bool lone = code < 0 || (code >= 0xd800 && code < 0xe000);
    *out = put_utf8(*out, lone ? 0xfffd : (uint32_t)code);
    return at;
}

static uint8_t
simple_escape(uint8_t c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* Unescaping never lengthens: six characters become at most three bytes. */
struct mr_slice
mr_json_unescape(struct mr_slice raw, struct mr_arena *arena)
{
    ptrdiff_t slash = mr_slice_find(raw, '\\');
    if (slash < 0) {
        return raw;
    }
    uint8_t *text = mr_arena_alloc(arena, raw.size);
    memcpy(text, raw.data, (size_t)slash);
    uint8_t *out = text + slash;
    const uint8_t *end = raw.data + raw.size;
    for (const uint8_t *at = raw.data + slash; at < end;) {
        if (*at != '\\' || end - at < 2) {
            *out++ = *at++;
        } else if (at[1] == 'u' && end - at >= 6) {
            at = unescape_unicode(at, end, &out);
        } else {
            *out++ = simple_escape(at[1]);
            at += 2;
        }
    }
    return mr_slice_of(text, (size_t)(out - text));
}

bool
mr_json_string(struct mr_json *json, struct mr_arena *arena, struct mr_slice *out_text)
{
    struct mr_slice raw;
    if (!mr_json_string_raw(json, &raw)) {
        return false;
    }
    *out_text = mr_json_unescape(raw, arena);
    return true;
}

/* ---- numbers and words ---- */

static const uint8_t *
skip_digits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* Past a number as RFC 8259 spells it, or NULL. */
static const uint8_t *
skip_number(const uint8_t *at, const uint8_t *end)
{
    if (at < end && *at == '-') {
        at++;
    }
    const uint8_t *digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at - digits > 1)) {
        return NULL;
    }
    if (at < end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, end);
        if (at == digits) {
            return NULL;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) {
            at++;
        }
        digits = at;
        at = skip_digits(at, end);
        if (at == digits) {
            return NULL;
        }
    }
    return at;
}

static bool
take_word(struct mr_json *json, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(json->end - json->cursor) < size || memcmp(json->cursor, word, size) != 0) {
        return spoil(json);
    }
    json->cursor += size;
    return true;
}

static bool
take_number(struct mr_json *json, struct mr_slice *out_raw)
{
    const uint8_t *end = skip_number(json->cursor, json->end);
    if (end == NULL) {
        return spoil(json);
    }
    *out_raw = mr_slice_of(json->cursor, (size_t)(end - json->cursor));
    json->cursor = end;
    return true;
}

bool
mr_json_i64(struct mr_json *json, int64_t *out_value)
{
    struct mr_slice raw;
    const uint8_t *before = json->cursor;
    if (mr_json_peek(json) != MR_JSON_NUMBER || !take_number(json, &raw)) {
        return false;
    }
    if (!mr_slice_to_i64(raw, out_value)) {
        json->cursor = before;
        return false;
    }
    return true;
}

bool
mr_json_f64(struct mr_json *json, double *out_value)
{
    struct mr_slice raw;
    char text[MAX_NUMBER];
    const uint8_t *before = json->cursor;
    if (mr_json_peek(json) != MR_JSON_NUMBER || !take_number(json, &raw)) {
        return false;
    }
    if (raw.size >= sizeof(text)) {
        json->cursor = before;
        return false;
    }
    memcpy(text, raw.data, raw.size);
    text[raw.size] = '\0';
    double value = strtod(text, NULL);
    if (!isfinite(value)) {
        json->cursor = before;
        return false;
    }
    *out_value = value;
    return true;
}

bool
mr_json_bool(struct mr_json *json, bool *out_value)
{
    enum mr_json_kind kind = mr_json_peek(json);
    if (kind != MR_JSON_TRUE && kind != MR_JSON_FALSE) {
        return false;
    }
    if (!take_word(json, kind == MR_JSON_TRUE ? "true" : "false")) {
        return false;
    }
    *out_value = kind == MR_JSON_TRUE;
    return true;
}

bool
mr_json_null(struct mr_json *json)
{
    return mr_json_peek(json) == MR_JSON_NULL && take_word(json, "null");
}

/* ---- whole values ---- */

static bool
skip_scalar(struct mr_json *json)
{
    struct mr_slice raw;
    switch (mr_json_peek(json)) {
    case MR_JSON_STRING:
        return mr_json_string_raw(json, &raw);
    case MR_JSON_NUMBER:
        return take_number(json, &raw);
    case MR_JSON_TRUE:
        return take_word(json, "true");
    case MR_JSON_FALSE:
        return take_word(json, "false");
    case MR_JSON_NULL:
        return take_word(json, "null");
    default:
        return spoil(json);
    }
}

/* Not recursive: the reader itself knows what it is in. */
bool
mr_json_skip(struct mr_json *json)
{
    unsigned outside = json->depth;
    struct mr_slice key;
    do {
        if (json->depth > outside &&
            !(in_object(json) ? mr_json_next_key(json, &key) : mr_json_next_element(json))) {
            continue; /* a container ended, or the text is bad */
        }
        enum mr_json_kind kind = mr_json_peek(json);
        if (kind == MR_JSON_OBJECT || kind == MR_JSON_ARRAY) {
            mr_json_enter(json);
        } else {
            skip_scalar(json);
        }
    } while (!json->bad && json->depth > outside);
    return !json->bad;
}

bool
mr_json_raw(struct mr_json *json, struct mr_slice *out_raw)
{
    if (mr_json_peek(json) == MR_JSON_BAD) {
        return spoil(json);
    }
    const uint8_t *begin = json->cursor;
    if (!mr_json_skip(json)) {
        return false;
    }
    *out_raw = mr_slice_of(begin, (size_t)(json->cursor - begin));
    return true;
}

bool
mr_json_done(struct mr_json *json)
{
    if (json->bad || json->depth > 0) {
        return false;
    }
    skip_blanks(json);
    return json->cursor == json->end;
}

size_t
mr_json_offset(const struct mr_json *json)
{
    return (size_t)(json->cursor - json->start);
}

bool
mr_json_valid(struct mr_slice text)
{
    struct mr_json json = mr_json_of(text);
    return mr_json_skip(&json) && mr_json_done(&json);
}
