/*
 * lane: what becomes of a batch: the retry core, without I/O, clock or loop.
 *
 * A lane takes the records of one shard (of one slice of its partition keys, with a
 * ParallelizationFactor above 1) in order and says what to do next: invoke this batch, wait
 * until then, discard these for that reason. Its caller does it and reports the outcome. Time
 * is passed in, so a test runs a day of retries in a microsecond.
 *
 * The rules are Lambda's:
 * - A batch is due when it has `batch_size` records, when the next record's event would pass
 *   `max_event_bytes`, or when the window since the last invocation's end has passed.
 * - The retry budget belongs to the batch: a batch whose membership changes, by bisect or by a
 *   partial failure, starts with a new budget and a new request id; an unchanged retry keeps
 * both.
 * - Before each try, records older than the limit are cut off the front.
 * - Throttles and service errors use no budget.
 * - Bisect goes depth first, left half first: order in the lane is never broken.
 * - Tumbling windows carry state from batch to batch, and end in one invocation without
 * records.
 *
 * Not thread-safe: a lane belongs to its shard reader.
 */
#ifndef MR_POLLER_LANE_H
#define MR_POLLER_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/slice.h"

struct mr_lane_record {
    uint64_t arrival_ms;  /* approximateArrivalTimestamp, Unix time */
    uint64_t position;    /* the caller's count of the shard's records */
    uint32_t event_bytes; /* of this record's JSON in the event, without a comma */
    void *record;         /* the caller's */
};

/* A record is finished: the checkpoint may pass it as far as this lane is concerned. */
typedef void(mr_lane_finished_fn)(const struct mr_lane_record *record, void *context);

struct mr_lane_options {
    uint32_t batch_size;      /* 1..10000 */
    uint32_t envelope_bytes;  /* of the event around its records */
    uint32_t max_event_bytes; /* 6,291,456 on Lambda */
    uint64_t window_ms;   /* MaximumBatchingWindowInSeconds; 0: as soon as there is a record */
    int64_t max_retries;  /* MaximumRetryAttempts; -1: without end */
    int64_t max_age_ms;   /* MaximumRecordAgeInSeconds; -1: for ever */
    bool bisect;          /* BisectBatchOnFunctionError */
    uint64_t tumbling_ms; /* TumblingWindowInSeconds; 0: none */
    uint64_t tumbling_idle_ms; /* close a window that long after its end; 0: two minutes */
    uint32_t backoff_ms;       /* first wait after a failed try; doubles; 0: 500 */
    uint32_t backoff_max_ms;   /* 0: 60000 */
    uint32_t throttle_max_ms;  /* longest wait after a try that was not taken; 0: 30000 */
    uint64_t *batch_numbers;   /* the caller's count of batches, outlives us; NULL: our own */
    mr_lane_finished_fn *finished; /* may be NULL */
    void *context;
};

enum mr_lane_verb {
    MR_LANE_IDLE,    /* nothing to do until records come */
    MR_LANE_WAIT,    /* nothing to do before `until_ms`, unless records come */
    MR_LANE_INVOKE,  /* invoke records 0..count-1, then mr_lane_report */
    MR_LANE_DISCARD, /* write the failure document of records 0..count-1, then mr_lane_discarded
                      */
    MR_LANE_BUSY,    /* an invocation or a discard is under way */
    MR_LANE_DONE,    /* the shard has ended and everything is finished */
};

enum mr_lane_condition { MR_LANE_RETRIES_EXHAUSTED, MR_LANE_AGE_EXCEEDED };

struct mr_lane_action {
    enum mr_lane_verb verb;
    uint64_t until_ms; /* WAIT */
    size_t count;      /* INVOKE, DISCARD: records, from the front; 0: a window's final call */
    uint64_t batch;    /* INVOKE, DISCARD: changes when the batch does: a new request id */
    /*
     * INVOKE, DISCARD: its name. A bisected batch leaves its number to its halves: the lowest
     * `split_depth` bits of `split_path` say, highest first, left (0) or right (1).
     */
    uint64_t number;
    uint32_t split_path, split_depth;
    uint32_t attempt;                 /* INVOKE: 1 + the tries of this batch that cost budget */
    bool is_final;                    /* isFinalInvokeForWindow */
    bool early;                       /* isWindowTerminatedEarly */
    uint64_t window_start_ms;         /* with tumbling windows */
    uint64_t window_size_ms;          /* the same; as it was when the window opened */
    enum mr_lane_condition condition; /* DISCARD, as all below */
    uint32_t invoke_count;            /* approximateInvokeCount */
    bool has_response;                /* a responseContext belongs into the document */
    bool unhandled;                   /* its functionError is "Unhandled", else null */
};

enum mr_lane_outcome {
    MR_LANE_SUCCEEDED,
    MR_LANE_PARTIAL, /* a valid batchItemFailures; `failed_at`: index of its lowest record */
    MR_LANE_FAILED,  /* the function threw, died or timed out */
    MR_LANE_BAD_RESPONSE, /* it returned, but what it returned fails the whole batch */
    MR_LANE_NOT_INVOKED,  /* throttled, or the service had trouble: costs no retry */
    MR_LANE_REJECTED,     /* the invocation was refused as it is (too large): costs a retry */
};

struct mr_lane_report {
    enum mr_lane_outcome outcome;
    size_t failed_at;
    struct mr_slice state; /* with tumbling windows: raw JSON, absent when none was returned */
};

struct mr_lane;

/* `options` is copied. Never NULL. */
struct mr_lane *mr_lane_new(const struct mr_lane_options *options, uint64_t now_ms);
void mr_lane_free(struct mr_lane *lane);
MR_AUTO_DEFINE(struct mr_lane, mr_lane_free)

/* From the next decision on; a batch that was formed stays as it is. */
void mr_lane_update(struct mr_lane *lane, const struct mr_lane_options *options);

/* Records of the lane that are not finished. The caller bounds it. */
size_t mr_lane_size(const struct mr_lane *lane);
/* Gives back the memory of a lane without records. */
void mr_lane_trim(struct mr_lane *lane);
void mr_lane_push(struct mr_lane *lane, const struct mr_lane_record *record, uint64_t now_ms);
/* The shard has no more records: what is there goes out without waiting for a window. */
void mr_lane_end(struct mr_lane *lane);
/* Records weigh otherwise now: `bytes` tells how much. A batch that was formed stays as it is.
 */
typedef uint32_t(mr_lane_bytes_fn)(const struct mr_lane_record *record, void *context);
void mr_lane_weigh(struct mr_lane *lane, mr_lane_bytes_fn *bytes, void *context);
/* Form no new batch any more; what was formed is finished. Undone by `false`. */
void mr_lane_drain(struct mr_lane *lane, bool drain);

/* What to do now. An INVOKE or DISCARD is given once; then BUSY until it is reported. */
struct mr_lane_action mr_lane_next(struct mr_lane *lane, uint64_t now_ms);

/* The outcome of the INVOKE that mr_lane_next gave. */
void mr_lane_report(struct mr_lane *lane, const struct mr_lane_report *report, uint64_t now_ms);
/* There may be room now for a try that was not taken: do not wait any longer. */
void mr_lane_hurry(struct mr_lane *lane);
/* The DISCARD was carried out: delivered, kept or dropped. */
void mr_lane_discarded(struct mr_lane *lane, uint64_t now_ms);

/* What the last report has led to. */
struct mr_lane_outlook {
    uint64_t retry_in_ms; /* the current batch waits that long; 0: not */
    size_t split;         /* it was bisected: size of its left half; 0: not */
};
struct mr_lane_outlook mr_lane_outlook(const struct mr_lane *lane, uint64_t now_ms);

/* Record `index` from the front. */
const struct mr_lane_record *mr_lane_record(const struct mr_lane *lane, size_t index);
/* The open window's state: raw JSON, "{}" at its beginning. Valid until the next report. */
struct mr_slice mr_lane_state(const struct mr_lane *lane);

#endif
