#include "aws/credential_fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "aws/canonical.h"
#include "aws/credential_answer.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/alloc.h"
#include "base/arena.h"

enum {
    NEAR_TIMEOUT_MS = 2000, /* it is on this machine */
    FAR_TIMEOUT_MS = 10000,
    MAX_ANSWER = 64 * 1024,
};

static const char container_host[] = "http://169.254.170.2";
static const char instance_host[] = "http://169.254.169.254";
static const char instance_path[] = "/latest/meta-data/iam/security-credentials/";

struct mr_credential_fetch {
    struct mr_http_client *http;
    struct mr_http_call *call;
    enum mr_credential_giver giver;
    enum { ASK_TOKEN, ASK_ROLE, ASK_CREDENTIALS } step; /* of the instance's metadata */
    const char *instance;                               /* its URL, in the arena */
    struct mr_slice token;
    struct mr_arena arena;
    mr_credential_fetched_fn *done;
    void *context;
};

static void on_answer(const struct mr_http_result *result, void *context);

static void
free_fetch(struct mr_credential_fetch *fetch)
{
    mr_arena_deinit(&fetch->arena);
    free(fetch);
}

void
mr_credential_fetch_cancel(struct mr_credential_fetch *fetch)
{
    if (fetch != NULL) {
        mr_http_call_cancel(fetch->call);
        free_fetch(fetch);
    }
}

/* ---- asking ---- */

static void
send_request(struct mr_credential_fetch *fetch, const char *method, const char *url,
             const struct mr_http_header *headers, size_t header_count, struct mr_slice body)
{
    bool is_near = fetch->giver == MR_GIVER_CONTAINER || fetch->giver == MR_GIVER_INSTANCE;
    struct mr_http_call_options options = {
        .method = method,
        .url = url,
        .headers = headers,
        .header_count = header_count,
        .body = body,
        .total_ms = is_near ? NEAR_TIMEOUT_MS : FAR_TIMEOUT_MS,
        .max_response = MAX_ANSWER,
    };
    fetch->call = mr_http_client_send(fetch->http, &options, on_answer, fetch);
}

/* Without blanks and ends of lines at its end. */
static struct mr_slice
without_end(struct mr_slice text)
{
    while (text.size > 0 && text.data[text.size - 1] <= ' ') {
        text.size--;
    }
    return text;
}

static struct mr_slice
without_slashes(struct mr_slice url)
{
    while (url.size > 0 && url.data[url.size - 1] == '/') {
        url.size--;
    }
    return url;
}

/* A variable that is set and not empty, or NULL. */
static const char *
env_of(const struct mr_credential_ask *ask, const char *name)
{
    const char *value = ask->get_env(name, ask->env_context);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* ---- STS ---- */

static void
form(struct mr_buf *body, const char *name, struct mr_slice value)
{
    if (value.size > 0) {
        mr_buf_printf(body, "%s%s=", body->size > 0 ? "&" : "", name);
        mr_canonical_encode(body, value, false);
    }
}

/* NULL: none is said. */
static const char *
region_of(const struct mr_credential_ask *ask, struct mr_arena *arena)
{
    const char *region = env_of(ask, "AWS_REGION");
    region = region != NULL ? region : env_of(ask, "AWS_DEFAULT_REGION");
    return region != NULL || ask->profile->region.size == 0
               ? region
               : mr_arena_cstr(arena, ask->profile->region);
}

static const char *
sts_url(const struct mr_credential_ask *ask, const char *region, struct mr_arena *arena)
{
    const char *url = env_of(ask, "AWS_ENDPOINT_URL_STS");
    if (url != NULL) {
        return mr_arena_printf(arena, "%.*s/",
                               MR_SLICE_ARGS(without_slashes(mr_slice_str(url))));
    }
    return region == NULL ? "https://sts.amazonaws.com/"
                          : mr_arena_printf(arena, "https://sts.%s.amazonaws.com%s/", region,
                                            strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

/* Signed by the source when there is one; a web identity signs nothing. */
static void
send_to_sts(struct mr_credential_fetch *fetch, const struct mr_credential_ask *ask,
            struct mr_slice body)
{
    const char *region = region_of(ask, &fetch->arena);
    const char *url = sts_url(ask, region, &fetch->arena);
    struct mr_slice host = mr_slice_str(strstr(url, "://") + 3);
    struct mr_slice path = host;
    struct mr_http_header headers[2 + MR_SIGV4_MAX_ADDED] = {
        { MR_SLICE("Content-Type"), MR_SLICE("application/x-www-form-urlencoded") },
    };
    size_t count = 1;
    host = mr_slice_cut(&path, '/');
    if (ask->source != NULL) {
        struct mr_sigv4_signer signer = { .credentials = ask->source,
                                          .region = mr_slice_str(region == NULL ? "us-east-1"
                                                                                : region),
                                          .service = MR_SLICE("sts") };
        headers[count++] = (struct mr_http_header){ MR_SLICE("Host"), host };
        struct mr_sigv4_request request = {
            .method = MR_SLICE("POST"),
            .path = mr_slice_of(path.data - 1, path.size + 1),
            .headers = headers,
            .header_count = count,
            .body = body,
        };
        count += mr_sigv4_sign(&signer, &request, ask->now_ms, &fetch->arena, headers + count);
        explicit_bzero(&signer.key, sizeof(signer.key));
    }
    send_request(fetch, "POST", url, headers, count, body);
}

static int
ask_sts(struct mr_credential_fetch *fetch, const struct mr_credential_ask *ask,
        struct mr_error *err)
{
    const struct mr_profile *profile = ask->profile;
    bool is_web = ask->giver == MR_GIVER_WEB_IDENTITY;
    struct mr_slice session = profile->role_session_name;
    struct mr_slice token = { NULL, 0 };
    mr_auto_buf struct mr_buf body = { 0 };

    if (profile->role_arn.size == 0) {
        return mr_fail(err, -EINVAL,
                       "AWS_WEB_IDENTITY_TOKEN_FILE is set: set AWS_ROLE_ARN too");
    }
    if (is_web) {
        const char *file = mr_arena_cstr(&fetch->arena, profile->web_identity_token_file);
        token = without_end(mr_profile_read_file(file, &fetch->arena));
        if (token.size == 0) {
            return mr_fail(err, -ENOENT, "the web identity's token: cannot read %s", file);
        }
    }
    form(&body, "Action",
         is_web ? MR_SLICE("AssumeRoleWithWebIdentity") : MR_SLICE("AssumeRole"));
    form(&body, "Version", MR_SLICE("2011-06-15"));
    form(&body, "RoleArn", profile->role_arn);
    form(&body, "RoleSessionName", session.size == 0 ? MR_SLICE("millrace") : session);
    form(&body, "WebIdentityToken", token);
    form(&body, "DurationSeconds", profile->duration_seconds);
    form(&body, "ExternalId", is_web ? (struct mr_slice){ NULL, 0 } : profile->external_id);
    send_to_sts(fetch, ask, mr_buf_slice(&body));
    return 0;
}

/* ---- single sign-on ---- */

/* ~/.aws/sso/cache/SHA1.json, of the session's name, or of the start URL where that is older.
 */
static const char *
login_path(const struct mr_credential_ask *ask, struct mr_arena *arena)
{
    const struct mr_profile *profile = ask->profile;
    const char *home = env_of(ask, "HOME");
    struct mr_slice of =
        profile->sso_session.size > 0 ? profile->sso_session : profile->sso_start_url;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    mr_auto_buf struct mr_buf hex = { 0 };

    (void)EVP_Digest(of.data, of.size, digest, &size, EVP_sha1(), NULL);
    for (unsigned i = 0; i < size; i++) {
        mr_buf_printf(&hex, "%02x", digest[i]);
    }
    return mr_arena_printf(arena, "%s/.aws/sso/cache/%s.json", home == NULL ? "" : home,
                           mr_buf_cstr(&hex));
}

static int
ask_sso(struct mr_credential_fetch *fetch, const struct mr_credential_ask *ask,
        struct mr_error *err)
{
    const struct mr_profile *profile = ask->profile;
    const char *path = login_path(ask, &fetch->arena);
    const char *host = env_of(ask, "AWS_ENDPOINT_URL_SSO");
    struct mr_http_header token = { .name = MR_SLICE("x-amz-sso_bearer_token") };
    uint64_t expires_ms = 0;
    mr_auto_buf struct mr_buf url = { 0 };

    if (profile->sso_region.size == 0 || profile->sso_account_id.size == 0 ||
        profile->sso_role_name.size == 0) {
        return mr_fail(err, -EINVAL,
                       "single sign-on needs sso_region, sso_account_id and sso_role_name");
    }
    if (mr_credential_answer_login(mr_profile_read_file(path, &fetch->arena), &fetch->arena,
                                   &token.value, &expires_ms, NULL) < 0 ||
        expires_ms <= ask->now_ms) {
        return mr_fail(err, -EACCES,
                       "nobody is signed on, or no longer: run aws sso login (%s)", path);
    }
    if (host != NULL) {
        mr_buf_printf(&url, "%s", host);
    } else {
        mr_buf_printf(&url, "https://portal.sso.%.*s.amazonaws.com%s",
                      MR_SLICE_ARGS(profile->sso_region),
                      mr_slice_starts_with(profile->sso_region, MR_SLICE("cn-")) ? ".cn" : "");
    }
    mr_buf_printf(&url, "/federation/credentials?role_name=");
    mr_canonical_encode(&url, profile->sso_role_name, false);
    mr_buf_printf(&url, "&account_id=");
    mr_canonical_encode(&url, profile->sso_account_id, false);
    send_request(fetch, "GET", mr_arena_cstr(&fetch->arena, mr_buf_slice(&url)), &token, 1,
                 MR_SLICE(""));
    return 0;
}

/* ---- the container and the instance ---- */

/* Plain http only to where no network lies between: AWS's rule. */
static bool
is_near(const char *url)
{
    static const char *const hosts[] = { "http://127.",           "http://localhost",
                                         "http://[::1]",          "http://169.254.170.2",
                                         "http://169.254.170.23", "http://[fd00:ec2::23]" };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t size = strlen(hosts[i]);
        bool open_ended = hosts[i][size - 1] == '.';
        if (strncmp(url, hosts[i], size) == 0 &&
            (open_ended || url[size] == '\0' || url[size] == ':' || url[size] == '/')) {
            return strchr(url, '@') == NULL;
        }
    }
    return false;
}

static int
ask_container(struct mr_credential_fetch *fetch, const struct mr_credential_ask *ask,
              struct mr_error *err)
{
    const char *path = env_of(ask, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *url = env_of(ask, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *token_file = env_of(ask, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct mr_slice token = mr_slice_str(env_of(ask, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    struct mr_http_header header = { .name = MR_SLICE("Authorization") };

    if (path != NULL) {
        url = mr_arena_printf(&fetch->arena, "%s%s", container_host, path);
    } else if (url == NULL) {
        return mr_fail(err, -ENOENT, "no AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI");
    } else if (strncmp(url, "https://", 8) != 0 && !is_near(url)) {
        return mr_fail(err, -EINVAL,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI: %s is neither https nor on this "
                       "machine",
                       url);
    }
    if (token_file != NULL) {
        token = mr_profile_read_file(token_file, &fetch->arena);
    }
    header.value = without_end(token);
    send_request(fetch, "GET", url, &header, header.value.size > 0, MR_SLICE(""));
    return 0;
}

static void
ask_instance(struct mr_credential_fetch *fetch, struct mr_slice role)
{
    struct mr_http_header ttl = { MR_SLICE("X-aws-ec2-metadata-token-ttl-seconds"),
                                  MR_SLICE("21600") };
    struct mr_http_header token = { MR_SLICE("X-aws-ec2-metadata-token"), fetch->token };
    const char *url = mr_arena_printf(
        &fetch->arena, "%s%s%.*s", fetch->instance,
        fetch->step == ASK_TOKEN ? "/latest/api/token" : instance_path, MR_SLICE_ARGS(role));
    send_request(fetch, fetch->step == ASK_TOKEN ? "PUT" : "GET", url,
                 fetch->step == ASK_TOKEN ? &ttl : &token, 1, MR_SLICE(""));
}

static int
begin(struct mr_credential_fetch *fetch, const struct mr_credential_ask *ask,
      struct mr_error *err)
{
    const char *instance = env_of(ask, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    switch (ask->giver) {
    case MR_GIVER_WEB_IDENTITY:
    case MR_GIVER_ROLE:
        return ask_sts(fetch, ask, err);
    case MR_GIVER_SSO:
        return ask_sso(fetch, ask, err);
    case MR_GIVER_CONTAINER:
        return ask_container(fetch, ask, err);
    default:
        fetch->instance = mr_arena_cstr(
            &fetch->arena,
            without_slashes(mr_slice_str(instance == NULL ? instance_host : instance)));
        ask_instance(fetch, MR_SLICE(""));
        return 0;
    }
}

struct mr_credential_fetch *
mr_credential_fetch_start(struct mr_http_client *http, const struct mr_credential_ask *ask,
                          mr_credential_fetched_fn *done, void *context, struct mr_error *err)
{
    struct mr_credential_fetch *fetch = mr_alloc_zero(1, sizeof(*fetch));

    fetch->http = http;
    fetch->giver = ask->giver;
    fetch->done = done;
    fetch->context = context;
    if (begin(fetch, ask, err) < 0) {
        free_fetch(fetch);
        return NULL;
    }
    return fetch;
}

/* ---- answers ---- */

/* The instance's conversation goes on: token, role, credentials. True when it does. */
static bool
go_on(struct mr_credential_fetch *fetch, struct mr_slice body)
{
    if (fetch->giver != MR_GIVER_INSTANCE || fetch->step == ASK_CREDENTIALS) {
        return false;
    }
    if (fetch->step == ASK_TOKEN) {
        fetch->token = mr_arena_copy(&fetch->arena, mr_slice_trim(body));
        fetch->step = ASK_ROLE;
        ask_instance(fetch, MR_SLICE(""));
        return true;
    }
    fetch->step = ASK_CREDENTIALS;
    ask_instance(fetch, mr_slice_trim(mr_slice_cut(&body, '\n')));
    return true;
}

/* STS says why: a role that may not be assumed is the usual mistake. */
static void
tell_refusal(struct mr_credential_fetch *fetch, int status, struct mr_slice body,
             struct mr_error *err)
{
    struct mr_slice why = mr_xml_text(body, "Message", &fetch->arena);
    mr_fail(err, -EREMOTEIO, "status %d%s%.*s", status, why.size > 0 ? ": " : "",
            MR_SLICE_ARGS(mr_slice_first(why, why.size < 200 ? why.size : 200)));
    err->retryable = status >= 500 || status == 429;
}

static void
on_answer(const struct mr_http_result *result, void *context)
{
    static const struct {
        const char *name;
        int (*read)(struct mr_slice body, struct mr_credentials *out, struct mr_error *err);
    } givers[] = {
        [MR_GIVER_WEB_IDENTITY] = { "STS", mr_credential_answer_sts },
        [MR_GIVER_ROLE] = { "STS", mr_credential_answer_sts },
        [MR_GIVER_SSO] = { "single sign-on", mr_credential_answer_sso },
        [MR_GIVER_CONTAINER] = { "the container's credential endpoint",
                                 mr_credential_answer_json },
        [MR_GIVER_INSTANCE] = { "the instance's metadata (IMDSv2)", mr_credential_answer_json },
    };
    struct mr_credential_fetch *fetch = context;
    struct mr_credentials credentials = { 0 };
    struct mr_error err = { 0 };
    struct mr_slice body = mr_buf_slice(result->body);

    if (result->error != NULL) {
        err = *result->error;
    } else if (result->status != 200) {
        tell_refusal(fetch, result->status, body, &err);
    } else if (go_on(fetch, body)) {
        return;
    } else {
        (void)givers[fetch->giver].read(body, &credentials, &err);
    }
    if (err.code < 0) {
        mr_wrap(&err, "ask %s for credentials", givers[fetch->giver].name);
    }
    fetch->done(&credentials, err.code < 0 ? &err : NULL, fetch->context);
    free_fetch(fetch);
}
