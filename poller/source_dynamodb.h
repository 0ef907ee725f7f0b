/*
 * source_dynamodb: a table's stream over the DynamoDB Streams API: AWS's, DynamoDB Local's,
 * an emulator's.
 *
 * Its records are whole: their data is the event's own text (dynamodb_answer.h). The API knows
 * no AT_TIMESTAMP: such a place is the trim horizon, with what is older left out as it is read;
 * DynamoDB tells times in whole seconds, so that is as exact as it gets.
 *
 * A template cannot know when a table's stream was made: its ARN may say 1970, as our templates'
 * do, and then means the table's newest stream, whose ARN the events have.
 *
 * Thread: the loop's.
 */
#ifndef MR_POLLER_SOURCE_DYNAMODB_H
#define MR_POLLER_SOURCE_DYNAMODB_H

#include "aws/client.h"
#include "base/error.h"
#include "base/slice.h"
#include "poller/source.h"

struct mr_source_dynamodb_options {
    struct mr_aws_client *client; /* of the service dynamodb; outlives the source */
    struct mr_slice stream_arn;   /* "arn:aws:dynamodb:...:table/t/stream/2025-..." */
};

/* Never NULL. */
struct mr_source *mr_source_dynamodb_new(const struct mr_source_dynamodb_options *options);

#endif
