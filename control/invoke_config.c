/* FunctionEventInvokeConfig: what becomes of asynchronous invocations. */
#include <string.h>

#include "control/inside.h"

static const char *
qualifier_of(const struct target *target)
{
    return target->qualifier != NULL ? target->qualifier : "$LATEST";
}

/* {"OnSuccess": {}, "OnFailure": {"Destination": ...}}: always both. */
static json_t *
both_destinations(const json_t *given)
{
    json_t *out = json_pack("{s:{}, s:{}}", "OnSuccess", "OnFailure");
    static const char *const ends[] = { "OnSuccess", "OnFailure" };

    for (size_t i = 0; i < 2; i++) {
        json_t *arn = json_object_get(json_object_get(given, ends[i]), "Destination");
        if (json_string_length(arn) > 0) {
            json_object_set(json_object_get(out, ends[i]), "Destination", arn);
        }
    }
    return out;
}

static bool
destination_fits(struct call *call, const struct target *target, const char *arn)
{
    struct target named;

    if (arn == NULL || strstr(arn, ":lambda:") == NULL) {
        return true;
    }
    if (!target_parse(call->control, call->arena, arn, NULL, &named) ||
        named.function == NULL) {
        call_fail(call, "InvalidParameterValueException", "The destination ARN %s is invalid.",
                  arn);
        return false;
    }
    if (strcmp(named.name, target->name) == 0) {
        call_fail(call, "InvalidParameterValueException",
                  "You can't specify the function as a destination for itself.");
        return false;
    }
    return true;
}

static bool
is_kind(const char *arn)
{
    static const char *const kinds[] = { ":lambda:", ":sns:", ":sqs:", ":events:", ":s3:" };

    for (size_t i = 0; arn != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strstr(arn, kinds[i]) != NULL) {
            return true;
        }
    }
    return arn == NULL || arn[0] == '\0';
}

static bool
check_destinations(struct call *call, const struct target *target)
{
    json_t *given = call_member(call, "DestinationConfig");
    const char *success = json_text_of(json_object_get(given, "OnSuccess"), "Destination");
    const char *failure = json_text_of(json_object_get(given, "OnFailure"), "Destination");

    if (!is_kind(success) || !is_kind(failure)) {
        const char *first =
            success == NULL
                ? "null"
                : mr_arena_printf(call->arena, "OnSuccess(destination=%s)", success);
        const char *second =
            failure == NULL
                ? "null"
                : mr_arena_printf(call->arena, "OnFailure(destination=%s)", failure);
        call_fail(
            call, "InvalidParameterValueException",
            "The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) "
            "is invalid.",
            first, second);
        return false;
    }
    return destination_fits(call, target, failure) && destination_fits(call, target, success);
}

static bool
begin_change(struct call *call, struct target *target)
{
    if (call_member(call, "MaximumRetryAttempts") == NULL &&
        call_member(call, "MaximumEventAgeInSeconds") == NULL &&
        call_member(call, "DestinationConfig") == NULL) {
        call_fail(call, "InvalidParameterValueException",
                  "You must specify at least one of error handling or destination setting.");
        return false;
    }
    if (!call_target(call, target)) {
        return false;
    }
    if (target->version == NULL) {
        call_fail(call, "ResourceNotFoundException", "The function doesn't exist.");
        return false;
    }
    return check_destinations(call, target);
}

static json_t *
configs_of(json_t *function)
{
    json_t *configs = json_object_get(function, "invoke_configs");

    if (configs == NULL) {
        configs = json_object();
        json_object_set_new(function, "invoke_configs", configs);
    }
    return configs;
}

static void
finish_change(struct call *call, struct target *target, json_t *config)
{
    static const char *const numbers[] = { "MaximumRetryAttempts", "MaximumEventAgeInSeconds" };
    const char *qualifier = qualifier_of(target);

    for (size_t i = 0; i < 2; i++) {
        if (call_member(call, numbers[i]) != NULL) {
            json_object_set(config, numbers[i], call_member(call, numbers[i]));
        }
    }
    json_object_set_new(config, "LastModified",
                        json_real((double)control_now_ms(call->control) / 1000));
    json_object_set_new(config, "FunctionArn", json_printf("%s:%s", target->arn, qualifier));
    json_object_set(configs_of(target->function), qualifier, config);
    if (call_save_function(call, target)) {
        call_reply(call, 200, json_incref(config));
    }
    json_decref(config);
}

void
act_put_invoke_config(struct call *call)
{
    struct target target;

    if (begin_change(call, &target)) {
        json_t *config = json_object();
        json_object_set_new(config, "DestinationConfig",
                            both_destinations(call_member(call, "DestinationConfig")));
        finish_change(call, &target, config);
    }
}

static json_t *
find_config(struct call *call, struct target *target)
{
    const char *qualifier = qualifier_of(target);
    json_t *config =
        json_object_get(json_object_get(target->function, "invoke_configs"), qualifier);

    if (config == NULL) {
        call_fail(call, "ResourceNotFoundException",
                  "The function %s:%s doesn't have an EventInvokeConfig", target->arn,
                  qualifier);
    }
    return config;
}

void
act_update_invoke_config(struct call *call)
{
    struct target target;
    json_t *config;

    if (begin_change(call, &target) && (config = find_config(call, &target)) != NULL) {
        config = json_copy(config);
        if (call_member(call, "DestinationConfig") != NULL) {
            json_object_set_new(config, "DestinationConfig",
                                both_destinations(call_member(call, "DestinationConfig")));
        }
        finish_change(call, &target, config);
    }
}

void
act_get_invoke_config(struct call *call)
{
    struct target target;
    json_t *config;

    if (call_target(call, &target) && (config = find_config(call, &target)) != NULL) {
        call_reply(call, 200, json_incref(config));
    }
}

void
act_list_invoke_configs(struct call *call)
{
    struct target target;
    json_t *list, *config;
    const char *name;

    if (!call_target(call, &target)) {
        return;
    }
    if (target.function == NULL) {
        call_fail(call, "ResourceNotFoundException", "The function doesn't exist.");
        return;
    }
    list = json_array();
    json_object_foreach(json_object_get(target.function, "invoke_configs"), name, config)
    {
        json_array_append(list, config);
    }
    call_reply_page(call, "FunctionEventInvokeConfigs", list);
}

void
act_delete_invoke_config(struct call *call)
{
    struct target target;

    if (call_target(call, &target) && find_config(call, &target) != NULL) {
        json_object_del(json_object_get(target.function, "invoke_configs"),
                        qualifier_of(&target));
        if (call_save_function(call, &target)) {
            call_reply(call, 204, NULL);
        }
    }
}
