/*
 * batch_lines: the feed of millraced's events as lines about batches.
 *
 * Takes one JSON object a line, as docs/formats/local-api.md has them, and says
 * START, END, FAIL, DROP, ... ; as JSON it passes the objects on.
 */
#ifndef MR_CLI_BATCH_LINES_H
#define MR_CLI_BATCH_LINES_H

#include "base/slice.h"
#include "cli/say.h"

struct mr_batch_lines;

/* `say` is the caller's and outlives it. `quiet`: only what went wrong. */
struct mr_batch_lines *mr_batch_lines_new(struct mr_say *say, bool quiet);
void mr_batch_lines_free(struct mr_batch_lines *lines); /* NULL is fine */

/* A mr_follow_fn; the context is the `struct mr_batch_lines *`. */
void mr_batch_lines_take(struct mr_slice line, void *context);

#endif
