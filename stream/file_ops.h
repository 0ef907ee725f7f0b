/*
 * file_ops: what the journal asks of the file system, as a table.
 *
 * The system's table is the real thing. Tests pass their own over it: one that
 * fills the disk, one that fails an fsync, one that forgets what was not synced.
 * Results are 0 or positive, or a negative errno value. Thread: any.
 */
#ifndef MR_STREAM_FILE_OPS_H
#define MR_STREAM_FILE_OPS_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct mr_file_ops {
    void *self;
    int (*open)(void *self, int dir_fd, const char *name, int flags);
    /* All of it, or an error; what was written of it then is unknown. Changes `parts`. */
    int (*write_at)(void *self, int fd, struct iovec *parts, int count, uint64_t offset);
    /* Fewer bytes than asked only at the end of the file. */
    ssize_t (*read_at)(void *self, int fd, void *out, size_t size, uint64_t offset);
    int (*sync)(void *self, int fd);
    int (*sync_directory)(void *self, int dir_fd);
    /* Reserve `size` bytes that read as zeros. */
    int (*allocate)(void *self, int fd, uint64_t size);
    int (*truncate)(void *self, int fd, uint64_t size);
    int (*rename)(void *self, int dir_fd, const char *from, const char *to);
    int (*remove)(void *self, int dir_fd, const char *name);
};

const struct mr_file_ops *mr_file_ops_system(void);

#endif
