#include "internal.h"

#include <math.h>
#include <stdio.h>

struct mr_writer
mr_write(struct mr_ctx *ctx)
{
    return (struct mr_writer){ .ctx = ctx };
}

static char *
room_for(struct mr_writer *w, size_t extra)
{
    if (w->capacity - w->size < extra) {
        size_t capacity = w->capacity * 2 + extra + 256;
        char *data = mr_alloc_in(w->ctx, capacity);
        if (w->size > 0) {
            memcpy(data, w->data, w->size);
        }
        w->data = data;
        w->capacity = capacity;
    }
    return w->data + w->size;
}

static void
put(struct mr_writer *w, const char *data, size_t size)
{
    char *out = room_for(w, size);
    if (size > 0) {
        memcpy(out, data, size);
        w->size += size;
    }
}

static void
comma(struct mr_writer *w)
{
    if (w->comma) {
        put(w, ",", 1);
    }
    w->comma = true;
}

static void
open(struct mr_writer *w, const char *bracket)
{
    comma(w);
    put(w, bracket, 1);
    w->comma = false;
}

static void
end(struct mr_writer *w, const char *bracket)
{
    put(w, bracket, 1);
    w->comma = true;
}

void
mr_write_object(struct mr_writer *w)
{
    open(w, "{");
}

void
mr_write_array(struct mr_writer *w)
{
    open(w, "[");
}

void
mr_write_end_object(struct mr_writer *w)
{
    end(w, "}");
}

void
mr_write_end_array(struct mr_writer *w)
{
    end(w, "]");
}

/* The escape of `c`, or NULL when it stands for itself. */
static const char *
escape_of(unsigned char c, char scratch[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        if (c >= 0x20) {
            return NULL;
        }
        snprintf(scratch, 8, "\\u%04x", c);
        return scratch;
    }
}

static void
escaped(struct mr_writer *w, struct mr_str text)
{
    size_t plain = 0;
    put(w, "\"", 1);
    for (size_t i = 0; i < text.size; i++) {
        char scratch[8];
        const char *escape = escape_of((unsigned char)text.data[i], scratch);
        if (escape != NULL) {
            put(w, text.data + plain, i - plain);
            put(w, escape, strlen(escape));
            plain = i + 1;
        }
    }
    put(w, text.data == NULL ? "" : text.data + plain, text.size - plain);
    put(w, "\"", 1);
}

void
bytes_append_json(struct bytes *bytes, struct mr_str text)
{
    bytes_append(bytes, "\"", 1);
    for (size_t i = 0; i < text.size; i++) {
        char scratch[8];
        const char *escape = escape_of((unsigned char)text.data[i], scratch);
        bytes_append(bytes, escape == NULL ? &text.data[i] : escape,
                     escape == NULL ? 1 : strlen(escape));
    }
    bytes_append(bytes, "\"", 1);
}

void
mr_write_key(struct mr_writer *w, struct mr_str key)
{
    comma(w);
    escaped(w, key);
    put(w, ":", 1);
    w->comma = false;
}

void
mr_write_string(struct mr_writer *w, struct mr_str text)
{
    comma(w);
    escaped(w, text);
}

void
mr_write_raw(struct mr_writer *w, struct mr_str json)
{
    comma(w);
    put(w, json.data, json.size);
}

void
mr_write_i64(struct mr_writer *w, int64_t value)
{
    char text[32];
    comma(w);
    put(w, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value));
}

void
mr_write_f64(struct mr_writer *w, double value)
{
    char text[40];
    if (!isfinite(value)) {
        mr_write_null(w); /* JSON has no other word for it */
        return;
    }
    comma(w);
    put(w, text, (size_t)snprintf(text, sizeof(text), "%.17g", value));
}

void
mr_write_bool(struct mr_writer *w, bool value)
{
    comma(w);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

void
mr_write_null(struct mr_writer *w)
{
    comma(w);
    put(w, "null", 4);
}

struct mr_str
mr_written(const struct mr_writer *w)
{
    return (struct mr_str){ w->data, w->size };
}

int
mr_write_respond(struct mr_writer *w)
{
    return mr_respond(w->ctx, mr_written(w), NULL);
}
