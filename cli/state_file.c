#include "cli/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct mr_state_file {
    char *path;
    json_t *root;
};

struct mr_state_file *
mr_state_file_open(const char *path)
{
    struct mr_state_file *state = mr_alloc_zero(1, sizeof(*state));
    state->path = mr_strdup(path);
    state->root = json_load_file(path, 0, NULL);
    if (!json_is_object(state->root)) {
        json_decref(state->root);
        state->root = json_object();
    }
    return state;
}

void
mr_state_file_close(struct mr_state_file *state)
{
    if (state != NULL) {
        json_decref(state->root);
        free(state->path);
        free(state);
    }
}

int
mr_state_file_write(struct mr_state_file *state, struct mr_error *err)
{
    mr_auto_free char *fresh = mr_format("%s.new", state->path);
    if (json_dump_file(state->root, fresh, JSON_INDENT(2) | JSON_SORT_KEYS) < 0 ||
        rename(fresh, state->path) < 0) {
        return mr_fail(err, errno == 0 ? -EIO : -errno, "write %s: %s", state->path,
                       strerror(errno));
    }
    return 0;
}

void
mr_state_file_set(struct mr_state_file *state, const char *name, const char *value)
{
    json_object_set_new(state->root, name, json_string(value));
}

void
mr_state_file_set_number(struct mr_state_file *state, const char *name, int64_t value)
{
    json_object_set_new(state->root, name, json_integer(value));
}

json_t *
mr_state_file_group(struct mr_state_file *state, const char *group)
{
    json_t *found = json_object_get(state->root, group);
    if (!json_is_object(found)) {
        found = json_object();
        json_object_set_new(state->root, group, found);
    }
    return found;
}

void
mr_state_file_put(struct mr_state_file *state, const char *group, const char *name,
                  json_t *value)
{
    if (value == NULL) {
        json_object_del(mr_state_file_group(state, group), name);
    } else {
        json_object_set_new(mr_state_file_group(state, group), name, value);
    }
}

json_t *
mr_state_file_get(const struct mr_state_file *state, const char *group, const char *name)
{
    return json_object_get(json_object_get(state->root, group), name);
}
