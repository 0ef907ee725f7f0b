#include "net/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "net/loop_inside.h"
#include "net/timers.h"

struct task {
    mr_loop_fn *fn;
    void *context;
};

/* First in, first out; grows, never loses. */
struct tasks {
    struct task *items;
    size_t count, capacity;
};

struct mr_loop {
    uv_loop_t uv;
    uv_timer_t alarm;  /* the soonest timer of either time */
    uv_async_t posted; /* another thread has put something into `mail` */
    uv_idle_t busy;    /* keeps a round from waiting while tasks are due */
    const struct mr_clock *clock;
    struct mr_clock_virtual *virtual_clock; /* NULL: injected time runs by itself */
    struct mr_timers timers[2];             /* by enum mr_time */
    struct tasks deferred;
    unsigned holds;
    bool stopping;
    bool quiet; /* virtual: nothing was ready in the last round, and all is watched */

    pthread_mutex_t lock; /* guards mail */
    struct tasks mail;
};

uv_loop_t *
mr_loop_uv(struct mr_loop *loop)
{
    return &loop->uv;
}

/* ---- tasks ---- */

static void
tasks_push(struct tasks *tasks, mr_loop_fn *fn, void *context)
{
    if (tasks->count == tasks->capacity) {
        tasks->capacity = tasks->capacity == 0 ? 16 : tasks->capacity * 2;
        tasks->items = mr_realloc(tasks->items, tasks->capacity * sizeof(tasks->items[0]));
    }
    tasks->items[tasks->count++] = (struct task){ fn, context };
}

/* What stands in `tasks` now, and nothing that is put there meanwhile. */
static void
tasks_run(struct tasks *tasks)
{
    struct tasks batch = *tasks;
    *tasks = (struct tasks){ 0 };
    for (size_t i = 0; i < batch.count; i++) {
        batch.items[i].fn(batch.items[i].context);
    }
    free(batch.items);
}

static void
on_posted(uv_async_t *async)
{
    struct mr_loop *loop = async->data;
    pthread_mutex_lock(&loop->lock);
    struct tasks mail = loop->mail;
    loop->mail = (struct tasks){ 0 };
    pthread_mutex_unlock(&loop->lock);
    tasks_run(&mail);
}

void
mr_loop_post(struct mr_loop *loop, mr_loop_fn *fn, void *context)
{
    pthread_mutex_lock(&loop->lock);
    tasks_push(&loop->mail, fn, context);
    pthread_mutex_unlock(&loop->lock);
    uv_async_send(&loop->posted);
}

static void
on_busy(uv_idle_t *idle)
{
    (void)idle; /* an active idle handle makes the round's wait zero; that is all we want */
}

void
mr_loop_defer(struct mr_loop *loop, mr_loop_fn *fn, void *context)
{
    tasks_push(&loop->deferred, fn, context);
}

/* ---- time ---- */

static uint64_t
now_us(const struct mr_loop *loop, enum mr_time time)
{
    return mr_clock_now_us(time == MR_TIME_REAL ? mr_clock_system() : loop->clock);
}

static bool
is_virtual(const struct mr_loop *loop)
{
    return loop->virtual_clock != NULL;
}

/*
 * Only ends the wait: run_due_timers looks at the clocks. A round of libuv runs its timers before
 * it looks at descriptors too, and would then wait with no alarm left: so it must not wait at all.
 */
static void
on_alarm(uv_timer_t *alarm)
{
    struct mr_loop *loop = alarm->data;
    uv_idle_start(&loop->busy, on_busy);
}

/* Fires what is due now; a timer started meanwhile with no delay waits for the next round. */
static bool
run_due_timers(struct mr_loop *loop, enum mr_time time)
{
    struct mr_timers *timers = &loop->timers[time];
    uint64_t now = now_us(loop, time);
    uint64_t first_new = timers->next_order;
    bool fired = false;
    for (;;) {
        struct mr_timer *timer = mr_timers_soonest(timers);
        if (timer == NULL || timer->due_us > now || timer->order >= first_new) {
            return fired;
        }
        mr_timers_stop(timers, timer);
        timer->fn(timer->context);
        fired = true;
    }
}

/* Real milliseconds until something is due; UINT64_MAX: nothing will be. */
static uint64_t
next_wait_ms(const struct mr_loop *loop)
{
    uint64_t soonest = UINT64_MAX;
    for (int time = 0; time < 2; time++) {
        const struct mr_timer *timer = mr_timers_soonest(&loop->timers[time]);
        if (timer == NULL || (time == MR_TIME_INJECTED && is_virtual(loop))) {
            continue;
        }
        uint64_t now = now_us(loop, (enum mr_time)time);
        uint64_t wait = timer->due_us <= now ? 0 : (timer->due_us - now + 999) / 1000;
        soonest = wait < soonest ? wait : soonest;
    }
    return soonest;
}

static void
set_alarm(struct mr_loop *loop, uint64_t limit_ms)
{
    uint64_t wait = next_wait_ms(loop);
    wait = wait < limit_ms ? wait : limit_ms;
    if (wait == UINT64_MAX) {
        uv_timer_stop(&loop->alarm);
        return;
    }
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->alarm, on_alarm, wait, 0);
}

/* Nothing is runnable and nobody holds time: go to where the next timer is due. */
static bool
jump_virtual_time(struct mr_loop *loop)
{
    struct mr_timer *timer = mr_timers_soonest(&loop->timers[MR_TIME_INJECTED]);
    if (!is_virtual(loop) || loop->holds > 0 || timer == NULL) {
        return false;
    }
    uint64_t now = now_us(loop, MR_TIME_INJECTED);
    if (timer->due_us > now) {
        mr_clock_virtual_advance_us(loop->virtual_clock, timer->due_us - now);
    }
    return true;
}

static bool
run_ready(struct mr_loop *loop)
{
    bool ran = loop->deferred.count > 0;
    tasks_run(&loop->deferred);
    ran |= run_due_timers(loop, MR_TIME_REAL);
    ran |= run_due_timers(loop, MR_TIME_INJECTED);
    return ran;
}

/* The mail box alone keeps nobody waiting: who waits for mail holds the loop or watches
 * something. */
static bool
can_happen(struct mr_loop *loop)
{
    uv_unref((uv_handle_t *)&loop->posted);
    bool alive = uv_loop_alive(&loop->uv) != 0;
    uv_ref((uv_handle_t *)&loop->posted);
    pthread_mutex_lock(&loop->lock);
    bool mail = loop->mail.count > 0;
    pthread_mutex_unlock(&loop->lock);
    return alive || mail || loop->holds > 0 || next_wait_ms(loop) != UINT64_MAX;
}

/* Is a descriptor that libuv watches ready? */
static bool
has_arrived(const struct mr_loop *loop)
{
    struct pollfd backend = { .fd = uv_backend_fd(&loop->uv), .events = POLLIN };
    return poll(&backend, 1, 0) > 0;
}

/*
 * A virtual loop with nothing to run: descriptors go before time, because what has arrived, arrived
 * at this time; and between the two whoever drives the loop gets to look. So time jumps in the
 * second quiet round. True when the round is over.
 */
static bool
quiet_round(struct mr_loop *loop)
{
    if (loop->quiet && !has_arrived(loop)) {
        loop->quiet = false;
        return jump_virtual_time(loop);
    }
    loop->quiet = !has_arrived(loop);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    run_ready(loop);
    return true;
}

/*
 * One round: what is ready runs; then descriptors are looked at, waiting only when there is
 * nothing else to do. Returns false when nothing can ever happen any more.
 */
static bool
round_of(struct mr_loop *loop, uint64_t limit_ms)
{
    bool ran = run_ready(loop);
    if (loop->stopping) {
        return true;
    }
    bool pending = ran || loop->deferred.count > 0;
    loop->quiet &= !pending;
    if (is_virtual(loop) && !pending && quiet_round(loop)) {
        return true;
    }
    if (!pending && !can_happen(loop)) {
        return false;
    }
    set_alarm(loop, pending ? 0 : limit_ms);
    if (pending) {
        uv_idle_start(&loop->busy, on_busy);
    } else {
        uv_idle_stop(&loop->busy);
    }
    uv_run(&loop->uv, UV_RUN_ONCE);
    run_ready(loop);
    return true;
}

void
mr_loop_run(struct mr_loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping && round_of(loop, UINT64_MAX)) {
    }
}

void
mr_loop_run_once(struct mr_loop *loop, uint64_t timeout_ms)
{
    loop->stopping = false;
    round_of(loop, timeout_ms);
}

void
mr_loop_stop(struct mr_loop *loop)
{
    loop->stopping = true;
}

const struct mr_clock *
mr_loop_clock(const struct mr_loop *loop)
{
    return loop->clock;
}

void
mr_loop_hold(struct mr_loop *loop)
{
    loop->holds++;
}

void
mr_loop_release(struct mr_loop *loop)
{
    mr_assert(loop->holds > 0);
    loop->holds--;
}

/* ---- life ---- */

/* A thousand, as shells give, is soon too few for a program of connections. */
static void
raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

struct mr_loop *
mr_loop_new(const struct mr_clock *clock)
{
    struct mr_loop *loop = mr_alloc_zero(1, sizeof(*loop));
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets whose peer may be gone */
    raise_descriptor_limit();
    loop->clock = clock == NULL ? mr_clock_system() : clock;
    pthread_mutex_init(&loop->lock, NULL);
    mr_assert(uv_loop_init(&loop->uv) == 0);
    mr_assert(uv_async_init(&loop->uv, &loop->posted, on_posted) == 0);
    mr_assert(uv_timer_init(&loop->uv, &loop->alarm) == 0);
    mr_assert(uv_idle_init(&loop->uv, &loop->busy) == 0);
    loop->posted.data = loop;
    loop->alarm.data = loop;
    uv_unref((uv_handle_t *)&loop->busy);
    uv_unref((uv_handle_t *)&loop->alarm);
    return loop;
}

struct mr_loop *
mr_loop_new_virtual(struct mr_clock_virtual *clock)
{
    struct mr_loop *loop = mr_loop_new(&clock->clock);
    loop->virtual_clock = clock;
    return loop;
}

void
mr_loop_free(struct mr_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    uv_close((uv_handle_t *)&loop->posted, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->busy, NULL);
    tasks_run(&loop->deferred);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    mr_assert(uv_loop_close(&loop->uv) == 0); /* else somebody left a watch behind */
    mr_timers_deinit(&loop->timers[0]);
    mr_timers_deinit(&loop->timers[1]);
    free(loop->deferred.items);
    free(loop->mail.items);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

/* ---- timers ---- */

void
mr_timer_init(struct mr_timer *timer, struct mr_loop *loop, enum mr_time time, mr_loop_fn *fn,
              void *context)
{
    *timer = (struct mr_timer){ .loop = loop, .time = time, .fn = fn, .context = context };
}

void
mr_timer_start_us(struct mr_timer *timer, uint64_t delay_us)
{
    struct mr_loop *loop = timer->loop;
    uint64_t due;
    if (__builtin_add_overflow(now_us(loop, timer->time), delay_us, &due)) {
        due = UINT64_MAX;
    }
    mr_timers_start(&loop->timers[timer->time], timer, due);
}

void
mr_timer_stop(struct mr_timer *timer)
{
    if (timer->loop != NULL) {
        mr_timers_stop(&timer->loop->timers[timer->time], timer);
    }
}

/* ---- descriptors ---- */

struct mr_watch {
    uv_poll_t poll;
    mr_watch_fn *fn; /* NULL: freed, waiting for libuv to let go */
    void *context;
};

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    struct mr_watch *watch = poll->data;
    if (watch->fn == NULL) {
        return;
    }
    int ready =
        (events & UV_READABLE ? MR_READABLE : 0) | (events & UV_WRITABLE ? MR_WRITABLE : 0);
    /* An error shows itself to whoever reads or writes next. */
    watch->fn(status < 0 ? MR_READABLE | MR_WRITABLE : ready, watch->context);
}

struct mr_watch *
mr_watch_new(struct mr_loop *loop, int fd, int events, mr_watch_fn *fn, void *context)
{
    struct mr_watch *watch = mr_alloc_zero(1, sizeof(*watch));
    watch->fn = fn;
    watch->context = context;
    watch->poll.data = watch;
    mr_assert(uv_poll_init(&loop->uv, &watch->poll, fd) == 0);
    mr_watch_set(watch, events);
    return watch;
}

void
mr_watch_set(struct mr_watch *watch, int events)
{
    int wanted =
        (events & MR_READABLE ? UV_READABLE : 0) | (events & MR_WRITABLE ? UV_WRITABLE : 0);
    if (wanted == 0) {
        uv_poll_stop(&watch->poll);
    } else {
        uv_poll_start(&watch->poll, wanted, on_poll);
    }
}

static void
on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
mr_watch_free(struct mr_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    watch->fn = NULL;
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

/* ---- signals ---- */

struct mr_signal {
    uv_signal_t uv;
    mr_signal_fn *fn;
    void *context;
};

static void
on_signal(uv_signal_t *uv, int signal_number)
{
    struct mr_signal *signal = uv->data;
    signal->fn(signal_number, signal->context);
}

struct mr_signal *
mr_signal_new(struct mr_loop *loop, int signal_number, mr_signal_fn *fn, void *context)
{
    struct mr_signal *signal = mr_alloc_zero(1, sizeof(*signal));
    signal->fn = fn;
    signal->context = context;
    signal->uv.data = signal;
    mr_assert(uv_signal_init(&loop->uv, &signal->uv) == 0);
    mr_assert(uv_signal_start(&signal->uv, on_signal, signal_number) == 0);
    return signal;
}

static void
on_signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
mr_signal_free(struct mr_signal *signal)
{
    if (signal != NULL) {
        uv_signal_stop(&signal->uv);
        uv_close((uv_handle_t *)&signal->uv, on_signal_closed);
    }
}
