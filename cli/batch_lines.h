/*
 * batch_lines: the feed of millraced's events as lines about batches.
 *
 * Takes one JSON object a line, as docs/formats/local-api.md has them, and says
 * START, END, FAIL, DROP, ...; as JSON it passes the objects on.
 */
#ifndef MR_CLI_BATCH_LINES_H
#define MR_CLI_BATCH_LINES_H

#include <stdint.h>

#include "base/slice.h"
#include "cli/say.h"

struct mr_batch_lines;

enum mr_batch_detail {
    MR_BATCH_QUIET,      /* only what went wrong */
    MR_BATCH_USUAL,      /* batches, and what handlers write */
    MR_BATCH_LAMBDA_LOG, /* what handlers write, between Lambda's own lines; no batches */
};

/* `say` is the caller's and outlives it. */
struct mr_batch_lines *mr_batch_lines_new(struct mr_say *say, enum mr_batch_detail detail);
void mr_batch_lines_free(struct mr_batch_lines *lines); /* NULL is fine */

/* Show `name` as `logical_id`. Both are copied; the last one said counts. */
void mr_batch_lines_name(struct mr_batch_lines *lines, const char *name,
                         const char *logical_id);

/* A mr_follow_fn; the context is the `struct mr_batch_lines *`. */
void mr_batch_lines_take(struct mr_slice line, void *context);

/* The number of the line to come: where to go on after a lost connection. From 1. */
uint64_t mr_batch_lines_next(const struct mr_batch_lines *lines);
/* The daemon is another one: it counts anew, and what was in flight is not any more. */
void mr_batch_lines_begin_anew(struct mr_batch_lines *lines);

/* The index in a sequence number of version 2: one more for every record of a shard. 0: none.
 */
uint64_t mr_sequence_index_of(struct mr_slice sequence);

#endif
