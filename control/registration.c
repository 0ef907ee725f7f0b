/* What the runtime is told of a version. */
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "control/configuration.h"
#include "control/faults.h"

enum { MAX_LIST = 512 };

static enum mr_function_log_level
level_of(const char *text)
{
    static const char *const names[] = { "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };

    for (size_t i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            return MR_FUNCTION_LOG_TRACE + (enum mr_function_log_level)i;
        }
    }
    return MR_FUNCTION_LOG_UNSET;
}

static size_t
variables_of(const json_t *version, struct mr_slice *list, struct mr_arena *arena)
{
    json_t *variables = json_object_get(json_object_get(version, "Environment"), "Variables");
    json_t *value;
    const char *name;
    size_t count = 0;

    json_object_foreach(variables, name, value)
    {
        if (count < MAX_LIST) {
            list[count++] =
                mr_slice_str(mr_arena_printf(arena, "%s=%s", name, json_string_value(value)));
        }
    }
    return count;
}

static size_t
texts_of(const json_t *array, struct mr_slice *list, size_t most)
{
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(array) && count < most; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text != NULL) {
            list[count++] = mr_slice_str(text);
        }
    }
    return count;
}

static void
take_settings(struct mr_function *out, const json_t *settings, struct mr_slice *calls)
{
    static const struct mr_slice debugger_calls[] = {
        MR_SLICE_INIT("ptrace"),
        MR_SLICE_INIT("personality"),
        MR_SLICE_INIT("process_vm_readv"),
        MR_SLICE_INIT("process_vm_writev"),
    };
    const char *network = json_text_of(settings, "network");
    const char *profile = json_text_of(settings, "profile");
    json_int_t most = json_integer_value(json_object_get(settings, "maxConcurrency"));

    if (network != NULL) {
        out->network =
            strcmp(network, "host") == 0 ? MR_FUNCTION_NETWORK_HOST : MR_FUNCTION_NETWORK_NONE;
    }
    out->strict_sandbox = profile != NULL && strcmp(profile, "strict") == 0;
    out->allow_syscall_count =
        texts_of(json_object_get(settings, "allowSyscalls"), calls, MAX_LIST);
    out->allow_syscalls = calls;
    if (most > 0) {
        out->concurrency = (uint32_t)most;
    }
    out->debug_port = (uint16_t)json_integer_value(json_object_get(settings, "debugPort"));
    if (out->debug_port > 0) {
        out->network = MR_FUNCTION_NETWORK_HOST;
        out->concurrency = 1;
        for (size_t i = 0; i < sizeof(debugger_calls) / sizeof(debugger_calls[0]) &&
                           out->allow_syscall_count < MAX_LIST;
             i++) {
            calls[out->allow_syscall_count++] = debugger_calls[i];
        }
    }
    out->max_concurrency =
        (uint32_t)json_integer_value(json_object_get(settings, "invocationsPerEnvironment"));
}

static bool
is_snap_started(const json_t *version)
{
    const char *status =
        json_text_of(json_object_get(version, "SnapStart"), "OptimizationStatus");

    return status != NULL && strcmp(status, "On") == 0;
}

static void
register_version(struct mr_control *control, const json_t *function, json_t *version,
                 struct mr_arena *arena)
{
    const json_t *logging = json_object_get(version, "LoggingConfig");
    const json_t *code = json_object_get(version, "_code");
    const json_t *reserved = json_object_get(function, "reserved");
    struct mr_slice *lists =
        mr_arena_zero(arena, sizeof(*lists) * (2 * MAX_LIST + MR_SANDBOX_MAX_LAYERS));
    json_t *layers = layers_directories(control, json_object_get(version, "Layers"));
    const char *format = json_text_of(logging, "LogFormat");
    struct mr_error err = { 0 };
    struct mr_function told = {
        .name = mr_slice_str(json_text_of(version, "FunctionName")),
        .version = mr_slice_str(json_text_of(version, "Version")),
        .arn = mr_slice_str(json_text_of(function, "arn")),
        .handler = mr_slice_str(json_text_of(version, "Handler")),
        .runtime = mr_slice_str(json_text_of(version, "Runtime")),
        .code_dir = mr_slice_str(json_text_of(code, "directory")),
        .environment = lists,
        .environment_count = variables_of(version, lists, arena),
        .layers = lists + (size_t)2 * MAX_LIST,
        .layer_count = texts_of(layers, lists + (size_t)2 * MAX_LIST, MR_SANDBOX_MAX_LAYERS),
        .role_arn = mr_slice_str(json_text_of(version, "Role")),
        .memory_mb = (uint32_t)json_integer_value(json_object_get(version, "MemorySize")),
        .tmp_mb = (uint32_t)json_integer_value(
            json_object_get(json_object_get(version, "EphemeralStorage"), "Size")),
        .timeout_ms = (uint32_t)json_integer_value(json_object_get(version, "Timeout")) * 1000,
        .snap_start = is_snap_started(version),
        .per_tenant = json_object_get(version, "TenancyConfig") != NULL,
        .network =
            control->options.network_host ? MR_FUNCTION_NETWORK_HOST : MR_FUNCTION_NETWORK_NONE,
        .log_format = format != NULL && strcmp(format, "JSON") == 0 ? MR_FUNCTION_LOG_JSON
                                                                    : MR_FUNCTION_LOG_TEXT,
        .application_log_level = level_of(json_text_of(logging, "ApplicationLogLevel")),
        .system_log_level = level_of(json_text_of(logging, "SystemLogLevel")),
    };

    take_settings(&told, json_object_get(function, "settings"), lists + MAX_LIST);
    if (reserved != NULL) {
        told.has_reserved = true;
        told.concurrency = (uint32_t)json_integer_value(reserved);
    }
    int result = mr_runtime_set_function(control->runtime, &told, &err);
    json_decref(layers);
    if (result < 0) {
        mr_log(MR_LOG_WARN, "control", "%s", err.text);
        json_object_set_new(version, "State", json_string("Failed"));
        json_object_set_new(version, "StateReason", json_string(err.text));
        json_object_set_new(version, "StateReasonCode", json_string("InvalidRuntime"));
        return;
    }
    json_object_set_new(version, "State", json_string("Active"));
    json_object_del(version, "StateReason");
    json_object_del(version, "StateReasonCode");
}

void
functions_register(struct mr_control *control, json_t *function)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    json_t *version;
    const char *name;

    json_object_foreach(json_object_get(function, "versions"), name, version)
    {
        register_version(control, function, version, &arena);
    }
    const char *own_name = json_text_of(function, "name");
    if (own_name != NULL) {
        mr_function_faults_set(
            control->faults, own_name,
            json_object_get(json_object_get(function, "settings"), "faults"));
    }
}

void
configuration_register(struct mr_control *control, const json_t *function, json_t *version)
{
    mr_auto_arena struct mr_arena arena = { 0 };

    register_version(control, function, version, &arena);
}

void
functions_restore(struct mr_control *control)
{
    json_t *function;
    const char *name;

    json_object_foreach(mr_state_all(control->state, MR_STATE_FUNCTION), name, function)
    {
        functions_register(control, function);
        code_collect(control, function, NULL);
    }
}
