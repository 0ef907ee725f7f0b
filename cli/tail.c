/*
 * millrace tail: show a stream's records, from a position, and go on as they come.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <argp.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "cli/position.h"
#include "cli/reader.h"
#include "cli/shards.h"
#include "cli/terminal.h"
#include "cli/verb.h"

enum { FROM = 256, DECODE, OUTPUT, IDLE_MS = 200 };

enum decode { AUTO, TEXT, JSON, HEX, BASE64 };
static const char *const decodings[] = { "auto", "text", "json", "hex", "base64", NULL };

static const struct argp_option options[] = {
    { "from", FROM, "POSITION", 0,
      "oldest (default), latest, a sequence number, a time like 2026-11-24T12:00:00Z, or an "
      "age "
      "like 15m",
      0 },
    { "shard", 's', "SHARD", 0, "Only this shard, like 0 or shardId-000000000000", 0 },
    { "follow", 'f', NULL, 0, "Go on as records come, into the children of a split too", 0 },
    { "count", 'n', "N", 0, "Stop after N records", 0 },
    { "decode", DECODE, "HOW", 0, "auto (default), text, json, hex or base64", 0 },
    { "output", OUTPUT, "text|json", 0, "json: one object a record", 0 },
    { "verbose", 'v', NULL, 0, "Sequence numbers in full", 0 },
    { 0 },
};

struct flags {
    struct mr_place_flags place;
    const char *stream, *shard, *from;
    bool follow, json_output, verbose;
    enum decode decode;
    uint64_t count;
};

struct tail {
    const struct flags *flags;
    struct mr_place place;
    struct mr_remote remote;
    struct mr_reader reader;
    struct mr_arena arena; /* of one line */
    uint64_t shown;
};

static volatile bool interrupted;

static void
on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = true;
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
    case FROM:
        flags->from = arg;
        break;
    case 's':
        flags->shard = arg;
        break;
    case 'f':
        flags->follow = true;
        break;
    case 'n':
        flags->count = mr_flag_number(state, "--count", arg, 1, UINT64_MAX);
        break;
    case DECODE:
        flags->decode = (enum decode)mr_flag_choice(state, "--decode", arg, decodings);
        break;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        break;
    case 'v':
        flags->verbose = true;
        break;
    case ARGP_KEY_ARG:
        if (flags->stream != NULL) {
            argp_error(state, "one stream at a time; \"%s\" is one too many", arg);
        }
        flags->stream = arg;
        break;
    case ARGP_KEY_END:
        if (flags->stream == NULL) {
            argp_error(state, "which stream? a name, or a logical ID of the template");
        }
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- showing ---- */

static void
append_hex(struct mr_buf *line, struct mr_slice data)
{
    for (size_t i = 0; i < data.size; i++) {
        mr_buf_printf(line, "%02x%s", data.data[i], i % 2 == 1 ? " " : "");
    }
}

static bool
is_readable(struct mr_slice data)
{
    if (!mr_slice_is_utf8(data)) {
        return false;
    }
    for (size_t i = 0; i < data.size; i++) {
        if (data.data[i] < 0x20 && strchr("\t\r\n", data.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* JSON without the blanks between its tokens, one line whatever it was. */
static void
append_compact(struct mr_buf *line, struct mr_slice json)
{
    bool in_string = false;
    for (size_t i = 0; i < json.size; i++) {
        uint8_t byte = json.data[i];
        if (byte == '\\' && in_string) {
            mr_buf_append(line, json.data + i, 2);
            i++;
            continue;
        }
        in_string ^= byte == '"';
        if (in_string || !isspace(byte)) {
            mr_buf_append_byte(line, byte);
        }
    }
}

static void
append_data(struct mr_buf *line, enum decode decode, struct mr_slice data)
{
    bool json = (decode == AUTO || decode == JSON) && mr_json_valid(data);
    if (json) {
        append_compact(line, data);
    } else if (decode == HEX || (decode == AUTO && !is_readable(data))) {
        append_hex(line, data);
    } else if (decode == BASE64) {
        mr_base64_append(line, data);
    } else {
        mr_append_safe(line, data);
    }
}

static void
show_json(struct tail *tail, const struct mr_reader_record *record, struct mr_buf *line)
{
    struct mr_json_writer json = mr_json_writer_on(line);
    mr_auto_buf struct mr_buf data = { 0 };
    bool readable = is_readable(record->data);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "shard", record->shard);
    mr_json_member_string(&json, "sequence_number", record->sequence);
    mr_json_key(&json, "arrived");
    mr_json_put_f64(&json, record->arrived_s);
    mr_json_member_string(&json, "partition_key", record->key);
    if (tail->flags->decode == AUTO && mr_json_valid(record->data)) {
        mr_json_key(&json, "data");
        mr_json_put_raw(&json, record->data);
    } else if (readable && tail->flags->decode != BASE64) {
        mr_json_member_string(&json, "data", record->data);
    } else {
        mr_base64_append(&data, record->data);
        mr_json_member_string(&json, "data_base64", mr_buf_slice(&data));
    }
    mr_json_end_object(&json);
}

static void
show_text(struct tail *tail, const struct mr_reader_record *record, struct mr_buf *line)
{
    char time_text[32];
    time_t seconds = (time_t)record->arrived_s;
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(time_text, sizeof(time_text), "%H:%M:%S", &local);
    mr_buf_printf(line, "%s%s.%03d  %s  ", mr_colour(stdout, MR_DIM), time_text,
                  (int)((record->arrived_s - (double)seconds) * 1000.0 + 0.5) % 1000,
                  mr_shard_short(record->shard, &tail->arena));
    if (tail->flags->verbose) {
        mr_buf_printf(line, "%.*s  ", MR_SLICE_ARGS(record->sequence));
    }
    mr_append_safe(line, record->key);
    mr_buf_printf(line, "%s  ", mr_colour(stdout, MR_PLAIN));
    append_data(line, tail->flags->decode, record->data);
}

static bool
show(const struct mr_reader_record *record, void *context)
{
    struct tail *tail = context;
    mr_auto_buf struct mr_buf line = { 0 };
    mr_arena_reset(&tail->arena);
    if (tail->flags->json_output) {
        show_json(tail, record, &line);
    } else {
        show_text(tail, record, &line);
    }
    mr_buf_append_byte(&line, '\n');
    fwrite(line.data, 1, line.size, stdout);
    tail->shown++;
    return !interrupted && (tail->flags->count == 0 || tail->shown < tail->flags->count);
}

static int
read_all(struct tail *tail, struct mr_error *err)
{
    struct mr_reader *reader = &tail->reader;
    while (!interrupted && !reader->enough) {
        int result = mr_reader_round(reader, err);
        fflush(stdout);
        if (result <= 0) {
            return result;
        }
        if (!reader->behind && !tail->flags->follow) {
            break;
        }
        if (!reader->behind) {
            struct timespec pause = { .tv_nsec = IDLE_MS * 1000000L };
            nanosleep(&pause, NULL);
        }
    }
    return 0;
}

static int
run(struct tail *tail, const struct mr_position *position)
{
    struct mr_error err = { 0 };
    mr_place_find(&tail->place, &tail->flags->place);
    mr_remote_init(&tail->remote, NULL, &tail->place);
    tail->remote.given_up = &interrupted;
    tail->reader = (struct mr_reader){
        .remote = &tail->remote,
        .stream = mr_place_name(&tail->place, "streams", tail->flags->stream),
        .only_shard = tail->flags->shard,
        .fn = show,
        .context = tail,
    };
    int result = mr_reader_open(&tail->reader, position, &err);
    if (result == 0) {
        result = read_all(tail, &err);
    }
    int exit_code = MR_EXIT_OK;
    if (result == -EINTR || interrupted) {
        exit_code = tail->flags->follow ? MR_EXIT_OK : MR_EXIT_INTERRUPTED;
    } else if (result < 0 && mr_remote_said(&tail->remote, "ResourceNotFoundException")) {
        exit_code = mr_complain(MR_EXIT_FAILED,
                                "there is no stream %s at %s; `millrace streams` lists them",
                                tail->reader.stream, tail->remote.endpoint);
    } else if (result < 0) {
        exit_code = mr_complain(MR_EXIT_FAILED, "%s", err.text);
    }
    mr_reader_close(&tail->reader);
    mr_arena_deinit(&tail->arena);
    mr_remote_deinit(&tail->remote);
    mr_place_deinit(&tail->place);
    return exit_code;
}

int
mr_verb_tail(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_place_argp, 0, "Where:", 0 }, { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "STREAM",
        .children = children,
        .doc =
            "Show a stream's records from a position up to its head; with --follow, go on as "
            "they come.\v"
            "STREAM is a name, or a logical ID of the template that is up. What is no text is "
            "shown in hexadecimal.",
    };
    struct flags flags = { 0 };
    struct tail tail = { .flags = &flags };
    struct mr_position position;
    struct mr_error err = { 0 };
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    if (mr_position_parse(&position, flags.from == NULL ? "oldest" : flags.from, &err) < 0) {
        return mr_complain(MR_EXIT_USAGE, "--from: %s", err.text);
    }
    struct sigaction action = { .sa_handler = on_interrupt };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return run(&tail, &position);
}
