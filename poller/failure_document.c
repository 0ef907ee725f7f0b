#include "poller/failure_document.h"

#include <stdio.h>
#include <time.h>

#include "base/json_writer.h"

static struct tm
utc_of(uint64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    return utc;
}

/* "2025-11-25T16:35:32.123Z", or without the milliseconds. */
static void
member_time(struct mr_json_writer *json, const char *name, uint64_t ms, bool with_ms)
{
    char seconds[32], text[48];
    struct tm utc = utc_of(ms);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    if (with_ms) {
        snprintf(text, sizeof(text), "%s.%03uZ", seconds, (unsigned)(ms % 1000));
    } else {
        snprintf(text, sizeof(text), "%sZ", seconds);
    }
    mr_json_member_str(json, name, text);
}

static void
write_request(struct mr_json_writer *json, const struct mr_failure_document *document)
{
    mr_json_key(json, "requestContext");
    mr_json_begin_object(json);
    mr_json_member_string(json, "requestId", document->request_id);
    mr_json_member_string(json, "functionArn", document->function_arn);
    mr_json_member_str(json, "condition",
                       document->condition == MR_LANE_AGE_EXCEEDED ? "RecordAgeExceeded"
                                                                   : "RetryAttemptsExhausted");
    mr_json_member_i64(json, "approximateInvokeCount", document->invoke_count);
    mr_json_end_object(json);
}

static void
write_response(struct mr_json_writer *json, const struct mr_failure_document *document)
{
    mr_json_key(json, "responseContext");
    mr_json_begin_object(json);
    mr_json_member_i64(json, "statusCode", 200);
    mr_json_member_string(json, "executedVersion", document->executed_version);
    mr_json_key(json, "functionError");
    if (document->unhandled) {
        mr_json_put_str(json, "Unhandled");
    } else {
        mr_json_put_null(json);
    }
    mr_json_end_object(json);
}

static void
write_batch(struct mr_json_writer *json, const struct mr_failure_document *document)
{
    bool with_ms = !document->is_dynamodb;
    mr_json_key(json, document->is_dynamodb ? "DDBStreamBatchInfo" : "KinesisBatchInfo");
    mr_json_begin_object(json);
    mr_json_member_string(json, "shardId", document->shard_id);
    if (document->batch_size > 0) {
        mr_json_member_string(json, "startSequenceNumber", document->start_sequence_number);
        mr_json_member_string(json, "endSequenceNumber", document->end_sequence_number);
        member_time(json, "approximateArrivalOfFirstRecord", document->first_arrival_ms,
                    with_ms);
        member_time(json, "approximateArrivalOfLastRecord", document->last_arrival_ms, with_ms);
        mr_json_member_i64(json, "batchSize", (int64_t)document->batch_size);
    }
    mr_json_member_string(json, "streamArn", document->stream_arn);
    mr_json_end_object(json);
}

static void
write_window(struct mr_json_writer *json, const struct mr_failure_window *window)
{
    mr_json_key(json, "timeWindowInfo");
    mr_json_begin_object(json);
    mr_json_key(json, "window");
    mr_json_begin_object(json);
    member_time(json, "start", window->start_ms, false);
    member_time(json, "end", window->end_ms, false);
    mr_json_end_object(json);
    mr_json_member_bool(json, "isFinalInvokeForWindow", window->is_final);
    mr_json_member_bool(json, "isWindowTerminatedEarly", window->early);
    mr_json_end_object(json);
}

void
mr_failure_document_write(struct mr_buf *buf, const struct mr_failure_document *document)
{
    struct mr_json_writer json = mr_json_writer_on(buf);
    mr_json_begin_object(&json);
    write_request(&json, document);
    if (document->has_response) {
        write_response(&json, document);
    }
    mr_json_member_str(&json, "version", "1.0");
    if (document->payload.data != NULL) {
        mr_json_member_string(&json, "payload", document->payload);
    }
    member_time(&json, "timestamp", document->time_ms, true);
    write_batch(&json, document);
    if (document->window != NULL) {
        write_window(&json, document->window);
    }
    mr_json_end_object(&json);
}

void
mr_failure_document_key(struct mr_buf *buf, const struct mr_failure_document *document,
                        struct mr_slice mapping_uuid, const char *random_uuid)
{
    char time[64];
    struct tm utc = utc_of(document->time_ms);
    strftime(time, sizeof(time), "%Y/%m/%d/%Y-%m-%dT%H.%M.%S", &utc);
    mr_buf_printf(buf, "aws/lambda/%.*s/%.*s/%s-%s", MR_SLICE_ARGS(mapping_uuid),
                  MR_SLICE_ARGS(document->shard_id), time, random_uuid);
}
