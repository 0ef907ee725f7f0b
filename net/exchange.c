#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/limits.h"
#include "net/http_inside.h"

struct mr_http_exchange *
mr_http_exchange_new(struct mr_http_connection *connection,
                     const struct mr_http_answering *answering)
{
    struct mr_http_exchange *exchange = mr_alloc_zero(1, sizeof(*exchange));
    exchange->connection = connection;
    exchange->answering = answering;
    exchange->plan.max_body = MR_HTTP_MAX_BODY_BYTES;
    return exchange;
}

void
mr_http_exchange_free(struct mr_http_exchange *exchange)
{
    mr_arena_deinit(&exchange->arena);
    mr_buf_deinit(&exchange->body);
    free(exchange);
}

void
mr_http_exchange_abort(struct mr_http_exchange *exchange)
{
    mr_http_exchange_fn *aborted = exchange->aborted;
    exchange->aborted = NULL;
    exchange->drained = NULL;
    if (aborted != NULL && !exchange->answered) {
        aborted(exchange, exchange->aborted_context);
    }
}

struct mr_arena *
mr_http_exchange_arena(struct mr_http_exchange *exchange)
{
    return &exchange->arena;
}

const struct mr_http_request *
mr_http_exchange_request(const struct mr_http_exchange *exchange)
{
    return &exchange->request;
}

void *
mr_http_exchange_listener(const struct mr_http_exchange *exchange)
{
    return exchange->connection->label;
}

enum mr_http_body_fault
mr_http_exchange_body_fault(const struct mr_http_exchange *exchange)
{
    return exchange->fault;
}

uint64_t
mr_http_exchange_connection(const struct mr_http_exchange *exchange)
{
    return exchange->connection->number;
}

struct mr_slice
mr_http_exchange_peer(struct mr_http_exchange *exchange)
{
    return mr_slice_str(exchange->connection->peer);
}

bool
mr_http_exchange_is_tls(const struct mr_http_exchange *exchange)
{
    return exchange->connection->tls != NULL;
}

int
mr_http_exchange_fd(const struct mr_http_exchange *exchange)
{
    return exchange->connection->fd;
}

void
mr_http_exchange_pause_body(struct mr_http_exchange *exchange, bool paused)
{
    if (exchange->body_paused != paused) {
        exchange->body_paused = paused;
        exchange->answering->pause_body(exchange, paused);
    }
}

void
mr_http_exchange_set_user(struct mr_http_exchange *exchange, void *user)
{
    exchange->user = user;
}

void *
mr_http_exchange_user(const struct mr_http_exchange *exchange)
{
    return exchange->user;
}

void
mr_http_exchange_on_abort(struct mr_http_exchange *exchange, mr_http_exchange_fn *fn,
                          void *context)
{
    exchange->aborted = fn;
    exchange->aborted_context = context;
}

void
mr_http_exchange_on_drain(struct mr_http_exchange *exchange, mr_http_exchange_fn *fn,
                          void *context)
{
    exchange->drained = fn;
    exchange->drained_context = context;
}

void
mr_http_respond(struct mr_http_exchange *exchange, const struct mr_http_response *response)
{
    mr_assert(!exchange->answered && !exchange->begun);
    exchange->answering->respond(exchange, response);
}

void
mr_http_respond_begin(struct mr_http_exchange *exchange,
                      const struct mr_http_response *response)
{
    mr_assert(!exchange->answered && !exchange->begun);
    exchange->begun = true;
    exchange->answering->begin(exchange, response);
}

void
mr_http_respond_write(struct mr_http_exchange *exchange, struct mr_slice part)
{
    mr_assert(exchange->begun && !exchange->answered);
    if (part.size > 0) {
        exchange->answering->write(exchange, part);
    }
}

void
mr_http_respond_end(struct mr_http_exchange *exchange)
{
    mr_assert(exchange->begun && !exchange->answered);
    exchange->answering->end(exchange);
}

size_t
mr_http_exchange_unsent(const struct mr_http_exchange *exchange)
{
    return exchange->answering->unsent(exchange);
}

void
mr_http_abort(struct mr_http_exchange *exchange)
{
    exchange->aborted = NULL;
    exchange->answering->cut(exchange);
}
