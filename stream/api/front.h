/*
 * front: HTTP in, operations out, with the checks of AWS's front door in its order.
 *
 * Whose request is it (ours, or the control API's behind `forward`)? Then: CORS,
 * method, empty body, content type, body, target, authentication, types,
 * constraints, and at last the action. Each refusal has AWS's status, body and
 * headers.
 */
#ifndef MR_STREAM_API_FRONT_H
#define MR_STREAM_API_FRONT_H

#include "net/http_server.h"
#include "stream/api/kinesis.h"

/* The handler for a server's options; its context is the `struct mr_kinesis *`. */
struct mr_http_handler mr_front_handler(void);

#endif
