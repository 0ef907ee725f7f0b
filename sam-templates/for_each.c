#include <stdio.h>
#include <string.h>

#include "sam-templates/reading.h"

/*
 * Fn::ForEach of AWS::LanguageExtensions:
 *
 *     Fn::ForEach::Name:
 *       - Letter
 *       - [A, B]
 *       - Queue${Letter}: { Type: AWS::SQS::Queue }
 *
 * is replaced by one copy of the third element's pairs for each value. ${Letter}
 * stands for the value, &{Letter} for its letters and digits alone.
 */
struct variable {
    const struct variable *outer;
    struct mr_slice name, value;
};

static const char prefix[] = "Fn::ForEach::";

static const struct mr_node *expand(struct mr_reading *reading, const struct mr_node *node,
                                    const struct variable *variables);

static const struct variable *
find(const struct variable *variables, struct mr_slice name)
{
    for (; variables != NULL; variables = variables->outer) {
        if (mr_slice_eq(variables->name, name)) {
            return variables;
        }
    }
    return NULL;
}

static void
append_letters(struct mr_buf *out, struct mr_slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (mr_is_alphanumeric(mr_slice_of(value.data + i, 1))) {
            mr_buf_append_byte(out, value.data[i]);
        }
    }
}

static struct mr_slice
substitute(struct mr_reading *reading, struct mr_slice text, const struct variable *variables)
{
    mr_auto_buf struct mr_buf out = { 0 };
    for (size_t i = 0; i < text.size; i++) {
        bool opens = (text.data[i] == '$' || text.data[i] == '&') && i + 1 < text.size &&
                     text.data[i + 1] == '{';
        struct mr_slice rest = mr_slice_from(text, i + 2);
        ptrdiff_t close = opens ? mr_slice_find(mr_slice_first(rest, 256), '}') : -1;
        const struct variable *variable =
            close < 0 ? NULL : find(variables, mr_slice_first(rest, (size_t)close));
        if (variable == NULL) {
            mr_buf_append_byte(&out, text.data[i]);
            continue;
        }
        if (text.data[i] == '$') {
            mr_buf_append_slice(&out, variable->value);
        } else {
            append_letters(&out, variable->value);
        }
        i += (size_t)close + 2;
    }
    return mr_arena_copy(&reading->arena, mr_buf_slice(&out));
}

static const struct mr_node *
expand_text(struct mr_reading *reading, const struct mr_node *node,
            const struct variable *variables)
{
    if (node->kind != MR_NODE_STRING || variables == NULL ||
        (mr_slice_find(node->text, '$') < 0 && mr_slice_find(node->text, '&') < 0)) {
        return node;
    }
    return mr_node_string(&reading->arena, substitute(reading, node->text, variables), node);
}

/* The values to go through: a list, or a Ref to a list parameter. */
static const struct mr_node *
collection_of(struct mr_reading *reading, const struct mr_node *node,
              const struct variable *variables)
{
    const struct mr_node *list = mr_parameter_of(reading, expand(reading, node, variables));
    if (mr_node_is(list, MR_NODE_LIST)) {
        return list;
    }
    mr_reject(reading, node, NULL,
              "Fn::ForEach goes through a list, or a Ref to a parameter that is a list");
    return NULL;
}

/* A map that is being written, and the keys it has. */
struct writing {
    struct mr_node *map;
    struct mr_index keys;
};

static void
put(struct mr_reading *reading, struct writing *out, const struct mr_node *key,
    const struct mr_node *value)
{
    struct mr_slice name = mr_node_as_text(&reading->arena, key);
    if (!mr_index_add(&out->keys, &reading->arena, name, 0)) {
        mr_reject(reading, key, NULL, "Fn::ForEach makes %.*s twice", (int)name.size,
                  name.data == NULL ? "" : (const char *)name.data);
        return;
    }
    mr_node_put_pair(&reading->arena, out->map, key, value);
}

/* More than any template may have: whoever wrote out so much can stop. */
static bool
is_too_much(struct mr_reading *reading, const struct writing *out)
{
    return out->map->weight > MR_NODE_MAX_WEIGHT || mr_over_budget(reading);
}

static void
write_out(struct mr_reading *reading, struct writing *out, const struct mr_node *loop,
          const struct variable *variables)
{
    struct mr_slice name = loop->kind == MR_NODE_LIST && loop->count == 3
                               ? mr_node_text(loop->items[0])
                               : (struct mr_slice){ NULL, 0 };
    if (name.data == NULL || loop->items[2]->kind != MR_NODE_MAP) {
        mr_reject(reading, loop, NULL,
                  "Fn::ForEach takes a variable's name, a list of values and a map");
        return;
    }
    const struct mr_node *values = collection_of(reading, loop->items[1], variables);
    for (size_t i = 0; values != NULL && i < values->count && !is_too_much(reading, out); i++) {
        struct mr_slice value = mr_node_as_text(&reading->arena, values->items[i]);
        const struct variable inner = { variables, name, value };
        if (value.data == NULL) {
            mr_reject(reading, values->items[i], NULL, "Fn::ForEach goes through strings");
            return;
        }
        const struct mr_node *made = expand(reading, loop->items[2], &inner);
        for (size_t p = 0; p < made->count; p++) {
            put(reading, out, made->pairs[p].key, made->pairs[p].value);
        }
    }
}

/* {Ref: Letter} is the value itself. */
static const struct mr_node *
expand_ref(struct mr_reading *reading, const struct mr_node *node,
           const struct variable *variables)
{
    const struct mr_node *target = node->count == 1 ? mr_node_get(node, "Ref") : NULL;
    const struct variable *variable =
        mr_node_is(target, MR_NODE_STRING) ? find(variables, target->text) : NULL;
    return variable == NULL ? NULL : mr_node_string(&reading->arena, variable->value, node);
}

static const struct mr_node *
expand(struct mr_reading *reading, const struct mr_node *node, const struct variable *variables)
{
    if (mr_over_budget(reading)) {
        return node;
    }
    if (node->kind == MR_NODE_LIST) {
        struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, node);
        for (size_t i = 0; i < node->count; i++) {
            mr_node_push(&reading->arena, list, expand(reading, node->items[i], variables));
        }
        return list;
    }
    if (node->kind != MR_NODE_MAP) {
        return expand_text(reading, node, variables);
    }
    const struct mr_node *value = expand_ref(reading, node, variables);
    if (value != NULL) {
        return value;
    }
    struct writing out = { .map = mr_node_new(&reading->arena, MR_NODE_MAP, node) };
    for (size_t i = 0; i < node->count; i++) {
        const struct mr_node *key = node->pairs[i].key;
        if (mr_slice_starts_with(mr_node_text(key), mr_slice_str(prefix))) {
            write_out(reading, &out, node->pairs[i].value, variables);
        } else {
            put(reading, &out, expand_text(reading, key, variables),
                expand(reading, node->pairs[i].value, variables));
        }
    }
    return out.map;
}

/* Is there any? Then the section is written anew, otherwise it stays as it is. */
static bool
has_loop(const struct mr_node *node)
{
    if (mr_node_is(node, MR_NODE_LIST)) {
        for (size_t i = 0; i < node->count; i++) {
            if (has_loop(node->items[i])) {
                return true;
            }
        }
    }
    for (size_t i = 0; mr_node_is(node, MR_NODE_MAP) && i < node->count; i++) {
        if (mr_slice_starts_with(mr_node_text(node->pairs[i].key), mr_slice_str(prefix)) ||
            has_loop(node->pairs[i].value)) {
            return true;
        }
    }
    return false;
}

static void
expand_section(struct mr_reading *reading, const struct mr_node **section)
{
    if (*section != NULL && has_loop(*section)) {
        *section = expand(reading, *section, NULL);
    }
    if (*section != NULL &&
        ((*section)->height > MR_NODE_MAX_HEIGHT || (*section)->weight > MR_NODE_MAX_WEIGHT)) {
        mr_reject(reading, *section, NULL, "Fn::ForEach makes too many values");
        *section = mr_node_new(&reading->arena, MR_NODE_MAP, *section);
    }
}

void
mr_expand_for_each(struct mr_reading *reading)
{
    if (!reading->has_language_extensions) {
        return;
    }
    expand_section(reading, &reading->conditions_node);
    expand_section(reading, &reading->resources_node);
    expand_section(reading, &reading->outputs);
}
