#include "stream/checksum.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL UINT32_C(0x82f63b78) /* reflected */

static uint32_t table[256];
static bool by_processor;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) {
            value = value >> 1 ^ ((value & 1) != 0 ? POLYNOMIAL : 0);
        }
        table[i] = value;
    }
#if defined(__x86_64__)
    by_processor = __builtin_cpu_supports("sse4.2");
#endif
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
update_by_processor(uint32_t crc, const uint8_t *data, size_t size)
{
    uint64_t wide = crc;

    for (; size >= 8; data += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, data, sizeof(word));
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; data++, size--) {
        crc = __builtin_ia32_crc32qi(crc, *data);
    }
    return crc;
}
#endif

uint32_t
mr_checksum(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;

    pthread_once(&once, prepare);
#if defined(__x86_64__)
    if (by_processor) {
        return ~update_by_processor(crc, data, size);
    }
#endif
    for (size_t i = 0; i < size; i++) {
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
    }
    return ~crc;
}
