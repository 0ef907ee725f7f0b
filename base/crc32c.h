/*
 * crc32c: the Castagnoli checksum, as iSCSI, ext4 and Kafka use it.
 *
 * By the processor's own instruction where it has one (SSE4.2), by tables
 * elsewhere; both give the same number. Thread: any.
 */
#ifndef MR_BASE_CRC32C_H
#define MR_BASE_CRC32C_H

#include <stdint.h>

#include "base/slice.h"

/*
 * The checksum of all bytes so far and these. Begin with 0:
 *
 *     uint32_t crc = mr_crc32c(0, head);
 *     crc = mr_crc32c(crc, body); // the same as of both in one piece
 */
uint32_t mr_crc32c(uint32_t crc, struct mr_slice bytes);

/* By tables only; for tests, and for who wants to compare. */
uint32_t mr_crc32c_by_table(uint32_t crc, struct mr_slice bytes);

#endif
