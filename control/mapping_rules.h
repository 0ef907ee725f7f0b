/*
 * mapping_rules: what CreateEventSourceMapping and UpdateEventSourceMapping accept, beyond the
 * model's tables, and in whose words they refuse the rest.
 *
 * Every rule, default and text was measured on AWS or is documented; docs/compatibility.md says
 * where we differ.
 */
#ifndef MR_CONTROL_MAPPING_RULES_H
#define MR_CONTROL_MAPPING_RULES_H

#include "control/inside.h"

enum mapping_kind {
    MAPPING_KINESIS,
    MAPPING_DYNAMODB,
    MAPPING_SQS,
    MAPPING_MSK,
    MAPPING_KAFKA, /* self-managed */
    MAPPING_OTHER, /* Amazon MQ, DocumentDB */
    MAPPING_UNKNOWN,
};

enum mapping_kind mapping_kind_of(const json_t *document);
static inline bool
mapping_is_stream(enum mapping_kind kind)
{
    return kind == MAPPING_KINESIS || kind == MAPPING_DYNAMODB;
}

/*
 * Does the call keep the rules? `document` is the mapping as it would be: what was before (on
 * an update) with the call's members in place. Answers and returns false when it does not.
 */
bool mapping_rules_check(struct call *call, const json_t *document, enum mapping_kind kind,
                         bool is_create);

/* Put AWS's defaults where nothing was said, and leave out what is not shown. */
void mapping_rules_fill(json_t *document, enum mapping_kind kind);

#endif
