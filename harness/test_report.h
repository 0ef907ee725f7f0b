/*
 * test_report: results of a run, as a person, TAP, JUnit or GitHub wants them.
 *
 * Thread: one.
 */
#ifndef MR_HARNESS_TEST_REPORT_H
#define MR_HARNESS_TEST_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/slice.h"

enum mr_test_format { MR_TEST_HUMAN, MR_TEST_TAP, MR_TEST_GITHUB };

struct mr_test_result {
    const char *file, *name;
    unsigned line;
    const char *function; /* of the case's first mapping: JUnit's classname */
    bool passed;
    struct mr_slice complaints; /* lines */
    struct mr_slice transcript, log;
    uint64_t seed, virtual_ms, real_us;
    uint64_t records, invocations, dropped;
};

struct mr_test_report;

/* `junit` NULL: no such file. Writes to `out` as results come. Never NULL. */
struct mr_test_report *mr_test_report_new(FILE *out, enum mr_test_format format, bool colour,
                                          const char *junit);
/* Copied as far as it is kept. */
void mr_test_report_add(struct mr_test_report *report, const struct mr_test_result *result);
/* A line for a person that is no result: "OrderFnFromQueue is not run: it reads SQS". */
void mr_test_report_note(struct mr_test_report *report, const char *text);
/* Results until now. */
unsigned mr_test_report_count(const struct mr_test_report *report);
/*
 * The closing line "N passed, N failed", and the JUnit file. Returns how many failed, or a
 * negative code when the file cannot be written.
 */
int mr_test_report_end(struct mr_test_report *report, struct mr_error *err);
void mr_test_report_free(struct mr_test_report *report);

#endif
