#include "stream/api/shape.h"

/* As the service model spells them; what they mean is in the functions below. */
static const char *const pattern_texts[] = {
    [MR_PATTERN_NONE] = "",
    [MR_PATTERN_NAME] = "[a-zA-Z0-9_.-]+",
    [MR_PATTERN_STREAM_ARN] = "arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+",
    [MR_PATTERN_RESOURCE_ARN] = "arn:aws.*:kinesis:.*:\\d{12}:.*stream/\\S+",
    [MR_PATTERN_CONSUMER_ARN] =
        "^(arn):aws.*:kinesis:.*:\\d{12}:.*stream\\/[a-zA-Z0-9_.-]+\\/consumer"
        "\\/[a-zA-Z0-9_.-]+:[0-9]+",
    [MR_PATTERN_HASH_KEY] = "0|([1-9]\\d{0,38})",
    [MR_PATTERN_SEQUENCE_NUMBER] = "0|([1-9]\\d{0,128})",
    [MR_PATTERN_STREAM_ID] = "[a-z0-9]{20}-[a-z0-9]{3}",
};

const char *
mr_shape_pattern_text(enum mr_shape_pattern pattern)
{
    return pattern_texts[pattern];
}

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool
is_lower_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

static bool
is_name(uint8_t c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
}

static bool
is_not_space(uint8_t c)
{
    return c != ' ' && (c < '\t' || c > '\r');
}

static bool
all(struct mr_slice text, bool (*is)(uint8_t))
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is(text.data[i])) {
            return false;
        }
    }
    return text.size > 0;
}

static bool
decimal(struct mr_slice text, size_t max_digits)
{
    if (mr_slice_is(text, "0")) {
        return true;
    }
    return text.size <= max_digits && all(text, is_digit) && text.data[0] != '0';
}

/* Behind the first `needle` in `text`; absent when there is none. */
static struct mr_slice
behind(struct mr_slice text, struct mr_slice needle)
{
    const uint8_t *at =
        text.size == 0 ? NULL : memmem(text.data, text.size, needle.data, needle.size);
    if (at == NULL) {
        return (struct mr_slice){ NULL, 0 };
    }
    return mr_slice_from(text, (size_t)(at - text.data) + needle.size);
}

/* `arn:aws.*:kinesis:.*` has been read: what can follow it begins with `:` and twelve digits.
 */
static struct mr_slice
behind_account(struct mr_slice text)
{
    for (size_t i = 0; i + 14 <= text.size; i++) {
        if (text.data[i] == ':' && text.data[i + 13] == ':' &&
            all(mr_slice_of(text.data + i + 1, 12), is_digit)) {
            return mr_slice_from(text, i + 14);
        }
    }
    return (struct mr_slice){ NULL, 0 };
}

static struct mr_slice
kinesis_resource(struct mr_slice arn)
{
    if (!mr_slice_starts_with(arn, MR_SLICE("arn:aws"))) {
        return (struct mr_slice){ NULL, 0 };
    }
    struct mr_slice rest = behind(mr_slice_from(arn, strlen("arn:aws")), MR_SLICE(":kinesis:"));
    if (rest.data == NULL) {
        return rest;
    }
    /* The colon that closes ":kinesis:" also opens the account when the region is left out. */
    return behind_account(mr_slice_of(rest.data - 1, rest.size + 1));
}

static bool
stream_arn(struct mr_slice text)
{
    struct mr_slice rest = kinesis_resource(text);
    struct mr_slice name = mr_slice_from(rest, strlen("stream/"));
    return mr_slice_starts_with(rest, MR_SLICE("stream/")) && all(name, is_not_space);
}

static bool
resource_arn(struct mr_slice text)
{
    struct mr_slice rest = kinesis_resource(text);
    struct mr_slice name = behind(rest, MR_SLICE("stream/"));
    return name.data != NULL && all(name, is_not_space);
}

static bool
consumer_arn(struct mr_slice text)
{
    struct mr_slice rest = behind(kinesis_resource(text), MR_SLICE("stream/"));
    if (rest.data == NULL) {
        return false;
    }
    struct mr_slice stream = mr_slice_cut(&rest, '/');
    struct mr_slice word = mr_slice_cut(&rest, '/');
    struct mr_slice consumer = mr_slice_cut(&rest, ':');
    return all(stream, is_name) && mr_slice_is(word, "consumer") && all(consumer, is_name) &&
           all(rest, is_digit);
}

static bool
stream_id(struct mr_slice text)
{
    return text.size == 24 && text.data[20] == '-' &&
           all(mr_slice_first(text, 20), is_lower_or_digit) &&
           all(mr_slice_from(text, 21), is_lower_or_digit);
}

bool
mr_shape_pattern_matches(enum mr_shape_pattern pattern, struct mr_slice text)
{
    switch (pattern) {
    case MR_PATTERN_NAME:
        return all(text, is_name);
    case MR_PATTERN_STREAM_ARN:
        return stream_arn(text);
    case MR_PATTERN_RESOURCE_ARN:
        return resource_arn(text);
    case MR_PATTERN_CONSUMER_ARN:
        return consumer_arn(text);
    case MR_PATTERN_HASH_KEY:
        return decimal(text, 128); /* more than 39 digits are out of range in AWS's words, not
                                      a text that does not match */
    case MR_PATTERN_SEQUENCE_NUMBER:
        return decimal(text, 129);
    case MR_PATTERN_STREAM_ID:
        return stream_id(text);
    case MR_PATTERN_NONE:
        break;
    }
    return true;
}
