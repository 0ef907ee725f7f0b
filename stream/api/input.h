/*
 * input: one way to pull a request apart, whether it is JSON or CBOR.
 *
 * A thin cover over base/json_reader.h and aws/cbor.h with the questions the two
 * have in common. Blobs are base64 text in JSON and bytes in CBOR, so they are
 * asked for by kind.
 */
#ifndef MR_STREAM_API_INPUT_H
#define MR_STREAM_API_INPUT_H

#include "aws/cbor.h"
#include "base/json_reader.h"
#include "stream/api/output.h"

enum mr_input_kind {
    MR_INPUT_BAD,
    MR_INPUT_OBJECT,
    MR_INPUT_LIST,
    MR_INPUT_STRING,
    MR_INPUT_BYTES, /* CBOR only */
    MR_INPUT_NUMBER,
    MR_INPUT_BOOLEAN,
    MR_INPUT_NULL,
};

struct mr_input {
    enum mr_format format;
    struct mr_arena *arena; /* the caller's; what does not stand in the body as it is */
    struct mr_json json;
    struct mr_cbor cbor;
};

void mr_input_init(struct mr_input *input, enum mr_format format, struct mr_slice body,
                   struct mr_arena *arena);

enum mr_input_kind mr_input_peek(struct mr_input *input);
bool mr_input_enter(struct mr_input *input);
bool mr_input_next_key(struct mr_input *input, struct mr_slice *out_key);
bool mr_input_next_element(struct mr_input *input);
bool mr_input_skip(struct mr_input *input);

/* Each takes a value of the kind peek has named. */
bool mr_input_string(struct mr_input *input, struct mr_slice *out_text);
bool mr_input_bytes(struct mr_input *input, struct mr_slice *out_bytes);
bool mr_input_number(struct mr_input *input, double *out_value);
/* Floored, and capped at the ends of int64. */
bool mr_input_integer(struct mr_input *input, int64_t *out_value);
/* JSON: seconds; CBOR: see mr_cbor_timestamp. */
bool mr_input_timestamp(struct mr_input *input, int64_t *out_unix_ms);
bool mr_input_boolean(struct mr_input *input, bool *out_value);

/* All of the body was taken and none of it was bad. */
bool mr_input_done(struct mr_input *input);

/* Is the body one well-formed object? */
bool mr_input_is_object(enum mr_format format, struct mr_slice body, struct mr_arena *arena);

#endif
