/*
 * arn: Amazon Resource Names, taken apart and put together.
 *
 * A parsed ARN is views into the text it was parsed from.
 */
#ifndef MR_AWS_ARN_H
#define MR_AWS_ARN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct mr_arn {
    struct mr_slice partition; /* "aws" */
    struct mr_slice service;   /* "kinesis" */
    struct mr_slice region;    /* may be empty */
    struct mr_slice account;   /* may be empty */
    struct mr_slice resource;  /* everything behind the fifth colon */
};

/* arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE; false when it is no ARN. */
bool mr_arn_parse(struct mr_slice text, struct mr_arn *out_arn);

/* ...:stream/NAME, or ...:stream/NAME/consumer/CONSUMER:CREATED. */
struct mr_kinesis_arn {
    struct mr_arn arn;
    struct mr_slice stream_name;
    struct mr_slice consumer_name; /* absent for a stream's ARN */
    uint64_t consumer_created_s;
};

bool mr_kinesis_arn_parse(struct mr_slice text, struct mr_kinesis_arn *out_arn);

/* ...:function:NAME[:QUALIFIER] of service lambda. */
struct mr_lambda_arn {
    struct mr_arn arn;
    struct mr_slice function_name;
    struct mr_slice qualifier; /* absent when there is none */
};

bool mr_lambda_arn_parse(struct mr_slice text, struct mr_lambda_arn *out_arn);

/* Append arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE; the partition follows the region. */
void mr_arn_append(struct mr_buf *buf, const char *service, const char *region,
                   const char *account, const char *resource_format, ...)
    __attribute__((format(printf, 5, 6)));

/* "aws", "aws-cn", "aws-us-gov", ... for a region. */
const char *mr_arn_partition(struct mr_slice region);

#endif
