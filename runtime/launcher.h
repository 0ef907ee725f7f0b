/*
 * launcher: how an environment's process comes to be, so that the runtime does
 * not care whether a sandbox stands around it.
 *
 * Two kinds: over sandboxd (mr_launcher_sandbox_new), and a plain fork and
 * exec with no isolation whatsoever (mr_launcher_plain_new), for tests and for
 * those who ask for --sandbox=off in so many words.
 *
 * Events come from the loop, never from inside an operation. After `started`
 * comes exactly one `exited`; after a launch that did not happen, `failed`.
 *
 * Not thread-safe: a launcher belongs to one loop.
 */
#ifndef MR_RUNTIME_LAUNCHER_H
#define MR_RUNTIME_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/slice.h"
#include "net/loop.h"
#include "runtime/function.h"
#include "sandbox/client.h"

/* Slices live until `launch` returns. */
struct mr_launch {
    uint64_t environment; /* a number of the caller's; the same again keeps its /tmp */
    struct mr_slice name;
    struct mr_slice code_dir;
    struct mr_slice runtime_dir; /* absent: none */
    const struct mr_slice *layers;
    size_t layer_count;
    const struct mr_slice *args; /* paths as seen inside */
    size_t arg_count;
    const struct mr_slice *env; /* AWS_LAMBDA_RUNTIME_API is added by the launcher */
    size_t env_count;
    const struct mr_slice *allow_syscalls;
    size_t allow_syscall_count;
    uint32_t memory_mb;
    uint32_t tmp_mb;
    enum mr_function_network network;
    const uint16_t *forwards; /* ports to listen on inside, where the network is its own */
    size_t forward_count;     /* at most MR_SANDBOX_MAX_FORWARDS */
    bool strict;
    bool pipes; /* hand out its input and a stderr of its own: a supervisor's */
};

struct mr_launch_started {
    int listener_fd; /* the receiver's from now on, as is log_fd; both non-blocking */
    int log_fd;
    int input_fd; /* with `pipes`: to write to and to read from, non-blocking; the receiver's */
    int stderr_fd;
    pid_t pid;
    /*
     * The listener is where others of this host may connect too, and its own processes have a
     * user nobody else has: then `uid` is that user's.
     */
    bool own_uid;
    uid_t uid;
    /* A listener for each forward asked for, the receiver's; fewer where the launcher has none.
     */
    const int *forward_fds;
    size_t forward_count;
};

struct mr_launch_exit {
    int status; /* meaningful when signal is 0 */
    int signal;
    bool oom;
    bool lost;                  /* the launcher lost it, which is no fault of the function */
    uint64_t memory_peak_bytes; /* 0: unknown */
};

struct mr_launch_events {
    void (*started)(void *context, uint64_t environment,
                    const struct mr_launch_started *started);
    void (*exited)(void *context, uint64_t environment, const struct mr_launch_exit *exit);
    void (*failed)(void *context, uint64_t environment, const struct mr_error *err);
    /* A line for the function's log: a system call was refused. */
    void (*said)(void *context, uint64_t environment, struct mr_slice line);
};

struct mr_launcher {
    void *self;
    void (*listen)(void *self, const struct mr_launch_events *events, void *context);
    int (*launch)(void *self, const struct mr_launch *launch, struct mr_error *err);
    /* The whole process tree; `exited` follows. */
    void (*kill)(void *self, uint64_t environment);
    /* SIGTERM to its process group. */
    void (*terminate)(void *self, uint64_t environment);
    void (*freeze)(void *self, uint64_t environment);
    void (*thaw)(void *self, uint64_t environment);
    /* Nothing runs any more; give back its /tmp. */
    void (*release)(void *self, uint64_t environment);
    /* The newest figure known; asks for a fresh one now and then. */
    uint64_t (*memory_peak)(void *self, uint64_t environment);
    void (*free)(void *self);
    const char *isolation; /* one line for the person who starts it; the launcher's */
};

/* `client_fd` is a socket to sandboxd (sandbox/client.h) and the launcher's from now on. */
struct mr_launcher *mr_launcher_sandbox_new(struct mr_loop *loop, int client_fd);
/*
 * Run the loop until the daemon has said what isolation it gives. Negative with `err` when it
 * refuses or does not answer. For a start, before anything else is on the loop.
 */
int mr_launcher_sandbox_await(struct mr_launcher *launcher, uint64_t timeout_ms,
                              struct mr_error *err) MR_MUST_USE;
/*
 * Of such a launcher: a new sandboxd, after the old one is gone. What ran there has exited,
 * marked `lost`; what is launched from now on runs in the new one.
 */
void mr_launcher_sandbox_renew(struct mr_launcher *launcher, int client_fd);
/* No sandbox: the handler runs as this process's user. */
struct mr_launcher *mr_launcher_plain_new(struct mr_loop *loop);
/* Kills what it runs. NULL is fine. */
void mr_launcher_free(struct mr_launcher *launcher);

#endif
