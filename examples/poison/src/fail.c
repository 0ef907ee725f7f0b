/*
 * Handles payments, {"id": 7, "amount": 12.5}. {"poison": true} cannot be handled: the whole batch
 * fails, and it is up to the mapping to find the one record (bisect) and to give it up (retries).
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
            return mr_fail(ctx, "Payment.Poison", "cannot handle %.*s", MR_STR_ARGS(payment));
        }
        handled++;
    }
    if (records.bad) {
        return mr_fail(ctx, "Payment.BadEvent", "the event is not a list of Kinesis records");
    }
    mr_logf(ctx, MR_INFO, "handled %zu payments", handled);
    return mr_respondf(ctx, "{\"handled\":%zu}", handled);
}
MR_MAIN(on_payments)
