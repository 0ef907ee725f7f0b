#include "runtime/code_package.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/auto.h"

static void
archive_free_auto(struct archive **slot)
{
    archive_free(*slot);
}

#define mr_auto_archive __attribute__((cleanup(archive_free_auto)))

static int
refuse(struct mr_error *err, const char *name, const char *why)
{
    return mr_fail(err, -EINVAL, "code package: entry %.120s %s", name, why);
}

/* Relative, and never upwards. */
static bool
is_inside(struct mr_slice path)
{
    if (path.size == 0 || path.data[0] == '/' || mr_slice_find(path, '\\') >= 0) {
        return false;
    }
    while (path.data != NULL) {
        if (mr_slice_is(mr_slice_cut(&path, '/'), "..")) {
            return false;
        }
    }
    return true;
}

/* "." and "./" are the package's own directory. */
static bool
is_top(struct mr_slice path)
{
    while (path.data != NULL) {
        struct mr_slice part = mr_slice_cut(&path, '/');
        if (part.size > 0 && !mr_slice_is(part, ".")) {
            return false;
        }
    }
    return true;
}

/*
 * A link may climb first, not over the package's top, and then descend. Climbing
 * after it has descended could go through another link, and no count would tell where to.
 */
static bool
link_stays_inside(struct mr_slice name, struct mr_slice target)
{
    long depth = -1; /* the entry's own name is no level */
    bool descends = false;

    if (target.size == 0 || target.data[0] == '/') {
        return false;
    }
    while (name.data != NULL) {
        struct mr_slice part = mr_slice_cut(&name, '/');
        depth += part.size > 0 && !mr_slice_is(part, ".");
    }
    while (target.data != NULL) {
        struct mr_slice part = mr_slice_cut(&target, '/');
        if (mr_slice_is(part, "..")) {
            if (descends || --depth < 0) {
                return false;
            }
        } else if (part.size > 0 && !mr_slice_is(part, ".")) {
            descends = true;
        }
    }
    return true;
}

static int
check_entry(struct archive_entry *entry, const char *name, struct mr_error *err)
{
    mode_t type = archive_entry_filetype(entry);
    const char *target = archive_entry_symlink(entry);

    if (!is_inside(mr_slice_str(name))) {
        return refuse(err, name, "leads out of the package");
    }
    if (is_top(mr_slice_str(name)) && type != AE_IFDIR) {
        return refuse(err, name, "would take the place of the package itself");
    }
    if (archive_entry_hardlink(entry) != NULL) {
        return refuse(err, name, "is a hard link");
    }
    if (type == AE_IFLNK && !link_stays_inside(mr_slice_str(name), mr_slice_str(target))) {
        return refuse(err, name, "is a link that leads out of the package");
    }
    if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK) {
        return refuse(err, name, "is neither a file nor a directory nor a link");
    }
    if ((archive_entry_mode(entry) & (S_ISUID | S_ISGID)) != 0) {
        return refuse(err, name, "has setuid or setgid bits");
    }
    return 0;
}

static int
copy_data(struct archive *from, struct archive *to, const char *name, uint64_t *total,
          struct mr_error *err)
{
    const void *data;
    size_t size;
    la_int64_t offset;
    int rc;

    while ((rc = archive_read_data_block(from, &data, &size, &offset)) == ARCHIVE_OK) {
        *total += size;
        if (*total > MR_CODE_MAX_UNPACKED_BYTES) {
            return mr_fail(err, -E2BIG,
                           "code package: more than %d bytes unpacked, reached in entry %.120s",
                           MR_CODE_MAX_UNPACKED_BYTES, name);
        }
        if (archive_write_data_block(to, data, size, offset) < ARCHIVE_OK) {
            return mr_fail(err, -EIO, "code package: write %.80s: %.80s", name,
                           archive_error_string(to));
        }
    }
    return rc == ARCHIVE_EOF ? 0
                             : mr_fail(err, -EINVAL, "code package: entry %.80s: %.80s", name,
                                       archive_error_string(from));
}

static int
unpack_entry(struct archive *from, struct archive *to, struct archive_entry *entry,
             const char *directory, uint64_t *total, struct mr_error *err)
{
    const char *given = archive_entry_pathname(entry);

    if (given == NULL) {
        return mr_fail(err, -EINVAL, "code package: an entry has no readable name");
    }
    mr_auto_free char *name = strdup(given);
    mr_auto_free char *path = NULL;
    if (check_entry(entry, name, err) < 0) {
        return err != NULL ? err->code : -EINVAL;
    }
    if (is_top(mr_slice_str(name))) {
        return 0;
    }
    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        return mr_fail(err, -ENOMEM, "code package: out of memory");
    }
    bool is_dir = archive_entry_filetype(entry) == AE_IFDIR;
    mode_t executable = archive_entry_mode(entry) & 0111;
    archive_entry_set_pathname(entry, path);
    archive_entry_set_perm(entry, is_dir || executable != 0 ? 0755 : 0644);
    if (archive_write_header(to, entry) < ARCHIVE_OK) {
        return mr_fail(err, -EINVAL, "code package: entry %.80s: %.100s", name,
                       archive_error_string(to));
    }
    return copy_data(from, to, name, total, err);
}

int
mr_code_package_unpack(struct mr_slice zip, const char *directory, struct mr_error *err)
{
    mr_auto_archive struct archive *from = archive_read_new();
    mr_auto_archive struct archive *to = archive_write_disk_new();
    struct archive_entry *entry;
    struct mr_error local = { 0 };
    uint64_t total = 0;
    size_t entries = 0;
    int rc;

    err = err != NULL ? err : &local;
    if (zip.size > MR_CODE_MAX_ZIP_BYTES) {
        return mr_fail(err, -E2BIG, "code package: %zu bytes, at most %d are taken", zip.size,
                       MR_CODE_MAX_ZIP_BYTES);
    }
    archive_read_support_format_zip(from);
    archive_write_disk_set_options(to, ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                                           ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                                           ARCHIVE_EXTRACT_UNLINK);
    if (archive_read_open_memory(from, zip.data, zip.size) != ARCHIVE_OK) {
        return mr_fail(err, -EINVAL, "code package: not a zip file: %.120s",
                       archive_error_string(from));
    }
    while ((rc = archive_read_next_header(from, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
        if (++entries > MR_CODE_MAX_ENTRIES) {
            return mr_fail(err, -E2BIG, "code package: more than %d entries",
                           MR_CODE_MAX_ENTRIES);
        }
        if (unpack_entry(from, to, entry, directory, &total, err) < 0) {
            return err->code;
        }
    }
    if (rc != ARCHIVE_EOF || entries == 0) {
        return mr_fail(err, -EINVAL, "code package: not a readable zip file: %.120s",
                       archive_error_string(from) ? archive_error_string(from) : "it is empty");
    }
    return archive_write_close(to) == ARCHIVE_OK
               ? 0
               : mr_fail(err, -EIO, "code package: %.120s", archive_error_string(to));
}
