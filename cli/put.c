/*
 * millrace put: records into a stream, from arguments, files and pipes.
 *
 * Records are gathered into PutRecords calls; what a call refuses is put again, later each time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <argp.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/random.h"
#include "cli/input.h"
#include "cli/shards.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum {
    KEY_FIELD = 256,
    HASH_KEY,
    FORM_JSON,
    FORM_WHOLE,
    FORM_BASE64,
    RATE,
    REPEAT,
    RETRIES,
    OUTPUT,
    MAX_PATHS = 1024,
    FIRST_BACKOFF_MS = 50,
    LAST_BACKOFF_MS = 2000,
    PROGRESS_MS = 500,
    /* A request's other bytes: names, quotes, commas. */
    RECORD_OVERHEAD = 64,
    MAX_CALL_BYTES = 5 * 1024 * 1024,
};

static const struct argp_option options[] = {
    { "key", 'k', "KEY", 0, "The partition key of every record (default: a new one for each)", 0 },
    { "key-field", KEY_FIELD, "PATH", 0,
      "The partition key is this member of the JSON record, like customer.id", 0 },
    { "shard", 's', "SHARD", 0, "Put into this shard, like 0 or shardId-000000000000", 0 },
    { "partition", 's', NULL, OPTION_ALIAS, NULL, 0 },
    { "hash-key", HASH_KEY, "NUMBER", 0, "The explicit hash key, a number below 2^128", 0 },
    { "file", 'f', "FILE", 0, "Read records from FILE, one a line; - is the standard input", 1 },
    { "json", FORM_JSON, NULL, 0,
      "Files hold JSON: values one behind the other, or one array of them", 1 },
    { "whole", FORM_WHOLE, NULL, 0, "Each file is one record, byte for byte", 1 },
    { "base64", FORM_BASE64, NULL, 0, "Records are given in base64", 1 },
    { "rate", RATE, "N", 0, "At most N records a second", 2 },
    { "repeat", REPEAT, "N", 0, "Put all of it N times", 2 },
    { "retries", RETRIES, "N", 0, "Put a refused record again so often (default 10)", 2 },
    { "output", OUTPUT, "text|json", 0, "json: one object a record, with its sequence number", 2 },
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
    enum mr_input_form form;
    bool base64, json_output, verbose, quiet;
    uint64_t rate, repeat, retries;
};

struct pending {
    struct mr_slice key, data; /* in the putter's arena */
    size_t number;             /* of the record, from 1 */
};

struct count {
    char shard[64];
    uint64_t records;
};

struct putter {
    const struct flags *flags;
    struct mr_place place;
    struct mr_remote remote;
    const char *stream, *hash_key;
    struct mr_arena arena; /* of the pending records */
    struct pending pending[MR_KINESIS_MAX_RECORDS_PER_PUT];
    size_t pending_count, pending_bytes, most_pending;
    struct mr_random random;
    uint64_t read, put, bytes, started_ms, told_ms;
    struct count counts[16]; /* of the first shards met; the rest goes into `others` */
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

static uint64_t
now_ms(void)
{
    return mr_clock_now_ms(mr_clock_system());
}

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
choose_key(struct putter *putter, struct mr_slice record, struct mr_slice *out_key,
           struct mr_error *err)
{
    const struct flags *flags = putter->flags;
    if (flags->key != NULL) {
        *out_key = mr_slice_str(flags->key);
        return 0;
    }
    if (flags->key_field == NULL) {
        *out_key = mr_slice_str(mr_arena_printf(
            &putter->arena, "%016llx", (unsigned long long)mr_random_u64(&putter->random)));
        return 0;
    }
    if (!find_member(record, flags->key_field, &putter->arena, out_key) || out_key->size == 0) {
        return mr_fail(err, -EINVAL, "record %llu has no member %s to take its key from",
                       (unsigned long long)putter->read, flags->key_field);
    }
    *out_key = mr_arena_copy(&putter->arena, *out_key);
    return 0;
}

static int
decode(struct putter *putter, struct mr_slice *record, struct mr_error *err)
{
    if (!putter->flags->base64) {
        *record = mr_arena_copy(&putter->arena, *record);
        return 0;
    }
    struct mr_slice text = mr_slice_trim(*record);
    uint8_t *out = mr_arena_alloc(&putter->arena, mr_base64_decoded_max(text.size) + 1);
    ssize_t size = mr_base64_decode(text, out, NULL);
    if (size < 0) {
        return mr_fail(err, -EINVAL, "record %llu is not base64", (unsigned long long)putter->read);
    }
    *record = mr_slice_of(out, (size_t)size);
    return 0;
}

/* ---- one call ---- */

static void
write_request(struct putter *putter, struct mr_buf *body)
{
    mr_auto_buf struct mr_buf base64 = { 0 };
    struct mr_json_writer json = mr_json_writer_on(body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "StreamName", putter->stream);
    mr_json_key(&json, "Records");
    mr_json_begin_array(&json);
    for (size_t i = 0; i < putter->pending_count; i++) {
        mr_json_begin_object(&json);
        mr_json_member_string(&json, "PartitionKey", putter->pending[i].key);
        if (putter->hash_key != NULL) {
            mr_json_member_str(&json, "ExplicitHashKey", putter->hash_key);
        }
        mr_buf_clear(&base64);
        mr_base64_append(&base64, putter->pending[i].data);
        mr_json_member_string(&json, "Data", mr_buf_slice(&base64));
        mr_json_end_object(&json);
    }
    mr_json_end_array(&json);
    mr_json_end_object(&json);
}

static void
count_shard(struct putter *putter, struct mr_slice shard)
{
    for (size_t i = 0; i < putter->count_count; i++) {
        if (mr_slice_is(shard, putter->counts[i].shard)) {
            putter->counts[i].records++;
            return;
        }
    }
    if (putter->count_count == sizeof(putter->counts) / sizeof(putter->counts[0])) {
        putter->others++;
        return;
    }
    struct count *count = &putter->counts[putter->count_count++];
    snprintf(count->shard, sizeof(count->shard), "%.*s", MR_SLICE_ARGS(shard));
    count->records = 1;
}

struct put_result {
    struct mr_slice shard, sequence, error, message;
};

static void
tell_record(struct putter *putter, const struct pending *pending, const struct put_result *result)
{
    mr_auto_buf struct mr_buf line = { 0 };
    if (putter->flags->json_output) {
        struct mr_json_writer json = mr_json_writer_on(&line);
        mr_json_begin_object(&json);
        mr_json_member_i64(&json, "record", (int64_t)pending->number);
        mr_json_member_string(&json, "shard", result->shard);
        mr_json_member_string(&json, "sequence_number", result->sequence);
        mr_json_member_string(&json, "partition_key", pending->key);
        mr_json_end_object(&json);
    } else if (putter->flags->verbose) {
        mr_buf_printf(&line, "%s  %.*s  ", mr_shard_short(mr_arena_cstr(&putter->arena, result->shard),
                                                          &putter->arena),
                      MR_SLICE_ARGS(result->sequence));
        mr_append_safe(&line, pending->key);
    } else {
        return;
    }
    printf("%.*s\n", MR_SLICE_ARGS(mr_buf_slice(&line)));
}

static void
read_result(struct mr_json *json, struct mr_arena *arena, struct put_result *result)
{
    static const char *const names[] = { "ShardId", "SequenceNumber", "ErrorCode",
                                         "ErrorMessage" };
    struct mr_slice *const places[] = { &result->shard, &result->sequence, &result->error,
                                        &result->message };
    struct mr_slice key;
    mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        size_t i = 0;
        while (i < 4 && !mr_slice_is(key, names[i])) {
            i++;
        }
        if (i == 4 || !mr_json_string(json, arena, places[i])) {
            mr_json_skip(json);
        }
    }
}

/* Keeps what was refused, in order. Returns how many that are; the last reason is in `err`. */
static int
take_results(struct putter *putter, struct mr_error *err)
{
    struct mr_json json = mr_json_of(mr_buf_slice(&putter->remote.body));
    struct mr_slice key;
    size_t index = 0, kept = 0;
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "Records") || !mr_json_enter(&json)) {
            mr_json_skip(&json);
            continue;
        }
        while (mr_json_next_element(&json) && index < putter->pending_count) {
            struct put_result result = { 0 };
            struct pending *pending = &putter->pending[index++];
            read_result(&json, &putter->arena, &result);
            if (result.error.size > 0) {
                mr_fail(err, -EAGAIN, "record %zu: %.*s: %.*s", pending->number,
                        MR_SLICE_ARGS(result.error), MR_SLICE_ARGS(result.message));
                putter->pending[kept++] = *pending;
                continue;
            }
            putter->put++;
            putter->bytes += pending->data.size;
            count_shard(putter, result.shard);
            tell_record(putter, pending, &result);
        }
    }
    if (json.bad || index < putter->pending_count) {
        return mr_fail(err, -EBADMSG, "PutRecords answered what is not its answer");
    }
    putter->pending_count = kept;
    return (int)kept;
}

static bool
worth_again(const struct putter *putter, int result)
{
    return result == -ECONNREFUSED || result == -ECONNRESET || result == -ETIMEDOUT ||
           (result == -EREMOTEIO && putter->remote.status >= 500) ||
           mr_remote_said(&putter->remote, "LimitExceededException") ||
           mr_remote_said(&putter->remote, "ProvisionedThroughputExceededException");
}

static void
sleep_ms(uint64_t ms)
{
    struct timespec time = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&time, NULL);
}

static void
tell_progress(struct putter *putter)
{
    uint64_t now = now_ms();
    if (!isatty(STDERR_FILENO) || now - putter->told_ms < PROGRESS_MS) {
        return;
    }
    putter->told_ms = now;
    fprintf(stderr, "\r%llu records, %.0f/s ", (unsigned long long)putter->put,
            (double)putter->put * 1000.0 / (double)(now - putter->started_ms + 1));
}

/* Puts what is pending, again and again. The first refusal by a server that is not there at all
 * is final: a person wants to know. */
static int
flush(struct putter *putter, struct mr_error *err)
{
    uint64_t backoff_ms = FIRST_BACKOFF_MS;
    for (uint64_t tries = 0; putter->pending_count > 0; tries++) {
        mr_auto_buf struct mr_buf body = { 0 };
        write_request(putter, &body);
        int result = mr_remote_kinesis(&putter->remote, "PutRecords", mr_buf_slice(&body), err);
        if (result < 0 && (!worth_again(putter, result) ||
                           (result == -ECONNREFUSED && putter->put == 0))) {
            return result;
        }
        if (result == 0) {
            result = take_results(putter, err);
            if (result == -EBADMSG) {
                return result;
            }
        }
        if (result != 0 && tries >= putter->flags->retries) {
            return mr_wrap(err, "%zu records were not put", putter->pending_count);
        }
        if (result != 0) {
            sleep_ms(backoff_ms);
            backoff_ms = backoff_ms * 2 > LAST_BACKOFF_MS ? LAST_BACKOFF_MS : backoff_ms * 2;
        }
    }
    mr_arena_reset(&putter->arena);
    putter->pending_bytes = 0;
    tell_progress(putter);
    return 0;
}

/* Sleeps until the records put so far are due at the asked rate. */
static void
keep_rate(struct putter *putter)
{
    if (putter->flags->rate == 0) {
        return;
    }
    uint64_t due_ms = putter->put * 1000 / putter->flags->rate;
    uint64_t gone_ms = now_ms() - putter->started_ms;
    if (due_ms > gone_ms) {
        sleep_ms(due_ms - gone_ms);
    }
}

static int
add(struct putter *putter, struct mr_slice record, struct mr_error *err)
{
    struct mr_slice key;
    putter->read++;
    size_t bytes = record.size + RECORD_OVERHEAD;
    if (putter->pending_count > 0 && putter->pending_bytes + bytes > MAX_CALL_BYTES &&
        flush(putter, err) < 0) {
        return err->code;
    }
    if (decode(putter, &record, err) < 0 || choose_key(putter, record, &key, err) < 0) {
        return err->code;
    }
    putter->pending[putter->pending_count++] = (struct pending){ key, record, putter->read };
    putter->pending_bytes += bytes;
    if (putter->pending_count < putter->most_pending) {
        return 0;
    }
    int result = flush(putter, err);
    keep_rate(putter);
    return result;
}

/* ---- all of it ---- */

static int
put_arguments(struct putter *putter, struct mr_error *err)
{
    const struct flags *flags = putter->flags;
    for (size_t i = 0; i < flags->data_count; i++) {
        mr_auto_buf struct mr_buf file = { 0 };
        struct mr_slice record = mr_slice_str(flags->data[i]);
        if (flags->data[i][0] == '@') {
            if (mr_input_read_file(flags->data[i] + 1, MR_INPUT_MAX_RECORD_BYTES, &file, err) < 0) {
                return err->code;
            }
            record = mr_buf_slice(&file);
        }
        if (add(putter, record, err) < 0) {
            return err->code;
        }
    }
    return 0;
}

static int
put_files(struct putter *putter, const char *const *paths, struct mr_error *err)
{
    mr_auto_input struct mr_input input;
    struct mr_slice record;
    int result;
    mr_input_init(&input, putter->flags->form, paths);
    while ((result = mr_input_next(&input, &record, err)) > 0) {
        result = add(putter, record, err);
        if (result == 0 && putter->pending_count > 0 && mr_input_would_wait(&input)) {
            result = flush(putter, err);
        }
        if (result < 0) {
            return result;
        }
    }
    return result;
}

static int
put_all(struct putter *putter, struct mr_error *err)
{
    static const char *const standard_input[] = { "-", NULL };
    const struct flags *flags = putter->flags;
    const char *const *paths = flags->paths;
    if (flags->data_count == 0 && flags->path_count == 0) {
        paths = standard_input;
        if (isatty(STDIN_FILENO) && !flags->quiet) {
            fprintf(stderr, "one record a line; Ctrl-D ends\n");
        }
    }
    for (uint64_t round = 0; round < flags->repeat; round++) {
        if (put_arguments(putter, err) < 0 || put_files(putter, paths, err) < 0) {
            struct mr_error ignored;
            (void)flush(putter, &ignored); /* what stood before the mistake is put */
            return err->code;
        }
    }
    return flush(putter, err);
}

static int
find_hash_key(struct putter *putter, struct mr_error *err)
{
    putter->hash_key = putter->flags->hash_key;
    if (putter->flags->shard == NULL) {
        return 0;
    }
    struct mr_shard_list list;
    if (mr_shards_list(&putter->remote, putter->stream, &putter->place.arena, &list, err) < 0) {
        return err->code;
    }
    const struct mr_shard_view *shard = mr_shards_find(&list, putter->flags->shard, err);
    if (shard == NULL) {
        return err->code;
    }
    putter->hash_key = shard->first_hash;
    if (shard->last_sequence != NULL) {
        return mr_fail(err, -EINVAL, "%s is closed: it was split or merged; put into its children",
                       shard->id);
    }
    return 0;
}

static void
summarize(struct putter *putter)
{
    char size[16];
    if (putter->told_ms != putter->started_ms) {
        fprintf(stderr, "\r\033[K");
    }
    if (putter->flags->quiet || putter->flags->json_output) {
        return;
    }
    printf("put %llu record%s, %s, into %s:", (unsigned long long)putter->put,
           putter->put == 1 ? "" : "s", mr_bytes_text(putter->bytes, size), putter->stream);
    for (size_t i = 0; i < putter->count_count; i++) {
        printf("%s %s %llu", i == 0 ? "" : ",",
               mr_shard_short(putter->counts[i].shard, &putter->arena),
               (unsigned long long)putter->counts[i].records);
    }
    if (putter->others > 0) {
        printf(", others %llu", (unsigned long long)putter->others);
    }
    printf("%s\n", putter->put == 0 ? " nothing" : "");
}

/* At a low rate a call carries what is due in a twentieth of a second. */
static size_t
call_size(uint64_t rate)
{
    uint64_t size = rate == 0 ? MR_KINESIS_MAX_RECORDS_PER_PUT : rate / 20;
    return size < 1 ? 1
                    : (size > MR_KINESIS_MAX_RECORDS_PER_PUT ? MR_KINESIS_MAX_RECORDS_PER_PUT
                                                              : (size_t)size);
}

static int
run(struct putter *putter)
{
    struct mr_error err = { 0 };
    mr_place_find(&putter->place, &putter->flags->place);
    mr_remote_init(&putter->remote, NULL, &putter->place);
    putter->stream = mr_place_name(&putter->place, "streams", putter->flags->stream);
    putter->most_pending = call_size(putter->flags->rate);
    putter->started_ms = putter->told_ms = now_ms();
    int result = find_hash_key(putter, &err);
    if (result == 0) {
        result = put_all(putter, &err);
        if (result == 0 || putter->put > 0) {
            summarize(putter);
        }
    }
    int exit_code = MR_EXIT_OK;
    if (result < 0 && mr_remote_said(&putter->remote, "ResourceNotFoundException")) {
        exit_code = mr_complain(MR_EXIT_FAILED,
                                "there is no stream %s at %s; `millrace streams` lists them",
                                putter->stream, putter->remote.endpoint);
    } else if (result < 0) {
        exit_code = mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    mr_arena_deinit(&putter->arena);
    mr_remote_deinit(&putter->remote);
    mr_place_deinit(&putter->place);
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
        .doc = "Put records into a stream: each DATA is one, @FILE a file's whole content. Without "
               "DATA and --file, each line of the standard input.\v"
               "STREAM is a name, or a logical ID of the template that is up.",
    };
    struct flags flags = { .repeat = 1, .retries = 10 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    struct putter *putter = mr_alloc_zero(1, sizeof(*putter));
    putter->flags = &flags;
    int exit_code = run(putter);
    free(putter);
    return exit_code;
}
