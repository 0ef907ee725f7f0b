/*
 * position: where in a stream to begin, as people say it.
 */
#ifndef MR_CLI_POSITION_H
#define MR_CLI_POSITION_H

#include <stdint.h>

#include "base/error.h"
#include "cli/remote.h"

struct mr_position {
    const char *type;     /* "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER" */
    const char *sequence; /* of AT_SEQUENCE_NUMBER; the caller's text */
    uint64_t unix_ms;     /* of AT_TIMESTAMP */
};

/*
 * "oldest" or "trim_horizon"; "latest" or "now"; an age ("90s", "15m", "2h", "1d"); a time
 * ("2026-11-24T12:00:00Z", without Z local, or Unix seconds); a sequence number. -EINVAL with a
 * sentence that lists them.
 */
int mr_position_parse(struct mr_position *out_position, const char *text, struct mr_error *err);

/* GetShardIterator; the iterator is the caller's to free. */
int mr_position_iterator(struct mr_remote *remote, const char *stream, const char *shard,
                         const struct mr_position *position, char **out_iterator,
                         struct mr_error *err) MR_MUST_USE;

#endif
