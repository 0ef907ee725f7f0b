/*
 * The daemons of `millrace up`: their arguments, their start in order, their stop in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/up.h"

enum { READY_MS = 30000, DRAIN_MS = 60000, STREAMD_GRACE_MS = 10000, LOOK_MS = 100 };

void
mr_up_remember_pid(struct mr_up *up, const struct mr_daemon *daemon)
{
    mr_state_file_put(up->state, "daemons", mr_daemon_program(daemon),
                      json_integer(mr_daemon_pid(daemon)));
}

static void
on_daemon(struct mr_daemon *daemon, enum mr_daemon_event event, const char *text, void *context)
{
    struct mr_up *up = context;
    if (event == MR_DAEMON_FELL) {
        mr_say_wrong(&up->say, "fell", "%s: %s; starting it again", mr_daemon_program(daemon),
                     text);
        if (daemon == up->millraced && up->lines != NULL) {
            mr_batch_lines_begin_anew(up->lines);
        }
    } else if (event == MR_DAEMON_READY && up->serving) {
        struct mr_error ignored;
        mr_say_warn(&up->say, "again", "%s is back", mr_daemon_program(daemon));
        mr_up_remember_pid(up, daemon);
        mr_state_file_write(up->state, &ignored);
    }
}

static void
set_streamd_arguments(struct mr_up *up)
{
    mr_auto_free char *data = mr_format("%s/streamd", up->data);
    mr_auto_free char *socket = mr_format("%s/streamd.sock", up->sockets);
    mr_auto_free char *forward = mr_format("%s/millraced.sock", up->sockets);
    mr_auto_free char *port = mr_format("%llu", (unsigned long long)up->port);
    const char *arguments[] = { "--data",
                                data,
                                "--port",
                                port,
                                "--socket",
                                socket,
                                "--forward",
                                forward,
                                "--region",
                                up->model->region,
                                "--account",
                                up->model->account_id,
                                "--durability",
                                up->flags->durability,
                                "--limits",
                                up->flags->limits,
                                NULL };
    mr_daemon_set_arguments(up->streamd, arguments);
}

/* `--endpoint sqs=URL` for each AWS_ENDPOINT_URL_... of a service that is not ours. */
static size_t
add_endpoints(struct mr_up *up, const char **arguments, size_t count)
{
    static const char *const services[][2] = {
        { "sqs", "AWS_ENDPOINT_URL_SQS" },
        { "sns", "AWS_ENDPOINT_URL_SNS" },
        { "s3", "AWS_ENDPOINT_URL_S3" },
        { "dynamodb", "AWS_ENDPOINT_URL_DYNAMODB" },
        { "dynamodbstreams", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS" },
    };
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        const char *url = getenv(services[i][1]);
        if (url != NULL && url[0] != '\0') {
            arguments[count++] = "--endpoint";
            arguments[count++] = mr_arena_printf(&up->arena, "%s=%s", services[i][0], url);
        }
    }
    return count;
}

static void
set_millraced_arguments(struct mr_up *up)
{
    struct mr_arena *arena = &up->arena;
    const char *arguments[64];
    size_t count = 0;
    const char *always[] = {
        "--data",
        mr_arena_printf(arena, "%s/millraced", up->data),
        "--socket",
        mr_arena_printf(arena, "%s/millraced.sock", up->sockets),
        "--kinesis",
        mr_arena_printf(arena, "unix:%s/streamd.sock", up->sockets),
        "--public-endpoint",
        up->endpoint,
        "--region",
        up->model->region,
        "--account",
        up->model->account_id,
        "--sandbox",
        up->flags->sandbox,
        "--network",
        up->flags->network,
    };
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        arguments[count++] = always[i];
    }
    if (up->flags->aws_cadence) {
        arguments[count++] = "--aws-cadence";
    }
    if (up->flags->backoff_ms != NULL) {
        arguments[count++] = "--backoff-ms";
        arguments[count++] = up->flags->backoff_ms;
    }
    count = add_endpoints(up, arguments, count);
    arguments[count] = NULL;
    mr_daemon_set_arguments(up->millraced, arguments);
}

/* streamd first: its port is what everything else is told. */
int
mr_up_start_daemons(struct mr_up *up, struct mr_error *err)
{
    mr_auto_free char *log = mr_format("%s/log", up->data);
    mr_auto_free char *streamd_log = mr_format("%s/streamd.log", log);
    mr_auto_free char *millraced_log = mr_format("%s/millraced.log", log);
    if (mr_make_directories(log, err) < 0) {
        return err->code;
    }
    up->streamd = mr_daemon_new(up->loop, "millrace-streamd", streamd_log, on_daemon, up);
    up->millraced = mr_daemon_new(up->loop, "millraced", millraced_log, on_daemon, up);
    up->port = up->flags->port;
    set_streamd_arguments(up);
    if (mr_daemon_start(up->streamd, err) < 0 ||
        mr_daemon_wait_ready(up->streamd, READY_MS, &up->interrupted, err) < 0) {
        return err->code;
    }
    up->port = strtoull(mr_daemon_ready_text(up->streamd), NULL, 10);
    set_streamd_arguments(up); /* started again, it must be where it was */
    up->endpoint =
        mr_arena_printf(&up->arena, "http://127.0.0.1:%llu", (unsigned long long)up->port);
    set_millraced_arguments(up);
    if (mr_daemon_start(up->millraced, err) < 0) {
        return err->code;
    }
    return mr_daemon_wait_ready(up->millraced, READY_MS, &up->interrupted, err);
}

static void
stop_one(struct mr_up *up, struct mr_daemon *daemon, uint64_t grace_ms)
{
    if (daemon == NULL) {
        return;
    }
    mr_daemon_stop(daemon, grace_ms);
    int signals = up->signals;
    while (mr_daemon_is_running(daemon)) {
        mr_loop_run_once(up->loop, LOOK_MS);
        if (up->signals > signals) {
            mr_daemon_kill(daemon);
        }
    }
}

/* millraced drains while the streams it reads and checkpoints are still there. */
bool
mr_up_stop_daemons(struct mr_up *up)
{
    int signals = up->signals;
    stop_one(up, up->millraced, DRAIN_MS);
    mr_follow_free(MR_TAKE(up->follow));
    stop_one(up, up->streamd, STREAMD_GRACE_MS);
    return up->signals == signals;
}
