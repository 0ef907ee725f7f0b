#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/auto.h"
#include "control/history_ring.h"
#include "sandbox/remove_tree.h"
#include "tests/suite.h"

enum { MIB = 1024 * 1024 };

static char directory[64];

static void
setup(void)
{
    snprintf(directory, sizeof(directory), "/tmp/millrace-history-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static struct history_ring *
opened(uint64_t max_bytes)
{
    struct mr_error err = { 0 };
    struct history_ring *ring = history_ring_open(directory, max_bytes, &err);
    ck_assert_msg(ring != NULL, "%s", err.text);
    return ring;
}

static void
add(struct history_ring *ring, const char *event, size_t size)
{
    struct mr_error err = { 0 };
    json_t *heading = json_pack("{s:I}", "eventBytes", (json_int_t)size);
    ck_assert_msg(history_ring_add(ring, heading, mr_slice_of(event, size), &err) == 0, "%s",
                  err.text);
}

static void
check_body(const struct history_ring *ring, size_t index, const char *wanted)
{
    mr_auto_buf struct mr_buf body = { 0 };
    struct mr_error err = { 0 };
    const struct history_entry *entry = history_ring_at(ring, index);
    ck_assert_msg(history_ring_read(ring, entry, &body, &err) == 0, "%s", err.text);
    ck_assert_str_eq(mr_buf_cstr(&body), wanted);
}

/* The only file, or the newest by name. */
static char *
newest_file(size_t *out_count)
{
    DIR *files = opendir(directory);
    char newest[256] = "";
    struct dirent *entry;
    *out_count = 0;
    while ((entry = readdir(files)) != NULL) {
        if (strstr(entry->d_name, ".history") != NULL) {
            ++*out_count;
            if (strcmp(entry->d_name, newest) > 0) {
                snprintf(newest, sizeof(newest), "%s", entry->d_name);
            }
        }
    }
    closedir(files);
    return mr_format("%s/%s", directory, newest);
}

START_TEST(records_are_there_after_a_restart_and_numbers_go_on)
{
    setup();
    struct history_ring *ring = opened(64 * MIB);
    add(ring, "one", 3);
    add(ring, "line\nbreak", 10);
    history_ring_close(ring);

    ring = opened(64 * MIB);

    ck_assert_uint_eq(history_ring_count(ring), 2);
    check_body(ring, 0, "one");
    check_body(ring, 1, "line\nbreak");
    ck_assert_uint_eq(history_ring_next(ring), 3);
    add(ring, "three", 5);
    ck_assert_uint_eq(history_ring_at(ring, 2)->number, 3);
    check_body(ring, 2, "three");
    history_ring_close(ring);
    mr_remove_tree(AT_FDCWD, directory);
}
END_TEST

START_TEST(a_torn_end_is_cut_off)
{
    setup();
    size_t count;
    struct history_ring *ring = opened(64 * MIB);
    add(ring, "whole", 5);
    add(ring, "torn apart", 10);
    history_ring_close(ring);
    mr_auto_free char *path = newest_file(&count);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(truncate(path, status.st_size - 4), 0);

    ring = opened(64 * MIB);

    ck_assert_uint_eq(history_ring_count(ring), 1);
    check_body(ring, 0, "whole");
    add(ring, "next", 4);
    history_ring_close(ring);
    ring = opened(64 * MIB);
    ck_assert_uint_eq(history_ring_count(ring), 2);
    check_body(ring, 1, "next");
    history_ring_close(ring);
    mr_remove_tree(AT_FDCWD, directory);
}
END_TEST

START_TEST(the_oldest_go_when_it_is_full)
{
    setup();
    size_t files;
    char *large = mr_alloc(MIB);
    memset(large, 'x', MIB);
    struct history_ring *ring = opened(32 * MIB);

    for (int i = 0; i < 100; i++) {
        add(ring, large, MIB);
    }

    free(newest_file(&files));
    ck_assert_uint_le(files, 4);
    ck_assert_uint_lt(history_ring_count(ring), 40);
    ck_assert_uint_gt(history_ring_at(ring, 0)->number, 1);
    ck_assert_uint_eq(history_ring_next(ring), 101);
    history_ring_close(ring);
    free(large);
    mr_remove_tree(AT_FDCWD, directory);
}
END_TEST

START_TEST(bytes_that_are_no_records_are_passed_over)
{
    setup();
    mr_auto_free char *path = mr_format("%s/000000000001.history", directory);
    FILE *file = fopen(path, "w");
    fputs("{\"id\":1,\"eventBytes\":-5}\nno record\n{\"id\":2,\"eventBytes\":99999999}\n",
          file);
    fclose(file);

    struct history_ring *ring = opened(64 * MIB);

    ck_assert_uint_le(history_ring_count(ring), 1);
    add(ring, "fine", 4);
    history_ring_close(ring);
    mr_remove_tree(AT_FDCWD, directory);
}
END_TEST

MR_SUITE("control.history_ring", MR_TEST(records_are_there_after_a_restart_and_numbers_go_on),
         MR_TEST(a_torn_end_is_cut_off), MR_TEST(the_oldest_go_when_it_is_full),
         MR_TEST(bytes_that_are_no_records_are_passed_over))
