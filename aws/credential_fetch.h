/*
 * credential_fetch: credentials that somebody hands out for a while. Private to aws/.
 *
 * Five givers: STS for a web identity's token or for other credentials, single sign-on for what
 * `aws sso login` left, the container's endpoint, the instance's metadata. Each is a short
 * conversation of one to three requests.
 */
#ifndef MR_AWS_CREDENTIAL_FETCH_H
#define MR_AWS_CREDENTIAL_FETCH_H

#include "aws/credentials.h"
#include "aws/profile.h"
#include "base/error.h"
#include "net/http_client.h"

struct mr_credential_fetch;

enum mr_credential_giver {
    MR_GIVER_WEB_IDENTITY,
    MR_GIVER_ROLE,
    MR_GIVER_SSO,
    MR_GIVER_CONTAINER,
    MR_GIVER_INSTANCE,
};

/* All of it is the caller's, for the call. */
struct mr_credential_ask {
    enum mr_credential_giver giver;
    mr_get_env_fn *get_env;
    void *env_context;
    uint64_t now_ms; /* Unix time */
    /* What a profile, or the environment in its words, says of the role, or of single sign-on.
     */
    const struct mr_profile *profile;
    const struct mr_credentials *source; /* MR_GIVER_ROLE: who assumes it */
};

/* `credentials` are the callee's to keep (or deinit); `err` NULL when they came. Once, later.
 */
typedef void(mr_credential_fetched_fn)(struct mr_credentials *credentials,
                                       const struct mr_error *err, void *context);

/* NULL with `err` when it cannot even be asked (a bad variable, an unreadable token). */
struct mr_credential_fetch *mr_credential_fetch_start(struct mr_http_client *http,
                                                      const struct mr_credential_ask *ask,
                                                      mr_credential_fetched_fn *done,
                                                      void *context, struct mr_error *err);
/* `done` will not be called. */
void mr_credential_fetch_cancel(struct mr_credential_fetch *fetch);

#endif
