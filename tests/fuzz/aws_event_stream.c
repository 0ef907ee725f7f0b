#include "aws/event_stream.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_event event;
    mr_auto_buf struct mr_buf buf = { 0 };
    static const struct mr_event_header header = { MR_SLICE_INIT(":event-type"),
                                                   MR_SLICE_INIT("x") };

    (void)mr_event_stream_parse(mr_slice_of(data, size), &event, NULL);
    mr_event_stream_append(&buf, &header, 1, mr_slice_of(data, size));
    mr_assert(mr_event_stream_parse(mr_buf_slice(&buf), &event, NULL) == (ssize_t)buf.size);
    mr_assert(mr_slice_eq(event.payload, mr_slice_of(data, size)));
    return 0;
}
