#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "net/chunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
keep(struct mr_slice piece, void *context)
{
    mr_buf_append_slice(context, piece);
}

/* Byte by byte gives what one piece gives. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_chunked whole = { 0 }, dripped = { 0 };
    mr_auto_buf struct mr_buf body = { 0 };
    mr_auto_buf struct mr_buf drops = { 0 };
    ssize_t used = mr_chunked_decode(&whole, mr_slice_of(data, size), keep, &body, NULL);
    ssize_t total = 0;

    for (size_t i = 0; i < size && total >= 0 && !mr_chunked_done(&dripped); i++) {
        ssize_t one = mr_chunked_decode(&dripped, mr_slice_of(data + i, 1), keep, &drops, NULL);
        total = one < 0 ? -1 : total + one;
    }

    mr_assert((used < 0) == (total < 0));
    mr_assert(used < 0 || used == total);
    mr_assert(used < 0 || mr_slice_eq(mr_buf_slice(&body), mr_buf_slice(&drops)));
    mr_assert(used < 0 || mr_chunked_done(&whole) == mr_chunked_done(&dripped));
    mr_chunked_deinit(&whole);
    mr_chunked_deinit(&dripped);
    return 0;
}
