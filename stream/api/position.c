#include "stream/api/position.h"

#include "stream/api/change.h"
#include "stream/api/kinesis.h"

struct search {
    struct mr_call *call;
    const struct mr_stream_facts *facts;
    const struct mr_shard_info *shard;
    const struct mr_position_wish *wish;
};

static bool
fail_sequence(const struct search *search, const char *reason)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    mr_shard_id_print(search->shard->index, id);
    mr_call_fail(
        search->call, "InvalidArgumentException",
        "StartingSequenceNumber %.*s used in %s on shard %s in stream %s under account "
        "%s is invalid%s.",
        MR_SLICE_ARGS(search->wish->sequence), search->wish->operation, id, search->facts->name,
        search->call->kinesis->options.account, reason);
    return false;
}

/*
 * The number must be one of this shard, of this incarnation of the stream. "0" and its like are
 * numbers of streams older than any; AWS's server stumbles over them.
 */
static bool
belongs(const struct search *search, const struct mr_sequence_number *number)
{
    char theirs[MR_SHARD_ID_TEXT_SIZE], ours[MR_SHARD_ID_TEXT_SIZE];
    if (number->shard != search->shard->index) {
        mr_shard_id_print(number->shard, theirs);
        mr_shard_id_print(search->shard->index, ours);
        mr_call_fail(
            search->call, "InvalidArgumentException",
            "Invalid StartingSequenceNumber. It encodes %s, while it was used in a call "
            "to a shard with %s",
            theirs, ours);
        return false;
    }
    if (number->version == 0) {
        mr_call_fail(search->call, "InternalFailure", NULL);
        return false;
    }
    if (number->version != 2 || number->created_s != search->shard->starting.created_s) {
        return fail_sequence(search, " because it did not come from this stream");
    }
    return true;
}

/*
 * The record of that index may have arrived before the number's time, which then lies behind
 * it: ContinuationSequenceNumber is such a number.
 */
static uint64_t
at_or_behind(const struct search *search, const struct mr_sequence_number *number)
{
    struct mr_store_batch batch = { .unbudgeted = true };
    uint64_t position = number->index;
    if (mr_store_read(search->call->kinesis->options.store, search->shard->uid, position, 1, 1,
                      &batch, NULL) == 0 &&
        batch.count == 1 && batch.records[0].sequence.index == position &&
        mr_sequence_compare(&batch.records[0].sequence, number) < 0) {
        position++;
    }
    mr_store_batch_release(&batch);
    return position;
}

static bool
at_sequence(const struct search *search, bool after, uint64_t *out_position)
{
    struct mr_slice text = search->wish->sequence;
    struct mr_sequence_number number;
    if (text.data == NULL) {
        mr_call_fail(search->call, "InvalidArgumentException",
                     "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
                     "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no "
                     "StartingSequenceNumber. Request specified %.*s and no "
                     "StartingSequenceNumber.",
                     MR_SLICE_ARGS(search->wish->type));
        return false;
    }
    if (!mr_sequence_parse(text, &number)) {
        return fail_sequence(search, "");
    }
    if (!belongs(search, &number)) {
        return false;
    }
    *out_position = after ? number.index + 1 : at_or_behind(search, &number);
    return true;
}

static bool
read_timestamp(const struct search *search, uint64_t *out_ms)
{
    const struct mr_value *timestamp = search->wish->timestamp;
    struct mr_call *call = search->call;
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

bool
mr_position_find(struct mr_call *call, const struct mr_stream_facts *facts,
                 const struct mr_shard_info *shard, const struct mr_position_wish *wish,
                 uint64_t *out_position)
{
    const struct search search = { call, facts, shard, wish };
    struct mr_error err = { 0 };
    enum mr_seek seek = MR_SEEK_HORIZON;
    uint64_t timestamp_ms = 0;
    if (mr_slice_ends_with(wish->type, MR_SLICE("SEQUENCE_NUMBER"))) {
        bool after = mr_slice_starts_with(wish->type, MR_SLICE("AFTER"));
        return at_sequence(&search, after, out_position);
    }
    if (mr_slice_is(wish->type, "AT_TIMESTAMP")) {
        seek = MR_SEEK_TIMESTAMP;
        if (!read_timestamp(&search, &timestamp_ms)) {
            return false;
        }
    } else if (wish->sequence.data != NULL) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and "
                     "StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no "
                     "StartingSequenceNumber. Request specified %.*s and also a "
                     "StartingSequenceNumber.",
                     MR_SLICE_ARGS(wish->type));
        return false;
    } else if (mr_slice_is(wish->type, "LATEST")) {
        seek = MR_SEEK_TIP;
    }
    if (mr_store_seek(call->kinesis->options.store, shard->uid, seek, timestamp_ms,
                      out_position, &err) < 0) {
        mr_call_fail_store(call, &err);
        return false;
    }
    return true;
}
