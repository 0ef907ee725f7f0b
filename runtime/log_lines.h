/*
 * log_lines: cut what a handler writes into lines and framed records.
 *
 * Raw text ends at a newline. Frames (big-endian: type, length, microseconds,
 * message) may stand between lines on the same descriptor: their first bytes
 * A5 5A 00 begin no UTF-8 text. Lines and messages over MR_LOG_MAX_LINE_BYTES
 * are cut and say so. A carriage return is a line break inside a record; other
 * control characters come out as \xNN.
 */
#ifndef MR_RUNTIME_LOG_LINES_H
#define MR_RUNTIME_LOG_LINES_H

#include "base/buf.h"
#include "base/slice.h"
#include "runtime/function.h"

struct mr_log_line {
    struct mr_slice text;             /* valid during the callback */
    enum mr_function_log_level level; /* UNSET for raw text */
    bool framed;
    uint64_t wall_us; /* 0 for raw text */
};

typedef void(mr_log_line_fn)(const struct mr_log_line *line, void *context);

/* A zeroed struct is ready. */
struct mr_log_lines {
    struct mr_buf pending; /* an unfinished line or frame */
    struct mr_buf clean;
    size_t scanned; /* of `pending`, without a line's end in it */
    size_t skip;    /* bytes of an overlong frame still to come */
    bool overlong;  /* the rest of a cut line is dropped */
};

void mr_log_lines_feed(struct mr_log_lines *lines, struct mr_slice bytes, mr_log_line_fn *fn,
                       void *context);
/* The writer is gone: an unfinished line is a line. */
void mr_log_lines_end(struct mr_log_lines *lines, mr_log_line_fn *fn, void *context);
void mr_log_lines_deinit(struct mr_log_lines *lines);

#endif
