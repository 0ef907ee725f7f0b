#include <stdio.h>

#include "sam-templates/reading.h"
#include "sam-templates/rules.h"
#include "sam-templates/suggestion.h"

static const struct mr_node *merge(struct mr_reading *reading, const struct mr_node *global,
                                   const struct mr_node *local);

enum token { PRIMITIVE, MAP, LIST };

/* An intrinsic function will become a value: it counts as one. */
static enum token
token_of(const struct mr_node *node)
{
    if (node->kind == MR_NODE_MAP) {
        return mr_is_intrinsic(node) ? PRIMITIVE : MAP;
    }
    return node->kind == MR_NODE_LIST ? LIST : PRIMITIVE;
}

static const struct mr_node *
merge_lists(struct mr_reading *reading, const struct mr_node *global,
            const struct mr_node *local)
{
    struct mr_node *list = mr_node_new(&reading->arena, MR_NODE_LIST, local);
    for (size_t i = 0; i < global->count; i++) {
        mr_node_push(&reading->arena, list, global->items[i]);
    }
    for (size_t i = 0; i < local->count; i++) {
        mr_node_push(&reading->arena, list, local->items[i]);
    }
    return list;
}

static const struct mr_node *
merge_maps(struct mr_reading *reading, const struct mr_node *global,
           const struct mr_node *local)
{
    struct mr_arena *arena = &reading->arena;
    struct mr_node *map = mr_node_new(arena, MR_NODE_MAP, local);
    struct mr_index index = { 0 };
    size_t at;

    for (size_t i = 0; i < global->count; i++) {
        mr_index_add(&index, arena, mr_node_as_text(arena, global->pairs[i].key), map->count);
        mr_node_put_pair(arena, map, global->pairs[i].key, global->pairs[i].value);
    }
    for (size_t i = 0; i < local->count; i++) {
        struct mr_node_pair pair = local->pairs[i];
        if (mr_index_find(&index, mr_node_as_text(arena, pair.key), &at)) {
            pair.value = merge(reading, map->pairs[at].value, pair.value);
            mr_node_replace(map, at, &pair);
        } else {
            mr_node_put_pair(arena, map, pair.key, pair.value);
        }
    }
    return map;
}

static const struct mr_node *
merge(struct mr_reading *reading, const struct mr_node *global, const struct mr_node *local)
{
    enum token token = token_of(local);
    if (token != token_of(global) || token == PRIMITIVE || mr_over_budget(reading)) {
        return local;
    }
    return token == MAP ? merge_maps(reading, global, local)
                        : merge_lists(reading, global, local);
}

/* --- the section --- */

static void
reject_unknown(struct mr_reading *reading, const struct mr_node *key,
               const struct mr_path *path, const char *what, const char *const *known)
{
    mr_auto_buf struct mr_buf list = { 0 };
    struct mr_slice name = mr_node_as_text(&reading->arena, key);
    struct mr_suggestion suggestion = mr_suggest(reading, name);
    char hint[160];

    for (size_t i = 0; known[i] != NULL; i++) {
        mr_suggestion_offer(&suggestion, mr_slice_str(known[i]));
        mr_buf_printf(&list, "%s%s", i > 0 ? ", " : "", known[i]);
    }
    mr_reject(reading, key, path, "%.*s is not supported in %s%s (one of %s)",
              MR_SLICE_ARGS(name), what, mr_suggestion_text(&suggestion, hint),
              mr_buf_cstr(&list));
}

static bool
is_among(struct mr_slice name, const char *const *known)
{
    for (; *known != NULL; known++) {
        if (mr_slice_is(name, *known)) {
            return true;
        }
    }
    return false;
}

static bool
check_section(struct mr_reading *reading, const struct mr_node_pair *pair,
              const struct mr_path *globals)
{
    struct mr_slice name = mr_node_as_text(&reading->arena, pair->key);
    const struct mr_path path = { globals, name, 0 };
    const struct mr_globals_rule *rule = mr_globals_rule_find(name);

    if (rule == NULL || pair->key->kind != MR_NODE_STRING) {
        reject_unknown(reading, pair->key, globals, "Globals", mr_globals_sections());
        return false;
    }
    if (pair->value->kind != MR_NODE_MAP) {
        mr_reject(reading, pair->value, &path, "Globals.%s must be a map", rule->section);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < pair->value->count; i++) {
        const struct mr_node *key = pair->value->pairs[i].key;
        if (!is_among(mr_node_text(key), rule->properties)) {
            char what[64];
            snprintf(what, sizeof(what), "Globals.%s", rule->section);
            reject_unknown(reading, key, &path, what, rule->properties);
            ok = false;
        }
    }
    return ok;
}

/* The globals of one resource: all, none, or all but those its IgnoreGlobals names. */
static const struct mr_node *
globals_for(struct mr_reading *reading, const struct mr_resource *resource,
            const struct mr_node *globals)
{
    const struct mr_node *ignore = mr_node_get(resource->node, "IgnoreGlobals");
    const struct mr_path path = { MR_PATH(MR_PATH(NULL, MR_SLICE("Resources")), resource->id),
                                  MR_SLICE("IgnoreGlobals"), 0 };
    if (!mr_node_truthy(ignore)) {
        return globals;
    }
    if (mr_node_is_text(ignore, "*")) {
        return NULL;
    }
    if (ignore->kind != MR_NODE_LIST) {
        mr_reject(reading, ignore, &path, "IgnoreGlobals is \"*\" or a list of names");
        return NULL;
    }
    struct mr_node *left = mr_node_new(&reading->arena, MR_NODE_MAP, globals);
    struct mr_index ignored = { 0 };
    for (size_t i = 0; i < ignore->count; i++) {
        struct mr_slice name = mr_node_text(ignore->items[i]);
        if (name.data == NULL || mr_node_find(globals, name) == NULL ||
            !mr_index_add(&ignored, &reading->arena, name, i)) {
            mr_reject(reading, ignore->items[i], &path,
                      "IgnoreGlobals names something that is not in Globals");
        }
    }
    for (size_t i = 0; i < globals->count; i++) {
        size_t at;
        if (!mr_index_find(&ignored, mr_node_text(globals->pairs[i].key), &at)) {
            mr_node_put_pair(&reading->arena, left, globals->pairs[i].key,
                             globals->pairs[i].value);
        }
    }
    return left;
}

static void
merge_into(struct mr_reading *reading, struct mr_resource *resource)
{
    static const char serverless[] = "AWS::Serverless::";
    if (!mr_slice_starts_with(resource->type, mr_slice_str(serverless))) {
        return;
    }
    const struct mr_node *globals =
        mr_node_find(reading->globals, mr_slice_from(resource->type, sizeof(serverless) - 1));
    if (globals != NULL) {
        globals = globals_for(reading, resource, globals);
    }
    if (globals != NULL) {
        resource->properties = merge(reading, globals, resource->properties);
    }
}

void
mr_merge_globals(struct mr_reading *reading)
{
    static const struct mr_path path = { NULL, MR_SLICE_INIT("Globals"), 0 };
    bool ok = true;

    if (reading->globals == NULL) {
        return;
    }
    if (reading->globals->kind != MR_NODE_MAP) {
        mr_reject(reading, reading->globals, &path, "Globals must be a map");
        return;
    }
    for (size_t i = 0; i < reading->globals->count; i++) {
        ok = check_section(reading, &reading->globals->pairs[i], &path) && ok;
    }
    for (size_t i = 0; ok && i < reading->resource_count; i++) {
        merge_into(reading, &reading->resources[i]);
    }
}
