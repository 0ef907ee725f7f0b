/*
 * SnapStart's part of the Runtime API. There are no snapshots here: a restore follows its init
 * at once, so what a runtime does before and after one happens as on Lambda.
 */
#include "base/json_writer.h"
#include "runtime/inside.h"

static bool
has_snap_start(struct environment *environment, struct mr_http_exchange *exchange)
{
    if (environment->entry->function.snap_start) {
        return true;
    }
    api_answer(exchange, 404, MR_SLICE("text/plain; charset=utf-8"),
               MR_SLICE("404 page not found\n"));
    return false;
}

void
api_serve_restore_next(struct environment *environment, struct mr_http_exchange *exchange,
                       const struct mr_http_request *request, struct mr_slice id)
{
    (void)request;
    (void)id;
    if (!has_snap_start(environment, exchange)) {
        return;
    }
    if (environment->state != ENV_STARTED) {
        api_refuse_transition(exchange, environment, "RestoreReady");
        return;
    }
    environment->state = ENV_RESTORING;
    environment->restoring_us = mr_clock_now_us(mr_clock_system());
    api_answer(exchange, 200, (struct mr_slice){ 0 }, (struct mr_slice){ 0 });
}

void
api_serve_restore_error(struct environment *environment, struct mr_http_exchange *exchange,
                        const struct mr_http_request *request, struct mr_slice id)
{
    (void)id;
    if (!has_snap_start(environment, exchange)) {
        return;
    }
    if (environment->state != ENV_RESTORING) {
        api_refuse_transition(exchange, environment, "RuntimeRestoreErrorState");
        return;
    }
    api_take_init_error(environment, exchange, request, ENV_RESTORE_ERROR);
    log_restore(environment, "error", environment->init_error_type);
}

/* The value of a variable given to every function; absent when there is none. */
static struct mr_slice
variable(const struct environment *environment, const char *name)
{
    const struct mr_runtime_options *options = &environment->runtime->options;

    for (size_t i = 0; i < options->environment_count; i++) {
        struct mr_slice value = options->environment[i];
        if (mr_slice_is(mr_slice_cut(&value, '='), name)) {
            return value;
        }
    }
    return (struct mr_slice){ 0 };
}

void
api_serve_credentials(struct environment *environment, struct mr_http_exchange *exchange,
                      const struct mr_http_request *request, struct mr_slice id)
{
    struct mr_slice token = mr_http_request_header(request, "Authorization");
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_json_writer json = mr_json_writer_on(&body);
    char expires[32];

    (void)id;
    if (!has_snap_start(environment, exchange)) {
        return;
    }
    if (!mr_slice_is(token, environment->token)) {
        api_answer(exchange, 404, MR_SLICE("text/plain; charset=utf-8"),
                   MR_SLICE("cannot get credentials for the provided token\n"));
        return;
    }
    log_time(expires, mr_clock_wall_us(mr_clock_system()) + 3600ull * 1000000);
    mr_json_begin_object(&json);
    mr_json_member_string(&json, "AccessKeyId", variable(environment, "AWS_ACCESS_KEY_ID"));
    mr_json_member_string(&json, "SecretAccessKey",
                          variable(environment, "AWS_SECRET_ACCESS_KEY"));
    mr_json_member_string(&json, "Token", variable(environment, "AWS_SESSION_TOKEN"));
    mr_json_member_str(&json, "Expiration", expires);
    mr_json_end_object(&json);
    api_answer(exchange, 200, MR_SLICE("application/json"), mr_buf_slice(&body));
}
