#include "control/history_ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "base/log.h"

enum {
    FILE_BYTES = 8 * 1024 * 1024,
    MAX_ENTRIES = 20000, /* headings are in memory: some 25 MB */
    MAX_FILES = 4096,
};

struct file {
    uint64_t first; /* its name */
    uint64_t size;
};

struct history_ring {
    char *directory;
    uint64_t max_bytes, bytes, next;
    struct file *files; /* oldest first */
    size_t file_count;
    struct history_entry *entries; /* oldest first */
    size_t entry_count, entry_room;
    int fd; /* of the newest file; -1: none */
};

static char *
path_of(const struct history_ring *ring, uint64_t first)
{
    return mr_format("%s/%012llu.history", ring->directory, (unsigned long long)first);
}

static void
add_entry(struct history_ring *ring, const struct history_entry *entry)
{
    if (ring->entry_count == ring->entry_room) {
        ring->entry_room = ring->entry_room == 0 ? 256 : ring->entry_room * 2;
        ring->entries = mr_realloc(ring->entries, ring->entry_room * sizeof(ring->entries[0]));
    }
    ring->entries[ring->entry_count++] = *entry;
    ring->next = entry->number + 1;
}

/* ---- reading what is there ---- */

static size_t
size_in(const json_t *heading, const char *member)
{
    json_int_t size = json_integer_value(json_object_get(heading, member));

    return size < 0 || size > FILE_BYTES * 2 ? 0 : (size_t)size;
}

static size_t
body_size_of(const json_t *heading)
{
    return size_in(heading, "eventBytes") + size_in(heading, "responseBytes") +
           size_in(heading, "logBytes");
}

/* One record at `offset` of the file's bytes; its size, or 0 when it is not whole. */
static size_t
load_record(struct history_ring *ring, uint64_t first, struct mr_slice bytes, size_t offset)
{
    struct mr_slice rest = mr_slice_from(bytes, offset);
    ptrdiff_t line = mr_slice_find(rest, '\n');
    json_t *heading =
        line < 0 ? NULL : json_loadb((const char *)rest.data, (size_t)line, 0, NULL);
    size_t body = body_size_of(heading);

    if (heading == NULL || (size_t)line + 1 + body + 1 > rest.size) {
        json_decref(heading);
        return 0;
    }
    const struct history_entry entry = {
        .number = (uint64_t)json_integer_value(json_object_get(heading, "id")),
        .heading = heading,
        .file = first,
        .body = offset + (size_t)line + 1,
        .body_size = body,
    };
    add_entry(ring, &entry);
    return (size_t)line + 1 + body + 1;
}

static int
read_file(const char *path, struct mr_buf *out)
{
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size > 8 * (off_t)FILE_BYTES) {
        return -EIO;
    }
    uint8_t *room = mr_buf_reserve(out, (size_t)status.st_size + 1);
    ssize_t size = read(fd, room, (size_t)status.st_size);
    out->size = size < 0 ? 0 : (size_t)size;
    return 0;
}

static void
load_file(struct history_ring *ring, uint64_t first)
{
    mr_auto_free char *path = path_of(ring, first);
    mr_auto_buf struct mr_buf bytes = { 0 };
    size_t offset = 0, size;

    if (read_file(path, &bytes) < 0) {
        return;
    }
    while ((size = load_record(ring, first, mr_buf_slice(&bytes), offset)) > 0) {
        offset += size;
    }
    if (offset == 0) {
        unlink(path);
        return;
    }
    if (offset < bytes.size && truncate(path, (off_t)offset) < 0) {
        mr_log(MR_LOG_WARN, "control", "cut the end of %s: %s", path, strerror(errno));
    }
    ring->files[ring->file_count++] = (struct file){ first, offset };
    ring->bytes += offset;
}

static int
by_number(const void *one, const void *other)
{
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

    return a < b ? -1 : a > b;
}

static int
load(struct history_ring *ring, struct mr_error *err)
{
    static uint64_t numbers[MAX_FILES];
    DIR *directory = opendir(ring->directory);
    struct dirent *entry;
    size_t count = 0;

    if (directory == NULL) {
        return mr_fail(err, -errno, "open %s: %s", ring->directory, strerror(errno));
    }
    while ((entry = readdir(directory)) != NULL && count < MAX_FILES) {
        unsigned long long number;
        if (sscanf(entry->d_name, "%12llu.history", &number) == 1) {
            numbers[count++] = number;
        }
    }
    closedir(directory);
    qsort(numbers, count, sizeof(numbers[0]), by_number);
    for (size_t i = 0; i < count; i++) {
        load_file(ring, numbers[i]);
    }
    return 0;
}

/* ---- making room ---- */

static void
drop_oldest(struct history_ring *ring)
{
    struct file oldest = ring->files[0];
    mr_auto_free char *path = path_of(ring, oldest.first);
    size_t gone = 0;

    unlink(path);
    ring->bytes -= oldest.size;
    memmove(ring->files, ring->files + 1, --ring->file_count * sizeof(ring->files[0]));
    while (gone < ring->entry_count && ring->entries[gone].file == oldest.first) {
        json_decref(ring->entries[gone++].heading);
    }
    ring->entry_count -= gone;
    memmove(ring->entries, ring->entries + gone, ring->entry_count * sizeof(ring->entries[0]));
}

static int
begin_file(struct history_ring *ring, struct mr_error *err)
{
    mr_auto_free char *path = path_of(ring, ring->next);

    if (ring->fd >= 0) {
        close(ring->fd);
    }
    ring->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
    if (ring->fd < 0) {
        return mr_fail(err, -errno, "make %s: %s", path, strerror(errno));
    }
    while (ring->file_count > 0 &&
           (ring->bytes + FILE_BYTES > ring->max_bytes || ring->entry_count > MAX_ENTRIES ||
            ring->file_count >= MAX_FILES - 1)) {
        drop_oldest(ring);
    }
    ring->files[ring->file_count++] = (struct file){ ring->next, 0 };
    return 0;
}

struct history_ring *
history_ring_open(const char *directory, uint64_t max_bytes, struct mr_error *err)
{
    struct history_ring *ring = mr_alloc_zero(1, sizeof(*ring));

    ring->directory = mr_strdup(directory);
    ring->max_bytes = max_bytes;
    ring->files = mr_alloc_zero(MAX_FILES, sizeof(ring->files[0]));
    ring->fd = -1;
    ring->next = 1;
    if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
        mr_fail(err, -errno, "make directory %s: %s", directory, strerror(errno));
        history_ring_close(ring);
        return NULL;
    }
    if (load(ring, err) < 0) {
        history_ring_close(ring);
        return NULL;
    }
    return ring;
}

void
history_ring_close(struct history_ring *ring)
{
    if (ring == NULL) {
        return;
    }
    if (ring->fd >= 0) {
        close(ring->fd);
    }
    for (size_t i = 0; i < ring->entry_count; i++) {
        json_decref(ring->entries[i].heading);
    }
    free(ring->entries);
    free(ring->files);
    free(ring->directory);
    free(ring);
}

uint64_t
history_ring_next(const struct history_ring *ring)
{
    return ring->next;
}

/* ---- records ---- */

static int
append(struct history_ring *ring, struct mr_slice record, struct mr_error *err)
{
    struct file *newest = &ring->files[ring->file_count - 1];
    ssize_t written = write(ring->fd, record.data, record.size);

    if (written != (ssize_t)record.size) {
        int code = written < 0 ? errno : ENOSPC;
        if (ftruncate(ring->fd, (off_t)newest->size) < 0) {
            mr_log(MR_LOG_WARN, "control", "cut a history file: %s", strerror(errno));
        }
        return mr_fail(err, -code, "write the history: %s", strerror(code));
    }
    newest->size += record.size;
    ring->bytes += record.size;
    return 0;
}

int
history_ring_add(struct history_ring *ring, json_t *heading, struct mr_slice body,
                 struct mr_error *err)
{
    mr_auto_buf struct mr_buf record = { 0 };
    bool full = ring->fd < 0 || ring->files[ring->file_count - 1].size > FILE_BYTES;

    if (full && begin_file(ring, err) < 0) {
        json_decref(heading);
        return err->code;
    }
    json_object_set_new(heading, "id", json_integer((json_int_t)ring->next));
    mr_auto_free char *text = json_dumps(heading, JSON_COMPACT);
    const struct file *newest = &ring->files[ring->file_count - 1];
    mr_buf_append_str(&record, text);
    mr_buf_append_byte(&record, '\n');
    const struct history_entry entry = {
        .number = ring->next,
        .heading = heading,
        .file = newest->first,
        .body = newest->size + record.size,
        .body_size = body.size,
    };
    mr_buf_append_slice(&record, body);
    mr_buf_append_byte(&record, '\n');
    if (append(ring, mr_buf_slice(&record), err) < 0) {
        json_decref(heading);
        return err->code;
    }
    add_entry(ring, &entry);
    return 0;
}

size_t
history_ring_count(const struct history_ring *ring)
{
    return ring->entry_count;
}

const struct history_entry *
history_ring_at(const struct history_ring *ring, size_t index)
{
    return &ring->entries[index];
}

int
history_ring_read(const struct history_ring *ring, const struct history_entry *entry,
                  struct mr_buf *out_body, struct mr_error *err)
{
    mr_auto_free char *path = path_of(ring, entry->file);
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *room = mr_buf_reserve(out_body, entry->body_size + 1);

    if (fd < 0 ||
        pread(fd, room, entry->body_size, (off_t)entry->body) != (ssize_t)entry->body_size) {
        return mr_fail(err, -EIO, "read %s: %s", path, strerror(errno));
    }
    out_body->size += entry->body_size;
    return 0;
}
