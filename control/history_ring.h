/*
 * history_ring: records in files of 8 MiB, the oldest file gone when all are larger than
 * allowed.
 *
 * A record is a line of JSON, its heading, and behind it as many bytes as the heading's
 * `eventBytes`, `responseBytes` and `logBytes` say together, and a newline. A file's name is
 * the number of its first record. A torn end, from a kill, is cut off at the next open.
 *
 * Thread: one.
 */
#ifndef MR_CONTROL_HISTORY_RING_H
#define MR_CONTROL_HISTORY_RING_H

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

struct history_ring;

struct history_entry {
    uint64_t number;
    json_t *heading; /* the ring's */
    uint64_t file;   /* the number in its name */
    uint64_t body;   /* where the bytes behind the heading begin */
    size_t body_size;
};

struct history_ring *history_ring_open(const char *directory, uint64_t max_bytes,
                                       struct mr_error *err);
void history_ring_close(struct history_ring *ring); /* NULL is fine */

uint64_t history_ring_next(const struct history_ring *ring);
/* Takes the heading, which is given its `id`. */
int history_ring_add(struct history_ring *ring, json_t *heading, struct mr_slice body,
                     struct mr_error *err);

size_t history_ring_count(const struct history_ring *ring);
/* 0: the oldest. */
const struct history_entry *history_ring_at(const struct history_ring *ring, size_t index);
/* Its bytes behind the heading, appended. */
int history_ring_read(const struct history_ring *ring, const struct history_entry *entry,
                      struct mr_buf *out_body, struct mr_error *err);

#endif
