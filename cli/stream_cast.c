#include "cli/stream_cast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "cli/input.h"
#include "cli/putter.h"
#include "cli/reader.h"
#include "cli/shards.h"

enum { MAX_HEADER_SHARDS = 10000, RETRIES = 20, ACTIVE_TRIES = 600, ACTIVE_PAUSE_MS = 50 };

/* ---- save ---- */

struct saving {
    FILE *file;
    uint64_t records;
};

static bool
save_record(const struct mr_reader_record *record, void *context)
{
    struct saving *saving = context;
    mr_auto_buf struct mr_buf line = { 0 };
    mr_auto_buf struct mr_buf base64 = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&line);
    mr_base64_append(&base64, record->data);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "partition_key", record->key);
    mr_json_member_string(&json, "data_base64", mr_buf_slice(&base64));
    mr_json_member_str(&json, "shard", record->shard);
    mr_json_member_string(&json, "sequence_number", record->sequence);
    mr_json_key(&json, "arrived");
    mr_json_put_f64(&json, record->arrived_s);
    mr_json_end_object(&json);
    mr_buf_append_byte(&line, '\n');
    saving->records++;
    return fwrite(line.data, 1, line.size, saving->file) == line.size;
}

static int
write_header(const struct mr_stream_cast *cast, const char *stream, FILE *file,
             struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_shard_list shards;
    if (mr_shards_list(cast->remote, stream, &arena, &shards, err) < 0) {
        return err->code;
    }
    size_t open = 0;
    for (size_t i = 0; i < shards.count; i++) {
        open += shards.shards[i].last_sequence == NULL;
    }
    mr_auto_buf struct mr_buf line = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&line);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "stream", stream);
    mr_json_member_i64(&json, "shards", (int64_t)open);
    mr_json_key(&json, "saved");
    mr_json_put_seconds(&json, mr_clock_wall_ms(mr_clock_system()));
    mr_json_end_object(&json);
    fprintf(file, "%s\n", mr_buf_cstr(&line));
    return 0;
}

static int
save_all(const struct mr_stream_cast *cast, const char *stream, struct saving *saving,
         struct mr_error *err)
{
    struct mr_position position;
    struct mr_reader reader = {
        .remote = cast->remote, .stream = stream, .fn = save_record, .context = saving
    };
    if (mr_position_parse(&position, cast->last == NULL ? "oldest" : cast->last, err) < 0 ||
        write_header(cast, stream, saving->file, err) < 0) {
        return err->code;
    }
    int result = mr_reader_open(&reader, &position, err);
    if (result == 0) {
        do {
            result = mr_reader_round(&reader, err);
        } while (result > 0 && reader.behind && !reader.enough);
    }
    mr_reader_close(&reader);
    return result < 0 ? result : 0;
}

int
mr_stream_cast_save(const struct mr_stream_cast *cast, const char *stream, const char *path,
                    struct mr_error *err)
{
    bool to_stdout = strcmp(path, "-") == 0;
    struct saving saving = { .file = to_stdout ? stdout : fopen(path, "we") };
    if (saving.file == NULL) {
        return mr_fail(err, -errno, "open %s: %s", path, strerror(errno));
    }
    int result = save_all(cast, stream, &saving, err);
    bool failed = ferror(saving.file) != 0 || fflush(saving.file) != 0;
    if (!to_stdout) {
        failed |= fclose(saving.file) != 0;
        if (result < 0) {
            (void)remove(path);
        }
    }
    if (result == 0 && failed) {
        return mr_fail(err, -EIO, "write %s: %s", path, strerror(errno));
    }
    if (result == 0 && !to_stdout) {
        printf("saved %llu records of %s in %s\n", (unsigned long long)saving.records, stream,
               path);
    }
    return result;
}

/* ---- load ---- */

struct line {
    struct mr_slice stream, key, base64; /* absent where the line has them not */
    int64_t shards;
};

static bool
read_line(struct mr_slice text, struct mr_arena *arena, struct line *out)
{
    struct mr_json json = mr_json_of(text);
    struct mr_slice key;
    *out = (struct line){ 0 };
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        bool taken =
            mr_slice_is(key, "stream")          ? mr_json_string(&json, arena, &out->stream)
            : mr_slice_is(key, "partition_key") ? mr_json_string(&json, arena, &out->key)
            : mr_slice_is(key, "data_base64")   ? mr_json_string(&json, arena, &out->base64)
            : mr_slice_is(key, "shards")        ? mr_json_i64(&json, &out->shards)
                                                : mr_json_skip(&json);
        if (!taken) {
            return false;
        }
    }
    return mr_json_done(&json);
}

/* Does nothing when the stream is there. */
static int
make_stream(const struct mr_stream_cast *cast, const char *stream, int64_t shards,
            struct mr_error *err)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "StreamName", stream);
    mr_json_member_i64(&json, "ShardCount",
                       shards < 1 || shards > MAX_HEADER_SHARDS ? 1 : shards);
    mr_json_end_object(&json);
    if (mr_remote_kinesis(cast->remote, "CreateStream", mr_buf_slice(&body), err) < 0) {
        return mr_remote_said(cast->remote, "ResourceInUseException") ? 0 : err->code;
    }
    printf("created %s\n", stream);
    mr_buf_clear(&body);
    json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "StreamName", stream);
    mr_json_end_object(&json);
    for (int i = 0; i < ACTIVE_TRIES; i++) {
        if (mr_remote_kinesis(cast->remote, "DescribeStreamSummary", mr_buf_slice(&body), err) <
            0) {
            return err->code;
        }
        const struct mr_buf *answer = &cast->remote->body;
        if (memmem(answer->data, answer->size, "\"ACTIVE\"", 8) != NULL) {
            return 0;
        }
        struct timespec pause = { .tv_nsec = ACTIVE_PAUSE_MS * 1000000L };
        nanosleep(&pause, NULL);
    }
    return mr_fail(err, -ETIMEDOUT, "stream %s did not become ACTIVE", stream);
}

static int
put_line(struct mr_putter *putter, const struct line *line, struct mr_arena *arena,
         struct mr_error *err)
{
    uint8_t *data = mr_arena_alloc(arena, mr_base64_decoded_max(line->base64.size) + 1);
    ssize_t size = mr_base64_decode(line->base64, data, NULL);
    if (size < 0) {
        return mr_fail(err, -EINVAL, "its data is not base64");
    }
    return mr_putter_add(putter, line->key, (struct mr_slice){ 0 },
                         mr_slice_of(data, (size_t)size), err);
}

static int
put_lines(struct mr_record_input *input, struct mr_putter *putter, struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice text;
    struct line line;
    int result;
    while ((result = mr_record_input_next(input, &text, err)) > 0) {
        mr_arena_reset(&arena);
        if (!read_line(text, &arena, &line) || line.key.size == 0 || line.base64.data == NULL) {
            return mr_fail(err, -EINVAL, "%s:%zu: not a record as `streams save` writes them",
                           input->name, input->line);
        }
        if (put_line(putter, &line, &arena, err) < 0) {
            return mr_wrap(err, "%s:%zu", input->name, input->line);
        }
    }
    return result < 0 ? result : mr_putter_flush(putter, err);
}

int
mr_stream_cast_load(const struct mr_stream_cast *cast, const char *path, const char *stream,
                    struct mr_error *err)
{
    const char *const paths[] = { path, NULL };
    mr_auto_input struct mr_record_input input;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice text;
    struct line header;
    mr_record_input_init(&input, MR_INPUT_LINES, paths);
    int result = mr_record_input_next(&input, &text, err);
    if (result < 0) {
        return result;
    }
    if (result == 0 || !read_line(text, &arena, &header) || header.stream.size == 0) {
        return mr_fail(err, -EINVAL, "%s: not a file that `streams save` wrote", path);
    }
    const char *name = stream != NULL ? stream : mr_arena_cstr(&arena, header.stream);
    if (make_stream(cast, name, header.shards, err) < 0) {
        return err->code;
    }
    struct mr_putter *putter = mr_alloc(sizeof(*putter));
    mr_putter_init(putter, &(struct mr_putter_options){
                               .remote = cast->remote, .stream = name, .retries = RETRIES });
    result = put_lines(&input, putter, err);
    if (result == 0) {
        printf("loaded %llu records into %s\n", (unsigned long long)putter->put, name);
    }
    mr_putter_deinit(putter);
    free(putter);
    return result;
}
