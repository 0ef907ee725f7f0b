/*
 * init: the first process of a sandbox, from its birth to the handler's exec.
 *
 * It begins as a copy of the daemon inside fresh namespaces, closes what is not
 * its, waits to be mapped to its ids, builds its root, gives up every right,
 * starts the handler, and from then on reaps. When it ends, the kernel ends
 * everything else in its process namespace.
 *
 * It talks to the daemon over one seqpacket socket, in the messages below.
 * Nothing here allocates or logs: a failure is a step and an errno.
 */
#ifndef MR_SANDBOX_INIT_H
#define MR_SANDBOX_INIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/landlock.h"
#include "sandbox/filter.h"
#include "sandbox/protocol.h"
#include "sandbox/skeleton.h"

enum { MR_INIT_API_PORT = 9001, MR_INIT_MAX_PLACES = 6 };

/* The uid and gid a handler sees, as on Lambda. */
enum { MR_INIT_UID = 993, MR_INIT_GID = 990 };

/* In the order of a launch; each has its words in mr_init_step_words. */
enum mr_init_step {
    MR_STEP_CLONE,
    MR_STEP_MAP_IDS,
    MR_STEP_WAIT,
    MR_STEP_PLACE,
    MR_STEP_IDS,
    MR_STEP_PRIVATE_MOUNTS,
    MR_STEP_ROOT,
    MR_STEP_CODE,
    MR_STEP_RUNTIME,
    MR_STEP_LAYERS,
    MR_STEP_TMP,
    MR_STEP_PROC,
    MR_STEP_MASKS,
    MR_STEP_PIVOT,
    MR_STEP_LOOPBACK,
    MR_STEP_LISTEN,
    MR_STEP_HOST_NAME,
    MR_STEP_LIMITS,
    MR_STEP_CAPABILITIES,
    MR_STEP_NO_NEW_PRIVS,
    MR_STEP_FORK,
    MR_STEP_STDIO,
    MR_STEP_WORKING_DIR,
    MR_STEP_LANDLOCK,
    MR_STEP_SECCOMP,
    MR_STEP_EXEC,
    MR_STEP_COUNT,
};

const char *mr_init_step_words(enum mr_init_step step);

/* From init to the daemon. */
enum mr_init_said {
    MR_INIT_LISTENERS = 1, /* with descriptors: the API's, then the forwards' */
    MR_INIT_NOTIFY,        /* with one descriptor: seccomp's listener */
    MR_INIT_STARTED,       /* the handler's exec has happened */
    MR_INIT_FAILED,        /* step, error */
    MR_INIT_EXITED,        /* status, cpu_us, max_rss_bytes */
};

struct mr_init_message {
    uint32_t said;
    int32_t step;
    int32_t error;
    int32_t status;
    uint64_t cpu_us;
    uint64_t max_rss_bytes;
    uint64_t place_us;
};

/* From the daemon to init: one byte. */
enum mr_init_told {
    MR_INIT_GO = 'G',
    MR_INIT_STOP = 'S',
    MR_INIT_CONTINUE = 'C',
    MR_INIT_TERMINATE = 'T',
    MR_INIT_KILL = 'K', /* L3: where the end of init is not the end of all */
};

/* Everything a launch decides. Descriptors are inherited by the clone; -1 is none. */
struct mr_init_plan {
    bool user_ns; /* wait for the id maps and become MR_INIT_UID */
    bool pid_ns;
    bool mount_ns; /* the descriptors of mounts below are placed */
    bool net_ns;
    bool other_ns;  /* ipc, uts, cgroup */
    bool hide_pids; /* mount an own /proc */
    bool confine;   /* false: L0, nothing is taken away */
    bool own_uid;   /* nobody else has it: who has it is ours to kill */
    uid_t uid;      /* without user_ns: become these when root */
    gid_t gid;
    int control;
    int root_fd, code_fd, runtime_fd, opt_fd, tmp_fd, resolv_fd;
    int stdin_fd, stdout_fd, stderr_fd;
    int place_fds[MR_INIT_MAX_PLACES]; /* cgroup.procs files to enter, -1 ends */
    const struct mr_skeleton *skeleton;
    bool api_listener; /* in our own network namespace */
    uint16_t forwards[MR_SANDBOX_MAX_FORWARDS];
    struct mr_landlock_rules landlock;
    const struct mr_seccomp_filter *filter; /* NULL: none */
    bool notify;
    uint64_t data_limit_bytes; /* RLIMIT_DATA, 0: none */
    uint64_t file_limit_bytes;
    uint64_t max_user_processes; /* RLIMIT_NPROC */
    const char *working_dir;
    const char *program;
    char *const *args;
    char *const *env;
};

/* Never returns. */
void mr_init_run(const struct mr_init_plan *plan) __attribute__((noreturn));

#endif
