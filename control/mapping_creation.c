#include "control/mapping_creation.h"

#include <errno.h>
#include <string.h>

#include "aws/arn.h"
#include "aws/client.h"
#include "base/alloc.h"
#include "base/json_writer.h"
#include "control/mapping_rules.h"
#include "control/mappings.h"

#define IPVE "InvalidParameterValueException"

/* ---- duplicates ---- */

static bool
share_brokers(const json_t *one, const json_t *other)
{
    static const char endpoints[] = "Endpoints", servers[] = "KAFKA_BOOTSTRAP_SERVERS";
    json_t *mine = json_object_get(
        json_object_get(json_object_get(one, "SelfManagedEventSource"), endpoints), servers);
    json_t *theirs = json_object_get(
        json_object_get(json_object_get(other, "SelfManagedEventSource"), endpoints), servers);

    for (size_t i = 0; i < json_array_size(mine); i++) {
        for (size_t k = 0; k < json_array_size(theirs); k++) {
            if (json_equal(json_array_get(mine, i), json_array_get(theirs, k))) {
                return true;
            }
        }
    }
    return false;
}

static bool
same_source(const json_t *one, const json_t *other, enum mapping_kind kind)
{
    if (kind == MAPPING_KAFKA) {
        return mapping_kind_of(other) == kind && share_brokers(one, other) &&
               json_equal(json_object_get(one, "Topics"), json_object_get(other, "Topics"));
    }
    return json_equal(json_object_get(one, "EventSourceArn"),
                      json_object_get(other, "EventSourceArn"));
}

static void
join(struct mr_buf *out, const json_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        mr_buf_printf(out, "%s%s", i == 0 ? "" : ",",
                      json_string_value(json_array_get(texts, i)));
    }
}

static void
write_duplicate(struct mr_buf *out, const json_t *document, enum mapping_kind kind,
                const char *uuid)
{
    const char *arn = json_text_of(document, "EventSourceArn");
    const char *name = json_text_of(document, "_function");
    const json_t *brokers = json_object_get(
        json_object_get(json_object_get(document, "SelfManagedEventSource"), "Endpoints"),
        "KAFKA_BOOTSTRAP_SERVERS");

    if (kind == MAPPING_KAFKA) {
        mr_buf_append_str(out, "An event source mapping with event source (\"");
        join(out, brokers);
        mr_buf_printf(out, "\"), function (\"%s\"), topics (\"",
                      json_text_of(document, "FunctionArn"));
        join(out, json_object_get(document, "Topics"));
        mr_buf_append_str(out, "\") already exists.");
    } else if (kind == MAPPING_SQS) {
        mr_buf_printf(out,
                      "An event source mapping with SQS arn (\" %s \") and function (\" %s \") "
                      "already exists.",
                      arn, name);
    } else {
        mr_buf_printf(
            out,
            "The event source arn (\" %s \") and function (\" %s \") provided mapping "
            "already exists.",
            arn, name);
    }
    mr_buf_printf(out, " Please update or delete the existing mapping with UUID %s", uuid);
}

bool
mapping_is_duplicate(struct mr_control *control, const json_t *document,
                     struct mr_buf *out_text)
{
    enum mapping_kind kind = mapping_kind_of(document);
    json_t *other;
    const char *uuid;

    json_object_foreach(mr_state_all(control->state, MR_STATE_MAPPING), uuid, other)
    {
        if (strcmp(uuid, json_text_of(document, "UUID")) != 0 &&
            json_equal(json_object_get(document, "FunctionArn"),
                       json_object_get(other, "FunctionArn")) &&
            same_source(document, other, kind)) {
            write_duplicate(out_text, document, kind, uuid);
            return true;
        }
    }
    return false;
}

/* ---- a creation, while its source is asked ---- */

struct creation {
    struct mr_control *control;
    struct mr_http_exchange *exchange;
    json_t *document;
    struct mr_source *source; /* of a stream, or NULL */
    struct mr_source_call *call;
    struct mr_aws_call *queue_call; /* of a queue, or NULL */
};

static struct creation *
creation_new(struct call *call, json_t *document)
{
    struct creation *creation = mr_alloc_zero(1, sizeof(*creation));

    creation->control = call->control;
    creation->exchange = call->exchange;
    creation->document = json_incref(document);
    return creation;
}

static void
creation_free(void *context)
{
    struct creation *creation = context;

    if (creation->source != NULL) {
        creation->source->ops->free(creation->source);
    }
    json_decref(creation->document);
    free(creation);
}

/* The caller went away: nothing is made. */
static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    struct creation *creation = context;

    (void)exchange;
    if (creation->source != NULL) {
        creation->source->ops->cancel(creation->source, creation->call);
    } else {
        mr_aws_call_cancel(creation->queue_call);
    }
    mr_loop_defer(creation->control->loop, creation_free, creation);
}

/* ---- the end ---- */

/* As the answer shows it: a queue's mapping may be Disabled at once. */
static json_t *
shown(struct mr_control *control, const json_t *document)
{
    bool off = strcmp(json_text_of(document, "State"), "Disabled") == 0;

    return mapping_out(control, document,
                       off && mapping_kind_of(document) == MAPPING_SQS ? "Disabled"
                                                                       : "Creating");
}

/* Write it down, let it run, answer. */
static void
keep(struct mr_control *control, struct mr_http_exchange *exchange, json_t *document)
{
    const char *uuid = json_text_of(document, "UUID");
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_error err = { 0 };

    /* Another call may have made it while the source was asked. */
    if (mapping_is_duplicate(control, document, &text)) {
        exchange_fail(exchange, "ResourceConflictException", mr_buf_cstr(&text));
        return;
    }
    if (mr_state_put(control->state, MR_STATE_MAPPING, uuid, document, &err) < 0) {
        exchange_fail(exchange, "ServiceException", err.text);
        return;
    }
    if (mappings_follow(control->mappings, uuid, &err) < 0) {
        if (mr_state_delete(control->state, MR_STATE_MAPPING, uuid, NULL) < 0) {
            err.code = -EIO;
        }
        exchange_fail(exchange, IPVE, err.text);
        return;
    }
    exchange_reply(exchange, 202, shown(control, document));
}

/* The source has answered: `error` NULL when it is there. */
static void
finish(struct creation *creation, const char *error, const char *text)
{
    mr_http_exchange_on_abort(creation->exchange, NULL, NULL);
    if (error != NULL) {
        exchange_fail(creation->exchange, error, text);
    } else {
        keep(creation->control, creation->exchange, creation->document);
    }
    mr_loop_defer(creation->control->loop, creation_free, creation);
}

/* ---- streams ---- */

static const char *
complain(const struct creation *creation, const struct mr_source_shards *result,
         struct mr_buf *out)
{
    const char *arn = json_text_of(creation->document, "EventSourceArn");

    switch (result->fault) {
    case MR_SOURCE_GONE:
        mr_buf_printf(out, "Stream not found: %s", arn);
        break;
    case MR_SOURCE_DENIED:
        mr_buf_printf(
            out,
            "Cannot access stream %s. Please ensure the role can perform the "
            "GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on "
            "your stream in IAM.",
            arn);
        break;
    default:
        mr_buf_printf(out, "Cannot look at stream %s: %s", arn,
                      result->error != NULL ? result->error->text : "no answer");
        break;
    }
    return mr_buf_cstr(out);
}

static void
on_shards(const struct mr_source_shards *result, void *context)
{
    struct creation *creation = context;
    mr_auto_buf struct mr_buf text = { 0 };

    if (result->fault == MR_SOURCE_OK) {
        finish(creation, NULL, NULL);
        return;
    }
    bool is_theirs = result->fault == MR_SOURCE_GONE || result->fault == MR_SOURCE_DENIED;
    finish(creation, is_theirs ? IPVE : "ServiceException", complain(creation, result, &text));
}

static void
look_at_stream(struct call *call, json_t *document)
{
    struct mr_control *control = call->control;
    struct mr_slice arn = mr_slice_str(json_text_of(document, "EventSourceArn"));
    struct mr_error err = { .text = "no stream server is configured: start millraced with "
                                    "--kinesis" };
    struct mr_source *source =
        control->options.open_source == NULL
            ? NULL
            : control->options.open_source(arn, control->options.open_context, &err);

    if (source == NULL) {
        call_fail(call, IPVE, "%s", err.text);
        return;
    }
    struct creation *creation = creation_new(call, document);
    creation->source = source;
    mr_http_exchange_on_abort(call->exchange, on_abort, creation);
    creation->call = source->ops->list_shards(source, on_shards, creation);
}

/* ---- queues ---- */

static void
on_queue(const struct mr_aws_result *result, void *context)
{
    struct creation *creation = context;

    switch (result->fault) {
    case MR_AWS_OK:
        finish(creation, NULL, NULL);
        break;
    case MR_AWS_NOT_FOUND:
        finish(
            creation, IPVE,
            "Error occurred while ReceiveMessage. SQS Error Code: "
            "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue "
            "does not exist.");
        break;
    case MR_AWS_THROTTLED:
    case MR_AWS_TROUBLE:
        finish(creation, "ServiceException", result->error->text);
        break;
    default:
        finish(creation, IPVE, result->error->text);
        break;
    }
}

static void
look_at_queue(struct call *call, json_t *document)
{
    struct creation *creation = creation_new(call, document);
    struct mr_arn arn = { 0 };
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);

    (void)mr_arn_parse(mr_slice_str(json_text_of(document, "EventSourceArn")), &arn);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "QueueName", arn.resource);
    mr_json_member_string(&json, "QueueOwnerAWSAccountId", arn.account);
    mr_json_end_object(&json);
    const struct mr_aws_request request = {
        .target = MR_SLICE("AmazonSQS.GetQueueUrl"),
        .content_type = MR_SLICE("application/x-amz-json-1.0"),
        .body = mr_buf_slice(&body),
    };
    mr_http_exchange_on_abort(call->exchange, on_abort, creation);
    creation->queue_call =
        mr_aws_client_send(call->control->queues, &request, on_queue, creation);
}

void
mapping_create(struct call *call, json_t *document)
{
    struct mr_control *control = call->control;
    enum mapping_kind kind = mapping_kind_of(document);

    if (kind == MAPPING_KINESIS ||
        (kind == MAPPING_DYNAMODB && control->options.reads_tables)) {
        look_at_stream(call, document);
    } else if (kind == MAPPING_SQS && control->queues != NULL) {
        look_at_queue(call, document);
    } else {
        keep(control, call->exchange, document);
    }
}
