/* GET /metrics: what is counted, in Prometheus's text. */
#include "control/inside.h"
#include "control/mappings.h"

struct metric {
    const char *name, *type, *help;
    uint64_t (*read)(const struct mr_mapping_status *status);
};

#define COUNT(member)                                                     \
    static uint64_t read_##member(const struct mr_mapping_status *status) \
    {                                                                     \
        return status->counts.member;                                     \
    }
COUNT(polled)
COUNT(filtered)
COUNT(invoked)
COUNT(failed)
COUNT(dropped)
COUNT(delivered)
COUNT(succeeded)
COUNT(batches)
COUNT(invocations)
COUNT(destination_failures)
COUNT(iterator_age_ms)

static uint64_t
read_behind(const struct mr_mapping_status *status)
{
    uint64_t most = 0;

    for (size_t i = 0; i < status->shard_count; i++) {
        uint64_t behind_ms = status->shards[i].behind_ms;
        most = behind_ms > most ? behind_ms : most;
    }
    return most;
}

static const struct metric mapping_metrics[] = {
    /* clang-format off */
    { "polled_records_total", "counter", "Records read from the source (PolledEventCount).", read_polled },
    { "filtered_records_total", "counter", "Records that the filters removed (FilteredOutEventCount).", read_filtered },
    { "invoked_records_total", "counter", "Records in invocations, again on every retry (InvokedEventCount).", read_invoked },
    { "failed_records_total", "counter", "Records in invocations that failed (FailedInvokeEventCount).", read_failed },
    { "dropped_records_total", "counter", "Records given up and not delivered to a destination (DroppedEventCount).", read_dropped },
    { "delivered_records_total", "counter", "Records whose document reached the destination (OnFailureDestinationDeliveredEventCount).", read_delivered },
    { "succeeded_records_total", "counter", "Records finished by success.", read_succeeded },
    { "batches_total", "counter", "Batches formed.", read_batches },
    { "invocations_total", "counter", "Invocations, retries too.", read_invocations },
    { "destination_failures_total", "counter", "Failure documents that could not be delivered (DestinationDeliveryFailures).", read_destination_failures },
    { "iterator_age_milliseconds", "gauge", "Age of the last record of the last batch (IteratorAge).", read_iterator_age_ms },
    { "behind_milliseconds", "gauge", "MillisBehindLatest of the shard that is furthest behind.", read_behind },
    /* clang-format on */
};

static void
write_mapping_metric(struct mr_buf *out, struct call *call, const struct metric *metric)
{
    struct mr_mapping_status status;
    json_t *document;
    const char *uuid;

    mr_buf_printf(out, "# HELP millrace_mapping_%s %s\n# TYPE millrace_mapping_%s %s\n",
                  metric->name, metric->help, metric->name, metric->type);
    json_object_foreach(mr_state_all(call->control->state, MR_STATE_MAPPING), uuid, document)
    {
        const char *function = json_text_of(document, "_function");
        if (mappings_status(call->control->mappings, uuid, call->arena, &status)) {
            mr_buf_printf(out, "millrace_mapping_%s{mapping=\"%s\",function=\"%s\"} %llu\n",
                          metric->name, uuid, function != NULL ? function : "",
                          (unsigned long long)metric->read(&status));
        }
    }
}

static void
write_runtime(struct mr_buf *out, const struct mr_runtime_counts *counts)
{
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        { "invocations_total", "counter", "Invocations.", counts->invocations },
        { "cold_starts_total", "counter", "Environments initialised.", counts->cold_starts },
        { "errors_total", "counter", "Invocations that ended in an error.", counts->errors },
        { "timeouts_total", "counter", "Invocations that timed out.", counts->timeouts },
        { "crashes_total", "counter", "Environments whose process ended.", counts->crashes },
        { "throttles_total", "counter", "Invocations without room.", counts->throttles },
        { "redeliveries_total", "counter", "Events handed out again.", counts->redeliveries },
        { "environments", "gauge", "Environments alive.", counts->environments },
        { "invocations_running", "gauge", "Invocations under way.", counts->busy },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mr_buf_printf(out,
                      "# HELP millrace_runtime_%s %s\n# TYPE millrace_runtime_%s %s\n"
                      "millrace_runtime_%s %llu\n",
                      rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name,
                      (unsigned long long)rows[i].value);
    }
}

void
act_local_metrics(struct call *call)
{
    struct mr_runtime_counts counts = mr_runtime_counts(call->control->runtime);
    struct mr_buf body = { 0 };

    for (size_t i = 0; i < sizeof(mapping_metrics) / sizeof(mapping_metrics[0]); i++) {
        write_mapping_metric(&body, call, &mapping_metrics[i]);
    }
    write_runtime(&body, &counts);
    mr_http_respond(call->exchange,
                    &(struct mr_http_response){
                        .status = 200,
                        .content_type = MR_SLICE("text/plain; version=0.0.4; charset=utf-8"),
                        .take = &body });
    mr_buf_deinit(&body);
}
