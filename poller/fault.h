/*
 * fault: what goes wrong on purpose, by a rule in one line and a seed.
 *
 *     handler:crash          every invocation, as a process that was killed
 *     handler:error@10%      one in ten throws
 *     handler:hang@5%        runs into its timeout, which passes in no time
 *     handler:slow=2s±500ms  takes that long
 *     handler:throttle#3     the first three find no room
 *     OrderFn:crash@5%       the same for one function
 *     kinesis:ProvisionedThroughputExceeded@10%, kinesis:ExpiredIterator#1,
 * kinesis:InternalFailure dest:AccessDenied      no failure destination takes anything
 *
 * `@N%` is a chance, `#N` how often at most; without either: always.
 *
 * Not thread-safe.
 */
#ifndef MR_POLLER_FAULT_H
#define MR_POLLER_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/random.h"
#include "base/slice.h"

enum mr_fault_kind {
    MR_FAULT_CRASH,
    MR_FAULT_ERROR,
    MR_FAULT_HANG,
    MR_FAULT_SLOW,
    MR_FAULT_THROTTLE,
    MR_FAULT_READ_THROTTLED,
    MR_FAULT_READ_EXPIRED,
    MR_FAULT_READ_TROUBLE,
    MR_FAULT_DESTINATION,
};

struct mr_fault {
    enum mr_fault_kind kind;
    struct mr_slice function; /* logical id, a view of the rule; absent: every one */
    double chance;            /* 0 < chance <= 1 */
    uint64_t left;            /* how often it may still happen */
    uint64_t slow_ms, jitter_ms;
};

/* -EINVAL with what would have been right. `rule` must live as long as the fault. */
int mr_fault_parse(struct mr_slice rule, struct mr_fault *out_fault,
                   struct mr_error *err) MR_MUST_USE;

/* Does it happen now? Counts when it does. */
bool mr_fault_strikes(struct mr_fault *fault, struct mr_random *random);

#endif
