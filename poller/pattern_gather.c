/*
 * pattern_gather: one walk over an event, and what it found for a pattern's clauses.
 *
 * The event is pulled, never kept. A value at a clause's path that satisfies it is a hit; a hit
 * remembers in which element of which arrays it lies, because all hits of a match must lie in
 * the same element of every array they share (pattern_solve.c).
 */
#include <string.h>

#include "poller/pattern_gather.h"

/* Where a walk is: an array of the event, and which element of it. */
struct array {
    uint32_t id;   /* NO_ARRAY: nothing was found in it so far */
    bool is_mixed; /* plain values stand in it, which belong to no element */
};

struct element {
    struct element *up;
    struct array *array;
    uint32_t index;
    struct mr_spot *place; /* made when something is found in it */
};

/* What one object has shown for a key, so that the same key again replaces it. */
struct shown {
    struct shown *next;
    const struct mr_node *node;
    uint32_t begin, end; /* sequence numbers of what was found below it */
};

static void walk(struct mr_gather *gather, struct mr_json *json, const struct mr_node *node,
                 struct element *element);

struct mr_gather *
mr_gather_new(const struct mr_pattern *pattern, struct mr_arena *scratch, bool with_found)
{
    struct mr_gather *gather = mr_arena_zero(scratch, sizeof(*gather));
    gather->pattern = pattern;
    gather->scratch = scratch;
    gather->with_found = with_found;
    gather->clauses =
        mr_arena_zero(scratch, (pattern->clause_count + 1) * sizeof(*gather->clauses));
    return gather;
}

/* ---- what was found ---- */

static uint32_t
add_array(struct mr_gather *gather, bool is_mixed)
{
    if (gather->array_count == gather->array_capacity) {
        uint32_t capacity = gather->array_capacity * 2 + 8;
        struct mr_array *arrays = mr_arena_alloc(gather->scratch, capacity * sizeof(*arrays));
        if (gather->array_count > 0) {
            memcpy(arrays, gather->arrays, gather->array_count * sizeof(*arrays));
        }
        gather->arrays = arrays;
        gather->array_capacity = capacity;
    }
    gather->arrays[gather->array_count] =
        (struct mr_array){ .end = UINT32_MAX, .is_mixed = is_mixed };
    return gather->array_count++;
}

static const struct mr_spot *
place_of(struct mr_gather *gather, struct element *element)
{
    if (element == NULL || element->place != NULL) {
        return element == NULL ? NULL : element->place;
    }
    if (element->array->id == MR_NO_ARRAY) {
        element->array->id = add_array(gather, element->array->is_mixed);
    }
    element->place = mr_arena_alloc(gather->scratch, sizeof(*element->place));
    *element->place = (struct mr_spot){
        .up = place_of(gather, element->up),
        .array = element->array->id,
        .index = element->index,
        .begin = gather->sequence,
        .end = UINT32_MAX,
    };
    return element->place;
}

static void
add_hit(struct mr_gather *gather, struct mr_hits *hits, const struct mr_spot *place)
{
    /* Plain values of one array differ in nothing: one of them will do. */
    if (hits->count > 0 && hits->list[hits->count - 1].place == place &&
        hits->list[hits->count - 1].sequence >= gather->fresh) {
        return;
    }
    if (hits->count == hits->capacity) {
        uint32_t capacity = hits->capacity * 2 + 2;
        struct mr_hit *list = mr_arena_alloc(gather->scratch, capacity * sizeof(*list));
        if (hits->count > 0) {
            memcpy(list, hits->list, hits->count * sizeof(*list));
        }
        hits->list = list;
        hits->capacity = capacity;
    }
    hits->list[hits->count++] = (struct mr_hit){ place, gather->sequence++ };
}

static void
remember_found(struct mr_gather *gather, struct mr_found *found,
               const struct mr_pattern_value *value)
{
    found->count++;
    if (gather->with_found && found->count <= MR_FOUND_SHOWN) {
        found->values[found->count - 1] = *value;
    }
}

static void
test_value(struct mr_gather *gather, const struct mr_node *node,
           const struct mr_pattern_value *value, struct element *element)
{
    for (const struct mr_clause *clause = node->clauses; clause != NULL;
         clause = clause->next) {
        struct mr_clause_found *found = &gather->clauses[clause->index];
        if (clause->absent_will_do) {
            add_hit(gather, &found->presences, place_of(gather, element));
        }
        if (mr_match_list_has(clause, value)) {
            add_hit(gather, &found->hits, place_of(gather, element));
        }
        remember_found(gather, &found->found, value);
    }
}

void
mr_gather_value(struct mr_gather *gather, const struct mr_node *node,
                const struct mr_pattern_value *value)
{
    test_value(gather, node, value, NULL);
}

/* ---- forgetting: the same key again in one object ---- */

static void
drop_range(struct mr_hits *hits, uint32_t begin, uint32_t end)
{
    uint32_t kept = 0;
    if (hits->count == 0 || hits->list[hits->count - 1].sequence < begin) {
        return;
    }
    for (uint32_t i = 0; i < hits->count; i++) {
        uint32_t sequence = hits->list[i].sequence;
        if (sequence < begin || sequence >= end) {
            hits->list[kept++] = hits->list[i];
        }
    }
    hits->count = kept;
}

static void
forget(struct mr_gather *gather, const struct mr_node *node, struct shown *shown)
{
    for (const struct mr_clause *clause = node->clauses; clause != NULL;
         clause = clause->next) {
        struct mr_clause_found *found = &gather->clauses[clause->index];
        drop_range(&found->hits, shown->begin, shown->end);
        drop_range(&found->presences, shown->begin, shown->end);
        found->found.count = 0;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        forget(gather, node->children[i], shown);
    }
}

/* ---- walking ---- */

static void
walk_array(struct mr_gather *gather, struct mr_json *json, const struct mr_node *node,
           struct element *up)
{
    struct array array = { .id = MR_NO_ARRAY };
    uint32_t index = 0;

    (void)mr_json_enter(json);
    for (; mr_json_next_element(json); index++) {
        enum mr_json_kind kind = mr_json_peek(json);
        if (kind != MR_JSON_OBJECT && kind != MR_JSON_ARRAY) {
            array.is_mixed = true;
            walk(gather, json, node, up);
            continue;
        }
        struct element element = { .up = up, .array = &array, .index = index };
        walk(gather, json, node, &element);
        if (element.place != NULL) {
            element.place->end = gather->sequence;
        }
    }
    if (array.id != MR_NO_ARRAY) {
        gather->arrays[array.id].end = gather->sequence;
        gather->arrays[array.id].is_mixed = array.is_mixed;
    }
}

static struct shown *
find_shown(struct shown *list, const struct mr_node *node)
{
    while (list != NULL && list->node != node) {
        list = list->next;
    }
    return list;
}

static void
walk_object(struct mr_gather *gather, struct mr_json *json, const struct mr_node *node,
            struct element *element)
{
    struct shown *list = NULL;
    struct mr_slice key;

    (void)mr_json_enter(json);
    while (mr_json_next_key(json, &key)) {
        const struct mr_node *child =
            mr_node_descend(node, mr_json_unescape(key, gather->scratch));
        if (child == NULL) {
            (void)mr_json_skip(json);
            continue;
        }
        struct shown *shown = find_shown(list, child);
        if (shown == NULL) {
            shown = mr_arena_alloc(gather->scratch, sizeof(*shown));
            *shown = (struct shown){ .next = list, .node = child };
            list = shown;
        } else {
            forget(gather, child, shown);
        }
        shown->begin = gather->fresh = gather->sequence;
        walk(gather, json, child, element);
        shown->end = gather->sequence;
    }
}

static void
walk_plain(struct mr_gather *gather, struct mr_json *json, const struct mr_node *node,
           struct element *element)
{
    struct mr_pattern_value value = { .kind = VALUE_TOKEN };
    enum mr_json_kind kind = mr_json_peek(json);
    bool good;
    if (kind == MR_JSON_STRING) {
        value.kind = VALUE_STRING;
        good = mr_json_string(json, gather->scratch, &value.text);
    } else {
        value.kind = kind == MR_JSON_NUMBER ? VALUE_NUMBER : VALUE_TOKEN;
        good = mr_json_raw(json, &value.text);
    }
    if (good) {
        test_value(gather, node, &value, element);
    }
}

static void
walk(struct mr_gather *gather, struct mr_json *json, const struct mr_node *node,
     struct element *element)
{
    switch (mr_json_peek(json)) {
    case MR_JSON_OBJECT:
        if (node->child_count > 0) {
            walk_object(gather, json, node, element);
        } else {
            (void)mr_json_skip(json);
        }
        break;
    case MR_JSON_ARRAY:
        walk_array(gather, json, node, element);
        break;
    case MR_JSON_BAD:
        (void)mr_json_skip(json);
        break;
    default:
        if (node->clauses != NULL) {
            walk_plain(gather, json, node, element);
        } else {
            (void)mr_json_skip(json);
        }
    }
}

bool
mr_gather_json(struct mr_gather *gather, const struct mr_node *node, struct mr_slice text)
{
    struct mr_json json = mr_json_of(text);
    gather->fresh = gather->sequence;
    walk(gather, &json, node, NULL);
    return mr_json_done(&json);
}

void
mr_gather_spoil(struct mr_gather *gather, const struct mr_node *node)
{
    for (const struct mr_clause *clause = node->clauses; clause != NULL;
         clause = clause->next) {
        gather->clauses[clause->index].is_spoilt = true;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        mr_gather_spoil(gather, node->children[i]);
    }
}
