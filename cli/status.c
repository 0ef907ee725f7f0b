/*
 * millrace status: what runs, how far every mapping has come, and what keeps it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <argp.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/batch_lines.h"
#include "cli/mapping_names.h"
#include "cli/place.h"
#include "cli/remote.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { OUTPUT = 256, WAIT, LOOK_MS = 50, MAX_WAIT_S = 86400 };

static const struct argp_option options[] = {
    { "output", OUTPUT, "text|json", 0, "json: the daemon's own document", 0 },
    { "wait", WAIT, "SECONDS", 0,
      "First wait until every record that was put is handled or given up; exit code 1 when "
      "that "
      "takes longer",
      0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    bool json_output, wait;
    uint64_t wait_s;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const outputs[] = { "text", "json", NULL };
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        return 0;
    case WAIT:
        flags->wait = true;
        flags->wait_s = mr_flag_number(state, "--wait", arg, 0, MAX_WAIT_S);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is not an option", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int
fetch(struct mr_remote *remote, json_t **out_status, struct mr_error *err)
{
    if (mr_remote_lambda(remote, "GET", "/_millrace/status", (struct mr_slice){ 0 }, err) < 0) {
        return err->code;
    }
    *out_status = json_loadb((const char *)remote->body.data, remote->body.size, 0, NULL);
    return *out_status == NULL ? mr_fail(err, -EBADMSG, "the status is no JSON") : 0;
}

/* Nothing unread, nothing in flight, of every mapping that runs. */
static bool
is_drained(const json_t *status)
{
    json_t *mapping;
    size_t i;
    json_array_foreach(json_object_get(status, "mappings"), i, mapping)
    {
        if (json_is_true(json_object_get(mapping, "running")) &&
            (!json_is_true(json_object_get(mapping, "reading")) ||
             !json_is_true(json_object_get(mapping, "drained")))) {
            return false;
        }
    }
    return true;
}

static int
wait_drained(const struct flags *flags, struct mr_remote *remote, json_t **status,
             struct mr_error *err)
{
    uint64_t until_ms = mr_clock_now_ms(mr_clock_system()) + flags->wait_s * 1000;
    while (!is_drained(*status)) {
        if (mr_clock_now_ms(mr_clock_system()) > until_ms) {
            return mr_fail(err, -ETIMEDOUT, "there is still work after %llu s",
                           (unsigned long long)flags->wait_s);
        }
        struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
        nanosleep(&pause, NULL);
        json_decref(*status);
        *status = NULL;
        if (fetch(remote, status, err) < 0) {
            return err->code;
        }
    }
    return 0;
}

/* ---- showing ---- */

static const char *
text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "" : value;
}

static long long
number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *
last_part(const char *arn)
{
    const char *part = strrchr(arn, '/');
    part = part == NULL ? strrchr(arn, ':') : part;
    return part == NULL ? arn : part + 1;
}

static void
print_function(const json_t *function)
{
    printf("function  %-24s %-10s %-16s %4lld MB  %3lld s\n", text(function, "name"),
           text(function, "state"), text(function, "runtime"), number(function, "memoryMb"),
           number(function, "timeoutS"));
}

static void
print_shard(const json_t *shard)
{
    const char *checkpoint = text(shard, "checkpoint");
    bool caught_up = json_is_true(json_object_get(shard, "caughtUp"));
    bool finished = json_is_true(json_object_get(shard, "finished"));
    unsigned long long index =
        (unsigned long long)mr_sequence_index_of(mr_slice_str(checkpoint));
    printf("          %s  ", text(shard, "id"));
    if (checkpoint[0] == '\0') {
        printf("checkpoint -");
    } else {
        printf("checkpoint #%llu", index);
    }
    if (finished) {
        printf("  read to its end");
    } else if (json_is_true(json_object_get(shard, "waiting"))) {
        printf("  waits for its parents");
    } else if (caught_up) {
        printf("  %sat the head%s", mr_colour(stdout, MR_GREEN), mr_colour(stdout, MR_PLAIN));
    } else {
        printf("  %lld ms behind", number(shard, "behindMs"));
    }
    if (number(shard, "buffered") + number(shard, "inFlight") > 0) {
        printf("  %lld buffered  %lld in flight", number(shard, "buffered"),
               number(shard, "inFlight"));
    }
    printf("\n");
}

static void
print_mapping(struct mr_place *place, const json_t *mapping)
{
    const json_t *counts = json_object_get(mapping, "counts");
    mr_auto_free char *name = mr_mapping_logical_id(place, text(mapping, "uuid"));
    const char *function = strrchr(text(mapping, "function"), ':');
    printf("mapping   %s  %s → %s  %s", name != NULL ? name : text(mapping, "uuid"),
           last_part(text(mapping, "source")),
           function == NULL ? text(mapping, "function") : function + 1, text(mapping, "state"));
    if (text(mapping, "trouble")[0] != '\0') {
        printf("  %s%s%s", mr_colour(stdout, MR_RED), text(mapping, "trouble"),
               mr_colour(stdout, MR_PLAIN));
    }
    printf("\n          %lld polled = %lld done + %lld filtered + %lld given up + %lld under "
           "way;  "
           "%lld invocations\n",
           number(counts, "polled"), number(counts, "succeeded"), number(counts, "filtered"),
           number(counts, "dropped") + number(counts, "delivered"),
           number(counts, "polled") - number(counts, "succeeded") - number(counts, "filtered") -
               number(counts, "dropped") - number(counts, "delivered"),
           number(counts, "invocations"));
    size_t i;
    json_t *shard;
    json_array_foreach(json_object_get(mapping, "shards"), i, shard)
    {
        print_shard(shard);
    }
}

static void
print_all(struct mr_place *place, const json_t *status)
{
    json_t *entry;
    size_t i;
    printf("millraced %s  pid %lld  %s  network %s\n", text(status, "version"),
           number(status, "pid"), text(status, "isolation"), text(status, "network"));
    json_array_foreach(json_object_get(status, "functions"), i, entry)
    {
        print_function(entry);
    }
    json_array_foreach(json_object_get(status, "mappings"), i, entry)
    {
        print_mapping(place, entry);
    }
}

static int
run(const struct flags *flags, struct mr_place *place, struct mr_remote *remote)
{
    struct mr_error err = { 0 };
    json_t *status = NULL;
    if (fetch(remote, &status, &err) < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    int result = flags->wait ? wait_drained(flags, remote, &status, &err) : 0;
    if (status != NULL && flags->json_output) {
        json_dumpf(status, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (status != NULL) {
        print_all(place, status);
    }
    json_decref(status);
    return result < 0 ? mr_complain(MR_EXIT_FAILED, "%s", err.text) : MR_EXIT_OK;
}

int
mr_verb_status(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .doc = "Show functions, mappings, and how far each shard is checkpointed.",
    };
    struct flags flags = { 0 };
    struct mr_place place;
    struct mr_remote remote;
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&place, &flags.place);
    mr_remote_init(&remote, NULL, &place);
    int exit_code = run(&flags, &place, &remote);
    mr_remote_deinit(&remote);
    mr_place_deinit(&place);
    return exit_code;
}
