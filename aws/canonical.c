#include "aws/canonical.h"

#include <ctype.h>
#include <stdlib.h>

static bool
unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

void
mr_canonical_encode(struct mr_buf *buf, struct mr_slice text, bool keep_slash)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (unreserved(c) || (keep_slash && c == '/')) {
            mr_buf_append_byte(buf, c);
        } else {
            const char escaped[3] = { '%', hex[c >> 4], hex[c & 15] };
            mr_buf_append(buf, escaped, sizeof(escaped));
        }
    }
}

static int
hex_value(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

struct mr_slice
mr_canonical_decode(struct mr_slice text, struct mr_arena *arena)
{
    uint8_t *out = mr_arena_alloc(arena, text.size + 1);
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '%' && i + 2 < text.size && hex_value(text.data[i + 1]) >= 0 &&
            hex_value(text.data[i + 2]) >= 0) {
            out[size++] =
                (uint8_t)(hex_value(text.data[i + 1]) << 4 | hex_value(text.data[i + 2]));
            i += 2;
        } else {
            out[size++] = text.data[i];
        }
    }
    return mr_slice_of(out, size);
}

/* Empty and "." segments fall out, ".." takes the one before with it. */
static void
append_path(struct mr_buf *buf, const struct mr_sigv4_request *request)
{
    if (request->plain_path) {
        mr_buf_append_slice(buf, request->path.size == 0 ? MR_SLICE("/") : request->path);
        return;
    }
    mr_auto_buf struct mr_buf path = { 0 };
    struct mr_slice rest = request->path;
    bool ends_open =
        request->path.size == 0 || request->path.data[request->path.size - 1] == '/';

    while (rest.data != NULL) {
        struct mr_slice segment = mr_slice_cut(&rest, '/');
        if (segment.size == 0 || mr_slice_is(segment, ".")) {
            continue;
        }
        if (mr_slice_is(segment, "..")) {
            while (path.size > 0 && path.data[--path.size] != '/') {
            }
            continue;
        }
        mr_buf_append_byte(&path, '/');
        mr_buf_append_slice(&path, segment);
    }
    if (ends_open || path.size == 0) {
        mr_buf_append_byte(&path, '/');
    }
    mr_canonical_encode(buf, mr_buf_slice(&path), true);
}

struct pair {
    struct mr_slice name, value;
};

static int
compare_pairs(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    int order = mr_slice_compare(a->name, b->name);
    return order != 0 ? order : mr_slice_compare(a->value, b->value);
}

static struct mr_slice
reencode(struct mr_slice text, struct mr_arena *arena)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    mr_canonical_encode(&buf, mr_canonical_decode(text, arena), false);
    return mr_arena_copy(arena, mr_buf_slice(&buf));
}

static void
append_query(struct mr_buf *buf, struct mr_slice query, struct mr_arena *arena)
{
    size_t count = 0, capacity = 1;
    for (size_t i = 0; i < query.size; i++) {
        capacity += query.data[i] == '&';
    }
    struct pair *pairs = mr_arena_alloc(arena, capacity * sizeof(*pairs));

    for (struct mr_slice rest = query; rest.data != NULL;) {
        struct mr_slice value = mr_slice_cut(&rest, '&');
        if (value.size == 0) {
            continue;
        }
        struct mr_slice name = mr_slice_cut(&value, '=');
        if (mr_slice_is(name, "X-Amz-Signature")) {
            continue;
        }
        pairs[count++] = (struct pair){ reencode(name, arena), reencode(value, arena) };
    }
    qsort(pairs, count, sizeof(*pairs), compare_pairs);
    for (size_t i = 0; i < count; i++) {
        mr_buf_append_str(buf, i == 0 ? "" : "&");
        mr_buf_append_slice(buf, pairs[i].name);
        mr_buf_append_byte(buf, '=');
        mr_buf_append_slice(buf, pairs[i].value);
    }
}

/* Outer blanks gone, inner runs of blanks become one. */
static void
append_value(struct mr_buf *buf, struct mr_slice value)
{
    value = mr_slice_trim(value);
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == ' ' && i > 0 && value.data[i - 1] == ' ') {
            continue;
        }
        mr_buf_append_byte(buf, value.data[i]);
    }
}

static void
append_header(struct mr_buf *buf, const struct mr_sigv4_request *request, struct mr_slice name)
{
    bool found = false;

    mr_buf_append_slice(buf, name);
    mr_buf_append_byte(buf, ':');
    for (size_t i = 0; i < request->header_count; i++) {
        if (mr_slice_eq_nocase(request->headers[i].name, name)) {
            mr_buf_append_str(buf, found ? "," : "");
            append_value(buf, request->headers[i].value);
            found = true;
        }
    }
    mr_buf_append_byte(buf, '\n');
}

static int
compare_slices(const void *left, const void *right)
{
    const struct mr_slice *a = left, *b = right;
    return mr_slice_compare(*a, *b);
}

struct mr_slice
mr_canonical_header_names(const struct mr_sigv4_request *request, struct mr_arena *arena)
{
    struct mr_slice *names =
        mr_arena_alloc(arena, (request->header_count + 1) * sizeof(*names));
    mr_auto_buf struct mr_buf buf = { 0 };

    for (size_t i = 0; i < request->header_count; i++) {
        struct mr_slice name = request->headers[i].name;
        uint8_t *lower = mr_arena_alloc(arena, name.size + 1);
        for (size_t k = 0; k < name.size; k++) {
            lower[k] = (uint8_t)tolower(name.data[k]);
        }
        names[i] = mr_slice_of(lower, name.size);
    }
    qsort(names, request->header_count, sizeof(*names), compare_slices);
    for (size_t i = 0; i < request->header_count; i++) {
        if (i > 0 && mr_slice_eq(names[i], names[i - 1])) {
            continue;
        }
        mr_buf_append_str(&buf, buf.size == 0 ? "" : ";");
        mr_buf_append_slice(&buf, names[i]);
    }
    return mr_arena_copy(arena, mr_buf_slice(&buf));
}

static void
append_payload_digest(struct mr_buf *buf, const struct mr_sigv4_request *request)
{
    char hex[MR_SHA256_HEX];

    if (request->unsigned_payload) {
        mr_buf_append_str(buf, "UNSIGNED-PAYLOAD");
        return;
    }
    mr_sha256_hex(request->body, hex);
    mr_buf_append(buf, hex, sizeof(hex));
}

void
mr_canonical_request(struct mr_buf *buf, const struct mr_sigv4_request *request,
                     struct mr_slice signed_headers, struct mr_arena *arena)
{
    mr_buf_append_slice(buf, request->method);
    mr_buf_append_byte(buf, '\n');
    append_path(buf, request);
    mr_buf_append_byte(buf, '\n');
    append_query(buf, request->query, arena);
    mr_buf_append_byte(buf, '\n');
    for (struct mr_slice rest = signed_headers; rest.data != NULL;) {
        append_header(buf, request, mr_slice_cut(&rest, ';'));
    }
    mr_buf_append_byte(buf, '\n');
    mr_buf_append_slice(buf, signed_headers);
    mr_buf_append_byte(buf, '\n');
    append_payload_digest(buf, request);
}
