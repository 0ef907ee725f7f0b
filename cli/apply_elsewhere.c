/*
 * What is not ours: queues and tables, made at the services whose endpoints are set; and what
 * stands in for a failure destination without one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "cli/apply_inside.h"
#include "cli/state_file.h"

static const char *
endpoint_of(const char *variable)
{
    const char *value = getenv(variable);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* A remote for another service, on the same loop. */
static void
open_remote(struct mr_apply *apply, struct mr_remote *out, const char *endpoint)
{
    struct mr_place_flags flags = { .endpoint = endpoint, .region = apply->model->region };
    mr_auto_place struct mr_place place;
    mr_place_find(&place, &flags);
    mr_remote_init(out, apply->remote->loop, &place);
    out->given_up = apply->remote->given_up;
}

static int
ask(struct mr_remote *remote, const char *service, const char *target, json_t *body,
    json_t **out_answer, struct mr_error *err)
{
    mr_auto_free char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (mr_remote_json(remote, service, target, mr_slice_str(text), err) < 0) {
        return err->code;
    }
    *out_answer = json_loadb((const char *)remote->body.data, remote->body.size, 0, NULL);
    return 0;
}

static void
say_made(struct mr_apply *apply, const char *word, const char *kind, const char *name,
         const char *endpoint, const char *arn)
{
    if (mr_apply_say(apply, word, kind, name)) {
        mr_say_text(apply->say, "at %s   %s", endpoint, arn == NULL ? "" : arn);
        mr_say_str(apply->say, "endpoint", endpoint);
        mr_say_str(apply->say, "arn", arn);
        mr_say_end(apply->say);
    }
}

/* ---- queues ---- */

/* CloudFormation's properties as SQS's attributes, which are all text. */
static json_t *
queue_attributes(const struct mr_template_queue *queue)
{
    static const char *const names[] = {
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "DelaySeconds",
        "FifoQueue",
        "FifoThroughputLimit",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy",
        "RedrivePolicy",
        "VisibilityTimeout",
    };
    json_t *properties = json_loads(queue->properties_json, 0, NULL);
    json_t *attributes = json_object();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *value = json_object_get(properties, names[i]);
        if (value == NULL || json_is_false(value)) {
            continue; /* SQS takes FifoQueue only when it is true */
        }
        mr_auto_free char *text = json_is_string(value)
                                      ? mr_strdup(json_string_value(value))
                                      : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        json_object_set_new(attributes, names[i], json_string(text));
    }
    json_decref(properties);
    return attributes;
}

static int
make_queue(struct mr_apply *apply, struct mr_remote *sqs, const struct mr_template_queue *queue,
           const char *endpoint, struct mr_error *err)
{
    json_t *answer = NULL, *attributes = NULL;
    if (ask(sqs, "sqs", "AmazonSQS.CreateQueue",
            json_pack("{ss so}", "QueueName", queue->name, "Attributes",
                      queue_attributes(queue)),
            &answer, err) < 0) {
        return mr_wrap(err, "queue %s at %s", queue->name, endpoint);
    }
    int result = ask(sqs, "sqs", "AmazonSQS.GetQueueAttributes",
                     json_pack("{sO s[s]}", "QueueUrl", json_object_get(answer, "QueueUrl"),
                               "AttributeNames", "QueueArn"),
                     &attributes, err);
    json_decref(answer);
    if (result < 0) {
        return mr_wrap(err, "queue %s at %s", queue->name, endpoint);
    }
    json_t *arn = json_object_get(json_object_get(attributes, "Attributes"), "QueueArn");
    mr_state_file_put(apply->state, "arns", queue->logical_id, json_incref(arn));
    say_made(apply, "use", "queue", queue->name, endpoint, json_string_value(arn));
    json_decref(attributes);
    return 0;
}

static int
make_queues(struct mr_apply *apply, struct mr_error *err)
{
    const char *endpoint = endpoint_of("AWS_ENDPOINT_URL_SQS");
    int result = 0;
    mr_auto_remote struct mr_remote sqs = { 0 };
    if (endpoint == NULL || strcmp(endpoint, "aws") == 0 || apply->model->queue_count == 0) {
        return 0;
    }
    open_remote(apply, &sqs, endpoint);
    for (size_t i = 0; result == 0 && i < apply->model->queue_count; i++) {
        result = make_queue(apply, &sqs, &apply->model->queues[i], endpoint, err);
    }
    return result;
}

/* ---- tables ---- */

static json_t *
table_request(const struct mr_template_table *table)
{
    static const char *const names[] = { "TableName",
                                         "AttributeDefinitions",
                                         "KeySchema",
                                         "BillingMode",
                                         "ProvisionedThroughput",
                                         "GlobalSecondaryIndexes",
                                         "LocalSecondaryIndexes",
                                         "StreamSpecification" };
    json_t *properties = json_loads(table->properties_json, 0, NULL);
    json_t *request = json_object();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *value = json_object_get(properties, names[i]);
        if (value != NULL) {
            json_object_set(request, names[i], value);
        }
    }
    json_object_set_new(request, "TableName", json_string(table->name));
    json_t *stream = json_object_get(request, "StreamSpecification");
    if (stream != NULL) {
        json_object_set_new(stream, "StreamEnabled", json_true());
    }
    if (json_object_get(request, "ProvisionedThroughput") == NULL) {
        json_object_set_new(request, "BillingMode", json_string("PAY_PER_REQUEST"));
    }
    json_decref(properties);
    return request;
}

static int
make_table(struct mr_apply *apply, struct mr_remote *dynamodb,
           const struct mr_template_table *table, const char *endpoint, struct mr_error *err)
{
    json_t *answer = NULL;
    const char *word = "create";
    if (ask(dynamodb, "dynamodb", "DynamoDB_20120810.CreateTable", table_request(table),
            &answer, err) < 0) {
        if (!mr_remote_said(dynamodb, "ResourceInUseException")) {
            return mr_wrap(err, "table %s at %s", table->name, endpoint);
        }
        word = "keep";
    }
    json_decref(answer);
    answer = NULL;
    if (ask(dynamodb, "dynamodb", "DynamoDB_20120810.DescribeTable",
            json_pack("{ss}", "TableName", table->name), &answer, err) < 0) {
        return mr_wrap(err, "table %s at %s", table->name, endpoint);
    }
    json_t *stream = json_object_get(json_object_get(answer, "Table"), "LatestStreamArn");
    if (stream != NULL) {
        mr_state_file_put(apply->state, "arns", table->logical_id, json_incref(stream));
    }
    say_made(apply, word, "table", table->name, endpoint, json_string_value(stream));
    json_decref(answer);
    return 0;
}

static int
make_tables(struct mr_apply *apply, struct mr_error *err)
{
    const char *endpoint = endpoint_of("AWS_ENDPOINT_URL_DYNAMODB");
    int result = 0;
    mr_auto_remote struct mr_remote dynamodb = { 0 };
    if (endpoint == NULL || strcmp(endpoint, "aws") == 0 || apply->model->table_count == 0) {
        return 0;
    }
    open_remote(apply, &dynamodb, endpoint);
    for (size_t i = 0; result == 0 && i < apply->model->table_count; i++) {
        result = make_table(apply, &dynamodb, &apply->model->tables[i], endpoint, err);
    }
    return result;
}

/* ---- destinations ---- */

static void
say_destination(struct mr_apply *apply, const char *kind, const char *name, const char *arn,
                const char *variable)
{
    const char *endpoint = endpoint_of(variable);
    if (apply->quiet) {
        return;
    }
    mr_say_begin(apply->say, "use");
    mr_say_text(apply->say, "%-9s %-20s ", kind, name);
    mr_say_str(apply->say, "kind", kind);
    mr_say_str(apply->say, "name", name);
    mr_say_str(apply->say, "arn", arn);
    mr_say_str(apply->say, "endpoint", endpoint);
    if (endpoint != NULL) {
        mr_say_text(apply->say, "at %s", endpoint);
    } else {
        mr_say_text(apply->say, "local dead-letter store: millrace dlq list   (or set %s)",
                    variable);
    }
    mr_say_end(apply->say);
}

static bool
is_destination(const struct mr_template_model *model, const char *logical_id)
{
    for (size_t i = 0; i < model->mapping_count; i++) {
        const char *destination = model->mappings[i].destination_logical_id;
        if (destination != NULL && strcmp(destination, logical_id) == 0) {
            return true;
        }
    }
    return false;
}

static void
say_destinations(struct mr_apply *apply)
{
    const struct mr_template_model *model = apply->model;
    for (size_t i = 0; i < model->queue_count; i++) {
        if (is_destination(model, model->queues[i].logical_id) &&
            endpoint_of("AWS_ENDPOINT_URL_SQS") == NULL) {
            say_destination(apply, "queue", model->queues[i].name, model->queues[i].arn,
                            "AWS_ENDPOINT_URL_SQS");
        }
    }
    for (size_t i = 0; i < model->topic_count; i++) {
        if (is_destination(model, model->topics[i].logical_id)) {
            say_destination(apply, "topic", model->topics[i].name, model->topics[i].arn,
                            "AWS_ENDPOINT_URL_SNS");
        }
    }
    for (size_t i = 0; i < model->bucket_count; i++) {
        if (is_destination(model, model->buckets[i].logical_id)) {
            say_destination(apply, "bucket", model->buckets[i].name, model->buckets[i].arn,
                            "AWS_ENDPOINT_URL_S3");
        }
    }
}

int
mr_apply_elsewhere(struct mr_apply *apply, struct mr_error *err)
{
    if (make_queues(apply, err) < 0 || make_tables(apply, err) < 0) {
        return err->code;
    }
    say_destinations(apply);
    return 0;
}
