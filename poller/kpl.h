/*
 * kpl: aggregates of the Kinesis Producer Library, opened.
 *
 * An aggregate is one Kinesis record that holds many: F3 89 9A C2, a protocol buffer with a
 * table of keys and the records, and the MD5 of that buffer. What looks like one and is none is
 * an ordinary record. Its records share its sequence number and its time.
 *
 * Thread: any.
 */
#ifndef MR_POLLER_KPL_H
#define MR_POLLER_KPL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "poller/record.h"

enum { MR_KPL_MAX_RECORDS = 100000 }; /* more than a producer puts into 1 MiB */

/* Costs a look at the first letters. */
bool mr_kpl_may_be(const struct mr_record *record);

/*
 * The records inside, in the arena. Returns how many (an aggregate may be empty), or -1 when it
 * is none.
 */
int mr_kpl_open(const struct mr_record *outer, struct mr_arena *arena,
                struct mr_record **out_records);

#endif
