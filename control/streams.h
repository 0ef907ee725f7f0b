/*
 * streams: where the records come from: a client of the Kinesis API and one of DynamoDB
 * Streams, and a source on one of them for every mapping.
 *
 * Thread: the loop's.
 */
#ifndef MR_CONTROL_STREAMS_H
#define MR_CONTROL_STREAMS_H

#include "base/error.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "poller/source.h"

struct mr_streams;

struct mr_streams_options {
    struct mr_loop *loop; /* outlives the streams, as `http` */
    struct mr_http_client *http;
    const char *kinesis;  /* URL, "unix:PATH" or "aws"; NULL: none */
    const char *dynamodb; /* of tables' streams, likewise */
    const char *region;
};

/* NULL with -EINVAL when an endpoint is none. */
MR_MUST_USE
struct mr_streams *mr_streams_new(const struct mr_streams_options *options,
                                  struct mr_error *err);
/* Its sources must have been freed. NULL is fine. */
void mr_streams_free(struct mr_streams *streams);

/* A mr_open_source_fn; the context is the streams. */
struct mr_source *mr_streams_open(struct mr_slice source_arn, void *context,
                                  struct mr_error *err);

#endif
