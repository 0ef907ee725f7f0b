#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/harden.h"
#include "base/log.h"
#include "control/streams.h"
#include "runtime/bootstraps.h"

enum { MAX_VARIABLES = 8, SANDBOXD_MS = 10000 };

struct mr_millraced {
    struct mr_loop *loop;
    struct mr_http_client *http;
    struct mr_launcher *launcher;
    struct mr_streams *streams;
    struct mr_credential_chain *credentials; /* of destinations */
    struct mr_control *control;
    struct mr_http_server *server;
    struct mr_keeper *keeper; /* the caller's */
    struct mr_watch *keeper_watch;
    struct mr_arena arena;
    const char *data, *bootstraps; /* in the arena */
    int lock_fd;
    int unix_fd, tcp_fd; /* bound and not served yet; -1: none */
    uint16_t port;
    unsigned stopping; /* parts whose end has not come yet */
    mr_loop_fn *stopped;
    void *stopped_context;
};

/* ---- places ---- */

/* As mkdir -p; then its absolute name. */
static const char *
make_data(struct mr_millraced *millraced, const char *given, struct mr_error *err)
{
    mr_auto_free char *path = mr_strdup(given);
    char absolute[PATH_MAX];

    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(path, 0755);
            *at = '/';
        }
    }
    if ((mkdir(path, 0755) < 0 && errno != EEXIST) || realpath(path, absolute) == NULL) {
        mr_fail(err, -errno, "make directory %s: %s", path, strerror(errno));
        return NULL;
    }
    return mr_arena_cstr(&millraced->arena, mr_slice_str(absolute));
}

/* Two of us on one directory would undo each other's work. */
static int
lock_data(struct mr_millraced *millraced, struct mr_error *err)
{
    const char *path = mr_arena_printf(&millraced->arena, "%s/lock", millraced->data);

    millraced->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (millraced->lock_fd < 0) {
        return mr_fail(err, -errno, "open %s: %s", path, strerror(errno));
    }
    if (flock(millraced->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        return mr_fail(err, -EBUSY,
                       "%s is in use by another millraced: stop that one, or give --data",
                       millraced->data);
    }
    return mr_harden_give(path, millraced->data, err);
}

static const char *
find_bootstraps(struct mr_millraced *millraced, const char *given)
{
    char absolute[PATH_MAX];
    mr_auto_free char *found = given == NULL ? mr_bootstraps_find() : NULL;
    const char *path = given == NULL                       ? found
                       : realpath(given, absolute) != NULL ? absolute
                                                           : given;

    return path == NULL ? NULL : mr_arena_cstr(&millraced->arena, mr_slice_str(path));
}

/* ---- parts ---- */

static void
on_keeper(int events, void *context)
{
    struct mr_millraced *millraced = context;
    struct mr_error err = { 0 };
    int fd = mr_keeper_take(millraced->keeper, 0, &err);

    (void)events;
    if (fd >= 0) {
        mr_log(MR_LOG_WARN, "control", "the sandbox daemon was started again");
        mr_launcher_sandbox_renew(millraced->launcher, fd);
    } else if (fd != -EAGAIN) {
        mr_log(MR_LOG_ERROR, "control", "%s: no sandbox can be started any more", err.text);
        mr_watch_set(millraced->keeper_watch, 0);
    }
}

static int
open_launcher(struct mr_millraced *millraced, struct mr_error *err)
{
    if (millraced->keeper == NULL) {
        millraced->launcher = mr_launcher_plain_new(millraced->loop);
        return 0;
    }
    int fd = mr_keeper_take(millraced->keeper, SANDBOXD_MS, err);
    if (fd < 0) {
        return fd;
    }
    millraced->launcher = mr_launcher_sandbox_new(millraced->loop, fd);
    millraced->keeper_watch =
        mr_watch_new(millraced->loop, millraced->keeper->fd, MR_READABLE, on_keeper, millraced);
    return mr_launcher_sandbox_await(millraced->launcher, SANDBOXD_MS, err);
}

static bool
is_aws(const char *endpoint)
{
    return endpoint != NULL && strcmp(endpoint, "aws") == 0;
}

static size_t
add_variables(struct mr_millraced *millraced, const struct mr_millraced_options *options,
              struct mr_slice *variables)
{
    size_t count = 0;

    if (!is_aws(options->kinesis)) { /* for our own endpoint, which takes any */
        variables[count++] = MR_SLICE("AWS_ACCESS_KEY_ID=test");
        variables[count++] = MR_SLICE("AWS_SECRET_ACCESS_KEY=test");
    }
    if (options->public_endpoint != NULL) {
        variables[count++] = mr_slice_str(mr_arena_printf(
            &millraced->arena, "AWS_ENDPOINT_URL=%s", options->public_endpoint));
    }
    return count;
}

/* Of an endpoint on our own loopback: functions without network reach it there too. 0: none. */
static uint16_t
loopback_port(const char *url)
{
    static const char *const starts[] = { "http://127.0.0.1:", "http://localhost:" };

    for (size_t i = 0; url != NULL && i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (strncmp(url, starts[i], strlen(starts[i])) == 0) {
            struct mr_slice port = mr_slice_str(url + strlen(starts[i]));
            uint64_t number;
            while (mr_slice_ends_with(port, MR_SLICE("/"))) {
                port = mr_slice_first(port, port.size - 1);
            }
            return mr_slice_to_u64(port, &number) && number <= UINT16_MAX ? (uint16_t)number
                                                                          : 0;
        }
    }
    return 0;
}

/* Of `--endpoint SERVICE=URL`, else of AWS_ENDPOINT_URL_SERVICE; NULL: none. */
static const char *
endpoint_of(const struct mr_millraced_options *options, const char *service,
            const char *variable)
{
    size_t length = strlen(service);

    for (size_t i = 0; options->endpoints[i] != NULL; i++) {
        const char *given = options->endpoints[i];
        if (strncmp(given, service, length) == 0 && given[length] == '=') {
            return given + length + 1;
        }
    }
    const char *url = getenv(variable);
    return url != NULL && url[0] != '\0' ? url : NULL;
}

/* Of tables' streams: a service with a variable of its own; local servers have both in one. */
static const char *
dynamodb_endpoint(const struct mr_millraced_options *options)
{
    const char *own =
        endpoint_of(options, "dynamodbstreams", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS");

    return own != NULL ? own : endpoint_of(options, "dynamodb", "AWS_ENDPOINT_URL_DYNAMODB");
}

/* Where failure documents go. */
static void
open_destinations(struct mr_millraced *millraced, const struct mr_millraced_options *options,
                  struct mr_control_options *out)
{
    out->http = millraced->http;
    out->sqs_endpoint = endpoint_of(options, "sqs", "AWS_ENDPOINT_URL_SQS");
    out->sns_endpoint = endpoint_of(options, "sns", "AWS_ENDPOINT_URL_SNS");
    out->s3_endpoint = endpoint_of(options, "s3", "AWS_ENDPOINT_URL_S3");
    const struct mr_credential_chain_options chain = {
        .loop = millraced->loop,
        .http = millraced->http,
        .local = !is_aws(out->sqs_endpoint) && !is_aws(out->sns_endpoint) &&
                 !is_aws(out->s3_endpoint),
    };
    millraced->credentials = mr_credential_chain_new(&chain);
    out->credentials = millraced->credentials;
}

static int
open_control(struct mr_millraced *millraced, const struct mr_millraced_options *options,
             struct mr_error *err)
{
    struct mr_slice variables[MAX_VARIABLES];
    struct mr_control_options control = {
        .loop = millraced->loop,
        .data = millraced->data,
        .region = options->region,
        .account = options->account,
        .launcher = millraced->launcher,
        .bootstraps = millraced->bootstraps,
        .environment = variables,
        .environment_count = add_variables(millraced, options, variables),
        .max_concurrency = options->max_concurrency,
        .idle_ms = options->idle_ms,
        .freeze = options->freeze,
        .network_host = options->network_host,
        .forward_port = loopback_port(options->public_endpoint),
        .open_source = mr_streams_open,
        .open_context = millraced->streams,
        .reads_tables = dynamodb_endpoint(options) != NULL,
        .settle_ms = options->settle_ms,
        .aws_cadence = options->aws_cadence,
        .backoff_ms = options->backoff_ms,
        .lambda_log = options->lambda_log,
    };

    open_destinations(millraced, options, &control);
    millraced->control = mr_control_new(&control, err);
    return millraced->control == NULL ? err->code : 0;
}

/* ---- listeners: bound before we give up our rights, served after ---- */

static int
bind_listeners(struct mr_millraced *millraced, const struct mr_millraced_options *options,
               struct mr_error *err)
{
    if (options->socket != NULL) {
        millraced->unix_fd = mr_net_listen_unix(options->socket, err);
        if (millraced->unix_fd < 0 ||
            mr_harden_give(options->socket, millraced->data, err) < 0) {
            return err->code;
        }
    }
    if (options->listen_tcp) {
        const char *host = options->host != NULL ? options->host : "127.0.0.1";
        millraced->tcp_fd = mr_net_listen_tcp(host, options->port, err);
        if (millraced->tcp_fd < 0) {
            return err->code;
        }
        millraced->port = mr_net_port(millraced->tcp_fd);
    }
    return 0;
}

/* The server owns the descriptor from now on. */
static int
serve_on(struct mr_millraced *millraced, int *fd, struct mr_error *err)
{
    int taken = *fd;

    *fd = -1;
    return taken < 0 ? 0 : mr_http_server_listen_fd(millraced->server, taken, NULL, NULL, err);
}

static int
open_server(struct mr_millraced *millraced, struct mr_error *err)
{
    const struct mr_http_server_options server = { .handler = mr_control_handler(),
                                                   .context = millraced->control };

    millraced->server = mr_http_server_new(millraced->loop, &server);
    if (serve_on(millraced, &millraced->unix_fd, err) < 0) {
        return err->code;
    }
    return serve_on(millraced, &millraced->tcp_fd, err);
}

/* From here on a bug in a parser reaches our own directory and no more. */
static int
harden(struct mr_millraced *millraced, struct mr_error *err)
{
    const char *home = getenv("HOME");
    const char *const read_paths[] = {
        millraced->bootstraps != NULL ? millraced->bootstraps : "/usr",
        mr_arena_printf(&millraced->arena, "%s/.aws", home != NULL ? home : "/root"),
        NULL,
    };
    const struct mr_harden_daemon own = { .data_dir = millraced->data,
                                          .read_paths = read_paths };
    char took[160];

    if (mr_harden_daemon(&own, took, sizeof(took), err) < 0) {
        return err->code;
    }
    mr_log(MR_LOG_INFO, "control", "hardened: %s", took);
    return 0;
}

static int
open_streams(struct mr_millraced *millraced, const struct mr_millraced_options *options,
             struct mr_error *err)
{
    millraced->http = mr_http_client_new(millraced->loop);
    const struct mr_streams_options streams = {
        .loop = millraced->loop,
        .http = millraced->http,
        .kinesis = options->kinesis,
        .dynamodb = dynamodb_endpoint(options),
        .region = options->region != NULL ? options->region : "us-east-1",
    };

    millraced->streams = mr_streams_new(&streams, err);
    return millraced->streams == NULL ? err->code : 0;
}

struct mr_millraced *
mr_millraced_new(struct mr_loop *loop, const struct mr_millraced_options *options,
                 struct mr_error *err)
{
    struct mr_millraced *millraced = mr_alloc_zero(1, sizeof(*millraced));

    millraced->loop = loop;
    millraced->keeper = options->keeper;
    millraced->lock_fd = millraced->unix_fd = millraced->tcp_fd = -1;
    millraced->bootstraps = find_bootstraps(millraced, options->bootstraps);
    millraced->data = make_data(millraced, options->data, err);
    if (millraced->data == NULL || lock_data(millraced, err) < 0 ||
        bind_listeners(millraced, options, err) < 0 ||
        (options->harden && harden(millraced, err) < 0) ||
        open_streams(millraced, options, err) < 0 || open_launcher(millraced, err) < 0 ||
        open_control(millraced, options, err) < 0 || open_server(millraced, err) < 0) {
        mr_millraced_free(millraced);
        return NULL;
    }
    return millraced;
}

uint16_t
mr_millraced_port(const struct mr_millraced *millraced)
{
    return millraced->port;
}

const char *
mr_millraced_isolation(const struct mr_millraced *millraced)
{
    const char *said = millraced->launcher->isolation;

    return said != NULL ? said : "";
}

/* ---- the end ---- */

static void
on_part_stopped(void *context)
{
    struct mr_millraced *millraced = context;

    if (--millraced->stopping == 0) {
        millraced->stopped(millraced->stopped_context);
    }
}

void
mr_millraced_stop(struct mr_millraced *millraced, uint64_t grace_ms, mr_loop_fn *done,
                  void *context)
{
    millraced->stopped = done;
    millraced->stopped_context = context;
    millraced->stopping = 2;
    mr_control_stop(millraced->control, grace_ms, on_part_stopped, millraced);
    mr_http_server_stop(millraced->server, grace_ms, on_part_stopped, millraced);
}

void
mr_millraced_free(struct mr_millraced *millraced)
{
    if (millraced == NULL) {
        return;
    }
    if (millraced->unix_fd >= 0) {
        close(millraced->unix_fd);
    }
    if (millraced->tcp_fd >= 0) {
        close(millraced->tcp_fd);
    }
    mr_watch_free(millraced->keeper_watch);
    mr_http_server_free(millraced->server);
    mr_control_free(millraced->control);
    if (millraced->keeper != NULL) {
        mr_keeper_stop(millraced->keeper); /* or it would start the next when ours hangs up */
    }
    mr_launcher_free(millraced->launcher);
    mr_credential_chain_free(millraced->credentials);
    mr_streams_free(millraced->streams);
    mr_http_client_free(millraced->http);
    if (millraced->lock_fd >= 0) {
        close(millraced->lock_fd);
    }
    mr_arena_deinit(&millraced->arena);
    free(millraced);
}
