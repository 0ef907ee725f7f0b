/* A template's graph on a virtual clock, with real C handlers in their sandbox. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "harness/world.h"
#include "tests/suite.h"

static const char payments[] =
    "Transform: AWS::Serverless-2016-10-31\n"
    "Parameters: { Retries: { Type: Number, Default: 2 }, Age: { Type: Number, Default: -1 },\n"
    "              Factor: { Type: Number, Default: 1 } }\n"
    "Globals: { Function: { Runtime: provided.al2023, Handler: bootstrap, Timeout: 10 } }\n"
    "Resources:\n"
    "  Payments: { Type: AWS::Kinesis::Stream, Properties: { ShardCount: 2 } }\n"
    "  Failed: { Type: AWS::SQS::Queue }\n"
    "  fail:\n"
    "    Type: AWS::Serverless::Function\n"
    "    Properties:\n"
    "      CodeUri: .\n"
    "      Events:\n"
    "        In:\n"
    "          Type: Kinesis\n"
    "          Properties:\n"
    "            Stream: !GetAtt Payments.Arn\n"
    "            StartingPosition: TRIM_HORIZON\n"
    "            BatchSize: 4\n"
    "            BisectBatchOnFunctionError: true\n"
    "            ParallelizationFactor: !Ref Factor\n"
    "            MaximumRetryAttempts: !Ref Retries\n"
    "            MaximumRecordAgeInSeconds: !Ref Age\n"
    "            FilterCriteria: { Filters: [ { Pattern: '{\"data\":{\"type\":[\"pay\"]}}' } ] }\n"
    "            DestinationConfig: { OnFailure: { Destination: !GetAtt Failed.Arn } }\n";

struct play {
    struct mr_template *tpl;
    struct mr_world *world;
    struct mr_error err;
};

static struct play
begin(const char *const *parameters, uint64_t max_virtual_ms)
{
    struct play play = { 0 };
    struct mr_template_options options = { .directory = MR_BIN_DIR, .parameters = parameters };
    play.tpl = mr_template_parse(mr_slice_str(payments), &options);
    ck_assert(mr_template_ok(play.tpl));
    play.world = mr_world_new(&(struct mr_world_options){ .tpl = play.tpl,
                                                          .build_dir = MR_BIN_DIR "/../examples",
                                                          .sandboxd = MR_BIN_DIR
                                                          "/millrace-sandboxd",
                                                          .seed = 7,
                                                          .max_virtual_ms = max_virtual_ms },
                              &play.err);
    ck_assert_msg(play.world != NULL, "%s", play.err.text);
    return play;
}

static void
end(struct play *play)
{
    mr_world_free(play->world);
    mr_template_free(play->tpl);
}

static void
put(struct play *play, const char *key, const char *data)
{
    struct mr_world_record record = { .partition_key = mr_slice_str(key),
                                      .data = mr_slice_str(data) };
    ck_assert_msg(mr_world_put(play->world, "Payments", &record, &play->err) == 0, "%s",
                  play->err.text);
}

static void
drain(struct play *play)
{
    ck_assert_msg(mr_world_drain(play->world, &play->err) == 0, "%s", play->err.text);
}

static void
put_poison_among(struct play *play)
{
    put(play, "a", "{\"type\":\"pay\",\"id\":1}");
    put(play, "a", "{\"type\":\"pay\",\"poison\":true}");
    put(play, "a", "{\"type\":\"pay\",\"id\":3}");
    put(play, "a", "{\"type\":\"ping\"}");
}

START_TEST(poison_is_isolated_and_given_up_and_the_rest_is_handled)
{
    struct play play = begin(NULL, 0);

    put_poison_among(&play);
    drain(&play);

    struct mr_world_sums sums = mr_world_sums(play.world, 0);
    ck_assert_uint_eq(sums.records.succeeded, 2);
    ck_assert_uint_eq(sums.records.dropped, 1);
    ck_assert_uint_eq(sums.filtered, 1);
    ck_assert_uint_eq(sums.lost, 0);
    ck_assert_uint_eq(sums.records.disorder, 0);
    ck_assert(sums.at_head);
    ck_assert_uint_eq(mr_world_letter_count(play.world), 1);
    const struct mr_world_letter *letter = mr_world_letter(play.world, 0);
    ck_assert_str_eq(letter->destination, "Failed");
    ck_assert_uint_eq(letter->records, 1);
    ck_assert_ptr_nonnull(strstr(letter->document, "\"RetryAttemptsExhausted\""));
    ck_assert_ptr_nonnull(strstr(letter->document, "\"approximateInvokeCount\":3"));
    end(&play);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_transcript)
{
    mr_auto_buf struct mr_buf first = { 0 };
    for (int round = 0; round < 2; round++) {
        struct play play = begin((const char *[]){ "Factor=3", NULL }, 0);
        ck_assert(mr_world_fault(play.world, MR_SLICE("fail:error@20%"), &play.err) == 0);
        for (int i = 0; i < 40; i++) {
            char key[8];
            snprintf(key, sizeof(key), "k%d", i % 7);
            put(&play, key, "{\"type\":\"pay\"}");
        }

        drain(&play);

        struct mr_slice transcript = mr_world_transcript(play.world);
        ck_assert_uint_gt(transcript.size, 1000);
        if (round == 0) {
            mr_buf_append_slice(&first, transcript);
        } else {
            ck_assert(mr_slice_eq(mr_buf_slice(&first), transcript));
        }
        end(&play);
    }
}
END_TEST

START_TEST(a_day_of_retries_ends_by_age)
{
    struct play play = begin((const char *[]){ "Retries=-1", "Age=86400", NULL }, 0);
    ck_assert(mr_world_fault(play.world, MR_SLICE("handler:error"), &play.err) == 0);

    put(&play, "a", "{\"type\":\"pay\"}");
    drain(&play);

    ck_assert_uint_ge(mr_world_now_ms(play.world), 86400 * 1000);
    ck_assert_uint_eq(mr_world_letter_count(play.world), 1);
    ck_assert_ptr_nonnull(
        strstr(mr_world_letter(play.world, 0)->document, "RecordAgeExceeded"));
    ck_assert_uint_gt(mr_world_sums(play.world, 0).invocations, 1000);
    end(&play);
}
END_TEST

START_TEST(retries_without_end_are_a_livelock_that_names_its_mapping)
{
    struct play play = begin((const char *[]){ "Retries=-1", NULL }, 3600 * 1000);
    ck_assert(mr_world_fault(play.world, MR_SLICE("handler:crash"), &play.err) == 0);

    put(&play, "a", "{\"type\":\"pay\"}");

    ck_assert_int_eq(mr_world_drain(play.world, &play.err), -ETIME);
    ck_assert_ptr_nonnull(strstr(play.err.text, "failIn"));
    ck_assert_ptr_nonnull(strstr(play.err.text, "3600 s of virtual time"));
    end(&play);
}
END_TEST

START_TEST(nothing_is_lost_over_a_split_a_merge_and_a_restart)
{
    struct play play = begin(NULL, 0);
    for (int i = 0; i < 100; i++) {
        char key[8];
        snprintf(key, sizeof(key), "k%d", i % 10);
        put(&play, key, "{\"type\":\"pay\"}");
        if (i == 30) {
            ck_assert(mr_world_split(play.world, "Payments", 0, &play.err) == 0);
        }
        if (i == 60) {
            ck_assert(mr_world_advance(play.world, 10, &play.err) == 0);
            ck_assert(mr_world_restart(play.world, &play.err) == 0);
            ck_assert(mr_world_merge(play.world, "Payments", 2, 3, &play.err) == 0);
        }
    }

    drain(&play);

    struct mr_world_sums sums = mr_world_sums(play.world, 0);
    ck_assert_uint_eq(sums.records.succeeded, 100);
    ck_assert_uint_eq(sums.lost, 0);
    ck_assert_uint_eq(sums.records.disorder, 0);
    ck_assert(sums.at_head);
    end(&play);
}
END_TEST

START_TEST(a_stream_that_is_not_there_is_named_with_those_that_are)
{
    struct play play = begin(NULL, 0);
    struct mr_world_record record = { .partition_key = MR_SLICE("a"), .data = MR_SLICE("x") };

    ck_assert_int_lt(mr_world_put(play.world, "Paymants", &record, &play.err), 0);

    ck_assert_ptr_nonnull(strstr(play.err.text, "Payments"));
    end(&play);
}
END_TEST

MR_SUITE("harness.world", MR_TEST(poison_is_isolated_and_given_up_and_the_rest_is_handled),
         MR_TEST(the_same_seed_gives_the_same_transcript),
         MR_TEST(a_day_of_retries_ends_by_age),
         MR_TEST(retries_without_end_are_a_livelock_that_names_its_mapping),
         MR_TEST(nothing_is_lost_over_a_split_a_merge_and_a_restart),
         MR_TEST(a_stream_that_is_not_there_is_named_with_those_that_are))
