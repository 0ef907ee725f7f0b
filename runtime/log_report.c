/* A handler's lines and an extension's: their levels and formats, and where all lines go. */
#include "runtime/inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/json_reader.h"
#include "base/json_writer.h"

static uint64_t
wall_us(const struct environment *environment)
{
    return mr_clock_wall_us(mr_loop_clock(environment->runtime->loop));
}

void
log_time(char out_time[32], uint64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t used = strftime(out_time, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out_time + used, 32 - used, ".%03uZ", (unsigned)(us / 1000 % 1000));
}

/* The tail keeps the last 4 KB: twice that is collected, then the front dropped. */
static void
keep_tail(struct invocation *invocation, struct mr_slice line)
{
    if (invocation == NULL || !invocation->want_log_tail) {
        return;
    }
    if (line.size > LOG_TAIL_BYTES) {
        line = mr_slice_from(line, line.size - LOG_TAIL_BYTES);
    }
    mr_buf_append_slice(&invocation->tail, line);
    mr_buf_append_byte(&invocation->tail, '\n');
    if (invocation->tail.size > LOG_TAIL_BYTES) {
        mr_buf_consume(&invocation->tail, invocation->tail.size - LOG_TAIL_BYTES);
    }
}

static void
write_line(struct environment *environment, struct invocation *invocation,
           enum mr_runtime_line kind, enum mr_function_log_level level, uint64_t us,
           struct mr_slice line)
{
    const struct mr_runtime_options *options = &environment->runtime->options;
    const struct mr_runtime_log log = {
        .kind = kind,
        .function = environment->entry->function.name,
        .request_id = invocation == NULL ? (struct mr_slice){ 0 } : invocation->request_id,
        .level = level,
        .wall_us = us != 0 ? us : wall_us(environment),
        .line = line,
    };

    keep_tail(invocation, line);
    if (options->log != NULL) {
        options->log(&log, options->log_context);
    }
}

void
log_platform(struct environment *environment, struct invocation *invocation,
             struct mr_slice line)
{
    write_line(environment, invocation, MR_LINE_PLATFORM, MR_FUNCTION_LOG_INFO, 0, line);
}

/* ---- the handler's lines ---- */

static enum mr_function_log_level
level_named(struct mr_slice name)
{
    static const char *const names[] = {
        "", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"
    };

    for (int level = MR_FUNCTION_LOG_TRACE; level <= MR_FUNCTION_LOG_FATAL; level++) {
        if (mr_slice_eq_nocase(name, mr_slice_str(names[level]))) {
            return (enum mr_function_log_level)level;
        }
    }
    return MR_FUNCTION_LOG_INFO;
}

/* A JSON object logs for itself; without a level it is INFO. */
static bool
is_json_record(struct mr_slice text, enum mr_function_log_level *out_level,
               struct mr_slice *out_request_id)
{
    struct mr_json json = mr_json_of(text);
    struct mr_slice key, level = { 0 };

    if (!mr_json_enter(&json) || json.depth == 0 || text.data[0] != '{') {
        return false;
    }
    *out_level = MR_FUNCTION_LOG_INFO;
    while (mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "level") && mr_json_peek(&json) == MR_JSON_STRING) {
            mr_json_string_raw(&json, &level);
            *out_level = level_named(level);
        } else if ((mr_slice_is(key, "requestId") || mr_slice_is(key, "AWSRequestId")) &&
                   mr_json_peek(&json) == MR_JSON_STRING) {
            mr_json_string_raw(&json, out_request_id);
        } else {
            mr_json_skip(&json);
        }
    }
    return mr_json_done(&json);
}

static void
give_telemetry(struct environment *environment, enum telemetry_kind kind, struct mr_slice line,
               uint64_t us)
{
    if (telemetry_wanted(environment)) {
        telemetry_line(environment, kind, line, us != 0 ? us : wall_us(environment));
    }
}

/* Plain text as a JSON log has it. */
static void
wrap(struct environment *environment, struct invocation *invocation, const char *level,
     struct mr_slice text, struct mr_buf *out)
{
    struct mr_json_writer json = mr_json_writer_on(out);
    char time[32];

    log_time(time, wall_us(environment));
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "timestamp", time);
    mr_json_member_str(&json, "level", level);
    if (invocation != NULL) {
        mr_json_member_string(&json, "requestId", invocation->request_id);
    }
    mr_json_member_string(&json, "message", text);
    mr_json_end_object(&json);
}

static void
write_wrapped(struct environment *environment, struct invocation *invocation,
              struct mr_slice text)
{
    mr_auto_buf struct mr_buf buf = { 0 };

    wrap(environment, invocation, "INFO", text, &buf);
    write_line(environment, invocation, MR_LINE_FUNCTION, MR_FUNCTION_LOG_INFO, 0,
               mr_buf_slice(&buf));
    give_telemetry(environment, TELEMETRY_FUNCTION, mr_buf_slice(&buf), 0);
}

void
log_problem(struct environment *environment, struct invocation *invocation,
            struct mr_slice text)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    bool line_end = text.size > 0 && text.data[text.size - 1] == '\n';

    if (environment->entry->function.log_format == MR_FUNCTION_LOG_JSON) {
        wrap(environment, invocation, "ERROR", mr_slice_first(text, text.size - line_end),
             &buf);
        text = mr_buf_slice(&buf);
    }
    write_line(environment, invocation, MR_LINE_PLATFORM, MR_FUNCTION_LOG_ERROR, 0, text);
}

void
log_function(struct environment *environment, const struct mr_log_line *line)
{
    const struct mr_function *function = &environment->entry->function;
    struct invocation *invocation = environment->invocation;
    enum mr_function_log_level level = line->level, lowest = function->application_log_level;

    if (function->log_format != MR_FUNCTION_LOG_JSON || line->framed) {
        write_line(environment, invocation, MR_LINE_FUNCTION, level, line->wall_us, line->text);
        give_telemetry(environment, TELEMETRY_FUNCTION, line->text, line->wall_us);
        return;
    }
    lowest = lowest == MR_FUNCTION_LOG_UNSET ? MR_FUNCTION_LOG_INFO : lowest;
    struct mr_slice id = { 0 };
    if (line->text.size > 0 && is_json_record(line->text, &level, &id)) {
        invocation = environment->many ? many_find(environment, id) : invocation;
        if (level >= lowest) {
            write_line(environment, invocation, MR_LINE_FUNCTION, level, 0, line->text);
            give_telemetry(environment, TELEMETRY_FUNCTION, line->text, 0);
        }
    } else if (MR_FUNCTION_LOG_INFO >= lowest) {
        write_wrapped(environment, invocation, line->text);
    }
}

static void
on_line(const struct mr_log_line *line, void *context)
{
    struct environment *environment = context;

    environment->log_spent += LOG_LINE_COST;
    log_function(environment, line);
}

static void
end_log(struct environment *environment)
{
    mr_log_lines_end(&environment->lines, on_line, environment);
    mr_timer_stop(&environment->log_timer);
    mr_watch_free(environment->log_watch);
    environment->log_watch = NULL;
    close(environment->log_fd);
    environment->log_fd = -1;
}

/* One read at most. False when there is nothing more for now. */
static bool
read_log(struct environment *environment)
{
    uint8_t bytes[LOG_READ_BYTES];
    ssize_t size;

    do {
        size = read(environment->log_fd, bytes, sizeof(bytes));
    } while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN) {
        return false;
    }
    if (size <= 0) {
        end_log(environment);
        return false;
    }
    environment->log_spent += (size_t)size;
    mr_log_lines_feed(&environment->lines, mr_slice_of(bytes, (size_t)size), on_line,
                      environment);
    return (size_t)size == sizeof(bytes);
}

void
log_drain(struct environment *environment)
{
    /* What a full pipe holds; whoever goes on writing is read by the loop, in its turn. */
    size_t most = environment->gone ? LOG_LAST_BYTES : LOG_DRAIN_BYTES;

    for (size_t got = 0; got < most && environment->log_fd >= 0; got += LOG_READ_BYTES) {
        if (!read_log(environment)) {
            return;
        }
    }
}

static void
on_log_again(void *context)
{
    struct environment *environment = context;

    environment->log_spent = 0;
    if (environment->log_watch != NULL) {
        mr_watch_set(environment->log_watch, MR_READABLE);
    }
}

void
log_timer_init(struct environment *environment)
{
    mr_timer_init(&environment->log_timer, environment->runtime->loop, MR_TIME_REAL,
                  on_log_again, environment);
}

void
log_read(struct environment *environment)
{
    uint64_t now_us = mr_clock_now_us(mr_clock_system());

    if (now_us - environment->log_since_us >= LOG_WINDOW_MS * 1000ull) {
        environment->log_since_us = now_us;
        environment->log_spent = 0;
    }
    (void)read_log(environment);
    if (environment->log_fd >= 0 && environment->log_spent > LOG_WINDOW_BYTES) {
        mr_watch_set(environment->log_watch, 0);
        mr_timer_start(&environment->log_timer, LOG_WINDOW_MS);
    }
}

void
log_extension_output(struct extension *extension, struct mr_slice line)
{
    struct environment *environment = extension->environment;

    write_line(environment, environment->invocation, MR_LINE_EXTENSION, MR_FUNCTION_LOG_UNSET,
               0, line);
}
