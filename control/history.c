#include "control/history.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "control/history_ring.h"
#include "control/inside.h"

enum {
    DEFAULT_BYTES = 256 * 1024 * 1024,
    SUCCESS_BYTES_A_SECOND = 8 * 1024 * 1024,
    FAILURE_BYTES_A_SECOND = 32 * 1024 * 1024,
    MAX_LOG_BYTES = 64 * 1024, /* of one invocation */
    SWEEP_MS = 200,            /* a record whose log does not end is written after that */
    MAX_SPARE = 16,            /* records kept with their memory, for the next */
};

/* An invocation that is not written yet. */
struct record {
    struct mr_list node;
    char *request_id;
    json_t *heading;
    struct mr_buf event, response, log;
    uint64_t started_ms, ended_ms;
    bool ended, reported, failed, wanted;
};

struct history {
    struct mr_loop *loop;
    struct history_ring *ring;
    struct mr_list records;
    struct mr_list spare;
    size_t spare_count;
    struct mr_timer sweep;
    uint64_t second;
    uint64_t second_bytes[2]; /* of successes and of failures, written in this second */
    bool broken;              /* it could not be written, and that was said */
};

static uint64_t
now_ms(const struct history *history)
{
    return mr_clock_wall_ms(mr_loop_clock(history->loop));
}

static struct record *
find(const struct history *history, struct mr_slice request_id)
{
    MR_LIST_EACH(node, &history->records)
    {
        struct record *record = MR_CONTAINER_OF(node, struct record, node);
        if (mr_slice_is(request_id, record->request_id)) {
            return record;
        }
    }
    return NULL;
}

/* Events are large: their memory is used again. */
static struct record *
record_new(struct history *history)
{
    if (history->spare_count == 0) {
        return mr_alloc_zero(1, sizeof(struct record));
    }
    struct record *record = MR_CONTAINER_OF(history->spare.next, struct record, node);
    mr_list_remove(&record->node);
    history->spare_count--;
    return record;
}

static struct record *
find_or_add(struct history *history, struct mr_slice request_id)
{
    struct record *record = find(history, request_id);

    if (record == NULL || record->ended) {
        record = record_new(history);
        record->request_id = mr_slice_dup(request_id);
        record->heading = json_pack("{s:o}", "requestId", json_text(request_id));
        mr_list_push_front(&history->records, &record->node);
    }
    return record;
}

static void
record_free(struct history *history, struct record *record)
{
    struct record empty = { .event = record->event };

    mr_list_remove(&record->node);
    mr_buf_deinit(&record->response);
    mr_buf_deinit(&record->log);
    json_decref(record->heading);
    free(record->request_id);
    if (history->spare_count == MAX_SPARE) {
        mr_buf_deinit(&record->event);
        free(record);
        return;
    }
    *record = empty;
    mr_buf_clear(&record->event);
    mr_list_push_front(&history->spare, &record->node);
    history->spare_count++;
}

/* ---- writing ---- */

/* Is there room for that many bytes in this second? */
static bool
may_write(struct history *history, bool failed, size_t bytes)
{
    uint64_t second = now_ms(history) / 1000;
    uint64_t most = failed ? FAILURE_BYTES_A_SECOND : SUCCESS_BYTES_A_SECOND;
    uint64_t *written = &history->second_bytes[failed];

    if (second != history->second) {
        history->second = second;
        history->second_bytes[0] = history->second_bytes[1] = 0;
    }
    if (*written > 0 && *written + bytes > most) {
        return false;
    }
    *written += bytes;
    return true;
}

static void
write_record(struct history *history, struct record *record)
{
    size_t bytes = record->event.size + record->response.size + record->log.size;
    struct mr_error err = { 0 };

    if (record->wanted && may_write(history, record->failed, bytes)) {
        json_object_set_new(record->heading, "eventBytes",
                            json_integer((json_int_t)record->event.size));
        json_object_set_new(record->heading, "responseBytes",
                            json_integer((json_int_t)record->response.size));
        json_object_set_new(record->heading, "logBytes",
                            json_integer((json_int_t)record->log.size));
        mr_buf_append_slice(&record->event, mr_buf_slice(&record->response));
        mr_buf_append_slice(&record->event, mr_buf_slice(&record->log));
        if (history_ring_add(history->ring, json_incref(record->heading),
                             mr_buf_slice(&record->event), &err) < 0 &&
            !history->broken) {
            history->broken = true;
            mr_log(MR_LOG_WARN, "control", "%s: invocations are not recorded", err.text);
        }
    }
    record_free(history, record);
}

static void
on_sweep(void *context)
{
    struct history *history = context;
    uint64_t now = now_ms(history);
    bool left = false;

    MR_LIST_EACH(node, &history->records)
    {
        struct record *record = MR_CONTAINER_OF(node, struct record, node);
        if (record->ended && now >= record->ended_ms + SWEEP_MS) {
            write_record(history, record);
        } else {
            left = left || record->ended;
        }
    }
    if (left) {
        mr_timer_start(&history->sweep, SWEEP_MS);
    }
}

struct history *
history_open(struct mr_loop *loop, const char *directory, uint64_t max_bytes,
             struct mr_error *err)
{
    struct history_ring *ring =
        history_ring_open(directory, max_bytes > 0 ? max_bytes : DEFAULT_BYTES, err);

    if (ring == NULL) {
        return NULL;
    }
    struct history *history = mr_alloc_zero(1, sizeof(*history));
    history->loop = loop;
    history->ring = ring;
    mr_list_init(&history->records);
    mr_list_init(&history->spare);
    mr_timer_init(&history->sweep, loop, MR_TIME_REAL, on_sweep, history);
    return history;
}

void
history_close(struct history *history)
{
    if (history == NULL) {
        return;
    }
    mr_timer_stop(&history->sweep);
    MR_LIST_EACH(node, &history->records)
    {
        struct record *record = MR_CONTAINER_OF(node, struct record, node);
        if (record->ended) {
            write_record(history, record);
        } else {
            record_free(history, record);
        }
    }
    while (history->spare_count > 0) {
        struct record *record = record_new(history);
        mr_buf_deinit(&record->event);
        free(record);
    }
    history_ring_close(history->ring);
    free(history);
}

/* ---- what happens ---- */

void
history_begin(struct history *history, struct mr_slice request_id, struct mr_slice function_arn,
              struct mr_slice payload)
{
    struct record *record = find_or_add(history, request_id);

    record->started_ms = now_ms(history);
    json_object_set_new(record->heading, "function", json_text(function_arn));
    json_object_set_new(record->heading, "startedMs",
                        json_integer((json_int_t)record->started_ms));
    mr_buf_clear(&record->event);
    mr_buf_append_slice(&record->event, payload);
}

void
history_batch(struct history *history, const struct mr_mapping_event *start)
{
    json_t *heading = find_or_add(history, start->request_id)->heading;

    json_object_set_new(heading, "mapping", json_text(start->mapping_uuid));
    json_object_set_new(heading, "shard", json_text(start->shard_id));
    json_object_set_new(heading, "batch", json_text(start->batch));
    json_object_set_new(heading, "attempt", json_integer(start->attempt));
}

void
history_log(struct history *history, const struct mr_runtime_log *log)
{
    struct record *record = log->request_id.size == 0 ? NULL : find(history, log->request_id);

    if (record == NULL) {
        return;
    }
    if (record->log.size + log->line.size < MAX_LOG_BYTES) {
        mr_buf_append_slice(&record->log, log->line);
        mr_buf_append_byte(&record->log, '\n');
    }
    if (log->kind == MR_LINE_PLATFORM &&
        (mr_slice_starts_with(log->line, MR_SLICE("REPORT RequestId")) ||
         mr_slice_starts_with(log->line, MR_SLICE("{\"time\"")))) {
        record->reported = mr_slice_starts_with(log->line, MR_SLICE("REPORT"));
        if (record->reported && record->ended) {
            write_record(history, record);
        }
    }
}

static const char *
outcome_of(const struct mr_invocation_result *result)
{
    switch (result->outcome) {
    case MR_INVOCATION_OK:
        return "ok";
    case MR_INVOCATION_FUNCTION_ERROR:
        return "error";
    case MR_INVOCATION_THROTTLED:
        return "throttled";
    default:
        return "refused";
    }
}

void
history_end(struct history *history, struct mr_slice request_id,
            const struct mr_invocation_result *result)
{
    struct record *record = find(history, request_id);

    if (record == NULL || record->ended) {
        return;
    }
    record->ended = true;
    record->ended_ms = now_ms(history);
    record->failed = result->outcome != MR_INVOCATION_OK;
    record->wanted = result->outcome != MR_INVOCATION_THROTTLED;
    mr_buf_append_slice(&record->response, result->payload);
    json_object_set_new(record->heading, "outcome", json_string(outcome_of(result)));
    json_object_set_new(record->heading, "version", json_text(result->executed_version));
    json_object_set_new(record->heading, "durationUs",
                        json_integer((json_int_t)result->duration_us));
    if (result->error_type.size > 0) {
        json_object_set_new(record->heading, "errorType", json_text(result->error_type));
    }
    if (result->reason.size > 0) {
        json_object_set_new(record->heading, "reason", json_text(result->reason));
    }
    if (record->reported || !record->wanted) {
        write_record(history, record);
    } else if (!mr_timer_started(&history->sweep)) {
        mr_timer_start(&history->sweep, SWEEP_MS);
    }
}

/* ---- looking ---- */

static bool
is_failed(const json_t *heading)
{
    const char *outcome = json_text_of(heading, "outcome");

    return outcome == NULL || strcmp(outcome, "ok") != 0;
}

static json_t *
shown(const json_t *heading)
{
    json_t *out = json_copy((json_t *)(uintptr_t)heading);

    json_object_del(out, "eventBytes");
    json_object_del(out, "responseBytes");
    json_object_del(out, "logBytes");
    return out;
}

json_t *
history_list(const struct history *history, size_t most, bool failed_only)
{
    json_t *list = json_array();

    for (size_t i = history_ring_count(history->ring); i > 0 && json_array_size(list) < most;
         i--) {
        const json_t *heading = history_ring_at(history->ring, i - 1)->heading;
        if (!failed_only || is_failed(heading)) {
            json_array_append_new(list, shown(heading));
        }
    }
    return list;
}

/* JSON as it is; anything else as a string. */
static json_t *
value_of(struct mr_slice bytes)
{
    json_t *value = json_loadb((const char *)bytes.data, bytes.size,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    return value != NULL ? value : json_text(bytes);
}

static json_t *
lines_of(struct mr_slice text)
{
    json_t *lines = json_array();

    while (text.size > 0) {
        json_array_append_new(lines, json_text(mr_slice_cut(&text, '\n')));
    }
    return lines;
}

static const struct history_entry *
find_entry(const struct history *history, const char *id)
{
    uint64_t number = 0;
    bool is_number = mr_slice_to_u64(mr_slice_str(id), &number);

    for (size_t i = history_ring_count(history->ring); i > 0; i--) {
        const struct history_entry *entry = history_ring_at(history->ring, i - 1);
        const char *request_id = json_text_of(entry->heading, "requestId");
        const char *batch = json_text_of(entry->heading, "batch");
        if ((is_number && entry->number == number) ||
            (request_id != NULL && strcmp(request_id, id) == 0) ||
            (batch != NULL && strcmp(batch, id) == 0)) {
            return entry;
        }
    }
    return NULL;
}

json_t *
history_get(struct history *history, const char *id)
{
    const struct history_entry *entry = find_entry(history, id);
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_error err = { 0 };

    if (entry == NULL || history_ring_read(history->ring, entry, &body, &err) < 0) {
        return NULL;
    }
    json_t *out = shown(entry->heading);
    size_t event = (size_t)json_integer_value(json_object_get(entry->heading, "eventBytes"));
    size_t response =
        (size_t)json_integer_value(json_object_get(entry->heading, "responseBytes"));
    struct mr_slice rest = mr_buf_slice(&body);
    json_object_set_new(out, "event", value_of(mr_slice_first(rest, event)));
    rest = mr_slice_from(rest, event);
    json_object_set_new(out, "response", value_of(mr_slice_first(rest, response)));
    json_object_set_new(out, "log", lines_of(mr_slice_from(rest, response)));
    return out;
}
