#include "poller/lane_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "poller/response.h"

enum {
    LABEL_TEXT = 64,
    KEPT_EVENT_BYTES = 64 * 1024, /* a larger one is written anew for a retry that waits */
};

/* Outlives its runner when that is freed while somebody still owes us an answer. */
struct mr_lane_flight {
    struct mr_lane_runner *runner; /* NULL: abandoned */
};

static struct mr_mapping *
mapping_of(const struct mr_lane_runner *runner)
{
    return runner->reader->mapping;
}

static const struct mr_mapping_settings *
settings_of(const struct mr_lane_runner *runner)
{
    return mr_mapping_settings_of(mapping_of(runner));
}

static uint64_t
now_ms(const struct mr_lane_runner *runner)
{
    return mr_poller_now_ms(mapping_of(runner)->poller);
}

static const struct mr_record *
record_of(const struct mr_lane_runner *runner, size_t index)
{
    return mr_lane_record(runner->lane, index)->record;
}

/* ---- flights ---- */

static struct mr_lane_flight *
take_off(struct mr_lane_runner *runner)
{
    struct mr_lane_flight *flight = mr_alloc(sizeof(*flight));
    flight->runner = runner;
    runner->flight = flight;
    mapping_of(runner)->in_flight++;
    return flight;
}

/* NULL: the runner is no more. */
static struct mr_lane_runner *
land(struct mr_lane_flight *flight)
{
    struct mr_lane_runner *runner = flight->runner;
    free(flight);
    if (runner != NULL) {
        runner->flight = NULL;
    }
    return runner;
}

/*
 * Somebody of this mapping has made room, so who was throttled longest tries again, before the
 * one that made it goes on: with fewer places than lanes all have their turn.
 */
static void
wake_throttled(struct mr_mapping *mapping)
{
    if (mr_list_empty(&mapping->throttled)) {
        return;
    }
    struct mr_lane_runner *runner =
        MR_CONTAINER_OF(mapping->throttled.next, struct mr_lane_runner, throttled);
    mr_lane_hurry(runner->lane);
    mr_lane_runner_run(runner);
}

/* The lane has moved: go on. */
static void
go_on(struct mr_lane_runner *runner)
{
    struct mr_mapping *mapping = mapping_of(runner);
    mr_lane_runner_run(runner);
    mr_shard_reader_settle(runner->reader);
    mr_mapping_landed(mapping);
}

/* ---- what is told ---- */

/* "b7", of its halves "b7.L" and "b7.R", of theirs "b7.R.L". */
static struct mr_slice
label_of(const struct mr_lane_action *action, char text[LABEL_TEXT])
{
    int size = snprintf(text, LABEL_TEXT, "b%llu", (unsigned long long)action->number);
    for (uint32_t i = action->split_depth; i > 0 && size + 2 < LABEL_TEXT; i--) {
        text[size++] = '.';
        text[size++] = (action->split_path >> (i - 1) & 1) != 0 ? 'R' : 'L';
    }
    return mr_slice_of(text, (size_t)size);
}

static void
describe(const struct mr_lane_runner *runner, enum mr_mapping_event_kind kind,
         struct mr_mapping_event *event)
{
    const struct mr_lane_action *action = &runner->action;
    *event = (struct mr_mapping_event){
        .kind = kind,
        .shard_id = runner->reader->id,
        .lane = runner->index,
        .request_id = mr_slice_str(runner->request_id),
        .attempt = action->attempt,
        .count = action->count,
        .bytes = runner->payload.size,
        .max_retries = settings_of(runner)->max_retries,
        .is_final_window = action->is_final,
        .early_window = action->early,
    };
    if (action->count > 0) {
        const struct mr_record *first = record_of(runner, 0);
        event->first_sequence_number = first->sequence_number;
        event->last_sequence_number = record_of(runner, action->count - 1)->sequence_number;
        uint64_t now = now_ms(runner);
        event->age_ms = now > first->arrival_ms ? now - first->arrival_ms : 0;
    }
}

static void
tell(const struct mr_lane_runner *runner, struct mr_mapping_event *event)
{
    char label[LABEL_TEXT];
    event->batch = label_of(&runner->action, label);
    mr_mapping_tell(mapping_of(runner), event);
}

/* ---- the event ---- */

/* Another batch than before: a new request id, and its event is still to be written. */
static void
begin_batch(struct mr_lane_runner *runner)
{
    struct mr_mapping *mapping = mapping_of(runner);
    if (runner->batch == runner->action.batch && runner->request_id[0] != '\0') {
        return;
    }
    runner->batch = runner->action.batch;
    runner->version[0] = '\0';
    mr_buf_clear(&runner->payload);
    mr_random_uuid(&mapping->poller->random, runner->request_id);
    mapping->counts.batches++;
}

static void
write_event(struct mr_lane_runner *runner)
{
    const struct mr_lane_action *action = &runner->action;
    const struct mr_event_kinesis *event = runner->reader->lanes.event;
    struct mr_buf *payload = &runner->payload;
    bool windows = settings_of(runner)->tumbling_ms > 0 || action->is_final;
    struct mr_event_window window = { .start_ms = action->window_start_ms,
                                      .size_ms = action->window_size_ms,
                                      .state = mr_lane_state(runner->lane),
                                      .is_final = action->is_final,
                                      .early = action->early };
    if (payload->size > 0 && runner->payload_count == action->count) {
        return;
    }
    if (payload->capacity == 0) {
        *payload = mr_poller_take_buffer(mapping_of(runner)->poller);
    }
    mr_buf_clear(payload);
    mr_event_kinesis_begin(payload);
    for (size_t i = 0; i < action->count; i++) {
        mr_event_kinesis_record(event, payload, record_of(runner, i), i == 0);
    }
    mr_event_kinesis_end(event, payload, windows ? &window : NULL);
    runner->payload_count = action->count;
}

/* ---- invoking ---- */

static struct mr_slice
number_of(size_t index, void *context)
{
    return record_of(context, index)->sequence_number;
}

static struct mr_lane_report
read_answer(struct mr_lane_runner *runner, const struct mr_invoke_result *result)
{
    const struct mr_mapping_settings *settings = settings_of(runner);
    struct mr_response_batch batch = { .count = runner->action.count,
                                       .number = number_of,
                                       .context = runner,
                                       .report_failures = settings->report_failures,
                                       .tumbling = settings->tumbling_ms > 0 ||
                                                   runner->action.is_final };
    switch (result->outcome) {
    case MR_INVOKE_OK:
        return mr_response_read(result->payload, &batch);
    case MR_INVOKE_FUNCTION_ERROR:
        return (struct mr_lane_report){ .outcome = MR_LANE_FAILED };
    case MR_INVOKE_REJECTED:
        return (struct mr_lane_report){ .outcome = MR_LANE_REJECTED };
    default:
        return (struct mr_lane_report){ .outcome = MR_LANE_NOT_INVOKED };
    }
}

static enum mr_mapping_result
result_of(enum mr_lane_outcome outcome)
{
    switch (outcome) {
    case MR_LANE_SUCCEEDED:
    case MR_LANE_PARTIAL:
        return MR_MAPPING_OK;
    case MR_LANE_FAILED:
    case MR_LANE_BAD_RESPONSE:
        return MR_MAPPING_FUNCTION_FAILED;
    default:
        return MR_MAPPING_SERVICE_FAILED;
    }
}

static void
count_outcome(struct mr_lane_runner *runner, const struct mr_lane_report *report)
{
    struct mr_mapping *mapping = mapping_of(runner);
    size_t count = runner->action.count;
    if (report->outcome != MR_LANE_SUCCEEDED) {
        mapping->counts.failed += count;
    }
    mapping->last_result = result_of(report->outcome);
    if (count > 0) {
        uint64_t arrival_ms = record_of(runner, count - 1)->arrival_ms;
        uint64_t now = now_ms(runner);
        mapping->counts.iterator_age_ms = now > arrival_ms ? now - arrival_ms : 0;
    }
}

/* What a function error says of itself: its errorMessage. */
static struct mr_slice
error_message(struct mr_slice payload, struct mr_arena *arena)
{
    struct mr_slice key, message = { NULL, 0 };
    struct mr_json json = mr_json_of(payload);
    if (!mr_json_enter(&json)) {
        return message;
    }
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "errorMessage") || !mr_json_string(&json, arena, &message)) {
            mr_json_skip(&json);
        }
    }
    return message;
}

static void
report(struct mr_lane_runner *runner, const struct mr_invoke_result *result)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_event event;
    struct mr_lane_report report = read_answer(runner, result);
    size_t before = mr_lane_size(runner->lane);
    describe(runner, MR_EVENT_BATCH_END, &event);
    count_outcome(runner, &report);
    mr_lane_report(runner->lane, &report, now_ms(runner));
    mapping_of(runner)->counts.succeeded += before - mr_lane_size(runner->lane);

    struct mr_lane_outlook outlook = mr_lane_outlook(runner->lane, now_ms(runner));
    event.outcome = report.outcome;
    event.failed_at = report.failed_at;
    event.payload = result->payload;
    event.detail = result->reason;
    if (result->outcome == MR_INVOKE_FUNCTION_ERROR && result->reason.size == 0) {
        event.detail = error_message(result->payload, &arena);
    }
    event.duration_us = mr_clock_now_us(mr_clock_system()) - runner->started_us;
    event.retry_in_ms = outlook.retry_in_ms;
    event.split = outlook.split;
    tell(runner, &event);
}

static void
on_invoked(const struct mr_invoke_result *result, void *context)
{
    struct mr_lane_runner *runner = land(context);
    if (runner == NULL) {
        return;
    }
    snprintf(runner->version, sizeof(runner->version), "%.*s",
             MR_SLICE_ARGS(result->executed_version));
    report(runner, result);
    if (result->outcome == MR_INVOKE_THROTTLED) {
        mr_list_push_back(&mapping_of(runner)->throttled, &runner->throttled);
    } else {
        wake_throttled(mapping_of(runner));
    }
    go_on(runner);
}

static void
invoke(struct mr_lane_runner *runner)
{
    struct mr_mapping *mapping = mapping_of(runner);
    const struct mr_invoker *invoker = mapping->poller->options.invoker;
    struct mr_mapping_event event;
    begin_batch(runner);
    write_event(runner);
    mapping->counts.invocations++;
    mapping->counts.invoked += runner->action.count;
    describe(runner, MR_EVENT_BATCH_START, &event);
    event.payload = mr_buf_slice(&runner->payload);
    tell(runner, &event);
    struct mr_invoke_request request = { .function_arn = settings_of(runner)->function_arn,
                                         .request_id = mr_slice_str(runner->request_id),
                                         .payload = mr_buf_slice(&runner->payload) };
    runner->started_us = mr_clock_now_us(mr_clock_system());
    invoker->invoke(invoker->self, &request, on_invoked, take_off(runner));
}

/* ---- giving up ---- */

static void
count_discard(struct mr_lane_runner *runner, enum mr_sunk sunk)
{
    struct mr_mapping_counts *counts = &mapping_of(runner)->counts;
    if (sunk == MR_SUNK_DELIVERED) {
        counts->delivered += runner->action.count;
    } else {
        counts->dropped += runner->action.count;
    }
    if (sunk == MR_SUNK_FAILED) {
        counts->destination_failures++;
    }
}

static void
on_sunk(enum mr_sunk sunk, struct mr_slice detail, void *context)
{
    struct mr_lane_runner *runner = land(context);
    struct mr_mapping_event event;
    if (runner == NULL) {
        return;
    }
    describe(runner, MR_EVENT_BATCH_DROP, &event);
    count_discard(runner, sunk);
    mr_lane_discarded(runner->lane, now_ms(runner));
    event.condition = runner->action.condition;
    event.invoke_count = runner->action.invoke_count;
    event.sunk = sunk;
    event.detail = detail;
    tell(runner, &event);
    go_on(runner);
}

static void
discard(struct mr_lane_runner *runner)
{
    struct mr_mapping *mapping = mapping_of(runner);
    const struct mr_mapping_settings *settings = settings_of(runner);
    const struct mr_lane_action *action = &runner->action;
    const struct mr_sink *sink = mapping->poller->options.sink;
    begin_batch(runner);
    write_event(runner);
    struct mr_failure_window window = { action->window_start_ms,
                                        action->window_start_ms + action->window_size_ms,
                                        action->is_final, action->early };
    struct mr_failure_document document = {
        .request_id = mr_slice_str(runner->request_id),
        .function_arn = settings->function_arn,
        .condition = action->condition,
        .invoke_count = action->invoke_count,
        .has_response = action->has_response,
        .executed_version = mr_slice_str(runner->version),
        .unhandled = action->unhandled,
        .time_ms = now_ms(runner),
        .is_dynamodb = mapping->kept->whole_records,
        .shard_id = runner->reader->id,
        .stream_arn = settings->source_arn,
        .batch_size = action->count,
        .window = settings->tumbling_ms > 0 || action->is_final ? &window : NULL,
        .payload = mr_buf_slice(&runner->payload),
    };
    if (action->count > 0) {
        const struct mr_record *first = record_of(runner, 0);
        const struct mr_record *last = record_of(runner, action->count - 1);
        document.start_sequence_number = first->sequence_number;
        document.end_sequence_number = last->sequence_number;
        document.first_arrival_ms = first->arrival_ms;
        document.last_arrival_ms = last->arrival_ms;
    }
    struct mr_sink_letter letter = { settings->uuid, settings->destination_arn, &document };
    sink->deliver(sink->self, &letter, on_sunk, take_off(runner));
}

/* ---- the lane ---- */

/* The event's memory may serve others. */
static void
give_event(struct mr_lane_runner *runner)
{
    if (runner->payload.capacity > 0) {
        mr_poller_give_buffer(mapping_of(runner)->poller, &runner->payload);
    }
}

static void
wait_until(struct mr_lane_runner *runner, uint64_t until_ms)
{
    uint64_t now = now_ms(runner);
    if (runner->payload.size > KEPT_EVENT_BYTES) {
        give_event(runner); /* thousands may wait at a time */
    }
    mr_timer_start(&runner->timer, until_ms > now ? until_ms - now : 0);
}

static void
rest(struct mr_lane_runner *runner)
{
    give_event(runner);
    mr_lane_trim(runner->lane);
}

void
mr_lane_runner_run(struct mr_lane_runner *runner)
{
    if (mapping_of(runner)->life != MR_MAPPING_RUNNING || runner->flight != NULL) {
        return;
    }
    mr_timer_stop(&runner->timer);
    struct mr_lane_action action = mr_lane_next(runner->lane, now_ms(runner));
    runner->is_done = action.verb == MR_LANE_DONE;
    runner->is_drained = runner->is_done || action.verb == MR_LANE_IDLE;
    if (action.verb != MR_LANE_WAIT) {
        mr_list_remove(&runner->throttled);
    }
    switch (action.verb) {
    case MR_LANE_INVOKE:
        runner->action = action;
        invoke(runner);
        break;
    case MR_LANE_DISCARD:
        runner->action = action;
        discard(runner);
        break;
    case MR_LANE_WAIT:
        wait_until(runner, action.until_ms);
        break;
    default:
        rest(runner);
        break;
    }
}

static void
on_timer(void *context)
{
    struct mr_lane_runner *runner = context;
    mr_lane_runner_run(runner);
    mr_shard_reader_settle(runner->reader);
}

/* ---- life ---- */

static struct mr_lane_options
lane_options(const struct mr_lane_runner *runner)
{
    const struct mr_mapping_settings *settings = settings_of(runner);
    struct mr_poller *poller = mapping_of(runner)->poller;
    return (struct mr_lane_options){
        .batch_size = settings->batch_size,
        .envelope_bytes = (uint32_t)mr_event_kinesis_envelope_size(runner->reader->lanes.event),
        .max_event_bytes = MR_LAMBDA_MAX_EVENT_BYTES,
        .window_ms = settings->window_ms,
        .max_retries = settings->max_retries,
        .max_age_ms = settings->max_age_ms,
        .bisect = settings->bisect,
        .tumbling_ms = settings->tumbling_ms,
        .backoff_ms = poller->options.backoff_ms,
        .backoff_max_ms = poller->options.backoff_max_ms,
        .throttle_max_ms = poller->options.throttle_max_ms,
        .batch_numbers = &poller->batch_numbers,
    };
}

struct mr_lane_runner *
mr_lane_runner_new(struct mr_shard_reader *reader, unsigned index)
{
    struct mr_lane_runner *runner = mr_alloc_zero(1, sizeof(*runner));
    runner->reader = reader;
    runner->index = index;
    mr_list_init(&runner->throttled);
    mr_timer_init(&runner->timer, reader->mapping->poller->options.loop, MR_TIME_INJECTED,
                  on_timer, runner);
    struct mr_lane_options options = lane_options(runner);
    runner->lane = mr_lane_new(&options, now_ms(runner));
    return runner;
}

static uint32_t
weigh(const struct mr_lane_record *record, void *context)
{
    const struct mr_lane_runner *runner = context;
    return (uint32_t)mr_event_kinesis_record_size(runner->reader->lanes.event, record->record);
}

void
mr_lane_runner_update(struct mr_lane_runner *runner)
{
    mr_lane_weigh(runner->lane, weigh, runner);
    struct mr_lane_options options = lane_options(runner);
    mr_lane_update(runner->lane, &options);
}

void
mr_lane_runner_stop(struct mr_lane_runner *runner)
{
    mr_timer_stop(&runner->timer);
    mr_list_remove(&runner->throttled);
}

void
mr_lane_runner_free(struct mr_lane_runner *runner)
{
    if (runner == NULL) {
        return;
    }
    mr_lane_runner_stop(runner);
    if (runner->flight != NULL) {
        runner->flight->runner = NULL;
        mapping_of(runner)->in_flight--;
    }
    give_event(runner);
    mr_lane_free(runner->lane);
    free(runner);
}
