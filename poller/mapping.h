/*
 * mapping: one event source mapping at work: a stream's shards read, batched, handed to a
 * function, remembered.
 *
 * A poller is what its mappings share. A mapping lists its stream's shards, reads each in order
 * of ancestry (a child when all its parents are finished), filters, fills one lane a shard (up
 * to ten with ParallelizationFactor), does what the lanes say and moves the checkpoints.
 * Everything runs on the poller's loop and its injected time.
 *
 * Not thread-safe: a poller and its mappings belong to one loop.
 */
#ifndef MR_POLLER_MAPPING_H
#define MR_POLLER_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/loop.h"
#include "poller/checkpoint.h"
#include "poller/invoke.h"
#include "poller/lane.h"
#include "poller/sink.h"
#include "poller/source.h"

struct mr_poller;
struct mr_mapping;

/* A mapping as the control API knows it. Slices live during the call that takes them. */
struct mr_mapping_settings {
    struct mr_slice uuid;
    struct mr_slice source_arn;   /* of a stream or of a stream's consumer */
    struct mr_slice function_arn; /* with its qualifier, as the mapping names it */
    struct mr_slice role_arn;     /* the function's execution role: invokeIdentityArn */
    struct mr_slice region;
    uint32_t batch_size;      /* 1..10000 */
    uint64_t window_ms;       /* 0..300000 */
    uint32_t parallelization; /* 1..10 */
    enum mr_position starting_position;
    uint64_t starting_timestamp_ms; /* Unix time, with MR_POSITION_TIMESTAMP */
    int64_t max_retries;            /* -1: without end */
    int64_t max_age_ms;             /* -1: for ever */
    bool bisect;
    bool report_failures; /* ReportBatchItemFailures */
    uint64_t tumbling_ms; /* 0: none */
    const struct mr_slice *filters;
    size_t filter_count;
    struct mr_slice destination_arn; /* absent: none */
};

/*
 * Counted from the mapping's creation in this process; AWS's event source mapping metrics.
 * Every record that was polled ends in one place: polled = filtered + succeeded + dropped +
 * delivered + forgotten + what is buffered now.
 */
struct mr_mapping_counts {
    uint64_t polled, filtered, invoked, failed, dropped, delivered; /* records */
    uint64_t succeeded; /* records finished by success */
    uint64_t forgotten; /* read, not finished at a stop: read again at the next start */
    uint64_t batches, invocations; /* invocations count retries */
    uint64_t destination_failures;
    uint64_t iterator_age_ms; /* of the last batch: its last record's age when it ended */
};

/* LastProcessingResult: exact words in the control API. */
enum mr_mapping_result {
    MR_MAPPING_NO_RECORDS, /* "No records processed" */
    MR_MAPPING_OK,         /* "OK" */
    MR_MAPPING_FUNCTION_FAILED,
    MR_MAPPING_SERVICE_FAILED,
};

struct mr_mapping_shard {
    struct mr_slice id;
    struct mr_slice checkpoint; /* sequence number; absent: none yet */
    uint64_t behind_ms;         /* MillisBehindLatest of the newest answer */
    size_t buffered, in_flight; /* records */
    bool waiting;               /* for its parents */
    bool finished;
    bool caught_up; /* has read to the tip, and everything read is finished */
};

struct mr_mapping_status {
    bool running;
    bool reading; /* every shard known has its iterator: records put from now on are seen */
    enum mr_mapping_result last_result;
    struct mr_mapping_counts counts;
    const struct mr_mapping_shard *shards; /* in the arena */
    size_t shard_count;
    struct mr_slice trouble; /* what keeps it from reading; absent: nothing */
};

/* ---- what is told as it happens: batch lines, metrics, history, transcripts ---- */

enum mr_mapping_event_kind {
    MR_EVENT_BATCH_START, /* an invocation begins; `payload` is the event */
    MR_EVENT_BATCH_END,   /* it ended; `payload` is the answer; see outcome */
    MR_EVENT_BATCH_DROP,  /* given up; `detail` says where it went */
    MR_EVENT_FILTERED,    /* `count` records were filtered out */
    MR_EVENT_SHARD_BEGIN, /* reading begins */
    MR_EVENT_SHARD_END,   /* finished */
    MR_EVENT_TROUBLE,     /* reading fails; `detail` is a sentence; told when it changes */
    MR_EVENT_CHECKPOINT,  /* the low-water mark moved; last_sequence_number */
};

struct mr_mapping_event {
    enum mr_mapping_event_kind kind;
    struct mr_slice mapping_uuid, source_arn, function_arn, shard_id;
    uint32_t lane;
    uint64_t time_ms;
    struct mr_slice batch;      /* "b7", halves "b7.L", "b7.R.L"; counted per poller */
    struct mr_slice request_id; /* of the invocation */
    uint32_t attempt;           /* 1: the first try of this batch */
    uint64_t count;             /* records */
    uint64_t bytes;             /* of the event */
    uint64_t age_ms;            /* of the oldest record */
    struct mr_slice first_sequence_number, last_sequence_number;
    enum mr_lane_outcome outcome; /* END */
    size_t failed_at;             /* END, of a partial failure */
    struct mr_slice payload;
    struct mr_slice detail;           /* END: a failure's sentence; DROP, TROUBLE: see there */
    uint64_t duration_us;             /* END, of real time */
    enum mr_lane_condition condition; /* DROP */
    enum mr_sunk sunk;                /* DROP */
    uint32_t invoke_count;            /* DROP */
    int64_t max_retries;              /* START, END: for "retry 1/2" */
    uint64_t retry_in_ms;             /* END: the next try's wait; 0: at once or none */
    uint64_t split;                   /* END: size of the left half of a bisect; 0: none */
    bool is_final_window, early_window;
};
typedef void(mr_mapping_event_fn)(const struct mr_mapping_event *event, void *context);

/* ---- the poller ---- */

/*
 * Opens a source for a mapping; NULL with `err`. The mapping frees it. Called again when a
 * source reports MR_SOURCE_GONE for a while.
 */
typedef struct mr_source *(mr_open_source_fn)(struct mr_slice source_arn, void *context,
                                              struct mr_error *err);

struct mr_poller_options {
    struct mr_loop *loop; /* outlives the poller, as all below */
    const struct mr_invoker *invoker;
    const struct mr_sink *sink;
    struct mr_checkpoints *checkpoints; /* NULL: nothing is remembered */
    mr_open_source_fn *open_source;
    void *open_context;
    mr_mapping_event_fn *event; /* NULL: nobody listens */
    void *event_context;
    uint64_t seed;       /* of request ids and the like; 0: the system's randomness */
    uint64_t poll_ms;    /* cadence of a source that cannot wait; 0: 1000, as on AWS */
    bool aws_cadence;    /* poll like AWS even where the source could wait */
    uint32_t backoff_ms; /* as in lane.h; 0: the usual */
    uint32_t backoff_max_ms;
    uint32_t throttle_max_ms;
    uint64_t
        max_buffered_bytes; /* of records read and not finished, of all mappings; 0: 256 MiB */
};

/* Never NULL. */
struct mr_poller *mr_poller_new(const struct mr_poller_options *options);
/* Its mappings must have been freed. NULL is fine. */
void mr_poller_free(struct mr_poller *poller);

/* ---- a mapping's life ---- */

/* Checks and copies the settings; reads nothing yet. NULL with -EINVAL and a sentence. */
struct mr_mapping *mr_mapping_new(struct mr_poller *poller,
                                  const struct mr_mapping_settings *settings,
                                  struct mr_error *err);
/* Begin, or go on, from the checkpoints, else from the starting position. Fine when running. */
void mr_mapping_start(struct mr_mapping *mapping);
/*
 * Read no more and begin no invocation; what is under way ends and is checkpointed; then
 * `done`, later. Records that were read and not invoked are forgotten and read again at the
 * next start.
 */
void mr_mapping_stop(struct mr_mapping *mapping, mr_loop_fn *done, void *context);
/*
 * New settings, positions kept; uuid, source and starting position stay as they were. A batch
 * that was formed goes on as it was; a change of parallelization drains first. Fine while
 * running.
 */
int mr_mapping_update(struct mr_mapping *mapping, const struct mr_mapping_settings *settings,
                      struct mr_error *err) MR_MUST_USE;
/*
 * Move every shard (or `shard_id` alone) to a place. Only while stopped: -EBUSY. Takes effect
 * at the next start.
 */
int mr_mapping_seek(struct mr_mapping *mapping, const struct mr_source_place *place,
                    struct mr_error *err) MR_MUST_USE;
/*
 * Invocations under way are abandoned (their outcome is ignored), a stop's `done` is not
 * called. At any time but from an event of its own. NULL is fine.
 */
void mr_mapping_free(struct mr_mapping *mapping);
MR_AUTO_DEFINE(struct mr_mapping, mr_mapping_free)
/* Its checkpoints, for one that is deleted: then free it. */
void mr_mapping_forget(struct mr_mapping *mapping);

void mr_mapping_status(const struct mr_mapping *mapping, struct mr_arena *arena,
                       struct mr_mapping_status *out_status);
/* Nothing unread as far as the newest answers say, nothing buffered, nothing in flight. */
bool mr_mapping_is_drained(const struct mr_mapping *mapping);

#endif
