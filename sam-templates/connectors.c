#include "sam-templates/transform.h"

/*
 * Connectors grant permissions, which nothing here needs: what they connect must be there,
 * and that is all that is looked at.
 */

static void
check_end(struct mr_reading *reading, const struct mr_node *end, const struct mr_path *path)
{
    const struct mr_node *id = mr_node_get(end, "Id");
    const struct mr_node *type = mr_node_get(end, "Type");

    if (!mr_node_is(end, MR_NODE_MAP)) {
        mr_reject(reading, end, path, "an end of a connector is a map with an Id or a Type");
    } else if (id == NULL) {
        if (mr_node_text(type).size == 0) {
            mr_reject(reading, end, path, "an end of a connector needs an Id or a Type");
        }
        return;
    }
    const struct mr_resource *resource =
        id == NULL ? NULL : mr_resource_find(reading, mr_node_text(id));
    if (id != NULL && (resource == NULL || resource->type.size == 0)) {
        struct mr_slice name = mr_node_text(id);
        mr_reject(reading, id, path, "there is no resource %.*s with a Type to connect",
                  (int)name.size, name.data == NULL ? "" : (const char *)name.data);
    }
}

static void
check_ends(struct mr_reading *reading, const struct mr_node *properties, bool embedded,
           const struct mr_path *path)
{
    const struct mr_node *destination = mr_node_get(properties, "Destination");
    if (!embedded) {
        check_end(reading, mr_node_get(properties, "Source"),
                  MR_PATH(path, MR_SLICE("Source")));
    }
    if (!mr_node_is(destination, MR_NODE_LIST)) {
        check_end(reading, destination, MR_PATH(path, MR_SLICE("Destination")));
        return;
    }
    if (destination->count == 0) {
        mr_reject(reading, destination, path, "Destination is an empty list");
    }
    for (size_t i = 0; i < destination->count; i++) {
        check_end(reading, destination->items[i], MR_PATH(path, MR_SLICE("Destination")));
    }
}

void
mr_check_connector(struct mr_reading *reading, const struct mr_resource *connector,
                   const struct mr_path *path)
{
    check_ends(reading, connector->properties, false, path);
}

void
mr_check_embedded_connectors(struct mr_reading *reading, const struct mr_resource *resource)
{
    const struct mr_node *connectors = mr_node_get(resource->node, "Connectors");
    const struct mr_path path = { MR_PATH(MR_PATH(NULL, MR_SLICE("Resources")), resource->id),
                                  MR_SLICE("Connectors"), 0 };
    if (connectors == NULL) {
        return;
    }
    if (connectors->kind != MR_NODE_MAP) {
        mr_reject(reading, connectors, &path, "Connectors must be a map");
        return;
    }
    for (size_t i = 0; i < connectors->count; i++) {
        const struct mr_node *properties =
            mr_node_get(connectors->pairs[i].value, "Properties");
        const struct mr_path here = {
            &path, mr_node_as_text(&reading->arena, connectors->pairs[i].key), 0
        };
        if (!mr_node_is(properties, MR_NODE_MAP)) {
            mr_reject(reading, connectors->pairs[i].key, &here,
                      "a connector is a map with Properties");
        } else if (mr_node_get(properties, "Permissions") == NULL) {
            mr_reject(reading, connectors->pairs[i].key, &here,
                      "a connector needs Permissions");
        } else {
            check_ends(reading, properties, true, &here);
        }
    }
}

/* --- mappings that wait for a permission --- */

/* Ref, or GetAtt with one attribute. */
static struct mr_slice
id_of(const struct mr_node *node)
{
    struct mr_slice rest = mr_node_text(mr_node_get(node, "Fn::GetAtt"));
    mr_slice_cut(&rest, '.');
    return mr_slice_find(rest, '.') >= 0 ? (struct mr_slice){ NULL, 0 } : mr_referred_id(node);
}

/* The only mapping between the two; NULL when there is none, or more than one. */
static struct mr_mapping_draft *
mapping_between(struct mr_reading *reading, struct mr_slice source, struct mr_slice function)
{
    struct mr_mapping_draft *found = NULL;
    for (size_t i = 0; i < reading->mapping_count; i++) {
        struct mr_mapping_draft *draft = &reading->drafts[i];
        if (mr_slice_eq(id_of(mr_node_get(draft->properties, "FunctionName")), function) &&
            mr_slice_eq(id_of(mr_node_get(draft->properties, "EventSourceArn")), source)) {
            if (found != NULL) {
                return NULL;
            }
            found = draft;
        }
    }
    return found;
}

/* DependsOn of `draft` with one more name, which stands for the connector's own. */
static void
depend(struct mr_reading *reading, struct mr_mapping_draft *draft, struct mr_slice connector,
       struct mr_slice on)
{
    struct mr_arena *arena = &reading->arena;
    const struct mr_node *old = mr_node_get(draft->attributes, "DependsOn");
    struct mr_node *list = mr_node_new(arena, MR_NODE_LIST, old);
    struct mr_node *attributes = mr_node_new(arena, MR_NODE_MAP, draft->attributes);

    if (mr_node_is(old, MR_NODE_STRING) && !mr_slice_eq(old->text, connector)) {
        mr_node_push(arena, list, old);
    }
    for (size_t i = 0; mr_node_is(old, MR_NODE_LIST) && i < old->count; i++) {
        if (!mr_slice_eq(mr_node_text(old->items[i]), connector)) {
            mr_node_push(arena, list, old->items[i]);
        }
    }
    mr_node_push(arena, list, mr_node_string(arena, on, NULL));
    for (size_t i = 0; i < draft->attributes->count; i++) {
        mr_node_put_pair(arena, attributes, draft->attributes->pairs[i].key,
                         draft->attributes->pairs[i].value);
    }
    mr_node_set(arena, attributes, "DependsOn", list);
    draft->attributes = attributes;
}

static bool
has_type(struct mr_reading *reading, struct mr_slice id, const char *const *types)
{
    const struct mr_resource *resource = mr_resource_find(reading, id);
    for (; resource != NULL && *types != NULL; types++) {
        if (mr_slice_is(resource->type, *types)) {
            return true;
        }
    }
    return false;
}

static void
connect_one(struct mr_reading *reading, struct mr_slice connector, struct mr_slice source,
            const struct mr_node *destination, const char *suffix)
{
    static const char *const polled[] = { "AWS::SQS::Queue", "AWS::DynamoDB::Table",
                                          "AWS::Serverless::SimpleTable", NULL };
    static const char *const functions[] = { "AWS::Serverless::Function",
                                             "AWS::Lambda::Function", NULL };
    struct mr_slice function = mr_node_text(mr_node_get(destination, "Id"));

    if (!has_type(reading, source, polled) || !has_type(reading, function, functions)) {
        return;
    }
    struct mr_mapping_draft *draft = mapping_between(reading, source, function);
    if (draft != NULL) {
        const char *policy =
            mr_arena_printf(&reading->arena, "%.*sPolicy%s", MR_SLICE_ARGS(connector), suffix);
        depend(reading, draft, connector, mr_slice_str(policy));
    }
}

static void
connect_all(struct mr_reading *reading, struct mr_slice connector, struct mr_slice source,
            const struct mr_node *properties)
{
    const struct mr_node *destination = mr_node_get(properties, "Destination");
    if (!mr_node_is(destination, MR_NODE_LIST)) {
        connect_one(reading, connector, source, destination, "");
        return;
    }
    for (size_t i = 0; i < destination->count && !mr_over_budget(reading); i++) {
        connect_one(reading, connector, source, destination->items[i],
                    mr_arena_printf(&reading->arena, "Destination%zu", i));
    }
}

void
mr_connect_mappings(struct mr_reading *reading)
{
    /* Each connector looks through all mappings: no real template comes near this. */
    size_t left = 1000;
    for (size_t i = 0; i < reading->resource_count && reading->mapping_count > 0; i++) {
        const struct mr_resource *resource = &reading->resources[i];
        const struct mr_node *embedded = mr_node_get(resource->node, "Connectors");
        if (mr_slice_is(resource->type, "AWS::Serverless::Connector") && left > 0) {
            const struct mr_node *source = mr_node_get(resource->properties, "Source");
            connect_all(reading, resource->id, mr_node_text(mr_node_get(source, "Id")),
                        resource->properties);
            left--;
        }
        for (size_t c = 0; mr_node_is(embedded, MR_NODE_MAP) && c < embedded->count && left > 0;
             c++, left--) {
            struct mr_slice name = mr_node_text(embedded->pairs[c].key);
            const char *id = mr_arena_printf(&reading->arena, "%.*s%.*s",
                                             MR_SLICE_ARGS(resource->id), MR_SLICE_ARGS(name));
            connect_all(reading, mr_slice_str(id), resource->id,
                        mr_node_get(embedded->pairs[c].value, "Properties"));
        }
    }
}
