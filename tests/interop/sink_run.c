/*
 * sink_run: hands one discarded batch to the failure sink for each ARN, for sink_fauxqs.mjs.
 *
 *     sink_run ENDPOINT DEAD_LETTERS_DB ARN...
 *
 * Prints a line for each: how it was sunk, and the detail.
 */
#include <stdio.h>
#include <stdlib.h>

#include "poller/failure_sink.h"

struct run {
    int done;
    enum mr_sunk sunk;
};

static void
on_sunk(enum mr_sunk sunk, struct mr_slice detail, void *context)
{
    static const char *const words[] = { "delivered", "failed", "none" };
    struct run *run = context;
    run->done++;
    printf("%s %.*s\n", words[sunk], MR_SLICE_ARGS(detail));
}

static void
deliver(struct mr_failure_sink *sink, const char *arn, struct run *run)
{
    struct mr_failure_document document = {
        .request_id = MR_SLICE("316aa6d0-8154-4aaa-9af7-85d5f4a6bc81"),
        .function_arn = MR_SLICE("arn:aws:lambda:us-east-1:000000000000:function:f"),
        .condition = MR_LANE_RETRIES_EXHAUSTED,
        .invoke_count = 3,
        .has_response = true,
        .executed_version = MR_SLICE("$LATEST"),
        .unhandled = true,
        .time_ms = 1764088532123,
        .shard_id = MR_SLICE("shardId-000000000000"),
        .stream_arn = MR_SLICE("arn:aws:kinesis:us-east-1:000000000000:stream/s"),
        .batch_size = 2,
        .start_sequence_number = MR_SLICE("4966"),
        .end_sequence_number = MR_SLICE("4967"),
        .first_arrival_ms = 1764088528456,
        .last_arrival_ms = 1764088528457,
        .payload =
            MR_SLICE("{\"Records\":[{\"text\":\"gr\xc3\xbc\xc3\x9f \\\"quoted\\\" \\n\"}]}"),
    };
    struct mr_sink_letter letter = { MR_SLICE("0b2e4d9c-1111-4222-8333-444455556666"),
                                     mr_slice_str(arn), &document };
    const struct mr_sink *interface = mr_failure_sink_interface(sink);
    interface->deliver(interface->self, &letter, on_sunk, run);
}

int
main(int argc, char **argv)
{
    struct mr_error err = { 0 };
    struct run run = { 0 };
    if (argc < 4) {
        fprintf(stderr, "usage: sink_run ENDPOINT DEAD_LETTERS_DB ARN...\n");
        return 2;
    }
    struct mr_loop *loop = mr_loop_new(NULL);
    struct mr_http_client *http = mr_http_client_new(loop);
    struct mr_credential_chain *chain = mr_credential_chain_new(
        &(struct mr_credential_chain_options){ .loop = loop, .http = http, .local = true });
    struct mr_dead_letters *letters =
        mr_dead_letters_open(&(struct mr_dead_letters_options){ .path = argv[2] }, &err);
    struct mr_failure_sink *sink =
        mr_failure_sink_new(&(struct mr_failure_sink_options){ .loop = loop,
                                                               .http = http,
                                                               .credentials = chain,
                                                               .letters = letters,
                                                               .sqs_endpoint = argv[1],
                                                               .sns_endpoint = argv[1],
                                                               .s3_endpoint = argv[1],
                                                               .region = "us-east-1" },
                            &err);
    if (letters == NULL || sink == NULL) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int i = 3; i < argc; i++) {
        deliver(sink, argv[i], &run);
        while (run.done < i - 2) {
            mr_loop_run_once(loop, 1000);
        }
    }
    mr_failure_sink_free(sink);
    mr_dead_letters_close(letters);
    mr_credential_chain_free(chain);
    mr_http_client_free(http);
    mr_loop_free(loop);
    return 0;
}
