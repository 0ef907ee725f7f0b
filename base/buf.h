/*
 * buf: bytes we grow.
 *
 * A zeroed struct is an empty buffer. Growth doubles and cannot fail (see
 * base/alloc.h): whoever appends what a peer sent bounds it first.
 */
#ifndef MR_BASE_BUF_H
#define MR_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct mr_buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

/* Releases the bytes; the struct is an empty buffer again. */
void mr_buf_deinit(struct mr_buf *buf);
#define mr_auto_buf __attribute__((cleanup(mr_buf_deinit)))

/* Room for at least `extra` more bytes. Returns where they begin. */
uint8_t *mr_buf_reserve(struct mr_buf *buf, size_t extra);

void mr_buf_append(struct mr_buf *buf, const void *data, size_t size);
void mr_buf_append_slice(struct mr_buf *buf, struct mr_slice slice);
void mr_buf_append_str(struct mr_buf *buf, const char *text);
void mr_buf_append_byte(struct mr_buf *buf, uint8_t byte);
void mr_buf_printf(struct mr_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Forget the first `size` bytes and move the rest to the front. */
void mr_buf_consume(struct mr_buf *buf, size_t size);

/* Keep the memory, forget the bytes. */
static inline void
mr_buf_clear(struct mr_buf *buf)
{
    buf->size = 0;
}

/* Valid until the buffer grows or dies. */
static inline struct mr_slice
mr_buf_slice(const struct mr_buf *buf)
{
    return mr_slice_of(buf->data, buf->size);
}

/* Hand the bytes over: returns the old contents, `*buf` is empty. */
static inline struct mr_buf
mr_buf_take(struct mr_buf *buf)
{
    struct mr_buf taken = *buf;
    *buf = (struct mr_buf){ 0 };
    return taken;
}

/* The bytes with a NUL behind them, which does not count in `size`. Valid as mr_buf_slice. */
const char *mr_buf_cstr(struct mr_buf *buf);

#endif
