/*
 * millrace-streamd: a server of the Kinesis Data Streams API.
 *
 * A thin shell over the room: flags in, store opened, listeners opened, a clean stop on
 * SIGTERM.
 */
#include <argp.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/version.h"
#include "stream/api/auth.h"
#include "stream/api/fault.h"
#include "stream/api/front.h"
#include "stream/api/scaling.h"
#include "stream/cipher.h"
#include "stream/store.h"

enum {
    EXIT_USAGE = 64,
    EXIT_CANNOT = 78, /* sysexits: the configuration does not work here */
    GRACE_MS = 5000,  /* for requests under way, when the server stops */
    TRIM_MS = 60000,
};

const char *argp_program_version = "millrace-streamd " MR_VERSION;

enum option_key {
    ACCOUNT = 256,
    ANONYMOUS,
    AUTH,
    CUT,
    DURABILITY,
    FAULT,
    FORWARD,
    HOST,
    KEY_COMMAND,
    KEY_FILE,
    LIMITS,
    READY_FD,
    SHARD_LIMIT,
    SOCKET,
    STATE_DELAY,
    TLS_PORT
};

static const struct argp_option options[] = {
    { "data", 'd', "DIR", 0, "Keep streams and records here (default .millrace/streamd)", 0 },
    { "port", 'p', "N", 0, "Listen on this port; 0 picks one (default 4567)", 0 },
    { "host", HOST, "ADDRESS", 0, "Listen on this numeric address (default 127.0.0.1)", 0 },
    { "socket", SOCKET, "PATH", 0, "Listen on this Unix socket too", 0 },
    { "tls-port", TLS_PORT, "N", 0,
      "Listen for HTTPS here, with DIR/tls.crt and tls.key, made when they are not there", 0 },
    { "region", 'r', "REGION", 0, "The region of our ARNs (default us-east-1)", 0 },
    { "account", ACCOUNT, "ID", 0, "The account of our ARNs (default 123456789012)", 0 },
    { "limits", LIMITS, "none|aws", 0, "Keep AWS's rates per shard (default none)", 0 },
    { "durability", DURABILITY, "sync|os", 0,
      "What was acknowledged survives a power cut, or a crash of the process (default sync)",
      0 },
    { "shard-limit", SHARD_LIMIT, "N", 0, "Open shards of the account (default 20000)", 0 },
    { "state-delay", STATE_DELAY, "MS", 0, "How long CREATING, UPDATING and DELETING take (default 0)",
      0 },
    { "forward", FORWARD, "PATH", 0, "Pass what is not Kinesis to this Unix socket", 0 },
    { "auth", AUTH, "FILE", 0, "Verify signatures, with the credentials and policies of FILE",
      0 },
    { "anonymous", ANONYMOUS, NULL, 0, "Take requests without any signature", 0 },
    { "fault", FAULT, "RULE", 0,
      "Fail on purpose: OPERATION:KIND[:count=N|:rate=R], as PutRecords:throttle:rate=0.1; "
      "kinds "
      "are throttle, error, limit, expire, stall=MS, tear, partial=PERCENT, lose=PERCENT; may "
      "be "
      "given several times, and changed by POST /_millrace/faults",
      0 },
    { "master-key-file", KEY_FILE, "FILE", 0,
      "Master keys, 64 hex digits a line: the first wraps the keys of what is encrypted at "
      "rest",
      0 },
    { "master-key-command", KEY_COMMAND, "COMMAND", 0, "The same, from a command's output", 0 },
    { "cut-corrupt", CUT, NULL, 0,
      "Offline repair: cut the journal at its first corrupt block, losing what is behind", 0 },
    { "ready-fd", READY_FD, "N", 0, "Write \"READY PORT\\n\" to this descriptor when listening",
      0 },
    { 0 },
};

struct settings {
    const char *data, *host, *socket, *region, *account, *forward, *auth;
    unsigned long port, tls_port, shard_limit, state_delay_ms;
    bool tls, limits, anonymous, cut_corrupt;
    int ready_fd;
    enum mr_durability durability;
    const char *key_file, *key_command;
    struct mr_faults *faults;
};

struct server {
    struct settings settings;
    struct mr_loop *loop;
    struct mr_master_keys *master_keys; /* NULL: none were given */
    struct mr_store *store;
    struct mr_tls *tls;
    struct mr_auth *auth;
    struct mr_kinesis *kinesis;
    struct mr_http_server *http;
    struct mr_timer trim, scale;
    uint64_t moved, given_back_at; /* records in and out, at the last look and the last time */
    int tcp_fd, tls_fd, unix_fd; /* bound and not yet served, else -1 */
    bool stopping;
};

/* ---- flags ---- */

static unsigned long
number(struct argp_state *state, const char *name, const char *text, unsigned long most)
{
    uint64_t value;
    if (!mr_slice_to_u64(mr_slice_str(text), &value) || value > most) {
        argp_error(state, "--%s takes a number from 0 to %lu, not \"%s\"", name, most, text);
    }
    return (unsigned long)value;
}

/* 0 or 1: which of two words it is. */
static int
choice(struct argp_state *state, const char *name, const char *text, const char *first,
       const char *second)
{
    if (strcmp(text, first) != 0 && strcmp(text, second) != 0) {
        argp_error(state, "--%s is %s or %s, not \"%s\"", name, first, second, text);
    }
    return strcmp(text, second) == 0;
}

static void
add_fault(struct argp_state *state, struct settings *settings, const char *text)
{
    struct mr_error err = { 0 };
    if (mr_faults_add(settings->faults, mr_slice_str(text), &err) < 0) {
        argp_error(state, "--fault %s: %s", text, err.text);
    }
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    struct settings *settings = state->input;
    switch (key) {
    case 'd':
        settings->data = arg;
        break;
    case 'p':
        settings->port = number(state, "port", arg, UINT16_MAX);
        break;
    case 'r':
        settings->region = arg;
        break;
    case HOST:
        settings->host = arg;
        break;
    case SOCKET:
        settings->socket = arg;
        break;
    case TLS_PORT:
        settings->tls_port = number(state, "tls-port", arg, UINT16_MAX);
        settings->tls = true;
        break;
    case ACCOUNT:
        if (strlen(arg) != 12 || strspn(arg, "0123456789") != 12) {
            argp_error(state, "--account takes twelve digits, not \"%s\"", arg);
        }
        settings->account = arg;
        break;
    case LIMITS:
        settings->limits = choice(state, "limits", arg, "none", "aws") == 1;
        break;
    case DURABILITY:
        settings->durability = choice(state, "durability", arg, "sync", "os") == 1
                                   ? MR_DURABILITY_OS
                                   : MR_DURABILITY_SYNC;
        break;
    case SHARD_LIMIT:
        settings->shard_limit = number(state, "shard-limit", arg, 1000000);
        break;
    case STATE_DELAY:
        settings->state_delay_ms = number(state, "state-delay", arg, 3600000);
        break;
    case FORWARD:
        settings->forward = arg;
        break;
    case AUTH:
        settings->auth = arg;
        break;
    case ANONYMOUS:
        settings->anonymous = true;
        break;
    case FAULT:
        add_fault(state, settings, arg);
        break;
    case KEY_FILE:
        settings->key_file = arg;
        break;
    case KEY_COMMAND:
        settings->key_command = arg;
        break;
    case CUT:
        settings->cut_corrupt = true;
        break;
    case READY_FD:
        settings->ready_fd = (int)number(state, "ready-fd", arg, 1000);
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" is not an option; see --help", arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- opening ---- */

static void
post_to_loop(void *loop, mr_store_fn *fn, void *context)
{
    mr_loop_post(loop, fn, context);
}

/* As mkdir -p. */
static int
make_directory(const char *path, struct mr_error *err)
{
    mr_auto_free char *copy = mr_strdup(path);
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char end = *at;
        *at = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST) {
            return mr_fail(err, -errno, "make directory %s: %s", copy, strerror(errno));
        }
        *at = end;
        if (end == '\0') {
            return 0;
        }
    }
}

static int
open_store(struct server *server, struct mr_error *err)
{
    struct mr_store_options store = {
        .directory = server->settings.data,
        .durability = server->settings.durability,
        .aws_limits = server->settings.limits,
        .post = post_to_loop,
        .master_keys = server->master_keys,
        .cut_corrupt = server->settings.cut_corrupt,
    };
    server->store = mr_store_open(&store, err);
    return server->store == NULL ? err->code : 0;
}

static int
open_api(struct server *server, struct mr_error *err)
{
    const struct settings *settings = &server->settings;
    struct mr_kinesis_options api = {
        .loop = server->loop,
        .store = server->store,
        .directory = settings->data,
        .region = settings->region,
        .account = settings->account,
        .limits = settings->limits,
        .anonymous = settings->anonymous,
        .state_delay_ms = settings->state_delay_ms,
        .shard_limit = settings->shard_limit,
        .faults = settings->faults,
        .forward_path = settings->forward,
    };
    if (settings->auth != NULL) {
        server->auth = mr_auth_open(settings->auth, err);
        if (server->auth == NULL) {
            return err->code;
        }
        api.auth = server->auth;
    }
    if (mr_token_key_open(&api.token_key, settings->data, err) < 0) {
        return err->code;
    }
    server->kinesis = mr_kinesis_new(&api, err);
    return server->kinesis == NULL ? err->code : 0;
}

/* Before anything else, while we still may what the user who started us may. */
static int
bind_listeners(struct server *server, struct mr_error *err)
{
    const struct settings *settings = &server->settings;

    server->tcp_fd = mr_net_listen_tcp(settings->host, (uint16_t)settings->port, err);
    if (server->tcp_fd < 0) {
        return err->code;
    }
    if (settings->tls) {
        server->tls_fd = mr_net_listen_tcp(settings->host, (uint16_t)settings->tls_port, err);
        if (server->tls_fd < 0) {
            return err->code;
        }
    }
    if (settings->socket != NULL) {
        server->unix_fd = mr_net_listen_unix(settings->socket, err);
        if (server->unix_fd < 0 || mr_harden_give(settings->socket, settings->data, err) < 0) {
            return err->code;
        }
    }
    return 0;
}

/* Before hardening: the file may lie anywhere, and the command may run anything. */
static int
open_master_keys(struct server *server, struct mr_error *err)
{
    const struct settings *settings = &server->settings;

    if (settings->key_file == NULL && settings->key_command == NULL) {
        return 0;
    }
    server->master_keys = mr_master_keys_open(settings->key_file, settings->key_command, err);
    return server->master_keys == NULL ? err->code : 0;
}

/* From here on a bug in a parser reaches our own directory and no more. */
static int
harden(const struct settings *settings, struct mr_error *err)
{
    char took[160];
    const char *const read_paths[] = { settings->auth, NULL };
    const struct mr_harden_daemon own = { .data_dir = settings->data,
                                          .read_paths = read_paths };

    if (mr_harden_daemon(&own, took, sizeof(took), err) < 0) {
        return err->code;
    }
    mr_log(MR_LOG_INFO, "stream", "hardened: %s", took);
    return 0;
}

/* Returns the port, or an error. The descriptor is the server's from now on. */
static int
serve(struct server *server, int *fd, struct mr_tls *tls, struct mr_error *err)
{
    int port = mr_net_port(*fd);
    int result = mr_http_server_listen_fd(server->http, *fd, tls, NULL, err);

    *fd = -1;
    return result < 0 ? result : port;
}

static int
open_listeners(struct server *server, struct mr_error *err)
{
    const struct settings *settings = &server->settings;
    struct mr_http_server_options http = { .handler = mr_front_handler(),
                                           .context = server->kinesis };
    server->http = mr_http_server_new(server->loop, &http);
    int port = serve(server, &server->tcp_fd, NULL, err);
    if (port < 0) {
        return port;
    }
    if (settings->tls) {
        server->tls = mr_tls_open_or_make(settings->data, err);
        int tls_port =
            server->tls == NULL ? err->code : serve(server, &server->tls_fd, server->tls, err);
        if (tls_port < 0) {
            return tls_port;
        }
        mr_log(MR_LOG_INFO, "stream", "Kinesis on https://%s:%d", settings->host, tls_port);
    }
    if (settings->socket != NULL && serve(server, &server->unix_fd, NULL, err) < 0) {
        return err->code;
    }
    mr_log(MR_LOG_INFO, "stream", "Kinesis on http://%s:%d, data in %s, durability %s",
           settings->host, port, settings->data,
           settings->durability == MR_DURABILITY_OS ? "os" : "sync");
    return port;
}

static void
tell_ready(const struct settings *settings, int port)
{
    if (settings->ready_fd >= 0) {
        dprintf(settings->ready_fd, "READY %d\n", port);
        close(settings->ready_fd);
    }
}

/* ---- running and stopping ---- */

/* A minute without a record: what the last rush left to the allocator goes back. */
static void
give_memory_back(struct server *server)
{
    struct mr_store_stats stats;
    mr_store_stats(server->store, &stats);
    uint64_t moved = stats.records_in + stats.records_out;
    if (moved == server->moved && moved != server->given_back_at) {
        server->given_back_at = moved;
        malloc_trim(0);
    }
    server->moved = moved;
}

static void
on_trim(void *context)
{
    struct server *server = context;
    mr_store_trim(server->store);
    give_memory_back(server);
    mr_timer_start(&server->trim, TRIM_MS);
}

static void
on_scale(void *context)
{
    struct server *server = context;
    mr_scaling_look(server->kinesis);
    mr_timer_start(&server->scale, MR_SCALING_LOOK_MS);
}

static void
on_stopped(void *context)
{
    struct server *server = context;
    mr_loop_stop(server->loop);
}

static void
on_signal(int signal_number, void *context)
{
    struct server *server = context;
    if (server->stopping) {
        mr_log(MR_LOG_WARN, "stream", "second signal: leaving without waiting for requests");
        mr_loop_stop(server->loop);
        return;
    }
    server->stopping = true;
    mr_log(MR_LOG_INFO, "stream", "%s: finishing what is under way", strsignal(signal_number));
    mr_timer_stop(&server->trim);
    mr_timer_stop(&server->scale);
    mr_kinesis_wind_down(server->kinesis);
    mr_http_server_stop(server->http, GRACE_MS, on_stopped, server);
}

/* Whoever hears that we are ready may send a signal at once. */
static void
run(struct server *server, int port)
{
    struct mr_signal *term = mr_signal_new(server->loop, SIGTERM, on_signal, server);
    struct mr_signal *interrupt = mr_signal_new(server->loop, SIGINT, on_signal, server);
    mr_timer_init(&server->trim, server->loop, MR_TIME_INJECTED, on_trim, server);
    mr_timer_start(&server->trim, TRIM_MS);
    mr_timer_init(&server->scale, server->loop, MR_TIME_INJECTED, on_scale, server);
    mr_timer_start(&server->scale, MR_SCALING_LOOK_MS);
    tell_ready(&server->settings, port);
    mr_loop_run(server->loop);
    mr_timer_stop(&server->trim);
    mr_timer_stop(&server->scale);
    mr_signal_free(term);
    mr_signal_free(interrupt);
}

static int
start(struct server *server, struct mr_error *err)
{
    if (make_directory(server->settings.data, err) < 0 || bind_listeners(server, err) < 0 ||
        open_master_keys(server, err) < 0 || harden(&server->settings, err) < 0 ||
        open_store(server, err) < 0 || open_api(server, err) < 0) {
        return err->code;
    }
    return open_listeners(server, err);
}

/*
 * The store goes first: its last completions come to the loop, which is still there and then
 * has nobody left to tell.
 */
static void
finish(struct server *server)
{
    mr_http_server_free(server->http);
    mr_store_close(server->store);
    mr_master_keys_close(server->master_keys);
    mr_loop_run_once(server->loop, 0);
    mr_kinesis_free(server->kinesis);
    mr_auth_close(server->auth);
    mr_tls_free(server->tls);
    mr_faults_free(server->settings.faults);
    mr_loop_free(server->loop);
}

int
main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .doc =
            "A server of the Kinesis Data Streams API, durable and fast.\v"
            "Point any client at it: AWS_ENDPOINT_URL=http://127.0.0.1:4567. SIGTERM stops it "
            "cleanly; a kill loses nothing that was acknowledged.",
    };
    struct server server = { .settings = { .data = ".millrace/streamd",
                                           .host = "127.0.0.1",
                                           .region = "us-east-1",
                                           .account = "123456789012",
                                           .port = 4567,
                                           .ready_fd = -1 },
                             .tcp_fd = -1,
                             .tls_fd = -1,
                             .unix_fd = -1 };
    struct mr_error err = { 0 };
    argp_err_exit_status = EXIT_USAGE;
    server.settings.faults = mr_faults_new(1);
    argp_parse(&argp, argc, argv, 0, NULL, &server.settings);
    signal(SIGPIPE, SIG_IGN);
    server.loop = mr_loop_new(NULL);

    int port = start(&server, &err);
    if (port >= 0) {
        run(&server, port);
        mr_log(MR_LOG_INFO, "stream", "stopped");
    } else {
        fprintf(stderr, "millrace-streamd: %s\n", err.text);
    }
    finish(&server);
    return port >= 0 ? 0 : EXIT_CANNOT;
}
