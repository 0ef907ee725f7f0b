#include "sam-templates/document_inside.h"

#include <stdlib.h>

#include "base/json_reader.h"
#include "sam-templates/scalar.h"

struct json_walk {
    struct mr_document_reader *reader;
    struct mr_json json;
    struct mr_slice text;
    size_t seen; /* bytes that were counted into line and column */
    uint32_t line, column;
};

static const struct mr_node *read_value(struct json_walk *walk);

/* Columns are counted in characters. */
static struct mr_node
place_of(struct json_walk *walk, size_t offset)
{
    for (; walk->seen < offset && walk->seen < walk->text.size; walk->seen++) {
        uint8_t byte = walk->text.data[walk->seen];
        if (byte == '\n') {
            walk->line++;
            walk->column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            walk->column++;
        }
    }
    return (struct mr_node){ .line = walk->line, .column = walk->column };
}

static const struct mr_node *
read_map(struct json_walk *walk, const struct mr_node *at)
{
    struct mr_arena *arena = walk->reader->arena;
    struct mr_node *map = mr_node_new(arena, MR_NODE_MAP, at);
    struct mr_node_pair *pairs = NULL;
    size_t count = 0;
    struct mr_slice raw;

    mr_json_enter(&walk->json);
    while (mr_json_next_key(&walk->json, &raw)) {
        struct mr_node key_at = place_of(walk, (size_t)(raw.data - walk->text.data) - 1);
        struct mr_slice name = mr_arena_copy(arena, mr_json_unescape(raw, arena));
        const struct mr_node *key = mr_node_string(arena, name, &key_at);
        const struct mr_node *value = read_value(walk);
        if (value == NULL) {
            return NULL;
        }
        pairs = mr_grow(arena, pairs, count, sizeof(*pairs));
        pairs[count++] = (struct mr_node_pair){ key, value };
    }
    mr_document_fill(walk->reader, map, pairs, count);
    return map;
}

static const struct mr_node *
read_list(struct json_walk *walk, const struct mr_node *at)
{
    struct mr_node *list = mr_node_new(walk->reader->arena, MR_NODE_LIST, at);
    mr_json_enter(&walk->json);
    while (mr_json_next_element(&walk->json)) {
        const struct mr_node *item = read_value(walk);
        if (item == NULL) {
            return NULL;
        }
        mr_node_push(walk->reader->arena, list, item);
    }
    return list;
}

static const struct mr_node *
read_number(struct json_walk *walk, const struct mr_node *at)
{
    struct mr_arena *arena = walk->reader->arena;
    struct mr_slice raw;
    if (!mr_json_raw(&walk->json, &raw)) {
        return NULL;
    }
    struct mr_node *node = mr_node_new(arena, MR_NODE_INT, at);
    if (mr_slice_find(raw, '.') < 0 && mr_slice_find(raw, 'e') < 0 &&
        mr_slice_find(raw, 'E') < 0) {
        if (!mr_slice_to_i64(raw, &node->integer)) {
            node->text = mr_arena_copy(arena, raw);
        }
        return node;
    }
    node->kind = MR_NODE_FLOAT;
    node->real = strtod(mr_arena_cstr(arena, raw), NULL);
    return node;
}

static const struct mr_node *
read_value(struct json_walk *walk)
{
    struct mr_arena *arena = walk->reader->arena;
    enum mr_json_kind kind = mr_json_peek(&walk->json);
    struct mr_node at = place_of(walk, mr_json_offset(&walk->json));
    struct mr_slice text;
    bool value;

    if (++walk->reader->nodes > MR_NODE_MAX_WEIGHT) {
        return NULL;
    }
    switch (kind) {
    case MR_JSON_OBJECT:
        return read_map(walk, &at);
    case MR_JSON_ARRAY:
        return read_list(walk, &at);
    case MR_JSON_STRING:
        if (!mr_json_string(&walk->json, arena, &text)) {
            return NULL;
        }
        return mr_node_string(arena, mr_arena_copy(arena, text), &at);
    case MR_JSON_NUMBER:
        return read_number(walk, &at);
    case MR_JSON_TRUE:
    case MR_JSON_FALSE:
        return mr_json_bool(&walk->json, &value) ? mr_node_bool(arena, value, &at) : NULL;
    case MR_JSON_NULL:
        return mr_json_null(&walk->json) ? mr_node_new(arena, MR_NODE_NULL, &at) : NULL;
    case MR_JSON_BAD:
        break;
    }
    return NULL;
}

const struct mr_node *
mr_document_json(struct mr_document_reader *reader, struct mr_slice text)
{
    if (!mr_json_valid(text)) {
        return NULL; /* asked first, so that nothing is reported twice when YAML has its turn */
    }
    struct json_walk walk = { reader, mr_json_of(text), text, 0, 1, 1 };
    const struct mr_node *root = read_value(&walk);
    return root != NULL && mr_json_done(&walk.json) ? root : NULL;
}
