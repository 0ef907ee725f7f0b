#include "cli/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "aws/arn.h"
#include "base/alloc.h"
#include "cli/apply_inside.h"
#include "cli/state_file.h"

enum { ACTIVE_TRIES = 600, ACTIVE_PAUSE_MS = 50 };

/* ---- asking ---- */

static int
ask_kinesis(struct mr_apply *apply, const char *operation, json_t *body, json_t **out_answer,
            struct mr_error *err)
{
    mr_auto_free char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    int result = mr_remote_kinesis(apply->remote, operation, mr_slice_str(text), err);
    if (result == 0 && out_answer != NULL) {
        *out_answer = json_loadb((const char *)apply->remote->body.data,
                                 apply->remote->body.size, JSON_DECODE_ANY, NULL);
    }
    return result;
}

int
mr_apply_ask(struct mr_apply *apply, const char *method, const char *path, json_t *body,
             json_t **out_answer, struct mr_error *err)
{
    mr_auto_free char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    int result = mr_remote_lambda(apply->remote, method, path, mr_slice_str(text), err);
    if (result == 0 && out_answer != NULL) {
        *out_answer = json_loadb((const char *)apply->remote->body.data,
                                 apply->remote->body.size, JSON_DECODE_ANY, NULL);
    }
    return result;
}

/* Begin a line about `word` ("create", "keep", "change"); false when nothing is to be said. */
bool
mr_apply_say(struct mr_apply *apply, const char *word, const char *kind, const char *name)
{
    bool kept = strcmp(word, "keep") == 0;
    apply->changed += !kept;
    if (apply->quiet && kept) {
        return false;
    }
    mr_say_begin_coloured(apply->say, kept ? MR_DIM : MR_CYAN, word);
    mr_say_text(apply->say, "%-9s %-20s ", kind, name);
    mr_say_str(apply->say, "kind", kind);
    mr_say_str(apply->say, "name", name);
    return true;
}

/* ---- streams ---- */

static int
describe_stream(struct mr_apply *apply, const char *name, json_t **out_summary,
                struct mr_error *err)
{
    json_t *answer = NULL;
    if (ask_kinesis(apply, "DescribeStreamSummary", json_pack("{ss}", "StreamName", name),
                    &answer, err) < 0) {
        return err->code;
    }
    *out_summary = json_incref(json_object_get(answer, "StreamDescriptionSummary"));
    json_decref(answer);
    return *out_summary == NULL
               ? mr_fail(err, -EBADMSG, "DescribeStreamSummary of %s answered no summary", name)
               : 0;
}

static int
wait_active(struct mr_apply *apply, const char *name, json_t **out_summary,
            struct mr_error *err)
{
    for (int i = 0; i < ACTIVE_TRIES; i++) {
        if (describe_stream(apply, name, out_summary, err) < 0) {
            return err->code;
        }
        const char *status = json_string_value(json_object_get(*out_summary, "StreamStatus"));
        if (status != NULL && strcmp(status, "ACTIVE") == 0) {
            return 0;
        }
        json_decref(*out_summary);
        *out_summary = NULL;
        struct timespec pause = { .tv_nsec = ACTIVE_PAUSE_MS * 1000000L };
        nanosleep(&pause, NULL);
    }
    return mr_fail(err, -ETIMEDOUT, "stream %s did not become ACTIVE in 30 s", name);
}

static json_t *
stream_tags(const struct mr_template_stream *stream)
{
    json_t *tags = json_object();
    for (size_t i = 0; i < stream->tag_count; i++) {
        json_object_set_new(tags, stream->tags[i].key, json_string(stream->tags[i].value));
    }
    return tags;
}

static int
create_stream(struct mr_apply *apply, const struct mr_template_stream *stream,
              struct mr_error *err)
{
    json_t *body = json_pack("{ss}", "StreamName", stream->name);
    if (stream->on_demand) {
        json_object_set_new(body, "StreamModeDetails",
                            json_pack("{ss}", "StreamMode", "ON_DEMAND"));
    } else {
        json_object_set_new(body, "ShardCount", json_integer(stream->shard_count));
    }
    if (stream->max_record_kib > 1024) {
        json_object_set_new(body, "MaxRecordSizeInKiB", json_integer(stream->max_record_kib));
    }
    if (stream->tag_count > 0) {
        json_object_set_new(body, "Tags", stream_tags(stream));
    }
    return ask_kinesis(apply, "CreateStream", body, NULL, err);
}

static int
set_retention(struct mr_apply *apply, const struct mr_template_stream *stream, int64_t hours,
              struct mr_error *err)
{
    if (hours == stream->retention_hours) {
        return 0;
    }
    return ask_kinesis(apply,
                       hours < stream->retention_hours ? "IncreaseStreamRetentionPeriod"
                                                       : "DecreaseStreamRetentionPeriod",
                       json_pack("{ss sI}", "StreamName", stream->name, "RetentionPeriodHours",
                                 (json_int_t)stream->retention_hours),
                       NULL, err);
}

static int
set_shard_count(struct mr_apply *apply, const struct mr_template_stream *stream, int64_t shards,
                struct mr_error *err)
{
    json_t *summary = NULL;
    if (stream->on_demand || shards == stream->shard_count) {
        return 0;
    }
    if (ask_kinesis(apply, "UpdateShardCount",
                    json_pack("{ss sI ss}", "StreamName", stream->name, "TargetShardCount",
                              (json_int_t)stream->shard_count, "ScalingType",
                              "UNIFORM_SCALING"),
                    NULL, err) < 0) {
        mr_say_warn(apply->say, "warn",
                    "stream %s keeps its %lld shards, the template says %lld: %s", stream->name,
                    (long long)shards, (long long)stream->shard_count, err->text);
        return 0;
    }
    int result = wait_active(apply, stream->name, &summary, err);
    json_decref(summary);
    return result;
}

static int
apply_stream(struct mr_apply *apply, const struct mr_template_stream *stream,
             struct mr_error *err)
{
    json_t *summary = NULL;
    const char *word = "create";
    if (create_stream(apply, stream, err) < 0) {
        if (!mr_remote_said(apply->remote, "ResourceInUseException")) {
            return mr_wrap(err, "create stream %s", stream->name);
        }
        word = "keep";
    }
    if (wait_active(apply, stream->name, &summary, err) < 0) {
        return err->code;
    }
    int64_t hours = json_integer_value(json_object_get(summary, "RetentionPeriodHours"));
    int64_t shards = json_integer_value(json_object_get(summary, "OpenShardCount"));
    mr_auto_free char *arn =
        mr_strdup(json_string_value(json_object_get(summary, "StreamARN")));
    json_decref(summary);
    if (set_retention(apply, stream, hours, err) < 0 ||
        set_shard_count(apply, stream, shards, err) < 0) {
        return mr_wrap(err, "stream %s", stream->name);
    }
    if (strcmp(word, "keep") == 0 && (hours != stream->retention_hours ||
                                      (!stream->on_demand && shards != stream->shard_count))) {
        word = "change";
    }
    mr_state_file_put(apply->state, "streams", stream->logical_id, json_string(stream->name));
    if (mr_apply_say(apply, word, "stream", stream->name)) {
        int64_t shown = stream->on_demand ? shards : stream->shard_count;
        mr_say_text(apply->say, "%lld shard%s  %lld h   %s", (long long)shown,
                    shown == 1 ? " " : "s", (long long)stream->retention_hours, arn);
        mr_say_number(apply->say, "shards", shown);
        mr_say_number(apply->say, "retention_hours", stream->retention_hours);
        mr_say_str(apply->say, "arn", arn);
        mr_say_end(apply->say);
    }
    return 0;
}

/* ---- consumers of enhanced fan-out ---- */

static int
apply_consumer(struct mr_apply *apply, const struct mr_template_consumer *consumer,
               struct mr_error *err)
{
    json_t *answer = NULL;
    const char *word = "create";
    int result = ask_kinesis(
        apply, "RegisterStreamConsumer",
        json_pack("{ss ss}", "StreamARN", consumer->stream_arn, "ConsumerName", consumer->name),
        &answer, err);
    const char *group = "Consumer";
    if (result < 0 && mr_remote_said(apply->remote, "ResourceInUseException")) {
        word = "keep";
        group = "ConsumerDescription";
        result = ask_kinesis(apply, "DescribeStreamConsumer",
                             json_pack("{ss ss}", "StreamARN", consumer->stream_arn,
                                       "ConsumerName", consumer->name),
                             &answer, err);
    }
    if (result < 0) {
        return mr_wrap(err, "consumer %s", consumer->name);
    }
    const char *arn =
        json_string_value(json_object_get(json_object_get(answer, group), "ConsumerARN"));
    if (arn != NULL) {
        mr_state_file_put(apply->state, "consumers", consumer->logical_id, json_string(arn));
    }
    if (mr_apply_say(apply, word, "consumer", consumer->name)) {
        mr_say_text(apply->say, "%s", arn == NULL ? "" : arn);
        mr_say_str(apply->say, "arn", arn);
        mr_say_end(apply->say);
    }
    json_decref(answer);
    return 0;
}

/* ---- what the template no longer has ---- */

static bool
has_function(const struct mr_template_model *model, const char *logical_id)
{
    for (size_t i = 0; i < model->function_count; i++) {
        if (strcmp(model->functions[i].logical_id, logical_id) == 0) {
            return true;
        }
    }
    return false;
}

static bool
has_mapping(const struct mr_template_model *model, const char *logical_id)
{
    for (size_t i = 0; i < model->mapping_count; i++) {
        if (strcmp(model->mappings[i].logical_id, logical_id) == 0) {
            return true;
        }
    }
    return false;
}

static int
remove_one(struct mr_apply *apply, const char *group, const char *kind, const char *path,
           const char *logical_id, const char *name, struct mr_error *err)
{
    mr_auto_free char *whole = mr_format("%s/%s", path, name);
    if (mr_apply_ask(apply, "DELETE", whole, NULL, NULL, err) < 0 &&
        !mr_remote_said(apply->remote, "ResourceNotFoundException")) {
        return mr_wrap(err, "remove %s %s", kind, logical_id);
    }
    if (mr_apply_say(apply, "remove", kind, logical_id)) {
        mr_say_text(apply->say, "the template no longer has it");
        mr_say_end(apply->say);
    }
    mr_state_file_put(apply->state, group, logical_id, NULL);
    mr_state_file_put(apply->state, "applied", logical_id, NULL);
    return 0;
}

static int
remove_gone(struct mr_apply *apply, const char *group, const char *kind, const char *path,
            bool (*has)(const struct mr_template_model *, const char *), struct mr_error *err)
{
    const char *logical_id;
    json_t *name;
    void *next;
    json_object_foreach_safe(mr_state_file_group(apply->state, group), next, logical_id, name)
    {
        mr_auto_free char *id = mr_strdup(logical_id);
        mr_auto_free char *text = mr_strdup(json_string_value(name));
        if (text != NULL && !has(apply->model, id) &&
            remove_one(apply, group, kind, path, id, text, err) < 0) {
            return err->code;
        }
    }
    return 0;
}

/* ---- all of it ---- */

int
mr_apply(struct mr_apply *apply, struct mr_error *err)
{
    const struct mr_template_model *model = apply->model;
    for (size_t i = 0; i < model->stream_count; i++) {
        if (apply_stream(apply, &model->streams[i], err) < 0) {
            return err->code;
        }
    }
    for (size_t i = 0; i < model->consumer_count; i++) {
        if (apply_consumer(apply, &model->consumers[i], err) < 0) {
            return err->code;
        }
    }
    if (mr_apply_elsewhere(apply, err) < 0) {
        return err->code;
    }
    if (remove_gone(apply, "mappings", "mapping", "/2015-03-31/event-source-mappings",
                    has_mapping, err) < 0 ||
        remove_gone(apply, "functions", "function", "/2015-03-31/functions", has_function,
                    err) < 0) {
        return err->code;
    }
    for (size_t i = 0; i < model->function_count; i++) {
        if (apply->codes[i] != NULL && mr_apply_function(apply, i, err) < 0) {
            return err->code;
        }
    }
    for (size_t i = 0; i < model->mapping_count; i++) {
        if (mr_apply_mapping(apply, &model->mappings[i], err) < 0) {
            return err->code;
        }
    }
    return mr_state_file_write(apply->state, err);
}
