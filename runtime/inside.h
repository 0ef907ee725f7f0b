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
#include "runtime/supervisor.h"

enum {
    LOG_TAIL_BYTES = 4096,
    EXIT_SETTLE_MS = 20,   /* after an exit: what it wrote before may still be on its way */
    WAIT_FOR_NEXT_MS = 50, /* an invocation waits that long for a finishing environment */
    MAX_DELIVERIES = 3,    /* of one event to one environment */
    MAX_STREAM_BYTES = 200 * 1024 * 1024,
    MANY_INIT_MS = 130000,
    LOG_READ_BYTES = 16 * 1024, /* at a time */
    LOG_DRAIN_BYTES = 64 * 1024,
    LOG_LAST_BYTES = 2 * 1024 * 1024, /* more than a pipe can be made to hold */
    LOG_WINDOW_MS = 100,
    LOG_WINDOW_BYTES = 1024 * 1024,
    LOG_LINE_COST = 64, /* bytes a line counts for besides its own */
    MAX_KNOWN =
        8, /* connections an environment keeps open at a time; more are looked at again */
    MAX_LATE = 64, /* timed-out invocations of an environment whose answers are recognised */
    MAX_EXTENSIONS = MR_SUPERVISOR_MAX_EXTENSIONS,
    /*
     * From thaw to SIGTERM. While a thread has not run again the kernel gives the signal to
     * any other, and a Python handler waits for the main thread.
     */
    SHUTDOWN_THAW_MS = 10,
    SHUTDOWN_MS = 2000,         /* of an environment with external extensions, in all */
    SHUTDOWN_RUNTIME_MS = 300,  /* of these, from SIGTERM to SIGKILL for the runtime */
    SHUTDOWN_INTERNAL_MS = 500, /* with internal extensions only */
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

enum environment_state {
    ENV_COLD,      /* no process */
    ENV_LAUNCHING, /* asked for */
    ENV_STARTED,   /* initialising */
    ENV_INIT_ERROR,
    ENV_RESTORING, /* SnapStart: its after-restore hooks run */
    ENV_RESTORE_ERROR,
    ENV_READY, /* parked in next */
    ENV_RUNNING,
    ENV_RESPONSE, /* a streamed response is arriving */
    ENV_SENT,     /* answered, has not called next yet */
    ENV_GONE,     /* exited; late bytes are being waited for */
};

struct invocation {
    struct mr_list node;
    struct mr_runtime *runtime;
    struct entry *entry;
    struct environment *environment; /* NULL while it waits or has ended */
    struct mr_arena arena;
    struct mr_slice payload, client_context, cognito_identity, trace_id, tenant_id, invoked_arn;
    struct mr_slice request_id;
    mr_invocation_done_fn *done;
    void *context;
    void (*chunk)(struct mr_slice chunk, void *context);
    bool want_log_tail;
    bool may_wait; /* has not yet waited for a finishing environment */
    bool started;  /* START is logged */
    bool cold;
    bool answered;     /* the outcome is decided */
    bool told;         /* `done` was called */
    bool runtime_done; /* platform.runtimeDone is logged */
    unsigned deliveries;
    uint64_t started_us, init_us, restore_us, duration_us;
    uint64_t responding_us, responded_us; /* first and last byte of its answer; 0: not yet */
    uint64_t produced_bytes;
    const char *status; /* of REPORT: NULL, "timeout" or "error" */
    struct mr_invocation_result result;
    struct mr_buf tail;
    /* Many at a time: its place on a list of its environment, its own state and timer. */
    struct mr_list place;
    enum environment_state state; /* COLD: waits for a slot; RUNNING; RESPONSE */
    struct mr_timer timer;
    struct mr_buf stream;
};

enum kill_reason {
    KILL_NOT,
    KILL_INIT_TIMEOUT,
    KILL_TIMEOUT,
    KILL_RESET,  /* something went wrong that only a fresh process cures */
    KILL_RETIRE, /* idle, out of date, or we stop */
    KILL_EXITED, /* one of several processes ended by itself; the others follow */
};

enum extension_state {
    EXTENSION_STARTED,
    EXTENSION_REGISTERED,
    EXTENSION_READY, /* parked in next, or waiting for nothing */
    EXTENSION_RUNNING,
    EXTENSION_INIT_ERROR,
    EXTENSION_EXIT_ERROR,
    EXTENSION_LAUNCH_ERROR,
    EXTENSION_EXITED,
};

struct extension {
    struct mr_list node;
    struct environment *environment;
    enum extension_state state;
    unsigned who; /* the supervisor's number; 0: internal, part of the runtime's process */
    char *name;
    char id[MR_UUID_SIZE];
    bool wants_invoke, wants_shutdown;
    bool shutdown_due; /* its next is answered with SHUTDOWN */
    struct mr_http_exchange *next;
    char *error_type;           /* of init/error and exit/error */
    struct mr_log_lines output; /* of an external one */
};

enum shutdown_step {
    SHUTDOWN_NOT,
    SHUTDOWN_THAWED,
    SHUTDOWN_RUNTIME,
    SHUTDOWN_EXTENSIONS,
    SHUTDOWN_OVER
};

struct environment {
    struct mr_list node;
    struct mr_runtime *runtime;
    struct entry *entry;
    uint64_t id;
    enum environment_state state;
    enum kill_reason killing;
    bool suppressed;   /* this init runs inside an invocation */
    bool initialising; /* until the runtime and every extension have called next */
    bool frozen;
    char *tenant;
    struct invocation *invocation; /* being initialised for, run or finished */
    struct invocation *waiting;    /* will have it next */
    struct mr_http_exchange *next; /* parked */
    struct mr_buf init_error;
    char *init_error_type;
    struct mr_buf stream;
    struct mr_launch_exit exit;
    struct mr_error launch_error; /* why it could not even be asked for */
    int log_fd;
    struct mr_watch *log_watch;
    struct mr_log_lines lines;
    size_t log_spent; /* of LOG_WINDOW_BYTES, since log_since_us */
    uint64_t log_since_us;
    struct mr_timer log_timer; /* runs while it may not log */
    uint64_t launched_us, restoring_us, restored_us, idle_since_us;
    char token[MR_UUID_SIZE]; /* SnapStart: opens /2021-04-23/credentials */
    uint64_t memory_peak_bytes;
    struct mr_timer init_timer, timeout_timer, settle_timer, wait_timer;
    bool listening;
    struct mr_relay *relays[MR_SANDBOX_MAX_FORWARDS]; /* in the order of options.forwards */
    /* Others may connect to its listener; whose connections are its own: see stranger.c. */
    bool own_uid;
    uid_t uid;
    uint64_t known[MAX_KNOWN]; /* connections looked at, plus one; the oldest goes */
    size_t next_known;
    bool gone; /* nothing of its processes is left */
    /* What failed first when it was not the runtime's exit: an extension. Static, heap. */
    const char *fault_type;
    char *fault_text;
    struct mr_list extensions;
    struct telemetry *telemetry; /* NULL: none yet */
    /* With external extensions: its program is the supervisor. */
    bool supervised;
    bool runtime_gone;
    int command_fd, report_fd;
    struct mr_watch *command_watch, *report_watch;
    struct mr_buf commands, reports;
    /* Many at a time. */
    bool many;
    struct mr_list running, pending; /* invocations, by `place` */
    struct mr_list slots;            /* parked nexts */
    size_t running_count, pending_count, slot_count;
    char late[MAX_LATE][MR_UUID_SIZE];
    size_t late_count;
    enum shutdown_step shutdown;
    uint64_t shutdown_ends_us;
    struct mr_timer shutdown_timer;
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
    struct mr_net_peers *peers; /* NULL: not asked yet */
    bool said_no_peers;
    bool stopping, server_stopping;
    mr_loop_fn *stopped;
    void *stopped_context;
};

/* ---- runtime.c ---- */
void entry_unref(struct entry *entry);
/* It was not run. */
void invocation_refuse(struct invocation *invocation, enum mr_invocation_outcome outcome,
                       const char *reason);
/* Decide the outcome; later decisions are ignored. Slices are views, copied when needed. */
void invocation_answer(struct invocation *invocation,
                       const struct mr_invocation_result *result);
/* {"errorType","errorMessage":"RequestId: ID Error: TEXT"} as the platform says it. */
void invocation_fail(struct invocation *invocation, const char *type, const char *text);
/* Nothing more will happen to it: tells the caller if that is still to be done, and frees. */
void invocation_finish(struct invocation *invocation);
void runtime_check_stopped(struct mr_runtime *runtime);

/* ---- pool.c ---- */
/* Find it a place, or throttle it. */
void invocation_place(struct invocation *invocation);
mr_loop_fn pool_on_reap;

/* ---- environment.c ---- */
struct environment *environment_new(struct mr_runtime *runtime, struct entry *entry,
                                    struct mr_slice tenant);
/* False while a debugger holds it. */
bool environment_times_out(const struct environment *environment);
void environment_start(struct environment *environment, struct invocation *invocation);
/* Answer the parked next. */
void environment_dispatch(struct environment *environment, struct invocation *invocation);
void environment_kill(struct environment *environment, enum kill_reason reason);
/* Does nobody run in it, or wait for it? */
bool environment_is_idle(const struct environment *environment);
/* No process, no invocation. */
void environment_free(struct environment *environment);
void environment_ready(struct environment *environment); /* the runtime called next */
/* "exit status 1", "signal: killed". */
void exit_reason(const struct mr_launch_exit *exit, char *out_text, size_t size);
/* The launcher may have to ask for the figure first: done when there is time until REPORT. */
void environment_look_at_memory(struct environment *environment);
/* Runtime and extensions may all have come back: then the init or the invocation is over. */
void environment_settle(struct environment *environment);
/* An extension failed it. `type` is static, `text` is copied. */
void environment_fault(struct environment *environment, const char *type, const char *text);
/* The runtime ended under its supervisor. */
void environment_runtime_gone(struct environment *environment,
                              const struct mr_launch_exit *exit);
/* What waited for it goes on as if it had just come. */
void environment_hand_on_waiting(struct environment *environment);
/* Nothing of its processes is left: no listener, no pipe, nobody who subscribed. */
void environment_forget_process(struct environment *environment);
extern const struct mr_launch_events environment_events;
struct environment *environment_find(struct mr_runtime *runtime, uint64_t id);

/* ---- stranger.c ---- */
/* Is the other end of this exchange not one of the environment's own processes? */
bool environment_is_stranger(struct environment *environment,
                             struct mr_http_exchange *exchange);

/* ---- environment_end.c: also the timers' callbacks ---- */
mr_loop_fn environment_on_init_timeout, environment_on_timeout, environment_on_settled,
    environment_on_waited;
void environment_on_exited(void *context, uint64_t id, const struct mr_launch_exit *exit);

/* ---- routes.c ---- */
extern const struct mr_http_handler runtime_api_handler;

/* ---- api_answer.c ---- */
void api_answer(struct mr_http_exchange *exchange, int status, struct mr_slice type,
                struct mr_slice body);
/* {"errorMessage","errorType"} as Go's encoder writes it. */
void api_answer_error(struct mr_http_exchange *exchange, int status, const char *type,
                      const char *message);
void api_answer_accepted(struct mr_http_exchange *exchange);

/* ---- runtime_api.c ---- */
typedef void(api_serve_fn)(struct environment *environment, struct mr_http_exchange *exchange,
                           const struct mr_http_request *request, struct mr_slice id);
api_serve_fn api_serve_next, api_serve_response, api_serve_error, api_serve_init_error;
void api_take_init_error(struct environment *environment, struct mr_http_exchange *exchange,
                         const struct mr_http_request *request, enum environment_state state);
void api_refuse_transition(struct mr_http_exchange *exchange,
                           const struct environment *environment, const char *target);
bool api_is_current(const struct environment *environment, struct mr_slice id);
struct mr_slice api_response_mode(const struct mr_http_request *request);
/* Put the event into the answer of the parked next. */
void runtime_api_send_event(struct environment *environment);
void runtime_api_write_event(struct mr_http_exchange *exchange, struct invocation *invocation);
/* Decide the invocation by what came, and answer. */
void api_take_response(struct invocation *invocation, struct mr_http_exchange *exchange,
                       const struct mr_http_request *request);
void api_finish_stream(struct invocation *invocation, struct mr_buf *stream,
                       struct mr_http_exchange *exchange,
                       const struct mr_http_request *request);
void api_take_error(struct invocation *invocation, struct mr_http_exchange *exchange,
                    const struct mr_http_request *request);
/* Unix milliseconds at which the invocation's time is over. */
uint64_t invocation_deadline_ms(const struct invocation *invocation);
/* 1.4: the error type a header's value stands for. Thread: any. */
struct mr_slice runtime_error_type(struct mr_slice header);
/* 1.4: what the caller reads of a body with an error cause; into the arena. */
struct mr_slice runtime_error_with_cause(struct mr_slice body, struct mr_arena *arena);

/* ---- many.c ---- */
void many_serve_next(struct environment *environment, struct mr_http_exchange *exchange);
api_serve_fn many_serve_response, many_serve_error;
/* The running invocation of that id; NULL when there is none, or the mode is not on. */
struct invocation *many_find(struct environment *environment, struct mr_slice id);
/* Give it a slot, now or when one comes free; `first`: before those that wait. */
void many_add(struct environment *environment, struct invocation *invocation, bool first);
/* Something changed: start what waits, or rest. */
void many_go_on(struct environment *environment);
/* Its process is gone: fail what ran, place anew what waited. */
void many_end(struct environment *environment);
struct environment *many_find_room(struct mr_runtime *runtime, const struct entry *entry,
                                   struct mr_slice tenant, bool may_wait);

/* ---- restore_api.c ---- */
api_serve_fn api_serve_restore_next, api_serve_restore_error, api_serve_credentials;

/* ---- extensions_api.c ---- */
api_serve_fn api_serve_register, api_serve_event_next, api_serve_extension_init_error,
    api_serve_extension_exit_error;
struct extension_events {
    bool invoke, shutdown;
};
/* What a registration subscribes to. NULL when it is fine; else the error's type, with its
 * message. Thread: any. */
const char *extension_read_events(struct mr_slice body, bool internal,
                                  struct extension_events *out_events, char *message,
                                  size_t size);
/* The extension its identifier names, or NULL when that was answered. */
struct extension *api_extension_of(struct environment *environment,
                                   struct mr_http_exchange *exchange,
                                   const struct mr_http_request *request);

/* ---- extensions.c ---- */
/* As Lambda calls it. */
const char *extension_state_name(const struct extension *extension);
struct extension *extension_new(struct environment *environment, unsigned who,
                                struct mr_slice name);
struct extension *extension_numbered(struct environment *environment, unsigned who);
size_t extensions_count(const struct environment *environment);
/* Has one registered that is not part of the runtime's process? */
bool extensions_external(const struct environment *environment);
bool extensions_registered(const struct environment *environment); /* any at all */
/* May the runtime start: has every external one registered? */
bool extensions_expected(const struct environment *environment);
/* Does nobody keep the init or the invocation from ending? */
bool extensions_settled(const struct environment *environment);
void extensions_send_invoke(struct environment *environment, struct invocation *invocation);
void extension_send_shutdown(struct extension *extension);
void extensions_forget(struct environment *environment);

/* ---- telemetry_api.c ---- */
api_serve_fn api_serve_telemetry, api_serve_logs;
enum telemetry_kind { TELEMETRY_PLATFORM, TELEMETRY_FUNCTION, TELEMETRY_EXTENSION };
struct telemetry_wish {
    unsigned kinds; /* bits 1 << enum telemetry_kind */
    bool lines;     /* TCP, one JSON a line; else POSTs of lists */
    uint16_t port;
    struct mr_slice path; /* a view into the body */
    uint64_t max_items, max_bytes, timeout_ms;
};
/* NULL when it can be done; else what is wrong with it, static. Thread: any. */
const char *telemetry_read(struct mr_slice body, struct telemetry_wish *out_wish);

/* ---- telemetry.c ---- */
/* Would anybody hear of it? */
bool telemetry_wanted(const struct environment *environment);
/* A whole event. */
void telemetry_event(struct environment *environment, enum telemetry_kind kind,
                     struct mr_slice event);
/* A line somebody wrote becomes an event. */
void telemetry_line(struct environment *environment, enum telemetry_kind kind,
                    struct mr_slice line, uint64_t wall_us);
void telemetry_subscribe(struct extension *extension, const struct telemetry_wish *wish);
void telemetry_init_done(struct environment *environment);
void telemetry_delivered(struct environment *environment, unsigned number, unsigned status);
/* Deliver now what is there. */
void telemetry_flush(struct environment *environment);
void telemetry_forget(struct environment *environment);

/* ---- supervised.c ---- */
void supervised_open(struct environment *environment, int command_fd, int report_fd);
void supervised_close(struct environment *environment);
void supervised_command(struct environment *environment, enum mr_supervisor_command command,
                        unsigned who, uint16_t value, struct mr_slice bytes);

/*
 * The next report in `*rest`, which moves behind it. 1: there is one; 0: not all of it yet;
 * -1: it is none. A handler may write what it likes there. Thread: any.
 */
int supervisor_report_take(struct mr_slice *rest, struct mr_supervisor_head *out_head,
                           struct mr_slice *out_bytes);

/* ---- shutdown.c ---- */
/* Processes that asked for it get their signals and events. False: nobody did, just kill. */
bool shutdown_begin(struct environment *environment);
/* One of its processes ended. */
void shutdown_go_on(struct environment *environment);
void shutdown_timer_init(struct environment *environment);

/* ---- log_report.c ---- */
void log_platform(struct environment *environment, struct invocation *invocation,
                  struct mr_slice line);
/* What went wrong, in the platform's words: an object of level ERROR in a JSON log. */
void log_problem(struct environment *environment, struct invocation *invocation,
                 struct mr_slice text);
void log_function(struct environment *environment, const struct mr_log_line *line);
/* Read what the handler has written so far, as far as a pipe holds it. */
void log_drain(struct environment *environment);
/*
 * The pipe is readable: read some. Who writes more than LOG_WINDOW_BYTES in LOG_WINDOW_MS is
 * not read until the next window, so it waits, and nobody else does. Nothing is dropped.
 */
void log_read(struct environment *environment);
void log_timer_init(struct environment *environment);
void log_time(char out_time[32], uint64_t wall_us);
void log_extension_output(struct extension *extension, struct mr_slice line);

/* ---- platform_events.c ---- */
void log_init_start(struct environment *environment);
/* `status` is "success", "error" or "timeout"; `type` may be NULL. */
void log_init_runtime_done(struct environment *environment, const char *status,
                           const char *type);
void log_init_report(struct environment *environment, const char *status, const char *type);
/* SnapStart: from restore/next to next. */
void log_restore(struct environment *environment, const char *status, const char *type);
/* Where it stands, once it has called next or failed. */
void log_extension(struct extension *extension);
void log_subscription(struct extension *extension, struct mr_slice types);
void log_start(struct environment *environment, struct invocation *invocation);
/* Once an invocation, however it came to its end. */
void log_runtime_done(struct environment *environment, struct invocation *invocation);
void log_end(struct environment *environment, struct invocation *invocation);

/* ---- program.c ---- */
struct program {
    struct mr_slice *args;
    size_t arg_count;
    struct mr_slice *env;
    size_t env_count;
    struct mr_slice runtime_dir;
    bool managed;                /* an interpreter with a bootstrap of ours */
    bool supervised;             /* `extensions` are started beside it */
    struct mr_slice *extensions; /* file names in /opt/extensions */
    size_t extension_count;
};
/* What to start for this function, in the arena. -ENOENT: no entry point. */
int program_of(struct environment *environment, struct mr_arena *arena,
               struct program *out_program, struct mr_error *err);
/* "on-demand", ... as the runtime and the log see it. */
const char *program_init_type(const struct environment *environment);
/* Can it ever run here? -EINVAL with a sentence when not. */
int program_check(const struct mr_function *function, struct mr_error *err);

#endif
