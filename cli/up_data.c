/*
 * The data directory of `millrace up`: ours alone while we run; its sockets; its port.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/up.h"
#include "net/http_server.h"

enum {
    LOOK_MS = 100,
    PREDECESSOR_MS = 15000,
    COMM_BYTES = 15, /* of a process's name in /proc */
};

/* Absolute, there, and ours alone while we run. */
int
mr_up_open_data(struct mr_up *up, struct mr_error *err)
{
    if (mr_make_directories(up->flags->data, err) < 0) {
        return err->code;
    }
    up->data = realpath(up->flags->data, NULL);
    if (up->data == NULL) {
        return mr_fail(err, -errno, "open %s: %s", up->flags->data, strerror(errno));
    }
    mr_auto_free char *lock = mr_format("%s/up.lock", up->data);
    up->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (up->lock_fd < 0) {
        return mr_fail(err, -errno, "open %s: %s", lock, strerror(errno));
    }
    if (flock(up->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        return mr_fail(err, -EBUSY,
                       "another `millrace up` runs on %s; stop it, or give --data another "
                       "directory",
                       up->data);
    }
    return 0;
}

/* Is the process an old one of ours, still there? Its pid may be somebody else's by now. */
static bool
still_runs(const char *program, json_int_t pid)
{
    char comm[32] = "";
    mr_auto_free char *path = mr_format("/proc/%lld/comm", pid);
    mr_auto_fd int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t size = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);
    comm[size > 0 ? size : 0] = '\0';
    comm[strcspn(comm, "\n")] = '\0';
    return comm[0] != '\0' && strncmp(program, comm, COMM_BYTES) == 0;
}

/*
 * The daemons of an `up` that was killed are told by the kernel and stop by themselves; until
 * then they hold the data directory.
 */
void
mr_up_wait_for_predecessors(struct mr_up *up)
{
    uint64_t until_ms = mr_clock_now_ms(mr_clock_system()) + PREDECESSOR_MS;
    bool told = false;
    const char *program;
    json_t *pid;
    json_object_foreach(mr_state_file_group(up->state, "daemons"), program, pid)
    {
        while (!up->interrupted && still_runs(program, json_integer_value(pid)) &&
               mr_clock_now_ms(mr_clock_system()) < until_ms) {
            if (!told) {
                mr_say_line(&up->say, "wait",
                            "the daemons of an earlier `up` are still stopping");
                told = true;
            }
            mr_loop_run_once(up->loop, LOOK_MS);
        }
    }
}

void
mr_up_open_state(struct mr_up *up)
{
    mr_auto_free char *path = mr_format("%s/up.json", up->data);
    mr_state_file_close(up->state);
    up->state = mr_state_file_open(path);
}

/* Only what is ours: a directory given by mistake loses nothing. */
int
mr_up_begin_anew(struct mr_up *up, struct mr_error *err)
{
    static const char *const ours[] = { "streamd", "millraced", "build",
                                        "log",     "history",   "up.json" };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        mr_auto_free char *path = mr_format("%s/%s", up->data, ours[i]);
        if (mr_tree_remove(path, err) < 0) {
            return err->code;
        }
    }
    mr_up_open_state(up);
    return 0;
}

/*
 * Sockets have short paths (108 bytes): in the data directory when they fit, else in one of
 * their own.
 */
int
mr_up_open_sockets(struct mr_up *up, struct mr_error *err)
{
    struct sockaddr_un_size {
        char path[108];
    };
    if (strlen(up->data) + sizeof("/millraced.sock") <= sizeof(struct sockaddr_un_size)) {
        up->sockets = mr_strdup(up->data);
        return 0;
    }
    char path[] = "/tmp/millrace-XXXXXX";
    if (mkdtemp(path) == NULL) {
        return mr_fail(err, -errno, "make a directory for sockets in /tmp: %s",
                       strerror(errno));
    }
    up->sockets = mr_strdup(path);
    up->own_sockets = true;
    return 0;
}

void
mr_up_close_sockets(const struct mr_up *up)
{
    static const char *const names[] = { "streamd.sock", "millraced.sock" };
    for (size_t i = 0; i < 2 && up->sockets != NULL; i++) {
        mr_auto_free char *path = mr_format("%s/%s", up->sockets, names[i]);
        (void)unlink(path);
    }
    if (up->own_sockets) {
        (void)rmdir(up->sockets);
    }
}

/* A port somebody has is told at once, and by its name, before anything is started. */
int
mr_up_check_port(const struct mr_up *up, struct mr_error *err)
{
    if (up->flags->port == 0) {
        return 0;
    }
    struct mr_error why = { 0 };
    int fd = mr_net_listen_tcp("127.0.0.1", (uint16_t)up->flags->port, &why);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (why.code == -EADDRINUSE) {
        return mr_fail(err, why.code,
                       "port %llu is in use; stop who has it (`ss -ltnp`), or choose another: "
                       "--port 0 picks a free one",
                       (unsigned long long)up->flags->port);
    }
    return mr_fail(err, why.code, "%s", why.text);
}
