#include "net/http_inside.h"
#include "tests/stream/api_fixture.h"

static char *
iterator_of(struct api *api, const char *type)
{
    api_ok(api, "GetShardIterator",
           "{\"StreamName\":\"s\",\"ShardId\":\"0\",\"ShardIteratorType\":\"%s\"}", type);
    return strdup(api_text(api, "ShardIterator"));
}

static void
put_one(struct api *api)
{
    api_ok(api, "PutRecord", "{\"StreamName\":\"s\",\"PartitionKey\":\"k\",\"Data\":\"\"}");
}

static void
put_many(struct api *api, unsigned count, const char *data)
{
    mr_auto_buf struct mr_buf records = { 0 };
    for (unsigned i = 0; i < count; i++) {
        mr_buf_printf(&records, "%s{\"PartitionKey\":\"key-%u\",\"Data\":\"%s\"}",
                      i == 0 ? "" : ",", i, data);
    }
    api_ok(api, "PutRecords", "{\"StreamName\":\"s\",\"Records\":[%s]}", mr_buf_cstr(&records));
}

START_TEST(an_iterator_expires_after_five_minutes)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    char *iterator = iterator_of(&api, "TRIM_HORIZON");

    api_advance_ms(&api, 300000);
    api_ok(&api, "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    api_advance_ms(&api, 1);

    api_refused(
        &api, "ExpiredIteratorException",
        "Iterator expired. The iterator was created at time Tue Nov 14 22:13:20 UTC 2023 "
        "while right now it is Tue Nov 14 22:18:20 UTC 2023 which is further in the "
        "future than the tolerated delay of 300000 milliseconds.",
        "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    free(iterator);
    api_close(&api);
}
END_TEST

START_TEST(every_iterator_is_another_text_of_awss_length)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    char *one = iterator_of(&api, "LATEST"), *other = iterator_of(&api, "LATEST");

    ck_assert_str_ne(one, other);
    ck_assert_int_eq(strncmp(one, "AAAAAAAAAAE", 10), 0);
    size_t raw = strlen(one) / 4 * 3 - (size_t)(strchr(one, '=') != NULL) -
                 (size_t)(strstr(one, "==") != NULL);
    ck_assert_uint_eq((raw - 152) % 16, 0);

    free(one);
    free(other);
    api_close(&api);
}
END_TEST

START_TEST(a_position_survives_the_records_it_was_at)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    put_one(&api);
    char sequence[64];
    snprintf(sequence, sizeof(sequence), "%s", api_text(&api, "SequenceNumber"));

    api_advance_ms(&api, 25ULL * 3600 * 1000);
    put_one(&api);
    api_ok(
        &api, "GetShardIterator",
        "{\"StreamName\":\"s\",\"ShardId\":\"0\",\"ShardIteratorType\":\"AT_SEQUENCE_NUMBER\","
        "\"StartingSequenceNumber\":\"%s\"}",
        sequence);
    char *iterator = strdup(api_text(&api, "ShardIterator"));
    api_ok(&api, "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);

    ck_assert_uint_eq(api_count(&api, "PartitionKey"), 1);
    ck_assert_str_ne(api_text(&api, "SequenceNumber"), sequence);
    free(iterator);
    api_close(&api);
}
END_TEST

START_TEST(a_closed_shard_is_listed_until_its_records_are_past_retention)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    put_one(&api);
    api_ok(&api, "SplitShard",
           "{\"StreamName\":\"s\",\"ShardToSplit\":\"0\",\"NewStartingHashKey\":\"9\"}");

    api_ok(&api, "ListShards", "{\"StreamName\":\"s\"}");
    ck_assert_uint_eq(api_count(&api, "\"ShardId\""), 3);
    api_advance_ms(&api, 25ULL * 3600 * 1000);
    api_ok(&api, "ListShards", "{\"StreamName\":\"s\"}");

    ck_assert_uint_eq(api_count(&api, "\"ShardId\""), 2);
    api_close(&api);
}
END_TEST

/* What ListShards says of a stream whose only shard was split after an hour. */
static const struct {
    const char *filter;
    unsigned shards;
} filters[] = {
    { "{\"Type\":\"AT_LATEST\"}", 2 },
    { "{\"Type\":\"FROM_TRIM_HORIZON\"}", 3 },
    { "{\"Type\":\"AT_TRIM_HORIZON\"}", 1 },
    { "{\"Type\":\"AFTER_SHARD_ID\",\"ShardId\":\"shardId-000000000000\"}", 2 },
    { "{\"Type\":\"AT_TIMESTAMP\",\"Timestamp\":1700000060}", 1 },
    { "{\"Type\":\"AT_TIMESTAMP\",\"Timestamp\":1700007200}", 2 },
    { "{\"Type\":\"FROM_TIMESTAMP\",\"Timestamp\":1700000060}", 3 },
    { "{\"Type\":\"FROM_TIMESTAMP\",\"Timestamp\":1700007200}", 2 },
};

START_TEST(shards_are_listed_by_filter)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    put_one(&api);
    api_advance_ms(&api, 3600000);
    api_ok(&api, "SplitShard",
           "{\"StreamName\":\"s\",\"ShardToSplit\":\"0\",\"NewStartingHashKey\":\"9\"}");
    api_advance_ms(&api, 3600000);

    api_ok(&api, "ListShards", "{\"StreamName\":\"s\",\"ShardFilter\":%s}", filters[_i].filter);

    ck_assert_msg(api_count(&api, "\"ShardId\"") == filters[_i].shards, "%s: %s",
                  filters[_i].filter, api_body(&api));
    api_close(&api);
}
END_TEST

START_TEST(a_stream_of_the_same_name_is_told_by_its_creation)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    api_ok(&api, "DeleteStream", "{\"StreamName\":\"s\"}");
    api_advance_ms(&api, 5000);
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");

    api_ok(&api, "ListShards", "{\"StreamName\":\"s\",\"StreamCreationTimestamp\":1700000005}");
    api_refused(&api, "ResourceNotFoundException", "Stream s under account", "ListShards",
                "{\"StreamName\":\"s\",\"StreamCreationTimestamp\":1700000000}");

    api_close(&api);
}
END_TEST

/* The name is the same, the stream is not: nothing of the old one may be read from the new. */
START_TEST(an_iterator_of_a_deleted_stream_does_not_read_its_successor)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    put_one(&api);
    char sequence[64];
    snprintf(sequence, sizeof(sequence), "%s", api_text(&api, "SequenceNumber"));
    char *iterator = iterator_of(&api, "TRIM_HORIZON");
    api_ok(&api, "DeleteStream", "{\"StreamName\":\"s\"}");
    api_refused(
        &api, "ResourceNotFoundException",
        "Shard shardId-000000000000 in stream s under account 123456789012 does not exist",
        "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    api_advance_ms(&api, 5000);
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");

    api_refused(&api, "ResourceNotFoundException", "Shard shardId-000000000000 in stream s",
                "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    api_refused(&api, "InvalidArgumentException", "StartingSequenceNumber ", "GetShardIterator",
                "{\"StreamName\":\"s\",\"ShardId\":\"0\",\"ShardIteratorType\":"
                "\"AFTER_SEQUENCE_NUMBER\",\"StartingSequenceNumber\":\"%s\"}",
                sequence);

    free(iterator);
    api_close(&api);
}
END_TEST

START_TEST(a_next_token_expires_after_five_minutes)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":3}");
    api_ok(&api, "ListShards", "{\"StreamName\":\"s\",\"MaxResults\":2}");
    char *token = strdup(api_text(&api, "NextToken"));

    api_ok(&api, "ListShards", "{\"NextToken\":\"%s\"}", token);
    ck_assert_uint_eq(api_count(&api, "\"ShardId\""), 1);
    api_advance_ms(&api, 300001);

    api_refused(&api, "ExpiredNextTokenException", "", "ListShards", "{\"NextToken\":\"%s\"}",
                token);
    free(token);
    api_close(&api);
}
END_TEST

/* ---- SubscribeToShard ---- */

static int
subscribe(struct api *api)
{
    char arn[256], request[1024], body[512];
    api_ok(
        api, "RegisterStreamConsumer",
        "{\"StreamARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/s\",\"ConsumerName\":"
        "\"c%u\"}",
        rand());
    snprintf(arn, sizeof(arn), "%s", api_text(api, "ConsumerARN"));
    snprintf(
        body, sizeof(body),
        "{\"ConsumerARN\":\"%s\",\"ShardId\":\"0\",\"StartingPosition\":{\"Type\":\"LATEST\"}}",
        arn);
    snprintf(request, sizeof(request),
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-amz-json-1.1\r\n"
             "X-Amz-Target: Kinesis_20131202.SubscribeToShard\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    int fd = api_dial(api);
    api_send(api, fd, mr_slice_str(request));
    return fd;
}

/* All that has come and comes within some rounds. */
static void
gather(struct api *api, int fd, struct mr_buf *in)
{
    for (int quiet = 0; quiet < 5;) {
        quiet = api_receive(api, fd, in) ? 0 : quiet + 1;
    }
}

static unsigned
occurs(const struct mr_buf *in, const char *what)
{
    unsigned count = 0;
    const uint8_t *at = in->data, *end = in->data + in->size;
    while ((at = memmem(at, (size_t)(end - at), what, strlen(what))) != NULL) {
        count++;
        at++;
    }
    return count;
}

START_TEST(a_subscription_speaks_every_five_seconds_and_ends_after_five_minutes)
{
    struct api api;
    mr_auto_buf struct mr_buf in = { 0 };
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    mr_auto_fd int fd = subscribe(&api);

    gather(&api, fd, &in);
    ck_assert_uint_eq(occurs(&in, "initial-response"), 1);
    for (unsigned i = 1; i < 60; i++) {
        api_advance_ms(&api, 5000);
        gather(&api, fd, &in);
        ck_assert_uint_eq(occurs(&in, "ContinuationSequenceNumber"), i);
    }
    ck_assert_uint_eq(occurs(&in, "\r\n0\r\n\r\n"), 0);
    api_advance_ms(&api, 5000);
    gather(&api, fd, &in);

    ck_assert_uint_eq(occurs(&in, "\r\n0\r\n\r\n"), 1);
    api_close(&api);
}
END_TEST

enum { WAITING_SIZE = 2048 };

/* GetRecords of what is to come, by a caller who waits for a second. */
static void
print_waiting(struct api *api, char out_request[WAITING_SIZE])
{
    char body[WAITING_SIZE / 2];
    char *iterator = iterator_of(api, "LATEST");
    snprintf(body, sizeof(body), "{\"ShardIterator\":\"%s\"}", iterator);
    snprintf(out_request, WAITING_SIZE,
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-amz-json-1.1\r\n"
             "X-Amz-Target: Kinesis_20131202.GetRecords\r\nX-Millrace-Wait-Ms: 1000\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    free(iterator);
}

static size_t
unsent(struct api *api)
{
    size_t bytes = 0;
    MR_LIST_EACH(node, &api->server->connections)
    {
        bytes += MR_CONTAINER_OF(node, struct mr_http_connection, node)->unsent;
    }
    return bytes;
}

/* Behind a subscription stands a request that deletes the stream: it begins when the
 * subscription ends, which is because the stream is being deleted. */
START_TEST(a_request_pipelined_behind_a_subscription_may_delete_what_ended_it)
{
    static const char body[] = "{\"StreamName\":\"s\",\"EnforceConsumerDeletion\":true}";
    struct api api;
    mr_auto_buf struct mr_buf in = { 0 };
    char request[512];
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    mr_auto_fd int fd = subscribe(&api);
    gather(&api, fd, &in);
    snprintf(request, sizeof(request),
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-amz-json-1.1\r\n"
             "X-Amz-Target: Kinesis_20131202.DeleteStream\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    api_send(&api, fd, mr_slice_str(request));

    api_ok(&api, "DeleteStream", "%s", body);
    gather(&api, fd, &in);

    ck_assert_uint_eq(occurs(&in, ":exception-type"), 1);
    ck_assert_uint_eq(occurs(&in, "\r\n0\r\n\r\nHTTP/1.1 400"), 1);
    ck_assert_uint_eq(occurs(&in, "Stream s under account 123456789012 not found."), 1);
    api_close(&api);
}
END_TEST

START_TEST(a_subscriber_who_does_not_read_costs_a_bounded_buffer_and_misses_nothing)
{
    struct api api;
    mr_auto_buf struct mr_buf in = { 0 }, data = { 0 };
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    mr_auto_fd int fd = subscribe(&api);
    gather(&api, fd, &in);
    for (int i = 0; i < 1000000; i++) {
        mr_buf_append_byte(&data, 'A');
    }

    for (int i = 0; i < 24; i++) {
        put_many(&api, 1, mr_buf_cstr(&data));
        ck_assert_uint_lt(unsent(&api), 5 * 1024 * 1024);
    }
    gather(&api, fd, &in);

    ck_assert_uint_eq(occurs(&in, "PartitionKey"), 24);
    api_close(&api);
}
END_TEST

START_TEST(a_reader_who_waits_is_answered_by_a_record_or_by_time)
{
    struct api api;
    mr_auto_buf struct mr_buf in = { 0 };
    char request[WAITING_SIZE];
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    print_waiting(&api, request);
    mr_auto_fd int fd = api_dial(&api);

    api_send(&api, fd, mr_slice_str(request));
    gather(&api, fd, &in);
    ck_assert_uint_eq(in.size, 0);
    api_advance_ms(&api, 1000);
    gather(&api, fd, &in);
    ck_assert_uint_eq(occurs(&in, "\"Records\":[]"), 1);

    mr_buf_clear(&in);
    api_send(&api, fd, mr_slice_str(request));
    gather(&api, fd, &in);
    ck_assert_uint_eq(in.size, 0);
    put_one(&api);
    gather(&api, fd, &in);
    ck_assert_uint_eq(occurs(&in, "PartitionKey"), 1);

    api_close(&api);
}
END_TEST

START_TEST(a_reader_who_waits_hears_that_its_stream_is_gone)
{
    struct api api;
    mr_auto_buf struct mr_buf in = { 0 };
    char request[WAITING_SIZE];
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    print_waiting(&api, request);
    mr_auto_fd int fd = api_dial(&api);
    api_send(&api, fd, mr_slice_str(request));
    gather(&api, fd, &in);

    api_ok(&api, "DeleteStream", "{\"StreamName\":\"s\"}");
    gather(&api, fd, &in);

    ck_assert_uint_eq(occurs(&in, "\"__type\":\"ResourceNotFoundException\""), 1);
    api_close(&api);
}
END_TEST

/* ---- on demand ---- */

static const struct {
    uint32_t open;
    uint64_t bytes, records;
    uint32_t want;
} scales[] = {
    { 4, 0, 0, 4 },
    { 4, 2 << 20, 0, 4 },
    { 4, (2 << 20) + 1, 0, 5 },
    { 4, 0, 2000, 4 },
    { 4, 0, 2001, 5 },
    { 4, 100 << 20, 0, 8 },
    { 8, 0, 0, 8 },
    { 150, 400ULL << 20, 0, 200 },
    { 300, 400ULL << 20, 0, 300 },
};

START_TEST(a_stream_wants_room_for_twice_its_traffic)
{
    ck_assert_uint_eq(mr_scaling_want(scales[_i].open, scales[_i].bytes, scales[_i].records),
                      scales[_i].want);
}
END_TEST

START_TEST(an_on_demand_stream_grows_with_its_traffic)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\"}");
    mr_scaling_look(api.kinesis);

    for (int i = 0; i < 6; i++) {
        put_many(&api, 500, "");
    }
    api_advance_ms(&api, 1000);
    mr_scaling_look(api.kinesis);
    for (int i = 0; i < 100 &&
                    api_call(&api, "ListShards",
                             "{\"StreamName\":\"s\",\"ShardFilter\":{\"Type\":"
                             "\"AT_LATEST\"}}") == 200 &&
                    api_count(&api, "\"ShardId\"") == 4;
         i++) {
    }

    ck_assert_uint_eq(api_count(&api, "\"ShardId\""), 6);
    api_close(&api);
}
END_TEST

/* ---- AWS's limits ---- */

START_TEST(a_shard_takes_a_thousand_records_a_second)
{
    struct api api;
    api_open(&api, (struct api_options){ .limits = true });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");

    put_many(&api, 500, "");
    put_many(&api, 500, "");
    put_many(&api, 10, "");

    ck_assert_uint_eq(api_count(&api, "ProvisionedThroughputExceededException"), 10);
    ck_assert_uint_eq(api_count(&api, "\"FailedRecordCount\":10"), 1);
    ck_assert_str_eq(api_text(&api, "ErrorMessage"),
                     "Rate exceeded for shard shardId-000000000000 in stream s under account "
                     "123456789012.");
    api_refused(&api, "ProvisionedThroughputExceededException", "Rate exceeded for shard",
                "PutRecord", "{\"StreamName\":\"s\",\"PartitionKey\":\"k\",\"Data\":\"\"}");
    api_advance_ms(&api, 1000);
    put_one(&api);
    api_close(&api);
}
END_TEST

START_TEST(a_shard_is_read_five_times_a_second)
{
    struct api api;
    api_open(&api, (struct api_options){ .limits = true });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    char *iterator = iterator_of(&api, "TRIM_HORIZON");

    for (int i = 0; i < 5; i++) {
        api_ok(&api, "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    }
    api_refused(&api, "ProvisionedThroughputExceededException",
                "Rate exceeded for shard shardId-000000000000 in stream s under account",
                "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    api_advance_ms(&api, 200);

    api_ok(&api, "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    free(iterator);
    api_close(&api);
}
END_TEST

START_TEST(a_shard_gives_five_iterators_a_second)
{
    struct api api;
    api_open(&api, (struct api_options){ .limits = true });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":2}");

    for (int i = 0; i < 5; i++) {
        free(iterator_of(&api, "LATEST"));
    }
    api_refused(&api, "ProvisionedThroughputExceededException",
                "Rate exceeded for shard shardId-000000000000", "GetShardIterator",
                "{\"StreamName\":\"s\",\"ShardId\":\"0\",\"ShardIteratorType\":\"LATEST\"}");
    api_ok(&api, "GetShardIterator",
           "{\"StreamName\":\"s\",\"ShardId\":\"1\",\"ShardIteratorType\":\"LATEST\"}");

    api_close(&api);
}
END_TEST

START_TEST(ten_megabytes_read_are_five_seconds_of_silence)
{
    struct api api;
    mr_auto_buf struct mr_buf data = { 0 };
    api_open(&api, (struct api_options){ .limits = true });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    for (int i = 0; i < 1000000; i++) {
        mr_buf_append_byte(&data, 'A');
    }
    for (int i = 0; i < 16; i++) {
        put_many(&api, 1, mr_buf_cstr(&data));
        api_advance_ms(&api, 1000);
    }
    char *iterator = iterator_of(&api, "TRIM_HORIZON");

    api_ok(&api, "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    ck_assert_uint_eq(api_count(&api, "PartitionKey"), 13); /* of 750,000 bytes each */
    api_advance_ms(&api, 4500);
    api_refused(&api, "ProvisionedThroughputExceededException", "Rate exceeded", "GetRecords",
                "{\"ShardIterator\":\"%s\"}", iterator);
    api_advance_ms(&api, 500);

    api_ok(&api, "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);
    free(iterator);
    api_close(&api);
}
END_TEST

START_TEST(the_control_plane_has_its_rates)
{
    struct api api;
    api_open(&api, (struct api_options){ .limits = true });

    api_ok(&api, "DescribeLimits", "{}");
    api_refused(&api, "LimitExceededException", "Rate exceeded", "DescribeLimits", "{}");
    api_advance_ms(&api, 1000);
    api_ok(&api, "DescribeLimits", "{}");
    for (int i = 0; i < 5; i++) {
        api_ok(&api, "ListStreams", "{}");
    }
    api_refused(&api, "LimitExceededException", "Rate exceeded", "ListStreams", "{}");

    api_close(&api);
}
END_TEST

START_TEST(shards_and_modes_are_changed_so_often_a_day)
{
    static const char *const arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
    struct api api;
    api_open(&api, (struct api_options){ .limits = true });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");

    for (int i = 0; i < 10; i++) {
        api_ok(&api, "UpdateShardCount",
               "{\"StreamName\":\"s\",\"TargetShardCount\":%d,\"ScalingType\":"
               "\"UNIFORM_SCALING\"}",
               i % 2 == 0 ? 2 : 1);
        api_advance_ms(&api, 1000);
    }
    api_refused(&api, "LimitExceededException", "", "UpdateShardCount",
                "{\"StreamName\":\"s\",\"TargetShardCount\":2,\"ScalingType\":"
                "\"UNIFORM_SCALING\"}");
    for (int i = 0; i < 2; i++) {
        api_ok(&api, "UpdateStreamMode",
               "{\"StreamARN\":\"%s\",\"StreamModeDetails\":{\"StreamMode\":\"%s\"}}", arn,
               i % 2 == 0 ? "ON_DEMAND" : "PROVISIONED");
    }
    api_refused(&api, "LimitExceededException", "", "UpdateStreamMode",
                "{\"StreamARN\":\"%s\",\"StreamModeDetails\":{\"StreamMode\":\"ON_DEMAND\"}}",
                arn);

    api_advance_ms(&api, 24ULL * 3600 * 1000);
    api_ok(&api, "UpdateShardCount",
           "{\"StreamName\":\"s\",\"TargetShardCount\":2,\"ScalingType\":\"UNIFORM_SCALING\"}");
    api_close(&api);
}
END_TEST

MR_SUITE("stream.api_time", MR_TEST(an_iterator_expires_after_five_minutes),
         MR_TEST(every_iterator_is_another_text_of_awss_length),
         MR_TEST(a_position_survives_the_records_it_was_at),
         MR_TEST(a_closed_shard_is_listed_until_its_records_are_past_retention),
         MR_TEST_LOOP(shards_are_listed_by_filter, sizeof(filters) / sizeof(filters[0])),
         MR_TEST(a_stream_of_the_same_name_is_told_by_its_creation),
         MR_TEST(an_iterator_of_a_deleted_stream_does_not_read_its_successor),
         MR_TEST(a_next_token_expires_after_five_minutes),
         MR_TEST(a_subscription_speaks_every_five_seconds_and_ends_after_five_minutes),
         MR_TEST(a_request_pipelined_behind_a_subscription_may_delete_what_ended_it),
         MR_TEST(a_subscriber_who_does_not_read_costs_a_bounded_buffer_and_misses_nothing),
         MR_TEST(a_reader_who_waits_is_answered_by_a_record_or_by_time),
         MR_TEST(a_reader_who_waits_hears_that_its_stream_is_gone),
         MR_TEST_LOOP(a_stream_wants_room_for_twice_its_traffic,
                      sizeof(scales) / sizeof(scales[0])),
         MR_TEST(an_on_demand_stream_grows_with_its_traffic),
         MR_TEST(a_shard_takes_a_thousand_records_a_second),
         MR_TEST(a_shard_is_read_five_times_a_second),
         MR_TEST(a_shard_gives_five_iterators_a_second),
         MR_TEST(ten_megabytes_read_are_five_seconds_of_silence),
         MR_TEST(the_control_plane_has_its_rates),
         MR_TEST(shards_and_modes_are_changed_so_often_a_day))
