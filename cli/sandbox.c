/* millrace sandbox: any command, run as a handler would be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "cli/verb.h"
#include "harness/sandbox_verb.h"

enum { TMP = 256, TIMEOUT, MAX_ENV = 256, MAX_ALLOW = 64 };

static const struct argp_option options[] = {
    { "memory", 'm', "MB", 0,
      "Memory, as MemorySize; it decides the share of a CPU too, 1769 being one (default 512)",
      0 },
    { "tmp", TMP, "MB", 0, "The size of /tmp, as EphemeralStorage (default 512)", 0 },
    { "network", 'n', "none|host", 0, "A loopback of its own (default), or the host's network",
      0 },
    { "profile", 'p', "default|strict", 0, "Which system calls are allowed", 0 },
    { "level", 'l', "L1|L2|L3", 0,
      "Exactly what a host of this level gives; refused where this one gives less", 0 },
    { "code", 'c', "DIR", 0, "The package at /var/task (default: the working directory)", 0 },
    { "env", 'e', "NAME=VALUE", 0, "One more variable; may be repeated", 1 },
    { "allow", 'a', "CALL", 0,
      "Allow this system call besides, as AllowSyscalls; may be repeated", 1 },
    { "timeout", TIMEOUT, "SECONDS", 0, "Kill everything after so long; the status is 124", 1 },
    { "verbose", 'v', NULL, 0, "The level and what was used, on stderr", 1 },
    { 0 },
};

struct flags {
    struct mr_sandbox_verb asked;
    const char *env[MAX_ENV];
    const char *allow[MAX_ALLOW];
};

static uint32_t
parse_number(struct argp_state *state, const char *name, const char *text, uint32_t lowest,
             uint32_t highest)
{
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0 || value < lowest ||
        value > highest) {
        argp_error(state, "--%s takes a number from %u to %u, not \"%s\"", name, lowest,
                   highest, text);
    }
    return (uint32_t)value;
}

/* Which of two words. */
static bool
parse_word(struct argp_state *state, const char *name, const char *text, const char *usual,
           const char *other)
{
    if (strcmp(text, usual) != 0 && strcmp(text, other) != 0) {
        argp_error(state, "--%s takes %s or %s, not \"%s\"", name, usual, other, text);
    }
    return strcmp(text, other) == 0;
}

static int
parse_level(struct argp_state *state, const char *text)
{
    bool known =
        (text[0] == 'L' || text[0] == 'l') && text[1] >= '1' && text[1] <= '3' && text[2] == 0;

    if (!known) {
        argp_error(state, "--level takes L1, L2 or L3, not \"%s\"", text);
    }
    return known ? text[1] - '0' : 0;
}

static void
add(struct argp_state *state, const char **list, size_t *count, size_t most, const char *value)
{
    if (*count == most) {
        argp_error(state, "at most %zu of --env and of --allow", most);
    }
    list[(*count)++] = value;
}

static error_t
parse(int key, char *value, struct argp_state *state)
{
    struct flags *flags = state->input;
    struct mr_sandbox_verb *asked = &flags->asked;

    switch (key) {
    case 'm':
        asked->memory_mb = parse_number(state, "memory", value, 64, 10240);
        return 0;
    case TMP:
        asked->tmp_mb = parse_number(state, "tmp", value, 1, 10240);
        return 0;
    case 'n':
        asked->host_network = parse_word(state, "network", value, "none", "host");
        return 0;
    case 'p':
        asked->strict = parse_word(state, "profile", value, "default", "strict");
        return 0;
    case 'l':
        asked->level = parse_level(state, value);
        return 0;
    case 'c':
        asked->code_dir = value;
        return 0;
    case 'e':
        if (strchr(value, '=') == NULL || value[0] == '=') {
            argp_error(state, "--env takes NAME=VALUE, not \"%s\"", value);
        }
        add(state, flags->env, &asked->env_count, MAX_ENV, value);
        return 0;
    case 'a':
        add(state, flags->allow, &asked->allow_count, MAX_ALLOW, value);
        return 0;
    case TIMEOUT:
        asked->timeout_ms = (uint64_t)parse_number(state, "timeout", value, 1, 86400) * 1000;
        return 0;
    case 'v':
        asked->verbose = true;
        return 0;
    case ARGP_KEY_ARG: /* the command, and all that follows is its own */
        asked->command = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which command? millrace sandbox -- COMMAND");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "-- COMMAND [ARGUMENT...]",
    .doc =
        "Runs any command exactly as a handler would be run, to see what a handler sees.\v"
        "Its output is ours and its exit status too: 128 + N when signal N killed it, 124 when "
        "the time was over, 127 when there is no such command inside, 126 when it cannot be "
        "executed, 125 when the sandbox could not be made. Refused system calls are named on "
        "stderr with what to write to allow them.",
};

int
mr_verb_sandbox(int argc, char **argv)
{
    struct flags flags = { 0 };
    struct mr_error err;

    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &flags);
    flags.asked.env = flags.env;
    flags.asked.allow = flags.allow;
    int status = mr_sandbox_verb_run(&flags.asked, &err);
    return err.code == 0 ? status : mr_complain(status, "%s", err.text);
}
