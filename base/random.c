#include "base/random.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/assert.h"

void
mr_random_init_system(struct mr_random *random)
{
    memset(random, 0, sizeof(*random));
}

static uint64_t
splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void
mr_random_init_seed(struct mr_random *random, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        random->state[i] = splitmix(&seed);
    }
}

static bool
is_seeded(const struct mr_random *random)
{
    return (random->state[0] | random->state[1] | random->state[2] | random->state[3]) != 0;
}

static uint64_t
rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

static uint64_t
xoshiro(uint64_t s[4])
{
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

static void
system_bytes(uint8_t *out, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        mr_assert(got > 0);
        out += got;
        size -= (size_t)got;
    }
}

void
mr_random_bytes(struct mr_random *random, void *out, size_t size)
{
    if (!is_seeded(random)) {
        system_bytes(out, size);
        return;
    }
    for (uint8_t *at = out; size > 0;) {
        uint64_t word = xoshiro(random->state);
        size_t part = size < sizeof(word) ? size : sizeof(word);
        memcpy(at, &word, part);
        at += part;
        size -= part;
    }
}

uint64_t
mr_random_u64(struct mr_random *random)
{
    uint64_t value;
    mr_random_bytes(random, &value, sizeof(value));
    return value;
}

uint64_t
mr_random_below(struct mr_random *random, uint64_t bound)
{
    mr_assert(bound > 0);
    return (uint64_t)(((unsigned __int128)mr_random_u64(random) * bound) >> 64);
}

void
mr_random_uuid(struct mr_random *random, char out_uuid[MR_UUID_SIZE])
{
    uint8_t b[16];
    mr_random_bytes(random, b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out_uuid, MR_UUID_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}
