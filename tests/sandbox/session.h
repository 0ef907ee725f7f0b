/* session: a daemon and its client for a test, and waiting with an end. */
#ifndef MR_TESTS_SANDBOX_SESSION_H
#define MR_TESTS_SANDBOX_SESSION_H

#include <stdbool.h>

#include "base/buf.h"
#include "sandbox/client.h"

enum { SESSION_ENVIRONMENTS = 64 };

/* As `hide`: L0, no sandbox at all. */
#define SESSION_OFF (1u << 31)

/* What is known of one environment. */
struct place {
    bool launched, failed, exited;
    struct mr_sandbox_process process;
    struct mr_error failure;
    struct mr_sandbox_exit exit;
    struct mr_sandbox_usage usage;
    bool used;
    int exit_count;
    int denied_count;
    char denied[MR_SANDBOX_TEXT];
    struct mr_buf log;
};

struct session {
    pid_t daemon;
    struct mr_sandbox_client *client;
    struct mr_sandbox_hello hello;
    bool greeted, lost;
    struct place places[SESSION_ENVIRONMENTS]; /* by environment */
};

/* As who we are, or, where that is root, as uid nobody; `hide` takes mechanisms away. Waits for the hello. */
void session_open(struct session *session, bool as_nobody, uint32_t hide);
void session_close(struct session *session);

/* Launches `sh -c script` with room enough; `launch` may be NULL, or have more set. */
void session_start(struct session *session, uint64_t environment, const char *script,
                   const struct mr_sandbox_launch *launch);
/* Reads logs and events until `*flag` is true. False after 20 seconds. */
bool session_wait(struct session *session, const bool *flag);
/* Until the log of `environment` holds `text`. */
bool session_wait_log(struct session *session, uint64_t environment, const char *text);
/* start, wait for its exit, and its log as a string. */
const char *session_run(struct session *session, uint64_t environment, const char *script,
                        const struct mr_sandbox_launch *launch);

/* How many processes run that descend from this one, the session's daemon not counted. */
int count_descendants(const struct session *session);
/* Waits until there are none; false after 10 seconds. */
bool nothing_left(const struct session *session);

#endif
