/*
 * millrace config: every setting a verb would use here, and where it comes from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "base/json_writer.h"
#include "cli/place.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { OUTPUT = 256 };

static const struct argp_option options[] = {
    { "output", OUTPUT, "text|json", 0, "json: one object a line", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    bool json_output;
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
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is not an option", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
print(const struct flags *flags, const char *name, const char *value, const char *origin)
{
    if (!flags->json_output) {
        printf("%-26s %-34s %s\n", name, value == NULL ? "-" : value, origin);
        return;
    }
    mr_auto_buf struct mr_buf line = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&line);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "name", name);
    mr_json_key(&json, "value");
    if (value == NULL) {
        mr_json_put_null(&json);
    } else {
        mr_json_put_str(&json, value);
    }
    mr_json_member_str(&json, "origin", origin);
    mr_json_end_object(&json);
    printf("%s\n", mr_buf_cstr(&line));
}

static void
print_variable(const struct flags *flags, const char *name, const char *variable)
{
    const char *value = getenv(variable);
    bool set = value != NULL && value[0] != '\0';
    print(flags, name, set ? value : NULL, set ? variable : "not set");
}

int
mr_verb_config(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .doc = "Print every setting as it is in force in this directory, and where it comes "
               "from.\vA flag wins over an environment variable, that over what `millrace up` "
               "wrote in its data directory, that over the default.",
    };
    struct flags flags = { 0 };
    mr_auto_place struct mr_place place;
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&place, &flags.place);
    const struct {
        const char *name;
        const struct mr_setting *setting;
    } settings[] = {
        { "endpoint", &place.endpoint },     { "region", &place.region },
        { "account", &place.account },       { "data", &place.data },
        { "access-key", &place.access_key },
    };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        print(&flags, settings[i].name, settings[i].setting->value,
              settings[i].setting->origin);
    }
    print(&flags, "secret-key", "****", place.secret_key.origin); /* never shown */
    print_variable(&flags, "endpoint sqs", "AWS_ENDPOINT_URL_SQS");
    print_variable(&flags, "endpoint sns", "AWS_ENDPOINT_URL_SNS");
    print_variable(&flags, "endpoint s3", "AWS_ENDPOINT_URL_S3");
    print_variable(&flags, "endpoint dynamodb", "AWS_ENDPOINT_URL_DYNAMODB");
    print_variable(&flags, "endpoint dynamodb-streams", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS");
    return MR_EXIT_OK;
}
