#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/cgroup_inside.h"

enum { RMDIR_TRIES = 100 };

int
mr_cgroup_write(int dir_fd, const char *file, const char *value)
{
    mr_auto_fd int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);
    size_t size = strlen(value);

    if (fd < 0) {
        return -errno;
    }
    return write(fd, value, size) == (ssize_t)size ? 0 : -errno;
}

uint64_t
mr_cgroup_number(int dir_fd, const char *file, const char *key)
{
    char text[4096];
    mr_auto_fd int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (size <= 0) {
        return 0;
    }
    text[size] = 0;
    if (key == NULL) {
        return strtoull(text, NULL, 10);
    }
    size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            return strtoull(line + length, NULL, 10);
        }
    }
    return 0;
}

int
mr_cgroup_rmdir(int dir_fd, const char *name)
{
    const struct timespec millisecond = { .tv_nsec = 1000000 };

    for (int i = 0; i < RMDIR_TRIES; i++) {
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
            return 0;
        }
        if (errno != EBUSY) {
            break;
        }
        nanosleep(&millisecond, NULL);
    }
    return -errno;
}

size_t
mr_cgroup_settings(const struct mr_cgroup_limits *limits,
                   struct mr_cgroup_setting out_settings[MR_CGROUP_MAX_SETTINGS])
{
    uint64_t quota_us = (uint64_t)limits->cpu_permille * MR_CGROUP_PERIOD_US / 1000;
    size_t n = 0;

    quota_us = quota_us < 1000 ? 1000 : quota_us; /* the kernel's least */
    const struct mr_cgroup_setting settings[] = {
        { MR_CGROUP_MEMORY, false, "memory.limit_in_bytes", "", false },
        { MR_CGROUP_PIDS, false, "pids.max", "", false },
        { MR_CGROUP_CPU, false, "cpu.cfs_period_us", "", false },
        { MR_CGROUP_CPU, false, "cpu.cfs_quota_us", "", false },
        { MR_CGROUP_MEMORY, true, "memory.max", "", false },
        { MR_CGROUP_MEMORY, true, "memory.swap.max", "0", true },
        { MR_CGROUP_MEMORY, true, "memory.oom.group", "1", true },
        { MR_CGROUP_PIDS, true, "pids.max", "", false },
        { MR_CGROUP_CPU, true, "cpu.max", "", false },
    };
    for (; n < sizeof(settings) / sizeof(settings[0]); n++) {
        struct mr_cgroup_setting *setting = &out_settings[n];
        *setting = settings[n];
        if (strcmp(setting->file, "cpu.max") == 0) {
            snprintf(setting->value, sizeof(setting->value), "%llu %d",
                     (unsigned long long)quota_us, MR_CGROUP_PERIOD_US);
        } else if (setting->value[0] == 0) {
            uint64_t value = setting->controller == MR_CGROUP_MEMORY   ? limits->memory_bytes
                             : setting->controller == MR_CGROUP_PIDS   ? limits->max_pids
                             : strstr(setting->file, "period") != NULL ? MR_CGROUP_PERIOD_US
                                                                       : quota_us;
            snprintf(setting->value, sizeof(setting->value), "%llu", (unsigned long long)value);
        }
    }
    return n;
}

static int
limit_part(const struct mr_cgroup_part *part, const char *name,
           const struct mr_cgroup_limits *limits, struct mr_error *err)
{
    struct mr_cgroup_setting settings[MR_CGROUP_MAX_SETTINGS];
    size_t count = mr_cgroup_settings(limits, settings);
    mr_auto_fd int dir_fd = openat(part->base_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0) {
        return mr_fail(err, -errno, "open cgroup %s: %s", name, strerror(errno));
    }
    for (size_t i = 0; i < count; i++) {
        const struct mr_cgroup_setting *setting = &settings[i];
        if (setting->v2 != part->v2 || (setting->controller & part->controllers) == 0) {
            continue;
        }
        int rc = mr_cgroup_write(dir_fd, setting->file, setting->value);
        if (rc < 0 && !(setting->optional && rc == -ENOENT)) {
            return mr_fail(err, rc, "set %s = %s of cgroup %s: %s", setting->file,
                           setting->value, name, strerror(-rc));
        }
    }
    return 0;
}

static int
direct_limit(const struct mr_cgroups *groups, const char *name,
             const struct mr_cgroup_limits *limits, struct mr_error *err)
{
    for (size_t i = 0; i < groups->part_count; i++) {
        const struct mr_cgroup_part *part = &groups->parts[i];
        int rc = part->controllers == 0 ? 0 : limit_part(part, name, limits, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int
direct_make(const struct mr_cgroups *groups, const char *name,
            const struct mr_cgroup_limits *limits, struct mr_error *err)
{
    for (size_t i = 0; i < groups->part_count; i++) {
        const struct mr_cgroup_part *part = &groups->parts[i];
        if (part->controllers != 0 && mkdirat(part->base_fd, name, 0755) < 0 &&
            errno != EEXIST) {
            return mr_fail(err, -errno, "make cgroup %s in %s: %s", name, part->mount,
                           strerror(errno));
        }
    }
    return direct_limit(groups, name, limits, err);
}

static void
direct_remove(const struct mr_cgroups *groups, const char *name)
{
    for (size_t i = 0; i < groups->part_count; i++) {
        if (groups->parts[i].controllers != 0) {
            (void)mr_cgroup_rmdir(groups->parts[i].base_fd, name);
        }
    }
}

const struct mr_cgroup_backend mr_cgroup_direct = {
    .name = "direct", .make = direct_make, .limit = direct_limit, .remove = direct_remove
};
