/*
 * rig: a mapping on a stream in memory, on a virtual clock, with a function that does what a
 * test says, and a transcript.
 *
 * The transcript has a word for each invocation, with the data of its records: "[a,b]" went
 * well, "[c]!" failed, "[d]~" was refused, "drop(c)2" was given up after two tries, "aged(c)1"
 * for its age, "final{}" closed a window. Records are written as their data.
 */
#ifndef MR_TESTS_POLLER_RIG_H
#define MR_TESTS_POLLER_RIG_H

#include "base/buf.h"
#include "base/clock.h"
#include "poller/mapping.h"
#include "poller/source_memory.h"

struct rig;

/* What the function does with an event. Views into what the test owns. */
struct rig_answer {
    enum mr_invoke_outcome outcome;
    const char *payload; /* NULL: none */
    uint64_t takes_ms;
    bool owned; /* the payload is freed when it was told */
};
typedef struct rig_answer(rig_function)(struct rig *rig,
                                        const struct mr_invoke_request *request);

struct rig {
    struct mr_clock_virtual clock;
    struct mr_loop *loop;
    struct mr_memory_stream *stream;
    struct mr_poller *poller;
    struct mr_mapping *mapping;
    struct mr_invoker invoker;
    struct mr_sink sink;
    enum mr_sunk sunk; /* what the sink says */
    struct mr_mapping_settings settings;
    struct mr_poller_options options;

    rig_function *function; /* NULL: all goes well */
    const char *poison;     /* without a function: events that hold one of these letters fail */
    void *context;          /* the test's */
    unsigned invoking, most_invoking;
    unsigned running; /* of those, not throttled */
    bool keep_quiet; /* no transcript */

    struct mr_buf said;
    struct mr_buf events;   /* one line an event */
    struct mr_buf payloads; /* one line an invocation */
    struct mr_buf letters;  /* one line a failure document */
};

/* With `shards` shards; settings are those of a minimal mapping from TRIM_HORIZON. */
void rig_init(struct rig *rig, size_t shards);
void rig_deinit(struct rig *rig);
#define rig_auto __attribute__((cleanup(rig_deinit)))

/* Makes poller and mapping from `settings` and `options`, and starts it. */
void rig_start(struct rig *rig);
/* Frees both, as a process that ends. */
void rig_crash(struct rig *rig);
/* Stops, and runs until it has stopped. */
void rig_stop(struct rig *rig);

/* A record for each word of `words`, with the word as its key and data. */
void rig_put(struct rig *rig, size_t shard, const char *words);
void rig_put_key(struct rig *rig, size_t shard, const char *key, const char *data);

/* Until nothing can happen before `ms` of virtual time from now have passed. */
void rig_run(struct rig *rig, uint64_t ms);
/* The transcript since the last call. */
const char *rig_said(struct rig *rig);
/* Records of an event, as their data, joined by commas. */
void rig_data_of(struct mr_slice payload, struct mr_buf *out);

struct mr_mapping_counts rig_counts(struct rig *rig);
uint64_t rig_now_ms(const struct rig *rig);
/* Sequence numbers of record `index` of a shard. */
const char *rig_checkpoint(struct rig *rig, size_t shard);

#endif
