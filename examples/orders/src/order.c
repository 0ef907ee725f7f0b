/* Handles orders, {"id": 7, "amount": 12.5}; {"poison": true} cannot be handled and says so. */
#include <millrace/handler.h>

static bool
is_poison(struct mr_str order)
{
    return mr_str_eq(mr_find(order, "poison"), MR_STR("true"));
}

static int
on_orders(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;
    size_t orders = 0;

    while (mr_kinesis_next(&records, &record)) {
        struct mr_str order = mr_kinesis_data(ctx, &record);
        if (is_poison(order)) {
            return mr_fail(ctx, "Order.Poison", "cannot handle order %.*s", MR_STR_ARGS(order));
        }
        orders++;
    }
    if (records.bad) {
        return mr_fail(ctx, "Order.BadEvent", "the event is not a list of Kinesis records");
    }
    mr_logf(ctx, MR_INFO, "handled %zu orders", orders);
    return mr_respondf(ctx, "{\"handled\":%zu}", orders);
}
MR_MAIN(on_orders)
