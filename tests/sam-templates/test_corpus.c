/* Every template of the cases' corpus, at both levels; skipped where there is no corpus. */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "sam-templates/document.h"
#include "tests/sam-templates/reading.h"

struct tally {
    unsigned passed, failed, mappings;
};

static void
on_duplicate(const struct mr_node *key, const struct mr_node *first, void *context)
{
    (void)key;
    (void)first;
    (void)context;
}

static const struct mr_node *
parse_json(struct mr_arena *arena, const char *text)
{
    struct mr_document_error err;
    return mr_document_parse(arena, mr_slice_str(text), on_duplicate, NULL, &err);
}

static char *
read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    mr_auto_buf struct mr_buf text = { 0 };
    size_t size;
    if (file == NULL) {
        return NULL;
    }
    while ((size = fread(mr_buf_reserve(&text, 65536), 1, 65536, file)) > 0) {
        text.size += size;
    }
    fclose(file);
    return mr_slice_dup(mr_buf_slice(&text));
}

/* --- comparing: maps by key, lists without regard to order --- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted_text(struct mr_arena *arena, const struct mr_node *node);

static char *
join_sorted(struct mr_arena *arena, char **parts, size_t count, char open, char close)
{
    mr_auto_buf struct mr_buf out = { 0 };
    if (count > 0) {
        qsort(parts, count, sizeof(*parts), by_text);
    }
    mr_buf_append_byte(&out, (uint8_t)open);
    for (size_t i = 0; i < count; i++) {
        mr_buf_printf(&out, "%s,", parts[i]);
    }
    mr_buf_append_byte(&out, (uint8_t)close);
    return mr_arena_cstr(arena, mr_buf_slice(&out));
}

static char *
sorted_text(struct mr_arena *arena, const struct mr_node *node)
{
    if (node == NULL || (node->kind != MR_NODE_LIST && node->kind != MR_NODE_MAP)) {
        return mr_node_json(arena, node);
    }
    char **parts = mr_arena_zero(arena, (node->count + 1) * sizeof(*parts));
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == MR_NODE_LIST) {
            parts[i] = sorted_text(arena, node->items[i]);
        } else {
            char *value = sorted_text(arena, node->pairs[i].value);
            parts[i] = mr_arena_printf(arena, "%s:%s", mr_node_json(arena, node->pairs[i].key),
                                       value);
        }
    }
    return node->kind == MR_NODE_LIST ? join_sorted(arena, parts, node->count, '[', ']')
                                      : join_sorted(arena, parts, node->count, '{', '}');
}

/* Logical IDs, properties and, at level 1, attributes of the mappings, in one comparable text. */
static char *
mappings_text(struct mr_arena *arena, const struct mr_node *list, enum mr_template_level level)
{
    char **parts = mr_arena_zero(arena, (list == NULL ? 1 : list->count + 1) * sizeof(*parts));
    size_t count = 0;
    for (size_t i = 0; mr_node_is(list, MR_NODE_LIST) && i < list->count; i++) {
        const struct mr_node *properties = mr_node_get(list->items[i], "Properties");
        const struct mr_node *attributes = mr_node_get(list->items[i], "Attributes");
        parts[count++] = mr_arena_printf(
            arena, "%s %s %s\n", mr_node_json(arena, mr_node_get(list->items[i], "LogicalId")),
            mr_node_truthy(properties) ? sorted_text(arena, properties) : "{}",
            level == MR_TEMPLATE_L1 ? sorted_text(arena, attributes) : "");
    }
    return join_sorted(arena, parts, count, ' ', ' ');
}

/* --- one template --- */

static void
stack_of(const char *path, char out[256])
{
    const char *slash = strrchr(path, '/');
    snprintf(out, 256, "%s", slash == NULL ? path : slash + 1);
    char *dot = strrchr(out, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
    for (char *c = out; *c != '\0'; c++) {
        *c = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", *c) != NULL
                 ? *c
                 : '-';
    }
}

static void
compare_level(struct mr_arena *arena, const struct mr_template *tpl, const struct mr_node *expected,
              enum mr_template_level level, const char *name, struct tally *tally)
{
    const struct mr_node *want =
        mr_node_get(mr_node_get(expected, level == MR_TEMPLATE_L1 ? "l1" : "l2"), "esms");
    const struct mr_node *got = mr_node_get(parse_json(arena, json_of(tpl, level)), "esms");
    const char *want_text = mappings_text(arena, want, level);
    const char *got_text = mappings_text(arena, got, level);

    tally->mappings += want == NULL ? 0 : (unsigned)want->count;
    if (mr_template_ok(tpl) && strcmp(want_text, got_text) == 0) {
        tally->passed++;
        return;
    }
    tally->failed++;
    printf("not ok - %s l%d\n  expected %s\n  got      %s\n  said     %s\n", name, (int)level + 1,
           want_text, got_text, said(tpl));
}

static void
try_case(const char *cases, const char *expected_path, struct tally *tally)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_free char *text = read_text(expected_path);
    ck_assert_ptr_nonnull(text);
    const struct mr_node *expected = parse_json(&arena, text);
    struct mr_slice tier = mr_node_text(mr_node_get(expected, "tier"));
    char stack[256], path[4096];

    if (mr_slice_starts_with(tier, MR_SLICE("ignore")) ||
        mr_slice_starts_with(tier, MR_SLICE("should"))) {
        return;
    }
    struct mr_slice template_name = mr_node_text(mr_node_get(expected, "template"));
    snprintf(path, sizeof(path), "%s/sam/%.*s", cases, MR_SLICE_ARGS(template_name));
    stack_of(path, stack);
    struct mr_template_options options = { .stack_name = stack,
                                           .translator_region = "ap-southeast-1",
                                           .missing = MR_TEMPLATE_MISSING_IS_DUMMY };
    struct mr_error err = { 0 };
    mr_auto(mr_template_free) struct mr_template *tpl = mr_template_load(path, &options, &err);
    ck_assert_msg(tpl != NULL, "%s", err.text);
    if (mr_node_is_text(mr_node_get(expected, "verdict"), "error")) {
        tally->passed += !mr_template_ok(tpl);
        tally->failed += mr_template_ok(tpl);
        if (mr_template_ok(tpl)) {
            printf("not ok - %s must be rejected\n", path);
        }
        return;
    }
    compare_level(&arena, tpl, expected, MR_TEMPLATE_L1, path, tally);
    compare_level(&arena, tpl, expected, MR_TEMPLATE_L2, path, tally);
}

static void
try_folder(const char *cases, const char *set, struct tally *tally)
{
    char folder[4096], path[8192];
    snprintf(folder, sizeof(folder), "%s/sam/expected/%s", cases, set);
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strstr(entry->d_name, ".json") != NULL) {
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            try_case(cases, path, tally);
        }
    }
    closedir(dir);
}

START_TEST(every_template_of_the_corpus_means_what_it_must)
{
    const char *cases = getenv("MILLRACE_CASES");
    char sam[4096];
    struct tally tally = { 0 };
    cases = cases != NULL ? cases : MR_DEFAULT_CASES;
    snprintf(sam, sizeof(sam), "%s/sam/expected", cases);
    if (access(sam, R_OK) < 0) {
        printf("skipped: no corpus at %s (set MILLRACE_CASES)\n", sam);
        return;
    }

    try_folder(cases, "sam", &tally);
    try_folder(cases, "integ", &tally);
    try_folder(cases, "patterns", &tally);

    printf("corpus: %u passed, %u failed, %u mappings compared\n", tally.passed, tally.failed,
           tally.mappings);
    ck_assert_uint_eq(tally.failed, 0);
    ck_assert_uint_gt(tally.passed, 0);
}
END_TEST

MR_SUITE("sam-templates.corpus", MR_TEST(every_template_of_the_corpus_means_what_it_must))
