/*
 * partition_hash: where in a stream a partition key belongs.
 *
 * The MD5 of the key as a number of 128 bits; a shard owns a range of them.
 */
#ifndef MR_AWS_PARTITION_HASH_H
#define MR_AWS_PARTITION_HASH_H

#include <stdbool.h>

#include "base/slice.h"

typedef unsigned __int128 mr_partition_hash;

mr_partition_hash mr_partition_hash_of(struct mr_slice key);
/* Decimal, as ExplicitHashKey and HashKeyRange write it. False when it is no such number. */
bool mr_partition_hash_parse(struct mr_slice text, mr_partition_hash *out_hash);

#endif
