#include "sam-templates/resolve.h"
#include "sam-templates/suggestion.h"

static struct mr_condition_value *
find(struct mr_reading *reading, struct mr_slice name)
{
    size_t at;
    return mr_index_find(&reading->condition_index, name, &at) ? &reading->conditions[at]
                                                               : NULL;
}

static bool
evaluate(struct mr_reading *reading, struct mr_condition_value *condition)
{
    const struct mr_path path = { MR_PATH(NULL, MR_SLICE("Conditions")), condition->name, 0 };

    if (condition->state == MR_CONDITION_KNOWN) {
        return condition->value;
    }
    if (condition->state == MR_CONDITION_RUNNING || reading->depth > MR_READING_MAX_DEPTH) {
        mr_reject(reading, condition->node, &path, "the condition %.*s depends on itself",
                  MR_SLICE_ARGS(condition->name));
        return false;
    }
    condition->state = MR_CONDITION_RUNNING;
    reading->depth++;
    condition->value = mr_condition_of(reading, condition->node, &path);
    reading->depth--;
    condition->state = MR_CONDITION_KNOWN;
    return condition->value;
}

bool
mr_condition(struct mr_reading *reading, struct mr_slice name, const struct mr_node *at,
             const struct mr_path *path)
{
    struct mr_condition_value *condition = find(reading, name);
    if (condition != NULL) {
        return evaluate(reading, condition);
    }
    struct mr_suggestion suggestion = mr_suggest(reading, name);
    char hint[160];
    for (size_t i = 0; i < reading->condition_count; i++) {
        mr_suggestion_offer(&suggestion, reading->conditions[i].name);
    }
    mr_problem(reading, at, path, "there is no condition %.*s%s", MR_SLICE_ARGS(name),
               mr_suggestion_text(&suggestion, hint));
    return false;
}

static bool
equals(struct mr_reading *reading, const struct mr_node *arguments, const struct mr_path *path)
{
    if (arguments->kind != MR_NODE_LIST || arguments->count != 2) {
        mr_problem(reading, arguments, path, "Fn::Equals takes a list of two values");
        return false;
    }
    const struct mr_node *a = mr_resolve(reading, arguments->items[0], path);
    const struct mr_node *b = mr_resolve(reading, arguments->items[1], path);
    if (mr_node_is_scalar(a) && mr_node_is_scalar(b)) {
        return mr_slice_eq(mr_node_as_text(&reading->arena, a),
                           mr_node_as_text(&reading->arena, b));
    }
    return a != NULL && b != NULL && mr_node_eq(a, b);
}

static bool
combine(struct mr_reading *reading, const struct mr_node *arguments, bool is_and,
        const struct mr_path *path)
{
    if (arguments->kind != MR_NODE_LIST || arguments->count < 1) {
        mr_problem(reading, arguments, path, "Fn::And and Fn::Or take a list of conditions");
        return false;
    }
    bool value = is_and;
    for (size_t i = 0; i < arguments->count; i++) {
        bool one = mr_condition_of(reading, arguments->items[i], path);
        value = is_and ? value && one : value || one;
    }
    return value;
}

bool
mr_condition_of(struct mr_reading *reading, const struct mr_node *node,
                const struct mr_path *path)
{
    bool value;
    if (mr_over_budget(reading)) {
        return false;
    }
    if (mr_node_as_bool(node, &value)) {
        return value;
    }
    if (!mr_is_intrinsic(node)) {
        mr_problem(reading, node, path,
                   "a condition is made of Fn::Equals, Fn::And, Fn::Or, "
                   "Fn::Not and Condition");
        return false;
    }
    struct mr_slice name = node->pairs[0].key->text;
    const struct mr_node *arguments = node->pairs[0].value;
    if (mr_slice_is(name, "Condition")) {
        return mr_condition(reading, mr_node_text(arguments), arguments, path);
    }
    if (mr_slice_is(name, "Fn::Equals")) {
        return equals(reading, arguments, path);
    }
    if (mr_slice_is(name, "Fn::And") || mr_slice_is(name, "Fn::Or")) {
        return combine(reading, arguments, mr_slice_is(name, "Fn::And"), path);
    }
    if (mr_slice_is(name, "Fn::Not")) {
        bool one = arguments->kind == MR_NODE_LIST && arguments->count == 1;
        if (!one && arguments->kind != MR_NODE_MAP) {
            mr_problem(reading, arguments, path, "Fn::Not takes a list of one condition");
            return false;
        }
        return !mr_condition_of(reading, one ? arguments->items[0] : arguments, path);
    }
    const struct mr_node *resolved = mr_resolve(reading, node, path);
    return mr_node_as_bool(resolved, &value) && value;
}

void
mr_read_conditions(struct mr_reading *reading)
{
    const struct mr_node *section = reading->conditions_node;
    for (size_t i = 0; section != NULL && i < section->count; i++) {
        struct mr_condition_value condition = {
            .name = mr_node_as_text(&reading->arena, section->pairs[i].key),
            .node = section->pairs[i].value,
        };
        reading->conditions = mr_grow(&reading->arena, reading->conditions,
                                      reading->condition_count, sizeof(condition));
        mr_index_add(&reading->condition_index, &reading->arena, condition.name,
                     reading->condition_count);
        reading->conditions[reading->condition_count++] = condition;
    }
    for (size_t i = 0; i < reading->condition_count; i++) {
        evaluate(reading, &reading->conditions[i]);
    }
    for (size_t i = 0; i < reading->resource_count; i++) {
        struct mr_resource *resource = &reading->resources[i];
        const struct mr_path path = { MR_PATH(NULL, MR_SLICE("Resources")), resource->id, 0 };
        resource->present =
            resource->condition.size == 0 ||
            mr_condition(reading, resource->condition, resource->id_node, &path);
    }
}
