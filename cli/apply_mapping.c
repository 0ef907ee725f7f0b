/* Event source mappings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/arn.h"
#include "base/alloc.h"
#include "cli/apply_inside.h"
#include "cli/state_file.h"

#define MAPPINGS "/2015-03-31/event-source-mappings"

/* The variable that says where a source's service is; NULL: it cannot be read from here. */
static const char *
endpoint_variable(enum mr_template_source source)
{
    switch (source) {
    case MR_TEMPLATE_DYNAMODB:
        return getenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS") != NULL
                   ? "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"
                   : "AWS_ENDPOINT_URL_DYNAMODB";
    case MR_TEMPLATE_SQS:
        return "AWS_ENDPOINT_URL_SQS";
    default:
        return NULL;
    }
}

static bool
is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

/* Can it be mapped? Else says why not, in one line. */
static bool
can_run(struct mr_apply *apply, const struct mr_template_mapping *mapping)
{
    const char *kind = mr_template_source_name(mapping->source);
    const char *variable = endpoint_variable(mapping->source);
    for (size_t i = 0; i < apply->model->function_count; i++) {
        const char *function = apply->model->functions[i].logical_id;
        if (mapping->function_logical_id != NULL && apply->codes[i] == NULL &&
            strcmp(function, mapping->function_logical_id) == 0) {
            mr_say_warn(apply->say, "skip", "mapping   %s: its function does not run here",
                        mapping->logical_id);
            return false;
        }
    }
    if (mapping->source == MR_TEMPLATE_KINESIS) {
        return true;
    }
    if (variable == NULL) {
        mr_say_warn(apply->say, "skip", "mapping   %s: a %s source cannot be read here",
                    mapping->logical_id, kind);
        return false;
    }
    bool is_given = is_set(variable) || (mapping->source == MR_TEMPLATE_DYNAMODB &&
                                         is_set("AWS_ENDPOINT_URL_DYNAMODB"));
    if (!is_given) {
        mr_say_warn(
            apply->say, "skip",
            "mapping   %s: its source is %s, which is not ours; set %s to a server that "
            "has it",
            mapping->logical_id, kind, variable);
        return false;
    }
    return true;
}

static const char *
last_part(const char *arn)
{
    struct mr_kinesis_arn kinesis;
    if (mr_kinesis_arn_parse(mr_slice_str(arn), &kinesis)) {
        return (const char *)(kinesis.consumer_name.size > 0 ? kinesis.consumer_name.data
                                                             : kinesis.stream_name.data);
    }
    const char *table = strstr(arn, ":table/"); /* .../stream/TIME follows */
    if (table != NULL) {
        return table + strlen(":table/");
    }
    const char *part = strrchr(arn, ':');
    return part == NULL ? arn : part + 1;
}

static long long
number(const json_t *properties, const char *name, long long otherwise)
{
    json_t *value = json_object_get(properties, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static void
describe(struct mr_apply *apply, const struct mr_template_mapping *mapping,
         const json_t *properties)
{
    struct mr_say *say = apply->say;
    long long window_s = number(properties, "MaximumBatchingWindowInSeconds", 0);
    long long lanes = number(properties, "ParallelizationFactor", 1);
    long long retries = number(properties, "MaximumRetryAttempts", -1);
    long long tumbling_s = number(properties, "TumblingWindowInSeconds", 0);
    const char *start = json_string_value(json_object_get(properties, "StartingPosition"));
    const char *source = mapping->source_arn == NULL ? "?" : last_part(mapping->source_arn);
    mr_say_text(say, "%.*s → %s   %s  batch %lld", (int)strcspn(source, "/"), source,
                mapping->function_logical_id == NULL ? mapping->function_name
                                                     : mapping->function_logical_id,
                start == NULL ? "" : start,
                number(properties, "BatchSize", mapping->source == MR_TEMPLATE_SQS ? 10 : 100));
    if (window_s > 0) {
        mr_say_text(say, "/%lld s", window_s);
    }
    if (lanes > 1) {
        mr_say_text(say, "  ×%lld per shard", lanes);
    }
    if (retries >= 0) {
        mr_say_text(say, "  retry %lld", retries);
    }
    if (json_is_true(json_object_get(properties, "BisectBatchOnFunctionError"))) {
        mr_say_text(say, "  bisect");
    }
    if (json_array_size(json_object_get(properties, "FunctionResponseTypes")) > 0) {
        mr_say_text(say, "  partial");
    }
    if (tumbling_s > 0) {
        mr_say_text(say, "  window %lld s", tumbling_s);
    }
    if (json_object_get(properties, "FilterCriteria") != NULL) {
        mr_say_text(say, "  filter");
    }
    if (mapping->destination_arn != NULL) {
        mr_say_text(say, "  dlq %s",
                    mapping->destination_logical_id != NULL
                        ? mapping->destination_logical_id
                        : last_part(mapping->destination_arn));
    }
    if (!mapping->enabled) {
        mr_say_in(say, MR_YELLOW, "  disabled");
    }
}

/* What an update must say so that nothing of an older template stays. */
static void
add_defaults(json_t *properties, enum mr_template_source source)
{
    json_t *defaults =
        json_pack("{si si sb}", "BatchSize", source == MR_TEMPLATE_SQS ? 10 : 100,
                  "MaximumBatchingWindowInSeconds", 0, "Enabled", 1);
    json_object_set_new(defaults, "FunctionResponseTypes", json_array());
    json_object_set_new(defaults, "FilterCriteria", json_pack("{s[]}", "Filters"));
    if (source == MR_TEMPLATE_KINESIS || source == MR_TEMPLATE_DYNAMODB) {
        json_t *more = json_pack("{si si si si sb s{s{}}}", "ParallelizationFactor", 1,
                                 "MaximumRetryAttempts", -1, "MaximumRecordAgeInSeconds", -1,
                                 "TumblingWindowInSeconds", 0, "BisectBatchOnFunctionError", 0,
                                 "DestinationConfig", "OnFailure");
        json_object_update_missing(defaults, more);
        json_decref(more);
    }
    json_object_update_missing(properties, defaults);
    json_decref(defaults);
}

static int
update(struct mr_apply *apply, const struct mr_template_mapping *mapping,
       const json_t *properties, const char *uuid, struct mr_error *err)
{
    static const char *const fixed[] = { "EventSourceArn", "StartingPosition",
                                         "StartingPositionTimestamp", "Topics", "Queues" };
    mr_auto_free char *path = mr_format(MAPPINGS "/%s", uuid);
    json_t *changes = json_deep_copy(properties);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        json_object_del(changes, fixed[i]);
    }
    add_defaults(changes, mapping->source);
    return mr_apply_ask(apply, "PUT", path, changes, NULL, err);
}

static void
append_encoded(struct mr_buf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr(":/$ %&+?#", *text) != NULL) {
            mr_buf_printf(buf, "%%%02X", (unsigned char)*text);
        } else {
            mr_buf_append_byte(buf, (uint8_t)*text);
        }
    }
}

/* The mapping of the same source and function that is there already; the caller's to free. */
static char *
find_existing(struct mr_apply *apply, const json_t *properties, struct mr_error *err)
{
    mr_auto_buf struct mr_buf path = { 0 };
    json_t *answer = NULL;
    mr_buf_append_str(&path, MAPPINGS "/?EventSourceArn=");
    append_encoded(&path, json_string_value(json_object_get(properties, "EventSourceArn")));
    mr_buf_append_str(&path, "&FunctionName=");
    append_encoded(&path, json_string_value(json_object_get(properties, "FunctionName")));
    if (mr_apply_ask(apply, "GET", mr_buf_cstr(&path), NULL, &answer, err) < 0) {
        return NULL;
    }
    json_t *first = json_array_get(json_object_get(answer, "EventSourceMappings"), 0);
    char *uuid = mr_strdup(json_string_value(json_object_get(first, "UUID")));
    json_decref(answer);
    if (uuid == NULL) {
        mr_fail(err, -ENOENT, "the mapping that is said to exist is not listed");
    }
    return uuid;
}

/* The UUID, "create", "keep" or "update" in `out_word`; NULL with `err`. The caller's to free.
 */
static char *
put_mapping(struct mr_apply *apply, const struct mr_template_mapping *mapping,
            json_t *properties, const char **out_word, struct mr_error *err)
{
    json_t *answer = NULL;
    char *uuid = mr_strdup(
        json_string_value(mr_state_file_get(apply->state, "mappings", mapping->logical_id)));
    if (uuid != NULL) {
        mr_auto_free char *path = mr_format(MAPPINGS "/%s", uuid);
        if (mr_apply_ask(apply, "GET", path, NULL, NULL, err) < 0) {
            free(uuid);
            uuid = NULL;
            if (!mr_remote_said(apply->remote, "ResourceNotFoundException")) {
                return NULL;
            }
        } else if (json_equal(mr_state_file_get(apply->state, "applied", mapping->logical_id),
                              properties)) {
            *out_word = "keep";
            return uuid;
        }
    }
    if (uuid == NULL) {
        *out_word = "map";
        if (mr_apply_ask(apply, "POST", MAPPINGS, json_incref(properties), &answer, err) == 0) {
            uuid = mr_strdup(json_string_value(json_object_get(answer, "UUID")));
            json_decref(answer);
            return uuid;
        }
        if (!mr_remote_said(apply->remote, "ResourceConflictException")) {
            return NULL;
        }
        uuid = find_existing(apply, properties, err);
        if (uuid == NULL) {
            return NULL;
        }
    }
    *out_word = "update";
    if (update(apply, mapping, properties, uuid, err) < 0) {
        free(uuid);
        return NULL;
    }
    return uuid;
}

/* Consumers', tables' and queues' ARNs are known only to who has made them. */
static void
use_real_arns(struct mr_apply *apply, const struct mr_template_mapping *mapping,
              json_t *properties)
{
    json_t *source = mapping->source_logical_id == NULL
                         ? NULL
                         : mr_state_file_get(apply->state, "arns", mapping->source_logical_id);
    json_t *destination =
        mapping->destination_logical_id == NULL
            ? NULL
            : mr_state_file_get(apply->state, "arns", mapping->destination_logical_id);
    if (source != NULL) {
        json_object_set(properties, "EventSourceArn", source);
    }
    if (destination != NULL) {
        json_object_set(
            json_object_get(json_object_get(properties, "DestinationConfig"), "OnFailure"),
            "Destination", destination);
    }
}

int
mr_apply_mapping(struct mr_apply *apply, const struct mr_template_mapping *mapping,
                 struct mr_error *err)
{
    const char *word = NULL;
    if (!can_run(apply, mapping)) {
        apply->refused++;
        return 0;
    }
    json_t *properties = json_loads(mapping->properties_json, 0, NULL);
    if (properties == NULL) {
        return mr_fail(err, -EBADMSG, "mapping %s: its properties are no JSON",
                       mapping->logical_id);
    }
    use_real_arns(apply, mapping, properties);
    mr_auto_free char *uuid = put_mapping(apply, mapping, properties, &word, err);
    if (uuid == NULL) {
        json_decref(properties);
        return mr_wrap(err, "mapping %s", mapping->logical_id);
    }
    mr_state_file_put(apply->state, "mappings", mapping->logical_id, json_string(uuid));
    mr_state_file_put(apply->state, "applied", mapping->logical_id, json_incref(properties));
    if (mr_apply_say(apply, word, "mapping", mapping->logical_id)) {
        describe(apply, mapping, properties);
        mr_say_str(apply->say, "uuid", uuid);
        mr_auto_free char *text = json_dumps(properties, JSON_COMPACT);
        mr_say_raw(apply->say, "properties", mr_slice_str(text));
        mr_say_end(apply->say);
    }
    json_decref(properties);
    return 0;
}
