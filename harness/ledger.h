/*
 * ledger: what became of every record, for one who must judge a run.
 *
 * Records are entered when they are put into a stream; a mapping's column then says how often
 * each was delivered to its function, how often successfully, and whether it was given up. From
 * that follow loss, duplicates and broken order, without trusting the poller's own counts.
 *
 * Not thread-safe.
 */
#ifndef MR_HARNESS_LEDGER_H
#define MR_HARNESS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/slice.h"

struct mr_ledger; /* one stream and the mappings that read it */

/* Never NULL. */
struct mr_ledger *mr_ledger_new(size_t mapping_count);
void mr_ledger_free(struct mr_ledger *ledger);
MR_AUTO_DEFINE(struct mr_ledger, mr_ledger_free)

/* Text is copied. Returns the record's number: 1 is the first of the stream. */
size_t mr_ledger_put(struct mr_ledger *ledger, struct mr_slice sequence_number,
                     struct mr_slice partition_key);
size_t mr_ledger_count(const struct mr_ledger *ledger);

/*
 * The records of an event's JSON, in its order, as numbers (0: none of ours). Returns how many;
 * `*out_numbers` is the caller's to free.
 */
size_t mr_ledger_read_event(const struct mr_ledger *ledger, struct mr_slice event,
                            size_t **out_numbers);
/* The number of a sequence number, or 0. */
size_t mr_ledger_find(const struct mr_ledger *ledger, struct mr_slice sequence_number);

void mr_ledger_delivered(struct mr_ledger *ledger, size_t mapping, size_t number);
void mr_ledger_succeeded(struct mr_ledger *ledger, size_t mapping, size_t number);
void mr_ledger_dropped(struct mr_ledger *ledger, size_t mapping, size_t number);

struct mr_ledger_sums {
    size_t delivered;  /* records that reached the function at least once */
    size_t succeeded;  /* ... and were handled */
    size_t dropped;    /* given up */
    size_t duplicates; /* successful deliveries beyond a record's first */
    size_t disorder;   /* first successes that came after a later one of the same key */
    size_t open;       /* neither handled nor given up: filtered, or lost */
};

struct mr_ledger_sums mr_ledger_sums(const struct mr_ledger *ledger, size_t mapping);

#endif
