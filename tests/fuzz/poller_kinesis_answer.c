/* What a server sends: can any answer hurt us, and are records inside of it? */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/assert.h"
#include "poller/kinesis_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice text = mr_slice_of(data, size), iterator;
    struct mr_kinesis_shards shards = { 0 };
    struct mr_source_records records;
    struct mr_buf body = { 0 };
    uint64_t created_ms;

    mr_buf_append(&body, data, size);
    if (mr_kinesis_answer_records(&body, &records, NULL) == 0) {
        for (size_t i = 0; i < records.count; i++) {
            mr_assert(records.records[i].sequence_number.size > 0);
        }
        mr_record_block_unref(records.block);
    }
    mr_buf_deinit(&body);
    if (mr_kinesis_answer_iterator(text, &arena, &iterator, NULL) == 0) {
        mr_assert(iterator.size > 0);
    }
    if (mr_kinesis_answer_created(text, &created_ms, NULL) < 0) {
        created_ms = 0;
    }
    if (mr_kinesis_answer_shards(text, &arena, &shards, NULL) == 0) {
        for (size_t i = 0; i < shards.count; i++) {
            mr_assert(shards.list[i].id.size > 0);
        }
    }
    if (mr_kinesis_answer_description(text, &arena, &shards, &created_ms, NULL) == 0) {
        mr_assert(shards.next_token.data == NULL || shards.next_token.size > 0);
    }
    struct mr_kinesis_event event;
    if (mr_kinesis_answer_event(text, &event, NULL) == 0) {
        mr_record_block_unref(event.records.block);
    }
    return 0;
}
