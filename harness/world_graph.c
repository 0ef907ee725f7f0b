/* Making and ending what a template describes: streams, functions, a poller and its mappings.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/alloc.h"
#include "harness/fault_source.h"
#include "harness/world_inside.h"

enum { LATENCY_MS = 5 }; /* of a stream's answers, with `shuffle` */

/* ---- streams ---- */

static void
make_streams(struct mr_world *world)
{
    const struct mr_template_model *model = world->model;
    world->streams = mr_alloc_zero(model->stream_count + 1, sizeof(world->streams[0]));
    for (size_t i = 0; i < model->stream_count; i++) {
        size_t columns = 0;
        for (size_t m = 0; m < world->mapping_count; m++) {
            struct world_mapping *mapping = &world->mappings[m];
            if (mapping->shown.stream == &model->streams[i]) {
                mapping->column = columns++;
            }
        }
        world->streams[i] =
            mr_test_stream_new(world->loop, (size_t)model->streams[i].shard_count, columns);
        if (world->options.shuffle) {
            mr_memory_stream_set_latency(mr_test_stream_memory(world->streams[i]), LATENCY_MS,
                                         &world->random);
        }
    }
}

/* For mr_poller_options: by the ARN of a stream, or of a consumer of it. */
static struct mr_source *
open_source(struct mr_slice arn, void *context, struct mr_error *err)
{
    struct mr_world *world = context;
    for (size_t i = 0; i < world->model->stream_count; i++) {
        struct mr_slice known = mr_slice_str(world->model->streams[i].arn);
        if (!mr_slice_starts_with(arn, known) ||
            (arn.size > known.size && arn.data[known.size] != '/')) {
            continue;
        }
        struct mr_source *inner =
            mr_memory_stream_open(arn, mr_test_stream_memory(world->streams[i]), err);
        struct mr_fault_list list = { world->read_faults, &world->read_fault_count,
                                      &world->random };
        return inner == NULL ? NULL : mr_fault_source_new(world->loop, inner, list);
    }
    mr_fail(err, -ENOENT, "%.*s is no stream of this template",
            MR_SLICE_ARGS(mr_slice_first(arn, 150)));
    return NULL;
}

/* ---- functions ---- */

static const char *
code_dir(struct mr_world *world, const struct mr_template_function *function)
{
    if (world->options.build_dir != NULL) {
        struct stat st;
        const char *built = mr_arena_printf(&world->arena, "%s/%s", world->options.build_dir,
                                            function->logical_id);
        if (stat(built, &st) == 0 && S_ISDIR(st.st_mode)) {
            return built;
        }
    }
    return function->code_path;
}

static struct mr_slice *
slices_of(struct mr_world *world, const char *const *texts, size_t count)
{
    struct mr_slice *slices = mr_arena_alloc(&world->arena, (count + 1) * sizeof(slices[0]));
    for (size_t i = 0; i < count; i++) {
        slices[i] = mr_slice_str(texts[i]);
    }
    return slices;
}

static int
set_function(struct mr_world *world, const struct mr_template_function *function,
             struct mr_error *err)
{
    const char *code = code_dir(world, function);
    if (code == NULL) {
        return mr_fail(err, -EINVAL, "function %s cannot run here: %s", function->logical_id,
                       function->code_refusal != NULL ? function->code_refusal
                                                      : "its code is not on this machine");
    }
    return mr_runtime_set_function(
        world->runtime,
        &(struct mr_function){
            .name = mr_slice_str(function->name),
            .arn = mr_slice_str(function->arn),
            .handler = mr_slice_str(function->handler),
            .runtime = mr_slice_str(function->runtime),
            .code_dir = mr_slice_str(code),
            .layers = slices_of(world, function->layers, function->layer_count),
            .layer_count = function->layer_count,
            .environment = slices_of(world, function->environment, function->environment_count),
            .environment_count = function->environment_count,
            .memory_mb = (uint32_t)function->memory_mb,
            .tmp_mb = (uint32_t)function->ephemeral_mb,
            .timeout_ms = (uint32_t)function->timeout_s * 1000,
            .has_reserved = function->reserved_concurrency >= 0,
            .concurrency = function->reserved_concurrency > 0
                               ? (uint32_t)function->reserved_concurrency
                               : 0,
            .network = MR_FUNCTION_NETWORK_NONE,
        },
        err);
}

static bool
is_used(const struct mr_world *world, size_t function)
{
    for (size_t m = 0; m < world->mapping_count; m++) {
        const struct world_mapping *mapping = &world->mappings[m];
        if (mapping->shown.not_run == NULL && mapping->function == function) {
            return true;
        }
    }
    return false;
}

static int
make_launcher(struct mr_world *world, struct mr_error *err)
{
    if (world->options.sandbox_off) {
        world->launcher = mr_launcher_plain_new(world->loop);
        return 0;
    }
    struct mr_sandboxd_options options = {
        .require = world->options.require,
        .quiet = true,
    };
    int fd = mr_sandboxd_spawn(world->options.sandboxd, &options, NULL, err);
    if (fd < 0) {
        return fd;
    }
    world->launcher = mr_launcher_sandbox_new(world->loop, fd);
    return 0;
}

static int
make_functions(struct mr_world *world, struct mr_error *err)
{
    static const struct mr_slice everywhere[] = { MR_SLICE_INIT("AWS_SAM_LOCAL=true") };
    const struct mr_template_model *model = world->model;
    int rc = make_launcher(world, err);
    if (rc < 0) {
        return rc;
    }
    world->runtime = mr_runtime_new(world->loop, &(struct mr_runtime_options){
                                                     .launcher = world->launcher,
                                                     .account = model->account_id,
                                                     .region = model->region,
                                                     .bootstraps = world->options.bootstraps,
                                                     .environment = everywhere,
                                                     .environment_count = 1,
                                                     .log = world_on_log,
                                                     .log_context = world,
                                                 });
    world->functions =
        mr_arena_zero(&world->arena, (model->function_count + 1) * sizeof(world->functions[0]));
    world->crashes =
        mr_arena_zero(&world->arena, (model->function_count + 1) * sizeof(world->crashes[0]));
    for (size_t i = 0; i < model->function_count; i++) {
        const struct mr_template_function *function = &model->functions[i];
        world->functions[i] = (struct mr_test_function){
            .logical_id = mr_slice_str(function->logical_id),
            .name = mr_slice_str(function->name),
            .arn = mr_slice_str(function->arn),
            .timeout_ms = (uint64_t)function->timeout_s * 1000,
        };
        rc = is_used(world, i) ? set_function(world, function, err) : 0;
        if (rc < 0) {
            return rc;
        }
    }
    world->invoker = mr_test_invoker_new(&(struct mr_test_invoker_options){
        .loop = world->loop,
        .runtime = world->runtime,
        .functions = world->functions,
        .function_count = model->function_count,
        .random = &world->random,
        .invoked = world_on_invoked,
        .context = world,
    });
    return 0;
}

/* ---- mappings ---- */

static ptrdiff_t
find_function(const struct mr_template_model *model, const char *logical_id)
{
    for (size_t i = 0; logical_id != NULL && i < model->function_count; i++) {
        if (strcmp(model->functions[i].logical_id, logical_id) == 0) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static ptrdiff_t
find_stream(const struct mr_template_model *model, const char *source_arn)
{
    struct mr_slice arn = mr_slice_str(source_arn);
    for (size_t i = 0; i < model->stream_count; i++) {
        struct mr_slice known = mr_slice_str(model->streams[i].arn);
        if (mr_slice_starts_with(arn, known) &&
            (arn.size == known.size || arn.data[known.size] == '/')) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static void
look_at_mapping(struct mr_world *world, size_t index)
{
    const struct mr_template_model *model = world->model;
    const struct mr_template_mapping *mapping = &model->mappings[index];
    struct world_mapping *ours = &world->mappings[index];
    ptrdiff_t function = find_function(model, mapping->function_logical_id);
    ptrdiff_t stream = find_stream(model, mapping->source_arn);

    ours->shown.mapping = mapping;
    if (mapping->source != MR_TEMPLATE_KINESIS) {
        ours->shown.not_run = mr_arena_printf(&world->arena, "it reads %s",
                                              mr_template_source_name(mapping->source));
    } else if (stream < 0) {
        ours->shown.not_run = "its stream is not of this template";
    } else if (function < 0) {
        ours->shown.not_run = "its function is not of this template";
    } else if (!mapping->enabled) {
        ours->shown.not_run = "it is not enabled";
    }
    if (stream >= 0 && function >= 0) {
        ours->stream = (size_t)stream;
        ours->function = (size_t)function;
        ours->shown.stream = &model->streams[stream];
        ours->shown.function = &model->functions[function];
    }
}

static int64_t
number_of(const json_t *properties, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(properties, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static size_t
read_filters(struct mr_world *world, const json_t *properties, struct mr_slice **out_filters)
{
    const json_t *filters =
        json_object_get(json_object_get(properties, "FilterCriteria"), "Filters");
    size_t count = json_array_size(filters);
    struct mr_slice *patterns =
        mr_arena_alloc(&world->arena, (count + 1) * sizeof(patterns[0]));
    for (size_t i = 0; i < count; i++) {
        const char *text =
            json_string_value(json_object_get(json_array_get(filters, i), "Pattern"));
        patterns[i] = mr_arena_copy(&world->arena, mr_slice_str(text == NULL ? "{}" : text));
    }
    *out_filters = patterns;
    return count;
}

static bool
reports_failures(const json_t *properties)
{
    const char *type = json_string_value(
        json_array_get(json_object_get(properties, "FunctionResponseTypes"), 0));
    return type != NULL && strcmp(type, "ReportBatchItemFailures") == 0;
}

static struct mr_slice
function_arn(struct mr_world *world, const struct world_mapping *mapping)
{
    const char *named = mapping->shown.mapping->function_name;
    const char *arn = mapping->shown.function->arn;
    const char *qualifier = named == NULL ? NULL : strchr(named, ':');
    if (named != NULL && strncmp(named, "arn:", 4) == 0) {
        return mr_slice_str(named);
    }
    return qualifier == NULL
               ? mr_slice_str(arn)
               : mr_slice_str(mr_arena_printf(&world->arena, "%s%s", arn, qualifier));
}

static void
read_position(const json_t *properties, struct mr_mapping_settings *settings)
{
    const char *position = json_string_value(json_object_get(properties, "StartingPosition"));
    settings->starting_position = MR_POSITION_TRIM_HORIZON;
    if (position != NULL && strcmp(position, "LATEST") == 0) {
        settings->starting_position = MR_POSITION_LATEST;
    } else if (position != NULL && strcmp(position, "AT_TIMESTAMP") == 0) {
        settings->starting_position = MR_POSITION_TIMESTAMP;
        settings->starting_timestamp_ms =
            (uint64_t)(json_number_value(
                           json_object_get(properties, "StartingPositionTimestamp")) *
                       1000);
    }
}

static int
start_mapping(struct mr_world *world, struct world_mapping *ours, struct mr_error *err)
{
    const struct mr_template_mapping *mapping = ours->shown.mapping;
    json_t *properties = json_loads(mapping->properties_json, 0, NULL);
    char uuid[MR_UUID_SIZE];
    struct mr_random names;

    /* The same name for the same mapping, in every life of the poller. */
    mr_random_init_seed(&names,
                        world->options.seed * 1000 + (uint64_t)(ours - world->mappings));
    mr_random_uuid(&names, uuid);
    struct mr_mapping_settings settings = {
        .uuid = mr_slice_str(uuid),
        .source_arn = mr_slice_str(mapping->source_arn),
        .function_arn = function_arn(world, ours),
        .role_arn =
            mr_slice_str(mr_arena_printf(&world->arena, "arn:aws:iam::%s:role/%s-role",
                                         world->model->account_id, ours->shown.function->name)),
        .region = mr_slice_str(world->model->region),
        .batch_size = (uint32_t)number_of(properties, "BatchSize", 100),
        .window_ms =
            1000 * (uint64_t)number_of(properties, "MaximumBatchingWindowInSeconds", 0),
        .parallelization = (uint32_t)number_of(properties, "ParallelizationFactor", 1),
        .max_retries = number_of(properties, "MaximumRetryAttempts", -1),
        .max_age_ms = number_of(properties, "MaximumRecordAgeInSeconds", -1),
        .bisect = json_is_true(json_object_get(properties, "BisectBatchOnFunctionError")),
        .report_failures = reports_failures(properties),
        .tumbling_ms = 1000 * (uint64_t)number_of(properties, "TumblingWindowInSeconds", 0),
        .destination_arn = mr_slice_str(mapping->destination_arn),
    };
    struct mr_slice *filters;
    settings.filter_count = read_filters(world, properties, &filters);
    settings.filters = filters;
    settings.max_age_ms = settings.max_age_ms > 0 ? settings.max_age_ms * 1000 : -1;
    read_position(properties, &settings);
    json_decref(properties);

    ours->mapping = mr_mapping_new(world->poller, &settings, err);
    if (ours->mapping == NULL) {
        return mr_wrap(err, "mapping %s", mapping->logical_id);
    }
    mr_mapping_start(ours->mapping);
    return 0;
}

int
world_poller_start(struct mr_world *world, struct mr_error *err)
{
    world->poller = mr_poller_new(&(struct mr_poller_options){
        .loop = world->loop,
        .invoker = mr_test_invoker_face(world->invoker),
        .sink = &world->sink,
        .checkpoints = world->checkpoints,
        .open_source = open_source,
        .open_context = world,
        .event = world_on_event,
        .event_context = world,
        .seed = world->options.seed + 1,
    });
    for (size_t i = 0; i < world->mapping_count; i++) {
        struct world_mapping *mapping = &world->mappings[i];
        int rc = mapping->shown.not_run == NULL ? start_mapping(world, mapping, err) : 0;
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

void
world_poller_end(struct mr_world *world)
{
    for (size_t i = 0; i < world->mapping_count; i++) {
        mr_mapping_free(world->mappings[i].mapping);
        world->mappings[i].mapping = NULL;
        world_batches_free(&world->mappings[i]);
    }
    mr_poller_free(world->poller);
    world->poller = NULL;
}

/* ---- all of it ---- */

int
world_graph_make(struct mr_world *world, struct mr_error *err)
{
    const struct mr_template_model *model = world->model;

    world->mapping_count = model->mapping_count;
    world->mappings =
        mr_arena_zero(&world->arena, (model->mapping_count + 1) * sizeof(world->mappings[0]));
    for (size_t i = 0; i < model->mapping_count; i++) {
        look_at_mapping(world, i);
    }
    make_streams(world);
    world->checkpoints = mr_checkpoints_open(":memory:", world->loop, err);
    if (world->checkpoints == NULL) {
        return err->code;
    }
    world->sink = (struct mr_sink){ .deliver = world_deliver, .self = world };
    int rc = make_functions(world, err);
    return rc < 0 ? rc : world_poller_start(world, err);
}

static void
on_stopped(void *context)
{
    *(bool *)context = true;
}

void
world_graph_end(struct mr_world *world)
{
    world_poller_end(world);
    if (world->runtime != NULL) {
        bool stopped = false;
        mr_runtime_stop(world->runtime, on_stopped, &stopped);
        while (!stopped) {
            mr_loop_run_once(world->loop, 1000);
        }
        mr_test_invoker_free(world->invoker);
        mr_runtime_free(world->runtime);
    }
    mr_launcher_free(world->launcher);
    mr_checkpoints_close(world->checkpoints);
    for (size_t i = 0; world->streams != NULL && i < world->model->stream_count; i++) {
        mr_test_stream_free(world->streams[i]);
    }
    free(world->streams);
}
