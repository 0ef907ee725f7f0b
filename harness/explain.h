/*
 * explain: does a filter let a record through, and if not, which clause stops it?
 *
 * What `millrace explain` answers, by the very code that filters a mapping's records.
 */
#ifndef MR_HARNESS_EXPLAIN_H
#define MR_HARNESS_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* Also the verb's exit codes. */
enum mr_explained { MR_EXPLAINED_MATCH, MR_EXPLAINED_NO_MATCH, MR_EXPLAINED_REJECTED };

/*
 * Appends "match", "no-match" or "rejected: REASON", and with `why` a line for each clause that
 * failed. Returns enum mr_explained, or -EINVAL when the event is no JSON text.
 */
int mr_explain_pattern(struct mr_slice pattern, struct mr_slice event, bool why,
                       struct mr_buf *out, struct mr_error *err);

/* A Kinesis record as a mapping's filter meets it. */
struct mr_explain_record {
    struct mr_slice data; /* the bytes themselves */
    struct mr_slice partition_key, sequence_number, shard_id;
    struct mr_slice source_arn, region, role_arn;
    uint64_t arrival_ms;
};

/*
 * `text` is a record's data, or a record as a handler's event has it ({"kinesis":{"data":..}}),
 * which fills the other members too; what it does not say stays. Copies into the arena.
 */
void mr_explain_read_record(struct mr_slice text, struct mr_arena *arena,
                            struct mr_explain_record *record);

/* As mr_explain_pattern, with why, for a mapping's filters. */
int mr_explain_filters(const struct mr_slice *filters, size_t count,
                       const struct mr_explain_record *record, struct mr_buf *out);

#endif
