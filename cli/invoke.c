/*
 * millrace invoke: call a function once, by hand, past any stream.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/json_reader.h"
#include "cli/input.h"
#include "cli/place.h"
#include "cli/remote.h"
#include "cli/verb.h"

enum { ASYNC = 256, NO_LOG, QUALIFIER, MAX_EVENT_BYTES = 6 * 1024 * 1024 + 1 };

static const struct argp_option options[] = {
    { "event", 'e', "FILE", 0, "Read the event from FILE; - is the standard input", 0 },
    { "async", ASYNC, NULL, 0, "Queue it and do not wait for the answer", 0 },
    { "qualifier", QUALIFIER, "NAME", 0, "A version or an alias", 0 },
    { "no-log", NO_LOG, NULL, 0, "Leave out what the function wrote", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *function, *event, *event_path, *qualifier;
    bool async, no_log;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        break;
    case 'e':
        flags->event_path = arg;
        break;
    case ASYNC:
        flags->async = true;
        break;
    case QUALIFIER:
        flags->qualifier = arg;
        break;
    case NO_LOG:
        flags->no_log = true;
        break;
    case ARGP_KEY_ARG:
        if (flags->function == NULL) {
            flags->function = arg;
        } else if (flags->event == NULL) {
            flags->event = arg;
        } else {
            argp_error(state, "\"%s\" is one too many", arg);
        }
        break;
    case ARGP_KEY_END:
        if (flags->function == NULL) {
            argp_error(state, "which function? a name, or a logical ID of the template");
        }
        if (flags->event != NULL && flags->event_path != NULL) {
            argp_error(state, "an event, or --event FILE");
        }
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int
read_event(const struct flags *flags, struct mr_buf *out, struct mr_error *err)
{
    if (flags->event_path != NULL) {
        if (mr_record_input_read_file(flags->event_path, MAX_EVENT_BYTES, out, err) < 0) {
            return err->code;
        }
    } else {
        mr_buf_append_str(out, flags->event == NULL ? "{}" : flags->event);
    }
    if (!mr_json_valid(mr_buf_slice(out))) {
        return mr_fail(err, -EINVAL, "the event is not JSON");
    }
    return 0;
}

/* What the function wrote goes to stderr: stdout is the answer alone. */
static void
print_log(const char *base64)
{
    struct mr_slice text = mr_slice_str(base64);
    mr_auto_free uint8_t *log = mr_alloc(mr_base64_decoded_max(text.size) + 1);
    ssize_t size = mr_base64_decode(text, log, NULL);
    if (size > 0) {
        fwrite(log, 1, (size_t)size, stderr);
    }
}

static int
run(const struct flags *flags, struct mr_place *place, struct mr_remote *remote)
{
    struct mr_error err = { 0 };
    mr_auto_buf struct mr_buf event = { 0 };
    if (read_event(flags, &event, &err) < 0) {
        return mr_complain(MR_EXIT_USAGE, "%s", err.text);
    }
    const char *name = mr_place_name(place, "functions", flags->function);
    mr_auto_free char *path = mr_format("/2015-03-31/functions/%s/invocations%s%s", name,
                                        flags->qualifier == NULL ? "" : "?Qualifier=",
                                        flags->qualifier == NULL ? "" : flags->qualifier);
    if (mr_remote_invoke(remote, path, flags->async ? "Event" : "RequestResponse",
                         !flags->async && !flags->no_log, mr_buf_slice(&event), &err) < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    if (remote->log_result != NULL) {
        print_log(remote->log_result);
    }
    if (remote->body.size > 0) {
        fwrite(remote->body.data, 1, remote->body.size, stdout);
        putchar('\n');
    }
    if (remote->function_error[0] != '\0') {
        return mr_complain(MR_EXIT_FAILED, "%s failed: %s", name, remote->function_error);
    }
    return MR_EXIT_OK;
}

int
mr_verb_invoke(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "FUNCTION [EVENT]",
        .children = children,
        .doc =
            "Call a function once and print its answer. What it wrote goes to the standard "
            "error output.\v"
            "EVENT is JSON ({} when absent); `millrace generate-event` makes one as the stream "
            "would. FUNCTION is a name, or a logical ID of the template that is up.",
    };
    struct flags flags = { 0 };
    struct mr_place place;
    struct mr_remote remote;
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&place, &flags.place);
    mr_remote_init(&remote, NULL, &place);
    int exit_code = run(&flags, &place, &remote);
    mr_remote_deinit(&remote);
    mr_place_deinit(&place);
    return exit_code;
}
