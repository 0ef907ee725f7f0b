/*
 * json_reader: walk through JSON text without building a tree.
 *
 * The reader is a few words on the caller's stack and looks at bytes it does
 * not own; copying it is a bookmark. Values are pulled in the order they
 * stand: enter an object, ask for its keys, take or skip each value. Nothing is
 * allocated except by mr_json_string, and only for text with escapes.
 *
 * Strict RFC 8259: no comments, no trailing commas, no bare control characters
 * in strings, numbers as the grammar has them, at most MR_JSON_MAX_DEPTH
 * levels, well-formed UTF-8. The first mistake makes the reader bad; every
 * later call answers "nothing", so a caller may check once, at the end.
 *
 *     struct mr_json json = mr_json_of(text);
 *     struct mr_slice key;
 *     mr_json_enter(&json);
 *     while (mr_json_next_key(&json, &key)) {
 *         if (mr_slice_eq(key, MR_SLICE("Data"))) {
 *             mr_json_string_raw(&json, &data);
 *         } else {
 *             mr_json_skip(&json);
 *         }
 *     }
 *     return mr_json_done(&json);
 */
#ifndef MR_BASE_JSON_READER_H
#define MR_BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum { MR_JSON_MAX_DEPTH = 64 };

enum mr_json_kind {
    MR_JSON_BAD, /* not JSON, or nothing left */
    MR_JSON_OBJECT,
    MR_JSON_ARRAY,
    MR_JSON_STRING,
    MR_JSON_NUMBER,
    MR_JSON_TRUE,
    MR_JSON_FALSE,
    MR_JSON_NULL,
};

struct mr_json {
    const uint8_t *start, *cursor, *end;
    unsigned depth;
    bool bad;
    bool first;               /* nothing was taken yet from the innermost container */
    uint64_t is_object;       /* bit d: level d is an object */
};

struct mr_json mr_json_of(struct mr_slice text);

/* What the next value is; takes nothing. */
enum mr_json_kind mr_json_peek(struct mr_json *json);

/* Step into the object or array that comes next. False when it is neither. */
bool mr_json_enter(struct mr_json *json);

/*
 * The next key of the object we are in: the text between its quotes, escapes as
 * they stand. False at the closing brace, which is taken: we are outside again.
 * The value must be taken or skipped before the next call.
 */
bool mr_json_next_key(struct mr_json *json, struct mr_slice *out_raw_key);

/* Is there another element in the array we are in? False at `]`, which is taken. */
bool mr_json_next_element(struct mr_json *json);

/* The next value as it stands in the text, checked; a view. False when bad. */
bool mr_json_raw(struct mr_json *json, struct mr_slice *out_raw);
bool mr_json_skip(struct mr_json *json);

/* The next string: raw between the quotes, or unescaped (a view when no escape is in it,
 * else in the arena; lone surrogates become U+FFFD). False when it is no string. */
bool mr_json_string_raw(struct mr_json *json, struct mr_slice *out_raw);
bool mr_json_string(struct mr_json *json, struct mr_arena *arena, struct mr_slice *out_text);

/* False when the next value is not of that kind or does not fit; nothing is taken then. */
bool mr_json_i64(struct mr_json *json, int64_t *out_value);
bool mr_json_f64(struct mr_json *json, double *out_value);
bool mr_json_bool(struct mr_json *json, bool *out_value);
bool mr_json_null(struct mr_json *json);

/* Everything taken, only blanks left, nothing bad? */
bool mr_json_done(struct mr_json *json);

/* Where the reader stands, for an error message: bytes from the start. */
size_t mr_json_offset(const struct mr_json *json);

/* Is `text` one JSON value? */
bool mr_json_valid(struct mr_slice text);

/*
 * Unescape what mr_json_string_raw gave. A view when there is nothing to do.
 */
struct mr_slice mr_json_unescape(struct mr_slice raw, struct mr_arena *arena);

#endif
