#include "cli/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/json_reader.h"

enum { ENDPOINT = 1, REGION, DATA, MAX_STATE_BYTES = 4 * 1024 * 1024 };

static const struct argp_option options[] = {
    { "endpoint-url", ENDPOINT, "URL", 0, "Talk to this endpoint", 90 },
    { "region", REGION, "REGION", 0, "The region to sign for", 90 },
    { "data", DATA, "DIR", 0, "The directory `millrace up` keeps its state in", 90 },
    { 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct mr_place_flags *flags = state->input;
    switch (key) {
    case ENDPOINT:
        flags->endpoint = arg;
        return 0;
    case REGION:
        flags->region = arg;
        return 0;
    case DATA:
        flags->data = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp mr_place_argp = { .options = options, .parser = parse };

/* ---- up.json ---- */

static const char *
read_file(struct mr_arena *arena, const char *path)
{
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    char *text = mr_arena_alloc(arena, MAX_STATE_BYTES + 1);
    size_t size = 0;
    ssize_t got;
    while (size < MAX_STATE_BYTES &&
           (got = read(fd, text + size, MAX_STATE_BYTES - size)) > 0) {
        size += (size_t)got;
    }
    text[size] = '\0';
    return text;
}

/* The nearest .millrace with an up.json, from here upwards. */
static bool
find_state(struct mr_place *place)
{
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof(directory)) == NULL) {
        return false;
    }
    for (;;) {
        const char *data = mr_arena_printf(&place->arena, "%s/.millrace", directory);
        const char *path = mr_arena_printf(&place->arena, "%s/up.json", data);
        if (access(path, R_OK) == 0) {
            place->data = (struct mr_setting){ data, "found here or above" };
            place->state_json = read_file(&place->arena, path);
            return place->state_json != NULL;
        }
        char *slash = strrchr(directory, '/');
        if (slash == NULL || directory[1] == '\0') {
            return false;
        }
        slash[slash == directory ? 1 : 0] = '\0';
    }
}

/* The value of a member of the outermost object, or absent. */
static bool
member(struct mr_json *json, const char *name)
{
    struct mr_slice key;
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, name)) {
            return true;
        }
        mr_json_skip(json);
    }
    return false;
}

static const char *
state_text(struct mr_place *place, const char *group, const char *name)
{
    if (place->state_json == NULL) {
        return NULL;
    }
    struct mr_json json = mr_json_of(mr_slice_str(place->state_json));
    struct mr_slice text;
    if (!mr_json_enter(&json) ||
        (group != NULL && (!member(&json, group) || !mr_json_enter(&json))) ||
        !member(&json, name) || !mr_json_string(&json, &place->arena, &text)) {
        return NULL;
    }
    return mr_arena_cstr(&place->arena, text);
}

/* ---- settings ---- */

struct choice {
    const char *flag, *flag_name;
    const char *variables[3];
    const char *state;
    const char *standard;
};

static struct mr_setting
choose(struct mr_place *place, const struct choice *choice)
{
    if (choice->flag != NULL) {
        return (struct mr_setting){ choice->flag, choice->flag_name };
    }
    for (size_t i = 0; i < 3 && choice->variables[i] != NULL; i++) {
        const char *value = getenv(choice->variables[i]);
        if (value != NULL && value[0] != '\0') {
            return (struct mr_setting){ value, choice->variables[i] };
        }
    }
    const char *value = choice->state == NULL ? NULL : state_text(place, NULL, choice->state);
    if (value != NULL) {
        return (struct mr_setting){ value, mr_arena_printf(&place->arena, "%s/up.json",
                                                           place->data.value) };
    }
    return (struct mr_setting){ choice->standard, "default" };
}

void
mr_place_find(struct mr_place *place, const struct mr_place_flags *flags)
{
    *place = (struct mr_place){ 0 };
    place->data = choose(place, &(struct choice){ .flag = flags->data,
                                                  .flag_name = "flag --data",
                                                  .variables = { "MILLRACE_DATA" } });
    if (place->data.value != NULL) {
        place->state_json = read_file(
            &place->arena, mr_arena_printf(&place->arena, "%s/up.json", place->data.value));
    } else if (!find_state(place)) {
        place->data = (struct mr_setting){ ".millrace", "default" };
    }
    place->endpoint =
        choose(place, &(struct choice){ flags->endpoint,
                                        "flag --endpoint-url",
                                        { "MILLRACE_ENDPOINT", "AWS_ENDPOINT_URL" },
                                        "endpoint",
                                        "http://127.0.0.1:4566" });
    place->region = choose(place, &(struct choice){ flags->region,
                                                    "flag --region",
                                                    { "AWS_REGION", "AWS_DEFAULT_REGION" },
                                                    "region",
                                                    "us-east-1" });
    place->account =
        choose(place, &(struct choice){ .state = "account", .standard = "123456789012" });
    place->access_key = choose(
        place, &(struct choice){ .variables = { "AWS_ACCESS_KEY_ID" }, .standard = "local" });
    place->secret_key =
        choose(place, &(struct choice){ .variables = { "AWS_SECRET_ACCESS_KEY" },
                                        .standard = "local" });
    place->session_token =
        choose(place, &(struct choice){ .variables = { "AWS_SESSION_TOKEN" } });
}

void
mr_place_deinit(struct mr_place *place)
{
    mr_arena_deinit(&place->arena);
}

const char *
mr_place_name(struct mr_place *place, const char *kind, const char *word)
{
    const char *name = state_text(place, kind, word);
    return name == NULL ? word : name;
}

const char *
mr_place_state(struct mr_place *place, const char *name)
{
    return state_text(place, NULL, name);
}
