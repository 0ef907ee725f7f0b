#include "tests/sandbox/session.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { WAIT_MS = 20000, GONE_MS = 10000 };

static uint64_t
now_ms(void)
{
    return mr_clock_now_ms(mr_clock_system());
}

static void
on_launched(void *context, uint64_t environment, struct mr_sandbox_process *process)
{
    struct place *place = &((struct session *)context)->places[environment];

    place->process = *process;
    place->launched = true;
}

static void
on_failed(void *context, uint64_t environment, const struct mr_error *err)
{
    struct place *place = &((struct session *)context)->places[environment];

    place->failure = *err;
    place->failed = true;
    place->exited = true;
}

static void
on_exited(void *context, uint64_t environment, const struct mr_sandbox_exit *exit)
{
    struct place *place = &((struct session *)context)->places[environment];

    place->exit = *exit;
    place->exited = true;
    place->exit_count++;
}

static void
on_denied(void *context, uint64_t environment, struct mr_slice line)
{
    struct place *place = &((struct session *)context)->places[environment];

    place->denied_count++;
    snprintf(place->denied, sizeof(place->denied), "%.*s", MR_SLICE_ARGS(line));
}

static void
on_usage(void *context, uint64_t environment, const struct mr_sandbox_usage *usage)
{
    struct place *place = &((struct session *)context)->places[environment];

    place->usage = *usage;
    place->used = true;
}

static void
on_hello(void *context, const struct mr_sandbox_hello *hello)
{
    struct session *session = context;

    session->hello = *hello;
    session->greeted = true;
}

static void
on_lost(void *context, const struct mr_error *err)
{
    (void)err;
    ((struct session *)context)->lost = true;
}

static const struct mr_sandbox_callbacks callbacks = { .launched = on_launched,
                                                       .failed = on_failed,
                                                       .exited = on_exited,
                                                       .denied = on_denied,
                                                       .usage = on_usage,
                                                       .hello = on_hello,
                                                       .lost = on_lost };

void
session_open(struct session *session, bool as_nobody, uint32_t hide)
{
    struct mr_sandboxd_options options = { .quiet = true,
                                           .off = hide == SESSION_OFF,
                                           .hide = hide == SESSION_OFF ? 0 : hide };
    struct mr_error err;

    memset(session, 0, sizeof(*session));
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* so that nothing of it can leave us unseen */
    for (int i = 0; i < SESSION_ENVIRONMENTS; i++) {
        session->places[i].process.log_fd = -1;
        session->places[i].process.listener_fd = -1;
    }
    setenv("MILLRACE_SANDBOXD", SANDBOXD_PATH, 1);
    int fd = mr_sandboxd_spawn(as_nobody && geteuid() == 0 ? AS_NOBODY_PATH : SANDBOXD_PATH, &options,
                               &session->daemon, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    session->client = mr_sandbox_client_new(fd, &callbacks, session);
    ck_assert(session_wait(session, &session->greeted));
}

void
session_close(struct session *session)
{
    mr_sandbox_client_free(session->client);
    while (waitpid(session->daemon, NULL, 0) < 0 && errno == EINTR) {
    }
    for (int i = 0; i < SESSION_ENVIRONMENTS; i++) {
        if (session->places[i].process.log_fd >= 0) {
            close(session->places[i].process.log_fd);
        }
        if (session->places[i].process.listener_fd >= 0) {
            close(session->places[i].process.listener_fd);
        }
        mr_buf_deinit(&session->places[i].log);
    }
}

static void
read_log(struct place *place)
{
    char bytes[65536];
    ssize_t got = read(place->process.log_fd, bytes, sizeof(bytes));

    if (got > 0 && place->log.size < 16u << 20) {
        mr_buf_append(&place->log, bytes, (size_t)got);
    } else if (got == 0) {
        close(place->process.log_fd);
        place->process.log_fd = -1;
    }
}

static void
pump(struct session *session, int timeout_ms)
{
    struct pollfd ready[1 + SESSION_ENVIRONMENTS];

    ready[0] =
        (struct pollfd){ .fd = session->lost ? -1 : mr_sandbox_client_fd(session->client),
                         .events = POLLIN };
    for (int i = 0; i < SESSION_ENVIRONMENTS; i++) {
        ready[1 + i] =
            (struct pollfd){ .fd = session->places[i].process.log_fd, .events = POLLIN };
    }
    (void)poll(ready, 1 + SESSION_ENVIRONMENTS, timeout_ms);
    for (int i = 0; i < SESSION_ENVIRONMENTS; i++) {
        if (ready[1 + i].fd >= 0 && ready[1 + i].revents != 0) {
            read_log(&session->places[i]);
        }
    }
    if (ready[0].revents != 0) {
        (void)mr_sandbox_client_dispatch(session->client);
    }
}

bool
session_wait(struct session *session, const bool *flag)
{
    uint64_t end_ms = now_ms() + WAIT_MS;

    while (!*flag && now_ms() < end_ms) {
        pump(session, 50);
    }
    return *flag;
}

bool
session_wait_log(struct session *session, uint64_t environment, const char *text)
{
    uint64_t end_ms = now_ms() + WAIT_MS;
    struct mr_buf *log = &session->places[environment].log;

    while (now_ms() < end_ms) {
        if (strstr(mr_buf_cstr(log), text) != NULL) {
            return true;
        }
        pump(session, 50);
    }
    return false;
}

void
session_start(struct session *session, uint64_t environment, const char *script,
              const struct mr_sandbox_launch *launch)
{
    static const struct mr_slice path[] = { MR_SLICE_INIT(
        "PATH=/usr/local/bin:/usr/bin:/bin") };
    struct mr_slice args[] = { MR_SLICE("/bin/bash"), MR_SLICE("-c"), mr_slice_str(script) };
    struct mr_sandbox_launch asked = launch != NULL ? *launch : (struct mr_sandbox_launch){ 0 };
    struct mr_error err;
    struct place *place = &session->places[environment];

    asked.environment = environment;
    asked.name = asked.name.size > 0 ? asked.name : MR_SLICE("test");
    asked.code_dir = asked.code_dir.size > 0 ? asked.code_dir : MR_SLICE("/usr/share");
    if (asked.arg_count == 0) {
        asked.args = args;
        asked.arg_count = 3;
    }
    if (asked.env_count == 0) {
        asked.env = path;
        asked.env_count = 1;
    }
    asked.cpu_permille = asked.cpu_permille > 0 ? asked.cpu_permille : 2000;
    place->launched = place->failed = place->exited = false;
    mr_buf_clear(&place->log);
    ck_assert_msg(mr_sandbox_client_launch(session->client, &asked, &err) == 0, "%s", err.text);
}

const char *
session_run(struct session *session, uint64_t environment, const char *script,
            const struct mr_sandbox_launch *launch)
{
    struct place *place = &session->places[environment];

    session_start(session, environment, script, launch);
    ck_assert(session_wait(session, &place->exited));
    while (place->process.log_fd >= 0) {
        read_log(place);
    }
    return mr_buf_cstr(&place->log);
}

/* --- what is left --- */

enum { MAX_PROCESSES = 32768 };

static struct process {
    pid_t pid, parent;
    bool ended; /* and waits to be reaped, or has threads that go on */
} processes[MAX_PROCESSES];

static size_t
list_processes(void)
{
    DIR *dir = opendir("/proc");
    size_t count = 0;

    for (struct dirent *e = readdir(dir); e != NULL && count < MAX_PROCESSES;
         e = readdir(dir)) {
        char path[300], line[600];
        snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
        int fd = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? open(path, O_RDONLY) : -1;
        ssize_t size = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
        if (fd >= 0) {
            close(fd);
        }
        line[size > 0 ? size : 0] = 0;
        const char *rest = strrchr(line, ')'); /* ") S PARENT ..." */
        if (rest != NULL && strlen(rest) > 4 && rest[2] != 'X') {
            processes[count++] =
                (struct process){ atoi(e->d_name), atoi(rest + 4), rest[2] == 'Z' };
        }
    }
    closedir(dir);
    return count;
}

static const struct process *
find_process(pid_t pid, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (processes[i].pid == pid) {
            return &processes[i];
        }
    }
    return NULL;
}

/* Whether it descends from us, not by way of nothing: its parent may have ended just now. */
static bool
is_ours(const struct process *process, size_t count)
{
    while (process != NULL && process->pid != getpid()) {
        if (process->parent <= 1) {
            return false;
        }
        process = find_process(process->parent, count);
    }
    return true;
}

int
count_descendants(const struct session *session)
{
    size_t count = list_processes();
    int found = 0;

    for (size_t i = 0; i < count; i++) {
        pid_t pid = processes[i].pid;
        found += !processes[i].ended && pid != getpid() && pid != session->daemon &&
                 is_ours(&processes[i], count);
    }
    return found;
}

bool
nothing_left(const struct session *session)
{
    uint64_t end_ms = now_ms() + GONE_MS;
    int left;

    while ((left = count_descendants(session)) > 0 && now_ms() < end_ms) {
        (void)poll(NULL, 0, 5);
    }
    return left == 0;
}
