#include <string.h>

#include "sam-templates/transform.h"

struct subject {
    struct mr_reading *reading;
    const struct mr_resource *function;
    const struct mr_path *path; /* Resources.Fn.Properties */
};

static const struct mr_node *
property(const struct subject *s, const char *name)
{
    const struct mr_node *value = mr_node_get(s->function->properties, name);
    return value == NULL || value->kind == MR_NODE_NULL ? NULL : value;
}

static bool
given(const struct subject *s, const char *name)
{
    return mr_node_truthy(property(s, name));
}

/* Say it at one of the function's properties; always false. */
static bool
refuse(const struct subject *s, const char *name, const char *text)
{
    const struct mr_node *value = mr_node_get(s->function->properties, name);
    mr_reject(s->reading, value != NULL ? value : s->function->id_node,
              value != NULL ? MR_PATH(s->path, mr_slice_str(name)) : s->path, "%s", text);
    return false;
}

/* --- code --- */

static bool
check_code(const struct subject *s)
{
    const struct mr_node *uri = property(s, "CodeUri");
    if (uri == NULL || uri->kind == MR_NODE_STRING || property(s, "InlineCode") != NULL) {
        return true; /* a function without CodeUri is built from the template's directory */
    }
    if (uri->kind != MR_NODE_MAP) {
        return refuse(s, "CodeUri", "CodeUri must be a path, or a map with Bucket and Key");
    }
    return mr_is_intrinsic(uri) ||
           (mr_node_truthy(mr_node_get(uri, "Bucket")) &&
            mr_node_truthy(mr_node_get(uri, "Key"))) ||
           refuse(s, "CodeUri", "CodeUri needs both Bucket and Key");
}

static bool
check_zip(const struct subject *s)
{
    if (!given(s, "Runtime")) {
        return refuse(s, "Runtime", "a function needs a Runtime, for example provided.al2023");
    }
    if (!given(s, "Handler")) {
        return refuse(s, "Handler", "a function needs a Handler, for example bootstrap");
    }
    if (given(s, "ImageConfig")) {
        return refuse(s, "ImageConfig", "ImageConfig is for PackageType: Image");
    }
    return check_code(s);
}

static bool
check_image(const struct subject *s)
{
    static const char *const zip_only[] = { "Handler", "Runtime", "Layers" };
    for (size_t i = 0; i < sizeof(zip_only) / sizeof(zip_only[0]); i++) {
        if (given(s, zip_only[i])) {
            return refuse(s, zip_only[i],
                          "Handler, Runtime and Layers are not for PackageType: Image");
        }
    }
    /* `sam build` fills ImageUri in when Metadata says how to build the image. */
    const struct mr_node *metadata = mr_node_get(s->function->node, "Metadata");
    return given(s, "ImageUri") || mr_node_get(metadata, "Dockerfile") != NULL ||
           mr_node_get(metadata, "DockerContext") != NULL ||
           refuse(s, "ImageUri", "PackageType: Image needs an ImageUri");
}

static bool
check_package(const struct subject *s)
{
    const struct mr_node *type = property(s, "PackageType");
    if (!mr_node_truthy(type) || mr_node_is_text(type, "Zip")) {
        return check_zip(s);
    }
    return mr_node_is_text(type, "Image")
               ? check_image(s)
               : refuse(s, "PackageType", "PackageType is Zip or Image");
}

/* --- queues and destinations --- */

static bool
check_dead_letter_queue(const struct subject *s)
{
    const struct mr_node *queue = property(s, "DeadLetterQueue");
    const struct mr_node *type = mr_node_get(queue, "Type");

    if (!mr_node_truthy(queue)) {
        return true;
    }
    if (!mr_node_truthy(type) || !mr_node_truthy(mr_node_get(queue, "TargetArn"))) {
        return refuse(s, "DeadLetterQueue", "DeadLetterQueue needs Type and TargetArn");
    }
    return mr_node_is_text(type, "SQS") || mr_node_is_text(type, "SNS") ||
           refuse(s, "DeadLetterQueue", "DeadLetterQueue.Type is SQS or SNS");
}

static bool
check_invoke_destination(const struct subject *s, const struct mr_node *config)
{
    static const char *const types[] = { "SQS", "SNS", "EventBridge", "Lambda", "S3Bucket" };
    const struct mr_node *type = mr_node_get(config, "Type");
    const struct mr_node *target = mr_node_get(config, "Destination");
    bool known = false;

    if (config == NULL || config->kind == MR_NODE_NULL) {
        return true;
    }
    if (config->kind != MR_NODE_MAP) {
        return refuse(s, "EventInvokeConfig",
                      "a destination of EventInvokeConfig must be a map");
    }
    type = mr_parameter_of(s->reading, type);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        known = known || mr_node_is_text(type, types[i]);
    }
    if (!known) {
        return refuse(s, "EventInvokeConfig",
                      "the Type of a destination is SQS, SNS, EventBridge, Lambda or S3Bucket");
    }
    const struct mr_node *choice = mr_node_get(target, "Fn::If");
    if (choice != NULL && target->count == 1 &&
        (choice->kind != MR_NODE_LIST || choice->count != 3)) {
        return refuse(s, "EventInvokeConfig", "Fn::If takes a condition's name and two values");
    }
    if (target == NULL && !mr_node_is_text(type, "SQS") && !mr_node_is_text(type, "SNS")) {
        return refuse(s, "EventInvokeConfig",
                      "a destination that is no SQS or SNS needs a Destination");
    }
    return true;
}

static bool
check_invoke_config(const struct subject *s)
{
    const struct mr_node *config = property(s, "EventInvokeConfig");
    const struct mr_node *destinations = mr_node_get(config, "DestinationConfig");

    if (!mr_node_truthy(destinations)) {
        return true;
    }
    if (destinations->kind != MR_NODE_MAP) {
        return refuse(s, "EventInvokeConfig",
                      "EventInvokeConfig.DestinationConfig must be a map");
    }
    return check_invoke_destination(s, mr_node_get(destinations, "OnSuccess")) &&
           check_invoke_destination(s, mr_node_get(destinations, "OnFailure"));
}

/* --- rules between properties --- */

static bool
check_tenancy(const struct subject *s)
{
    static const char *const excluded[] = { "ProvisionedConcurrencyConfig", "FunctionUrlConfig",
                                            "SnapStart" };
    const struct mr_node *events = property(s, "Events");

    if (!given(s, "TenancyConfig")) {
        return true;
    }
    for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++) {
        if (given(s, excluded[i])) {
            return refuse(s, excluded[i],
                          "a function with TenancyConfig cannot have "
                          "ProvisionedConcurrencyConfig, FunctionUrlConfig or "
                          "SnapStart");
        }
    }
    for (size_t i = 0; mr_node_is(events, MR_NODE_MAP) && i < events->count; i++) {
        const struct mr_node *type = mr_node_get(events->pairs[i].value, "Type");
        if (!mr_node_is_text(type, "Api") && !mr_node_is_text(type, "HttpApi")) {
            return refuse(s, "Events",
                          "a function with TenancyConfig has Api and HttpApi events only");
        }
    }
    return true;
}

static bool
is_word(struct mr_slice name)
{
    bool digits_only = true;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (c != '-' && c != '_' && !mr_is_alphanumeric(mr_slice_of(&c, 1))) {
            return false;
        }
        digits_only = digits_only && c >= '0' && c <= '9';
    }
    return name.size > 0 && !digits_only;
}

static bool
check_alias(const struct subject *s)
{
    const struct mr_node *alias = mr_parameter_of(s->reading, property(s, "AutoPublishAlias"));
    if (!given(s, "AutoPublishAlias")) {
        return !given(s, "ProvisionedConcurrencyConfig") ||
               refuse(s, "ProvisionedConcurrencyConfig",
                      "ProvisionedConcurrencyConfig needs AutoPublishAlias");
    }
    if (!mr_node_is(alias, MR_NODE_STRING)) {
        return refuse(s, "AutoPublishAlias",
                      "AutoPublishAlias must be a string or a Ref to a parameter");
    }
    return is_word(alias->text) ||
           refuse(s, "AutoPublishAlias",
                  "AutoPublishAlias has letters, digits, - and _ and is no "
                  "number");
}

static bool
check_capacity_provider(const struct subject *s)
{
    static const char *const names[] = { "Arn", "PerExecutionEnvironmentMaxConcurrency",
                                         "ExecutionEnvironmentMemoryGiBPerVCpu" };
    const struct mr_node *config = property(s, "CapacityProviderConfig");
    const struct mr_node *arn = mr_node_get(config, "Arn");

    if (!mr_node_truthy(config)) {
        return true;
    }
    for (size_t i = 0; i < config->count; i++) {
        bool known = false;
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
            known = known || mr_node_is_text(config->pairs[i].key, names[n]);
        }
        if (!known) {
            return refuse(
                s, "CapacityProviderConfig",
                "CapacityProviderConfig has Arn, PerExecutionEnvironmentMaxConcurrency "
                "and ExecutionEnvironmentMemoryGiBPerVCpu");
        }
    }
    return (mr_node_is_scalar(arn) || mr_node_is(arn, MR_NODE_MAP)) ||
           refuse(s, "CapacityProviderConfig", "CapacityProviderConfig needs an Arn");
}

static bool
check_together(const struct subject *s)
{
    bool provider = property(s, "CapacityProviderConfig") != NULL;
    if (provider && (property(s, "ProvisionedConcurrencyConfig") != NULL ||
                     property(s, "VpcConfig") != NULL)) {
        return refuse(
            s, "CapacityProviderConfig",
            "CapacityProviderConfig goes neither with ProvisionedConcurrencyConfig nor "
            "with VpcConfig");
    }
    if (property(s, "FunctionScalingConfig") != NULL && !provider) {
        return refuse(s, "FunctionScalingConfig",
                      "FunctionScalingConfig needs CapacityProviderConfig");
    }
    const struct mr_node *deletion = property(s, "VersionDeletionPolicy");
    if (deletion != NULL && property(s, "AutoPublishAlias") == NULL) {
        return refuse(s, "VersionDeletionPolicy",
                      "VersionDeletionPolicy needs AutoPublishAlias");
    }
    return !mr_node_is(deletion, MR_NODE_STRING) || mr_node_is_text(deletion, "Delete") ||
           mr_node_is_text(deletion, "Retain") ||
           refuse(s, "VersionDeletionPolicy", "VersionDeletionPolicy is Delete or Retain");
}

/* --- function URL --- */

static bool
cors_type_fits(struct mr_slice name, const struct mr_node *value)
{
    if (mr_is_intrinsic(value)) {
        return true;
    }
    if (mr_slice_is(name, "AllowCredentials")) {
        return value->kind == MR_NODE_BOOL;
    }
    return value->kind == (mr_slice_is(name, "MaxAge") ? MR_NODE_INT : MR_NODE_LIST);
}

static bool
check_cors(const struct subject *s, const struct mr_node *cors)
{
    static const char *const names[] = { "AllowOrigins", "AllowMethods",  "AllowCredentials",
                                         "AllowHeaders", "ExposeHeaders", "MaxAge" };
    if (!mr_node_truthy(cors) || mr_is_intrinsic(cors)) {
        return true;
    }
    if (cors->kind != MR_NODE_MAP) {
        return refuse(s, "FunctionUrlConfig", "FunctionUrlConfig.Cors must be a map");
    }
    for (size_t i = 0; i < cors->count; i++) {
        struct mr_slice name = mr_node_text(cors->pairs[i].key);
        bool known = false;
        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
            known = known || mr_slice_is(name, names[n]);
        }
        if (!known || !cors_type_fits(name, cors->pairs[i].value)) {
            return refuse(
                s, "FunctionUrlConfig",
                "FunctionUrlConfig.Cors has AllowOrigins, AllowMethods, AllowHeaders and "
                "ExposeHeaders (lists), AllowCredentials and MaxAge");
        }
    }
    return true;
}

static bool
check_url(const struct subject *s)
{
    const struct mr_node *config = property(s, "FunctionUrlConfig");
    const struct mr_node *auth = mr_node_get(config, "AuthType");

    if (!mr_node_truthy(config) || mr_is_intrinsic(config)) {
        return true;
    }
    if (!mr_is_intrinsic(auth) && !mr_node_is_text(auth, "AWS_IAM") &&
        !mr_node_is_text(auth, "NONE")) {
        return refuse(s, "FunctionUrlConfig", "FunctionUrlConfig.AuthType is AWS_IAM or NONE");
    }
    return check_cors(s, mr_node_get(config, "Cors"));
}

/* --- deployments --- */

static bool
check_deployment(const struct subject *s)
{
    const struct mr_node *preference = property(s, "DeploymentPreference");
    const struct mr_node *enabled =
        mr_parameter_of(s->reading, mr_node_get(preference, "Enabled"));
    const struct mr_node *hooks = mr_node_get(preference, "Hooks");
    bool off =
        enabled != NULL && (!mr_node_truthy(enabled) || mr_node_is_text(enabled, "false") ||
                            mr_node_is_text(enabled, "False"));

    if (!mr_node_truthy(preference) || off) {
        return true;
    }
    if (mr_node_get(preference, "Type") == NULL) {
        return refuse(s, "DeploymentPreference", "DeploymentPreference needs a Type");
    }
    if (hooks != NULL && hooks->kind != MR_NODE_MAP) {
        return refuse(s, "DeploymentPreference", "DeploymentPreference.Hooks must be a map");
    }
    const struct mr_node *alarms = mr_node_get(preference, "Alarms");
    if (mr_node_is_scalar(alarms) || (mr_node_is(alarms, MR_NODE_MAP) && alarms->count != 1)) {
        return refuse(s, "DeploymentPreference", "DeploymentPreference.Alarms must be a list");
    }
    return given(s, "AutoPublishAlias") ||
           refuse(s, "DeploymentPreference", "DeploymentPreference needs AutoPublishAlias");
}

bool
mr_check_function_configs(struct mr_reading *reading, const struct mr_resource *function,
                          const struct mr_path *path)
{
    const struct subject s = { reading, function, path };
    return check_together(&s) && check_capacity_provider(&s) && check_dead_letter_queue(&s) &&
           check_tenancy(&s) && check_package(&s) && check_alias(&s) && check_url(&s) &&
           check_deployment(&s) && check_invoke_config(&s);
}
