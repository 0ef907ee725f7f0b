#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/session.h"
#include "tests/suite.h"

static struct session session;

/* Looped tests: as root, as uid nobody, and both without namespaces (L3). */
enum { ROOT, NOBODY, HOSTS, ROOT_L3 = HOSTS, NOBODY_L3, LEVELS };

static const uint32_t no_namespaces = MR_SANDBOX_HAS_USER_NS | MR_SANDBOX_HAS_CGROUP_LIMITS;

/* False, with the reason printed, where this host cannot. */
static bool
open_as(int kind)
{
    bool nobody = kind == NOBODY || kind == NOBODY_L3;

    session_open(&session, nobody, kind >= ROOT_L3 ? no_namespaces : 0);
    if (kind < ROOT_L3 && session.hello.level == MR_SANDBOX_L3) {
        printf("skipped: no user namespaces here: %s\n", session.hello.text);
        session_close(&session);
        return false;
    }
    return true;
}

static bool
has_cgroups(void)
{
    if ((session.hello.mechanisms & MR_SANDBOX_HAS_CGROUP_LIMITS) != 0) {
        return true;
    }
    printf("skipped: %s\n", session.hello.text);
    session_close(&session);
    return false;
}

START_TEST(a_handler_has_lambdas_ids_and_no_right)
{
    if (!open_as(_i)) {
        return;
    }

    const char *log = session_run(&session, 1,
                                  "id -u; id -g; grep -E 'Cap(Eff|Prm|Bnd|Amb)|NoNewPrivs' "
                                  "/proc/self/status; pwd",
                                  NULL);

    ck_assert_str_eq(log, "993\n990\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
                          "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"
                          "NoNewPrivs:\t1\n/var/task\n");
    session_close(&session);
}
END_TEST

START_TEST(nothing_is_inherited_that_was_not_given)
{
    int leaked = open("/etc/hostname", O_RDONLY); /* not close-on-exec */
    setenv("AWS_SECRET_ACCESS_KEY", "the supervisor's own", 1);
    if (!open_as(_i)) {
        return;
    }

    const struct mr_slice env[] = { MR_SLICE("A=1") };
    const struct mr_sandbox_launch launch = { .env = env, .env_count = 1 };
    const char *log = session_run(&session, 1, "echo /proc/$$/fd/*; env | sort", &launch);

    ck_assert_ptr_nonnull(strstr(log, "/fd/0 /proc"));
    ck_assert_ptr_null(strstr(log, "/fd/3 "));
    ck_assert_ptr_null(strstr(log, "/fd/4"));
    ck_assert_ptr_null(strstr(log, "SECRET"));
    ck_assert_ptr_nonnull(strstr(log, "A=1\n"));
    close(leaked);
    session_close(&session);
}
END_TEST

START_TEST(an_exit_status_and_a_signal_are_told_apart)
{
    if (!open_as(_i)) {
        return;
    }

    (void)session_run(&session, 1, "exit 3", NULL);
    (void)session_run(&session, 2, "kill -SEGV $$", NULL);

    ck_assert_int_eq(session.places[1].exit.status, 3);
    ck_assert_str_eq(session.places[1].exit.text, "exited with status 3");
    ck_assert_int_eq(session.places[2].exit.signal, SIGSEGV);
    ck_assert_str_eq(session.places[2].exit.text, "signal: segmentation fault");
    session_close(&session);
}
END_TEST

START_TEST(a_program_that_is_not_there_fails_with_a_sentence)
{
    if (!open_as(_i)) {
        return;
    }
    const struct mr_slice args[] = { MR_SLICE("/var/task/bootstrap") };
    const struct mr_sandbox_launch launch = { .args = args, .arg_count = 1 };

    session_start(&session, 1, NULL, &launch);
    ck_assert(session_wait(&session, &session.places[1].failed));

    ck_assert_int_eq(session.places[1].failure.code, -ENOENT);
    ck_assert_ptr_nonnull(strstr(session.places[1].failure.text, "execute its program"));
    (void)session_run(&session, 1, "exit 0", NULL); /* and the environment can be used again */
    session_close(&session);
}
END_TEST

START_TEST(a_code_directory_that_is_not_there_fails_with_its_name)
{
    if (!open_as(_i)) {
        return;
    }
    const struct mr_sandbox_launch launch = { .code_dir = MR_SLICE("/nowhere/at/all") };

    session_start(&session, 1, "exit 0", &launch);
    ck_assert(session_wait(&session, &session.places[1].failed));

    ck_assert_ptr_nonnull(strstr(session.places[1].failure.text, "/nowhere/at/all"));
    session_close(&session);
}
END_TEST

START_TEST(the_runtime_api_is_reached_through_a_listener_made_inside)
{
    if (!open_as(_i)) {
        return;
    }
    const struct mr_sandbox_launch launch = { .flags = MR_SANDBOX_API_LISTENER };

    session_start(&session, 1,
                  "exec 5<>/dev/tcp/${AWS_LAMBDA_RUNTIME_API/:/\\/}; echo ask >&5; read a <&5; "
                  "echo got $a",
                  &launch);
    ck_assert(session_wait(&session, &session.places[1].launched));
    struct pollfd ready = { .fd = session.places[1].process.listener_fd, .events = POLLIN };
    ck_assert_int_eq(poll(&ready, 1, 10000), 1);
    int peer = accept(ready.fd, NULL, NULL);
    char bytes[16] = "";
    ck_assert_int_eq(read(peer, bytes, sizeof(bytes)), 4);
    ck_assert_int_eq(write(peer, "answer\n", 7), 7);

    ck_assert(session_wait_log(&session, 1, "got answer"));
    close(peer);
    session_close(&session);
}
END_TEST

START_TEST(a_host_network_has_a_listener_of_its_own)
{
    if (!open_as(_i)) {
        return;
    }
    const struct mr_sandbox_launch launch = { .flags = MR_SANDBOX_API_LISTENER,
                                              .network = MR_SANDBOX_NETWORK_HOST };

    const char *log = session_run(&session, 1, "echo $AWS_LAMBDA_RUNTIME_API", &launch);

    char wanted[40];
    snprintf(wanted, sizeof(wanted), "127.0.0.1:%u\n", session.places[1].process.api_port);
    ck_assert_str_eq(log, wanted);
    ck_assert_uint_ne(session.places[1].process.api_port, 9001);
    session_close(&session);
}
END_TEST

START_TEST(a_forwarded_port_listens_inside)
{
    if (!open_as(_i)) {
        return;
    }
    const uint16_t ports[] = { 4566, 8000 };
    const struct mr_sandbox_launch launch = { .forwards = ports, .forward_count = 2 };

    session_start(&session, 1, "exec 5<>/dev/tcp/127.0.0.1/8000 && echo connected; sleep 100",
                  &launch);
    ck_assert(session_wait_log(&session, 1, "connected"));

    ck_assert_uint_eq(session.places[1].process.forward_count, 2);
    int peer = accept(session.places[1].process.forward_fds[1], NULL, NULL);
    ck_assert_int_ge(peer, 0);
    close(peer);
    close(session.places[1].process.forward_fds[0]);
    close(session.places[1].process.forward_fds[1]);
    session_close(&session);
}
END_TEST

START_TEST(what_was_written_to_tmp_is_there_after_a_reset)
{
    if (!open_as(_i)) {
        return;
    }
    (void)session_run(&session, 1, "echo kept > ${TMPDIR:-/tmp}/file", NULL);

    const char *log = session_run(&session, 1, "cat ${TMPDIR:-/tmp}/file", NULL);

    ck_assert_str_eq(log, "kept\n");
    ck_assert_str_eq(session_run(&session, 2, "ls -A ${TMPDIR:-/tmp}", NULL), "");
    ck_assert_int_eq(mr_sandbox_client_release(session.client, 1, NULL), 0);
    ck_assert_str_eq(session_run(&session, 1, "ls -A ${TMPDIR:-/tmp}", NULL), "");
    session_close(&session);
}
END_TEST

START_TEST(a_grandchild_that_ran_away_is_gone)
{
    if (!open_as(_i)) {
        return;
    }

    (void)session_run(&session, 1, "setsid -f sleep 1000; setsid -f setsid -f sleep 1000",
                      NULL);

    ck_assert(nothing_left(&session));
    session_close(&session);
}
END_TEST

START_TEST(a_tree_that_hangs_is_killed_whole)
{
    if (!open_as(_i)) {
        return;
    }
    session_start(&session, 1,
                  "trap '' TERM INT; sleep 1000 & sleep 1000 & echo up; wait", NULL);
    ck_assert(session_wait_log(&session, 1, "up"));

    ck_assert_int_eq(mr_sandbox_client_kill(session.client, 1, NULL), 0);

    ck_assert(session_wait(&session, &session.places[1].exited));
    ck_assert_int_eq(session.places[1].exit.signal, SIGKILL);
    ck_assert(nothing_left(&session));
    session_close(&session);
}
END_TEST

START_TEST(a_frozen_tree_stands_still_and_goes_on)
{
    if (!open_as(_i)) {
        return;
    }
    struct mr_buf *log = &session.places[1].log;
    session_start(&session, 1, "while :; do echo tick; sleep 0.01; done", NULL);
    ck_assert(session_wait_log(&session, 1, "tick"));

    ck_assert_int_eq(mr_sandbox_client_freeze(session.client, 1, NULL), 0);
    ck_assert_int_eq(mr_sandbox_client_usage(session.client, 1, NULL), 0);
    ck_assert(session_wait(&session, &session.places[1].used)); /* in order: it is frozen now */
    (void)session_wait_log(&session, 1, "tick");
    bool never = false;
    for (int i = 0; i < 3; i++) { /* what was in the pipe */
        struct pollfd ready = { .fd = session.places[1].process.log_fd, .events = POLLIN };
        char bytes[4096];
        (void)!(poll(&ready, 1, 100) == 1 && read(ready.fd, bytes, sizeof(bytes)) > 0);
    }
    struct pollfd ready = { .fd = session.places[1].process.log_fd, .events = POLLIN };
    ck_assert_int_eq(poll(&ready, 1, 200), 0);
    mr_buf_clear(log);
    ck_assert_int_eq(mr_sandbox_client_thaw(session.client, 1, NULL), 0);

    ck_assert(session_wait_log(&session, 1, "tick"));
    ck_assert(!never);
    session_close(&session);
}
END_TEST

START_TEST(a_frozen_tree_can_be_killed)
{
    if (!open_as(_i)) {
        return;
    }
    session_start(&session, 1, "echo up; sleep 1000", NULL);
    ck_assert(session_wait_log(&session, 1, "up"));
    ck_assert_int_eq(mr_sandbox_client_freeze(session.client, 1, NULL), 0);

    ck_assert_int_eq(mr_sandbox_client_kill(session.client, 1, NULL), 0);

    ck_assert(session_wait(&session, &session.places[1].exited));
    ck_assert(nothing_left(&session));
    ck_assert_str_eq(session_run(&session, 1, "echo again", NULL), "again\n");
    session_close(&session);
}
END_TEST

START_TEST(memory_over_the_limit_is_named)
{
    if (!open_as(ROOT) || !has_cgroups()) {
        return;
    }
    const struct mr_sandbox_launch launch = { .memory_mb = 128, .tmp_mb = 64 };

    (void)session_run(&session, 1, "python3 -c 'b = bytearray(1 << 30); b[::4096] = b[::4096]'",
                      &launch);

    ck_assert(session.places[1].exit.oom);
    ck_assert_ptr_nonnull(strstr(session.places[1].exit.text, "out of memory"));
    ck_assert_uint_le(session.places[1].exit.usage.memory_peak_bytes, 192u << 20);
    (void)session_run(&session, 1, "exit 0", &launch);
    ck_assert(!session.places[1].exit.oom);
    session_close(&session);
}
END_TEST

START_TEST(a_fork_bomb_ends_at_its_limit)
{
    if (!open_as(_i)) {
        return;
    }
    const struct mr_sandbox_launch launch = { .max_pids = 40, .memory_mb = 512 };

    session_start(&session, 1, "f() { f | f & sleep 1000; }; f; echo never", &launch);
    struct place *place = &session.places[1];
    (void)session_wait_log(&session, 1, "Resource temporarily unavailable");
    int alive = count_descendants(&session);

    ck_assert_int_le(alive, 42);
    ck_assert_int_eq(mr_sandbox_client_kill(session.client, 1, NULL), 0);
    ck_assert(session_wait(&session, &place->exited));
    ck_assert(nothing_left(&session));
    session_close(&session);
}
END_TEST

START_TEST(tmp_ends_where_it_was_told_to)
{
    if (!open_as(_i)) {
        return;
    }
    const struct mr_sandbox_launch launch = { .tmp_mb = 8, .memory_mb = 256 };

    const char *log =
        session_run(&session, 1,
                    "head -c 6M /dev/zero > /tmp/a && head -c 6M /dev/zero > /tmp/b; "
                    "stat -c %s /tmp/a; du -sm /tmp | cut -f1",
                    &launch);

    ck_assert_ptr_nonnull(strstr(log, "No space left on device"));
    ck_assert_ptr_nonnull(strstr(log, "6291456\n8\n"));
    session_close(&session);
}
END_TEST

START_TEST(a_refused_call_is_named_once)
{
    if (!open_as(_i)) {
        return;
    }
    const char *script = "python3 -c 'import ctypes\nfor i in range(5): "
                         "r = ctypes.CDLL(None, use_errno=True).ptrace(16, 1, 0, 0)\n"
                         "print(r, ctypes.get_errno())'";

    (void)session_run(&session, 1, script, NULL);

    ck_assert_int_eq(session.places[1].denied_count, 1);
    ck_assert_str_eq(session.places[1].denied,
                     "Sandbox: handler 'test' called ptrace(0x10, 0x1): denied by profile "
                     "\"default\". Allow with Sandbox: {AllowSyscalls: [ptrace]}");
    ck_assert_uint_eq(session.places[1].exit.usage.denied_calls, 5);
    session_close(&session);
}
END_TEST

START_TEST(a_flood_of_refused_calls_ends_by_itself)
{
    if (!open_as(_i)) {
        return;
    }
    const char *script = "python3 -c 'import ctypes\nc = ctypes.CDLL(None, use_errno=True)\n"
                         "for i in range(5000): c.ptrace(16, 1, 0, 0)\n"
                         "print(ctypes.get_errno())'";

    const char *log = session_run(&session, 1, script, NULL);

    ck_assert_str_eq(log, "38\n"); /* ENOSYS, from the kernel alone */
    ck_assert_int_eq(session.places[1].denied_count, 1);
    session_close(&session);
}
END_TEST

START_TEST(an_allowed_call_reaches_the_kernel)
{
    if (!open_as(_i)) {
        return;
    }
    const struct mr_slice allows[] = { MR_SLICE("ptrace") };
    const struct mr_sandbox_launch launch = { .allow_syscalls = allows,
                                              .allow_syscall_count = 1 };

    const char *log = session_run(
        &session, 1, "python3 -c 'import ctypes; print(ctypes.CDLL(None).ptrace(0, 0, 0, 0))'",
        &launch);

    ck_assert_str_eq(log, "0\n");
    ck_assert_int_eq(session.places[1].denied_count, 0);
    session_close(&session);
}
END_TEST

START_TEST(layers_are_merged_and_the_later_wins)
{
    /* As deep as an installation may be, and with what overlayfs would read as a separator. */
    char top[] = "/tmp/layers-XXXXXX", a[400], b[400], command[3000];
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(a, sizeof(a), "%s/%0*d/a:1", top, 200, 1);
    snprintf(b, sizeof(b), "%s/%0*d/b", top, 200, 1);
    snprintf(command, sizeof(command),
             "umask 022; chmod 755 %s; mkdir -p %s %s; echo 1 > %s/one; echo a > %s/both; "
             "echo 2 > %s/two; echo b > %s/both",
             top, a, b, a, a, b, b);
    ck_assert_int_eq(system(command), 0);
    if (open_as(_i)) {
        const struct mr_slice layers[] = { mr_slice_str(a), mr_slice_str(b) };
        const struct mr_sandbox_launch launch = { .layers = layers, .layer_count = 2 };

        const char *log =
            session_run(&session, 1, "cd /opt; cat one two both; touch /opt/x 2>&1", &launch);

        ck_assert_ptr_nonnull(strstr(log, "1\n2\nb\n"));
        ck_assert_ptr_nonnull(strstr(log, "Read-only file system"));
        session_close(&session);
    }
    snprintf(command, sizeof(command), "rm -rf %s", top);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(a_package_directory_of_roots_may_be_closed_but_not_its_files)
{
    char dir[] = "/tmp/package-XXXXXX", command[400]; /* mode 0700 */
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(command, sizeof(command),
             "cd %s; umask 022; echo open > a; echo closed > b; chmod 600 b", dir);
    ck_assert_int_eq(system(command), 0);
    if (geteuid() == 0 && open_as(ROOT)) {
        const struct mr_sandbox_launch launch = { .code_dir = mr_slice_str(dir) };

        const char *log = session_run(&session, 1, "ls; cat a b 2>&1; touch c 2>&1", &launch);

        ck_assert_str_eq(log, "a\nb\nopen\ncat: b: Permission denied\n"
                              "touch: cannot touch 'c': Read-only file system\n");
        session_close(&session);
    }
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(when_the_daemon_is_killed_nothing_survives)
{
    if (!open_as(_i)) {
        return;
    }
    session_start(&session, 1, "setsid -f sleep 1000; echo up; sleep 1000", NULL);
    ck_assert(session_wait_log(&session, 1, "up"));

    kill(session.daemon, SIGKILL);

    ck_assert(nothing_left(&session));
    ck_assert(session_wait(&session, &session.lost));
    session_close(&session);
}
END_TEST

START_TEST(when_the_client_hangs_up_nothing_survives)
{
    if (!open_as(_i)) {
        return;
    }
    session_start(&session, 1, "setsid -f sleep 1000; echo up; sleep 1000", NULL);
    ck_assert(session_wait_log(&session, 1, "up"));

    session_close(&session);

    ck_assert(nothing_left(&session));
}
END_TEST

START_TEST(when_init_is_killed_nothing_survives)
{
    if (!open_as(_i)) {
        return;
    }
    session_start(&session, 1, "setsid -f sleep 1000; echo up; sleep 1000", NULL);
    ck_assert(session_wait_log(&session, 1, "up"));

    kill(session.places[1].process.pid, SIGKILL);

    ck_assert(session_wait(&session, &session.places[1].exited));
    ck_assert_int_eq(session.places[1].exit.signal, SIGKILL);
    ck_assert(nothing_left(&session));
    session_close(&session);
}
END_TEST

START_TEST(a_reader_that_is_stuck_keeps_nobody_alive)
{
    if (!open_as(_i)) {
        return;
    }
    /* One whose words fit in the pipe ends; one that waits for room can be killed. Nobody reads. */
    session_start(&session, 1, "echo said; exit 3", NULL);
    session_start(&session, 2, "head -c 10000000 /dev/zero; echo never", NULL);
    ck_assert(session_wait(&session, &session.places[2].launched));
    int unread[] = { session.places[1].process.log_fd, session.places[2].process.log_fd };
    session.places[1].process.log_fd = session.places[2].process.log_fd = -1;

    ck_assert(session_wait(&session, &session.places[1].exited));
    ck_assert_int_eq(mr_sandbox_client_kill(session.client, 2, NULL), 0);
    ck_assert(session_wait(&session, &session.places[2].exited));

    ck_assert_int_eq(session.places[1].exit.status, 3);
    ck_assert_int_eq(session.places[2].exit.signal, SIGKILL);
    close(unread[0]);
    close(unread[1]);
    session_close(&session);
}
END_TEST

START_TEST(a_client_that_breaks_the_protocol_is_left)
{
    if (!open_as(ROOT)) {
        return;
    }
    session_start(&session, 1, "echo up; sleep 1000", NULL);
    ck_assert(session_wait_log(&session, 1, "up"));

    switch (_i) {
    case 0:
        ck_assert_int_gt(send(mr_sandbox_client_fd(session.client), "rubbish", 7, 0), 0);
        break;
    case 1: /* ill-timed: it runs already */
        session_start(&session, 1, "exit 0", NULL);
        break;
    default: /* nothing has that number */
        ck_assert_int_eq(mr_sandbox_client_kill(session.client, 9, NULL), 0);
    }

    ck_assert(session_wait(&session, &session.lost));
    ck_assert(nothing_left(&session));
    session_close(&session);
}
END_TEST

START_TEST(a_daemon_in_real_time_keeps_that_to_itself)
{
    const struct sched_param real_time = { .sched_priority = 1 }, ordinary = { 0 };
    if (sched_setscheduler(0, SCHED_FIFO, &real_time) < 0) {
        return; /* not allowed here */
    }
    bool is_open = open_as(_i);
    (void)sched_setscheduler(0, SCHED_OTHER, &ordinary);
    if (!is_open) {
        return;
    }

    const char *log =
        session_run(&session, 1, "python3 -c 'import os; print(os.sched_getscheduler(0))'", NULL);

    ck_assert_msg(strcmp(log, "0\n") == 0, "%s%s", log, session.places[1].failure.text);
    session_close(&session);
}
END_TEST

START_TEST(many_live_side_by_side)
{
    if (!open_as(_i)) {
        return;
    }
    for (uint64_t i = 1; i < 33; i++) {
        session_start(&session, i, "echo up; sleep 100", NULL);
    }
    for (uint64_t i = 1; i < 33; i++) {
        ck_assert(session_wait_log(&session, i, "up"));
    }

    for (uint64_t i = 1; i < 33; i++) {
        ck_assert_int_eq(mr_sandbox_client_release(session.client, i, NULL), 0);
    }

    for (uint64_t i = 1; i < 33; i++) {
        ck_assert(session_wait(&session, &session.places[i].exited));
        ck_assert_int_eq(session.places[i].exit_count, 1);
    }
    session_close(&session);
}
END_TEST

START_TEST(without_a_sandbox_it_says_so_and_still_ends_what_it_started)
{
    session_open(&session, false, SESSION_OFF);
    ck_assert_uint_eq(session.hello.level, MR_SANDBOX_L0);
    ck_assert_ptr_nonnull(strstr(session.hello.text, "NO SANDBOX"));
    const struct mr_slice args[] = { MR_SLICE("/var/task/sh"), MR_SLICE("-c"),
                                     MR_SLICE(
                                         "pwd; echo $AWS_LAMBDA_RUNTIME_API; setsid -f sleep "
                                         "1000; sleep 1000") };
    const struct mr_sandbox_launch launch = { .code_dir = MR_SLICE("/usr/bin"),
                                              .args = args,
                                              .arg_count = 3,
                                              .flags = MR_SANDBOX_API_LISTENER };

    session_start(&session, 1, NULL, &launch);
    ck_assert(session_wait_log(&session, 1, "/usr/bin\n127.0.0.1:"));
    ck_assert_int_eq(mr_sandbox_client_kill(session.client, 1, NULL), 0);

    ck_assert(session_wait(&session, &session.places[1].exited));
    ck_assert(nothing_left(&session));
    session_close(&session);
}
END_TEST

START_TEST(a_required_level_that_is_not_there_is_refused)
{
    struct mr_sandboxd_options options = { .require = MR_SANDBOX_L2,
                                           .quiet = true,
                                           .hide = no_namespaces };
    pid_t daemon;
    int status;
    int fd = mr_sandboxd_spawn(SANDBOXD_PATH, &options, &daemon, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(waitpid(daemon, &status, 0), daemon);

    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    close(fd);
}
END_TEST

MR_SUITE("sandbox.launch", MR_TEST_LOOP(a_handler_has_lambdas_ids_and_no_right, HOSTS),
         MR_TEST_LOOP(nothing_is_inherited_that_was_not_given, LEVELS),
         MR_TEST_LOOP(an_exit_status_and_a_signal_are_told_apart, LEVELS),
         MR_TEST_LOOP(a_program_that_is_not_there_fails_with_a_sentence, LEVELS),
         MR_TEST_LOOP(a_code_directory_that_is_not_there_fails_with_its_name, LEVELS),
         MR_TEST_LOOP(the_runtime_api_is_reached_through_a_listener_made_inside, LEVELS),
         MR_TEST_LOOP(a_host_network_has_a_listener_of_its_own, LEVELS),
         MR_TEST_LOOP(a_forwarded_port_listens_inside, HOSTS),
         MR_TEST_LOOP(what_was_written_to_tmp_is_there_after_a_reset, LEVELS),
         MR_TEST_LOOP(a_grandchild_that_ran_away_is_gone, LEVELS),
         MR_TEST_LOOP(a_tree_that_hangs_is_killed_whole, LEVELS),
         MR_TEST_LOOP(a_frozen_tree_stands_still_and_goes_on, HOSTS),
         MR_TEST_LOOP(a_frozen_tree_can_be_killed, HOSTS),
         MR_TEST(memory_over_the_limit_is_named),
         MR_TEST_LOOP(a_fork_bomb_ends_at_its_limit, LEVELS),
         MR_TEST_LOOP(tmp_ends_where_it_was_told_to, HOSTS),
         MR_TEST_LOOP(a_refused_call_is_named_once, LEVELS),
         MR_TEST_LOOP(a_flood_of_refused_calls_ends_by_itself, LEVELS),
         MR_TEST_LOOP(an_allowed_call_reaches_the_kernel, LEVELS),
         MR_TEST_LOOP(layers_are_merged_and_the_later_wins, HOSTS),
         MR_TEST(a_package_directory_of_roots_may_be_closed_but_not_its_files),
         MR_TEST_LOOP(when_the_daemon_is_killed_nothing_survives, LEVELS),
         MR_TEST_LOOP(when_the_client_hangs_up_nothing_survives, LEVELS),
         MR_TEST_LOOP(when_init_is_killed_nothing_survives, LEVELS),
         MR_TEST_LOOP(a_client_that_breaks_the_protocol_is_left, 3),
         MR_TEST_LOOP(a_reader_that_is_stuck_keeps_nobody_alive, LEVELS),
         MR_TEST_LOOP(a_daemon_in_real_time_keeps_that_to_itself, LEVELS),
         MR_TEST_LOOP(many_live_side_by_side, HOSTS),
         MR_TEST(without_a_sandbox_it_says_so_and_still_ends_what_it_started),
         MR_TEST(a_required_level_that_is_not_there_is_refused))
