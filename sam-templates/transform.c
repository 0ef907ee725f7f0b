#include "sam-templates/transform.h"

#include <stdio.h>

#include "sam-templates/suggestion.h"

struct mr_slice
mr_event_id(const struct mr_event *event, const char *suffix)
{
    return mr_slice_str(mr_arena_printf(&event->reading->arena, "%.*s%.*s%s",
                                        MR_SLICE_ARGS(event->function_id),
                                        MR_SLICE_ARGS(event->name), suffix));
}

struct mr_slice
mr_referred_id(const struct mr_node *node)
{
    const struct mr_node *ref = mr_node_get(node, "Ref");
    const struct mr_node *att = mr_node_get(node, "Fn::GetAtt");
    if (!mr_is_intrinsic(node)) {
        return (struct mr_slice){ NULL, 0 };
    }
    if (mr_node_is(ref, MR_NODE_STRING)) {
        return ref->text;
    }
    if (mr_node_is(att, MR_NODE_LIST) && att->count == 2) {
        return mr_node_text(att->items[0]);
    }
    struct mr_slice rest = mr_node_text(att);
    return mr_slice_cut(&rest, '.');
}

/* --- drafts --- */

/* The attributes of a resource that go to what it becomes. */
static const struct mr_node *
attributes_of(struct mr_reading *reading, const struct mr_node *resource)
{
    static const char *const names[] = { "Condition", "DeletionPolicy", "UpdateReplacePolicy" };
    struct mr_node *map = mr_node_new(&reading->arena, MR_NODE_MAP, resource);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct mr_node *value = mr_node_get(resource, names[i]);
        if (value != NULL) {
            mr_node_set(&reading->arena, map, names[i], value);
        }
    }
    return map;
}

/* The same of a mapping of its own. */
static const struct mr_node *
with_depends_on(struct mr_reading *reading, const struct mr_node *resource)
{
    const struct mr_node *depends_on = mr_node_get(resource, "DependsOn");
    const struct mr_node *attributes = attributes_of(reading, resource);
    if (depends_on == NULL) {
        return attributes;
    }
    struct mr_node *more = mr_node_new(&reading->arena, MR_NODE_MAP, resource);
    mr_node_set(&reading->arena, more, "DependsOn", depends_on);
    for (size_t i = 0; i < attributes->count; i++) {
        mr_node_put_pair(&reading->arena, more, attributes->pairs[i].key,
                         attributes->pairs[i].value);
    }
    return more;
}

static void
keep_draft(struct mr_reading *reading, const struct mr_mapping_draft *draft)
{
    reading->drafts =
        mr_grow(&reading->arena, reading->drafts, reading->mapping_count, sizeof(*draft));
    reading->drafts[reading->mapping_count++] = *draft;
}

void
mr_draft_mapping(const struct mr_event *event, struct mr_slice id,
                 const struct mr_node *properties)
{
    struct mr_reading *reading = event->reading;
    if (mr_resource_add(reading, id, "AWS::Lambda::EventSourceMapping", properties,
                        event->function) == NULL) {
        mr_reject(reading, event->key, event->path,
                  "the mapping of this event would be a second resource %.*s",
                  MR_SLICE_ARGS(id));
        return;
    }
    keep_draft(reading, &(struct mr_mapping_draft){
                            .id = id,
                            .at = event->key,
                            .event_name = event->name,
                            .properties = properties,
                            .attributes = attributes_of(reading, event->function->node),
                            .condition = event->function->condition,
                            .path = mr_path_text(reading, event->path),
                            .source = event->rule->source,
                        });
}

/* AWS::Lambda::EventSourceMapping as it stands in the template. */
static void
draft_plain(struct mr_reading *reading, const struct mr_resource *resource)
{
    const struct mr_path path = { MR_PATH(NULL, MR_SLICE("Resources")), resource->id, 0 };
    keep_draft(reading, &(struct mr_mapping_draft){
                            .id = resource->id,
                            .at = resource->id_node,
                            .properties = resource->properties,
                            .attributes = with_depends_on(reading, resource->node),
                            .condition = resource->condition,
                            .path = mr_path_text(reading, &path),
                            .source = MR_TEMPLATE_UNKNOWN_SOURCE,
                        });
}

/* --- events --- */

static void
reject_event_type(const struct mr_event *event, const struct mr_node *body)
{
    const struct mr_node *type = mr_node_get(body, "Type");
    struct mr_slice name = mr_node_text(type);
    struct mr_suggestion suggestion = mr_suggest(event->reading, name);
    const struct mr_event_rule *rule;
    char hint[160];

    if (name.data == NULL) {
        mr_reject(event->reading, body, event->path, "an event is a map with a Type, a string");
        return;
    }
    for (size_t i = 0; (rule = mr_event_rule_at(i)) != NULL; i++) {
        mr_suggestion_offer(&suggestion, mr_slice_str(rule->type));
    }
    mr_reject(event->reading, type, MR_PATH(event->path, MR_SLICE("Type")),
              "there is no event type %.*s%s", MR_SLICE_ARGS(name),
              mr_suggestion_text(&suggestion, hint));
}

static bool
check_event(struct mr_event *event, const struct mr_node *body)
{
    const struct mr_path properties = { event->path, MR_SLICE("Properties"), 0 };

    event->rule = mr_event_rule_find(mr_node_text(mr_node_get(body, "Type")));
    if (event->rule == NULL) {
        reject_event_type(event, body);
        return false;
    }
    if (event->key->kind != MR_NODE_STRING || !mr_is_alphanumeric(event->name)) {
        mr_reject(event->reading, event->key, event->path,
                  "an event's name has letters and digits only");
        return false;
    }
    event->properties = mr_node_get(body, "Properties");
    if (event->properties == NULL) {
        event->properties = mr_node_new(&event->reading->arena, MR_NODE_MAP, event->key);
    }
    if (event->properties->kind != MR_NODE_MAP) {
        mr_reject(event->reading, event->properties, &properties, "Properties must be a map");
        return false;
    }
    char what[64];
    snprintf(what, sizeof(what), "an event of type %s", event->rule->type);
    return mr_check_properties(event->reading, event->properties, event->rule->properties,
                               event->rule->more_properties, what, event->key, &properties);
}

static void
transform_event(struct mr_event *event, const struct mr_node *body)
{
    if (!check_event(event, body)) {
        return;
    }
    switch (event->rule->kind) {
    case MR_EVENT_PULL:
        mr_transform_pull_event(event);
        break;
    case MR_EVENT_SNS:
        mr_transform_sns_event(event);
        break;
    case MR_EVENT_PUSH:
        mr_check_push_event(event);
        break;
    }
}

/* --- functions --- */

static const struct mr_node *
ref_to(struct mr_reading *reading, struct mr_slice id, const struct mr_node *at)
{
    struct mr_node *name = mr_node_string(&reading->arena, id, at);
    return mr_node_wrap(&reading->arena, "Ref", name);
}

static void
add_or_reject(struct mr_reading *reading, const struct mr_resource *function,
              struct mr_slice id, const char *type, const struct mr_node *properties,
              const char *why)
{
    if (mr_resource_add(reading, id, type, properties, function) == NULL) {
        mr_reject(reading, function->id_node, NULL,
                  "%s of %.*s would be a second resource %.*s", why,
                  MR_SLICE_ARGS(function->id), MR_SLICE_ARGS(id));
    }
}

/* `-` and `_` have no place in a logical ID. */
struct mr_slice
mr_alias_id(struct mr_reading *reading, struct mr_slice function_id, struct mr_slice alias)
{
    mr_auto_buf struct mr_buf id = { 0 };
    mr_buf_append_slice(&id, function_id);
    mr_buf_append_str(&id, "Alias");
    for (size_t i = 0; i < alias.size; i++) {
        uint8_t c = alias.data[i];
        mr_buf_append_byte(&id, c == '-' ? 'D' : c == '_' ? 'U' : c);
    }
    return mr_arena_copy(&reading->arena, mr_buf_slice(&id));
}

/* What mappings of this function call: {Ref: Fn}, or its alias, which is made here. */
static const struct mr_node *
target_of(struct mr_reading *reading, const struct mr_resource *function)
{
    const struct mr_node *given = mr_node_get(function->properties, "AutoPublishAlias");
    const struct mr_node *alias = mr_parameter_of(reading, given);
    if (!mr_node_truthy(given) || !mr_node_is(alias, MR_NODE_STRING)) {
        return ref_to(reading, function->id, NULL);
    }
    struct mr_slice id = mr_alias_id(reading, function->id, alias->text);
    struct mr_node *properties = mr_node_new(&reading->arena, MR_NODE_MAP, given);
    mr_node_set(&reading->arena, properties, "FunctionName",
                ref_to(reading, function->id, given));
    mr_node_set(&reading->arena, properties, "Name", alias);
    add_or_reject(reading, function, id, "AWS::Lambda::Alias", properties, "the alias");
    return ref_to(reading, id, NULL);
}

/* A role is made when the function names none. */
static void
add_role(struct mr_reading *reading, const struct mr_resource *function)
{
    const struct mr_node *role = mr_node_get(function->properties, "Role");
    if (role != NULL && role->kind != MR_NODE_NULL) {
        return;
    }
    struct mr_slice id =
        mr_slice_str(mr_arena_printf(&reading->arena, "%.*sRole", MR_SLICE_ARGS(function->id)));
    add_or_reject(reading, function, id, "AWS::IAM::Role",
                  mr_node_new(&reading->arena, MR_NODE_MAP, function->id_node), "the role");
}

/* Not given, or under a condition not given. */
static bool
may_be_missing(const struct mr_node *destination)
{
    const struct mr_node *choice = mr_node_get(destination, "Fn::If");
    return destination == NULL ||
           (mr_node_is(choice, MR_NODE_LIST) && choice->count == 3 &&
            (mr_is_no_value(choice->items[1]) || mr_is_no_value(choice->items[2])));
}

/* The queue or topic of an EventInvokeConfig destination that names none. */
static void
add_invoke_destination(struct mr_reading *reading, const struct mr_resource *function,
                       const char *which)
{
    const struct mr_node *config =
        mr_node_get(mr_node_get(mr_node_get(function->properties, "EventInvokeConfig"),
                                "DestinationConfig"),
                    which);
    const struct mr_node *type = mr_parameter_of(reading, mr_node_get(config, "Type"));
    bool is_queue = mr_node_is_text(type, "SQS");

    if (!may_be_missing(mr_node_get(config, "Destination")) ||
        (!is_queue && !mr_node_is_text(type, "SNS"))) {
        return;
    }
    struct mr_slice id = mr_slice_str(
        mr_arena_printf(&reading->arena, "%.*sEventInvokeConfig%s%s",
                        MR_SLICE_ARGS(function->id), which, is_queue ? "Queue" : "Topic"));
    mr_resource_add(reading, id, is_queue ? "AWS::SQS::Queue" : "AWS::SNS::Topic",
                    mr_node_new(&reading->arena, MR_NODE_MAP, config), function);
}

static void
transform_events(struct mr_reading *reading, const struct mr_resource *function,
                 const struct mr_node *target, const struct mr_path *path)
{
    const struct mr_node *events = mr_node_get(function->properties, "Events");
    const struct mr_path section = { path, MR_SLICE("Events"), 0 };

    if (!mr_node_truthy(events) || events->kind != MR_NODE_MAP) {
        return;
    }
    for (size_t i = 0; i < events->count && !mr_over_budget(reading); i++) {
        struct mr_slice name = mr_node_as_text(&reading->arena, events->pairs[i].key);
        const struct mr_path event_path = { &section, name, 0 };
        struct mr_event event = {
            .reading = reading,
            .function_id = function->id,
            .function = function,
            .target = target,
            .key = events->pairs[i].key,
            .name = name,
            .path = &event_path,
        };
        transform_event(&event, events->pairs[i].value);
    }
}

void
mr_transform_function(struct mr_reading *reading, size_t resource_at)
{
    /* A copy: the table grows while the function's parts are added to it. */
    const struct mr_resource function = reading->resources[resource_at];
    const struct mr_path path = { MR_PATH(MR_PATH(NULL, MR_SLICE("Resources")), function.id),
                                  MR_SLICE("Properties"), 0 };
    if (!mr_check_function_configs(reading, &function, &path)) {
        reading->resources[resource_at].ok = false;
        return;
    }
    const struct mr_node *target = target_of(reading, &function);
    add_role(reading, &function);
    add_invoke_destination(reading, &function, "OnSuccess");
    add_invoke_destination(reading, &function, "OnFailure");
    transform_events(reading, &function, target, &path);
}

/* --- all resources --- */

static void
check_simple_table(struct mr_reading *reading, const struct mr_resource *table,
                   const struct mr_path *path)
{
    const struct mr_node *key = mr_node_get(table->properties, "PrimaryKey");
    const struct mr_node *name = mr_node_get(key, "Name");
    const struct mr_node *type = mr_node_get(key, "Type");

    if (!mr_node_truthy(key)) {
        return;
    }
    if (name == NULL || name->kind == MR_NODE_NULL) {
        mr_reject(reading, key, path, "PrimaryKey needs a Name");
    } else if (type == NULL || type->kind == MR_NODE_NULL) {
        mr_reject(reading, key, path, "PrimaryKey needs a Type");
    } else if (!mr_node_is_text(type, "String") && !mr_node_is_text(type, "Number") &&
               !mr_node_is_text(type, "Binary")) {
        mr_reject(reading, type, path, "PrimaryKey.Type is String, Number or Binary");
    }
}

static void
check_layer(struct mr_reading *reading, const struct mr_resource *layer,
            const struct mr_path *path)
{
    const struct mr_node *retention =
        mr_parameter_of(reading, mr_node_get(layer->properties, "RetentionPolicy"));
    const struct mr_node *architectures =
        mr_node_get(layer->properties, "CompatibleArchitectures");
    const struct mr_node *content = mr_node_get(layer->properties, "ContentUri");

    if (mr_node_is(content, MR_NODE_MAP) && !mr_is_intrinsic(content) &&
        (!mr_node_truthy(mr_node_get(content, "Bucket")) ||
         !mr_node_truthy(mr_node_get(content, "Key")))) {
        mr_reject(reading, content, path, "ContentUri needs both Bucket and Key");
    }
    if (retention != NULL && retention->kind != MR_NODE_NULL &&
        !mr_slice_eq_nocase(mr_node_text(retention), MR_SLICE("Retain")) &&
        !mr_slice_eq_nocase(mr_node_text(retention), MR_SLICE("Delete"))) {
        mr_reject(reading, retention, path, "RetentionPolicy is Retain or Delete");
    }
    for (size_t i = 0; mr_node_is(architectures, MR_NODE_LIST) && i < architectures->count;
         i++) {
        const struct mr_node *one = architectures->items[i];
        if (!mr_is_intrinsic(one) && !mr_node_is_text(one, "x86_64") &&
            !mr_node_is_text(one, "arm64")) {
            mr_reject(reading, one, path, "CompatibleArchitectures are x86_64 and arm64");
        }
    }
}

/* A state machine's events make queues as a function's do. */
static void
add_state_machine_queues(struct mr_reading *reading, const struct mr_resource *machine)
{
    const struct mr_node *events = mr_node_get(machine->properties, "Events");
    for (size_t i = 0; mr_node_is(events, MR_NODE_MAP) && i < events->count; i++) {
        struct mr_slice name = mr_node_text(events->pairs[i].key);
        const char *id = mr_arena_printf(&reading->arena, "%.*s%.*sQueue",
                                         MR_SLICE_ARGS(machine->id), MR_SLICE_ARGS(name));
        mr_add_dead_letter_queue(reading, machine,
                                 mr_node_get(events->pairs[i].value, "Properties"),
                                 mr_slice_str(id));
    }
}

static void
check_resource(struct mr_reading *reading, size_t at)
{
    const struct mr_resource resource = reading->resources[at];
    const struct mr_property_rule *rules = mr_resource_rules(resource.type);
    const struct mr_path path = { MR_PATH(MR_PATH(NULL, MR_SLICE("Resources")), resource.id),
                                  MR_SLICE("Properties"), 0 };
    bool serverless = mr_slice_starts_with(resource.type, MR_SLICE("AWS::Serverless::"));
    char what[80];

    mr_check_embedded_connectors(reading, &resource);
    if (mr_slice_is(resource.type, "AWS::Lambda::EventSourceMapping")) {
        draft_plain(reading, &resource);
    }
    if (serverless &&
        (resource.id_node->kind != MR_NODE_STRING || !mr_is_alphanumeric(resource.id))) {
        mr_reject(reading, resource.id_node, &path, "a logical ID has letters and digits only");
        return;
    }
    if (rules == NULL || !resource.ok) {
        return;
    }
    snprintf(what, sizeof(what), "a resource of type %.*s", MR_SLICE_ARGS(resource.type));
    if (!mr_check_properties(reading, resource.properties, rules, NULL, what, resource.id_node,
                             &path)) {
        reading->resources[at].ok = false;
        return;
    }
    if (mr_slice_is(resource.type, "AWS::Serverless::Function")) {
        mr_transform_function(reading, at);
    } else if (mr_slice_is(resource.type, "AWS::Serverless::SimpleTable")) {
        check_simple_table(reading, &resource, &path);
    } else if (mr_slice_is(resource.type, "AWS::Serverless::LayerVersion")) {
        check_layer(reading, &resource, &path);
    } else if (mr_slice_is(resource.type, "AWS::Serverless::StateMachine")) {
        add_state_machine_queues(reading, &resource);
    } else if (mr_slice_is(resource.type, "AWS::Serverless::Connector")) {
        mr_check_connector(reading, &resource, &path);
    }
}

void
mr_check_resources(struct mr_reading *reading)
{
    size_t count = reading->resource_count; /* those SAM makes come behind */
    for (size_t i = 0; i < count && !mr_over_budget(reading); i++) {
        check_resource(reading, i);
    }
    for (size_t i = 0; i < reading->mapping_count && !mr_over_budget(reading); i++) {
        struct mr_mapping_draft *draft = &reading->drafts[i];
        draft->properties = mr_part_refs(reading, draft->properties);
    }
    mr_connect_mappings(reading);
}
