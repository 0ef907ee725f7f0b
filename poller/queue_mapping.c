#include "poller/queue_mapping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/arn.h"
#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/random.h"
#include "poller/filter.h"
#include "poller/queue_message.h"

enum {
    DEFAULT_POLLERS = 5,
    MAX_POLLERS = 1000,
    MAX_RECEIVED = 10, /* of one ReceiveMessage or DeleteMessageBatch */
    LONG_POLL_S = 20,  /* the queue's longest */
    ANSWER_MS = 30000, /* real time, beyond a long poll */
    TROUBLE_MS = 1000, /* first wait after a failure; doubles */
    TROUBLE_MAX_MS = 30000,
    THROTTLED_MS = 200,
    THROTTLED_MAX_MS = 10000,
    DELETE_TRIES = 3,
    DEFAULT_VISIBILITY_S = 30,
    LEASE_MARGIN_MS = 1000, /* before the messages are visible to others again */
    ENVELOPE_BYTES = sizeof("{\"Records\":[]}"),
};

enum step { OPEN, RECEIVE, INVOKE, DELETE, REST, IDLE, PENDING };

struct settings {
    struct mr_arena arena;
    struct mr_queue_mapping_settings values;
    struct mr_pattern *patterns[MR_LAMBDA_MAX_FILTERS];
};

/* What came in one answer; alive as long as one of its messages. */
struct answer {
    struct mr_arena arena;
    size_t messages;
};

/* One message of a poller. */
struct held {
    struct mr_queue_message message; /* in the answer's arena */
    struct answer *answer;
    size_t event_bytes;
    bool is_done; /* to be deleted, or let go */
};

struct poller;

/* Outlives its poller when that is freed while an invocation is out. */
struct flight {
    struct poller *poller; /* NULL: abandoned */
};

struct poller {
    struct mr_queue_mapping *mapping;
    unsigned index;
    enum step step, after_rest;
    struct mr_aws_call *call;
    struct flight *flight;
    struct mr_timer timer;
    struct held *held;
    size_t held_count, held_capacity;
    size_t batch_count; /* the first ones: the batch that is out */
    uint64_t first_ms;  /* when the first was received; window and lease begin */
    unsigned failures;  /* in a row */
    uint64_t rest_ms;
    char request_id[MR_UUID_SIZE];
    char batch[24]; /* "b7" */
    uint64_t started_us;
    uint32_t attempt;
    struct mr_buf payload;
};

struct mr_queue_mapping {
    struct mr_queue_mapping_options options;
    struct settings *settings;
    struct mr_random random;
    struct mr_buf queue_url; /* empty: not known yet */
    uint64_t visibility_ms;
    struct poller **pollers;
    size_t poller_count;
    bool running, stopping;
    uint64_t batch_numbers;
    struct mr_mapping_counts counts;
    struct mr_buf trouble;
    struct mr_timer stopped_timer;
    mr_loop_fn *stopped;
    void *stopped_context;
};

static enum step open_queue(struct poller *poller);
static enum step receive(struct poller *poller);
static enum step invoke(struct poller *poller);
static enum step delete (struct poller *poller);
static enum step rest(struct poller *poller);
static enum step idle(struct poller *poller);

/* Read down this table and you have read the life of a poller. */
static enum step (*const steps[])(struct poller *) = {
    [OPEN] = open_queue, /* what is the queue called, how long are its messages ours? */
    [RECEIVE] = receive, /* until a batch is full, or its window over */
    [INVOKE] = invoke,   [DELETE] = delete, /* what was handled, and what filters do not want */
    [REST] = rest,                          /* after a failure */
    [IDLE] = idle,                          /* stopped */
};

static void
run(struct poller *poller, enum step next)
{
    do {
        poller->step = next;
        next = steps[next](poller);
    } while (next != PENDING);
}

static const struct mr_queue_mapping_settings *
settings_of(const struct poller *poller)
{
    return &poller->mapping->settings->values;
}

static uint64_t
now_ms(const struct poller *poller)
{
    return mr_clock_wall_ms(mr_loop_clock(poller->mapping->options.loop));
}

/* ---- what is told ---- */

static void
tell(struct mr_queue_mapping *mapping, struct mr_mapping_event *event)
{
    const struct mr_queue_mapping_settings *settings = &mapping->settings->values;
    if (mapping->options.event == NULL) {
        return;
    }
    event->mapping_uuid = settings->uuid;
    event->source_arn = settings->queue_arn;
    event->function_arn = settings->function_arn;
    event->shard_id = MR_SLICE("");
    event->time_ms = mr_clock_wall_ms(mr_loop_clock(mapping->options.loop));
    event->max_retries = -1;
    mapping->options.event(event, mapping->options.event_context);
}

/* Absent: none any more. Told when it changes. */
static void
set_trouble(struct mr_queue_mapping *mapping, struct mr_slice sentence)
{
    struct mr_mapping_event event = { .kind = MR_EVENT_TROUBLE, .detail = sentence };
    if (mr_slice_eq(mr_buf_slice(&mapping->trouble), sentence)) {
        return;
    }
    mr_buf_clear(&mapping->trouble);
    mr_buf_append_slice(&mapping->trouble, sentence);
    tell(mapping, &event);
}

static void
describe(const struct poller *poller, enum mr_mapping_event_kind kind,
         struct mr_mapping_event *event)
{
    uint64_t sent_ms = poller->held_count == 0 ? 0 : poller->held[0].message.sent_ms;
    uint64_t now = now_ms(poller);
    *event = (struct mr_mapping_event){
        .kind = kind,
        .lane = poller->index,
        .batch = mr_slice_str(poller->batch),
        .request_id = mr_slice_str(poller->request_id),
        .attempt = poller->attempt,
        .count = poller->batch_count,
        .bytes = poller->payload.size,
        .age_ms = sent_ms > 0 && now > sent_ms ? now - sent_ms : 0,
    };
    if (poller->batch_count > 0) {
        event->first_sequence_number = poller->held[0].message.id;
        event->last_sequence_number = poller->held[poller->batch_count - 1].message.id;
    }
}

/* ---- asking the queue ---- */

static enum step
rest_after(struct poller *poller, enum step next, uint64_t first_ms, uint64_t most_ms)
{
    poller->rest_ms = first_ms;
    for (unsigned i = 1; i < poller->failures && poller->rest_ms < most_ms; i++) {
        poller->rest_ms *= 2;
    }
    poller->rest_ms = poller->rest_ms < most_ms ? poller->rest_ms : most_ms;
    poller->after_rest = next;
    return REST;
}

static enum step
fail(struct poller *poller, const struct mr_error *err, enum step next)
{
    poller->failures++;
    set_trouble(poller->mapping, mr_slice_str(err->text));
    return rest_after(poller, next, TROUBLE_MS, TROUBLE_MAX_MS);
}

static void
succeed(struct poller *poller)
{
    poller->failures = 0;
    set_trouble(poller->mapping, (struct mr_slice){ NULL, 0 });
}

static enum step
ask(struct poller *poller, const char *target, const struct mr_buf *body, uint64_t wait_ms,
    mr_aws_done_fn *done)
{
    struct mr_aws_request request = { .target = mr_slice_str(target),
                                      .content_type = MR_SLICE("application/x-amz-json-1.0"),
                                      .body = mr_buf_slice(body),
                                      .total_ms = ANSWER_MS + wait_ms };
    poller->call = mr_aws_client_send(poller->mapping->options.client, &request, done, poller);
    return PENDING;
}

/* ---- open ---- */

/* A string member of the answer, or of the object "Attributes" in it. */
static struct mr_slice
find_text(struct mr_slice body, const char *name, struct mr_arena *arena)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, text = { NULL, 0 };
    if (mr_json_peek(&json) != MR_JSON_OBJECT) {
        return text;
    }
    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        struct mr_slice inner;
        if (mr_slice_is(key, name) && mr_json_peek(&json) == MR_JSON_STRING) {
            (void)mr_json_string(&json, arena, &text);
        } else if (mr_slice_is(key, "Attributes") && mr_json_raw(&json, &inner)) {
            struct mr_slice found = find_text(inner, name, arena);
            text = found.data != NULL ? found : text;
        } else {
            (void)mr_json_skip(&json);
        }
    }
    return text;
}

static void
on_attributes(const struct mr_aws_result *result, void *context)
{
    struct poller *poller = context;
    mr_auto_arena struct mr_arena arena = { 0 };
    uint64_t seconds = DEFAULT_VISIBILITY_S;
    poller->call = NULL;
    if (result->fault == MR_AWS_OK) { /* else the usual must do */
        (void)mr_slice_to_u64(
            find_text(mr_buf_slice(result->body), "VisibilityTimeout", &arena), &seconds);
    }
    poller->mapping->visibility_ms = seconds * 1000;
    succeed(poller);
    run(poller, RECEIVE);
}

static void
on_url(const struct mr_aws_result *result, void *context)
{
    struct poller *poller = context;
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    struct mr_error err = { .text = "the queue's service told no URL for it" };
    poller->call = NULL;
    struct mr_slice url = { NULL, 0 };
    if (result->fault == MR_AWS_OK) {
        url = find_text(mr_buf_slice(result->body), "QueueUrl", &arena);
    }
    if (url.size == 0) {
        run(poller, fail(poller, result->error != NULL ? result->error : &err, OPEN));
        return;
    }
    mr_buf_clear(&poller->mapping->queue_url);
    mr_buf_append_slice(&poller->mapping->queue_url, url);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "QueueUrl", url);
    mr_json_key(&json, "AttributeNames");
    mr_json_put_raw(&json, MR_SLICE("[\"VisibilityTimeout\"]"));
    mr_json_end_object(&json);
    ask(poller, "AmazonSQS.GetQueueAttributes", &body, 0, on_attributes);
}

static enum step
open_queue(struct poller *poller)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    struct mr_arn arn = { 0 };
    if (poller->mapping->stopping) {
        return IDLE;
    }
    if (poller->mapping->queue_url.size > 0) {
        return RECEIVE;
    }
    (void)mr_arn_parse(settings_of(poller)->queue_arn, &arn);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "QueueName", arn.resource);
    mr_json_member_string(&json, "QueueOwnerAWSAccountId", arn.account);
    mr_json_end_object(&json);
    return ask(poller, "AmazonSQS.GetQueueUrl", &body, 0, on_url);
}

/* ---- receive ---- */

static struct mr_queue_event
event_of(const struct poller *poller)
{
    const struct mr_queue_mapping_settings *settings = settings_of(poller);
    return (struct mr_queue_event){ settings->queue_arn, settings->region,
                                    settings->window_ms > 0 };
}

static bool
passes(const struct poller *poller, const struct mr_queue_message *message,
       const struct mr_queue_event *event)
{
    const struct settings *settings = poller->mapping->settings;
    mr_auto_arena struct mr_arena scratch = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    bool pass = settings->values.filter_count == 0;
    if (!pass) {
        mr_queue_message_write_for_filter(&text, message, event);
    }
    for (size_t i = 0; i < settings->values.filter_count && !pass; i++) {
        pass = mr_pattern_match(settings->patterns[i], mr_buf_slice(&text), &scratch) ==
               MR_PATTERN_MATCH;
        mr_arena_reset(&scratch);
    }
    return pass;
}

static struct held *
add_held(struct poller *poller)
{
    if (poller->held_count == poller->held_capacity) {
        poller->held_capacity = poller->held_capacity * 2 + MAX_RECEIVED;
        poller->held = mr_realloc(poller->held, poller->held_capacity * sizeof(*poller->held));
    }
    struct held *held = &poller->held[poller->held_count++];
    *held = (struct held){ 0 };
    return held;
}

static size_t
event_size(const struct mr_queue_message *message, const struct mr_queue_event *event)
{
    mr_auto_buf struct mr_buf text = { 0 };
    mr_queue_message_write(&text, message, event);
    return text.size;
}

static void
forget(struct held *held)
{
    if (--held->answer->messages == 0) {
        mr_arena_deinit(&held->answer->arena);
        free(held->answer);
    }
}

/* Takes the arena over. Returns how many were filtered out: they are kept to be deleted. */
static size_t
hold(struct poller *poller, const struct mr_queue_message *messages, int count,
     struct mr_arena *arena)
{
    struct mr_queue_event event = event_of(poller);
    size_t filtered = 0;
    if (count == 0) {
        return 0;
    }
    struct answer *answer = mr_alloc_zero(1, sizeof(*answer));
    answer->arena = *arena;
    answer->messages = (size_t)count;
    *arena = (struct mr_arena){ 0 };
    for (int i = 0; i < count; i++) {
        struct held *held = add_held(poller);
        held->message = messages[i];
        held->answer = answer;
        held->event_bytes = event_size(&messages[i], &event);
        held->is_done = !passes(poller, &messages[i], &event);
        filtered += held->is_done;
    }
    return filtered;
}

/* Messages that wait to be invoked with. */
static size_t
waiting_count(const struct poller *poller)
{
    size_t count = 0;
    for (size_t i = 0; i < poller->held_count; i++) {
        count += !poller->held[i].is_done;
    }
    return count;
}

static size_t
waiting_bytes(const struct poller *poller)
{
    size_t bytes = ENVELOPE_BYTES;
    for (size_t i = 0; i < poller->held_count; i++) {
        bytes += poller->held[i].is_done ? 0 : poller->held[i].event_bytes + 1;
    }
    return bytes;
}

static uint64_t
window_left_ms(const struct poller *poller)
{
    uint64_t end_ms = poller->first_ms + settings_of(poller)->window_ms;
    uint64_t now = now_ms(poller);
    return end_ms > now ? end_ms - now : 0;
}

static bool
is_full(const struct poller *poller)
{
    const struct mr_queue_mapping_settings *settings = settings_of(poller);
    return waiting_count(poller) >= settings->batch_size ||
           waiting_bytes(poller) >= MR_LAMBDA_MAX_EVENT_BYTES;
}

/* What comes after an answer, or before the next question. */
static enum step
after_receive(struct poller *poller)
{
    if (waiting_count(poller) == 0) {
        return poller->held_count > 0 ? DELETE : PENDING;
    }
    return is_full(poller) || window_left_ms(poller) == 0 ? INVOKE : PENDING;
}

static void
tell_filtered(struct poller *poller, size_t count)
{
    struct mr_mapping_event event = { .kind = MR_EVENT_FILTERED,
                                      .lane = poller->index,
                                      .count = count };
    poller->mapping->counts.filtered += count;
    if (count > 0) {
        tell(poller->mapping, &event);
    }
}

static void
on_messages(const struct mr_aws_result *result, void *context)
{
    struct poller *poller = context;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_queue_message *messages;
    struct mr_error err = { 0 };
    poller->call = NULL;
    if (result->fault == MR_AWS_NOT_FOUND) {
        mr_buf_clear(&poller->mapping->queue_url); /* made again, it may be called otherwise */
    }
    if (result->fault != MR_AWS_OK) {
        run(poller, fail(poller, result->error, OPEN));
        return;
    }
    int count = mr_queue_answer_messages(mr_buf_slice(result->body), &arena, &messages, &err);
    if (count < 0) {
        run(poller, fail(poller, &err, RECEIVE));
        return;
    }
    succeed(poller);
    if (poller->held_count == 0) {
        poller->first_ms = now_ms(poller);
    }
    poller->mapping->counts.polled += (uint64_t)count;
    tell_filtered(poller, hold(poller, messages, count, &arena));
    run(poller, RECEIVE);
}

static enum step
receive(struct poller *poller)
{
    const struct mr_queue_mapping_settings *settings = settings_of(poller);
    size_t waiting = waiting_count(poller);
    enum step next = after_receive(poller);
    if (next != PENDING) {
        return next;
    }
    if (poller->mapping->stopping) {
        return IDLE;
    }
    size_t room = settings->batch_size - waiting;
    uint64_t wait_s = waiting == 0 ? LONG_POLL_S : (window_left_ms(poller) + 999) / 1000;
    wait_s = wait_s > LONG_POLL_S ? LONG_POLL_S : wait_s;
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "QueueUrl", mr_buf_slice(&poller->mapping->queue_url));
    mr_json_member_i64(&json, "MaxNumberOfMessages",
                       (int64_t)(room < MAX_RECEIVED ? room : MAX_RECEIVED));
    mr_json_member_i64(&json, "WaitTimeSeconds", (int64_t)wait_s);
    mr_json_key(&json, "AttributeNames");
    mr_json_put_raw(&json, MR_SLICE("[\"All\"]"));
    mr_json_key(&json, "MessageAttributeNames");
    mr_json_put_raw(&json, MR_SLICE("[\"All\"]"));
    mr_json_end_object(&json);
    return ask(poller, "AmazonSQS.ReceiveMessage", &body, wait_s * 1000, on_messages);
}

/* ---- invoke ---- */

/* The filtered ones go behind, so that the batch is the first ones. */
static void
form_batch(struct poller *poller)
{
    size_t bytes = ENVELOPE_BYTES, front = 0;
    bool full = false;
    for (size_t i = 0; i < poller->held_count && !full; i++) {
        struct held held = poller->held[i];
        if (held.is_done) {
            continue;
        }
        bytes += held.event_bytes + 1;
        full = front > 0 &&
               (bytes > MR_LAMBDA_MAX_EVENT_BYTES || front == settings_of(poller)->batch_size);
        if (!full) {
            memmove(&poller->held[front + 1], &poller->held[front], (i - front) * sizeof(held));
            poller->held[front++] = held;
        }
    }
    poller->batch_count = front;
}

static void
write_payload(struct poller *poller)
{
    struct mr_queue_event event = event_of(poller);
    mr_buf_clear(&poller->payload);
    mr_buf_append_str(&poller->payload, "{\"Records\":[");
    for (size_t i = 0; i < poller->batch_count; i++) {
        mr_buf_append_str(&poller->payload, i > 0 ? "," : "");
        mr_queue_message_write(&poller->payload, &poller->held[i].message, &event);
    }
    mr_buf_append_str(&poller->payload, "]}");
}

static struct mr_slice
id_at(size_t index, void *context)
{
    return ((const struct poller *)context)->held[index].message.id;
}

/* Marks what succeeded; returns how many failed. */
static size_t
judge(struct poller *poller, const struct mr_invoke_result *result)
{
    size_t count = poller->batch_count, failures = 0;
    mr_auto_free bool *failed = mr_alloc_zero(count + 1, sizeof(*failed));
    bool good = result->outcome == MR_INVOKE_OK &&
                (!settings_of(poller)->report_failures ||
                 mr_queue_answer_failures(result->payload, count, id_at, poller, failed));
    for (size_t i = 0; i < count; i++) {
        poller->held[i].is_done = good && !failed[i];
        failures += !poller->held[i].is_done;
    }
    return failures;
}

static void
tell_end(struct poller *poller, const struct mr_invoke_result *result, size_t failures)
{
    struct mr_mapping_event event;
    describe(poller, MR_EVENT_BATCH_END, &event);
    event.outcome = result->outcome != MR_INVOKE_OK ? MR_LANE_FAILED
                    : failures == 0                 ? MR_LANE_SUCCEEDED
                    : failures < event.count        ? MR_LANE_PARTIAL
                                                    : MR_LANE_BAD_RESPONSE;
    if (result->outcome == MR_INVOKE_THROTTLED || result->outcome == MR_INVOKE_SERVICE_ERROR) {
        event.outcome = MR_LANE_NOT_INVOKED;
    }
    event.payload = result->payload;
    event.detail = result->reason;
    event.duration_us = mr_clock_now_us(mr_clock_system()) - poller->started_us;
    tell(poller->mapping, &event);
}

/* Failed ones are the queue's again: forget them. */
static void
let_go(struct poller *poller, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (!poller->held[i].is_done) {
            poller->held[i].message.receipt_handle = (struct mr_slice){ NULL, 0 };
        }
        poller->held[i].is_done = true;
    }
}

static bool
is_ours_still(const struct poller *poller)
{
    return now_ms(poller) + LEASE_MARGIN_MS < poller->first_ms + poller->mapping->visibility_ms;
}

static void
on_invoked(const struct mr_invoke_result *result, void *context)
{
    struct flight *flight = context;
    struct poller *poller = flight->poller;
    free(flight);
    if (poller == NULL) {
        return;
    }
    poller->flight = NULL;
    bool not_run =
        result->outcome == MR_INVOKE_THROTTLED || result->outcome == MR_INVOKE_SERVICE_ERROR;
    if (not_run && is_ours_still(poller) && !poller->mapping->stopping) {
        tell_end(poller, result, poller->batch_count);
        poller->failures++;
        run(poller, rest_after(poller, INVOKE, THROTTLED_MS, THROTTLED_MAX_MS));
        return;
    }
    size_t failures = judge(poller, result);
    poller->failures = 0;
    poller->mapping->counts.failed += failures;
    tell_end(poller, result, failures);
    let_go(poller, 0, poller->batch_count);
    poller->batch_count = 0;
    poller->request_id[0] = '\0';
    run(poller, DELETE);
}

static void
begin_batch(struct poller *poller)
{
    if (poller->request_id[0] != '\0') {
        poller->attempt++; /* the same again, throttled before */
        return;
    }
    struct mr_queue_mapping *mapping = poller->mapping;
    form_batch(poller);
    write_payload(poller);
    mr_random_uuid(&mapping->random, poller->request_id);
    snprintf(poller->batch, sizeof(poller->batch), "q%llu",
             (unsigned long long)++mapping->batch_numbers);
    poller->attempt = 1;
    mapping->counts.batches++;
}

static enum step
invoke(struct poller *poller)
{
    struct mr_queue_mapping *mapping = poller->mapping;
    const struct mr_invoker *invoker = mapping->options.invoker;
    struct mr_mapping_event event;
    begin_batch(poller);
    mapping->counts.invocations++;
    mapping->counts.invoked += poller->batch_count;
    describe(poller, MR_EVENT_BATCH_START, &event);
    event.payload = mr_buf_slice(&poller->payload);
    tell(mapping, &event);
    poller->flight = mr_alloc(sizeof(*poller->flight));
    poller->flight->poller = poller;
    poller->started_us = mr_clock_now_us(mr_clock_system());
    struct mr_invoke_request request = { .function_arn = settings_of(poller)->function_arn,
                                         .request_id = mr_slice_str(poller->request_id),
                                         .payload = mr_buf_slice(&poller->payload) };
    invoker->invoke(invoker->self, &request, on_invoked, poller->flight);
    return PENDING;
}

/* ---- delete ---- */

static void
forget_done(struct poller *poller)
{
    size_t kept = 0;
    for (size_t i = 0; i < poller->held_count; i++) {
        if (poller->held[i].is_done) {
            forget(&poller->held[i]);
        } else {
            poller->held[kept++] = poller->held[i];
        }
    }
    poller->held_count = kept;
    if (kept > 0) {
        poller->first_ms = now_ms(poller); /* a window of their own */
    }
}

/* Entries of the next call: done, and still with a receipt. */
static size_t
write_entries(struct poller *poller, struct mr_json_writer *json)
{
    size_t count = 0;
    for (size_t i = 0; i < poller->held_count && count < MAX_RECEIVED; i++) {
        const struct held *held = &poller->held[i];
        if (held->is_done && held->message.receipt_handle.size > 0) {
            char id[24];
            snprintf(id, sizeof(id), "%zu", i);
            mr_json_begin_object(json);
            mr_json_member_str(json, "Id", id);
            mr_json_member_string(json, "ReceiptHandle", held->message.receipt_handle);
            mr_json_end_object(json);
            count++;
        }
    }
    return count;
}

static void
mark_deleted(struct poller *poller)
{
    size_t count = 0;
    for (size_t i = 0; i < poller->held_count && count < MAX_RECEIVED; i++) {
        struct held *held = &poller->held[i];
        if (held->is_done && held->message.receipt_handle.size > 0) {
            held->message.receipt_handle = (struct mr_slice){ NULL, 0 };
            poller->mapping->counts.succeeded++;
            count++;
        }
    }
}

static void
on_deleted(const struct mr_aws_result *result, void *context)
{
    struct poller *poller = context;
    poller->call = NULL;
    if (result->fault != MR_AWS_OK && poller->failures + 1 < DELETE_TRIES) {
        run(poller, fail(poller, result->error, DELETE));
        return;
    }
    if (result->fault != MR_AWS_OK) {
        set_trouble(poller->mapping, mr_slice_str(result->error->text));
        poller->failures = 0; /* they come again: at least once */
    } else {
        succeed(poller);
    }
    mark_deleted(poller);
    run(poller, DELETE);
}

static enum step delete (struct poller *poller) {
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body); mr_json_begin_object(&json);
    mr_json_member_string(&json, "QueueUrl", mr_buf_slice(&poller->mapping->queue_url));
    mr_json_key(&json, "Entries"); mr_json_begin_array(&json);
    size_t count = write_entries(poller, &json); mr_json_end_array(&json);
    mr_json_end_object(&json); if (count == 0){ forget_done(poller); return RECEIVE; }
return ask(poller, "AmazonSQS.DeleteMessageBatch", &body, 0, on_deleted);
}

/* ---- rest and the end ---- */

static void
on_rested(void *context)
{
    struct poller *poller = context;
    run(poller, poller->after_rest);
}

static enum step
rest(struct poller *poller)
{
    if (poller->mapping->stopping && poller->after_rest != DELETE) {
        return IDLE;
    }
    mr_timer_start(&poller->timer, poller->rest_ms);
    return PENDING;
}

static void
forget_all(struct poller *poller)
{
    for (size_t i = 0; i < poller->held_count; i++) {
        forget(&poller->held[i]);
    }
    poller->held_count = poller->batch_count = 0;
    poller->request_id[0] = '\0';
}

static void
on_stopped(void *context)
{
    struct mr_queue_mapping *mapping = context;
    mr_loop_fn *stopped = mapping->stopped;
    mapping->stopped = NULL;
    mapping->running = mapping->stopping = false;
    if (stopped != NULL) {
        stopped(mapping->stopped_context);
    }
}

static void
check_stopped(struct mr_queue_mapping *mapping)
{
    for (size_t i = 0; i < mapping->poller_count; i++) {
        if (mapping->pollers[i]->step != IDLE) {
            return;
        }
    }
    if (mapping->stopping) {
        mr_timer_start(&mapping->stopped_timer, 0);
    }
}

static enum step
idle(struct poller *poller)
{
    forget_all(poller); /* what was received and not handled is visible again in a while */
    check_stopped(poller->mapping);
    return PENDING;
}

/* ---- settings ---- */

static void
free_settings(struct settings *settings)
{
    if (settings == NULL) {
        return;
    }
    for (size_t i = 0; i < MR_LAMBDA_MAX_FILTERS; i++) {
        mr_pattern_free(settings->patterns[i]);
    }
    mr_arena_deinit(&settings->arena);
    free(settings);
}

static struct settings *
keep_settings(const struct mr_queue_mapping_settings *given, struct mr_error *err)
{
    struct settings *settings = mr_alloc_zero(1, sizeof(*settings));
    struct mr_arena *arena = &settings->arena;
    struct mr_arn arn;
    int failed = 0;
    settings->values = *given;
    settings->values.uuid = mr_arena_copy(arena, given->uuid);
    settings->values.queue_arn = mr_arena_copy(arena, given->queue_arn);
    settings->values.function_arn = mr_arena_copy(arena, given->function_arn);
    settings->values.region = mr_arena_copy(arena, given->region);
    settings->values.filters = NULL; /* they are compiled */
    if (!mr_arn_parse(given->queue_arn, &arn) || !mr_slice_is(arn.service, "sqs")) {
        failed = mr_fail(err, -EINVAL, "%.*s is no queue's ARN",
                         MR_SLICE_ARGS(mr_slice_first(given->queue_arn, 100)));
    } else if (given->batch_size < 1 || given->batch_size > MR_LAMBDA_MAX_BATCH_SIZE) {
        failed = mr_fail(err, -EINVAL, "BatchSize %u is not in 1..%d", given->batch_size,
                         MR_LAMBDA_MAX_BATCH_SIZE);
    } else if (given->filter_count > MR_LAMBDA_MAX_FILTERS) {
        failed = mr_fail(err, -EINVAL, "%zu filters are more than %d", given->filter_count,
                         MR_LAMBDA_MAX_FILTERS);
    }
    for (size_t i = 0; i < given->filter_count && failed == 0; i++) {
        settings->patterns[i] = mr_pattern_new(given->filters[i], err);
        failed = settings->patterns[i] == NULL ? mr_wrap(err, "filter %zu", i + 1) : 0;
    }
    if (failed < 0) {
        free_settings(settings);
        return NULL;
    }
    return settings;
}

/* ---- life ---- */

static void
free_poller(struct poller *poller)
{
    if (poller->call != NULL) {
        mr_aws_call_cancel(poller->call);
    }
    if (poller->flight != NULL) {
        poller->flight->poller = NULL;
    }
    mr_timer_stop(&poller->timer);
    forget_all(poller);
    mr_buf_deinit(&poller->payload);
    free(poller->held);
    free(poller);
}

static void
free_pollers(struct mr_queue_mapping *mapping)
{
    for (size_t i = 0; i < mapping->poller_count; i++) {
        free_poller(mapping->pollers[i]);
    }
    free(mapping->pollers);
    mapping->pollers = NULL;
    mapping->poller_count = 0;
}

struct mr_queue_mapping *
mr_queue_mapping_new(const struct mr_queue_mapping_options *options,
                     const struct mr_queue_mapping_settings *settings, struct mr_error *err)
{
    struct settings *kept = keep_settings(settings, err);
    if (kept == NULL) {
        return NULL;
    }
    struct mr_queue_mapping *mapping = mr_alloc_zero(1, sizeof(*mapping));
    mapping->options = *options;
    mapping->settings = kept;
    if (options->seed == 0) {
        mr_random_init_system(&mapping->random);
    } else {
        mr_random_init_seed(&mapping->random, options->seed);
    }
    mr_timer_init(&mapping->stopped_timer, options->loop, MR_TIME_INJECTED, on_stopped,
                  mapping);
    return mapping;
}

void
mr_queue_mapping_free(struct mr_queue_mapping *mapping)
{
    if (mapping == NULL) {
        return;
    }
    mr_timer_stop(&mapping->stopped_timer);
    free_pollers(mapping);
    free_settings(mapping->settings);
    mr_buf_deinit(&mapping->queue_url);
    mr_buf_deinit(&mapping->trouble);
    free(mapping);
}

static struct poller *
new_poller(struct mr_queue_mapping *mapping, unsigned index)
{
    struct poller *poller = mr_alloc_zero(1, sizeof(*poller));
    poller->mapping = mapping;
    poller->index = index;
    mr_timer_init(&poller->timer, mapping->options.loop, MR_TIME_INJECTED, on_rested, poller);
    return poller;
}

void
mr_queue_mapping_start(struct mr_queue_mapping *mapping)
{
    uint32_t count = mapping->settings->values.concurrency;
    if (mapping->running) {
        return;
    }
    count = count == 0 ? DEFAULT_POLLERS : count > MAX_POLLERS ? MAX_POLLERS : count;
    free_pollers(mapping);
    mapping->running = true;
    mapping->pollers = mr_alloc_zero(count, sizeof(*mapping->pollers));
    for (uint32_t i = 0; i < count; i++) {
        mapping->pollers[mapping->poller_count++] = new_poller(mapping, i);
    }
    for (uint32_t i = 0; i < count; i++) {
        run(mapping->pollers[i], OPEN);
    }
}

void
mr_queue_mapping_stop(struct mr_queue_mapping *mapping, mr_loop_fn *done, void *context)
{
    mapping->stopped = done;
    mapping->stopped_context = context;
    mapping->stopping = true;
    for (size_t i = 0; i < mapping->poller_count; i++) {
        struct poller *poller = mapping->pollers[i];
        bool receives = poller->step == RECEIVE || poller->step == OPEN;
        bool rests = poller->step == REST && poller->after_rest != DELETE;
        if (receives && poller->call != NULL) {
            mr_aws_call_cancel(MR_TAKE(poller->call));
        }
        if (receives || rests) {
            mr_timer_stop(&poller->timer);
            run(poller, IDLE);
        }
    }
    check_stopped(mapping);
}

int
mr_queue_mapping_update(struct mr_queue_mapping *mapping,
                        const struct mr_queue_mapping_settings *settings, struct mr_error *err)
{
    struct mr_queue_mapping_settings merged = *settings;
    merged.uuid = mapping->settings->values.uuid;
    merged.queue_arn = mapping->settings->values.queue_arn;
    struct settings *kept = keep_settings(&merged, err);
    if (kept == NULL) {
        return -EINVAL;
    }
    free_settings(mapping->settings);
    mapping->settings = kept;
    return 0;
}

void
mr_queue_mapping_status(const struct mr_queue_mapping *mapping,
                        struct mr_queue_mapping_status *out_status)
{
    *out_status = (struct mr_queue_mapping_status){
        .running = mapping->running && !mapping->stopping,
        .reading = mapping->queue_url.size > 0,
        .counts = mapping->counts,
        .trouble = mapping->trouble.size > 0 ? mr_buf_slice(&mapping->trouble)
                                             : (struct mr_slice){ NULL, 0 },
    };
}
