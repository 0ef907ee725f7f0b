/*
 * cgroup: a limit on everything an environment uses, and a handle on all of it.
 *
 * Six verbs over three kinds of host: v1, v2, and the hybrid that has v1
 * controllers beside an empty v2 tree. Two backends stand behind them:
 * cgroup_library.c (libcgroup: creating, limits and reading, where it works)
 * and cgroup_direct.c (plain files: v2 that was delegated to an ordinary user,
 * and what libcgroup lacks: placement at clone, kill, freeze).
 *
 * One group an environment: it outlives resets, so what fills /tmp stays
 * accounted. Reading subtracts what earlier processes of it used.
 *
 * Thread: one.
 */
#ifndef MR_SANDBOX_CGROUP_H
#define MR_SANDBOX_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "sandbox/init.h"
#include "sandbox/protocol.h"

struct mr_cgroups; /* where our groups are made */
struct mr_cgroup;  /* one of them */

struct mr_cgroup_limits {
    uint64_t memory_bytes;
    uint32_t cpu_permille;
    uint32_t max_pids;
};

/*
 * Finds a place this process may make groups in, and makes a group there to be
 * sure. NULL with `err` saying what to do when there is none. Groups that dead
 * daemons left are removed.
 */
struct mr_cgroups *mr_cgroups_open(struct mr_error *err);
void mr_cgroups_close(struct mr_cgroups *groups);
MR_AUTO_DEFINE(struct mr_cgroups, mr_cgroups_close)

/* "hybrid (libcgroup 2.0.2: memory, cpu, pids on v1; kill and freeze on v2)" */
const char *mr_cgroups_text(const struct mr_cgroups *groups);
/* May clone3 put a child there, and is there a freezer that kills? */
bool mr_cgroups_place_at_clone(const struct mr_cgroups *groups);
bool mr_cgroups_freeze(const struct mr_cgroups *groups);

struct mr_cgroup *mr_cgroup_create(struct mr_cgroups *groups, unsigned number,
                                   const struct mr_cgroup_limits *limits, struct mr_error *err);
/* Removes it; whatever still runs in it is killed first. NULL is fine. */
void mr_cgroup_destroy(struct mr_cgroup *group);

int mr_cgroup_limit(struct mr_cgroup *group, const struct mr_cgroup_limits *limits,
                    struct mr_error *err) MR_MUST_USE;

/* A directory for CLONE_INTO_CGROUP, the group's; -1 when there is none. */
int mr_cgroup_clone_fd(const struct mr_cgroup *group);
/*
 * Opens the cgroup.procs files a process must still enter by itself (all, or
 * those of v1 when it was cloned into the v2 part). Ends with -1; the caller's to close.
 */
int mr_cgroup_open_places(const struct mr_cgroup *group, bool cloned_into,
                          int out_fds[MR_INIT_MAX_PLACES], struct mr_error *err) MR_MUST_USE;

/* Counts from here: what was used before belongs to an earlier process. */
void mr_cgroup_start_counting(struct mr_cgroup *group);
void mr_cgroup_read_usage(struct mr_cgroup *group, struct mr_sandbox_usage *out_usage);
/* A file that holds its peak memory in bytes, to be read again and again; -1: there is none. */
int mr_cgroup_open_peak(const struct mr_cgroup *group);
/* Becomes readable when something in it ran out of memory; the group's, -1 when the kernel has
 * no such thing. */
int mr_cgroup_oom_fd(const struct mr_cgroup *group);

/* 0, or -ENOTSUP when this host has no freezer for it. */
int mr_cgroup_set_frozen(struct mr_cgroup *group, bool frozen);
/* Only if it is frozen. */
void mr_cgroup_thaw(struct mr_cgroup *group);
/*
 * Hasten the death of a group whose init was sent SIGKILL: no forks and no CPU quota any more,
 * and SIGKILL for each member. A thousand processes that share a small quota take half a minute
 * to die, because each must run once for it. The next mr_cgroup_limit puts the limits back.
 */
void mr_cgroup_hasten(struct mr_cgroup *group);
/* SIGKILL for all of it, frozen or not. Nothing can be cloned into it afterwards. */
void mr_cgroup_kill(struct mr_cgroup *group);

#endif
