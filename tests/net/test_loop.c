#include <pthread.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/loop.h"
#include "tests/suite.h"

static struct mr_buf heard; /* each test runs in a process of its own, or clears it */
static char nothing[] = "", woke[] = "woke";

static void
say(void *word)
{
    mr_buf_append_str(&heard, word);
}

START_TEST(timers_fire_soonest_first_and_equal_ones_in_starting_order)
{
    struct mr_clock_virtual clock;
    struct mr_timer timers[5];
    static const struct {
        const char *word;
        uint64_t ms;
    } rows[5] = { { "d", 40 }, { "a", 10 }, { "b", 20 }, { "c", 20 }, { "x", 30 } };
    mr_clock_virtual_init(&clock, 0);
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new_virtual(&clock);
    mr_buf_clear(&heard);
    for (int i = 0; i < 5; i++) {
        mr_timer_init(&timers[i], loop, MR_TIME_INJECTED, say, (void *)(uintptr_t)rows[i].word);
        mr_timer_start(&timers[i], rows[i].ms);
    }

    mr_timer_stop(&timers[4]);
    mr_loop_run(loop);

    ck_assert_str_eq(mr_buf_cstr(&heard), "abcd");
    ck_assert_uint_eq(mr_clock_now_ms(&clock.clock), 40);
}
END_TEST

START_TEST(a_day_of_virtual_time_passes_at_once)
{
    struct mr_clock_virtual clock;
    struct mr_timer timer;
    mr_clock_virtual_init(&clock, 1000000);
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new_virtual(&clock);
    mr_timer_init(&timer, loop, MR_TIME_INJECTED, say, nothing);
    mr_timer_start(&timer, 24 * 3600 * 1000);

    mr_loop_run(loop);

    ck_assert_uint_eq(mr_clock_wall_ms(&clock.clock), 24 * 3600 * 1000 + 1000);
}
END_TEST

static void
release(void *loop)
{
    mr_buf_append_str(&heard, "released ");
    mr_loop_release(loop);
}

START_TEST(held_virtual_time_stands_still_while_real_time_runs)
{
    struct mr_clock_virtual clock;
    struct mr_timer wait, work;
    mr_clock_virtual_init(&clock, 0);
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new_virtual(&clock);
    mr_buf_clear(&heard);
    mr_timer_init(&wait, loop, MR_TIME_INJECTED, say, woke);
    mr_timer_init(&work, loop, MR_TIME_REAL, release, loop);
    mr_timer_start(&wait, 1);
    mr_timer_start(&work, 20);
    mr_loop_hold(loop);

    mr_loop_run(loop);

    ck_assert_str_eq(mr_buf_cstr(&heard), "released woke");
}
END_TEST

static void
on_arrival(int events, void *context)
{
    (void)events;
    *(bool *)context = true;
}

START_TEST(who_drives_a_virtual_loop_looks_between_what_arrived_and_the_jump)
{
    struct mr_clock_virtual clock;
    struct mr_timer later;
    bool arrived = false;
    int ends[2];
    mr_clock_virtual_init(&clock, 0);
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new_virtual(&clock);
    mr_timer_init(&later, loop, MR_TIME_INJECTED, say, woke);
    mr_timer_start(&later, 100);
    ck_assert_int_eq(pipe(ends), 0);
    struct mr_watch *watch = mr_watch_new(loop, ends[0], MR_READABLE, on_arrival, &arrived);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);

    while (!arrived) {
        mr_loop_run_once(loop, 1000);
    }

    ck_assert_uint_eq(mr_clock_now_us(&clock.clock), 0);
    mr_timer_stop(&later);
    mr_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

enum { THREADS = 4, POSTS = 1000 };
struct post {
    struct mr_loop *loop;
    int thread, number;
};
static int last[THREADS];
static int posts_left;

static void
on_post(void *context)
{
    struct post *post = context;
    ck_assert_int_eq(last[post->thread] + 1, post->number);
    last[post->thread] = post->number;
    if (--posts_left == 0) {
        mr_loop_stop(post->loop);
    }
}

static void *
post_many(void *context)
{
    struct post *posts = context;
    for (int i = 0; i < POSTS; i++) {
        mr_loop_post(posts[i].loop, on_post, &posts[i]);
    }
    return NULL;
}

START_TEST(posts_of_each_thread_arrive_in_order_and_none_is_lost)
{
    static struct post posts[THREADS][POSTS];
    pthread_t threads[THREADS];
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new(NULL);
    posts_left = THREADS * POSTS;
    mr_loop_hold(loop);

    for (int t = 0; t < THREADS; t++) {
        last[t] = 0;
        for (int i = 0; i < POSTS; i++) {
            posts[t][i] = (struct post){ loop, t, i + 1 };
        }
        pthread_create(&threads[t], NULL, post_many, posts[t]);
    }
    mr_loop_run(loop);

    ck_assert_int_eq(posts_left, 0);
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
    }
}
END_TEST

static void
on_readable(int events, void *fd)
{
    char byte;
    ck_assert_int_eq(events, MR_READABLE);
    ck_assert_int_eq(read(*(int *)fd, &byte, 1), 1);
    mr_buf_append(&heard, &byte, 1);
}

START_TEST(a_watch_calls_while_there_is_something_to_read)
{
    int pipe_fds[2];
    ck_assert_int_eq(pipe(pipe_fds), 0);
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new(NULL);
    mr_buf_clear(&heard);
    struct mr_watch *watch =
        mr_watch_new(loop, pipe_fds[0], MR_READABLE, on_readable, &pipe_fds[0]);
    ck_assert_int_eq(write(pipe_fds[1], "abc", 3), 3);

    while (heard.size < 3) {
        mr_loop_run_once(loop, 1000);
    }

    ck_assert_str_eq(mr_buf_cstr(&heard), "abc");
    mr_watch_free(watch);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

struct chain {
    struct mr_loop *loop;
    int left;
};

static void
defer_again(void *context)
{
    struct chain *chain = context;
    if (--chain->left > 0) {
        mr_loop_defer(chain->loop, defer_again, chain);
    }
}

START_TEST(what_is_deferred_runs_before_the_loop_ends)
{
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new(NULL);
    struct chain chain = { loop, 100 };
    mr_loop_defer(loop, defer_again, &chain);

    mr_loop_run(loop);

    ck_assert_int_eq(chain.left, 0);
}
END_TEST

START_TEST(a_round_without_a_limit_of_time_returns_though_a_silent_descriptor_is_watched)
{
    int pipe_fds[2];
    ck_assert_int_eq(pipe(pipe_fds), 0);
    mr_auto(mr_loop_free) struct mr_loop *loop = mr_loop_new(NULL);
    struct mr_watch *watch = mr_watch_new(loop, pipe_fds[0], MR_READABLE, NULL, NULL);

    for (int i = 0; i < 5; i++) {
        mr_loop_run_once(loop, 0); /* libuv's timers run before it waits: nothing may hang */
    }

    mr_watch_free(watch);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}
END_TEST

MR_SUITE("net.loop", MR_TEST(timers_fire_soonest_first_and_equal_ones_in_starting_order),
         MR_TEST(a_day_of_virtual_time_passes_at_once),
         MR_TEST(held_virtual_time_stands_still_while_real_time_runs),
         MR_TEST(who_drives_a_virtual_loop_looks_between_what_arrived_and_the_jump),
         MR_TEST(posts_of_each_thread_arrive_in_order_and_none_is_lost),
         MR_TEST(a_watch_calls_while_there_is_something_to_read),
         MR_TEST(what_is_deferred_runs_before_the_loop_ends),
         MR_TEST(a_round_without_a_limit_of_time_returns_though_a_silent_descriptor_is_watched))
