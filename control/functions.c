/* CreateFunction to DeleteFunction. */
#include <string.h>

#include "control/configuration.h"

static bool
check_new_name(struct call *call, const struct target *target)
{
    const char *given = call_text(call, "FunctionName");

    if (target->qualifier != NULL) {
        call_fail(
            call, "ValidationException",
            "1 validation error detected: Value '%s' at 'functionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: "
            "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}"
            ":)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)",
            given);
        return false;
    }
    if (strlen(target->name) > 64) {
        call_fail(call, "InvalidParameterValueException",
                  "1 validation error detected: Value '%s' at 'functionName' failed to satisfy "
                  "constraint: Member must have length less than or equal to 64",
                  target->name);
        return false;
    }
    return true;
}

static json_t *
function_new(struct call *call, const struct target *target, json_t *version)
{
    json_t *function =
        json_pack("{s:s, s:s, s:i, s:{s:O}, s:{}}", "name", target->name, "arn", target->arn,
                  "next", 1, "versions", "$LATEST", version, "aliases");
    json_t *tags = call_member(call, "Tags");

    json_object_set_new(function, "tags", tags != NULL ? json_incref(tags) : json_object());
    return function;
}

/* The version as it is made, with its code stored. NULL after an answer. */
static json_t *
make_version(struct call *call, const struct target *target)
{
    const char *type = call_text(call, "PackageType");

    if (type != NULL && strcmp(type, "Image") == 0) {
        call_fail(call, "InvalidParameterValueException",
                  "container images do not run here: use PackageType Zip with a zip or a "
                  "directory (S3Bucket \"local-directory\", S3Key its absolute path)");
        return NULL;
    }
    json_t *version = configuration_new(call, target->name);
    if (version != NULL &&
        !code_store(call, target->name, call_member(call, "Code"), version)) {
        json_decref(version);
        return NULL;
    }
    return version;
}

void
act_create_function(struct call *call)
{
    struct mr_control *control = call->control;
    struct target target;

    if (!call_target(call, &target) || !check_new_name(call, &target)) {
        return;
    }
    if (target.function != NULL) {
        call_fail(call, "ResourceConflictException", "Function already exist: %s", target.name);
        return;
    }
    json_t *version = make_version(call, &target);
    if (version == NULL) {
        return;
    }
    configuration_settle(control, version, "create");
    target.function = function_new(call, &target, version);
    target.version = version;
    configuration_register(control, target.function, version);
    json_t *shown =
        call_flag(call, "Publish", false) ? publish_version(call, &target, NULL) : version;
    if (shown != NULL && call_save_function(call, &target)) {
        call_reply(call, 201, configuration_answer(control, shown, target.arn, "create"));
    }
    json_decref(version);
    json_decref(target.function);
}

void
act_get_function(struct call *call)
{
    struct target target;

    if (!call_version(call, &target)) {
        return;
    }
    json_t *reserved = json_object_get(target.function, "reserved");
    json_t *tags = json_object_get(target.function, "tags");
    json_t *body =
        json_pack("{s:o}", "Configuration",
                  configuration_out(call->control, target.version, target.named_arn));
    char *location = code_location(call, target.name, target.version);
    if (location != NULL) {
        json_object_set_new(
            body, "Code",
            json_pack("{s:s, s:s}", "RepositoryType", "S3", "Location", location));
    }
    if (json_object_size(tags) > 0) {
        json_object_set(body, "Tags", tags);
    }
    if (reserved != NULL) {
        json_object_set_new(body, "Concurrency",
                            json_pack("{s:O}", "ReservedConcurrentExecutions", reserved));
    }
    call_reply(call, 200, body);
}

void
act_get_function_configuration(struct call *call)
{
    struct target target;

    if (call_version(call, &target)) {
        call_reply(call, 200,
                   configuration_out(call->control, target.version, target.named_arn));
    }
}

void
act_list_functions(struct call *call)
{
    struct mr_control *control = call->control;
    bool all = call_text(call, "FunctionVersion") != NULL;
    json_t *list = json_array(), *function, *version;
    const char *name, *number;

    json_object_foreach(mr_state_all(control->state, MR_STATE_FUNCTION), name, function)
    {
        const char *arn = json_text_of(function, "arn");
        json_object_foreach(json_object_get(function, "versions"), number, version)
        {
            if (all) {
                json_array_append_new(
                    list,
                    configuration_listed(control, version,
                                         mr_arena_printf(call->arena, "%s:%s", arn, number)));
            } else if (number[0] == '$') {
                json_array_append_new(list, configuration_listed(control, version, arn));
            }
        }
    }
    call_reply_page(call, "Functions", list);
}

/* ---- changes ---- */

/* Put the new $LATEST in the old one's place, in the function and the runtime. */
static bool
replace_latest(struct call *call, struct target *target, json_t *version)
{
    configuration_settle(call->control, version, "update");
    json_object_set_new(version, "LastUpdateStatus", json_string("Successful"));
    json_object_set(json_object_get(target->function, "versions"), "$LATEST", version);
    json_object_set_new(target->function, "changed", json_true());
    configuration_register(call->control, target->function, version);
    target->version = version;
    return call_save_function(call, target);
}

static bool
find_latest(struct call *call, struct target *out)
{
    if (!call_function(call, out)) {
        return false;
    }
    out->version = json_object_get(json_object_get(out->function, "versions"), "$LATEST");
    return call_revision_fits(call, out->version);
}

void
act_update_function_configuration(struct call *call)
{
    struct target target;

    if (!find_latest(call, &target)) {
        return;
    }
    json_t *version = json_copy(target.version);
    if (configuration_take(call, target.name, version) &&
        replace_latest(call, &target, version)) {
        call_reply(call, 200,
                   configuration_answer(call->control, version, target.arn, "update"));
    }
    json_decref(version);
}

void
act_update_function_code(struct call *call)
{
    struct target target;

    if (!find_latest(call, &target)) {
        return;
    }
    if (call_text(call, "ImageUri") != NULL) {
        call_fail(
            call, "InvalidParameterValueException",
            "Please don't provide ImageUri when updating a function with packageType Zip.");
        return;
    }
    json_t *version = json_copy(target.version);
    const char *before = json_text_of(json_object_get(target.version, "_code"), "name");
    char *keep = before == NULL ? NULL : mr_arena_cstr(call->arena, mr_slice_str(before));
    json_t *architectures = call_member(call, "Architectures");

    if (architectures != NULL) {
        json_object_set(version, "Architectures", architectures);
    }
    json_object_set_new(version, "LastModified", control_date(call->control));
    json_object_set_new(version, "RevisionId", control_uuid(call->control));
    if (!code_store(call, target.name, call->input, version)) {
        json_decref(version);
        return;
    }
    if (call_flag(call, "DryRun", false)) {
        call_reply(call, 200,
                   configuration_answer(call->control, version, target.arn, "update"));
    } else if (replace_latest(call, &target, version)) {
        bool publish = call_flag(call, "Publish", false);
        json_t *shown = publish ? publish_version(call, &target, NULL) : version;
        const char *arn = publish && shown != NULL
                              ? mr_arena_printf(call->arena, "%s:%s", target.arn,
                                                json_text_of(shown, "Version"))
                              : target.arn;
        if (shown != NULL && (!publish || call_save_function(call, &target))) {
            code_collect(call->control, target.function, keep);
            call_reply(
                call, 200,
                configuration_answer(call->control, shown, arn, publish ? "create" : "update"));
        }
    }
    json_decref(version);
}

static void
delete_version(struct call *call, struct target *target)
{
    json_t *aliases = json_object_get(target->function, "aliases"), *alias;
    const char *name;

    json_object_foreach(aliases, name, alias)
    {
        if (strcmp(json_text_of(alias, "FunctionVersion"), target->qualifier) == 0) {
            call_fail(call, "ResourceConflictException",
                      "Version %s is still being used by alias %s", target->qualifier, name);
            return;
        }
    }
    json_object_del(json_object_get(target->function, "versions"), target->qualifier);
    mr_runtime_remove_function(call->control->runtime, mr_slice_str(target->name),
                               mr_slice_str(target->qualifier));
    if (call_save_function(call, target)) {
        code_collect(call->control, target->function, NULL);
        call_reply(call, 204, NULL);
    }
}

void
act_delete_function(struct call *call)
{
    struct mr_control *control = call->control;
    struct mr_error err = { 0 };
    struct target target;

    if (!call_target(call, &target)) {
        return;
    }
    if (target.qualifier != NULL && strcmp(target.qualifier, "$LATEST") == 0) {
        call_fail(call, "InvalidParameterValueException",
                  "$LATEST version cannot be deleted without deleting the function.");
    } else if (target.function == NULL) {
        call_fail(call, "ResourceNotFoundException", "Function not found: %s", target.arn);
    } else if (target.qualifier != NULL) {
        delete_version(call, &target);
    } else if (mr_state_delete(control->state, MR_STATE_FUNCTION, target.name, &err) < 0) {
        call_fail(call, "ServiceException", "%s", err.text);
    } else {
        mr_runtime_remove_function(control->runtime, mr_slice_str(target.name),
                                   (struct mr_slice){ 0 });
        code_remove_all(control, target.name);
        call_reply(call, 204, NULL);
    }
}
