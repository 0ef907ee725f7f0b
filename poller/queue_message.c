#include "poller/queue_message.h"

#include <errno.h>
#include <string.h>

#include "base/json_reader.h"
#include "base/json_writer.h"

enum { MAX_MESSAGES = 10 }; /* of one ReceiveMessage */

/* ---- reading ---- */

static void
read_sent(struct mr_queue_message *message)
{
    struct mr_json json = mr_json_of(message->raw_attributes);
    struct mr_slice key, raw;
    if (mr_json_peek(&json) != MR_JSON_OBJECT) {
        return;
    }
    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "SentTimestamp") || !mr_json_string_raw(&json, &raw)) {
            (void)mr_json_skip(&json);
        } else {
            (void)mr_slice_to_u64(raw, &message->sent_ms);
        }
    }
}

static bool
read_message(struct mr_json *json, struct mr_arena *arena, struct mr_queue_message *message)
{
    struct mr_slice key, ignored;
    *message = (struct mr_queue_message){ 0 };
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        bool is_text = mr_slice_is(key, "MessageId") || mr_slice_is(key, "ReceiptHandle");
        struct mr_slice *place =
            mr_slice_is(key, "MessageId")                ? &message->id
            : mr_slice_is(key, "ReceiptHandle")          ? &message->receipt_handle
            : mr_slice_is(key, "Body")                   ? &message->raw_body
            : mr_slice_is(key, "MD5OfBody")              ? &message->raw_md5_of_body
            : mr_slice_is(key, "MD5OfMessageAttributes") ? &message->raw_md5_of_attributes
            : mr_slice_is(key, "Attributes")             ? &message->raw_attributes
            : mr_slice_is(key, "MessageAttributes")      ? &message->raw_message_attributes
                                                         : &ignored;
        if (is_text ? !mr_json_string(json, arena, place) : !mr_json_raw(json, place)) {
            return false;
        }
    }
    struct mr_json body = mr_json_of(message->raw_body);
    read_sent(message);
    return !json->bad && message->id.size > 0 && message->receipt_handle.size > 0 &&
           mr_json_string(&body, arena, &message->body);
}

static int
read_messages(struct mr_json *json, struct mr_arena *arena, struct mr_queue_message *messages)
{
    int count = 0;
    if (mr_json_peek(json) == MR_JSON_NULL) {
        return mr_json_null(json) ? 0 : -1;
    }
    if (mr_json_peek(json) != MR_JSON_ARRAY || !mr_json_enter(json)) {
        return -1;
    }
    while (mr_json_next_element(json)) {
        if (count == MAX_MESSAGES || !read_message(json, arena, &messages[count++])) {
            return -1;
        }
    }
    return json->bad ? -1 : count;
}

int
mr_queue_answer_messages(struct mr_slice body, struct mr_arena *arena,
                         struct mr_queue_message **out_messages, struct mr_error *err)
{
    struct mr_queue_message *messages = mr_arena_alloc(arena, MAX_MESSAGES * sizeof(*messages));
    struct mr_json json = mr_json_of(mr_arena_copy(arena, body));
    struct mr_slice key;
    int count = 0;
    bool good = mr_json_peek(&json) == MR_JSON_OBJECT && mr_json_enter(&json);

    while (good && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "Messages")) {
            count = read_messages(&json, arena, messages);
            good = count >= 0;
        } else {
            good = mr_json_skip(&json);
        }
    }
    if (!good || !mr_json_done(&json)) {
        return mr_fail(err, -EBADMSG, "the queue sent messages that we cannot read");
    }
    *out_messages = messages;
    return count;
}

/* ---- writing ---- */

static void
member_raw(struct mr_json_writer *json, struct mr_slice raw_key, struct mr_slice raw)
{
    mr_json_key_slice(json, raw_key); /* AWS's names need no escaping */
    mr_json_put_raw(json, raw);
}

/* Which of the names that come first it is; COUNT: another one. */
enum { FIRST_NAMES = 4 };
static size_t
rank_of(struct mr_slice name)
{
    static const char *const first[FIRST_NAMES] = { "ApproximateReceiveCount", "SentTimestamp",
                                                    "SenderId",
                                                    "ApproximateFirstReceiveTimestamp" };
    size_t rank = 0;
    while (rank < FIRST_NAMES && !mr_slice_is(name, first[rank])) {
        rank++;
    }
    return rank;
}

static void
write_attributes(struct mr_json_writer *out, struct mr_slice raw)
{
    struct mr_slice key, value;
    mr_json_key(out, "attributes");
    mr_json_begin_object(out);
    for (size_t rank = 0; rank <= FIRST_NAMES && raw.size > 0; rank++) {
        struct mr_json json = mr_json_of(raw);
        (void)mr_json_enter(&json);
        while (mr_json_next_key(&json, &key) && mr_json_raw(&json, &value)) {
            if (rank_of(key) == rank) {
                member_raw(out, key, value);
            }
        }
    }
    mr_json_end_object(out);
}

/* {"DataType":"Number","StringValue":"6"} → {"stringValue":"6",..,"dataType":"Number"} */
static void
write_attribute(struct mr_json_writer *out, struct mr_slice raw)
{
    struct mr_json json = mr_json_of(raw);
    struct mr_slice key, value, type = { NULL, 0 };
    mr_json_begin_object(out);
    if (mr_json_peek(&json) == MR_JSON_OBJECT) {
        (void)mr_json_enter(&json);
        while (mr_json_next_key(&json, &key) && mr_json_raw(&json, &value)) {
            if (mr_slice_is(key, "DataType")) {
                type = value;
            } else if (mr_slice_is(key, "StringValue") || mr_slice_is(key, "BinaryValue")) {
                mr_json_key(out, key.data[0] == 'S' ? "stringValue" : "binaryValue");
                mr_json_put_raw(out, value);
            }
        }
    }
    mr_json_key(out, "stringListValues");
    mr_json_put_raw(out, MR_SLICE("[]"));
    mr_json_key(out, "binaryListValues");
    mr_json_put_raw(out, MR_SLICE("[]"));
    if (type.data != NULL) {
        mr_json_key(out, "dataType");
        mr_json_put_raw(out, type);
    }
    mr_json_end_object(out);
}

static void
write_message_attributes(struct mr_json_writer *out, struct mr_slice raw)
{
    struct mr_json json = mr_json_of(raw);
    struct mr_slice key, value;
    mr_json_key(out, "messageAttributes");
    mr_json_begin_object(out);
    if (mr_json_peek(&json) == MR_JSON_OBJECT) {
        (void)mr_json_enter(&json);
        while (mr_json_next_key(&json, &key) && mr_json_raw(&json, &value)) {
            mr_json_key_slice(out, key);
            write_attribute(out, value);
        }
    }
    mr_json_end_object(out);
}

static void
write_message(struct mr_buf *buf, const struct mr_queue_message *message, struct mr_slice body,
              const struct mr_queue_event *event)
{
    struct mr_json_writer json = mr_json_writer_on(buf);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "messageId", message->id);
    mr_json_member_string(&json, "receiptHandle", message->receipt_handle);
    mr_json_key(&json, "body");
    mr_json_put_raw(&json, body);
    write_attributes(&json, message->raw_attributes);
    write_message_attributes(&json, message->raw_message_attributes);
    if (message->raw_md5_of_attributes.data != NULL) {
        member_raw(&json, MR_SLICE("md5OfMessageAttributes"), message->raw_md5_of_attributes);
    } else if (event->has_window) {
        member_raw(&json, MR_SLICE("md5OfMessageAttributes"), MR_SLICE("null"));
    }
    if (message->raw_md5_of_body.data != NULL) {
        member_raw(&json, MR_SLICE("md5OfBody"), message->raw_md5_of_body);
    }
    mr_json_member_str(&json, "eventSource", "aws:sqs");
    mr_json_member_string(&json, "eventSourceARN", event->queue_arn);
    mr_json_member_string(&json, "awsRegion", event->region);
    mr_json_end_object(&json);
}

void
mr_queue_message_write(struct mr_buf *buf, const struct mr_queue_message *message,
                       const struct mr_queue_event *event)
{
    write_message(buf, message, message->raw_body, event);
}

void
mr_queue_message_write_for_filter(struct mr_buf *buf, const struct mr_queue_message *message,
                                  const struct mr_queue_event *event)
{
    struct mr_slice text = mr_slice_trim(message->body);
    bool is_json =
        text.size > 0 && (text.data[0] == '{' || text.data[0] == '[') && mr_json_valid(text);
    write_message(buf, message, is_json ? text : message->raw_body, event);
}

/* ---- the handler's answer ---- */

/* False: no item, or not one of the batch. An item without an identifier counts as none failed.
 */
static bool
read_item(struct mr_json *json, size_t count, mr_queue_id_fn *id_of, void *context,
          bool *failed)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice key, id;
    bool good = true;
    if (mr_json_peek(json) != MR_JSON_OBJECT) {
        (void)mr_json_skip(json);
        return false;
    }
    (void)mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        size_t i = 0;
        if (!mr_slice_is(key, "itemIdentifier") || !mr_json_string(json, &arena, &id)) {
            good = false;
            (void)mr_json_skip(json);
            continue;
        }
        while (i < count && !mr_slice_eq(id_of(i, context), id)) {
            i++;
        }
        good = good && i < count;
        if (i < count) {
            failed[i] = true;
        }
    }
    return good;
}

bool
mr_queue_answer_failures(struct mr_slice payload, size_t count, mr_queue_id_fn *id_of,
                         void *context, bool *failed)
{
    struct mr_json json = mr_json_of(payload);
    struct mr_slice key;
    bool good = true;

    memset(failed, 0, count * sizeof(*failed));
    if (mr_json_peek(&json) != MR_JSON_OBJECT) {
        return true; /* null, "", [], nothing: success */
    }
    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "batchItemFailures") || mr_json_peek(&json) == MR_JSON_NULL) {
            (void)mr_json_skip(&json);
        } else if (mr_json_peek(&json) != MR_JSON_ARRAY) {
            good = false;
            (void)mr_json_skip(&json);
        } else {
            (void)mr_json_enter(&json);
            while (mr_json_next_element(&json)) {
                good &= read_item(&json, count, id_of, context, failed);
            }
        }
    }
    return good && !json.bad;
}
