/*
 * credential_chain: where the credentials of this machine are, asked in one order.
 *
 *     given ones → the environment → web identity (STS) → a profile of ~/.aws/credentials and
 *     ~/.aws/config → the container's endpoint → the instance's metadata (IMDSv2)
 *
 * A profile has keys, or a role_arn that others' credentials assume (source_profile,
 * credential_source, web_identity_token_file), or single sign-on of `aws sso login`. No
 * credential_process and no mfa_serial: a daemon starts no programs and has nobody to ask.
 *
 * The first place that is set up decides; a place that is set up and wrong is an error and not
 * passed over. For an endpoint of our own or an emulator's (`local`) neither container nor
 * instance, nor STS, nor single sign-on is asked, and without keys made-up ones stand in, which
 * such services accept.
 *
 * What expires is fetched again in the background from five minutes before its end; when that
 * fails the old ones are used on, as AWS's own clients do, and the log says so.
 *
 * Thread: the loop's. Files are read at once, blocking: they are small and local.
 */
#ifndef MR_AWS_CREDENTIAL_CHAIN_H
#define MR_AWS_CREDENTIAL_CHAIN_H

#include <stdbool.h>

#include "aws/credentials.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/list.h"
#include "net/http_client.h"
#include "net/loop.h"

struct mr_credential_chain;

struct mr_credential_chain_options {
    struct mr_loop *loop; /* outlives the chain, as `http` and `given` */
    struct mr_http_client *http;
    const struct mr_credentials *given; /* NULL: look for them */
    bool local;                         /* the endpoint is ours or an emulator's */
    /* For tests; NULL: getenv. */
    const char *(*get_env)(const char *name, void *context);
    void *env_context;
};

/* Looks nowhere yet. Never NULL. */
struct mr_credential_chain *
mr_credential_chain_new(const struct mr_credential_chain_options *options);
/* Nobody may wait any more. NULL is fine. */
void mr_credential_chain_free(struct mr_credential_chain *chain);
MR_AUTO_DEFINE(struct mr_credential_chain, mr_credential_chain_free)

/*
 * What is there now; valid until the loop runs on. NULL when it must be fetched, or when there
 * is nothing: await says which.
 */
const struct mr_credentials *mr_credential_chain_get(struct mr_credential_chain *chain);

/* `err` NULL: get has them now. Else a sentence that says where we looked. */
typedef void(mr_credentials_ready_fn)(const struct mr_error *err, void *context);

struct mr_credential_wait {
    struct mr_list node;
    mr_credentials_ready_fn *ready;
    void *context;
};

/* `ready` is called once, later, unless cancelled. The wait is the caller's memory. */
void mr_credential_chain_await(struct mr_credential_chain *chain,
                               struct mr_credential_wait *wait, mr_credentials_ready_fn *ready,
                               void *context);
void mr_credential_wait_cancel(struct mr_credential_wait *wait);

/* A service said they have expired: get gives none until new ones are there. */
void mr_credential_chain_expire(struct mr_credential_chain *chain);

/* "environment", "profile default", ...: for a start line. "" before the first answer. */
const char *mr_credential_chain_origin(const struct mr_credential_chain *chain);

#endif
