/*
 * service: an HTTP server on the test's own loop that answers what the test says, and what a
 * client of it needs.
 */
#ifndef MR_TESTS_AWS_SERVICE_H
#define MR_TESTS_AWS_SERVICE_H

#include <stdio.h>

#include "base/alloc.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "tests/suite.h"

struct service {
    struct mr_clock clock; /* first; the machine's, and what is added while we answer */
    uint64_t ahead_us;
    struct mr_loop *loop;
    struct mr_http_server *server;
    struct mr_http_client *http;
    char endpoint[64];
    bool stopped;
    void (*serve)(struct mr_http_exchange *, const struct mr_http_request *, void *);
    void *context;
};

/* The loop's clock is the client's too: it is ahead only while the service looks at it. */
static inline uint64_t
service_wall_us(const struct mr_clock *clock)
{
    const struct service *service = (const void *)clock;
    return mr_clock_wall_us(mr_clock_system()) + service->ahead_us;
}

static inline void
service_serve(struct mr_http_exchange *exchange, const struct mr_http_request *request,
              void *context)
{
    struct service *service = context;
    service->serve(exchange, request, service->context);
}

static inline void
service_answer(struct mr_http_exchange *exchange, int status, const char *body,
               const struct mr_http_header *header)
{
    struct mr_http_response response = { .status = status,
                                         .body = mr_slice_str(body),
                                         .headers = header,
                                         .header_count = header == NULL ? 0 : 1 };
    mr_http_respond(exchange, &response);
}

static inline void
service_init(struct service *service,
             void (*serve)(struct mr_http_exchange *, const struct mr_http_request *, void *),
             void *context)
{
    struct mr_http_server_options options = { .handler = { .serve = service_serve },
                                              .context = service };
    int fd = mr_net_listen_tcp("127.0.0.1", 0, NULL);
    *service = (struct service){ .serve = serve, .context = context };
    service->clock = *mr_clock_system();
    service->clock.wall_us = service_wall_us;
    service->loop = mr_loop_new(&service->clock);
    service->server = mr_http_server_new(service->loop, &options);
    service->http = mr_http_client_new(service->loop);
    snprintf(service->endpoint, sizeof(service->endpoint), "http://127.0.0.1:%u",
             mr_net_port(fd));
    ck_assert_int_eq(mr_http_server_listen_fd(service->server, fd, NULL, NULL, NULL), 0);
}

static inline void
service_stopped(void *context)
{
    ((struct service *)context)->stopped = true;
}

static inline void
service_deinit(struct service *service)
{
    mr_http_client_free(service->http);
    mr_http_server_stop(service->server, 0, service_stopped, service);
    while (!service->stopped) {
        mr_loop_run_once(service->loop, 100);
    }
    mr_http_server_free(service->server);
    mr_loop_free(service->loop);
}

/* Runs the loop until `*done` reaches `count`. */
static inline void
service_await(struct service *service, const int *done, int count)
{
    for (int i = 0; i < 2000 && *done < count; i++) {
        mr_loop_run_once(service->loop, 10);
    }
    ck_assert_int_eq(*done, count);
}

#endif
