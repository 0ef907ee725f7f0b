#include "aws/arn.h"

#include <stdarg.h>
#include <stdio.h>

bool
mr_arn_parse(struct mr_slice text, struct mr_arn *out_arn)
{
    struct mr_slice rest = text;
    struct mr_arn arn;

    if (!mr_slice_starts_with(text, MR_SLICE("arn:"))) {
        return false;
    }
    (void)mr_slice_cut(&rest, ':');
    arn.partition = mr_slice_cut(&rest, ':');
    arn.service = mr_slice_cut(&rest, ':');
    arn.region = mr_slice_cut(&rest, ':');
    arn.account = mr_slice_cut(&rest, ':');
    arn.resource = rest;
    if (rest.data == NULL || rest.size == 0 || arn.partition.size == 0 ||
        arn.service.size == 0) {
        return false;
    }
    *out_arn = arn;
    return true;
}

bool
mr_kinesis_arn_parse(struct mr_slice text, struct mr_kinesis_arn *out_arn)
{
    struct mr_kinesis_arn parsed = { .consumer_created_s = 0 };

    if (!mr_arn_parse(text, &parsed.arn) ||
        !mr_slice_eq(parsed.arn.service, MR_SLICE("kinesis")) ||
        !mr_slice_starts_with(parsed.arn.resource, MR_SLICE("stream/"))) {
        return false;
    }
    struct mr_slice rest = mr_slice_from(parsed.arn.resource, strlen("stream/"));
    parsed.stream_name = mr_slice_cut(&rest, '/');
    if (parsed.stream_name.size == 0) {
        return false;
    }
    if (rest.data != NULL) {
        struct mr_slice kind = mr_slice_cut(&rest, '/');
        if (!mr_slice_eq(kind, MR_SLICE("consumer")) || rest.data == NULL) {
            return false;
        }
        parsed.consumer_name = mr_slice_cut(&rest, ':');
        if (parsed.consumer_name.size == 0 ||
            !mr_slice_to_u64(rest, &parsed.consumer_created_s)) {
            return false;
        }
    }
    *out_arn = parsed;
    return true;
}

bool
mr_lambda_arn_parse(struct mr_slice text, struct mr_lambda_arn *out_arn)
{
    struct mr_lambda_arn parsed = { .qualifier = { NULL, 0 } };

    if (!mr_arn_parse(text, &parsed.arn) ||
        !mr_slice_eq(parsed.arn.service, MR_SLICE("lambda"))) {
        return false;
    }
    struct mr_slice rest = parsed.arn.resource;
    if (!mr_slice_eq(mr_slice_cut(&rest, ':'), MR_SLICE("function")) || rest.size == 0) {
        return false;
    }
    parsed.function_name = mr_slice_cut(&rest, ':');
    parsed.qualifier = rest;
    if (parsed.function_name.size == 0 || (rest.data != NULL && rest.size == 0)) {
        return false;
    }
    *out_arn = parsed;
    return true;
}

const char *
mr_arn_partition(struct mr_slice region)
{
    static const struct {
        struct mr_slice prefix;
        const char *partition;
    } partitions[] = {
        { MR_SLICE_INIT("cn-"), "aws-cn" },         { MR_SLICE_INIT("us-gov-"), "aws-us-gov" },
        { MR_SLICE_INIT("us-iso-"), "aws-iso" },    { MR_SLICE_INIT("us-isob-"), "aws-iso-b" },
        { MR_SLICE_INIT("eu-isoe-"), "aws-iso-e" }, { MR_SLICE_INIT("us-isof-"), "aws-iso-f" },
        { MR_SLICE_INIT("eusc-"), "aws-eusc" },
    };

    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++) {
        if (mr_slice_starts_with(region, partitions[i].prefix)) {
            return partitions[i].partition;
        }
    }
    return "aws";
}

void
mr_arn_append(struct mr_buf *buf, const char *service, const char *region, const char *account,
              const char *resource_format, ...)
{
    char resource[512];
    va_list args;

    va_start(args, resource_format);
    (void)vsnprintf(resource, sizeof(resource), resource_format, args);
    va_end(args);
    mr_buf_printf(buf, "arn:%s:%s:%s:%s:%s", mr_arn_partition(mr_slice_str(region)), service,
                  region, account, resource);
}
