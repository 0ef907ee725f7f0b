/*
 * dead_letters: what was given up and is kept here: in place of a destination that is not
 * configured, or because the destination did not take it.
 *
 * One SQLite file, written through to the disk before `add` returns; another process may read
 * it meanwhile. A letter is the failure document and the event of the last try, so that it can
 * be looked at and sent again. Bounded by number and bytes: when full, the oldest go, which is
 * logged and counted.
 *
 * Not thread-safe: belongs to its loop. Writing blocks for one disk sync.
 */
#ifndef MR_POLLER_DEAD_LETTERS_H
#define MR_POLLER_DEAD_LETTERS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/slice.h"

struct mr_dead_letters;

struct mr_dead_letters_options {
    const char *path;   /* "…/dead_letters.db"; made when missing */
    uint64_t max_count; /* letters; 0: 100,000 */
    uint64_t max_bytes; /* of documents and events; 0: 1 GiB */
};

struct mr_dead_letter {
    int64_t id; /* given by add; rises */
    uint64_t time_ms;
    struct mr_slice mapping_uuid, function_arn, stream_arn, shard_id;
    struct mr_slice destination_arn;
    struct mr_slice condition; /* "RetryAttemptsExhausted" */
    struct mr_slice first_sequence_number, last_sequence_number;
    uint64_t invoke_count, batch_size;
    struct mr_slice
        reason; /* why the destination does not have it; empty: none is configured */
    struct mr_slice document; /* as SQS and SNS get it; left out by list */
    struct mr_slice payload;  /* the event; left out by list */
    uint64_t payload_bytes;   /* its size; filled by list and get */
};

/* NULL with `err`; -EBADMSG when the file is damaged. */
struct mr_dead_letters *mr_dead_letters_open(const struct mr_dead_letters_options *options,
                                             struct mr_error *err);
void mr_dead_letters_close(struct mr_dead_letters *letters);
MR_AUTO_DEFINE(struct mr_dead_letters, mr_dead_letters_close)

/* Returns the letter's id, above 0; or negative with `err`: it is not kept then. */
int64_t mr_dead_letters_add(struct mr_dead_letters *letters,
                            const struct mr_dead_letter *letter,
                            struct mr_error *err) MR_MUST_USE;

/* Absent members: any. */
struct mr_dead_letters_query {
    struct mr_slice mapping_uuid, function_arn, destination_arn;
    int64_t after_id; /* only newer ones: where the last page ended */
    uint32_t limit;   /* 0: 100; at most 1000 */
};

/* Oldest first, in the arena. Returns how many; negative with `err`. */
int mr_dead_letters_list(struct mr_dead_letters *letters,
                         const struct mr_dead_letters_query *query, struct mr_arena *arena,
                         struct mr_dead_letter **out_list, struct mr_error *err);

/* The whole letter, in the arena; -ENOENT. */
int mr_dead_letters_get(struct mr_dead_letters *letters, int64_t id, struct mr_arena *arena,
                        struct mr_dead_letter *out_letter, struct mr_error *err);
/* -ENOENT when there is none of that id. */
int mr_dead_letters_remove(struct mr_dead_letters *letters, int64_t id, struct mr_error *err);

/* Letters kept now, and letters that had to go because the store was full, ever. */
uint64_t mr_dead_letters_count(const struct mr_dead_letters *letters);
uint64_t mr_dead_letters_dropped(const struct mr_dead_letters *letters);

#endif
