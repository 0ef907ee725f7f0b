/*
 * millrace put: records into a stream, from arguments, files and pipes.
 *
 * Records are gathered into PutRecords calls; what a call refuses is put again, later each
 * time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <argp.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/random.h"
#include "cli/aggregator.h"
#include "cli/input.h"
#include "cli/putter.h"
#include "cli/shards.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum {
    KEY_FIELD = 256,
    HASH_KEY,
    FORM_JSON,
    FORM_WHOLE,
    FORM_BASE64,
    KPL,
    RATE,
    REPEAT,
    RETRIES,
    OUTPUT,
    MAX_PATHS = 1024,
    SHOWN_SHARDS = 16, /* of the summary; further ones are added up */
};

static const struct argp_option options[] = {
    { "key", 'k', "KEY", 0, "The partition key of every record (default: a new one for each)",
      0 },
    { "key-field", KEY_FIELD, "PATH", 0,
      "The partition key is this member of the JSON record, like customer.id", 0 },
    { "shard", 's', "SHARD", 0, "Put into this shard, like 0 or shardId-000000000000", 0 },
    { "partition", 's', NULL, OPTION_ALIAS, NULL, 0 },
    { "hash-key", HASH_KEY, "NUMBER", 0, "The explicit hash key, a number below 2^128", 0 },
    { "file", 'f', "FILE", 0, "Read records from FILE, one a line; - is the standard input",
      1 },
    { "json", FORM_JSON, NULL, 0,
      "Files hold JSON: values one behind the other, or one array of them", 1 },
    { "whole", FORM_WHOLE, NULL, 0, "Each file is one record, byte for byte", 1 },
    { "base64", FORM_BASE64, NULL, 0, "Records are given in base64", 1 },
    { "kpl", KPL, NULL, 0, "Pack records into aggregates, as the Kinesis Producer Library does",
      2 },
    { "rate", RATE, "N", 0, "At most N records a second", 2 },
    { "repeat", REPEAT, "N", 0, "Put all of it N times", 2 },
    { "retries", RETRIES, "N", 0, "Put a refused record again so often (default 10)", 2 },
    { "output", OUTPUT, "text|json", 0, "json: one object a record, with its sequence number",
      2 },
    { "verbose", 'v', NULL, 0, "A line for each record", 2 },
    { "quiet", 'q', NULL, 0, "No summary", 2 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *stream, *key, *key_field, *shard, *hash_key;
    const char *paths[MAX_PATHS + 1];
    size_t path_count;
    char *const *data; /* arguments behind the stream's name */
    size_t data_count;
    enum mr_record_input_form form;
    bool base64, kpl, json_output, verbose, quiet;
    uint64_t rate, repeat, retries;
};

struct count {
    char shard[64];
    uint64_t records;
};

struct putting {
    const struct flags *flags;
    struct mr_place place;
    struct mr_remote remote;
    const char *stream;
    struct mr_slice hash_key;
    struct mr_putter putter;
    struct mr_aggregator aggregator; /* with --kpl */
    struct mr_arena arena;           /* of one record */
    struct mr_random random;
    struct count
        counts[SHOWN_SHARDS]; /* of the first shards met; the rest goes into `others` */
    size_t count_count;
    uint64_t others;
};

/* ---- flags ---- */

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const outputs[] = { "text", "json", NULL };
    struct flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->place;
        break;
    case 'k':
        flags->key = arg;
        break;
    case KEY_FIELD:
        flags->key_field = arg;
        break;
    case 's':
        flags->shard = arg;
        break;
    case HASH_KEY:
        if (arg[0] == '\0' || strlen(arg) > 39 || strspn(arg, "0123456789") != strlen(arg)) {
            argp_error(state, "--hash-key takes a number below 2^128, not \"%s\"", arg);
        }
        flags->hash_key = arg;
        break;
    case 'f':
        if (flags->path_count == MAX_PATHS) {
            argp_error(state, "at most %d files", MAX_PATHS);
        }
        flags->paths[flags->path_count++] = arg;
        break;
    case FORM_JSON:
        flags->form = MR_INPUT_JSON;
        break;
    case FORM_WHOLE:
        flags->form = MR_INPUT_WHOLE;
        break;
    case FORM_BASE64:
        flags->base64 = true;
        break;
    case KPL:
        flags->kpl = true;
        break;
    case RATE:
        flags->rate = mr_flag_number(state, "--rate", arg, 1, 10000000);
        break;
    case REPEAT:
        flags->repeat = mr_flag_number(state, "--repeat", arg, 1, 1000000000);
        break;
    case RETRIES:
        flags->retries = mr_flag_number(state, "--retries", arg, 0, 1000);
        break;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        break;
    case 'v':
        flags->verbose = true;
        break;
    case 'q':
        flags->quiet = true;
        break;
    case ARGP_KEY_ARG:
        if (flags->stream == NULL) {
            flags->stream = arg;
            break;
        }
        if (strcmp(arg, "-") == 0 && state->next == state->argc) {
            break; /* the standard input, as when nothing is said */
        }
        flags->data = state->argv + state->next - 1;
        flags->data_count = (size_t)(state->argc - state->next + 1);
        state->next = state->argc;
        break;
    case ARGP_KEY_END:
        if (flags->stream == NULL) {
            argp_error(state, "which stream? a name, or a logical ID of the template");
        }
        if (flags->key != NULL && flags->key_field != NULL) {
            argp_error(state, "--key and --key-field exclude each other");
        }
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- one record ---- */

/* Follows "a.b.c" into a JSON record: its text, or a number as it stands. */
static bool
find_member(struct mr_slice record, const char *path, struct mr_arena *arena,
            struct mr_slice *out_value)
{
    struct mr_json json = mr_json_of(record);
    struct mr_slice rest = mr_slice_str(path), key;
    while (rest.data != NULL) {
        struct mr_slice name = mr_slice_cut(&rest, '.');
        bool found = false;
        if (!mr_json_enter(&json)) {
            return false;
        }
        while (!found && mr_json_next_key(&json, &key)) {
            found = mr_slice_eq(mr_json_unescape(key, arena), name);
            if (!found) {
                mr_json_skip(&json);
            }
        }
        if (!found) {
            return false;
        }
    }
    return mr_json_peek(&json) == MR_JSON_STRING ? mr_json_string(&json, arena, out_value)
                                                 : mr_json_raw(&json, out_value);
}

static int
choose_key(struct putting *putting, struct mr_slice record, struct mr_slice *out_key,
           struct mr_error *err)
{
    const struct flags *flags = putting->flags;
    if (flags->key != NULL) {
        *out_key = mr_slice_str(flags->key);
        return 0;
    }
    if (flags->key_field == NULL) {
        *out_key = mr_slice_str(mr_arena_printf(
            &putting->arena, "%016llx", (unsigned long long)mr_random_u64(&putting->random)));
        return 0;
    }
    if (!find_member(record, flags->key_field, &putting->arena, out_key) ||
        out_key->size == 0) {
        return mr_fail(err, -EINVAL, "record %llu has no member %s to take its key from",
                       (unsigned long long)putting->putter.read + 1, flags->key_field);
    }
    return 0;
}

static int
decode(struct putting *putting, struct mr_slice *record, struct mr_error *err)
{
    if (!putting->flags->base64) {
        return 0;
    }
    struct mr_slice text = mr_slice_trim(*record);
    uint8_t *out = mr_arena_alloc(&putting->arena, mr_base64_decoded_max(text.size) + 1);
    ssize_t size = mr_base64_decode(text, out, NULL);
    if (size < 0) {
        return mr_fail(err, -EINVAL, "record %llu is not base64",
                       (unsigned long long)putting->putter.read + 1);
    }
    *record = mr_slice_of(out, (size_t)size);
    return 0;
}

static int
add(struct putting *putting, struct mr_slice record, struct mr_error *err)
{
    struct mr_slice key;
    mr_arena_reset(&putting->arena);
    if (decode(putting, &record, err) < 0 || choose_key(putting, record, &key, err) < 0) {
        return err->code;
    }
    if (putting->flags->kpl) {
        return mr_aggregator_add(&putting->aggregator, key, putting->hash_key, record, err);
    }
    return mr_putter_add(&putting->putter, key, putting->hash_key, record, err);
}

/* What is gathered goes out. */
static int
flush(struct putting *putting, struct mr_error *err)
{
    if (putting->flags->kpl && mr_aggregator_flush(&putting->aggregator, err) < 0) {
        return err->code;
    }
    return mr_putter_flush(&putting->putter, err);
}

/* ---- what was put ---- */

static void
count_shard(struct putting *putting, struct mr_slice shard)
{
    for (size_t i = 0; i < putting->count_count; i++) {
        if (mr_slice_is(shard, putting->counts[i].shard)) {
            putting->counts[i].records++;
            return;
        }
    }
    if (putting->count_count == sizeof(putting->counts) / sizeof(putting->counts[0])) {
        putting->others++;
        return;
    }
    struct count *count = &putting->counts[putting->count_count++];
    snprintf(count->shard, sizeof(count->shard), "%.*s", MR_SLICE_ARGS(shard));
    count->records = 1;
}

static void
on_put(const struct mr_putter_record *record, struct mr_slice shard, struct mr_slice sequence,
       void *context)
{
    struct putting *putting = context;
    mr_auto_buf struct mr_buf line = { 0 };
    count_shard(putting, shard);
    if (putting->flags->json_output) {
        struct mr_json_writer json = mr_json_writer_on(&line);
        mr_json_begin_object(&json);
        mr_json_member_i64(&json, "record", (int64_t)record->number);
        mr_json_member_string(&json, "shard", shard);
        mr_json_member_string(&json, "sequence_number", sequence);
        mr_json_member_string(&json, "partition_key", record->key);
        mr_json_end_object(&json);
    } else if (putting->flags->verbose) {
        const char *id = mr_arena_cstr(&putting->arena, shard);
        mr_buf_printf(&line, "%s  %.*s  ", mr_shard_short(id, &putting->arena),
                      MR_SLICE_ARGS(sequence));
        mr_append_safe(&line, record->key);
    } else {
        return;
    }
    printf("%.*s\n", MR_SLICE_ARGS(mr_buf_slice(&line)));
}

/* ---- all of it ---- */

static int
put_arguments(struct putting *putting, struct mr_error *err)
{
    const struct flags *flags = putting->flags;
    for (size_t i = 0; i < flags->data_count; i++) {
        mr_auto_buf struct mr_buf file = { 0 };
        struct mr_slice record = mr_slice_str(flags->data[i]);
        if (flags->data[i][0] == '@') {
            if (mr_record_input_read_file(flags->data[i] + 1, MR_INPUT_MAX_RECORD_BYTES, &file,
                                          err) < 0) {
                return err->code;
            }
            record = mr_buf_slice(&file);
        }
        if (add(putting, record, err) < 0) {
            return err->code;
        }
    }
    return 0;
}

static int
put_files(struct putting *putting, const char *const *paths, struct mr_error *err)
{
    mr_auto_input struct mr_record_input input;
    struct mr_slice record;
    int result;
    mr_record_input_init(&input, putting->flags->form, paths);
    while ((result = mr_record_input_next(&input, &record, err)) > 0) {
        result = add(putting, record, err);
        if (result == 0 && (putting->flags->kpl || putting->putter.pending_count > 0) &&
            mr_record_input_would_wait(&input)) {
            result = flush(putting, err);
        }
        if (result < 0) {
            return result;
        }
    }
    return result;
}

static int
put_all(struct putting *putting, struct mr_error *err)
{
    static const char *const standard_input[] = { "-", NULL };
    const struct flags *flags = putting->flags;
    const char *const *paths = flags->paths;
    if (flags->data_count == 0 && flags->path_count == 0) {
        paths = standard_input;
        if (isatty(STDIN_FILENO) && !flags->quiet) {
            fprintf(stderr, "one record a line; Ctrl-D ends\n");
        }
    }
    for (uint64_t round = 0; round < flags->repeat; round++) {
        if (put_arguments(putting, err) < 0 || put_files(putting, paths, err) < 0) {
            struct mr_error ignored;
            /* What stood before the mistake is put, as far as it can be. */
            flush(putting, &ignored);
            return err->code;
        }
    }
    return flush(putting, err);
}

static int
find_hash_key(struct putting *putting, struct mr_error *err)
{
    putting->hash_key = mr_slice_str(putting->flags->hash_key);
    if (putting->flags->shard == NULL && !putting->flags->kpl) {
        return 0;
    }
    struct mr_shard_list list;
    if (mr_shards_list(&putting->remote, putting->stream, &putting->place.arena, &list, err) <
        0) {
        return err->code;
    }
    if (putting->flags->kpl &&
        mr_aggregator_init(&putting->aggregator, &putting->putter, &list, err) < 0) {
        return err->code;
    }
    if (putting->flags->shard == NULL) {
        return 0;
    }
    const struct mr_shard_view *shard = mr_shards_find(&list, putting->flags->shard, err);
    if (shard == NULL) {
        return err->code;
    }
    putting->hash_key = mr_slice_str(shard->first_hash);
    if (shard->last_sequence != NULL) {
        return mr_fail(err, -EINVAL,
                       "%s is closed: it was split or merged; put into its children",
                       shard->id);
    }
    return 0;
}

static void
summarize(struct putting *putting)
{
    char size[16];
    const struct mr_putter *putter = &putting->putter;
    if (putter->told_ms != putter->started_ms) {
        fprintf(stderr, "\r\033[K");
    }
    if (putting->flags->quiet || putting->flags->json_output) {
        return;
    }
    if (putting->flags->kpl) {
        printf("packed %llu record%s; ", (unsigned long long)putting->aggregator.records,
               putting->aggregator.records == 1 ? "" : "s");
    }
    printf("put %llu record%s, %s, into %s:", (unsigned long long)putter->put,
           putter->put == 1 ? "" : "s", mr_bytes_text(putter->bytes, size), putting->stream);
    for (size_t i = 0; i < putting->count_count; i++) {
        printf("%s %s %llu", i == 0 ? "" : ",",
               mr_shard_short(putting->counts[i].shard, &putting->place.arena),
               (unsigned long long)putting->counts[i].records);
    }
    if (putting->others > 0) {
        printf(", others %llu", (unsigned long long)putting->others);
    }
    printf("%s\n", putter->put == 0 ? " nothing" : "");
}

static int
run(struct putting *putting)
{
    struct mr_error err = { 0 };
    mr_place_find(&putting->place, &putting->flags->place);
    mr_remote_init(&putting->remote, NULL, &putting->place);
    putting->stream = mr_place_name(&putting->place, "streams", putting->flags->stream);
    mr_putter_init(&putting->putter, &(struct mr_putter_options){
                                         .remote = &putting->remote,
                                         .stream = putting->stream,
                                         .rate = putting->flags->rate,
                                         .retries = putting->flags->retries,
                                         .put = on_put,
                                         .context = putting,
                                     });
    int result = find_hash_key(putting, &err);
    if (result == 0) {
        result = put_all(putting, &err);
        if (result == 0 || putting->putter.put > 0) {
            summarize(putting);
        }
    }
    int exit_code = MR_EXIT_OK;
    if (result < 0 && mr_remote_said(&putting->remote, "ResourceNotFoundException")) {
        exit_code = mr_complain(MR_EXIT_FAILED,
                                "there is no stream %s at %s; `millrace streams` lists them",
                                putting->stream, putting->remote.endpoint);
    } else if (result < 0) {
        exit_code = mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    mr_aggregator_deinit(&putting->aggregator);
    mr_putter_deinit(&putting->putter);
    mr_arena_deinit(&putting->arena);
    mr_remote_deinit(&putting->remote);
    mr_place_deinit(&putting->place);
    return exit_code;
}

int
mr_verb_put(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "STREAM [DATA|@FILE...]",
        .children = children,
        .doc = "Put records into a stream: each DATA is one, @FILE a file's whole content. "
               "Without "
               "DATA and --file, or with - for DATA, each line of the standard input.\v"
               "STREAM is a name, or a logical ID of the template that is up.",
    };
    struct flags flags = { .repeat = 1, .retries = 10 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    struct putting *putting = mr_alloc_zero(1, sizeof(*putting));
    putting->flags = &flags;
    int exit_code = run(putting);
    free(putting);
    return exit_code;
}
