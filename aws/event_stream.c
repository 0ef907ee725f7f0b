#include "aws/event_stream.h"

#include <errno.h>
#include <zlib.h>

enum { PRELUDE = 12, TYPE_STRING = 7 };

/* Bytes of a value by header type; -1: a u16 length stands before it. */
static const int value_sizes[] = { 0, 0, 1, 2, 4, 8, -1, -1, 8, 16 };

static void
put_u32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

static uint32_t
get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static uint32_t
crc_of(const uint8_t *data, size_t size)
{
    return (uint32_t)crc32_z(0, data, size);
}

size_t
mr_event_stream_begin(struct mr_buf *buf, const struct mr_event_header *headers,
                      size_t header_count)
{
    size_t frame = buf->size;

    (void)mr_buf_reserve(buf, PRELUDE);
    buf->size += PRELUDE;
    for (size_t i = 0; i < header_count; i++) {
        mr_buf_append_byte(buf, (uint8_t)headers[i].name.size);
        mr_buf_append_slice(buf, headers[i].name);
        mr_buf_append_byte(buf, TYPE_STRING);
        mr_buf_append_byte(buf, (uint8_t)(headers[i].value.size >> 8));
        mr_buf_append_byte(buf, (uint8_t)headers[i].value.size);
        mr_buf_append_slice(buf, headers[i].value);
    }
    put_u32(buf->data + frame + 4, (uint32_t)(buf->size - frame - PRELUDE));
    return frame;
}

void
mr_event_stream_end(struct mr_buf *buf, size_t frame)
{
    uint8_t *tail = mr_buf_reserve(buf, 4);
    uint8_t *start = buf->data + frame;
    size_t size = buf->size - frame;

    put_u32(start, (uint32_t)(size + 4));
    put_u32(start + 8, crc_of(start, 8));
    put_u32(tail, crc_of(start, size));
    buf->size += 4;
}

void
mr_event_stream_append(struct mr_buf *buf, const struct mr_event_header *headers,
                       size_t header_count, struct mr_slice payload)
{
    size_t frame = mr_event_stream_begin(buf, headers, header_count);
    mr_buf_append_slice(buf, payload);
    mr_event_stream_end(buf, frame);
}

/* Takes one header from the front of `rest`. */
static bool
parse_header(struct mr_slice *rest, struct mr_event_header *out_header)
{
    struct mr_slice in = *rest;
    if (in.size < 2 || in.size < (size_t)in.data[0] + 2) {
        return false;
    }
    out_header->name = mr_slice_of(in.data + 1, in.data[0]);
    uint8_t type = in.data[1 + in.data[0]];
    in = mr_slice_from(in, (size_t)in.data[0] + 2);
    if (type >= sizeof(value_sizes) / sizeof(value_sizes[0])) {
        return false;
    }
    size_t size = (size_t)value_sizes[type];
    if (value_sizes[type] < 0) {
        if (in.size < 2) {
            return false;
        }
        size = (size_t)in.data[0] << 8 | in.data[1];
        in = mr_slice_from(in, 2);
    }
    if (in.size < size) {
        return false;
    }
    out_header->value = mr_slice_first(in, size);
    *rest = mr_slice_from(in, size);
    return true;
}

ssize_t
mr_event_stream_parse(struct mr_slice bytes, struct mr_event *out_event, struct mr_error *err)
{
    if (bytes.size < PRELUDE) {
        return 0;
    }
    size_t total = get_u32(bytes.data), header_size = get_u32(bytes.data + 4);
    if (get_u32(bytes.data + 8) != crc_of(bytes.data, 8)) {
        return mr_fail(err, -EBADMSG, "event stream: checksum of a frame's prelude is wrong");
    }
    if (total > MR_EVENT_STREAM_MAX_BYTES || total < MR_EVENT_STREAM_OVERHEAD ||
        header_size > total - MR_EVENT_STREAM_OVERHEAD) {
        return mr_fail(err, -EBADMSG, "event stream: a frame of %zu bytes with %zu of headers",
                       total, header_size);
    }
    if (bytes.size < total) {
        return 0;
    }
    if (get_u32(bytes.data + total - 4) != crc_of(bytes.data, total - 4)) {
        return mr_fail(err, -EBADMSG, "event stream: checksum of a frame is wrong");
    }
    struct mr_slice rest = mr_slice_of(bytes.data + PRELUDE, header_size);
    out_event->header_count = 0;
    while (rest.size > 0) {
        if (out_event->header_count == MR_EVENT_STREAM_MAX_HEADERS ||
            !parse_header(&rest, &out_event->headers[out_event->header_count])) {
            return mr_fail(err, -EBADMSG, "event stream: the headers of a frame do not parse");
        }
        out_event->header_count++;
    }
    out_event->payload = mr_slice_of(bytes.data + PRELUDE + header_size,
                                     total - MR_EVENT_STREAM_OVERHEAD - header_size);
    return (ssize_t)total;
}

struct mr_slice
mr_event_header_get(const struct mr_event *event, const char *name)
{
    for (size_t i = 0; i < event->header_count; i++) {
        if (mr_slice_is(event->headers[i].name, name)) {
            return event->headers[i].value;
        }
    }
    return (struct mr_slice){ NULL, 0 };
}
