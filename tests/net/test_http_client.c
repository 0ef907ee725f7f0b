#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "tests/suite.h"

/* Client and server on one loop, over every kind of connection the product has. */
enum way { PLAIN, HTTP2, UNIX, TLS, TLS_HTTP2, WAYS };

struct world {
    enum way way;
    struct mr_loop *loop;
    struct mr_http_server *server;
    struct mr_http_client *client;
    struct mr_tls *tls;
    char directory[32], socket[64], ca_file[64];
    uint16_t port;
    struct mr_http_exchange *kept;
    int aborted, version, done, drained;
    size_t streamed, left;
    bool stopped;
    int status, error;
    bool retryable;
    struct mr_buf body, chunks;
    char type[64];
    char reason[256];
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
plan(struct mr_http_exchange *exchange, const struct mr_http_request *request,
     struct mr_http_plan *plan_out, void *context)
{
    (void)exchange;
    (void)context;
    if (mr_slice_is(request->path, "/small")) {
        plan_out->max_body = 10;
    } else if (mr_slice_is(request->path, "/stream")) {
        plan_out->stream = true;
    }
}

static void
go_on(void *context)
{
    struct world *world = context;
    if (world->kept != NULL) {
        mr_http_exchange_pause_body(world->kept, false);
    }
}

static void
on_chunk(struct mr_http_exchange *exchange, struct mr_slice chunk, void *context)
{
    struct world *world = context;
    world->streamed += chunk.size;
    world->kept = exchange;
    mr_http_exchange_pause_body(exchange, true);
    mr_loop_defer(world->loop, go_on, world);
}

static void
write_more(struct mr_http_exchange *exchange, void *context)
{
    struct world *world = context;
    mr_auto_free char *part = calloc(1, 100000);
    world->drained++;
    while (world->left > 0) {
        world->left--;
        mr_http_respond_write(exchange, mr_slice_of(part, 100000));
        if (world->left > 0 && mr_http_exchange_unsent(exchange) > 0) {
            mr_http_exchange_on_drain(exchange, write_more, world);
            return;
        }
    }
    mr_http_respond_end(exchange);
}

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct world *world = context;
    struct mr_http_header extra = { MR_SLICE("X-Extra"), MR_SLICE("a\r\nX-Evil: b") };
    struct mr_http_response response = {
        .status = 201,
        .content_type = MR_SLICE("application/json"),
        .headers = &extra,
        .header_count = 1,
        .body = request->body,
    };
    world->version = request->version;
    world->kept = NULL;
    if (mr_slice_is(request->path, "/keep")) {
        world->kept = exchange;
        mr_http_exchange_on_abort(exchange, on_aborted, world);
    } else if (mr_slice_is(request->path, "/cut")) {
        mr_http_abort(exchange);
    } else if (mr_slice_is(request->path, "/parts")) {
        world->left = 100;
        mr_http_respond_begin(exchange, &response);
        write_more(exchange, world);
    } else {
        ck_assert(mr_http_request_header(request, "Host").size > 0);
        mr_http_respond(exchange, &response);
    }
}

static struct world *
new_world(enum way way)
{
    struct world *world = calloc(1, sizeof(*world));
    struct mr_http_server_options options = { .handler = { plan, on_chunk, serve },
                                              .context = world };
    world->way = way;
    snprintf(world->directory, sizeof(world->directory), "/tmp/mr-net-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world->directory));
    snprintf(world->socket, sizeof(world->socket), "%s/s.sock", world->directory);
    snprintf(world->ca_file, sizeof(world->ca_file), "%s/tls.crt", world->directory);
    world->loop = mr_loop_new(NULL);
    world->server = mr_http_server_new(world->loop, &options);
    world->client = mr_http_client_new(world->loop);
    if (way == TLS || way == TLS_HTTP2) {
        world->tls = mr_tls_open_or_make(world->directory, NULL);
        ck_assert_ptr_nonnull(world->tls);
    }
    int fd = way == UNIX ? mr_net_listen_unix(world->socket, NULL)
                         : mr_net_listen_tcp("127.0.0.1", 0, NULL);
    world->port = mr_net_port(fd);
    ck_assert_int_eq(mr_http_server_listen_fd(world->server, fd, world->tls, NULL, NULL), 0);
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
    mr_http_client_free(world->client);
    mr_http_server_stop(world->server, 0, on_stopped, world);
    while (!world->stopped) {
        mr_loop_run_once(world->loop, 100);
    }
    mr_http_server_free(world->server);
    mr_loop_free(world->loop);
    mr_tls_free(world->tls);
    mr_buf_deinit(&world->body);
    mr_buf_deinit(&world->chunks);
    mr_auto_free char *key = NULL;
    ck_assert_int_gt(asprintf(&key, "%s/tls.key", world->directory), 0);
    unlink(key);
    unlink(world->ca_file);
    unlink(world->socket);
    rmdir(world->directory);
    free(world);
}

static void
on_done(const struct mr_http_result *result, void *context)
{
    struct world *world = context;
    struct mr_slice type =
        mr_http_header_get(result->headers, result->header_count, "content-type");
    ck_assert_ptr_null(
        mr_http_header_get(result->headers, result->header_count, "x-evil").data);
    world->done++;
    world->status = result->status;
    world->error = result->error == NULL ? 0 : result->error->code;
    snprintf(world->reason, sizeof(world->reason), "%s",
             result->error == NULL ? "" : result->error->text);
    world->retryable = result->error != NULL && result->error->retryable;
    mr_buf_deinit(&world->body);
    world->body = mr_buf_take(result->body);
    snprintf(world->type, sizeof(world->type), "%.*s", MR_SLICE_ARGS(type));
}

static struct mr_http_call *
ask(struct world *world, const char *path, struct mr_slice body,
    struct mr_http_call_options options)
{
    char url[128];
    bool tls = world->tls != NULL;
    snprintf(url, sizeof(url), "%s://localhost:%u%s", tls ? "https" : "http", world->port,
             path);
    options.method = "POST";
    options.url = url;
    options.body = body;
    options.http2 = world->way == HTTP2 || world->way == TLS_HTTP2;
    options.unix_socket = world->way == UNIX ? world->socket : NULL;
    options.ca_file = tls ? world->ca_file : NULL;
    return mr_http_client_send(world->client, &options, on_done, world);
}

static void
await(struct world *world, int done)
{
    for (int i = 0; i < 20000 && world->done < done; i++) {
        mr_loop_run_once(world->loop, 10);
    }
    ck_assert_int_eq(world->done, done);
}

static const struct mr_http_call_options usual;

START_TEST(a_body_comes_back_whole_over_every_kind_of_connection)
{
    struct world *world = new_world((enum way)_i);
    size_t sizes[] = { 0, 5, 3000000 };
    mr_auto_free uint8_t *body = malloc(3000000);
    for (size_t i = 0; i < 3000000; i++) {
        body[i] = (uint8_t)(i * 7 + i / 1000);
    }

    for (int i = 0; i < 3; i++) {
        ask(world, "/echo?q=1", mr_slice_of(body, sizes[i]), usual);
        ck_assert_int_eq(world->done, i);
        await(world, i + 1);

        ck_assert_msg(world->error == 0, "%zu bytes: %s", sizes[i], world->reason);
        ck_assert_int_eq(world->status, 201);
        ck_assert_str_eq(world->type, "application/json");
        ck_assert(mr_slice_eq(mr_buf_slice(&world->body), mr_slice_of(body, sizes[i])));
    }
    bool two = _i == HTTP2 || _i == TLS_HTTP2;
    ck_assert_int_eq(world->version, two ? 20 : 11);
    end_world(world);
}
END_TEST

START_TEST(many_calls_at_once_are_all_answered)
{
    struct world *world = new_world((enum way)_i);

    for (int i = 0; i < 200; i++) {
        ask(world, "/echo", MR_SLICE("hello"), usual);
    }
    await(world, 200);

    ck_assert_int_eq(world->status, 201);
    end_world(world);
}
END_TEST

static void
keep_chunk(int status, struct mr_slice chunk, void *context)
{
    struct world *world = context;
    ck_assert_int_eq(status, 201);
    mr_buf_append_slice(&world->chunks, chunk);
}

START_TEST(an_answer_in_parts_reaches_the_chunk_callback)
{
    struct world *world = new_world((enum way)_i);

    ask(world, "/parts", MR_SLICE(""), (struct mr_http_call_options){ .chunk = keep_chunk });
    await(world, 1);

    ck_assert_uint_eq(world->chunks.size, 10000000);
    ck_assert_uint_eq(world->body.size, 0);
    end_world(world);
}
END_TEST

START_TEST(a_streamed_request_body_can_be_held_back)
{
    struct world *world = new_world((enum way)_i);
    mr_auto_free char *body = calloc(1, 5000000);

    ask(world, "/stream", mr_slice_of(body, 5000000), usual);
    await(world, 1);

    ck_assert_uint_eq(world->streamed, 5000000);
    ck_assert_int_eq(world->status, 201);
    end_world(world);
}
END_TEST

START_TEST(a_body_over_the_plan_is_answered_413)
{
    struct world *world = new_world((enum way)_i);

    ask(world, "/small", MR_SLICE("hello world"), usual);
    await(world, 1);

    ck_assert_int_eq(world->status, 413);
    end_world(world);
}
END_TEST

START_TEST(a_cut_answer_is_an_error_that_may_be_tried_again)
{
    struct world *world = new_world((enum way)_i);

    ask(world, "/cut", MR_SLICE("x"), usual);
    await(world, 1);

    ck_assert_int_eq(world->status, 0);
    ck_assert_int_lt(world->error, 0);
    ck_assert(world->retryable);
    end_world(world);
}
END_TEST

START_TEST(a_cancelled_call_is_aborted_at_the_server_and_never_done)
{
    struct world *world = new_world((enum way)_i);
    struct mr_http_call *call = ask(world, "/keep", MR_SLICE("x"), usual);
    while (world->kept == NULL) {
        mr_loop_run_once(world->loop, 100);
    }

    mr_http_call_cancel(call);
    for (int i = 0; i < 100 && world->aborted == 0; i++) {
        mr_loop_run_once(world->loop, 100);
    }

    ck_assert_int_eq(world->aborted, 1);
    ck_assert_int_eq(world->done, 0);
    end_world(world);
}
END_TEST

START_TEST(a_call_that_takes_too_long_is_a_timeout)
{
    struct world *world = new_world((enum way)_i);

    ask(world, "/keep", MR_SLICE("x"), (struct mr_http_call_options){ .total_ms = 50 });
    await(world, 1);

    ck_assert_int_eq(world->error, -ETIMEDOUT);
    end_world(world);
}
END_TEST

START_TEST(an_answer_over_the_limit_is_an_error)
{
    struct world *world = new_world(PLAIN);

    ask(world, "/parts", MR_SLICE(""), (struct mr_http_call_options){ .max_response = 500000 });
    await(world, 1);

    ck_assert_int_eq(world->error, -EFBIG);
    end_world(world);
}
END_TEST

START_TEST(nobody_listening_is_an_error_that_may_be_tried_again)
{
    struct world *world = new_world(PLAIN);
    int fd = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    world->port = mr_net_port(fd);
    close(fd);

    ask(world, "/", MR_SLICE(""), usual);
    await(world, 1);

    ck_assert_int_eq(world->error, -ECONNREFUSED);
    ck_assert(world->retryable);
    end_world(world);
}
END_TEST

START_TEST(a_client_may_be_freed_with_calls_under_way)
{
    struct world *world = new_world((enum way)_i);
    for (int i = 0; i < 10; i++) {
        ask(world, "/keep", MR_SLICE("x"), usual);
    }
    while (world->kept == NULL) {
        mr_loop_run_once(world->loop, 100);
    }

    end_world(world);
}
END_TEST

MR_SUITE("net.http_client",
         MR_TEST_LOOP(a_body_comes_back_whole_over_every_kind_of_connection, WAYS),
         MR_TEST_LOOP(many_calls_at_once_are_all_answered, WAYS),
         MR_TEST_LOOP(an_answer_in_parts_reaches_the_chunk_callback, WAYS),
         MR_TEST_LOOP(a_streamed_request_body_can_be_held_back, WAYS),
         MR_TEST_LOOP(a_body_over_the_plan_is_answered_413, WAYS),
         MR_TEST_LOOP(a_cut_answer_is_an_error_that_may_be_tried_again, WAYS),
         MR_TEST_LOOP(a_cancelled_call_is_aborted_at_the_server_and_never_done, WAYS),
         MR_TEST_LOOP(a_call_that_takes_too_long_is_a_timeout, WAYS),
         MR_TEST(an_answer_over_the_limit_is_an_error),
         MR_TEST(nobody_listening_is_an_error_that_may_be_tried_again),
         MR_TEST_LOOP(a_client_may_be_freed_with_calls_under_way, WAYS))
