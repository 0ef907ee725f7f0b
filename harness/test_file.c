#include "harness/test_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "sam-templates/document.h"

int
mr_test_file_fail(const struct mr_test_file *file, const struct mr_node *node,
                  struct mr_error *err, const char *format, ...)
{
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return mr_fail(err, -EINVAL, "%s:%u:%u: %s", file->path, node == NULL ? 1 : node->line,
                   node == NULL ? 1 : node->column, text);
}

/* ---- bytes ---- */

static int
read_whole(const char *path, struct mr_arena *arena, struct mr_slice *out_bytes,
           struct mr_error *err)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return mr_fail(err, -errno, "%s: %s", path, strerror(errno));
    }
    mr_auto_buf struct mr_buf bytes = { 0 };
    size_t got;
    do {
        uint8_t *room = mr_buf_reserve(&bytes, 65536);
        got = fread(room, 1, 65536, file);
        bytes.size += got;
    } while (got > 0 && bytes.size <= MR_TEST_FILE_MAX_BYTES);
    bool broken = ferror(file) != 0;
    fclose(file);
    if (broken) {
        return mr_fail(err, -EIO, "%s: cannot be read", path);
    }
    if (bytes.size > MR_TEST_FILE_MAX_BYTES) {
        return mr_fail(err, -E2BIG, "%s: more than %d bytes", path, MR_TEST_FILE_MAX_BYTES);
    }
    *out_bytes = mr_arena_copy(arena, mr_buf_slice(&bytes));
    return 0;
}

/* Relative to the file's directory. */
static char *
beside(const struct mr_test_file *file, struct mr_arena *arena, struct mr_slice name)
{
    if (name.size > 0 && name.data[0] == '/') {
        return mr_arena_cstr(arena, name);
    }
    return mr_arena_printf(arena, "%s/%.*s", file->directory, MR_SLICE_ARGS(name));
}

int
mr_test_file_read(const struct mr_test_file *file, struct mr_slice name, struct mr_arena *arena,
                  struct mr_slice *out_bytes, struct mr_error *err)
{
    return read_whole(beside(file, arena, name), arena, out_bytes, err);
}

/* ---- shape ---- */

/* Is every key of the map among `known` (ending in NULL)? */
static int
check_keys(const struct mr_test_file *file, const struct mr_node *map, const char *what,
           const char *const *known, struct mr_error *err)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct mr_node *key = map->pairs[i].key;
        size_t k = 0;
        while (known[k] != NULL && !mr_node_is_text(key, known[k])) {
            k++;
        }
        if (known[k] == NULL) {
            mr_auto_buf struct mr_buf list = { 0 };
            for (k = 0; known[k] != NULL; k++) {
                mr_buf_printf(&list, "%s%s", k == 0 ? "" : ", ", known[k]);
            }
            return mr_test_file_fail(file, key, err, "\"%.*s\" is no key of %s; there is %s",
                                     MR_SLICE_ARGS(mr_slice_first(mr_node_text(key), 40)), what,
                                     mr_buf_cstr(&list));
        }
    }
    return 0;
}

static int
expect_kind(const struct mr_test_file *file, const struct mr_node *node, enum mr_node_kind kind,
            const char *what, struct mr_error *err)
{
    if (node == NULL || node->kind == kind) {
        return 0;
    }
    return mr_test_file_fail(file, node, err, "%s is a %s", what,
                             kind == MR_NODE_MAP    ? "map"
                             : kind == MR_NODE_LIST ? "list"
                                                    : "text");
}

static int
read_case(const struct mr_test_file *file, const struct mr_node *node,
          struct mr_test_case *out_case, struct mr_error *err)
{
    static const char *const keys[] = {
        "name", "put", "faults", "steps", "expect", "seed", NULL
    };
    struct mr_arena *arena = (struct mr_arena *)(uintptr_t)&file->arena;
    const struct mr_node *name = mr_node_get(node, "name");
    int64_t seed;
    int rc;

    if (node->kind != MR_NODE_MAP || !mr_node_is(name, MR_NODE_STRING)) {
        return mr_test_file_fail(file, node, err, "a case is a map with a name");
    }
    *out_case = (struct mr_test_case){
        .name = mr_arena_cstr(arena, mr_node_text(name)),
        .line = node->line,
        .put = mr_node_get(node, "put"),
        .faults = mr_node_get(node, "faults"),
        .steps = mr_node_get(node, "steps"),
        .expect = mr_node_get(node, "expect"),
    };
    const struct mr_node *number = mr_node_get(node, "seed");
    if (number != NULL && (!mr_node_as_i64(number, &seed) || seed < 0)) {
        return mr_test_file_fail(file, number, err, "seed is a number from 0");
    }
    out_case->has_seed = number != NULL;
    out_case->seed = number != NULL ? (uint64_t)seed : 0;
    if ((rc = check_keys(file, node, "a case", keys, err)) < 0 ||
        (rc = expect_kind(file, out_case->put, MR_NODE_MAP, "put", err)) < 0 ||
        (rc = expect_kind(file, out_case->faults, MR_NODE_LIST, "faults", err)) < 0 ||
        (rc = expect_kind(file, out_case->steps, MR_NODE_LIST, "steps", err)) < 0 ||
        (rc = expect_kind(file, out_case->expect, MR_NODE_MAP, "expect", err)) < 0) {
        return rc;
    }
    if (out_case->put == NULL && out_case->steps == NULL) {
        return mr_test_file_fail(file, node, err, "a case without put or steps tests nothing");
    }
    return 0;
}

static int
read_cases(struct mr_test_file *file, const struct mr_node *root, struct mr_error *err)
{
    const struct mr_node *list = mr_node_get(root, "cases");
    if (!mr_node_is(list, MR_NODE_LIST) || list->count == 0) {
        return mr_test_file_fail(file, list == NULL ? root : list, err,
                                 "cases is a list with at least one case");
    }
    if (list->count > MR_TEST_MAX_CASES) {
        return mr_test_file_fail(file, list, err, "more than %d cases", MR_TEST_MAX_CASES);
    }
    struct mr_test_case *cases = mr_arena_zero(&file->arena, list->count * sizeof(cases[0]));
    for (size_t i = 0; i < list->count; i++) {
        int rc = read_case(file, list->items[i], &cases[i], err);
        if (rc < 0) {
            return rc;
        }
    }
    file->cases = cases;
    file->case_count = list->count;
    return 0;
}

static int
read_parameters(struct mr_test_file *file, const struct mr_node *root, struct mr_error *err)
{
    const struct mr_node *map = mr_node_get(root, "parameters");
    size_t count = map == NULL ? 0 : map->count;
    const char **list = mr_arena_zero(&file->arena, (count + 1) * sizeof(list[0]));
    int rc = expect_kind(file, map, MR_NODE_MAP, "parameters", err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct mr_slice value = mr_node_as_text(&file->arena, map->pairs[i].value);
        if (value.data == NULL) {
            return mr_test_file_fail(file, map->pairs[i].value, err,
                                     "a parameter's value is text or a number");
        }
        list[i] = mr_arena_printf(&file->arena, "%.*s=%.*s",
                                  MR_SLICE_ARGS(mr_node_text(map->pairs[i].key)),
                                  MR_SLICE_ARGS(value));
    }
    file->parameters = list;
    return rc;
}

static int
read_idle(struct mr_test_file *file, const struct mr_node *root, struct mr_error *err)
{
    const struct mr_node *names = mr_node_get(root, "idle");
    size_t count = names == NULL ? 0 : names->count;
    const char **list = mr_arena_zero(&file->arena, (count + 1) * sizeof(list[0]));
    int rc = expect_kind(file, names, MR_NODE_LIST, "idle", err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        list[i] = mr_arena_cstr(&file->arena, mr_node_text(names->items[i]));
    }
    file->idle = list;
    return rc;
}

static int
read_file(struct mr_test_file *file, const struct mr_node *root, struct mr_error *err)
{
    static const char *const keys[] = { "template", "parameters", "idle", "cases", NULL };
    const struct mr_node *name = mr_node_get(root, "template");
    int rc;

    if (root->kind != MR_NODE_MAP) {
        return mr_test_file_fail(file, root, err, "a test file is a map with cases");
    }
    if ((rc = check_keys(file, root, "a test file", keys, err)) < 0 ||
        (rc = expect_kind(file, name, MR_NODE_STRING, "template", err)) < 0 ||
        (rc = read_parameters(file, root, err)) < 0 || (rc = read_idle(file, root, err)) < 0) {
        return rc;
    }
    file->template_path = beside(
        file, &file->arena, name == NULL ? MR_SLICE("../template.yaml") : mr_node_text(name));
    return read_cases(file, root, err);
}

/* ---- life ---- */

struct mr_test_file *
mr_test_file_load(const char *path, struct mr_error *err)
{
    mr_auto(mr_test_file_free) struct mr_test_file *file = mr_alloc_zero(1, sizeof(*file));
    const char *slash = strrchr(path, '/');
    struct mr_document_error trouble = { 0 };
    struct mr_slice text;

    file->path = mr_arena_cstr(&file->arena, mr_slice_str(path));
    file->directory =
        slash == NULL ? "."
                      : mr_arena_cstr(&file->arena, mr_slice_of(path, (size_t)(slash - path)));
    if (read_whole(path, &file->arena, &text, err) < 0) {
        return NULL;
    }
    const struct mr_node *root = mr_document_parse(&file->arena, text, NULL, NULL, &trouble);
    if (root == NULL) {
        mr_fail(err, -EINVAL, "%s:%u:%u: %s", path, trouble.line, trouble.column, trouble.text);
        return NULL;
    }
    if (read_file(file, root, err) < 0) {
        return NULL;
    }
    return MR_TAKE(file);
}

void
mr_test_file_free(struct mr_test_file *file)
{
    if (file != NULL) {
        mr_arena_deinit(&file->arena);
        free(file);
    }
}
