/*
 * credential_answer: the three ways in which credentials are handed out. Private to aws/.
 *
 * Each copies into `out_credentials`, which are the caller's to deinit; -EBADMSG with a
 * sentence when the answer is not of its kind.
 */
#ifndef MR_AWS_CREDENTIAL_ANSWER_H
#define MR_AWS_CREDENTIAL_ANSWER_H

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/slice.h"

/* Containers and instances: {"AccessKeyId":..,"SecretAccessKey":..,"Token":..,"Expiration":..}.
 */
int mr_credential_answer_json(struct mr_slice body, struct mr_credentials *out_credentials,
                              struct mr_error *err);

/* STS: <Credentials><AccessKeyId>... */
int mr_credential_answer_sts(struct mr_slice body, struct mr_credentials *out_credentials,
                             struct mr_error *err);

/* Single sign-on: {"roleCredentials":{"accessKeyId":..,"expiration":1764085660000}}. */
int mr_credential_answer_sso(struct mr_slice body, struct mr_credentials *out_credentials,
                             struct mr_error *err);

/* What `aws sso login` left: {"accessToken":..,"expiresAt":..}; the token is in the arena. */
int mr_credential_answer_login(struct mr_slice text, struct mr_arena *arena,
                               struct mr_slice *out_token, uint64_t *out_expires_ms,
                               struct mr_error *err);

#endif
