/*
 * client: one service of AWS's, or of who stands in for it, asked by signed requests.
 *
 * A client knows where its service is and signs with whatever the credential chain has at that
 * moment; a call waits for the first credentials when there are none yet. Nothing is retried in
 * here: a caller knows what may be repeated, and is told by `fault` whether it may be worth it.
 * What is repeated at once would only meet the same throttle, so callers keep their backoff.
 *
 * When a service says that credentials have expired, the chain is told to fetch new ones before
 * `done` is called: the same call again waits for them. When it says that our clock is wrong,
 * the difference is taken from its Date header and the next call is signed with its time.
 *
 * Thread: the loop's.
 */
#ifndef MR_AWS_CLIENT_H
#define MR_AWS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credential_chain.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/http.h"
#include "net/http_client.h"
#include "net/loop.h"

struct mr_aws_client;
struct mr_aws_call; /* one request under way */

struct mr_aws_client_options {
    struct mr_loop *loop; /* outlives the client, as the next two */
    struct mr_http_client *http;
    struct mr_credential_chain *credentials;
    const char *service;     /* the name signed with: "kinesis", "sqs", "s3" */
    const char *host_prefix; /* of AWS's own endpoint; NULL: the service's name */
    const char *region;      /* "us-east-1" */
    const char *endpoint;    /* "http://127.0.0.1:4566"; NULL: AWS's own, by https */
    const char *unix_socket; /* connect here instead of the endpoint's host; NULL: no */
    const char *ca_file;     /* NULL: the system's */
};

/* Strings are copied. NULL with -EINVAL when the endpoint is no http(s) URL of a host. */
struct mr_aws_client *mr_aws_client_new(const struct mr_aws_client_options *options,
                                        struct mr_error *err);
/* Calls under way are cancelled. NULL is fine. */
void mr_aws_client_free(struct mr_aws_client *client);
MR_AUTO_DEFINE(struct mr_aws_client, mr_aws_client_free)

/* "http://127.0.0.1:4566", without a slash at its end. Lives as long as the client. */
const char *mr_aws_client_endpoint(const struct mr_aws_client *client);

struct mr_aws_request {
    const char *method;     /* NULL: POST */
    struct mr_slice path;   /* as on the wire, percent-encoded; absent: "/" */
    struct mr_slice query;  /* without '?'; absent: none */
    struct mr_slice target; /* X-Amz-Target, "Kinesis_20131202.GetRecords"; absent: none */
    struct mr_slice content_type;         /* absent: application/x-amz-json-1.1 with a target */
    const struct mr_http_header *headers; /* more of them; signed too */
    size_t header_count;
    struct mr_slice body; /* copied once */
    uint64_t total_ms;    /* real time, from sending; 0: 60000 */
    size_t max_response;  /* bytes; 0: 32 MiB */
    bool http2;
    /*
     * Optional: called with the body of a 2xx answer as it comes, which is then not collected.
     * Must not free or cancel the call.
     */
    void (*chunk)(struct mr_slice chunk, void *context);
};

enum mr_aws_fault {
    MR_AWS_OK,
    MR_AWS_THROTTLED, /* too often: wait and ask again */
    MR_AWS_TROUBLE,   /* no answer, or the service's own trouble: the same call may succeed */
    MR_AWS_EXPIRED,   /* the credentials; new ones are on their way */
    MR_AWS_DENIED,    /* we may not, or nobody knows these credentials */
    MR_AWS_NOT_FOUND, /* no such stream, queue, topic, bucket */
    MR_AWS_REFUSED,   /* anything else: the same call will fail again */
};

/* Lives during `done`, with all it points to. */
struct mr_aws_result {
    enum mr_aws_fault fault;
    int status;                   /* 0: there was no answer */
    struct mr_slice code;         /* "ResourceNotFoundException"; absent when not said */
    struct mr_slice message;      /* the service's; absent when not said */
    const struct mr_error *error; /* NULL with MR_AWS_OK, else a sentence */
    const struct mr_http_header *headers;
    size_t header_count;
    struct mr_buf *body; /* may be taken with mr_buf_take */
};

/* Called exactly once, later, unless the call is cancelled. */
typedef void(mr_aws_done_fn)(const struct mr_aws_result *result, void *context);

/* Never NULL. `context` goes to `chunk` and to `done`. */
struct mr_aws_call *mr_aws_client_send(struct mr_aws_client *client,
                                       const struct mr_aws_request *request,
                                       mr_aws_done_fn *done, void *context);
/* `done` will not be called. Not from inside the call's own `done`. */
void mr_aws_call_cancel(struct mr_aws_call *call);

/* Append `text` percent-encoded for a path or a form body: all but A-Z a-z 0-9 - . _ ~. */
void mr_aws_encode(struct mr_buf *buf, struct mr_slice text);

#endif
