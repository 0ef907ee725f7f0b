/*
 * template_flags: the flags of every verb that reads a template, and the reading.
 */
#ifndef MR_CLI_TEMPLATE_FLAGS_H
#define MR_CLI_TEMPLATE_FLAGS_H

#include <argp.h>

#include "base/error.h"
#include "sam-templates/template.h"

enum { MR_TEMPLATE_MAX_FLAG_PARAMETERS = 200 };

struct mr_template_flags {
    const char *path; /* NULL: template.yaml, template.yml or template.json of this directory */
    const char *stack_name, *region, *env_vars_path;
    const char *parameters[MR_TEMPLATE_MAX_FLAG_PARAMETERS + 1];
    size_t parameter_count;
    const char *imports[MR_TEMPLATE_MAX_FLAG_PARAMETERS + 1];
    size_t import_count;
};

/* -t, --parameter-overrides, --stack-name, --region, --env-vars, --import. Its input is a
 * `struct mr_template_flags`. */
extern const struct argp mr_template_argp;

/* The file that is meant; the caller's to free. NULL with `err` when there is none. */
char *mr_template_flags_path(const struct mr_template_flags *flags, struct mr_error *err);

/*
 * Reads it and prints every diagnostic to stderr. NULL, with `err` (one line that counts them),
 * when it cannot be run.
 */
struct mr_template *mr_template_flags_load(const struct mr_template_flags *flags,
                                           const char *path, struct mr_error *err);

/* A template that holds nothing, for who makes everything through the APIs. Never NULL. */
struct mr_template *mr_template_flags_nothing(const struct mr_template_flags *flags);

#endif
