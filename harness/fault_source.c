#include "harness/fault_source.h"

#include <stdlib.h>

#include "base/alloc.h"

struct fault_source {
    struct mr_source source;
    struct mr_loop *loop;
    struct mr_source *inner;
    struct mr_fault_list list;
};

/* A call that was let through, or one that fails in the next round. */
struct call {
    struct fault_source *source;
    struct mr_source_call *inner; /* NULL: fails */
    enum mr_source_fault fault;
    mr_source_records_fn *records;
    mr_source_shards_fn *shards;
    mr_source_iterator_fn *iterator;
    void *context;
    struct mr_timer timer;
};

static struct call *
call_new(struct mr_source *source, void *context)
{
    struct call *call = mr_alloc_zero(1, sizeof(*call));
    call->source = (struct fault_source *)source;
    call->context = context;
    return call;
}

static void
on_shards(const struct mr_source_shards *result, void *context)
{
    struct call *call = context;
    call->shards(result, call->context);
    free(call);
}

static void
on_iterator(const struct mr_source_iterator *result, void *context)
{
    struct call *call = context;
    call->iterator(result, call->context);
    free(call);
}

static void
on_records(const struct mr_source_records *result, void *context)
{
    struct call *call = context;
    call->records(result, call->context);
    free(call);
}

static void
fail_now(void *context)
{
    struct call *call = context;
    struct mr_error err = { 0 };
    mr_fail(&err, -1, "a fault was asked for");
    struct mr_source_records result = { .fault = call->fault, .error = &err };
    call->records(&result, call->context);
    free(call);
}

static struct mr_source_call *
list_shards(struct mr_source *source, mr_source_shards_fn *done, void *context)
{
    struct call *call = call_new(source, context);
    struct mr_source *inner = call->source->inner;
    call->shards = done;
    call->inner = inner->ops->list_shards(inner, on_shards, call);
    return (struct mr_source_call *)call;
}

static struct mr_source_call *
get_iterator(struct mr_source *source, const struct mr_source_place *place,
             mr_source_iterator_fn *done, void *context)
{
    struct call *call = call_new(source, context);
    struct mr_source *inner = call->source->inner;
    call->iterator = done;
    call->inner = inner->ops->get_iterator(inner, place, on_iterator, call);
    return (struct mr_source_call *)call;
}

/* MR_SOURCE_OK: none strikes. */
static enum mr_source_fault
strike(const struct mr_fault_list *list)
{
    for (size_t i = 0; i < *list->count; i++) {
        if (mr_fault_strikes(&list->faults[i], list->random)) {
            switch (list->faults[i].kind) {
            case MR_FAULT_READ_THROTTLED:
                return MR_SOURCE_THROTTLED;
            case MR_FAULT_READ_EXPIRED:
                return MR_SOURCE_EXPIRED;
            default:
                return MR_SOURCE_TROUBLE;
            }
        }
    }
    return MR_SOURCE_OK;
}

static struct mr_source_call *
get_records(struct mr_source *source, struct mr_slice iterator, size_t limit, uint64_t wait_ms,
            mr_source_records_fn *done, void *context)
{
    struct call *call = call_new(source, context);
    struct mr_source *inner = call->source->inner;
    call->records = done;
    call->fault = strike(&call->source->list);
    if (call->fault == MR_SOURCE_OK) {
        call->inner =
            inner->ops->get_records(inner, iterator, limit, wait_ms, on_records, call);
    } else {
        mr_timer_init(&call->timer, call->source->loop, MR_TIME_INJECTED, fail_now, call);
        mr_timer_start(&call->timer, 0);
    }
    return (struct mr_source_call *)call;
}

static void
cancel(struct mr_source *source, struct mr_source_call *handle)
{
    struct call *call = (struct call *)handle;
    struct mr_source *inner = ((struct fault_source *)source)->inner;
    if (call->inner != NULL) {
        inner->ops->cancel(inner, call->inner);
    }
    mr_timer_stop(&call->timer);
    free(call);
}

static void
source_free(struct mr_source *source)
{
    struct fault_source *outer = (struct fault_source *)source;
    outer->inner->ops->free(outer->inner);
    free(outer);
}

struct mr_source *
mr_fault_source_new(struct mr_loop *loop, struct mr_source *inner, struct mr_fault_list list)
{
    static const struct mr_source_ops ops = {
        .list_shards = list_shards,
        .get_iterator = get_iterator,
        .get_records = get_records,
        .cancel = cancel,
        .free = source_free,
    };
    struct fault_source *outer = mr_alloc_zero(1, sizeof(*outer));
    outer->source = (struct mr_source){ .ops = &ops, .waits = inner->waits };
    outer->loop = loop;
    outer->inner = inner;
    outer->list = list;
    return &outer->source;
}
