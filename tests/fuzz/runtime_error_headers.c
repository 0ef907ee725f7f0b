#include "base/assert.h"
#include "base/json_reader.h"
#include "runtime/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A type is a part of the header or one of two names; a rebuilt body is JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    struct mr_slice input = mr_slice_of(data, size);
    struct mr_slice type = runtime_error_type(input);

    mr_assert(type.size > 0 && type.size <= 256);
    mr_assert(mr_json_valid(runtime_error_with_cause(input, &arena)));
    return 0;
}
