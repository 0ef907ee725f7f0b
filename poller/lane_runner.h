/*
 * lane_runner: does what a lane says: invoke, wait, give up.
 *
 * One thing at a time. The event of a batch is written once and kept for its retries, unless it
 * is large and they must wait; its request id stays. What is under way when the runner is freed
 * is abandoned: its outcome is ignored.
 *
 * Private to the mapping.
 */
#ifndef MR_POLLER_LANE_RUNNER_H
#define MR_POLLER_LANE_RUNNER_H

#include "base/random.h"
#include "poller/lane.h"
#include "poller/shard_reader.h"

enum { MR_LANE_RUNNER_VERSION = 32 };

struct mr_lane_flight;

struct mr_lane_runner {
    struct mr_shard_reader *reader; /* outlives us */
    struct mr_lane *lane;
    unsigned index;
    struct mr_timer timer;
    struct mr_lane_flight *flight; /* under way; NULL: nothing */
    struct mr_lane_action action;  /* the same */
    uint64_t started_us;           /* of real time */
    struct mr_list throttled;      /* waits for another's end, or for its timer */
    bool is_done;                  /* the shard has ended and all of this lane is finished */
    bool is_drained;               /* no batch is formed */

    /* Of the current batch. */
    uint64_t batch;
    char request_id[MR_UUID_SIZE];
    char version[MR_LANE_RUNNER_VERSION]; /* that executed it last */
    struct mr_buf payload;                /* empty: not written yet */
    size_t payload_count;
};

struct mr_lane_runner *mr_lane_runner_new(struct mr_shard_reader *reader, unsigned index);
void mr_lane_runner_free(struct mr_lane_runner *runner);

/* The mapping's settings have changed, and with them the reader's event writer. */
void mr_lane_runner_update(struct mr_lane_runner *runner);
/* Do what is to be done now. Nothing unless the mapping runs. */
void mr_lane_runner_run(struct mr_lane_runner *runner);
/* No timer any more. */
void mr_lane_runner_stop(struct mr_lane_runner *runner);

#endif
