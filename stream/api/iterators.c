#include "stream/api/iterators.h"

#include <time.h>

#include "base/limits.h"
#include "stream/api/actions.h"
#include "stream/api/change.h"
#include "stream/api/kinesis.h"
#include "stream/api/shards.h"
#include "stream/api/target.h"

/* Content: "made position shard stream-id name". */
struct mr_slice
mr_iterator_seal(struct mr_call *call, const struct mr_iterator *iterator)
{
    char *content = mr_arena_printf(
        call->arena, "%llu %llu %u %llu %.*s", (unsigned long long)iterator->made_ms,
        (unsigned long long)iterator->position, iterator->shard,
        (unsigned long long)iterator->stream_id, MR_SLICE_ARGS(iterator->stream_name));
    return mr_token_seal(&call->kinesis->options.token_key, MR_TOKEN_ITERATOR,
                         mr_slice_str(content), call->arena);
}

static bool
parse(struct mr_slice content, struct mr_iterator *iterator)
{
    uint64_t shard;
    struct mr_slice rest = content;
    bool ok = mr_slice_to_u64(mr_slice_cut(&rest, ' '), &iterator->made_ms) &&
              mr_slice_to_u64(mr_slice_cut(&rest, ' '), &iterator->position) &&
              mr_slice_to_u64(mr_slice_cut(&rest, ' '), &shard) &&
              mr_slice_to_u64(mr_slice_cut(&rest, ' '), &iterator->stream_id);
    if (!ok || rest.size == 0 || shard > UINT32_MAX) {
        return false;
    }
    iterator->shard = (uint32_t)shard;
    iterator->stream_name = rest;
    return true;
}

static const char *
date_text(struct mr_call *call, uint64_t ms)
{
    char text[64];
    struct tm utc;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%a %b %d %H:%M:%S UTC %Y", &utc);
    return mr_arena_printf(call->arena, "%s", text);
}

bool
mr_iterator_open(struct mr_call *call, struct mr_slice text, struct mr_iterator *out_iterator)
{
    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"') {
        text = mr_slice_of(text.data + 1, text.size - 2); /* clients that quote it twice */
    }
    struct mr_slice content =
        mr_token_open(&call->kinesis->options.token_key, MR_TOKEN_ITERATOR, text, call->arena);
    if (content.data == NULL || !parse(content, out_iterator)) {
        mr_call_fail(call, "InvalidArgumentException", "Invalid ShardIterator.");
        return false;
    }
    if (call->now_ms > out_iterator->made_ms + MR_KINESIS_ITERATOR_TTL_MS) {
        mr_call_fail(
            call, "ExpiredIteratorException",
            "Iterator expired. The iterator was created at time %s while right now it is "
            "%s which is further in the future than the tolerated delay of %d "
            "milliseconds.",
            date_text(call, out_iterator->made_ms), date_text(call, call->now_ms),
            MR_KINESIS_ITERATOR_TTL_MS);
        return false;
    }
    return true;
}

/* ---- GetShardIterator ---- */

static bool
fail_sequence(struct mr_call *call, const struct mr_stream_facts *facts,
              const struct mr_shard_info *shard, struct mr_slice text)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    mr_shard_id_print(shard->index, id);
    mr_call_fail(
        call, "InvalidArgumentException",
        "StartingSequenceNumber %.*s used in GetShardIterator on shard %s in stream %s "
        "under account %s is invalid.",
        MR_SLICE_ARGS(text), id, facts->name, call->kinesis->options.account);
    return false;
}

/* The number must be one of this shard, of this incarnation of the stream. */
static bool
belongs(struct mr_call *call, const struct mr_stream_facts *facts,
        const struct mr_shard_info *shard, struct mr_slice text,
        const struct mr_sequence_number *number)
{
    char theirs[MR_SHARD_ID_TEXT_SIZE], ours[MR_SHARD_ID_TEXT_SIZE];
    if (number->version == 0) {
        return true; /* "0" and its like: below every record */
    }
    mr_shard_id_print(number->shard, theirs);
    mr_shard_id_print(shard->index, ours);
    if (number->shard != shard->index) {
        mr_call_fail(
            call, "InvalidArgumentException",
            "Invalid StartingSequenceNumber. It encodes %s, while it was used in a call "
            "to a shard with %s",
            theirs, ours);
        return false;
    }
    if (number->created_s != shard->starting.created_s) {
        mr_call_fail(
            call, "InvalidArgumentException",
            "StartingSequenceNumber %.*s used in GetShardIterator on shard %s in stream "
            "%s under account %s is invalid because it did not come from this stream.",
            MR_SLICE_ARGS(text), ours, facts->name, call->kinesis->options.account);
        return false;
    }
    return true;
}

static bool
at_sequence(struct mr_call *call, const struct mr_stream_facts *facts,
            const struct mr_shard_info *shard, bool after, uint64_t *out_position)
{
    struct mr_slice text = mr_value_text(&call->input, "StartingSequenceNumber");
    struct mr_sequence_number number;
    if (text.data == NULL) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Must specify startingSequenceNumber parameter for iterator of type %s. "
                     "Current request has no startingSequenceNumber parameter.",
                     after ? "AFTER_SEQUENCE_NUMBER" : "AT_SEQUENCE_NUMBER");
        return false;
    }
    if (!mr_sequence_parse(text, &number)) {
        return fail_sequence(call, facts, shard, text);
    }
    if (!belongs(call, facts, shard, text, &number)) {
        return false;
    }
    *out_position = number.version == 0 ? 0 : number.index + (after ? 1 : 0);
    return true;
}

static bool
at_timestamp(struct mr_call *call, uint64_t *out_ms)
{
    const struct mr_value *timestamp = mr_value_find(&call->input, "Timestamp");
    if (timestamp == NULL) {
        mr_call_fail(
            call, "InvalidArgumentException",
            "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
            "Current request has no timestamp parameter.");
        return false;
    }
    if (timestamp->number > (int64_t)call->now_ms) {
        mr_call_fail(call, "InvalidArgumentException",
                     "The timestampInMillis parameter cannot be greater than the "
                     "currentTimestampInMillis. timestampInMillis: %lld, "
                     "currentTimestampInMillis: %llu",
                     (long long)timestamp->number, (unsigned long long)call->now_ms);
        return false;
    }
    *out_ms = timestamp->number < 0 ? 0 : (uint64_t)timestamp->number;
    return true;
}

/* False: answered. */
static bool
locate(struct mr_call *call, const struct mr_stream_facts *facts,
       const struct mr_shard_info *shard, uint64_t *out_position)
{
    struct mr_slice type = mr_value_text(&call->input, "ShardIteratorType");
    struct mr_error err = { 0 };
    enum mr_seek seek = MR_SEEK_HORIZON;
    uint64_t timestamp_ms = 0;
    if (mr_slice_ends_with(type, MR_SLICE("SEQUENCE_NUMBER"))) {
        bool after = mr_slice_starts_with(type, MR_SLICE("AFTER"));
        return at_sequence(call, facts, shard, after, out_position);
    }
    if (mr_slice_is(type, "AT_TIMESTAMP")) {
        seek = MR_SEEK_TIMESTAMP;
        if (!at_timestamp(call, &timestamp_ms)) {
            return false;
        }
    } else if (mr_slice_is(type, "LATEST")) {
        seek = MR_SEEK_TIP;
    }
    if (mr_store_seek(call->kinesis->options.store, shard->uid, seek, timestamp_ms,
                      out_position, &err) < 0) {
        mr_call_fail_store(call, &err);
        return false;
    }
    return true;
}

void
mr_act_get_shard_iterator(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    const struct mr_shard_info *shard =
        facts == NULL
            ? NULL
            : mr_shard_find(call, facts->name, mr_value_text(&call->input, "ShardId"));
    struct mr_iterator iterator = { .made_ms = call->now_ms };
    if (shard == NULL || !locate(call, facts, shard, &iterator.position)) {
        return;
    }
    iterator.stream_id = shard->stream_id;
    iterator.shard = shard->index;
    iterator.stream_name = mr_slice_str(facts->name);
    mr_output_begin(&call->output);
    mr_output_put_text(&call->output, "ShardIterator", mr_iterator_seal(call, &iterator));
    mr_output_end(&call->output);
    mr_call_answer(call);
}
