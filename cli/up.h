/*
 * up: what `millrace up` holds while it runs; shared by up*.c, and by nobody else.
 */
#ifndef MR_CLI_UP_H
#define MR_CLI_UP_H

#include "base/arena.h"
#include "cli/apply.h"
#include "cli/batch_lines.h"
#include "cli/build.h"
#include "cli/daemons.h"
#include "cli/follow.h"
#include "cli/remote.h"
#include "cli/say.h"
#include "cli/state_file.h"
#include "cli/template_flags.h"
#include "sam-templates/template.h"

struct mr_up_flags {
    struct mr_template_flags template;
    const char *data, *sandbox, *network, *durability, *limits, *backoff_ms;
    uint64_t port;
    bool fresh, no_build, watch, json_output, lambda_log, quiet, aws_cadence;
    bool no_template;
    char *debug_function; /* NULL: none */
    uint16_t debug_port;
};

struct mr_up_watch;

struct mr_up {
    const struct mr_up_flags *flags;
    struct mr_arena arena;
    struct mr_say say;
    struct mr_loop *loop;
    volatile bool interrupted; /* by a signal: whoever waits gives up */
    int signals;
    uint64_t signalled_ms; /* when the last one came */
    bool serving;

    char *template_path;
    struct mr_template *template;
    const struct mr_template_model *model; /* the template's */
    char **codes; /* of model->functions; NULL where one cannot run here */

    char *data; /* absolute */
    int lock_fd;
    char *sockets; /* the directory they are in */
    bool own_sockets;
    struct mr_daemon *streamd, *millraced;
    uint64_t port;
    const char *endpoint;
    struct mr_remote remote;
    struct mr_state_file *state;
    struct mr_follow *follow;
    struct mr_batch_lines *lines;
    struct mr_up_watch *watch;
    uint64_t built_us; /* when the builds were done */
};

/* ---- up_data.c ---- */

/* Absolute, there, and ours alone while we run: -EBUSY when another `up` has it. */
int mr_up_open_data(struct mr_up *up, struct mr_error *err) MR_MUST_USE;
/* Read up.json (again). */
void mr_up_open_state(struct mr_up *up);
/* Until the daemons of an `up` that was killed have stopped; not for ever. */
void mr_up_wait_for_predecessors(struct mr_up *up);
/* Remove what an earlier `up` left here, and only that. */
int mr_up_begin_anew(struct mr_up *up, struct mr_error *err) MR_MUST_USE;
/* A port somebody has: -EADDRINUSE with what to do. */
int mr_up_check_port(const struct mr_up *up, struct mr_error *err) MR_MUST_USE;
/* Choose a directory whose path is short enough for sockets; and remove them. */
int mr_up_open_sockets(struct mr_up *up, struct mr_error *err) MR_MUST_USE;
void mr_up_close_sockets(const struct mr_up *up);

/* ---- up_daemons.c ---- */

/* streamd, then millraced; both are ready when it returns 0. */
int mr_up_start_daemons(struct mr_up *up, struct mr_error *err) MR_MUST_USE;
/* millraced drains, then streamd. False when a further signal made us kill. */
bool mr_up_stop_daemons(struct mr_up *up);
/* Into the state, not yet into the file. */
void mr_up_remember_pid(struct mr_up *up, const struct mr_daemon *daemon);

/* ---- up_say.c ---- */

void mr_up_say_banner(struct mr_up *up);
/* Outputs, isolation, where it listens, that it is ready. */
void mr_up_say_ready(struct mr_up *up);

/* ---- up.c ---- */

/* Build one function and keep where its code is. */
int mr_up_build_one(struct mr_up *up, size_t index, struct mr_error *err) MR_MUST_USE;
/* Make what the model says true. `quiet`: say only what changed. */
int mr_up_apply(struct mr_up *up, bool quiet, struct mr_error *err) MR_MUST_USE;

/* Show functions by the logical IDs of the template as it is now. */
void mr_up_name_functions(struct mr_up *up);

/* ---- up_watch.c ---- */

/* Sees when code or template change, and then stops the loop: */
struct mr_up_watch *mr_up_watch_new(struct mr_up *up);
/* build and apply what has changed, if something has. NULL is fine. */
void mr_up_watch_work(struct mr_up_watch *watch);
void mr_up_watch_free(struct mr_up_watch *watch); /* NULL is fine */

#endif
