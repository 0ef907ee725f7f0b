/* Aggregates of the Kinesis Producer Library: opened, or left alone. */
#include "base/arena.h"
#include "poller/kinesis_answer.h"
#include "poller/kpl.h"
#include "tests/poller/aggregate.h"
#include "tests/suite.h"

static struct mr_record
record_of(struct mr_slice data)
{
    return (struct mr_record){ .sequence_number = MR_SLICE("4959"),
                               .partition_key = MR_SLICE("outer"),
                               .data = data,
                               .arrival_ms = 17 };
}

START_TEST(an_aggregate_holds_its_records)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf data = { 0 };
    struct mr_record *inner;
    small_aggregate(&data);
    struct mr_record outer = record_of(mr_buf_slice(&data));

    ck_assert(mr_kpl_may_be(&outer));
    ck_assert_int_eq(mr_kpl_open(&outer, &arena, &inner), 3);

    ck_assert(mr_slice_is(inner[0].partition_key, "a"));
    ck_assert(mr_slice_is(inner[0].data, "b25l"));
    ck_assert(mr_slice_is(inner[1].partition_key, "b\\\""));
    ck_assert(mr_slice_is(inner[2].data, "dGhyZWU="));
    ck_assert(mr_slice_is(inner[2].sequence_number, "4959"));
    ck_assert_uint_eq(inner[2].arrival_ms, 17);
}
END_TEST

START_TEST(what_is_no_aggregate_stays_as_it_is)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf data = { 0 };
    mr_auto_buf struct mr_buf message = { 0 };
    struct mr_record *inner;
    if (_i == 0) { /* a digest that is wrong */
        small_aggregate(&data);
        data.data[data.size - 6] ^= 1;
    } else if (_i == 1) { /* a key that is not in the table */
        put_inner(&message, 7, "one");
        seal_aggregate(&data, mr_buf_slice(&message));
    } else if (_i == 2) { /* a field that ends behind the message */
        mr_buf_append(&message, "\x1a\x7f", 2);
        seal_aggregate(&data, mr_buf_slice(&message));
    } else { /* too short for a digest */
        mr_base64_append(&data, MR_SLICE("\xf3\x89\x9a\xc2short"));
    }
    struct mr_record outer = record_of(mr_buf_slice(&data));

    ck_assert_int_eq(mr_kpl_open(&outer, &arena, &inner), -1);
}
END_TEST

START_TEST(a_pushed_event_comes_with_its_aggregates_opened)
{
    mr_auto_buf struct mr_buf data = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    struct mr_kinesis_event event;
    small_aggregate(&data);
    mr_buf_printf(&text,
                  "{\"ContinuationSequenceNumber\":\"7\",\"MillisBehindLatest\":3,\"Records\":["
                  "{\"Data\":\"eA==\",\"PartitionKey\":\"x\",\"SequenceNumber\":\"5\"},"
                  "{\"Data\":\"%.*s\",\"PartitionKey\":\"o\",\"SequenceNumber\":\"6\"}]}",
                  MR_SLICE_ARGS(mr_buf_slice(&data)));

    ck_assert_int_eq(mr_kinesis_answer_event(mr_buf_slice(&text), &event, NULL), 0);

    ck_assert_uint_eq(event.records.count, 4);
    ck_assert(mr_slice_is(event.records.records[3].sequence_number, "6"));
    ck_assert(mr_slice_is(event.records.records[3].data, "dGhyZWU="));
    ck_assert(mr_slice_is(event.continuation, "7"));
    ck_assert(mr_slice_is(event.records.next, "7"));
    mr_record_block_unref(event.records.block);
}
END_TEST

START_TEST(child_shards_say_that_the_shard_has_ended)
{
    struct mr_kinesis_event event;

    ck_assert_int_eq(
        mr_kinesis_answer_event(
            MR_SLICE("{\"Records\":[],\"ContinuationSequenceNumber\":\"7\","
                     "\"MillisBehindLatest\":0,\"ChildShards\":[{\"ShardId\":\"s\"}]}"),
            &event, NULL),
        0);

    ck_assert_ptr_null(event.records.next.data);
    mr_record_block_unref(event.records.block);
}
END_TEST

MR_SUITE("poller.kpl", MR_TEST(an_aggregate_holds_its_records),
         MR_TEST_LOOP(what_is_no_aggregate_stays_as_it_is, 4),
         MR_TEST(a_pushed_event_comes_with_its_aggregates_opened),
         MR_TEST(child_shards_say_that_the_shard_has_ended))
