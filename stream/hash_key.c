#include "stream/hash_key.h"

#include <pthread.h>
#include <stdio.h>

#include <openssl/evp.h>

#include "base/assert.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static EVP_MD *md5;

static void
free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void
fetch(void)
{
    md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    mr_assert(md5 != NULL);
    mr_assert(pthread_key_create(&context_key, free_context) == 0);
}

static EVP_MD_CTX *
context_of_thread(void)
{
    static _Thread_local EVP_MD_CTX *mine;

    if (mine == NULL) {
        pthread_once(&once, fetch);
        mine = EVP_MD_CTX_new();
        mr_assert(mine != NULL);
        mr_assert(pthread_setspecific(context_key, mine) == 0);
    }
    return mine;
}

mr_hash_key
mr_hash_key_of(struct mr_slice partition_key)
{
    EVP_MD_CTX *context = context_of_thread();
    uint8_t digest[16];

    mr_assert(EVP_DigestInit_ex2(context, md5, NULL) == 1 &&
              EVP_DigestUpdate(context, partition_key.data, partition_key.size) == 1 &&
              EVP_DigestFinal_ex(context, digest, NULL) == 1);
    mr_hash_key key = 0;
    for (size_t i = 0; i < sizeof(digest); i++) {
        key = key << 8 | digest[i];
    }
    return key;
}

bool
mr_hash_key_parse(struct mr_slice text, mr_hash_key *out_key)
{
    mr_hash_key key = 0;

    if (text.size == 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || key > (MR_HASH_KEY_MAX - digit) / 10) {
            return false;
        }
        key = key * 10 + digit;
    }
    *out_key = key;
    return true;
}

size_t
mr_hash_key_print(mr_hash_key key, char out_text[MR_HASH_KEY_TEXT_SIZE])
{
    char digits[MR_HASH_KEY_TEXT_SIZE];
    size_t size = 0;

    do {
        digits[size++] = (char)('0' + (int)(key % 10));
        key /= 10;
    } while (key != 0);
    for (size_t i = 0; i < size; i++) {
        out_text[i] = digits[size - 1 - i];
    }
    out_text[size] = '\0';
    return size;
}

void
mr_hash_key_range(uint32_t index, uint32_t count, mr_hash_key *out_start, mr_hash_key *out_end)
{
    mr_assert(count > 0 && index < count);
    /* floor(2^128 / count), which is one more than floor((2^128 - 1) / count) for powers of 2
     */
    mr_hash_key step = MR_HASH_KEY_MAX / count;
    if (MR_HASH_KEY_MAX % count == count - 1) {
        step++; /* wraps to 0 for one shard, whose range is everything */
    }
    *out_start = step * index;
    *out_end = index == count - 1 ? MR_HASH_KEY_MAX : step * (index + 1) - 1;
}

size_t
mr_shard_id_print(uint32_t index, char out_text[MR_SHARD_ID_TEXT_SIZE])
{
    return (size_t)snprintf(out_text, MR_SHARD_ID_TEXT_SIZE, "shardId-%012u", index);
}

bool
mr_shard_id_parse(struct mr_slice text, uint32_t *out_index)
{
    for (size_t i = text.size; i > 0; i--) {
        if (text.data[i - 1] == '-') {
            text = mr_slice_from(text, i);
            break;
        }
    }
    uint64_t index;
    if (!mr_slice_to_u64(text, &index) || index > INT32_MAX) {
        return false;
    }
    *out_index = (uint32_t)index;
    return true;
}
