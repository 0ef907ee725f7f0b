/*
 * Handles orders, {"type":"order","id":7,"amount":12.5}, a batch at a time. One with
 * "poison": true cannot be handled: it and what is behind it come again, until it is given up.
 */
#include <millrace/handler.h>

static bool
handle(struct mr_ctx *ctx, struct mr_str order)
{
    if (mr_str_eq(mr_find(order, "poison"), MR_STR("true"))) {
        mr_logf(ctx, MR_ERROR, "cannot handle %.*s", MR_STR_ARGS(order));
        return false;
    }
    mr_logf(ctx, MR_INFO, "order %.*s ok", MR_STR_ARGS(mr_find(order, "id")));
    return true;
}

static int
on_orders(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;

    while (mr_kinesis_next(&records, &record)) {
        if (!handle(ctx, mr_kinesis_data(ctx, &record))) {
            mr_batch_fail(ctx, record.sequence_number);
            break; /* a stream is worked through in order: the rest comes again */
        }
    }
    return mr_batch_done(ctx);
}
MR_MAIN(on_orders)
