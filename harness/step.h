/*
 * step: what a case does to its world: put, split, merge, faults, time, restarts.
 *
 * In order: faults without a time; `put`; `steps`, one after the other; faults with a time
 * (`{at: 2s, ...}`), each when it has come; then the caller drains.
 */
#ifndef MR_HARNESS_STEP_H
#define MR_HARNESS_STEP_H

#include "harness/test_file.h"
#include "harness/world.h"

/* Negative with `err`: a place in the file and a sentence. */
int mr_test_case_perform(const struct mr_test_file *file, const struct mr_test_case *one,
                         struct mr_world *world, struct mr_error *err) MR_MUST_USE;

enum { MR_TEST_MAX_GENERATED = 1000 * 1000 }; /* records of one `generate` */

#endif
