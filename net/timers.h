/*
 * timers: the started timers of one kind of time, soonest first.
 *
 * A binary heap of pointers to the callers' mr_timer structs; starting, moving and stopping
 * cost O(log n). Private to net/: everybody else uses net/loop.h.
 */
#ifndef MR_NET_TIMERS_H
#define MR_NET_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct mr_timer;

struct mr_timers {
    struct mr_timer **heap;
    size_t count, capacity;
    uint64_t next_order;
};

void mr_timers_deinit(struct mr_timers *timers);
/* Sets due_us and order; a started one is moved. */
void mr_timers_start(struct mr_timers *timers, struct mr_timer *timer, uint64_t due_us);
void mr_timers_stop(struct mr_timers *timers, struct mr_timer *timer);
/* NULL when there is none. */
struct mr_timer *mr_timers_soonest(const struct mr_timers *timers);

#endif
