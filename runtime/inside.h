/* inside: what the files of this room share, and nobody else includes. */
#ifndef MR_RUNTIME_INSIDE_H
#define MR_RUNTIME_INSIDE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/random.h"
#include "net/http_server.h"
#include "runtime/log_lines.h"
#include "runtime/runtime.h"

enum {
    LOG_TAIL_BYTES = 4096,
    EXIT_SETTLE_MS = 20,   /* after an exit: what it wrote before may still be on its way */
    WAIT_FOR_NEXT_MS = 50, /* an invocation waits that long for a finishing environment */
    MAX_DELIVERIES = 3,    /* of one event to one environment */
    MAX_STREAM_BYTES = 200 * 1024 * 1024,
};

/* A function's version, while anybody uses it. */
struct entry {
    struct mr_list node;
    unsigned refs;
    bool retired; /* replaced or removed */
    struct mr_arena arena;
    struct mr_function function;
    char *arn;
    char *qualified_arn;
    size_t in_flight;
};

struct invocation {
    struct mr_list node;
    struct mr_runtime *runtime;
    struct entry *entry;
    struct environment *environment; /* NULL while it waits or has ended */
    struct mr_arena arena;
    struct mr_slice payload, client_context, trace_id, tenant_id, invoked_arn, request_id;
    mr_invocation_done_fn *done;
    void *context;
    void (*chunk)(struct mr_slice chunk, void *context);
    bool want_log_tail;
    bool may_wait; /* has not yet waited for a finishing environment */
    bool started;  /* START is logged */
    bool cold;
    bool answered; /* the outcome is decided */
    bool told;     /* `done` was called */
    unsigned deliveries;
    uint64_t started_us, init_us, duration_us;
    const char *status; /* of REPORT: NULL, "timeout" or "error" */
    struct mr_invocation_result result;
    struct mr_buf tail;
};

enum environment_state {
    ENV_COLD,      /* no process */
    ENV_LAUNCHING, /* asked for */
    ENV_STARTED,   /* initialising */
    ENV_INIT_ERROR,
    ENV_READY, /* parked in next */
    ENV_RUNNING,
    ENV_RESPONSE, /* a streamed response is arriving */
    ENV_SENT,     /* answered, has not called next yet */
    ENV_GONE,     /* exited; late bytes are being waited for */
};

enum kill_reason {
    KILL_NOT,
    KILL_INIT_TIMEOUT,
    KILL_TIMEOUT,
    KILL_RESET,  /* something went wrong that only a fresh process cures */
    KILL_RETIRE, /* idle, out of date, or we stop */
};

struct environment {
    struct mr_list node;
    struct mr_runtime *runtime;
    struct entry *entry;
    uint64_t id;
    enum environment_state state;
    enum kill_reason killing;
    bool suppressed; /* this init runs inside an invocation */
    bool frozen;
    char *tenant;
    struct invocation *invocation; /* being initialised for, run or finished */
    struct invocation *waiting;    /* will have it next */
    struct mr_http_exchange *next; /* parked */
    struct mr_buf init_error;
    char *init_error_type;
    struct mr_buf stream;
    char *stream_type;
    struct mr_launch_exit exit;
    int log_fd;
    struct mr_watch *log_watch;
    struct mr_log_lines lines;
    uint64_t launched_us, idle_since_us;
    uint64_t memory_peak_bytes;
    struct mr_timer init_timer, timeout_timer, settle_timer, wait_timer;
    bool listening;
};

struct mr_runtime {
    struct mr_loop *loop;
    struct mr_runtime_options options;
    struct mr_arena arena;
    struct mr_http_server *server;
    struct mr_random random;
    struct mr_list entries, environments, invocations;
    struct mr_runtime_counts counts;
    uint64_t last_environment;
    struct mr_timer reap_timer;
    bool stopping, server_stopping;
    mr_loop_fn *stopped;
    void *stopped_context;
};

/* ---- runtime.c ---- */
void entry_unref(struct entry *entry);
/* Find it a place, or throttle it. */
void invocation_place(struct invocation *invocation);
/* Decide the outcome; later decisions are ignored. Slices are views, copied when needed. */
void invocation_answer(struct invocation *invocation,
                       const struct mr_invocation_result *result);
/* {"errorType","errorMessage":"RequestId: ID Error: TEXT"} as the platform says it. */
void invocation_fail(struct invocation *invocation, const char *type, const char *text);
/* Nothing more will happen to it: tells the caller if that is still to be done, and frees. */
void invocation_finish(struct invocation *invocation);
void runtime_check_stopped(struct mr_runtime *runtime);

/* ---- environment.c ---- */
struct environment *environment_new(struct mr_runtime *runtime, struct entry *entry,
                                    struct mr_slice tenant);
void environment_start(struct environment *environment, struct invocation *invocation);
/* Answer the parked next. */
void environment_dispatch(struct environment *environment, struct invocation *invocation);
void environment_kill(struct environment *environment, enum kill_reason reason);
/* No process, no invocation. */
void environment_free(struct environment *environment);
void environment_ready(struct environment *environment); /* the runtime called next */
extern const struct mr_launch_events environment_events;
struct environment *environment_find(struct mr_runtime *runtime, uint64_t id);

/* ---- runtime_api.c ---- */
extern const struct mr_http_handler runtime_api_handler;
/* Put the event into the answer of the parked next. */
void runtime_api_send_event(struct environment *environment);
/* 1.4: the error type a header's value stands for. Thread: any. */
struct mr_slice runtime_error_type(struct mr_slice header);
/* 1.4: what the caller reads of a body with an error cause; into the arena. */
struct mr_slice runtime_error_with_cause(struct mr_slice body, struct mr_arena *arena);

/* ---- log_report.c ---- */
void log_platform(struct environment *environment, struct invocation *invocation,
                  struct mr_slice line);
void log_function(struct environment *environment, const struct mr_log_line *line);
void log_init_start(struct environment *environment);
void log_init_failed(struct environment *environment, const char *status, const char *type);
void log_start(struct environment *environment, struct invocation *invocation);
void log_end(struct environment *environment, struct invocation *invocation);
/* Read what the handler has written so far. */
void log_drain(struct environment *environment);
void log_time(char out_time[32], uint64_t wall_us);

/* ---- program.c ---- */
struct program {
    struct mr_slice *args;
    size_t arg_count;
    struct mr_slice *env;
    size_t env_count;
    struct mr_slice runtime_dir;
};
/* What to start for this function, in the arena. -ENOENT: no entry point. */
int program_of(struct environment *environment, struct mr_arena *arena,
               struct program *out_program, struct mr_error *err);
/* Can it ever run here? -EINVAL with a sentence when not. */
int program_check(const struct mr_function *function, struct mr_error *err);

#endif
