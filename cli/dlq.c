/*
 * millrace dlq: what was given up and stands in the local dead-letter store.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <argp.h>
#include <jansson.h>

#include "base/alloc.h"
#include "cli/mapping_names.h"
#include "cli/place.h"
#include "cli/remote.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { OUTPUT = 256, MAPPING, ALL, TO, PAGE = 100, MAX_IDS = 1000, MAX_ERROR_TEXT = 200 };

static const struct argp_option options[] = {
    { "mapping", 'm', "MAPPING", 0, "list, --all: only what this mapping gave up", 0 },
    { "all", ALL, NULL, 0, "redrive, delete: every letter", 0 },
    { "to", TO, "function|destination", 0,
      "redrive: the event to its function again (default), or the document to its destination",
      0 },
    { "output", OUTPUT, "text|json", 0, "list: json is one object a line", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *action, *mapping, *to;
    const char *ids[MAX_IDS];
    size_t id_count;
    bool all, json_output;
};

struct dlq {
    const struct flags *flags;
    struct mr_place place;
    struct mr_remote remote;
    char *uuid; /* of --mapping; NULL: all */
};

/* ---- asking ---- */

static int
ask(struct dlq *dlq, const char *method, const char *path, json_t **out_answer,
    struct mr_error *err)
{
    struct mr_remote *remote = &dlq->remote;
    if (mr_remote_lambda(remote, method, path, (struct mr_slice){ 0 }, err) < 0) {
        return err->code;
    }
    *out_answer =
        json_loadb((const char *)remote->body.data, remote->body.size, JSON_DECODE_ANY, NULL);
    return 0;
}

/* A function of one letter; negative ends the walk. */
typedef int(letter_fn)(struct dlq *dlq, json_t *letter, struct mr_error *err);

/* How many letters it was called for. */
static int
each(struct dlq *dlq, letter_fn *fn, struct mr_error *err)
{
    long long after = 0;
    int seen = 0;
    size_t count;
    do {
        json_t *page = NULL, *letter;
        size_t i;
        mr_auto_free char *path =
            mr_format("/_millrace/dlq?after=%lld&limit=%d%s%s", after, PAGE,
                      dlq->uuid == NULL ? "" : "&mapping=", dlq->uuid == NULL ? "" : dlq->uuid);
        int result = ask(dlq, "GET", path, &page, err);
        json_t *letters = json_object_get(page, "letters");
        count = json_array_size(letters);
        json_array_foreach(letters, i, letter)
        {
            after = json_integer_value(json_object_get(letter, "id"));
            result = result < 0 ? result : fn(dlq, letter, err);
            seen++;
        }
        json_decref(page);
        if (result < 0) {
            return result;
        }
    } while (count == PAGE);
    return seen;
}

static const char *
text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "" : value;
}

static const char *
last_part(const char *arn)
{
    const char *part = strrchr(arn, '/');
    part = part == NULL ? strrchr(arn, ':') : part;
    return part == NULL ? arn : part + 1;
}

/* ---- list ---- */

static int
print_letter(struct dlq *dlq, json_t *letter, struct mr_error *err)
{
    char when[32];
    (void)err;
    if (dlq->flags->json_output) {
        json_dumpf(letter, stdout, JSON_COMPACT);
        putchar('\n');
        return 0;
    }
    time_t seconds = (time_t)(json_integer_value(json_object_get(letter, "timeMs")) / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
    printf("%4lld  %s  %-22s %lld rec  %lld tries  %s",
           json_integer_value(json_object_get(letter, "id")), when, text(letter, "condition"),
           json_integer_value(json_object_get(letter, "batchSize")),
           json_integer_value(json_object_get(letter, "invokeCount")),
           last_part(text(letter, "function")));
    if (text(letter, "shard")[0] != '\0') {
        mr_auto_arena struct mr_arena arena = { 0 };
        printf("  %s %s", last_part(text(letter, "source")),
               mr_slice_starts_with(mr_slice_str(text(letter, "shard")), MR_SLICE("shardId-"))
                   ? mr_arena_printf(&arena, "shard-%llu",
                                     strtoull(text(letter, "shard") + 8, NULL, 10))
                   : text(letter, "shard"));
    }
    printf(" → %s", last_part(text(letter, "destination")));
    if (text(letter, "reason")[0] != '\0') {
        printf("  (%s)", text(letter, "reason"));
    }
    putchar('\n');
    return 0;
}

static int
list(struct dlq *dlq, struct mr_error *err)
{
    int seen = each(dlq, print_letter, err);
    if (seen == 0 && !dlq->flags->json_output) {
        printf("nothing was given up\n");
    } else if (seen > 0 && !dlq->flags->json_output) {
        printf("millrace dlq show ID says more; millrace dlq redrive ID tries again\n");
    }
    return seen < 0 ? seen : 0;
}

/* ---- one ---- */

static int
show_one(struct dlq *dlq, const char *id, struct mr_error *err)
{
    json_t *letter = NULL;
    mr_auto_free char *path = mr_format("/_millrace/dlq/%s", id);
    if (ask(dlq, "GET", path, &letter, err) < 0) {
        return err->code;
    }
    json_dumpf(letter, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(letter);
    return 0;
}

static int
redrive_one(struct dlq *dlq, const char *id, struct mr_error *err)
{
    json_t *answer = NULL;
    mr_auto_free char *path = mr_format("/_millrace/dlq/%s/redrive?to=%s", id, dlq->flags->to);
    if (ask(dlq, "POST", path, &answer, err) < 0) {
        return err->code;
    }
    bool good = strcmp(text(answer, "status"), "ok") == 0;
    if (good) {
        printf("%s  %s\n", id,
               strcmp(dlq->flags->to, "function") == 0 ? "handled; it is gone from here"
                                                       : "delivered; it is gone from here");
    } else {
        mr_fail(err, -EIO, "%s failed again and stays: %.*s", id, MAX_ERROR_TEXT,
                text(answer, "detail"));
    }
    json_decref(answer);
    return good ? 0 : err->code;
}

static int
delete_one(struct dlq *dlq, const char *id, struct mr_error *err)
{
    json_t *answer = NULL;
    mr_auto_free char *path = mr_format("/_millrace/dlq/%s", id);
    if (ask(dlq, "DELETE", path, &answer, err) < 0) {
        return err->code;
    }
    json_decref(answer);
    printf("%s  forgotten\n", id);
    return 0;
}

static int
redrive_letter(struct dlq *dlq, json_t *letter, struct mr_error *err)
{
    mr_auto_free char *id =
        mr_format("%lld", json_integer_value(json_object_get(letter, "id")));
    struct mr_error why = { 0 };
    if (redrive_one(dlq, id, &why) < 0 && why.code != -EIO) {
        *err = why;
        return why.code;
    }
    if (why.code < 0) {
        printf("%s\n", why.text); /* the others may fare better */
    }
    return 0;
}

static int
delete_letter(struct dlq *dlq, json_t *letter, struct mr_error *err)
{
    mr_auto_free char *id =
        mr_format("%lld", json_integer_value(json_object_get(letter, "id")));
    return delete_one(dlq, id, err);
}

/* ---- which ---- */

static const struct {
    const char *name;
    int (*one)(struct dlq *dlq, const char *id, struct mr_error *err);
    letter_fn *every; /* with --all; NULL: that makes no sense */
} actions[] = {
    { "show", show_one, NULL },
    { "redrive", redrive_one, redrive_letter },
    { "delete", delete_one, delete_letter },
};
enum { ACTIONS = sizeof(actions) / sizeof(actions[0]) };

static size_t
action_of(const char *name)
{
    size_t i = 0;
    while (i < ACTIONS && strcmp(actions[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void
check(struct argp_state *state, const struct flags *flags)
{
    if (flags->action == NULL || strcmp(flags->action, "list") == 0) {
        return;
    }
    size_t action = action_of(flags->action);
    if (action == ACTIONS) {
        argp_error(state, "\"%s\" is none of list, show, redrive, delete", flags->action);
    } else if (flags->all && actions[action].every == NULL) {
        argp_error(state, "show takes ids, not --all");
    } else if (!flags->all && flags->id_count == 0) {
        argp_error(state, "millrace dlq %s ID...; `millrace dlq list` shows the ids",
                   flags->action);
    }
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const outputs[] = { "text", "json", NULL };
    static const char *const places[] = { "function", "destination", NULL };
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case 'm':
        flags->mapping = arg;
        return 0;
    case ALL:
        flags->all = true;
        return 0;
    case TO:
        flags->to = places[mr_flag_choice(state, "--to", arg, places)];
        return 0;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        return 0;
    case ARGP_KEY_ARG:
        if (flags->action == NULL) {
            flags->action = arg;
        } else if (strspn(arg, "0123456789") != strlen(arg)) {
            argp_error(state, "\"%s\" is no id: ids are numbers", arg);
        } else if (flags->id_count < MAX_IDS) {
            flags->ids[flags->id_count++] = arg;
        }
        return 0;
    case ARGP_KEY_END:
        check(state, flags);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int
act(struct dlq *dlq, struct mr_error *err)
{
    const struct flags *flags = dlq->flags;
    if (flags->mapping != NULL) {
        dlq->uuid = mr_mapping_find(&dlq->place, &dlq->remote, flags->mapping, err);
        if (dlq->uuid == NULL) {
            return err->code;
        }
    }
    if (flags->action == NULL || strcmp(flags->action, "list") == 0) {
        return list(dlq, err);
    }
    size_t action = action_of(flags->action);
    if (flags->all) {
        int seen = each(dlq, actions[action].every, err);
        return seen < 0 ? seen : 0;
    }
    for (size_t i = 0; i < flags->id_count; i++) {
        if (actions[action].one(dlq, flags->ids[i], err) < 0) {
            return err->code;
        }
    }
    return 0;
}

int
mr_verb_dlq(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "\nlist\nshow ID...\nredrive ID... | --all\ndelete ID... | --all",
        .children = children,
        .doc =
            "Look at the batches that were given up and kept here, try them again, or forget "
            "them.\vA failure destination that has no endpoint (AWS_ENDPOINT_URL_SQS and its "
            "like) is stood in for by this store; what a destination did not take is kept "
            "here too.",
    };
    struct flags flags = { .to = "function" };
    struct dlq dlq = { .flags = &flags };
    struct mr_error err = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&dlq.place, &flags.place);
    mr_remote_init(&dlq.remote, NULL, &dlq.place);
    int result = act(&dlq, &err);
    int exit_code = result < 0 ? mr_complain(MR_EXIT_FAILED, "%s", err.text) : MR_EXIT_OK;
    free(dlq.uuid);
    mr_remote_deinit(&dlq.remote);
    mr_place_deinit(&dlq.place);
    return exit_code;
}
