#include "aws/credential_fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/canonical.h"
#include "aws/xml.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/json_reader.h"

enum {
    GIVER_TIMEOUT_MS = 2000, /* it is on this machine */
    STS_TIMEOUT_MS = 10000,
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

/* ---- reading what was given ---- */

/* "2026-11-25T18:30:43Z", with or without fractions; 0: no time. */
static uint64_t
parse_time(struct mr_slice text)
{
    char copy[40] = { 0 };
    struct tm utc = { 0 };
    if (text.size == 0 || text.size >= sizeof(copy)) {
        return 0;
    }
    memcpy(copy, text.data, text.size);
    if (strptime(copy, "%Y-%m-%dT%H:%M:%S", &utc) == NULL) {
        return 0;
    }
    return (uint64_t)timegm(&utc) * 1000;
}

static int
keep(struct mr_credentials *out, struct mr_slice access, struct mr_slice secret,
     struct mr_slice token, struct mr_slice expiration, struct mr_error *err)
{
    if (access.size == 0 || secret.size == 0) {
        return mr_fail(err, -EBADMSG, "the answer has no access key and secret");
    }
    mr_auto_free char *access_key = mr_slice_dup(access);
    mr_auto_free char *secret_key = mr_slice_dup(secret);
    mr_auto_free char *session_token = token.size == 0 ? NULL : mr_slice_dup(token);
    mr_credentials_init(out, access_key, secret_key, session_token);
    explicit_bzero(secret_key, secret.size);
    out->expires_ms = parse_time(expiration);
    return 0;
}

int
mr_credential_fetch_read_json(struct mr_slice body, struct mr_credentials *out_credentials,
                              struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice access = { NULL, 0 }, secret = access, token = access, end = access, key;
    mr_auto_arena struct mr_arena arena = { 0 };

    (void)mr_json_enter(&json);
    while (mr_json_next_key(&json, &key)) {
        struct mr_slice *member = mr_slice_is(key, "AccessKeyId")       ? &access
                                  : mr_slice_is(key, "SecretAccessKey") ? &secret
                                  : mr_slice_is(key, "Token")           ? &token
                                  : mr_slice_is(key, "Expiration")      ? &end
                                                                        : NULL;
        if (member == NULL || mr_json_peek(&json) != MR_JSON_STRING) {
            (void)mr_json_skip(&json);
        } else {
            (void)mr_json_string(&json, &arena, member);
        }
    }
    if (!mr_json_done(&json)) {
        return mr_fail(err, -EBADMSG, "the answer is no JSON object");
    }
    return keep(out_credentials, access, secret, token, end, err);
}

static int
read_xml(struct mr_slice body, struct mr_arena *arena, struct mr_credentials *out,
         struct mr_error *err)
{
    return keep(out, mr_xml_text(body, "AccessKeyId", arena),
                mr_xml_text(body, "SecretAccessKey", arena),
                mr_xml_text(body, "SessionToken", arena),
                mr_xml_text(body, "Expiration", arena), err);
}

/* ---- asking ---- */

static void
send_request(struct mr_credential_fetch *fetch, const char *method, const char *url,
             const struct mr_http_header *header, struct mr_slice body)
{
    struct mr_http_call_options options = {
        .method = method,
        .url = url,
        .headers = header,
        .header_count = header == NULL ? 0 : 1,
        .body = body,
        .total_ms = fetch->giver == MR_GIVER_WEB_IDENTITY ? STS_TIMEOUT_MS : GIVER_TIMEOUT_MS,
        .max_response = MAX_ANSWER,
    };
    fetch->call = mr_http_client_send(fetch->http, &options, on_answer, fetch);
}

static void
form(struct mr_buf *body, const char *name, struct mr_slice value)
{
    mr_buf_printf(body, "%s%s=", body->size > 0 ? "&" : "", name);
    mr_canonical_encode(body, value, false);
}

static int
ask_sts(struct mr_credential_fetch *fetch, mr_get_env_fn *get_env, void *env,
        struct mr_error *err)
{
    const char *file = get_env("AWS_WEB_IDENTITY_TOKEN_FILE", env);
    const char *role = get_env("AWS_ROLE_ARN", env);
    const char *session = get_env("AWS_ROLE_SESSION_NAME", env);
    const char *region = get_env("AWS_REGION", env);
    const char *url = get_env("AWS_ENDPOINT_URL_STS", env);
    struct mr_slice token = mr_slice_trim(mr_profile_read_file(file, &fetch->arena));
    struct mr_http_header type = { MR_SLICE("Content-Type"),
                                   MR_SLICE("application/x-www-form-urlencoded") };
    mr_auto_buf struct mr_buf body = { 0 };

    if (role == NULL || role[0] == '\0') {
        return mr_fail(err, -EINVAL,
                       "AWS_WEB_IDENTITY_TOKEN_FILE is set: set AWS_ROLE_ARN too");
    }
    if (token.size == 0) {
        return mr_fail(err, -ENOENT, "AWS_WEB_IDENTITY_TOKEN_FILE: cannot read %s", file);
    }
    while (token.size > 0 && (token.data[token.size - 1] == '\n')) {
        token.size--;
    }
    form(&body, "Action", MR_SLICE("AssumeRoleWithWebIdentity"));
    form(&body, "Version", MR_SLICE("2011-06-15"));
    form(&body, "RoleArn", mr_slice_str(role));
    form(&body, "RoleSessionName", mr_slice_str(session == NULL ? "millrace" : session));
    form(&body, "WebIdentityToken", token);
    if (url == NULL) {
        url = region == NULL
                  ? "https://sts.amazonaws.com/"
                  : mr_arena_printf(&fetch->arena, "https://sts.%s.amazonaws.com%s/", region,
                                    strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    }
    send_request(fetch, "POST", url, &type, mr_buf_slice(&body));
    return 0;
}

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
ask_container(struct mr_credential_fetch *fetch, mr_get_env_fn *get_env, void *env,
              struct mr_error *err)
{
    const char *path = get_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", env);
    const char *url = get_env("AWS_CONTAINER_CREDENTIALS_FULL_URI", env);
    const char *token_file = get_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", env);
    struct mr_slice token = mr_slice_str(get_env("AWS_CONTAINER_AUTHORIZATION_TOKEN", env));
    struct mr_http_header header = { .name = MR_SLICE("Authorization") };

    if (path != NULL && path[0] != '\0') {
        url = mr_arena_printf(&fetch->arena, "%s%s", container_host, path);
    } else if (strncmp(url, "https://", 8) != 0 && !is_near(url)) {
        return mr_fail(err, -EINVAL,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI: %s is neither https nor on this "
                       "machine",
                       url);
    }
    if (token_file != NULL && token_file[0] != '\0') {
        token = mr_profile_read_file(token_file, &fetch->arena);
    }
    while (token.size > 0 && token.data[token.size - 1] <= ' ') {
        token.size--;
    }
    header.value = token;
    send_request(fetch, "GET", url, token.size > 0 ? &header : NULL, MR_SLICE(""));
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
                 fetch->step == ASK_TOKEN ? &ttl : &token, MR_SLICE(""));
}

struct mr_credential_fetch *
mr_credential_fetch_start(struct mr_http_client *http, enum mr_credential_giver giver,
                          mr_get_env_fn *get_env, void *env_context,
                          mr_credential_fetched_fn *done, void *context, struct mr_error *err)
{
    struct mr_credential_fetch *fetch = mr_alloc_zero(1, sizeof(*fetch));
    const char *instance = get_env("AWS_EC2_METADATA_SERVICE_ENDPOINT", env_context);
    int failed = 0;

    fetch->http = http;
    fetch->giver = giver;
    fetch->done = done;
    fetch->context = context;
    if (giver == MR_GIVER_WEB_IDENTITY) {
        failed = ask_sts(fetch, get_env, env_context, err);
    } else if (giver == MR_GIVER_CONTAINER) {
        failed = ask_container(fetch, get_env, env_context, err);
    } else {
        struct mr_slice url = mr_slice_str(instance == NULL ? instance_host : instance);
        while (url.size > 0 && url.data[url.size - 1] == '/') {
            url.size--;
        }
        fetch->instance = mr_arena_cstr(&fetch->arena, url);
        ask_instance(fetch, MR_SLICE(""));
    }
    if (failed < 0) {
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

static void
on_answer(const struct mr_http_result *result, void *context)
{
    static const char *const givers[] = { "STS", "the container's credential endpoint",
                                          "the instance's metadata (IMDSv2)" };
    struct mr_credential_fetch *fetch = context;
    struct mr_credentials credentials = { 0 };
    struct mr_error err = { 0 };
    struct mr_slice body = mr_buf_slice(result->body);

    if (result->error != NULL) {
        err = *result->error;
    } else if (result->status != 200) {
        mr_fail(&err, -EREMOTEIO, "status %d", result->status);
        err.retryable = result->status >= 500 || result->status == 429;
    } else if (go_on(fetch, body)) {
        return;
    } else if (fetch->giver == MR_GIVER_WEB_IDENTITY) {
        (void)read_xml(body, &fetch->arena, &credentials, &err);
    } else {
        (void)mr_credential_fetch_read_json(body, &credentials, &err);
    }
    if (err.code < 0) {
        mr_wrap(&err, "ask %s for credentials", givers[fetch->giver]);
    }
    fetch->done(&credentials, err.code < 0 ? &err : NULL, fetch->context);
    free_fetch(fetch);
}
