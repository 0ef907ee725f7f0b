/*
 * run_command: one command in a sandbox of its own, as a handler would be run.
 *
 * What `millrace sandbox -- COMMAND` does: starts a daemon, launches, copies
 * input and output, ends with the command's status. Blocks until then.
 */
#ifndef MR_SANDBOX_RUN_COMMAND_H
#define MR_SANDBOX_RUN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sandbox/client.h"

/* Zero is the usual. Strings are the caller's. */
struct mr_run_command {
    const char *daemon_path; /* NULL: beside us, else from PATH */
    const char *code_dir;    /* seen at /var/task; NULL: the working directory */
    char *const *args;       /* NULL-terminated: the command */
    char *const *env; /* NULL-terminated NAME=value; NULL: as a handler's, PATH and LANG */
    char *const *allow_syscalls; /* NULL-terminated, or NULL */
    uint32_t memory_mb;
    uint32_t tmp_mb;
    enum mr_sandbox_network network;
    enum mr_sandbox_profile profile;
    enum mr_sandbox_level level; /* 0: any; else that level or better, and no better than it */
    uint64_t timeout_ms;         /* 0: none */
    bool verbose;                /* say the level and what it used on stderr */
    uint32_t hide;               /* tests: mechanisms to do without */
};

/*
 * The command's exit status, 128 + signal when one killed it, 124 when the
 * time was over, 128 + signal when SIGINT, SIGTERM or SIGHUP told us to end
 * (everything in the sandbox is killed then); negative with `err` when it could
 * not be run at all: -ENOENT and -EACCES with MR_RUN_COMMAND_EXEC in the text
 * when the program is not there or not executable. Not for programs with
 * threads: it takes the three signals, and gives them back.
 */
#define MR_RUN_COMMAND_EXEC "could not execute its program"
int mr_sandbox_run_command(const struct mr_run_command *command, struct mr_error *err);

#endif
