#include "harness/expectation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/alloc.h"

struct judge {
    const struct mr_test_file *file;
    const struct mr_world *world;
    const struct mr_node *expect; /* a map, or NULL */
    struct mr_buf *out;           /* complaints */
    struct mr_arena *scratch;
};

static void complain(const struct judge *judge, const struct mr_node *node, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

static void
complain(const struct judge *judge, const struct mr_node *node, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (node != NULL) {
        mr_buf_printf(judge->out, "%s:%u: ", judge->file->path, node->line);
    }
    mr_buf_printf(judge->out, "%s\n", text);
}

/* ---- numbers: 3, or { min: 1, max: 8 } ---- */

static int
check_number(const struct judge *judge, const struct mr_node *node, const char *what,
             uint64_t found, struct mr_error *err)
{
    int64_t exact, min = 0, max = INT64_MAX;
    const struct mr_node *least = mr_node_get(node, "min"), *most = mr_node_get(node, "max");

    if (mr_node_as_i64(node, &exact)) {
        if ((int64_t)found != exact) {
            complain(judge, node, "%s: expected %lld, found %llu", what, (long long)exact,
                     (unsigned long long)found);
        }
        return 0;
    }
    if (node->kind != MR_NODE_MAP || (least == NULL && most == NULL) ||
        (least != NULL && !mr_node_as_i64(least, &min)) ||
        (most != NULL && !mr_node_as_i64(most, &max))) {
        return mr_test_file_fail(judge->file, node, err,
                                 "a number, or {min: N, max: N} with one or both");
    }
    if ((int64_t)found < min) {
        complain(judge, node, "%s: expected at least %lld, found %llu", what, (long long)min,
                 (unsigned long long)found);
    }
    if ((int64_t)found > max) {
        complain(judge, node, "%s: expected at most %lld, found %llu", what, (long long)max,
                 (unsigned long long)found);
    }
    return 0;
}

/* ---- functions and mappings ---- */

static const char *const figure_names[] = { "records",     "handled", "filtered",
                                            "invocations", "failed",  "dropped",
                                            "duplicates",  "lost",    "crashes" };
enum { FIGURES = sizeof(figure_names) / sizeof(figure_names[0]) };

static void
add_figures(const struct mr_world *world, size_t mapping, uint64_t figures[FIGURES])
{
    struct mr_world_sums sums = mr_world_sums(world, mapping);
    const uint64_t values[FIGURES] = {
        sums.records.delivered,
        sums.records.succeeded,
        sums.filtered,
        sums.invocations,
        sums.failed_invocations,
        sums.records.dropped,
        sums.records.duplicates,
        sums.lost,
        sums.crashes,
    };
    for (size_t i = 0; i < FIGURES; i++) {
        figures[i] += values[i];
    }
}

/* Is the mapping what `name` names: itself, or one of a function's? */
static bool
is_of(const struct mr_world *world, size_t mapping, const char *name)
{
    const struct mr_world_mapping *shown = mr_world_mapping(world, mapping);
    return strcmp(shown->mapping->logical_id, name) == 0 ||
           (shown->function != NULL && strcmp(shown->function->logical_id, name) == 0);
}

static bool
is_subject(const struct mr_world *world, const char *name)
{
    for (size_t m = 0; m < mr_world_mapping_count(world); m++) {
        if (is_of(world, m, name)) {
            return true;
        }
    }
    return false;
}

static int
check_subject(const struct judge *judge, const char *name, const struct mr_node *wanted,
              struct mr_error *err)
{
    uint64_t figures[FIGURES] = { 0 };
    for (size_t m = 0; m < mr_world_mapping_count(judge->world); m++) {
        if (is_of(judge->world, m, name)) {
            add_figures(judge->world, m, figures);
        }
    }
    for (size_t i = 0; i < wanted->count; i++) {
        const struct mr_node_pair *pair = &wanted->pairs[i];
        size_t f = 0;
        while (f < FIGURES && !mr_node_is_text(pair->key, figure_names[f])) {
            f++;
        }
        if (f == FIGURES) {
            return mr_test_file_fail(
                judge->file, pair->key, err,
                "of a function one expects records, handled, filtered, "
                "invocations, failed, dropped, duplicates, lost or crashes");
        }
        const char *what = mr_arena_printf(judge->scratch, "%s: %s", name, figure_names[f]);
        int rc = check_number(judge, pair->value, what, figures[f], err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* ---- documents at a destination ---- */

/* "requestContext.condition", "KinesisBatchInfo.batchSize" */
static const json_t *
look_up(const json_t *document, struct mr_slice path, struct mr_arena *scratch)
{
    while (document != NULL && path.size > 0) {
        struct mr_slice part = mr_slice_cut(&path, '.');
        document = json_object_get(document, mr_arena_cstr(scratch, part));
    }
    return document;
}

static bool
is_same(const json_t *found, const struct mr_node *wanted, struct mr_arena *scratch)
{
    json_t *value = json_loads(mr_node_json(scratch, wanted), JSON_DECODE_ANY, NULL);
    bool same = json_equal(found, value) == 1;
    if (!same && json_is_number(found) && json_is_number(value)) {
        double difference = json_number_value(found) - json_number_value(value);
        same = difference == 0;
    }
    json_decref(value);
    return same;
}

static void
check_document(const struct judge *judge, const char *name, const char *text,
               const struct mr_node *wanted)
{
    json_t *document = json_loads(text, 0, NULL);
    for (size_t i = 0; i < wanted->count; i++) {
        const struct mr_node_pair *pair = &wanted->pairs[i];
        struct mr_slice path = mr_node_text(pair->key);
        const json_t *found = look_up(document, path, judge->scratch);
        if (is_same(found, pair->value, judge->scratch)) {
            continue;
        }
        char *shown = found == NULL ? NULL : json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
        complain(judge, pair->key, "%s: %.*s: expected %s, found %s", name, MR_SLICE_ARGS(path),
                 mr_node_json(judge->scratch, pair->value), shown == NULL ? "nothing" : shown);
        free(shown);
    }
    json_decref(document);
}

static bool
is_letter_for(const struct mr_world_letter *letter, const char *name)
{
    return letter->delivered && letter->destination != NULL &&
           strcmp(letter->destination, name) == 0;
}

static size_t
count_letters(const struct mr_world *world, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < mr_world_letter_count(world); i++) {
        count += is_letter_for(mr_world_letter(world, i), name);
    }
    return count;
}

static int
check_destination(const struct judge *judge, const char *name, const struct mr_node *wanted,
                  struct mr_error *err)
{
    size_t found = count_letters(judge->world, name), at = 0;
    const char *what = mr_arena_printf(judge->scratch, "%s: documents", name);

    if (wanted->kind != MR_NODE_LIST) {
        return check_number(judge, wanted, what, found, err);
    }
    if (found != wanted->count) {
        complain(judge, wanted, "%s: expected %zu, found %zu", what, wanted->count, found);
    }
    for (size_t i = 0; i < mr_world_letter_count(judge->world) && at < wanted->count; i++) {
        const struct mr_world_letter *letter = mr_world_letter(judge->world, i);
        if (is_letter_for(letter, name)) {
            check_document(judge, name, letter->document, wanted->items[at++]);
        }
    }
    return 0;
}

static bool
is_destination(const struct mr_world *world, const char *name)
{
    for (size_t m = 0; m < mr_world_mapping_count(world); m++) {
        const char *id = mr_world_mapping(world, m)->mapping->destination_logical_id;
        if (id != NULL && strcmp(id, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- checkpoints: { Orders: head } ---- */

static bool
reads_stream(const struct mr_world_mapping *mapping, struct mr_slice name)
{
    return mapping->not_run == NULL && (mr_slice_is(name, mapping->stream->logical_id) ||
                                        mr_slice_is(name, mapping->stream->name) ||
                                        mr_slice_is(name, mapping->mapping->logical_id));
}

static int
check_checkpoints(const struct judge *judge, const struct mr_node *wanted, struct mr_error *err)
{
    if (wanted->kind != MR_NODE_MAP) {
        return mr_test_file_fail(judge->file, wanted, err,
                                 "checkpoint is a map from stream or mapping to head");
    }
    for (size_t i = 0; i < wanted->count; i++) {
        const struct mr_node_pair *pair = &wanted->pairs[i];
        bool found = false;
        if (!mr_node_is_text(pair->value, "head")) {
            return mr_test_file_fail(judge->file, pair->value, err, "a checkpoint is at head");
        }
        for (size_t m = 0; m < mr_world_mapping_count(judge->world); m++) {
            const struct mr_world_mapping *mapping = mr_world_mapping(judge->world, m);
            if (!reads_stream(mapping, mr_node_text(pair->key))) {
                continue;
            }
            found = true;
            if (!mr_world_sums(judge->world, m).at_head) {
                complain(judge, pair->key, "the checkpoint of %s is not at the head of %s",
                         mapping->mapping->logical_id, mapping->stream->logical_id);
            }
        }
        if (!found) {
            return mr_test_file_fail(judge->file, pair->key, err,
                                     "\"%.*s\" is no stream that a mapping reads here",
                                     MR_SLICE_ARGS(mr_node_text(pair->key)));
        }
    }
    return 0;
}

/* ---- golden transcripts ---- */

static int
write_golden(const char *path, struct mr_slice transcript, struct mr_error *err)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        mr_auto_free char *directory = mr_slice_dup(mr_slice_of(path, (size_t)(slash - path)));
        (void)mkdir(directory, 0777);
    }
    FILE *file = fopen(path, "wbe");
    if (file == NULL || fwrite(transcript.data, 1, transcript.size, file) != transcript.size) {
        int code = -errno;
        if (file != NULL) {
            fclose(file);
        }
        return mr_fail(err, code, "%s: %s", path, strerror(-code));
    }
    return fclose(file) == 0 ? 0 : mr_fail(err, -errno, "%s: %s", path, strerror(errno));
}

/* The first line that differs, of both. */
static void
show_difference(const struct judge *judge, const struct mr_node *node, struct mr_slice golden,
                struct mr_slice found)
{
    for (size_t line = 1;; line++) {
        struct mr_slice was = mr_slice_cut(&golden, '\n'), is = mr_slice_cut(&found, '\n');
        if (!mr_slice_eq(was, is) || golden.data == NULL || found.data == NULL) {
            complain(judge, node,
                     "the transcript differs from its golden file at line %zu (millrace test "
                     "--update accepts it):\n    golden: %.*s\n    now:    %.*s",
                     line, MR_SLICE_ARGS(mr_slice_first(was, 300)),
                     MR_SLICE_ARGS(mr_slice_first(is, 300)));
            return;
        }
    }
}

static int
check_golden(const struct judge *judge, const struct mr_node *node, enum mr_test_golden what,
             struct mr_error *err)
{
    struct mr_slice name = mr_node_text(node), golden;
    struct mr_slice transcript = mr_world_transcript(judge->world);

    if (name.size == 0) {
        return mr_test_file_fail(judge->file, node, err, "golden is the name of a file");
    }
    if (what == MR_GOLDEN_IGNORE) {
        return 0;
    }
    if (what == MR_GOLDEN_UPDATE) {
        return write_golden(mr_arena_printf(judge->scratch, "%s/%.*s", judge->file->directory,
                                            MR_SLICE_ARGS(name)),
                            transcript, err);
    }
    if (mr_test_file_read(judge->file, name, judge->scratch, &golden, err) < 0) {
        complain(judge, node, "%s (millrace test --update writes it)", err->text);
    } else if (!mr_slice_eq(golden, transcript)) {
        show_difference(judge, node, golden, transcript);
    }
    return 0;
}

/* ---- what is expected without being said ---- */

static bool
mentions(const struct judge *judge, const char *subject, const char *figure)
{
    return mr_node_get(mr_node_get(judge->expect, subject), figure) != NULL;
}

static bool
is_said(const struct judge *judge, const struct mr_world_mapping *mapping, const char *figure)
{
    return mentions(judge, mapping->mapping->logical_id, figure) ||
           mentions(judge, mapping->function->logical_id, figure);
}

static void
check_unsaid(const struct judge *judge, size_t m)
{
    const struct mr_world_mapping *mapping = mr_world_mapping(judge->world, m);
    const char *id = mapping->mapping->logical_id;
    const char *destination = mapping->mapping->destination_logical_id;
    struct mr_world_sums sums = mr_world_sums(judge->world, m);

    if (sums.lost > 0 && !is_said(judge, mapping, "lost")) {
        complain(judge, NULL, "%s: %zu records were lost", id, sums.lost);
    }
    if (sums.records.disorder > 0) {
        complain(judge, NULL, "%s: %zu records were handled after a later one of their key", id,
                 sums.records.disorder);
    }
    bool told = destination != NULL && mr_node_get(judge->expect, destination) != NULL;
    if (sums.records.dropped > 0 && !told && !is_said(judge, mapping, "dropped")) {
        complain(judge, NULL, "%s: %zu records were given up, and nothing expects it%s%s", id,
                 sums.records.dropped, destination == NULL ? "" : "; they are at ",
                 destination == NULL ? "" : destination);
    }
    if (sums.crashes > 0 && !is_said(judge, mapping, "crashes")) {
        complain(judge, NULL, "%s: a process of %s ended by itself %llu times", id,
                 mapping->function->logical_id, (unsigned long long)sums.crashes);
    }
}

/* ---- all of it ---- */

static int
check_said(const struct judge *judge, enum mr_test_golden golden, struct mr_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && judge->expect != NULL && i < judge->expect->count; i++) {
        const struct mr_node_pair *pair = &judge->expect->pairs[i];
        const char *name = mr_arena_cstr(judge->scratch, mr_node_text(pair->key));
        if (strcmp(name, "checkpoint") == 0) {
            rc = check_checkpoints(judge, pair->value, err);
        } else if (strcmp(name, "golden") == 0) {
            rc = check_golden(judge, pair->value, golden, err);
        } else if (is_subject(judge->world, name)) {
            rc = check_subject(judge, name, pair->value, err);
        } else if (is_destination(judge->world, name)) {
            rc = check_destination(judge, name, pair->value, err);
        } else {
            rc = mr_test_file_fail(judge->file, pair->key, err,
                                   "\"%.60s\" is neither a function, a mapping nor a failure "
                                   "destination of the template, nor checkpoint or golden",
                                   name);
        }
    }
    return rc;
}

int
mr_test_case_judge(const struct mr_test_file *file, const struct mr_test_case *one,
                   const struct mr_world *world, enum mr_test_golden golden,
                   struct mr_buf *out_complaints, struct mr_error *err)
{
    mr_auto_arena struct mr_arena scratch = { 0 };
    struct judge judge = { file, world, one->expect, out_complaints, &scratch };
    int rc = check_said(&judge, golden, err);
    for (size_t m = 0; rc == 0 && m < mr_world_mapping_count(world); m++) {
        if (mr_world_mapping(world, m)->not_run == NULL) {
            check_unsaid(&judge, m);
        }
    }
    return rc;
}
