#include "sandbox/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "sandbox/launch_strings.h"
#include "sandbox/message.h"

enum { SEND_WAIT_MS = 1000, MAX_PENDING = MR_SANDBOX_MAX_RUNNING };

/* What we asked for, so that the descriptors of the answer can be told apart. */
struct pending {
    uint64_t environment;
    uint32_t flags;
    uint32_t forward_count;
};

struct mr_sandbox_client {
    int fd;
    struct mr_sandbox_callbacks callbacks;
    void *context;
    struct pending *pending; /* launches not answered yet */
    size_t pending_count;
    bool lost;
    bool told; /* that it is lost */
};

struct mr_sandbox_client *
mr_sandbox_client_new(int fd, const struct mr_sandbox_callbacks *callbacks, void *context)
{
    struct mr_sandbox_client *client = mr_alloc_zero(1, sizeof(*client));

    *client = (struct mr_sandbox_client){
        .fd = fd,
        .callbacks = *callbacks,
        .context = context,
        .pending = mr_alloc_zero(MAX_PENDING, sizeof(struct pending)),
    };
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return client;
}

void
mr_sandbox_client_free(struct mr_sandbox_client *client)
{
    if (client == NULL) {
        return;
    }
    close(client->fd);
    free(client->pending);
    free(client);
}

int
mr_sandbox_client_fd(const struct mr_sandbox_client *client)
{
    return client->fd;
}

/* --- what arrives --- */

static int
lose(struct mr_sandbox_client *client, const struct mr_error *err)
{
    client->lost = true;
    if (!client->told) {
        client->told = true;
        client->callbacks.lost(client->context, err);
    }
    return err->code;
}

static bool
take_pending(struct mr_sandbox_client *client, uint64_t environment,
             struct pending *out_pending)
{
    for (size_t i = 0; i < client->pending_count; i++) {
        if (client->pending[i].environment == environment) {
            *out_pending = client->pending[i];
            client->pending[i] = client->pending[--client->pending_count];
            return true;
        }
    }
    return false;
}

static int
next_fd(const int *fds, size_t *used, bool wanted)
{
    return wanted ? fds[(*used)++] : -1;
}

static int
on_launched(struct mr_sandbox_client *client, const struct mr_sandbox_launched *reply,
            const int *fds, size_t fd_count, struct mr_error *err)
{
    struct pending pending;
    bool known = take_pending(client, reply->environment, &pending);
    size_t wanted = 1;
    if (known) {
        wanted += ((pending.flags & MR_SANDBOX_SEPARATE_STDERR) != 0) +
                  ((pending.flags & MR_SANDBOX_STDIN) != 0) +
                  ((pending.flags & MR_SANDBOX_API_LISTENER) != 0) + pending.forward_count;
    }
    bool has_peak =
        known && (pending.flags & MR_SANDBOX_PEAK) != 0 && fd_count == wanted + 1;
    if (!known || fd_count != wanted + has_peak) {
        mr_message_close_fds(fds, fd_count);
        return mr_fail(err, -EPROTO, "sandboxd answered a launch nobody asked for");
    }
    size_t used = 0;
    struct mr_sandbox_process process = { .pid = reply->pid,
                                          .uid = reply->uid,
                                          .api_port = (uint16_t)reply->api_port,
                                          .launch_us = reply->launch_us,
                                          .place_us = reply->place_us,
                                          .forward_count = pending.forward_count };
    process.log_fd = next_fd(fds, &used, true);
    process.stderr_fd = next_fd(fds, &used, (pending.flags & MR_SANDBOX_SEPARATE_STDERR) != 0);
    process.stdin_fd = next_fd(fds, &used, (pending.flags & MR_SANDBOX_STDIN) != 0);
    process.listener_fd = next_fd(fds, &used, (pending.flags & MR_SANDBOX_API_LISTENER) != 0);
    for (size_t i = 0; i < MR_SANDBOX_MAX_FORWARDS; i++) {
        process.forward_fds[i] = next_fd(fds, &used, i < pending.forward_count);
    }
    process.peak_fd = next_fd(fds, &used, has_peak);
    client->callbacks.launched(client->context, reply->environment, &process);
    return 0;
}

static const char *
signal_words(int number)
{
    switch (number) {
    case SIGSEGV:
        return "segmentation fault";
    case SIGABRT:
        return "aborted";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "floating point exception";
    case SIGILL:
        return "illegal instruction";
    case SIGKILL:
        return "killed";
    case SIGTERM:
        return "terminated";
    case SIGPIPE:
        return "broken pipe";
    case SIGSYS:
        return "bad system call (a foreign architecture's)";
    case SIGXFSZ:
        return "file size limit exceeded";
    default:
        return NULL;
    }
}

static void
describe_exit(struct mr_sandbox_exit *exit)
{
    if (exit->oom) {
        snprintf(exit->text, sizeof(exit->text),
                 "out of memory: killed at its memory limit, peak %llu MB",
                 (unsigned long long)(exit->usage.memory_peak_bytes >> 20));
    } else if (exit->signal != 0) {
        const char *words = signal_words(exit->signal);
        if (words != NULL) {
            snprintf(exit->text, sizeof(exit->text), "signal: %s", words);
        } else {
            snprintf(exit->text, sizeof(exit->text), "signal: %d", exit->signal);
        }
    } else {
        snprintf(exit->text, sizeof(exit->text), "exited with status %d", exit->status);
    }
}

static void
on_exited(struct mr_sandbox_client *client, const struct mr_sandbox_exited *reply)
{
    struct mr_sandbox_exit exit = { .usage = reply->usage, .oom = reply->usage.oom_kills > 0 };

    if (WIFSIGNALED(reply->wait_status)) {
        exit.signal = WTERMSIG(reply->wait_status);
    } else {
        exit.status = WEXITSTATUS(reply->wait_status);
    }
    describe_exit(&exit);
    client->callbacks.exited(client->context, reply->environment, &exit);
}

static void
on_failed(struct mr_sandbox_client *client, const struct mr_sandbox_failed *reply)
{
    struct pending pending;
    struct mr_error err = { .code = reply->error > 0 ? -reply->error : -EIO };

    (void)take_pending(client, reply->environment, &pending);
    memcpy(err.text, reply->text, sizeof(err.text));
    client->callbacks.failed(client->context, reply->environment, &err);
}

static int
handle(struct mr_sandbox_client *client, const union mr_sandbox_reply_any *reply,
       const int *fds, size_t fd_count, struct mr_error *err)
{
    const struct mr_sandbox_callbacks *call = &client->callbacks;

    switch (reply->kind) {
    case MR_SANDBOX_HELLO:
        if (reply->hello.protocol != MR_SANDBOX_PROTOCOL) {
            return mr_fail(err, -EPROTO,
                           "sandboxd speaks protocol %u, we speak %d: install both "
                           "from one build",
                           reply->hello.protocol, MR_SANDBOX_PROTOCOL);
        }
        if (call->hello != NULL) {
            call->hello(client->context, &reply->hello);
        }
        return 0;
    case MR_SANDBOX_LAUNCHED:
        return on_launched(client, &reply->launched, fds, fd_count, err);
    case MR_SANDBOX_FAILED:
        on_failed(client, &reply->failed);
        return 0;
    case MR_SANDBOX_EXITED:
        on_exited(client, &reply->exited);
        return 0;
    case MR_SANDBOX_USED:
        if (call->usage != NULL) {
            call->usage(client->context, reply->used.environment, &reply->used.usage);
        }
        return 0;
    default:
        if (call->denied != NULL) {
            call->denied(client->context, reply->denied.environment,
                         mr_slice_str(reply->denied.text));
        }
        return 0;
    }
}

uint64_t
mr_sandbox_peak_bytes(int peak_fd)
{
    char text[32];
    ssize_t size = pread(peak_fd, text, sizeof(text) - 1, 0);

    text[size > 0 ? size : 0] = 0;
    return strtoull(text, NULL, 10);
}

int
mr_sandbox_client_dispatch(struct mr_sandbox_client *client)
{
    struct mr_error err = { 0 };

    while (!client->lost) {
        union mr_sandbox_reply_any reply;
        int fds[MR_MESSAGE_MAX_FDS];
        size_t fd_count = 0;
        ssize_t got = mr_message_receive(client->fd, &reply, sizeof(reply), fds,
                                         MR_MESSAGE_MAX_FDS, &fd_count, MSG_DONTWAIT);
        if (got == -EAGAIN) {
            return 0;
        }
        if (got <= 0) {
            mr_fail(&err, got == 0 ? -EPIPE : (int)got, "sandboxd is gone: %s",
                    got == 0 ? "it hung up" : strerror((int)-got));
            return lose(client, &err);
        }
        if (mr_sandbox_reply_check(&reply, (size_t)got, fd_count, &err) < 0) {
            mr_message_close_fds(fds, fd_count);
            return lose(client, &err);
        }
        if (handle(client, &reply, fds, fd_count, &err) < 0) {
            return lose(client, &err);
        }
    }
    return -EPIPE;
}

/* --- what we ask --- */

static int
send_request(struct mr_sandbox_client *client, const void *message, size_t size, const int *fds,
             size_t fd_count, struct mr_error *err)
{
    if (client->lost) {
        return mr_fail(err, -EPIPE, "sandboxd is gone");
    }
    ssize_t sent = mr_message_send(client->fd, message, size, fds, fd_count, MSG_DONTWAIT);
    if (sent == -EAGAIN) {
        struct pollfd ready = { .fd = client->fd, .events = POLLOUT };
        (void)poll(&ready, 1, SEND_WAIT_MS);
        sent = mr_message_send(client->fd, message, size, fds, fd_count, MSG_DONTWAIT);
    }
    if (sent == -EAGAIN) {
        mr_fail(err, -EAGAIN, "sandboxd has not read its socket for %d ms", SEND_WAIT_MS);
        if (err != NULL) {
            err->retryable = true;
        }
        return -EAGAIN;
    }
    if (sent < 0) {
        return mr_fail(err, -EPIPE, "sandboxd is gone: %s", strerror((int)-sent));
    }
    return 0;
}

static int
add_all(struct mr_buf *buf, enum mr_launch_tag tag, const struct mr_slice *values, size_t count,
        struct mr_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int rc = mr_launch_strings_add(buf, tag, values[i], err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int
write_strings(struct mr_buf *buf, const struct mr_sandbox_launch *launch, struct mr_error *err)
{
    const struct {
        enum mr_launch_tag tag;
        const struct mr_slice *values;
        size_t count;
    } parts[] = {
        { MR_LAUNCH_NAME, &launch->name, launch->name.size > 0 },
        { MR_LAUNCH_CODE_DIR, &launch->code_dir, 1 },
        { MR_LAUNCH_RUNTIME_DIR, &launch->runtime_dir, launch->runtime_dir.size > 0 },
        { MR_LAUNCH_LAYER, launch->layers, launch->layer_count },
        { MR_LAUNCH_ARG, launch->args, launch->arg_count },
        { MR_LAUNCH_ENV, launch->env, launch->env_count },
        { MR_LAUNCH_ALLOW, launch->allow_syscalls, launch->allow_syscall_count },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int rc = add_all(buf, parts[i].tag, parts[i].values, parts[i].count, err);
        if (rc < 0) {
            return rc;
        }
    }
    struct mr_launch_strings
        check; /* what the daemon would refuse, refused here with a sentence */
    return mr_launch_strings_parse(&check, mr_buf_slice(buf), err);
}

static uint32_t
or_usual(uint32_t value, uint32_t usual)
{
    return value == 0 ? usual : value;
}

int
mr_sandbox_client_launch(struct mr_sandbox_client *client,
                         const struct mr_sandbox_launch *launch, struct mr_error *err)
{
    mr_auto_buf struct mr_buf strings = { 0 };
    struct mr_sandbox_request_launch request = {
        .head = { .kind = MR_SANDBOX_LAUNCH, .environment = launch->environment },
        .memory_mb = or_usual(launch->memory_mb, MR_LAMBDA_MIN_MEMORY_MB),
        .tmp_mb = or_usual(launch->tmp_mb, 512),
        .max_pids = or_usual(launch->max_pids, 1024),
        .network = launch->network,
        .profile = launch->profile,
        .flags = launch->flags,
        .cpu_permille = launch->cpu_permille,
    };

    if (client->pending_count == MAX_PENDING) {
        return mr_fail(err, -EAGAIN, "%d launches are under way already", MAX_PENDING);
    }
    if (launch->forward_count > MR_SANDBOX_MAX_FORWARDS) {
        return mr_fail(err, -E2BIG, "more than %d forwards", MR_SANDBOX_MAX_FORWARDS);
    }
    for (size_t i = 0; i < launch->forward_count; i++) {
        request.forwards[i] = launch->forwards[i];
    }
    struct mr_error reason;
    if (mr_sandbox_request_check(&request, sizeof(request), 1, &reason) < 0) {
        return mr_fail(err, -EINVAL, "%s", reason.text);
    }
    int rc = write_strings(&strings, launch, err);
    if (rc < 0) {
        return rc;
    }
    mr_auto_fd int memfd = mr_launch_strings_seal(mr_buf_slice(&strings), err);
    if (memfd < 0) {
        return memfd;
    }
    rc = send_request(client, &request, sizeof(request), &memfd, 1, err);
    if (rc == 0) {
        client->pending[client->pending_count++] =
            (struct pending){ launch->environment, launch->flags,
                              (uint32_t)launch->forward_count };
    }
    return rc;
}

static int
ask(struct mr_sandbox_client *client, uint32_t kind, uint64_t environment, struct mr_error *err)
{
    struct mr_sandbox_request request = { .kind = kind, .environment = environment };

    return send_request(client, &request, sizeof(request), NULL, 0, err);
}

int
mr_sandbox_client_freeze(struct mr_sandbox_client *client, uint64_t environment,
                         struct mr_error *err)
{
    return ask(client, MR_SANDBOX_FREEZE, environment, err);
}

int
mr_sandbox_client_thaw(struct mr_sandbox_client *client, uint64_t environment,
                       struct mr_error *err)
{
    return ask(client, MR_SANDBOX_THAW, environment, err);
}

int
mr_sandbox_client_kill(struct mr_sandbox_client *client, uint64_t environment,
                       struct mr_error *err)
{
    return ask(client, MR_SANDBOX_KILL, environment, err);
}

int
mr_sandbox_client_terminate(struct mr_sandbox_client *client, uint64_t environment,
                            struct mr_error *err)
{
    return ask(client, MR_SANDBOX_TERMINATE, environment, err);
}

int
mr_sandbox_client_usage(struct mr_sandbox_client *client, uint64_t environment,
                        struct mr_error *err)
{
    return ask(client, MR_SANDBOX_USAGE, environment, err);
}

int
mr_sandbox_client_release(struct mr_sandbox_client *client, uint64_t environment,
                          struct mr_error *err)
{
    return ask(client, MR_SANDBOX_RELEASE, environment, err);
}
