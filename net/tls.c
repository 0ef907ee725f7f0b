#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "net/tls_stream.h"

struct mr_tls {
    SSL_CTX *context;
};

/* ---- the server's certificate ---- */

static const char *
reason(void)
{
    const char *text = ERR_reason_error_string(ERR_get_error());
    return text == NULL ? "unknown reason" : text;
}

/* h2 first, whatever order the client likes. */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                const unsigned char *in, unsigned in_size, void *context)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char *chosen;
    (void)ssl;
    (void)context;
    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

struct mr_tls *
mr_tls_open(const char *cert_file, const char *key_file, struct mr_error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        mr_fail(err, -ENOMEM, "OpenSSL: %s", reason());
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1) {
        mr_fail(err, -EINVAL, "certificate %s: %s", cert_file, reason());
    } else if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
        mr_fail(err, -EINVAL, "key %s: %s", key_file, reason());
    } else if (SSL_CTX_check_private_key(context) != 1) {
        mr_fail(err, -EINVAL, "key %s does not belong to certificate %s", key_file, cert_file);
    } else {
        struct mr_tls *tls = mr_alloc(sizeof(*tls));
        tls->context = context;
        return tls;
    }
    SSL_CTX_free(context);
    return NULL;
}

void
mr_tls_free(struct mr_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        free(tls);
    }
}

/* ---- making one ---- */

static bool
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static X509 *
self_signed(EVP_PKEY *key)
{
    enum { TEN_YEARS = 10 * 365 * 24 * 3600 };
    uint64_t serial;
    X509 *cert = X509_new();
    RAND_bytes((unsigned char *)&serial, sizeof(serial));
    X509_set_version(cert, 2);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -24 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), TEN_YEARS);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"millrace", -1,
                               -1, 0);
    X509_set_issuer_name(cert, name);
    bool ok = add_extension(cert, NID_subject_alt_name,
                            "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1") &&
              add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
              X509_sign(cert, key, EVP_sha256()) > 0;
    if (!ok) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* Written beside and renamed, so that a crash leaves no half file behind. */
static int
write_pem(const char *path, X509 *cert, EVP_PKEY *key, struct mr_error *err)
{
    char *temporary = mr_format("%s.new", path);
    mode_t mask = umask(0177);
    FILE *file = fopen(temporary, "w");
    umask(mask);
    bool ok = file != NULL &&
              (cert != NULL ? PEM_write_X509(file, cert)
                            : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)) == 1;
    ok = (file == NULL || fclose(file) == 0) && ok;
    int result = 0;
    if (!ok || rename(temporary, path) < 0) {
        result =
            mr_fail(err, errno == 0 ? -EIO : -errno, "write %s: %s", path, strerror(errno));
    }
    free(temporary);
    return result;
}

static int
make_pair(const char *cert_file, const char *key_file, struct mr_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key == NULL ? NULL : self_signed(key);
    int result = cert == NULL ? mr_fail(err, -EIO, "make a certificate: %s", reason())
                              : write_pem(key_file, NULL, key, err);
    if (result == 0) {
        result = write_pem(cert_file, cert, NULL, err);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return result;
}

struct mr_tls *
mr_tls_open_or_make(const char *directory, struct mr_error *err)
{
    mr_auto_free char *cert_file = mr_format("%s/tls.crt", directory);
    mr_auto_free char *key_file = mr_format("%s/tls.key", directory);
    if (access(cert_file, F_OK) < 0 && make_pair(cert_file, key_file, err) < 0) {
        return NULL;
    }
    return mr_tls_open(cert_file, key_file, err);
}

/* ---- one connection ---- */

struct mr_tls_stream {
    SSL *ssl;
    bool wants_write;
};

struct mr_tls_stream *
mr_tls_stream_new(struct mr_tls *tls, int fd)
{
    struct mr_tls_stream *stream = mr_alloc_zero(1, sizeof(*stream));
    stream->ssl = SSL_new(tls->context);
    SSL_set_fd(stream->ssl, fd);
    SSL_set_accept_state(stream->ssl);
    return stream;
}

void
mr_tls_stream_free(struct mr_tls_stream *stream)
{
    if (stream != NULL) {
        SSL_shutdown(stream->ssl);
        SSL_free(stream->ssl);
        ERR_clear_error();
        free(stream);
    }
}

static ssize_t
result_of(struct mr_tls_stream *stream, int result)
{
    int why = SSL_get_error(stream->ssl, result);
    ERR_clear_error();
    stream->wants_write = why == SSL_ERROR_WANT_WRITE;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
        return -1;
    }
    if (why == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    errno = EPROTO;
    return -1;
}

ssize_t
mr_tls_stream_recv(struct mr_tls_stream *stream, void *data, size_t size)
{
    size_t got = 0;
    int result = SSL_read_ex(stream->ssl, data, size, &got);
    return result == 1 ? (ssize_t)got : result_of(stream, result);
}

ssize_t
mr_tls_stream_send(struct mr_tls_stream *stream, const void *data, size_t size)
{
    size_t sent = 0;
    int result = SSL_write_ex(stream->ssl, data, size, &sent);
    return result == 1 ? (ssize_t)sent : result_of(stream, result);
}

bool
mr_tls_stream_wants_write(const struct mr_tls_stream *stream)
{
    return stream->wants_write;
}

struct mr_slice
mr_tls_stream_alpn(const struct mr_tls_stream *stream)
{
    const unsigned char *name = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(stream->ssl, &name, &size);
    return mr_slice_of(name, size);
}
