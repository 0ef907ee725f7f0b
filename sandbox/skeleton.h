/*
 * skeleton: the root filesystem every sandbox begins with, built once.
 *
 * The daemon keeps a mount namespace of its own. In it, under its run
 * directory, lies one read-only tree: /usr of the host, a synthetic /etc, five
 * devices, and empty places for code, layers, /tmp and /proc. A launch takes a
 * detached copy of it and fills the places; nobody can write to it.
 *
 * The run directory also holds each environment's /tmp, which therefore
 * outlives its processes and dies with the daemon.
 */
#ifndef MR_SANDBOX_SKELETON_H
#define MR_SANDBOX_SKELETON_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { MR_SKELETON_MAX_MASKS = 24 };

struct mr_skeleton {
    char run_dir[128]; /* of the host, empty there; ours hides it with a tmpfs */
    char root[160];    /* the tree */
    char place[160];   /* where init puts its copy before it makes it the root */
    bool resolv_conf;  /* the host has one to show with network host */
    /* What of /proc exists here and should not be seen, or not be written. */
    const char *hidden[MR_SKELETON_MAX_MASKS];
    const char *read_only[MR_SKELETON_MAX_MASKS];
};

/*
 * Makes the run directory and, in the caller's mount namespace (which must be
 * its own), the tree. Removes what dead daemons left. Negative with a sentence.
 */
int mr_skeleton_build(struct mr_skeleton *out_skeleton, struct mr_error *err) MR_MUST_USE;

/* A detached copy of the tree. */
int mr_skeleton_copy(const struct mr_skeleton *skeleton, struct mr_error *err) MR_MUST_USE;

/* A new private /tmp for slot `slot`, owned by host ids; kept until removed. */
int mr_skeleton_tmp_make(const struct mr_skeleton *skeleton, unsigned slot, uint32_t size_mb,
                         uint32_t uid, uint32_t gid, struct mr_error *err) MR_MUST_USE;
/* A detached copy of the slot's /tmp. */
int mr_skeleton_tmp_copy(const struct mr_skeleton *skeleton, unsigned slot,
                         struct mr_error *err) MR_MUST_USE;
void mr_skeleton_tmp_remove(const struct mr_skeleton *skeleton, unsigned slot);

/* Removes the run directory. */
void mr_skeleton_remove(struct mr_skeleton *skeleton);

/* Makes a run directory of this daemon's and removes those of dead ones. */
int mr_run_dir_make(char *out_path, size_t capacity, struct mr_error *err) MR_MUST_USE;

#endif
