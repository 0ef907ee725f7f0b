#include "harness/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "harness/world_inside.h"

enum {
    MAX_REAL_MS = 60 * 1000,
    MAX_INVOCATIONS = 1000 * 1000,
    ROUND_MS = 1000, /* of real time: how long a round may wait for a handler */
};

static const uint64_t START_MS = 1767225600000; /* 2026-01-01T00:00:00Z */
static const uint64_t MAX_VIRTUAL_MS =
    7 * 24 * 3600 * UINT64_C(1000); /* Kinesis's usual week */

/* ---- life ---- */

struct mr_world *
mr_world_new(const struct mr_world_options *options, struct mr_error *err)
{
    struct mr_world *world = mr_alloc_zero(1, sizeof(*world));
    uint64_t start_ms = options->start_ms > 0 ? options->start_ms : START_MS;

    world->options = *options;
    world->model = mr_template_model_of(options->tpl);
    mr_clock_virtual_init(&world->clock, start_ms * 1000);
    world->loop = mr_loop_new_virtual(&world->clock);
    world->begun_us = mr_clock_now_us(&world->clock.clock);
    mr_random_init_seed(&world->random, options->seed);
    if (world_graph_make(world, err) < 0 || mr_world_advance(world, 0, err) < 0) {
        mr_world_free(world);
        return NULL;
    }
    return world;
}

void
mr_world_free(struct mr_world *world)
{
    if (world == NULL) {
        return;
    }
    world_graph_end(world);
    mr_loop_free(world->loop);
    free(world->letters);
    mr_buf_deinit(&world->transcript);
    mr_buf_deinit(&world->log);
    mr_arena_deinit(&world->arena);
    free(world);
}

uint64_t
mr_world_now_ms(const struct mr_world *world)
{
    return (mr_clock_now_us(&world->clock.clock) - world->begun_us) / 1000;
}

/* ---- time ---- */

static uint64_t
or_usual(uint64_t value, uint64_t usual)
{
    return value == 0 ? usual : value;
}

static int
check_bounds(const struct mr_world *world, uint64_t began_virtual_ms, uint64_t began_real_us,
             struct mr_error *err)
{
    const struct mr_world_options *options = &world->options;
    uint64_t virtual_ms = or_usual(options->max_virtual_ms, MAX_VIRTUAL_MS);
    uint64_t real_ms = or_usual(options->max_real_ms, MAX_REAL_MS);
    uint64_t invocations = or_usual(options->max_invocations, MAX_INVOCATIONS);

    if (world->transcript_full) {
        return mr_fail(err, -E2BIG, "the transcript passes %d bytes",
                       MR_WORLD_MAX_TRANSCRIPT_BYTES);
    }
    if (mr_test_invoker_count(world->invoker) > invocations) {
        return mr_fail(err, -ETIME, "still not drained after %llu invocations",
                       (unsigned long long)invocations);
    }
    if (mr_world_now_ms(world) - began_virtual_ms > virtual_ms) {
        return mr_fail(err, -ETIME, "still not drained after %llu s of virtual time",
                       (unsigned long long)virtual_ms / 1000);
    }
    if (mr_clock_now_us(mr_clock_system()) - began_real_us > real_ms * 1000) {
        return mr_fail(err, -ETIME, "still not drained after %llu s of real time",
                       (unsigned long long)real_ms / 1000);
    }
    return 0;
}

typedef bool(is_over_fn)(struct mr_world *world, void *context);

static int
run_until(struct mr_world *world, is_over_fn *is_over, void *context, struct mr_error *err)
{
    uint64_t began_virtual_ms = mr_world_now_ms(world);
    uint64_t began_real_us = mr_clock_now_us(mr_clock_system());

    while (!is_over(world, context)) {
        int rc = check_bounds(world, began_virtual_ms, began_real_us, err);
        if (rc < 0) {
            return rc;
        }
        mr_loop_run_once(world->loop, ROUND_MS);
    }
    return 0;
}

/* Every mapping has its iterators: what is put from now on is seen, whatever its position. */
static bool
is_reading(struct mr_world *world, void *context)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    (void)context;
    for (size_t i = 0; i < world->mapping_count; i++) {
        struct mr_mapping_status status;
        if (world->mappings[i].mapping == NULL) {
            continue;
        }
        mr_mapping_status(world->mappings[i].mapping, &arena, &status);
        if (!status.reading) {
            return false;
        }
    }
    return true;
}

struct alarm {
    struct mr_timer timer;
    bool rang;
};

static void
on_alarm(void *context)
{
    ((struct alarm *)context)->rang = true;
}

static bool
has_rung(struct mr_world *world, void *context)
{
    (void)world;
    return ((struct alarm *)context)->rang;
}

int
mr_world_advance(struct mr_world *world, uint64_t ms, struct mr_error *err)
{
    struct alarm alarm = { 0 };
    int rc = run_until(world, is_reading, NULL, err);
    if (rc == 0 && ms > 0) {
        mr_timer_init(&alarm.timer, world->loop, MR_TIME_INJECTED, on_alarm, &alarm);
        mr_timer_start(&alarm.timer, ms);
        rc = run_until(world, has_rung, &alarm, err);
        mr_timer_stop(&alarm.timer);
    }
    return rc;
}

/* Does every shard's checkpoint stand at its last record? */
static bool
is_at_head(const struct mr_world *world, const struct world_mapping *mapping)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;
    struct mr_test_stream *stream = world->streams[mapping->stream];
    struct mr_memory_stream *memory = mr_test_stream_memory(stream);

    mr_mapping_status(mapping->mapping, &arena, &status);
    for (size_t shard = 0; shard < mr_memory_stream_shard_count(memory); shard++) {
        struct mr_slice head = mr_test_stream_head(stream, shard);
        bool found = head.size == 0;
        for (size_t i = 0; i < status.shard_count && !found; i++) {
            found =
                mr_slice_eq(status.shards[i].id, mr_memory_stream_shard_id(memory, shard)) &&
                (status.shards[i].finished || mr_slice_eq(status.shards[i].checkpoint, head));
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool
is_drained(struct mr_world *world, void *context)
{
    (void)context;
    for (size_t i = 0; i < world->mapping_count; i++) {
        const struct world_mapping *mapping = &world->mappings[i];
        /* The mapping knows what it was told; an answer may still be on its way to it. */
        if (mapping->mapping != NULL &&
            !(mr_mapping_is_drained(mapping->mapping) && is_at_head(world, mapping))) {
            return false;
        }
    }
    return mr_test_invoker_is_idle(world->invoker);
}

static void
say_what_is_open(struct mr_world *world, struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    for (size_t i = 0; i < world->mapping_count; i++) {
        const struct world_mapping *mapping = &world->mappings[i];
        struct mr_mapping_status status;
        if (mapping->mapping == NULL ||
            (mr_mapping_is_drained(mapping->mapping) && is_at_head(world, mapping))) {
            continue;
        }
        mr_mapping_status(mapping->mapping, &arena, &status);
        size_t buffered = 0;
        for (size_t s = 0; s < status.shard_count; s++) {
            buffered += status.shards[s].buffered;
        }
        mr_wrap(err, "mapping %s has %zu records open (%llu invocations)",
                mapping->shown.mapping->logical_id, buffered,
                (unsigned long long)mapping->invocations);
        return;
    }
}

int
mr_world_drain(struct mr_world *world, struct mr_error *err)
{
    struct mr_error own;
    struct mr_error *said = err != NULL ? err : &own;
    int rc = run_until(world, is_drained, NULL, said);
    if (rc == -ETIME) {
        say_what_is_open(world, said);
    }
    return rc;
}

/* ---- what one does to it ---- */

static struct mr_test_stream *
find_stream(struct mr_world *world, const char *name, struct mr_error *err)
{
    const struct mr_template_model *model = world->model;
    mr_auto_buf struct mr_buf known = { 0 };
    for (size_t i = 0; i < model->stream_count; i++) {
        if (strcmp(model->streams[i].logical_id, name) == 0 ||
            strcmp(model->streams[i].name, name) == 0) {
            return world->streams[i];
        }
        mr_buf_printf(&known, "%s%s", i == 0 ? "" : ", ", model->streams[i].logical_id);
    }
    mr_fail(err, -ENOENT, "\"%.60s\" is no stream of the template; there is %s", name,
            known.size == 0 ? "none" : mr_buf_cstr(&known));
    return NULL;
}

int
mr_world_put(struct mr_world *world, const char *stream, const struct mr_world_record *record,
             struct mr_error *err)
{
    struct mr_test_stream *found = find_stream(world, stream, err);
    if (found == NULL) {
        return -ENOENT;
    }
    if (world->put_count == MR_WORLD_MAX_RECORDS) {
        return mr_fail(err, -E2BIG, "more than %d records", MR_WORLD_MAX_RECORDS);
    }
    world->put_count++;
    return mr_test_stream_put(found, record->partition_key, record->explicit_hash_key,
                              record->data, err);
}

int
mr_world_split(struct mr_world *world, const char *stream, size_t shard, struct mr_error *err)
{
    struct mr_test_stream *found = find_stream(world, stream, err);
    return found == NULL ? -ENOENT : mr_test_stream_split(found, shard, err);
}

int
mr_world_merge(struct mr_world *world, const char *stream, size_t shard, size_t adjacent,
               struct mr_error *err)
{
    struct mr_test_stream *found = find_stream(world, stream, err);
    return found == NULL ? -ENOENT : mr_test_stream_merge(found, shard, adjacent, err);
}

static int
add_fault(struct mr_fault *faults, size_t *count, const struct mr_fault *fault,
          struct mr_error *err)
{
    if (*count == MR_TEST_MAX_FAULTS) {
        return mr_fail(err, -E2BIG, "more than %d faults in one case", MR_TEST_MAX_FAULTS);
    }
    faults[(*count)++] = *fault;
    return 0;
}

static bool
is_function(const struct mr_world *world, struct mr_slice logical_id)
{
    for (size_t i = 0; i < world->model->function_count; i++) {
        if (mr_slice_is(logical_id, world->model->functions[i].logical_id)) {
            return true;
        }
    }
    return false;
}

int
mr_world_fault(struct mr_world *world, struct mr_slice rule, struct mr_error *err)
{
    struct mr_fault fault;
    int rc = mr_fault_parse(mr_arena_copy(&world->arena, rule), &fault, err);
    if (rc < 0) {
        return rc;
    }
    if (fault.function.data != NULL && !is_function(world, fault.function)) {
        return mr_fail(err, -ENOENT, "fault \"%.*s\": \"%.*s\" is no function of the template",
                       MR_SLICE_ARGS(mr_slice_first(rule, 60)),
                       MR_SLICE_ARGS(mr_slice_first(fault.function, 60)));
    }
    switch (fault.kind) {
    case MR_FAULT_DESTINATION:
        return add_fault(world->destination_faults, &world->destination_fault_count, &fault,
                         err);
    case MR_FAULT_READ_THROTTLED:
    case MR_FAULT_READ_EXPIRED:
    case MR_FAULT_READ_TROUBLE:
        return add_fault(world->read_faults, &world->read_fault_count, &fault, err);
    default:
        return mr_test_invoker_add_fault(world->invoker, &fault, err);
    }
}

int
mr_world_restart(struct mr_world *world, struct mr_error *err)
{
    world_poller_end(world);
    return world_poller_start(world, err);
}

/* ---- what one sees ---- */

size_t
mr_world_mapping_count(const struct mr_world *world)
{
    return world->mapping_count;
}

const struct mr_world_mapping *
mr_world_mapping(const struct mr_world *world, size_t mapping)
{
    return &world->mappings[mapping].shown;
}

struct mr_world_sums
mr_world_sums(const struct mr_world *world, size_t mapping)
{
    const struct world_mapping *ours = &world->mappings[mapping];
    struct mr_world_sums sums = { .at_head = true };
    if (ours->shown.not_run != NULL) {
        return sums;
    }
    const struct mr_ledger *ledger = mr_test_stream_ledger(world->streams[ours->stream]);
    sums.records = mr_ledger_sums(ledger, ours->column);
    sums.put = mr_ledger_count(ledger);
    sums.filtered = ours->filtered;
    sums.invocations = ours->invocations;
    sums.failed_invocations = ours->failed;
    sums.crashes = world->crashes[ours->function];
    sums.lost = sums.records.open > ours->filtered ? sums.records.open - ours->filtered : 0;
    sums.at_head = ours->mapping != NULL && is_at_head(world, ours);
    return sums;
}

size_t
mr_world_letter_count(const struct mr_world *world)
{
    return world->letter_count;
}

const struct mr_world_letter *
mr_world_letter(const struct mr_world *world, size_t letter)
{
    return &world->letters[letter];
}

struct mr_slice
mr_world_transcript(const struct mr_world *world)
{
    return mr_buf_slice(&world->transcript);
}

struct mr_slice
mr_world_log(const struct mr_world *world)
{
    return mr_buf_slice(&world->log);
}
