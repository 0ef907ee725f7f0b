/*
 * test_runner: `millrace test`: files of cases, each case in a world of its own.
 *
 * Thread: one.
 */
#ifndef MR_HARNESS_TEST_RUNNER_H
#define MR_HARNESS_TEST_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "harness/test_report.h"
#include "sam-templates/template.h"

struct mr_test_run {
    const char *const *files;      /* ending in NULL */
    const char *only;              /* cases whose name holds this; NULL: all */
    const char *const *parameters; /* Name=Value, over those of the files; NULL: none */
    bool has_seed;                 /* else a case's own, else 1 */
    uint64_t seed;
    uint64_t
        explore; /* run each case with that many seeds, shards shuffled; 0: once, in order */
    bool update; /* write golden transcripts */
    const char *build_subdirectory; /* beside the template: ".millrace/build"; NULL: none */
    const char *bootstraps, *sandboxd;
    bool sandbox_off;
    int require_level; /* 1, 2, 3: refuse to run with less; 0: any */
    uint64_t max_virtual_ms, max_invocations, max_real_ms; /* as in world.h */
    /*
     * Optional: called with each template, and its directory, before its first case: builds it.
     * Negative with `err` fails the file.
     */
    int (*prepare)(const struct mr_template *tpl, const char *directory, void *context,
                   struct mr_error *err);
    void *context;
};

/*
 * Runs them; results go to the report. -EINVAL with `err` when a file or template cannot be
 * understood: nothing of that file was run, the others were.
 */
int mr_test_run(const struct mr_test_run *run, struct mr_test_report *report,
                struct mr_error *err);

/* Where Python's and Node's bootstraps are; the caller's to free, NULL when nowhere. */
char *mr_test_bootstraps(void);

#endif
