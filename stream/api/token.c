#include "stream/api/token.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "aws/base64.h"
#include "base/assert.h"
#include "base/auto.h"

enum { PREFIX = 8, NONCE = 12, TAG = 16, BLOCK = 16, LEAST = 144 };

static const uint8_t iterator_prefix[PREFIX] = { 0, 0, 0, 0, 0, 0, 0, 1 };

/* ---- the key ---- */

static int
read_key(struct mr_token_key *key, int fd, const char *path, struct mr_error *err)
{
    ssize_t got = read(fd, key->bytes, sizeof(key->bytes));
    if (got != (ssize_t)sizeof(key->bytes)) {
        return mr_fail(
            err, got < 0 ? -errno : -EBADMSG,
            "%s is not a key of %zu bytes: delete it to make a new one (iterators handed "
            "out before become invalid)",
            path, sizeof(key->bytes));
    }
    return 0;
}

static int
make_key(struct mr_token_key *key, const char *path, struct mr_error *err)
{
    char fresh[4096];

    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (getrandom(key->bytes, sizeof(key->bytes), 0) != (ssize_t)sizeof(key->bytes)) {
        return mr_fail(err, -errno, "get random bytes for %s", path);
    }
    mr_auto_fd int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, key->bytes, sizeof(key->bytes)) != (ssize_t)sizeof(key->bytes) ||
        fsync(fd) < 0 || rename(fresh, path) < 0) {
        return mr_fail(err, -errno, "write %s: %s", path, strerror(errno));
    }
    return 0;
}

int
mr_token_key_open(struct mr_token_key *key, const char *directory, struct mr_error *err)
{
    char path[4000];

    (void)snprintf(path, sizeof(path), "%s/token.key", directory);
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        return read_key(key, fd, path, err);
    }
    if (errno != ENOENT) {
        return mr_fail(err, -errno, "open %s: %s", path, strerror(errno));
    }
    return make_key(key, path, err);
}

/* ---- sealing ---- */

static EVP_CIPHER *cipher;
static pthread_once_t cipher_once = PTHREAD_ONCE_INIT;

static void
fetch_cipher(void)
{
    cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    mr_assert(cipher != NULL);
}

/* One context a thread: making one costs more than sealing. */
static EVP_CIPHER_CTX *
context(void)
{
    static _Thread_local EVP_CIPHER_CTX *kept;

    (void)pthread_once(&cipher_once, fetch_cipher);
    if (kept == NULL) {
        kept = EVP_CIPHER_CTX_new();
        mr_assert(kept != NULL);
    }
    return kept;
}

/* Content, one byte 0x80, zeros: until the sealed whole has the length AWS's have. */
static size_t
padded_size(size_t content)
{
    size_t whole = NONCE + TAG + content + 1;
    whole = whole < LEAST ? LEAST : (whole + BLOCK - 1) / BLOCK * BLOCK;
    return whole - NONCE - TAG;
}

struct mr_slice
mr_token_seal(const struct mr_token_key *key, enum mr_token_purpose purpose,
              struct mr_slice content, struct mr_arena *arena)
{
    uint8_t raw[PREFIX + NONCE + TAG + MR_TOKEN_MAX_CONTENT + 2 * BLOCK + LEAST];
    uint8_t plain[MR_TOKEN_MAX_CONTENT + 2 * BLOCK + LEAST] = { 0 };
    const uint8_t aad = (uint8_t)purpose;
    int written;

    mr_assert(content.size <= MR_TOKEN_MAX_CONTENT);
    size_t size = padded_size(content.size);
    memcpy(plain, content.data, content.size);
    plain[content.size] = 0x80;
    memcpy(raw, iterator_prefix, PREFIX);
    mr_assert(getrandom(raw + PREFIX, NONCE, 0) == NONCE);

    EVP_CIPHER_CTX *ctx = context();
    uint8_t *out = raw + PREFIX + NONCE;
    mr_assert(EVP_EncryptInit_ex2(ctx, cipher, key->bytes, raw + PREFIX, NULL) == 1);
    mr_assert(EVP_EncryptUpdate(ctx, NULL, &written, &aad, 1) == 1);
    mr_assert(EVP_EncryptUpdate(ctx, out, &written, plain, (int)size) == 1);
    mr_assert(EVP_EncryptFinal_ex(ctx, out + size, &written) == 1);
    mr_assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, out + size) == 1);

    struct mr_slice whole = mr_slice_of(raw, PREFIX + NONCE + size + TAG);
    uint8_t *text = mr_arena_alloc(arena, mr_base64_encoded_size(whole.size) + 1);
    return mr_slice_of(text, mr_base64_encode(whole, text));
}

struct mr_slice
mr_token_open(const struct mr_token_key *key, enum mr_token_purpose purpose,
              struct mr_slice text, struct mr_arena *arena)
{
    const struct mr_slice absent = { NULL, 0 };
    const uint8_t aad = (uint8_t)purpose;
    int written;

    if (text.size > 4 * MR_TOKEN_MAX_CONTENT) {
        return absent;
    }
    uint8_t *raw = mr_arena_alloc(arena, mr_base64_decoded_max(text.size) + 1);
    ssize_t raw_size = mr_base64_decode(text, raw, NULL);
    if (raw_size < PREFIX + LEAST || (raw_size - PREFIX) % BLOCK != 0 ||
        memcmp(raw, iterator_prefix, PREFIX) != 0) {
        return absent;
    }
    size_t size = (size_t)raw_size - PREFIX - NONCE - TAG;
    uint8_t *sealed = raw + PREFIX + NONCE, *plain = mr_arena_alloc(arena, size + 1);
    EVP_CIPHER_CTX *ctx = context();
    if (EVP_DecryptInit_ex2(ctx, cipher, key->bytes, raw + PREFIX, NULL) != 1 ||
        EVP_DecryptUpdate(ctx, NULL, &written, &aad, 1) != 1 ||
        EVP_DecryptUpdate(ctx, plain, &written, sealed, (int)size) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, sealed + size) != 1 ||
        EVP_DecryptFinal_ex(ctx, plain + size, &written) != 1) {
        return absent;
    }
    while (size > 0 && plain[size - 1] == 0) {
        size--;
    }
    mr_assert(size > 0 && plain[size - 1] == 0x80);
    return mr_slice_of(plain, size - 1);
}
