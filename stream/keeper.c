#include "stream/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

/* Zeros on the disk, so that a commit changes no file metadata and costs one write. */
static int
fill(struct mr_store *store, int fd)
{
    static uint8_t zeros[256 * 1024];
    const struct mr_file_ops *files = store->files;

    for (uint64_t at = 0; at < store->options.segment_bytes; at += sizeof(zeros)) {
        size_t size = store->options.segment_bytes - at;
        struct iovec part = { zeros, size < sizeof(zeros) ? size : sizeof(zeros) };
        int code = files->write_at(files->self, fd, &part, 1, at);
        if (code < 0) {
            return code;
        }
    }
    return files->sync(files->self, fd);
}

/* A file for the next segment. Failing is fine: the committer then makes one, or says why not.
 */
static int
prepare(struct mr_store *store)
{
    const struct mr_file_ops *files = store->files;
    int fd = files->open(files->self, store->dir_fd, "prepared", O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return -1;
    }
    int code = files->allocate(files->self, fd, store->options.segment_bytes);
    if (code == 0 && store->options.durability == MR_DURABILITY_SYNC) {
        code = fill(store, fd);
    }
    if (code < 0) {
        (void)close(fd);
        (void)files->remove(files->self, store->dir_fd, "prepared");
        return -1;
    }
    return fd;
}

/* Lock held: the oldest segment that is neither sealed nor written to. */
static struct mr_segment *
to_seal(struct mr_store *store)
{
    MR_LIST_EACH(node, &store->segments)
    {
        struct mr_segment *segment = MR_CONTAINER_OF(node, struct mr_segment, node);
        if (!segment->sealed && (segment->number < store->published || store->committer_done)) {
            return segment;
        }
    }
    return NULL;
}

/*
 * Put what is in the segment on the disk and its index beside it. An index
 * that cannot be written costs a scan at the next start, nothing else.
 */
static void
seal(struct mr_store *store, struct mr_segment *segment)
{
    const struct mr_file_ops *files = store->files;
    struct mr_error err = { 0 };

    int code = files->truncate(files->self, segment->fd, segment->end);
    if (code < 0) {
        mr_log(MR_LOG_WARN, "stream", "cut segment %u to its size: %s", segment->number,
               strerror(-code));
    }
    if ((code = files->sync(files->self, segment->fd)) < 0) {
        mr_fatal_sync("a journal segment", code);
    }
    if (mr_index_write(store, segment, &err) < 0) {
        mr_log(MR_LOG_WARN, "stream", "%s", err.text);
    }
}

void *
mr_keeper_main(void *context)
{
    struct mr_store *store = context;

    pthread_mutex_lock(&store->lock);
    for (;;) {
        struct mr_segment *segment = to_seal(store);
        if (segment != NULL) {
            pthread_mutex_unlock(&store->lock);
            seal(store, segment);
            pthread_mutex_lock(&store->lock);
            segment->sealed = true;
            free(segment->entries);
            segment->entries = NULL;
            segment->entry_count = segment->entry_capacity = 0;
            struct mr_journal_point point = { segment->number, segment->end };
            if (store->options.durability == MR_DURABILITY_OS) {
                store->synced = point;
            }
            continue;
        }
        if (store->committer_done) {
            break;
        }
        if (store->prepared_fd == -1 && !store->prepare_failed && !store->stopping &&
            store->writing != NULL) {
            pthread_mutex_unlock(&store->lock);
            int fd = prepare(store);
            pthread_mutex_lock(&store->lock);
            store->prepared_fd = fd;
            store->prepare_failed = fd < 0;
            continue;
        }
        pthread_cond_wait(&store->keeper_wakes, &store->lock);
        store->prepare_failed = false;
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
