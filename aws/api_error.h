/*
 * api_error: AWS's error names, made and read in this one place.
 *
 * A row of the table says which HTTP status an error has in an API, whether the
 * fault is the service's, and whether it asks the caller to slow down. Servers
 * write bodies from it; clients look up what they were answered.
 *
 * Thread: any; the table is constant.
 */
#ifndef MR_AWS_API_ERROR_H
#define MR_AWS_API_ERROR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum mr_api { MR_API_KINESIS, MR_API_LAMBDA, MR_API_OTHER };

struct mr_api_error {
    const char *name;   /* "ProvisionedThroughputExceededException" */
    int kinesis_status; /* HTTP status in the JSON protocols (Kinesis, DynamoDB, SQS, STS) */
    int lambda_status;  /* HTTP status in Lambda's REST protocol */
    bool throttle;      /* the same call may succeed when it comes later */
    bool server_fault;
};

/*
 * The row of a name; "com.amazonaws...#Name" and "Name:http://..." are read as Name. NULL when
 * the table has no such name.
 */
const struct mr_api_error *mr_api_error_find(struct mr_slice name);

/* The bare name in what a peer sent as __type or x-amzn-ErrorType. */
struct mr_slice mr_api_error_name(struct mr_slice wire_name);

/* HTTP status; a name outside the table is a client's mistake, 400. */
int mr_api_error_status(enum mr_api api, const char *name);

/*
 * Should a client try the unchanged call again? By status and name of the answer; status 0
 * means there was no answer.
 */
bool mr_api_error_retryable(int status, struct mr_slice name);

/*
 * Append the body: {"__type":"NAME","message":"..."}, for SerializationException with
 * "Message", for Lambda {"Type":"User","Message":"..."}. A NULL message leaves the member out.
 */
void mr_api_error_body(struct mr_buf *buf, enum mr_api api, const char *name,
                       const char *message);

/*
 * Read name and message from an error answer of a JSON API: `type_header` is x-amzn-ErrorType
 * or absent. Views into the arguments or the arena; absent when not found.
 */
struct mr_arena;
void mr_api_error_read(struct mr_slice type_header, struct mr_slice body,
                       struct mr_arena *arena, struct mr_slice *out_name,
                       struct mr_slice *out_message);

#endif
