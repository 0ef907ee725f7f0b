/*
 * queue_message: messages as SQS gives them, and as a handler's event has them.
 *
 * The order of members and what is left out are AWS's, recorded there.
 */
#ifndef MR_POLLER_QUEUE_MESSAGE_H
#define MR_POLLER_QUEUE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Text in the arena it was read into. `raw` members are JSON as it stood. */
struct mr_queue_message {
    struct mr_slice id, receipt_handle;
    struct mr_slice body; /* unescaped */
    struct mr_slice raw_body, raw_md5_of_body, raw_md5_of_attributes;
    struct mr_slice raw_attributes, raw_message_attributes; /* objects; absent: none */
    uint64_t sent_ms;                                       /* 0: not told */
};

/*
 * ReceiveMessage of the JSON protocol; copies the answer. Returns how many messages; -EBADMSG
 * when it is not such an answer.
 */
int mr_queue_answer_messages(struct mr_slice body, struct mr_arena *arena,
                             struct mr_queue_message **out_messages,
                             struct mr_error *err) MR_MUST_USE;

struct mr_queue_event {
    struct mr_slice queue_arn, region;
    bool has_window; /* of batching: then a missing digest is null instead of absent */
};

/* Append the message as the event has it, without a comma. */
void mr_queue_message_write(struct mr_buf *buf, const struct mr_queue_message *message,
                            const struct mr_queue_event *event);
/* The same as filters see it: a body that is a JSON object or array is one. */
void mr_queue_message_write_for_filter(struct mr_buf *buf,
                                       const struct mr_queue_message *message,
                                       const struct mr_queue_event *event);

/* Which messages of a batch does a handler's answer leave failed? */
typedef struct mr_slice(mr_queue_id_fn)(size_t index, void *context);

/*
 * Sets failed[i] for what {"batchItemFailures":[{"itemIdentifier":ID}]} names. False: the
 * answer fails the whole batch (an item that is none, an id that is not in the batch).
 */
bool mr_queue_answer_failures(struct mr_slice payload, size_t count, mr_queue_id_fn *id_of,
                              void *context, bool *failed);

#endif
