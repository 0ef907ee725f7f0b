#include "sandbox/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "sandbox/environment.h"
#include "sandbox/launch.h"
#include "sandbox/message.h"
#include "sandbox/notify.h"
#include "sandbox/orphans.h"
#include "sandbox/outbox.h"

/* What became ready; the lowest bits of an epoll number, above them the slot. */
enum source {
    FROM_CLIENT,
    FROM_SIGNAL,
    FROM_INIT,
    FROM_DEATH,
    FROM_NOTIFY,
    FROM_OOM,
    SOURCES = 8
};

struct server {
    struct mr_host *host;
    struct mr_launcher launcher;
    struct mr_outbox outbox;
    int socket;
    int epoll;
    int signals;
    bool writing; /* the socket is watched for room */
    bool stopping;
    struct mr_environment *environments; /* MR_SANDBOX_MAX_RUNNING */
    unsigned high;                       /* slots used so far */
};

/* --- the loop's list --- */

static int
watch(struct server *server, int fd, unsigned slot, enum source source)
{
    struct epoll_event event = { .events = EPOLLIN,
                                 .data.u64 = (uint64_t)slot * SOURCES + source };

    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void
unwatch(struct server *server, int fd)
{
    if (fd >= 0) {
        (void)epoll_ctl(server->epoll, EPOLL_CTL_DEL, fd, NULL);
    }
}

static void
reply(struct server *server, const void *message, const int *fds, size_t fd_count)
{
    if (mr_outbox_send(&server->outbox, server->socket, message, fds, fd_count) < 0) {
        server->stopping = true;
        return;
    }
    bool wanted = mr_outbox_waits(&server->outbox);
    if (wanted != server->writing) {
        struct epoll_event event = { .events = EPOLLIN | (wanted ? EPOLLOUT : 0u),
                                     .data.u64 = FROM_CLIENT };
        (void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->socket, &event);
        server->writing = wanted;
    }
}

/* --- environments --- */

static struct mr_environment *
find(struct server *server, uint64_t number)
{
    for (unsigned i = 0; i < server->high; i++) {
        struct mr_environment *environment = &server->environments[i];
        if (environment->used && !environment->released && environment->number == number) {
            return environment;
        }
    }
    return NULL;
}

static struct mr_environment *
find_or_add(struct server *server, uint64_t number)
{
    struct mr_environment *environment = find(server, number);

    for (unsigned i = 0; environment == NULL && i < MR_SANDBOX_MAX_RUNNING; i++) {
        if (!server->environments[i].used) {
            environment = &server->environments[i];
            *environment = (struct mr_environment){ .used = true, .number = number, .slot = i };
            mr_run_init(&environment->run);
            server->high = i + 1 > server->high ? i + 1 : server->high;
        }
    }
    return environment;
}

static void
forget(struct server *server, struct mr_environment *environment)
{
    if (environment->cgroup != NULL) { /* as unwatch_run: a copy of it may live on */
        unwatch(server, mr_cgroup_oom_fd(environment->cgroup));
    }
    mr_environment_clear(environment, server->host);
}

static void
set_name(struct mr_environment *environment, const char *name)
{
    size_t i = 0;

    for (; name[i] != 0 && i + 1 < sizeof(environment->name); i++) {
        bool printable = name[i] >= ' ' && name[i] < 127;
        environment->name[i] = printable ? name[i] : '?';
    }
    environment->name[i] = 0;
}

/* --- a launch's end --- */

static void
reply_failed(struct server *server, uint64_t number, int code, const char *text)
{
    struct mr_sandbox_failed failed = { .kind = MR_SANDBOX_FAILED,
                                        .error = -code,
                                        .environment = number };

    snprintf(failed.text, sizeof(failed.text), "%s", text);
    reply(server, &failed, NULL, 0);
}

static size_t
collect_fds(struct mr_run *run, int *out_fds)
{
    int *const slots[] = { &run->output_fd, &run->stderr_fd, &run->stdin_fd,
                           &run->listener_fd };
    size_t count = 0;

    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        if (*slots[i] >= 0) {
            out_fds[count++] = *slots[i];
            *slots[i] = -1;
        }
    }
    for (size_t i = 0; i < run->forward_count; i++) {
        out_fds[count++] = run->forward_fds[i];
        run->forward_fds[i] = -1;
    }
    return count;
}

static void
on_started(struct server *server, struct mr_environment *environment,
           const struct mr_init_message *message)
{
    struct mr_run *run = &environment->run;
    int fds[MR_SANDBOX_MAX_FDS];
    struct mr_sandbox_launched launched = {
        .kind = MR_SANDBOX_LAUNCHED,
        .pid = run->pid,
        .environment = environment->number,
        .uid = environment->uid,
        .api_port = run->api_port,
        .launch_us = (uint32_t)(mr_clock_now_us(mr_clock_system()) - run->since_us),
        .place_us = (uint32_t)message->place_us,
    };

    environment->state = MR_ENVIRONMENT_RUNNING;
    size_t count = collect_fds(run, fds);
    if ((run->flags & MR_SANDBOX_PEAK) != 0 && environment->cgroup != NULL) {
        fds[count] = mr_cgroup_open_peak(environment->cgroup);
        count += fds[count] >= 0;
    }
    if (environment->released) {
        mr_message_close_fds(fds, count);
        return;
    }
    reply(server, &launched, fds, count);
}

static void
sentence_of_failure(const struct mr_run *run, char *out_text, size_t capacity)
{
    const char *words = mr_init_step_words((enum mr_init_step)run->last.step);
    const char *hint = "";

    if (run->last.step == MR_STEP_EXEC && run->last.error == ENOENT) {
        hint = ": is there such a file in the package, and the interpreter or loader it names?";
    } else if (run->last.step == MR_STEP_EXEC && run->last.error == EACCES) {
        hint = ": it must be readable and executable for everybody (chmod 755)";
    } else if (run->last.step == MR_STEP_EXEC && run->last.error == ENOEXEC) {
        hint = ": it is no program of this machine, and has no #! line";
    }
    if (run->last.step == MR_STEP_WORKING_DIR && run->last.error == EACCES) {
        hint = ": everybody must be able to enter it and what is above it";
    }
    if (run->failed) {
        snprintf(out_text, capacity, "the sandbox could not %s: %s%s", words,
                 strerror(run->last.error), hint);
    } else {
        snprintf(out_text, capacity, "the sandbox was killed while it started");
    }
}

/* --- what init says --- */

static void
take_listeners(struct mr_run *run, const int *fds, size_t count)
{
    size_t used = 0;

    if ((run->flags & MR_SANDBOX_API_LISTENER) != 0 && count > 0) {
        run->listener_fd = fds[used++];
    }
    while (used < count && run->forward_count < MR_SANDBOX_MAX_FORWARDS) {
        run->forward_fds[run->forward_count++] = fds[used++];
    }
}

static void
on_said(struct server *server, struct mr_environment *environment,
        const struct mr_init_message *message, const int *fds, size_t fd_count)
{
    struct mr_run *run = &environment->run;

    switch (message->said) {
    case MR_INIT_LISTENERS:
        take_listeners(run, fds, fd_count);
        return;
    case MR_INIT_NOTIFY:
        if (fd_count == 1 && run->notify < 0) {
            run->notify = fds[0];
            (void)watch(server, run->notify, environment->slot, FROM_NOTIFY);
            return;
        }
        break;
    case MR_INIT_STARTED:
        on_started(server, environment, message);
        break;
    case MR_INIT_FAILED:
        run->failed = true;
        run->last = *message;
        break;
    default:
        run->exited = true;
        run->last = *message;
        break;
    }
    mr_message_close_fds(fds, fd_count);
}

static void
on_init(struct server *server, struct mr_environment *environment)
{
    struct mr_run *run = &environment->run;

    while (run->control >= 0) {
        struct mr_init_message message;
        int fds[MR_MESSAGE_MAX_FDS];
        size_t fd_count = 0;
        ssize_t got = mr_message_receive(run->control, &message, sizeof(message), fds,
                                         MR_MESSAGE_MAX_FDS, &fd_count, MSG_DONTWAIT);
        if (got == -EAGAIN) {
            return;
        }
        if (got != (ssize_t)sizeof(message)) {
            mr_message_close_fds(fds, fd_count);
            unwatch(server, run->control); /* its death tells the rest */
            return;
        }
        on_said(server, environment, &message, fds, fd_count);
    }
}

/* --- the end of a run --- */

static int
wait_status_of(struct mr_environment *environment)
{
    int status = 0;

    while (waitpid(environment->run.pid, &status, 0) < 0 && errno == EINTR) {
    }
    /* init's own end matters when it could not tell the handler's. */
    return environment->run.exited ? environment->run.last.status : status;
}

static bool
is_init(void *context, pid_t pid)
{
    const struct server *server = context;

    for (unsigned i = 0; i < server->high; i++) {
        const struct mr_environment *environment = &server->environments[i];
        if (environment->used && environment->state != MR_ENVIRONMENT_EMPTY &&
            environment->run.pid == pid) {
            return true;
        }
    }
    return false;
}

/* An init that was killed from outside, and had no process namespace, left us its children. */
static void
end_strays(struct server *server, const struct mr_run *run)
{
    if (!run->pid_ns && !run->exited) {
        mr_orphans_end(is_init, server);
    }
}

/* We must never wait here for what is alive. */
static bool
is_dead(const struct mr_run *run)
{
    siginfo_t info = { 0 };

    return run->pid > 0 &&
           (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
            info.si_pid != 0);
}

/*
 * Closing a descriptor does not take it out of the epoll set while a child that is just being
 * launched still holds a copy: it would go on to speak, and be taken for the slot's next run.
 */
static void
unwatch_run(struct server *server, const struct mr_run *run)
{
    unwatch(server, run->pidfd);
    unwatch(server, run->control);
    unwatch(server, run->notify);
}

static void
on_death(struct server *server, struct mr_environment *environment)
{
    struct mr_run *run = &environment->run;

    if (environment->state == MR_ENVIRONMENT_EMPTY || !is_dead(run)) {
        return;
    }
    on_init(server, environment); /* its last words */
    struct mr_sandbox_exited exited = { .kind = MR_SANDBOX_EXITED,
                                        .environment = environment->number,
                                        .wait_status = wait_status_of(environment) };
    mr_environment_usage(environment, &exited.usage);
    if (environment->state == MR_ENVIRONMENT_RUNNING) {
        reply(server, &exited, NULL, 0);
    } else {
        char text[MR_SANDBOX_TEXT];
        sentence_of_failure(run, text, sizeof(text));
        int code = run->failed && run->last.error > 0 ? -run->last.error : -ECHILD;
        reply_failed(server, environment->number, code, text);
    }
    environment->state = MR_ENVIRONMENT_EMPTY;
    end_strays(server, run);
    unwatch_run(server, run);
    mr_run_close(run);
    if (environment->released) {
        forget(server, environment);
    }
}

static void
on_notify(struct server *server, struct mr_environment *environment)
{
    struct mr_sandbox_denied denied;

    struct pollfd asked = { .fd = environment->run.notify, .events = POLLIN };

    /* Receiving would wait, had the event been an earlier run's or its asker been killed. */
    if (asked.fd >= 0 && poll(&asked, 1, 0) == 1 && (asked.revents & POLLIN) != 0 &&
        mr_notify_answer(environment, &denied) && !environment->released) {
        reply(server, &denied, NULL, 0);
    }
}

/* One of its processes was killed for memory: what is left is not to be trusted to go on. */
static void
on_oom(struct server *server, struct mr_environment *environment)
{
    struct mr_sandbox_usage usage = { 0 };
    uint64_t count;
    int fd = environment->cgroup == NULL ? -1 : mr_cgroup_oom_fd(environment->cgroup);

    (void)server;
    if (fd >= 0) {
        (void)!read(fd, &count, sizeof(count));
        mr_cgroup_read_usage(environment->cgroup, &usage);
        if (usage.oom_kills > 0) {
            mr_environment_kill(environment);
        }
    }
}

/* --- the table of requests --- */

static int
start(struct server *server, struct mr_environment *environment,
      const struct mr_sandbox_request_launch *request, int strings_fd, struct mr_error *err)
{
    struct mr_launch_strings strings;
    struct mr_slice bytes;
    uint64_t now_us = mr_clock_now_us(mr_clock_system());

    int rc = mr_launch_strings_map(strings_fd, &bytes, err);
    if (rc < 0) {
        return rc;
    }
    rc = mr_launch_strings_parse(&strings, bytes, err);
    if (rc == 0) {
        set_name(environment, strings.name);
        rc = mr_environment_prepare(environment, server->host, request, err);
    }
    if (rc == 0 && environment->cgroup != NULL) {
        mr_cgroup_start_counting(environment->cgroup);
    }
    rc =
        rc < 0 ? rc : mr_launch(&server->launcher, environment, request, &strings, now_us, err);
    munmap((void *)(uintptr_t)bytes.data, bytes.size);
    return rc;
}

static int
do_launch(struct server *server, const union mr_sandbox_request_any *any, int fd,
          struct mr_error *err)
{
    const struct mr_sandbox_request_launch *request = &any->launch;
    struct mr_environment *environment = find_or_add(server, request->head.environment);
    struct mr_error why;

    if (environment == NULL) {
        snprintf(why.text, sizeof(why.text), "%d sandboxes exist already; release some",
                 MR_SANDBOX_MAX_RUNNING);
        reply_failed(server, request->head.environment, -EAGAIN, why.text);
        return 0;
    }
    if (environment->state != MR_ENVIRONMENT_EMPTY) {
        return mr_fail(err, -EPROTO, "a launch in an environment where something runs");
    }
    int rc = start(server, environment, request, fd, &why);
    if (rc < 0) {
        reply_failed(server, environment->number, rc, why.text);
        return 0;
    }
    struct mr_run *run = &environment->run;
    if (watch(server, run->control, environment->slot, FROM_INIT) < 0 ||
        watch(server, run->pidfd, environment->slot, FROM_DEATH) < 0) {
        return mr_fail(err, -errno, "watch a sandbox: %s", strerror(errno));
    }
    int oom_fd = environment->cgroup == NULL ? -1 : mr_cgroup_oom_fd(environment->cgroup);
    if (oom_fd >= 0) {
        unwatch(server, oom_fd);
        (void)watch(server, oom_fd, environment->slot, FROM_OOM);
    }
    return 0;
}

/* The other requests name an environment; its run may have ended a moment ago. */
static int
do_simple(struct server *server, const struct mr_sandbox_request *request, struct mr_error *err)
{
    struct mr_environment *environment = find(server, request->environment);

    if (environment == NULL) {
        return mr_fail(err, -EPROTO, "request %u for an environment that does not exist",
                       request->kind);
    }
    struct mr_sandbox_used used = { .kind = MR_SANDBOX_USED,
                                    .environment = environment->number };
    switch (request->kind) {
    case MR_SANDBOX_FREEZE:
    case MR_SANDBOX_THAW:
        mr_environment_set_frozen(environment, server->host,
                                  request->kind == MR_SANDBOX_FREEZE);
        return 0;
    case MR_SANDBOX_KILL:
        mr_environment_kill(environment);
        return 0;
    case MR_SANDBOX_TERMINATE:
        mr_environment_terminate(environment);
        return 0;
    case MR_SANDBOX_USAGE:
        mr_environment_usage(environment, &used.usage);
        reply(server, &used, NULL, 0);
        return 0;
    default:
        mr_environment_kill(environment);
        environment->released = true;
        if (environment->state == MR_ENVIRONMENT_EMPTY) {
            forget(server, environment);
        }
        return 0;
    }
}

static int
take_request(struct server *server, struct mr_error *err)
{
    union mr_sandbox_request_any any;
    int fds[MR_MESSAGE_MAX_FDS];
    size_t fd_count = 0;

    ssize_t got = mr_message_receive(server->socket, &any, sizeof(any), fds, MR_MESSAGE_MAX_FDS,
                                     &fd_count, MSG_DONTWAIT);
    if (got == -EAGAIN) {
        return 0;
    }
    if (got <= 0) {
        server->stopping = true;
        return got == -EMSGSIZE ? mr_fail(err, -EPROTO, "a request that is too large") : 0;
    }
    int rc = mr_sandbox_request_check(&any, (size_t)got, fd_count, err);
    if (rc == 0) {
        rc = any.kind == MR_SANDBOX_LAUNCH ? do_launch(server, &any, fds[0], err)
                                           : do_simple(server, &any.simple, err);
    }
    mr_message_close_fds(fds, fd_count);
    return rc < 0 ? rc : 1;
}

static int
on_client(struct server *server, struct mr_error *err)
{
    if (mr_outbox_flush(&server->outbox, server->socket) < 0) {
        server->stopping = true;
        return 0;
    }
    /* A few at a time, so that deaths and refused calls are not kept waiting. */
    int rc = 1;
    for (int i = 0; i < 16 && rc == 1 && !server->stopping; i++) {
        rc = take_request(server, err);
    }
    return rc < 0 ? rc : 0;
}

/* --- the loop --- */

static int
on_event(struct server *server, const struct epoll_event *event, struct mr_error *err)
{
    struct mr_environment *environment = &server->environments[event->data.u64 / SOURCES];

    switch ((enum source)(event->data.u64 % SOURCES)) {
    case FROM_CLIENT:
        return on_client(server, err);
    case FROM_SIGNAL:
        server->stopping = true;
        return 0;
    case FROM_INIT:
        on_init(server, environment);
        return 0;
    case FROM_DEATH:
        on_death(server, environment);
        return 0;
    case FROM_NOTIFY:
        on_notify(server, environment);
        return 0;
    default:
        on_oom(server, environment);
        return 0;
    }
}

static int
serve(struct server *server, struct mr_error *err)
{
    struct epoll_event events[64];

    while (!server->stopping) {
        int count = epoll_wait(server->epoll, events, 64, -1);
        if (count < 0 && errno != EINTR) {
            return mr_fail(err, -errno, "epoll_wait: %s", strerror(errno));
        }
        for (int i = 0; i < count && !server->stopping; i++) {
            int rc = on_event(server, &events[i], err);
            if (rc < 0) {
                return rc;
            }
        }
    }
    return 0;
}

static int
open_server(struct server *server, struct mr_error *err)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* see end_strays */
    server->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || server->signals < 0 ||
        watch(server, server->socket, 0, FROM_CLIENT) < 0 ||
        watch(server, server->signals, 0, FROM_SIGNAL) < 0) {
        return mr_fail(err, -errno, "make the loop: %s", strerror(errno));
    }
    return mr_launcher_init(&server->launcher, server->host, err);
}

static void
greet(struct server *server)
{
    struct mr_sandbox_hello hello = { .kind = MR_SANDBOX_HELLO,
                                      .protocol = MR_SANDBOX_PROTOCOL,
                                      .level = server->host->level,
                                      .mechanisms = server->host->mechanisms,
                                      .pid = getpid(),
                                      .uid = server->host->uid };

    mr_host_describe(server->host, hello.text, sizeof(hello.text));
    reply(server, &hello, NULL, 0);
}

static void
end_everything(struct server *server)
{
    for (unsigned i = 0; i < server->high; i++) {
        mr_environment_kill(&server->environments[i]);
    }
    for (unsigned i = 0; i < server->high; i++) {
        struct mr_environment *environment = &server->environments[i];
        if (environment->used && environment->state != MR_ENVIRONMENT_EMPTY) {
            (void)wait_status_of(environment);
            environment->state = MR_ENVIRONMENT_EMPTY;
            end_strays(server, &environment->run);
        }
        if (environment->used) {
            forget(server, environment);
        }
    }
}

int
mr_server_run(struct mr_host *host, int socket, struct mr_error *err)
{
    struct server server = { .host = host, .socket = socket, .epoll = -1, .signals = -1 };

    server.environments = mr_alloc_zero(MR_SANDBOX_MAX_RUNNING, sizeof(struct mr_environment));
    int rc = open_server(&server, err);
    if (rc == 0) {
        greet(&server);
        rc = serve(&server, err);
    }
    end_everything(&server);
    mr_outbox_deinit(&server.outbox);
    mr_launcher_deinit(&server.launcher);
    free(server.environments);
    close(server.epoll);
    close(server.signals);
    return rc;
}
