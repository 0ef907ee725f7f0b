#include "poller/source_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/base64.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/json_writer.h"
#include "base/limits.h"
#include "base/list.h"

enum { SEGMENT_RECORDS = 1024, SEQUENCE_DIGITS = 56, ID_TEXT = 24, NO_SHARD = -1 };

/* Neighbouring records of a shard and their text; kept by whoever keeps one of them. */
struct segment {
    struct mr_record_block block;
    struct mr_arena text;
    size_t count;
    struct mr_record records[SEGMENT_RECORDS];
};

struct shard {
    char id[ID_TEXT];
    ptrdiff_t parent, adjacent_parent; /* NO_SHARD: none */
    bool is_open, is_listed;
    struct segment **segments; /* NULL where all was trimmed */
    size_t segment_count;
    size_t first, end; /* records there are, by index */
};

struct fault {
    enum mr_source_fault fault;
    unsigned count;
};

struct mr_memory_stream {
    struct mr_loop *loop; /* the caller's, outlives us */
    struct shard **shards;
    size_t shard_count;
    size_t first_shard; /* of this incarnation */
    uint64_t created_ms;
    uint64_t sequence; /* the last number given */
    uint64_t age;      /* iterators of an earlier one have expired */
    bool is_gone, waits;
    bool shares_number; /* the next record has the last one's */
    uint64_t latency_ms;
    struct mr_random *random;
    struct fault faults[3]; /* by enum mr_memory_call */
    struct mr_list calls;   /* under way */
};

struct memory_source {
    struct mr_source source; /* first */
    struct mr_memory_stream *stream;
};

struct mr_source_call {
    struct mr_list node;
    struct memory_source *source;
    enum mr_memory_call kind;
    struct mr_timer timer;
    bool waits;
    size_t limit;
    char text[160]; /* the iterator, or a place's sequence number */
    char shard_id[ID_TEXT];
    struct mr_source_place place;
    union {
        mr_source_shards_fn *shards;
        mr_source_iterator_fn *iterator;
        mr_source_records_fn *records;
    } done;
    void *context;
};

/* ---- records ---- */

static void
release_segment(struct mr_record_block *block)
{
    struct segment *segment = MR_CONTAINER_OF(block, struct segment, block);
    mr_arena_deinit(&segment->text);
    free(segment);
}

static struct segment *
new_segment(void)
{
    struct segment *segment = mr_alloc(sizeof(*segment));
    segment->block = (struct mr_record_block){ .refs = 1, .release = release_segment };
    segment->text = (struct mr_arena){ 0 };
    segment->count = 0;
    return segment;
}

static struct segment *
segment_to_fill(struct shard *shard)
{
    if (shard->end % SEGMENT_RECORDS == 0) {
        shard->segments = mr_realloc(shard->segments,
                                     (shard->segment_count + 1) * sizeof(shard->segments[0]));
        shard->segments[shard->segment_count++] = new_segment();
    }
    return shard->segments[shard->segment_count - 1];
}

static struct mr_record *
record_at(const struct shard *shard, size_t index)
{
    return &shard->segments[index / SEGMENT_RECORDS]->records[index % SEGMENT_RECORDS];
}

static struct mr_slice
number_text(struct mr_arena *arena, uint64_t number)
{
    return mr_slice_str(
        mr_arena_printf(arena, "49%0*llu", SEQUENCE_DIGITS - 2, (unsigned long long)number));
}

static struct mr_slice
escaped(struct mr_arena *arena, struct mr_slice text)
{
    mr_auto_buf struct mr_buf buf = { 0 };
    mr_json_escape(&buf, text);
    return mr_arena_copy(arena, mr_buf_slice(&buf));
}

static struct mr_slice
encoded(struct mr_arena *arena, struct mr_slice data)
{
    size_t size = mr_base64_encoded_size(data.size);
    uint8_t *text = mr_arena_alloc(arena, size + 1);
    return mr_slice_of(text, mr_base64_encode(data, text));
}

static struct shard *
shard_at(const struct mr_memory_stream *stream, size_t shard)
{
    mr_assert(shard < stream->shard_count);
    return stream->shards[shard];
}

static void wake(struct mr_memory_stream *stream, const struct shard *shard);

struct mr_slice
mr_memory_stream_put_at(struct mr_memory_stream *stream, size_t index, struct mr_slice key,
                        struct mr_slice data, uint64_t arrival_ms)
{
    struct shard *shard = shard_at(stream, index);
    mr_assert(shard->is_open);
    struct segment *segment = segment_to_fill(shard);
    struct mr_record *record = &segment->records[segment->count++];
    shard->end++;
    record->sequence_number = number_text(
        &segment->text, stream->shares_number ? stream->sequence : ++stream->sequence);
    record->partition_key = escaped(&segment->text, key);
    record->data = encoded(&segment->text, data);
    record->arrival_ms = arrival_ms;
    wake(stream, shard);
    return record->sequence_number;
}

struct mr_slice
mr_memory_stream_put(struct mr_memory_stream *stream, size_t shard, struct mr_slice key,
                     struct mr_slice data)
{
    return mr_memory_stream_put_at(stream, shard, key, data,
                                   mr_clock_wall_ms(mr_loop_clock(stream->loop)));
}

void
mr_memory_stream_share_number(struct mr_memory_stream *stream, bool share)
{
    stream->shares_number = share;
}

size_t
mr_memory_stream_record_count(const struct mr_memory_stream *stream, size_t shard)
{
    return shard_at(stream, shard)->end;
}

/* ---- shards ---- */

static size_t
add_shard(struct mr_memory_stream *stream, ptrdiff_t parent, ptrdiff_t adjacent_parent)
{
    struct shard *shard = mr_alloc_zero(1, sizeof(*shard));
    size_t index = stream->shard_count++;
    stream->shards =
        mr_realloc(stream->shards, stream->shard_count * sizeof(stream->shards[0]));
    stream->shards[index] = shard;
    snprintf(shard->id, sizeof(shard->id), "shardId-%012zu", index - stream->first_shard);
    shard->parent = parent;
    shard->adjacent_parent = adjacent_parent;
    shard->is_open = shard->is_listed = true;
    return index;
}

static void
end_shard(struct mr_memory_stream *stream, size_t index)
{
    struct shard *shard = shard_at(stream, index);
    mr_assert(shard->is_open);
    shard->is_open = false;
    wake(stream, shard);
}

size_t
mr_memory_stream_split(struct mr_memory_stream *stream, size_t shard)
{
    size_t child = add_shard(stream, (ptrdiff_t)shard, NO_SHARD);
    add_shard(stream, (ptrdiff_t)shard, NO_SHARD);
    end_shard(stream, shard);
    return child;
}

size_t
mr_memory_stream_merge(struct mr_memory_stream *stream, size_t shard, size_t adjacent_shard)
{
    size_t child = add_shard(stream, (ptrdiff_t)shard, (ptrdiff_t)adjacent_shard);
    end_shard(stream, shard);
    end_shard(stream, adjacent_shard);
    return child;
}

void
mr_memory_stream_trim(struct mr_memory_stream *stream, size_t index, size_t before)
{
    struct shard *shard = shard_at(stream, index);
    mr_assert(before <= shard->end);
    shard->first = before > shard->first ? before : shard->first;
    for (size_t i = 0; i < shard->first / SEGMENT_RECORDS; i++) {
        if (shard->segments[i] != NULL) {
            mr_record_block_unref(&MR_TAKE(shard->segments[i])->block);
        }
    }
    shard->is_listed = shard->is_open || shard->first < shard->end;
}

size_t
mr_memory_stream_shard_count(const struct mr_memory_stream *stream)
{
    return stream->shard_count;
}

bool
mr_memory_stream_is_open(const struct mr_memory_stream *stream, size_t shard)
{
    return shard_at(stream, shard)->is_open;
}

struct mr_slice
mr_memory_stream_shard_id(const struct mr_memory_stream *stream, size_t shard)
{
    return mr_slice_str(shard_at(stream, shard)->id);
}

/* ---- answers ---- */

static void
finish(struct mr_source_call *call)
{
    mr_timer_stop(&call->timer);
    mr_list_remove(&call->node);
    free(call);
}

static const char *
sentence(enum mr_source_fault fault)
{
    static const char *const sentences[] = {
        [MR_SOURCE_OK] = "",
        [MR_SOURCE_EXPIRED] = "the iterator has expired",
        [MR_SOURCE_GONE] = "the stream or shard does not exist",
        [MR_SOURCE_THROTTLED] = "rate exceeded",
        [MR_SOURCE_DENIED] = "access denied",
        [MR_SOURCE_TROUBLE] = "internal failure",
    };
    return sentences[fault];
}

static enum mr_source_fault
next_fault(struct mr_memory_stream *stream, enum mr_memory_call kind)
{
    struct fault *fault = &stream->faults[kind];
    if (stream->is_gone) {
        return MR_SOURCE_GONE;
    }
    if (fault->count == 0) {
        return MR_SOURCE_OK;
    }
    fault->count--;
    return fault->fault;
}

static void
answer_fault(struct mr_source_call *call, enum mr_source_fault fault)
{
    struct mr_error err = { 0 };
    struct mr_source_call answered = *call;
    mr_fail(&err, -1, "%s", sentence(fault));
    finish(call);
    switch (answered.kind) {
    case MR_MEMORY_LIST:
        answered.done.shards(&(struct mr_source_shards){ .fault = fault, .error = &err },
                             answered.context);
        break;
    case MR_MEMORY_ITERATOR:
        answered.done.iterator(&(struct mr_source_iterator){ .fault = fault, .error = &err },
                               answered.context);
        break;
    case MR_MEMORY_RECORDS:
        answered.done.records(&(struct mr_source_records){ .fault = fault, .error = &err },
                              answered.context);
        break;
    }
}

static struct mr_slice
id_or_absent(const struct mr_memory_stream *stream, ptrdiff_t shard)
{
    return shard == NO_SHARD ? (struct mr_slice){ NULL, 0 }
                             : mr_slice_str(stream->shards[shard]->id);
}

static void
answer_list(struct mr_source_call *call)
{
    struct mr_memory_stream *stream = call->source->stream;
    size_t count = 0;
    mr_auto_free struct mr_source_shard *shards =
        mr_alloc_zero(stream->shard_count + 1, sizeof(shards[0]));
    for (size_t i = stream->first_shard; i < stream->shard_count; i++) {
        const struct shard *shard = stream->shards[i];
        if (shard->is_listed) {
            shards[count++] = (struct mr_source_shard){
                .id = mr_slice_str(shard->id),
                .parent = id_or_absent(stream, shard->parent),
                .adjacent_parent = id_or_absent(stream, shard->adjacent_parent),
                .is_open = shard->is_open,
            };
        }
    }
    struct mr_source_shards result = { .stream_created_ms = stream->created_ms,
                                       .shards = shards,
                                       .count = count };
    mr_source_shards_fn *done = call->done.shards;
    void *context = call->context;
    finish(call);
    done(&result, context);
}

/* NO_SHARD when it is not of this incarnation or no longer listed. */
static ptrdiff_t
find_shard(const struct mr_memory_stream *stream, struct mr_slice id)
{
    uint64_t number;
    if (!mr_slice_starts_with(id, MR_SLICE("shardId-")) ||
        !mr_slice_to_u64(mr_slice_from(id, 8), &number)) {
        return NO_SHARD;
    }
    size_t index = stream->first_shard + (size_t)number;
    return index < stream->shard_count && stream->shards[index]->is_listed ? (ptrdiff_t)index
                                                                           : NO_SHARD;
}

/* Index of the first record behind that number. */
static size_t
index_after(const struct shard *shard, struct mr_slice number)
{
    size_t index = shard->first;
    while (index < shard->end &&
           mr_slice_compare(record_at(shard, index)->sequence_number, number) <= 0) {
        index++;
    }
    return index;
}

static size_t
index_at_time(const struct shard *shard, uint64_t ms)
{
    size_t index = shard->first;
    while (index < shard->end && record_at(shard, index)->arrival_ms < ms) {
        index++;
    }
    return index;
}

static size_t
index_of_place(const struct shard *shard, const struct mr_source_place *place)
{
    switch (place->position) {
    case MR_POSITION_LATEST:
        return shard->end;
    case MR_POSITION_TIMESTAMP:
        return index_at_time(shard, place->timestamp_ms);
    case MR_POSITION_AFTER:
        return index_after(shard, place->sequence_number);
    default:
        return shard->first;
    }
}

static char *
iterator_text(const struct mr_memory_stream *stream, size_t shard, size_t index)
{
    return mr_format("%llu/%zu/%zu", (unsigned long long)stream->age, shard, index);
}

static void
answer_iterator(struct mr_source_call *call)
{
    struct mr_memory_stream *stream = call->source->stream;
    ptrdiff_t found = find_shard(stream, call->place.shard_id);
    if (found == NO_SHARD) {
        answer_fault(call, MR_SOURCE_GONE);
        return;
    }
    size_t index = index_of_place(stream->shards[found], &call->place);
    mr_auto_free char *text = iterator_text(stream, (size_t)found, index);
    struct mr_source_iterator result = { .iterator = mr_slice_str(text) };
    mr_source_iterator_fn *done = call->done.iterator;
    void *context = call->context;
    finish(call);
    done(&result, context);
}

struct position {
    unsigned long long age;
    size_t shard, index;
};

static bool
read_iterator(const struct mr_source_call *call, struct position *position)
{
    return sscanf(call->text, "%llu/%zu/%zu", &position->age, &position->shard,
                  &position->index) == 3;
}

/* As many as asked for, up to the end of a segment; one number is not cut. */
static size_t
records_there(const struct shard *shard, size_t index, size_t limit)
{
    size_t in_segment = SEGMENT_RECORDS - index % SEGMENT_RECORDS;
    size_t left = shard->end - index;
    size_t most = left < in_segment ? left : in_segment;
    size_t count = most < limit ? most : limit;
    while (count > 0 && count < most &&
           mr_slice_eq(record_at(shard, index + count)->sequence_number,
                       record_at(shard, index + count - 1)->sequence_number)) {
        count++;
    }
    return count;
}

static uint64_t
behind_ms(const struct mr_memory_stream *stream, const struct shard *shard, size_t index)
{
    uint64_t now_ms = mr_clock_wall_ms(mr_loop_clock(stream->loop));
    if (index >= shard->end) {
        return 0;
    }
    uint64_t arrival_ms = record_at(shard, index)->arrival_ms;
    return now_ms > arrival_ms ? now_ms - arrival_ms : 1;
}

static void
answer_records(struct mr_source_call *call)
{
    struct mr_memory_stream *stream = call->source->stream;
    struct position at = { 0 };
    if (!read_iterator(call, &at) || at.age < stream->age) {
        answer_fault(call, MR_SOURCE_EXPIRED);
        return;
    }
    struct shard *shard = shard_at(stream, at.shard);
    if (at.shard < stream->first_shard || !shard->is_listed) {
        answer_fault(call, MR_SOURCE_GONE);
        return;
    }
    size_t index = at.index < shard->first ? shard->first : at.index;
    size_t count = records_there(shard, index, call->limit);
    bool ended = !shard->is_open && index + count == shard->end;
    if (count == 0 && !ended && call->waits) {
        return; /* woken by a put */
    }
    mr_auto_free char *next = ended ? NULL : iterator_text(stream, at.shard, index + count);
    struct mr_source_records result = {
        .records = count > 0 ? record_at(shard, index) : NULL,
        .count = count,
        .block = count > 0 ? &shard->segments[index / SEGMENT_RECORDS]->block : NULL,
        .next = mr_slice_str(next),
        .behind_ms = behind_ms(stream, shard, index + count),
    };
    mr_source_records_fn *done = call->done.records;
    void *context = call->context;
    finish(call);
    done(&result, context);
}

static void
on_call(void *context)
{
    struct mr_source_call *call = context;
    enum mr_source_fault fault = next_fault(call->source->stream, call->kind);
    if (fault != MR_SOURCE_OK) {
        answer_fault(call, fault);
    } else if (call->kind == MR_MEMORY_LIST) {
        answer_list(call);
    } else if (call->kind == MR_MEMORY_ITERATOR) {
        answer_iterator(call);
    } else {
        answer_records(call);
    }
}

/* Calls that wait on that shard (NULL: on any) look again. */
static void
wake(struct mr_memory_stream *stream, const struct shard *shard)
{
    MR_LIST_EACH(node, &stream->calls)
    {
        struct mr_source_call *call = MR_CONTAINER_OF(node, struct mr_source_call, node);
        struct position at;
        if (call->kind == MR_MEMORY_RECORDS && !mr_timer_started(&call->timer) &&
            (shard == NULL ||
             (read_iterator(call, &at) && stream->shards[at.shard] == shard))) {
            mr_timer_start(&call->timer, 0);
        }
    }
}

/* ---- calls ---- */

static struct mr_source_call *
new_call(struct mr_source *base, enum mr_memory_call kind, void *context)
{
    struct memory_source *source = (struct memory_source *)base;
    struct mr_memory_stream *stream = source->stream;
    struct mr_source_call *call = mr_alloc_zero(1, sizeof(*call));
    call->source = source;
    call->kind = kind;
    call->context = context;
    mr_timer_init(&call->timer, stream->loop, MR_TIME_INJECTED, on_call, call);
    mr_list_push_back(&stream->calls, &call->node);
    uint64_t delay_ms =
        stream->latency_ms == 0 ? 0 : mr_random_below(stream->random, stream->latency_ms + 1);
    mr_timer_start(&call->timer, delay_ms);
    return call;
}

static struct mr_source_call *
list_shards(struct mr_source *source, mr_source_shards_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, MR_MEMORY_LIST, context);
    call->done.shards = done;
    return call;
}

static struct mr_slice
keep(char *text, size_t size, struct mr_slice slice)
{
    snprintf(text, size, "%.*s", MR_SLICE_ARGS(slice));
    return mr_slice_str(text);
}

static struct mr_source_call *
get_iterator(struct mr_source *source, const struct mr_source_place *place,
             mr_source_iterator_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, MR_MEMORY_ITERATOR, context);
    call->place = *place;
    call->place.shard_id = keep(call->shard_id, sizeof(call->shard_id), place->shard_id);
    call->place.sequence_number = keep(call->text, sizeof(call->text), place->sequence_number);
    call->done.iterator = done;
    return call;
}

static struct mr_source_call *
get_records(struct mr_source *source, struct mr_slice iterator, size_t limit, uint64_t wait_ms,
            mr_source_records_fn *done, void *context)
{
    struct mr_source_call *call = new_call(source, MR_MEMORY_RECORDS, context);
    keep(call->text, sizeof(call->text), iterator);
    call->limit = limit > MR_KINESIS_MAX_GET_RECORDS ? MR_KINESIS_MAX_GET_RECORDS : limit;
    call->waits = wait_ms > 0 && source->waits;
    call->done.records = done;
    return call;
}

static void
cancel(struct mr_source *source, struct mr_source_call *call)
{
    (void)source;
    finish(call);
}

static void
free_source(struct mr_source *source)
{
    free(source);
}

struct mr_source *
mr_memory_stream_open(struct mr_slice source_arn, void *context, struct mr_error *err)
{
    static const struct mr_source_ops ops = { list_shards, get_iterator, get_records, cancel,
                                              free_source };
    struct mr_memory_stream *stream = context;
    struct memory_source *source = mr_alloc_zero(1, sizeof(*source));
    (void)source_arn;
    (void)err;
    source->source.ops = &ops;
    source->source.waits = stream->waits;
    source->stream = stream;
    return &source->source;
}

/* ---- what goes wrong ---- */

void
mr_memory_stream_fail(struct mr_memory_stream *stream, enum mr_memory_call call,
                      enum mr_source_fault fault, unsigned count)
{
    stream->faults[call] = (struct fault){ fault, count };
    wake(stream, NULL);
}

unsigned
mr_memory_stream_faults(const struct mr_memory_stream *stream, enum mr_memory_call call)
{
    return stream->faults[call].count;
}

void
mr_memory_stream_expire(struct mr_memory_stream *stream)
{
    stream->age++;
    wake(stream, NULL);
}

void
mr_memory_stream_delete(struct mr_memory_stream *stream)
{
    stream->is_gone = true;
    wake(stream, NULL);
}

void
mr_memory_stream_create(struct mr_memory_stream *stream, size_t shard_count)
{
    uint64_t now_ms = mr_clock_wall_ms(mr_loop_clock(stream->loop));
    stream->first_shard = stream->shard_count;
    stream->created_ms = now_ms > stream->created_ms ? now_ms : stream->created_ms + 1;
    stream->is_gone = false;
    for (size_t i = 0; i < shard_count; i++) {
        add_shard(stream, NO_SHARD, NO_SHARD);
    }
    wake(stream, NULL);
}

/* ---- life ---- */

struct mr_memory_stream *
mr_memory_stream_new(struct mr_loop *loop, size_t shard_count)
{
    struct mr_memory_stream *stream = mr_alloc_zero(1, sizeof(*stream));
    stream->loop = loop;
    stream->waits = true;
    mr_list_init(&stream->calls);
    mr_memory_stream_create(stream, shard_count);
    return stream;
}

static void
free_shard(struct shard *shard)
{
    for (size_t i = 0; i < shard->segment_count; i++) {
        if (shard->segments[i] != NULL) {
            mr_record_block_unref(&shard->segments[i]->block);
        }
    }
    free(shard->segments);
    free(shard);
}

void
mr_memory_stream_free(struct mr_memory_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    mr_assert(mr_list_empty(&stream->calls)); /* else a source was left behind */
    for (size_t i = 0; i < stream->shard_count; i++) {
        free_shard(stream->shards[i]);
    }
    free(stream->shards);
    free(stream);
}

void
mr_memory_stream_set_waits(struct mr_memory_stream *stream, bool waits)
{
    stream->waits = waits;
}

void
mr_memory_stream_set_latency(struct mr_memory_stream *stream, uint64_t most_ms,
                             struct mr_random *random)
{
    stream->latency_ms = most_ms;
    stream->random = random;
}
