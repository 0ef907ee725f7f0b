/*
 * millrace faults: make the running stream server fail on purpose, and stop it doing so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <argp.h>
#include <jansson.h>

#include "base/auto.h"
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
    if (json_array_size(rules) == 0) {
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
            "Make the stream server fail on purpose; without a RULE, show the rules in force "
            "and how often each has struck.\v"
            "A RULE is OPERATION:KIND[:count=N|:rate=0.1], OPERATION a Kinesis operation or *; "
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
    if (((flags.clear || flags.rule_count > 0) && set(&flags, &remote, &err) < 0) ||
        show(&remote, &err) < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    return MR_EXIT_OK;
}
