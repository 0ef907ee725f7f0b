/*
 * chunked: the chunked transfer coding, bytes in, body out.
 *
 * The decoder eats what it is given and calls back with the body's pieces, which are views
 * into the input. Chunk extensions are skipped; trailers are kept as raw lines for the caller
 * to parse with mr_http1_fields_parse.
 */
#ifndef MR_NET_CHUNKED_H
#define MR_NET_CHUNKED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum {
    MR_CHUNKED_MAX_LINE = 4096,                 /* a chunk's size line with extensions */
    MR_CHUNKED_MAX_TRAILERS = 10 * 1024 * 1024, /* an error body in base64 travels in one */
};

struct mr_chunked {
    int state;
    uint64_t left;          /* of the current chunk */
    size_t line_size;       /* of the size line so far */
    unsigned digits;        /* of the chunk's size */
    struct mr_buf trailers; /* raw lines, the empty one included, when done */
};

/* A zeroed struct is a decoder at its beginning. */
void mr_chunked_deinit(struct mr_chunked *chunked);

typedef void(mr_chunk_fn)(struct mr_slice piece, void *context);

/*
 * Returns how many bytes of `input` belong to this body: all of them while it goes on. -EBADMSG
 * with `err` when it is not chunked coding.
 */
ssize_t mr_chunked_decode(struct mr_chunked *chunked, struct mr_slice input, mr_chunk_fn *piece,
                          void *context, struct mr_error *err);

/* The last chunk and the trailers have come. */
bool mr_chunked_done(const struct mr_chunked *chunked);

#endif
