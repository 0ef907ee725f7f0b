#include "internal.h"

struct mr_iter
mr_records(struct mr_ctx *ctx)
{
    struct mr_iter records = { .ctx = ctx };
    struct mr_str list = mr_find(ctx->event, "Records");
    records.reader = mr_read(list);
    if (mr_read_peek(&records.reader) != MR_KIND_ARRAY || !mr_read_enter(&records.reader)) {
        records.bad = true;
    }
    return records;
}

/* The next record's text; false at the end, and for an event that is cut or wrong. */
static bool
next_record(struct mr_iter *records)
{
    if (records->bad || records->state == 2) {
        return false;
    }
    if (!mr_read_element(&records->reader)) {
        records->bad = records->reader.bad;
        records->state = 2;
        return false;
    }
    records->index = records->state == 0 ? 0 : records->index + 1;
    records->state = 1;
    return true;
}

/*
 * Records are read in one pass: each member of the object goes to `take`, which takes or
 * skips its value.
 */
typedef void(take_fn)(struct mr_iter *records, struct mr_str key, void *record);

static bool
walk(struct mr_iter *records, take_fn *take, void *record)
{
    struct mr_reader *reader = &records->reader;
    const char *begin;
    if (!next_record(records)) {
        return false;
    }
    if (mr_read_peek(reader) != MR_KIND_OBJECT) {
        records->bad = true;
        return false;
    }
    begin = reader->cursor;
    struct mr_str key;
    mr_read_enter(reader);
    while (mr_read_key(reader, &key)) {
        take(records, key, record);
    }
    records->current = (struct mr_str){ begin, (size_t)(reader->cursor - begin) };
    records->bad = reader->bad;
    return !records->bad;
}

static struct mr_str
text_value(struct mr_iter *records)
{
    if (mr_read_peek(&records->reader) != MR_KIND_STRING) {
        mr_read_skip(&records->reader);
        return (struct mr_str){ NULL, 0 };
    }
    return mr_read_string(records->ctx, &records->reader);
}

static double
number_value(struct mr_iter *records)
{
    double value = 0;
    if (mr_read_peek(&records->reader) == MR_KIND_NUMBER) {
        mr_read_f64(&records->reader, &value);
    } else {
        mr_read_skip(&records->reader);
    }
    return value;
}

/* ---- Kinesis ---- */

static void
take_kinesis_inner(struct mr_iter *records, struct mr_kinesis *record)
{
    struct mr_reader *reader = &records->reader;
    struct mr_str key;
    if (mr_read_peek(reader) != MR_KIND_OBJECT) {
        mr_read_skip(reader);
        return;
    }
    mr_read_enter(reader);
    while (mr_read_key(reader, &key)) {
        if (mr_str_eq(key, MR_STR("data"))) {
            record->data_base64 = text_value(records);
        } else if (mr_str_eq(key, MR_STR("sequenceNumber"))) {
            record->sequence_number = text_value(records);
        } else if (mr_str_eq(key, MR_STR("partitionKey"))) {
            record->partition_key = text_value(records);
        } else if (mr_str_eq(key, MR_STR("approximateArrivalTimestamp"))) {
            record->arrival_time = number_value(records);
        } else {
            mr_read_skip(reader);
        }
    }
}

static void
take_kinesis(struct mr_iter *records, struct mr_str key, void *context)
{
    struct mr_kinesis *record = context;
    if (mr_str_eq(key, MR_STR("kinesis"))) {
        take_kinesis_inner(records, record);
    } else if (mr_str_eq(key, MR_STR("eventID"))) {
        record->event_id = text_value(records);
    } else if (mr_str_eq(key, MR_STR("eventSourceARN"))) {
        record->event_source_arn = text_value(records);
    } else {
        mr_read_skip(&records->reader);
    }
}

bool
mr_kinesis_next(struct mr_iter *records, struct mr_kinesis *out_record)
{
    struct mr_kinesis record = { 0 };
    if (!walk(records, take_kinesis, &record)) {
        return false;
    }
    if (record.event_id.data != NULL) {
        const char *colon = memchr(record.event_id.data, ':', record.event_id.size);
        if (colon != NULL) {
            record.shard_id =
                (struct mr_str){ record.event_id.data, (size_t)(colon - record.event_id.data) };
        }
    }
    *out_record = record;
    return true;
}

struct mr_str
mr_kinesis_data(struct mr_ctx *ctx, const struct mr_kinesis *record)
{
    return mr_base64(ctx, record->data_base64);
}

/* ---- DynamoDB ---- */

static void
take_dynamodb_inner(struct mr_iter *records, struct mr_dynamodb *record)
{
    struct mr_reader *reader = &records->reader;
    struct mr_str key;
    if (mr_read_peek(reader) != MR_KIND_OBJECT) {
        mr_read_skip(reader);
        return;
    }
    mr_read_enter(reader);
    while (mr_read_key(reader, &key)) {
        if (mr_str_eq(key, MR_STR("Keys"))) {
            record->keys = mr_read_raw(reader);
        } else if (mr_str_eq(key, MR_STR("NewImage"))) {
            record->new_image = mr_read_raw(reader);
        } else if (mr_str_eq(key, MR_STR("OldImage"))) {
            record->old_image = mr_read_raw(reader);
        } else if (mr_str_eq(key, MR_STR("SequenceNumber"))) {
            record->sequence_number = text_value(records);
        } else if (mr_str_eq(key, MR_STR("SizeBytes"))) {
            record->size_bytes = (int64_t)number_value(records);
        } else if (mr_str_eq(key, MR_STR("ApproximateCreationDateTime"))) {
            record->creation_time = number_value(records);
        } else {
            mr_read_skip(reader);
        }
    }
}

static enum mr_dynamodb_event
dynamodb_event(struct mr_str name)
{
    return mr_str_eq(name, MR_STR("MODIFY"))   ? MR_DYNAMODB_MODIFY
           : mr_str_eq(name, MR_STR("REMOVE")) ? MR_DYNAMODB_REMOVE
                                               : MR_DYNAMODB_INSERT;
}

static void
take_dynamodb(struct mr_iter *records, struct mr_str key, void *context)
{
    struct mr_dynamodb *record = context;
    if (mr_str_eq(key, MR_STR("dynamodb"))) {
        take_dynamodb_inner(records, record);
    } else if (mr_str_eq(key, MR_STR("eventID"))) {
        record->event_id = text_value(records);
    } else if (mr_str_eq(key, MR_STR("eventName"))) {
        record->event = dynamodb_event(text_value(records));
    } else if (mr_str_eq(key, MR_STR("eventSourceARN"))) {
        record->event_source_arn = text_value(records);
    } else if (mr_str_eq(key, MR_STR("userIdentity"))) {
        struct mr_str identity = mr_read_raw(&records->reader);
        struct mr_str principal = mr_text(records->ctx, mr_find(identity, "principalId"));
        record->is_ttl_delete = mr_str_eq(principal, MR_STR("dynamodb.amazonaws.com"));
    } else {
        mr_read_skip(&records->reader);
    }
}

bool
mr_dynamodb_next(struct mr_iter *records, struct mr_dynamodb *out_record)
{
    struct mr_dynamodb record = { 0 };
    if (!walk(records, take_dynamodb, &record)) {
        return false;
    }
    record.is_ttl_delete = record.is_ttl_delete && record.event == MR_DYNAMODB_REMOVE;
    *out_record = record;
    return true;
}

/* ---- SQS ---- */

static int64_t
digits(struct mr_str raw_string)
{
    int64_t value = 0;
    for (size_t i = 1; i + 1 < raw_string.size && i < 19; i++) {
        value = value * 10 + (raw_string.data[i] - '0');
    }
    return value;
}

static void
take_sqs(struct mr_iter *records, struct mr_str key, void *context)
{
    struct mr_sqs *record = context;
    if (mr_str_eq(key, MR_STR("messageId"))) {
        record->message_id = text_value(records);
    } else if (mr_str_eq(key, MR_STR("receiptHandle"))) {
        record->receipt_handle = text_value(records);
    } else if (mr_str_eq(key, MR_STR("body"))) {
        record->body = text_value(records);
    } else if (mr_str_eq(key, MR_STR("eventSourceARN"))) {
        record->event_source_arn = text_value(records);
    } else if (mr_str_eq(key, MR_STR("attributes"))) {
        record->attributes = mr_read_raw(&records->reader);
        record->group_id = mr_text(records->ctx, mr_find(record->attributes, "MessageGroupId"));
        record->sent_ms = digits(mr_find(record->attributes, "SentTimestamp"));
        record->receive_count = digits(mr_find(record->attributes, "ApproximateReceiveCount"));
    } else {
        mr_read_skip(&records->reader);
    }
}

bool
mr_sqs_next(struct mr_iter *records, struct mr_sqs *out_record)
{
    struct mr_sqs record = { 0 };
    if (!walk(records, take_sqs, &record)) {
        return false;
    }
    *out_record = record;
    return true;
}

/* ---- which service ---- */

enum mr_source
mr_event_source(const struct mr_ctx *ctx)
{
    static const struct {
        const char *name;
        enum mr_source source;
    } names[] = {
        { "\"aws:kinesis\"", MR_SOURCE_KINESIS },
        { "\"aws:dynamodb\"", MR_SOURCE_DYNAMODB },
        { "\"aws:sqs\"", MR_SOURCE_SQS },
        { "\"aws:sns\"", MR_SOURCE_SNS },
        { "\"aws:s3\"", MR_SOURCE_S3 },
        { "\"aws:kafka\"", MR_SOURCE_KAFKA },
        { "\"SelfManagedKafka\"", MR_SOURCE_KAFKA },
    };
    struct mr_str source = mr_find(ctx->event, "Records[0].eventSource");
    if (source.data == NULL) {
        source = mr_find(ctx->event, "Records[0].EventSource"); /* SNS spells it so */
    }
    if (source.data == NULL) {
        source = mr_find(ctx->event, "eventSource");
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (mr_str_eq(source, mr_str_z(names[i].name))) {
            return names[i].source;
        }
    }
    return MR_SOURCE_UNKNOWN;
}
