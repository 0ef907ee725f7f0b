#include <stdlib.h>

#include "aws/base64.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice input = { data, size };
    uint8_t *text = malloc(mr_base64_encoded_size(size) + 1);
    uint8_t *back = malloc(mr_base64_decoded_max(mr_base64_encoded_size(size)) + 1);

    size_t text_size = mr_base64_encode(input, text);
    ssize_t back_size = mr_base64_decode(mr_slice_of(text, text_size), back, NULL);
    mr_assert(mr_slice_eq(mr_slice_of(back, (size_t)back_size), input));

    /* What we accept has one spelling. */
    ssize_t decoded = mr_base64_decode(input, back, NULL);
    if (decoded >= 0) {
        text_size = mr_base64_encode(mr_slice_of(back, (size_t)decoded), text);
        mr_assert(mr_slice_eq(mr_slice_of(text, text_size), input));
        mr_assert((size_t)decoded == mr_base64_decoded_size(input));
    }
    free(text);
    free(back);
    return 0;
}
