/* The loop against a scripted Runtime API on a real socket: the child is the runtime. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "millrace/handler.h"
#include "tests/suite.h"

enum { WAIT_MS = 10000 };

struct platform {
    int listener, client;
    pid_t runtime;
    char in[65536];
    size_t size;
};

static int
echo(struct mr_ctx *ctx)
{
    return mr_respond(ctx, mr_event(ctx), NULL);
}

static int
fails(struct mr_ctx *ctx)
{
    return mr_fail(ctx, "Order.Invalid", "bad");
}

static int
crashes(struct mr_ctx *ctx)
{
    (void)ctx;
    *(volatile int *)16 = 1;
    return 0;
}

static int
streams_and_fails(struct mr_ctx *ctx)
{
    mr_stream_write(ctx, "abc", 3);
    return mr_fail(ctx, "Half.Way", "oh");
}

static void *
cannot_start(const char **out_error)
{
    *out_error = "no database";
    return NULL;
}

/* `handler` NULL: the shared object beside us, through millrace-bootstrap. */
static void
start(struct platform *platform, const struct mr_handler *handler)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    *platform = (struct platform){ .client = -1 };
    platform->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(platform->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(platform->listener, 4), 0);
    getsockname(platform->listener, (struct sockaddr *)&address, &size);

    platform->runtime = fork();
    ck_assert_int_ge(platform->runtime, 0);
    if (platform->runtime == 0) {
        char api[32];
        snprintf(api, sizeof(api), "127.0.0.1:%u", ntohs(address.sin_port));
        setenv("AWS_LAMBDA_RUNTIME_API", api, 1);
        unsetenv("_HANDLER");
        close(platform->listener);
        signal(SIGSEGV, SIG_DFL);
        if (handler == NULL) {
            setenv("LAMBDA_TASK_ROOT", MR_TEST_OBJECT_DIR, 1);
            setenv("_HANDLER", "libtest_object.so.on_orders", 1);
            execl(MR_TEST_BOOTSTRAP, MR_TEST_BOOTSTRAP, NULL);
            _exit(127);
        }
        _exit(mr_handler_main(handler, 1));
    }
    platform->client = accept(platform->listener, NULL, NULL);
    ck_assert_int_ge(platform->client, 0);
}

/* Read until `wanted` has come; fails the test when it does not within the bound. */
static void
expect(struct platform *platform, const char *wanted)
{
    platform->in[platform->size] = '\0';
    while (strstr(platform->in, wanted) == NULL) {
        struct pollfd ready = { .fd = platform->client, .events = POLLIN };
        ck_assert_msg(poll(&ready, 1, WAIT_MS) == 1, "no \"%s\" in: %s", wanted, platform->in);
        ssize_t got = recv(platform->client, platform->in + platform->size,
                           sizeof(platform->in) - 1 - platform->size, 0);
        ck_assert_msg(got > 0, "closed before \"%s\": %s", wanted, platform->in);
        platform->size += (size_t)got;
        platform->in[platform->size] = '\0';
    }
}

static void
forget(struct platform *platform)
{
    platform->size = 0;
}

static void
say(struct platform *platform, const char *text)
{
    ck_assert_int_eq(send(platform->client, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

static void
send_event(struct platform *platform, const char *id, const char *event)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id:%s\r\n"
             "Lambda-Runtime-Deadline-Ms: 99999999999999\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             id, strlen(event), event);
    say(platform, text);
}

#define ACCEPTED "HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"

static int
stop(struct platform *platform)
{
    int status = 0;
    close(platform->client);
    close(platform->listener);
    waitpid(platform->runtime, &status, 0);
    return status;
}

START_TEST(the_answer_and_the_next_question_come_in_one_go)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, echo, NULL, NULL };
    struct platform platform;
    start(&platform, &handler);
    expect(&platform, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n");
    forget(&platform);

    send_event(&platform, "id-1", "{\"n\":1}");

    expect(&platform, "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\n");
    expect(&platform, "{\"n\":1}GET /2018-06-01/runtime/invocation/next");
    forget(&platform);
    say(&platform, ACCEPTED);
    send_event(&platform, "id-2", "[2]");
    expect(&platform, "invocation/id-2/response");
    expect(&platform, "[2]GET ");
    ck_assert(WIFEXITED(stop(&platform)));
}
END_TEST

START_TEST(an_event_in_chunks_dripped_byte_by_byte_is_whole)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, echo, NULL, NULL };
    struct platform platform;
    const char *dripped = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: x\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n";
    start(&platform, &handler);
    expect(&platform, "invocation/next");
    forget(&platform);

    for (const char *at = dripped; *at != '\0'; at++) {
        ck_assert_int_eq(send(platform.client, at, 1, MSG_NOSIGNAL), 1);
    }

    expect(&platform, "\r\n\r\n[1,2]GET ");
    stop(&platform);
}
END_TEST

START_TEST(an_error_is_posted_with_its_type)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, fails, NULL, NULL };
    struct platform platform;
    start(&platform, &handler);
    expect(&platform, "invocation/next");

    send_event(&platform, "id-1", "{}");

    expect(&platform, "POST /2018-06-01/runtime/invocation/id-1/error HTTP/1.1\r\n");
    expect(&platform, "Lambda-Runtime-Function-Error-Type: Order.Invalid\r\n");
    expect(&platform, "{\"errorMessage\":\"bad\",\"errorType\":\"Order.Invalid\"");
    stop(&platform);
}
END_TEST

START_TEST(a_crash_is_reported_before_the_process_dies_of_it)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, crashes, NULL, NULL };
    struct platform platform;
    start(&platform, &handler);
    expect(&platform, "invocation/next");

    send_event(&platform, "id-1", "{}");

    expect(&platform, "invocation/id-1/error HTTP/1.1\r\n");
    expect(&platform, "signal: segmentation fault (address 0x10)");
    expect(&platform, "\"stackTrace\":[\"0x");
    say(&platform, ACCEPTED);
    int status = stop(&platform);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
}
END_TEST

START_TEST(an_answer_that_was_too_large_does_not_end_the_runtime)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, echo, NULL, NULL };
    struct platform platform;
    start(&platform, &handler);
    expect(&platform, "invocation/next");
    send_event(&platform, "id-1", "1");
    expect(&platform, "1GET ");
    forget(&platform);

    say(&platform, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}");
    send_event(&platform, "id-2", "2");

    expect(&platform, "invocation/id-2/response");
    stop(&platform);
}
END_TEST

START_TEST(a_stream_that_fails_says_so_in_its_trailers)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, streams_and_fails, NULL, NULL };
    struct platform platform;
    start(&platform, &handler);
    expect(&platform, "invocation/next");

    send_event(&platform, "id-1", "{}");

    expect(&platform, "Lambda-Runtime-Function-Response-Mode: streaming\r\n");
    expect(&platform,
           "\r\n\r\n3\r\nabc\r\n0\r\nLambda-Runtime-Function-Error-Type: Half.Way\r\n"
           "Lambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJvaCI");
    stop(&platform);
}
END_TEST

START_TEST(a_failed_init_is_told_to_the_platform)
{
    struct mr_handler handler = { MR_HANDLER_ABI, NULL, echo, cannot_start, NULL };
    struct platform platform;
    start(&platform, &handler);

    expect(&platform, "POST /2018-06-01/runtime/init/error HTTP/1.1\r\n");
    expect(&platform, "no database");
    say(&platform, ACCEPTED);

    int status = stop(&platform);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

START_TEST(a_handler_in_a_shared_object_is_found_by_its_name)
{
    struct platform platform;
    start(&platform, NULL);
    expect(&platform, "invocation/next");

    send_event(&platform, "id-1", "{}");

    expect(&platform, "invocation/id-1/response HTTP/1.1\r\n");
    expect(&platform, "\r\n\r\n42GET ");
    stop(&platform);
}
END_TEST

MR_SUITE("handlers.loop", MR_TEST(a_handler_in_a_shared_object_is_found_by_its_name),
         MR_TEST(the_answer_and_the_next_question_come_in_one_go),
         MR_TEST(an_event_in_chunks_dripped_byte_by_byte_is_whole),
         MR_TEST(an_error_is_posted_with_its_type),
         MR_TEST(a_crash_is_reported_before_the_process_dies_of_it),
         MR_TEST(an_answer_that_was_too_large_does_not_end_the_runtime),
         MR_TEST(a_stream_that_fails_says_so_in_its_trailers),
         MR_TEST(a_failed_init_is_told_to_the_platform))
