#include "aws/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/api_error.h"
#include "aws/arn.h"
#include "aws/canonical.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"

enum {
    MAX_REQUEST_HEADERS = 24,       /* the caller's and ours, with the signature's */
    MAX_ERROR_BODY = 64 * 1024,     /* of a refused call whose answer is streamed */
    MAX_SKEW_MS = 24 * 3600 * 1000, /* a clock further off is not ours to bridge */
};

struct mr_aws_client {
    struct mr_loop *loop; /* the caller's, as the next two */
    struct mr_http_client *http;
    struct mr_credential_chain *credentials;
    char *service, *region, *endpoint, *unix_socket, *ca_file;
    struct mr_slice host; /* in endpoint */
    struct mr_sigv4_signer signer;
    int64_t skew_ms; /* the service's clock less ours */
    struct mr_list calls;
};

struct mr_aws_call {
    struct mr_list node;
    struct mr_aws_client *client;
    struct mr_http_call *http; /* NULL while we wait for credentials */
    struct mr_credential_wait wait;
    struct mr_aws_request request; /* while we wait: its slices in the arena */
    struct mr_arena arena;
    char operation[64]; /* for sentences */
    struct mr_buf error_body;
    mr_aws_done_fn *done;
    void *context;
};

/* ---- the client ---- */

/* Cuts slashes off its end; the host is what stands behind "://". */
static bool
set_endpoint(struct mr_aws_client *client, const char *endpoint)
{
    size_t scheme = strncmp(endpoint, "http://", 7) == 0    ? 7
                    : strncmp(endpoint, "https://", 8) == 0 ? 8
                                                            : 0;
    client->endpoint = mr_strdup(endpoint);
    size_t size = strlen(endpoint);
    while (size > scheme && client->endpoint[size - 1] == '/') {
        client->endpoint[--size] = '\0';
    }
    client->host = mr_slice_str(client->endpoint + scheme);
    return scheme > 0 && client->host.size > 0 &&
           strpbrk(client->endpoint + scheme, "/?#@ ") == NULL;
}

static char *
aws_endpoint(const struct mr_aws_client_options *options)
{
    bool china = strncmp(options->region, "cn-", 3) == 0;
    return mr_format("https://%s.%s.amazonaws.com%s",
                     options->host_prefix == NULL ? options->service : options->host_prefix,
                     options->region, china ? ".cn" : "");
}

struct mr_aws_client *
mr_aws_client_new(const struct mr_aws_client_options *options, struct mr_error *err)
{
    struct mr_aws_client *client = mr_alloc_zero(1, sizeof(*client));
    mr_auto_free char *own = options->endpoint == NULL ? aws_endpoint(options) : NULL;

    client->loop = options->loop;
    client->http = options->http;
    client->credentials = options->credentials;
    client->service = mr_strdup(options->service);
    client->region = mr_strdup(options->region);
    client->unix_socket = mr_strdup(options->unix_socket);
    client->ca_file = mr_strdup(options->ca_file);
    client->signer.region = mr_slice_str(client->region);
    client->signer.service = mr_slice_str(client->service);
    mr_list_init(&client->calls);
    if (!set_endpoint(client, own == NULL ? options->endpoint : own)) {
        mr_fail(err, -EINVAL, "endpoint of %s: \"%s\" is not http://HOST[:PORT] or https://...",
                options->service, options->endpoint);
        mr_aws_client_free(client);
        return NULL;
    }
    return client;
}

static void
free_call(struct mr_aws_call *call)
{
    mr_list_remove(&call->node);
    mr_arena_deinit(&call->arena);
    mr_buf_deinit(&call->error_body);
    free(call);
}

void
mr_aws_client_free(struct mr_aws_client *client)
{
    if (client == NULL) {
        return;
    }
    while (!mr_list_empty(&client->calls)) {
        mr_aws_call_cancel(MR_CONTAINER_OF(client->calls.next, struct mr_aws_call, node));
    }
    free(client->service);
    free(client->region);
    free(client->endpoint);
    free(client->unix_socket);
    free(client->ca_file);
    explicit_bzero(&client->signer.key, sizeof(client->signer.key));
    free(client);
}

const char *
mr_aws_client_endpoint(const struct mr_aws_client *client)
{
    return client->endpoint;
}

void
mr_aws_encode(struct mr_buf *buf, struct mr_slice text)
{
    mr_canonical_encode(buf, text, false);
}

/* ---- what an answer means ---- */

static bool
is_one_of(struct mr_slice code, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (mr_slice_is(code, *names)) {
            return true;
        }
    }
    return false;
}

static enum mr_aws_fault
fault_of(int status, struct mr_slice code)
{
    static const char *const expired[] = { "ExpiredToken", "ExpiredTokenException",
                                           "TokenRefreshRequired", NULL };
    static const char *const throttled[] = { "SlowDown",
                                             "RequestLimitExceeded",
                                             "RequestThrottled",
                                             "RequestThrottledException",
                                             "ThrottledException",
                                             "Throttled",
                                             NULL };
    static const char *const missing[] = { "ResourceNotFoundException",
                                           "QueueDoesNotExist",
                                           "AWS.SimpleQueueService.NonExistentQueue",
                                           "NoSuchBucket",
                                           "NoSuchKey",
                                           "NotFound",
                                           NULL };
    static const char *const denied[] = { "AccessDenied",
                                          "AccessDeniedException",
                                          "UnrecognizedClientException",
                                          "InvalidClientTokenId",
                                          "InvalidAccessKeyId",
                                          "SignatureDoesNotMatch",
                                          "InvalidSignatureException",
                                          "AuthorizationError",
                                          "MissingAuthenticationToken",
                                          "MissingAuthenticationTokenException",
                                          NULL };
    const struct mr_api_error *known = mr_api_error_find(code);

    if (is_one_of(code, expired)) {
        return MR_AWS_EXPIRED;
    }
    if (is_one_of(code, throttled) || status == 429 ||
        (known != NULL && known->throttle && !known->server_fault)) {
        return MR_AWS_THROTTLED;
    }
    if (is_one_of(code, missing) || status == 404) {
        return MR_AWS_NOT_FOUND;
    }
    if (is_one_of(code, denied) || status == 401 || status == 403) {
        return MR_AWS_DENIED;
    }
    return mr_api_error_retryable(status, code) ? MR_AWS_TROUBLE : MR_AWS_REFUSED;
}

static void
read_error(const struct mr_http_result *http, struct mr_slice body, struct mr_arena *arena,
           struct mr_aws_result *result)
{
    struct mr_slice type =
        mr_http_header_get(http->headers, http->header_count, "x-amzn-errortype");
    struct mr_slice text = mr_slice_trim(body);

    if (text.size > 0 && text.data[0] == '<') {
        result->code = mr_xml_text(text, "Code", arena);
        result->message = mr_xml_text(text, "Message", arena);
    } else {
        mr_api_error_read(type, body, arena, &result->code, &result->message);
    }
}

/* Unix milliseconds of "Wed, 25 Nov 2026 18:30:43 GMT"; false when it is none. */
static bool
parse_http_date(struct mr_slice text, uint64_t *out_ms)
{
    char copy[64] = { 0 };
    struct tm utc = { 0 };
    if (text.size == 0 || text.size >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    const char *end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (end == NULL || *end != '\0') {
        return false;
    }
    *out_ms = (uint64_t)timegm(&utc) * 1000;
    return true;
}

/* Did it refuse our time? Then sign with its own from now on. */
static bool
corrects_clock(struct mr_aws_client *client, const struct mr_aws_result *result)
{
    uint64_t theirs;
    bool time =
        mr_slice_is(result->code, "RequestTimeTooSkewed") ||
        mr_slice_is(result->code, "RequestExpired") ||
        (mr_slice_is(result->code, "InvalidSignatureException") &&
         (mr_slice_starts_with(result->message, MR_SLICE("Signature expired")) ||
          mr_slice_starts_with(result->message, MR_SLICE("Signature not yet current"))));
    struct mr_slice date = mr_http_header_get(result->headers, result->header_count, "date");
    if (!time || !parse_http_date(date, &theirs)) {
        return false;
    }
    int64_t skew_ms = (int64_t)theirs - (int64_t)mr_clock_wall_ms(mr_loop_clock(client->loop));
    bool changed = llabs(skew_ms - client->skew_ms) > 60000 && llabs(skew_ms) < MAX_SKEW_MS;
    client->skew_ms = changed ? skew_ms : client->skew_ms;
    return changed;
}

static void
fill_refusal(struct mr_aws_call *call, const struct mr_http_result *http,
             struct mr_aws_result *result, struct mr_error *err)
{
    struct mr_slice body = call->request.chunk != NULL ? mr_buf_slice(&call->error_body)
                                                       : mr_buf_slice(http->body);
    read_error(http, body, &call->arena, result);
    result->fault = fault_of(http->status, result->code);
    if (corrects_clock(call->client, result)) {
        result->fault = MR_AWS_TROUBLE;
    }
    if (result->fault == MR_AWS_EXPIRED) {
        mr_credential_chain_expire(call->client->credentials);
    }
    mr_fail(err, -EREMOTEIO, "%s: %.*s%s%.*s (status %d)", call->operation,
            MR_SLICE_ARGS(result->code), result->code.size > 0 ? ": " : "",
            MR_SLICE_ARGS(result->message), http->status);
}

static void
on_answer(const struct mr_http_result *http, void *context)
{
    struct mr_aws_call *call = context;
    struct mr_error err = { 0 };
    struct mr_aws_result result = {
        .status = http->status,
        .headers = http->headers,
        .header_count = http->header_count,
        .body = http->body,
    };

    if (http->error != NULL) {
        result.fault = http->error->retryable ? MR_AWS_TROUBLE : MR_AWS_REFUSED;
        err = *http->error;
        mr_wrap(&err, "%s", call->operation);
    } else if (http->status < 200 || http->status >= 300) {
        fill_refusal(call, http, &result, &err);
    }
    err.retryable = result.fault == MR_AWS_TROUBLE || result.fault == MR_AWS_THROTTLED ||
                    result.fault == MR_AWS_EXPIRED;
    result.error = result.fault == MR_AWS_OK ? NULL : &err;
    mr_list_remove(&call->node); /* `done` may free the client */
    call->done(&result, call->context);
    free_call(call);
}

/* ---- sending ---- */

static void
on_chunk(int status, struct mr_slice chunk, void *context)
{
    struct mr_aws_call *call = context;
    if (status >= 200 && status < 300) {
        call->request.chunk(chunk, call->context);
    } else if (call->error_body.size + chunk.size <= MAX_ERROR_BODY) {
        mr_buf_append_slice(&call->error_body, chunk);
    }
}

static size_t
gather_headers(struct mr_aws_call *call, struct mr_http_header headers[MAX_REQUEST_HEADERS])
{
    const struct mr_aws_request *request = &call->request;
    struct mr_slice type = request->content_type;
    size_t count = 0;

    headers[count++] = (struct mr_http_header){ MR_SLICE("Host"), call->client->host };
    if (type.data == NULL && request->target.size > 0) {
        type = MR_SLICE("application/x-amz-json-1.1");
    }
    if (type.size > 0) {
        headers[count++] = (struct mr_http_header){ MR_SLICE("Content-Type"), type };
    }
    if (request->target.size > 0) {
        headers[count++] = (struct mr_http_header){ MR_SLICE("X-Amz-Target"), request->target };
    }
    mr_assert(count + request->header_count + MR_SIGV4_MAX_ADDED <= MAX_REQUEST_HEADERS);
    for (size_t i = 0; i < request->header_count; i++) {
        headers[count++] = request->headers[i];
    }
    return count;
}

static size_t
sign(struct mr_aws_call *call, const struct mr_credentials *credentials,
     struct mr_http_header headers[MAX_REQUEST_HEADERS], size_t count)
{
    struct mr_aws_client *client = call->client;
    struct mr_sigv4_request request = {
        .method = mr_slice_str(call->request.method),
        .path = call->request.path,
        .query = call->request.query,
        .headers = headers,
        .header_count = count,
        .body = call->request.body,
        .plain_path = strcmp(client->service, "s3") == 0,
    };
    int64_t now_ms = (int64_t)mr_clock_wall_ms(mr_loop_clock(client->loop)) + client->skew_ms;
    client->signer.credentials = credentials;
    return count + mr_sigv4_sign(&client->signer, &request, (uint64_t)now_ms, &call->arena,
                                 headers + count);
}

static void
send_signed(struct mr_aws_call *call, const struct mr_credentials *credentials)
{
    struct mr_aws_client *client = call->client;
    const struct mr_aws_request *request = &call->request;
    struct mr_http_header headers[MAX_REQUEST_HEADERS];
    size_t count = sign(call, credentials, headers, gather_headers(call, headers));
    struct mr_http_call_options options = {
        .method = request->method,
        .url = mr_arena_printf(&call->arena, "%s%.*s%s%.*s", client->endpoint,
                               MR_SLICE_ARGS(request->path), request->query.size > 0 ? "?" : "",
                               MR_SLICE_ARGS(request->query)),
        .unix_socket = client->unix_socket,
        .headers = headers,
        .header_count = count,
        .body = request->body,
        .total_ms = request->total_ms,
        .max_response = request->max_response,
        .http2 = request->http2,
        .ca_file = client->ca_file,
        .chunk = request->chunk != NULL ? on_chunk : NULL,
    };
    call->http = mr_http_client_send(client->http, &options, on_answer, call);
}

static void
on_credentials(const struct mr_error *err, void *context)
{
    struct mr_aws_call *call = context;
    const struct mr_credentials *credentials =
        err == NULL ? mr_credential_chain_get(call->client->credentials) : NULL;
    struct mr_error sentence = { .code = -ENOENT, .text = "the credentials went away" };
    struct mr_buf body = { 0 };

    if (credentials != NULL) {
        send_signed(call, credentials);
        return;
    }
    sentence = err != NULL ? *err : sentence;
    mr_wrap(&sentence, "%s", call->operation);
    struct mr_aws_result result = {
        .fault = sentence.retryable ? MR_AWS_TROUBLE : MR_AWS_DENIED,
        .error = &sentence,
        .body = &body,
    };
    mr_list_remove(&call->node);
    call->done(&result, call->context);
    mr_buf_deinit(&body);
    free_call(call);
}

/* The request's own memory ends with the caller's call: keep what is needed. */
static void
keep_request(struct mr_aws_call *call)
{
    struct mr_aws_request *request = &call->request;
    struct mr_arena *arena = &call->arena;
    struct mr_http_header *headers =
        mr_arena_alloc(arena, (request->header_count + 1) * sizeof(*headers));

    request->method = mr_arena_cstr(arena, mr_slice_str(request->method));
    request->path = mr_arena_copy(arena, request->path);
    request->query = mr_arena_copy(arena, request->query);
    request->target = mr_arena_copy(arena, request->target);
    request->body = mr_arena_copy(arena, request->body);
    if (request->content_type.data != NULL) {
        request->content_type = mr_arena_copy(arena, request->content_type);
    }
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i].name = mr_arena_copy(arena, request->headers[i].name);
        headers[i].value = mr_arena_copy(arena, request->headers[i].value);
    }
    request->headers = headers;
}

/* "kinesis GetRecords", "s3 PUT /bucket/key" */
static void
name_operation(struct mr_aws_call *call)
{
    struct mr_slice target = call->request.target;
    struct mr_slice path = mr_slice_first(call->request.path, 40);
    (void)mr_slice_cut(&target, '.');
    if (target.size > 0) {
        snprintf(call->operation, sizeof(call->operation), "%s %.*s", call->client->service,
                 MR_SLICE_ARGS(target));
    } else {
        snprintf(call->operation, sizeof(call->operation), "%s %s %.*s", call->client->service,
                 call->request.method, MR_SLICE_ARGS(path));
    }
}

struct mr_aws_call *
mr_aws_client_send(struct mr_aws_client *client, const struct mr_aws_request *request,
                   mr_aws_done_fn *done, void *context)
{
    struct mr_aws_call *call = mr_alloc_zero(1, sizeof(*call));
    const struct mr_credentials *credentials = mr_credential_chain_get(client->credentials);

    call->client = client;
    call->request = *request;
    call->done = done;
    call->context = context;
    call->request.method = request->method == NULL ? "POST" : request->method;
    if (call->request.path.size == 0) {
        call->request.path = MR_SLICE("/");
    }
    name_operation(call);
    mr_list_push_back(&client->calls, &call->node);
    if (credentials != NULL) {
        send_signed(call, credentials);
    } else {
        keep_request(call);
        mr_credential_chain_await(client->credentials, &call->wait, on_credentials, call);
    }
    return call;
}

void
mr_aws_call_cancel(struct mr_aws_call *call)
{
    if (call->http != NULL) {
        mr_http_call_cancel(call->http);
    } else {
        mr_credential_wait_cancel(&call->wait);
    }
    free_call(call);
}
