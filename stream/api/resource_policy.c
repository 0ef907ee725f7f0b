/*
 * resource_policy: PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.
 *
 * The policy of a stream or consumer is kept and given back as it was put. It opens a
 * stream to other accounts on AWS; here there is one account, and its principals' own policies
 * (api/policy.h) decide.
 */
#include <jansson.h>
#include <stdlib.h>

#include "stream/api/actions.h"
#include "stream/api/catalog.h"
#include "stream/api/kinesis.h"
#include "stream/api/target.h"

static char **
policy_of(struct mr_call *call)
{
    struct mr_consumer *consumer;
    struct mr_stream_facts *facts = mr_target_resource(call, "ResourceARN", &consumer);
    if (facts == NULL) {
        return NULL;
    }
    return consumer != NULL ? &consumer->policy : &facts->policy;
}

/* A JSON object with a Statement, of a size AWS takes. */
static bool
is_policy(struct mr_slice text)
{
    json_t *document =
        json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_object_get(document, "Statement") != NULL;
    json_decref(document);
    return ok;
}

void
mr_act_put_resource_policy(struct mr_call *call)
{
    struct mr_slice text = mr_value_text(&call->input, "Policy");
    char **policy = policy_of(call);
    if (policy == NULL) {
        return;
    }
    if (text.size > MR_CATALOG_MAX_POLICY) {
        mr_call_fail(call, "InvalidArgumentException",
                     "The policy exceeds the maximum size of %d bytes.", MR_CATALOG_MAX_POLICY);
        return;
    }
    if (!is_policy(text)) {
        mr_call_fail(call, "InvalidArgumentException",
                     "The policy is not a valid JSON policy document.");
        return;
    }
    free(*policy);
    *policy = mr_slice_dup(text);
    mr_target_done(call);
}

/* Where there is none, AWS gives an empty document. */
void
mr_act_get_resource_policy(struct mr_call *call)
{
    char **policy = policy_of(call);
    if (policy == NULL) {
        return;
    }
    mr_output_begin(&call->output);
    mr_output_put_str(&call->output, "Policy", *policy == NULL ? "{}" : *policy);
    mr_output_end(&call->output);
    mr_call_answer(call);
}

void
mr_act_delete_resource_policy(struct mr_call *call)
{
    struct mr_slice arn = mr_value_text(&call->input, "ResourceARN");
    char **policy = policy_of(call);
    if (policy == NULL) {
        return;
    }
    if (*policy == NULL) {
        mr_call_fail(call, "ResourceNotFoundException",
                     "No resource policy found for resource ARN %.*s.", MR_SLICE_ARGS(arn));
        return;
    }
    free(*policy);
    *policy = NULL;
    mr_target_done(call);
}
