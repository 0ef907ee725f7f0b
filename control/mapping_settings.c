#include "control/mapping_settings.h"

#include <string.h>

#include "base/limits.h"

static json_int_t
number(const json_t *document, const char *member)
{
    return json_integer_value(json_object_get(document, member));
}

static const char *
role_of(struct mr_control *control, struct mr_arena *arena, const char *function_arn)
{
    struct target target;

    if (!target_parse(control, arena, function_arn, NULL, &target) || target.version == NULL) {
        return NULL;
    }
    return json_text_of(target.version, "Role");
}

/* A record does not grow too old while somebody looks at it in a debugger. */
static bool
is_debugged(struct mr_control *control, struct mr_arena *arena, const char *function_arn)
{
    struct target target;

    return target_parse(control, arena, function_arn, NULL, &target) &&
           target.function != NULL &&
           json_integer_value(
               json_object_get(json_object_get(target.function, "settings"), "debugPort")) > 0;
}

static enum mr_position
position_of(const char *text)
{
    if (text != NULL && strcmp(text, "LATEST") == 0) {
        return MR_POSITION_LATEST;
    }
    return text != NULL && strcmp(text, "AT_TIMESTAMP") == 0 ? MR_POSITION_TIMESTAMP
                                                             : MR_POSITION_TRIM_HORIZON;
}

size_t
mapping_filters_of(const json_t *document, struct mr_slice *list)
{
    json_t *filters = json_object_get(json_object_get(document, "FilterCriteria"), "Filters");
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(filters) && count < MR_LAMBDA_MAX_FILTERS; i++) {
        const char *text = json_text_of(json_array_get(filters, i), "Pattern");
        if (text != NULL) {
            list[count++] = mr_slice_str(text);
        }
    }
    return count;
}

static int64_t
seconds_to_ms(json_int_t seconds)
{
    return seconds < 0 ? -1 : seconds * 1000;
}

struct mr_mapping_settings
mapping_settings_of(struct mr_control *control, const json_t *document,
                    struct mr_slice *filters, struct mr_arena *arena)
{
    const char *function_arn = json_text_of(document, "FunctionArn");
    json_t *failure =
        json_object_get(json_object_get(document, "DestinationConfig"), "OnFailure");

    return (struct mr_mapping_settings){
        .uuid = mr_slice_str(json_text_of(document, "UUID")),
        .source_arn = mr_slice_str(json_text_of(document, "EventSourceArn")),
        .function_arn = mr_slice_str(function_arn),
        .role_arn = mr_slice_str(role_of(control, arena, function_arn)),
        .region = mr_slice_str(control->options.region),
        .batch_size = (uint32_t)number(document, "BatchSize"),
        .window_ms = (uint64_t)number(document, "MaximumBatchingWindowInSeconds") * 1000,
        .parallelization = (uint32_t)number(document, "ParallelizationFactor"),
        .starting_position = position_of(json_text_of(document, "StartingPosition")),
        .starting_timestamp_ms = (uint64_t)(json_number_value(json_object_get(
                                                document, "StartingPositionTimestamp")) *
                                            1000),
        .max_retries = number(document, "MaximumRetryAttempts"),
        .max_age_ms = is_debugged(control, arena, function_arn)
                          ? -1
                          : seconds_to_ms(number(document, "MaximumRecordAgeInSeconds")),
        .bisect = json_is_true(json_object_get(document, "BisectBatchOnFunctionError")),
        .report_failures =
            json_array_size(json_object_get(document, "FunctionResponseTypes")) > 0,
        .tumbling_ms = (uint64_t)number(document, "TumblingWindowInSeconds") * 1000,
        .filters = filters,
        .filter_count = mapping_filters_of(document, filters),
        .destination_arn = mr_slice_str(json_text_of(failure, "Destination")),
    };
}
