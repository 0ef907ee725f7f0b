#include "stream/block.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "stream/checksum.h"
#include "stream/wire.h"

/* Offsets in the header. */
enum {
    MAGIC = 0,
    CHECKSUM = 4,
    SIZE = 8,
    RECORDS = 12,
    SEQUENCE = 16,
    SEGMENT = 24,
    SYNCED_SEGMENT = 28,
    SYNCED_OFFSET = 32,
    TAG = 40, /* of an encrypted block */
};

#define BLOCK_MAGIC UINT32_C(0x4b42524d) /* "MRBK" */

struct mr_block *
mr_block_new(size_t capacity)
{
    struct mr_block *block = mr_alloc_zero(1, sizeof(*block));

    mr_assert(capacity <= MR_BLOCK_MAX);
    block->data = mr_try_alloc(capacity);
    if (block->data == NULL) {
        free(block);
        return NULL;
    }
    block->capacity = (uint32_t)capacity;
    atomic_init(&block->refs, 1);
    return block;
}

struct mr_block *
mr_block_ref(struct mr_block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

void
mr_block_unref(struct mr_block *block)
{
    if (block != NULL &&
        atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1) {
        free(block->data);
        free(block);
    }
}

static void
put_header(uint8_t *data, const struct mr_block_header *header)
{
    memset(data, 0, MR_BLOCK_HEADER);
    mr_put_u32(data + MAGIC, BLOCK_MAGIC);
    mr_put_u32(data + SIZE, header->size);
    mr_put_u32(data + RECORDS, header->records);
    mr_put_u64(data + SEQUENCE, header->sequence);
    mr_put_u32(data + SEGMENT, header->segment);
    mr_put_u32(data + SYNCED_SEGMENT, header->synced.segment);
    mr_put_u32(data + SYNCED_OFFSET, header->synced.offset);
}

static void
put_checksum(uint8_t *data, uint32_t size)
{
    mr_put_u32(data + CHECKSUM, mr_checksum(data + SIZE, size - SIZE));
}

static bool
has_checksum(const uint8_t *data, uint32_t size)
{
    return mr_get_u32(data + CHECKSUM) == mr_checksum(data + SIZE, size - SIZE);
}

void
mr_block_seal(uint8_t *data, const struct mr_block_header *header)
{
    put_header(data, header);
    put_checksum(data, header->size);
}

/* No two blocks of a segment have the same sequence. */
static void
nonce_of(const struct mr_block_header *header, uint8_t nonce[MR_CIPHER_NONCE_SIZE])
{
    mr_put_u32(nonce, header->segment);
    mr_put_u64(nonce + 4, header->sequence);
}

void
mr_block_seal_secret(const uint8_t *data, const struct mr_block_header *header,
                     const struct mr_cipher *cipher, uint8_t *out)
{
    uint8_t nonce[MR_CIPHER_NONCE_SIZE];

    put_header(out, header);
    nonce_of(header, nonce);
    mr_cipher_encrypt(cipher, nonce, mr_slice_of(out + SIZE, TAG - SIZE),
                      mr_slice_of(data + MR_BLOCK_HEADER, header->size - MR_BLOCK_HEADER),
                      out + MR_BLOCK_HEADER, out + TAG);
    put_checksum(out, header->size);
}

bool
mr_block_peek(const uint8_t *data, size_t room, uint32_t segment,
              struct mr_block_header *out_header)
{
    if (room < MR_BLOCK_HEADER || mr_get_u32(data + MAGIC) != BLOCK_MAGIC) {
        return false;
    }
    struct mr_block_header header = {
        .size = mr_get_u32(data + SIZE),
        .records = mr_get_u32(data + RECORDS),
        .sequence = mr_get_u64(data + SEQUENCE),
        .segment = mr_get_u32(data + SEGMENT),
        .synced = { mr_get_u32(data + SYNCED_SEGMENT), mr_get_u32(data + SYNCED_OFFSET) },
    };
    if (header.size < MR_BLOCK_HEADER || header.size > room || header.size > MR_BLOCK_MAX ||
        header.size % 8 != 0 || header.segment != segment) {
        return false;
    }
    *out_header = header;
    return true;
}

/* Every record lies inside, and the chain of each leads forward to a record. */
static bool
records_fit(const uint8_t *data, const struct mr_block_header *header)
{
    uint32_t at = MR_BLOCK_HEADER, count = 0;

    while (at < header->size) {
        if (header->size - at < MR_BLOCK_RECORD_HEADER) {
            return false;
        }
        uint32_t next = mr_get_u32(data + at + 4);
        size_t size =
            mr_block_record_size(mr_get_u16(data + at + 28), mr_get_u32(data + at + 24));
        if (size > header->size - at ||
            (next != 0 &&
             (next <= at || next % 8 != 0 || next > header->size - MR_BLOCK_RECORD_HEADER))) {
            return false;
        }
        at += (uint32_t)size;
        count++;
    }
    return count == header->records;
}

bool
mr_block_check(const uint8_t *data, size_t room, uint32_t segment,
               struct mr_block_header *out_header)
{
    struct mr_block_header header;

    if (!mr_block_peek(data, room, segment, &header) || !has_checksum(data, header.size) ||
        !records_fit(data, &header)) {
        return false;
    }
    *out_header = header;
    return true;
}

bool
mr_block_open(uint8_t *data, size_t room, uint32_t segment, const struct mr_cipher *cipher,
              struct mr_block_header *out_header)
{
    struct mr_block_header header;
    uint8_t nonce[MR_CIPHER_NONCE_SIZE];

    if (cipher == NULL) {
        return mr_block_check(data, room, segment, out_header);
    }
    if (!mr_block_peek(data, room, segment, &header) || !has_checksum(data, header.size)) {
        return false;
    }
    nonce_of(&header, nonce);
    if (!mr_cipher_decrypt(cipher, nonce, mr_slice_of(data + SIZE, TAG - SIZE),
                           data + MR_BLOCK_HEADER, header.size - MR_BLOCK_HEADER, data + TAG) ||
        !records_fit(data, &header)) {
        return false;
    }
    *out_header = header;
    return true;
}

size_t
mr_block_record_size(size_t key_size, size_t data_size)
{
    return (MR_BLOCK_RECORD_HEADER + key_size + data_size + 7) & ~(size_t)7;
}

void
mr_block_put_record(uint8_t *at, const struct mr_block_record *record)
{
    size_t used = MR_BLOCK_RECORD_HEADER + record->partition_key.size + record->data.size;
    size_t size = mr_block_record_size(record->partition_key.size, record->data.size);

    mr_put_u32(at, record->uid);
    mr_put_u32(at + 4, 0);
    mr_put_u64(at + 8, record->index);
    mr_put_u64(at + 16, record->arrival_ms);
    mr_put_u32(at + 24, (uint32_t)record->data.size);
    mr_put_u16(at + 28, (uint16_t)record->partition_key.size);
    mr_put_u16(at + 30, 0);
    at += MR_BLOCK_RECORD_HEADER;
    if (record->partition_key.size > 0) {
        memcpy(at, record->partition_key.data, record->partition_key.size);
    }
    if (record->data.size > 0) {
        memcpy(at + record->partition_key.size, record->data.data, record->data.size);
    }
    memset(at + record->partition_key.size + record->data.size, 0, size - used);
}

void
mr_block_set_next(uint8_t *at, uint32_t next)
{
    mr_put_u32(at + 4, next);
}

uint32_t
mr_block_record_at(const uint8_t *data, uint32_t size, uint32_t offset,
                   struct mr_block_record *out_record)
{
    if (offset < MR_BLOCK_HEADER || offset > size || size - offset < MR_BLOCK_RECORD_HEADER) {
        return 0;
    }
    const uint8_t *at = data + offset;
    size_t data_size = mr_get_u32(at + 24), key_size = mr_get_u16(at + 28);
    if (mr_block_record_size(key_size, data_size) > size - offset) {
        return 0;
    }

    *out_record = (struct mr_block_record){
        .uid = mr_get_u32(at),
        .next = mr_get_u32(at + 4),
        .index = mr_get_u64(at + 8),
        .arrival_ms = mr_get_u64(at + 16),
        .partition_key = mr_slice_of(at + MR_BLOCK_RECORD_HEADER, key_size),
        .data = mr_slice_of(at + MR_BLOCK_RECORD_HEADER + key_size, data_size),
    };
    return offset + (uint32_t)mr_block_record_size(key_size, data_size);
}
