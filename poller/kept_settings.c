#include "poller/kept_settings.h"

#include <errno.h>
#include <stdlib.h>

#include "aws/arn.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "poller/filter.h"

static int
check(const struct mr_mapping_settings *settings, struct mr_error *err)
{
    if (settings->uuid.size == 0 || settings->source_arn.size == 0 ||
        settings->function_arn.size == 0) {
        return mr_fail(err, -EINVAL, "a mapping has a UUID, a source and a function");
    }
    if (settings->batch_size < 1 || settings->batch_size > MR_LAMBDA_MAX_BATCH_SIZE) {
        return mr_fail(err, -EINVAL, "BatchSize %u is not in 1..%d", settings->batch_size,
                       MR_LAMBDA_MAX_BATCH_SIZE);
    }
    if (settings->parallelization < 1 ||
        settings->parallelization > MR_LAMBDA_MAX_PARALLELIZATION) {
        return mr_fail(err, -EINVAL, "ParallelizationFactor %u is not in 1..%d",
                       settings->parallelization, MR_LAMBDA_MAX_PARALLELIZATION);
    }
    if (settings->tumbling_ms > 0 &&
        (settings->parallelization > 1 || settings->filter_count > 0)) {
        return mr_fail(err, -EINVAL,
                       "tumbling windows go with a ParallelizationFactor of 1 and no filters");
    }
    if (settings->starting_position == MR_POSITION_AFTER) {
        return mr_fail(err, -EINVAL,
                       "a mapping starts at TRIM_HORIZON, LATEST or AT_TIMESTAMP");
    }
    if (settings->filter_count > MR_LAMBDA_MAX_FILTERS) {
        return mr_fail(err, -EINVAL, "%zu filters are more than %d", settings->filter_count,
                       MR_LAMBDA_MAX_FILTERS);
    }
    return 0;
}

void
mr_kept_settings_free(struct mr_kept_settings *kept)
{
    if (kept != NULL) {
        mr_filter_free(kept->filter);
        mr_arena_deinit(&kept->arena);
        free(kept);
    }
}

static struct mr_slice
keep(struct mr_kept_settings *kept, struct mr_slice text)
{
    return text.data == NULL ? text : mr_arena_copy(&kept->arena, text);
}

static int
compile_filters(struct mr_kept_settings *kept, const struct mr_mapping_settings *settings,
                struct mr_error *err)
{
    struct mr_filter_source source = { settings->source_arn, settings->region,
                                       settings->role_arn, kept->whole_records };
    if (settings->filter_count == 0) {
        return 0;
    }
    kept->filter = mr_filter_new(settings->filters, settings->filter_count, &source, err);
    return kept->filter == NULL ? -EINVAL : 0;
}

/* Is it a DynamoDB table's stream? */
static bool
is_table(struct mr_slice source_arn)
{
    struct mr_arn arn;
    return mr_arn_parse(source_arn, &arn) && mr_slice_is(arn.service, "dynamodb");
}

struct mr_kept_settings *
mr_kept_settings_new(const struct mr_mapping_settings *settings, struct mr_error *err)
{
    if (check(settings, err) < 0) {
        return NULL;
    }
    struct mr_kept_settings *kept = mr_alloc_zero(1, sizeof(*kept));
    struct mr_mapping_settings *copy = &kept->settings;
    *copy = *settings;
    copy->uuid = keep(kept, settings->uuid);
    copy->source_arn = keep(kept, settings->source_arn);
    copy->function_arn = keep(kept, settings->function_arn);
    copy->role_arn = keep(kept, settings->role_arn);
    copy->region = keep(kept, settings->region);
    copy->destination_arn = keep(kept, settings->destination_arn);
    kept->whole_records = is_table(settings->source_arn);
    copy->filters = NULL; /* they were compiled */
    copy->filter_count = 0;
    if (compile_filters(kept, settings, err) < 0) {
        mr_kept_settings_free(kept);
        return NULL;
    }
    return kept;
}
