#include "internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_WORKERS = 1600 }; /* the largest concurrency Lambda's API takes */

struct worker {
    const struct mr_handler *handler;
    struct mr_ctx ctx;
    struct connection connection;
    char next_request[160];
    bool pipeline; /* answer and next in one write */
    bool sole;     /* one invocation at a time: the trace id goes to the environment */
};

/* ---- asking for an event ---- */

static int64_t
number(struct mr_str digits)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits.size && digits.data[i] >= '0' && digits.data[i] <= '9'; i++) {
        value = value * 10 + (digits.data[i] - '0');
    }
    return value;
}

static int
send_next(struct worker *worker)
{
    struct mr_str request = mr_str_z(worker->next_request);
    return connection_send(&worker->connection, &request, 1);
}

static void
take_event(struct mr_ctx *ctx, const struct reply *reply)
{
    ctx->request_id = reply_header(reply, "Lambda-Runtime-Aws-Request-Id");
    ctx->function_arn = reply_header(reply, "Lambda-Runtime-Invoked-Function-Arn");
    ctx->trace_id = reply_header(reply, "Lambda-Runtime-Trace-Id");
    ctx->client_context = reply_header(reply, "Lambda-Runtime-Client-Context");
    ctx->cognito_identity = reply_header(reply, "Lambda-Runtime-Cognito-Identity");
    ctx->tenant_id = reply_header(reply, "Lambda-Runtime-Aws-Tenant-Id");
    ctx->content_type = reply_header(reply, "Content-Type");
    ctx->deadline_ms = number(reply_header(reply, "Lambda-Runtime-Deadline-Ms"));
    ctx->event = reply->body;
}

/*
 * The event's views point into the connection's buffer and stay valid while the handler
 * runs: nothing is received until it has returned.
 */
static void
receive_event(struct worker *worker)
{
    struct reply reply;
    int result = connection_receive(&worker->connection, &reply);
    if (result < 0) {
        /* The kept connection died while we waited. Asking again is safe: the same event comes.
         */
        connection_close(&worker->connection);
        if (send_next(worker) < 0 || connection_receive(&worker->connection, &reply) < 0) {
            die("the Runtime API is gone");
        }
    }
    if (reply.status != 200) {
        fprintf(stderr, "millrace-handler: the Runtime API answered %d to next: %.*s\n",
                reply.status, MR_STR_ARGS(reply.body));
        _exit(1);
    }
    take_event(&worker->ctx, &reply);
    if (worker->ctx.request_id.size == 0) {
        die("the Runtime API sent an event without a request id");
    }
}

/* ---- running the handler ---- */

static void
export_trace_id(struct mr_ctx *ctx)
{
    if (ctx->trace_id.size > 0) {
        setenv("_X_AMZN_TRACE_ID", mr_copy_z(ctx, ctx->trace_id), 1);
    } else {
        unsetenv("_X_AMZN_TRACE_ID");
    }
}

static void
call(const struct mr_handler *handler, struct mr_ctx *ctx)
{
    crash_set_context(ctx);
    int status = handler->run(ctx);
    crash_set_context(NULL);
    bool failed = ctx->error_type.data != NULL;
    if (status != 0 && !failed) {
        mr_fail(ctx, "Function.Failed", "the handler returned %d", status);
    }
    if (status == 0 && ctx->kind == RESPONSE_NONE) {
        mr_respond(ctx, MR_STR("null"), NULL);
    }
}

/* ---- answering ---- */

static struct mr_str
answer_head(struct mr_ctx *ctx, const char *verb)
{
    bool is_error = ctx->kind == RESPONSE_ERROR;
    return mr_printf(ctx,
                     "POST /2018-06-01/runtime/invocation/%.*s/%s HTTP/1.1\r\nHost: %s\r\n"
                     "Content-Type: %.*s\r\n%s%.*s%sContent-Length: %zu\r\n\r\n",
                     MR_STR_ARGS(ctx->request_id), verb, ctx->connection->host_header,
                     is_error ? 16 : (int)ctx->response_type.size,
                     is_error ? "application/json" : ctx->response_type.data,
                     is_error ? "Lambda-Runtime-Function-Error-Type: " : "",
                     is_error ? (int)ctx->error_type.size : 0,
                     is_error ? ctx->error_type.data : "", is_error ? "\r\n" : "",
                     ctx->response.size);
}

static struct mr_str
base64_of(struct mr_ctx *ctx, struct mr_str text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = mr_alloc_in(ctx, (text.size + 2) / 3 * 4);
    size_t at = 0;
    for (size_t i = 0; i < text.size; i += 3) {
        unsigned three = (unsigned)(unsigned char)text.data[i] << 16;
        three |= i + 1 < text.size ? (unsigned)(unsigned char)text.data[i + 1] << 8 : 0;
        three |= i + 2 < text.size ? (unsigned)(unsigned char)text.data[i + 2] : 0;
        out[at++] = digits[three >> 18];
        out[at++] = digits[three >> 12 & 63];
        out[at++] = i + 1 < text.size ? digits[three >> 6 & 63] : '=';
        out[at++] = i + 2 < text.size ? digits[three & 63] : '=';
    }
    return (struct mr_str){ out, at };
}

static struct mr_str
stream_end(struct mr_ctx *ctx)
{
    if (ctx->error_type.data == NULL) {
        return MR_STR("0\r\n\r\n");
    }
    struct mr_str body = base64_of(ctx, ctx->response);
    return mr_printf(ctx,
                     "0\r\nLambda-Runtime-Function-Error-Type: %.*s\r\n"
                     "Lambda-Runtime-Function-Error-Body: %.*s\r\n\r\n",
                     MR_STR_ARGS(ctx->error_type), MR_STR_ARGS(body));
}

/* The answer, and behind it, when pipelining, the question for the next event: one write. */
static int
send_answer(struct worker *worker, bool with_next)
{
    struct mr_ctx *ctx = &worker->ctx;
    struct mr_str parts[3];
    size_t count = 0;
    if (ctx->kind == RESPONSE_STREAM) {
        parts[count++] = stream_end(ctx);
    } else {
        parts[count++] = answer_head(ctx, ctx->kind == RESPONSE_ERROR ? "error" : "response");
        if (ctx->response.size > 0) {
            parts[count++] = ctx->response;
        }
    }
    if (with_next) {
        parts[count++] = mr_str_z(worker->next_request);
    }
    return connection_send(&worker->connection, parts, count);
}

static void
check_answer(const struct reply *reply)
{
    if (reply->status == 202) {
        return;
    }
    fprintf(stderr, "millrace-handler: the Runtime API answered %d: %.*s\n", reply->status,
            MR_STR_ARGS(reply->body));
    if (reply->status != 413 && reply->status != 410) {
        _exit(1); /* 413: too large, 410: too late; the platform goes on with us */
    }
}

static void
answer(struct worker *worker)
{
    struct reply reply;
    bool with_next = worker->pipeline && !worker->ctx.fatal;
    if (worker->ctx.stream_broken || send_answer(worker, with_next) < 0 ||
        connection_receive(&worker->connection, &reply) < 0) {
        die("the Runtime API is gone");
    }
    check_answer(&reply);
    if (worker->ctx.fatal) {
        _exit(1);
    }
    if (!with_next && send_next(worker) < 0) {
        die("the Runtime API is gone");
    }
}

static void *
work(void *context)
{
    struct worker *worker = context;
    crash_install();
    if (send_next(worker) < 0) {
        die("cannot reach the Runtime API");
    }
    for (;;) {
        receive_event(worker);
        if (worker->sole) {
            export_trace_id(&worker->ctx);
        }
        call(worker->handler, &worker->ctx);
        answer(worker);
        context_reset(&worker->ctx);
    }
    return NULL;
}

/* ---- starting ---- */

static const struct mr_handler *
choose(const struct mr_handler *handlers, size_t count)
{
    const char *wanted = getenv("_HANDLER");
    const char *dot = wanted == NULL ? NULL : strrchr(wanted, '.');
    const char *name = dot == NULL ? wanted : dot + 1;
    for (size_t i = 0; i < count && name != NULL; i++) {
        if (handlers[i].name != NULL && strcmp(handlers[i].name, name) == 0) {
            return &handlers[i];
        }
    }
    return count == 1 || handlers[0].name == NULL ? &handlers[0] : NULL;
}

static void
post_init_error(const char *host_port, const char *type, const char *message)
{
    struct mr_ctx ctx = { 0 };
    struct connection connection;
    if (connection_init(&connection, host_port) < 0) {
        return;
    }
    struct mr_str body = error_document(&ctx, mr_str_z(type), mr_str_z(message));
    struct mr_str request =
        mr_printf(&ctx,
                  "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: %s\r\n"
                  "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: %s\r\n"
                  "Content-Length: %zu\r\n\r\n%.*s",
                  host_port, type, body.size, MR_STR_ARGS(body));
    struct reply reply;
    if (connection_send(&connection, &request, 1) == 0) {
        connection_receive(&connection, &reply);
    }
    connection_close(&connection);
    context_release(&ctx);
}

static void
worker_init(struct worker *worker, const struct mr_handler *handler, void *user,
            const char *host_port, bool sole)
{
    const char *pipeline = getenv("MR_PIPELINE");
    worker->handler = handler;
    worker->sole = sole;
    worker->pipeline = pipeline == NULL || strcmp(pipeline, "0") != 0;
    connection_init(&worker->connection, host_port);
    worker->ctx.connection = &worker->connection;
    worker->ctx.user = user;
    snprintf(worker->next_request, sizeof(worker->next_request),
             "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", host_port);
}

static size_t
worker_count(void)
{
    const char *wanted = getenv("AWS_LAMBDA_MAX_CONCURRENCY");
    long count = wanted == NULL ? 1 : atol(wanted);
    return count < 1 ? 1 : count > MAX_WORKERS ? MAX_WORKERS : (size_t)count;
}

static int
start_workers(const struct mr_handler *handler, void *user, const char *host_port)
{
    size_t count = worker_count();
    struct worker *workers = calloc(count, sizeof(*workers));
    if (workers == NULL) {
        die("out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        worker_init(&workers[i], handler, user, host_port, count == 1);
    }
    for (size_t i = 1; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, &workers[i]) != 0) {
            die("cannot start a thread");
        }
        pthread_detach(thread);
    }
    work(&workers[0]);
    return 1;
}

int
mr_handler_main(const struct mr_handler *handlers, size_t count)
{
    const char *host_port = getenv("AWS_LAMBDA_RUNTIME_API");
    struct connection probe;
    if (host_port == NULL || connection_init(&probe, host_port) < 0) {
        fprintf(
            stderr,
            "This program is an AWS Lambda function. It is started by Lambda or by Millrace,\n"
            "which set AWS_LAMBDA_RUNTIME_API=host:port. Try: millrace up\n");
        return 64;
    }
    log_open();
    const struct mr_handler *handler = choose(handlers, count);
    if (handler == NULL || handler->abi != MR_HANDLER_ABI) {
        post_init_error(host_port, "Runtime.HandlerNotFound",
                        "_HANDLER names no handler of this program");
        return 1;
    }

    void *user = NULL;
    const char *error = NULL;
    if (handler->init != NULL) {
        crash_install();
        user = handler->init(&error);
    }
    if (error != NULL) {
        post_init_error(host_port, "Function.InitFailed", error);
        return 1;
    }
    if (shutdown_watch(handler, user, host_port) < 0) {
        fprintf(stderr, "millrace-handler: no SIGTERM here: the platform refused to register "
                        "an extension\n");
    }
    return start_workers(handler, user, host_port);
}
