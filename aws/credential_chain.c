#include "aws/credential_chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/credential_fetch.h"
#include "aws/profile.h"
#include "base/alloc.h"
#include "base/log.h"

enum {
    ADVISORY_MS = 5 * 60 * 1000, /* before the end: fetch in the background */
    MANDATORY_MS = 60 * 1000,    /* before the end: wait for new ones */
    FAILED_REST_MS = 60 * 1000,  /* after a failed fetch, while old ones serve */
};

struct mr_credential_chain {
    struct mr_loop *loop; /* the caller's, as `http` and `given` */
    struct mr_http_client *http;
    bool local;
    const struct mr_credentials *given;
    mr_get_env_fn *get_env;
    void *env_context;
    struct mr_credentials current;
    bool have;       /* `current` is set */
    bool refused;    /* a service called `current` expired */
    bool is_fetched; /* `giver` gave them and may give others */
    enum mr_credential_giver giver;
    struct mr_credential_fetch *fetch; /* under way, or NULL */
    uint64_t rest_until_ms;            /* no background fetch before */
    struct mr_error error;             /* of the last look */
    struct mr_list waits;
    struct mr_timer answer; /* so that no `ready` is called from inside await */
    char origin[96];
};

static const char *
system_env(const char *name, void *context)
{
    (void)context;
    return getenv(name);
}

/* A variable that is set and not empty, or NULL. */
static const char *
env(const struct mr_credential_chain *chain, const char *name)
{
    const char *value = chain->get_env(name, chain->env_context);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static uint64_t
now_ms(const struct mr_credential_chain *chain)
{
    return mr_clock_wall_ms(mr_loop_clock(chain->loop));
}

static void
adopt(struct mr_credential_chain *chain, struct mr_credentials *credentials, const char *origin)
{
    mr_credentials_deinit(&chain->current);
    chain->current = *credentials;
    *credentials = (struct mr_credentials){ 0 };
    chain->have = true;
    chain->refused = false;
    chain->error = (struct mr_error){ 0 };
    if (origin != chain->origin) {
        snprintf(chain->origin, sizeof(chain->origin), "%s", origin);
    }
}

/* ---- telling who waits ---- */

static void
answer_waits(void *context)
{
    struct mr_credential_chain *chain = context;
    struct mr_error err = chain->error;
    struct mr_list ready;

    /* Onto a list of its own: a `ready` may wait again, or cancel another. */
    mr_list_init(&ready);
    while (!mr_list_empty(&chain->waits)) {
        struct mr_list *node = chain->waits.next;
        mr_list_remove(node);
        mr_list_push_back(&ready, node);
    }
    while (!mr_list_empty(&ready)) {
        struct mr_credential_wait *wait =
            MR_CONTAINER_OF(ready.next, struct mr_credential_wait, node);
        mr_list_remove(&wait->node);
        wait->ready(err.code < 0 ? &err : NULL, wait->context);
    }
}

/* ---- fetching ---- */

static void
on_fetched(struct mr_credentials *credentials, const struct mr_error *err, void *context)
{
    static const char *const origins[] = { "web identity", "container", "instance metadata" };
    struct mr_credential_chain *chain = context;

    chain->fetch = NULL;
    mr_loop_release(chain->loop);
    if (err == NULL) {
        adopt(chain, credentials, origins[chain->giver]);
        chain->is_fetched = true;
    } else if (chain->have && !chain->refused) {
        chain->rest_until_ms = now_ms(chain) + FAILED_REST_MS;
        mr_log(MR_LOG_WARN, "aws", "%s; the old ones are used on", err->text);
    } else {
        chain->error = *err;
    }
    answer_waits(chain);
}

static void
fetch(struct mr_credential_chain *chain, enum mr_credential_giver giver)
{
    if (chain->fetch != NULL) {
        return;
    }
    chain->error = (struct mr_error){ 0 };
    chain->giver = giver;
    chain->fetch =
        mr_credential_fetch_start(chain->http, giver, chain->get_env, chain->env_context,
                                  on_fetched, chain, &chain->error);
    if (chain->fetch != NULL) {
        mr_loop_hold(chain->loop);
    }
}

/* ---- looking ---- */

static bool
take_env(struct mr_credential_chain *chain)
{
    const char *access_key = env(chain, "AWS_ACCESS_KEY_ID");
    const char *secret_key = env(chain, "AWS_SECRET_ACCESS_KEY");
    struct mr_credentials found;
    if (access_key == NULL || secret_key == NULL) {
        return false;
    }
    mr_credentials_init(&found, access_key, secret_key, env(chain, "AWS_SESSION_TOKEN"));
    adopt(chain, &found, "environment");
    return true;
}

/* A way of a profile that we do not go must not silently end somewhere else. */
static int
refuse_ways(const struct mr_profile *profile, const char *name, struct mr_error *err)
{
    const char *way = profile->role_arn.size > 0             ? "role_arn"
                      : profile->credential_process.size > 0 ? "credential_process"
                      : profile->sso.size > 0                ? "sso"
                                                             : NULL;
    if (way == NULL) {
        return 0;
    }
    return mr_fail(err, -ENOTSUP,
                   "AWS profile %s: %s is not read here; put its keys into the environment "
                   "(aws configure export-credentials --profile %s --format env)",
                   name, way, name);
}

/* True when the profile decides, with credentials or with an error. */
static bool
take_profile(struct mr_credential_chain *chain)
{
    const char *asked = env(chain, "AWS_PROFILE");
    const char *name = asked == NULL ? "default" : asked;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_profile profile;
    struct mr_credentials found;
    char origin[96];

    mr_profile_read(mr_slice_str(name), chain->get_env, chain->env_context, &arena, &profile);
    if (profile.access_key.size > 0 && profile.secret_key.size > 0) {
        const char *token = profile.session_token.size == 0
                                ? NULL
                                : mr_arena_cstr(&arena, profile.session_token);
        mr_credentials_init(&found, mr_arena_cstr(&arena, profile.access_key),
                            mr_arena_cstr(&arena, profile.secret_key), token);
        snprintf(origin, sizeof(origin), "profile %s", name);
        adopt(chain, &found, origin);
        return true;
    }
    if (refuse_ways(&profile, name, &chain->error) < 0) {
        return true;
    }
    if (asked != NULL && !profile.found) {
        mr_fail(&chain->error, -ENOENT,
                "AWS_PROFILE is %s, which neither ~/.aws/credentials nor ~/.aws/config has",
                asked);
        return true;
    }
    return false;
}

static void
take_dummy(struct mr_credential_chain *chain)
{
    struct mr_credentials made_up;
    mr_credentials_init(&made_up, "millrace", "millrace", NULL);
    adopt(chain, &made_up, "made up, for a local endpoint");
}

static bool
is_true(const char *value)
{
    return value != NULL && strcasecmp(value, "true") == 0;
}

/* Go through the places; leaves `current`, an error, or a fetch under way. */
static void
look(struct mr_credential_chain *chain)
{
    chain->error = (struct mr_error){ 0 };
    if (take_env(chain)) {
        return;
    }
    if (!chain->local && env(chain, "AWS_WEB_IDENTITY_TOKEN_FILE") != NULL) {
        fetch(chain, MR_GIVER_WEB_IDENTITY);
        return;
    }
    if (take_profile(chain)) {
        return;
    }
    if (chain->local) {
        take_dummy(chain);
        return;
    }
    if (env(chain, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL ||
        env(chain, "AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL) {
        fetch(chain, MR_GIVER_CONTAINER);
        return;
    }
    if (is_true(env(chain, "AWS_EC2_METADATA_DISABLED"))) {
        mr_fail(&chain->error, -ENOENT,
                "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "AWS_PROFILE");
        return;
    }
    fetch(chain, MR_GIVER_INSTANCE);
}

/* ---- the chain ---- */

struct mr_credential_chain *
mr_credential_chain_new(const struct mr_credential_chain_options *options)
{
    struct mr_credential_chain *chain = mr_alloc_zero(1, sizeof(*chain));
    chain->loop = options->loop;
    chain->http = options->http;
    chain->given = options->given;
    chain->local = options->local;
    chain->get_env = options->get_env == NULL ? system_env : options->get_env;
    chain->env_context = options->env_context;
    mr_list_init(&chain->waits);
    mr_timer_init(&chain->answer, options->loop, MR_TIME_REAL, answer_waits, chain);
    if (chain->given != NULL) {
        snprintf(chain->origin, sizeof(chain->origin), "given");
    }
    return chain;
}

void
mr_credential_chain_free(struct mr_credential_chain *chain)
{
    if (chain == NULL) {
        return;
    }
    if (chain->fetch != NULL) {
        mr_credential_fetch_cancel(chain->fetch);
        mr_loop_release(chain->loop);
    }
    mr_timer_stop(&chain->answer);
    mr_credentials_deinit(&chain->current);
    free(chain);
}

const struct mr_credentials *
mr_credential_chain_get(struct mr_credential_chain *chain)
{
    if (chain->given != NULL) {
        return chain->given;
    }
    if (!chain->have || chain->refused) {
        return NULL;
    }
    uint64_t now = now_ms(chain), end = chain->current.expires_ms;
    if (!chain->is_fetched || end == 0 || now + ADVISORY_MS < end ||
        now < chain->rest_until_ms) {
        return &chain->current;
    }
    fetch(chain, chain->giver);
    return now + MANDATORY_MS < end ? &chain->current : NULL;
}

void
mr_credential_chain_await(struct mr_credential_chain *chain, struct mr_credential_wait *wait,
                          mr_credentials_ready_fn *ready, void *context)
{
    wait->ready = ready;
    wait->context = context;
    mr_list_push_back(&chain->waits, &wait->node);
    if (chain->fetch == NULL && mr_credential_chain_get(chain) == NULL &&
        chain->fetch == NULL) {
        look(chain);
    }
    if (chain->fetch == NULL) {
        mr_timer_start(&chain->answer, 0);
    }
}

void
mr_credential_wait_cancel(struct mr_credential_wait *wait)
{
    mr_list_remove(&wait->node);
}

void
mr_credential_chain_expire(struct mr_credential_chain *chain)
{
    chain->refused = chain->given == NULL;
}

const char *
mr_credential_chain_origin(const struct mr_credential_chain *chain)
{
    return chain->origin;
}
