/* mapping_inside: what the files of a mapping share, and nobody else's business. */
#ifndef MR_POLLER_MAPPING_INSIDE_H
#define MR_POLLER_MAPPING_INSIDE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/random.h"
#include "poller/kept_settings.h"
#include "poller/mapping.h"
#include "poller/topology.h"

struct mr_shard_reader;

enum { MR_POLLER_SPARE_BUFFERS = 16 };

struct mr_poller {
    struct mr_poller_options options;
    struct mr_random random;
    uint64_t batch_numbers;
    size_t buffered_bytes;                        /* of records read and not finished */
    struct mr_list hungry;                        /* readers that wait for that to shrink */
    struct mr_arena scratch;                      /* of filters */
    struct mr_buf spare[MR_POLLER_SPARE_BUFFERS]; /* of events that were answered */
    size_t spare_count;
};

/* Unix time by the injected clock: what lanes and records reckon in. */
uint64_t mr_poller_now_ms(const struct mr_poller *poller);
/* A buffer for an event, and back: `buf` is empty then. */
struct mr_buf mr_poller_take_buffer(struct mr_poller *poller);
void mr_poller_give_buffer(struct mr_poller *poller, struct mr_buf *buf);
/* Records were read, or finished and let go. */
void mr_poller_buffered(struct mr_poller *poller, size_t bytes);
void mr_poller_released(struct mr_poller *poller, size_t bytes);
bool mr_poller_is_full(const struct mr_poller *poller);

enum mr_mapping_life { MR_MAPPING_STOPPED, MR_MAPPING_RUNNING, MR_MAPPING_STOPPING };

struct mr_mapping_waiter {
    mr_loop_fn *done;
    void *context;
};

/* A shard (or "*") is to be moved at the next start. */
struct mr_mapping_seek_to {
    char *shard_id;
    char *place;
};

struct mr_mapping {
    struct mr_poller *poller; /* the caller's, outlives us */
    struct mr_kept_settings *kept;
    enum mr_mapping_life life;
    bool start_again; /* as soon as it has stopped */
    struct mr_source *source;
    struct mr_source_call *listing;
    struct mr_timer list_timer, stop_timer;
    unsigned list_failures; /* in a row */
    unsigned childless;     /* listings in a row that lacked a finished shard's children */
    bool is_listed;         /* the shards are known, since the start */
    bool has_begun;         /* in this or an earlier run: shards not seen before are children */
    struct mr_topology topology;
    uint64_t stream_created_ms; /* the stream's incarnation; 0: none seen */
    size_t unplaced;            /* readers that wait for an iterator since the listing */
    bool is_forgotten;          /* deleted: nothing is remembered any more */
    bool must_flush;            /* boundaries were taken that no record stands for */
    struct mr_list throttled;   /* lanes, longest first */
    size_t in_flight;           /* invocations and failure documents */
    struct mr_mapping_seek_to *seeks;
    size_t seek_count;
    struct mr_mapping_waiter *waiters; /* for the stop */
    size_t waiter_count;
    enum mr_mapping_result last_result;
    struct mr_mapping_counts counts;
    struct mr_buf trouble;
    size_t troubled; /* readers whose last call failed for a reason that was told */
};

static inline const struct mr_mapping_settings *
mr_mapping_settings_of(const struct mr_mapping *mapping)
{
    return &mapping->kept->settings;
}

/* Fills in what every event carries, and tells it. */
void mr_mapping_tell(const struct mr_mapping *mapping, struct mr_mapping_event *event);
/* Absent: there is none any more, as far as its teller knows. */
void mr_mapping_trouble(struct mr_mapping *mapping, struct mr_slice sentence);

/* What readers report. */
void mr_mapping_placed(struct mr_mapping *mapping);
void mr_mapping_shard_finished(struct mr_mapping *mapping, struct mr_shard_reader *reader);
void mr_mapping_shard_lost(struct mr_mapping *mapping); /* list again: it may be gone */
void mr_mapping_landed(struct mr_mapping *mapping);     /* one less in flight */

/* Put a shard's place into the store. */
void mr_mapping_remember(struct mr_mapping *mapping, struct mr_slice shard_id,
                         struct mr_slice place, bool finished);

#endif
