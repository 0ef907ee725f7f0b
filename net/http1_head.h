/*
 * http1_head: the head of an HTTP/1.1 request, parsed strictly.
 *
 * Strict, because two readers who see different requests in the same bytes is how requests are
 * smuggled: a bare CR or LF, a folded header, a blank before the colon, Transfer-Encoding with
 * Content-Length, Content-Lengths that differ, an encoding other than chunked are refused.
 * Nothing is copied: the slices point into the caller's bytes.
 */
#ifndef MR_NET_HTTP1_HEAD_H
#define MR_NET_HTTP1_HEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/limits.h"
#include "net/http.h"

struct mr_http1_head {
    struct mr_slice method, target;
    int version; /* 10 or 11 */
    struct mr_http_header headers[MR_HTTP_MAX_HEADERS];
    size_t header_count;
    bool chunked;
    bool has_length;
    uint64_t length; /* of the body; 0 without has_length */
    bool keep_alive;
    bool expect_continue;
};

/*
 * Returns the size of the head, its empty line included, when `input` holds all of it; 0 when
 * more bytes are needed; -EBADMSG with `err` filled when it is no head, -E2BIG when it is
 * larger than MR_HTTP_MAX_HEAD_BYTES. `*scanned` is how far earlier calls on the same bytes
 * looked for the end: start with 0, so that a head which comes byte by byte is not searched
 * anew each time.
 */
ssize_t mr_http1_head_parse(struct mr_http1_head *head, struct mr_slice input, size_t *scanned,
                            struct mr_error *err);

/* Header lines up to an empty one, as trailers have them; sizes and errors as above. */
ssize_t mr_http1_fields_parse(struct mr_slice input, struct mr_http_header *out_headers,
                              size_t max, size_t *out_count, struct mr_error *err);

#endif
