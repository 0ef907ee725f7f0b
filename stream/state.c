#include "stream/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "stream/checksum.h"
#include "stream/wire.h"

#define STATE_MAGIC UINT64_C(0x455441545352524d) /* "MRRSTATE" */
enum { VERSION = 1, HEADER = 16, MAX_STATE = 1024 * 1024 * 1024 };

static void
put_u32(struct mr_buf *buf, uint32_t value)
{
    uint8_t bytes[4];
    mr_put_u32(bytes, value);
    mr_buf_append(buf, bytes, sizeof(bytes));
}

static void
put_u64(struct mr_buf *buf, uint64_t value)
{
    uint8_t bytes[8];
    mr_put_u64(bytes, value);
    mr_buf_append(buf, bytes, sizeof(bytes));
}

static void
put_key(struct mr_buf *buf, mr_hash_key key)
{
    put_u64(buf, (uint64_t)(key >> 64));
    put_u64(buf, (uint64_t)key);
}

static void
put_text(struct mr_buf *buf, struct mr_slice text)
{
    put_u32(buf, (uint32_t)text.size);
    mr_buf_append_slice(buf, text);
}

static void
put_shard(struct mr_buf *buf, const struct mr_shard *shard)
{
    put_u32(buf, shard->uid);
    put_u32(buf, shard->parent);
    put_u32(buf, shard->adjacent_parent);
    put_key(buf, shard->start_key);
    put_key(buf, shard->end_key);
    put_u64(buf, shard->created_s);
    put_u64(buf, shard->created_ms);
    put_u64(buf, shard->closed_ms);
    put_u64(buf, shard->next_index);
    put_u64(buf, shard->last_arrival_ms);
}

static void
put_stream(struct mr_buf *buf, const struct mr_stream *stream)
{
    put_u64(buf, stream->id);
    put_u64(buf, stream->created_ms);
    put_u64(buf, stream->version);
    put_u32(buf, stream->retention_hours);
    put_u64(buf, stream->settings[0]);
    put_u64(buf, stream->settings[1]);
    put_text(buf, mr_slice_of(stream->name, stream->name_size));
    put_text(buf, mr_buf_slice(&stream->metadata));
    put_u32(buf, stream->shard_count);
    for (uint32_t i = 0; i < stream->shard_count; i++) {
        put_shard(buf, stream->shards[i]);
    }
}

static void
encode(struct mr_store *store, struct mr_buf *buf)
{
    struct mr_stream *stream, *next;

    put_u64(buf, STATE_MAGIC);
    put_u32(buf, VERSION);
    put_u32(buf, 0); /* checksum */
    put_u64(buf, store->next_stream_id);
    put_u32(buf, store->next_uid);
    put_u32(buf, store->removed_below);
    put_u32(buf, (uint32_t)store->removed_count);
    for (size_t i = 0; i < store->removed_count; i++) {
        put_u32(buf, store->removed[i]);
    }
    put_text(buf, mr_buf_slice(&store->account));
    put_u32(buf, HASH_COUNT(store->streams));
    HASH_ITER(hh, store->streams, stream, next)
    {
        put_stream(buf, stream);
    }
    mr_put_u32(buf->data + 12, mr_checksum(buf->data + HEADER, buf->size - HEADER));
}

int
mr_state_write(struct mr_store *store, struct mr_error *err)
{
    const struct mr_file_ops *files = store->files;
    mr_auto_buf struct mr_buf buf = { 0 };

    encode(store, &buf);
    mr_auto_fd int fd =
        files->open(files->self, store->dir_fd, "state.new", O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return mr_fail(err, fd, "make state.new: %s", strerror(-fd));
    }
    struct iovec part = { buf.data, buf.size };
    int code = files->write_at(files->self, fd, &part, 1, 0);
    if (code < 0) {
        return mr_fail(err, code, "write state.new: %s", strerror(-code));
    }
    if ((code = files->sync(files->self, fd)) < 0) {
        mr_fatal_sync("state.new", code);
    }
    if ((code = files->rename(files->self, store->dir_fd, "state.new", "state")) < 0) {
        return mr_fail(err, code, "rename state.new to state: %s", strerror(-code));
    }
    if ((code = files->sync_directory(files->self, store->dir_fd)) < 0) {
        mr_fatal_sync("the data directory", code);
    }
    return 0;
}

/* ------------------------------------------------------------------ reading */

struct reader {
    struct mr_slice rest;
    bool bad;
};

static const uint8_t *
take(struct reader *reader, size_t size)
{
    static const uint8_t zeros[8];

    if (reader->bad || size > reader->rest.size) {
        reader->bad = true;
        return zeros;
    }
    const uint8_t *at = reader->rest.data;
    reader->rest = mr_slice_from(reader->rest, size);
    return at;
}

static uint32_t
take_u32(struct reader *reader)
{
    return mr_get_u32(take(reader, 4));
}

static uint64_t
take_u64(struct reader *reader)
{
    return mr_get_u64(take(reader, 8));
}

static mr_hash_key
take_key(struct reader *reader)
{
    mr_hash_key high = take_u64(reader);
    return high << 64 | take_u64(reader);
}

static struct mr_slice
take_text(struct reader *reader)
{
    size_t size = take_u32(reader);
    const uint8_t *at = take(reader, size);
    return reader->bad ? MR_SLICE("") : mr_slice_of(at, size);
}

static void
take_shard(struct mr_store *store, struct reader *reader, struct mr_stream *stream)
{
    uint32_t next_uid = store->next_uid;
    struct mr_shard *shard = mr_stream_add_shard(store, stream);
    store->next_uid = next_uid;

    shard->uid = take_u32(reader);
    shard->parent = take_u32(reader);
    shard->adjacent_parent = take_u32(reader);
    shard->start_key = take_key(reader);
    shard->end_key = take_key(reader);
    shard->created_s = take_u64(reader);
    shard->created_ms = take_u64(reader);
    shard->closed_ms = take_u64(reader);
    shard->next_index = take_u64(reader);
    shard->last_arrival_ms = take_u64(reader);
    shard->tail = shard->next_index;
    if (shard->uid >= next_uid || mr_store_find_shard(store, shard->uid) != NULL) {
        reader->bad = true;
        return;
    }
    HASH_ADD(hh, store->shards, uid, sizeof(shard->uid), shard);
}

static void
take_stream(struct mr_store *store, struct reader *reader)
{
    uint64_t id = take_u64(reader), created_ms = take_u64(reader), version = take_u64(reader);
    uint32_t retention_hours = take_u32(reader);
    uint64_t settings[2] = { take_u64(reader), 0 };
    settings[1] = take_u64(reader);
    struct mr_slice name = take_text(reader);
    struct mr_slice metadata = take_text(reader);
    uint32_t shards = take_u32(reader);

    if (reader->bad || name.size == 0 || mr_store_find_stream(store, name) != NULL) {
        reader->bad = true;
        return;
    }
    struct mr_stream *stream = mr_stream_new(name);
    stream->id = id;
    stream->created_ms = created_ms;
    stream->version = version;
    stream->retention_hours = retention_hours;
    stream->settings[0] = settings[0];
    stream->settings[1] = settings[1];
    mr_buf_append_slice(&stream->metadata, metadata);
    HASH_ADD_KEYPTR(hh, store->streams, stream->name, stream->name_size, stream);
    for (uint32_t i = 0; i < shards && !reader->bad; i++) {
        take_shard(store, reader, stream);
    }
    mr_stream_rebuild_open(stream);
}

int
mr_state_parse(struct mr_store *store, struct mr_slice bytes, struct mr_error *err)
{
    if (bytes.size < HEADER || mr_get_u64(bytes.data) != STATE_MAGIC ||
        mr_get_u32(bytes.data + 12) != mr_checksum(bytes.data + HEADER, bytes.size - HEADER)) {
        return mr_fail(err, -EBADMSG,
                       "the file \"state\" is damaged: put back a copy of the data directory");
    }
    if (mr_get_u32(bytes.data + 8) != VERSION) {
        return mr_fail(err, -ENOTSUP,
                       "the file \"state\" has version %u, this program reads %u",
                       mr_get_u32(bytes.data + 8), VERSION);
    }
    struct reader reader = { .rest = mr_slice_from(bytes, HEADER) };
    store->next_stream_id = take_u64(&reader);
    store->next_uid = take_u32(&reader);
    store->removed_below = take_u32(&reader);
    uint32_t removed = take_u32(&reader);
    for (uint32_t i = 0; i < removed && !reader.bad; i++) {
        store->removed = mr_realloc(store->removed, (i + 1) * sizeof(*store->removed));
        store->removed[i] = take_u32(&reader);
        store->removed_count = store->removed_capacity = i + 1;
    }
    mr_buf_append_slice(&store->account, take_text(&reader));
    uint32_t streams = take_u32(&reader);
    for (uint32_t i = 0; i < streams && !reader.bad; i++) {
        take_stream(store, &reader);
    }
    if (reader.bad || reader.rest.size != 0) {
        return mr_fail(err, -EBADMSG, "the file \"state\" does not make sense");
    }
    return 0;
}

int
mr_state_read(struct mr_store *store, bool *out_found, struct mr_error *err)
{
    const struct mr_file_ops *files = store->files;

    mr_auto_fd int fd = files->open(files->self, store->dir_fd, "state", O_RDONLY);
    if (fd == -ENOENT) {
        *out_found = false;
        return 0;
    }
    if (fd < 0) {
        return mr_fail(err, fd, "open state: %s", strerror(-fd));
    }
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0 || size > MAX_STATE) {
        return mr_fail(err, -EBADMSG, "the file \"state\" has an impossible size");
    }
    mr_auto_free uint8_t *bytes = mr_alloc((size_t)size + 1);
    ssize_t got = files->read_at(files->self, fd, bytes, (size_t)size, 0);
    if (got != size) {
        return mr_fail(err, got < 0 ? (int)got : -EIO, "read state: %s",
                       got < 0 ? strerror((int)-got) : "it ends early");
    }
    *out_found = true;
    return mr_state_parse(store, mr_slice_of(bytes, (size_t)size), err);
}
