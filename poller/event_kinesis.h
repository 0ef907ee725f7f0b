/*
 * event_kinesis: the event a handler sees for a batch of Kinesis records.
 *
 * Written once, straight into one buffer, members in AWS's order. What is the same for every
 * record of a shard is prepared when the writer is made, and a record's size in the event is
 * known, to the byte, before it is written: the batch's 6 MB are counted with it.
 */
#ifndef MR_POLLER_EVENT_KINESIS_H
#define MR_POLLER_EVENT_KINESIS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/buf.h"
#include "poller/record.h"

struct mr_event_kinesis;

struct mr_event_kinesis_options {
    struct mr_slice shard_id;
    struct mr_slice source_arn; /* the stream's, or with enhanced fan-out the consumer's */
    struct mr_slice role_arn;   /* the function's execution role */
    struct mr_slice region;
    uint64_t tumbling_ms; /* 0: no window */
    bool whole_records;   /* a record's data is its text in the event: DynamoDB's */
};

/* What a tumbling window adds. */
struct mr_event_window {
    uint64_t start_ms;     /* aligned to the window's size */
    uint64_t size_ms;      /* 0: the writer's */
    struct mr_slice state; /* raw JSON */
    bool is_final, early;
};

/* Text is copied and escaped. Never NULL. */
struct mr_event_kinesis *mr_event_kinesis_new(const struct mr_event_kinesis_options *options);
void mr_event_kinesis_free(struct mr_event_kinesis *event);
MR_AUTO_DEFINE(struct mr_event_kinesis, mr_event_kinesis_free)

/* Bytes of this record in an event, without a comma. */
size_t mr_event_kinesis_record_size(const struct mr_event_kinesis *event,
                                    const struct mr_record *record);
/* Bytes of an event without records; with a window, without its state. */
size_t mr_event_kinesis_envelope_size(const struct mr_event_kinesis *event);

/* Append the parts: begin, each record, end. */
void mr_event_kinesis_begin(struct mr_buf *buf);
void mr_event_kinesis_record(const struct mr_event_kinesis *event, struct mr_buf *buf,
                             const struct mr_record *record, bool is_first);
/* `window` NULL without tumbling windows. */
void mr_event_kinesis_end(const struct mr_event_kinesis *event, struct mr_buf *buf,
                          const struct mr_event_window *window);

#endif
