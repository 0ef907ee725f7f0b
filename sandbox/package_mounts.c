#include "sandbox/package_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/limits.h"
#include "sandbox/compat.h"
#include "sandbox/mounts.h"

enum {
    ATTRIBUTES = MR_ATTR_RDONLY | MR_ATTR_NOSUID | MR_ATTR_NODEV,
    MAX_LOWER = MR_SANDBOX_MAX_LAYERS + 1,
    MOUNT_OPTION_BYTES = 256, /* what fsconfig takes */
    OTHERS_LOOK_AND_ENTER = S_IROTH | S_IXOTH,
};

static int
look_at(const char *path, const char *what, struct stat *out_stat, struct mr_error *err)
{
    if (lstat(path, out_stat) < 0) {
        return mr_fail(err, -errno, "%s %s: %s", what, path, strerror(errno));
    }
    if (!S_ISDIR(out_stat->st_mode)) {
        return mr_fail(err, -ENOTDIR, "%s %s is not a directory", what, path);
    }
    return 0;
}

int
mr_package_check(const char *path, const char *what, struct mr_error *err)
{
    struct stat stat;

    return look_at(path, what, &stat, err);
}

int
mr_package_mount_dir(const char *path, const char *what, struct mr_error *err)
{
    int rc = mr_package_check(path, what, err);

    if (rc < 0) {
        return rc;
    }
    int fd = mr_mount_copy(path, ATTRIBUTES, err);
    return fd < 0 ? mr_wrap(err, "%s", what) : fd;
}

/*
 * Directories one over the other, the first on top. They are named by
 * descriptor: an option has 256 bytes, and a ':' in a path would mean something.
 */
static int
mount_overlay(const char *const *paths, size_t count, struct mr_error *err)
{
    char lower[MOUNT_OPTION_BYTES] = "";
    int fds[MAX_LOWER], rc = 0;
    size_t opened = 0, used = 0;

    mr_assert(count <= MAX_LOWER);
    for (; opened < count && rc == 0; opened++) {
        fds[opened] = open(paths[opened], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fds[opened] < 0) {
            rc = mr_fail(err, -errno, "open %s: %s", paths[opened], strerror(errno));
            break;
        }
        used += (size_t)snprintf(lower + used, sizeof(lower) - used, "%s/proc/self/fd/%d",
                                 used > 0 ? ":" : "", fds[opened]);
    }
    const struct mr_mount_option options[] = { { "lowerdir", lower }, { NULL, NULL } };
    if (rc == 0) {
        rc = mr_mount_new("overlay", options, ATTRIBUTES, err);
    }
    while (opened-- > 0) {
        close(fds[opened]);
    }
    return rc;
}

int
mr_package_mount_code(const struct mr_host *host, const char *path, struct mr_error *err)
{
    static const char what[] = "code directory";
    char open_dir[sizeof(host->skeleton.root) + 16];
    const char *const paths[] = { open_dir, path };
    struct stat stat;
    int rc = look_at(path, what, &stat, err);

    if (rc < 0) {
        return rc;
    }
    if (!host->root || (stat.st_mode & OTHERS_LOOK_AND_ENTER) == OTHERS_LOOK_AND_ENTER) {
        return mr_package_mount_dir(path, what, err);
    }
    snprintf(open_dir, sizeof(open_dir), "%s/var/task", host->skeleton.root);
    int fd = mount_overlay(paths, 2, err);
    return fd < 0 ? mr_wrap(err, "code directory %s is closed to others (chmod o+rx)", path)
                  : fd;
}

int
mr_package_mount_layers(const char *const *paths, size_t count, struct mr_error *err)
{
    const char *upside_down[MAX_LOWER];

    if (count == 1) {
        return mr_package_mount_dir(paths[0], "layer", err);
    }
    for (size_t i = 0; i < count; i++) {
        int rc = mr_package_check(paths[i], "layer", err);
        if (rc < 0) {
            return rc;
        }
        upside_down[count - 1 - i] = paths[i];
    }
    int fd = mount_overlay(upside_down, count, err);
    return fd < 0 ? mr_wrap(err, "merge layers into /opt") : fd;
}
