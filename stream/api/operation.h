/*
 * operation: the table of the API. An operation is a row and a function.
 */
#ifndef MR_STREAM_API_OPERATION_H
#define MR_STREAM_API_OPERATION_H

#include <stdbool.h>

#include "base/slice.h"
#include "stream/api/call.h"

typedef void(mr_action_fn)(struct mr_call *call);

struct mr_operation {
    const char *name;
    mr_action_fn *act;
    /* The action reads the body itself; it gets `input` unread. */
    bool reads_body;
    /* AWS's calls a second for an account (or stream) in this operation; 0: not limited. */
    unsigned calls_per_second;
};

/* NULL when there is no operation of that name. */
const struct mr_operation *mr_operation_find(struct mr_slice name);

/* Its row, from 0; below MR_KINESIS_MAX_OPERATIONS. */
size_t mr_operation_number(const struct mr_operation *operation);

/* Read and check `input` of a call whose operation does that itself, the general way. False
 * when the call was answered with what is wrong. */
bool mr_operation_read_input(struct mr_call *call);

#endif
