/*
 * say: what `millrace up` tells, as lines for a person or one JSON object a line.
 *
 * A line is begun with its first word, gets text (which only a person sees) and
 * members (which only a program sees), and is ended. Both tell the same.
 *
 *     mr_say_begin(say, "create");
 *     mr_say_text(say, "stream  %s", name);
 *     mr_say_str(say, "stream", name);
 *     mr_say_end(say);
 */
#ifndef MR_CLI_SAY_H
#define MR_CLI_SAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json_writer.h"
#include "cli/terminal.h"

struct mr_say {
    FILE *out; /* stdout, unless set after init */
    bool json;
    struct mr_buf line;
    struct mr_json_writer writer;
    bool status_shown; /* a status line stands at the bottom of the terminal: */
    char status[240];
};

void mr_say_init(struct mr_say *say, bool json);
void mr_say_deinit(struct mr_say *say);

/* `word` in eight columns, coloured. As JSON: {"event":word,...}. */
void mr_say_begin(struct mr_say *say, const char *word);
void mr_say_begin_coloured(struct mr_say *say, enum mr_colour colour, const char *word);
void mr_say_text(struct mr_say *say, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Text in a colour. */
void mr_say_in(struct mr_say *say, enum mr_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mr_say_str(struct mr_say *say, const char *name, const char *value);
void mr_say_number(struct mr_say *say, const char *name, int64_t value);
void mr_say_seconds(struct mr_say *say, const char *name, double value);
void mr_say_raw(struct mr_say *say, const char *name, struct mr_slice json);
void mr_say_end(struct mr_say *say);

/* A whole line that has no members but its text: as JSON {"event":word,"text":...}. */
void mr_say_line(struct mr_say *say, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same in yellow and in red, for what went wrong. */
void mr_say_warn(struct mr_say *say, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mr_say_wrong(struct mr_say *say, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line at the bottom of a terminal that the next one replaces; nothing elsewhere. */
void mr_say_status(struct mr_say *say, const char *text);

#endif
