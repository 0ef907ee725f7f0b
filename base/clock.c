#include "base/clock.h"

#include <time.h>

static uint64_t
read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t
system_now(const struct mr_clock *clock)
{
    (void)clock;
    return read_us(CLOCK_MONOTONIC);
}

static uint64_t
system_wall(const struct mr_clock *clock)
{
    (void)clock;
    return read_us(CLOCK_REALTIME);
}

const struct mr_clock *
mr_clock_system(void)
{
    static const struct mr_clock system = { system_now, system_wall };
    return &system;
}

static uint64_t
virtual_now(const struct mr_clock *clock)
{
    return ((const struct mr_clock_virtual *)clock)->us;
}

static uint64_t
virtual_wall(const struct mr_clock *clock)
{
    const struct mr_clock_virtual *self = (const struct mr_clock_virtual *)clock;
    return self->start_wall_us + self->us;
}

void
mr_clock_virtual_init(struct mr_clock_virtual *clock, uint64_t start_wall_us)
{
    *clock = (struct mr_clock_virtual){
        .clock = { virtual_now, virtual_wall },
        .start_wall_us = start_wall_us,
    };
}

void
mr_clock_virtual_advance_us(struct mr_clock_virtual *clock, uint64_t us)
{
    clock->us += us;
}
