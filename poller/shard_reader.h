/*
 * shard_reader: one shard at work for a mapping.
 *
 * Takes an iterator, reads while there is room, filters, fills the lanes, moves the checkpoint
 * to the shard's low-water mark: the last record such that it and everything before it is
 * finished in every lane.
 *
 * Private to the mapping; its fields are for mapping.c, topology.c and status.c to read.
 */
#ifndef MR_POLLER_SHARD_READER_H
#define MR_POLLER_SHARD_READER_H

#include "base/list.h"
#include "poller/event_kinesis.h"
#include "poller/lane_set.h"
#include "poller/mapping_inside.h"
#include "poller/pages.h"

enum { MR_SHARD_PARENTS = 2 };

enum mr_shard_state {
    MR_SHARD_WAITING, /* for its parents */
    MR_SHARD_READING,
    MR_SHARD_FINISHED,
};

enum mr_shard_step {
    MR_SHARD_PLACE,
    MR_SHARD_FETCH,
    MR_SHARD_TAKE,
    MR_SHARD_REST,
    MR_SHARD_END,
    MR_SHARD_PENDING,
};

struct mr_shard_reader {
    struct mr_mapping *mapping;                    /* outlives us */
    struct mr_slice id, parents[MR_SHARD_PARENTS]; /* one allocation, `id` its beginning */
    enum mr_shard_state state;
    bool is_open;   /* when it was listed last */
    bool is_listed; /* then */
    bool is_lost;   /* the source does not know it: the next listing decides */
    bool is_unplaced;
    bool is_troubled; /* one of those the mapping counts */
    bool has_child;   /* was seen */
    bool has_begun;   /* reading was told */
    bool at_tip;      /* the newest answer reached the end of what there is */
    bool has_ended;   /* the source has nothing more, ever */
    enum mr_shard_step step;

    enum mr_position from; /* while nothing was read */
    uint64_t from_ms;
    struct mr_buf read_to;    /* the last record that was read; empty: none */
    struct mr_buf checkpoint; /* place text as it was remembered; empty: none */
    struct mr_buf iterator;   /* empty: none */
    struct mr_source_call *call;
    uint64_t asked_ms, wait_ms; /* of the call */
    struct mr_timer timer;
    uint64_t rest_ms;
    unsigned failures; /* in a row */
    struct mr_list hungry;

    struct mr_pages pages;
    size_t fresh;             /* records of the last page that were not taken yet */
    uint64_t mark;            /* everything before this position is finished */
    struct mr_lane_set lanes; /* made with the first record */
    uint64_t behind_ms;
};

struct mr_shard_reader *mr_shard_reader_new(struct mr_mapping *mapping,
                                            const struct mr_source_shard *shard);
/* Abandons what is under way. NULL is fine. */
void mr_shard_reader_free(struct mr_shard_reader *reader);

/* Where to begin. Only while not reading. */
void mr_shard_reader_set_place(struct mr_shard_reader *reader,
                               const struct mr_source_place *place);
void mr_shard_reader_start(struct mr_shard_reader *reader);
/* No further call, timer or invocation; invocations under way end by themselves. */
void mr_shard_reader_stop(struct mr_shard_reader *reader);
/* Drop what was read and is not finished: it will be read again. After a stop. */
void mr_shard_reader_forget(struct mr_shard_reader *reader);
/* The mapping's settings have changed. */
void mr_shard_reader_update(struct mr_shard_reader *reader);
/* A listing knows it again, or says that there is nothing more of it. */
void mr_shard_reader_found(struct mr_shard_reader *reader);
void mr_shard_reader_end(struct mr_shard_reader *reader);
/* Its source goes away; the next listing lets it go on. */
void mr_shard_reader_lose(struct mr_shard_reader *reader);
/* There is room for bytes again. */
void mr_shard_reader_feed(struct mr_shard_reader *reader);

/* A lane has moved. */
void mr_shard_reader_settle(struct mr_shard_reader *reader);

#endif
