#include "sandbox/cgroup.h"

#include <errno.h>
struct mr_cgroups {
    int x;
};
struct mr_cgroups *
mr_cgroups_open(struct mr_error *err)
{
    mr_fail(err, -ENOSYS, "not yet");
    return NULL;
}
void
mr_cgroups_close(struct mr_cgroups *groups)
{
    (void)groups;
}
const char *
mr_cgroups_text(const struct mr_cgroups *groups)
{
    (void)groups;
    return "";
}
bool
mr_cgroups_place_at_clone(const struct mr_cgroups *groups)
{
    (void)groups;
    return false;
}
bool
mr_cgroups_freeze(const struct mr_cgroups *groups)
{
    (void)groups;
    return false;
}
struct mr_cgroup *
mr_cgroup_create(struct mr_cgroups *groups, unsigned number,
                 const struct mr_cgroup_limits *limits, struct mr_error *err)
{
    (void)groups;
    (void)number;
    (void)limits;
    mr_fail(err, -ENOSYS, "not yet");
    return NULL;
}
void
mr_cgroup_destroy(struct mr_cgroup *group)
{
    (void)group;
}
int
mr_cgroup_limit(struct mr_cgroup *group, const struct mr_cgroup_limits *limits,
                struct mr_error *err)
{
    (void)group;
    (void)limits;
    (void)err;
    return 0;
}
int
mr_cgroup_clone_fd(const struct mr_cgroup *group)
{
    (void)group;
    return -1;
}
int
mr_cgroup_open_places(const struct mr_cgroup *group, bool cloned_into,
                      int out_fds[MR_INIT_MAX_PLACES], struct mr_error *err)
{
    (void)group;
    (void)cloned_into;
    (void)out_fds;
    (void)err;
    return 0;
}
void
mr_cgroup_start_counting(struct mr_cgroup *group)
{
    (void)group;
}
void
mr_cgroup_read_usage(struct mr_cgroup *group, struct mr_sandbox_usage *out_usage)
{
    (void)group;
    (void)out_usage;
}
int
mr_cgroup_oom_fd(const struct mr_cgroup *group)
{
    (void)group;
    return -1;
}
int
mr_cgroup_set_frozen(struct mr_cgroup *group, bool frozen)
{
    (void)group;
    (void)frozen;
    return -ENOTSUP;
}
void
mr_cgroup_kill(struct mr_cgroup *group)
{
    (void)group;
}
