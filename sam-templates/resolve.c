#include "sam-templates/resolve.h"

#include <stdio.h>

static const struct mr_node *
resolve_map(struct mr_reading *reading, const struct mr_node *node, const struct mr_path *path)
{
    struct mr_node *map = mr_node_new(&reading->arena, MR_NODE_MAP, node);
    for (size_t i = 0; i < node->count; i++) {
        struct mr_slice name = mr_node_as_text(&reading->arena, node->pairs[i].key);
        const struct mr_node *value =
            mr_resolve(reading, node->pairs[i].value, MR_PATH(path, name));
        if (value != NULL) {
            mr_node_put_pair(&reading->arena, map, node->pairs[i].key, value);
        }
    }
    return map;
}

static const struct mr_node *
resolve_list(struct mr_reading *reading, const struct mr_node *node, const struct mr_path *path)
{
    struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, node);
    for (size_t i = 0; i < node->count; i++) {
        const struct mr_node *item = mr_resolve(reading, node->items[i], MR_PATH_AT(path, i));
        if (item != NULL) {
            mr_node_push(&reading->arena, list, item);
        }
    }
    return list;
}

struct mr_slice
mr_resolve_text(struct mr_reading *reading, const struct mr_node *node,
                const struct mr_path *path)
{
    const struct mr_node *value = node == NULL ? NULL : mr_resolve(reading, node, path);
    return mr_node_as_text(&reading->arena, value);
}

static const struct mr_node *
text_node(struct mr_reading *reading, struct mr_slice text, const struct mr_node *at)
{
    return mr_node_string(&reading->arena, text, at);
}

/* Say what is wrong with the arguments; the value stays as it is written. */
static const struct mr_node *
misused(struct mr_reading *reading, const struct mr_node *at, const struct mr_path *path,
        const char *text)
{
    mr_problem(reading, at, path, "%s", text);
    return at;
}

static bool
is_list_of(const struct mr_node *node, size_t count)
{
    return mr_node_is(node, MR_NODE_LIST) && node->count == count;
}

/* --- functions of texts and lists --- */

static bool
append_joined(struct mr_reading *reading, struct mr_buf *out, const struct mr_node *list,
              struct mr_slice delimiter, const struct mr_path *path)
{
    for (size_t i = 0; i < list->count && !mr_over_budget(reading); i++) {
        struct mr_slice text = mr_node_as_text(&reading->arena, list->items[i]);
        if (text.data == NULL) {
            mr_problem(reading, list->items[i], path, "Fn::Join joins strings");
        }
        if (out->size + text.size > MR_TEMPLATE_MAX_BYTES) {
            mr_problem(reading, list, path, "Fn::Join makes too long a text");
            return false;
        }
        mr_buf_append_slice(out, i > 0 ? delimiter : MR_SLICE(""));
        mr_buf_append_slice(out, text);
    }
    return true;
}

static const struct mr_node *
join(struct mr_reading *reading, const struct mr_node *arguments, const struct mr_node *at,
     const struct mr_path *path)
{
    mr_auto_buf struct mr_buf out = { 0 };
    if (!is_list_of(arguments, 2)) {
        return misused(reading, at, path, "Fn::Join takes a delimiter and a list");
    }
    struct mr_slice delimiter = mr_resolve_text(reading, arguments->items[0], path);
    const struct mr_node *list = mr_resolve(reading, arguments->items[1], path);
    if (mr_node_is_scalar(list)) {
        return list; /* a list of one, as a parameter may give it */
    }
    if (!mr_node_is(list, MR_NODE_LIST)) {
        return misused(reading, at, path, "Fn::Join takes a delimiter and a list");
    }
    append_joined(reading, &out, list, delimiter, path);
    return text_node(reading, mr_arena_copy(&reading->arena, mr_buf_slice(&out)), at);
}

static const struct mr_node *
split(struct mr_reading *reading, const struct mr_node *arguments, const struct mr_node *at,
      const struct mr_path *path)
{
    if (!is_list_of(arguments, 2)) {
        return misused(reading, at, path, "Fn::Split takes a delimiter and a string");
    }
    struct mr_slice delimiter = mr_resolve_text(reading, arguments->items[0], path);
    struct mr_slice text = mr_resolve_text(reading, arguments->items[1], path);
    if (delimiter.size == 0 || text.data == NULL) {
        return misused(reading, at, path, "Fn::Split takes a delimiter and a string");
    }
    struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, at);
    size_t start = 0;
    for (size_t i = 0; i + delimiter.size <= text.size;) {
        if (mr_slice_starts_with(mr_slice_from(text, i), delimiter)) {
            mr_node_push(&reading->arena, list,
                         text_node(reading, mr_slice_of(text.data + start, i - start), at));
            i += delimiter.size;
            start = i;
        } else {
            i++;
        }
    }
    mr_node_push(&reading->arena, list, text_node(reading, mr_slice_from(text, start), at));
    return list;
}

static const struct mr_node *
select_one(struct mr_reading *reading, const struct mr_node *arguments,
           const struct mr_node *at, const struct mr_path *path)
{
    int64_t index;
    if (!is_list_of(arguments, 2)) {
        return misused(reading, at, path, "Fn::Select takes an index and a list");
    }
    if (!mr_node_as_i64(mr_resolve(reading, arguments->items[0], path), &index)) {
        return misused(reading, at, path, "the index of Fn::Select must be a number");
    }
    /* Of a list that is written out only the chosen element needs to make sense. */
    const struct mr_node *list = arguments->items[1];
    bool is_plain = list->kind == MR_NODE_LIST;
    if (!is_plain) {
        list = mr_resolve(reading, list, path);
    }
    if (!mr_node_is(list, MR_NODE_LIST)) {
        return misused(reading, at, path, "Fn::Select takes an index and a list");
    }
    if (index < 0 || (uint64_t)index >= list->count) {
        mr_problem(reading, at, path, "Fn::Select wants element %lld of a list of %zu",
                   (long long)index, list->count);
        return at;
    }
    return is_plain ? mr_resolve(reading, list->items[index], path) : list->items[index];
}

static const struct mr_node *
length(struct mr_reading *reading, const struct mr_node *arguments, const struct mr_node *at,
       const struct mr_path *path)
{
    const struct mr_node *list = mr_resolve(reading, arguments, path);
    if (!mr_node_is(list, MR_NODE_LIST)) {
        return misused(reading, at, path, "Fn::Length takes a list");
    }
    return mr_node_int(&reading->arena, (int64_t)list->count, at);
}

static const struct mr_node *
to_json_string(struct mr_reading *reading, const struct mr_node *arguments,
               const struct mr_node *at, const struct mr_path *path)
{
    const struct mr_node *value = mr_resolve(reading, arguments, path);
    return text_node(reading, mr_slice_str(mr_node_json(&reading->arena, value)), at);
}

/* --- mappings, conditions, the world outside --- */

/* A map of maps, or the translator refuses to look into it. */
static bool
is_two_level(const struct mr_node *map)
{
    for (size_t i = 0; mr_node_is(map, MR_NODE_MAP) && i < map->count; i++) {
        if (map->pairs[i].value->kind != MR_NODE_MAP) {
            return false;
        }
    }
    return mr_node_is(map, MR_NODE_MAP);
}

static const struct mr_node *
find_in_map(struct mr_reading *reading, const struct mr_node *arguments,
            const struct mr_node *at, const struct mr_path *path)
{
    struct mr_slice keys[3];
    bool has_default = is_list_of(arguments, 4);

    if (!is_list_of(arguments, 3) && !has_default) {
        return misused(reading, at, path, "Fn::FindInMap takes a mapping and two keys");
    }
    for (size_t i = 0; i < 3; i++) {
        keys[i] = mr_resolve_text(reading, arguments->items[i], path);
    }
    const struct mr_node *map = mr_node_find(reading->mappings, keys[0]);
    if (map != NULL && !is_two_level(map)) {
        mr_reject(reading, at, path, "the mapping %.*s is not a map of maps",
                  MR_SLICE_ARGS(keys[0]));
        return at;
    }
    const struct mr_node *value = mr_node_find(mr_node_find(map, keys[1]), keys[2]);
    if (value != NULL) {
        return value;
    }
    const struct mr_node *otherwise =
        has_default ? mr_node_get(arguments->items[3], "DefaultValue") : NULL;
    if (otherwise != NULL) {
        return mr_resolve(reading, otherwise, path);
    }
    mr_problem(reading, at, path, "the mapping %.*s has no %.*s / %.*s", MR_SLICE_ARGS(keys[0]),
               MR_SLICE_ARGS(keys[1]), MR_SLICE_ARGS(keys[2]));
    return at;
}

static const struct mr_node *
choose(struct mr_reading *reading, const struct mr_node *arguments, const struct mr_node *at,
       const struct mr_path *path)
{
    if (!is_list_of(arguments, 3)) {
        return misused(reading, at, path, "Fn::If takes a condition's name and two values");
    }
    bool value = arguments->items[0]->kind == MR_NODE_STRING
                     ? mr_condition(reading, arguments->items[0]->text, at, path)
                     : mr_condition_of(reading, arguments->items[0], path);
    return mr_resolve(reading, arguments->items[value ? 1 : 2], path);
}

static const struct mr_node *
condition_value(struct mr_reading *reading, const struct mr_node *at,
                const struct mr_path *path)
{
    return mr_node_bool(&reading->arena, mr_condition_of(reading, at, path), at);
}

static const struct mr_node *
availability_zones(struct mr_reading *reading, const struct mr_node *arguments,
                   const struct mr_node *at, const struct mr_path *path)
{
    struct mr_slice region = mr_resolve_text(reading, arguments, path);
    struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, at);
    if (region.size == 0) {
        region = mr_slice_str(reading->options.region);
    }
    for (char zone = 'a'; zone <= 'c'; zone++) {
        const char *name =
            mr_arena_printf(&reading->arena, "%.*s%c", MR_SLICE_ARGS(region), zone);
        mr_node_push(&reading->arena, list, text_node(reading, mr_slice_str(name), at));
    }
    return list;
}

static const struct mr_node *
import_value(struct mr_reading *reading, const struct mr_node *arguments,
             const struct mr_node *at, const struct mr_path *path)
{
    struct mr_slice name = mr_resolve_text(reading, arguments, path);
    const char *const *entry = reading->options.imports;
    for (; entry != NULL && *entry != NULL; entry++) {
        struct mr_slice rest = mr_slice_str(*entry);
        if (mr_slice_eq(mr_slice_cut(&rest, '='), name)) {
            return text_node(reading, mr_arena_copy(&reading->arena, rest), at);
        }
    }
    mr_problem(reading, at, path, "Fn::ImportValue needs a value: --import %.*s=VALUE",
               MR_SLICE_ARGS(name));
    return text_node(reading,
                     mr_slice_str(mr_arena_printf(&reading->arena, "${ImportValue.%.*s}",
                                                  MR_SLICE_ARGS(name))),
                     at);
}

static const struct mr_node *
transform(struct mr_reading *reading, const struct mr_node *arguments, const struct mr_node *at,
          const struct mr_path *path)
{
    (void)arguments;
    return misused(reading, at, path, "Fn::Transform runs on AWS only");
}

/* --- the walk --- */

static const struct {
    const char *name;
    mr_intrinsic_fn *apply;
} intrinsics[] = {
    { "Ref", mr_intrinsic_ref },
    { "Fn::GetAtt", mr_intrinsic_get_att },
    { "Fn::Sub", mr_intrinsic_sub },
    { "Fn::Join", join },
    { "Fn::Split", split },
    { "Fn::Select", select_one },
    { "Fn::If", choose },
    { "Fn::FindInMap", find_in_map },
    { "Fn::Base64", mr_intrinsic_base64 },
    { "Fn::Cidr", mr_intrinsic_cidr },
    { "Fn::GetAZs", availability_zones },
    { "Fn::ImportValue", import_value },
    { "Fn::Length", length },
    { "Fn::ToJsonString", to_json_string },
    { "Fn::Transform", transform },
};

static bool
is_condition_function(struct mr_slice name)
{
    return mr_slice_is(name, "Fn::Equals") || mr_slice_is(name, "Fn::And") ||
           mr_slice_is(name, "Fn::Or") || mr_slice_is(name, "Fn::Not");
}

static const struct mr_node *
apply(struct mr_reading *reading, const struct mr_node *node, const struct mr_path *path)
{
    struct mr_slice name = node->pairs[0].key->text;

    for (size_t i = 0; i < sizeof(intrinsics) / sizeof(intrinsics[0]); i++) {
        if (mr_slice_is(name, intrinsics[i].name)) {
            return intrinsics[i].apply(reading, node->pairs[0].value, node, path);
        }
    }
    if (is_condition_function(name)) {
        return condition_value(reading, node, path);
    }
    if (!mr_slice_is(name, "Condition")) {
        mr_problem(reading, node, path, "there is no function %.*s", MR_SLICE_ARGS(name));
    }
    return resolve_map(reading, node, path); /* `Condition` of an IAM statement, for one */
}

const struct mr_node *
mr_resolve(struct mr_reading *reading, const struct mr_node *node, const struct mr_path *path)
{
    if (mr_over_budget(reading)) {
        return node;
    }
    if (mr_is_intrinsic(node)) {
        return apply(reading, node, path);
    }
    switch (node->kind) {
    case MR_NODE_LIST:
        return resolve_list(reading, node, path);
    case MR_NODE_MAP:
        return resolve_map(reading, node, path);
    default:
        return node;
    }
}
