/*
 * policy: IAM's statements, evaluated: an explicit deny wins, then an allow, else no.
 *
 * Effect, Action or NotAction, Resource or NotResource, and the conditions
 * IpAddress, NotIpAddress (aws:SourceIp), Bool (aws:SecureTransport),
 * StringEquals and StringLike (millrace:Endpoint: "tcp", "tls" or "unix"). A
 * statement that uses anything else is refused when it is read, so that nobody
 * believes in a rule that is not kept.
 */
#ifndef MR_STREAM_API_POLICY_H
#define MR_STREAM_API_POLICY_H

#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"

struct mr_policy;
struct json_t; /* jansson's */

/* What a decision is about. */
struct mr_policy_question {
    struct mr_slice action;    /* "kinesis:PutRecord" */
    struct mr_slice resource;  /* an ARN, or "*" */
    struct mr_slice source_ip; /* "127.0.0.1"; empty on a Unix socket */
    const char *endpoint;      /* "tcp", "tls", "unix" */
};

/* From {"Statement": ...}; NULL with `err` filled. */
MR_MUST_USE
struct mr_policy *mr_policy_new(const struct json_t *document, struct mr_error *err);
void mr_policy_free(struct mr_policy *policy);

bool mr_policy_allows(const struct mr_policy *policy,
                      const struct mr_policy_question *question);

/* IAM's wildcards: '*' any text, '?' one character. */
bool mr_policy_like(struct mr_slice pattern, struct mr_slice text);

#endif
