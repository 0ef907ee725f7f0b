/*
 * pages: the records of a shard that were read and are not finished, by position.
 *
 * Positions count the shard's records as they are read: 0, 1, 2, ... A page is one answer of
 * the source; it is kept, with its memory, until everything in it is finished. Nothing is
 * copied and nothing is allocated for a record.
 */
#ifndef MR_POLLER_PAGES_H
#define MR_POLLER_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "poller/source.h"

struct mr_page;

/* A zeroed struct has none. */
struct mr_pages {
    struct mr_page *first, *last;
    uint64_t end; /* position behind the last record */
    size_t bytes;
};

/* Everything is let go; the count goes on. Returns the bytes that were held. */
size_t mr_pages_clear(struct mr_pages *pages);

/* Keeps a reference to the block. Returns the bytes it counts. */
size_t mr_pages_add(struct mr_pages *pages, const struct mr_record *records, size_t count,
                    struct mr_record_block *block);

/* The record of a position that is held. */
const struct mr_record *mr_pages_find(const struct mr_pages *pages, uint64_t position);

/* Let go what is wholly before `position`. Returns its bytes. */
size_t mr_pages_release(struct mr_pages *pages, uint64_t position);

#endif
