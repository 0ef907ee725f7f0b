#include <stdio.h>
#include <stdlib.h>

#include "millrace/handler.h"
#include "tests/suite.h"

#define RECORD(sequence, key, data)                                                       \
    "{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\"" key              \
    "\",\"sequenceNumber\":\"" sequence "\",\"data\":\"" data                             \
    "\",\"approximateArrivalTimestamp\":1545084650.987},\"eventSource\":\"aws:kinesis\"," \
    "\"eventVersion\":\"1.0\",\"eventID\":\"shardId-000000000003:" sequence               \
    "\",\"eventName\":\"aws:kinesis:record\",\"eventSourceARN\":\"arn:aws:kinesis:x\"}"

static const char two_records[] =
    "{\"Records\":[" RECORD("101", "k\\u00e9y", "aGVsbG8=") "," RECORD("102", "b", "") "]}";

static struct mr_test_result
run(mr_handler_fn *function, const char *event)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, function, NULL, NULL };
    return mr_test_invoke(&handler, mr_str_z(event), 3000);
}

static void
ck_str(struct mr_str got, const char *wanted)
{
    char text[4096];
    snprintf(text, sizeof(text), "%.*s", MR_STR_ARGS(got));
    ck_assert_str_eq(text, wanted);
}

static int
reads_two(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;

    ck_assert_int_eq(mr_event_source(ctx), MR_SOURCE_KINESIS);
    ck_assert(mr_kinesis_next(&records, &record));
    ck_str(record.sequence_number, "101");
    ck_str(record.partition_key, "k\xc3\xa9y");
    ck_str(record.shard_id, "shardId-000000000003");
    ck_str(mr_kinesis_data(ctx, &record), "hello");
    ck_assert_double_eq_tol(record.arrival_time, 1545084650.987, 1e-6);
    ck_assert(mr_kinesis_next(&records, &record));
    ck_assert_uint_eq(records.index, 1);
    ck_assert_uint_eq(mr_kinesis_data(ctx, &record).size, 0);
    ck_assert(!mr_kinesis_next(&records, &record));
    ck_assert(!records.bad);
    return 0;
}

START_TEST(kinesis_records_are_walked_in_order_with_their_fields)
{
    ck_str(run(reads_two, two_records).body, "null");
}
END_TEST

static int
counts(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_kinesis record;
    while (mr_kinesis_next(&records, &record)) {
    }
    return mr_respondf(ctx, "%d", records.bad);
}

START_TEST(a_cut_event_ends_the_walk_and_says_so)
{
    for (size_t size = strlen("{\"Records\":["); size + 2 < sizeof(two_records) - 1; size++) {
        char cut[sizeof(two_records)];
        memcpy(cut, two_records, size);
        cut[size] = '\0';

        ck_str(run(counts, cut).body, "1");
    }
}
END_TEST

static int
fails_second(struct mr_ctx *ctx)
{
    mr_batch_fail(ctx, MR_STR("102"));
    return mr_batch_done(ctx);
}

static int
fails_none(struct mr_ctx *ctx)
{
    return mr_batch_done(ctx);
}

START_TEST(failed_records_are_reported_by_their_identifiers)
{
    ck_str(run(fails_second, two_records).body,
           "{\"batchItemFailures\":[{\"itemIdentifier\":\"102\"}]}");
    ck_str(run(fails_none, two_records).body, "{\"batchItemFailures\":[]}");
}
END_TEST

static int
sums(struct mr_ctx *ctx)
{
    struct mr_window window = mr_window_of(ctx);
    int64_t count = 0;
    struct mr_reader reader = mr_read(mr_window_get(&window, "count"));
    ck_assert(window.present && !window.is_final);
    mr_read_i64(&reader, &count);
    mr_window_put(ctx, "count", mr_printf(ctx, "%lld", (long long)count + 2));
    return mr_batch_done(ctx);
}

START_TEST(window_state_is_carried_over_and_replaced_by_key)
{
    const char *event = "{\"Records\":[],\"window\":{\"start\":\"a\",\"end\":\"b\"},"
                        "\"state\":{\"count\":40,\"kept\":[1]},\"shardId\":\"s\","
                        "\"isFinalInvokeForWindow\":false,\"isWindowTerminatedEarly\":false}";

    ck_str(run(sums, event).body,
           "{\"state\":{\"kept\":[1],\"count\":42},\"batchItemFailures\":[]}");
}
END_TEST

static int
refuses(struct mr_ctx *ctx)
{
    return mr_fail(ctx, "Order.Invalid", "no \"id\" in %d records", 2);
}

static int
just_fails(struct mr_ctx *ctx)
{
    (void)ctx;
    return 7;
}

START_TEST(a_failure_carries_its_type_and_sentence)
{
    struct mr_test_result result = run(refuses, "{}");

    ck_assert_int_ne(result.status, 0);
    ck_str(result.error_type, "Order.Invalid");
    ck_str(result.body, "{\"errorMessage\":\"no \\\"id\\\" in 2 records\","
                        "\"errorType\":\"Order.Invalid\",\"stackTrace\":[]}");
    ck_str(run(just_fails, "{}").error_type, "Function.Failed");
}
END_TEST

static const struct {
    const char *base64;
    ptrdiff_t size;
    const char *bytes;
} base64_cases[] = {
    { "", 0, "" },          { "Zg==", 1, "f" },         { "Zm8=", 2, "fo" },
    { "Zm9v", 3, "foo" },   { "Zm9vYmE=", 5, "fooba" }, { "Zg=", -1, "" },
    { "Zg==Zg==", -1, "" }, { "Z===", -1, "" },         { "Zm9*", -1, "" },
    { "====", -1, "" },     { "Zm9vZm9", -1, "" },
};

START_TEST(base64_is_decoded_strictly)
{
    char out[16] = { 0 };

    ptrdiff_t size = mr_base64_into(mr_str_z(base64_cases[_i].base64), out, sizeof(out));

    ck_assert_int_eq(size, base64_cases[_i].size);
    if (size >= 0) {
        ck_assert_str_eq(out, base64_cases[_i].bytes);
    }
}
END_TEST

static const struct {
    const char *json, *path, *value;
} paths[] = {
    { "{\"a\":{\"b\":[1,{\"c\":\"x\"}]}}", "a.b[1].c", "\"x\"" },
    { "{\"a\":{\"b\":[1,2]}}", "a.b", "[1,2]" },
    { "[[1],[2,3]]", "[1][1]", "3" },
    { "{\"a\":1}", "b", "" },
    { "{\"a\":1}", "a.b", "" },
    { "{\"a\":[1]}", "a[7]", "" },
    { "{\"x\":\"a\\\"}\",\"y\":2}", "y", "2" },
};

START_TEST(a_path_finds_its_value_or_nothing)
{
    ck_str(mr_find(mr_str_z(paths[_i].json), paths[_i].path), paths[_i].value);
}
END_TEST

static int
reads_item(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_dynamodb record;
    ck_assert(mr_dynamodb_next(&records, &record));
    ck_assert_int_eq(record.event, MR_DYNAMODB_REMOVE);
    ck_assert(record.is_ttl_delete);
    ck_assert_int_eq(record.size_bytes, 70);
    ck_str(mr_attribute_text(ctx, mr_attribute_get(record.old_image, "address.city")), "Ulm");
    ck_str(mr_attribute_text(ctx, mr_attribute_get(record.old_image, "tags[1]")), "42");
    ck_str(mr_attribute_text(ctx, mr_attribute_get(record.old_image, "raw")), "foobar");
    ck_assert_int_eq(mr_attribute_get(record.old_image, "tags[9]").kind, MR_ATTRIBUTE_NONE);
    ck_assert_int_eq(mr_attribute_get(record.old_image, "address[0]").kind, MR_ATTRIBUTE_NONE);
    return 0;
}

START_TEST(dynamodb_images_are_walked_by_path)
{
    run(reads_item,
        "{\"Records\":[{\"eventID\":\"1\",\"eventName\":\"REMOVE\","
        "\"userIdentity\":{\"type\":\"Service\",\"principalId\":\"dynamodb.amazonaws.com\"},"
        "\"dynamodb\":{\"SizeBytes\":70,\"OldImage\":{\"address\":{\"M\":{\"city\":{\"S\":"
        "\"Ulm\"}}},\"tags\":{\"L\":[{\"S\":\"a\"},{\"N\":\"42\"}]},\"raw\":{\"B\":"
        "\"Zm9vYmFy\"}}},\"eventSource\":\"aws:dynamodb\"}]}");
}
END_TEST

static int
reads_message(struct mr_ctx *ctx)
{
    struct mr_iter records = mr_records(ctx);
    struct mr_sqs record;
    ck_assert(mr_sqs_next(&records, &record));
    ck_str(record.body, "{\"foo\": \"bar\"}");
    ck_assert_int_eq(record.sent_ms, 1545082649183);
    ck_assert_int_eq(record.receive_count, 2);
    return 0;
}

START_TEST(sqs_bodies_come_unescaped)
{
    run(reads_message,
        "{\"Records\":[{\"messageId\":\"m\",\"body\":\"{\\\"foo\\\": \\\"bar\\\"}\","
        "\"attributes\":{\"ApproximateReceiveCount\":\"2\",\"SentTimestamp\":"
        "\"1545082649183\"},\"eventSource\":\"aws:sqs\"}]}");
}
END_TEST

/* Two user records ("a" under key0, "bb" under key1 with hash key 5), as the KPL packs them. */
static const unsigned char aggregate[] = {
    0xf3, 0x89, 0x9a, 0xc2, 0x0a, 0x04, 'k',  'e',  'y',  '0',  0x0a, 0x04, 'k',
    'e',  'y',  '1',  0x12, 0x01, '5',  0x1a, 0x05, 0x08, 0x00, 0x1a, 0x01, 'a',
    0x1a, 0x08, 0x08, 0x01, 0x10, 0x00, 0x1a, 0x02, 'b',  'b',  0x1a, 0x98, 0x74,
    0x49, 0x1f, 0xbf, 0x06, 0xc5, 0x08, 0x5d, 0x07, 0x86, 0x1a, 0xd1, 0x19, 0xa1,
};

START_TEST(an_aggregate_opens_into_its_user_records)
{
    struct mr_str data = { (const char *)aggregate, sizeof(aggregate) };

    struct mr_kpl records = mr_kpl_open(data, MR_STR("outer"));

    ck_assert(records.aggregated);
    ck_assert(mr_kpl_next(&records));
    ck_str(records.partition_key, "key0");
    ck_str(records.data, "a");
    ck_assert_uint_eq(records.sub_sequence_number, 0);
    ck_assert(mr_kpl_next(&records));
    ck_str(records.partition_key, "key1");
    ck_str(records.explicit_hash_key, "5");
    ck_str(records.data, "bb");
    ck_assert_uint_eq(records.sub_sequence_number, 1);
    ck_assert(!mr_kpl_next(&records));
}
END_TEST

START_TEST(what_only_looks_like_an_aggregate_is_one_plain_record)
{
    unsigned char spoiled[sizeof(aggregate)];
    memcpy(spoiled, aggregate, sizeof(aggregate));
    spoiled[10] ^= 1;
    struct mr_str data = { (const char *)spoiled, sizeof(spoiled) };

    struct mr_kpl records = mr_kpl_open(data, MR_STR("outer"));

    ck_assert(!records.aggregated);
    ck_assert(mr_kpl_next(&records));
    ck_assert(mr_str_eq(records.data, data));
    ck_str(records.partition_key, "outer");
    ck_assert(!mr_kpl_next(&records));
}
END_TEST

static int
writes(struct mr_ctx *ctx)
{
    struct mr_writer json = mr_write(ctx);
    mr_write_object(&json);
    mr_write_key(&json, MR_STR("list"));
    mr_write_array(&json);
    mr_write_i64(&json, -1);
    mr_write_bool(&json, true);
    mr_write_null(&json);
    mr_write_string(&json, MR_STR("a\n\"\x01"));
    mr_write_end_array(&json);
    mr_write_key(&json, MR_STR("raw"));
    mr_write_raw(&json, MR_STR("{\"x\":1}"));
    mr_write_end_object(&json);
    return mr_write_respond(&json);
}

START_TEST(the_writer_puts_commas_and_escapes)
{
    ck_str(run(writes, "{}").body,
           "{\"list\":[-1,true,null,\"a\\n\\\"\\u0001\"],\"raw\":{\"x\":1}}");
}
END_TEST

static int
streams(struct mr_ctx *ctx)
{
    mr_stream_begin(ctx, "text/plain");
    mr_stream_write(ctx, "one ", 4);
    mr_stream_write(ctx, "two", 3);
    return 0;
}

START_TEST(a_streamed_response_is_what_was_written)
{
    ck_str(run(streams, "{}").body, "one two");
}
END_TEST

MR_SUITE("handlers.sdk", MR_TEST(kinesis_records_are_walked_in_order_with_their_fields),
         MR_TEST(a_cut_event_ends_the_walk_and_says_so),
         MR_TEST(failed_records_are_reported_by_their_identifiers),
         MR_TEST(window_state_is_carried_over_and_replaced_by_key),
         MR_TEST(a_failure_carries_its_type_and_sentence),
         MR_TEST_LOOP(base64_is_decoded_strictly,
                      sizeof(base64_cases) / sizeof(base64_cases[0])),
         MR_TEST_LOOP(a_path_finds_its_value_or_nothing, sizeof(paths) / sizeof(paths[0])),
         MR_TEST(dynamodb_images_are_walked_by_path), MR_TEST(sqs_bodies_come_unescaped),
         MR_TEST(an_aggregate_opens_into_its_user_records),
         MR_TEST(what_only_looks_like_an_aggregate_is_one_plain_record),
         MR_TEST(the_writer_puts_commas_and_escapes),
         MR_TEST(a_streamed_response_is_what_was_written))
