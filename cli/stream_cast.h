/*
 * stream_cast: a stream's records in a file, and out of it again.
 *
 * JSON lines: first {"stream":NAME,"shards":N,"saved":TIME}, then for each record
 * {"partition_key":...,"data_base64":...,"shard":...,"sequence_number":...,"arrived":...}.
 * Loading puts them in the file's order with their partition keys; sequence numbers
 * and times are the new stream's own.
 */
#ifndef MR_CLI_STREAM_CAST_H
#define MR_CLI_STREAM_CAST_H

#include "base/error.h"
#include "cli/remote.h"

struct mr_stream_cast {
    struct mr_remote *remote;
    const char *last; /* an age; NULL: from the oldest record on */
};

/* Both print one line of what they did. "-" is stdout and stdin. */
int mr_stream_cast_save(const struct mr_stream_cast *cast, const char *stream, const char *path,
                        struct mr_error *err) MR_MUST_USE;
/* `stream` NULL: the name in the file; made, with as many shards, when it is not there. */
int mr_stream_cast_load(const struct mr_stream_cast *cast, const char *path, const char *stream,
                        struct mr_error *err) MR_MUST_USE;

#endif
