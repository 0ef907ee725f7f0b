/*
 * What the platform itself has to say: INIT_START, START, END, REPORT and their like. The same
 * events are lines of text, lines of JSON, and telemetry.
 */
#include "runtime/inside.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json_writer.h"

static bool
wants_json(const struct environment *environment)
{
    return environment->entry->function.log_format == MR_FUNCTION_LOG_JSON;
}

/* Is there anybody to read it as JSON? */
static bool
wants_event(const struct environment *environment)
{
    return wants_json(environment) || telemetry_wanted(environment);
}

static struct mr_json_writer
begin_event(struct environment *environment, struct mr_buf *buf, const char *type)
{
    struct mr_json_writer json = mr_json_writer_on(buf);
    char time[32];

    log_time(time, mr_clock_wall_us(mr_loop_clock(environment->runtime->loop)));
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "time", time);
    mr_json_member_str(&json, "type", type);
    mr_json_key(&json, "record");
    mr_json_begin_object(&json);
    return json;
}

static void
end_event(struct environment *environment, struct invocation *invocation,
          enum mr_function_log_level level, struct mr_json_writer *json)
{
    enum mr_function_log_level lowest = environment->entry->function.system_log_level;

    mr_json_end_object(json);
    mr_json_end_object(json);
    lowest = lowest == MR_FUNCTION_LOG_UNSET ? MR_FUNCTION_LOG_INFO : lowest;
    if (wants_json(environment) && level >= lowest) {
        log_platform(environment, invocation, mr_buf_slice(json->buf));
    }
    telemetry_event(environment, TELEMETRY_PLATFORM, mr_buf_slice(json->buf));
}

static void
put_ms(struct mr_json_writer *json, const char *name, uint64_t us)
{
    mr_json_key(json, name);
    mr_json_put_f64(json, (double)(us / 10) / 100);
}

static void
put_tracing(struct mr_json_writer *json, const struct invocation *invocation)
{
    if (invocation->trace_id.size > 0) {
        mr_json_key(json, "tracing");
        mr_json_begin_object(json);
        mr_json_member_str(json, "type", "X-Amzn-Trace-Id");
        mr_json_member_string(json, "value", invocation->trace_id);
        mr_json_end_object(json);
    }
}

/* ---- init ---- */

static const char *
phase_of(const struct environment *environment)
{
    return environment->suppressed ? "invoke" : "init";
}

void
log_init_start(struct environment *environment)
{
    const struct mr_function *function = &environment->entry->function;
    struct mr_slice runtime =
        function->runtime.size > 0 ? function->runtime : MR_SLICE("provided");
    const char *region = environment->runtime->options.region;
    mr_auto_buf struct mr_buf buf = { 0 }, arn = { 0 };

    mr_buf_printf(&arn, "arn:aws:lambda:%s::runtime:millrace", region);
    if (wants_event(environment)) {
        struct mr_json_writer json = begin_event(environment, &buf, "platform.initStart");
        mr_json_member_str(&json, "initializationType", program_init_type(environment));
        mr_json_member_str(&json, "phase", phase_of(environment));
        mr_json_member_string(&json, "runtimeVersion", runtime);
        mr_json_member_string(&json, "runtimeVersionArn", mr_buf_slice(&arn));
        mr_json_member_string(&json, "functionName", function->name);
        mr_json_member_str(&json, "functionArn", environment->entry->arn);
        mr_json_member_string(&json, "functionVersion", function->version);
        mr_json_key(&json, "instanceId");
        mr_json_put_u64(&json, environment->id);
        mr_json_key(&json, "instanceMaxMemory");
        mr_json_put_u64(&json, (uint64_t)function->memory_mb << 20);
        end_event(environment, environment->invocation, MR_FUNCTION_LOG_INFO, &json);
    }
    if (!wants_json(environment)) {
        mr_buf_clear(&buf);
        mr_buf_printf(&buf, "INIT_START Runtime Version: %.*s\tRuntime Version ARN: %s",
                      MR_SLICE_ARGS(runtime), mr_buf_cstr(&arn));
        log_platform(environment, environment->invocation, mr_buf_slice(&buf));
    }
}

static void
init_event(struct environment *environment, const char *event, const char *status,
           const char *type, bool with_duration)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = begin_event(environment, &buf, event);
    bool fine = status[0] == 's';

    mr_json_member_str(&json, "initializationType", program_init_type(environment));
    mr_json_member_str(&json, "phase", phase_of(environment));
    mr_json_member_str(&json, "status", status);
    if (type != NULL) {
        mr_json_member_str(&json, "errorType", type);
    }
    if (with_duration) {
        mr_json_key(&json, "metrics");
        mr_json_begin_object(&json);
        put_ms(&json, "durationMs",
               mr_clock_now_us(mr_clock_system()) - environment->launched_us);
        mr_json_end_object(&json);
    }
    end_event(environment, environment->invocation,
              fine ? MR_FUNCTION_LOG_DEBUG : MR_FUNCTION_LOG_WARN, &json);
}

void
log_init_runtime_done(struct environment *environment, const char *status, const char *type)
{
    if (wants_event(environment)) {
        init_event(environment, "platform.initRuntimeDone", status, type, false);
    }
}

void
log_init_report(struct environment *environment, const char *status, const char *type)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    uint64_t took_us = mr_clock_now_us(mr_clock_system()) - environment->launched_us;

    if (wants_event(environment)) {
        init_event(environment, "platform.initReport", status, type, true);
    }
    if (wants_json(environment) || status[0] == 's') {
        return; /* text speaks of failures only */
    }
    mr_buf_printf(&buf, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s%s%s",
                  (double)took_us / 1000, phase_of(environment), status,
                  type != NULL ? "\tError Type: " : "", type != NULL ? type : "");
    log_platform(environment, environment->invocation, mr_buf_slice(&buf));
}

static void
restore_event(struct environment *environment, const char *event, const char *status,
              const char *type, uint64_t took_us)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = begin_event(environment, &buf, event);
    const struct mr_function *function = &environment->entry->function;

    if (status == NULL) {
        mr_json_member_string(&json, "functionName", function->name);
        mr_json_member_string(&json, "functionVersion", function->version);
        mr_json_member_string(&json, "runtimeVersion", function->runtime);
    } else {
        mr_json_member_str(&json, "status", status);
    }
    if (type != NULL) {
        mr_json_member_str(&json, "errorType", type);
    }
    if (took_us > 0) {
        mr_json_key(&json, "metrics");
        mr_json_begin_object(&json);
        put_ms(&json, "durationMs", took_us);
        mr_json_end_object(&json);
    }
    end_event(environment, environment->invocation,
              type != NULL ? MR_FUNCTION_LOG_WARN : MR_FUNCTION_LOG_INFO, &json);
}

void
log_restore(struct environment *environment, const char *status, const char *type)
{
    uint64_t took_us = mr_clock_now_us(mr_clock_system()) - environment->restoring_us;
    mr_auto_buf struct mr_buf buf = { 0 };

    if (wants_event(environment)) {
        restore_event(environment, "platform.restoreStart", NULL, NULL, 0);
        restore_event(environment, "platform.restoreRuntimeDone", status, type, 0);
        restore_event(environment, "platform.restoreReport", status, type, took_us);
    }
    if (!wants_json(environment)) {
        mr_buf_printf(
            &buf, "RESTORE_REPORT Restore Duration: %.2f ms%s%s", (double)took_us / 1000,
            type != NULL ? "\tStatus: error\tError Type: " : "", type != NULL ? type : "");
        log_platform(environment, environment->invocation, mr_buf_slice(&buf));
    }
}

/* ---- extensions ---- */

void
log_extension(struct extension *extension)
{
    struct environment *environment = extension->environment;
    struct invocation *invocation = environment->invocation;
    const char *state = extension_state_name(extension);
    const char *error = extension->error_type;
    bool invoke = extension->wants_invoke, shutdown = extension->wants_shutdown;
    mr_auto_buf struct mr_buf buf = { 0 };

    if (wants_event(environment)) {
        struct mr_json_writer json = begin_event(environment, &buf, "platform.extension");
        mr_json_member_str(&json, "name", extension->name);
        mr_json_member_str(&json, "state", state);
        mr_json_key(&json, "events");
        mr_json_put_raw(&json, invoke && shutdown ? MR_SLICE("[\"INVOKE\",\"SHUTDOWN\"]")
                               : invoke           ? MR_SLICE("[\"INVOKE\"]")
                               : shutdown         ? MR_SLICE("[\"SHUTDOWN\"]")
                                                  : MR_SLICE("[]"));
        if (error != NULL) {
            mr_json_member_str(&json, "errorType", error);
        }
        end_event(environment, invocation, MR_FUNCTION_LOG_INFO, &json);
    }
    if (!wants_json(environment)) {
        mr_buf_clear(&buf);
        mr_buf_printf(&buf, "EXTENSION\tName: %s\tState: %s\tEvents: [%s%s%s]%s%s",
                      extension->name, state, invoke ? "INVOKE" : "",
                      invoke && shutdown ? ", " : "", shutdown ? "SHUTDOWN" : "",
                      error != NULL ? "\tError Type: " : "", error != NULL ? error : "");
        log_platform(environment, invocation, mr_buf_slice(&buf));
    }
}

void
log_subscription(struct extension *extension, struct mr_slice types)
{
    struct environment *environment = extension->environment;
    mr_auto_buf struct mr_buf buf = { 0 };

    if (wants_event(environment)) {
        struct mr_json_writer json =
            begin_event(environment, &buf, "platform.telemetrySubscription");
        mr_json_member_str(&json, "name", extension->name);
        mr_json_member_str(&json, "state", "Subscribed");
        mr_json_key(&json, "types");
        mr_json_put_raw(&json, types);
        end_event(environment, environment->invocation, MR_FUNCTION_LOG_INFO, &json);
    }
    if (!wants_json(environment)) {
        mr_buf_clear(&buf);
        mr_buf_printf(&buf, "TELEMETRY\tName: %s\tState: Subscribed\tTypes: [",
                      extension->name);
        for (size_t i = 0; i < types.size; i++) { /* ["platform","function"] in text's way */
            if (types.data[i] == ',') {
                mr_buf_append_str(&buf, ", ");
            } else if (types.data[i] >= 'a' && types.data[i] <= 'z') {
                bool first = types.data[i - 1] == '"';
                mr_buf_append_byte(&buf, (uint8_t)(types.data[i] - (first ? 32 : 0)));
            }
        }
        mr_buf_append_byte(&buf, ']');
        log_platform(environment, environment->invocation, mr_buf_slice(&buf));
    }
}

/* ---- invocations ---- */

void
log_start(struct environment *environment, struct invocation *invocation)
{
    struct mr_slice version = environment->entry->function.version;
    mr_auto_buf struct mr_buf buf = { 0 };

    if (wants_event(environment)) {
        struct mr_json_writer json = begin_event(environment, &buf, "platform.start");
        mr_json_member_string(&json, "requestId", invocation->request_id);
        mr_json_member_string(&json, "version", version);
        if (invocation->tenant_id.size > 0) {
            mr_json_member_string(&json, "tenantId", invocation->tenant_id);
        }
        put_tracing(&json, invocation);
        end_event(environment, invocation, MR_FUNCTION_LOG_INFO, &json);
    }
    if (!wants_json(environment)) {
        mr_buf_clear(&buf);
        mr_buf_printf(&buf, "START RequestId: %.*s Version: %.*s",
                      MR_SLICE_ARGS(invocation->request_id), MR_SLICE_ARGS(version));
        log_platform(environment, invocation, mr_buf_slice(&buf));
    }
}

static const char *
status_of(const struct invocation *invocation)
{
    const struct mr_invocation_result *result = &invocation->result;

    if (invocation->status != NULL && invocation->status[0] == 't') {
        return "timeout";
    }
    if (result->outcome == MR_INVOCATION_OK && invocation->status == NULL) {
        return "success";
    }
    return mr_slice_starts_with(result->error_type, MR_SLICE("Sandbox.")) ? "failure" : "error";
}

static enum mr_function_log_level
put_status(struct mr_json_writer *json, const struct invocation *invocation)
{
    const char *status = status_of(invocation);

    mr_json_member_string(json, "requestId", invocation->request_id);
    if (invocation->tenant_id.size > 0) {
        mr_json_member_string(json, "tenantId", invocation->tenant_id);
    }
    mr_json_member_str(json, "status", status);
    if (status[0] != 's' && invocation->result.error_type.size > 0) {
        mr_json_member_string(json, "errorType", invocation->result.error_type);
    }
    return status[0] == 's' ? MR_FUNCTION_LOG_INFO : MR_FUNCTION_LOG_WARN;
}

static void
put_span(struct mr_json_writer *json, const struct environment *environment, const char *name,
         uint64_t from_us, uint64_t to_us)
{
    uint64_t wall_us = mr_clock_wall_us(mr_loop_clock(environment->runtime->loop));
    uint64_t ago_us = mr_clock_now_us(mr_clock_system()) - from_us;
    char time[32];

    log_time(time, wall_us > ago_us ? wall_us - ago_us : wall_us);
    mr_json_begin_object(json);
    mr_json_member_str(json, "name", name);
    mr_json_member_str(json, "start", time);
    put_ms(json, "durationMs", to_us > from_us ? to_us - from_us : 0);
    mr_json_end_object(json);
}

void
log_runtime_done(struct environment *environment, struct invocation *invocation)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    uint64_t now_us = mr_clock_now_us(mr_clock_system());
    bool answered = invocation->responded_us != 0;

    if (invocation->runtime_done) {
        return;
    }
    invocation->runtime_done = true;
    if (!wants_event(environment)) {
        return;
    }
    struct mr_json_writer json = begin_event(environment, &buf, "platform.runtimeDone");
    enum mr_function_log_level level = put_status(&json, invocation);
    mr_json_key(&json, "metrics");
    mr_json_begin_object(&json);
    put_ms(&json, "durationMs", now_us - invocation->started_us);
    if (answered) {
        mr_json_key(&json, "producedBytes");
        mr_json_put_u64(&json, invocation->produced_bytes);
    }
    mr_json_end_object(&json);
    if (answered) {
        mr_json_key(&json, "spans");
        mr_json_begin_array(&json);
        put_span(&json, environment, "responseLatency", invocation->started_us,
                 invocation->responding_us);
        put_span(&json, environment, "responseDuration", invocation->responding_us,
                 invocation->responded_us);
        put_span(&json, environment, "runtimeOverhead", invocation->responded_us, now_us);
        mr_json_end_array(&json);
    }
    put_tracing(&json, invocation);
    end_event(environment, invocation,
              level == MR_FUNCTION_LOG_INFO ? MR_FUNCTION_LOG_DEBUG : level, &json);
}

struct figures {
    uint64_t billed_ms, memory_mb;
};

static void
report_event(struct environment *environment, struct invocation *invocation,
             const struct figures *figures)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    struct mr_json_writer json = begin_event(environment, &buf, "platform.report");
    enum mr_function_log_level level = put_status(&json, invocation);

    mr_json_key(&json, "metrics");
    mr_json_begin_object(&json);
    put_ms(&json, "durationMs", invocation->duration_us);
    mr_json_member_i64(&json, "billedDurationMs", (int64_t)figures->billed_ms);
    mr_json_member_i64(&json, "memorySizeMB", environment->entry->function.memory_mb);
    mr_json_member_i64(&json, "maxMemoryUsedMB", (int64_t)figures->memory_mb);
    if (invocation->init_us > 0) {
        put_ms(&json, "initDurationMs", invocation->init_us);
    }
    if (invocation->restore_us > 0) {
        put_ms(&json, "restoreDurationMs", invocation->restore_us);
        mr_json_member_i64(&json, "billedRestoreDurationMs",
                           (int64_t)(invocation->restore_us + 999) / 1000);
    }
    mr_json_end_object(&json);
    put_tracing(&json, invocation);
    end_event(environment, invocation, level, &json);
}

static void
report_text(struct environment *environment, struct invocation *invocation,
            const struct figures *figures)
{
    mr_auto_buf struct mr_buf buf = { 0 };

    mr_buf_printf(&buf, "END RequestId: %.*s", MR_SLICE_ARGS(invocation->request_id));
    log_platform(environment, invocation, mr_buf_slice(&buf));
    mr_buf_clear(&buf);
    mr_buf_printf(&buf,
                  "REPORT RequestId: %.*s\tDuration: %.2f ms\tBilled Duration: %" PRIu64
                  " ms\tMemory Size: %u MB\tMax Memory Used: %" PRIu64 " MB\t",
                  MR_SLICE_ARGS(invocation->request_id), (double)invocation->duration_us / 1000,
                  figures->billed_ms, environment->entry->function.memory_mb,
                  figures->memory_mb);
    if (invocation->init_us > 0) {
        mr_buf_printf(&buf, "Init Duration: %.2f ms\t", (double)invocation->init_us / 1000);
    }
    if (invocation->restore_us > 0) {
        mr_buf_printf(
            &buf, "Restore Duration: %.2f ms\tBilled Restore Duration: %" PRIu64 " ms\t",
            (double)invocation->restore_us / 1000, (invocation->restore_us + 999) / 1000);
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

void
log_end(struct environment *environment, struct invocation *invocation)
{
    /* As on Lambda since August 2025 the init is billed too. */
    const struct figures figures = {
        .billed_ms = (invocation->duration_us + invocation->init_us + 999) / 1000,
        .memory_mb = (environment->memory_peak_bytes + (1 << 20) - 1) >> 20,
    };

    log_runtime_done(environment, invocation);
    if (wants_event(environment)) {
        report_event(environment, invocation, &figures);
    }
    if (!wants_json(environment)) {
        report_text(environment, invocation, &figures);
    }
}
