/*
 * millrace-sandboxd: who holds the power to make sandboxes, and nothing else.
 *
 * Started by millraced, `millrace up` or `millrace sandbox` with one connected
 * socket; it listens nowhere and parses no stranger's bytes.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "sandbox/host.h"
#include "sandbox/report.h"
#include "sandbox/server.h"

enum {
    OPTION_SOCKET = 256,
    OPTION_REQUIRE,
    OPTION_OFF,
    OPTION_QUIET,
    OPTION_HIDE,
    OPTION_CHECK
};

const char *argp_program_version = "millrace-sandboxd " MR_VERSION;

struct arguments {
    struct mr_host_options host;
    int socket;
    int require; /* a level, 0: any */
    bool quiet;
    bool check;
};

static const struct argp_option options[] = {
    { "socket", OPTION_SOCKET, "FD", 0, "The connected socket of the one client (default 3)",
      0 },
    { "require", OPTION_REQUIRE, "LEVEL", 0,
      "Refuse to start with less than L1 (namespaces and cgroups), L2 (namespaces) or L3 "
      "(Landlock, seccomp and limits)",
      0 },
    { "off", OPTION_OFF, NULL, 0, "L0: no sandbox at all; handlers run with all our rights",
      0 },
    { "check", OPTION_CHECK, NULL, 0, "Print the level this host gives and end", 0 },
    { "quiet", OPTION_QUIET, NULL, 0, "No start line; the client gets it", 0 },
    { "hide", OPTION_HIDE, "BITS", OPTION_HIDDEN, NULL, 0 },
    { NULL, 0, NULL, 0, NULL, 0 },
};

static int
parse_level(const char *text)
{
    if ((text[0] == 'L' || text[0] == 'l') && text[1] >= '1' && text[1] <= '3' &&
        text[2] == 0) {
        return text[1] - '0';
    }
    return -1;
}

static error_t
parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case OPTION_SOCKET:
        arguments->socket = atoi(value);
        return 0;
    case OPTION_REQUIRE:
        arguments->require = parse_level(value);
        if (arguments->require < 0) {
            argp_error(state, "--require takes L1, L2 or L3, not \"%s\"", value);
        }
        return 0;
    case OPTION_OFF:
        arguments->host.off = true;
        return 0;
    case OPTION_QUIET:
        arguments->quiet = true;
        return 0;
    case OPTION_CHECK:
        arguments->check = true;
        return 0;
    case OPTION_HIDE:
        arguments->host.hide = (uint32_t)strtoul(value, NULL, 0);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse_option,
    .doc = "Runs handlers in sandboxes for the program that started it.",
};

static bool
is_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

static void
raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* L1 is the most; a larger number is less; L0 is nothing. */
static int
check_level(const struct mr_host *host, int required, struct mr_error *err)
{
    if (required == 0 || (host->level != MR_SANDBOX_L0 && (int)host->level <= required)) {
        return 0;
    }
    uint32_t missing = !mr_host_has(host, MR_SANDBOX_HAS_USER_NS)
                           ? MR_SANDBOX_HAS_USER_NS
                           : MR_SANDBOX_HAS_CGROUP_LIMITS;
    return mr_fail(err, -EPERM, "L%d is required and this host gives L%d; %.180s", required,
                   (int)host->level,
                   host->level == MR_SANDBOX_L0 ? "do not use --off"
                                                : mr_sandbox_advice(missing, host->root));
}

static int
run(const struct arguments *arguments, struct mr_error *err)
{
    struct mr_host host;
    char text[512];

    int rc = mr_host_open(&host, &arguments->host, err);
    if (rc < 0) {
        return rc;
    }
    rc = check_level(&host, arguments->require, err);
    if (rc == 0 && (arguments->check || !arguments->quiet)) {
        mr_host_describe(&host, text, sizeof(text));
        if (arguments->check) {
            printf("%s\n", text);
        } else {
            mr_log(host.level == MR_SANDBOX_L0 ? MR_LOG_WARN : MR_LOG_INFO, "sandbox", "%s",
                   text);
        }
    }
    if (rc == 0 && !arguments->check) {
        rc = mr_server_run(&host, arguments->socket, err);
    }
    mr_host_close(&host);
    return rc;
}

int
main(int argc, char **argv)
{
    struct arguments arguments = { .socket = 3 };
    struct mr_error err;

    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.host.off) {
        mr_log_mark("NO SANDBOX");
    }
    if (!arguments.check && !is_socket(arguments.socket)) {
        mr_log(MR_LOG_ERROR, "sandbox",
               "descriptor %d is no socket of a client: millrace up and millrace sandbox start "
               "this program; by hand, try --check",
               arguments.socket);
        return 2;
    }
    if (!arguments.check) {
        fcntl(arguments.socket, F_SETFD, FD_CLOEXEC);
    }
    raise_descriptor_limit();
    if (run(&arguments, &err) < 0) {
        mr_log(MR_LOG_ERROR, "sandbox", "%s", err.text);
        return 1;
    }
    return 0;
}
