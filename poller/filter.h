/*
 * filter: does a record pass a mapping's FilterCriteria?
 *
 * The pattern language is EventBridge's, compiled once and evaluated on slices, without a tree
 * of the record. A filter is up to ten patterns; a record passes when any of them matches.
 * Semantics and the words of a rejection are those recorded on AWS (docs/compatibility.md).
 *
 * Thread: a compiled pattern is read-only, so any; the scratch arena belongs to one.
 */
#ifndef MR_POLLER_FILTER_H
#define MR_POLLER_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "poller/record.h"

/* ---- one pattern on one JSON event ---- */

struct mr_pattern;

/*
 * Compiles pattern JSON (at most 4096 characters). NULL with -EINVAL and the engine's reason
 * ("Empty arrays are not allowed", ...) in `err`. Copies what it keeps.
 */
struct mr_pattern *mr_pattern_new(struct mr_slice text, struct mr_error *err);
void mr_pattern_free(struct mr_pattern *pattern);
MR_AUTO_DEFINE(struct mr_pattern, mr_pattern_free)

enum mr_pattern_verdict {
    MR_PATTERN_MATCH,
    MR_PATTERN_NO_MATCH,
    MR_PATTERN_BAD_EVENT, /* the event is no JSON object, or one of more than 64 levels */
};
enum mr_pattern_verdict mr_pattern_match(const struct mr_pattern *pattern,
                                         struct mr_slice event, struct mr_arena *scratch);

/* As match; appends one line for each clause that failed: its path, what was wanted, what was
 * found. */
enum mr_pattern_verdict mr_pattern_explain(const struct mr_pattern *pattern,
                                           struct mr_slice event, struct mr_arena *scratch,
                                           struct mr_buf *out_lines);

/* ---- a mapping's filters on Kinesis records ---- */

struct mr_filter;

/* What a record does not carry itself; text is copied. */
struct mr_filter_source {
    struct mr_slice source_arn, region, role_arn;
    bool whole_records; /* a record's data is its text in the event: DynamoDB's */
};

/*
 * `patterns` as FilterCriteria gives them; `count` 0 makes a filter that passes everything.
 * NULL with -EINVAL, the pattern's number and the reason in `err`.
 */
struct mr_filter *mr_filter_new(const struct mr_slice *patterns, size_t count,
                                const struct mr_filter_source *source, struct mr_error *err);
void mr_filter_free(struct mr_filter *filter);
MR_AUTO_DEFINE(struct mr_filter, mr_filter_free)

/*
 * A record whose data is not JSON is dropped when the pattern asks for `data`. Data is decoded
 * into `scratch` only when a pattern asks for it; the scratch is reset by the caller.
 */
bool mr_filter_pass(const struct mr_filter *filter, const struct mr_record *record,
                    struct mr_slice shard_id, struct mr_arena *scratch);

/* As pass; when the record does not, appends one line for each clause that failed. */
bool mr_filter_explain(const struct mr_filter *filter, const struct mr_record *record,
                       struct mr_slice shard_id, struct mr_arena *scratch,
                       struct mr_buf *out_lines);

#endif
