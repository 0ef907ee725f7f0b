#include "poller/failure_sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/arn.h"
#include "aws/client.h"
#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/list.h"
#include "base/log.h"
#include "base/random.h"

enum {
    DEFAULT_TRIES = 3,
    DEFAULT_BACKOFF_MS = 200,
    TRY_MS = 10000,              /* real time */
    MAX_SNS_BYTES = 256 * 1024,  /* AWS's */
    MAX_SQS_BYTES = 1024 * 1024, /* AWS's, since August 2025 */
    MAX_CLIENTS = 64,            /* one for each service and region */
};

struct delivery;

/* How a service takes a document. */
struct service {
    const char *name;
    size_t max_bytes; /* 0: any */
    bool with_event;
    void (*write)(struct delivery *delivery, struct mr_slice document);
};

struct client {
    const struct service *service;
    char *region;
    struct mr_aws_client *client;
};

struct mr_failure_sink {
    struct mr_failure_sink_options options; /* its strings are not kept */
    struct mr_sink interface;
    char *endpoints[3]; /* by service; NULL: none */
    char *region;
    struct client clients[MAX_CLIENTS];
    size_t client_count;
    struct mr_list deliveries;
    struct mr_random random;
};

/* One letter on its way. */
struct delivery {
    struct mr_list node;
    struct mr_failure_sink *sink;
    struct mr_arena arena;
    struct mr_dead_letter letter; /* in the arena */
    struct mr_slice text;         /* the document as this service gets it */
    struct mr_slice key;          /* S3's */
    struct mr_slice queue_url;    /* SQS's; absent: to be asked for */
    struct mr_sink_attribute attributes[MR_SINK_MAX_ATTRIBUTES]; /* in the arena */
    size_t attribute_count;
    struct mr_arn destination;
    const struct service *service;
    struct mr_aws_client *client;
    struct mr_aws_request request;
    struct mr_buf body;
    struct mr_aws_call *call; /* NULL: none under way */
    struct mr_timer timer;
    uint32_t tries;
    mr_sunk_fn *done;
    void *context;
    enum mr_sunk sunk; /* once settled */
    char detail[300];
};

/* ---- what each service gets ---- */

static struct mr_slice
last_part(struct mr_slice resource)
{
    struct mr_slice part = resource;
    while (resource.data != NULL) {
        part = mr_slice_cut(&resource, ':');
    }
    return part;
}

static void
write_sqs_attributes(struct delivery *delivery, struct mr_json_writer *json)
{
    if (delivery->attribute_count == 0) {
        return;
    }
    mr_json_key(json, "MessageAttributes");
    mr_json_begin_object(json);
    for (size_t i = 0; i < delivery->attribute_count; i++) {
        const struct mr_sink_attribute *attribute = &delivery->attributes[i];
        mr_json_key(json, attribute->name);
        mr_json_begin_object(json);
        mr_json_member_str(json, "DataType", attribute->type);
        mr_json_member_string(json, "StringValue", attribute->value);
        mr_json_end_object(json);
    }
    mr_json_end_object(json);
}

/*
 * JSON protocol. The queue's URL is only a parameter, whatever host it names: the request goes
 * to the endpoint.
 */
static void
write_sqs(struct delivery *delivery, struct mr_slice document)
{
    struct mr_json_writer json = mr_json_writer_on(&delivery->body);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "QueueUrl", delivery->queue_url);
    mr_json_member_string(&json, "MessageBody", document);
    write_sqs_attributes(delivery, &json);
    mr_json_end_object(&json);
    delivery->request = (struct mr_aws_request){
        .target = MR_SLICE("AmazonSQS.SendMessage"),
        .content_type = MR_SLICE("application/x-amz-json-1.0"),
    };
}

/* Query protocol. */
static void
write_sns(struct delivery *delivery, struct mr_slice document)
{
    mr_buf_append_str(&delivery->body, "Action=Publish&Version=2010-03-31&TopicArn=");
    mr_aws_encode(&delivery->body, delivery->letter.destination_arn);
    mr_buf_append_str(&delivery->body, "&Message=");
    mr_aws_encode(&delivery->body, document);
    for (size_t i = 0; i < delivery->attribute_count; i++) {
        const struct mr_sink_attribute *attribute = &delivery->attributes[i];
        mr_buf_printf(&delivery->body,
                      "&MessageAttributes.entry.%zu.Name=%s"
                      "&MessageAttributes.entry.%zu.Value.DataType=%s"
                      "&MessageAttributes.entry.%zu.Value.StringValue=",
                      i + 1, attribute->name, i + 1, attribute->type, i + 1);
        mr_aws_encode(&delivery->body, attribute->value);
    }
    delivery->request = (struct mr_aws_request){
        .content_type = MR_SLICE("application/x-www-form-urlencoded; charset=utf-8"),
    };
}

/* The bucket stands in the path: emulators know no other place, and AWS takes it too. */
static void
write_s3(struct delivery *delivery, struct mr_slice document)
{
    mr_auto_buf struct mr_buf path = { 0 };
    struct mr_slice key = delivery->key;
    mr_buf_append_byte(&path, '/');
    mr_aws_encode(&path, delivery->destination.resource);
    while (key.data != NULL) {
        mr_buf_append_byte(&path, '/');
        mr_aws_encode(&path, mr_slice_cut(&key, '/'));
    }
    mr_buf_append_slice(&delivery->body, document);
    delivery->request = (struct mr_aws_request){
        .method = "PUT",
        .path = mr_arena_copy(&delivery->arena, mr_buf_slice(&path)),
        .content_type = MR_SLICE("application/octet-stream"),
    };
}

static const struct service services[] = {
    { "sqs", MAX_SQS_BYTES, false, write_sqs },
    { "sns", MAX_SNS_BYTES, false, write_sns },
    { "s3", 0, true, write_s3 },
};
enum { SERVICES = sizeof(services) / sizeof(services[0]) };

static const struct service *
find_service(struct mr_slice name)
{
    for (size_t i = 0; i < SERVICES; i++) {
        if (mr_slice_is(name, services[i].name)) {
            return &services[i];
        }
    }
    return NULL;
}

/* ---- clients ---- */

static struct mr_aws_client *
make_client(struct mr_failure_sink *sink, const struct service *service, const char *region,
            struct mr_error *err)
{
    const char *endpoint = sink->endpoints[service - services];
    struct mr_aws_client_options options = {
        .loop = sink->options.loop,
        .http = sink->options.http,
        .credentials = sink->options.credentials,
        .service = service->name,
        .region = region,
        .endpoint = strcmp(endpoint, "aws") == 0 ? NULL : endpoint,
    };
    return mr_aws_client_new(&options, err);
}

/* NULL with `err` when none can be made. */
static struct mr_aws_client *
client_of(struct mr_failure_sink *sink, const struct service *service, struct mr_slice region,
          struct mr_error *err)
{
    if (region.size == 0) {
        region = mr_slice_str(sink->region);
    }
    for (size_t i = 0; i < sink->client_count; i++) {
        if (sink->clients[i].service == service &&
            mr_slice_is(region, sink->clients[i].region)) {
            return sink->clients[i].client;
        }
    }
    if (sink->client_count == MAX_CLIENTS) {
        mr_fail(err, -ENOSPC, "destinations in more than %d regions", MAX_CLIENTS);
        return NULL;
    }
    mr_auto_free char *name = mr_slice_dup(region);
    struct mr_aws_client *client = make_client(sink, service, name, err);
    if (client != NULL) {
        sink->clients[sink->client_count++] = (struct client){ service, MR_TAKE(name), client };
    }
    return client;
}

/* ---- the end of a delivery ---- */

static void
free_delivery(struct delivery *delivery)
{
    mr_list_remove(&delivery->node);
    mr_timer_stop(&delivery->timer);
    if (delivery->call != NULL) {
        mr_aws_call_cancel(delivery->call);
        mr_loop_release(delivery->sink->options.loop);
    }
    mr_buf_deinit(&delivery->body);
    mr_arena_deinit(&delivery->arena);
    free(delivery);
}

static void
tell(void *context)
{
    struct delivery *delivery = context;
    mr_sunk_fn *done = delivery->done;
    enum mr_sunk sunk = delivery->sunk;
    void *their_context = delivery->context;
    char detail[sizeof(delivery->detail)];
    memcpy(detail, delivery->detail, sizeof(detail));
    free_delivery(delivery); /* `done` may free the sink */
    done(sunk, mr_slice_str(detail), their_context);
}

/* Tells on the loop's next round, so that it is never from inside deliver. */
static void
settle(struct delivery *delivery, enum mr_sunk sunk)
{
    delivery->sunk = sunk;
    mr_timer_init(&delivery->timer, delivery->sink->options.loop, MR_TIME_INJECTED, tell,
                  delivery);
    mr_timer_start(&delivery->timer, 0);
}

/* Into the store; a letter that is there already (sent again) stays as it is. */
static bool
keep(struct delivery *delivery, int64_t *out_id)
{
    struct mr_dead_letters *letters = delivery->sink->options.letters;
    struct mr_error err = { 0 };
    *out_id = delivery->letter.id;
    if (*out_id == 0 && letters != NULL) {
        *out_id = mr_dead_letters_add(letters, &delivery->letter, &err);
    }
    if (*out_id <= 0) {
        mr_log(MR_LOG_ERROR, "poller", "a failed batch of %.*s is not kept: %s",
               MR_SLICE_ARGS(delivery->letter.function_arn),
               letters == NULL ? "there is no dead-letter store" : err.text);
    }
    return *out_id > 0;
}

/* No endpoint for its destination: the store stands in for it. */
static void
stay_here(struct delivery *delivery)
{
    int64_t id;
    bool kept = keep(delivery, &id);
    snprintf(delivery->detail, sizeof(delivery->detail),
             kept ? "dead letter %lld" : "it could not be kept in the dead-letter store",
             (long long)id);
    settle(delivery, kept ? MR_SUNK_DELIVERED : MR_SUNK_FAILED);
}

static void
give_up(struct delivery *delivery, const char *reason)
{
    int64_t id;
    delivery->letter.reason = mr_arena_copy(&delivery->arena, mr_slice_str(reason));
    bool kept = keep(delivery, &id);
    int size = snprintf(delivery->detail, sizeof(delivery->detail), "%.230s; ", reason);
    snprintf(delivery->detail + size, sizeof(delivery->detail) - (size_t)size,
             kept ? "kept as dead letter %lld" : "not kept either", (long long)id);
    settle(delivery, MR_SUNK_FAILED);
}

static void
arrive(struct delivery *delivery)
{
    struct mr_error err = { 0 };
    struct mr_slice name = last_part(delivery->destination.resource);
    if (delivery->letter.id != 0 &&
        mr_dead_letters_remove(delivery->sink->options.letters, delivery->letter.id, &err) <
            0 &&
        err.code != -ENOENT) {
        mr_log(MR_LOG_ERROR, "poller", "sent, and still in the store: %s", err.text);
    }
    snprintf(delivery->detail, sizeof(delivery->detail), "%s %.*s%s%.*s",
             delivery->service->name, MR_SLICE_ARGS(mr_slice_first(name, 90)),
             delivery->key.size > 0 ? "/" : "",
             MR_SLICE_ARGS(mr_slice_first(delivery->key, 180)));
    settle(delivery, MR_SUNK_DELIVERED);
}

/* ---- tries ---- */

static void try(void *context);
static void send_document(struct delivery *delivery);
static void send_request(struct delivery *delivery, mr_aws_done_fn *done);

static void
try_again_or_give_up(struct delivery *delivery, const struct mr_error *err)
{
    const struct mr_failure_sink_options *options = &delivery->sink->options;
    uint32_t backoff = options->backoff_ms == 0 ? DEFAULT_BACKOFF_MS : options->backoff_ms;
    if (err->retryable && delivery->tries < options->max_tries) {
        mr_timer_start(&delivery->timer, (uint64_t)backoff << (delivery->tries - 1));
    } else {
        give_up(delivery, err->text);
    }
}

static void
on_answer(const struct mr_aws_result *result, void *context)
{
    struct delivery *delivery = context;
    delivery->call = NULL;
    mr_loop_release(delivery->sink->options.loop);
    if (result->fault == MR_AWS_OK) {
        arrive(delivery);
    } else {
        try_again_or_give_up(delivery, result->error);
    }
}

/* {"QueueUrl":"..."} */
static struct mr_slice
read_queue_url(struct mr_slice body, struct mr_arena *arena)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, url = { NULL, 0 };
    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "QueueUrl") || !mr_json_string(&json, arena, &url)) {
            (void)mr_json_skip(&json);
        }
    }
    return url.size == 0 ? (struct mr_slice){ NULL, 0 } : mr_arena_copy(arena, url);
}

static void
on_queue_url(const struct mr_aws_result *result, void *context)
{
    struct delivery *delivery = context;
    struct mr_error err = { .code = -EBADMSG, .text = "sqs GetQueueUrl: no URL in the answer" };
    delivery->call = NULL;
    mr_loop_release(delivery->sink->options.loop);
    if (result->fault != MR_AWS_OK) {
        try_again_or_give_up(delivery, result->error);
        return;
    }
    delivery->queue_url = read_queue_url(mr_buf_slice(result->body), &delivery->arena);
    if (delivery->queue_url.data == NULL) {
        give_up(delivery, err.text);
        return;
    }
    send_document(delivery);
}

/* How a queue is called at an endpoint that is not AWS's only that endpoint knows. */
static void
ask_queue_url(struct delivery *delivery)
{
    struct mr_json_writer json = mr_json_writer_on(&delivery->body);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "QueueName", delivery->destination.resource);
    mr_json_member_string(&json, "QueueOwnerAWSAccountId", delivery->destination.account);
    mr_json_end_object(&json);
    delivery->request = (struct mr_aws_request){
        .target = MR_SLICE("AmazonSQS.GetQueueUrl"),
        .content_type = MR_SLICE("application/x-amz-json-1.0"),
    };
    send_request(delivery, on_queue_url);
}

static void
send_request(struct delivery *delivery, mr_aws_done_fn *done)
{
    delivery->request.body = mr_buf_slice(&delivery->body);
    delivery->request.total_ms = TRY_MS;
    mr_loop_hold(delivery->sink->options.loop); /* a service's answer takes no virtual time */
    delivery->call = mr_aws_client_send(delivery->client, &delivery->request, done, delivery);
}

static void
send_document(struct delivery *delivery)
{
    mr_buf_clear(&delivery->body);
    delivery->service->write(delivery, delivery->text);
    send_request(delivery, on_answer);
}

static void
try(void *context)
{
    struct delivery *delivery = context;
    bool is_queue = delivery->service->write == write_sqs;
    delivery->tries++;
    mr_buf_clear(&delivery->body);
    if (is_queue && delivery->queue_url.data == NULL) {
        ask_queue_url(delivery);
    } else {
        send_document(delivery);
    }
}

/* At AWS a queue's URL follows from its ARN. */
static void
name_queue(struct delivery *delivery)
{
    const char *endpoint = mr_aws_client_endpoint(delivery->client);
    if (strstr(endpoint, ".amazonaws.com") != NULL) {
        delivery->queue_url =
            mr_slice_str(mr_arena_printf(&delivery->arena, "%s/%.*s/%.*s", endpoint,
                                         MR_SLICE_ARGS(delivery->destination.account),
                                         MR_SLICE_ARGS(delivery->destination.resource)));
    }
}

/* `document` is the text this service gets. */
static void
start(struct delivery *delivery, struct mr_slice document)
{
    const struct service *service = delivery->service;
    if (service->max_bytes > 0 && document.size > service->max_bytes) {
        mr_auto_free char *reason = mr_format("the document has %zu bytes, %s takes %zu",
                                              document.size, service->name, service->max_bytes);
        give_up(delivery, reason);
        return;
    }
    delivery->text = document;
    name_queue(delivery);
    mr_timer_init(&delivery->timer, delivery->sink->options.loop, MR_TIME_INJECTED, try,
                  delivery);
    try(delivery);
}

/* ---- from a document to a letter ---- */

static struct delivery *
new_delivery(struct mr_failure_sink *sink, mr_sunk_fn *done, void *context)
{
    struct delivery *delivery = mr_alloc_zero(1, sizeof(*delivery));
    delivery->sink = sink;
    delivery->done = done;
    delivery->context = context;
    mr_list_push_back(&sink->deliveries, &delivery->node);
    return delivery;
}

static void
write_key(struct delivery *delivery, const struct mr_failure_document *document)
{
    mr_auto_buf struct mr_buf key = { 0 };
    char uuid[MR_UUID_SIZE];
    mr_random_uuid(&delivery->sink->random, uuid);
    mr_failure_document_key(&key, document, delivery->letter.mapping_uuid, uuid);
    delivery->key = mr_arena_copy(&delivery->arena, mr_buf_slice(&key));
}

static struct mr_slice
write_document(struct delivery *delivery, struct mr_failure_document document, bool with_event)
{
    mr_auto_buf struct mr_buf text = { 0 };
    if (!with_event) {
        document.payload = (struct mr_slice){ NULL, 0 };
    }
    mr_failure_document_write(&text, &document);
    return mr_arena_copy(&delivery->arena, mr_buf_slice(&text));
}

/* The caller's letter lives during its call only. */
static void
copy_letter(struct delivery *delivery, const struct mr_sink_letter *letter)
{
    struct mr_arena *arena = &delivery->arena;
    const struct mr_failure_document *document = letter->document;
    delivery->letter = (struct mr_dead_letter){
        .time_ms = document->time_ms,
        .mapping_uuid = mr_arena_copy(arena, letter->mapping_uuid),
        .function_arn = mr_arena_copy(arena, document->function_arn),
        .stream_arn = mr_arena_copy(arena, document->stream_arn),
        .shard_id = mr_arena_copy(arena, document->shard_id),
        .destination_arn = mr_arena_copy(arena, letter->destination_arn),
        .condition = document->condition == MR_LANE_AGE_EXCEEDED
                         ? MR_SLICE("RecordAgeExceeded")
                         : MR_SLICE("RetryAttemptsExhausted"),
        .invoke_count = document->invoke_count,
        .batch_size = document->batch_size,
        .document = write_document(delivery, *document, false),
        .payload = mr_arena_copy(arena, document->payload),
    };
    if (document->batch_size > 0) {
        delivery->letter.first_sequence_number =
            mr_arena_copy(arena, document->start_sequence_number);
        delivery->letter.last_sequence_number =
            mr_arena_copy(arena, document->end_sequence_number);
    }
}

static bool
has_endpoint(const struct mr_failure_sink *sink, const struct service *service)
{
    return sink->endpoints[service - services] != NULL;
}

/* Fills service and client. False when the letter is settled already. */
static bool
find_way(struct delivery *delivery)
{
    struct mr_failure_sink *sink = delivery->sink;
    struct mr_error err = { 0 };
    if (mr_arn_parse(delivery->letter.destination_arn, &delivery->destination)) {
        delivery->service = find_service(delivery->destination.service);
    }
    if (delivery->service == NULL) {
        give_up(delivery, "the destination is no ARN of a queue, a topic or a bucket");
        return false;
    }
    if (!has_endpoint(sink, delivery->service)) {
        stay_here(delivery);
        return false;
    }
    delivery->client = client_of(sink, delivery->service, delivery->destination.region, &err);
    if (delivery->client == NULL) {
        give_up(delivery, err.text);
        return false;
    }
    return true;
}

static void
deliver(void *self, const struct mr_sink_letter *letter, mr_sunk_fn *done, void *context)
{
    struct delivery *delivery = new_delivery(self, done, context);
    if (letter->destination_arn.size == 0) {
        snprintf(delivery->detail, sizeof(delivery->detail), "no destination");
        settle(delivery, MR_SUNK_NONE);
        return;
    }
    copy_letter(delivery, letter);
    if (!find_way(delivery)) {
        return;
    }
    if (delivery->service->with_event) {
        write_key(delivery, letter->document);
        start(delivery, write_document(delivery, *letter->document, true));
    } else {
        start(delivery, delivery->letter.document);
    }
}

/* ---- once more ---- */

/* {"requestContext":..,"version":"1.0","timestamp":..}: the event goes before the timestamp. */
static struct mr_slice
insert_event(struct delivery *delivery)
{
    static const char before[] = ",\"timestamp\":";
    struct mr_slice document = delivery->letter.document;
    const uint8_t *at = memmem(document.data, document.size, before, sizeof(before) - 1);
    size_t place = at == NULL ? document.size : (size_t)(at - document.data);
    mr_auto_buf struct mr_buf text = { 0 };
    mr_buf_append_slice(&text, mr_slice_first(document, place));
    mr_buf_append_str(&text, ",\"payload\":\"");
    mr_json_escape(&text, delivery->letter.payload);
    mr_buf_append_byte(&text, '"');
    mr_buf_append_slice(&text, mr_slice_from(document, place));
    return mr_arena_copy(&delivery->arena, mr_buf_slice(&text));
}

int
mr_failure_sink_send_again(struct mr_failure_sink *sink, int64_t letter_id, mr_sunk_fn *done,
                           void *context, struct mr_error *err)
{
    struct delivery *delivery = new_delivery(sink, done, context);
    struct mr_arn arn = { 0 };
    int result = mr_dead_letters_get(sink->options.letters, letter_id, &delivery->arena,
                                     &delivery->letter, err);
    if (result == 0) {
        (void)mr_arn_parse(delivery->letter.destination_arn, &arn);
        const struct service *service = find_service(arn.service);
        if (service == NULL || !has_endpoint(sink, service)) {
            result =
                mr_fail(err, -ENOTCONN,
                        "no endpoint for %.*s: start with AWS_ENDPOINT_URL_SQS, _SNS or "
                        "_S3 set",
                        MR_SLICE_ARGS(mr_slice_first(delivery->letter.destination_arn, 120)));
        }
    }
    if (result < 0) {
        free_delivery(delivery);
        return result;
    }
    if (find_way(delivery)) {
        struct mr_failure_document place = { .time_ms = delivery->letter.time_ms,
                                             .shard_id = delivery->letter.shard_id };
        if (delivery->service->with_event) {
            write_key(delivery, &place);
        }
        start(delivery, delivery->service->with_event ? insert_event(delivery)
                                                      : delivery->letter.document);
    }
    return 0;
}

/* ---- a document of another kind ---- */

bool
mr_failure_sink_reaches(const struct mr_failure_sink *sink, struct mr_slice destination_arn)
{
    struct mr_arn arn = { 0 };
    const struct service *service =
        mr_arn_parse(destination_arn, &arn) ? find_service(arn.service) : NULL;
    return service != NULL && has_endpoint(sink, service);
}

void
mr_failure_sink_send(struct mr_failure_sink *sink, const struct mr_sink_message *message,
                     mr_sunk_fn *done, void *context)
{
    struct delivery *delivery = new_delivery(sink, done, context);
    struct mr_arena *arena = &delivery->arena;
    delivery->letter = (struct mr_dead_letter){
        .time_ms = message->time_ms,
        .function_arn = mr_arena_copy(arena, message->function_arn),
        .destination_arn = mr_arena_copy(arena, message->destination_arn),
        .condition = mr_arena_copy(arena, message->condition),
        .invoke_count = message->invoke_count,
        .document = mr_arena_copy(arena, message->document),
        .payload = mr_arena_copy(arena, message->payload),
    };
    delivery->attribute_count = message->attribute_count;
    for (size_t i = 0; i < message->attribute_count; i++) {
        delivery->attributes[i] = message->attributes[i];
        delivery->attributes[i].value = mr_arena_copy(arena, message->attributes[i].value);
    }
    if (find_way(delivery)) {
        if (delivery->service->with_event) {
            delivery->key = mr_arena_copy(arena, message->key);
        }
        start(delivery, delivery->letter.document);
    }
}

/* ---- the sink ---- */

struct mr_failure_sink *
mr_failure_sink_new(const struct mr_failure_sink_options *options, struct mr_error *err)
{
    mr_auto(mr_failure_sink_free) struct mr_failure_sink *sink =
        mr_alloc_zero(1, sizeof(*sink));
    const char *endpoints[SERVICES] = { options->sqs_endpoint, options->sns_endpoint,
                                        options->s3_endpoint };
    sink->options = *options;
    sink->options.max_tries = options->max_tries == 0 ? DEFAULT_TRIES : options->max_tries;
    sink->interface = (struct mr_sink){ deliver, sink };
    sink->region = mr_strdup(options->region == NULL ? "us-east-1" : options->region);
    mr_list_init(&sink->deliveries);
    if (options->seed == 0) {
        mr_random_init_system(&sink->random);
    } else {
        mr_random_init_seed(&sink->random, options->seed);
    }
    for (size_t i = 0; i < SERVICES; i++) {
        sink->endpoints[i] = mr_strdup(endpoints[i]);
        if (endpoints[i] != NULL &&
            client_of(sink, &services[i], mr_slice_str(sink->region), err) == NULL) {
            return NULL;
        }
    }
    return MR_TAKE(sink);
}

void
mr_failure_sink_free(struct mr_failure_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    while (!mr_list_empty(&sink->deliveries)) {
        free_delivery(MR_CONTAINER_OF(sink->deliveries.next, struct delivery, node));
    }
    for (size_t i = 0; i < sink->client_count; i++) {
        mr_aws_client_free(sink->clients[i].client);
        free(sink->clients[i].region);
    }
    for (size_t i = 0; i < SERVICES; i++) {
        free(sink->endpoints[i]);
    }
    free(sink->region);
    free(sink);
}

const struct mr_sink *
mr_failure_sink_interface(struct mr_failure_sink *sink)
{
    return &sink->interface;
}
