/*
 * millraced: functions, and event source mappings that feed them, behind the Lambda API.
 *
 * A thin shell over the room: flags in, the keeper of sandboxd forked, listeners opened, a
 * clean stop on SIGTERM.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "control/daemon.h"

enum {
    EXIT_USAGE = 64,
    EXIT_CANNOT = 78, /* sysexits: the configuration does not work here */
    GRACE_MS = 10000, /* for what is under way, when the daemon stops */
    DEFAULT_PORT = 4566,
};

const char *argp_program_version = "millraced " MR_VERSION;

enum option_key {
    ACCOUNT = 256,
    AWS_CADENCE,
    BACKOFF,
    BOOTSTRAPS,
    ENDPOINT,
    FREEZE,
    HOST,
    IDLE,
    KINESIS,
    LAMBDA_LOG,
    LOG_LEVEL,
    MAX_CONCURRENCY,
    NETWORK,
    PUBLIC_ENDPOINT,
    READY_FD,
    SANDBOX,
    SETTLE,
    SOCKET,
};

static const struct argp_option options[] = {
    { "data", 'd', "DIR", 0,
      "Keep functions, mappings and positions here (default .millrace/millraced)", 0 },
    { "socket", SOCKET, "PATH", 0, "Listen on this Unix socket, for streamd's --forward", 0 },
    { "port", 'p', "N", 0,
      "Listen on this port; 0 picks one (default 4566 when there is no --socket)", 0 },
    { "host", HOST, "ADDRESS", 0, "Listen on this numeric address (default 127.0.0.1)", 0 },
    { "kinesis", KINESIS, "URL|unix:PATH|aws", 0, "Where the streams are", 0 },
    { "endpoint", ENDPOINT, "SERVICE=URL", 0,
      "Where another service is: sqs, sns, s3, dynamodb, dynamodbstreams; may be given several "
      "times",
      0 },
    { "public-endpoint", PUBLIC_ENDPOINT, "URL", 0, "What handlers get as AWS_ENDPOINT_URL",
      0 },
    { "sandbox", SANDBOX, "auto|require:L1|require:L2|require:L3|off", 0,
      "How handlers are isolated (default auto: the best this host can do, and it is said)",
      0 },
    { "network", NETWORK, "none|host", 0,
      "Network of functions whose settings do not say (default none)", 0 },
    { "region", 'r', "REGION", 0, "The region of our ARNs (default us-east-1)", 0 },
    { "account", ACCOUNT, "ID", 0, "The account of our ARNs (default 123456789012)", 0 },
    { "max-concurrency", MAX_CONCURRENCY, "N", 0, "Environments at once (default 100)", 0 },
    { "settle-ms", SETTLE, "MS", 0, "How long Creating, Updating and the like last (default 0)",
      0 },
    { "aws-cadence", AWS_CADENCE, NULL, 0, "Poll as seldom as AWS does", 0 },
    { "backoff-ms", BACKOFF, "MS", 0,
      "First wait before a failed batch is tried again "
      "(default 500)",
      0 },
    { "idle-ms", IDLE, "MS", 0, "End an environment that was idle for so long (default 600000)",
      0 },
    { "freeze", FREEZE, NULL, 0, "Stop environments between invocations, as Lambda does", 0 },
    { "lambda-log", LAMBDA_LOG, NULL, 0, "Write functions' logs to stdout, as Lambda does", 0 },
    { "bootstraps", BOOTSTRAPS, "DIR", 0, "Bootstraps of python3 and nodejs functions", 0 },
    { "log-level", LOG_LEVEL, "debug|info|warn|error", 0,
      "What we log ourselves (default info)", 0 },
    { "ready-fd", READY_FD, "N", 0, "Write \"READY PORT\\n\" to this descriptor when listening",
      0 },
    { 0 },
};

struct settings {
    struct mr_millraced_options daemon;
    struct mr_sandboxd_options sandbox;
    bool no_sandbox, port_given;
    size_t endpoint_count;
    int ready_fd;
};

struct program {
    struct mr_loop *loop;
    struct mr_millraced *millraced;
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

/* Which of the words it is. */
static int
choice(struct argp_state *state, const char *name, const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
    }
    argp_error(state, "--%s does not know \"%s\"; see --help", name, text);
    return 0;
}

static void
take_sandbox(struct argp_state *state, struct settings *settings, const char *text)
{
    static const char *const words[] = { "auto",       "require:L1", "require:L2",
                                         "require:L3", "off",        NULL };
    static const enum mr_sandbox_level levels[] = { 0, MR_SANDBOX_L1, MR_SANDBOX_L2,
                                                    MR_SANDBOX_L3, 0 };
    int which = choice(state, "sandbox", text, words);

    settings->no_sandbox = which == 4;
    settings->sandbox.require = levels[which];
}

static void
take_log_level(struct argp_state *state, const char *text)
{
    static const char *const words[] = { "debug", "info", "warn", "error", NULL };

    mr_log_configure((enum mr_log_level)choice(state, "log-level", text, words), MR_LOG_TEXT);
}

static void
take_endpoint(struct argp_state *state, struct settings *settings, const char *text)
{
    static const char *const services[] = { "sqs", "sns", "s3", "dynamodb", "dynamodbstreams",
                                            NULL };
    const char *equals = strchr(text, '=');
    size_t length = equals == NULL ? 0 : (size_t)(equals - text);
    bool known = false;

    for (size_t i = 0; services[i] != NULL; i++) {
        known =
            known || (strlen(services[i]) == length && strncmp(text, services[i], length) == 0);
    }
    if (!known || settings->endpoint_count == MR_MILLRACED_MAX_ENDPOINTS - 1) {
        argp_error(
            state,
            "--endpoint takes sqs, sns, s3, dynamodb or dynamodbstreams, = and a URL, at "
            "most %d times, not \"%s\"",
            MR_MILLRACED_MAX_ENDPOINTS - 1, text);
    }
    settings->daemon.endpoints[settings->endpoint_count++] = text;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
    static const char *const networks[] = { "none", "host", NULL };
    struct settings *settings = state->input;
    struct mr_millraced_options *daemon = &settings->daemon;

    switch (key) {
    case 'd':
        daemon->data = arg;
        break;
    case 'p':
        daemon->port = (uint16_t)number(state, "port", arg, UINT16_MAX);
        settings->port_given = true;
        break;
    case 'r':
        daemon->region = arg;
        break;
    case HOST:
        daemon->host = arg;
        break;
    case SOCKET:
        daemon->socket = arg;
        break;
    case KINESIS:
        daemon->kinesis = arg;
        break;
    case ENDPOINT:
        take_endpoint(state, settings, arg);
        break;
    case PUBLIC_ENDPOINT:
        daemon->public_endpoint = arg;
        break;
    case SANDBOX:
        take_sandbox(state, settings, arg);
        break;
    case NETWORK:
        daemon->network_host = choice(state, "network", arg, networks) == 1;
        break;
    case ACCOUNT:
        if (strlen(arg) != 12 || strspn(arg, "0123456789") != 12) {
            argp_error(state, "--account takes twelve digits, not \"%s\"", arg);
        }
        daemon->account = arg;
        break;
    case MAX_CONCURRENCY:
        daemon->max_concurrency = number(state, "max-concurrency", arg, 1000);
        break;
    case SETTLE:
        daemon->settle_ms = number(state, "settle-ms", arg, 3600000);
        break;
    case AWS_CADENCE:
        daemon->aws_cadence = true;
        break;
    case BACKOFF:
        daemon->backoff_ms = (uint32_t)number(state, "backoff-ms", arg, 3600000);
        break;
    case IDLE:
        daemon->idle_ms = number(state, "idle-ms", arg, UINT32_MAX);
        break;
    case FREEZE:
        daemon->freeze = true;
        break;
    case LAMBDA_LOG:
        daemon->lambda_log = true;
        break;
    case BOOTSTRAPS:
        daemon->bootstraps = arg;
        break;
    case LOG_LEVEL:
        take_log_level(state, arg);
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

/* ---- running and stopping ---- */

static void
on_stopped(void *context)
{
    mr_loop_stop(((struct program *)context)->loop);
}

static void
on_signal(int signal_number, void *context)
{
    struct program *program = context;

    if (program->stopping) {
        mr_log(MR_LOG_WARN, "control", "second signal: leaving without waiting");
        mr_loop_stop(program->loop);
        return;
    }
    program->stopping = true;
    mr_log(MR_LOG_INFO, "control", "%s: finishing what is under way", strsignal(signal_number));
    mr_millraced_stop(program->millraced, GRACE_MS, on_stopped, program);
}

static void
run(struct program *program)
{
    struct mr_signal *term = mr_signal_new(program->loop, SIGTERM, on_signal, program);
    struct mr_signal *interrupt = mr_signal_new(program->loop, SIGINT, on_signal, program);

    mr_loop_run(program->loop);
    mr_signal_free(term);
    mr_signal_free(interrupt);
}

static void
tell_ready(const struct settings *settings, const struct mr_millraced *millraced)
{
    const struct mr_millraced_options *daemon = &settings->daemon;
    unsigned port = mr_millraced_port(millraced);

    if (port != 0) {
        mr_log(MR_LOG_INFO, "control", "Lambda on http://%s:%u, data in %s",
               daemon->host != NULL ? daemon->host : "127.0.0.1", port, daemon->data);
    }
    if (daemon->socket != NULL) {
        mr_log(MR_LOG_INFO, "control", "Lambda on unix:%s, data in %s", daemon->socket,
               daemon->data);
    }
    if (settings->ready_fd >= 0) {
        dprintf(settings->ready_fd, "READY %u\n", port);
        close(settings->ready_fd);
    }
}

static int
serve(struct settings *settings)
{
    struct program program = { .loop = mr_loop_new(NULL) };
    struct mr_error err = { 0 };

    program.millraced = mr_millraced_new(program.loop, &settings->daemon, &err);
    if (program.millraced == NULL) {
        fprintf(stderr, "millraced: %s\n", err.text);
    } else {
        tell_ready(settings, program.millraced);
        run(&program);
        mr_log(MR_LOG_INFO, "control", "stopped");
    }
    mr_millraced_free(program.millraced);
    mr_loop_free(program.loop);
    return err.code < 0 ? EXIT_CANNOT : 0;
}

int
main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .doc =
            "Functions, and event source mappings that feed them, behind the Lambda API.\v"
            "Point any client at it: AWS_ENDPOINT_URL=http://127.0.0.1:4566. SIGTERM stops it "
            "cleanly; a kill loses nothing that was acknowledged.",
    };
    struct settings settings = { .daemon = { .data = ".millrace/millraced" }, .ready_fd = -1 };
    struct mr_keeper keeper = { .fd = -1 };
    struct mr_error err = { 0 };

    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &settings);
    settings.daemon.listen_tcp = settings.port_given || settings.daemon.socket == NULL;
    if (!settings.port_given) {
        settings.daemon.port = DEFAULT_PORT;
    }
    signal(SIGPIPE, SIG_IGN);
    if (settings.no_sandbox) {
        mr_log_mark("NO SANDBOX");
        mr_log(MR_LOG_WARN, "control",
               "--sandbox=off: handlers run as this user, with nothing around them");
    } else if (mr_keeper_start(&keeper, NULL, &settings.sandbox, &err) < 0) {
        fprintf(stderr, "millraced: %s\n", err.text);
        return EXIT_CANNOT;
    } else {
        settings.daemon.keeper = &keeper;
        settings.daemon.harden = true;
    }
    int status = serve(&settings);
    mr_keeper_stop(&keeper);
    return status;
}
