/*
 * value: a request's members, read by its shape.
 *
 * Everything but the records of PutRecords on its fast way comes through here: a
 * small tree in the request's arena. Reading stops at the first member of a
 * wrong type, with the sentence AWS's server would say.
 */
#ifndef MR_STREAM_API_VALUE_H
#define MR_STREAM_API_VALUE_H

#include "stream/api/input.h"
#include "stream/api/shape.h"

struct mr_value {
    const struct mr_shape *shape;
    bool present;         /* false: absent or null */
    bool flag;            /* BOOLEAN */
    int64_t number;       /* INTEGER, LONG; TIMESTAMP in Unix milliseconds */
    struct mr_slice text; /* STRING, and BLOB decoded */
    /* LIST, MAP: the elements; STRUCTURE: one for each member, in the shape's order */
    struct mr_value *items;
    struct mr_slice *keys; /* MAP */
    size_t count;
};

/*
 * Read one value of `shape`. Returns 0; -EPROTO when the body is not well-formed; -EINVAL when
 * a type is wrong, with AWS's sentence in `*out_complaint` (in the arena).
 */
int mr_value_read(struct mr_input *input, const struct mr_shape *shape,
                  struct mr_value *out_value, struct mr_slice *out_complaint);

/* A member of a structure that is there; NULL when it is not. `name` is the shape's. */
const struct mr_value *mr_value_find(const struct mr_value *structure, const char *name);

/* The usual questions about members, with what to say when they are not there. */
struct mr_slice mr_value_text(const struct mr_value *structure, const char *name);
int64_t mr_value_number(const struct mr_value *structure, const char *name, int64_t otherwise);
bool mr_value_flag(const struct mr_value *structure, const char *name);
/* A page's size that was checked: `most` when it is absent or more. */
size_t mr_value_limit(const struct mr_value *structure, const char *name, size_t most);

#endif
