/*
 * The handler of bench_main_job: looks at every record. A record that begins with "t=" carries
 * the microsecond at which it was put; how long it took to get here is remembered, and told to
 * whoever invokes with {"report":true}.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <millrace/handler.h>

enum { MOST = 100000 };

static uint32_t latencies_us[MOST];
static size_t count;

static uint64_t
now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int
by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static int
report(struct mr_ctx *ctx)
{
    size_t n = count;
    count = 0;
    if (n == 0) {
        return mr_respondf(ctx, "{\"count\":0}");
    }
    qsort(latencies_us, n, sizeof(latencies_us[0]), by_size);
    return mr_respondf(ctx, "{\"count\":%zu,\"p50\":%u,\"p99\":%u,\"max\":%u}", n,
                       latencies_us[n / 2], latencies_us[n * 99 / 100], latencies_us[n - 1]);
}

static void
look(struct mr_ctx *ctx, const struct mr_kinesis *record, uint64_t arrived_us)
{
    struct mr_str data = mr_kinesis_data(ctx, record);
    char text[24] = "";
    if (data.size > 2 && data.size < sizeof(text) && memcmp(data.data, "t=", 2) == 0) {
        memcpy(text, data.data + 2, data.size - 2);
        uint64_t put_us = strtoull(text, NULL, 10);
        latencies_us[count++] = arrived_us > put_us ? (uint32_t)(arrived_us - put_us) : 0;
    }
}

static int
on_records(struct mr_ctx *ctx)
{
    uint64_t arrived_us = now_us();
    if (mr_str_eq(mr_find(mr_event(ctx), "report"), MR_STR("true"))) {
        return report(ctx);
    }
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;
    size_t bytes = 0;
    while (mr_kinesis_next(&records, &record)) {
        bytes += record.sequence_number.size;
        if (count < MOST) {
            look(ctx, &record, arrived_us);
        }
    }
    return mr_respondf(ctx, "{\"bytes\":%zu}", bytes);
}
MR_MAIN(on_records)
