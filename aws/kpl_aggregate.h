/*
 * kpl_aggregate: many records in one, as the Kinesis Producer Library packs them.
 *
 *     F3 89 9A C2 | AggregatedRecord (protocol buffer) | MD5 of the message
 *
 * Keys that come again are written once. Its size is known, to the byte, before each record is
 * added.
 */
#ifndef MR_AWS_KPL_AGGREGATE_H
#define MR_AWS_KPL_AGGREGATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { MR_KPL_DEFAULT_BYTES = 51200 }; /* the library's AggregationMaxSize */

struct mr_kpl_key {
    size_t offset, size; /* in the table's text */
};

/* A table of distinct strings in the order they came. */
struct mr_kpl_keys {
    struct mr_buf text;
    struct mr_kpl_key *keys;
    size_t count;
    uint32_t *slots; /* index + 1 by hash; 0: free */
    size_t slot_count;
};

/* A zeroed struct is an empty aggregate. */
struct mr_kpl_aggregate {
    struct mr_kpl_keys partition_keys, hash_keys;
    struct mr_buf tables, records; /* parts of the message */
    size_t record_count;
};

void mr_kpl_aggregate_deinit(struct mr_kpl_aggregate *aggregate);

/* Bytes of the sealed aggregate. */
size_t mr_kpl_aggregate_size(const struct mr_kpl_aggregate *aggregate);
/* The same once this record is in; `hash_key` absent: none. */
size_t mr_kpl_aggregate_size_with(const struct mr_kpl_aggregate *aggregate, struct mr_slice key,
                                  struct mr_slice hash_key, struct mr_slice data);

/* Copies. */
void mr_kpl_aggregate_add(struct mr_kpl_aggregate *aggregate, struct mr_slice key,
                          struct mr_slice hash_key, struct mr_slice data);

/* The first record's key, which the whole is put under. Valid until the next change. */
struct mr_slice mr_kpl_aggregate_key(const struct mr_kpl_aggregate *aggregate);

/* Append the aggregate to `out`; it is empty then. */
void mr_kpl_aggregate_seal(struct mr_kpl_aggregate *aggregate, struct mr_buf *out);

#endif
