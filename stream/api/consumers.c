/* consumers: register, describe, list and deregister the consumers of a stream. */
#include "stream/api/consumers.h"

#include "base/limits.h"
#include "stream/api/actions.h"
#include "stream/api/kinesis.h"
#include "stream/api/quota.h"
#include "stream/api/subscribe.h"
#include "stream/api/tags.h"
#include "stream/api/target.h"

enum { PAGE = 100, TOKEN_TTL_MS = 300000 };

enum mr_consumer_status
mr_consumer_status(const struct mr_consumer *consumer, uint64_t now_ms)
{
    if (consumer->deleted_ms != 0) {
        return MR_CONSUMER_DELETING;
    }
    return now_ms < consumer->active_ms ? MR_CONSUMER_CREATING : MR_CONSUMER_ACTIVE;
}

const char *
mr_consumer_status_text(enum mr_consumer_status status)
{
    static const char *const texts[] = { "CREATING", "ACTIVE", "DELETING" };
    return texts[status];
}

/* `stream_arn`: DescribeStreamConsumer tells it, the others do not. */
static void
put_consumer(struct mr_call *call, const struct mr_stream_facts *facts,
             const struct mr_consumer *consumer, bool stream_arn)
{
    struct mr_output *output = &call->output;
    enum mr_consumer_status status = mr_consumer_status(consumer, call->now_ms);
    mr_output_begin(output);
    mr_output_put_str(output, "ConsumerName", consumer->name);
    mr_output_put_text(output, "ConsumerARN",
                       mr_target_consumer_arn(call, facts->name, consumer));
    mr_output_put_str(output, "ConsumerStatus", mr_consumer_status_text(status));
    mr_output_put_timestamp(output, "ConsumerCreationTimestamp", consumer->created_ms);
    if (stream_arn) {
        mr_output_put_text(output, "StreamARN", mr_target_arn(call, facts->name));
    }
    mr_output_end(output);
}

/* ---- RegisterStreamConsumer ---- */

static bool
has_room(struct mr_call *call, struct mr_stream_facts *facts)
{
    bool committed = mr_catalog_account(call->kinesis->catalog)->commitment;
    size_t limit = committed ? MR_QUOTA_CONSUMERS_COMMITTED : MR_QUOTA_CONSUMERS;
    size_t creating = 0;
    MR_LIST_EACH(node, &facts->consumers)
    {
        const struct mr_consumer *consumer = MR_CONTAINER_OF(node, struct mr_consumer, node);
        creating += mr_consumer_status(consumer, call->now_ms) == MR_CONSUMER_CREATING;
    }
    if (facts->consumer_count < limit && creating < MR_QUOTA_CONSUMERS_CREATING) {
        return true;
    }
    mr_call_fail(call, "LimitExceededException",
                 "This request would exceed the limit of %zu consumers%s for stream %s under "
                 "account %s.",
                 facts->consumer_count < limit ? (size_t)MR_QUOTA_CONSUMERS_CREATING : limit,
                 facts->consumer_count < limit ? " in the CREATING state" : "", facts->name,
                 call->kinesis->options.account);
    return false;
}

void
mr_act_register_consumer(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    struct mr_slice name = mr_value_text(&call->input, "ConsumerName");
    struct mr_output *output = &call->output;
    if (facts == NULL) {
        return;
    }
    if (mr_catalog_find_consumer(facts, name) != NULL) {
        mr_call_fail(call, "ResourceInUseException",
                     "Consumer %.*s under stream %s already exists for account %s.",
                     MR_SLICE_ARGS(name), facts->name, call->kinesis->options.account);
        return;
    }
    if (!mr_target_is_active(call, facts) || !has_room(call, facts) ||
        !mr_tags_check(call, NULL, facts->name)) {
        return;
    }
    struct mr_consumer *consumer = mr_catalog_add_consumer(facts, name);
    consumer->created_ms = call->now_ms;
    consumer->active_ms = call->now_ms + call->kinesis->options.state_delay_ms;
    mr_tags_take(call, &consumer->tags);
    mr_output_begin(output);
    mr_output_key(output, "Consumer");
    put_consumer(call, facts, consumer, false);
    mr_output_end(output);
    mr_target_done(call);
}

/* ---- the others name a consumer by its ARN, or by the stream's ARN and its name ---- */

static struct mr_stream_facts *
find_consumer(struct mr_call *call, struct mr_consumer **out_consumer)
{
    struct mr_slice arn = mr_value_text(&call->input, "ConsumerARN");
    struct mr_slice stream_arn = mr_value_text(&call->input, "StreamARN");
    struct mr_slice name = mr_value_text(&call->input, "ConsumerName");
    if (arn.data != NULL) {
        struct mr_stream_facts *facts = mr_target_resource(call, "ConsumerARN", out_consumer);
        if (facts != NULL && *out_consumer == NULL) {
            mr_call_fail(call, "InvalidArgumentException",
                         "ConsumerARN %.*s is not a consumer's ARN.", MR_SLICE_ARGS(arn));
            return NULL;
        }
        return facts;
    }
    if (stream_arn.data == NULL || name.data == NULL) {
        mr_call_fail(call, "InvalidArgumentException",
                     "Either ConsumerARN or both StreamARN and ConsumerName should be "
                     "provided.");
        return NULL;
    }
    struct mr_stream_facts *facts = mr_target_stream(call);
    *out_consumer = facts == NULL ? NULL : mr_catalog_find_consumer(facts, name);
    if (facts != NULL && *out_consumer == NULL) {
        mr_call_fail(call, "ResourceNotFoundException",
                     "Consumer %.*s under stream %s not found for account %s.",
                     MR_SLICE_ARGS(name), facts->name, call->kinesis->options.account);
        return NULL;
    }
    return facts;
}

void
mr_act_describe_consumer(struct mr_call *call)
{
    struct mr_consumer *consumer;
    struct mr_stream_facts *facts = find_consumer(call, &consumer);
    if (facts == NULL) {
        return;
    }
    mr_output_begin(&call->output);
    mr_output_key(&call->output, "ConsumerDescription");
    put_consumer(call, facts, consumer, true);
    mr_output_end(&call->output);
    mr_call_answer(call);
}

void
mr_act_deregister_consumer(struct mr_call *call)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct mr_consumer *consumer;
    struct mr_stream_facts *facts = find_consumer(call, &consumer);
    if (facts == NULL) {
        return;
    }
    if (mr_consumer_status(consumer, call->now_ms) == MR_CONSUMER_DELETING) {
        mr_call_fail(call, "ResourceInUseException",
                     "Consumer %s under stream %s is already being deleted for account %s.",
                     consumer->name, facts->name, kinesis->options.account);
        return;
    }
    mr_subscribe_end_consumer(kinesis, facts, consumer);
    if (kinesis->options.state_delay_ms > 0) {
        consumer->deleted_ms = call->now_ms + kinesis->options.state_delay_ms;
        mr_kinesis_settle_at(kinesis, consumer->deleted_ms);
    } else {
        mr_catalog_remove_consumer(facts, consumer);
    }
    mr_target_done(call);
}

/* ---- ListStreamConsumers ---- */

/* Content of a token: "made created stream last-name". */
static bool
read_token(struct mr_call *call, struct mr_slice token, const struct mr_stream_facts *facts,
           struct mr_slice *out_after)
{
    struct mr_slice rest = mr_token_open(&call->kinesis->options.token_key, MR_TOKEN_CONSUMERS,
                                         token, call->arena);
    uint64_t made_ms = 0;
    bool ok = mr_slice_to_u64(mr_slice_cut(&rest, ' '), &made_ms) &&
              mr_slice_is(mr_slice_cut(&rest, ' '), facts->name);
    if (!ok) {
        mr_call_fail(call, "InvalidArgumentException", "NextToken is invalid.");
    } else if (call->now_ms > made_ms + TOKEN_TTL_MS) {
        mr_call_fail(call, "ExpiredNextTokenException", "NextToken has expired.");
        ok = false;
    }
    *out_after = rest;
    return ok;
}

void
mr_act_list_consumers(struct mr_call *call)
{
    struct mr_stream_facts *facts = mr_target_stream(call);
    struct mr_slice token = mr_value_text(&call->input, "NextToken");
    struct mr_slice after = { NULL, 0 };
    size_t limit = mr_value_limit(&call->input, "MaxResults", PAGE), put = 0;
    const struct mr_consumer *last = NULL;
    struct mr_output *output = &call->output;
    bool more = false;
    if (facts == NULL || !mr_target_is_incarnation(call, facts) ||
        (token.data != NULL && !read_token(call, token, facts, &after))) {
        return;
    }
    mr_output_begin(output);
    mr_output_key(output, "Consumers");
    mr_output_begin_list(output);
    MR_LIST_EACH(node, &facts->consumers)
    {
        const struct mr_consumer *consumer = MR_CONTAINER_OF(node, struct mr_consumer, node);
        if (mr_slice_compare(mr_slice_str(consumer->name), after) <= 0) {
            continue;
        }
        if (put == limit) {
            more = true;
            break;
        }
        put_consumer(call, facts, consumer, false);
        last = consumer;
        put++;
    }
    mr_output_end_list(output);
    if (more) {
        char *content =
            mr_arena_printf(call->arena, "%llu %s %s", (unsigned long long)call->now_ms,
                            facts->name, last->name);
        mr_output_put_text(output, "NextToken",
                           mr_token_seal(&call->kinesis->options.token_key, MR_TOKEN_CONSUMERS,
                                         mr_slice_str(content), call->arena));
    }
    mr_output_end(output);
    mr_call_answer(call);
}
