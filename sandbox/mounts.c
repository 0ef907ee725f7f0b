#include "sandbox/mounts.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "sandbox/compat.h"

int
mr_mount_copy(const char *path, unsigned attributes, struct mr_error *err)
{
    int fd = mr_sys_open_tree(AT_FDCWD, path,
                              MR_OPEN_TREE_CLONE | MR_OPEN_TREE_CLOEXEC | MR_AT_RECURSIVE);
    if (fd < 0) {
        return mr_fail(err, -errno, "copy the mount %s: %s", path, strerror(errno));
    }
    struct mr_mount_attr attr = { .attr_set = attributes };
    if (mr_sys_mount_setattr(fd, "", AT_EMPTY_PATH | MR_AT_RECURSIVE, &attr) < 0) {
        int code = mr_fail(err, -errno, "make %s read-only: %s", path, strerror(errno));
        close(fd);
        return code;
    }
    return fd;
}

int
mr_mount_new(const char *type, const struct mr_mount_option *options, unsigned attributes,
             struct mr_error *err)
{
    mr_auto_fd int context = mr_sys_fsopen(type, MR_FSOPEN_CLOEXEC);
    if (context < 0) {
        return mr_fail(err, -errno, "new %s: %s", type, strerror(errno));
    }
    for (const struct mr_mount_option *o = options; o->key != NULL; o++) {
        unsigned command = o->value == NULL ? MR_FSCONFIG_FLAG : MR_FSCONFIG_STRING;
        if (mr_sys_fsconfig(context, command, o->key, o->value, 0) < 0) {
            return mr_fail(err, -errno, "%s option %s=%s: %s", type, o->key,
                           o->value == NULL ? "" : o->value, strerror(errno));
        }
    }
    if (mr_sys_fsconfig(context, MR_FSCONFIG_CREATE, NULL, NULL, 0) < 0) {
        return mr_fail(err, -errno, "create %s: %s", type, strerror(errno));
    }
    int fd = mr_sys_fsmount(context, MR_FSMOUNT_CLOEXEC, attributes);
    if (fd < 0) {
        return mr_fail(err, -errno, "mount %s: %s", type, strerror(errno));
    }
    return fd;
}

int
mr_mount_place(int mount_fd, int dir_fd, const char *path)
{
    return mr_sys_move_mount(mount_fd, "", dir_fd, path, MR_MOVE_EMPTY_PATH) < 0 ? -errno : 0;
}
