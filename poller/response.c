#include "poller/response.h"

#include "base/json_reader.h"

static struct mr_slice
without_zeros(struct mr_slice digits)
{
    while (digits.size > 1 && digits.data[0] == '0') {
        digits = mr_slice_from(digits, 1);
    }
    return digits;
}

int
mr_sequence_text_compare(struct mr_slice a, struct mr_slice b)
{
    a = without_zeros(a);
    b = without_zeros(b);
    if (a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    return mr_slice_compare(a, b);
}

/*
 * Index of the first record with that number, or -1. Numbers rise along the batch; records out
 * of one aggregate share theirs.
 */
static ptrdiff_t
find(const struct mr_response_batch *batch, struct mr_slice number)
{
    size_t low = 0, high = batch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mr_sequence_text_compare(batch->number(middle, batch->context), number) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < batch->count &&
                 mr_sequence_text_compare(batch->number(low, batch->context), number) == 0;
    return found ? (ptrdiff_t)low : -1;
}

/* The item's record, or -1 when the item is not as it should be. */
static ptrdiff_t
read_item(struct mr_json *json, const struct mr_response_batch *batch)
{
    ptrdiff_t found = -1;
    struct mr_slice key, number;
    if (mr_json_peek(json) != MR_JSON_OBJECT) {
        mr_json_skip(json);
        return -1;
    }
    mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        if (mr_slice_is(key, "itemIdentifier") && mr_json_string_raw(json, &number)) {
            found = find(batch, number);
        } else {
            mr_json_skip(json);
        }
    }
    return found;
}

/* False: an item is wrong. `*lowest` becomes the lowest failed index. */
static bool
read_items(struct mr_json *json, const struct mr_response_batch *batch, size_t *lowest)
{
    bool right = true;
    if (mr_json_peek(json) != MR_JSON_ARRAY) {
        bool empty = mr_json_peek(json) == MR_JSON_NULL; /* null is as good as an empty list */
        mr_json_skip(json);
        return empty;
    }
    mr_json_enter(json);
    while (mr_json_next_element(json)) {
        ptrdiff_t found = read_item(json, batch);
        right = right && found >= 0;
        if (found >= 0 && (size_t)found < *lowest) {
            *lowest = (size_t)found;
        }
    }
    return right;
}

struct reading {
    bool items_right;
    size_t lowest;
    struct mr_slice state;
};

static void
read_object(struct mr_json *json, const struct mr_response_batch *batch,
            struct reading *reading)
{
    struct mr_slice key;
    mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        if (batch->report_failures && mr_slice_is(key, "batchItemFailures")) {
            reading->items_right = read_items(json, batch, &reading->lowest);
        } else if (batch->tumbling && mr_slice_is(key, "state") &&
                   mr_json_peek(json) == MR_JSON_OBJECT) {
            mr_json_raw(json, &reading->state);
        } else {
            mr_json_skip(json);
        }
    }
}

struct mr_lane_report
mr_response_read(struct mr_slice payload, const struct mr_response_batch *batch)
{
    struct reading reading = { .items_right = true, .lowest = batch->count };
    struct mr_json json = mr_json_of(payload);
    if (!batch->report_failures && !batch->tumbling) {
        return (struct mr_lane_report){ .outcome = MR_LANE_SUCCEEDED };
    }
    if (mr_json_peek(&json) == MR_JSON_OBJECT) {
        read_object(&json, batch, &reading);
    } else if (payload.size > 0) {
        mr_json_skip(&json);
    }
    bool malformed = payload.size > 0 && !mr_json_done(&json);
    struct mr_lane_report report = { .outcome = MR_LANE_SUCCEEDED, .state = reading.state };
    if ((malformed || !reading.items_right) && batch->report_failures) {
        report.outcome = MR_LANE_BAD_RESPONSE;
    } else if (reading.lowest < batch->count) {
        report.outcome = MR_LANE_PARTIAL;
        report.failed_at = reading.lowest;
    }
    return report;
}
