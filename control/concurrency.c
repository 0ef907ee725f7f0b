/* Reserved concurrency, and the account's settings it is taken from. */
#include "control/configuration.h"
#include "runtime/code_package.h"

enum {
    ACCOUNT_CONCURRENCY = 1000,
    MIN_UNRESERVED = 100,
};
static const json_int_t total_code_size = 80530636800; /* 75 GB */

static json_int_t
reserved_sum(const struct mr_control *control, const json_t *but)
{
    json_int_t sum = 0;
    json_t *function;
    const char *name;

    json_object_foreach(mr_state_all(control->state, MR_STATE_FUNCTION), name, function)
    {
        if (function != but) {
            sum += json_integer_value(json_object_get(function, "reserved"));
        }
    }
    return sum;
}

void
act_put_concurrency(struct call *call)
{
    json_int_t wanted = call_number(call, "ReservedConcurrentExecutions", 0);
    struct target target;

    if (!call_target(call, &target)) {
        return;
    }
    if (target.qualifier == NULL && target.function == NULL) {
        call_fail(call, "ResourceNotFoundException", "Function not found: %s:$LATEST",
                  target.arn);
        return;
    }
    if (target.qualifier != NULL) {
        call_fail(
            call, "InvalidParameterValueException",
            "This operation is permitted on Lambda functions only. Aliases and versions do "
            "not support this operation. Please specify either a function name or an "
            "unqualified function ARN.");
        return;
    }
    if (ACCOUNT_CONCURRENCY - reserved_sum(call->control, target.function) - wanted <
        MIN_UNRESERVED) {
        call_fail(call, "InvalidParameterValueException",
                  "Specified ReservedConcurrentExecutions for function decreases account's "
                  "UnreservedConcurrentExecution below its minimum value of [%d].",
                  MIN_UNRESERVED);
        return;
    }
    json_object_set_new(target.function, "reserved", json_integer(wanted));
    functions_register(call->control, target.function);
    if (call_save_function(call, &target)) {
        call_reply(call, 200, json_pack("{s:I}", "ReservedConcurrentExecutions", wanted));
    }
}

void
act_get_concurrency(struct call *call)
{
    struct target target;

    if (call_function(call, &target)) {
        json_t *reserved = json_object_get(target.function, "reserved");
        json_t *body = json_object();
        if (reserved != NULL) {
            json_object_set(body, "ReservedConcurrentExecutions", reserved);
        }
        call_reply(call, 200, body);
    }
}

void
act_delete_concurrency(struct call *call)
{
    struct target target;

    if (!call_function(call, &target)) {
        return;
    }
    json_object_del(target.function, "reserved");
    functions_register(call->control, target.function);
    if (call_save_function(call, &target)) {
        call_reply(call, 204, NULL);
    }
}

void
act_get_account_settings(struct call *call)
{
    json_t *functions = mr_state_all(call->control->state, MR_STATE_FUNCTION);
    json_t *function, *version;
    const char *name, *number;
    json_int_t size = 0;

    json_object_foreach(functions, name, function)
    {
        json_object_foreach(json_object_get(function, "versions"), number, version)
        {
            size += json_integer_value(json_object_get(version, "CodeSize"));
        }
    }
    call_reply(call, 200,
               json_pack("{s:{s:I, s:I, s:i, s:i, s:I}, s:{s:I, s:I}}", "AccountLimit",
                         "TotalCodeSize", total_code_size, "CodeSizeUnzipped",
                         (json_int_t)MR_CODE_MAX_UNPACKED_BYTES, "CodeSizeZipped",
                         MR_CODE_MAX_ZIP_BYTES, "ConcurrentExecutions", ACCOUNT_CONCURRENCY,
                         "UnreservedConcurrentExecutions",
                         ACCOUNT_CONCURRENCY - reserved_sum(call->control, NULL),
                         "AccountUsage", "TotalCodeSize", size, "FunctionCount",
                         (json_int_t)json_object_size(functions)));
}
