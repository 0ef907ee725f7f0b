#include "tests/runtime/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/http_server.h"

/* ---- a launcher that launches nothing: the test itself plays the process ---- */

static void
listen_to(void *self, const struct mr_launch_events *events, void *context)
{
    struct stage *stage = self;

    stage->events = *events;
    stage->events_context = context;
}

static void
announce(void *context)
{
    struct stage *stage = context;
    int ends[2];
    int fd = mr_net_listen_tcp("127.0.0.1", 0, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    stage->port = mr_net_port(fd);
    stage->log_write = ends[1];
    const struct mr_launch_started started = { .listener_fd = fd, .log_fd = ends[0] };
    stage->events.started(stage->events_context, stage->environment, &started);
}

static int
launch(void *self, const struct mr_launch *what, struct mr_error *err)
{
    struct stage *stage = self;

    (void)err;
    stage->launches++;
    stage->environment = what->environment;
    stage->variables[0] = 0;
    for (size_t i = 0, used = 0; i < what->env_count && used < sizeof(stage->variables); i++) {
        used += (size_t)snprintf(stage->variables + used, sizeof(stage->variables) - used,
                                 "%.*s\n", MR_SLICE_ARGS(what->env[i]));
    }
    mr_loop_defer(stage->loop, announce, stage);
    return 0;
}

static void
exit_now(void *context)
{
    struct stage *stage = context;
    const struct mr_launch_exit killed = { .signal = 9 };

    close(stage->log_write);
    stage->events.exited(stage->events_context, stage->environment, &killed);
}

static void
kill_it(void *self, uint64_t environment)
{
    struct stage *stage = self;

    (void)environment;
    stage->kills++;
    mr_loop_defer(stage->loop, exit_now, stage);
}

static void
terminate(void *self, uint64_t environment)
{
    struct stage *stage = self;

    (void)environment;
    stage->terminations++;
}

static void
nothing(void *self, uint64_t environment)
{
    (void)self;
    (void)environment;
}

static uint64_t
no_peak(void *self, uint64_t environment)
{
    (void)self;
    (void)environment;
    return 1 << 20;
}

static void
no_free(void *self)
{
    (void)self;
}

/* ---- the stage ---- */

static void
on_log(const struct mr_runtime_log *log, void *context)
{
    struct stage *stage = context;
    size_t used = strlen(stage->log);

    snprintf(stage->log + used, sizeof(stage->log) - used, "%.*s\n", MR_SLICE_ARGS(log->line));
}

void
stage_begin(struct stage *stage)
{
    stage_begin_with(stage, &(struct mr_function){ .timeout_ms = 30000 });
}

void
stage_set_function(struct stage *stage, const struct mr_function *given)
{
    struct mr_error err = { 0 };
    struct mr_function function = *given;

    function.name = MR_SLICE("f");
    function.code_dir = MR_SLICE("/tmp");
    function.runtime = MR_SLICE("python3.12");
    function.handler = given->handler.size > 0 ? given->handler : MR_SLICE("a.b");
    ck_assert_msg(mr_runtime_set_function(stage->runtime, &function, &err) == 0, "%s",
                  err.text);
}

void
stage_begin_with(struct stage *stage, const struct mr_function *function)
{
    *stage = (struct stage){ .loop = mr_loop_new(NULL) };
    stage->launcher = (struct mr_launcher){
        .self = stage,
        .listen = listen_to,
        .launch = launch,
        .kill = kill_it,
        .terminate = terminate,
        .freeze = nothing,
        .thaw = nothing,
        .release = nothing,
        .memory_peak = no_peak,
        .free = no_free,
    };
    static const struct mr_slice variables[] = { MR_SLICE_INIT("AWS_ACCESS_KEY_ID=key") };
    const struct mr_runtime_options options = { .launcher = &stage->launcher,
                                                .bootstraps = "/nowhere",
                                                .environment = variables,
                                                .environment_count = 1,
                                                .log = on_log,
                                                .log_context = stage };
    stage->runtime = mr_runtime_new(stage->loop, &options);
    stage_set_function(stage, function);
}

void
stage_on_done(const struct mr_invocation_result *result, void *context)
{
    struct stage *stage = context;

    stage->done++;
    stage->outcome = result->outcome;
    stage->payload_size = result->payload.size;
    snprintf(stage->payload, sizeof(stage->payload), "%.*s",
             MR_SLICE_ARGS(mr_slice_first(result->payload, 500)));
    snprintf(stage->error_type, sizeof(stage->error_type), "%.*s",
             MR_SLICE_ARGS(result->error_type));
}

void
stage_invoke(struct stage *stage, const char *payload)
{
    const struct mr_invocation_request request = {
        .function = MR_SLICE("f"),
        .payload = mr_slice_str(payload),
        .client_context = MR_SLICE("{\"custom\":1}"),
        .cognito_identity = MR_SLICE("{\"cognitoIdentityId\":\"i\"}"),
        .trace_id = MR_SLICE("Root=1-2-3"),
        .tenant_id = MR_SLICE("blue"),
    };

    mr_runtime_invoke(stage->runtime, &request, stage_on_done, stage);
    do {
        mr_loop_run_once(stage->loop, 5);
    } while (stage->port == 0);
}

int
stage_dial(struct stage *stage)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(stage->port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

const char *
stage_ask_bytes(struct stage *stage, const char *bytes, size_t size, bool half_close)
{
    static char answer[65536];
    size_t sent = 0, got = 0;
    int fd = stage_dial(stage);
    bool shut = false;

    for (int i = 0; i < 20000; i++) {
        ssize_t n = sent < size ? send(fd, bytes + sent, size - sent, MSG_NOSIGNAL) : 0;
        sent += n > 0 ? (size_t)n : 0;
        if (sent == size && half_close && !shut) {
            shut = shutdown(fd, SHUT_WR) == 0;
        }
        mr_loop_run_once(stage->loop, 1);
        n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0);
        got += n > 0 ? (size_t)n : 0;
        answer[got] = 0;
        char *end = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
        if (got > 0 && end != NULL &&
            (length == NULL ||
             got >= (size_t)(end - answer) + 4 + strtoul(length + 16, NULL, 10))) {
            break;
        }
        if (n == 0) {
            break;
        }
    }
    answer[got] = 0;
    close(fd);
    return answer;
}

const char *
stage_ask(struct stage *stage, const char *method, const char *path, const char *headers,
          const char *body)
{
    mr_auto_free char *text =
        mr_format("%s /2018-06-01%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s",
                  method, path, headers, strlen(body), body);

    return stage_ask_bytes(stage, text, strlen(text), false);
}

const char *
stage_next(struct stage *stage)
{
    const char *answer = stage_ask(stage, "GET", "/runtime/invocation/next", "", "");
    const char *id = strstr(answer, "Lambda-Runtime-Aws-Request-Id: ");

    ck_assert_msg(id != NULL, "%s", answer);
    snprintf(stage->id, sizeof(stage->id), "%.36s", id + 31);
    return answer;
}

const char *
stage_post(struct stage *stage, const char *what, const char *headers, const char *body)
{
    char path[128];

    snprintf(path, sizeof(path), "/runtime/invocation/%s/%s", stage->id, what);
    return stage_ask(stage, "POST", path, headers, body);
}

static void
on_stopped(void *context)
{
    ((struct stage *)context)->stopped = true;
}

void
stage_end(struct stage *stage)
{
    mr_runtime_stop(stage->runtime, on_stopped, stage);
    for (int i = 0; i < 1000 && !stage->stopped; i++) {
        mr_loop_run_once(stage->loop, 5);
    }
    ck_assert(stage->stopped);
    mr_runtime_free(stage->runtime);
    mr_loop_free(stage->loop);
}
