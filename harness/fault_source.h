/*
 * fault_source: a source that fails now and then, around one that does not.
 *
 * Thread: the loop's.
 */
#ifndef MR_HARNESS_FAULT_SOURCE_H
#define MR_HARNESS_FAULT_SOURCE_H

#include <stddef.h>

#include "base/random.h"
#include "poller/fault.h"
#include "net/loop.h"
#include "poller/source.h"

/* The caller's, and may grow while sources look at it. */
struct mr_fault_list {
    struct mr_fault *faults; /* of the MR_FAULT_READ_ kinds */
    const size_t *count;
    struct mr_random *random;
};

/* Takes `inner`, and frees it when it is freed. Never NULL. */
struct mr_source *mr_fault_source_new(struct mr_loop *loop, struct mr_source *inner,
                                      struct mr_fault_list list);

#endif
