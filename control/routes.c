/* Which path is which operation: read down this table to know the API. */
#include "control/inside.h"

#include "net/http.h"

#define F "/2015-03-31/functions/{FunctionName}"

static const struct route routes[] = {
    /* clang-format off */
    { "POST",   "/2015-03-31/functions", "CreateFunction", act_create_function },
    { "GET",    "/2015-03-31/functions", "ListFunctions", act_list_functions },
    { "GET",    F, "GetFunction", act_get_function },
    { "DELETE", F, "DeleteFunction", act_delete_function },
    { "GET",    F "/configuration", "GetFunctionConfiguration", act_get_function_configuration },
    { "PUT",    F "/configuration", "UpdateFunctionConfiguration", act_update_function_configuration },
    { "PUT",    F "/code", "UpdateFunctionCode", act_update_function_code },
    { "POST",   F "/invocations", "Invoke", act_invoke },
    { "POST",   "/2014-11-13/functions/{FunctionName}/invoke-async", "InvokeAsync", act_invoke_async },
    { "POST",   "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", "InvokeWithResponseStream", act_invoke_stream },

    { "POST",   F "/versions", "PublishVersion", act_publish_version },
    { "GET",    F "/versions", "ListVersionsByFunction", act_list_versions },
    { "POST",   F "/aliases", "CreateAlias", act_create_alias },
    { "GET",    F "/aliases", "ListAliases", act_list_aliases },
    { "GET",    F "/aliases/{Name}", "GetAlias", act_get_alias },
    { "PUT",    F "/aliases/{Name}", "UpdateAlias", act_update_alias },
    { "DELETE", F "/aliases/{Name}", "DeleteAlias", act_delete_alias },

    { "PUT",    "/2017-10-31/functions/{FunctionName}/concurrency", "PutFunctionConcurrency", act_put_concurrency },
    { "GET",    "/2019-09-30/functions/{FunctionName}/concurrency", "GetFunctionConcurrency", act_get_concurrency },
    { "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", "DeleteFunctionConcurrency", act_delete_concurrency },
    { "PUT",    "/2019-09-25/functions/{FunctionName}/event-invoke-config", "PutFunctionEventInvokeConfig", act_put_invoke_config },
    { "POST",   "/2019-09-25/functions/{FunctionName}/event-invoke-config", "UpdateFunctionEventInvokeConfig", act_update_invoke_config },
    { "GET",    "/2019-09-25/functions/{FunctionName}/event-invoke-config", "GetFunctionEventInvokeConfig", act_get_invoke_config },
    { "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "DeleteFunctionEventInvokeConfig", act_delete_invoke_config },
    { "GET",    "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", "ListFunctionEventInvokeConfigs", act_list_invoke_configs },
    { "POST",   F "/policy", "AddPermission", act_add_permission },
    { "GET",    F "/policy", "GetPolicy", act_get_policy },
    { "DELETE", F "/policy/{StatementId}", "RemovePermission", act_remove_permission },
    { "PUT",    "/2021-07-20/functions/{FunctionName}/runtime-management-config", "PutRuntimeManagementConfig", act_put_runtime_management },
    { "GET",    "/2021-07-20/functions/{FunctionName}/runtime-management-config", "GetRuntimeManagementConfig", act_get_runtime_management },
    { "GET",    "/2020-06-30/functions/{FunctionName}/code-signing-config", "GetFunctionCodeSigningConfig", act_get_code_signing },
    { "GET",    "/2024-08-31/functions/{FunctionName}/recursion-config", "GetFunctionRecursionConfig", act_get_recursion },
    { "PUT",    "/2024-08-31/functions/{FunctionName}/recursion-config", "PutFunctionRecursionConfig", act_put_recursion },
    { "GET",    "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "ListProvisionedConcurrencyConfigs", act_get_provisioned },
    { "GET",    "/2021-10-31/functions/{FunctionName}/url", "GetFunctionUrlConfig", act_get_url },
    { "GET",    "/2021-10-31/functions/{FunctionName}/urls", "ListFunctionUrlConfigs", act_list_urls },
    { "GET",    "/2016-08-19/account-settings", "GetAccountSettings", act_get_account_settings },

    { "POST",   "/2017-03-31/tags/{Resource}", "TagResource", act_tag },
    { "DELETE", "/2017-03-31/tags/{Resource}", "UntagResource", act_untag },
    { "GET",    "/2017-03-31/tags/{Resource}", "ListTags", act_list_tags },

    { "POST",   "/2018-10-31/layers/{LayerName}/versions", "PublishLayerVersion", act_publish_layer },
    { "GET",    "/2018-10-31/layers/{LayerName}/versions", "ListLayerVersions", act_list_layer_versions },
    { "GET",    "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "GetLayerVersion", act_get_layer },
    { "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "DeleteLayerVersion", act_delete_layer },
    { "GET",    "/2018-10-31/layers", "ListLayers", act_list_layers },

    { "POST",   "/2015-03-31/event-source-mappings", "CreateEventSourceMapping", act_create_mapping },
    { "GET",    "/2015-03-31/event-source-mappings", "ListEventSourceMappings", act_list_mappings },
    { "GET",    "/2015-03-31/event-source-mappings/{UUID}", "GetEventSourceMapping", act_get_mapping },
    { "PUT",    "/2015-03-31/event-source-mappings/{UUID}", "UpdateEventSourceMapping", act_update_mapping },
    { "DELETE", "/2015-03-31/event-source-mappings/{UUID}", "DeleteEventSourceMapping", act_delete_mapping },

    { "GET",    "/_millrace/health", NULL, act_local_health },
    { "GET",    "/_millrace/status", NULL, act_local_status },
    { "GET",    "/_millrace/events", NULL, act_local_events },
    { "GET",    "/_millrace/code/{Name}/{Hash}", NULL, act_local_code },
    { "PUT",    "/_millrace/functions/{FunctionName}/settings", NULL, act_local_settings },
    { "POST",   "/_millrace/mappings/{UUID}/seek", NULL, act_local_seek },
    { "GET",    "/_millrace/history", NULL, act_local_history },
    { "GET",    "/_millrace/history/{Id}", NULL, act_local_history_one },
    { "GET",    "/_millrace/dlq", NULL, act_local_dlq_list },
    { "GET",    "/_millrace/dlq/{Id}", NULL, act_local_dlq_one },
    { "DELETE", "/_millrace/dlq/{Id}", NULL, act_local_dlq_delete },
    { "POST",   "/_millrace/dlq/{Id}/redrive", NULL, act_local_dlq_redrive },
    { "GET",    "/metrics", NULL, act_local_metrics },
    /* clang-format on */
};

/* The next part of a path, without its slashes; absent at the end. */
static struct mr_slice
part_of(struct mr_slice *path)
{
    while (path->size > 0 && path->data[0] == '/') {
        *path = mr_slice_from(*path, 1);
    }
    if (path->size == 0) {
        return (struct mr_slice){ NULL, 0 };
    }
    struct mr_slice rest = *path;
    struct mr_slice part = mr_slice_cut(&rest, '/');
    *path = rest.data != NULL ? rest : mr_slice_from(part, part.size);
    return part;
}

static bool
fits(const char *pattern, struct mr_slice path, json_t *params, struct mr_arena *arena)
{
    struct mr_slice wanted = mr_slice_str(pattern);

    for (;;) {
        struct mr_slice want = part_of(&wanted);
        struct mr_slice part = part_of(&path);
        if (want.data == NULL || part.data == NULL) {
            return want.data == part.data;
        }
        if (want.data[0] != '{') {
            if (!mr_slice_eq(want, part)) {
                return false;
            }
            continue;
        }
        const char *name = mr_arena_cstr(arena, mr_slice_of(want.data + 1, want.size - 2));
        json_object_set_new(params, name, json_text(mr_http_url_decode(part, false, arena)));
    }
}

const struct route *
route_find(struct mr_slice method, struct mr_slice path, json_t *params, struct mr_arena *arena)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!mr_slice_is(method, routes[i].method)) {
            continue;
        }
        json_object_clear(params);
        if (fits(routes[i].path, path, params, arena)) {
            return &routes[i];
        }
    }
    json_object_clear(params);
    return NULL;
}
