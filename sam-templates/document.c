#include "sam-templates/document.h"

#include <stdarg.h>
#include <stdio.h>

#include "sam-templates/document_inside.h"
#include "sam-templates/template.h"

const struct mr_node *
mr_document_fail(struct mr_document_reader *reader, uint32_t line, uint32_t column,
                 const char *format, ...)
{
    struct mr_document_error *err = reader->err;
    if (err->text[0] != '\0') {
        return NULL;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err->line = line;
    err->column = column;
    return NULL;
}

/* Two keys are the same when they print the same and are of one kind. */
static struct mr_slice
key_text(struct mr_arena *arena, const struct mr_node *key)
{
    if (key->kind == MR_NODE_STRING) {
        return key->text;
    }
    struct mr_slice text = mr_node_as_text(arena, key);
    return mr_slice_str(mr_arena_printf(arena, "\x01%d%.*s", (int)key->kind,
                                        text.data == NULL ? 0 : (int)text.size,
                                        text.data == NULL ? "" : (const char *)text.data));
}

void
mr_document_fill(struct mr_document_reader *reader, struct mr_node *map,
                 const struct mr_node_pair *pairs, size_t count)
{
    struct mr_index index = { 0 };
    size_t at;

    for (size_t i = 0; i < count; i++) {
        struct mr_slice name = key_text(reader->arena, pairs[i].key);
        if (mr_index_add(&index, reader->arena, name, map->count)) {
            mr_node_put_pair(reader->arena, map, pairs[i].key, pairs[i].value);
        } else if (mr_index_find(&index, name, &at)) {
            reader->on_duplicate(pairs[i].key, map->pairs[at].key, reader->context);
            mr_node_replace(map, at, &pairs[i]);
        }
    }
}

/* Where UTF-8 stops being UTF-8. */
static void
fail_utf8(struct mr_document_reader *reader, struct mr_slice text)
{
    uint32_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n') {
            if (!mr_slice_is_utf8(mr_slice_of(text.data + line_start, i - line_start))) {
                break;
            }
            line++;
            line_start = i + 1;
        }
    }
    mr_document_fail(reader, line, 1, "this line is not UTF-8; save the file as UTF-8");
}

static bool
looks_like_json(struct mr_slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != ' ' && text.data[i] != '\t' && text.data[i] != '\r' &&
            text.data[i] != '\n') {
            return text.data[i] == '{';
        }
    }
    return false;
}

const struct mr_node *
mr_document_parse(struct mr_arena *arena, struct mr_slice text, mr_duplicate_fn *on_duplicate,
                  void *context, struct mr_document_error *err)
{
    struct mr_document_reader reader = { arena, on_duplicate, context, err, 0 };
    const struct mr_node *root = NULL;

    *err = (struct mr_document_error){ 0 };
    if (text.size > MR_TEMPLATE_MAX_BYTES) {
        return mr_document_fail(&reader, 0, 0, "the template is larger than %d bytes",
                                MR_TEMPLATE_MAX_BYTES);
    }
    if (mr_slice_starts_with(text, MR_SLICE("\xef\xbb\xbf"))) {
        text = mr_slice_from(text, 3);
    }
    if (!mr_slice_is_utf8(text)) {
        fail_utf8(&reader, text);
        return NULL;
    }
    if (looks_like_json(text)) {
        root = mr_document_json(&reader, text);
    }
    if (root == NULL) {
        reader.nodes = 0;
        root = mr_document_yaml(&reader, text);
    }
    if (root != NULL && root->weight > MR_NODE_MAX_WEIGHT) {
        return mr_document_fail(&reader, root->line, root->column,
                                "the template has more than %d values, counting what its "
                                "aliases repeat",
                                MR_NODE_MAX_WEIGHT);
    }
    if (root != NULL && root->height > MR_NODE_MAX_HEIGHT) {
        return mr_document_fail(&reader, root->line, root->column,
                                "the template is nested too deeply");
    }
    return root;
}
