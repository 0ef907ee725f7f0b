#include <stdio.h>

#include "sam-templates/rules.h"
#include "sam-templates/suggestion.h"

static const struct mr_property_rule *
rule_of(const struct mr_property_rule *rules, struct mr_slice name)
{
    for (; rules != NULL && rules->name != NULL; rules++) {
        if (mr_slice_is(name, rules->name)) {
            return rules;
        }
    }
    return NULL;
}

static bool
is_string_or_map(const struct mr_node *node)
{
    return node->kind == MR_NODE_STRING || node->kind == MR_NODE_MAP;
}

static bool
all_items(const struct mr_node *list, unsigned type)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct mr_node *item = list->items[i];
        if (type & MR_TYPE_LIST_OF_STRINGS ? item->kind != MR_NODE_STRING
                                           : !is_string_or_map(item)) {
            return false;
        }
    }
    return true;
}

static bool
is_int(const struct mr_node *node)
{
    return node->kind == MR_NODE_INT || node->kind == MR_NODE_BOOL;
}

static bool
all_pairs(const struct mr_node *map, unsigned type)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct mr_node *value = map->pairs[i].value;
        bool fits = type & MR_TYPE_MAP_OF_MAPS ? value->kind == MR_NODE_MAP
                    : type & MR_TYPE_MAP_OF_STRINGS
                        ? value->kind == MR_NODE_STRING
                        : is_int(value) || value->kind == MR_NODE_MAP;
        if (!fits || map->pairs[i].key->kind != MR_NODE_STRING) {
            return false;
        }
    }
    return true;
}

static bool
fits(const struct mr_node *value, unsigned type)
{
    const unsigned lists = MR_TYPE_LIST_OF_STRINGS | MR_TYPE_LIST_OF_STRINGS_OR_MAPS;
    const unsigned maps =
        MR_TYPE_MAP_OF_MAPS | MR_TYPE_MAP_OF_STRINGS | MR_TYPE_MAP_OF_INTS_OR_MAPS;
    const unsigned kinds = type & ~(unsigned)(MR_TYPE_REQUIRED | MR_TYPE_NO_INTRINSIC);

    if (kinds == MR_TYPE_ANY ||
        (!(type & MR_TYPE_NO_INTRINSIC) && value->kind == MR_NODE_MAP && value->count == 1)) {
        return true;
    }
    switch (value->kind) {
    case MR_NODE_STRING:
        return type & MR_TYPE_STRING;
    case MR_NODE_INT:
        return type & MR_TYPE_INT;
    case MR_NODE_BOOL:
        return type & (MR_TYPE_BOOL | MR_TYPE_INT);
    case MR_NODE_LIST:
        return type & MR_TYPE_LIST || (type & lists && all_items(value, type));
    case MR_NODE_MAP:
        return type & MR_TYPE_MAP || (type & maps && all_pairs(value, type));
    default:
        return false;
    }
}

static const char *
words_of(unsigned type)
{
    static const struct {
        unsigned type;
        const char *words;
    } rows[] = {
        { MR_TYPE_LIST_OF_STRINGS_OR_MAPS | MR_TYPE_STRING,
          "a string, a map or a list of them" },
        { MR_TYPE_LIST_OF_STRINGS_OR_MAPS, "a list of strings or maps" },
        { MR_TYPE_LIST_OF_STRINGS | MR_TYPE_STRING, "a string or a list of strings" },
        { MR_TYPE_LIST_OF_STRINGS, "a list of strings" },
        { MR_TYPE_MAP_OF_MAPS, "a map of maps" },
        { MR_TYPE_MAP_OF_STRINGS, "a map of strings" },
        { MR_TYPE_MAP_OF_INTS_OR_MAPS, "a map of whole numbers" },
        { MR_TYPE_STRING | MR_TYPE_MAP, "a string or a map" },
        { MR_TYPE_BOOL | MR_TYPE_MAP, "true, false or a map" },
        { MR_TYPE_STRING, "a string" },
        { MR_TYPE_INT, "a whole number" },
        { MR_TYPE_BOOL, "true or false" },
        { MR_TYPE_LIST, "a list" },
        { MR_TYPE_MAP, "a map" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((type & rows[i].type) == rows[i].type) {
            return rows[i].words;
        }
    }
    return "of another type";
}

static bool
check_value(struct mr_reading *reading, const struct mr_node *value,
            const struct mr_property_rule *rule, const struct mr_path *path)
{
    char text[80] = "";
    if (fits(value, rule->type)) {
        return true;
    }
    if (mr_node_is_scalar(value)) {
        struct mr_slice shown = mr_node_as_text(&reading->arena, value);
        snprintf(text, sizeof(text), ", not %.*s", shown.size > 60 ? 60 : (int)shown.size,
                 (const char *)shown.data);
        if (!mr_slice_is_utf8(mr_slice_str(text))) {
            text[0] = '\0';
        }
    }
    mr_reject(reading, value, path, "%s must be %s%s", rule->name, words_of(rule->type), text);
    return false;
}

static void
reject_unknown(struct mr_reading *reading, const struct mr_node *key,
               const struct mr_property_rule *rules, const struct mr_property_rule *more_rules,
               const char *what, const struct mr_path *path)
{
    struct mr_slice name = mr_node_as_text(&reading->arena, key);
    struct mr_suggestion suggestion = mr_suggest(reading, name);
    char hint[160];

    for (; rules != NULL && rules->name != NULL; rules++) {
        mr_suggestion_offer(&suggestion, mr_slice_str(rules->name));
    }
    for (; more_rules != NULL && more_rules->name != NULL; more_rules++) {
        mr_suggestion_offer(&suggestion, mr_slice_str(more_rules->name));
    }
    mr_reject(reading, key, path, "%s has no property %.*s%s", what, MR_SLICE_ARGS(name),
              mr_suggestion_text(&suggestion, hint));
}

static bool
check_required(struct mr_reading *reading, const struct mr_node *properties,
               const struct mr_property_rule *rules, const char *what, const struct mr_node *at,
               const struct mr_path *path)
{
    bool ok = true;
    for (; rules != NULL && rules->name != NULL; rules++) {
        const struct mr_node *value = mr_node_get(properties, rules->name);
        if (rules->type & MR_TYPE_REQUIRED && (value == NULL || value->kind == MR_NODE_NULL)) {
            mr_reject(reading, at, path, "%s needs the property %s", what, rules->name);
            ok = false;
        }
    }
    return ok;
}

bool
mr_check_properties(struct mr_reading *reading, const struct mr_node *properties,
                    const struct mr_property_rule *rules,
                    const struct mr_property_rule *more_rules, const char *what,
                    const struct mr_node *at, const struct mr_path *path)
{
    bool ok = true;
    for (size_t i = 0; i < properties->count; i++) {
        const struct mr_node_pair *pair = &properties->pairs[i];
        struct mr_slice name = mr_node_text(pair->key);
        const struct mr_property_rule *rule = rule_of(rules, name);
        rule = rule != NULL ? rule : rule_of(more_rules, name);
        if (rule == NULL) {
            reject_unknown(reading, pair->key, rules, more_rules, what, path);
            ok = false;
        } else if (pair->value->kind != MR_NODE_NULL) {
            ok = check_value(reading, pair->value, rule, MR_PATH(path, name)) && ok;
        }
    }
    return check_required(reading, properties, rules, what, at, path) && ok;
}
