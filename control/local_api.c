/* What is not Lambda's: /_millrace/ and /metrics, for our own command line and for scrapers. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_writer.h"
#include "base/version.h"
#include "control/faults.h"
#include "control/feed.h"
#include "control/history.h"
#include "control/mappings.h"

/* ---- status ---- */

static json_t *
counts_out(const struct mr_mapping_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "polled",
                     (json_int_t)counts->polled, "filtered", (json_int_t)counts->filtered,
                     "invoked", (json_int_t)counts->invoked, "failed",
                     (json_int_t)counts->failed, "dropped", (json_int_t)counts->dropped,
                     "delivered", (json_int_t)counts->delivered, "succeeded",
                     (json_int_t)counts->succeeded, "batches", (json_int_t)counts->batches,
                     "invocations", (json_int_t)counts->invocations, "destinationFailures",
                     (json_int_t)counts->destination_failures, "iteratorAgeMs",
                     (json_int_t)counts->iterator_age_ms);
}

static json_t *
shard_out(const struct mr_mapping_shard *shard)
{
    json_t *out =
        json_pack("{s:o, s:I, s:I, s:I, s:b, s:b, s:b}", "id", json_text(shard->id), "behindMs",
                  (json_int_t)shard->behind_ms, "buffered", (json_int_t)shard->buffered,
                  "inFlight", (json_int_t)shard->in_flight, "waiting", shard->waiting,
                  "finished", shard->finished, "caughtUp", shard->caught_up);

    if (shard->checkpoint.size > 0) {
        json_object_set_new(out, "checkpoint", json_text(shard->checkpoint));
    }
    return out;
}

static json_t *
mapping_status(struct call *call, const char *uuid, const json_t *document)
{
    struct mr_control *control = call->control;
    json_t *shown = mapping_out(control, document, NULL), *shards;
    json_t *out = json_pack("{s:s, s:O, s:O*, s:O, s:O*}", "uuid", uuid, "state",
                            json_object_get(shown, "State"), "source",
                            json_object_get(shown, "EventSourceArn"), "function",
                            json_object_get(shown, "FunctionArn"), "lastProcessingResult",
                            json_object_get(shown, "LastProcessingResult"));
    struct mr_mapping_status status;

    json_object_set_new(out, "configuration", shown);
    if (!mappings_status(control->mappings, uuid, call->arena, &status)) {
        return out;
    }
    json_object_set_new(out, "running", json_boolean(status.running));
    json_object_set_new(out, "reading", json_boolean(status.reading));
    json_object_set_new(out, "drained",
                        json_boolean(mappings_is_drained(control->mappings, uuid)));
    if (status.trouble.size > 0) {
        json_object_set_new(out, "trouble", json_text(status.trouble));
    }
    json_object_set_new(out, "counts", counts_out(&status.counts));
    shards = json_array();
    for (size_t i = 0; i < status.shard_count; i++) {
        json_array_append_new(shards, shard_out(&status.shards[i]));
    }
    json_object_set_new(out, "shards", shards);
    return out;
}

static json_t *
function_status(const json_t *function)
{
    json_t *versions = json_object_get(function, "versions");
    json_t *latest = json_object_get(versions, "$LATEST");
    json_t *settings = json_object_get(function, "settings");
    json_t *out = json_pack(
        "{s:O, s:O, s:O*, s:O*, s:O*, s:O*, s:O*, s:I, s:O*}", "name",
        json_object_get(function, "name"), "arn", json_object_get(function, "arn"), "runtime",
        json_object_get(latest, "Runtime"), "handler", json_object_get(latest, "Handler"),
        "memoryMb", json_object_get(latest, "MemorySize"), "timeoutS",
        json_object_get(latest, "Timeout"), "state", json_object_get(latest, "State"),
        "versions", (json_int_t)json_object_size(versions) - 1, "codeDirectory",
        json_object_get(json_object_get(latest, "_code"), "directory"));

    json_object_set_new(out, "settings",
                        settings != NULL ? json_incref(settings) : json_object());
    return out;
}

static json_t *
runtime_status(const struct mr_control *control)
{
    struct mr_runtime_counts counts = mr_runtime_counts(control->runtime);

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "invocations",
                     (json_int_t)counts.invocations, "coldStarts",
                     (json_int_t)counts.cold_starts, "errors", (json_int_t)counts.errors,
                     "timeouts", (json_int_t)counts.timeouts, "crashes",
                     (json_int_t)counts.crashes, "throttles", (json_int_t)counts.throttles,
                     "redeliveries", (json_int_t)counts.redeliveries, "environments",
                     (json_int_t)counts.environments, "busy", (json_int_t)counts.busy);
}

void
act_local_status(struct call *call)
{
    struct mr_control *control = call->control;
    json_t *functions = json_array(), *mappings = json_array(), *document;
    const char *isolation = control->options.launcher->isolation, *key;

    json_object_foreach(mr_state_all(control->state, MR_STATE_FUNCTION), key, document)
    {
        json_array_append_new(functions, function_status(document));
    }
    json_object_foreach(mr_state_all(control->state, MR_STATE_MAPPING), key, document)
    {
        json_array_append_new(mappings, mapping_status(call, key, document));
    }
    call_reply(
        call, 200,
        json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "version",
                  MR_VERSION, "pid", (json_int_t)getpid(), "startedMs",
                  (json_int_t)control->started_ms, "region", control->options.region, "account",
                  control->options.account, "isolation", isolation != NULL ? isolation : "",
                  "network", control->options.network_host ? "host" : "none", "nextEvent",
                  (json_int_t)feed_next(control->feed), "runtime", runtime_status(control),
                  "functions", functions, "mappings", mappings));
}

void
act_local_health(struct call *call)
{
    call_reply(call, 200, json_pack("{s:s, s:s}", "status", "ok", "version", MR_VERSION));
}

void
act_local_events(struct call *call)
{
    struct mr_slice query = call->request->query;
    struct mr_slice since = mr_http_query_get(query, "since", call->arena);
    struct mr_slice follow = mr_http_query_get(query, "follow", call->arena);
    uint64_t from = 1;

    if (since.size > 0 && !mr_slice_to_u64(since, &from)) {
        call_fail(call, "InvalidParameterValueException", "since is the number of a line");
        return;
    }
    feed_serve(call->control->feed, call->exchange, from,
               follow.size > 0 && !mr_slice_is(follow, "0"));
}

/* ---- history ---- */

enum { DEFAULT_LISTED = 100, MAX_LISTED = 10000 };

void
act_local_history(struct call *call)
{
    struct mr_slice query = call->request->query;
    struct mr_slice limit = mr_http_query_get(query, "limit", call->arena);
    struct mr_slice failed = mr_http_query_get(query, "failed", call->arena);
    uint64_t most = DEFAULT_LISTED;

    if (limit.size > 0 && (!mr_slice_to_u64(limit, &most) || most > MAX_LISTED)) {
        call_fail(call, "InvalidParameterValueException", "limit is a number from 0 to %d",
                  MAX_LISTED);
        return;
    }
    bool failed_only = failed.size > 0 && !mr_slice_is(failed, "0");
    call_reply(call, 200,
               json_pack("{s:o}", "invocations",
                         history_list(call->control->history, most, failed_only)));
}

void
act_local_history_one(struct call *call)
{
    json_t *found = history_get(call->control->history, call_text(call, "Id"));

    if (found == NULL) {
        call_fail(call, "ResourceNotFoundException",
                  "no recorded invocation has that number, request id or batch");
        return;
    }
    call_reply(call, 200, found);
}

/* ---- a function's settings ---- */

/* What is wrong, or NULL; a sentence that is made stands in `err`. */
static const char *
settings_fault(const json_t *given, struct mr_error *err)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)given, name, value)
    {
        const char *text = json_string_value(value);
        if (strcmp(name, "network") == 0) {
            if (text == NULL || (strcmp(text, "none") != 0 && strcmp(text, "host") != 0)) {
                return "network is \"none\" or \"host\"";
            }
        } else if (strcmp(name, "profile") == 0) {
            if (text == NULL || (strcmp(text, "default") != 0 && strcmp(text, "strict") != 0)) {
                return "profile is \"default\" or \"strict\"";
            }
        } else if (strcmp(name, "maxConcurrency") == 0) {
            if (!json_is_integer(value) || json_integer_value(value) < 0 ||
                json_integer_value(value) > 1000) {
                return "maxConcurrency is a number from 0 (no bound) to 1000";
            }
        } else if (strcmp(name, "invocationsPerEnvironment") == 0) {
            if (!json_is_integer(value) || json_integer_value(value) < 0 ||
                json_integer_value(value) > 1600) {
                return "invocationsPerEnvironment is a number from 0 (one, classic) to 1600";
            }
        } else if (strcmp(name, "faults") == 0) {
            if (mr_function_faults_check(value, err) < 0) {
                return err->text;
            }
        } else if (strcmp(name, "debugPort") == 0) {
            if (!json_is_integer(value) || json_integer_value(value) < 0 ||
                json_integer_value(value) > UINT16_MAX) {
                return "debugPort is a port, or 0";
            }
        } else if (strcmp(name, "allowSyscalls") == 0) {
            if (!json_is_array(value)) {
                return "allowSyscalls is a list of names";
            }
        } else {
            return "settings are network, profile, allowSyscalls, maxConcurrency, "
                   "invocationsPerEnvironment, debugPort and faults";
        }
    }
    return NULL;
}

void
act_local_settings(struct call *call)
{
    struct target target;

    if (!call_function(call, &target)) {
        return;
    }
    json_t *given = call_read_json(call);
    if (given == NULL) {
        return;
    }
    struct mr_error err = { 0 };
    const char *fault = settings_fault(given, &err);
    if (fault != NULL) {
        call_fail(call, "InvalidParameterValueException", "%s", fault);
    } else {
        json_object_set(target.function, "settings", given);
        functions_register(call->control, target.function);
        mappings_follow_function(call->control->mappings, target.arn);
        if (call_save_function(call, &target)) {
            call_reply(call, 200, json_incref(given));
        }
    }
    json_decref(given);
}

/* ---- seek ---- */

struct seeking {
    struct mr_http_exchange *exchange; /* NULL: the caller went away */
};

static void
on_seek_abort(struct mr_http_exchange *exchange, void *context)
{
    (void)exchange;
    ((struct seeking *)context)->exchange = NULL;
}

static void
on_moved(const struct mr_error *err, void *context)
{
    struct seeking *seeking = context;

    if (seeking->exchange != NULL) {
        mr_http_exchange_on_abort(seeking->exchange, NULL, NULL);
        if (err != NULL) {
            exchange_fail(seeking->exchange, "InvalidParameterValueException", err->text);
        } else {
            exchange_reply(seeking->exchange, 200, json_pack("{s:s}", "status", "moved"));
        }
    }
    free(seeking);
}

static bool
read_place(struct call *call, const json_t *given, struct mr_source_place *out)
{
    const char *to = json_text_of(given, "position");
    json_t *timestamp = json_object_get(given, "timestamp");

    *out = (struct mr_source_place){
        .shard_id = mr_slice_str(json_text_of(given, "shard")),
        .sequence_number = mr_slice_str(json_text_of(given, "sequenceNumber")),
        .timestamp_ms = (uint64_t)(json_number_value(timestamp) * 1000),
    };
    if (to != NULL && strcmp(to, "TRIM_HORIZON") == 0) {
        out->position = MR_POSITION_TRIM_HORIZON;
    } else if (to != NULL && strcmp(to, "LATEST") == 0) {
        out->position = MR_POSITION_LATEST;
    } else if (to != NULL && strcmp(to, "AT_TIMESTAMP") == 0 && json_is_number(timestamp)) {
        out->position = MR_POSITION_TIMESTAMP;
    } else if (to != NULL && strcmp(to, "AFTER_SEQUENCE_NUMBER") == 0 &&
               out->sequence_number.size > 0) {
        out->position = MR_POSITION_AFTER;
    } else {
        call_fail(
            call, "InvalidParameterValueException",
            "position is TRIM_HORIZON, LATEST, AT_TIMESTAMP with timestamp (Unix seconds) "
            "or AFTER_SEQUENCE_NUMBER with sequenceNumber and shard");
        return false;
    }
    return true;
}

void
act_local_seek(struct call *call)
{
    json_t *given = call_read_json(call);
    struct mr_source_place place;
    struct mr_error err = { 0 };

    if (given == NULL) {
        return;
    }
    if (read_place(call, given, &place)) {
        struct seeking *seeking = mr_alloc_zero(1, sizeof(*seeking));
        seeking->exchange = call->exchange;
        mr_http_exchange_on_abort(call->exchange, on_seek_abort, seeking);
        if (mappings_seek(call->control->mappings, call_text(call, "UUID"), &place, on_moved,
                          seeking, &err) < 0) {
            mr_http_exchange_on_abort(call->exchange, NULL, NULL);
            free(seeking);
            call_fail(call, "ResourceNotFoundException", "%s", err.text);
        }
    }
    json_decref(given);
}
