/*
 * model: what a request to the Lambda API may look like, as constant tables, and AWS's words
 * for one that does not.
 *
 * model_tables.c holds a table for every operation's input, made from AWS's service model by
 * scripts/lambda-model.py. A request's members, wherever they travel (path, query, header,
 * body), stand in one JSON object by their model's names; this checks it. No operation has code
 * of its own for that.
 *
 *     2 validation errors detected: Value '' at 'functionName' failed to satisfy
 *     constraint: Member must have length greater than or equal to 1; Value ...
 *
 * Thread: one (patterns are compiled when first used).
 */
#ifndef MR_CONTROL_MODEL_H
#define MR_CONTROL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"

enum mr_model_kind {
    MR_MODEL_STRING,
    MR_MODEL_INTEGER,
    MR_MODEL_DOUBLE,
    MR_MODEL_BOOLEAN,
    MR_MODEL_TIMESTAMP, /* Unix seconds, a number */
    MR_MODEL_BLOB,      /* base64 text */
    MR_MODEL_LIST,
    MR_MODEL_MAP,
    MR_MODEL_STRUCTURE,
};

enum mr_model_where {
    MR_MODEL_BODY,
    MR_MODEL_URI,
    MR_MODEL_QUERY,
    MR_MODEL_HEADER,
    MR_MODEL_PAYLOAD, /* the body is this member alone, and no JSON of ours */
};

struct mr_model_member;

struct mr_model_shape {
    enum mr_model_kind kind;
    bool has_min, has_max;
    int64_t min, max;          /* of a number, or of a length */
    const char *pattern;       /* a regular expression, as AWS's messages show it; NULL: any */
    const char *posix;         /* the same for regcomp */
    bool not_number;           /* and not digits alone */
    const char *const *values; /* of an enum; ends with NULL */
    const struct mr_model_shape *key, *element;
    const struct mr_model_member *members;
    size_t member_count;
};

struct mr_model_member {
    const char *name;
    const struct mr_model_shape *shape;
    const char *wire; /* its name in the query, the path or the headers */
    enum mr_model_where where;
    bool required;
};

struct mr_model_error {
    const char *name;
    int status;
    const char *spelled; /* of its text: "message", or "Message" */
};

/* The input of an operation, or NULL. */
const struct mr_model_shape *mr_model_input(const char *operation);
/* The operations there are inputs of; NULL behind the last. */
const char *mr_model_operation(size_t index);
/* Every modelled error; ends with a NULL name. */
extern const struct mr_model_error mr_model_errors[];

/*
 * Are all members of the types the model says? False with a sentence in `out_complaint`.
 * Members the model does not know are removed, as are nulls.
 */
bool mr_model_check_types(const struct mr_model_shape *shape, json_t *value,
                          struct mr_buf *out_complaint);

/* How many constraints are broken; told in `out_message` when it is not 0. */
size_t mr_model_check(const struct mr_model_shape *input, const json_t *value,
                      struct mr_buf *out_message);

/* Does all of `text` match the shape's pattern? */
bool mr_model_matches(const struct mr_model_shape *shape, const char *text);

/* A member by its name; NULL. */
const struct mr_model_member *mr_model_find(const struct mr_model_shape *shape,
                                            const char *name);

#endif
