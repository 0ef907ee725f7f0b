/*
 * millrace check: read a template and its tests as `up` and `test` would, run nothing, and say
 * what will not work or will surprise.
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argp.h>
#include <jansson.h>

#include "base/alloc.h"
#include "cli/template_flags.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "harness/explain.h"
#include "harness/test_file.h"

struct check {
    const char *path;
    const struct mr_template_model *model;
    unsigned errors, warnings;
};

static void say(struct check *check, bool error, struct mr_template_place place,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

static void
say(struct check *check, bool error, struct mr_template_place place, const char *format, ...)
{
    va_list args;
    check->errors += error;
    check->warnings += !error;
    printf("%s%s:%u:%u: %s: ", mr_colour(stdout, error ? MR_RED : MR_YELLOW), check->path,
           place.line, place.column, error ? "error" : "warning");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("%s\n", mr_colour(stdout, MR_PLAIN));
}

/* ---- functions ---- */

static bool
is_on_path(const char *program)
{
    mr_auto_free char *paths = mr_strdup(getenv("PATH") == NULL ? "" : getenv("PATH"));
    char *rest = paths;
    for (const char *path; (path = strsep(&rest, ":")) != NULL;) {
        mr_auto_free char *whole = mr_format("%s/%s", path, program);
        if (access(whole, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

static void
check_runtime(struct check *check, const struct mr_template_function *function)
{
    const char *runtime = function->runtime == NULL ? "" : function->runtime;
    const char *program = strncmp(runtime, "python", 6) == 0   ? "python3"
                          : strncmp(runtime, "nodejs", 6) == 0 ? "node"
                                                               : NULL;
    if (program != NULL && !is_on_path(program)) {
        say(check, true, function->place, "%s runs on %s, and there is no %s on PATH",
            function->logical_id, runtime, program);
    }
}

static void
check_code(struct check *check, const struct mr_template_function *function)
{
    if (function->code_path == NULL) {
        say(check, true, function->place, "%s cannot run here: %s", function->logical_id,
            function->code_refusal == NULL ? "its code is not on this machine"
                                           : function->code_refusal);
        return;
    }
    if (access(function->code_path, R_OK) < 0) {
        say(check, true, function->place, "%s: %s: %s", function->logical_id,
            function->code_path, strerror(errno));
        return;
    }
    mr_auto_free char *makefile = mr_format("%s/Makefile", function->code_path);
    if (function->build_method != NULL && strcmp(function->build_method, "makefile") == 0 &&
        access(makefile, R_OK) < 0) {
        say(check, true, function->place, "%s is built with make, and there is no %s",
            function->logical_id, makefile);
    }
}

/* ---- mappings ---- */

static const struct mr_template_function *
function_of(const struct check *check, const struct mr_template_mapping *mapping)
{
    for (size_t i = 0; mapping->function_logical_id != NULL && i < check->model->function_count;
         i++) {
        if (strcmp(check->model->functions[i].logical_id, mapping->function_logical_id) == 0) {
            return &check->model->functions[i];
        }
    }
    return NULL;
}

static void
check_filters(struct check *check, const struct mr_template_mapping *mapping,
              const json_t *properties)
{
    const json_t *filters =
        json_object_get(json_object_get(properties, "FilterCriteria"), "Filters");
    for (size_t i = 0; i < json_array_size(filters); i++) {
        mr_auto_buf struct mr_buf verdict = { 0 };
        struct mr_error err = { 0 };
        const char *pattern =
            json_string_value(json_object_get(json_array_get(filters, i), "Pattern"));
        if (pattern != NULL && mr_explain_pattern(mr_slice_str(pattern), MR_SLICE("{}"), false,
                                                  &verdict, &err) == MR_EXPLAINED_REJECTED) {
            say(check, true, mapping->place, "%s: filter %zu is %s", mapping->logical_id, i + 1,
                mr_buf_cstr(&verdict));
        }
    }
}

static bool
reports_failures(const json_t *properties)
{
    return json_array_size(json_object_get(properties, "FunctionResponseTypes")) > 0;
}

static void
check_retries(struct check *check, const struct mr_template_mapping *mapping,
              const json_t *properties)
{
    const json_t *retries = json_object_get(properties, "MaximumRetryAttempts");
    const json_t *age = json_object_get(properties, "MaximumRecordAgeInSeconds");
    bool bisect = json_is_true(json_object_get(properties, "BisectBatchOnFunctionError"));
    bool endless = (retries == NULL || json_integer_value(retries) == -1) &&
                   (age == NULL || json_integer_value(age) == -1);
    if (endless) {
        say(check, false, mapping->place,
            "%s tries a failing batch until its records expire, and its shard waits: set "
            "MaximumRetryAttempts or MaximumRecordAgeInSeconds",
            mapping->logical_id);
    } else if (reports_failures(properties) && !bisect) {
        say(check, false, mapping->place,
            "%s: without BisectBatchOnFunctionError, a record that cannot be handled is given "
            "up "
            "together with all that stands behind it in its batch",
            mapping->logical_id);
    }
    if (!endless && mapping->destination_arn == NULL) {
        say(check, false, mapping->place,
            "%s has no OnFailure destination: what is given up is gone", mapping->logical_id);
    }
}

/* A message that is still being handled must not come again. */
static void
check_visibility(struct check *check, const struct mr_template_mapping *mapping)
{
    const struct mr_template_function *function = function_of(check, mapping);
    for (size_t i = 0; function != NULL && i < check->model->queue_count; i++) {
        const struct mr_template_queue *queue = &check->model->queues[i];
        if (mapping->source_arn != NULL && strcmp(queue->arn, mapping->source_arn) == 0 &&
            queue->visibility_timeout_s < function->timeout_s) {
            say(check, true, queue->place,
                "%s: VisibilityTimeout %lld is less than the Timeout %lld of %s: Lambda "
                "refuses it",
                queue->logical_id, (long long)queue->visibility_timeout_s,
                (long long)function->timeout_s, function->logical_id);
        }
    }
}

static void
check_mapping(struct check *check, const struct mr_template_mapping *mapping)
{
    json_t *properties = json_loads(mapping->properties_json, 0, NULL);
    check_filters(check, mapping, properties);
    if (mapping->source == MR_TEMPLATE_KINESIS || mapping->source == MR_TEMPLATE_DYNAMODB) {
        check_retries(check, mapping, properties);
    } else if (mapping->source == MR_TEMPLATE_SQS) {
        check_visibility(check, mapping);
    } else {
        say(check, false, mapping->place, "%s reads %s, which is not run here",
            mapping->logical_id, mr_template_source_name(mapping->source));
    }
    json_decref(properties);
}

/* ---- tests beside the template ---- */

static unsigned
check_tests(struct check *check)
{
    const char *slash = strrchr(check->path, '/');
    mr_auto_free char *pattern =
        slash == NULL
            ? mr_strdup("tests/*.test.y*ml")
            : mr_format("%.*s/tests/*.test.y*ml", (int)(slash - check->path), check->path);
    glob_t found = { 0 };
    unsigned cases = 0;
    (void)glob(pattern, 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct mr_error err = { 0 };
        mr_auto(mr_test_file_free) struct mr_test_file *file =
            mr_test_file_load(found.gl_pathv[i], &err);
        if (file == NULL) {
            check->errors++;
            printf("%s%s%s\n", mr_colour(stdout, MR_RED), err.text,
                   mr_colour(stdout, MR_PLAIN));
        } else {
            cases += (unsigned)file->case_count;
        }
    }
    globfree(&found);
    return cases;
}

/* ---- the verb ---- */

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct mr_template_flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = flags;
        return 0;
    case ARGP_KEY_ARG:
        if (flags->path != NULL) {
            argp_error(state, "one template at a time; \"%s\" is one too many", arg);
        }
        flags->path = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "[TEMPLATE]",
    .doc =
        "Read a template and the tests beside it, run nothing, and say what will not work or "
        "will surprise. Exit code: 0 when there is no error, 3 otherwise.",
    .children = (const struct argp_child[]){ { &mr_template_argp, 0, "Template:", 1 }, { 0 } },
};

int
mr_verb_check(int argc, char **argv)
{
    struct mr_template_flags flags = { 0 };
    struct mr_error err = { 0 };

    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_auto_free char *path = mr_template_flags_path(&flags, &err);
    mr_auto(mr_template_free) struct mr_template *tpl =
        path == NULL ? NULL : mr_template_flags_load(&flags, path, &err);
    if (tpl == NULL) {
        return mr_complain(MR_EXIT_TEMPLATE, "%s", err.text);
    }
    struct check check = { .path = path, .model = mr_template_model_of(tpl) };
    for (size_t i = 0; i < check.model->function_count; i++) {
        check_code(&check, &check.model->functions[i]);
        check_runtime(&check, &check.model->functions[i]);
    }
    for (size_t i = 0; i < check.model->mapping_count; i++) {
        check_mapping(&check, &check.model->mappings[i]);
    }
    unsigned cases = check_tests(&check);
    printf("%s: %zu function%s, %zu mapping%s, %u test case%s: %u error%s, %u warning%s\n",
           path, check.model->function_count, check.model->function_count == 1 ? "" : "s",
           check.model->mapping_count, check.model->mapping_count == 1 ? "" : "s", cases,
           cases == 1 ? "" : "s", check.errors, check.errors == 1 ? "" : "s", check.warnings,
           check.warnings == 1 ? "" : "s");
    return check.errors == 0 ? MR_EXIT_OK : MR_EXIT_TEMPLATE;
}
