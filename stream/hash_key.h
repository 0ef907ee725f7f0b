/*
 * hash_key: 128-bit keys, and which shard a partition key belongs to.
 *
 * A hash key is the MD5 of the UTF-8 partition key read as a big-endian number,
 * or the explicit one a caller gave in decimal. Shards divide 0 .. 2^128-1
 * among themselves without gaps.
 *
 * Thread: any. Each thread keeps one digest context of its own, made at its
 * first use, so a key costs no allocation.
 */
#ifndef MR_STREAM_HASH_KEY_H
#define MR_STREAM_HASH_KEY_H

#include <stdbool.h>

#include "base/slice.h"

__extension__ typedef unsigned __int128 mr_hash_key;

#define MR_HASH_KEY_MAX (~(mr_hash_key)0)

enum { MR_HASH_KEY_TEXT_SIZE = 40 }; /* 39 digits and a NUL */

/* MD5 of the partition key. */
mr_hash_key mr_hash_key_of(struct mr_slice partition_key);

/* Decimal digits only (leading zeros are fine), 0 .. 2^128-1. False on anything else. */
bool mr_hash_key_parse(struct mr_slice text, mr_hash_key *out_key);

/* Writes decimal text with a NUL behind it; returns its length. */
size_t mr_hash_key_print(mr_hash_key key, char out_text[MR_HASH_KEY_TEXT_SIZE]);

/* The range of shard `index` of `count` even ones; the last takes the remainder. 1 <= count. */
void mr_hash_key_range(uint32_t index, uint32_t count, mr_hash_key *out_start,
                       mr_hash_key *out_end);

enum { MR_SHARD_ID_TEXT_SIZE = 24 };

/* "shardId-000000000007". Returns its length. */
size_t mr_shard_id_print(uint32_t index, char out_text[MR_SHARD_ID_TEXT_SIZE]);

/*
 * As AWS takes them: behind the last '-' only digits, 0..2147483647, so "7",
 * "shardId-7" and "shardId-000000000007" are the same. False on anything else.
 */
bool mr_shard_id_parse(struct mr_slice text, uint32_t *out_index);

#endif
