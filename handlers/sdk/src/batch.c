#include "internal.h"

void
mr_batch_fail(struct mr_ctx *ctx, struct mr_str identifier)
{
    struct failure *failure = mr_alloc_in(ctx, sizeof(*failure));
    failure->next = NULL;
    failure->identifier = (struct mr_str){ mr_copy_z(ctx, identifier), identifier.size };
    if (ctx->last_failure == NULL) {
        ctx->failures = failure;
    } else {
        ctx->last_failure->next = failure;
    }
    ctx->last_failure = failure;
}

struct mr_window
mr_window_of(struct mr_ctx *ctx)
{
    struct mr_window window = { 0 };
    struct mr_str raw = mr_find(ctx->event, "window");
    if (raw.data == NULL) {
        return window;
    }
    window.present = true;
    window.start = mr_text(ctx, mr_find(raw, "start"));
    window.end = mr_text(ctx, mr_find(raw, "end"));
    window.shard_id = mr_text(ctx, mr_find(ctx->event, "shardId"));
    window.event_source_arn = mr_text(ctx, mr_find(ctx->event, "eventSourceARN"));
    window.state = mr_find(ctx->event, "state");
    window.is_final = mr_str_eq(mr_find(ctx->event, "isFinalInvokeForWindow"), MR_STR("true"));
    window.terminated_early =
        mr_str_eq(mr_find(ctx->event, "isWindowTerminatedEarly"), MR_STR("true"));
    return window;
}

struct mr_str
mr_window_get(const struct mr_window *window, const char *key)
{
    struct mr_reader reader = mr_read(window->state);
    struct mr_str name;
    if (mr_read_peek(&reader) == MR_KIND_OBJECT && mr_read_enter(&reader)) {
        while (mr_read_key(&reader, &name)) {
            if (mr_str_eq(name, mr_str_z(key))) {
                return mr_read_raw(&reader);
            }
            mr_read_skip(&reader);
        }
    }
    return (struct mr_str){ NULL, 0 };
}

static struct window_value *
find_value(struct mr_ctx *ctx, struct mr_str key)
{
    for (struct window_value *value = ctx->window_values; value != NULL; value = value->next) {
        if (mr_str_eq(value->key, key)) {
            return value;
        }
    }
    return NULL;
}

void
mr_window_put(struct mr_ctx *ctx, const char *key, struct mr_str raw_json)
{
    struct window_value *value = find_value(ctx, mr_str_z(key));
    if (value == NULL) {
        value = mr_alloc_in(ctx, sizeof(*value));
        value->key = (struct mr_str){ mr_copy_z(ctx, mr_str_z(key)), strlen(key) };
        value->next = ctx->window_values;
        ctx->window_values = value;
    }
    value->raw = (struct mr_str){ mr_copy_z(ctx, raw_json), raw_json.size };
}

/* The old state's values that were not put anew, then those that were. */
static void
write_state(struct mr_ctx *ctx, struct mr_writer *json, const struct mr_window *window)
{
    struct mr_reader reader = mr_read(window->state);
    struct mr_str key;
    mr_write_object(json);
    if (mr_read_peek(&reader) == MR_KIND_OBJECT && mr_read_enter(&reader)) {
        while (mr_read_key(&reader, &key)) {
            struct mr_str raw = mr_read_raw(&reader);
            if (find_value(ctx, key) == NULL && raw.data != NULL) {
                mr_write_key(json, mr_text(ctx, (struct mr_str){ key.data - 1, key.size + 2 }));
                mr_write_raw(json, raw);
            }
        }
    }
    for (struct window_value *value = ctx->window_values; value != NULL; value = value->next) {
        mr_write_key(json, value->key);
        mr_write_raw(json, value->raw);
    }
    mr_write_end_object(json);
}

int
mr_batch_done(struct mr_ctx *ctx)
{
    struct mr_writer json = mr_write(ctx);
    struct mr_window window = mr_window_of(ctx);
    mr_write_object(&json);
    if (window.present) {
        mr_write_key(&json, MR_STR("state"));
        write_state(ctx, &json, &window);
    }
    mr_write_key(&json, MR_STR("batchItemFailures"));
    mr_write_array(&json);
    for (struct failure *failure = ctx->failures; failure != NULL; failure = failure->next) {
        mr_write_object(&json);
        mr_write_key(&json, MR_STR("itemIdentifier"));
        mr_write_string(&json, failure->identifier);
        mr_write_end_object(&json);
    }
    mr_write_end_array(&json);
    mr_write_end_object(&json);
    return mr_write_respond(&json);
}
