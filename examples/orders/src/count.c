/* Counts records and bytes of each batch, and of all batches since the process started. */
#include <millrace/handler.h>

static size_t total;

static int
on_records(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;
    size_t count = 0, bytes = 0;

    while (mr_kinesis_next(&records, &record)) {
        bytes += mr_kinesis_data(ctx, &record).size;
        count++;
    }
    total += count;
    mr_logf(ctx, MR_INFO, "%zu records, %zu bytes, %zu records in all", count, bytes, total);
    return mr_respondf(ctx, "{\"records\":%zu,\"total\":%zu}", count, total);
}
MR_MAIN(on_records)
