/*
 * log: one line to stderr for the person who runs the daemon.
 *
 * Mains and the long-running rooms log; a library that returned an error has
 * said it already and does not. Lines are `TIME LEVEL room: text` for people,
 * or one JSON object a line. A line holds no control characters: whatever came
 * from outside is escaped here.
 *
 * Thread: any. One write(2) a line.
 */
#ifndef MR_BASE_LOG_H
#define MR_BASE_LOG_H

enum mr_log_level { MR_LOG_DEBUG, MR_LOG_INFO, MR_LOG_WARN, MR_LOG_ERROR };
enum mr_log_format { MR_LOG_TEXT, MR_LOG_JSON };

/* Call before threads start. Default: MR_LOG_INFO, text. */
void mr_log_configure(enum mr_log_level lowest, enum mr_log_format format);

/* Says `mark` on every line from now on: what nobody may overlook. Static; NULL: nothing. */
void mr_log_mark(const char *mark);

/* `room` is the folder that speaks: "stream", "poller", ... */
void mr_log(enum mr_log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
