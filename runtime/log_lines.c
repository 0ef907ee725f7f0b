#include "runtime/log_lines.h"

#include <string.h>

#include "base/limits.h"

enum { FRAME_HEAD = 16, MAGIC_SIZE = 3 };

static const uint8_t magic[MAGIC_SIZE] = { 0xa5, 0x5a, 0x00 };

static uint64_t
big_endian(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;

    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static struct mr_slice
make_visible(struct mr_log_lines *lines, struct mr_slice text)
{
    mr_buf_clear(&lines->clean);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '\r') {
            mr_buf_append_byte(&lines->clean, '\n');
        } else if ((byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f) {
            mr_buf_printf(&lines->clean, "\\x%02x", byte);
        } else {
            mr_buf_append_byte(&lines->clean, byte);
        }
    }
    return mr_buf_slice(&lines->clean);
}

static void
emit(struct mr_log_lines *lines, struct mr_log_line line, bool cut, mr_log_line_fn *fn,
     void *context)
{
    while (line.text.size > 0 &&
           (line.text.data[line.text.size - 1] == '\r' ||
            (line.framed && line.text.data[line.text.size - 1] == '\n'))) {
        line.text.size--;
    }
    make_visible(lines, line.text);
    if (cut) {
        mr_buf_printf(&lines->clean, " [line cut at %d bytes]", MR_LOG_MAX_LINE_BYTES);
    }
    line.text = mr_buf_slice(&lines->clean);
    fn(&line, context);
}

static enum mr_function_log_level
frame_level(uint8_t type)
{
    unsigned level = type >> 2;

    return level <= MR_FUNCTION_LOG_FATAL ? (enum mr_function_log_level)level
                                          : MR_FUNCTION_LOG_UNSET;
}

static bool
begins_frame(struct mr_slice bytes)
{
    size_t size = bytes.size < MAGIC_SIZE ? bytes.size : MAGIC_SIZE;

    return size > 0 && memcmp(bytes.data, magic, size) == 0;
}

/* Bytes used by the frame at the front; 0 when more must come. */
static size_t
take_frame(struct mr_log_lines *lines, struct mr_slice bytes, mr_log_line_fn *fn, void *context)
{
    if (bytes.size < FRAME_HEAD) {
        return 0;
    }
    size_t length = big_endian(bytes.data + 4, 4);
    bool cut = length > MR_LOG_MAX_LINE_BYTES;
    size_t kept = cut ? MR_LOG_MAX_LINE_BYTES : length;
    if (bytes.size < FRAME_HEAD + kept) {
        return 0;
    }
    emit(lines,
         (struct mr_log_line){ .text = mr_slice_of(bytes.data + FRAME_HEAD, kept),
                               .level = frame_level(bytes.data[3]),
                               .framed = true,
                               .wall_us = big_endian(bytes.data + 8, 8) },
         cut, fn, context);
    lines->skip = length - kept;
    return FRAME_HEAD + kept;
}

/* The same for a raw line. */
static size_t
take_line(struct mr_log_lines *lines, struct mr_slice bytes, mr_log_line_fn *fn, void *context)
{
    struct mr_slice fresh = mr_slice_from(bytes, lines->scanned);
    const uint8_t *newline = memchr(fresh.data, '\n', fresh.size);
    size_t searched = newline != NULL ? (size_t)(newline - bytes.data) : bytes.size;
    const uint8_t *frame = memmem(fresh.data, searched - lines->scanned, magic, MAGIC_SIZE);
    bool ended = newline != NULL || frame != NULL;
    size_t length = frame != NULL ? (size_t)(frame - bytes.data) : searched;
    bool cut = length > MR_LOG_MAX_LINE_BYTES;

    if (!ended && !cut) {
        lines->scanned = bytes.size < MAGIC_SIZE ? 0 : bytes.size - MAGIC_SIZE + 1;
        return 0;
    }
    lines->scanned = 0;
    if (!lines->overlong) {
        struct mr_slice text = mr_slice_of(bytes.data, cut ? MR_LOG_MAX_LINE_BYTES : length);
        emit(lines, (struct mr_log_line){ .text = text }, cut, fn, context);
    }
    lines->overlong = !ended;
    return frame != NULL ? length : ended ? length + 1 : length;
}

void
mr_log_lines_feed(struct mr_log_lines *lines, struct mr_slice bytes, mr_log_line_fn *fn,
                  void *context)
{
    mr_buf_append_slice(&lines->pending, bytes);
    size_t at = 0;
    while (at < lines->pending.size) {
        struct mr_slice rest = mr_slice_from(mr_buf_slice(&lines->pending), at);
        size_t used;
        if (lines->skip > 0) {
            used = rest.size < lines->skip ? rest.size : lines->skip;
            lines->skip -= used;
        } else if (begins_frame(rest)) {
            lines->overlong = false;
            used = rest.size < MAGIC_SIZE ? 0 : take_frame(lines, rest, fn, context);
        } else {
            used = take_line(lines, rest, fn, context);
        }
        if (used == 0) {
            break;
        }
        at += used;
    }
    mr_buf_consume(&lines->pending, at);
    if (lines->overlong && !begins_frame(mr_buf_slice(&lines->pending)) &&
        lines->pending.size > MAGIC_SIZE) {
        mr_buf_consume(&lines->pending, lines->pending.size - MAGIC_SIZE);
        lines->scanned = 0;
    }
}

void
mr_log_lines_end(struct mr_log_lines *lines, mr_log_line_fn *fn, void *context)
{
    if (lines->pending.size > 0 && !lines->overlong) {
        emit(lines, (struct mr_log_line){ .text = mr_buf_slice(&lines->pending) }, false, fn,
             context);
    }
    mr_buf_clear(&lines->pending);
    lines->overlong = false;
    lines->scanned = 0;
    lines->skip = 0;
}

void
mr_log_lines_deinit(struct mr_log_lines *lines)
{
    mr_buf_deinit(&lines->pending);
    mr_buf_deinit(&lines->clean);
}
