/* Any bytes as an event: the walkers end, and touch only what is theirs. */
#include "millrace/handler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
walk_all(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis kinesis;
    while (mr_kinesis_next(&records, &kinesis)) {
        struct mr_kpl inner =
            mr_kpl_open(mr_kinesis_data(ctx, &kinesis), kinesis.partition_key);
        while (mr_kpl_next(&inner)) {
        }
        mr_batch_fail(ctx, kinesis.sequence_number);
    }
    struct mr_dynamodb dynamodb;
    for (records = mr_records(ctx); mr_dynamodb_next(&records, &dynamodb);) {
        mr_attribute_text(ctx, mr_attribute_get(dynamodb.new_image, "a.b[0].c"));
    }
    struct mr_sqs sqs;
    for (records = mr_records(ctx); mr_sqs_next(&records, &sqs);) {
    }
    mr_event_source(ctx);
    mr_window_put(ctx, "n", MR_STR("1"));
    return mr_batch_done(ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, walk_all, NULL, NULL };
    struct mr_str event = { (const char *)data, size };
    mr_test_invoke(&handler, event, 1000);
    struct mr_kpl records = mr_kpl_open(event, event);
    while (mr_kpl_next(&records)) {
    }
    return 0;
}
