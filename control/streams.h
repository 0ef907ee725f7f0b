/*
 * streams: where the records come from: one client of the Kinesis API, and a source on it for
 * every mapping.
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

/* `endpoint`: URL, "unix:PATH" or "aws". NULL with -EINVAL when it is none of them. */
MR_MUST_USE
struct mr_streams *mr_streams_new(struct mr_loop *loop, struct mr_http_client *http,
                                  const char *endpoint, const char *region,
                                  struct mr_error *err);
/* Its sources must have been freed. NULL is fine. */
void mr_streams_free(struct mr_streams *streams);

/* A mr_open_source_fn; the context is the streams. */
struct mr_source *mr_streams_open(struct mr_slice source_arn, void *context,
                                  struct mr_error *err);

#endif
