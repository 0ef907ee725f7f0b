/*
 * The retry core, played as plays: records go in, outcomes are told, and a transcript says what
 * the lane did. "2@0:1,2" reads: at 0 ms, batch 2 was invoked with records 1 and 2.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "poller/lane.h"
#include "tests/suite.h"

enum { RECORD_BYTES = 100, ENVELOPE_BYTES = 14 };

struct play {
    struct mr_lane *lane;
    uint64_t now_ms;
    uint64_t first_batch; /* batches are counted from 1 in the transcript */
    struct mr_buf said;
    struct mr_buf finished;
    /* Which records fail, and how. */
    const char *poison; /* letters: a is record 0 */
    enum mr_lane_outcome how;
    const char *state; /* every success returns it */
};

static void
on_finished(const struct mr_lane_record *record, void *context)
{
    struct play *play = context;
    mr_buf_append_byte(&play->finished, (uint8_t)('a' + record->position));
}

static struct mr_lane_options
usual(struct play *play)
{
    return (struct mr_lane_options){
        .batch_size = 100,
        .envelope_bytes = ENVELOPE_BYTES,
        .max_event_bytes = MR_LAMBDA_MAX_EVENT_BYTES,
        .max_retries = -1,
        .max_age_ms = -1,
        .finished = on_finished,
        .context = play,
    };
}

static void
put_at(struct play *play, char letter, uint64_t arrival_ms, uint32_t bytes)
{
    struct mr_lane_record record = { .arrival_ms = arrival_ms,
                                     .position = (uint64_t)(letter - 'a'),
                                     .event_bytes = bytes };
    mr_lane_push(play->lane, &record, play->now_ms);
}

static void
put(struct play *play, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        put_at(play, *letters, play->now_ms, RECORD_BYTES);
    }
}

static void
say_records(struct play *play, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t position = mr_lane_record(play->lane, i)->position;
        mr_buf_append_byte(&play->said, (uint8_t)('a' + position));
    }
}

static size_t
first_poisoned(struct play *play, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char letter = (char)('a' + mr_lane_record(play->lane, i)->position);
        if (play->poison != NULL && strchr(play->poison, letter) != NULL) {
            return i;
        }
    }
    return count;
}

static void
invoke(struct play *play, const struct mr_lane_action *action)
{
    size_t failed_at = first_poisoned(play, action->count);
    struct mr_lane_report report = { .outcome = MR_LANE_SUCCEEDED,
                                     .state = mr_slice_str(play->state) };
    if (failed_at < action->count) {
        report = (struct mr_lane_report){ .outcome = play->how,
                                          .failed_at = failed_at,
                                          .state = mr_slice_str(play->state) };
    }
    mr_buf_append_str(&play->said,
                      action->is_final ? (action->early ? "early{" : "final{") : "[");
    say_records(play, action->count);
    mr_buf_append_str(&play->said, action->is_final ? "}" : "]");
    mr_buf_append_str(&play->said, report.outcome == MR_LANE_SUCCEEDED ? " " : "! ");
    mr_lane_report(play->lane, &report, play->now_ms);
}

static void
discard(struct play *play, const struct mr_lane_action *action)
{
    mr_buf_append_str(&play->said,
                      action->condition == MR_LANE_AGE_EXCEEDED ? "aged(" : "drop(");
    say_records(play, action->count);
    mr_buf_printf(&play->said, ")%u%s ", action->invoke_count,
                  !action->has_response ? ""
                  : action->unhandled   ? "U"
                                        : "N");
    mr_lane_discarded(play->lane, play->now_ms);
}

/* Until nothing is to be done before `until_ms`. Returns the transcript. */
static const char *
run(struct play *play, uint64_t until_ms)
{
    mr_buf_clear(&play->said);
    for (int guard = 0; guard < 100000; guard++) {
        struct mr_lane_action action = mr_lane_next(play->lane, play->now_ms);
        if (action.verb == MR_LANE_INVOKE) {
            invoke(play, &action);
        } else if (action.verb == MR_LANE_DISCARD) {
            discard(play, &action);
        } else if (action.verb == MR_LANE_WAIT && action.until_ms <= until_ms) {
            ck_assert_uint_gt(action.until_ms, play->now_ms);
            play->now_ms = action.until_ms;
        } else {
            play->now_ms = until_ms > play->now_ms ? until_ms : play->now_ms;
            while (play->said.size > 0 && play->said.data[play->said.size - 1] == ' ') {
                play->said.size--;
            }
            return mr_buf_cstr(&play->said);
        }
    }
    ck_abort_msg("the lane never comes to rest: %s", mr_buf_cstr(&play->said));
    return NULL;
}

static void
begin(struct play *play, const struct mr_lane_options *options)
{
    play->lane = mr_lane_new(options, play->now_ms);
    play->how = MR_LANE_FAILED;
}

static void
end(struct play *play)
{
    mr_lane_free(play->lane);
    mr_buf_deinit(&play->said);
    mr_buf_deinit(&play->finished);
}

#define SECONDS(n)            ((uint64_t)(n)*1000)
#define ckfinished(p, wanted) ck_assert_str_eq(mr_buf_cstr(&(p)->finished), wanted)

/* ---- when a batch goes out ---- */

START_TEST(without_a_window_whatever_is_there_goes_at_once)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    begin(&play, &options);

    put(&play, "a");
    ck_assert_str_eq(run(&play, 0), "[a]");
    put(&play, "bcd");
    ck_assert_str_eq(run(&play, 0), "[bcd]");

    ckfinished(&play, "abcd");
    end(&play);
}
END_TEST

START_TEST(a_batch_has_at_most_batch_size_records)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    options.batch_size = 2;
    options.window_ms = SECONDS(300);
    begin(&play, &options);

    put(&play, "abcde");

    ck_assert_str_eq(run(&play, 0), "[ab] [cd]");
    end(&play);
}
END_TEST

START_TEST(a_window_runs_from_the_end_of_the_last_invocation)
{
    struct play play = { .now_ms = SECONDS(100) };
    struct mr_lane_options options = usual(&play);
    options.window_ms = SECONDS(10);
    begin(&play, &options);

    put(&play, "a");
    ck_assert_str_eq(run(&play, SECONDS(110) - 1), "");
    ck_assert_str_eq(run(&play, SECONDS(110)), "[a]");
    run(&play, SECONDS(113));
    put(&play, "b");

    ck_assert_str_eq(run(&play, SECONDS(120) - 1), "");
    ck_assert_str_eq(run(&play, SECONDS(120)), "[b]");
    end(&play);
}
END_TEST

START_TEST(windows_follow_each_other_while_nothing_comes)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    options.window_ms = SECONDS(10);
    begin(&play, &options);

    run(&play, SECONDS(45));
    put(&play, "a");

    ck_assert_str_eq(run(&play, SECONDS(50) - 1), "");
    ck_assert_str_eq(run(&play, SECONDS(50)), "[a]");
    end(&play);
}
END_TEST

START_TEST(the_event_never_passes_its_limit_by_a_byte)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    options.window_ms = SECONDS(10);
    options.max_event_bytes = ENVELOPE_BYTES + 2 * RECORD_BYTES + 1; /* two and their comma */
    begin(&play, &options);
    put(&play, "abc");
    ck_assert_str_eq(run(&play, 0), "[ab]");

    options.max_event_bytes--;
    mr_lane_update(play.lane, &options);
    put(&play, "de");

    ck_assert_str_eq(run(&play, 0), "[c] [d]");
    end(&play);
}
END_TEST

START_TEST(the_last_records_of_a_shard_wait_for_no_window)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    options.window_ms = SECONDS(300);
    begin(&play, &options);
    put(&play, "ab");

    mr_lane_end(play.lane);

    ck_assert_str_eq(run(&play, 0), "[ab]");
    ck_assert_int_eq(mr_lane_next(play.lane, 0).verb, MR_LANE_DONE);
    end(&play);
}
END_TEST

START_TEST(a_draining_lane_finishes_its_batch_and_forms_no_other)
{
    struct play play = { .poison = "a" };
    struct mr_lane_options options = usual(&play);
    options.batch_size = 2;
    options.max_retries = 1;
    begin(&play, &options);
    put(&play, "abc");
    ck_assert_str_eq(run(&play, 0), "[ab]!");

    mr_lane_drain(play.lane, true);

    ck_assert_str_eq(run(&play, SECONDS(60)), "[ab]! drop(ab)2U");
    ck_assert_int_eq(mr_lane_next(play.lane, SECONDS(60)).verb, MR_LANE_IDLE);
    mr_lane_drain(play.lane, false);
    ck_assert_str_eq(run(&play, SECONDS(60)), "[c]");
    end(&play);
}
END_TEST

/* ---- retries ---- */

static const struct {
    int64_t max_retries;
    const char *said;
} budgets[] = {
    { 0, "[a]! drop(a)1U" },
    { 1, "[a]! [a]! drop(a)2U" },
    { 2, "[a]! [a]! [a]! drop(a)3U" },
    { 3, "[a]! [a]! [a]! [a]! drop(a)4U" },
};

START_TEST(n_retries_are_n_plus_one_tries)
{
    struct play play = { .poison = "a" };
    struct mr_lane_options options = usual(&play);
    options.max_retries = budgets[_i].max_retries;
    begin(&play, &options);

    put(&play, "a");

    ck_assert_str_eq(run(&play, SECONDS(600)), budgets[_i].said);
    ckfinished(&play, "a");
    end(&play);
}
END_TEST

START_TEST(an_unchanged_retry_is_the_same_batch_and_the_next_is_another)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    struct mr_lane_report failed = { .outcome = MR_LANE_FAILED };
    struct mr_lane_report succeeded = { .outcome = MR_LANE_SUCCEEDED };
    begin(&play, &options);
    put(&play, "a");

    uint64_t first = mr_lane_next(play.lane, 0).batch;
    mr_lane_report(play.lane, &failed, 0);
    uint64_t second = mr_lane_next(play.lane, 500).batch;
    mr_lane_report(play.lane, &succeeded, 500);
    put(&play, "b");
    uint64_t third = mr_lane_next(play.lane, 500).batch;

    ck_assert_uint_eq(first, second);
    ck_assert_uint_ne(first, third);
    end(&play);
}
END_TEST

START_TEST(throttles_and_service_trouble_cost_no_retry)
{
    struct play play = { .poison = "a", .how = MR_LANE_NOT_INVOKED };
    struct mr_lane_options options = usual(&play);
    options.max_retries = 0;
    begin(&play, &options);
    play.how = MR_LANE_NOT_INVOKED;
    put(&play, "a");
    ck_assert_str_eq(run(&play, SECONDS(3)), "[a]! [a]! [a]!");

    play.how = MR_LANE_FAILED;

    ck_assert_str_eq(run(&play, SECONDS(60)), "[a]! drop(a)1U");
    end(&play);
}
END_TEST

START_TEST(the_wait_doubles_to_its_cap_and_a_new_batch_starts_it_anew)
{
    struct play play = { .poison = "a" };
    struct mr_lane_options options = usual(&play);
    options.backoff_ms = 1000;
    options.backoff_max_ms = 3000;
    options.max_retries = 4;
    begin(&play, &options);
    put(&play, "a");

    ck_assert_str_eq(run(&play, 0), "[a]!");
    ck_assert_str_eq(run(&play, 999), "");
    ck_assert_str_eq(run(&play, 1000), "[a]!");
    ck_assert_str_eq(run(&play, 2999), "");
    ck_assert_str_eq(run(&play, 3000), "[a]!");
    ck_assert_str_eq(run(&play, 5999), "");
    ck_assert_str_eq(run(&play, 6000), "[a]!");

    end(&play);
}
END_TEST

/* ---- age ---- */

START_TEST(an_always_failing_record_ages_out_after_eight_counted_tries)
{
    struct play play = { .now_ms = SECONDS(1000), .poison = "a" };
    struct mr_lane_options options = usual(&play);
    options.max_age_ms = 60000;
    begin(&play, &options);
    put(&play, "a");

    ck_assert_str_eq(run(&play, SECONDS(1100)), "[a]! [a]! [a]! [a]! [a]! [a]! [a]! aged(a)8");
    end(&play);
}
END_TEST

START_TEST(old_records_are_cut_off_the_front_and_the_young_delivered)
{
    struct play play = { .now_ms = SECONDS(1000) };
    struct mr_lane_options options = usual(&play);
    options.max_age_ms = 60000;
    options.max_retries = 0;
    begin(&play, &options);
    put_at(&play, 'a', SECONDS(900), RECORD_BYTES);
    put(&play, "bcdef");

    ck_assert_str_eq(run(&play, SECONDS(1000)), "aged(a)1 [bcdef]");
    ckfinished(&play, "abcdef");
    end(&play);
}
END_TEST

START_TEST(an_underfilled_batch_does_not_outlive_its_records_age)
{
    struct play play = { .now_ms = SECONDS(1000) };
    struct mr_lane_options options = usual(&play);
    options.max_age_ms = 60000;
    options.window_ms = SECONDS(300);
    begin(&play, &options);
    put(&play, "a");
    run(&play, SECONDS(1030));
    put(&play, "b");

    ck_assert_str_eq(run(&play, SECONDS(1061)), "aged(a)1");
    ck_assert_str_eq(run(&play, SECONDS(1091)), "aged(b)1");
    end(&play);
}
END_TEST

START_TEST(a_record_exactly_as_old_as_the_limit_is_delivered)
{
    struct play play = { .now_ms = SECONDS(60) };
    struct mr_lane_options options = usual(&play);
    options.max_age_ms = 60000;
    begin(&play, &options);
    put_at(&play, 'a', 0, RECORD_BYTES);

    ck_assert_str_eq(run(&play, SECONDS(60)), "[a]");
    end(&play);
}
END_TEST

/* ---- bisect ---- */

START_TEST(bisect_finds_the_poison_left_half_first)
{
    struct play play = { .poison = "c" };
    struct mr_lane_options options = usual(&play);
    options.bisect = true;
    options.max_retries = 1;
    begin(&play, &options);
    put(&play, "abcd");

    ck_assert_str_eq(run(&play, SECONDS(60)), "[abcd]! [ab] [cd]! [c]! [c]! drop(c)2U [d]");
    ckfinished(&play, "abcd");
    end(&play);
}
END_TEST

START_TEST(splitting_costs_no_retry)
{
    struct play play = { .poison = "b" };
    struct mr_lane_options options = usual(&play);
    options.bisect = true;
    options.max_retries = 0;
    begin(&play, &options);
    put(&play, "abcde");

    ck_assert_str_eq(run(&play, SECONDS(60)), "[abcde]! [ab]! [a] [b]! drop(b)1U [cde]");
    end(&play);
}
END_TEST

START_TEST(a_throttled_batch_is_not_split)
{
    struct play play = { .poison = "a" };
    struct mr_lane_options options = usual(&play);
    options.bisect = true;
    begin(&play, &options);
    play.how = MR_LANE_NOT_INVOKED;
    put(&play, "ab");

    ck_assert_str_eq(run(&play, 500), "[ab]! [ab]!");
    end(&play);
}
END_TEST

/* ---- partial failures ---- */

START_TEST(the_failed_suffix_is_a_new_batch_with_a_new_budget)
{
    struct play play = { .poison = "f" };
    struct mr_lane_options options = usual(&play);
    options.batch_size = 3;
    options.max_retries = 3;
    begin(&play, &options);
    play.how = MR_LANE_PARTIAL;
    put(&play, "abcdef");

    ck_assert_str_eq(run(&play, SECONDS(60)), "[abc] [def]! [f]! [f]! [f]! [f]! drop(f)4N");
    end(&play);
}
END_TEST

START_TEST(without_bisect_a_failed_first_record_takes_the_whole_batch_with_it)
{
    struct play play = { .poison = "a" };
    struct mr_lane_options options = usual(&play);
    options.max_retries = 1;
    begin(&play, &options);
    play.how = MR_LANE_PARTIAL;
    put(&play, "abc");

    ck_assert_str_eq(run(&play, SECONDS(60)), "[abc]! [abc]! drop(abc)2N");
    end(&play);
}
END_TEST

START_TEST(with_bisect_only_the_bad_record_is_lost)
{
    struct play play = { .poison = "c" };
    struct mr_lane_options options = usual(&play);
    options.bisect = true;
    options.max_retries = 0;
    begin(&play, &options);
    play.how = MR_LANE_PARTIAL;
    put(&play, "abcde");

    ck_assert_str_eq(run(&play, SECONDS(60)), "[abcde]! [cde]! [c]! drop(c)1N [de]");
    ckfinished(&play, "abcde");
    end(&play);
}
END_TEST

START_TEST(a_malformed_response_fails_the_whole_batch)
{
    struct play play = { .poison = "b" };
    struct mr_lane_options options = usual(&play);
    options.max_retries = 0;
    begin(&play, &options);
    play.how = MR_LANE_BAD_RESPONSE;
    put(&play, "ab");

    ck_assert_str_eq(run(&play, SECONDS(60)), "[ab]! drop(ab)1N");
    end(&play);
}
END_TEST

/* ---- records that are too large ---- */

static const struct {
    int64_t max_retries;
    const char *said;
} oversized[] = { { 0, "[a] drop(b)1 [c]" }, { 2, "[a] drop(b)3 [c]" } };

START_TEST(an_oversized_record_burns_its_retries_without_a_call)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    options.max_retries = oversized[_i].max_retries;
    begin(&play, &options);
    put(&play, "a");
    put_at(&play, 'b', 0, MR_LAMBDA_MAX_EVENT_BYTES);
    put(&play, "c");

    ck_assert_str_eq(run(&play, SECONDS(600)), oversized[_i].said);
    end(&play);
}
END_TEST

START_TEST(with_endless_retries_an_oversized_record_blocks_until_it_ages_out)
{
    struct play play = { 0 };
    struct mr_lane_options options = usual(&play);
    options.max_age_ms = 60000;
    begin(&play, &options);
    put_at(&play, 'a', 0, MR_LAMBDA_MAX_EVENT_BYTES);
    put_at(&play, 'b', SECONDS(100), RECORD_BYTES);

    ck_assert_str_eq(run(&play, SECONDS(30)), "");
    ck_assert_str_eq(run(&play, SECONDS(150)), "aged(a)8 [b]");
    end(&play);
}
END_TEST

/* ---- tumbling windows ---- */

static struct mr_lane_options
tumbling(struct play *play)
{
    struct mr_lane_options options = usual(play);
    options.tumbling_ms = SECONDS(10);
    options.batch_size = 2;
    play->state = "{\"n\":1}";
    return options;
}

START_TEST(a_later_record_closes_the_window_with_a_final_call)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    begin(&play, &options);
    put_at(&play, 'a', SECONDS(1), RECORD_BYTES);
    put_at(&play, 'b', SECONDS(9), RECORD_BYTES);
    put_at(&play, 'c', SECONDS(10), RECORD_BYTES);

    ck_assert_str_eq(run(&play, SECONDS(11)), "[ab] final{} [c]");
    end(&play);
}
END_TEST

START_TEST(a_batch_never_mixes_windows)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    begin(&play, &options);
    put_at(&play, 'a', SECONDS(9), RECORD_BYTES);
    put_at(&play, 'b', SECONDS(10), RECORD_BYTES);

    ck_assert_str_eq(run(&play, SECONDS(11)), "[a] final{} [b]");
    end(&play);
}
END_TEST

START_TEST(state_is_carried_on_and_begins_empty_in_each_window)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    begin(&play, &options);
    put_at(&play, 'a', SECONDS(1), RECORD_BYTES);
    ck_assert_int_eq(mr_lane_next(play.lane, SECONDS(1)).verb, MR_LANE_INVOKE);
    ck_assert(mr_slice_is(mr_lane_state(play.lane), "{}"));
    struct mr_lane_report report = { .outcome = MR_LANE_SUCCEEDED,
                                     .state = MR_SLICE("{\"n\":7}") };
    mr_lane_report(play.lane, &report, SECONDS(1));

    put_at(&play, 'b', SECONDS(11), RECORD_BYTES);

    ck_assert(mr_lane_next(play.lane, SECONDS(11)).is_final);
    ck_assert(mr_slice_is(mr_lane_state(play.lane), "{\"n\":7}"));
    mr_lane_report(play.lane, &report, SECONDS(11));
    ck_assert_uint_eq(mr_lane_next(play.lane, SECONDS(11)).window_start_ms, SECONDS(10));
    ck_assert(mr_slice_is(mr_lane_state(play.lane), "{}"));
    end(&play);
}
END_TEST

START_TEST(an_idle_window_closes_two_minutes_after_its_end)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    begin(&play, &options);
    put_at(&play, 'a', SECONDS(1), RECORD_BYTES);

    ck_assert_str_eq(run(&play, SECONDS(130) - 1), "[a]");
    ck_assert_str_eq(run(&play, SECONDS(130)), "final{}");
    end(&play);
}
END_TEST

START_TEST(the_end_of_the_shard_closes_its_window)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    begin(&play, &options);
    put_at(&play, 'a', SECONDS(1), RECORD_BYTES);
    mr_lane_end(play.lane);

    ck_assert_str_eq(run(&play, SECONDS(1)), "[a] final{}");
    ck_assert_int_eq(mr_lane_next(play.lane, SECONDS(1)).verb, MR_LANE_DONE);
    end(&play);
}
END_TEST

START_TEST(a_response_without_state_is_a_failure)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    options.max_retries = 0;
    begin(&play, &options);
    play.state = NULL;
    put_at(&play, 'a', SECONDS(1), RECORD_BYTES);

    ck_assert_str_eq(run(&play, SECONDS(1)), "[a] drop(a)1N");
    end(&play);
}
END_TEST

START_TEST(too_much_state_ends_the_window_early_and_it_goes_on_empty)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    begin(&play, &options);
    char *large = malloc(MR_LAMBDA_MAX_TUMBLING_STATE + 2);
    memset(large, 'x', MR_LAMBDA_MAX_TUMBLING_STATE + 1);
    large[MR_LAMBDA_MAX_TUMBLING_STATE + 1] = '\0';
    play.state = large;
    put_at(&play, 'a', SECONDS(1), RECORD_BYTES);
    ck_assert_str_eq(run(&play, SECONDS(1)), "[a] early{}");
    play.state = "{}";

    put_at(&play, 'b', SECONDS(2), RECORD_BYTES);
    put_at(&play, 'c', SECONDS(12), RECORD_BYTES);

    ck_assert_str_eq(run(&play, SECONDS(12)), "[b] final{} [c]");
    free(large);
    end(&play);
}
END_TEST

START_TEST(a_failed_final_call_is_retried_like_a_batch)
{
    struct play play = { 0 };
    struct mr_lane_options options = tumbling(&play);
    struct mr_lane_report good = { .outcome = MR_LANE_SUCCEEDED, .state = MR_SLICE("{}") };
    struct mr_lane_report bad = { .outcome = MR_LANE_FAILED };
    options.max_retries = 1;
    begin(&play, &options);
    put_at(&play, 'a', SECONDS(1), RECORD_BYTES);
    mr_lane_next(play.lane, SECONDS(1));
    mr_lane_report(play.lane, &good, SECONDS(1));
    mr_lane_end(play.lane);

    for (int i = 0; i < 2; i++) {
        struct mr_lane_action action = mr_lane_next(play.lane, SECONDS(10 + i));
        ck_assert(action.verb == MR_LANE_INVOKE && action.is_final);
        mr_lane_report(play.lane, &bad, SECONDS(10 + i));
    }

    struct mr_lane_action action = mr_lane_next(play.lane, SECONDS(20));
    ck_assert(action.verb == MR_LANE_DISCARD && action.is_final);
    ck_assert_uint_eq(action.count, 0);
    ck_assert_uint_eq(action.invoke_count, 2);
    mr_lane_discarded(play.lane, SECONDS(20));
    ck_assert_int_eq(mr_lane_next(play.lane, SECONDS(20)).verb, MR_LANE_DONE);
    end(&play);
}
END_TEST

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

MR_SUITE("poller.lane", MR_TEST(without_a_window_whatever_is_there_goes_at_once),
         MR_TEST(a_batch_has_at_most_batch_size_records),
         MR_TEST(a_window_runs_from_the_end_of_the_last_invocation),
         MR_TEST(windows_follow_each_other_while_nothing_comes),
         MR_TEST(the_event_never_passes_its_limit_by_a_byte),
         MR_TEST(the_last_records_of_a_shard_wait_for_no_window),
         MR_TEST(a_draining_lane_finishes_its_batch_and_forms_no_other),
         MR_TEST_LOOP(n_retries_are_n_plus_one_tries, ROWS(budgets)),
         MR_TEST(an_unchanged_retry_is_the_same_batch_and_the_next_is_another),
         MR_TEST(throttles_and_service_trouble_cost_no_retry),
         MR_TEST(the_wait_doubles_to_its_cap_and_a_new_batch_starts_it_anew),
         MR_TEST(an_always_failing_record_ages_out_after_eight_counted_tries),
         MR_TEST(old_records_are_cut_off_the_front_and_the_young_delivered),
         MR_TEST(an_underfilled_batch_does_not_outlive_its_records_age),
         MR_TEST(a_record_exactly_as_old_as_the_limit_is_delivered),
         MR_TEST(bisect_finds_the_poison_left_half_first), MR_TEST(splitting_costs_no_retry),
         MR_TEST(a_throttled_batch_is_not_split),
         MR_TEST(the_failed_suffix_is_a_new_batch_with_a_new_budget),
         MR_TEST(without_bisect_a_failed_first_record_takes_the_whole_batch_with_it),
         MR_TEST(with_bisect_only_the_bad_record_is_lost),
         MR_TEST(a_malformed_response_fails_the_whole_batch),
         MR_TEST_LOOP(an_oversized_record_burns_its_retries_without_a_call, ROWS(oversized)),
         MR_TEST(with_endless_retries_an_oversized_record_blocks_until_it_ages_out),
         MR_TEST(a_later_record_closes_the_window_with_a_final_call),
         MR_TEST(a_batch_never_mixes_windows),
         MR_TEST(state_is_carried_on_and_begins_empty_in_each_window),
         MR_TEST(an_idle_window_closes_two_minutes_after_its_end),
         MR_TEST(the_end_of_the_shard_closes_its_window),
         MR_TEST(a_response_without_state_is_a_failure),
         MR_TEST(too_much_state_ends_the_window_early_and_it_goes_on_empty),
         MR_TEST(a_failed_final_call_is_retried_like_a_batch))
