#include "tests/poller/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"

enum { START_WALL_S = 1764000000 };

/* ---- the function ---- */

struct flight {
    struct rig *rig;
    struct mr_timer timer;
    mr_invoked_fn *done;
    void *context;
    struct rig_answer answer;
};

void
rig_data_of(struct mr_slice payload, struct mr_buf *out)
{
    static const char member[] = "\"data\":\"";
    const char *at = (const char *)payload.data, *end = at + payload.size;
    bool first = true;
    while ((at = memmem(at, (size_t)(end - at), member, sizeof(member) - 1)) != NULL) {
        at += sizeof(member) - 1;
        const char *stop = memchr(at, '"', (size_t)(end - at));
        struct mr_slice text = mr_slice_of(at, (size_t)(stop - at));
        if (!first) {
            mr_buf_append_byte(out, ',');
        }
        first = false;
        uint8_t *into = mr_buf_reserve(out, mr_base64_decoded_max(text.size));
        out->size += (size_t)mr_base64_decode(text, into, NULL);
    }
}

static bool
is_poisoned(const struct rig *rig, struct mr_slice payload)
{
    mr_auto_buf struct mr_buf data = { 0 };
    rig_data_of(payload, &data);
    return rig->poison != NULL && strpbrk(mr_buf_cstr(&data), rig->poison) != NULL;
}

static void
on_answer(void *context)
{
    struct flight *flight = context;
    struct mr_invoke_result result = { .outcome = flight->answer.outcome,
                                       .payload = mr_slice_str(flight->answer.payload),
                                       .executed_version = MR_SLICE("$LATEST") };
    flight->rig->invoking--;
    flight->rig->running -= flight->answer.outcome != MR_INVOKE_THROTTLED;
    flight->done(&result, flight->context);
    if (flight->answer.owned) {
        free((void *)(uintptr_t)flight->answer.payload);
    }
    free(flight);
}

static void
invoke(void *self, const struct mr_invoke_request *request, mr_invoked_fn *done, void *context)
{
    struct rig *rig = self;
    struct flight *flight = mr_alloc_zero(1, sizeof(*flight));
    *flight = (struct flight){ .rig = rig, .done = done, .context = context };
    if (rig->function != NULL) {
        flight->answer = rig->function(rig, request);
    } else if (is_poisoned(rig, request->payload)) {
        flight->answer.outcome = MR_INVOKE_FUNCTION_ERROR;
    }
    rig->invoking++;
    rig->running += flight->answer.outcome != MR_INVOKE_THROTTLED;
    rig->most_invoking =
        rig->invoking > rig->most_invoking ? rig->invoking : rig->most_invoking;
    mr_timer_init(&flight->timer, rig->loop, MR_TIME_INJECTED, on_answer, flight);
    mr_timer_start(&flight->timer, flight->answer.takes_ms);
}

/* ---- the sink ---- */

struct letter {
    struct rig *rig;
    struct mr_timer timer;
    mr_sunk_fn *done;
    void *context;
};

static void
on_letter(void *context)
{
    struct letter *letter = context;
    letter->done(letter->rig->sunk, MR_SLICE("sink"), letter->context);
    free(letter);
}

static void
deliver(void *self, const struct mr_sink_letter *mail, mr_sunk_fn *done, void *context)
{
    struct rig *rig = self;
    struct letter *letter = mr_alloc_zero(1, sizeof(*letter));
    *letter = (struct letter){ .rig = rig, .done = done, .context = context };
    if (!rig->keep_quiet) {
        mr_failure_document_write(&rig->letters, mail->document);
        mr_buf_append_byte(&rig->letters, '\n');
    }
    mr_timer_init(&letter->timer, rig->loop, MR_TIME_INJECTED, on_letter, letter);
    mr_timer_start(&letter->timer, 0);
}

/* ---- the transcript ---- */

static void
say_end(struct rig *rig, const struct mr_mapping_event *event)
{
    static const char *const marks[] = {
        [MR_LANE_SUCCEEDED] = "",     [MR_LANE_PARTIAL] = "?",     [MR_LANE_FAILED] = "!",
        [MR_LANE_BAD_RESPONSE] = "#", [MR_LANE_NOT_INVOKED] = "~", [MR_LANE_REJECTED] = "=",
    };
    mr_buf_printf(&rig->said, "%s ", marks[event->outcome]);
}

static void
on_event(const struct mr_mapping_event *event, void *context)
{
    static const char *const names[] = {
        "start", "end", "drop", "filtered", "begin", "finish", "trouble", "checkpoint",
    };
    struct rig *rig = context;
    if (rig->keep_quiet) {
        return;
    }
    mr_buf_printf(&rig->events, "%s %.*s %.*s n=%llu", names[event->kind],
                  MR_SLICE_ARGS(event->shard_id), MR_SLICE_ARGS(event->batch),
                  (unsigned long long)event->count);
    if (event->kind == MR_EVENT_BATCH_END) {
        mr_buf_printf(&rig->events, " try=%u retry=%llu split=%llu", event->attempt,
                      (unsigned long long)event->retry_in_ms, (unsigned long long)event->split);
        say_end(rig, event);
    }
    if (event->kind == MR_EVENT_TROUBLE) {
        mr_buf_printf(&rig->events, " %.*s", MR_SLICE_ARGS(event->detail));
    }
    mr_buf_append_byte(&rig->events, '\n');
    if (event->kind == MR_EVENT_BATCH_START) {
        mr_buf_append_slice(&rig->payloads, event->payload);
        mr_buf_append_byte(&rig->payloads, '\n');
        mr_buf_append_str(&rig->said, !event->is_final_window ? "["
                                      : event->early_window   ? "early{"
                                                              : "final{");
        rig_data_of(event->payload, &rig->said);
        mr_buf_append_str(&rig->said, event->is_final_window ? "}" : "]");
    }
    if (event->kind == MR_EVENT_BATCH_DROP) {
        mr_buf_printf(&rig->said, "%s(%llu)%u ",
                      event->condition == MR_LANE_AGE_EXCEEDED ? "aged" : "drop",
                      (unsigned long long)event->count, event->invoke_count);
    }
}

const char *
rig_said(struct rig *rig)
{
    static struct mr_buf last;
    mr_buf_clear(&last);
    mr_buf_append_slice(&last, mr_slice_trim(mr_buf_slice(&rig->said)));
    mr_buf_clear(&rig->said);
    return mr_buf_cstr(&last);
}

/* ---- life ---- */

void
rig_init(struct rig *rig, size_t shards)
{
    *rig = (struct rig){ .sunk = MR_SUNK_DELIVERED };
    mr_clock_virtual_init(&rig->clock, (uint64_t)START_WALL_S * 1000000);
    rig->loop = mr_loop_new_virtual(&rig->clock);
    rig->stream = mr_memory_stream_new(rig->loop, shards);
    rig->invoker = (struct mr_invoker){ invoke, rig };
    rig->sink = (struct mr_sink){ deliver, rig };
    rig->settings = (struct mr_mapping_settings){
        .uuid = MR_SLICE("11111111-2222-4333-8444-555555555555"),
        .source_arn = MR_SLICE("arn:aws:kinesis:us-east-1:123456789012:stream/s"),
        .function_arn = MR_SLICE("arn:aws:lambda:us-east-1:123456789012:function:f"),
        .role_arn = MR_SLICE("arn:aws:iam::123456789012:role/r"),
        .region = MR_SLICE("us-east-1"),
        .batch_size = 100,
        .parallelization = 1,
        .starting_position = MR_POSITION_TRIM_HORIZON,
        .max_retries = -1,
        .max_age_ms = -1,
    };
    rig->options = (struct mr_poller_options){ .loop = rig->loop,
                                               .invoker = &rig->invoker,
                                               .sink = &rig->sink,
                                               .open_source = mr_memory_stream_open,
                                               .open_context = rig->stream,
                                               .event = on_event,
                                               .event_context = rig,
                                               .seed = 1 };
}

void
rig_start(struct rig *rig)
{
    struct mr_error err = { 0 };
    if (rig->poller == NULL) {
        rig->poller = mr_poller_new(&rig->options);
    }
    if (rig->mapping == NULL) {
        rig->mapping = mr_mapping_new(rig->poller, &rig->settings, &err);
        mr_assert(rig->mapping != NULL); /* the model runs without Check */
    }
    mr_mapping_start(rig->mapping);
}

void
rig_crash(struct rig *rig)
{
    mr_mapping_free(MR_TAKE(rig->mapping));
    mr_poller_free(MR_TAKE(rig->poller));
}

static void
on_stopped(void *context)
{
    *(bool *)context = true;
}

void
rig_stop(struct rig *rig)
{
    bool stopped = false;
    mr_mapping_stop(rig->mapping, on_stopped, &stopped);
    while (!stopped) {
        mr_loop_run_once(rig->loop, 0);
    }
}

void
rig_deinit(struct rig *rig)
{
    rig_crash(rig);
    while (rig->invoking > 0) {
        mr_loop_run_once(rig->loop, 0);
    }
    mr_loop_run(rig->loop);
    mr_memory_stream_free(rig->stream);
    mr_loop_free(rig->loop);
    mr_buf_deinit(&rig->said);
    mr_buf_deinit(&rig->events);
    mr_buf_deinit(&rig->payloads);
    mr_buf_deinit(&rig->letters);
}

void
rig_put_key(struct rig *rig, size_t shard, const char *key, const char *data)
{
    mr_memory_stream_put(rig->stream, shard, mr_slice_str(key), mr_slice_str(data));
}

void
rig_put(struct rig *rig, size_t shard, const char *words)
{
    struct mr_slice rest = mr_slice_str(words);
    while (rest.size > 0) {
        struct mr_slice word = mr_slice_cut(&rest, ' ');
        mr_memory_stream_put(rig->stream, shard, word, word);
    }
}

static void
on_enough(void *context)
{
    mr_loop_stop(context);
}

void
rig_run(struct rig *rig, uint64_t ms)
{
    struct mr_timer enough;
    mr_timer_init(&enough, rig->loop, MR_TIME_INJECTED, on_enough, rig->loop);
    mr_timer_start(&enough, ms);
    mr_loop_run(rig->loop);
    mr_timer_stop(&enough);
}

struct mr_mapping_counts
rig_counts(struct rig *rig)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;
    mr_mapping_status(rig->mapping, &arena, &status);
    return status.counts;
}

uint64_t
rig_now_ms(const struct rig *rig)
{
    return mr_clock_wall_ms(&rig->clock.clock);
}

const char *
rig_checkpoint(struct rig *rig, size_t shard)
{
    static char text[200];
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;
    mr_mapping_status(rig->mapping, &arena, &status);
    for (size_t i = 0; i < status.shard_count; i++) {
        if (mr_slice_eq(status.shards[i].id, mr_memory_stream_shard_id(rig->stream, shard))) {
            snprintf(text, sizeof(text), "%.*s", MR_SLICE_ARGS(status.shards[i].checkpoint));
            return text;
        }
    }
    return "no such shard";
}
