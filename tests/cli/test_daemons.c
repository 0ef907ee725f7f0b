/* Supervision, with the shell as the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/daemons.h"
#include "tests/suite.h"

struct world {
    struct mr_loop *loop;
    struct mr_daemon *daemon;
    char log[64];
    int ready, fell, ended;
    char why[256];
};

static void
on_event(struct mr_daemon *daemon, enum mr_daemon_event event, const char *text, void *context)
{
    struct world *world = context;
    (void)daemon;
    world->ready += event == MR_DAEMON_READY;
    world->fell += event == MR_DAEMON_FELL;
    world->ended += event == MR_DAEMON_ENDED;
    if (event != MR_DAEMON_READY) {
        snprintf(world->why, sizeof(world->why), "%s", text);
    }
}

/* `script` gets "--ready-fd 3" as its arguments. */
static void
begin(struct world *world, const char *script)
{
    *world = (struct world){ .loop = mr_loop_new(NULL) };
    snprintf(world->log, sizeof(world->log), "/tmp/millrace-daemons-%d.log", getpid());
    const char *arguments[] = { "-c", script, "daemon", NULL };
    world->daemon = mr_daemon_new(world->loop, "sh", world->log, on_event, world);
    mr_daemon_set_arguments(world->daemon, arguments);
}

static void
end(struct world *world)
{
    mr_daemon_free(world->daemon);
    mr_loop_free(world->loop);
    unlink(world->log);
}

#define UNTIL(world, condition)                                               \
    for (int i_ = 0; !(condition); i_++) {                                    \
        ck_assert_msg(i_ < 1000, "never: " #condition " (%s)", (world)->why); \
        mr_loop_run_once((world)->loop, 20);                                  \
    }

START_TEST(a_daemon_is_ready_when_it_says_so)
{
    struct world world;
    struct mr_error err = { 0 };
    begin(&world, "echo READY 4711 >&3; exec sleep 60");

    ck_assert_int_eq(mr_daemon_start(world.daemon, &err), 0);
    ck_assert_int_eq(mr_daemon_wait_ready(world.daemon, 10000, NULL, &err), 0);

    ck_assert_str_eq(mr_daemon_ready_text(world.daemon), "4711");
    ck_assert(mr_daemon_is_ready(world.daemon) && world.ready == 1);
    end(&world);
}
END_TEST

START_TEST(one_that_never_was_ready_says_why_and_is_not_tried_again)
{
    struct world world;
    struct mr_error err = { 0 };
    begin(&world, "echo working >&2; echo 'sh: port 1 is in use' >&2; exit 78");

    ck_assert_int_eq(mr_daemon_start(world.daemon, &err), 0);
    ck_assert_int_eq(mr_daemon_wait_ready(world.daemon, 10000, NULL, &err), -ECHILD);

    ck_assert_str_eq(err.text, "sh: port 1 is in use");
    ck_assert(!mr_daemon_is_running(world.daemon) && world.ended == 1 && world.fell == 0);
    end(&world);
}
END_TEST

START_TEST(one_that_falls_is_started_again)
{
    struct world world;
    struct mr_error err = { 0 };
    begin(&world, "echo READY >&3; exec sleep 60");
    ck_assert_int_eq(mr_daemon_start(world.daemon, &err), 0);
    ck_assert_int_eq(mr_daemon_wait_ready(world.daemon, 10000, NULL, &err), 0);
    pid_t first = mr_daemon_pid(world.daemon);

    kill(first, SIGKILL);
    UNTIL(&world, world.ready == 2);

    ck_assert_int_eq(world.fell, 1);
    ck_assert_str_eq(world.why, "killed by SIGKILL");
    ck_assert_int_ne(mr_daemon_pid(world.daemon), first);
    end(&world);
}
END_TEST

START_TEST(a_stop_asks_first_and_kills_who_does_not_heed)
{
    struct world world;
    struct mr_error err = { 0 };
    begin(&world, "trap '' TERM; echo READY >&3; while :; do sleep 60; done");
    ck_assert_int_eq(mr_daemon_start(world.daemon, &err), 0);
    ck_assert_int_eq(mr_daemon_wait_ready(world.daemon, 10000, NULL, &err), 0);

    mr_daemon_stop(world.daemon, 100);
    UNTIL(&world, world.ended == 1);

    ck_assert_str_eq(world.why, "killed by SIGKILL");
    ck_assert(!mr_daemon_is_running(world.daemon) && world.fell == 0);
    end(&world);
}
END_TEST

START_TEST(who_waits_may_give_up)
{
    struct world world;
    struct mr_error err = { 0 };
    const volatile bool given_up = true;
    begin(&world, "exec sleep 60");

    ck_assert_int_eq(mr_daemon_start(world.daemon, &err), 0);
    ck_assert_int_eq(mr_daemon_wait_ready(world.daemon, 10000, &given_up, &err), -EINTR);

    end(&world);
}
END_TEST

MR_SUITE("cli.daemons", MR_TEST(a_daemon_is_ready_when_it_says_so),
         MR_TEST(one_that_never_was_ready_says_why_and_is_not_tried_again),
         MR_TEST(one_that_falls_is_started_again),
         MR_TEST(a_stop_asks_first_and_kills_who_does_not_heed), MR_TEST(who_waits_may_give_up))
