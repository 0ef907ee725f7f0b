#include "poller/kpl.h"

#include <openssl/evp.h>
#include <string.h>

#include "aws/base64.h"
#include "base/json_writer.h"

#define MAGIC_BASE64 "84maw" /* how F3 89 9A C2 begins in base64 */

enum {
    MAGIC_BYTES = 4,
    MD5_BYTES = 16,
    /* Fields of the protocol buffer. */
    KEY_TABLE = 1,
    RECORDS = 3,
    KEY_INDEX = 1,
    DATA = 3,
    /* How a field is written. */
    VARINT = 0,
    BYTES = 2,
};

bool
mr_kpl_may_be(const struct mr_record *record)
{
    return mr_slice_starts_with(record->data, MR_SLICE(MAGIC_BASE64));
}

/* ---- protocol buffers, as much as is needed ---- */

struct field {
    uint64_t number;
    unsigned kind;
    uint64_t value;        /* VARINT */
    struct mr_slice bytes; /* BYTES */
};

static bool
read_varint(struct mr_slice *rest, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 10 && i < rest->size; i++) {
        value |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
        if ((rest->data[i] & 0x80) == 0) {
            *rest = mr_slice_from(*rest, i + 1);
            *out = value;
            return true;
        }
    }
    return false;
}

static bool
read_field(struct mr_slice *rest, struct field *field)
{
    uint64_t tag, size;
    if (!read_varint(rest, &tag)) {
        return false;
    }
    field->number = tag >> 3;
    field->kind = (unsigned)(tag & 7);
    if (field->kind == VARINT) {
        return read_varint(rest, &field->value);
    }
    if (field->kind != BYTES || !read_varint(rest, &size) || size > rest->size) {
        return false; /* the producer writes nothing else */
    }
    field->bytes = mr_slice_first(*rest, (size_t)size);
    *rest = mr_slice_from(*rest, (size_t)size);
    return true;
}

/* ---- the aggregate ---- */

struct aggregate {
    const struct mr_record *outer;
    struct mr_arena *arena;
    struct mr_slice *keys; /* as JSON text */
    size_t key_count;
    struct mr_record *records;
    size_t record_count;
};

/* How many of each there are; false when the buffer is not well-formed. */
static bool
count_fields(struct mr_slice message, struct aggregate *aggregate)
{
    struct field field;
    while (message.size > 0) {
        if (!read_field(&message, &field)) {
            return false;
        }
        aggregate->key_count += field.number == KEY_TABLE && field.kind == BYTES;
        aggregate->record_count += field.number == RECORDS && field.kind == BYTES;
    }
    return aggregate->record_count <= MR_KPL_MAX_RECORDS &&
           aggregate->key_count <= MR_KPL_MAX_RECORDS;
}

static struct mr_slice
as_json(struct mr_arena *arena, struct mr_slice text)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    mr_json_escape(&buf, text);
    return mr_arena_copy(arena, mr_buf_slice(&buf));
}

static struct mr_slice
as_base64(struct mr_arena *arena, struct mr_slice data)
{
    uint8_t *text = mr_arena_alloc(arena, mr_base64_encoded_size(data.size) + 1);
    return mr_slice_of(text, mr_base64_encode(data, text));
}

static bool
read_record(struct aggregate *aggregate, struct mr_slice message, struct mr_record *record)
{
    struct field field;
    struct mr_slice data = { NULL, 0 };
    uint64_t key = UINT64_MAX;
    while (message.size > 0) {
        if (!read_field(&message, &field)) {
            return false;
        }
        if (field.number == KEY_INDEX && field.kind == VARINT) {
            key = field.value;
        } else if (field.number == DATA && field.kind == BYTES) {
            data = field.bytes;
        }
    }
    if (data.data == NULL || key >= aggregate->key_count) {
        return false;
    }
    *record = *aggregate->outer;
    record->partition_key = aggregate->keys[key];
    record->data = as_base64(aggregate->arena, data);
    return true;
}

static void
read_keys(struct aggregate *aggregate, struct mr_slice message)
{
    struct field field;
    size_t count = 0;
    aggregate->keys =
        mr_arena_alloc(aggregate->arena, (aggregate->key_count + 1) * sizeof(struct mr_slice));
    while (read_field(&message, &field)) {
        if (field.number == KEY_TABLE && field.kind == BYTES) {
            aggregate->keys[count++] = as_json(aggregate->arena, field.bytes);
        }
    }
}

static bool
read_records(struct aggregate *aggregate, struct mr_slice message)
{
    struct field field;
    size_t count = 0;
    aggregate->records = mr_arena_alloc(aggregate->arena, (aggregate->record_count + 1) *
                                                              sizeof(struct mr_record));
    while (read_field(&message, &field)) {
        if (field.number == RECORDS && field.kind == BYTES &&
            !read_record(aggregate, field.bytes, &aggregate->records[count++])) {
            return false;
        }
    }
    return true;
}

/* The protocol buffer inside; absent when magic or digest say that there is none. */
static struct mr_slice
unwrap(struct mr_slice bytes)
{
    static const uint8_t magic[MAGIC_BYTES] = { 0xf3, 0x89, 0x9a, 0xc2 };
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct mr_slice none = { NULL, 0 };
    if (bytes.size < MAGIC_BYTES + MD5_BYTES || memcmp(bytes.data, magic, MAGIC_BYTES) != 0) {
        return none;
    }
    struct mr_slice message =
        mr_slice_of(bytes.data + MAGIC_BYTES, bytes.size - MAGIC_BYTES - MD5_BYTES);
    if (EVP_Digest(message.data, message.size, digest, NULL, EVP_md5(), NULL) != 1 ||
        memcmp(digest, message.data + message.size, MD5_BYTES) != 0) {
        return none;
    }
    return message;
}

int
mr_kpl_open(const struct mr_record *outer, struct mr_arena *arena,
            struct mr_record **out_records)
{
    struct aggregate aggregate = { .outer = outer, .arena = arena };
    uint8_t *bytes = mr_arena_alloc(arena, mr_base64_decoded_max(outer->data.size) + 1);
    ssize_t size = mr_base64_decode(outer->data, bytes, NULL);
    if (size < 0) {
        return -1;
    }
    struct mr_slice message = unwrap(mr_slice_of(bytes, (size_t)size));
    if (message.data == NULL || !count_fields(message, &aggregate)) {
        return -1;
    }
    read_keys(&aggregate, message);
    if (!read_records(&aggregate, message)) {
        return -1;
    }
    *out_records = aggregate.records;
    return (int)aggregate.record_count;
}
