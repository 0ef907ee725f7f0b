/*
 * clock: the one place time comes from.
 *
 * Every wait of the product (record age, batch window, backoff, tumbling
 * window, iterator expiry, retention) reads a clock it was given, so a test
 * moves a virtual one and runs a day in a microsecond.
 *
 * Two readings: `now_us` rises steadily and is for waits; `wall_us` is Unix
 * time and is for what people and peers see. A virtual clock moves both.
 */
#ifndef MR_BASE_CLOCK_H
#define MR_BASE_CLOCK_H

#include <stdint.h>

struct mr_clock {
    uint64_t (*now_us)(const struct mr_clock *clock);  /* monotonic, microseconds */
    uint64_t (*wall_us)(const struct mr_clock *clock); /* Unix time, microseconds */
};

/* The machine's clocks. Thread: any. */
const struct mr_clock *mr_clock_system(void);

/* A clock that stands still until moved. Thread: one. */
struct mr_clock_virtual {
    struct mr_clock clock; /* first: pass &virtual.clock */
    uint64_t us;           /* since start */
    uint64_t start_wall_us;
};

void mr_clock_virtual_init(struct mr_clock_virtual *clock, uint64_t start_wall_us);
void mr_clock_virtual_advance_us(struct mr_clock_virtual *clock, uint64_t us);

static inline uint64_t
mr_clock_now_us(const struct mr_clock *clock)
{
    return clock->now_us(clock);
}

static inline uint64_t
mr_clock_now_ms(const struct mr_clock *clock)
{
    return clock->now_us(clock) / 1000;
}

static inline uint64_t
mr_clock_wall_us(const struct mr_clock *clock)
{
    return clock->wall_us(clock);
}

static inline uint64_t
mr_clock_wall_ms(const struct mr_clock *clock)
{
    return clock->wall_us(clock) / 1000;
}

#endif
