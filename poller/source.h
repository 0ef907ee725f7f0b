/*
 * source: a stream as the poller reads it: shards, places in them, records.
 *
 * One vtable, several makers: Kinesis over HTTP (source_kinesis.h), memory (source_memory.h,
 * for tests, benches and the test runner). All calls are asynchronous: the callback comes
 * exactly once, never before the call has returned, unless the call was cancelled.
 *
 * Thread: the loop's.
 */
#ifndef MR_POLLER_SOURCE_H
#define MR_POLLER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "poller/record.h"

struct mr_source;

enum mr_source_fault {
    MR_SOURCE_OK,
    MR_SOURCE_EXPIRED,   /* the iterator is too old: take a new one */
    MR_SOURCE_GONE,      /* no such stream or shard */
    MR_SOURCE_THROTTLED, /* too often: wait and ask again */
    MR_SOURCE_DENIED,    /* we may not */
    MR_SOURCE_TROUBLE,   /* anything else; wait and ask again */
};

struct mr_source_shard {
    struct mr_slice id;
    struct mr_slice parent, adjacent_parent; /* absent: none */
    bool is_open;                            /* no ending sequence number */
};

/* Everything in a result lives during its callback. */
struct mr_source_shards {
    enum mr_source_fault fault;
    const struct mr_error *error; /* with a fault */
    uint64_t stream_created_ms;   /* the stream's incarnation */
    const struct mr_source_shard *shards;
    size_t count;
};
typedef void(mr_source_shards_fn)(const struct mr_source_shards *result, void *context);

enum mr_position {
    MR_POSITION_TRIM_HORIZON,
    MR_POSITION_LATEST,
    MR_POSITION_TIMESTAMP,
    MR_POSITION_AFTER, /* a sequence number */
};

struct mr_source_place {
    struct mr_slice shard_id;
    enum mr_position position;
    uint64_t timestamp_ms;
    struct mr_slice sequence_number;
};

struct mr_source_iterator {
    enum mr_source_fault fault;
    const struct mr_error *error;
    struct mr_slice iterator;
};
typedef void(mr_source_iterator_fn)(const struct mr_source_iterator *result, void *context);

/* Memory that records point into: whoever keeps a record keeps its block. */
struct mr_record_block {
    unsigned refs;
    void (*release)(struct mr_record_block *block);
};

static inline struct mr_record_block *
mr_record_block_ref(struct mr_record_block *block)
{
    block->refs++;
    return block;
}

static inline void
mr_record_block_unref(struct mr_record_block *block)
{
    if (block != NULL && --block->refs == 0) {
        block->release(block);
    }
}

struct mr_source_records {
    enum mr_source_fault fault;
    const struct mr_error *error;
    const struct mr_record *records; /* in the block, which the callback may keep by a ref */
    size_t count;
    struct mr_record_block *block; /* NULL without records */
    struct mr_slice next;          /* iterator; absent: the shard has ended */
    uint64_t behind_ms;            /* MillisBehindLatest */
};
typedef void(mr_source_records_fn)(const struct mr_source_records *result, void *context);

struct mr_source_call; /* one call under way */

struct mr_source_ops {
    struct mr_source_call *(*list_shards)(struct mr_source *source, mr_source_shards_fn *done,
                                          void *context);
    struct mr_source_call *(*get_iterator)(struct mr_source *source,
                                           const struct mr_source_place *place,
                                           mr_source_iterator_fn *done, void *context);
    /*
     * At most `limit` records; more only where records share a sequence number. With `wait_ms` the source may hold the answer back that long
     * while there are none; one that cannot answers at once, and `waits` says which it is.
     */
    struct mr_source_call *(*get_records)(struct mr_source *source, struct mr_slice iterator,
                                          size_t limit, uint64_t wait_ms,
                                          mr_source_records_fn *done, void *context);
    /* The callback will not come. */
    void (*cancel)(struct mr_source *source, struct mr_source_call *call);
    void (*free)(struct mr_source *source);
};

/* Begins every source's struct. */
struct mr_source {
    const struct mr_source_ops *ops;
    bool waits;       /* get_records can wait for records */
    uint64_t poll_ms; /* how often an idle shard is asked, as on AWS; 0: once a second */
};

#endif
