#include "aws/sigv4.h"
#include "tests/suite.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
static const uint64_t then_ms = 1440938160000; /* 2015-08-30T12:36:00Z */

static const struct mr_http_header get_headers[] = {
    { MR_SLICE_INIT("Host"), MR_SLICE_INIT("example.amazonaws.com") },
};
static const struct mr_http_header post_headers[] = {
    { MR_SLICE_INIT("Host"), MR_SLICE_INIT("example.amazonaws.com") },
    { MR_SLICE_INIT("X-Amz-Target"), MR_SLICE_INIT("Kinesis_20131202.PutRecord") },
    { MR_SLICE_INIT("Content-Type"), MR_SLICE_INIT("application/x-amz-json-1.1") },
};

static struct mr_sigv4_request
get_request(void)
{
    return (struct mr_sigv4_request){ .method = MR_SLICE("GET"),
                                      .path = MR_SLICE("/"),
                                      .headers = get_headers,
                                      .header_count = 1 };
}

static struct mr_sigv4_request
post_request(void)
{
    return (struct mr_sigv4_request){
        .method = MR_SLICE("POST"),
        .path = MR_SLICE("/2015-03-31/functions/a%3Ab/invocations"),
        .query = MR_SLICE("Qualifier=x%20y&A=1"),
        .headers = post_headers,
        .header_count = 3,
        .body = MR_SLICE("{\"a\":1}"),
    };
}

static char access_key[] = "AKIDEXAMPLE", secret_key[] = SECRET,
            session_token[] = "SESSIONTOKEN";
static struct mr_credentials plain = { access_key, secret_key, NULL, 0 };
static struct mr_credentials temporary = { access_key, secret_key, session_token, 0 };

/* Made by botocore from the same requests. */
static const struct {
    bool post;
    struct mr_credentials *credentials;
    const char *signature;
} known[] = {
    { false, &plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { true, &plain, "dd499c97d26e276f4daaca4c3814b0823a95a9b43c18d352297c5bd8ffcc8fb3" },
    { false, &temporary, "831f504ffe1f73db58488947b64663e56c2079d26b901b8d9d918a81c769e922" },
    { true, &temporary, "a728abd2b8d566f73a2db77ecbbdb4f0c88e2202972beb547f67729ca02bb91c" },
};

START_TEST(we_sign_what_other_clients_sign)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sigv4_signer signer = { .credentials = known[_i].credentials,
                                      .region = MR_SLICE("us-east-1"),
                                      .service = MR_SLICE("service") };
    struct mr_sigv4_request request = known[_i].post ? post_request() : get_request();
    struct mr_http_header added[MR_SIGV4_MAX_ADDED];

    size_t count = mr_sigv4_sign(&signer, &request, then_ms, &arena, added);

    ck_assert(mr_slice_ends_with(added[count - 1].value, mr_slice_str(known[_i].signature)));
}
END_TEST

static struct mr_sigv4_request
signed_request(struct mr_sigv4_request request, struct mr_arena *arena)
{
    struct mr_sigv4_signer signer = { .credentials = &plain,
                                      .region = MR_SLICE("us-east-1"),
                                      .service = MR_SLICE("kinesis") };
    struct mr_http_header added[MR_SIGV4_MAX_ADDED];
    size_t count = mr_sigv4_sign(&signer, &request, then_ms, arena, added);
    struct mr_http_header *all =
        mr_arena_alloc(arena, (request.header_count + count) * sizeof(*all));
    memcpy(all, request.headers, request.header_count * sizeof(*all));
    memcpy(all + request.header_count, added, count * sizeof(*all));
    request.headers = all;
    request.header_count += count;
    return request;
}

static enum mr_sigv4_verdict
verdict(const struct mr_sigv4_request *request, const char *secret, uint64_t now_ms,
        struct mr_arena *arena)
{
    struct mr_sigv4_auth auth;
    struct mr_sigv4_key key = { 0 };
    mr_sigv4_read(request, arena, &auth);
    return mr_sigv4_check(&auth, request, mr_slice_str(secret), MR_SLICE("us-east-1"),
                          MR_SLICE("kinesis"), now_ms, &key, arena);
}

START_TEST(what_we_sign_we_verify)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sigv4_request request = signed_request(post_request(), &arena);

    ck_assert_int_eq(verdict(&request, SECRET, then_ms + 1000, &arena), MR_SIGV4_GOOD);
}
END_TEST

START_TEST(a_changed_request_is_wrong)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sigv4_request request = signed_request(post_request(), &arena);

    struct mr_sigv4_request body = request, path = request, query = request, method = request;
    body.body = MR_SLICE("{\"a\":2}");
    path.path = MR_SLICE("/other");
    query.query = MR_SLICE("A=2");
    method.method = MR_SLICE("PUT");

    ck_assert_int_eq(verdict(&body, SECRET, then_ms, &arena), MR_SIGV4_WRONG);
    ck_assert_int_eq(verdict(&path, SECRET, then_ms, &arena), MR_SIGV4_WRONG);
    ck_assert_int_eq(verdict(&query, SECRET, then_ms, &arena), MR_SIGV4_WRONG);
    ck_assert_int_eq(verdict(&method, SECRET, then_ms, &arena), MR_SIGV4_WRONG);
    ck_assert_int_eq(verdict(&request, "another secret", then_ms, &arena), MR_SIGV4_WRONG);
}
END_TEST

START_TEST(a_clock_fifteen_minutes_off_is_too_far)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sigv4_request request = signed_request(post_request(), &arena);
    uint64_t skew = MR_SIGV4_MAX_SKEW_MS;

    ck_assert_int_eq(verdict(&request, SECRET, then_ms + skew, &arena), MR_SIGV4_GOOD);
    ck_assert_int_eq(verdict(&request, SECRET, then_ms - skew, &arena), MR_SIGV4_GOOD);
    ck_assert_int_eq(verdict(&request, SECRET, then_ms + skew + 1, &arena), MR_SIGV4_EXPIRED);
    ck_assert_int_eq(verdict(&request, SECRET, then_ms - skew - 1, &arena), MR_SIGV4_EXPIRED);
}
END_TEST

START_TEST(a_presigned_query_is_as_others_make_it)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sigv4_signer signer = { .credentials = &temporary,
                                      .region = MR_SLICE("us-east-1"),
                                      .service = MR_SLICE("service") };
    struct mr_sigv4_request request = get_request();
    request.path = MR_SLICE("/x");
    request.query = MR_SLICE("b=2");

    struct mr_slice query = mr_sigv4_presign(&signer, &request, then_ms, 60, &arena);

    ck_assert(mr_slice_ends_with(
        query, MR_SLICE("003b4b5a621b8c46b783581d7ca56d8618c39e40d69bafe11ed07c1bda268090")));
}
END_TEST

START_TEST(a_presigned_query_lives_for_its_seconds)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sigv4_signer signer = { .credentials = &plain,
                                      .region = MR_SLICE("us-east-1"),
                                      .service = MR_SLICE("kinesis") };
    struct mr_sigv4_request request = get_request();
    request.query = mr_sigv4_presign(&signer, &request, then_ms, 60, &arena);

    ck_assert_int_eq(verdict(&request, SECRET, then_ms + 60000, &arena), MR_SIGV4_GOOD);
    ck_assert_int_eq(verdict(&request, SECRET, then_ms + 60001, &arena), MR_SIGV4_EXPIRED);
}
END_TEST

START_TEST(missing_fields_are_named_in_awss_words)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_sigv4_request request = get_request();
    struct mr_http_header header = { MR_SLICE("Authorization"), MR_SLICE("AWS4- Signature=b") };
    struct mr_sigv4_auth auth;
    request.headers = &header;

    mr_sigv4_read(&request, &arena, &auth);
    ck_assert_int_eq(auth.shape, MR_SIGV4_INCOMPLETE);
    ck_assert(mr_slice_is(
        auth.complaint,
        "Authorization header requires 'Credential' parameter. Authorization header requires "
        "'SignedHeaders' parameter. Authorization header requires existence of either a "
        "'X-Amz-Date' or a 'Date' header. Authorization=AWS4- Signature=b"));

    request.query = MR_SLICE("X-Amz-Algorithm=");
    mr_sigv4_read(&request, &arena, &auth);
    ck_assert_int_eq(auth.shape, MR_SIGV4_BOTH);

    request.header_count = 0;
    mr_sigv4_read(&request, &arena, &auth);
    ck_assert_int_eq(auth.shape, MR_SIGV4_INCOMPLETE);
    ck_assert(mr_slice_ends_with(auth.complaint,
                                 MR_SLICE("Re-examine the query-string parameters.")));

    request.query = (struct mr_slice){ NULL, 0 };
    mr_sigv4_read(&request, &arena, &auth);
    ck_assert_int_eq(auth.shape, MR_SIGV4_ABSENT);
}
END_TEST

MR_SUITE("aws.sigv4",
         MR_TEST_LOOP(we_sign_what_other_clients_sign, sizeof(known) / sizeof(known[0])),
         MR_TEST(what_we_sign_we_verify), MR_TEST(a_changed_request_is_wrong),
         MR_TEST(a_clock_fifteen_minutes_off_is_too_far),
         MR_TEST(a_presigned_query_is_as_others_make_it),
         MR_TEST(a_presigned_query_lives_for_its_seconds),
         MR_TEST(missing_fields_are_named_in_awss_words))
