#include <errno.h>
#include <string.h>

#include "stream/api/actions.h"
#include "stream/api/auth.h"
#include "stream/api/change.h"
#include "stream/api/kinesis.h"
#include "stream/api/monitoring.h"
#include "stream/api/quota.h"
#include "stream/api/settings.h"
#include "stream/api/shards.h"
#include "stream/api/subscribe.h"
#include "stream/api/tags.h"
#include "stream/api/target.h"

enum {
    ON_DEMAND_SHARDS = 4, /* what AWS makes an on-demand stream with */
    DEFAULT_RETENTION_H = 24,
    PAGE = 100,
};

/* ---- CreateStream ---- */

static bool
is_on_demand(const struct mr_call *call)
{
    const struct mr_value *details = mr_value_find(&call->input, "StreamModeDetails");
    if (details == NULL) {
        return mr_value_find(&call->input, "ShardCount") == NULL;
    }
    return mr_slice_is(mr_value_text(details, "StreamMode"), "ON_DEMAND");
}

/* What CreateStream says of a stream beside its shards. */
static void
take_facts(struct mr_call *call, struct mr_stream_facts *facts)
{
    facts->created_ms = call->now_ms;
    facts->active_ms = call->now_ms + call->kinesis->options.state_delay_ms;
    facts->on_demand = is_on_demand(call);
    facts->max_record_kib = mr_value_number(&call->input, "MaxRecordSizeInKiB", 1024);
    facts->warm_mibps = mr_value_number(&call->input, "WarmThroughputMiBps", -1);
    mr_tags_take(call, &facts->tags);
}

static void
on_created(struct mr_kinesis *kinesis, struct mr_call *call, struct mr_slice name,
           const struct mr_error *err)
{
    struct mr_stream_facts *facts = mr_catalog_find(kinesis->catalog, name);
    if (err != NULL && facts != NULL) {
        mr_catalog_remove(kinesis->catalog, facts);
    }
    if (call == NULL) {
        mr_catalog_save(kinesis->catalog, NULL);
    } else if (err != NULL) {
        mr_call_fail_store(call, err);
    } else {
        mr_target_done(call);
    }
}

void
mr_act_create_stream(struct mr_call *call)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct mr_slice name = mr_value_text(&call->input, "StreamName");
    int64_t count = mr_value_number(&call->input, "ShardCount", 0);
    bool on_demand = is_on_demand(call);
    if (call->principal != NULL &&
        !mr_auth_allows(call, mr_target_arn(call, mr_arena_cstr(call->arena, name)))) {
        return;
    }
    mr_target_settle(kinesis);
    if (mr_catalog_find(kinesis->catalog, name) != NULL) {
        mr_call_fail(call, "ResourceInUseException",
                     "Stream %.*s under account %s already exists.", MR_SLICE_ARGS(name),
                     kinesis->options.account);
        return;
    }
    if (!on_demand && count == 0) {
        mr_call_fail(call, "ValidationException",
                     "ShardCount must be specified when StreamMode is PROVISIONED.");
        return;
    }
    if (on_demand && count != 0) {
        mr_call_fail(call, "ValidationException",
                     "ShardCount must not be specified when StreamMode is ON_DEMAND.");
        return;
    }
    if (mr_catalog_count(kinesis->catalog) >= MR_CATALOG_MAX_STREAMS) {
        mr_call_fail(call, "LimitExceededException", "This server holds at most %d streams.",
                     MR_CATALOG_MAX_STREAMS);
        return;
    }
    uint32_t shards = on_demand ? ON_DEMAND_SHARDS : (uint32_t)count;
    if (!mr_settings_take_warm(call, NULL, on_demand) ||
        !mr_tags_check(call, NULL, mr_arena_cstr(call->arena, name)) ||
        !mr_quota_fits(call, shards)) {
        return;
    }
    take_facts(call, mr_catalog_add(kinesis->catalog, name));
    struct mr_change change = { .kind = MR_CHANGE_CREATE,
                                .stream = name,
                                .shard_count = shards,
                                .retention_hours = DEFAULT_RETENTION_H };
    mr_call_change(call, &change, on_created);
}

/* ---- DeleteStream ---- */

static void
on_deleted(struct mr_kinesis *kinesis, struct mr_call *call, struct mr_slice name,
           const struct mr_error *err)
{
    (void)kinesis;
    (void)name;
    if (call == NULL) {
        return;
    }
    if (err != NULL && err->code != -ENOENT) {
        mr_call_fail_store(call, err);
    } else {
        mr_call_answer(call);
    }
}

void
mr_act_delete_stream(struct mr_call *call)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct mr_stream_facts *facts = mr_target_stream(call);
    if (facts == NULL) {
        return;
    }
    if (facts->consumer_count > 0 && !mr_value_flag(&call->input, "EnforceConsumerDeletion")) {
        mr_call_fail(
            call, "ResourceInUseException",
            "Stream %s under account %s has registered consumers. To delete the stream "
            "and its consumers, set EnforceConsumerDeletion to true.",
            facts->name, kinesis->options.account);
        return;
    }
    mr_subscribe_end_stream(kinesis, facts);
    if (kinesis->options.state_delay_ms > 0) {
        facts->deleted_ms = call->now_ms + kinesis->options.state_delay_ms;
        mr_kinesis_settle_at(kinesis, facts->deleted_ms);
        mr_target_done(call);
        return;
    }
    struct mr_change change = { .kind = MR_CHANGE_DELETE,
                                .stream =
                                    mr_arena_copy(call->arena, mr_slice_str(facts->name)) };
    mr_catalog_remove(kinesis->catalog, facts);
    if (mr_target_save(call)) {
        mr_call_change(call, &change, on_deleted);
    }
}

/* ---- what is told of a stream ---- */

static void
put_mode(struct mr_output *output, const struct mr_stream_facts *facts)
{
    mr_output_key(output, "StreamModeDetails");
    mr_output_begin(output);
    mr_output_put_str(output, "StreamMode", facts->on_demand ? "ON_DEMAND" : "PROVISIONED");
    mr_output_end(output);
}

static void
put_heading(struct mr_call *call, const struct mr_stream_facts *facts)
{
    struct mr_output *output = &call->output;
    mr_output_put_str(output, "StreamName", facts->name);
    mr_output_put_text(output, "StreamARN", mr_target_arn(call, facts->name));
    mr_output_put_str(output, "StreamStatus",
                      mr_target_status_text(mr_target_status(facts, call->now_ms)));
    put_mode(output, facts);
}

static void
put_settings(struct mr_call *call, const struct mr_stream_facts *facts,
             const struct mr_stream_info *info)
{
    struct mr_output *output = &call->output;
    mr_output_put_integer(output, "RetentionPeriodHours", info->retention_hours);
    mr_output_put_timestamp(output, "StreamCreationTimestamp", facts->created_ms);
    mr_output_key(output, "EnhancedMonitoring");
    mr_output_begin_list(output);
    mr_output_begin(output);
    mr_output_key(output, "ShardLevelMetrics");
    mr_monitoring_put(output, facts->metrics);
    mr_output_end(output);
    mr_output_end_list(output);
    mr_output_put_str(output, "EncryptionType", facts->encrypted ? "KMS" : "NONE");
    mr_output_put_str(output, "KeyId", facts->encrypted ? facts->key_id : NULL);
}

static bool
read_info(struct mr_call *call, const struct mr_stream_facts *facts,
          struct mr_stream_info *info)
{
    memset(info, 0, sizeof(*info));
    info->retention_hours = DEFAULT_RETENTION_H; /* of a stream the store is still making */
    return mr_store_glance(call->kinesis->options.store, mr_slice_str(facts->name), info);
}

/* The first shard behind ExclusiveStartShardId; -1 when the call was answered. */
static int64_t
first_shard(struct mr_call *call, const struct mr_stream_facts *facts)
{
    struct mr_slice start = mr_value_text(&call->input, "ExclusiveStartShardId");
    uint32_t index;
    if (start.data == NULL) {
        return 0;
    }
    if (!mr_shard_id_parse(start, &index)) {
        mr_call_fail(call, "ResourceNotFoundException",
                     "Could not find shard %.*s in stream %s under account %s.",
                     MR_SLICE_ARGS(start), facts->name, call->kinesis->options.account);
        return -1;
    }
    return (int64_t)index + 1;
}

void
mr_act_describe_stream(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    int64_t first = facts == NULL ? -1 : first_shard(call, facts);
    if (first < 0) {
        return;
    }
    struct mr_output *output = &call->output;
    struct mr_stream_info info;
    size_t limit = mr_value_limit(&call->input, "Limit", PAGE);
    size_t count, put = 0, at;
    read_info(call, facts, &info);
    const struct mr_shard_info *shards = mr_shards_of(call, facts->name, &count);

    mr_output_begin(output);
    mr_output_key(output, "StreamDescription");
    mr_output_begin(output);
    put_heading(call, facts);
    mr_output_key(output, "Shards");
    mr_output_begin_list(output);
    bool making = mr_target_status(facts, call->now_ms) == MR_STREAM_CREATING;
    for (at = (size_t)first; at < count && put < limit && !making; at++) {
        if (!shards[at].expired) {
            mr_shard_put(output, &shards[at]);
            put++;
        }
    }
    mr_output_end_list(output);
    mr_output_put_boolean(output, "HasMoreShards", at < count && !making);
    put_settings(call, facts, &info);
    mr_output_end(output);
    mr_output_end(output);
    mr_call_answer(call);
}

void
mr_act_describe_stream_summary(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    struct mr_output *output = &call->output;
    struct mr_stream_info info;
    if (facts == NULL) {
        return;
    }
    read_info(call, facts, &info);
    mr_output_begin(output);
    mr_output_key(output, "StreamDescriptionSummary");
    mr_output_begin(output);
    put_heading(call, facts);
    put_settings(call, facts, &info);
    mr_output_put_integer(output, "OpenShardCount", info.open_shards);
    mr_output_put_integer(output, "ConsumerCount", (int64_t)facts->consumer_count);
    mr_output_put_integer(output, "MaxRecordSizeInKiB", facts->max_record_kib);
    mr_settings_put_warm(output, facts);
    mr_output_end(output);
    mr_output_end(output);
    mr_call_answer(call);
}

/* ---- ListStreams ---- */

static bool
list_after(struct mr_call *call, struct mr_slice *out_after)
{
    struct mr_slice token = mr_value_text(&call->input, "NextToken");
    *out_after = mr_value_text(&call->input, "ExclusiveStartStreamName");
    if (token.data == NULL) {
        return true;
    }
    *out_after =
        mr_token_open(&call->kinesis->options.token_key, MR_TOKEN_STREAMS, token, call->arena);
    if (out_after->data == NULL) {
        mr_call_fail(call, "InvalidArgumentException", "NextToken is invalid.");
        return false;
    }
    return true;
}

void
mr_act_list_streams(struct mr_call *call)
{
    struct mr_catalog *catalog = call->kinesis->catalog;
    struct mr_output *output = &call->output;
    size_t limit = mr_value_limit(&call->input, "Limit", PAGE);
    struct mr_slice after;
    struct mr_stream_facts **found = mr_arena_alloc(call->arena, limit * sizeof(found[0]));
    size_t count = 0;
    if (!mr_auth_allows(call, MR_SLICE("*"))) {
        return;
    }
    mr_target_settle(call->kinesis);
    if (!list_after(call, &after)) {
        return;
    }
    struct mr_stream_facts *facts = mr_catalog_next(catalog, after);
    for (; facts != NULL && count < limit; count++) {
        found[count] = facts;
        facts = mr_catalog_next(catalog, mr_slice_str(facts->name));
    }

    mr_output_begin(output);
    mr_output_key(output, "StreamNames");
    mr_output_begin_list(output);
    for (size_t i = 0; i < count; i++) {
        mr_output_str(output, found[i]->name);
    }
    mr_output_end_list(output);
    mr_output_put_boolean(output, "HasMoreStreams", facts != NULL);
    if (facts != NULL) {
        struct mr_slice last = mr_slice_str(found[count - 1]->name);
        mr_output_put_text(output, "NextToken",
                           mr_token_seal(&call->kinesis->options.token_key, MR_TOKEN_STREAMS,
                                         last, call->arena));
    }
    mr_output_key(output, "StreamSummaries");
    mr_output_begin_list(output);
    for (size_t i = 0; i < count; i++) {
        mr_output_begin(output);
        put_heading(call, found[i]);
        mr_output_put_timestamp(output, "StreamCreationTimestamp", found[i]->created_ms);
        mr_output_end(output);
    }
    mr_output_end_list(output);
    mr_output_end(output);
    mr_call_answer(call);
}
