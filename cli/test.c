/*
 * millrace test: play the cases of a template's tests on a virtual clock; the exit code is the
 * verdict. docs/testing.md says how cases are written.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argp.h>

#include "base/alloc.h"
#include "cli/build.h"
#include "cli/daemons.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "base/duration.h"
#include "harness/test_runner.h"

enum {
    SEED = 256,
    EXPLORE,
    UPDATE,
    TAP,
    JUNIT,
    GITHUB,
    SANDBOX,
    NO_BUILD,
    OVERRIDES,
    MAX_VIRTUAL,
    MAX_INVOCATIONS,
    TIMEOUT,
    MAX_PARAMETERS = 200
};

static const struct argp_option options[] = {
    { "filter", 'k', "TEXT", 0, "Only cases whose name holds TEXT", 0 },
    { "seed", SEED, "N", 0, "The run's seed (default: the case's own, else 1)", 0 },
    { "explore", EXPLORE, "N", 0,
      "Run every case with N seeds and shuffled shards; stop at the first that fails", 0 },
    { "update", UPDATE, NULL, 0, "Write golden transcripts instead of comparing", 0 },
    { "tap", TAP, NULL, 0, "Print TAP 14", 0 },
    { "junit", JUNIT, "FILE", 0, "Write a JUnit report too", 0 },
    { "github", GITHUB, NULL, 0, "Print annotations for GitHub too", 0 },
    { "parameter-overrides", OVERRIDES, "NAME=VALUE", 0,
      "Over the files' parameters; may be given several times", 0 },
    { "sandbox", SANDBOX, "auto|require:L1|off", 0, "As for millrace up (default auto)", 0 },
    { "no-build", NO_BUILD, NULL, 0, "Take what was built before", 0 },
    { "max-virtual", MAX_VIRTUAL, "TIME", 0, "Virtual time until drained (default 7d)", 0 },
    { "max-invocations", MAX_INVOCATIONS, "N", 0, "Of one case (default 1000000)", 0 },
    { "timeout", TIMEOUT, "TIME", 0, "Real time until drained (default 60s)", 0 },
    { 0 },
};

struct flags {
    struct mr_test_run run;
    enum mr_test_format format;
    const char *junit;
    bool no_build;
    const char *parameters[MAX_PARAMETERS + 1];
    size_t parameter_count;
    const char **files;
    size_t file_count;
};

/* ---- flags ---- */

static uint64_t
duration(struct argp_state *state, const char *name, const char *text)
{
    uint64_t ms = 0;
    if (!mr_duration_parse(mr_slice_str(text), &ms) || ms == 0) {
        argp_error(state, "%s takes a time such as 500ms, 60s or 7d, not \"%s\"", name, text);
    }
    return ms;
}

static void
sandbox(struct argp_state *state, struct mr_test_run *run, const char *text)
{
    static const char *const words[] = { "auto",       "off",        "require:L1",
                                         "require:L2", "require:L3", NULL };
    int word = mr_flag_choice(state, "--sandbox", text, words);
    run->sandbox_off = word == 1;
    run->require_level = word < 2 ? 0 : word - 1;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    struct mr_test_run *run = &flags->run;
    switch (key) {
    case 'k':
        run->only = arg;
        break;
    case SEED:
        run->seed = mr_flag_number(state, "--seed", arg, 0, INT64_MAX);
        run->has_seed = true;
        break;
    case EXPLORE:
        run->explore = mr_flag_number(state, "--explore", arg, 1, 1000000);
        break;
    case UPDATE:
        run->update = true;
        break;
    case TAP:
        flags->format = MR_TEST_TAP;
        break;
    case GITHUB:
        flags->format = MR_TEST_GITHUB;
        break;
    case JUNIT:
        flags->junit = arg;
        break;
    case OVERRIDES:
        if (flags->parameter_count == MAX_PARAMETERS || strchr(arg, '=') == NULL) {
            argp_error(state, "--parameter-overrides takes NAME=VALUE, at most %d times",
                       MAX_PARAMETERS);
        }
        flags->parameters[flags->parameter_count++] = arg;
        break;
    case SANDBOX:
        sandbox(state, run, arg);
        break;
    case NO_BUILD:
        flags->no_build = true;
        break;
    case MAX_VIRTUAL:
        run->max_virtual_ms = duration(state, "--max-virtual", arg);
        break;
    case MAX_INVOCATIONS:
        run->max_invocations = mr_flag_number(state, "--max-invocations", arg, 1, INT64_MAX);
        break;
    case TIMEOUT:
        run->max_real_ms = duration(state, "--timeout", arg);
        break;
    case ARGP_KEY_ARG:
        flags->files[flags->file_count++] = arg;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "[FILE...]",
    .doc = "Play the cases of tests/*.test.yaml (or of the FILEs) on a virtual clock: the "
           "template's streams, batches, retries and windows, with the real handlers in their "
           "sandbox. Exit code: 0 all passed, 1 a case failed, 2 a bad call, 3 a bad file or "
           "template, 4 a function that does not build.",
};

/* ---- files ---- */

/* tests/(star).test.yaml, and those of this directory. False when there are none. */
static bool
find_files(struct flags *flags, glob_t *found)
{
    static const char *const patterns[] = { "tests/*.test.yaml", "tests/*.test.yml",
                                            "*.test.yaml", "*.test.yml" };
    int flag = 0;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        (void)glob(patterns[i], flag, NULL, found);
        flag = GLOB_APPEND;
    }
    free(flags->files);
    flags->files = mr_alloc_zero(found->gl_pathc + 1, sizeof(flags->files[0]));
    for (size_t i = 0; i < found->gl_pathc; i++) {
        flags->files[i] = found->gl_pathv[i];
    }
    flags->file_count = found->gl_pathc;
    return found->gl_pathc > 0;
}

/* ---- building ---- */

struct builder {
    struct mr_say say;
    bool failed;
};

/* Beside the template, where `millrace up` builds too. */
static int
build(const struct mr_template *tpl, const char *directory, void *context, struct mr_error *err)
{
    struct builder *builder = context;
    const struct mr_template_model *model = mr_template_model_of(tpl);
    mr_auto_free char *data = mr_format("%s/.millrace", directory);
    struct mr_build how = { .data = data, .say = &builder->say };

    for (size_t i = 0; i < model->function_count; i++) {
        mr_auto_free char *code = NULL;
        if (model->functions[i].build_method == NULL) {
            continue;
        }
        int rc = mr_build_function(&how, &model->functions[i], &code, err);
        if (rc < 0 && rc != -ENOTSUP) { /* one that cannot run here is told when it is used */
            builder->failed = true;
            return rc;
        }
    }
    return 0;
}

/* ---- the verb ---- */

static int
run(struct flags *flags)
{
    struct builder builder = { 0 };
    struct mr_error err = { 0 }, report_err = { 0 };
    mr_auto_free char *sandboxd = mr_program_find("millrace-sandboxd");
    mr_auto_free char *bootstraps = mr_test_bootstraps();
    bool colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    struct mr_test_report *report =
        mr_test_report_new(stdout, flags->format, colour, flags->junit);

    mr_say_init(&builder.say, false);
    builder.say.out = flags->format == MR_TEST_TAP ? stderr : stdout; /* TAP is alone there */
    flags->run.files = (const char *const *)flags->files;
    flags->run.parameters = flags->parameters;
    flags->run.build_subdirectory = ".millrace/build";
    flags->run.sandboxd = sandboxd;
    flags->run.bootstraps = bootstraps;
    flags->run.prepare = flags->no_build ? NULL : build;
    flags->run.context = &builder;

    int rc = mr_test_run(&flags->run, report, &err);
    unsigned ran = mr_test_report_count(report);
    int failed = mr_test_report_end(report, &report_err);
    mr_test_report_free(report);
    mr_say_deinit(&builder.say);
    if (failed < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", report_err.text);
    }
    if (rc < 0) {
        return builder.failed ? MR_EXIT_BUILD : MR_EXIT_TEMPLATE;
    }
    if (ran == 0) {
        return mr_complain(MR_EXIT_USAGE, "no case's name holds \"%s\"", flags->run.only);
    }
    return failed > 0 ? MR_EXIT_FAILED : MR_EXIT_OK;
}

int
mr_verb_test(int argc, char **argv)
{
    struct flags flags = { 0 };
    glob_t found = { 0 };

    flags.files = mr_alloc_zero((size_t)argc + 1, sizeof(flags.files[0]));
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    int code;
    if (flags.file_count == 0 && !find_files(&flags, &found)) {
        code =
            mr_complain(MR_EXIT_USAGE,
                        "no tests/*.test.yaml here; write one (docs/testing.md), or name one");
    } else {
        code = run(&flags);
    }
    free(flags.files);
    globfree(&found);
    return code;
}
