/* Layers: zips that functions share, unpacked once and seen at /opt. */
#include <stdio.h>
#include <string.h>

#include "aws/arn.h"
#include "control/inside.h"

enum { MAX_LAYERS = 5 };

static const char *
layer_arn(struct call *call, const char *name)
{
    mr_auto_buf struct mr_buf buf = { 0 };

    mr_arn_append(&buf, "lambda", call->control->options.region, call->control->options.account,
                  "layer:%s", name);
    return mr_arena_cstr(call->arena, mr_buf_slice(&buf));
}

/* "name", or "arn:aws:lambda:us-east-1:123456789012:layer:name". */
static const char *
bare_name(const char *given)
{
    const char *behind = strstr(given, ":layer:");

    return behind != NULL ? behind + strlen(":layer:") : given;
}

static json_t *
find_version(const struct mr_control *control, const char *name, const char *number)
{
    json_t *layer = mr_state_get(control->state, MR_STATE_LAYER, name);

    return json_object_get(json_object_get(layer, "versions"), number);
}

/* As a list shows it; `whole`: with where its content is. */
static json_t *
version_out(struct call *call, const char *name, const json_t *version, bool whole)
{
    json_t *out = json_object(), *value;
    const char *member;

    json_object_foreach((json_t *)(uintptr_t)version, member, value)
    {
        if (member[0] != '_' && strncmp(member, "Code", 4) != 0) {
            json_object_set(out, member, value);
        }
    }
    if (whole) {
        char *owner = mr_arena_printf(call->arena, "@%s", name);
        json_object_set_new(out, "LayerArn", json_string(layer_arn(call, name)));
        json_object_set_new(out, "Content",
                            json_pack("{s:s, s:O, s:O}", "Location",
                                      code_location(call, owner, version), "CodeSha256",
                                      json_object_get(version, "CodeSha256"), "CodeSize",
                                      json_object_get(version, "CodeSize")));
    }
    return out;
}

static json_t *
layer_of(struct call *call, const char *name)
{
    json_t *layer = mr_state_get(call->control->state, MR_STATE_LAYER, name);

    return layer != NULL ? json_deep_copy(layer)
                         : json_pack("{s:s, s:i, s:{}}", "name", name, "next", 1, "versions");
}

static bool
save(struct call *call, const char *name, json_t *layer)
{
    struct mr_error err = { 0 };

    if (mr_state_put(call->control->state, MR_STATE_LAYER, name, layer, &err) < 0) {
        call_fail(call, "ServiceException", "%s", err.text);
        return false;
    }
    return true;
}

void
act_publish_layer(struct call *call)
{
    static const char *const as_given[] = { "Description", "LicenseInfo", "CompatibleRuntimes",
                                            "CompatibleArchitectures" };
    const char *name = bare_name(call_text(call, "LayerName"));
    char *owner = mr_arena_printf(call->arena, "@%s", name);
    json_t *version = json_pack("{s:s}", "Description", "");

    if (!code_store(call, owner, call_member(call, "Content"), version)) {
        json_decref(version);
        return;
    }
    json_t *layer = layer_of(call, name);
    json_int_t number = json_integer_value(json_object_get(layer, "next"));
    for (size_t i = 0; i < sizeof(as_given) / sizeof(as_given[0]); i++) {
        if (call_member(call, as_given[i]) != NULL) {
            json_object_set(version, as_given[i], call_member(call, as_given[i]));
        }
    }
    json_object_set_new(version, "Version", json_integer(number));
    json_object_set_new(version, "LayerVersionArn",
                        json_printf("%s:%lld", layer_arn(call, name), (long long)number));
    json_object_set_new(version, "CreatedDate", control_date(call->control));
    json_object_set_new(layer, "next", json_integer(number + 1));
    json_object_set_new(json_object_get(layer, "versions"),
                        mr_arena_printf(call->arena, "%lld", (long long)number), version);
    if (save(call, name, layer)) {
        call_reply(call, 201, version_out(call, name, version, true));
    }
    json_decref(layer);
}

static void
get_version(struct call *call, const char *name, const char *number)
{
    json_t *version = find_version(call->control, name, number);

    if (version == NULL) {
        call_fail(call, "ResourceNotFoundException",
                  "The resource you requested does not exist.");
        return;
    }
    call_reply(call, 200, version_out(call, name, version, true));
}

/* The version's number as text; NULL after an answer. */
static const char *
number_of(struct call *call)
{
    long long number = (long long)call_number(call, "VersionNumber", 0);

    if (number < 1) {
        call_fail(call, "InvalidParameterValueException",
                  "Layer Version Cannot be less than 1");
        return NULL;
    }
    return mr_arena_printf(call->arena, "%lld", number);
}

void
act_get_layer(struct call *call)
{
    const char *number = number_of(call);

    if (number != NULL) {
        get_version(call, bare_name(call_text(call, "LayerName")), number);
    }
}

void
act_delete_layer(struct call *call)
{
    const char *name = bare_name(call_text(call, "LayerName"));
    const char *number = number_of(call);

    if (number == NULL) {
        return;
    }
    json_t *layer = layer_of(call, name);
    json_object_del(json_object_get(layer, "versions"), number);
    if (save(call, name, layer)) {
        call_reply(call, 204, NULL);
    }
    json_decref(layer);
}

/* Is the version made for what the call asks for: `member` of it lists that? */
static bool
made_for(struct call *call, const json_t *version, const char *asked, const char *member)
{
    const char *wanted = call_text(call, asked);
    const json_t *list = json_object_get(version, member);

    for (size_t i = 0; wanted != NULL && i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), wanted) == 0) {
            return true;
        }
    }
    return wanted == NULL;
}

static json_t *
versions_of(struct call *call, const char *name, const json_t *layer)
{
    json_t *list = json_array(), *version;
    const char *number;

    json_object_foreach(json_object_get(layer, "versions"), number, version)
    {
        if (made_for(call, version, "CompatibleRuntime", "CompatibleRuntimes") &&
            made_for(call, version, "CompatibleArchitecture", "CompatibleArchitectures")) {
            json_array_insert_new(list, 0, version_out(call, name, version, false));
        }
    }
    return list;
}

void
act_list_layer_versions(struct call *call)
{
    const char *name = bare_name(call_text(call, "LayerName"));

    call_reply_page(
        call, "LayerVersions",
        versions_of(call, name, mr_state_get(call->control->state, MR_STATE_LAYER, name)));
}

static void
get_by_arn(struct call *call, struct mr_slice given)
{
    const char *arn = mr_arena_cstr(call->arena, given);
    char *name = mr_arena_cstr(call->arena, mr_slice_str(bare_name(arn)));
    char *colon = strrchr(name, ':');

    if (colon == NULL) {
        call_fail(
            call, "ValidationException",
            "1 validation error detected: Value '%s' at 'arn' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: "
            "arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+",
            arn);
        return;
    }
    *colon = '\0';
    get_version(call, name, colon + 1);
}

void
act_list_layers(struct call *call)
{
    struct mr_slice arn = mr_http_query_get(call->request->query, "Arn", call->arena);
    json_t *list = json_array(), *layer;
    const char *name;

    if (arn.data != NULL) {
        json_decref(list);
        get_by_arn(call, arn);
        return;
    }
    json_object_foreach(mr_state_all(call->control->state, MR_STATE_LAYER), name, layer)
    {
        json_t *versions = versions_of(call, name, layer);
        if (json_array_size(versions) > 0) {
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:O}", "LayerName", name, "LayerArn",
                                            layer_arn(call, name), "LatestMatchingVersion",
                                            json_array_get(versions, 0)));
        }
        json_decref(versions);
    }
    call_reply_page(call, "Layers", list);
}

/* ---- a function's layers ---- */

static const char *
region_of(struct call *call, const char *arn)
{
    struct mr_slice rest = mr_slice_str(arn);

    for (int i = 0; i < 3; i++) {
        mr_slice_cut(&rest, ':');
    }
    return mr_arena_cstr(call->arena, mr_slice_cut(&rest, ':'));
}

/* Is the layer of `arn` from here, and among those before it for the first time? */
static bool
may_join(struct call *call, const json_t *before, const char *arn, size_t name_size)
{
    const char *region = call->control->options.region;

    if (strcmp(region_of(call, arn), region) != 0) {
        call_fail(
            call, "InvalidParameterValueException",
            "Layers are not in the same region as the function. Layers are expected to be "
            "in region %s.",
            region);
        return false;
    }
    for (size_t i = 0; i < json_array_size(before); i++) {
        const char *other = json_text_of(json_array_get(before, i), "Arn");
        if (strncmp(other, arn, name_size) == 0) {
            call_fail(call, "InvalidParameterValueException",
                      "Two different versions of the same layer are not allowed to be "
                      "referenced in the same function. %s and %s are versions of the same "
                      "layer.",
                      other, arn);
            return false;
        }
    }
    return true;
}

json_t *
layers_out(struct call *call, json_t *arns)
{
    json_t *out = json_array(), *given;
    size_t index;

    if (json_array_size(arns) > MAX_LAYERS) {
        json_decref(out);
        call_fail(call, "InvalidParameterValueException",
                  "Cannot reference more than 5 layers.");
        return NULL;
    }
    json_array_foreach(arns, index, given)
    {
        const char *arn = json_string_value(given);
        char *name = mr_arena_cstr(call->arena, mr_slice_str(bare_name(arn)));
        char *colon = strrchr(name, ':');
        if (colon != NULL) {
            *colon = '\0';
        }
        const char *end = strrchr(arn, ':');
        if (end != NULL && !may_join(call, out, arn, (size_t)(end + 1 - arn))) {
            json_decref(out);
            return NULL;
        }
        json_t *version = colon == NULL ? NULL : find_version(call->control, name, colon + 1);
        if (version == NULL) {
            json_decref(out);
            call_fail(call, "InvalidParameterValueException",
                      "Layer version %s does not exist.", arn);
            return NULL;
        }
        json_array_append_new(out, json_pack("{s:s, s:O}", "Arn", arn, "CodeSize",
                                             json_object_get(version, "CodeSize")));
    }
    return out;
}

json_t *
layers_directories(const struct mr_control *control, const json_t *layers)
{
    json_t *out = json_array();

    for (size_t i = 0; i < json_array_size(layers); i++) {
        const char *arn = json_text_of(json_array_get(layers, i), "Arn");
        char name[256], *colon;
        snprintf(name, sizeof(name), "%s", bare_name(arn));
        colon = strrchr(name, ':');
        if (colon == NULL) {
            continue;
        }
        *colon = '\0';
        json_t *version = find_version(control, name, colon + 1);
        json_t *directory = json_object_get(json_object_get(version, "_code"), "directory");
        if (directory != NULL) {
            json_array_append(out, directory);
        }
    }
    return out;
}
