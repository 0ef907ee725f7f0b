/*
 * remote: one question to a daemon and its answer, for verbs that do one thing after another.
 *
 * Each call runs the loop until its answer is there, so what else lives on that
 * loop (the supervisor of `millrace up`) goes on meanwhile. Requests are signed.
 * An error answer is an error with AWS's name and sentence; its name is kept for
 * who decides by it.
 */
#ifndef MR_CLI_REMOTE_H
#define MR_CLI_REMOTE_H

#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli/place.h"
#include "net/http_client.h"
#include "net/loop.h"

struct mr_remote {
    struct mr_loop *loop; /* the caller's, or ours when none was given */
    bool owns_loop;
    const volatile bool *given_up; /* NULL, or: when true, a call returns -EINTR */
    struct mr_http_client *http;
    char *endpoint; /* without a slash at its end */
    char *host;
    char *region;
    struct mr_credentials credentials;
    struct mr_sigv4_signer kinesis, lambda;
    struct mr_arena arena; /* of the last call */
    struct mr_buf body;    /* the last answer's */
    int status;
    char function_error[32]; /* X-Amz-Function-Error of the last answer, or "" */
    char *log_result;        /* X-Amz-Log-Result of the last answer, or NULL */
    char error_name[96];     /* of the last error answer: "ResourceNotFoundException"; or "" */
};

/* `loop` NULL: one of its own. The place need not outlive the call. */
void mr_remote_init(struct mr_remote *remote, struct mr_loop *loop,
                    const struct mr_place *place);
void mr_remote_deinit(struct mr_remote *remote);
#define mr_auto_remote __attribute__((cleanup(mr_remote_deinit)))

/*
 * The answer's body is `remote->body`, until the next call. 0, or negative with `err`:
 * -ECONNREFUSED when nobody listens, -EREMOTEIO for an error answer (name kept), -EINTR.
 */
int mr_remote_kinesis(struct mr_remote *remote, const char *operation, struct mr_slice body,
                      struct mr_error *err) MR_MUST_USE;
int mr_remote_lambda(struct mr_remote *remote, const char *method, const char *path,
                     struct mr_slice body, struct mr_error *err) MR_MUST_USE;

/* A service of JSON 1.0 ("sqs", "AmazonSQS.CreateQueue"; "dynamodb", ...), where the endpoint
 * is that service's. */
int mr_remote_json(struct mr_remote *remote, const char *service, const char *target,
                   struct mr_slice body, struct mr_error *err) MR_MUST_USE;
/* Invoke: `type` is "RequestResponse", "Event" or "DryRun"; with `tail`, log_result is filled.
 */
int mr_remote_invoke(struct mr_remote *remote, const char *path, const char *type, bool tail,
                     struct mr_slice event, struct mr_error *err) MR_MUST_USE;

/* Was the last failure an error answer of that name? */
bool mr_remote_said(const struct mr_remote *remote, const char *error_name);

#endif
