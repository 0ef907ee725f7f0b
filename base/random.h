/*
 * random: numbers nobody can guess, or numbers a seed decides.
 *
 * Request ids, iterator nonces and backoff jitter come from a generator that
 * was passed in: the system's for real runs, a seeded one for tests. The seeded
 * one is for reproducibility and must never make a secret.
 */
#ifndef MR_BASE_RANDOM_H
#define MR_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct mr_random {
    uint64_t state[4]; /* all zero: getrandom(2) */
};

/* getrandom(2). */
void mr_random_init_system(struct mr_random *random);
/* xoshiro256** from `seed`; the same seed gives the same numbers everywhere. */
void mr_random_init_seed(struct mr_random *random, uint64_t seed);

void mr_random_bytes(struct mr_random *random, void *out, size_t size);
uint64_t mr_random_u64(struct mr_random *random);
/* 0 <= result < bound; bound > 0. */
uint64_t mr_random_below(struct mr_random *random, uint64_t bound);

enum { MR_UUID_SIZE = 37 }; /* 36 characters and a NUL */
/* A version 4 UUID, lower case. */
void mr_random_uuid(struct mr_random *random, char out_uuid[MR_UUID_SIZE]);

#endif
