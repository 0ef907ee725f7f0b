/*
 * millrace up: a template, running: built, created, mapped, watched; Ctrl-C drains and stops.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <argp.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/template_flags.h"
#include "cli/terminal.h"
#include "cli/up.h"
#include "cli/verb.h"
#include "net/http_server.h"

enum {
    FRESH = 256,
    OUTPUT,
    LAMBDA_LOG,
    SANDBOX,
    NETWORK,
    DURABILITY,
    LIMITS,
    WATCH,
    NO_BUILD,
    NO_TEMPLATE,
    AWS_CADENCE,
    BACKOFF,
    READY_MS = 30000,
    DRAIN_MS = 60000,
    STREAMD_GRACE_MS = 10000,
    LOOK_MS = 100,
    SAME_SIGNAL_MS = 300,
    PREDECESSOR_MS = 15000,
    COMM_BYTES = 15, /* of a process's name in /proc */
};

static const struct argp_option options[] = {
    { "port", 'p', "N", 0, "Listen on this port for Kinesis and Lambda; 0 picks one (4566)",
      0 },
    { "data", 'd', "DIR", 0, "Keep everything in this directory (.millrace)", 0 },
    { "fresh", FRESH, NULL, 0, "Begin anew: forget streams, records and positions", 0 },
    { "no-template", NO_TEMPLATE, NULL, 0,
      "Serve the APIs alone: streams, functions and mappings are made by their callers", 1 },
    { "no-build", NO_BUILD, NULL, 0, "Run what the last build left", 1 },
    { "watch", 'w', NULL, 0, "Build and reload when code or template change", 1 },
    { "output", OUTPUT, "text|json", 0, "json: one object a line", 2 },
    { "lambda-log", LAMBDA_LOG, NULL, 0, "Print Lambda's START, END and REPORT lines", 2 },
    { "quiet", 'q', NULL, 0, "No line for each batch", 2 },
    { "sandbox", SANDBOX, "auto|require:LEVEL|off", 0,
      "How handlers are shut in; require fails when the host cannot (auto)", 3 },
    { "network", NETWORK, "none|host", 0, "What network handlers have (host)", 3 },
    { "durability", DURABILITY, "sync|os", 0,
      "What was acknowledged survives a power cut, or a crash of a process (os)", 3 },
    { "limits", LIMITS, "none|aws", 0, "Keep AWS's rates per shard (none)", 3 },
    { "aws-cadence", AWS_CADENCE, NULL, 0, "Read shards as seldom as AWS does", 3 },
    { "backoff-ms", BACKOFF, "N", 0, "The first pause before a retry", 3 },
    { 0 },
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const outputs[] = { "text", "json", NULL };
    static const char *const networks[] = { "none", "host", NULL };
    static const char *const durabilities[] = { "sync", "os", NULL };
    static const char *const limits[] = { "none", "aws", NULL };
    struct mr_up_flags *flags = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->template;
        break;
    case 'p':
        flags->port = mr_flag_number(state, "--port", arg, 0, UINT16_MAX);
        break;
    case 'd':
        flags->data = arg;
        break;
    case FRESH:
        flags->fresh = true;
        break;
    case NO_TEMPLATE:
        flags->no_template = true;
        break;
    case NO_BUILD:
        flags->no_build = true;
        break;
    case 'w':
        flags->watch = true;
        break;
    case OUTPUT:
        flags->json_output = mr_flag_choice(state, "--output", arg, outputs) == 1;
        break;
    case LAMBDA_LOG:
        flags->lambda_log = true;
        break;
    case 'q':
        flags->quiet = true;
        break;
    case SANDBOX:
        if (strcmp(arg, "auto") != 0 && strcmp(arg, "off") != 0 &&
            strncmp(arg, "require:", 8) != 0) {
            argp_error(state, "--sandbox is auto, off, or require:L1 (L2, L3), not \"%s\"",
                       arg);
        }
        flags->sandbox = arg;
        break;
    case NETWORK:
        flags->network = networks[mr_flag_choice(state, "--network", arg, networks)];
        break;
    case DURABILITY:
        flags->durability =
            durabilities[mr_flag_choice(state, "--durability", arg, durabilities)];
        break;
    case LIMITS:
        flags->limits = limits[mr_flag_choice(state, "--limits", arg, limits)];
        break;
    case AWS_CADENCE:
        flags->aws_cadence = true;
        break;
    case BACKOFF:
        mr_flag_number(state, "--backoff-ms", arg, 1, 3600000);
        flags->backoff_ms = arg;
        break;
    case ARGP_KEY_END:
        if (flags->no_template && (flags->watch || flags->template.path != NULL)) {
            argp_error(state, "--no-template goes with neither --template nor --watch");
        }
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is not an option; a template is named with -t", arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- the data directory ---- */

/* Absolute, there, and ours alone while we run. */
static int
open_data(struct mr_up *up, struct mr_error *err)
{
    if (mr_make_directories(up->flags->data, err) < 0) {
        return err->code;
    }
    up->data = realpath(up->flags->data, NULL);
    if (up->data == NULL) {
        return mr_fail(err, -errno, "open %s: %s", up->flags->data, strerror(errno));
    }
    mr_auto_free char *lock = mr_format("%s/up.lock", up->data);
    up->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (up->lock_fd < 0) {
        return mr_fail(err, -errno, "open %s: %s", lock, strerror(errno));
    }
    if (flock(up->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        return mr_fail(err, -EBUSY,
                       "another `millrace up` runs on %s; stop it, or give --data another "
                       "directory",
                       up->data);
    }
    return 0;
}

/* Is the process an old one of ours, still there? Its pid may be somebody else's by now. */
static bool
still_runs(const char *program, json_int_t pid)
{
    char comm[32] = "";
    mr_auto_free char *path = mr_format("/proc/%lld/comm", pid);
    mr_auto_fd int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t size = fd < 0 ? 0 : read(fd, comm, sizeof(comm) - 1);
    comm[size > 0 ? size : 0] = '\0';
    comm[strcspn(comm, "\n")] = '\0';
    return comm[0] != '\0' && strncmp(program, comm, COMM_BYTES) == 0;
}

/*
 * The daemons of an `up` that was killed are told by the kernel and stop by themselves; until
 * then they hold the data directory.
 */
static void
wait_for_predecessors(struct mr_up *up)
{
    uint64_t until_ms = mr_clock_now_ms(mr_clock_system()) + PREDECESSOR_MS;
    bool told = false;
    const char *program;
    json_t *pid;
    json_object_foreach(mr_state_file_group(up->state, "daemons"), program, pid)
    {
        while (!up->interrupted && still_runs(program, json_integer_value(pid)) &&
               mr_clock_now_ms(mr_clock_system()) < until_ms) {
            if (!told) {
                mr_say_line(&up->say, "wait", "the daemons of an earlier `up` are still stopping");
                told = true;
            }
            mr_loop_run_once(up->loop, LOOK_MS);
        }
    }
}

static void
open_state(struct mr_up *up)
{
    mr_auto_free char *path = mr_format("%s/up.json", up->data);
    mr_state_file_close(up->state);
    up->state = mr_state_file_open(path);
}

/* Only what is ours: a directory given by mistake loses nothing. */
static int
begin_anew(struct mr_up *up, struct mr_error *err)
{
    static const char *const ours[] = { "streamd", "millraced", "build",
                                        "log",     "history",   "up.json" };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        mr_auto_free char *path = mr_format("%s/%s", up->data, ours[i]);
        if (mr_tree_remove(path, err) < 0) {
            return err->code;
        }
    }
    open_state(up);
    return 0;
}

/*
 * Sockets have short paths (108 bytes): in the data directory when they fit, else in one of
 * their own.
 */
static int
open_sockets(struct mr_up *up, struct mr_error *err)
{
    struct sockaddr_un_size {
        char path[108];
    };
    if (strlen(up->data) + sizeof("/millraced.sock") <= sizeof(struct sockaddr_un_size)) {
        up->sockets = mr_strdup(up->data);
        return 0;
    }
    char path[] = "/tmp/millrace-XXXXXX";
    if (mkdtemp(path) == NULL) {
        return mr_fail(err, -errno, "make a directory for sockets in /tmp: %s",
                       strerror(errno));
    }
    up->sockets = mr_strdup(path);
    up->own_sockets = true;
    return 0;
}

static void
close_sockets(const struct mr_up *up)
{
    static const char *const names[] = { "streamd.sock", "millraced.sock" };
    for (size_t i = 0; i < 2 && up->sockets != NULL; i++) {
        mr_auto_free char *path = mr_format("%s/%s", up->sockets, names[i]);
        (void)unlink(path);
    }
    if (up->own_sockets) {
        (void)rmdir(up->sockets);
    }
}

/* A port somebody has is told at once, and by its name, before anything is started. */
static int
check_port(const struct mr_up *up, struct mr_error *err)
{
    if (up->flags->port == 0) {
        return 0;
    }
    struct mr_error why = { 0 };
    int fd = mr_net_listen_tcp("127.0.0.1", (uint16_t)up->flags->port, &why);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (why.code == -EADDRINUSE) {
        return mr_fail(err, why.code,
                       "port %llu is in use; stop who has it (`ss -ltnp`), or choose another: "
                       "--port 0 picks a free one",
                       (unsigned long long)up->flags->port);
    }
    return mr_fail(err, why.code, "%s", why.text);
}

/* ---- the template ---- */

static unsigned
count_kinds(const struct mr_template_model *model)
{
    return (unsigned)(model->stream_count + model->table_count + model->queue_count);
}

static void
say_banner(struct mr_up *up)
{
    const struct mr_template_model *model = up->model;
    unsigned destinations = 0;
    for (size_t i = 0; i < model->mapping_count; i++) {
        destinations += model->mappings[i].destination_arn != NULL;
    }
    struct mr_say *say = &up->say;
    mr_say_begin_coloured(say, MR_BOLD, "up");
    mr_say_text(say, "%s   %zu function%s · %zu stream%s · %zu mapping%s", up->template_path,
                model->function_count, model->function_count == 1 ? "" : "s",
                model->stream_count, model->stream_count == 1 ? "" : "s", model->mapping_count,
                model->mapping_count == 1 ? "" : "s");
    if (destinations > 0) {
        mr_say_text(say, " · %u destination%s", destinations, destinations == 1 ? "" : "s");
    }
    mr_say_text(say, "   stack %s  region %s", model->stack_name, model->region);
    mr_say_str(say, "template", up->template_path);
    mr_say_str(say, "stack", model->stack_name);
    mr_say_str(say, "region", model->region);
    mr_say_number(say, "functions", (int64_t)model->function_count);
    mr_say_number(say, "sources", count_kinds(model));
    mr_say_number(say, "mappings", (int64_t)model->mapping_count);
    mr_say_end(say);
    if (model->ignored_type_count > 0) {
        mr_auto_buf struct mr_buf types = { 0 };
        for (size_t i = 0; i < model->ignored_type_count; i++) {
            mr_buf_printf(&types, "%s%s", i == 0 ? "" : ", ", model->ignored_types[i]);
        }
        mr_say_line(say, "ignore", "%s", mr_buf_cstr(&types));
    }
}

static int
load(struct mr_up *up, struct mr_error *err)
{
    if (up->flags->no_template) {
        up->template_path = mr_strdup("no template");
        up->template = mr_template_flags_nothing(&up->flags->template);
    } else {
        up->template_path = mr_template_flags_path(&up->flags->template, err);
        if (up->template_path == NULL) {
            return err->code;
        }
        up->template = mr_template_flags_load(&up->flags->template, up->template_path, err);
        if (up->template == NULL) {
            return err->code;
        }
    }
    up->model = mr_template_model_of(up->template);
    return 0;
}

/* ---- building ---- */

int
mr_up_build_one(struct mr_up *up, size_t index, struct mr_error *err)
{
    const struct mr_template_function *function = &up->model->functions[index];
    struct mr_build build = { .data = up->data, .say = &up->say, .given_up = &up->interrupted };
    char *code = NULL;
    mr_auto_free char *last = mr_format("%s/build/%s", up->data, function->logical_id);
    if (up->flags->no_build && function->build_method != NULL && access(last, R_OK) == 0) {
        code = mr_strdup(last);
    } else if (mr_build_function(&build, function, &code, err) < 0) {
        return err->code;
    }
    free(up->codes[index]);
    up->codes[index] = code;
    return 0;
}

static int
build_all(struct mr_up *up, struct mr_error *err)
{
    up->codes = mr_alloc_zero(up->model->function_count + 1, sizeof(*up->codes));
    for (size_t i = 0; i < up->model->function_count; i++) {
        int result = mr_up_build_one(up, i, err);
        if (result == -ENOTSUP) {
            mr_say_warn(&up->say, "skip", "function  %s", err->text);
        } else if (result < 0) {
            return result;
        }
    }
    return 0;
}

/* ---- daemons ---- */

static void
remember_pid(struct mr_up *up, const struct mr_daemon *daemon)
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
        remember_pid(up, daemon);
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
static int
start_daemons(struct mr_up *up, struct mr_error *err)
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
static bool
stop_daemons(struct mr_up *up)
{
    int signals = up->signals;
    stop_one(up, up->millraced, DRAIN_MS);
    mr_follow_free(MR_TAKE(up->follow));
    stop_one(up, up->streamd, STREAMD_GRACE_MS);
    return up->signals == signals;
}

/* ---- coming up ---- */

static int
remember(struct mr_up *up, struct mr_error *err)
{
    mr_auto_free char *template = realpath(up->template_path, NULL);
    mr_state_file_set(up->state, "endpoint", up->endpoint);
    mr_state_file_set(up->state, "region", up->model->region);
    mr_state_file_set(up->state, "account", up->model->account_id);
    mr_state_file_set(up->state, "template", template);
    mr_state_file_set_number(up->state, "pid", getpid());
    remember_pid(up, up->streamd);
    remember_pid(up, up->millraced);
    return mr_state_file_write(up->state, err);
}

int
mr_up_apply(struct mr_up *up, bool quiet, struct mr_error *err)
{
    struct mr_apply apply = {
        .remote = &up->remote,
        .say = &up->say,
        .model = up->model,
        .codes = up->codes,
        .state = up->state,
        .quiet = quiet,
    };
    return mr_apply(&apply, err);
}

static int
open_remote(struct mr_up *up)
{
    struct mr_place_flags flags = { .endpoint = up->endpoint,
                                    .region = up->model->region,
                                    .data = up->data };
    mr_auto_place struct mr_place place;
    mr_place_find(&place, &flags);
    mr_remote_init(&up->remote, up->loop, &place);
    up->remote.given_up = &up->interrupted;
    return 0;
}

static void
say_outputs(struct mr_up *up)
{
    for (size_t i = 0; i < up->model->output_count; i++) {
        const struct mr_template_output *output = &up->model->outputs[i];
        mr_say_begin(&up->say, "output");
        mr_say_text(&up->say, "%-20s %s", output->name, output->value);
        mr_say_str(&up->say, "name", output->name);
        mr_say_str(&up->say, "value", output->value);
        mr_say_end(&up->say);
    }
}

/*
 * What handlers are really shut in by: "L1; namespaces: ..." is shown up to its first part, and
 * below the best level with where to read on.
 */
static void
say_isolation(struct mr_up *up)
{
    struct mr_say *say = &up->say;
    struct mr_error err;
    json_t *status = NULL;
    if (mr_remote_lambda(&up->remote, "GET", "/_millrace/status", (struct mr_slice){ 0 }, &err) ==
        0) {
        status = json_loadb((const char *)up->remote.body.data, up->remote.body.size, 0, NULL);
    }
    const char *isolation = json_string_value(json_object_get(status, "isolation"));
    if (isolation != NULL) {
        bool best = strncmp(isolation, "L1", 2) == 0;
        bool off = strcmp(up->flags->sandbox, "off") == 0;
        mr_say_begin_coloured(say, best ? MR_CYAN : MR_YELLOW, "sandbox");
        mr_say_text(say, "%.*s  network %s%s", off ? (int)strlen(isolation)
                                                   : (int)strcspn(isolation, ";"),
                    isolation, up->flags->network,
                    best  ? ""
                    : off ? "  handlers can do what you can do"
                          : "  `millrace doctor` says how to get more");
        mr_say_str(say, "isolation", isolation);
        mr_say_str(say, "network", up->flags->network);
        mr_say_end(say);
    }
    json_decref(status);
}

static void
say_ready(struct mr_up *up)
{
    struct mr_say *say = &up->say;
    double seconds = (double)(mr_clock_now_us(mr_clock_system()) - up->built_us) / 1e6;
    mr_say_begin(say, "listen");
    mr_say_text(say, "kinesis+lambda  %s    metrics %s/metrics    state %s", up->endpoint,
                up->endpoint, up->data);
    mr_say_str(say, "endpoint", up->endpoint);
    mr_say_str(say, "data", up->data);
    mr_say_end(say);
    mr_say_begin_coloured(say, MR_GREEN, "ready");
    mr_say_text(say, "%.2f s", seconds);
    mr_say_seconds(say, "seconds", seconds);
    if (up->model->stream_count > 0) {
        mr_say_text(say, "     try: millrace put %s '{\"id\":1}'",
                    up->model->streams[0].logical_id);
    }
    mr_say_end(say);
}

static int
come_up(struct mr_up *up, struct mr_error *err)
{
    up->built_us = mr_clock_now_us(mr_clock_system());
    if (start_daemons(up, err) < 0) {
        return err->code;
    }
    open_remote(up);
    if (remember(up, err) < 0 || mr_up_apply(up, false, err) < 0) {
        return err->code;
    }
    say_outputs(up);
    say_isolation(up);
    say_ready(up);
    return 0;
}

/* ---- running ---- */

static void
on_signal(int signal_number, void *context)
{
    struct mr_up *up = context;
    uint64_t now_ms = mr_clock_now_ms(mr_clock_system());
    (void)signal_number;
    /* A wrapper passes on what the terminal has sent us already: that is one wish, not two. */
    if (!up->interrupted || now_ms - up->signalled_ms > SAME_SIGNAL_MS) {
        up->signals++;
    }
    up->signalled_ms = now_ms;
    up->interrupted = true;
    mr_loop_stop(up->loop);
}

static char *
feed_url(void *context)
{
    const struct mr_up *up = context;
    return mr_format("%s/_millrace/events?follow=1&since=%llu", up->endpoint,
                     (unsigned long long)mr_batch_lines_next(up->lines));
}

static void
on_feed_line(struct mr_slice line, void *context)
{
    struct mr_up *up = context;
    mr_batch_lines_take(line, up->lines);
}

/* Lines speak of logical IDs. */
void
mr_up_name_functions(struct mr_up *up)
{
    for (size_t i = 0; i < up->model->function_count; i++) {
        mr_batch_lines_name(up->lines, up->model->functions[i].name,
                            up->model->functions[i].logical_id);
    }
}

static int
serve(struct mr_up *up)
{
    up->serving = true;
    up->lines = mr_batch_lines_new(&up->say, up->flags->quiet        ? MR_BATCH_QUIET
                                             : up->flags->lambda_log ? MR_BATCH_LAMBDA_LOG
                                                                     : MR_BATCH_USUAL);
    mr_up_name_functions(up);
    up->follow = mr_follow_new(up->loop, feed_url, on_feed_line, up);
    if (up->flags->watch) {
        up->watch = mr_up_watch_new(up);
    }
    while (!up->interrupted) {
        mr_loop_run(up->loop);
        mr_up_watch_work(up->watch);
    }
    mr_up_watch_free(MR_TAKE(up->watch));
    mr_say_line(&up->say, "stop",
                "finishing the batches under way; Ctrl-C again does not wait");
    bool drained = stop_daemons(up);
    mr_say_line(&up->say, "stopped", "%s",
                drained ? "everything is checkpointed; `millrace up` goes on from here"
                        : "without waiting; what was not checkpointed comes again");
    return drained ? MR_EXIT_OK : MR_EXIT_INTERRUPTED;
}

static int
exit_code_of(int code)
{
    switch (code) {
    case -EINTR:
        return MR_EXIT_INTERRUPTED;
    case -ENOEXEC:
        return MR_EXIT_BUILD;
    case -EADDRINUSE:
    case -EBUSY:
    case -ECHILD:
    case -EACCES:
    case -EPERM:
        return MR_EXIT_CANNOT;
    default:
        return MR_EXIT_FAILED;
    }
}

static int
fail_with(struct mr_up *up, int exit_code, const struct mr_error *err)
{
    mr_say_status(&up->say, "");
    return mr_complain(exit_code, "%s", err->text);
}

static int
run(struct mr_up *up)
{
    struct mr_error err = { 0 };
    if (load(up, &err) < 0) {
        return fail_with(up, MR_EXIT_TEMPLATE, &err);
    }
    int result = open_data(up, &err);
    if (result == 0) {
        open_state(up);
        wait_for_predecessors(up);
        result = check_port(up, &err);
    }
    if (result == 0 && up->flags->fresh) {
        result = begin_anew(up, &err);
    }
    if (result == 0) {
        say_banner(up);
        result = build_all(up, &err);
    }
    if (result == 0) {
        result = open_sockets(up, &err);
    }
    if (result == 0) {
        result = come_up(up, &err);
    }
    if (result == 0) {
        return serve(up);
    }
    int exit_code = fail_with(up, exit_code_of(result), &err);
    stop_daemons(up);
    return exit_code;
}

static void
free_all(struct mr_up *up)
{
    mr_follow_free(up->follow);
    mr_daemon_free(up->millraced);
    mr_daemon_free(up->streamd);
    mr_remote_deinit(&up->remote);
    mr_batch_lines_free(up->lines);
    mr_state_file_close(up->state);
    for (size_t i = 0; up->codes != NULL && i < up->model->function_count; i++) {
        free(up->codes[i]);
    }
    free(up->codes);
    mr_template_free(up->template);
    close_sockets(up);
    free(up->sockets);
    free(up->template_path);
    free(up->data);
    if (up->lock_fd >= 0) {
        close(up->lock_fd);
    }
    mr_say_deinit(&up->say);
    mr_arena_deinit(&up->arena);
}

int
mr_verb_up(int argc, char **argv)
{
    static const struct argp_child children[] = { { &mr_template_argp, 0, "Template:", 0 },
                                                  { 0 } };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .doc = "Build a template's functions, make its streams, run its event source mappings, "
               "and show every batch. Ctrl-C finishes what is under way and stops.\v"
               "One endpoint serves Kinesis and Lambda: eval \"$(millrace env)\" points AWS's "
               "tools at it. Started again on the same data directory, every mapping goes on "
               "where it was.",
    };
    struct mr_up_flags flags = {
        .port = 4566,
        .data = getenv("MILLRACE_DATA"),
        .sandbox = "auto",
        .network = "host",
        .durability = "os",
        .limits = "none",
    };
    if (flags.data == NULL || flags.data[0] == '\0') {
        flags.data = ".millrace";
    }
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    struct mr_up up = { .flags = &flags, .lock_fd = -1 };
    mr_say_init(&up.say, flags.json_output);
    up.loop = mr_loop_new(NULL);
    struct mr_signal *interrupt = mr_signal_new(up.loop, SIGINT, on_signal, &up);
    struct mr_signal *terminate = mr_signal_new(up.loop, SIGTERM, on_signal, &up);
    struct mr_signal *hang_up = mr_signal_new(up.loop, SIGHUP, on_signal, &up);

    int exit_code = run(&up);

    free_all(&up);
    mr_signal_free(interrupt);
    mr_signal_free(terminate);
    mr_signal_free(hang_up);
    mr_loop_free(up.loop);
    return exit_code;
}
