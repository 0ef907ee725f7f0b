#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/json_reader.h"
#include "poller/dynamodb_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a server of table streams may send. A record that is taken is JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice body = mr_slice_of(data, size), iterator;
    struct mr_source_records result;
    struct mr_dynamodb_stream stream = { 0 };
    mr_auto_arena struct mr_arena arena = { 0 };

    (void)!mr_dynamodb_answer_iterator(body, &arena, &iterator, NULL);
    (void)!mr_dynamodb_answer_stream(body, &arena, &stream, NULL);
    (void)!mr_dynamodb_answer_newest_stream(body, &arena, &iterator, NULL);
    if (mr_dynamodb_answer_records(body, MR_SLICE("arn"), 5, &arena, &result, NULL) == 0) {
        for (size_t i = 0; i < result.count; i++) {
            mr_assert(mr_json_valid(result.records[i].data));
        }
        mr_record_block_unref(result.block);
    }
    return 0;
}
