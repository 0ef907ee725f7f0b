/*
 * environment: one place for one function's processes, and what runs there now.
 *
 * EMPTY -> STARTING -> RUNNING -> (its process tree is gone) -> EMPTY. The
 * cgroup, the uid and /tmp stay until release. Everything else belongs to one
 * run and is gone with it.
 */
#ifndef MR_SANDBOX_ENVIRONMENT_H
#define MR_SANDBOX_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/cgroup.h"
#include "sandbox/filter.h"
#include "sandbox/host.h"
#include "sandbox/init.h"
#include "sandbox/protocol.h"

enum mr_environment_state {
    MR_ENVIRONMENT_EMPTY,
    MR_ENVIRONMENT_STARTING,
    MR_ENVIRONMENT_RUNNING
};

enum { MR_ENVIRONMENT_MAX_DENIALS = 1000, MR_ENVIRONMENT_MAX_DENIED_LINES = 64 };

/* One run: a process tree. */
struct mr_run {
    pid_t pid; /* init's */
    int pidfd;
    int control;                        /* to init */
    int notify;                         /* seccomp's listener */
    int output_fd, stderr_fd, stdin_fd; /* our ends, until they are sent to the client */
    int listener_fd;
    uint16_t api_port;
    int forward_fds[MR_SANDBOX_MAX_FORWARDS];
    size_t forward_count;
    uint32_t flags;
    enum mr_sandbox_profile profile;
    uint64_t since_us;
    bool exited;                 /* init has said how it ended */
    bool failed;                 /* init has said at which step */
    bool pid_ns;                 /* its init's end is the end of all of it */
    struct mr_init_message last; /* what it said */
    uint32_t denied_calls;
    uint64_t denied_set[8]; /* which calls have been named */
    uint32_t denied_lines;
};

struct mr_environment {
    bool used;
    bool released;   /* forget it as soon as its run is over */
    uint64_t number; /* the client's */
    unsigned slot;   /* ours: uid, cgroup and /tmp are named by it */
    uid_t uid;
    gid_t gid;
    enum mr_environment_state state;
    char name[128]; /* the function's, printable */
    struct mr_cgroup *cgroup;
    bool has_tmp;
    uint32_t tmp_mb;
    char tmp_path[192]; /* L3: a directory of the host */
    struct mr_run run;
};

void mr_run_init(struct mr_run *run);
/* Closes every descriptor of it. */
void mr_run_close(struct mr_run *run);

/* Cgroup and /tmp for what is asked for; again on a reset, when they only follow changed
 * numbers. */
int mr_environment_prepare(struct mr_environment *environment, struct mr_host *host,
                           const struct mr_sandbox_request_launch *request,
                           struct mr_error *err) MR_MUST_USE;
/* Gives everything back. Nothing may run in it. */
void mr_environment_clear(struct mr_environment *environment, struct mr_host *host);

/* SIGKILL to all of it; its pidfd tells when it is gone. */
void mr_environment_kill(struct mr_environment *environment);
/* SIGTERM to the handler's own process group; what it does then is up to it. */
void mr_environment_terminate(struct mr_environment *environment);
void mr_environment_set_frozen(struct mr_environment *environment, const struct mr_host *host,
                               bool frozen);
void mr_environment_usage(struct mr_environment *environment,
                          struct mr_sandbox_usage *out_usage);

#endif
