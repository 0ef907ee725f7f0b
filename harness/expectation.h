/*
 * expectation: does a world that has drained look as a case says it should?
 *
 * What a case does not mention is expected to be well: nothing lost, nothing given up, no key
 * out of order, no process of a handler that ended by itself.
 *
 * Thread: one.
 */
#ifndef MR_HARNESS_EXPECTATION_H
#define MR_HARNESS_EXPECTATION_H

#include "base/buf.h"
#include "harness/test_file.h"
#include "harness/world.h"

/* What to do about a case's `golden`. */
enum mr_test_golden {
    MR_GOLDEN_COMPARE,
    MR_GOLDEN_UPDATE, /* write the file */
    MR_GOLDEN_IGNORE, /* the run was shuffled: its order is not the file's */
};

/*
 * Appends a line for everything that is not as expected; nothing when all is. `golden` of the
 * case is compared with the transcript, or with `update` written. -EINVAL with `err` when the
 * expectation itself makes no sense.
 */
int mr_test_case_judge(const struct mr_test_file *file, const struct mr_test_case *one,
                       const struct mr_world *world, enum mr_test_golden golden,
                       struct mr_buf *out_complaints, struct mr_error *err) MR_MUST_USE;

#endif
