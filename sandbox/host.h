/*
 * host: what this machine lets us do, found out once by trying.
 *
 * Nothing degrades silently: the level that follows is printed, sent in the
 * hello, and compared with what was required.
 */
#ifndef MR_SANDBOX_HOST_H
#define MR_SANDBOX_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "sandbox/cgroup.h"
#include "sandbox/protocol.h"
#include "sandbox/skeleton.h"

/* Each daemon has a thousand uids from here on, chosen by its pid. */
enum { MR_HOST_FIRST_UID = 200000, MR_HOST_UID_BLOCKS = 65536 };

struct mr_host {
    enum mr_sandbox_level level;
    uint32_t mechanisms; /* MR_SANDBOX_HAS_* */
    int landlock_abi;
    bool root;
    bool own_proc; /* may mount /proc in a process namespace of its own */
    bool skeleton_built;
    uid_t uid;       /* ours */
    uid_t first_uid; /* as root: the first environment's */
    gid_t gid;
    struct mr_skeleton skeleton;
    struct mr_cgroups *cgroups; /* NULL: none */
    char cgroup_text[200];      /* what there is, or why there is none */
    char namespace_text[120];   /* why there are none; empty when there are */
};

struct mr_host_options {
    bool off;
    uint32_t hide; /* MR_SANDBOX_HAS_* to pretend not to have */
};

/*
 * Probes, and prepares what every launch needs: the daemon's own user (when not
 * root) and mount namespace, the skeleton, the cgroups. Call once, single-threaded.
 */
int mr_host_open(struct mr_host *out_host, const struct mr_host_options *options,
                 struct mr_error *err) MR_MUST_USE;
void mr_host_close(struct mr_host *host);

static inline bool
mr_host_has(const struct mr_host *host, uint32_t mechanism)
{
    return (host->mechanisms & mechanism) != 0;
}

/* "L1 · user, pid, mount, ... · cgroup: ... · seccomp: ... · Landlock ABI 7" */
void mr_host_describe(const struct mr_host *host, char *out_text, size_t capacity);

#endif
