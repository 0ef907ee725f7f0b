/*
 * tls_stream: one connection's TLS, on a non-blocking descriptor. Private to net/.
 */
#ifndef MR_NET_TLS_STREAM_H
#define MR_NET_TLS_STREAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"
#include "net/tls.h"

struct mr_tls_stream;

/* The server's side on `fd`, which stays the caller's. Never NULL. */
struct mr_tls_stream *mr_tls_stream_new(struct mr_tls *tls, int fd);
void mr_tls_stream_free(struct mr_tls_stream *stream);

/* As recv and send: bytes, 0 at the end, -1 with errno; EAGAIN when the socket is not ready. */
ssize_t mr_tls_stream_recv(struct mr_tls_stream *stream, void *data, size_t size);
ssize_t mr_tls_stream_send(struct mr_tls_stream *stream, const void *data, size_t size);

/* The last recv or send wants the socket writable although it reads. */
bool mr_tls_stream_wants_write(const struct mr_tls_stream *stream);
/* "h2", "http/1.1", or absent while the handshake goes on or nothing was agreed. */
struct mr_slice mr_tls_stream_alpn(const struct mr_tls_stream *stream);

#endif
