/* What a Kinesis server answered: what is taken from it, and what is refused. */
#include <errno.h>

#include "base/arena.h"
#include "poller/kinesis_answer.h"
#include "tests/suite.h"

static int
read_records(const char *text, struct mr_source_records *out)
{
    struct mr_buf body = { 0 };
    mr_buf_append_str(&body, text);
    int result = mr_kinesis_answer_records(&body, out, NULL);
    mr_buf_deinit(&body);
    return result;
}

START_TEST(records_are_views_into_the_answer)
{
    struct mr_source_records answer;

    ck_assert_int_eq(
        read_records(
            "{\"MillisBehindLatest\":7,\"NextShardIterator\":\"it\",\"Records\":["
            "{\"ApproximateArrivalTimestamp\":1545084650.987,\"Data\":\"aGVsbG8=\","
            "\"PartitionKey\":\"k\\u00e9\\\"y\",\"SequenceNumber\":\"4959\"},"
            "{\"Data\":\"\",\"PartitionKey\":\"b\",\"SequenceNumber\":\"4960\","
            "\"ApproximateArrivalTimestamp\":1545084651,\"EncryptionType\":\"NONE\"}]}",
            &answer),
        0);

    ck_assert_uint_eq(answer.count, 2);
    ck_assert(mr_slice_is(answer.next, "it"));
    ck_assert_uint_eq(answer.behind_ms, 7);
    ck_assert(mr_slice_is(answer.records[0].data, "aGVsbG8="));
    ck_assert(mr_slice_is(answer.records[0].partition_key, "k\\u00e9\\\"y"));
    ck_assert(mr_slice_is(answer.records[0].sequence_number, "4959"));
    ck_assert_uint_eq(answer.records[0].arrival_ms, 1545084650987);
    ck_assert_uint_eq(answer.records[1].arrival_ms, 1545084651000);
    mr_record_block_unref(answer.block);
}
END_TEST

START_TEST(a_shard_that_has_ended_has_no_next_iterator)
{
    static const char *const texts[] = {
        "{\"Records\":[],\"MillisBehindLatest\":0,\"ChildShards\":[{\"ShardId\":\"s\"}]}",
        "{\"Records\":[],\"NextShardIterator\":null,\"MillisBehindLatest\":null}",
    };
    struct mr_source_records answer;

    ck_assert_int_eq(read_records(texts[_i], &answer), 0);

    ck_assert_ptr_null(answer.next.data);
    mr_record_block_unref(answer.block);
}
END_TEST

START_TEST(slashes_that_were_escaped_are_base64_again)
{
    struct mr_source_records answer;

    ck_assert_int_eq(read_records("{\"Records\":[{\"Data\":\"ab\\/\\/\",\"PartitionKey\":\"k\","
                                  "\"SequenceNumber\":\"1\"}]}",
                                  &answer),
                     0);

    ck_assert(mr_slice_is(answer.records[0].data, "ab//"));
    mr_record_block_unref(answer.block);
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"Records\":{}}",
        "{\"Records\":[1]}",
        "{\"Records\":[{}]}",
        "{\"Records\":[{\"PartitionKey\":\"k\"}]}",
        "{\"Records\":[{\"PartitionKey\":\"k\",\"SequenceNumber\":\"1\\u0031x\"}]}",
        "{\"Records\":[{\"PartitionKey\":\"k\",\"SequenceNumber\":12}]}",
        "{\"Records\":[]} trailing",
        "{\"Records\":[],\"NextShardIterator\":5}",
        "{\"Records\":[",
    };
    struct mr_source_records answer;
    ck_assert_int_eq(read_records(texts[_i], &answer), -EBADMSG);
}
END_TEST

struct seconds_row {
    const char *text;
    uint64_t ms;
};

START_TEST(seconds_are_read_to_the_millisecond)
{
    static const struct seconds_row rows[] = {
        { "1545084650.987", 1545084650987 },   { "1.545084650987E9", 1545084650987 },
        { "1545084650", 1545084650000 },       { "1545084650.9", 1545084650900 },
        { "1545084650.98700", 1545084650987 }, { "0", 0 },
    };
    uint64_t ms = 99;
    ck_assert(mr_kinesis_seconds(mr_slice_str(rows[_i].text), &ms));
    ck_assert_uint_eq(ms, rows[_i].ms);
}
END_TEST

START_TEST(shards_are_gathered_page_by_page)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_kinesis_shards shards = { 0 };

    ck_assert_int_eq(mr_kinesis_answer_shards(
                         MR_SLICE("{\"NextToken\":\"t\",\"Shards\":[{\"ShardId\":\"shardId-0\","
                                  "\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"1\","
                                  "\"EndingSequenceNumber\":\"2\"}}]}"),
                         &arena, &shards, NULL),
                     0);
    ck_assert(mr_slice_is(shards.next_token, "t"));
    ck_assert_int_eq(
        mr_kinesis_answer_shards(
            MR_SLICE("{\"Shards\":[{\"ShardId\":\"shardId-1\",\"ParentShardId\":\"shardId-0\","
                     "\"AdjacentParentShardId\":\"shardId-9\","
                     "\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"3\"}}]}"),
            &arena, &shards, NULL),
        0);

    ck_assert_uint_eq(shards.count, 2);
    ck_assert_ptr_null(shards.next_token.data);
    ck_assert(!shards.list[0].is_open);
    ck_assert(shards.list[1].is_open);
    ck_assert(mr_slice_is(shards.list[1].parent, "shardId-0"));
    ck_assert(mr_slice_is(shards.list[1].adjacent_parent, "shardId-9"));
}
END_TEST

START_TEST(a_summary_says_when_the_stream_was_made)
{
    uint64_t created_ms = 0;

    ck_assert_int_eq(mr_kinesis_answer_created(
                         MR_SLICE("{\"StreamDescriptionSummary\":{\"StreamName\":\"s\","
                                  "\"StreamCreationTimestamp\":1545084650.5}}"),
                         &created_ms, NULL),
                     0);

    ck_assert_uint_eq(created_ms, 1545084650500);
    ck_assert_int_eq(mr_kinesis_answer_created(MR_SLICE("{}"), &created_ms, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_description_has_shards_and_says_how_to_go_on)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_kinesis_shards shards = { 0 };
    uint64_t created_ms = 0;

    ck_assert_int_eq(mr_kinesis_answer_description(
                         MR_SLICE("{\"StreamDescription\":{\"HasMoreShards\":true,\"Shards\":["
                                  "{\"ShardId\":\"shardId-0\",\"SequenceNumberRange\":{}}]}}"),
                         &arena, &shards, &created_ms, NULL),
                     0);

    ck_assert_uint_eq(created_ms, 1);
    ck_assert(mr_slice_is(shards.next_token, "shardId-0"));
    ck_assert_int_eq(mr_kinesis_answer_description(
                         MR_SLICE("{\"StreamDescription\":{\"StreamCreationTimestamp\":7,"
                                  "\"HasMoreShards\":false,\"Shards\":[]}}"),
                         &arena, &shards, &created_ms, NULL),
                     0);
    ck_assert_uint_eq(created_ms, 7000);
    ck_assert_ptr_null(shards.next_token.data);
    ck_assert_int_eq(mr_kinesis_answer_description(MR_SLICE("{\"StreamDescription\":{}}"),
                                                   &arena, &shards, &created_ms, NULL),
                     -EBADMSG);
}
END_TEST

MR_SUITE("poller.kinesis_answer", MR_TEST(records_are_views_into_the_answer),
         MR_TEST_LOOP(a_shard_that_has_ended_has_no_next_iterator, 2),
         MR_TEST(slashes_that_were_escaped_are_base64_again),
         MR_TEST_LOOP(what_is_no_answer_is_refused, 13),
         MR_TEST_LOOP(seconds_are_read_to_the_millisecond, 6),
         MR_TEST(shards_are_gathered_page_by_page),
         MR_TEST(a_description_has_shards_and_says_how_to_go_on),
         MR_TEST(a_summary_says_when_the_stream_was_made))
