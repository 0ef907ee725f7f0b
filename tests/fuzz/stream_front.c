/*
 * stream_front: can any request hurt the whole server?
 *
 * The first byte is the operation, the second the content type and some headers, the rest the
 * body. The request goes over a socket pair to a server with a real store, and every request
 * must get an answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "net/http_inside.h"
#include "stream/api/catalog.h"
#include "stream/api/fault.h"
#include "stream/api/front.h"
#include "stream/api/kinesis.h"
#include "stream/api/operation.h"
#include "stream/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const operations[] = {
    "PutRecords",
    "PutRecord",
    "CreateStream",
    "GetShardIterator",
    "GetRecords",
    "ListShards",
    "DescribeStream",
    "SplitShard",
    "MergeShards",
    "UpdateShardCount",
    "AddTagsToStream",
    "RemoveTagsFromStream",
    "ListTagsForStream",
    "TagResource",
    "PutResourcePolicy",
    "RegisterStreamConsumer",
    "ListStreamConsumers",
    "DescribeStreamConsumer",
    "ListStreams",
    "EnableEnhancedMonitoring",
    "UpdateStreamMode",
    "UpdateAccountSettings",
    "IncreaseStreamRetentionPeriod",
    "StartStreamEncryption",
    "DeleteStream",
    "DeregisterStreamConsumer",
    "StopStreamEncryption",
    "UpdateMaxRecordSize",
    "DescribeStreamSummary",
    "GetResourcePolicy",
    "DeleteResourcePolicy",
    "UntagResource",
    "ListTagsForResource",
    "SubscribeToShard",
    "DecreaseStreamRetentionPeriod",
    "DescribeLimits",
    "DescribeAccountSettings",
    "UpdateStreamWarmThroughput",
    "DisableEnhancedMonitoring",
};

static struct mr_loop *loop;
static struct mr_http_server *server;
static struct mr_kinesis *kinesis;
static char directory[] = "/tmp/mr-fuzz-XXXXXX";

static void
post(void *where, mr_store_fn *fn, void *context)
{
    mr_loop_post(where, fn, context);
}

static void
remove_directory(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    (void)!system(command);
}

static void
start(void)
{
    struct mr_store_options store = { .directory = directory,
                                      .durability = MR_DURABILITY_OS,
                                      .segment_bytes = 4 * 1024 * 1024,
                                      .post = post };
    mr_assert(mkdtemp(directory) != NULL);
    atexit(remove_directory);
    loop = mr_loop_new(NULL);
    struct mr_kinesis_options options = { .loop = loop,
                                          .store = mr_store_open(&store, NULL),
                                          .directory = directory,
                                          .region = "us-east-1",
                                          .account = "123456789012",
                                          .anonymous = true,
                                          .shard_limit = 200,
                                          .faults = mr_faults_new(1) };
    mr_assert(options.store != NULL);
    kinesis = mr_kinesis_new(&options, NULL);
    struct mr_http_server_options http = { .handler = mr_front_handler(), .context = kinesis };
    server = mr_http_server_new(loop, &http);
}

static void
write_request(struct mr_buf *request, const uint8_t *data, size_t size)
{
    static const char *const types[] = { "application/x-amz-json-1.1",
                                         "application/x-amz-cbor-1.1", "application/json",
                                         "text/plain" };
    enum { COUNT = sizeof(operations) / sizeof(operations[0]) };
    mr_buf_printf(request,
                  "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n"
                  "X-Amz-Target: Kinesis_20131202.%s\r\n%sContent-Length: %zu\r\n\r\n",
                  types[(data[1] & 15) < 8 ? data[1] & 1 : data[1] & 3],
                  operations[data[0] % COUNT],
                  (data[1] & 16) != 0 ? "Origin: http://a\r\n" : "", size - 2);
    mr_buf_append(request, data + 2, size - 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mr_http_listener listener;
    mr_auto_buf struct mr_buf request = { 0 };
    int fds[2];
    if (size < 2 || size > 60000) {
        return 0;
    }
    if (loop == NULL) {
        start();
        listener.server = server;
    }
    write_request(&request, data, size);
    mr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    mr_http_connection_open(&listener, fds[0]);
    mr_assert(write(fds[1], request.data, request.size) == (ssize_t)request.size);
    ssize_t got = -1;
    char answer[64];
    for (int i = 0; i < 2000 && got <= 0; i++) {
        mr_loop_run_once(loop, i < 4 ? 0 : 5);
        got = read(fds[1], answer, sizeof(answer));
    }
    mr_assert(got > 12 && memcmp(answer, "HTTP/1.1 ", 9) == 0);
    close(fds[1]);
    for (int i = 0; i < 100 && server->connection_count > 0; i++) {
        mr_loop_run_once(loop, 1);
    }
    mr_assert(server->connection_count == 0);
    /* So that it does not grow from input to input. */
    for (struct mr_stream_facts *facts; mr_catalog_count(kinesis->catalog) > 50;) {
        facts = mr_catalog_next(kinesis->catalog, (struct mr_slice){ NULL, 0 });
        mr_kinesis_drop_stream(kinesis, facts);
    }
    return 0;
}
