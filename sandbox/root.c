#include "sandbox/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "sandbox/compat.h"
#include "sandbox/mounts.h"

static int
place_own_root(const struct mr_init_plan *plan)
{
    int rc = mr_mount_place(plan->root_fd, AT_FDCWD, plan->skeleton->place);

    if (rc < 0) {
        return rc;
    }
    return chdir(plan->skeleton->place) < 0 ? -errno : 0;
}

static int
place(int mount_fd, const char *path)
{
    return mount_fd < 0 ? 0 : mr_mount_place(mount_fd, AT_FDCWD, path);
}

static int
mount_proc(const struct mr_init_plan *plan)
{
    if (!plan->hide_pids) {
        return mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
    }
    int rc = mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2");
    return rc < 0 ? -errno : 0;
}

/* A device that is always empty for a file, a directory that is for a directory. */
static int
hide(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "proc/%s", name);
    if (mount("dev/null", path, NULL, MS_BIND, NULL) == 0) {
        return 0;
    }
    if (errno == ENOTDIR && mount("dev/empty", path, NULL, MS_BIND, NULL) == 0) {
        return 0;
    }
    return errno == ENOENT ? 0 : -errno;
}

static int
make_read_only(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "proc/%s", name);
    int fd = mr_sys_open_tree(AT_FDCWD, path, MR_OPEN_TREE_CLONE | MR_OPEN_TREE_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    struct mr_mount_attr attr = { .attr_set = MR_ATTR_RDONLY };
    int rc = mr_sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attr) < 0
                 ? -errno
                 : mr_mount_place(fd, AT_FDCWD, path);
    close(fd);
    return rc;
}

static int
mask_proc(const struct mr_init_plan *plan)
{
    for (size_t i = 0; i < MR_SKELETON_MAX_MASKS; i++) {
        int rc = plan->skeleton->hidden[i] == NULL ? 0 : hide(plan->skeleton->hidden[i]);
        if (rc == 0 && plan->skeleton->read_only[i] != NULL) {
            rc = make_read_only(plan->skeleton->read_only[i]);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int
pivot(void)
{
    if (mr_sys_pivot_root(".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) {
        return -errno;
    }
    return 0;
}

int
mr_root_enter(const struct mr_init_plan *plan, enum mr_init_step *out_step)
{
    int rc;

    *out_step = MR_STEP_PRIVATE_MOUNTS;
    if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return -errno;
    }
    *out_step = MR_STEP_ROOT;
    rc = place_own_root(plan);
    const struct {
        enum mr_init_step step;
        int fd;
        const char *path;
    } places[] = {
        { MR_STEP_CODE, plan->code_fd, "var/task" },
        { MR_STEP_RUNTIME, plan->runtime_fd, "var/runtime" },
        { MR_STEP_LAYERS, plan->opt_fd, "opt" },
        { MR_STEP_TMP, plan->tmp_fd, "tmp" },
        { MR_STEP_ROOT, plan->resolv_fd, "etc/resolv.conf" },
    };
    for (size_t i = 0; rc == 0 && i < sizeof(places) / sizeof(places[0]); i++) {
        *out_step = places[i].step;
        rc = place(places[i].fd, places[i].path);
    }
    if (rc == 0) {
        *out_step = MR_STEP_PROC;
        rc = mount_proc(plan);
    }
    if (rc == 0) {
        *out_step = MR_STEP_MASKS;
        rc = mask_proc(plan);
    }
    if (rc == 0) {
        *out_step = MR_STEP_PIVOT;
        rc = pivot();
    }
    return rc;
}
