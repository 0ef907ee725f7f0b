#include "control/mappings.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "control/mapping_rules.h"
#include "control/mapping_settings.h"
#include "poller/queue_mapping.h"

struct runner {
    struct mr_list node;
    struct mappings *mappings;
    char *uuid;
    struct mr_mapping *mapping;     /* of a stream, or NULL */
    struct mr_queue_mapping *queue; /* of a queue, or NULL */
    bool started;                   /* asked to run */
    bool stopping;                  /* stop's `done` has not come yet */
    bool removed;                   /* forget it when it has stopped */
    mappings_moved_fn *moved;
    void *moved_context;
    struct mr_source_place place; /* of a seek under way; its slices in the arena */
    struct mr_arena place_arena;
};

struct mappings {
    struct mr_control *control;
    struct mr_list runners;
    size_t stopping; /* runners that `stopped` waits for */
    mr_loop_fn *stopped;
    void *stopped_context;
};

static struct runner *
find_runner(const struct mappings *mappings, const char *uuid)
{
    MR_LIST_EACH(node, &mappings->runners)
    {
        struct runner *runner = MR_CONTAINER_OF(node, struct runner, node);
        if (!runner->removed && strcmp(runner->uuid, uuid) == 0) {
            return runner;
        }
    }
    return NULL;
}

static void
runner_free(struct runner *runner)
{
    mr_list_remove(&runner->node);
    mr_mapping_free(runner->mapping);
    mr_queue_mapping_free(runner->queue);
    mr_arena_deinit(&runner->place_arena);
    free(runner->uuid);
    free(runner);
}

static json_t *
document_of(const struct runner *runner)
{
    return mr_state_get(runner->mappings->control->state, MR_STATE_MAPPING, runner->uuid);
}

static bool
is_enabled(const json_t *document)
{
    return strcmp(json_text_of(document, "State"), "Enabled") == 0;
}

static json_int_t
number(const json_t *document, const char *member)
{
    return json_integer_value(json_object_get(document, member));
}

/* ---- a runner's life ---- */

static void on_stopped(void *context);

static void
stop(struct runner *runner)
{
    if (!runner->stopping) {
        runner->stopping = true;
        runner->started = false;
        if (runner->queue != NULL) {
            mr_queue_mapping_stop(runner->queue, on_stopped, runner);
        } else {
            mr_mapping_stop(runner->mapping, on_stopped, runner);
        }
    }
}

static void
start(struct runner *runner)
{
    if (!runner->stopping && !runner->started) {
        runner->started = true;
        if (runner->queue != NULL) {
            mr_queue_mapping_start(runner->queue);
        } else {
            mr_mapping_start(runner->mapping);
        }
    }
}

static void
move(struct runner *runner)
{
    mappings_moved_fn *moved = runner->moved;
    struct mr_error err = { 0 };

    runner->moved = NULL;
    int result = mr_mapping_seek(runner->mapping, &runner->place, &err);
    mr_arena_reset(&runner->place_arena);
    moved(result < 0 ? &err : NULL, runner->moved_context);
}

static void
forget(void *context)
{
    struct runner *runner = context;

    if (runner->mapping != NULL) {
        mr_mapping_forget(runner->mapping);
    }
    runner_free(runner);
}

static void
on_stopped(void *context)
{
    struct runner *runner = context;
    struct mappings *mappings = runner->mappings;
    json_t *document = document_of(runner);

    runner->stopping = false;
    if (runner->moved != NULL) {
        move(runner);
    }
    if (runner->removed) {
        mr_loop_defer(mappings->control->loop, forget, runner);
    } else if (mappings->stopped == NULL && document != NULL && is_enabled(document)) {
        start(runner);
    }
    if (mappings->stopping > 0 && --mappings->stopping == 0) {
        mappings->stopped(mappings->stopped_context);
    }
}

static struct runner *
runner_new(struct mappings *mappings, const char *uuid)
{
    struct runner *runner = mr_alloc_zero(1, sizeof(*runner));

    runner->mappings = mappings;
    runner->uuid = mr_strdup(uuid);
    mr_list_push_back(&mappings->runners, &runner->node);
    return runner;
}

/* A stream's mapping, new or changed. */
static int
follow_stream(struct mappings *mappings, struct runner **runner, const json_t *document,
              struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice filters[MR_LAMBDA_MAX_FILTERS];
    struct mr_mapping_settings settings =
        mapping_settings_of(mappings->control, document, filters, &arena);

    if (*runner != NULL) {
        return mr_mapping_update((*runner)->mapping, &settings, err);
    }
    struct mr_mapping *mapping = mr_mapping_new(mappings->control->poller, &settings, err);
    if (mapping == NULL) {
        return err->code;
    }
    *runner = runner_new(mappings, json_text_of(document, "UUID"));
    (*runner)->mapping = mapping;
    return 0;
}

static struct mr_queue_mapping_settings
queue_mapping_settings_of(const struct mr_control *control, const json_t *document,
                          struct mr_slice *filters)
{
    json_t *scaling = json_object_get(document, "ScalingConfig");

    return (struct mr_queue_mapping_settings){
        .uuid = mr_slice_str(json_text_of(document, "UUID")),
        .queue_arn = mr_slice_str(json_text_of(document, "EventSourceArn")),
        .function_arn = mr_slice_str(json_text_of(document, "FunctionArn")),
        .region = mr_slice_str(control->options.region),
        .batch_size = (uint32_t)number(document, "BatchSize"),
        .window_ms = (uint64_t)number(document, "MaximumBatchingWindowInSeconds") * 1000,
        .concurrency = (uint32_t)number(scaling, "MaximumConcurrency"),
        .report_failures =
            json_array_size(json_object_get(document, "FunctionResponseTypes")) > 0,
        .filters = filters,
        .filter_count = mapping_filters_of(document, filters),
    };
}

/* A queue's mapping, new or changed. */
static int
follow_queue(struct mappings *mappings, struct runner **runner, const json_t *document,
             struct mr_error *err)
{
    struct mr_control *control = mappings->control;
    struct mr_slice filters[MR_LAMBDA_MAX_FILTERS];
    struct mr_queue_mapping_settings settings =
        queue_mapping_settings_of(control, document, filters);

    if (*runner != NULL) {
        return mr_queue_mapping_update((*runner)->queue, &settings, err);
    }
    const struct mr_queue_mapping_options options = {
        .loop = control->loop,
        .client = control->queues,
        .invoker = &control->invoker,
        .event = control_mapping_event,
        .event_context = control,
        .seed = control->options.seed,
    };
    struct mr_queue_mapping *queue = mr_queue_mapping_new(&options, &settings, err);
    if (queue == NULL) {
        return err->code;
    }
    *runner = runner_new(mappings, json_text_of(document, "UUID"));
    (*runner)->queue = queue;
    return 0;
}

/* Does a source of that kind have a reader here? */
static bool
is_read(const struct mr_control *control, enum mapping_kind kind)
{
    return kind == MAPPING_KINESIS ||
           (kind == MAPPING_DYNAMODB && control->options.reads_tables) ||
           (kind == MAPPING_SQS && control->queues != NULL);
}

int
mappings_follow(struct mappings *mappings, const char *uuid, struct mr_error *err)
{
    struct runner *runner = find_runner(mappings, uuid);
    json_t *document = mr_state_get(mappings->control->state, MR_STATE_MAPPING, uuid);
    enum mapping_kind kind = mapping_kind_of(document);

    if (!is_read(mappings->control, kind)) {
        return 0;
    }
    int result = kind == MAPPING_SQS ? follow_queue(mappings, &runner, document, err)
                                     : follow_stream(mappings, &runner, document, err);
    if (result < 0) {
        return result;
    }
    if (is_enabled(document)) {
        start(runner);
    } else if (runner->started) {
        stop(runner);
    }
    return 0;
}

void
mappings_remove(struct mappings *mappings, const char *uuid)
{
    struct runner *runner = find_runner(mappings, uuid);

    if (runner != NULL) {
        runner->removed = true;
        stop(runner);
    }
}

struct mappings *
mappings_new(struct mr_control *control)
{
    struct mappings *mappings = mr_alloc_zero(1, sizeof(*mappings));
    json_t *document;
    const char *uuid;

    mappings->control = control;
    mr_list_init(&mappings->runners);
    json_object_foreach(mr_state_all(control->state, MR_STATE_MAPPING), uuid, document)
    {
        struct mr_error err = { 0 };
        if (mappings_follow(mappings, uuid, &err) < 0) {
            mr_log(MR_LOG_ERROR, "control", "mapping %s does not run: %s", uuid, err.text);
        }
    }
    return mappings;
}

void
mappings_follow_function(struct mappings *mappings, const char *arn)
{
    size_t size = strlen(arn);
    json_t *document;
    const char *uuid;

    json_object_foreach(mr_state_all(mappings->control->state, MR_STATE_MAPPING), uuid,
                        document)
    {
        const char *its_arn = json_text_of(document, "FunctionArn");
        struct mr_error err = { 0 };
        if (its_arn == NULL || strncmp(its_arn, arn, size) != 0 ||
            (its_arn[size] != '\0' && its_arn[size] != ':')) {
            continue;
        }
        if (mappings_follow(mappings, uuid, &err) < 0) {
            mr_log(MR_LOG_ERROR, "control", "mapping %s does not follow: %s", uuid, err.text);
        }
    }
}

void
mappings_stop(struct mappings *mappings, mr_loop_fn *done, void *context)
{
    mappings->stopped = done;
    mappings->stopped_context = context;
    MR_LIST_EACH(node, &mappings->runners)
    {
        struct runner *runner = MR_CONTAINER_OF(node, struct runner, node);
        mappings->stopping++;
        stop(runner);
    }
    if (mappings->stopping == 0) {
        mr_loop_defer(mappings->control->loop, done, context);
    }
}

void
mappings_free(struct mappings *mappings)
{
    if (mappings == NULL) {
        return;
    }
    MR_LIST_EACH(node, &mappings->runners)
    {
        struct runner *runner = MR_CONTAINER_OF(node, struct runner, node);
        runner_free(runner);
    }
    free(mappings);
}

/* ---- what callers see ---- */

static void
status_of(const struct runner *runner, struct mr_arena *arena,
          struct mr_mapping_status *out_status)
{
    struct mr_queue_mapping_status status;

    if (runner->queue == NULL) {
        mr_mapping_status(runner->mapping, arena, out_status);
        return;
    }
    mr_queue_mapping_status(runner->queue, &status);
    *out_status = (struct mr_mapping_status){ .running = status.running,
                                              .reading = status.reading,
                                              .counts = status.counts,
                                              .trouble = status.trouble };
}

static bool
is_there(const struct runner *runner, bool enabled)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;

    if (runner == NULL) {
        return true;
    }
    if (!enabled) {
        return !runner->stopping;
    }
    if (runner->stopping) {
        return false;
    }
    status_of(runner, &arena, &status);
    return status.reading || status.trouble.size > 0;
}

bool
mapping_is_settling(struct mr_control *control, const json_t *document)
{
    uint64_t since_ms = (uint64_t)number(document, "_since_ms");
    struct runner *runner = find_runner(control->mappings, json_text_of(document, "UUID"));

    return json_text_of(document, "_transition") != NULL &&
           (control_now_ms(control) < since_ms + control->options.settle_ms ||
            !is_there(runner, is_enabled(document)));
}

static const char *
result_text(enum mr_mapping_result result)
{
    switch (result) {
    case MR_MAPPING_OK:
        return "OK";
    case MR_MAPPING_FUNCTION_FAILED:
        return "PROBLEM: Function call failed";
    case MR_MAPPING_SERVICE_FAILED:
        return "PROBLEM: internal Lambda error. Please contact Lambda customer support.";
    default:
        return "No records processed";
    }
}

/* A source that nobody reads here: said as the state, not hidden. */
static void
show_unread(const struct mr_control *control, json_t *out, const json_t *document)
{
    enum mapping_kind kind = mapping_kind_of(document);

    if (!is_read(control, kind) && is_enabled(document)) {
        json_object_set_new(out, "State", json_string("Disabled"));
        json_object_set_new(
            out, "StateTransitionReason",
            json_string(
                kind == MAPPING_DYNAMODB
                    ? "This mapping is kept, and its source is not read: start with "
                      "AWS_ENDPOINT_URL_DYNAMODB_STREAMS set"
                : kind == MAPPING_SQS
                    ? "This mapping is kept, and its source is not read: start with "
                      "AWS_ENDPOINT_URL_SQS set"
                    : "Millrace reads streams and queues; this mapping is kept, and its "
                      "source is not read"));
    }
}

static void
settle(struct mr_control *control, json_t *out, const json_t *document)
{
    if (mapping_is_settling(control, document)) {
        json_object_set(out, "State", json_object_get(document, "_transition"));
        return;
    }
    double modified = json_number_value(json_object_get(document, "LastModified"));
    json_object_set_new(out, "LastModified", json_real(floor(modified / 60) * 60));
    show_unread(control, out, document);
}

json_t *
mapping_out(struct mr_control *control, const json_t *document, const char *transition)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;
    json_t *out = json_object(), *value;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)document, name, value)
    {
        if (name[0] != '_' && strcmp(name, "tags") != 0) {
            json_object_set(out, name, value);
        }
    }
    if (mapping_is_stream(mapping_kind_of(document)) &&
        mappings_status(control->mappings, json_text_of(document, "UUID"), &arena, &status)) {
        json_object_set_new(out, "LastProcessingResult",
                            json_string(result_text(status.last_result)));
    }
    if (transition != NULL) {
        json_object_set_new(out, "State", json_string(transition));
    } else {
        settle(control, out, document);
    }
    return out;
}

bool
mappings_status(struct mappings *mappings, const char *uuid, struct mr_arena *arena,
                struct mr_mapping_status *out_status)
{
    struct runner *runner = find_runner(mappings, uuid);

    if (runner != NULL) {
        status_of(runner, arena, out_status);
    }
    return runner != NULL;
}

bool
mappings_is_drained(struct mappings *mappings, const char *uuid)
{
    struct runner *runner = find_runner(mappings, uuid);

    return runner != NULL && runner->mapping != NULL && mr_mapping_is_drained(runner->mapping);
}

int
mappings_seek(struct mappings *mappings, const char *uuid, const struct mr_source_place *place,
              mappings_moved_fn *done, void *context, struct mr_error *err)
{
    struct runner *runner = find_runner(mappings, uuid);

    if (runner == NULL || runner->mapping == NULL) {
        return mr_fail(err, -ENOENT, "there is no mapping %s that reads a stream here", uuid);
    }
    if (runner->moved != NULL) {
        return mr_fail(err, -EBUSY, "mapping %s is being moved already", uuid);
    }
    runner->moved = done;
    runner->moved_context = context;
    runner->place = *place;
    runner->place.shard_id = place->shard_id.data == NULL
                                 ? place->shard_id
                                 : mr_arena_copy(&runner->place_arena, place->shard_id);
    runner->place.sequence_number = mr_arena_copy(&runner->place_arena, place->sequence_number);
    stop(runner);
    return 0;
}
