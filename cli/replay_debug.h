/*
 * replay_debug: a function's bootstrap under a debugger, on one event.
 *
 * A Runtime API of its own, for one invocation, stands on a loopback port; the
 * program runs under the tool with the function's variables, outside any
 * sandbox, as you. No time runs out: the deadline is a day away.
 */
#ifndef MR_CLI_REPLAY_DEBUG_H
#define MR_CLI_REPLAY_DEBUG_H

#include "base/error.h"
#include "base/slice.h"
#include "cli/remote.h"

enum mr_replay_tool {
    MR_REPLAY_GDB,
    MR_REPLAY_VALGRIND,
    MR_REPLAY_STRACE,
    MR_REPLAY_BARE, /* no tool: the program alone */
};

/*
 * Runs until the tool ends; the answer of the function is printed. Returns the tool's exit
 * code, or a negative error: the function has no bootstrap here, or the tool is not installed.
 */
int mr_replay_debug(struct mr_remote *remote, enum mr_replay_tool tool, const char *function,
                    struct mr_slice event, struct mr_error *err);

#endif
