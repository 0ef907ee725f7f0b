#include "cli/function_settings.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

json_t *
mr_functions_fetch(struct mr_remote *remote, struct mr_error *err)
{
    if (mr_remote_lambda(remote, "GET", "/_millrace/status", (struct mr_slice){ 0 }, err) < 0) {
        return NULL;
    }
    json_t *status = json_loadb((const char *)remote->body.data, remote->body.size, 0, NULL);
    json_t *functions = json_incref(json_object_get(status, "functions"));
    json_decref(status);
    if (functions == NULL) {
        mr_fail(err, -EBADMSG, "the status of the daemon names no functions");
    }
    return functions;
}

const json_t *
mr_function_settings(const json_t *functions, const char *name)
{
    for (size_t i = 0; i < json_array_size(functions); i++) {
        const json_t *function = json_array_get(functions, i);
        const char *its_name = json_string_value(json_object_get(function, "name"));
        if (its_name != NULL && strcmp(its_name, name) == 0) {
            return json_object_get(function, "settings");
        }
    }
    return NULL;
}

int
mr_function_settings_put(struct mr_remote *remote, const char *function, const char *member,
                         json_t *value, struct mr_error *err)
{
    json_t *functions = mr_functions_fetch(remote, err);
    if (functions == NULL) {
        json_decref(value);
        return -EREMOTEIO;
    }
    const json_t *before = mr_function_settings(functions, function);
    json_t *settings = before == NULL ? json_object() : json_copy((json_t *)(uintptr_t)before);
    json_decref(functions);
    if (value == NULL) {
        json_object_del(settings, member);
    } else {
        json_object_set_new(settings, member, value);
    }
    mr_auto_free char *path = mr_format("/_millrace/functions/%s/settings", function);
    mr_auto_free char *text = json_dumps(settings, JSON_COMPACT);
    json_decref(settings);
    return mr_remote_lambda(remote, "PUT", path, mr_slice_str(text), err);
}
