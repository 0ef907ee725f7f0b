#include "harness/generate_event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aws/base64.h"
#include "base/json_writer.h"
#include "base/random.h"
#include "poller/event_kinesis.h"
#include "stream/hash_key.h"
#include "stream/sequence_number.h"

enum { MAX_KEYS = 8, SHARD = 0, SEQUENCE_STEP = 2 };

static const uint64_t NOW_MS = 1767225600000; /* 2026-01-01T00:00:00Z */
static const uint64_t WINDOW_MS = 60000;      /* where the mapping does not say */
static const uint64_t RECORD_EVERY_MS = 10;   /* between arrivals */

/* What the writers share. */
struct maker {
    const struct mr_template_model *model;
    const struct mr_template_mapping *mapping;
    const struct mr_template_function *function; /* or NULL */
    struct mr_generate_event how;                /* defaults filled in */
    struct mr_buf *out;
};

/* ---- which mapping ---- */

static bool
is_called(const struct mr_template_mapping *mapping, const char *name)
{
    const char *function = mapping->function_logical_id;
    const char *dot = strchr(name, '.');
    if (strcmp(mapping->logical_id, name) == 0) {
        return true;
    }
    if (function == NULL) {
        return false;
    }
    if (dot == NULL) {
        return strcmp(function, name) == 0;
    }
    return mapping->event_name != NULL && strcmp(mapping->event_name, dot + 1) == 0 &&
           strlen(function) == (size_t)(dot - name) &&
           strncmp(function, name, (size_t)(dot - name)) == 0;
}

const struct mr_template_mapping *
mr_generate_mapping(const struct mr_template *tpl, const char *name, struct mr_error *err)
{
    const struct mr_template_model *model = mr_template_model_of(tpl);
    const struct mr_template_mapping *found = NULL;
    mr_auto_buf struct mr_buf known = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < model->mapping_count; i++) {
        const struct mr_template_mapping *mapping = &model->mappings[i];
        if (is_called(mapping, name)) {
            found = mapping;
            count++;
        }
        mr_buf_printf(&known, "%s%s", i == 0 ? "" : ", ", mapping->logical_id);
    }
    if (count == 1) {
        return found;
    }
    mr_fail(err, -ENOENT, "\"%.60s\" names %s mapping of the template; there is %.120s", name,
            count == 0 ? "no" : "more than one",
            known.size == 0 ? "none" : mr_buf_cstr(&known));
    return NULL;
}

/* ---- records ---- */

void
mr_generate_data(struct mr_slice data, uint64_t n, struct mr_buf *out)
{
    const uint8_t *mark;
    while ((mark = memmem(data.data, data.size, "${n}", 4)) != NULL) {
        size_t before = (size_t)(mark - data.data);
        mr_buf_append_slice(out, mr_slice_first(data, before));
        mr_buf_printf(out, "%llu", (unsigned long long)n);
        data = mr_slice_from(data, before + 4);
    }
    mr_buf_append_slice(out, data);
}

/* The `index`th key, "key-N", whose records go to the first of `shards` shards. */
static void
find_key(size_t index, uint32_t shards, char out_key[32])
{
    mr_hash_key start, end;
    size_t found = 0;
    mr_hash_key_range(SHARD, shards, &start, &end);
    for (size_t n = 1;; n++) {
        int size = snprintf(out_key, 32, "key-%zu", n);
        mr_hash_key key = mr_hash_key_of(mr_slice_of(out_key, (size_t)size));
        if (key >= start && key <= end && found++ == index) {
            return;
        }
    }
}

static const struct mr_template_stream *
find_stream(const struct maker *maker)
{
    struct mr_slice arn = mr_slice_str(maker->mapping->source_arn);
    for (size_t i = 0; i < maker->model->stream_count; i++) {
        const struct mr_template_stream *stream = &maker->model->streams[i];
        if (mr_slice_starts_with(arn, mr_slice_str(stream->arn))) {
            return stream;
        }
    }
    return NULL;
}

static uint64_t
arrival_ms(const struct maker *maker, size_t n)
{
    return maker->how.now_ms + n * RECORD_EVERY_MS;
}

/* ---- Kinesis ---- */

static struct mr_event_window
window_of(const struct maker *maker)
{
    return (struct mr_event_window){
        .start_ms = maker->how.now_ms / WINDOW_MS * WINDOW_MS,
        .state = MR_SLICE("{}"),
    };
}

static void
write_kinesis(const struct maker *maker)
{
    const struct mr_template_stream *stream = find_stream(maker);
    uint32_t shards = stream == NULL ? 1 : (uint32_t)stream->shard_count;
    char shard[MR_SHARD_ID_TEXT_SIZE], role[300];
    mr_shard_id_print(SHARD, shard);
    snprintf(role, sizeof(role), "arn:aws:iam::%s:role/%s-role", maker->model->account_id,
             maker->function == NULL ? "function" : maker->function->name);
    struct mr_event_kinesis_options options = {
        .shard_id = mr_slice_str(shard),
        .source_arn = mr_slice_str(maker->mapping->source_arn),
        .role_arn = mr_slice_str(role),
        .region = mr_slice_str(maker->model->region),
        .tumbling_ms = maker->how.window ? WINDOW_MS : 0,
    };
    mr_auto(mr_event_kinesis_free) struct mr_event_kinesis *event =
        mr_event_kinesis_new(&options);
    mr_event_kinesis_begin(maker->out);
    for (size_t n = 0; n < maker->how.records; n++) {
        mr_auto_buf struct mr_buf data = { 0 }, text = { 0 };
        char key[32], sequence[MR_SEQUENCE_TEXT_SIZE];
        uint64_t at_ms = arrival_ms(maker, n);
        struct mr_sequence_number number = mr_sequence_of(
            maker->how.now_ms / 1000 - 3600, SHARD, (n + 1) * SEQUENCE_STEP, at_ms / 1000);
        find_key(n % maker->how.keys, shards, key);
        mr_generate_data(maker->how.data, n + 1, &data);
        mr_base64_append(&text, mr_buf_slice(&data));
        struct mr_record record = {
            .sequence_number = mr_slice_of(sequence, mr_sequence_print(&number, sequence)),
            .partition_key = mr_slice_str(key),
            .data = mr_buf_slice(&text),
            .arrival_ms = at_ms,
        };
        mr_event_kinesis_record(event, maker->out, &record, n == 0);
    }
    struct mr_event_window window = window_of(maker);
    mr_event_kinesis_end(event, maker->out, maker->how.window ? &window : NULL);
}

/* ---- DynamoDB ---- */

static void
write_image(struct mr_json_writer *json, const struct maker *maker, const char *name, size_t n,
            bool old)
{
    mr_auto_buf struct mr_buf data = { 0 };
    char key[32];
    mr_generate_data(maker->how.data, old ? n : n + 1, &data);
    snprintf(key, sizeof(key), "key-%zu", n % maker->how.keys + 1);
    mr_json_key(json, name);
    mr_json_begin_object(json);
    mr_json_key(json, "id");
    mr_json_begin_object(json);
    mr_json_member_str(json, "S", key);
    mr_json_end_object(json);
    if (strcmp(name, "Keys") != 0) {
        mr_json_key(json, "data");
        mr_json_begin_object(json);
        mr_json_member_string(json, "S", mr_buf_slice(&data));
        mr_json_end_object(json);
    }
    mr_json_end_object(json);
}

static const char *
view_type(const struct maker *maker)
{
    for (size_t i = 0; i < maker->model->table_count; i++) {
        const struct mr_template_table *table = &maker->model->tables[i];
        if (table->stream_arn != NULL && maker->mapping->source_arn != NULL &&
            strcmp(table->stream_arn, maker->mapping->source_arn) == 0) {
            return table->stream_view_type;
        }
    }
    return "NEW_AND_OLD_IMAGES";
}

static void
write_change(struct mr_json_writer *json, const struct maker *maker, size_t n)
{
    const char *view = view_type(maker);
    bool both = strcmp(view, "NEW_AND_OLD_IMAGES") == 0;
    mr_json_key(json, "dynamodb");
    mr_json_begin_object(json);
    mr_json_key(json, "ApproximateCreationDateTime");
    mr_buf_printf(maker->out, "%llu.0", (unsigned long long)arrival_ms(maker, n) / 1000);
    json->comma = true;
    write_image(json, maker, "Keys", n, false);
    if ((both || strcmp(view, "NEW_IMAGE") == 0) && maker->how.shape != MR_SHAPE_REMOVE) {
        write_image(json, maker, "NewImage", n, false);
    }
    if ((both || strcmp(view, "OLD_IMAGE") == 0) && maker->how.shape != MR_SHAPE_INSERT) {
        write_image(json, maker, "OldImage", n, true);
    }
    mr_json_key(json, "SequenceNumber");
    mr_buf_printf(maker->out, "\"%llu\"", 100000000000000000ULL + (n + 1) * 1000);
    json->comma = true;
    mr_json_member_i64(json, "SizeBytes", 32);
    mr_json_member_str(json, "StreamViewType", view);
    mr_json_end_object(json);
}

static void
write_time(struct mr_json_writer *json, const char *name, uint64_t ms)
{
    char text[40];
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    mr_json_member_str(json, name, text);
}

static void
write_window(struct mr_json_writer *json, const struct maker *maker)
{
    struct mr_event_window window = window_of(maker);
    mr_json_member_str(json, "shardId", "shardId-00000001767225600000-00000001");
    mr_json_member_str(json, "eventSourceARN", maker->mapping->source_arn);
    mr_json_key(json, "window");
    mr_json_begin_object(json);
    write_time(json, "start", window.start_ms);
    write_time(json, "end", window.start_ms + WINDOW_MS);
    mr_json_end_object(json);
    mr_json_key(json, "state");
    mr_json_put_raw(json, window.state);
    mr_json_member_bool(json, "isFinalInvokeForWindow", false);
    mr_json_member_bool(json, "isWindowTerminatedEarly", false);
}

static void
write_dynamodb(const struct maker *maker)
{
    static const char *const names[] = { "INSERT", "MODIFY", "REMOVE" };
    struct mr_json_writer json = mr_json_writer_on(maker->out);
    mr_json_begin_object(&json);
    mr_json_key(&json, "Records");
    mr_json_begin_array(&json);
    for (size_t n = 0; n < maker->how.records; n++) {
        char id[33];
        snprintf(id, sizeof(id), "%032zx", n + 1);
        mr_json_begin_object(&json);
        mr_json_member_str(&json, "eventID", id);
        mr_json_member_str(&json, "eventName", names[maker->how.shape]);
        mr_json_member_str(&json, "eventVersion", "1.1");
        mr_json_member_str(&json, "eventSource", "aws:dynamodb");
        mr_json_member_str(&json, "awsRegion", maker->model->region);
        write_change(&json, maker, n);
        mr_json_member_str(&json, "eventSourceARN", maker->mapping->source_arn);
        mr_json_end_object(&json);
    }
    mr_json_end_array(&json);
    if (maker->how.window) {
        write_window(&json, maker);
    }
    mr_json_end_object(&json);
}

/* ---- SQS ---- */

static void
write_message(struct mr_json_writer *json, const struct maker *maker, size_t n,
              struct mr_random *random)
{
    char uuid[MR_UUID_SIZE], sent[24];
    mr_auto_buf struct mr_buf body = { 0 };
    mr_random_uuid(random, uuid);
    mr_generate_data(maker->how.data, n + 1, &body);
    snprintf(sent, sizeof(sent), "%llu", (unsigned long long)arrival_ms(maker, n));
    mr_json_begin_object(json);
    mr_json_member_str(json, "messageId", uuid);
    mr_json_member_str(json, "receiptHandle", uuid);
    mr_json_member_string(json, "body", mr_buf_slice(&body));
    mr_json_key(json, "attributes");
    mr_json_begin_object(json);
    mr_json_member_str(json, "ApproximateReceiveCount", "1");
    mr_json_member_str(json, "SentTimestamp", sent);
    mr_json_member_str(json, "SenderId", maker->model->account_id);
    mr_json_member_str(json, "ApproximateFirstReceiveTimestamp", sent);
    mr_json_end_object(json);
    mr_json_key(json, "messageAttributes");
    mr_json_begin_object(json);
    mr_json_end_object(json);
    char digest[MR_HASH_KEY_TEXT_SIZE];
    mr_hash_key md5 = mr_hash_key_of(mr_buf_slice(&body)); /* MD5 is what a hash key is */
    snprintf(digest, sizeof(digest), "%016llx%016llx", (unsigned long long)(md5 >> 64),
             (unsigned long long)md5);
    mr_json_member_str(json, "md5OfBody", digest);
    mr_json_member_str(json, "eventSource", "aws:sqs");
    mr_json_member_str(json, "eventSourceARN", maker->mapping->source_arn);
    mr_json_member_str(json, "awsRegion", maker->model->region);
    mr_json_end_object(json);
}

static void
write_sqs(const struct maker *maker)
{
    struct mr_json_writer json = mr_json_writer_on(maker->out);
    struct mr_random random;
    mr_random_init_seed(&random, 1);
    mr_json_begin_object(&json);
    mr_json_key(&json, "Records");
    mr_json_begin_array(&json);
    for (size_t n = 0; n < maker->how.records; n++) {
        write_message(&json, maker, n, &random);
    }
    mr_json_end_array(&json);
    mr_json_end_object(&json);
}

/* ---- all of it ---- */

static const struct mr_template_function *
find_function(const struct mr_template_model *model, const char *logical_id)
{
    for (size_t i = 0; logical_id != NULL && i < model->function_count; i++) {
        if (strcmp(model->functions[i].logical_id, logical_id) == 0) {
            return &model->functions[i];
        }
    }
    return NULL;
}

static struct mr_generate_event
with_defaults(const struct mr_generate_event *how)
{
    struct mr_generate_event all = *how;
    all.records = all.records == 0 ? 1 : all.records;
    if (all.keys == 0) {
        all.keys = all.records < MAX_KEYS ? all.records : MAX_KEYS;
    }
    all.data = all.data.data == NULL ? MR_SLICE("{\"n\":${n}}") : all.data;
    all.now_ms = all.now_ms == 0 ? NOW_MS : all.now_ms;
    return all;
}

int
mr_generate_event(const struct mr_template *tpl, const char *name,
                  const struct mr_generate_event *how, struct mr_buf *out, struct mr_error *err)
{
    const struct mr_template_mapping *mapping = mr_generate_mapping(tpl, name, err);
    if (mapping == NULL) {
        return err->code;
    }
    struct maker maker = {
        .model = mr_template_model_of(tpl),
        .mapping = mapping,
        .how = with_defaults(how),
        .out = out,
    };
    maker.function = find_function(maker.model, mapping->function_logical_id);
    switch (mapping->source) {
    case MR_TEMPLATE_KINESIS:
        write_kinesis(&maker);
        return 0;
    case MR_TEMPLATE_DYNAMODB:
        write_dynamodb(&maker);
        return 0;
    case MR_TEMPLATE_SQS:
        write_sqs(&maker);
        return 0;
    default:
        return mr_fail(err, -ENOTSUP,
                       "%s reads %s: events are made for Kinesis, DynamoDB and SQS",
                       mapping->logical_id, mr_template_source_name(mapping->source));
    }
}
