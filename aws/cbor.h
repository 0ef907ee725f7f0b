/*
 * cbor: the binary form of AWS's JSON protocols, pulled and pushed without a tree.
 *
 * Reading: a few words on the caller's stack over bytes it does not own; copying
 * the reader is a bookmark. Items are taken in order: enter a map, take a key,
 * take or skip its value. Definite and indefinite lengths, half, single and
 * double floats, tags (skipped, but for tag 1 in mr_cbor_timestamp), byte strings
 * where JSON has base64. At most MR_CBOR_MAX_DEPTH levels; the first mistake
 * makes the reader bad and every later call answers "nothing".
 *
 * Writing: straight into a buffer; sizes are counted by the caller (AWS's clients
 * accept indefinite maps and arrays, so there are those too).
 */
#ifndef MR_AWS_CBOR_H
#define MR_AWS_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum { MR_CBOR_MAX_DEPTH = 64 };

enum mr_cbor_kind {
    MR_CBOR_BAD, /* not CBOR, or nothing left */
    MR_CBOR_UINT,
    MR_CBOR_NEGATIVE,
    MR_CBOR_BYTES,
    MR_CBOR_TEXT,
    MR_CBOR_ARRAY,
    MR_CBOR_MAP,
    MR_CBOR_FLOAT,
    MR_CBOR_TRUE,
    MR_CBOR_FALSE,
    MR_CBOR_NULL, /* null and undefined */
};

struct mr_cbor {
    const uint8_t *start, *cursor, *end;
    unsigned depth;
    bool bad;
    uint64_t left[MR_CBOR_MAX_DEPTH]; /* items not taken yet; UINT64_MAX: until the break */
};

struct mr_cbor mr_cbor_of(struct mr_slice bytes);

/* What the next item is, behind its tags; takes nothing. */
enum mr_cbor_kind mr_cbor_peek(struct mr_cbor *cbor);

/* Step into the map or array that comes next. False when it is neither. */
bool mr_cbor_enter(struct mr_cbor *cbor);

/* The next key of the map we are in, a text; false at its end, which is taken. */
bool mr_cbor_next_key(struct mr_cbor *cbor, struct mr_arena *arena, struct mr_slice *out_key);
/* Is there another element? False at the array's end, which is taken. */
bool mr_cbor_next_element(struct mr_cbor *cbor);

bool mr_cbor_skip(struct mr_cbor *cbor);

/* A text or byte string; a view, or in the arena when it came in chunks. Text must be UTF-8. */
bool mr_cbor_text(struct mr_cbor *cbor, struct mr_arena *arena, struct mr_slice *out_text);
bool mr_cbor_bytes(struct mr_cbor *cbor, struct mr_arena *arena, struct mr_slice *out_bytes);

/* False when the next item is not of that kind or does not fit; nothing is taken then. */
bool mr_cbor_i64(struct mr_cbor *cbor, int64_t *out_value);
bool mr_cbor_f64(struct mr_cbor *cbor, double *out_value); /* integers too */
bool mr_cbor_bool(struct mr_cbor *cbor, bool *out_value);
bool mr_cbor_null(struct mr_cbor *cbor);
/*
 * Unix milliseconds. Under tag 1 AWS's clients send integer milliseconds; a float is seconds.
 */
bool mr_cbor_timestamp(struct mr_cbor *cbor, int64_t *out_unix_ms);

/* Everything taken, nothing bad? */
bool mr_cbor_done(struct mr_cbor *cbor);

/* ---- writing ---- */

void mr_cbor_put_map(struct mr_buf *buf, uint64_t pairs);
void mr_cbor_put_array(struct mr_buf *buf, uint64_t items);
void mr_cbor_begin_map(struct mr_buf *buf); /* until mr_cbor_end */
void mr_cbor_begin_array(struct mr_buf *buf);
void mr_cbor_end(struct mr_buf *buf);
void mr_cbor_put_text(struct mr_buf *buf, struct mr_slice text);
void mr_cbor_put_str(struct mr_buf *buf, const char *text);
void mr_cbor_put_bytes(struct mr_buf *buf, struct mr_slice bytes);
void mr_cbor_put_i64(struct mr_buf *buf, int64_t value);
void mr_cbor_put_u64(struct mr_buf *buf, uint64_t value);
void mr_cbor_put_f64(struct mr_buf *buf, double value);
void mr_cbor_put_bool(struct mr_buf *buf, bool value);
void mr_cbor_put_null(struct mr_buf *buf);
void mr_cbor_put_timestamp(struct mr_buf *buf, uint64_t unix_ms); /* tag 1, milliseconds */

#endif
