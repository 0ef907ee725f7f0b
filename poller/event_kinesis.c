#include "poller/event_kinesis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/json_writer.h"

#define BEGIN "{\"Records\":["
/* Around the parts of a record, in their order. */
#define BEFORE_KEY      "{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\""
#define BEFORE_SEQUENCE "\",\"sequenceNumber\":\""
#define BEFORE_DATA     "\",\"data\":\""
#define BEFORE_ARRIVAL  "\",\"approximateArrivalTimestamp\":"
#define SIZE(literal)   (sizeof(literal) - 1)

enum { TIME_TEXT = 21 }; /* "2020-07-30T17:00:00Z" and a NUL */

struct mr_event_kinesis {
    struct mr_buf before_id; /* behind the arrival, up to the sequence number of eventID */
    struct mr_buf after_id;  /* and from there to the end of the record */
    struct mr_buf shard_id, source_arn; /* escaped */
    uint64_t tumbling_ms;
    bool whole_records;
};

static void
escape(struct mr_buf *buf, struct mr_slice text)
{
    mr_json_escape(buf, text);
}

struct mr_event_kinesis *
mr_event_kinesis_new(const struct mr_event_kinesis_options *options)
{
    struct mr_event_kinesis *event = mr_alloc_zero(1, sizeof(*event));
    event->tumbling_ms = options->tumbling_ms;
    event->whole_records = options->whole_records;
    escape(&event->shard_id, options->shard_id);
    escape(&event->source_arn, options->source_arn);

    struct mr_buf *before = &event->before_id;
    mr_buf_append_str(before, "},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\","
                              "\"eventID\":\"");
    mr_buf_append_slice(before, mr_buf_slice(&event->shard_id));
    mr_buf_append_byte(before, ':');

    struct mr_buf *after = &event->after_id;
    mr_buf_append_str(after,
                      "\",\"eventName\":\"aws:kinesis:record\",\"invokeIdentityArn\":\"");
    escape(after, options->role_arn);
    mr_buf_append_str(after, "\",\"awsRegion\":\"");
    escape(after, options->region);
    mr_buf_append_str(after, "\",\"eventSourceARN\":\"");
    mr_buf_append_slice(after, mr_buf_slice(&event->source_arn));
    mr_buf_append_str(after, "\"}");
    return event;
}

void
mr_event_kinesis_free(struct mr_event_kinesis *event)
{
    if (event != NULL) {
        mr_buf_deinit(&event->before_id);
        mr_buf_deinit(&event->after_id);
        mr_buf_deinit(&event->shard_id);
        mr_buf_deinit(&event->source_arn);
        free(event);
    }
}

/* ---- records ---- */

static size_t
digits_of(uint64_t value)
{
    size_t digits = 1;
    for (; value >= 10; value /= 10) {
        digits++;
    }
    return digits;
}

/* Seconds, and as many decimals as the milliseconds need. */
static size_t
seconds_size(uint64_t ms)
{
    unsigned rest = (unsigned)(ms % 1000);
    size_t decimals = rest == 0 ? 0 : rest % 100 == 0 ? 2 : rest % 10 == 0 ? 3 : 4;
    return digits_of(ms / 1000) + decimals;
}

static uint8_t *
put_seconds(uint8_t *at, uint64_t ms)
{
    size_t size = seconds_size(ms);
    size_t whole = digits_of(ms / 1000);
    unsigned rest = (unsigned)(ms % 1000);
    uint64_t seconds = ms / 1000;
    for (size_t i = whole; i > 0; i--) {
        at[i - 1] = (uint8_t)('0' + seconds % 10);
        seconds /= 10;
    }
    if (size > whole) {
        at[whole] = '.';
    }
    for (size_t i = whole + 1; i < size; i++) {
        at[i] = (uint8_t)('0' + rest / 100);
        rest = rest % 100 * 10;
    }
    return at + size;
}

size_t
mr_event_kinesis_record_size(const struct mr_event_kinesis *event,
                             const struct mr_record *record)
{
    if (event->whole_records) {
        return record->data.size;
    }
    return SIZE(BEFORE_KEY) + record->partition_key.size + SIZE(BEFORE_SEQUENCE) +
           2 * record->sequence_number.size + SIZE(BEFORE_DATA) + record->data.size +
           SIZE(BEFORE_ARRIVAL) + seconds_size(record->arrival_ms) + event->before_id.size +
           event->after_id.size;
}

static uint8_t *
put(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static uint8_t *
put_slice(uint8_t *at, struct mr_slice slice)
{
    return slice.size == 0 ? at : put(at, slice.data, slice.size);
}

void
mr_event_kinesis_begin(struct mr_buf *buf)
{
    mr_buf_append(buf, BEGIN, SIZE(BEGIN));
}

void
mr_event_kinesis_record(const struct mr_event_kinesis *event, struct mr_buf *buf,
                        const struct mr_record *record, bool is_first)
{
    size_t size = mr_event_kinesis_record_size(event, record);
    uint8_t *at = mr_buf_reserve(buf, size + 1);
    buf->size += size + (is_first ? 0 : 1);
    if (!is_first) {
        *at++ = ',';
    }
    if (event->whole_records) {
        put_slice(at, record->data);
        return;
    }
    at = put(at, BEFORE_KEY, SIZE(BEFORE_KEY));
    at = put_slice(at, record->partition_key);
    at = put(at, BEFORE_SEQUENCE, SIZE(BEFORE_SEQUENCE));
    at = put_slice(at, record->sequence_number);
    at = put(at, BEFORE_DATA, SIZE(BEFORE_DATA));
    at = put_slice(at, record->data);
    at = put(at, BEFORE_ARRIVAL, SIZE(BEFORE_ARRIVAL));
    at = put_seconds(at, record->arrival_ms);
    at = put_slice(at, mr_buf_slice(&event->before_id));
    at = put_slice(at, record->sequence_number);
    put_slice(at, mr_buf_slice(&event->after_id));
}

/* ---- the end, and the window ---- */

static void
format_time(char text[TIME_TEXT], uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static void
append_window(const struct mr_event_kinesis *event, struct mr_buf *buf,
              const struct mr_event_window *window)
{
    char start[TIME_TEXT], stop[TIME_TEXT];
    format_time(start, window->start_ms);
    format_time(stop, window->start_ms +
                          (window->size_ms == 0 ? event->tumbling_ms : window->size_ms));
    mr_buf_printf(buf, ",\"shardId\":\"%.*s\",\"eventSourceARN\":\"%.*s\"",
                  MR_SLICE_ARGS(mr_buf_slice(&event->shard_id)),
                  MR_SLICE_ARGS(mr_buf_slice(&event->source_arn)));
    mr_buf_printf(buf, ",\"window\":{\"start\":\"%s\",\"end\":\"%s\"},\"state\":", start, stop);
    mr_buf_append_slice(buf, window->state);
    mr_buf_printf(buf, ",\"isFinalInvokeForWindow\":%s,\"isWindowTerminatedEarly\":%s",
                  window->is_final ? "true" : "false", window->early ? "true" : "false");
}

void
mr_event_kinesis_end(const struct mr_event_kinesis *event, struct mr_buf *buf,
                     const struct mr_event_window *window)
{
    mr_buf_append_byte(buf, ']');
    if (window != NULL) {
        append_window(event, buf, window);
    }
    mr_buf_append_byte(buf, '}');
}

size_t
mr_event_kinesis_envelope_size(const struct mr_event_kinesis *event)
{
    mr_auto_buf struct mr_buf sample = { 0 };
    struct mr_event_window window = { 0 }; /* "false" twice: the longer word */
    mr_event_kinesis_begin(&sample);
    mr_event_kinesis_end(event, &sample, event->tumbling_ms > 0 ? &window : NULL);
    return sample.size;
}
