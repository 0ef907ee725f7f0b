#include "cli/mapping_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"

char *
mr_mapping_logical_id(const struct mr_place *place, const char *uuid)
{
    json_t *state = place->state_json == NULL ? NULL : json_loads(place->state_json, 0, NULL);
    const char *name;
    json_t *value;
    char *found = NULL;
    json_object_foreach(json_object_get(state, "mappings"), name, value)
    {
        if (found == NULL && json_is_string(value) &&
            strcmp(json_string_value(value), uuid) == 0) {
            found = mr_strdup(name);
        }
    }
    json_decref(state);
    return found;
}

static bool
is_uuid(const char *word)
{
    return strlen(word) == 36 && strspn(word, "0123456789abcdef-") == 36;
}

/* Does the mapping feed that function? ARN:NAME or ARN:NAME:QUALIFIER. */
static bool
feeds(const json_t *mapping, const char *function)
{
    const char *arn = json_string_value(json_object_get(mapping, "FunctionArn"));
    const char *name = arn == NULL ? NULL : strstr(arn, ":function:");
    size_t size = strlen(function);
    return name != NULL && strncmp(name + 10, function, size) == 0 &&
           (name[10 + size] == '\0' || name[10 + size] == ':');
}

char *
mr_mapping_find(struct mr_place *place, struct mr_remote *remote, const char *word,
                struct mr_error *err)
{
    const char *uuid = mr_place_name(place, "mappings", word);
    if (is_uuid(uuid)) {
        return mr_strdup(uuid);
    }
    const char *function = mr_place_name(place, "functions", word);
    if (mr_remote_lambda(remote, "GET", "/2015-03-31/event-source-mappings",
                         (struct mr_slice){ 0 }, err) < 0) {
        return NULL;
    }
    json_t *answer = json_loadb((const char *)remote->body.data, remote->body.size, 0, NULL);
    json_t *mapping;
    size_t i, matches = 0;
    char *found = NULL;
    json_array_foreach(json_object_get(answer, "EventSourceMappings"), i, mapping)
    {
        if (feeds(mapping, function)) {
            free(found);
            found = mr_strdup(json_string_value(json_object_get(mapping, "UUID")));
            matches++;
        }
    }
    json_decref(answer);
    if (matches == 1) {
        return found;
    }
    free(found);
    mr_fail(err, -ENOENT,
            matches == 0
                ? "there is no mapping %s; `millrace status` shows them"
                : "%s has more than one mapping; name one of them, see `millrace status`",
            word);
    return NULL;
}
