/*
 * generate_event: an event as a template's mapping would hand it to its function.
 *
 * ARNs are the template's, keys belong to the shard that is named, sequence numbers rise. The
 * same options give the same event.
 *
 * Thread: any.
 */
#ifndef MR_HARNESS_GENERATE_EVENT_H
#define MR_HARNESS_GENERATE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "sam-templates/template.h"

/* What a DynamoDB stream tells of an item. */
enum mr_event_shape { MR_SHAPE_INSERT, MR_SHAPE_MODIFY, MR_SHAPE_REMOVE };

struct mr_generate_event {
    size_t records;       /* 1..10000; 0: 1 */
    size_t keys;          /* different keys among them; 0: as many as records, at most 8 */
    struct mr_slice data; /* "${n}" becomes the record's number; absent: {"n":${n}} */
    bool window;          /* Kinesis, DynamoDB: with a tumbling window's members */
    enum mr_event_shape shape;
    uint64_t now_ms; /* Unix time of the first record; 0: 2026-01-01T00:00:00Z */
};

enum { MR_GENERATE_MAX_RECORDS = 10000 };

/*
 * `name` is FUNCTION.EVENT, a mapping's logical id, or FUNCTION when it has one mapping.
 * -ENOENT names those there are; -ENOTSUP for a source of which we know no event.
 */
int mr_generate_event(const struct mr_template *tpl, const char *name,
                      const struct mr_generate_event *how, struct mr_buf *out,
                      struct mr_error *err) MR_MUST_USE;

/* The mapping's source by logical id (else its ARN), and a key of record `n`: for --put. */
const struct mr_template_mapping *mr_generate_mapping(const struct mr_template *tpl,
                                                      const char *name, struct mr_error *err);
/* `${n}` of `data` replaced, appended. */
void mr_generate_data(struct mr_slice data, uint64_t n, struct mr_buf *out);

#endif
