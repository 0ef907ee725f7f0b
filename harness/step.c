#include "harness/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/duration.h"

/* What a step works with. */
struct stage {
    const struct mr_test_file *file;
    struct mr_world *world;
    struct mr_arena *scratch; /* of one step */
};

/* Put the place before a failure that came from the world. */
static int
at(const struct stage *stage, const struct mr_node *node, struct mr_error *err)
{
    return mr_wrap(err, "%s:%u:%u", stage->file->path, node->line, node->column);
}

/* ---- records ---- */

/* Data as it stands, of a file ("@events/order.json"), or a value written as JSON. */
static int
data_of(const struct stage *stage, const struct mr_node *node, struct mr_slice *out_data,
        struct mr_error *err)
{
    struct mr_slice text = mr_node_text(node);
    if (text.size > 1 && text.data[0] == '@') {
        return mr_test_file_read(stage->file, mr_slice_from(text, 1), stage->scratch, out_data,
                                 err);
    }
    *out_data = text.data != NULL ? text : mr_slice_str(mr_node_json(stage->scratch, node));
    return 0;
}

static int
read_base64(const struct stage *stage, const struct mr_node *node, struct mr_slice *out_data,
            struct mr_error *err)
{
    struct mr_slice text = mr_node_text(node);
    uint8_t *bytes = mr_arena_alloc(stage->scratch, text.size + 4);
    ssize_t size = mr_base64_decode(text, bytes, NULL);
    if (text.data == NULL || size < 0) {
        return mr_test_file_fail(stage->file, node, err, "base64 is not base64");
    }
    *out_data = mr_slice_of(bytes, (size_t)size);
    return 0;
}

/* `${n}` becomes the record's number. */
static struct mr_slice
fill_in(struct mr_arena *arena, struct mr_slice pattern, uint64_t number)
{
    mr_auto_buf struct mr_buf out = { 0 };
    const uint8_t *mark;
    while ((mark = memmem(pattern.data, pattern.size, "${n}", 4)) != NULL) {
        size_t before = (size_t)(mark - pattern.data);
        mr_buf_append_slice(&out, mr_slice_first(pattern, before));
        mr_buf_printf(&out, "%llu", (unsigned long long)number);
        pattern = mr_slice_from(pattern, before + 4);
    }
    mr_buf_append_slice(&out, pattern);
    return mr_arena_copy(arena, mr_buf_slice(&out));
}

static int
put_generated(const struct stage *stage, const char *stream, const struct mr_node *node,
              struct mr_error *err)
{
    int64_t count, keys = 1;
    struct mr_slice pattern = MR_SLICE("{\"n\":${n}}");
    const struct mr_node *data = mr_node_get(node, "data");
    const struct mr_node *key_count = mr_node_get(node, "keys");

    if (!mr_node_as_i64(mr_node_get(node, "generate"), &count) || count < 0 ||
        count > MR_TEST_MAX_GENERATED) {
        return mr_test_file_fail(stage->file, node, err, "generate is a number up to %d",
                                 MR_TEST_MAX_GENERATED);
    }
    if (key_count != NULL && (!mr_node_as_i64(key_count, &keys) || keys < 1)) {
        return mr_test_file_fail(stage->file, key_count, err, "keys is a number from 1");
    }
    int rc = data == NULL ? 0 : data_of(stage, data, &pattern, err);
    for (int64_t i = 0; rc == 0 && i < count; i++) {
        mr_auto_arena struct mr_arena arena = { 0 };
        struct mr_world_record record = {
            .partition_key =
                mr_slice_str(mr_arena_printf(&arena, "key-%lld", (long long)(i % keys))),
            .data = fill_in(&arena, pattern, (uint64_t)i + 1),
        };
        rc = mr_world_put(stage->world, stream, &record, err);
    }
    return rc;
}

static int
put_record(const struct stage *stage, const char *stream, const struct mr_node *node,
           struct mr_error *err)
{
    struct mr_world_record record = { .partition_key = MR_SLICE("1") };
    const struct mr_node *data = mr_node_get(node, "data");
    const struct mr_node *base64 = mr_node_get(node, "base64");
    const struct mr_node *key = mr_node_get(node, "key"), *hash = mr_node_get(node, "hash");
    int rc;

    if (node->kind == MR_NODE_MAP && mr_node_get(node, "generate") != NULL) {
        return put_generated(stage, stream, node, err);
    }
    if (node->kind != MR_NODE_MAP) {
        rc = data_of(stage, node, &record.data, err);
    } else if (data != NULL) {
        rc = data_of(stage, data, &record.data, err);
    } else if (base64 != NULL) {
        rc = read_base64(stage, base64, &record.data, err);
    } else {
        return mr_test_file_fail(stage->file, node, err,
                                 "a record has data (or base64), and may have key and hash; or "
                                 "generate, keys and data");
    }
    if (key != NULL) {
        record.partition_key = mr_node_as_text(stage->scratch, key);
    }
    if (hash != NULL) {
        record.explicit_hash_key = mr_node_as_text(stage->scratch, hash);
    }
    return rc < 0 ? rc : mr_world_put(stage->world, stream, &record, err);
}

/* { Stream: [records] }, or one record in place of the list. */
static int
put(const struct stage *stage, const struct mr_node *streams, struct mr_error *err)
{
    if (streams->kind != MR_NODE_MAP) {
        return mr_test_file_fail(stage->file, streams, err,
                                 "put is a map from stream to records");
    }
    for (size_t i = 0; i < streams->count; i++) {
        const struct mr_node *records = streams->pairs[i].value;
        const char *stream = mr_arena_cstr(stage->scratch, mr_node_text(streams->pairs[i].key));
        bool list = records->kind == MR_NODE_LIST;
        for (size_t r = 0; r < (list ? records->count : 1); r++) {
            const struct mr_node *record = list ? records->items[r] : records;
            if (put_record(stage, stream, record, err) < 0) {
                return at(stage, record, err);
            }
        }
    }
    return 0;
}

/* ---- shards: "Orders/0", "Orders/0+1" ---- */

static int
reshard(const struct stage *stage, const struct mr_node *node, bool merge, struct mr_error *err)
{
    struct mr_slice rest = mr_node_text(node);
    struct mr_slice stream = mr_slice_cut(&rest, '/');
    struct mr_slice first = mr_slice_cut(&rest, '+');
    uint64_t shard, adjacent = 0;

    if (mr_slice_starts_with(first, MR_SLICE("shard-"))) {
        first = mr_slice_from(first, 6);
    }
    if (!mr_slice_to_u64(first, &shard) || (rest.data != NULL) != merge ||
        (merge && !mr_slice_to_u64(rest, &adjacent))) {
        return mr_test_file_fail(
            stage->file, node, err, "%s takes STREAM/%s", merge ? "merge" : "split",
            merge ? "SHARD+SHARD, as in Orders/0+1" : "SHARD, as in Orders/0");
    }
    const char *name = mr_arena_cstr(stage->scratch, stream);
    int rc = merge ? mr_world_merge(stage->world, name, shard, adjacent, err)
                   : mr_world_split(stage->world, name, shard, err);
    return rc < 0 ? at(stage, node, err) : 0;
}

/* ---- steps, by their word ---- */

static int
do_split(const struct stage *stage, const struct mr_node *node, struct mr_error *err)
{
    return reshard(stage, node, false, err);
}

static int
do_merge(const struct stage *stage, const struct mr_node *node, struct mr_error *err)
{
    return reshard(stage, node, true, err);
}

static int
do_fault(const struct stage *stage, const struct mr_node *node, struct mr_error *err)
{
    if (node->kind != MR_NODE_STRING) {
        return mr_test_file_fail(stage->file, node, err,
                                 "a fault is a text such as handler:crash@5%%");
    }
    return mr_world_fault(stage->world, mr_node_text(node), err) < 0 ? at(stage, node, err) : 0;
}

static int
duration_of(const struct stage *stage, const struct mr_node *node, uint64_t *out_ms,
            struct mr_error *err)
{
    if (!mr_duration_parse(mr_node_as_text(stage->scratch, node), out_ms)) {
        return mr_test_file_fail(stage->file, node, err,
                                 "a duration is a number with ms, s, m, h or d behind it");
    }
    return 0;
}

static int
do_advance(const struct stage *stage, const struct mr_node *node, struct mr_error *err)
{
    uint64_t ms;
    int rc = duration_of(stage, node, &ms, err);
    if (rc == 0 && mr_world_advance(stage->world, ms, err) < 0) {
        rc = at(stage, node, err);
    }
    return rc;
}

static int
do_restart(const struct stage *stage, const struct mr_node *node, struct mr_error *err)
{
    return mr_world_restart(stage->world, err) < 0 ? at(stage, node, err) : 0;
}

static int
do_drain(const struct stage *stage, const struct mr_node *node, struct mr_error *err)
{
    return mr_world_drain(stage->world, err) < 0 ? at(stage, node, err) : 0;
}

static const struct word {
    const char *name;
    int (*perform)(const struct stage *, const struct mr_node *, struct mr_error *);
} words[] = {
    { "put", put },         { "split", do_split },     { "merge", do_merge },
    { "fault", do_fault },  { "advance", do_advance }, { "restart", do_restart },
    { "kill", do_restart }, { "drain", do_drain },
};

/* The one pair of a step that is not `at`. */
static const struct mr_node_pair *
word_of(const struct mr_node *step)
{
    const struct mr_node_pair *found = NULL;
    for (size_t i = 0; step->kind == MR_NODE_MAP && i < step->count; i++) {
        if (!mr_node_is_text(step->pairs[i].key, "at")) {
            if (found != NULL) {
                return NULL;
            }
            found = &step->pairs[i];
        }
    }
    return found;
}

static int
perform_step(const struct stage *stage, const struct mr_node *step, struct mr_error *err)
{
    const struct mr_node_pair *pair = word_of(step);
    if (step->kind == MR_NODE_STRING) {
        return do_fault(stage, step, err);
    }
    for (size_t i = 0; pair != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (mr_node_is_text(pair->key, words[i].name)) {
            return words[i].perform(stage, pair->value, err);
        }
    }
    return mr_test_file_fail(
        stage->file, step, err,
        "a step is one of put, advance, split, merge, fault, restart, drain");
}

/* ---- faults with a time ---- */

struct timed {
    uint64_t at_ms;
    const struct mr_node *step;
};

static int
by_time(const void *a, const void *b)
{
    const struct timed *left = a, *right = b;
    if (left->at_ms != right->at_ms) {
        return left->at_ms < right->at_ms ? -1 : 1;
    }
    return left->step->line < right->step->line ? -1 : 1;
}

static int
perform_timed(const struct stage *stage, struct timed *timed, size_t count,
              struct mr_error *err)
{
    if (count > 1) {
        qsort(timed, count, sizeof(timed[0]), by_time);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t now_ms = mr_world_now_ms(stage->world);
        uint64_t wait_ms = timed[i].at_ms > now_ms ? timed[i].at_ms - now_ms : 0;
        int rc = mr_world_advance(stage->world, wait_ms, err);
        if (rc < 0) {
            return at(stage, timed[i].step, err);
        }
        if ((rc = perform_step(stage, timed[i].step, err)) < 0) {
            return rc;
        }
    }
    return 0;
}

int
mr_test_case_perform(const struct mr_test_file *file, const struct mr_test_case *one,
                     struct mr_world *world, struct mr_error *err)
{
    mr_auto_arena struct mr_arena scratch = { 0 };
    struct stage stage = { .file = file, .world = world, .scratch = &scratch };
    size_t fault_count = one->faults == NULL ? 0 : one->faults->count, timed_count = 0;
    mr_auto_free struct timed *timed = mr_alloc_zero(fault_count + 1, sizeof(timed[0]));
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < fault_count; i++) {
        const struct mr_node *fault = one->faults->items[i];
        const struct mr_node *when = mr_node_get(fault, "at");
        if (when == NULL) {
            rc = perform_step(&stage, fault, err);
        } else {
            timed[timed_count].step = fault;
            rc = duration_of(&stage, when, &timed[timed_count++].at_ms, err);
        }
    }
    if (rc == 0 && one->put != NULL) {
        rc = put(&stage, one->put, err);
    }
    for (size_t i = 0; rc == 0 && one->steps != NULL && i < one->steps->count; i++) {
        rc = perform_step(&stage, one->steps->items[i], err);
    }
    return rc == 0 ? perform_timed(&stage, timed, timed_count, err) : rc;
}
