#include "sam-templates/document_inside.h"

#include <string.h>
#include <yaml.h>

#include "base/auto.h"
#include "sam-templates/scalar.h"

struct yaml_walk {
    struct mr_document_reader *reader;
    yaml_parser_t parser;
    struct mr_index anchors;         /* name -> place in `anchored` */
    const struct mr_node **anchored; /* NULL while the node is still being read */
    size_t anchor_count;
    unsigned depth;
};

static const struct mr_node *read_node(struct yaml_walk *walk, yaml_event_t *event);

static void
event_deinit(yaml_event_t *event)
{
    yaml_event_delete(event);
}
#define auto_event __attribute__((cleanup(event_deinit)))

static const struct mr_node *
fail_at(struct yaml_walk *walk, yaml_mark_t mark, const char *text)
{
    return mr_document_fail(walk->reader, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1,
                            "%s", text);
}

/* libyaml's sentences are good; these are the ones people meet and do not understand. */
static const char *
plain_words(const char *problem)
{
    if (problem == NULL) {
        return "this is not YAML";
    }
    if (strstr(problem, "cannot start any token") != NULL) {
        return "this character cannot begin a value; is it a tab used as indentation, or does "
               "the value need quotes?";
    }
    if (strstr(problem, "mapping values are not allowed") != NULL) {
        return "a second `: ` on this line; put the value in quotes, or check the indentation";
    }
    return problem;
}

static bool
next_event(struct yaml_walk *walk, yaml_event_t *out_event)
{
    memset(out_event, 0, sizeof(*out_event));
    if (yaml_parser_parse(&walk->parser, out_event)) {
        return true;
    }
    yaml_mark_t mark = walk->parser.problem_mark;
    if (walk->parser.error == YAML_READER_ERROR) {
        mark = walk->parser.mark;
    }
    fail_at(walk, mark, plain_words(walk->parser.problem));
    return false;
}

static struct mr_node
place_of(const yaml_event_t *event)
{
    return (struct mr_node){ .line = (uint32_t)event->start_mark.line + 1,
                             .column = (uint32_t)event->start_mark.column + 1 };
}

/* --- tags --- */

static const char standard[] = "tag:yaml.org,2002:";

/* The name of a CloudFormation tag (`Ref` of `!Ref`), or NULL. */
static const char *
short_tag(const yaml_char_t *tag)
{
    const char *text = (const char *)tag;
    return text != NULL && text[0] == '!' && text[1] != '\0' ? text + 1 : NULL;
}

/* { Fn::Name: value } */
static const struct mr_node *
apply_tag(struct yaml_walk *walk, const char *name, const struct mr_node *value)
{
    struct mr_arena *arena = walk->reader->arena;
    bool bare = strcmp(name, "Ref") == 0 || strcmp(name, "Condition") == 0;

    if (strcmp(name, "GetAtt") == 0 && value->kind == MR_NODE_STRING) {
        struct mr_slice rest = value->text;
        struct mr_node *list = mr_node_new(arena, MR_NODE_LIST, value);
        mr_node_push(arena, list, mr_node_string(arena, mr_slice_cut(&rest, '.'), value));
        if (rest.data != NULL) {
            mr_node_push(arena, list, mr_node_string(arena, rest, value));
        }
        value = list;
    }
    return mr_node_wrap(arena, mr_arena_printf(arena, "%s%s", bare ? "" : "Fn::", name), value);
}

/* A tag this reader knows nothing about? Then it is refused, as PyYAML does. */
static bool
tag_is_known(struct yaml_walk *walk, const yaml_event_t *event, const yaml_char_t *tag)
{
    if (tag == NULL || ((const char *)tag)[0] == '!' ||
        (strncmp((const char *)tag, standard, sizeof(standard) - 1) == 0 &&
         strncmp((const char *)tag + sizeof(standard) - 1, "python", 6) != 0)) {
        return true;
    }
    fail_at(walk, event->start_mark,
            "unknown tag; CloudFormation's short tags begin with one `!`");
    return false;
}

/* --- scalars --- */

static bool
apply_standard_tag(struct yaml_walk *walk, const char *name, struct mr_slice text,
                   struct mr_node *node)
{
    struct mr_arena *arena = walk->reader->arena;
    if (strcmp(name, "int") == 0) {
        return mr_scalar_to_int(arena, text, node);
    }
    if (strcmp(name, "float") == 0) {
        return mr_scalar_to_float(arena, text, node) || mr_scalar_to_int(arena, text, node);
    }
    if (strcmp(name, "bool") == 0) {
        return mr_scalar_to_bool(text, node);
    }
    if (strcmp(name, "null") == 0) {
        node->kind = MR_NODE_NULL;
    }
    return true; /* str, timestamp, binary: text as it is */
}

static const struct mr_node *
read_scalar(struct yaml_walk *walk, const yaml_event_t *event)
{
    struct mr_arena *arena = walk->reader->arena;
    const char *tag = (const char *)event->data.scalar.tag;
    struct mr_node at = place_of(event);
    struct mr_slice text =
        mr_arena_copy(arena, mr_slice_of(event->data.scalar.value, event->data.scalar.length));
    struct mr_node *node = mr_node_string(arena, text, &at);

    if (!tag_is_known(walk, event, event->data.scalar.tag)) {
        return NULL;
    }
    if (short_tag(event->data.scalar.tag) != NULL) {
        return apply_tag(walk, short_tag(event->data.scalar.tag), node);
    }
    if (tag == NULL || tag[0] == '!') {
        if (tag == NULL && event->data.scalar.plain_implicit) {
            mr_scalar_resolve(arena, text, node);
        }
        return node;
    }
    if (!apply_standard_tag(walk, tag + sizeof(standard) - 1, text, node)) {
        return fail_at(walk, event->start_mark, "the value does not fit its tag");
    }
    return node;
}

/* --- lists and maps --- */

static const struct mr_node *
read_list(struct yaml_walk *walk, const yaml_event_t *start)
{
    struct mr_node at = place_of(start);
    struct mr_node *list = mr_node_new(walk->reader->arena, MR_NODE_LIST, &at);
    for (;;) {
        auto_event yaml_event_t event;
        if (!next_event(walk, &event)) {
            return NULL;
        }
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            return list;
        }
        const struct mr_node *item = read_node(walk, &event);
        if (item == NULL) {
            return NULL;
        }
        mr_node_push(walk->reader->arena, list, item);
    }
}

struct pairs {
    struct mr_node_pair *items;
    size_t count;
};

static void
add_pair(struct yaml_walk *walk, struct pairs *pairs, const struct mr_node *key,
         const struct mr_node *value)
{
    pairs->items =
        mr_grow(walk->reader->arena, pairs->items, pairs->count, sizeof(*pairs->items));
    pairs->items[pairs->count++] = (struct mr_node_pair){ key, value };
}

/* `<<: *map` or `<<: [*a, *b]`: their pairs, for keys the map itself does not have. */
static bool
merge(struct yaml_walk *walk, struct mr_node *map, const struct mr_node *source)
{
    struct mr_arena *arena = walk->reader->arena;
    struct mr_index have = { 0 };
    const struct mr_node *one[] = { source };
    const struct mr_node **sources = source->kind == MR_NODE_LIST ? source->items : one;
    size_t source_count = source->kind == MR_NODE_LIST ? source->count : 1;

    for (size_t i = 0; i < map->count; i++) {
        mr_index_add(&have, arena, mr_node_as_text(arena, map->pairs[i].key), i);
    }
    for (size_t s = 0; s < source_count; s++) {
        if (sources[s]->kind != MR_NODE_MAP) {
            mr_document_fail(walk->reader, source->line, source->column,
                             "`<<` takes a map or a list of maps");
            return false;
        }
        walk->reader->nodes += sources[s]->count;
        if (walk->reader->nodes > MR_NODE_MAX_WEIGHT) {
            mr_document_fail(walk->reader, source->line, source->column,
                             "the merge keys of this template make too many values");
            return false;
        }
        for (size_t i = 0; i < sources[s]->count; i++) {
            const struct mr_node_pair *pair = &sources[s]->pairs[i];
            if (mr_index_add(&have, arena, mr_node_as_text(arena, pair->key), 0)) {
                mr_node_put_pair(arena, map, pair->key, pair->value);
            }
        }
    }
    return true;
}

static bool
is_merge_key(const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.length != 2 ||
        memcmp(event->data.scalar.value, "<<", 2) != 0) {
        return false;
    }
    const char *tag = (const char *)event->data.scalar.tag;
    return tag == NULL ? event->data.scalar.plain_implicit
                       : strcmp(tag, "tag:yaml.org,2002:merge") == 0;
}

/* The value that belongs to a key just read. */
static const struct mr_node *
read_next(struct yaml_walk *walk)
{
    auto_event yaml_event_t event;
    return next_event(walk, &event) ? read_node(walk, &event) : NULL;
}

static const struct mr_node *
read_map(struct yaml_walk *walk, const yaml_event_t *start)
{
    struct mr_node at = place_of(start);
    struct mr_node *map = mr_node_new(walk->reader->arena, MR_NODE_MAP, &at);
    struct pairs pairs = { 0 };
    struct pairs merges = { 0 };

    for (;;) {
        auto_event yaml_event_t event;
        if (!next_event(walk, &event)) {
            return NULL;
        }
        if (event.type == YAML_MAPPING_END_EVENT) {
            break;
        }
        bool merges_here = is_merge_key(&event);
        const struct mr_node *key = read_node(walk, &event);
        if (key == NULL) {
            return NULL;
        }
        if (key->kind == MR_NODE_LIST || key->kind == MR_NODE_MAP) {
            return fail_at(walk, event.start_mark, "a key must be a plain value");
        }
        const struct mr_node *value = read_next(walk);
        if (value == NULL) {
            return NULL;
        }
        add_pair(walk, merges_here ? &merges : &pairs, key, value);
    }
    mr_document_fill(walk->reader, map, pairs.items, pairs.count);
    for (size_t i = 0; i < merges.count; i++) {
        if (!merge(walk, map, merges.items[i].value)) {
            return NULL;
        }
    }
    return map;
}

/* --- anchors --- */

static size_t
open_anchor(struct yaml_walk *walk, const yaml_char_t *name)
{
    struct mr_arena *arena = walk->reader->arena;
    struct mr_slice key = mr_arena_copy(arena, mr_slice_str((const char *)name));
    size_t at;

    if (!mr_index_find(&walk->anchors, key, &at)) {
        at = walk->anchor_count;
        walk->anchored = mr_grow(arena, walk->anchored, at, sizeof(*walk->anchored));
        walk->anchor_count++;
        mr_index_add(&walk->anchors, arena, key, at);
    }
    walk->anchored[at] = NULL;
    return at;
}

static const struct mr_node *
read_alias(struct yaml_walk *walk, const yaml_event_t *event)
{
    size_t at;
    if (!mr_index_find(&walk->anchors, mr_slice_str((const char *)event->data.alias.anchor),
                       &at)) {
        return fail_at(walk, event->start_mark, "an alias of an anchor that is not there");
    }
    if (walk->anchored[at] == NULL) {
        return fail_at(walk, event->start_mark, "an alias inside its own anchor");
    }
    return walk->anchored[at];
}

/* --- nodes --- */

static const struct mr_node *
read_collection(struct yaml_walk *walk, const yaml_event_t *event)
{
    bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *tag =
        is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag;

    if (!tag_is_known(walk, event, tag)) {
        return NULL;
    }
    if (walk->depth >= MR_NODE_MAX_DEPTH) {
        return fail_at(walk, event->start_mark, "the template is nested too deeply");
    }
    walk->depth++;
    const struct mr_node *node = is_list ? read_list(walk, event) : read_map(walk, event);
    walk->depth--;
    if (node == NULL || short_tag(tag) == NULL) {
        return node;
    }
    return apply_tag(walk, short_tag(tag), node);
}

static const yaml_char_t *
anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

static const struct mr_node *
read_node(struct yaml_walk *walk, yaml_event_t *event)
{
    const yaml_char_t *anchor = anchor_of(event);
    size_t at = anchor != NULL ? open_anchor(walk, anchor) : 0;
    const struct mr_node *node;

    if (++walk->reader->nodes > MR_NODE_MAX_WEIGHT) {
        return fail_at(walk, event->start_mark, "the template has too many values");
    }
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(walk, event);
    case YAML_SCALAR_EVENT:
        node = read_scalar(walk, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        node = read_collection(walk, event);
        break;
    default:
        return fail_at(walk, event->start_mark, "this is not YAML");
    }
    if (anchor != NULL) {
        walk->anchored[at] = node;
    }
    return node;
}

/* --- the document --- */

static bool
skip_to(struct yaml_walk *walk, yaml_event_type_t wanted, yaml_event_type_t *out_type,
        yaml_mark_t *out_mark)
{
    auto_event yaml_event_t event;
    if (!next_event(walk, &event)) {
        return false;
    }
    *out_type = event.type;
    *out_mark = event.start_mark;
    return event.type == wanted;
}

static const struct mr_node *
read_document(struct yaml_walk *walk)
{
    yaml_event_type_t type;
    yaml_mark_t mark;

    if (!skip_to(walk, YAML_STREAM_START_EVENT, &type, &mark)) {
        return NULL;
    }
    if (!skip_to(walk, YAML_DOCUMENT_START_EVENT, &type, &mark)) {
        return walk->reader->err->text[0] != '\0'
                   ? NULL
                   : mr_node_new(walk->reader->arena, MR_NODE_NULL, NULL);
    }
    const struct mr_node *root = read_next(walk);
    if (root == NULL || !skip_to(walk, YAML_DOCUMENT_END_EVENT, &type, &mark)) {
        return NULL;
    }
    if (!skip_to(walk, YAML_STREAM_END_EVENT, &type, &mark)) {
        return fail_at(walk, mark, "a second document begins here; a template is one document");
    }
    return root;
}

const struct mr_node *
mr_document_yaml(struct mr_document_reader *reader, struct mr_slice text)
{
    struct yaml_walk walk = { .reader = reader };

    if (!yaml_parser_initialize(&walk.parser)) {
        return mr_document_fail(reader, 0, 0, "out of memory");
    }
    yaml_parser_set_encoding(&walk.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &walk.parser, text.data == NULL ? (const uint8_t *)"" : text.data, text.size);
    const struct mr_node *root = read_document(&walk);
    yaml_parser_delete(&walk.parser);
    if (root == NULL && reader->err->text[0] == '\0') {
        mr_document_fail(reader, 1, 1, "this is not YAML");
    }
    return root;
}
