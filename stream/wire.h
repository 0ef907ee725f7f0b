/* wire: little-endian numbers in bytes of any alignment. */
#ifndef MR_STREAM_WIRE_H
#define MR_STREAM_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define MR_WIRE(bits)                                                    \
    static inline uint##bits##_t mr_get_u##bits(const uint8_t *at)       \
    {                                                                    \
        uint##bits##_t value;                                            \
        memcpy(&value, at, sizeof(value));                               \
        return le##bits##toh(value);                                     \
    }                                                                    \
    static inline void mr_put_u##bits(uint8_t *at, uint##bits##_t value) \
    {                                                                    \
        value = htole##bits(value);                                      \
        memcpy(at, &value, sizeof(value));                               \
    }

MR_WIRE(16)
MR_WIRE(32)
MR_WIRE(64)

#endif
