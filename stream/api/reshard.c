/*
 * reshard: SplitShard, MergeShards and UpdateShardCount.
 *
 * The checks come in AWS's order: ids that can be one, the stream, the shards, the quota, the
 * keys, and last the stream's state. With a state delay the stream is UPDATING first and its
 * shards change behind it, as on AWS; a server that stops meanwhile forgets the change.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "stream/api/actions.h"
#include "stream/api/change.h"
#include "stream/api/kinesis.h"
#include "stream/api/quota.h"
#include "stream/api/reshard.h"
#include "stream/api/shards.h"
#include "stream/api/target.h"

/* A change whose time has not come. */
struct delayed {
    struct mr_list node;
    struct mr_kinesis *kinesis;
    struct mr_change change;
    char *stream;
    struct mr_timer timer;
};

/* ---- carrying it out ---- */

static void
free_delayed(struct delayed *delayed)
{
    mr_timer_stop(&delayed->timer);
    mr_list_remove(&delayed->node);
    free(delayed->stream);
    free(delayed);
}

void
mr_reshard_forget(struct mr_kinesis *kinesis)
{
    while (!mr_list_empty(&kinesis->delayed)) {
        free_delayed(MR_CONTAINER_OF(kinesis->delayed.next, struct delayed, node));
    }
}

static void
on_delayed_change(const struct mr_error *err, void *context)
{
    struct delayed *delayed = context;
    struct mr_stream_facts *facts =
        mr_catalog_find(delayed->kinesis->catalog, delayed->change.stream);
    if (facts != NULL) {
        facts->changing = false;
    }
    if (err != NULL && err->code != -ENOENT) {
        mr_log(MR_LOG_ERROR, "stream", "change shards: %s", err->text);
    }
    free_delayed(delayed);
}

static void
on_due(void *context)
{
    struct delayed *delayed = context;
    struct mr_kinesis_options *options = &delayed->kinesis->options;
    mr_store_change(options->store, &delayed->change, options->loop, on_delayed_change,
                    delayed);
}

static void
change_later(struct mr_call *call, struct mr_stream_facts *facts,
             const struct mr_change *change)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct delayed *delayed = mr_alloc_zero(1, sizeof(*delayed));
    uint64_t delay_ms = kinesis->options.state_delay_ms;
    delayed->kinesis = kinesis;
    delayed->change = *change;
    delayed->stream = mr_strdup(facts->name);
    delayed->change.stream = mr_slice_str(delayed->stream);
    mr_list_push_back(&kinesis->delayed, &delayed->node);
    mr_timer_init(&delayed->timer, kinesis->options.loop, MR_TIME_INJECTED, on_due, delayed);
    mr_timer_start(&delayed->timer, delay_ms);
    facts->changing = true;
    mr_target_done(call);
}

static void
on_changed(struct mr_kinesis *kinesis, struct mr_call *call, struct mr_slice name,
           const struct mr_error *err)
{
    if (call == NULL) {
        return;
    }
    if (err == NULL) {
        mr_call_answer(call);
    } else if (err->code == -EALREADY || err->code == -EINVAL) {
        /* Two requests for the same shard, both checked before either was carried out. */
        mr_call_fail(call, "ResourceInUseException",
                     "Stream %.*s under account %s not ACTIVE, instead in state UPDATING",
                     MR_SLICE_ARGS(name), kinesis->options.account);
    } else {
        mr_call_fail_store(call, err);
    }
}

static void
change_shards(struct mr_call *call, struct mr_stream_facts *facts, struct mr_change *change)
{
    change->stream = mr_slice_str(facts->name);
    if (call->kinesis->options.state_delay_ms > 0) {
        change_later(call, facts, change);
    } else {
        mr_call_change(call, change, on_changed);
    }
}

/* ---- what the requests name ---- */

static bool
read_shard_id(struct mr_call *call, const char *member, uint32_t *out_index)
{
    struct mr_slice text = mr_value_text(&call->input, member);
    if (mr_shard_id_parse(text, out_index)) {
        return true;
    }
    struct mr_slice name = mr_target_name(call);
    mr_call_fail(call, "ResourceNotFoundException",
                 "Could not find shard %.*s in stream %.*s under account %s.",
                 MR_SLICE_ARGS(text), MR_SLICE_ARGS(name), call->kinesis->options.account);
    return false;
}

static bool
find_shard(struct mr_call *call, const struct mr_stream_facts *facts, uint32_t index,
           struct mr_shard_info *shard)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    if (mr_store_shard(call->kinesis->options.store, mr_slice_str(facts->name), index, shard,
                       NULL) == 0) {
        return true;
    }
    mr_shard_id_print(index, id);
    mr_call_fail(call, "ResourceNotFoundException",
                 "Could not find shard %s in stream %s under account %s.", id, facts->name,
                 call->kinesis->options.account);
    return false;
}

static bool
is_open(struct mr_call *call, const struct mr_stream_facts *facts,
        const struct mr_shard_info *shard)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    if (shard->open) {
        return true;
    }
    mr_shard_id_print(shard->index, id);
    mr_call_fail(call, "InvalidArgumentException",
                 "Shard %s in stream %s under account %s has already been merged or split, and "
                 "thus is not eligible for merging or splitting.",
                 id, facts->name, call->kinesis->options.account);
    return false;
}

/* ---- SplitShard ---- */

/* Of up to 39 digits: it may be more than a hash key can be. */
static bool
is_inside(struct mr_slice text, const struct mr_shard_info *shard, mr_hash_key *out_key)
{
    return mr_hash_key_parse(text, out_key) && *out_key > shard->start_key &&
           *out_key - shard->start_key > 1 && *out_key < shard->end_key;
}

void
mr_act_split_shard(struct mr_call *call)
{
    struct mr_slice key = mr_value_text(&call->input, "NewStartingHashKey");
    struct mr_change change = { .kind = MR_CHANGE_SPLIT };
    struct mr_stream_facts *facts;
    struct mr_shard_info shard;
    if (!read_shard_id(call, "ShardToSplit", &change.shard) ||
        (facts = mr_target_stream(call)) == NULL ||
        !find_shard(call, facts, change.shard, &shard) || !is_open(call, facts, &shard) ||
        !mr_quota_fits(call, 1)) {
        return;
    }
    if (!is_inside(key, &shard, &change.new_start_key)) {
        char id[MR_SHARD_ID_TEXT_SIZE], start[MR_HASH_KEY_TEXT_SIZE],
            end[MR_HASH_KEY_TEXT_SIZE];
        mr_shard_id_print(shard.index, id);
        mr_hash_key_print(shard.start_key, start);
        mr_hash_key_print(shard.end_key, end);
        mr_call_fail(call, "InvalidArgumentException",
                     "NewStartingHashKey %.*s used in SplitShard() on shard %s in stream %s "
                     "under account %s is not both greater than one plus the shard's "
                     "StartingHashKey %s and less than the shard's EndingHashKey %s.",
                     MR_SLICE_ARGS(key), id, facts->name, call->kinesis->options.account, start,
                     end);
        return;
    }
    if (mr_target_is_active(call, facts)) {
        change_shards(call, facts, &change);
    }
}

/* ---- MergeShards ---- */

void
mr_act_merge_shards(struct mr_call *call)
{
    struct mr_change change = { .kind = MR_CHANGE_MERGE };
    struct mr_stream_facts *facts;
    struct mr_shard_info left, right;
    if (!read_shard_id(call, "ShardToMerge", &change.shard) ||
        !read_shard_id(call, "AdjacentShardToMerge", &change.adjacent) ||
        (facts = mr_target_stream(call)) == NULL ||
        !find_shard(call, facts, change.shard, &left) ||
        !find_shard(call, facts, change.adjacent, &right) || !is_open(call, facts, &left) ||
        !is_open(call, facts, &right)) {
        return;
    }
    if (left.end_key == MR_HASH_KEY_MAX || left.end_key + 1 != right.start_key) {
        char ids[2][MR_SHARD_ID_TEXT_SIZE];
        mr_shard_id_print(left.index, ids[0]);
        mr_shard_id_print(right.index, ids[1]);
        mr_call_fail(call, "InvalidArgumentException",
                     "Shards %s and %s in stream %s under account %s are not an adjacent pair "
                     "of shards eligible for merging",
                     ids[0], ids[1], facts->name, call->kinesis->options.account);
        return;
    }
    if (mr_target_is_active(call, facts)) {
        change_shards(call, facts, &change);
    }
}

/* ---- UpdateShardCount ---- */

/* More than double is refused always; the half, and ten times a day, where AWS's limits are. */
static bool
may_rescale(struct mr_call *call, struct mr_stream_facts *facts, uint64_t now, uint64_t target)
{
    uint64_t limit = mr_quota_shard_limit(call->kinesis);
    const char *complaint = NULL;
    if (target > limit) {
        complaint = mr_arena_printf(call->arena,
                                    "Target shard count or number of open shards cannot be "
                                    "greater than %llu.",
                                    (unsigned long long)limit);
    } else if (target > now * 2) {
        complaint = "UpdateShardCount cannot scale up over double your current open shard "
                    "count.";
    } else if (call->kinesis->options.limits && target * 2 < now) {
        complaint = "UpdateShardCount cannot scale down below half your current open shard "
                    "count.";
    } else if (call->kinesis->options.limits &&
               mr_changes_today(&facts->count_changes, call->now_ms) >=
                   MR_QUOTA_COUNT_CHANGES) {
        mr_call_fail(
            call, "LimitExceededException",
            "UpdateShardCount cannot be called more than %d times in a rolling 24-hour "
            "period on stream %s under account %s.",
            MR_QUOTA_COUNT_CHANGES, facts->name, call->kinesis->options.account);
        return false;
    }
    if (complaint != NULL) {
        mr_call_fail(call, "LimitExceededException",
                     "%s Current open shard count: %llu, Target shard count: %llu", complaint,
                     (unsigned long long)now, (unsigned long long)target);
        return false;
    }
    return target <= now || mr_quota_fits(call, target - now);
}

static void
put_counts(struct mr_call *call, const struct mr_stream_facts *facts, uint32_t now,
           uint32_t target)
{
    struct mr_output *output = &call->output;
    mr_output_begin(output);
    mr_output_put_str(output, "StreamName", facts->name);
    mr_output_put_integer(output, "CurrentShardCount", now);
    mr_output_put_integer(output, "TargetShardCount", target);
    mr_output_put_text(output, "StreamARN", mr_target_arn(call, facts->name));
    mr_output_end(output);
}

void
mr_act_update_shard_count(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    uint32_t target = (uint32_t)mr_value_number(&call->input, "TargetShardCount", 1);
    struct mr_change change = { .kind = MR_CHANGE_RESCALE, .shard_count = target };
    struct mr_stream_info info = { 0 };
    if (facts == NULL) {
        return;
    }
    if (facts->on_demand) {
        mr_call_fail(call, "ValidationException",
                     "Request is invalid. Stream %s under account %s is in On-Demand mode.",
                     facts->name, call->kinesis->options.account);
        return;
    }
    mr_store_glance(call->kinesis->options.store, mr_slice_str(facts->name), &info);
    if (!mr_target_is_active(call, facts) ||
        !may_rescale(call, facts, info.open_shards, target)) {
        return;
    }
    mr_changes_add(&facts->count_changes, call->now_ms);
    put_counts(call, facts, info.open_shards, target);
    if (target == info.open_shards) {
        mr_target_done(call);
    } else if (mr_target_save(call)) {
        change_shards(call, facts, &change);
    }
}
