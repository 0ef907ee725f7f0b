/* A line of the feed, and records of JSON: bytes that daemons and users give the command line.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/batch_lines.h"
#include "cli/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_records(enum mr_record_input_form form, int fd)
{
    char path[64];
    struct mr_slice record;
    struct mr_error err;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const char *paths[] = { path, NULL };
    mr_auto_input struct mr_record_input input;
    mr_record_input_init(&input, form, paths);
    while (mr_record_input_next(&input, &record, &err) > 0) {
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mr_say say;
    static struct mr_batch_lines *lines;
    static int fd = -1;
    if (lines == NULL) {
        if (freopen("/dev/null", "w", stdout) == NULL) {
            return -1;
        }
        mr_say_init(&say, false);
        lines = mr_batch_lines_new(&say, MR_BATCH_USUAL);
        fd = memfd_create("records", 0);
    }
    mr_batch_lines_take(mr_slice_of(data, size), lines);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        return -1;
    }
    read_records(MR_INPUT_JSON, fd);
    read_records(MR_INPUT_LINES, fd);
    return 0;
}
