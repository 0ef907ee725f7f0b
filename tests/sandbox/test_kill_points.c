#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sandbox/session.h"
#include "tests/suite.h"

/*
 * A launch takes some 3 ms here. Whatever it is doing when the daemon, or its
 * client, dies after so many microseconds: nothing of it may be left.
 */
enum { STEP_US = 150, STEPS = 40 };

static struct session session;

static const struct {
    bool as_nobody;
    uint32_t hide;
} hosts[] = { { false, 0 },
              { true, 0 },
              { false, MR_SANDBOX_HAS_USER_NS | MR_SANDBOX_HAS_CGROUP_LIMITS },
              { true, MR_SANDBOX_HAS_USER_NS | MR_SANDBOX_HAS_CGROUP_LIMITS } };

static int
left_in_cgroups(pid_t daemon)
{
    char command[200], count[16] = "";

    snprintf(command, sizeof(command),
             "find /sys/fs/cgroup -name 'millrace-sandboxd-%d' 2>/dev/null | wc -l",
             (int)daemon);
    FILE *pipe = popen(command, "re");
    (void)!fgets(count, sizeof(count), pipe);
    pclose(pipe);
    return atoi(count);
}

static void
start_and_wait_us(int host, long us)
{
    const struct timespec delay = { .tv_nsec = us * 1000 };

    session_open(&session, hosts[host].as_nobody, hosts[host].hide);
    session_start(&session, 1, "setsid -f sleep 1000; sleep 1000", NULL);
    nanosleep(&delay, NULL);
}

START_TEST(a_daemon_killed_at_any_step_leaves_nothing)
{
    pid_t last = 0;

    for (long step = 0; step < STEPS; step++) {
        start_and_wait_us(_i, step * STEP_US);
        last = session.daemon;
        kill(session.daemon, SIGKILL);
        session_close(&session);
        ck_assert_msg(nothing_left(&session), "after %ld us", step * STEP_US);
    }

    session_open(&session, hosts[_i].as_nobody, hosts[_i].hide); /* collects */
    ck_assert((session.hello.mechanisms & MR_SANDBOX_HAS_CGROUP_LIMITS) == 0 ||
              left_in_cgroups(last) == 0);
    session_close(&session);
}
END_TEST

START_TEST(a_client_gone_at_any_step_leaves_nothing)
{
    for (long step = 0; step < STEPS; step++) {
        start_and_wait_us(_i, step * STEP_US);
        pid_t daemon = session.daemon;
        session_close(&session);
        ck_assert_msg(nothing_left(&session), "after %ld us", step * STEP_US);
        ck_assert_int_eq(left_in_cgroups(daemon), 0);
    }
}
END_TEST

START_TEST(a_kill_at_any_step_is_answered_once)
{
    session_open(&session, hosts[_i].as_nobody, hosts[_i].hide);

    for (long step = 0; step < STEPS; step++) {
        const struct timespec delay = { .tv_nsec = step * STEP_US * 1000 };
        session.places[1].exit_count = 0;
        session_start(&session, 1, "setsid -f sleep 1000; sleep 1000", NULL);
        nanosleep(&delay, NULL);
        ck_assert_int_eq(mr_sandbox_client_kill(session.client, 1, NULL), 0);
        ck_assert(session_wait(&session, &session.places[1].exited));
        ck_assert_int_eq(session.places[1].exit_count + session.places[1].failed, 1);
        if (session.places[1].process.listener_fd >= 0) {
            close(session.places[1].process.listener_fd);
        }
    }

    ck_assert(nothing_left(&session));
    session_close(&session);
}
END_TEST

MR_SUITE("sandbox.kill_points", MR_TEST_LOOP(a_daemon_killed_at_any_step_leaves_nothing, 4),
         MR_TEST_LOOP(a_client_gone_at_any_step_leaves_nothing, 4),
         MR_TEST_LOOP(a_kill_at_any_step_is_answered_once, 4))
