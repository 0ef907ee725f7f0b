#include "cli/batch_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/json_reader.h"

struct name {
    char *name, *logical_id;
};

struct mr_batch_lines {
    struct mr_say *say; /* the caller's, outlives us */
    enum mr_batch_detail detail;
    struct name *names;
    size_t name_count;
    uint64_t next;
    uint64_t batches, failed, records, dropped, in_flight;
    struct mr_arena arena; /* of one line */
};

/* The members of one object of the feed that a person is told of. */
struct event {
    struct mr_slice kind, function, stream, shard, batch, outcome, detail, condition, sunk,
        line, first, last, level;
    int64_t seq, t, lane, attempt, count, bytes, age_ms, max_retries, duration_us, retry_in_ms,
        split, failed_at, lost;
};

static const struct member {
    const char *name;
    size_t text, number; /* offsets; SIZE_MAX: of the other kind */
} members[] = {
#define TEXT(name, field)                             \
    {                                                 \
        name, offsetof(struct event, field), SIZE_MAX \
    }
#define NUMBER(name, field)                           \
    {                                                 \
        name, SIZE_MAX, offsetof(struct event, field) \
    }
    TEXT("kind", kind),
    TEXT("function", function),
    TEXT("stream", stream),
    TEXT("shard", shard),
    TEXT("batch", batch),
    TEXT("outcome", outcome),
    TEXT("detail", detail),
    TEXT("condition", condition),
    TEXT("sunk", sunk),
    TEXT("line", line),
    TEXT("first", first),
    TEXT("last", last),
    TEXT("level", level),
    NUMBER("seq", seq),
    NUMBER("t", t),
    NUMBER("lane", lane),
    NUMBER("attempt", attempt),
    NUMBER("count", count),
    NUMBER("bytes", bytes),
    NUMBER("ageMs", age_ms),
    NUMBER("maxRetries", max_retries),
    NUMBER("durationUs", duration_us),
    NUMBER("retryInMs", retry_in_ms),
    NUMBER("split", split),
    NUMBER("failedAt", failed_at),
    NUMBER("lost", lost),
#undef TEXT
#undef NUMBER
};

static void
read_member(struct mr_json *json, struct mr_arena *arena, struct mr_slice key,
            struct event *event)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!mr_slice_is(key, members[i].name)) {
            continue;
        }
        bool taken =
            members[i].text != SIZE_MAX
                ? mr_json_string(json, arena, (void *)((char *)event + members[i].text))
                : mr_json_i64(json, (void *)((char *)event + members[i].number));
        if (taken) {
            return;
        }
        break;
    }
    mr_json_skip(json);
}

static bool
read_event(struct mr_slice line, struct mr_arena *arena, struct event *event)
{
    struct mr_json json = mr_json_of(line);
    struct mr_slice key;
    *event = (struct event){ .max_retries = -1, .lane = -1 };
    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        read_member(&json, arena, key, event);
    }
    return mr_json_done(&json);
}

/* ---- small texts ---- */

/* Bits 80 to 143 of the number, by long multiplication. */
uint64_t
mr_sequence_index_of(struct mr_slice sequence)
{
    uint32_t words[7] = { 0 };
    for (size_t i = 0; i < sequence.size; i++) {
        uint64_t carry = (uint64_t)(sequence.data[i] - '0');
        if (carry > 9) {
            return 0;
        }
        for (size_t k = 0; k < 7; k++) {
            carry += (uint64_t)words[k] * 10;
            words[k] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    return (uint64_t)words[2] >> 16 | (uint64_t)words[3] << 16 | (uint64_t)words[4] << 48;
}

static void
append_wait(struct mr_say *say, int64_t ms)
{
    if (ms < 1000) {
        mr_say_text(say, "%lld ms", (long long)ms);
    } else {
        mr_say_text(say, "%.1f s", (double)ms / 1000.0);
    }
}

static const char *
function_of(const struct mr_batch_lines *lines, const struct event *event)
{
    for (size_t i = 0; i < lines->name_count; i++) {
        if (mr_slice_is(event->function, lines->names[i].name)) {
            return lines->names[i].logical_id;
        }
    }
    return NULL;
}

/* "12:04:07.311 OrderFn/0  ": when and where, before the word. */
static void
begin(struct mr_batch_lines *lines, const struct event *event, enum mr_colour colour,
      const char *word)
{
    struct mr_say *say = lines->say;
    char clock[16];
    time_t seconds = (time_t)(event->t / 1000);
    struct tm local;
    const char *logical_id = function_of(lines, event);
    localtime_r(&seconds, &local);
    strftime(clock, sizeof(clock), "%H:%M:%S", &local);
    mr_buf_clear(&say->line);
    mr_say_in(say, MR_DIM, "%s.%03d", clock, (int)(event->t % 1000));
    mr_say_text(say, " %.*s",
                logical_id != NULL ? (int)strlen(logical_id) : (int)event->function.size,
                logical_id != NULL ? logical_id : (const char *)event->function.data);
    if (event->lane >= 0 && event->shard.size > 0) {
        unsigned long long shard = strtoull(
            mr_arena_cstr(&lines->arena, event->shard.size > 8 ? mr_slice_from(event->shard, 8)
                                                               : event->shard),
            NULL, 10);
        mr_say_text(say, "/%llu", shard);
        if (event->lane > 0) {
            mr_say_text(say, ".%lld", (long long)event->lane);
        }
    }
    mr_say_in(say, colour, "  %-5s", word);
    if (event->batch.size > 0) {
        mr_say_text(say, "  %-9.*s", MR_SLICE_ARGS(event->batch));
    }
}

static void
append_range(struct mr_batch_lines *lines, const struct event *event)
{
    uint64_t first = mr_sequence_index_of(event->first),
             last = mr_sequence_index_of(event->last);
    if (first != 0) {
        mr_say_in(lines->say, MR_DIM, " #%llu…#%llu", (unsigned long long)first,
                  (unsigned long long)last);
    }
}

static void
append_detail(struct mr_say *say, struct mr_slice detail)
{
    mr_auto_buf struct mr_buf safe = { 0 };
    ptrdiff_t end = mr_slice_find(detail, '\n');
    mr_append_safe(&safe, end < 0 ? detail : mr_slice_first(detail, (size_t)end));
    mr_say_text(say, " %.*s", MR_SLICE_ARGS(mr_buf_slice(&safe)));
}

/* ---- lines ---- */

static void
say_start(struct mr_batch_lines *lines, const struct event *event)
{
    char size[16];
    begin(lines, event, MR_CYAN, "START");
    mr_say_text(lines->say, " %5lld rec  %8s  age ", (long long)event->count,
                mr_bytes_text((uint64_t)event->bytes, size));
    append_wait(lines->say, event->age_ms);
    if (event->attempt > 1) {
        mr_say_in(lines->say, MR_YELLOW, "  try %lld", (long long)event->attempt);
    }
    append_range(lines, event);
    mr_say_end(lines->say);
}

/* What becomes of a batch that was not done: halves, the rest, again, or given up. */
static void
append_sequel(struct mr_batch_lines *lines, const struct event *event)
{
    struct mr_say *say = lines->say;
    if (event->split > 0) {
        mr_say_text(say, " → bisect %lld+%lld", (long long)event->split,
                    (long long)(event->count - event->split));
    }
    if (event->retry_in_ms > 0) {
        mr_say_text(say, " → again in ");
        append_wait(say, event->retry_in_ms);
    }
    if (event->max_retries >= 0) {
        mr_say_text(say, ", try %lld of %lld", (long long)event->attempt,
                    (long long)event->max_retries + 1);
    }
}

static void
say_end_of(struct mr_batch_lines *lines, const struct event *event)
{
    struct mr_say *say = lines->say;
    bool good = mr_slice_is(event->outcome, "ok");
    bool partial = mr_slice_is(event->outcome, "partial");
    begin(lines, event, good ? MR_GREEN : (partial ? MR_YELLOW : MR_RED),
          good ? "END" : "FAIL");
    if (good) {
        mr_say_text(say, " ok   %5lld rec  %.1f ms", (long long)event->count,
                    (double)event->duration_us / 1000.0);
    } else if (partial) {
        mr_say_text(say, " partial  %lld of %lld done  %.1f ms", (long long)event->failed_at,
                    (long long)event->count, (double)event->duration_us / 1000.0);
        append_sequel(lines, event);
    } else {
        append_detail(say, event->detail.size > 0 ? event->detail : event->outcome);
        append_sequel(lines, event);
    }
    mr_say_end(say);
}

static void
say_drop(struct mr_batch_lines *lines, const struct event *event)
{
    struct mr_say *say = lines->say;
    begin(lines, event, MR_RED, "DROP");
    mr_say_text(say, " %.*s  %lld rec", MR_SLICE_ARGS(event->condition),
                (long long)event->count);
    if (mr_slice_is(event->sunk, "none")) {
        mr_say_text(say, "  no destination: it is gone");
    } else {
        mr_say_text(say, " →");
        append_detail(say, event->detail);
        if (!mr_slice_is(event->sunk, "delivered")) {
            mr_say_text(say, "  (not delivered)");
        }
    }
    mr_say_end(say);
}

static void
say_log(struct mr_batch_lines *lines, const struct event *event)
{
    mr_auto_buf struct mr_buf safe = { 0 };
    mr_append_safe(&safe, event->line);
    mr_buf_clear(&lines->say->line);
    mr_say_text(lines->say, "%s%.*s", lines->detail == MR_BATCH_LAMBDA_LOG ? "" : "  ",
                MR_SLICE_ARGS(mr_buf_slice(&safe)));
    mr_say_end(lines->say);
}

static void
say_trouble(struct mr_batch_lines *lines, const struct event *event)
{
    begin(lines, event, MR_RED, "WAIT");
    append_detail(lines->say, event->detail);
    mr_say_end(lines->say);
}

static void
say_shard(struct mr_batch_lines *lines, const struct event *event)
{
    begin(lines, event, MR_DIM, "SHARD");
    mr_say_text(lines->say, " %.*s of %.*s is read to its end", MR_SLICE_ARGS(event->shard),
                MR_SLICE_ARGS(event->stream));
    mr_say_end(lines->say);
}

static void
count(struct mr_batch_lines *lines, const struct event *event)
{
    if (mr_slice_is(event->kind, "start")) {
        lines->in_flight += (uint64_t)event->count;
    } else if (mr_slice_is(event->kind, "end")) {
        uint64_t records = (uint64_t)event->count;
        lines->in_flight -= lines->in_flight < records ? lines->in_flight : records;
        lines->batches++;
        if (mr_slice_is(event->outcome, "ok")) {
            lines->records += records;
        } else {
            lines->failed++;
        }
    } else if (mr_slice_is(event->kind, "drop")) {
        lines->dropped += (uint64_t)event->count;
    }
}

static void
say_status(struct mr_batch_lines *lines)
{
    char text[200];
    snprintf(text, sizeof(text),
             "%llu batches  %llu failed  %llu records done  %llu given up  %llu in flight",
             (unsigned long long)lines->batches, (unsigned long long)lines->failed,
             (unsigned long long)lines->records, (unsigned long long)lines->dropped,
             (unsigned long long)lines->in_flight);
    mr_say_status(lines->say, text);
}

static void
say_event(struct mr_batch_lines *lines, const struct event *event)
{
    bool batches = lines->detail == MR_BATCH_USUAL;
    bool good = mr_slice_is(event->outcome, "ok");
    struct mr_slice kind = event->kind;
    if (mr_slice_is(kind, "start") && batches) {
        say_start(lines, event);
    } else if (mr_slice_is(kind, "end") &&
               (batches || (!good && lines->detail == MR_BATCH_QUIET))) {
        say_end_of(lines, event);
    } else if (mr_slice_is(kind, "drop")) {
        say_drop(lines, event);
    } else if (mr_slice_is(kind, "trouble") && event->detail.size > 0) {
        say_trouble(lines, event);
    } else if (mr_slice_is(kind, "log") && lines->detail != MR_BATCH_QUIET) {
        say_log(lines, event);
    } else if (mr_slice_is(kind, "platform") && lines->detail == MR_BATCH_LAMBDA_LOG) {
        say_log(lines, event);
    } else if (mr_slice_is(kind, "shard-end") && batches) {
        say_shard(lines, event);
    } else if (mr_slice_is(kind, "gap")) {
        mr_say_warn(lines->say, "missed",
                    "%lld lines: batches come faster than they can be shown",
                    (long long)event->lost);
    }
}

void
mr_batch_lines_take(struct mr_slice line, void *context)
{
    struct mr_batch_lines *lines = context;
    struct event event;
    mr_arena_reset(&lines->arena);
    if (!read_event(line, &lines->arena, &event)) {
        return;
    }
    lines->next = event.seq > 0 ? (uint64_t)event.seq + 1 : lines->next;
    count(lines, &event);
    if (lines->say->json) {
        fwrite(line.data, 1, line.size, stdout);
        putchar('\n');
        fflush(stdout);
        return;
    }
    say_event(lines, &event);
    say_status(lines);
}

/* ---- the rest of the contract ---- */

struct mr_batch_lines *
mr_batch_lines_new(struct mr_say *say, enum mr_batch_detail detail)
{
    struct mr_batch_lines *lines = mr_alloc_zero(1, sizeof(*lines));
    lines->say = say;
    lines->detail = detail;
    lines->next = 1;
    return lines;
}

void
mr_batch_lines_free(struct mr_batch_lines *lines)
{
    if (lines == NULL) {
        return;
    }
    for (size_t i = 0; i < lines->name_count; i++) {
        free(lines->names[i].name);
        free(lines->names[i].logical_id);
    }
    free(lines->names);
    mr_arena_deinit(&lines->arena);
    free(lines);
}

void
mr_batch_lines_name(struct mr_batch_lines *lines, const char *name, const char *logical_id)
{
    for (size_t i = 0; i < lines->name_count; i++) {
        if (strcmp(lines->names[i].name, name) == 0) {
            free(lines->names[i].logical_id);
            lines->names[i].logical_id = mr_strdup(logical_id);
            return;
        }
    }
    lines->names = mr_realloc(lines->names, (lines->name_count + 1) * sizeof(*lines->names));
    lines->names[lines->name_count++] = (struct name){ mr_strdup(name), mr_strdup(logical_id) };
}

uint64_t
mr_batch_lines_next(const struct mr_batch_lines *lines)
{
    return lines->next;
}

void
mr_batch_lines_begin_anew(struct mr_batch_lines *lines)
{
    lines->next = 1;
    lines->in_flight = 0;
}
