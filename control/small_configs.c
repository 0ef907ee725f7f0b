/* What tools read beside a function: runtime management, recursion, code signing. */
#include <string.h>

#include "control/inside.h"

/* A document of the function's, by the qualifier; made when it is not there. */
static json_t *
group_of(json_t *function, const char *group)
{
    json_t *found = json_object_get(function, group);

    if (found == NULL) {
        found = json_object();
        json_object_set_new(function, group, found);
    }
    return found;
}

void
act_put_runtime_management(struct call *call)
{
    const char *when = call_text(call, "UpdateRuntimeOn");
    json_t *arn = call_member(call, "RuntimeVersionArn");
    struct target target;

    if (!call_version(call, &target)) {
        return;
    }
    if (strcmp(when, "Manual") == 0 && arn == NULL) {
        call_fail(call, "InvalidParameterValueException",
                  "RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.");
        return;
    }
    if (strcmp(when, "Manual") != 0 && arn != NULL) {
        call_fail(call, "InvalidParameterValueException",
                  "RuntimeVersionArn is only supported when UpdateRuntimeOn is set to Manual.");
        return;
    }
    json_t *config = json_pack("{s:s}", "UpdateRuntimeOn", when);
    if (arn != NULL) {
        json_object_set(config, "RuntimeVersionArn", arn);
    }
    json_object_set_new(group_of(target.function, "runtime_management"), target.version_name,
                        config);
    if (call_save_function(call, &target)) {
        json_t *body = json_copy(config);
        json_object_set_new(body, "FunctionArn", json_string(target.named_arn));
        call_reply(call, 200, body);
    }
}

void
act_get_runtime_management(struct call *call)
{
    struct target target;

    if (!call_version(call, &target)) {
        return;
    }
    json_t *config = json_object_get(json_object_get(target.function, "runtime_management"),
                                     target.version_name);
    json_t *body =
        config != NULL ? json_copy(config) : json_pack("{s:s}", "UpdateRuntimeOn", "Auto");
    json_object_set_new(body, "FunctionArn", json_string(target.named_arn));
    call_reply(call, 200, body);
}

void
act_get_code_signing(struct call *call)
{
    struct target target;

    if (call_function(call, &target)) {
        call_reply(call, 200, json_object());
    }
}

void
act_get_recursion(struct call *call)
{
    struct target target;

    if (call_function(call, &target)) {
        const char *loop = json_text_of(target.function, "recursion");
        call_reply(call, 200,
                   json_pack("{s:s}", "RecursiveLoop", loop != NULL ? loop : "Terminate"));
    }
}

void
act_put_recursion(struct call *call)
{
    const char *loop = call_text(call, "RecursiveLoop");
    struct target target;

    if (!call_function(call, &target)) {
        return;
    }
    json_object_set_new(target.function, "recursion", json_string(loop));
    if (call_save_function(call, &target)) {
        call_reply(call, 200, json_pack("{s:s}", "RecursiveLoop", loop));
    }
}

/* ---- what nobody can make here, and many look for ---- */

void
act_get_provisioned(struct call *call)
{
    struct mr_slice list = mr_http_query_get(call->request->query, "List", call->arena);
    struct target target;

    if (!call_function(call, &target)) {
        return;
    }
    if (list.data != NULL) {
        call_reply(call, 200, json_pack("{s:[]}", "ProvisionedConcurrencyConfigs"));
        return;
    }
    call_fail(call, "ProvisionedConcurrencyConfigNotFoundException",
              "No Provisioned Concurrency Config found for this function");
}

void
act_get_url(struct call *call)
{
    struct target target;

    if (call_target(call, &target)) {
        call_fail(call, "ResourceNotFoundException",
                  "The resource you requested does not exist.");
    }
}

void
act_list_urls(struct call *call)
{
    struct target target;

    if (!call_target(call, &target)) {
        return;
    }
    if (target.function == NULL) {
        call_fail(call, "ResourceNotFoundException", "Function does not exist");
        return;
    }
    call_reply(call, 200, json_pack("{s:[]}", "FunctionUrlConfigs"));
}
