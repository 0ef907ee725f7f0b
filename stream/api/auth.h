/*
 * auth: who calls, proven by a signature, and what they may do.
 *
 * Off by default: then only the shape of the authentication fields is looked at,
 * as AWS does before any secret. With an authentication file, signatures are
 * verified and every operation is checked against the caller's policy.
 *
 *     { "principals": [
 *         { "name": "orders-service",
 *           "accessKeyId": "AKIA...", "secretAccessKey": "...", "sessionToken": "optional",
 *           "policy": { "Statement": [
 *             { "Effect": "Allow", "Action": ["kinesis:Put*", "kinesis:DescribeStream*"],
 *               "Resource": "arn:aws:kinesis:*:*:stream/orders",
 *               "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } } ] } } ] }
 *
 * A wrong signature is refused without saying which part was wrong, in the same
 * time whether or not the key exists.
 */
#ifndef MR_STREAM_API_AUTH_H
#define MR_STREAM_API_AUTH_H

#include "base/auto.h"
#include "base/error.h"
#include "stream/api/call.h"

struct mr_auth;

/* NULL with `err` filled when the file cannot be used. */
MR_MUST_USE
struct mr_auth *mr_auth_open(const char *path, struct mr_error *err);
void mr_auth_close(struct mr_auth *auth);
MR_AUTO_DEFINE(struct mr_auth, mr_auth_close)

enum mr_auth_verdict {
    MR_AUTH_GOOD,
    MR_AUTH_MISSING,
    MR_AUTH_MALFORMED, /* both ways at once, or fields that are not there */
    MR_AUTH_REFUSED,
    MR_AUTH_EXPIRED,
};

/* Looks at the call's authentication and, when verification is on, sets call->principal. */
enum mr_auth_verdict mr_auth_verify(struct mr_call *call);

/* Answer with what AWS says for that verdict. */
void mr_auth_refuse(struct mr_call *call, enum mr_auth_verdict verdict);

/*
 * May the caller do this operation to `resource`, an ARN or "*"? When not, the call is answered
 * and the result is false. True while verification is off.
 */
bool mr_auth_allows(struct mr_call *call, struct mr_slice resource);

#endif
