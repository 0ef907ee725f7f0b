/*
 * test_invoker: hands the poller's invocations to a runtime, one at a time, faults included.
 *
 * One at a time, in the order they were asked for, is what makes a run with real processes
 * repeatable: no two handlers race, and virtual time stands still while one runs. Faults
 * (fault.h) are decided here by the run's seed.
 *
 * Thread: the loop's.
 */
#ifndef MR_HARNESS_TEST_INVOKER_H
#define MR_HARNESS_TEST_INVOKER_H

#include <stddef.h>

#include "base/auto.h"
#include "base/random.h"
#include "poller/fault.h"
#include "net/loop.h"
#include "poller/invoke.h"
#include "runtime/runtime.h"

struct mr_test_invoker;

struct mr_test_function {
    struct mr_slice logical_id, name;
    struct mr_slice arn; /* unqualified: what the poller asks for is it, or begins with it */
    uint64_t timeout_ms;
};

/* One invocation of a function has ended; `injected` when it was a fault and nothing ran. */
typedef void(mr_test_invoked_fn)(size_t function, const struct mr_invocation_result *result,
                                 bool injected, void *context);

struct mr_test_invoker_options {
    struct mr_loop *loop; /* outlives it, as all below */
    struct mr_runtime *runtime;
    const struct mr_test_function *functions;
    size_t function_count;
    struct mr_random *random;
    mr_test_invoked_fn *invoked; /* optional */
    void *context;
};

/* Never NULL. */
struct mr_test_invoker *mr_test_invoker_new(const struct mr_test_invoker_options *options);
/* Only when the runtime has stopped: nothing is under way. NULL is fine. */
void mr_test_invoker_free(struct mr_test_invoker *invoker);
MR_AUTO_DEFINE(struct mr_test_invoker, mr_test_invoker_free)

/* For mr_poller_options. Lives as long as the invoker. */
const struct mr_invoker *mr_test_invoker_face(struct mr_test_invoker *invoker);

/* From now on. The fault is copied, what it points to is not. At most MR_TEST_MAX_FAULTS. */
enum { MR_TEST_MAX_FAULTS = 64 };
int mr_test_invoker_add_fault(struct mr_test_invoker *invoker, const struct mr_fault *fault,
                              struct mr_error *err) MR_MUST_USE;

/* Invocations asked for since the beginning, throttled ones too. */
size_t mr_test_invoker_count(const struct mr_test_invoker *invoker);
/* Nothing waits and nothing runs. */
bool mr_test_invoker_is_idle(const struct mr_test_invoker *invoker);

#endif
