/*
 * profile: one section of AWS's shared files, ~/.aws/credentials and ~/.aws/config.
 *
 * The files are INI: [name] in the first, [profile name] or [default] in the second, `key =
 * value` below, # and ; for comments. Indented lines (settings within settings) are passed
 * over. The second also has [sso-session name], which several profiles may share.
 */
#ifndef MR_AWS_PROFILE_H
#define MR_AWS_PROFILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

/* What of a profile we look at; absent: not set. Views into the text, or the arena. */
struct mr_profile {
    bool found; /* there is such a section */
    struct mr_slice access_key, secret_key, session_token;
    struct mr_slice region, endpoint_url;
    /* A role that others' credentials assume. */
    struct mr_slice role_arn, source_profile, credential_source, web_identity_token_file;
    struct mr_slice role_session_name, external_id, duration_seconds;
    /* Single sign-on. */
    struct mr_slice sso_session, sso_start_url, sso_region, sso_account_id, sso_role_name;
    struct mr_slice credential_process, mfa_serial; /* ways we do not go: to say so */
};

enum mr_profile_section { MR_SECTION_CREDENTIALS, MR_SECTION_CONFIG, MR_SECTION_SSO_SESSION };

/* Adds what `text` says of the profile; what was found before stays. */
void mr_profile_parse(struct mr_slice text, struct mr_slice name,
                      enum mr_profile_section section, struct mr_profile *profile);

/*
 * Both files of this user, the credentials file first; missing ones are empty. Its sso_session
 * is looked up too.
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE as `get_env` gives them, else below HOME.
 */
typedef const char *(mr_get_env_fn)(const char *name, void *context);
void mr_profile_read(struct mr_slice name, mr_get_env_fn *get_env, void *env_context,
                     struct mr_arena *arena, struct mr_profile *out_profile);

/* A small file, whole, in the arena; absent when it cannot be read or is over a megabyte. */
struct mr_slice mr_profile_read_file(const char *path, struct mr_arena *arena);

#endif
