/*
 * reader: a stream's records from a position on, shard by shard, into the children of a split.
 *
 * One round asks every open shard once; records of one shard come in their order.
 */
#ifndef MR_CLI_READER_H
#define MR_CLI_READER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "cli/position.h"
#include "cli/remote.h"

struct mr_reader_record {
    const char *shard;
    struct mr_slice key, sequence, data;
    double arrived_s; /* Unix time */
};

/* Valid during the call. False: enough, the rest of the round is left out. */
typedef bool(mr_reader_fn)(const struct mr_reader_record *record, void *context);

struct mr_reader_shard {
    char *id;
    char *iterator; /* NULL: read to its end */
    struct mr_reader_shard *next;
};

struct mr_reader {
    struct mr_remote *remote; /* the caller's, outlives us, as all of the next four */
    const char *stream;
    const char *only_shard; /* NULL: all */
    mr_reader_fn *fn;
    void *context;
    struct mr_reader_shard *shards;
    struct mr_arena arena; /* of one answer */
    bool behind;           /* the last round met records, or a shard that had not caught up */
    bool enough;           /* fn said so */
};

/*
 * The caller has filled the first five members, the rest is zeroed. Opens every shard that may
 * hold records from `position` on.
 */
int mr_reader_open(struct mr_reader *reader, const struct mr_position *position,
                   struct mr_error *err) MR_MUST_USE;
/* 1 while a shard is open, 0 when all are read to their ends. A throttle counts as `behind`. */
int mr_reader_round(struct mr_reader *reader, struct mr_error *err) MR_MUST_USE;
void mr_reader_close(struct mr_reader *reader);

#endif
