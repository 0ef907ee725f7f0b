#include "aws/credential_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/xml.h"
#include "base/alloc.h"
#include "base/json_reader.h"

/* Texts of one JSON object by name, and one number. */
struct wanted {
    const char *name;
    struct mr_slice *text;
    uint64_t *number;
};

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
    time_t time = timegm(&utc);
    return time < 0 ? 0 : (uint64_t)time * 1000;
}

static int
keep(struct mr_credentials *out, struct mr_slice access, struct mr_slice secret,
     struct mr_slice token, uint64_t expires_ms, struct mr_error *err)
{
    if (access.size == 0 || secret.size == 0) {
        return mr_fail(err, -EBADMSG, "the answer has no access key and secret");
    }
    mr_auto_free char *access_key = mr_slice_dup(access);
    mr_auto_free char *secret_key = mr_slice_dup(secret);
    mr_auto_free char *session_token = token.size == 0 ? NULL : mr_slice_dup(token);
    mr_credentials_init(out, access_key, secret_key, session_token);
    explicit_bzero(secret_key, secret.size);
    out->expires_ms = expires_ms;
    return 0;
}

static bool
read_member(struct mr_json *json, const struct wanted *wanted, struct mr_arena *arena)
{
    int64_t number;
    if (wanted->text != NULL && mr_json_peek(json) == MR_JSON_STRING) {
        return mr_json_string(json, arena, wanted->text);
    }
    if (wanted->number != NULL && mr_json_peek(json) == MR_JSON_NUMBER) {
        bool good = mr_json_i64(json, &number);
        *wanted->number = good && number > 0 ? (uint64_t)number : 0;
        return good;
    }
    return mr_json_skip(json);
}

static bool
read_object(struct mr_json *json, const struct wanted *wanted, struct mr_arena *arena)
{
    struct mr_slice key;
    if (mr_json_peek(json) != MR_JSON_OBJECT || !mr_json_enter(json)) {
        return false;
    }
    while (mr_json_next_key(json, &key)) {
        const struct wanted *member = wanted;
        while (member->name != NULL && !mr_slice_is(key, member->name)) {
            member++;
        }
        if (member->name == NULL ? !mr_json_skip(json) : !read_member(json, member, arena)) {
            return false;
        }
    }
    return !json->bad;
}

int
mr_credential_answer_json(struct mr_slice body, struct mr_credentials *out_credentials,
                          struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice access = { NULL, 0 }, secret = access, token = access, end = access;
    mr_auto_arena struct mr_arena arena = { 0 };
    const struct wanted wanted[] = { { "AccessKeyId", &access, NULL },
                                     { "SecretAccessKey", &secret, NULL },
                                     { "Token", &token, NULL },
                                     { "Expiration", &end, NULL },
                                     { NULL, NULL, NULL } };

    if (!read_object(&json, wanted, &arena) || !mr_json_done(&json)) {
        return mr_fail(err, -EBADMSG, "the answer is no JSON object");
    }
    return keep(out_credentials, access, secret, token, parse_time(end), err);
}

int
mr_credential_answer_sts(struct mr_slice body, struct mr_credentials *out_credentials,
                         struct mr_error *err)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    return keep(out_credentials, mr_xml_text(body, "AccessKeyId", &arena),
                mr_xml_text(body, "SecretAccessKey", &arena),
                mr_xml_text(body, "SessionToken", &arena),
                parse_time(mr_xml_text(body, "Expiration", &arena)), err);
}

int
mr_credential_answer_sso(struct mr_slice body, struct mr_credentials *out_credentials,
                         struct mr_error *err)
{
    struct mr_json json = mr_json_of(body);
    struct mr_slice access = { NULL, 0 }, secret = access, token = access, key;
    uint64_t end = 0;
    mr_auto_arena struct mr_arena arena = { 0 };
    const struct wanted wanted[] = { { "accessKeyId", &access, NULL },
                                     { "secretAccessKey", &secret, NULL },
                                     { "sessionToken", &token, NULL },
                                     { "expiration", NULL, &end },
                                     { NULL, NULL, NULL } };
    bool good = mr_json_peek(&json) == MR_JSON_OBJECT && mr_json_enter(&json);

    while (good && mr_json_next_key(&json, &key)) {
        good = mr_slice_is(key, "roleCredentials") ? read_object(&json, wanted, &arena)
                                                   : mr_json_skip(&json);
    }
    if (!good || !mr_json_done(&json)) {
        return mr_fail(err, -EBADMSG, "the answer is not one of single sign-on");
    }
    return keep(out_credentials, access, secret, token, end, err);
}

int
mr_credential_answer_login(struct mr_slice text, struct mr_arena *arena,
                           struct mr_slice *out_token, uint64_t *out_expires_ms,
                           struct mr_error *err)
{
    struct mr_json json = mr_json_of(text);
    struct mr_slice token = { NULL, 0 }, end = token;
    const struct wanted wanted[] = { { "accessToken", &token, NULL },
                                     { "expiresAt", &end, NULL },
                                     { NULL, NULL, NULL } };

    if (!read_object(&json, wanted, arena) || !mr_json_done(&json) || token.size == 0) {
        return mr_fail(err, -EBADMSG, "it has no access token");
    }
    *out_token = token;
    *out_expires_ms = parse_time(end);
    return 0;
}
