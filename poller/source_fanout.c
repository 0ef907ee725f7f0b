#include "poller/source_fanout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/arn.h"
#include "aws/event_stream.h"
#include "base/alloc.h"
#include "base/json_writer.h"
#include "base/list.h"
#include "poller/kinesis_answer.h"
#include "poller/source_kinesis.h"

enum {
    MAX_PUSHED_BYTES = 8 * 1024 * 1024,
    SUBSCRIPTION_MS = 330000, /* real time: AWS ends one after five minutes */
    SILENCE_MS = 20000,       /* real time: AWS sends something every five seconds */
};

/* What was pushed at once; handed out in parts. */
struct pushed {
    struct mr_list node;
    struct mr_kinesis_event event;
    size_t taken, bytes;
};

enum phase { SUBSCRIBING, FLOWING, SUSPENDED /* its queue is full */, FAILED };

struct subscription {
    struct mr_list node;
    struct fanout *source;
    struct mr_buf shard_id;
    struct mr_buf iterator; /* the text it was given out as */
    enum phase phase;
    struct mr_aws_call *call; /* NULL: none is under way */
    struct mr_buf inbox;      /* bytes that are no whole frame yet */
    struct mr_list queue;
    size_t queued_bytes;
    struct mr_buf continuation; /* behind the last event that was queued */
    bool has_ended;             /* the last event of the shard is queued, or was taken */
    enum mr_source_fault fault; /* FAILED */
    struct mr_error error;
    struct mr_timer timer;         /* does what a callback of the client may not */
    struct mr_timer silence;       /* nothing was heard for too long */
    struct mr_source_call *waiter; /* of an iterator or of records; NULL: none */
};

struct fanout {
    struct mr_source source; /* first */
    struct mr_loop *loop;
    struct mr_aws_client *client;
    struct mr_source *lister; /* the stream by its own ARN: shards are listed there */
    struct mr_buf consumer_arn;
    size_t max_pushed_bytes;
    uint64_t serial;
    struct mr_list subscriptions, calls;
};

enum kind { LIST, ITERATOR, RECORDS, FAULTY };

struct mr_source_call {
    struct mr_list node;
    struct fanout *source;
    enum kind kind;
    struct mr_source_call *inner; /* LIST: the lister's */
    struct subscription *subscription;
    size_t limit;
    struct mr_timer timer;
    union {
        mr_source_shards_fn *shards;
        mr_source_iterator_fn *iterator;
        mr_source_records_fn *records;
    } done;
    void *context;
};

static void
set_text(struct mr_buf *buf, struct mr_slice text)
{
    mr_buf_clear(buf);
    mr_buf_append_slice(buf, text);
}

/* ---- subscriptions ---- */

static void
free_pushed(struct subscription *subscription, struct pushed *pushed)
{
    subscription->queued_bytes -= pushed->bytes;
    mr_list_remove(&pushed->node);
    mr_record_block_unref(pushed->event.records.block);
    free(pushed);
}

static void
hang_up(struct subscription *subscription)
{
    if (subscription->call != NULL) {
        mr_aws_call_cancel(MR_TAKE(subscription->call));
    }
    mr_timer_stop(&subscription->silence);
    mr_buf_clear(&subscription->inbox);
}

static void
free_subscription(struct subscription *subscription)
{
    hang_up(subscription);
    mr_timer_stop(&subscription->timer);
    mr_timer_stop(&subscription->silence);
    MR_LIST_EACH(node, &subscription->queue)
    {
        free_pushed(subscription, MR_CONTAINER_OF(node, struct pushed, node));
    }
    mr_list_remove(&subscription->node);
    mr_buf_deinit(&subscription->shard_id);
    mr_buf_deinit(&subscription->iterator);
    mr_buf_deinit(&subscription->inbox);
    mr_buf_deinit(&subscription->continuation);
    free(subscription);
}

static struct subscription *
find_subscription(const struct fanout *source, struct mr_slice iterator)
{
    MR_LIST_EACH(node, &source->subscriptions)
    {
        struct subscription *subscription = MR_CONTAINER_OF(node, struct subscription, node);
        if (mr_slice_eq(mr_buf_slice(&subscription->iterator), iterator)) {
            return subscription;
        }
    }
    return NULL;
}

/* A shard has one at a time. */
static void
drop_older(struct fanout *source, struct mr_slice shard_id)
{
    MR_LIST_EACH(node, &source->subscriptions)
    {
        struct subscription *subscription = MR_CONTAINER_OF(node, struct subscription, node);
        if (mr_slice_eq(mr_buf_slice(&subscription->shard_id), shard_id)) {
            free_subscription(subscription);
        }
    }
}

static void
fail(struct subscription *subscription, enum mr_source_fault fault, const char *text)
{
    subscription->phase = FAILED;
    subscription->fault = fault;
    mr_fail(&subscription->error, -EIO, "%s", text);
}

static enum mr_source_fault
fault_of(enum mr_aws_fault fault)
{
    switch (fault) {
    case MR_AWS_THROTTLED:
        return MR_SOURCE_THROTTLED;
    case MR_AWS_DENIED:
        return MR_SOURCE_DENIED;
    case MR_AWS_NOT_FOUND:
        return MR_SOURCE_GONE;
    default:
        return MR_SOURCE_TROUBLE;
    }
}

/* ---- what is pushed ---- */

static void
take_event(struct subscription *subscription, const struct mr_event *frame)
{
    struct mr_kinesis_event event;
    struct mr_error err = { 0 };
    if (mr_kinesis_answer_event(frame->payload, &event, &err) < 0) {
        fail(subscription, MR_SOURCE_TROUBLE, err.text);
        return;
    }
    struct pushed *pushed = mr_alloc_zero(1, sizeof(*pushed));
    pushed->event = event;
    pushed->bytes = sizeof(*pushed) + frame->payload.size;
    subscription->queued_bytes += pushed->bytes;
    mr_list_push_back(&subscription->queue, &pushed->node);
    subscription->has_ended = event.records.next.data == NULL;
    if (!subscription->has_ended) {
        set_text(&subscription->continuation, event.continuation);
    }
    if (subscription->queued_bytes > subscription->source->max_pushed_bytes) {
        subscription->phase = SUSPENDED;
    }
}

static void
take_frame(struct subscription *subscription, const struct mr_event *frame)
{
    struct mr_slice event_type = mr_event_header_get(frame, ":event-type");
    struct mr_slice exception = mr_event_header_get(frame, ":exception-type");
    if (exception.data != NULL) {
        bool gone = mr_slice_is(exception, "ResourceNotFoundException");
        char text[160];
        snprintf(text, sizeof(text), "the subscription ended: %.*s", MR_SLICE_ARGS(exception));
        fail(subscription, gone ? MR_SOURCE_GONE : MR_SOURCE_TROUBLE, text);
    } else if (mr_slice_is(event_type, "SubscribeToShardEvent")) {
        take_event(subscription, frame);
    }
    if (subscription->phase == SUBSCRIBING) {
        subscription->phase = FLOWING; /* "initial-response" */
    }
}

/*
 * Inside of the client: nothing may be sent or cancelled here, so that whoever waits is served
 * by the timer.
 */
static void
on_chunk(struct mr_slice chunk, void *context)
{
    struct subscription *subscription = context;
    struct mr_event frame;
    struct mr_error err = { 0 };
    size_t used = 0;
    ssize_t size;
    mr_timer_start(&subscription->timer, 0);
    mr_timer_start(&subscription->silence, SILENCE_MS);
    if (subscription->phase > FLOWING) {
        return; /* given up: the timer hangs up */
    }
    mr_buf_append_slice(&subscription->inbox, chunk);
    struct mr_slice bytes = mr_buf_slice(&subscription->inbox);
    while (subscription->phase <= FLOWING && !subscription->has_ended &&
           (size = mr_event_stream_parse(mr_slice_from(bytes, used), &frame, &err)) > 0) {
        take_frame(subscription, &frame);
        used += (size_t)size;
    }
    if (err.code != 0) {
        fail(subscription, MR_SOURCE_TROUBLE, err.text);
    }
    mr_buf_consume(&subscription->inbox, used);
}

static void
on_over(const struct mr_aws_result *result, void *context)
{
    struct subscription *subscription = context;
    subscription->call = NULL;
    mr_buf_clear(&subscription->inbox);
    mr_timer_stop(&subscription->silence);
    mr_timer_start(&subscription->timer, 0);
    if (subscription->phase > FLOWING || subscription->has_ended) {
        return;
    }
    if (result->fault != MR_AWS_OK) {
        fail(subscription, fault_of(result->fault), result->error->text);
    } else if (subscription->phase == SUBSCRIBING || subscription->continuation.size == 0) {
        fail(subscription, MR_SOURCE_TROUBLE, "the subscription ended before it began");
    } else {
        subscription->phase = SUSPENDED; /* its time was up: to be renewed */
    }
}

/* ---- subscribing ---- */

static void
write_place(const struct mr_source_place *place, struct mr_json_writer *json)
{
    static const char *const types[] = {
        [MR_POSITION_TRIM_HORIZON] = "TRIM_HORIZON",
        [MR_POSITION_LATEST] = "LATEST",
        [MR_POSITION_TIMESTAMP] = "AT_TIMESTAMP",
        [MR_POSITION_AFTER] = "AFTER_SEQUENCE_NUMBER",
    };
    mr_json_key(json, "StartingPosition");
    mr_json_begin_object(json);
    mr_json_member_str(json, "Type", types[place->position]);
    if (place->position == MR_POSITION_AFTER) {
        mr_json_member_string(json, "SequenceNumber", place->sequence_number);
    }
    if (place->position == MR_POSITION_TIMESTAMP) {
        mr_json_key(json, "Timestamp");
        mr_json_put_seconds(json, place->timestamp_ms);
    }
    mr_json_end_object(json);
}

static void
subscribe(struct subscription *subscription, const struct mr_source_place *place)
{
    struct fanout *source = subscription->source;
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "ConsumerARN", mr_buf_slice(&source->consumer_arn));
    mr_json_member_string(&json, "ShardId", mr_buf_slice(&subscription->shard_id));
    write_place(place, &json);
    mr_json_end_object(&json);
    struct mr_aws_request request = { .target = MR_SLICE("Kinesis_20131202.SubscribeToShard"),
                                      .body = mr_buf_slice(&body),
                                      .total_ms = SUBSCRIPTION_MS,
                                      .http2 = true,
                                      .chunk = on_chunk };
    subscription->phase = SUBSCRIBING;
    mr_timer_start(&subscription->silence, SILENCE_MS);
    subscription->call = mr_aws_client_send(source->client, &request, on_over, subscription);
}

/* From behind the last event: its number is a position, whether a record has it or not. */
static void
renew(struct subscription *subscription)
{
    struct mr_source_place place = { .position = MR_POSITION_AFTER,
                                     .sequence_number =
                                         mr_buf_slice(&subscription->continuation) };
    subscribe(subscription, &place);
}

/* ---- answers ---- */

static struct mr_source_call
end_call(struct mr_source_call *call)
{
    struct mr_source_call ended = *call;
    if (call->subscription != NULL) {
        call->subscription->waiter = NULL;
    }
    mr_timer_stop(&call->timer);
    mr_list_remove(&call->node);
    free(call);
    return ended;
}

static void
answer_fault(struct mr_source_call *call, enum mr_source_fault fault,
             const struct mr_error *err)
{
    struct mr_source_call ended = end_call(call);
    if (ended.kind == ITERATOR) {
        ended.done.iterator(&(struct mr_source_iterator){ .fault = fault, .error = err },
                            ended.context);
    } else {
        ended.done.records(&(struct mr_source_records){ .fault = fault, .error = err },
                           ended.context);
    }
}

static void
answer_iterator(struct subscription *subscription)
{
    struct mr_source_call ended = end_call(subscription->waiter);
    struct mr_source_iterator result = { .iterator = mr_buf_slice(&subscription->iterator) };
    ended.done.iterator(&result, ended.context);
}

/* Up to `limit` of what is left, and never up to the middle of an aggregate. */
static size_t
records_to_give(const struct pushed *pushed, size_t limit)
{
    const struct mr_record *records = pushed->event.records.records;
    size_t end = pushed->event.records.count;
    size_t stop = end - pushed->taken > limit ? pushed->taken + limit : end;
    while (stop < end &&
           mr_slice_eq(records[stop].sequence_number, records[stop - 1].sequence_number)) {
        stop++;
    }
    return stop - pushed->taken;
}

/* The first event of the queue, or a part of it. */
static void
answer_records(struct subscription *subscription)
{
    struct pushed *pushed = MR_CONTAINER_OF(subscription->queue.next, struct pushed, node);
    struct mr_source_records whole = pushed->event.records;
    struct mr_source_call ended = end_call(subscription->waiter);
    size_t count = records_to_give(pushed, ended.limit);
    bool is_last = pushed->taken + count == whole.count;
    struct mr_source_records result = {
        .records = count > 0 ? whole.records + pushed->taken : NULL,
        .count = count,
        .block = count > 0 ? mr_record_block_ref(whole.block) : NULL,
        .behind_ms =
            whole.behind_ms > 0 || (is_last && pushed->node.next == &subscription->queue)
                ? whole.behind_ms
                : 1,
    };
    if (!is_last || whole.next.data != NULL) {
        result.next = mr_buf_slice(&subscription->iterator);
    }
    pushed->taken += count;
    if (is_last) {
        free_pushed(subscription, pushed);
    }
    mr_timer_start(&subscription->timer, 0); /* there is room, perhaps */
    ended.done.records(&result, ended.context);
    mr_record_block_unref(result.block);
}

static void
serve(struct subscription *subscription)
{
    struct mr_source_call *waiter = subscription->waiter;
    if (waiter == NULL) {
        return;
    }
    if (waiter->kind == RECORDS && !mr_list_empty(&subscription->queue)) {
        answer_records(subscription);
    } else if (subscription->phase == FAILED) {
        struct mr_error err = subscription->error;
        enum mr_source_fault fault = subscription->fault;
        waiter->subscription = NULL;
        subscription->waiter = NULL;
        free_subscription(subscription);
        answer_fault(waiter, fault, &err);
    } else if (waiter->kind == ITERATOR && subscription->phase != SUBSCRIBING) {
        answer_iterator(subscription);
    }
}

static void
on_timer(void *context)
{
    struct subscription *subscription = context;
    bool is_empty = mr_list_empty(&subscription->queue);
    if (subscription->phase >= SUSPENDED || subscription->has_ended) {
        hang_up(subscription);
    }
    if (subscription->has_ended && is_empty && subscription->waiter == NULL) {
        free_subscription(subscription); /* all of the shard was given out */
        return;
    }
    if (subscription->phase == SUSPENDED && !subscription->has_ended && is_empty) {
        renew(subscription);
    }
    serve(subscription); /* may free it */
}

static void
on_silence(void *context)
{
    struct subscription *subscription = context;
    hang_up(subscription);
    fail(subscription, MR_SOURCE_TROUBLE, "the subscription has fallen silent");
    serve(subscription);
}

/* ---- calls ---- */

static void
on_faulty(void *context)
{
    struct mr_error err = { 0 };
    mr_fail(&err, -ESTALE, "the subscription has ended");
    answer_fault(context, MR_SOURCE_EXPIRED, &err);
}

static struct mr_source_call *
new_call(struct mr_source *base, enum kind kind, void *context)
{
    struct fanout *source = (struct fanout *)base;
    struct mr_source_call *call = mr_alloc_zero(1, sizeof(*call));
    call->source = source;
    call->kind = kind;
    call->context = context;
    mr_timer_init(&call->timer, source->loop, MR_TIME_INJECTED, on_faulty, call);
    mr_list_push_back(&source->calls, &call->node);
    return call;
}

static void
on_shards(const struct mr_source_shards *result, void *context)
{
    struct mr_source_call ended = end_call(context);
    ended.done.shards(result, ended.context);
}

static struct mr_source_call *
list_shards(struct mr_source *base, mr_source_shards_fn *done, void *context)
{
    struct mr_source_call *call = new_call(base, LIST, context);
    struct mr_source *lister = call->source->lister;
    call->done.shards = done;
    call->inner = lister->ops->list_shards(lister, on_shards, call);
    return call;
}

static struct mr_source_call *
get_iterator(struct mr_source *base, const struct mr_source_place *place,
             mr_source_iterator_fn *done, void *context)
{
    struct mr_source_call *call = new_call(base, ITERATOR, context);
    struct fanout *source = call->source;
    call->done.iterator = done;
    drop_older(source, place->shard_id);
    struct subscription *subscription = mr_alloc_zero(1, sizeof(*subscription));
    subscription->source = source;
    mr_buf_append_slice(&subscription->shard_id, place->shard_id);
    mr_buf_printf(&subscription->iterator, "%.*s/%llu", MR_SLICE_ARGS(place->shard_id),
                  (unsigned long long)++source->serial);
    mr_list_init(&subscription->queue);
    mr_timer_init(&subscription->timer, source->loop, MR_TIME_INJECTED, on_timer, subscription);
    mr_timer_init(&subscription->silence, source->loop, MR_TIME_REAL, on_silence, subscription);
    mr_list_push_back(&source->subscriptions, &subscription->node);
    subscription->waiter = call;
    call->subscription = subscription;
    subscribe(subscription, place);
    return call;
}

static struct mr_source_call *
get_records(struct mr_source *base, struct mr_slice iterator, size_t limit, uint64_t wait_ms,
            mr_source_records_fn *done, void *context)
{
    struct mr_source_call *call = new_call(base, RECORDS, context);
    struct subscription *subscription = find_subscription(call->source, iterator);
    (void)wait_ms; /* the server says every five seconds that there is nothing */
    call->done.records = done;
    call->limit = limit;
    if (subscription == NULL || subscription->waiter != NULL) {
        mr_timer_start(&call->timer, 0);
        return call;
    }
    call->subscription = subscription;
    subscription->waiter = call;
    mr_timer_start(&subscription->timer, 0);
    return call;
}

static void
cancel(struct mr_source *base, struct mr_source_call *call)
{
    struct mr_source *lister = ((struct fanout *)base)->lister;
    if (call->kind == LIST) {
        lister->ops->cancel(lister, call->inner);
    }
    end_call(call);
}

/* ---- life ---- */

static void
free_source(struct mr_source *base)
{
    struct fanout *source = (struct fanout *)base;
    MR_LIST_EACH(node, &source->calls)
    {
        cancel(base, MR_CONTAINER_OF(node, struct mr_source_call, node));
    }
    MR_LIST_EACH(node, &source->subscriptions)
    {
        free_subscription(MR_CONTAINER_OF(node, struct subscription, node));
    }
    if (source->lister != NULL) {
        source->lister->ops->free(source->lister);
    }
    mr_buf_deinit(&source->consumer_arn);
    free(source);
}

struct mr_source *
mr_source_fanout_new(const struct mr_source_fanout_options *options, struct mr_error *err)
{
    static const struct mr_source_ops ops = { list_shards, get_iterator, get_records, cancel,
                                              free_source };
    struct mr_kinesis_arn arn;
    if (!mr_kinesis_arn_parse(options->consumer_arn, &arn) || arn.consumer_name.data == NULL) {
        mr_fail(err, -EINVAL, "%.*s is not the ARN of a stream's consumer",
                MR_SLICE_ARGS(options->consumer_arn));
        return NULL;
    }
    const uint8_t *name_end = arn.stream_name.data + arn.stream_name.size;
    struct mr_source_kinesis_options stream = {
        .client = options->client,
        .source_arn = mr_slice_first(options->consumer_arn,
                                     (size_t)(name_end - options->consumer_arn.data)),
    };
    struct fanout *source = mr_alloc_zero(1, sizeof(*source));
    source->source = (struct mr_source){ .ops = &ops, .waits = true };
    source->loop = options->loop;
    source->client = options->client;
    source->max_pushed_bytes =
        options->max_pushed_bytes == 0 ? MAX_PUSHED_BYTES : options->max_pushed_bytes;
    mr_list_init(&source->subscriptions);
    mr_list_init(&source->calls);
    mr_buf_append_slice(&source->consumer_arn, options->consumer_arn);
    source->lister = mr_source_kinesis_new(&stream, err);
    if (source->lister == NULL) {
        free_source(&source->source);
        return NULL;
    }
    return &source->source;
}
