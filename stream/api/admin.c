#include "stream/api/admin.h"

#include <errno.h>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "stream/api/fault.h"
#include "stream/store.h"

#define FAULTS "/_millrace/faults"
#define STATS  "/_millrace/stats"

bool
mr_admin_owns(const struct mr_http_request *request)
{
    return mr_slice_is(request->path, FAULTS) || mr_slice_is(request->path, STATS);
}

/* ---- answers ---- */

static void
answer(struct mr_http_exchange *exchange, int status, struct mr_buf *body)
{
    mr_buf_append_byte(body, '\n');
    mr_http_respond(exchange,
                    &(struct mr_http_response){ .status = status,
                                                .content_type = MR_SLICE("application/json"),
                                                .take = body });
}

static void
refuse(struct mr_http_exchange *exchange, int status, const char *message)
{
    struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "message", message);
    mr_json_end_object(&json);
    answer(exchange, status, &body);
}

/* ---- faults ---- */

static void
list_faults(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange)
{
    struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    mr_json_key(&json, "rules");
    mr_json_begin_array(&json);
    mr_faults_list(kinesis->options.faults, &json);
    mr_json_end_array(&json);
    mr_json_end_object(&json);
    answer(exchange, 200, &body);
}

static int
read_rules(struct mr_json *json, struct mr_arena *arena, struct mr_faults *faults,
           struct mr_error *err)
{
    struct mr_slice rule;
    int code = mr_json_enter(json) ? 0 : mr_fail(err, -EINVAL, "\"rules\" is a list of texts");
    while (code == 0 && mr_json_next_element(json)) {
        code = mr_json_string(json, arena, &rule)
                   ? mr_faults_add(faults, rule, err)
                   : mr_fail(err, -EINVAL, "\"rules\" is a list of texts");
    }
    return code;
}

static int
read_faults(struct mr_slice body, struct mr_arena *arena, struct mr_faults *faults,
            struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice key;
    int64_t seed;
    int code = mr_json_enter(&json) ? 0 : -EINVAL;
    bool found = false;
    while (code == 0 && mr_json_next_key(&json, &key)) {
        if (mr_slice_is(key, "rules")) {
            found = true;
            code = read_rules(&json, arena, faults, err);
        } else if (mr_slice_is(key, "seed") && mr_json_i64(&json, &seed)) {
            mr_faults_seed(faults, (uint64_t)seed);
        } else {
            code = mr_fail(err, -EINVAL, "the members are \"rules\" and \"seed\", a number");
        }
    }
    if (code == 0 && (!found || !mr_json_done(&json))) {
        code = -EINVAL;
    }
    if (code < 0 && err->code == 0) {
        mr_fail(err, code, "the body is {\"rules\":[\"OPERATION:KIND\"]}");
    }
    return code;
}

static void
replace_faults(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
               const struct mr_http_request *request)
{
    mr_auto(mr_faults_free) struct mr_faults *faults = mr_faults_new(1);
    struct mr_error err = { 0 };
    if (read_faults(request->body, mr_http_exchange_arena(exchange), faults, &err) < 0) {
        refuse(exchange, 400, err.text);
        return;
    }
    mr_faults_swap(kinesis->options.faults, faults);
    list_faults(kinesis, exchange);
}

/* ---- stats ---- */

static void
tell_stats(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange)
{
    struct mr_store_stats stats;
    mr_store_stats(kinesis->options.store, &stats);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        { "streams", stats.streams },
        { "shards", stats.shards },
        { "open_shards", stats.open_shards },
        { "journal_bytes", stats.journal_bytes },
        { "segments", stats.segments },
        { "cache_bytes", stats.cache_bytes },
        { "pending_bytes", stats.pending_bytes },
        { "commits", stats.commits },
        { "records_in", stats.records_in },
        { "bytes_in", stats.bytes_in },
        { "records_out", stats.records_out },
        { "bytes_out", stats.bytes_out },
    };
    struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    mr_json_begin_object(&json);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        mr_json_key(&json, rows[i].name);
        mr_json_put_u64(&json, rows[i].value);
    }
    mr_json_end_object(&json);
    answer(exchange, 200, &body);
}

void
mr_admin_serve(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
               const struct mr_http_request *request)
{
    bool is_get = mr_slice_is(request->method, "GET");
    bool is_local = mr_slice_is(mr_http_exchange_peer(exchange), "unix");
    if (kinesis->options.auth != NULL && !is_local) {
        refuse(exchange, 403, "with --auth this is answered on the Unix socket only");
    } else if (mr_http_request_header(request, "origin").data != NULL) {
        refuse(exchange, 403, "this is not for web pages");
    } else if (mr_slice_is(request->path, STATS) && is_get) {
        tell_stats(kinesis, exchange);
    } else if (mr_slice_is(request->path, FAULTS) && is_get) {
        list_faults(kinesis, exchange);
    } else if (mr_slice_is(request->path, FAULTS) && mr_slice_is(request->method, "POST")) {
        replace_faults(kinesis, exchange, request);
    } else {
        refuse(exchange, 405, "the methods are GET, and POST for faults");
    }
}
