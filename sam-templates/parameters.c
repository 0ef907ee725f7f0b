#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sam-templates/reading.h"
#include "sam-templates/regex.h"
#include "sam-templates/suggestion.h"

struct mr_parameter_value *
mr_parameter_find(struct mr_reading *reading, struct mr_slice name)
{
    size_t at;
    return mr_index_find(&reading->parameter_index, name, &at) ? &reading->parameters[at]
                                                               : NULL;
}

/* The value somebody gave for it, or NULL. The last one counts. */
static const char *
override_of(const struct mr_reading *reading, struct mr_slice name)
{
    const char *found = NULL;
    const char *const *entry = reading->options.parameters;
    for (; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, (const char *)name.data, name.size) == 0 &&
            (*entry)[name.size] == '=') {
            found = *entry + name.size + 1;
        }
    }
    return found;
}

static void
check_overrides(struct mr_reading *reading)
{
    const char *const *entry = reading->options.parameters;
    for (; entry != NULL && *entry != NULL; entry++) {
        struct mr_slice rest = mr_slice_str(*entry);
        struct mr_slice name = mr_slice_cut(&rest, '=');
        struct mr_suggestion suggestion = mr_suggest(reading, name);
        char hint[160];
        if (mr_parameter_find(reading, name) != NULL) {
            continue;
        }
        for (size_t i = 0; i < reading->parameter_count; i++) {
            mr_suggestion_offer(&suggestion, reading->parameters[i].name);
        }
        mr_problem(reading, NULL, NULL, "the template has no parameter %.*s%s",
                   MR_SLICE_ARGS(name), mr_suggestion_text(&suggestion, hint));
    }
}

static bool
is_list_type(struct mr_slice type)
{
    if (mr_slice_starts_with(type, MR_SLICE("AWS::SSM::Parameter::Value<"))) {
        type = mr_slice_from(type, 27);
    }
    return mr_slice_starts_with(type, MR_SLICE("CommaDelimitedList")) ||
           mr_slice_starts_with(type, MR_SLICE("List<"));
}

static const struct mr_node *
value_of_text(struct mr_reading *reading, const struct mr_parameter_value *parameter,
              struct mr_slice text, const struct mr_node *at)
{
    struct mr_arena *arena = &reading->arena;
    if (!parameter->is_list) {
        return mr_node_string(arena, text, at);
    }
    struct mr_node *list = mr_node_new(arena, MR_NODE_LIST, at);
    struct mr_slice rest = text;
    while (rest.data != NULL) {
        mr_node_push(arena, list,
                     mr_node_string(arena, mr_slice_trim(mr_slice_cut(&rest, ',')), at));
    }
    return list;
}

/* --- what the declaration asks of a value --- */

struct check {
    struct mr_reading *reading;
    const struct mr_parameter_value *parameter;
    const struct mr_path *path;
    const char *hint; /* ConstraintDescription as " (...)", or "" */
};

static void
check_allowed_values(const struct check *check, struct mr_slice text, const struct mr_node *at)
{
    struct mr_arena *arena = &check->reading->arena;
    const struct mr_node *allowed = mr_node_get(check->parameter->node, "AllowedValues");
    mr_auto_buf struct mr_buf list = { 0 };

    if (!mr_node_is(allowed, MR_NODE_LIST)) {
        return;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        struct mr_slice one = mr_node_as_text(arena, allowed->items[i]);
        if (one.data != NULL && mr_slice_eq(one, text)) {
            return;
        }
        if (list.size < 300) {
            mr_buf_printf(&list, "%s%.*s", i > 0 ? ", " : "", MR_SLICE_ARGS(one));
        }
    }
    mr_problem(check->reading, at, check->path, "%.*s: %.*s is not one of %s%s",
               MR_SLICE_ARGS(check->parameter->name),
               check->parameter->no_echo ? 4 : (int)text.size,
               check->parameter->no_echo ? "****" : (const char *)text.data, mr_buf_cstr(&list),
               check->hint);
}

static void
check_pattern(const struct check *check, struct mr_slice text, const struct mr_node *at)
{
    struct mr_slice pattern =
        mr_node_text(mr_node_get(check->parameter->node, "AllowedPattern"));
    if (pattern.data == NULL) {
        return;
    }
    switch (mr_regex_match(&check->reading->arena, pattern, text)) {
    case MR_REGEX_MATCHES:
        break;
    case MR_REGEX_DIFFERS:
        mr_problem(check->reading, at, check->path,
                   "%.*s does not match its AllowedPattern %.*s%s",
                   MR_SLICE_ARGS(check->parameter->name), MR_SLICE_ARGS(pattern), check->hint);
        break;
    case MR_REGEX_NOT_UNDERSTOOD:
        mr_warn(check->reading, mr_node_get(check->parameter->node, "AllowedPattern"),
                check->path,
                "this AllowedPattern is not checked here: it uses something this reader's "
                "patterns do not have");
        break;
    }
}

/* `MinLength: 3` against `value`; `what` names it in the sentence. */
static void
check_bound(const struct check *check, const char *name, bool is_min, double value,
            const struct mr_node *at)
{
    struct mr_arena *arena = &check->reading->arena;
    struct mr_slice bound = mr_node_as_text(arena, mr_node_get(check->parameter->node, name));
    if (bound.data == NULL) {
        return;
    }
    double limit = strtod(mr_arena_cstr(arena, bound), NULL);
    if (is_min ? value < limit : value > limit) {
        mr_problem(check->reading, at, check->path, "%.*s: %s is %.*s%s",
                   MR_SLICE_ARGS(check->parameter->name), name, MR_SLICE_ARGS(bound),
                   check->hint);
    }
}

static void
check_value(const struct check *check, struct mr_slice text, const struct mr_node *at)
{
    check_allowed_values(check, text, at);
    if (check->parameter->is_number) {
        char *end;
        const char *digits = mr_arena_cstr(&check->reading->arena, text);
        double value = strtod(digits, &end);
        if (*digits == '\0' || *end != '\0') {
            mr_problem(check->reading, at, check->path, "%.*s must be a number%s",
                       MR_SLICE_ARGS(check->parameter->name), check->hint);
            return;
        }
        check_bound(check, "MinValue", true, value, at);
        check_bound(check, "MaxValue", false, value, at);
        return;
    }
    check_pattern(check, text, at);
    if (!check->parameter->is_list) {
        check_bound(check, "MinLength", true, (double)text.size, at);
        check_bound(check, "MaxLength", false, (double)text.size, at);
    }
}

static void
check_parameter(struct mr_reading *reading, const struct mr_parameter_value *parameter,
                const struct mr_path *path)
{
    struct mr_slice why = mr_node_text(mr_node_get(parameter->node, "ConstraintDescription"));
    const struct check check = {
        reading,
        parameter,
        path,
        why.data == NULL ? "" : mr_arena_printf(&reading->arena, " (%.*s)", MR_SLICE_ARGS(why)),
    };
    if (parameter->value == NULL || parameter->is_dummy) {
        return;
    }
    if (parameter->value->kind == MR_NODE_STRING) {
        check_value(&check, parameter->value->text, parameter->value);
        return;
    }
    for (size_t i = 0; i < parameter->value->count; i++) {
        if (parameter->value->items[i]->kind == MR_NODE_STRING) {
            check_value(&check, parameter->value->items[i]->text, parameter->value->items[i]);
        }
    }
}

/* --- reading them --- */

static void
take_default(struct mr_reading *reading, struct mr_parameter_value *parameter,
             const struct mr_path *path)
{
    const struct mr_node *value = mr_node_get(parameter->node, "Default");
    if (value == NULL) {
        return;
    }
    parameter->is_default = true;
    if (mr_node_is_scalar(value)) {
        parameter->value =
            value_of_text(reading, parameter, mr_node_as_text(&reading->arena, value), value);
        return;
    }
    mr_problem(reading, value, MR_PATH(path, MR_SLICE("Default")), "Default must be a string");
    if (value->kind == MR_NODE_LIST) {
        parameter->value = value;
    }
}

static void
take_dummy(struct mr_reading *reading, struct mr_parameter_value *parameter)
{
    struct mr_slice text = MR_SLICE("0");
    if (!parameter->is_number) {
        text = mr_slice_str(
            mr_arena_printf(&reading->arena, "dummy-%.*s", MR_SLICE_ARGS(parameter->name)));
    }
    parameter->is_dummy = true;
    parameter->value = value_of_text(reading, parameter, text, parameter->node);
}

static void
read_parameter(struct mr_reading *reading, const struct mr_node_pair *pair)
{
    static const struct mr_path section = { NULL, MR_SLICE_INIT("Parameters"), 0 };
    struct mr_parameter_value parameter = {
        .name = mr_node_as_text(&reading->arena, pair->key),
        .node = pair->value,
    };
    const struct mr_path path = { &section, parameter.name, 0 };
    struct mr_slice type = mr_node_text(mr_node_get(pair->value, "Type"));

    if (pair->value->kind != MR_NODE_MAP || type.data == NULL) {
        mr_problem(reading, pair->key, &path, "a parameter is a map with a Type");
    }
    parameter.is_list = is_list_type(type);
    parameter.is_number = mr_slice_is(type, "Number") || mr_slice_is(type, "List<Number>");
    mr_node_as_bool(mr_node_get(pair->value, "NoEcho"), &parameter.no_echo);

    const char *given = override_of(reading, parameter.name);
    if (given != NULL) {
        parameter.value = value_of_text(reading, &parameter, mr_slice_str(given), pair->key);
    } else {
        take_default(reading, &parameter, &path);
    }
    if (parameter.value == NULL && reading->lenient) {
        take_dummy(reading, &parameter);
    }
    check_parameter(reading, &parameter, &path);
    reading->parameters = mr_grow(&reading->arena, reading->parameters,
                                  reading->parameter_count, sizeof(parameter));
    mr_index_add(&reading->parameter_index, &reading->arena, parameter.name,
                 reading->parameter_count);
    reading->parameters[reading->parameter_count++] = parameter;
}

static void
name_all_missing(struct mr_reading *reading)
{
    mr_auto_buf struct mr_buf names = { 0 };
    const struct mr_node *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < reading->parameter_count; i++) {
        const struct mr_parameter_value *parameter = &reading->parameters[i];
        if (parameter->value == NULL) {
            mr_buf_printf(&names, "%s%.*s", count++ > 0 ? ", " : "",
                          MR_SLICE_ARGS(parameter->name));
            first = first == NULL ? parameter->node : first;
        }
    }
    if (count > 0) {
        mr_reject(reading, first, NULL,
                  "%s without a value: %s; give %s with --parameter-overrides NAME=VALUE",
                  count == 1 ? "a parameter" : "parameters", mr_buf_cstr(&names),
                  count == 1 ? "it" : "them");
    }
}

void
mr_read_parameters(struct mr_reading *reading)
{
    for (size_t i = 0; reading->parameters_node != NULL && i < reading->parameters_node->count;
         i++) {
        read_parameter(reading, &reading->parameters_node->pairs[i]);
    }
    check_overrides(reading);
    name_all_missing(reading);
}

const struct mr_node *
mr_parameter_of(struct mr_reading *reading, const struct mr_node *value)
{
    if (!mr_node_is(value, MR_NODE_MAP) || value->count != 1) {
        return value;
    }
    const struct mr_parameter_value *parameter =
        mr_parameter_find(reading, mr_node_text(mr_node_get(value, "Ref")));
    return parameter == NULL || parameter->value == NULL ? value : parameter->value;
}
