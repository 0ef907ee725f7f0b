/* world_inside: what the files of a world share, and nobody else includes. */
#ifndef MR_HARNESS_WORLD_INSIDE_H
#define MR_HARNESS_WORLD_INSIDE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "harness/test_invoker.h"
#include "harness/test_stream.h"
#include "harness/world.h"
#include "net/loop.h"
#include "poller/mapping.h"
#include "runtime/runtime.h"

/* A mapping of the template and its life here. */
struct world_mapping {
    struct mr_world_mapping shown;
    size_t function, stream; /* indices; of the template's model */
    size_t column;           /* in the stream's ledger */
    struct mr_mapping *mapping;
    uint64_t filtered, invocations, failed;
    struct world_batch *batches; /* of its lanes, while they are tried */
};

/* The batch that a lane is at. */
struct world_batch {
    struct world_batch *next;
    struct mr_slice shard_id; /* a copy behind the struct */
    uint32_t lane;
    size_t *numbers; /* of its records */
    size_t count;
};

struct mr_world {
    struct mr_world_options options;
    const struct mr_template_model *model;
    struct mr_arena arena;
    struct mr_clock_virtual clock;
    struct mr_loop *loop;
    struct mr_random random;

    struct mr_test_stream **streams; /* a stream of the model each */
    struct mr_launcher *launcher;
    struct mr_runtime *runtime;
    struct mr_test_function *functions;
    uint64_t *crashes; /* a function */
    struct mr_test_invoker *invoker;
    struct mr_checkpoints *checkpoints;
    struct mr_sink sink;
    struct mr_poller *poller;

    struct world_mapping *mappings; /* in the template's order */
    size_t mapping_count;

    struct mr_fault destination_faults[MR_TEST_MAX_FAULTS];
    size_t destination_fault_count;
    struct mr_fault read_faults[MR_TEST_MAX_FAULTS];
    size_t read_fault_count;

    struct mr_world_letter *letters;
    size_t letter_count, letter_capacity;
    struct mr_buf transcript, log;
    bool transcript_full;
    size_t put_count;
    uint64_t begun_us; /* the clock's, when the world began */
};

/* ---- world_graph.c: making and ending what the template describes ---- */
int world_graph_make(struct mr_world *world, struct mr_error *err);
/* A poller and its mappings, from the checkpoints. */
int world_poller_start(struct mr_world *world, struct mr_error *err);
void world_poller_end(struct mr_world *world);
void world_graph_end(struct mr_world *world);

/* ---- world_watch.c: what happened, remembered ---- */
void world_on_event(const struct mr_mapping_event *event, void *context);
void world_on_invoked(size_t function, const struct mr_invocation_result *result, bool injected,
                      void *context);
void world_on_log(const struct mr_runtime_log *log, void *context);
void world_deliver(void *self, const struct mr_sink_letter *letter, mr_sunk_fn *done,
                   void *context);
void world_batches_free(struct world_mapping *mapping);

#endif
