#include "control/feed.h"

#include "aws/arn.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/json_writer.h"
#include "base/list.h"

enum {
    RING_LINES = 16384,
    RING_BYTES = 16 * 1024 * 1024,
    MAX_UNSENT_BYTES = 256 * 1024, /* of one follower; then it waits until it has read */
    MAX_DETAIL_BYTES = 4096,
};

struct line {
    char *text; /* with its newline */
    size_t size;
};

struct follower {
    struct mr_list node;
    struct feed *feed;
    struct mr_http_exchange *exchange;
    uint64_t next; /* the line it gets next */
};

struct feed {
    struct mr_loop *loop;
    struct line ring[RING_LINES];
    uint64_t first, next; /* lines first .. next-1 are kept */
    size_t bytes;
    struct mr_list followers;
    struct mr_buf scratch;
};

static struct line *
line_at(struct feed *feed, uint64_t number)
{
    return &feed->ring[number % RING_LINES];
}

static void
drop_first(struct feed *feed)
{
    struct line *line = line_at(feed, feed->first++);

    feed->bytes -= line->size;
    free(line->text);
    *line = (struct line){ NULL, 0 };
}

struct feed *
feed_new(struct mr_loop *loop)
{
    struct feed *feed = mr_alloc_zero(1, sizeof(*feed));

    feed->loop = loop;
    feed->first = feed->next = 1;
    mr_list_init(&feed->followers);
    return feed;
}

uint64_t
feed_next(const struct feed *feed)
{
    return feed->next;
}

/* ---- followers ---- */

static void
follower_free(struct follower *follower)
{
    mr_list_remove(&follower->node);
    free(follower);
}

static void
tell_gap(struct follower *follower)
{
    struct feed *feed = follower->feed;
    mr_auto_buf struct mr_buf buf = { 0 };

    if (follower->next < feed->first) {
        mr_buf_printf(&buf, "{\"kind\":\"gap\",\"lost\":%llu}\n",
                      (unsigned long long)(feed->first - follower->next));
        mr_http_respond_write(follower->exchange, mr_buf_slice(&buf));
        follower->next = feed->first;
    }
}

static void
catch_up(struct follower *follower)
{
    struct feed *feed = follower->feed;

    tell_gap(follower);
    while (follower->next < feed->next &&
           mr_http_exchange_unsent(follower->exchange) < MAX_UNSENT_BYTES) {
        const struct line *line = line_at(feed, follower->next++);
        mr_http_respond_write(follower->exchange, mr_slice_of(line->text, line->size));
    }
}

static void
on_drain(struct mr_http_exchange *exchange, void *context)
{
    (void)exchange;
    catch_up(context);
}

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    (void)exchange;
    follower_free(context);
}

void
feed_serve(struct feed *feed, struct mr_http_exchange *exchange, uint64_t since, bool follow)
{
    struct follower *follower = mr_alloc_zero(1, sizeof(*follower));

    follower->feed = feed;
    follower->exchange = exchange;
    follower->next = since > 0 ? since : 1;
    mr_list_push_back(&feed->followers, &follower->node);
    mr_http_respond_begin(
        exchange, &(struct mr_http_response){
                      .status = 200, .content_type = MR_SLICE("application/x-ndjson") });
    if (follow) {
        mr_http_exchange_on_abort(exchange, on_abort, follower);
        mr_http_exchange_on_drain(exchange, on_drain, follower);
        catch_up(follower);
        return;
    }
    tell_gap(follower);
    while (follower->next < feed->next) {
        const struct line *line = line_at(feed, follower->next++);
        mr_http_respond_write(exchange, mr_slice_of(line->text, line->size));
    }
    mr_http_respond_end(exchange);
    follower_free(follower);
}

void
feed_close(struct feed *feed)
{
    MR_LIST_EACH(node, &feed->followers)
    {
        struct follower *follower = MR_CONTAINER_OF(node, struct follower, node);
        struct mr_http_exchange *exchange = follower->exchange;
        mr_http_exchange_on_abort(exchange, NULL, NULL);
        mr_http_exchange_on_drain(exchange, NULL, NULL);
        follower_free(follower);
        mr_http_respond_end(exchange);
    }
}

void
feed_free(struct feed *feed)
{
    if (feed == NULL) {
        return;
    }
    feed_close(feed);
    while (feed->first < feed->next) {
        drop_first(feed);
    }
    mr_buf_deinit(&feed->scratch);
    free(feed);
}

/* ---- lines ---- */

static struct mr_json_writer
begin_line(struct feed *feed, const char *kind, uint64_t time_ms)
{
    mr_buf_clear(&feed->scratch);
    struct mr_json_writer json = mr_json_writer_on(&feed->scratch);
    mr_json_begin_object(&json);
    mr_json_member_i64(&json, "seq", (int64_t)feed->next);
    mr_json_member_i64(&json, "t", (int64_t)time_ms);
    mr_json_member_str(&json, "kind", kind);
    return json;
}

static void
end_line(struct feed *feed, struct mr_json_writer *json)
{
    mr_json_end_object(json);
    mr_buf_append_byte(&feed->scratch, '\n');
    size_t size = feed->scratch.size;
    while (feed->first < feed->next &&
           (feed->next - feed->first == RING_LINES || feed->bytes + size > RING_BYTES)) {
        drop_first(feed);
    }
    struct line *line = line_at(feed, feed->next++);
    line->text = mr_alloc(size);
    memcpy(line->text, feed->scratch.data, size);
    line->size = size;
    feed->bytes += size;
    MR_LIST_EACH(node, &feed->followers)
    {
        struct follower *follower = MR_CONTAINER_OF(node, struct follower, node);
        if (mr_http_exchange_unsent(follower->exchange) < MAX_UNSENT_BYTES) {
            catch_up(follower);
        }
    }
}

static void
put_text(struct mr_json_writer *json, const char *name, struct mr_slice text)
{
    if (text.size > 0) {
        mr_json_member_string(json, name, mr_slice_first(text, MAX_DETAIL_BYTES));
    }
}

static void
put_number(struct mr_json_writer *json, const char *name, uint64_t number)
{
    mr_json_member_i64(json, name, (int64_t)number);
}

static const char *const kinds[] = {
    [MR_EVENT_BATCH_START] = "start",       [MR_EVENT_BATCH_END] = "end",
    [MR_EVENT_BATCH_DROP] = "drop",         [MR_EVENT_FILTERED] = "filtered",
    [MR_EVENT_SHARD_BEGIN] = "shard-begin", [MR_EVENT_SHARD_END] = "shard-end",
    [MR_EVENT_TROUBLE] = "trouble",         [MR_EVENT_CHECKPOINT] = "checkpoint",
};

static const char *const outcomes[] = {
    [MR_LANE_SUCCEEDED] = "ok",
    [MR_LANE_PARTIAL] = "partial",
    [MR_LANE_FAILED] = "failed",
    [MR_LANE_BAD_RESPONSE] = "bad-response",
    [MR_LANE_NOT_INVOKED] = "not-invoked",
    [MR_LANE_REJECTED] = "rejected",
};

static const char *const sunk[] = {
    [MR_SUNK_DELIVERED] = "delivered",
    [MR_SUNK_FAILED] = "failed",
    [MR_SUNK_NONE] = "none",
};

static void
put_names(struct mr_json_writer *json, const struct mr_mapping_event *event)
{
    struct mr_lambda_arn function;
    struct mr_kinesis_arn stream;

    put_text(json, "mapping", event->mapping_uuid);
    if (mr_lambda_arn_parse(event->function_arn, &function)) {
        put_text(json, "function", function.function_name);
        put_text(json, "qualifier", function.qualifier);
    }
    if (mr_kinesis_arn_parse(event->source_arn, &stream)) {
        put_text(json, "stream", stream.stream_name);
    }
    put_text(json, "shard", event->shard_id);
    put_number(json, "lane", event->lane);
}

static void
put_batch(struct mr_json_writer *json, const struct mr_mapping_event *event)
{
    put_text(json, "batch", event->batch);
    put_text(json, "requestId", event->request_id);
    put_number(json, "attempt", event->attempt);
    put_number(json, "count", event->count);
    put_number(json, "bytes", event->bytes);
    put_number(json, "ageMs", event->age_ms);
    mr_json_member_i64(json, "maxRetries", event->max_retries);
    if (event->is_final_window || event->early_window) {
        mr_json_member_bool(json, "finalWindow", event->is_final_window);
        mr_json_member_bool(json, "earlyWindow", event->early_window);
    }
}

static void
put_end(struct mr_json_writer *json, const struct mr_mapping_event *event)
{
    mr_json_member_str(json, "outcome", outcomes[event->outcome]);
    put_number(json, "durationUs", event->duration_us);
    put_number(json, "retryInMs", event->retry_in_ms);
    put_number(json, "split", event->split);
    if (event->outcome == MR_LANE_PARTIAL) {
        put_number(json, "failedAt", event->failed_at);
    }
}

static void
put_drop(struct mr_json_writer *json, const struct mr_mapping_event *event)
{
    mr_json_member_str(json, "condition",
                       event->condition == MR_LANE_AGE_EXCEEDED ? "RecordAgeExceeded"
                                                                : "RetryAttemptsExhausted");
    mr_json_member_str(json, "sunk", sunk[event->sunk]);
    put_number(json, "invokeCount", event->invoke_count);
}

void
feed_mapping(struct feed *feed, const struct mr_mapping_event *event)
{
    struct mr_json_writer json = begin_line(feed, kinds[event->kind], event->time_ms);

    put_names(&json, event);
    switch (event->kind) {
    case MR_EVENT_BATCH_START:
        put_batch(&json, event);
        break;
    case MR_EVENT_BATCH_END:
        put_batch(&json, event);
        put_end(&json, event);
        break;
    case MR_EVENT_BATCH_DROP:
        put_batch(&json, event);
        put_drop(&json, event);
        break;
    case MR_EVENT_FILTERED:
        put_number(&json, "count", event->count);
        break;
    default:
        break;
    }
    put_text(&json, "first", event->first_sequence_number);
    put_text(&json, "last", event->last_sequence_number);
    put_text(&json, "detail", event->detail);
    end_line(feed, &json);
}

void
feed_log(struct feed *feed, const struct mr_runtime_log *log)
{
    static const char *const levels[] = { NULL,   "TRACE", "DEBUG", "INFO",
                                          "WARN", "ERROR", "FATAL" };
    struct mr_json_writer json = begin_line(
        feed, log->kind == MR_LINE_PLATFORM ? "platform" : "log", log->wall_us / 1000);

    put_text(&json, "function", log->function);
    put_text(&json, "requestId", log->request_id);
    if (levels[log->level] != NULL) {
        mr_json_member_str(&json, "level", levels[log->level]);
    }
    mr_json_member_string(&json, "line", log->line);
    end_line(feed, &json);
}
