#include "net/chunked.h"

#include <errno.h>

enum state { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILERS, DONE };

enum { MAX_DIGITS = 12 }; /* of a chunk's size: more than any body we take */

void
mr_chunked_deinit(struct mr_chunked *chunked)
{
    mr_buf_deinit(&chunked->trailers);
    *chunked = (struct mr_chunked){ 0 };
}

bool
mr_chunked_done(const struct mr_chunked *chunked)
{
    return chunked->state == DONE;
}

static int
hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int
take_size(struct mr_chunked *chunked, uint8_t c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && chunked->digits < MAX_DIGITS) {
        chunked->digits++;
        chunked->left = chunked->left * 16 + (uint64_t)digit;
        return 0;
    }
    if (digit >= 0 || chunked->digits == 0) {
        return -EBADMSG;
    }
    if (c == '\r') {
        chunked->state = SIZE_LF;
    } else if (c == ';' || c == ' ' || c == '\t') {
        chunked->state = EXTENSION;
    } else {
        return -EBADMSG;
    }
    return 0;
}

static int
take_extension(struct mr_chunked *chunked, uint8_t c)
{
    if (c == '\r') {
        chunked->state = SIZE_LF;
        return 0;
    }
    return (c < ' ' && c != '\t') || c == 0x7f ? -EBADMSG : 0;
}

/* Lines gather until the empty one; only the tail needs looking at. */
static int
take_trailer(struct mr_chunked *chunked, uint8_t c)
{
    struct mr_buf *lines = &chunked->trailers;
    if (lines->size == MR_CHUNKED_MAX_TRAILERS) {
        return -EBADMSG;
    }
    mr_buf_append_byte(lines, c);
    struct mr_slice so_far = mr_buf_slice(lines);
    bool first_empty = so_far.size == 2 && mr_slice_is(so_far, "\r\n");
    if (first_empty || mr_slice_ends_with(so_far, MR_SLICE("\r\n\r\n"))) {
        chunked->state = DONE;
    }
    return 0;
}

static int
take_byte(struct mr_chunked *chunked, uint8_t c)
{
    switch ((enum state)chunked->state) {
    case SIZE:
        return ++chunked->line_size > MR_CHUNKED_MAX_LINE ? -EBADMSG : take_size(chunked, c);
    case EXTENSION:
        return ++chunked->line_size > MR_CHUNKED_MAX_LINE ? -EBADMSG
                                                          : take_extension(chunked, c);
    case SIZE_LF:
        chunked->state = chunked->left == 0 ? TRAILERS : DATA;
        chunked->line_size = chunked->digits = 0;
        return c == '\n' ? 0 : -EBADMSG;
    case DATA_CR:
        chunked->state = DATA_LF;
        return c == '\r' ? 0 : -EBADMSG;
    case DATA_LF:
        chunked->state = SIZE;
        return c == '\n' ? 0 : -EBADMSG;
    case TRAILERS:
        return take_trailer(chunked, c);
    default:
        return -EBADMSG;
    }
}

ssize_t
mr_chunked_decode(struct mr_chunked *chunked, struct mr_slice input, mr_chunk_fn *piece,
                  void *context, struct mr_error *err)
{
    size_t at = 0;
    while (at < input.size && chunked->state != DONE) {
        if (chunked->state == DATA) {
            size_t here = input.size - at;
            size_t size = chunked->left < here ? (size_t)chunked->left : here;
            piece(mr_slice_of(input.data + at, size), context);
            at += size;
            chunked->left -= size;
            if (chunked->left == 0) {
                chunked->state = DATA_CR;
            }
            continue;
        }
        if (take_byte(chunked, input.data[at++]) < 0) {
            return mr_fail(err, -EBADMSG, "the body is not in chunked coding");
        }
    }
    return (ssize_t)at;
}
