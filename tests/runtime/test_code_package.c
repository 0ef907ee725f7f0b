#include "runtime/code_package.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "tests/suite.h"

struct item {
    const char *name;
    mode_t mode;
    const char *content; /* or a link's target */
};

static size_t
zip(const struct item *items, size_t count, char *out, size_t capacity)
{
    struct archive *archive = archive_write_new();
    size_t used = 0;

    archive_write_set_format_zip(archive);
    archive_write_open_memory(archive, out, capacity, &used);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, items[i].name);
        archive_entry_set_mode(entry, items[i].mode);
        if (S_ISLNK(items[i].mode)) {
            archive_entry_set_symlink(entry, items[i].content);
            archive_write_header(archive, entry);
        } else {
            archive_entry_set_size(entry, (la_int64_t)strlen(items[i].content));
            archive_write_header(archive, entry);
            archive_write_data(archive, items[i].content, strlen(items[i].content));
        }
        archive_entry_free(entry);
    }
    archive_write_close(archive);
    archive_write_free(archive);
    return used;
}

static int
unpack(const struct item *items, size_t count, char dir[64], struct mr_error *err)
{
    static char bytes[65536];

    strcpy(dir, "/tmp/mr-package-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    return mr_code_package_unpack(mr_slice_of(bytes, zip(items, count, bytes, sizeof(bytes))),
                                  dir, err);
}

static void
wipe(const char *dir)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_package_is_unpacked_with_its_executables)
{
    static const struct item items[] = { { "bootstrap", S_IFREG | 0755, "#!/bin/sh\n" },
                                         { "lib/a.txt", S_IFREG | 0600, "a" },
                                         { "lib/b", S_IFLNK | 0777, "../bootstrap" } };
    struct mr_error err = { 0 };
    struct stat found;
    char dir[64], path[128];

    ck_assert_msg(unpack(items, 3, dir, &err) == 0, "%s", err.text);

    snprintf(path, sizeof(path), "%s/lib/b", dir);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 07777, 0755);
    snprintf(path, sizeof(path), "%s/lib/a.txt", dir);
    ck_assert_int_eq(stat(path, &found), 0);
    ck_assert_uint_eq(found.st_mode & 07777, 0644);
    wipe(dir);
}
END_TEST

static const struct item bad[] = {
    { "../evil", S_IFREG | 0644, "x" },      { "/evil", S_IFREG | 0644, "x" },
    { "a/../../evil", S_IFREG | 0644, "x" }, { "evil", S_IFLNK | 0777, "/etc/passwd" },
    { "d/evil", S_IFLNK | 0777, "../../x" }, { "evil", S_IFREG | 04755, "x" },
    { "evil", S_IFREG | 02755, "x" },        { "evil", S_IFLNK | 0777, "a/b/../../.." },
    { "evil", S_IFLNK | 0777, "l/l/../.." }, { "d/e/evil", S_IFLNK | 0777, "../../../x" },
    { "d/..", S_IFREG | 0644, "x" },         { ".", S_IFREG | 0644, "x" },
    { "./.", S_IFLNK | 0777, "a" },
};

/* Written by hand into the archive: a zip writer makes none of these. (libarchive reads a pipe
 * as an ordinary file.) */
static const mode_t odd_types[] = { S_IFCHR, S_IFBLK, S_IFSOCK };

START_TEST(what_is_no_file_directory_or_link_is_refused_by_name)
{
    static const struct item item = { "evil", S_IFREG | 0644, "x" };
    static const char head[] = "PK\1\2"; /* of the central directory's entry */
    static char bytes[4096];
    struct mr_error err = { 0 };
    char dir[] = "/tmp/mr-package-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    size_t size = zip(&item, 1, bytes, sizeof(bytes));
    char *entry = memmem(bytes, size, head, 4);
    ck_assert_ptr_nonnull(entry);
    mode_t mode = odd_types[_i] | 0644;
    entry[40] = (char)(mode & 0xff);
    entry[41] = (char)(mode >> 8);

    ck_assert_int_eq(mr_code_package_unpack(mr_slice_of(bytes, size), dir, &err), -EINVAL);

    ck_assert_msg(strstr(err.text, "entry evil is neither") != NULL, "%s", err.text);
    wipe(dir);
}
END_TEST

START_TEST(a_bomb_is_refused_by_the_entry_that_goes_over)
{
    enum { ZEROS = 300 * 1024 * 1024, BLOCK = 1 << 20 };
    static char bytes[2 << 20], zeros[BLOCK];
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    struct mr_error err = { 0 };
    char dir[] = "/tmp/mr-package-XXXXXX";
    size_t used = 0;
    ck_assert_ptr_nonnull(mkdtemp(dir));
    archive_write_set_format_zip(archive);
    archive_write_open_memory(archive, bytes, sizeof(bytes), &used);
    archive_entry_set_pathname(entry, "bomb");
    archive_entry_set_mode(entry, S_IFREG | 0644);
    archive_entry_set_size(entry, ZEROS);
    archive_write_header(archive, entry);
    for (size_t i = 0; i < ZEROS / BLOCK; i++) {
        ck_assert_int_eq(archive_write_data(archive, zeros, BLOCK), BLOCK);
    }
    archive_entry_free(entry);
    archive_write_close(archive);
    archive_write_free(archive);

    ck_assert_int_eq(mr_code_package_unpack(mr_slice_of(bytes, used), dir, &err), -E2BIG);

    ck_assert_msg(strstr(err.text, "entry bomb") != NULL, "%s", err.text);
    wipe(dir);
}
END_TEST

START_TEST(nothing_is_written_through_a_link_of_the_package)
{
    static const struct item items[] = { { "d/real", S_IFREG | 0644, "x" },
                                         { "l", S_IFLNK | 0777, "d" },
                                         { "l/file", S_IFREG | 0644, "y" } };
    struct mr_error err = { 0 };
    char dir[64], path[128];

    int rc = unpack(items, 3, dir, &err);

    snprintf(path, sizeof(path), "%s/d/file", dir);
    ck_assert_msg(rc < 0 || access(path, F_OK) < 0, "written through a link");
    wipe(dir);
}
END_TEST

START_TEST(an_entry_that_wants_out_is_refused_by_name)
{
    struct mr_error err = { 0 };
    char dir[64];

    ck_assert_int_eq(unpack(&bad[_i], 1, dir, &err), -EINVAL);

    ck_assert_msg(strstr(err.text, bad[_i].name) != NULL, "%s", err.text);
    wipe(dir);
}
END_TEST

START_TEST(what_is_no_zip_is_refused)
{
    struct mr_error err = { 0 };
    char dir[] = "/tmp/mr-package-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));

    ck_assert_int_lt(mr_code_package_unpack(MR_SLICE("not a zip"), dir, &err), 0);
    ck_assert_int_lt(mr_code_package_unpack(MR_SLICE(""), dir, &err), 0);

    wipe(dir);
}
END_TEST

MR_SUITE("runtime.code_package", MR_TEST(a_package_is_unpacked_with_its_executables),
         MR_TEST_LOOP(an_entry_that_wants_out_is_refused_by_name, sizeof(bad) / sizeof(bad[0])),
         MR_TEST_LOOP(what_is_no_file_directory_or_link_is_refused_by_name, 3),
         MR_TEST(a_bomb_is_refused_by_the_entry_that_goes_over),
         MR_TEST(nothing_is_written_through_a_link_of_the_package),
         MR_TEST(what_is_no_zip_is_refused))
