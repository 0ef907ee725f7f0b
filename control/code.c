/*
 * A function's code on disk: DATA/code/OWNER/HASH for a zip's contents and HASH.zip beside it,
 * or a directory of the user's own, used where it is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/base64.h"
#include "aws/sigv4.h"
#include "base/alloc.h"
#include "base/log.h"
#include "control/inside.h"
#include "runtime/code_package.h"
#include "sandbox/remove_tree.h"

enum { EMPTY_ZIP_BYTES = 22 }; /* its end, and nothing before */

/* The digest a caller compares: base64 of the SHA-256's bytes. */
static json_t *
digest_of(const char *hex)
{
    uint8_t bytes[32], text[48];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        bytes[i] = (uint8_t)byte;
    }
    size_t size = mr_base64_encode(mr_slice_of(bytes, sizeof(bytes)), text);
    return json_stringn((const char *)text, size);
}

static int
make_directories(const char *data, const char *owner, char **out_path, struct mr_error *err)
{
    mr_auto_free char *code = mr_format("%s/code", data);
    char *path = mr_format("%s/code/%s", data, owner);

    if ((mkdir(code, 0755) < 0 && errno != EEXIST) ||
        (mkdir(path, 0755) < 0 && errno != EEXIST)) {
        int rc = mr_fail(err, -errno, "make directory %s: %s", path, strerror(errno));
        free(path);
        return rc;
    }
    *out_path = path;
    return 0;
}

static int
write_file(const char *path, struct mr_slice bytes, struct mr_error *err)
{
    mr_auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    while (fd >= 0 && bytes.size > 0) {
        ssize_t written = write(fd, bytes.data, bytes.size);
        if (written < 0) {
            break;
        }
        bytes = mr_slice_from(bytes, (size_t)written);
    }
    if (fd < 0 || bytes.size > 0) {
        return mr_fail(err, -errno, "write %s: %s", path, strerror(errno));
    }
    return 0;
}

static bool
is_directory(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Unpacked aside, on the disk, and renamed: a code directory is whole or not there. */
static int
unpack(const char *folder, const char *hash, struct mr_slice zip, struct mr_error *err)
{
    mr_auto_free char *final = mr_format("%s/%s", folder, hash);
    mr_auto_free char *aside = mr_format("%s/.unpacking-XXXXXX", folder);
    mr_auto_free char *file = mr_format("%s/%s.zip", folder, hash);

    if (is_directory(final)) {
        return 0;
    }
    if (mkdtemp(aside) == NULL || chmod(aside, 0755) < 0) {
        return mr_fail(err, -errno, "make directory %s: %s", aside, strerror(errno));
    }
    if (mr_code_package_unpack(zip, aside, err) < 0 || write_file(file, zip, err) < 0) {
        mr_remove_tree(AT_FDCWD, aside);
        return err->code;
    }
    mr_auto_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) < 0 || rename(aside, final) < 0 || fsync(fd) < 0) {
        int code = errno;
        mr_remove_tree(AT_FDCWD, aside);
        return mr_fail(err, -code, "keep code in %s: %s", folder, strerror(code));
    }
    return 0;
}

static bool
is_zip(struct mr_slice bytes)
{
    return mr_slice_starts_with(bytes, MR_SLICE("PK"));
}

static void
refuse_zip(struct call *call, const char *owner, struct mr_slice zip,
           const struct mr_error *err)
{
    static const char error[] = "InvalidParameterValueException";

    mr_log(MR_LOG_WARN, "control", "code of %s: %s", owner, err->text);
    if (zip.size == 0 || (zip.size <= EMPTY_ZIP_BYTES && is_zip(zip))) {
        call_fail(call, error, "Uploaded file must be a non-empty zip");
    } else if (err->code == -E2BIG) {
        call_fail(call, error, "Unzipped size must be smaller than %d bytes",
                  MR_CODE_MAX_UNPACKED_BYTES);
    } else if (err->code == -EINVAL) {
        call_fail(call, error,
                  "Could not unzip uploaded file. Please check your file, then try to upload "
                  "again.%s%s",
                  is_zip(zip) ? " " : "", is_zip(zip) ? err->text : "");
    } else {
        call_fail(call, "ServiceException", "%s", err->text);
    }
}

static bool
store_zip(struct call *call, const char *owner, struct mr_slice zip, json_t *version)
{
    const char *data = call->control->options.data;
    char hash[MR_SHA256_HEX + 1] = { 0 };
    mr_auto_free char *folder = NULL;
    struct mr_error err = { 0 };

    mr_sha256_hex(zip, hash);
    if (make_directories(data, owner, &folder, &err) < 0 ||
        unpack(folder, hash, zip, &err) < 0) {
        refuse_zip(call, owner, zip, &err);
        return false;
    }
    json_object_set_new(version, "_code",
                        json_pack("{s:s, s:s, s:o}", "kind", "zip", "name", hash, "directory",
                                  json_printf("%s/%s", folder, hash)));
    json_object_set_new(version, "CodeSize", json_integer((json_int_t)zip.size));
    json_object_set_new(version, "CodeSha256", digest_of(hash));
    return true;
}

static bool
store_base64(struct call *call, const char *owner, const char *text, json_t *version)
{
    struct mr_slice given = mr_slice_str(text);
    uint8_t *bytes = mr_arena_alloc(call->arena, mr_base64_decoded_max(given.size) + 1);
    ssize_t size = mr_base64_decode(given, bytes, NULL);

    if (size < 0) {
        call_fail(call, "SerializationException", "ZipFile is no base64");
        return false;
    }
    if (size > MR_CODE_MAX_ZIP_BYTES) {
        call_fail(call, "RequestEntityTooLargeException",
                  "Zipped size must be smaller than %d bytes", MR_CODE_MAX_ZIP_BYTES);
        return false;
    }
    return store_zip(call, owner, mr_slice_of(bytes, (size_t)size), version);
}

/* Not there is fine; there and closed to us is not. */
static bool
can_list(const char *path)
{
    DIR *directory = opendir(path);

    if (directory == NULL) {
        return errno != EACCES && errno != EPERM;
    }
    closedir(directory);
    return true;
}

static bool
use_directory(struct call *call, const char *owner, const char *path, json_t *version)
{
    char hash[MR_SHA256_HEX + 1] = { 0 };

    errno = 0;
    errno = 0;
    if (path == NULL || path[0] != '/' || !is_directory(path)) {
        call_fail(
            call, "InvalidParameterValueException",
            "a local directory is named by its absolute path in S3Key, and \"%s\" is none: %s",
            path != NULL ? path : "", errno != 0 ? strerror(errno) : "no directory");
        return false;
    }
    if (owner[0] == '@' && !can_list(mr_arena_printf(call->arena, "%s/extensions", path))) {
        call_fail(call, "InvalidParameterValueException",
                  "the layer's directory brings extensions, and millraced reads no directories "
                  "but its own: publish it as a zip");
        return false;
    }
    mr_sha256_hex(mr_slice_str(path), hash);
    json_object_set_new(version, "_code",
                        json_pack("{s:s, s:s}", "kind", "directory", "directory", path));
    json_object_set_new(version, "CodeSize", json_integer(0));
    json_object_set_new(version, "CodeSha256", digest_of(hash));
    return true;
}

bool
code_store(struct call *call, const char *owner, json_t *code, json_t *version)
{
    const char *zip = json_text_of(code, "ZipFile");
    const char *bucket = json_text_of(code, "S3Bucket");

    if (zip != NULL) {
        return store_base64(call, owner, zip, version);
    }
    if (bucket != NULL &&
        (strcmp(bucket, "hot-reload") == 0 || strcmp(bucket, "local-directory") == 0)) {
        return use_directory(call, owner, json_text_of(code, "S3Key"), version);
    }
    if (bucket != NULL) {
        call_fail(
            call, "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error "
            "Message: The specified bucket does not exist (Millrace takes code as ZipFile, "
            "or from a directory: S3Bucket \"local-directory\", S3Key its absolute path)");
        return false;
    }
    call_fail(call, "InvalidParameterValueException",
              "Please provide a source for function code.");
    return false;
}

/* ---- what nobody needs any more ---- */

static bool
is_used(const json_t *function, const char *entry, const char *keep)
{
    size_t length = strcspn(entry, ".");
    json_t *version;
    const char *number;

    if (keep != NULL && strlen(keep) == length && strncmp(entry, keep, length) == 0) {
        return true;
    }
    json_object_foreach(json_object_get(function, "versions"), number, version)
    {
        const char *name = json_text_of(json_object_get(version, "_code"), "name");
        if (name != NULL && strlen(name) == length && strncmp(entry, name, length) == 0) {
            return true;
        }
    }
    return false;
}

void
code_collect(struct mr_control *control, const json_t *function, const char *keep)
{
    mr_auto_free char *path =
        mr_format("%s/code/%s", control->options.data, json_text_of(function, "name"));
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !is_used(function, entry->d_name, keep)) {
            mr_remove_tree(dirfd(directory), entry->d_name);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

void
code_remove_all(struct mr_control *control, const char *owner)
{
    mr_auto_free char *path = mr_format("%s/code/%s", control->options.data, owner);

    mr_remove_tree(AT_FDCWD, path);
}

/* ---- download ---- */

char *
code_location(struct call *call, const char *owner, const json_t *version)
{
    const json_t *code = json_object_get(version, "_code");
    struct mr_slice host = mr_http_request_header(call->request, "host");
    const char *name = json_text_of(code, "name");

    if (name == NULL) {
        return mr_arena_printf(call->arena, "file://%s", json_text_of(code, "directory"));
    }
    if (host.size == 0) {
        host = MR_SLICE("localhost");
    }
    return mr_arena_printf(call->arena, "http://%.*s/_millrace/code/%s/%s", MR_SLICE_ARGS(host),
                           owner, name);
}

static bool
is_plain_name(const char *name)
{
    return name != NULL && name[0] != '.' && name[0] != '\0' && strchr(name, '/') == NULL;
}

void
act_local_code(struct call *call)
{
    const char *owner = call_text(call, "Name"), *hash = call_text(call, "Hash");
    struct stat status;

    if (!is_plain_name(owner) || !is_plain_name(hash)) {
        call_fail(call, "ResourceNotFoundException", "there is no such code");
        return;
    }
    mr_auto_free char *path =
        mr_format("%s/code/%s/%s.zip", call->control->options.data, owner, hash);
    mr_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct mr_buf body = { 0 };
    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size > MR_CODE_MAX_ZIP_BYTES) {
        call_fail(call, "ResourceNotFoundException", "there is no such code");
        return;
    }
    uint8_t *room = mr_buf_reserve(&body, (size_t)status.st_size + 1);
    ssize_t size = read(fd, room, (size_t)status.st_size);
    body.size = size < 0 ? 0 : (size_t)size;
    mr_http_respond(call->exchange,
                    &(struct mr_http_response){ .status = 200,
                                                .content_type = MR_SLICE("application/zip"),
                                                .take = &body });
    mr_buf_deinit(&body);
}
