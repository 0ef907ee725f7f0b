/*
 * world: all that a template describes, in one process, on a virtual clock.
 *
 * Streams in memory, the real poller, the real runtime, the real handlers in their sandbox.
 * Time stands still while a handler runs and jumps to the next thing due when nothing does, so
 * a day of retries passes in the time its invocations take. The same template, seed and calls
 * give the same transcript, to the byte.
 *
 * What `millrace test` runs its cases on, and a C library for tests of one's own:
 *
 *     struct mr_world *world = mr_world_new(&options, &err);
 *     mr_world_put(world, "Orders", &record, &err);
 *     mr_world_drain(world, &err);
 *     ck_assert_uint_eq(mr_world_sums(world, mapping).lost, 0);
 *     mr_world_free(world);
 *
 * Not run here: mappings on other sources than Kinesis streams (mr_world_mapping says so).
 *
 * Thread: one.
 */
#ifndef MR_HARNESS_WORLD_H
#define MR_HARNESS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/slice.h"
#include "harness/ledger.h"
#include "sam-templates/template.h"
#include "sandbox/protocol.h"

struct mr_world;

struct mr_world_options {
    const struct mr_template *tpl; /* parsed without errors; the caller's, outlives the world */
    /* Code of functions that are built: BUILD_DIR/LOGICALID where that directory exists. */
    const char *build_dir;         /* NULL: none is built */
    const char *bootstraps;        /* as in runtime.h; NULL: none */
    const char *sandboxd;          /* as in mr_sandboxd_spawn */
    enum mr_sandbox_level require; /* refuse to run with less; 0: any */
    bool sandbox_off;
    uint64_t seed;            /* request ids, faults, and with `shuffle` the order of shards */
    bool shuffle;             /* answers of streams take some milliseconds, by the seed */
    uint64_t start_ms;        /* Unix time at the beginning; 0: 2026-01-01T00:00:00Z */
    uint64_t max_virtual_ms;  /* of a drain; 0: 7 days */
    uint64_t max_invocations; /* 0: 1,000,000 */
    uint64_t max_real_ms;     /* of a drain; 0: 60,000 */
};

/* NULL with `err`: what cannot run here, and why. */
struct mr_world *mr_world_new(const struct mr_world_options *options, struct mr_error *err);
/* Ends every process of it. NULL is fine. */
void mr_world_free(struct mr_world *world);
MR_AUTO_DEFINE(struct mr_world, mr_world_free)

/* ---- what one does to it ---- */

struct mr_world_record {
    struct mr_slice partition_key;
    struct mr_slice explicit_hash_key; /* decimal; absent: by the key */
    struct mr_slice data;
};

/* `stream`: logical id or name. -ENOENT names those there are. */
int mr_world_put(struct mr_world *world, const char *stream,
                 const struct mr_world_record *record, struct mr_error *err) MR_MUST_USE;
/* Open shards by their number. */
int mr_world_split(struct mr_world *world, const char *stream, size_t shard,
                   struct mr_error *err) MR_MUST_USE;
int mr_world_merge(struct mr_world *world, const char *stream, size_t shard, size_t adjacent,
                   struct mr_error *err) MR_MUST_USE;
/* A rule of fault.h, from now on; copied. */
int mr_world_fault(struct mr_world *world, struct mr_slice rule,
                   struct mr_error *err) MR_MUST_USE;
/* The poller dies with what it has in flight, and begins again from the checkpoints. */
int mr_world_restart(struct mr_world *world, struct mr_error *err) MR_MUST_USE;
/* Let virtual time pass. */
int mr_world_advance(struct mr_world *world, uint64_t ms, struct mr_error *err) MR_MUST_USE;
/*
 * Until no record is unread, nothing is in flight and no timer owes work. -ETIME when one of
 * the bounds was reached: a livelock, with what was still open.
 */
int mr_world_drain(struct mr_world *world, struct mr_error *err) MR_MUST_USE;

/* ---- what one sees ---- */

struct mr_world_mapping {
    const struct mr_template_mapping *mapping;
    const struct mr_template_function *function;
    const struct mr_template_stream *stream;
    const char *not_run; /* why it is not run here, or NULL */
};

size_t mr_world_mapping_count(const struct mr_world *world);
const struct mr_world_mapping *mr_world_mapping(const struct mr_world *world, size_t mapping);

struct mr_world_sums {
    struct mr_ledger_sums records;
    uint64_t put;      /* records put into its stream */
    uint64_t filtered; /* records its filters dropped */
    uint64_t invocations, failed_invocations;
    uint64_t crashes; /* processes of it that ended by themselves, faults not counted */
    size_t lost;      /* neither handled, filtered nor given up */
    bool at_head;     /* every shard's checkpoint stands at its last record */
};

struct mr_world_sums mr_world_sums(const struct mr_world *world, size_t mapping);

/* A document that a failure destination got. */
struct mr_world_letter {
    size_t mapping;
    const char *destination; /* logical id, else the ARN; NULL: there was none */
    uint64_t time_ms;        /* virtual, since the beginning */
    uint64_t records;
    const char *document; /* JSON, as SQS and SNS get it */
    bool delivered;
};

size_t mr_world_letter_count(const struct mr_world *world);
const struct mr_world_letter *mr_world_letter(const struct mr_world *world, size_t letter);

/* One JSON object a line: invocations and what became of them; nothing that was measured. */
struct mr_slice mr_world_transcript(const struct mr_world *world);
/* What handlers and their platform wrote; the first MR_WORLD_MAX_LOG_BYTES. */
struct mr_slice mr_world_log(const struct mr_world *world);
/* Virtual time since the beginning. */
uint64_t mr_world_now_ms(const struct mr_world *world);

enum {
    MR_WORLD_MAX_LOG_BYTES = 1024 * 1024,
    MR_WORLD_MAX_TRANSCRIPT_BYTES = 64 * 1024 * 1024, /* -E2BIG from drain and advance */
    MR_WORLD_MAX_RECORDS = 10 * 1000 * 1000,
};

#endif
