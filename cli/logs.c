/*
 * millrace logs: what functions wrote, and what happened to their batches, now or as it comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "cli/batch_lines.h"
#include "cli/follow.h"
#include "cli/place.h"
#include "cli/remote.h"
#include "cli/verb.h"

enum { BATCHES = 256, OUTPUT, DAEMON };

static const struct argp_option options[] = {
    { "follow", 'f', NULL, 0, "Go on as lines come", 0 },
    { "batches", 'b', NULL, 0, "Lines about batches too", 0 },
    { "output", OUTPUT, "text|json", 0, "json: the daemon's own lines", 0 },
    { "daemon", DAEMON, "streamd|millraced", 0, "What that daemon says of itself instead", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *function, *daemon;
    bool follow, batches, json_output;
};

struct logs {
    const struct flags *flags;
    struct mr_place place;
    struct mr_say say;
    struct mr_batch_lines *lines;
    struct mr_loop *loop;
    const char *name; /* of the function; NULL: all */
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const outputs[] = { "text", "json", NULL };
    static const char *const daemons[] = { "streamd", "millraced", NULL };
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case 'f':
        flags->follow = true;
        return 0;
    case 'b':
        flags->batches = true;
        return 0;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        return 0;
    case DAEMON:
        flags->daemon = daemons[mr_flag_choice(state, "--daemon", arg, daemons)];
        return 0;
    case ARGP_KEY_ARG:
        flags->function = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Is the line about the function that was asked for? */
static bool
is_wanted(const struct logs *logs, struct mr_slice line)
{
    struct mr_json json = mr_json_of(line);
    struct mr_slice key, function = { 0 };
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "function") || !mr_json_string_raw(&json, &function)) {
            mr_json_skip(&json);
        }
    }
    return logs->name == NULL || mr_slice_is(function, logs->name);
}

static void
on_line(struct mr_slice line, void *context)
{
    struct logs *logs = context;
    if (is_wanted(logs, line)) {
        mr_batch_lines_take(line, logs->lines);
    }
}

static char *
feed_url(void *context)
{
    const struct logs *logs = context;
    return mr_format("%s/_millrace/events?follow=1&since=%llu", logs->place.endpoint.value,
                     (unsigned long long)mr_batch_lines_next(logs->lines));
}

static void
on_signal(int signal_number, void *context)
{
    (void)signal_number;
    mr_loop_stop(((struct logs *)context)->loop);
}

static int
follow(struct logs *logs)
{
    logs->loop = mr_loop_new(NULL);
    struct mr_signal *interrupt = mr_signal_new(logs->loop, SIGINT, on_signal, logs);
    struct mr_signal *terminate = mr_signal_new(logs->loop, SIGTERM, on_signal, logs);
    struct mr_follow *feed = mr_follow_new(logs->loop, feed_url, on_line, logs);
    mr_loop_run(logs->loop);
    mr_follow_free(feed);
    mr_signal_free(interrupt);
    mr_signal_free(terminate);
    mr_loop_free(logs->loop);
    return MR_EXIT_OK;
}

static int
show(struct logs *logs)
{
    struct mr_error err = { 0 };
    mr_auto_remote struct mr_remote remote;
    mr_remote_init(&remote, NULL, &logs->place);
    if (mr_remote_lambda(&remote, "GET", "/_millrace/events", (struct mr_slice){ 0 }, &err) <
        0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    struct mr_slice rest = mr_buf_slice(&remote.body);
    while (rest.size > 0) {
        on_line(mr_slice_cut(&rest, '\n'), logs);
    }
    return MR_EXIT_OK;
}

static int
show_daemon(struct logs *logs)
{
    char text[16 * 1024];
    ssize_t got;
    mr_auto_free char *path =
        mr_format("%s/log/%s.log", logs->place.data.value, logs->flags->daemon);
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return mr_complain(MR_EXIT_FAILED, "open %s: %s", path, strerror(errno));
    }
    while ((got = read(fd, text, sizeof(text))) > 0) {
        fwrite(text, 1, (size_t)got, stdout);
    }
    return MR_EXIT_OK;
}

int
mr_verb_logs(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[FUNCTION]",
        .children = children,
        .doc =
            "Show what functions wrote, between Lambda's START, END and REPORT lines; as far "
            "back as the daemon remembers.\v"
            "FUNCTION is a name, or a logical ID of the template that is up.",
    };
    struct flags flags = { 0 };
    struct logs logs = { .flags = &flags };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&logs.place, &flags.place);
    mr_say_init(&logs.say, flags.json_output);
    logs.lines =
        mr_batch_lines_new(&logs.say, flags.batches ? MR_BATCH_USUAL : MR_BATCH_LAMBDA_LOG);
    logs.name =
        flags.function == NULL ? NULL : mr_place_name(&logs.place, "functions", flags.function);
    int exit_code = flags.daemon != NULL ? show_daemon(&logs)
                    : flags.follow       ? follow(&logs)
                                         : show(&logs);
    mr_batch_lines_free(logs.lines);
    mr_say_deinit(&logs.say);
    mr_place_deinit(&logs.place);
    return exit_code;
}
