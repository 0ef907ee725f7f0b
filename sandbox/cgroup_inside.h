/* cgroup_inside: what cgroup.c and its two backends share. Nobody else includes it. */
#ifndef MR_SANDBOX_CGROUP_INSIDE_H
#define MR_SANDBOX_CGROUP_INSIDE_H

#include "sandbox/cgroup.h"

enum {
    MR_CGROUP_MEMORY = 1 << 0,
    MR_CGROUP_CPU = 1 << 1,
    MR_CGROUP_CPUACCT = 1 << 2, /* v1 only */
    MR_CGROUP_PIDS = 1 << 3,
    MR_CGROUP_FREEZER = 1 << 4, /* v1 only */
    MR_CGROUP_MAX_PARTS = 6,
    MR_CGROUP_PERIOD_US = 100000,
};

/* One hierarchy, and our place in it. */
struct mr_cgroup_part {
    bool v2;
    unsigned controllers; /* of those above that we use here */
    char mount[96];       /* where it is mounted */
    char own[400];        /* our own group in it, "" for its root */
    int base_fd;          /* our directory there, which holds the environments' */
};

struct mr_cgroups {
    struct mr_cgroup_part parts[MR_CGROUP_MAX_PARTS];
    size_t part_count;
    const struct mr_cgroup_backend *backend;
    char base_name[48];
    char text[200];
};

/* Makes, limits and removes an environment's groups in the parts that have controllers. */
struct mr_cgroup_backend {
    const char *name;
    /* 0 or a negative errno with a sentence. */
    int (*make)(const struct mr_cgroups *groups, const char *name,
                const struct mr_cgroup_limits *limits, struct mr_error *err);
    int (*limit)(const struct mr_cgroups *groups, const char *name,
                 const struct mr_cgroup_limits *limits, struct mr_error *err);
    void (*remove)(const struct mr_cgroups *groups, const char *name);
};

extern const struct mr_cgroup_backend mr_cgroup_library; /* cgroup_library.c */
extern const struct mr_cgroup_backend mr_cgroup_direct;  /* cgroup_direct.c */

/* One file of a group, and what a limit writes there. */
struct mr_cgroup_setting {
    unsigned controller;
    bool v2;
    const char *file;
    char value[40];
    bool optional; /* a kernel without the file is fine */
};

enum { MR_CGROUP_MAX_SETTINGS = 12 };

/* The files that hold these limits, for both versions. Returns how many. */
size_t mr_cgroup_settings(const struct mr_cgroup_limits *limits,
                          struct mr_cgroup_setting out_settings[MR_CGROUP_MAX_SETTINGS]);

/* Plain files of a group. Negative errno on failure. */
int mr_cgroup_write(int dir_fd, const char *file, const char *value);
/* The number after `key` (a line's first word), or the file's first when NULL; 0 when there is
 * none. */
uint64_t mr_cgroup_number(int dir_fd, const char *file, const char *key);
/* As rmdir, waiting a moment for what was killed there to be gone. */
int mr_cgroup_rmdir(int dir_fd, const char *name);

#endif
