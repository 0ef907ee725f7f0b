#include <inttypes.h>
#include <stdio.h>

#include "sam-templates/resolve.h"

/* --- the properties of AWS::Lambda::EventSourceMapping --- */

enum form { TEXT, WHOLE, NUMBER, TRUTH, TEXTS, MAP, MAPS };

struct field {
    const char *name;
    enum form form;
    const struct field *fields; /* of a map, or of each map in a list */
    int64_t min, max;           /* of WHOLE; 0, 0: no bounds here */
    int64_t also;               /* one value outside the bounds that is fine too; 0: none */
};

static const struct field filter[] = { { .name = "Pattern", .form = TEXT }, { 0 } };
static const struct field filters[] = { { .name = "Filters", .form = MAPS, .fields = filter },
                                        { 0 } };
static const struct field on_failure[] = { { .name = "Destination", .form = TEXT }, { 0 } };
static const struct field destination[] = {
    { .name = "OnFailure", .form = MAP, .fields = on_failure }, { 0 }
};
static const struct field access_config[] = { { .name = "Type", .form = TEXT },
                                              { .name = "URI", .form = TEXT },
                                              { 0 } };
static const struct field endpoints[] = { { .name = "KafkaBootstrapServers", .form = TEXTS },
                                          { 0 } };
static const struct field self_managed[] = {
    { .name = "Endpoints", .form = MAP, .fields = endpoints }, { 0 }
};
static const struct field validation[] = { { .name = "Attribute", .form = TEXT }, { 0 } };
static const struct field registry[] = {
    { .name = "SchemaRegistryURI", .form = TEXT },
    { .name = "EventRecordFormat", .form = TEXT },
    { .name = "AccessConfigs", .form = MAPS, .fields = access_config },
    { .name = "SchemaValidationConfigs", .form = MAPS, .fields = validation },
    { 0 },
};
static const struct field kafka[] = {
    { .name = "ConsumerGroupId", .form = TEXT },
    { .name = "SchemaRegistryConfig", .form = MAP, .fields = registry },
    { 0 },
};
static const struct field document_db[] = { { .name = "DatabaseName", .form = TEXT },
                                            { .name = "CollectionName", .form = TEXT },
                                            { .name = "FullDocument", .form = TEXT },
                                            { 0 } };
static const struct field scaling[] = {
    { .name = "MaximumConcurrency", .form = WHOLE, .min = 2, .max = 1000 }, { 0 }
};
static const struct field pollers[] = {
    { .name = "MinimumPollers", .form = WHOLE, .min = 1, .max = 200 },
    { .name = "MaximumPollers", .form = WHOLE, .min = 1, .max = 2000 },
    { .name = "PollerGroupName", .form = TEXT },
    { 0 },
};
static const struct field metrics[] = { { .name = "Metrics", .form = TEXTS }, { 0 } };
static const struct field logging[] = { { .name = "SystemLogLevel", .form = TEXT }, { 0 } };

static const struct field fields[] = {
    { .name = "FunctionName", .form = TEXT },
    { .name = "EventSourceArn", .form = TEXT },
    { .name = "StartingPosition", .form = TEXT },
    { .name = "StartingPositionTimestamp", .form = NUMBER },
    { .name = "BatchSize", .form = WHOLE, .min = 1, .max = 10000 },
    { .name = "Enabled", .form = TRUTH },
    { .name = "MaximumBatchingWindowInSeconds", .form = WHOLE, .min = 0, .max = 300 },
    { .name = "MaximumRetryAttempts", .form = WHOLE, .min = -1, .max = 10000 },
    { .name = "BisectBatchOnFunctionError", .form = TRUTH },
    { .name = "MaximumRecordAgeInSeconds",
      .form = WHOLE,
      .min = 60,
      .max = 604800,
      .also = -1 },
    { .name = "ParallelizationFactor", .form = WHOLE, .min = 1, .max = 10 },
    { .name = "TumblingWindowInSeconds", .form = WHOLE, .min = 0, .max = 900 },
    { .name = "Topics", .form = TEXTS },
    { .name = "Queues", .form = TEXTS },
    { .name = "FunctionResponseTypes", .form = TEXTS },
    { .name = "KmsKeyArn", .form = TEXT },
    { .name = "SourceAccessConfigurations", .form = MAPS, .fields = access_config },
    { .name = "FilterCriteria", .form = MAP, .fields = filters },
    { .name = "DestinationConfig", .form = MAP, .fields = destination },
    { .name = "SelfManagedEventSource", .form = MAP, .fields = self_managed },
    { .name = "AmazonManagedKafkaEventSourceConfig", .form = MAP, .fields = kafka },
    { .name = "SelfManagedKafkaEventSourceConfig", .form = MAP, .fields = kafka },
    { .name = "DocumentDBEventSourceConfig", .form = MAP, .fields = document_db },
    { .name = "ScalingConfig", .form = MAP, .fields = scaling },
    { .name = "ProvisionedPollerConfig", .form = MAP, .fields = pollers },
    { .name = "MetricsConfig", .form = MAP, .fields = metrics },
    { .name = "LoggingConfig", .form = MAP, .fields = logging },
    { .name = "Tags", .form = MAPS },
    { 0 },
};

/* --- values as CloudFormation turns them: "10" becomes 10 where a number belongs --- */

static const struct field *
field_of(const struct field *table, struct mr_slice name)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (mr_slice_is(name, table->name)) {
            return table;
        }
    }
    return NULL;
}

static const struct mr_node *coerce(struct mr_arena *arena, const struct mr_node *value,
                                    const struct field *field);

static const struct mr_node *
coerce_map(struct mr_arena *arena, const struct mr_node *value, const struct field *table)
{
    struct mr_node *map = mr_node_new(arena, MR_NODE_MAP, value);
    if (table == NULL || value->kind != MR_NODE_MAP) {
        return value;
    }
    for (size_t i = 0; i < value->count; i++) {
        const struct mr_node_pair *pair = &value->pairs[i];
        const struct field *field = field_of(table, mr_node_text(pair->key));
        mr_node_put_pair(arena, map, pair->key,
                         field == NULL ? pair->value : coerce(arena, pair->value, field));
    }
    return map;
}

static const struct mr_node *
coerce_list(struct mr_arena *arena, const struct mr_node *value, const struct field *field)
{
    static const struct field text = { .form = TEXT };
    struct mr_node *list = mr_node_new(arena, MR_NODE_LIST, value);

    if (value->kind != MR_NODE_LIST) {
        return value;
    }
    for (size_t i = 0; i < value->count; i++) {
        mr_node_push(arena, list,
                     field->form == TEXTS ? coerce(arena, value->items[i], &text)
                                          : coerce_map(arena, value->items[i], field->fields));
    }
    return list;
}

static const struct mr_node *
coerce_number(struct mr_arena *arena, const struct mr_node *value)
{
    int64_t whole;
    struct mr_node number = { 0 };
    if (value->kind == MR_NODE_INT || value->kind == MR_NODE_FLOAT) {
        return value;
    }
    if (mr_node_as_i64(value, &whole)) {
        return mr_node_int(arena, whole, value);
    }
    char rest;
    if (value->kind == MR_NODE_STRING && value->text.size < 40 &&
        sscanf(mr_arena_cstr(arena, value->text), "%lf%c", &number.real, &rest) == 1) {
        struct mr_node *node = mr_node_new(arena, MR_NODE_FLOAT, value);
        node->real = number.real;
        return node;
    }
    return value;
}

static const struct mr_node *
coerce(struct mr_arena *arena, const struct mr_node *value, const struct field *field)
{
    int64_t whole;
    bool truth;

    switch (field->form) {
    case TEXT:
        return mr_node_is_scalar(value) && value->kind != MR_NODE_STRING
                   ? mr_node_string(arena, mr_node_as_text(arena, value), value)
                   : value;
    case WHOLE:
        return value->kind != MR_NODE_INT && mr_node_as_i64(value, &whole)
                   ? mr_node_int(arena, whole, value)
                   : value;
    case NUMBER:
        return coerce_number(arena, value);
    case TRUTH:
        return value->kind != MR_NODE_BOOL && mr_node_as_bool(value, &truth)
                   ? mr_node_bool(arena, truth, value)
                   : value;
    case TEXTS:
    case MAPS:
        return coerce_list(arena, value, field);
    case MAP:
        return coerce_map(arena, value, field->fields);
    }
    return value;
}

/* --- ranges and names --- */

struct check {
    struct mr_reading *reading;
    const struct mr_mapping_draft *draft;
    const struct mr_path *path; /* of the properties */
};

static const char *
whose(const struct check *check)
{
    const struct mr_mapping_draft *draft = check->draft;
    struct mr_arena *arena = &check->reading->arena;
    if (draft->event_name.data == NULL) {
        return mr_arena_printf(arena, "mapping %.*s", MR_SLICE_ARGS(draft->id));
    }
    return mr_arena_printf(arena, "event %.*s of %.*s", MR_SLICE_ARGS(draft->event_name),
                           (int)(draft->id.size - draft->event_name.size),
                           (const char *)draft->id.data);
}

static void
check_range(const struct check *check, const struct mr_node *value, const struct field *field,
            const struct mr_path *path)
{
    char also[32] = "";
    int64_t number;
    if (mr_is_intrinsic(value)) {
        return; /* could not be resolved, and that was said */
    }
    if (!mr_node_as_i64(value, &number)) {
        mr_problem(check->reading, value, path, "%s must be a whole number (%s)", field->name,
                   whose(check));
        return;
    }
    if ((number >= field->min && number <= field->max) ||
        (field->also != 0 && number == field->also)) {
        return;
    }
    if (field->also != 0) {
        snprintf(also, sizeof(also), "%" PRId64 ", ", field->also);
    }
    mr_problem(check->reading, value, path,
               "%s: %" PRId64 " is not in %s%" PRId64 "..%" PRId64 " (%s)", field->name, number,
               also, field->min, field->max, whose(check));
}

static void
check_fields(const struct check *check, const struct mr_node *map, const struct field *table,
             const struct mr_path *path)
{
    for (size_t i = 0; mr_node_is(map, MR_NODE_MAP) && i < map->count; i++) {
        const struct mr_node_pair *pair = &map->pairs[i];
        struct mr_slice name = mr_node_text(pair->key);
        const struct field *field = field_of(table, name);
        const struct mr_path here = { path, name, 0 };
        bool truth;

        if (field == NULL) {
            struct mr_suggestion suggestion = mr_suggest(check->reading, name);
            char hint[160];
            for (const struct field *one = table; one->name != NULL; one++) {
                mr_suggestion_offer(&suggestion, mr_slice_str(one->name));
            }
            mr_problem(check->reading, pair->key, path, "there is no property %.*s here%s (%s)",
                       MR_SLICE_ARGS(name), mr_suggestion_text(&suggestion, hint),
                       whose(check));
        } else if (field->form == WHOLE) {
            check_range(check, pair->value, field, &here);
        } else if (field->form == TRUTH && !mr_node_as_bool(pair->value, &truth)) {
            mr_problem(check->reading, pair->value, &here, "%s is true or false (%s)",
                       field->name, whose(check));
        } else if (field->form == MAP && field->fields != NULL) {
            check_fields(check, pair->value, field->fields, &here);
        } else if (field->form == MAPS && field->fields != NULL) {
            for (size_t m = 0; pair->value->kind == MR_NODE_LIST && m < pair->value->count;
                 m++) {
                check_fields(check, pair->value->items[m], field->fields, MR_PATH_AT(&here, m));
            }
        }
    }
}

static void
tell(const struct check *check, const char *name, const char *text)
{
    const struct mr_node *value = mr_node_get(check->draft->resolved, name);
    mr_problem(check->reading, value != NULL ? value : check->draft->at,
               value != NULL ? MR_PATH(check->path, mr_slice_str(name)) : check->path,
               "%s (%s)", text, whose(check));
}

static bool
has(const struct check *check, const char *name)
{
    return mr_node_get(check->draft->resolved, name) != NULL;
}

static int64_t
whole_of(const struct check *check, const char *name, int64_t otherwise)
{
    int64_t value = otherwise;
    mr_node_as_i64(mr_node_get(check->draft->resolved, name), &value);
    return value;
}

static void
check_starting_position(const struct check *check)
{
    const struct mr_node *position = mr_node_get(check->draft->resolved, "StartingPosition");
    enum mr_template_source source = check->draft->source;
    bool stream = source == MR_TEMPLATE_KINESIS || source == MR_TEMPLATE_DYNAMODB ||
                  source == MR_TEMPLATE_MSK;

    if (position == NULL) {
        if (stream) {
            tell(check, "StartingPosition",
                 "StartingPosition is required: TRIM_HORIZON, LATEST or AT_TIMESTAMP");
        }
        return;
    }
    if (source == MR_TEMPLATE_SQS || source == MR_TEMPLATE_MQ) {
        tell(check, "StartingPosition", "a queue has no StartingPosition; remove it");
        return;
    }
    bool at_time = mr_node_is_text(position, "AT_TIMESTAMP");
    if (!at_time && !mr_node_is_text(position, "TRIM_HORIZON") &&
        !mr_node_is_text(position, "LATEST")) {
        tell(check, "StartingPosition",
             "StartingPosition is TRIM_HORIZON, LATEST or AT_TIMESTAMP");
    }
    if (at_time && source == MR_TEMPLATE_DYNAMODB) {
        tell(check, "StartingPosition", "a DynamoDB stream cannot start AT_TIMESTAMP");
    }
    if (at_time && !has(check, "StartingPositionTimestamp")) {
        tell(check, "StartingPosition", "AT_TIMESTAMP needs StartingPositionTimestamp");
    }
    if (!at_time && has(check, "StartingPositionTimestamp")) {
        tell(check, "StartingPositionTimestamp",
             "StartingPositionTimestamp needs StartingPosition: AT_TIMESTAMP");
    }
}

static void
check_queue(const struct check *check)
{
    static const char *const stream_only[] = {
        "ParallelizationFactor",     "BisectBatchOnFunctionError", "MaximumRetryAttempts",
        "MaximumRecordAgeInSeconds", "TumblingWindowInSeconds",    "DestinationConfig",
    };
    struct mr_slice arn = mr_node_text(mr_node_get(check->draft->resolved, "EventSourceArn"));
    bool fifo = mr_slice_ends_with(arn, MR_SLICE(".fifo"));
    int64_t batch = whole_of(check, "BatchSize", 10);
    int64_t window = whole_of(check, "MaximumBatchingWindowInSeconds", 0);

    for (size_t i = 0; i < sizeof(stream_only) / sizeof(stream_only[0]); i++) {
        if (has(check, stream_only[i])) {
            tell(check, stream_only[i],
                 mr_arena_printf(&check->reading->arena, "%s is for streams, not for queues",
                                 stream_only[i]));
        }
    }
    if (fifo && batch > 10) {
        tell(check, "BatchSize", "the BatchSize of a FIFO queue is 1..10");
    } else if (batch > 10 && window < 1) {
        tell(check, "BatchSize",
             "a BatchSize over 10 on a queue needs MaximumBatchingWindowInSeconds of at least "
             "1");
    }
    if (fifo && window > 0) {
        tell(check, "MaximumBatchingWindowInSeconds", "a FIFO queue has no batching window");
    }
}

static void
check_filters(const struct check *check)
{
    const struct mr_node *list =
        mr_node_get(mr_node_get(check->draft->resolved, "FilterCriteria"), "Filters");
    if (mr_node_is(list, MR_NODE_LIST) && list->count > 10) {
        tell(check, "FilterCriteria", "a mapping has at most 10 filters");
    }
    for (size_t i = 0; mr_node_is(list, MR_NODE_LIST) && i < list->count; i++) {
        const struct mr_node *pattern = mr_node_get(list->items[i], "Pattern");
        if (pattern != NULL && pattern->kind != MR_NODE_STRING) {
            tell(check, "FilterCriteria", "a Pattern is JSON in a string: put it in quotes");
        } else if (mr_node_text(pattern).size > 4096) {
            tell(check, "FilterCriteria", "a Pattern has at most 4096 characters");
        }
    }
}

/* --- the source --- */

static enum mr_template_source
source_by_arn(const struct mr_node *properties)
{
    static const struct {
        const char *service;
        enum mr_template_source source;
    } rows[] = {
        { "kinesis", MR_TEMPLATE_KINESIS }, { "dynamodb", MR_TEMPLATE_DYNAMODB },
        { "sqs", MR_TEMPLATE_SQS },         { "kafka", MR_TEMPLATE_MSK },
        { "mq", MR_TEMPLATE_MQ },           { "rds", MR_TEMPLATE_DOCUMENTDB },
    };
    struct mr_slice arn = mr_node_text(mr_node_get(properties, "EventSourceArn"));

    mr_slice_cut(&arn, ':');
    mr_slice_cut(&arn, ':');
    struct mr_slice service = mr_slice_cut(&arn, ':');
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (mr_slice_is(service, rows[i].service)) {
            return rows[i].source;
        }
    }
    return mr_node_get(properties, "SelfManagedEventSource") != NULL
               ? MR_TEMPLATE_SELF_MANAGED_KAFKA
               : MR_TEMPLATE_UNKNOWN_SOURCE;
}

static void
check_required(const struct check *check)
{
    if (!has(check, "FunctionName")) {
        tell(check, "FunctionName", "a mapping needs FunctionName");
    }
    if (!has(check, "EventSourceArn") && !has(check, "SelfManagedEventSource")) {
        tell(check, "EventSourceArn", "a mapping needs EventSourceArn");
    }
}

static void
resolve_one(struct mr_reading *reading, struct mr_mapping_draft *draft)
{
    const struct mr_path whole = { NULL, draft->path, 0 };
    const struct mr_path path = { &whole, MR_SLICE("Properties"), 0 };
    const struct check check = { reading, draft, &path };

    draft->present = draft->condition.size == 0 ||
                     mr_condition(reading, draft->condition, draft->at, &whole);
    if (!draft->present) {
        return;
    }
    const struct mr_node *resolved = mr_resolve(reading, draft->properties, &path);
    if (!mr_node_is(resolved, MR_NODE_MAP)) {
        resolved = mr_node_new(&reading->arena, MR_NODE_MAP, draft->at);
    }
    draft->resolved = coerce_map(&reading->arena, resolved, fields);
    enum mr_template_source source = source_by_arn(draft->resolved);
    if (source != MR_TEMPLATE_UNKNOWN_SOURCE) {
        draft->source = source;
    }
    check_fields(&check, draft->resolved, fields, &path);
    check_required(&check);
    check_starting_position(&check);
    check_filters(&check);
    if (draft->source == MR_TEMPLATE_SQS) {
        check_queue(&check);
    }
}

void
mr_resolve_mappings(struct mr_reading *reading)
{
    for (size_t i = 0; i < reading->mapping_count && !mr_over_budget(reading); i++) {
        resolve_one(reading, &reading->drafts[i]);
    }
}
