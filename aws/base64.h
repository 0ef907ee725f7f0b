/*
 * base64: the blobs of AWS's JSON, both ways, at memory speed.
 *
 * The standard alphabet with padding, one line. Decoding is strict: what AWS
 * refuses is refused, with the kind of mistake AWS would name. Uses AVX2 where
 * the processor has it, a table elsewhere; both give the same answers.
 *
 * Thread: any.
 */
#ifndef MR_AWS_BASE64_H
#define MR_AWS_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/slice.h"

enum mr_base64_fault {
    MR_BASE64_OK,
    MR_BASE64_LENGTH,    /* not a multiple of 4 characters */
    MR_BASE64_CHARACTER, /* outside the alphabet, or '=' before the end: see `character` */
    MR_BASE64_LAST,      /* bits left over in the last character, or nothing but padding */
};

struct mr_base64_error {
    enum mr_base64_fault fault;
    uint8_t character;
};

static inline size_t
mr_base64_encoded_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

/* An upper bound, exact but for padding. */
static inline size_t
mr_base64_decoded_max(size_t text_size)
{
    return text_size / 4 * 3;
}

/* The exact size `text` decodes to when it is valid. */
size_t mr_base64_decoded_size(struct mr_slice text);

/* Writes mr_base64_encoded_size(data.size) characters; returns that. */
size_t mr_base64_encode(struct mr_slice data, uint8_t *out);
void mr_base64_append(struct mr_buf *buf, struct mr_slice data);

/*
 * Returns the decoded size, or -1 with `*out_error` filled (it may be NULL). Writes at most
 * mr_base64_decoded_max(text.size) bytes to `out`, also on failure; `out` may not overlap
 * `text`.
 */
ssize_t mr_base64_decode(struct mr_slice text, uint8_t *out, struct mr_base64_error *out_error);

#endif
