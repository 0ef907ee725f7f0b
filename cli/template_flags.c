#include "cli/template_flags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "cli/input.h"
#include "cli/terminal.h"

enum { PARAMETERS = 1, STACK, REGION, ENV_VARS, IMPORT, MAX_ENV_VARS_BYTES = 1024 * 1024 };

static const struct argp_option options[] = {
    { "template", 't', "FILE", 0, "The template (template.yaml, .yml or .json here)", 80 },
    { "parameter-overrides", PARAMETERS, "NAME=VALUE", 0,
      "A parameter's value; more may follow, separated by blanks, or the option again", 80 },
    { "stack-name", STACK, "NAME", 0, "AWS::StackName, and the first part of names (local)",
      80 },
    { "region", REGION, "REGION", 0, "AWS::Region (AWS_REGION, or us-east-1)", 80 },
    { "env-vars", ENV_VARS, "FILE", 0,
      "Values for functions' variables, as sam local reads them", 80 },
    { "import", IMPORT, "NAME=VALUE", 0, "What Fn::ImportValue finds", 80 },
    { 0 },
};

static void
add(struct argp_state *state, const char *what, const char **list, size_t *count,
    const char *text)
{
    if (*count == MR_TEMPLATE_MAX_FLAG_PARAMETERS) {
        argp_error(state, "at most %d %s", MR_TEMPLATE_MAX_FLAG_PARAMETERS, what);
    }
    list[(*count)++] = text;
}

/* Words taken apart live as long as the process, like the arguments they come from. */
static struct mr_arena words;

/* "A=1 B=2", and SAM's ParameterKey=A,ParameterValue=1. The words live as long as the process.
 */
static void
add_parameters(struct argp_state *state, struct mr_template_flags *flags, const char *text)
{
    char *rest = mr_arena_cstr(&words, mr_slice_str(text));
    for (char *word = strtok_r(rest, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        char *value = strstr(word, ",ParameterValue=");
        if (strncmp(word, "ParameterKey=", 13) == 0 && value != NULL) {
            word = mr_arena_printf(&words, "%.*s=%s", (int)(value - word - 13), word + 13,
                                   value + 16);
        }
        if (strchr(word, '=') == NULL) {
            argp_error(state, "--parameter-overrides takes NAME=VALUE, not \"%s\"", word);
        }
        add(state, "parameters", flags->parameters, &flags->parameter_count, word);
    }
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct mr_template_flags *flags = state->input;
    switch (key) {
    case 't':
        flags->path = arg;
        return 0;
    case PARAMETERS:
        add_parameters(state, flags, arg);
        /* Words behind it that look like parameters belong to it, as with SAM. */
        while (state->next < state->argc && state->argv[state->next][0] != '-' &&
               strchr(state->argv[state->next], '=') != NULL) {
            add_parameters(state, flags, state->argv[state->next++]);
        }
        return 0;
    case STACK:
        flags->stack_name = arg;
        return 0;
    case REGION:
        flags->region = arg;
        return 0;
    case ENV_VARS:
        flags->env_vars_path = arg;
        return 0;
    case IMPORT:
        if (strchr(arg, '=') == NULL) {
            argp_error(state, "--import takes NAME=VALUE, not \"%s\"", arg);
        }
        add(state, "imports", flags->imports, &flags->import_count, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp mr_template_argp = { .options = options, .parser = parse };

char *
mr_template_flags_path(const struct mr_template_flags *flags, struct mr_error *err)
{
    static const char *const names[] = { "template.yaml", "template.yml", "template.json" };
    if (flags->path != NULL) {
        if (access(flags->path, R_OK) < 0) {
            mr_fail(err, -errno, "template %s: %s", flags->path, strerror(errno));
            return NULL;
        }
        return mr_strdup(flags->path);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (access(names[i], R_OK) == 0) {
            return mr_strdup(names[i]);
        }
    }
    mr_fail(err, -ENOENT,
            "there is no template.yaml here; name one with -t, or begin a project with "
            "`millrace init`");
    return NULL;
}

static const char *
region_of(const struct mr_template_flags *flags)
{
    const char *region = flags->region;
    region = region == NULL ? getenv("AWS_REGION") : region;
    region = region == NULL || region[0] == '\0' ? getenv("AWS_DEFAULT_REGION") : region;
    return region == NULL || region[0] == '\0' ? NULL : region;
}

static const char *
word_of(enum mr_template_severity severity)
{
    return mr_colour(stderr, severity == MR_TEMPLATE_ERROR
                                 ? MR_RED
                                 : (severity == MR_TEMPLATE_WARNING ? MR_YELLOW : MR_DIM));
}

static unsigned
print_diagnostics(const struct mr_template *template)
{
    size_t count;
    unsigned errors = 0;
    const struct mr_template_diagnostic *all = mr_template_diagnostics(template, &count);
    for (size_t i = 0; i < count; i++) {
        mr_auto_buf struct mr_buf line = { 0 };
        mr_template_format(template, &all[i], &line);
        errors += all[i].severity == MR_TEMPLATE_ERROR;
        fprintf(stderr, "%s%.*s%s\n", word_of(all[i].severity),
                MR_SLICE_ARGS(mr_buf_slice(&line)), mr_colour(stderr, MR_PLAIN));
    }
    return errors;
}

struct mr_template *
mr_template_flags_load(const struct mr_template_flags *flags, const char *path,
                       struct mr_error *err)
{
    mr_auto_buf struct mr_buf env_vars = { 0 };
    struct mr_template_options reading = {
        .stack_name = flags->stack_name,
        .region = region_of(flags),
        .parameters = flags->parameters,
        .imports = flags->imports,
        .shell = (const char *const *)environ,
    };
    if (flags->env_vars_path != NULL) {
        if (mr_record_input_read_file(flags->env_vars_path, MAX_ENV_VARS_BYTES, &env_vars,
                                      err) < 0) {
            return NULL;
        }
        reading.env_vars = mr_buf_slice(&env_vars);
    }
    mr_auto(mr_template_free) struct mr_template *template =
        mr_template_load(path, &reading, err);
    if (template == NULL) {
        return NULL;
    }
    unsigned errors = print_diagnostics(template);
    if (!mr_template_ok(template)) {
        mr_fail(err, -EINVAL, "%s cannot be run: %u mistake%s, see above", path, errors,
                errors == 1 ? "" : "s");
        return NULL;
    }
    return MR_TAKE(template);
}

struct mr_template *
mr_template_flags_nothing(const struct mr_template_flags *flags)
{
    /* A template must have a resource; this one is never there. */
    static const char text[] =
        "{\"Conditions\":{\"Never\":{\"Fn::Equals\":[\"a\",\"b\"]}},\"Resources\":{\"Nothing\":"
        "{\"Type\":\"AWS::CloudFormation::WaitConditionHandle\",\"Condition\":\"Never\"}}}";
    struct mr_template_options reading = {
        .stack_name = flags->stack_name,
        .region = region_of(flags),
    };
    return mr_template_parse(mr_slice_str(text), &reading);
}
