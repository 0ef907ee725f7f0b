/*
 * lane_set: the lanes of a shard: one, or up to ten by partition key.
 *
 * The same key goes to the same lane. The shard is finished as far as the oldest record at the
 * front of a lane: lanes finish their records in order. Another number of lanes is made when no
 * batch is formed any more, from the records that wait.
 *
 * Private to the shard reader.
 */
#ifndef MR_POLLER_LANE_SET_H
#define MR_POLLER_LANE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "poller/record.h"

struct mr_event_kinesis;
struct mr_lane_runner;
struct mr_shard_reader;

/* A zeroed struct has no lanes. */
struct mr_lane_set {
    struct mr_event_kinesis *event; /* the writer of the shard's events */
    struct mr_lane_runner **runners;
    unsigned count;
    bool repartitions; /* drains its lanes to make others */
};

/* As the reader's mapping wants them; nothing when they are there. */
void mr_lane_set_make(struct mr_shard_reader *reader);
void mr_lane_set_free(struct mr_lane_set *set);
/* The mapping's settings have changed. */
void mr_lane_set_update(struct mr_shard_reader *reader);

void mr_lane_set_push(struct mr_lane_set *set, uint64_t position,
                      const struct mr_record *record, uint64_t now_ms);
/* Each lane does what is to be done now; does no more; gets no more records. */
void mr_lane_set_run(struct mr_lane_set *set);
void mr_lane_set_stop(struct mr_lane_set *set);
void mr_lane_set_end(struct mr_lane_set *set);

/* Records read and not finished. */
size_t mr_lane_set_size(const struct mr_lane_set *set);
/* Everything before this position is finished; `end` is behind the last that was pushed. */
uint64_t mr_lane_set_low_water(const struct mr_lane_set *set, uint64_t end);
/* The shard has ended and all of it is finished. */
bool mr_lane_set_is_done(const struct mr_lane_set *set);

/* After an update, when it `repartitions`: is no batch formed? Then other lanes can be made. */
bool mr_lane_set_is_drained(const struct mr_lane_set *set);
void mr_lane_set_repartition(struct mr_shard_reader *reader);

#endif
