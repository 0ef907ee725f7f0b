/* Whatever a client sends, the table takes it whole and in range, or refuses it. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "sandbox/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t fds = data[0] % 4;
    struct mr_error err = { 0 };

    if (mr_sandbox_request_check(data + 1, size - 1, fds, &err) == 0) {
        uint32_t kind;
        memcpy(&kind, data + 1, sizeof(kind));
        mr_assert(kind >= MR_SANDBOX_LAUNCH && kind < MR_SANDBOX_REQUEST_END);
        mr_assert((kind == MR_SANDBOX_LAUNCH) == (fds == 1));
    } else {
        mr_assert(err.code == -EPROTO && err.text[0] != 0);
    }
    if (mr_sandbox_reply_check(data + 1, size - 1, fds, &err) == 0) {
        mr_assert(size - 1 > sizeof(uint32_t));
    }
    return 0;
}
