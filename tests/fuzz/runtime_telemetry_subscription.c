/* Can any body of a subscription to telemetry hurt us, or ask for more than it may? */
#include "base/assert.h"
#include "runtime/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct telemetry_wish wish;

    if (telemetry_read(mr_slice_of(data, size), &wish) == NULL) {
        mr_assert(wish.kinds > 0 && wish.kinds < 8 && wish.port != 0 && wish.port != 9001);
        mr_assert(wish.max_items >= 1000 && wish.max_items <= 10000);
        mr_assert(wish.max_bytes >= 262144 && wish.max_bytes <= 1048576);
        mr_assert(wish.timeout_ms >= 25 && wish.timeout_ms <= 30000);
        /* It becomes part of a request line. */
        for (size_t i = 0; !wish.lines && i < wish.path.size; i++) {
            mr_assert(wish.path.data[i] > ' ' && wish.path.data[i] < 0x7f);
        }
        mr_assert(wish.lines || (wish.path.size > 0 && wish.path.data[0] == '/'));
    }
    return 0;
}
