/* The supervisor inside a sandbox: see runtime/supervisor.h. libc alone, static, one thread. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/supervisor.h"

enum { MAX_CHILDREN = MR_SUPERVISOR_MAX_EXTENSIONS + 1, REPLY_HEAD = 64 };

struct child {
    char **args;
    pid_t pid;     /* 0: not running */
    int output_fd; /* -1: none */
};

struct delivery {
    int fd; /* -1: none */
    uint16_t port;
    bool busy, http;
    char *bytes;
    size_t size, sent;
    char reply[REPLY_HEAD];
    size_t reply_size;
    int64_t deadline_ms;
};

static struct child children[MAX_CHILDREN];
static size_t child_count = 1;
static struct delivery deliveries[MAX_CHILDREN];
static int commands_fd, reports_fd;
static char **variables, **extension_variables;
static char *pending; /* an unfinished command */
static size_t pending_size, pending_room;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
write_all(const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t wrote = write(reports_fd, at, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            _exit(1); /* nobody listens: the platform is gone */
        }
        at += wrote;
        size -= (size_t)wrote;
    }
}

static void
report(enum mr_supervisor_report kind, size_t who, unsigned value, const void *bytes,
       size_t size)
{
    const struct mr_supervisor_head head = { (uint8_t)kind, (uint8_t)who, (uint16_t)value,
                                             (uint32_t)size };

    write_all(&head, sizeof(head));
    if (size > 0) {
        write_all(bytes, size);
    }
}

/* ---- children ---- */

/* Extensions do not see what belongs to the runtime. */
static bool
is_for_extensions(const char *variable)
{
    static const char *const hidden[] = { "AWS_EXECUTION_ENV=",
                                          "AWS_LAMBDA_LOG_GROUP_NAME=",
                                          "AWS_LAMBDA_LOG_STREAM_NAME=",
                                          "AWS_XRAY_",
                                          "LAMBDA_RUNTIME_DIR=",
                                          "LAMBDA_TASK_ROOT=",
                                          "_" };

    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (strncmp(variable, hidden[i], strlen(hidden[i])) == 0) {
            return false;
        }
    }
    return true;
}

static void
choose_variables(char **all)
{
    size_t count = 0, kept = 0;

    while (all[count] != NULL) {
        count++;
    }
    variables = all;
    extension_variables = calloc(count + 1, sizeof(*extension_variables));
    for (size_t i = 0; i < count && extension_variables != NULL; i++) {
        if (is_for_extensions(all[i])) {
            extension_variables[kept++] = all[i];
        }
    }
}

__attribute__((noreturn)) static void
become(size_t who, int output, int error_fd)
{
    sigset_t none;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if (output >= 0) {
        dup2(output, 1);
    }
    dup2(1, 2);
    execve(children[who].args[0], children[who].args,
           who == 0 ? variables : extension_variables);
    int code = errno;
    (void)!write(error_fd, &code, sizeof(code));
    _exit(127);
}

/* errno of a failed exec, or 0: the pipe closes when it happens. */
static int
start_error(int fd)
{
    int code = 0;
    ssize_t got;

    do {
        got = read(fd, &code, sizeof(code));
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(code) ? code : 0;
}

static void
start(size_t who)
{
    int output[2] = { -1, -1 }, error[2] = { -1, -1 };
    struct child *child = &children[who];

    if (child->pid != 0 || pipe2(error, O_CLOEXEC) < 0 ||
        (who > 0 && pipe2(output, O_CLOEXEC) < 0)) {
        report(MR_SUPERVISOR_FAILED, who, child->pid != 0 ? EALREADY : (unsigned)errno, NULL,
               0);
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(who, output[1], error[1]);
    }
    int code = pid < 0 ? errno : 0;
    close(error[1]);
    if (output[1] >= 0) {
        close(output[1]);
    }
    if (pid > 0) {
        setpgid(pid, pid);
        code = start_error(error[0]);
    }
    close(error[0]);
    child->output_fd = output[0];
    if (code != 0) {
        report(MR_SUPERVISOR_FAILED, who, (unsigned)code, NULL, 0);
        return; /* the child that could not become it is reaped in passing */
    }
    child->pid = pid;
    report(MR_SUPERVISOR_STARTED, who, 0, NULL, 0);
}

/* What it printed and we have not carried yet. */
static bool
carry_output(size_t who)
{
    char bytes[MR_SUPERVISOR_MAX_OUTPUT];
    struct child *child = &children[who];
    ssize_t got = read(child->output_fd, bytes, sizeof(bytes));

    if (got > 0) {
        report(MR_SUPERVISOR_OUTPUT, who, 0, bytes, (size_t)got);
        return true;
    }
    if (got == 0) {
        close(child->output_fd);
        child->output_fd = -1;
    }
    return false;
}

static void
reap(int signals)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    (void)!read(signals, &info, sizeof(info));
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t who = 0; who < child_count; who++) {
            struct child *child = &children[who];
            if (child->pid != pid) {
                continue;
            }
            child->pid = 0;
            kill(-pid, SIGKILL); /* whom it left behind */
            if (child->output_fd >= 0) {
                fcntl(child->output_fd, F_SETFL, O_NONBLOCK);
                while (child->output_fd >= 0 && carry_output(who)) {
                }
            }
            report(MR_SUPERVISOR_EXITED, who,
                   WIFSIGNALED(status) ? 256 + (unsigned)WTERMSIG(status)
                                       : (unsigned)WEXITSTATUS(status),
                   NULL, 0);
        }
    }
}

/* ---- deliveries ---- */

static void
hang_up(struct delivery *delivery)
{
    if (delivery->fd >= 0) {
        close(delivery->fd);
    }
    delivery->fd = -1;
}

static void
delivered(size_t who, unsigned status)
{
    struct delivery *delivery = &deliveries[who];

    free(delivery->bytes);
    delivery->bytes = NULL;
    delivery->busy = false;
    if (delivery->http || status == 0) {
        hang_up(delivery);
    }
    report(MR_SUPERVISOR_DELIVERED, who, status, NULL, 0);
}

static void
deliver(size_t who, bool http, uint16_t port, const char *bytes, size_t size)
{
    struct delivery *delivery = &deliveries[who];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (delivery->busy || (delivery->bytes = malloc(size + 1)) == NULL) {
        report(MR_SUPERVISOR_DELIVERED, who, 0, NULL, 0);
        return;
    }
    memcpy(delivery->bytes, bytes, size);
    delivery->size = size;
    delivery->sent = delivery->reply_size = 0;
    delivery->http = http;
    delivery->busy = true;
    delivery->deadline_ms = now_ms() + MR_SUPERVISOR_DELIVERY_MS;
    if (delivery->fd >= 0 && (http || delivery->port != port)) {
        hang_up(delivery);
    }
    if (delivery->fd < 0) {
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        delivery->port = port;
        delivery->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (delivery->fd < 0 ||
            (connect(delivery->fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
             errno != EINPROGRESS)) {
            delivered(who, 0);
        }
    }
}

/* "HTTP/1.1 200 OK" -> 200; 0 when it is nothing of the kind. */
static unsigned
reply_status(const struct delivery *delivery)
{
    const char *reply = delivery->reply;

    return delivery->reply_size >= 12 && memcmp(reply, "HTTP/1.", 7) == 0
               ? (unsigned)atoi(reply + 9) % 1000
               : 0;
}

static void
take_reply(size_t who)
{
    struct delivery *delivery = &deliveries[who];
    char bytes[1024];
    ssize_t got = recv(delivery->fd, bytes, sizeof(bytes), 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        delivered(who, reply_status(delivery));
        return;
    }
    size_t room = REPLY_HEAD - 1 - delivery->reply_size;
    size_t kept = (size_t)got < room ? (size_t)got : room;
    memcpy(delivery->reply + delivery->reply_size, bytes, kept);
    delivery->reply_size += kept;
    if (reply_status(delivery) != 0) {
        delivered(who, reply_status(delivery)); /* what else it says is nobody's business */
    }
}

static void
go_on(size_t who, short events)
{
    struct delivery *delivery = &deliveries[who];

    if ((events & (POLLOUT | POLLERR | POLLHUP)) != 0 && delivery->sent < delivery->size) {
        ssize_t sent = send(delivery->fd, delivery->bytes + delivery->sent,
                            delivery->size - delivery->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            delivered(who, 0);
            return;
        }
        delivery->sent += sent > 0 ? (size_t)sent : 0;
        if (delivery->sent == delivery->size && !delivery->http) {
            delivered(who, 200);
            return;
        }
    }
    if (delivery->http && (events & (POLLIN | POLLHUP)) != 0) {
        take_reply(who);
    }
}

static int
expire_deliveries(void)
{
    int64_t now = now_ms(), wait = -1;

    for (size_t who = 0; who < MAX_CHILDREN; who++) {
        struct delivery *delivery = &deliveries[who];
        if (delivery->busy && delivery->deadline_ms <= now) {
            delivered(who, 0);
        } else if (delivery->busy && (wait < 0 || delivery->deadline_ms - now < wait)) {
            wait = delivery->deadline_ms - now;
        }
    }
    return (int)wait;
}

/* ---- commands ---- */

static void
obey(const struct mr_supervisor_head *head, const char *bytes)
{
    if (head->who >= MAX_CHILDREN) {
        _exit(1);
    }
    pid_t pid = children[head->who].pid;
    switch (head->kind) {
    case MR_SUPERVISOR_START:
        start(0);
        break;
    case MR_SUPERVISOR_TERMINATE:
    case MR_SUPERVISOR_KILL:
        if (pid > 0) {
            kill(-pid, head->kind == MR_SUPERVISOR_KILL ? SIGKILL : SIGTERM);
        }
        break;
    case MR_SUPERVISOR_DELIVER_HTTP:
    case MR_SUPERVISOR_DELIVER_TCP:
        deliver(head->who, head->kind == MR_SUPERVISOR_DELIVER_HTTP, head->value, bytes,
                head->size);
        break;
    default:
        _exit(1);
    }
}

static void
take_commands(void)
{
    struct mr_supervisor_head head;

    if (pending_room - pending_size < 65536) {
        pending_room += pending_room + 65536;
        pending = realloc(pending, pending_room);
        if (pending == NULL) {
            _exit(1);
        }
    }
    ssize_t got = read(commands_fd, pending + pending_size, pending_room - pending_size);
    if (got == 0) {
        _exit(0); /* the platform is gone; everybody dies with us */
    }
    pending_size += got > 0 ? (size_t)got : 0;
    while (pending_size >= sizeof(head)) {
        memcpy(&head, pending, sizeof(head));
        if (head.size > MR_SUPERVISOR_MAX_DELIVERY) {
            _exit(1);
        }
        size_t whole = sizeof(head) + head.size;
        if (pending_size < whole) {
            return;
        }
        obey(&head, pending + sizeof(head));
        memmove(pending, pending + whole, pending_size - whole);
        pending_size -= whole;
    }
}

/* ---- and around it ---- */

static void
look_after(int signals)
{
    enum { FIRST_OUTPUT = 2, FIRST_DELIVERY = FIRST_OUTPUT + MAX_CHILDREN };
    struct pollfd ready[FIRST_DELIVERY + MAX_CHILDREN];

    for (;;) {
        int wait = expire_deliveries();
        ready[0] = (struct pollfd){ .fd = commands_fd, .events = POLLIN };
        ready[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
        for (size_t who = 0; who < MAX_CHILDREN; who++) {
            const struct delivery *delivery = &deliveries[who];
            ready[FIRST_OUTPUT + who] =
                (struct pollfd){ .fd = who < child_count ? children[who].output_fd : -1,
                                 .events = POLLIN };
            ready[FIRST_DELIVERY + who] = (struct pollfd){
                .fd = delivery->busy ? delivery->fd : -1,
                .events = delivery->sent < delivery->size ? POLLOUT : POLLIN,
            };
        }
        if (poll(ready, sizeof(ready) / sizeof(ready[0]), wait) < 0) {
            continue;
        }
        for (size_t who = 0; who < MAX_CHILDREN; who++) {
            if (ready[FIRST_OUTPUT + who].revents != 0 && children[who].output_fd >= 0) {
                carry_output(who);
            }
            if (ready[FIRST_DELIVERY + who].revents != 0 && deliveries[who].busy) {
                go_on(who, ready[FIRST_DELIVERY + who].revents);
            }
        }
        if (ready[1].revents != 0) {
            reap(signals);
        }
        if (ready[0].revents != 0) {
            take_commands();
        }
    }
}

static void
move_descriptors(void)
{
    commands_fd = fcntl(0, F_DUPFD_CLOEXEC, 10);
    reports_fd = fcntl(2, F_DUPFD_CLOEXEC, 10);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (commands_fd < 0 || reports_fd < 0 || nothing < 0) {
        _exit(1);
    }
    dup2(nothing, 0);
    dup2(1, 2);
    if (nothing != 0) {
        close(nothing);
    }
}

int
main(int argc, char **argv, char **env)
{
    static char *extension_args[MAX_CHILDREN][2];
    sigset_t child;
    int at = 1;

    move_descriptors();
    choose_variables(env);
    for (size_t who = 0; who < MAX_CHILDREN; who++) {
        children[who].output_fd = deliveries[who].fd = -1;
    }
    for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
        if (child_count == MAX_CHILDREN) {
            return 2;
        }
        extension_args[child_count][0] = argv[at];
        children[child_count].args = extension_args[child_count];
        child_count++;
    }
    if (at + 1 >= argc || extension_variables == NULL) {
        return 2;
    }
    children[0].args = &argv[at + 1];
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    for (size_t who = 1; who < child_count; who++) {
        start(who);
    }
    look_after(signals);
}
