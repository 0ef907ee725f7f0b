/*
 * pattern_inside: what a compiled pattern is made of. Private to poller/'s pattern files.
 *
 * A pattern is a tree of path segments ("detail.state" and {"detail":{"state":..}} are the same
 * path), with clauses at some of its nodes, and branches: a branch is what $or chose, a list of
 * clauses that must all hold, in the order of their paths.
 */
#ifndef MR_POLLER_PATTERN_INSIDE_H
#define MR_POLLER_PATTERN_INSIDE_H

#include "base/arena.h"
#include "base/json_reader.h"
#include "poller/exact_number.h"
#include "poller/filter.h"
#include "poller/ip_address.h"
#include "poller/letter_case.h"
#include "poller/wildcard.h"

/* A value of the event that is no object and no array. */
struct mr_pattern_value {
    enum { VALUE_STRING, VALUE_NUMBER, VALUE_TOKEN } kind; /* token: true, false, null */
    struct mr_slice text;                                  /* a string's: unescaped */
};

enum mr_match_kind {
    MATCH_STRING,
    MATCH_TOKEN,
    MATCH_NUMBER, /* the number itself */
    MATCH_RANGE,  /* numeric */
    MATCH_IP,     /* an address: equal in any spelling */
    MATCH_CIDR,
    MATCH_PREFIX,
    MATCH_SUFFIX,
    MATCH_LETTERS, /* equals-ignore-case */
    MATCH_LETTERS_PREFIX,
    MATCH_LETTERS_SUFFIX,
    MATCH_WILDCARD,
    MATCH_EXISTS,
    MATCH_ABSENT,
};

struct mr_match_range {
    bool has_low, has_high, low_open, high_open;
    struct mr_exact_number low, high;
};

/* One thing to be compared with. */
struct mr_match_item {
    struct mr_slice text;
    union {
        struct mr_exact_number number;
        struct mr_match_range range;
        struct mr_ip_block block; /* an address alone: a block of one */
        struct mr_letters letters;
        struct mr_wildcard wildcard;
    };
};

/* One entry of a clause's list. */
struct mr_match {
    enum mr_match_kind kind;
    bool but; /* anything-but: some value, and none of the items */
    struct mr_match_item *items;
    size_t count;
};

struct mr_clause {
    size_t index;           /* among all clauses of the pattern */
    struct mr_slice path;   /* joined by dots */
    struct mr_slice wanted; /* the list as it stands in the pattern */
    struct mr_match *matches;
    size_t match_count;
    bool absent_will_do;    /* {"exists":false} is in the list */
    struct mr_clause *next; /* at the same node */
};

struct mr_branch {
    struct mr_clause **clauses; /* sorted by path */
    size_t count;
};

struct mr_node {
    struct mr_slice segment;
    struct mr_node **children; /* sorted by size and bytes of their segment */
    size_t child_count, child_capacity;
    struct mr_clause *clauses; /* NULL: nothing is asked of a value here */
};

struct mr_pattern {
    struct mr_arena arena;
    struct mr_node root;
    struct mr_branch *branches;
    size_t branch_count;
    struct mr_clause **clauses;
    size_t clause_count;
};

/* Parse one list of a clause, `json` standing before its '['. */
int mr_match_list_parse(struct mr_json *json, struct mr_arena *arena, struct mr_clause *clause,
                        struct mr_error *err);
/* Does a value satisfy one of the list's entries? `MATCH_ABSENT` never does. */
bool mr_match_list_has(const struct mr_clause *clause, const struct mr_pattern_value *value);

/* The child of that segment, or NULL. */
struct mr_node *mr_node_child(const struct mr_node *node, struct mr_slice segment);
/* The node behind a key, which may have dots in it; NULL when no clause lies there. */
const struct mr_node *mr_node_descend(const struct mr_node *node, struct mr_slice key);

/* "Pattern is not JSON ..." for a reader that stopped. */
int mr_pattern_syntax_error(const struct mr_json *json, struct mr_error *err);

/* ---- looking at one event ---- */

struct mr_gather; /* in the scratch */

struct mr_gather *mr_gather_new(const struct mr_pattern *pattern, struct mr_arena *scratch,
                                bool with_found);
/* Walk an event, or the part of one that stands at `node`. False when it is no JSON. */
bool mr_gather_json(struct mr_gather *gather, const struct mr_node *node, struct mr_slice text);
void mr_gather_value(struct mr_gather *gather, const struct mr_node *node,
                     const struct mr_pattern_value *value);
/* What lies at or below this node cannot be satisfied, not even by absence. */
void mr_gather_spoil(struct mr_gather *gather, const struct mr_node *node);
bool mr_gather_matches(struct mr_gather *gather);
void mr_gather_explain(struct mr_gather *gather, struct mr_buf *out_lines);

#endif
