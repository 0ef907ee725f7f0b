/*
 * test_file: a file of cases for `millrace test`, read and checked.
 *
 * YAML (or JSON) beside the template; the shape is in docs/testing.md. Reading checks every key
 * and every value's kind, so that a case never fails for a typing mistake in the middle of a
 * run. Steps and expectations stay nodes: step.h does the former, expectation.h judges by the
 * latter.
 *
 * Thread: one.
 */
#ifndef MR_HARNESS_TEST_FILE_H
#define MR_HARNESS_TEST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "sam-templates/node.h"

struct mr_test_case {
    const char *name;
    unsigned line;
    const struct mr_node *put, *faults, *steps, *expect; /* NULL when not given */
    bool has_seed;
    uint64_t seed;
};

struct mr_test_file {
    const char *path;              /* as given */
    const char *directory;         /* of the file: what it names is relative to it */
    const char *template_path;     /* joined with the directory */
    const char *const *parameters; /* Name=Value, ending in NULL */
    const char *const *idle;       /* mappings that need not receive anything, ending in NULL */
    const struct mr_test_case *cases;
    size_t case_count;
    struct mr_arena arena;
};

/* NULL with `err`: "tests/orders.test.yaml:12:5: ..." */
struct mr_test_file *mr_test_file_load(const char *path, struct mr_error *err);
/* NULL is fine. */
void mr_test_file_free(struct mr_test_file *file);
MR_AUTO_DEFINE(struct mr_test_file, mr_test_file_free)

enum { MR_TEST_FILE_MAX_BYTES = 4 * 1024 * 1024, MR_TEST_MAX_CASES = 10000 };

/* "path:line:column: text" of a node of the file; returns the code. */
int mr_test_file_fail(const struct mr_test_file *file, const struct mr_node *node,
                      struct mr_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The whole of a file a case names ("@events/order.json" without the @), in the arena. */
int mr_test_file_read(const struct mr_test_file *file, struct mr_slice name,
                      struct mr_arena *arena, struct mr_slice *out_bytes,
                      struct mr_error *err) MR_MUST_USE;

#endif
