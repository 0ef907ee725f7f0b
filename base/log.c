#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json_writer.h"

static struct {
    enum mr_log_level lowest;
    enum mr_log_format format;
    const char *mark;
} config = { MR_LOG_INFO, MR_LOG_TEXT, NULL };

static const char *const level_names[] = { "DEBUG", "INFO", "WARN", "ERROR" };

void
mr_log_configure(enum mr_log_level lowest, enum mr_log_format format)
{
    config.lowest = lowest;
    config.format = format;
}

void
mr_log_mark(const char *mark)
{
    config.mark = mark;
}

static void
append_time(struct mr_buf *line)
{
    struct timespec now;
    struct tm utc;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    mr_buf_printf(line, "%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static void
json_line(struct mr_buf *line, enum mr_log_level level, const char *room, struct mr_slice text)
{
    struct mr_json_writer json = mr_json_writer_on(line);
    mr_json_begin_object(&json);
    mr_json_key(&json, "time");
    mr_buf_append_byte(line, '"');
    append_time(line);
    mr_buf_append_byte(line, '"');
    json.comma = true;
    mr_json_member_str(&json, "level", level_names[level]);
    mr_json_member_str(&json, "room", room);
    if (config.mark != NULL) {
        mr_json_member_str(&json, "mark", config.mark);
    }
    mr_json_member_string(&json, "text", text);
    mr_json_end_object(&json);
}

static void
text_line(struct mr_buf *line, enum mr_log_level level, const char *room, struct mr_slice text)
{
    append_time(line);
    mr_buf_printf(line, " %s %s: ", level_names[level], room);
    if (config.mark != NULL) {
        mr_buf_printf(line, "[%s] ", config.mark);
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f) {
            mr_buf_printf(line, "\\x%02x", text.data[i]);
        } else {
            mr_buf_append_byte(line, text.data[i]);
        }
    }
}

void
mr_log(enum mr_log_level level, const char *room, const char *format, ...)
{
    if (level < config.lowest) {
        return;
    }
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0) {
        return;
    }
    mr_auto_buf struct mr_buf line = { 0 };
    struct mr_slice slice = mr_slice_of(text, (size_t)size);
    (config.format == MR_LOG_JSON ? json_line : text_line)(&line, level, room, slice);
    free(text);
    mr_buf_append_byte(&line, '\n');
    ssize_t ignored = write(STDERR_FILENO, line.data, line.size);
    (void)ignored; /* nobody to tell */
}
