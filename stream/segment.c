#include "stream/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "stream/checksum.h"
#include "stream/wire.h"

#define SEGMENT_MAGIC UINT64_C(0x544e4d474553524d) /* "MRSEGMNT" */
#define INDEX_MAGIC   UINT64_C(0x5845444e4953524d) /* "MRSINDEX" */
enum {
    VERSION = 1,
    VERSION_SECRET = 2,
    HEADER_USED = 40,
    WRAPPED_KEY = 64,
    INDEX_HEADER = 32,
    INDEX_ENTRY = 40,
    INDEX_TAIL = 24
};

void
mr_segment_name(uint32_t number, char out_name[MR_SEGMENT_NAME])
{
    snprintf(out_name, MR_SEGMENT_NAME, "%010u.journal", number);
}

void
mr_index_name(uint32_t number, char out_name[MR_SEGMENT_NAME])
{
    snprintf(out_name, MR_SEGMENT_NAME, "%010u.index", number);
}

struct mr_segment *
mr_segment_new(uint32_t number, int fd)
{
    struct mr_segment *segment = mr_alloc_zero(1, sizeof(*segment));

    *segment = (struct mr_segment){ .number = number, .fd = fd, .refs = 1 };
    segment->end = MR_SEGMENT_HEADER;
    mr_list_init(&segment->node);
    return segment;
}

void
mr_segment_unref(struct mr_segment *segment)
{
    if (--segment->refs > 0) {
        return;
    }
    if (segment->fd >= 0) {
        (void)close(segment->fd);
    }
    mr_cipher_free(segment->cipher);
    free(segment->tails);
    free(segment->entries);
    free(segment);
}

static void
header_write(uint8_t *page, uint32_t number, uint32_t previous_end, bool secret,
             uint64_t now_ms)
{
    memset(page, 0, MR_SEGMENT_HEADER);
    mr_put_u64(page, SEGMENT_MAGIC);
    mr_put_u32(page + 8, secret ? VERSION_SECRET : VERSION);
    mr_put_u32(page + 12, number);
    mr_put_u32(page + 16, previous_end);
    mr_put_u64(page + 24, now_ms);
    mr_put_u32(page + HEADER_USED, mr_checksum(page, HEADER_USED));
}

int
mr_segment_header_check(const uint8_t *page, uint32_t number, uint32_t *out_previous_end)
{
    if (mr_get_u64(page) != SEGMENT_MAGIC ||
        mr_get_u32(page + HEADER_USED) != mr_checksum(page, HEADER_USED) ||
        mr_get_u32(page + 12) != number) {
        return -EBADMSG;
    }
    if (mr_get_u32(page + 8) != VERSION && mr_get_u32(page + 8) != VERSION_SECRET) {
        return -ENOTSUP;
    }
    *out_previous_end = mr_get_u32(page + 16);
    return 0;
}

int
mr_segment_cipher(const struct mr_store *store, const uint8_t *page, uint32_t number,
                  struct mr_cipher **out_cipher, struct mr_error *err)
{
    char name[MR_SEGMENT_NAME];

    *out_cipher = NULL;
    if (mr_get_u32(page + 8) != VERSION_SECRET) {
        return 0;
    }
    *out_cipher = mr_cipher_unwrap(store->options.master_keys, number, page + WRAPPED_KEY, err);
    if (*out_cipher != NULL) {
        return 0;
    }
    mr_segment_name(number, name);
    return mr_wrap(err, "%s", name);
}

/* The prepared file when there is one, else a new one of the right size. */
static int
take_file(struct mr_store *store, const char *name, struct mr_error *err)
{
    pthread_mutex_lock(&store->lock);
    int fd = store->prepared_fd;
    store->prepared_fd = fd >= 0 ? MR_PREPARED_TAKEN : fd;
    pthread_mutex_unlock(&store->lock);
    const struct mr_file_ops *files = store->files;
    if (fd >= 0) {
        int code = files->rename(files->self, store->dir_fd, "prepared", name);
        pthread_mutex_lock(&store->lock);
        store->prepared_fd = -1; /* only now may the keeper use the name again */
        pthread_cond_signal(&store->keeper_wakes);
        pthread_mutex_unlock(&store->lock);
        if (code < 0) {
            (void)close(fd);
            return mr_fail(err, code, "journal: rename prepared to %s: %s", name,
                           strerror(-code));
        }
        return fd;
    }
    fd = files->open(files->self, store->dir_fd, name, O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return mr_fail(err, fd, "journal: make %s: %s", name, strerror(-fd));
    }
    int code = files->allocate(files->self, fd, store->options.segment_bytes);
    if (code < 0) {
        (void)close(fd);
        (void)files->remove(files->self, store->dir_fd, name);
        return mr_fail(err, code, "journal: reserve %zu bytes for %s: %s",
                       store->options.segment_bytes, name, strerror(-code));
    }
    return fd;
}

int
mr_segment_begin(struct mr_store *store, uint32_t number, uint32_t previous_end,
                 struct mr_segment **out_segment, struct mr_error *err)
{
    const struct mr_file_ops *files = store->files;
    char name[MR_SEGMENT_NAME];
    uint8_t page[MR_SEGMENT_HEADER];
    struct mr_cipher *cipher = NULL;

    pthread_mutex_lock(&store->lock);
    bool secret = store->encrypt;
    pthread_mutex_unlock(&store->lock);
    mr_segment_name(number, name);
    int fd = take_file(store, name, err);
    if (fd < 0) {
        return fd;
    }
    header_write(page, number, previous_end, secret, mr_clock_wall_ms(store->clock));
    if (secret) {
        cipher = mr_cipher_new(store->options.master_keys, number, page + WRAPPED_KEY);
    }
    struct iovec part = { page, sizeof(page) };
    int code = files->write_at(files->self, fd, &part, 1, 0);
    if (code < 0) {
        (void)close(fd);
        (void)files->remove(files->self, store->dir_fd, name);
        mr_cipher_free(cipher);
        return mr_fail(err, code, "journal: write the header of %s: %s", name, strerror(-code));
    }
    if (store->options.durability == MR_DURABILITY_SYNC) {
        if ((code = files->sync(files->self, fd)) < 0 ||
            (code = files->sync_directory(files->self, store->dir_fd)) < 0) {
            mr_fatal_sync(name, code);
        }
    }
    *out_segment = mr_segment_new(number, fd);
    (*out_segment)->cipher = cipher;
    return 0;
}

static void
note_tail(struct mr_segment *segment, struct mr_shard *shard, uint64_t last_index,
          uint64_t last_arrival_ms)
{
    if (shard->tail_segment != segment->number || shard->tail_slot >= segment->tail_count) {
        if (segment->tail_count == segment->tail_capacity) {
            segment->tail_capacity =
                segment->tail_capacity == 0 ? 16 : segment->tail_capacity * 2;
            segment->tails =
                mr_realloc(segment->tails, segment->tail_capacity * sizeof(*segment->tails));
        }
        shard->tail_segment = segment->number;
        shard->tail_slot = (uint32_t)segment->tail_count++;
    }
    segment->tails[shard->tail_slot] =
        (struct mr_tail){ shard->uid, last_index, last_arrival_ms };
}

void
mr_segment_note(struct mr_segment *segment, struct mr_shard *shard,
                const struct mr_index_entry *entry, uint64_t last_index,
                uint64_t last_arrival_ms)
{
    if (segment->entry_count == segment->entry_capacity) {
        segment->entry_capacity =
            segment->entry_capacity == 0 ? 64 : segment->entry_capacity * 2;
        segment->entries =
            mr_realloc(segment->entries, segment->entry_capacity * sizeof(*segment->entries));
    }
    segment->entries[segment->entry_count++] = *entry;
    note_tail(segment, shard, last_index, last_arrival_ms);
}

static void
index_encode(const struct mr_segment *segment, struct mr_buf *buf)
{
    size_t size =
        INDEX_HEADER + segment->entry_count * INDEX_ENTRY + segment->tail_count * INDEX_TAIL;
    uint8_t *at = mr_buf_reserve(buf, size);

    memset(at, 0, size);
    buf->size = size;
    mr_put_u64(at, INDEX_MAGIC);
    mr_put_u32(at + 8, VERSION);
    mr_put_u32(at + 12, segment->number);
    mr_put_u32(at + 16, segment->end);
    mr_put_u32(at + 20, (uint32_t)segment->entry_count);
    mr_put_u32(at + 24, (uint32_t)segment->tail_count);
    at += INDEX_HEADER;
    for (size_t i = 0; i < segment->entry_count; i++, at += INDEX_ENTRY) {
        const struct mr_index_entry *entry = &segment->entries[i];
        mr_put_u32(at, entry->uid);
        mr_put_u32(at + 4, entry->entry.block);
        mr_put_u32(at + 8, entry->entry.block_size);
        mr_put_u32(at + 12, entry->entry.record);
        mr_put_u64(at + 16, entry->entry.first_index);
        mr_put_u64(at + 24, entry->entry.first_arrival_ms);
    }
    for (size_t i = 0; i < segment->tail_count; i++, at += INDEX_TAIL) {
        mr_put_u32(at, segment->tails[i].uid);
        mr_put_u64(at + 8, segment->tails[i].last_index);
        mr_put_u64(at + 16, segment->tails[i].last_arrival_ms);
    }
    mr_put_u32(buf->data + 28,
               mr_checksum(buf->data + 32, size - 32) ^ mr_checksum(buf->data, 28));
}

int
mr_index_write(struct mr_store *store, struct mr_segment *segment, struct mr_error *err)
{
    const struct mr_file_ops *files = store->files;
    mr_auto_buf struct mr_buf buf = { 0 };
    char name[MR_SEGMENT_NAME];

    index_encode(segment, &buf);
    mr_index_name(segment->number, name);
    mr_auto_fd int fd =
        files->open(files->self, store->dir_fd, "index.new", O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return mr_fail(err, fd, "journal: make index.new: %s", strerror(-fd));
    }
    struct iovec part = { buf.data, buf.size };
    int code = files->write_at(files->self, fd, &part, 1, 0);
    if (code == 0) {
        code = files->sync(files->self, fd);
    }
    if (code == 0) {
        code = files->rename(files->self, store->dir_fd, "index.new", name);
    }
    if (code < 0) {
        return mr_fail(err, code, "journal: write %s: %s", name, strerror(-code));
    }
    return 0;
}

static bool
entry_fits(const struct mr_entry *entry, uint32_t end)
{
    return entry->block >= MR_SEGMENT_HEADER && entry->block_size >= MR_BLOCK_HEADER &&
           entry->block_size <= MR_BLOCK_MAX && entry->block <= end &&
           entry->block_size <= end - entry->block && entry->record >= MR_BLOCK_HEADER &&
           entry->record < entry->block_size;
}

int
mr_index_parse(struct mr_slice bytes, uint32_t number, struct mr_segment *segment)
{
    const uint8_t *at = bytes.data;

    if (bytes.size < INDEX_HEADER || mr_get_u64(at) != INDEX_MAGIC ||
        mr_get_u32(at + 8) != VERSION || mr_get_u32(at + 12) != number) {
        return -EBADMSG;
    }
    size_t entries = mr_get_u32(at + 20), tails = mr_get_u32(at + 24);
    if (bytes.size != INDEX_HEADER + entries * INDEX_ENTRY + tails * INDEX_TAIL ||
        mr_get_u32(at + 28) != (mr_checksum(at + 32, bytes.size - 32) ^ mr_checksum(at, 28))) {
        return -EBADMSG;
    }
    segment->end = mr_get_u32(at + 16);
    segment->entries = mr_alloc(entries * sizeof(*segment->entries) + 1);
    segment->tails = mr_alloc(tails * sizeof(*segment->tails) + 1);
    segment->entry_count = segment->entry_capacity = entries;
    segment->tail_count = segment->tail_capacity = tails;
    at += INDEX_HEADER;
    for (size_t i = 0; i < entries; i++, at += INDEX_ENTRY) {
        segment->entries[i] = (struct mr_index_entry){
            .uid = mr_get_u32(at),
            .entry = { .first_index = mr_get_u64(at + 16),
                       .first_arrival_ms = mr_get_u64(at + 24),
                       .segment = number,
                       .block = mr_get_u32(at + 4),
                       .block_size = mr_get_u32(at + 8),
                       .record = mr_get_u32(at + 12) },
        };
        if (!entry_fits(&segment->entries[i].entry, segment->end)) {
            return -EBADMSG;
        }
    }
    for (size_t i = 0; i < tails; i++, at += INDEX_TAIL) {
        segment->tails[i] =
            (struct mr_tail){ mr_get_u32(at), mr_get_u64(at + 8), mr_get_u64(at + 16) };
    }
    return 0;
}

int
mr_index_load(struct mr_store *store, struct mr_segment *segment)
{
    const struct mr_file_ops *files = store->files;
    char name[MR_SEGMENT_NAME];

    mr_index_name(segment->number, name);
    mr_auto_fd int fd = files->open(files->self, store->dir_fd, name, O_RDONLY);
    if (fd < 0) {
        return fd;
    }
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0 || size > INT32_MAX) {
        return -EBADMSG;
    }
    mr_auto_free uint8_t *bytes = mr_try_alloc((size_t)size + 1);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    ssize_t got = files->read_at(files->self, fd, bytes, (size_t)size, 0);
    if (got != size) {
        return got < 0 ? (int)got : -EBADMSG;
    }
    int code = mr_index_parse(mr_slice_of(bytes, (size_t)size), segment->number, segment);
    if (code < 0) {
        free(segment->entries);
        free(segment->tails);
        segment->entries = NULL;
        segment->tails = NULL;
        segment->entry_count = segment->entry_capacity = 0;
        segment->tail_count = segment->tail_capacity = 0;
        segment->end = MR_SEGMENT_HEADER;
    }
    return code;
}
