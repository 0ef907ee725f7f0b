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
