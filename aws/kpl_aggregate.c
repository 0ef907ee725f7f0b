#include "aws/kpl_aggregate.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"

enum {
    MAGIC = 4,
    DIGEST = 16,
    FIRST_SLOTS = 64,
    /* Tags of the protocol buffer: field number and wire type. */
    TAG_PARTITION_KEY = 1 << 3 | 2,
    TAG_HASH_KEY = 2 << 3 | 2,
    TAG_RECORD = 3 << 3 | 2,
    TAG_KEY_INDEX = 1 << 3,
    TAG_HASH_INDEX = 2 << 3,
    TAG_DATA = 3 << 3 | 2,
};
static const uint8_t magic[MAGIC] = { 0xf3, 0x89, 0x9a, 0xc2 };

/* ---- the protocol buffer ---- */

static size_t
varint_size(uint64_t value)
{
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

static void
put_varint(struct mr_buf *buf, uint64_t value)
{
    while (value >= 0x80) {
        mr_buf_append_byte(buf, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    mr_buf_append_byte(buf, (uint8_t)value);
}

static size_t
bytes_size(size_t size)
{
    return 1 + varint_size(size) + size;
}

static void
put_bytes(struct mr_buf *buf, uint8_t tag, struct mr_slice bytes)
{
    mr_buf_append_byte(buf, tag);
    put_varint(buf, bytes.size);
    mr_buf_append_slice(buf, bytes);
}

/* ---- tables of keys ---- */

static uint64_t
hash_of(struct mr_slice text)
{
    uint64_t hash = 1469598103934665603ULL;
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ text.data[i]) * 1099511628211ULL;
    }
    return hash;
}

static struct mr_slice
key_at(const struct mr_kpl_keys *keys, size_t index)
{
    const struct mr_kpl_key *key = &keys->keys[index];
    return mr_slice_of(keys->text.data == NULL ? (const uint8_t *)""
                                               : keys->text.data + key->offset,
                       key->size);
}

/* Its slot, or the free one where it belongs. There is always a free one. */
static size_t
find_slot(const struct mr_kpl_keys *keys, struct mr_slice key)
{
    size_t slot = hash_of(key) & (keys->slot_count - 1);
    while (keys->slots[slot] != 0 && !mr_slice_eq(key_at(keys, keys->slots[slot] - 1), key)) {
        slot = (slot + 1) & (keys->slot_count - 1);
    }
    return slot;
}

/* Its index, or the number of keys when it is a new one. */
static size_t
find_key(const struct mr_kpl_keys *keys, struct mr_slice key)
{
    size_t slot = keys->slot_count == 0 ? 0 : find_slot(keys, key);
    return keys->slot_count == 0 || keys->slots[slot] == 0 ? keys->count
                                                           : keys->slots[slot] - 1;
}

static void
grow(struct mr_kpl_keys *keys)
{
    free(keys->slots);
    keys->slot_count = keys->slot_count == 0 ? FIRST_SLOTS : keys->slot_count * 2;
    keys->slots = mr_alloc_zero(keys->slot_count, sizeof(*keys->slots));
    keys->keys = mr_realloc(keys->keys, keys->slot_count / 2 * sizeof(*keys->keys));
    for (size_t i = 0; i < keys->count; i++) {
        keys->slots[find_slot(keys, key_at(keys, i))] = (uint32_t)(i + 1);
    }
}

static void
add_key(struct mr_kpl_keys *keys, struct mr_slice key)
{
    if (keys->count + 1 >= keys->slot_count / 2) {
        grow(keys);
    }
    keys->slots[find_slot(keys, key)] = (uint32_t)(keys->count + 1);
    keys->keys[keys->count++] = (struct mr_kpl_key){ keys->text.size, key.size };
    mr_buf_append_slice(&keys->text, key);
}

static void
clear_keys(struct mr_kpl_keys *keys)
{
    keys->count = 0;
    mr_buf_clear(&keys->text);
    if (keys->slot_count > 0) {
        memset(keys->slots, 0, keys->slot_count * sizeof(*keys->slots));
    }
}

static void
deinit_keys(struct mr_kpl_keys *keys)
{
    mr_buf_deinit(&keys->text);
    free(keys->keys);
    free(keys->slots);
}

/* ---- the aggregate ---- */

void
mr_kpl_aggregate_deinit(struct mr_kpl_aggregate *aggregate)
{
    deinit_keys(&aggregate->partition_keys);
    deinit_keys(&aggregate->hash_keys);
    mr_buf_deinit(&aggregate->tables);
    mr_buf_deinit(&aggregate->records);
    *aggregate = (struct mr_kpl_aggregate){ 0 };
}

size_t
mr_kpl_aggregate_size(const struct mr_kpl_aggregate *aggregate)
{
    return MAGIC + aggregate->tables.size + aggregate->records.size + DIGEST;
}

static size_t
record_size(size_t key_index, bool has_hash_key, size_t hash_index, size_t data_size)
{
    return 1 + varint_size(key_index) + (has_hash_key ? 1 + varint_size(hash_index) : 0) +
           bytes_size(data_size);
}

size_t
mr_kpl_aggregate_size_with(const struct mr_kpl_aggregate *aggregate, struct mr_slice key,
                           struct mr_slice hash_key, struct mr_slice data)
{
    size_t size = mr_kpl_aggregate_size(aggregate);
    size_t key_index = find_key(&aggregate->partition_keys, key), hash_index = 0;

    if (key_index == aggregate->partition_keys.count) {
        size += bytes_size(key.size);
    }
    if (hash_key.data != NULL) {
        hash_index = find_key(&aggregate->hash_keys, hash_key);
        size += hash_index == aggregate->hash_keys.count ? bytes_size(hash_key.size) : 0;
    }
    return size +
           bytes_size(record_size(key_index, hash_key.data != NULL, hash_index, data.size));
}

/* The key's index; a new key is written into the tables. */
static size_t
index_of(struct mr_kpl_aggregate *aggregate, struct mr_kpl_keys *keys, struct mr_slice key,
         uint8_t tag)
{
    size_t index = find_key(keys, key);
    if (index == keys->count) {
        add_key(keys, key);
        put_bytes(&aggregate->tables, tag, key);
    }
    return index;
}

void
mr_kpl_aggregate_add(struct mr_kpl_aggregate *aggregate, struct mr_slice key,
                     struct mr_slice hash_key, struct mr_slice data)
{
    struct mr_buf *records = &aggregate->records;
    bool has_hash_key = hash_key.data != NULL;
    size_t key_index = index_of(aggregate, &aggregate->partition_keys, key, TAG_PARTITION_KEY);
    size_t hash_index =
        has_hash_key ? index_of(aggregate, &aggregate->hash_keys, hash_key, TAG_HASH_KEY) : 0;

    mr_buf_append_byte(records, TAG_RECORD);
    put_varint(records, record_size(key_index, has_hash_key, hash_index, data.size));
    mr_buf_append_byte(records, TAG_KEY_INDEX);
    put_varint(records, key_index);
    if (has_hash_key) {
        mr_buf_append_byte(records, TAG_HASH_INDEX);
        put_varint(records, hash_index);
    }
    put_bytes(records, TAG_DATA, data);
    aggregate->record_count++;
}

struct mr_slice
mr_kpl_aggregate_key(const struct mr_kpl_aggregate *aggregate)
{
    mr_assert(aggregate->record_count > 0);
    return key_at(&aggregate->partition_keys, 0);
}

void
mr_kpl_aggregate_seal(struct mr_kpl_aggregate *aggregate, struct mr_buf *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    mr_buf_append(out, magic, MAGIC);
    size_t begin = out->size;
    mr_buf_append_slice(out, mr_buf_slice(&aggregate->tables));
    mr_buf_append_slice(out, mr_buf_slice(&aggregate->records));
    mr_assert(EVP_Digest(out->data + begin, out->size - begin, digest, NULL, EVP_md5(), NULL) ==
              1);
    mr_buf_append(out, digest, DIGEST);
    clear_keys(&aggregate->partition_keys);
    clear_keys(&aggregate->hash_keys);
    mr_buf_clear(&aggregate->tables);
    mr_buf_clear(&aggregate->records);
    aggregate->record_count = 0;
}
