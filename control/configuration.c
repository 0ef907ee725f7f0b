/* A version's configuration: made of a request, and shown to callers. */
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "control/configuration.h"

/* ---- shown ---- */

json_t *
configuration_out(const struct mr_control *control, const json_t *version, const char *arn)
{
    json_t *out = json_object(), *value;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)version, name, value)
    {
        if (name[0] != '_') {
            json_object_set(out, name, value);
        }
    }
    json_object_set_new(out, "FunctionArn", json_string(arn));
    if (control_now_ms(control) <
        (uint64_t)json_integer_value(json_object_get(version, "_settles_ms"))) {
        configuration_set_state(out, json_text_of(version, "_settling"));
    }
    return out;
}

json_t *
configuration_listed(const struct mr_control *control, const json_t *version, const char *arn)
{
    static const char *const left_out[] = { "State",
                                            "StateReason",
                                            "StateReasonCode",
                                            "LastUpdateStatus",
                                            "LastUpdateStatusReason",
                                            "LastUpdateStatusReasonCode",
                                            "RuntimeVersionConfig" };
    json_t *out = configuration_out(control, version, arn);

    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        json_object_del(out, left_out[i]);
    }
    return out;
}

/* "create": the function is Pending; "update": its last update is in progress. */
void
configuration_set_state(json_t *out, const char *settling)
{
    bool create = settling == NULL || strcmp(settling, "create") == 0;
    const char *status = create ? "State" : "LastUpdateStatus";
    const char *reason = create ? "StateReason" : "LastUpdateStatusReason";
    const char *code = create ? "StateReasonCode" : "LastUpdateStatusReasonCode";

    json_object_set_new(out, status, json_string(create ? "Pending" : "InProgress"));
    json_object_set_new(out, reason, json_string("The function is being created."));
    json_object_set_new(out, code, json_string("Creating"));
    if (create) {
        json_object_del(out, "LastUpdateStatus");
    }
}

json_t *
configuration_answer(struct mr_control *control, const json_t *version, const char *arn,
                     const char *settling)
{
    json_t *out = configuration_out(control, version, arn);

    if (json_object_get(out, "LastUpdateStatusReason") == NULL) {
        configuration_set_state(out, settling);
    }
    json_object_set_new(out, "RevisionId", control_uuid(control));
    return out;
}

/* ---- made ---- */

static void
set_default(json_t *version, const char *member, json_t *value)
{
    if (json_object_get(version, member) == NULL) {
        json_object_set(version, member, value);
    }
    json_decref(value);
}

static bool
take_logging(struct call *call, json_t *version, const char *name)
{
    json_t *logging = json_object_get(version, "LoggingConfig");
    json_t *given = call_member(call, "LoggingConfig");

    if (logging == NULL) {
        logging = json_pack("{s:s, s:o}", "LogFormat", "Text", "LogGroup",
                            json_printf("/aws/lambda/%s", name));
        json_object_set_new(version, "LoggingConfig", logging);
    }
    if (given != NULL) {
        logging = json_copy(logging);
        json_object_update(logging, given);
        json_object_set_new(version, "LoggingConfig", logging);
    }
    if (strcmp(json_text_of(logging, "LogFormat"), "JSON") == 0) {
        set_default(logging, "ApplicationLogLevel", json_string("INFO"));
        set_default(logging, "SystemLogLevel", json_string("INFO"));
        return true;
    }
    if (json_object_get(given, "ApplicationLogLevel") != NULL ||
        json_object_get(given, "SystemLogLevel") != NULL) {
        call_fail(
            call, "InvalidParameterValueException",
            "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel "
            "from your request or change the LogFormat to \"JSON\" and try again.");
        return false;
    }
    json_object_del(logging, "ApplicationLogLevel");
    json_object_del(logging, "SystemLogLevel");
    return true;
}

static void
take_vpc(json_t *version, const json_t *given)
{
    json_t *vpc = json_copy((json_t *)(uintptr_t)given);
    const json_t *subnets = json_object_get(vpc, "SubnetIds");

    set_default(vpc, "SubnetIds", json_array());
    set_default(vpc, "SecurityGroupIds", json_array());
    set_default(vpc, "Ipv6AllowedForDualStack", json_false());
    json_object_set_new(vpc, "VpcId",
                        json_string(json_array_size(subnets) > 0 ? "vpc-millrace" : ""));
    json_object_set_new(version, "VpcConfig", vpc);
}

static bool
check_environment(struct call *call, const json_t *variables)
{
    static const char *const reserved[] = {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    };
    mr_auto_free char *text = json_dumps(variables, JSON_COMPACT);

    if (strlen(text) > MR_LAMBDA_MAX_ENVIRONMENT_BYTES) {
        call_fail(call, "InvalidParameterValueException",
                  "Lambda was unable to configure your environment variables because the "
                  "environment variables you have provided exceeded the 4KB limit. String "
                  "measured: %s",
                  text);
        return false;
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (json_object_get(variables, reserved[i]) != NULL) {
            call_fail(call, "InvalidParameterValueException",
                      "Lambda was unable to configure your environment variables because the "
                      "environment variables you have provided contains reserved keys that are "
                      "currently not supported for modification. Reserved keys used in this "
                      "request: %s",
                      reserved[i]);
            return false;
        }
    }
    return true;
}

static bool
take_environment(struct call *call, json_t *version)
{
    json_t *given = call_member(call, "Environment");
    json_t *variables = json_object_get(given, "Variables");

    if (variables != NULL && !check_environment(call, variables)) {
        return false;
    }
    if (given != NULL && variables == NULL) {
        json_object_del(version, "Environment");
    } else if (variables != NULL) {
        json_object_set_new(version, "Environment", json_pack("{s:O}", "Variables", variables));
    }
    return true;
}

static bool
take_layers(struct call *call, json_t *version)
{
    json_t *given = call_member(call, "Layers");

    if (given == NULL) {
        return true;
    }
    json_t *layers = layers_out(call, given);
    if (layers == NULL) {
        return false;
    }
    if (json_array_size(layers) > 0) {
        json_object_set(version, "Layers", layers);
    } else {
        json_object_del(version, "Layers");
    }
    json_decref(layers);
    return true;
}

/* What AWS's enum says today, for those who misspell. */
static const char runtimes[] =
    "[nodejs20.x, nodejs22.x, nodejs24.x, provided.al2023, python3.12, java25, provided.al2, "
    "python3.13, python3.14, java21, java17, dotnet10, ruby3.3, ruby3.4, java11, "
    "python3.10, python3.11, dotnet8, java8.al2, python3.9, nodejs18.x]";

static bool
check_runtime(struct call *call, const char *runtime)
{
    static const char *const families[] = { "nodejs", "python", "java",    "dotnet",
                                            "ruby",   "go1.x",  "provided" };

    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (strncmp(runtime, families[i], strlen(families[i])) == 0) {
            return true;
        }
    }
    call_fail(
        call, "InvalidParameterValueException",
        "Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
        "set: %s or be a valid ARN",
        runtime, runtimes);
    return false;
}

/* AWS keeps snapshots of these alone. */
static bool
can_snap_start(const char *runtime)
{
    static const char *const with[] = { "java11",     "java17",     "java21",
                                        "java25",     "python3.12", "python3.13",
                                        "python3.14", "dotnet8",    "dotnet10" };

    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
        if (strcmp(runtime, with[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
take_snap_start(struct call *call, json_t *version)
{
    json_t *given = call_member(call, "SnapStart");
    const char *runtime = json_text_of(version, "Runtime");

    if (given != NULL) {
        json_object_set_new(version, "SnapStart",
                            json_pack("{s:O, s:s}", "ApplyOn",
                                      json_object_get(given, "ApplyOn"), "OptimizationStatus",
                                      "Off"));
    }
    const char *apply = json_text_of(json_object_get(version, "SnapStart"), "ApplyOn");
    if (apply != NULL && strcmp(apply, "PublishedVersions") == 0 && !can_snap_start(runtime)) {
        call_fail(call, "InvalidParameterValueException",
                  "%s is not supported for SnapStart enabled functions.", runtime);
        return false;
    }
    return true;
}

bool
configuration_take(struct call *call, const char *name, json_t *version)
{
    static const char *const as_given[] = {
        "Description", "Role",      "Handler",       "Timeout",          "Runtime",
        "MemorySize",  "KMSKeyArn", "TracingConfig", "EphemeralStorage", "FileSystemConfigs"
    };
    json_t *value;

    if (call_text(call, "Runtime") != NULL &&
        !check_runtime(call, call_text(call, "Runtime"))) {
        return false;
    }
    for (size_t i = 0; i < sizeof(as_given) / sizeof(as_given[0]); i++) {
        if ((value = call_member(call, as_given[i])) != NULL) {
            json_object_set(version, as_given[i], value);
        }
    }
    if (!take_environment(call, version) || !take_layers(call, version)) {
        return false;
    }
    if ((value = call_member(call, "VpcConfig")) != NULL) {
        take_vpc(version, value);
    }
    if ((value = call_member(call, "DeadLetterConfig")) != NULL) {
        const char *arn = json_text_of(value, "TargetArn");
        if (arn != NULL && arn[0] != '\0') {
            json_object_set(version, "DeadLetterConfig", value);
        } else {
            json_object_del(version, "DeadLetterConfig");
        }
    }
    if (!take_snap_start(call, version) || !take_logging(call, version, name)) {
        return false;
    }
    json_object_set_new(version, "LastModified", control_date(call->control));
    json_object_set_new(version, "RevisionId", control_uuid(call->control));
    return true;
}

json_t *
configuration_new(struct call *call, const char *name)
{
    const char *runtime = call_text(call, "Runtime");
    json_t *version, *value;

    /* Who has a bootstrap of their own may do without a handler's name. */
    if (runtime == NULL ||
        (call_text(call, "Handler") == NULL && strncmp(runtime, "provided", 8) != 0)) {
        call_fail(call, "InvalidParameterValueException",
                  "Runtime and Handler are mandatory parameters for functions created with "
                  "deployment packages.");
        return NULL;
    }
    version = json_object();
    json_object_set_new(version, "FunctionName", json_string(name));
    json_object_set_new(version, "Version", json_string("$LATEST"));
    json_object_set_new(version, "PackageType", json_string("Zip"));
    if (!configuration_take(call, name, version)) {
        json_decref(version);
        return NULL;
    }
    value = call_member(call, "Architectures");
    json_object_set_new(version, "Architectures",
                        json_array_size(value) > 0 ? json_incref(value)
                                                   : json_pack("[s]", "x86_64"));
    set_default(version, "Description", json_string(""));
    set_default(version, "Timeout", json_integer(3));
    set_default(version, "MemorySize", json_integer(MR_LAMBDA_MIN_MEMORY_MB));
    set_default(version, "TracingConfig", json_pack("{s:s}", "Mode", "PassThrough"));
    set_default(version, "EphemeralStorage", json_pack("{s:i}", "Size", 512));
    set_default(version, "SnapStart",
                json_pack("{s:s, s:s}", "ApplyOn", "None", "OptimizationStatus", "Off"));
    json_object_set_new(
        version, "RuntimeVersionConfig",
        json_pack(
            "{s:o}", "RuntimeVersionArn",
            json_printf("arn:aws:lambda:%s::runtime:"
                        "8eeff65f6809a3ce81507fe733fe09b835899b99481ba22fd75b5a7338290ec1",
                        call->control->options.region)));
    if ((value = call_member(call, "TenancyConfig")) != NULL) {
        json_object_set(version, "TenancyConfig", value);
    }
    json_object_set_new(version, "State", json_string("Active"));
    json_object_set_new(version, "LastUpdateStatus", json_string("Successful"));
    return version;
}

void
configuration_settle(struct mr_control *control, json_t *version, const char *settling)
{
    if (control->options.settle_ms > 0) {
        json_object_set_new(
            version, "_settles_ms",
            json_integer((json_int_t)(control_now_ms(control) + control->options.settle_ms)));
        json_object_set_new(version, "_settling", json_string(settling));
    }
}
