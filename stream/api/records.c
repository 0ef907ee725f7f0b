/*
 * records: GetRecords, at once or, when the caller asks to wait, when there is a record.
 */
#include "stream/api/records.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "stream/api/actions.h"
#include "stream/api/change.h"
#include "stream/api/iterators.h"
#include "stream/api/kinesis.h"
#include "stream/api/shards.h"
#include "stream/api/target.h"

enum { MAX_WAIT_MS = 20000 };

/* A call that waits for records. */
struct waiting {
    struct mr_list node; /* kinesis->waiting */
    struct mr_call *call;
    struct mr_store_wait *wait; /* NULL: it has fired */
    struct mr_timer timer;
    struct mr_iterator iterator;
    struct mr_shard_info shard;
    size_t limit;
};

void
mr_record_put(struct mr_output *output, const struct mr_stored_record *record, bool encrypted)
{
    char sequence[MR_SEQUENCE_TEXT_SIZE];
    size_t size = mr_sequence_print(&record->sequence, sequence);
    mr_output_begin(output);
    mr_output_put_text(output, "SequenceNumber", mr_slice_of(sequence, size));
    mr_output_put_timestamp(output, "ApproximateArrivalTimestamp", record->arrival_ms);
    mr_output_key(output, "Data");
    mr_output_blob(output, record->data);
    mr_output_put_text(output, "PartitionKey", record->partition_key);
    mr_output_put_str(output, "EncryptionType", encrypted ? "KMS" : NULL);
    mr_output_end(output);
}

static void
put_child(struct mr_output *output, const struct mr_shard_info *child)
{
    const uint32_t parents[] = { child->parent, child->adjacent_parent };
    char id[MR_SHARD_ID_TEXT_SIZE];
    mr_output_begin(output);
    mr_shard_id_print(child->index, id);
    mr_output_put_str(output, "ShardId", id);
    mr_output_key(output, "ParentShards");
    mr_output_begin_list(output);
    for (size_t i = 0; i < 2; i++) {
        if (parents[i] != MR_NO_SHARD) {
            mr_shard_id_print(parents[i], id);
            mr_output_str(output, id);
        }
    }
    mr_output_end_list(output);
    mr_shard_put_range(output, child);
    mr_output_end(output);
}

void
mr_record_put_children(struct mr_output *output, struct mr_store *store,
                       struct mr_slice stream_name, uint32_t shard)
{
    uint32_t children[2];
    size_t count = mr_store_children(store, stream_name, shard, children);
    if (count == 0) {
        return;
    }
    mr_output_key(output, "ChildShards");
    mr_output_begin_list(output);
    for (size_t i = 0; i < count; i++) {
        struct mr_shard_info child;
        if (mr_store_shard(store, stream_name, children[i], &child, NULL) == 0) {
            put_child(output, &child);
        }
    }
    mr_output_end_list(output);
}

static void
answer(struct mr_call *call, const struct mr_iterator *iterator,
       const struct mr_store_batch *batch, bool encrypted)
{
    struct mr_output *output = &call->output;
    mr_buf_reserve(&call->out, batch->bytes / 3 * 4 + batch->count * 256 + 1024);
    mr_output_begin(output);
    mr_output_key(output, "Records");
    mr_output_begin_list(output);
    for (size_t i = 0; i < batch->count; i++) {
        mr_record_put(output, &batch->records[i], encrypted);
    }
    mr_output_end_list(output);
    if (!batch->end_of_shard) {
        struct mr_iterator next = *iterator;
        next.made_ms = mr_kinesis_now_ms(call->kinesis);
        next.position = batch->next;
        mr_output_put_text(output, "NextShardIterator", mr_iterator_seal(call, &next));
    }
    mr_output_put_integer(output, "MillisBehindLatest", (int64_t)batch->behind_ms);
    if (batch->end_of_shard) {
        mr_record_put_children(output, call->kinesis->options.store, iterator->stream_name,
                               iterator->shard);
    }
    mr_output_end(output);
    mr_call_answer(call);
}

/* How long the caller is willing to wait; 0: not at all. */
static uint64_t
wait_ms(const struct mr_call *call)
{
    uint64_t ms;
    struct mr_slice header = mr_http_request_header(call->request, "x-millrace-wait-ms");
    if (header.data == NULL || !mr_slice_to_u64(header, &ms)) {
        return 0;
    }
    return ms < MAX_WAIT_MS ? ms : MAX_WAIT_MS;
}

static bool find_shard(struct mr_call *call, const struct mr_iterator *iterator,
                       struct mr_shard_info *shard);
static void read_and_answer(struct mr_call *call, const struct mr_iterator *iterator,
                            const struct mr_shard_info *shard, size_t limit, bool may_wait);

static void
stop_waiting(struct waiting *waiting)
{
    mr_list_remove(&waiting->node);
    mr_timer_stop(&waiting->timer);
    mr_store_unwait(waiting->wait);
    free(waiting);
}

static void
finish_waiting(struct waiting *waiting)
{
    struct waiting copy = *waiting;
    mr_http_exchange_on_abort(copy.call->exchange, NULL, NULL);
    stop_waiting(waiting);
    if (find_shard(copy.call, &copy.iterator, &copy.shard)) { /* it may be gone by now */
        read_and_answer(copy.call, &copy.iterator, &copy.shard, copy.limit, false);
    }
}

void
mr_records_stop_waiting(struct mr_kinesis *kinesis)
{
    while (!mr_list_empty(&kinesis->waiting)) {
        finish_waiting(MR_CONTAINER_OF(kinesis->waiting.next, struct waiting, node));
    }
}

static void
on_ready(void *context)
{
    struct waiting *waiting = context;
    waiting->wait = NULL;
    finish_waiting(waiting);
}

static void
on_time(void *context)
{
    finish_waiting(context);
}

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    struct waiting *waiting = context;
    (void)exchange;
    mr_buf_deinit(&waiting->call->out);
    stop_waiting(waiting);
}

static void
start_waiting(struct mr_call *call, const struct mr_iterator *iterator,
              const struct mr_shard_info *shard, size_t limit, uint64_t ms)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct waiting *waiting = mr_alloc_zero(1, sizeof(*waiting));
    waiting->call = call;
    waiting->iterator = *iterator;
    waiting->shard = *shard;
    waiting->limit = limit;
    mr_list_push_back(&kinesis->waiting, &waiting->node);
    mr_timer_init(&waiting->timer, kinesis->options.loop, MR_TIME_INJECTED, on_time, waiting);
    mr_timer_start(&waiting->timer, ms);
    mr_http_exchange_on_abort(call->exchange, on_abort, waiting);
    waiting->wait = mr_store_wait(kinesis->options.store, shard->uid, iterator->position,
                                  kinesis->options.loop, on_ready, waiting);
}

static void
read_and_answer(struct mr_call *call, const struct mr_iterator *iterator,
                const struct mr_shard_info *shard, size_t limit, bool may_wait)
{
    struct mr_kinesis *kinesis = call->kinesis;
    struct mr_store_batch batch = { .counted = !may_wait };
    struct mr_error err = { 0 };
    uint64_t patience_ms = may_wait ? wait_ms(call) : 0;
    int result = mr_store_read(kinesis->options.store, shard->uid, iterator->position, limit,
                               MR_KINESIS_MAX_GET_BYTES, &batch, &err);
    if (result == -EBUSY) {
        mr_shard_throttle(call, iterator->stream_name, iterator->shard);
    } else if (result < 0) {
        mr_call_fail_store(call, &err);
    } else if (batch.count == 0 && !batch.end_of_shard && patience_ms > 0) {
        start_waiting(call, iterator, shard, limit, patience_ms);
    } else {
        const struct mr_stream_facts *facts =
            mr_catalog_find(kinesis->catalog, iterator->stream_name);
        answer(call, iterator, &batch, facts != NULL && facts->encrypted);
    }
    mr_store_batch_release(&batch);
}

/* The iterator's shard, if its stream is still the one it was made of. */
static bool
find_shard(struct mr_call *call, const struct mr_iterator *iterator,
           struct mr_shard_info *shard)
{
    char id[MR_SHARD_ID_TEXT_SIZE];
    if (mr_store_shard(call->kinesis->options.store, iterator->stream_name, iterator->shard,
                       shard, NULL) == 0 &&
        shard->stream_id == iterator->stream_id) {
        return true;
    }
    mr_shard_id_print(iterator->shard, id);
    mr_call_fail(call, "ResourceNotFoundException",
                 "Shard %s in stream %.*s under account %s does not exist", id,
                 MR_SLICE_ARGS(iterator->stream_name), call->kinesis->options.account);
    return false;
}

void
mr_act_get_records(struct mr_call *call)
{
    struct mr_slice text = mr_value_text(&call->input, "ShardIterator");
    struct mr_slice arn = mr_value_text(&call->input, "StreamARN");
    size_t limit = (size_t)mr_value_number(&call->input, "Limit", MR_KINESIS_MAX_GET_RECORDS);
    struct mr_iterator iterator;
    struct mr_shard_info shard;
    if (!mr_iterator_open(call, text, &iterator)) {
        return;
    }
    /* A policy speaks of the stream the iterator was made of, named or not. */
    if ((arn.data != NULL || call->principal != NULL) &&
        mr_target_named(call, iterator.stream_name, arn) == NULL) {
        return;
    }
    if (find_shard(call, &iterator, &shard)) {
        read_and_answer(call, &iterator, &shard, limit, true);
    }
}
