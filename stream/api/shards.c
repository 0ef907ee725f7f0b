#include "stream/api/shards.h"

#include <string.h>

#include "stream/api/actions.h"
#include "stream/api/kinesis.h"
#include "stream/api/target.h"

enum { MAX_RESULTS = 1000, TOKEN_TTL_MS = 300000 };

static void
put_shard_id(struct mr_output *output, const char *name, uint32_t index)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    if (index != MR_NO_SHARD) {
        mr_shard_id_print(index, id);
        mr_output_put_str(output, name, id);
    }
}

void
mr_shard_put_range(struct mr_output *output, const struct mr_shard_info *shard)
{
    char text[MR_HASH_KEY_TEXT_SIZE];
    mr_output_key(output, "HashKeyRange");
    mr_output_begin(output);
    mr_hash_key_print(shard->start_key, text);
    mr_output_put_str(output, "StartingHashKey", text);
    mr_hash_key_print(shard->end_key, text);
    mr_output_put_str(output, "EndingHashKey", text);
    mr_output_end(output);
}

void
mr_shard_put(struct mr_output *output, const struct mr_shard_info *shard)
{
    char text[MR_SEQUENCE_TEXT_SIZE];
    mr_output_begin(output);
    put_shard_id(output, "ShardId", shard->index);
    put_shard_id(output, "ParentShardId", shard->parent);
    put_shard_id(output, "AdjacentParentShardId", shard->adjacent_parent);
    mr_shard_put_range(output, shard);
    mr_output_key(output, "SequenceNumberRange");
    mr_output_begin(output);
    mr_sequence_print(&shard->starting, text);
    mr_output_put_str(output, "StartingSequenceNumber", text);
    if (!shard->open) {
        mr_sequence_print(&shard->ending, text);
        mr_output_put_str(output, "EndingSequenceNumber", text);
    }
    mr_output_end(output);
    mr_output_end(output);
}

struct mr_shard_info *
mr_shards_of(struct mr_call *call, const char *stream_name, size_t *out_count)
{
    struct mr_stream_info info;
    struct mr_slice name = mr_slice_str(stream_name);
    *out_count = 0;
    if (!mr_store_glance(call->kinesis->options.store, name, &info)) {
        return NULL;
    }
    struct mr_shard_info *shards = mr_arena_alloc(call->arena, info.shards * sizeof(shards[0]));
    *out_count = mr_store_shards(call->kinesis->options.store, name, 0, shards, info.shards);
    return shards;
}

const struct mr_shard_info *
mr_shard_find(struct mr_call *call, const char *stream_name, struct mr_slice text)
{
    uint32_t index;
    struct mr_shard_info *shard = mr_arena_alloc(call->arena, sizeof(*shard));
    const char *account = call->kinesis->options.account;
    if (!mr_shard_id_parse(text, &index)) {
        mr_call_fail(call, "ResourceNotFoundException",
                     "Could not find shard %.*s in stream %s under account %s.",
                     MR_SLICE_ARGS(text), stream_name, account);
        return NULL;
    }
    if (mr_store_shard(call->kinesis->options.store, mr_slice_str(stream_name), index, shard,
                       NULL) < 0 ||
        shard->expired) {
        char id[MR_SHARD_ID_TEXT_SIZE];
        mr_shard_id_print(index, id);
        mr_call_fail(call, "ResourceNotFoundException",
                     "Shard %s in stream %s under account %s does not exist", id, stream_name,
                     account);
        return NULL;
    }
    return shard;
}

void
mr_shard_throttle(struct mr_call *call, struct mr_slice stream_name, uint32_t shard)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    mr_shard_id_print(shard, id);
    mr_call_fail(call, "ProvisionedThroughputExceededException",
                 "Rate exceeded for shard %s in stream %.*s under account %s.", id,
                 MR_SLICE_ARGS(stream_name), call->kinesis->options.account);
}

/* ---- ListShards ---- */

struct listing {
    struct mr_stream_facts *facts;
    uint32_t first; /* index to begin at */
    size_t max;
    struct mr_slice type; /* of the filter; absent: FROM_TRIM_HORIZON */
    uint64_t timestamp_ms;
    uint64_t retention_ms;
};

static uint64_t
horizon_ms(const struct mr_call *call, const struct listing *listing)
{
    return call->now_ms > listing->retention_ms ? call->now_ms - listing->retention_ms : 0;
}

static bool
was_open_at(const struct mr_shard_info *shard, uint64_t ms)
{
    return shard->created_ms <= ms && (shard->open || shard->closed_ms >= ms);
}

static bool
passes(const struct mr_call *call, const struct listing *listing,
       const struct mr_shard_info *shard)
{
    if (shard->expired) {
        return false;
    }
    if (mr_slice_is(listing->type, "AT_LATEST")) {
        return shard->open;
    }
    if (mr_slice_is(listing->type, "AT_TIMESTAMP")) {
        return was_open_at(shard, listing->timestamp_ms);
    }
    if (mr_slice_is(listing->type, "FROM_TIMESTAMP")) {
        return shard->open || shard->closed_ms >= listing->timestamp_ms;
    }
    if (mr_slice_is(listing->type, "AT_TRIM_HORIZON")) {
        uint64_t horizon = horizon_ms(call, listing);
        /* Of a stream younger than its retention: the shards it was made with. */
        return shard->parent == MR_NO_SHARD || was_open_at(shard, horizon);
    }
    return true;
}

static bool
refuse(struct mr_call *call, const char *text)
{
    mr_call_fail(call, "InvalidArgumentException", "%s", text);
    return false;
}

static bool
read_filter(struct mr_call *call, struct listing *listing)
{
    const struct mr_value *filter = mr_value_find(&call->input, "ShardFilter");
    if (filter == NULL) {
        return true;
    }
    const struct mr_value *timestamp = mr_value_find(filter, "Timestamp");
    struct mr_slice shard_id = mr_value_text(filter, "ShardId");
    listing->type = mr_value_text(filter, "Type");
    bool by_time = mr_slice_ends_with(listing->type, MR_SLICE("_TIMESTAMP"));
    if (by_time && timestamp == NULL) {
        return refuse(call,
                      "The Timestamp parameter must be provided for a ShardFilter of type "
                      "AT_TIMESTAMP or FROM_TIMESTAMP.");
    }
    if (by_time) {
        listing->timestamp_ms = timestamp->number < 0 ? 0 : (uint64_t)timestamp->number;
    }
    if (mr_slice_is(listing->type, "AFTER_SHARD_ID")) {
        uint32_t index;
        if (shard_id.data == NULL || !mr_shard_id_parse(shard_id, &index)) {
            return refuse(call,
                          "The ShardId parameter must be provided for a ShardFilter of type "
                          "AFTER_SHARD_ID.");
        }
        listing->first = index + 1;
    }
    return true;
}

static bool
read_start(struct mr_call *call, struct listing *listing)
{
    struct mr_slice start = mr_value_text(&call->input, "ExclusiveStartShardId");
    uint32_t index;
    if (start.data != NULL) {
        if (!mr_shard_id_parse(start, &index)) {
            mr_call_fail(call, "ResourceNotFoundException",
                         "Could not find shard %.*s in stream %s under account %s.",
                         MR_SLICE_ARGS(start), listing->facts->name,
                         call->kinesis->options.account);
            return false;
        }
        listing->first = index + 1;
    }
    return read_filter(call, listing);
}

/* Content of a token: "time first timestamp type stream". */
static bool
read_token(struct mr_call *call, struct mr_slice token, struct listing *listing)
{
    struct mr_slice content =
        mr_token_open(&call->kinesis->options.token_key, MR_TOKEN_SHARDS, token, call->arena);
    uint64_t made_ms, first;
    struct mr_slice rest = content;
    if (!mr_slice_to_u64(mr_slice_cut(&rest, ' '), &made_ms) ||
        !mr_slice_to_u64(mr_slice_cut(&rest, ' '), &first) ||
        !mr_slice_to_u64(mr_slice_cut(&rest, ' '), &listing->timestamp_ms)) {
        return refuse(call, "NextToken is invalid.");
    }
    if (call->now_ms > made_ms + TOKEN_TTL_MS) {
        mr_call_fail(call, "ExpiredNextTokenException", "NextToken has expired.");
        return false;
    }
    listing->first = (uint32_t)first;
    listing->type = mr_slice_cut(&rest, ' ');
    listing->facts = mr_target_named(call, rest, (struct mr_slice){ NULL, 0 });
    return listing->facts != NULL;
}

static bool
read_listing(struct mr_call *call, struct listing *listing)
{
    struct mr_slice token = mr_value_text(&call->input, "NextToken");
    bool named = mr_value_text(&call->input, "StreamName").data != NULL ||
                 mr_value_text(&call->input, "StreamARN").data != NULL;
    listing->max = mr_value_limit(&call->input, "MaxResults", MAX_RESULTS);
    if (token.data == NULL && !named) {
        return refuse(call, "Either NextToken or StreamName should be provided.");
    }
    if (token.data != NULL && named) {
        return refuse(call, "NextToken and StreamName cannot be provided together.");
    }
    if (token.data != NULL && mr_value_find(&call->input, "StreamCreationTimestamp") != NULL) {
        return refuse(call,
                      "NextToken and StreamCreationTimestamp cannot be provided together.");
    }
    if (token.data != NULL) {
        return read_token(call, token, listing);
    }
    listing->facts = mr_target_stream(call);
    return listing->facts != NULL && mr_target_is_incarnation(call, listing->facts) &&
           read_start(call, listing);
}

static void
put_token(struct mr_call *call, const struct listing *listing, uint32_t first)
{
    char *content =
        mr_arena_printf(call->arena, "%llu %u %llu %.*s %s", (unsigned long long)call->now_ms,
                        first, (unsigned long long)listing->timestamp_ms,
                        MR_SLICE_ARGS(listing->type), listing->facts->name);
    mr_output_put_text(&call->output, "NextToken",
                       mr_token_seal(&call->kinesis->options.token_key, MR_TOKEN_SHARDS,
                                     mr_slice_str(content), call->arena));
}

void
mr_act_list_shards(struct mr_call *call)
{
    struct listing listing = { .facts = NULL };
    struct mr_stream_info info;
    size_t count, put = 0, at;
    if (!read_listing(call, &listing)) {
        return;
    }
    const struct mr_shard_info *shards = mr_shards_of(call, listing.facts->name, &count);
    if (mr_store_glance(call->kinesis->options.store, mr_slice_str(listing.facts->name),
                        &info)) {
        listing.retention_ms = (uint64_t)info.retention_hours * 3600 * 1000;
    }

    mr_output_begin(&call->output);
    mr_output_key(&call->output, "Shards");
    mr_output_begin_list(&call->output);
    for (at = listing.first; at < count && put < listing.max; at++) {
        if (passes(call, &listing, &shards[at])) {
            mr_shard_put(&call->output, &shards[at]);
            put++;
        }
    }
    mr_output_end_list(&call->output);
    while (at < count && !passes(call, &listing, &shards[at])) {
        at++;
    }
    if (at < count) {
        put_token(call, &listing, (uint32_t)at);
    }
    mr_output_end(&call->output);
    mr_call_answer(call);
}
