#include "internal.h"

#include <stdlib.h>

enum { MAX_DEPTH = 128 };

struct mr_reader
mr_read(struct mr_str json)
{
    return (struct mr_reader){ json.data, json.data == NULL ? NULL : json.data + json.size, 0,
                               true, json.data == NULL };
}

static void
blanks(struct mr_reader *r)
{
    while (r->cursor < r->end && (*r->cursor == ' ' || *r->cursor == '\n' ||
                                  *r->cursor == '\t' || *r->cursor == '\r')) {
        r->cursor++;
    }
}

static bool
spoil(struct mr_reader *r)
{
    r->bad = true;
    return false;
}

enum mr_kind
mr_read_peek(struct mr_reader *r)
{
    if (r->bad) {
        return MR_KIND_END;
    }
    blanks(r);
    if (r->cursor >= r->end) {
        return MR_KIND_END;
    }
    switch (*r->cursor) {
    case '{':
        return MR_KIND_OBJECT;
    case '[':
        return MR_KIND_ARRAY;
    case '"':
        return MR_KIND_STRING;
    case 't':
        return MR_KIND_TRUE;
    case 'f':
        return MR_KIND_FALSE;
    case 'n':
        return MR_KIND_NULL;
    case '-':
    case '0' ... '9':
        return MR_KIND_NUMBER;
    default:
        r->bad = true;
        return MR_KIND_END;
    }
}

bool
mr_read_enter(struct mr_reader *r)
{
    enum mr_kind kind = mr_read_peek(r);
    if ((kind != MR_KIND_OBJECT && kind != MR_KIND_ARRAY) || r->depth >= MAX_DEPTH) {
        return spoil(r);
    }
    r->cursor++;
    r->depth++;
    r->first = true;
    return true;
}

/* Past the comma before the next member, or past the closing `close`. */
static bool
advance(struct mr_reader *r, char close)
{
    if (r->bad || r->depth == 0) {
        return spoil(r);
    }
    blanks(r);
    if (r->cursor >= r->end) {
        return spoil(r);
    }
    if (*r->cursor == close) {
        r->cursor++;
        r->depth--;
        r->first = false;
        return false;
    }
    if (!r->first) {
        if (*r->cursor != ',') {
            return spoil(r);
        }
        r->cursor++;
        blanks(r);
    }
    r->first = false;
    return true;
}

bool
mr_read_element(struct mr_reader *r)
{
    return advance(r, ']');
}

struct mr_str
mr_read_string_raw(struct mr_reader *r)
{
    if (mr_read_peek(r) != MR_KIND_STRING) {
        r->bad = true;
        return (struct mr_str){ NULL, 0 };
    }
    const char *begin = ++r->cursor;
    for (const char *from = begin;;) {
        const char *quote = memchr(from, '"', (size_t)(r->end - from));
        if (quote == NULL) {
            r->bad = true;
            return (struct mr_str){ NULL, 0 };
        }
        size_t slashes = 0;
        while (quote - slashes > from && quote[-1 - (ptrdiff_t)slashes] == '\\') {
            slashes++;
        }
        if (slashes % 2 == 0) {
            r->cursor = quote + 1;
            return (struct mr_str){ begin, (size_t)(quote - begin) };
        }
        from = quote + 1;
    }
}

bool
mr_read_key(struct mr_reader *r, struct mr_str *out_key)
{
    if (!advance(r, '}')) {
        return false;
    }
    struct mr_str key = mr_read_string_raw(r);
    blanks(r);
    if (r->bad || r->cursor >= r->end || *r->cursor != ':') {
        return spoil(r);
    }
    r->cursor++;
    *out_key = key;
    return true;
}

static void
skip_container(struct mr_reader *r)
{
    int outside = r->depth;
    mr_read_enter(r);
    while (!r->bad && r->depth > outside) {
        blanks(r);
        if (r->cursor >= r->end) {
            r->bad = true;
            return;
        }
        char c = *r->cursor;
        if (c == '"') {
            mr_read_string_raw(r);
            continue;
        }
        r->cursor++;
        if (c == '{' || c == '[') {
            r->depth++;
            r->bad = r->depth > MAX_DEPTH;
        } else if (c == '}' || c == ']') {
            r->depth--;
        }
    }
    r->first = false;
}

static void
skip_scalar(struct mr_reader *r)
{
    while (r->cursor < r->end && *r->cursor != ',' && *r->cursor != ']' && *r->cursor != '}' &&
           (unsigned char)*r->cursor > ' ') {
        r->cursor++;
    }
}

void
mr_read_skip(struct mr_reader *r)
{
    switch (mr_read_peek(r)) {
    case MR_KIND_OBJECT:
    case MR_KIND_ARRAY:
        skip_container(r);
        break;
    case MR_KIND_STRING:
        mr_read_string_raw(r);
        break;
    case MR_KIND_END:
        r->bad = true;
        break;
    default:
        skip_scalar(r);
    }
}

struct mr_str
mr_read_raw(struct mr_reader *r)
{
    if (mr_read_peek(r) == MR_KIND_END) {
        r->bad = true;
        return (struct mr_str){ NULL, 0 };
    }
    const char *begin = r->cursor;
    mr_read_skip(r);
    return r->bad ? (struct mr_str){ NULL, 0 }
                  : (struct mr_str){ begin, (size_t)(r->cursor - begin) };
}

static int
hex4(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static char *
put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* Past \uXXXX at `at` (behind the u); a pair of surrogates is one character, a lone one U+FFFD.
 */
static const char *
unescape_unicode(const char *at, const char *end, char **out)
{
    int code = hex4(at, end);
    if (code < 0) {
        *out = put_utf8(*out, 0xfffd);
        return at;
    }
    at += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        int low = hex4(at + 2, end);
        if (low >= 0xdc00 && low < 0xe000) {
            *out = put_utf8(*out, 0x10000u + ((unsigned)(code - 0xd800) << 10) +
                                      (unsigned)(low - 0xdc00));
            return at + 6;
        }
    }
    *out = put_utf8(*out, code >= 0xd800 && code < 0xe000 ? 0xfffdu : (unsigned)code);
    return at;
}

/* Unescaping never makes text longer. */
static struct mr_str
unescape(struct mr_ctx *ctx, struct mr_str raw)
{
    if (raw.data == NULL || memchr(raw.data, '\\', raw.size) == NULL) {
        return raw;
    }
    char *text = mr_alloc_in(ctx, raw.size + 1);
    char *out = text;
    const char *end = raw.data + raw.size;
    for (const char *at = raw.data; at < end;) {
        if (*at != '\\' || at + 1 >= end) {
            *out++ = *at++;
            continue;
        }
        char c = at[1];
        at += 2;
        switch (c) {
        case 'b':
            *out++ = '\b';
            break;
        case 'f':
            *out++ = '\f';
            break;
        case 'n':
            *out++ = '\n';
            break;
        case 'r':
            *out++ = '\r';
            break;
        case 't':
            *out++ = '\t';
            break;
        case 'u':
            at = unescape_unicode(at, end, &out);
            break;
        default:
            *out++ = c;
        }
    }
    return (struct mr_str){ text, (size_t)(out - text) };
}

struct mr_str
mr_read_string(struct mr_ctx *ctx, struct mr_reader *r)
{
    return unescape(ctx, mr_read_string_raw(r));
}

struct mr_str
mr_text(struct mr_ctx *ctx, struct mr_str raw)
{
    if (raw.size < 2 || raw.data[0] != '"' || raw.data[raw.size - 1] != '"') {
        return (struct mr_str){ NULL, 0 };
    }
    return unescape(ctx, (struct mr_str){ raw.data + 1, raw.size - 2 });
}

/* The digits of a number as a C string; numbers longer than any we can hold are cut off. */
static bool
number_text(struct mr_reader *r, char out_text[64])
{
    if (mr_read_peek(r) != MR_KIND_NUMBER) {
        return false;
    }
    struct mr_str raw = mr_read_raw(r);
    if (raw.data == NULL || raw.size >= 64) {
        return false;
    }
    memcpy(out_text, raw.data, raw.size);
    out_text[raw.size] = '\0';
    return true;
}

bool
mr_read_i64(struct mr_reader *r, int64_t *out_value)
{
    char text[64];
    if (!number_text(r, text)) {
        return false;
    }
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0') {
        return false;
    }
    *out_value = value;
    return true;
}

bool
mr_read_f64(struct mr_reader *r, double *out_value)
{
    char text[64];
    if (!number_text(r, text)) {
        return false;
    }
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0') {
        return false;
    }
    *out_value = value;
    return true;
}

bool
mr_read_bool(struct mr_reader *r, bool *out_value)
{
    enum mr_kind kind = mr_read_peek(r);
    if (kind != MR_KIND_TRUE && kind != MR_KIND_FALSE) {
        return false;
    }
    mr_read_skip(r);
    *out_value = kind == MR_KIND_TRUE;
    return true;
}

static struct mr_str
member(struct mr_str object, struct mr_str name)
{
    struct mr_reader r = mr_read(object);
    if (mr_read_peek(&r) == MR_KIND_OBJECT && mr_read_enter(&r)) {
        struct mr_str key;
        while (mr_read_key(&r, &key)) {
            if (mr_str_eq(key, name)) {
                return mr_read_raw(&r);
            }
            mr_read_skip(&r);
        }
    }
    return (struct mr_str){ NULL, 0 };
}

static struct mr_str
element(struct mr_str array, size_t index)
{
    struct mr_reader r = mr_read(array);
    if (mr_read_peek(&r) == MR_KIND_ARRAY && mr_read_enter(&r)) {
        for (size_t i = 0; mr_read_element(&r); i++) {
            if (i == index) {
                return mr_read_raw(&r);
            }
            mr_read_skip(&r);
        }
    }
    return (struct mr_str){ NULL, 0 };
}

struct mr_str
mr_find(struct mr_str json, const char *path)
{
    while (*path != '\0' && json.data != NULL) {
        if (*path == '[') {
            char *end;
            unsigned long index = strtoul(path + 1, &end, 10);
            if (end == path + 1 || *end != ']') {
                return (struct mr_str){ NULL, 0 };
            }
            json = element(json, index);
            path = end + 1;
        } else {
            size_t size = strcspn(path, ".[");
            json = member(json, (struct mr_str){ path, size });
            path += size;
        }
        if (*path == '.') {
            path++;
        }
    }
    return json;
}
