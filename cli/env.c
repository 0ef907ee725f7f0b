/*
 * millrace env: the variables that point AWS's tools and SDKs at us, for `eval`.
 */
#include <stdio.h>

#include <argp.h>

#include "cli/place.h"
#include "cli/verb.h"

struct flags {
    struct mr_place_flags place;
    bool unset;
};

static const struct argp_option options[] = {
    { "unset", 'u', NULL, 0, "Print what takes them away again", 0 },
    { 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case 'u':
        flags->unset = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is not an option", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* In single quotes, which a shell reads as they stand. */
static void
line(const char *name, const char *value)
{
    printf("export %s='", name);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\'') {
            fputs("'\\''", stdout);
        } else {
            putchar(*at);
        }
    }
    fputs("'\n", stdout);
}

int
mr_verb_env(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .doc = "Print the variables that point AWS's tools and SDKs at us.\v"
               "Use it as: eval \"$(millrace env)\". Debian 12's AWS CLI is too old for "
               "AWS_ENDPOINT_URL: give it --endpoint-url \"$AWS_ENDPOINT_URL\".",
    };
    struct flags flags = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);

    if (flags.unset) {
        puts("unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION "
             "AWS_DEFAULT_REGION");
        return MR_EXIT_OK;
    }
    mr_auto_place struct mr_place place;
    mr_place_find(&place, &flags.place);
    line("AWS_ENDPOINT_URL", place.endpoint.value);
    line("AWS_ACCESS_KEY_ID", place.access_key.value);
    line("AWS_SECRET_ACCESS_KEY", place.secret_key.value);
    line("AWS_REGION", place.region.value);
    line("AWS_DEFAULT_REGION", place.region.value);
    return MR_EXIT_OK;
}
