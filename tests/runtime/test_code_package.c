#include "runtime/code_package.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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
};

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
         MR_TEST_LOOP(an_entry_that_wants_out_is_refused_by_name, 6),
         MR_TEST(what_is_no_zip_is_refused))
