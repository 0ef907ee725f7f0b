#include "internal.h"
#include "md5.h"

/*
 * An aggregate is four magic bytes, a protobuf message and the MD5 of that message:
 *
 *     AggregatedRecord { 1: partition key table, 2: explicit hash key table, 3: records }
 *     Record { 1: partition key index, 2: hash key index, 3: data, 4: tags }
 *
 * `whole` is the message, `rest` what of it was not walked yet.
 */

enum { MAGIC = 4, DIGEST = 16, TABLE_PARTITION_KEYS = 1, TABLE_HASH_KEYS = 2, RECORDS = 3 };
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct field {
    unsigned number;
    unsigned wire;
    uint64_t value;     /* WIRE_VARINT */
    struct mr_str data; /* WIRE_BYTES */
};

static bool
take_varint(struct mr_str *from, uint64_t *out_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && from->size > 0; shift += 7) {
        unsigned char byte = (unsigned char)*from->data++;
        from->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

static bool
take_bytes(struct mr_str *from, uint64_t size, struct mr_str *out_data)
{
    if (size > from->size) {
        return false;
    }
    *out_data = (struct mr_str){ from->data, (size_t)size };
    from->data += size;
    from->size -= (size_t)size;
    return true;
}

static bool
take_field(struct mr_str *from, struct field *out_field)
{
    uint64_t key, size;
    struct field field = { 0 };
    if (from->size == 0 || !take_varint(from, &key)) {
        return false;
    }
    field.number = (unsigned)(key >> 3);
    field.wire = (unsigned)(key & 7);
    *out_field = field;
    switch (field.wire) {
    case WIRE_VARINT:
        return take_varint(from, &out_field->value);
    case WIRE_BYTES:
        return take_varint(from, &size) && take_bytes(from, size, &out_field->data);
    case WIRE_64:
        return take_bytes(from, 8, &out_field->data);
    case WIRE_32:
        return take_bytes(from, 4, &out_field->data);
    default:
        return false;
    }
}

/*
 * Entry `index` of a table. Records mostly use the entries in their order, so the walk goes on
 * from the last one; thousands of records do not make it thousands of walks.
 */
#define FROM_TABLE(records, table, place, index)                                          \
    from_table((records)->whole, (table), &(records)->place.rest, &(records)->place.last, \
               &(records)->place.next, (index))

static struct mr_str
from_table(struct mr_str message, unsigned table, struct mr_str *rest, struct mr_str *last,
           uint64_t *next, uint64_t index)
{
    struct field field;
    if (*next > 0 && index == *next - 1) {
        return *last;
    }
    if (rest->data == NULL || index < *next) {
        *rest = message;
        *next = 0;
    }
    while (take_field(rest, &field)) {
        if (field.number == table && field.wire == WIRE_BYTES) {
            *last = field.data;
            if ((*next)++ == index) {
                return field.data;
            }
        }
    }
    *rest = (struct mr_str){ NULL, 0 }; /* no such entry: from the start next time */
    *next = 0;
    return (struct mr_str){ NULL, 0 };
}

static bool
is_aggregate(struct mr_str data)
{
    unsigned char digest[DIGEST];
    if (data.size < MAGIC + DIGEST || memcmp(data.data, "\xf3\x89\x9a\xc2", MAGIC) != 0) {
        return false;
    }
    md5(data.data + MAGIC, data.size - MAGIC - DIGEST, digest);
    return memcmp(digest, data.data + data.size - DIGEST, DIGEST) == 0;
}

struct mr_kpl
mr_kpl_open(struct mr_str data, struct mr_str partition_key)
{
    struct mr_kpl records = { .partition_key = partition_key, .rest = data, .whole = data };
    if (is_aggregate(data)) {
        records.aggregated = true;
        records.whole = (struct mr_str){ data.data + MAGIC, data.size - MAGIC - DIGEST };
        records.rest = records.whole;
    }
    records.sub_sequence_number = UINT64_MAX; /* the first next makes it 0 */
    return records;
}

static void
open_record(struct mr_kpl *records, struct mr_str message)
{
    struct field field;
    records->data = (struct mr_str){ "", 0 };
    records->explicit_hash_key = (struct mr_str){ NULL, 0 };
    while (take_field(&message, &field)) {
        if (field.number == 1 && field.wire == WIRE_VARINT) {
            records->partition_key =
                FROM_TABLE(records, TABLE_PARTITION_KEYS, partition_keys, field.value);
        } else if (field.number == 2 && field.wire == WIRE_VARINT) {
            records->explicit_hash_key =
                FROM_TABLE(records, TABLE_HASH_KEYS, hash_keys, field.value);
        } else if (field.number == 3 && field.wire == WIRE_BYTES) {
            records->data = field.data;
        }
    }
}

bool
mr_kpl_next(struct mr_kpl *records)
{
    struct field field;
    if (!records->aggregated) {
        if (records->sub_sequence_number != UINT64_MAX) {
            return false;
        }
        records->sub_sequence_number = 0;
        records->data = records->whole;
        return true;
    }
    while (take_field(&records->rest, &field)) {
        if (field.number == RECORDS && field.wire == WIRE_BYTES) {
            records->sub_sequence_number++;
            open_record(records, field.data);
            return true;
        }
    }
    return false;
}
