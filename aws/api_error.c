#include "aws/api_error.h"

#include "base/arena.h"
#include "base/json_reader.h"
#include "base/json_writer.h"

/* name, HTTP status of the JSON APIs, of Lambda's REST API, "come later", the service's fault
 */
static const struct mr_api_error table[] = {
    /* clang-format off */
    { "AccessDeniedException",                        400, 403, false, false },
    { "CodeStorageExceededException",                 400, 400, false, false },
    { "CodeVerificationFailedException",              400, 400, false, false },
    { "EC2AccessDeniedException",                     502, 502, false, true },
    { "ExpiredIteratorException",                     400, 400, false, false },
    { "ExpiredNextTokenException",                    400, 400, false, false },
    { "ExpiredTokenException",                        400, 403, false, false },
    { "IncompleteSignatureException",                 400, 403, false, false },
    { "InternalFailure",                              500, 500, true,  true },
    { "InternalFailureException",                     500, 500, true,  true },
    { "InternalServerError",                          500, 500, true,  true },
    { "InvalidArgumentException",                     400, 400, false, false },
    { "InvalidParameterValueException",               400, 400, false, false },
    { "InvalidRequestContentException",               400, 400, false, false },
    { "InvalidRuntimeException",                      502, 502, false, true },
    { "InvalidSecurityGroupIDException",              502, 502, false, true },
    { "InvalidSignatureException",                    400, 403, false, false },
    { "InvalidSubnetIDException",                     502, 502, false, true },
    { "InvalidZipFileException",                      502, 502, false, true },
    { "KMSAccessDeniedException",                     400, 502, false, false },
    { "KMSDisabledException",                         400, 502, false, false },
    { "KMSInvalidStateException",                     400, 502, false, false },
    { "KMSNotFoundException",                         400, 502, false, false },
    { "KMSOptInRequired",                             400, 502, false, false },
    { "KMSThrottlingException",                       400, 502, true,  false },
    { "LimitExceededException",                       400, 400, true,  false },
    { "MissingAuthenticationTokenException",          400, 403, false, false },
    { "OptInRequired",                                403, 403, false, false },
    { "PolicyLengthExceededException",                400, 400, false, false },
    { "PreconditionFailedException",                  412, 412, false, false },
    { "ProvisionedConcurrencyConfigNotFoundException", 404, 404, false, false },
    { "ProvisionedThroughputExceededException",       400, 400, true,  false },
    { "RequestEntityTooLargeException",               413, 413, false, false },
    { "RequestTimeout",                               408, 408, true,  false },
    { "RequestTooLargeException",                     413, 413, false, false },
    { "ResourceConflictException",                    409, 409, false, false },
    { "ResourceInUseException",                       400, 400, false, false },
    { "ResourceNotFoundException",                    400, 404, false, false },
    { "ResourceNotReadyException",                    502, 502, true,  true },
    { "SerializationException",                       400, 400, false, false },
    { "ServiceException",                             500, 500, true,  true },
    { "ServiceUnavailable",                           503, 503, true,  true },
    { "SubnetIPAddressLimitReachedException",         502, 502, true,  true },
    { "Throttling",                                   400, 429, true,  false },
    { "ThrottlingException",                          400, 429, true,  false },
    { "TooManyRequestsException",                     429, 429, true,  false },
    { "TrimmedDataAccessException",                   400, 400, false, false },
    { "UnknownOperationException",                    400, 404, false, false },
    { "UnrecognizedClientException",                  400, 403, false, false },
    { "UnsupportedMediaTypeException",                415, 415, false, false },
    { "ValidationException",                          400, 400, false, false },
    /* clang-format on */
};

struct mr_slice
mr_api_error_name(struct mr_slice wire_name)
{
    ptrdiff_t hash = mr_slice_find(wire_name, '#');
    if (hash >= 0) {
        wire_name = mr_slice_from(wire_name, (size_t)hash + 1);
    }
    return mr_slice_cut(&wire_name, ':');
}

const struct mr_api_error *
mr_api_error_find(struct mr_slice name)
{
    name = mr_api_error_name(name);
    size_t low = 0, high = sizeof(table) / sizeof(table[0]);

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = mr_slice_compare(name, mr_slice_str(table[middle].name));
        if (order == 0) {
            return &table[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

int
mr_api_error_status(enum mr_api api, const char *name)
{
    const struct mr_api_error *error = mr_api_error_find(mr_slice_str(name));
    if (error == NULL) {
        return 400;
    }
    return api == MR_API_LAMBDA ? error->lambda_status : error->kinesis_status;
}

bool
mr_api_error_retryable(int status, struct mr_slice name)
{
    const struct mr_api_error *error = mr_api_error_find(name);
    if (error != NULL) {
        return error->throttle || error->server_fault;
    }
    return status == 0 || status == 408 || status == 429 || status >= 500;
}

static void
lambda_body(struct mr_buf *buf, const char *name, const char *message)
{
    const struct mr_api_error *error = mr_api_error_find(mr_slice_str(name));
    struct mr_json_writer json = mr_json_writer_on(buf);

    mr_json_begin_object(&json);
    mr_json_member_str(&json, "Type",
                       error != NULL && error->server_fault ? "Service" : "User");
    if (message != NULL) {
        mr_json_member_str(&json, "Message", message);
    }
    mr_json_end_object(&json);
}

void
mr_api_error_body(struct mr_buf *buf, enum mr_api api, const char *name, const char *message)
{
    if (api == MR_API_LAMBDA) {
        lambda_body(buf, name, message);
        return;
    }
    bool capital = strcmp(name, "SerializationException") == 0;
    struct mr_json_writer json = mr_json_writer_on(buf);
    mr_json_begin_object(&json);
    mr_json_member_str(&json, "__type", name);
    if (message != NULL) {
        mr_json_member_str(&json, capital ? "Message" : "message", message);
    }
    mr_json_end_object(&json);
}

void
mr_api_error_read(struct mr_slice type_header, struct mr_slice body, struct mr_arena *arena,
                  struct mr_slice *out_name, struct mr_slice *out_message)
{
    struct mr_slice name = type_header, message = { NULL, 0 }, key;
    struct mr_json json = mr_json_of(body);

    if (mr_json_enter(&json) && body.size > 0 && mr_json_peek(&json) != MR_JSON_BAD) {
        while (mr_json_next_key(&json, &key)) {
            struct mr_slice text = { NULL, 0 };
            if (mr_json_peek(&json) != MR_JSON_STRING) {
                (void)mr_json_skip(&json);
                continue;
            }
            (void)mr_json_string(&json, arena, &text);
            if (mr_slice_is(key, "__type") || mr_slice_is(key, "code")) {
                name = name.data == NULL ? text : name;
            } else if (mr_slice_is(key, "message") || mr_slice_is(key, "Message")) {
                message = text;
            }
        }
    }
    *out_name = mr_api_error_name(name);
    *out_message = message;
}
