/*
 * canonical: the text Signature Version 4 signs, made from a request. Private to aws/.
 */
#ifndef MR_AWS_CANONICAL_H
#define MR_AWS_CANONICAL_H

#include "aws/sigv4.h"
#include "base/buf.h"

/* Percent-encode everything but A-Z a-z 0-9 - . _ ~ (and '/' when `keep_slash`). */
void mr_canonical_encode(struct mr_buf *buf, struct mr_slice text, bool keep_slash);

/* %XX decoded into the arena; a '%' that begins no escape stands for itself. */
struct mr_slice mr_canonical_decode(struct mr_slice text, struct mr_arena *arena);

/* "host;x-amz-date" of every header of the request, lower case, sorted, each once. */
struct mr_slice mr_canonical_header_names(const struct mr_sigv4_request *request,
                                          struct mr_arena *arena);

/*
 * Append the canonical request. `signed_headers` names what is signed; a name the request does
 * not have counts as empty. The query leaves X-Amz-Signature out.
 */
void mr_canonical_request(struct mr_buf *buf, const struct mr_sigv4_request *request,
                          struct mr_slice signed_headers, struct mr_arena *arena);

#endif
