#include "control/keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_WAIT_MS = 50, LAST_WAIT_MS = 5000, STEADY_S = 10, OLD_KERNEL_MS = 200 };

/* ---- in the keeper ---- */

static int
send_socket(int channel, int fd)
{
    char byte = 'S';
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(channel, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Until the daemon ends; leaves for good when millraced has hung up. */
static void
watch_both(int channel, pid_t pid)
{
    int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd waits[] = { { .fd = channel }, { .fd = pid_fd, .events = POLLIN } };

    for (;;) {
        poll(waits, 2, pid_fd < 0 ? OLD_KERNEL_MS : -1);
        if ((waits[0].revents & (POLLHUP | POLLERR)) != 0) {
            _exit(0); /* sandboxd ends with its parent */
        }
        if (waitpid(pid, NULL, WNOHANG) != 0) {
            break;
        }
    }
    if (pid_fd >= 0) {
        close(pid_fd);
    }
}

/* Start one, hand it over, wait for its end; later each time it ends soon. */
static void __attribute__((noreturn))
keep(int channel, const char *path, const struct mr_sandboxd_options *options)
{
    long wait_ms = FIRST_WAIT_MS;

    for (;;) {
        struct mr_error err = { 0 };
        time_t began = time(NULL);
        pid_t pid;
        int fd = mr_sandboxd_spawn(path, options, &pid, &err);
        if (fd < 0) {
            fprintf(stderr, "millraced: %s\n", err.text);
        } else {
            int sent = send_socket(channel, fd);
            close(fd);
            if (sent < 0) {
                _exit(0);
            }
            watch_both(channel, pid);
        }
        wait_ms = time(NULL) - began >= STEADY_S ? FIRST_WAIT_MS : wait_ms * 2;
        wait_ms = wait_ms > LAST_WAIT_MS ? LAST_WAIT_MS : wait_ms;
        struct pollfd hang_up = { .fd = channel };
        if (poll(&hang_up, 1, (int)wait_ms) > 0) {
            _exit(0);
        }
    }
}

/* ---- in millraced ---- */

int
mr_keeper_start(struct mr_keeper *keeper, const char *path,
                const struct mr_sandboxd_options *options, struct mr_error *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return mr_fail(err, -errno, "socket pair for the keeper: %s", strerror(errno));
    }
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) {
        close(pair[0]);
        close(pair[1]);
        return mr_fail(err, -errno, "fork the keeper: %s", strerror(errno));
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "millraced-keep");
        if (getppid() != parent) {
            _exit(0);
        }
        signal(SIGINT, SIG_IGN); /* a Ctrl-C is for millraced, which ends us when it is done */
        signal(SIGTERM, SIG_IGN);
        close(pair[0]);
        keep(pair[1], path, options);
    }
    close(pair[1]);
    *keeper = (struct mr_keeper){ pair[0], pid };
    return 0;
}

static int
read_socket(int channel, struct mr_error *err)
{
    char byte;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    ssize_t size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    struct cmsghdr *header = size <= 0 ? NULL : CMSG_FIRSTHDR(&message);
    int fd;

    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return -EAGAIN;
    }
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) {
        return mr_fail(err, -EPIPE, "the keeper of the sandbox daemon is gone");
    }
    memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

int
mr_keeper_take(struct mr_keeper *keeper, int timeout_ms, struct mr_error *err)
{
    struct pollfd wait = { .fd = keeper->fd, .events = POLLIN };

    if (poll(&wait, 1, timeout_ms) <= 0) {
        return mr_fail(err, -EAGAIN, "the sandbox daemon does not start");
    }
    return read_socket(keeper->fd, err);
}

void
mr_keeper_stop(struct mr_keeper *keeper)
{
    if (keeper->fd < 0) {
        return;
    }
    close(keeper->fd); /* it hears that; it may be another user's by now, so no signal */
    keeper->fd = -1;
    while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}
