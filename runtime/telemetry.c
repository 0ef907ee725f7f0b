/* Telemetry: what happened in an environment, collected for its extensions, and delivered. */
#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "runtime/inside.h"

#include <stdio.h>

enum {
    MAX_BACKLOG = 256 * 1024, /* of an init, for subscribers that come late */
    MAX_EVENT = 512 * 1024,
};

struct subscription {
    struct mr_list node;
    struct environment *environment;
    struct extension *extension;
    unsigned number; /* the supervisor's */
    struct telemetry_wish wish;
    char path[128];
    struct mr_buf events; /* separated by commas, or each with a newline behind it */
    size_t count;
    bool in_flight;
    size_t flight_bytes, flight_count;
    uint64_t dropped_bytes, dropped_count;
    uint64_t sequence;
    struct mr_timer timer;
};

struct telemetry {
    struct mr_list subscriptions;
    struct mr_buf backlog; /* kind, size, event; ... */
    unsigned subscribed;   /* extensions, ever */
};

static struct telemetry *
telemetry_of(struct environment *environment)
{
    if (environment->telemetry == NULL) {
        environment->telemetry = mr_alloc_zero(1, sizeof(*environment->telemetry));
        mr_list_init(&environment->telemetry->subscriptions);
    }
    return environment->telemetry;
}

bool
telemetry_wanted(const struct environment *environment)
{
    if (!environment->supervised || environment->gone) {
        return false;
    }
    return environment->initialising ||
           (environment->telemetry != NULL &&
            !mr_list_empty(&environment->telemetry->subscriptions));
}

/* ---- delivering ---- */

static void
put_head(const struct subscription *subscription, struct mr_buf *out, size_t body_size)
{
    mr_buf_printf(out,
                  "POST %s HTTP/1.1\r\nHost: sandbox.localdomain:%u\r\nContent-Type: "
                  "application/json\r\nSequence-Id: %llu\r\nConnection: close\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  subscription->path, subscription->wish.port,
                  (unsigned long long)subscription->sequence, body_size);
}

static void
put_dropped(struct subscription *subscription)
{
    mr_auto_buf struct mr_buf event = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&event);
    char time[32];

    log_time(time, mr_clock_wall_us(mr_clock_system()));
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "time", time);
    mr_json_member_str(&json, "type", "platform.logsDropped");
    mr_json_key(&json, "record");
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "reason",
                       "Consumer seems to have fallen behind as it has not acknowledged "
                       "receipt of logs.");
    mr_json_member_i64(&json, "droppedRecords", (int64_t)subscription->dropped_count);
    mr_json_member_i64(&json, "droppedBytes", (int64_t)subscription->dropped_bytes);
    mr_json_end_object(&json);
    mr_json_end_object(&json);
    subscription->dropped_count = subscription->dropped_bytes = 0;
    if (!subscription->wish.lines && subscription->events.size > 0) {
        mr_buf_append_byte(&subscription->events, ',');
    }
    mr_buf_append_slice(&subscription->events, mr_buf_slice(&event));
    if (subscription->wish.lines) {
        mr_buf_append_byte(&subscription->events, '\n');
    }
    subscription->count++;
}

static void
deliver(struct subscription *subscription)
{
    struct environment *environment = subscription->environment;
    mr_auto_buf struct mr_buf out = { 0 };
    bool lines = subscription->wish.lines;

    if (subscription->in_flight || environment->frozen) {
        return; /* when that has ended */
    }
    mr_timer_stop(&subscription->timer);
    if (subscription->dropped_count > 0) {
        put_dropped(subscription);
    }
    if (subscription->count == 0) {
        return;
    }
    if (!lines) {
        subscription->sequence++;
        put_head(subscription, &out, subscription->events.size + 2);
        mr_buf_append_byte(&out, '[');
    }
    mr_buf_append_slice(&out, mr_buf_slice(&subscription->events));
    if (!lines) {
        mr_buf_append_byte(&out, ']');
    }
    subscription->flight_bytes = subscription->events.size;
    subscription->flight_count = subscription->count;
    subscription->in_flight = true;
    mr_buf_clear(&subscription->events);
    subscription->count = 0;
    supervised_command(environment,
                       lines ? MR_SUPERVISOR_DELIVER_TCP : MR_SUPERVISOR_DELIVER_HTTP,
                       subscription->number, subscription->wish.port, mr_buf_slice(&out));
}

static void
on_timer(void *context)
{
    deliver(context);
}

void
telemetry_delivered(struct environment *environment, unsigned number, unsigned status)
{
    if (environment->telemetry == NULL) {
        return;
    }
    MR_LIST_EACH(node, &environment->telemetry->subscriptions)
    {
        struct subscription *subscription = MR_CONTAINER_OF(node, struct subscription, node);
        if (subscription->number != number || !subscription->in_flight) {
            continue;
        }
        subscription->in_flight = false;
        if (status < 200 || status > 299) {
            subscription->dropped_count += subscription->flight_count;
            subscription->dropped_bytes += subscription->flight_bytes;
        }
        if (subscription->count > 0 || subscription->dropped_count > 0) {
            mr_timer_start(&subscription->timer, subscription->wish.timeout_ms);
        }
    }
}

void
telemetry_flush(struct environment *environment)
{
    if (environment->telemetry == NULL) {
        return;
    }
    MR_LIST_EACH(node, &environment->telemetry->subscriptions)
    {
        deliver(MR_CONTAINER_OF(node, struct subscription, node));
    }
}

/* ---- collecting ---- */

static void
collect(struct subscription *subscription, enum telemetry_kind kind, struct mr_slice event)
{
    const struct telemetry_wish *wish = &subscription->wish;

    if ((wish->kinds & 1u << kind) == 0) {
        return;
    }
    if (event.size > MAX_EVENT ||
        subscription->events.size + event.size + 2 > MR_SUPERVISOR_MAX_DELIVERY - 4096) {
        subscription->dropped_count++;
        subscription->dropped_bytes += event.size;
        return;
    }
    if (!wish->lines && subscription->count > 0) {
        mr_buf_append_byte(&subscription->events, ',');
    }
    mr_buf_append_slice(&subscription->events, event);
    if (wish->lines) {
        mr_buf_append_byte(&subscription->events, '\n');
    }
    subscription->count++;
    if (subscription->count >= wish->max_items ||
        subscription->events.size >= wish->max_bytes) {
        deliver(subscription);
    } else if (!mr_timer_started(&subscription->timer) && !subscription->in_flight) {
        mr_timer_start(&subscription->timer, wish->timeout_ms);
    }
}

void
telemetry_event(struct environment *environment, enum telemetry_kind kind,
                struct mr_slice event)
{
    if (!telemetry_wanted(environment)) {
        return;
    }
    struct telemetry *telemetry = telemetry_of(environment);
    uint32_t size = (uint32_t)event.size;
    if (environment->initialising && telemetry->backlog.size + size < MAX_BACKLOG) {
        mr_buf_append_byte(&telemetry->backlog, (uint8_t)kind);
        mr_buf_append(&telemetry->backlog, &size, sizeof(size));
        mr_buf_append_slice(&telemetry->backlog, event);
    }
    MR_LIST_EACH(node, &telemetry->subscriptions)
    {
        collect(MR_CONTAINER_OF(node, struct subscription, node), kind, event);
    }
}

void
telemetry_line(struct environment *environment, enum telemetry_kind kind, struct mr_slice line,
               uint64_t wall_us)
{
    bool json_format = environment->entry->function.log_format == MR_FUNCTION_LOG_JSON;
    mr_auto_buf struct mr_buf event = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&event);
    char time[32];

    log_time(time, wall_us);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "time", time);
    mr_json_member_str(&json, "type", kind == TELEMETRY_FUNCTION ? "function" : "extension");
    if (json_format && line.size > 0 && line.data[0] == '{' && mr_json_valid(line)) {
        mr_json_key(&json, "record");
        mr_json_put_raw(&json, line);
    } else {
        mr_json_member_string(&json, "record", line);
    }
    mr_json_end_object(&json);
    telemetry_event(environment, kind, mr_buf_slice(&event));
}

/* ---- subscribing ---- */

static void
replay(struct telemetry *telemetry, struct subscription *subscription)
{
    const struct mr_buf *backlog = &telemetry->backlog;
    uint32_t size;

    for (size_t at = 0; at + 1 + sizeof(size) <= backlog->size; at += 1 + sizeof(size) + size) {
        memcpy(&size, backlog->data + at + 1, sizeof(size));
        collect(subscription, (enum telemetry_kind)backlog->data[at],
                mr_slice_of(backlog->data + at + 1 + sizeof(size), size));
    }
}

static void
subscription_free(struct subscription *subscription)
{
    mr_timer_stop(&subscription->timer);
    mr_list_remove(&subscription->node);
    mr_buf_deinit(&subscription->events);
    free(subscription);
}

void
telemetry_subscribe(struct extension *extension, const struct telemetry_wish *wish)
{
    struct environment *environment = extension->environment;
    struct telemetry *telemetry = telemetry_of(environment);
    unsigned number = 0;

    MR_LIST_EACH(node, &telemetry->subscriptions)
    {
        struct subscription *known = MR_CONTAINER_OF(node, struct subscription, node);
        if (known->extension == extension) {
            number = known->number;
            subscription_free(known); /* the new one stands in its place */
        }
    }
    if (number == 0) {
        number = 1 + telemetry->subscribed++;
    }
    struct subscription *subscription = mr_alloc_zero(1, sizeof(*subscription));
    subscription->environment = environment;
    subscription->extension = extension;
    subscription->number = number;
    subscription->wish = *wish;
    snprintf(subscription->path, sizeof(subscription->path), "%.*s", MR_SLICE_ARGS(wish->path));
    subscription->wish.path = (struct mr_slice){ 0 };
    mr_timer_init(&subscription->timer, environment->runtime->loop, MR_TIME_REAL, on_timer,
                  subscription);
    mr_list_push_back(&telemetry->subscriptions, &subscription->node);
    replay(telemetry, subscription);
}

void
telemetry_forget(struct environment *environment)
{
    struct telemetry *telemetry = environment->telemetry;

    if (telemetry == NULL) {
        return;
    }
    environment->telemetry = NULL;
    MR_LIST_EACH(node, &telemetry->subscriptions)
    {
        subscription_free(MR_CONTAINER_OF(node, struct subscription, node));
    }
    mr_buf_deinit(&telemetry->backlog);
    free(telemetry);
}

/* Who subscribes after the init has missed it. */
void
telemetry_init_done(struct environment *environment)
{
    if (environment->telemetry != NULL) {
        mr_buf_deinit(&environment->telemetry->backlog);
    }
}
