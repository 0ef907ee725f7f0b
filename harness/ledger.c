#include "harness/ledger.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/json_reader.h"

struct entry {
    UT_hash_handle hh;
    struct mr_slice sequence_number;
    struct key *key;
    size_t number;
};

/* A partition key, and per mapping the newest record of it that was handled. */
struct key {
    UT_hash_handle hh;
    struct mr_slice text;
    size_t *newest;
};

struct fate {
    uint32_t delivered, succeeded;
    bool dropped;
};

struct mr_ledger {
    struct mr_arena arena;
    size_t mapping_count;
    struct entry *by_sequence;
    struct key *by_key;
    struct entry **entries; /* in the order of their numbers */
    struct fate *fates;     /* of entry i and mapping m: [i * mapping_count + m] */
    size_t count, capacity;
    size_t *disorder; /* a mapping */
};

struct mr_ledger *
mr_ledger_new(size_t mapping_count)
{
    struct mr_ledger *ledger = mr_alloc_zero(1, sizeof(*ledger));
    ledger->mapping_count = mapping_count;
    ledger->disorder = mr_alloc_zero(mapping_count + 1, sizeof(ledger->disorder[0]));
    return ledger;
}

void
mr_ledger_free(struct mr_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    HASH_CLEAR(hh, ledger->by_sequence);
    HASH_CLEAR(hh, ledger->by_key);
    mr_arena_deinit(&ledger->arena);
    free(ledger->entries);
    free(ledger->fates);
    free(ledger->disorder);
    free(ledger);
}

static struct key *
key_of(struct mr_ledger *ledger, struct mr_slice text)
{
    struct key *key;
    HASH_FIND(hh, ledger->by_key, text.data, text.size, key);
    if (key == NULL) {
        key = mr_arena_zero(&ledger->arena, sizeof(*key));
        key->text = mr_arena_copy(&ledger->arena, text);
        key->newest =
            mr_arena_zero(&ledger->arena, (ledger->mapping_count + 1) * sizeof(key->newest[0]));
        HASH_ADD_KEYPTR(hh, ledger->by_key, key->text.data, key->text.size, key);
    }
    return key;
}

static void
grow(struct mr_ledger *ledger)
{
    size_t width = ledger->mapping_count * sizeof(ledger->fates[0]);
    ledger->capacity = ledger->capacity == 0 ? 64 : ledger->capacity * 2;
    ledger->entries =
        mr_realloc(ledger->entries, ledger->capacity * sizeof(ledger->entries[0]));
    ledger->fates = mr_realloc(ledger->fates, ledger->capacity * width + 1);
}

size_t
mr_ledger_put(struct mr_ledger *ledger, struct mr_slice sequence_number,
              struct mr_slice partition_key)
{
    if (ledger->count == ledger->capacity) {
        grow(ledger);
    }
    struct entry *entry = mr_arena_zero(&ledger->arena, sizeof(*entry));
    entry->sequence_number = mr_arena_copy(&ledger->arena, sequence_number);
    entry->key = key_of(ledger, partition_key);
    HASH_ADD_KEYPTR(hh, ledger->by_sequence, entry->sequence_number.data,
                    entry->sequence_number.size, entry);
    size_t width = ledger->mapping_count * sizeof(ledger->fates[0]);
    memset((char *)ledger->fates + ledger->count * width, 0, width);
    ledger->entries[ledger->count++] = entry;
    entry->number = ledger->count;
    return entry->number;
}

size_t
mr_ledger_count(const struct mr_ledger *ledger)
{
    return ledger->count;
}

size_t
mr_ledger_find(const struct mr_ledger *ledger, struct mr_slice sequence_number)
{
    struct entry *entry;
    HASH_FIND(hh, ledger->by_sequence, sequence_number.data, sequence_number.size, entry);
    return entry == NULL ? 0 : entry->number;
}

/* The sequence number of the record that comes next in `json`; absent when it has none. */
static struct mr_slice
read_record(struct mr_json *json)
{
    struct mr_slice key, number = { 0 };
    if (!mr_json_enter(json)) {
        return number;
    }
    while (mr_json_next_key(json, &key)) {
        if (!mr_slice_is(key, "kinesis") || !mr_json_enter(json)) {
            mr_json_skip(json);
            continue;
        }
        while (mr_json_next_key(json, &key)) {
            if (mr_slice_is(key, "sequenceNumber")) {
                mr_json_string_raw(json, &number);
            } else {
                mr_json_skip(json);
            }
        }
    }
    return number;
}

size_t
mr_ledger_read_event(const struct mr_ledger *ledger, struct mr_slice event,
                     size_t **out_numbers)
{
    struct mr_json json = mr_json_of(event);
    struct mr_slice key;
    size_t *numbers = NULL, count = 0, capacity = 0;

    mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        if (!mr_slice_is(key, "Records") || !mr_json_enter(&json)) {
            mr_json_skip(&json);
            continue;
        }
        while (mr_json_next_element(&json)) {
            if (count == capacity) {
                capacity = capacity == 0 ? 16 : capacity * 2;
                numbers = mr_realloc(numbers, capacity * sizeof(numbers[0]));
            }
            numbers[count++] = mr_ledger_find(ledger, read_record(&json));
        }
    }
    *out_numbers = numbers;
    return count;
}

static struct fate *
fate_of(struct mr_ledger *ledger, size_t mapping, size_t number)
{
    mr_assert(mapping < ledger->mapping_count && number >= 1 && number <= ledger->count);
    return &ledger->fates[(number - 1) * ledger->mapping_count + mapping];
}

void
mr_ledger_delivered(struct mr_ledger *ledger, size_t mapping, size_t number)
{
    fate_of(ledger, mapping, number)->delivered++;
}

void
mr_ledger_succeeded(struct mr_ledger *ledger, size_t mapping, size_t number)
{
    struct fate *fate = fate_of(ledger, mapping, number);
    size_t *newest = &ledger->entries[number - 1]->key->newest[mapping];
    if (fate->succeeded++ == 0) {
        ledger->disorder[mapping] += number < *newest;
        *newest = number > *newest ? number : *newest;
    }
}

void
mr_ledger_dropped(struct mr_ledger *ledger, size_t mapping, size_t number)
{
    fate_of(ledger, mapping, number)->dropped = true;
}

struct mr_ledger_sums
mr_ledger_sums(const struct mr_ledger *ledger, size_t mapping)
{
    struct mr_ledger_sums sums = { .disorder = ledger->disorder[mapping] };
    for (size_t i = 0; i < ledger->count; i++) {
        const struct fate *fate = &ledger->fates[i * ledger->mapping_count + mapping];
        sums.delivered += fate->delivered > 0;
        sums.succeeded += fate->succeeded > 0;
        sums.dropped += fate->dropped;
        sums.duplicates += fate->succeeded > 1 ? fate->succeeded - 1 : 0;
        sums.open += fate->succeeded == 0 && !fate->dropped;
    }
    return sums;
}
