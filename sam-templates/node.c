#include "sam-templates/node.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"

void *
mr_grow(struct mr_arena *arena, void *items, size_t count, size_t item_size)
{
    /* Grow when the count is 0 or a power of two from 4 on. */
    if (count != 0 && (count < 4 || (count & (count - 1)) != 0)) {
        return items;
    }
    size_t capacity = count < 4 ? 4 : count * 2;
    void *grown = mr_arena_alloc(arena, capacity * item_size);
    if (count > 0) {
        memcpy(grown, items, count * item_size);
    }
    return grown;
}

/* --- making --- */

struct mr_node *
mr_node_new(struct mr_arena *arena, enum mr_node_kind kind, const struct mr_node *at)
{
    struct mr_node *node = mr_arena_zero(arena, sizeof(*node));
    node->kind = kind;
    node->weight = 1;
    node->height = 1;
    if (at != NULL) {
        node->line = at->line;
        node->column = at->column;
    }
    return node;
}

struct mr_node *
mr_node_string(struct mr_arena *arena, struct mr_slice text, const struct mr_node *at)
{
    struct mr_node *node = mr_node_new(arena, MR_NODE_STRING, at);
    node->text = text.data == NULL ? MR_SLICE("") : text;
    return node;
}

struct mr_node *
mr_node_int(struct mr_arena *arena, int64_t value, const struct mr_node *at)
{
    struct mr_node *node = mr_node_new(arena, MR_NODE_INT, at);
    node->integer = value;
    return node;
}

struct mr_node *
mr_node_bool(struct mr_arena *arena, bool value, const struct mr_node *at)
{
    struct mr_node *node = mr_node_new(arena, MR_NODE_BOOL, at);
    node->boolean = value;
    return node;
}

static void
count_in(struct mr_node *node, const struct mr_node *child)
{
    uint64_t sum = (uint64_t)node->weight + child->weight;
    node->weight = sum > MR_NODE_MAX_WEIGHT ? MR_NODE_MAX_WEIGHT + 1 : (uint32_t)sum;
    if (child->height >= node->height) {
        node->height = child->height + 1;
    }
}

void
mr_node_push(struct mr_arena *arena, struct mr_node *list, const struct mr_node *item)
{
    list->items = mr_grow(arena, list->items, list->count, sizeof(*list->items));
    list->items[list->count++] = item;
    count_in(list, item);
}

void
mr_node_put_pair(struct mr_arena *arena, struct mr_node *map, const struct mr_node *key,
                 const struct mr_node *value)
{
    map->pairs = mr_grow(arena, map->pairs, map->count, sizeof(*map->pairs));
    map->pairs[map->count++] = (struct mr_node_pair){ key, value };
    count_in(map, key);
    count_in(map, value);
}

void
mr_node_replace(struct mr_node *map, size_t at, const struct mr_node_pair *pair)
{
    map->pairs[at] = *pair;
    count_in(map, pair->value);
}

void
mr_node_set(struct mr_arena *arena, struct mr_node *map, const char *name,
            const struct mr_node *value)
{
    for (size_t i = 0; i < map->count; i++) {
        if (mr_node_is_text(map->pairs[i].key, name)) {
            mr_node_replace(map, i, &(struct mr_node_pair){ map->pairs[i].key, value });
            return;
        }
    }
    mr_node_put_pair(arena, map, mr_node_string(arena, mr_slice_str(name), value), value);
}

struct mr_node *
mr_node_wrap(struct mr_arena *arena, const char *name, const struct mr_node *value)
{
    struct mr_node *map = mr_node_new(arena, MR_NODE_MAP, value);
    mr_node_set(arena, map, name, value);
    return map;
}

/* --- asking --- */

bool
mr_node_is_text(const struct mr_node *node, const char *text)
{
    return mr_node_is(node, MR_NODE_STRING) && mr_slice_is(node->text, text);
}

bool
mr_node_is_scalar(const struct mr_node *node)
{
    return node != NULL && node->kind >= MR_NODE_BOOL && node->kind <= MR_NODE_STRING;
}

bool
mr_node_truthy(const struct mr_node *node)
{
    if (node == NULL) {
        return false;
    }
    switch (node->kind) {
    case MR_NODE_NULL:
        return false;
    case MR_NODE_BOOL:
        return node->boolean;
    case MR_NODE_INT:
        return node->text.size > 0 || node->integer != 0;
    case MR_NODE_FLOAT:
        return node->real != 0;
    case MR_NODE_STRING:
        return node->text.size > 0;
    case MR_NODE_LIST:
    case MR_NODE_MAP:
        return node->count > 0;
    }
    return false;
}

static const struct mr_node_pair *
find_pair(const struct mr_node *map, struct mr_slice name)
{
    if (!mr_node_is(map, MR_NODE_MAP)) {
        return NULL;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (map->pairs[i].key->kind == MR_NODE_STRING &&
            mr_slice_eq(map->pairs[i].key->text, name)) {
            return &map->pairs[i];
        }
    }
    return NULL;
}

const struct mr_node *
mr_node_find(const struct mr_node *map, struct mr_slice name)
{
    const struct mr_node_pair *pair = find_pair(map, name);
    return pair == NULL ? NULL : pair->value;
}

const struct mr_node *
mr_node_key(const struct mr_node *map, struct mr_slice name)
{
    const struct mr_node_pair *pair = find_pair(map, name);
    return pair == NULL ? NULL : pair->key;
}

const struct mr_node *
mr_node_get(const struct mr_node *map, const char *name)
{
    return mr_node_find(map, mr_slice_str(name));
}

struct mr_slice
mr_node_text(const struct mr_node *node)
{
    return mr_node_is(node, MR_NODE_STRING) ? node->text : (struct mr_slice){ NULL, 0 };
}

/* The shortest text that reads back as the same number, always with a point or an exponent. */
static void
write_real(double value, char text[64])
{
    if (isnan(value)) {
        strcpy(text, "NaN");
        return;
    }
    if (isinf(value)) {
        strcpy(text, value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    if (fabs(value) >= 1 && fabs(value) < 1e16 && strchr(text, 'e') != NULL) {
        snprintf(text, 64, "%.1f", value); /* 1e+05 is 100000.0 */
    } else if (strpbrk(text, ".e") == NULL) {
        strcat(text, ".0");
    }
}

struct mr_slice
mr_node_as_text(struct mr_arena *arena, const struct mr_node *node)
{
    char text[64];

    if (!mr_node_is_scalar(node)) {
        return (struct mr_slice){ NULL, 0 };
    }
    switch (node->kind) {
    case MR_NODE_BOOL:
        return node->boolean ? MR_SLICE("true") : MR_SLICE("false");
    case MR_NODE_INT:
        if (node->text.size > 0) {
            return node->text;
        }
        snprintf(text, sizeof(text), "%" PRId64, node->integer);
        break;
    case MR_NODE_FLOAT:
        write_real(node->real, text);
        break;
    default:
        return node->text;
    }
    return mr_arena_copy(arena, mr_slice_str(text));
}

bool
mr_node_as_i64(const struct mr_node *node, int64_t *out_value)
{
    if (node == NULL) {
        return false;
    }
    if (node->kind == MR_NODE_INT && node->text.size == 0) {
        *out_value = node->integer;
        return true;
    }
    if (node->kind == MR_NODE_FLOAT && node->real == trunc(node->real) &&
        fabs(node->real) < 9e15) {
        *out_value = (int64_t)node->real;
        return true;
    }
    return node->kind == MR_NODE_STRING && mr_slice_to_i64(node->text, out_value);
}

bool
mr_node_as_bool(const struct mr_node *node, bool *out_value)
{
    if (mr_node_is(node, MR_NODE_BOOL)) {
        *out_value = node->boolean;
        return true;
    }
    if (mr_node_is(node, MR_NODE_STRING)) {
        bool is_true = mr_slice_eq_nocase(node->text, MR_SLICE("true"));
        if (is_true || mr_slice_eq_nocase(node->text, MR_SLICE("false"))) {
            *out_value = is_true;
            return true;
        }
    }
    return false;
}

bool
mr_node_eq(const struct mr_node *a, const struct mr_node *b)
{
    if (a == b) {
        return true;
    }
    if (a == NULL || b == NULL || a->kind != b->kind || a->count != b->count) {
        return false;
    }
    switch (a->kind) {
    case MR_NODE_NULL:
        return true;
    case MR_NODE_BOOL:
        return a->boolean == b->boolean;
    case MR_NODE_INT:
        return mr_slice_eq(a->text, b->text) && (a->text.size > 0 || a->integer == b->integer);
    case MR_NODE_FLOAT:
        return a->real == b->real;
    case MR_NODE_STRING:
        return mr_slice_eq(a->text, b->text);
    case MR_NODE_LIST:
        for (size_t i = 0; i < a->count; i++) {
            if (!mr_node_eq(a->items[i], b->items[i])) {
                return false;
            }
        }
        return true;
    case MR_NODE_MAP:
        for (size_t i = 0; i < a->count; i++) {
            if (!mr_node_eq(a->pairs[i].key, b->pairs[i].key) ||
                !mr_node_eq(a->pairs[i].value, b->pairs[i].value)) {
                return false;
            }
        }
        return true;
    }
    return false;
}

/* --- JSON --- */

static void
write_text(struct mr_buf *out, struct mr_slice text)
{
    mr_buf_append_byte(out, '"');
    mr_json_escape(out, text);
    mr_buf_append_byte(out, '"');
}

static void
write_scalar(const struct mr_node *node, struct mr_buf *out)
{
    char text[64];

    switch (node->kind) {
    case MR_NODE_BOOL:
        mr_buf_append_str(out, node->boolean ? "true" : "false");
        break;
    case MR_NODE_INT:
        if (node->text.size > 0) {
            mr_buf_append_slice(out, node->text);
        } else {
            mr_buf_printf(out, "%" PRId64, node->integer);
        }
        break;
    case MR_NODE_FLOAT:
        if (isfinite(node->real)) {
            write_real(node->real, text);
            mr_buf_append_str(out, text);
        } else {
            mr_buf_append_str(out, "null"); /* JSON has no word for it */
        }
        break;
    case MR_NODE_STRING:
        write_text(out, node->text);
        break;
    default:
        mr_buf_append_str(out, "null");
        break;
    }
}

static void
write_key(const struct mr_node *key, struct mr_buf *out)
{
    if (key->kind == MR_NODE_STRING) {
        write_scalar(key, out);
        return;
    }
    mr_buf_append_byte(out, '"');
    write_scalar(key, out);
    mr_buf_append_byte(out, '"');
}

void
mr_node_write_json(const struct mr_node *node, struct mr_buf *out)
{
    if (node == NULL) {
        mr_buf_append_str(out, "null");
    } else if (node->kind == MR_NODE_LIST) {
        mr_buf_append_byte(out, '[');
        for (size_t i = 0; i < node->count; i++) {
            mr_buf_append_str(out, i > 0 ? "," : "");
            mr_node_write_json(node->items[i], out);
        }
        mr_buf_append_byte(out, ']');
    } else if (node->kind == MR_NODE_MAP) {
        mr_buf_append_byte(out, '{');
        for (size_t i = 0; i < node->count; i++) {
            mr_buf_append_str(out, i > 0 ? "," : "");
            write_key(node->pairs[i].key, out);
            mr_buf_append_byte(out, ':');
            mr_node_write_json(node->pairs[i].value, out);
        }
        mr_buf_append_byte(out, '}');
    } else {
        write_scalar(node, out);
    }
}

char *
mr_node_json(struct mr_arena *arena, const struct mr_node *node)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    mr_node_write_json(node, &buf);
    return mr_arena_cstr(arena, mr_buf_slice(&buf));
}

/* --- the index --- */

static size_t
hash_of(struct mr_slice key)
{
    uint64_t hash = 1469598103934665603u; /* FNV-1a */
    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ key.data[i]) * 1099511628211u;
    }
    return (size_t)(hash ^ (hash >> 32));
}

static struct mr_index_slot *
slot_of(const struct mr_index *index, struct mr_slice key)
{
    size_t at = hash_of(key) & (index->capacity - 1);
    while (index->slots[at].key.data != NULL && !mr_slice_eq(index->slots[at].key, key)) {
        at = (at + 1) & (index->capacity - 1);
    }
    return &index->slots[at];
}

static void
rebuild(struct mr_index *index, struct mr_arena *arena)
{
    struct mr_index old = *index;
    index->capacity = old.capacity == 0 ? 16 : old.capacity * 2;
    index->slots = mr_arena_zero(arena, index->capacity * sizeof(*index->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].key.data != NULL) {
            *slot_of(index, old.slots[i].key) = old.slots[i];
        }
    }
}

bool
mr_index_add(struct mr_index *index, struct mr_arena *arena, struct mr_slice key, size_t value)
{
    if (key.data == NULL) {
        key = MR_SLICE("");
    }
    if (index->count * 2 >= index->capacity) {
        rebuild(index, arena);
    }
    struct mr_index_slot *slot = slot_of(index, key);
    if (slot->key.data != NULL) {
        return false;
    }
    *slot = (struct mr_index_slot){ key, value };
    index->count++;
    return true;
}

bool
mr_index_find(const struct mr_index *index, struct mr_slice key, size_t *out_value)
{
    if (index->count == 0) {
        return false;
    }
    const struct mr_index_slot *slot = slot_of(index, key);
    if (slot->key.data == NULL) {
        return false;
    }
    *out_value = slot->value;
    return true;
}
