/*
 * millrace streams: what streams there are, and what can be done to them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "cli/place.h"
#include "cli/shards.h"
#include "cli/stream_cast.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum {
    SHARDS = 256,
    ON_DEMAND,
    RETENTION,
    AT,
    LAST,
    OUTPUT,
    MOST_SHARDS = 10000,
    MAX_WORDS = 4
};

static const struct argp_option options[] = {
    { "shards", SHARDS, "N", 0, "create: with N shards (1)", 0 },
    { "on-demand", ON_DEMAND, NULL, 0, "create: a stream that scales by itself", 0 },
    { "retention", RETENTION, "HOURS", 0, "create: keep records that long (24)", 0 },
    { "at", AT, "NUMBER", 0, "split: where the second child begins (the middle)", 0 },
    { "last", LAST, "AGE", 0, "save: only records of that age, like 15m", 0 },
    { "output", OUTPUT, "text|json", 0, "list, show: json is one object a line", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *words[MAX_WORDS]; /* the action and what it is about */
    size_t word_count;
    uint64_t shards, retention_hours;
    const char *at, *last;
    bool on_demand, json_output;
};

struct streams {
    const struct flags *flags;
    struct mr_place place;
    struct mr_remote remote;
    struct mr_arena arena;
};

/* ---- asking ---- */

/* Pairs of names and texts, ended by NULL; one without a text is left out. */
static int
ask(struct streams *streams, struct mr_error *err, const char *operation,
    const char *const *members)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    for (; members[0] != NULL; members += 2) {
        if (members[1] != NULL) {
            mr_json_member_str(&json, members[0], members[1]);
        }
    }
    mr_json_end_object(&json);
    return mr_remote_kinesis(&streams->remote, operation, mr_buf_slice(&body), err);
}

struct summary {
    int64_t open_shards, retention_hours;
    const char *status, *arn, *mode;
};

static void
read_summary_member(struct mr_json *json, struct mr_arena *arena, struct mr_slice key,
                    struct summary *out)
{
    struct mr_slice text;
    if (mr_slice_is(key, "OpenShardCount") || mr_slice_is(key, "RetentionPeriodHours")) {
        mr_json_i64(json, mr_slice_is(key, "OpenShardCount") ? &out->open_shards
                                                             : &out->retention_hours);
    } else if (mr_slice_is(key, "StreamStatus") && mr_json_string(json, arena, &text)) {
        out->status = mr_arena_cstr(arena, text);
    } else if (mr_slice_is(key, "StreamARN") && mr_json_string(json, arena, &text)) {
        out->arn = mr_arena_cstr(arena, text);
    } else {
        mr_json_skip(json);
    }
}

static int
summarize(struct streams *streams, const char *name, struct summary *out, struct mr_error *err)
{
    const char *members[] = { "StreamName", name, NULL };
    *out = (struct summary){ 0 };
    if (ask(streams, err, "DescribeStreamSummary", members) < 0) {
        return err->code;
    }
    struct mr_json json = mr_json_of(mr_buf_slice(&streams->remote.body));
    struct mr_slice key;
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "StreamDescriptionSummary") || !mr_json_enter(&json)) {
            mr_json_skip(&json);
            continue;
        }
        while (mr_json_next_key(&json, &key)) {
            read_summary_member(&json, &streams->arena, key, out);
        }
    }
    return 0;
}

/* ---- list and show ---- */

struct names {
    const char *names[1000]; /* a page of ListStreams holds at most so many */
    size_t count;
    bool more;
};

static int
list_page(struct streams *streams, const char *after, struct names *out, struct mr_error *err)
{
    const char *members[] = { "ExclusiveStartStreamName", after, NULL };
    *out = (struct names){ 0 };
    if (ask(streams, err, "ListStreams", members) < 0) {
        return err->code;
    }
    struct mr_json json = mr_json_of(mr_buf_slice(&streams->remote.body));
    struct mr_slice key, text;
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "HasMoreStreams")) {
            mr_json_bool(&json, &out->more);
        } else if (mr_slice_is(key, "StreamNames") && mr_json_enter(&json)) {
            while (mr_json_next_element(&json) && out->count < 1000 &&
                   mr_json_string(&json, &streams->arena, &text)) {
                out->names[out->count++] = mr_arena_cstr(&streams->arena, text);
            }
        } else {
            mr_json_skip(&json);
        }
    }
    return 0;
}

static void
print_summary(const struct streams *streams, const char *name, const struct summary *summary)
{
    if (streams->flags->json_output) {
        mr_auto_buf struct mr_buf line = { 0 };
        struct mr_json_writer json = mr_json_writer_on(&line);
        mr_json_begin_object(&json);
        mr_json_member_str(&json, "stream", name);
        mr_json_member_str(&json, "status", summary->status);
        mr_json_member_i64(&json, "open_shards", summary->open_shards);
        mr_json_member_i64(&json, "retention_hours", summary->retention_hours);
        mr_json_member_str(&json, "arn", summary->arn);
        mr_json_end_object(&json);
        printf("%s\n", mr_buf_cstr(&line));
        return;
    }
    printf("%-24s %-9s %4lld shard%s %5lld h   %s\n", name, summary->status,
           (long long)summary->open_shards, summary->open_shards == 1 ? " " : "s",
           (long long)summary->retention_hours, summary->arn);
}

static int
list(struct streams *streams, struct mr_error *err)
{
    struct names page;
    const char *after = NULL;
    do {
        if (list_page(streams, after, &page, err) < 0) {
            return err->code;
        }
        for (size_t i = 0; i < page.count; i++) {
            struct summary summary;
            if (summarize(streams, page.names[i], &summary, err) == 0) {
                print_summary(streams, page.names[i], &summary);
            } else if (!mr_remote_said(&streams->remote, "ResourceNotFoundException")) {
                return err->code;
            }
            after = page.names[i];
        }
    } while (page.more && page.count > 0);
    if (after == NULL && !streams->flags->json_output) {
        printf("there are no streams; `millrace streams create NAME` makes one\n");
    }
    return 0;
}

/* The share of the hash keys, from the leading digits: for people. */
static double
share(const struct mr_shard_view *shard)
{
    return (strtod(shard->last_hash, NULL) - strtod(shard->first_hash, NULL)) /
           340282366920938463463374607431768211455.0 * 100.0;
}

static int
show(struct streams *streams, const char *name, struct mr_error *err)
{
    struct summary summary;
    struct mr_shard_list shards;
    if (summarize(streams, name, &summary, err) < 0 ||
        mr_shards_list(&streams->remote, name, &streams->arena, &shards, err) < 0) {
        return err->code;
    }
    print_summary(streams, name, &summary);
    for (size_t i = 0; i < shards.count && !streams->flags->json_output; i++) {
        const struct mr_shard_view *shard = &shards.shards[i];
        printf("  %s  %-6s %5.1f %%  from %s", shard->id,
               shard->last_sequence == NULL ? "open" : "closed", share(shard),
               shard->first_hash);
        if (shard->parent != NULL) {
            printf("  child of %s", mr_shard_short(shard->parent, &streams->arena));
        }
        if (shard->adjacent_parent != NULL) {
            printf(" and %s", mr_shard_short(shard->adjacent_parent, &streams->arena));
        }
        printf("\n");
    }
    return 0;
}

/* ---- changes ---- */

static int
wait_active(struct streams *streams, const char *name, struct mr_error *err)
{
    struct summary summary;
    for (int i = 0; i < 600; i++) {
        if (summarize(streams, name, &summary, err) < 0) {
            return err->code;
        }
        if (summary.status != NULL && strcmp(summary.status, "ACTIVE") == 0) {
            return 0;
        }
        struct timespec pause = { .tv_nsec = 50 * 1000000L };
        nanosleep(&pause, NULL);
    }
    return mr_fail(err, -ETIMEDOUT, "stream %s did not become ACTIVE in 30 s", name);
}

static int
create(struct streams *streams, const char *name, struct mr_error *err)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "StreamName", name);
    if (streams->flags->on_demand) {
        mr_json_key(&json, "StreamModeDetails");
        mr_json_put_raw(&json, MR_SLICE("{\"StreamMode\":\"ON_DEMAND\"}"));
    } else {
        mr_json_member_i64(&json, "ShardCount", (int64_t)streams->flags->shards);
    }
    mr_json_end_object(&json);
    if (mr_remote_kinesis(&streams->remote, "CreateStream", mr_buf_slice(&body), err) < 0 ||
        wait_active(streams, name, err) < 0) {
        return err->code;
    }
    if (streams->flags->retention_hours > 24) {
        mr_buf_clear(&body);
        mr_buf_printf(&body, "{\"StreamName\":\"%s\",\"RetentionPeriodHours\":%llu}", name,
                      (unsigned long long)streams->flags->retention_hours);
        if (mr_remote_kinesis(&streams->remote, "IncreaseStreamRetentionPeriod",
                              mr_buf_slice(&body), err) < 0) {
            return err->code;
        }
    }
    return show(streams, name, err);
}

static int
delete_stream(struct streams *streams, const char *name, struct mr_error *err)
{
    const char *members[] = { "StreamName", name, NULL };
    int result = ask(streams, err, "DeleteStream", members);
    if (result == 0) {
        printf("deleted %s\n", name);
    }
    return result;
}

/* (a + b) / 2 + 1 for decimal numbers of up to 39 digits. */
static const char *
middle_of(const char *a, const char *b, struct mr_arena *arena)
{
    unsigned __int128 low = 0, high = 0;
    for (; *a != '\0'; a++) {
        low = low * 10 + (unsigned)(*a - '0');
    }
    for (; *b != '\0'; b++) {
        high = high * 10 + (unsigned)(*b - '0');
    }
    unsigned __int128 middle = low + (high - low) / 2 + 1;
    char digits[40];
    size_t at = sizeof(digits);
    digits[--at] = '\0';
    for (; middle > 0; middle /= 10) {
        digits[--at] = (char)('0' + (int)(middle % 10));
    }
    return mr_arena_printf(arena, "%s", digits + at);
}

static int
split(struct streams *streams, const char *name, const char *word, struct mr_error *err)
{
    struct mr_shard_list shards;
    if (mr_shards_list(&streams->remote, name, &streams->arena, &shards, err) < 0) {
        return err->code;
    }
    const struct mr_shard_view *shard = mr_shards_find(&shards, word, err);
    if (shard == NULL) {
        return err->code;
    }
    const char *at = streams->flags->at != NULL
                         ? streams->flags->at
                         : middle_of(shard->first_hash, shard->last_hash, &streams->arena);
    const char *members[] = {
        "StreamName", name, "ShardToSplit", shard->id, "NewStartingHashKey", at, NULL
    };
    if (ask(streams, err, "SplitShard", members) < 0 || wait_active(streams, name, err) < 0) {
        return err->code;
    }
    return show(streams, name, err);
}

static int
merge(struct streams *streams, const char *name, const char *first, const char *second,
      struct mr_error *err)
{
    struct mr_shard_list shards;
    if (mr_shards_list(&streams->remote, name, &streams->arena, &shards, err) < 0) {
        return err->code;
    }
    const struct mr_shard_view *one = mr_shards_find(&shards, first, err);
    const struct mr_shard_view *other =
        one == NULL ? NULL : mr_shards_find(&shards, second, err);
    if (other == NULL) {
        return err->code;
    }
    const char *members[] = {
        "StreamName", name, "ShardToMerge", one->id, "AdjacentShardToMerge", other->id, NULL
    };
    if (ask(streams, err, "MergeShards", members) < 0 || wait_active(streams, name, err) < 0) {
        return err->code;
    }
    return show(streams, name, err);
}

/* ---- which ---- */

static const struct {
    const char *name;
    size_t least, most; /* words behind it */
    const char *usage;
} actions[] = {
    { "list", 0, 0, "list" },
    { "show", 1, 1, "show STREAM" },
    { "create", 1, 1, "create STREAM [--shards N | --on-demand] [--retention HOURS]" },
    { "delete", 1, 1, "delete STREAM" },
    { "split", 2, 2, "split STREAM SHARD [--at HASHKEY]" },
    { "merge", 3, 3, "merge STREAM SHARD SHARD" },
    { "save", 2, 2, "save STREAM FILE [--last AGE]" },
    { "load", 1, 2, "load FILE [STREAM]" },
};
enum action { LIST, SHOW, CREATE, DELETE, SPLIT, MERGE, SAVE, LOAD, ACTIONS };

static enum action
action_of(const char *word)
{
    enum action action = LIST;
    while (action < ACTIONS && strcmp(actions[action].name, word) != 0) {
        action++;
    }
    return action;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const outputs[] = { "text", "json", NULL };
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        break;
    case SHARDS:
        flags->shards = mr_flag_number(state, "--shards", arg, 1, MOST_SHARDS);
        break;
    case ON_DEMAND:
        flags->on_demand = true;
        break;
    case RETENTION:
        flags->retention_hours = mr_flag_number(state, "--retention", arg, 24, 8760);
        break;
    case AT:
        flags->at = arg;
        break;
    case LAST:
        flags->last = arg;
        break;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        break;
    case ARGP_KEY_ARG:
        if (flags->word_count == MAX_WORDS) {
            argp_error(state, "\"%s\" is one too many", arg);
        }
        flags->words[flags->word_count++] = arg;
        break;
    case ARGP_KEY_END:
        if (flags->word_count == 0) {
            break;
        }
        enum action action = action_of(flags->words[0]);
        if (action == ACTIONS) {
            argp_error(state,
                       "\"%s\" is none of list, show, create, delete, split, merge, save, load",
                       flags->words[0]);
        } else if (flags->word_count - 1 < actions[action].least ||
                   flags->word_count - 1 > actions[action].most) {
            argp_error(state, "millrace streams %s", actions[action].usage);
        }
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static int
act(struct streams *streams, struct mr_error *err)
{
    const char *const *words = streams->flags->words;
    enum action action = words[0] == NULL ? LIST : action_of(words[0]);
    const char *name = words[0] == NULL || words[1] == NULL || action == LOAD
                           ? NULL
                           : mr_place_name(&streams->place, "streams", words[1]);
    struct mr_stream_cast cast = { .remote = &streams->remote, .last = streams->flags->last };
    switch (action) {
    case SHOW:
        return show(streams, name, err);
    case CREATE:
        return create(streams, name, err);
    case DELETE:
        return delete_stream(streams, name, err);
    case SPLIT:
        return split(streams, name, words[2], err);
    case MERGE:
        return merge(streams, name, words[2], words[3], err);
    case SAVE:
        return mr_stream_cast_save(&cast, name, words[2], err);
    case LOAD:
        return mr_stream_cast_load(
            &cast, words[1],
            words[2] == NULL ? NULL : mr_place_name(&streams->place, "streams", words[2]), err);
    default:
        return list(streams, err);
    }
}

int
mr_verb_streams(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "\nshow STREAM\ncreate STREAM\ndelete STREAM\nsplit STREAM SHARD\n"
                    "merge STREAM SHARD SHARD\nsave STREAM FILE\nload FILE [STREAM]",
        .children = children,
        .doc =
            "List the streams, or do something to one.\v"
            "STREAM is a name, or a logical ID of the template that is up; SHARD an id or its "
            "number. `save` writes records as JSON lines that `load` puts again, with the same "
            "partition keys.",
    };
    struct flags flags = { .shards = 1, .retention_hours = 24 };
    struct streams streams = { .flags = &flags };
    struct mr_error err = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    mr_place_find(&streams.place, &flags.place);
    mr_remote_init(&streams.remote, NULL, &streams.place);
    int result = act(&streams, &err);
    int exit_code = result < 0 ? mr_complain(MR_EXIT_FAILED, "%s", err.text) : MR_EXIT_OK;
    mr_arena_deinit(&streams.arena);
    mr_remote_deinit(&streams.remote);
    mr_place_deinit(&streams.place);
    return exit_code;
}
