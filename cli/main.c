/*
 * millrace: the command line. A table of verbs, and the help about them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "base/version.h"
#include "cli/suggest.h"
#include "cli/verb.h"

/* In the order of `millrace --help`: what one needs first stands first. */
static const struct mr_verb verbs[] = {
    { "up", "Run a template: build, create, map, and show every batch", mr_verb_up },
    { "test", "Play a template's test cases on a virtual clock", mr_verb_test },
    { "put", "Put records into a stream", mr_verb_put },
    { "tail", "Show the records of a stream", mr_verb_tail },
    { "status", "Show what runs and how far every shard is handled", mr_verb_status },
    { "logs", "Show what functions wrote", mr_verb_logs },
    { "template", "Say what a template means", mr_verb_template },
    { "dlq", "Look at what was given up, try it again, or forget it", mr_verb_dlq },
    { "check", "Say what of a template will not work, or will surprise", mr_verb_check },
    { "streams", "List, create, split, merge, save and load streams", mr_verb_streams },
    { "invoke", "Call a function once", mr_verb_invoke },
    { "replay", "Give a recorded event to its function once more", mr_verb_replay },
    { "generate-event", "Print an event as a mapping would hand it over",
      mr_verb_generate_event },
    { "seek", "Move a mapping to another place in its stream", mr_verb_seek },
    { "faults", "Make the stream server fail on purpose", mr_verb_faults },
    { "build", "Build the functions of a template", mr_verb_build },
    { "init", "Begin a project: template, handler, tests", mr_verb_init },
    { "explain", "Say why a filter lets a record through, or does not", mr_verb_explain },
    { "env", "Print the variables that point AWS's tools at us, for eval", mr_verb_env },
    { "sandbox", "Run any command as a handler would be run", mr_verb_sandbox },
    { "doctor", "Say what this host can isolate, and how to get more", mr_verb_doctor },
    { "config", "Print every setting and where it comes from", mr_verb_config },
    { "completion", "Complete our verbs in your shell", mr_verb_completion },
    { 0 },
};

/* What complaints begin with: "millrace", then "millrace VERB". */
static char program_name[64] = "millrace";

const struct mr_verb *
mr_verbs(void)
{
    return verbs;
}

const struct mr_verb *
mr_verb_find(const char *name)
{
    for (const struct mr_verb *verb = verbs; verb->name != NULL; verb++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}

const char *
mr_verb_suggest(const char *name)
{
    const char *nearest = NULL;
    size_t best = strlen(name) < 4 ? 2 : 3; /* this far is another word */
    for (const struct mr_verb *verb = verbs; verb->name != NULL; verb++) {
        size_t distance = mr_edit_distance(name, verb->name);
        if (distance < best) {
            best = distance;
            nearest = verb->name;
        }
    }
    return nearest;
}

static int
help(void)
{
    printf(
        "Usage: millrace VERB [OPTION...]\n"
        "AWS Lambda's event source mapping on your own machine: streams, batches, retries and\n"
        "sandboxed handlers from a SAM template.\n\n");
    for (const struct mr_verb *verb = verbs; verb->name != NULL; verb++) {
        printf("  %-15s %s\n", verb->name, verb->summary);
    }
    printf("\n`millrace VERB --help` says more about one of them; --version prints the "
           "version.\n");
    return MR_EXIT_OK;
}

static int
unknown(const char *name)
{
    const char *nearest = mr_verb_suggest(name);
    if (nearest != NULL) {
        return mr_complain(MR_EXIT_USAGE, "\"%s\" is not a verb; did you mean \"%s\"?", name,
                           nearest);
    }
    return mr_complain(MR_EXIT_USAGE, "\"%s\" is not a verb; see millrace --help", name);
}

static int
run(const char *name, int argc, char **argv)
{
    const struct mr_verb *verb = mr_verb_find(name);
    if (verb == NULL) {
        return unknown(name);
    }
    snprintf(program_name, sizeof(program_name), "millrace %s", verb->name);
    argv[0] = program_name;
    return verb->run(argc, argv);
}

int
main(int argc, char **argv)
{
    static char help_flag[] = "--help";
    program_invocation_name = program_name;
    argp_program_version = "millrace " MR_VERSION;
    argp_err_exit_status = MR_EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);

    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        puts(argp_program_version);
        return MR_EXIT_OK;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "-?") == 0) {
        return help();
    }
    if (argc < 2) {
        help();
        return MR_EXIT_USAGE;
    }
    if (strcmp(first, "help") == 0) {
        char *with_help[] = { NULL, help_flag, NULL };
        return argc > 2 ? run(argv[2], 2, with_help) : help();
    }
    return run(first, argc - 1, argv + 1);
}
