/* The only file that knows libcgroup. */
#include <errno.h>
#include <libcgroup.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/cgroup_inside.h"

enum { PATH_SIZE = 512 };

static const struct {
    unsigned bit;
    const char *name;
} controllers[] = { { MR_CGROUP_MEMORY, "memory" },
                    { MR_CGROUP_CPU, "cpu" },
                    { MR_CGROUP_CPUACCT, "cpuacct" },
                    { MR_CGROUP_PIDS, "pids" },
                    { MR_CGROUP_FREEZER, "freezer" } };

static int
ensure_init(struct mr_error *err)
{
    static bool done;

    if (!done) {
        int rc = cgroup_init();
        if (rc != 0) {
            return mr_fail(err, -EIO, "libcgroup: %s", cgroup_strerror(rc));
        }
        done = true;
    }
    return 0;
}

static struct cgroup_controller *
add_controller(struct cgroup *group, const char *name, unsigned bit,
               const struct mr_cgroup_part *part, const struct mr_cgroup_limits *limits)
{
    struct mr_cgroup_setting settings[MR_CGROUP_MAX_SETTINGS];
    struct cgroup_controller *controller = cgroup_add_controller(group, name);
    size_t count = limits == NULL ? 0 : mr_cgroup_settings(limits, settings);

    for (size_t i = 0; controller != NULL && i < count; i++) {
        if (settings[i].controller == bit && settings[i].v2 == part->v2 &&
            !settings[i].optional) {
            (void)cgroup_set_value_string(controller, settings[i].file, settings[i].value);
        }
    }
    return controller;
}

/* All controllers of one directory are one object: libcgroup removes the directory once. */
static struct cgroup *
describe(const struct mr_cgroups *groups, const struct mr_cgroup_part *part, const char *name,
         const struct mr_cgroup_limits *limits)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof(path), "%s/%s/%s", part->own[0] == '/' ? part->own + 1 : part->own,
             groups->base_name, name);
    struct cgroup *group = cgroup_new_cgroup(path[0] == '/' ? path + 1 : path);
    for (size_t i = 0; group != NULL && i < sizeof(controllers) / sizeof(controllers[0]); i++) {
        if ((part->controllers & controllers[i].bit) != 0 &&
            add_controller(group, controllers[i].name, controllers[i].bit, part, limits) ==
                NULL) {
            cgroup_free(&group);
        }
    }
    return group;
}

typedef int(verb_fn)(struct cgroup *group);

static int
create(struct cgroup *group)
{
    return cgroup_create_cgroup(group, 1 /* the owners stay as they are */);
}

static int
each_part(const struct mr_cgroups *groups, const char *name,
          const struct mr_cgroup_limits *limits, verb_fn *verb, const char *words,
          struct mr_error *err)
{
    for (size_t i = 0; i < groups->part_count; i++) {
        if (groups->parts[i].controllers == 0) {
            continue;
        }
        struct cgroup *group = describe(groups, &groups->parts[i], name, limits);
        if (group == NULL) {
            return mr_fail(err, -ENOMEM, "libcgroup: no room for %s", name);
        }
        int rc = verb(group);
        cgroup_free(&group);
        if (rc != 0) {
            return mr_fail(err, -EIO, "libcgroup: %s %s in %s: %s", words, name,
                           groups->parts[i].mount, cgroup_strerror(rc));
        }
    }
    return 0;
}

/* What libcgroup would fail for when a kernel lacks it (memory.oom.group before 4.19). */
static void
set_optional(const struct mr_cgroups *groups, const char *name,
             const struct mr_cgroup_limits *limits)
{
    struct mr_cgroup_setting settings[MR_CGROUP_MAX_SETTINGS];
    size_t count = mr_cgroup_settings(limits, settings);
    char path[PATH_SIZE];

    for (size_t p = 0; p < groups->part_count; p++) {
        const struct mr_cgroup_part *part = &groups->parts[p];
        for (size_t i = 0; i < count; i++) {
            if (settings[i].optional && settings[i].v2 == part->v2 &&
                (settings[i].controller & part->controllers) != 0) {
                snprintf(path, sizeof(path), "%s/%s", name, settings[i].file);
                (void)mr_cgroup_write(part->base_fd, path, settings[i].value);
            }
        }
    }
}

static int
library_make(const struct mr_cgroups *groups, const char *name,
             const struct mr_cgroup_limits *limits, struct mr_error *err)
{
    int rc = ensure_init(err);

    rc = rc < 0 ? rc : each_part(groups, name, limits, create, "make", err);
    if (rc == 0) {
        set_optional(groups, name, limits);
    }
    return rc;
}

static int
library_limit(const struct mr_cgroups *groups, const char *name,
              const struct mr_cgroup_limits *limits, struct mr_error *err)
{
    return each_part(groups, name, limits, cgroup_modify_cgroup, "limit", err);
}

static void
library_remove(const struct mr_cgroups *groups, const char *name)
{
    /* A group that was just emptied is busy for a moment, and libcgroup does not wait. */
    mr_cgroup_direct.remove(groups, name);
}

const struct mr_cgroup_backend mr_cgroup_library = {
    .name = "libcgroup", .make = library_make, .limit = library_limit, .remove = library_remove
};
