#include "control/mapping_rules.h"

#include <string.h>

#include "aws/arn.h"
#include "base/limits.h"
#include "poller/filter.h"

#define IPVE "InvalidParameterValueException"

enum {
    K = 1 << MAPPING_KINESIS,
    D = 1 << MAPPING_DYNAMODB,
    S = 1 << MAPPING_SQS,
    M = 1 << MAPPING_MSK,
    F = 1 << MAPPING_KAFKA,
    O = 1 << MAPPING_OTHER,
    MAX_FILTERS = MR_LAMBDA_MAX_FILTERS,
    MAX_SQS_BATCH_WITHOUT_WINDOW = 10,
};

/* Which kinds of source know a parameter. What is not here, all know. */
static const struct {
    const char *member;
    unsigned kinds;
} known_by[] = {
    { "DestinationConfig", K | D | M | F },
    { "ParallelizationFactor", K | D },
    { "BisectBatchOnFunctionError", K | D | M | F },
    { "MaximumRetryAttempts", K | D | M | F },
    { "MaximumRecordAgeInSeconds", K | D | M | F },
    { "TumblingWindowInSeconds", K | D },
    { "StartingPosition", K | D | M | F | O },
    { "StartingPositionTimestamp", K | D | M | F },
    { "FunctionResponseTypes", K | D | S | M | F },
    { "ScalingConfig", S },
    { "ProvisionedPollerConfig", S | M | F },
    { "LoggingConfig", M | F },
    { "Topics", M | F },
    { "Queues", O },
    { "SourceAccessConfigurations", M | F | O },
    { "AmazonManagedKafkaEventSourceConfig", M },
    { "SelfManagedKafkaEventSourceConfig", F },
    { "DocumentDBEventSourceConfig", O },
};

enum mapping_kind
mapping_kind_of(const json_t *document)
{
    static const struct {
        const char *service;
        enum mapping_kind kind;
    } services[] = {
        { "kinesis", MAPPING_KINESIS }, { "dynamodb", MAPPING_DYNAMODB },
        { "sqs", MAPPING_SQS },         { "kafka", MAPPING_MSK },
        { "mq", MAPPING_OTHER },        { "rds", MAPPING_OTHER },
    };
    const char *text = json_text_of(document, "EventSourceArn");
    struct mr_arn arn;

    if (json_object_get(document, "SelfManagedEventSource") != NULL) {
        return MAPPING_KAFKA;
    }
    if (text == NULL || !mr_arn_parse(mr_slice_str(text), &arn)) {
        return MAPPING_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (mr_slice_is(arn.service, services[i].service)) {
            return services[i].kind;
        }
    }
    return MAPPING_UNKNOWN;
}

/* ---- the rules, in the order AWS looks at them ---- */

struct check {
    struct call *call;
    const json_t *document;
    enum mapping_kind kind;
    bool is_create;
};

static json_int_t
number(const struct check *check, const char *member, json_int_t otherwise)
{
    json_t *value = json_object_get(check->document, member);

    return value != NULL ? json_integer_value(value) : otherwise;
}

static bool
source_is_known(const struct check *check)
{
    if (check->kind == MAPPING_UNKNOWN) {
        call_fail(check->call, IPVE, "Unrecognized event source.");
        return false;
    }
    return true;
}

static bool
destination_is_for_failures(const struct check *check)
{
    json_t *given = json_object_get(check->document, "DestinationConfig");

    if (mapping_is_stream(check->kind) && json_object_get(given, "OnSuccess") != NULL) {
        call_fail(check->call, IPVE,
                  "OnSuccess configuration is not supported for event source mappings.");
        return false;
    }
    return true;
}

static bool
parameters_fit_the_source(const struct check *check)
{
    if (check->kind == MAPPING_SQS &&
        json_object_get(check->document, "StartingPosition") != NULL) {
        call_fail(check->call, IPVE, "StartingPosition is not valid for SQS event sources.");
        return false;
    }
    for (size_t i = 0; i < sizeof(known_by) / sizeof(known_by[0]); i++) {
        if (call_member(check->call, known_by[i].member) != NULL &&
            (known_by[i].kinds & 1u << check->kind) == 0) {
            call_fail(check->call, IPVE,
                      "Unsupported %s parameter for given event source mapping type.",
                      known_by[i].member);
            return false;
        }
    }
    return true;
}

static bool
kafka_has_credentials(const struct check *check)
{
    if (check->kind == MAPPING_KAFKA && check->is_create &&
        json_object_get(check->document, "SourceAccessConfigurations") == NULL) {
        call_fail(check->call, IPVE,
                  "Required 'sourceAccessConfigurations' parameter is missing.");
        return false;
    }
    return true;
}

static bool
position_is_right(const struct check *check)
{
    const char *position = json_text_of(check->document, "StartingPosition");
    json_t *timestamp = json_object_get(check->document, "StartingPositionTimestamp");

    if (!check->is_create) {
        return true;
    }
    if (position == NULL && mapping_is_stream(check->kind)) {
        call_fail(check->call, IPVE,
                  "1 validation error detected: Value null at 'startingPosition' failed to "
                  "satisfy constraint: Member must not be null.");
        return false;
    }
    bool at_timestamp = position != NULL && strcmp(position, "AT_TIMESTAMP") == 0;
    if (at_timestamp && check->kind == MAPPING_DYNAMODB) {
        call_fail(check->call, IPVE, "Unsupported starting position for arn type: %s",
                  json_text_of(check->document, "EventSourceArn"));
        return false;
    }
    if (timestamp != NULL && !at_timestamp) {
        call_fail(check->call, IPVE, "Timestamp only valid with StartingPosition AT_TIMESTAMP");
        return false;
    }
    if (at_timestamp && timestamp == NULL) {
        call_fail(check->call, IPVE,
                  "Timestamp must be set with StartingPosition AT_TIMESTAMP");
        return false;
    }
    if (at_timestamp &&
        json_number_value(timestamp) * 1000 > (double)control_now_ms(check->call->control)) {
        call_fail(check->call, IPVE, "StartingPositionTimestamp must not be in the future");
        return false;
    }
    if (at_timestamp && json_number_value(timestamp) < 0) {
        call_fail(check->call, IPVE,
                  "Received Exception while reading from provided stream. class java.lang.Long "
                  "can not be converted to a Timestamp");
        return false;
    }
    return true;
}

static bool
is_fifo(const char *arn)
{
    return arn != NULL && mr_slice_ends_with(mr_slice_str(arn), MR_SLICE(".fifo"));
}

static bool
sqs_batch_has_a_window(const struct check *check)
{
    json_int_t size = number(check, "BatchSize", 10);

    if (check->kind != MAPPING_SQS) {
        return true;
    }
    if (is_fifo(json_text_of(check->document, "EventSourceArn")) &&
        size > MAX_SQS_BATCH_WITHOUT_WINDOW) {
        call_fail(check->call, IPVE, "BatchSize of a FIFO queue must be 10 or less");
        return false;
    }
    if (size > MAX_SQS_BATCH_WITHOUT_WINDOW &&
        number(check, "MaximumBatchingWindowInSeconds", 0) == 0) {
        call_fail(
            check->call, IPVE,
            "Maximum batch window in seconds must be greater than 0 if maximum batch size "
            "is greater than 10");
        return false;
    }
    return true;
}

static bool
age_is_in_range(const struct check *check)
{
    json_int_t age = number(check, "MaximumRecordAgeInSeconds", -1);

    if (age != -1 && age < MR_LAMBDA_MIN_RECORD_AGE_S) {
        call_fail(check->call, IPVE,
                  "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and "
                  "604800 (inclusive)");
        return false;
    }
    return true;
}

static json_t *
filters_of(const struct check *check)
{
    return json_object_get(json_object_get(check->document, "FilterCriteria"), "Filters");
}

static bool
tumbling_stands_alone(const struct check *check)
{
    if (number(check, "TumblingWindowInSeconds", 0) == 0) {
        return true;
    }
    if (number(check, "ParallelizationFactor", 1) > 1) {
        call_fail(check->call, IPVE,
                  "Parallelization factor must be equal to 1 when tumbling window period is "
                  "configured");
        return false;
    }
    if (json_array_size(filters_of(check)) > 0) {
        call_fail(check->call, IPVE,
                  "Filter criteria is not supported when tumbling window period is configured");
        return false;
    }
    return true;
}

/* As the poller will compile it: for a stream, that includes what `data` may be. */
static bool
filter_is_sound(enum mapping_kind kind, const char *text)
{
    const struct mr_slice pattern = mr_slice_str(text);
    struct mr_error err = { 0 };

    if (text == NULL) {
        return false;
    }
    if (kind == MAPPING_KINESIS) {
        mr_auto(mr_filter_free) struct mr_filter *filter =
            mr_filter_new(&pattern, 1, &(struct mr_filter_source){ 0 }, &err);
        return filter != NULL;
    }
    mr_auto(mr_pattern_free) struct mr_pattern *compiled = mr_pattern_new(pattern, &err);
    return compiled != NULL;
}

static bool
filters_compile(const struct check *check)
{
    json_t *filters = filters_of(check), *filter;
    size_t index;

    if (json_array_size(filters) > MAX_FILTERS) {
        call_fail(check->call, IPVE, "Number of filters cannot be greater than %d.",
                  MAX_FILTERS);
        return false;
    }
    json_array_foreach(filters, index, filter)
    {
        if (!filter_is_sound(check->kind, json_text_of(filter, "Pattern"))) {
            call_fail(check->call, IPVE, "Invalid filter pattern definition.");
            return false;
        }
    }
    return true;
}

/* A queue, a topic or a bucket; of brokers' mappings, a topic of theirs, too. */
static bool
takes_documents(const struct check *check, const char *text)
{
    struct mr_arn arn;

    if (!mr_arn_parse(mr_slice_str(text), &arn)) {
        return !mapping_is_stream(check->kind);
    }
    return mr_slice_is(arn.service, "sqs") || mr_slice_is(arn.service, "sns") ||
           mr_slice_is(arn.service, "s3");
}

static bool
destination_is_standard(const struct check *check)
{
    json_t *failure =
        json_object_get(json_object_get(check->document, "DestinationConfig"), "OnFailure");
    const char *arn = json_text_of(failure, "Destination");

    if (call_member(check->call, "DestinationConfig") == NULL || arn == NULL ||
        arn[0] == '\0') {
        return true;
    }
    if (!takes_documents(check, arn)) {
        call_fail(check->call, IPVE,
                  "An on-failure destination must be an SQS queue, an SNS topic or an S3 "
                  "bucket: %s",
                  arn);
        return false;
    }
    if (is_fifo(arn)) {
        call_fail(check->call, IPVE,
                  "FIFO queues and topics are not supported as an on-failure destination: %s",
                  arn);
        return false;
    }
    return true;
}

static bool
pollers_stand_alone(const struct check *check)
{
    if (json_object_size(json_object_get(check->document, "ScalingConfig")) > 0 &&
        json_object_size(json_object_get(check->document, "ProvisionedPollerConfig")) > 0) {
        call_fail(check->call, IPVE,
                  "ScalingConfig and ProvisionedPollerConfig cannot be used together");
        return false;
    }
    return true;
}

bool
mapping_rules_check(struct call *call, const json_t *document, enum mapping_kind kind,
                    bool is_create)
{
    static bool (*const rules[])(const struct check *) = {
        source_is_known,         destination_is_for_failures, parameters_fit_the_source,
        kafka_has_credentials,   position_is_right,           sqs_batch_has_a_window,
        age_is_in_range,         tumbling_stands_alone,       filters_compile,
        destination_is_standard, pollers_stand_alone,
    };
    const struct check check = { call, document, kind, is_create };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (!rules[i](&check)) {
            return false;
        }
    }
    return true;
}

/* ---- defaults ---- */

/* By kind; -2: none. */
static const struct {
    const char *member;
    unsigned kinds;
    json_int_t value;
} defaults[] = {
    { "BatchSize", K | D | M | F | O, 100 },
    { "BatchSize", S, 10 },
    { "MaximumBatchingWindowInSeconds", K | D | S, 0 },
    { "ParallelizationFactor", K | D, 1 },
    { "MaximumRecordAgeInSeconds", K | D, -1 },
    { "MaximumRetryAttempts", K | D, -1 },
    { "TumblingWindowInSeconds", K | D, 0 },
};

static void
set_default(json_t *document, const char *member, json_t *value)
{
    if (json_object_get(document, member) == NULL) {
        json_object_set(document, member, value);
    }
    json_decref(value);
}

/* An empty object or list, or one that holds only an empty list, says nothing. */
static void
drop_empty(json_t *document)
{
    static const struct {
        const char *member, *inner;
    } optional[] = {
        { "FilterCriteria", "Filters" },
        { "MetricsConfig", "Metrics" },
        { "ScalingConfig", "MaximumConcurrency" },
        { "ProvisionedPollerConfig", NULL },
        { "LoggingConfig", NULL },
    };

    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        json_t *value = json_object_get(document, optional[i].member);
        json_t *inner =
            optional[i].inner == NULL ? NULL : json_object_get(value, optional[i].inner);
        if (value != NULL && (json_object_size(value) == 0 ||
                              (json_is_array(inner) && json_array_size(inner) == 0))) {
            json_object_del(document, optional[i].member);
        }
    }
    const char *key = json_text_of(document, "KMSKeyArn");
    if (key != NULL && key[0] == '\0') {
        json_object_del(document, "KMSKeyArn");
    }
}

static void
fill_destination(json_t *document)
{
    json_t *failure =
        json_object_get(json_object_get(document, "DestinationConfig"), "OnFailure");
    const char *arn = json_text_of(failure, "Destination");
    bool given = arn != NULL && arn[0] != '\0';
    json_t *kept = given ? json_pack("{s:s}", "Destination", arn) : json_object();

    json_object_set_new(document, "DestinationConfig", json_pack("{s:o}", "OnFailure", kept));
}

static void
fill_kafka(json_t *document, enum mapping_kind kind)
{
    const char *member = kind == MAPPING_KAFKA ? "SelfManagedKafkaEventSourceConfig"
                                               : "AmazonManagedKafkaEventSourceConfig";

    set_default(document, member, json_object());
    set_default(json_object_get(document, member), "ConsumerGroupId",
                json_incref(json_object_get(document, "UUID")));
    set_default(document, "StartingPosition", json_string("TRIM_HORIZON"));
}

void
mapping_rules_fill(json_t *document, enum mapping_kind kind)
{
    unsigned bit = 1u << kind;

    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if ((defaults[i].kinds & bit) != 0) {
            set_default(document, defaults[i].member, json_integer(defaults[i].value));
        }
    }
    if ((bit & (K | D)) != 0) {
        set_default(document, "BisectBatchOnFunctionError", json_false());
        fill_destination(document);
    } else if (json_object_get(document, "DestinationConfig") != NULL) {
        fill_destination(document);
    }
    if ((bit & (K | D | S)) != 0) {
        set_default(document, "FunctionResponseTypes", json_array());
    }
    if ((bit & (M | F)) != 0) {
        fill_kafka(document, kind);
    }
    drop_empty(document);
}
