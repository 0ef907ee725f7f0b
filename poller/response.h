/*
 * response: what a handler's answer means for its batch.
 *
 * Without ReportBatchItemFailures any answer is success. With it, {"batchItemFailures":
 * [{"itemIdentifier":"<sequence number>"}]} names failed records; the lowest counts. No answer,
 * null, {}, [], "", an empty or null list are success; an identifier that is not in the batch,
 * not a string or empty, or an item without one fails the whole batch. Source: AWS-validated
 * cases and the developer guide (docs/compatibility.md).
 */
#ifndef MR_POLLER_RESPONSE_H
#define MR_POLLER_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "poller/lane.h"

/* The sequence number of record `index` of the batch. */
typedef struct mr_slice(mr_response_number_fn)(size_t index, void *context);

struct mr_response_batch {
    size_t count;
    mr_response_number_fn *number;
    void *context;
    bool report_failures; /* FunctionResponseTypes has ReportBatchItemFailures */
    bool tumbling;        /* the answer carries `state` */
};

/*
 * `payload` is the answer of a function that returned. The report's state points into it, and
 * is absent when there is none or it is no object.
 */
struct mr_lane_report mr_response_read(struct mr_slice payload,
                                       const struct mr_response_batch *batch);

/* As numbers: longer is larger, leading zeros do not count. */
int mr_sequence_text_compare(struct mr_slice a, struct mr_slice b);

#endif
