/*
 * change: a call that waits for a change of the store.
 *
 * The change is carried out whether or not the caller waits for it. `done` runs on the loop,
 * with NULL for the call when its connection has gone meanwhile.
 */
#ifndef MR_STREAM_API_CHANGE_H
#define MR_STREAM_API_CHANGE_H

#include "stream/api/call.h"
#include "stream/store.h"

/* `err` NULL: done. `name` is the change's stream, valid during the call. */
typedef void(mr_call_changed_fn)(struct mr_kinesis *kinesis, struct mr_call *call,
                                 struct mr_slice name, const struct mr_error *err);

void mr_call_change(struct mr_call *call, const struct mr_change *change,
                    mr_call_changed_fn *done);

/* Answer with what the store's errors are at the API. */
void mr_call_fail_store(struct mr_call *call, const struct mr_error *err);

#endif
