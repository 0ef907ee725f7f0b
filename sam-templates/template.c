#include "sam-templates/template.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sam-templates/document.h"
#include "sam-templates/reading.h"

struct mr_template {
    struct mr_reading reading;
};

/* --- options --- */

static const char *
copy_text(struct mr_arena *arena, const char *text, const char *otherwise)
{
    return mr_arena_cstr(arena, mr_slice_str(text != NULL ? text : otherwise));
}

static const char *const *
copy_list(struct mr_arena *arena, const char *const *list)
{
    const char **copy = NULL;
    size_t count = 0;
    for (; list != NULL && list[count] != NULL; count++) {
        copy = mr_grow(arena, copy, count, sizeof(*copy));
        copy[count] = copy_text(arena, list[count], "");
    }
    copy = mr_grow(arena, copy, count, sizeof(*copy));
    copy[count] = NULL;
    return copy;
}

static const char *
directory_of(struct mr_arena *arena, const char *file_name)
{
    const char *slash = strrchr(file_name, '/');
    if (slash == NULL) {
        return ".";
    }
    size_t size = slash == file_name ? 1 : (size_t)(slash - file_name);
    return mr_arena_cstr(arena, mr_slice_of(file_name, size));
}

static void
take_options(struct mr_reading *reading, const struct mr_template_options *given)
{
    struct mr_arena *arena = &reading->arena;
    struct mr_template_options *options = &reading->options;

    *options = given != NULL ? *given : (struct mr_template_options){ 0 };
    options->file_name = copy_text(arena, options->file_name, "template.yaml");
    options->directory =
        copy_text(arena, options->directory, directory_of(arena, options->file_name));
    options->stack_name = copy_text(arena, options->stack_name, "local");
    options->region = copy_text(arena, options->region, "us-east-1");
    options->account_id = copy_text(arena, options->account_id, "123456789012");
    options->parameters = copy_list(arena, options->parameters);
    options->imports = copy_list(arena, options->imports);
    options->shell = copy_list(arena, options->shell);
    options->translator_region = copy_text(arena, options->translator_region, options->region);
    reading->lenient = options->missing == MR_TEMPLATE_MISSING_IS_DUMMY;
}

/* --- reading --- */

static void
on_duplicate(const struct mr_node *key, const struct mr_node *first, void *context)
{
    struct mr_reading *reading = context;
    struct mr_slice name = mr_node_as_text(&reading->arena, key);
    mr_problem(reading, key, NULL, "the key %.*s stands here a second time (first in line %u)",
               (int)name.size, name.data == NULL ? "" : (const char *)name.data, first->line);
}

static void
read_env_vars(struct mr_reading *reading)
{
    struct mr_document_error failure;
    if (reading->options.env_vars.data == NULL) {
        return;
    }
    reading->env_vars = mr_document_parse(&reading->arena, reading->options.env_vars,
                                          on_duplicate, reading, &failure);
    if (!mr_node_is(reading->env_vars, MR_NODE_MAP)) {
        reading->env_vars = NULL;
        mr_reject(reading, NULL, NULL, "the document of --env-vars is not a JSON object");
    }
}

static void
read_template(struct mr_reading *reading, struct mr_slice text)
{
    struct mr_document_error failure;

    read_env_vars(reading);
    reading->root = mr_document_parse(&reading->arena, text, on_duplicate, reading, &failure);
    if (reading->root == NULL) {
        const struct mr_node at = { .line = failure.line, .column = failure.column };
        mr_reject(reading, &at, NULL, "%s", failure.text);
        return;
    }
    if (!mr_read_sections(reading)) {
        return;
    }
    mr_read_parameters(reading);
    mr_expand_for_each(reading);
    mr_read_resources(reading);
    mr_merge_globals(reading);
    mr_check_everywhere(reading);
    mr_check_resources(reading);
    mr_read_conditions(reading);
    mr_resolve_mappings(reading);
    mr_build_model(reading);
}

static int
by_place(const void *a, const void *b)
{
    const struct mr_template_diagnostic *one = a, *other = b;
    if (one->line != other->line) {
        return one->line < other->line ? -1 : 1;
    }
    return one->column < other->column ? -1 : one->column > other->column;
}

struct mr_template *
mr_template_parse(struct mr_slice text, const struct mr_template_options *options)
{
    struct mr_template *tpl = mr_alloc_zero(1, sizeof(*tpl));
    take_options(&tpl->reading, options);
    tpl->reading.model.stack_name = tpl->reading.options.stack_name;
    tpl->reading.model.region = tpl->reading.options.region;
    tpl->reading.model.account_id = tpl->reading.options.account_id;
    read_template(&tpl->reading, text);
    if (tpl->reading.diagnostic_count > 1) {
        qsort(tpl->reading.diagnostics, tpl->reading.diagnostic_count,
              sizeof(*tpl->reading.diagnostics), by_place);
    }
    return tpl;
}

static int
read_file(const char *path, struct mr_buf *out, struct mr_error *err)
{
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return mr_fail(err, -errno, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return mr_fail(err, -EISDIR, "%s: is a directory; name the template in it", path);
    }
    for (;;) {
        ssize_t size = read(fd, mr_buf_reserve(out, 65536), 65536);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return mr_fail(err, -errno, "%s: %s", path, strerror(errno));
        }
        if (size == 0) {
            return 0;
        }
        out->size += (size_t)size;
        if (out->size > MR_TEMPLATE_MAX_BYTES) {
            return mr_fail(err, -EFBIG, "%s: larger than %d bytes", path,
                           MR_TEMPLATE_MAX_BYTES);
        }
    }
}

struct mr_template *
mr_template_load(const char *path, const struct mr_template_options *options,
                 struct mr_error *err)
{
    struct mr_template_options all =
        options != NULL ? *options : (struct mr_template_options){ 0 };
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };

    if (read_file(path, &text, err) < 0) {
        return NULL;
    }
    mr_auto_free char *directory = realpath(directory_of(&arena, path), NULL);
    if (all.file_name == NULL) {
        all.file_name = path;
    }
    if (all.directory == NULL) {
        all.directory = directory;
    }
    return mr_template_parse(mr_buf_slice(&text), &all);
}

void
mr_template_free(struct mr_template *tpl)
{
    if (tpl != NULL) {
        mr_arena_deinit(&tpl->reading.arena);
        free(tpl);
    }
}

/* --- asking --- */

bool
mr_template_ok(const struct mr_template *tpl)
{
    return tpl->reading.error_count == 0;
}

const struct mr_template_diagnostic *
mr_template_diagnostics(const struct mr_template *tpl, size_t *out_count)
{
    *out_count = tpl->reading.diagnostic_count;
    return tpl->reading.diagnostics;
}

void
mr_template_format(const struct mr_template *tpl,
                   const struct mr_template_diagnostic *diagnostic, struct mr_buf *out)
{
    mr_buf_append_str(out, tpl->reading.options.file_name);
    if (diagnostic->line > 0) {
        mr_buf_printf(out, ":%u:%u", diagnostic->line, diagnostic->column);
    }
    mr_buf_printf(out, ": %s%s",
                  diagnostic->severity == MR_TEMPLATE_ERROR     ? ""
                  : diagnostic->severity == MR_TEMPLATE_WARNING ? "warning: "
                                                                : "note: ",
                  diagnostic->text);
    if (diagnostic->path[0] != '\0') {
        mr_buf_printf(out, " [%s]", diagnostic->path);
    }
}

const struct mr_template_model *
mr_template_model_of(const struct mr_template *tpl)
{
    return &tpl->reading.model;
}

const char *
mr_template_source_name(enum mr_template_source source)
{
    static const char *const names[] = {
        [MR_TEMPLATE_KINESIS] = "Kinesis",
        [MR_TEMPLATE_DYNAMODB] = "DynamoDB",
        [MR_TEMPLATE_SQS] = "SQS",
        [MR_TEMPLATE_MSK] = "MSK",
        [MR_TEMPLATE_SELF_MANAGED_KAFKA] = "SelfManagedKafka",
        [MR_TEMPLATE_MQ] = "MQ",
        [MR_TEMPLATE_DOCUMENTDB] = "DocumentDB",
        [MR_TEMPLATE_UNKNOWN_SOURCE] = "unknown",
    };
    return names[source];
}

void
mr_template_write_json(const struct mr_template *tpl, enum mr_template_level level,
                       struct mr_buf *out)
{
    mr_reading_write_json(&tpl->reading, level, out);
}
