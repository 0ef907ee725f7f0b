#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "net/http1_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_again(struct mr_buf *out, const struct mr_http1_head *head)
{
    mr_buf_append_slice(out, head->method);
    mr_buf_append_byte(out, ' ');
    mr_buf_append_slice(out, head->target);
    mr_buf_append_str(out, head->version == 11 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
    for (size_t i = 0; i < head->header_count; i++) {
        mr_buf_append_slice(out, head->headers[i].name);
        mr_buf_append_byte(out, ':');
        mr_buf_append_slice(out, head->headers[i].value);
        mr_buf_append_str(out, "\r\n");
    }
    mr_buf_append_str(out, "\r\n");
}

/* What we accept, we accept again when it is written back, and read the same: no smuggling. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mr_http1_head head, again;
    mr_auto_buf struct mr_buf written = { 0 };
    size_t scanned = 0, scanned_again = 0;
    ssize_t used = mr_http1_head_parse(&head, mr_slice_of(data, size), &scanned, NULL);
    if (used <= 0) {
        return 0;
    }
    mr_assert((size_t)used <= size);

    write_again(&written, &head);
    ssize_t whole = mr_http1_head_parse(&again, mr_buf_slice(&written), &scanned_again, NULL);
    mr_assert(whole == (ssize_t)written.size);
    mr_assert(again.header_count == head.header_count && again.chunked == head.chunked &&
              again.length == head.length && again.keep_alive == head.keep_alive &&
              mr_slice_eq(again.target, head.target));
    return 0;
}
