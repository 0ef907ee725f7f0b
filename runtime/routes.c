/* Which function serves which path of the APIs an environment's processes see. */
#include "base/limits.h"
#include "runtime/inside.h"

#define RUNTIME   "/2018-06-01"
#define EXTENSION "/2020-01-01/extension"

static void
serve_ping(struct environment *environment, struct mr_http_exchange *exchange,
           const struct mr_http_request *request, struct mr_slice id)
{
    (void)environment;
    (void)request;
    (void)id;
    api_answer(exchange, 200, MR_SLICE("text/plain; charset=utf-8"), MR_SLICE("pong"));
}

struct route {
    const char *method;
    struct mr_slice before; /* of the id; the whole path when there is none */
    struct mr_slice after;
    api_serve_fn *serve;
};

static const struct route routes[] = {
    { "GET", MR_SLICE_INIT(RUNTIME "/runtime/invocation/next"), { 0 }, api_serve_next },
    { "POST", MR_SLICE_INIT(RUNTIME "/runtime/invocation/"), MR_SLICE_INIT("/response"),
      api_serve_response },
    { "POST", MR_SLICE_INIT(RUNTIME "/runtime/invocation/"), MR_SLICE_INIT("/error"),
      api_serve_error },
    { "POST", MR_SLICE_INIT(RUNTIME "/runtime/init/error"), { 0 }, api_serve_init_error },
    { "GET", MR_SLICE_INIT(RUNTIME "/runtime/restore/next"), { 0 }, api_serve_restore_next },
    { "POST", MR_SLICE_INIT(RUNTIME "/runtime/restore/error"), { 0 }, api_serve_restore_error },
    { "GET", MR_SLICE_INIT("/2021-04-23/credentials"), { 0 }, api_serve_credentials },
    { "GET", MR_SLICE_INIT(RUNTIME "/ping"), { 0 }, serve_ping },
    { "POST", MR_SLICE_INIT(EXTENSION "/register"), { 0 }, api_serve_register },
    { "GET", MR_SLICE_INIT(EXTENSION "/event/next"), { 0 }, api_serve_event_next },
    { "POST", MR_SLICE_INIT(EXTENSION "/init/error"), { 0 }, api_serve_extension_init_error },
    { "POST", MR_SLICE_INIT(EXTENSION "/exit/error"), { 0 }, api_serve_extension_exit_error },
    { "PUT", MR_SLICE_INIT("/2022-07-01/telemetry"), { 0 }, api_serve_telemetry },
    { "PUT", MR_SLICE_INIT("/2020-08-15/logs"), { 0 }, api_serve_logs },
};

static const struct route *
find_route(struct mr_slice path, struct mr_slice *out_id)
{
    *out_id = (struct mr_slice){ 0 };
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        const struct route *route = &routes[i];
        if (route->after.size == 0) {
            if (mr_slice_eq(path, route->before)) {
                return route;
            }
            continue;
        }
        if (mr_slice_starts_with(path, route->before) &&
            mr_slice_ends_with(path, route->after) &&
            path.size > route->before.size + route->after.size) {
            struct mr_slice id = mr_slice_from(path, route->before.size);
            *out_id = mr_slice_first(id, id.size - route->after.size);
            return route;
        }
    }
    return NULL;
}

static void
on_head(struct mr_http_exchange *exchange, const struct mr_http_request *request,
        struct mr_http_plan *plan, void *context)
{
    struct environment *environment = mr_http_exchange_listener(exchange);
    struct mr_slice id;
    const struct route *route = find_route(request->path, &id);

    (void)context;
    plan->max_body = MR_LAMBDA_MAX_RESPONSE_BYTES;
    plan->serve_faulty_body = true;
    if (environment_is_stranger(environment, exchange)) {
        plan->max_body = 0;
        return;
    }
    if (route == NULL || route->serve != api_serve_response ||
        !mr_slice_is(api_response_mode(request), "streaming")) {
        return;
    }
    struct invocation *invocation = many_find(environment, id);
    if (environment->many
            ? invocation == NULL || invocation->state != ENV_RUNNING
            : environment->state != ENV_RUNNING || !api_is_current(environment, id)) {
        return;
    }
    if (environment->many) {
        invocation->state = ENV_RESPONSE;
    } else {
        invocation = environment->invocation;
        environment->state = ENV_RESPONSE;
        mr_buf_clear(&environment->stream);
    }
    plan->stream = true;
    plan->max_body = MAX_STREAM_BYTES;
    invocation->responding_us = mr_clock_now_us(mr_clock_system());
    mr_http_exchange_set_user(exchange, environment);
}

/* Whose response streams on this exchange; NULL when it is over already. */
static struct invocation *
streaming(struct environment *environment, struct mr_http_exchange *exchange)
{
    struct mr_slice id;

    if (environment->many) {
        (void)find_route(mr_http_exchange_request(exchange)->path, &id);
        struct invocation *invocation = many_find(environment, id);
        return invocation != NULL && invocation->state == ENV_RESPONSE ? invocation : NULL;
    }
    return environment->state == ENV_RESPONSE ? environment->invocation : NULL;
}

static void
on_chunk(struct mr_http_exchange *exchange, struct mr_slice chunk, void *context)
{
    struct environment *environment = mr_http_exchange_user(exchange);

    (void)context;
    struct invocation *invocation =
        environment == NULL ? NULL : streaming(environment, exchange);
    if (invocation == NULL || invocation->answered) {
        return;
    }
    struct mr_buf *stream = environment->many ? &invocation->stream : &environment->stream;
    invocation->produced_bytes += chunk.size;
    if (invocation->chunk != NULL) {
        invocation->chunk(chunk, invocation->context);
    } else if (stream->size <= MR_LAMBDA_MAX_RESPONSE_BYTES) {
        mr_buf_append_slice(stream, chunk);
    }
}

static void
on_serve(struct mr_http_exchange *exchange, const struct mr_http_request *request,
         void *context)
{
    struct environment *environment = mr_http_exchange_listener(exchange);
    struct mr_slice id;
    const struct route *route = find_route(request->path, &id);

    (void)context;
    if (environment_is_stranger(environment, exchange)) {
        api_answer(exchange, 403, MR_SLICE("text/plain; charset=utf-8"),
                   MR_SLICE("403 this Runtime API is another sandbox's\n"));
    } else if (route == NULL) {
        api_answer(exchange, 404, MR_SLICE("text/plain; charset=utf-8"),
                   MR_SLICE("404 page not found\n"));
    } else if (!mr_slice_is(request->method, route->method)) {
        const struct mr_http_header allow = { MR_SLICE("Allow"), mr_slice_str(route->method) };
        const struct mr_http_response response = { .status = 405,
                                                   .headers = &allow,
                                                   .header_count = 1 };
        mr_http_respond(exchange, &response);
    } else {
        route->serve(environment, exchange, request, id);
    }
}

const struct mr_http_handler runtime_api_handler = {
    .head = on_head,
    .chunk = on_chunk,
    .serve = on_serve,
};
