#include "stream/file_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int
system_open(void *self, int dir_fd, const char *name, int flags)
{
    (void)self;
    int fd = openat(dir_fd, name, flags | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

/* Drop what has been written from the front. */
static void
advance(struct iovec **parts, int *count, size_t written)
{
    while (*count > 0 && written >= (*parts)->iov_len) {
        written -= (*parts)->iov_len;
        (*parts)++;
        (*count)--;
    }
    if (*count > 0) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + written;
        (*parts)->iov_len -= written;
    }
}

static int
system_write_at(void *self, int fd, struct iovec *parts, int count, uint64_t offset)
{
    (void)self;
    advance(&parts, &count, 0);
    while (count > 0) {
        ssize_t written = pwritev(fd, parts, count < IOV_MAX ? count : IOV_MAX, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return written == 0 ? -EIO : -errno;
        }
        offset += (uint64_t)written;
        advance(&parts, &count, (size_t)written);
    }
    return 0;
}

static ssize_t
system_read_at(void *self, int fd, void *out, size_t size, uint64_t offset)
{
    (void)self;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, (char *)out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static int
system_sync(void *self, int fd)
{
    (void)self;
    return fdatasync(fd) < 0 ? -errno : 0;
}

static int
system_sync_directory(void *self, int dir_fd)
{
    (void)self;
    return fsync(dir_fd) < 0 ? -errno : 0;
}

static int
system_allocate(void *self, int fd, uint64_t size)
{
    (void)self;
    if (fallocate(fd, 0, 0, (off_t)size) == 0) {
        return 0;
    }
    if (errno != EOPNOTSUPP) {
        return -errno;
    }
    return ftruncate(fd, (off_t)size) < 0 ? -errno : 0; /* sparse: the best this disk can do */
}

static int
system_truncate(void *self, int fd, uint64_t size)
{
    (void)self;
    return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static int
system_rename(void *self, int dir_fd, const char *from, const char *to)
{
    (void)self;
    return renameat(dir_fd, from, dir_fd, to) < 0 ? -errno : 0;
}

static int
system_remove(void *self, int dir_fd, const char *name)
{
    (void)self;
    return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

const struct mr_file_ops *
mr_file_ops_system(void)
{
    static const struct mr_file_ops ops = {
        .open = system_open,
        .write_at = system_write_at,
        .read_at = system_read_at,
        .sync = system_sync,
        .sync_directory = system_sync_directory,
        .allocate = system_allocate,
        .truncate = system_truncate,
        .rename = system_rename,
        .remove = system_remove,
    };
    return &ops;
}
