#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/http_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mr_loop *loop;
static struct mr_http_server *server;

static void
serve(struct mr_http_exchange *exchange, const struct mr_http_request *request, void *context)
{
    struct mr_http_response response = { .status = 200, .body = request->body };
    (void)context;
    if (mr_slice_starts_with(request->path, MR_SLICE("/parts"))) {
        mr_http_respond_begin(exchange, &response);
        mr_http_respond_write(exchange, MR_SLICE("part"));
        mr_http_respond_end(exchange);
    } else if (mr_slice_starts_with(request->path, MR_SLICE("/cut"))) {
        mr_http_abort(exchange);
    } else if (!mr_slice_starts_with(request->path, MR_SLICE("/keep"))) {
        mr_http_respond(exchange, &response);
    }
}

/*
 * A connection of HTTP/1.1 or HTTP/2, whichever the bytes are, over a socket pair. An odd first
 * byte puts HTTP/2's preface before the rest.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static struct mr_http_listener listener;
    int fds[2];
    if (size == 0 || size > 65536) {
        return 0;
    }
    if (loop == NULL) {
        struct mr_http_server_options options = { .handler = { .serve = serve } };
        loop = mr_loop_new(NULL);
        server = mr_http_server_new(loop, &options);
        listener.server = server;
    }
    mr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    mr_http_connection_open(&listener, fds[0]);
    bool sent = (data[0] & 1) == 0 || write(fds[1], preface, sizeof(preface) - 1) > 0;
    sent = write(fds[1], data + 1, size - 1) >= 0 && sent;
    mr_assert(sent);
    for (int i = 0; i < 4; i++) {
        mr_loop_run_once(loop, 0);
    }
    close(fds[1]);
    for (int i = 0; i < 100 && server->connection_count > 0; i++) {
        mr_loop_run_once(loop, 0);
    }
    mr_assert(server->connection_count == 0);
    return 0;
}
