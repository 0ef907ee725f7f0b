#include "aws/xml.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ENTITY = 10 }; /* "&#x10FFFF;" */

/* Where `needle` begins in `text` at or behind `from`, or -1. */
static ptrdiff_t
find(struct mr_slice text, size_t from, struct mr_slice needle)
{
    struct mr_slice rest = mr_slice_from(text, from);
    const uint8_t *found =
        rest.size == 0 ? NULL : memmem(rest.data, rest.size, needle.data, needle.size);
    return found == NULL ? -1 : found - text.data;
}

static size_t
put_utf8(uint8_t *out, unsigned long code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

/* Decodes what stands between '&' and ';'. 0 when it is no entity we know. */
static size_t
put_entity(uint8_t *out, struct mr_slice name)
{
    static const struct {
        const char *name;
        uint8_t byte;
    } named[] = {
        { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' }
    };
    char digits[MAX_ENTITY + 1] = { 0 };
    char *end;

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (mr_slice_is(name, named[i].name)) {
            out[0] = named[i].byte;
            return 1;
        }
    }
    if (name.size < 2 || name.data[0] != '#') {
        return 0;
    }
    bool hex = name.data[1] == 'x';
    memcpy(digits, name.data + 1 + hex, name.size - 1 - hex);
    unsigned long code = strtoul(digits, &end, hex ? 16 : 10);
    bool sound = *end == '\0' && end != digits && code > 0 && code <= 0x10ffff &&
                 !(code >= 0xd800 && code < 0xe000);
    return sound ? put_utf8(out, code) : 0;
}

static struct mr_slice
decode(struct mr_slice raw, struct mr_arena *arena)
{
    if (raw.size == 0 || memchr(raw.data, '&', raw.size) == NULL) {
        return raw;
    }
    uint8_t *out = mr_arena_alloc(arena, raw.size + 4);
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        struct mr_slice rest = mr_slice_first(mr_slice_from(raw, i + 1), MAX_ENTITY);
        ptrdiff_t end = raw.data[i] == '&' ? mr_slice_find(rest, ';') : -1;
        size_t put = end < 0 ? 0 : put_entity(out + size, mr_slice_first(rest, (size_t)end));
        if (put == 0) {
            out[size++] = raw.data[i];
        } else {
            size += put;
            i += (size_t)end + 1;
        }
    }
    return mr_slice_of(out, size);
}

struct mr_slice
mr_xml_text(struct mr_slice xml, const char *name, struct mr_arena *arena)
{
    struct mr_slice open = mr_slice_str(mr_arena_printf(arena, "<%s>", name));
    struct mr_slice close = mr_slice_str(mr_arena_printf(arena, "</%s>", name));

    ptrdiff_t at = find(xml, 0, open);
    if (at < 0) {
        return (struct mr_slice){ NULL, 0 };
    }
    size_t begin = (size_t)at + open.size;
    ptrdiff_t end = find(xml, begin, close);
    if (end < 0) {
        return (struct mr_slice){ NULL, 0 };
    }
    return decode(mr_slice_of(xml.data + begin, (size_t)end - begin), arena);
}
