/*
 * sandbox_launch: what a sandbox costs, beside what others ask for theirs.
 *
 * From asking for a launch to the handler's first instruction, which says what
 * time it is: a fresh environment, a reset one, without cgroups, without
 * namespaces; posix_spawn, bubblewrap and crun in the same run, in turns. Then
 * freeze and thaw, and a system call inside.
 *
 * usage: bench_sandbox_launch [ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sandbox/client.h"

enum { MAX_ROUNDS = 2000, WAIT_MS = 10000 };

extern char **environ;

static char handler_path[PATH_MAX], handler_dir[PATH_MAX],
    bundle[] = "/tmp/millrace-bench-XXXXXX";

static uint64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- series of measurements --- */

struct series {
    const char *name;
    double us[MAX_ROUNDS];
    size_t count;
    uint64_t place_us; /* of v1 attaches, in all */
};

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(struct series *series)
{
    qsort(series->us, series->count, sizeof(double), by_value);
    return series->count == 0 ? 0 : series->us[series->count / 2];
}

static void
print(struct series *series)
{
    if (series->count == 0) {
        printf("%-44s not here\n", series->name);
        return;
    }
    double middle = median(series);
    printf("%-44s median %8.0f us   best %8.0f   p90 %8.0f", series->name, middle,
           series->us[0], series->us[series->count * 9 / 10]);
    if (series->place_us > 0) {
        printf("   (waiting to be placed: %.0f a launch)",
               (double)series->place_us / (double)series->count);
    }
    printf("\n");
}

/* --- others --- */

/* Runs a command whose output is the time it began. False when it does not work here. */
static bool
measure_command(struct series *series, char *const *args)
{
    posix_spawn_file_actions_t actions;
    char text[64] = "";
    int pair[2], status;
    pid_t pid;

    if (pipe2(pair, O_CLOEXEC) < 0) {
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    uint64_t asked_ns = now_ns();
    int rc = posix_spawnp(&pid, args[0], &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    ssize_t got = rc != 0 ? -1 : read(pair[0], text, sizeof(text) - 1);
    close(pair[0]);
    if (rc == 0) {
        waitpid(pid, &status, 0);
    }
    uint64_t began_ns = got > 0 ? strtoull(text, NULL, 10) : 0;
    if (began_ns < asked_ns) {
        return false;
    }
    series->us[series->count++] = (double)(began_ns - asked_ns) / 1000;
    return true;
}

static void
measure_spawn(struct series *series)
{
    char *const args[] = { handler_path, NULL };

    (void)measure_command(series, args);
}

static void
measure_bubblewrap(struct series *series)
{
    static char program[] = "bwrap", all[] = "--unshare-all", bind[] = "--ro-bind",
                usr[] = "/usr", task[] = "/var/task", tmpfs[] = "--tmpfs", tmp[] = "/tmp",
                proc[] = "--proc", at[] = "/proc", dev[] = "--dev", devices[] = "/dev",
                caps[] = "--cap-drop", every[] = "ALL",
                inside[] = "/var/task/bench_sandbox_handler";
    char *const args[] = { program, all,  bind, usr, usr,     bind, handler_dir, task,   tmpfs,
                           tmp,     proc, at,   dev, devices, caps, every,       inside, NULL };

    (void)measure_command(series, args);
}

static const char crun_config[] =
    "{\"ociVersion\":\"1.0.0\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"/\","
    "\"args\":[\"/bench_sandbox_handler\"],\"env\":[\"PATH=/\"],\"noNewPrivileges\":true},"
    "\"root\":{\"path\":\"root\",\"readonly\":true},"
    "\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
    "{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}],"
    "\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"ipc\"},"
    "{\"type\":\"uts\"},{\"type\":\"network\"}]}}";

static bool
make_bundle(void)
{
    char command[3 * PATH_MAX], path[PATH_MAX];

    if (mkdtemp(bundle) == NULL) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/config.json", bundle);
    FILE *file = fopen(path, "we");
    if (file == NULL || fputs(crun_config, file) < 0 || fclose(file) != 0) {
        return false;
    }
    snprintf(command, sizeof(command),
             "cd %s && mkdir -p root/proc root/tmp root/dev && cp %s root/", bundle,
             handler_path);
    return system(command) == 0;
}

static void
measure_crun(struct series *series)
{
    static char program[] = "crun", disabled[] = "--cgroup-manager=disabled", run[] = "run",
                where[] = "--bundle", name[] = "millrace-bench";
    char *const args[] = { program, disabled, run, where, bundle, name, NULL };

    (void)measure_command(series, args);
}

/*
 * crun refuses a host with v1 controllers and a v2 mount: hide that from it, in
 * a child with mounts of its own, which hands back what it measured.
 */
static void
measure_crun_apart(struct series *series, size_t rounds)
{
    int pair[2];

    if (!make_bundle() || pipe(pair) < 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)!(unshare(CLONE_NEWNS) == 0 &&
                mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                umount2("/sys/fs/cgroup/unified", MNT_DETACH) == 0);
        for (size_t i = 0; i < rounds; i++) {
            measure_crun(series);
        }
        (void)!write(pair[1], series->us, series->count * sizeof(double));
        _exit(0);
    }
    close(pair[1]);
    ssize_t got;
    while ((got = read(pair[0], series->us + series->count,
                       sizeof(series->us) - series->count * sizeof(double))) > 0) {
        series->count += (size_t)got / sizeof(double);
    }
    close(pair[0]);
    waitpid(pid, NULL, 0);
}

/* --- ours --- */

struct session {
    struct mr_sandbox_client *client;
    pid_t daemon;
    uint64_t asked_ns;
    bool launched, ended, used;
    struct mr_sandbox_process process;
    char level[512];
};

static void
on_launched(void *context, uint64_t environment, struct mr_sandbox_process *process)
{
    struct session *session = context;

    (void)environment;
    session->process = *process;
    session->launched = true;
}

static void
on_failed(void *context, uint64_t environment, const struct mr_error *err)
{
    (void)context;
    (void)environment;
    fprintf(stderr, "launch: %s\n", err->text);
    exit(1);
}

static void
on_exited(void *context, uint64_t environment, const struct mr_sandbox_exit *exit)
{
    (void)environment;
    (void)exit;
    ((struct session *)context)->ended = true;
}

static void
on_usage(void *context, uint64_t environment, const struct mr_sandbox_usage *usage)
{
    (void)environment;
    (void)usage;
    ((struct session *)context)->used = true;
}

static void
on_hello(void *context, const struct mr_sandbox_hello *hello)
{
    snprintf(((struct session *)context)->level, 512, "%s", hello->text);
}

static void
on_lost(void *context, const struct mr_error *err)
{
    (void)context;
    fprintf(stderr, "sandboxd: %s\n", err->text);
    exit(1);
}

static void
wait_for(struct session *session, const bool *flag)
{
    while (!*flag) {
        struct pollfd ready = { .fd = mr_sandbox_client_fd(session->client), .events = POLLIN };
        if (poll(&ready, 1, WAIT_MS) != 1) {
            fprintf(stderr, "sandboxd is silent\n");
            exit(1);
        }
        (void)mr_sandbox_client_dispatch(session->client);
    }
}

static void
open_session(struct session *session, uint32_t hide)
{
    static const struct mr_sandbox_callbacks callbacks = { .launched = on_launched,
                                                           .failed = on_failed,
                                                           .exited = on_exited,
                                                           .usage = on_usage,
                                                           .hello = on_hello,
                                                           .lost = on_lost };
    struct mr_sandboxd_options options = { .quiet = true, .hide = hide };
    struct mr_error err;
    int fd = mr_sandboxd_spawn(NULL, &options, &session->daemon, &err);

    if (fd < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    session->client = mr_sandbox_client_new(fd, &callbacks, session);
}

static void
close_session(struct session *session)
{
    mr_sandbox_client_free(session->client);
    waitpid(session->daemon, NULL, 0);
}

static void
start(struct session *session, uint64_t environment, const char *mode, uint32_t flags)
{
    const struct mr_slice args[] = { MR_SLICE("/var/task/bench_sandbox_handler"),
                                     mr_slice_str(mode) };
    const struct mr_sandbox_launch launch = { .environment = environment,
                                              .code_dir = mr_slice_str(handler_dir),
                                              .args = args,
                                              .arg_count = 2,
                                              .memory_mb = 1769,
                                              .flags = flags };
    struct mr_error err;

    session->launched = session->ended = false;
    session->asked_ns = now_ns();
    if (mr_sandbox_client_launch(session->client, &launch, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    wait_for(session, &session->launched);
}

static uint64_t
read_number(int fd)
{
    char text[64] = "";
    ssize_t got = read(fd, text, sizeof(text) - 1);

    return got > 0 ? strtoull(text, NULL, 10) : 0;
}

static void
measure_launch(struct session *session, struct series *series, uint64_t environment)
{
    start(session, environment, "hello", MR_SANDBOX_API_LISTENER);
    uint64_t began_ns = read_number(session->process.log_fd);
    close(session->process.log_fd);
    close(session->process.listener_fd);
    wait_for(session, &session->ended);
    series->us[series->count++] = (double)(began_ns - session->asked_ns) / 1000;
    series->place_us += session->process.place_us;
}

static double
echo_us(struct session *session)
{
    char byte = 'x';
    uint64_t since_ns = now_ns();

    if (write(session->process.stdin_fd, &byte, 1) != 1 ||
        read(session->process.log_fd, &byte, 1) != 1) {
        exit(1);
    }
    return (double)(now_ns() - since_ns) / 1000;
}

static void
measure_freezes(struct session *session, size_t rounds)
{
    static struct series echo = { .name = "echo of one byte, not frozen" };
    static struct series freeze = { .name = "freeze, asked and done" };
    static struct series thaw = { .name = "thaw, until it has echoed a byte" };

    start(session, 1, "echo", MR_SANDBOX_STDIN);
    for (size_t i = 0; i < rounds; i++) {
        echo.us[echo.count++] = echo_us(session);
        uint64_t since_ns = now_ns();
        session->used = false;
        (void)mr_sandbox_client_freeze(session->client, 1, NULL);
        (void)mr_sandbox_client_usage(session->client, 1,
                                      NULL); /* answered when it is frozen */
        wait_for(session, &session->used);
        freeze.us[freeze.count++] = (double)(now_ns() - since_ns) / 1000;
        since_ns = now_ns();
        (void)mr_sandbox_client_thaw(session->client, 1, NULL);
        (void)echo_us(session);
        thaw.us[thaw.count++] = (double)(now_ns() - since_ns) / 1000;
    }
    (void)mr_sandbox_client_kill(session->client, 1, NULL);
    wait_for(session, &session->ended);
    close(session->process.log_fd);
    close(session->process.stdin_fd);
    print(&echo);
    print(&freeze);
    print(&thaw);
}

static void
measure_calls(struct session *session)
{
    char command[PATH_MAX + 16], text[64] = "";

    snprintf(command, sizeof(command), "%s calls", handler_path);
    FILE *outside = popen(command, "re");
    if (outside == NULL || fgets(text, sizeof(text), outside) == NULL) {
        exit(1);
    }
    pclose(outside);
    start(session, 1, "calls", 0);
    uint64_t inside_ns = read_number(session->process.log_fd);
    close(session->process.log_fd);
    wait_for(session, &session->ended);
    printf("%-44s outside %llu ns, inside %llu ns\n", "a system call (getppid)",
           strtoull(text, NULL, 10), (unsigned long long)inside_ns);
}

static void
find_handler(void)
{
    ssize_t length = readlink("/proc/self/exe", handler_dir, sizeof(handler_dir) - 64);

    handler_dir[length > 0 ? length : 0] = 0;
    *strrchr(handler_dir, '/') = 0;
    snprintf(handler_path, sizeof(handler_path), "%.4000s/bench_sandbox_handler", handler_dir);
}

int
main(int argc, char **argv)
{
    size_t rounds = argc > 1 ? (size_t)atoi(argv[1]) : 100;
    static struct series plain = { .name = "posix_spawn" };
    static struct series bubblewrap = { .name = "bubblewrap --unshare-all" };
    static struct series crun = { .name = "crun run, without cgroups" };
    static struct series fresh = { .name = "sandboxd, fresh environment" };
    static struct series reset = { .name = "sandboxd, reset of an environment" };
    static struct series no_limits = { .name = "sandboxd without cgroups (L2)" };
    static struct series bare = { .name = "sandboxd without namespaces (L3)" };
    struct session full = { 0 }, second = { 0 }, third = { 0 };

    rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
    find_handler();
    open_session(&full, 0);
    open_session(&second, MR_SANDBOX_HAS_CGROUP_LIMITS);
    open_session(&third, MR_SANDBOX_HAS_CGROUP_LIMITS | MR_SANDBOX_HAS_USER_NS);
    for (size_t i = 0; i < rounds; i++) {
        measure_spawn(&plain);
        measure_launch(&full, &fresh, 1000 + i);
        (void)mr_sandbox_client_release(full.client, 1000 + i, NULL);
        measure_launch(&full, &reset, 1);
        measure_launch(&second, &no_limits, 1);
        measure_launch(&third, &bare, 1);
        measure_bubblewrap(&bubblewrap);
    }
    measure_crun_apart(&crun, rounds);
    printf("%s\nfrom asking to the handler's first instruction, %zu rounds:\n", full.level,
           rounds);
    print(&plain);
    print(&fresh);
    print(&reset);
    print(&no_limits);
    print(&bare);
    print(&bubblewrap);
    print(&crun);
    measure_freezes(&full, rounds);
    measure_calls(&full);
    close_session(&full);
    close_session(&second);
    close_session(&third);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", bundle);
    return system(command) == 0 ? 0 : 1;
}
