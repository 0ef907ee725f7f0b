#include "stream/api/target.h"

#include "aws/arn.h"
#include "base/log.h"
#include "stream/api/auth.h"
#include "stream/api/kinesis.h"
#include "stream/store.h"

enum mr_stream_status
mr_target_status(const struct mr_stream_facts *facts, uint64_t now_ms)
{
    if (facts->deleted_ms != 0) {
        return MR_STREAM_DELETING;
    }
    if (now_ms < facts->active_ms) {
        return MR_STREAM_CREATING;
    }
    return facts->changing || now_ms < facts->updated_ms ? MR_STREAM_UPDATING
                                                         : MR_STREAM_ACTIVE;
}

const char *
mr_target_status_text(enum mr_stream_status status)
{
    static const char *const texts[] = { "CREATING", "ACTIVE", "UPDATING", "DELETING" };
    return texts[status];
}

struct mr_slice
mr_target_arn(struct mr_call *call, const char *stream_name)
{
    const struct mr_kinesis_options *options = &call->kinesis->options;
    return mr_slice_str(mr_arena_printf(call->arena, "arn:%s:kinesis:%s:%s:stream/%s",
                                        mr_arn_partition(mr_slice_str(options->region)),
                                        options->region, options->account, stream_name));
}

struct mr_slice
mr_target_consumer_arn(struct mr_call *call, const char *stream_name,
                       const struct mr_consumer *consumer)
{
    struct mr_slice arn = mr_target_arn(call, stream_name);
    return mr_slice_str(mr_arena_printf(call->arena, "%.*s/consumer/%s:%llu",
                                        MR_SLICE_ARGS(arn), consumer->name,
                                        (unsigned long long)(consumer->created_ms / 1000)));
}

static struct mr_stream_facts *
not_found(struct mr_call *call, struct mr_slice name, struct mr_slice account)
{
    mr_call_fail(call, "ResourceNotFoundException", "Stream %.*s under account %.*s not found.",
                 MR_SLICE_ARGS(name), MR_SLICE_ARGS(account));
    return NULL;
}

void
mr_target_missing(struct mr_call *call, const struct mr_stream_facts *facts)
{
    not_found(call, mr_slice_str(facts->name), mr_slice_str(call->kinesis->options.account));
}

bool
mr_target_is_incarnation(struct mr_call *call, const struct mr_stream_facts *facts)
{
    const struct mr_value *timestamp = mr_value_find(&call->input, "StreamCreationTimestamp");
    if (timestamp == NULL || timestamp->number / 1000 == (int64_t)facts->created_ms / 1000) {
        return true;
    }
    mr_target_missing(call, facts);
    return false;
}

/* An ARN of another account or region names nothing here. */
static bool
is_here(const struct mr_call *call, const struct mr_arn *arn)
{
    return mr_slice_is(arn->region, call->kinesis->options.region) &&
           mr_slice_is(arn->account, call->kinesis->options.account);
}

struct mr_slice
mr_target_name(const struct mr_call *call)
{
    struct mr_slice name = mr_value_text(&call->input, "StreamName");
    struct mr_kinesis_arn parsed;
    if (name.data == NULL &&
        mr_kinesis_arn_parse(mr_value_text(&call->input, "StreamARN"), &parsed)) {
        return parsed.stream_name;
    }
    return name;
}

/* NULL with `*out_missing` false: answered. */
static struct mr_stream_facts *
find(struct mr_call *call, struct mr_slice name, struct mr_slice arn, bool *out_missing)
{
    struct mr_kinesis_arn parsed;
    bool here = true;

    *out_missing = false;
    if (name.data == NULL && arn.data == NULL) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Either StreamARN or StreamName should be provided.");
        return NULL;
    }
    if (arn.data != NULL) {
        if (!mr_kinesis_arn_parse(arn, &parsed) || parsed.consumer_name.data != NULL) {
            mr_call_fail(call, "InvalidArgumentException",
                         "StreamARN %.*s is not a stream's ARN.", MR_SLICE_ARGS(arn));
            return NULL;
        }
        if (name.data != NULL && !mr_slice_eq(name, parsed.stream_name)) {
            mr_call_fail(call, "InvalidArgumentException",
                         "StreamName %.*s and StreamARN %.*s name different streams.",
                         MR_SLICE_ARGS(name), MR_SLICE_ARGS(arn));
            return NULL;
        }
        name = parsed.stream_name;
        here = is_here(call, &parsed.arn);
    }
    if (call->principal != NULL &&
        !mr_auth_allows(call, mr_target_arn(call, mr_arena_cstr(call->arena, name)))) {
        return NULL;
    }
    mr_target_settle(call->kinesis);
    struct mr_stream_facts *facts = here ? mr_catalog_find(call->kinesis->catalog, name) : NULL;
    *out_missing = facts == NULL;
    return facts;
}

struct mr_stream_facts *
mr_target_named(struct mr_call *call, struct mr_slice name, struct mr_slice arn)
{
    struct mr_slice account = mr_slice_str(call->kinesis->options.account);
    struct mr_kinesis_arn parsed;
    bool missing;
    struct mr_stream_facts *facts = find(call, name, arn, &missing);
    if (!missing) {
        return facts;
    }
    if (arn.data != NULL && mr_kinesis_arn_parse(arn, &parsed)) {
        name = parsed.stream_name;
        account = parsed.arn.account;
    }
    return not_found(call, name, account);
}

struct mr_stream_facts *
mr_target_stream_of_shard(struct mr_call *call, uint32_t shard)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    bool missing;
    struct mr_stream_facts *facts = find(call, mr_value_text(&call->input, "StreamName"),
                                         mr_value_text(&call->input, "StreamARN"), &missing);
    if (facts != NULL && mr_target_status(facts, call->now_ms) != MR_STREAM_CREATING) {
        return facts;
    }
    if (facts != NULL || missing) {
        mr_shard_id_print(shard, id);
        mr_call_fail(call, "ResourceNotFoundException",
                     "Shard %s in stream %.*s under account %s does not exist", id,
                     MR_SLICE_ARGS(mr_target_name(call)), call->kinesis->options.account);
    }
    return NULL;
}

struct mr_stream_facts *
mr_target_stream(struct mr_call *call)
{
    return mr_target_named(call, mr_value_text(&call->input, "StreamName"),
                           mr_value_text(&call->input, "StreamARN"));
}

struct mr_stream_facts *
mr_target_active_stream(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    return facts != NULL && mr_target_is_active(call, facts) ? facts : NULL;
}

bool
mr_target_is_active(struct mr_call *call, const struct mr_stream_facts *facts)
{
    enum mr_stream_status status = mr_target_status(facts, call->now_ms);
    if (status == MR_STREAM_ACTIVE) {
        return true;
    }
    mr_call_fail(call, "ResourceInUseException",
                 "Stream %s under account %s not ACTIVE, instead in state %s", facts->name,
                 call->kinesis->options.account, mr_target_status_text(status));
    return false;
}

/* The one way to write what an ARN of ours names: a policy must not be got around by another.
 */
static struct mr_slice
canonical_arn(struct mr_call *call, const struct mr_kinesis_arn *parsed, struct mr_slice given)
{
    if (call->principal == NULL || !is_here(call, &parsed->arn)) {
        return given; /* it names nothing here */
    }
    struct mr_slice stream =
        mr_target_arn(call, mr_arena_cstr(call->arena, parsed->stream_name));
    if (parsed->consumer_name.data == NULL) {
        return stream;
    }
    return mr_slice_str(mr_arena_printf(
        call->arena, "%.*s/consumer/%.*s:%llu", MR_SLICE_ARGS(stream),
        MR_SLICE_ARGS(parsed->consumer_name), (unsigned long long)parsed->consumer_created_s));
}

struct mr_stream_facts *
mr_target_resource(struct mr_call *call, const char *name, struct mr_consumer **out_consumer)
{
    struct mr_slice arn = mr_value_text(&call->input, name);
    struct mr_kinesis_arn parsed;

    *out_consumer = NULL;
    if (!mr_kinesis_arn_parse(arn, &parsed)) {
        mr_call_fail(call, "InvalidArgumentException",
                     "%s %.*s is neither a stream's nor a consumer's ARN.", name,
                     MR_SLICE_ARGS(arn));
        return NULL;
    }
    if (!mr_auth_allows(call, canonical_arn(call, &parsed, arn))) {
        return NULL;
    }
    mr_target_settle(call->kinesis);
    struct mr_stream_facts *facts =
        is_here(call, &parsed.arn) ? mr_catalog_find(call->kinesis->catalog, parsed.stream_name)
                                   : NULL;
    if (facts == NULL) {
        return not_found(call, arn, parsed.arn.account);
    }
    if (parsed.consumer_name.data == NULL) {
        return facts;
    }
    struct mr_consumer *consumer = mr_catalog_find_consumer(facts, parsed.consumer_name);
    if (consumer == NULL || consumer->created_ms / 1000 != parsed.consumer_created_s) {
        mr_call_fail(call, "ResourceNotFoundException",
                     "Consumer %.*s, account %.*s not found.", MR_SLICE_ARGS(arn),
                     MR_SLICE_ARGS(parsed.arn.account));
        return NULL;
    }
    *out_consumer = consumer;
    return facts;
}

/* ---- what time has ended ---- */

static bool
settle_consumers(struct mr_stream_facts *facts, uint64_t now_ms)
{
    bool changed = false;

    MR_LIST_EACH(node, &facts->consumers)
    {
        struct mr_consumer *consumer = MR_CONTAINER_OF(node, struct mr_consumer, node);
        if (consumer->deleted_ms != 0 && consumer->deleted_ms <= now_ms) {
            mr_catalog_remove_consumer(facts, consumer);
            changed = true;
        }
    }
    return changed;
}

void
mr_target_settle(struct mr_kinesis *kinesis)
{
    uint64_t now_ms = mr_kinesis_now_ms(kinesis);
    struct mr_slice after = { NULL, 0 };
    struct mr_stream_facts *facts;
    struct mr_error err = { 0 };
    bool changed = false;

    if (kinesis->next_settle_ms == 0 || now_ms < kinesis->next_settle_ms) {
        return;
    }
    kinesis->next_settle_ms = 0;
    while ((facts = mr_catalog_next(kinesis->catalog, after)) != NULL) {
        changed |= settle_consumers(facts, now_ms);
        if (facts->deleted_ms != 0 && facts->deleted_ms <= now_ms) {
            mr_kinesis_drop_stream(kinesis, facts);
            changed = true;
            continue;
        }
        mr_kinesis_settle_at(kinesis, facts->deleted_ms);
        MR_LIST_EACH(node, &facts->consumers)
        {
            mr_kinesis_settle_at(kinesis,
                                 MR_CONTAINER_OF(node, struct mr_consumer, node)->deleted_ms);
        }
        after = mr_slice_str(facts->name);
    }
    if (changed && mr_catalog_save(kinesis->catalog, &err) < 0) {
        mr_log(MR_LOG_ERROR, "stream", "%s", err.text);
    }
}

bool
mr_target_save(struct mr_call *call)
{
    struct mr_error err = { 0 };

    if (mr_catalog_save(call->kinesis->catalog, &err) == 0) {
        return true;
    }
    mr_log(MR_LOG_ERROR, "stream", "%s", err.text);
    mr_call_fail(call, "InternalFailure", "Internal Service Failure");
    return false;
}

void
mr_target_done(struct mr_call *call)
{
    if (mr_target_save(call)) {
        mr_call_answer(call);
    }
}
