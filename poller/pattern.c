/*
 * pattern: from a pattern's JSON to branches of clauses.
 *
 * The text is read once, in order, as AWS's engine reads it: $or multiplies the branches there
 * are so far, a path that comes again replaces what was said of it before.
 */
#include "poller/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "poller/pattern_inside.h"

enum {
    MAX_BRANCHES = 1000, /* AWS's bound of $or combinations */
    MAX_CLAUSES = 256,   /* the engine's bound of fields in one combination */
    SHOWN = 80,
};

/* Branches while they grow; `clauses` on the heap. */
struct rules {
    struct mr_branch *branches;
    size_t count, capacity;
};

struct compiler {
    struct mr_pattern *pattern;
    struct mr_json json;
    struct mr_error *err;
    size_t clause_capacity;
};

int
mr_pattern_syntax_error(const struct mr_json *json, struct mr_error *err)
{
    return mr_fail(err, -EINVAL, "Pattern is not JSON: mistake at byte %zu",
                   mr_json_offset(json));
}

static int
refuse(struct compiler *compiler, const char *reason)
{
    if (compiler->json.bad) {
        return mr_pattern_syntax_error(&compiler->json, compiler->err);
    }
    return mr_fail(compiler->err, -EINVAL, "%s", reason);
}

/* ---- branches ---- */

static struct mr_branch *
add_branch(struct rules *rules)
{
    if (rules->count == rules->capacity) {
        rules->capacity = rules->capacity * 2 + 4;
        rules->branches =
            mr_realloc(rules->branches, rules->capacity * sizeof(*rules->branches));
    }
    rules->branches[rules->count] = (struct mr_branch){ 0 };
    return &rules->branches[rules->count++];
}

static void
free_rules(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        free(rules->branches[i].clauses);
    }
    free(rules->branches);
    *rules = (struct rules){ 0 };
}
#define auto_rules __attribute__((cleanup(free_rules)))

static void
copy_rules(const struct rules *from, struct rules *to)
{
    for (size_t i = 0; i < from->count; i++) {
        struct mr_branch *branch = add_branch(to);
        branch->count = from->branches[i].count;
        branch->clauses = mr_alloc((branch->count + 1) * sizeof(*branch->clauses));
        if (branch->count > 0) {
            memcpy(branch->clauses, from->branches[i].clauses,
                   branch->count * sizeof(*branch->clauses));
        }
    }
}

/* At its place in the order of paths; instead of the clause of that path, if there is one. */
static int
put_clause(struct compiler *compiler, struct mr_branch *branch, struct mr_clause *clause)
{
    size_t at = 0;
    int order = 1;
    while (at < branch->count &&
           (order = mr_slice_compare(clause->path, branch->clauses[at]->path)) > 0) {
        at++;
    }
    if (at < branch->count && order == 0) {
        branch->clauses[at] = clause;
        return 0;
    }
    if (branch->count == MAX_CLAUSES) {
        return mr_fail(compiler->err, -EINVAL, "Pattern has more than %d fields", MAX_CLAUSES);
    }
    branch->clauses =
        mr_realloc(branch->clauses, (branch->count + 1) * sizeof(*branch->clauses));
    memmove(&branch->clauses[at + 1], &branch->clauses[at],
            (branch->count - at) * sizeof(*branch->clauses));
    branch->clauses[at] = clause;
    branch->count++;
    return 0;
}

/* ---- reading ---- */

static int parse_object(struct compiler *compiler, struct rules *rules, struct mr_slice path,
                        bool inside_or);

static struct mr_slice
join(struct compiler *compiler, struct mr_slice path, struct mr_slice key)
{
    struct mr_arena *arena = &compiler->pattern->arena;
    if (path.data == NULL) {
        return mr_arena_copy(arena, key);
    }
    uint8_t *joined = mr_arena_alloc(arena, path.size + 1 + key.size);
    memcpy(joined, path.data, path.size);
    joined[path.size] = '.';
    memcpy(joined + path.size + 1, key.data, key.size);
    return mr_slice_of(joined, path.size + 1 + key.size);
}

static void
keep_clause(struct compiler *compiler, struct mr_clause *clause)
{
    struct mr_pattern *pattern = compiler->pattern;
    if (pattern->clause_count == compiler->clause_capacity) {
        compiler->clause_capacity = compiler->clause_capacity * 2 + 8;
        pattern->clauses =
            mr_realloc(pattern->clauses, compiler->clause_capacity * sizeof(clause));
    }
    clause->index = pattern->clause_count;
    pattern->clauses[pattern->clause_count++] = clause;
}

static int
parse_clause(struct compiler *compiler, struct rules *rules, struct mr_slice path)
{
    struct mr_arena *arena = &compiler->pattern->arena;
    struct mr_clause *clause = mr_arena_zero(arena, sizeof(*clause));
    const uint8_t *begin = compiler->json.cursor;

    clause->path = path;
    if (mr_match_list_parse(&compiler->json, arena, clause, compiler->err) < 0) {
        return -EINVAL;
    }
    clause->wanted =
        mr_arena_copy(arena, mr_slice_of(begin, (size_t)(compiler->json.cursor - begin)));
    keep_clause(compiler, clause);
    if (rules->count == 0) {
        add_branch(rules);
    }
    for (size_t i = 0; i < rules->count; i++) {
        if (put_clause(compiler, &rules->branches[i], clause) < 0) {
            return -EINVAL;
        }
    }
    return 0;
}

/* Every alternative goes on from the branches so far. */
static int
parse_alternative(struct compiler *compiler, const struct rules *before, struct rules *after,
                  struct mr_slice path)
{
    auto_rules struct rules mine = { 0 };
    copy_rules(before, &mine);
    if (mine.count == 0) {
        add_branch(&mine);
    }
    if (parse_object(compiler, &mine, path, true) < 0) {
        return -EINVAL;
    }
    if (after->count + mine.count > MAX_BRANCHES) {
        return mr_fail(compiler->err, -EINVAL,
                       "Rule is too complex - $or makes more than %d combinations",
                       MAX_BRANCHES);
    }
    copy_rules(&mine, after);
    return 0;
}

static int
parse_or(struct compiler *compiler, struct rules *rules, struct mr_slice path)
{
    auto_rules struct rules after = { 0 };
    size_t count = 0;

    if (mr_json_peek(&compiler->json) != MR_JSON_ARRAY) {
        return refuse(compiler, "It must be an Array followed with $or.");
    }
    (void)mr_json_enter(&compiler->json);
    for (; mr_json_next_element(&compiler->json); count++) {
        if (mr_json_peek(&compiler->json) != MR_JSON_OBJECT) {
            return refuse(compiler,
                          "Only JSON object is allowed in array of $or relationship.");
        }
        if (parse_alternative(compiler, rules, &after, path) < 0) {
            return -EINVAL;
        }
    }
    if (compiler->json.bad || count < 2) {
        return refuse(compiler, "There must have at least 2 Objects in $or relationship.");
    }
    struct rules before = *rules;
    *rules = after;
    after = before;
    return 0;
}

static bool
is_reserved(struct mr_slice key)
{
    static const char *const reserved[] = { "exactly",
                                            "equals-ignore-case",
                                            "prefix",
                                            "suffix",
                                            "anything-but",
                                            "exists",
                                            "wildcard",
                                            "numeric",
                                            "cidr",
                                            "=",
                                            "<",
                                            "<=",
                                            ">",
                                            ">=",
                                            "regex",
                                            "not-wildcard",
                                            "not-equals-ignore-case",
                                            "date-after",
                                            "date-on-or-after",
                                            "date-before",
                                            "date-on-or-before",
                                            "in-date-range",
                                            "ip-address-in-range",
                                            "ip-address-not-in-range" };
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (mr_slice_is(key, reserved[i])) {
            return true;
        }
    }
    return false;
}

static int
parse_member(struct compiler *compiler, struct rules *rules, struct mr_slice path,
             struct mr_slice key, bool inside_or)
{
    if (mr_slice_is(key, "$or")) {
        return parse_or(compiler, rules, path);
    }
    struct mr_slice shown = mr_slice_first(key, SHOWN);
    if (inside_or && is_reserved(key)) {
        return mr_fail(compiler->err, -EINVAL,
                       "%.*s is Ruler reserved fieldName which cannot be used inside $or.",
                       MR_SLICE_ARGS(shown));
    }
    switch (mr_json_peek(&compiler->json)) {
    case MR_JSON_OBJECT:
        return parse_object(compiler, rules, join(compiler, path, key), inside_or);
    case MR_JSON_ARRAY:
        return parse_clause(compiler, rules, join(compiler, path, key));
    case MR_JSON_BAD:
        compiler->json.bad = true;
        return refuse(compiler, "");
    default:
        return mr_fail(compiler->err, -EINVAL, "\"%.*s\" must be an object or an array",
                       MR_SLICE_ARGS(shown));
    }
}

static int
parse_object(struct compiler *compiler, struct rules *rules, struct mr_slice path,
             bool inside_or)
{
    struct mr_slice key;
    bool is_empty = true;

    (void)mr_json_enter(&compiler->json);
    while (mr_json_next_key(&compiler->json, &key)) {
        is_empty = false;
        key = mr_json_unescape(key, &compiler->pattern->arena);
        if (parse_member(compiler, rules, path, key, inside_or) < 0) {
            return -EINVAL;
        }
    }
    if (compiler->json.bad || is_empty) {
        return refuse(compiler, "Empty objects are not allowed");
    }
    return 0;
}

/* ---- the tree of paths ---- */

static int
compare_segments(struct mr_slice a, struct mr_slice b)
{
    if (a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    return a.size == 0 ? 0 : memcmp(a.data, b.data, a.size);
}

/* Where the child is, or would be. */
static size_t
child_slot(const struct mr_node *node, struct mr_slice segment)
{
    size_t low = 0, high = node->child_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_segments(node->children[middle]->segment, segment) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct mr_node *
mr_node_child(const struct mr_node *node, struct mr_slice segment)
{
    size_t slot = child_slot(node, segment);
    bool found = slot < node->child_count &&
                 compare_segments(node->children[slot]->segment, segment) == 0;
    return found ? node->children[slot] : NULL;
}

const struct mr_node *
mr_node_descend(const struct mr_node *node, struct mr_slice key)
{
    while (node != NULL) {
        node = mr_node_child(node, mr_slice_cut(&key, '.'));
        if (key.data == NULL) {
            break;
        }
    }
    return node;
}

static struct mr_node *
add_child(struct mr_pattern *pattern, struct mr_node *node, struct mr_slice segment)
{
    size_t slot = child_slot(node, segment);
    struct mr_node *child = mr_arena_zero(&pattern->arena, sizeof(*child));
    if (node->child_count == node->child_capacity) {
        size_t capacity = node->child_capacity * 2 + 2;
        struct mr_node **children =
            mr_arena_alloc(&pattern->arena, capacity * sizeof(*children));
        if (node->child_count > 0) {
            memcpy(children, node->children, node->child_count * sizeof(*children));
        }
        node->children = children;
        node->child_capacity = capacity;
    }
    memmove(&node->children[slot + 1], &node->children[slot],
            (node->child_count - slot) * sizeof(child));
    node->children[slot] = child;
    node->child_count++;
    child->segment = segment;
    return child;
}

static void
plant(struct mr_pattern *pattern, struct mr_clause *clause)
{
    struct mr_node *node = &pattern->root;
    struct mr_slice rest = clause->path;
    do {
        struct mr_slice segment = mr_slice_cut(&rest, '.');
        struct mr_node *child = mr_node_child(node, segment);
        node = child != NULL ? child : add_child(pattern, node, segment);
    } while (rest.data != NULL);
    clause->next = node->clauses;
    node->clauses = clause;
}

/* ---- a pattern's life ---- */

/* Of UTF-8: bytes that do not go on with a character. */
static size_t
count_characters(struct mr_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += (text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

static int
compile(struct compiler *compiler, struct mr_slice text)
{
    auto_rules struct rules rules = { 0 };

    if (count_characters(text) > MR_LAMBDA_MAX_FILTER_CHARS) {
        return mr_fail(compiler->err, -EINVAL, "Pattern is longer than %d characters",
                       MR_LAMBDA_MAX_FILTER_CHARS);
    }
    if (mr_json_peek(&compiler->json) != MR_JSON_OBJECT) {
        return mr_fail(compiler->err, -EINVAL, "Filter is not an object");
    }
    struct mr_slice no_path = { NULL, 0 };
    if (parse_object(compiler, &rules, no_path, false) < 0) {
        return -EINVAL;
    }
    if (!mr_json_done(&compiler->json)) {
        return mr_pattern_syntax_error(&compiler->json, compiler->err);
    }
    struct mr_pattern *pattern = compiler->pattern;
    for (size_t i = 0; i < pattern->clause_count; i++) {
        plant(pattern, pattern->clauses[i]);
    }
    pattern->branches = rules.branches;
    pattern->branch_count = rules.count;
    rules = (struct rules){ 0 };
    return 0;
}

struct mr_pattern *
mr_pattern_new(struct mr_slice text, struct mr_error *err)
{
    struct mr_pattern *pattern = mr_alloc_zero(1, sizeof(*pattern));
    struct compiler compiler = { .pattern = pattern, .json = mr_json_of(text), .err = err };
    if (compile(&compiler, text) < 0) {
        mr_pattern_free(pattern);
        return NULL;
    }
    return pattern;
}

void
mr_pattern_free(struct mr_pattern *pattern)
{
    if (pattern == NULL) {
        return;
    }
    for (size_t i = 0; i < pattern->branch_count; i++) {
        free(pattern->branches[i].clauses);
    }
    free(pattern->branches);
    free(pattern->clauses);
    mr_arena_deinit(&pattern->arena);
    free(pattern);
}

/* ---- one event ---- */

static enum mr_pattern_verdict
look(const struct mr_pattern *pattern, struct mr_slice event, struct mr_arena *scratch,
     struct mr_buf *out_lines)
{
    struct mr_json json = mr_json_of(event);
    struct mr_gather *gather = mr_gather_new(pattern, scratch, out_lines != NULL);
    if (mr_json_peek(&json) != MR_JSON_OBJECT ||
        !mr_gather_json(gather, &pattern->root, event)) {
        return MR_PATTERN_BAD_EVENT;
    }
    if (mr_gather_matches(gather)) {
        return MR_PATTERN_MATCH;
    }
    if (out_lines != NULL) {
        mr_gather_explain(gather, out_lines);
    }
    return MR_PATTERN_NO_MATCH;
}

enum mr_pattern_verdict
mr_pattern_match(const struct mr_pattern *pattern, struct mr_slice event,
                 struct mr_arena *scratch)
{
    return look(pattern, event, scratch, NULL);
}

enum mr_pattern_verdict
mr_pattern_explain(const struct mr_pattern *pattern, struct mr_slice event,
                   struct mr_arena *scratch, struct mr_buf *out_lines)
{
    return look(pattern, event, scratch, out_lines);
}
