#include "base/crc32c.h"

#include <pthread.h>
#include <string.h>

enum { POLYNOMIAL = (int)0x82f63b78 }; /* reflected */

/* tables[k][b]: what byte b does to the sum when k more bytes follow it. */
static uint32_t tables[8][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void
make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ (uint32_t)POLYNOMIAL : crc >> 1;
        }
        tables[0][byte] = crc;
    }
    for (int k = 1; k < 8; k++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][before & 0xff];
        }
    }
}

uint32_t
mr_crc32c_by_table(uint32_t crc, struct mr_slice bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    pthread_once(&tables_made, make_tables);
    crc = ~crc;
    for (; left >= 8; at += 8, left -= 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    for (; left > 0; at++, left--) {
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    }
    return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, struct mr_slice bytes)
{
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    uint64_t sum = (uint32_t)~crc;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    for (; left > 0; at++, left--) {
        sum = __builtin_ia32_crc32qi((uint32_t)sum, *at);
    }
    return ~(uint32_t)sum;
}
#endif

uint32_t
mr_crc32c(uint32_t crc, struct mr_slice bytes)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2")) {
        return by_instruction(crc, bytes);
    }
#endif
    return mr_crc32c_by_table(crc, bytes);
}
