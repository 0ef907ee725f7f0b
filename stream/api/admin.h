/*
 * admin: what a test or the command line asks this server beside Kinesis, under /_millrace.
 *
 *     GET  /_millrace/faults   {"rules":[{"rule":"PutRecords:throttle:count=3","struck":2}]}
 *     POST /_millrace/faults   {"rules":["GetRecords:expire:rate=0.1"],"seed":7} replaces them
 * all GET  /_millrace/stats    {"streams":1,"shards":4,...} counters of the store
 *
 * On the network these exist only while signatures are not verified, and never for a web page;
 * on the Unix socket always.
 */
#ifndef MR_STREAM_API_ADMIN_H
#define MR_STREAM_API_ADMIN_H

#include "net/http_server.h"
#include "stream/api/kinesis.h"

/* Is the request for this file? */
bool mr_admin_owns(const struct mr_http_request *request);

void mr_admin_serve(struct mr_kinesis *kinesis, struct mr_http_exchange *exchange,
                    const struct mr_http_request *request);

#endif
