/*
 * Random lives of a mapping against a small model of what must hold.
 *
 *     test_poller_model [SEEDS [FIRST]]
 *
 * Each seed makes a stream, settings, and a row of actions: puts, splits, merges, stops,
 * crashes, updates, faults of the source, of the function and of the destination. While it
 * runs, every event is held against the rules: one shard a batch and never more than batch_size
 * records; order per key; children after their parents; a checkpoint never passes a record that
 * is not finished and nothing before it comes again; budgets; ages; request ids; bounds. At the
 * end everything was delivered or given up, and the accounts agree. A seed that fails is
 * printed, and again as short as it could be made.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "tests/poller/rig.h"

enum {
    SEEDS = 10000,
    LONG_SEEDS = 300000, /* with MILLRACE_TEST_LONG */
    MAX_ACTIONS = 24,
    MAX_RECORDS = 400,
    MAX_SHARDS = 64,
    MAX_BATCHES = 20000,
    MAX_IDS = 16,
    MAX_LETTERS = 64,
    LANES = 10,
    KEYS = 5,
    FILTERED_KEY = 4,
    POLLED_RECORDS = 1000, /* may be read ahead where a source cannot wait */
    END_S = 20000,         /* virtual seconds after which everything must be over */
};

enum kind { PUT, SPLIT, MERGE, STOP, START, CRASH, UPDATE, FAIL_SOURCE, EXPIRE, WAIT, SEEK };

static const char *const kind_names[] = { "put",    "split", "merge",  "stop",
                                          "start",  "crash", "update", "fail source",
                                          "expire", "wait",  "seek" };

struct action {
    enum kind kind;
    uint64_t a, b;
};

struct scenario {
    uint64_t seed;
    size_t shards, first_records;
    bool first_split, waits, filters, aggregates;
    uint64_t latency_ms, takes_ms;
    size_t max_bytes;                              /* buffered; 0: the usual */
    unsigned throttled, flaky, poison, sink_fails; /* percent */
    struct mr_mapping_settings settings;           /* numbers only */
    struct action actions[MAX_ACTIONS];
    size_t count;
};

struct record {
    size_t shard;
    unsigned key;
    char number[64];
    uint64_t arrival_ms;
    bool excluded; /* before the starting position: must not come */
    bool filtered; /* must not come either */
    bool poison;
    unsigned flaky; /* times it still fails */
    bool finished;
};

struct batch {
    char request_id[MR_UUID_SIZE];
    unsigned tries;
    unsigned ids[MAX_IDS];
    size_t count;
    bool known;
};

struct shard {
    ptrdiff_t parents[2];
    size_t marked; /* records of it the last checkpoint covers */
    char checkpoint[64];
};

/* Of all lives: a model in which nothing happens proves nothing. */
static struct {
    unsigned long long records, invocations, failures, given_up, checkpoints, forgotten;
} seen;

struct model {
    struct rig rig;
    const struct scenario *scenario;
    struct mr_random random;
    struct mr_checkpoints *store;
    struct record records[MAX_RECORDS];
    size_t record_count;
    struct shard shards[MAX_SHARDS];
    struct batch running[MAX_SHARDS][LANES];
    struct batch *batches;
    size_t batch_count;
    bool was_updated, is_stopped;
    uint32_t most_batch, most_lanes;
    char wrong[400]; /* the first rule that was broken; empty: none */
    char answer[200];
    bool is_last; /* nothing goes wrong any more */
};

static void
broken(struct model *model, const char *format, ...)
{
    va_list arguments;
    if (model->wrong[0] == '\0') {
        va_start(arguments, format);
        vsnprintf(model->wrong, sizeof(model->wrong), format, arguments);
        va_end(arguments);
    }
}

static bool
chance(struct model *model, unsigned percent)
{
    return mr_random_below(&model->random, 100) < percent;
}

/* ---- what an event holds ---- */

static size_t
ids_of(struct mr_slice payload, unsigned ids[MAX_IDS])
{
    mr_auto_buf struct mr_buf data = { 0 };
    size_t count = 0;
    rig_data_of(payload, &data);
    struct mr_slice rest = mr_buf_slice(&data);
    while (rest.size > 0 && count < MAX_IDS) {
        uint64_t id = MAX_RECORDS;
        mr_slice_to_u64(mr_slice_cut(&rest, ','), &id);
        ids[count++] = (unsigned)id;
    }
    return count;
}

static size_t
shard_of(const struct model *model, struct mr_slice shard_id)
{
    for (size_t i = 0; i < mr_memory_stream_shard_count(model->rig.stream); i++) {
        if (mr_slice_eq(mr_memory_stream_shard_id(model->rig.stream, i), shard_id)) {
            return i;
        }
    }
    return MAX_SHARDS;
}

static struct batch *
batch_of(struct model *model, struct mr_slice request_id)
{
    for (size_t i = model->batch_count; i > 0; i--) {
        if (mr_slice_is(request_id, model->batches[i - 1].request_id)) {
            return &model->batches[i - 1];
        }
    }
    mr_assert(model->batch_count < MAX_BATCHES);
    struct batch *batch = &model->batches[model->batch_count++];
    *batch = (struct batch){ .tries = 0 };
    snprintf(batch->request_id, sizeof(batch->request_id), "%.*s", MR_SLICE_ARGS(request_id));
    return batch;
}

/* ---- rules ---- */

/* Both are of one shard: they stand in it as they were put, though some share a number. */
static bool
is_before(const struct record *a, const struct record *b)
{
    return a < b;
}

/* Is everything finished that must be, before this record may be seen? */
static void
check_order(struct model *model, unsigned id, const unsigned *ids, size_t place)
{
    const struct record *record = &model->records[id];
    for (unsigned i = 0; i < model->record_count; i++) {
        const struct record *other = &model->records[i];
        bool earlier = other->shard == record->shard && other->key == record->key &&
                       is_before(other, record);
        bool in_batch = false;
        for (size_t j = 0; j < place; j++) {
            in_batch = in_batch || ids[j] == i;
        }
        if (earlier && !other->excluded && !other->finished && !in_batch) {
            broken(model, "record %u came before %u of the same key", id, i);
        }
    }
}

static void
check_ancestors(struct model *model, size_t shard, unsigned id)
{
    for (size_t p = 0; p < 2; p++) {
        ptrdiff_t parent = model->shards[shard].parents[p];
        if (parent < 0) {
            continue;
        }
        for (unsigned i = 0; i < model->record_count; i++) {
            const struct record *other = &model->records[i];
            if (other->shard == (size_t)parent && !other->excluded && !other->finished) {
                broken(model, "record %u of shard %zu came before %u of its parent", id, shard,
                       i);
            }
        }
        check_ancestors(model, (size_t)parent, id);
    }
}

static void
check_batch(struct model *model, const struct mr_mapping_event *event, const unsigned *ids,
            size_t count)
{
    const struct mr_mapping_settings *settings = &model->rig.settings;
    size_t shard = shard_of(model, event->shard_id);
    if (count != event->count || count > model->most_batch) {
        broken(model, "a batch of %zu records, %llu told, at most %u", count,
               (unsigned long long)event->count, model->most_batch);
    }
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &model->records[ids[i]];
        if (ids[i] >= model->record_count || record->shard != shard) {
            broken(model, "record %u is not of shard %zu", ids[i], shard);
            return;
        }
        if (record->excluded || record->filtered) {
            broken(model, "record %u is %s", ids[i],
                   record->filtered ? "filtered out" : "before the starting position");
        }
        if (i > 0 && !is_before(&model->records[ids[i - 1]], record)) {
            broken(model, "records %u and %u are out of order", ids[i - 1], ids[i]);
        }
        if (strcmp(record->number, model->shards[shard].checkpoint) <= 0) {
            broken(model, "record %u came again behind its checkpoint", ids[i]);
        }
        if (settings->max_age_ms >= 0 && !model->was_updated &&
            record->arrival_ms + (uint64_t)settings->max_age_ms < event->time_ms) {
            broken(model, "record %u was invoked past its age", ids[i]);
        }
        check_order(model, ids[i], ids, i);
        check_ancestors(model, shard, ids[i]);
    }
}

static void
check_same_batch(struct model *model, struct batch *batch, const unsigned *ids, size_t count)
{
    bool same = batch->count == count && memcmp(batch->ids, ids, count * sizeof(ids[0])) == 0;
    if (batch->known && !same) {
        broken(model, "request id %s was given to another batch", batch->request_id);
    }
    batch->known = true;
    batch->count = count;
    memcpy(batch->ids, ids, count * sizeof(ids[0]));
}

static void
on_start(struct model *model, const struct mr_mapping_event *event)
{
    unsigned ids[MAX_IDS];
    size_t count = ids_of(event->payload, ids);
    size_t shard = shard_of(model, event->shard_id);
    struct batch *batch = batch_of(model, event->request_id);
    seen.invocations++;
    if (model->is_stopped) {
        broken(model, "an invocation began in a stopped mapping");
    }
    check_batch(model, event, ids, count);
    check_same_batch(model, batch, ids, count);
    if (event->attempt != batch->tries + 1) {
        broken(model, "attempt %u of a batch with %u tries", event->attempt, batch->tries);
    }
    if (shard < MAX_SHARDS && event->lane < LANES) {
        model->running[shard][event->lane] = *batch;
    }
}

static void
on_end(struct model *model, const struct mr_mapping_event *event)
{
    size_t shard = shard_of(model, event->shard_id);
    const struct batch *running = &model->running[shard][event->lane];
    struct batch *batch = batch_of(model, event->request_id);
    size_t finished = event->outcome == MR_LANE_SUCCEEDED ? running->count
                      : event->outcome == MR_LANE_PARTIAL ? event->failed_at
                                                          : 0;
    for (size_t i = 0; i < finished; i++) {
        model->records[running->ids[i]].finished = true;
    }
    if (event->outcome != MR_LANE_SUCCEEDED && event->outcome != MR_LANE_NOT_INVOKED) {
        batch->tries++;
        seen.failures++;
    }
    int64_t budget = model->rig.settings.max_retries;
    if (!model->was_updated && budget >= 0 && batch->tries > budget + 1) {
        broken(model, "%u tries with %lld retries", batch->tries, (long long)budget);
    }
}

static void
on_drop(struct model *model, const struct mr_mapping_event *event)
{
    const struct mr_mapping_settings *settings = &model->rig.settings;
    const struct batch *batch = batch_of(model, event->request_id);
    seen.given_up++;
    if (event->condition == MR_LANE_RETRIES_EXHAUSTED) {
        if (event->invoke_count != batch->tries) {
            broken(model, "given up after %u tries, told %u", batch->tries,
                   event->invoke_count);
        }
        if (!model->was_updated && settings->bisect && event->count > 1) {
            broken(model, "a batch of %llu was given up, not split",
                   (unsigned long long)event->count);
        }
        if (!model->was_updated && (int64_t)batch->tries != settings->max_retries + 1) {
            broken(model, "given up after %u tries", batch->tries);
        }
    } else if (!model->was_updated && settings->max_age_ms < 0) {
        broken(model, "given up for an age without limit");
    }
}

static void
on_checkpoint(struct model *model, const struct mr_mapping_event *event)
{
    size_t shard = shard_of(model, event->shard_id);
    seen.checkpoints++;
    snprintf(model->shards[shard].checkpoint, sizeof(model->shards[shard].checkpoint), "%.*s",
             MR_SLICE_ARGS(event->last_sequence_number));
    for (unsigned i = 0; i < model->record_count; i++) {
        const struct record *record = &model->records[i];
        if (record->shard == shard && !record->excluded && !record->finished &&
            strcmp(record->number, model->shards[shard].checkpoint) <= 0) {
            broken(model, "the checkpoint of shard %zu passed record %u", shard, i);
        }
    }
}

static void
on_event(const struct mr_mapping_event *event, void *context)
{
    struct model *model = context;
    switch (event->kind) {
    case MR_EVENT_BATCH_START:
        on_start(model, event);
        break;
    case MR_EVENT_BATCH_END:
        on_end(model, event);
        break;
    case MR_EVENT_BATCH_DROP:
        on_drop(model, event);
        break;
    case MR_EVENT_CHECKPOINT:
        on_checkpoint(model, event);
        break;
    default:
        break;
    }
}

/* ---- the function and the destination ---- */

static ptrdiff_t
first_bad(struct model *model, const unsigned *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct record *record = &model->records[ids[i]];
        if (record->poison || record->flaky > 0) {
            record->flaky -= record->flaky > 0 ? 1 : 0;
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static struct rig_answer
function(struct rig *rig, const struct mr_invoke_request *request)
{
    struct model *model = MR_CONTAINER_OF(rig, struct model, rig);
    const struct scenario *scenario = model->scenario;
    struct rig_answer answer = { .payload = "{\"state\":{}}" };
    unsigned ids[MAX_IDS];
    size_t count = ids_of(request->payload, ids);
    answer.takes_ms =
        scenario->takes_ms == 0 ? 0 : mr_random_below(&model->random, scenario->takes_ms + 1);
    if (!model->is_last && chance(model, scenario->throttled)) {
        answer.outcome = chance(model, 50) ? MR_INVOKE_THROTTLED : MR_INVOKE_SERVICE_ERROR;
        return answer;
    }
    ptrdiff_t bad = first_bad(model, ids, count);
    if (bad < 0) {
        return answer;
    }
    if (rig->settings.report_failures && chance(model, 70)) {
        snprintf(model->answer, sizeof(model->answer),
                 "{\"batchItemFailures\":[{\"itemIdentifier\":\"%s\"}],\"state\":{}}",
                 chance(model, 90) ? model->records[ids[bad]].number : "nonsense");
        answer.payload = strdup(model->answer); /* answers outlive each other */
        answer.owned = true;
    } else {
        answer.outcome = MR_INVOKE_FUNCTION_ERROR;
    }
    return answer;
}

struct letter {
    struct model *model;
    struct mr_timer timer;
    mr_sunk_fn *done;
    void *context;
    unsigned ids[MAX_IDS];
    size_t count;
};

static void
on_letter(void *context)
{
    struct letter *letter = context;
    struct model *model = letter->model;
    for (size_t i = 0; i < letter->count; i++) {
        model->records[letter->ids[i]].finished = true;
    }
    model->rig.invoking--;
    letter->done(chance(model, model->scenario->sink_fails) ? MR_SUNK_FAILED
                                                            : MR_SUNK_DELIVERED,
                 MR_SLICE("there"), letter->context);
    free(letter);
}

static void
deliver(void *self, const struct mr_sink_letter *mail, mr_sunk_fn *done, void *context)
{
    struct model *model = self;
    struct letter *letter = mr_alloc_zero(1, sizeof(*letter));
    *letter = (struct letter){ .model = model, .done = done, .context = context };
    letter->count = ids_of(mail->document->payload, letter->ids);
    if (letter->count != mail->document->batch_size) {
        broken(model, "a document of %llu records holds %zu",
               (unsigned long long)mail->document->batch_size, letter->count);
    }
    model->rig.invoking++;
    mr_timer_init(&letter->timer, model->rig.loop, MR_TIME_INJECTED, on_letter, letter);
    mr_timer_start(&letter->timer, mr_random_below(&model->random, 50));
}

/* ---- actions ---- */

static size_t
pick_open(struct model *model, uint64_t number)
{
    size_t open[MAX_SHARDS], count = 0;
    for (size_t i = 0; i < mr_memory_stream_shard_count(model->rig.stream); i++) {
        if (mr_memory_stream_is_open(model->rig.stream, i)) {
            open[count++] = i;
        }
    }
    return open[number % count];
}

static void
put(struct model *model, uint64_t a, uint64_t b, bool excluded)
{
    for (uint64_t i = 0; i <= b % 6 && model->record_count < MAX_RECORDS; i++) {
        unsigned id = (unsigned)model->record_count;
        struct record *record = &model->records[id];
        char key[8], data[8];
        *record = (struct record){ .shard = pick_open(model, a + i / 2),
                                   .key = (unsigned)((a >> 8) + i) % KEYS,
                                   .arrival_ms = rig_now_ms(&model->rig),
                                   .excluded = excluded,
                                   .poison = chance(model, model->scenario->poison) };
        record->filtered = model->scenario->filters && record->key == FILTERED_KEY;
        record->finished = record->filtered;
        if (chance(model, model->scenario->flaky)) {
            record->flaky = 1 + (unsigned)mr_random_below(&model->random, 3);
        }
        snprintf(key, sizeof(key), "k%u", record->key);
        snprintf(data, sizeof(data), "%u", id);
        bool shares = i % 2 == 1 && model->scenario->aggregates && chance(model, 60);
        mr_memory_stream_share_number(model->rig.stream, shares);
        struct mr_slice number = mr_memory_stream_put(model->rig.stream, record->shard,
                                                      mr_slice_str(key), mr_slice_str(data));
        snprintf(record->number, sizeof(record->number), "%.*s", MR_SLICE_ARGS(number));
        model->record_count++;
    }
}

static void
note_child(struct model *model, size_t child, size_t parent, ptrdiff_t adjacent)
{
    model->shards[child] = (struct shard){ .parents = { (ptrdiff_t)parent, adjacent } };
}

static void
split(struct model *model, uint64_t a)
{
    if (mr_memory_stream_shard_count(model->rig.stream) + 2 > MAX_SHARDS) {
        return;
    }
    size_t parent = pick_open(model, a);
    size_t child = mr_memory_stream_split(model->rig.stream, parent);
    note_child(model, child, parent, -1);
    note_child(model, child + 1, parent, -1);
}

static void
merge(struct model *model, uint64_t a, uint64_t b)
{
    size_t left = pick_open(model, a), right = pick_open(model, b);
    if (left != right && mr_memory_stream_shard_count(model->rig.stream) < MAX_SHARDS) {
        size_t child = mr_memory_stream_merge(model->rig.stream, left, right);
        note_child(model, child, left, (ptrdiff_t)right);
    }
}

static void
update(struct model *model, uint64_t a, uint64_t b)
{
    struct mr_mapping_settings *settings = &model->rig.settings;
    settings->batch_size = 1 + (uint32_t)(a % 8);
    settings->bisect = (a >> 8) % 2 == 0;
    if (settings->tumbling_ms == 0) {
        settings->parallelization = 1 + (uint32_t)(b % 4);
    }
    if (settings->max_retries >= 0) {
        settings->max_retries = (int64_t)((b >> 8) % 4);
    }
    model->was_updated = true;
    model->most_batch =
        settings->batch_size > model->most_batch ? settings->batch_size : model->most_batch;
    model->most_lanes = settings->parallelization > model->most_lanes
                            ? settings->parallelization
                            : model->most_lanes;
    if (mr_mapping_update(model->rig.mapping, settings, NULL) < 0) {
        broken(model, "an update was refused");
    }
}

static void
start(struct model *model)
{
    model->is_stopped = false;
    rig_start(&model->rig);
}

/* Back to the beginning: all of it may come again, and what was excluded must come now. */
static void
seek(struct model *model)
{
    struct mr_source_place place = { .position = MR_POSITION_TRIM_HORIZON };
    rig_stop(&model->rig);
    model->is_stopped = true;
    if (mr_mapping_seek(model->rig.mapping, &place, NULL) < 0) {
        broken(model, "a seek was refused");
    }
    for (size_t i = 0; i < MAX_SHARDS; i++) {
        model->shards[i].checkpoint[0] = '\0';
    }
    for (unsigned i = 0; i < model->record_count; i++) {
        model->records[i].excluded = false;
    }
}

static void
act(struct model *model, const struct action *action)
{
    struct rig *rig = &model->rig;
    switch (action->kind) {
    case PUT:
        put(model, action->a, action->b, false);
        break;
    case SPLIT:
        split(model, action->a);
        break;
    case MERGE:
        merge(model, action->a, action->b);
        break;
    case STOP:
        rig_stop(rig);
        model->is_stopped = true;
        break;
    case START:
        start(model);
        break;
    case CRASH:
        rig_crash(rig);
        rig->options.seed += 1u << 20; /* another process, other request ids */
        start(model);
        break;
    case UPDATE:
        update(model, action->a, action->b);
        break;
    case FAIL_SOURCE:
        mr_memory_stream_fail(rig->stream, (enum mr_memory_call)(action->a % 3),
                              (enum mr_source_fault)(MR_SOURCE_EXPIRED + action->b % 5),
                              1 + (unsigned)(action->b >> 8) % 4);
        break;
    case SEEK:
        seek(model);
        break;
    case EXPIRE:
        mr_memory_stream_expire(rig->stream);
        break;
    default:
        rig_run(rig, action->a % 5000);
        break;
    }
}

/* ---- a life ---- */

static void
check_bounds(struct model *model)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;
    mr_mapping_status(model->rig.mapping, &arena, &status);
    uint64_t buffered = 0;
    for (size_t i = 0; i < status.shard_count; i++) {
        size_t there = status.shards[i].buffered + status.shards[i].in_flight;
        buffered += there;
        size_t most = (size_t)2 * model->most_batch * model->most_lanes;
        most += model->scenario->aggregates ? 1 : 0; /* one is not cut */
        if (there > most && (model->scenario->waits || there > POLLED_RECORDS)) {
            broken(model, "%zu records are buffered", there);
        }
    }
    const struct mr_mapping_counts *counts = &status.counts;
    if (counts->polled != counts->filtered + counts->succeeded + counts->dropped +
                              counts->delivered + counts->forgotten + buffered) {
        broken(model, "the accounts disagree: polled %llu", (unsigned long long)counts->polled);
    }
}

static void
begin(struct model *model)
{
    const struct scenario *scenario = model->scenario;
    struct rig *rig = &model->rig;
    rig_init(rig, scenario->shards);
    struct mr_slice uuid = rig->settings.uuid, source_arn = rig->settings.source_arn;
    struct mr_slice function_arn = rig->settings.function_arn;
    static const struct mr_slice filters[] = { MR_SLICE_INIT(
        "{\"partitionKey\":[{\"anything-but\":\"k4\"}]}") };
    rig->settings = scenario->settings;
    rig->settings.filters = filters;
    rig->settings.filter_count = scenario->filters ? 1 : 0;
    rig->settings.uuid = uuid;
    rig->settings.source_arn = source_arn;
    rig->settings.function_arn = function_arn;
    rig->function = function;
    rig->sink = (struct mr_sink){ deliver, model };
    rig->keep_quiet = true;
    model->store = mr_checkpoints_open(":memory:", rig->loop, NULL);
    rig->options.checkpoints = model->store;
    rig->options.event = on_event;
    rig->options.event_context = model;
    rig->options.seed = scenario->seed + 1;
    rig->options.max_buffered_bytes = scenario->max_bytes;
    model->most_batch = scenario->settings.batch_size;
    model->most_lanes = scenario->settings.parallelization;
    for (size_t i = 0; i < MAX_SHARDS; i++) {
        model->shards[i] = (struct shard){ .parents = { -1, -1 } };
    }
    mr_memory_stream_set_waits(rig->stream, scenario->waits);
    bool excluded = scenario->settings.starting_position != MR_POSITION_TRIM_HORIZON;
    for (size_t i = 0; i < scenario->first_records; i++) {
        put(model, i, 0, excluded);
    }
    if (scenario->first_split) {
        split(model, 0);
    }
    rig_run(rig, 1000);
    rig->settings.starting_timestamp_ms = rig_now_ms(rig);
    start(model);
    rig_run(rig, 10);
    mr_memory_stream_set_latency(rig->stream, scenario->latency_ms, &model->random);
}

static void
end(struct model *model)
{
    struct rig *rig = &model->rig;
    model->is_last = true;
    for (int call = 0; call < 3; call++) {
        mr_memory_stream_fail(rig->stream, (enum mr_memory_call)call, MR_SOURCE_OK, 0);
    }
    start(model);
    for (int i = 0; i < END_S / 10 && model->wrong[0] == '\0'; i++) {
        rig_run(rig, 10000);
        if (mr_mapping_is_drained(rig->mapping)) {
            break;
        }
    }
    if (model->wrong[0] == '\0' && !mr_mapping_is_drained(rig->mapping)) {
        broken(model, "it is not over after %d seconds", END_S);
    }
    for (unsigned i = 0; i < model->record_count; i++) {
        if (!model->records[i].excluded && !model->records[i].finished) {
            broken(model, "record %u was lost", i);
        }
    }
    check_bounds(model);
    seen.records += model->record_count;
    seen.forgotten += rig_counts(rig).forgotten;
}

/* The rule that was broken, or "". */
static const char *
live(const struct scenario *scenario)
{
    static char wrong[400];
    struct model *model = mr_alloc_zero(1, sizeof(*model));
    model->scenario = scenario;
    model->batches = mr_alloc(MAX_BATCHES * sizeof(model->batches[0]));
    mr_random_init_seed(&model->random, scenario->seed);
    begin(model);
    for (size_t i = 0; i < scenario->count && model->wrong[0] == '\0'; i++) {
        act(model, &scenario->actions[i]);
        check_bounds(model);
    }
    if (model->wrong[0] == '\0') {
        end(model);
    }
    snprintf(wrong, sizeof(wrong), "%s", model->wrong);
    rig_crash(&model->rig);
    mr_checkpoints_close(model->store);
    rig_deinit(&model->rig);
    free(model->batches);
    free(model);
    return wrong;
}

/* ---- making up lives ---- */

static uint64_t
below(struct mr_random *random, uint64_t bound)
{
    return mr_random_below(random, bound);
}

static void
imagine_settings(struct mr_mapping_settings *settings, struct mr_random *random)
{
    *settings = (struct mr_mapping_settings){
        .batch_size = 1 + (uint32_t)below(random, 8),
        .window_ms = below(random, 3) == 0 ? below(random, 3000) : 0,
        .parallelization = below(random, 2) == 0 ? 1 : 1 + (uint32_t)below(random, 4),
        .starting_position = (enum mr_position)below(random, 3),
        .max_retries = below(random, 4) == 0 ? -1 : (int64_t)below(random, 4),
        .max_age_ms = below(random, 4) == 0 ? 60000 : -1,
        .bisect = below(random, 2) == 0,
        .report_failures = below(random, 2) == 0,
    };
    if (below(random, 6) == 0) {
        settings->parallelization = 1;
        settings->tumbling_ms = 1000 + below(random, 20000);
    }
}

static void
imagine(struct scenario *scenario, uint64_t seed)
{
    static const uint8_t likely[] = { PUT,    PUT,         PUT,    PUT,   PUT,  PUT,   WAIT,
                                      WAIT,   WAIT,        SPLIT,  MERGE, STOP, START, CRASH,
                                      UPDATE, FAIL_SOURCE, EXPIRE, START, SEEK };
    struct mr_random random;
    mr_random_init_seed(&random, seed * 2 + 1);
    *scenario = (struct scenario){
        .seed = seed,
        .shards = 1 + below(&random, 3),
        .first_records = below(&random, 8),
        .first_split = below(&random, 3) == 0,
        .waits = below(&random, 3) > 0,
        .latency_ms = below(&random, 2) == 0 ? 0 : below(&random, 300),
        .takes_ms = below(&random, 2) == 0 ? 0 : below(&random, 2000),
        .throttled = below(&random, 2) == 0 ? 0 : (unsigned)below(&random, 50),
        .flaky = below(&random, 2) == 0 ? 0 : (unsigned)below(&random, 40),
        .poison = below(&random, 2) == 0 ? 0 : (unsigned)below(&random, 20),
        .sink_fails = (unsigned)below(&random, 50),
        .count = below(&random, MAX_ACTIONS + 1),
    };
    imagine_settings(&scenario->settings, &random);
    if (scenario->settings.max_retries < 0 && scenario->settings.max_age_ms < 0) {
        scenario->poison = 0; /* it would never end */
    }
    scenario->max_bytes = below(&random, 3) == 0 ? 1 + below(&random, 4000) : 0;
    scenario->aggregates = below(&random, 4) == 0;
    scenario->filters = scenario->settings.tumbling_ms == 0 && below(&random, 4) == 0;
    for (size_t i = 0; i < scenario->count; i++) {
        scenario->actions[i] =
            (struct action){ (enum kind)likely[below(&random, sizeof(likely))],
                             mr_random_u64(&random) >> 1, mr_random_u64(&random) >> 1 };
    }
}

/* ---- telling ---- */

static void
print(const struct scenario *scenario)
{
    const struct mr_mapping_settings *settings = &scenario->settings;
    printf("  %zu shards%s, %zu records first, waits %d, latency %llu, takes %llu\n"
           "  throttled %u%%, flaky %u%%, poison %u%%\n"
           "  batch %u window %llu lanes %u position %d retries %lld age %lld bisect %d "
           "report %d tumbling %llu\n",
           scenario->shards, scenario->first_split ? ", one split" : "",
           scenario->first_records, scenario->waits, (unsigned long long)scenario->latency_ms,
           (unsigned long long)scenario->takes_ms, scenario->throttled, scenario->flaky,
           scenario->poison, settings->batch_size, (unsigned long long)settings->window_ms,
           settings->parallelization, (int)settings->starting_position,
           (long long)settings->max_retries, (long long)settings->max_age_ms, settings->bisect,
           settings->report_failures, (unsigned long long)settings->tumbling_ms);
    for (size_t i = 0; i < scenario->count; i++) {
        const struct action *action = &scenario->actions[i];
        printf("  %s %llu %llu\n", kind_names[action->kind], (unsigned long long)action->a,
               (unsigned long long)action->b);
    }
}

/* Leaves out whatever the failure does not need. */
static void
shrink(struct scenario *scenario)
{
    for (size_t i = scenario->count; i > 0; i--) {
        struct scenario shorter = *scenario;
        memmove(&shorter.actions[i - 1], &shorter.actions[i],
                (shorter.count - i) * sizeof(shorter.actions[0]));
        shorter.count--;
        if (live(&shorter)[0] != '\0') {
            *scenario = shorter;
        }
    }
    unsigned *const percents[] = { &scenario->throttled, &scenario->flaky, &scenario->poison };
    for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
        unsigned before = *percents[i];
        *percents[i] = 0;
        if (live(scenario)[0] == '\0') {
            *percents[i] = before;
        }
    }
}

static volatile unsigned long long current_seed;

static void
on_abort(int number)
{
    (void)number;
    printf("seed %llu ended the program\n", current_seed);
    fflush(stdout);
    _exit(1);
}

static bool
try_seed(uint64_t seed)
{
    struct scenario scenario;
    current_seed = seed;
    imagine(&scenario, seed);
    const char *wrong = live(&scenario);
    if (wrong[0] == '\0') {
        return true;
    }
    printf("seed %llu: %s\n", (unsigned long long)seed, wrong);
    print(&scenario);
    shrink(&scenario);
    printf("the same, shorter: %s\n", live(&scenario));
    print(&scenario);
    return false;
}

int
main(int argc, char **argv)
{
    uint64_t usual = getenv("MILLRACE_TEST_LONG") != NULL ? LONG_SEEDS : SEEDS;
    uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : usual;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        if (!try_seed(seed)) {
            return EXIT_FAILURE;
        }
    }
    printf("%llu lives of a mapping, from seed %llu: every rule held\n"
           "%llu records, %llu invocations, %llu failed, %llu batches given up, "
           "%llu checkpoints, %llu records read again after a stop\n",
           (unsigned long long)seeds, (unsigned long long)first, seen.records, seen.invocations,
           seen.failures, seen.given_up, seen.checkpoints, seen.forgotten);
    return EXIT_SUCCESS;
}
