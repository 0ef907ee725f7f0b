#include "stream/api/auth.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include "aws/sigv4.h"
#include "base/alloc.h"
#include "stream/api/kinesis.h"
#include "stream/api/operation.h"
#include "stream/api/policy.h"

struct mr_principal {
    char *name;
    char *access_key, *secret_key, *session_token;
    struct mr_policy *policy;
    struct mr_sigv4_key key; /* derived for the day; used by the loop's thread alone */
};

struct mr_auth {
    struct mr_principal *principals;
    size_t count;
    struct mr_sigv4_key nobodys_key;
};

/* ---- the file ---- */

static char *
take_text(const json_t *object, const char *name)
{
    return mr_strdup(json_string_value(json_object_get(object, name)));
}

static int
read_principal(struct mr_principal *principal, const json_t *value, struct mr_error *err)
{
    principal->name = take_text(value, "name");
    principal->access_key = take_text(value, "accessKeyId");
    principal->secret_key = take_text(value, "secretAccessKey");
    principal->session_token = take_text(value, "sessionToken");
    if (principal->name == NULL || principal->access_key == NULL ||
        principal->secret_key == NULL) {
        return mr_fail(
            err, -EINVAL,
            "every principal needs \"name\", \"accessKeyId\" and \"secretAccessKey\"");
    }
    principal->policy = mr_policy_new(json_object_get(value, "policy"), err);
    return principal->policy != NULL ? 0 : mr_wrap(err, "policy of %s", principal->name);
}

struct mr_auth *
mr_auth_open(const char *path, struct mr_error *err)
{
    json_error_t mistake;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &mistake);
    json_t *list = json_object_get(document, "principals");
    struct mr_auth *auth = mr_alloc_zero(1, sizeof(*auth));
    int code = 0;

    if (document == NULL) {
        code = mr_fail(err, -EINVAL, "%s: line %d: %s", path, mistake.line, mistake.text);
    } else if (!json_is_array(list) || json_array_size(list) == 0) {
        code = mr_fail(err, -EINVAL, "%s: expected {\"principals\": [...]} with at least one",
                       path);
    }
    auth->principals = mr_alloc_zero(json_array_size(list) + 1, sizeof(*auth->principals));
    for (size_t i = 0; code == 0 && i < json_array_size(list); i++) {
        auth->count++;
        code = read_principal(&auth->principals[i], json_array_get(list, i), err);
        if (code < 0) {
            (void)mr_wrap(err, "%s", path);
        }
    }
    json_decref(document);
    if (code < 0) {
        mr_auth_close(auth);
        return NULL;
    }
    return auth;
}

static void
wipe(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

void
mr_auth_close(struct mr_auth *auth)
{
    if (auth == NULL) {
        return;
    }
    for (size_t i = 0; i < auth->count; i++) {
        struct mr_principal *principal = &auth->principals[i];
        free(principal->name);
        free(principal->access_key);
        wipe(principal->secret_key);
        wipe(principal->session_token);
        mr_policy_free(principal->policy);
    }
    free(auth->principals);
    free(auth);
}

/* ---- a call ---- */

static struct mr_principal *
find_principal(struct mr_auth *auth, const struct mr_sigv4_auth *fields)
{
    for (size_t i = 0; i < auth->count; i++) {
        struct mr_principal *principal = &auth->principals[i];
        if (mr_slice_is(fields->access_key, principal->access_key)) {
            struct mr_slice token = mr_slice_str(principal->session_token);
            bool same =
                token.size == fields->session_token.size &&
                (token.size == 0 ||
                 CRYPTO_memcmp(token.data, fields->session_token.data, token.size) == 0);
            return same ? principal : NULL;
        }
    }
    return NULL;
}

static enum mr_auth_verdict
verify_signature(struct mr_call *call, struct mr_auth *auth, const struct mr_sigv4_auth *fields,
                 const struct mr_sigv4_request *request)
{
    static const char nobodys_secret[] = "0000000000000000000000000000000000000000";
    struct mr_principal *principal = find_principal(auth, fields);

    /* An unknown key costs what a known one costs, and is refused in the same words. */
    enum mr_sigv4_verdict verdict = mr_sigv4_check(
        fields, request,
        mr_slice_str(principal != NULL ? principal->secret_key : nobodys_secret),
        mr_slice_str(call->kinesis->options.region), MR_SLICE("kinesis"), call->now_ms,
        principal != NULL ? &principal->key : &auth->nobodys_key, call->arena);
    if (principal == NULL || verdict == MR_SIGV4_WRONG) {
        return MR_AUTH_REFUSED;
    }
    call->principal = principal;
    return verdict == MR_SIGV4_EXPIRED ? MR_AUTH_EXPIRED : MR_AUTH_GOOD;
}

static struct mr_sigv4_request
signed_request(const struct mr_call *call)
{
    return (struct mr_sigv4_request){
        .method = call->request->method,
        .path = call->request->path,
        .query = call->request->query,
        .headers = call->request->headers,
        .header_count = call->request->header_count,
        .body = call->request->body,
    };
}

/* Whoever reaches our Unix socket has the rights of our files. */
static bool
takes_anonymous(const struct mr_call *call)
{
    return call->kinesis->options.anonymous ||
           mr_slice_is(mr_http_exchange_peer(call->exchange), "unix");
}

enum mr_auth_verdict
mr_auth_verify(struct mr_call *call)
{
    struct mr_auth *auth = call->kinesis->options.auth;
    struct mr_sigv4_request request = signed_request(call);
    struct mr_sigv4_auth fields;

    mr_sigv4_read(&request, call->arena, &fields);
    switch (fields.shape) {
    case MR_SIGV4_ABSENT:
        return auth == NULL && takes_anonymous(call) ? MR_AUTH_GOOD : MR_AUTH_MISSING;
    case MR_SIGV4_BOTH:
    case MR_SIGV4_INCOMPLETE:
        return MR_AUTH_MALFORMED;
    case MR_SIGV4_COMPLETE:
        break;
    }
    return auth == NULL ? MR_AUTH_GOOD : verify_signature(call, auth, &fields, &request);
}

static void
refuse_malformed(struct mr_call *call)
{
    struct mr_sigv4_request request = signed_request(call);
    struct mr_sigv4_auth fields;

    mr_sigv4_read(&request, call->arena, &fields);
    mr_call_fail_text(call,
                      fields.shape == MR_SIGV4_BOTH ? "InvalidSignatureException"
                                                    : "IncompleteSignatureException",
                      fields.complaint);
}

void
mr_auth_refuse(struct mr_call *call, enum mr_auth_verdict verdict)
{
    switch (verdict) {
    case MR_AUTH_MISSING:
        mr_call_fail(call, "MissingAuthenticationTokenException",
                     "Missing Authentication Token");
        break;
    case MR_AUTH_MALFORMED:
        refuse_malformed(call);
        break;
    case MR_AUTH_EXPIRED:
        mr_call_fail(call, "InvalidSignatureException",
                     "Signature expired: the request's time is too far from the server's.");
        break;
    case MR_AUTH_REFUSED:
    case MR_AUTH_GOOD:
        mr_call_fail(
            call, "InvalidSignatureException",
            "The request signature we calculated does not match the signature you "
            "provided. Check your AWS Secret Access Key and signing method. Consult the "
            "service documentation for details.");
        break;
    }
}

/* The address without its port, and without the brackets of IPv6. */
static struct mr_slice
source_ip(struct mr_slice peer)
{
    size_t colon = peer.size;

    while (colon > 0 && peer.data[colon - 1] != ':') {
        colon--;
    }
    struct mr_slice address = mr_slice_first(peer, colon > 0 ? colon - 1 : 0);
    if (address.size > 2 && address.data[0] == '[') {
        return mr_slice_of(address.data + 1, address.size - 2);
    }
    return address;
}

bool
mr_auth_allows(struct mr_call *call, struct mr_slice resource)
{
    if (call->principal == NULL) {
        return true;
    }
    struct mr_slice peer = mr_http_exchange_peer(call->exchange);
    struct mr_policy_question question = {
        .action =
            mr_slice_str(mr_arena_printf(call->arena, "kinesis:%s", call->operation->name)),
        .resource = resource,
        .source_ip = source_ip(peer),
        .endpoint = mr_slice_is(peer, "unix")                 ? "unix"
                    : mr_http_exchange_is_tls(call->exchange) ? "tls"
                                                              : "tcp",
    };
    if (mr_policy_allows(call->principal->policy, &question)) {
        return true;
    }
    mr_call_fail(
        call, "AccessDeniedException",
        "User: arn:aws:iam::%s:user/%s is not authorized to perform: %.*s on resource: "
        "%.*s because no identity-based policy allows the %.*s action",
        call->kinesis->options.account, call->principal->name, MR_SLICE_ARGS(question.action),
        MR_SLICE_ARGS(resource), MR_SLICE_ARGS(question.action));
    return false;
}
