/*
 * millrace template: what a template means, for a person or as JSON.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "cli/input.h"
#include "cli/template_flags.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { JSON = 1000, LEVEL, STRICT, MAX_ENV_VARS = 1024 * 1024 };

struct flags {
    struct mr_template_flags template;
    bool json, strict;
    enum mr_template_level level;
};

static const struct argp_option options[] = {
    { "json", JSON, NULL, 0, "Print JSON: mappings, functions, sources, destinations", 0 },
    { "level", LEVEL, "l1|l2", 0,
      "l1: intrinsic functions in place; l2: their values (the default)", 0 },
    { "strict", STRICT, NULL, 0,
      "Refuse what `millrace up` would refuse: warnings of CloudFormation's and the service's "
      "rules become errors, and every parameter needs a value",
      0 },
    { 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->template;
        return 0;
    case JSON:
        flags->json = true;
        return 0;
    case STRICT:
        flags->strict = true;
        return 0;
    case LEVEL:
        if (strcmp(arg, "l1") != 0 && strcmp(arg, "l2") != 0) {
            argp_error(state, "--level is l1 or l2, not \"%s\"", arg);
        }
        flags->level = strcmp(arg, "l1") == 0 ? MR_TEMPLATE_L1 : MR_TEMPLATE_L2;
        return 0;
    case ARGP_KEY_ARG:
        if (flags->template.path != NULL) {
            argp_error(state, "one template at a time");
        }
        flags->template.path = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The file's name without folder and suffix; what a stack cannot be called becomes `-`. */
static char *
stack_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = mr_strdup(slash == NULL ? path : slash + 1);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name) {
        *dot = '\0';
    }
    for (char *c = name; *c != '\0'; c++) {
        *c = isalnum((unsigned char)*c) ? *c : '-';
    }
    return name;
}

static struct mr_template *
load(const struct flags *flags, const char *path, const char *stack, struct mr_buf *env_vars,
     struct mr_error *err)
{
    struct mr_template_options reading = {
        .stack_name = stack,
        .region = flags->template.region,
        .parameters = flags->template.parameters,
        .imports = flags->template.imports,
        /* The session region of the translator's own tests: what it emits is shown as it is. */
        .translator_region =
            flags->template.region != NULL || flags->strict ? NULL : "ap-southeast-1",
        .missing = flags->strict ? MR_TEMPLATE_MISSING_IS_ERROR : MR_TEMPLATE_MISSING_IS_DUMMY,
    };
    if (flags->template.env_vars_path != NULL) {
        if (mr_record_input_read_file(flags->template.env_vars_path, MAX_ENV_VARS, env_vars,
                                      err) < 0) {
            return NULL;
        }
        reading.env_vars = mr_buf_slice(env_vars);
    }
    return mr_template_load(path, &reading, err);
}

static void
print_diagnostics(const struct mr_template *template)
{
    size_t count;
    const struct mr_template_diagnostic *all = mr_template_diagnostics(template, &count);
    for (size_t i = 0; i < count; i++) {
        mr_auto_buf struct mr_buf line = { 0 };
        bool error = all[i].severity == MR_TEMPLATE_ERROR;
        mr_template_format(template, &all[i], &line);
        fprintf(stderr, "%s%.*s%s\n", mr_colour(stderr, error ? MR_RED : MR_YELLOW),
                MR_SLICE_ARGS(mr_buf_slice(&line)), mr_colour(stderr, MR_PLAIN));
    }
}

static void
print_json(const struct mr_template *template, enum mr_template_level level)
{
    mr_auto_buf struct mr_buf text = { 0 };
    mr_template_write_json(template, level, &text);
    fwrite(text.data, 1, text.size, stdout);
    putchar('\n');
}

/* --- for a person --- */

static void
print_functions(const struct mr_template_model *model)
{
    for (size_t i = 0; i < model->function_count; i++) {
        const struct mr_template_function *function = &model->functions[i];
        printf("function  %-24s %-18s %" PRId64 " s  %" PRId64 " MB  %s\n",
               function->logical_id, function->runtime == NULL ? "-" : function->runtime,
               function->timeout_s, function->memory_mb,
               function->code_path != NULL      ? function->code_path
               : function->code_refusal != NULL ? function->code_refusal
                                                : "");
    }
}

static void
print_sources(const struct mr_template_model *model)
{
    for (size_t i = 0; i < model->stream_count; i++) {
        const struct mr_template_stream *stream = &model->streams[i];
        printf("stream    %-24s %s  %" PRId64 " shards  %" PRId64 " h\n", stream->logical_id,
               stream->name, stream->shard_count, stream->retention_hours);
    }
    for (size_t i = 0; i < model->consumer_count; i++) {
        printf("consumer  %-24s %s\n", model->consumers[i].logical_id,
               model->consumers[i].name);
    }
    for (size_t i = 0; i < model->table_count; i++) {
        const struct mr_template_table *table = &model->tables[i];
        printf("table     %-24s %s  %s\n", table->logical_id, table->name,
               table->stream_view_type == NULL ? "no stream" : table->stream_view_type);
    }
    for (size_t i = 0; i < model->queue_count; i++) {
        printf("queue     %-24s %s\n", model->queues[i].logical_id, model->queues[i].name);
    }
    for (size_t i = 0; i < model->topic_count; i++) {
        printf("topic     %-24s %s\n", model->topics[i].logical_id, model->topics[i].name);
    }
    for (size_t i = 0; i < model->bucket_count; i++) {
        printf("bucket    %-24s %s\n", model->buckets[i].logical_id, model->buckets[i].name);
    }
}

static const char *
either(const char *first, const char *second)
{
    return first != NULL ? first : second != NULL ? second : "-";
}

static void
print_mappings(const struct mr_template_model *model)
{
    for (size_t i = 0; i < model->mapping_count; i++) {
        const struct mr_template_mapping *mapping = &model->mappings[i];
        printf("mapping   %-24s %s %s → %s", mapping->logical_id,
               mr_template_source_name(mapping->source),
               either(mapping->source_logical_id, mapping->source_arn),
               either(mapping->function_logical_id, mapping->function_name));
        if (mapping->destination_arn != NULL) {
            printf("  failures → %s",
                   either(mapping->destination_logical_id, mapping->destination_arn));
        }
        puts(mapping->enabled ? "" : "  disabled");
    }
}

static void
print_summary(const struct mr_template_model *model)
{
    printf("stack     %s  region %s  account %s\n", model->stack_name, model->region,
           model->account_id);
    for (size_t i = 0; i < model->parameter_count; i++) {
        printf("parameter %-24s %s\n", model->parameters[i].name, model->parameters[i].value);
    }
    print_functions(model);
    print_sources(model);
    print_mappings(model);
    for (size_t i = 0; i < model->output_count; i++) {
        printf("output    %-24s %s\n", model->outputs[i].name, model->outputs[i].value);
    }
    for (size_t i = 0; i < model->ignored_type_count; i++) {
        printf("%s%s", i == 0 ? "ignored   " : ", ", model->ignored_types[i]);
    }
    fputs(model->ignored_type_count > 0 ? "\n" : "", stdout);
}

/* Whoever asked for JSON gets JSON. */
static int
cannot_read(const struct flags *flags, const struct mr_error *err)
{
    if (flags->json) {
        mr_auto_buf struct mr_buf text = { 0 };
        mr_buf_append_str(&text, "{\"error\":\"");
        mr_json_escape(&text, mr_slice_str(err->text));
        mr_buf_append_str(&text, "\"}");
        puts(mr_buf_cstr(&text));
    }
    return mr_complain(MR_EXIT_TEMPLATE, "%s", err->text);
}

int
mr_verb_template(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_template_argp, 0, "Template:", 0 },
                                                  { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[FILE]",
        .doc =
            "Read a SAM or CloudFormation template and say what it means.\v"
            "A parameter without a value becomes dummy-NAME (0 for a Number) unless --strict. "
            "The stack is called as the file. Exit code 3: the template is wrong.",
        .children = children,
    };
    struct flags flags = { .level = MR_TEMPLATE_L2 };
    struct mr_error err = { 0 };
    mr_auto_buf struct mr_buf env_vars = { 0 };

    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_auto_free char *path = mr_template_flags_path(&flags.template, &err);
    if (path == NULL) {
        return cannot_read(&flags, &err);
    }
    mr_auto_free char *stack = flags.template.stack_name != NULL
                                   ? mr_strdup(flags.template.stack_name)
                                   : stack_of(path);
    mr_auto(mr_template_free) struct mr_template *template =
        load(&flags, path, stack, &env_vars, &err);
    if (template == NULL) {
        return cannot_read(&flags, &err);
    }
    print_diagnostics(template);
    if (flags.json) {
        print_json(template, flags.level);
    } else {
        print_summary(mr_template_model_of(template));
    }
    return mr_template_ok(template) ? MR_EXIT_OK : MR_EXIT_TEMPLATE;
}
