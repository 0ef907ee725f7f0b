#include "base/json_writer.h"
#include "sam-templates/reading.h"

/* `{"error":"..."}`: the first error in the order of the file, and how many more. */
static void
write_error(const struct mr_reading *reading, struct mr_buf *out)
{
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_json_writer json = mr_json_writer_on(out);
    size_t count = 0;

    for (size_t i = 0; i < reading->diagnostic_count; i++) {
        const struct mr_template_diagnostic *diagnostic = &reading->diagnostics[i];
        if (diagnostic->severity != MR_TEMPLATE_ERROR || count++ > 0) {
            continue;
        }
        mr_buf_append_str(&text, reading->options.file_name);
        if (diagnostic->line > 0) {
            mr_buf_printf(&text, ":%u:%u", diagnostic->line, diagnostic->column);
        }
        mr_buf_printf(&text, ": %s", diagnostic->text);
    }
    if (reading->error_count > 1) {
        mr_buf_printf(&text, " (the first of %zu errors)", reading->error_count);
    }
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "error", mr_buf_slice(&text));
    mr_json_end_object(&json);
}

static void
write_one(struct mr_json_writer *json, struct mr_slice id, const char *type,
          const struct mr_node *properties, const struct mr_node *attributes)
{
    mr_json_begin_object(json);
    mr_json_member_string(json, "LogicalId", id);
    mr_json_member_str(json, "Type", type);
    mr_json_key(json, "Properties");
    {
        mr_auto_buf struct mr_buf text = { 0 };
        mr_node_write_json(properties, &text);
        mr_json_put_raw(json, mr_buf_slice(&text));
    }
    if (attributes != NULL) {
        mr_auto_buf struct mr_buf text = { 0 };
        mr_node_write_json(attributes, &text);
        mr_json_key(json, "Attributes");
        mr_json_put_raw(json, mr_buf_slice(&text));
    }
    mr_json_end_object(json);
}

static void
write_mappings(const struct mr_reading *reading, enum mr_template_level level,
               struct mr_json_writer *json)
{
    mr_json_key(json, "esms");
    mr_json_begin_array(json);
    for (size_t i = 0; i < reading->mapping_count; i++) {
        const struct mr_mapping_draft *draft = &reading->drafts[i];
        const struct mr_node *properties =
            level == MR_TEMPLATE_L1 ? draft->properties : draft->resolved;
        if (properties != NULL) {
            write_one(json, draft->id, "AWS::Lambda::EventSourceMapping", properties,
                      level == MR_TEMPLATE_L1 ? draft->attributes : NULL);
        }
    }
    mr_json_end_array(json);
}

/* --- level 1: resources as they stand, Globals merged in --- */

static bool
is_among(struct mr_slice type, const char *const *types)
{
    for (; *types != NULL; types++) {
        if (mr_slice_is(type, *types)) {
            return true;
        }
    }
    return false;
}

static void
write_resources(const struct mr_reading *reading, const char *name, const char *const *types,
                struct mr_json_writer *json)
{
    mr_json_key(json, name);
    mr_json_begin_array(json);
    for (size_t i = 0; i < reading->resource_count; i++) {
        const struct mr_resource *resource = &reading->resources[i];
        if (is_among(resource->type, types)) {
            mr_auto_buf struct mr_buf type = { 0 };
            mr_buf_append_slice(&type, resource->type);
            write_one(json, resource->id, mr_buf_cstr(&type), resource->properties, NULL);
        }
    }
    mr_json_end_array(json);
}

static void
write_level_1(const struct mr_reading *reading, struct mr_json_writer *json)
{
    static const char *const functions[] = { "AWS::Serverless::Function",
                                             "AWS::Lambda::Function", NULL };
    static const char *const sources[] = {
        "AWS::Kinesis::Stream", "AWS::Kinesis::StreamConsumer", "AWS::DynamoDB::Table",
        "AWS::SQS::Queue",      "AWS::Serverless::SimpleTable", NULL,
    };
    static const char *const destinations[] = { "AWS::SNS::Topic", "AWS::S3::Bucket", NULL };

    write_resources(reading, "functions", functions, json);
    write_resources(reading, "sources", sources, json);
    write_resources(reading, "destinations", destinations, json);
}

/* --- level 2: what the model says --- */

static void
optional(struct mr_json_writer *json, const char *name, const char *text)
{
    if (text != NULL) {
        mr_json_member_str(json, name, text);
    }
}

static void
texts(struct mr_json_writer *json, const char *name, const char *const *list, size_t count)
{
    mr_json_key(json, name);
    mr_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        mr_json_put_str(json, list[i]);
    }
    mr_json_end_array(json);
}

static void
write_function(struct mr_json_writer *json, const struct mr_template_function *function)
{
    mr_json_begin_object(json);
    mr_json_member_str(json, "LogicalId", function->logical_id);
    mr_json_member_str(json, "FunctionName", function->name);
    mr_json_member_str(json, "FunctionArn", function->arn);
    optional(json, "Runtime", function->runtime);
    optional(json, "Handler", function->handler);
    optional(json, "CodePath", function->code_path);
    optional(json, "CodeRefusal", function->code_refusal);
    optional(json, "BuildMethod", function->build_method);
    optional(json, "Alias", function->alias);
    optional(json, "DeadLetterArn", function->dead_letter_arn);
    optional(json, "OnSuccess", function->on_success_arn);
    optional(json, "OnFailure", function->on_failure_arn);
    mr_json_member_i64(json, "Timeout", function->timeout_s);
    mr_json_member_i64(json, "MemorySize", function->memory_mb);
    mr_json_member_i64(json, "EphemeralStorage", function->ephemeral_mb);
    if (function->reserved_concurrency >= 0) {
        mr_json_member_i64(json, "ReservedConcurrentExecutions",
                           function->reserved_concurrency);
    }
    texts(json, "Architectures", function->architectures, function->architecture_count);
    texts(json, "Environment", function->environment, function->environment_count);
    texts(json, "Layers", function->layers, function->layer_count);
    mr_json_end_object(json);
}

static void
named(struct mr_json_writer *json, const char *type, const char *id, const char *name,
      const char *arn)
{
    mr_json_member_str(json, "LogicalId", id);
    mr_json_member_str(json, "Type", type);
    mr_json_member_str(json, "Name", name);
    mr_json_member_str(json, "Arn", arn);
}

static void
write_sources(struct mr_json_writer *json, const struct mr_template_model *model)
{
    mr_json_key(json, "sources");
    mr_json_begin_array(json);
    for (size_t i = 0; i < model->stream_count; i++) {
        const struct mr_template_stream *stream = &model->streams[i];
        mr_json_begin_object(json);
        named(json, "AWS::Kinesis::Stream", stream->logical_id, stream->name, stream->arn);
        mr_json_member_i64(json, "ShardCount", stream->shard_count);
        mr_json_member_i64(json, "RetentionPeriodHours", stream->retention_hours);
        mr_json_member_str(json, "StreamMode", stream->on_demand ? "ON_DEMAND" : "PROVISIONED");
        mr_json_end_object(json);
    }
    for (size_t i = 0; i < model->consumer_count; i++) {
        const struct mr_template_consumer *consumer = &model->consumers[i];
        mr_json_begin_object(json);
        named(json, "AWS::Kinesis::StreamConsumer", consumer->logical_id, consumer->name,
              consumer->arn);
        mr_json_member_str(json, "StreamARN", consumer->stream_arn);
        mr_json_end_object(json);
    }
    for (size_t i = 0; i < model->table_count; i++) {
        const struct mr_template_table *table = &model->tables[i];
        mr_json_begin_object(json);
        named(json, "AWS::DynamoDB::Table", table->logical_id, table->name, table->arn);
        optional(json, "StreamArn", table->stream_arn);
        optional(json, "StreamViewType", table->stream_view_type);
        mr_json_end_object(json);
    }
    for (size_t i = 0; i < model->queue_count; i++) {
        const struct mr_template_queue *queue = &model->queues[i];
        mr_json_begin_object(json);
        named(json, "AWS::SQS::Queue", queue->logical_id, queue->name, queue->arn);
        mr_json_member_str(json, "QueueUrl", queue->url);
        mr_json_member_bool(json, "FifoQueue", queue->fifo);
        mr_json_member_i64(json, "VisibilityTimeout", queue->visibility_timeout_s);
        mr_json_end_object(json);
    }
    mr_json_end_array(json);
}

static void
write_destinations(struct mr_json_writer *json, const struct mr_template_model *model)
{
    mr_json_key(json, "destinations");
    mr_json_begin_array(json);
    for (size_t i = 0; i < model->topic_count; i++) {
        mr_json_begin_object(json);
        named(json, "AWS::SNS::Topic", model->topics[i].logical_id, model->topics[i].name,
              model->topics[i].arn);
        mr_json_end_object(json);
    }
    for (size_t i = 0; i < model->bucket_count; i++) {
        mr_json_begin_object(json);
        named(json, "AWS::S3::Bucket", model->buckets[i].logical_id, model->buckets[i].name,
              model->buckets[i].arn);
        mr_json_end_object(json);
    }
    mr_json_end_array(json);
}

static void
write_level_2(const struct mr_template_model *model, struct mr_json_writer *json)
{
    mr_json_key(json, "functions");
    mr_json_begin_array(json);
    for (size_t i = 0; i < model->function_count; i++) {
        write_function(json, &model->functions[i]);
    }
    mr_json_end_array(json);
    write_sources(json, model);
    write_destinations(json, model);
    mr_json_key(json, "outputs");
    mr_json_begin_object(json);
    for (size_t i = 0; i < model->output_count; i++) {
        mr_json_key_slice(json, mr_slice_str(model->outputs[i].name));
        mr_json_put_str(json, model->outputs[i].value);
    }
    mr_json_end_object(json);
    texts(json, "ignored", model->ignored_types, model->ignored_type_count);
}

void
mr_reading_write_json(const struct mr_reading *reading, enum mr_template_level level,
                      struct mr_buf *out)
{
    if (reading->error_count > 0) {
        write_error(reading, out);
        return;
    }
    struct mr_json_writer json = mr_json_writer_on(out);
    mr_json_begin_object(&json);
    write_mappings(reading, level, &json);
    if (level == MR_TEMPLATE_L1) {
        write_level_1(reading, &json);
    } else {
        write_level_2(&reading->model, &json);
    }
    mr_json_end_object(&json);
}
