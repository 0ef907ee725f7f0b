#include "aws/sigv4.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines: path, query, then header names and values in turn; what is left is the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice rest = { data, size };
    struct mr_http_header headers[8];
    struct mr_sigv4_request request = { .method = MR_SLICE("POST"), .headers = headers };
    struct mr_sigv4_key key = { 0 };
    struct mr_sigv4_auth auth;

    request.path = mr_slice_cut(&rest, '\n');
    request.query = mr_slice_cut(&rest, '\n');
    while (rest.data != NULL && request.header_count < 8) {
        struct mr_slice value = mr_slice_cut(&rest, '\n');
        headers[request.header_count].name = mr_slice_cut(&value, ':');
        headers[request.header_count++].value = value;
    }
    request.body = rest;
    mr_sigv4_read(&request, &arena, &auth);
    /* Nobody guesses the secret. */
    mr_assert(mr_sigv4_check(&auth, &request, MR_SLICE("secret"), MR_SLICE("us-east-1"),
                             MR_SLICE("kinesis"), 1440938160000, &key,
                             &arena) == MR_SIGV4_WRONG ||
              auth.shape == MR_SIGV4_COMPLETE);
    return 0;
}
