#include "stream/api/iterators.h"

#include <time.h>

#include "base/limits.h"
#include "stream/api/actions.h"
#include "stream/api/change.h"
#include "stream/api/kinesis.h"
#include "stream/api/position.h"
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

void
mr_act_get_shard_iterator(struct mr_call *call)
{
    struct mr_slice text = mr_value_text(&call->input, "ShardId");
    struct mr_position_wish wish = {
        .operation = "GetShardIterator",
        .type = mr_value_text(&call->input, "ShardIteratorType"),
        .sequence = mr_value_text(&call->input, "StartingSequenceNumber"),
        .timestamp = mr_value_find(&call->input, "Timestamp"),
    };
    struct mr_iterator iterator = { .made_ms = call->now_ms };
    struct mr_stream_facts *facts;
    const struct mr_shard_info *shard;
    if (!mr_shard_id_parse(text, &iterator.shard)) {
        struct mr_slice name = mr_target_name(call);
        mr_call_fail(call, "ResourceNotFoundException",
                     "Could not find shard %.*s in stream %.*s under account %s.",
                     MR_SLICE_ARGS(text), MR_SLICE_ARGS(name), call->kinesis->options.account);
        return;
    }
    if ((facts = mr_target_stream_of_shard(call, iterator.shard)) == NULL ||
        (shard = mr_shard_find(call, facts->name, text)) == NULL ||
        !mr_position_find(call, facts, shard, &wish, &iterator.position)) {
        return;
    }
    if (!mr_store_may_seek(call->kinesis->options.store, shard->uid)) {
        mr_shard_throttle(call, mr_slice_str(facts->name), shard->index);
        return;
    }
    iterator.stream_id = shard->stream_id;
    iterator.stream_name = mr_slice_str(facts->name);
    mr_output_begin(&call->output);
    mr_output_put_text(&call->output, "ShardIterator", mr_iterator_seal(call, &iterator));
    mr_output_end(&call->output);
    mr_call_answer(call);
}
