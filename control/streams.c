#include "control/streams.h"

#include <errno.h>
#include <string.h>

#include "aws/arn.h"
#include "aws/client.h"
#include "base/alloc.h"
#include "poller/source_dynamodb.h"
#include "poller/source_fanout.h"
#include "poller/source_kinesis.h"

struct service {
    struct mr_credential_chain *credentials;
    struct mr_aws_client *client; /* NULL: we were told of none */
    bool is_unix;
};

struct mr_streams {
    struct mr_loop *loop; /* the caller's, outlives us */
    struct service kinesis, dynamodb;
};

/* A service whose endpoint is given; `name` is what requests are signed for. */
static int
open_service(struct service *service, const struct mr_streams_options *options,
             const char *name, const char *host_prefix, const char *endpoint,
             struct mr_error *err)
{
    static const char unix_prefix[] = "unix:";
    bool is_aws = strcmp(endpoint, "aws") == 0;
    const struct mr_credential_chain_options chain = { .loop = options->loop,
                                                       .http = options->http,
                                                       .local = !is_aws };

    service->is_unix = strncmp(endpoint, unix_prefix, sizeof(unix_prefix) - 1) == 0;
    service->credentials = mr_credential_chain_new(&chain);
    const struct mr_aws_client_options client = {
        .loop = options->loop,
        .http = options->http,
        .credentials = service->credentials,
        .service = name,
        .host_prefix = host_prefix,
        .region = options->region,
        .endpoint = is_aws             ? NULL
                    : service->is_unix ? "http://localhost"
                                       : endpoint,
        .unix_socket = service->is_unix ? endpoint + sizeof(unix_prefix) - 1 : NULL,
    };
    service->client = mr_aws_client_new(&client, err);
    return service->client == NULL ? mr_wrap(err, "%s at %s", name, endpoint) : 0;
}

static void
close_service(struct service *service)
{
    mr_aws_client_free(service->client);
    mr_credential_chain_free(service->credentials);
}

struct mr_streams *
mr_streams_new(const struct mr_streams_options *options, struct mr_error *err)
{
    struct mr_streams *streams = mr_alloc_zero(1, sizeof(*streams));

    streams->loop = options->loop;
    if ((options->kinesis != NULL && open_service(&streams->kinesis, options, "kinesis", NULL,
                                                  options->kinesis, err) < 0) ||
        (options->dynamodb != NULL &&
         open_service(&streams->dynamodb, options, "dynamodb", "streams.dynamodb",
                      options->dynamodb, err) < 0)) {
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
    close_service(&streams->kinesis);
    close_service(&streams->dynamodb);
    free(streams);
}

static struct mr_source *
open_table(struct mr_streams *streams, struct mr_slice stream_arn, struct mr_error *err)
{
    const struct mr_source_dynamodb_options options = { .client = streams->dynamodb.client,
                                                        .stream_arn = stream_arn };

    if (options.client == NULL) {
        mr_fail(err, -ENOTCONN,
                "a table's stream needs DynamoDB: start with AWS_ENDPOINT_URL_DYNAMODB_STREAMS "
                "set, "
                "or --endpoint dynamodbstreams=URL");
        return NULL;
    }
    return mr_source_dynamodb_new(&options);
}

static struct mr_source *
open_stream(struct mr_streams *streams, struct mr_slice source_arn, struct mr_error *err)
{
    const struct mr_source_kinesis_options options = {
        .client = streams->kinesis.client,
        .source_arn = source_arn,
        .waits = streams->kinesis.is_unix,
    };
    const struct mr_source_fanout_options fanout = {
        .loop = streams->loop,
        .client = streams->kinesis.client,
        .consumer_arn = source_arn,
    };
    struct mr_kinesis_arn arn;

    if (options.client == NULL) {
        mr_fail(err, -ENOTCONN, "a stream needs Kinesis: start with --kinesis URL");
        return NULL;
    }
    if (mr_kinesis_arn_parse(source_arn, &arn) && arn.consumer_name.data != NULL) {
        return mr_source_fanout_new(&fanout, err);
    }
    return mr_source_kinesis_new(&options, err);
}

struct mr_source *
mr_streams_open(struct mr_slice source_arn, void *context, struct mr_error *err)
{
    struct mr_arn arn;

    if (mr_arn_parse(source_arn, &arn) && mr_slice_is(arn.service, "dynamodb")) {
        return open_table(context, source_arn, err);
    }
    return open_stream(context, source_arn, err);
}
