#include "stream/store_inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

struct recovery {
    struct mr_store *store;
    uint32_t *numbers; /* of the segments there, rising */
    size_t count, capacity;
    struct mr_journal_point synced; /* the furthest any block vouches for */
};

static void
note_number(struct recovery *recovery, uint32_t number)
{
    if (recovery->count == recovery->capacity) {
        recovery->capacity = recovery->capacity == 0 ? 16 : recovery->capacity * 2;
        recovery->numbers =
            mr_realloc(recovery->numbers, recovery->capacity * sizeof(*recovery->numbers));
    }
    recovery->numbers[recovery->count++] = number;
}

static int
by_number(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static int
find_segments(struct recovery *recovery, struct mr_error *err)
{
    int fd = openat(recovery->store->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        return mr_fail(err, -errno, "list the data directory: %s", strerror(errno));
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char name[MR_SEGMENT_NAME];
        uint32_t number;
        if (sscanf(entry->d_name, "%10u.journal", &number) == 1) {
            mr_segment_name(number, name);
            if (strcmp(name, entry->d_name) == 0) {
                note_number(recovery, number);
            }
        }
    }
    (void)closedir(dir);
    if (recovery->count > 0) {
        qsort(recovery->numbers, recovery->count, sizeof(*recovery->numbers), by_number);
    }
    return 0;
}

static bool
was_removed(const struct mr_store *store, uint32_t number)
{
    if (number < store->removed_below) {
        return true;
    }
    for (size_t i = 0; i < store->removed_count; i++) {
        if (store->removed[i] == number) {
            return true;
        }
    }
    return false;
}

static int
check_complete(struct recovery *recovery, struct mr_error *err)
{
    struct mr_store *store = recovery->store;
    uint32_t expected = store->removed_below > 1 ? store->removed_below : 1;

    for (size_t i = 0; i < recovery->count; i++, expected++) {
        while (expected < recovery->numbers[i] && was_removed(store, expected)) {
            expected++;
        }
        if (expected != recovery->numbers[i] && !store->options.cut_corrupt) {
            return mr_fail(err, -EBADMSG,
                           "segment %010u.journal is missing: put it back, or accept the loss "
                           "of its records by starting once with --cut-corrupt",
                           expected);
        }
        expected = recovery->numbers[i];
    }
    return 0;
}

/* ------------------------------------------------------------------ scanning a segment */

static void
vouch(struct recovery *recovery, const struct mr_block_header *header)
{
    if (header->synced.segment > recovery->synced.segment ||
        (header->synced.segment == recovery->synced.segment &&
         header->synced.offset > recovery->synced.offset)) {
        recovery->synced = header->synced;
    }
    if (header->sequence >= recovery->store->next_sequence) {
        recovery->store->next_sequence = header->sequence + 1;
    }
}

/* The records of one block go into the index of their shards. */
static void
index_block(struct mr_store *store, struct mr_segment *segment, const uint8_t *data,
            uint32_t offset, uint32_t size)
{
    struct mr_block_record record;

    for (uint32_t at = MR_BLOCK_HEADER, next; at < size; at = next) {
        next = mr_block_record_at(data, size, at, &record);
        if (next == 0) {
            return;
        }
        struct mr_shard *shard = mr_store_find_shard(store, record.uid);
        if (shard == NULL) {
            continue;
        }
        bool chained = shard->open_block == offset && shard->open_slice == segment->number;
        if (!chained) {
            struct mr_index_entry entry = {
                .uid = record.uid,
                .entry = { .first_index = record.index,
                           .first_arrival_ms = record.arrival_ms,
                           .segment = segment->number,
                           .block = offset,
                           .block_size = size,
                           .record = at },
            };
            mr_segment_note(segment, shard, &entry, record.index, record.arrival_ms);
            shard->open_block = offset;
            shard->open_slice = segment->number;
        } else if (shard->tail_slot < segment->tail_count) {
            segment->tails[shard->tail_slot].last_index = record.index;
            segment->tails[shard->tail_slot].last_arrival_ms = record.arrival_ms;
        }
    }
}

/* Behind a bad block: does a whole one vouch that this place was on the disk? */
static void
look_further(struct recovery *recovery, const struct mr_segment *segment, uint8_t *data,
             size_t size, size_t at)
{
    struct mr_block_header header;

    for (; at + MR_BLOCK_HEADER <= size; at += 8) {
        if (mr_block_open(data + at, size - at, segment->number, segment->cipher, &header)) {
            vouch(recovery, &header);
            at += header.size - 8;
        }
    }
}

static int
scan(struct recovery *recovery, struct mr_segment *segment, uint8_t *data, size_t size,
     struct mr_error *err)
{
    struct mr_block_header header;
    uint32_t previous_end;
    uint64_t sequence = 0;
    int code = size < MR_SEGMENT_HEADER
                   ? -EBADMSG
                   : mr_segment_header_check(data, segment->number, &previous_end);

    if (code == -ENOTSUP) {
        return mr_fail(err, code, "segment %u was written by a newer version", segment->number);
    }
    size_t at = MR_SEGMENT_HEADER;
    while (code == 0 && at < size &&
           mr_block_open(data + at, size - at, segment->number, segment->cipher, &header) &&
           header.sequence > sequence) {
        vouch(recovery, &header);
        index_block(recovery->store, segment, data + at, (uint32_t)at, header.size);
        sequence = header.sequence;
        at += header.size;
    }
    segment->end = (uint32_t)at;
    look_further(recovery, segment, data, size, at);
    return 0;
}

static int
scan_file(struct recovery *recovery, struct mr_segment *segment, struct mr_error *err)
{
    const struct mr_file_ops *files = recovery->store->files;
    off_t size = lseek(segment->fd, 0, SEEK_END);
    if (size < 0 || size > INT32_MAX) {
        return mr_fail(err, -EBADMSG, "segment %u has an impossible size", segment->number);
    }
    mr_auto_free uint8_t *data = mr_try_alloc((size_t)size + 1);
    if (data == NULL) {
        return mr_fail(err, -ENOMEM, "no memory to scan segment %u", segment->number);
    }
    ssize_t got = files->read_at(files->self, segment->fd, data, (size_t)size, 0);
    if (got < 0) {
        return mr_fail(err, (int)got, "read segment %u: %s", segment->number,
                       strerror((int)-got));
    }
    return scan(recovery, segment, data, (size_t)got, err);
}

/* ------------------------------------------------------------------ the whole journal */

/* A header that is no good is found by the scan. */
static int
take_cipher(struct mr_store *store, struct mr_segment *segment, struct mr_error *err)
{
    uint8_t page[MR_SEGMENT_HEADER];
    uint32_t previous_end;

    if (store->files->read_at(store->files->self, segment->fd, page, sizeof(page), 0) !=
            MR_SEGMENT_HEADER ||
        mr_segment_header_check(page, segment->number, &previous_end) < 0) {
        return 0;
    }
    return mr_segment_cipher(store, page, segment->number, &segment->cipher, err);
}

static int
load_segment(struct recovery *recovery, uint32_t number, struct mr_error *err)
{
    struct mr_store *store = recovery->store;
    char name[MR_SEGMENT_NAME];

    mr_segment_name(number, name);
    int fd = store->files->open(store->files->self, store->dir_fd, name, O_RDWR);
    if (fd < 0) {
        return mr_fail(err, fd, "open %s: %s", name, strerror(-fd));
    }
    struct mr_segment *segment = mr_segment_new(number, fd);
    mr_list_push_back(&store->segments, &segment->node);
    int code = take_cipher(store, segment, err);
    if (code < 0) {
        return code;
    }
    segment->sealed = mr_index_load(store, segment) == 0;
    if (segment->sealed) {
        off_t size = lseek(fd, 0, SEEK_END);
        if (size < (off_t)segment->end) {
            return mr_fail(err, -EBADMSG, "%s has %lld bytes of %u: put back a whole copy",
                           name, (long long)size, segment->end);
        }
        return 0;
    }
    return scan_file(recovery, segment, err);
}

/* Cut what no writer was told of; refuse when the missing part had been vouched for. */
static int
settle_scanned(struct recovery *recovery, struct mr_segment *segment, struct mr_error *err)
{
    struct mr_store *store = recovery->store;
    const struct mr_file_ops *files = store->files;
    bool damaged =
        recovery->synced.segment == segment->number && recovery->synced.offset > segment->end;

    if (recovery->synced.segment > segment->number && segment->node.next != &store->segments) {
        struct mr_segment *next = MR_CONTAINER_OF(segment->node.next, struct mr_segment, node);
        uint8_t page[MR_SEGMENT_HEADER];
        uint32_t previous_end;
        damaged =
            next->number == segment->number + 1 &&
            files->read_at(files->self, next->fd, page, sizeof(page), 0) == MR_SEGMENT_HEADER &&
            mr_segment_header_check(page, next->number, &previous_end) == 0 &&
            previous_end > segment->end;
    }
    if (damaged && !store->options.cut_corrupt) {
        return mr_fail(err, -EBADMSG,
                       "%010u.journal is damaged at byte %u, before records that were "
                       "acknowledged: put back a good copy, or give up what follows in this "
                       "file by starting once with --cut-corrupt",
                       segment->number, segment->end);
    }
    if (damaged) {
        mr_log(MR_LOG_WARN, "stream", "segment %u was cut at its first bad block, byte %u",
               segment->number, segment->end);
    }
    int code = files->truncate(files->self, segment->fd, segment->end);
    if (code == 0) {
        code = files->sync(files->self, segment->fd);
    }
    if (code < 0) {
        return mr_fail(err, code, "cut segment %u at byte %u: %s", segment->number,
                       segment->end, strerror(-code));
    }
    return mr_index_write(store, segment, err);
}

static void
attach(struct mr_store *store, struct mr_segment *segment)
{
    for (size_t i = 0; i < segment->entry_count; i++) {
        struct mr_shard *shard = mr_store_find_shard(store, segment->entries[i].uid);
        if (shard != NULL) {
            mr_shard_add_entry(shard, &segment->entries[i].entry);
        }
    }
    for (size_t i = 0; i < segment->tail_count; i++) {
        const struct mr_tail *tail = &segment->tails[i];
        struct mr_shard *shard = mr_store_find_shard(store, tail->uid);
        if (shard != NULL) {
            if (tail->last_index >= shard->next_index) {
                shard->next_index = tail->last_index + 1;
                shard->tail = shard->next_index;
            }
            if (tail->last_arrival_ms > shard->last_arrival_ms) {
                shard->last_arrival_ms = tail->last_arrival_ms;
            }
        }
    }
    free(segment->entries);
    segment->entries = NULL;
    segment->entry_count = segment->entry_capacity = 0;
    segment->sealed = true;
}

static int
recover(struct recovery *recovery, struct mr_error *err)
{
    struct mr_store *store = recovery->store;
    int code = find_segments(recovery, err);

    for (size_t i = 0; code == 0 && i < recovery->count; i++) {
        if (was_removed(store, recovery->numbers[i])) {
            char name[MR_SEGMENT_NAME]; /* the file outlived the word that it is gone */
            mr_segment_name(recovery->numbers[i], name);
            (void)store->files->remove(store->files->self, store->dir_fd, name);
            memmove(&recovery->numbers[i], &recovery->numbers[i + 1],
                    (recovery->count - i - 1) * sizeof(*recovery->numbers));
            recovery->count--;
            i--;
        }
    }
    if (code == 0) {
        code = check_complete(recovery, err);
    }
    for (size_t i = 0; code == 0 && i < recovery->count; i++) {
        code = load_segment(recovery, recovery->numbers[i], err);
    }
    MR_LIST_EACH(node, &store->segments)
    {
        struct mr_segment *segment = MR_CONTAINER_OF(node, struct mr_segment, node);
        if (code == 0 && !segment->sealed) {
            code = settle_scanned(recovery, segment, err);
        }
        if (code == 0) {
            attach(store, segment);
        }
    }
    return code;
}

int
mr_store_recover(struct mr_store *store, struct mr_error *err)
{
    struct recovery recovery = { .store = store };
    bool found;

    store->next_stream_id = 1;
    store->next_uid = 1;
    store->next_sequence = 1;
    int code = mr_state_read(store, &found, err);
    if (code == 0) {
        code = recover(&recovery, err);
    }
    if (code == 0 && !found && recovery.count > 0) {
        code = mr_fail(err, -EBADMSG,
                       "there are journal segments but no file \"state\": put it back, or move "
                       "the segments away to begin anew");
    }
    if (code == 0) {
        uint32_t last = recovery.count == 0 ? 0 : recovery.numbers[recovery.count - 1];
        for (size_t i = 0; i < store->removed_count; i++) {
            last = store->removed[i] > last ? store->removed[i] : last;
        }
        store->next_segment = last + 1 > store->removed_below ? last + 1 : store->removed_below;
        store->published = store->next_segment;
        if (!found) {
            code = mr_state_write(store, err);
        }
    }
    struct mr_shard *shard, *next;
    HASH_ITER(hh, store->shards, shard, next)
    {
        shard->open_block = 0;
        shard->tail_segment = 0;
    }
    free(recovery.numbers);
    return code;
}
