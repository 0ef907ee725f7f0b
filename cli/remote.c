#include "cli/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/api_error.h"
#include "base/alloc.h"
#include "base/clock.h"

enum {
    LONGEST_WAIT_MS = 100,            /* between two looks at `given_up` */
    CALL_MS = 15 * 60 * 1000 + 10000, /* an invoked function may take its fifteen minutes */
};

struct waiting {
    struct mr_remote *remote;
    bool done;
    struct mr_error error;
    char type[128]; /* x-amzn-ErrorType */
};

static char *
host_of(const char *endpoint)
{
    const char *host = strstr(endpoint, "://");
    host = host == NULL ? endpoint : host + 3;
    return mr_slice_dup(mr_slice_of(host, strcspn(host, "/")));
}

void
mr_remote_init(struct mr_remote *remote, struct mr_loop *loop, const struct mr_place *place)
{
    *remote = (struct mr_remote){ 0 };
    remote->owns_loop = loop == NULL;
    remote->loop = loop == NULL ? mr_loop_new(NULL) : loop;
    remote->http = mr_http_client_new(remote->loop);
    remote->endpoint = mr_strdup(place->endpoint.value);
    size_t size = strlen(remote->endpoint);
    while (size > 0 && remote->endpoint[size - 1] == '/') {
        remote->endpoint[--size] = '\0';
    }
    remote->host = host_of(remote->endpoint);
    remote->region = mr_strdup(place->region.value);
    mr_credentials_init(&remote->credentials, place->access_key.value, place->secret_key.value,
                        place->session_token.value);
    remote->kinesis = (struct mr_sigv4_signer){ .credentials = &remote->credentials,
                                                .region = mr_slice_str(remote->region),
                                                .service = MR_SLICE("kinesis") };
    remote->lambda = remote->kinesis;
    remote->lambda.service = MR_SLICE("lambda");
}

void
mr_remote_deinit(struct mr_remote *remote)
{
    if (remote->loop == NULL) {
        return;
    }
    mr_http_client_free(remote->http);
    if (remote->owns_loop) {
        mr_loop_free(remote->loop);
    }
    mr_credentials_deinit(&remote->credentials);
    mr_arena_deinit(&remote->arena);
    mr_buf_deinit(&remote->body);
    free(remote->log_result);
    free(remote->endpoint);
    free(remote->host);
    free(remote->region);
    *remote = (struct mr_remote){ 0 };
}

static void
on_answer(const struct mr_http_result *result, void *context)
{
    struct waiting *waiting = context;
    struct mr_remote *remote = waiting->remote;
    waiting->done = true;
    remote->status = result->status;
    mr_buf_deinit(&remote->body);
    remote->body = mr_buf_take(result->body);
    if (result->error != NULL) {
        waiting->error = *result->error;
    }
    struct mr_slice type =
        mr_http_header_get(result->headers, result->header_count, "x-amzn-ErrorType");
    snprintf(waiting->type, sizeof(waiting->type), "%.*s", MR_SLICE_ARGS(type));
    struct mr_slice error =
        mr_http_header_get(result->headers, result->header_count, "X-Amz-Function-Error");
    snprintf(remote->function_error, sizeof(remote->function_error), "%.*s",
             MR_SLICE_ARGS(error));
    struct mr_slice log =
        mr_http_header_get(result->headers, result->header_count, "X-Amz-Log-Result");
    remote->log_result = log.size > 0 ? mr_slice_dup(log) : NULL;
}

/* What an answer that is no success means. */
static int
refused(struct mr_remote *remote, const char *type, struct mr_error *err)
{
    struct mr_slice name = { 0 }, message = { 0 };
    mr_api_error_read(type[0] == '\0' ? (struct mr_slice){ 0 } : mr_slice_str(type),
                      mr_buf_slice(&remote->body), &remote->arena, &name, &message);
    snprintf(remote->error_name, sizeof(remote->error_name), "%.*s", MR_SLICE_ARGS(name));
    if (name.size == 0 && message.size > 0) {
        return mr_fail(err, -EREMOTEIO, "%.*s", MR_SLICE_ARGS(message));
    }
    if (name.size == 0) {
        return mr_fail(err, -EREMOTEIO, "%s answered with status %d", remote->endpoint,
                       remote->status);
    }
    return mr_fail(err, -EREMOTEIO, "%.*s%s%.*s", MR_SLICE_ARGS(name),
                   message.size > 0 ? ": " : "", MR_SLICE_ARGS(message));
}

static int
send_and_wait(struct mr_remote *remote, const struct mr_http_call_options *call,
              struct mr_error *err)
{
    struct waiting waiting = { .remote = remote };
    struct mr_http_call *under_way =
        mr_http_client_send(remote->http, call, on_answer, &waiting);
    while (!waiting.done) {
        if (remote->given_up != NULL && *remote->given_up) {
            mr_http_call_cancel(under_way);
            return mr_fail(err, -EINTR, "interrupted");
        }
        mr_loop_run_once(remote->loop, LONGEST_WAIT_MS);
    }
    if (waiting.error.code == -ECONNREFUSED) {
        return mr_fail(err, -ECONNREFUSED,
                       "nothing listens at %s; start it with `millrace up`, or say where it is "
                       "with --endpoint-url",
                       remote->endpoint);
    }
    if (waiting.error.code != 0) {
        if (err != NULL) {
            *err = waiting.error;
        }
        return waiting.error.code;
    }
    return remote->status >= 200 && remote->status < 300 ? 0
                                                         : refused(remote, waiting.type, err);
}

enum { MAX_HEADERS = 4 + MR_SIGV4_MAX_ADDED };

static int
ask(struct mr_remote *remote, struct mr_sigv4_signer *signer, const char *method,
    const char *path, struct mr_http_header *headers, size_t header_count, struct mr_slice body,
    struct mr_error *err)
{
    const char *query = strchr(path, '?');
    struct mr_sigv4_request request = {
        .method = mr_slice_str(method),
        .path = mr_slice_of(path, query == NULL ? strlen(path) : (size_t)(query - path)),
        .query = query == NULL ? (struct mr_slice){ 0 } : mr_slice_str(query + 1),
        .headers = headers,
        .header_count = header_count,
        .body = body,
    };
    uint64_t now_ms = mr_clock_wall_ms(mr_clock_system());
    size_t added =
        mr_sigv4_sign(signer, &request, now_ms, &remote->arena, headers + header_count);
    return send_and_wait(
        remote,
        &(struct mr_http_call_options){
            .method = method,
            .url = mr_arena_printf(&remote->arena, "%s%s", remote->endpoint, path),
            .headers = headers,
            .header_count = header_count + added,
            .body = body,
            .total_ms = CALL_MS,
        },
        err);
}

static void
begin(struct mr_remote *remote)
{
    mr_arena_reset(&remote->arena);
    remote->error_name[0] = '\0';
    remote->status = 0;
    free(remote->log_result);
    remote->log_result = NULL;
}

int
mr_remote_kinesis(struct mr_remote *remote, const char *operation, struct mr_slice body,
                  struct mr_error *err)
{
    begin(remote);
    struct mr_http_header headers[MAX_HEADERS] = {
        { MR_SLICE("Host"), mr_slice_str(remote->host) },
        { MR_SLICE("Content-Type"), MR_SLICE("application/x-amz-json-1.1") },
        { MR_SLICE("X-Amz-Target"),
          mr_slice_str(mr_arena_printf(&remote->arena, "Kinesis_20131202.%s", operation)) },
    };
    return ask(remote, &remote->kinesis, "POST", "/", headers, 3, body, err);
}

int
mr_remote_lambda(struct mr_remote *remote, const char *method, const char *path,
                 struct mr_slice body, struct mr_error *err)
{
    begin(remote);
    struct mr_http_header headers[MAX_HEADERS] = {
        { MR_SLICE("Host"), mr_slice_str(remote->host) },
        { MR_SLICE("Content-Type"), MR_SLICE("application/json") },
    };
    return ask(remote, &remote->lambda, method, path, headers, 2, body, err);
}

int
mr_remote_json(struct mr_remote *remote, const char *service, const char *target,
               struct mr_slice body, struct mr_error *err)
{
    begin(remote);
    struct mr_sigv4_signer signer = { .credentials = &remote->credentials,
                                      .region = mr_slice_str(remote->region),
                                      .service = mr_slice_str(service) };
    struct mr_http_header headers[MAX_HEADERS] = {
        { MR_SLICE("Host"), mr_slice_str(remote->host) },
        { MR_SLICE("Content-Type"), MR_SLICE("application/x-amz-json-1.0") },
        { MR_SLICE("X-Amz-Target"), mr_slice_str(target) },
    };
    return ask(remote, &signer, "POST", "/", headers, 3, body, err);
}

int
mr_remote_invoke(struct mr_remote *remote, const char *path, const char *type, bool tail,
                 struct mr_slice event, struct mr_error *err)
{
    begin(remote);
    struct mr_http_header headers[MAX_HEADERS] = {
        { MR_SLICE("Host"), mr_slice_str(remote->host) },
        { MR_SLICE("Content-Type"), MR_SLICE("application/json") },
        { MR_SLICE("X-Amz-Invocation-Type"), mr_slice_str(type) },
        { MR_SLICE("X-Amz-Log-Type"), tail ? MR_SLICE("Tail") : MR_SLICE("None") },
    };
    return ask(remote, &remote->lambda, "POST", path, headers, 4, event, err);
}

bool
mr_remote_said(const struct mr_remote *remote, const char *error_name)
{
    return strcmp(remote->error_name, error_name) == 0;
}
