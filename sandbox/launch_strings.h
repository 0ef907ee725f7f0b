/*
 * launch_strings: the text of a launch, in a memory file nobody can change.
 *
 * The client writes entries into a memfd and seals it; sandboxd maps it, reads
 * the entries in place, and unmaps it as soon as the sandbox is cloned, so that
 * no function's environment stays in the daemon's memory.
 *
 * An entry: u32 tag, u32 size, the bytes, a NUL that does not count, and zeroes
 * up to the next multiple of four. No NUL stands inside a value.
 */
#ifndef MR_SANDBOX_LAUNCH_STRINGS_H
#define MR_SANDBOX_LAUNCH_STRINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/slice.h"

enum mr_launch_tag {
    MR_LAUNCH_NAME = 1,    /* the function's, for messages; at most one */
    MR_LAUNCH_CODE_DIR,    /* absolute; /var/task; exactly one */
    MR_LAUNCH_RUNTIME_DIR, /* absolute; /var/runtime; at most one */
    MR_LAUNCH_LAYER,       /* absolute; merged into /opt, a later one wins */
    MR_LAUNCH_ARG,         /* the first is the program's path inside */
    MR_LAUNCH_ENV,         /* NAME=value */
    MR_LAUNCH_ALLOW,       /* a system call's name */
};

enum { MR_LAUNCH_MAX_ALLOWS = 64 };

/* Points into the bytes it was parsed from. */
struct mr_launch_strings {
    const char *name; /* "" when not given */
    const char *code_dir;
    const char *runtime_dir; /* NULL when not given */
    const char *layers[MR_SANDBOX_MAX_LAYERS];
    size_t layer_count;
    const char *args[MR_SANDBOX_MAX_ARGS + 1]; /* NULL-terminated, as execve wants it */
    size_t arg_count;
    const char *env[MR_SANDBOX_MAX_ENV + 8]; /* NULL-terminated, with room for ours */
    size_t env_count;
    const char *allows[MR_LAUNCH_MAX_ALLOWS];
    size_t allow_count;
};

/* Appends one entry; -EINVAL when the value holds a NUL. */
int mr_launch_strings_add(struct mr_buf *buf, enum mr_launch_tag tag, struct mr_slice value,
                          struct mr_error *err) MR_MUST_USE;

/*
 * Reads entries in place. -EINVAL with a sentence on anything that is not
 * exactly well-formed, -E2BIG when a maximum is passed.
 */
int mr_launch_strings_parse(struct mr_launch_strings *out_strings, struct mr_slice bytes,
                            struct mr_error *err) MR_MUST_USE;

/* A sealed memfd with these bytes, the caller's to close. */
int mr_launch_strings_seal(struct mr_slice bytes, struct mr_error *err) MR_MUST_USE;

/* Maps a sealed memfd read-only; -EINVAL when it is not sealed or too large. munmap is the
 * caller's. */
int mr_launch_strings_map(int fd, struct mr_slice *out_bytes, struct mr_error *err) MR_MUST_USE;

#endif
