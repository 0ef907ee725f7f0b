/*
 * sigv4: AWS Signature Version 4, one canonical form for signing and verifying.
 *
 * Signing adds the headers a request needs; presigning writes them into a query.
 * Verifying is two steps, because AWS's servers complain about the shape of the
 * fields before they look at any secret: `read` finds them and names what is
 * missing, `check` recomputes the signature and compares in constant time.
 *
 * Cost: SHA-256 of the body (about 0.6 ms a megabyte) and five HMACs, of which
 * four are remembered by a `struct mr_sigv4_key` for the day.
 *
 * Thread: any, with a key per thread.
 */
#ifndef MR_AWS_SIGV4_H
#define MR_AWS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/slice.h"
#include "net/http.h"

enum {
    MR_SHA256_HEX = 64,
    MR_SIGV4_MAX_SKEW_MS = 15 * 60 * 1000, /* AWS's */
    MR_SIGV4_MAX_EXPIRES_S = 604800,       /* presigned: a week */
    MR_SIGV4_MAX_SIGNED_HEADERS = 64,
};

/* What is signed. Header names in any case; `host` must be among the headers. */
struct mr_sigv4_request {
    struct mr_slice method;
    struct mr_slice path;  /* as it stands on the wire, percent-encoded; "/" when empty */
    struct mr_slice query; /* without '?'; may be absent */
    const struct mr_http_header *headers;
    size_t header_count;
    struct mr_slice body;
    bool unsigned_payload; /* "UNSIGNED-PAYLOAD" instead of the body's digest */
    bool plain_path;       /* S3: the path is not encoded a second time */
};

/* The derived key of one day, region and service; zeroed means empty. */
struct mr_sigv4_key {
    uint8_t key[32];
    char scope[160]; /* what it was derived for */
    uint8_t secret_digest[32];
};

struct mr_sigv4_signer {
    const struct mr_credentials *credentials; /* the caller's */
    struct mr_slice region;
    struct mr_slice service;
    struct mr_sigv4_key key; /* zeroed at first; kept from call to call */
};

enum { MR_SIGV4_MAX_ADDED = 4 };

/*
 * Writes the headers to add to `out_added` (X-Amz-Date, X-Amz-Security-Token when there is one,
 * X-Amz-Content-Sha256 for S3, Authorization) and returns how many. All headers of the request
 * are signed, so leave out what a proxy or the HTTP library may change. Text is in the arena.
 */
size_t mr_sigv4_sign(struct mr_sigv4_signer *signer, const struct mr_sigv4_request *request,
                     uint64_t now_ms, struct mr_arena *arena,
                     struct mr_http_header out_added[MR_SIGV4_MAX_ADDED]);

/* The whole query string, signed, valid for `expires_s`; in the arena. */
struct mr_slice mr_sigv4_presign(struct mr_sigv4_signer *signer,
                                 const struct mr_sigv4_request *request, uint64_t now_ms,
                                 uint64_t expires_s, struct mr_arena *arena);

enum mr_sigv4_shape {
    MR_SIGV4_COMPLETE,
    MR_SIGV4_ABSENT,     /* neither header nor query */
    MR_SIGV4_BOTH,       /* Authorization and X-Amz-Algorithm */
    MR_SIGV4_INCOMPLETE, /* see `complaint` */
};

/* The fields of a signed request; views into it or the arena. */
struct mr_sigv4_auth {
    enum mr_sigv4_shape shape;
    bool presigned;
    struct mr_slice access_key;
    struct mr_slice scope; /* DATE/REGION/SERVICE/aws4_request */
    struct mr_slice date, region, service;
    struct mr_slice signed_headers; /* "host;x-amz-date" */
    struct mr_slice signature;
    struct mr_slice amz_date; /* 20260801T120000Z */
    struct mr_slice session_token;
    uint64_t expires_s;        /* presigned */
    struct mr_slice complaint; /* AWS's sentence for INCOMPLETE and BOTH */
};

void mr_sigv4_read(const struct mr_sigv4_request *request, struct mr_arena *arena,
                   struct mr_sigv4_auth *out_auth);

enum mr_sigv4_verdict {
    MR_SIGV4_GOOD,
    MR_SIGV4_WRONG, /* signature, scope, payload digest, or an unsigned host: not said which */
    MR_SIGV4_EXPIRED, /* the clock: older than the skew allows, or a presigned URL out of time
                       */
};

/* `secret` belongs to auth->access_key; region and service are what we are. */
enum mr_sigv4_verdict mr_sigv4_check(const struct mr_sigv4_auth *auth,
                                     const struct mr_sigv4_request *request,
                                     struct mr_slice secret, struct mr_slice region,
                                     struct mr_slice service, uint64_t now_ms,
                                     struct mr_sigv4_key *key, struct mr_arena *arena);

/* Lower-case hex digest. */
void mr_sha256_hex(struct mr_slice data, char out_hex[MR_SHA256_HEX]);
void mr_hmac_sha256(struct mr_slice key, struct mr_slice data, uint8_t out[32]);

/* 20260801T120000Z and back; `parse` refuses anything else. */
enum { MR_AMZ_DATE_SIZE = 17 };
void mr_amz_date_format(uint64_t unix_ms, char out_text[MR_AMZ_DATE_SIZE]);
bool mr_amz_date_parse(struct mr_slice text, uint64_t *out_unix_ms);

#endif
