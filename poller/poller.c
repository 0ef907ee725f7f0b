/* What the mappings of one poller share. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "poller/mapping_inside.h"
#include "poller/shard_reader.h"

enum {
    POLL_MS = 1000, /* AWS: once a second */
    MAX_BUFFERED_BYTES = 256 * 1024 * 1024,
    SPARE_BYTES = 8 * 1024 * 1024, /* a larger buffer is not kept */
};

struct mr_poller *
mr_poller_new(const struct mr_poller_options *options)
{
    struct mr_poller *poller = mr_alloc_zero(1, sizeof(*poller));
    poller->options = *options;
    if (options->poll_ms == 0) {
        poller->options.poll_ms = POLL_MS;
    }
    if (options->max_buffered_bytes == 0) {
        poller->options.max_buffered_bytes = MAX_BUFFERED_BYTES;
    }
    if (options->seed == 0) {
        mr_random_init_system(&poller->random);
    } else {
        mr_random_init_seed(&poller->random, options->seed);
    }
    mr_list_init(&poller->hungry);
    return poller;
}

void
mr_poller_free(struct mr_poller *poller)
{
    if (poller == NULL) {
        return;
    }
    mr_assert(mr_list_empty(&poller->hungry)); /* else a mapping was left behind */
    for (size_t i = 0; i < poller->spare_count; i++) {
        mr_buf_deinit(&poller->spare[i]);
    }
    mr_arena_deinit(&poller->scratch);
    free(poller);
}

uint64_t
mr_poller_now_ms(const struct mr_poller *poller)
{
    return mr_clock_wall_ms(mr_loop_clock(poller->options.loop));
}

struct mr_buf
mr_poller_take_buffer(struct mr_poller *poller)
{
    return poller->spare_count == 0 ? (struct mr_buf){ 0 }
                                    : poller->spare[--poller->spare_count];
}

void
mr_poller_give_buffer(struct mr_poller *poller, struct mr_buf *buf)
{
    if (poller->spare_count == MR_POLLER_SPARE_BUFFERS || buf->capacity > SPARE_BYTES) {
        mr_buf_deinit(buf);
        return;
    }
    mr_buf_clear(buf);
    poller->spare[poller->spare_count++] = mr_buf_take(buf);
}

bool
mr_poller_is_full(const struct mr_poller *poller)
{
    return poller->buffered_bytes >= poller->options.max_buffered_bytes;
}

void
mr_poller_buffered(struct mr_poller *poller, size_t bytes)
{
    poller->buffered_bytes += bytes;
}

void
mr_poller_released(struct mr_poller *poller, size_t bytes)
{
    mr_assert(poller->buffered_bytes >= bytes);
    poller->buffered_bytes -= bytes;
    while (bytes > 0 && !mr_poller_is_full(poller) && !mr_list_empty(&poller->hungry)) {
        struct mr_shard_reader *reader =
            MR_CONTAINER_OF(poller->hungry.next, struct mr_shard_reader, hungry);
        mr_list_remove(&reader->hungry);
        mr_shard_reader_feed(reader);
    }
}
