/* checksum: CRC32C (Castagnoli) of bytes; by the processor where it can. Thread: any. */
#ifndef MR_STREAM_CHECKSUM_H
#define MR_STREAM_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint32_t mr_checksum(const uint8_t *data, size_t size);

#endif
