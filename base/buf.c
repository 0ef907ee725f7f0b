#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"

enum { SMALLEST = 256 };

void
mr_buf_deinit(struct mr_buf *buf)
{
    free(buf->data);
    *buf = (struct mr_buf){ 0 };
}

uint8_t *
mr_buf_reserve(struct mr_buf *buf, size_t extra)
{
    size_t wanted;
    mr_assert(!__builtin_add_overflow(buf->size, extra, &wanted));
    if (wanted > buf->capacity || buf->data == NULL) {
        size_t capacity = buf->capacity * 2;
        if (capacity < wanted) {
            capacity = wanted;
        }
        if (capacity < SMALLEST) {
            capacity = SMALLEST;
        }
        buf->data = mr_realloc(buf->data, capacity);
        buf->capacity = capacity;
    }
    return buf->data + buf->size;
}

void
mr_buf_append(struct mr_buf *buf, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    memcpy(mr_buf_reserve(buf, size), data, size);
    buf->size += size;
}

void
mr_buf_append_slice(struct mr_buf *buf, struct mr_slice slice)
{
    mr_buf_append(buf, slice.data, slice.size);
}

void
mr_buf_append_str(struct mr_buf *buf, const char *text)
{
    mr_buf_append(buf, text, strlen(text));
}

void
mr_buf_append_byte(struct mr_buf *buf, uint8_t byte)
{
    *mr_buf_reserve(buf, 1) = byte;
    buf->size++;
}

void
mr_buf_printf(struct mr_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    size_t room = buf->capacity - buf->size;
    int size = vsnprintf(room == 0 ? NULL : (char *)buf->data + buf->size, room, format, args);
    va_end(args);
    mr_assert(size >= 0);
    if ((size_t)size >= room) {
        mr_buf_reserve(buf, (size_t)size + 1);
        vsnprintf((char *)buf->data + buf->size, (size_t)size + 1, format, again);
    }
    va_end(again);
    buf->size += (size_t)size;
}

void
mr_buf_consume(struct mr_buf *buf, size_t size)
{
    mr_assert(size <= buf->size);
    buf->size -= size;
    if (buf->size > 0 && size > 0) {
        memmove(buf->data, buf->data + size, buf->size);
    }
}

const char *
mr_buf_cstr(struct mr_buf *buf)
{
    *mr_buf_reserve(buf, 1) = '\0';
    return (const char *)buf->data;
}
