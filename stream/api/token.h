/*
 * token: bytes we hand to a stranger and want back unchanged and unread.
 *
 * Shard iterators and NextTokens are sealed with AES-256-GCM under a key of the
 * data directory, so they need no memory here, survive a restart, and cannot be
 * made up. Each sealing differs, even of the same bytes.
 */
#ifndef MR_STREAM_API_TOKEN_H
#define MR_STREAM_API_TOKEN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum mr_token_purpose {
    MR_TOKEN_ITERATOR =
        1, /* AWS's shape: eight bytes 00 .. 01, then at least 144, a multiple of 16 */
    MR_TOKEN_SHARDS,
    MR_TOKEN_STREAMS,
    MR_TOKEN_CONSUMERS,
};

enum { MR_TOKEN_KEY_SIZE = 32, MR_TOKEN_MAX_CONTENT = 512 };

struct mr_token_key {
    uint8_t bytes[MR_TOKEN_KEY_SIZE];
};

/* Read DIRECTORY/token.key, or make it (mode 0600) when it is not there. */
int mr_token_key_open(struct mr_token_key *key, const char *directory, struct mr_error *err);

/* Base64 text in the arena. */
struct mr_slice mr_token_seal(const struct mr_token_key *key, enum mr_token_purpose purpose,
                              struct mr_slice content, struct mr_arena *arena);

/* The content, in the arena; absent when it is not ours, of another purpose, or changed. */
struct mr_slice mr_token_open(const struct mr_token_key *key, enum mr_token_purpose purpose,
                              struct mr_slice text, struct mr_arena *arena);

#endif
