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
#include <stddef.h>
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

/*
 * The same for a daemon as ours are, in one call: it may read the system's
 * libraries, certificates, names and time zones, and write its data directory.
 * Started by root it becomes the owner of that directory.
 *
 * Bind first, then call this, then open the store: a port below 1024 and the
 * place of a socket may want rights that are gone afterwards.
 */
struct mr_harden_daemon {
    const char *data_dir; /* must exist */
    /* What else; NULL-terminated, at most 12 each, missing ones are skipped. NULL: nothing. */
    const char *const *read_paths;
    const char *const *write_paths;
    bool may_exec;
};

/* As mr_harden_process. What took hold as words, for the start line, lands in `out_text`. */
int mr_harden_daemon(const struct mr_harden_daemon *daemon, char *out_text, size_t capacity,
                     struct mr_error *err) MR_MUST_USE;

/*
 * For what was made before mr_harden_daemon and is used after it, by name (a
 * Unix socket): as root, gives `path` to the owner of `data_dir`.
 */
int mr_harden_give(const char *path, const char *data_dir, struct mr_error *err) MR_MUST_USE;

#endif
