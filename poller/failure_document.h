/*
 * failure_document: what an on-failure destination gets for a discarded batch.
 *
 * Positions, not data, in AWS's shape and order of members; S3 gets the event as well, as a
 * string. The source of every rule is AWS's documentation and documents recorded on AWS.
 */
#ifndef MR_POLLER_FAILURE_DOCUMENT_H
#define MR_POLLER_FAILURE_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "poller/lane.h"

struct mr_failure_window {
    uint64_t start_ms, end_ms;
    bool is_final, early;
};

struct mr_failure_document {
    struct mr_slice request_id;   /* of the last try; a new one when there was none */
    struct mr_slice function_arn; /* with the mapping's qualifier */
    enum mr_lane_condition condition;
    uint32_t invoke_count;
    bool has_response;
    struct mr_slice executed_version; /* "$LATEST", or a number */
    bool unhandled;                   /* functionError "Unhandled", else null */
    uint64_t time_ms;                 /* of the document */
    bool is_dynamodb;                 /* DDBStreamBatchInfo, with arrivals in whole seconds */
    struct mr_slice shard_id;
    struct mr_slice stream_arn; /* the mapping's source: a consumer's with enhanced fan-out */
    uint64_t batch_size;        /* 0: a window's final call, which has no records to name */
    struct mr_slice start_sequence_number, end_sequence_number;
    uint64_t first_arrival_ms, last_arrival_ms;
    const struct mr_failure_window *window; /* NULL without tumbling windows */
    struct mr_slice payload;                /* the event; absent for SQS and SNS */
};

/* Append the document. */
void mr_failure_document_write(struct mr_buf *buf, const struct mr_failure_document *document);

/* Append S3's key: aws/lambda/UUID/SHARD/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-RANDOM. */
void mr_failure_document_key(struct mr_buf *buf, const struct mr_failure_document *document,
                             struct mr_slice mapping_uuid, const char *random_uuid);

#endif
