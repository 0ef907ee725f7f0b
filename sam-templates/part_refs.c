#include "sam-templates/transform.h"

/* {Ref: Fn.Alias} */
static const struct mr_node *
ref(struct mr_reading *reading, const struct mr_node *node)
{
    struct mr_slice name = mr_node_text(node->pairs[0].value), rest;
    const struct mr_resource *part =
        mr_slice_find(name, '.') < 0 ? NULL : mr_part_of(reading, name, &rest);
    if (part == NULL || rest.data != NULL) {
        return node;
    }
    return mr_node_wrap(&reading->arena, "Ref",
                        mr_node_string(&reading->arena, part->id, node));
}

/* {Fn::GetAtt: [Fn, Alias.Name]} or [Fn.Alias, Name] */
static const struct mr_node *
get_att(struct mr_reading *reading, const struct mr_node *node)
{
    const struct mr_node *given = node->pairs[0].value;
    mr_auto_buf struct mr_buf joined = { 0 };
    struct mr_slice rest;

    if (given->kind != MR_NODE_LIST || given->count < 2) {
        return node;
    }
    for (size_t i = 0; i < given->count; i++) {
        if (given->items[i]->kind != MR_NODE_STRING) {
            return node;
        }
        mr_buf_append_str(&joined, i > 0 ? "." : "");
        mr_buf_append_slice(&joined, given->items[i]->text);
    }
    struct mr_slice name = mr_arena_copy(&reading->arena, mr_buf_slice(&joined));
    const struct mr_resource *part = mr_part_of(reading, name, &rest);
    if (part == NULL) {
        return node;
    }
    struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, given);
    mr_node_push(&reading->arena, list, mr_node_string(&reading->arena, part->id, given));
    while (rest.data != NULL) {
        mr_node_push(&reading->arena, list,
                     mr_node_string(&reading->arena, mr_slice_cut(&rest, '.'), given));
    }
    return mr_node_wrap(&reading->arena, "Fn::GetAtt", list);
}

/* ${Fn.Alias} and ${Fn.Alias.Name} in a text */
static const struct mr_node *
text(struct mr_reading *reading, const struct mr_node *node)
{
    mr_auto_buf struct mr_buf out = { 0 };
    struct mr_slice given = mr_node_text(node), rest;
    bool changed = false;

    for (size_t i = 0; i < given.size; i++) {
        struct mr_slice behind = mr_slice_first(mr_slice_from(given, i + 2), 256);
        bool opens = given.data[i] == '$' && i + 1 < given.size && given.data[i + 1] == '{';
        ptrdiff_t close = opens ? mr_slice_find(behind, '}') : -1;
        struct mr_slice name = mr_slice_first(behind, close < 0 ? 0 : (size_t)close);
        const struct mr_resource *part =
            mr_slice_find(name, '.') < 0 ? NULL : mr_part_of(reading, name, &rest);
        if (part == NULL) {
            mr_buf_append_byte(&out, given.data[i]);
            continue;
        }
        mr_buf_printf(&out, "${%.*s%s%.*s}", MR_SLICE_ARGS(part->id),
                      rest.data == NULL ? "" : ".", (int)rest.size,
                      rest.data == NULL ? "" : (const char *)rest.data);
        i += (size_t)close + 2;
        changed = true;
    }
    return changed ? mr_node_string(&reading->arena,
                                    mr_arena_copy(&reading->arena, mr_buf_slice(&out)), node)
                   : node;
}

static const struct mr_node *
each(struct mr_reading *reading, const struct mr_node *node)
{
    bool is_list = node->kind == MR_NODE_LIST;
    struct mr_node *copy = mr_node_new(&reading->arena, node->kind, node);
    bool changed = false;

    for (size_t i = 0; i < node->count; i++) {
        const struct mr_node *old = is_list ? node->items[i] : node->pairs[i].value;
        const struct mr_node *new = mr_part_refs(reading, old);
        changed = changed || new != old;
        if (is_list) {
            mr_node_push(&reading->arena, copy, new);
        } else {
            mr_node_put_pair(&reading->arena, copy, node->pairs[i].key, new);
        }
    }
    return changed ? copy : node;
}

const struct mr_node *
mr_part_refs(struct mr_reading *reading, const struct mr_node *node)
{
    if ((node->kind != MR_NODE_LIST && node->kind != MR_NODE_MAP) || mr_over_budget(reading)) {
        return node;
    }
    if (node->kind == MR_NODE_MAP && node->count == 1) {
        const struct mr_node *key = node->pairs[0].key;
        if (mr_node_is_text(key, "Ref")) {
            return ref(reading, node);
        }
        if (mr_node_is_text(key, "Fn::GetAtt")) {
            return get_att(reading, node);
        }
        if (mr_node_is_text(key, "Fn::Sub") && node->pairs[0].value->kind == MR_NODE_STRING) {
            const struct mr_node *old = node->pairs[0].value;
            const struct mr_node *new = text(reading, old);
            return new == old ? node : mr_node_wrap(&reading->arena, "Fn::Sub", new);
        }
    }
    return each(reading, node);
}
