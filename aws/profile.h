/*
 * profile: one section of AWS's shared files, ~/.aws/credentials and ~/.aws/config.
 *
 * The files are INI: [name] in the first, [profile name] or [default] in the second, `key =
 * value` below, # and ; for comments. Indented lines (settings within settings) are passed
 * over.
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
    struct mr_slice role_arn, credential_process, sso; /* ways we do not go: to say so */
};

/* Adds what `text` says of the profile; what was found before stays. */
void mr_profile_parse(struct mr_slice text, struct mr_slice name, bool is_config,
                      struct mr_profile *profile);

/*
 * Both files of this user, the credentials file first; missing ones are empty.
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE as `get_env` gives them, else below HOME.
 */
typedef const char *(mr_get_env_fn)(const char *name, void *context);
void mr_profile_read(struct mr_slice name, mr_get_env_fn *get_env, void *env_context,
                     struct mr_arena *arena, struct mr_profile *out_profile);

/* A small file, whole, in the arena; absent when it cannot be read or is over a megabyte. */
struct mr_slice mr_profile_read_file(const char *path, struct mr_arena *arena);

#endif
