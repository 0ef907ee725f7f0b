/*
 * constraint: AWS's validation of a request that was read, in AWS's words.
 *
 *     2 validation errors detected: Value '' at 'streamName' failed to satisfy
 *     constraint: Member must have length greater than or equal to 1; Value ...
 */
#ifndef MR_STREAM_API_CONSTRAINT_H
#define MR_STREAM_API_CONSTRAINT_H

#include "stream/api/value.h"

enum { MR_CONSTRAINT_MAX_ERRORS = 10 };

/*
 * Check `input` against its shape, members in the model's order. Returns the number of mistakes
 * (at most ten are told) and, when there are any, the whole sentence in the arena.
 */
size_t mr_constraint_check(const struct mr_value *input, struct mr_arena *arena,
                           struct mr_slice *out_message);

/* Characters as Java counts them: UTF-16 units of UTF-8 text. */
size_t mr_constraint_length(struct mr_slice text);

#endif
