/*
 * block: the unit of the journal: what is written, checked and cached as one.
 *
 * A block is a header and records of any shards; docs/formats/journal.md has
 * its bytes. Records of one shard in a block are chained by offset, so that a
 * reader of one shard steps over the others. In memory a block is counted: the
 * cache holds one reference, each batch that shows its records another.
 *
 * Committed blocks never change, so any thread may read them.
 */
#ifndef MR_STREAM_BLOCK_H
#define MR_STREAM_BLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "stream/cipher.h"

enum {
    MR_BLOCK_HEADER = 64,
    MR_BLOCK_RECORD_HEADER = 32,
    MR_BLOCK_TARGET = 1024 * 1024,   /* a block is closed at about this size */
    MR_BLOCK_MAX = 16 * 1024 * 1024, /* one record of the largest kind fits */
};

struct mr_block {
    atomic_uint refs;
    uint32_t segment;
    uint32_t offset;   /* of the header in its segment */
    uint32_t size;     /* with the header; a multiple of 8 */
    uint32_t capacity; /* of data */
    uint8_t *data;
};

struct mr_block *mr_block_new(size_t capacity); /* one reference; NULL: no memory */
struct mr_block *mr_block_ref(struct mr_block *block);
void mr_block_unref(struct mr_block *block); /* NULL is fine */

/* A place in the journal. */
struct mr_journal_point {
    uint32_t segment;
    uint32_t offset;
};

struct mr_block_header {
    uint32_t size; /* with the header */
    uint32_t records;
    uint64_t sequence; /* rises from block to block, with gaps */
    uint32_t segment;
    struct mr_journal_point synced; /* all before it was on the disk when this was written */
};

/* Write the header, with the checksum over everything behind it. */
void mr_block_seal(uint8_t *data, const struct mr_block_header *header);

/* As it lies in an encrypted segment: `out` is as large as the block, whose records stay. */
void mr_block_seal_secret(const uint8_t *data, const struct mr_block_header *header,
                          const struct mr_cipher *cipher, uint8_t *out);

/* The header alone looks like one of segment `segment`, and `room` bytes may hold the block? */
bool mr_block_peek(const uint8_t *data, size_t room, uint32_t segment,
                   struct mr_block_header *out_header);

/* As peek, and the checksum holds, and all records and chains stay inside. */
bool mr_block_check(const uint8_t *data, size_t room, uint32_t segment,
                    struct mr_block_header *out_header);

/* The same of a block in an encrypted segment, decrypted in place; NULL: as mr_block_check. */
bool mr_block_open(uint8_t *data, size_t room, uint32_t segment, const struct mr_cipher *cipher,
                   struct mr_block_header *out_header);

struct mr_block_record {
    uint32_t uid;  /* shard */
    uint32_t next; /* offset in the block of the shard's next record; 0: none */
    uint64_t index;
    uint64_t arrival_ms;
    struct mr_slice partition_key, data;
};

/* Bytes a record takes in a block. */
size_t mr_block_record_size(size_t key_size, size_t data_size);

/* Write a record at `at`, with next = 0. The room is there. */
void mr_block_put_record(uint8_t *at, const struct mr_block_record *record);
void mr_block_set_next(uint8_t *at, uint32_t next);

/*
 * The record at `offset` of a checked block of `size` bytes; views into it.
 * Returns the offset behind it; 0 when no record fits there.
 */
uint32_t mr_block_record_at(const uint8_t *data, uint32_t size, uint32_t offset,
                            struct mr_block_record *out_record);

#endif
