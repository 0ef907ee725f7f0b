/*
 * poller: what a poller does with records, without a network and without a function.
 *
 *     bench_poller [RECORDS]
 *
 * A source in memory that has records at once, an invoker that answers at once. Prints
 * records/s and nanoseconds of CPU a record for a few shapes, and what an idle shard costs.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "base/list.h"
#include "poller/kinesis_answer.h"
#include "poller/mapping.h"
#include "poller/source_memory.h"

enum { PAGE_RECORDS = 1000, DATA_BYTES = 256, MANY = 2000000, IDLE_SHARDS = 10000 };

/* ---- a source that repeats one page ---- */

struct page {
    struct mr_record_block block;
    struct mr_record records[PAGE_RECORDS];
    char keys[PAGE_RECORDS][16], numbers[PAGE_RECORDS][64];
    char data[DATA_BYTES * 2];
};

struct endless {
    struct mr_source source; /* first */
    struct bench *bench;
};

struct bench {
    struct mr_loop *loop;
    struct page page;
    struct mr_source_shard *shards;
    char (*ids)[32];
    size_t shard_count;
    uint64_t left; /* records to be read */
    struct mr_list calls, spare_calls;
    bool calls_due;
    struct mr_list flights, spare_flights;
    bool flights_due;
    uint64_t done, wanted; /* records invoked */
};

enum call_kind { LIST, ITERATOR, RECORDS };

struct mr_source_call {
    struct mr_list node;
    struct bench *bench;
    enum call_kind kind;
    size_t limit;
    mr_source_shards_fn *shards;
    mr_source_iterator_fn *iterator;
    mr_source_records_fn *records;
    void *context;
};

static void
keep_page(struct mr_record_block *block)
{
    block->refs = 1;
}

static void
answer_records(struct mr_source_call *call)
{
    struct bench *bench = call->bench;
    size_t count = call->limit < PAGE_RECORDS ? call->limit : PAGE_RECORDS;
    count = count < bench->left ? count : (size_t)bench->left;
    bench->left -= count;
    struct mr_source_records result = { .records = bench->page.records,
                                        .count = count,
                                        .block = &bench->page.block,
                                        .next = MR_SLICE("next") };
    call->records(&result, call->context);
}

static void
answer(struct mr_source_call *call)
{
    struct bench *bench = call->bench;
    struct mr_source_shards shards = { .stream_created_ms = 1,
                                       .shards = bench->shards,
                                       .count = bench->shard_count };
    struct mr_source_iterator iterator = { .iterator = MR_SLICE("first") };
    if (call->kind == LIST) {
        call->shards(&shards, call->context);
    } else if (call->kind == ITERATOR) {
        call->iterator(&iterator, call->context);
    } else {
        answer_records(call);
    }
}

static void
answer_calls(void *context)
{
    struct bench *bench = context;
    struct mr_list due;
    bench->calls_due = false;
    mr_list_init(&due);
    while (!mr_list_empty(&bench->calls)) {
        struct mr_list *node = bench->calls.next;
        mr_list_remove(node);
        mr_list_push_back(&due, node);
    }
    MR_LIST_EACH(node, &due)
    {
        struct mr_source_call *call = MR_CONTAINER_OF(node, struct mr_source_call, node);
        mr_list_remove(node);
        if (call->kind == RECORDS && bench->left == 0) {
            free(call); /* waits for ever */
            continue;
        }
        answer(call);
        mr_list_push_back(&bench->spare_calls, node);
    }
}

static struct mr_source_call *
new_call(struct mr_source *source, enum call_kind kind, void *context)
{
    struct bench *bench = ((struct endless *)source)->bench;
    struct mr_source_call *call;
    if (mr_list_empty(&bench->spare_calls)) {
        call = mr_alloc_zero(1, sizeof(*call));
    } else {
        call = MR_CONTAINER_OF(bench->spare_calls.next, struct mr_source_call, node);
        mr_list_remove(&call->node);
    }
    call->bench = bench;
    call->kind = kind;
    call->context = context;
    mr_list_push_back(&bench->calls, &call->node);
    if (!bench->calls_due) {
        bench->calls_due = true;
        mr_loop_defer(bench->loop, answer_calls, bench);
    }
    return call;
}

static struct mr_source_call *
list_shards(struct mr_source *source, mr_source_shards_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, LIST, context);
    call->shards = done;
    return call;
}

static struct mr_source_call *
get_iterator(struct mr_source *source, const struct mr_source_place *place,
             mr_source_iterator_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, ITERATOR, context);
    (void)place;
    call->iterator = done;
    return call;
}

static struct mr_source_call *
get_records(struct mr_source *source, struct mr_slice iterator, size_t limit, uint64_t wait_ms,
            mr_source_records_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, RECORDS, context);
    (void)iterator;
    (void)wait_ms;
    call->limit = limit;
    call->records = done;
    return call;
}

static void
cancel(struct mr_source *source, struct mr_source_call *call)
{
    (void)source;
    (void)call; /* only those that waited for ever, and they were freed */
}

static void
free_source(struct mr_source *source)
{
    free(source);
}

static struct mr_source *
open_endless(struct mr_slice source_arn, void *context, struct mr_error *err)
{
    static const struct mr_source_ops ops = { list_shards, get_iterator, get_records, cancel,
                                              free_source };
    struct endless *endless = mr_alloc_zero(1, sizeof(*endless));
    (void)source_arn;
    (void)err;
    endless->source = (struct mr_source){ .ops = &ops, .waits = true };
    endless->bench = context;
    return &endless->source;
}

static void
fill_page(struct page *page)
{
    char text[DATA_BYTES + 1];
    memset(text, ' ', DATA_BYTES);
    int used = snprintf(text, sizeof(text), "{\"type\":\"order\",\"id\":12345,\"note\":\"");
    memset(text + used, 'x', (size_t)(DATA_BYTES - used));
    memcpy(text + DATA_BYTES - 2, "\"}", 2);
    size_t size = mr_base64_encode(mr_slice_of(text, DATA_BYTES), (uint8_t *)page->data);
    page->block = (struct mr_record_block){ .refs = 1, .release = keep_page };
    for (size_t i = 0; i < PAGE_RECORDS; i++) {
        snprintf(page->keys[i], sizeof(page->keys[i]), "key-%zu", i);
        snprintf(page->numbers[i], sizeof(page->numbers[i]), "49%054zu", i + 1);
        page->records[i] =
            (struct mr_record){ .sequence_number = mr_slice_str(page->numbers[i]),
                                .partition_key = mr_slice_str(page->keys[i]),
                                .data = mr_slice_of(page->data, size),
                                .arrival_ms = 1764000000123 + i };
    }
}

/* ---- an invoker that answers at once ---- */

struct flight {
    struct mr_list node;
    mr_invoked_fn *done;
    void *context;
};

static void
answer_flights(void *context)
{
    struct bench *bench = context;
    struct mr_list due;
    bench->flights_due = false;
    mr_list_init(&due);
    while (!mr_list_empty(&bench->flights)) {
        struct mr_list *node = bench->flights.next;
        mr_list_remove(node);
        mr_list_push_back(&due, node);
    }
    MR_LIST_EACH(node, &due)
    {
        struct flight *flight = MR_CONTAINER_OF(node, struct flight, node);
        struct mr_invoke_result result = { .outcome = MR_INVOKE_OK };
        mr_list_remove(node);
        flight->done(&result, flight->context);
        mr_list_push_back(&bench->spare_flights, node);
    }
}

static void
invoke(void *self, const struct mr_invoke_request *request, mr_invoked_fn *done, void *context)
{
    struct bench *bench = self;
    struct flight *flight;
    (void)request;
    if (mr_list_empty(&bench->spare_flights)) {
        flight = mr_alloc_zero(1, sizeof(*flight));
    } else {
        flight = MR_CONTAINER_OF(bench->spare_flights.next, struct flight, node);
        mr_list_remove(&flight->node);
    }
    flight->done = done;
    flight->context = context;
    mr_list_push_back(&bench->flights, &flight->node);
    if (!bench->flights_due) {
        bench->flights_due = true;
        mr_loop_defer(bench->loop, answer_flights, bench);
    }
}

static void
deliver(void *self, const struct mr_sink_letter *letter, mr_sunk_fn *done, void *context)
{
    (void)self;
    (void)letter;
    (void)done;
    (void)context;
    mr_assert(!"nothing is given up here");
}

/* ---- a run ---- */

static uint64_t
cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct shape {
    size_t shards;
    uint32_t batch, lanes;
    const char *filter;
    bool checkpoints;
};

static struct mr_mapping_settings
settings_of(const struct shape *shape, const struct mr_slice *pattern)
{
    return (struct mr_mapping_settings){
        .uuid = MR_SLICE("11111111-2222-4333-8444-555555555555"),
        .source_arn = MR_SLICE("arn:aws:kinesis:us-east-1:123456789012:stream/s"),
        .function_arn = MR_SLICE("arn:aws:lambda:us-east-1:123456789012:function:f"),
        .role_arn = MR_SLICE("arn:aws:iam::123456789012:role/r"),
        .region = MR_SLICE("us-east-1"),
        .batch_size = shape->batch,
        .parallelization = shape->lanes,
        .max_retries = -1,
        .max_age_ms = -1,
        .filters = pattern,
        .filter_count = pattern == NULL ? 0 : 1,
    };
}

static void
make_shards(struct bench *bench, size_t count)
{
    bench->shard_count = count;
    bench->ids = mr_alloc(count * sizeof(bench->ids[0]));
    bench->shards = mr_alloc_zero(count, sizeof(bench->shards[0]));
    for (size_t i = 0; i < count; i++) {
        snprintf(bench->ids[i], sizeof(bench->ids[i]), "shardId-%012zu", i);
        bench->shards[i].id = mr_slice_str(bench->ids[i]);
        bench->shards[i].is_open = true;
    }
}

static void
free_calls(struct mr_list *calls)
{
    MR_LIST_EACH(node, calls)
    {
        mr_list_remove(node);
        free(node); /* the node is the first member, of calls and of flights */
    }
}

static void
measure(const struct shape *shape, uint64_t records)
{
    static struct bench bench;
    memset(&bench, 0, sizeof(bench));
    struct mr_invoker invoker = { invoke, &bench };
    struct mr_sink sink = { deliver, NULL };
    struct mr_slice pattern = mr_slice_str(shape->filter);
    mr_list_init(&bench.calls);
    mr_list_init(&bench.spare_calls);
    mr_list_init(&bench.flights);
    mr_list_init(&bench.spare_flights);
    fill_page(&bench.page);
    make_shards(&bench, shape->shards);
    bench.left = records;
    bench.loop = mr_loop_new(NULL);
    struct mr_checkpoints *checkpoints =
        shape->checkpoints ? mr_checkpoints_open(":memory:", bench.loop, NULL) : NULL;
    struct mr_poller_options options = { .loop = bench.loop,
                                         .invoker = &invoker,
                                         .sink = &sink,
                                         .checkpoints = checkpoints,
                                         .open_source = open_endless,
                                         .open_context = &bench };
    struct mr_poller *poller = mr_poller_new(&options);
    struct mr_mapping_settings settings =
        settings_of(shape, shape->filter == NULL ? NULL : &pattern);
    struct mr_mapping *mapping = mr_mapping_new(poller, &settings, NULL);
    uint64_t before = cpu_ns();
    struct mr_mapping_counts counts;
    mr_mapping_start(mapping);
    do {
        mr_auto_arena struct mr_arena arena = { 0 };
        struct mr_mapping_status status;
        for (int i = 0; i < 2000; i++) {
            mr_loop_run_once(bench.loop, 0);
        }
        mr_mapping_status(mapping, &arena, &status);
        counts = status.counts;
    } while (counts.succeeded + counts.filtered < records);
    double spent = (double)(cpu_ns() - before);
    printf("%6zu shards, batch %5u, %2u lanes, filter %-9s checkpoints %-4s %9.0f records/s "
           "%6.0f ns/record\n",
           shape->shards, shape->batch, shape->lanes,
           shape->filter == NULL                ? "none,"
           : strstr(shape->filter, "partition") ? "metadata,"
                                                : "data,",
           shape->checkpoints ? "on:" : "off:", (double)records * 1e9 / spent,
           spent / (double)records);
    mr_mapping_free(mapping);
    mr_poller_free(poller);
    mr_checkpoints_close(checkpoints);
    free_calls(&bench.calls);
    free_calls(&bench.spare_calls);
    free_calls(&bench.spare_flights);
    free(bench.shards);
    free(bench.ids);
    mr_loop_free(bench.loop);
}

/* ---- idle shards ---- */

/* `used`: each has handed out a batch before. */
static void
measure_idle(bool used)
{
    struct mr_loop *loop = mr_loop_new(NULL);
    struct bench bench = { .loop = loop };
    mr_list_init(&bench.flights);
    mr_list_init(&bench.spare_flights);
    struct mr_memory_stream *stream = mr_memory_stream_new(loop, IDLE_SHARDS);
    struct mr_invoker invoker = { invoke, &bench };
    struct mr_sink sink = { deliver, NULL };
    struct shape shape = { .shards = IDLE_SHARDS, .batch = 100, .lanes = 1 };
    struct mr_poller_options options = { .loop = loop,
                                         .invoker = &invoker,
                                         .sink = &sink,
                                         .open_source = mr_memory_stream_open,
                                         .open_context = stream };
    struct mr_poller *poller = mr_poller_new(&options);
    struct mr_mapping_settings settings = settings_of(&shape, NULL);
    for (size_t i = 0; used && i < IDLE_SHARDS * (size_t)100; i++) {
        mr_memory_stream_put(stream, i % IDLE_SHARDS, MR_SLICE("key"), MR_SLICE("data"));
    }
    size_t before = mallinfo2().uordblks;
    struct mr_mapping *mapping = mr_mapping_new(poller, &settings, NULL);
    mr_mapping_start(mapping);
    while (!mr_mapping_is_drained(mapping)) {
        mr_loop_run_once(loop, 1);
    }
    for (int i = 0; i < 10; i++) {
        mr_loop_run_once(loop, 1);
    }
    size_t bytes = mallinfo2().uordblks - before;
    uint64_t cpu = cpu_ns();
    for (int i = 0; i < 10; i++) {
        mr_loop_run_once(loop, 100);
    }
    printf(
        "%6d idle shards: %zu bytes each, with the source's waiting call, and %.3f ms of CPU "
        "in a second for all of them\n",
        IDLE_SHARDS, bytes / IDLE_SHARDS, (double)(cpu_ns() - cpu) / 1e6);
    mr_mapping_free(mapping);
    mr_poller_free(poller);
    mr_memory_stream_free(stream);
    free_calls(&bench.spare_flights);
    mr_loop_free(loop);
}

/* ---- reading answers ---- */

static void
measure_answers(uint64_t records)
{
    static struct page page;
    mr_auto_buf struct mr_buf text = { 0 };
    fill_page(&page);
    mr_buf_append_str(&text,
                      "{\"MillisBehindLatest\":0,\"NextShardIterator\":\"x\",\"Records\":[");
    for (size_t i = 0; i < PAGE_RECORDS; i++) {
        mr_buf_printf(&text,
                      "%s{\"ApproximateArrivalTimestamp\":1764000000.123,\"Data\":\"%.*s\","
                      "\"PartitionKey\":\"%s\",\"SequenceNumber\":\"%s\"}",
                      i == 0 ? "" : ",", MR_SLICE_ARGS(page.records[i].data), page.keys[i],
                      page.numbers[i]);
    }
    mr_buf_append_str(&text, "]}");
    uint64_t before = cpu_ns(), count = 0;
    while (count < records) {
        struct mr_buf body = { 0 };
        struct mr_source_records answer;
        mr_buf_append_slice(&body, mr_buf_slice(&text));
        mr_assert(mr_kinesis_answer_records(&body, &answer, NULL) == 0);
        count += answer.count;
        mr_record_block_unref(answer.block);
    }
    double spent = (double)(cpu_ns() - before);
    printf("GetRecords answers read, copy included: %.0f ns/record, %.2f GB/s\n",
           spent / (double)count, (double)text.size * (double)count / PAGE_RECORDS / spent);
}

int
main(int argc, char **argv)
{
    static const struct shape shapes[] = {
        { 1, 100, 1, NULL, false },
        { 1, 1000, 1, NULL, false },
        { 1, 1, 1, NULL, false },
        { 1, 100, 10, NULL, false },
        { 64, 100, 1, NULL, false },
        { 10000, 100, 1, NULL, false },
        { 64, 100, 1, NULL, true },
        { 1, 100, 1, "{\"partitionKey\":[{\"prefix\":\"key-\"}]}", false },
        { 1, 100, 1, "{\"data\":{\"type\":[\"order\"]}}", false },
        { 64, 100, 1, "{\"data\":{\"type\":[\"order\"]}}", true },
    };
    uint64_t records = argc > 1 ? strtoull(argv[1], NULL, 10) : MANY;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        measure(&shapes[i], shapes[i].batch == 1 ? records / 10 : records);
    }
    measure_answers(records);
    measure_idle(false);
    measure_idle(true);
    return 0;
}
