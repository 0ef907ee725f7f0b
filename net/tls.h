/*
 * tls: a server's certificate and what it may speak.
 *
 * TLS 1.2 and 1.3, ALPN h2 and http/1.1. Thread: made once, used by any loop.
 */
#ifndef MR_NET_TLS_H
#define MR_NET_TLS_H

#include "base/error.h"

struct mr_tls;

/* PEM files. NULL with `err` filled when they cannot be used. */
MR_MUST_USE
struct mr_tls *mr_tls_open(const char *cert_file, const char *key_file, struct mr_error *err);

/*
 * The certificate in `directory` (tls.crt, tls.key), made there on first use: self-signed,
 * for localhost, *.localhost, 127.0.0.1 and ::1, ten years.
 */
MR_MUST_USE
struct mr_tls *mr_tls_open_or_make(const char *directory, struct mr_error *err);

void mr_tls_free(struct mr_tls *tls);

#endif
