/*
 * daemons: a program of ours that runs as long as we do.
 *
 * Started with its log in a file and a pipe on which it says that it is ready;
 * started again when it falls, later each time it falls soon; stopped by SIGTERM
 * to its pid, and by SIGKILL when it does not heed that. It is a process group of
 * its own, so a Ctrl-C in our terminal reaches us alone and we stop things in
 * order; and it gets SIGTERM from the kernel when we die.
 *
 * One loop, which outlives it.
 */
#ifndef MR_CLI_DAEMONS_H
#define MR_CLI_DAEMONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/auto.h"
#include "base/error.h"
#include "net/loop.h"

struct mr_daemon;

enum mr_daemon_event {
    MR_DAEMON_READY, /* `text`: what stands behind READY, "" or a port */
    MR_DAEMON_FELL,  /* `text`: why, for a person; it is started again by itself */
    MR_DAEMON_ENDED, /* after a stop, or after it fell before it was ever ready */
};

typedef void(mr_daemon_fn)(struct mr_daemon *daemon, enum mr_daemon_event event,
                           const char *text, void *context);

enum {
    MR_DAEMON_FIRST_BACKOFF_MS = 100,
    MR_DAEMON_LAST_BACKOFF_MS = 5000,
    MR_DAEMON_STEADY_MS = 10000, /* lived that long: its next fall counts as a first one */
    MR_DAEMON_MAX_LOG_BYTES = 16 << 20, /* a longer log is begun anew at a start */
};

/* Copies. `program` is "millrace-streamd"; see mr_program_find. */
struct mr_daemon *mr_daemon_new(struct mr_loop *loop, const char *program, const char *log_path,
                                mr_daemon_fn *fn, void *context);
/* Kills it at once when it runs. NULL is fine. */
void mr_daemon_free(struct mr_daemon *daemon);
MR_AUTO_DEFINE(struct mr_daemon, mr_daemon_free)

/* The arguments of the next start, without the program's name; ends in NULL. Copied.
 * "--ready-fd N" is put behind them. */
void mr_daemon_set_arguments(struct mr_daemon *daemon, const char *const *arguments);

int mr_daemon_start(struct mr_daemon *daemon, struct mr_error *err) MR_MUST_USE;
/*
 * Run the loop until it is ready. Fails when it ends first, with the last line of its log;
 * -ETIMEDOUT, or -EINTR when `*given_up` (may be NULL) becomes true.
 */
int mr_daemon_wait_ready(struct mr_daemon *daemon, uint64_t timeout_ms,
                         const volatile bool *given_up, struct mr_error *err) MR_MUST_USE;
/* What stood behind READY. */
const char *mr_daemon_ready_text(const struct mr_daemon *daemon);

/* Ask it to end; MR_DAEMON_ENDED comes later. After `grace_ms` it is killed. */
void mr_daemon_stop(struct mr_daemon *daemon, uint64_t grace_ms);
void mr_daemon_kill(struct mr_daemon *daemon);
bool mr_daemon_is_running(const struct mr_daemon *daemon);
bool mr_daemon_is_ready(const struct mr_daemon *daemon);
pid_t mr_daemon_pid(const struct mr_daemon *daemon);
const char *mr_daemon_program(const struct mr_daemon *daemon);

/*
 * The path of a program of ours: beside this one, in ../lib/millrace, or on PATH. The caller's
 * to free; NULL when it is nowhere.
 */
char *mr_program_find(const char *program);

#endif
