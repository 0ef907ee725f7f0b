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
    bool is_fetched; /* somebody gave them and may give others */
    enum mr_credential_giver giver;
    struct mr_credential_fetch *fetch; /* under way, or NULL */
    bool is_source;                    /* it is for those that assume a profile's role */
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

static bool take_profile(struct mr_credential_chain *chain, struct mr_credentials *source);

/* What came, or why nothing came, while old ones may still serve. */
static void
end_fetch(struct mr_credential_chain *chain, const struct mr_error *err)
{
    if (err->code == 0) {
        return;
    }
    if (chain->have && !chain->refused) {
        chain->rest_until_ms = now_ms(chain) + FAILED_REST_MS;
        mr_log(MR_LOG_WARN, "aws", "%s; the old ones are used on", err->text);
        chain->error = (struct mr_error){ 0 };
    } else {
        chain->error = *err;
    }
}

static void
on_fetched(struct mr_credentials *credentials, const struct mr_error *err, void *context)
{
    static const char *const origins[] = {
        [MR_GIVER_WEB_IDENTITY] = "web identity",  [MR_GIVER_ROLE] = "assumed role",
        [MR_GIVER_SSO] = "single sign-on",         [MR_GIVER_CONTAINER] = "container",
        [MR_GIVER_INSTANCE] = "instance metadata",
    };
    struct mr_credential_chain *chain = context;
    bool is_source = chain->is_source;
    struct mr_error failed = err == NULL ? (struct mr_error){ 0 } : *err;

    chain->fetch = NULL;
    chain->is_source = false;
    mr_loop_release(chain->loop);
    if (failed.code == 0 && is_source) {
        (void)take_profile(chain, credentials);
        mr_credentials_deinit(credentials);
        if (chain->fetch != NULL) {
            return;
        }
        failed = chain->error;
    } else if (failed.code == 0) {
        adopt(chain, credentials, origins[chain->giver]);
        chain->is_fetched = true;
    }
    end_fetch(chain, &failed);
    answer_waits(chain);
}

static void
fetch(struct mr_credential_chain *chain, enum mr_credential_giver giver,
      const struct mr_profile *profile, const struct mr_credentials *source)
{
    const struct mr_credential_ask ask = {
        .giver = giver,
        .get_env = chain->get_env,
        .env_context = chain->env_context,
        .now_ms = now_ms(chain),
        .profile = profile,
        .source = source,
    };
    chain->giver = giver;
    chain->fetch =
        mr_credential_fetch_start(chain->http, &ask, on_fetched, chain, &chain->error);
    if (chain->fetch != NULL) {
        mr_loop_hold(chain->loop);
    }
}

/* ---- the environment ---- */

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

static void
take_web_identity(struct mr_credential_chain *chain)
{
    const struct mr_profile role = {
        .role_arn = mr_slice_str(env(chain, "AWS_ROLE_ARN")),
        .role_session_name = mr_slice_str(env(chain, "AWS_ROLE_SESSION_NAME")),
        .web_identity_token_file = mr_slice_str(env(chain, "AWS_WEB_IDENTITY_TOKEN_FILE")),
    };
    fetch(chain, MR_GIVER_WEB_IDENTITY, &role, NULL);
}

/* ---- profiles ---- */

static void
init_static(struct mr_credentials *out, const struct mr_profile *profile,
            struct mr_arena *arena)
{
    mr_credentials_init(
        out, mr_arena_cstr(arena, profile->access_key),
        mr_arena_cstr(arena, profile->secret_key),
        profile->session_token.size == 0 ? NULL : mr_arena_cstr(arena, profile->session_token));
}

static bool
has_keys(const struct mr_profile *profile)
{
    return profile->access_key.size > 0 && profile->secret_key.size > 0;
}

static bool
has_sso(const struct mr_profile *profile)
{
    return profile->sso_session.size > 0 || profile->sso_start_url.size > 0;
}

static bool
has_role(const struct mr_profile *profile)
{
    return profile->role_arn.size > 0 &&
           (profile->source_profile.size > 0 || profile->credential_source.size > 0 ||
            profile->web_identity_token_file.size > 0);
}

/* Whoever assumes the role of `profile` is another profile: with keys, or signed on. */
static void
take_source_profile(struct mr_credential_chain *chain, const struct mr_profile *profile,
                    struct mr_arena *arena)
{
    struct mr_profile source;
    struct mr_credentials keys;

    mr_profile_read(profile->source_profile, chain->get_env, chain->env_context, arena,
                    &source);
    if (has_keys(&source)) {
        init_static(&keys, &source, arena);
        fetch(chain, MR_GIVER_ROLE, profile, &keys);
        mr_credentials_deinit(&keys);
    } else if (has_sso(&source)) {
        fetch(chain, MR_GIVER_SSO, &source, NULL);
        chain->is_source = chain->fetch != NULL;
    } else {
        mr_fail(&chain->error, -ENOENT,
                "source_profile %.*s has neither keys nor single sign-on of its own",
                MR_SLICE_ARGS(profile->source_profile));
    }
}

static void
take_credential_source(struct mr_credential_chain *chain, const struct mr_profile *profile)
{
    bool is_instance = mr_slice_is(profile->credential_source, "Ec2InstanceMetadata");
    if (!is_instance && !mr_slice_is(profile->credential_source, "EcsContainer")) {
        mr_fail(&chain->error, -EINVAL,
                "credential_source %.*s gives nothing: Ec2InstanceMetadata, EcsContainer, or "
                "keys in the environment",
                MR_SLICE_ARGS(profile->credential_source));
        return;
    }
    fetch(chain, is_instance ? MR_GIVER_INSTANCE : MR_GIVER_CONTAINER, profile, NULL);
    chain->is_source = chain->fetch != NULL;
}

static void
take_role(struct mr_credential_chain *chain, const struct mr_profile *profile,
          const struct mr_credentials *source, struct mr_arena *arena)
{
    if (profile->mfa_serial.size > 0) {
        mr_fail(&chain->error, -ENOTSUP, "mfa_serial: nobody is here to type a code");
    } else if (source != NULL) {
        fetch(chain, MR_GIVER_ROLE, profile, source);
    } else if (profile->web_identity_token_file.size > 0) {
        fetch(chain, MR_GIVER_WEB_IDENTITY, profile, NULL);
    } else if (profile->source_profile.size > 0) {
        take_source_profile(chain, profile, arena);
    } else {
        take_credential_source(chain, profile);
    }
}

/* A way that we do not go must not silently end somewhere else. True when there is one. */
static bool
refuse_way(struct mr_credential_chain *chain, const struct mr_profile *profile,
           const char *name)
{
    const char *way = profile->credential_process.size > 0 ? "credential_process"
                      : profile->role_arn.size > 0         ? "role_arn without a source"
                                                           : NULL;
    if (way != NULL) {
        mr_fail(&chain->error, -ENOTSUP,
                "%s is not read here; put its keys into the environment "
                "(aws configure export-credentials --profile %s --format env)",
                way, name);
    }
    return way != NULL;
}

/*
 * True when the profile decides: with credentials, a fetch, or an error. An endpoint of our own
 * is not worth asking anybody: there keys count, and nothing else. `source`: of those that were
 * fetched to assume its role.
 */
static bool
take_profile(struct mr_credential_chain *chain, struct mr_credentials *source)
{
    const char *asked = env(chain, "AWS_PROFILE");
    const char *name = asked == NULL ? "default" : asked;
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_profile profile;
    struct mr_credentials found;
    char origin[96];
    bool decides = true;

    chain->error = (struct mr_error){ 0 };
    mr_profile_read(mr_slice_str(name), chain->get_env, chain->env_context, &arena, &profile);
    if (asked != NULL && !profile.found) {
        mr_fail(&chain->error, -ENOENT,
                "AWS_PROFILE is %s, which neither ~/.aws/credentials nor ~/.aws/config has",
                asked);
        return true;
    }
    if (!chain->local && has_role(&profile)) {
        take_role(chain, &profile, source, &arena);
    } else if (has_keys(&profile)) {
        init_static(&found, &profile, &arena);
        snprintf(origin, sizeof(origin), "profile %s", name);
        adopt(chain, &found, origin);
        chain->is_fetched = false;
    } else if (!chain->local && has_sso(&profile)) {
        fetch(chain, MR_GIVER_SSO, &profile, NULL);
    } else {
        decides = !chain->local && refuse_way(chain, &profile, name);
    }
    if (chain->error.code < 0) {
        mr_wrap(&chain->error, "AWS profile %s", name);
    }
    return decides;
}

/* ---- looking ---- */

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
        take_web_identity(chain);
        return;
    }
    if (take_profile(chain, NULL)) {
        return;
    }
    if (chain->local) {
        take_dummy(chain);
        return;
    }
    if (env(chain, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != NULL ||
        env(chain, "AWS_CONTAINER_CREDENTIALS_FULL_URI") != NULL) {
        fetch(chain, MR_GIVER_CONTAINER, NULL, NULL);
        return;
    }
    if (is_true(env(chain, "AWS_EC2_METADATA_DISABLED"))) {
        mr_fail(&chain->error, -ENOENT,
                "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "AWS_PROFILE");
        return;
    }
    fetch(chain, MR_GIVER_INSTANCE, NULL, NULL);
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
    if (chain->fetch == NULL) {
        look(chain);
        if (chain->fetch == NULL) {
            struct mr_error err = chain->error;
            end_fetch(chain, &err);
        }
    }
    end = chain->current.expires_ms;
    return end == 0 || now + MANDATORY_MS < end || now < chain->rest_until_ms ? &chain->current
                                                                            : NULL;
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
