#include "cli/putter.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "aws/base64.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

enum {
    FIRST_BACKOFF_MS = 50,
    LAST_BACKOFF_MS = 2000,
    PROGRESS_MS = 500,
    RECORD_OVERHEAD = 64, /* a request's other bytes: names, quotes, commas */
    MAX_CALL_BYTES = 5 * 1024 * 1024,
};

static uint64_t
now_ms(void)
{
    return mr_clock_now_ms(mr_clock_system());
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

void
mr_putter_init(struct mr_putter *putter, const struct mr_putter_options *options)
{
    *putter =
        (struct mr_putter){ .options = *options, .most_pending = call_size(options->rate) };
    putter->started_ms = putter->told_ms = now_ms();
}

void
mr_putter_deinit(struct mr_putter *putter)
{
    mr_arena_deinit(&putter->arena);
}

/* ---- one call ---- */

static void
write_request(const struct mr_putter *putter, struct mr_buf *body)
{
    mr_auto_buf struct mr_buf base64 = { 0 };
    struct mr_json_writer json = mr_json_writer_on(body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "StreamName", putter->options.stream);
    mr_json_key(&json, "Records");
    mr_json_begin_array(&json);
    for (size_t i = 0; i < putter->pending_count; i++) {
        const struct mr_putter_record *record = &putter->pending[i];
        mr_json_begin_object(&json);
        mr_json_member_string(&json, "PartitionKey", record->key);
        if (record->hash_key.size > 0) {
            mr_json_member_string(&json, "ExplicitHashKey", record->hash_key);
        }
        mr_buf_clear(&base64);
        mr_base64_append(&base64, record->data);
        mr_json_member_string(&json, "Data", mr_buf_slice(&base64));
        mr_json_end_object(&json);
    }
    mr_json_end_array(&json);
    mr_json_end_object(&json);
}

struct put_result {
    struct mr_slice shard, sequence, error, message;
};

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
take_results(struct mr_putter *putter, struct mr_error *err)
{
    const struct mr_putter_options *options = &putter->options;
    struct mr_json json = mr_json_of(mr_buf_slice(&options->remote->body));
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
            struct mr_putter_record *record = &putter->pending[index++];
            read_result(&json, &putter->arena, &result);
            if (result.error.size > 0) {
                mr_fail(err, -EAGAIN, "record %llu: %.*s: %.*s",
                        (unsigned long long)record->number, MR_SLICE_ARGS(result.error),
                        MR_SLICE_ARGS(result.message));
                putter->pending[kept++] = *record;
                continue;
            }
            putter->put++;
            putter->bytes += record->data.size;
            if (options->put != NULL) {
                options->put(record, result.shard, result.sequence, options->context);
            }
        }
    }
    if (json.bad || index < putter->pending_count) {
        return mr_fail(err, -EBADMSG, "PutRecords answered what is not its answer");
    }
    putter->pending_count = kept;
    return (int)kept;
}

static bool
worth_again(const struct mr_remote *remote, int result)
{
    return result == -ECONNREFUSED || result == -ECONNRESET || result == -ETIMEDOUT ||
           (result == -EREMOTEIO && remote->status >= 500) ||
           mr_remote_said(remote, "LimitExceededException") ||
           mr_remote_said(remote, "ProvisionedThroughputExceededException");
}

static void
sleep_ms(uint64_t ms)
{
    struct timespec time = { .tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&time, NULL);
}

static void
tell_progress(struct mr_putter *putter)
{
    uint64_t now = now_ms();
    if (!isatty(STDERR_FILENO) || now - putter->told_ms < PROGRESS_MS) {
        return;
    }
    putter->told_ms = now;
    fprintf(stderr, "\r%llu records, %.0f/s ", (unsigned long long)putter->put,
            (double)putter->put * 1000.0 / (double)(now - putter->started_ms + 1));
}

/* The first refusal by a server that is not there at all is final: a person wants to know. */
int
mr_putter_flush(struct mr_putter *putter, struct mr_error *err)
{
    struct mr_remote *remote = putter->options.remote;
    uint64_t backoff_ms = FIRST_BACKOFF_MS;
    for (uint64_t tries = 0; putter->pending_count > 0; tries++) {
        mr_auto_buf struct mr_buf body = { 0 };
        write_request(putter, &body);
        int result = mr_remote_kinesis(remote, "PutRecords", mr_buf_slice(&body), err);
        if (result < 0 &&
            (!worth_again(remote, result) || (result == -ECONNREFUSED && putter->put == 0))) {
            return result;
        }
        if (result == 0) {
            result = take_results(putter, err);
            if (result == -EBADMSG) {
                return result;
            }
        }
        if (result != 0 && tries >= putter->options.retries) {
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
keep_rate(const struct mr_putter *putter)
{
    if (putter->options.rate == 0) {
        return;
    }
    uint64_t due_ms = putter->put * 1000 / putter->options.rate;
    uint64_t gone_ms = now_ms() - putter->started_ms;
    if (due_ms > gone_ms) {
        sleep_ms(due_ms - gone_ms);
    }
}

int
mr_putter_add(struct mr_putter *putter, struct mr_slice key, struct mr_slice hash_key,
              struct mr_slice data, struct mr_error *err)
{
    size_t bytes = data.size + key.size + RECORD_OVERHEAD;
    putter->read++;
    if (putter->pending_count > 0 && putter->pending_bytes + bytes > MAX_CALL_BYTES &&
        mr_putter_flush(putter, err) < 0) {
        return err->code;
    }
    putter->pending[putter->pending_count++] = (struct mr_putter_record){
        .key = mr_arena_copy(&putter->arena, key),
        .hash_key = mr_arena_copy(&putter->arena, hash_key),
        .data = mr_arena_copy(&putter->arena, data),
        .number = putter->read,
    };
    putter->pending_bytes += bytes;
    if (putter->pending_count < putter->most_pending) {
        return 0;
    }
    int result = mr_putter_flush(putter, err);
    keep_rate(putter);
    return result;
}
