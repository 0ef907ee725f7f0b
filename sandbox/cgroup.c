#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sandbox/cgroup_inside.h"

static const char base_prefix[] = "millrace-sandboxd-";

struct mr_cgroup {
    struct mr_cgroups *groups;
    char name[24];
    int fds[MR_CGROUP_MAX_PARTS]; /* the directory in each part */
    int oom_fd;
    bool frozen;
    struct mr_sandbox_usage before; /* used by earlier runs */
};

static const struct {
    const char *name;
    unsigned bit;
} controllers[] = { { "memory", MR_CGROUP_MEMORY },
                    { "cpu", MR_CGROUP_CPU },
                    { "cpuacct", MR_CGROUP_CPUACCT },
                    { "pids", MR_CGROUP_PIDS },
                    { "freezer", MR_CGROUP_FREEZER } };

/* --- where we are --- */

static unsigned
parse_controllers(char *list, const char *separator)
{
    unsigned bits = 0;
    char *rest = NULL;

    for (char *word = strtok_r(list, separator, &rest); word != NULL;
         word = strtok_r(NULL, separator, &rest)) {
        for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
            bits |= strcmp(word, controllers[i].name) == 0 ? controllers[i].bit : 0;
        }
    }
    return bits;
}

/* A line of mountinfo: its root, its mount point, its type and its super options. */
static bool
parse_mount(char *line, char **out_root, char **out_point, char **out_type, char **out_options)
{
    char *rest = NULL, *fields[5];

    for (size_t i = 0; i < 5; i++) {
        fields[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        if (fields[i] == NULL) {
            return false;
        }
    }
    char *dash = rest == NULL ? NULL : strstr(rest, " - ");
    *out_root = fields[3];
    *out_point = fields[4];
    if (dash == NULL) {
        return false;
    }
    *out_type = strtok_r(dash + 3, " \n", &rest);
    (void)strtok_r(NULL, " \n", &rest);
    *out_options = strtok_r(NULL, " \n", &rest);
    return *out_type != NULL && *out_options != NULL;
}

static bool
is_cgroup2(const char *path)
{
    struct statfs stat;

    return statfs(path, &stat) == 0 && stat.f_type == CGROUP2_SUPER_MAGIC;
}

static void
find_mounts(struct mr_cgroups *groups)
{
    char line[1024], *root, *point, *type, *options;
    FILE *file = fopen("/proc/self/mountinfo", "re");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL &&
           groups->part_count < MR_CGROUP_MAX_PARTS) {
        if (!parse_mount(line, &root, &point, &type, &options)) {
            continue;
        }
        struct mr_cgroup_part part = { .v2 = strcmp(type, "cgroup2") == 0, .base_fd = -1 };
        if (!part.v2 && strcmp(type, "cgroup") == 0) {
            part.controllers = parse_controllers(options, ",");
        }
        if ((part.v2 && is_cgroup2(point)) || part.controllers != 0) {
            snprintf(part.mount, sizeof(part.mount), "%s", point);
            snprintf(part.own, sizeof(part.own), "%s", strcmp(root, "/") == 0 ? "" : root);
            groups->parts[groups->part_count++] = part;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* The path is of the whole hierarchy; what is mounted may be a part of it (its root). */
static void
set_own(struct mr_cgroup_part *part, const char *path)
{
    char root[sizeof(part->own)];

    memcpy(root, part->own, sizeof(root));
    size_t length = strlen(root);
    if (strncmp(path, root, length) == 0) {
        path += length;
    }
    snprintf(part->own, sizeof(part->own), "%s", strcmp(path, "/") == 0 ? "" : path);
}

static void
find_own_groups(struct mr_cgroups *groups)
{
    char line[1024];
    FILE *file = fopen("/proc/self/cgroup", "re");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        char *names = strchr(line, ':');
        char *path = names == NULL ? NULL : strchr(names + 1, ':');
        if (path == NULL) {
            continue;
        }
        *path++ = 0;
        bool v2 = strcmp(names, ":") == 0;
        unsigned bits = parse_controllers(names + 1, ",");
        for (size_t i = 0; i < groups->part_count; i++) {
            struct mr_cgroup_part *part = &groups->parts[i];
            if (v2 ? part->v2 : !part->v2 && (part->controllers & bits) != 0) {
                set_own(part, path);
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* --- leftovers --- */

static void
kill_listed(int dir_fd)
{
    char text[8192];
    mr_auto_fd int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    text[size > 0 ? size : 0] = 0;
    for (char *at = text; *at != 0; at += *at == '\n') {
        pid_t pid = (pid_t)strtol(at, &at, 10);
        if (pid > 0 && pid != getpid()) {
            kill(pid, SIGKILL);
        }
        if (*at != '\n' && *at != 0) {
            break;
        }
    }
}

/* Removes every group below, killing what is there; then it can be removed itself. */
static void
empty_group(int dir_fd)
{
    int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);

    for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.') {
            continue;
        }
        mr_auto_fd int child = openat(dir_fd, e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (child >= 0) {
            empty_group(child);
            (void)mr_cgroup_write(child, "cgroup.kill", "1");
            kill_listed(child);
            (void)mr_cgroup_rmdir(dir_fd, e->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static void
collect_dead(int own_fd)
{
    int copy = openat(own_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);

    for (struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        if (strncmp(e->d_name, base_prefix, sizeof(base_prefix) - 1) != 0) {
            continue;
        }
        pid_t pid = atoi(e->d_name + sizeof(base_prefix) - 1);
        mr_auto_fd int base = openat(own_fd, e->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool dead = pid == getpid() || (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH);
        if (base >= 0 && dead) {
            empty_group(base);
            (void)mr_cgroup_rmdir(own_fd, e->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* --- our base in each hierarchy --- */

static const char v2_controllers[] = "+memory +cpu +pids";

/* v2 gives controllers to children only of a group without processes: ours move to a leaf. */
static int
give_controllers(int own_fd)
{
    int rc = mr_cgroup_write(own_fd, "cgroup.subtree_control", v2_controllers);

    if (rc != -EBUSY) {
        return rc;
    }
    if (mkdirat(own_fd, "supervisor", 0755) < 0 && errno != EEXIST) {
        return -errno;
    }
    char text[8192];
    mr_auto_fd int fd = openat(own_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    char *rest = NULL;
    text[size > 0 ? size : 0] = 0;
    for (char *pid = strtok_r(text, "\n", &rest); pid != NULL;
         pid = strtok_r(NULL, "\n", &rest)) {
        (void)mr_cgroup_write(own_fd, "supervisor/cgroup.procs", pid);
    }
    return mr_cgroup_write(own_fd, "cgroup.subtree_control", v2_controllers);
}

static int
open_base(struct mr_cgroups *groups, struct mr_cgroup_part *part, bool limits_here,
          struct mr_error *err)
{
    char path[600], text[256] = "";

    snprintf(path, sizeof(path), "%s%s", part->mount, part->own);
    mr_auto_fd int own = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) {
        return mr_fail(err, -errno, "open our cgroup %s: %s", path, strerror(errno));
    }
    collect_dead(own);
    if (part->v2 && limits_here) {
        int rc = give_controllers(own);
        if (rc < 0) {
            return mr_fail(err, rc, "%s cannot be given memory, cpu and pids: %s", path,
                           strerror(-rc));
        }
    }
    if (mkdirat(own, groups->base_name, 0755) < 0 && errno != EEXIST) {
        return mr_fail(err, -errno, "make a cgroup in %s: %s", path, strerror(errno));
    }
    part->base_fd = openat(own, groups->base_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (part->base_fd < 0) {
        return mr_fail(err, -errno, "open a cgroup in %s: %s", path, strerror(errno));
    }
    if (part->v2 && limits_here) {
        mr_auto_fd int fd = openat(own, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
        ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        text[size > 0 ? size : 0] = 0;
        part->controllers = parse_controllers(text, " \n") &
                            (MR_CGROUP_MEMORY | MR_CGROUP_CPU | MR_CGROUP_PIDS);
        int rc = mr_cgroup_write(part->base_fd, "cgroup.subtree_control", v2_controllers);
        if (rc < 0) {
            return mr_fail(err, rc, "%s/%s cannot hand on controllers: %s", path,
                           groups->base_name, strerror(-rc));
        }
    }
    return 0;
}

static unsigned
all_controllers(const struct mr_cgroups *groups)
{
    unsigned bits = 0;

    for (size_t i = 0; i < groups->part_count; i++) {
        bits |= groups->parts[i].controllers;
    }
    return bits;
}

/* v1 controllers we have no use for, and the freezer where v2 has a better one. */
static void
drop_unused(struct mr_cgroups *groups)
{
    bool has_v2 = false;
    size_t kept = 0;

    for (size_t i = 0; i < groups->part_count; i++) {
        has_v2 = has_v2 || groups->parts[i].v2;
    }
    for (size_t i = 0; i < groups->part_count; i++) {
        struct mr_cgroup_part *part = &groups->parts[i];
        if (has_v2) {
            part->controllers &= ~(unsigned)MR_CGROUP_FREEZER;
        }
        if (part->v2 || part->controllers != 0) {
            groups->parts[kept++] = *part;
        }
    }
    groups->part_count = kept;
}

static int
open_parts(struct mr_cgroups *groups, struct mr_error *err)
{
    find_mounts(groups);
    find_own_groups(groups);
    drop_unused(groups);
    bool v1 = (all_controllers(groups) & MR_CGROUP_MEMORY) != 0;
    for (size_t i = 0; i < groups->part_count; i++) {
        int rc = open_base(groups, &groups->parts[i], !v1, err);
        if (rc < 0) {
            return rc;
        }
    }
    const unsigned needed = MR_CGROUP_MEMORY | MR_CGROUP_CPU | MR_CGROUP_PIDS;
    if ((all_controllers(groups) & needed) != needed) {
        return mr_fail(err, -ENOENT, "no hierarchy gives memory, cpu and pids together");
    }
    return 0;
}

/* --- which backend --- */

static int
try_backend(struct mr_cgroups *groups, const struct mr_cgroup_backend *backend,
            struct mr_error *err)
{
    const struct mr_cgroup_limits limits = { .memory_bytes = 64 << 20,
                                             .cpu_permille = 1000,
                                             .max_pids = 16 };

    groups->backend = backend;
    int rc = backend->make(groups, "probe", &limits, err);
    backend->remove(groups, "probe");
    return rc;
}

static const char *
name_of(const struct mr_cgroups *groups)
{
    bool v1 = false, v2 = false;

    for (size_t i = 0; i < groups->part_count; i++) {
        v1 = v1 || !groups->parts[i].v2;
        v2 = v2 || groups->parts[i].v2;
    }
    return v1 && v2 ? "hybrid" : v1 ? "v1" : "v2";
}

struct mr_cgroups *
mr_cgroups_open(struct mr_error *err)
{
    mr_auto(mr_cgroups_close) struct mr_cgroups *groups = mr_alloc_zero(1, sizeof(*groups));
    struct mr_error why;

    snprintf(groups->base_name, sizeof(groups->base_name), "%s%d", base_prefix, (int)getpid());
    if (open_parts(groups, err) < 0) {
        return NULL;
    }
    /* libcgroup rewrites every ancestor, which an ordinary user's delegation does not allow. */
    bool library = geteuid() == 0 && try_backend(groups, &mr_cgroup_library, &why) == 0;
    if (!library && try_backend(groups, &mr_cgroup_direct, err) < 0) {
        return NULL;
    }
    snprintf(groups->text, sizeof(groups->text), "%s (%s: memory, cpu, pids; %s)",
             name_of(groups), groups->backend->name,
             !mr_cgroups_freeze(groups)          ? "no freezer"
             : mr_cgroups_place_at_clone(groups) ? "placed at clone, kill and freeze on v2"
                                                 : "v1 freezer");
    return MR_TAKE(groups);
}

void
mr_cgroups_close(struct mr_cgroups *groups)
{
    if (groups == NULL) {
        return;
    }
    for (size_t i = 0; i < groups->part_count; i++) {
        struct mr_cgroup_part *part = &groups->parts[i];
        char path[600];
        if (part->base_fd < 0) {
            continue;
        }
        empty_group(part->base_fd);
        close(part->base_fd);
        snprintf(path, sizeof(path), "%s%s/%s", part->mount, part->own, groups->base_name);
        (void)mr_cgroup_rmdir(AT_FDCWD, path);
    }
    free(groups);
}

const char *
mr_cgroups_text(const struct mr_cgroups *groups)
{
    return groups->text;
}

static const struct mr_cgroup_part *
find_part(const struct mr_cgroups *groups, bool v2, unsigned bit, size_t *out_index)
{
    for (size_t i = 0; i < groups->part_count; i++) {
        const struct mr_cgroup_part *part = &groups->parts[i];
        if (part->v2 == v2 && (bit == 0 || (part->controllers & bit) != 0)) {
            *out_index = i;
            return part;
        }
    }
    return NULL;
}

bool
mr_cgroups_place_at_clone(const struct mr_cgroups *groups)
{
    size_t index;

    return find_part(groups, true, 0, &index) != NULL;
}

bool
mr_cgroups_freeze(const struct mr_cgroups *groups)
{
    size_t index;

    return find_part(groups, true, 0, &index) != NULL ||
           find_part(groups, false, MR_CGROUP_FREEZER, &index) != NULL;
}

/* --- one group --- */

/* v1 tells of memory through an eventfd; v2 kills the whole group by itself. */
static int
watch_oom(const struct mr_cgroup *group)
{
    char line[64];
    size_t index;

    if (find_part(group->groups, false, MR_CGROUP_MEMORY, &index) == NULL) {
        return -1;
    }
    mr_auto_fd int control =
        openat(group->fds[index], "memory.oom_control", O_RDONLY | O_CLOEXEC);
    mr_auto_fd int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    snprintf(line, sizeof(line), "%d %d", event, control);
    if (control < 0 || event < 0 ||
        mr_cgroup_write(group->fds[index], "cgroup.event_control", line) < 0) {
        return -1;
    }
    int taken = event;
    event = -1;
    return taken;
}

static int
open_group(struct mr_cgroup *group, struct mr_error *err)
{
    for (size_t i = 0; i < group->groups->part_count; i++) {
        const struct mr_cgroup_part *part = &group->groups->parts[i];
        if (part->controllers == 0 && mkdirat(part->base_fd, group->name, 0755) < 0 &&
            errno != EEXIST) {
            return mr_fail(err, -errno, "make cgroup %s: %s", group->name, strerror(errno));
        }
        group->fds[i] = openat(part->base_fd, group->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (group->fds[i] < 0) {
            return mr_fail(err, -errno, "open cgroup %s: %s", group->name, strerror(errno));
        }
    }
    return 0;
}

struct mr_cgroup *
mr_cgroup_create(struct mr_cgroups *groups, unsigned number,
                 const struct mr_cgroup_limits *limits, struct mr_error *err)
{
    struct mr_cgroup *group = mr_alloc_zero(1, sizeof(*group));

    group->groups = groups;
    group->oom_fd = -1;
    snprintf(group->name, sizeof(group->name), "env-%u", number);
    for (size_t i = 0; i < MR_CGROUP_MAX_PARTS; i++) {
        group->fds[i] = -1;
    }
    if (groups->backend->make(groups, group->name, limits, err) < 0 ||
        open_group(group, err) < 0) {
        mr_cgroup_destroy(group);
        return NULL;
    }
    group->oom_fd = watch_oom(group);
    return group;
}

void
mr_cgroup_destroy(struct mr_cgroup *group)
{
    if (group == NULL) {
        return;
    }
    mr_cgroup_kill(group);
    if (group->oom_fd >= 0) {
        close(group->oom_fd);
    }
    for (size_t i = 0; i < group->groups->part_count; i++) {
        const struct mr_cgroup_part *part = &group->groups->parts[i];
        if (group->fds[i] >= 0) {
            close(group->fds[i]);
        }
        if (part->controllers == 0) {
            (void)mr_cgroup_rmdir(part->base_fd, group->name);
        }
    }
    group->groups->backend->remove(group->groups, group->name);
    free(group);
}

int
mr_cgroup_limit(struct mr_cgroup *group, const struct mr_cgroup_limits *limits,
                struct mr_error *err)
{
    return group->groups->backend->limit(group->groups, group->name, limits, err);
}

int
mr_cgroup_clone_fd(const struct mr_cgroup *group)
{
    size_t index;

    return find_part(group->groups, true, 0, &index) == NULL ? -1 : group->fds[index];
}

int
mr_cgroup_open_places(const struct mr_cgroup *group, bool cloned_into,
                      int out_fds[MR_INIT_MAX_PLACES], struct mr_error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < group->groups->part_count && count + 1 < MR_INIT_MAX_PLACES; i++) {
        if (cloned_into && group->groups->parts[i].v2) {
            continue;
        }
        int fd = openat(group->fds[i], "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (fd < 0) {
            return mr_fail(err, -errno, "open cgroup.procs of %s: %s", group->name,
                           strerror(errno));
        }
        out_fds[count++] = fd;
    }
    out_fds[count] = -1;
    return 0;
}

/* --- what it used --- */

static void
read_v1(const struct mr_cgroup *group, struct mr_sandbox_usage *usage)
{
    size_t i;

    if (find_part(group->groups, false, MR_CGROUP_MEMORY, &i) != NULL) {
        usage->memory_bytes = mr_cgroup_number(group->fds[i], "memory.usage_in_bytes", NULL);
        usage->memory_peak_bytes =
            mr_cgroup_number(group->fds[i], "memory.max_usage_in_bytes", NULL);
        usage->oom_kills =
            (uint32_t)mr_cgroup_number(group->fds[i], "memory.oom_control", "oom_kill");
    }
    if (find_part(group->groups, false, MR_CGROUP_CPUACCT, &i) != NULL) {
        usage->cpu_us = mr_cgroup_number(group->fds[i], "cpuacct.usage", NULL) / 1000;
    }
    if (find_part(group->groups, false, MR_CGROUP_CPU, &i) != NULL) {
        usage->throttled_us =
            mr_cgroup_number(group->fds[i], "cpu.stat", "throttled_time") / 1000;
        usage->throttled_count =
            (uint32_t)mr_cgroup_number(group->fds[i], "cpu.stat", "nr_throttled");
    }
    if (find_part(group->groups, false, MR_CGROUP_PIDS, &i) != NULL) {
        usage->pid_limit_hits = (uint32_t)mr_cgroup_number(group->fds[i], "pids.events", "max");
    }
}

static void
read_v2(const struct mr_cgroup *group, struct mr_sandbox_usage *usage)
{
    size_t i;

    if (find_part(group->groups, true, MR_CGROUP_MEMORY, &i) == NULL) {
        return;
    }
    int fd = group->fds[i];
    usage->memory_bytes = mr_cgroup_number(fd, "memory.current", NULL);
    usage->memory_peak_bytes = mr_cgroup_number(fd, "memory.peak", NULL);
    usage->oom_kills = (uint32_t)mr_cgroup_number(fd, "memory.events", "oom_kill");
    usage->cpu_us = mr_cgroup_number(fd, "cpu.stat", "usage_usec");
    usage->throttled_us = mr_cgroup_number(fd, "cpu.stat", "throttled_usec");
    usage->throttled_count = (uint32_t)mr_cgroup_number(fd, "cpu.stat", "nr_throttled");
    usage->pid_limit_hits = (uint32_t)mr_cgroup_number(fd, "pids.events", "max");
}

void
mr_cgroup_read_usage(struct mr_cgroup *group, struct mr_sandbox_usage *out_usage)
{
    const struct mr_sandbox_usage *before = &group->before;

    read_v1(group, out_usage);
    read_v2(group, out_usage);
    out_usage->cpu_us -= before->cpu_us;
    out_usage->throttled_us -= before->throttled_us;
    out_usage->throttled_count -= before->throttled_count;
    out_usage->oom_kills -= before->oom_kills;
    out_usage->pid_limit_hits -= before->pid_limit_hits;
}

void
mr_cgroup_start_counting(struct mr_cgroup *group)
{
    size_t i;

    struct mr_sandbox_usage now = { 0 };
    group->before = now;
    mr_cgroup_read_usage(group, &now);
    group->before = now;
    if (find_part(group->groups, false, MR_CGROUP_MEMORY, &i) != NULL) {
        (void)mr_cgroup_write(group->fds[i], "memory.max_usage_in_bytes", "0");
    }
}

int
mr_cgroup_open_peak(const struct mr_cgroup *group)
{
    size_t i;

    if (find_part(group->groups, false, MR_CGROUP_MEMORY, &i) != NULL) {
        return openat(group->fds[i], "memory.max_usage_in_bytes", O_RDONLY | O_CLOEXEC);
    }
    if (find_part(group->groups, true, MR_CGROUP_MEMORY, &i) != NULL) {
        return openat(group->fds[i], "memory.peak", O_RDONLY | O_CLOEXEC);
    }
    return -1;
}

int
mr_cgroup_oom_fd(const struct mr_cgroup *group)
{
    return group->oom_fd;
}

/* --- its life --- */

int
mr_cgroup_set_frozen(struct mr_cgroup *group, bool frozen)
{
    size_t i;

    group->frozen = frozen;
    if (find_part(group->groups, true, 0, &i) != NULL) {
        return mr_cgroup_write(group->fds[i], "cgroup.freeze", frozen ? "1" : "0");
    }
    if (find_part(group->groups, false, MR_CGROUP_FREEZER, &i) != NULL) {
        return mr_cgroup_write(group->fds[i], "freezer.state", frozen ? "FROZEN" : "THAWED");
    }
    return -ENOTSUP;
}

void
mr_cgroup_thaw(struct mr_cgroup *group)
{
    if (group->frozen) {
        (void)mr_cgroup_set_frozen(group, false);
    }
}

void
mr_cgroup_hasten(struct mr_cgroup *group)
{
    static const struct {
        unsigned controller;
        bool v2;
        const char *file, *value;
    } lifted[] = {
        { MR_CGROUP_PIDS, false, "pids.max", "0" },
        { MR_CGROUP_PIDS, true, "pids.max", "0" },
        { MR_CGROUP_CPU, false, "cpu.cfs_quota_us", "-1" },
        { MR_CGROUP_CPU, true, "cpu.max", "max" },
    };
    size_t i;

    for (size_t k = 0; k < sizeof(lifted) / sizeof(lifted[0]); k++) {
        if (find_part(group->groups, lifted[k].v2, lifted[k].controller, &i) != NULL) {
            (void)mr_cgroup_write(group->fds[i], lifted[k].file, lifted[k].value);
        }
    }
    for (i = 0; i < group->groups->part_count; i++) {
        if (group->fds[i] >= 0) {
            kill_listed(group->fds[i]);
            break; /* every part has the same members */
        }
    }
}

void
mr_cgroup_kill(struct mr_cgroup *group)
{
    size_t i;

    bool killed = find_part(group->groups, true, 0, &i) != NULL && group->fds[i] >= 0 &&
                  mr_cgroup_write(group->fds[i], "cgroup.kill", "1") == 0;
    for (i = 0; !killed && i < group->groups->part_count; i++) {
        if (group->fds[i] >= 0) {
            kill_listed(group->fds[i]);
        }
    }
    mr_cgroup_thaw(group); /* v1 delivers a SIGKILL to a frozen process only then */
}
