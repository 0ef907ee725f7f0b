#include "sam-templates/reading.h"

/*
 * Two mistakes that are looked for in the whole template, also where its values mean
 * nothing to us: Fn::Sub of a parameter that is a list, and Fn::FindInMap in a mapping
 * that is not a map of maps.
 */

static bool
is_name(struct mr_slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] != '.' && !mr_is_alphanumeric(mr_slice_of(name.data + i, 1))) {
            return false;
        }
    }
    return name.size > 0;
}

static void
check_sub(struct mr_reading *reading, const struct mr_node *at, const struct mr_node *arguments)
{
    const struct mr_node *text = arguments;
    const struct mr_node *variables = NULL;
    if (arguments->kind == MR_NODE_LIST && arguments->count > 0) {
        text = arguments->items[0];
        variables = arguments->count > 1 ? arguments->items[1] : NULL;
    }
    struct mr_slice rest = mr_node_text(text);
    while (rest.data != NULL) {
        mr_slice_cut(&rest, '$');
        if (rest.size < 2 || rest.data[0] != '{') {
            continue;
        }
        ptrdiff_t close = mr_slice_find(mr_slice_first(rest, 300), '}');
        struct mr_slice name =
            close < 0 ? MR_SLICE("") : mr_slice_of(rest.data + 1, (size_t)close - 1);
        const struct mr_parameter_value *parameter =
            is_name(name) ? mr_parameter_find(reading, name) : NULL;
        const struct mr_node *given =
            parameter == NULL ? NULL : mr_node_get(parameter->node, "Default");
        if (mr_node_is(given, MR_NODE_LIST) && parameter->is_default &&
            mr_node_find(variables, name) == NULL) {
            mr_reject(reading, at, NULL,
                      "Fn::Sub: ${%.*s} is a list, and Fn::Sub takes strings",
                      MR_SLICE_ARGS(name));
        }
    }
}

static void
check_find_in_map(struct mr_reading *reading, const struct mr_node *at,
                  const struct mr_node *arguments)
{
    if (arguments->kind != MR_NODE_LIST || arguments->count < 3 || arguments->count > 4) {
        mr_reject(reading, at, NULL, "Fn::FindInMap takes a mapping and two keys");
        return;
    }
    const struct mr_node *name = mr_parameter_of(reading, arguments->items[0]);
    const struct mr_node *map = mr_node_find(reading->mappings, mr_node_text(name));
    bool two_level = map == NULL || map->kind == MR_NODE_MAP;
    for (size_t i = 0; two_level && map != NULL && i < map->count; i++) {
        two_level = map->pairs[i].value->kind == MR_NODE_MAP;
    }
    if (!two_level) {
        mr_reject(reading, at, NULL, "the mapping %.*s is not a map of maps",
                  MR_SLICE_ARGS(name->text));
    }
}

static void
walk(struct mr_reading *reading, const struct mr_node *node)
{
    if (node->kind == MR_NODE_LIST) {
        for (size_t i = 0; i < node->count; i++) {
            walk(reading, node->items[i]);
        }
        return;
    }
    for (size_t i = 0; node->kind == MR_NODE_MAP && i < node->count; i++) {
        const struct mr_node_pair *pair = &node->pairs[i];
        if (node->count == 1 && mr_node_is_text(pair->key, "Fn::Sub")) {
            check_sub(reading, node, pair->value);
        } else if (node->count == 1 && mr_node_is_text(pair->key, "Fn::FindInMap")) {
            check_find_in_map(reading, node, pair->value);
        }
        walk(reading, pair->value);
    }
}

void
mr_check_everywhere(struct mr_reading *reading)
{
    walk(reading, reading->resources_node);
}
