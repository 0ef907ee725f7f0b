/*
 * node: one value of a template, and where it stands in the file.
 *
 * A tree of nulls, booleans, numbers, strings, lists and maps, as PyYAML's
 * SafeLoader would have built it, with line and column on every node. Nodes are
 * made in an arena, never change once made, and may be shared: an alias of YAML
 * is a second pointer to the same node. `weight` says how many nodes a walk
 * would meet, which is what bounds a walk of a document full of aliases.
 */
#ifndef MR_SAM_TEMPLATES_NODE_H
#define MR_SAM_TEMPLATES_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum mr_node_kind {
    MR_NODE_NULL,
    MR_NODE_BOOL,
    MR_NODE_INT,
    MR_NODE_FLOAT,
    MR_NODE_STRING,
    MR_NODE_LIST,
    MR_NODE_MAP,
};

struct mr_node_pair {
    const struct mr_node *key, *value;
};

struct mr_node {
    enum mr_node_kind kind;
    uint32_t line, column; /* from 1; 0 when the node was made by a rule, not read */
    uint32_t weight;       /* nodes below and this one, each as often as it is reached */
    uint32_t height;       /* levels, this one included */
    size_t count;          /* elements of a list, pairs of a map */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const struct mr_node **items;
        struct mr_node_pair *pairs;
    };
    /* STRING: its bytes, UTF-8. INT: its digits when they do not fit int64_t, else absent. */
    struct mr_slice text;
};

enum {
    MR_NODE_MAX_DEPTH = 128,  /* levels as they stand in the file */
    MR_NODE_MAX_HEIGHT = 300, /* levels with short tags and aliases followed */
    MR_NODE_MAX_WEIGHT = 1000 * 1000,
};

/* Every maker takes the place from `at`, which may be NULL. */
struct mr_node *mr_node_new(struct mr_arena *arena, enum mr_node_kind kind,
                            const struct mr_node *at);
/* `text` is not copied: it lives as long as the arena, or longer. */
struct mr_node *mr_node_string(struct mr_arena *arena, struct mr_slice text,
                               const struct mr_node *at);
struct mr_node *mr_node_int(struct mr_arena *arena, int64_t value, const struct mr_node *at);
struct mr_node *mr_node_bool(struct mr_arena *arena, bool value, const struct mr_node *at);

/* Lists and maps grow while they are being made, and not afterwards. */
void mr_node_push(struct mr_arena *arena, struct mr_node *list, const struct mr_node *item);
void mr_node_put_pair(struct mr_arena *arena, struct mr_node *map, const struct mr_node *key,
                      const struct mr_node *value);
/* Puts another pair in place of the one at `at`. */
void mr_node_replace(struct mr_node *map, size_t at, const struct mr_node_pair *pair);
/* Replaces a value that is there already. */
void mr_node_set(struct mr_arena *arena, struct mr_node *map, const char *name,
                 const struct mr_node *value);
/* { name: value } */
struct mr_node *mr_node_wrap(struct mr_arena *arena, const char *name,
                             const struct mr_node *value);

static inline bool
mr_node_is(const struct mr_node *node, enum mr_node_kind kind)
{
    return node != NULL && node->kind == kind;
}

/* A string node with these bytes? NULL is not. */
bool mr_node_is_text(const struct mr_node *node, const char *text);
/* Neither list nor map nor null. */
bool mr_node_is_scalar(const struct mr_node *node);
/* Python's truth: null, false, 0, "" and what is empty are false. NULL is false. */
bool mr_node_truthy(const struct mr_node *node);

/* The value under `name`, or NULL; NULL as well when `map` is no map. */
const struct mr_node *mr_node_get(const struct mr_node *map, const char *name);
const struct mr_node *mr_node_find(const struct mr_node *map, struct mr_slice name);
/* The key under which mr_node_find finds, for its place. */
const struct mr_node *mr_node_key(const struct mr_node *map, struct mr_slice name);

/* The text of a string, or absent. */
struct mr_slice mr_node_text(const struct mr_node *node);
/* A scalar as text, as CloudFormation would write it; absent for others. */
struct mr_slice mr_node_as_text(struct mr_arena *arena, const struct mr_node *node);
/* An INT, or a string or float that is a whole number. */
bool mr_node_as_i64(const struct mr_node *node, int64_t *out_value);
/* A BOOL, or "true"/"false" in any case. */
bool mr_node_as_bool(const struct mr_node *node, bool *out_value);

bool mr_node_eq(const struct mr_node *a, const struct mr_node *b);

/* Append as JSON. NULL is written as null. */
void mr_node_write_json(const struct mr_node *node, struct mr_buf *out);
/* The same in an arena, NUL-terminated. */
char *mr_node_json(struct mr_arena *arena, const struct mr_node *node);

/* --- an index from text to a number, in an arena --- */

struct mr_index_slot {
    struct mr_slice key; /* absent: free */
    size_t value;
};

struct mr_index {
    struct mr_index_slot *slots;
    size_t capacity, count; /* capacity is a power of two */
};

/* False, and nothing changed, when `key` is there already. `key` is not copied. */
bool mr_index_add(struct mr_index *index, struct mr_arena *arena, struct mr_slice key,
                  size_t value);
bool mr_index_find(const struct mr_index *index, struct mr_slice key, size_t *out_value);

/* Room for one more: returns `items`, or a copy twice as large. Start with NULL and 0. */
void *mr_grow(struct mr_arena *arena, void *items, size_t count, size_t item_size);

#endif
