/*
 * client: the other end of sandboxd's socket.
 *
 * Non-blocking and without a loop of its own: the owner watches `fd` for
 * reading and calls mr_sandbox_client_dispatch when it is readable; callbacks
 * come from there and from nowhere else. A callback may make further requests;
 * it may not free the client.
 *
 * An *environment* is a number the owner chooses: a place with a cgroup, a uid
 * and a /tmp of its own. It begins with its first launch; after its process
 * has exited it may be launched again, with the same /tmp (a reset); release
 * ends it. One process tree at a time: launch again only after `exited` or
 * `failed` came.
 *
 * Requests are answered in order and by callbacks. A request returns -EPIPE
 * when the daemon is gone (then `lost` has been or will be called) and
 * -EAGAIN, retryable, when it took nothing off the socket for a second.
 *
 * Not thread-safe: a client belongs to one loop.
 */
#ifndef MR_SANDBOX_CLIENT_H
#define MR_SANDBOX_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/slice.h"
#include "sandbox/protocol.h"

struct mr_sandbox_client;

/*
 * The descriptors are the receiver's to close; -1 for what was not asked for.
 * The ends of pipes are blocking: set O_NONBLOCK on them, the handler's ends stay as they are.
 */
struct mr_sandbox_process {
    pid_t pid;    /* of the sandbox's init, as the host sees it */
    uint32_t uid; /* as the host sees it */
    int log_fd;   /* reads stdout, and stderr too unless asked to separate them */
    int stderr_fd;
    int stdin_fd;
    /*
     * Listening, non-blocking: accept on it. With network none it listens on
     * 127.0.0.1:9001 inside the sandbox, else on `api_port` of the host's
     * loopback. AWS_LAMBDA_RUNTIME_API is set accordingly inside.
     */
    int listener_fd;
    uint16_t api_port;
    int forward_fds[MR_SANDBOX_MAX_FORWARDS]; /* listening, in the order asked for */
    size_t forward_count;
    int peak_fd;        /* for mr_sandbox_peak_bytes; -1 where nobody counts it as a whole */
    uint32_t launch_us; /* from the request's arrival to the handler's exec */
    uint32_t place_us;  /* of these, the kernel's wait to place it in a cgroup (v1) */
};

struct mr_sandbox_exit {
    int status; /* exit status, meaningful when signal == 0 */
    int signal; /* that killed the handler, or 0 */
    bool oom;   /* something in it was killed for passing its memory */
    struct mr_sandbox_usage usage;
    /* "exited with status 1", "signal: segmentation fault", "out of memory: used 128 MB of ..."
     */
    char text[MR_SANDBOX_TEXT];
};

/* All optional but launched, failed, exited and lost. */
struct mr_sandbox_callbacks {
    /* The handler's exec has happened. */
    void (*launched)(void *context, uint64_t environment, struct mr_sandbox_process *process);
    /* The launch failed; err->text is a sentence with the step. Nothing is left running. */
    void (*failed)(void *context, uint64_t environment, const struct mr_error *err);
    /* It and everything it started is gone. */
    void (*exited)(void *context, uint64_t environment, const struct mr_sandbox_exit *exit);
    /* A system call was refused: a line for the function's log, once per call and launch. */
    void (*denied)(void *context, uint64_t environment, struct mr_slice line);
    void (*usage)(void *context, uint64_t environment, const struct mr_sandbox_usage *usage);
    /* What the daemon gives; arrives first. */
    void (*hello)(void *context, const struct mr_sandbox_hello *hello);
    /* The daemon is gone and so is every sandbox; further requests fail. Called once. */
    void (*lost)(void *context, const struct mr_error *err);
};

/*
 * `fd` is a connected socket, as mr_sandboxd_spawn returns it or as inherited;
 * it is the client's from now on. `callbacks` is copied.
 */
struct mr_sandbox_client *
mr_sandbox_client_new(int fd, const struct mr_sandbox_callbacks *callbacks, void *context);
/* Hangs up: sandboxd then kills everything and exits. NULL is fine. */
void mr_sandbox_client_free(struct mr_sandbox_client *client);
MR_AUTO_DEFINE(struct mr_sandbox_client, mr_sandbox_client_free)

/* To be watched for reading; the client's. */
int mr_sandbox_client_fd(const struct mr_sandbox_client *client);

/* Handles what has arrived without waiting. Negative once the daemon is gone. */
int mr_sandbox_client_dispatch(struct mr_sandbox_client *client);

/* What a function's sandbox should be like. Slices need to live until the call returns. */
struct mr_sandbox_launch {
    uint64_t environment;
    struct mr_slice name;          /* the function's, for messages */
    struct mr_slice code_dir;      /* absolute; seen at /var/task, read-only */
    struct mr_slice runtime_dir;   /* absolute, seen at /var/runtime; absent: none */
    const struct mr_slice *layers; /* absolute; merged into /opt in order */
    size_t layer_count;
    const struct mr_slice
        *args; /* the first is the program's path inside: /var/task/bootstrap */
    size_t arg_count;
    const struct mr_slice *env; /* NAME=value; nothing else is passed */
    size_t env_count;
    const struct mr_slice *allow_syscalls; /* names, added to the profile */
    size_t allow_syscall_count;
    uint32_t memory_mb;    /* 0: 128 */
    uint32_t tmp_mb;       /* 0: 512 */
    uint32_t max_pids;     /* 0: 1024 */
    uint32_t cpu_permille; /* 0: memory_mb / 1769 of a CPU */
    enum mr_sandbox_network network;
    enum mr_sandbox_profile profile;
    uint32_t flags;           /* MR_SANDBOX_API_LISTENER and its like */
    const uint16_t *forwards; /* loopback ports inside, network none only */
    size_t forward_count;
};

/* -EINVAL, -E2BIG with a sentence when the launch cannot be asked for. */
int mr_sandbox_client_launch(struct mr_sandbox_client *client,
                             const struct mr_sandbox_launch *launch,
                             struct mr_error *err) MR_MUST_USE;
/*
 * Stop and continue every process of it. Take effect in order with other
 * requests, and need no answer: thaw, then answer its `next`.
 */
int mr_sandbox_client_freeze(struct mr_sandbox_client *client, uint64_t environment,
                             struct mr_error *err);
int mr_sandbox_client_thaw(struct mr_sandbox_client *client, uint64_t environment,
                           struct mr_error *err);
/* SIGKILL for the whole tree, frozen or not; `exited` follows. Fine when it is gone already. */
int mr_sandbox_client_kill(struct mr_sandbox_client *client, uint64_t environment,
                           struct mr_error *err);
/* SIGTERM to the handler's process group, which may live on: what Lambda does before a kill. */
int mr_sandbox_client_terminate(struct mr_sandbox_client *client, uint64_t environment,
                                struct mr_error *err);
/* Answered by `usage`. */
int mr_sandbox_client_usage(struct mr_sandbox_client *client, uint64_t environment,
                            struct mr_error *err);
/*
 * Kill what runs, give back cgroup, uid and /tmp. When something ran, `exited`
 * still comes. The number may be used for a new environment at once.
 */
int mr_sandbox_client_release(struct mr_sandbox_client *client, uint64_t environment,
                              struct mr_error *err);

/* The peak memory since the launch, from a process's peak_fd, now; 0 when it cannot be read. */
uint64_t mr_sandbox_peak_bytes(int peak_fd);

/* How `millrace up`, `millrace sandbox` and tests start a daemon. Zero is the usual. */
struct mr_sandboxd_options {
    enum mr_sandbox_level require; /* refuse to start below it; 0: any */
    bool off;                      /* L0: no sandbox at all; said loudly */
    bool quiet;                    /* no start line on stderr: the hello carries it */
    uint32_t hide;                 /* MR_SANDBOX_HAS_*: pretend not to have found it (tests) */
};

/*
 * Starts `path` (NULL: millrace-sandboxd beside the running program, else from
 * PATH) and returns the socket to give to mr_sandbox_client_new. The daemon ends
 * when the socket is closed or its parent dies. `out_pid` (may be NULL) is a
 * child of ours: reap it. Negative with `err` when it cannot be started; when it
 * refuses to run, `lost` tells and its reason is on stderr.
 */
int mr_sandboxd_spawn(const char *path, const struct mr_sandboxd_options *options,
                      pid_t *out_pid, struct mr_error *err) MR_MUST_USE;

#endif
