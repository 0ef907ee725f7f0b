#include "sam-templates/reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
append_path(struct mr_buf *buf, const struct mr_path *path)
{
    if (path == NULL) {
        return;
    }
    append_path(buf, path->up);
    if (path->name.data == NULL) {
        mr_buf_printf(buf, "[%zu]", path->index);
    } else {
        mr_buf_append_str(buf, buf->size > 0 ? "." : "");
        mr_buf_append_slice(buf, path->name);
    }
}

struct mr_slice
mr_path_text(struct mr_reading *reading, const struct mr_path *path)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    append_path(&buf, path);
    return mr_arena_copy(&reading->arena, mr_buf_slice(&buf));
}

/* Control characters of a hostile template stay out of the terminal; long values are cut. */
static struct mr_slice
clean(struct mr_reading *reading, const char *text)
{
    enum { LONGEST = 600 };
    size_t size = strlen(text);
    if (size > LONGEST) {
        size = LONGEST;
        while (size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80) {
            size--; /* not in the middle of a character */
        }
    }
    char *copy = mr_arena_cstr(&reading->arena, mr_slice_of(text, size));
    for (char *c = copy; *c != '\0'; c++) {
        if ((uint8_t)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
    return mr_slice_str(copy);
}

static void
report(struct mr_reading *reading, enum mr_template_severity severity, const struct mr_node *at,
       const struct mr_path *path, const char *format, va_list args)
{
    if (severity == MR_TEMPLATE_ERROR) {
        reading->error_count++;
    }
    /* Warnings leave room: what stops the template must be seen. */
    size_t most = severity == MR_TEMPLATE_ERROR ? MR_TEMPLATE_MAX_DIAGNOSTICS
                                                : MR_TEMPLATE_MAX_DIAGNOSTICS / 2;
    if (reading->diagnostic_count >= most) {
        return;
    }
    char text[1024];
    vsnprintf(text, sizeof(text), format, args);
    struct mr_template_diagnostic diagnostic = {
        .severity = severity,
        .line = at == NULL ? 0 : at->line,
        .column = at == NULL ? 0 : at->column,
        .path = (const char *)mr_path_text(reading, path).data,
        .text = (const char *)clean(reading, text).data,
    };
    /* A walk may meet the same node twice: say it once. */
    for (size_t i = 0; i < reading->diagnostic_count; i++) {
        const struct mr_template_diagnostic *said = &reading->diagnostics[i];
        if (said->line == diagnostic.line && said->column == diagnostic.column &&
            strcmp(said->text, diagnostic.text) == 0) {
            return;
        }
    }
    reading->diagnostics = mr_grow(&reading->arena, reading->diagnostics,
                                   reading->diagnostic_count, sizeof(diagnostic));
    reading->diagnostics[reading->diagnostic_count++] = diagnostic;
}

void
mr_reject(struct mr_reading *reading, const struct mr_node *at, const struct mr_path *path,
          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(reading, MR_TEMPLATE_ERROR, at, path, format, args);
    va_end(args);
}

void
mr_problem(struct mr_reading *reading, const struct mr_node *at, const struct mr_path *path,
           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(reading, reading->lenient ? MR_TEMPLATE_WARNING : MR_TEMPLATE_ERROR, at, path,
           format, args);
    va_end(args);
}

void
mr_warn(struct mr_reading *reading, const struct mr_node *at, const struct mr_path *path,
        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(reading, MR_TEMPLATE_WARNING, at, path, format, args);
    va_end(args);
}

struct mr_suggestion
mr_suggest(struct mr_reading *reading, struct mr_slice wanted)
{
    if (++reading->suggestion_count > 2 * MR_TEMPLATE_MAX_DIAGNOSTICS) {
        return (struct mr_suggestion){ .distance = 0 };
    }
    return mr_suggestion_for(wanted);
}

bool
mr_over_budget(struct mr_reading *reading)
{
    if (!reading->gave_up && reading->arena.used > MR_READING_MAX_MEMORY) {
        reading->gave_up = true;
        mr_reject(reading, NULL, NULL,
                  "the template becomes larger than %d MiB when it is written out",
                  MR_READING_MAX_MEMORY / (1024 * 1024));
    }
    return reading->gave_up;
}
