#include "tests/stream/api_fixture.h"

static int
put_raw(struct api *api, const char *type, struct mr_slice body)
{
    char headers[256];
    snprintf(headers, sizeof(headers),
             "Content-Type: %s\r\nX-Amz-Target: Kinesis_20131202.PutRecords\r\n", type);
    return api_raw(api, "/", headers, body);
}

/* PutRecords reads its body itself: what is no object must not get further for it. */
static const struct {
    const char *type;
    struct mr_slice body;
} bodies[] = {
    { "application/x-amz-json-1.1", MR_SLICE_INIT("null") },
    { "application/x-amz-json-1.1", MR_SLICE_INIT("[]") },
    { "application/x-amz-json-1.1", MR_SLICE_INIT("7") },
    { "application/x-amz-json-1.1", MR_SLICE_INIT("{\"StreamName\":") },
    { "application/x-amz-json-1.1", MR_SLICE_INIT("{} {}") },
    { "application/x-amz-cbor-1.1", MR_SLICE_INIT("\xf6") },
    { "application/x-amz-cbor-1.1", MR_SLICE_INIT("\xf6\n\r\n") },
    { "application/x-amz-cbor-1.1", MR_SLICE_INIT("\x80") },
    { "application/x-amz-cbor-1.1", MR_SLICE_INIT("\xa1") },
};

START_TEST(a_body_that_is_no_object_is_a_serialization_exception)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });

    ck_assert_int_eq(put_raw(&api, bodies[_i].type, bodies[_i].body), 400);

    ck_assert_ptr_nonnull(strstr(api_body(&api), "SerializationException"));
    api_close(&api);
}
END_TEST

/* Two ways to read a request: what one takes the other takes, and the records are the same. */
static const char *const same_records[] = {
    "{\"StreamName\":\"s\",\"Records\":[{\"Data\":\"aGVsbG8=\",\"PartitionKey\":\"kéy\"}]}",
    "{\"Records\":[{\"PartitionKey\":\"kéy\",\"Data\":\"aGVsbG8=\"}],\"StreamName\":\"s\"}",
    "{\"Records\":[{\"PartitionKey\":\"k\\u00e9y\",\"Data\":\"aGVsbG8\\u003d\"}],"
    "\"StreamName\":\"\\u0073\"}",
    "{\"Unknown\":{\"a\":[1,2]},\"StreamName\":\"s\",\"Records\":[{\"Data\":\"aGVsbG8=\","
    "\"PartitionKey\":\"kéy\",\"More\":null}]}",
    "{\"StreamName\":null,\"StreamARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/s\","
    "\"Records\":[{\"Data\":\"aGVsbG8=\",\"PartitionKey\":\"kéy\",\"ExplicitHashKey\":null}]}",
    " {\n\t\"StreamName\" : \"s\" , \"Records\" : [ { \"Data\" : \"aGVsbG8=\" , "
    "\"PartitionKey\" : \"kéy\" } ] }\r\n",
};

START_TEST(a_record_is_the_same_however_its_request_is_written)
{
    struct api api;
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    api_ok(&api, "GetShardIterator",
           "{\"StreamName\":\"s\",\"ShardId\":\"0\",\"ShardIteratorType\":\"LATEST\"}");
    char *iterator = strdup(api_text(&api, "ShardIterator"));

    ck_assert_msg(put_raw(&api, "application/x-amz-json-1.1", mr_slice_str(same_records[_i])) ==
                      200,
                  "%s", api_body(&api));
    api_ok(&api, "GetRecords", "{\"ShardIterator\":\"%s\"}", iterator);

    ck_assert_str_eq(api_text(&api, "Data"), "aGVsbG8=");
    ck_assert_str_eq(api_text(&api, "PartitionKey"), "kéy");
    free(iterator);
    api_close(&api);
}
END_TEST

static const struct {
    const char *records, *code, *message;
} refused[] = {
    { "[{\"Data\":\"\",\"PartitionKey\":\"\"}]", "ValidationException",
      "1 validation error detected: Value '' at 'records.1.member.partitionKey' failed to "
      "satisfy constraint: Member must have length greater than or equal to 1" },
    { "[{\"Data\":\"\"}]", "ValidationException",
      "1 validation error detected: Value null at 'records.1.member.partitionKey' failed to "
      "satisfy constraint: Member must not be null" },
    { "[{\"Data\":\"A\",\"PartitionKey\":\"k\"}]", "SerializationException", NULL },
    { "[{\"Data\":\"\",\"PartitionKey\":7}]", "SerializationException", NULL },
    { "[]", "ValidationException",
      "1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: "
      "Member must have length greater than or equal to 1" },
    { "[{\"Data\":\"\",\"PartitionKey\":\"k\",\"ExplicitHashKey\":"
      "\"340282366920938463463374607431768211456\"}]",
      "InvalidArgumentException",
      "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified "
      "value was 340282366920938463463374607431768211456" },
};

START_TEST(one_bad_record_refuses_the_call)
{
    struct api api;
    mr_auto_buf struct mr_buf body = { 0 };
    api_open(&api, (struct api_options){ 0 });
    api_ok(&api, "CreateStream", "{\"StreamName\":\"s\",\"ShardCount\":1}");
    mr_buf_printf(&body, "{\"StreamName\":\"s\",\"Records\":%s}", refused[_i].records);

    ck_assert_int_eq(put_raw(&api, "application/x-amz-json-1.1", mr_buf_slice(&body)), 400);

    ck_assert_str_eq(api_text(&api, "__type"), refused[_i].code);
    if (refused[_i].message != NULL) {
        ck_assert_str_eq(api_text(&api, "message"), refused[_i].message);
    }
    api_close(&api);
}
END_TEST

MR_SUITE("stream.api_put",
         MR_TEST_LOOP(a_body_that_is_no_object_is_a_serialization_exception,
                      sizeof(bodies) / sizeof(bodies[0])),
         MR_TEST_LOOP(a_record_is_the_same_however_its_request_is_written,
                      sizeof(same_records) / sizeof(same_records[0])),
         MR_TEST_LOOP(one_bad_record_refuses_the_call, sizeof(refused) / sizeof(refused[0])))
