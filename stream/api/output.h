/*
 * output: one way to write an answer, as JSON or as CBOR.
 *
 * Members are written in the order they are put; nothing is kept. Blobs become
 * base64 in JSON and bytes in CBOR; timestamps seconds with a point in JSON and
 * tag 1 with milliseconds in CBOR.
 */
#ifndef MR_STREAM_API_OUTPUT_H
#define MR_STREAM_API_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json_writer.h"
#include "base/slice.h"

enum mr_format { MR_FORMAT_JSON, MR_FORMAT_CBOR };

struct mr_output {
    enum mr_format format;
    struct mr_buf *buf; /* the caller's */
    struct mr_json_writer json;
};

struct mr_output mr_output_on(struct mr_buf *buf, enum mr_format format);

void mr_output_begin(struct mr_output *output); /* an object */
void mr_output_end(struct mr_output *output);
void mr_output_begin_list(struct mr_output *output);
void mr_output_end_list(struct mr_output *output);

/* `name` is our own. */
void mr_output_key(struct mr_output *output, const char *name);

void mr_output_text(struct mr_output *output, struct mr_slice text);
void mr_output_str(struct mr_output *output, const char *text);
void mr_output_integer(struct mr_output *output, int64_t value);
void mr_output_boolean(struct mr_output *output, bool value);
void mr_output_timestamp(struct mr_output *output, uint64_t unix_ms);
void mr_output_blob(struct mr_output *output, struct mr_slice bytes);

/* Key and value in one line; a NULL str or absent text is left out. */
void mr_output_put_text(struct mr_output *output, const char *name, struct mr_slice text);
void mr_output_put_str(struct mr_output *output, const char *name, const char *text);
void mr_output_put_integer(struct mr_output *output, const char *name, int64_t value);
void mr_output_put_boolean(struct mr_output *output, const char *name, bool value);
void mr_output_put_timestamp(struct mr_output *output, const char *name, uint64_t unix_ms);

#endif
