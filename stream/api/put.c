/*
 * put: PutRecord and PutRecords, from the body's bytes to sequence numbers.
 *
 * PutRecords reads its body in one pass, without a tree: a record is slices of the body and of
 * one buffer for decoded data. A body in which anything is unusual is read again the general
 * way, which knows how AWS would complain.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "stream/api/actions.h"
#include "stream/api/change.h"
#include "stream/api/constraint.h"
#include "stream/api/fault.h"
#include "stream/api/kinesis.h"
#include "stream/api/operation.h"
#include "stream/api/shards.h"
#include "stream/api/target.h"

/* One call's records, while the store has them. Outlives a caller who goes away. */
struct put {
    struct mr_call *call; /* NULL: nobody waits */
    bool single;          /* PutRecord */
    bool encrypted;
    size_t count; /* of the request */
    size_t sent;  /* to the store */
    int *refused; /* by a fault, before the store saw it: its code, else 0 */
    struct mr_put_result results[];
};

struct request {
    struct mr_slice stream_name, stream_arn;
    struct mr_put_record *records; /* in the arena */
    size_t count;
};

/* ---- reading PutRecords' body ---- */

/* Decodes into `*room`, which moves on. False: not plain base64. */
static bool
take_data(struct mr_input *input, uint8_t **room, struct mr_slice *out_data)
{
    struct mr_slice text;
    if (mr_input_peek(input) == MR_INPUT_BYTES) {
        return mr_input_bytes(input, out_data);
    }
    if (mr_input_peek(input) != MR_INPUT_STRING || !mr_input_string(input, &text)) {
        return false;
    }
    ssize_t size = mr_base64_decode(text, *room, NULL);
    if (size < 0) {
        return false;
    }
    *out_data = mr_slice_of(*room, (size_t)size);
    *room += size;
    return true;
}

static bool
take_text(struct mr_input *input, struct mr_slice *out_text)
{
    return mr_input_peek(input) == MR_INPUT_STRING && mr_input_string(input, out_text);
}

/* 1 to 256 characters; a key of plain ASCII needs no counting. */
static bool
is_key(struct mr_slice key)
{
    if (key.size == 0 || key.size > 4 * MR_KINESIS_MAX_PARTITION_KEY_CHARS) {
        return false;
    }
    return key.size <= MR_KINESIS_MAX_PARTITION_KEY_CHARS ||
           mr_constraint_length(key) <= MR_KINESIS_MAX_PARTITION_KEY_CHARS;
}

static bool
take_record(struct mr_input *input, uint8_t **room, struct mr_put_record *record)
{
    struct mr_slice key, text;
    bool has_data = false;
    memset(record, 0, sizeof(*record));
    if (mr_input_peek(input) != MR_INPUT_OBJECT || !mr_input_enter(input)) {
        return false;
    }
    while (mr_input_next_key(input, &key)) {
        bool ok = true;
        if (mr_slice_is(key, "Data")) {
            ok = has_data = take_data(input, room, &record->data);
        } else if (mr_slice_is(key, "PartitionKey")) {
            ok = take_text(input, &record->partition_key);
        } else if (mr_slice_is(key, "ExplicitHashKey")) {
            ok = take_text(input, &text) && mr_hash_key_parse(text, &record->explicit_key);
            record->has_explicit_key = ok;
        } else {
            ok = mr_input_skip(input);
        }
        if (!ok) {
            return false;
        }
    }
    return has_data && is_key(record->partition_key);
}

static bool
take_records(struct mr_input *input, uint8_t **room, struct request *request)
{
    if (mr_input_peek(input) != MR_INPUT_LIST || !mr_input_enter(input)) {
        return false;
    }
    while (mr_input_next_element(input)) {
        if (request->count == MR_KINESIS_MAX_RECORDS_PER_PUT ||
            !take_record(input, room, &request->records[request->count])) {
            return false;
        }
        request->count++;
    }
    return request->count > 0;
}

/* Everything as it should be? If not, nothing is said: the general way will find out what. */
static bool
read_fast(struct mr_call *call, struct request *request)
{
    struct mr_input input;
    struct mr_slice key;
    uint8_t *room = mr_arena_alloc(call->arena, call->request->body.size);
    request->records = mr_arena_alloc(call->arena, MR_KINESIS_MAX_RECORDS_PER_PUT *
                                                       sizeof(request->records[0]));
    mr_input_init(&input, call->format, call->request->body, call->arena);
    if (mr_input_peek(&input) != MR_INPUT_OBJECT || !mr_input_enter(&input)) {
        return false;
    }
    while (mr_input_next_key(&input, &key)) {
        bool ok;
        if (mr_slice_is(key, "Records") && request->count == 0) {
            ok = take_records(&input, &room, request);
        } else if (mr_slice_is(key, "StreamName")) {
            ok = take_text(&input, &request->stream_name) &&
                 mr_shape_pattern_matches(MR_PATTERN_NAME, request->stream_name) &&
                 request->stream_name.size > 0 &&
                 request->stream_name.size <= MR_KINESIS_MAX_STREAM_NAME;
        } else if (mr_slice_is(key, "StreamARN")) {
            ok = take_text(&input, &request->stream_arn) &&
                 mr_shape_pattern_matches(MR_PATTERN_STREAM_ARN, request->stream_arn);
        } else {
            ok = mr_input_skip(&input);
        }
        if (!ok) {
            return false;
        }
    }
    return mr_input_done(&input) && request->count > 0;
}

/* ---- the general way ---- */

/* False: answered. */
static bool
take_hash_key(struct mr_call *call, struct mr_slice text, struct mr_put_record *record)
{
    if (text.data == NULL) {
        return true;
    }
    record->has_explicit_key = mr_hash_key_parse(text, &record->explicit_key);
    if (!record->has_explicit_key) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: "
                     "[0, 2^128-1]. Specified value was %.*s",
                     MR_SLICE_ARGS(text));
    }
    return record->has_explicit_key;
}

static bool
take_value(struct mr_call *call, const struct mr_value *value, struct mr_put_record *record)
{
    memset(record, 0, sizeof(*record));
    record->data = mr_value_text(value, "Data");
    record->partition_key = mr_value_text(value, "PartitionKey");
    return take_hash_key(call, mr_value_text(value, "ExplicitHashKey"), record);
}

static bool
read_values(struct mr_call *call, struct request *request, bool single)
{
    const struct mr_value *list = single ? NULL : mr_value_find(&call->input, "Records");
    request->count = single ? 1 : list->count;
    request->records =
        mr_arena_alloc(call->arena, request->count * sizeof(request->records[0]));
    request->stream_name = mr_value_text(&call->input, "StreamName");
    request->stream_arn = mr_value_text(&call->input, "StreamARN");
    for (size_t i = 0; i < request->count; i++) {
        if (!take_value(call, single ? &call->input : &list->items[i], &request->records[i])) {
            return false;
        }
    }
    return true;
}

/* ---- sizes ---- */

static bool
fits(struct mr_call *call, const struct mr_stream_facts *facts, const struct request *request,
     bool single)
{
    size_t limit = (size_t)facts->max_record_kib * 1024, total = 0;
    for (size_t i = 0; i < request->count; i++) {
        size_t size = request->records[i].data.size + request->records[i].partition_key.size;
        if (size > limit) {
            char path[48] = "data";
            if (!single) {
                snprintf(path, sizeof(path), "records.%zu.member.data", i + 1);
            }
            mr_call_fail(
                call, "ValidationException",
                "1 validation error detected: Value "
                "'java.nio.HeapByteBuffer[pos=0 lim=%zu cap=%zu]' at '%s' failed to "
                "satisfy constraint: Member must have length less than or equal to %zu",
                request->records[i].data.size, request->records[i].data.size, path, limit);
            return false;
        }
        total += size;
    }
    if (total > MR_KINESIS_MAX_PUT_BYTES) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Records size exceeds %d MB limit: %zu bytes",
                     MR_KINESIS_MAX_PUT_BYTES / 1024 / 1024, total);
        return false;
    }
    return true;
}

/* ---- answers ---- */

static void
put_result(struct mr_output *output, const struct mr_put_result *result)
{
    char sequence[MR_SEQUENCE_TEXT_SIZE], shard[MR_SHARD_ID_TEXT_SIZE];
    size_t sequence_size = mr_sequence_print(&result->sequence, sequence);
    size_t shard_size = mr_shard_id_print(result->shard, shard);
    mr_output_put_text(output, "SequenceNumber", mr_slice_of(sequence, sequence_size));
    mr_output_put_text(output, "ShardId", mr_slice_of(shard, shard_size));
}

static void
put_failure(struct mr_call *call, const struct mr_put_result *result, const char *stream_name)
{
    struct mr_output *output = &call->output;
    char shard[MR_SHARD_ID_TEXT_SIZE];
    if (result->code != -EBUSY) {
        mr_output_put_str(output, "ErrorCode", "InternalFailure");
        mr_output_put_str(output, "ErrorMessage", "Internal Service Failure");
        return;
    }
    mr_shard_id_print(result->shard, shard);
    mr_output_put_str(output, "ErrorCode", "ProvisionedThroughputExceededException");
    mr_output_put_str(
        output, "ErrorMessage",
        mr_arena_printf(call->arena,
                        "Rate exceeded for shard %s in stream %s under account %s.", shard,
                        stream_name, call->kinesis->options.account));
}

static void
answer_one(struct mr_call *call, const struct put *put, const char *stream_name)
{
    const struct mr_put_result *result = &put->results[0];
    if (result->code == -EBUSY) {
        mr_shard_throttle(call, mr_slice_str(stream_name), result->shard);
    } else if (result->code != 0) {
        mr_call_fail(call, "InternalFailure", "Internal Service Failure");
    } else {
        mr_output_begin(&call->output);
        put_result(&call->output, result);
        mr_output_put_str(&call->output, "EncryptionType", put->encrypted ? "KMS" : NULL);
        mr_output_end(&call->output);
        mr_call_answer(call);
    }
}

static void
answer_many(struct mr_call *call, const struct put *put, const char *stream_name)
{
    struct mr_output *output = &call->output;
    size_t failed = 0, next = 0;
    mr_output_begin(output);
    mr_output_key(output, "Records");
    mr_output_begin_list(output);
    for (size_t i = 0; i < put->count; i++) {
        const struct mr_put_result refused = { .code = put->refused[i] };
        const struct mr_put_result *result =
            put->refused[i] != 0 ? &refused : &put->results[next++];
        mr_output_begin(output);
        if (result->code == 0) {
            put_result(output, result);
        } else {
            put_failure(call, result, stream_name);
            failed++;
        }
        mr_output_end(output);
    }
    mr_output_end_list(output);
    mr_output_put_integer(output, "FailedRecordCount", (int64_t)failed);
    mr_output_put_str(output, "EncryptionType", put->encrypted ? "KMS" : NULL);
    mr_output_end(output);
    mr_call_answer(call);
}

static void
on_put(void *context)
{
    struct put *put = context;
    struct mr_call *call = put->call;
    if (call != NULL) {
        const char *stream_name = mr_http_exchange_user(call->exchange);
        mr_http_exchange_on_abort(call->exchange, NULL, NULL);
        (put->single ? answer_one : answer_many)(call, put, stream_name);
    }
    free(put);
}

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    struct put *put = context;
    (void)exchange;
    mr_buf_deinit(&put->call->out);
    put->call = NULL;
}

/* ---- putting ---- */

static struct put *
put_new(struct mr_call *call, size_t count)
{
    struct put *put = mr_alloc_zero(1, sizeof(*put) + count * sizeof(put->results[0]));
    put->call = call;
    put->count = count;
    put->refused = mr_arena_zero(call->arena, count * sizeof(put->refused[0]));
    return put;
}

/* Faults asked for refuse single records; the others close up. */
static void
leave_out_refused(struct mr_call *call, struct put *put, struct mr_put_record *records)
{
    for (size_t i = 0; i < put->count; i++) {
        put->refused[i] = put->single ? 0 : mr_fault_record(call);
        if (put->refused[i] == 0) {
            records[put->sent++] = records[i];
        }
    }
}

static void
send(struct mr_call *call, const struct request *request, bool single)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct mr_error err = { 0 };
    struct mr_stream_facts *facts =
        mr_target_named(call, request->stream_name, request->stream_arn);
    if (facts == NULL) {
        return;
    }
    enum mr_stream_status status = mr_target_status(facts, call->now_ms);
    if (status == MR_STREAM_CREATING || status == MR_STREAM_DELETING) {
        mr_target_missing(call, facts);
        return;
    }
    if (!fits(call, facts, request, single)) {
        return;
    }
    struct put *put = put_new(call, request->count);
    put->single = single;
    put->encrypted = facts->encrypted;
    leave_out_refused(call, put, request->records);
    mr_http_exchange_set_user(call->exchange,
                              mr_arena_cstr(call->arena, mr_slice_str(facts->name)));
    mr_http_exchange_on_abort(call->exchange, on_abort, put);
    int result =
        put->sent == 0
            ? 0
            : mr_store_put(kinesis->options.store, mr_slice_str(facts->name), request->records,
                           put->sent, put->results, kinesis->options.loop, on_put, put, &err);
    if (result < 0) {
        mr_http_exchange_on_abort(call->exchange, NULL, NULL);
        free(put);
        mr_call_fail_store(call, &err);
    } else if (put->sent == 0) {
        on_put(put);
    }
}

void
mr_act_put_records(struct mr_call *call)
{
    struct request request = { .count = 0 };
    if (!read_fast(call, &request)) {
        request = (struct request){ .count = 0 };
        if (!mr_operation_read_input(call) || !read_values(call, &request, false)) {
            return;
        }
    }
    send(call, &request, false);
}

/* SequenceNumberForOrdering: a number this shard may have given already; a child's first ones
 * are of the next second. */
static bool
check_ordering(struct mr_call *call)
{
    struct mr_slice text = mr_value_text(&call->input, "SequenceNumberForOrdering");
    struct mr_sequence_number number;
    if (text.data == NULL ||
        (mr_sequence_parse(text, &number) && number.time_s <= call->now_ms / 1000 + 1)) {
        return true;
    }
    mr_call_fail(call, "InvalidArgumentException",
                 "ExclusiveMinimumSequenceNumber %.*s used in PutRecord on stream %.*s under "
                 "account %s is invalid.",
                 MR_SLICE_ARGS(text), MR_SLICE_ARGS(mr_target_name(call)),
                 call->kinesis->options.account);
    return false;
}

void
mr_act_put_record(struct mr_call *call)
{
    struct request request = { .count = 0 };
    if (check_ordering(call) && read_values(call, &request, true)) {
        send(call, &request, true);
    }
}
