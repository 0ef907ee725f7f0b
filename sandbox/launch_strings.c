#include "sandbox/launch_strings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

struct entry {
    uint32_t tag;
    uint32_t size;
};

static size_t
padded(size_t value_size)
{
    return (value_size + 1 + 3) & ~(size_t)3; /* with its NUL */
}

int
mr_launch_strings_add(struct mr_buf *buf, enum mr_launch_tag tag, struct mr_slice value,
                      struct mr_error *err)
{
    static const char zeroes[4];

    if (mr_slice_find(value, 0) >= 0) {
        return mr_fail(err, -EINVAL, "a launch string holds a NUL byte: %.*s",
                       (int)(value.size < 60 ? value.size : 60), (const char *)value.data);
    }
    if (value.size > MR_SANDBOX_MAX_STRINGS ||
        buf->size + sizeof(struct entry) + padded(value.size) > MR_SANDBOX_MAX_STRINGS) {
        return mr_fail(err, -E2BIG,
                       "arguments, environment and paths of a launch are over %d bytes",
                       MR_SANDBOX_MAX_STRINGS);
    }
    struct entry entry = { tag, (uint32_t)value.size };
    mr_buf_append(buf, &entry, sizeof(entry));
    mr_buf_append_slice(buf, value);
    mr_buf_append(buf, zeroes, padded(value.size) - value.size);
    return 0;
}

static int
take_path(const char **slot, const char *what, const char *value, struct mr_error *err)
{
    if (*slot != NULL) {
        return mr_fail(err, -EINVAL, "launch strings name two %s", what);
    }
    if (value[0] != '/') {
        return mr_fail(err, -EINVAL, "the %s is not an absolute path: %.80s", what, value);
    }
    if (strlen(value) >= MR_SANDBOX_MAX_PATH) {
        return mr_fail(err, -E2BIG, "the %s is longer than %d bytes", what,
                       MR_SANDBOX_MAX_PATH);
    }
    *slot = value;
    return 0;
}

static int
take_one_of(const char **list, size_t *count, size_t limit, const char *what, const char *value,
            struct mr_error *err)
{
    if (*count >= limit) {
        return mr_fail(err, -E2BIG, "a launch has more than %zu %s", limit, what);
    }
    list[(*count)++] = value;
    return 0;
}

static int
take_env(struct mr_launch_strings *strings, const char *value, struct mr_error *err)
{
    const char *equals = strchr(value, '=');

    if (equals == NULL || equals == value) {
        return mr_fail(err, -EINVAL, "an environment entry is not NAME=value: %.60s", value);
    }
    return take_one_of(strings->env, &strings->env_count, MR_SANDBOX_MAX_ENV,
                       "environment variables", value, err);
}

static int
take_layer(struct mr_launch_strings *strings, const char *value, struct mr_error *err)
{
    const char *layer = NULL;

    if (take_path(&layer, "layer", value, err) < 0) {
        return -EINVAL;
    }
    return take_one_of(strings->layers, &strings->layer_count, MR_SANDBOX_MAX_LAYERS, "layers",
                       value, err);
}

static int
take(struct mr_launch_strings *strings, uint32_t tag, const char *value, struct mr_error *err)
{
    switch (tag) {
    case MR_LAUNCH_NAME:
        if (strings->name != NULL || strlen(value) > MR_LAMBDA_MAX_FUNCTION_NAME) {
            return mr_fail(err, -EINVAL, "the function's name is given twice or is too long");
        }
        strings->name = value;
        return 0;
    case MR_LAUNCH_CODE_DIR:
        return take_path(&strings->code_dir, "code directory", value, err);
    case MR_LAUNCH_RUNTIME_DIR:
        return take_path(&strings->runtime_dir, "runtime directory", value, err);
    case MR_LAUNCH_LAYER:
        return take_layer(strings, value, err);
    case MR_LAUNCH_ARG:
        return take_one_of(strings->args, &strings->arg_count, MR_SANDBOX_MAX_ARGS, "arguments",
                           value, err);
    case MR_LAUNCH_ENV:
        return take_env(strings, value, err);
    case MR_LAUNCH_ALLOW:
        return take_one_of(strings->allows, &strings->allow_count, MR_LAUNCH_MAX_ALLOWS,
                           "allowed system calls", value, err);
    default:
        return mr_fail(err, -EINVAL, "no launch string has the tag %u", tag);
    }
}

/* Cuts the entry at the front of `*rest`; the value ends in a NUL and holds none. */
static int
cut_entry(struct mr_slice *rest, uint32_t *out_tag, const char **out_value,
          struct mr_error *err)
{
    struct entry entry;

    if (rest->size < sizeof(entry)) {
        return mr_fail(err, -EINVAL, "launch strings end in the middle of an entry");
    }
    memcpy(&entry, rest->data, sizeof(entry));
    const uint8_t *value = rest->data + sizeof(entry);
    size_t left = rest->size - sizeof(entry);
    if (entry.size >= left || padded(entry.size) > left) {
        return mr_fail(err, -EINVAL, "launch strings end in the middle of a value");
    }
    if (memchr(value, 0, entry.size) != NULL) {
        return mr_fail(err, -EINVAL, "a launch string holds a NUL byte");
    }
    for (size_t i = entry.size; i < padded(entry.size); i++) {
        if (value[i] != 0) {
            return mr_fail(err, -EINVAL, "a launch string is not padded with zeroes");
        }
    }
    *out_tag = entry.tag;
    *out_value = (const char *)value;
    *rest = mr_slice_from(*rest, sizeof(entry) + padded(entry.size));
    return 0;
}

int
mr_launch_strings_parse(struct mr_launch_strings *out_strings, struct mr_slice bytes,
                        struct mr_error *err)
{
    struct mr_launch_strings strings = { 0 };

    if (bytes.size > MR_SANDBOX_MAX_STRINGS) {
        return mr_fail(err, -E2BIG, "launch strings are over %d bytes", MR_SANDBOX_MAX_STRINGS);
    }
    while (bytes.size > 0) {
        uint32_t tag;
        const char *value;
        if (cut_entry(&bytes, &tag, &value, err) < 0 || take(&strings, tag, value, err) < 0) {
            return -EINVAL;
        }
    }
    if (strings.code_dir == NULL) {
        return mr_fail(err, -EINVAL, "a launch without a code directory");
    }
    if (strings.arg_count == 0 || strings.args[0][0] == 0) {
        return mr_fail(err, -EINVAL, "a launch without a program to run");
    }
    if (strings.name == NULL) {
        strings.name = "";
    }
    *out_strings = strings;
    return 0;
}

int
mr_launch_strings_seal(struct mr_slice bytes, struct mr_error *err)
{
    int fd = memfd_create("launch", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        return mr_fail(err, -errno, "memfd for a launch: %s", strerror(errno));
    }
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t wrote = write(fd, bytes.data + done, bytes.size - done);
        if (wrote < 0 && errno != EINTR) {
            int code = mr_fail(err, -errno, "write a launch: %s", strerror(errno));
            close(fd);
            return code;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
        int code = mr_fail(err, -errno, "seal a launch: %s", strerror(errno));
        close(fd);
        return code;
    }
    return fd;
}

int
mr_launch_strings_map(int fd, struct mr_slice *out_bytes, struct mr_error *err)
{
    struct stat stat;

    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS) {
        return mr_fail(err, -EINVAL, "launch strings are not in a sealed memory file");
    }
    if (fstat(fd, &stat) < 0 || stat.st_size <= 0 || stat.st_size > MR_SANDBOX_MAX_STRINGS) {
        return mr_fail(err, -EINVAL, "launch strings are empty or over %d bytes",
                       MR_SANDBOX_MAX_STRINGS);
    }
    void *map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        return mr_fail(err, -errno, "map launch strings: %s", strerror(errno));
    }
    *out_bytes = mr_slice_of(map, (size_t)stat.st_size);
    return 0;
}
