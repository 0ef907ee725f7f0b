/*
 * harden: a daemon of ours gives up what it will never need.
 *
 * For programs that parse strangers' bytes (streamd, millraced): after this a
 * bug in a parser is a bug in a process that can read and write its own
 * directories and nothing else, gains no privilege, shows its memory to nobody,
 * and makes none of the calls that change a host. Not for who must mount or
 * change users (sandboxd).
 *
 * Call once, when files and listeners are open and helpers are started, before
 * threads: Landlock holds the calling thread and those it makes.
 */
#ifndef MR_BASE_HARDEN_H
#define MR_BASE_HARDEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* What took hold; the result of mr_harden_process. */
enum {
    MR_HARDENED_FILES = 1 << 0, /* Landlock */
    MR_HARDENED_CALLS = 1 << 1, /* seccomp */
    MR_HARDENED_USER = 1 << 2,  /* no longer root */
};

struct mr_harden {
    /* NULL-terminated, with all below them; a missing one is skipped. NULL: files are left
     * alone. */
    const char *const *read_paths;
    const char *const *write_paths;
    uid_t uid; /* as root: become this user, 0: stay root without capabilities */
    gid_t gid;
    bool may_exec; /* start other programs */
};

/*
 * What took hold (MR_HARDENED_*), to be said in the start line: an old kernel
 * may lack one. Negative with `err` when something that should work did not;
 * the process should then end.
 */
int mr_harden_process(const struct mr_harden *harden, struct mr_error *err) MR_MUST_USE;

#endif
