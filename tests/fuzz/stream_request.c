/*
 * stream_request: can any body hurt who reads it, in JSON or CBOR, for any operation?
 *
 * Also what stands inside of bodies: tokens, sequence numbers, shard ids, hash keys, fault
 * rules, master keys. The first byte says what the rest is.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "stream/api/constraint.h"
#include "stream/api/fault.h"
#include "stream/api/operation.h"
#include "stream/api/token.h"
#include "stream/cipher.h"
#include "stream/hash_key.h"
#include "stream/sequence_number.h"

static const char *const names[] = {
    "AddTagsToStream",  "CreateStream",     "GetRecords",        "GetShardIterator",
    "ListShards",       "PutRecord",        "PutRecords",        "RegisterStreamConsumer",
    "SubscribeToShard", "UpdateShardCount", "PutResourcePolicy", "EnableEnhancedMonitoring",
};

/* What passed the checks has lengths within the shape's; what did not has a sentence. */
static void
try_body(const char *operation, enum mr_format format, struct mr_slice body)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_input input;
    struct mr_value value;
    struct mr_slice message = { NULL, 0 };
    const struct mr_shape *shape = mr_shape_input(operation);

    mr_assert(shape != NULL);
    if (!mr_input_is_object(format, body, &arena)) {
        return; /* as front.c and operation.c do */
    }
    mr_input_init(&input, format, body, &arena);
    if (mr_value_read(&input, shape, &value, &message) < 0) {
        return;
    }
    mr_assert(value.count == shape->member_count);
    size_t mistakes = mr_constraint_check(&value, &arena, &message);
    mr_assert((mistakes == 0) == (message.data == NULL) &&
              mistakes <= MR_CONSTRAINT_MAX_ERRORS);
}

static void
try_number(struct mr_slice text)
{
    struct mr_sequence_number number, again;
    char printed[MR_SEQUENCE_TEXT_SIZE];
    uint32_t index;
    mr_hash_key key;

    if (mr_sequence_parse(text, &number)) {
        size_t size = mr_sequence_print(&number, printed);
        mr_assert(mr_sequence_parse(mr_slice_of(printed, size), &again) &&
                  mr_sequence_compare(&number, &again) == 0);
    }
    (void)mr_shard_id_parse(text, &index);
    (void)mr_hash_key_parse(text, &key);
}

static void
try_token(struct mr_slice text)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    static const struct mr_token_key key = { { 1, 2, 3 } };

    /* A stranger's token is never ours. */
    mr_assert(mr_token_open(&key, MR_TOKEN_ITERATOR, text, &arena).data == NULL);
    if (text.size <= MR_TOKEN_MAX_CONTENT && text.size > 0) {
        struct mr_slice sealed = mr_token_seal(&key, MR_TOKEN_SHARDS, text, &arena);
        mr_assert(mr_slice_eq(mr_token_open(&key, MR_TOKEN_SHARDS, sealed, &arena), text));
        mr_assert(mr_token_open(&key, MR_TOKEN_STREAMS, sealed, &arena).data == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct mr_slice rest = mr_slice_of(data + 1, size - 1);
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    if (data[0] < 2 * NAMES) {
        try_body(names[data[0] % NAMES], data[0] < NAMES ? MR_FORMAT_JSON : MR_FORMAT_CBOR,
                 rest);
        return 0;
    }
    switch (data[0] % 4) {
    case 0:
        try_number(rest);
        break;
    case 1:
        try_token(rest);
        break;
    case 2: {
        struct mr_faults *faults = mr_faults_new(1);
        (void)mr_faults_add(faults, rest, NULL);
        mr_faults_free(faults);
        break;
    }
    default:
        mr_master_keys_close(mr_master_keys_parse(rest, NULL));
    }
    return 0;
}
