/*
 * millrace replay: a recorded invocation once more, past any stream: no checkpoint moves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <argp.h>
#include <jansson.h>

#include "base/alloc.h"
#include "cli/place.h"
#include "cli/remote.h"
#include "cli/replay_debug.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { EVENT = 256, ALL_FAILED, GDB, VALGRIND, STRACE, BARE, MAX_LISTED = 1000 };

static const struct argp_option options[] = {
    { "list", 'l', NULL, 0, "List what is recorded, the newest first", 0 },
    { "failed", ALL_FAILED, NULL, 0, "Of the list: only what failed; else: replay all of those",
      0 },
    { "event", EVENT, NULL, 0, "Print the recorded event instead", 0 },
    { "gdb", GDB, NULL, 0, "Under gdb, with its code here and without a sandbox", 1 },
    { "valgrind", VALGRIND, NULL, 0, "The same under valgrind", 1 },
    { "strace", STRACE, NULL, 0, "The same under strace", 1 },
    { "bare", BARE, NULL, 0, "The same without any tool", 1 },
    { "to", 't', "FUNCTION", 0, "Give it to another function", 0 },
    { "limit", 'n', "N", 0, "Of the list and of --failed: at most N (20)", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *id, *to;
    bool list, failed, event, debug;
    enum mr_replay_tool tool;
    uint64_t limit;
};

struct replay {
    const struct flags *flags;
    struct mr_place place;
    struct mr_remote remote;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case 'l':
        flags->list = true;
        return 0;
    case ALL_FAILED:
        flags->failed = true;
        return 0;
    case EVENT:
        flags->event = true;
        return 0;
    case GDB:
    case VALGRIND:
    case STRACE:
    case BARE:
        flags->debug = true;
        flags->tool = (enum mr_replay_tool)(key - GDB);
        return 0;
    case 't':
        flags->to = arg;
        return 0;
    case 'n':
        flags->limit = mr_flag_number(state, "--limit", arg, 1, MAX_LISTED);
        return 0;
    case ARGP_KEY_ARG:
        if (flags->id != NULL) {
            argp_error(state, "one at a time; \"%s\" is one too many", arg);
        }
        flags->id = arg;
        return 0;
    case ARGP_KEY_END:
        if (flags->id == NULL && !flags->list && !flags->failed) {
            argp_error(state,
                       "which? a batch (b7.R.L), a request id, a number; --list shows them");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *
text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? "" : value;
}

static const char *
function_of(const json_t *invocation)
{
    const char *part = strrchr(text(invocation, "function"), ':');
    return part == NULL ? text(invocation, "function") : part + 1;
}

static int
ask(struct replay *replay, const char *path, json_t **out_answer, struct mr_error *err)
{
    struct mr_remote *remote = &replay->remote;
    if (mr_remote_lambda(remote, "GET", path, (struct mr_slice){ 0 }, err) < 0) {
        return err->code;
    }
    *out_answer = json_loadb((const char *)remote->body.data, remote->body.size, 0, NULL);
    return *out_answer == NULL ? mr_fail(err, -EBADMSG, "the history is no JSON") : 0;
}

static void
print_entry(const json_t *entry)
{
    char when[16];
    time_t seconds = (time_t)(json_integer_value(json_object_get(entry, "startedMs")) / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(when, sizeof(when), "%H:%M:%S", &local);
    bool good = strcmp(text(entry, "outcome"), "ok") == 0;
    printf("%5lld  %s  %-10s %-20s try %lld  %s%s%s %s  %.1f ms\n",
           json_integer_value(json_object_get(entry, "id")), when, text(entry, "batch"),
           function_of(entry), json_integer_value(json_object_get(entry, "attempt")),
           mr_colour(stdout, good ? MR_GREEN : MR_RED), text(entry, "outcome"),
           mr_colour(stdout, MR_PLAIN), text(entry, "errorType"),
           (double)json_integer_value(json_object_get(entry, "durationUs")) / 1000.0);
}

/* The event goes to the function; its answer is printed. 1: it failed (again). */
static int
run_again(struct replay *replay, const json_t *invocation, struct mr_error *err)
{
    const char *function = replay->flags->to == NULL
                               ? function_of(invocation)
                               : mr_place_name(&replay->place, "functions", replay->flags->to);
    mr_auto_free char *event =
        json_dumps(json_object_get(invocation, "event"), JSON_COMPACT | JSON_ENCODE_ANY);
    if (replay->flags->event) {
        puts(event);
        return 0;
    }
    if (replay->flags->debug) {
        return mr_replay_debug(&replay->remote, replay->flags->tool, function,
                               mr_slice_str(event), err);
    }
    mr_auto_free char *path = mr_format("/2015-03-31/functions/%s/invocations", function);
    if (mr_remote_invoke(&replay->remote, path, "RequestResponse", false, mr_slice_str(event),
                         err) < 0) {
        return err->code;
    }
    const struct mr_remote *remote = &replay->remote;
    printf("%s  %s  %s  %.*s\n", text(invocation, "batch"), function,
           remote->function_error[0] == '\0' ? "ok" : remote->function_error,
           MR_SLICE_ARGS(mr_buf_slice(&remote->body)));
    return remote->function_error[0] == '\0' ? 0 : 1;
}

static int
run_one(struct replay *replay, const char *id, struct mr_error *err)
{
    json_t *invocation = NULL;
    mr_auto_free char *path = mr_format("/_millrace/history/%s", id);
    if (ask(replay, path, &invocation, err) < 0) {
        return err->code;
    }
    int result = run_again(replay, invocation, err);
    json_decref(invocation);
    return result;
}

/* The list is the newest first; they are run again in the order they were. */
static int
run_listed(struct replay *replay, struct mr_error *err)
{
    json_t *history = NULL;
    const struct flags *flags = replay->flags;
    mr_auto_free char *path =
        mr_format("/_millrace/history?limit=%llu%s", (unsigned long long)flags->limit,
                  flags->failed ? "&failed=1" : "");
    if (ask(replay, path, &history, err) < 0) {
        return err->code;
    }
    json_t *all = json_object_get(history, "invocations");
    int failed = 0, result = 0;
    for (size_t i = json_array_size(all); result >= 0 && i > 0; i--) {
        const json_t *entry =
            json_array_get(all, flags->list ? json_array_size(all) - i : i - 1);
        mr_auto_free char *id =
            mr_format("%lld", json_integer_value(json_object_get(entry, "id")));
        if (flags->list) {
            print_entry(entry);
        } else {
            result = run_one(replay, id, err);
            failed |= result > 0;
        }
    }
    json_decref(history);
    return result < 0 ? result : failed;
}

int
mr_verb_replay(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "ID",
        .children = children,
        .doc = "Give a recorded event to its function once more and print the answer. No "
               "checkpoint moves.\vID is a batch as `millrace up` shows it (b7.R.L), a request "
               "id, "
               "or a number of the list.",
    };
    struct flags flags = { .limit = 20 };
    struct replay replay = { .flags = &flags };
    struct mr_error err = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&replay.place, &flags.place);
    mr_remote_init(&replay.remote, NULL, &replay.place);
    int result =
        flags.id != NULL ? run_one(&replay, flags.id, &err) : run_listed(&replay, &err);
    int exit_code = result < 0   ? mr_complain(MR_EXIT_FAILED, "%s", err.text)
                    : result > 0 ? MR_EXIT_FAILED
                                 : MR_EXIT_OK;
    mr_remote_deinit(&replay.remote);
    mr_place_deinit(&replay.place);
    return exit_code;
}
