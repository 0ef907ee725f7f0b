/*
 * credentials: who signs a request.
 *
 * Three strings, copied and wiped on release. Where they come from is the
 * caller's choice: given ones, or the environment's AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
 */
#ifndef MR_AWS_CREDENTIALS_H
#define MR_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"

struct mr_credentials {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: none */
    uint64_t expires_ms; /* Unix time; 0: never */
};

/* Copies. `session_token` may be NULL. */
void mr_credentials_init(struct mr_credentials *credentials, const char *access_key,
                         const char *secret_key, const char *session_token);

/* -ENOENT with a sentence that names the variables when they are not set. */
int mr_credentials_init_env(struct mr_credentials *credentials, struct mr_error *err);

/* Overwrites and frees; a zeroed struct is fine. */
void mr_credentials_deinit(struct mr_credentials *credentials);

#endif
