#include "base/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

struct mr_json_writer
mr_json_writer_on(struct mr_buf *buf)
{
    return (struct mr_json_writer){ .buf = buf };
}

static void
comma(struct mr_json_writer *json)
{
    if (json->comma) {
        mr_buf_append_byte(json->buf, ',');
    }
    json->comma = true;
}

static void
begin(struct mr_json_writer *json, uint8_t bracket)
{
    comma(json);
    mr_buf_append_byte(json->buf, bracket);
    json->comma = false;
    json->depth++;
}

static void
end(struct mr_json_writer *json, uint8_t bracket)
{
    mr_assert(json->depth > 0);
    mr_buf_append_byte(json->buf, bracket);
    json->comma = true;
    json->depth--;
}

void
mr_json_begin_object(struct mr_json_writer *json)
{
    begin(json, '{');
}

void
mr_json_end_object(struct mr_json_writer *json)
{
    end(json, '}');
}

void
mr_json_begin_array(struct mr_json_writer *json)
{
    begin(json, '[');
}

void
mr_json_end_array(struct mr_json_writer *json)
{
    end(json, ']');
}

static const char *
escape_of(uint8_t byte, char scratch[8])
{
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        snprintf(scratch, 8, "\\u%04x", byte);
        return scratch;
    }
}

/* Bytes of the UTF-8 character at `at`, or 0. */
static size_t
character_size(const uint8_t *at, size_t left)
{
    size_t size = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
    return size <= left && mr_slice_is_utf8(mr_slice_of(at, size)) ? size : 0;
}

void
mr_json_escape(struct mr_buf *buf, struct mr_slice text)
{
    size_t plain = 0; /* from here on nothing was written yet */
    for (size_t i = 0; i < text.size;) {
        uint8_t byte = text.data[i];
        if (byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\') {
            i++;
            continue;
        }
        size_t size = byte >= 0x80 ? character_size(text.data + i, text.size - i) : 0;
        if (size > 0) {
            i += size;
            continue;
        }
        char scratch[8];
        mr_buf_append(buf, text.data + plain, i - plain);
        mr_buf_append_str(buf, byte >= 0x80 ? "\xef\xbf\xbd" : escape_of(byte, scratch));
        plain = ++i;
    }
    if (text.size > plain) {
        mr_buf_append(buf, text.data + plain, text.size - plain);
    }
}

static void
quoted(struct mr_json_writer *json, struct mr_slice text)
{
    mr_buf_append_byte(json->buf, '"');
    mr_json_escape(json->buf, text);
    mr_buf_append_byte(json->buf, '"');
}

void
mr_json_key(struct mr_json_writer *json, const char *name)
{
    comma(json);
    mr_buf_append_byte(json->buf, '"');
    mr_buf_append_str(json->buf, name);
    mr_buf_append(json->buf, "\":", 2);
    json->comma = false;
}

void
mr_json_key_slice(struct mr_json_writer *json, struct mr_slice name)
{
    comma(json);
    quoted(json, name);
    mr_buf_append_byte(json->buf, ':');
    json->comma = false;
}

void
mr_json_put_string(struct mr_json_writer *json, struct mr_slice text)
{
    comma(json);
    quoted(json, text);
}

void
mr_json_put_str(struct mr_json_writer *json, const char *text)
{
    mr_json_put_string(json, mr_slice_str(text));
}

void
mr_json_put_i64(struct mr_json_writer *json, int64_t value)
{
    comma(json);
    mr_buf_printf(json->buf, "%" PRId64, value);
}

void
mr_json_put_u64(struct mr_json_writer *json, uint64_t value)
{
    comma(json);
    mr_buf_printf(json->buf, "%" PRIu64, value);
}

void
mr_json_put_bool(struct mr_json_writer *json, bool value)
{
    comma(json);
    mr_buf_append_str(json->buf, value ? "true" : "false");
}

void
mr_json_put_null(struct mr_json_writer *json)
{
    comma(json);
    mr_buf_append_str(json->buf, "null");
}

void
mr_json_put_f64(struct mr_json_writer *json, double value)
{
    char text[64];
    if (!isfinite(value)) {
        mr_json_put_null(json); /* JSON has no other word for it */
        return;
    }
    comma(json);
    if (fabs(value) < 1e21 && value == trunc(value)) {
        mr_buf_printf(json->buf, "%.0f", value);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    mr_buf_append_str(json->buf, text);
}

void
mr_json_put_seconds(struct mr_json_writer *json, uint64_t unix_ms)
{
    unsigned rest = (unsigned)(unix_ms % 1000);
    comma(json);
    mr_buf_printf(json->buf, "%" PRIu64, unix_ms / 1000);
    if (rest % 10 != 0) {
        mr_buf_printf(json->buf, ".%03u", rest);
    } else if (rest % 100 != 0) {
        mr_buf_printf(json->buf, ".%02u", rest / 10);
    } else if (rest != 0) {
        mr_buf_printf(json->buf, ".%u", rest / 100);
    }
}

void
mr_json_put_raw(struct mr_json_writer *json, struct mr_slice raw)
{
    comma(json);
    mr_buf_append_slice(json->buf, raw);
}

void
mr_json_member_string(struct mr_json_writer *json, const char *name, struct mr_slice text)
{
    mr_json_key(json, name);
    mr_json_put_string(json, text);
}

void
mr_json_member_str(struct mr_json_writer *json, const char *name, const char *text)
{
    mr_json_member_string(json, name, mr_slice_str(text));
}

void
mr_json_member_i64(struct mr_json_writer *json, const char *name, int64_t value)
{
    mr_json_key(json, name);
    mr_json_put_i64(json, value);
}

void
mr_json_member_bool(struct mr_json_writer *json, const char *name, bool value)
{
    mr_json_key(json, name);
    mr_json_put_bool(json, value);
}
