#include "sandbox/client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

static const char name[] = "millrace-sandboxd";

/* Beside the running program when it is there, else whatever PATH has. */
static void
find_daemon(char *out_path, size_t capacity)
{
    ssize_t length = readlink("/proc/self/exe", out_path, capacity - sizeof(name) - 1);

    if (length > 0) {
        out_path[length] = 0;
        char *slash = strrchr(out_path, '/');
        if (slash != NULL) {
            memcpy(slash + 1, name, sizeof(name));
            if (access(out_path, X_OK) == 0) {
                return;
            }
        }
    }
    memcpy(out_path, name, sizeof(name));
}

static int
start(const char *path, char *const *args, int socket, pid_t *out_pid, struct mr_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    /* A Ctrl-C is for us: we may have something to finish before our sandboxes end. */
    posix_spawnattr_init(&attributes);
    int rc = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_init(&actions);
    rc = rc != 0 ? rc : posix_spawn_file_actions_adddup2(&actions, socket, 3);
    if (rc == 0) {
        rc = posix_spawnp(out_pid, path, &actions, &attributes, args, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (rc != 0) {
        return mr_fail(err, -rc, "start %s: %s", path, strerror(rc));
    }
    return 0;
}

int
mr_sandboxd_spawn(const char *path, const struct mr_sandboxd_options *options, pid_t *out_pid,
                  struct mr_error *err)
{
    static const struct mr_sandboxd_options usual;
    char found[PATH_MAX], require[32], hide[32], program[sizeof(name)];
    char socket_flag[] = "--socket=3", off_flag[] = "--off", quiet_flag[] = "--quiet";
    char *args[8] = { program, socket_flag };
    size_t count = 2;
    int pair[2];
    pid_t pid;

    options = options != NULL ? options : &usual;
    memcpy(program, name, sizeof(name));
    if (path == NULL) {
        find_daemon(found, sizeof(found));
        path = found;
    }
    if (options->require > 0) {
        snprintf(require, sizeof(require), "--require=L%d", options->require);
        args[count++] = require;
    }
    if (options->off) {
        args[count++] = off_flag;
    }
    if (options->quiet) {
        args[count++] = quiet_flag;
    }
    if (options->hide != 0) {
        snprintf(hide, sizeof(hide), "--hide=%u", options->hide);
        args[count++] = hide;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return mr_fail(err, -errno, "socket pair for sandboxd: %s", strerror(errno));
    }
    /* dup2 onto itself would keep close-on-exec: move ours off number 3 first. */
    int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 10);
    close(pair[1]);
    int rc = theirs < 0 ? mr_fail(err, -errno, "duplicate a socket: %s", strerror(errno))
                        : start(path, args, theirs, &pid, err);
    if (theirs >= 0) {
        close(theirs);
    }
    if (rc < 0) {
        close(pair[0]);
        return rc;
    }
    if (out_pid != NULL) {
        *out_pid = pid;
    }
    return pair[0];
}
