#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/cgroup_inside.h"
#include "tests/suite.h"

/* One conformance test, run over both backends. */
static const struct mr_cgroup_backend *const backends[] = { &mr_cgroup_library,
                                                            &mr_cgroup_direct };
static const struct mr_cgroup_limits limits = { .memory_bytes = 64 << 20,
                                                .cpu_permille = 500,
                                                .max_pids = 16 };

static struct mr_cgroups *groups;

static bool
open_groups(int backend)
{
    struct mr_error err;

    groups = mr_cgroups_open(&err);
    if (groups == NULL) {
        printf("skipped: %s\n", err.text);
        return false;
    }
    groups->backend = backends[backend];
    return true;
}

static struct mr_cgroup *
make_group(void)
{
    struct mr_error err;
    struct mr_cgroup *group = mr_cgroup_create(groups, 7, &limits, &err);

    ck_assert_msg(group != NULL, "%s", err.text);
    return group;
}

/* A child inside the group that runs `play` and exits with its result. */
static pid_t
run_inside(struct mr_cgroup *group, int (*play)(void))
{
    int fds[MR_INIT_MAX_PLACES];
    int placed[2];
    char pid_text[16], byte;

    ck_assert_int_eq(pipe(placed), 0);
    ck_assert_int_eq(mr_cgroup_open_places(group, false, fds, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int length = snprintf(pid_text, sizeof(pid_text), "%d", (int)getpid());
        for (size_t i = 0; fds[i] >= 0; i++) {
            if (write(fds[i], pid_text, (size_t)length) != length) {
                _exit(99);
            }
        }
        close(placed[1]);
        _exit(play());
    }
    close(placed[1]);
    ck_assert_int_eq(read(placed[0], &byte, 1), 0);
    close(placed[0]);
    for (size_t i = 0; fds[i] >= 0; i++) {
        close(fds[i]);
    }
    return pid;
}

static int
wait_for(pid_t pid)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static int
fork_bomb(void)
{
    pid_t pids[64];
    int count = 0;

    for (; count < 64; count++) {
        pids[count] = fork();
        if (pids[count] == 0) {
            pause();
        }
        if (pids[count] < 0) {
            break;
        }
    }
    for (int i = 0; i < count; i++) {
        kill(pids[i], SIGKILL);
    }
    return count;
}

static int
eat_memory(void)
{
    for (size_t i = 0; i < 256; i++) {
        char *block = malloc(1 << 20);
        if (block == NULL) {
            return 1;
        }
        memset(block, (int)i + 1, 1 << 20);
    }
    return 0;
}

enum { BURNT_US = 60000 };

static int
burn_cpu(void)
{
    struct timespec used = { 0 };

    while (used.tv_sec == 0 && used.tv_nsec < BURNT_US * 1000l) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    }
    return 0;
}

static int
sleep_on(void)
{
    (void)poll(NULL, 0, 60000);
    return 0;
}

START_TEST(a_group_limits_processes)
{
    if (!open_groups(_i)) {
        return;
    }
    struct mr_cgroup *group = make_group();
    struct mr_sandbox_usage usage = { 0 };

    int status = wait_for(run_inside(group, fork_bomb));
    mr_cgroup_read_usage(group, &usage);

    ck_assert_int_eq(WEXITSTATUS(status), 15);
    ck_assert_uint_ge(usage.pid_limit_hits, 1);
    mr_cgroup_destroy(group);
    mr_cgroups_close(groups);
}
END_TEST

START_TEST(a_group_limits_memory_and_counts_kills)
{
    if (!open_groups(_i)) {
        return;
    }
    struct mr_cgroup *group = make_group();
    struct mr_sandbox_usage usage = { 0 };

    int status = wait_for(run_inside(group, eat_memory));
    mr_cgroup_read_usage(group, &usage);

    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_uint_ge(usage.oom_kills, 1); /* v2 counts the group's end besides */
    ck_assert_uint_le(usage.memory_peak_bytes, 64 << 20);
    ck_assert_uint_ge(usage.memory_peak_bytes, 60 << 20);
    mr_cgroup_start_counting(group);
    usage = (struct mr_sandbox_usage){ 0 };
    mr_cgroup_read_usage(group, &usage);
    ck_assert_uint_eq(usage.oom_kills, 0);
    mr_cgroup_destroy(group);
    mr_cgroups_close(groups);
}
END_TEST

START_TEST(a_group_limits_and_counts_cpu)
{
    if (!open_groups(_i)) {
        return;
    }
    struct mr_cgroup *group = make_group();
    struct mr_sandbox_usage usage = { 0 };

    struct mr_cgroup_limits little = limits;
    little.cpu_permille = 100; /* less than a busy host would give us anyway */
    ck_assert_int_eq(mr_cgroup_limit(group, &little, NULL), 0);

    (void)wait_for(run_inside(group, burn_cpu));
    mr_cgroup_read_usage(group, &usage);

    ck_assert_uint_ge(usage.cpu_us, BURNT_US - 10000);
    ck_assert_uint_ge(usage.throttled_count, 1);
    mr_cgroup_destroy(group);
    mr_cgroups_close(groups);
}
END_TEST

START_TEST(limits_can_be_changed)
{
    if (!open_groups(_i)) {
        return;
    }
    struct mr_cgroup *group = make_group();
    struct mr_cgroup_limits more = limits;
    more.memory_bytes = 600 << 20;

    ck_assert_int_eq(mr_cgroup_limit(group, &more, NULL), 0);

    ck_assert_int_eq(wait_for(run_inside(group, eat_memory)), 0);
    mr_cgroup_destroy(group);
    mr_cgroups_close(groups);
}
END_TEST

START_TEST(a_group_that_is_destroyed_leaves_nothing)
{
    if (!open_groups(_i)) {
        return;
    }
    struct mr_cgroup *group = make_group();
    pid_t pid = run_inside(group, sleep_on);
    ck_assert(mr_cgroup_set_frozen(group, true) == 0 || !mr_cgroups_freeze(groups));

    mr_cgroup_destroy(group);

    ck_assert_int_eq(WTERMSIG(wait_for(pid)), SIGKILL);
    for (size_t i = 0; i < groups->part_count; i++) {
        ck_assert_int_lt(faccessat(groups->parts[i].base_fd, "env-7", F_OK, 0), 0);
    }
    mr_cgroups_close(groups);
}
END_TEST

START_TEST(what_a_dead_daemon_left_is_collected)
{
    char path[700];
    if (!open_groups(1)) {
        return;
    }
    struct mr_cgroup_part *part = &groups->parts[0];
    pid_t dead = fork();
    if (dead == 0) {
        _exit(0);
    }
    (void)wait_for(dead);
    snprintf(path, sizeof(path), "%s%s/millrace-sandboxd-%d", part->mount, part->own,
             (int)dead);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    snprintf(path + strlen(path), sizeof(path) - strlen(path), "/env-3");
    ck_assert_int_eq(mkdir(path, 0755), 0);
    mr_cgroups_close(groups);

    groups = mr_cgroups_open(NULL);

    ck_assert_ptr_nonnull(groups);
    ck_assert_int_lt(access(path, F_OK), 0);
    mr_cgroups_close(groups);
}
END_TEST

MR_SUITE("sandbox.cgroup", MR_TEST_LOOP(a_group_limits_processes, 2),
         MR_TEST_LOOP(a_group_limits_memory_and_counts_kills, 2),
         MR_TEST_LOOP(a_group_limits_and_counts_cpu, 2), MR_TEST_LOOP(limits_can_be_changed, 2),
         MR_TEST_LOOP(a_group_that_is_destroyed_leaves_nothing, 2),
         MR_TEST(what_a_dead_daemon_left_is_collected))
