#include "stream/api/subscribe.h"

#include <errno.h>
#include <stdlib.h>

#include "aws/event_stream.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "stream/api/actions.h"
#include "stream/api/consumers.h"
#include "stream/api/kinesis.h"
#include "stream/api/position.h"
#include "stream/api/records.h"
#include "stream/api/shards.h"
#include "stream/api/target.h"

struct subscription {
    struct mr_list node;
    struct mr_kinesis *kinesis;
    char *consumer, *stream; /* names */
    uint64_t consumer_created_ms;
    struct mr_shard_info shard;
    enum mr_format format;
    struct mr_http_exchange *exchange; /* NULL: it has ended, and waits to be forgotten */
    struct mr_store_wait *wait;        /* NULL: not waiting for records */
    struct mr_timer again;             /* the next empty event, or the next record allowed */
    struct mr_timer end;
    uint64_t started_ms;
    uint64_t position;
    uint64_t paid_ms; /* Unix time at which what was sent is within the rate */
    bool pushing;     /* push() is up the stack */
    const char *gone; /* what it reads from is gone: its last words; static text */
};

static void push(struct subscription *subscription);

/* ---- its end ---- */

static void
free_subscription(struct subscription *subscription)
{
    mr_timer_stop(&subscription->again);
    mr_timer_stop(&subscription->end);
    mr_store_unwait(subscription->wait);
    mr_list_remove(&subscription->node);
    free(subscription->consumer);
    free(subscription->stream);
    free(subscription);
}

/* The place stays taken for the rest of the five seconds: the end timer frees it. */
static void
let_go(struct subscription *subscription)
{
    uint64_t now_ms = mr_kinesis_now_ms(subscription->kinesis);
    uint64_t free_ms = subscription->started_ms + MR_SUBSCRIBE_TAKEOVER_MS;
    subscription->exchange = NULL;
    mr_timer_stop(&subscription->again);
    mr_store_unwait(subscription->wait);
    subscription->wait = NULL;
    mr_timer_start(&subscription->end, free_ms > now_ms ? free_ms - now_ms : 0);
}

static void
end(struct subscription *subscription)
{
    struct mr_http_exchange *exchange = subscription->exchange;
    if (exchange != NULL) {
        mr_http_exchange_on_abort(exchange, NULL, NULL);
        mr_http_exchange_on_drain(exchange, NULL, NULL);
        let_go(subscription);
        mr_http_respond_end(exchange);
    }
}

/*
 * From another call: in the next round. To end an answer begins the request that was pipelined
 * behind it, and that may delete what the other call holds on to.
 */
static void
end_soon(struct subscription *subscription, const char *gone)
{
    if (subscription->exchange != NULL) {
        subscription->gone = gone;
        mr_timer_start(&subscription->end, 0);
    }
}

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    (void)exchange;
    let_go(context);
}

/* ---- frames ---- */

static size_t
begin_frame(struct mr_buf *buf, const char *kind, const char *kind_header, const char *name,
            enum mr_format format)
{
    const struct mr_event_header headers[] = {
        { MR_SLICE(":message-type"), mr_slice_str(kind) },
        { mr_slice_str(kind_header), mr_slice_str(name) },
        { MR_SLICE(":content-type"), mr_call_content_type(format) },
    };
    return mr_event_stream_begin(buf, headers, 3);
}

static void
send_initial(struct subscription *subscription)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    size_t frame =
        begin_frame(&buf, "event", ":event-type", "initial-response", subscription->format);
    struct mr_output output = mr_output_on(&buf, subscription->format);
    mr_output_begin(&output);
    mr_output_end(&output);
    mr_event_stream_end(&buf, frame);
    mr_http_respond_write(subscription->exchange, mr_buf_slice(&buf));
}

static void
send_exception(struct subscription *subscription, const char *name, const char *message)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    size_t frame =
        begin_frame(&buf, "exception", ":exception-type", name, subscription->format);
    struct mr_output output = mr_output_on(&buf, subscription->format);
    mr_output_begin(&output);
    mr_output_put_str(&output, "message", message);
    mr_output_end(&output);
    mr_event_stream_end(&buf, frame);
    mr_http_respond_write(subscription->exchange, mr_buf_slice(&buf));
}

/*
 * Where to go on: the index of the last record before the position, and the time now. It moves
 * with time, and both AT and AFTER it lies the next record.
 */
static void
put_continuation(struct mr_output *output, const struct subscription *subscription)
{
    char text[MR_SEQUENCE_TEXT_SIZE];
    uint64_t index = subscription->position > 0 ? subscription->position - 1 : 0;
    struct mr_sequence_number number =
        mr_sequence_of_record(subscription->shard.starting.created_s, subscription->shard.index,
                              index, mr_kinesis_now_ms(subscription->kinesis));
    mr_sequence_print(&number, text);
    mr_output_put_str(output, "ContinuationSequenceNumber", text);
}

/* Records are few or many, and the frame is written in place, without a copy of them. */
static void
send_event(struct subscription *subscription, const struct mr_store_batch *batch)
{
    struct mr_kinesis *kinesis = subscription->kinesis;
    struct mr_slice stream = mr_slice_str(subscription->stream);
    const struct mr_stream_facts *facts = mr_catalog_find(kinesis->catalog, stream);
    bool encrypted = facts != NULL && facts->encrypted;
    mr_auto_buf struct mr_buf buf = { 0 };
    mr_buf_reserve(&buf, batch->bytes / 3 * 4 + batch->count * 256 + 1024);
    size_t frame = begin_frame(&buf, "event", ":event-type", "SubscribeToShardEvent",
                               subscription->format);
    struct mr_output output = mr_output_on(&buf, subscription->format);
    mr_output_begin(&output);
    mr_output_key(&output, "Records");
    mr_output_begin_list(&output);
    for (size_t i = 0; i < batch->count; i++) {
        mr_record_put(&output, &batch->records[i], encrypted);
    }
    mr_output_end_list(&output);
    put_continuation(&output, subscription);
    mr_output_put_integer(&output, "MillisBehindLatest", (int64_t)batch->behind_ms);
    if (batch->end_of_shard) {
        mr_record_put_children(&output, kinesis->options.store, stream,
                               subscription->shard.index);
    }
    mr_output_end(&output);
    mr_event_stream_end(&buf, frame);
    mr_http_respond_write(subscription->exchange, mr_buf_slice(&buf));
}

static void
on_end(void *context)
{
    struct subscription *subscription = context;
    if (subscription->exchange == NULL) {
        free_subscription(subscription);
        return;
    }
    if (subscription->gone != NULL) {
        send_exception(subscription, "ResourceNotFoundException", subscription->gone);
    }
    end(subscription);
}

/* ---- pushing ---- */

static void
on_ready(void *context)
{
    struct subscription *subscription = context;
    subscription->wait = NULL;
    push(subscription);
}

static void
on_drain(struct mr_http_exchange *exchange, void *context)
{
    (void)exchange;
    push(context);
}

/* Silence has lasted long enough, or the rate allows more. */
static void
on_again(void *context)
{
    struct subscription *subscription = context;
    if (subscription->wait != NULL) {
        struct mr_store_batch nothing = { .count = 0 };
        mr_timer_start(&subscription->again, MR_SUBSCRIBE_SILENCE_MS);
        send_event(subscription, &nothing);
    } else {
        push(subscription);
    }
}

static void
wait_for_records(struct subscription *subscription)
{
    struct mr_kinesis_options *options = &subscription->kinesis->options;
    mr_timer_start(&subscription->again, MR_SUBSCRIBE_SILENCE_MS);
    subscription->wait =
        mr_store_wait(options->store, subscription->shard.uid, subscription->position,
                      options->loop, on_ready, subscription);
}

/* With AWS's limits: true when what was sent has to be worked off first. */
static bool
is_over_rate(struct subscription *subscription)
{
    uint64_t now_ms = mr_kinesis_now_ms(subscription->kinesis);
    if (!subscription->kinesis->options.limits || subscription->paid_ms <= now_ms + 1000) {
        return false;
    }
    mr_timer_start(&subscription->again, subscription->paid_ms - now_ms - 1000);
    return true;
}

static void
pay(struct subscription *subscription, size_t bytes)
{
    uint64_t now_ms = mr_kinesis_now_ms(subscription->kinesis);
    if (subscription->paid_ms < now_ms) {
        subscription->paid_ms = now_ms;
    }
    subscription->paid_ms += (uint64_t)bytes * 1000 / MR_SUBSCRIBE_BYTES_PER_S;
}

/* One event. True: there may be more at once. */
static bool
push_one(struct subscription *subscription)
{
    struct mr_store_batch batch = { .unbudgeted = true };
    struct mr_error err = { 0 };
    int code = mr_store_read(subscription->kinesis->options.store, subscription->shard.uid,
                             subscription->position, MR_KINESIS_MAX_GET_RECORDS,
                             MR_SUBSCRIBE_EVENT_BYTES, &batch, &err);
    bool more = false;
    if (code < 0) {
        bool gone = code == -ENOENT;
        send_exception(subscription,
                       gone ? "ResourceNotFoundException" : "InternalFailureException",
                       gone ? "The stream was deleted." : "Internal Service Failure");
        end(subscription);
    } else if (batch.count > 0 || batch.end_of_shard) {
        subscription->position = batch.next;
        pay(subscription, batch.bytes);
        mr_timer_start(&subscription->again, MR_SUBSCRIBE_SILENCE_MS);
        send_event(subscription, &batch);
        more = !batch.end_of_shard;
        if (batch.end_of_shard) {
            end(subscription);
        }
    } else {
        wait_for_records(subscription);
    }
    mr_store_batch_release(&batch);
    return more;
}

static void
push(struct subscription *subscription)
{
    if (subscription->pushing || subscription->exchange == NULL || subscription->wait != NULL) {
        return;
    }
    subscription->pushing = true;
    while (subscription->exchange != NULL &&
           mr_http_exchange_unsent(subscription->exchange) <= MR_SUBSCRIBE_UNSENT_BYTES &&
           !is_over_rate(subscription) && push_one(subscription)) {
    }
    subscription->pushing = false;
}

static bool
is_of(const struct subscription *subscription, const struct mr_stream_facts *facts,
      const struct mr_consumer *consumer)
{
    return strcmp(subscription->stream, facts->name) == 0 &&
           (consumer == NULL || (strcmp(subscription->consumer, consumer->name) == 0 &&
                                 subscription->consumer_created_ms == consumer->created_ms));
}

/* False: answered, the last one is too young. Else it is ended. */
static bool
take_over(struct mr_call *call, const struct mr_stream_facts *facts,
          const struct mr_consumer *consumer, uint32_t shard_uid)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    MR_LIST_EACH(node, &call->kinesis->subscriptions)
    {
        struct subscription *other = MR_CONTAINER_OF(node, struct subscription, node);
        if (other->shard.uid != shard_uid || !is_of(other, facts, consumer)) {
            continue;
        }
        if (call->now_ms < other->started_ms + MR_SUBSCRIBE_TAKEOVER_MS) {
            mr_shard_id_print(other->shard.index, id);
            struct mr_slice arn = mr_target_consumer_arn(call, facts->name, consumer);
            mr_call_fail(call, "ResourceInUseException",
                         "Another active subscription exists for this consumer: %.*s on shard "
                         "%s of stream %s under account %s.",
                         MR_SLICE_ARGS(arn), id, facts->name, call->kinesis->options.account);
            return false;
        }
        end_soon(other, NULL);
    }
    return true;
}

static void
start(struct mr_call *call, const struct mr_stream_facts *facts,
      const struct mr_consumer *consumer, const struct mr_shard_info *shard, uint64_t position)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct subscription *subscription = mr_alloc_zero(1, sizeof(*subscription));
    struct mr_http_header headers[MR_CALL_MAX_HEADERS];
    struct mr_http_response response = {
        .status = 200,
        .content_type = MR_SLICE("application/vnd.amazon.eventstream"),
        .headers = headers,
        .header_count = mr_call_headers(call->exchange, kinesis, headers),
    };
    subscription->kinesis = kinesis;
    subscription->consumer = mr_strdup(consumer->name);
    subscription->stream = mr_strdup(facts->name);
    subscription->consumer_created_ms = consumer->created_ms;
    subscription->shard = *shard;
    subscription->format = call->format;
    subscription->exchange = call->exchange;
    subscription->started_ms = call->now_ms;
    subscription->position = position;
    mr_list_push_back(&kinesis->subscriptions, &subscription->node);
    mr_timer_init(&subscription->again, kinesis->options.loop, MR_TIME_INJECTED, on_again,
                  subscription);
    mr_timer_init(&subscription->end, kinesis->options.loop, MR_TIME_INJECTED, on_end,
                  subscription);
    mr_timer_start(&subscription->end, MR_SUBSCRIBE_LIFE_MS);
    mr_http_exchange_on_abort(call->exchange, on_abort, subscription);
    mr_http_exchange_on_drain(call->exchange, on_drain, subscription);
    mr_http_respond_begin(call->exchange, &response);
    if (subscription->exchange != NULL) {
        send_initial(subscription);
        push(subscription);
    }
}

static struct mr_stream_facts *
find_consumer(struct mr_call *call, struct mr_consumer **out_consumer)
{
    struct mr_stream_facts *facts = mr_target_resource(call, "ConsumerARN", out_consumer);
    if (facts == NULL) {
        return NULL;
    }
    struct mr_slice arn = mr_value_text(&call->input, "ConsumerARN");
    if (*out_consumer == NULL) {
        mr_call_fail(call, "InvalidArgumentException",
                     "ConsumerARN %.*s is not a consumer's ARN.", MR_SLICE_ARGS(arn));
        return NULL;
    }
    enum mr_consumer_status status = mr_consumer_status(*out_consumer, call->now_ms);
    if (status != MR_CONSUMER_ACTIVE) {
        mr_call_fail(call, "ResourceInUseException",
                     "Consumer %.*s is not ACTIVE, instead in state %s", MR_SLICE_ARGS(arn),
                     mr_consumer_status_text(status));
        return NULL;
    }
    return facts;
}

void
mr_act_subscribe_to_shard(struct mr_call *call)
{
    const struct mr_value *starting = mr_value_find(&call->input, "StartingPosition");
    struct mr_consumer *consumer;
    struct mr_stream_facts *facts = find_consumer(call, &consumer);
    const struct mr_shard_info *shard;
    struct mr_position_wish wish = {
        .operation = "SubscribeToShard",
        .type = mr_value_text(starting, "Type"),
        .sequence = mr_value_text(starting, "SequenceNumber"),
        .timestamp = mr_value_find(starting, "Timestamp"),
    };
    uint64_t position;
    if (facts != NULL &&
        (shard = mr_shard_find(call, facts->name, mr_value_text(&call->input, "ShardId"))) !=
            NULL &&
        mr_position_find(call, facts, shard, &wish, &position) &&
        take_over(call, facts, consumer, shard->uid)) {
        start(call, facts, consumer, shard, position);
    }
}

/* ---- ends from outside ---- */

static void
end_of(struct mr_kinesis *kinesis, const struct mr_stream_facts *facts,
       const struct mr_consumer *consumer, const char *message) /* of static text */
{
    MR_LIST_EACH(node, &kinesis->subscriptions)
    {
        struct subscription *subscription = MR_CONTAINER_OF(node, struct subscription, node);
        if (is_of(subscription, facts, consumer)) {
            end_soon(subscription, message);
        }
    }
}

void
mr_subscribe_end_consumer(struct mr_kinesis *kinesis, const struct mr_stream_facts *facts,
                          const struct mr_consumer *consumer)
{
    end_of(kinesis, facts, consumer, "The consumer was deregistered.");
}

void
mr_subscribe_end_stream(struct mr_kinesis *kinesis, const struct mr_stream_facts *facts)
{
    end_of(kinesis, facts, NULL, "The stream was deleted.");
}

void
mr_subscribe_end_all(struct mr_kinesis *kinesis)
{
    MR_LIST_EACH(node, &kinesis->subscriptions)
    {
        end(MR_CONTAINER_OF(node, struct subscription, node));
    }
}

void
mr_subscribe_forget(struct mr_kinesis *kinesis)
{
    while (!mr_list_empty(&kinesis->subscriptions)) {
        free_subscription(
            MR_CONTAINER_OF(kinesis->subscriptions.next, struct subscription, node));
    }
}
