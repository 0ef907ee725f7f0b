#include <inttypes.h>
#include <string.h>

#include "sam-templates/model_inside.h"

/* Whose ARN or name is this? */
struct lookup {
    struct mr_index sources; /* ARN -> place in ids */
    const char **ids;
    size_t id_count;
    struct mr_index functions; /* name and ARN -> place in model->functions */
    struct mr_index queues;    /* ARN -> place in model->queues */
};

static void
index_source(struct mr_reading *reading, struct lookup *lookup, const char *arn, const char *id)
{
    if (arn != NULL) {
        lookup->ids = mr_grow(&reading->arena, lookup->ids, lookup->id_count, sizeof(id));
        lookup->ids[lookup->id_count] = id;
        mr_index_add(&lookup->sources, &reading->arena, mr_slice_str(arn), lookup->id_count++);
    }
}

static struct lookup
lookup_of(struct mr_reading *reading)
{
    const struct mr_template_model *model = &reading->model;
    struct mr_arena *arena = &reading->arena;
    struct lookup lookup = { 0 };

    for (size_t i = 0; i < model->stream_count; i++) {
        index_source(reading, &lookup, model->streams[i].arn, model->streams[i].logical_id);
    }
    for (size_t i = 0; i < model->consumer_count; i++) {
        index_source(reading, &lookup, model->consumers[i].arn, model->consumers[i].logical_id);
    }
    for (size_t i = 0; i < model->table_count; i++) {
        index_source(reading, &lookup, model->tables[i].stream_arn,
                     model->tables[i].logical_id);
    }
    for (size_t i = 0; i < model->queue_count; i++) {
        index_source(reading, &lookup, model->queues[i].arn, model->queues[i].logical_id);
        mr_index_add(&lookup.queues, arena, mr_slice_str(model->queues[i].arn), i);
    }
    for (size_t i = 0; i < model->topic_count; i++) {
        index_source(reading, &lookup, model->topics[i].arn, model->topics[i].logical_id);
    }
    for (size_t i = 0; i < model->bucket_count; i++) {
        index_source(reading, &lookup, model->buckets[i].arn, model->buckets[i].logical_id);
    }
    for (size_t i = 0; i < model->function_count; i++) {
        mr_index_add(&lookup.functions, arena, mr_slice_str(model->functions[i].name), i);
        mr_index_add(&lookup.functions, arena, mr_slice_str(model->functions[i].arn), i);
    }
    return lookup;
}

static const char *
resource_of_arn(const struct lookup *lookup, const char *arn)
{
    size_t at;
    return arn != NULL && mr_index_find(&lookup->sources, mr_slice_str(arn), &at)
               ? lookup->ids[at]
               : NULL;
}

/* By name, ARN, or either with `:alias` behind. */
static const struct mr_template_function *
function_of(const struct mr_template_model *model, const struct lookup *lookup,
            const char *name)
{
    const char *colon = name == NULL ? NULL : strrchr(name, ':');
    size_t at;
    if (name == NULL) {
        return NULL;
    }
    if (mr_index_find(&lookup->functions, mr_slice_str(name), &at) ||
        (colon != NULL &&
         mr_index_find(&lookup->functions, mr_slice_of(name, (size_t)(colon - name)), &at))) {
        return &model->functions[at];
    }
    return NULL;
}

static void
lint_visibility(struct mr_reading *reading, const struct mr_mapping_draft *draft,
                const struct mr_template_queue *queue,
                const struct mr_template_function *function)
{
    if (queue->visibility_timeout_s < function->timeout_s) {
        mr_warn(reading, draft->at, MR_PATH(NULL, draft->path),
                "the queue %s hides a message for %" PRId64 " s, the function %s may run for "
                "%" PRId64 " s: set VisibilityTimeout to at least that",
                queue->logical_id, queue->visibility_timeout_s, function->logical_id,
                function->timeout_s);
    }
}

static void
build_mapping(struct mr_reading *reading, const struct lookup *lookup,
              const struct mr_mapping_draft *draft)
{
    struct mr_template_model *model = &reading->model;
    const struct mr_node *on_failure =
        mr_node_get(mr_node_get(draft->resolved, "DestinationConfig"), "OnFailure");
    struct mr_template_mapping mapping = {
        .logical_id = mr_keep(reading, draft->id),
        .place = mr_place_of(draft->at),
        .source = draft->source,
        .event_name = mr_keep(reading, draft->event_name),
        .function_name = mr_text_at(reading, draft->resolved, "FunctionName"),
        .source_arn = mr_text_at(reading, draft->resolved, "EventSourceArn"),
        .destination_arn = mr_text_at(reading, on_failure, "Destination"),
        .enabled = true,
        .properties_json = mr_node_json(&reading->arena, draft->resolved),
    };
    const struct mr_template_function *function =
        function_of(model, lookup, mapping.function_name);
    size_t queue;

    mapping.function_logical_id = function == NULL ? NULL : function->logical_id;
    mapping.source_logical_id = resource_of_arn(lookup, mapping.source_arn);
    mapping.destination_logical_id = resource_of_arn(lookup, mapping.destination_arn);
    mr_node_as_bool(mr_node_get(draft->resolved, "Enabled"), &mapping.enabled);
    if (function != NULL && mapping.source_arn != NULL &&
        mr_index_find(&lookup->queues, mr_slice_str(mapping.source_arn), &queue)) {
        lint_visibility(reading, draft, &model->queues[queue], function);
    }

    struct mr_template_mapping *grown =
        mr_model_grow(reading, model->mappings, model->mapping_count, sizeof(mapping));
    grown[model->mapping_count++] = mapping;
    model->mappings = grown;
}

void
mr_model_mappings(struct mr_reading *reading)
{
    const struct lookup lookup = lookup_of(reading);
    for (size_t i = 0; i < reading->mapping_count && !mr_over_budget(reading); i++) {
        if (reading->drafts[i].present && reading->drafts[i].resolved != NULL) {
            build_mapping(reading, &lookup, &reading->drafts[i]);
        }
    }
}
