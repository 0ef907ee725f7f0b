/*
 * package_mounts: a function's directories as mounts: its code, its runtime
 * and its layers, read-only, without setuid bits and devices.
 *
 * Each call returns a detached mount (see mounts.h) or a negative code with a
 * sentence that names the directory. A path that is a symbolic link is refused.
 */
#ifndef MR_SANDBOX_PACKAGE_MOUNTS_H
#define MR_SANDBOX_PACKAGE_MOUNTS_H

#include <stddef.h>

#include "base/error.h"
#include "sandbox/host.h"

/* Is there such a directory? 0, or negative with a sentence that begins with `what`. */
int mr_package_check(const char *path, const char *what, struct mr_error *err) MR_MUST_USE;

/*
 * For /var/task. Lambda makes that directory itself, and of a package only what
 * is in it has modes: one of root's that is closed to others, as mktemp -d
 * makes it, is therefore shown under an open one. (Where we are no root it is
 * ours, and the handler is us.)
 */
int mr_package_mount_code(const struct mr_host *host, const char *path,
                          struct mr_error *err) MR_MUST_USE;

int mr_package_mount_dir(const char *path, const char *what, struct mr_error *err) MR_MUST_USE;

/* Merged; a file of a later one hides that of an earlier. 1..MR_SANDBOX_MAX_LAYERS. */
int mr_package_mount_layers(const char *const *paths, size_t count,
                            struct mr_error *err) MR_MUST_USE;

#endif
