#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The platform sends SIGTERM only to a runtime that has registered an extension. So a
 * handler with a `shutdown` registers one that asks for no events and parks in its `next`.
 */

enum { LEFT_MS = 500 }; /* what the platform gives when only internal extensions are there */

static struct {
    const struct mr_handler *handler;
    void *user;
    struct connection connection;
} state;

static int
exchange(const char *request, struct reply *reply)
{
    struct mr_str part = mr_str_z(request);
    return connection_send(&state.connection, &part, 1) < 0
               ? -1
               : connection_receive(&state.connection, reply);
}

static void *
park(void *identifier)
{
    char request[512];
    struct reply reply;
    snprintf(request, sizeof(request),
             "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: %s\r\n"
             "Lambda-Extension-Identifier: %s\r\n\r\n",
             state.connection.host_header, (const char *)identifier);
    free(identifier);
    exchange(request, &reply);
    return NULL;
}

static void *
wait_for_sigterm(void *unused)
{
    sigset_t set;
    int signal_number;
    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigwait(&set, &signal_number);
    state.handler->shutdown(state.user, LEFT_MS);
    _exit(0);
}

static int
start_thread(void *(*run)(void *), void *context)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, context) != 0) {
        return -1;
    }
    pthread_detach(thread);
    return 0;
}

/* Call before other threads start: they inherit the blocked signal. */
int
shutdown_watch(const struct mr_handler *handler, void *user, const char *host_port)
{
    if (handler->shutdown == NULL) {
        return 0;
    }
    state.handler = handler;
    state.user = user;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (start_thread(wait_for_sigterm, NULL) < 0 ||
        connection_init(&state.connection, host_port) < 0) {
        return -1;
    }

    char request[512];
    struct reply reply;
    snprintf(request, sizeof(request),
             "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: %s\r\n"
             "Lambda-Extension-Name: millrace-handler\r\nContent-Type: application/json\r\n"
             "Content-Length: 13\r\n\r\n{\"events\":[]}",
             host_port);
    if (exchange(request, &reply) < 0 || reply.status != 200) {
        return -1;
    }
    struct mr_str id = reply_header(&reply, "Lambda-Extension-Identifier");
    char *identifier = malloc(id.size + 1);
    if (identifier == NULL) {
        die("out of memory");
    }
    memcpy(identifier, id.data, id.size);
    identifier[id.size] = '\0';
    return start_thread(park, identifier);
}
