#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"

void
mr_say_init(struct mr_say *say, bool json)
{
    *say = (struct mr_say){ .out = stdout, .json = json };
}

void
mr_say_deinit(struct mr_say *say)
{
    mr_say_status(say, "");
    mr_buf_deinit(&say->line);
}

void
mr_say_begin_coloured(struct mr_say *say, enum mr_colour colour, const char *word)
{
    mr_buf_clear(&say->line);
    if (say->json) {
        say->writer = mr_json_writer_on(&say->line);
        mr_json_begin_object(&say->writer);
        mr_json_member_str(&say->writer, "event", word);
        return;
    }
    mr_buf_printf(&say->line, "%s%-7s%s ", mr_colour(say->out, colour), word,
                  mr_colour(say->out, MR_PLAIN));
}

void
mr_say_begin(struct mr_say *say, const char *word)
{
    mr_say_begin_coloured(say, MR_CYAN, word);
}

static void
append(struct mr_say *say, const char *format, va_list arguments)
{
    char small[512];
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(small, sizeof(small), format, arguments);
    if (size >= (int)sizeof(small)) {
        uint8_t *room = mr_buf_reserve(&say->line, (size_t)size + 1);
        vsnprintf((char *)room, (size_t)size + 1, format, again);
        say->line.size += (size_t)size;
    } else if (size > 0) {
        mr_buf_append(&say->line, small, (size_t)size);
    }
    va_end(again);
}

void
mr_say_text(struct mr_say *say, const char *format, ...)
{
    if (say->json) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    append(say, format, arguments);
    va_end(arguments);
}

void
mr_say_in(struct mr_say *say, enum mr_colour colour, const char *format, ...)
{
    if (say->json) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    mr_buf_append_str(&say->line, mr_colour(say->out, colour));
    append(say, format, arguments);
    mr_buf_append_str(&say->line, mr_colour(say->out, MR_PLAIN));
    va_end(arguments);
}

void
mr_say_str(struct mr_say *say, const char *name, const char *value)
{
    if (say->json && value != NULL) {
        mr_json_member_str(&say->writer, name, value);
    }
}

void
mr_say_number(struct mr_say *say, const char *name, int64_t value)
{
    if (say->json) {
        mr_json_member_i64(&say->writer, name, value);
    }
}

void
mr_say_seconds(struct mr_say *say, const char *name, double value)
{
    if (say->json) {
        mr_json_key(&say->writer, name);
        mr_json_put_f64(&say->writer, (double)(int64_t)(value * 1000.0 + 0.5) / 1000.0);
    }
}

void
mr_say_raw(struct mr_say *say, const char *name, struct mr_slice json)
{
    if (say->json) {
        mr_json_key(&say->writer, name);
        mr_json_put_raw(&say->writer, json);
    }
}

void
mr_say_end(struct mr_say *say)
{
    if (say->json) {
        mr_json_end_object(&say->writer);
    }
    while (!say->json && say->line.size > 0 && say->line.data[say->line.size - 1] == ' ') {
        say->line.size--;
    }
    mr_buf_append_byte(&say->line, '\n');
    mr_say_status(say, "");
    fwrite(say->line.data, 1, say->line.size, say->out);
    fflush(say->out);
}

static void
whole_line(struct mr_say *say, enum mr_colour colour, const char *word, const char *format,
           va_list arguments)
{
    mr_say_begin_coloured(say, colour, word);
    if (!say->json) {
        append(say, format, arguments);
    } else {
        struct mr_buf line = mr_buf_take(&say->line);
        append(say, format, arguments);
        struct mr_buf text = mr_buf_take(&say->line);
        say->line = line;
        say->writer.buf = &say->line;
        mr_json_member_string(&say->writer, "text", mr_buf_slice(&text));
        mr_buf_deinit(&text);
    }
    mr_say_end(say);
}

void
mr_say_line(struct mr_say *say, const char *word, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    whole_line(say, MR_CYAN, word, format, arguments);
    va_end(arguments);
}

void
mr_say_warn(struct mr_say *say, const char *word, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    whole_line(say, MR_YELLOW, word, format, arguments);
    va_end(arguments);
}

void
mr_say_wrong(struct mr_say *say, const char *word, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    whole_line(say, MR_RED, word, format, arguments);
    va_end(arguments);
}

void
mr_say_status(struct mr_say *say, const char *text)
{
    if (say->json || !isatty(STDOUT_FILENO)) {
        return;
    }
    if (say->status_shown && strcmp(text, say->status) == 0) {
        return;
    }
    if (say->status_shown) {
        fputs("\r\033[K", say->out);
    }
    say->status_shown = text[0] != '\0';
    snprintf(say->status, sizeof(say->status), "%s", text);
    if (say->status_shown) {
        fprintf(say->out, "%s%s%s", mr_colour(say->out, MR_DIM), text,
                mr_colour(say->out, MR_PLAIN));
    }
    fflush(say->out);
}
