/*
 * millrace up: a template, running: built, created, mapped, watched; Ctrl-C drains and stops.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/template_flags.h"
#include "cli/terminal.h"
#include "cli/up.h"
#include "cli/verb.h"

enum {
    FRESH = 256,
    OUTPUT,
    LAMBDA_LOG,
    SANDBOX,
    NETWORK,
    DURABILITY,
    LIMITS,
    WATCH,
    NO_BUILD,
    NO_TEMPLATE,
    DEBUG,
    DEBUG_PORT = 2345,
    AWS_CADENCE,
    BACKOFF,
    SAME_SIGNAL_MS = 300,
};

static const struct argp_option options[] = {
    { "port", 'p', "N", 0, "Listen on this port for Kinesis and Lambda; 0 picks one (4566)",
      0 },
    { "data", 'd', "DIR", 0, "Keep everything in this directory (.millrace)", 0 },
    { "fresh", FRESH, NULL, 0, "Begin anew: forget streams, records and positions", 0 },
    { "no-template", NO_TEMPLATE, NULL, 0,
      "Serve the APIs alone: streams, functions and mappings are made by their callers", 1 },
    { "no-build", NO_BUILD, NULL, 0, "Run what the last build left", 1 },
    { "watch", 'w', NULL, 0, "Build and reload when code or template change", 1 },
    { "debug", DEBUG, "FUNCTION[=PORT]", 0,
      "Start this function under gdbserver on a loopback port (2345), one at a time; no timeout "
      "ends it, and no record grows too old",
      1 },
    { "output", OUTPUT, "text|json", 0, "json: one object a line", 2 },
    { "lambda-log", LAMBDA_LOG, NULL, 0, "Print Lambda's START, END and REPORT lines", 2 },
    { "quiet", 'q', NULL, 0, "No line for each batch", 2 },
    { "sandbox", SANDBOX, "auto|require:LEVEL|off", 0,
      "How handlers are shut in; require fails when the host cannot (auto)", 3 },
    { "network", NETWORK, "none|host", 0, "What network handlers have (host)", 3 },
    { "durability", DURABILITY, "sync|os", 0,
      "What was acknowledged survives a power cut, or a crash of a process (os)", 3 },
    { "limits", LIMITS, "none|aws", 0, "Keep AWS's rates per shard (none)", 3 },
    { "aws-cadence", AWS_CADENCE, NULL, 0, "Read shards as seldom as AWS does", 3 },
    { "backoff-ms", BACKOFF, "N", 0, "The first pause before a retry", 3 },
    { 0 },
};

/* FUNCTION, or FUNCTION=PORT. */
static void
debug(struct argp_state *state, struct mr_up_flags *flags, const char *text)
{
    const char *equals = strchr(text, '=');
    if (access("/usr/bin/gdbserver", X_OK) < 0) {
        argp_error(state, "--debug needs gdbserver; install it with: apt-get install gdbserver");
    }
    free(flags->debug_function);
    flags->debug_function =
        equals == NULL ? mr_strdup(text)
                       : mr_slice_dup(mr_slice_of(text, (size_t)(equals - text)));
    flags->debug_port = equals == NULL
                            ? DEBUG_PORT
                            : (uint16_t)mr_flag_number(state, "--debug", equals + 1, 1,
                                                       UINT16_MAX);
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const outputs[] = { "text", "json", NULL };
    static const char *const networks[] = { "none", "host", NULL };
    static const char *const durabilities[] = { "sync", "os", NULL };
    static const char *const limits[] = { "none", "aws", NULL };
    struct mr_up_flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->template;
        break;
    case 'p':
        flags->port = mr_flag_number(state, "--port", arg, 0, UINT16_MAX);
        break;
    case 'd':
        flags->data = arg;
        break;
    case FRESH:
        flags->fresh = true;
        break;
    case DEBUG:
        debug(state, flags, arg);
        break;
    case NO_TEMPLATE:
        flags->no_template = true;
        break;
    case NO_BUILD:
        flags->no_build = true;
        break;
    case 'w':
        flags->watch = true;
        break;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        break;
    case LAMBDA_LOG:
        flags->lambda_log = true;
        break;
    case 'q':
        flags->quiet = true;
        break;
    case SANDBOX:
        if (strcmp(arg, "auto") != 0 && strcmp(arg, "off") != 0 &&
            strncmp(arg, "require:", 8) != 0) {
            argp_error(state, "--sandbox is auto, off, or require:L1 (L2, L3), not \"%s\"",
                       arg);
        }
        flags->sandbox = arg;
        break;
    case NETWORK:
        flags->network = networks[mr_flag_choice(state, "--network", arg, networks)];
        break;
    case DURABILITY:
        flags->durability =
            durabilities[mr_flag_choice(state, "--durability", arg, durabilities)];
        break;
    case LIMITS:
        flags->limits = limits[mr_flag_choice(state, "--limits", arg, limits)];
        break;
    case AWS_CADENCE:
        flags->aws_cadence = true;
        break;
    case BACKOFF:
        mr_flag_number(state, "--backoff-ms", arg, 1, 3600000);
        flags->backoff_ms = arg;
        break;
    case ARGP_KEY_END:
        if (flags->debug_function != NULL && flags->network != NULL &&
            strcmp(flags->network, "none") == 0) {
            argp_error(state, "--debug needs --network host: the debugger comes over loopback");
        }
        if (flags->no_template && (flags->watch || flags->template.path != NULL)) {
            argp_error(state, "--no-template goes with neither --template nor --watch");
        }
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is not an option; a template is named with -t", arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- the template ---- */

/* Is --debug's function one of the template? */
static int
check_debug(const struct mr_up *up, struct mr_error *err)
{
    const char *name = up->flags->debug_function;
    for (size_t i = 0; name != NULL && i < up->model->function_count; i++) {
        if (strcmp(up->model->functions[i].logical_id, name) == 0) {
            return 0;
        }
    }
    return name == NULL ? 0
                        : mr_fail(err, -EINVAL, "--debug: \"%.80s\" is no function of %.100s", name,
                                  up->template_path);
}

static int
load(struct mr_up *up, struct mr_error *err)
{
    if (up->flags->no_template) {
        up->template_path = mr_strdup("no template");
        up->template = mr_template_flags_nothing(&up->flags->template);
    } else {
        up->template_path = mr_template_flags_path(&up->flags->template, err);
        if (up->template_path == NULL) {
            return err->code;
        }
        up->template = mr_template_flags_load(&up->flags->template, up->template_path, err);
        if (up->template == NULL) {
            return err->code;
        }
    }
    up->model = mr_template_model_of(up->template);
    return check_debug(up, err);
}

/* ---- building ---- */

int
mr_up_build_one(struct mr_up *up, size_t index, struct mr_error *err)
{
    const struct mr_template_function *function = &up->model->functions[index];
    struct mr_build build = { .data = up->data, .say = &up->say, .given_up = &up->interrupted };
    char *code = NULL;
    mr_auto_free char *last = mr_format("%s/build/%s", up->data, function->logical_id);
    if (up->flags->no_build && function->build_method != NULL && access(last, R_OK) == 0) {
        code = mr_strdup(last);
    } else if (mr_build_function(&build, function, &code, err) < 0) {
        return err->code;
    }
    free(up->codes[index]);
    up->codes[index] = code;
    return 0;
}

static int
build_all(struct mr_up *up, struct mr_error *err)
{
    up->codes = mr_alloc_zero(up->model->function_count + 1, sizeof(*up->codes));
    for (size_t i = 0; i < up->model->function_count; i++) {
        int result = mr_up_build_one(up, i, err);
        if (result == -ENOTSUP) {
            mr_say_warn(&up->say, "skip", "function  %s", err->text);
        } else if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* ---- coming up ---- */

static int
remember(struct mr_up *up, struct mr_error *err)
{
    mr_auto_free char *template = realpath(up->template_path, NULL);
    mr_state_file_set(up->state, "endpoint", up->endpoint);
    mr_state_file_set(up->state, "region", up->model->region);
    mr_state_file_set(up->state, "account", up->model->account_id);
    mr_state_file_set(up->state, "template", template);
    mr_state_file_set_number(up->state, "pid", getpid());
    mr_up_remember_pid(up, up->streamd);
    mr_up_remember_pid(up, up->millraced);
    return mr_state_file_write(up->state, err);
}

int
mr_up_apply(struct mr_up *up, bool quiet, struct mr_error *err)
{
    struct mr_apply apply = {
        .remote = &up->remote,
        .say = &up->say,
        .model = up->model,
        .codes = up->codes,
        .state = up->state,
        .quiet = quiet,
        .debug_function = up->flags->debug_function,
        .debug_port = up->flags->debug_port,
    };
    return mr_apply(&apply, err);
}

static int
open_remote(struct mr_up *up)
{
    struct mr_place_flags flags = { .endpoint = up->endpoint,
                                    .region = up->model->region,
                                    .data = up->data };
    mr_auto_place struct mr_place place;
    mr_place_find(&place, &flags);
    mr_remote_init(&up->remote, up->loop, &place);
    up->remote.given_up = &up->interrupted;
    return 0;
}

static int
come_up(struct mr_up *up, struct mr_error *err)
{
    up->built_us = mr_clock_now_us(mr_clock_system());
    if (mr_up_start_daemons(up, err) < 0) {
        return err->code;
    }
    open_remote(up);
    if (remember(up, err) < 0 || mr_up_apply(up, false, err) < 0) {
        return err->code;
    }
    mr_up_say_ready(up);
    return 0;
}

/* ---- running ---- */

static void
on_signal(int signal_number, void *context)
{
    struct mr_up *up = context;
    uint64_t now_ms = mr_clock_now_ms(mr_clock_system());
    (void)signal_number;
    /* A wrapper passes on what the terminal has sent us already: that is one wish, not two. */
    if (!up->interrupted || now_ms - up->signalled_ms > SAME_SIGNAL_MS) {
        up->signals++;
    }
    up->signalled_ms = now_ms;
    up->interrupted = true;
    mr_loop_stop(up->loop);
}

static char *
feed_url(void *context)
{
    const struct mr_up *up = context;
    return mr_format("%s/_millrace/events?follow=1&since=%llu", up->endpoint,
                     (unsigned long long)mr_batch_lines_next(up->lines));
}

static void
on_feed_line(struct mr_slice line, void *context)
{
    struct mr_up *up = context;
    mr_batch_lines_take(line, up->lines);
}

/* Lines speak of logical IDs. */
void
mr_up_name_functions(struct mr_up *up)
{
    for (size_t i = 0; i < up->model->function_count; i++) {
        mr_batch_lines_name(up->lines, up->model->functions[i].name,
                            up->model->functions[i].logical_id);
    }
}

static int
serve(struct mr_up *up)
{
    up->serving = true;
    up->lines = mr_batch_lines_new(&up->say, up->flags->quiet        ? MR_BATCH_QUIET
                                             : up->flags->lambda_log ? MR_BATCH_LAMBDA_LOG
                                                                     : MR_BATCH_USUAL);
    mr_up_name_functions(up);
    up->follow = mr_follow_new(up->loop, feed_url, on_feed_line, up);
    if (up->flags->watch) {
        up->watch = mr_up_watch_new(up);
    }
    while (!up->interrupted) {
        mr_loop_run(up->loop);
        mr_up_watch_work(up->watch);
    }
    mr_up_watch_free(MR_TAKE(up->watch));
    mr_say_line(&up->say, "stop",
                "finishing the batches under way; Ctrl-C again does not wait");
    bool drained = mr_up_stop_daemons(up);
    mr_say_line(&up->say, "stopped", "%s",
                drained ? "everything is checkpointed; `millrace up` goes on from here"
                        : "without waiting; what was not checkpointed comes again");
    return drained ? MR_EXIT_OK : MR_EXIT_INTERRUPTED;
}

static int
exit_code_of(int code)
{
    switch (code) {
    case -EINTR:
        return MR_EXIT_INTERRUPTED;
    case -ENOEXEC:
        return MR_EXIT_BUILD;
    case -EADDRINUSE:
    case -EBUSY:
    case -ECHILD:
    case -EACCES:
    case -EPERM:
        return MR_EXIT_CANNOT;
    default:
        return MR_EXIT_FAILED;
    }
}

static int
fail_with(struct mr_up *up, int exit_code, const struct mr_error *err)
{
    mr_say_status(&up->say, "");
    return mr_complain(exit_code, "%s", err->text);
}

static int
run(struct mr_up *up)
{
    struct mr_error err = { 0 };
    if (load(up, &err) < 0) {
        return fail_with(up, MR_EXIT_TEMPLATE, &err);
    }
    int result = mr_up_open_data(up, &err);
    if (result == 0) {
        mr_up_open_state(up);
        mr_up_wait_for_predecessors(up);
        result = mr_up_check_port(up, &err);
    }
    if (result == 0 && up->flags->fresh) {
        result = mr_up_begin_anew(up, &err);
    }
    if (result == 0) {
        mr_up_say_banner(up);
        result = build_all(up, &err);
    }
    if (result == 0) {
        result = mr_up_open_sockets(up, &err);
    }
    if (result == 0) {
        result = come_up(up, &err);
    }
    if (result == 0) {
        return serve(up);
    }
    int exit_code = fail_with(up, exit_code_of(result), &err);
    mr_up_stop_daemons(up);
    return exit_code;
}

static void
free_all(struct mr_up *up)
{
    mr_follow_free(up->follow);
    mr_daemon_free(up->millraced);
    mr_daemon_free(up->streamd);
    mr_remote_deinit(&up->remote);
    mr_batch_lines_free(up->lines);
    mr_state_file_close(up->state);
    for (size_t i = 0; up->codes != NULL && i < up->model->function_count; i++) {
        free(up->codes[i]);
    }
    free(up->codes);
    mr_template_free(up->template);
    mr_up_close_sockets(up);
    free(up->sockets);
    free(up->template_path);
    free(up->data);
    if (up->lock_fd >= 0) {
        close(up->lock_fd);
    }
    mr_say_deinit(&up->say);
    mr_arena_deinit(&up->arena);
}

int
mr_verb_up(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_template_argp, 0, "Template:", 0 },
                                                  { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .doc = "Build a template's functions, make its streams, run its event source mappings, "
               "and show every batch. Ctrl-C finishes what is under way and stops.\v"
               "One endpoint serves Kinesis and Lambda: eval \"$(millrace env)\" points AWS's "
               "tools at it. Started again on the same data directory, every mapping goes on "
               "where it was.",
    };
    struct mr_up_flags flags = {
        .port = 4566,
        .data = getenv("MILLRACE_DATA"),
        .sandbox = "auto",
        .network = "host",
        .durability = "os",
        .limits = "none",
    };
    if (flags.data == NULL || flags.data[0] == '\0') {
        flags.data = ".millrace";
    }
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    struct mr_up up = { .flags = &flags, .lock_fd = -1 };
    mr_say_init(&up.say, flags.json_output);
    up.loop = mr_loop_new(NULL);
    struct mr_signal *interrupt = mr_signal_new(up.loop, SIGINT, on_signal, &up);
    struct mr_signal *terminate = mr_signal_new(up.loop, SIGTERM, on_signal, &up);
    struct mr_signal *hang_up = mr_signal_new(up.loop, SIGHUP, on_signal, &up);

    int exit_code = run(&up);

    free_all(&up);
    free(flags.debug_function);
    mr_signal_free(interrupt);
    mr_signal_free(terminate);
    mr_signal_free(hang_up);
    mr_loop_free(up.loop);
    return exit_code;
}
