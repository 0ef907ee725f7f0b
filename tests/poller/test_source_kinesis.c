/* A mapping on our own Kinesis server, over a Unix socket. */
#include "aws/base64.h"
#include "poller/mapping.h"
#include "poller/source_fanout.h"
#include "poller/source_kinesis.h"
#include "tests/poller/aggregate.h"
#include "tests/poller/kinesis_world.h"
#include "tests/suite.h"

enum { PATIENCE_MS = 40000 };

struct play {
    struct kinesis_world world;
    struct mr_poller *poller;
    struct mr_mapping *mapping;
    struct mr_invoker invoker;
    struct mr_sink sink;
    struct mr_mapping_settings settings;
    bool waits;
    size_t max_pushed_bytes; /* by fan-out */
    char consumer_arn[128];  /* empty: none */
    struct mr_buf got;       /* partition keys of what the function got */
    struct mr_buf last;      /* the last event */
};

/* ---- a function that notes the keys ---- */

struct flight {
    mr_invoked_fn *done;
    void *context;
};

static void
on_answer(void *context)
{
    struct flight flight = *(struct flight *)context;
    free(context);
    flight.done(&(struct mr_invoke_result){ .outcome = MR_INVOKE_OK }, flight.context);
}

static void
invoke(void *self, const struct mr_invoke_request *request, mr_invoked_fn *done, void *context)
{
    static const char member[] = "\"partitionKey\":\"";
    struct play *play = self;
    mr_buf_clear(&play->last);
    mr_buf_append_slice(&play->last, request->payload);
    const char *at = mr_buf_cstr(&play->last);
    while ((at = strstr(at, member)) != NULL) {
        at += sizeof(member) - 1;
        mr_buf_append(&play->got, at, (size_t)(strchr(at, '"') - at));
        mr_buf_append_byte(&play->got, ' ');
    }
    struct flight *flight = malloc(sizeof(*flight));
    *flight = (struct flight){ done, context };
    mr_loop_defer(play->world.loop, on_answer, flight);
}

static void
deliver(void *self, const struct mr_sink_letter *letter, mr_sunk_fn *done, void *context)
{
    (void)self;
    (void)letter;
    (void)done;
    (void)context;
    ck_abort_msg("nothing is given up here");
}

static struct mr_source *
open_source(struct mr_slice source_arn, void *context, struct mr_error *err)
{
    struct play *play = context;
    struct mr_source_fanout_options fanout = { .loop = play->world.loop,
                                               .client = play->world.client,
                                               .consumer_arn = source_arn,
                                               .max_pushed_bytes = play->max_pushed_bytes };
    struct mr_source_kinesis_options options = { .client = play->world.client,
                                                 .source_arn = source_arn,
                                                 .waits = play->waits };
    return play->consumer_arn[0] != '\0' ? mr_source_fanout_new(&fanout, err)
                                         : mr_source_kinesis_new(&options, err);
}

/* ---- the play ---- */

static void
begin_as(struct play *play, const char *actions)
{
    memset(play, 0, sizeof(*play));
    world_init(&play->world, actions);
    play->invoker = (struct mr_invoker){ invoke, play };
    play->sink = (struct mr_sink){ deliver, play };
    struct mr_poller_options options = { .loop = play->world.loop,
                                         .invoker = &play->invoker,
                                         .sink = &play->sink,
                                         .open_source = open_source,
                                         .open_context = play,
                                         .poll_ms = 20 };
    play->poller = mr_poller_new(&options);
    play->settings = (struct mr_mapping_settings){
        .uuid = MR_SLICE("u"),
        .source_arn = MR_SLICE(STREAM_ARN),
        .function_arn = MR_SLICE("arn:aws:lambda:us-east-1:123456789012:function:f"),
        .role_arn = MR_SLICE("arn:aws:iam::123456789012:role/r"),
        .region = MR_SLICE("us-east-1"),
        .batch_size = 100,
        .parallelization = 1,
        .max_retries = -1,
        .max_age_ms = -1,
    };
    world_ask(&play->world, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
}

static void
begin(struct play *play)
{
    begin_as(play, NULL);
}

static void
start(struct play *play)
{
    play->mapping = mr_mapping_new(play->poller, &play->settings, NULL);
    ck_assert_ptr_nonnull(play->mapping);
    mr_mapping_start(play->mapping);
}

static void
end(struct play *play)
{
    mr_mapping_free(play->mapping);
    mr_poller_free(play->poller);
    mr_buf_deinit(&play->got);
    mr_buf_deinit(&play->last);
    world_deinit(&play->world);
}

static void
put(struct play *play, const char *key, const char *hash_key)
{
    char body[256];
    snprintf(body, sizeof(body),
             "{\"StreamName\":\"s\",\"Data\":\"aGVsbG8=\",\"PartitionKey\":\"%s\"%s%s%s}", key,
             hash_key == NULL ? "" : ",\"ExplicitHashKey\":\"",
             hash_key == NULL ? "" : hash_key, hash_key == NULL ? "" : "\"");
    world_ask(&play->world, "PutRecord", body);
}

static void
wait_for(struct play *play, const char *keys)
{
    uint64_t end_us = mr_clock_now_us(mr_clock_system()) + PATIENCE_MS * 1000;
    while (strcmp(mr_buf_cstr(&play->got), keys) != 0 &&
           mr_clock_now_us(mr_clock_system()) < end_us) {
        mr_loop_run_once(play->world.loop, 50);
    }
    ck_assert_str_eq(mr_buf_cstr(&play->got), keys);
}

static bool
is_reading(struct play *play)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status;
    mr_mapping_status(play->mapping, &arena, &status);
    return status.reading;
}

static void
wait_until_it_reads(struct play *play)
{
    while (!is_reading(play)) {
        mr_loop_run_once(play->world.loop, 50);
    }
}

START_TEST(records_reach_the_function_as_they_stood_on_the_wire)
{
    struct play play;
    begin(&play);
    play.waits = _i == 1;
    put(&play, "a", NULL);

    start(&play);
    wait_for(&play, "a ");
    put(&play, "b", NULL);
    wait_for(&play, "a b ");

    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&play.last), "\"data\":\"aGVsbG8=\""));
    ck_assert_ptr_nonnull(
        strstr(mr_buf_cstr(&play.last), "\"eventID\":\"shardId-000000000000:49"));
    end(&play);
}
END_TEST

START_TEST(latest_sees_what_comes_after_it_reads)
{
    struct play play;
    begin(&play);
    play.settings.starting_position = MR_POSITION_LATEST;
    put(&play, "a", NULL);
    start(&play);
    wait_until_it_reads(&play);

    put(&play, "b", NULL);

    wait_for(&play, "b ");
    end(&play);
}
END_TEST

START_TEST(a_split_and_a_merge_are_followed)
{
    struct play play;
    begin(&play);
    start(&play);
    put(&play, "a", NULL);
    wait_for(&play, "a ");

    world_change(&play.world, (struct mr_change){ .kind = MR_CHANGE_SPLIT,
                                                  .new_start_key = (mr_hash_key)1 << 127 });
    put(&play, "b", "0");
    wait_for(&play, "a b ");
    put(&play, "c", "340282366920938463463374607431768211455");
    wait_for(&play, "a b c ");
    world_change(&play.world,
                 (struct mr_change){ .kind = MR_CHANGE_MERGE, .shard = 1, .adjacent = 2 });
    put(&play, "d", NULL);

    wait_for(&play, "a b c d ");
    end(&play);
}
END_TEST

START_TEST(a_stream_deleted_and_made_again_is_read_from_its_beginning)
{
    struct play play;
    begin(&play);
    start(&play);
    put(&play, "a", NULL);
    wait_for(&play, "a ");

    world_ask(&play.world, "DeleteStream", "{\"StreamName\":\"s\"}");
    world_ask(&play.world, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":2}");
    put(&play, "b", NULL);

    wait_for(&play, "a b ");
    end(&play);
}
END_TEST

START_TEST(a_stopped_mapping_goes_on_behind_its_checkpoint)
{
    struct play play;
    bool stopped = false;
    begin(&play);
    start(&play);
    put(&play, "a", NULL);
    wait_for(&play, "a ");
    mr_mapping_stop(play.mapping, world_stopped, &stopped);
    while (!stopped) {
        mr_loop_run_once(play.world.loop, 50);
    }
    put(&play, "b", NULL);

    mr_mapping_start(play.mapping);

    wait_for(&play, "a b ");
    end(&play);
}
END_TEST

START_TEST(describe_stream_is_enough_to_find_the_shards)
{
    struct play play;
    begin_as(&play,
             "[\"kinesis:CreateStream\",\"kinesis:PutRecord\",\"kinesis:DescribeStream\","
             "\"kinesis:GetShardIterator\",\"kinesis:GetRecords\"]");
    put(&play, "a", NULL);

    start(&play);

    wait_for(&play, "a ");
    end(&play);
}
END_TEST

START_TEST(what_may_not_be_read_is_told_and_tried_again)
{
    struct play play;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_mapping_status status = { .trouble = { NULL, 0 } };
    begin_as(&play, "[\"kinesis:CreateStream\"]");

    start(&play);
    while (status.trouble.data == NULL) {
        mr_loop_run_once(play.world.loop, 50);
        mr_mapping_status(play.mapping, &arena, &status);
    }

    ck_assert(status.running);
    ck_assert(!status.reading);
    ck_assert_ptr_nonnull(
        memmem(status.trouble.data, status.trouble.size, "not authorized", 14));
    end(&play);
}
END_TEST

START_TEST(hundreds_of_shards_are_read_at_once)
{
    struct play play;
    mr_auto_buf struct mr_buf keys = { 0 };
    begin(&play);
    play.waits = true;
    world_ask(&play.world, "DeleteStream", "{\"StreamName\":\"s\"}");
    world_ask(&play.world, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":300}");
    start(&play);
    wait_until_it_reads(&play);
    uint64_t until_us = mr_clock_now_us(mr_clock_system()) + 500000;
    while (mr_clock_now_us(mr_clock_system()) < until_us) {
        mr_loop_run_once(play.world.loop, 50);
    }

    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i);
        put(&play, key, NULL);
        mr_buf_printf(&keys, "%s ", key);
        wait_for(&play, mr_buf_cstr(&keys));
    }

    end(&play);
}
END_TEST

START_TEST(a_consumer_is_not_read_by_get_records)
{
    struct mr_error err = { 0 };
    struct mr_source_kinesis_options options = { .source_arn = MR_SLICE(
                                                     STREAM_ARN "/consumer/c:1700000000") };
    ck_assert_ptr_null(mr_source_kinesis_new(&options, &err));
    ck_assert_str_eq(err.text, STREAM_ARN "/consumer/c:1700000000 is not the ARN of a Kinesis "
                                          "stream");
}
END_TEST

/* ---- by enhanced fan-out ---- */

static void
register_consumer(struct play *play)
{
    mr_auto_buf struct mr_buf body = { 0 };
    world_ask_for(&play->world, "RegisterStreamConsumer",
                  "{\"StreamARN\":\"" STREAM_ARN "\",\"ConsumerName\":\"c\"}", &body);
    const char *at = strstr(mr_buf_cstr(&body), STREAM_ARN "/consumer/c:");
    ck_assert_ptr_nonnull(at);
    snprintf(play->consumer_arn, sizeof(play->consumer_arn), "%.*s", (int)strcspn(at, "\""),
             at);
    play->settings.source_arn = mr_slice_str(play->consumer_arn);
}

START_TEST(pushed_records_carry_the_consumers_arn)
{
    struct play play;
    char member[200];
    begin(&play);
    register_consumer(&play);
    put(&play, "a", NULL);

    start(&play);
    wait_for(&play, "a ");
    put(&play, "b", NULL);
    wait_for(&play, "a b ");

    snprintf(member, sizeof(member), "\"eventSourceARN\":\"%s\"", play.consumer_arn);
    ck_assert_ptr_nonnull(strstr(mr_buf_cstr(&play.last), member));
    end(&play);
}
END_TEST

START_TEST(latest_is_where_the_subscription_began)
{
    struct play play;
    begin(&play);
    register_consumer(&play);
    play.settings.starting_position = MR_POSITION_LATEST;
    put(&play, "a", NULL);
    start(&play);
    wait_until_it_reads(&play);

    put(&play, "b", NULL);

    wait_for(&play, "b ");
    end(&play);
}
END_TEST

START_TEST(a_subscription_follows_a_split)
{
    struct play play;
    begin(&play);
    register_consumer(&play);
    start(&play);
    put(&play, "a", NULL);
    wait_for(&play, "a ");

    world_change(&play.world, (struct mr_change){ .kind = MR_CHANGE_SPLIT,
                                                  .new_start_key = (mr_hash_key)1 << 127 });
    put(&play, "b", "0");
    wait_for(&play, "a b ");
    put(&play, "c", "340282366920938463463374607431768211455");

    wait_for(&play, "a b c ");
    end(&play);
}
END_TEST

START_TEST(an_aggregate_reaches_the_function_opened)
{
    struct play play;
    mr_auto_buf struct mr_buf data = { 0 };
    mr_auto_buf struct mr_buf body = { 0 };
    begin(&play);
    register_consumer(&play);
    play.settings.batch_size = 2;
    small_aggregate(&data);
    mr_buf_printf(&body, "{\"StreamName\":\"s\",\"PartitionKey\":\"o\",\"Data\":\"%.*s\"}",
                  MR_SLICE_ARGS(mr_buf_slice(&data)));
    world_ask(&play.world, "PutRecord", mr_buf_cstr(&body));
    put(&play, "z", NULL);

    start(&play);

    wait_for(&play, "a b\\ a z ");
    end(&play);
}
END_TEST

/* By polling, by waiting, by subscription. */
START_TEST(a_bad_server_neither_loses_nor_repeats_a_record)
{
    static const char *const rules[] = {
        "GetRecords:throttle:rate=0.1",
        "GetRecords:expire:rate=0.1",
        "GetRecords:tear:rate=0.1",
        "GetRecords:error:rate=0.1",
        "GetShardIterator:error:rate=0.2",
        "ListShards:throttle:rate=0.3",
        "DescribeStreamSummary:tear:rate=0.3",
        "GetRecords:stall=50:rate=0.2",
        "SubscribeToShard:error:count=1",
    };
    struct play play;
    mr_auto_buf struct mr_buf keys = { 0 };
    begin(&play);
    play.waits = _i == 1;
    if (_i == 2) {
        register_consumer(&play);
    }
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        ck_assert_int_eq(mr_faults_add(play.world.faults, mr_slice_str(rules[i]), NULL), 0);
    }

    start(&play);
    for (int i = 0; i < 12; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i);
        put(&play, key, NULL);
        mr_buf_printf(&keys, "%s ", key);
        if (i % 3 == 2) {
            wait_for(&play, mr_buf_cstr(&keys));
        }
    }

    end(&play);
}
END_TEST

START_TEST(a_subscription_that_runs_full_is_begun_again)
{
    struct play play;
    mr_auto_buf struct mr_buf keys = { 0 };
    begin(&play);
    register_consumer(&play);
    play.max_pushed_bytes = 1;
    play.settings.batch_size = 1;
    for (int i = 0; i < 20; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i);
        put(&play, key, NULL);
        mr_buf_printf(&keys, "%s ", key);
    }

    start(&play);
    wait_for(&play, mr_buf_cstr(&keys));
    put(&play, "more", NULL);
    mr_buf_append_str(&keys, "more ");

    wait_for(&play, mr_buf_cstr(&keys));
    end(&play);
}
END_TEST

START_TEST(a_stopped_subscriber_goes_on_behind_its_checkpoint)
{
    struct play play;
    bool stopped = false;
    begin(&play);
    register_consumer(&play);
    start(&play);
    put(&play, "a", NULL);
    wait_for(&play, "a ");
    mr_mapping_stop(play.mapping, world_stopped, &stopped);
    while (!stopped) {
        mr_loop_run_once(play.world.loop, 50);
    }
    put(&play, "b", NULL);

    mr_mapping_start(play.mapping);

    wait_for(&play, "a b ");
    end(&play);
}
END_TEST

MR_SUITE("poller.source_kinesis",
         MR_TEST_LOOP(records_reach_the_function_as_they_stood_on_the_wire, 2),
         MR_TEST(latest_sees_what_comes_after_it_reads),
         MR_TEST(a_split_and_a_merge_are_followed),
         MR_TEST(a_stream_deleted_and_made_again_is_read_from_its_beginning),
         MR_TEST(a_stopped_mapping_goes_on_behind_its_checkpoint),
         MR_TEST(describe_stream_is_enough_to_find_the_shards),
         MR_TEST(what_may_not_be_read_is_told_and_tried_again),
         MR_TEST(hundreds_of_shards_are_read_at_once),
         MR_TEST(a_consumer_is_not_read_by_get_records),
         MR_TEST(pushed_records_carry_the_consumers_arn),
         MR_TEST(latest_is_where_the_subscription_began),
         MR_TEST(a_subscription_follows_a_split),
         MR_TEST(an_aggregate_reaches_the_function_opened),
         MR_TEST_LOOP(a_bad_server_neither_loses_nor_repeats_a_record, 3),
         MR_TEST(a_subscription_that_runs_full_is_begun_again),
         MR_TEST(a_stopped_subscriber_goes_on_behind_its_checkpoint))
