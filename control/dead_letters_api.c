/* /_millrace/dlq: what was given up and stands in the local store. */
#include <errno.h>

#include "base/alloc.h"
#include "control/inside.h"
#include "control/invoker.h"

enum { DEFAULT_LISTED = 100, MAX_LISTED = 1000 };

static void
put_text(json_t *out, const char *name, struct mr_slice text)
{
    if (text.size > 0) {
        json_object_set_new(out, name, json_text(text));
    }
}

static json_t *
letter_out(const struct mr_dead_letter *letter)
{
    json_t *out = json_pack(
        "{s:I, s:I, s:o, s:I, s:I, s:I}", "id", (json_int_t)letter->id, "timeMs",
        (json_int_t)letter->time_ms, "condition", json_text(letter->condition), "invokeCount",
        (json_int_t)letter->invoke_count, "batchSize", (json_int_t)letter->batch_size,
        "payloadBytes", (json_int_t)letter->payload_bytes);

    put_text(out, "mapping", letter->mapping_uuid);
    put_text(out, "function", letter->function_arn);
    put_text(out, "source", letter->stream_arn);
    put_text(out, "shard", letter->shard_id);
    put_text(out, "destination", letter->destination_arn);
    put_text(out, "first", letter->first_sequence_number);
    put_text(out, "last", letter->last_sequence_number);
    put_text(out, "reason", letter->reason);
    return out;
}

static bool
read_number(struct call *call, const char *name, uint64_t *out)
{
    struct mr_slice text = mr_http_query_get(call->request->query, name, call->arena);

    if (text.size == 0 || mr_slice_to_u64(text, out)) {
        return true;
    }
    call_fail(call, "InvalidParameterValueException", "%s is a number", name);
    return false;
}

void
act_local_dlq_list(struct call *call)
{
    uint64_t after = 0, limit = DEFAULT_LISTED;
    struct mr_dead_letter *letters;
    struct mr_error err = { 0 };

    if (!read_number(call, "after", &after) || !read_number(call, "limit", &limit)) {
        return;
    }
    const struct mr_dead_letters_query query = {
        .mapping_uuid = mr_http_query_get(call->request->query, "mapping", call->arena),
        .function_arn = mr_http_query_get(call->request->query, "function", call->arena),
        .after_id = (int64_t)after,
        .limit = (uint32_t)(limit < MAX_LISTED ? limit : MAX_LISTED),
    };
    int count =
        mr_dead_letters_list(call->control->letters, &query, call->arena, &letters, &err);
    if (count < 0) {
        call_fail(call, "ServiceException", "%s", err.text);
        return;
    }
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(list, letter_out(&letters[i]));
    }
    call_reply(call, 200,
               json_pack("{s:o, s:I}", "letters", list, "kept",
                         (json_int_t)mr_dead_letters_count(call->control->letters)));
}

/* The letter a path names; answers and returns false when there is none. */
static bool
find_letter(struct call *call, struct mr_dead_letter *out)
{
    int64_t id = 0;
    struct mr_error err = { 0 };

    if (!mr_slice_to_i64(mr_slice_str(call_text(call, "Id")), &id) ||
        mr_dead_letters_get(call->control->letters, id, call->arena, out, &err) < 0) {
        call_fail(call, "ResourceNotFoundException", "there is no dead letter %s",
                  call_text(call, "Id"));
        return false;
    }
    return true;
}

static json_t *
value_of(struct mr_slice bytes)
{
    json_t *value = json_loadb((const char *)bytes.data, bytes.size,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    return value != NULL ? value : json_text(bytes);
}

void
act_local_dlq_one(struct call *call)
{
    struct mr_dead_letter letter;

    if (find_letter(call, &letter)) {
        json_t *out = letter_out(&letter);
        json_object_set_new(out, "document", value_of(letter.document));
        json_object_set_new(out, "event", value_of(letter.payload));
        call_reply(call, 200, out);
    }
}

static bool
remove_letter(struct mr_control *control, int64_t id, struct mr_error *err)
{
    return mr_dead_letters_remove(control->letters, id, err) == 0 || err->code == -ENOENT;
}

void
act_local_dlq_delete(struct call *call)
{
    struct mr_dead_letter letter;
    struct mr_error err = { 0 };

    if (!find_letter(call, &letter)) {
        return;
    }
    if (!remove_letter(call->control, letter.id, &err)) {
        call_fail(call, "ServiceException", "%s", err.text);
        return;
    }
    call_reply(call, 204, NULL);
}

/* ---- once more ---- */

struct redrive {
    struct mr_control *control;
    struct mr_http_exchange *exchange; /* NULL: the caller went away */
    int64_t id;
};

static void
on_abort(struct mr_http_exchange *exchange, void *context)
{
    (void)exchange;
    ((struct redrive *)context)->exchange = NULL;
}

static void
finish(struct redrive *redrive, bool done, struct mr_slice detail)
{
    if (redrive->exchange != NULL) {
        json_t *body = json_pack("{s:s}", "status", done ? "ok" : "failed");
        put_text(body, "detail", detail);
        mr_http_exchange_on_abort(redrive->exchange, NULL, NULL);
        exchange_reply(redrive->exchange, 200, body);
    }
    free(redrive);
}

static void
on_invoked(const struct mr_invoke_result *result, void *context)
{
    struct redrive *redrive = context;
    struct mr_error err = { 0 };
    bool done = result->outcome == MR_INVOKE_OK;

    if (done && !remove_letter(redrive->control, redrive->id, &err)) {
        finish(redrive, false, mr_slice_str(err.text));
        return;
    }
    finish(redrive, done, result->reason.size > 0 ? result->reason : result->payload);
}

static void
on_sent(enum mr_sunk sunk, struct mr_slice detail, void *context)
{
    finish(context, sunk == MR_SUNK_DELIVERED, detail);
}

static struct redrive *
redrive_new(struct call *call, int64_t id)
{
    struct redrive *redrive = mr_alloc_zero(1, sizeof(*redrive));

    redrive->control = call->control;
    redrive->exchange = call->exchange;
    redrive->id = id;
    mr_http_exchange_on_abort(call->exchange, on_abort, redrive);
    return redrive;
}

static void
send_to_destination(struct call *call, const struct mr_dead_letter *letter)
{
    struct redrive *redrive = redrive_new(call, letter->id);
    struct mr_error err = { 0 };

    if (mr_failure_sink_send_again(call->control->sink, letter->id, on_sent, redrive, &err) <
        0) {
        mr_http_exchange_on_abort(call->exchange, NULL, NULL);
        free(redrive);
        call_fail(call, "InvalidParameterValueException", "%s", err.text);
    }
}

static void
send_to_function(struct call *call, const struct mr_dead_letter *letter)
{
    const struct mr_invoke_request request = {
        .function_arn = letter->function_arn,
        .request_id = mr_slice_str(call->request_id),
        .payload = letter->payload,
    };

    call->control->invoker.invoke(call->control->invoker.self, &request, on_invoked,
                                  redrive_new(call, letter->id));
}

void
act_local_dlq_redrive(struct call *call)
{
    struct mr_dead_letter letter;
    struct mr_slice to = mr_http_query_get(call->request->query, "to", call->arena);

    if (!find_letter(call, &letter)) {
        return;
    }
    if (mr_slice_is(to, "destination")) {
        send_to_destination(call, &letter);
    } else if (to.size == 0 || mr_slice_is(to, "function")) {
        send_to_function(call, &letter);
    } else {
        call_fail(call, "InvalidParameterValueException",
                  "to is \"function\" or \"destination\"");
    }
}
