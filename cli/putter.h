/*
 * putter: records gathered into PutRecords calls, and put again where refused.
 *
 * A call carries at most 500 records and a few megabytes. What it refuses is put
 * again, later each time; the records behind it may overtake it then, as with
 * any producer of AWS's.
 */
#ifndef MR_CLI_PUTTER_H
#define MR_CLI_PUTTER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/slice.h"
#include "cli/remote.h"

struct mr_putter_record {
    struct mr_slice key, hash_key, data; /* hash_key absent: by the key */
    uint64_t number;                     /* from 1, for messages */
};

/* A record was put. `shard` and `sequence` are valid during the call. */
typedef void(mr_putter_fn)(const struct mr_putter_record *record, struct mr_slice shard,
                           struct mr_slice sequence, void *context);

struct mr_putter_options {
    struct mr_remote *remote; /* the caller's, outlives us */
    const char *stream;       /* its name, likewise */
    uint64_t rate;            /* records a second; 0: as fast as it goes */
    uint64_t retries;         /* of one record */
    mr_putter_fn *put;        /* may be NULL */
    void *context;
};

struct mr_putter {
    struct mr_putter_options options;
    struct mr_arena arena; /* of the pending records */
    struct mr_putter_record pending[MR_KINESIS_MAX_RECORDS_PER_PUT];
    size_t pending_count, pending_bytes, most_pending;
    uint64_t read, put, bytes; /* records given, records and their bytes put */
    uint64_t started_ms, told_ms;
};

void mr_putter_init(struct mr_putter *putter, const struct mr_putter_options *options);
void mr_putter_deinit(struct mr_putter *putter);

/* Copies. Puts what is pending when it is enough for a call. */
int mr_putter_add(struct mr_putter *putter, struct mr_slice key, struct mr_slice hash_key,
                  struct mr_slice data, struct mr_error *err) MR_MUST_USE;
/* Puts what is pending. */
int mr_putter_flush(struct mr_putter *putter, struct mr_error *err);

#endif
