#include "stream/api/change.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "stream/api/kinesis.h"

struct job {
    struct mr_kinesis *kinesis;
    struct mr_call *call; /* NULL: nobody waits any more */
    mr_call_changed_fn *done;
    char *name;
};

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    struct job *job = context;
    (void)exchange;
    mr_buf_deinit(&job->call->out);
    job->call = NULL;
}

static void
on_changed(const struct mr_error *err, void *context)
{
    struct job *job = context;
    if (job->call != NULL) {
        mr_http_exchange_on_abort(job->call->exchange, NULL, NULL);
    }
    job->done(job->kinesis, job->call, mr_slice_str(job->name), err);
    free(job->name);
    free(job);
}

void
mr_call_change(struct mr_call *call, const struct mr_change *change, mr_call_changed_fn *done)
{
    struct job *job = mr_alloc(sizeof(*job));
    *job = (struct job){ call->kinesis, call, done, mr_slice_dup(change->stream) };
    mr_http_exchange_on_abort(call->exchange, on_abort, job);
    mr_store_change(call->kinesis->options.store, change, call->kinesis->options.loop,
                    on_changed, job);
}

void
mr_call_fail_store(struct mr_call *call, const struct mr_error *err)
{
    if (err->code == -EBUSY) {
        mr_call_fail(call, "ProvisionedThroughputExceededException", "%s", err->text);
        return;
    }
    mr_log(MR_LOG_ERROR, "stream", "%s", err->text);
    mr_call_fail(call, "InternalFailure", "Internal Service Failure");
}
