/*
 * mounts: mounts as descriptors, made in the daemon and put in place by init.
 *
 * A detached mount belongs to nobody's tree until it is moved into one; it
 * goes away with its descriptor. So the privileged side resolves every path of
 * the host, and the sandbox's own side never sees one.
 */
#ifndef MR_SANDBOX_MOUNTS_H
#define MR_SANDBOX_MOUNTS_H

#include "base/error.h"

/* A detached, read-only copy of the tree at `path` (no setuid, and no devices unless asked). */
int mr_mount_copy(const char *path, unsigned attributes, struct mr_error *err) MR_MUST_USE;

struct mr_mount_option {
    const char *key;
    const char *value; /* NULL: a flag */
};

/* A new filesystem, detached. `options` ends with a NULL key. */
int mr_mount_new(const char *type, const struct mr_mount_option *options, unsigned attributes,
                 struct mr_error *err) MR_MUST_USE;

/* Puts a detached mount at `path` (from `dir_fd`), which must exist. 0 or a negative errno. */
int mr_mount_place(int mount_fd, int dir_fd, const char *path);

#endif
