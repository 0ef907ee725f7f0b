/* A mapping at work, played on a virtual clock: see rig.h for how to read the transcripts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/poller/rig.h"
#include "tests/suite.h"

/* Every record that was read ended in exactly one place. */
static void
check_accounts(struct rig *rig)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;
    mr_mapping_status(rig->mapping, &arena, &status);
    const struct mr_mapping_counts *counts = &status.counts;
    uint64_t buffered = 0;
    for (size_t i = 0; i < status.shard_count; i++) {
        buffered += status.shards[i].buffered + status.shards[i].in_flight;
    }
    ck_assert_uint_eq(counts->polled, counts->filtered + counts->succeeded + counts->dropped +
                                          counts->delivered + counts->forgotten + buffered);
}

static void
expect(struct rig *rig, const char *transcript)
{
    ck_assert_str_eq(rig_said(rig), transcript);
    check_accounts(rig);
}

START_TEST(records_reach_the_function_in_order)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig_put(&rig, 0, "a b c");

    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "d e");
    rig_run(&rig, 1000);

    expect(&rig, "[a,b,c] [d,e]");
    ck_assert(mr_mapping_is_drained(rig.mapping));
}
END_TEST

START_TEST(a_batch_has_at_most_batch_size_records)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 2;
    rig_put(&rig, 0, "a b c d e");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[a,b] [c,d] [e]");
}
END_TEST

START_TEST(a_window_gathers_records)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.window_ms = 5000;
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "a");
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "b");

    rig_run(&rig, 10000);

    expect(&rig, "[a,b]");
}
END_TEST

START_TEST(a_poison_record_is_isolated_and_given_up)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 4;
    rig.settings.bisect = true;
    rig.settings.max_retries = 1;
    rig.poison = "c";
    rig_put(&rig, 0, "a b c d");

    rig_start(&rig);
    rig_run(&rig, 60000);

    expect(&rig, "[a,b,c,d]! [a,b] [c,d]! [c]! [c]! drop(1)2 [d]");
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&rig.letters), "\"approximateInvokeCount\":2"));
    struct mr_mapping_counts counts = rig_counts(&rig);
    ck_assert_uint_eq(counts.delivered, 1);
    ck_assert_uint_eq(counts.succeeded, 3);
    ck_assert_uint_eq(counts.invocations, 6);
    ck_assert_uint_eq(counts.batches, 5);
}
END_TEST

START_TEST(batches_are_named_by_their_halves)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.bisect = true;
    rig.settings.max_retries = 0;
    rig.poison = "c";
    rig_put(&rig, 0, "a b c d");

    rig_start(&rig);
    rig_run(&rig, 60000);

    const char *events = mr_buf_cstr(&rig.events);
    ck_assert_ptr_nonnull(
        strstr(events, "end shardId-000000000000 b1 n=4 try=1 retry=0 split=2"));
    ck_assert_ptr_nonnull(strstr(events, "start shardId-000000000000 b1.L n=2"));
    ck_assert_ptr_nonnull(strstr(events, "drop shardId-000000000000 b1.R.L n=1"));
    ck_assert_ptr_nonnull(strstr(events, "start shardId-000000000000 b1.R.R n=1"));
}
END_TEST

static struct rig_answer
fail_third_letter(struct rig *rig, const struct mr_invoke_request *request)
{
    static char answer[200];
    mr_auto_buf struct mr_buf data = { 0 };
    rig_data_of(request->payload, &data);
    if (strchr(mr_buf_cstr(&data), 'c') == NULL) {
        return (struct rig_answer){ .outcome = MR_INVOKE_OK, .payload = "{}" };
    }
    const char *number = rig->context;
    snprintf(answer, sizeof(answer), "{\"batchItemFailures\":[{\"itemIdentifier\":\"%s\"}]}",
             number);
    return (struct rig_answer){ .outcome = MR_INVOKE_OK, .payload = answer };
}

START_TEST(a_partial_failure_goes_on_from_its_lowest_record)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.report_failures = true;
    rig.settings.max_retries = 2;
    rig_put(&rig, 0, "a b");
    struct mr_slice number = mr_memory_stream_put(rig.stream, 0, MR_SLICE("c"), MR_SLICE("c"));
    rig.context = mr_slice_dup(number);
    rig.function = fail_third_letter;

    rig_start(&rig);
    rig_run(&rig, 60000);

    expect(&rig, "[a,b,c]? [c]? [c]? [c]? drop(1)3");
    free(rig.context);
}
END_TEST

START_TEST(an_unchanged_retry_keeps_its_request_id_and_event)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.max_retries = 1;
    rig.poison = "a";
    rig_put(&rig, 0, "a");

    rig_start(&rig);
    rig_run(&rig, 60000);

    expect(&rig, "[a]! [a]! drop(1)2");
    struct mr_slice rest = mr_buf_slice(&rig.payloads);
    struct mr_slice first = mr_slice_cut(&rest, '\n');
    ck_assert(mr_slice_eq(first, mr_slice_cut(&rest, '\n')));
}
END_TEST

static struct rig_answer
throttle_three_times(struct rig *rig, const struct mr_invoke_request *request)
{
    (void)request;
    unsigned *times = rig->context;
    bool refuse = (*times)++ < 3;
    return (struct rig_answer){ .outcome = refuse ? MR_INVOKE_THROTTLED : MR_INVOKE_OK };
}

START_TEST(throttles_cost_no_retry)
{
    rig_auto struct rig rig;
    unsigned times = 0;
    rig_init(&rig, 1);
    rig.settings.max_retries = 0;
    rig.function = throttle_three_times;
    rig.context = &times;
    rig_put(&rig, 0, "a");

    rig_start(&rig);
    rig_run(&rig, 60000);

    expect(&rig, "[a]~ [a]~ [a]~ [a]");
}
END_TEST

/* One place for all. */
static struct rig_answer
one_at_a_time(struct rig *rig, const struct mr_invoke_request *request)
{
    (void)request;
    bool full = rig->running > 0;
    return (struct rig_answer){ .outcome = full ? MR_INVOKE_THROTTLED : MR_INVOKE_OK,
                                .takes_ms = full ? 0 : 100 };
}

START_TEST(who_was_throttled_goes_on_when_there_is_room)
{
    rig_auto struct rig rig;
    rig_init(&rig, 10);
    rig.settings.batch_size = 1;
    rig.function = one_at_a_time;
    for (size_t shard = 0; shard < 10; shard++) {
        rig_put(&rig, shard, "a b c d e");
    }

    rig_start(&rig);
    rig_run(&rig, 5200);

    ck_assert_uint_eq(rig_counts(&rig).succeeded, 50);
}
END_TEST

START_TEST(old_records_are_cut_off_the_front)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.max_age_ms = 60000;
    uint64_t now_ms = rig_now_ms(&rig);
    mr_memory_stream_put_at(rig.stream, 0, MR_SLICE("a"), MR_SLICE("a"), now_ms - 61000);
    rig_put(&rig, 0, "b c");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "aged(1)1 [b,c]");
}
END_TEST

START_TEST(what_cannot_be_delivered_is_dropped_and_the_shard_goes_on)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 1;
    rig.settings.max_retries = 0;
    rig.sunk = MR_SUNK_FAILED;
    rig.poison = "a";
    rig_put(&rig, 0, "a b");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[a]! drop(1)1 [b]");
    ck_assert_uint_eq(rig_counts(&rig).dropped, 1);
    ck_assert_uint_eq(rig_counts(&rig).destination_failures, 1);
}
END_TEST

START_TEST(an_oversized_record_burns_its_retries_without_an_invocation)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.max_retries = 2;
    size_t size = 5 * 1024 * 1024;
    mr_auto_free char *large = calloc(1, size);
    mr_memory_stream_put(rig.stream, 0, MR_SLICE("k"), mr_slice_of(large, size));
    rig_put(&rig, 0, "b");

    rig_start(&rig);
    rig_run(&rig, 60000);

    expect(&rig, "drop(1)3 [b]");
    ck_assert_ptr_null(strstr(mr_buf_cstr(&rig.letters), "responseContext"));
}
END_TEST

/* ---- positions ---- */

START_TEST(latest_begins_behind_what_is_there)
{
    rig_auto struct rig rig;
    rig_init(&rig, 2);
    rig.settings.starting_position = MR_POSITION_LATEST;
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "b");
    rig_put(&rig, 1, "c");

    rig_run(&rig, 1000);

    expect(&rig, "[b][c]");
}
END_TEST

START_TEST(latest_skips_shards_that_have_ended)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.starting_position = MR_POSITION_LATEST;
    rig_put(&rig, 0, "a");
    size_t child = mr_memory_stream_split(rig.stream, 0);
    rig_put(&rig, child, "b");
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, child, "c");

    rig_run(&rig, 1000);

    expect(&rig, "[c]");
}
END_TEST

START_TEST(a_timestamp_begins_with_the_first_record_from_then_on)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig_put(&rig, 0, "a");
    rig_run(&rig, 5000);
    rig.settings.starting_position = MR_POSITION_TIMESTAMP;
    rig.settings.starting_timestamp_ms = rig_now_ms(&rig);
    rig_put(&rig, 0, "b");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[b]");
}
END_TEST

START_TEST(children_are_read_when_their_parent_is_finished)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.max_retries = 3;
    rig.poison = "a";
    rig_put(&rig, 0, "a");
    size_t child = mr_memory_stream_split(rig.stream, 0);
    rig_put(&rig, child, "b");
    rig_put(&rig, child + 1, "c");

    rig_start(&rig);
    rig_run(&rig, 60000);

    expect(&rig, "[a]! [a]! [a]! [a]! drop(1)4 [b][c]");
}
END_TEST

START_TEST(a_merged_child_waits_for_both_parents)
{
    rig_auto struct rig rig;
    rig_init(&rig, 2);
    rig.settings.max_retries = 1;
    rig.poison = "b";
    rig_put(&rig, 0, "a");
    rig_put(&rig, 1, "b");
    size_t child = mr_memory_stream_merge(rig.stream, 0, 1);
    rig_put(&rig, child, "c");

    rig_start(&rig);
    rig_run(&rig, 60000);

    expect(&rig, "[a][b] ! [b]! drop(1)2 [c]");
}
END_TEST

START_TEST(a_split_while_reading_is_followed)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.starting_position = MR_POSITION_LATEST;
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "a");
    size_t child = mr_memory_stream_split(rig.stream, 0);
    rig_put(&rig, child, "b");

    rig_run(&rig, 1000);

    expect(&rig, "[a] [b]");
    ck_assert(mr_mapping_is_drained(rig.mapping));
}
END_TEST

/* ---- what goes wrong with the source ---- */

START_TEST(an_expired_iterator_is_taken_again_behind_the_last_record)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 1000);
    mr_memory_stream_expire(rig.stream);
    rig_put(&rig, 0, "b");

    rig_run(&rig, 1000);

    expect(&rig, "[a] [b]");
}
END_TEST

START_TEST(trouble_never_ends_a_mapping)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    mr_memory_stream_fail(rig.stream, (enum mr_memory_call)(_i % 3),
                          (enum mr_source_fault)(MR_SOURCE_THROTTLED + _i / 3), 6);
    rig_put(&rig, 0, "a");

    rig_start(&rig);
    rig_run(&rig, 300000);

    expect(&rig, "[a]");
}
END_TEST

START_TEST(iterators_that_always_expire_are_not_asked_for_in_a_circle)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    mr_memory_stream_fail(rig.stream, MR_MEMORY_RECORDS, MR_SOURCE_EXPIRED, 1000);

    rig_start(&rig);
    rig_run(&rig, 60000);
    unsigned left = mr_memory_stream_faults(rig.stream, MR_MEMORY_RECORDS);

    ck_assert_uint_gt(left, 980);
    ck_assert_uint_lt(left, 995);
}
END_TEST

START_TEST(a_stream_made_again_is_read_from_its_beginning)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.starting_position = MR_POSITION_LATEST;
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "a");
    rig_run(&rig, 1000);
    mr_memory_stream_delete(rig.stream);
    rig_run(&rig, 60000);
    mr_memory_stream_create(rig.stream, 1);
    rig_put(&rig, 1, "b");

    rig_run(&rig, 60000);

    expect(&rig, "[a] [b]");
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&rig.events), "does not exist"));
}
END_TEST

START_TEST(trimmed_records_are_passed_over)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_stop(&rig);
    rig_put(&rig, 0, "b c");
    mr_memory_stream_trim(rig.stream, 0, 2);

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[a] [c]");
}
END_TEST

START_TEST(a_source_that_cannot_wait_is_polled_once_a_second)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    mr_memory_stream_set_waits(rig.stream, false);
    rig_start(&rig);
    rig_run(&rig, 1500);
    rig_put(&rig, 0, "a");
    uint64_t put_ms = rig_now_ms(&rig);

    rig_run(&rig, 400);
    expect(&rig, "");
    rig_run(&rig, 200);

    expect(&rig, "[a]");
    ck_assert_uint_eq(rig_now_ms(&rig), put_ms + 600);
}
END_TEST

/* ---- stop, start, seek, update ---- */

START_TEST(a_stopped_mapping_begins_no_invocation_and_goes_on_where_it_was)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.starting_position = MR_POSITION_LATEST;
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_stop(&rig);
    rig_put(&rig, 0, "a b");
    rig_run(&rig, 1000);
    expect(&rig, "");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[a,b]");
}
END_TEST

static struct rig_answer
slowly(struct rig *rig, const struct mr_invoke_request *request)
{
    (void)rig;
    (void)request;
    return (struct rig_answer){ .outcome = MR_INVOKE_OK, .takes_ms = 1000 };
}

START_TEST(what_is_under_way_at_a_stop_is_checkpointed)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 2;
    rig.function = slowly;
    rig_put(&rig, 0, "a b c");
    rig_start(&rig);
    rig_run(&rig, 500);

    rig_stop(&rig);

    expect(&rig, "[a,b]");
    ck_assert_uint_eq(rig_counts(&rig).forgotten, 1);
    rig_start(&rig);
    rig_run(&rig, 5000);
    expect(&rig, "[c]");
}
END_TEST

START_TEST(a_mapping_freed_during_an_invocation_ignores_its_outcome)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.function = slowly;
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 500);

    rig_crash(&rig);
    rig_run(&rig, 5000);

    ck_assert_str_eq(rig_said(&rig), "[a]");
}
END_TEST

START_TEST(a_mapping_goes_on_from_its_checkpoints_after_a_crash)
{
    rig_auto struct rig rig;
    rig_init(&rig, 2);
    struct mr_checkpoints *store = mr_checkpoints_open(":memory:", rig.loop, NULL);
    rig.options.checkpoints = store;
    rig.settings.starting_position = MR_POSITION_LATEST;
    rig_put(&rig, 0, "x");
    rig_run(&rig, 1000);
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "a");
    rig_run(&rig, 1000);
    rig_crash(&rig);
    rig_put(&rig, 0, "b");
    rig_put(&rig, 1, "c");

    rig_start(&rig);
    rig_run(&rig, 1000);

    ck_assert_str_eq(rig_said(&rig), "[a] [b][c]");
    rig_crash(&rig);
    mr_checkpoints_close(store);
}
END_TEST

START_TEST(a_finished_parent_is_not_read_again_after_a_crash)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    struct mr_checkpoints *store = mr_checkpoints_open(":memory:", rig.loop, NULL);
    rig.options.checkpoints = store;
    rig_put(&rig, 0, "a");
    size_t child = mr_memory_stream_split(rig.stream, 0);
    rig_put(&rig, child, "b");
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_crash(&rig);
    rig_put(&rig, child, "c");

    rig_start(&rig);
    rig_run(&rig, 1000);

    ck_assert_str_eq(rig_said(&rig), "[a] [b] [c]");
    rig_crash(&rig);
    mr_checkpoints_close(store);
}
END_TEST

START_TEST(a_seek_moves_a_stopped_mapping)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig_put(&rig, 0, "a b");
    rig_start(&rig);
    struct mr_source_place place = { .position = MR_POSITION_TRIM_HORIZON };
    ck_assert_int_eq(mr_mapping_seek(rig.mapping, &place, NULL), -EBUSY);
    rig_run(&rig, 1000);
    rig_stop(&rig);

    ck_assert_int_eq(mr_mapping_seek(rig.mapping, &place, NULL), 0);
    rig_start(&rig);
    rig_run(&rig, 1000);
    expect(&rig, "[a,b] [a,b]");

    rig_stop(&rig);
    rig_put(&rig, 0, "c");
    place.position = MR_POSITION_LATEST;
    ck_assert_int_eq(mr_mapping_seek(rig.mapping, &place, NULL), 0);
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "d");
    rig_run(&rig, 1000);
    expect(&rig, "[d]");
}
END_TEST

START_TEST(a_seek_outlives_a_crash)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    struct mr_checkpoints *store = mr_checkpoints_open(":memory:", rig.loop, NULL);
    rig.options.checkpoints = store;
    rig_put(&rig, 0, "a b");
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_stop(&rig);
    struct mr_source_place place = { .position = MR_POSITION_TRIM_HORIZON };
    ck_assert_int_eq(mr_mapping_seek(rig.mapping, &place, NULL), 0);
    rig_crash(&rig);

    rig_start(&rig);
    rig_run(&rig, 1000);

    ck_assert_str_eq(rig_said(&rig), "[a,b] [a,b]");
    rig_crash(&rig);
    mr_checkpoints_close(store);
}
END_TEST

START_TEST(an_update_during_a_retry_keeps_the_batch)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 2;
    rig.poison = "a";
    rig_put(&rig, 0, "a b c");
    rig_start(&rig);
    rig_run(&rig, 400);
    rig.settings.batch_size = 3;
    rig.settings.max_retries = 1;

    ck_assert_int_eq(mr_mapping_update(rig.mapping, &rig.settings, NULL), 0);
    rig_run(&rig, 60000);

    expect(&rig, "[a,b]! [a,b]! drop(2)2 [c]");
}
END_TEST

/* ---- lanes ---- */

static struct rig_answer
fail_key_a(struct rig *rig, const struct mr_invoke_request *request)
{
    mr_auto_buf struct mr_buf data = { 0 };
    (void)rig;
    rig_data_of(request->payload, &data);
    return (struct rig_answer){ .outcome = strchr(mr_buf_cstr(&data), 'a') != NULL
                                               ? MR_INVOKE_FUNCTION_ERROR
                                               : MR_INVOKE_OK,
                                .takes_ms = 10 };
}

START_TEST(a_failing_lane_does_not_stop_the_others)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.parallelization = 10;
    rig.settings.batch_size = 1;
    rig.function = fail_key_a;
    rig_put(&rig, 0, "a b c d e f g h i j k l m n o p");

    rig_start(&rig);
    rig_run(&rig, 60000);

    ck_assert_uint_ge(rig_counts(&rig).succeeded, 13);
    ck_assert_str_eq(rig_checkpoint(&rig, 0), "");
    check_accounts(&rig);
}
END_TEST

START_TEST(lanes_run_at_the_same_time)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.parallelization = 10;
    rig.settings.batch_size = 1;
    rig.function = slowly;
    rig_put(&rig, 0, "a b c d e f g h i j k l m n o p");

    rig_start(&rig);
    rig_run(&rig, 60000);

    ck_assert_uint_gt(rig.most_invoking, 5);
    ck_assert_uint_le(rig.most_invoking, 10);
    ck_assert_uint_eq(rig_counts(&rig).succeeded, 16);
}
END_TEST

START_TEST(another_parallelization_drains_first)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 1;
    rig.function = slowly;
    rig_put(&rig, 0, "a b c d e f g h i j");
    rig_start(&rig);
    rig_run(&rig, 1500);
    rig.settings.parallelization = 5;

    ck_assert_int_eq(mr_mapping_update(rig.mapping, &rig.settings, NULL), 0);
    rig_run(&rig, 60000);

    ck_assert_uint_gt(rig.most_invoking, 1);
    ck_assert_uint_eq(rig_counts(&rig).succeeded, 10);
    ck_assert_uint_eq(rig_counts(&rig).invocations, 10);
    check_accounts(&rig);
}
END_TEST

START_TEST(a_shard_that_was_held_up_is_not_drained_before_it_is_read_again)
{
    rig_auto struct rig rig;
    struct mr_random random;
    rig_init(&rig, 1);
    mr_random_init_seed(&random, 1);
    rig.poison = "a";
    rig_start(&rig);
    rig_put(&rig, 0, "a");
    rig_run(&rig, 100);
    mr_memory_stream_set_latency(rig.stream, 180, &random);
    rig.settings.parallelization = 2;
    ck_assert_int_eq(mr_mapping_update(rig.mapping, &rig.settings, NULL), 0);
    rig_run(&rig, 2000);
    rig_put(&rig, 0, "b");
    rig.poison = NULL;

    while (rig_counts(&rig).succeeded == 0) {
        rig_run(&rig, 1);
    }
    ck_assert(!mr_mapping_is_drained(rig.mapping));
    rig_run(&rig, 5000);

    ck_assert_uint_eq(rig_counts(&rig).succeeded, 2);
    ck_assert(mr_mapping_is_drained(rig.mapping));
}
END_TEST

START_TEST(reading_stops_when_twice_a_batch_is_buffered)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 3;
    rig.function = slowly;
    for (int i = 0; i < 100; i++) {
        rig_put(&rig, 0, "a");
    }

    rig_start(&rig);
    rig_run(&rig, 500);

    ck_assert_uint_le(rig_counts(&rig).polled, 6);
}
END_TEST

/* ---- tumbling windows ---- */

static struct rig_answer
sum_up(struct rig *rig, const struct mr_invoke_request *request)
{
    (void)rig;
    (void)request;
    return (struct rig_answer){ .outcome = MR_INVOKE_OK, .payload = "{\"state\":{\"n\":1}}" };
}

START_TEST(a_window_ends_with_one_call_without_records)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.tumbling_ms = 10000;
    rig.function = sum_up;
    rig_put(&rig, 0, "a b");
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig_run(&rig, 10000);
    rig_put(&rig, 0, "c");

    rig_run(&rig, 1000);

    expect(&rig, "[a,b] final{} [c]");
    const char *payloads = mr_buf_cstr(&rig.payloads);
    ck_assert_ptr_nonnull(
        strstr(payloads, "\"state\":{\"n\":1},\"isFinalInvokeForWindow\":true"));
    ck_assert_ptr_nonnull(strstr(payloads, "\"shardId\":\"shardId-000000000000\""));
}
END_TEST

START_TEST(the_first_state_is_empty_and_each_call_gets_the_last)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.tumbling_ms = 10000;
    rig.settings.batch_size = 1;
    rig.function = sum_up;
    rig_put(&rig, 0, "a b");

    rig_start(&rig);
    rig_run(&rig, 1000);

    struct mr_slice rest = mr_buf_slice(&rig.payloads);
    struct mr_slice first = mr_slice_cut(&rest, '\n'), second = mr_slice_cut(&rest, '\n');
    ck_assert_ptr_nonnull(memmem(first.data, first.size, "\"state\":{},", 11));
    ck_assert_ptr_nonnull(memmem(second.data, second.size, "\"state\":{\"n\":1},", 16));
}
END_TEST

START_TEST(an_idle_window_ends_after_a_while)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.tumbling_ms = 10000;
    rig.function = sum_up;
    rig_put(&rig, 0, "a");
    rig_start(&rig);

    rig_run(&rig, 100000);
    expect(&rig, "[a]");
    rig_run(&rig, 40000);

    expect(&rig, "final{}");
}
END_TEST

START_TEST(a_shards_end_closes_its_window_before_children_are_read)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.tumbling_ms = 10000;
    rig.function = sum_up;
    rig_put(&rig, 0, "a");
    size_t child = mr_memory_stream_split(rig.stream, 0);
    rig_put(&rig, child, "b");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[a] final{} [b]");
}
END_TEST

static struct rig_answer
forget_the_state(struct rig *rig, const struct mr_invoke_request *request)
{
    (void)rig;
    (void)request;
    return (struct rig_answer){ .outcome = MR_INVOKE_OK, .payload = "{}" };
}

START_TEST(an_answer_without_state_fails_the_batch)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.tumbling_ms = 10000;
    rig.settings.max_retries = 1;
    rig.function = forget_the_state;
    rig_put(&rig, 0, "a");

    rig_start(&rig);
    rig_run(&rig, 60000);

    ck_assert_uint_eq(rig_counts(&rig).delivered, 1);
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&rig.letters), "\"functionError\":null"));
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&rig.letters), "\"timeWindowInfo\""));
}
END_TEST

static struct rig_answer
grow_the_state(struct rig *rig, const struct mr_invoke_request *request)
{
    (void)request;
    return (struct rig_answer){ .outcome = MR_INVOKE_OK, .payload = rig->context };
}

START_TEST(a_state_that_is_too_large_ends_the_window_early)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    size_t size = 1024 * 1024 + 100;
    mr_auto_free char *answer = calloc(1, size + 32);
    strcpy(answer, "{\"state\":{\"x\":\"");
    memset(answer + strlen(answer), 'y', size);
    strcat(answer, "\"}}");
    rig.context = answer;
    rig.settings.tumbling_ms = 10000;
    rig.settings.batch_size = 1;
    rig.function = grow_the_state;
    rig_put(&rig, 0, "a");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[a] early{}");
    ck_assert_ptr_nonnull(
        strstr(mr_buf_cstr(&rig.payloads), "\"isWindowTerminatedEarly\":true"));
}
END_TEST

static struct rig_answer
fail_final_calls(struct rig *rig, const struct mr_invoke_request *request)
{
    (void)rig;
    bool final = memmem(request->payload.data, request->payload.size,
                        "\"isFinalInvokeForWindow\":true", 29) != NULL;
    return (struct rig_answer){ .outcome = final ? MR_INVOKE_FUNCTION_ERROR : MR_INVOKE_OK,
                                .payload = "{\"state\":{}}" };
}

START_TEST(a_final_call_that_fails_is_given_up_without_records)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.tumbling_ms = 10000;
    rig.settings.max_retries = 0;
    rig.function = fail_final_calls;
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 12000);
    rig_put(&rig, 0, "b");

    rig_run(&rig, 1000);

    expect(&rig, "[a] final{}! drop(0)1 [b]");
    ck_assert_ptr_nonnull(
        strstr(mr_buf_cstr(&rig.letters),
               "\"KinesisBatchInfo\":{\"shardId\":\"shardId-000000000000\",\"streamArn\""));
}
END_TEST

START_TEST(windows_switched_off_end_with_their_last_call)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.tumbling_ms = 10000;
    rig.function = sum_up;
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 1000);
    rig.settings.tumbling_ms = 0;
    rig.settings.parallelization = 2;

    ck_assert_int_eq(mr_mapping_update(rig.mapping, &rig.settings, NULL), 0);
    rig_run(&rig, 1000);
    rig_put(&rig, 0, "b");
    rig_run(&rig, 1000);

    expect(&rig, "[a] final{} [b]");
}
END_TEST

/* ---- more of updates, and bounds ---- */

START_TEST(a_new_role_stands_in_the_next_event)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.window_ms = 5000;
    rig_start(&rig);
    rig_put(&rig, 0, "a");
    rig_run(&rig, 1000);
    rig.settings.role_arn = MR_SLICE("arn:aws:iam::123456789012:role/another");

    ck_assert_int_eq(mr_mapping_update(rig.mapping, &rig.settings, NULL), 0);
    rig_run(&rig, 10000);

    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&rig.payloads), "role/another"));
}
END_TEST

START_TEST(a_batch_never_passes_six_megabytes)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    size_t size = 900 * 1024;
    mr_auto_free char *large = calloc(1, size);
    rig.keep_quiet = true;
    rig.function = NULL;
    for (int i = 0; i < 12; i++) {
        mr_memory_stream_put(rig.stream, 0, MR_SLICE("k"), mr_slice_of(large, size));
    }

    rig_start(&rig);
    rig_run(&rig, 1000);

    ck_assert_uint_eq(rig_counts(&rig).succeeded, 12);
    ck_assert_uint_eq(rig_counts(&rig).batches, 3); /* five of 1.2 MB in each, and two */
}
END_TEST

START_TEST(bytes_that_are_buffered_are_bounded)
{
    rig_auto struct rig rig;
    rig_init(&rig, 8);
    size_t size = 100 * 1024;
    mr_auto_free char *large = calloc(1, size);
    rig.keep_quiet = true;
    rig.function = slowly;
    rig.settings.batch_size = 1;
    rig.options.max_buffered_bytes = 1024 * 1024;
    for (size_t shard = 0; shard < 8; shard++) {
        for (int i = 0; i < 20; i++) {
            mr_memory_stream_put(rig.stream, shard, MR_SLICE("k"), mr_slice_of(large, size));
        }
    }

    rig_start(&rig);
    rig_run(&rig, 500);
    ck_assert_uint_le(rig_counts(&rig).polled, 16);
    rig_run(&rig, 100000);

    ck_assert_uint_eq(rig_counts(&rig).succeeded, 160);
    check_accounts(&rig);
}
END_TEST

START_TEST(an_aggregates_records_are_behind_a_checkpoint_together)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 2;
    rig.settings.max_retries = -1;
    rig.poison = "d";
    rig_put(&rig, 0, "a");
    rig_put(&rig, 0, "b");
    mr_memory_stream_share_number(rig.stream, true);
    rig_put(&rig, 0, "c d");
    rig_start(&rig);
    rig_run(&rig, 1000);
    mr_auto_free char *checkpoint = strdup(rig_checkpoint(&rig, 0));

    /* [a,b] and [c] went well, d did not: b and c have its number. */
    ck_assert_str_eq(checkpoint + strlen(checkpoint) - 3, "001");
    rig_stop(&rig);
    rig.poison = NULL;
    rig_said(&rig);
    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[b,c] [d]");
    check_accounts(&rig);
}
END_TEST

START_TEST(a_shard_that_was_trimmed_away_counts_as_finished)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig_put(&rig, 0, "a");
    size_t child = mr_memory_stream_split(rig.stream, 0);
    rig_put(&rig, child, "b");
    mr_memory_stream_trim(rig.stream, 0, 1);

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[b]");
}
END_TEST

START_TEST(a_shard_trimmed_while_it_is_held_up_ends_with_what_was_read)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.settings.batch_size = 1;
    rig.poison = "a";
    rig_put(&rig, 0, "a b c");
    rig_start(&rig);
    rig_run(&rig, 100);
    size_t child = mr_memory_stream_split(rig.stream, 0);
    rig_put(&rig, child, "d");
    mr_memory_stream_trim(rig.stream, 0, 3);
    rig.poison = NULL;

    rig_run(&rig, 60000);

    expect(&rig, "[a]! [a] [b] [d]");
    ck_assert(mr_mapping_is_drained(rig.mapping));
}
END_TEST

START_TEST(a_stream_made_again_during_an_invocation_begins_anew)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.function = slowly;
    rig.settings.batch_size = 1;
    rig_put(&rig, 0, "a b");
    rig_start(&rig);
    rig_run(&rig, 500);
    mr_memory_stream_delete(rig.stream);
    mr_memory_stream_create(rig.stream, 1);
    rig_put(&rig, 1, "c");

    rig_run(&rig, 60000);

    ck_assert_ptr_nonnull(strstr(rig_said(&rig), "[c]"));
    check_accounts(&rig);
    ck_assert(mr_mapping_is_drained(rig.mapping));
}
END_TEST

START_TEST(a_start_during_a_stop_begins_again_after_it)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    rig.function = slowly;
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 500);

    mr_mapping_stop(rig.mapping, NULL, NULL);
    mr_mapping_start(rig.mapping);
    rig_put(&rig, 0, "b");
    rig_run(&rig, 5000);

    expect(&rig, "[a] [b]");
}
END_TEST

START_TEST(a_forgotten_mapping_begins_anew)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    struct mr_checkpoints *store = mr_checkpoints_open(":memory:", rig.loop, NULL);
    rig.options.checkpoints = store;
    rig_put(&rig, 0, "a");
    rig_start(&rig);
    rig_run(&rig, 1000);
    mr_mapping_forget(rig.mapping);
    rig_crash(&rig);

    rig_start(&rig);
    rig_run(&rig, 1000);

    ck_assert_str_eq(rig_said(&rig), "[a] [a]");
    rig_crash(&rig);
    mr_checkpoints_close(store);
}
END_TEST

/* ---- filters ---- */

START_TEST(filtered_records_move_the_checkpoint_and_count)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    struct mr_slice patterns[] = { MR_SLICE("{\"data\":{\"type\":[\"order\"]}}") };
    rig.settings.filters = patterns;
    rig.settings.filter_count = 1;
    rig_put_key(&rig, 0, "k", "{\"type\":\"order\"}");
    rig_put_key(&rig, 0, "k", "{\"type\":\"ping\"}");
    rig_put_key(&rig, 0, "k", "no JSON");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "[{\"type\":\"order\"}]");
    ck_assert_uint_eq(rig_counts(&rig).filtered, 2);
    ck_assert_ptr_nonnull(strstr(rig_checkpoint(&rig, 0), "003"));
    ck_assert(mr_mapping_is_drained(rig.mapping));
}
END_TEST

START_TEST(a_page_without_a_record_that_passes_causes_no_invocation)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    struct mr_slice patterns[] = { MR_SLICE("{\"partitionKey\":[\"x\"]}") };
    rig.settings.filters = patterns;
    rig.settings.filter_count = 1;
    rig_put(&rig, 0, "a b c");

    rig_start(&rig);
    rig_run(&rig, 1000);

    expect(&rig, "");
    ck_assert_ptr_nonnull(strstr(rig_checkpoint(&rig, 0), "003"));
}
END_TEST

START_TEST(a_bad_filter_is_refused_with_its_reason)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    struct mr_error err = { 0 };
    struct mr_slice patterns[] = { MR_SLICE("{\"data\":[]}") };
    rig.poller = mr_poller_new(&rig.options);
    rig.settings.filters = patterns;
    rig.settings.filter_count = 1;

    ck_assert_ptr_null(mr_mapping_new(rig.poller, &rig.settings, &err));

    ck_assert_int_eq(err.code, -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "Empty arrays are not allowed"));
}
END_TEST

START_TEST(settings_out_of_range_are_refused)
{
    rig_auto struct rig rig;
    rig_init(&rig, 1);
    struct mr_error err = { 0 };
    rig.poller = mr_poller_new(&rig.options);
    rig.settings.batch_size = 10001;

    ck_assert_ptr_null(mr_mapping_new(rig.poller, &rig.settings, &err));

    ck_assert_int_eq(err.code, -EINVAL);
    ck_assert_str_eq(err.text, "BatchSize 10001 is not in 1..10000");
}
END_TEST

MR_SUITE(
    "poller.mapping", MR_TEST(records_reach_the_function_in_order),
    MR_TEST(a_batch_has_at_most_batch_size_records), MR_TEST(a_window_gathers_records),
    MR_TEST(a_poison_record_is_isolated_and_given_up),
    MR_TEST(batches_are_named_by_their_halves),
    MR_TEST(a_partial_failure_goes_on_from_its_lowest_record),
    MR_TEST(an_unchanged_retry_keeps_its_request_id_and_event),
    MR_TEST(throttles_cost_no_retry), MR_TEST(who_was_throttled_goes_on_when_there_is_room),
    MR_TEST(old_records_are_cut_off_the_front),
    MR_TEST(what_cannot_be_delivered_is_dropped_and_the_shard_goes_on),
    MR_TEST(an_oversized_record_burns_its_retries_without_an_invocation),
    MR_TEST(latest_begins_behind_what_is_there), MR_TEST(latest_skips_shards_that_have_ended),
    MR_TEST(a_timestamp_begins_with_the_first_record_from_then_on),
    MR_TEST(children_are_read_when_their_parent_is_finished),
    MR_TEST(a_merged_child_waits_for_both_parents), MR_TEST(a_split_while_reading_is_followed),
    MR_TEST(an_expired_iterator_is_taken_again_behind_the_last_record),
    MR_TEST_LOOP(trouble_never_ends_a_mapping, 9),
    MR_TEST(iterators_that_always_expire_are_not_asked_for_in_a_circle),
    MR_TEST(a_stream_made_again_is_read_from_its_beginning),
    MR_TEST(trimmed_records_are_passed_over),
    MR_TEST(a_source_that_cannot_wait_is_polled_once_a_second),
    MR_TEST(a_stopped_mapping_begins_no_invocation_and_goes_on_where_it_was),
    MR_TEST(what_is_under_way_at_a_stop_is_checkpointed),
    MR_TEST(a_mapping_freed_during_an_invocation_ignores_its_outcome),
    MR_TEST(a_mapping_goes_on_from_its_checkpoints_after_a_crash),
    MR_TEST(a_finished_parent_is_not_read_again_after_a_crash),
    MR_TEST(a_seek_moves_a_stopped_mapping), MR_TEST(a_seek_outlives_a_crash),
    MR_TEST(an_update_during_a_retry_keeps_the_batch),
    MR_TEST(a_failing_lane_does_not_stop_the_others), MR_TEST(lanes_run_at_the_same_time),
    MR_TEST(another_parallelization_drains_first),
    MR_TEST(a_shard_that_was_held_up_is_not_drained_before_it_is_read_again),
    MR_TEST(reading_stops_when_twice_a_batch_is_buffered),
    MR_TEST(a_window_ends_with_one_call_without_records),
    MR_TEST(the_first_state_is_empty_and_each_call_gets_the_last),
    MR_TEST(an_idle_window_ends_after_a_while),
    MR_TEST(a_shards_end_closes_its_window_before_children_are_read),
    MR_TEST(an_answer_without_state_fails_the_batch),
    MR_TEST(a_state_that_is_too_large_ends_the_window_early),
    MR_TEST(a_final_call_that_fails_is_given_up_without_records),
    MR_TEST(windows_switched_off_end_with_their_last_call),
    MR_TEST(a_new_role_stands_in_the_next_event), MR_TEST(a_batch_never_passes_six_megabytes),
    MR_TEST(bytes_that_are_buffered_are_bounded),
    MR_TEST(an_aggregates_records_are_behind_a_checkpoint_together),
    MR_TEST(a_shard_that_was_trimmed_away_counts_as_finished),
    MR_TEST(a_shard_trimmed_while_it_is_held_up_ends_with_what_was_read),
    MR_TEST(a_stream_made_again_during_an_invocation_begins_anew),
    MR_TEST(a_start_during_a_stop_begins_again_after_it),
    MR_TEST(a_forgotten_mapping_begins_anew),
    MR_TEST(filtered_records_move_the_checkpoint_and_count),
    MR_TEST(a_page_without_a_record_that_passes_causes_no_invocation),
    MR_TEST(a_bad_filter_is_refused_with_its_reason),
    MR_TEST(settings_out_of_range_are_refused))
