#include "poller/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/limits.h"

enum {
    BACKOFF_MS = 500,
    BACKOFF_MAX_MS = 60000,
    THROTTLE_MAX_MS = 30000,
    WINDOW_IDLE_MS = 120000, /* AWS: "up to two minutes" */
};

enum phase {
    GATHERING,  /* no batch is formed */
    READY,      /* the current batch may be tried, from `not_before_ms` on */
    INVOKING,   /* a try is under way */
    GIVING_UP,  /* `discard` waits to be handed out */
    DISCARDING, /* and is under way */
};

enum final { NO_FINAL, FINAL, FINAL_EARLY };

/* Neighbouring records that were formed into a batch, and its name. */
struct run {
    size_t size;
    uint64_t number;
    uint32_t split_path, split_depth;
};

struct mr_lane {
    struct mr_lane_options options;

    struct mr_lane_record *records; /* a ring: the front is the oldest unfinished */
    size_t front, count, capacity;

    /*
     * Batches that were formed: neighbours. The last of the array is the current one and begins
     * at the front; bisect replaces it by its halves.
     */
    struct run *runs;
    size_t run_count, run_capacity;
    uint64_t numbers; /* given, when the caller does not count */
    size_t split;     /* the last report split: the left half's size */

    enum phase phase;
    uint64_t batch;         /* identity of the current one */
    uint32_t tries;         /* of it, that cost budget */
    uint32_t refusals;      /* of it, that did not */
    uint64_t not_before_ms; /* the next try */
    bool was_refused;       /* the last try was not taken */
    bool responded;         /* the last try was answered by the function */
    bool unhandled;         /* with an error */
    struct mr_lane_action discard;

    uint64_t window_from_ms; /* the batch window began: the last invocation's end */
    bool ended, draining;

    bool window_open; /* a tumbling window has begun */
    uint64_t window_start_ms, window_size_ms;
    struct mr_buf state;
    enum final final; /* the current batch is a window's final call */
};

/* ---- the ring ---- */

const struct mr_lane_record *
mr_lane_record(const struct mr_lane *lane, size_t index)
{
    mr_assert(index < lane->count);
    return &lane->records[(lane->front + index) & (lane->capacity - 1)];
}

size_t
mr_lane_size(const struct mr_lane *lane)
{
    return lane->count;
}

void
mr_lane_trim(struct mr_lane *lane)
{
    if (lane->count == 0) {
        free(lane->records);
        lane->records = NULL;
        lane->capacity = 0;
        lane->front = 0;
    }
}

static void
grow(struct mr_lane *lane)
{
    size_t capacity = lane->capacity == 0 ? 16 : lane->capacity * 2; /* a power of two */
    struct mr_lane_record *records = mr_alloc(capacity * sizeof(records[0]));
    for (size_t i = 0; i < lane->count; i++) {
        records[i] = *mr_lane_record(lane, i);
    }
    free(lane->records);
    lane->records = records;
    lane->capacity = capacity;
    lane->front = 0;
}

/* Batch windows follow each other while nothing comes. */
static void
roll_empty_windows(struct mr_lane *lane, uint64_t now_ms)
{
    uint64_t window = lane->options.window_ms;
    if (window > 0 && lane->count == 0 && now_ms >= lane->window_from_ms + window) {
        lane->window_from_ms += (now_ms - lane->window_from_ms) / window * window;
    }
}

void
mr_lane_push(struct mr_lane *lane, const struct mr_lane_record *record, uint64_t now_ms)
{
    roll_empty_windows(lane, now_ms);
    if (lane->count == lane->capacity) {
        grow(lane);
    }
    lane->records[(lane->front + lane->count) & (lane->capacity - 1)] = *record;
    lane->count++;
}

static void
finish_front(struct mr_lane *lane, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mr_lane_record record = *mr_lane_record(lane, 0);
        lane->front = (lane->front + 1) & (lane->capacity - 1);
        lane->count--;
        if (lane->options.finished != NULL) {
            lane->options.finished(&record, lane->options.context);
        }
    }
}

/* ---- the batches ---- */

static struct run *
current_run(const struct mr_lane *lane)
{
    return &lane->runs[lane->run_count - 1];
}

static size_t
current_size(const struct mr_lane *lane)
{
    return current_run(lane)->size;
}

static uint64_t
next_number(struct mr_lane *lane)
{
    uint64_t *numbers = lane->options.batch_numbers;
    return ++*(numbers != NULL ? numbers : &lane->numbers);
}

static void
push_run(struct mr_lane *lane, struct run run)
{
    if (lane->run_count == lane->run_capacity) {
        lane->run_capacity = lane->run_capacity == 0 ? 4 : lane->run_capacity * 2;
        lane->runs = mr_realloc(lane->runs, lane->run_capacity * sizeof(lane->runs[0]));
    }
    lane->runs[lane->run_count++] = run;
}

static void
push_batch(struct mr_lane *lane, size_t size)
{
    push_run(lane, (struct run){ .size = size, .number = next_number(lane) });
}

/* The current batch is another than before: a new budget and a new request id. */
static void
renew(struct mr_lane *lane)
{
    lane->batch++;
    lane->tries = 0;
    lane->refusals = 0;
    lane->responded = false;
    lane->unhandled = false;
    lane->not_before_ms = 0;
    lane->phase = lane->run_count == 0 ? GATHERING : READY;
}

static void
pop_run(struct mr_lane *lane, uint64_t now_ms)
{
    lane->run_count--;
    lane->window_from_ms = now_ms;
}

/* The first `count` records of the current batch are finished; what is left is a new one. */
static void
advance(struct mr_lane *lane, size_t count, uint64_t now_ms)
{
    struct run *run = current_run(lane);
    mr_assert(count <= run->size);
    size_t left = run->size - count;
    finish_front(lane, count);
    if (left == 0) {
        pop_run(lane, now_ms);
    } else if (count > 0) {
        *run = (struct run){ .size = left, .number = next_number(lane) };
    }
    renew(lane);
}

static void
split(struct mr_lane *lane)
{
    struct run *run = current_run(lane);
    struct run left = *run;
    left.size = run->size / 2;
    left.split_depth++;
    left.split_path <<= 1;
    run->size -= left.size;
    run->split_depth = left.split_depth;
    run->split_path = left.split_path | 1;
    lane->split = left.size;
    push_run(lane, left);
    renew(lane);
}

/* ---- tumbling windows ---- */

static uint64_t
window_of(const struct mr_lane *lane, const struct mr_lane_record *record)
{
    uint64_t size = lane->options.tumbling_ms;
    return record->arrival_ms / size * size;
}

static void
empty_state(struct mr_lane *lane)
{
    mr_buf_clear(&lane->state);
    mr_buf_append_str(&lane->state, "{}");
}

struct mr_slice
mr_lane_state(const struct mr_lane *lane)
{
    return mr_buf_slice(&lane->state);
}

static uint64_t
window_closes_ms(const struct mr_lane *lane)
{
    uint64_t idle = lane->options.tumbling_idle_ms;
    return lane->window_start_ms + lane->window_size_ms + (idle == 0 ? WINDOW_IDLE_MS : idle);
}

/* Is the open window over: a later record came, the shard ended, or nothing came long enough?
 */
static bool
window_is_over(const struct mr_lane *lane, uint64_t now_ms)
{
    if (!lane->window_open) {
        return false;
    }
    if (lane->options.tumbling_ms == 0) {
        return true; /* switched off meanwhile */
    }
    if (lane->count > 0) {
        /* A record from before, by a clock that went back, counts for the open window. */
        return window_of(lane, mr_lane_record(lane, 0)) > lane->window_start_ms;
    }
    return lane->ended || now_ms >= window_closes_ms(lane);
}

static void
begin_final(struct mr_lane *lane, enum final final)
{
    lane->final = final;
    push_batch(lane, 0);
    renew(lane);
}

static void
end_final(struct mr_lane *lane, uint64_t now_ms)
{
    lane->window_open = lane->final == FINAL_EARLY; /* it goes on, from an empty state */
    lane->final = NO_FINAL;
    empty_state(lane);
    pop_run(lane, now_ms);
    renew(lane);
}

/* ---- forming a batch ---- */

/* Of an event without its records: what a window carries from batch to batch is in it. */
static uint64_t
around_bytes(const struct mr_lane *lane)
{
    return lane->options.envelope_bytes + (lane->window_open ? lane->state.size : 0);
}

/* How many records from the front make a batch, and whether it can take no more. */
static size_t
gather(const struct mr_lane *lane, bool *out_full)
{
    const struct mr_lane_options *options = &lane->options;
    uint64_t bytes = around_bytes(lane);
    size_t size = 0;
    *out_full = true;
    for (; size < lane->count && size < options->batch_size; size++) {
        const struct mr_lane_record *record = mr_lane_record(lane, size);
        uint64_t more = record->event_bytes + (size > 0 ? 1u : 0u); /* a comma */
        bool later_window =
            lane->window_open && window_of(lane, record) > lane->window_start_ms;
        if (later_window || (size > 0 && bytes + more > options->max_event_bytes)) {
            return size;
        }
        bytes += more;
    }
    *out_full = size == options->batch_size || bytes >= options->max_event_bytes;
    return size;
}

/* When the front record passes the age limit; UINT64_MAX: never. */
static uint64_t
expires_ms(const struct mr_lane *lane)
{
    if (lane->options.max_age_ms < 0) {
        return UINT64_MAX;
    }
    return mr_lane_record(lane, 0)->arrival_ms + (uint64_t)lane->options.max_age_ms + 1;
}

/* How many of the first `size` records are older than the limit, counted from the front. */
static size_t
expired_among(const struct mr_lane *lane, size_t size, uint64_t now_ms)
{
    size_t expired = 0;
    if (lane->options.max_age_ms < 0) {
        return 0;
    }
    uint64_t max_age = (uint64_t)lane->options.max_age_ms;
    while (expired < size && mr_lane_record(lane, expired)->arrival_ms + max_age < now_ms) {
        expired++;
    }
    return expired;
}

static struct mr_lane_action
wait_until(uint64_t until_ms)
{
    return (struct mr_lane_action){ .verb = MR_LANE_WAIT, .until_ms = until_ms };
}

/* No records are there: what then? */
static struct mr_lane_action
rest(const struct mr_lane *lane)
{
    if (lane->window_open) {
        return wait_until(window_closes_ms(lane));
    }
    return (struct mr_lane_action){ .verb = lane->ended ? MR_LANE_DONE : MR_LANE_IDLE };
}

static void
open_window(struct mr_lane *lane)
{
    if (lane->options.tumbling_ms > 0 && !lane->window_open) {
        lane->window_open = true;
        lane->window_start_ms = window_of(lane, mr_lane_record(lane, 0));
        lane->window_size_ms = lane->options.tumbling_ms;
        empty_state(lane);
    }
}

/* Forms a batch when one is due; else returns false with what to wait for. */
static bool
form(struct mr_lane *lane, uint64_t now_ms, struct mr_lane_action *out_wait)
{
    bool orphaned = lane->window_open && lane->options.tumbling_ms == 0;
    if (lane->draining && !orphaned) {
        *out_wait = (struct mr_lane_action){ .verb = MR_LANE_IDLE };
        return false;
    }
    if (window_is_over(lane, now_ms)) {
        begin_final(lane, FINAL);
        return true;
    }
    if (lane->count == 0) {
        *out_wait = rest(lane);
        return false;
    }
    open_window(lane);
    bool full;
    size_t size = gather(lane, &full);
    uint64_t due_ms = lane->window_from_ms + lane->options.window_ms;
    bool is_due = full || lane->ended || now_ms >= due_ms;
    uint64_t age_ms = expires_ms(lane);
    if (!is_due && now_ms < age_ms) {
        *out_wait = wait_until(due_ms < age_ms ? due_ms : age_ms);
        return false;
    }
    /* Not due, but too old to wait for it: those alone, the others have their window. */
    push_batch(lane, is_due ? size : expired_among(lane, size, now_ms));
    renew(lane);
    return true;
}

/* ---- giving up and trying again ---- */

/* Something to be done with the first `count` records of the current batch. */
static struct mr_lane_action
action_on(const struct mr_lane *lane, enum mr_lane_verb verb, size_t count)
{
    const struct run *run = current_run(lane);
    return (struct mr_lane_action){
        .verb = verb,
        .count = count,
        .batch = lane->batch,
        .number = run->number,
        .split_path = run->split_path,
        .split_depth = run->split_depth,
        .attempt = lane->tries + 1,
        .is_final = lane->final != NO_FINAL,
        .early = lane->final == FINAL_EARLY,
        .window_start_ms = lane->window_start_ms,
        .window_size_ms = lane->window_size_ms,
    };
}

static void
give_up(struct mr_lane *lane, size_t count, enum mr_lane_condition condition, uint32_t invoked)
{
    bool exhausted = condition == MR_LANE_RETRIES_EXHAUSTED;
    lane->phase = GIVING_UP;
    lane->discard = action_on(lane, MR_LANE_DISCARD, count);
    lane->discard.condition = condition;
    lane->discard.invoke_count = invoked;
    lane->discard.has_response = exhausted && lane->responded;
    lane->discard.unhandled = exhausted && lane->unhandled;
}

static bool
is_oversized(const struct mr_lane *lane)
{
    return current_size(lane) == 1 &&
           mr_lane_record(lane, 0)->event_bytes + around_bytes(lane) >
               lane->options.max_event_bytes;
}

static uint32_t
or_usual(uint32_t value, uint32_t usual)
{
    return value == 0 ? usual : value;
}

/* The wait before try number `failures` + 1: doubling, up to `most_ms`. */
static void
back_off(struct mr_lane *lane, uint64_t now_ms, uint32_t failures, uint64_t most_ms)
{
    uint64_t wait_ms = or_usual(lane->options.backoff_ms, BACKOFF_MS);
    for (uint32_t i = 1; i < failures && wait_ms < most_ms; i++) {
        wait_ms *= 2;
    }
    lane->not_before_ms = now_ms + (wait_ms < most_ms ? wait_ms : most_ms);
    lane->phase = READY;
}

/* A try of an unchanged batch has failed: give up, or try again later. */
static void
try_again(struct mr_lane *lane, uint64_t now_ms)
{
    int64_t budget = lane->options.max_retries;
    if (budget >= 0 && (int64_t)lane->tries > budget) {
        give_up(lane, current_size(lane), MR_LANE_RETRIES_EXHAUSTED, lane->tries);
    } else {
        back_off(lane, now_ms, lane->tries,
                 or_usual(lane->options.backoff_max_ms, BACKOFF_MAX_MS));
    }
}

/* ---- what to do now ---- */

static struct mr_lane_action
hand_out_invoke(struct mr_lane *lane)
{
    lane->phase = INVOKING;
    return action_on(lane, MR_LANE_INVOKE, current_size(lane));
}

static struct mr_lane_action
try_now(struct mr_lane *lane, uint64_t now_ms)
{
    if (now_ms < lane->not_before_ms) {
        return wait_until(lane->not_before_ms);
    }
    size_t expired = expired_among(lane, current_size(lane), now_ms);
    if (expired > 0) {
        give_up(lane, expired, MR_LANE_AGE_EXCEEDED, lane->tries + 1);
        return mr_lane_next(lane, now_ms);
    }
    if (is_oversized(lane)) {
        lane->tries++; /* it would be refused: as good as tried */
        try_again(lane, now_ms);
        return mr_lane_next(lane, now_ms);
    }
    return hand_out_invoke(lane);
}

struct mr_lane_action
mr_lane_next(struct mr_lane *lane, uint64_t now_ms)
{
    struct mr_lane_action wait;
    switch (lane->phase) {
    case GATHERING:
        return form(lane, now_ms, &wait) ? try_now(lane, now_ms) : wait;
    case READY:
        return try_now(lane, now_ms);
    case GIVING_UP:
        lane->phase = DISCARDING;
        return lane->discard;
    default:
        return (struct mr_lane_action){ .verb = MR_LANE_BUSY };
    }
}

/* ---- outcomes ---- */

static void
succeed(struct mr_lane *lane, struct mr_slice state, uint64_t now_ms)
{
    if (lane->final != NO_FINAL) {
        end_final(lane, now_ms); /* the state it returned is of no use to anybody */
        return;
    }
    bool too_large = false;
    if (lane->window_open) {
        mr_buf_clear(&lane->state);
        mr_buf_append_slice(&lane->state, state);
        too_large = state.size > MR_LAMBDA_MAX_TUMBLING_STATE;
    }
    advance(lane, current_size(lane), now_ms);
    if (too_large) {
        begin_final(lane, FINAL_EARLY);
    }
}

static void
fail(struct mr_lane *lane, bool unhandled, uint64_t now_ms)
{
    lane->tries++;
    lane->responded = true;
    lane->unhandled = unhandled;
    if (lane->options.bisect && current_size(lane) > 1) {
        split(lane);
    } else {
        try_again(lane, now_ms);
    }
}

/* What stands before the failed record is done; from it on it is a new batch. */
static void
fail_partly(struct mr_lane *lane, const struct mr_lane_report *report, uint64_t now_ms)
{
    if (report->failed_at == 0) {
        fail(lane, false, now_ms); /* nothing gained: the batch is unchanged */
        return;
    }
    if (lane->window_open && report->state.data != NULL) {
        mr_buf_clear(&lane->state); /* it belongs to the part that was acknowledged */
        mr_buf_append_slice(&lane->state, report->state);
    }
    advance(lane, report->failed_at, now_ms);
    back_off(lane, now_ms, 1, or_usual(lane->options.backoff_max_ms, BACKOFF_MAX_MS));
}

void
mr_lane_report(struct mr_lane *lane, const struct mr_lane_report *report, uint64_t now_ms)
{
    mr_assert(lane->phase == INVOKING);
    lane->split = 0;
    lane->was_refused = report->outcome == MR_LANE_NOT_INVOKED;
    bool lacks_state =
        lane->window_open && lane->final == NO_FINAL && report->state.data == NULL;
    switch (report->outcome) {
    case MR_LANE_SUCCEEDED:
        if (lacks_state) {
            fail(lane, false, now_ms);
        } else {
            succeed(lane, report->state, now_ms);
        }
        break;
    case MR_LANE_PARTIAL:
        fail_partly(lane, report, now_ms);
        break;
    case MR_LANE_FAILED:
        fail(lane, true, now_ms);
        break;
    case MR_LANE_BAD_RESPONSE:
        fail(lane, false, now_ms);
        break;
    case MR_LANE_REJECTED:
        lane->tries++;
        lane->responded = false;
        try_again(lane, now_ms);
        break;
    case MR_LANE_NOT_INVOKED:
        lane->refusals++;
        back_off(lane, now_ms, lane->refusals,
                 or_usual(lane->options.throttle_max_ms, THROTTLE_MAX_MS));
        break;
    }
}

void
mr_lane_hurry(struct mr_lane *lane)
{
    if (lane->phase == READY && lane->was_refused) {
        lane->not_before_ms = 0;
    }
}

struct mr_lane_outlook
mr_lane_outlook(const struct mr_lane *lane, uint64_t now_ms)
{
    bool waits = lane->phase == READY && lane->not_before_ms > now_ms;
    return (struct mr_lane_outlook){
        .retry_in_ms = waits ? lane->not_before_ms - now_ms : 0,
        .split = lane->split,
    };
}

void
mr_lane_discarded(struct mr_lane *lane, uint64_t now_ms)
{
    mr_assert(lane->phase == DISCARDING);
    if (lane->final != NO_FINAL) {
        end_final(lane, now_ms);
    } else {
        advance(lane, lane->discard.count, now_ms);
    }
}

/* ---- life ---- */

struct mr_lane *
mr_lane_new(const struct mr_lane_options *options, uint64_t now_ms)
{
    struct mr_lane *lane = mr_alloc_zero(1, sizeof(*lane));
    lane->options = *options;
    lane->window_from_ms = now_ms;
    return lane;
}

void
mr_lane_free(struct mr_lane *lane)
{
    if (lane != NULL) {
        mr_buf_deinit(&lane->state);
        free(lane->records);
        free(lane->runs);
        free(lane);
    }
}

void
mr_lane_update(struct mr_lane *lane, const struct mr_lane_options *options)
{
    lane->options = *options;
}

void
mr_lane_weigh(struct mr_lane *lane, mr_lane_bytes_fn *bytes, void *context)
{
    for (size_t i = 0; i < lane->count; i++) {
        struct mr_lane_record *record =
            &lane->records[(lane->front + i) & (lane->capacity - 1)];
        record->event_bytes = bytes(record, context);
    }
}

void
mr_lane_end(struct mr_lane *lane)
{
    lane->ended = true;
}

void
mr_lane_drain(struct mr_lane *lane, bool drain)
{
    lane->draining = drain;
}
