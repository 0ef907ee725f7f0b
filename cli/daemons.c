#include "cli/daemons.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/slice.h"

enum { READY_FD = 3, READY_BYTES = 64, TAIL_BYTES = 4096, LINE_BYTES = 200 };

struct mr_daemon {
    struct mr_loop *loop; /* the caller's, outlives us */
    char *program, *log_path;
    char **arguments; /* ends in NULL */
    mr_daemon_fn *fn;
    void *context;

    pid_t pid; /* 0: not running */
    int pid_fd, ready_fd;
    struct mr_watch *pid_watch, *ready_watch;
    char ready_text[READY_BYTES];
    size_t ready_size;
    bool ready, was_ever_ready, stopping;
    uint64_t started_ms;
    off_t log_start; /* where the log of this start begins */

    struct mr_timer again, kill;
    uint64_t backoff_ms;
};

/* ---- finding programs ---- */

static char *
if_executable(char *path)
{
    if (access(path, X_OK) == 0) {
        return path;
    }
    free(path);
    return NULL;
}

static char *
find_on_path(const char *program)
{
    const char *path = getenv("PATH");
    struct mr_slice rest = mr_slice_str(path == NULL ? "/usr/local/bin:/usr/bin:/bin" : path);
    while (rest.data != NULL) {
        struct mr_slice directory = mr_slice_cut(&rest, ':');
        char *found = if_executable(mr_format("%.*s/%s", MR_SLICE_ARGS(directory), program));
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

char *
mr_program_find(const char *program)
{
    char own[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (size > 0) {
        own[size] = '\0';
        *strrchr(own, '/') = '\0';
        char *found = if_executable(mr_format("%s/%s", own, program));
        if (found == NULL) {
            found = if_executable(mr_format("%s/../lib/millrace/%s", own, program));
        }
        if (found != NULL) {
            return found;
        }
    }
    return find_on_path(program);
}

/* ---- one start ---- */

static uint64_t
now_ms(void)
{
    return mr_clock_now_ms(mr_clock_system());
}

static int
open_log(struct mr_daemon *daemon, struct mr_error *err)
{
    int fd = open(daemon->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return mr_fail(err, -errno, "open %s: %s", daemon->log_path, strerror(errno));
    }
    struct stat stat;
    if (fstat(fd, &stat) == 0 && stat.st_size > MR_DAEMON_MAX_LOG_BYTES &&
        ftruncate(fd, 0) == 0) {
        stat.st_size = 0;
    }
    daemon->log_start = stat.st_size;
    return fd;
}

/*
 * In the child, between fork and exec: system calls alone. The descriptors of the parent are
 * close-on-exec but for what is put in place here.
 */
static void
become(const char *path, char **argv, int log_fd, int ready_fd, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(127); /* it died before it could be watched */
    }
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0 ||
        dup2(ready_fd, READY_FD) < 0) {
        _exit(127);
    }
    if (ready_fd == READY_FD) {
        fcntl(READY_FD, F_SETFD, 0);
    }
    execv(path, argv);
    dprintf(2, "%s: %s\n", path, strerror(errno));
    _exit(127);
}

static void on_exit_seen(int events, void *context);
static void on_ready_line(int events, void *context);

/* argv of the next start, in one block the caller frees; the strings are the daemon's. */
static char **
make_argv(struct mr_daemon *daemon)
{
    static char flag[] = "--ready-fd", number[] = "3";
    _Static_assert(READY_FD == 3, "`number` says so too");
    size_t count = 0;
    while (daemon->arguments != NULL && daemon->arguments[count] != NULL) {
        count++;
    }
    char **argv = mr_alloc_zero(count + 4, sizeof(*argv));
    argv[0] = daemon->program;
    for (size_t i = 0; i < count; i++) {
        argv[i + 1] = daemon->arguments[i];
    }
    argv[count + 1] = flag;
    argv[count + 2] = number;
    return argv;
}

static int
watch_child(struct mr_daemon *daemon, struct mr_error *err)
{
    daemon->pid_fd = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
    if (daemon->pid_fd < 0) {
        int code = -errno;
        kill(daemon->pid, SIGKILL);
        waitpid(daemon->pid, NULL, 0);
        daemon->pid = 0;
        return mr_fail(err, code, "watch %s: %s", daemon->program, strerror(-code));
    }
    daemon->pid_watch =
        mr_watch_new(daemon->loop, daemon->pid_fd, MR_READABLE, on_exit_seen, daemon);
    daemon->ready_watch =
        mr_watch_new(daemon->loop, daemon->ready_fd, MR_READABLE, on_ready_line, daemon);
    return 0;
}

int
mr_daemon_start(struct mr_daemon *daemon, struct mr_error *err)
{
    mr_assert(daemon->pid == 0);
    mr_auto_free char *path = mr_program_find(daemon->program);
    if (path == NULL) {
        return mr_fail(err, -ENOENT, "%s is neither beside this program nor on PATH",
                       daemon->program);
    }
    mr_auto_fd int log_fd = open_log(daemon, err);
    if (log_fd < 0) {
        return log_fd;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return mr_fail(err, -errno, "make a pipe for %s: %s", daemon->program, strerror(errno));
    }
    daemon->ready_fd = ends[0];
    mr_auto_fd int write_end = ends[1];
    mr_auto_free char **argv = make_argv(daemon);
    pid_t parent = getpid();
    daemon->pid = fork();
    if (daemon->pid == 0) {
        become(path, argv, log_fd, write_end, parent);
    }
    daemon->started_ms = now_ms();
    daemon->ready = false;
    daemon->ready_size = 0;
    if (daemon->pid < 0) {
        daemon->pid = 0;
        close(daemon->ready_fd);
        return mr_fail(err, -errno, "start %s: %s", daemon->program, strerror(errno));
    }
    fcntl(daemon->ready_fd, F_SETFL, O_NONBLOCK);
    return watch_child(daemon, err);
}

/* ---- what it says and how it ends ---- */

static void
close_ready(struct mr_daemon *daemon)
{
    mr_watch_free(daemon->ready_watch);
    daemon->ready_watch = NULL;
    if (daemon->ready_fd >= 0) {
        close(daemon->ready_fd);
        daemon->ready_fd = -1;
    }
}

static void
on_ready_line(int events, void *context)
{
    struct mr_daemon *daemon = context;
    (void)events;
    char *text = daemon->ready_text;
    ssize_t got =
        read(daemon->ready_fd, text + daemon->ready_size, READY_BYTES - 1 - daemon->ready_size);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    daemon->ready_size += got > 0 ? (size_t)got : 0;
    text[daemon->ready_size] = '\0';
    char *end = strchr(text, '\n');
    if (end == NULL && got > 0 && daemon->ready_size < READY_BYTES - 1) {
        return;
    }
    close_ready(daemon);
    if (end == NULL || strncmp(text, "READY", 5) != 0) {
        return; /* it will end, and that is seen elsewhere */
    }
    *end = '\0';
    size_t skip = text[5] == ' ' ? 6 : 5;
    memmove(text, text + skip, strlen(text + skip) + 1);
    daemon->ready = daemon->was_ever_ready = true;
    daemon->fn(daemon, MR_DAEMON_READY, text, daemon->context);
}

/* The last line of this start's log, without our own time stamp's noise; or "". */
static void
last_line(const struct mr_daemon *daemon, char out[LINE_BYTES])
{
    char tail[TAIL_BYTES + 1];
    out[0] = '\0';
    mr_auto_fd int fd = open(daemon->log_path, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) < 0 || stat.st_size <= daemon->log_start) {
        return;
    }
    off_t from = stat.st_size - TAIL_BYTES;
    ssize_t size =
        pread(fd, tail, TAIL_BYTES, from > daemon->log_start ? from : daemon->log_start);
    while (size > 0 && tail[size - 1] == '\n') {
        size--;
    }
    if (size <= 0) {
        return;
    }
    tail[size] = '\0';
    const char *line = strrchr(tail, '\n');
    line = line == NULL ? tail : line + 1;
    size_t name = strlen(daemon->program);
    if (strncmp(line, daemon->program, name) == 0 && strncmp(line + name, ": ", 2) == 0) {
        line += name + 2;
    }
    snprintf(out, LINE_BYTES, "%.*s", LINE_BYTES - 1, line);
}

static void
describe(const struct mr_daemon *daemon, int status, char *out, size_t size)
{
    char line[LINE_BYTES];
    last_line(daemon, line);
    if (WIFSIGNALED(status)) {
        snprintf(out, size, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
        return;
    }
    if (line[0] != '\0') {
        snprintf(out, size, "%s", line);
        return;
    }
    snprintf(out, size, "ended with exit code %d; its log is %s", WEXITSTATUS(status),
             daemon->log_path);
}

static void
on_again(void *context)
{
    struct mr_daemon *daemon = context;
    struct mr_error err = { 0 };
    if (mr_daemon_start(daemon, &err) < 0) {
        daemon->fn(daemon, MR_DAEMON_FELL, err.text, daemon->context);
        mr_timer_start(&daemon->again, MR_DAEMON_LAST_BACKOFF_MS);
    }
}

static void
forget_process(struct mr_daemon *daemon)
{
    mr_watch_free(daemon->pid_watch);
    daemon->pid_watch = NULL;
    close(daemon->pid_fd);
    close_ready(daemon);
    daemon->pid = 0;
    daemon->ready = false;
    mr_timer_stop(&daemon->kill);
}

static void
on_exit_seen(int events, void *context)
{
    struct mr_daemon *daemon = context;
    (void)events;
    int status;
    if (waitpid(daemon->pid, &status, WNOHANG) != daemon->pid) {
        return;
    }
    char why[LINE_BYTES + 64];
    describe(daemon, status, why, sizeof(why));
    forget_process(daemon);
    if (daemon->stopping || !daemon->was_ever_ready) {
        daemon->fn(daemon, MR_DAEMON_ENDED, why, daemon->context);
        return;
    }
    if (now_ms() - daemon->started_ms > MR_DAEMON_STEADY_MS) {
        daemon->backoff_ms = 0;
    }
    uint64_t wait_ms = daemon->backoff_ms;
    daemon->backoff_ms = wait_ms == 0 ? MR_DAEMON_FIRST_BACKOFF_MS : wait_ms * 2;
    if (daemon->backoff_ms > MR_DAEMON_LAST_BACKOFF_MS) {
        daemon->backoff_ms = MR_DAEMON_LAST_BACKOFF_MS;
    }
    mr_timer_start(&daemon->again, wait_ms);
    daemon->fn(daemon, MR_DAEMON_FELL, why, daemon->context);
}

static void
on_grace_over(void *context)
{
    mr_daemon_kill(context);
}

/* ---- the rest of the contract ---- */

struct mr_daemon *
mr_daemon_new(struct mr_loop *loop, const char *program, const char *log_path, mr_daemon_fn *fn,
              void *context)
{
    struct mr_daemon *daemon = mr_alloc_zero(1, sizeof(*daemon));
    daemon->loop = loop;
    daemon->program = mr_strdup(program);
    daemon->log_path = mr_strdup(log_path);
    daemon->fn = fn;
    daemon->context = context;
    daemon->ready_fd = -1;
    mr_timer_init(&daemon->again, loop, MR_TIME_REAL, on_again, daemon);
    mr_timer_init(&daemon->kill, loop, MR_TIME_REAL, on_grace_over, daemon);
    return daemon;
}

static void
free_arguments(struct mr_daemon *daemon)
{
    for (char **argument = daemon->arguments; argument != NULL && *argument != NULL;
         argument++) {
        free(*argument);
    }
    free(daemon->arguments);
    daemon->arguments = NULL;
}

void
mr_daemon_free(struct mr_daemon *daemon)
{
    if (daemon == NULL) {
        return;
    }
    mr_timer_stop(&daemon->again);
    if (daemon->pid > 0) {
        kill(daemon->pid, SIGKILL);
        waitpid(daemon->pid, NULL, 0);
        forget_process(daemon);
    }
    free_arguments(daemon);
    free(daemon->program);
    free(daemon->log_path);
    free(daemon);
}

void
mr_daemon_set_arguments(struct mr_daemon *daemon, const char *const *arguments)
{
    size_t count = 0;
    while (arguments[count] != NULL) {
        count++;
    }
    free_arguments(daemon);
    daemon->arguments = mr_alloc_zero(count + 1, sizeof(*daemon->arguments));
    for (size_t i = 0; i < count; i++) {
        daemon->arguments[i] = mr_strdup(arguments[i]);
    }
}

int
mr_daemon_wait_ready(struct mr_daemon *daemon, uint64_t timeout_ms,
                     const volatile bool *given_up, struct mr_error *err)
{
    uint64_t until_ms = now_ms() + timeout_ms;
    while (!daemon->ready) {
        if (given_up != NULL && *given_up) {
            return mr_fail(err, -EINTR, "interrupted");
        }
        if (daemon->pid == 0 && !mr_timer_started(&daemon->again)) {
            char line[LINE_BYTES];
            last_line(daemon, line);
            return mr_fail(err, -ECHILD, "%s: %s", daemon->program,
                           line[0] == '\0' ? "ended before it was ready" : line);
        }
        if (now_ms() > until_ms) {
            return mr_fail(err, -ETIMEDOUT, "%s was not ready after %llu s; its log is %s",
                           daemon->program, (unsigned long long)timeout_ms / 1000,
                           daemon->log_path);
        }
        mr_loop_run_once(daemon->loop, 50);
    }
    return 0;
}

const char *
mr_daemon_ready_text(const struct mr_daemon *daemon)
{
    return daemon->ready_text;
}

void
mr_daemon_stop(struct mr_daemon *daemon, uint64_t grace_ms)
{
    daemon->stopping = true;
    mr_timer_stop(&daemon->again);
    if (daemon->pid > 0) {
        kill(daemon->pid, SIGTERM);
        mr_timer_start(&daemon->kill, grace_ms);
    }
}

void
mr_daemon_kill(struct mr_daemon *daemon)
{
    daemon->stopping = true;
    mr_timer_stop(&daemon->again);
    if (daemon->pid > 0) {
        kill(daemon->pid, SIGKILL);
    }
}

bool
mr_daemon_is_running(const struct mr_daemon *daemon)
{
    return daemon->pid > 0;
}

bool
mr_daemon_is_ready(const struct mr_daemon *daemon)
{
    return daemon->ready;
}

pid_t
mr_daemon_pid(const struct mr_daemon *daemon)
{
    return daemon->pid;
}

const char *
mr_daemon_program(const struct mr_daemon *daemon)
{
    return daemon->program;
}
