#include "sam-templates/transform.h"

/*
 * The translator looks into SchemaRegistryURI to write an IAM policy, and what it looks
 * up on the way stays written: references to parameters with a default, and the region
 * and partition of its own session, below the outermost function. It is what it emits,
 * so it is level 1.
 */

static const struct mr_node *write_refs(struct mr_reading *reading, const struct mr_node *node);

/* What it knows under a name, or NULL. */
static const struct mr_node *
known(struct mr_reading *reading, struct mr_slice name)
{
    const struct mr_parameter_value *parameter = mr_parameter_find(reading, name);
    const char *region = reading->options.translator_region;

    if (parameter != NULL && !parameter->is_dummy) {
        return parameter->is_default ? mr_node_get(parameter->node, "Default")
                                     : parameter->value;
    }
    if (mr_slice_is(name, "AWS::Region")) {
        return mr_node_string(&reading->arena, mr_slice_str(region), NULL);
    }
    if (mr_slice_is(name, "AWS::Partition")) {
        return mr_node_string(&reading->arena, MR_SLICE("aws"), NULL);
    }
    return NULL;
}

static const struct mr_node *
write_into_text(struct mr_reading *reading, const struct mr_node *node)
{
    mr_auto_buf struct mr_buf out = { 0 };
    struct mr_slice text = node->text;

    for (size_t i = 0; i < text.size; i++) {
        bool opens = text.data[i] == '$' && i + 1 < text.size && text.data[i + 1] == '{';
        struct mr_slice rest = mr_slice_first(mr_slice_from(text, i + 2), 256);
        ptrdiff_t close = opens ? mr_slice_find(rest, '}') : -1;
        const struct mr_node *value =
            close < 0 ? NULL : known(reading, mr_slice_first(rest, (size_t)close));
        if (!mr_node_is(value, MR_NODE_STRING)) {
            mr_buf_append_byte(&out, text.data[i]);
            continue;
        }
        mr_buf_append_slice(&out, value->text);
        i += (size_t)close + 2;
    }
    return mr_node_string(&reading->arena, mr_arena_copy(&reading->arena, mr_buf_slice(&out)),
                          node);
}

/* The arguments of Fn::Sub: the text is the first of them, or the only one. */
static const struct mr_node *
write_sub(struct mr_reading *reading, const struct mr_node *arguments)
{
    if (arguments->kind == MR_NODE_STRING) {
        return write_into_text(reading, arguments);
    }
    struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, arguments);
    for (size_t i = 0; i < arguments->count && arguments->kind == MR_NODE_LIST; i++) {
        const struct mr_node *item = arguments->items[i];
        mr_node_push(&reading->arena, list,
                     i == 0 && item->kind == MR_NODE_STRING ? write_into_text(reading, item)
                                                            : write_refs(reading, item));
    }
    return arguments->kind == MR_NODE_LIST ? list : arguments;
}

/* The values of a map or list, each written. */
static const struct mr_node *
write_values(struct mr_reading *reading, const struct mr_node *node)
{
    struct mr_node *copy = mr_node_new(&reading->arena, node->kind, node);
    for (size_t i = 0; i < node->count && node->kind == MR_NODE_LIST; i++) {
        mr_node_push(&reading->arena, copy, write_refs(reading, node->items[i]));
    }
    for (size_t i = 0; i < node->count && node->kind == MR_NODE_MAP; i++) {
        const struct mr_node *value = node->pairs[i].value;
        bool sub = node->count == 1 && mr_node_is_text(node->pairs[i].key, "Fn::Sub");
        mr_node_put_pair(&reading->arena, copy, node->pairs[i].key,
                         sub ? write_sub(reading, value) : write_refs(reading, value));
    }
    return copy;
}

static const struct mr_node *
write_refs(struct mr_reading *reading, const struct mr_node *node)
{
    if (mr_over_budget(reading) || (node->kind != MR_NODE_LIST && node->kind != MR_NODE_MAP)) {
        return node;
    }
    if (mr_is_intrinsic(node) && mr_node_is_text(node->pairs[0].key, "Ref")) {
        const struct mr_node *value = known(reading, mr_node_text(node->pairs[0].value));
        return value != NULL ? value : node;
    }
    return write_values(reading, node);
}

const struct mr_node *
mr_translator_refs(struct mr_reading *reading, const struct mr_node *uri)
{
    if (!mr_is_intrinsic(uri)) {
        return uri;
    }
    const struct mr_node *arguments = uri->pairs[0].value;
    bool is_sub = mr_node_is_text(uri->pairs[0].key, "Fn::Sub");
    bool is_ref = mr_is_intrinsic(arguments) && mr_node_get(arguments, "Ref") != NULL;

    if ((arguments->kind != MR_NODE_LIST && arguments->kind != MR_NODE_MAP) || is_ref) {
        return uri;
    }
    struct mr_node *copy = mr_node_new(&reading->arena, MR_NODE_MAP, uri);
    mr_node_put_pair(&reading->arena, copy, uri->pairs[0].key,
                     is_sub ? write_sub(reading, arguments) : write_values(reading, arguments));
    return copy;
}
