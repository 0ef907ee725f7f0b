/*
 * pattern_gather: what a walk over an event found. Private to poller/'s pattern files.
 *
 * Everything found has a sequence number, in the order of the text; so what lies in an array's
 * element, and in the array, is a range of them.
 */
#ifndef MR_POLLER_PATTERN_GATHER_H
#define MR_POLLER_PATTERN_GATHER_H

#include "poller/pattern_inside.h"

enum { MR_NO_ARRAY = UINT32_MAX, MR_FOUND_SHOWN = 3 };

/* An element of an array of the event. */
struct mr_spot {
    const struct mr_spot *up; /* the element around it, of the next array outwards */
    uint32_t array, index;
    uint32_t begin, end; /* what was found in it */
};

struct mr_array {
    uint32_t end;  /* of what was found in it */
    bool is_mixed; /* plain values stand among its elements */
};

struct mr_hit {
    const struct mr_spot *place; /* NULL: in no array */
    uint32_t sequence;
};

struct mr_hits {
    struct mr_hit *list;
    uint32_t count, capacity;
};

/* For explanations. */
struct mr_found {
    struct mr_pattern_value values[MR_FOUND_SHOWN];
    size_t count;
};

struct mr_clause_found {
    struct mr_hits hits;      /* values that satisfy the clause */
    struct mr_hits presences; /* values at all; gathered where absence counts */
    struct mr_found found;
    bool is_spoilt;
};

struct mr_gather {
    const struct mr_pattern *pattern;
    struct mr_arena *scratch;
    bool with_found;
    struct mr_clause_found *clauses; /* by the clause's index */
    struct mr_array *arrays;
    uint32_t array_count, array_capacity;
    uint32_t sequence;
    uint32_t *parents;             /* of arrays and clauses, while solving */
    const struct mr_spot **chosen; /* the same: by array */
    uint32_t fresh; /* hits from here on belong to the same member as the next one */
};

#endif
