#include <string.h>

#include "sam-templates/transform.h"

static const struct mr_node *
property(const struct mr_event *event, const char *name)
{
    const struct mr_node *value = mr_node_get(event->properties, name);
    return value == NULL || value->kind == MR_NODE_NULL ? NULL : value;
}

/* Say it about one property of the event; always false. */
static bool
refuse(const struct mr_event *event, const char *name, const char *text)
{
    const struct mr_node *value = mr_node_get(event->properties, name);
    const struct mr_path properties = { event->path, MR_SLICE("Properties"), 0 };
    mr_reject(event->reading, value != NULL ? value : event->key,
              value != NULL ? MR_PATH(&properties, mr_slice_str(name)) : event->path,
              "%s (event %.*s of %.*s)", text, MR_SLICE_ARGS(event->name),
              MR_SLICE_ARGS(event->function_id));
    return false;
}

/* --- what the translator asks of each kind --- */

static bool
check_filter_criteria(const struct mr_event *event)
{
    const struct mr_node *criteria = property(event, "FilterCriteria");
    if (!mr_node_truthy(criteria) || mr_is_intrinsic(criteria)) {
        return true;
    }
    if (criteria->count == 1 && mr_node_get(criteria, "Filters") != NULL) {
        return true;
    }
    return refuse(event, "FilterCriteria", "FilterCriteria has one key, Filters");
}

static bool
check_kms_key(const struct mr_event *event)
{
    const struct mr_node *key = property(event, "SecretsManagerKmsKeyId");
    return !mr_node_truthy(key) || key->kind == MR_NODE_STRING ||
           refuse(event, "SecretsManagerKmsKeyId", "SecretsManagerKmsKeyId must be a string");
}

static bool
check_access_configs(const struct mr_event *event, const struct mr_node *registry)
{
    const struct mr_node *configs = mr_node_get(registry, "AccessConfigs");
    if (!mr_node_truthy(configs)) {
        return true;
    }
    for (size_t i = 0; configs->kind == MR_NODE_LIST && i < configs->count; i++) {
        if (mr_node_get(configs->items[i], "Type") == NULL ||
            mr_node_get(configs->items[i], "URI") == NULL) {
            return refuse(event, "SchemaRegistryConfig",
                          "each of AccessConfigs is a map with Type and URI");
        }
    }
    return configs->kind == MR_NODE_LIST ||
           refuse(event, "SchemaRegistryConfig", "AccessConfigs must be a list");
}

static bool
check_schema_registry(const struct mr_event *event)
{
    static const char *const required[] = { "SchemaRegistryURI", "EventRecordFormat",
                                            "SchemaValidationConfigs" };
    const struct mr_node *registry = property(event, "SchemaRegistryConfig");
    if (!mr_node_truthy(registry)) {
        return true;
    }
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (mr_node_get(registry, required[i]) == NULL) {
            return refuse(event, "SchemaRegistryConfig",
                          mr_arena_printf(&event->reading->arena,
                                          "SchemaRegistryConfig needs %s", required[i]));
        }
    }
    const struct mr_node *format = mr_node_get(registry, "EventRecordFormat");
    if (!mr_node_is_text(format, "JSON") && !mr_node_is_text(format, "SOURCE")) {
        return refuse(event, "SchemaRegistryConfig", "EventRecordFormat is JSON or SOURCE");
    }
    if (!mr_node_is(mr_node_get(registry, "SchemaValidationConfigs"), MR_NODE_LIST)) {
        return refuse(event, "SchemaRegistryConfig", "SchemaValidationConfigs must be a list");
    }
    return check_access_configs(event, registry);
}

static const char sources[] = "SourceAccessConfigurations";

/* MQ and DocumentDB: types among `allowed`, exactly one BASIC_AUTH, which has a URI. */
static bool
check_basic_auth(const struct mr_event *event, bool virtual_host)
{
    const struct mr_node *configs = property(event, sources);
    bool found = false;

    if (!mr_node_truthy(configs)) {
        return refuse(event, sources, "SourceAccessConfigurations with BASIC_AUTH are needed");
    }
    if (configs->kind != MR_NODE_LIST) {
        return refuse(event, sources, "SourceAccessConfigurations must be a list");
    }
    for (size_t i = 0; i < configs->count; i++) {
        const struct mr_node *type = mr_node_get(configs->items[i], "Type");
        if (!mr_node_is(type, MR_NODE_STRING)) {
            return refuse(event, sources,
                          "each of SourceAccessConfigurations is a map with a Type, "
                          "a string");
        }
        if (!mr_node_is_text(type, "BASIC_AUTH")) {
            if (virtual_host && mr_node_is_text(type, "VIRTUAL_HOST")) {
                continue;
            }
            return refuse(
                event, sources,
                virtual_host
                    ? "a Type in SourceAccessConfigurations is BASIC_AUTH or VIRTUAL_HOST"
                    : "a Type in SourceAccessConfigurations is BASIC_AUTH");
        }
        if (found) {
            return refuse(event, sources,
                          "more than one BASIC_AUTH in SourceAccessConfigurations");
        }
        if (!mr_node_truthy(mr_node_get(configs->items[i], "URI"))) {
            return refuse(event, sources, "BASIC_AUTH needs a URI");
        }
        found = true;
    }
    return found || refuse(event, sources, "SourceAccessConfigurations need a BASIC_AUTH");
}

static bool
is_auth_mechanism(const struct mr_node *type)
{
    return mr_node_is_text(type, "SASL_SCRAM_256_AUTH") ||
           mr_node_is_text(type, "SASL_SCRAM_512_AUTH") ||
           mr_node_is_text(type, "BASIC_AUTH") ||
           mr_node_is_text(type, "CLIENT_CERTIFICATE_TLS_AUTH");
}

static bool
check_kafka_sources(const struct mr_event *event, const struct mr_node *configs)
{
    bool subnet = false, group = false, authenticated = false;

    for (size_t i = 0; i < configs->count; i++) {
        const struct mr_node *type = mr_node_get(configs->items[i], "Type");
        const struct mr_node *uri = mr_node_get(configs->items[i], "URI");
        if (configs->items[i]->kind != MR_NODE_MAP) {
            return refuse(event, sources, "each of SourceAccessConfigurations is a map");
        }
        if (is_auth_mechanism(type)) {
            if (authenticated) {
                return refuse(event, sources,
                              "more than one authentication in SourceAccessConfigurations");
            }
            authenticated = true;
        } else if (!mr_node_is_text(type, "VPC_SUBNET") &&
                   !mr_node_is_text(type, "VPC_SECURITY_GROUP") &&
                   !mr_node_is_text(type, "SERVER_ROOT_CA_CERTIFICATE")) {
            return refuse(event, sources,
                          "a Type in SourceAccessConfigurations is SASL_SCRAM_256_AUTH, "
                          "SASL_SCRAM_512_AUTH, BASIC_AUTH, CLIENT_CERTIFICATE_TLS_AUTH, "
                          "SERVER_ROOT_CA_CERTIFICATE, VPC_SUBNET or VPC_SECURITY_GROUP");
        }
        subnet = subnet || mr_node_is_text(type, "VPC_SUBNET");
        group = group || mr_node_is_text(type, "VPC_SECURITY_GROUP");
        if (!mr_node_truthy(uri) || (uri->kind != MR_NODE_STRING && !mr_is_intrinsic(uri))) {
            return refuse(event, sources,
                          "each of SourceAccessConfigurations needs a URI, a string");
        }
    }
    return subnet == group ||
           refuse(event, sources, "VPC_SUBNET and VPC_SECURITY_GROUP are given together");
}

static bool
check_self_managed_kafka(const struct mr_event *event)
{
    const struct mr_node *topics = property(event, "Topics");
    const struct mr_node *configs = property(event, sources);

    if (!mr_node_truthy(property(event, "KafkaBootstrapServers"))) {
        return refuse(event, "KafkaBootstrapServers", "KafkaBootstrapServers are needed");
    }
    if (!mr_node_truthy(topics) || topics->count != 1) {
        return refuse(event, "Topics", "Topics must name exactly one topic");
    }
    if (!mr_node_is(configs, MR_NODE_LIST) || configs->count == 0) {
        return refuse(event, sources, "SourceAccessConfigurations are needed, a list");
    }
    return check_kafka_sources(event, configs) && check_kms_key(event) &&
           check_schema_registry(event);
}

static bool
check_group(const struct mr_event *event)
{
    return !mr_node_truthy(property(event, "ConsumerGroupId")) ||
           event->rule->source == MR_TEMPLATE_MSK ||
           event->rule->source == MR_TEMPLATE_SELF_MANAGED_KAFKA ||
           refuse(event, "ConsumerGroupId", "ConsumerGroupId is for Kafka events only");
}

static bool
check_destination(const struct mr_event *event)
{
    const struct mr_node *config = property(event, "DestinationConfig");
    if (!mr_node_truthy(config)) {
        return true;
    }
    const struct mr_node *on_failure = mr_node_get(config, "OnFailure");
    if (!mr_node_is(on_failure, MR_NODE_MAP)) {
        return refuse(event, "DestinationConfig", "DestinationConfig.OnFailure must be a map");
    }
    const struct mr_node *type = mr_node_get(on_failure, "Type");
    return !mr_node_truthy(type) || mr_node_is_text(type, "SQS") ||
           mr_node_is_text(type, "SNS") || mr_node_is_text(type, "S3") ||
           mr_node_is_text(type, "Kafka") ||
           refuse(event, "DestinationConfig",
                  "DestinationConfig.OnFailure.Type is SQS, SNS, S3 or "
                  "Kafka");
}

static bool
check(const struct mr_event *event)
{
    if (!check_filter_criteria(event) || !check_group(event) || !check_destination(event)) {
        return false;
    }
    switch (event->rule->source) {
    case MR_TEMPLATE_MSK:
        return check_schema_registry(event);
    case MR_TEMPLATE_MQ:
        return check_basic_auth(event, true) && check_kms_key(event);
    case MR_TEMPLATE_DOCUMENTDB:
        return check_basic_auth(event, false) && check_kms_key(event);
    case MR_TEMPLATE_SELF_MANAGED_KAFKA:
        return check_self_managed_kafka(event);
    default:
        return true;
    }
}

/* --- the mapping --- */

/* OnFailure without its Type, which is SAM's own. */
static const struct mr_node *
destination_of(const struct mr_event *event, const struct mr_node *config)
{
    struct mr_arena *arena = &event->reading->arena;
    const struct mr_node *on_failure = mr_node_get(config, "OnFailure");
    struct mr_node *bare = mr_node_new(arena, MR_NODE_MAP, on_failure);
    struct mr_node *copy = mr_node_new(arena, MR_NODE_MAP, config);

    if (!mr_node_truthy(mr_node_get(on_failure, "Type"))) {
        return config;
    }
    for (size_t i = 0; i < on_failure->count; i++) {
        if (!mr_node_is_text(on_failure->pairs[i].key, "Type")) {
            mr_node_put_pair(arena, bare, on_failure->pairs[i].key, on_failure->pairs[i].value);
        }
    }
    for (size_t i = 0; i < config->count; i++) {
        bool is_it = mr_node_is_text(config->pairs[i].key, "OnFailure");
        mr_node_put_pair(arena, copy, config->pairs[i].key,
                         is_it ? bare : config->pairs[i].value);
    }
    return copy;
}

static void
put(const struct mr_event *event, struct mr_node *map, const char *name,
    const struct mr_node *value)
{
    if (value != NULL) {
        mr_node_set(&event->reading->arena, map, name, value);
    }
}

static const struct mr_node *
registry_of(const struct mr_event *event)
{
    struct mr_arena *arena = &event->reading->arena;
    const struct mr_node *registry = property(event, "SchemaRegistryConfig");
    const struct mr_node *uri = mr_node_get(registry, "SchemaRegistryURI");

    if (!mr_is_intrinsic(uri)) {
        return registry;
    }
    struct mr_node *copy = mr_node_new(arena, MR_NODE_MAP, registry);
    for (size_t i = 0; i < registry->count; i++) {
        const struct mr_node_pair *pair = &registry->pairs[i];
        mr_node_put_pair(arena, copy, pair->key,
                         pair->value == uri ? mr_translator_refs(event->reading, uri)
                                            : pair->value);
    }
    return copy;
}

/* ConsumerGroupId and SchemaRegistryConfig go into one map for Kafka. */
static void
put_kafka_config(const struct mr_event *event, struct mr_node *map)
{
    const char *name = event->rule->source == MR_TEMPLATE_MSK
                           ? "AmazonManagedKafkaEventSourceConfig"
                           : "SelfManagedKafkaEventSourceConfig";
    const struct mr_node *group = property(event, "ConsumerGroupId");
    const struct mr_node *registry = registry_of(event);
    struct mr_node *config =
        mr_node_new(&event->reading->arena, MR_NODE_MAP, group != NULL ? group : registry);

    if (event->rule->source != MR_TEMPLATE_MSK &&
        event->rule->source != MR_TEMPLATE_SELF_MANAGED_KAFKA) {
        return;
    }
    put(event, config, "ConsumerGroupId", mr_node_truthy(group) ? group : NULL);
    put(event, config, "SchemaRegistryConfig", mr_node_truthy(registry) ? registry : NULL);
    put(event, map, name, config->count > 0 ? config : NULL);
}

static void
put_document_db_config(const struct mr_event *event, struct mr_node *map)
{
    const struct mr_node *collection = property(event, "CollectionName");
    const struct mr_node *full = property(event, "FullDocument");
    struct mr_node *config =
        mr_node_new(&event->reading->arena, MR_NODE_MAP, property(event, "DatabaseName"));

    put(event, config, "DatabaseName", property(event, "DatabaseName"));
    put(event, config, "CollectionName", mr_node_truthy(collection) ? collection : NULL);
    put(event, config, "FullDocument", mr_node_truthy(full) ? full : NULL);
    put(event, map, "DocumentDBEventSourceConfig", config);
}

static const char *
source_property(enum mr_template_source source)
{
    switch (source) {
    case MR_TEMPLATE_SQS:
        return "Queue";
    case MR_TEMPLATE_MQ:
        return "Broker";
    case MR_TEMPLATE_DOCUMENTDB:
        return "Cluster";
    case MR_TEMPLATE_SELF_MANAGED_KAFKA:
        return "";
    default:
        return "Stream";
    }
}

static const struct mr_node *
mapping_of(const struct mr_event *event)
{
    static const char *const same[] = {
        "StartingPosition",
        "StartingPositionTimestamp",
        "BatchSize",
        "Enabled",
        "MaximumBatchingWindowInSeconds",
        "MaximumRetryAttempts",
        "BisectBatchOnFunctionError",
        "MaximumRecordAgeInSeconds",
        "ParallelizationFactor",
        "Topics",
        "Queues",
        "SourceAccessConfigurations",
        "TumblingWindowInSeconds",
        "FunctionResponseTypes",
        "FilterCriteria",
        "KmsKeyArn",
        "ScalingConfig",
        "ProvisionedPollerConfig",
        "MetricsConfig",
        "LoggingConfig",
    };
    struct mr_arena *arena = &event->reading->arena;
    struct mr_node *map = mr_node_new(arena, MR_NODE_MAP, event->key);

    put(event, map, "FunctionName", event->target);
    put(event, map, "EventSourceArn", property(event, source_property(event->rule->source)));
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        put(event, map, same[i], property(event, same[i]));
    }
    const struct mr_node *servers = property(event, "KafkaBootstrapServers");
    if (mr_node_truthy(servers)) {
        put(event, map, "SelfManagedEventSource",
            mr_node_wrap(arena, "Endpoints",
                         mr_node_wrap(arena, "KafkaBootstrapServers", servers)));
    }
    put_kafka_config(event, map);
    const struct mr_node *destination = property(event, "DestinationConfig");
    if (mr_node_truthy(destination)) {
        put(event, map, "DestinationConfig", destination_of(event, destination));
    }
    if (event->rule->source == MR_TEMPLATE_DOCUMENTDB) {
        put_document_db_config(event, map);
    }
    return map;
}

void
mr_transform_pull_event(const struct mr_event *event)
{
    if (check(event)) {
        mr_draft_mapping(event, mr_event_id(event, ""), mapping_of(event));
    }
}
