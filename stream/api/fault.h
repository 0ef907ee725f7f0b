/*
 * fault: failures on demand, for tests of clients.
 *
 * A rule names an operation (or all), a kind of fault, and how often: the next N
 * calls, or one call in so many, drawn from a seeded generator so that a run can
 * be repeated. Rules come from the command line and from control requests (admin.h).
 *
 *     throttle        the whole call: ProvisionedThroughputExceededException
 *     error           the whole call: InternalFailure (500)
 *     limit           the whole call: LimitExceededException
 *     expire          GetRecords: ExpiredIteratorException
 *     stall=MS        the answer waits so long
 *     tear            the connection is cut without an answer
 *     partial=PERCENT PutRecords: that share of the records is throttled, each by itself
 *     lose=PERCENT    PutRecords: that share of the records fails with InternalFailure
 */
#ifndef MR_STREAM_API_FAULT_H
#define MR_STREAM_API_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/json_writer.h"
#include "base/slice.h"

struct mr_call;
struct mr_faults;

enum { MR_FAULT_MAX_RULES = 64 };

struct mr_faults *mr_faults_new(uint64_t seed);
void mr_faults_free(struct mr_faults *faults);
MR_AUTO_DEFINE(struct mr_faults, mr_faults_free)

/*
 * "OPERATION:KIND[:count=N|:rate=0.1]", OPERATION "*" for all; without count and rate every
 * call. -EINVAL with `err` filled when the text is not one; -ENOSPC when there are too many.
 */
int mr_faults_add(struct mr_faults *faults, struct mr_slice text, struct mr_error *err);
void mr_faults_clear(struct mr_faults *faults);
void mr_faults_seed(struct mr_faults *faults, uint64_t seed);
/* Each gets what the other had. */
void mr_faults_swap(struct mr_faults *a, struct mr_faults *b);
/* Elements {"rule":TEXT,"struck":N} of the list that is open. */
void mr_faults_list(const struct mr_faults *faults, struct mr_json_writer *json);

/* Before the action. True when the fault has answered, or will. */
bool mr_fault_before(struct mr_call *call);

/* Does this record of a PutRecords fail by itself? 0: no; -EBUSY: throttled; -EIO: lost. */
int mr_fault_record(struct mr_call *call);

#endif
