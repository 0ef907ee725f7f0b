/*
 * rules: which properties the SAM resources and events have, and of what type.
 *
 * Tables after the SAM translator 1.110. A value that is a map of one key counts
 * as an intrinsic function, whose type only AWS will know, unless the property
 * says it takes none.
 */
#ifndef MR_SAM_TEMPLATES_RULES_H
#define MR_SAM_TEMPLATES_RULES_H

#include "sam-templates/reading.h"

enum mr_type {
    MR_TYPE_ANY = 0,
    MR_TYPE_STRING = 1,
    MR_TYPE_INT = 2, /* a boolean passes for one, as in Python */
    MR_TYPE_BOOL = 4,
    MR_TYPE_LIST = 8,
    MR_TYPE_MAP = 16,
    MR_TYPE_LIST_OF_STRINGS = 32,
    MR_TYPE_LIST_OF_STRINGS_OR_MAPS = 64,
    MR_TYPE_MAP_OF_MAPS = 128, /* keys are strings in this one and the next two */
    MR_TYPE_MAP_OF_STRINGS = 256,
    MR_TYPE_MAP_OF_INTS_OR_MAPS = 512,
    MR_TYPE_REQUIRED = 1024,
    MR_TYPE_NO_INTRINSIC = 2048,
};

struct mr_property_rule {
    const char *name; /* NULL ends a table */
    unsigned type;
};

struct mr_globals_rule {
    const char *section;
    const char *const *properties; /* ends in NULL */
};

const struct mr_globals_rule *mr_globals_rule_find(struct mr_slice section);
/* All section names, ending in NULL. */
const char *const *mr_globals_sections(void);

/* NULL for a type whose properties are not looked at. */
const struct mr_property_rule *mr_resource_rules(struct mr_slice type);

enum mr_event_kind {
    MR_EVENT_PULL, /* becomes an event source mapping; `source` says which */
    MR_EVENT_SNS,  /* may become one */
    MR_EVENT_PUSH, /* nothing to us */
};

struct mr_event_rule {
    const char *type;
    enum mr_event_kind kind;
    enum mr_template_source source;
    const struct mr_property_rule *properties;      /* its own */
    const struct mr_property_rule *more_properties; /* those all pull events share, or NULL */
};

const struct mr_event_rule *mr_event_rule_find(struct mr_slice type);
const struct mr_event_rule *mr_event_rule_at(size_t index); /* NULL past the end */

/* Check names, types and presence. False after anything was rejected. */
bool mr_check_properties(struct mr_reading *reading, const struct mr_node *properties,
                         const struct mr_property_rule *rules,
                         const struct mr_property_rule *more_rules, const char *what,
                         const struct mr_node *at, const struct mr_path *path);

#endif
