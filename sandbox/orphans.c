#include "sandbox/orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_LISTED = 4096 };

static size_t
kill_listed(const char *list, mr_orphans_keep_fn *keep, void *context, pid_t *out_killed)
{
    size_t count = 0;
    char *end;

    for (pid_t child; (child = (pid_t)strtol(list, &end, 10)) > 0; list = end) {
        bool is_cut = *end == 0; /* by the end of the buffer */
        if (!is_cut && count < MAX_LISTED && (keep == NULL || !keep(context, child))) {
            kill(child, SIGKILL);
            out_killed[count++] = child;
        }
    }
    return count;
}

void
mr_orphans_end(mr_orphans_keep_fn *keep, void *context)
{
    static pid_t killed[MAX_LISTED]; /* a fork bomb has as many as it was let */
    static char list[MAX_LISTED * 8];
    char path[64];
    size_t count = 1;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    while (count > 0) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = fd < 0 ? 0 : read(fd, list, sizeof(list) - 1);
        if (fd >= 0) {
            close(fd);
        }
        list[size > 0 ? size : 0] = 0;
        count = kill_listed(list, keep, context, killed);
        for (size_t i = 0; i < count; i++) { /* the end of one may give us others */
            while (waitpid(killed[i], NULL, 0) < 0 && errno == EINTR) {
            }
        }
    }
}
