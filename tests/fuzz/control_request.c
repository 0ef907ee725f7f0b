/* Any path, and any body for any operation: read and checked without harm. */
#include "control/inside.h"
#include "control/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_body(const char *operation, struct mr_slice body)
{
    const struct mr_model_shape *shape = mr_model_input(operation);
    json_t *value = json_loadb((const char *)body.data, body.size, 0, NULL);
    mr_auto_buf struct mr_buf text = { 0 };

    if (json_is_object(value) && mr_model_check_types(shape, value, &text)) {
        mr_model_check(shape, value, &text);
    }
    json_decref(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mr_auto_arena struct mr_arena arena = { 0 };
    json_t *params = json_object();
    size_t operations = 0;

    while (mr_model_operation(operations) != NULL) {
        operations++;
    }
    if (size > 0) {
        struct mr_slice rest = mr_slice_of(data + 1, size - 1);
        check_body(mr_model_operation(data[0] % operations), rest);
        route_find(MR_SLICE("GET"), rest, params, &arena);
        route_find(MR_SLICE("PUT"), rest, params, &arena);
    }
    json_decref(params);
    return 0;
}
