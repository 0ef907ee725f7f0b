/*
 * millrace build: make a template's functions ready to run, as `millrace up` does at its start.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "base/alloc.h"
#include "cli/build.h"
#include "cli/template_flags.h"
#include "cli/verb.h"

enum { MAX_NAMES = 100 };

static const struct argp_option options[] = {
    { "data", 'd', "DIR", 0, "Put the code into DIR/build (.millrace)", 0 },
    { 0 },
};

struct flags {
    struct mr_template_flags template;
    const char *data;
    const char *names[MAX_NAMES];
    size_t name_count;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->template;
        return 0;
    case 'd':
        flags->data = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (flags->name_count < MAX_NAMES) {
            flags->names[flags->name_count++] = arg;
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool
is_wanted(const struct flags *flags, const char *logical_id)
{
    for (size_t i = 0; i < flags->name_count; i++) {
        if (strcmp(flags->names[i], logical_id) == 0) {
            return true;
        }
    }
    return flags->name_count == 0;
}

static int
build_all(const struct flags *flags, const struct mr_template_model *model,
          const struct mr_build *build, struct mr_error *err)
{
    size_t built = 0;
    for (size_t i = 0; i < model->function_count; i++) {
        mr_auto_free char *code = NULL;
        if (!is_wanted(flags, model->functions[i].logical_id)) {
            continue;
        }
        built++;
        int result = mr_build_function(build, &model->functions[i], &code, err);
        if (result == -ENOTSUP) {
            mr_say_warn(build->say, "skip", "function  %s", err->text);
        } else if (result < 0) {
            return result;
        }
    }
    if (built == 0 && flags->name_count > 0) {
        return mr_fail(err, -ENOENT, "the template has no function %s", flags->names[0]);
    }
    return 0;
}

int
mr_verb_build(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_template_argp, 0, "Template:", 0 },
                                                  { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[FUNCTION...]",
        .children = children,
        .doc = "Build a template's functions: `make build-FUNCTION` where BuildMethod is "
               "makefile, as sam build does; others run as they are.",
    };
    struct flags flags = { .data = ".millrace" };
    struct mr_error err = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_auto_free char *path = mr_template_flags_path(&flags.template, &err);
    mr_auto(mr_template_free) struct mr_template *template =
        path == NULL ? NULL : mr_template_flags_load(&flags.template, path, &err);
    if (template == NULL) {
        return mr_complain(MR_EXIT_TEMPLATE, "%s", err.text);
    }
    if (mr_make_directories(flags.data, &err) < 0) {
        return mr_complain(MR_EXIT_CANNOT, "%s", err.text);
    }
    mr_auto_free char *data = realpath(flags.data, NULL);
    struct mr_say say;
    mr_say_init(&say, false);
    struct mr_build build = { .data = data, .say = &say };
    int result = build_all(&flags, mr_template_model_of(template), &build, &err);
    mr_say_deinit(&say);
    return result < 0 ? mr_complain(MR_EXIT_BUILD, "%s", err.text) : MR_EXIT_OK;
}
