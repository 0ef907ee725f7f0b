/* The lines a platform writes around a handler's own, and where all of them go. */
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
is_json_record(struct mr_slice text, enum mr_function_log_level *out_level)
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
        } else {
            mr_json_skip(&json);
        }
    }
    return mr_json_done(&json);
}

static void
write_wrapped(struct environment *environment, struct invocation *invocation,
              struct mr_slice text)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&buf);
    char time[32];

    log_time(time, wall_us(environment));
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "timestamp", time);
    mr_json_member_str(&json, "level", "INFO");
    if (invocation != NULL) {
        mr_json_member_string(&json, "requestId", invocation->request_id);
    }
    mr_json_member_string(&json, "message", text);
    mr_json_end_object(&json);
    write_line(environment, invocation, MR_LINE_FUNCTION, MR_FUNCTION_LOG_INFO, 0,
               mr_buf_slice(&buf));
}

void
log_function(struct environment *environment, const struct mr_log_line *line)
{
    const struct mr_function *function = &environment->entry->function;
    struct invocation *invocation = environment->invocation;
    enum mr_function_log_level level = line->level, lowest = function->application_log_level;

    if (function->log_format != MR_FUNCTION_LOG_JSON || line->framed) {
        write_line(environment, invocation, MR_LINE_FUNCTION, level, line->wall_us, line->text);
        return;
    }
    lowest = lowest == MR_FUNCTION_LOG_UNSET ? MR_FUNCTION_LOG_INFO : lowest;
    if (line->text.size > 0 && is_json_record(line->text, &level)) {
        if (level >= lowest) {
            write_line(environment, invocation, MR_LINE_FUNCTION, level, 0, line->text);
        }
    } else if (MR_FUNCTION_LOG_INFO >= lowest) {
        write_wrapped(environment, invocation, line->text);
    }
}

static void
on_line(const struct mr_log_line *line, void *context)
{
    log_function(context, line);
}

void
log_drain(struct environment *environment)
{
    uint8_t bytes[65536];

    while (environment->log_fd >= 0) {
        ssize_t size = read(environment->log_fd, bytes, sizeof(bytes));
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && errno == EAGAIN) {
            return;
        }
        if (size <= 0) {
            mr_log_lines_end(&environment->lines, on_line, environment);
            mr_watch_free(environment->log_watch);
            environment->log_watch = NULL;
            close(environment->log_fd);
            environment->log_fd = -1;
            return;
        }
        mr_log_lines_feed(&environment->lines, mr_slice_of(bytes, (size_t)size), on_line,
                          environment);
        if ((size_t)size < sizeof(bytes)) {
            return;
        }
    }
}

/* ---- the platform's lines ---- */

static bool
wants_json(const struct environment *environment)
{
    return environment->entry->function.log_format == MR_FUNCTION_LOG_JSON;
}

static struct mr_json_writer
begin_event(struct environment *environment, struct mr_buf *buf, const char *type)
{
    struct mr_json_writer json = mr_json_writer_on(buf);
    char time[32];

    log_time(time, wall_us(environment));
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "time", time);
    mr_json_member_str(&json, "type", type);
    mr_json_key(&json, "record");
    mr_json_begin_object(&json);
    return json;
}

static void
end_event(struct environment *environment, struct invocation *invocation,
          struct mr_json_writer *json)
{
    mr_json_end_object(json);
    mr_json_end_object(json);
    log_platform(environment, invocation, mr_buf_slice(json->buf));
}

void
log_init_start(struct environment *environment)
{
    const struct mr_function *function = &environment->entry->function;
    struct mr_slice runtime =
        function->runtime.size > 0 ? function->runtime : MR_SLICE("provided");
    mr_auto_buf struct mr_buf buf = { 0 };

    if (wants_json(environment)) {
        struct mr_json_writer json = begin_event(environment, &buf, "platform.initStart");
        mr_json_member_str(&json, "initializationType", "on-demand");
        mr_json_member_str(&json, "phase", environment->suppressed ? "invoke" : "init");
        mr_json_member_string(&json, "runtimeVersion", runtime);
        mr_json_member_string(&json, "functionName", function->name);
        mr_json_member_string(&json, "functionVersion", function->version);
        end_event(environment, environment->invocation, &json);
        return;
    }
    mr_buf_printf(&buf,
                  "INIT_START Runtime Version: %.*s\tRuntime Version ARN: "
                  "arn:aws:lambda:%s::runtime:millrace",
                  MR_SLICE_ARGS(runtime), environment->runtime->options.region);
    log_platform(environment, environment->invocation, mr_buf_slice(&buf));
}

void
log_init_failed(struct environment *environment, const char *status, const char *type)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    uint64_t took_us = mr_clock_now_us(mr_clock_system()) - environment->launched_us;
    const char *phase = environment->suppressed ? "invoke" : "init";

    if (wants_json(environment)) {
        struct mr_json_writer json = begin_event(environment, &buf, "platform.initReport");
        mr_json_member_str(&json, "initializationType", "on-demand");
        mr_json_member_str(&json, "phase", phase);
        mr_json_member_str(&json, "status", status);
        if (type != NULL) {
            mr_json_member_str(&json, "errorType", type);
        }
        end_event(environment, environment->invocation, &json);
        return;
    }
    mr_buf_printf(&buf, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s%s%s",
                  (double)took_us / 1000, phase, status, type != NULL ? "\tError Type: " : "",
                  type != NULL ? type : "");
    log_platform(environment, environment->invocation, mr_buf_slice(&buf));
}

void
log_extension(struct extension *extension)
{
    static const char *const states[] = {
        [EXTENSION_STARTED] = "Started",
        [EXTENSION_REGISTERED] = "Registered",
        [EXTENSION_READY] = "Ready",
        [EXTENSION_RUNNING] = "Running",
        [EXTENSION_INIT_ERROR] = "InitError",
        [EXTENSION_EXIT_ERROR] = "ExitError",
        [EXTENSION_LAUNCH_ERROR] = "LaunchError",
        [EXTENSION_EXITED] = "Exited",
    };
    struct environment *environment = extension->environment;
    const char *state = states[extension->state];
    mr_auto_buf struct mr_buf buf = { 0 };

    if (wants_json(environment)) {
        struct mr_json_writer json = begin_event(environment, &buf, "platform.extension");
        mr_json_member_str(&json, "name", extension->name);
        mr_json_member_str(&json, "state", state);
        mr_json_key(&json, "events");
        mr_json_begin_array(&json);
        if (extension->wants_invoke) {
            mr_json_put_str(&json, "INVOKE");
        }
        if (extension->wants_shutdown) {
            mr_json_put_str(&json, "SHUTDOWN");
        }
        mr_json_end_array(&json);
        if (extension->error_type != NULL) {
            mr_json_member_str(&json, "errorType", extension->error_type);
        }
        end_event(environment, environment->invocation, &json);
        return;
    }
    mr_buf_printf(&buf, "EXTENSION\tName: %s\tState: %s\tEvents: [%s%s%s]", extension->name,
                  state, extension->wants_invoke ? "INVOKE" : "",
                  extension->wants_invoke && extension->wants_shutdown ? ", " : "",
                  extension->wants_shutdown ? "SHUTDOWN" : "");
    if (extension->error_type != NULL) {
        mr_buf_printf(&buf, "\tError Type: %s", extension->error_type);
    }
    log_platform(environment, environment->invocation, mr_buf_slice(&buf));
}

void
log_extension_output(struct extension *extension, struct mr_slice line)
{
    struct environment *environment = extension->environment;

    write_line(environment, environment->invocation, MR_LINE_EXTENSION, MR_FUNCTION_LOG_UNSET,
               0, line);
}

void
log_start(struct environment *environment, struct invocation *invocation)
{
    struct mr_slice version = environment->entry->function.version;
    mr_auto_buf struct mr_buf buf = { 0 };

    if (wants_json(environment)) {
        struct mr_json_writer json = begin_event(environment, &buf, "platform.start");
        mr_json_member_string(&json, "requestId", invocation->request_id);
        mr_json_member_string(&json, "version", version);
        if (invocation->tenant_id.size > 0) {
            mr_json_member_string(&json, "tenantId", invocation->tenant_id);
        }
        end_event(environment, invocation, &json);
        return;
    }
    mr_buf_printf(&buf, "START RequestId: %.*s Version: %.*s",
                  MR_SLICE_ARGS(invocation->request_id), MR_SLICE_ARGS(version));
    log_platform(environment, invocation, mr_buf_slice(&buf));
}

static void
report_json(struct environment *environment, struct invocation *invocation, uint64_t billed_ms,
            uint64_t memory_mb)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = begin_event(environment, &buf, "platform.report");

    mr_json_member_string(&json, "requestId", invocation->request_id);
    mr_json_member_str(&json, "status", invocation->status ? invocation->status : "success");
    if (invocation->status != NULL && invocation->result.error_type.size > 0) {
        mr_json_member_string(&json, "errorType", invocation->result.error_type);
    }
    mr_json_key(&json, "metrics");
    mr_json_begin_object(&json);
    mr_json_key(&json, "durationMs");
    mr_json_put_f64(&json, (double)(invocation->duration_us / 10) / 100);
    mr_json_member_i64(&json, "billedDurationMs", (int64_t)billed_ms);
    mr_json_member_i64(&json, "memorySizeMB", environment->entry->function.memory_mb);
    mr_json_member_i64(&json, "maxMemoryUsedMB", (int64_t)memory_mb);
    if (invocation->init_us > 0) {
        mr_json_key(&json, "initDurationMs");
        mr_json_put_f64(&json, (double)(invocation->init_us / 10) / 100);
    }
    mr_json_end_object(&json);
    end_event(environment, invocation, &json);
}

void
log_end(struct environment *environment, struct invocation *invocation)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    uint64_t billed_ms = (invocation->duration_us + 999) / 1000;
    uint64_t memory_mb = (environment->memory_peak_bytes + (1 << 20) - 1) >> 20;

    if (wants_json(environment)) {
        report_json(environment, invocation, billed_ms, memory_mb);
        return;
    }
    mr_buf_printf(&buf, "END RequestId: %.*s", MR_SLICE_ARGS(invocation->request_id));
    log_platform(environment, invocation, mr_buf_slice(&buf));
    mr_buf_clear(&buf);
    mr_buf_printf(&buf,
                  "REPORT RequestId: %.*s\tDuration: %.2f ms\tBilled Duration: %" PRIu64
                  " ms\tMemory Size: %u MB\tMax Memory Used: %" PRIu64 " MB\t",
                  MR_SLICE_ARGS(invocation->request_id), (double)invocation->duration_us / 1000,
                  billed_ms, environment->entry->function.memory_mb, memory_mb);
    if (invocation->init_us > 0) {
        mr_buf_printf(&buf, "Init Duration: %.2f ms\t", (double)invocation->init_us / 1000);
    }
    if (invocation->status != NULL) {
        mr_buf_printf(&buf, "Status: %s", invocation->status);
        if (invocation->result.error_type.size > 0 && invocation->status[0] == 'e') {
            mr_buf_printf(&buf, "\tError Type: %.*s",
                          MR_SLICE_ARGS(invocation->result.error_type));
        }
    }
    log_platform(environment, invocation, mr_buf_slice(&buf));
}
