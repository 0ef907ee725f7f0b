/*
 * protocol: every message that passes between sandboxd and its one client.
 *
 * The socket is AF_UNIX SOCK_SEQPACKET, so a message arrives whole or not at
 * all. A request is a fixed-size struct that begins with its kind; the text of
 * a launch (paths, arguments, environment) travels beside it in a sealed
 * memfd, see sandbox/launch_strings.h. A request that is unknown, mis-sized,
 * out of range or ill-timed ends the conversation: sandboxd kills what it
 * runs and exits, because a client that breaks this table is not ours.
 *
 * Both ends run on one machine from one build: native byte order, no versions
 * beyond the one number that a new connection is greeted with.
 */
#ifndef MR_SANDBOX_PROTOCOL_H
#define MR_SANDBOX_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"

enum {
    MR_SANDBOX_PROTOCOL = 1,
    MR_SANDBOX_MAX_FDS = 5 + MR_SANDBOX_MAX_FORWARDS, /* of one message */
    MR_SANDBOX_TEXT = 232,                            /* as struct mr_error's */
};

/* How much really stands between a handler and the host; a larger number is less. */
enum mr_sandbox_level {
    MR_SANDBOX_LEVEL_ANY = -1,
    MR_SANDBOX_L0 = 0, /* off: explicit flag only */
    MR_SANDBOX_L1 = 1, /* all namespaces, and cgroups */
    MR_SANDBOX_L2 = 2, /* all namespaces, no cgroups */
    MR_SANDBOX_L3 = 3, /* no namespaces: Landlock, seccomp and resource limits */
};

enum mr_sandbox_network {
    MR_SANDBOX_NETWORK_NONE, /* a network of its own with nothing but loopback */
    MR_SANDBOX_NETWORK_HOST, /* the host's */
};

enum mr_sandbox_profile { MR_SANDBOX_PROFILE_DEFAULT, MR_SANDBOX_PROFILE_STRICT };

/* Bits of mr_sandbox_request_launch.flags. */
enum {
    MR_SANDBOX_API_LISTENER =
        1 << 0, /* make the Runtime API's listener and set AWS_LAMBDA_RUNTIME_API */
    MR_SANDBOX_SEPARATE_STDERR = 1
                                 << 1, /* a descriptor of its own instead of sharing stdout's */
    MR_SANDBOX_STDIN =
        1 << 2, /* hand out the write end of its stdin; else it reads /dev/null */
    MR_SANDBOX_PEAK = 1 << 3, /* hand out a file that tells its peak memory, where there is one */
    MR_SANDBOX_ALL_FLAGS = (1 << 4) - 1,
};

enum mr_sandbox_request_kind {
    MR_SANDBOX_LAUNCH = 1,
    MR_SANDBOX_FREEZE,
    MR_SANDBOX_THAW,
    MR_SANDBOX_KILL,
    MR_SANDBOX_USAGE,
    MR_SANDBOX_RELEASE,
    MR_SANDBOX_TERMINATE, /* SIGTERM to the handler's process group */
    MR_SANDBOX_REQUEST_END, /* no request: one past the last */
};

/* Everything but a launch is this. `environment` is a number the client chose. */
struct mr_sandbox_request {
    uint32_t kind;
    uint32_t reserved; /* 0 */
    uint64_t environment;
};

/* One descriptor travels with it: the sealed memfd of its strings. */
struct mr_sandbox_request_launch {
    struct mr_sandbox_request head;
    uint32_t memory_mb; /* 64..10240: of the processes */
    uint32_t tmp_mb;    /* 1..10240: of /tmp, on top of memory_mb */
    uint32_t max_pids;  /* 1..32768 */
    uint32_t network;   /* enum mr_sandbox_network */
    uint32_t profile;   /* enum mr_sandbox_profile */
    uint32_t flags;
    uint32_t cpu_permille; /* 0: by memory, as Lambda does; else thousandths of one CPU */
    uint16_t forwards[MR_SANDBOX_MAX_FORWARDS]; /* loopback ports to listen on inside; 0 ends */
    uint32_t reserved;                          /* 0 */
};

enum mr_sandbox_reply_kind {
    MR_SANDBOX_HELLO = 101,
    MR_SANDBOX_LAUNCHED,
    MR_SANDBOX_FAILED,
    MR_SANDBOX_EXITED,
    MR_SANDBOX_USED,
    MR_SANDBOX_DENIED,
};

/* Bits of mr_sandbox_hello.mechanisms: what was found and is used. */
enum {
    MR_SANDBOX_HAS_USER_NS = 1 << 0,
    MR_SANDBOX_HAS_CGROUP_LIMITS = 1 << 1,
    MR_SANDBOX_HAS_FREEZER = 1 << 2,
    MR_SANDBOX_HAS_CLONE_INTO_CGROUP = 1 << 3,
    MR_SANDBOX_HAS_SECCOMP = 1 << 4,
    MR_SANDBOX_HAS_NOTIFY = 1 << 5,
    MR_SANDBOX_HAS_LANDLOCK = 1 << 6,
    MR_SANDBOX_HAS_OWN_UID = 1 << 7, /* each environment has a host uid nobody else has */
};

/* The first message: what this daemon is and gives. */
struct mr_sandbox_hello {
    uint32_t kind;
    uint32_t protocol;
    uint32_t level;
    uint32_t mechanisms;
    int32_t pid;
    uint32_t uid;
    char text[512]; /* the start line: the level and each mechanism */
};

/*
 * Descriptors, in this order, those that were asked for: output, stderr,
 * stdin, the Runtime API's listener, a listener for each forward, and last the
 * peak's file, which a host without cgroups has not.
 */
struct mr_sandbox_launched {
    uint32_t kind;
    int32_t pid; /* of the sandbox's init, as the host sees it */
    uint64_t environment;
    uint32_t uid;       /* as the host sees it */
    uint32_t api_port;  /* the Runtime API's, 0 without one */
    uint32_t launch_us; /* from the request to the handler's exec */
    uint32_t place_us;  /* of these, waiting for the kernel to place it in its cgroup */
};

/* A launch that did not happen. Nothing of it is left. */
struct mr_sandbox_failed {
    uint32_t kind;
    int32_t error; /* errno */
    uint64_t environment;
    char text[MR_SANDBOX_TEXT]; /* step and reason as a sentence */
};

struct mr_sandbox_usage {
    uint64_t memory_bytes;      /* now; 0 when unknown */
    uint64_t memory_peak_bytes; /* since its launch */
    uint64_t cpu_us;
    uint64_t throttled_us;
    uint32_t throttled_count;
    uint32_t oom_kills;
    uint32_t pid_limit_hits;
    uint32_t denied_calls;
};

struct mr_sandbox_exited {
    uint32_t kind;
    int32_t wait_status; /* the handler's, as waitpid gives it */
    uint64_t environment;
    struct mr_sandbox_usage usage;
};

struct mr_sandbox_used {
    uint32_t kind;
    uint32_t reserved;
    uint64_t environment;
    struct mr_sandbox_usage usage;
};

struct mr_sandbox_denied {
    uint32_t kind;
    uint32_t call; /* number */
    uint64_t environment;
    char text[MR_SANDBOX_TEXT]; /* which call, and what to write to allow it */
};

union mr_sandbox_request_any {
    uint32_t kind;
    struct mr_sandbox_request simple;
    struct mr_sandbox_request_launch launch;
};

union mr_sandbox_reply_any {
    uint32_t kind;
    struct mr_sandbox_hello hello;
    struct mr_sandbox_launched launched;
    struct mr_sandbox_failed failed;
    struct mr_sandbox_exited exited;
    struct mr_sandbox_used used;
    struct mr_sandbox_denied denied;
};

/*
 * Is this a request the table knows, of its exact size, with every number in
 * range and exactly the descriptors it should carry? -EPROTO with `err` when not.
 */
int mr_sandbox_request_check(const void *message, size_t size, size_t fd_count,
                             struct mr_error *err) MR_MUST_USE;

/* The same for what the daemon says. Text fields are NUL-terminated when it returns 0. */
int mr_sandbox_reply_check(const void *message, size_t size, size_t fd_count,
                           struct mr_error *err) MR_MUST_USE;

/* The exact size of a reply of this kind; 0 for a kind that is none. */
size_t mr_sandbox_reply_size(uint32_t kind);

#endif
