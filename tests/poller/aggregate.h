/* aggregate: make what the Kinesis Producer Library makes, small. */
#ifndef MR_TESTS_POLLER_AGGREGATE_H
#define MR_TESTS_POLLER_AGGREGATE_H

#include <openssl/evp.h>
#include <string.h>

#include "aws/base64.h"
#include "base/buf.h"

/* A field of bytes with a short length. */
static inline void
put_bytes(struct mr_buf *buf, unsigned field, const void *data, size_t size)
{
    mr_buf_append_byte(buf, (uint8_t)(field << 3 | 2));
    mr_buf_append_byte(buf, (uint8_t)size); /* below 128 */
    mr_buf_append(buf, data, size);
}

static inline void
put_inner(struct mr_buf *message, unsigned key, const char *data)
{
    mr_auto_buf struct mr_buf record = { 0 };
    mr_buf_append_byte(&record, 1 << 3); /* partition_key_index */
    mr_buf_append_byte(&record, (uint8_t)key);
    put_bytes(&record, 3, data, strlen(data));
    put_bytes(message, 3, record.data, record.size);
}

/* Magic, message and digest, in base64. */
static inline void
seal_aggregate(struct mr_buf *out, struct mr_slice message)
{
    mr_auto_buf struct mr_buf bytes = { 0 };
    uint8_t digest[EVP_MAX_MD_SIZE];
    mr_buf_append(&bytes, "\xf3\x89\x9a\xc2", 4);
    mr_buf_append_slice(&bytes, message);
    EVP_Digest(message.data, message.size, digest, NULL, EVP_md5(), NULL);
    mr_buf_append(&bytes, digest, 16);
    mr_base64_append(out, mr_buf_slice(&bytes));
}

/* Two keys, three records: a -> "one", b -> "two", a -> "three". */
static inline void
small_aggregate(struct mr_buf *out)
{
    mr_auto_buf struct mr_buf message = { 0 };
    put_bytes(&message, 1, "a", 1);
    put_bytes(&message, 1, "b\"", 2);
    put_inner(&message, 0, "one");
    put_inner(&message, 1, "two");
    put_inner(&message, 0, "three");
    seal_aggregate(out, mr_buf_slice(&message));
}

#endif
