#include <stdio.h>

#include "sam-templates/reading.h"
#include "sam-templates/suggestion.h"

static const char *const sections[] = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Globals",
    "Resources",
    "Outputs",
    "Hooks",
};

static void
check_section_names(struct mr_reading *reading)
{
    for (size_t i = 0; i < reading->root->count; i++) {
        const struct mr_node *key = reading->root->pairs[i].key;
        struct mr_slice name = mr_node_as_text(&reading->arena, key);
        struct mr_suggestion suggestion = mr_suggest(reading, name);
        bool known = false;
        char hint[160];
        for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
            known = known || mr_slice_is(name, sections[s]);
            mr_suggestion_offer(&suggestion, mr_slice_str(sections[s]));
        }
        if (!known) {
            mr_problem(reading, key, NULL, "%.*s is not a section of a template%s",
                       MR_SLICE_ARGS(name), mr_suggestion_text(&suggestion, hint));
        }
    }
}

static void
read_transform(struct mr_reading *reading, const struct mr_node *transform)
{
    if (transform == NULL) {
        return;
    }
    if (transform->kind == MR_NODE_LIST) {
        for (size_t i = 0; i < transform->count; i++) {
            read_transform(reading, transform->items[i]);
        }
        return;
    }
    struct mr_slice name = transform->kind == MR_NODE_MAP
                               ? mr_node_text(mr_node_get(transform, "Name"))
                               : mr_node_text(transform);
    if (mr_slice_is(name, "AWS::Serverless-2016-10-31")) {
        reading->is_sam = true;
    } else if (mr_slice_is(name, "AWS::LanguageExtensions")) {
        reading->has_language_extensions = true;
    } else {
        mr_warn(reading, transform, NULL,
                "the macro %.*s cannot run on this machine and is skipped",
                name.data == NULL ? 1 : (int)name.size,
                name.data == NULL ? "?" : (const char *)name.data);
    }
}

/* A section that is a map when it is there, NULL otherwise. */
static const struct mr_node *
map_section(struct mr_reading *reading, const char *name, bool reject)
{
    const struct mr_node *section = mr_node_get(reading->root, name);
    if (section == NULL || section->kind == MR_NODE_MAP) {
        return section;
    }
    const struct mr_path path = { NULL, mr_slice_str(name), 0 };
    if (reject) {
        mr_reject(reading, section, &path, "%s must be a map and not empty", name);
    } else {
        mr_problem(reading, section, &path,
                   "%s must be a map; leave the section out when it is "
                   "empty",
                   name);
    }
    return NULL;
}

bool
mr_read_sections(struct mr_reading *reading)
{
    const struct mr_node *root = reading->root;
    if (root->kind != MR_NODE_MAP) {
        mr_reject(reading, root, NULL, "a template is a map with a Resources section");
        return false;
    }
    check_section_names(reading);
    read_transform(reading, mr_node_get(root, "Transform"));

    const struct mr_node *version = mr_node_get(root, "AWSTemplateFormatVersion");
    if (version != NULL && !mr_node_is_text(version, "2010-09-09")) {
        mr_problem(reading, version, NULL, "AWSTemplateFormatVersion is always 2010-09-09");
    }
    reading->parameters_node = map_section(reading, "Parameters", false);
    reading->mappings = map_section(reading, "Mappings", true);
    reading->conditions_node = map_section(reading, "Conditions", false);
    reading->outputs = map_section(reading, "Outputs", false);
    reading->globals = mr_node_get(root, "Globals");
    reading->resources_node = mr_node_get(root, "Resources");
    if (!mr_node_is(reading->resources_node, MR_NODE_MAP) ||
        reading->resources_node->count == 0) {
        mr_reject(reading, reading->resources_node, NULL,
                  "the section Resources is required: a map with at least one resource");
        return false;
    }
    return true;
}

/* --- resources --- */

/* Types whose Properties the translator looks at before anything else. */
static bool
is_sam_type(struct mr_slice type)
{
    static const char *const names[] = { "Api",          "Function",     "SimpleTable",
                                         "Application",  "LayerVersion", "HttpApi",
                                         "WebSocketApi", "StateMachine", "CapacityProvider" };
    if (!mr_slice_starts_with(type, MR_SLICE("AWS::Serverless::"))) {
        return false;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (mr_slice_is(mr_slice_from(type, 17), names[i])) {
            return true;
        }
    }
    return false;
}

static void
read_resource(struct mr_reading *reading, const struct mr_node_pair *pair)
{
    struct mr_slice id = mr_node_as_text(&reading->arena, pair->key);
    const struct mr_path path = { MR_PATH(NULL, MR_SLICE("Resources")), id, 0 };

    if (pair->value->kind != MR_NODE_MAP) {
        mr_reject(reading, pair->key, &path,
                  "a resource must be a map with a Type; is the indentation right?");
        return;
    }
    struct mr_resource resource = {
        .id = id,
        .id_node = pair->key,
        .node = pair->value,
        .type = mr_node_text(mr_node_get(pair->value, "Type")),
        .ok = true,
        .present = true,
    };
    const struct mr_node *condition = mr_node_get(pair->value, "Condition");
    if (condition != NULL && condition->kind != MR_NODE_STRING && mr_node_truthy(condition)) {
        mr_reject(reading, condition, MR_PATH(&path, MR_SLICE("Condition")),
                  "Condition must be the name of a condition, a string");
        resource.ok = false;
    }
    resource.condition = mr_node_text(condition);

    const struct mr_node *properties = mr_node_get(pair->value, "Properties");
    if (properties != NULL && properties->kind != MR_NODE_MAP) {
        if (is_sam_type(resource.type)) {
            mr_reject(reading, properties, MR_PATH(&path, MR_SLICE("Properties")),
                      "Properties must be a map");
            resource.ok = false;
        } else if (properties->kind != MR_NODE_NULL) {
            mr_problem(reading, properties, MR_PATH(&path, MR_SLICE("Properties")),
                       "Properties must be a map");
        }
        properties = NULL;
    }
    resource.properties =
        properties != NULL ? properties : mr_node_new(&reading->arena, MR_NODE_MAP, pair->key);
    if (resource.type.data == NULL) {
        mr_problem(reading, pair->key, &path, "a resource needs a Type");
    }
    if (pair->key->kind == MR_NODE_STRING && !mr_is_alphanumeric(id)) {
        mr_problem(reading, pair->key, &path, "a logical ID has letters and digits only");
    }
    reading->resources =
        mr_grow(&reading->arena, reading->resources, reading->resource_count, sizeof(resource));
    mr_index_add(&reading->resource_index, &reading->arena, id, reading->resource_count);
    reading->resources[reading->resource_count++] = resource;
}

void
mr_read_resources(struct mr_reading *reading)
{
    bool serverless = false;
    for (size_t i = 0; i < reading->resources_node->count; i++) {
        read_resource(reading, &reading->resources_node->pairs[i]);
    }
    for (size_t i = 0; i < reading->resource_count; i++) {
        serverless = serverless || mr_slice_starts_with(reading->resources[i].type,
                                                        MR_SLICE("AWS::Serverless::"));
    }
    if (serverless && !reading->is_sam) {
        mr_warn(reading, reading->root, NULL,
                "AWS::Serverless types need `Transform: AWS::Serverless-2016-10-31` on AWS");
    }
}

struct mr_resource *
mr_resource_find(struct mr_reading *reading, struct mr_slice id)
{
    size_t at;
    return mr_index_find(&reading->resource_index, id, &at) ? &reading->resources[at] : NULL;
}

struct mr_resource *
mr_resource_add(struct mr_reading *reading, struct mr_slice id, const char *type,
                const struct mr_node *properties, const struct mr_resource *owner)
{
    struct mr_resource resource = {
        .id = id,
        .id_node = owner->id_node,
        .type = mr_slice_str(type),
        .properties = properties,
        .condition = owner->condition,
        .ok = true,
        .present = true,
    };
    if (!mr_index_add(&reading->resource_index, &reading->arena, id, reading->resource_count)) {
        return NULL;
    }
    reading->resources =
        mr_grow(&reading->arena, reading->resources, reading->resource_count, sizeof(resource));
    reading->resources[reading->resource_count] = resource;
    return &reading->resources[reading->resource_count++];
}

/* --- small questions --- */

bool
mr_is_intrinsic(const struct mr_node *node)
{
    if (!mr_node_is(node, MR_NODE_MAP) || node->count != 1) {
        return false;
    }
    struct mr_slice name = mr_node_text(node->pairs[0].key);
    return mr_slice_is(name, "Ref") || mr_slice_is(name, "Condition") ||
           mr_slice_starts_with(name, MR_SLICE("Fn::"));
}

bool
mr_is_no_value(const struct mr_node *node)
{
    return mr_node_is(node, MR_NODE_MAP) && node->count == 1 &&
           mr_node_is_text(mr_node_get(node, "Ref"), "AWS::NoValue");
}

bool
mr_is_alphanumeric(struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) {
            return false;
        }
    }
    return text.size > 0;
}
