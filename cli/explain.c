/*
 * millrace explain: does a pattern match an event; does a mapping's filter let a record
 * through?
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "base/json_reader.h"
#include "base/limits.h"
#include "cli/input.h"
#include "cli/place.h"
#include "cli/remote.h"
#include "cli/verb.h"
#include "harness/explain.h"

enum { PATTERN = 256, EVENT, FILTER, KEY, WHY, MAX_ARGUMENTS = 2 };

static const struct argp_option options[] = {
    { "pattern", PATTERN, "P", 0, "An event pattern, to be held against --event", 0 },
    { "event", EVENT, "E", 0, "The JSON event", 0 },
    { "filter", FILTER, "P", 0, "A mapping's filter, for RECORD; up to 10 times", 0 },
    { "partition-key", KEY, "KEY", 0, "RECORD's partition key", 0 },
    { "why", WHY, NULL, 0, "With --pattern: name the clauses that failed", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *pattern, *event, *key;
    struct mr_slice filters[MR_LAMBDA_MAX_FILTERS];
    size_t filter_count;
    const char *arguments[MAX_ARGUMENTS];
    size_t argument_count;
    bool why;
};

static void
add_filter(struct flags *flags, const char *text, const struct argp_state *state)
{
    if (flags->filter_count == MR_LAMBDA_MAX_FILTERS) {
        argp_error(state, "a mapping has at most %d filters", MR_LAMBDA_MAX_FILTERS);
    }
    flags->filters[flags->filter_count++] = mr_slice_str(text);
}

/* Either a pattern and an event, or filters or a mapping and a record. */
static void
check(const struct flags *flags, const struct argp_state *state)
{
    size_t wanted = flags->filter_count > 0 ? 1 : 2;
    bool pair = flags->pattern != NULL || flags->event != NULL;
    if (pair && (flags->pattern == NULL || flags->event == NULL)) {
        argp_error(state, "--pattern and --event go together");
    }
    if (pair ? flags->argument_count > 0 || flags->filter_count > 0
             : flags->argument_count != wanted) {
        argp_error(state, "give --pattern and --event, or --filter and a RECORD, or a MAPPING "
                          "and a RECORD");
    }
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        return 0;
    case PATTERN:
        flags->pattern = arg;
        return 0;
    case EVENT:
        flags->event = arg;
        return 0;
    case FILTER:
        add_filter(flags, arg, state);
        return 0;
    case KEY:
        flags->key = arg;
        return 0;
    case WHY:
        flags->why = true;
        return 0;
    case ARGP_KEY_ARG:
        if (flags->argument_count == MAX_ARGUMENTS) {
            argp_error(state, "\"%s\" is one argument too many", arg);
        }
        flags->arguments[flags->argument_count++] = arg;
        return 0;
    case ARGP_KEY_END:
        check(flags, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The text itself, @FILE's, or stdin's for "-". */
static int
read_text(const char *word, struct mr_buf *out, struct mr_error *err)
{
    if (strcmp(word, "-") == 0 || word[0] == '@') {
        return mr_record_input_read_file(word[0] == '@' ? word + 1 : word,
                                         MR_INPUT_MAX_FILE_BYTES, out, err);
    }
    mr_buf_append_str(out, word);
    return 0;
}

static int
show(int verdict, const struct mr_buf *answer, const struct mr_error *err)
{
    if (verdict < 0) {
        return mr_complain(MR_EXIT_USAGE, "%s", err->text);
    }
    fwrite(answer->data, 1, answer->size, stdout);
    return verdict;
}

static int
explain_pattern(const struct flags *flags)
{
    mr_auto_buf struct mr_buf pattern = { 0 }, event = { 0 }, answer = { 0 };
    struct mr_error err = { 0 };

    if (strcmp(flags->pattern, "-") == 0 && strcmp(flags->event, "-") == 0) {
        return mr_complain(MR_EXIT_USAGE, "only one of --pattern and --event can be stdin");
    }
    if (read_text(flags->pattern, &pattern, &err) < 0 ||
        read_text(flags->event, &event, &err) < 0) {
        return mr_complain(MR_EXIT_USAGE, "%s", err.text);
    }
    int verdict = mr_explain_pattern(mr_buf_slice(&pattern), mr_buf_slice(&event), flags->why,
                                     &answer, &err);
    return show(verdict, &answer, &err);
}

/* ---- a running mapping's filters ---- */

static void
read_filters(struct mr_json *json, struct flags *flags, struct mr_arena *arena)
{
    struct mr_slice key, pattern;
    (void)mr_json_enter(json);
    while (mr_json_next_element(json)) {
        (void)mr_json_enter(json);
        while (mr_json_next_key(json, &key)) {
            if (!mr_slice_is(key, "Pattern") || flags->filter_count == MR_LAMBDA_MAX_FILTERS) {
                (void)mr_json_skip(json);
            } else if (mr_json_string(json, arena, &pattern)) {
                flags->filters[flags->filter_count++] = mr_arena_copy(arena, pattern);
            }
        }
    }
}

static void
read_mapping(struct mr_slice body, struct flags *flags, struct mr_explain_record *record,
             struct mr_arena *arena)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key, inner;
    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "EventSourceArn") && mr_json_peek(&json) == MR_JSON_STRING) {
            (void)mr_json_string(&json, arena, &record->source_arn);
            record->source_arn = mr_arena_copy(arena, record->source_arn);
        } else if (mr_slice_is(key, "FilterCriteria") &&
                   mr_json_peek(&json) == MR_JSON_OBJECT) {
            (void)mr_json_enter(&json);
            while (mr_json_next_key(&json, &inner)) {
                if (mr_slice_is(inner, "Filters")) {
                    read_filters(&json, flags, arena);
                } else {
                    (void)mr_json_skip(&json);
                }
            }
        } else {
            (void)mr_json_skip(&json);
        }
    }
}

static int
fetch_mapping(struct flags *flags, struct mr_explain_record *record, struct mr_arena *arena)
{
    mr_auto_place struct mr_place place;
    mr_auto_remote struct mr_remote remote;
    struct mr_error err = { 0 };

    mr_place_find(&place, &flags->place);
    mr_remote_init(&remote, NULL, &place);
    record->region = mr_arena_copy(arena, mr_slice_str(place.region.value));
    const char *path = mr_arena_printf(arena, "/2015-03-31/event-source-mappings/%s",
                                       mr_place_name(&place, "mappings", flags->arguments[0]));
    if (mr_remote_lambda(&remote, "GET", path, MR_SLICE(""), &err) < 0) {
        return mr_complain(MR_EXIT_USAGE, "mapping %s: %s", flags->arguments[0], err.text);
    }
    read_mapping(mr_buf_slice(&remote.body), flags, record, arena);
    return 0;
}

static int
explain_record(struct flags *flags)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 }, answer = { 0 };
    struct mr_explain_record record = { .shard_id = MR_SLICE("shardId-000000000000") };
    struct mr_error err = { 0 };

    if (flags->filter_count == 0) {
        int failed = fetch_mapping(flags, &record, &arena);
        if (failed != 0) {
            return failed;
        }
    }
    if (read_text(flags->arguments[flags->argument_count - 1], &text, &err) < 0) {
        return mr_complain(MR_EXIT_USAGE, "%s", err.text);
    }
    mr_explain_read_record(mr_buf_slice(&text), &arena, &record);
    if (flags->key != NULL) {
        record.partition_key = mr_slice_str(flags->key);
    }
    int verdict = mr_explain_filters(flags->filters, flags->filter_count, &record, &answer);
    return show(verdict, &answer, &err);
}

int
mr_verb_explain(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .args_doc = "--pattern P --event E\n--filter P... RECORD\nMAPPING RECORD",
        .doc =
            "Say whether a pattern matches an event, or a mapping's filter lets a record "
            "through, and which clause fails.\v"
            "Prints \"match\", \"no-match\" or \"rejected: REASON\"; the exit code is 0, 1 or "
            "2. P, E and RECORD are the text itself, @FILE, or - for stdin. RECORD is a "
            "record's data, or a record as a handler's event has it. MAPPING is a UUID, or a "
            "name of the template that is up.",
    };
    struct flags flags = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    return flags.pattern != NULL ? explain_pattern(&flags) : explain_record(&flags);
}
