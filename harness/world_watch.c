/* What happened in a world, remembered: the ledger, the transcript, letters and logs. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "harness/world_inside.h"
#include "poller/failure_document.h"

/* ---- batches that are being tried ---- */

static struct world_batch **
find_batch(struct world_mapping *mapping, const struct mr_mapping_event *event)
{
    struct world_batch **slot = &mapping->batches;
    while (*slot != NULL &&
           ((*slot)->lane != event->lane || !mr_slice_eq((*slot)->shard_id, event->shard_id))) {
        slot = &(*slot)->next;
    }
    return slot;
}

static void
batch_free(struct world_batch *batch)
{
    free(batch->numbers);
    free(batch);
}

void
world_batches_free(struct world_mapping *mapping)
{
    while (mapping->batches != NULL) {
        struct world_batch *batch = mapping->batches;
        mapping->batches = batch->next;
        batch_free(batch);
    }
}

static struct world_batch *
batch_new(const struct mr_ledger *ledger, const struct mr_mapping_event *event)
{
    struct world_batch *batch = mr_alloc_zero(1, sizeof(*batch) + event->shard_id.size);
    memcpy(batch + 1, event->shard_id.data, event->shard_id.size);
    batch->shard_id = mr_slice_of(batch + 1, event->shard_id.size);
    batch->lane = event->lane;
    batch->count = mr_ledger_read_event(ledger, event->payload, &batch->numbers);
    return batch;
}

/* ---- the transcript ---- */

static const char *const outcome_names[] = {
    [MR_LANE_SUCCEEDED] = "ok",          [MR_LANE_PARTIAL] = "partial",
    [MR_LANE_FAILED] = "failed",         [MR_LANE_BAD_RESPONSE] = "bad response",
    [MR_LANE_NOT_INVOKED] = "throttled", [MR_LANE_REJECTED] = "rejected",
};

static void
write_numbers(struct mr_json_writer *json, const size_t *numbers, size_t count)
{
    mr_json_key(json, "records");
    mr_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        mr_json_put_u64(json, numbers[i]);
    }
    mr_json_end_array(json);
}

/* A line's beginning: when, which mapping, which shard, which batch. */
static struct mr_json_writer
begin_line(struct mr_world *world, const struct world_mapping *mapping, const char *what,
           const struct mr_mapping_event *event)
{
    struct mr_json_writer json = mr_json_writer_on(&world->transcript);
    mr_json_begin_object(&json);
    mr_json_member_i64(&json, "ms", (int64_t)mr_world_now_ms(world));
    mr_json_member_str(&json, "what", what);
    mr_json_member_str(&json, "mapping", mapping->shown.mapping->logical_id);
    mr_json_member_string(&json, "shard", event->shard_id);
    if (mapping->mapping != NULL && event->batch.size > 0) {
        mr_json_member_string(&json, "batch", event->batch);
    }
    return json;
}

static void
end_line(struct mr_world *world, struct mr_json_writer *json)
{
    mr_json_end_object(json);
    mr_buf_append_byte(&world->transcript, '\n');
    world->transcript_full = world->transcript.size > MR_WORLD_MAX_TRANSCRIPT_BYTES;
}

static void
write_error(struct mr_json_writer *json, struct mr_slice payload)
{
    struct mr_json answer = mr_json_of(payload);
    struct mr_slice key, type;
    mr_json_enter(&answer);
    while (mr_json_next_key(&answer, &key)) {
        if (mr_slice_is(key, "errorType") && mr_json_string_raw(&answer, &type)) {
            mr_json_key(json, "error");
            mr_buf_printf(json->buf, "\"%.*s\"", MR_SLICE_ARGS(type));
            json->comma = true;
        } else {
            mr_json_skip(&answer);
        }
    }
}

static void
write_end(struct mr_world *world, const struct world_mapping *mapping,
          const struct world_batch *batch, const struct mr_mapping_event *event)
{
    struct mr_json_writer json = begin_line(world, mapping, "invoke", event);
    mr_json_member_i64(&json, "try", event->attempt);
    write_numbers(&json, batch->numbers, batch->count);
    mr_json_member_str(&json, "outcome", outcome_names[event->outcome]);
    if (event->outcome == MR_LANE_FAILED) {
        write_error(&json, event->payload);
    }
    if (event->outcome == MR_LANE_PARTIAL) {
        mr_json_member_i64(&json, "failed_at", (int64_t)event->failed_at);
    }
    if (event->split > 0) {
        mr_json_member_i64(&json, "split", (int64_t)event->split);
    }
    if (event->retry_in_ms > 0) {
        mr_json_member_i64(&json, "retry_in_ms", (int64_t)event->retry_in_ms);
    }
    if (event->is_final_window) {
        mr_json_member_bool(&json, "final", true);
    }
    end_line(world, &json);
}

static void
write_drop(struct mr_world *world, const struct world_mapping *mapping,
           const struct mr_mapping_event *event)
{
    struct mr_json_writer json = begin_line(world, mapping, "drop", event);
    mr_json_member_i64(&json, "count", (int64_t)event->count);
    mr_json_member_str(&json, "condition",
                       event->condition == MR_LANE_AGE_EXCEEDED ? "RecordAgeExceeded"
                                                                : "RetryAttemptsExhausted");
    mr_json_member_i64(&json, "tries", event->invoke_count);
    end_line(world, &json);
}

/* ---- events of the poller ---- */

static void
on_start(struct world_mapping *mapping, struct mr_ledger *ledger,
         const struct mr_mapping_event *event)
{
    struct world_batch **slot = find_batch(mapping, event);
    struct world_batch *batch = batch_new(ledger, event);
    if (*slot != NULL) {
        struct world_batch *old = *slot;
        *slot = old->next;
        batch_free(old);
    }
    batch->next = mapping->batches;
    mapping->batches = batch;
    mapping->invocations++;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->numbers[i] > 0) {
            mr_ledger_delivered(ledger, mapping->column, batch->numbers[i]);
        }
    }
}

static void
on_end(struct mr_world *world, struct world_mapping *mapping, struct mr_ledger *ledger,
       const struct mr_mapping_event *event)
{
    struct world_batch **slot = find_batch(mapping, event);
    struct world_batch *batch = *slot;
    if (batch == NULL) {
        return;
    }
    size_t done = 0;
    if (event->outcome == MR_LANE_SUCCEEDED) {
        done = batch->count;
    } else if (event->outcome == MR_LANE_PARTIAL) {
        done = event->failed_at;
    }
    mapping->failed += event->outcome != MR_LANE_SUCCEEDED;
    for (size_t i = 0; i < done && i < batch->count; i++) {
        if (batch->numbers[i] > 0) {
            mr_ledger_succeeded(ledger, mapping->column, batch->numbers[i]);
        }
    }
    write_end(world, mapping, batch, event);
    *slot = batch->next;
    batch_free(batch);
}

static struct world_mapping *
mapping_of(struct mr_world *world, struct mr_slice source_arn, struct mr_slice function_arn)
{
    for (size_t i = 0; i < world->mapping_count; i++) {
        struct world_mapping *mapping = &world->mappings[i];
        if (mapping->shown.not_run == NULL &&
            mr_slice_eq(source_arn, mr_slice_str(mapping->shown.mapping->source_arn)) &&
            mr_slice_starts_with(function_arn, mr_slice_str(mapping->shown.function->arn))) {
            return mapping;
        }
    }
    return NULL;
}

void
world_on_event(const struct mr_mapping_event *event, void *context)
{
    struct mr_world *world = context;
    struct world_mapping *mapping = mapping_of(world, event->source_arn, event->function_arn);
    if (mapping == NULL) {
        return;
    }
    struct mr_ledger *ledger = mr_test_stream_ledger(world->streams[mapping->stream]);
    switch (event->kind) {
    case MR_EVENT_BATCH_START:
        on_start(mapping, ledger, event);
        break;
    case MR_EVENT_BATCH_END:
        on_end(world, mapping, ledger, event);
        break;
    case MR_EVENT_BATCH_DROP:
        write_drop(world, mapping, event);
        break;
    case MR_EVENT_FILTERED:
        mapping->filtered += event->count;
        break;
    default:
        break;
    }
}

/* ---- what functions do and say ---- */

void
world_on_invoked(size_t function, const struct mr_invocation_result *result, bool injected,
                 void *context)
{
    struct mr_world *world = context;
    bool crashed = mr_slice_is(result->error_type, "Runtime.ExitError") ||
                   mr_slice_is(result->error_type, "Runtime.OutOfMemory");
    world->crashes[function] += crashed && !injected;
}

void
world_on_log(const struct mr_runtime_log *log, void *context)
{
    struct mr_world *world = context;
    if (world->log.size + log->line.size < MR_WORLD_MAX_LOG_BYTES) {
        mr_buf_printf(&world->log, "%.*s: ", MR_SLICE_ARGS(log->function));
        mr_buf_append_slice(&world->log, log->line);
        mr_buf_append_byte(&world->log, '\n');
    }
}

/* ---- letters ---- */

static const char *
destination_name(const struct mr_world *world, struct mr_slice arn)
{
    const struct mr_template_model *model = world->model;
    for (size_t i = 0; i < model->queue_count; i++) {
        if (mr_slice_is(arn, model->queues[i].arn)) {
            return model->queues[i].logical_id;
        }
    }
    for (size_t i = 0; i < model->topic_count; i++) {
        if (mr_slice_is(arn, model->topics[i].arn)) {
            return model->topics[i].logical_id;
        }
    }
    for (size_t i = 0; i < model->bucket_count; i++) {
        if (mr_slice_is(arn, model->buckets[i].arn)) {
            return model->buckets[i].logical_id;
        }
    }
    return NULL;
}

static void
keep_letter(struct mr_world *world, size_t mapping, const struct mr_sink_letter *letter,
            bool delivered)
{
    if (world->letter_count == world->letter_capacity) {
        world->letter_capacity = world->letter_capacity == 0 ? 16 : world->letter_capacity * 2;
        world->letters =
            mr_realloc(world->letters, world->letter_capacity * sizeof(world->letters[0]));
    }
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_failure_document document = *letter->document;
    document.payload = (struct mr_slice){ 0 };
    mr_failure_document_write(&text, &document);
    const char *name = destination_name(world, letter->destination_arn);
    if (name == NULL && letter->destination_arn.size > 0) {
        name = mr_arena_cstr(&world->arena, letter->destination_arn);
    }
    world->letters[world->letter_count++] = (struct mr_world_letter){
        .mapping = mapping,
        .destination = name,
        .time_ms = mr_world_now_ms(world),
        .records = letter->document->batch_size,
        .document = mr_arena_cstr(&world->arena, mr_buf_slice(&text)),
        .delivered = delivered,
    };
}

/* The records of the letter's event that its document names. */
static void
drop_records(struct mr_ledger *ledger, size_t column, const struct mr_sink_letter *letter)
{
    size_t first = mr_ledger_find(ledger, letter->document->start_sequence_number);
    size_t last = mr_ledger_find(ledger, letter->document->end_sequence_number);
    mr_auto_free size_t *numbers = NULL;
    size_t count = mr_ledger_read_event(ledger, letter->document->payload, &numbers);
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] > 0 && numbers[i] >= first && numbers[i] <= last) {
            mr_ledger_dropped(ledger, column, numbers[i]);
        }
    }
}

struct receipt {
    struct mr_timer timer;
    enum mr_sunk sunk;
    mr_sunk_fn *done;
    void *context;
};

static void
tell_receipt(void *context)
{
    struct receipt *receipt = context;
    receipt->done(receipt->sunk, (struct mr_slice){ 0 }, receipt->context);
    free(receipt);
}

static bool
destination_fails(struct mr_world *world)
{
    for (size_t i = 0; i < world->destination_fault_count; i++) {
        if (mr_fault_strikes(&world->destination_faults[i], &world->random)) {
            return true;
        }
    }
    return false;
}

void
world_deliver(void *self, const struct mr_sink_letter *letter, mr_sunk_fn *done, void *context)
{
    struct mr_world *world = self;
    struct world_mapping *mapping =
        mapping_of(world, letter->document->stream_arn, letter->document->function_arn);
    struct receipt *receipt = mr_alloc_zero(1, sizeof(*receipt));

    receipt->sunk = letter->destination_arn.size == 0 ? MR_SUNK_NONE
                    : destination_fails(world)        ? MR_SUNK_FAILED
                                                      : MR_SUNK_DELIVERED;
    receipt->done = done;
    receipt->context = context;
    if (mapping != NULL) {
        keep_letter(world, (size_t)(mapping - world->mappings), letter,
                    receipt->sunk == MR_SUNK_DELIVERED);
        drop_records(mr_test_stream_ledger(world->streams[mapping->stream]), mapping->column,
                     letter);
    }
    mr_timer_init(&receipt->timer, world->loop, MR_TIME_INJECTED, tell_receipt, receipt);
    mr_timer_start(&receipt->timer, 0);
}
