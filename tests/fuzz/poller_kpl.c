/* What a producer puts into a record: can any aggregate hurt us? */
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/base64.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "poller/kpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The digest is made right: what stands behind it is what is to be tried. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf bytes = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct mr_record *inner;
    mr_buf_append(&bytes, "\xf3\x89\x9a\xc2", 4);
    mr_buf_append(&bytes, data, size);
    EVP_Digest(data, size, digest, NULL, EVP_md5(), NULL);
    mr_buf_append(&bytes, digest, 16);
    mr_base64_append(&text, mr_buf_slice(&bytes));

    struct mr_record outer = { .sequence_number = MR_SLICE("1"), .data = mr_buf_slice(&text) };
    int count = mr_kpl_open(&outer, &arena, &inner);

    for (int i = 0; i < count; i++) {
        mr_assert(inner[i].partition_key.data != NULL && inner[i].data.data != NULL);
    }
    return 0;
}
