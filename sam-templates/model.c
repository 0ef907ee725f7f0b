#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sam-templates/model_inside.h"
#include "sam-templates/transform.h"

/* --- small things --- */

const char *
mr_keep(struct mr_reading *reading, struct mr_slice text)
{
    return text.data == NULL ? NULL : mr_arena_cstr(&reading->arena, text);
}

const char *
mr_text_at(struct mr_reading *reading, const struct mr_node *map, const char *name)
{
    return mr_keep(reading, mr_node_text(mr_node_get(map, name)));
}

struct mr_template_place
mr_place_of(const struct mr_node *node)
{
    return node == NULL ? (struct mr_template_place){ 0, 0 }
                        : (struct mr_template_place){ node->line, node->column };
}

const char *
mr_local_path(struct mr_reading *reading, struct mr_slice path)
{
    while (mr_slice_starts_with(path, MR_SLICE("./"))) {
        path = mr_slice_from(path, 2);
    }
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path = mr_slice_first(path, path.size - 1);
    }
    if (path.size == 0 || mr_slice_is(path, ".")) {
        return reading->options.directory;
    }
    if (path.data[0] == '/') {
        return mr_keep(reading, path);
    }
    return mr_arena_printf(&reading->arena, "%s/%.*s", reading->options.directory,
                           MR_SLICE_ARGS(path));
}

void
mr_check_dynamic(struct mr_reading *reading, const struct mr_node *value,
                 const struct mr_path *path)
{
    struct mr_slice text = mr_node_text(value);
    if (text.size > 0 && memmem(text.data, text.size, "{{resolve:", 10) != NULL) {
        mr_problem(reading, value, path,
                   "a dynamic reference needs AWS; give the variable's value with --env-vars");
    }
}

bool
mr_is_layer(const struct mr_resource *resource)
{
    return mr_slice_is(resource->type, "AWS::Serverless::LayerVersion") ||
           mr_slice_is(resource->type, "AWS::Lambda::LayerVersion");
}

/* --- a view --- */

const struct mr_node *
mr_view_get(const struct mr_view *view, const char *name)
{
    const struct mr_node *value = mr_node_get(view->resource->properties, name);
    return value == NULL
               ? NULL
               : mr_resolve(view->reading, value, MR_PATH(view->path, mr_slice_str(name)));
}

const char *
mr_view_text(const struct mr_view *view, const char *name)
{
    return mr_keep(view->reading,
                   mr_node_as_text(&view->reading->arena, mr_view_get(view, name)));
}

int64_t
mr_view_whole(const struct mr_view *view, const char *name, int64_t otherwise, int64_t min,
              int64_t max)
{
    const struct mr_node *value = mr_view_get(view, name);
    const struct mr_path path = { view->path, mr_slice_str(name), 0 };
    int64_t number;

    if (value == NULL || value->kind == MR_NODE_NULL || mr_is_intrinsic(value)) {
        return otherwise; /* a function that could not be resolved was reported */
    }
    if (!mr_node_as_i64(value, &number)) {
        mr_problem(view->reading, value, &path, "%s must be a whole number", name);
        return otherwise;
    }
    if (number < min || number > max) {
        mr_problem(view->reading, value, &path,
                   "%s: %" PRId64 " is not in %" PRId64 "..%" PRId64, name, number, min, max);
        return otherwise;
    }
    return number;
}

const char *
mr_view_json(const struct mr_view *view, const char *name_key)
{
    struct mr_arena *arena = &view->reading->arena;
    const struct mr_node *resolved =
        mr_resolve(view->reading, view->resource->properties, view->path);
    struct mr_node *map = mr_node_new(arena, MR_NODE_MAP, view->resource->id_node);

    mr_node_set(arena, map, name_key,
                mr_node_string(arena, mr_name_of(view->reading, view->resource), NULL));
    for (size_t i = 0; mr_node_is(resolved, MR_NODE_MAP) && i < resolved->count; i++) {
        if (!mr_node_is_text(resolved->pairs[i].key, name_key)) {
            mr_node_put_pair(arena, map, resolved->pairs[i].key, resolved->pairs[i].value);
        }
    }
    return mr_node_json(arena, map);
}

const char *
mr_code_path(const struct mr_view *view, const char *property, const char **out_refusal)
{
    const struct mr_node *given = mr_node_get(view->resource->properties, property);
    bool serverless = mr_slice_starts_with(view->resource->type, MR_SLICE("AWS::Serverless::"));

    *out_refusal = NULL;
    if (given == NULL && serverless) {
        return view->reading->options.directory;
    }
    if (mr_node_get(given, "ZipFile") != NULL) {
        *out_refusal = "Code.ZipFile has no files to run; put the code into a directory";
        return NULL;
    }
    if (mr_node_get(given, "ImageUri") != NULL) {
        *out_refusal = "a container image needs a container engine; use a directory or a zip";
        return NULL;
    }
    struct mr_slice path =
        mr_is_intrinsic(given) ? (struct mr_slice){ NULL, 0 } : mr_node_text(given);
    if (path.data == NULL || mr_slice_starts_with(path, MR_SLICE("s3://"))) {
        *out_refusal = "the code is in S3; name a local directory or zip";
        return NULL;
    }
    return mr_local_path(view->reading, path);
}

/* --- the kinds of resources --- */

/* The tags of either spelling: a list of Key and Value, or a map. */
static size_t
tags_of(const struct mr_view *view, const struct mr_template_tag **out_tags)
{
    struct mr_reading *reading = view->reading;
    const struct mr_node *given = mr_view_get(view, "Tags");
    struct mr_template_tag *tags = NULL;
    size_t count = 0;

    for (size_t i = 0; mr_node_is(given, MR_NODE_LIST) && i < given->count; i++) {
        const struct mr_node *value = mr_node_get(given->items[i], "Value");
        struct mr_template_tag tag = {
            mr_keep(reading, mr_node_text(mr_node_get(given->items[i], "Key"))),
            mr_keep(reading, mr_node_as_text(&reading->arena, value)),
        };
        if (tag.key != NULL && tag.value != NULL) {
            tags = mr_grow(&reading->arena, tags, count, sizeof(*tags));
            tags[count++] = tag;
        }
    }
    *out_tags = tags;
    return count;
}

static void
build_stream(const struct mr_view *view, struct mr_template_stream *out)
{
    struct mr_reading *reading = view->reading;
    const struct mr_node *mode =
        mr_node_get(mr_view_get(view, "StreamModeDetails"), "StreamMode");
    bool on_demand = mr_node_is_text(mode, "ON_DEMAND");

    if (mr_node_is(mode, MR_NODE_STRING) && !on_demand &&
        !mr_node_is_text(mode, "PROVISIONED")) {
        mr_problem(reading, mode, view->path, "StreamMode is PROVISIONED or ON_DEMAND");
    }
    if (!on_demand && mr_node_get(view->resource->properties, "ShardCount") == NULL) {
        mr_warn(reading, view->resource->id_node, view->path,
                "a PROVISIONED stream needs a ShardCount; 1 is assumed");
    }
    *out = (struct mr_template_stream){
        .logical_id = mr_keep(reading, view->resource->id),
        .name = mr_keep(reading, mr_name_of(reading, view->resource)),
        .arn = mr_keep(reading, mr_attribute_of(reading, view->resource, MR_SLICE("Arn"))),
        .place = mr_place_of(view->resource->id_node),
        .on_demand = on_demand,
        .shard_count = mr_view_whole(view, "ShardCount", on_demand ? 4 : 1, 1, 100000),
        .retention_hours = mr_view_whole(view, "RetentionPeriodHours", 24, 24, 8760),
        .max_record_kib = mr_view_whole(view, "MaxRecordSizeInKiB", 1024, 1024, 10240),
    };
    out->tag_count = tags_of(view, &out->tags);
    for (const char *c = out->name; *c != '\0'; c++) {
        if (strchr("_.-", *c) == NULL && !mr_is_alphanumeric(mr_slice_of(c, 1))) {
            mr_problem(reading, view->resource->id_node, view->path,
                       "a stream's name has letters, digits, _ . and - only: %s", out->name);
            break;
        }
    }
    if (strlen(out->name) > 128) {
        mr_problem(reading, view->resource->id_node, view->path,
                   "a stream's name has at most 128 characters");
    }
}

static void
build_consumer(const struct mr_view *view, struct mr_template_consumer *out)
{
    struct mr_reading *reading = view->reading;
    const struct mr_resource *stream = mr_resource_find(
        reading, mr_referred_id(mr_node_get(view->resource->properties, "StreamARN")));

    *out = (struct mr_template_consumer){
        .logical_id = mr_keep(reading, view->resource->id),
        .name = mr_keep(reading, mr_name_of(reading, view->resource)),
        .arn = mr_keep(reading, mr_ref_of(reading, view->resource)),
        .stream_arn = mr_view_text(view, "StreamARN"),
        .place = mr_place_of(view->resource->id_node),
        .stream_logical_id = stream == NULL ? NULL : mr_keep(reading, stream->id),
    };
    if (out->stream_arn == NULL) {
        mr_problem(reading, view->resource->id_node, view->path, "a consumer needs StreamARN");
        out->stream_arn = "";
    }
}

static void
build_table(const struct mr_view *view, struct mr_template_table *out)
{
    struct mr_reading *reading = view->reading;
    const struct mr_node *view_type =
        mr_node_get(mr_view_get(view, "StreamSpecification"), "StreamViewType");

    *out = (struct mr_template_table){
        .logical_id = mr_keep(reading, view->resource->id),
        .name = mr_keep(reading, mr_name_of(reading, view->resource)),
        .arn = mr_keep(reading, mr_attribute_of(reading, view->resource, MR_SLICE("Arn"))),
        .place = mr_place_of(view->resource->id_node),
        .stream_view_type = mr_keep(reading, mr_node_text(view_type)),
        .properties_json = mr_view_json(view, "TableName"),
    };
    if (out->stream_view_type != NULL) {
        out->stream_arn =
            mr_keep(reading, mr_attribute_of(reading, view->resource, MR_SLICE("StreamArn")));
    }
}

static void
build_queue(const struct mr_view *view, struct mr_template_queue *out)
{
    struct mr_reading *reading = view->reading;
    const struct mr_node *redrive = mr_view_get(view, "RedrivePolicy");
    bool fifo = false;

    mr_node_as_bool(mr_view_get(view, "FifoQueue"), &fifo);
    *out = (struct mr_template_queue){
        .logical_id = mr_keep(reading, view->resource->id),
        .name = mr_keep(reading, mr_name_of(reading, view->resource)),
        .arn = mr_keep(reading, mr_attribute_of(reading, view->resource, MR_SLICE("Arn"))),
        .url = mr_keep(reading, mr_ref_of(reading, view->resource)),
        .place = mr_place_of(view->resource->id_node),
        .fifo = fifo,
        .visibility_timeout_s = mr_view_whole(view, "VisibilityTimeout", 30, 0, 43200),
        .redrive_target_arn =
            mr_keep(reading, mr_node_text(mr_node_get(redrive, "deadLetterTargetArn"))),
        .max_receive_count = -1,
        .properties_json = mr_view_json(view, "QueueName"),
        .is_generated = view->resource->node == NULL,
    };
    mr_node_as_i64(mr_node_get(redrive, "maxReceiveCount"), &out->max_receive_count);
}

static void
build_topic(const struct mr_view *view, struct mr_template_topic *out)
{
    struct mr_reading *reading = view->reading;
    *out = (struct mr_template_topic){
        mr_keep(reading, view->resource->id),
        mr_keep(reading, mr_name_of(reading, view->resource)),
        mr_keep(reading, mr_ref_of(reading, view->resource)),
        mr_place_of(view->resource->id_node),
    };
}

static void
build_subscription(const struct mr_view *view, struct mr_template_subscription *out)
{
    *out = (struct mr_template_subscription){
        mr_view_text(view, "TopicArn"),
        mr_view_text(view, "Protocol"),
        mr_view_text(view, "Endpoint"),
        mr_place_of(view->resource->id_node),
    };
}

static void
build_bucket(const struct mr_view *view, struct mr_template_bucket *out)
{
    struct mr_reading *reading = view->reading;
    *out = (struct mr_template_bucket){
        mr_keep(reading, view->resource->id),
        mr_keep(reading, mr_name_of(reading, view->resource)),
        mr_keep(reading, mr_attribute_of(reading, view->resource, MR_SLICE("Arn"))),
        mr_place_of(view->resource->id_node),
    };
}

static void
build_layer(const struct mr_view *view, struct mr_template_layer *out)
{
    struct mr_reading *reading = view->reading;
    const char *refusal;
    const struct mr_node *metadata = mr_node_get(view->resource->node, "Metadata");
    bool serverless = mr_slice_starts_with(view->resource->type, MR_SLICE("AWS::Serverless::"));
    *out = (struct mr_template_layer){
        .logical_id = mr_keep(reading, view->resource->id),
        .name = mr_keep(reading, mr_name_of(reading, view->resource)),
        .arn = mr_keep(reading, mr_ref_of(reading, view->resource)),
        .place = mr_place_of(view->resource->id_node),
        .code_path = mr_code_path(view, serverless ? "ContentUri" : "Content", &refusal),
        .build_method = mr_keep(reading, mr_node_text(mr_node_get(metadata, "BuildMethod"))),
    };
}

/* --- all resources --- */

void *
mr_model_grow(struct mr_reading *reading, const void *list, size_t count, size_t item_size)
{
    uint8_t *grown = mr_grow(&reading->arena, (void *)(uintptr_t)list, count, item_size);
    memset(grown + count * item_size, 0, item_size);
    return grown;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
ignore(struct mr_reading *reading, const struct mr_resource *resource, struct mr_index *seen)
{
    struct mr_template_model *model = &reading->model;
    /* SAM's own parts are no news, and these mean something as part of others. */
    if (resource->node == NULL || resource->type.data == NULL ||
        mr_slice_is(resource->type, "AWS::Lambda::EventSourceMapping") ||
        mr_slice_is(resource->type, "AWS::Lambda::Alias") ||
        mr_slice_is(resource->type, "AWS::Lambda::Version") ||
        !mr_index_add(seen, &reading->arena, resource->type, 0)) {
        return;
    }
    const char **types =
        mr_model_grow(reading, model->ignored_types, model->ignored_type_count, sizeof(*types));
    types[model->ignored_type_count++] = mr_keep(reading, resource->type);
    model->ignored_types = types;
}

/* One more in the model's list of its kind. */
#define BUILD(build, list, count)                                                    \
    do {                                                                             \
        void *grown_ =                                                               \
            mr_model_grow(reading, model->list, model->count, sizeof(*model->list)); \
        model->list = grown_;                                                        \
        (build)(&view, (void *)(uintptr_t)&model->list[model->count]);               \
        model->count++;                                                              \
    } while (0)

static void
build_resource(struct mr_reading *reading, struct mr_resource *resource, struct mr_index *seen)
{
    struct mr_template_model *model = &reading->model;
    const struct mr_path path = { MR_PATH(MR_PATH(NULL, MR_SLICE("Resources")), resource->id),
                                  MR_SLICE("Properties"), 0 };
    const struct mr_view view = { reading, resource, &path };
    struct mr_slice type = resource->type;

    if (mr_slice_is(type, "AWS::Serverless::Function") ||
        mr_slice_is(type, "AWS::Lambda::Function")) {
        BUILD(mr_model_function, functions, function_count);
    } else if (mr_slice_is(type, "AWS::Kinesis::Stream")) {
        BUILD(build_stream, streams, stream_count);
    } else if (mr_slice_is(type, "AWS::Kinesis::StreamConsumer")) {
        BUILD(build_consumer, consumers, consumer_count);
    } else if (mr_slice_is(type, "AWS::DynamoDB::Table") ||
               mr_slice_is(type, "AWS::DynamoDB::GlobalTable") ||
               mr_slice_is(type, "AWS::Serverless::SimpleTable")) {
        BUILD(build_table, tables, table_count);
    } else if (mr_slice_is(type, "AWS::SQS::Queue")) {
        BUILD(build_queue, queues, queue_count);
    } else if (mr_slice_is(type, "AWS::SNS::Topic")) {
        BUILD(build_topic, topics, topic_count);
    } else if (mr_slice_is(type, "AWS::SNS::Subscription")) {
        BUILD(build_subscription, subscriptions, subscription_count);
    } else if (mr_slice_is(type, "AWS::S3::Bucket")) {
        BUILD(build_bucket, buckets, bucket_count);
    } else if (mr_is_layer(resource)) {
        BUILD(build_layer, layers, layer_count);
    } else {
        ignore(reading, resource, seen);
    }
}

/* --- outputs, parameters --- */

static void
build_output(struct mr_reading *reading, const struct mr_node_pair *pair)
{
    struct mr_template_model *model = &reading->model;
    struct mr_slice name = mr_node_as_text(&reading->arena, pair->key);
    const struct mr_path path = { MR_PATH(NULL, MR_SLICE("Outputs")), name, 0 };
    const struct mr_node *condition = mr_node_get(pair->value, "Condition");
    const struct mr_node *value = mr_node_get(pair->value, "Value");
    const struct mr_node *export_name = mr_node_get(mr_node_get(pair->value, "Export"), "Name");

    if (mr_node_is(condition, MR_NODE_STRING) &&
        !mr_condition(reading, condition->text, condition, &path)) {
        return;
    }
    if (value == NULL) {
        mr_problem(reading, pair->key, &path, "an output needs a Value");
        return;
    }
    const struct mr_node *resolved = mr_resolve(reading, value, &path);
    struct mr_slice text = mr_node_as_text(&reading->arena, resolved);
    struct mr_template_output output = {
        .name = mr_keep(reading, name),
        .value = text.data != NULL ? mr_keep(reading, text)
                                   : mr_node_json(&reading->arena, resolved),
        .description = mr_text_at(reading, pair->value, "Description"),
        .export_name = export_name == NULL
                           ? NULL
                           : mr_keep(reading, mr_resolve_text(reading, export_name, &path)),
    };
    struct mr_template_output *grown =
        mr_model_grow(reading, model->outputs, model->output_count, sizeof(output));
    grown[model->output_count++] = output;
    model->outputs = grown;
}

static void
build_parameters(struct mr_reading *reading)
{
    struct mr_template_model *model = &reading->model;
    struct mr_template_parameter *list =
        mr_arena_zero(&reading->arena, (reading->parameter_count + 1) * sizeof(*list));

    for (size_t i = 0; i < reading->parameter_count; i++) {
        const struct mr_parameter_value *parameter = &reading->parameters[i];
        struct mr_slice text = mr_node_as_text(&reading->arena, parameter->value);
        list[i].name = mr_keep(reading, parameter->name);
        list[i].is_default = parameter->is_default || parameter->is_dummy;
        list[i].value = parameter->no_echo  ? "****"
                        : text.data != NULL ? mr_keep(reading, text)
                                            : mr_node_json(&reading->arena, parameter->value);
    }
    model->parameters = list;
    model->parameter_count = reading->parameter_count;
}

void
mr_build_model(struct mr_reading *reading)
{
    struct mr_template_model *model = &reading->model;
    struct mr_index seen = { 0 };

    model->description = mr_text_at(reading, reading->root, "Description");
    model->stack_name = reading->options.stack_name;
    model->region = reading->options.region;
    model->account_id = reading->options.account_id;
    build_parameters(reading);
    for (size_t i = 0; i < reading->resource_count && !mr_over_budget(reading); i++) {
        if (reading->resources[i].present) {
            build_resource(reading, &reading->resources[i], &seen);
        }
    }
    if (model->ignored_type_count > 0) {
        qsort((void *)(uintptr_t)model->ignored_types, model->ignored_type_count,
              sizeof(*model->ignored_types), compare_names);
    }
    mr_model_mappings(reading);
    for (size_t i = 0; reading->outputs != NULL && i < reading->outputs->count; i++) {
        if (!mr_over_budget(reading)) {
            build_output(reading, &reading->outputs->pairs[i]);
        }
    }
}
