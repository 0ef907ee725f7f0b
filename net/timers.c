#include "net/timers.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "net/loop.h"

void
mr_timers_deinit(struct mr_timers *timers)
{
    free(timers->heap);
    *timers = (struct mr_timers){ 0 };
}

static bool
before(const struct mr_timer *a, const struct mr_timer *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void
place(struct mr_timers *timers, size_t at, struct mr_timer *timer)
{
    timers->heap[at] = timer;
    timer->slot = at + 1;
}

static void
sift_up(struct mr_timers *timers, size_t at, struct mr_timer *timer)
{
    while (at > 0 && before(timer, timers->heap[(at - 1) / 2])) {
        place(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(timers, at, timer);
}

static void
sift_down(struct mr_timers *timers, size_t at, struct mr_timer *timer)
{
    for (;;) {
        size_t child = at * 2 + 1;
        if (child + 1 < timers->count && before(timers->heap[child + 1], timers->heap[child])) {
            child++;
        }
        if (child >= timers->count || !before(timers->heap[child], timer)) {
            break;
        }
        place(timers, at, timers->heap[child]);
        at = child;
    }
    place(timers, at, timer);
}

void
mr_timers_stop(struct mr_timers *timers, struct mr_timer *timer)
{
    if (timer->slot == 0) {
        return;
    }
    size_t at = timer->slot - 1;
    timer->slot = 0;
    struct mr_timer *last = timers->heap[--timers->count];
    if (last == timer) {
        return;
    }
    sift_down(timers, at, last);
    if (last->slot == at + 1) {
        sift_up(timers, at, last);
    }
}

void
mr_timers_start(struct mr_timers *timers, struct mr_timer *timer, uint64_t due_us)
{
    mr_timers_stop(timers, timer);
    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity == 0 ? 64 : timers->capacity * 2;
        timers->heap = mr_realloc(timers->heap, timers->capacity * sizeof(timers->heap[0]));
    }
    timer->due_us = due_us;
    timer->order = timers->next_order++;
    sift_up(timers, timers->count++, timer);
}

struct mr_timer *
mr_timers_soonest(const struct mr_timers *timers)
{
    return timers->count == 0 ? NULL : timers->heap[0];
}
