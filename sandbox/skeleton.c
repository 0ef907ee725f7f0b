#include "sandbox/skeleton.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "sandbox/compat.h"
#include "sandbox/mounts.h"
#include "sandbox/remove_tree.h"

static const char run_prefix[] = "millrace-sandboxd-";

enum { QUIET = MR_ATTR_RDONLY | MR_ATTR_NOSUID | MR_ATTR_NODEV };

static const struct {
    const char *path;
    const char *text;
} etc_files[] = {
    { "etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\n"
                    "sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n"
                    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n" },
    { "etc/group", "root:x:0:\nsbx_group:x:990:\nnogroup:x:65534:\n" },
    { "etc/hosts", "127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n" },
    { "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n"
                           "protocols: files\n" },
    { "etc/host.conf", "multi on\n" },
    { "etc/hostname", "sandbox.localdomain\n" },
    { "etc/resolv.conf", "# network none: there is nobody to ask\n" },
};

/* Files of the host's /etc that say nothing about the host. */
static const char *const etc_copies[] = { "ld.so.cache",     "services",   "protocols",
                                          "mime.types",      "os-release", "debian_version",
                                          "ssl/openssl.cnf", "gai.conf" };

/* Directories of /etc a program needs as they are. */
static const char *const etc_binds[] = { "etc/alternatives",    "etc/ssl/certs",  "etc/pki",
                                         "etc/ca-certificates", "etc/python3.11", "etc/perl",
                                         "etc/java-17-openjdk" };

static const char *const dirs[] = { "usr",      "etc",         "etc/ssl",  "var",
                                    "var/task", "var/runtime", "var/lang", "opt",
                                    "tmp",      "proc",        "dev",      "dev/empty" };

static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };

static const char *const proc_hidden[] = {
    "kcore",       "keys",        "key-users",     "kallsyms",   "kmsg",
    "timer_list",  "sched_debug", "acpi",          "scsi",       "driver",
    "slabinfo",    "config.gz",   "latency_stats", "kpagecount", "kpageflags",
    "kpagecgroup", "modules",     "cmdline",       "interrupts", "vmallocinfo",
};
static const char *const proc_read_only[] = {
    "sys", "sysrq-trigger", "irq", "bus", "fs", "tty"
};

/* --- the run directory --- */

static void
remove_dead_dirs(const char *base)
{
    DIR *dir = opendir(base);

    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strncmp(entry->d_name, run_prefix, sizeof(run_prefix) - 1) != 0) {
            continue;
        }
        /* In a container that starts again, a daemon's number may be that of the last one. */
        pid_t pid = atoi(entry->d_name + sizeof(run_prefix) - 1);
        if (pid == getpid() || (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH)) {
            mr_remove_tree(dirfd(dir), entry->d_name);
        }
    }
    closedir(dir);
}

int
mr_run_dir_make(char *out_path, size_t capacity, struct mr_error *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    const char *base = geteuid() == 0 && access("/run", W_OK) == 0 ? "/run"
                       : runtime != NULL && access(runtime, W_OK) == 0 && strlen(runtime) < 60
                           ? runtime
                           : "/tmp";

    remove_dead_dirs(base);
    snprintf(out_path, capacity, "%s/%s%d", base, run_prefix, (int)getpid());
    if (mkdir(out_path, 0755) < 0) {
        return mr_fail(err, -errno, "make the run directory %s: %s", out_path, strerror(errno));
    }
    return 0;
}

/* --- the tree --- */

static int
make_file(int root, const char *path, const char *text, size_t size, struct mr_error *err)
{
    mr_auto_fd int fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, text, size) != (ssize_t)size) {
        return mr_fail(err, -errno, "write %s of the sandbox: %s", path, strerror(errno));
    }
    return 0;
}

static int
make_dir(int root, const char *path, struct mr_error *err)
{
    if (mkdirat(root, path, 0755) < 0 && errno != EEXIST) {
        return mr_fail(err, -errno, "make /%s of the sandbox: %s", path, strerror(errno));
    }
    return 0;
}

static int
bind_into(int root, const char *host_path, const char *path, unsigned attributes,
          struct mr_error *err)
{
    mr_auto_fd int tree = mr_mount_copy(host_path, attributes, err);

    if (tree < 0) {
        return tree;
    }
    int rc = mr_mount_place(tree, root, path);
    if (rc < 0) {
        return mr_fail(err, rc, "show %s at /%s of the sandbox: %s", host_path, path,
                       strerror(-rc));
    }
    return 0;
}

static int
copy_file(int root, const char *name, struct mr_error *err)
{
    char host_path[128], path[128], bytes[256 * 1024];

    snprintf(host_path, sizeof(host_path), "/etc/%s", name);
    mr_auto_fd int fd = open(host_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0; /* what the host does not have, the sandbox does not need */
    }
    ssize_t size = read(fd, bytes, sizeof(bytes));
    if (size < 0 || size == (ssize_t)sizeof(bytes)) {
        return 0; /* a cache too large to copy is only a cache */
    }
    snprintf(path, sizeof(path), "etc/%s", name);
    return make_file(root, path, bytes, (size_t)size, err);
}

static int
fill_etc(int root, struct mr_error *err)
{
    for (size_t i = 0; i < sizeof(etc_files) / sizeof(etc_files[0]); i++) {
        if (make_file(root, etc_files[i].path, etc_files[i].text, strlen(etc_files[i].text),
                      err) < 0) {
            return err->code;
        }
    }
    for (size_t i = 0; i < sizeof(etc_copies) / sizeof(etc_copies[0]); i++) {
        if (copy_file(root, etc_copies[i], err) < 0) {
            return err->code;
        }
    }
    for (size_t i = 0; i < sizeof(etc_binds) / sizeof(etc_binds[0]); i++) {
        char host_path[64];
        struct stat stat;
        snprintf(host_path, sizeof(host_path), "/%s", etc_binds[i]);
        if (lstat(host_path, &stat) == 0 && S_ISDIR(stat.st_mode) &&
            (make_dir(root, etc_binds[i], err) < 0 ||
             bind_into(root, host_path, etc_binds[i], QUIET, err) < 0)) {
            return err->code;
        }
    }
    return 0;
}

static int
fill_dev(int root, struct mr_error *err)
{
    static const struct {
        const char *target, *path;
    } links[] = { { "/proc/self/fd", "dev/fd" },
                  { "/proc/self/fd/0", "dev/stdin" },
                  { "/proc/self/fd/1", "dev/stdout" },
                  { "/proc/self/fd/2", "dev/stderr" } };

    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        char host_path[32], path[32];
        snprintf(host_path, sizeof(host_path), "/dev/%s", devices[i]);
        snprintf(path, sizeof(path), "dev/%s", devices[i]);
        /* Not read-only: a read-only mount takes writes to a device too, but O_CREAT fails. */
        if (make_file(root, path, "", 0, err) < 0 ||
            bind_into(root, host_path, path, MR_ATTR_NOSUID | MR_ATTR_NOEXEC, err) < 0) {
            return err->code;
        }
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (symlinkat(links[i].target, root, links[i].path) < 0) {
            return mr_fail(err, -errno, "link /%s of the sandbox: %s", links[i].path,
                           strerror(errno));
        }
    }
    return 0;
}

/* /bin, /lib and their like: links on a merged-usr host, directories on others. */
static int
fill_system_dirs(int root, struct mr_error *err)
{
    static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

    if (bind_into(root, "/usr", "usr", QUIET, err) < 0) {
        return err->code;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char host_path[16], target[128];
        snprintf(host_path, sizeof(host_path), "/%s", names[i]);
        ssize_t length = readlink(host_path, target, sizeof(target) - 1);
        if (length > 0) {
            target[length] = 0;
            if (symlinkat(target, root, names[i]) < 0) {
                return mr_fail(err, -errno, "link /%s of the sandbox: %s", names[i],
                               strerror(errno));
            }
        } else if (errno == EINVAL && (make_dir(root, names[i], err) < 0 ||
                                       bind_into(root, host_path, names[i], QUIET, err) < 0)) {
            return err->code;
        }
    }
    return 0;
}

/* On Lambda /bin/sh is bash, and bootstraps rely on it. */
static int
make_sh_bash(int root, struct mr_error *err)
{
    char shell[PATH_MAX], bash[PATH_MAX];

    if (realpath("/bin/sh", shell) == NULL || realpath("/bin/bash", bash) == NULL ||
        strcmp(shell, bash) == 0) {
        return 0;
    }
    return bind_into(root, bash, shell + 1, QUIET, err);
}

static int
fill(int root, struct mr_error *err)
{
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        if (make_dir(root, dirs[i], err) < 0) {
            return err->code;
        }
    }
    if (fill_system_dirs(root, err) < 0 || make_sh_bash(root, err) < 0 ||
        fill_etc(root, err) < 0) {
        return err->code;
    }
    return fill_dev(root, err);
}

static void
choose_masks(struct mr_skeleton *skeleton)
{
    size_t hidden = 0, read_only = 0;
    char path[64];

    for (size_t i = 0; i < sizeof(proc_hidden) / sizeof(proc_hidden[0]); i++) {
        struct stat stat;
        snprintf(path, sizeof(path), "/proc/%s", proc_hidden[i]);
        /* What only root may read needs no mask: a sandbox has no root, and a mount has a
         * price. */
        if (lstat(path, &stat) == 0 && (stat.st_mode & S_IROTH) != 0) {
            skeleton->hidden[hidden++] = proc_hidden[i];
        }
    }
    for (size_t i = 0; i < sizeof(proc_read_only) / sizeof(proc_read_only[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%s", proc_read_only[i]);
        if (access(path, F_OK) == 0) {
            skeleton->read_only[read_only++] = proc_read_only[i];
        }
    }
}

/* A tmpfs at `path`; returns a descriptor of its root. */
static int
mount_tmpfs(const char *path, const char *size, struct mr_error *err)
{
    const struct mr_mount_option options[] = {
        { "size", size }, { "nr_inodes", "8192" }, { "mode", "0755" }, { NULL, NULL }
    };
    mr_auto_fd int mount = mr_mount_new("tmpfs", options, MR_ATTR_NOSUID | MR_ATTR_NODEV, err);

    if (mount < 0) {
        return mount;
    }
    int rc = mr_mount_place(mount, AT_FDCWD, path);
    if (rc < 0) {
        return mr_fail(err, rc, "mount a tmpfs at %s: %s", path, strerror(-rc));
    }
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? mr_fail(err, -errno, "open %s: %s", path, strerror(errno)) : fd;
}

static int
build_tree(struct mr_skeleton *skeleton, struct mr_error *err)
{
    mr_auto_fd int run = mount_tmpfs(skeleton->run_dir, "1m", err);

    if (run < 0 || make_dir(run, "root", err) < 0 || make_dir(run, "place", err) < 0) {
        return err->code;
    }
    mr_auto_fd int root = mount_tmpfs(skeleton->root, "4m", err);
    if (root < 0 || fill(root, err) < 0) {
        return err->code;
    }
    struct mr_mount_attr attr = { .attr_set = MR_ATTR_RDONLY | MR_ATTR_NOSUID };
    if (mr_sys_mount_setattr(AT_FDCWD, skeleton->root, 0, &attr) < 0) {
        return mr_fail(err, -errno, "make the sandbox's root read-only: %s", strerror(errno));
    }
    return 0;
}

int
mr_skeleton_build(struct mr_skeleton *out_skeleton, struct mr_error *err)
{
    struct mr_skeleton skeleton = { 0 };

    if (mount("", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
        return mr_fail(err, -errno, "detach from the host's mounts: %s", strerror(errno));
    }
    mode_t before = umask(022);
    if (mr_run_dir_make(skeleton.run_dir, sizeof(skeleton.run_dir), err) < 0) {
        return err->code;
    }
    snprintf(skeleton.root, sizeof(skeleton.root), "%s/root", skeleton.run_dir);
    snprintf(skeleton.place, sizeof(skeleton.place), "%s/place", skeleton.run_dir);
    skeleton.resolv_conf = access("/etc/resolv.conf", R_OK) == 0;
    choose_masks(&skeleton);
    int rc = build_tree(&skeleton, err);
    umask(before);
    if (rc < 0) {
        mr_skeleton_remove(&skeleton);
        return rc;
    }
    *out_skeleton = skeleton;
    return 0;
}

int
mr_skeleton_copy(const struct mr_skeleton *skeleton, struct mr_error *err)
{
    return mr_mount_copy(skeleton->root, 0, err);
}

void
mr_skeleton_remove(struct mr_skeleton *skeleton)
{
    (void)umount2(skeleton->root, MNT_DETACH);
    (void)umount2(skeleton->run_dir, MNT_DETACH);
    (void)rmdir(skeleton->run_dir);
}

/* --- a /tmp for each environment --- */

static void
tmp_path(const struct mr_skeleton *skeleton, unsigned slot, char out_path[static 192])
{
    snprintf(out_path, 192, "%s/tmp-%u", skeleton->run_dir, slot);
}

int
mr_skeleton_tmp_make(const struct mr_skeleton *skeleton, unsigned slot, uint32_t size_mb,
                     uint32_t uid, uint32_t gid, struct mr_error *err)
{
    char path[192], size[16], inodes[16], owner[16], group[16];

    tmp_path(skeleton, slot, path);
    snprintf(size, sizeof(size), "%um", size_mb);
    snprintf(inodes, sizeof(inodes), "%u", size_mb * 64 < 16384 ? 16384 : size_mb * 64);
    snprintf(owner, sizeof(owner), "%u", uid);
    snprintf(group, sizeof(group), "%u", gid);
    const struct mr_mount_option options[] = { { "size", size },   { "nr_inodes", inodes },
                                               { "mode", "1777" }, { "uid", owner },
                                               { "gid", group },   { NULL, NULL } };
    if (mkdir(path, 0755) < 0) {
        return mr_fail(err, -errno, "make %s: %s", path, strerror(errno));
    }
    mr_auto_fd int mount = mr_mount_new("tmpfs", options, MR_ATTR_NOSUID | MR_ATTR_NODEV, err);
    int rc = mount < 0 ? mount : mr_mount_place(mount, AT_FDCWD, path);
    if (rc < 0) {
        (void)rmdir(path);
        return mount < 0 ? rc : mr_fail(err, rc, "mount %s: %s", path, strerror(-rc));
    }
    return 0;
}

int
mr_skeleton_tmp_copy(const struct mr_skeleton *skeleton, unsigned slot, struct mr_error *err)
{
    char path[192];

    tmp_path(skeleton, slot, path);
    return mr_mount_copy(path, 0, err);
}

void
mr_skeleton_tmp_remove(const struct mr_skeleton *skeleton, unsigned slot)
{
    char path[192];

    tmp_path(skeleton, slot, path);
    (void)umount2(path, MNT_DETACH);
    (void)rmdir(path);
}
