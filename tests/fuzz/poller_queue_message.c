#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/json_reader.h"
#include "poller/queue_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mr_slice
id_of(size_t index, void *context)
{
    (void)context;
    return index == 0 ? MR_SLICE("a") : MR_SLICE("b");
}

/* What a queue's server may send, and what a handler may answer. A message written is JSON. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mr_queue_event event = { MR_SLICE("arn"), MR_SLICE("r"), size % 2 == 0 };
    struct mr_queue_message *messages;
    bool failed[2];
    mr_auto_arena struct mr_arena arena = { 0 };
    mr_auto_buf struct mr_buf text = { 0 };

    int count = mr_queue_answer_messages(mr_slice_of(data, size), &arena, &messages, NULL);
    for (int i = 0; i < count; i++) {
        mr_buf_clear(&text);
        mr_queue_message_write(&text, &messages[i], &event);
        mr_assert(mr_json_valid(mr_buf_slice(&text)));
        mr_buf_clear(&text);
        mr_queue_message_write_for_filter(&text, &messages[i], &event);
        mr_assert(mr_json_valid(mr_buf_slice(&text)));
    }
    (void)mr_queue_answer_failures(mr_slice_of(data, size), 2, id_of, NULL, failed);
    return 0;
}
