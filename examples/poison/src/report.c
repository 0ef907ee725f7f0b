/*
 * The same payments, but this handler says which record failed (the mapping asks for
 * ReportBatchItemFailures): what came before it is done and does not come again.
 */
#include <millrace/handler.h>

static int
on_payments(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;
    size_t handled = 0;

    while (mr_kinesis_next(&records, &record)) {
        struct mr_str payment = mr_kinesis_data(ctx, &record);
        if (mr_str_eq(mr_find(payment, "poison"), MR_STR("true"))) {
            mr_logf(ctx, MR_WARN, "cannot handle %.*s", MR_STR_ARGS(payment));
            mr_batch_fail(ctx, record.sequence_number);
            break; /* a stream is worked through in order: the rest comes again */
        }
        handled++;
    }
    if (records.bad) {
        return mr_fail(ctx, "Payment.BadEvent", "the event is not a list of Kinesis records");
    }
    mr_logf(ctx, MR_INFO, "handled %zu payments", handled);
    return mr_batch_done(ctx);
}
MR_MAIN(on_payments)
