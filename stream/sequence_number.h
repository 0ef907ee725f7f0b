/*
 * sequence_number: the 186-bit number every record carries, as AWS builds it.
 *
 * Version 2, in hex digits: `2` | 9 shard creation, seconds | 1 shard index mod
 * 16 | 16 sequence index | `00` | 9 arrival, seconds | 8 shard index | `2`.
 * Clients see it in decimal and compare it as a number. Versions 0 and 1 are
 * only read.
 *
 * Inside one shard the creation is the same for all records, so the sequence
 * index alone decides their order; that is what the store counts with.
 *
 * Thread: any; nothing is allocated.
 */
#ifndef MR_STREAM_SEQUENCE_NUMBER_H
#define MR_STREAM_SEQUENCE_NUMBER_H

#include <stdbool.h>

#include "base/slice.h"

enum { MR_SEQUENCE_TEXT_SIZE = 64 };                          /* 56 digits today, and a NUL */
#define MR_SEQUENCE_INDEX_END     INT64_C(0x7fffffffffffffff) /* index of a closed shard's end */
#define MR_SEQUENCE_SECONDS_LIMIT UINT64_C(16025175000) /* seconds from here on are invalid */

struct mr_sequence_number {
    uint64_t created_s; /* of the shard */
    uint64_t index;     /* version 1: 0; version 0: the 16 digits of its counter */
    uint64_t time_s;    /* arrival of the record; version 0: 0 */
    uint32_t shard;     /* shard index */
    uint8_t version;    /* 0, 1 or 2 */
    uint8_t byte1;      /* versions 0 and 1 */
    uint8_t low_index;  /* version 1: its two index digits */
    uint64_t random;    /* version 1: 14 digits */
};

/* A version 2 number. */
static inline struct mr_sequence_number
mr_sequence_of(uint64_t created_s, uint32_t shard, uint64_t index, uint64_t time_s)
{
    return (struct mr_sequence_number){
        .created_s = created_s, .index = index, .time_s = time_s, .shard = shard, .version = 2
    };
}

/* Of a record: a child may take some in the second before the one its numbers begin with. */
static inline struct mr_sequence_number
mr_sequence_of_record(uint64_t created_s, uint32_t shard, uint64_t index, uint64_t arrival_ms)
{
    uint64_t arrival_s = arrival_ms / 1000;
    return mr_sequence_of(created_s, shard, index,
                          arrival_s > created_s ? arrival_s : created_s);
}

/* The number no record of the shard is below: index 0, arrival = creation. */
static inline struct mr_sequence_number
mr_sequence_start(uint64_t created_s, uint32_t shard)
{
    return mr_sequence_of(created_s, shard, 0, created_s);
}

/* The EndingSequenceNumber of a shard closed at `time_s`. */
static inline struct mr_sequence_number
mr_sequence_end(uint64_t created_s, uint32_t shard, uint64_t time_s)
{
    return mr_sequence_of(created_s, shard, MR_SEQUENCE_INDEX_END, time_s);
}

/* As numbers: negative, 0, positive. */
int mr_sequence_compare(const struct mr_sequence_number *a, const struct mr_sequence_number *b);

/* The number above `number` with the next index: what AFTER_SEQUENCE_NUMBER begins at. */
struct mr_sequence_number mr_sequence_next(const struct mr_sequence_number *number);

/* Writes decimal text with a NUL behind it; returns its length. */
size_t mr_sequence_print(const struct mr_sequence_number *number,
                         char out_text[MR_SEQUENCE_TEXT_SIZE]);

/*
 * Digits only. A number below 2^124 has 2^124 added first, so "0" is a version
 * 0 number. False when it is no number of versions 0, 1 or 2, its seconds are
 * 16025175000 or more, or its index 2^63 or more.
 */
bool mr_sequence_parse(struct mr_slice text, struct mr_sequence_number *out_number);

#endif
