#include "stream/cipher.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "stream/wire.h"

enum { ID_SIZE = 16, MAX_TEXT = 4096 };

struct mr_cipher {
    uint8_t key[MR_MASTER_KEY_SIZE];
};

struct master_key {
    uint8_t id[ID_SIZE];
    struct mr_cipher cipher;
};

struct mr_master_keys {
    struct master_key keys[MR_MASTER_KEYS_MAX];
    size_t count;
};

/* ---- AES-256-GCM ---- */

void
mr_cipher_encrypt(const struct mr_cipher *cipher, const uint8_t nonce[MR_CIPHER_NONCE_SIZE],
                  struct mr_slice extra, struct mr_slice plain, uint8_t *out_secret,
                  uint8_t out_tag[MR_CIPHER_TAG_SIZE])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size;
    mr_assert(context != NULL &&
              EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, cipher->key, nonce) == 1 &&
              EVP_EncryptUpdate(context, NULL, &size, extra.data, (int)extra.size) == 1 &&
              EVP_EncryptUpdate(context, out_secret, &size, plain.data, (int)plain.size) == 1 &&
              EVP_EncryptFinal_ex(context, out_secret + size, &size) == 1 &&
              EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, MR_CIPHER_TAG_SIZE, out_tag) ==
                  1);
    EVP_CIPHER_CTX_free(context);
}

bool
mr_cipher_decrypt(const struct mr_cipher *cipher, const uint8_t nonce[MR_CIPHER_NONCE_SIZE],
                  struct mr_slice extra, uint8_t *secret, size_t size,
                  const uint8_t tag[MR_CIPHER_TAG_SIZE])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t wanted[MR_CIPHER_TAG_SIZE];
    int done;
    memcpy(wanted, tag, sizeof(wanted));
    bool good =
        context != NULL &&
        EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, cipher->key, nonce) == 1 &&
        EVP_DecryptUpdate(context, NULL, &done, extra.data, (int)extra.size) == 1 &&
        EVP_DecryptUpdate(context, secret, &done, secret, (int)size) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, MR_CIPHER_TAG_SIZE, wanted) == 1 &&
        EVP_DecryptFinal_ex(context, secret + done, &done) == 1;
    EVP_CIPHER_CTX_free(context);
    return good;
}

/* ---- master keys ---- */

/* A name that tells nothing of the key. */
static void
identify(struct master_key *key)
{
    static const char label[] = "millrace master key id";
    uint8_t text[sizeof(label) + MR_MASTER_KEY_SIZE], digest[32];
    memcpy(text, label, sizeof(label));
    memcpy(text + sizeof(label), key->cipher.key, MR_MASTER_KEY_SIZE);
    mr_assert(EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha256(), NULL) == 1);
    memcpy(key->id, digest, ID_SIZE);
    OPENSSL_cleanse(text, sizeof(text));
}

static int
digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
parse_key(struct mr_slice line, struct master_key *key)
{
    if (line.size != 2 * MR_MASTER_KEY_SIZE) {
        return false;
    }
    for (size_t i = 0; i < MR_MASTER_KEY_SIZE; i++) {
        int high = digit(line.data[2 * i]), low = digit(line.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        key->cipher.key[i] = (uint8_t)(high << 4 | low);
    }
    identify(key);
    return true;
}

struct mr_master_keys *
mr_master_keys_parse(struct mr_slice text, struct mr_error *err)
{
    mr_auto(mr_master_keys_close) struct mr_master_keys *keys = mr_alloc_zero(1, sizeof(*keys));
    if (text.size == MR_MASTER_KEY_SIZE) {
        memcpy(keys->keys[0].cipher.key, text.data, MR_MASTER_KEY_SIZE);
        identify(&keys->keys[keys->count++]);
        return MR_TAKE(keys);
    }
    for (unsigned number = 1; text.size > 0; number++) {
        struct mr_slice line = mr_slice_trim(mr_slice_cut(&text, '\n'));
        if (line.size == 0 || line.data[0] == '#') {
            continue;
        }
        if (keys->count == MR_MASTER_KEYS_MAX) {
            mr_fail(err, -EINVAL, "more than %d master keys: leave out those no segment needs",
                    MR_MASTER_KEYS_MAX);
            return NULL;
        }
        if (!parse_key(line, &keys->keys[keys->count])) {
            mr_fail(err, -EINVAL,
                    "line %u of the master keys is not 64 hex digits: make one with \"openssl "
                    "rand -hex 32\"",
                    number);
            return NULL;
        }
        keys->count++;
    }
    if (keys->count == 0) {
        mr_fail(err, -EINVAL,
                "there is no master key in it: write 64 hex digits, as \"openssl "
                "rand -hex 32\" makes them");
        return NULL;
    }
    return MR_TAKE(keys);
}

static ssize_t
read_all(int fd, uint8_t *text)
{
    size_t size = 0;
    for (;;) {
        ssize_t got = read(fd, text + size, MAX_TEXT - size);
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == 0 || size == MAX_TEXT) {
            return (ssize_t)size;
        }
        size += got < 0 ? 0 : (size_t)got;
    }
}

static ssize_t
read_file(const char *path, uint8_t *text, struct mr_error *err)
{
    struct stat facts;
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) < 0) {
        return mr_fail(err, -errno, "master key file %s: %s", path, strerror(errno));
    }
    if (S_ISREG(facts.st_mode) && (facts.st_mode & 077) != 0) {
        return mr_fail(err, -EPERM, "master key file %s is open to others: chmod 600 it", path);
    }
    ssize_t size = read_all(fd, text);
    return size < 0 ? mr_fail(err, (int)size, "read %s: %s", path, strerror((int)-size)) : size;
}

static ssize_t
read_command(const char *command, uint8_t *text, struct mr_error *err)
{
    FILE *pipe = popen(command, "re");
    if (pipe == NULL) {
        return mr_fail(err, -errno, "run %s: %s", command, strerror(errno));
    }
    ssize_t size = read_all(fileno(pipe), text);
    int status = pclose(pipe);
    if (status != 0) {
        return mr_fail(err, -EIO, "master key command \"%s\" ended with status %d", command,
                       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    return size < 0 ? mr_fail(err, (int)size, "read from %s: %s", command, strerror((int)-size))
                    : size;
}

struct mr_master_keys *
mr_master_keys_open(const char *file, const char *command, struct mr_error *err)
{
    uint8_t text[MAX_TEXT];
    ssize_t size = file != NULL ? read_file(file, text, err) : read_command(command, text, err);
    if (size < 0) {
        return NULL;
    }
    struct mr_master_keys *keys = mr_master_keys_parse(mr_slice_of(text, (size_t)size), err);
    OPENSSL_cleanse(text, sizeof(text));
    if (keys == NULL) {
        mr_wrap(err, "%s", file != NULL ? file : command);
    }
    return keys;
}

void
mr_master_keys_close(struct mr_master_keys *keys)
{
    if (keys != NULL) {
        OPENSSL_cleanse(keys, sizeof(*keys));
        free(keys);
    }
}

/* ---- data keys ---- */

/* What a wrapped key belongs to. */
static void
bind_to(uint32_t number, uint8_t extra[12])
{
    memcpy(extra, "MRDATKEY", 8);
    mr_put_u32(extra + 8, number);
}

struct mr_cipher *
mr_cipher_new(const struct mr_master_keys *keys, uint32_t number,
              uint8_t out_wrapped[MR_WRAPPED_KEY_SIZE])
{
    const struct master_key *master = &keys->keys[0];
    struct mr_cipher *cipher = mr_alloc(sizeof(*cipher));
    uint8_t *nonce = out_wrapped + ID_SIZE, *key = nonce + MR_CIPHER_NONCE_SIZE;
    uint8_t extra[12];
    mr_assert(RAND_bytes(cipher->key, sizeof(cipher->key)) == 1 &&
              RAND_bytes(nonce, MR_CIPHER_NONCE_SIZE) == 1);
    bind_to(number, extra);
    memcpy(out_wrapped, master->id, ID_SIZE);
    mr_cipher_encrypt(&master->cipher, nonce, mr_slice_of(extra, sizeof(extra)),
                      mr_slice_of(cipher->key, sizeof(cipher->key)), key,
                      key + MR_MASTER_KEY_SIZE);
    return cipher;
}

struct mr_cipher *
mr_cipher_unwrap(const struct mr_master_keys *keys, uint32_t number,
                 const uint8_t wrapped[MR_WRAPPED_KEY_SIZE], struct mr_error *err)
{
    const uint8_t *nonce = wrapped + ID_SIZE, *key = nonce + MR_CIPHER_NONCE_SIZE;
    uint8_t extra[12];
    bind_to(number, extra);
    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        const struct master_key *master = &keys->keys[i];
        if (memcmp(master->id, wrapped, ID_SIZE) != 0) {
            continue;
        }
        struct mr_cipher *cipher = mr_alloc(sizeof(*cipher));
        memcpy(cipher->key, key, sizeof(cipher->key));
        if (mr_cipher_decrypt(&master->cipher, nonce, mr_slice_of(extra, sizeof(extra)),
                              cipher->key, sizeof(cipher->key), key + MR_MASTER_KEY_SIZE)) {
            return cipher;
        }
        mr_cipher_free(cipher);
        mr_fail(err, -EKEYREJECTED, "its wrapped key was changed: put back a good copy");
        return NULL;
    }
    mr_fail(err, -EKEYREJECTED,
            "it is encrypted under a master key that was not given (id %02x%02x%02x%02x): give "
            "it with --master-key-file, one key a line",
            wrapped[0], wrapped[1], wrapped[2], wrapped[3]);
    return NULL;
}

void
mr_cipher_free(struct mr_cipher *cipher)
{
    if (cipher != NULL) {
        OPENSSL_cleanse(cipher, sizeof(*cipher));
        free(cipher);
    }
}
