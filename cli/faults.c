/*
 * millrace faults: make the running stream server fail on purpose, and stop it doing so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <argp.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "cli/function_settings.h"
#include "cli/place.h"
#include "cli/remote.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { MAX_RULES = 64, SEED = 256 };

#define FAULTS "/_millrace/faults"

static const struct argp_option options[] = {
    { "clear", 'c', NULL, 0, "Take away the rules there are first", 0 },
    { "seed", SEED, "N", 0, "Of the rules with a rate: the same seed strikes the same calls",
      0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *rules[MAX_RULES];
    size_t rule_count;
    uint64_t seed;
    bool clear;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case 'c':
        flags->clear = true;
        return 0;
    case SEED:
        flags->seed = mr_flag_number(state, "--seed", arg, 1, INT64_MAX);
        return 0;
    case ARGP_KEY_ARG:
        if (flags->rule_count == MAX_RULES) {
            argp_error(state, "at most %d rules", MAX_RULES);
        }
        flags->rules[flags->rule_count++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int
fetch(struct mr_remote *remote, json_t **out_rules, struct mr_error *err)
{
    if (mr_remote_lambda(remote, "GET", FAULTS, (struct mr_slice){ 0 }, err) < 0) {
        return err->code;
    }
    json_t *answer = json_loadb((const char *)remote->body.data, remote->body.size, 0, NULL);
    *out_rules = json_incref(json_object_get(answer, "rules"));
    json_decref(answer);
    return *out_rules == NULL ? mr_fail(err, -EBADMSG, "the list of faults is no JSON") : 0;
}

/* ---- rules of functions: "OrderFn:crash@5%" ---- */

/* The function a rule is about, or NULL when it is about the stream server; the caller's to
 * free. */
static char *
function_of(struct mr_place *place, struct mr_remote *remote, const char *rule)
{
    const char *colon = strchr(rule, ':');
    if (colon == NULL || colon == rule || rule[0] == '*') {
        return NULL;
    }
    mr_auto_free char *word = mr_slice_dup(mr_slice_of(rule, (size_t)(colon - rule)));
    const char *name = mr_place_name(place, "functions", word);
    mr_auto_free char *path = mr_format("/2015-03-31/functions/%s/configuration", name);
    bool found = mr_remote_lambda(remote, "GET", path, (struct mr_slice){ 0 }, NULL) == 0;
    return found ? mr_strdup(name) : NULL;
}

static json_t *
rules_in_force(const json_t *function)
{
    return json_object_get(json_object_get(function, "settings"), "faults");
}

static int
add_function_rule(struct mr_remote *remote, const char *name, const char *rule,
                  struct mr_error *err)
{
    json_t *functions = mr_functions_fetch(remote, err), *wanted = json_array();
    json_array_extend(wanted, json_object_get(mr_function_settings(functions, name), "faults"));
    json_decref(functions);
    mr_auto_free char *text = mr_format("handler%s", strchr(rule, ':'));
    json_array_append_new(wanted, json_string(text));
    return mr_function_settings_put(remote, name, "faults", wanted, err);
}

/* Where no Lambda stands behind the endpoint there is nothing to take away. */
static int
clear_functions(struct mr_remote *remote, struct mr_error *err)
{
    json_t *functions = mr_functions_fetch(remote, NULL), *function;
    size_t i;
    int result = 0;
    json_array_foreach(functions, i, function)
    {
        const char *name = json_string_value(json_object_get(function, "name"));
        if (result == 0 && json_array_size(rules_in_force(function)) > 0) {
            result = mr_function_settings_put(remote, name, "faults", NULL, err);
        }
    }
    json_decref(functions);
    return result;
}

/* Take the rules about functions out of `flags` and set them. */
static int
set_functions(struct flags *flags, struct mr_place *place, struct mr_remote *remote,
              struct mr_error *err)
{
    size_t kept = 0;
    int result = flags->clear ? clear_functions(remote, err) : 0;
    for (size_t i = 0; result == 0 && i < flags->rule_count; i++) {
        mr_auto_free char *name = function_of(place, remote, flags->rules[i]);
        if (name == NULL) {
            flags->rules[kept++] = flags->rules[i];
        } else {
            result = add_function_rule(remote, name, flags->rules[i], err);
        }
    }
    flags->rule_count = kept;
    return result;
}

static unsigned
show_functions(struct mr_remote *remote)
{
    json_t *functions = mr_functions_fetch(remote, NULL), *function, *rule;
    size_t i, r;
    unsigned shown = 0;
    json_array_foreach(functions, i, function)
    {
        json_array_foreach(rules_in_force(function), r, rule)
        {
            printf("%s: %s\n", json_string_value(json_object_get(function, "name")),
                   json_string_value(rule));
            shown++;
        }
    }
    json_decref(functions);
    return shown;
}

/* ---- rules of the stream server ---- */

/* The server replaces all its rules: those in force are sent again with the new ones. */
static int
set(const struct flags *flags, struct mr_remote *remote, struct mr_error *err)
{
    json_t *rules = NULL, *rule, *wanted = json_array();
    size_t i;
    int result = flags->clear ? 0 : fetch(remote, &rules, err);
    json_array_foreach(rules, i, rule)
    {
        json_array_append(wanted, json_object_get(rule, "rule"));
    }
    for (i = 0; i < flags->rule_count; i++) {
        json_array_append_new(wanted, json_string(flags->rules[i]));
    }
    json_t *body = json_pack("{so sI}", "rules", wanted, "seed", (json_int_t)flags->seed);
    mr_auto_free char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    json_decref(rules);
    return result < 0 ? result
                      : mr_remote_lambda(remote, "POST", FAULTS, mr_slice_str(text), err);
}

static int
show(struct mr_remote *remote, struct mr_error *err)
{
    json_t *rules = NULL, *rule;
    size_t i;
    if (fetch(remote, &rules, err) < 0) {
        return err->code;
    }
    json_array_foreach(rules, i, rule)
    {
        printf("%-40s struck %lld\n", json_string_value(json_object_get(rule, "rule")),
               json_integer_value(json_object_get(rule, "struck")));
    }
    if (show_functions(remote) == 0 && json_array_size(rules) == 0) {
        puts("no faults: everything is as it should be");
    }
    json_decref(rules);
    return 0;
}

int
mr_verb_faults(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[RULE...]",
        .children = children,
        .doc =
            "Make the stream server or a function fail on purpose; without a RULE, show the "
            "rules "
            "in force, and how often the server's have struck.\v"
            "A RULE of a function is FUNCTION:KIND[@CHANCE%][#COUNT], KIND one of crash, "
            "error, "
            "hang, throttle, slow=2s: OrderFn:crash@5%, OrderFn:slow=2s#3. It strikes batches, "
            "not direct calls, and nothing runs but for slow. "
            "A RULE of the server is OPERATION:KIND[:count=N|:rate=0.1], OPERATION a Kinesis "
            "operation or *; "
            "KIND one of throttle, error, limit, expire (GetRecords), stall=MS, tear (the "
            "connection is cut), partial=PERCENT (of PutRecords). For example: "
            "GetRecords:throttle:count=5, PutRecords:partial=20:rate=0.5",
    };
    struct flags flags = { .seed = 1 };
    struct mr_error err = { 0 };
    mr_auto_place struct mr_place place;
    mr_auto_remote struct mr_remote remote;
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&place, &flags.place);
    mr_remote_init(&remote, NULL, &place);
    if (set_functions(&flags, &place, &remote, &err) < 0 ||
        ((flags.clear || flags.rule_count > 0) && set(&flags, &remote, &err) < 0) ||
        show(&remote, &err) < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    return MR_EXIT_OK;
}
