#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sam-templates/model_inside.h"
#include "sam-templates/transform.h"

/* --- environment --- */

/* The entry of --env-vars for this function: by logical ID, or by name. */
static const struct mr_node *
own_overrides(const struct mr_view *view)
{
    const struct mr_node *all = view->reading->env_vars;
    const struct mr_node *own = mr_node_find(all, view->resource->id);
    return own != NULL ? own : mr_node_find(all, mr_name_of(view->reading, view->resource));
}

static const char *
shell_value(const struct mr_reading *reading, struct mr_slice name)
{
    const char *const *entry = reading->options.shell;
    for (; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, (const char *)name.data, name.size) == 0 &&
            (*entry)[name.size] == '=') {
            return *entry + name.size + 1;
        }
    }
    return NULL;
}

/* Low to high: template, shell, Parameters of --env-vars, the function's own entry. */
static struct mr_slice
value_of(const struct mr_view *view, struct mr_slice name, const struct mr_node *given,
         const struct mr_path *path)
{
    struct mr_reading *reading = view->reading;
    const struct mr_node *override = mr_node_find(own_overrides(view), name);
    const struct mr_path here = { path, name, 0 };

    if (override == NULL) {
        override = mr_node_find(mr_node_get(reading->env_vars, "Parameters"), name);
    }
    if (override != NULL) {
        return mr_node_as_text(&reading->arena, override);
    }
    const char *shell = shell_value(reading, name);
    if (shell != NULL) {
        return mr_slice_str(shell);
    }
    if (!mr_node_is_scalar(given)) {
        mr_problem(reading, given, &here, "the value of an environment variable is a string");
        return MR_SLICE("");
    }
    mr_check_dynamic(reading, given, &here);
    return mr_node_as_text(&reading->arena, given);
}

static void
build_environment(const struct mr_view *view, struct mr_template_function *out)
{
    struct mr_arena *arena = &view->reading->arena;
    const struct mr_node *variables =
        mr_node_get(mr_view_get(view, "Environment"), "Variables");
    const struct mr_path path = { MR_PATH(view->path, MR_SLICE("Environment")),
                                  MR_SLICE("Variables"), 0 };
    const char **list = NULL;
    size_t count = 0;

    for (size_t i = 0; mr_node_is(variables, MR_NODE_MAP) && i < variables->count; i++) {
        struct mr_slice name = mr_node_as_text(arena, variables->pairs[i].key);
        struct mr_slice value = value_of(view, name, variables->pairs[i].value, &path);
        list = mr_grow(arena, list, count, sizeof(*list));
        list[count++] =
            mr_arena_printf(arena, "%.*s=%.*s", MR_SLICE_ARGS(name), (int)value.size,
                            value.data == NULL ? "" : (const char *)value.data);
    }
    list = mr_grow(arena, list, count, sizeof(*list));
    list[count] = NULL;
    out->environment = list;
    out->environment_count = count;
}

/* --- layers, architectures --- */

static const char *
layer_of(const struct mr_view *view, const struct mr_node *node)
{
    struct mr_reading *reading = view->reading;
    struct mr_resource *layer = mr_resource_find(reading, mr_referred_id(node));
    const struct mr_path path = { view->path, MR_SLICE("Layers"), 0 };

    if (layer != NULL && mr_is_layer(layer)) {
        const char *refusal;
        const struct mr_view layer_view = { reading, layer, &path };
        const char *local = mr_code_path(
            &layer_view,
            mr_node_get(layer->properties, "ContentUri") != NULL ? "ContentUri" : "Content",
            &refusal);
        if (local != NULL) {
            return local;
        }
    }
    return mr_keep(reading, mr_resolve_text(reading, node, &path));
}

static void
build_layers(const struct mr_view *view, struct mr_template_function *out)
{
    const struct mr_node *layers = mr_node_get(view->resource->properties, "Layers");
    const char **list = NULL;

    if (mr_is_intrinsic(layers)) {
        layers = mr_view_get(view, "Layers");
    }
    for (size_t i = 0; mr_node_is(layers, MR_NODE_LIST) && i < layers->count; i++) {
        const char *layer = layer_of(view, layers->items[i]);
        if (layer != NULL) {
            list = mr_grow(&view->reading->arena, list, out->layer_count, sizeof(*list));
            list[out->layer_count++] = layer;
        }
    }
    out->layers = list;
}

static void
build_architectures(const struct mr_view *view, struct mr_template_function *out)
{
    static const char *const usual[] = { "x86_64" };
    const struct mr_node *given = mr_view_get(view, "Architectures");
    const char **list = NULL;
    size_t count = 0;

    for (size_t i = 0; mr_node_is(given, MR_NODE_LIST) && i < given->count; i++) {
        const char *one =
            mr_keep(view->reading, mr_node_as_text(&view->reading->arena, given->items[i]));
        if (one != NULL) {
            list = mr_grow(&view->reading->arena, list, count, sizeof(*list));
            list[count++] = one;
        }
    }
    out->architectures = count > 0 ? list : usual;
    out->architecture_count = count > 0 ? count : 1;
}

/* --- destinations --- */

static const char *
invoke_destination(const struct mr_view *view, const struct mr_node *config, const char *which)
{
    struct mr_reading *reading = view->reading;
    const struct mr_node *one = mr_node_get(mr_node_get(config, "DestinationConfig"), which);
    struct mr_slice given = mr_node_as_text(&reading->arena, mr_node_get(one, "Destination"));

    if (one == NULL || given.data != NULL) {
        return mr_keep(reading, given);
    }
    bool is_queue = mr_node_is_text(mr_node_get(one, "Type"), "SQS");
    const char *id =
        mr_arena_printf(&reading->arena, "%.*sEventInvokeConfig%s%s",
                        MR_SLICE_ARGS(view->resource->id), which, is_queue ? "Queue" : "Topic");
    struct mr_resource *made = mr_resource_find(reading, mr_slice_str(id));
    if (made == NULL) {
        return NULL;
    }
    return mr_keep(reading, mr_attribute_of(reading, made,
                                            is_queue ? MR_SLICE("Arn") : MR_SLICE("TopicArn")));
}

static void
build_invoke_config(const struct mr_view *view, struct mr_template_function *out)
{
    const struct mr_node *config = mr_view_get(view, "EventInvokeConfig");
    out->invoke_max_retries = out->invoke_max_age_s = -1;
    mr_node_as_i64(mr_node_get(config, "MaximumRetryAttempts"), &out->invoke_max_retries);
    mr_node_as_i64(mr_node_get(config, "MaximumEventAgeInSeconds"), &out->invoke_max_age_s);
    out->on_success_arn = invoke_destination(view, config, "OnSuccess");
    out->on_failure_arn = invoke_destination(view, config, "OnFailure");
}

static void
build_dead_letter(const struct mr_view *view, struct mr_template_function *out)
{
    const struct mr_node *config =
        mr_view_get(view, out->is_serverless ? "DeadLetterQueue" : "DeadLetterConfig");
    out->dead_letter_arn =
        mr_keep(view->reading,
                mr_node_as_text(&view->reading->arena, mr_node_get(config, "TargetArn")));
}

/* --- the rest --- */

static void
build_code(const struct mr_view *view, struct mr_template_function *out)
{
    const char *package = mr_view_text(view, "PackageType");
    const char *property = out->is_serverless ? "CodeUri" : "Code";

    if (package != NULL && strcmp(package, "Image") == 0) {
        out->code_refusal = "PackageType: Image needs a container engine; use Zip";
    } else if (out->is_serverless &&
               mr_node_get(view->resource->properties, "InlineCode") != NULL) {
        out->code_refusal = "InlineCode has no files to run; put the code into a directory and "
                            "name it with CodeUri";
    } else {
        out->code_path = mr_code_path(view, property, &out->code_refusal);
    }
}

static const char *
alias_of(const struct mr_view *view)
{
    const struct mr_node *alias = mr_parameter_of(
        view->reading, mr_node_get(view->resource->properties, "AutoPublishAlias"));
    return mr_keep(view->reading, mr_node_text(alias));
}

void
mr_model_function(const struct mr_view *view, struct mr_template_function *out)
{
    struct mr_reading *reading = view->reading;
    const struct mr_node *metadata = mr_node_get(view->resource->node, "Metadata");
    const struct mr_node *storage = mr_view_get(view, "EphemeralStorage");

    *out = (struct mr_template_function){
        .logical_id = mr_keep(reading, view->resource->id),
        .name = mr_keep(reading, mr_name_of(reading, view->resource)),
        .arn = mr_keep(reading, mr_attribute_of(reading, view->resource, MR_SLICE("Arn"))),
        .place = mr_place_of(view->resource->id_node),
        .is_serverless = mr_slice_is(view->resource->type, "AWS::Serverless::Function"),
        .runtime = mr_view_text(view, "Runtime"),
        .handler = mr_view_text(view, "Handler"),
        .description = mr_view_text(view, "Description"),
        .role = mr_view_text(view, "Role"),
        .build_method = mr_keep(reading, mr_node_text(mr_node_get(metadata, "BuildMethod"))),
        .timeout_s = mr_view_whole(view, "Timeout", 3, 1, 900),
        .memory_mb = mr_view_whole(view, "MemorySize", 128, 128, 10240),
        .reserved_concurrency =
            mr_view_whole(view, "ReservedConcurrentExecutions", -1, 0, 1000000),
        .ephemeral_mb = 512,
        .alias = alias_of(view),
    };
    mr_node_as_i64(mr_node_get(storage, "Size"), &out->ephemeral_mb);
    build_code(view, out);
    build_environment(view, out);
    build_layers(view, out);
    build_architectures(view, out);
    build_dead_letter(view, out);
    build_invoke_config(view, out);
}
