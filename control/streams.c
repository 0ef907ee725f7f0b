#include "control/streams.h"

#include <errno.h>
#include <string.h>

#include "aws/arn.h"
#include "aws/client.h"
#include "base/alloc.h"
#include "poller/source_fanout.h"
#include "poller/source_kinesis.h"

struct mr_streams {
    struct mr_loop *loop; /* the caller's, outlives us */
    struct mr_credential_chain *credentials;
    struct mr_aws_client *client;
    bool waits;
};

struct mr_streams *
mr_streams_new(struct mr_loop *loop, struct mr_http_client *http, const char *endpoint,
               const char *region, struct mr_error *err)
{
    static const char unix_prefix[] = "unix:";
    struct mr_streams *streams = mr_alloc_zero(1, sizeof(*streams));
    bool is_aws = strcmp(endpoint, "aws") == 0;
    bool is_unix = strncmp(endpoint, unix_prefix, sizeof(unix_prefix) - 1) == 0;
    const struct mr_credential_chain_options chain = { .loop = loop,
                                                       .http = http,
                                                       .local = !is_aws };

    streams->loop = loop;
    streams->waits = is_unix;
    streams->credentials = mr_credential_chain_new(&chain);
    const struct mr_aws_client_options client = {
        .loop = loop,
        .http = http,
        .credentials = streams->credentials,
        .service = "kinesis",
        .region = region,
        .endpoint = is_aws    ? NULL
                    : is_unix ? "http://localhost"
                              : endpoint,
        .unix_socket = is_unix ? endpoint + sizeof(unix_prefix) - 1 : NULL,
    };
    streams->client = mr_aws_client_new(&client, err);
    if (streams->client == NULL) {
        mr_wrap(err, "--kinesis %s", endpoint);
        mr_streams_free(streams);
        return NULL;
    }
    return streams;
}

void
mr_streams_free(struct mr_streams *streams)
{
    if (streams == NULL) {
        return;
    }
    mr_aws_client_free(streams->client);
    mr_credential_chain_free(streams->credentials);
    free(streams);
}

struct mr_source *
mr_streams_open(struct mr_slice source_arn, void *context, struct mr_error *err)
{
    struct mr_streams *streams = context;
    const struct mr_source_kinesis_options options = {
        .client = streams->client,
        .source_arn = source_arn,
        .waits = streams->waits,
    };
    const struct mr_source_fanout_options fanout = {
        .loop = streams->loop,
        .client = streams->client,
        .consumer_arn = source_arn,
    };
    struct mr_kinesis_arn arn;

    if (mr_kinesis_arn_parse(source_arn, &arn) && arn.consumer_name.data != NULL) {
        return mr_source_fanout_new(&fanout, err);
    }
    return mr_source_kinesis_new(&options, err);
}
