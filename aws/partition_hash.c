#include "aws/partition_hash.h"

#include <openssl/evp.h>

#include "base/assert.h"

enum { DIGEST = 16 };

mr_partition_hash
mr_partition_hash_of(struct mr_slice key)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    mr_partition_hash hash = 0;
    mr_assert(EVP_Digest(key.data, key.size, digest, NULL, EVP_md5(), NULL) == 1);
    for (int i = 0; i < DIGEST; i++) {
        hash = hash << 8 | digest[i];
    }
    return hash;
}

bool
mr_partition_hash_parse(struct mr_slice text, mr_partition_hash *out_hash)
{
    mr_partition_hash hash = 0;
    const mr_partition_hash most = ~(mr_partition_hash)0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || hash > (most - digit) / 10) {
            return false;
        }
        hash = hash * 10 + digit;
    }
    *out_hash = hash;
    return text.size > 0;
}
