/*
 * template: what a SAM or CloudFormation template means to Millrace.
 *
 * Reads a YAML or JSON template, merges Globals, resolves parameters, conditions
 * and intrinsic functions, turns SAM events into event source mappings, and
 * returns plain structs: functions, streams, tables, queues, mappings, ...
 * Nothing is built, created or fetched. The rules are docs/templates.md.
 *
 * Everything a model shows belongs to the model and lives until
 * mr_template_free. Strings are NUL-terminated and valid UTF-8; a value the
 * template does not give is NULL (text) or -1 (number) unless said otherwise,
 * and the service's default applies.
 *
 * A resource whose Condition is false is absent. Thread: any, one at a time.
 */
#ifndef MR_SAM_TEMPLATES_TEMPLATE_H
#define MR_SAM_TEMPLATES_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

struct mr_template; /* a parsed template and all that was read out of it */

/* --- options --- */

enum mr_template_missing {
    MR_TEMPLATE_MISSING_IS_ERROR, /* all parameters without a value are named in one diagnostic
                                   */
    MR_TEMPLATE_MISSING_IS_DUMMY, /* for looking: `dummy-NAME`, 0 for a Number, and what only
                                   * the service would refuse is a warning */
};

struct mr_template_options {
    const char *file_name;  /* as diagnostics and `directory` show it; NULL: "template.yaml" */
    const char *directory;  /* CodeUri is relative to it; NULL: that of file_name */
    const char *stack_name; /* NULL: "local" */
    const char *region;     /* NULL: "us-east-1" */
    const char *account_id; /* NULL: "123456789012" */
    const char *translator_region; /* what SAM's translator takes for its own; NULL: region */
    const char *const *parameters; /* `Name=Value` list ending in NULL; NULL: none */
    const char *const *imports;    /* `Name=Value` for Fn::ImportValue, likewise */
    const char *const *shell; /* an environ for values that replace a template's variable of
                               * the same name; NULL: none */
    struct mr_slice env_vars; /* the --env-vars JSON document; absent: none */
    enum mr_template_missing missing;
};

/* --- diagnostics --- */

enum mr_template_severity { MR_TEMPLATE_ERROR, MR_TEMPLATE_WARNING, MR_TEMPLATE_INFO };

struct mr_template_diagnostic {
    enum mr_template_severity severity;
    unsigned line, column; /* from 1; 0 when it is about no place in the file */
    const char *path;      /* "Resources.OrderFn.Properties.Timeout"; "" for the document */
    const char *text;      /* one sentence, without place */
};

/* --- what is in it --- */

struct mr_template_place {
    unsigned line, column; /* of the resource's logical ID */
};

struct mr_template_tag {
    const char *key, *value;
};

/* A function of either spelling. */
struct mr_template_function {
    const char *logical_id;
    const char *name; /* FunctionName, or STACK-LOGICALID */
    const char *arn;
    struct mr_template_place place;
    bool is_serverless;       /* AWS::Serverless::Function: has Events and `millrace build` */
    const char *runtime;      /* "provided.al2023"; NULL when not given */
    const char *handler;      /* NULL when not given */
    const char *code_path;    /* absolute; NULL when the code is not on this machine */
    const char *code_refusal; /* why it cannot run here ("InlineCode is ...") or NULL */
    const char *build_method; /* Metadata.BuildMethod: "makefile", ...; NULL */
    const char *description;
    const char *role;                 /* as resolved; for show only */
    int64_t timeout_s;                /* 3 */
    int64_t memory_mb;                /* 128 */
    int64_t ephemeral_mb;             /* 512 */
    int64_t reserved_concurrency;     /* -1: none asked for; 0 means throttled */
    const char *const *architectures; /* x86_64, arm64; never empty */
    size_t architecture_count;
    const char *const *environment; /* NAME=value, overrides applied; ends in NULL */
    size_t environment_count;
    const char *const *layers; /* absolute path of a layer of this template, or an ARN */
    size_t layer_count;
    const char *alias;           /* AutoPublishAlias, or NULL */
    const char *dead_letter_arn; /* DeadLetterQueue / DeadLetterConfig target, or NULL */
    const char *on_success_arn, *on_failure_arn; /* EventInvokeConfig destinations, or NULL */
    int64_t invoke_max_retries;                  /* EventInvokeConfig; -1: not given */
    int64_t invoke_max_age_s;                    /* likewise */
};

struct mr_template_layer {
    const char *logical_id, *name, *arn;
    struct mr_template_place place;
    const char *code_path;    /* absolute, or NULL when it is not on this machine */
    const char *build_method; /* or NULL */
};

struct mr_template_stream {
    const char *logical_id, *name, *arn;
    struct mr_template_place place;
    int64_t shard_count;     /* 1 when not given, 4 when ON_DEMAND */
    int64_t retention_hours; /* 24 */
    bool on_demand;
    int64_t max_record_kib; /* 1024 */
    const struct mr_template_tag *tags;
    size_t tag_count;
};

struct mr_template_consumer {
    const char *logical_id, *name, *arn, *stream_arn;
    struct mr_template_place place;
    const char *stream_logical_id; /* when the stream is of this template, or NULL */
};

struct mr_template_table {
    const char *logical_id, *name, *arn;
    struct mr_template_place place;
    const char *stream_arn;       /* NULL: no stream, cannot be a source */
    const char *stream_view_type; /* NEW_AND_OLD_IMAGES, ...; NULL without a stream */
    const char *properties_json;  /* as CreateTable wants them */
};

struct mr_template_queue {
    const char *logical_id, *name, *arn, *url;
    struct mr_template_place place;
    bool fifo;
    int64_t visibility_timeout_s;   /* 30 */
    const char *redrive_target_arn; /* or NULL */
    int64_t max_receive_count;      /* -1 without RedrivePolicy */
    const char *properties_json;
    bool is_generated; /* made for an SNS event with SqsSubscription */
};

struct mr_template_topic {
    const char *logical_id, *name, *arn;
    struct mr_template_place place;
};

/* A queue that hears a topic. */
struct mr_template_subscription {
    const char *topic_arn, *protocol, *endpoint;
    struct mr_template_place place;
};

struct mr_template_bucket {
    const char *logical_id, *name, *arn;
    struct mr_template_place place;
};

enum mr_template_source {
    MR_TEMPLATE_KINESIS, /* a stream, or a consumer of one */
    MR_TEMPLATE_DYNAMODB,
    MR_TEMPLATE_SQS,
    MR_TEMPLATE_MSK,
    MR_TEMPLATE_SELF_MANAGED_KAFKA,
    MR_TEMPLATE_MQ,
    MR_TEMPLATE_DOCUMENTDB,
    MR_TEMPLATE_UNKNOWN_SOURCE, /* an ARN that names none of these */
};

/* "Kinesis", "DynamoDB", "SQS", ...: SAM's event type names. */
const char *mr_template_source_name(enum mr_template_source source);

struct mr_template_mapping {
    const char *logical_id;
    struct mr_template_place place;
    enum mr_template_source source;
    const char *event_name; /* the event's name in SAM, NULL for a mapping of its own */
    const char *function_logical_id; /* of this template, or NULL */
    const char *function_name;       /* FunctionName as resolved: name, ARN or alias ARN */
    const char *source_arn;          /* EventSourceArn; NULL for self-managed Kafka */
    const char *source_logical_id; /* stream, consumer, table or queue of this template; NULL */
    const char *destination_arn;   /* DestinationConfig.OnFailure.Destination, or NULL */
    const char *destination_logical_id; /* of this template, or NULL */
    bool enabled;                       /* true */
    /* The resolved properties as CreateEventSourceMapping takes them: one JSON object. */
    const char *properties_json;
};

struct mr_template_output {
    const char *name, *value, *description, *export_name; /* the last two may be NULL */
};

struct mr_template_parameter {
    const char *name, *value; /* resolved; "****" in place of a NoEcho value */
    bool is_default;
};

struct mr_template_model {
    const char *description;
    const char *stack_name, *region, *account_id;
    const struct mr_template_function *functions;
    size_t function_count;
    const struct mr_template_layer *layers;
    size_t layer_count;
    const struct mr_template_stream *streams;
    size_t stream_count;
    const struct mr_template_consumer *consumers;
    size_t consumer_count;
    const struct mr_template_table *tables;
    size_t table_count;
    const struct mr_template_queue *queues;
    size_t queue_count;
    const struct mr_template_topic *topics;
    size_t topic_count;
    const struct mr_template_subscription *subscriptions;
    size_t subscription_count;
    const struct mr_template_bucket *buckets;
    size_t bucket_count;
    const struct mr_template_mapping *mappings;
    size_t mapping_count;
    const struct mr_template_output *outputs;
    size_t output_count;
    const struct mr_template_parameter *parameters;
    size_t parameter_count;
    /* Types of resources that were accepted and mean nothing here, each once, sorted. */
    const char *const *ignored_types;
    size_t ignored_type_count;
};

/* --- reading --- */

/*
 * Read `text`. Never NULL: what was wrong is in the diagnostics. `options` may
 * be NULL and need not outlive the call.
 */
struct mr_template *mr_template_parse(struct mr_slice text,
                                      const struct mr_template_options *options);

/*
 * Read a file; fills file_name and directory from `path` where the options do
 * not say. NULL with `err` only when the file cannot be read or is too large.
 */
struct mr_template *mr_template_load(const char *path,
                                     const struct mr_template_options *options,
                                     struct mr_error *err);

/* NULL is fine. */
void mr_template_free(struct mr_template *tpl);
MR_AUTO_DEFINE(struct mr_template, mr_template_free)

/*
 * False when there is at least one error. The model then holds what could be
 * understood, which is good for show and not for running.
 */
bool mr_template_ok(const struct mr_template *tpl);

/* In the order of the file; at most MR_TEMPLATE_MAX_DIAGNOSTICS. */
const struct mr_template_diagnostic *mr_template_diagnostics(const struct mr_template *tpl,
                                                             size_t *out_count);

/* "template.yaml:37:21: error: ... (Resources.OrderFn....)", without a newline, appended. */
void mr_template_format(const struct mr_template *tpl,
                        const struct mr_template_diagnostic *diagnostic, struct mr_buf *out);

const struct mr_template_model *mr_template_model_of(const struct mr_template *tpl);

enum mr_template_level {
    MR_TEMPLATE_L1, /* structure, intrinsics in place, conditions not applied */
    MR_TEMPLATE_L2, /* resolved values */
};

/*
 * Append the template as one JSON object: `esms`, `functions`, `sources`,
 * `destinations`, ..., or `{"error":"..."}` when it is not ok.
 */
void mr_template_write_json(const struct mr_template *tpl, enum mr_template_level level,
                            struct mr_buf *out);

enum {
    MR_TEMPLATE_MAX_BYTES = 4 * 1024 * 1024, /* CloudFormation's own limit is 1 MB */
    MR_TEMPLATE_MAX_DIAGNOSTICS = 100,
};

#endif
