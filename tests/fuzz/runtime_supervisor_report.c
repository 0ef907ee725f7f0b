/* A handler may get hold of its supervisor's pipe: can anything on it lead us beyond its bytes?
 */
#include "base/assert.h"
#include "runtime/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_slice rest = mr_slice_of(data, size), bytes = { 0 };
    struct mr_supervisor_head head;
    size_t before = rest.size;

    while (supervisor_report_take(&rest, &head, &bytes) > 0) {
        mr_assert(rest.size < before && rest.data + rest.size == data + size);
        mr_assert(bytes.size == head.size && bytes.data >= data &&
                  bytes.data + bytes.size == rest.data);
        before = rest.size;
    }
    return 0;
}
