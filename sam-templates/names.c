#include "sam-templates/resolve.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

static struct mr_slice print(struct mr_reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct mr_slice
print(struct mr_reading *reading, const char *format, ...)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    char text[4096];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    mr_buf_append(&buf, text, size < (int)sizeof(text) ? (size_t)size : sizeof(text) - 1);
    return mr_arena_copy(&reading->arena, mr_buf_slice(&buf));
}

/* Types whose name a property gives. For all others the name is STACK-ID. */
static const struct row {
    const char *type, *property;
    const char *arn; /* with %R region, %A account, %N name; NULL: the type has a rule below */
} rows[] = {
    { "AWS::Serverless::Function", "FunctionName", "arn:aws:lambda:%R:%A:function:%N" },
    { "AWS::Lambda::Function", "FunctionName", "arn:aws:lambda:%R:%A:function:%N" },
    { "AWS::Kinesis::Stream", "Name", "arn:aws:kinesis:%R:%A:stream/%N" },
    { "AWS::Kinesis::StreamConsumer", "ConsumerName", NULL },
    { "AWS::DynamoDB::Table", "TableName", "arn:aws:dynamodb:%R:%A:table/%N" },
    { "AWS::DynamoDB::GlobalTable", "TableName", "arn:aws:dynamodb:%R:%A:table/%N" },
    { "AWS::Serverless::SimpleTable", "TableName", "arn:aws:dynamodb:%R:%A:table/%N" },
    { "AWS::SQS::Queue", "QueueName", "arn:aws:sqs:%R:%A:%N" },
    { "AWS::SNS::Topic", "TopicName", "arn:aws:sns:%R:%A:%N" },
    { "AWS::S3::Bucket", "BucketName", "arn:aws:s3:::%N" },
    { "AWS::IAM::Role", "RoleName", "arn:aws:iam::%A:role/%N" },
    { "AWS::Logs::LogGroup", "LogGroupName", "arn:aws:logs:%R:%A:log-group:%N:*" },
    { "AWS::Serverless::LayerVersion", "LayerName", NULL },
    { "AWS::Lambda::LayerVersion", "LayerName", NULL },
};

static const struct row *
row_of(const struct mr_resource *resource)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (mr_slice_is(resource->type, rows[i].type)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool
is_type(const struct mr_resource *resource, const char *type)
{
    return mr_slice_is(resource->type, type);
}

struct mr_slice
mr_property_text(struct mr_reading *reading, const struct mr_resource *resource,
                 const char *name)
{
    const struct mr_path path = { MR_PATH(MR_PATH(MR_PATH(NULL, MR_SLICE("Resources")),
                                                  resource->id),
                                          MR_SLICE("Properties")),
                                  mr_slice_str(name), 0 };
    const struct mr_node *value = mr_node_get(resource->properties, name);
    return value == NULL ? (struct mr_slice){ NULL, 0 }
                         : mr_resolve_text(reading, value, &path);
}

/* --- the name --- */

static struct mr_slice
lower_case(struct mr_reading *reading, struct mr_slice text)
{
    char *copy = mr_arena_cstr(&reading->arena, text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return mr_slice_str(copy);
}

static struct mr_slice
default_name(struct mr_reading *reading, const struct mr_resource *resource)
{
    bool fifo = false;
    if (is_type(resource, "AWS::SQS::Queue") || is_type(resource, "AWS::SNS::Topic")) {
        const char *property = is_type(resource, "AWS::SQS::Queue") ? "FifoQueue" : "FifoTopic";
        fifo =
            mr_slice_eq_nocase(mr_property_text(reading, resource, property), MR_SLICE("true"));
    }
    struct mr_slice name = print(reading, "%s-%.*s%s", reading->options.stack_name,
                                 MR_SLICE_ARGS(resource->id), fifo ? ".fifo" : "");
    return is_type(resource, "AWS::S3::Bucket") ? lower_case(reading, name) : name;
}

struct mr_slice
mr_name_of(struct mr_reading *reading, struct mr_resource *resource)
{
    const struct row *row = row_of(resource);

    if (resource->name_state == MR_NAME_KNOWN) {
        return resource->name;
    }
    if (resource->name_state == MR_NAME_RUNNING || reading->depth > MR_READING_MAX_DEPTH) {
        mr_reject(reading, resource->id_node, NULL, "the name of %.*s depends on itself",
                  MR_SLICE_ARGS(resource->id));
        return resource->id;
    }
    resource->name_state = MR_NAME_RUNNING;
    reading->depth++;
    struct mr_slice name = { NULL, 0 };
    if (row != NULL) {
        name = mr_property_text(reading, resource, row->property);
    }
    if (name.size == 0) {
        name = default_name(reading, resource);
    }
    reading->depth--;
    resource->name = name;
    resource->name_state = MR_NAME_KNOWN;
    return name;
}

/* --- ARNs --- */

static struct mr_slice
arn_of(struct mr_reading *reading, struct mr_resource *resource, const char *format)
{
    mr_auto_buf struct mr_buf arn = { 0 };
    struct mr_slice name = mr_name_of(reading, resource);

    /* FunctionName may be an ARN already. */
    if (mr_slice_starts_with(name, MR_SLICE("arn:"))) {
        return name;
    }
    for (const char *c = format; *c != '\0'; c++) {
        if (*c != '%') {
            mr_buf_append_byte(&arn, (uint8_t)*c);
            continue;
        }
        switch (*++c) {
        case 'R':
            mr_buf_append_str(&arn, reading->options.region);
            break;
        case 'A':
            mr_buf_append_str(&arn, reading->options.account_id);
            break;
        default:
            mr_buf_append_slice(&arn, name);
            break;
        }
    }
    return mr_arena_copy(&reading->arena, mr_buf_slice(&arn));
}

/* FUNCTION may be a name or an ARN. */
static struct mr_slice
function_arn(struct mr_reading *reading, const struct mr_resource *resource)
{
    struct mr_slice function = mr_property_text(reading, resource, "FunctionName");
    if (mr_slice_starts_with(function, MR_SLICE("arn:"))) {
        return function;
    }
    return print(reading, "arn:aws:lambda:%s:%s:function:%.*s", reading->options.region,
                 reading->options.account_id, MR_SLICE_ARGS(function));
}

static struct mr_slice
alias_arn(struct mr_reading *reading, const struct mr_resource *resource)
{
    struct mr_slice arn = function_arn(reading, resource);
    struct mr_slice name = mr_property_text(reading, resource, "Name");
    return print(reading, "%.*s:%.*s", MR_SLICE_ARGS(arn), MR_SLICE_ARGS(name));
}

static struct mr_slice
consumer_arn(struct mr_reading *reading, struct mr_resource *resource)
{
    struct mr_slice stream = mr_property_text(reading, resource, "StreamARN");
    struct mr_slice name = mr_name_of(reading, resource);
    return print(reading, "%.*s/consumer/%.*s:0", MR_SLICE_ARGS(stream), MR_SLICE_ARGS(name));
}

static struct mr_slice
queue_url(struct mr_reading *reading, struct mr_resource *resource)
{
    struct mr_slice name = mr_name_of(reading, resource);
    return print(reading, "https://sqs.%s.amazonaws.com/%s/%.*s", reading->options.region,
                 reading->options.account_id, MR_SLICE_ARGS(name));
}

/* What stands for itself in ARN form: queues' URLs, topics', aliases' and layers' ARNs. */
static struct mr_slice
special_ref(struct mr_reading *reading, struct mr_resource *resource)
{
    if (is_type(resource, "AWS::SQS::Queue")) {
        return queue_url(reading, resource);
    }
    if (is_type(resource, "AWS::SNS::Topic")) {
        return arn_of(reading, resource, "arn:aws:sns:%R:%A:%N");
    }
    if (is_type(resource, "AWS::Kinesis::StreamConsumer")) {
        return consumer_arn(reading, resource);
    }
    if (is_type(resource, "AWS::Lambda::Alias")) {
        return alias_arn(reading, resource);
    }
    if (is_type(resource, "AWS::Lambda::Version")) {
        struct mr_slice arn = function_arn(reading, resource);
        return print(reading, "%.*s:1", MR_SLICE_ARGS(arn));
    }
    if (is_type(resource, "AWS::Serverless::LayerVersion") ||
        is_type(resource, "AWS::Lambda::LayerVersion")) {
        return arn_of(reading, resource, "arn:aws:lambda:%R:%A:layer:%N:1");
    }
    return (struct mr_slice){ NULL, 0 };
}

struct mr_slice
mr_ref_of(struct mr_reading *reading, struct mr_resource *resource)
{
    if (reading->depth > MR_READING_MAX_DEPTH) {
        return resource->id;
    }
    reading->depth++;
    struct mr_slice ref = special_ref(reading, resource);
    ref = ref.data != NULL ? ref : mr_name_of(reading, resource);
    reading->depth--;
    return ref;
}

static struct mr_slice
attribute_of(struct mr_reading *reading, struct mr_resource *resource,
             struct mr_slice attribute)
{
    const struct row *row = row_of(resource);
    bool is_table = mr_slice_ends_with(resource->type, MR_SLICE("Table")) && row != NULL;
    bool is_consumer = is_type(resource, "AWS::Kinesis::StreamConsumer");

    if (row != NULL && row->arn != NULL &&
        (mr_slice_is(attribute, "Arn") ||
         (mr_slice_is(attribute, "TopicArn") && is_type(resource, "AWS::SNS::Topic")))) {
        return is_type(resource, "AWS::SNS::Topic") && mr_slice_is(attribute, "Arn")
                   ? (struct mr_slice){ NULL, 0 }
                   : arn_of(reading, resource, row->arn);
    }
    if (is_table && mr_slice_is(attribute, "StreamArn")) {
        struct mr_slice arn = arn_of(reading, resource, row->arn);
        return print(reading, "%.*s/stream/1970-01-01T00:00:00.000", MR_SLICE_ARGS(arn));
    }
    if (is_type(resource, "AWS::SQS::Queue") && mr_slice_is(attribute, "QueueUrl")) {
        return queue_url(reading, resource);
    }
    if ((is_type(resource, "AWS::SQS::Queue") && mr_slice_is(attribute, "QueueName")) ||
        (is_type(resource, "AWS::SNS::Topic") && mr_slice_is(attribute, "TopicName")) ||
        (is_consumer && mr_slice_is(attribute, "ConsumerName"))) {
        return mr_name_of(reading, resource);
    }
    if (is_consumer && mr_slice_is(attribute, "ConsumerARN")) {
        return consumer_arn(reading, resource);
    }
    if (is_consumer && mr_slice_is(attribute, "ConsumerStatus")) {
        return MR_SLICE("ACTIVE");
    }
    if (is_consumer && mr_slice_is(attribute, "StreamARN")) {
        return mr_property_text(reading, resource, "StreamARN");
    }
    if (is_type(resource, "AWS::S3::Bucket") && mr_slice_is(attribute, "DomainName")) {
        struct mr_slice name = mr_name_of(reading, resource);
        return print(reading, "%.*s.s3.amazonaws.com", MR_SLICE_ARGS(name));
    }
    if (is_type(resource, "AWS::Lambda::Version") && mr_slice_is(attribute, "Version")) {
        return MR_SLICE("1");
    }
    if (is_type(resource, "AWS::Lambda::EventSourceMapping") && mr_slice_is(attribute, "Id")) {
        return mr_name_of(reading, resource);
    }
    return (struct mr_slice){ NULL, 0 };
}

struct mr_slice
mr_attribute_of(struct mr_reading *reading, struct mr_resource *resource,
                struct mr_slice attribute)
{
    if (reading->depth > MR_READING_MAX_DEPTH) {
        return (struct mr_slice){ NULL, 0 };
    }
    reading->depth++;
    struct mr_slice value = attribute_of(reading, resource, attribute);
    reading->depth--;
    return value;
}
