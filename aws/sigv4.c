#include "aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "aws/canonical.h"
#include "base/assert.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

/* ---- digests ---- */

static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

/* Fetched once: looking an algorithm up costs more than a short digest. */
static void
fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    mr_assert(sha256 != NULL);
}

static void
digest(struct mr_slice data, uint8_t out[32])
{
    (void)pthread_once(&sha256_once, fetch_sha256);
    mr_assert(EVP_Digest(data.data, data.size, out, NULL, sha256, NULL) == 1);
}

static void
to_hex(const uint8_t *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void
mr_sha256_hex(struct mr_slice data, char out_hex[MR_SHA256_HEX])
{
    uint8_t bytes[32];
    digest(data, bytes);
    to_hex(bytes, sizeof(bytes), out_hex);
}

void
mr_hmac_sha256(struct mr_slice key, struct mr_slice data, uint8_t out[32])
{
    (void)pthread_once(&sha256_once, fetch_sha256);
    mr_assert(HMAC(sha256, key.data, (int)key.size, data.data, data.size, out, NULL) != NULL);
}

/* ---- dates ---- */

void
mr_amz_date_format(uint64_t unix_ms, char out_text[MR_AMZ_DATE_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(out_text, MR_AMZ_DATE_SIZE, "%Y%m%dT%H%M%SZ", &parts);
}

bool
mr_amz_date_parse(struct mr_slice text, uint64_t *out_unix_ms)
{
    char copy[MR_AMZ_DATE_SIZE], again[MR_AMZ_DATE_SIZE];
    struct tm parts = { 0 };

    if (text.size != MR_AMZ_DATE_SIZE - 1) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    const char *end = strptime(copy, "%Y%m%dT%H%M%SZ", &parts);
    time_t seconds = end == NULL || *end != '\0' ? -1 : timegm(&parts);
    if (seconds < 0) {
        return false;
    }
    mr_amz_date_format((uint64_t)seconds * 1000, again);
    if (memcmp(copy, again, sizeof(copy)) != 0) {
        return false;
    }
    *out_unix_ms = (uint64_t)seconds * 1000;
    return true;
}

/* ---- keys and signatures ---- */

/* kSigning of `scope` = DATE/REGION/SERVICE/aws4_request, remembered in `key`. */
static void
derive(struct mr_sigv4_key *key, struct mr_slice secret, struct mr_slice scope)
{
    uint8_t secret_digest[32], first[4 + 256];

    digest(secret, secret_digest);
    if (scope.size < sizeof(key->scope) && mr_slice_is(scope, key->scope) &&
        CRYPTO_memcmp(secret_digest, key->secret_digest, sizeof(secret_digest)) == 0) {
        return;
    }
    size_t size = secret.size < 256 ? secret.size : 256;
    memcpy(first, "AWS4", 4);
    memcpy(first + 4, secret.data, size);
    struct mr_slice link = mr_slice_of(first, 4 + size);
    struct mr_slice rest = scope;
    while (rest.data != NULL) {
        uint8_t next[32];
        mr_hmac_sha256(link, mr_slice_cut(&rest, '/'), next);
        memcpy(key->key, next, sizeof(next));
        link = mr_slice_of(key->key, sizeof(key->key));
    }
    explicit_bzero(first, sizeof(first));
    key->scope[0] = '\0';
    if (scope.size < sizeof(key->scope)) {
        memcpy(key->scope, scope.data, scope.size);
        key->scope[scope.size] = '\0';
        memcpy(key->secret_digest, secret_digest, sizeof(secret_digest));
    }
}

static void
signature_of(const struct mr_sigv4_request *request, struct mr_slice signed_headers,
             struct mr_slice amz_date, struct mr_slice scope, const struct mr_sigv4_key *key,
             struct mr_arena *arena, char out_hex[MR_SHA256_HEX])
{
    mr_auto_buf struct mr_buf text = { 0 };
    char request_hex[MR_SHA256_HEX];
    uint8_t mac[32];

    mr_canonical_request(&text, request, signed_headers, arena);
    mr_sha256_hex(mr_buf_slice(&text), request_hex);
    mr_buf_clear(&text);
    mr_buf_printf(&text, ALGORITHM "\n%.*s\n%.*s\n%.*s", MR_SLICE_ARGS(amz_date),
                  MR_SLICE_ARGS(scope), MR_SHA256_HEX, request_hex);
    mr_hmac_sha256(mr_slice_of(key->key, sizeof(key->key)), mr_buf_slice(&text), mac);
    to_hex(mac, sizeof(mac), out_hex);
}

static struct mr_slice
scope_of(const struct mr_sigv4_signer *signer, struct mr_slice amz_date, struct mr_arena *arena)
{
    return mr_slice_str(
        mr_arena_printf(arena, "%.8s/%.*s/%.*s/aws4_request", (const char *)amz_date.data,
                        MR_SLICE_ARGS(signer->region), MR_SLICE_ARGS(signer->service)));
}

static struct mr_slice
date_of(uint64_t now_ms, struct mr_arena *arena)
{
    char *text = mr_arena_alloc(arena, MR_AMZ_DATE_SIZE);
    mr_amz_date_format(now_ms, text);
    return mr_slice_of(text, MR_AMZ_DATE_SIZE - 1);
}

/* ---- signing ---- */

size_t
mr_sigv4_sign(struct mr_sigv4_signer *signer, const struct mr_sigv4_request *request,
              uint64_t now_ms, struct mr_arena *arena,
              struct mr_http_header out_added[MR_SIGV4_MAX_ADDED])
{
    struct mr_slice amz_date = date_of(now_ms, arena),
                    scope = scope_of(signer, amz_date, arena);
    size_t count = 0;

    out_added[count++] = (struct mr_http_header){ MR_SLICE("X-Amz-Date"), amz_date };
    if (signer->credentials->session_token != NULL) {
        out_added[count++] =
            (struct mr_http_header){ MR_SLICE("X-Amz-Security-Token"),
                                     mr_slice_str(signer->credentials->session_token) };
    }
    if (request->plain_path) {
        char *hex = mr_arena_alloc(arena, MR_SHA256_HEX);
        struct mr_slice value = MR_SLICE("UNSIGNED-PAYLOAD");
        if (!request->unsigned_payload) {
            mr_sha256_hex(request->body, hex);
            value = mr_slice_of(hex, MR_SHA256_HEX);
        }
        out_added[count++] = (struct mr_http_header){ MR_SLICE("X-Amz-Content-Sha256"), value };
    }

    struct mr_sigv4_request whole = *request;
    struct mr_http_header *headers =
        mr_arena_alloc(arena, (request->header_count + count) * sizeof(*headers));
    if (request->header_count > 0) {
        memcpy(headers, request->headers, request->header_count * sizeof(*headers));
    }
    memcpy(headers + request->header_count, out_added, count * sizeof(*headers));
    whole.headers = headers;
    whole.header_count = request->header_count + count;

    char hex[MR_SHA256_HEX];
    struct mr_slice names = mr_canonical_header_names(&whole, arena);
    derive(&signer->key, mr_slice_str(signer->credentials->secret_key), scope);
    signature_of(&whole, names, amz_date, scope, &signer->key, arena, hex);
    char *value = mr_arena_printf(
        arena, ALGORITHM " Credential=%s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
        signer->credentials->access_key, MR_SLICE_ARGS(scope), MR_SLICE_ARGS(names),
        MR_SHA256_HEX, hex);
    out_added[count++] =
        (struct mr_http_header){ MR_SLICE("Authorization"), mr_slice_str(value) };
    return count;
}

struct mr_slice
mr_sigv4_presign(struct mr_sigv4_signer *signer, const struct mr_sigv4_request *request,
                 uint64_t now_ms, uint64_t expires_s, struct mr_arena *arena)
{
    struct mr_slice amz_date = date_of(now_ms, arena),
                    scope = scope_of(signer, amz_date, arena);
    struct mr_slice names = mr_canonical_header_names(request, arena);
    mr_auto_buf struct mr_buf query = { 0 };
    char hex[MR_SHA256_HEX];

    mr_buf_append_slice(&query, request->query);
    mr_buf_append_str(&query, request->query.size > 0 ? "&" : "");
    mr_buf_append_str(&query, "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=");
    mr_canonical_encode(&query, mr_slice_str(signer->credentials->access_key), false);
    mr_buf_append_str(&query, "%2F");
    mr_canonical_encode(&query, scope, false);
    mr_buf_printf(&query, "&X-Amz-Date=%.*s&X-Amz-Expires=%llu&X-Amz-SignedHeaders=",
                  MR_SLICE_ARGS(amz_date), (unsigned long long)expires_s);
    mr_canonical_encode(&query, names, false);
    if (signer->credentials->session_token != NULL) {
        mr_buf_append_str(&query, "&X-Amz-Security-Token=");
        mr_canonical_encode(&query, mr_slice_str(signer->credentials->session_token), false);
    }

    struct mr_sigv4_request whole = *request;
    whole.query = mr_buf_slice(&query);
    derive(&signer->key, mr_slice_str(signer->credentials->secret_key), scope);
    signature_of(&whole, names, amz_date, scope, &signer->key, arena, hex);
    mr_buf_printf(&query, "&X-Amz-Signature=%.*s", MR_SHA256_HEX, hex);
    return mr_arena_copy(arena, mr_buf_slice(&query));
}

/* ---- verifying ---- */

static struct mr_slice
header_of(const struct mr_sigv4_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (mr_slice_eq_nocase(request->headers[i].name, mr_slice_str(name))) {
            return request->headers[i].value;
        }
    }
    return (struct mr_slice){ NULL, 0 };
}

static void
split_credential(struct mr_sigv4_auth *auth, struct mr_slice credential)
{
    auth->access_key = mr_slice_cut(&credential, '/');
    auth->scope = credential;
    auth->date = mr_slice_cut(&credential, '/');
    auth->region = mr_slice_cut(&credential, '/');
    auth->service = mr_slice_cut(&credential, '/');
    if (!mr_slice_is(credential, "aws4_request")) {
        auth->scope = (struct mr_slice){ NULL, 0 };
    }
}

/* The parameters stand behind the scheme, parted by commas and blanks. */
static struct mr_slice
authorization_get(struct mr_slice header, const char *name)
{
    struct mr_slice found = { NULL, 0 };
    size_t at = 0;

    while (at < header.size && header.data[at] != ',' && header.data[at] != ' ') {
        at++;
    }
    while (at < header.size) {
        size_t end = ++at;
        while (end < header.size && header.data[end] != ',' && header.data[end] != ' ') {
            end++;
        }
        struct mr_slice value = mr_slice_of(header.data + at, end - at);
        if (mr_slice_is(mr_slice_cut(&value, '='), name) && value.data != NULL) {
            found = value;
        }
        at = end;
    }
    return found;
}

static void
read_header(const struct mr_sigv4_request *request, struct mr_slice header,
            struct mr_arena *arena, struct mr_sigv4_auth *auth)
{
    static const char *const names[] = { "Credential", "Signature", "SignedHeaders" };
    struct mr_slice values[3];
    mr_auto_buf struct mr_buf complaint = { 0 };

    for (size_t i = 0; i < 3; i++) {
        values[i] = authorization_get(header, names[i]);
        if (values[i].size == 0) {
            mr_buf_printf(&complaint, "Authorization header requires '%s' parameter. ",
                          names[i]);
        }
    }
    auth->amz_date = header_of(request, "x-amz-date");
    if (auth->amz_date.size == 0 && header_of(request, "date").size == 0) {
        mr_buf_append_str(&complaint, "Authorization header requires existence of either a "
                                      "'X-Amz-Date' or a 'Date' header. ");
    }
    if (complaint.size > 0) {
        mr_buf_append_str(&complaint, "Authorization=");
        mr_buf_append_slice(&complaint, header);
        auth->shape = MR_SIGV4_INCOMPLETE;
        auth->complaint = mr_arena_copy(arena, mr_buf_slice(&complaint));
        return;
    }
    auth->shape = MR_SIGV4_COMPLETE;
    split_credential(auth, values[0]);
    if (!mr_slice_starts_with(header, MR_SLICE(ALGORITHM " "))) {
        auth->scope = (struct mr_slice){ NULL, 0 };
    }
    auth->signature = values[1];
    auth->signed_headers = values[2];
    auth->session_token = header_of(request, "x-amz-security-token");
}

static struct mr_slice
query_get(struct mr_slice query, const char *name, struct mr_arena *arena)
{
    while (query.data != NULL) {
        struct mr_slice value = mr_slice_cut(&query, '&');
        if (mr_slice_is(mr_slice_cut(&value, '='), name)) {
            return value.data == NULL ? MR_SLICE("") : mr_canonical_decode(value, arena);
        }
    }
    return (struct mr_slice){ NULL, 0 };
}

static void
read_query(struct mr_slice query, struct mr_arena *arena, struct mr_sigv4_auth *auth)
{
    static const char *const names[] = { "X-Amz-Algorithm", "X-Amz-Credential",
                                         "X-Amz-Signature", "X-Amz-SignedHeaders",
                                         "X-Amz-Date" };
    struct mr_slice values[5];
    mr_auto_buf struct mr_buf complaint = { 0 };

    for (size_t i = 0; i < 5; i++) {
        values[i] = query_get(query, names[i], arena);
        if (values[i].size == 0) {
            mr_buf_printf(&complaint, "AWS query-string parameters must include '%s'. ",
                          names[i]);
        }
    }
    auth->presigned = true;
    if (complaint.size > 0) {
        mr_buf_append_str(&complaint, "Re-examine the query-string parameters.");
        auth->shape = MR_SIGV4_INCOMPLETE;
        auth->complaint = mr_arena_copy(arena, mr_buf_slice(&complaint));
        return;
    }
    auth->shape = MR_SIGV4_COMPLETE;
    split_credential(auth, values[1]);
    if (!mr_slice_is(values[0], ALGORITHM)) {
        auth->scope = (struct mr_slice){ NULL, 0 };
    }
    auth->signature = values[2];
    auth->signed_headers = values[3];
    auth->amz_date = values[4];
    auth->session_token = query_get(query, "X-Amz-Security-Token", arena);
    struct mr_slice expires = query_get(query, "X-Amz-Expires", arena);
    if (!mr_slice_to_u64(expires, &auth->expires_s) ||
        auth->expires_s > MR_SIGV4_MAX_EXPIRES_S) {
        auth->expires_s = 0;
    }
}

void
mr_sigv4_read(const struct mr_sigv4_request *request, struct mr_arena *arena,
              struct mr_sigv4_auth *out_auth)
{
    struct mr_slice header = header_of(request, "authorization");
    bool in_query = query_get(request->query, "X-Amz-Algorithm", arena).data != NULL;

    *out_auth = (struct mr_sigv4_auth){ .shape = MR_SIGV4_ABSENT };
    if (header.size > 0 && in_query) {
        out_auth->shape = MR_SIGV4_BOTH;
        out_auth->complaint =
            MR_SLICE("Found both 'X-Amz-Algorithm' as a query-string param and "
                     "'Authorization' as HTTP header.");
    } else if (header.size > 0) {
        read_header(request, header, arena, out_auth);
    } else if (in_query) {
        read_query(request->query, arena, out_auth);
    }
}

/* Host among the signed headers, in order, and not more of them than anyone sends. */
static bool
signed_headers_are_sound(struct mr_slice names)
{
    struct mr_slice before = { NULL, 0 };
    bool host = false;
    size_t count = 0;

    while (names.data != NULL) {
        struct mr_slice name = mr_slice_cut(&names, ';');
        if (name.size == 0 || ++count > MR_SIGV4_MAX_SIGNED_HEADERS ||
            (before.data != NULL && mr_slice_compare(before, name) >= 0)) {
            return false;
        }
        host |= mr_slice_is(name, "host");
        before = name;
    }
    return host;
}

static bool
in_time(const struct mr_sigv4_auth *auth, uint64_t signed_ms, uint64_t now_ms)
{
    if (signed_ms > now_ms + MR_SIGV4_MAX_SKEW_MS) {
        return false;
    }
    uint64_t valid_ms = auth->presigned ? auth->expires_s * 1000 : MR_SIGV4_MAX_SKEW_MS;
    return now_ms <= signed_ms + valid_ms;
}

enum mr_sigv4_verdict
mr_sigv4_check(const struct mr_sigv4_auth *auth, const struct mr_sigv4_request *request,
               struct mr_slice secret, struct mr_slice region, struct mr_slice service,
               uint64_t now_ms, struct mr_sigv4_key *key, struct mr_arena *arena)
{
    char hex[MR_SHA256_HEX];
    uint64_t signed_ms;

    if (auth->shape != MR_SIGV4_COMPLETE || auth->scope.data == NULL ||
        !mr_slice_eq(auth->region, region) || !mr_slice_eq(auth->service, service) ||
        !mr_amz_date_parse(auth->amz_date, &signed_ms) ||
        !mr_slice_eq(auth->date, mr_slice_first(auth->amz_date, 8)) ||
        !signed_headers_are_sound(auth->signed_headers) ||
        auth->signature.size != MR_SHA256_HEX) {
        return MR_SIGV4_WRONG;
    }
    derive(key, secret, auth->scope);
    signature_of(request, auth->signed_headers, auth->amz_date, auth->scope, key, arena, hex);
    if (CRYPTO_memcmp(hex, auth->signature.data, MR_SHA256_HEX) != 0) {
        return MR_SIGV4_WRONG;
    }
    return in_time(auth, signed_ms, now_ms) ? MR_SIGV4_GOOD : MR_SIGV4_EXPIRED;
}
