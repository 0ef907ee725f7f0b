/*
 * cipher: encryption of segments at rest.
 *
 * A segment is encrypted with a data key of its own, AES-256-GCM, which is never
 * used for another and lies in the segment's header wrapped by a master key. The
 * master keys come from outside: 64 hex digits a line (or 32 raw bytes for a
 * single one). The first wraps new data keys; the others only unwrap old ones, so
 * a key is rotated by writing a new line above it, and can go once the segments
 * under it are gone.
 *
 * Thread: any; keys and ciphers do not change.
 */
#ifndef MR_STREAM_CIPHER_H
#define MR_STREAM_CIPHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/slice.h"

struct mr_master_keys;
struct mr_cipher; /* a data key */

enum {
    MR_MASTER_KEYS_MAX = 16,
    MR_MASTER_KEY_SIZE = 32,
    MR_WRAPPED_KEY_SIZE = 76, /* id of the master key 16, nonce 12, key 32, tag 16 */
    MR_CIPHER_TAG_SIZE = 16,
    MR_CIPHER_NONCE_SIZE = 12,
};

/* From the text of a key file. NULL with `err` filled: -EINVAL, and which line is no key. */
MR_MUST_USE
struct mr_master_keys *mr_master_keys_parse(struct mr_slice text, struct mr_error *err);

/*
 * From a file, or from what a shell command prints; one of them is NULL. The file must not be
 * readable by others: -EPERM.
 */
MR_MUST_USE
struct mr_master_keys *mr_master_keys_open(const char *file, const char *command,
                                           struct mr_error *err);
/* Wipes them. */
void mr_master_keys_close(struct mr_master_keys *keys);
MR_AUTO_DEFINE(struct mr_master_keys, mr_master_keys_close)

/* A fresh data key for segment `number`, wrapped by the first master key. */
struct mr_cipher *mr_cipher_new(const struct mr_master_keys *keys, uint32_t number,
                                uint8_t out_wrapped[MR_WRAPPED_KEY_SIZE]);

/*
 * The data key of segment `number` again. NULL with `err` filled, -EKEYREJECTED: it was wrapped
 * by a master key that is not among `keys` (or `keys` is NULL), or the header was changed.
 */
struct mr_cipher *mr_cipher_unwrap(const struct mr_master_keys *keys, uint32_t number,
                                   const uint8_t wrapped[MR_WRAPPED_KEY_SIZE],
                                   struct mr_error *err);
void mr_cipher_free(struct mr_cipher *cipher);

/* A nonce must not be used twice with a cipher. `extra` is authenticated with the text. */
void mr_cipher_encrypt(const struct mr_cipher *cipher,
                       const uint8_t nonce[MR_CIPHER_NONCE_SIZE], struct mr_slice extra,
                       struct mr_slice plain, uint8_t *out_secret,
                       uint8_t out_tag[MR_CIPHER_TAG_SIZE]);

/* In place. False: it was not encrypted so; what stands there is then without value. */
bool mr_cipher_decrypt(const struct mr_cipher *cipher,
                       const uint8_t nonce[MR_CIPHER_NONCE_SIZE], struct mr_slice extra,
                       uint8_t *secret, size_t size, const uint8_t tag[MR_CIPHER_TAG_SIZE]);

#endif
