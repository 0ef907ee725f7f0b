/*
 * shape: what a request may look like, as constant tables.
 *
 * shapes.c holds one table for every operation's input, made from AWS's service
 * model by scripts/shapes-from-model.py. value.h reads a body by them, and
 * constraint.h checks what was read: no operation has code of its own for
 * either.
 */
#ifndef MR_STREAM_API_SHAPE_H
#define MR_STREAM_API_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum mr_shape_kind {
    MR_SHAPE_STRING,
    MR_SHAPE_INTEGER,
    MR_SHAPE_LONG,
    MR_SHAPE_BOOLEAN,
    MR_SHAPE_TIMESTAMP,
    MR_SHAPE_BLOB,
    MR_SHAPE_LIST,
    MR_SHAPE_MAP,
    MR_SHAPE_STRUCTURE,
};

enum mr_shape_pattern {
    MR_PATTERN_NONE,
    MR_PATTERN_NAME,
    MR_PATTERN_STREAM_ARN,
    MR_PATTERN_RESOURCE_ARN,
    MR_PATTERN_CONSUMER_ARN,
    MR_PATTERN_HASH_KEY,
    MR_PATTERN_SEQUENCE_NUMBER,
    MR_PATTERN_STREAM_ID,
};

struct mr_shape_member;

struct mr_shape {
    enum mr_shape_kind kind;
    bool has_min, has_max;
    int64_t min, max; /* of a number, or of a length */
    enum mr_shape_pattern pattern;
    const char *const *values;      /* of an enum; ends with NULL */
    const struct mr_shape *key;     /* of a map */
    const struct mr_shape *element; /* of a list or map */
    const char *java_name;          /* of a structure: how AWS prints one in a list */
    const struct mr_shape_member *members;
    size_t member_count;
};

struct mr_shape_member {
    const char *name;
    const struct mr_shape *shape;
    bool required;
};

/* The input of an operation, or NULL. */
const struct mr_shape *mr_shape_input(const char *operation);

/* The pattern as AWS's messages show it. */
const char *mr_shape_pattern_text(enum mr_shape_pattern pattern);

/* Does the whole of `text` match? Linear in its length. */
bool mr_shape_pattern_matches(enum mr_shape_pattern pattern, struct mr_slice text);

#endif
