#include "aws/credentials.h"
#include "tests/stream/api_fixture.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static const char file[] =
    "{\"principals\":["
    "{\"name\":\"admin\",\"accessKeyId\":\"AKIAADMIN\",\"secretAccessKey\":\"" SECRET "\","
    "\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kinesis:*\","
    "\"Resource\":\"*\"}]}},"
    "{\"name\":\"writer\",\"accessKeyId\":\"AKIAWRITER\",\"secretAccessKey\":\"" SECRET "\","
    "\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"kinesis:Put*\","
    "\"kinesis:GetRecords\"],\"Resource\":\"arn:aws:kinesis:*:*:stream/order*\"},"
    "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*/orders-secret\"}]}},"
    "{\"name\":\"no-secret\",\"accessKeyId\":\"AKIANOSECRET\",\"secretAccessKey\":\"" SECRET
    "\",\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
    "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":"
    "\"arn:aws:kinesis:us-east-1:123456789012:stream/orders-secret*\"}]}},"
    "{\"name\":\"none\",\"accessKeyId\":\"AKIANONE\",\"secretAccessKey\":\"" SECRET
    "\",\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kinesis:Sing\","
    "\"Resource\":\"*\"}]}},"
    "{\"name\":\"elsewhere\",\"accessKeyId\":\"AKIAELSE\",\"secretAccessKey\":\"" SECRET "\","
    "\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
    "\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}}}]}},"
    "{\"name\":\"here\",\"accessKeyId\":\"AKIAHERE\",\"secretAccessKey\":\"" SECRET "\","
    "\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
    "\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"127.0.0.0/8\"},\"StringEquals\":"
    "{\"millrace:Endpoint\":\"tcp\"}}}]}},"
    "{\"name\":\"safe\",\"accessKeyId\":\"AKIASAFE\",\"secretAccessKey\":\"" SECRET "\","
    "\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
    "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"Bool\":"
    "{\"aws:SecureTransport\":\"false\"}}}]}},"
    "{\"name\":\"guest\",\"accessKeyId\":\"ASIAGUEST\",\"secretAccessKey\":\"" SECRET "\","
    "\"sessionToken\":\"a-token\",\"policy\":{\"Statement\":[{\"Effect\":\"Allow\","
    "\"Action\":\"*\",\"Resource\":\"*\"}]}}]}";

/* What a call is signed with, and what is changed behind the signature. */
struct signing {
    const char *access_key, *secret, *token; /* NULL: the admin's; none */
    const char *region, *service;            /* NULL: ours */
    int64_t skew_ms;
    const char *sent_body; /* NULL: the one that was signed */
    bool presigned;
    uint64_t expires_s;
};

static int
signed_call(struct api *api, const char *operation, const char *body,
            const struct signing *signing)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf headers = { 0 };
    char *access_key = strdup(signing->access_key == NULL ? "AKIAADMIN" : signing->access_key);
    char *secret = strdup(signing->secret == NULL ? SECRET : signing->secret);
    char *token = signing->token == NULL ? NULL : strdup(signing->token);
    struct mr_credentials credentials = { access_key, secret, token, 0 };
    struct mr_sigv4_signer signer = {
        .credentials = &credentials,
        .region = mr_slice_str(signing->region == NULL ? "us-east-1" : signing->region),
        .service = mr_slice_str(signing->service == NULL ? "kinesis" : signing->service),
    };
    char target[128];
    snprintf(target, sizeof(target), "Kinesis_20131202.%s", operation);
    const struct mr_http_header given[] = {
        { MR_SLICE("host"), MR_SLICE("localhost") },
        { MR_SLICE("content-type"), MR_SLICE("application/x-amz-json-1.1") },
        { MR_SLICE("x-amz-target"), mr_slice_str(target) },
    };
    struct mr_sigv4_request request = { .method = MR_SLICE("POST"),
                                        .path = MR_SLICE("/"),
                                        .headers = given,
                                        .header_count = 3,
                                        .body = mr_slice_str(body) };
    struct mr_http_header added[MR_SIGV4_MAX_ADDED];
    uint64_t now_ms = (uint64_t)((int64_t)(api_clock_us / 1000) + signing->skew_ms);
    char path[4096] = "/";
    if (signing->presigned) {
        struct mr_slice query =
            mr_sigv4_presign(&signer, &request, now_ms, signing->expires_s, &arena);
        snprintf(path, sizeof(path), "/?%.*s", MR_SLICE_ARGS(query));
    } else {
        size_t count = mr_sigv4_sign(&signer, &request, now_ms, &arena, added);
        for (size_t i = 0; i < count; i++) {
            mr_buf_printf(&headers, "%.*s: %.*s\r\n", MR_SLICE_ARGS(added[i].name),
                          MR_SLICE_ARGS(added[i].value));
        }
    }
    mr_buf_printf(&headers, "content-type: application/x-amz-json-1.1\r\nx-amz-target: %s\r\n",
                  target);
    int status = api_raw(api, path, mr_buf_cstr(&headers),
                         mr_slice_str(signing->sent_body == NULL ? body : signing->sent_body));
    free(access_key);
    free(secret);
    free(token);
    return status;
}

static void
open_guarded(struct api *api)
{
    static const struct signing admin = { 0 };
    api_open(api, (struct api_options){ .auth = file });
    ck_assert_int_eq(signed_call(api, "CreateStream",
                                 "{\"StreamName\":\"orders\",\"ShardCount\":1}", &admin),
                     200);
    ck_assert_int_eq(signed_call(api, "CreateStream",
                                 "{\"StreamName\":\"orders-secret\",\"ShardCount\":1}", &admin),
                     200);
}

#define REFUSED                                                                             \
    "The request signature we calculated does not match the signature you provided. Check " \
    "your AWS Secret Access Key and signing method. Consult the service documentation for " \
    "details."

enum { MINUTE_MS = 60000 };

static const struct {
    const char *name;
    struct signing signing;
    const char *message; /* NULL: taken */
} signings[] = {
    { "a good one", { 0 }, NULL },
    { "14 minutes late", { .skew_ms = -14 * MINUTE_MS }, NULL },
    { "14 minutes early", { .skew_ms = 14 * MINUTE_MS }, NULL },
    { "16 minutes late", { .skew_ms = -16 * MINUTE_MS }, "Signature expired" },
    { "16 minutes early", { .skew_ms = 16 * MINUTE_MS }, "Signature expired" },
    { "a wrong secret", { .secret = "wrong" }, REFUSED },
    { "a key nobody has", { .access_key = "AKIANOBODY" }, REFUSED },
    { "another body", { .sent_body = "{\"Limit\":10}" }, REFUSED },
    { "another region", { .region = "eu-west-1" }, REFUSED },
    { "another service", { .service = "lambda" }, REFUSED },
    { "with its token", { .access_key = "ASIAGUEST", .token = "a-token" }, NULL },
    { "without its token", { .access_key = "ASIAGUEST" }, REFUSED },
    { "with a wrong token", { .access_key = "ASIAGUEST", .token = "b-token" }, REFUSED },
    { "with a token it has not", { .token = "a-token" }, REFUSED },
    { "presigned", { .presigned = true, .expires_s = 60 }, NULL },
    { "presigned, in time",
      { .presigned = true, .expires_s = 3600, .skew_ms = -59 * MINUTE_MS },
      NULL },
    { "presigned, out of time",
      { .presigned = true, .expires_s = 60, .skew_ms = -2 * MINUTE_MS },
      "Signature expired" },
    { "presigned with a wrong secret",
      { .presigned = true, .expires_s = 60, .secret = "wrong" },
      REFUSED },
    { "presigned for another body",
      { .presigned = true, .expires_s = 60, .sent_body = "{\"Limit\":10}" },
      REFUSED },
};

START_TEST(a_signature_is_taken_or_refused_without_saying_which_part_was_wrong)
{
    struct api api;
    open_guarded(&api);

    int status = signed_call(&api, "ListStreams", "{}", &signings[_i].signing);

    ck_assert_msg(status == (signings[_i].message == NULL ? 200 : 400), "%s: %s",
                  signings[_i].name, api_body(&api));
    if (signings[_i].message != NULL) {
        ck_assert_str_eq(api_text(&api, "__type"), "InvalidSignatureException");
        ck_assert_msg(strncmp(api_text(&api, "message"), signings[_i].message,
                              strlen(signings[_i].message)) == 0,
                      "%s: %s", signings[_i].name, api_body(&api));
    }
    api_close(&api);
}
END_TEST

static const struct {
    const char *who, *operation, *body;
    const char *code; /* NULL: allowed */
} deeds[] = {
    { "AKIAWRITER", "PutRecord",
      "{\"StreamName\":\"orders\",\"PartitionKey\":\"k\",\"Data\":\"\"}", NULL },
    { "AKIAWRITER", "PutRecords",
      "{\"StreamName\":\"orders\",\"Records\":[{\"PartitionKey\":\"k\",\"Data\":\"\"}]}",
      NULL },
    { "AKIAWRITER", "PutRecord",
      "{\"StreamARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\","
      "\"PartitionKey\":\"k\",\"Data\":\"\"}",
      NULL },
    { "AKIAWRITER", "PutRecord",
      "{\"StreamName\":\"orders-secret\",\"PartitionKey\":\"k\",\"Data\":\"\"}",
      "AccessDeniedException" },
    { "AKIAWRITER", "PutRecord",
      "{\"StreamName\":\"other\",\"PartitionKey\":\"k\",\"Data\":\"\"}",
      "AccessDeniedException" },
    { "AKIAWRITER", "GetShardIterator",
      "{\"StreamName\":\"orders\",\"ShardId\":\"0\",\"ShardIteratorType\":\"LATEST\"}",
      "AccessDeniedException" },
    { "AKIAWRITER", "DeleteStream", "{\"StreamName\":\"orders\"}", "AccessDeniedException" },
    { "AKIAWRITER", "CreateStream", "{\"StreamName\":\"orders2\",\"ShardCount\":1}",
      "AccessDeniedException" },
    { "AKIAWRITER", "ListStreams", "{}", "AccessDeniedException" },
    { "AKIAWRITER", "DescribeLimits", "{}", "AccessDeniedException" },
    { "AKIAWRITER", "ListTagsForResource",
      "{\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\"}",
      "AccessDeniedException" },
    { "AKIAWRITER", "GetResourcePolicy",
      "{\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\"}",
      "AccessDeniedException" },
    { "AKIANOSECRET", "GetResourcePolicy",
      "{\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\"}", NULL },
    { "AKIANOSECRET", "GetResourcePolicy",
      "{\"ResourceARN\":\"arn:aws-cn:kinesis:us-east-1:123456789012:stream/orders-secret\"}",
      "AccessDeniedException" },
    { "AKIANOSECRET", "RegisterStreamConsumer",
      "{\"StreamARN\":\"arn:aws-cn:kinesis:us-east-1:123456789012:stream/orders-secret\","
      "\"ConsumerName\":\"c\"}",
      "AccessDeniedException" },
    { "AKIAADMIN", "DescribeLimits", "{}", NULL },
    { "AKIAHERE", "DescribeLimits", "{}", NULL },
    { "AKIAELSE", "DescribeLimits", "{}", "AccessDeniedException" },
    { "AKIASAFE", "DescribeLimits", "{}", "AccessDeniedException" },
};

START_TEST(a_policy_decides_by_action_resource_and_condition)
{
    struct api api;
    open_guarded(&api);
    struct signing signing = { .access_key = deeds[_i].who };

    int status = signed_call(&api, deeds[_i].operation, deeds[_i].body, &signing);

    ck_assert_msg(status == (deeds[_i].code == NULL ? 200 : 400), "%s %s %s: %s", deeds[_i].who,
                  deeds[_i].operation, deeds[_i].body, api_body(&api));
    if (deeds[_i].code != NULL) {
        ck_assert_str_eq(api_text(&api, "__type"), deeds[_i].code);
    }
    api_close(&api);
}
END_TEST

/* All but GetRecords, which has a test of its own. */
static const struct {
    const char *operation, *members;
} everything[] = {
    { "AddTagsToStream", "\"StreamName\":\"orders\",\"Tags\":{\"a\":\"b\"}" },
    { "CreateStream", "\"StreamName\":\"new\",\"ShardCount\":1" },
    { "DecreaseStreamRetentionPeriod",
      "\"StreamName\":\"orders\",\"RetentionPeriodHours\":24" },
    { "DeleteResourcePolicy",
      "\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\"" },
    { "DeleteStream", "\"StreamName\":\"orders\"" },
    { "DeregisterStreamConsumer",
      "\"ConsumerARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/c:1\"" },
    { "DescribeAccountSettings", "" },
    { "DescribeLimits", "" },
    { "DescribeStream", "\"StreamName\":\"orders\"" },
    { "DescribeStreamConsumer",
      "\"ConsumerARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/c:1\"" },
    { "DescribeStreamSummary", "\"StreamName\":\"orders\"" },
    { "DisableEnhancedMonitoring",
      "\"StreamName\":\"orders\",\"ShardLevelMetrics\":[\"ALL\"]" },
    { "EnableEnhancedMonitoring", "\"StreamName\":\"orders\",\"ShardLevelMetrics\":[\"ALL\"]" },
    { "GetResourcePolicy",
      "\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\"" },
    { "GetShardIterator",
      "\"StreamName\":\"orders\",\"ShardId\":\"0\",\"ShardIteratorType\":\"LATEST\"" },
    { "IncreaseStreamRetentionPeriod",
      "\"StreamName\":\"orders\",\"RetentionPeriodHours\":24" },
    { "ListShards", "\"StreamName\":\"orders\"" },
    { "ListStreamConsumers",
      "\"StreamARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\"" },
    { "ListStreams", "" },
    { "ListTagsForResource",
      "\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders\"" },
    { "ListTagsForStream", "\"StreamName\":\"orders\"" },
    { "MergeShards",
      "\"StreamName\":\"orders\",\"ShardToMerge\":\"0\",\"AdjacentShardToMerge\":\"1\"" },
    { "PutRecord", "\"StreamName\":\"orders\",\"PartitionKey\":\"k\",\"Data\":\"\"" },
    { "PutRecords",
      "\"StreamName\":\"orders\",\"Records\":[{\"PartitionKey\":\"k\",\"Data\":\"\"}]" },
    { "PutResourcePolicy", "\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/"
                           "orders\",\"Policy\":\"{}\"" },
    { "RegisterStreamConsumer", "\"StreamARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/"
                                "orders\",\"ConsumerName\":\"c\"" },
    { "RemoveTagsFromStream", "\"StreamName\":\"orders\",\"TagKeys\":[\"a\"]" },
    { "SplitShard",
      "\"StreamName\":\"orders\",\"ShardToSplit\":\"0\",\"NewStartingHashKey\":\"9\"" },
    { "StartStreamEncryption",
      "\"StreamName\":\"orders\",\"EncryptionType\":\"KMS\",\"KeyId\":\"k\"" },
    { "StopStreamEncryption",
      "\"StreamName\":\"orders\",\"EncryptionType\":\"KMS\",\"KeyId\":\"k\"" },
    { "SubscribeToShard",
      "\"ConsumerARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/"
      "c:1\",\"ShardId\":\"0\",\"StartingPosition\":{\"Type\":\"LATEST\"}" },
    { "TagResource", "\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/"
                     "orders\",\"Tags\":{\"a\":\"b\"}" },
    { "UntagResource", "\"ResourceARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/"
                       "orders\",\"TagKeys\":[\"a\"]" },
    { "UpdateAccountSettings",
      "\"MinimumThroughputBillingCommitment\":{\"Status\":\"ENABLED\"}" },
    { "UpdateMaxRecordSize", "\"StreamARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/"
                             "orders\",\"MaxRecordSizeInKiB\":1024" },
    { "UpdateShardCount",
      "\"StreamName\":\"orders\",\"TargetShardCount\":2,\"ScalingType\":\"UNIFORM_SCALING\"" },
    { "UpdateStreamMode", "\"StreamARN\":\"arn:aws:kinesis:us-east-1:123456789012:stream/"
                          "orders\",\"StreamModeDetails\":{\"StreamMode\":\"ON_DEMAND\"}" },
    { "UpdateStreamWarmThroughput", "\"StreamName\":\"orders\",\"WarmThroughputMiBps\":1" },
};

START_TEST(no_operation_is_done_for_who_has_no_right_to_it)
{
    struct signing nobody = { .access_key = "AKIANONE" };
    struct api api;
    mr_auto_buf struct mr_buf body = { 0 };
    open_guarded(&api);
    mr_buf_printf(&body, "{%s}", everything[_i].members);

    int status = signed_call(&api, everything[_i].operation, mr_buf_cstr(&body), &nobody);

    ck_assert_msg(status == 400, "%s: %s", everything[_i].operation, api_body(&api));
    ck_assert_msg(strcmp(api_text(&api, "__type"), "AccessDeniedException") == 0, "%s: %s",
                  everything[_i].operation, api_body(&api));
    api_close(&api);
}
END_TEST

START_TEST(an_iterator_does_not_carry_rights_to_who_has_none)
{
    static const struct signing admin = { 0 };
    struct signing writer = { .access_key = "AKIAWRITER" };
    struct api api;
    char body[1024];
    open_guarded(&api);
    ck_assert_int_eq(signed_call(&api, "GetShardIterator",
                                 "{\"StreamName\":\"orders-secret\",\"ShardId\":\"0\","
                                 "\"ShardIteratorType\":\"TRIM_HORIZON\"}",
                                 &admin),
                     200);
    snprintf(body, sizeof(body), "{\"ShardIterator\":\"%s\"}", api_text(&api, "ShardIterator"));

    ck_assert_int_eq(signed_call(&api, "GetRecords", body, &writer), 400);
    ck_assert_str_eq(api_text(&api, "__type"), "AccessDeniedException");
    ck_assert_int_eq(signed_call(&api, "GetRecords", body, &admin), 200);

    api_close(&api);
}
END_TEST

START_TEST(who_does_not_sign_is_refused)
{
    struct api api;
    open_guarded(&api);

    api_refused(&api, "MissingAuthenticationTokenException", "Missing Authentication Token",
                "ListStreams", "{}");

    api_close(&api);
}
END_TEST

START_TEST(faults_are_no_business_of_the_network_when_signatures_are_verified)
{
    struct api api;
    open_guarded(&api);

    ck_assert_int_eq(api_raw(&api, "/_millrace/faults", "", MR_SLICE("{\"rules\":[]}")), 403);

    api_close(&api);
}
END_TEST

/* Files that cannot be used: what is said of them. */
static const struct {
    const char *text, *complaint;
} bad_files[] = {
    { "{", "line 1" },
    { "{}", "expected {\"principals\"" },
    { "{\"principals\":[{\"name\":\"a\"}]}", "every principal needs" },
    { "{\"principals\":[{\"name\":\"a\",\"accessKeyId\":\"b\",\"secretAccessKey\":\"c\","
      "\"policy\":{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
      "\"Condition\":{\"DateLessThan\":{\"aws:CurrentTime\":\"2030-01-01\"}}}]}}]}",
      "policy of a" },
    { "{\"principals\":[{\"name\":\"a\",\"accessKeyId\":\"b\",\"secretAccessKey\":\"c\","
      "\"policy\":{\"Statement\":[{\"Effect\":\"Maybe\",\"Action\":\"*\",\"Resource\":\"*\"}]}}"
      "]}",
      "policy of a" },
};

START_TEST(a_rule_that_is_not_kept_is_refused_when_it_is_read)
{
    char *directory = make_directory(), path[128];
    struct mr_error err = { 0 };
    snprintf(path, sizeof(path), "%s/auth.json", directory);
    FILE *out = fopen(path, "w");
    fputs(bad_files[_i].text, out);
    fclose(out);

    struct mr_auth *auth = mr_auth_open(path, &err);

    ck_assert_ptr_null(auth);
    ck_assert_msg(strstr(err.text, bad_files[_i].complaint) != NULL, "%s", err.text);
    remove_directory(directory);
}
END_TEST

MR_SUITE("stream.api_auth",
         MR_TEST_LOOP(a_signature_is_taken_or_refused_without_saying_which_part_was_wrong,
                      sizeof(signings) / sizeof(signings[0])),
         MR_TEST_LOOP(a_policy_decides_by_action_resource_and_condition,
                      sizeof(deeds) / sizeof(deeds[0])),
         MR_TEST_LOOP(no_operation_is_done_for_who_has_no_right_to_it,
                      sizeof(everything) / sizeof(everything[0])),
         MR_TEST(an_iterator_does_not_carry_rights_to_who_has_none),
         MR_TEST(who_does_not_sign_is_refused),
         MR_TEST(faults_are_no_business_of_the_network_when_signatures_are_verified),
         MR_TEST_LOOP(a_rule_that_is_not_kept_is_refused_when_it_is_read,
                      sizeof(bad_files) / sizeof(bad_files[0])))
