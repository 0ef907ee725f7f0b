/*
 * millrace seek: move a mapping to another place in its stream.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "cli/mapping_names.h"
#include "cli/place.h"
#include "cli/position.h"
#include "cli/remote.h"
#include "cli/verb.h"

enum { TO = 256 };

static const struct argp_option options[] = {
    { "to", TO, "POSITION", 0,
      "oldest, latest, a time like 2026-11-24T12:00:00Z, an age like 15m, or a sequence number "
      "to go on after (with --shard)",
      0 },
    { "shard", 's', "SHARD", 0, "Only this shard", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *mapping, *to, *shard;
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case TO:
        flags->to = arg;
        return 0;
    case 's':
        flags->shard = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (flags->mapping != NULL) {
            argp_error(state, "one mapping at a time; \"%s\" is one too many", arg);
        }
        flags->mapping = arg;
        return 0;
    case ARGP_KEY_END:
        if (flags->mapping == NULL || flags->to == NULL) {
            argp_error(state, "millrace seek MAPPING --to POSITION");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void
write_request(struct mr_buf *body, const struct flags *flags,
              const struct mr_position *position)
{
    struct mr_json_writer json = mr_json_writer_on(body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "position",
                       position->sequence != NULL ? "AFTER_SEQUENCE_NUMBER" : position->type);
    if (position->sequence != NULL) {
        mr_json_member_str(&json, "sequenceNumber", position->sequence);
    }
    if (position->unix_ms > 0) {
        mr_json_key(&json, "timestamp");
        mr_json_put_seconds(&json, position->unix_ms);
    }
    if (flags->shard != NULL && strspn(flags->shard, "0123456789") == strlen(flags->shard)) {
        mr_auto_free char *id = mr_format("shardId-%012llu", strtoull(flags->shard, NULL, 10));
        mr_json_member_str(&json, "shard", id);
    } else if (flags->shard != NULL) {
        mr_json_member_str(&json, "shard", flags->shard);
    }
    mr_json_end_object(&json);
}

static int
run(const struct flags *flags, const struct mr_position *position, struct mr_place *place,
    struct mr_remote *remote)
{
    struct mr_error err = { 0 };
    mr_auto_buf struct mr_buf body = { 0 };
    mr_auto_free char *uuid = mr_mapping_find(place, remote, flags->mapping, &err);
    if (uuid == NULL) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    mr_auto_free char *path = mr_format("/_millrace/mappings/%s/seek", uuid);
    write_request(&body, flags, position);
    if (mr_remote_lambda(remote, "POST", path, mr_buf_slice(&body), &err) < 0) {
        return mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    printf("%s goes on from %s\n", flags->mapping, flags->to);
    return MR_EXIT_OK;
}

int
mr_verb_seek(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "MAPPING",
        .children = children,
        .doc =
            "Move a mapping: records before the place are skipped, records behind it come "
            "(again).\vMAPPING is its logical ID, its UUID, or its function when that has only "
            "one. What is in flight ends first.",
    };
    struct flags flags = { 0 };
    struct mr_position position;
    struct mr_error err = { 0 };
    struct mr_place place;
    struct mr_remote remote;
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    if (mr_position_parse(&position, flags.to, &err) < 0) {
        return mr_complain(MR_EXIT_USAGE, "--to: %s", err.text);
    }
    mr_place_find(&place, &flags.place);
    mr_remote_init(&remote, NULL, &place);
    int exit_code = run(&flags, &position, &place, &remote);
    mr_remote_deinit(&remote);
    mr_place_deinit(&place);
    return exit_code;
}
