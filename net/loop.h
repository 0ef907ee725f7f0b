/*
 * loop: one thread's events: timers, descriptors, signals, messages from other threads.
 *
 * A thin cover over libuv, so that no other room sees it. Everything made on a
 * loop is used on that loop's thread; the one door from outside is
 * mr_loop_post.
 *
 * Two kinds of time. Injected time is the clock the loop was made with; the
 * product's waits are on it, and under a virtual clock it stands still until
 * the loop has nothing else to do and nobody holds it (mr_loop_hold), then jumps
 * to the next timer. Real time always runs; a handler's timeout is on it.
 */
#ifndef MR_NET_LOOP_H
#define MR_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"

struct mr_loop;

/*
 * `clock` NULL: the system's. A mr_clock_virtual makes a virtual loop. Never NULL. The process
 * ignores SIGPIPE from now on, and may have as many descriptors as its hard limit allows.
 */
struct mr_loop *mr_loop_new(const struct mr_clock *clock);
struct mr_loop *mr_loop_new_virtual(struct mr_clock_virtual *clock);

/* Everything on it must have been stopped or freed; runs what is left to close. NULL is fine.
 */
void mr_loop_free(struct mr_loop *loop);
MR_AUTO_DEFINE(struct mr_loop, mr_loop_free)

/* Until mr_loop_stop, or until nothing on the loop can ever happen again. */
void mr_loop_run(struct mr_loop *loop);
/* One round: handles what is ready, waits at most `timeout_ms` of real time for something. */
void mr_loop_run_once(struct mr_loop *loop, uint64_t timeout_ms);
/* On the loop's thread: run returns after this round. From elsewhere: post a function that
 * stops. */
void mr_loop_stop(struct mr_loop *loop);

const struct mr_clock *mr_loop_clock(const struct mr_loop *loop);

typedef void(mr_loop_fn)(void *context);

/* Run `fn(context)` on the loop, soon. Thread: any; order per caller is kept; never lost. */
void mr_loop_post(struct mr_loop *loop, mr_loop_fn *fn, void *context);
/* As above for the loop's own thread: after the current callback has returned. */
void mr_loop_defer(struct mr_loop *loop, mr_loop_fn *fn, void *context);

/* While held, virtual time stands still. Counted. No effect under a real clock. */
void mr_loop_hold(struct mr_loop *loop);
void mr_loop_release(struct mr_loop *loop);

/* ---- timers: embed one, start it as often as you like ---- */

enum mr_time { MR_TIME_INJECTED, MR_TIME_REAL };

struct mr_timer {
    struct mr_loop *loop; /* the caller's, outlives us */
    mr_loop_fn *fn;
    void *context;
    uint64_t due_us;
    uint64_t order; /* equal times fire in the order they were started */
    size_t slot;    /* place in the heap + 1; 0: not started */
    enum mr_time time;
};

void mr_timer_init(struct mr_timer *timer, struct mr_loop *loop, enum mr_time time,
                   mr_loop_fn *fn, void *context);
/* Fires once, `delay_us` from now; a started timer is moved. 0 fires in the next round. */
void mr_timer_start_us(struct mr_timer *timer, uint64_t delay_us);
static inline void
mr_timer_start(struct mr_timer *timer, uint64_t delay_ms)
{
    mr_timer_start_us(timer, delay_ms * 1000);
}
/* Fine on one that is not started, or zeroed. */
void mr_timer_stop(struct mr_timer *timer);
static inline bool
mr_timer_started(const struct mr_timer *timer)
{
    return timer->slot != 0;
}

/* ---- descriptors ---- */

enum { MR_READABLE = 1, MR_WRITABLE = 2 };

struct mr_watch;
typedef void(mr_watch_fn)(int events, void *context);

/* Level-triggered. `fd` stays the caller's and must outlive the watch. Never NULL. */
struct mr_watch *mr_watch_new(struct mr_loop *loop, int fd, int events, mr_watch_fn *fn,
                              void *context);
void mr_watch_set(struct mr_watch *watch, int events); /* 0: pause */
/* No callback comes after this returns. NULL is fine. */
void mr_watch_free(struct mr_watch *watch);

/* ---- signals ---- */

struct mr_signal;
typedef void(mr_signal_fn)(int signal_number, void *context);
struct mr_signal *mr_signal_new(struct mr_loop *loop, int signal_number, mr_signal_fn *fn,
                                void *context);
void mr_signal_free(struct mr_signal *signal);

#endif
