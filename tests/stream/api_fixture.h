/* api_fixture: the whole API on one loop, with a clock the test moves, and a client beside it.
 */
#ifndef MR_TESTS_STREAM_API_FIXTURE_H
#define MR_TESTS_STREAM_API_FIXTURE_H

#include <arpa/inet.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aws/sigv4.h"
#include "base/auto.h"
#include "base/buf.h"
#include "stream/api/auth.h"
#include "stream/api/fault.h"
#include "stream/api/front.h"
#include "stream/api/scaling.h"
#include "tests/stream/fixture.h"

enum { ROUND_MS = 2, PATIENCE = 5000 };

static _Atomic uint64_t api_clock_us;

static inline uint64_t
api_read_clock(const struct mr_clock *clock)
{
    (void)clock;
    return api_clock_us;
}

static const struct mr_clock api_clock = { api_read_clock, api_read_clock };

struct api {
    char *directory;
    struct mr_loop *loop;
    struct mr_store *store;
    struct mr_auth *auth;
    struct mr_faults *faults;
    struct mr_kinesis *kinesis;
    struct mr_http_server *server;
    uint16_t port;
    struct mr_buf in; /* the last answer, with a NUL behind it */
    bool stopped;
};

static inline void
api_post(void *loop, mr_store_fn *fn, void *context)
{
    mr_loop_post(loop, fn, context);
}

struct api_options {
    bool limits, anonymous_off;
    uint64_t state_delay_ms, shard_limit;
    const char *auth; /* the text of its file */
};

static inline void
api_open(struct api *api, struct api_options options)
{
    struct mr_error err = { 0 };
    memset(api, 0, sizeof(*api));
    api_clock_us = UINT64_C(1700000000) * 1000000;
    api->directory = make_directory();
    api->loop = mr_loop_new(&api_clock);
    api->store = open_with((struct mr_store_options){ .directory = api->directory,
                                                      .durability = MR_DURABILITY_OS,
                                                      .segment_bytes = 1024 * 1024,
                                                      .aws_limits = options.limits,
                                                      .clock = &api_clock,
                                                      .post = api_post });
    api->faults = mr_faults_new(1);
    if (options.auth != NULL) {
        char path[128];
        snprintf(path, sizeof(path), "%s/auth.json", api->directory);
        FILE *file = fopen(path, "w");
        fputs(options.auth, file);
        fclose(file);
        api->auth = mr_auth_open(path, &err);
        ck_assert_msg(api->auth != NULL, "%s", err.text);
    }
    struct mr_kinesis_options kinesis = { .loop = api->loop,
                                          .store = api->store,
                                          .directory = api->directory,
                                          .region = "us-east-1",
                                          .account = "123456789012",
                                          .limits = options.limits,
                                          .anonymous = !options.anonymous_off,
                                          .state_delay_ms = options.state_delay_ms,
                                          .shard_limit = options.shard_limit,
                                          .auth = api->auth,
                                          .faults = api->faults };
    api->kinesis = mr_kinesis_new(&kinesis, &err);
    ck_assert_msg(api->kinesis != NULL, "%s", err.text);
    struct mr_http_server_options http = { .handler = mr_front_handler(),
                                           .context = api->kinesis };
    api->server = mr_http_server_new(api->loop, &http);
    int fd = mr_net_listen_tcp("127.0.0.1", 0, &err);
    ck_assert_int_ge(fd, 0);
    api->port = mr_net_port(fd);
    ck_assert_int_eq(mr_http_server_listen_fd(api->server, fd, NULL, NULL, &err), 0);
}

static inline void
api_on_stopped(void *context)
{
    *(bool *)context = true;
}

static inline void
api_close(struct api *api)
{
    mr_kinesis_wind_down(api->kinesis);
    mr_http_server_stop(api->server, 0, api_on_stopped, &api->stopped);
    while (!api->stopped) {
        mr_loop_run_once(api->loop, ROUND_MS);
    }
    mr_http_server_free(api->server);
    mr_store_close(api->store);
    mr_loop_run_once(api->loop, 0);
    mr_kinesis_free(api->kinesis);
    mr_auth_close(api->auth);
    mr_faults_free(api->faults);
    mr_loop_free(api->loop);
    mr_buf_deinit(&api->in);
    remove_directory(api->directory);
}

static inline void
api_advance_ms(struct api *api, uint64_t ms)
{
    api_clock_us += ms * 1000;
    for (int i = 0; i < 5; i++) {
        mr_loop_run_once(api->loop, ROUND_MS);
    }
}

/* A connection of the test's own, which sends nothing by itself. */
static inline int
api_dial(struct api *api)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(api->port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Is there a whole answer with a length? */
static inline bool
api_has_answer(const struct mr_buf *in)
{
    const char *text = (const char *)in->data;
    const char *end = in->size == 0 ? NULL : memmem(text, in->size, "\r\n\r\n", 4);
    const char *length = end == NULL ? NULL : memmem(text, in->size, "Content-Length: ", 16);
    return length != NULL &&
           in->size >= (size_t)(end - text) + 4 + strtoul(length + 16, NULL, 10);
}

static inline void
api_send(struct api *api, int fd, struct mr_slice bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        bytes = mr_slice_from(bytes, sent < 0 ? 0 : (size_t)sent);
        mr_loop_run_once(api->loop, 0);
    }
}

/* What came on `fd` within a round. */
static inline bool
api_receive(struct api *api, int fd, struct mr_buf *in)
{
    mr_loop_run_once(api->loop, ROUND_MS);
    ssize_t got = recv(fd, mr_buf_reserve(in, 1 << 16), 1 << 16, MSG_DONTWAIT);
    in->size += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* One call, whole. Returns the status; the body is in api_body(). */
static inline int
api_raw(struct api *api, const char *path, const char *headers, struct mr_slice body)
{
    mr_auto_buf struct mr_buf request = { 0 };
    mr_auto_fd int fd = api_dial(api);
    mr_buf_printf(&request,
                  "POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: %zu\r\n\r\n", path,
                  headers, body.size);
    mr_buf_append_slice(&request, body);
    api_send(api, fd, mr_buf_slice(&request));
    mr_buf_clear(&api->in);
    for (int i = 0; i < PATIENCE && !api_has_answer(&api->in); i++) {
        api_receive(api, fd, &api->in);
    }
    ck_assert_msg(api_has_answer(&api->in), "no answer");
    mr_buf_append_byte(&api->in, 0);
    return atoi((const char *)api->in.data + 9);
}

static inline const char *
api_body(const struct api *api)
{
    return strstr((const char *)api->in.data, "\r\n\r\n") + 4;
}

__attribute__((format(printf, 3, 4))) static inline int
api_call(struct api *api, const char *operation, const char *format, ...)
{
    mr_auto_buf struct mr_buf body = { 0 };
    char headers[256];
    va_list args;
    va_start(args, format);
    char *text = NULL;
    ck_assert_int_ge(vasprintf(&text, format, args), 0);
    va_end(args);
    mr_buf_append_str(&body, text);
    free(text);
    snprintf(
        headers, sizeof(headers),
        "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Kinesis_20131202.%s\r\n",
        operation);
    return api_raw(api, "/", headers, mr_buf_slice(&body));
}

/* The text of a member, wherever it first stands in the answer; in a buffer of its own. */
static inline const char *
api_text(const struct api *api, const char *member)
{
    static char text[2048];
    char key[128];
    snprintf(key, sizeof(key), "\"%s\":\"", member);
    const char *from = strstr(api_body(api), key);
    ck_assert_msg(from != NULL, "no %s in %s", member, api_body(api));
    from += strlen(key);
    snprintf(text, sizeof(text), "%.*s", (int)(strchr(from, '"') - from), from);
    return text;
}

static inline unsigned
api_count(const struct api *api, const char *what)
{
    unsigned count = 0;
    for (const char *at = api_body(api); (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

#define api_ok(api, operation, ...)                                                  \
    ck_assert_msg(api_call(api, operation, __VA_ARGS__) == 200, "%s: %s", operation, \
                  api_body(api))

/* Refused with that error, and a message that begins so. */
#define api_refused(api, code, words, operation, ...)                                     \
    do {                                                                                  \
        ck_assert_int_eq(api_call(api, operation, __VA_ARGS__), 400);                     \
        ck_assert_str_eq(api_text(api, "__type"), code);                                  \
        ck_assert_msg(strncmp(api_text(api, "message"), words, strlen(words)) == 0, "%s", \
                      api_body(api));                                                     \
    } while (0)

#endif
