/*
 * sandbox_verb: one command, run exactly as a handler would be: what
 * `millrace sandbox -- COMMAND` does.
 *
 * The same daemon, the same launch, the variables a handler finds; only the
 * Runtime API is missing. Its output is ours, unbuffered, and its input too.
 */
#ifndef MR_HARNESS_SANDBOX_VERB_H
#define MR_HARNESS_SANDBOX_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    MR_SANDBOX_VERB_MEMORY_MB = 512, /* when nothing is said; and of /tmp */
    MR_SANDBOX_VERB_CANNOT = 125,    /* the sandbox could not be made */
    MR_SANDBOX_VERB_NOT_EXECUTABLE = 126,
    MR_SANDBOX_VERB_NOT_FOUND = 127,
};

/* Zero is the usual. Strings are the caller's. */
struct mr_sandbox_verb {
    char *const *command;     /* NULL-terminated */
    const char *code_dir;     /* seen at /var/task; NULL: the working directory */
    const char *const *env;   /* NAME=value, added to a handler's; */
    size_t env_count;         /* at most 256 */
    const char *const *allow; /* names of system calls the profile lacks */
    size_t allow_count;       /* at most 64 */
    uint32_t memory_mb;       /* 64..10240; CPU is memory / 1769 of one, as on Lambda */
    uint32_t tmp_mb;          /* 1..10240 */
    bool host_network;
    bool strict; /* the strict profile instead of the default one */
    int level;   /* 1..3: exactly what a host of that level gives; 0: what this one can */
    uint64_t timeout_ms; /* 0: none; then everything is killed and the status is 124 */
    bool verbose;        /* level and usage on stderr */
};

/*
 * The exit status for our own process: the command's, 128 + signal when a
 * signal killed it or told us to end, or one of MR_SANDBOX_VERB_* with `err`
 * filled (err->code is 0 otherwise).
 */
int mr_sandbox_verb_run(const struct mr_sandbox_verb *asked, struct mr_error *err);

#endif
