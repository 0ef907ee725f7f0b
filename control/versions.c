/* Published versions and the aliases that point at them. */
#include <stdio.h>
#include <string.h>

#include "control/configuration.h"

/* ---- versions ---- */

static json_t *
newest_version(const json_t *function)
{
    char number[32];

    snprintf(number, sizeof(number), "%lld",
             (long long)json_integer_value(json_object_get(function, "next")) - 1);
    return json_object_get(json_object_get(function, "versions"), number);
}

json_t *
publish_version(struct call *call, const struct target *target, const char *description)
{
    json_t *function = target->function;
    json_t *newest = newest_version(function);
    json_t *next = json_object_get(function, "next");

    if (newest != NULL && !json_is_true(json_object_get(function, "changed"))) {
        return newest;
    }
    char *number = mr_arena_printf(call->arena, "%lld", (long long)json_integer_value(next));
    json_t *version = json_deep_copy(target->version);
    json_object_set_new(version, "Version", json_string(number));
    json_object_set_new(version, "RevisionId", control_uuid(call->control));
    if (description != NULL) {
        json_object_set_new(version, "Description", json_string(description));
    }
    json_t *snap_start = json_object_get(version, "SnapStart");
    const char *apply = json_text_of(snap_start, "ApplyOn");
    if (apply != NULL && strcmp(apply, "PublishedVersions") == 0) {
        json_object_set_new(snap_start, "OptimizationStatus", json_string("On"));
    }
    configuration_settle(call->control, version, "create");
    json_object_set_new(json_object_get(function, "versions"), number, version);
    json_object_set_new(function, "next", json_integer(json_integer_value(next) + 1));
    json_object_set_new(function, "changed", json_false());
    configuration_register(call->control, function, version);
    return version;
}

void
act_publish_version(struct call *call)
{
    const char *sha = call_text(call, "CodeSha256");
    struct target target;

    if (!call_function(call, &target)) {
        return;
    }
    target.version = json_object_get(json_object_get(target.function, "versions"), "$LATEST");
    if (!call_revision_fits(call, target.version)) {
        return;
    }
    const char *current = json_text_of(target.version, "CodeSha256");
    if (sha != NULL && strcmp(sha, current) != 0) {
        call_fail(
            call, "InvalidParameterValueException",
            "CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please "
            "try again with the CodeSHA256 in $LATEST.",
            sha, current);
        return;
    }
    json_t *version = publish_version(call, &target, call_text(call, "Description"));
    json_object_set_new(target.version, "RevisionId", control_uuid(call->control));
    if (call_save_function(call, &target)) {
        const char *arn =
            mr_arena_printf(call->arena, "%s:%s", target.arn, json_text_of(version, "Version"));
        call_reply(call, 201, configuration_out(call->control, version, arn));
    }
}

void
act_list_versions(struct call *call)
{
    struct target target;
    json_t *version, *list;
    const char *number;

    if (!call_function(call, &target)) {
        return;
    }
    list = json_array();
    json_object_foreach(json_object_get(target.function, "versions"), number, version)
    {
        json_array_append_new(list, configuration_listed(call->control, version,
                                                         mr_arena_printf(call->arena, "%s:%s",
                                                                         target.arn, number)));
    }
    call_reply_page(call, "Versions", list);
}

/* ---- aliases ---- */

/* The weights a call gives, checked; NULL: none. False after an answer. */
static bool
read_routing(struct call *call, const struct target *target, const char *main_version,
             json_t **out_routing)
{
    json_t *weights =
        json_object_get(call_member(call, "RoutingConfig"), "AdditionalVersionWeights");
    json_t *versions = json_object_get(target->function, "versions"), *weight;
    const char *number;

    *out_routing = NULL;
    if (json_object_size(weights) == 0) {
        return true;
    }
    if (json_object_size(weights) > 1) {
        call_fail(call, "InvalidParameterValueException",
                  "Number of items in AdditionalVersionWeights cannot be greater than 1");
        return false;
    }
    json_object_foreach(weights, number, weight)
    {
        if (strcmp(number, main_version) == 0) {
            call_fail(call, "InvalidParameterValueException",
                      "Invalid function version %s. Function version %s is already included in "
                      "routing configuration.",
                      number, number);
            return false;
        }
        if (strcmp(main_version, "$LATEST") == 0) {
            call_fail(call, "InvalidParameterValueException",
                      "$LATEST is not supported for an alias pointing to more than 1 version");
            return false;
        }
        if (json_object_get(versions, number) == NULL) {
            call_fail(call, "ResourceNotFoundException", "Function not found: %s:%s",
                      target->arn, number);
            return false;
        }
    }
    *out_routing = json_pack("{s:O}", "AdditionalVersionWeights", weights);
    return true;
}

static bool
version_exists(struct call *call, const struct target *target, const char *number)
{
    if (json_object_get(json_object_get(target->function, "versions"), number) != NULL) {
        return true;
    }
    call_fail(call, "ResourceNotFoundException", "Function not found: %s:%s", target->arn,
              number);
    return false;
}

void
act_create_alias(struct call *call)
{
    const char *name = call_text(call, "Name");
    const char *number = call_text(call, "FunctionVersion");
    const char *description = call_text(call, "Description");
    struct target target;
    json_t *routing;

    if (!call_target(call, &target) || !version_exists(call, &target, number)) {
        return;
    }
    json_t *aliases = json_object_get(target.function, "aliases");
    if (json_object_get(aliases, name) != NULL) {
        call_fail(call, "ResourceConflictException", "Alias already exists: %s:%s", target.arn,
                  name);
        return;
    }
    if (!read_routing(call, &target, number, &routing)) {
        return;
    }
    json_t *alias = json_pack(
        "{s:o, s:s, s:s, s:s, s:o}", "AliasArn", json_printf("%s:%s", target.arn, name), "Name",
        name, "FunctionVersion", number, "Description", description != NULL ? description : "",
        "RevisionId", control_uuid(call->control));
    if (routing != NULL) {
        json_object_set_new(alias, "RoutingConfig", routing);
    }
    json_object_set_new(aliases, name, alias);
    if (call_save_function(call, &target)) {
        call_reply(call, 201, json_incref(alias));
    }
}

static bool
find_alias(struct call *call, struct target *target, json_t **out_alias)
{
    const char *name = call_text(call, "Name");

    if (!call_function(call, target)) {
        return false;
    }
    *out_alias = json_object_get(json_object_get(target->function, "aliases"), name);
    if (*out_alias == NULL) {
        call_fail(call, "ResourceNotFoundException", "Cannot find alias arn: %s:%s",
                  target->arn, name);
        return false;
    }
    return true;
}

void
act_get_alias(struct call *call)
{
    struct target target;
    json_t *alias;

    if (find_alias(call, &target, &alias)) {
        call_reply(call, 200, json_incref(alias));
    }
}

void
act_list_aliases(struct call *call)
{
    const char *number = call_text(call, "FunctionVersion"), *name;
    struct target target;
    json_t *list, *alias;

    if (!call_function(call, &target)) {
        return;
    }
    list = json_array();
    json_object_foreach(json_object_get(target.function, "aliases"), name, alias)
    {
        if (number == NULL || strcmp(number, json_text_of(alias, "FunctionVersion")) == 0) {
            json_array_append(list, alias);
        }
    }
    call_reply_page(call, "Aliases", list);
}

void
act_update_alias(struct call *call)
{
    const char *number = call_text(call, "FunctionVersion");
    struct target target;
    json_t *alias, *routing;

    if (!find_alias(call, &target, &alias) || !call_revision_fits(call, alias) ||
        (number != NULL && !version_exists(call, &target, number)) ||
        !read_routing(call, &target,
                      number != NULL ? number : json_text_of(alias, "FunctionVersion"),
                      &routing)) {
        return;
    }
    if (number != NULL) {
        json_object_set_new(alias, "FunctionVersion", json_string(number));
    }
    if (call_member(call, "Description") != NULL) {
        json_object_set(alias, "Description", call_member(call, "Description"));
    }
    if (routing != NULL) {
        json_object_set_new(alias, "RoutingConfig", routing);
    } else if (call_member(call, "RoutingConfig") != NULL) {
        json_object_del(alias, "RoutingConfig");
    }
    json_object_set_new(alias, "RevisionId", control_uuid(call->control));
    if (call_save_function(call, &target)) {
        call_reply(call, 200, json_incref(alias));
    }
}

void
act_delete_alias(struct call *call)
{
    struct target target;

    if (!call_function(call, &target)) {
        return;
    }
    json_object_del(json_object_get(target.function, "aliases"), call_text(call, "Name"));
    if (call_save_function(call, &target)) {
        call_reply(call, 204, NULL);
    }
}
