/*
 * stream_journal: can any bytes of a block, an index or a state hurt who reads them?
 *
 * The first byte says which of them the rest is. Checksums are mended first, or
 * nothing behind them would ever be reached.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "stream/checksum.h"
#include "stream/store_inside.h"
#include "stream/wire.h"

static void
try_block(uint8_t *data, size_t size)
{
    struct mr_block_header header;
    struct mr_block_record record;

    if (!mr_block_peek(data, size, 1, &header)) {
        return;
    }
    mr_put_u32(data + 4, mr_checksum(data + 8, header.size - 8));
    if (!mr_block_check(data, size, 1, &header)) {
        return;
    }
    for (uint32_t at = MR_BLOCK_HEADER; at != 0;) {
        uint32_t behind = mr_block_record_at(data, header.size, at, &record);
        mr_assert(behind == 0 ||
                  (behind <= header.size && (record.next == 0 || record.next > at)));
        at = behind == 0 ? 0 : record.next;
    }
}

static void
try_index(uint8_t *data, size_t size)
{
    if (size < 32) {
        return;
    }
    mr_put_u32(data + 28, mr_checksum(data + 32, size - 32) ^ mr_checksum(data, 28));
    struct mr_segment *segment = mr_segment_new(1, -1);
    (void)mr_index_parse(mr_slice_of(data, size), 1, segment);
    mr_segment_unref(segment);
}

static void
try_state(uint8_t *data, size_t size)
{
    struct mr_store store = { 0 };
    struct mr_stream *stream, *next;

    if (size < 16) {
        return;
    }
    mr_put_u32(data + 12, mr_checksum(data + 16, size - 16));
    (void)mr_state_parse(&store, mr_slice_of(data, size), NULL);
    HASH_ITER(hh, store.streams, stream, next)
    {
        HASH_DEL(store.streams, stream);
        mr_stream_free(&store, stream);
    }
    free(store.removed);
    mr_buf_deinit(&store.account);
}

/* Of an encrypted segment: what a stranger wrote there is not accepted, whatever it is. */
static void
try_secret(uint8_t *data, size_t size)
{
    static struct mr_cipher *cipher;
    uint8_t wrapped[MR_WRAPPED_KEY_SIZE];
    struct mr_block_header header;

    if (cipher == NULL) {
        struct mr_master_keys *keys =
            mr_master_keys_parse(MR_SLICE("0123456789abcdef0123456789abcdef"), NULL);
        cipher = mr_cipher_new(keys, 1, wrapped);
        mr_master_keys_close(keys);
    }
    if (mr_block_peek(data, size, 1, &header)) {
        mr_put_u32(data + 4, mr_checksum(data + 8, header.size - 8));
        mr_assert(!mr_block_open(data, size, 1, cipher, &header));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size < 1) {
        return 0;
    }
    uint8_t *data = mr_alloc(size);
    memcpy(data, input + 1, size - 1);
    switch (input[0] % 4) {
    case 0:
        try_block(data, size - 1);
        break;
    case 1:
        try_index(data, size - 1);
        break;
    case 2:
        try_secret(data, size - 1);
        break;
    default:
        try_state(data, size - 1);
    }
    free(data);
    return 0;
}
