#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "net/http_server.h"
#include "tests/suite.h"

/*
 * A server whose handler tells what it got, and clients that are plain sockets on the same
 * thread: they write, the loop runs, they read.
 */
struct world {
    struct mr_loop *loop;
    struct mr_http_server *server;
    uint16_t port;
    struct mr_http_exchange *kept;
    int served, aborted, drained;
    size_t streamed;
    bool stopped;
    int label;
};

static void
on_aborted(struct mr_http_exchange *exchange, void *context)
{
    struct world *world = context;
    (void)exchange;
    world->aborted++;
    world->kept = NULL;
}

static void
on_drained(struct mr_http_exchange *exchange, void *context)
{
    struct world *world = context;
    world->drained++;
    mr_http_respond_end(exchange);
}

static void
stream_answer(struct mr_http_exchange *exchange, struct world *world, size_t size)
{
    struct mr_http_response response = { .status = 200 };
    char part[1000];
    memset(part, 'p', sizeof(part));
    mr_http_respond_begin(exchange, &response);
    for (size_t sent = 0; sent < size; sent += sizeof(part)) {
        mr_http_respond_write(exchange, mr_slice_of(part, sizeof(part)));
    }
    if (mr_http_exchange_unsent(exchange) > 0) {
        mr_http_exchange_on_drain(exchange, on_drained, world);
    } else {
        mr_http_respond_end(exchange);
    }
}

static void
plan(struct mr_http_exchange *exchange, const struct mr_http_request *request,
     struct mr_http_plan *plan_out, void *context)
{
    (void)context;
    if (mr_slice_is(request->path, "/small")) {
        plan_out->max_body = 10;
    } else if (mr_slice_is(request->path, "/faulty")) {
        plan_out->max_body = 10;
        plan_out->serve_faulty_body = true;
    } else if (mr_slice_is(request->path, "/stream")) {
        plan_out->stream = true;
    } else if (mr_slice_is(request->path, "/refused")) {
        struct mr_http_response response = { .status = 403 };
        mr_http_respond(exchange, &response);
    }
}

static void
on_chunk(struct mr_http_exchange *exchange, struct mr_slice chunk, void *context)
{
    struct world *world = context;
    (void)exchange;
    world->streamed += chunk.size;
}

static void
echo(struct mr_http_exchange *exchange, const struct mr_http_request *request)
{
    struct mr_buf text = { 0 };
    mr_buf_printf(&text, "%.*s %.*s body=%.*s fault=%d trailers=%zu",
                  MR_SLICE_ARGS(request->method), MR_SLICE_ARGS(request->target),
                  MR_SLICE_ARGS(request->body), mr_http_exchange_body_fault(exchange),
                  request->trailer_count);
    struct mr_http_response response = {
        .status = 200,
        .content_type = MR_SLICE("text/plain"),
        .take = &text,
    };
    mr_http_respond(exchange, &response);
    mr_buf_deinit(&text);
}

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct world *world = context;
    world->served++;
    if (mr_slice_is(request->path, "/keep")) {
        world->kept = exchange;
        mr_http_exchange_on_abort(exchange, on_aborted, world);
    } else if (mr_slice_is(request->path, "/parts")) {
        stream_answer(exchange, world, 3000);
    } else if (mr_slice_is(request->path, "/many")) {
        stream_answer(exchange, world, 32 * 1024 * 1024);
    } else if (mr_slice_is(request->path, "/nothing")) {
        mr_http_respond_begin(exchange, &(struct mr_http_response){ .status = 204 });
        mr_http_respond_end(exchange);
    } else if (mr_slice_is(request->path, "/cut")) {
        mr_http_abort(exchange);
    } else {
        echo(exchange, request);
    }
}

static struct world *
new_world(uint64_t idle_ms)
{
    struct world *world = calloc(1, sizeof(*world));
    struct mr_http_server_options options = {
        .handler = { plan, on_chunk, serve },
        .context = world,
        .idle_ms = idle_ms,
    };
    world->loop = mr_loop_new(NULL);
    world->server = mr_http_server_new(world->loop, &options);
    int fd = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    ck_assert_int_ge(fd, 0);
    world->port = mr_net_port(fd);
    ck_assert_int_eq(mr_http_server_listen_fd(world->server, fd, NULL, &world->label, NULL), 0);
    return world;
}

static void
on_stopped(void *context)
{
    ((struct world *)context)->stopped = true;
}

static void
end_world(struct world *world)
{
    if (!world->stopped) {
        mr_http_server_stop(world->server, 0, on_stopped, world);
    }
    while (!world->stopped) {
        mr_loop_run_once(world->loop, 100);
    }
    mr_http_server_free(world->server);
    mr_loop_free(world->loop);
    free(world);
}

static int
dial(const struct world *world)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(world->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void
say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Runs the loop until the client has heard `text`, or the end when it is NULL. */
static const char *
hear(struct world *world, int fd, struct mr_buf *heard, const char *text)
{
    for (int round = 0; round < 20000; round++) {
        uint8_t *room = mr_buf_reserve(heard, 65536);
        ssize_t got = recv(fd, room, 65536, MSG_DONTWAIT);
        if (got > 0) {
            heard->size += (size_t)got;
            continue;
        }
        if (text == NULL && (got == 0 || errno == ECONNRESET)) {
            return mr_buf_cstr(heard);
        }
        if (text != NULL && memmem(heard->data, heard->size, text, strlen(text)) != NULL) {
            return mr_buf_cstr(heard);
        }
        ck_assert_msg(got != 0, "closed; heard: %s", mr_buf_cstr(heard));
        mr_loop_run_once(world->loop, 5);
    }
    ck_abort_msg("never heard %s; heard: %.300s", text == NULL ? "the end" : text,
                 mr_buf_cstr(heard));
}

static bool
has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

START_TEST(a_request_is_answered_and_its_connection_kept)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *first = hear(world, fd, &heard, "trailers=0");

    ck_assert_msg(has(first, "HTTP/1.1 200 OK\r\nDate: ") &&
                      has(first, "GET /a?b=c body= fault=0"),
                  "%s", first);
    mr_buf_clear(&heard);
    say(fd, "POST /b HTTP/1.1\r\nHost: x\r\ncontent-length:5\r\n\r\nhello");
    ck_assert(has(hear(world, fd, &heard, "trailers=0"), "POST /b body=hello"));
    end_world(world);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);
    static const char request[] =
        "POST /drip HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nX-End: yes\r\n\r\n";

    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        ck_assert_int_eq(send(fd, &request[i], 1, 0), 1);
        mr_loop_run_once(world->loop, 5);
    }

    ck_assert(has(hear(world, fd, &heard, "trailers="), "body=hello! fault=0 trailers=1"));
    end_world(world);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_buf struct mr_buf requests = { 0 };
    mr_auto_fd int fd = dial(world);
    for (int i = 0; i < 500; i++) {
        mr_buf_printf(&requests, "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    }
    mr_buf_append_str(&requests, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    say(fd, mr_buf_cstr(&requests));
    const char *answers = hear(world, fd, &heard, NULL);

    for (int i = 0; i < 500; i++) {
        char wanted[32];
        snprintf(wanted, sizeof(wanted), "GET /%d body", i);
        answers = strstr(answers, wanted);
        ck_assert_msg(answers != NULL, "answer %d is missing or out of order", i);
    }
    ck_assert(has(answers, "GET /last"));
    end_world(world);
}
END_TEST

START_TEST(a_kept_exchange_holds_back_the_pipelined_one_behind_it)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);
    struct mr_http_response response = { .status = 202, .body = MR_SLICE("{}") };

    say(fd, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    while (world->kept == NULL) {
        mr_loop_run_once(world->loop, 100);
    }
    mr_loop_run_once(world->loop, 1);
    ck_assert_int_eq(world->served, 1);
    mr_http_respond(world->kept, &response);

    const char *answers = hear(world, fd, &heard, "GET /next body");
    ck_assert(strstr(answers, "202 Accepted") < strstr(answers, "GET /next"));
    end_world(world);
}
END_TEST

START_TEST(a_peer_that_leaves_aborts_its_exchange)
{
    struct world *world = new_world(0);
    int fd = dial(world);
    say(fd, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    while (world->kept == NULL) {
        mr_loop_run_once(world->loop, 100);
    }

    close(fd);
    for (int i = 0; i < 100 && world->aborted == 0; i++) {
        mr_loop_run_once(world->loop, 100);
    }

    ck_assert_int_eq(world->aborted, 1);
    end_world(world);
}
END_TEST

START_TEST(a_handler_may_cut_its_connection)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(world, fd, &heard, NULL);

    ck_assert_uint_eq(heard.size, 0);
    ck_assert_int_eq(world->served, 1);
    end_world(world);
}
END_TEST

static const struct {
    const char *request, *answer;
} refused[] = {
    { "GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", "400 " },
    { "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", "400 " },
    { "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "400 " },
    { "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", "400 " },
    { "GET / HTTP/1.1\r\nA : b\r\n\r\n", "400 " },
    { "GET / HTTP/1.1\r\n: b\r\n\r\n", "400 " },
    { "GET /a b HTTP/1.1\r\n\r\n", "400 " },
    { "GET / HTTP/2.0\r\n\r\n", "400 " },
    { "GET /\r\n\r\n", "400 " },
    { "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "400 " },
    { "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "400 " },
    { "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello", "400 " },
    { "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello", "400 " },
    { "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "400 " },
    { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "400 " },
    { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 " },
    { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n", "400 " },
    { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", "400 " },
    { "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n", "400 " },
    { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 " },
    { "POST /small HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello world", "413 " },
    { "POST /small HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: "
      "chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n",
      "413 " },
    { "POST /small HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n", "413 " },
};

START_TEST(what_is_not_strictly_http_is_refused)
{
    struct world *world = new_world(300);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, refused[_i].request);
    shutdown(fd, SHUT_WR);
    const char *answer = hear(world, fd, &heard, NULL);

    ck_assert_msg(has(answer, refused[_i].answer), "%s -> %s", refused[_i].request, answer);
    ck_assert_int_eq(world->served, 0);
    end_world(world);
}
END_TEST

START_TEST(a_head_of_a_mebibyte_is_taken_and_a_larger_one_refused)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_buf struct mr_buf request = { 0 };
    mr_buf_append_str(&request, "GET /big HTTP/1.1\r\nX-Cause: ");
    memset(mr_buf_reserve(&request, 4 << 20), 'x', 4 << 20);
    size_t sizes[] = { 1 << 20, 4 << 20 };
    request.size += sizes[_i];
    mr_buf_append_str(&request, "\r\n\r\n");
    mr_auto_fd int fd = dial(world);

    for (size_t sent = 0; sent < request.size;) {
        ssize_t size =
            send(fd, request.data + sent, request.size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN) {
            break;
        }
        sent += size > 0 ? (size_t)size : 0;
        mr_loop_run_once(world->loop, 1);
    }

    hear(world, fd, &heard, _i == 0 ? "GET /big body" : "431 ");
    end_world(world);
}
END_TEST

START_TEST(a_body_nobody_waits_for_is_thrown_away)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "POST /refused HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel");
    hear(world, fd, &heard, "403 ");
    say(fd, "loGET /next HTTP/1.1\r\n\r\n");

    hear(world, fd, &heard, "GET /next body= ");
    end_world(world);
}
END_TEST

START_TEST(a_faulty_body_is_served_to_who_asked_for_it)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int large = dial(world);
    mr_auto_fd int torn = dial(world);

    say(large, "POST /faulty HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello world");
    hear(world, large, &heard, "fault=1");
    say(torn, "POST /faulty HTTP/1.1\r\nContent-Length: 9\r\n\r\nhel");
    shutdown(torn, SHUT_WR);

    hear(world, torn, &heard, "body=hel fault=2");
    end_world(world);
}
END_TEST

START_TEST(a_client_that_asks_may_send_its_body)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    hear(world, fd, &heard, "100 Continue\r\n\r\n");
    say(fd, "ok");

    hear(world, fd, &heard, "body=ok");
    end_world(world);
}
END_TEST

START_TEST(a_head_request_gets_a_head_and_no_body)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "HEAD /a HTTP/1.1\r\n\r\nHEAD /parts HTTP/1.1\r\nConnection: close\r\n\r\n");
    const char *answer = hear(world, fd, &heard, NULL);

    ck_assert(has(answer, "Content-Length: 32\r\n") && !has(answer, "HEAD /a") &&
              !has(answer, "ppp"));
    end_world(world);
}
END_TEST

START_TEST(an_answer_in_parts_that_has_no_body_ends_with_its_head)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "GET /nothing HTTP/1.1\r\n\r\nGET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
    const char *answer = hear(world, fd, &heard, NULL);

    ck_assert(!has(answer, "chunked") && has(answer, "\r\n\r\nHTTP/1.1 200"));
    end_world(world);
}
END_TEST

START_TEST(an_answer_in_parts_is_chunked_and_waits_for_a_slow_reader)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "GET /parts HTTP/1.1\r\n\r\n");
    const char *answer = hear(world, fd, &heard, "\r\n0\r\n\r\n");
    ck_assert(has(answer, "chunked") && has(answer, "\r\n3e8\r\nppp"));
    mr_buf_clear(&heard);
    say(fd, "GET /many HTTP/1.1\r\n\r\n");
    hear(world, fd, &heard, "\r\n0\r\n\r\n");

    ck_assert_uint_ge(heard.size, 32 * 1024 * 1024);
    ck_assert_int_eq(world->drained, 1);
    end_world(world);
}
END_TEST

START_TEST(a_streamed_body_comes_in_chunks)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    say(fd, "POST /stream HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc");
    while (world->streamed < 3) {
        mr_loop_run_once(world->loop, 100);
    }
    say(fd, "def");

    hear(world, fd, &heard, "POST /stream body= ");
    ck_assert_uint_eq(world->streamed, 6);
    end_world(world);
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
    struct world *world = new_world(20);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);

    hear(world, fd, &heard, NULL);

    ck_assert_uint_eq(heard.size, 0);
    end_world(world);
}
END_TEST

START_TEST(stopping_lets_a_running_exchange_finish)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);
    mr_auto_fd int idle = dial(world);
    struct mr_http_response response = { .status = 200, .body = MR_SLICE("late") };
    say(fd, "GET /keep HTTP/1.1\r\n\r\n");
    while (world->kept == NULL) {
        mr_loop_run_once(world->loop, 100);
    }

    mr_http_server_stop(world->server, 5000, on_stopped, world);
    hear(world, idle, &heard, NULL);
    ck_assert(!world->stopped);
    mr_http_respond(world->kept, &response);

    ck_assert(has(hear(world, fd, &heard, NULL), "Connection: close\r\n\r\nlate"));
    end_world(world);
}
END_TEST

START_TEST(a_listener_may_be_taken_away_with_its_connections)
{
    struct world *world = new_world(0);
    mr_auto_buf struct mr_buf heard = { 0 };
    mr_auto_fd int fd = dial(world);
    say(fd, "GET /keep HTTP/1.1\r\n\r\n");
    while (world->kept == NULL) {
        mr_loop_run_once(world->loop, 100);
    }

    mr_http_server_unlisten(world->server, &world->label, true);

    ck_assert_int_eq(world->aborted, 1);
    hear(world, fd, &heard, NULL);
    end_world(world);
}
END_TEST

START_TEST(a_stale_socket_file_is_replaced_and_a_living_one_is_not)
{
    char path[] = "/tmp/mr-net-XXXXXX";
    struct mr_error err;
    ck_assert_ptr_nonnull(mkdtemp(path));
    mr_auto_buf struct mr_buf name = { 0 };
    mr_buf_printf(&name, "%s/s.sock", path);

    int first = mr_net_listen_unix(mr_buf_cstr(&name), &err);
    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(mr_net_listen_unix(mr_buf_cstr(&name), &err), -EADDRINUSE);
    close(first);
    int second = mr_net_listen_unix(mr_buf_cstr(&name), &err);

    ck_assert_int_ge(second, 0);
    close(second);
    unlink(mr_buf_cstr(&name));
    rmdir(path);
}
END_TEST

MR_SUITE("net.http_server", MR_TEST(a_request_is_answered_and_its_connection_kept),
         MR_TEST(a_request_may_come_byte_by_byte),
         MR_TEST(pipelined_requests_are_answered_in_order),
         MR_TEST(a_kept_exchange_holds_back_the_pipelined_one_behind_it),
         MR_TEST(a_peer_that_leaves_aborts_its_exchange),
         MR_TEST(a_handler_may_cut_its_connection),
         MR_TEST_LOOP(what_is_not_strictly_http_is_refused,
                      (int)(sizeof(refused) / sizeof(refused[0]))),
         MR_TEST_LOOP(a_head_of_a_mebibyte_is_taken_and_a_larger_one_refused, 2),
         MR_TEST(a_body_nobody_waits_for_is_thrown_away),
         MR_TEST(a_faulty_body_is_served_to_who_asked_for_it),
         MR_TEST(a_client_that_asks_may_send_its_body),
         MR_TEST(a_head_request_gets_a_head_and_no_body),
         MR_TEST(an_answer_in_parts_that_has_no_body_ends_with_its_head),
         MR_TEST(an_answer_in_parts_is_chunked_and_waits_for_a_slow_reader),
         MR_TEST(a_streamed_body_comes_in_chunks), MR_TEST(an_idle_connection_is_closed),
         MR_TEST(stopping_lets_a_running_exchange_finish),
         MR_TEST(a_listener_may_be_taken_away_with_its_connections),
         MR_TEST(a_stale_socket_file_is_replaced_and_a_living_one_is_not))
